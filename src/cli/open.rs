//! From arguments to an open session.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use super::args::Global;
use super::{Exit, Failure, out, policy, settings};
use crate::cluster::{self, ConnectError, Target};
use crate::config::{Config, LOG_ENV, ScanPlace, state_directory};
use crate::model::{Connection, Freshness, Kind, World};
use crate::session::{Event, Options, Session, Unnamed};
use crate::store::Store;
use crate::text::{self, names};
use crate::tui::{self, ConsoleError};
use crate::view::blind_spot;

/// How long a command waits for the cluster before it says that it could not judge.
const PATIENCE: Duration = Duration::from_secs(30);

/// The log filter unless `HOLDFAST_LOG` says otherwise. kube logs bodies that it cannot decode, Secrets included,
/// so its client is held to errors.
const FILTER: &str = "holdfast=info,kube_client=error,warn";

/// Starts logging to a file; without one nothing is logged, because the terminal is the console's.
pub(super) fn log(path: Option<&Path>) -> Result<(), Failure> {
    let Some(path) = path else { return Ok(()) };
    let file = OpenOptions::new().create(true).append(true).open(path);
    let file = file.map_err(|error| Failure::new(Exit::Usage, format!("cannot log to {}: {error}", path.display())))?;
    let filter = std::env::var(LOG_ENV).unwrap_or_else(|_| FILTER.to_owned());
    let filter = EnvFilter::try_new(&filter)
        .map_err(|error| Failure::new(Exit::Usage, format!("{LOG_ENV}={filter}: {error}")))?;
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(file).init();
    Ok(())
}

/// The target that the options name.
pub(super) fn target(global: &Global) -> Result<Target, Failure> {
    for namespace in &global.namespace {
        names::validate_namespace(namespace).map_err(|error| Failure::new(Exit::Usage, error))?;
    }
    Ok(Target {
        kubeconfig: global.kubeconfig.clone(),
        context: global.context.clone(),
        read_only: global.read_only,
        namespaces: global.namespace.clone(),
    })
}

/// An open session on these kinds; on namespaces, too, where some are named: [`settle`] sees whether they exist.
pub(super) fn session(global: &Global, kinds: &[Kind], unnamed: Unnamed) -> Result<Session, Failure> {
    let mut config = Config::load(global.config.as_deref())?;
    config.policy.named = policy::policies(global, &config)?;
    let kinds = with_namespaces(kinds, &global.namespace);
    session_at(global, config, &kinds, unnamed, &state_directory()?)
}

fn session_at(
    global: &Global,
    mut config: Config,
    kinds: &[Kind],
    unnamed: Unnamed,
    state: &Path,
) -> Result<Session, Failure> {
    config.findings.author = super::triage::author(&config);
    config.findings.linking = super::links::linking(&config)?;
    let target = target(global)?;
    check(&target).map_err(|error| Failure::new(exit_of(&error), super::describe(&error)))?;
    let store = Store::open(state)?;
    Ok(Session::open(Options { target, config, store, unnamed, kinds: kinds.to_vec() }))
}

/// Whether the kubeconfig can be read and knows the context, before a screen is opened or anything is waited for.
fn check(target: &Target) -> Result<(), ConnectError> {
    let known = cluster::contexts(target.kubeconfig.as_deref())?;
    match &target.context {
        Some(name) if !known.is_empty() && !known.iter().any(|entry| entry.name == *name) => {
            let known = known.into_iter().map(|entry| entry.name).collect();
            Err(ConnectError::UnknownContext { name: name.clone(), known })
        }
        Some(_) | None => Ok(()),
    }
}

/// Opens the console, with its state in this directory, and with folders of scans beside those of the configuration
/// that only a pipeline writes.
pub(super) async fn console(global: &Global, state: &Path, scans: &[PathBuf]) -> Result<Exit, Failure> {
    let settings::Console { mut config, theme, themes, keymap } = settings::console(global)?;
    config.policy.named = policy::policies(global, &config)?;
    config.findings.sources.extend(scans.iter().map(|path| ScanPlace { path: path.clone(), trusted: true }));
    let mouse = config.mouse;
    let mut session = session_at(global, config, Kind::ALL, Unnamed::AllElseOwn, state)?;
    let ended = tui::run(&mut session, theme, themes, keymap, mouse).await;
    session.keep_what_ran();
    match ended {
        Ok(()) => Ok(Exit::Fine),
        Err(error @ (ConsoleError::NoTerminal | ConsoleError::Incapable(_))) => Err(Failure::new(Exit::Usage, error)),
        Err(error @ ConsoleError::Gone) => Err(Failure::new(Exit::Unread, error)),
        Err(error) => Err(Failure::new(Exit::Refused, error)),
    }
}

/// Waits until every one of these kinds was listed, or cannot be.
///
/// # Errors
/// When there is no connection, or the time is over; or a namespace that was named does not exist.
pub(super) async fn settle(session: &mut Session, kinds: &[Kind]) -> Result<(), Failure> {
    let named = session.named_namespaces().to_vec();
    settled(session, &with_namespaces(kinds, &named)).await?;
    let missing = named.into_iter().find_map(|name| session.seen_namespace(name).err());
    missing.map_or(Ok(()), |why| Err(Failure::new(Exit::Usage, format!("--namespace: {why}"))))
}

/// These kinds, and namespaces where some are named: whether they exist is looked at.
fn with_namespaces(kinds: &[Kind], named: &[String]) -> Vec<Kind> {
    let more = (!named.is_empty() && !kinds.contains(&Kind::Namespace)).then_some(Kind::Namespace);
    kinds.iter().copied().chain(more).collect()
}

async fn settled(session: &mut Session, kinds: &[Kind]) -> Result<(), Failure> {
    let settled = async {
        loop {
            match session.next().await {
                Event::NotConnected(error) => {
                    return Err(Failure::new(exit_of(&error), super::describe(&*error)));
                }
                Event::Changed
                | Event::Planned(..)
                | Event::Read(..)
                | Event::Exported(..)
                | Event::Log(..)
                | Event::Probed(_)
                | Event::Dialed(..)
                | Event::Decided(..)
                | Event::Over(_)
                | Event::Run(_)
                | Event::RunResumed(..)
                | Event::Contexts(_) => {}
            }
            let world = &session.desk().world;
            let loading = |kind: &Kind| *world.freshness(*kind) == Freshness::Loading;
            match &world.connection {
                Connection::Down { why, .. } => return Err(Failure::new(Exit::Unknown, out_of_reach(world, why))),
                Connection::Connecting | Connection::Up
                    if kinds.iter().any(loading)
                        || world.usage.loading()
                        || session.behind()
                        || session.opening()
                        || session.reading_findings() => {}
                Connection::Connecting | Connection::Up => return Ok(()),
            }
        }
    };
    let waited = tokio::time::timeout(PATIENCE, settled).await;
    waited.unwrap_or_else(|_| {
        let message = format!("the cluster did not answer within {}s; is it reachable?", PATIENCE.as_secs());
        Err(Failure::new(Exit::Unknown, message))
    })
}

/// Which cluster cannot be reached, why, and what to do.
fn out_of_reach(world: &World, why: &str) -> String {
    let context = &world.context;
    format!(
        "context {} at {}: {why}\n  look with --context at another cluster, or mend the way to this one",
        context.name, context.server
    )
}

/// Says on stderr which kinds are not seen whole. Whether all of them are.
pub(super) fn warn_of_blind_spots(session: &Session, kinds: &[Kind]) -> bool {
    let world = &session.desk().world;
    let mut whole = true;
    for kind in kinds {
        if let Some(why) = blind_spot(*kind, world.freshness(*kind)) {
            out::say(format_args!("holdfast: {}", text::sanitize(&why)));
            whole = false;
        }
        for (name, why) in world.unreadable.get(kind).into_iter().flatten() {
            let what = format!("{} {name} is left out: {why}", kind.spec().kind);
            out::say(format_args!("holdfast: {}", text::sanitize(&what)));
            whole = false;
        }
    }
    whole
}

/// What can be mended in files and flags is usage; the rest is a cluster that cannot be reached.
fn exit_of(error: &ConnectError) -> Exit {
    match error {
        ConnectError::Credentials { .. }
        | ConnectError::PluginTimedOut { .. }
        | ConnectError::InCluster { .. }
        | ConnectError::Client { .. } => Exit::Unknown,
        ConnectError::Read { .. }
        | ConnectError::Yaml { .. }
        | ConnectError::Kubeconfig { .. }
        | ConnectError::Nothing
        | ConnectError::NoContext { .. }
        | ConnectError::UnknownContext { .. }
        | ConnectError::Certificate { .. }
        | ConnectError::Proxy { .. } => Exit::Usage,
    }
}
