//! `holdfast export` and `holdfast import`: a restore point carried into another namespace or cluster, by a file.

use std::path::Path;

use super::args::{Export, Global, Import};
use super::restore::{KINDS, named};
use super::{Exit, Failure, open, out, verb};
use crate::model::Uid;
use crate::plan::Request;
use crate::plan::carry::{Bundle, LOOKED_AT, Options, Source};
use crate::session::{Event, Session, Unnamed};
use crate::store::{StoreError, write_private};
use crate::text;

pub(super) async fn export(global: &Global, export: &Export) -> Result<Exit, Failure> {
    let (namespace, name) = verb::parse_path(&export.point, "a restore point is named NAMESPACE/SNAPSHOT")?;
    let global = verb::within(global, &namespace, &export.point)?;
    let mut session = open::session(&global, KINDS, Unnamed::All)?;
    open::settle(&mut session, KINDS).await?;
    open::warn_of_blind_spots(&session, KINDS);
    let snapshot = named(&session, &namespace, &name)?;
    let bundle = read(&mut session, &snapshot).await?;
    let yaml = bundle.to_yaml().map_err(|why| Failure::new(Exit::Unknown, why))?;
    for warning in &bundle.content().warnings {
        out::say(format_args!("holdfast: {}", text::sanitize(warning)));
    }
    if export.to == Path::new("-") {
        out::print(yaml)?;
        return Ok(Exit::Fine);
    }
    write(&export.to, &yaml, export.replace)?;
    out::line(format_args!("{}: restore point {namespace}/{name}", export.to.display()))?;
    Ok(Exit::Fine)
}

fn write(file: &Path, yaml: &str, replace: bool) -> Result<(), Failure> {
    write_private(file, yaml, replace).map_err(|error| match error {
        StoreError::Unwritable { source, .. } if source.kind() == std::io::ErrorKind::AlreadyExists => {
            let message = format!("{} is there already; choose another name, or add --replace", file.display());
            Failure::new(Exit::Refused, message)
        }
        error => error.into(),
    })
}

async fn read(session: &mut Session, snapshot: &Uid) -> Result<Box<Bundle>, Failure> {
    let ticket = session.export(snapshot);
    loop {
        match session.next().await {
            Event::Exported(answered, bundle) if answered == ticket => {
                return bundle.map_err(|refused| {
                    let message = format!("{refused}\n  what would clear it: {}", refused.clear);
                    Failure::new(Exit::Refused, message)
                });
            }
            Event::Exported(..)
            | Event::Planned(..)
            | Event::Changed
            | Event::Read(..)
            | Event::Log(..)
            | Event::Probed(_)
            | Event::Dialed(..)
            | Event::Decided(..)
            | Event::Over(_)
            | Event::Run(_)
            | Event::RunResumed(..)
            | Event::Contexts(_)
            | Event::NotConnected(_) => {}
        }
    }
}

pub(super) async fn import(global: &Global, import: &Import) -> Result<Exit, Failure> {
    if global.namespace.len() > 1 {
        return Err(Failure::new(Exit::Usage, "a restore point is imported into one namespace"));
    }
    let mut session = open::session(global, LOOKED_AT, Unnamed::Own)?;
    open::settle(&mut session, LOOKED_AT).await?;
    open::warn_of_blind_spots(&session, LOOKED_AT);
    let namespace = verb::find_namespace(&session)?;
    let options = Options {
        source: Source::Unread(import.bundle.clone()),
        name: import.name.clone(),
        ready_within: import.ready_within.unwrap_or(Options::default().ready_within),
    };
    let request = Request::Import { namespace, options };
    verb::carry_out(&mut session, request, &import.consent, global.context.as_deref()).await
}
