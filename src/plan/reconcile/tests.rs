use rstest::rstest;

use super::*;
use crate::assess::testing::{ago, annotated, claim, meta, now, put, put_snapshot, snapshot, volume, with_claim};
use crate::model::{Content, DeletionPolicy, Keep, Meta, Object, Policies, VolumeError, VolumeSnapshot, annotation};

fn gold() -> Policy {
    Policy { keep: Keep::parse("last 2").unwrap(), ..Policy::new("gold") }
}

fn scheduled(cron: &str) -> Policy {
    Policy { schedule: Some(cron.into()), ..gold() }
}

fn within(rpo: &str) -> Policy {
    Policy { rpo: Some(rpo.into()), ..gold() }
}

/// A world with one claim and copies of it by their age in minutes, made by this console.
fn world(policy: Policy, ages: &[i64], change: impl Fn(i64, &mut VolumeSnapshot, &mut Content)) -> World {
    let claim = claim("data", None);
    let mut world = with_claim(&claim, Policies { named: vec![policy], ..Policies::default() });
    for age in ages {
        let (mut snapshot, mut content) = snapshot(&claim, &format!("copy-{age}"), ago(*age));
        snapshot.meta.created = Some(ago(*age));
        snapshot.meta.labels = [(annotation::MANAGED_BY.0.into(), annotation::MANAGED_BY.1.into())].into();
        content.deletion = DeletionPolicy::Delete;
        change(*age, &mut snapshot, &mut content);
        put_snapshot(&mut world, (snapshot, content));
    }
    world
}

fn said(world: &World) -> Vec<String> {
    let said = |due: Due| {
        let blocked = due.blocked.map(|why| format!(" | {why}")).unwrap_or_default();
        format!("{} {} {}: {}{blocked}", due.what.word(), due.path, due.policy, due.why)
    };
    due(world, now()).into_iter().map(said).collect()
}

// Now is 2026-03-01 12:00 UTC; the claim is 100 days old.
#[rstest]
#[case::never(scheduled("0 3 * * *"), &[], Some("schedule \"0 3 * * *\" was due at 2025-11-22 03:00 UTC"))]
#[case::missed(scheduled("0 3 * * *"), &[10 * 60], Some("schedule \"0 3 * * *\" was due at 2026-03-01 03:00 UTC"))]
#[case::taken(scheduled("0 3 * * *"), &[8 * 60], None)]
#[case::exactly_now(scheduled("0 12 * * *"), &[8 * 60], Some("schedule \"0 12 * * *\" was due at 2026-03-01 12:00 UTC"))]
#[case::young_enough(within("10h"), &[7 * 60], None)]
#[case::soon_too_old(within("10h"), &[8 * 60], Some("last good copy cut 8h ago, objective 10h"))]
#[case::no_copy(within("10h"), &[], Some("no good copy yet, objective 10h"))]
#[case::opted_out(Policy { rpo: Some("none".into()), ..scheduled("0 3 * * *") }, &[], None)]
#[case::nothing_promised(gold(), &[], None)]
fn a_backup_is_due_by_schedule_or_objective(#[case] policy: Policy, #[case] ages: &[i64], #[case] why: Option<&str>) {
    let expected: Vec<String> = why.into_iter().map(|why| format!("backup shop/data gold: {why}")).collect();
    assert_eq!(said(&world(policy, ages, |_, _, _| {})), expected);
}

fn not_ready(snapshot: &mut VolumeSnapshot, content: &mut Content) {
    (snapshot.ready, snapshot.cut, content.ready, content.cut) = (Some(false), None, Some(false), None);
}

fn failed(snapshot: &mut VolumeSnapshot, content: &mut Content) {
    not_ready(snapshot, content);
    content.error = Some(VolumeError { at: None, message: "no space".into() });
}

#[test]
fn a_backup_that_runs_is_not_begun_again() {
    let world = world(scheduled("0 3 * * *"), &[20, 24 * 60], |age, snapshot, content| {
        if age == 20 {
            not_ready(snapshot, content);
        }
    });
    assert_eq!(said(&world), [""; 0]);
}

#[test]
fn a_backup_that_failed_or_hangs_is_said_and_not_repeated_before_the_next_run() {
    let broken = |policy, age, how: fn(&mut VolumeSnapshot, &mut Content)| {
        said(&world(policy, &[age, 3 * 24 * 60], |this, snapshot, content| {
            if this == age {
                how(snapshot, content);
            }
        }))
    };
    let due = "backup shop/data gold: schedule \"0 3 * * *\" was due at 2026-02-27 03:00 UTC";
    let nightly = || scheduled("0 3 * * *");
    assert_eq!(broken(nightly(), 60, failed), [format!("{due} | its newest copy copy-60 failed: no space")]);
    let hangs = format!("{due} | its newest copy copy-60 is not finished for 1h: not cut yet");
    assert_eq!(broken(nightly(), 60, not_ready), [hangs]);
    // The next run has passed: it is tried again.
    assert_eq!(broken(nightly(), 10 * 60, failed), [due]);
    let objective = broken(within("10h"), 60, failed);
    assert!(objective[0].contains("| its newest copy copy-60 failed"), "{objective:?}");
    assert_eq!(
        broken(within("10h"), 9 * 60, failed),
        ["backup shop/data gold: last good copy cut 3d ago, objective 10h"]
    );
}

#[test]
fn a_prune_is_due_once_the_newest_copy_is_good_and_a_large_one_waits_for_a_person() {
    let pruned = said(&world(gold(), &[60, 120, 180], |_, _, _| {}));
    assert_eq!(pruned, ["prune shop/data gold: 1 copy is kept by no rule (last 2)"]);
    assert_eq!(said(&world(gold(), &[60, 120], |_, _, _| {})), [""; 0]);
    let waits = said(&world(gold(), &[60, 120, 180, 240], |_, _, _| {}));
    let blocked = "2 copies at once wait for a person: holdfast prune shop/data";
    assert_eq!(waits, [format!("prune shop/data gold: 2 copies are kept by no rule (last 2) | {blocked}")]);
    let not_yet = world(gold(), &[60, 120, 180], |age, snapshot, content| {
        if age == 60 {
            not_ready(snapshot, content);
        }
    });
    assert_eq!(said(&not_yet), [""; 0]);
}

#[test]
fn a_drill_is_due_when_its_time_has_passed_since_a_copy_was_proven() {
    let drilled = |proven: Option<&str>| {
        let policy = Policy { drill: Some("0 6 * * *".into()), ..gold() };
        said(&world(policy, &[60], |_, snapshot, _| {
            if let Some(at) = proven {
                let noted = format!("passed at {at} from 2026-03-01T00:00:00Z: read 6 bytes");
                snapshot.meta = annotated(snapshot.meta.clone(), annotation::LAST_PROVEN, &noted);
            }
        }))
    };
    assert_eq!(drilled(None), ["drill shop/data gold: no copy was proven yet"]);
    assert_eq!(drilled(Some("2026-03-01T05:00:00Z")), ["drill shop/data gold: last proven 2026-03-01 05:00 UTC"]);
    assert_eq!(drilled(Some("2026-03-01T07:00:00Z")), [""; 0]);
}

#[test]
fn a_drill_that_failed_is_tried_again_at_its_next_time_and_with_the_newest_good_copy() {
    let drilled = |failed: &str, image: Option<&str>| {
        let policy = Policy { drill: Some("0 6 * * *".into()), drill_image: image.map(Into::into), ..gold() };
        world(policy, &[60, 120], |age, snapshot, _| {
            if age == 60 {
                let noted = format!("begun at {failed}, failed at read: empty");
                snapshot.meta = annotated(snapshot.meta.clone(), annotation::LAST_FAILED, &noted);
            }
        })
    };
    assert_eq!(said(&drilled("2026-03-01T07:00:00Z", None)), [""; 0]);
    let world_then = drilled("2026-03-01T05:00:00Z", Some("mirror.example/busybox"));
    let due = due(&world_then, now());
    assert_eq!(due[0].why, "no copy was proven yet, last failed 2026-03-01 05:00 UTC");
    let Ok(Request::Drill { snapshot, options }) = request(&world_then, &due[0], &backup::Options::default(), now())
    else {
        panic!("{due:?}")
    };
    assert_eq!((snapshot.as_str(), options.image.as_str()), ("uid-copy-60", "mirror.example/busybox"));
    let none = world(Policy { drill: Some("0 6 * * *".into()), ..gold() }, &[], |_, _, _| {});
    assert_eq!(said(&none), ["drill shop/data gold: no copy was proven yet | it has no good restore point to drill"]);
}

#[test]
fn backups_come_first_the_longest_due_before_others_and_then_prunes() {
    let mut world = world(within("10h"), &[60, 120, 180], |_, _, _| {});
    for (name, days) in [("young", 1), ("old", 50)] {
        let mut claim = claim(name, None);
        claim.meta = Meta { created: Some(ago(days * 24 * 60)), ..meta(name) };
        put(&mut world, [Object::Pv(volume(&claim)), Object::Pvc(claim)]);
    }
    let all = due(&world, now());
    let order: Vec<(What, &str)> = all.iter().map(|due| (due.what, due.path.as_str())).collect();
    assert_eq!(order, [(What::Backup, "shop/old"), (What::Backup, "shop/young"), (What::Prune, "shop/data")]);
}

#[test]
fn the_request_says_what_the_policy_says() {
    let policy = Policy {
        class: Some("kept".into()),
        reason: Some("orders".into()),
        consistency: Some("application".into()),
        hooks: Some("postgresql".into()),
        ..within("10h")
    };
    let world = world(policy, &[], |_, _, _| {});
    let all = due(&world, now());
    let Ok(Request::Backup { options, .. }) = request(&world, &all[0], &backup::Options::default(), now()) else {
        panic!("{all:?}")
    };
    assert_eq!((options.class.as_deref(), options.reason.as_deref()), (Some("kept"), Some("orders")));
    assert!(options.quiesce.is_some(), "the application is held over the cut");
}
