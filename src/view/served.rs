//! What pods serve of a certificate, as lines for people and for scripts.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Level;
use super::columns::Align;
use super::output::lines;
use crate::assess::served::{PodServed, SHORT, State, worst};
use crate::model::ClaimKey;
use crate::text;

/// Where it was asked: `web:8443`, or the port alone.
pub fn endpoint(one: &PodServed) -> String {
    let Some(endpoint) = &one.endpoint else { return "-".to_owned() };
    let service = endpoint.service.as_ref().map(|service| format!("{service}:")).unwrap_or_default();
    text::sanitize(&format!("{service}{}", endpoint.port)).into_owned()
}

/// One port of a pod in a sentence: `web-0 (web:8443): Match: it serves the stored certificate (seen 40s ago)`.
pub fn sentence(one: &PodServed, now: Timestamp) -> String {
    let seen = one.seen.map(|seen| format!(" (seen {} ago)", text::age(now.duration_since(seen))));
    let at = one.endpoint.as_ref().map(|_| format!(" ({})", endpoint(one))).unwrap_or_default();
    let pod = text::sanitize(&one.pod);
    format!("{pod}{at}: {}: {}{}", one.state.word(), one.why.text, seen.unwrap_or_default())
}

/// All of it in a line, and how bad it is.
pub fn summary(secret: &ClaimKey, all: &[PodServed]) -> (Level, String) {
    let path = text::sanitize(&format!("{}/{}", secret.0, secret.1)).into_owned();
    let Some(worst) = worst(all) else { return (Level::Unknown, format!("Secret {path}: no pod uses it")) };
    let same = all.iter().filter(|one| one.state == State::Match).count();
    let counted = format!("{same} of {} the stored certificate", text::plural(all.len(), "port serves", "ports serve"));
    let but = if worst.state == State::Match {
        String::new()
    } else {
        format!("; {}: {}: {}", text::sanitize(&worst.pod), worst.state.word(), worst.why.text)
    };
    (worst.state.severity().into(), format!("Secret {path}: {counted}{but}"))
}

/// A fingerprint cut short.
pub fn short(fingerprint: Option<&str>) -> String {
    fingerprint.map_or_else(|| "-".to_owned(), |fingerprint| fingerprint.chars().take(SHORT).collect())
}

/// One aligned line per port of a pod, with a heading.
pub fn table(all: &[PodServed], now: Timestamp) -> String {
    let heading = ["POD", "ENDPOINT", "SERVED", "UNTIL", "SEEN", "STATE", "WHY"].map(str::to_owned).to_vec();
    let line = |one: &PodServed| {
        let level = Level::from(one.state.severity());
        vec![
            text::sanitize(&one.pod).into_owned(),
            endpoint(one),
            short(one.fingerprint.as_deref()),
            one.until.map_or_else(|| "-".to_owned(), |until| format!("{until:.0}")),
            one.seen.map_or_else(|| "-".to_owned(), |seen| format!("{} ago", text::age(now.duration_since(seen)))),
            format!("{} {}", level.glyph(), one.state.word()),
            one.why.text.clone(),
        ]
    };
    lines(&std::iter::once(heading).chain(all.iter().map(line)).collect::<Vec<_>>(), &[Align::Left; 7])
}

/// One object per port of a pod.
pub fn json(all: &[PodServed]) -> Value {
    let one = |one: &PodServed| {
        let endpoint = one.endpoint.as_ref();
        json!({
            "pod": &*one.pod,
            "service": endpoint.and_then(|endpoint| endpoint.service.as_deref()),
            "port": endpoint.map(|endpoint| endpoint.port),
            "name": endpoint.map(|endpoint| &endpoint.name),
            "fingerprint": one.fingerprint,
            "until": one.until.map(|until| until.to_string()),
            "seen": one.seen.map(|seen| seen.to_string()),
            "state": one.state.word(),
            "why": one.why.text,
            "next": one.why.next,
        })
    };
    all.iter().map(one).collect()
}
