//! A model of an API server with the controllers behind it, for running step tables without a cluster: what is written
//! takes effect at once, and everybody does at once what the object asks for.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::model::Kind;
use crate::plan::{
    Act, BUNDLE, Content, ListAt, ObjectAt, Progress, Resource, part_of, place, with_condition, with_maps,
};

/// The moment at which everything happens.
const NOW: &str = "2026-03-01T12:00:00Z";

/// All objects.
#[derive(Clone, Debug, Default)]
pub struct Server {
    pub objects: BTreeMap<ObjectAt, Value>,
    made: usize,
}

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object.pointer(field).and_then(Value::as_str).unwrap_or_default()
}

impl Server {
    /// With these objects, each where its own metadata says.
    pub fn with(objects: impl IntoIterator<Item = (Kind, Value)>) -> Self {
        let mut server = Self::default();
        for (kind, object) in objects {
            let namespace = object.pointer("/metadata/namespace").and_then(Value::as_str);
            server.objects.insert(ObjectAt::of(kind, namespace, text(&object, "/metadata/name")), object);
        }
        server.settle();
        server
    }

    pub fn get(&self, at: &ObjectAt) -> Option<Value> {
        self.objects.get(at).cloned()
    }

    pub fn list(&self, at: &ListAt) -> Vec<Value> {
        let mine = |found: &ObjectAt| {
            found.resource == at.resource && (at.namespace.is_none() || found.namespace == at.namespace)
        };
        self.objects.iter().filter(|(found, _)| mine(found)).map(|(_, object)| object.clone()).collect()
    }

    fn of(&self, kind: Kind) -> Vec<(ObjectAt, Value)> {
        let mine = self.objects.iter().filter(|(at, _)| at.resource == Resource::of(kind));
        mine.map(|(at, object)| (at.clone(), object.clone())).collect()
    }

    /// Does what an act says, as a server that refuses nothing.
    pub fn perform(&mut self, act: &Act, progress: &Progress) {
        let act = act.filled(progress).expect("what it builds on has run");
        match &act {
            Act::Create { at, manifest } | Act::Recreate { at, manifest, .. } => self.create(at, manifest.clone()),
            Act::Patch { target, patch, .. } => {
                let at = place(target, progress).unwrap();
                let object = self.objects.get_mut(&at).unwrap_or_else(|| panic!("{at} is not there"));
                for operation in with_maps(patch, object) {
                    apply(object, &operation, progress);
                }
            }
            Act::Condition { target, condition, .. } => {
                let at = place(target, progress).unwrap();
                let object = self.objects.get_mut(&at).unwrap_or_else(|| panic!("{at} is not there"));
                *object = with_condition(object, condition, NOW.parse().unwrap());
            }
            Act::Dismiss { target, .. } | Act::Delete { target } => {
                drop(self.objects.remove(&place(target, progress).unwrap()));
            }
            Act::Stage { at, manifest, content } => self.stage(at, manifest.clone(), content),
            Act::Store { target, from, .. } => {
                let from = self.objects[&place(from, progress).unwrap()]["data"]["tls.crt"].clone();
                self.objects.get_mut(&place(target, progress).unwrap()).unwrap()["data"]["tls.crt"] = from;
            }
            Act::Trust { target, bundles, add, without } => {
                let object = self.objects.get_mut(&place(target, progress).unwrap()).unwrap();
                for pointer in bundles {
                    let held = object.pointer_mut(pointer).unwrap()[BUNDLE].as_array_mut().unwrap();
                    held.retain(|one| !without.contains(one));
                    for more in add.iter().map(|add| &add.fingerprint) {
                        if !held.contains(more) {
                            held.push(more.clone());
                        }
                    }
                }
            }
            Act::Scale { target, replicas } => {
                let at = place(target, progress).unwrap();
                self.objects.get_mut(&at).unwrap()["spec"]["replicas"] = json!(replicas);
            }
            Act::Exec { .. }
            | Act::Open { .. }
            | Act::Say { .. }
            | Act::Wait { .. }
            | Act::Absent { .. }
            | Act::Find { .. }
            | Act::Handshake { .. } => {}
        }
        self.settle();
    }

    fn create(&mut self, at: &ObjectAt, mut object: Value) {
        assert!(!self.objects.contains_key(at), "{at} is there already");
        self.made += 1;
        object["metadata"]["uid"] = format!("uid-{}-{}", at.name, self.made).into();
        object["metadata"]["resourceVersion"] = "1".into();
        object["metadata"]["creationTimestamp"] = NOW.into();
        self.objects.insert(at.clone(), object);
    }

    /// A new certificate has the name of its Secret as its fingerprint.
    fn stage(&mut self, at: &ObjectAt, mut manifest: Value, content: &Content) {
        let held = self.objects[&content.from()[0].at]["data"]["tls.crt"].clone();
        manifest["data"]["tls.crt"] = match content {
            Content::CopyOf(_) => held,
            Content::Like(_) | Content::Given { .. } => {
                json!({ "fingerprint": at.name, "serial": "2", "notAfter": "later", "keyMatches": true })
            }
        };
        self.create(at, manifest);
    }

    /// Every controller does what there is to do.
    fn settle(&mut self) {
        self.issue_certificates();
        self.replace_pods();
        self.run_workloads();
        self.bind_claims();
        self.release_volumes();
        self.cut_snapshots();
        self.empty_namespaces();
    }

    /// A certificate that is asked for is issued and stored, with the number of its revision as its fingerprint.
    fn issue_certificates(&mut self) {
        for (at, mut certificate) in self.of(Kind::Certificate) {
            let conditions = certificate["status"]["conditions"].as_array_mut().unwrap();
            let all = conditions.len();
            conditions.retain(|condition| condition["type"] != "Issuing");
            if conditions.len() < all {
                let revision = certificate["status"]["revision"].as_u64().unwrap() + 1;
                certificate["status"]["revision"] = revision.into();
                let name = text(&certificate, "/spec/secretName");
                let secret = ObjectAt::of(Kind::TlsSecret, at.namespace.as_deref(), name);
                self.objects.get_mut(&secret).unwrap()["data"]["tls.crt"]["fingerprint"] = revision.to_string().into();
                self.objects.insert(at, certificate);
            }
        }
    }

    /// Deployments that select pods by the label `app` have as many as they should, all of them like their template.
    /// Each pod keeps under `read` what the Secrets held when it was made, as by environment variables.
    fn replace_pods(&mut self) {
        for (at, workload) in self.of(Kind::Deployment) {
            let Some(app) = workload.pointer("/spec/selector/matchLabels/app") else { continue };
            let mark = workload.pointer("/spec/template/metadata/annotations").cloned().unwrap_or(json!({}));
            let mut there = 0;
            for (pod_at, pod) in self.of(Kind::Pod) {
                let own = pod.pointer("/metadata/labels/app") == Some(app);
                if own && pod["metadata"]["annotations"] == mark {
                    there += 1;
                } else if own {
                    self.objects.remove(&pod_at);
                }
            }
            for _ in there..workload["spec"]["replicas"].as_u64().unwrap_or(1) {
                let pod = ObjectAt::of(Kind::Pod, at.namespace.as_deref(), &format!("{}-{}", at.name, self.made + 1));
                let owner = json!([{ "uid": format!("uid-{}-set", at.name), "controller": true }]);
                let metadata = json!({
                    "name": pod.name, "labels": { "app": app }, "annotations": mark, "ownerReferences": owner,
                });
                let secrets = self.of(Kind::TlsSecret).into_iter();
                let read: Vec<Value> =
                    secrets.map(|(at, secret)| json!([at.name, secret["data"]["tls.crt"]["fingerprint"]])).collect();
                self.create(&pod, json!({ "metadata": metadata, "read": read }));
            }
        }
    }

    fn run_workloads(&mut self) {
        for kind in [Kind::Deployment, Kind::StatefulSet] {
            for (at, mut workload) in self.of(kind) {
                let replicas = workload["spec"]["replicas"].as_u64().unwrap_or(1);
                let counts = ["replicas", "readyReplicas", "availableReplicas", "updatedReplicas"];
                let counts = counts.map(|count| (count.to_owned(), json!(replicas)));
                let status = if replicas == 0 { json!({}) } else { Value::Object(counts.into_iter().collect()) };
                workload["status"] = status;
                self.objects.insert(at, workload);
            }
        }
        for (at, mut pod) in self.of(Kind::Pod) {
            let drill = pod.pointer("/metadata/labels/holdfast.dev~1drill").is_some();
            let ended = json!({ "terminated": { "message": "read 6 bytes, files: 1", "finishedAt": NOW } });
            pod["status"] = json!({
                "phase": if drill { "Succeeded" } else { "Running" }, "startTime": NOW,
                "conditions": [{ "type": "Ready", "status": "True" }],
                "containerStatuses": [{ "state": if drill { ended } else { json!({}) } }],
            });
            self.objects.insert(at, pod);
        }
    }

    fn bind_claims(&mut self) {
        for (at, mut claim) in self.of(Kind::Pvc) {
            let uid = text(&claim, "/metadata/uid").to_owned();
            if text(&claim, "/spec/volumeName").is_empty() {
                let name = format!("pvc-{uid}");
                let volume = json!({
                    "metadata": { "name": name, "uid": format!("uid-{name}"), "annotations": {} },
                    "spec": {
                        "csi": { "driver": crate::assess::testing::DRIVER, "volumeHandle": name },
                        "persistentVolumeReclaimPolicy": "Delete",
                        "claimRef": { "namespace": at.namespace, "name": at.name },
                    },
                });
                self.objects.insert(ObjectAt::of(Kind::Pv, None, &name), volume);
                claim["spec"]["volumeName"] = name.into();
            }
            let volume = ObjectAt::of(Kind::Pv, None, text(&claim, "/spec/volumeName"));
            if let Some(volume) = self.objects.get_mut(&volume) {
                let mine = text(volume, "/spec/claimRef/name") == at.name
                    && [uid.as_str(), ""].contains(&text(volume, "/spec/claimRef/uid"));
                if mine {
                    volume["spec"]["claimRef"]["uid"] = uid.into();
                    volume["status"] = json!({ "phase": "Bound" });
                    claim["status"] = json!({ "phase": "Bound", "capacity": { "storage": "1Gi" } });
                }
            }
            claim["metadata"]["finalizers"] = json!(["kubernetes.io/pvc-protection"]);
            self.objects.insert(at, claim);
        }
    }

    /// A volume whose claim is gone goes with it, or is released.
    fn release_volumes(&mut self) {
        for (at, mut volume) in self.of(Kind::Pv) {
            let uid = text(&volume, "/spec/claimRef/uid").to_owned();
            let claims = self.of(Kind::Pvc);
            let lives = claims.iter().any(|(_, claim)| text(claim, "/metadata/uid") == uid);
            if uid.is_empty() || lives {
                continue;
            }
            if text(&volume, "/spec/persistentVolumeReclaimPolicy") == "Delete" {
                self.objects.remove(&at);
            } else {
                volume["status"] = json!({ "phase": "Released" });
                self.objects.insert(at, volume);
            }
        }
    }

    fn cut_snapshots(&mut self) {
        for (at, mut snapshot) in self.of(Kind::VolumeSnapshot) {
            let uid = text(&snapshot, "/metadata/uid").to_owned();
            let imported = text(&snapshot, "/spec/source/volumeSnapshotContentName").to_owned();
            let name = if imported.is_empty() { format!("snapcontent-{uid}") } else { imported };
            if !text(&snapshot, "/status/boundVolumeSnapshotContentName").is_empty() {
                continue;
            }
            let content_at = ObjectAt::of(Kind::Content, None, &name);
            let content = self.objects.entry(content_at).or_insert_with(|| {
                json!({
                    "metadata": { "name": name, "uid": format!("uid-{name}") },
                    "spec": { "deletionPolicy": "Delete", "driver": crate::assess::testing::DRIVER },
                })
            });
            content["spec"]["volumeSnapshotRef"] = json!({ "namespace": at.namespace, "name": at.name, "uid": uid });
            let own = json!(format!("snap-{uid}"));
            let handle = content.pointer("/spec/source/snapshotHandle").cloned().unwrap_or(own);
            content["status"] = json!({ "snapshotHandle": handle, "readyToUse": true, "restoreSize": 1 << 30 });
            snapshot["status"] = json!({
                "boundVolumeSnapshotContentName": name, "creationTime": NOW, "readyToUse": true, "restoreSize": "1Gi",
            });
            self.objects.insert(at, snapshot);
        }
        let snapshots = self.of(Kind::VolumeSnapshot);
        for (at, content) in self.of(Kind::Content) {
            let uid = text(&content, "/spec/volumeSnapshotRef/uid");
            let lives = snapshots.iter().any(|(_, snapshot)| text(snapshot, "/metadata/uid") == uid);
            if !uid.is_empty() && !lives && text(&content, "/spec/deletionPolicy") == "Delete" {
                self.objects.remove(&at);
            }
        }
    }

    /// What is in a namespace goes with it. Those of the scenario were never made.
    fn empty_namespaces(&mut self) {
        let named: Vec<String> = self.of(Kind::Namespace).into_iter().map(|(at, _)| at.name).collect();
        let drill = |at: &ObjectAt| at.namespace.clone().filter(|name| name.starts_with("holdfast-drill-"));
        self.objects.retain(|at, _| drill(at).is_none_or(|name| named.contains(&name)));
        // Volumes and contents that went with it are seen to once more.
        self.release_volumes();
    }
}

/// One operation of a JSON patch: `add`, `replace` and `remove` of fields.
fn apply(object: &mut Value, operation: &Value, progress: &Progress) {
    let (parent, field) = text(operation, "/path").rsplit_once('/').unwrap();
    let field = field.replace("~1", "/").replace("~0", "~");
    let value = match operation.get("valueFrom") {
        Some(parts) => parts
            .as_array()
            .unwrap()
            .iter()
            .map(|part| part_of(part, progress, NOW.parse().unwrap()).expect("an output"))
            .collect::<String>()
            .into(),
        None => operation["value"].clone(),
    };
    let Some(parent) = object.pointer_mut(parent).and_then(Value::as_object_mut) else {
        panic!("{operation} has no place in {object}")
    };
    match text(operation, "/op") {
        "remove" => drop(parent.remove(&field).unwrap_or_else(|| panic!("{operation}: nothing is there"))),
        _ => drop(parent.insert(field, value)),
    }
}
