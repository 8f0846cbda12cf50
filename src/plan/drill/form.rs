//! What a person chooses before a drill is planned: as a form, and as options of the command line.

use super::Options;
use crate::model::{Kind, Uid, World};
use crate::plan::backup::deadline;
use crate::plan::command::CommandLine;
use crate::plan::restore::{class_field, size};
use crate::plan::{Field, FieldKind, Filled, FormSpec, ObjectAt};
use crate::text::{self, quantity};

/// The form for a drill of this restore point, beginning with `defaults`. `None` when there is nothing to choose: the
/// driver of the copy or a class of it is not known, and planning says why.
pub fn form(world: &World, snapshot: &Uid, defaults: &Options) -> Option<FormSpec> {
    let snapshot = world.inventory.snapshots.get(snapshot)?;
    let fields = vec![
        class_field(world, snapshot, defaults.class.as_deref())?,
        Field::new("at-least", "At least", FieldKind::Text)
            .says("How many bytes have to be read; fewer fail the drill, as a volume that is empty does.")
            .begins(quantity::exact(defaults.at_least))
            .checked(|answer| size(answer).map(drop)),
        Field::new("image", "Image", FieldKind::Text)
            .says("Of the pod that reads the volume; it needs sh, find, cat and wc.")
            .begins(defaults.image.clone())
            .checked(|answer| image(answer).map(drop)),
        Field::new("mounted", "Mounted within", FieldKind::Duration)
            .says("How long to wait until the volume is made and mounted.")
            .begins(defaults.mounted_within),
        Field::new("read", "Read within", FieldKind::Duration)
            .says("How long reading all of it may take.")
            .begins(defaults.read_within),
    ];
    let path = snapshot.meta.reference(Kind::VolumeSnapshot).path();
    Some(FormSpec { title: format!("prove that {path} can be restored"), fields })
}

/// What a filled form chose.
///
/// # Errors
/// When an answer is not what the form would let pass.
pub fn options(filled: &Filled) -> Result<Options, String> {
    let defaults = Options::default();
    Ok(Options {
        class: filled.get("class").map(str::to_owned),
        image: filled.get("image").map_or(Ok(defaults.image), image)?,
        at_least: filled.get("at-least").map_or(Ok(defaults.at_least), size)?,
        mounted_within: filled.get("mounted").map_or(Ok(defaults.mounted_within), deadline)?,
        read_within: filled.get("read").map_or(Ok(defaults.read_within), deadline)?,
    })
}

/// Reads the name of an image.
///
/// # Errors
/// When it cannot be one.
pub fn image(text: &str) -> Result<String, String> {
    let good = |c: char| c.is_ascii_alphanumeric() || "-_./:@".contains(c);
    let text = text.trim();
    if !text.is_empty() && text.len() <= 500 && text.chars().all(good) {
        return Ok(text.to_owned());
    }
    Err(format!("\"{}\" is not the name of an image", text::sanitize(text)))
}

/// The command that makes the same choices for this restore point on this context.
pub fn command(options: &Options, at: &ObjectAt, context: &str) -> String {
    let defaults = Options::default();
    let mut line = CommandLine::new("drill", &at.path());
    if let Some(class) = &options.class {
        line.option("--class", class);
    }
    if options.image != defaults.image {
        line.option("--image", &options.image);
    }
    if options.at_least != defaults.at_least {
        line.option("--at-least", &quantity::exact(options.at_least));
    }
    line.deadline("--mounted-within", options.mounted_within, defaults.mounted_within);
    line.deadline("--read-within", options.read_within, defaults.read_within);
    line.on(context)
}
