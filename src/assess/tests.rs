//! What all judgements share.

use jiff::Timestamp;
use rstest::rstest;

use super::sight::Sight;
use super::testing::{ago, live, now};
use super::{Judgement, Reason, Severity};
use crate::model::{Delta, Kind, Scope, World};

#[test]
fn severities_rank_broken_before_unknown_before_coming() {
    let mut all = [Severity::Ok, Severity::Unknown, Severity::Info, Severity::Critical, Severity::Warn];
    all.sort_by_key(|severity| std::cmp::Reverse(severity.rank()));
    assert_eq!(all, [Severity::Critical, Severity::Unknown, Severity::Warn, Severity::Info, Severity::Ok]);
    assert!(Severity::Unknown.problem() && !Severity::Info.problem());
    assert_eq!(Severity::Ok.worse(Severity::Unknown), Severity::Unknown);
}

#[test]
fn reasons_are_safe_to_draw() {
    let reason = Reason::new("error: \x1b[2J").next("do\nthis");
    assert_eq!((reason.text.as_str(), reason.next.as_deref()), ("error: ␛[2J", Some("do␊this")));
}

#[test]
fn the_earliest_moment_counts() {
    let (early, late) = (ago(5), ago(1));
    let judged = Judgement::new(()).until(late).until(None::<Timestamp>).until(early);
    assert_eq!(judged.valid_until, Some(early));
}

#[rstest]
#[case::nothing_heard(None, "volumesnapshots.snapshot.storage.k8s.io are still loading")]
#[case::denied(
    Some(Delta::Denied(Kind::VolumeSnapshot, Scope::All, "watch".into())),
    "not allowed to watch volumesnapshots.snapshot.storage.k8s.io"
)]
fn what_is_not_seen_says_why(#[case] delta: Option<Delta>, #[case] why: &str) {
    let mut world = World::default();
    delta.map(|delta| world.apply(delta, now()));
    assert_eq!(Sight::all(&world, Kind::VolumeSnapshot, now()).blind().unwrap().text, why);
}

/// Rows of a broken watch count for five minutes, and the verdict says until when.
#[rstest]
#[case(4, true)]
#[case(5, false)]
fn broken_watches_count_for_a_while(#[case] minutes: i64, #[case] counts: bool) {
    let mut world = live();
    world.apply(Delta::Failed(Kind::Pv, Scope::All, "connection reset".into()), ago(minutes));
    let sight = Sight::all(&world, Kind::Pv, now());
    assert_eq!(sight.blind().is_none(), counts);
    assert_eq!(sight.recent().map(|(until, _)| until), counts.then(|| ago(minutes - 5)));
}

#[test]
fn a_namespace_is_seen_by_its_own_watch() {
    let mut world = World::default();
    for namespace in ["shop", "bank"] {
        world.apply(Delta::ListDone(Kind::Pvc, Scope::Namespace(namespace.into())), now());
    }
    world.apply(Delta::Denied(Kind::Pvc, Scope::Namespace("bank".into()), "list".into()), now());
    let blind = |namespace: &str| Sight::within(&world, Kind::Pvc, Some(&namespace.into()), now()).blind().is_some();
    assert_eq!((blind("shop"), blind("bank"), blind("other")), (false, true, true));
}
