//! `holdfast stamp`: a pipeline writes into a SARIF log what was scanned.

use std::path::Path;

use super::args::Stamp as Asked;
use super::{Exit, Failure, out};
use crate::sarif::{Stamp, stamp};
use crate::store;
use crate::text;

pub(super) fn run(asked: &Asked) -> Result<Exit, Failure> {
    let wanted = wanted(asked).map_err(|why| Failure::new(Exit::Usage, why))?;
    let shown = text::sanitize(&asked.file.display().to_string()).into_owned();
    let log = store::read_log(&asked.file)?;
    let stamped = stamp(&log, &wanted).map_err(|error| Failure::new(Exit::Refused, format!("{shown}: {error}")))?;
    match asked.to.as_deref() {
        Some(to) if to == Path::new("-") => out::bytes(&stamped)?,
        to => store::write_bytes(to.unwrap_or(&asked.file), &stamped)?,
    }
    Ok(Exit::Fine)
}

fn wanted(asked: &Asked) -> Result<Stamp, String> {
    let mut stamp = Stamp {
        digests: asked.image.clone(),
        revision: asked.revision.clone(),
        repository: asked.repository.clone(),
        branch: asked.branch.clone(),
        container: asked.container.clone(),
        complete: asked.complete,
        ..Stamp::default()
    };
    if let Some(workload) = &asked.workload {
        let parts: Vec<&str> = workload.split('/').collect();
        let [namespace, kind, name] = parts[..] else {
            return Err(format!("--workload is NAMESPACE/KIND/NAME; this is {}", text::sanitize(workload)));
        };
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        (stamp.namespace, stamp.kind, stamp.name) = (text(namespace), text(kind), text(name));
    }
    Ok(stamp)
}
