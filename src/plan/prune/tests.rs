use rstest::rstest;
use serde_json::json;

use super::*;
use crate::assess::testing::{ago, annotated, claim, now, put_snapshot, snapshot, with_claim};
use crate::model::{Delta, Policies, Scope, annotation};
use crate::plan::{Act, NotConfirmed};

fn world(ages: &[i64]) -> (World, Pvc) {
    let claim = claim("data", None);
    let mut world = with_claim(&claim, Policies::default());
    for age in ages {
        let (mut snapshot, mut content) = snapshot(&claim, &format!("copy-{age}"), ago(*age));
        snapshot.meta.created = Some(ago(*age));
        snapshot.meta.labels = [(annotation::MANAGED_BY.0.into(), annotation::MANAGED_BY.1.into())].into();
        content.deletion = DeletionPolicy::Delete;
        put_snapshot(&mut world, (snapshot, content));
    }
    (world, claim)
}

fn keep(rules: &str) -> Options {
    Options { keep: Some(Keep::parse(rules).unwrap()), ..Options::default() }
}

fn answers(world: &World, claim: &Pvc, options: &Options) -> Answers {
    let questions = questions(world, claim, options);
    let fresh = json!({ "metadata": { "uid": claim.meta.uid().as_str(), "resourceVersion": "7" } });
    // There is the claim, and nobody holds the lock.
    let fresh = |at: &ObjectAt| (at.resource == Resource::of(Kind::Pvc)).then(|| fresh.clone());
    Answers {
        objects: questions.objects.into_iter().map(|at| (at.clone(), Ok(fresh(&at)))).collect(),
        access: questions.access.into_iter().map(|question| (question, Ok(true))).collect(),
        lists: questions.lists.into_iter().map(|at| (at, Ok(Vec::new()))).collect(),
        who: "ada".into(),
        ..Answers::default()
    }
}

fn planned(world: &World, claim: &Pvc, options: &Options) -> Result<Plan, Refusal> {
    let id = OperationId::new(now(), [0; 4]);
    plan(world, &claim.meta.uid(), &answers(world, claim, options), options, id, now())
}

#[test]
fn each_deletion_looks_at_the_copy_at_its_content_and_at_the_last_good_one_first() {
    let (world, claim) = world(&[60, 120, 180]);
    let plan = planned(&world, &claim, &keep("last 1")).unwrap();
    assert_eq!(plan.title, "prune 2 copies of volume shop/data");
    assert_eq!(plan.count.as_deref(), Some("2"), "two of three are many");
    let steps = plan.steps();
    let deleted: Vec<String> = steps
        .iter()
        .map(|step| match &step.act {
            Act::Delete { target: crate::plan::Target::Known { at, uid } } => format!("{} {uid}", at.name),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(deleted, ["copy-180 uid-copy-180", "copy-120 uid-copy-120"], "the oldest first");
    for (step, name) in steps.iter().zip(["copy-180", "copy-120"]) {
        let looked: Vec<&str> = step.guards.iter().map(|guard| guard.at.name.as_str()).collect();
        let content = format!("content-{name}");
        assert_eq!(looked, [name, content.as_str(), "copy-60", "content-copy-60"]);
    }
    assert!(plan.facts.iter().any(|(label, value)| label == "stays" && value.contains("copy-60")), "{:?}", plan.facts);
    assert!(matches!(plan.confirm_by_flag(None, None, "ada"), Err(NotConfirmed::NotCounted { .. })));
}

#[test]
fn the_command_asks_for_the_same() {
    let (_, claim) = world(&[]);
    let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    let keep = Keep::parse("last 3, weekly all, within 36h").unwrap().in_zone(zone);
    let options = Options { keep: Some(keep), minimum: Some(2), also_storage: true };
    assert_eq!(
        command(&options, &claim, "lab"),
        "holdfast prune shop/data --keep-last 3 --keep-weekly all --keep-within 1d12h --time-zone Europe/Berlin \
         --minimum 2 --also-storage --context lab"
    );
}

#[rstest]
#[case::no_rules(Options::default(), "no policy says which of its copies stay")]
#[case::nothing_goes(keep("last 9"), "no copy goes by its rules (last 9): 3 stay")]
fn without_something_to_do_there_is_no_plan(#[case] options: Options, #[case] why: &str) {
    let (world, claim) = world(&[60, 120, 180]);
    assert_eq!(planned(&world, &claim, &options).unwrap_err().why, why);
}

#[test]
fn a_copy_that_is_not_ready_or_not_seen_stops_everything() {
    let (mut world, claim) = world(&[60, 120, 180]);
    let (mut running, mut content) = snapshot(&claim, "running", ago(1));
    running.meta.created = Some(ago(1));
    running.meta.labels = [(annotation::MANAGED_BY.0.into(), annotation::MANAGED_BY.1.into())].into();
    (running.ready, running.cut, content.ready, content.cut) = (Some(false), None, Some(false), None);
    put_snapshot(&mut world, (running, content));
    let refused = planned(&world, &claim, &keep("last 1")).unwrap_err();
    assert_eq!(refused.why, "its newest copy running is not finished (not cut yet)");

    let (mut stale, claim) = self::world(&[60, 120]);
    stale.apply(Delta::Failed(Kind::Content, Scope::All, "cut".into()), now());
    let refused = planned(&stale, &claim, &keep("last 1")).unwrap_err();
    assert_eq!(refused.why, "volumesnapshotcontents are stale: cut");
}

#[test]
fn another_operation_on_the_volume_stops_it_and_a_missing_right_is_named() {
    let (world, claim) = world(&[60, 120]);
    let options = keep("last 1");
    let id = || OperationId::new(now(), [0; 4]);
    let mut answers = answers(&world, &claim, &options);
    let lease = json!({
        "metadata": { "annotations": { "holdfast.dev/actor": "bob", "holdfast.dev/title": "back up" } },
        "spec": {
            "holderIdentity": "op-1", "leaseDurationSeconds": 60,
            "acquireTime": "2026-03-01T11:59:00.000000Z", "renewTime": "2026-03-01T11:59:50.000000Z",
        },
    });
    let lock = Lock::of(&world, &claim).at();
    let free = answers.objects.insert(lock.clone(), Ok(Some(lease))).unwrap();
    let refused = plan(&world, &claim.meta.uid(), &answers, &options, id(), now()).unwrap_err();
    assert!(
        refused.why.starts_with("another operation works on the same data") && refused.why.contains("bob"),
        "{refused}"
    );
    answers.objects.insert(lock, free);
    answers.access.values_mut().next().map(|right| *right = Ok(false)).unwrap();
    let refused = plan(&world, &claim.meta.uid(), &answers, &options, id(), now()).unwrap_err();
    assert!(refused.why.starts_with("needs the right to "), "{refused}");
}

#[test]
fn a_held_copy_is_no_step() {
    let (mut world, claim) = world(&[60, 120]);
    let (mut held, content) = snapshot(&claim, "copy-120", ago(120));
    held.meta = annotated(held.meta, annotation::HOLD, "audit");
    held.meta.labels = [(annotation::MANAGED_BY.0.into(), annotation::MANAGED_BY.1.into())].into();
    put_snapshot(&mut world, (held, content));
    let refused = planned(&world, &claim, &keep("last 1")).unwrap_err();
    assert!(refused.why.starts_with("no copy goes"), "{refused}");
}

/// The copies of a volume that a vulnerable release wrote: cut before, during and after it.
fn exposed() -> (World, Pvc) {
    let world = crate::assess::exposure::testing::shop();
    let claim = world.inventory.pvcs.get(&Uid::from("uid-data")).unwrap().clone();
    (world, claim)
}

fn said(plan: &Plan, label: &str) -> String {
    plan.facts.iter().filter(|(of, _)| of == label).map(|(_, value)| value.as_str()).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_last_known_good_copy_is_never_pruned_while_its_finding_is_open() {
    let (mut world, claim) = exposed();
    let pruned = planned(&world, &claim, &keep("last 1")).unwrap();
    assert_eq!(pruned.title, "prune 1 copy of volume shop/data", "the exposed copy goes, the known-good one stays");
    assert!(pruned.changes[0].starts_with("deletes b"), "{:?}", pruned.changes);
    assert!(
        said(&pruned, "stays").contains("a, cut 2026-03-01 00:20 UTC (11h ago): the last known-good copy"),
        "{:?}",
        pruned.facts
    );
    let decision = crate::model::Decision {
        at: now(),
        state: crate::model::TriageState::FalsePositive,
        author: "ada".into(),
        reason: "r".into(),
        until: None,
    };
    world.triage.decide(crate::assess::exposure::testing::SQLI, decision);
    let pruned = planned(&world, &claim, &keep("last 1")).unwrap();
    assert_eq!(pruned.title, "prune 2 copies of volume shop/data", "nothing is open any more");
}

#[test]
fn how_bad_a_finding_has_to_be_for_that_is_what_was_configured() {
    let (mut world, claim) = exposed();
    world.linked(crate::model::Linking { concern: Some(crate::model::Band::Critical), ..Default::default() });
    let pruned = planned(&world, &claim, &keep("last 1")).unwrap();
    assert_eq!(pruned.title, "prune 2 copies of volume shop/data", "the finding is of band high");
    world.linked(crate::model::Linking { concern: Some(crate::model::Band::Medium), ..Default::default() });
    let pruned = planned(&world, &claim, &keep("last 1")).unwrap();
    assert_eq!(pruned.title, "prune 1 copy of volume shop/data");
}

#[test]
fn a_copy_that_may_be_the_last_known_good_one_stays_too() {
    let (mut world, claim) = exposed();
    let scans = crate::assess::exposure::testing::three().into_iter().skip(1);
    crate::assess::exposure::testing::scanned(&mut world, scans);
    let pruned = planned(&world, &claim, &keep("last 1")).unwrap();
    assert!(said(&pruned, "stays").contains("it may be the last known-good copy"), "{:?}", pruned.facts);
}

#[test]
fn while_findings_are_not_read_nothing_is_pruned() {
    let (mut world, claim) = exposed();
    world.findings = world.findings.clone().but_for(["ci/late.sarif: still being read".into()]);
    let refused = planned(&world, &claim, &keep("last 1")).unwrap_err();
    assert_eq!(refused.why, "which copy is known to be good cannot be told: ci/late.sarif: still being read");
}

#[test]
fn when_only_the_known_good_copy_would_go_there_is_no_plan() {
    let (world, claim) = exposed();
    let refused = planned(&world, &claim, &keep("last 2")).unwrap_err();
    assert!(refused.why.starts_with("no copy goes by its rules (last 2): 3 stay"), "{refused}");
}
