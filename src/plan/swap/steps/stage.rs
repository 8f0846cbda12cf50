//! Row 1 of the table: the restored volume is made beside the live one and tried; the application is not touched.

use serde_json::Value;

use super::{Incoming, MINUTE, Part, RECLAIM, plain, reversible, set, wait};
use crate::model::Kind;
use crate::plan::{Act, Check, Expect, Firm, Follow, Node, ObjectAt, Resource, Until};

impl Part {
    /// Row 1: a volume is made beside the live one and tried; the application is not touched.
    pub(super) fn stage(&self) -> Vec<Node> {
        let Incoming::Staged { claim, manifest, data_source, pod, pod_manifest } = &self.incoming else {
            return Vec::new();
        };
        let remove = |id: &str, at: &ObjectAt, step: &str| {
            self.step(id, format!("delete {at} again"), Act::Delete { target: self.marked(at, step) }, 5 * MINUTE)
        };
        let create = |at: &ObjectAt, manifest: &Value| Act::Create { at: at.clone(), manifest: manifest.clone() };
        let staged = Until {
            what: "the volume to be made from the restore point".into(),
            checks: vec![Check::is("/status/phase", "Bound")],
            // A server that does not know the source drops it without a word.
            firm: vec![Firm::new(
                Check::is("/spec/dataSource/name", data_source.as_str()),
                "the API server dropped where the volume is made from: it would be empty",
            )],
            events: true,
            follow: Some(Follow {
                resource: Resource::of(Kind::Pv),
                name_in: "/spec/volumeName".into(),
                checks: vec![Check { field: "/spec/claimRef/uid".into(), expect: Expect::UidOfOrigin }],
                trouble: Vec::new(),
                outputs: vec![("volume".into(), String::new())],
            }),
            ..Until::default()
        };
        let ready =
            [Check::is("/status/phase", "Running"), Check::is("/status/conditions/[type=Ready]/status", "True")];
        let trouble = [
            "/status/containerStatuses/*/state/waiting/message",
            "/status/containerStatuses/*/state/waiting/reason",
            "/status/conditions/[type=PodScheduled]/message",
        ];
        let running =
            wait(self.output("try", "object"), "the trial pod to mount the restored volume", ready.into(), &trouble);
        let title = format!("create {claim}, a volume made from restore point {data_source} beside the live one");
        vec![
            reversible(
                self.step("stage", title, create(claim, manifest), MINUTE),
                vec![remove("unstage", claim, "stage")],
            ),
            reversible(
                self.step(
                    "try",
                    format!("create {pod}, which mounts that volume and writes nothing"),
                    create(pod, pod_manifest),
                    MINUTE,
                ),
                vec![remove("untry", pod, "try")],
            ),
            plain(self.step("mounted", "wait until that pod runs with the volume mounted", running, self.within.stage)),
            reversible(
                self.step(
                    "staged",
                    "wait until the new claim is bound to a volume made from the restore point",
                    Act::Wait { target: self.output("stage", "object"), until: Box::new(staged) },
                    self.within.stage,
                ),
                vec![self.step(
                    "discard",
                    "let the restored volume go with its claim",
                    set(self.output("staged", "volume"), RECLAIM, "Delete"),
                    MINUTE,
                )],
            ),
            plain(self.step(
                "tried",
                format!("delete {pod}"),
                Act::Delete { target: self.output("try", "object") },
                5 * MINUTE,
            )),
            plain(self.detached("released", "the restored volume", self.incoming_name())),
        ]
    }
}
