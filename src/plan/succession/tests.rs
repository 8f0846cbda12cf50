//! What each phase does and refuses.

use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::assess::testing::{DAY, ago, annotated, live, meta, now, put, x509};
use crate::model::{
    CertManagerCertificate, CertificateFacts, CertificateHolder, Format, HeldFile, Issuer, KeyMatch, Meta, Object,
    Place, Pod, SecretUse, SecretVia, TlsSecret, annotation,
};
use crate::plan::{Act, BUNDLE, Step};

fn ca(name: &str) -> CertificateFacts {
    CertificateFacts { ca: true, self_signed: true, names: Box::default(), ..x509(name, name, DAY, 300 * DAY) }
}

fn secret(name: &str, facts: CertificateFacts) -> TlsSecret {
    let leaf = Place { key: "tls.crt".into(), chain: Ok([facts].into()) };
    TlsSecret { meta: meta(name), leaf, ca: None, key: KeyMatch::Match, files: Box::default() }
}

fn old() -> Object {
    Object::TlsSecret(secret("old", ca("old")))
}

fn new(notes: &[(&'static str, String)]) -> Object {
    let mut own = secret("new", ca("new"));
    own.meta = annotated(own.meta, annotation::SUCCEEDS, "old old");
    own.meta = notes.iter().fold(own.meta, |meta, (key, value)| annotated(meta, key, value));
    Object::TlsSecret(own)
}

fn trusted() -> (&'static str, String) {
    (annotation::TRUSTED_SINCE, ago(60).to_string())
}

fn map(name: &str, cas: &[&str]) -> Object {
    let file = HeldFile {
        key: "ca.crt".into(),
        format: Format::Pem,
        own: Box::default(),
        trusted: cas.iter().map(|name| ca(name)).collect(),
        key_match: None,
        fault: None,
        content: 7,
    };
    Object::ConfigMap(CertificateHolder { meta: meta(name), files: [file].into() })
}

fn issuer() -> Object {
    Object::Issuer(Issuer { meta: meta("ca"), how: "ca", ca_secret: Some("old".into()), conditions: Box::default() })
}

fn pod(started: i64) -> Object {
    let config_maps = [SecretUse { secret: "trust".into(), via: SecretVia::Mount }].into();
    let (phase, started) = ("Running".into(), Some(ago(started)));
    Object::Pod(Pod { meta: meta("alone"), phase, started, config_maps, ..Pod::default() })
}

/// An object as the API server has it.
fn fresh(world: &World, at: &ObjectAt) -> Option<Value> {
    let (namespace, name) = (at.namespace.as_deref().map(Into::into), at.name.as_str().into());
    let own = |meta: &Meta| json!({ "name": at.name, "uid": meta.uid().as_str(), "resourceVersion": "7" });
    let inventory = &world.inventory;
    match at.resource.kind.as_str() {
        "Secret" => inventory.tls_secrets.named(namespace.as_ref(), &name).map(|secret| {
            let certificate = json!({ "fingerprint": &*secret.facts().unwrap().fingerprint, "keyMatches": true });
            json!({ "kind": "Secret", "metadata": own(&secret.meta), "data": { "tls.crt": certificate } })
        }),
        "ConfigMap" => inventory.config_maps.named(namespace.as_ref(), &name).map(|map| {
            let held: Vec<&str> = map.files[0].trusted.iter().map(|facts| &*facts.fingerprint).collect();
            json!({
                "kind": "ConfigMap", "metadata": own(&map.meta), "immutable": name.as_ref() == "fixed",
                "data": { "ca.crt": { BUNDLE: held }, "motd": "hello" },
            })
        }),
        "Issuer" => inventory.issuers.named(namespace.as_ref(), &name).map(|issuer| {
            json!({
                "kind": "Issuer", "metadata": own(&issuer.meta), "spec": { "ca": { "secretName": issuer.ca_secret.as_deref() } },
            })
        }),
        _ => None,
    }
}

fn planned(objects: impl IntoIterator<Item = Object>, options: &Options) -> Result<Plan, Refusal> {
    let mut world = live();
    put(&mut world, objects);
    let uid = Uid::from("uid-old");
    let mut answers = Answers { who: "sre".into(), ..Answers::default() };
    let questions = questions(&world, &uid, options);
    answers.objects.extend(questions.objects.into_iter().map(|at| {
        let found = fresh(&world, &at);
        (at, Ok(found))
    }));
    answers.access.extend(questions.access.into_iter().map(|question| (question, Ok(true))));
    plan(&world, &uid, &answers, options, &OperationId::new(now(), [0, 0, 0, 7]), now())
}

fn phase(phase: Phase) -> Options {
    Options { phase, ..Options::default() }
}

fn refused(objects: impl IntoIterator<Item = Object>, of: Phase) -> String {
    let refusal = planned(objects, &phase(of)).expect_err("it is refused");
    assert!(!refusal.clear.is_empty());
    refusal.why
}

fn ids(plan: &Plan) -> Vec<&str> {
    plan.steps().into_iter().map(|step: &Step| step.id.0.as_str()).collect()
}

#[rstest]
#[case::plain("old", &[], "old-20260301")]
#[case::a_day_is_replaced("old-20250131", &[], "old-20260301")]
#[case::digits_that_are_no_day("old-2025013", &[], "old-2025013-20260301")]
#[case::taken("old", &["old-20260301"], "old-20260301-00000007")]
fn a_new_ca_has_the_day_in_its_name(#[case] name: &str, #[case] there: &[&str], #[case] expected: &str) {
    let mut first = secret(name, ca("old"));
    first.meta.uid = Some("uid-old".into());
    let others = there.iter().map(|name| Object::TlsSecret(secret(name, x509("leaf", "x", DAY, DAY))));
    let plan = planned([Object::TlsSecret(first)].into_iter().chain(others), &phase(Phase::Make)).unwrap();
    let Act::Stage { at, manifest, .. } = &plan.steps()[0].act else { panic!("{plan:?}") };
    assert_eq!(at.name, expected);
    let annotations = &manifest["metadata"]["annotations"];
    assert_eq!(annotations[annotation::SUCCEEDS], format!("{name} old"));
    assert_eq!(annotations[annotation::SOAK], "24h");
    assert!(!plan.undo_steps().is_empty());
}

#[test]
fn what_cannot_be_replaced_this_way_is_refused_before_anything_is_made() {
    let below = CertificateFacts { self_signed: false, ..x509("old", "root", DAY, DAY) };
    let below = Object::TlsSecret(secret("old", CertificateFacts { ca: true, ..below }));
    assert!(refused([below], Phase::Make).contains("an intermediate CA: root signed it"));
    assert!(refused([old(), map("kube-root-ca.crt", &["old"])], Phase::Make).contains("CA of the cluster itself"));
    let odd = CertificateFacts { key: "ECDSA P-521".into(), ..ca("old") };
    assert!(refused([Object::TlsSecret(secret("old", odd))], Phase::Make).contains("ECDSA P-521"));
    assert!(refused([old(), new(&[])], Phase::Make).contains("so already"));
}

#[test]
fn the_new_one_is_added_only_where_it_lacks_and_noted_after_that() {
    let there = [old(), new(&[]), map("trust", &["old"]), map("both", &["old", "new"]), map("other", &["x"])];
    let plan = planned(there, &phase(Phase::Trust)).unwrap();
    assert_eq!(ids(&plan), ["trust-1", "note"]);
    let Act::Trust { bundles, add, without, .. } = &plan.steps()[0].act else { panic!("{plan:?}") };
    assert_eq!((bundles.as_slice(), without.len()), (&["/data/ca.crt".to_owned()][..], 0));
    assert_eq!(add.as_ref().unwrap().fingerprint, "new");
    assert_eq!(
        refused([old(), new(&[]), map("fixed", &["old"])], Phase::Trust),
        "ConfigMap shop/fixed is immutable: nobody can change what it holds"
    );
}

#[rstest]
#[case::a_store_lacks_it(vec![map("trust", &["old"])], 0, "ConfigMap shop/trust")]
#[case::a_pod_is_from_before(vec![map("trust", &["old", "new"]), pod(90)], 0, "Pod shop/alone")]
#[case::all_have_it(vec![map("trust", &["old", "new"]), pod(30)], 2, "")]
fn nothing_is_signed_before_all_who_trust_know_the_new_one(
    #[case] there: Vec<Object>,
    #[case] steps: usize,
    #[case] why: &str,
) {
    let all = || [old(), new(&[trusted()]), issuer()].into_iter().chain(there.clone());
    match planned(all(), &phase(Phase::Switch)) {
        Ok(plan) => assert_eq!(ids(&plan).len(), steps),
        Err(refusal) => assert!(steps == 0 && refusal.why.contains(why), "{refusal}"),
    }
}

#[test]
fn the_former_one_is_dropped_only_after_everything_and_its_key_last() {
    let proven = |ago_: i64| (annotation::PROVEN_SINCE, ago(ago_).to_string());
    let outside = (annotation::ATTESTED_OUTSIDE, "sre: asked".to_owned());
    let soak = (annotation::SOAK, "1h".to_owned());
    let there = |notes: &[(&'static str, String)]| vec![old(), new(notes), map("trust", &["old", "new"])];
    let all = [trusted(), proven(90), soak.clone(), outside.clone()];
    let plan = planned(there(&all), &phase(Phase::Drop)).unwrap();
    assert_eq!(ids(&plan), ["drop-1"]);
    assert_eq!(plan.undo_steps().len(), 1);
    for lacking in [
        there(&[trusted(), proven(30), soak.clone(), outside.clone()]),
        there(&[trusted(), proven(90), soak.clone()]),
        [there(&all), vec![Object::TlsSecret(secret("web", x509("web", "old", DAY, DAY)))]].concat(),
        [there(&all), vec![issuer()]].concat(),
    ] {
        assert!(refused(lacking, Phase::Drop).starts_with("it is not so yet"));
    }
    assert!(refused(there(&all), Phase::Retire).contains("ConfigMap shop/trust"));
    let gone = vec![old(), new(&all), map("trust", &["new"])];
    assert_eq!(ids(&planned(gone.clone(), &phase(Phase::Retire)).unwrap()), ["retire"]);
    let writer = CertManagerCertificate { meta: meta("old"), secret: "old".into(), ..Default::default() };
    let written = [gone, vec![Object::Certificate(writer)]].concat();
    assert!(refused(written, Phase::Retire).contains("cert-manager would make it anew"));
}

#[test]
fn an_answer_needs_words_and_is_kept_with_the_name_of_who_gave_it() {
    let there = || [old(), new(&[trusted()])];
    let without = planned(there(), &phase(Phase::Outside)).expect_err("nothing was said");
    assert!(without.clear.contains("--attest"));
    let said = Options { reason: Some("all phones have it".into()), ..phase(Phase::Outside) };
    let plan = planned(there(), &said).unwrap();
    let Act::Patch { patch, .. } = &plan.steps()[0].act else { panic!("{plan:?}") };
    assert_eq!(patch[0]["value"], "sre at 2026-03-01T12:00:00Z: all phones have it");
    assert!(plan.command.contains("--attest"));
}

#[test]
fn phases_in_which_nothing_is_written_have_no_plan() {
    let proven = (annotation::PROVEN_SINCE, ago(30).to_string());
    let leaf = || Object::TlsSecret(secret("web", x509("web", "old", DAY, DAY)));
    for (of, there) in [
        (Phase::Start, vec![old(), new(&[trusted()]), map("trust", &["old", "new"]), pod(90)]),
        (Phase::Reissue, vec![old(), new(&[trusted()]), leaf()]),
        (Phase::Soak, vec![old(), new(&[trusted(), proven])]),
    ] {
        assert_eq!(refused(there, of), format!("the phase \"{}\" has no plan of its own", of.word()));
    }
}
