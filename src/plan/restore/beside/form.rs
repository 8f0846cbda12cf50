//! What a person chooses before a restore is planned: as a form, and as options of the command line.

use super::Options;
use crate::assess::restore_point::{self, Belongs};
use crate::model::{Kind, ReclaimPolicy, StorageClass, Uid, VolumeSnapshot, World, annotation};
use crate::plan::backup::deadline;
use crate::plan::command::CommandLine;
use crate::plan::restore::claim::classes;
use crate::plan::{Choice, Field, FieldKind, Filled, FormSpec, ObjectAt};
use crate::text::{names, quantity};

const NAME: &str = "The name of the new claim. Left empty, it is the old name with -restore- and the end of the \
                    operation's id.";
const NAME_OF_SET: &str = "The name of the new claim; for the whole set that of the StatefulSet that the new claims \
                           are for, so that data-db-0 becomes data-NAME-0. Left empty, the old name with -restore- \
                           and the end of the operation's id.";

/// The form for a restore of this restore point, beginning with `defaults`. `None` when there is nothing to choose:
/// the driver of the copy or a class of it is not known, and planning says why.
pub fn form(world: &World, snapshot: &Uid, defaults: &Options) -> Option<FormSpec> {
    let snapshot = world.inventory.snapshots.get(snapshot)?;
    let class = class_field(world, snapshot, defaults.class.as_deref())?;
    let whole = set_field(world, snapshot, defaults);
    let name = if whole.is_some() { NAME_OF_SET } else { NAME };
    let fields = [
        Field::new("to", "New volume", FieldKind::Text)
            .says(name)
            .begins(defaults.to.clone())
            .optional()
            .checked(|answer| names::validate_name(answer).map_err(|error| error.to_string())),
        class,
        Field::new("size", "Size", FieldKind::Text)
            .says(
                "Left empty, as large as what was cut, or as the copy needs. A larger one needs a driver that grows \
                 the file system.",
            )
            .begins(defaults.size.map(quantity::exact))
            .optional()
            .checked(|answer| size(answer).map(drop)),
        Field::new("bound", "Bound within", FieldKind::Duration)
            .says("How long to wait until the volume is made. What is late is left as it is, and the operation fails.")
            .begins(defaults.bound_within),
    ];
    let fields = whole.into_iter().chain(fields).collect();
    let path = snapshot.meta.reference(Kind::VolumeSnapshot).path();
    Some(FormSpec { title: format!("restore {path} into a new volume"), fields })
}

/// The question whether the set that a restore point is part of is restored as a whole.
fn set_field(world: &World, snapshot: &VolumeSnapshot, defaults: &Options) -> Option<Field> {
    let set = snapshot.meta.label(annotation::SET)?;
    let same = |other: &&VolumeSnapshot| {
        other.meta.namespace == snapshot.meta.namespace && other.meta.label(annotation::SET) == Some(set)
    };
    let count = world.inventory.snapshots.iter().filter(same).count();
    let whole = format!("the whole set: {}", crate::text::plural(count, "volume", "volumes"));
    let choices = [Choice::new(ALONE, "this restore point alone"), Choice::new(set, whole)];
    let field = Field::new("set", "What", FieldKind::one_of("restore point", choices))
        .says(
            "It was cut together with others, as parts of one truth. Restored together, they are of one moment again.",
        )
        .begins(defaults.set.as_deref().unwrap_or(ALONE));
    Some(field)
}

/// Stands for one restore point without its set.
const ALONE: &str = "one";

/// The question for the class of a volume made from a copy. `None` when its driver or a class of it is not known.
pub fn class_field(world: &World, snapshot: &VolumeSnapshot, chosen: Option<&str>) -> Option<Field> {
    let driver = &world.content(snapshot)?.driver;
    let fitting = classes(world, driver);
    if fitting.is_empty() {
        return None;
    }
    let default = chosen.map(str::to_owned).or_else(|| former(world, snapshot, &fitting));
    let doc = format!("How {driver} makes the new volume; a copy can only become a volume of its own driver.");
    // Of a claim that is gone only its copy may know the class, and planning reads that.
    let unknown = " Left empty, that of the claim that was cut, where the copy recorded it.";
    let field = Field::new("class", "Storage class", choices(world, driver, &fitting))
        .says(doc + default.as_ref().map_or(unknown, |_| ""))
        .optional_when(default.is_none())
        .begins(default);
    Some(field)
}

/// What a filled form chose.
///
/// # Errors
/// When an answer is not what the form would let pass.
pub fn options(filled: &Filled) -> Result<Options, String> {
    let defaults = Options::default();
    Ok(Options {
        set: filled.get("set").filter(|set| *set != ALONE).map(str::to_owned),
        to: filled.get("to").map(str::to_owned),
        class: filled.get("class").map(str::to_owned),
        size: filled.get("size").map(size).transpose()?,
        bound_within: filled.get("bound").map_or(Ok(defaults.bound_within), deadline)?,
    })
}

/// Reads a size.
///
/// # Errors
/// When it is no quantity of bytes, or nothing.
pub fn size(text: &str) -> Result<u64, String> {
    let read = quantity::parse_bytes(text.trim()).filter(|bytes| *bytes > 0);
    read.ok_or_else(|| format!("\"{}\" is not a size; write one such as 20Gi", crate::text::sanitize(text)))
}

/// The command that makes the same choices for this restore point on this context.
pub fn command(options: &Options, at: &ObjectAt, context: &str) -> String {
    let mut line = match &options.set {
        None => CommandLine::new("restore", &at.path()),
        Some(set) => {
            let namespace = at.namespace.as_deref().unwrap_or_default();
            let mut line = CommandLine::new("restore", &format!("{namespace}/{set}"));
            line.flag("--set");
            line
        }
    };
    if let Some(name) = &options.to {
        line.option("--to", name);
    }
    if let Some(class) = &options.class {
        line.option("--class", class);
    }
    if let Some(size) = options.size {
        line.option("--size", &quantity::exact(size));
    }
    line.deadline("--bound-within", options.bound_within, Options::default().bound_within);
    line.on(context)
}

/// The class that the new claim has unless another is chosen.
fn former(world: &World, snapshot: &VolumeSnapshot, fitting: &[&StorageClass]) -> Option<String> {
    let claim = match restore_point::belongs(world, snapshot) {
        Belongs::Claim(uid) => world.inventory.pvcs.get(&uid),
        Belongs::Gone | Belongs::ByNameOnly(_) | Belongs::Unknown { .. } => world.source_claim(snapshot),
    };
    let named = claim.and_then(|claim| claim.storage_class.as_ref());
    let named = named.filter(|name| fitting.iter().any(|class| class.meta.name == **name));
    match (named, fitting) {
        (Some(name), _) => Some(name.to_string()),
        (None, [class]) => Some(class.meta.name.to_string()),
        (None, _) => None,
    }
}

fn choices(world: &World, driver: &str, fitting: &[&StorageClass]) -> FieldKind {
    let others = world.inventory.storage_classes.iter().filter(|class| *class.provisioner != *driver);
    let mut others: Vec<String> =
        others.map(|class| format!("{} (driver {})", class.meta.name, class.provisioner)).collect();
    others.sort();
    if let Some(more) = others.len().checked_sub(3).filter(|more| *more > 0) {
        others.truncate(3);
        others.push(format!("{more} more of other drivers"));
    }
    let left_out = (!others.is_empty()).then(|| format!("not offered: {}", crate::text::list(&others)));
    let choice = |class: &&StorageClass| Choice::new(&*class.meta.name, says(class));
    FieldKind::Choice {
        of: "storage class",
        choices: fitting.iter().map(choice).collect(),
        left_out: left_out.into_iter().collect(),
    }
}

/// What choosing a class means.
fn says(class: &StorageClass) -> String {
    let default = class.meta.annotation(annotation::DEFAULT_CLASS) == Some("true");
    let fate = match class.reclaim {
        ReclaimPolicy::Delete => "Delete: the volume goes with its claim",
        ReclaimPolicy::Retain => "Retain: the volume outlives its claim",
        ReclaimPolicy::Other => "reclaim policy unknown",
    };
    let waits = if class.waits_for_consumer { ", bound when a first pod uses it" } else { "" };
    format!("{}{fate}{waits}", if default { "default, " } else { "" })
}
