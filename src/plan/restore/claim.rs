//! What a claim restored from a restore point looks like: its size, class, modes and marks.
//!
//! The manifest is made anew from what a claim may say before it is bound. Nothing else of the claim that was cut
//! comes along: no volume, node, finalizer, owner or status.

use serde_json::{Map, Value, json};

use super::source::{Origin, Source, refusal};
use crate::model::{Kind, ReclaimPolicy, StorageClass, World, annotation};
use crate::plan::{ObjectAt, OperationId, Refusal, Verb};
use crate::text::{self, quantity};

/// What is asked of the claim; what is left open follows the claim that was cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish<'a> {
    /// Its name; it lives in the restore point's namespace.
    pub name: &'a str,
    /// Storage class.
    pub class: Option<&'a str>,
    /// Bytes.
    pub size: Option<u64>,
    /// Labels besides the mark of this console. The labels of a claim decide who selects, syncs and deletes it, so
    /// a claim beside the original carries none of its labels.
    pub labels: Map<String, Value>,
}

/// A claim to be created.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// Where.
    pub at: ObjectAt,
    /// The object.
    pub manifest: Value,
    /// Bytes that it asks for.
    pub size: u64,
    /// Storage class.
    pub class: String,
    /// Whether that class binds a claim only when a pod uses it.
    pub waits_for_consumer: bool,
    /// What happens to its volume when the claim goes.
    pub reclaim: ReclaimPolicy,
    /// Access modes, as the API calls them.
    pub access_modes: Vec<String>,
    /// Whether it is a block device.
    pub block: bool,
    /// What may surprise.
    pub warnings: Vec<String>,
}

/// The claim that `wish` asks for.
///
/// # Errors
/// A [`Refusal`] of `verb` when the provisioner would not make it, or would make an empty one.
pub fn claim(verb: Verb, world: &World, source: &Source, wish: &Wish<'_>, id: &OperationId) -> Result<Claim, Refusal> {
    let class = class(verb, world, source, wish.class)?;
    let block = block(verb, source)?;
    let size = size(verb, source, wish.size)?;
    let mut warnings = Vec::new();
    let access_modes = access_modes(source, &mut warnings);
    if let Origin::Namesake { name } = &source.template.origin {
        warnings.push(format!(
            "size, class and modes are those of claim {name}; nothing proves that it is the one that was cut"
        ));
    }
    if size > required(source) {
        warnings.push("it is larger than what was cut: the driver has to grow the file system in it".to_owned());
    }
    let at = ObjectAt::of(Kind::Pvc, source.at.namespace.as_deref(), wish.name);
    let name = class.meta.name.to_string();
    let mut spec = json!({
        "accessModes": access_modes,
        "resources": { "requests": { "storage": quantity::exact(size) } },
        "storageClassName": name,
        "volumeMode": mode(block),
        "dataSource": data_source(source),
        "dataSourceRef": data_source(source),
    });
    // Attributes belong to a class of the driver; another class may not know them.
    let attributes = source.template.spec.get("volumeAttributesClassName").filter(|name| name.is_string());
    if let Some(attributes) = attributes.filter(|_| source.template.spec["storageClassName"] == *name) {
        spec["volumeAttributesClassName"] = attributes.clone();
    }
    let mut labels = wish.labels.clone();
    labels.insert(annotation::MANAGED_BY.0.to_owned(), annotation::MANAGED_BY.1.into());
    let manifest = json!({
        "apiVersion": at.resource.api_version(),
        "kind": at.resource.kind,
        "metadata": {
            "name": at.name, "namespace": at.namespace, "labels": labels, "annotations": annotations(source, id),
        },
        "spec": spec,
    });
    let (waits_for_consumer, reclaim) = (class.waits_for_consumer, class.reclaim);
    Ok(Claim { at, manifest, size, class: name, waits_for_consumer, reclaim, access_modes, block, warnings })
}

/// What `spec.dataSource` of a claim restored from this is. A server that does not know the kind drops it without a
/// word, and the volume is empty: whoever creates the claim has to look whether it is there.
pub fn data_source(source: &Source) -> Value {
    let resource = &source.at.resource;
    json!({ "apiGroup": resource.group, "kind": resource.kind, "name": source.at.name })
}

fn annotations(source: &Source, id: &OperationId) -> Value {
    let mut annotations = json!({
        annotation::OPERATION: id.as_str(),
        annotation::RESTORED_FROM: source.at.path(),
        annotation::RESTORED_CUT: source.cut.to_string(),
    });
    if let Some(lineage) = &source.lineage {
        annotations[annotation::LINEAGE] = lineage.as_str().into();
    }
    annotations
}

/// The class to name: the one asked for, else that of the claim that was cut, else the only or default one.
fn class<'w>(verb: Verb, world: &'w World, source: &Source, asked: Option<&str>) -> Result<&'w StorageClass, Refusal> {
    let mut fitting = classes(world, &source.driver);
    let choose = if fitting.is_empty() {
        format!("create a StorageClass with provisioner {}", source.driver)
    } else {
        let names: Vec<String> = fitting.iter().map(|class| class.meta.name.to_string()).collect();
        format!("choose a class of {} (--class): {}", source.driver, text::list(&names))
    };
    let refuse = |why: String| Err(refusal(verb, &source.at, why, choose.clone()));
    let former = source.template.spec.get("storageClassName").and_then(Value::as_str).filter(|name| !name.is_empty());
    let Some(name) = asked.or(former) else {
        fitting.sort_by_key(|class| !default(class));
        return match fitting.as_slice() {
            [class] => Ok(*class),
            [class, next, ..] if default(class) && !default(next) => Ok(*class),
            _ => refuse("which StorageClass its volume had is not known".into()),
        };
    };
    let Some(class) = world.inventory.storage_classes.named(None, &name.into()) else {
        if !world.freshness(Kind::StorageClass).live() {
            let clear = "ask for the right to list storageclasses, or wait until they are seen";
            return Err(refusal(verb, &source.at, format!("StorageClass {name} cannot be seen"), clear));
        }
        return refuse(format!("there is no StorageClass {name}"));
    };
    if *class.provisioner != *source.driver {
        return refuse(format!(
            "StorageClass {name} is for driver {}, the copy is with driver {}",
            class.provisioner, source.driver
        ));
    }
    Ok(class)
}

/// The classes that volumes restored from a driver's copies may have, by name.
pub(super) fn classes<'w>(world: &'w World, driver: &str) -> Vec<&'w StorageClass> {
    let classes = world.inventory.storage_classes.iter();
    let mut classes: Vec<&StorageClass> = classes.filter(|class| *class.provisioner == *driver).collect();
    classes.sort_by(|a, b| a.meta.name.cmp(&b.meta.name));
    classes
}

fn default(class: &StorageClass) -> bool {
    class.meta.annotation(annotation::DEFAULT_CLASS) == Some("true")
}

/// Whether the claim is a block device: as the one that was cut was. external-provisioner refuses another mode
/// unless the content allows it.
fn block(verb: Verb, source: &Source) -> Result<bool, Refusal> {
    let asked = match source.template.origin {
        Origin::Unknown => None,
        _ => Some(source.template.spec.get("volumeMode").and_then(Value::as_str) == Some("Block")),
    };
    match (asked, source.block) {
        (Some(asked), Some(cut)) if asked != cut && !source.mode_change => Err(refusal(
            verb,
            &source.at,
            format!("a {} volume was cut, and the claim is for {}", mode(cut), mode(asked)),
            "pick a restore point of that mode; a changed mode reads the bytes of one as the other",
        )),
        (asked, cut) => Ok(asked.or(cut).unwrap_or_default()),
    }
}

fn mode(block: bool) -> &'static str {
    if block { "Block" } else { "Filesystem" }
}

/// The smallest size that surely holds what was cut, bytes; 0 when nothing is known. Drivers may report no restore
/// size, or one below what their volumes had.
pub(super) fn required(source: &Source) -> u64 {
    let requested = source.template.spec.pointer("/resources/requests/storage").and_then(Value::as_str);
    let requested = requested.and_then(quantity::parse_bytes);
    [source.restore_size, requested, source.template.capacity].into_iter().flatten().max().unwrap_or_default()
}

fn size(verb: Verb, source: &Source, asked: Option<u64>) -> Result<u64, Refusal> {
    let required = required(source);
    match asked {
        Some(asked) if asked < required => Err(refusal(
            verb,
            &source.at,
            format!("{} are too small: what was cut needs {}", quantity::exact(asked), quantity::exact(required)),
            format!("ask for at least {}", quantity::exact(required)),
        )),
        None if required == 0 => Err(refusal(
            verb,
            &source.at,
            "how large its volume was is not known: neither the driver nor a claim says it",
            "say how large the new volume shall be (--size)",
        )),
        asked => Ok(asked.unwrap_or(required)),
    }
}

fn access_modes(source: &Source, warnings: &mut Vec<String>) -> Vec<String> {
    let modes = source.template.spec.get("accessModes").and_then(Value::as_array);
    let modes: Vec<String> = modes.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    if modes.is_empty() {
        warnings.push("how its volume was mounted is not known: ReadWriteOnce is asked for".to_owned());
        return vec!["ReadWriteOnce".to_owned()];
    }
    modes
}

#[cfg(test)]
mod tests;
