//! What a person chooses before an import is planned: as a form, and as options of the command line.

use std::path::PathBuf;

use super::{Options, Source};
use crate::model::{Uid, World};
use crate::plan::backup::deadline;
use crate::plan::command::CommandLine;
use crate::plan::{Field, FieldKind, Filled, FormSpec};
use crate::text::names;

/// The form for an import into this namespace, beginning with `defaults`; `None` when it is gone.
pub fn form(world: &World, namespace: &Uid, defaults: &Options) -> Option<FormSpec> {
    let namespace = &world.inventory.namespaces.get(namespace)?.meta.name;
    let fields = vec![
        Field::new("file", "File", FieldKind::Text)
            .says("The bundle, as `holdfast export` wrote it: a file of this machine.")
            .begins(defaults.source.file().map(|file| file.display().to_string())),
        Field::new("name", "Name", FieldKind::Text)
            .says("Of the restore point here. Left empty, the name that it had.")
            .begins(defaults.name.clone())
            .optional()
            .checked(|answer| names::validate_name(answer).map_err(|error| error.to_string())),
        Field::new("ready", "Ready within", FieldKind::Duration)
            .says(
                "How long to wait until the storage is seen to have the copy. When it is late, what was made goes \
                 again.",
            )
            .begins(defaults.ready_within),
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
