//! The table of a renewal: it is asked for, issued and stored, and then what cannot take it up by itself is restarted,
//! one workload after the other.

use std::time::Duration;

use serde_json::json;

use super::case::IssuerSeen;
use crate::model::{Kind, Uid, annotation};
use crate::plan::reach::Reach;
use crate::plan::roll::{Cause, Roll};
use crate::plan::{
    Act, CERTIFICATE, Check, Expect, Firm, Guard, ListAt, Node, ObjectAt, Resource, Step, StepId, Target, Teller, Until,
};

/// How long it may take that a change shows.
const SHOWN: Duration = Duration::from_secs(60);
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
    /// The public key of the stored certificate, where it must not be that of the new one.
    pub known_key: Option<&'a str>,
    pub issuer: Option<&'a IssuerSeen<'a>>,
    /// Whether it proves names to a public CA.
    pub acme: bool,
    pub issued_within: Duration,
    pub rolled_within: Duration,
    /// What becomes of those who use it.
    pub reach: &'a Reach,
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
        let roll = Roll {
            moment: self.moment.clone(),
            cause: Cause::Anew,
            within: self.rolled_within,
            or: "the new certificate is stored".into(),
        };
        let restarts = self.reach.restarts(&roll);
        let own = [self.former(), self.trigger(), self.issued(), self.stored()].into_iter().chain(self.another_key());
        let steps = own.chain(restarts);
        let steps = steps.chain(self.reach.served.iter().cloned());
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

    /// A new certificate for a key that is known to others is worth nothing.
    fn another_key(&self) -> Option<Step> {
        let known = self.known_key?;
        let same = Firm::new(
            Check::not(&certificate("publicKey"), known),
            "the new certificate has the former key: set spec.privateKey.rotationPolicy to Always, then renew it again",
        );
        let until = Until {
            what: format!("{} to hold another key", self.secret),
            checks: vec![Check::present(&certificate("publicKey"))],
            firm: vec![same],
            outputs: outputs(&[("publicKey", &certificate("publicKey"))]),
            ..Until::default()
        };
        Some(Step {
            id: StepId("another-key".into()),
            title: format!("see that {} holds another key", self.secret),
            act: Act::Wait { target: self.kept_in(), until: Box::new(until) },
            guards: Vec::new(),
            deadline: SHOWN,
        })
    }
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
