use jiff::tz::TimeZone;
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::assess::testing::{ago, annotated, claim, now, put, put_snapshot, snapshot, with_claim};
use crate::model::{Bucket, Count, Kind, Meta, Object, Policies, Pvc, VeleroBackup, VeleroItem, World, annotation};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn item(name: &str, cut: Timestamp) -> Item {
    Item {
        object: ObjRef::namespaced(Kind::VolumeSnapshot, "shop", name),
        uid: Uid::from(name),
        created: Some(cut),
        cut: Some(cut),
        worth: Worth::Good,
        ties: Vec::new(),
        proven: false,
        application: false,
        content: Some((format!("content-{name}"), Uid::from("c"), DeletionPolicy::Delete)),
    }
}

fn keep(rules: &[(Bucket, u32)]) -> Keep {
    rules.iter().fold(Keep::default(), |keep, (bucket, count)| keep.with(*bucket, Some(Count::Of(*count))))
}

fn kept(decided: &[Decided]) -> Vec<&str> {
    decided.iter().filter(|one| one.kept).map(|one| one.item.uid.as_str()).collect()
}

/// Which of these cuts stay, as `MM-DD HH` of the cut.
fn stay(cuts: &[&str], keep: &Keep) -> Vec<String> {
    let items = cuts.iter().map(|cut| item(cut, at(cut))).collect();
    let decided = decide(items, keep, 1, at("2026-12-31T00:00:00Z"));
    decided.iter().filter(|one| one.kept).map(|one| one.item.uid.to_string()).collect()
}

const A: &str = "2026-03-01T12:30:00Z";
const B: &str = "2026-03-01T12:10:00Z";
const C: &str = "2026-03-01T03:00:00Z";
const D: &str = "2026-02-28T03:00:00Z";
const E: &str = "2026-02-20T03:00:00Z";
const F: &str = "2025-12-31T03:00:00Z";

#[rstest]
#[case::last(&[(Bucket::Last, 2)], &[A, B])]
#[case::hours(&[(Bucket::Hourly, 2)], &[A, C])]
#[case::days(&[(Bucket::Daily, 2)], &[A, D])]
#[case::weeks_begin_on_monday(&[(Bucket::Weekly, 2)], &[A, E])]
#[case::months(&[(Bucket::Monthly, 2)], &[A, D])]
#[case::years(&[(Bucket::Yearly, 2)], &[A, F])]
#[case::any_rule_keeps(&[(Bucket::Last, 2), (Bucket::Yearly, 2)], &[A, B, F])]
#[case::what_is_left_keeps_the_oldest(&[(Bucket::Yearly, 9)], &[A, F])]
#[case::no_rule_deletes_nothing(&[], &[A, B, C, D, E, F])]
fn the_newest_of_each_span_stays(#[case] rules: &[(Bucket, u32)], #[case] left: &[&str]) {
    assert_eq!(stay(&[C, A, F, E, B, D], &keep(rules)), left);
}

#[test]
fn the_oldest_stays_while_a_rule_has_copies_left() {
    // The only year twice over: the newest of it, and the oldest because the rule may keep another.
    assert_eq!(stay(&[A, B, E], &keep(&[(Bucket::Yearly, 3)])), [A, E]);
    assert_eq!(stay(&[A, B, E], &keep(&[(Bucket::Yearly, 1)])), [A]);
}

#[test]
fn within_counts_from_the_newest_copy_not_from_now() {
    let keep = Keep::default().within(Some(SignedDuration::from_hours(24)));
    assert_eq!(stay(&[A, B, C, D, E], &keep), [A, B, C]);
    let all = Keep::default().with(Bucket::Daily, Some(Count::All));
    assert_eq!(stay(&[A, B, D, F], &all), [A, D, F]);
}

#[rstest]
// The night on which Berlin's clocks went back: 02:30 came twice, an hour apart, in the same hour of the day.
#[case("Europe/Berlin", Bucket::Hourly, &["2026-10-25T01:30:00Z", "2026-10-25T00:30:00Z"], 1)]
#[case("UTC", Bucket::Hourly, &["2026-10-25T01:30:00Z", "2026-10-25T00:30:00Z"], 2)]
// Late in the evening in UTC is the next day in Tokyo.
#[case("UTC", Bucket::Daily, &["2026-03-01T23:00:00Z", "2026-03-01T01:00:00Z"], 1)]
#[case("Asia/Tokyo", Bucket::Daily, &["2026-03-01T23:00:00Z", "2026-03-01T01:00:00Z"], 2)]
// 2027 begins on a Friday: its first days are still of week 53 of 2026.
#[case("UTC", Bucket::Weekly, &["2027-01-03T12:00:00Z", "2026-12-31T12:00:00Z"], 1)]
#[case("UTC", Bucket::Weekly, &["2027-01-04T12:00:00Z", "2027-01-03T12:00:00Z"], 2)]
#[case("UTC", Bucket::Yearly, &["2027-01-03T12:00:00Z", "2026-12-31T12:00:00Z"], 2)]
fn spans_are_those_of_the_time_zone(
    #[case] zone: &str,
    #[case] bucket: Bucket,
    #[case] cuts: &[&str],
    #[case] spans: usize,
) {
    let keep = Keep::default().in_zone(TimeZone::get(zone).unwrap()).with(bucket, Some(Count::Of(2)));
    // A third, long ago, so that none of the two is the oldest.
    let decided = decide(
        cuts.iter().chain(&["2001-01-01T00:00:00Z"]).map(|cut| item(cut, at(cut))).collect(),
        &keep,
        1,
        at("2030-01-01T00:00:00Z"),
    );
    let of_both = kept(&decided).iter().filter(|name| cuts.contains(name)).count();
    assert_eq!(of_both, spans);
}

#[test]
fn what_must_not_go_stays_and_says_why() {
    let tied = |name: &str, hours: i64, tie: Tie| Item { ties: vec![tie], ..item(name, ago(hours * 60)) };
    let items = vec![
        tied("foreign", 1, Tie::Foreign("not made by Holdfast".into())),
        item("newest", ago(2 * 60)),
        item("second", ago(3 * 60)),
        tied("held", 4, Tie::Held("held: audit".into())),
        tied("group", 5, Tie::Other("member of a group".into())),
        Item { proven: true, ..item("proven", ago(6 * 60)) },
        Item { application: true, ..item("app", ago(7 * 60)) },
        Item { proven: true, application: true, ..item("older", ago(8 * 60)) },
        Item { worth: Worth::Failed("no space".into()), cut: None, ..item("failed", ago(9 * 60)) },
        Item { worth: Worth::Failed("no space".into()), cut: None, ..item("just failed", ago(1)) },
        Item { worth: Worth::Unfinished("not cut yet".into()), cut: None, ..item("running", ago(30 * 60)) },
        Item { worth: Worth::Doubtful("by name only".into()), ..item("doubtful", ago(31 * 60)) },
        item("future", ago(-60)),
    ];
    let decided = decide(items, &keep(&[(Bucket::Last, 1)]), 1, now());
    let said: Vec<String> = decided
        .iter()
        .map(|one| format!("{} {}: {}", if one.kept { "stays" } else { "goes" }, one.item.uid, one.reasons.join("; ")))
        .collect();
    assert_eq!(
        said,
        [
            "stays future: its time of cut is in the future: a clock is wrong",
            "stays just failed: failed (no space), and no newer copy is good",
            "stays foreign: not made by Holdfast",
            "stays newest: last 1; the last good copy",
            "goes second: no rule keeps it (last 1)",
            "stays held: held: audit",
            "stays group: member of a group",
            "stays proven: the last copy that a restore proved",
            "stays app: the last application-consistent copy",
            "goes older: no rule keeps it (last 1)",
            "goes failed: failed (no space), and a newer copy is good",
            "stays running: not finished: not cut yet",
            "stays doubtful: not certain: by name only",
        ]
    );
}

#[rstest]
#[case::a_single_one(2, 1, false)]
#[case::few_of_many(10, 3, false)]
#[case::many_of_some(10, 4, true)]
#[case::more_than_the_limit(100, 11, true)]
#[case::exactly_the_limit(100, 10, false)]
fn a_large_share_needs_more_than_a_name(#[case] all: u32, #[case] going: u32, #[case] mass: bool) {
    let items: Vec<Item> = (0..all).map(|age| item(&format!("copy-{age}"), ago(i64::from(age)))).collect();
    let decided = decide(items, &keep(&[(Bucket::Last, all - going)]), 1, now());
    assert_eq!(decided.iter().filter(|one| !one.kept).count(), usize::try_from(going).unwrap());
    assert_eq!(super::mass(&decided, 10), mass);
}

/// A world with copies of one claim, managed by Holdfast and with deletionPolicy Delete unless `change` says otherwise.
fn world_of(
    names: &[&str],
    change: impl Fn(&str, &mut crate::model::VolumeSnapshot, &mut crate::model::Content),
) -> (World, Pvc) {
    let claim = claim("data", None);
    let mut world = with_claim(&claim, Policies::default());
    for (age, name) in (1..).zip(names) {
        let (mut snapshot, mut content) = snapshot(&claim, name, ago(age * 60));
        snapshot.meta.created = Some(ago(age * 60));
        snapshot.meta.labels = [(annotation::MANAGED_BY.0.into(), annotation::MANAGED_BY.1.into())].into();
        content.deletion = DeletionPolicy::Delete;
        change(name, &mut snapshot, &mut content);
        put_snapshot(&mut world, (snapshot, content));
    }
    (world, claim)
}

fn reason(decided: &[Decided], name: &str) -> String {
    let one = decided.iter().find(|one| *one.item.object.name == *name).unwrap();
    format!("{} {}", if one.kept { "stays:" } else { "goes:" }, one.reasons.join("; "))
}

#[rstest]
#[case("plain", "goes: no rule keeps it (last 1)")]
#[case("foreign", "stays: not made by Holdfast")]
#[case("other", "stays: not enforceable: snapscheduler made it and may delete it")]
#[case("held", "stays: held until 2026-04-01 00:00 UTC by sre: audit")]
#[case("by-hand", "stays: held: do not touch")]
#[case(
    "ended",
    "stays: its hold ended 12h ago: its deletionPolicy is still Retain; release it; deletionPolicy Retain: \
        deleting it would leave its copy in storage; --also-storage deletes both"
)]
#[case("safety", "stays: a safety copy until 2026-03-02 00:00 UTC")]
#[case("past", "goes: no rule keeps it (last 1)")]
#[case("group", "stays: member of group snapshot set: the group is deleted, not a member")]
#[case("source", "stays: claim restored is being restored from it")]
#[case(
    "retain",
    "stays: deletionPolicy Retain: deleting it would leave its copy in storage; --also-storage deletes both"
)]
#[case("unknown", "stays: its deletionPolicy is not known, so what deleting it does is unknown")]
#[case("shared", "stays: another content names the same copy in storage")]
#[case("velero", "stays: not enforceable: Velero backup nightly expires 2026-03-01 14:00 UTC (in 2h)")]
fn what_ties_a_copy_is_read_from_the_world(#[case] name: &str, #[case] said: &str) {
    let (mut world, claim) = world_of(&["newest", name, "oldest"], |name, snapshot, content| {
        let note = |meta: &Meta, key, value: &str| annotated(meta.clone(), key, value);
        match name {
            "foreign" => snapshot.meta.labels = [].into(),
            "other" => snapshot.meta.labels = [(annotation::MANAGED_BY.0.into(), "snapscheduler".into())].into(),
            "held" => {
                let hold = r#"{"reason":"audit","by":"sre","until":"2026-04-01T00:00:00Z","policy":"Delete"}"#;
                snapshot.meta = note(&snapshot.meta, annotation::HOLD, hold);
            }
            "by-hand" => snapshot.meta = note(&snapshot.meta, annotation::HOLD, "do not touch"),
            "ended" => {
                let hold = r#"{"reason":"audit","until":"2026-03-01T00:00:00Z","policy":"Delete"}"#;
                snapshot.meta = note(&snapshot.meta, annotation::HOLD, hold);
                content.deletion = DeletionPolicy::Retain;
            }
            "safety" => snapshot.meta = note(&snapshot.meta, annotation::KEEP_UNTIL, "2026-03-02T00:00:00Z"),
            "past" => snapshot.meta = note(&snapshot.meta, annotation::KEEP_UNTIL, "2026-02-02T00:00:00Z"),
            "group" => snapshot.group = Some("set".into()),
            "retain" => content.deletion = DeletionPolicy::Retain,
            "unknown" => content.deletion = DeletionPolicy::Unknown,
            "velero" => snapshot.meta.labels = [(annotation::VELERO_BACKUP.into(), "nightly".into())].into(),
            _ => {}
        }
    });
    let velero = Meta { namespace: Some("velero".into()), ..crate::assess::testing::meta("nightly") };
    put(
        &mut world,
        [Object::VeleroBackup(VeleroBackup { meta: velero, expires: Some(ago(-120)), ..VeleroBackup::default() })],
    );
    if name == "source" {
        let restoring = Pvc {
            phase: "Pending".into(),
            volume_name: None,
            data_source: Some(("VolumeSnapshot".into(), "source".into())),
            ..crate::assess::testing::claim("restored", None)
        };
        put(&mut world, [Object::Pvc(restoring)]);
    }
    if name == "shared" {
        let (_, imported) = snapshot(&claim, "shared", ago(120));
        let meta = crate::assess::testing::cluster_meta("imported");
        put(&mut world, [Object::Content(crate::model::Content { meta, snapshot: None, ..imported })]);
    }
    let items = items(&world, &claim, &Uses::of(&world), false, now());
    let decided = decide(items, &keep(&[(Bucket::Last, 1)]), 1, now());
    assert_eq!(reason(&decided, name), said);
    assert_eq!(reason(&decided, "newest"), "stays: last 1; the last good copy");
}

#[test]
fn retained_copies_go_only_with_their_storage() {
    let (world, claim) = world_of(&["newest", "retain"], |_, _, content| content.deletion = DeletionPolicy::Retain);
    let goes = |also| {
        let items = items(&world, &claim, &Uses::of(&world), also, now());
        decide(items, &keep(&[(Bucket::Last, 1)]), 1, now()).iter().filter(|one| !one.kept).count()
    };
    assert_eq!((goes(false), goes(true)), (0, 1));
}

#[test]
fn a_copy_in_velero_is_never_ours_to_delete_and_never_the_last_of_ours() {
    let (mut world, claim) = world_of(&["only"], |_, _, _| {});
    let velero = |name: &str| Meta { namespace: Some("velero".into()), ..crate::assess::testing::meta(name) };
    let backup = VeleroBackup {
        meta: velero("nightly"),
        phase: "Completed".into(),
        expires: Some(ago(-60)),
        ..VeleroBackup::default()
    };
    let upload = VeleroItem {
        meta: velero("upload"),
        backup: Some("nightly".into()),
        source_namespace: "shop".into(),
        source_uid: Some(claim.meta.uid()),
        phase: "Completed".into(),
        started: Some(ago(10)),
        ..VeleroItem::default()
    };
    put(&mut world, [Object::VeleroBackup(backup), Object::DataUpload(upload)]);
    let items = items(&world, &claim, &Uses::of(&world), false, now());
    let decided = decide(items, &keep(&[(Bucket::Last, 1)]), 1, now());
    let upload = "stays: not enforceable: Velero backup nightly expires 2026-03-01 13:00 UTC (in 1h)";
    assert_eq!(reason(&decided, "upload"), upload);
    assert_eq!(reason(&decided, "only"), "stays: last 1; the last good copy");
}

#[rstest]
#[case::good(Worth::Good, None)]
#[case::failed(Worth::Failed("full".into()), Some("failed (full)"))]
#[case::running(Worth::Unfinished("not cut yet".into()), Some("is not finished (not cut yet)"))]
#[case::on_its_way_out(Worth::Leaving, None)]
fn the_newest_attempt_says_whether_this_is_a_moment_to_delete(#[case] worth: Worth, #[case] said: Option<&str>) {
    let items = [item("old", ago(100)), Item { worth, ..item("new", ago(1)) }];
    assert_eq!(unfinished(&items).map(|(_, why)| why).as_deref(), said);
}

/// Copies of all sorts, at most one for each minute.
fn copies() -> impl Strategy<Value = Vec<Item>> {
    let worth = prop_oneof![
        6 => Just(Worth::Good),
        1 => Just(Worth::Failed("e".into())),
        1 => Just(Worth::Unfinished("u".into())),
        1 => Just(Worth::Doubtful("d".into())),
        1 => Just(Worth::Leaving),
    ];
    let ties = prop_oneof![
        6 => Just(vec![]),
        1 => Just(vec![Tie::Held("held".into())]),
        1 => Just(vec![Tie::Foreign("foreign".into())]),
        1 => Just(vec![Tie::Other("other".into())]),
    ];
    let one = (-2_000i64..200_000, worth, ties, any::<bool>(), any::<bool>());
    prop::collection::vec(one, 0..40).prop_map(|all| {
        let item = |(at, (minutes, worth, ties, proven, application)): (usize, (i64, Worth, Vec<Tie>, bool, bool))| {
            Item { worth, ties, proven, application, ..item(&format!("copy-{at}"), ago(minutes)) }
        };
        all.into_iter().enumerate().map(item).collect()
    })
}

fn rules() -> impl Strategy<Value = (Keep, usize)> {
    let count = || prop::option::of(prop_oneof![4 => (1u32..6).prop_map(Count::Of), 1 => Just(Count::All)]);
    let within = prop::option::of((1i64..100).prop_map(SignedDuration::from_hours));
    (prop::array::uniform6(count()), within, 1usize..5).prop_map(|(counts, within, minimum)| {
        let keep = Keep::default().within(within);
        (Bucket::ALL.into_iter().zip(counts).fold(keep, |keep, (bucket, count)| keep.with(bucket, count)), minimum)
    })
}

proptest! {
    #[test]
    fn the_last_good_copies_always_stay(items in copies(), (keep, minimum) in rules()) {
        let ours = |item: &Item| item.counts(now()).is_some() && !item.foreign();
        let before = items.iter().filter(|item| ours(item)).count();
        let decided = decide(items, &keep, minimum, now());
        let after = decided.iter().filter(|one| one.kept && ours(&one.item)).count();
        prop_assert!(after >= before.min(minimum));
        let newest = decided.iter().find(|one| ours(&one.item));
        prop_assert!(newest.is_none_or(|newest| newest.kept));
    }

    #[test]
    fn pruners_that_see_different_copies_leave_a_good_one_between_them(
        items in copies(),
        (one, other) in (rules(), rules()),
        unseen in prop::collection::vec(any::<(bool, bool)>(), 40),
    ) {
        let ours = |item: &Item| item.counts(now()).is_some() && !item.foreign();
        let seen = |sees: fn(&(bool, bool)) -> bool| {
            let seen = items.iter().zip(&unseen).filter(|(_, unseen)| sees(unseen));
            seen.map(|(item, _)| item.clone()).collect::<Vec<_>>()
        };
        let views = [(seen(|unseen| !unseen.0), one), (seen(|unseen| !unseen.1), other)];
        let good: Vec<String> = views.iter().flat_map(|(seen, _)| seen).filter(|item| ours(item)).map(|item| item.uid.to_string()).collect();
        let gone: Vec<String> = views
            .into_iter()
            .flat_map(|(seen, (keep, minimum))| decide(seen, &keep, minimum, now()))
            .filter(|one| !one.kept)
            .map(|one| one.item.uid.to_string())
            .collect();
        prop_assert!(good.is_empty() || good.iter().any(|uid| !gone.contains(uid)), "{gone:?} of {good:?}");
    }

    #[test]
    fn what_is_tied_or_in_the_future_or_unfinished_always_stays(items in copies(), (keep, minimum) in rules()) {
        for one in decide(items, &keep, minimum, now()) {
            let item = &one.item;
            let future = item.cut.is_some_and(|cut| cut.duration_since(now()) > CLOCK_TOLERANCE);
            let may_go = matches!(item.worth, Worth::Good | Worth::Failed(_)) && item.ties.is_empty();
            prop_assert!(one.kept || (may_go && !(future && item.worth == Worth::Good)), "{one:?}");
            prop_assert!(!one.reasons.is_empty());
        }
    }

    #[test]
    fn a_copy_in_the_future_changes_nothing_for_the_others(items in copies(), (keep, minimum) in rules()) {
        let past: Vec<Item> = items.iter().filter(|item| item.cut <= Some(now())).cloned().collect();
        let decided = decide(past.clone(), &keep, minimum, now());
        let mut with = past;
        with.push(item("from the future", ago(-600)));
        let mut with = decide(with, &keep, minimum, now());
        with.retain(|one| one.item.uid.as_str() != "from the future");
        prop_assert_eq!(decided, with);
    }

    #[test]
    fn the_order_of_the_copies_does_not_matter(items in copies(), (keep, minimum) in rules(), turn in 0usize..40) {
        let mut turned = items.clone();
        if !turned.is_empty() {
            let by = turn % turned.len();
            turned.rotate_left(by);
            turned.reverse();
        }
        prop_assert_eq!(decide(items, &keep, minimum, now()), decide(turned, &keep, minimum, now()));
    }

    #[test]
    fn a_second_time_deletes_nothing_more(items in copies(), (keep, minimum) in rules()) {
        let left: Vec<Item> = decide(items, &keep, minimum, now()).into_iter().filter(|one| one.kept).map(|one| one.item).collect();
        let again = decide(left, &keep, minimum, now());
        prop_assert!(again.iter().all(|one| one.kept), "{again:?}");
    }
}
