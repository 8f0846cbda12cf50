//! The command line: arguments, exit codes, and the commands that are not the console.
//!
//! Commands stand on the same session and views as the console and print the same rows, plans and reasons.
//! Results go to stdout, everything about the run to stderr.

mod args;
mod audit;
mod backup;
mod carry;
mod config;
mod demo;
mod drill;
mod earnest;
mod exit;
mod findings;
mod get;
mod hold;
mod isolate;
mod journal;
mod keys;
mod known_good;
mod links;
mod open;
mod operations;
mod out;
mod policy;
mod probe;
mod procedure;
mod prune;
mod rbac;
mod reconcile;
mod reissue;
mod renew;
mod restore;
mod restore_in_place;
mod rotate;
mod rotate_ca;
mod runbook;
mod settings;
mod shell;
mod stamp;
mod sweep;
mod triage;
mod verb;

use std::error::Error;

use clap::Parser;

use crate::text;

pub use args::{Args, Command};
pub use exit::{Exit, Failure};

/// Parses the command line, runs it, prints what went wrong and says how the process ends.
pub fn main() -> Exit {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and version come this way too; clap knows where each belongs.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Fine };
        }
    };
    match run(args) {
        Ok(exit) => exit,
        Err(failure) => {
            if failure.exit != Exit::Unread {
                out::say(format_args!("holdfast: {}", describe(&*failure.error)));
            }
            failure.exit
        }
    }
}

fn run(args: Args) -> Result<Exit, Failure> {
    open::log(args.global.log_file.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Unknown, error))?;
    let asked = earnest::asked(args.command.as_ref());
    let exit = runtime.block_on(async {
        match args.command {
            None => Box::pin(open::console(&args.global, &crate::config::state_directory()?, &[])).await,
            Some(Command::Demo(demo)) => Box::pin(demo::run(&args.global, &demo)).await,
            Some(Command::Get(get)) => get::run(&args.global, &get).await,
            Some(Command::Audit(asked)) => Box::pin(audit::run(&args.global, &asked)).await,
            Some(Command::Findings(asked)) => findings::run(&args.global, &asked),
            Some(Command::Triage(asked)) => triage::run(&args.global, &asked),
            Some(Command::KnownGood(asked)) => known_good::run(&args.global, &asked).await,
            Some(Command::Links(what)) => links::run(&args.global, &what).await,
            Some(Command::Stamp(asked)) => stamp::run(&asked),
            Some(Command::Backup(backup)) => backup::run(&args.global, &backup).await,
            Some(Command::Drill(drill)) => drill::run(&args.global, &drill).await,
            Some(Command::Restore(restore)) => restore::run(&args.global, &restore).await,
            Some(Command::Export(export)) => carry::export(&args.global, &export).await,
            Some(Command::Import(import)) => carry::import(&args.global, &import).await,
            Some(Command::Prune(prune)) => prune::run(&args.global, &prune).await,
            Some(Command::Hold(hold)) => hold::hold(&args.global, hold).await,
            Some(Command::Release(release)) => hold::release(&args.global, &release).await,
            Some(Command::Isolate(asked)) => isolate::isolate(&args.global, asked).await,
            Some(Command::Rejoin(asked)) => isolate::rejoin(&args.global, &asked).await,
            Some(Command::Sweep(asked)) => sweep::run(&args.global, &asked).await,
            Some(Command::Probe(asked)) => probe::run(&args.global, &asked).await,
            Some(Command::Renew(asked)) => renew::run(&args.global, asked).await,
            Some(Command::Rotate(asked)) => rotate::run(&args.global, asked).await,
            Some(Command::Procedure { name }) => procedure::run(name.as_deref()),
            Some(Command::RotateCa(asked)) => Box::pin(rotate_ca::run(&args.global, *asked)).await,
            Some(Command::Reissue(asked)) => Box::pin(reissue::run(&args.global, *asked)).await,
            Some(Command::Runbook(what)) => Box::pin(runbook::run(&args.global, &what)).await,
            Some(Command::Reconcile(reconcile)) => Box::pin(reconcile::run(&args.global, &reconcile)).await,
            Some(Command::Rbac(asked)) => rbac::run(&args.global, asked),
            Some(Command::Policy(what)) => policy::run(&args.global, &what),
            Some(Command::RestoreInPlace(asked)) => restore_in_place::run(&args.global, &asked).await,
            Some(Command::Operations(what)) => operations::run(&args.global, &what).await,
            Some(Command::Journal(what)) => journal::run(&args.global, &what).await,
            Some(Command::Config(what)) => config::run(&args.global, &what),
            Some(Command::Keys(keys)) => keys::run(&args.global, &keys),
            Some(Command::Completions { shell }) => shell::completions(shell),
            Some(Command::Man) => shell::man(),
        }
    });
    earnest::keep(&args.global, asked, &exit);
    // A credential plugin that hangs must not keep the process.
    runtime.shutdown_background();
    exit
}

/// An error with its causes, made safe for a terminal.
fn describe(error: &dyn Error) -> String {
    // Our own line breaks stay; whatever else a line holds may come from outside.
    text::chain(error).lines().map(text::sanitize).collect::<Vec<_>>().join("\n")
}
