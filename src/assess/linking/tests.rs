use std::sync::Arc;

use rstest::rstest;

use super::*;
use crate::assess::exposure::testing::{SQLI, bare, digest, finding, program, ran, run, scan, taken};
use crate::assess::testing::{now, said as reasons};
use crate::model::glob::Glob;
use crate::model::{Built, LinkRule, Pin, RevisionFrom, Said, Subject, SubjectSource, To, When, WorkloadName};

const REVISION: &str = "4f2a9c1d4f2a9c1d4f2a9c1d4f2a9c1d4f2a9c1d";

/// What runs: `r.example/shop:TAG` of digest `a` in `StatefulSet db`.
fn running(tag: &str) -> Program {
    Program { image: format!("r.example/shop:{tag}").into(), ..program('a') }
}

fn world(programs: &[Program], linking: Linking) -> World {
    let mut world = bare();
    for (place, program) in programs.iter().enumerate() {
        let (mut key, extent) = run('a', 900, 800);
        key.program = program.clone();
        key.pod = Some(Uid::from(format!("pod-{place}")));
        ran(&mut world, [(key, extent)]);
    }
    world.linking = Arc::new(linking);
    world.findings = Findings::new([taken(scan('f', 1, &[]), true)], now());
    world
}

fn of(subjects: &[Subject]) -> Scan {
    Scan { subjects: subjects.into(), ..scan('f', 5, &[SQLI]) }
}

fn tool() -> Subject {
    Subject::of(SubjectSource::Tool)
}

fn image(tag: Option<&str>) -> Subject {
    Subject { image: Some("r.example/shop".into()), tag: tag.map(Into::into), ..tool() }
}

fn sources(revision: &str) -> Subject {
    Subject { repository: Some("git.example/acme/shop".into()), revision: Some(revision.into()), ..tool() }
}

fn built(of: char, revision: &str) -> Linking {
    let one = Built { digest: digest(of), revision: revision.into(), repository: Some("git.example/acme/shop".into()) };
    Linking { built: vec![one], ..Linking::default() }
}

/// The rung to the only program, and whether that is claimed.
fn rung(world: &World, scan: &Scan) -> (Rung, bool) {
    let found = Chains::of(world).trace(scan, true, None);
    found.value.first().map_or((Rung::None, false), |link| (link.rung, link.claimed))
}

#[rstest]
#[case::digest(Subject { digests: [digest('a')].into(), ..tool() }, Rung::Exact)]
#[case::digest_in_the_image(Subject { image: Some(format!("r.example/shop@{}", digest('a')).into()), ..tool() }, Rung::Exact)]
#[case::upper_case(Subject { digests: [digest('a').to_uppercase().replace("SHA256", "sha256").into()].into(), ..tool() }, Rung::Exact)]
#[case::other_digest(Subject { digests: [digest('b')].into(), ..tool() }, Rung::None)]
#[case::no_digest(Subject { digests: ["sha256:aa".into()].into(), ..tool() }, Rung::None)]
#[case::version(image(Some("1.4.2")), Rung::Probable)]
#[case::other_version(image(Some("1.4.3")), Rung::None)]
#[case::no_tag(image(None), Rung::Weak)]
#[case::version_of_another_digest(Subject { digests: [digest('b')].into(), ..image(Some("1.4.2")) }, Rung::Weak)]
#[case::name_of_sources(sources(REVISION), Rung::Weak)]
#[case::other_sources(Subject { repository: Some("git.example/acme/other".into()), ..sources(REVISION) }, Rung::None)]
#[case::nothing(tool(), Rung::None)]
fn each_rung_has_its_evidence(#[case] subject: Subject, #[case] expected: Rung) {
    let world = world(&[running("1.4.2")], Linking::default());
    assert_eq!(rung(&world, &of(&[subject])), (expected, false));
}

#[rstest]
#[case::whole(REVISION, Rung::Strong)]
#[case::upper_case(&REVISION.to_uppercase(), Rung::Strong)]
#[case::short(&REVISION[..7], Rung::Probable)]
#[case::too_short(&REVISION[..6], Rung::Weak)]
#[case::redacted("[REDACTED]", Rung::Weak)]
#[case::branch("main", Rung::Weak)]
#[case::another("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", Rung::None)]
fn a_revision_is_as_good_as_the_record_that_binds_it_to_the_digest(#[case] revision: &str, #[case] expected: Rung) {
    let world = world(&[running("1.4.2")], built('a', REVISION));
    assert_eq!(rung(&world, &of(&[sources(revision)])), (expected, false));
}

#[test]
fn why_a_revision_is_not_used_is_said() {
    let world = world(&[running("1.4.2")], Linking::default());
    let traced = Chains::of(&world).trace(&of(&[sources("[REDACTED]")]), true, None);
    assert!(reasons(&traced).contains("the revision was taken out of the report"), "{}", reasons(&traced));
}

#[rstest]
#[case::latest("latest")]
#[case::branch("main")]
#[case::major("15")]
#[case::minor("15.8")]
fn a_tag_that_moves_is_never_more_than_weak(#[case] tag: &str) {
    let world = world(&[running(tag)], Linking::default());
    assert_eq!(rung(&world, &of(&[image(Some(tag))])).0, Rung::Weak);
}

#[test]
fn a_version_that_was_seen_with_two_digests_moves_as_well() {
    let other = Program { digests: [digest('b')].into(), ..running("1.4.2") };
    let world = world(&[running("1.4.2"), other], Linking::default());
    let traced = Chains::of(&world).trace(&of(&[image(Some("1.4.2"))]), true, None);
    assert_eq!(traced.value.iter().map(|link| link.rung).collect::<Vec<_>>(), [Rung::Weak, Rung::Weak]);
    assert!(reasons(&traced).contains("was seen with more than one digest: it moves"), "{}", reasons(&traced));
}

#[rstest]
#[case::short("4f2a9c1", Rung::Probable)]
#[case::marked("sha-4f2a9c1d", Rung::Probable)]
#[case::another("5f2a9c1", Rung::Weak)]
fn a_tag_that_is_the_revision_is_probable(#[case] tag: &str, #[case] expected: Rung) {
    let world = world(&[running(tag)], Linking::default());
    assert_eq!(rung(&world, &of(&[sources(REVISION)])).0, expected);
}

#[test]
fn an_index_is_not_its_platform_until_a_record_says_so() {
    let index = Subject { digests: [digest('e')].into(), ..image(Some("1.4.2")) };
    let unknown = world(&[running("1.4.2")], Linking::default());
    let traced = Chains::of(&unknown).trace(&of(std::slice::from_ref(&index)), true, None);
    assert_eq!(traced.value[0].rung, Rung::Weak);
    let why =
        traced.reasons.iter().find(|reason| reason.text.contains("another image, or one is the index of the other"));
    assert!(why.unwrap().next.as_deref().unwrap().contains("write the pair of index and platform"));
    let paired = Linking { platforms: vec![(digest('e'), digest('a'))], ..Linking::default() };
    assert_eq!(rung(&world(&[running("1.4.2")], paired), &of(&[index])), (Rung::Exact, false));
}

#[test]
fn a_config_digest_is_as_exact_as_that_of_a_manifest() {
    let both = Program { digests: [digest('a'), digest('c')].into(), ..running("1.4.2") };
    let world = world(&[both], Linking::default());
    for of_what in ['a', 'c'] {
        let subject = Subject { digests: [digest(of_what)].into(), ..tool() };
        assert_eq!(rung(&world, &of(&[subject])), (Rung::Exact, false));
    }
}

#[rstest]
#[case::revision(Said { revision: Some(REVISION.into()), ..Said::default() }, Rung::Strong)]
#[case::version(Said { version: Some("4f2a9c1".into()), ..Said::default() }, Rung::Probable)]
fn what_a_pod_says_of_itself_is_claimed(#[case] said: Said, #[case] expected: Rung) {
    let world = world(&[Program { said, ..running("latest") }], Linking::default());
    let traced = Chains::of(&world).trace(&of(&[sources(REVISION)]), true, None);
    let link = &traced.value[0];
    assert_eq!((link.rung, link.claimed, link.proves()), (expected, true, false));
    assert!(
        traced
            .reasons
            .iter()
            .any(|reason| reason.next.as_deref().is_some_and(|next| next.contains("a claim proves nothing")))
    );
}

#[test]
fn a_name_that_only_a_label_gives_is_claimed() {
    let said = Said { app: Some("Shop".into()), ..Said::default() };
    let world = world(&[Program { image: "r.example/server:1".into(), said, ..program('a') }], Linking::default());
    assert_eq!(rung(&world, &of(&[sources("main")])), (Rung::Weak, true));
}

#[test]
fn a_report_from_a_source_that_is_not_trusted_is_claimed_whatever_it_says() {
    let world = world(&[running("1.4.2")], Linking::default());
    let traced = Chains::of(&world).trace(&of(&[Subject { digests: [digest('a')].into(), ..tool() }]), false, None);
    assert_eq!((traced.value[0].rung, traced.value[0].claimed, traced.value[0].proves()), (Rung::Exact, true, false));
    assert!(
        traced
            .reasons
            .iter()
            .any(|reason| reason.next.as_deref().is_some_and(|next| next.contains("mark the source as trusted")))
    );
}

fn elsewhere(of: char) -> Program {
    let workload = Some(WorkloadName { kind: "Deployment".into(), name: "web".into(), uid: None });
    Program { workload, digests: [digest(of)].into(), image: "r.example/shop:2.0.0".into(), ..program('a') }
}

#[test]
fn two_workloads_with_one_image_both_run_it() {
    let same = Program { image: running("1.4.2").image, ..elsewhere('a') };
    let world = world(&[running("1.4.2"), same], Linking::default());
    let links = Chains::of(&world).trace(&of(&[Subject { digests: [digest('a')].into(), ..tool() }]), true, None).value;
    assert_eq!(links.len(), 2);
    assert!(links.iter().all(|link| link.rung == Rung::Exact && !link.ambiguous && link.proves()));
    let by_tag = Chains::of(&world).trace(&of(&[image(Some("1.4.2"))]), true, None).value;
    assert!(by_tag.len() == 2 && by_tag.iter().all(|link| !link.ambiguous), "the same image in both");
}

#[test]
fn two_workloads_with_different_images_on_one_rung_are_ambiguous_and_both_are_listed() {
    let mut linking = built('a', REVISION);
    linking.built.push(Built { digest: digest('b'), ..linking.built[0].clone() });
    let mut world = world(&[running("1.4.2"), elsewhere('b')], linking);
    let links = Chains::of(&world).trace(&of(&[sources(REVISION)]), true, None).value;
    assert_eq!(links.iter().map(|link| link.rung).collect::<Vec<_>>(), [Rung::Strong; 2]);
    assert!(links.iter().all(|link| link.ambiguous && !link.proves()));
    world.findings = Findings::new([taken(of(&[sources(REVISION)]), true)], now());
    let both = Chains::of(&world).workloads(SQLI);
    assert_eq!(both.value.len(), 2);
    assert!(both.reasons[0].text.starts_with("more than one workload fits equally well"), "{}", reasons(&both));
}

#[test]
fn of_two_provenances_each_is_tried() {
    let subjects = [sources("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), sources(REVISION)];
    let world = world(&[running("1.4.2")], built('a', REVISION));
    let traced = Chains::of(&world).trace(&of(&subjects), true, None);
    assert_eq!(traced.value[0].rung, Rung::Strong);
    assert!(reasons(&traced).contains("what runs was built from another"), "{}", reasons(&traced));
}

#[test]
fn a_stamp_counts_before_everything_else() {
    let stamp = Subject { digests: [digest('b')].into(), ..Subject::of(SubjectSource::Stamp) };
    let world = world(&[running("1.4.2")], Linking::default());
    let traced = Chains::of(&world).trace(&of(&[image(Some("1.4.2")), stamp]), true, None);
    assert!(traced.value.is_empty(), "its digest runs nowhere, and the tag does not make up for it");
    assert!(reasons(&traced).contains("its stamp ties it to nothing that was seen to run"));
}

#[test]
fn a_digest_that_a_scan_is_attached_to_counts_before_what_its_tool_says_and_beside_its_stamp() {
    let attached = |of| Subject { digests: [digest(of)].into(), ..Subject::of(SubjectSource::Attached) };
    let world = world(&[running("1.4.2")], Linking::default());
    let chains = Chains::of(&world);
    let exact = chains.trace(&of(&[attached('a')]), true, None);
    assert_eq!(exact.value.iter().map(|link| link.rung).collect::<Vec<_>>(), [Rung::Exact]);
    let other = chains.trace(&of(&[image(Some("1.4.2")), attached('b')]), true, None);
    assert!(other.value.is_empty(), "its digest runs nowhere, and the tag does not make up for it");
    assert!(reasons(&other).contains("what it is attached to ties it to nothing that was seen to run"));
    let place =
        Subject { namespace: Some("shop".into()), name: Some("db".into()), ..Subject::of(SubjectSource::Stamp) };
    let best = chains.trace(&of(&[place, attached('a')]), true, None).value.iter().map(|link| link.rung).max();
    assert_eq!(best, Some(Rung::Exact), "a stamp without a digest takes nothing away");
}

#[test]
fn folders_name_the_workload_and_no_version() {
    let folder =
        Subject { namespace: Some("shop".into()), name: Some("db".into()), ..Subject::of(SubjectSource::Folder) };
    let world = world(&[running("1.4.2"), elsewhere('b')], Linking::default());
    let found = Chains::of(&world).trace(&of(std::slice::from_ref(&folder)), true, None);
    assert_eq!(found.value.iter().map(|link| link.rung).collect::<Vec<_>>(), [Rung::Weak], "of db alone");
    let other = Subject { name: Some("gone".into()), ..folder };
    assert!(Chains::of(&world).trace(&of(&[other]), true, None).value.is_empty());
}

fn rule(path: Option<&str>, name: &str) -> LinkRule {
    LinkRule {
        at: "links.toml:3".into(),
        when: When {
            tool: Some(Glob::name("Semgrep*").unwrap()),
            repository: Some(Glob::name("git.example/acme/*").unwrap()),
            category: None,
            path: path.map(|path| Glob::path(path).unwrap()),
        },
        to: To { namespace: Some("shop".into()), name: Some(name.into()), ..To::default() },
        revision: RevisionFrom::Scan,
        max: Rung::Exact,
    }
}

fn ruled(rules: Vec<LinkRule>) -> Linking {
    Linking { rules, ..built('a', REVISION) }
}

#[test]
fn a_rule_says_where_and_the_evidence_says_how_sure() {
    let world = world(&[running("1.4.2"), elsewhere('b')], ruled(vec![rule(None, "db")]));
    assert_eq!(rung(&world, &of(&[sources(REVISION)])).0, Rung::Strong);
    let unknown = Chains::of(&world).trace(&of(&[sources("main")]), true, None);
    assert_eq!(unknown.value.iter().map(|link| link.rung).collect::<Vec<_>>(), [Rung::Weak]);
    assert!(unknown.reasons[0].text.starts_with("rule links.toml:3: means shop/* db"), "{}", reasons(&unknown));
}

#[rstest]
#[case::ceiling(LinkRule { max: Rung::Probable, ..rule(None, "db") }, Rung::Probable)]
#[case::weak_ceiling(LinkRule { max: Rung::Weak, ..rule(None, "db") }, Rung::Weak)]
#[case::literal(LinkRule { revision: RevisionFrom::Literal("bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb".into()), ..rule(None, "db") }, Rung::None)]
#[case::none(LinkRule { revision: RevisionFrom::None, ..rule(None, "db") }, Rung::Weak)]
#[case::other_workload(rule(None, "web"), Rung::None)]
#[case::other_tool(LinkRule { when: When { tool: Some(Glob::name("Trivy").unwrap()), ..When::default() }, ..rule(None, "web") }, Rung::Strong)]
fn a_rule_claims_no_more_than_it_may_and_takes_the_revision_it_says(#[case] rule: LinkRule, #[case] expected: Rung) {
    let world = world(&[running("1.4.2")], ruled(vec![rule]));
    assert_eq!(rung(&world, &of(&[sources(REVISION)])).0, expected);
}

#[test]
fn the_first_rule_that_matches_in_full_counts_by_path() {
    let rules = vec![rule(Some("services/{svc}/**"), "{svc}"), rule(None, "web")];
    let mut world = world(&[running("1.4.2"), elsewhere('b')], ruled(rules));
    let place = |path: &str| {
        let found = Chains::of(&world).trace(&of(&[sources("main")]), true, Some(path));
        found
            .value
            .iter()
            .map(|link| Chains::of(&world).program(link.program).unwrap().workload.clone().unwrap().name)
            .collect::<Vec<_>>()
    };
    assert_eq!(place("services/db/src/a.rs"), ["db".into()]);
    assert_eq!(place("lib/a.rs"), ["web".into()]);
    assert_eq!(place("services/gone/a.rs"), Vec::<Arc<str>>::new());
    let of_db = Finding { path: "services/db/x.rs".into(), ..finding(SQLI) };
    let scan = Scan { findings: [of_db].into(), ..of(&[sources("main")]) };
    world.findings = Findings::new([taken(scan, true)], now());
    let chains = Chains::of(&world);
    let workloads = chains.workloads(SQLI).value;
    assert_eq!(workloads.len(), 1);
    assert_eq!(chains.program(workloads[0].program).unwrap().workload.as_ref().unwrap().name, "db".into());
    assert_eq!(
        chains.links(0, &"lib/other.rs".into()).len(),
        1,
        "a path in which it found nothing is looked up as well"
    );
}

#[test]
fn a_pin_ties_by_hand_and_never_proves() {
    let pin = Pin {
        what: Pinned::Scan(of(&[]).digest),
        to: To { namespace: Some("shop".into()), name: Some("db".into()), ..To::default() },
        digest: None,
        who: "ada".into(),
        at: now(),
        why: "I built it".into(),
    };
    let world = world(&[running("1.4.2")], Linking { pins: vec![pin], ..Linking::default() });
    let traced = Chains::of(&world).trace(&of(&[]), true, None);
    assert_eq!((traced.value[0].rung, traced.value[0].proves()), (Rung::Manual, false));
    assert!(reasons(&traced).contains("pinned by ada") && reasons(&traced).contains("I built it"));
    assert!(reasons(&traced).contains("the report says nothing of what it looked at"));
}

#[test]
fn what_others_wrote_is_made_safe_to_draw() {
    let subject = Subject { repository: Some("git.example/sh\u{1b}[31mop".into()), ..image(Some("1.4.2")) };
    let world = world(&[Program { container: "d\u{202e}b".into(), ..running("1.4.2") }], Linking::default());
    let traced = Chains::of(&world).trace(&of(&[subject]), true, None);
    assert!(!reasons(&traced).contains(['\u{1b}', '\u{202e}']), "{}", reasons(&traced));
}

/// Looking up by index: as many chains as there are, and no more.
#[test]
fn many_scans_and_many_programs_meet_by_index() {
    let programs: Vec<Program> = (0..2_000)
        .map(|number| Program {
            namespace: format!("ns-{number}").into(),
            image: format!("r.example/app-{number}:1.0.0").into(),
            digests: [format!("sha256:{number:064x}").into()].into(),
            ..program('a')
        })
        .collect();
    let mut world = world(&programs, Linking::default());
    let scan = |number: usize| {
        let mut one = of(&[Subject { digests: [format!("sha256:{number:064x}").into()].into(), ..tool() }]);
        one.digest[..8].copy_from_slice(&number.to_be_bytes());
        one.findings = (0..100).map(|id| finding(FindingId((number * 100 + id) as u128))).collect();
        taken(one, true)
    };
    world.findings = Findings::new((0..2_000).map(scan), now());
    let chains = Chains::of(&world);
    for place in [0, 999, 1_999] {
        assert_eq!(chains.scans_of(place).count(), 1);
        assert_eq!(chains.links(place, &"".into()).len(), 1);
    }
}
