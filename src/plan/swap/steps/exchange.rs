//! Rows 7 to 9 of the table: the claim is deleted and made anew for the other volume.

use std::time::Duration;

use serde_json::{Value, json};

use super::part::CLAIM;
use super::{Incoming, MINUTE, Part, RECLAIM, Stopped, plain, reversible, wait};
use crate::model::{Kind, annotation};
use crate::plan::read::{name, text, uid};
use crate::plan::{
    Act, Check, Expect, Follow, Guard, ListAt, Node, ObjectAt, Part as Named, Resource, Step, Target, Until,
};

/// For what should hold already and is looked at again.
const AGAIN: Duration = Duration::from_secs(10);

impl Part {
    /// Row 7: that the claim could be deleted at once, and that nothing would be lost.
    pub(super) fn free(&self) -> Vec<Node> {
        let free = wait(
            self.known_claim(),
            "nothing but its pods to hold the claim (a snapshot that is not ready does)",
            vec![Check::is("/metadata/finalizers", json!(["kubernetes.io/pvc-protection"]))],
            &["/metadata/finalizers/*"],
        );
        vec![
            plain(self.step(
                "free",
                format!("wait until {} could be deleted at once", self.claim),
                free,
                self.within.ready,
            )),
            plain(self.unused("unused", AGAIN)),
            plain(self.step(
                "kept",
                format!("read again that {} is Retain and bound to this claim", self.volume),
                self.kept(),
                AGAIN,
            )),
        ]
    }

    /// Rows 8 and 9: the claim of this name gets the other volume.
    pub(super) fn exchange(&self, stopped: &[Stopped]) -> Vec<Node> {
        let mut nodes = vec![reversible(self.delete_claim(stopped), self.undelete())];
        let released = wait(
            self.known_volume(),
            "the live volume to be released",
            vec![Check::is("/status/phase", "Released")],
            &[],
        );
        nodes.push(plain(self.step("apart", format!("wait until {} is released", self.volume), released, 5 * MINUTE)));
        if let Incoming::Staged { claim, .. } = &self.incoming {
            let delete = Act::Delete { target: self.output("stage", "object") };
            nodes.push(plain(self.step("unstaged", format!("delete {claim}; its volume stays"), delete, 5 * MINUTE)));
        }
        let gone =
            wait(self.incoming(), "the other volume to be released", vec![Check::is("/status/phase", "Released")], &[]);
        nodes.push(plain(self.step("apart-new", "wait until the other volume is released", gone, 5 * MINUTE)));
        nodes.push(self.reserve());
        let create = Act::Create { at: self.claim.clone(), manifest: self.new_claim() };
        let create = self.step(CLAIM, format!("create {} for the other volume", self.claim), create, MINUTE);
        let made = self.marked(&self.claim, CLAIM);
        let delete =
            self.step("unclaim", format!("delete {} again", self.claim), Act::Delete { target: made }, 5 * MINUTE);
        nodes.push(reversible(create, vec![delete]));
        nodes.push(plain(self.bound("bound", self.output(CLAIM, "object"), self.incoming_name())));
        nodes
    }

    fn kept(&self) -> Act {
        let checks = vec![
            Check::is(RECLAIM, "Retain"),
            Check::is("/spec/claimRef/uid", uid(&self.now).as_str()),
            Check::absent("/metadata/deletionTimestamp"),
        ];
        wait(self.known_volume(), "the live volume to be kept", checks, &[])
    }

    fn delete_claim(&self, stopped: &[Stopped]) -> Step {
        let title = format!("delete {}; its volume {} stays", self.claim, self.volume.name);
        let mut delete = self.step("delete", title, Act::Delete { target: self.known_claim() }, 5 * MINUTE);
        let or = "nothing was deleted".to_owned();
        delete.guards = vec![
            Guard {
                at: self.claim.clone(),
                uid: uid(&self.now),
                checks: vec![Check::is("/spec/volumeName", self.volume.name.as_str())],
                or: or.clone(),
            },
            Guard {
                at: self.volume.clone(),
                uid: self.volume_uid.clone(),
                checks: vec![Check::is(RECLAIM, "Retain")],
                or: or.clone(),
            },
        ];
        delete.guards.extend(stopped.iter().map(|workload| workload.still(&or)));
        delete
    }

    /// The claim is made again as it was, with its own volume.
    fn undelete(&self) -> Vec<Step> {
        let former = uid(&self.now);
        let going = Act::Absent {
            among: ListAt::all(Resource::of(Kind::Pvc), self.claim.namespace.as_deref()),
            which: vec![Check::is("/metadata/uid", former.as_str()), Check::present("/metadata/deletionTimestamp")],
            what: format!("{} to be deleted whole: a deletion that was asked for cannot be taken back", self.claim),
        };
        let recreate = Act::Recreate { at: self.claim.clone(), former, manifest: self.old_claim() };
        let uid = self.made("undelete", "object", Named::Uid);
        vec![
            self.step("undelete-wait", format!("wait until {} is whole or gone", self.claim), going, 10 * MINUTE),
            self.step("undelete", format!("create {} as it was, for {}", self.claim, self.volume), recreate, MINUTE),
            self.step(
                "unrelease",
                format!("reserve {} for it", self.volume),
                reserved(self.known_volume(), &self.claim, &uid),
                MINUTE,
            ),
            self.bound("rebound", self.output("undelete", "object"), self.volume.name.as_str().into()),
        ]
    }

    fn reserve(&self) -> Node {
        // For whichever claim comes under the name: its UID is not known yet.
        let field = "/spec/claimRef";
        let reference = json!({ "kind": "PersistentVolumeClaim", "apiVersion": "v1", "namespace": self.claim.namespace, "name": self.claim.name });
        let former = match &self.incoming {
            Incoming::Staged { .. } => self.made("stage", "object", Named::Uid),
            Incoming::Kept { former, .. } => former["uid"].clone(),
        };
        let done = vec![
            Check::is("/spec/claimRef/name", self.claim.name.as_str()),
            Check { field: "/spec/claimRef/uid".into(), expect: Expect::Not(former) },
        ];
        let patch = json!([{ "op": "add", "path": field, "value": reference }]);
        let reserve = Act::Patch { target: self.incoming(), patch, done };
        let reserve = self.step("reserve", format!("reserve the other volume for {}", self.claim), reserve, MINUTE);
        let undo = match &self.incoming {
            Incoming::Staged { claim, .. } => {
                reserved(self.incoming(), claim, &self.made("stage", "object", Named::Uid))
            }
            Incoming::Kept { former, .. } => Act::Patch {
                target: self.incoming(),
                patch: json!([{ "op": "add", "path": field, "value": former }]),
                done: vec![Check::is("/spec/claimRef/uid", former["uid"].clone())],
            },
        };
        // A claim that somebody else made in between may have the volume by now, and a pod on it.
        let theirs = Act::Absent {
            among: ListAt::all(Resource::of(Kind::Pvc), self.claim.namespace.as_deref()),
            which: vec![Check::is("/metadata/name", self.claim.name.as_str())],
            what: format!("{}, which this restore did not make, to be gone", self.claim),
        };
        let title = format!("look that nobody else made {} meanwhile", self.claim);
        reversible(
            reserve,
            vec![
                self.step("unreserve-wait", title, theirs, AGAIN),
                self.step("unreserve", "take that reservation back", undo, MINUTE),
            ],
        )
    }

    fn bound(&self, id: &str, target: Target, volume: Value) -> Step {
        let until = Until {
            what: format!("{} to be bound to that volume", self.claim),
            checks: vec![
                Check::is("/status/phase", "Bound"),
                Check { field: "/spec/volumeName".into(), expect: Expect::Is(volume) },
            ],
            follow: Some(Follow {
                resource: Resource::of(Kind::Pv),
                name_in: "/spec/volumeName".into(),
                checks: vec![Check { field: "/spec/claimRef/uid".into(), expect: Expect::UidOfOrigin }],
                trouble: Vec::new(),
                outputs: Vec::new(),
            }),
            ..Until::default()
        };
        self.step(
            id,
            format!("wait until {} is bound to it", self.claim),
            Act::Wait { target, until: Box::new(until) },
            5 * MINUTE,
        )
    }

    /// The claim of the other volume: as the present one is, without what binds that to its volume.
    fn new_claim(&self) -> Value {
        let mut spec = self.now.get("spec").cloned().unwrap_or_default();
        if let Some(spec) = spec.as_object_mut() {
            for field in ["dataSource", "dataSourceRef"] {
                spec.remove(field);
            }
            spec.insert("volumeName".into(), self.incoming_name());
        }
        let mut manifest = self.like_now(CLAIM, &spec);
        if let Incoming::Staged { data_source, .. } = &self.incoming {
            let from = format!("{}/{data_source}", self.claim.namespace.as_deref().unwrap_or_default());
            manifest["metadata"]["annotations"][annotation::RESTORED_FROM] = from.into();
        }
        manifest
    }

    /// The present claim, to be made again.
    fn old_claim(&self) -> Value {
        self.like_now("undelete", &self.now["spec"])
    }

    fn like_now(&self, step: &str, spec: &Value) -> Value {
        let mut annotations =
            self.now.pointer("/metadata/annotations").and_then(Value::as_object).cloned().unwrap_or_default();
        // What binds the claim to its volume and its node is written anew by who binds it.
        annotations.retain(|key, _| {
            !["pv.kubernetes.io/", "volume.kubernetes.io/", "volume.beta.kubernetes.io/"]
                .iter()
                .any(|of| key.starts_with(of))
        });
        annotations.insert(annotation::OPERATION.into(), self.id.as_str().into());
        annotations.insert(annotation::STEP.into(), step.into());
        annotations.insert(annotation::LINEAGE.into(), self.lineage.as_str().into());
        let mut metadata = json!({
            "name": name(&self.now), "namespace": text(&self.now, "/metadata/namespace"), "annotations": annotations,
        });
        if let Some(labels) = self.now.pointer("/metadata/labels") {
            metadata["labels"] = labels.clone();
        }
        json!({ "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec })
    }
}

/// A volume is for this claim and no other.
fn reserved(target: Target, claim: &ObjectAt, uid: &Value) -> Act {
    let reference = json!({
        "kind": "PersistentVolumeClaim", "apiVersion": "v1", "namespace": claim.namespace, "name": claim.name, "uid": uid,
    });
    let done = vec![
        Check::is("/spec/claimRef/name", claim.name.as_str()),
        Check { field: "/spec/claimRef/uid".into(), expect: Expect::Is(uid.clone()) },
    ];
    Act::Patch { target, patch: json!([{ "op": "add", "path": "/spec/claimRef", "value": reference }]), done }
}
