//! Which VolumeSnapshotClass a backup uses. It is always named in the plan.

use std::sync::Arc;

use super::{Options, refusal};
use crate::model::{SnapshotClass, World};
use crate::plan::Refusal;

/// The classes of one driver, by name.
pub(super) struct Fitting<'a> {
    pub driver: Arc<str>,
    pub classes: Vec<&'a SnapshotClass>,
}

pub(super) fn fitting<'a>(world: &'a World, driver: &Arc<str>) -> Fitting<'a> {
    let classes = world.inventory.snapshot_classes.iter();
    let mut classes: Vec<&SnapshotClass> = classes.filter(|class| class.driver == *driver).collect();
    classes.sort_by(|a, b| a.meta.name.cmp(&b.meta.name));
    Fitting { driver: driver.clone(), classes }
}

impl<'a> Fitting<'a> {
    pub fn defaults(&self) -> Vec<&'a SnapshotClass> {
        self.classes.iter().copied().filter(|class| class.default).collect()
    }

    /// The class that counts when none is named: the only default, else the only one.
    pub fn resolved(&self) -> Option<&'a SnapshotClass> {
        match (self.defaults().as_slice(), self.classes.as_slice()) {
            ([class], _) | ([], [class]) => Some(class),
            _ => None,
        }
    }
}

/// The class to name, and what should be said of the choice: the one asked for, the default of the driver, or the
/// only one of the driver.
pub(super) fn resolve_class<'a>(
    world: &'a World,
    driver: &Arc<str>,
    options: &Options,
    path: &str,
) -> Result<(&'a SnapshotClass, Vec<String>), Refusal> {
    let object = format!("volume {path}");
    let fits = fitting(world, driver);
    if let Some(name) = &options.class {
        return named(world, driver, &object, name).map(|class| (class, only(&fits)));
    }
    if let Some(class) = fits.resolved() {
        return Ok((class, only(&fits)));
    }
    let names = |classes: &[&SnapshotClass]| {
        classes.iter().map(|class| class.meta.name.to_string()).collect::<Vec<_>>().join(", ")
    };
    let (defaults, all) = (fits.defaults(), &fits.classes);
    let (why, clear) = match (defaults.as_slice(), all.as_slice()) {
        (_, []) => (
            format!("there is no VolumeSnapshotClass of its driver {driver}"),
            format!("create a VolumeSnapshotClass with driver {driver}"),
        ),
        ([], several) => (
            format!("{} classes of {driver} and none is the default: {}", several.len(), names(several)),
            "choose one (--class), or mark one as default".to_owned(),
        ),
        (several, _) => (
            format!("{} default classes of {driver}: {}", several.len(), names(several)),
            "choose one (--class), or leave one default".to_owned(),
        ),
    };
    Err(refusal(&object, why, clear))
}

fn named<'a>(world: &'a World, driver: &str, object: &str, name: &str) -> Result<&'a SnapshotClass, Refusal> {
    let Some(class) = world.inventory.snapshot_classes.named(None, &name.into()) else {
        let clear = "name one of the classes that exist";
        return Err(refusal(object, format!("there is no VolumeSnapshotClass {name}"), clear));
    };
    if *class.driver != *driver {
        return Err(refusal(
            object,
            format!("VolumeSnapshotClass {name} is for driver {}, the volume's driver is {driver}", class.driver),
            "name a class of the volume's driver",
        ));
    }
    Ok(class)
}

/// What to say where a driver has one class that nobody marked as its default.
fn only(fits: &Fitting) -> Vec<String> {
    match fits.classes.as_slice() {
        [class] if !class.default => {
            vec![format!("VolumeSnapshotClass {} is the only one of {}, not its default", class.meta.name, fits.driver)]
        }
        _ => Vec::new(),
    }
}
