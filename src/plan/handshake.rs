//! What becomes of an [`Act::Handshake`]: which pods are asked, and what their answers mean.
//!
//! Every pod that is ready counts, and only what was seen does: a pod that cannot be asked holds the step up, and one
//! that never was seen to serve the certificate is said to be so in its output.

use jiff::Timestamp;
use serde_json::Value;

use super::field::first_unmet;
use super::{Act, Output, Outputs, Progress, Seen};
use crate::text;

/// The output that says what was seen.
const HANDSHAKES: &str = "handshakes";
/// Most pods that are named; of the others there is a count.
const NAMED: usize = 8;
/// Characters of a fingerprint for people.
const SHORT: usize = 12;

/// What one pod was seen to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shaken {
    /// The pod. Untrusted.
    pub pod: String,
    /// Fingerprint and end of the certificate that it serves; or why that is not known, safe to draw.
    pub served: Result<(String, Timestamp), NotShaken>,
}

/// Why it is not known what a pod serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotShaken {
    /// In words; safe to draw.
    pub why: String,
    /// Whether the own rights do not reach so far, so that asking again is of no use.
    pub denied: bool,
}

/// The names of the pods of a list that a handshake asks: those that fit and are ready.
pub fn asked(act: &Act, listed: &[Value]) -> Vec<String> {
    let Act::Handshake { which, .. } = act else { return Vec::new() };
    let fits = |pod: &&Value| first_unmet(which, pod, None).is_none() && ready(pod);
    let name = |pod: &Value| pod.pointer("/metadata/name").and_then(Value::as_str).map(str::to_owned);
    let mut names: Vec<String> = listed.iter().filter(fits).filter_map(name).collect();
    names.sort();
    names
}

/// Whether a Service sends clients to it (`k8s.io/endpointslice`, `ShouldPodBeInEndpoints`).
fn ready(pod: &Value) -> bool {
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    let ready = |condition: &Value| condition["type"] == "Ready" && condition["status"] == "True";
    pod.pointer("/metadata/deletionTimestamp").is_none_or(Value::is_null)
        && !matches!(pod.pointer("/status/phase").and_then(Value::as_str), Some("Succeeded" | "Failed"))
        && conditions.is_some_and(|conditions| conditions.iter().any(ready))
}

/// Says what became of it, from what each of [`asked`] was seen to do.
pub fn judge_handshakes(act: &Act, progress: &Progress, shaken: &[Shaken]) -> Seen {
    let Some(Act::Handshake { serves, what, lenient, .. }) = act.filled(progress) else {
        return Seen::Unknown("the step that says which certificate has not run".into());
    };
    let Some(wanted) = serves.as_str().filter(|wanted| !wanted.is_empty()) else {
        return Seen::Conflict("no certificate is named that should be served".into());
    };
    if shaken.is_empty() {
        return Seen::Pending(format!("{what}; no pod is ready"));
    }
    let missing: Vec<(&Shaken, String)> =
        shaken.iter().filter_map(|pod| still(pod, wanted).map(|why| (pod, why))).collect();
    let Some((_, first)) = missing.first() else { return Seen::Done(seen(done(shaken))) };
    let more = if missing.len() > 1 { format!(" (and {} more)", missing.len() - 1) } else { String::new() };
    let denied = missing.iter().any(|(pod, _)| matches!(&pod.served, Err(not) if not.denied));
    match (denied, lenient) {
        (true, true) => Seen::Done(seen(not_seen(first))),
        (true, false) => Seen::Conflict(format!("{first}{more}")),
        (false, _) => Seen::Pending(format!("{what}; {first}{more}")),
    }
}

/// What a handshake that nothing waits for any longer leaves behind: that it was not seen, and why.
pub fn unseen(act: &Act, why: &str) -> Outputs {
    if matches!(act, Act::Handshake { .. }) { seen(not_seen(why)) } else { Outputs::new() }
}

fn seen(text: String) -> Outputs {
    [(HANDSHAKES.to_owned(), Output::Text(text))].into()
}

fn not_seen(why: &str) -> String {
    format!("not seen: {why}")
}

fn done(shaken: &[Shaken]) -> String {
    let mut names: Vec<String> = shaken.iter().take(NAMED).map(|pod| text::sanitize(&pod.pod).into_owned()).collect();
    if shaken.len() > NAMED {
        names.push(format!("{} more", shaken.len() - NAMED));
    }
    let all = shaken.len();
    format!("{all} of {}: {}", text::plural(all, "pod", "pods"), names.join(", "))
}

/// What keeps a pod from being done; `None` when nothing does.
fn still(pod: &Shaken, wanted: &str) -> Option<String> {
    let name = text::sanitize(&pod.pod);
    match &pod.served {
        Ok((fingerprint, _)) if fingerprint.eq_ignore_ascii_case(wanted) => None,
        Ok((fingerprint, until)) => {
            let short: String = fingerprint.chars().take(SHORT).collect();
            Some(format!("pod {name} still serves {short}…, until {until:.0}"))
        }
        Err(not) => Some(format!("pod {name}: {}", not.why)),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::model::Kind;
    use crate::plan::{Check, ListAt, Part, Resource, StepId, StepState, from_step};

    fn act(serves: Value, lenient: bool) -> Act {
        Act::Handshake {
            pods: ListAt::all(Resource::of(Kind::Pod), Some("shop")),
            which: vec![Check::is("/metadata/labels/app", "web")],
            port: 8443,
            name: "web.shop.svc".into(),
            serves,
            lenient,
            what: "every pod to serve the new certificate".into(),
        }
    }

    fn serving(pod: &str, fingerprint: &str) -> Shaken {
        Shaken { pod: pod.into(), served: Ok((fingerprint.into(), "2026-05-01T10:00:00Z".parse().unwrap())) }
    }

    fn not(pod: &str, why: &str, denied: bool) -> Shaken {
        Shaken { pod: pod.into(), served: Err(NotShaken { why: why.into(), denied }) }
    }

    fn output(text: &str) -> Seen {
        Seen::Done(seen(text.to_owned()))
    }

    fn pending(text: &str) -> Seen {
        Seen::Pending(format!("every pod to serve the new certificate; {text}"))
    }

    #[rstest]
    #[case::all(vec![serving("web-0", "ab"), serving("web-1", "AB")], output("2 of 2 pods: web-0, web-1"))]
    #[case::one(vec![serving("web-0", "ab")], output("1 of 1 pod: web-0"))]
    #[case::none_ready(vec![], pending("no pod is ready"))]
    #[case::one_behind(
        vec![serving("web-0", "ab"), serving("web-1", "0123456789abcdef")],
        pending("pod web-1 still serves 0123456789ab…, until 2026-05-01T10:00:00Z")
    )]
    #[case::one_silent(
        vec![not("web-0", "no answer in TLS within 5s", false), serving("web-1", "cd")],
        pending("pod web-0: no answer in TLS within 5s (and 1 more)")
    )]
    #[case::no_right(vec![serving("web-0", "ab"), not("web-1", "forbidden", true)], Seen::Conflict("pod web-1: forbidden".into()))]
    fn only_when_every_ready_pod_serves_it_is_it_done(#[case] shaken: Vec<Shaken>, #[case] seen: Seen) {
        assert_eq!(judge_handshakes(&act(json!("ab"), false), &Progress::default(), &shaken), seen);
    }

    #[test]
    fn of_many_pods_some_are_named_and_all_are_counted() {
        let many: Vec<Shaken> = (0..20).map(|number| serving(&format!("web-{number}"), "ab")).collect();
        let seen = judge_handshakes(&act(json!("ab"), false), &Progress::default(), &many);
        let named = "web-0, web-1, web-2, web-3, web-4, web-5, web-6, web-7";
        assert_eq!(seen, output(&format!("20 of 20 pods: {named}, 12 more")));
    }

    #[test]
    fn a_lenient_one_says_that_it_was_not_seen_and_never_that_it_was() {
        let lenient = act(json!("ab"), true);
        let denied = [not("web-0", "forbidden", true)];
        assert_eq!(judge_handshakes(&lenient, &Progress::default(), &denied), output("not seen: pod web-0: forbidden"));
        assert!(matches!(judge_handshakes(&lenient, &Progress::default(), &[]), Seen::Pending(_)));
        assert_eq!(Seen::Done(unseen(&lenient, "no pod is ready")), output("not seen: no pod is ready"));
    }

    #[test]
    fn which_certificate_may_be_for_an_earlier_step_to_say() {
        let act = act(from_step("stored", "fingerprint", Part::Name), false);
        let shaken = [serving("web-0", "ab")];
        assert!(matches!(judge_handshakes(&act, &Progress::default(), &shaken), Seen::Unknown(_)));
        let stored = StepState::Done([("fingerprint".to_owned(), Output::Text("ab".into()))].into());
        let progress = Progress { steps: [(StepId("stored".into()), stored)].into(), ..Progress::default() };
        assert_eq!(judge_handshakes(&act, &progress, &shaken), output("1 of 1 pod: web-0"));
    }

    #[test]
    fn pods_that_get_no_clients_are_not_asked() {
        let pod = |name: &str, app: &str, ready: &str, more: Value| {
            let mut pod = json!({
                "metadata": { "name": name, "labels": { "app": app } },
                "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": ready }] },
            });
            json_patch::merge(&mut pod, &more);
            pod
        };
        let listed = [
            pod("web-1", "web", "True", json!({})),
            pod("web-0", "web", "True", json!({})),
            pod("starting", "web", "False", json!({})),
            pod("leaving", "web", "True", json!({ "metadata": { "deletionTimestamp": "2026-01-01T00:00:00Z" } })),
            pod("ended", "web", "True", json!({ "status": { "phase": "Succeeded" } })),
            pod("other", "db", "True", json!({})),
        ];
        assert_eq!(asked(&act(json!("ab"), false), &listed), ["web-0", "web-1"]);
    }
}
