//! The table of a renewal: it is asked for, issued and stored, and then what cannot take it up by itself is restarted,
//! one workload after the other.
//!
//! Each restart is watched to its end as `kubectl rollout status` does it, and the pods themselves are looked at after:
//! something that keeps a workload as it is written down elsewhere may take the annotation back meanwhile, and
//! Kubernetes then goes back to the pods with the former certificate without a word (research: tls, section 0).

use std::time::Duration;

use serde_json::{Value, json};

use super::case::IssuerSeen;
use super::users::User;
use crate::model::{Kind, Uid, annotation};
use crate::plan::{
    Act, CERTIFICATE, Check, Expect, Firm, Guard, ListAt, Node, ObjectAt, Resource, Step, StepId, Target, Teller, Until,
};

/// How long it may take that a change shows.
const SHOWN: Duration = Duration::from_secs(60);
/// Annotations of a pod template.
const TEMPLATE: &str = "/spec/template/metadata/annotations";
/// The annotation that kubectl restarts with.
const RESTARTED: &str = "kubectl.kubernetes.io/restartedAt";

/// A workload to restart.
#[derive(Clone, Debug)]
pub(super) struct Restarted {
    pub at: ObjectAt,
    kind: Kind,
    uid: Uid,
    /// Whether its template has annotations.
    annotated: bool,
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
            annotated: fresh.pointer(TEMPLATE).is_some_and(Value::is_object),
            selector: labels.collect::<Vec<_>>().join(","),
        }
    }

    fn target(&self) -> Target {
        Target::Known { at: self.at.clone(), uid: self.uid.clone() }
    }

    fn pods(&self) -> ListAt {
        let pods = ListAt::all(Resource::of(Kind::Pod), self.at.namespace.as_deref());
        ListAt { selector: self.selector.clone(), ..pods }
    }
}

/// Everything that the table is made of.
pub(super) struct Table<'a> {
    pub certificate: ObjectAt,
    pub uid: Uid,
    /// The revision that is stored.
    pub revision: u64,
    /// How often issuing failed in a row.
    pub failures: u64,
    pub secret: ObjectAt,
    pub secret_uid: Uid,
    /// Of the stored certificate; `None` when it cannot be read.
    pub fingerprint: Option<&'a str>,
    pub issuer: Option<&'a IssuerSeen<'a>>,
    /// Whether it proves names to a public CA.
    pub acme: bool,
    pub issued_within: Duration,
    pub rolled_within: Duration,
    pub restarted: &'a [Restarted],
    /// Steps that see who serves the new certificate.
    pub served: &'a [Step],
    /// The value of the annotation that restarts.
    pub moment: String,
}

fn check(field: &str, expect: Expect) -> Check {
    Check { field: field.to_owned(), expect }
}

fn fields(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn outputs(slots: &[(&str, &str)]) -> Vec<(String, String)> {
    slots.iter().map(|(slot, field)| ((*slot).to_owned(), (*field).to_owned())).collect()
}

/// What identifies a certificate.
fn certificate_outputs() -> Vec<(String, String)> {
    ["fingerprint", "serial", "notAfter"].map(|slot| (slot.to_owned(), certificate(slot))).into()
}

/// What is read of the certificate in a TLS Secret.
fn certificate(field: &str) -> String {
    format!("{CERTIFICATE}{field}")
}

/// The step that says which certificate is the new one.
pub(super) const STORED: &str = "stored";
const FINGERPRINT: &str = "fingerprint";
const ISSUING: &str = "/status/conditions/[type=Issuing]/status";
const REVISION: &str = "/status/revision";
const FAILURES: &str = "/status/failedIssuanceAttempts";
const DELETED: &str = "/metadata/deletionTimestamp";

impl Table<'_> {
    /// The whole table.
    pub fn nodes(&self) -> Vec<Node> {
        let restarts = self.restarted.iter().enumerate().flat_map(|(place, one)| self.restart(place + 1, one));
        let steps = [self.former(), self.trigger(), self.issued(), self.stored()].into_iter().chain(restarts);
        let steps = steps.chain(self.served.iter().cloned());
        steps.map(|step| Node::Do(Box::new(step))).collect()
    }

    fn own(&self) -> Target {
        Target::Known { at: self.certificate.clone(), uid: self.uid.clone() }
    }

    /// Writes down which certificate goes, and that it is the one that the plan was made for.
    fn former(&self) -> Step {
        let expected = self.fingerprint.map_or(Expect::Absent, |former| Expect::Is(former.into()));
        let same = Firm::new(
            check(&certificate(FINGERPRINT), expected),
            "another certificate was stored meanwhile; look at it, then plan again",
        );
        let until = Until {
            what: format!("{} to be looked at", self.secret),
            firm: vec![same],
            outputs: certificate_outputs(),
            ..Until::default()
        };
        Step {
            id: StepId("former".into()),
            title: format!("note which certificate {} holds", self.secret),
            act: Act::Wait { target: self.kept_in(), until: Box::new(until) },
            guards: Vec::new(),
            deadline: SHOWN,
        }
    }

    fn kept_in(&self) -> Target {
        Target::Known { at: self.secret.clone(), uid: self.secret_uid.clone() }
    }

    /// What `cmctl renew` sends (cmctl `pkg/renew/renew.go`).
    fn trigger(&self) -> Step {
        let condition = json!({
            "type": "Issuing", "status": "True", "reason": "ManuallyTriggered",
            "message": "Certificate re-issuance manually triggered",
        });
        // The answer may be there before anybody looks: cert-manager takes the condition away when it has issued.
        let done = vec![
            vec![Check::is(ISSUING, "True")],
            vec![check(REVISION, Expect::Above(self.revision))],
            vec![check(FAILURES, Expect::Above(self.failures))],
        ];
        let unchanged = Guard {
            at: self.certificate.clone(),
            uid: self.uid.clone(),
            checks: vec![
                Check::absent(DELETED),
                Check::not(ISSUING, "True"),
                check(REVISION, Expect::NotAbove(self.revision)),
                check(FAILURES, Expect::NotAbove(self.failures)),
            ],
            or: "it is being deleted or issued, or was issued meanwhile; look at it, then plan again".into(),
        };
        let ready = self.issuer.map(|issuer| Guard {
            at: issuer.at.clone(),
            uid: issuer.uid.clone(),
            checks: vec![Check::is("/status/conditions/[type=Ready]/status", "True")],
            or: "the issuer is not ready any more; mend it, then plan again".into(),
        });
        Step {
            id: StepId("trigger".into()),
            title: format!("ask cert-manager to issue {} anew", self.certificate),
            act: Act::Condition { target: self.own(), condition, done },
            guards: [unchanged].into_iter().chain(ready).collect(),
            deadline: SHOWN,
        }
    }

    fn issued(&self) -> Step {
        let failed = Firm {
            check: check(FAILURES, Expect::NotAbove(self.failures)),
            or: "issuing failed, the former certificate is still the stored one, and cert-manager tries again later"
                .into(),
            trouble: fields(&["/status/conditions/[type=Issuing]/message"]),
        };
        let until = Until {
            what: "cert-manager to issue the new certificate".into(),
            // Ready stays True all along: alone it proves nothing.
            checks: vec![
                check(REVISION, Expect::Above(self.revision)),
                Check::not(ISSUING, "True"),
                Check::is("/status/conditions/[type=Ready]/status", "True"),
            ],
            tellers: self.tellers(),
            events: true,
            firm: vec![failed, Firm::new(Check::absent(DELETED), "the Certificate is being deleted")],
            outputs: outputs(&[("revision", REVISION)]),
            ..Until::default()
        };
        Step {
            id: StepId("issued".into()),
            title: format!("wait until revision {} is issued", self.revision + 1),
            act: Act::Wait { target: self.own(), until: Box::new(until) },
            guards: Vec::new(),
            deadline: self.issued_within,
        }
    }

    /// Who knows what an issuance is stuck at: its request, its order at a public CA, its issuer.
    fn tellers(&self) -> Vec<Teller> {
        let not_ready = Check::not("/status/conditions/[type=Ready]/status", "True");
        let message = fields(&["/status/conditions/[type=Ready]/message"]);
        let namespace = self.certificate.namespace.as_deref();
        let ours = Check::is(&annotation::pointer(annotation::CERTIFICATE_NAME), self.certificate.name.as_str());
        let request = Teller {
            among: ListAt::all(Resource::of(Kind::CertificateRequest), namespace),
            which: vec![
                Check::is(&annotation::pointer(annotation::CERTIFICATE_REVISION), (self.revision + 1).to_string()),
                ours.clone(),
                not_ready.clone(),
            ],
            trouble: message.clone(),
        };
        let order = self.acme.then(|| Teller {
            among: ListAt::all(orders(), namespace),
            which: vec![ours, Check::not("/status/state", "valid")],
            trouble: fields(&["/status/reason"]),
        });
        let issuer = self.issuer.map(|issuer| Teller {
            among: ListAt::all(issuer.at.resource.clone(), issuer.at.namespace.as_deref()),
            which: vec![Check::is("/metadata/name", issuer.at.name.as_str()), not_ready],
            trouble: message,
        });
        [request].into_iter().chain(order).chain(issuer).collect()
    }

    fn stored(&self) -> Step {
        let another = self.fingerprint.map(|former| Check::not(&certificate(FINGERPRINT), former));
        let until = Until {
            what: format!("{} to hold the new certificate", self.secret),
            checks: [Check::present(&certificate(FINGERPRINT))].into_iter().chain(another).collect(),
            firm: vec![Firm::new(
                Check::not(&certificate("keyMatches"), false),
                "the stored key does not belong to the stored certificate: something else writes this Secret",
            )],
            outputs: certificate_outputs(),
            ..Until::default()
        };
        Step {
            id: StepId(STORED.into()),
            title: format!("see that {} holds another certificate, and which", self.secret),
            act: Act::Wait { target: self.kept_in(), until: Box::new(until) },
            guards: Vec::new(),
            deadline: SHOWN,
        }
    }

    fn restart(&self, place: usize, one: &Restarted) -> [Step; 3] {
        let id = |what: &str| StepId(format!("{what}-{place}"));
        [
            Step {
                id: id("restart"),
                title: format!("restart {}", one.at),
                act: self.annotate(one),
                guards: vec![unchanged(one)],
                deadline: SHOWN,
            },
            Step {
                id: id("rolled"),
                title: format!("wait until {} has replaced its pods", one.at),
                act: Act::Wait { target: one.target(), until: Box::new(self.rolled(one)) },
                guards: Vec::new(),
                deadline: self.rolled_within,
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
                deadline: self.rolled_within,
            },
        ]
    }

    fn annotate(&self, one: &Restarted) -> Act {
        // A template without annotations has nothing to add one to (RFC 6902 section 4.1).
        let patch = if one.annotated {
            json!([{ "op": "add", "path": restarted(), "value": self.moment }])
        } else {
            json!([{ "op": "add", "path": TEMPLATE, "value": { RESTARTED: self.moment } }])
        };
        Act::Patch { target: one.target(), patch, done: vec![self.still(one)] }
    }

    fn still(&self, _: &Restarted) -> Check {
        Check::is(&restarted(), self.moment.as_str())
    }

    /// As `kubectl rollout status` has it (kubectl `pkg/polymorphichelpers/rollout_status.go`).
    fn rolled(&self, one: &Restarted) -> Until {
        let mut checks = vec![Check::not_below("/status/observedGeneration", "/metadata/generation")];
        let (more, replaced): (&[(&str, &str)], _) = match one.kind {
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
        checks.extend(more.iter().map(|(field, other)| Check::not_below(field, other)));
        let kept = Firm::new(
            self.still(one),
            "the restart was taken back: something keeps this workload as it is written down elsewhere (GitOps), \
             and pods may go on with the former certificate; pause that, then restart the workload",
        );
        let struggling = Teller {
            among: one.pods(),
            which: vec![Check::is(&annotation::pointer(RESTARTED), self.moment.as_str())],
            trouble: fields(&[
                "/status/containerStatuses/*/state/waiting/{reason,message}",
                "/status/conditions/[reason=Unschedulable]/message",
            ]),
        };
        Until {
            what: format!("{} to replace its pods", one.at),
            checks,
            trouble: fields(&[
                "/status/conditions/[reason=ProgressDeadlineExceeded]/message",
                "/status/conditions/[type=ReplicaFailure]/message",
            ]),
            events: true,
            tellers: vec![struggling],
            firm: vec![kept, Firm::new(Check::absent(DELETED), "the workload is being deleted")],
            outputs: outputs(&[("pods", replaced)]),
            ..Until::default()
        }
    }

    /// What pods from before the restart have in common: they lack its mark. Those that have ended serve nobody.
    fn former_pods(&self, one: &Restarted) -> Vec<Check> {
        let mut which = vec![
            Check::not(&annotation::pointer(RESTARTED), self.moment.as_str()),
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

fn unchanged(one: &Restarted) -> Guard {
    let template = if one.annotated { Check::present(TEMPLATE) } else { Check::absent(TEMPLATE) };
    Guard {
        at: one.at.clone(),
        uid: one.uid.clone(),
        checks: vec![Check::absent(DELETED), Check::not("/spec/paused", true), template],
        or: "it was changed meanwhile; the new certificate is stored: restart it with kubectl rollout restart".into(),
    }
}

fn restarted() -> String {
    format!("{TEMPLATE}/{}", RESTARTED.replace('/', "~1"))
}

/// Orders of cert-manager at a public CA.
fn orders() -> Resource {
    Resource {
        group: "acme.cert-manager.io".into(),
        version: "v1".into(),
        plural: "orders".into(),
        kind: "Order".into(),
    }
}
