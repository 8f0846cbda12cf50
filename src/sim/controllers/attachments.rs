//! `VolumeAttachment`s: a volume whose driver attaches is attached to every node that uses it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Desk, Next, Outcome, pods};
use crate::sim::ids;
use crate::sim::kinds;
use crate::sim::object::{self, text};
use crate::sim::refusal::Refusal;
use crate::sim::store::{Key, Link};
use crate::sim::write::{DeleteOptions, Part};

/// Attaches and detaches one volume.
pub(super) fn reconcile(desk: &mut Desk<'_, '_>, key: &Key, volume: &Value) -> Result<(), Refusal> {
    let driver = text(volume, "/spec/csi/driver");
    if driver.is_empty() || !attaches(desk, driver) {
        return Ok(());
    }
    let wanted: BTreeSet<String> =
        nodes_in_use(desk, volume).iter().map(|node| attachment_name(volume, node)).collect();
    for node in nodes_in_use(desk, volume) {
        attach(desk, volume, driver, &node)?;
    }
    detach(desk, key, &wanted)
}

/// The volume itself has gone.
pub(super) fn gone(desk: &mut Desk<'_, '_>, key: &Key) -> Outcome {
    detach(desk, key, &BTreeSet::new())?;
    Ok(Next::done())
}

/// A driver attaches unless its `CSIDriver` object says otherwise.
fn attaches(desk: &Desk<'_, '_>, driver: &str) -> bool {
    desk.get(&Key::new("csidrivers", "", driver))
        .is_none_or(|driver| driver.value.pointer("/spec/attachRequired") != Some(&Value::Bool(false)))
}

fn nodes_in_use(desk: &Desk<'_, '_>, volume: &Value) -> BTreeSet<String> {
    let claim = Link::Mount(
        text(volume, "/spec/claimRef/namespace").to_owned(),
        text(volume, "/spec/claimRef/name").to_owned(),
    );
    let pods = desk.writer.state.pointing_at(&claim).into_iter().filter_map(|key| desk.get(&key));
    let using = pods.filter(|pod| pods::is_using(&pod.value)).map(|pod| text(&pod.value, "/spec/nodeName").to_owned());
    using.filter(|node| !node.is_empty()).collect()
}

/// As the attach-detach controller names them.
fn attachment_name(volume: &Value, node: &str) -> String {
    let identity = format!("{}{}{node}", text(volume, "/spec/csi/volumeHandle"), text(volume, "/spec/csi/driver"));
    format!("csi-{}", ids::hex(identity.as_bytes()))
}

fn attach(desk: &mut Desk<'_, '_>, volume: &Value, driver: &str, node: &str) -> Result<(), Refusal> {
    let Some(kind) = kinds::by_plural("volumeattachments") else {
        return Ok(());
    };
    let name = attachment_name(volume, node);
    if desk.get(&Key::new(kind.plural, "", &name)).is_some() {
        return Ok(());
    }
    // The external attacher confirms at once, so the object is born attached.
    let attachment = json!({
        "metadata": {"name": name},
        "spec": {"attacher": driver, "nodeName": node, "source": {"persistentVolumeName": object::name(volume)}},
        "status": {"attached": true},
    });
    desk.writer.create(kind, "", attachment, Part::All).map(drop)
}

fn detach(desk: &mut Desk<'_, '_>, volume: &Key, wanted: &BTreeSet<String>) -> Result<(), Refusal> {
    let attachments = desk.writer.state.pointing_at(&Link::Attached(volume.name.clone()));
    for key in attachments.iter().filter(|key| !wanted.contains(&key.name)) {
        if let Some(attachment) = desk.get(key) {
            desk.writer.delete(attachment.kind, key, &DeleteOptions::default())?;
        }
    }
    Ok(())
}
