//! Pods that run once: the kubelet's part and, in place of their command, a check of the volumes they mount.
//!
//! It reads every file and says as the container's last words how much that was; a volume without a file, or with
//! fewer bytes than the container's `AT_LEAST`, fails it.

use serde_json::Value;

use super::Desk;
use crate::sim::object::{self, items, text};
use crate::sim::store::Key;

/// How a pod ends as soon as it starts: exit code and last words. `None` of a pod that goes on running.
pub(super) fn end(desk: &Desk<'_, '_>, pod: &Value) -> Option<(u8, String)> {
    // As in the lab, a pod of a Job has done its work at once.
    if object::controller(pod).is_some_and(|owner| text(owner, "/kind") == "Job") {
        return Some((0, String::new()));
    }
    if text(pod, "/spec/restartPolicy") != "Never" {
        return None;
    }
    let claims = items(pod, "/spec/volumes").iter().map(|volume| text(volume, "/persistentVolumeClaim/claimName"));
    let handles = claims.filter_map(|claim| {
        let claim = desk.get(&Key::new("persistentvolumeclaims", object::namespace(pod), claim))?;
        let volume = desk.get(&Key::new("persistentvolumes", "", text(&claim.value, "/spec/volumeName")))?;
        Some(text(&volume.value, "/spec/csi/volumeHandle").to_owned())
    });
    let volumes = &desk.cluster.volumes;
    let sizes: Vec<usize> = handles
        .flat_map(|handle| volumes.paths(&handle).into_iter().map(move |path| (handle.clone(), path)))
        .filter_map(|(handle, path)| volumes.read(&handle, &path).map(|bytes| bytes.len()))
        .collect();
    let (files, bytes) = (sizes.len(), sizes.iter().sum::<usize>());
    let at_least = items(pod, "/spec/containers/0/env").iter().find(|variable| text(variable, "/name") == "AT_LEAST");
    let at_least: usize = at_least.and_then(|variable| text(variable, "/value").parse().ok()).unwrap_or(0);
    Some(match (files, bytes) {
        (0, _) => (1, "the volume holds no file: it is empty".to_owned()),
        (_, bytes) if bytes < at_least => (1, format!("only {bytes} bytes (files: {files}), {at_least} were expected")),
        _ => (0, format!("read {bytes} bytes, files: {files}")),
    })
}
