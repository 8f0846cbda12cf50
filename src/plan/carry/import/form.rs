//! What a person chooses before an import is planned: as a form, and as options of the command line.

use std::path::PathBuf;

use jiff::SignedDuration;

use super::{Options, Source};
use crate::model::{Uid, World};
use crate::plan::backup::deadline;
use crate::plan::command::CommandLine;
use crate::plan::{Field, FieldKind, Filled, FormSpec};
use crate::text::{names, quantity};

/// The form for an import into this namespace, beginning with `defaults`; `None` when it is gone.
pub fn form(world: &World, namespace: &Uid, defaults: &Options) -> Option<FormSpec> {
    let namespace = &world.inventory.namespaces.get(namespace)?.meta.name;
    let within = SignedDuration::try_from(defaults.ready_within).map_or_else(|_| String::new(), quantity::duration);
    let fields = vec![
        Field {
            id: "file".into(),
            label: "File".into(),
            doc: "The bundle, as `holdfast export` wrote it: a file of this machine.".to_owned(),
            kind: FieldKind::Text,
            default: defaults.source.file().map(|file| file.display().to_string()).unwrap_or_default(),
            required: true,
            check: |_| Ok(()),
        },
        Field {
            id: "name".into(),
            label: "Name".into(),
            doc: "Of the restore point here. Left empty, the name that it had.".to_owned(),
            kind: FieldKind::Text,
            default: defaults.name.clone().unwrap_or_default(),
            required: false,
            check: |answer| names::validate_name(answer).map_err(|error| error.to_string()),
        },
        Field {
            id: "ready".into(),
            label: "Ready within".into(),
            doc: "How long to wait until the storage is seen to have the copy. When it is late, what was made goes again."
                .to_owned(),
            kind: FieldKind::Duration,
            default: within,
            required: true,
            check: |_| Ok(()),
        },
    ];
    Some(FormSpec { title: format!("import into namespace {namespace}"), fields })
}

/// What a filled form chose.
///
/// # Errors
/// When an answer is not what the form would let pass.
pub fn options(filled: &Filled) -> Result<Options, String> {
    let defaults = Options::default();
    Ok(Options {
        source: filled.get("file").map_or(Source::Unsaid, |file| Source::Unread(PathBuf::from(file))),
        name: filled.get("name").map(str::to_owned),
        ready_within: filled.get("ready").map_or(Ok(defaults.ready_within), deadline)?,
    })
}

/// The command that makes the same choices for this namespace on this context.
pub fn command(options: &Options, namespace: &str, context: &str) -> String {
    let file = options.source.file().map(|file| file.display().to_string()).unwrap_or_default();
    let mut line = CommandLine::new("import", &file);
    line.option("--namespace", namespace);
    if let Some(name) = &options.name {
        line.option("--name", name);
    }
    line.deadline("--ready-within", options.ready_within, Options::default().ready_within);
    line.on(context)
}
