//! When a volume is full, when it is not, and when neither can be said.

use rstest::rstest;

use super::*;
use crate::assess::testing::{ago, claim, meta, now, put, said, with_claim};
use crate::model::{Delta, Object, Pod, Policies, UsageReport};

const GI: u64 = 1 << 30;

/// A world whose Prometheus answered at `heard` with these measurements of claims in `shop`: name, used, capacity, at.
fn heard(claim: &Pvc, measured: &[(&str, u64, u64, Timestamp)]) -> World {
    let mut world = with_claim(claim, Policies::default());
    let one = |(name, used, capacity, at): &(&str, u64, u64, Timestamp)| {
        (("shop".into(), (*name).into()), Usage { used: *used, capacity: *capacity, at: *at })
    };
    world.apply(Delta::Usage(UsageReport::Asking), now());
    world.apply(Delta::Usage(UsageReport::Measured(measured.iter().map(one).collect())), now());
    world
}

#[rstest]
#[case(0, "Ok", Severity::Ok)]
#[case(799, "Ok", Severity::Ok)]
#[case(800, "Filling", Severity::Warn)]
#[case(899, "Filling", Severity::Warn)]
#[case(900, "Nearly full", Severity::Critical)]
#[case(999, "Nearly full", Severity::Critical)]
#[case(1000, "Full", Severity::Critical)]
#[case(1020, "Full", Severity::Critical)]
fn the_thresholds_of_a_fresh_measurement(#[case] per_mille: u64, #[case] word: &str, #[case] severity: Severity) {
    let claim = claim("db", None);
    let world = heard(&claim, &[("db", per_mille * GI, 1000 * GI, ago(1)), ("other", GI, GI, ago(1))]);
    let judged = used(&world, &claim, now());
    assert_eq!(judged.value, Used::Known { used: per_mille * GI, capacity: 1000 * GI });
    assert_eq!((judged.value.word(), judged.value.severity(), judged.value.alarm()), (word, severity, severity));
    assert_eq!(judged.valid_until, Some(ago(-4)), "five minutes after it was measured");
    assert_eq!(judged.reasons[0].next.is_some(), severity.problem());
}

#[rstest]
#[case(0, true)]
#[case(299, true)]
#[case(300, false)]
#[case(86_400, false)]
#[case(-60, true)]
#[case(-61, false)]
fn a_measurement_counts_for_five_minutes(#[case] seconds: i64, #[case] counts: bool) {
    let claim = claim("db", None);
    let world = heard(&claim, &[("db", GI, 10 * GI, now() - SignedDuration::from_secs(seconds))]);
    let judged = used(&world, &claim, now());
    assert_eq!(matches!(judged.value, Used::Known { .. }), counts, "{}", said(&judged));
    assert_eq!(judged.value.severity(), if counts { Severity::Ok } else { Severity::Unknown });
}

#[rstest]
#[case(79, Severity::Ok)]
#[case(80, Severity::Unknown)]
#[case(97, Severity::Unknown)]
fn what_was_filling_up_when_last_seen_is_not_forgotten(#[case] percent: u64, #[case] alarm: Severity) {
    let claim = claim("db", None);
    let world = heard(&claim, &[("db", percent, 100, ago(60))]);
    let judged = used(&world, &claim, now());
    assert_eq!((judged.value.severity(), judged.value.alarm()), (Severity::Unknown, alarm));
    assert_eq!(said(&judged), format!("it was last measured 1h ago, {percent}% full"));
}

#[test]
fn without_a_source_nothing_is_known_and_it_says_what_to_set() {
    let claim = claim("db", None);
    let mut world = with_claim(&claim, Policies::default());
    world.context.name = "prod".into();
    let judged = used(&world, &claim, now());
    assert_eq!((judged.value.severity(), judged.value.alarm()), (Severity::Unknown, Severity::Ok));
    assert!(judged.reasons[0].next.as_ref().unwrap().contains("[contexts.\"prod\"]"), "{judged:?}");
}

#[rstest]
#[case(UsageReport::Asking, "has not answered yet")]
#[case(UsageReport::Failed("connection refused".into()), "connection refused")]
#[case(UsageReport::Measured(Vec::new()), "no kubelet_volume_stats_* of any volume")]
fn a_source_that_says_nothing_says_why(#[case] report: UsageReport, #[case] why: &str) {
    let claim = claim("db", None);
    let mut world = with_claim(&claim, Policies::default());
    world.apply(Delta::Usage(UsageReport::Asking), now());
    world.apply(Delta::Usage(report), now());
    let judged = used(&world, &claim, now());
    assert_eq!(judged.value.severity(), Severity::Unknown);
    assert!(said(&judged).contains(why), "{}", said(&judged));
}

#[test]
fn a_volume_that_is_not_measured_says_whether_it_could_be() {
    let claim = claim("db", None);
    let mut world = heard(&claim, &[("other", 1, 100, now())]);
    assert!(said(&used(&world, &claim, now())).contains("no pod mounts it"));
    put(&mut world, [Object::Pod(Pod { meta: meta("db-0"), claims: ["db".into()].into(), ..Pod::default() })]);
    let judged = used(&world, &claim, now());
    assert!(said(&judged).contains("Prometheus has no measurement of it"), "{judged:?}");
    assert!(matches!(judged.value, Used::Unknown { .. }));
}

#[test]
fn what_cannot_be_its_own_measurement_is_not_taken() {
    let full = [("db", 99, 100, ago(1))];
    let mut young = claim("db", None);
    young.meta.created = Some(now());
    assert!(said(&used(&heard(&young, &full), &young, now())).contains("an earlier claim of this name"));
    let block = Pvc { block: true, ..claim("db", None) };
    assert!(said(&used(&heard(&block, &full), &block, now())).contains("block volume"));
    let pending = Pvc { phase: "Pending".into(), ..claim("db", None) };
    assert!(said(&used(&heard(&pending, &full), &pending, now())).contains("Pending, not bound"));
}

#[test]
fn a_failing_source_is_said_beside_what_still_counts() {
    let claim = claim("db", None);
    let mut world = heard(&claim, &[("db", 95, 100, ago(1))]);
    world.apply(Delta::Usage(UsageReport::Failed("Prometheus timed out".into())), now());
    let judged = used(&world, &claim, now());
    assert_eq!(judged.value, Used::Known { used: 95, capacity: 100 });
    assert!(said(&judged).contains("95% of it is used: 95B of 100B\nPrometheus timed out"), "{}", said(&judged));
}
