//! Which VolumeSnapshotClass a backup uses. It is always named in the plan.

use std::sync::Arc;

use super::{Options, refusal};
use crate::model::{SnapshotClass, World};
use crate::plan::Refusal;

/// The class to name, and what should be said of the choice: the one asked for, the default of the driver, or the
/// only one of the driver.
pub(super) fn resolve_class<'a>(
    world: &'a World,
    driver: &Arc<str>,
    options: &Options,
    path: &str,
) -> Result<(&'a SnapshotClass, Vec<String>), Refusal> {
    let object = format!("volume {path}");
    let classes = &world.inventory.snapshot_classes;
    if let Some(name) = &options.class {
        let Some(class) = classes.named(None, &name.as_str().into()) else {
            let clear = "name one of the classes that exist";
            return Err(refusal(&object, format!("there is no VolumeSnapshotClass {name}"), clear));
        };
        if class.driver != *driver {
            return Err(refusal(
                &object,
                format!("VolumeSnapshotClass {name} is for driver {}, the volume's driver is {driver}", class.driver),
                "name a class of the volume's driver",
            ));
        }
        return Ok((class, Vec::new()));
    }
    let mut fitting: Vec<&SnapshotClass> = classes.iter().filter(|class| class.driver == *driver).collect();
    fitting.sort_by(|a, b| a.meta.name.cmp(&b.meta.name));
    let defaults: Vec<&SnapshotClass> = fitting.iter().copied().filter(|class| class.default).collect();
    let names = |classes: &[&SnapshotClass]| {
        classes.iter().map(|class| class.meta.name.to_string()).collect::<Vec<_>>().join(", ")
    };
    match (defaults.as_slice(), fitting.as_slice()) {
        ([class], _) => Ok((class, Vec::new())),
        ([], [class]) => {
            let note = format!("VolumeSnapshotClass {} is the only one of {driver}, not its default", class.meta.name);
            Ok((class, vec![note]))
        }
        ([], []) => Err(refusal(
            &object,
            format!("there is no VolumeSnapshotClass of its driver {driver}"),
            format!("create a VolumeSnapshotClass with driver {driver}"),
        )),
        ([], several) => Err(refusal(
            &object,
            format!("{} classes of {driver} and none is the default: {}", several.len(), names(several)),
            "choose one (--class), or mark one as default",
        )),
        (several, _) => Err(refusal(
            &object,
            format!("{} default classes of {driver}: {}", several.len(), names(several)),
            "choose one (--class), or leave one default",
        )),
    }
}
