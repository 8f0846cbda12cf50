use std::sync::Arc;

use rstest::rstest;

use super::*;
use crate::assess::exposure::testing::{
    A, B, SQLI, V3, bare, finding, ours, ran, releases, run, scan, scanned, shop, three,
};
use crate::assess::testing::{DAY, ago, cluster_meta, now, put, put_snapshot, said as reasons};
use crate::model::{
    Compromise, Compromised, Decision, FindingId, Kind, Linking, Meta, Object, SeverityRule, Suppression, TriageState,
    VeleroBackup, VeleroItem, annotation,
};

fn data(world: &World) -> &Pvc {
    world.inventory.pvcs.get(&Uid::from("uid-data")).unwrap()
}

fn judged(world: &World) -> Judgement<Points> {
    points(world, &Chains::of(world), data(world), CONCERN, now())
}

fn trusts(world: &World) -> Vec<Trust> {
    judged(world).value.points.iter().map(|point| point.trust).collect()
}

#[test]
fn the_copy_before_the_vulnerable_release_is_recommended_with_what_it_loses() {
    let world = shop();
    assert_eq!(trusts(&world), [Trust::Tainted, Trust::Exposed, Trust::KnownGood], "the newest first");
    let said = recommend(&world, &Chains::of(&world), data(&world), CONCERN, now());
    let (point, uid, cut) = said.value.point.clone().unwrap();
    assert_eq!((point.path().as_str(), uid.as_str(), cut), ("shop/a", "uid-a", ago(A)));
    assert_eq!(said.value.lost, Some(SignedDuration::from_mins(A)));
    assert_eq!(
        said.reasons[0].text,
        "shop/a is the newest known-good copy; restoring it loses the writes of 11h40m, from 2026-03-01 00:20:00 UTC to now"
    );
    assert!(said.value.also.is_empty() && said.value.may_be.is_none());
}

#[test]
fn other_volumes_that_the_same_code_writes_are_named() {
    let mut world = shop();
    let (mut key, extent) = run('b', 500, 450);
    key.volumes = [Uid::from("uid-other")].into();
    ran(&mut world, [(key, extent)]);
    let said = recommend(&world, &Chains::of(&world), data(&world), CONCERN, now());
    assert_eq!(said.value.also, [Uid::from("uid-other")]);
    assert!(reasons(&said).contains("could write 1 other volume"));
}

#[test]
fn without_proof_nothing_is_recommended_and_what_may_be_good_is_named_and_kept() {
    let mut world = shop();
    scanned(&mut world, three().into_iter().skip(1));
    assert_eq!(trusts(&world), [Trust::Tainted, Trust::Exposed, Trust::Unknown]);
    let chains = Chains::of(&world);
    let said = recommend(&world, &chains, data(&world), CONCERN, now());
    assert_eq!((said.value.point, said.value.lost), (None, None));
    assert_eq!(said.value.may_be.unwrap().0.path(), "shop/a");
    let kept = keeping(&world, &chains, data(&world), CONCERN, now()).value.unwrap();
    assert!(!kept.proven && kept.uid == Uid::from("uid-a"), "{kept:?}");
    assert!(kept.why.starts_with("it may be the last known-good copy"));
}

#[test]
fn without_a_finding_of_concern_nothing_is_green() {
    let mut world = shop();
    scanned(&mut world, [scan('a', 990, &[]), scan('b', 310, &[]), scan('c', 290, &[])]);
    assert_eq!(trusts(&world), [Trust::NotKnownBad; 3]);
    assert_ne!(Trust::NotKnownBad.severity(), Severity::Ok);
    assert_eq!(keeping(&world, &Chains::of(&world), data(&world), CONCERN, now()).value, None);
    let said = recommend(&world, &Chains::of(&world), data(&world), CONCERN, now());
    assert!(said.value.point.is_none() && said.reasons[0].text.contains("nothing is proven"));
    assert_eq!(trusts(&bare()), [Trust::NotKnownBad; 3], "and so without any scan");
}

#[test]
fn while_a_source_is_not_read_nothing_is_green_and_the_copy_is_kept_all_the_same() {
    let mut world = shop();
    world.findings = world.findings.clone().but_for(["ci/late.sarif: permission denied".into()]);
    assert_eq!(trusts(&world), [Trust::Tainted, Trust::Exposed, Trust::Unknown]);
    assert!(judged(&world).reasons[0].text.ends_with("ci/late.sarif: permission denied"));
    let kept = keeping(&world, &Chains::of(&world), data(&world), CONCERN, now()).value.unwrap();
    assert_eq!((kept.uid, kept.proven), (Uid::from("uid-a"), false));
    world.findings = crate::model::Findings::default().but_for(["ci: gone".into()]);
    assert_eq!(trusts(&world), [Trust::Unknown; 3]);
}

#[test]
fn only_a_proof_is_green() {
    let green: Vec<Trust> = [Trust::KnownGood, Trust::NotKnownBad, Trust::Unknown, Trust::Tainted, Trust::Exposed]
        .into_iter()
        .filter(|trust| trust.severity() == Severity::Ok)
        .collect();
    assert_eq!(green, [Trust::KnownGood]);
}

#[test]
fn a_point_is_as_good_as_its_worst_finding() {
    const OTHER: FindingId = FindingId(0x99);
    let mut world = shop();
    // The second finding was in the first release already, and nobody noticed.
    scanned(&mut world, [scan('a', 990, &[OTHER]), scan('b', 310, &[SQLI]), scan('c', 290, &[])]);
    assert_eq!(trusts(&world), [Trust::Tainted, Trust::Exposed, Trust::Exposed]);
    assert_eq!(judged(&world).value.points[2].by, Some(OTHER));
    assert_eq!(judged(&world).value.to_keep(), None, "no copy is from before it");
}

fn decided(state: TriageState, at: i64, until: Option<i64>) -> World {
    let mut world = shop();
    let decision = Decision { at: ago(at), state, author: "ada".into(), reason: "r".into(), until: until.map(ago) };
    world.triage.decide(SQLI, decision);
    world
}

#[rstest]
#[case::acknowledged(TriageState::Acknowledged, None, true)]
#[case::false_positive(TriageState::FalsePositive, None, false)]
#[case::accepted(TriageState::Accepted, Some(-60), false)]
#[case::acceptance_ran_out(TriageState::Accepted, Some(60), true)]
#[case::accepted_for_good(TriageState::Accepted, None, true)]
#[case::fixed(TriageState::Fixed, None, false)]
fn what_people_decided_counts_until_it_runs_out(
    #[case] state: TriageState,
    #[case] until: Option<i64>,
    #[case] concerns: bool,
) {
    let world = decided(state, 70, until);
    let judged = judged(&world);
    assert_eq!(!judged.value.concerns.is_empty(), concerns);
    assert_eq!(judged.value.to_keep().is_some(), concerns);
    if until == Some(-60) {
        assert_eq!(judged.valid_until, Some(ago(-60)), "and then it is judged again");
    }
}

#[test]
fn fixed_does_not_count_against_code_that_runs_after_it() {
    let world = decided(TriageState::Fixed, V3 + 100, None);
    let judged = judged(&world);
    assert_eq!(judged.value.concerns, [SQLI]);
    assert!(reasons(&judged).contains("said that it is fixed, and code with it ran after that"));
}

#[test]
fn the_band_of_concern_is_a_parameter_and_operators_may_change_a_band_for_a_time() {
    let mut world = shop();
    let least = |world: &World, band| points(world, &Chains::of(world), data(world), band, now()).value.concerns.len();
    assert_eq!((least(&world, Band::Critical), least(&world, Band::High), least(&world, Band::Info)), (0, 1, 1));
    let rule = |until: i64| SeverityRule {
        at: "links.toml:3".into(),
        when: crate::model::When::default(),
        rule: Some(crate::model::glob::Glob::name("sql*").unwrap()),
        set: Band::Low,
        author: "ada".into(),
        until: Some(ago(until)),
    };
    world.linking = Arc::new(Linking { severities: vec![rule(-30)], ..Linking::default() });
    assert_eq!(least(&world, Band::High), 0);
    assert_eq!(judged(&world).valid_until, Some(ago(-30)));
    world.linking = Arc::new(Linking { severities: vec![rule(30)], ..Linking::default() });
    assert_eq!(least(&world, Band::High), 1, "it has run out");
}

#[rstest]
#[case::accepted("accepted", None, false)]
#[case::under_review("underReview", None, true)]
#[case::rejected("rejected", None, true)]
#[case::ran_out("accepted", Some(10), true)]
fn a_suppression_hides_only_while_it_is_accepted(
    #[case] status: &str,
    #[case] until: Option<i64>,
    #[case] concerns: bool,
) {
    let mut world = shop();
    let mut scans = three();
    let one =
        Suppression { kind: "inSource".into(), status: status.into(), justification: None, until: until.map(ago) };
    scans[1].findings = [crate::model::Finding { suppressions: Some([one].into()), ..finding(SQLI) }].into();
    scanned(&mut world, scans);
    assert_eq!(!judged(&world).value.concerns.is_empty(), concerns);
}

#[test]
fn after_a_compromise_no_copy_is_good_and_the_one_before_it_is_kept_even_without_findings() {
    let mut world = bare();
    ran(&mut world, releases());
    let what = Compromised::Volume { namespace: "shop".into(), name: "data".into() };
    let one = Compromise { what, since: ago(B), who: "ada".into(), why: "IOC-7".into() };
    world.linking = Arc::new(Linking { compromised: vec![one], ..Linking::default() });
    assert_eq!(trusts(&world), [Trust::Exposed, Trust::Exposed, Trust::NotKnownBad]);
    assert_eq!(judged(&world).value.to_keep().unwrap().copy.object.path(), "shop/a");
}

fn threatened(change: impl FnOnce(&mut World)) -> Judgement<Vec<Threat>> {
    let mut world = shop();
    change(&mut world);
    let kept = keeping(&world, &Chains::of(&world), data(&world), CONCERN, now()).value.unwrap();
    threats(&world, &kept, now())
}

fn relabelled(world: &mut World, key: &str, value: &str) {
    let (mut snapshot, content) = ours("a", A);
    snapshot.meta.labels = [(key.into(), value.into())].into();
    put_snapshot(world, (snapshot, content));
}

fn expiring(world: &mut World, minutes: i64) {
    relabelled(world, annotation::VELERO_BACKUP, "nightly");
    let meta = Meta { namespace: Some("velero".into()), ..cluster_meta("nightly") };
    put(world, [Object::VeleroBackup(VeleroBackup { meta, expires: Some(ago(-minutes)), ..VeleroBackup::default() })]);
}

#[rstest]
#[case::ours(&|_: &mut World| {}, Severity::Info, "whoever deletes the object deletes the copy (deletionPolicy Delete)")]
#[case::other_tool(
    &|world: &mut World| relabelled(world, annotation::MANAGED_BY.0, "snapscheduler"),
    Severity::Warn,
    "snapscheduler made it and may delete it"
)]
#[case::velero_later(&|world: &mut World| expiring(world, 3 * DAY), Severity::Warn, "expires in 3d (Velero backup nightly")]
#[case::velero_soon(&|world: &mut World| expiring(world, 120), Severity::Critical, "expires in 2h (Velero backup nightly")]
#[case::deleted(
    &|world: &mut World| {
        let deleting = Some(ago(1));
        put(world, [Object::Namespace(crate::model::Namespace { meta: Meta { deleting, ..cluster_meta("shop") } })]);
    },
    Severity::Critical,
    "namespace shop is being deleted"
)]
fn what_else_would_delete_the_last_known_good_copy_is_told(
    #[case] change: &dyn Fn(&mut World),
    #[case] severity: Severity,
    #[case] text: &str,
) {
    let told = threatened(change);
    assert_eq!(told.value[0].severity, severity, "{told:?}");
    assert!(told.value[0].text.starts_with("the last known-good copy shop/a: "), "{}", told.value[0].text);
    assert!(told.value[0].text.contains(text), "{}", told.value[0].text);
    assert!(told.reasons[0].next.is_some());
}

#[test]
fn a_threat_that_nears_is_judged_again_when_it_is_near() {
    assert_eq!(threatened(|world| expiring(world, 3 * DAY)).valid_until, Some(ago(-2 * DAY)));
    assert_eq!(threatened(|world| expiring(world, 120)).valid_until, Some(ago(-120)));
}

#[test]
fn an_alarm_is_raised_for_each_volume_whose_kept_copy_somebody_else_deletes() {
    let mut world = shop();
    let raise = |world: &World| alarms(world, &Chains::of(world), CONCERN, now());
    assert_eq!(raise(&world), [], "only this console would delete it, and it does not");
    expiring(&mut world, 120);
    let raised = raise(&world);
    assert_eq!(raised.len(), 1);
    assert_eq!((raised[0].0.path().as_str(), raised[0].2.value[0].severity), ("shop/data", Severity::Critical));
    assert_eq!(raise(&bare()), [], "without a finding nothing is kept");
}

#[test]
fn the_last_known_good_copy_may_be_one_of_velero() {
    let mut world = shop();
    let meta = |name: &str| Meta { namespace: Some("velero".into()), created: Some(ago(650)), ..cluster_meta(name) };
    let item = VeleroItem {
        meta: meta("du"),
        backup: Some("late".into()),
        source_namespace: "shop".into(),
        source_uid: Some("uid-data".into()),
        phase: "Completed".into(),
        started: Some(ago(650)),
        ..VeleroItem::default()
    };
    let backup = VeleroBackup {
        meta: meta("late"),
        phase: "Completed".into(),
        expires: Some(ago(-60)),
        ..VeleroBackup::default()
    };
    put(&mut world, [Object::VeleroBackup(backup), Object::DataUpload(item)]);
    let chains = Chains::of(&world);
    let kept = keeping(&world, &chains, data(&world), CONCERN, now()).value.unwrap();
    assert_eq!(kept.object.kind, Kind::DataUpload);
    let told = threats(&world, &kept, now());
    assert_eq!(told.value[0].at, Some(ago(-60)));
    assert_eq!(told.value[0].severity, Severity::Critical);
}

#[test]
fn the_set_of_open_findings_is_the_same_for_the_same_findings() {
    let set = |world: &World| open_set(world, data(world), now());
    assert_eq!(set(&bare()), None, "nothing was ever scanned");
    let one = set(&shop()).unwrap();
    assert!(one.starts_with("1 sha256:") && one.len() == "1 sha256:".len() + 64, "{one}");
    assert_eq!(set(&decided(TriageState::FalsePositive, 10, None)).unwrap().split(' ').next(), Some("0"));
    assert_eq!(one, set(&shop()).unwrap());
}

/// Volumes are judged by what wrote them: findings of others are not looked at.
#[test]
fn ten_thousand_volumes_and_two_hundred_thousand_findings_meet_by_index() {
    const PROGRAMS: usize = 500;
    const EACH: usize = 400;
    const VOLUMES: usize = 10_000;
    let digest = |number: usize| Arc::<str>::from(format!("sha256:{number:064x}"));
    let mut world = crate::assess::testing::live();
    for number in 0..VOLUMES {
        let mut claim = crate::assess::testing::claim(&format!("v{number}"), None);
        claim.access_modes = [crate::model::AccessMode::Rwo].into();
        put(&mut world, [Object::Pv(crate::assess::testing::volume(&claim)), Object::Pvc(claim)]);
    }
    for number in 0..VOLUMES {
        let (mut key, extent) = run('a', 900, 0);
        key.program.digests = [digest(number % PROGRAMS)].into();
        key.program.namespace = format!("ns-{}", number % PROGRAMS).into();
        key.pod = Some(Uid::from(format!("pod-{number}")));
        key.volumes = [Uid::from(format!("uid-v{number}"))].into();
        ran(&mut world, [(key, extent)]);
    }
    let scans = (0..PROGRAMS).map(|number| {
        let mut one = scan('a', 10, &[]);
        one.digest[..8].copy_from_slice(&number.to_be_bytes());
        one.subjects[0].digests = [digest(number)].into();
        one.findings = (0..EACH).map(|id| finding(FindingId((number * EACH + id) as u128))).collect();
        one
    });
    scanned(&mut world, scans);
    let chains = Chains::of(&world);
    for number in [0, 1, PROGRAMS - 1, PROGRAMS, VOLUMES - 1] {
        let claim = world.inventory.pvcs.get(&Uid::from(format!("uid-v{number}"))).unwrap();
        let concerns = points(&world, &chains, claim, CONCERN, now()).value.concerns;
        let first = (number % PROGRAMS) * EACH;
        let own: Vec<FindingId> = (first..first + EACH).map(|id| FindingId(id as u128)).collect();
        assert_eq!(concerns, own, "those of its program, and no other");
    }
}
