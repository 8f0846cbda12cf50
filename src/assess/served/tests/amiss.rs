//! Pods that do not serve what is stored, and how that is known.

use super::*;
use crate::assess::expiry::{CertificateState, secret as judge};

fn verdict(world: &World, now: Timestamp) -> (CertificateState, Severity, Reason) {
    let stored = world.inventory.tls_secrets.named(Some(&key().0), &key().1).unwrap();
    let judged = judge(world, stored, now);
    let first = judged.reasons.into_iter().next().unwrap_or_else(|| Reason::new(""));
    (judged.value.state, judged.value.severity, first)
}

/// A handshake with one of two pods; the other was not asked, and sees what changes.
#[rstest]
#[case::a_former(
    Ok(former()),
    1,
    CertificateState::PodsStale,
    Severity::Critical,
    "pod web-0, port 8444: it serves another certificate of the same names",
    "restart the pod, if it does not reload by itself"
)]
#[case::a_stranger(Ok(leaf("CN=fake", &["fake"])), 1, CertificateState::PodsStale, Severity::Critical, "pod web-0, port 8444: it serves another certificate: CN=fake", "see that its program reads this Secret")]
#[case::a_former_long_ago(
    Ok(former()),
    6,
    CertificateState::PodsMaybeStale,
    Severity::Unknown,
    "pod web-0, port 8444: the last handshake was 6m ago: it serves another",
    "ask again: holdfast probe shop/web-tls"
)]
#[case::the_stored(Ok(leaf("CN=web", &["web.shop.svc"])), 1, CertificateState::Valid, Severity::Ok, "", "")]
#[case::the_stored_long_ago(Ok(leaf("CN=web", &["web.shop.svc"])), 6, CertificateState::Valid, Severity::Ok, "", "")]
#[case::nobody(Err(NotServed::Refused("connection refused".into())), 1, CertificateState::Valid, Severity::Ok, "", "")]
fn what_was_seen_is_a_problem_as_long_as_it_counts_and_then_not_known(
    #[case] shaken: Result<CertificateFacts, NotServed>,
    #[case] minutes: i64,
    #[case] state: CertificateState,
    #[case] severity: Severity,
    #[case] why: &str,
    #[case] next: &str,
) {
    let mut world = world(["web-0", "web-1"].map(|name| pod(name, SecretVia::Mount, 90)));
    shake(&mut world, "web-0", shaken, minutes);
    let (judged, level, first) = verdict(&world, now());
    assert_eq!((judged, level), (state, severity), "{first:?}");
    assert!(first.text.starts_with(why) && first.next.unwrap_or_default().starts_with(next), "{}", first.text);
}

/// Time alone turns it, and the row is judged again by then.
#[test]
fn a_verdict_runs_out_with_its_handshake() {
    let mut world = world([pod("web-0", SecretVia::Mount, 90)]);
    shake(&mut world, "web-0", Ok(former()), 2);
    let judged = amiss(&world, &key(), now());
    assert_eq!((judged.value, judged.valid_until), (Some(Known::Seen), Some(ago(2) + COUNTS)));
    let later = now() + SignedDuration::from_mins(4);
    assert_eq!(verdict(&world, later).1, Severity::Unknown, "it is not good because nobody asked again");
}

#[test]
fn what_is_inferred_is_a_warning_that_says_so_whether_or_not_another_pod_was_seen() {
    let mut world = world([pod("web-0", SecretVia::SubPath, 90), pod("web-1", SecretVia::Env, 90)]);
    let (state, severity, first) = verdict(&world, now());
    assert_eq!((state, severity), (CertificateState::PodsMaybeStale, Severity::Warn));
    let said =
        "inferred, not seen: pod web-0, port 8444 (and 1 more) serves a former certificate: it mounts it by subPath";
    assert!(first.text.starts_with(said), "{first:?}");
    assert_eq!(first.next.as_deref(), Some("restart the pod; holdfast probe shop/web-tls makes sure"));
    // A handshake proves the inference wrong for one, and says nothing of the other.
    shake(&mut world, "web-0", Ok(leaf("CN=web", &["web.shop.svc"])), 1);
    let (state, severity, first) = verdict(&world, now());
    assert_eq!((state, severity), (CertificateState::PodsMaybeStale, Severity::Warn));
    assert!(first.text.starts_with("inferred, not seen: pod web-1, port 8444 serves"), "{first:?}");
}

#[test]
fn a_pod_that_was_seen_stale_is_not_good_because_it_is_no_longer_ready() {
    let stale = pod("web-0", SecretVia::Mount, 90);
    let mut world = world([stale.clone()]);
    shake(&mut world, "web-0", Ok(former()), 1);
    put(&mut world, [Object::Pod(Pod { ready: false, ..stale })]);
    assert_eq!(verdict(&world, now()).1, Severity::Unknown);
}

#[test]
fn what_is_worse_about_the_certificate_stays_the_verdict_and_the_pods_are_said_too() {
    let mut world = world([pod("web-0", SecretVia::Mount, 90)]);
    let ended = CertificateFacts { not_after: ago(30), ..leaf("CN=web", &["web.shop.svc"]) };
    put(&mut world, [secret("web-tls", ended)]);
    shake(&mut world, "web-0", Ok(former()), 1);
    let stored = world.inventory.tls_secrets.named(Some(&key().0), &key().1).unwrap();
    let judged = judge(&world, stored, now());
    assert_eq!(judged.value.state, CertificateState::Expired);
    assert!(judged.reasons.iter().any(|reason| reason.text.contains("it serves another")), "{judged:?}");
}
