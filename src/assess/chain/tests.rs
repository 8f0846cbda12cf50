//! Chains that are wrong, each in one way.

use jiff::{SignedDuration, Timestamp};
use rstest::rstest;

use super::*;
use crate::model::{KeyPurpose, NameConstraints, OtherName, Subtree};

fn member(subject: &str, issuer: &str) -> CertificateFacts {
    let not_before = Timestamp::UNIX_EPOCH;
    CertificateFacts {
        fingerprint: subject.into(),
        serial: "01".into(),
        subject: subject.into(),
        issuer: issuer.into(),
        names: Box::default(),
        not_before,
        not_after: not_before + SignedDuration::from_hours(90 * 24),
        ca: false,
        self_signed: subject == issuer,
        key: "ECDSA P-256".into(),
        spki: subject.into(),
        signature: "ECDSA SHA-256".into(),
        path_len: None,
        key_id: None,
        issuer_key_id: None,
        usage: KeyPurpose::default(),
        next: NextLink::Last,
        oddities: Box::default(),
        other_names: Box::default(),
        constraints: None,
    }
}

fn leaf() -> CertificateFacts {
    CertificateFacts { names: ["db.shop.svc".into()].into(), next: NextLink::Issuer, ..member("CN=db", "CN=mid") }
}

fn mid() -> CertificateFacts {
    CertificateFacts { ca: true, ..member("CN=mid", "CN=root") }
}

fn root_ca() -> CertificateFacts {
    CertificateFacts { ca: true, ..member("CN=root", "CN=root") }
}

fn with(change: impl FnOnce(&mut CertificateFacts)) -> CertificateFacts {
    let mut leaf = leaf();
    change(&mut leaf);
    leaf
}

fn signer(change: impl FnOnce(&mut CertificateFacts)) -> CertificateFacts {
    let mut mid = mid();
    change(&mut mid);
    mid
}

#[rstest]
#[case::a_leaf(vec![CertificateFacts { next: NextLink::Last, ..leaf() }])]
#[case::a_leaf_and_its_issuer(vec![leaf(), mid()])]
#[case::a_root_kept_for_signing(vec![root_ca()])]
#[case::an_intermediate_kept_for_signing(vec![CertificateFacts { next: NextLink::Issuer, ..mid() }, CertificateFacts { self_signed: false, ..root_ca() }])]
#[case::a_server_and_client(vec![with(|leaf| leaf.usage = KeyPurpose { signs: Some(false), server: Some(true), client: Some(true) }), mid()])]
#[case::a_link_that_cannot_be_proved(vec![with(|leaf| leaf.next = NextLink::Unproved), mid()])]
#[case::an_old_signature_on_a_root(vec![CertificateFacts { signature: "RSA SHA-1".into(), ..root_ca() }])]
#[case::as_many_as_a_path_allows(vec![leaf(), signer(|mid| mid.path_len = Some(0))])]
fn a_sound_chain_has_no_flaw(#[case] chain: Vec<CertificateFacts>) {
    assert_eq!(flaws(&chain, &[], Purpose::Server), []);
}

#[rstest]
#[case::leaf_last(vec![signer(|mid| mid.next = NextLink::Stranger), leaf()], Severity::Critical, "a CA comes first, and CN=db after it")]
#[case::stranger(vec![with(|leaf| leaf.next = NextLink::Stranger), signer(|mid| mid.subject = "CN=x".into())], Severity::Warn, "CN=db is followed by CN=x, which did not issue it")]
#[case::twice(vec![with(|leaf| leaf.next = NextLink::Stranger), leaf(), mid()], Severity::Info, "1 certificate is stored more than once")]
#[case::root_sent(vec![leaf(), signer(|mid| mid.next = NextLink::Issuer), root_ca()], Severity::Info, "the root CN=root is part of the chain")]
#[case::no_ca(vec![leaf(), signer(|mid| mid.ca = false)], Severity::Critical, "CN=mid issues and is no CA")]
#[case::may_not_sign(vec![leaf(), signer(|mid| mid.usage.signs = Some(false))], Severity::Critical, "does not allow to sign")]
#[case::path_too_long(
    vec![leaf(), signer(|mid| mid.next = NextLink::Issuer), CertificateFacts { path_len: Some(0), self_signed: false, ..root_ca() }],
    Severity::Critical,
    "allows fewer CAs below it"
)]
#[case::ca_that_serves(vec![with(|leaf| leaf.ca = true), mid()], Severity::Warn, "marked as a CA")]
#[case::client(vec![with(|leaf| leaf.usage = KeyPurpose { server: Some(false), client: Some(true), signs: None })], Severity::Info, "for clients only")]
#[case::of_no_use(vec![with(|leaf| leaf.usage = KeyPurpose { server: Some(false), client: Some(false), signs: None })], Severity::Warn, "neither servers nor clients")]
#[case::nameless(vec![with(|leaf| leaf.names = Box::default())], Severity::Critical, "no subject alternative name")]
#[case::short_key(vec![with(|leaf| leaf.key = "RSA 1024".into())], Severity::Critical, "only 1024 bits")]
#[case::short_key_of_an_issuer(vec![leaf(), signer(|mid| mid.key = "RSA 2047".into())], Severity::Critical, "the key of CN=mid has only 2047 bits")]
#[case::old_signature(vec![with(|leaf| leaf.signature = "RSA SHA-1".into())], Severity::Critical, "signed with SHA-1")]
#[case::rare_key(vec![with(|leaf| leaf.key = "ECDSA P-521".into())], Severity::Info, "its key is ECDSA P-521")]
#[case::long_life(vec![with(|leaf| leaf.not_after = leaf.not_before + SignedDuration::from_hours(826 * 24))], Severity::Info, "826 days")]
#[case::serial(vec![with(|leaf| leaf.oddities = [Oddity::Serial].into())], Severity::Warn, "serial number of CN=db")]
#[case::old_version(vec![with(|leaf| leaf.oddities = [Oddity::Version].into())], Severity::Critical, "old version")]
#[case::address(vec![with(|leaf| leaf.oddities = [Oddity::AddressAsName("10.0.0.1".into())].into())], Severity::Warn, "10.0.0.1 is an IP address")]
#[case::bad_name(vec![with(|leaf| leaf.oddities = [Oddity::BadName("a b".into())].into())], Severity::Warn, "a b is no DNS name")]
#[case::bad_address(vec![with(|leaf| leaf.oddities = [Oddity::BadAddress].into())], Severity::Warn, "neither kind")]
#[case::critical(vec![with(|leaf| leaf.oddities = [Oddity::Critical("1.2.3".into())].into())], Severity::Warn, "critical extension 1.2.3")]
fn each_flaw_is_found_with_what_to_do(
    #[case] chain: Vec<CertificateFacts>,
    #[case] severity: Severity,
    #[case] said: &str,
) {
    let found = flaws(&chain, &[], Purpose::Server);
    let flaw = found.iter().find(|(_, reason)| reason.text.contains(said)).unwrap_or_else(|| panic!("{found:?}"));
    assert_eq!(flaw.0, severity);
    assert!(flaw.1.next.is_some(), "{flaw:?}");
}

/// A CA that vouches for names below `bank.svc` only.
fn of_bank(ca: CertificateFacts) -> CertificateFacts {
    let permitted = [Subtree::Dns("bank.svc".into())].into();
    CertificateFacts { constraints: Some(Box::new(NameConstraints { permitted, ..NameConstraints::default() })), ..ca }
}

#[rstest]
#[case::in_the_chain(vec![leaf(), of_bank(mid())], vec![], Some("CN=mid"))]
#[case::beside_it(vec![CertificateFacts { next: NextLink::Last, ..leaf() }], vec![of_bank(mid())], Some("CN=mid"))]
#[case::a_root_beside_it(vec![leaf(), mid()], vec![of_bank(root_ca())], Some("CN=root"))]
#[case::a_chain_beside_it(vec![CertificateFacts { next: NextLink::Last, ..leaf() }], vec![of_bank(root_ca()), mid()], Some("CN=root"))]
#[case::in_the_wrong_order(vec![with(|leaf| leaf.next = NextLink::Stranger), root_ca(), of_bank(mid())], vec![], Some("CN=mid"))]
#[case::of_a_ca_that_is_not_above(vec![leaf(), mid()], vec![of_bank(CertificateFacts { ca: true, ..member("CN=other", "CN=other") })], None)]
#[case::another_of_its_name_has_none(vec![leaf(), mid()], vec![of_bank(root_ca()), CertificateFacts { fingerprint: "new".into(), ..root_ca() }], None)]
#[case::they_are_no_cas(vec![leaf(), of_bank(CertificateFacts { ca: false, ..mid() })], vec![], None)]
fn a_name_that_a_ca_above_may_not_vouch_for_is_said_with_the_ca(
    #[case] chain: Vec<CertificateFacts>,
    #[case] beside: Vec<CertificateFacts>,
    #[case] ca: Option<&str>,
) {
    for purpose in [Purpose::Server, Purpose::Client, Purpose::Any] {
        let found = flaws(&chain, &beside, purpose);
        let flaw = found.iter().find(|(_, reason)| reason.text.contains("may not vouch for db.shop.svc"));
        let said = flaw.map(|(severity, reason)| {
            assert_eq!((*severity, reason.next.is_some()), (Severity::Critical, true));
            assert!(reason.text.contains("permit only DNS bank.svc: clients refuse the chain"), "{reason:?}");
            reason.text.split_whitespace().nth(1).unwrap()
        });
        assert_eq!(said, ca, "{found:?}");
    }
}

#[test]
fn a_name_that_cannot_be_compared_is_unknown_and_not_fine() {
    let form = || Box::<str>::from("otherName");
    let permitted = [Subtree::Other(form())].into();
    let constraints = Some(Box::new(NameConstraints { permitted, ..NameConstraints::default() }));
    let chain =
        [with(|leaf| leaf.other_names = [OtherName::Form(form())].into()), signer(|mid| mid.constraints = constraints)];
    let found = flaws(&chain, &[], Purpose::Server);
    assert_eq!(found.iter().map(|(severity, _)| *severity).collect::<Vec<_>>(), [Severity::Unknown]);
}

#[test]
fn the_worst_comes_first() {
    let chain = [with(|leaf| leaf.key = "RSA 1024".into()), signer(|mid| mid.key = "Ed25519".into())];
    let found = flaws(&chain, &[], Purpose::Server);
    assert_eq!(found.iter().map(|(severity, _)| *severity).collect::<Vec<_>>(), [Severity::Critical, Severity::Info]);
}
