//! What a rotation refuses, what it says, and what its table is made of.

use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::assess::testing::{live, meta, now, put, x509};
use crate::model::{CertificateFacts, KeyMatch, KeyPurpose, Meta, Object, Place};
use crate::plan::{Act, Content, Node, SignedBy};

fn named(name: &str) -> Meta {
    Meta { uid: Some(Uid::from(&*format!("uid-{name}"))), ..meta(name) }
}

fn secret(name: &str, facts: CertificateFacts) -> TlsSecret {
    let leaf = Place { key: "tls.crt".into(), chain: Ok([facts].into()) };
    TlsSecret { meta: named(name), leaf, ca: None, key: KeyMatch::Match, files: Box::default() }
}

fn ca(name: &str, left: i64) -> CertificateFacts {
    let usage = KeyPurpose { signs: Some(true), ..KeyPurpose::default() };
    CertificateFacts { ca: true, self_signed: true, usage, ..x509(name, name, 100, left) }
}

fn web() -> CertificateFacts {
    x509("web", "ca", 100, 100)
}

fn world(secrets: impl IntoIterator<Item = TlsSecret>) -> World {
    let mut world = live();
    put(&mut world, secrets.into_iter().map(Object::TlsSecret));
    world
}

/// A Secret as the API server has it.
fn fresh(secret: &TlsSecret) -> Value {
    let facts = secret.leaf.chain.as_ref().unwrap().first().unwrap();
    json!({
        "metadata": { "name": &*secret.meta.name, "namespace": "shop", "uid": secret.meta.uid().as_str() },
        "type": "kubernetes.io/tls",
        "data": { "tls.crt": { "fingerprint": &*facts.fingerprint, "keyMatches": true }, "tls.key": "(not shown)" },
    })
}

/// Asks, and answers from the world, with one Secret otherwise.
fn planned(world: &World, options: &Options, otherwise: impl Fn(&mut Value)) -> Result<Plan, Refusal> {
    let uid = Uid::from("uid-web-tls");
    let mut answers = Answers { who: "sre".into(), ..Answers::default() };
    let questions = questions(world, &uid, options);
    for at in questions.objects {
        let found = world.inventory.tls_secrets.named(Some(&"shop".into()), &at.name.as_str().into());
        let found = found.filter(|_| at.resource.kind == "Secret").map(fresh).map(|mut object| {
            if at.name == "web-tls" {
                otherwise(&mut object);
            }
            object
        });
        answers.objects.insert(at, Ok(found));
    }
    answers.access.extend(questions.access.into_iter().map(|question| (question, Ok(true))));
    plan(world, &uid, &answers, options, OperationId::new(now(), [0, 0, 0, 7]), now())
}

fn refused(world: &World, options: &Options, otherwise: impl Fn(&mut Value)) -> String {
    let refusal = planned(world, options, otherwise).expect_err("it is refused");
    assert!(!refusal.clear.is_empty());
    refusal.why
}

fn same(_: &mut Value) {}

fn signed_by(plan: &Plan) -> SignedBy {
    let stage = plan.steps().into_iter().find(|step| step.id.0 == "stage").unwrap();
    match &stage.act {
        Act::Stage { content: Content::Like(like), .. } => like.signer.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_ca_that_signed_it_is_found_by_its_name_and_key_and_the_one_that_holds_longest_signs() {
    let world = world([
        secret("web-tls", web()),
        secret("old-ca", ca("ca", 10)),
        secret("new-ca", CertificateFacts { fingerprint: "renewed".into(), ..ca("ca", 1000) }),
        secret("other-ca", ca("other", 5000)),
        TlsSecret {
            key: KeyMatch::Missing,
            ..secret("trusted-only", CertificateFacts { fingerprint: "x".into(), ..ca("ca", 9000) })
        },
    ]);
    let plan = planned(&world, &Options::default(), same).unwrap();
    let SignedBy::Authority(signer) = signed_by(&plan) else { panic!("it signs itself") };
    assert_eq!((signer.at.name.as_str(), signer.fingerprint.as_str()), ("new-ca", "renewed"));
}

#[rstest]
#[case::no_ca(vec![], "its issuer, ca, is not a CA whose key is in a TLS Secret that is seen here")]
#[case::expired(vec![secret("ca", ca("ca", -1))], "not now")]
#[case::signs_nothing(
    vec![secret("ca", CertificateFacts { usage: KeyPurpose { signs: Some(false), ..KeyPurpose::default() }, ..ca("ca", 9) })],
    "its key is not for signing certificates"
)]
fn without_a_ca_that_can_sign_nothing_is_planned(#[case] cas: Vec<TlsSecret>, #[case] why: &str) {
    let world = world(cas.into_iter().chain([secret("web-tls", web())]));
    let said = refused(&world, &Options::default(), same);
    assert!(said.contains(why), "{said}");
}

#[rstest]
#[case::immutable("/immutable", json!(true), "it is immutable")]
#[case::another_one("/metadata/uid", json!("other"), "it was made anew meanwhile")]
#[case::going("/metadata/deletionTimestamp", json!("2026-01-01T00:00:00Z"), "it is being deleted")]
#[case::changed("/data/tls.crt/fingerprint", json!("another"), "it was given another certificate just now")]
#[case::keystore("/data/keystore.jks", json!("(not shown)"), "it holds the certificate in other forms too (keystore.jks)")]
fn what_it_is_by_now_counts(#[case] field: &str, #[case] value: Value, #[case] why: &str) {
    let world = world([secret("web-tls", web()), secret("ca", ca("ca", 1000))]);
    let (parent, key) = field.rsplit_once('/').unwrap();
    let otherwise = |object: &mut Value| object.pointer_mut(parent).unwrap()[key] = value.clone();
    let said = refused(&world, &Options::default(), otherwise);
    assert!(said.contains(why), "{said}");
}

#[test]
fn a_certificate_that_others_stand_on_is_not_rotated_alone() {
    let root = secret("web-tls", ca("web", 100));
    let below = secret("below", x509("below", "web", 10, 10));
    let said = refused(&world([root.clone(), below]), &Options::default(), same);
    assert!(said.contains("it is a CA"), "{said}");
    assert!(planned(&world([root]), &Options::default(), same).is_ok(), "one that is only called a CA");
}

#[test]
fn a_key_that_cannot_be_made_is_refused_until_another_kind_is_chosen() {
    let odd = CertificateFacts { key: "ECDSA P-521".into(), ..web() };
    let world = world([secret("web-tls", odd), secret("ca", ca("ca", 1000))]);
    assert!(refused(&world, &Options::default(), same).contains("ECDSA P-521, of a kind that cannot be made here"));
    let chosen = Options { key: Some(KeyKind::EcdsaP384), ..Options::default() };
    assert!(planned(&world, &chosen, same).is_ok());
}

/// What was staged goes whatever happens, and where the key is known to others nothing is kept or goes back.
#[test]
fn a_key_that_is_known_to_others_is_kept_nowhere() {
    let world = world([secret("web-tls", web()), secret("ca", ca("ca", 1000)), secret("copy", web())]);
    let ids = |plan: &Plan| plan.steps().iter().map(|step| step.id.0.clone()).collect::<Vec<_>>();
    let plan = planned(&world, &Options::default(), same).unwrap();
    assert_eq!(ids(&plan), ["former", "stage", "keep", "store", "stored", "unstage"]);
    assert_eq!(plan.undo_steps().iter().map(|step| &*step.id.0).collect::<Vec<_>>(), ["store-back", "unkeep"]);
    assert!(
        plan.warnings.iter().any(|said| said == "Secret shop/copy goes on with the present key"),
        "{:?}",
        plan.warnings
    );

    let plan = planned(&world, &Options { compromised: true, ..Options::default() }, same).unwrap();
    assert_eq!(ids(&plan), ["former", "stage", "store", "stored", "unstage"]);
    assert!(plan.undo_steps().is_empty());
    assert!(matches!(&plan.nodes[1], Node::Bracket { close, .. } if close.id.0 == "unstage"));
    let said = format!("the old certificate stays valid until {} unless its clients check revocation", web().not_after);
    assert!(plan.warnings.contains(&said), "{:?}", plan.warnings);
}

#[test]
fn what_is_chosen_comes_back_as_a_command() {
    let options = Options {
        signer: Signer::Secret("pki".into(), "root".into()),
        key: Some(KeyKind::Rsa3072),
        life: Some(Duration::from_secs(90 * 24 * 3600)),
        restart: Restart::All,
        compromised: true,
        managed: true,
        reason: Some("leaked".into()),
        rolled_within: Duration::from_secs(60),
        served_within: Duration::from_secs(90),
    };
    let line = "holdfast rotate shop/web-tls --signer pki/root --key rsa-3072 --valid-for 2160h --restart all --compromised \
                --managed-elsewhere --reason leaked --rolled-within 1m --served-within 1m30s --context test";
    assert_eq!(command(&options, "shop/web-tls", "test"), line);
    assert_eq!(command(&Options::default(), "shop/web-tls", ""), "holdfast rotate shop/web-tls");
}

#[rstest]
#[case("as-before", Ok(Signer::Former))]
#[case("itself", Ok(Signer::Itself))]
#[case("pki/root-ca", Ok(Signer::Secret("pki".into(), "root-ca".into())))]
#[case("root-ca", Err(()))]
#[case("pki/../x", Err(()))]
#[case("/", Err(()))]
fn a_signer_is_read_with_care(#[case] word: &str, #[case] signer: Result<Signer, ()>) {
    assert_eq!(Signer::parse(word).map_err(drop), signer);
}
