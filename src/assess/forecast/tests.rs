//! What a line through measurements says, and when it says nothing.

use rstest::rstest;

use super::*;
use crate::assess::testing::{ago, claim, meta, now, said, with_claim};
use crate::assess::used::used;
use crate::model::{Delta, Meta, Policies, Usage, UsageReport};

const GI: u64 = 1 << 30;

/// A world that measured a volume of 100 Gi at these minutes before now: minute, Gi in use.
fn measured(claim: &Pvc, points: &[(i64, u64)]) -> World {
    let mut world = with_claim(claim, Policies::default());
    world.apply(Delta::Usage(UsageReport::Asking), ago(10_000));
    for (minutes, gi) in points {
        let usage = Usage { used: gi * GI, capacity: 100 * GI, at: ago(*minutes) };
        let claim = (claim.meta.namespace.clone().unwrap(), claim.meta.name.clone());
        world.apply(Delta::Usage(UsageReport::Measured(vec![(claim, usage)])), ago(*minutes));
    }
    world
}

fn ahead(claim: &Pvc, points: &[(i64, u64)], next: Option<i64>) -> Judgement<Forecast> {
    let world = measured(claim, points);
    let filled = used(&world, claim, now());
    let next = next.map(|minutes| NextCopy { at: ago(-minutes), by: "Velero schedule nightly".into() });
    forecast(&world, claim, &filled.value, || next, now())
}

/// Measurements every ten minutes up to now, the oldest first.
fn every_ten(gi: &[u64]) -> Vec<(i64, u64)> {
    let places = (0..gi.len()).rev().map(|place| i64::try_from(place).unwrap() * 10);
    places.zip(gi.iter().copied()).collect()
}

#[test]
fn a_steady_growth_is_full_when_the_line_gets_there() {
    // 6 Gi an hour, 40 Gi are left.
    let judged = ahead(&claim("db", None), &every_ten(&[54, 55, 56, 57, 58, 59, 60]), None);
    let Forecast::Full { at, per_hour, over, alarm } = judged.value else { panic!("{judged:?}") };
    assert_eq!((at, per_hour, over), (ago(-400), 6 * GI, SignedDuration::from_mins(60)));
    assert!(alarm && judged.reasons[0].next.is_some(), "within a day");
    assert_eq!(said(&judged), "full in about 6h if it goes on as in the last 1h: 6.0Gi more an hour");
    assert_eq!(judged.valid_until, Some(ago(-5)));
}

#[rstest]
#[case::a_burst(&[54, 55, 56, 90, 58, 59, 60])]
#[case::a_clean_up(&[54, 55, 20, 57, 58, 59, 60])]
fn one_point_that_stands_out_turns_nothing(#[case] gi: &[u64]) {
    let Forecast::Full { at, .. } = ahead(&claim("db", None), &every_ten(gi), None).value else { panic!("unknown") };
    assert!((ago(-340)..ago(-480)).contains(&at), "{at}");
}

#[rstest]
#[case::flat(&[60, 60, 60, 60, 60, 60, 60], "it hardly grew in the last 1h")]
#[case::falling(&[66, 65, 64, 63, 62, 61, 60], "it shrank in the last 1h")]
#[case::few(&[58, 59, 60], "too few measurements yet: 3 over 20m")]
#[case::one(&[60], "too few measurements yet: 1 over 0s")]
#[case::full(&[94, 95, 96, 97, 98, 99, 100], "it is full already")]
fn what_a_line_cannot_say_is_unknown(#[case] gi: &[u64], #[case] why: &str) {
    let judged = ahead(&claim("db", None), &every_ten(gi), Some(60));
    assert_eq!(judged.value, Forecast::Unknown { why: why.into() });
    assert_eq!((judged.value.alarm(), judged.value.severity()), (Severity::Ok, Severity::Unknown));
}

#[test]
fn a_short_time_is_not_looked_at_and_a_line_is_not_drawn_for_ever() {
    let short: Vec<(i64, u64)> = (0..8).rev().map(|minute| (minute, 60 - u64::try_from(minute).unwrap())).collect();
    let judged = ahead(&claim("db", None), &short, None);
    assert_eq!(said(&judged), "too few measurements yet: 8 over 7m");
    // 1 Gi in an hour, 90 Gi are left.
    let judged = ahead(&claim("db", None), &every_ten(&[9, 9, 9, 10, 10, 10, 10]), None);
    assert!(said(&judged).starts_with("it grows too slowly"), "{}", said(&judged));
}

#[rstest]
#[case(None, false)]
#[case(Some(24 * 60), false)]
#[case(Some(40 * 60), true)]
fn filling_before_the_next_copy_is_an_alarm_even_if_that_is_days_away(#[case] next: Option<i64>, #[case] alarm: bool) {
    // 1 Gi an hour over ten hours, 30 Gi are left.
    let points: Vec<(i64, u64)> = (0..11).rev().map(|hour| (hour * 60, 70 - u64::try_from(hour).unwrap())).collect();
    let judged = ahead(&claim("db", None), &points, next);
    assert_eq!(judged.value.alarm() == Severity::Warn, alarm, "{judged:?}");
    assert_eq!(said(&judged).contains("before its next copy, due in 1d by Velero schedule nightly"), alarm);
    assert_eq!(judged.value.severity(), if alarm { Severity::Warn } else { Severity::Info });
}

#[test]
fn measurements_of_an_earlier_claim_of_the_name_do_not_count() {
    let young = Pvc { meta: Meta { created: Some(ago(25)), ..meta("db") }, ..claim("db", None) };
    let judged = ahead(&young, &every_ten(&[54, 55, 56, 57, 58, 59, 60]), None);
    assert_eq!(said(&judged), "too few measurements yet: 3 over 20m");
}

#[test]
fn what_is_not_known_now_is_not_looked_ahead_from() {
    let claim = claim("db", None);
    let world = measured(&claim, &[(60, 50), (50, 51), (40, 52), (30, 53), (20, 54), (10, 55)]);
    let filled = used(&world, &claim, now());
    let judged = forecast(&world, &claim, &filled.value, || None, now());
    assert_eq!(said(&judged), "how full it is now is not known");
}
