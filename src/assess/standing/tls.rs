//! How issuers and requests stand.

use jiff::Timestamp;

use super::Standing;
use crate::assess::{Judgement, Reason, Severity};
use crate::model::{CertificateRequest, Condition, Issuer};
use crate::text;

fn ready(conditions: &[Condition]) -> Option<&Condition> {
    conditions.iter().find(|condition| &*condition.kind == "Ready")
}

pub(super) fn issuer(issuer: &Issuer) -> Judgement<Standing> {
    let fact = issuer.ca_secret.as_ref().map_or_else(String::new, |secret| format!("signs with Secret {secret}"));
    match ready(&issuer.conditions) {
        Some(condition) if &*condition.status == "True" => Standing::new(Severity::Ok, "Ready", fact),
        Some(condition) => {
            let reason = Reason::new(format!("{}: {}", condition.reason, condition.message))
                .next("nothing it signs is issued or renewed until it is ready");
            Standing::new(Severity::Critical, "Not ready", fact).because(reason)
        }
        None => Standing::new(Severity::Unknown, "Unknown", fact).because("cert-manager has not said that it is ready"),
    }
}

pub(super) fn request(request: &CertificateRequest, now: Timestamp) -> Judgement<Standing> {
    let age = request.meta.created.map(|created| format!("made {} ago", text::age(now.duration_since(created))));
    let age = age.unwrap_or_default();
    let denied = request.conditions.iter().find(|c| &*c.kind == "Denied" && &*c.status == "True");
    match (denied, ready(&request.conditions)) {
        (Some(condition), _) => Standing::new(Severity::Critical, "Denied", age)
            .because(Reason::new(&condition.message).next("ask who approves requests of this issuer")),
        (None, Some(condition)) if &*condition.status == "True" => Standing::new(Severity::Ok, "Issued", age),
        (None, Some(condition)) if &*condition.reason == "Failed" => Standing::new(Severity::Critical, "Failed", age)
            .because(Reason::new(&condition.message).next("see the issuer and the events of the request")),
        (None, Some(condition)) => {
            Standing::new(Severity::Info, "Pending", age).because(Reason::new(&condition.message))
        }
        (None, None) => Standing::new(Severity::Info, "Pending", age),
    }
}
