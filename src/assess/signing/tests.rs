//! Issuers that cannot sign, and requests that wait, fail or have been answered.

use rstest::rstest;

use super::*;
use crate::assess::testing::{ago, cluster_meta, live, meta, now, put, said, x509};
use crate::model::{CertManagerCertificate, Delta, Meta, Object, Scope};

const DAY: i64 = 24 * 60;

fn conditions(said: &[(&str, &str, &str)]) -> Box<[Condition]> {
    let one = |(kind, status, reason): &(&str, &str, &str)| Condition {
        kind: (*kind).into(),
        status: (*status).into(),
        reason: (*reason).into(),
        message: "said".into(),
        since: None,
    };
    said.iter().map(one).collect()
}

fn ca(said: &[(&str, &str, &str)]) -> Issuer {
    Issuer { meta: meta("ca"), conditions: conditions(said), ..Issuer::default() }
}

fn dependent() -> Object {
    let issuer = ("Issuer".into(), "ca".into());
    Object::Certificate(CertManagerCertificate { meta: meta("web"), issuer, ..CertManagerCertificate::default() })
}

const NOT_READY: (&str, &str, &str) = ("Ready", "False", "ErrGetKeyPair");

#[rstest]
#[case::says_nothing(&[], false, Severity::Unknown, CertificateState::Unknown { why: "cert-manager has not said that it is ready".into() })]
#[case::ready(&[("Ready", "True", "KeyPairVerified")], true, Severity::Ok, CertificateState::Ready)]
#[case::needed(&[NOT_READY], true, Severity::Critical, CertificateState::NotReady)]
#[case::needed_by_nobody(&[NOT_READY], false, Severity::Warn, CertificateState::NotReady)]
fn an_issuer_is_ready_only_when_it_says_so(
    #[case] says: &[(&str, &str, &str)],
    #[case] needed: bool,
    #[case] severity: Severity,
    #[case] state: CertificateState,
) {
    let mut world = live();
    put(&mut world, needed.then(dependent));
    let judged = issuer(&world, Kind::Issuer, &ca(says), now());
    assert_eq!((judged.value.severity, judged.value.state), (severity, state));
}

#[test]
fn an_issuer_that_is_not_ready_says_why_what_to_do_and_who_depends_on_it() {
    let mut world = live();
    put(&mut world, [dependent()]);
    let judged = issuer(&world, Kind::Issuer, &ca(&[NOT_READY]), now());
    assert_eq!(said(&judged), "ErrGetKeyPair: said\n1 Certificate depends on it");
    assert!(judged.reasons[0].next.is_some());
    world.apply(Delta::Denied(Kind::Certificate, Scope::All, "list".into()), now());
    let judged = issuer(&world, Kind::Issuer, &Issuer { meta: meta("other"), ..ca(&[NOT_READY]) }, now());
    assert_eq!(judged.value.severity, Severity::Critical, "who depends on it is not known: {judged:?}");
}

#[test]
fn an_issuer_that_was_ready_long_ago_is_unknown() {
    let mut world = live();
    world.apply(Delta::Failed(Kind::Issuer, Scope::All, "reset".into()), ago(6));
    let judged = issuer(&world, Kind::Issuer, &ca(&[("Ready", "True", "")]), now());
    assert_eq!(judged.value.severity, Severity::Unknown);
}

fn made(minutes: i64) -> Meta {
    Meta { created: Some(ago(minutes)), ..meta("web-1") }
}

const APPROVED: (&str, &str, &str) = ("Approved", "True", "cert-manager.io");

#[rstest]
#[case::new(&[], 1, Severity::Info, CertificateState::Unapproved)]
#[case::nobody_approves(&[], 30, Severity::Warn, CertificateState::Unapproved)]
#[case::new_and_approved(&[APPROVED], 1, Severity::Info, CertificateState::Pending)]
#[case::waits(&[APPROVED, ("Ready", "False", "Pending")], 30, Severity::Warn, CertificateState::Pending)]
#[case::failed(&[APPROVED, ("Ready", "False", "Failed")], 1, Severity::Critical, CertificateState::Failed)]
#[case::invalid(&[("InvalidRequest", "True", "Bad")], 1, Severity::Critical, CertificateState::Failed)]
#[case::denied(&[("Denied", "True", "Policy"), ("Ready", "False", "Denied")], 1, Severity::Critical, CertificateState::Denied)]
fn a_request_stands_by_its_conditions_and_its_age(
    #[case] says: &[(&str, &str, &str)],
    #[case] age: i64,
    #[case] severity: Severity,
    #[case] state: CertificateState,
) {
    let asked = CertificateRequest { meta: made(age), conditions: conditions(says), ..CertificateRequest::default() };
    let judged = request(&live(), &asked, now());
    assert_eq!((judged.value.severity, &judged.value.state), (severity, &state), "{judged:?}");
    assert!(!severity.problem() || judged.reasons[0].next.is_some(), "{judged:?}");
    let again = judged.valid_until.map(|at| request(&live(), &asked, at).value.severity);
    assert_eq!(again, (severity == Severity::Info).then_some(Severity::Warn), "time alone makes it worse");
}

#[rstest]
#[case::holds(60 * DAY, 300 * DAY, Severity::Ok, CertificateState::Valid)]
#[case::ends_soon(89 * DAY, DAY, Severity::Warn, CertificateState::Expiring)]
#[case::history(90 * DAY, -DAY, Severity::Info, CertificateState::Expired)]
fn what_a_request_brought_forth_never_alarms(
    #[case] behind: i64,
    #[case] left: i64,
    #[case] severity: Severity,
    #[case] state: CertificateState,
) {
    let issued = Some(x509("CN=web", "CN=ca", behind, left));
    let says = conditions(&[("Ready", "True", "Issued")]);
    let asked = CertificateRequest { meta: made(5), issued: issued.clone(), conditions: says, ..Default::default() };
    let judged = request(&live(), &asked, now());
    assert_eq!((judged.value.severity, &judged.value.state), (severity, &state), "{judged:?}");
    let asked = SigningRequest { meta: made(5), issued, ..SigningRequest::default() };
    let judged = signing_request(&live(), &asked, now());
    assert_eq!((judged.value.severity, &judged.value.state), (severity, &state), "{judged:?}");
}

#[test]
fn a_request_that_was_issued_and_cannot_be_read_is_unknown() {
    let says = conditions(&[("Ready", "True", "Issued")]);
    let judged = request(&live(), &CertificateRequest { meta: made(5), conditions: says, ..Default::default() }, now());
    assert_eq!(judged.value.severity, Severity::Unknown);
}

#[test]
fn only_trouble_of_the_latest_request_stands_beside_its_certificate() {
    let mut world = live();
    let asked = |name: &str, age: i64, says: &[(&str, &str, &str)]| CertificateRequest {
        meta: Meta { created: Some(ago(age)), ..meta(name) },
        certificate: Some("web".into()),
        conditions: conditions(says),
        ..CertificateRequest::default()
    };
    let older = asked("web-1", 60, &[("Ready", "False", "Failed")]);
    let latest = asked("web-2", 5, &[("Ready", "False", "Pending")]);
    let all = [older.clone(), latest.clone()].map(Object::CertificateRequest);
    put(&mut world, all);
    assert!(stands_alone(&world, &older), "its Certificate is not seen");
    put(&mut world, [dependent()]);
    assert!(!stands_alone(&world, &older), "another came after it");
    assert!(stands_alone(&world, &latest));
    let done = asked("web-2", 5, &[("Ready", "True", "Issued")]);
    assert!(!stands_alone(&world, &done), "its Certificate says so");
}

#[rstest]
#[case::new(&[], 1, Severity::Info, CertificateState::Unapproved)]
#[case::waits(&[], 30, Severity::Warn, CertificateState::Unapproved)]
#[case::not_signed(&[("Approved", "True", "Admin")], 30, Severity::Warn, CertificateState::Pending)]
#[case::failed(&[("Approved", "True", "Admin"), ("Failed", "True", "Signer")], 1, Severity::Warn, CertificateState::Failed)]
#[case::denied_on_purpose(&[("Denied", "True", "Admin")], 1, Severity::Info, CertificateState::Denied)]
fn a_signing_request_stands_by_its_conditions(
    #[case] says: &[(&str, &str, &str)],
    #[case] age: i64,
    #[case] severity: Severity,
    #[case] state: CertificateState,
) {
    let meta = Meta { created: Some(ago(age)), ..cluster_meta("node-a") };
    let asked = SigningRequest { meta, conditions: conditions(says), ..SigningRequest::default() };
    let judged = signing_request(&live(), &asked, now());
    assert_eq!((judged.value.severity, &judged.value.state), (severity, &state), "{judged:?}");
}
