//! The steps of a restart: it is asked for, watched to its end as `kubectl rollout status` does it, and the pods
//! themselves are looked at after. Something that keeps a workload as it is written down elsewhere may take the
//! annotation back meanwhile, and Kubernetes then goes back to the former pods without a word (research: tls,
//! section 0).

use std::time::Duration;

use serde_json::{Value, json};

use super::users::User;
use crate::model::{Kind, Uid, annotation};
use crate::plan::{Act, Check, Firm, Guard, ListAt, ObjectAt, Resource, Step, StepId, Target, Teller, Until};

/// How long it may take that a change shows.
const SHOWN: Duration = Duration::from_secs(60);
/// Annotations of a pod template.
const TEMPLATE: &str = "/spec/template/metadata/annotations";

/// A workload to restart.
#[derive(Clone, Debug)]
pub(in crate::plan) struct Restarted {
    pub at: ObjectAt,
    pub(super) kind: Kind,
    pub(super) uid: Uid,
    /// Labels that its pods carry: `key=value,…`.
    selector: String,
}

impl Restarted {
    /// From the workload as it was read.
    pub fn of(user: &User, fresh: &Value) -> Self {
        let labels = |field: &str| fresh.pointer(field).and_then(Value::as_object).filter(|labels| !labels.is_empty());
        let labels = labels("/spec/selector/matchLabels").or_else(|| labels("/spec/template/metadata/labels"));
        let labels = labels.into_iter().flatten().filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)));
        Self {
            at: user.at.clone(),
            kind: user.kind,
            uid: user.uid.clone(),
            selector: labels.collect::<Vec<_>>().join(","),
        }
    }

    fn target(&self) -> Target {
        Target::Known { at: self.at.clone(), uid: self.uid.clone() }
    }

    pub(super) fn pods(&self) -> ListAt {
        let pods = ListAt::all(Resource::of(Kind::Pod), self.at.namespace.as_deref());
        ListAt { selector: self.selector.clone(), ..pods }
    }

    /// That it is as it was when the plan was made; `or` is what stays true when it is not.
    pub(super) fn unchanged(&self, or: &str) -> Guard {
        Guard {
            at: self.at.clone(),
            uid: self.uid.clone(),
            checks: vec![Check::absent(DELETED), Check::not("/spec/paused", true)],
            or: format!("it was changed meanwhile; {or}: restart it with kubectl rollout restart"),
        }
    }

    /// What changes in the cluster, as a sentence.
    pub fn change(&self) -> String {
        format!("restarts {}: its pods are replaced in the order that it has for updates", self.at)
    }
}

/// What workloads are restarted for.
#[derive(Clone, Debug)]
pub(in crate::plan) enum Cause {
    /// What they are about to use.
    Anew,
    /// An earlier restart of the same operation, which this one takes back. It gave the annotation this value; who was
    /// not restarted then is left alone.
    Restarted(String),
    /// Pods that may have been replaced before any restart, which this one takes back.
    Replaced,
}

/// How workloads are restarted, and how that shows.
#[derive(Clone, Debug)]
pub(in crate::plan) struct Roll {
    /// The value of the annotation that restarts.
    pub moment: String,
    /// What for.
    pub cause: Cause,
    /// How long the pods of one workload may take to be replaced.
    pub within: Duration,
    /// What stays true when a restart cannot go on, for people.
    pub or: String,
}

impl Roll {
    /// The steps for the workload that stands at this place, from 1, among those that are restarted.
    pub fn steps(&self, place: usize, one: &Restarted) -> [Step; 3] {
        let id = |what: &str| StepId(format!("{what}-{place}{}", self.suffix()));
        [
            Step {
                id: id("restart"),
                title: format!("restart {}{}", one.at, self.again()),
                act: self.annotate(one),
                guards: self.guards(one),
                deadline: SHOWN,
            },
            Step {
                id: id("rolled"),
                title: format!("wait until {} has replaced its pods", one.at),
                act: Act::Wait { target: one.target(), until: Box::new(self.rolled(one)) },
                guards: Vec::new(),
                deadline: self.within,
            },
            Step {
                id: id("gone"),
                title: format!("see that no pod of {} is from before", one.at),
                act: Act::Absent {
                    among: one.pods(),
                    which: self.former_pods(one),
                    what: "pods from before to be gone".into(),
                },
                guards: Vec::new(),
                deadline: self.within,
            },
        ]
    }

    fn suffix(&self) -> &'static str {
        match self.cause {
            Cause::Anew => "",
            Cause::Restarted(_) => "-back",
            Cause::Replaced => "-first-back",
        }
    }

    fn again(&self) -> &'static str {
        match self.cause {
            Cause::Anew => "",
            Cause::Restarted(_) => " again, if it was restarted",
            Cause::Replaced => " for the pod of it that was replaced",
        }
    }

    fn annotate(&self, one: &Restarted) -> Act {
        let patch = json!([{ "op": "add", "path": restarted(), "value": self.moment }]);
        let done = match &self.cause {
            Cause::Anew | Cause::Replaced => Check::is(&restarted(), self.moment.as_str()),
            Cause::Restarted(former) => Check::not(&restarted(), former.as_str()),
        };
        Act::Patch { target: one.target(), patch, done: vec![done] }
    }

    fn guards(&self, one: &Restarted) -> Vec<Guard> {
        if matches!(self.cause, Cause::Anew) { vec![one.unchanged(&self.or)] } else { Vec::new() }
    }

    /// As `kubectl rollout status` has it (kubectl `pkg/polymorphichelpers/rollout_status.go`).
    fn rolled(&self, one: &Restarted) -> Until {
        let (checks, replaced) = replaced(one.kind);
        let kept = Firm::new(
            Check::is(&restarted(), self.moment.as_str()),
            "the restart was taken back: something keeps this workload as it is written down elsewhere (GitOps), \
             and pods may go on with the former certificate; pause that, then restart the workload",
        );
        // On the way back a workload may not have been restarted at all.
        let kept = matches!(self.cause, Cause::Anew).then_some(kept);
        let struggling = Teller {
            among: one.pods(),
            which: vec![Check::is(&annotation::pointer(annotation::RESTARTED), self.moment.as_str())],
            trouble: fields(STRUGGLES),
        };
        let deleted = Firm::new(Check::absent(DELETED), "the workload is being deleted");
        Until {
            what: format!("{} to replace its pods", one.at),
            checks,
            trouble: fields(&[
                "/status/conditions/[reason=ProgressDeadlineExceeded]/message",
                "/status/conditions/[type=ReplicaFailure]/message",
            ]),
            events: true,
            tellers: vec![struggling],
            firm: kept.into_iter().chain([deleted]).collect(),
            outputs: vec![("pods".to_owned(), replaced.to_owned())],
            ..Until::default()
        }
    }

    /// What pods from before the restart have in common: they lack its mark, or have that of the restart that is taken
    /// back. Those that have ended serve nobody.
    fn former_pods(&self, one: &Restarted) -> Vec<Check> {
        let mark = annotation::pointer(annotation::RESTARTED);
        let mut which = vec![
            match &self.cause {
                Cause::Anew | Cause::Replaced => Check::not(&mark, self.moment.as_str()),
                Cause::Restarted(former) => Check::is(&mark, former.as_str()),
            },
            Check::not("/status/phase", "Succeeded"),
            Check::not("/status/phase", "Failed"),
        ];
        // Pods of a Deployment belong to its ReplicaSets.
        if one.kind != Kind::Deployment {
            which.push(Check::is("/metadata/ownerReferences/*/uid", one.uid.as_str()));
        }
        which
    }
}

/// What holds of a workload whose pods are all replaced and ready, and the field that counts them.
fn replaced(kind: Kind) -> (Vec<Check>, &'static str) {
    let (more, replaced): (&[(&str, &str)], _) = match kind {
        Kind::Deployment => (
            &[
                ("/status/updatedReplicas", "/spec/replicas"),
                ("/status/updatedReplicas", "/status/replicas"),
                ("/status/availableReplicas", "/status/updatedReplicas"),
            ],
            "/status/updatedReplicas",
        ),
        Kind::DaemonSet => (
            &[
                ("/status/updatedNumberScheduled", "/status/desiredNumberScheduled"),
                ("/status/numberAvailable", "/status/desiredNumberScheduled"),
            ],
            "/status/updatedNumberScheduled",
        ),
        _ => (
            &[("/status/updatedReplicas", "/spec/replicas"), ("/status/readyReplicas", "/spec/replicas")],
            "/status/updatedReplicas",
        ),
    };
    let observed = Check::not_below("/status/observedGeneration", "/metadata/generation");
    let more = more.iter().map(|(field, other)| Check::not_below(field, other));
    ([observed].into_iter().chain(more).collect(), replaced)
}

pub(super) const DELETED: &str = "/metadata/deletionTimestamp";
/// Where a pod says why it does not become ready.
pub(super) const STRUGGLES: &[&str] = &[
    "/status/containerStatuses/*/state/waiting/{reason,message}",
    "/status/conditions/[reason=Unschedulable]/message",
];

pub(super) fn fields(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn restarted() -> String {
    format!("{TEMPLATE}/{}", annotation::RESTARTED.replace('/', "~1"))
}
