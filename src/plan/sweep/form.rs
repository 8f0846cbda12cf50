//! What a person chooses before a sweep is planned: as a form, and as options of the command line.

use super::Options;
use crate::model::{Uid, World};
use crate::plan::{Field, FieldKind, Filled, FormSpec};
use crate::text;

/// The form for a sweep of this namespace, beginning with `defaults`; `None` when it is gone.
pub fn form(world: &World, namespace: &Uid, defaults: Options) -> Option<FormSpec> {
    let namespace = &world.inventory.namespaces.get(namespace)?.meta.name;
    let former = Field::new("former", "Former volumes", FieldKind::YesNo)
        .says("Whether volumes that in-place restores kept go too, once their time is over: with their data, for good.")
        .begins(defaults.former);
    Some(FormSpec { title: format!("sweep namespace {namespace}"), fields: vec![former] })
}

/// What a filled form chose.
///
/// # Errors
/// Never: its answers are all good.
pub fn options(filled: &Filled) -> Result<Options, String> {
    Ok(Options { former: filled.get("former") == Some("yes") })
}

/// The command that makes the same choices for this namespace on this context.
pub fn command(options: Options, namespace: &str, context: &str) -> String {
    let mut words = vec!["holdfast", "sweep", "--namespace", namespace];
    if options.former {
        words.push("--former");
    }
    if !context.is_empty() {
        words.extend(["--context", context]);
    }
    text::command_line(&words)
}
