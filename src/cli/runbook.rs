//! `holdfast runbook`: procedures that people write down, carried out step by step.

mod approve;
mod books;
mod lead;
mod run;
mod said;
mod show;

use super::args::{Global, Runbook};
use super::{Exit, Failure, out};
use crate::engine::APPROVAL_POLICY;

pub(super) async fn run(global: &Global, what: &Runbook) -> Result<Exit, Failure> {
    match what {
        Runbook::Check { files } => books::check(files),
        Runbook::Schema => books::schema_of_books(),
        Runbook::Shipped => books::list(),
        Runbook::List => books::own(global),
        Runbook::Print { name } => books::print(global, name),
        Runbook::Explain { book } => books::explained(global, book),
        Runbook::Run(asked) => run::run(global, asked).await,
        Runbook::Resume(asked) => run::resume(global, asked).await,
        Runbook::Runs(asked) => show::runs(global, asked).await,
        Runbook::Show { id } => show::show(global, id).await,
        Runbook::Export(asked) => show::export(global, asked).await,
        Runbook::Note(asked) => show::note(global, asked).await,
        Runbook::Stop(asked) => show::stop(global, asked).await,
        Runbook::Approve(asked) => approve::run(global, asked).await,
        Runbook::ApprovalPolicy => {
            out::print(APPROVAL_POLICY)?;
            Ok(Exit::Fine)
        }
    }
}
