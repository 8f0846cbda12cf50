//! Certificates near their end, and those nobody renews.

use jiff::SignedDuration;
use rstest::rstest;

use super::*;
use crate::assess::testing::{ago, annotated, live, meta, now, put, said, x509};
use crate::model::{
    CertManagerCertificate, CertificateFacts, CertificateRequest, Condition, Delta, KeyMatch, Kind, Object, Place, Pod,
    Scope, SecretUse, SecretVia, TlsSecret, World, annotation,
};

const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;

fn stored(chain: impl IntoIterator<Item = CertificateFacts>) -> TlsSecret {
    let leaf = Place { key: "tls.crt".into(), chain: Ok(chain.into_iter().collect()) };
    TlsSecret { meta: meta("web-tls"), leaf, ca: None, key: KeyMatch::Match, files: Box::default() }
}

fn leaf(behind: i64, left: i64) -> TlsSecret {
    stored([x509("CN=web", "CN=ca", behind, left)])
}

fn condition(kind: &str, status: &str) -> Condition {
    let (reason, message) = ("Because".into(), "it is so".into());
    Condition { kind: kind.into(), status: status.into(), reason, message, since: None }
}

/// A ready Certificate of web-tls with a 90 day life, renewed in this many minutes.
fn managed(renewal: i64) -> CertManagerCertificate {
    CertManagerCertificate {
        meta: meta("web"),
        secret: "web-tls".into(),
        not_before: Some(ago(60 * DAY)),
        not_after: Some(ago(-30 * DAY)),
        renewal: Some(ago(-renewal)),
        conditions: [condition("Ready", "True")].into(),
        ..CertManagerCertificate::default()
    }
}

fn judge(stored: &TlsSecret, certificates: impl IntoIterator<Item = CertManagerCertificate>) -> Judgement<Expiry> {
    let mut world = live();
    put(&mut world, certificates.into_iter().map(Object::Certificate));
    put(&mut world, [Object::TlsSecret(stored.clone())]);
    secret(&world, stored, now())
}

fn verdict(judged: &Judgement<Expiry>) -> (&'static str, Severity) {
    (judged.value.state.word(), judged.value.severity)
}

/// Warn at min(28 d, life/3), critical at min(14 d, life/6), at least an hour but never over half of the life.
#[rstest]
#[case::year_before_warning(337 * DAY - 1, 28 * DAY + 1, "Valid", Severity::Ok)]
#[case::year_at_warning(337 * DAY, 28 * DAY, "Expiring", Severity::Warn)]
#[case::year_before_alarm(351 * DAY - 1, 14 * DAY + 1, "Expiring", Severity::Warn)]
#[case::year_at_alarm(351 * DAY, 14 * DAY, "Expiring", Severity::Critical)]
#[case::month_before_warning(19 * DAY, 11 * DAY, "Valid", Severity::Ok)]
#[case::month_at_warning(20 * DAY, 10 * DAY, "Expiring", Severity::Warn)]
#[case::month_at_alarm(25 * DAY, 5 * DAY, "Expiring", Severity::Critical)]
#[case::three_hours_have_an_hour(2 * HOUR, HOUR, "Expiring", Severity::Critical)]
#[case::one_hour_has_half_of_it(29, 31, "Valid", Severity::Ok)]
#[case::one_hour_at_half(30, 30, "Expiring", Severity::Critical)]
#[case::ended(DAY, 0, "Expired", Severity::Critical)]
#[case::ended_long_ago(400 * DAY, -35 * DAY, "Expired", Severity::Critical)]
#[case::not_begun(-5, DAY, "NotYetValid", Severity::Critical)]
fn time_left(#[case] behind: i64, #[case] left: i64, #[case] word: &str, #[case] severity: Severity) {
    let judged = judge(&leaf(behind, left), []);
    assert_eq!(verdict(&judged), (word, severity), "{}", said(&judged));
    assert_eq!(judged.value.not_after, Some(ago(-left)));
}

/// Whoever asks again at `valid_until` must get another answer.
#[test]
fn the_verdict_has_moved_on_when_it_runs_out() {
    let mut world = live();
    let stored = leaf(-10, 90 * DAY);
    put(&mut world, [Object::TlsSecret(stored.clone()), Object::Certificate(managed(10 * DAY))]);
    let (mut moment, mut states) = (now(), Vec::new());
    loop {
        let judged = secret(&world, &stored, moment);
        states.push(judged.value.state.word());
        let Some(next) = judged.valid_until else { break };
        assert!(next > moment, "{states:?}");
        moment = next;
    }
    assert_eq!(states, ["NotYetValid", "Valid", "MissedRenewal", "MissedRenewal", "MissedRenewal", "Expired"]);
}

#[rstest]
#[case::mismatch(KeyMatch::Mismatch, 300 * DAY, "KeyMismatch", Severity::Critical)]
#[case::mismatch_before_expiry(KeyMatch::Mismatch, -DAY, "KeyMismatch", Severity::Critical)]
#[case::missing(KeyMatch::Missing, 300 * DAY, "KeyMismatch", Severity::Critical)]
#[case::unreadable(KeyMatch::Unreadable, 300 * DAY, "Unknown", Severity::Unknown)]
#[case::unreadable_but_expired(KeyMatch::Unreadable, -DAY, "Expired", Severity::Critical)]
fn keys_that_do_not_fit(#[case] key: KeyMatch, #[case] left: i64, #[case] word: &str, #[case] severity: Severity) {
    let secret = TlsSecret { key, ..leaf(DAY, left) };
    assert_eq!(verdict(&judge(&secret, [])), (word, severity));
}

#[test]
fn what_is_no_certificate_says_where() {
    let leaf = Place { key: "tls.crt".into(), chain: Err("certificate 2 is not valid base64".into()) };
    let judged = judge(&TlsSecret { leaf, ..leaf_secret() }, []);
    assert_eq!(verdict(&judged), ("Unreadable", Severity::Critical));
    assert_eq!(said(&judged), "tls.crt certificate 2 is not valid base64");
}

fn leaf_secret() -> TlsSecret {
    leaf(DAY, 300 * DAY)
}

#[test]
fn an_empty_secret_that_is_being_issued_is_no_alarm() {
    let leaf = Place { key: "tls.crt".into(), chain: Err("is empty".into()) };
    let mut issuing = managed(DAY);
    issuing.conditions = [condition("Issuing", "True")].into();
    let judged = judge(&TlsSecret { leaf, ..leaf_secret() }, [issuing]);
    assert_eq!(verdict(&judged), ("Issuing", Severity::Info));
}

#[test]
fn a_chain_ends_with_its_first_member() {
    let chain = [x509("CN=web", "CN=ca", DAY, 300 * DAY), x509("CN=ca", "CN=root", 300 * DAY, 10 * DAY)];
    let judged = judge(&stored(chain), []);
    assert_eq!(verdict(&judged), ("Expiring", Severity::Critical));
    assert_eq!(judged.value.not_after, Some(ago(-10 * DAY)));
    assert!(said(&judged).starts_with("its issuer CN=ca expires in 10d"), "{}", said(&judged));
}

#[test]
fn an_issuer_that_ends_first_is_a_warning_long_before() {
    let chain = [x509("CN=web", "CN=ca", DAY, 300 * DAY), x509("CN=ca", "CN=root", DAY, 200 * DAY)];
    assert_eq!(verdict(&judge(&stored(chain), [])), ("Valid", Severity::Warn));
}

#[rstest]
#[case::the_issuer("CN=ca", "Expired")]
#[case::a_stranger("CN=other", "Valid")]
fn ca_crt_counts_when_it_issued_the_chain(#[case] subject: &str, #[case] word: &str) {
    let ca = Place { key: "ca.crt".into(), chain: Ok([x509(subject, subject, 300 * DAY, -DAY)].into()) };
    let judged = judge(&TlsSecret { ca: Some(ca), ..leaf(DAY, 300 * DAY) }, []);
    assert_eq!(judged.value.state.word(), word);
}

#[rstest]
#[case::ahead(DAY, "Valid", Severity::Ok)]
#[case::within_grace(-10, "Valid", Severity::Ok)]
#[case::late(-11, "MissedRenewal", Severity::Critical)]
fn renewals_are_missed_after_ten_minutes(#[case] renewal: i64, #[case] word: &str, #[case] severity: Severity) {
    let judged = judge(&leaf(60 * DAY, 30 * DAY), [managed(renewal)]);
    assert_eq!(verdict(&judged), (word, severity), "{}", said(&judged));
    assert_eq!(judged.value.renewal, Some(ago(-renewal)));
    let alone = certificate(&live(), &managed(renewal), now());
    assert_eq!(verdict(&alone), (word, severity), "{}", said(&alone));
}

#[test]
fn a_late_renewal_that_runs_is_not_missed() {
    let mut late = managed(-HOUR);
    late.conditions = [condition("Ready", "True"), condition("Issuing", "True")].into();
    assert_eq!(verdict(&judge(&leaf(60 * DAY, 30 * DAY), [late.clone()])).0, "Valid");
    assert_eq!(verdict(&certificate(&live(), &late, now())), ("Issuing", Severity::Info));
}

#[test]
fn a_failed_attempt_is_a_missed_renewal() {
    let failed = CertManagerCertificate { last_failure: Some(ago(5)), ..managed(DAY) };
    let judged = judge(&leaf(60 * DAY, 30 * DAY), [failed.clone()]);
    assert_eq!(verdict(&judged), ("MissedRenewal", Severity::Critical));
    assert!(said(&judged).starts_with("cert-manager failed to issue Certificate web 5m ago"));
    assert_eq!(verdict(&certificate(&live(), &failed, now())), ("MissedRenewal", Severity::Critical));
}

/// cert-manager renews short certificates well inside our warning.
#[test]
fn a_warning_is_none_while_the_renewal_is_planned() {
    let secret = leaf(85 * DAY, 5 * DAY);
    assert_eq!(verdict(&judge(&secret, [])), ("Expiring", Severity::Critical));
    let judged = judge(&secret, [managed(DAY)]);
    assert_eq!(verdict(&judged), ("Valid", Severity::Info));
    assert!(said(&judged).starts_with("cert-manager will renew it at"));
    let late = managed(5 * DAY);
    assert_eq!(verdict(&judge(&secret, [late])).1, Severity::Critical, "planned only after the end");
    let mut unready = managed(DAY);
    unready.conditions = [condition("Ready", "False")].into();
    assert_eq!(verdict(&judge(&secret, [unready])), ("Expiring", Severity::Critical));
}

#[test]
fn two_certificates_of_one_secret_are_a_warning() {
    let mut rival = managed(DAY);
    rival.meta = meta("rival");
    let judged = judge(&leaf(60 * DAY, 30 * DAY), [managed(DAY), rival]);
    assert_eq!(verdict(&judged), ("Valid", Severity::Warn));
    assert!(said(&judged).contains("Certificates rival and web all write Secret web-tls"));
}

#[rstest]
#[case(SecretVia::Env, "Running", Severity::Info)]
#[case(SecretVia::SubPath, "Running", Severity::Info)]
#[case(SecretVia::Mount, "Running", Severity::Ok)]
#[case(SecretVia::Env, "Succeeded", Severity::Ok)]
fn users_that_never_see_a_new_one_are_named(#[case] via: SecretVia, #[case] phase: &str, #[case] severity: Severity) {
    let secrets = [SecretUse { secret: "web-tls".into(), via }].into();
    let mut world = live();
    put(&mut world, [Object::Pod(Pod { meta: meta("web-0"), phase: phase.into(), secrets, ..Pod::default() })]);
    let judged = secret(&world, &leaf(DAY, 300 * DAY), now());
    assert_eq!(verdict(&judged), ("Valid", severity));
    assert_eq!(said(&judged).contains("1 pod takes it by environment or subPath"), severity == Severity::Info);
}

#[test]
fn unseen_secrets_and_certificates_are_said() {
    let mut world = live();
    world.apply(Delta::Denied(Kind::Certificate, Scope::All, "list".into()), now());
    let judged = secret(&world, &leaf(DAY, 300 * DAY), now());
    assert_eq!(verdict(&judged), ("Valid", Severity::Info));
    assert!(said(&judged).contains("whether cert-manager renews it is not known"));
    assert_eq!(verdict(&certificate(&world, &managed(DAY), now())).0, "Unknown");
    world.apply(Delta::Failed(Kind::TlsSecret, Scope::All, "reset".into()), ago(6));
    assert_eq!(verdict(&secret(&world, &leaf(DAY, 300 * DAY), now())), ("Unknown", Severity::Unknown));
}

#[test]
fn no_cert_manager_is_nothing_to_say() {
    let mut world = live();
    world.apply(Delta::Absent(Kind::Certificate, Scope::All), now());
    assert_eq!(verdict(&secret(&world, &leaf(DAY, 300 * DAY), now())), ("Valid", Severity::Ok));
}

fn unissued(conditions: impl IntoIterator<Item = Condition>) -> CertManagerCertificate {
    let conditions = conditions.into_iter().collect();
    CertManagerCertificate { meta: meta("web"), secret: "web-tls".into(), conditions, ..Default::default() }
}

#[rstest]
#[case::silent(unissued([]), "Unknown", Severity::Unknown)]
#[case::issuing(unissued([condition("Issuing", "True"), condition("Ready", "False")]), "Issuing", Severity::Info)]
#[case::not_ready(unissued([condition("Ready", "False")]), "NotReady", Severity::Warn)]
#[case::failed(
    CertManagerCertificate { last_failure: Some(ago(5)), ..unissued([condition("Issuing", "True")]) },
    "NotReady",
    Severity::Critical
)]
fn never_issued(#[case] never: CertManagerCertificate, #[case] word: &str, #[case] severity: Severity) {
    assert_eq!(verdict(&certificate(&live(), &never, now())), (word, severity));
}

fn request(name: &str, revision: &str) -> CertificateRequest {
    let meta = annotated(meta(name), annotation::CERTIFICATE_REVISION, revision);
    CertificateRequest { meta, certificate: Some("web".into()), ..CertificateRequest::default() }
}

#[test]
fn the_latest_request_says_what_went_wrong() {
    let mut world: World = live();
    let denied = CertificateRequest { conditions: [condition("Denied", "True")].into(), ..request("web-10", "10") };
    let older = CertificateRequest { conditions: [condition("Ready", "False")].into(), ..request("web-9", "9") };
    put(&mut world, [Object::CertificateRequest(denied), Object::CertificateRequest(older)]);
    let judged = certificate(&world, &unissued([condition("Ready", "False")]), now());
    assert_eq!(judged.reasons[1].text, "CertificateRequest web-10: Because: it is so");
}

#[test]
fn a_request_that_a_restore_brought_back_is_a_warning() {
    let mut world: World = live();
    let mut request = request("web-3", "3");
    request.meta.labels = [(annotation::VELERO_RESTORE.into(), "dr".into())].into();
    put(&mut world, [Object::CertificateRequest(request)]);
    let judged = certificate(&world, &managed(DAY), now());
    assert_eq!(judged.value.severity, Severity::Warn);
    assert!(said(&judged).contains("web-3 was brought back by Velero restore dr"), "{judged:?}");
}

#[test]
fn the_issued_certificate_tells_the_time_when_the_status_does_not() {
    let mut world = live();
    let issued = Some(x509("CN=web", "CN=ca", 80 * DAY, 10 * DAY));
    put(&mut world, [Object::CertificateRequest(CertificateRequest { issued, ..request("web-1", "1") })]);
    let judged = certificate(&world, &unissued([condition("Ready", "True")]), now());
    assert_eq!(verdict(&judged), ("Expiring", Severity::Critical));
    assert_eq!(judged.value.not_after, Some(now() + SignedDuration::from_hours(240)));
}

#[test]
fn not_ready_with_time_left_is_a_warning() {
    let mut unready = managed(DAY);
    unready.conditions = [condition("Ready", "False")].into();
    let judged = certificate(&live(), &unready, now());
    assert_eq!(verdict(&judged), ("NotReady", Severity::Warn));
    assert_eq!(judged.reasons[0].text, "cert-manager says not ready: Because: it is so");
}

/// A keystore beside `tls.crt`: with this certificate in it, or that nothing opens.
fn keystore(held: Option<CertificateFacts>) -> crate::model::HeldFile {
    let closed = crate::model::Fault { word: "bad_passphrase", said: "keystore.p12 is closed".into(), tried: false };
    crate::model::HeldFile {
        key: "keystore.p12".into(),
        format: crate::model::Format::Pkcs12,
        fault: held.is_none().then_some(closed),
        own: held.map(|facts| [facts].into()).into_iter().collect(),
        trusted: [].into(),
        key_match: None,
        content: 1,
    }
}

#[test]
fn a_keystore_of_another_certificate_is_stale() {
    let own = leaf(DAY, 300 * DAY);
    let facts = own.facts().unwrap().clone();
    let with = |held| TlsSecret { files: [keystore(Some(held))].into(), ..own.clone() };
    assert_eq!(verdict(&judge(&with(facts.clone()), [])), ("Valid", Severity::Ok));
    let former = CertificateFacts { fingerprint: "former".into(), ..facts };
    let judged = judge(&with(former), []);
    assert_eq!(verdict(&judged), ("Flawed", Severity::Critical));
    assert!(said(&judged).starts_with("keystore.p12 holds another certificate than tls.crt"), "{}", said(&judged));
}

#[test]
fn a_keystore_that_nothing_opens_is_unknown_and_says_where_its_password_is() {
    let secret = TlsSecret { files: [keystore(None)].into(), ..leaf(60 * DAY, 30 * DAY) };
    let judged = judge(&secret, []);
    assert_eq!(verdict(&judged), ("Unknown", Severity::Unknown));
    assert!(said(&judged).contains("no password that is known here opens it"));
    let password = Some(("store-password".into(), "p12".into()));
    let spec = crate::model::KeystoreSpec { format: crate::model::Format::Pkcs12, password };
    let managed = CertManagerCertificate { keystores: [spec].into(), ..managed(DAY) };
    let judged = judge(&secret, [managed.clone()]);
    assert!(judged.reasons[0].text.ends_with("its password is in Secret store-password, key p12"));
    let mut tried = secret.clone();
    let fault = tried.files[0].fault.as_mut().unwrap();
    (fault.tried, fault.said) = (true, "its password in Secret store-password, key p12 does not open it".into());
    let judged = judge(&tried, [managed.clone()]);
    assert_eq!(verdict(&judged), ("Unknown", Severity::Unknown));
    assert!(
        judged.reasons[0].text.ends_with("not known: its password in Secret store-password, key p12 does not open it")
    );
    let mismatch = TlsSecret { key: KeyMatch::Mismatch, ..secret };
    assert_eq!(verdict(&judge(&mismatch, [managed])), ("KeyMismatch", Severity::Critical), "what is known is worse");
}

#[test]
fn a_renewal_that_is_turned_off_is_neither_planned_nor_missed() {
    let off = |renewal| CertManagerCertificate { unrenewed: true, ..managed(renewal) };
    let judged = judge(&leaf(60 * DAY, 30 * DAY), [off(-DAY)]);
    assert_eq!(verdict(&judged), ("Valid", Severity::Info), "{}", said(&judged));
    assert!(said(&judged).contains("renewal.policy Disabled"));
    assert_eq!(verdict(&judge(&leaf(85 * DAY, 5 * DAY), [off(DAY)])), ("Expiring", Severity::Critical));
    assert_eq!(verdict(&certificate(&live(), &off(-DAY), now())).1, Severity::Info);
}

/// It may end in peace, and its key is told of.
#[test]
fn what_an_operation_put_aside_alarms_nobody() {
    let mut world = live();
    let meta = annotated(meta("web-tls-kept-1"), annotation::COPY_OF, "web-tls");
    let chain = Ok([x509("web", "ca", 100, -10)].into());
    let leaf = Place { key: "tls.crt".into(), chain };
    let kept = TlsSecret { meta, leaf, ca: None, key: KeyMatch::Match, files: Box::default() };
    put(&mut world, [Object::TlsSecret(kept.clone())]);
    let judged = secret(&world, &kept, now());
    assert_eq!((judged.value.state.word(), judged.value.severity), ("Set aside", Severity::Info));
    assert!(said(&judged).contains("it holds a private key"), "{}", said(&judged));
}
