//! The columns of each kind, as `kubectl get` shows them on a real cluster.
//!
//! Sources: `k8s.io/kubernetes/pkg/printers/internalversion` and the `additionalPrinterColumns` of
//! the CRDs.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sim::kinds::Kind;
use crate::sim::object::{self, items, number, text};

/// One column: its head and how to fill a cell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    name: &'static str,
    /// Shown with `-o wide` only.
    wide: bool,
    fill: Fill,
}

#[derive(Clone, Copy, Debug)]
enum Fill {
    /// The value at a JSON pointer as it is.
    At(&'static str),
    /// The age of the time at a JSON pointer.
    Age(&'static str),
    Made(fn(&Value) -> Value),
}

impl Column {
    pub fn definition(&self) -> Value {
        let format = if self.name == "Name" { "name" } else { "" };
        json!({"name": self.name, "type": "string", "format": format, "description": "", "priority": i32::from(self.wide)})
    }

    pub fn cell(&self, value: &Value, now: Timestamp) -> Value {
        match self.fill {
            Fill::At(pointer) => value.pointer(pointer).cloned().unwrap_or_default(),
            Fill::Age(pointer) => age(text(value, pointer), now).into(),
            Fill::Made(make) => make(value),
        }
    }

    const fn wide(mut self) -> Self {
        self.wide = true;
        self
    }
}

const fn at(name: &'static str, pointer: &'static str) -> Column {
    Column { name, wide: false, fill: Fill::At(pointer) }
}

const fn made(name: &'static str, make: fn(&Value) -> Value) -> Column {
    Column { name, wide: false, fill: Fill::Made(make) }
}

const fn since(name: &'static str, pointer: &'static str) -> Column {
    Column { name, wide: false, fill: Fill::Age(pointer) }
}

const AGE: Column = since("Age", "/metadata/creationTimestamp");

/// All columns of a kind, name first and, where kubectl has it so, age last.
pub(super) fn of(kind: &Kind) -> Vec<Column> {
    if kind.plural == "events" {
        return EVENTS.to_vec();
    }
    let mut columns = vec![at("Name", "/metadata/name")];
    let own = own(kind.plural);
    columns.extend(own.iter().filter(|column| !column.wide));
    columns.push(AGE);
    columns.extend(own.iter().filter(|column| column.wide));
    columns
}

const EVENTS: &[Column] = &[
    since("Last Seen", "/lastTimestamp"),
    at("Type", "/type"),
    at("Reason", "/reason"),
    made("Object", |event| {
        format!("{}/{}", text(event, "/involvedObject/kind").to_lowercase(), text(event, "/involvedObject/name")).into()
    }),
    at("Message", "/message"),
];

#[expect(clippy::too_many_lines, reason = "a registry: one entry per kind")]
fn own(plural: &str) -> &'static [Column] {
    match plural {
        "namespaces" => const { &[at("Status", "/status/phase")] },
        "nodes" => const { &[made("Status", node_status), at("Version", "/status/nodeInfo/kubeletVersion")] },
        "pods" => {
            const {
                &[
                    made("Ready", pod_ready),
                    made("Status", pod_status),
                    made("Restarts", |pod| {
                        items(pod, "/status/containerStatuses")
                            .iter()
                            .map(|c| number(c, "/restartCount", 0))
                            .sum::<i64>()
                            .to_string()
                            .into()
                    }),
                    at("IP", "/status/podIP").wide(),
                    at("Node", "/spec/nodeName").wide(),
                ]
            }
        }
        "services" => const { &[at("Type", "/spec/type"), at("Cluster-IP", "/spec/clusterIP")] },
        "configmaps" => const { &[made("Data", data_count)] },
        "secrets" => const { &[at("Type", "/type"), made("Data", data_count)] },
        "persistentvolumeclaims" => {
            const {
                &[
                    made("Status", phase),
                    at("Volume", "/spec/volumeName"),
                    at("Capacity", "/status/capacity/storage"),
                    made("Access Modes", access_modes),
                    at("StorageClass", "/spec/storageClassName"),
                    at("VolumeMode", "/spec/volumeMode").wide(),
                ]
            }
        }
        "persistentvolumes" => {
            const {
                &[
                    at("Capacity", "/spec/capacity/storage"),
                    made("Access Modes", access_modes),
                    at("Reclaim Policy", "/spec/persistentVolumeReclaimPolicy"),
                    made("Status", phase),
                    made("Claim", |volume| named(volume, "/spec/claimRef")),
                    at("StorageClass", "/spec/storageClassName"),
                    at("Reason", "/status/reason"),
                    at("VolumeMode", "/spec/volumeMode").wide(),
                ]
            }
        }
        "statefulsets" => const { &[made("Ready", ready_of_wanted)] },
        "deployments" => {
            const {
                &[
                    made("Ready", ready_of_wanted),
                    made("Up-to-date", |set| number(set, "/status/updatedReplicas", 0).into()),
                    made("Available", |set| number(set, "/status/availableReplicas", 0).into()),
                ]
            }
        }
        "replicasets" => {
            const {
                &[
                    at("Desired", "/spec/replicas"),
                    made("Current", |set| number(set, "/status/replicas", 0).into()),
                    made("Ready", |set| number(set, "/status/readyReplicas", 0).into()),
                ]
            }
        }
        "jobs" => {
            const {
                &[
                    made("Status", |job| {
                        if number(job, "/status/succeeded", 0) > 0 { "Complete" } else { "Running" }.into()
                    }),
                    made("Completions", |job| {
                        format!("{}/{}", number(job, "/status/succeeded", 0), number(job, "/spec/completions", 1))
                            .into()
                    }),
                ]
            }
        }
        "cronjobs" => const { &[at("Schedule", "/spec/schedule"), at("Suspend", "/spec/suspend")] },
        "storageclasses" => {
            const {
                &[
                    at("Provisioner", "/provisioner"),
                    at("ReclaimPolicy", "/reclaimPolicy"),
                    at("VolumeBindingMode", "/volumeBindingMode"),
                    made("AllowVolumeExpansion", |class| object::truth(class, "/allowVolumeExpansion").into()),
                ]
            }
        }
        "volumeattachments" => {
            const {
                &[
                    at("Attacher", "/spec/attacher"),
                    at("PV", "/spec/source/persistentVolumeName"),
                    at("Node", "/spec/nodeName"),
                    at("Attached", "/status/attached"),
                ]
            }
        }
        "volumesnapshots" => {
            const {
                &[
                    at("ReadyToUse", "/status/readyToUse"),
                    at("SourcePVC", "/spec/source/persistentVolumeClaimName"),
                    at("SourceSnapshotContent", "/spec/source/volumeSnapshotContentName"),
                    at("RestoreSize", "/status/restoreSize"),
                    at("SnapshotClass", "/spec/volumeSnapshotClassName"),
                    at("SnapshotContent", "/status/boundVolumeSnapshotContentName"),
                    since("CreationTime", "/status/creationTime"),
                ]
            }
        }
        "volumesnapshotcontents" => {
            const {
                &[
                    at("ReadyToUse", "/status/readyToUse"),
                    at("RestoreSize", "/status/restoreSize"),
                    at("DeletionPolicy", "/spec/deletionPolicy"),
                    at("Driver", "/spec/driver"),
                    at("VolumeSnapshotClass", "/spec/volumeSnapshotClassName"),
                    at("VolumeSnapshot", "/spec/volumeSnapshotRef/name"),
                    at("VolumeSnapshotNamespace", "/spec/volumeSnapshotRef/namespace"),
                ]
            }
        }
        "volumesnapshotclasses" | "volumegroupsnapshotclasses" => {
            const { &[at("Driver", "/driver"), at("DeletionPolicy", "/deletionPolicy")] }
        }
        "volumegroupsnapshots" => {
            const {
                &[
                    at("ReadyToUse", "/status/readyToUse"),
                    at("VolumeGroupSnapshotClass", "/spec/volumeGroupSnapshotClassName"),
                    at("VolumeGroupSnapshotContent", "/status/boundVolumeGroupSnapshotContentName"),
                    since("CreationTime", "/status/creationTime"),
                ]
            }
        }
        "volumegroupsnapshotcontents" => {
            const {
                &[
                    at("ReadyToUse", "/status/readyToUse"),
                    at("DeletionPolicy", "/spec/deletionPolicy"),
                    at("Driver", "/spec/driver"),
                ]
            }
        }
        "certificates" => {
            const {
                &[
                    made("Ready", ready),
                    at("Secret", "/spec/secretName"),
                    at("Issuer", "/spec/issuerRef/name").wide(),
                    made("Status", ready_message).wide(),
                ]
            }
        }
        "certificaterequests" => {
            const {
                &[
                    made("Approved", |request| condition(request, "Approved", "status")),
                    made("Denied", |request| condition(request, "Denied", "status")),
                    made("Ready", ready),
                    at("Issuer", "/spec/issuerRef/name"),
                    at("Requester", "/spec/username"),
                ]
            }
        }
        "orders" => {
            const {
                &[
                    at("State", "/status/state"),
                    at("Issuer", "/spec/issuerRef/name").wide(),
                    at("Reason", "/status/reason").wide(),
                ]
            }
        }
        "challenges" => {
            const { &[at("State", "/status/state"), at("Domain", "/spec/dnsName"), at("Reason", "/status/reason").wide()] }
        }
        "issuers" | "clusterissuers" => const { &[made("Ready", ready), made("Status", ready_message).wide()] },
        "leases" => const { &[at("Holder", "/spec/holderIdentity")] },
        _ => &[],
    }
}

fn condition(value: &Value, kind: &str, field: &str) -> Value {
    let found = items(value, "/status/conditions").iter().find(|condition| condition["type"] == kind);
    found.map(|condition| condition[field].clone()).unwrap_or_default()
}

fn ready(value: &Value) -> Value {
    condition(value, "Ready", "status")
}

fn ready_message(value: &Value) -> Value {
    condition(value, "Ready", "message")
}

fn node_status(node: &Value) -> Value {
    if condition(node, "Ready", "status") == "True" { "Ready" } else { "NotReady" }.into()
}

fn phase(value: &Value) -> Value {
    if object::terminating(value) { "Terminating".into() } else { value["status"]["phase"].clone() }
}

fn pod_ready(pod: &Value) -> Value {
    let ready =
        items(pod, "/status/containerStatuses").iter().filter(|container| object::truth(container, "/ready")).count();
    format!("{ready}/{}", items(pod, "/spec/containers").len()).into()
}

fn pod_status(pod: &Value) -> Value {
    match text(pod, "/status/phase") {
        _ if object::terminating(pod) => "Terminating",
        "Succeeded" => "Completed",
        other => other,
    }
    .into()
}

fn ready_of_wanted(set: &Value) -> Value {
    format!("{}/{}", number(set, "/status/readyReplicas", 0), number(set, "/spec/replicas", 0)).into()
}

fn data_count(value: &Value) -> Value {
    let count = |map: &str| value.get(map).and_then(Value::as_object).map_or(0, serde_json::Map::len);
    (count("data") + count("binaryData")).into()
}

fn named(value: &Value, reference: &str) -> Value {
    match value.pointer(reference) {
        Some(reference) => format!("{}/{}", text(reference, "/namespace"), text(reference, "/name")).into(),
        None => "".into(),
    }
}

fn access_modes(value: &Value) -> Value {
    let short = items(value, "/spec/accessModes").iter().filter_map(Value::as_str).map(|mode| match mode {
        "ReadWriteOnce" => "RWO",
        "ReadOnlyMany" => "ROX",
        "ReadWriteMany" => "RWX",
        "ReadWriteOncePod" => "RWOP",
        other => other,
    });
    short.collect::<Vec<_>>().join(",").into()
}

/// An age as `k8s.io/apimachinery/pkg/util/duration.HumanDuration` writes it, without the small unit.
fn age(stamp: &str, now: Timestamp) -> String {
    let Ok(then) = stamp.parse::<Timestamp>() else {
        return "<unknown>".to_owned();
    };
    let seconds = now.duration_since(then).as_secs().max(0);
    match seconds {
        ..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::{age, of};
    use crate::sim::kinds::{KINDS, by_plural};

    #[test]
    fn every_kind_prints_a_row_of_an_empty_object() {
        for kind in KINDS {
            for column in of(kind) {
                let _ = column.cell(&json!({}), Timestamp::UNIX_EPOCH);
            }
        }
        assert_eq!(of(by_plural("pods").unwrap()).len(), 7);
    }

    #[test]
    fn ages_use_one_unit() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let ago = |seconds: i64| Timestamp::from_second(1_000_000 - seconds).unwrap().to_string();
        assert_eq!(age(&ago(5), now), "5s");
        assert_eq!(age(&ago(600), now), "10m");
        assert_eq!(age(&ago(10_800), now), "3h");
        assert_eq!(age(&ago(300_000), now), "3d");
        assert_eq!(age("", now), "<unknown>");
    }
}
