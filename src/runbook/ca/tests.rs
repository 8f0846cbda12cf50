//! What comes next in each state of a cluster, and that no state is skipped.

use rstest::rstest;

use super::*;
use crate::assess::testing::{DAY, ago, annotated, live, meta, now, put, x509};
use crate::model::{
    CertificateFacts, CertificateHolder, Delta, Format, HeldFile, Issuer, KeyMatch, Kind, Object, Place, Scope,
    TlsSecret, annotation,
};

fn ca(name: &str) -> CertificateFacts {
    CertificateFacts { ca: true, self_signed: true, names: Box::default(), ..x509(name, name, DAY, 300 * DAY) }
}

fn secret(name: &str, facts: CertificateFacts, notes: &[(&'static str, String)]) -> Object {
    let leaf = Place { key: "tls.crt".into(), chain: Ok([facts].into()) };
    let meta = notes.iter().fold(meta(name), |meta, (key, value)| annotated(meta, key, value));
    Object::TlsSecret(TlsSecret { meta, leaf, ca: None, key: KeyMatch::Match, files: Box::default() })
}

fn trust(cas: &[&str]) -> Object {
    let file = HeldFile {
        key: "ca.crt".into(),
        format: Format::Pem,
        own: Box::default(),
        trusted: cas.iter().map(|name| ca(name)).collect(),
        key_match: None,
        fault: None,
        content: 7,
    };
    Object::ConfigMap(CertificateHolder { meta: meta("trust"), files: [file].into() })
}

fn issuer(secret: &str) -> Object {
    let meta = meta("ca");
    Object::Issuer(Issuer { meta, how: "ca", ca_secret: Some(secret.into()), conditions: Box::default() })
}

fn key(name: &str) -> ClaimKey {
    ("shop".into(), name.into())
}

fn next_of(world: &World) -> Next {
    standing(world, &key("old"), &Options::default(), now()).next
}

fn phase(next: &Next) -> String {
    match next {
        Next::Plan(request) => match &**request {
            Request::RotateCa { options, .. } => format!("plan {}", options.phase.word()),
            Request::Rotate { options, .. } => format!("rotate by {:?}", options.signer),
            other => format!("{} {:?}", other.verb(), other.subject()),
        },
        Next::Wait { what, .. } => format!("wait {}", what.join(", ")),
        Next::Ask { what, .. } => format!("ask {what}"),
        Next::Done(said) => format!("done {said}"),
        Next::Refused { why, .. } => format!("refused {why}"),
    }
}

/// The whole way, state by state as the cluster takes them.
#[test]
fn each_state_leads_to_the_next_and_none_is_skipped() {
    let leaf = |issuer: &str| secret("web-tls", x509("web", issuer, DAY, DAY), &[]);
    let noted = |notes: &[(&'static str, String)]| {
        let own = [(annotation::SUCCEEDS, "old old".to_owned()), (annotation::SOAK, "1h".to_owned())];
        secret("new", ca("new"), &[&own, notes].concat())
    };
    let trusted = (annotation::TRUSTED_SINCE, ago(300).to_string());
    let proven = |minutes| (annotation::PROVEN_SINCE, ago(minutes).to_string());
    let outside = (annotation::ATTESTED_OUTSIDE, "sre at noon: asked".to_owned());
    let mut world = live();
    put(&mut world, [secret("old", ca("old"), &[]), leaf("old"), trust(&["old"]), issuer("old")]);
    let steps: Vec<(Vec<Object>, &str)> = vec![
        (vec![], "plan make"),
        (vec![noted(&[])], "plan trust"),
        (vec![trust(&["old", "new"])], "plan trust"),
        (vec![noted(std::slice::from_ref(&trusted))], "plan switch"),
        (vec![issuer("new")], "rotate by Secret(\"shop\", \"new\")"),
        (vec![leaf("new")], "plan prove"),
        (vec![noted(&[trusted.clone(), proven(30)])], "wait until 2026-03-01T12:30:00Z"),
        (vec![noted(&[trusted.clone(), proven(90)])], "ask somebody answers for those outside"),
        (vec![noted(&[trusted.clone(), proven(90), outside.clone()])], "plan drop"),
        (vec![trust(&["new"])], "plan retire"),
    ];
    for (objects, expected) in steps {
        put(&mut world, objects);
        let next = phase(&next_of(&world));
        assert!(next.starts_with(expected), "{next} is not {expected}");
    }
    // What goes back opens its gate again, however far it was.
    put(&mut world, [leaf("old")]);
    assert!(phase(&next_of(&world)).starts_with("rotate by"));
    put(&mut world, [issuer("old")]);
    assert_eq!(phase(&next_of(&world)), "plan switch");
    put(&mut world, [trust(&["old"])]);
    assert_eq!(phase(&next_of(&world)), "plan trust");
}

#[rstest]
#[case::a_leaf("web-tls", "refused there is no CA in this Secret that can be read")]
#[case::nothing("gone", "refused there is no CA in this Secret that can be read")]
fn only_a_ca_is_rotated(#[case] name: &str, #[case] said: &str) {
    let mut world = live();
    put(&mut world, [secret("web-tls", x509("web", "old", DAY, DAY), &[])]);
    assert_eq!(phase(&standing(&world, &key(name), &Options::default(), now()).next), said);
}

#[test]
fn nothing_is_said_while_secrets_cannot_be_seen() {
    let mut world = live();
    put(&mut world, [secret("old", ca("old"), &[])]);
    world.apply(Delta::Failed(Kind::TlsSecret, Scope::All, "broken".into()), ago(60));
    let standing = standing(&world, &key("old"), &Options::default(), now());
    assert!(standing.gates.is_empty());
    assert!(phase(&standing.next).starts_with("refused secrets were last seen"), "{:?}", standing.next);
}

#[test]
fn an_answer_is_for_what_is_asked_and_for_nothing_else() {
    let mut world = live();
    put(&mut world, [secret("old", ca("old"), &[])]);
    let chosen = Options::default();
    let before = standing(&world, &key("old"), &chosen, now());
    assert_eq!(attest(&world, &before, "sure", &chosen), None);
    let notes = [(annotation::SUCCEEDS, "old old".to_owned()), (annotation::TRUSTED_SINCE, ago(3).to_string())];
    put(&mut world, [secret("new", ca("new"), &notes)]);
    world.apply(Delta::Denied(Kind::Crd, Scope::All, "list".into()), now());
    let asked = standing(&world, &key("new"), &chosen, now());
    let Some(Request::RotateCa { secret, options }) = attest(&world, &asked, "sure", &chosen) else {
        panic!("{asked:?}")
    };
    assert_eq!((secret.as_str(), options.phase, options.reason.as_deref()), ("uid-old", Phase::Stores, Some("sure")));
}

#[test]
fn a_ca_that_took_the_place_of_another_is_rotated_in_its_turn_when_that_is_asked_for() {
    let notes = [(annotation::SUCCEEDS, "gone gone".to_owned()), (annotation::TRUSTED_SINCE, ago(9).to_string())];
    let mut world = live();
    put(&mut world, [secret("old", ca("old"), &notes)]);
    let again = Options { again: true, ..Options::default() };
    let of = |world: &World, name: &str, chosen: &Options| phase(&standing(world, &key(name), chosen, now()).next);
    assert!(of(&world, "old", &Options::default()).starts_with("done"));
    assert!(of(&world, "gone", &again).starts_with("done"), "it is asked for by the name of the one before it");
    assert_eq!(of(&world, "old", &again), "plan make");
    // Once it has begun nothing more has to be said, and what is noted of the one before counts for nothing.
    put(&mut world, [secret("new", ca("new"), &[(annotation::SUCCEEDS, "old old".to_owned())])]);
    assert_eq!(of(&world, "old", &Options::default()), "plan trust");
}
