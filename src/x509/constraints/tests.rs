//! Names within and outside, with rustls-webpki and openssl as second opinions.

use std::process::Command;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    NameConstraints as Asked, SanType,
};
use rstest::rstest;
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::*;
use crate::x509::chain;

const CA: &str = include_str!("../fixtures/constrained.ca.pem");
const INSIDE: &str = include_str!("../fixtures/constrained.inside.pem");
const OUTSIDE: &str = include_str!("../fixtures/constrained.outside.pem");

fn one(pem: &str) -> CertificateFacts {
    chain(pem.as_bytes()).unwrap().remove(0)
}

fn said(path: &[&CertificateFacts]) -> Vec<String> {
    outside(path).iter().map(Outside::said).collect()
}

/// `DNS x` or `IP 10.0.0.0/8`.
fn tree(text: &&str) -> GeneralSubtree {
    match text.split_once(' ').unwrap() {
        ("IP", network) => {
            let (address, length) = network.split_once('/').unwrap();
            GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(address.parse().unwrap(), length.parse().unwrap()))
        }
        (_, base) => GeneralSubtree::DnsName(base.to_owned()),
    }
}

/// A CA with these constraints, and what it issued for a name, DER.
fn issued(permitted: &[&str], excluded: &[&str], name: &str) -> [Vec<u8>; 2] {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "ca");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let trees = |texts: &[&str]| texts.iter().map(tree).collect();
    params.name_constraints = Some(Asked { permitted_subtrees: trees(permitted), excluded_subtrees: trees(excluded) });
    let key = KeyPair::generate().unwrap();
    let ca = params.self_signed(&key).unwrap().der().to_vec();
    let issuer = Issuer::new(params, key);
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.subject_alt_names = vec![match name.parse() {
        Ok(address) => SanType::IpAddress(address),
        Err(_) => SanType::DnsName(name.try_into().unwrap()),
    }];
    let leaf = params.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap().der().to_vec();
    [leaf, ca]
}

fn webpki_takes([leaf, ca]: &[Vec<u8>; 2]) -> bool {
    let (leaf, ca) = (CertificateDer::from(leaf.as_slice()), CertificateDer::from(ca.as_slice()));
    let anchor = anchor_from_trusted_cert(&ca).unwrap();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(1_800_000_000));
    let leaf = EndEntityCert::try_from(&leaf).unwrap();
    let usage = KeyUsage::server_auth();
    leaf.verify_for_usage(webpki::ALL_VERIFICATION_ALGS, &[anchor], &[], now, usage, None, None).is_ok()
}

#[rstest]
#[case::itself(&["DNS shop.svc"], &[], "shop.svc", true)]
#[case::below(&["DNS shop.svc"], &[], "a.db.shop.svc", true)]
#[case::in_other_letters(&["DNS Shop.SVC"], &[], "db.shop.svc", true)]
#[case::ends_alike(&["DNS shop.svc"], &[], "workshop.svc", false)]
#[case::above(&["DNS shop.svc"], &[], "svc", false)]
#[case::only_below(&["DNS .shop.svc"], &[], "db.shop.svc", true)]
#[case::not_itself(&["DNS .shop.svc"], &[], "shop.svc", false)]
#[case::one_of_two(&["DNS bank.svc", "DNS shop.svc"], &[], "db.shop.svc", true)]
#[case::excluded_beats_permitted(&["DNS shop.svc"], &["DNS bank.shop.svc"], "db.bank.shop.svc", false)]
#[case::beside_what_is_excluded(&[], &["DNS bank.svc"], "db.shop.svc", true)]
#[case::wildcard_below(&["DNS shop.svc"], &[], "*.shop.svc", true)]
#[case::wildcard_only_below(&["DNS .shop.svc"], &[], "*.shop.svc", true)]
#[case::wildcard_above(&["DNS db.shop.svc"], &[], "*.shop.svc", false)]
#[case::wildcard_of_something_else(&["DNS shop.svc"], &[], "*.bank.svc", false)]
#[case::wildcard_below_what_is_excluded(&[], &["DNS shop.svc"], "*.db.shop.svc", false)]
#[case::wildcard_beside_what_is_excluded(&[], &["DNS bank.svc"], "*.shop.svc", true)]
#[case::within_a_network(&["IP 10.0.0.0/8"], &[], "10.200.3.4", true)]
#[case::beyond_a_network(&["IP 10.0.0.0/8"], &[], "11.0.0.1", false)]
#[case::at_the_edge_of_odd_bits(&["IP 10.0.0.0/9"], &[], "10.127.255.255", true)]
#[case::past_the_edge_of_odd_bits(&["IP 10.0.0.0/9"], &[], "10.128.0.0", false)]
#[case::excluded_from_a_network(&["IP 10.0.0.0/8"], &["IP 10.9.0.0/16"], "10.9.1.1", false)]
#[case::of_the_other_kind(&["IP 10.0.0.0/8"], &[], "fd00::1", false)]
#[case::of_version_six(&["IP fd00::/7"], &[], "fdff::1", true)]
#[case::beyond_version_six(&["IP fd00::/8"], &[], "fe80::1", false)]
#[case::nothing_is_said_of_addresses(&["DNS shop.svc"], &[], "10.0.0.1", true)]
#[case::nothing_is_said_of_names(&["IP 10.0.0.0/8"], &[], "db.shop.svc", true)]
fn names_and_addresses_are_within_where_webpki_has_them_within(
    #[case] permitted: &[&str],
    #[case] excluded: &[&str],
    #[case] name: &str,
    #[case] within: bool,
) {
    let ders = issued(permitted, excluded, name);
    let facts = ders.each_ref().map(|der| super::super::facts::facts(der).unwrap());
    let [leaf, ca] = &facts;
    let found = outside(&[leaf, ca]);
    assert_eq!((found.is_empty(), webpki_takes(&ders)), (within, within), "{found:?}");
    for one in found {
        assert_eq!((one.names, &one.ca.subject), (vec![name], &ca.subject));
    }
}

/// It stands for a name that is excluded. Go refuses it (CVE-2025-61727); here that is told either way.
#[rstest]
#[case("DNS bank.shop.svc", true)]
#[case("DNS db.bank.shop.svc", false)]
fn a_wildcard_is_outside_where_one_of_its_names_is_excluded(#[case] excluded: &str, #[case] kept_out: bool) {
    let facts = issued(&[], &[excluded], "*.shop.svc").map(|der| super::super::facts::facts(&der).unwrap());
    assert_eq!(!outside(&[&facts[0], &facts[1]]).is_empty(), kept_out);
}

/// Names of every form, made by openssl.
#[test]
fn each_form_of_name_is_compared_and_each_that_is_outside_is_named_with_why() {
    let [ca, inside, beyond] = [CA, INSIDE, OUTSIDE].map(one);
    assert_eq!(said(&[&inside, &ca]), Vec::<String>::new());
    let ca_says = |names: &str, rule: &str| {
        format!("CA O=Shop, CN=constrained CA may not vouch for {names}: its name constraints {rule}")
    };
    assert_eq!(
        said(&[&beyond, &ca]),
        [
            ca_says("db.bank.svc", "permit only DNS shop.svc"),
            ca_says("old.bank.shop.svc", "exclude DNS bank.shop.svc"),
            ca_says("10.9.2.3", "exclude IP 10.9.0.0/16"),
            ca_says("192.168.0.1", "permit only IP 10.0.0.0/8, IP fd00::/8"),
            ca_says("spiffe://bank/db", "permit only URI host shop.svc, URI host .shop.svc"),
            ca_says("root@shop.example", "exclude e-mail root@shop.example"),
            ca_says("db@bank.example", "permit only e-mail shop.example, e-mail .shop.example"),
            ca_says("O=Shop Two, CN=outer, O=Bank, CN=db", "permit only directory O=Shop"),
        ]
    );
}

#[test]
fn what_a_ca_may_vouch_for_is_said() {
    let said = one(CA).constraints.unwrap().to_string();
    assert!(
        said.starts_with("of these forms only DNS shop.svc, IP 10.0.0.0/8, IP fd00::/8, URI host shop.svc"),
        "{said}"
    );
    assert!(
        said.ends_with("directory O=Shop; not DNS bank.shop.svc, IP 10.9.0.0/16, e-mail root@shop.example"),
        "{said}"
    );
}

#[rstest]
#[case(INSIDE, true)]
#[case(OUTSIDE, false)]
fn openssl_agrees(#[case] leaf: &str, #[case] takes: bool) {
    let folder = tempfile::TempDir::new().unwrap();
    for (name, pem) in [("ca.pem", CA), ("leaf.pem", leaf)] {
        std::fs::write(folder.path().join(name), pem).unwrap();
    }
    let verify = ["verify", "-CAfile", "ca.pem", "leaf.pem"];
    let output = Command::new("openssl").current_dir(folder.path()).args(verify).output().unwrap();
    assert_eq!(output.status.success(), takes, "{output:?}");
    let [ca, leaf] = [CA, leaf].map(one);
    assert_eq!(outside(&[&leaf, &ca]).is_empty(), takes);
}

fn directory(subject: &str) -> CertificateFacts {
    CertificateFacts { subject: subject.into(), names: Box::default(), other_names: Box::default(), ..one(INSIDE) }
}

#[rstest]
#[case::itself("O=Shop", true)]
#[case::longer("O=Shop, OU=db, CN=x", true)]
#[case::in_other_letters("O=SHOP, CN=x", true)]
#[case::by_number("O=Shop, 2.5.4.97=x", true)]
#[case::of_another_with_a_comma("O=Shop, Inc., CN=x", false)]
#[case::of_another("O=Shopping, CN=x", false)]
#[case::elsewhere("CN=x, O=Shop", false)]
fn subjects_are_compared_by_relative_names(#[case] subject: &str, #[case] within: bool) {
    assert_eq!(outside(&[&directory(subject), &one(CA)]).is_empty(), within);
}

#[rstest]
#[case::with_a_port("https://db.shop.svc:8443/a?b@c", true)]
#[case::with_a_user("https://u:p@db.shop.svc/", true)]
#[case::elsewhere("https://db.shop.svc@bank.svc/", false)]
#[case::deeper("spiffe://a.b.shop.svc", true)]
#[case::by_address("https://10.0.0.1/", false)]
#[case::without_a_host("urn:shop.svc:x", false)]
fn a_uri_is_compared_by_its_host_and_without_one_nothing_is_known(#[case] uri: &str, #[case] within: bool) {
    let leaf = CertificateFacts { names: [uri.into()].into(), ..directory("O=Shop") };
    assert_eq!(outside(&[&leaf, &one(CA)]).is_empty(), within);
}

#[test]
fn what_cannot_be_compared_is_not_known_rather_than_fine() {
    let form = "registeredID";
    let other = |form: &str| OtherName::Form(form.into());
    let leaf = CertificateFacts { other_names: [other(form)].into(), ..directory("O=Shop") };
    let constraints = NameConstraints { permitted: [Subtree::Other(form.into())].into(), ..NameConstraints::default() };
    let ca = CertificateFacts { constraints: Some(Box::new(constraints)), ..one(CA) };
    let found = outside(&[&leaf, &ca]);
    assert!(matches!(found[..], [Outside { rule: Rule::Unknown(_), .. }]), "{found:?}");
    assert!(outside(&[&directory("O=Shop"), &ca]).is_empty(), "it has no name of this form");
}

/// RFC 5280 6.1.4 (b): a CA's new key under its own name is passed by. What is below it is not.
#[test]
fn a_self_issued_ca_between_is_passed_by_and_every_ca_above_counts() {
    let name = "CN=old name";
    let between = CertificateFacts { issuer: name.into(), ca: true, ..directory(name) };
    let (inside, beyond, ca) = (directory("O=Shop, CN=x"), directory("O=Bank"), one(CA));
    assert!(outside(&[&inside, &between, &ca]).is_empty());
    assert_eq!(outside(&[&beyond, &between, &ca]).len(), 1);
    assert_eq!(outside(&[&between, &ca]).len(), 1, "it is what is shown");
    let leafless = CertificateFacts { ca: false, ..one(CA) };
    assert!(outside(&[&beyond, &leafless]).is_empty(), "only CAs have constraints");
}

#[test]
fn what_cannot_be_read_is_noted() {
    let mut params = CertificateParams::default();
    params.custom_extensions = vec![rcgen::CustomExtension::from_oid_content(&[2, 5, 29, 30], vec![0x04, 0x00])];
    let pem = params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem();
    let facts = one(&pem);
    assert_eq!(facts.constraints, None);
    assert_eq!(*facts.oddities, [crate::model::Oddity::Critical("2.5.29.30".into())]);
}
