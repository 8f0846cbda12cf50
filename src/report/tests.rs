//! Every control: what passes it, what fails it, and that it never passes over what it does not see.

use std::collections::BTreeSet;

use rstest::rstest;

use super::terms::CATALOGUES;
use super::*;
use crate::assess::testing::{DAY, ago, now};
use crate::model::{DeletionPolicy, Delta, Freshness, KeyMatch, Kind, Policies, Scope};
use crate::view::OperationState;
use world::{EBS, Made, NFS};

mod forms;
mod world;

#[rstest]
#[case::too_old("backup-objective", |made: &mut Made| made.rpo = "1h")]
#[case::never_proven("restore-proven", |made: &mut Made| made.proven = None)]
#[case::proven_long_ago("restore-proven", |made: &mut Made| made.proven = Some(93 * DAY))]
#[case::the_last_drill_failed("restore-proven", |made: &mut Made| made.failed = Some(60))]
#[case::no_rule("retention", |made: &mut Made| made.keep = None)]
#[case::a_hold_that_binds_nobody("retention", |made: &mut Made| {
    made.hold = Some("evidence");
    made.deletion = DeletionPolicy::Delete;
})]
#[case::one_namespace_takes_all("copy-fate", |made: &mut Made| made.deletion = DeletionPolicy::Delete)]
#[case::in_the_same_system("failure-domain", |made: &mut Made| made.driver = "topolvm.io")]
#[case::said_to_be_plain("encryption-at-rest", |made: &mut Made| {
    made.driver = "csi.hpe.com";
    made.encrypted = "false";
})]
#[case::http("encryption-in-transit", |made: &mut Made| made.endpoint = "http://minio")]
#[case::plain_nfs("encryption-in-transit", |made: &mut Made| made.mount = "sec=sys")]
#[case::ended("certificate-expiry", |made: &mut Made| made.certificate_left = -DAY)]
#[case::ends_soon("certificate-expiry", |made: &mut Made| made.certificate_left = 1)]
#[case::missed("certificate-renewal", |made: &mut Made| made.renewal = -DAY)]
#[case::short_key("certificate-crypto", |made: &mut Made| made.key = "RSA 1024")]
#[case::of_another_key("certificate-crypto", |made: &mut Made| made.own_key = KeyMatch::Mismatch)]
#[case::another_host("certificate-names", |made: &mut Made| made.host = "shop.example")]
#[case::a_former_one("certificate-served", |made: &mut Made| made.serves = Some("former"))]
#[case::vulnerable_code_runs("sast-at-risk", |made: &mut Made| made.vulnerable = true)]
#[case::no_copy_from_before("exposure-known-good", |made: &mut Made| made.known_good = false)]
#[case::overdue("reviews", |made: &mut Made| made.reviewed = 100)]
#[case::interrupted("operations", |made: &mut Made| made.operation = OperationState::Interrupted)]
#[case::failed_lately("operations", |made: &mut Made| made.operation = OperationState::Failed)]
#[case::changed("journal", |made: &mut Made| made.wrong = Some("line 2 was changed"))]
fn a_control_passes_and_one_thing_makes_it_fail(#[case] id: &str, #[case] spoil: fn(&mut Made)) {
    let mut made = Made::fine(id);
    let fine = made.judge(id);
    assert_eq!(fine.state, State::Pass, "{:#?}", fine.evidence);
    assert!(fine.evidence.iter().all(|one| one.remedy.is_none()), "{:#?}", fine.evidence);
    spoil(&mut made);
    let spoilt = made.judge(id);
    assert_eq!(spoilt.state, State::Fail, "{:#?}", spoilt.evidence);
    assert_eq!(spoilt.evidence[0].state, State::Fail, "what matters most comes first");
}

#[rstest]
#[case::no_driver_known("failure-domain", |made: &mut Made| made.driver = "csi.example")]
#[case::nothing_stated("encryption-at-rest", |made: &mut Made| made.encrypted = "maybe")]
#[case::no_mount_option("encryption-in-transit", |made: &mut Made| made.mount = "hard")]
#[case::not_asked("certificate-served", |made: &mut Made| made.serves = None)]
#[case::nothing_looked_for("sast-at-risk", |made: &mut Made| made.sources = false)]
#[case::nothing_looked_for("exposure-known-good", |made: &mut Made| made.sources = false)]
#[case::outcome_unknown("operations", |made: &mut Made| made.operation = OperationState::OutcomeUnknown)]
fn what_is_not_known_is_unknown(#[case] id: &str, #[case] hide: fn(&mut Made)) {
    let mut made = Made::fine(id);
    hide(&mut made);
    let judged = made.judge(id);
    assert_eq!(judged.state, State::Unknown, "{:#?}", judged.evidence);
}

/// The law: over a world in which it passes, a control that cannot see one of its kinds is Unknown; and one that is
/// about a kind that is not served is what it says it is then, never Pass.
#[test]
fn no_control_passes_over_what_it_does_not_see() {
    let scope = || Scope::All;
    for control in registry() {
        let made = Made::fine(control.id);
        for kind in control.kinds() {
            let denied = Delta::Denied(kind, scope(), "list".into());
            for hidden in [denied, Delta::Failed(kind, scope(), "cut".into())] {
                let mut world = made.world();
                world.apply(hidden, now());
                let judged = made.judge_over(&world, control.id);
                assert_eq!(judged.state, State::Unknown, "{} without {kind:?}: {:#?}", control.id, judged.evidence);
            }
            let mut world = made.world();
            world.apply(Delta::Unreadable(kind, "shop/odd".into(), "no such field".into()), now());
            assert_eq!(
                made.judge_over(&world, control.id).state,
                State::Unknown,
                "{} of an unreadable one",
                control.id
            );
        }
        for kind in control.needs {
            let mut world = made.world();
            world.apply(Delta::Absent(*kind, scope()), now());
            let judged = made.judge_over(&world, control.id);
            assert_eq!(judged.state, control.absent, "{} without {kind:?}: {:#?}", control.id, judged.evidence);
            assert!(control.absent > State::Pass || control.absent == State::Unknown);
        }
    }
}

#[test]
fn nothing_passes_while_lists_are_under_way() {
    for control in registry().iter().filter(|control| control.kinds().any(|kind| kind.spec().namespaced)) {
        let made = Made::fine(control.id);
        let mut world = made.world();
        world.look_at(&[Scope::All]);
        assert_eq!(made.judge_over(&world, control.id).state, State::Unknown, "{}", control.id);
    }
}

#[test]
fn over_an_empty_world_nothing_passes() {
    let inputs = Inputs::default();
    let all: Vec<&Control> = registry().iter().collect();
    let report = report(&World::default(), &inputs, &all, now());
    assert!(report.controls.iter().all(|one| one.state != State::Pass), "{report:#?}");
}

/// A namespace that is misspelt holds nothing, and nothing is wrong with nothing.
#[rstest]
#[case::namespaces_may_not_be_listed(true)]
#[case::it_does_not_exist(false)]
fn a_namespace_in_which_nothing_is_found_and_that_nobody_saw_is_unknown(#[case] denied: bool) {
    for control in registry().iter().filter(|control| control.scoped()) {
        let made = Made::fine(control.id);
        let mut world = made.world();
        if denied {
            world.apply(Delta::Denied(Kind::Namespace, Scope::All, "list".into()), now());
        }
        world.context.namespaces = vec!["shpo".into()];
        let doubt = |world: &World| {
            let judged = made.judge_over(world, control.id);
            let doubt = judged.evidence.iter().any(|one| &*one.object == "Namespace shpo");
            assert_eq!(
                judged.state == State::Unknown,
                doubt || control.kinds().any(|kind| kind == Kind::Namespace && denied),
                "{}: {:#?}",
                control.id,
                judged.evidence
            );
            doubt
        };
        assert!(doubt(&world), "{}", control.id);
        world.context.namespaces = vec!["shop".into()];
        assert!(!doubt(&world), "{}: the shop holds something", control.id);
    }
}

#[test]
fn reviews_operations_and_the_journal_are_unknown_while_nobody_knows_them() {
    let made = Made::fine("reviews");
    let mut world = made.world();
    world.reviews.freshness = Freshness::Loading;
    assert_eq!(made.judge_over(&world, "reviews").state, State::Unknown);
    let of = |id, inputs: &Inputs<'_>| report(&world, inputs, &[control(id).unwrap()], now()).controls.remove(0).state;
    assert_eq!(of("operations", &Inputs { unseen: Some("forbidden"), ..Inputs::default() }), State::Unknown);
    let journal = Journal { unread: Some("no such disk".into()), ..Journal::default() };
    assert_eq!(of("journal", &Inputs { journal, ..Inputs::default() }), State::Unknown);
    assert_eq!(of("journal", &Inputs::default()), State::NotApplicable);
}

#[test]
fn a_review_that_is_missing_names_the_runbook_that_makes_it() {
    const COMMAND: &str = "holdfast runbook run quarterly-review";
    let judged = Made { reviewed: 100, ..Made::fine("reviews") }.judge("reviews");
    let failing = || judged.evidence.iter().filter(|one| one.state == State::Fail);
    assert!(
        failing().count() > 0 && failing().all(|one| one.remedy.as_deref().unwrap().contains(COMMAND)),
        "{judged:#?}"
    );
    assert!(control("reviews").unwrap().remedy.contains(COMMAND));
}

#[test]
fn who_opted_out_is_exempt_and_who_said_nothing_fails() {
    let made = Made::fine("backup-objective");
    let mut world = made.world();
    for (rpo, state) in [(Some("none"), State::NotApplicable), (None, State::Fail)] {
        world.policies = Policies { default_rpo: rpo.map(str::to_owned), ..Policies::default() };
        let judged = made.judge_over(&world, "backup-objective");
        assert_eq!(judged.state, state, "{:#?}", judged.evidence);
    }
}

#[test]
fn an_old_failure_counts_no_more_and_an_interruption_always() {
    let of = |operation, ended| Made { operation, ended, ..Made::fine("operations") }.judge("operations").state;
    assert_eq!(of(OperationState::Failed, 31 * DAY), State::Pass);
    assert_eq!(of(OperationState::Interrupted, 31 * DAY), State::Fail);
    assert_eq!(of(OperationState::Running, 0), State::NotApplicable);
}

#[test]
fn a_proven_restore_says_how_long_it_took() {
    let judged = Made::fine("restore-proven").judge("restore-proven");
    assert_eq!(&*judged.evidence[0].value, "read 6 bytes; a restore took 42s");
    assert_eq!(judged.evidence[0].at, Some(ago(DAY)));
}

#[test]
fn every_number_of_a_catalogue_is_known_and_used_and_ids_are_unique() {
    let ids: BTreeSet<&str> = registry().iter().map(|control| control.id).collect();
    assert_eq!(ids.len(), registry().len());
    let used = |of: fn(&Mapping) -> &'static [&'static str]| -> BTreeSet<&str> {
        registry().iter().flat_map(|control| of(&control.mapping)).copied().collect()
    };
    let numbers = [used(|one| one.nist), used(|one| one.iso), used(|one| one.cis)];
    for (catalogue, used) in CATALOGUES.iter().zip(numbers) {
        let known: BTreeSet<&str> = catalogue.requirements.iter().map(|(number, _)| *number).collect();
        assert_eq!(used, known, "{}", catalogue.name);
    }
    assert!(registry().iter().all(|control| !control.mapping.nist.is_empty() && !control.mapping.iso.is_empty()));
    assert!(registry().iter().flat_map(Control::kinds).all(|kind| kind != Kind::Event));
    assert_ne!(EBS, NFS);
}
