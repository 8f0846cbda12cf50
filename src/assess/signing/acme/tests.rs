//! Orders and Challenges that wait, are fulfilled or fail, and which of them are news.

use rstest::rstest;

use super::*;
use crate::assess::testing::{ago, live, meta, now, put, said};
use crate::model::{CertManagerCertificate, CertificateRequest, Condition, Delta, Meta, Object, OwnerRef, Scope};

fn made(name: &str, minutes: i64, owner: Option<(&str, &str)>) -> Meta {
    let owner = owner.map(|(kind, name)| OwnerRef {
        kind: kind.into(),
        name: name.into(),
        uid: format!("uid-{name}").into(),
        controller: true,
    });
    Meta { created: Some(ago(minutes)), owners: owner.into_iter().collect(), ..meta(name) }
}

fn ordered(name: &str, minutes: i64, state: &str, reason: &str, request: Option<&str>) -> Order {
    let meta = made(name, minutes, request.map(|name| ("CertificateRequest", name)));
    let issuer = ("ClusterIssuer".into(), "letsencrypt".into());
    let names = ["shop.example".into()].into();
    Order { meta, issuer, names, state: state.into(), reason: reason.into(), ..Order::default() }
}

fn challenged(name: &str, minutes: i64, (method, state, reason): (&str, &str, &str), order: Option<&str>) -> Challenge {
    Challenge {
        meta: made(name, minutes, order.map(|name| ("Order", name))),
        method: method.into(),
        name: "shop.example".into(),
        issuer: ("ClusterIssuer".into(), "letsencrypt".into()),
        state: state.into(),
        reason: reason.into(),
        ..Challenge::default()
    }
}

#[rstest]
#[case::new("", 1, Severity::Info, CertificateState::Pending)]
#[case::never_taken_up("", 30, Severity::Warn, CertificateState::Pending)]
#[case::under_way("pending", 1, Severity::Info, CertificateState::Pending)]
#[case::stuck("pending", 30, Severity::Warn, CertificateState::Pending)]
#[case::proved_and_not_issued("ready", 30, Severity::Warn, CertificateState::Pending)]
#[case::at_the_ca("processing", 30, Severity::Warn, CertificateState::Pending)]
#[case::issued("valid", 30, Severity::Info, CertificateState::Done)]
#[case::refused("invalid", 1, Severity::Critical, CertificateState::Failed)]
#[case::ran_out("expired", 1, Severity::Critical, CertificateState::Failed)]
#[case::broken("errored", 1, Severity::Critical, CertificateState::Failed)]
fn both_stand_by_their_state_and_age(
    #[case] state: &str,
    #[case] age: i64,
    #[case] severity: Severity,
    #[case] verdict: CertificateState,
) {
    let world = live();
    let asked = ordered("web-1", age, state, "", None);
    let proof = challenged("web-1-a", age, ("HTTP-01", state, ""), None);
    let judge: [&dyn Fn(Timestamp) -> Judgement<Expiry>; 2] =
        [&|now| order(&world, &asked, now), &|now| challenge(&world, &proof, now)];
    for judge in judge {
        let judged = judge(now());
        assert_eq!((judged.value.severity, &judged.value.state), (severity, &verdict), "{judged:?}");
        assert!(!judged.reasons.is_empty() && !judged.reasons[0].text.ends_with(": "), "{judged:?}");
        assert!(!severity.problem() || judged.reasons[0].next.is_some(), "{judged:?}");
        let again = judged.valid_until.map(|at| judge(at).value.severity);
        let waits = verdict == CertificateState::Pending && severity == Severity::Info;
        assert_eq!(again, waits.then_some(Severity::Warn), "time alone makes it worse");
    }
}

#[rstest]
#[case("deactivated")]
#[case("VALID")]
fn a_state_that_is_not_known_is_unknown_and_stays_news(#[case] state: &str) {
    let world = live();
    let (asked, proof) = (ordered("web-1", 1, state, "why", None), challenged("a", 1, ("DNS-01", state, "why"), None));
    for judged in [order(&world, &asked, now()), challenge(&world, &proof, now())] {
        assert_eq!(judged.value.severity, Severity::Unknown, "{judged:?}");
        assert!(said(&judged).contains("why"), "{judged:?}");
    }
    assert!(order_stands_alone(&world, &asked) && challenge_stands_alone(&world, &proof));
}

#[rstest]
#[case("HTTP-01", "http://shop.example/.well-known/acme-challenge/")]
#[case("DNS-01", "TXT record _acme-challenge.shop.example")]
#[case("TLS-ALPN-01", "ClusterIssuer letsencrypt can prove a name by TLS-ALPN-01")]
fn a_challenge_says_its_reason_and_what_the_ca_has_to_reach(#[case] method: &str, #[case] next: &str) {
    for (state, age) in [("pending", 30), ("invalid", 1)] {
        let stuck = challenged("a", age, (method, state, "wrong status code '404', expected '200'"), None);
        let judged = challenge(&live(), &stuck, now());
        assert_eq!(judged.reasons[0].text, format!("{state}: wrong status code '404', expected '200'"));
        assert!(judged.reasons[0].next.as_ref().is_some_and(|said| said.contains(next)), "{judged:?}");
    }
}

#[rstest]
#[case::in_line(false, false, "cert-manager has not taken it up")]
#[case::being_set_up(true, false, "the proof is not where the CA looks")]
#[case::set_up(true, true, "the CA has not confirmed it")]
fn a_challenge_that_gives_no_reason_is_told_by_how_far_it_came(
    #[case] processing: bool,
    #[case] presented: bool,
    #[case] why: &str,
) {
    let waiting = challenged("a", 30, ("DNS-01", "pending", ""), None);
    let judged = challenge(&live(), &Challenge { presented, processing, ..waiting }, now());
    assert!(judged.reasons[0].text.contains(why), "{judged:?}");
}

#[test]
fn an_order_names_the_challenges_that_it_waits_for_and_leaves_the_row_to_them() {
    let mut world = live();
    let asked = ordered("web-1", 30, "pending", "", None);
    let open = challenged("web-1-a", 30, ("HTTP-01", "pending", ""), Some("web-1"));
    let done = challenged("web-1-b", 30, ("HTTP-01", "valid", ""), Some("web-1"));
    put(&mut world, [Object::Order(asked.clone()), Object::Challenge(open.clone()), Object::Challenge(done.clone())]);
    let judged = order(&world, &asked, now());
    assert!(judged.reasons[0].text.contains("waits for 1 Challenge"), "{judged:?}");
    let next = judged.reasons[0].next.as_deref().unwrap();
    assert!(next.contains("web-1-a") && !next.contains("web-1-b"), "{next}");
    assert!(!order_stands_alone(&world, &asked) && challenge_stands_alone(&world, &open));
    assert!(!challenge_stands_alone(&world, &done), "it is history");
    let failed = Order { state: "invalid".into(), ..asked };
    put(&mut world, [Object::Order(failed.clone())]);
    assert!(order_stands_alone(&world, &failed), "what failed is news");
}

#[rstest]
#[case::under_way("web-2", ("Ready", "False", "Pending"), true)]
#[case::failed("web-2", ("Ready", "False", "Failed"), true)]
#[case::certificate_is_there("web-2", ("Ready", "True", "Issued"), false)]
#[case::another_came_after_it("web-1", ("Ready", "False", "Failed"), false)]
fn only_what_the_latest_request_still_waits_for_is_news(
    #[case] request: &str,
    #[case] (kind, status, reason): (&str, &str, &str),
    #[case] news: bool,
) {
    let mut world = live();
    let asked = |name: &str, age: i64| {
        let said = Condition {
            kind: kind.into(),
            status: status.into(),
            reason: reason.into(),
            message: "".into(),
            since: None,
        };
        Object::CertificateRequest(CertificateRequest {
            meta: made(name, age, None),
            certificate: Some("web".into()),
            conditions: [said].into(),
            ..CertificateRequest::default()
        })
    };
    let certificate = CertManagerCertificate { meta: meta("web"), ..CertManagerCertificate::default() };
    put(&mut world, [asked("web-1", 60), asked("web-2", 30), Object::Certificate(certificate)]);
    let failed = ordered("order", 30, "invalid", "", Some(request));
    put(&mut world, [Object::Order(failed.clone())]);
    let proof = challenged("proof", 30, ("DNS-01", "pending", ""), Some("order"));
    assert_eq!(order_stands_alone(&world, &failed), news);
    assert_eq!(challenge_stands_alone(&world, &proof), news);
    assert!(!order_stands_alone(&world, &Order { state: "valid".into(), ..failed }), "it is fulfilled");
}

#[test]
fn what_was_seen_long_ago_or_may_not_be_read_is_unknown() {
    let (asked, proof) = (ordered("web-1", 1, "valid", "", None), challenged("a", 1, ("DNS-01", "valid", ""), None));
    let mut stale = live();
    let mut denied = live();
    for kind in [Kind::Order, Kind::Challenge] {
        stale.apply(Delta::Failed(kind, Scope::All, "reset".into()), ago(6));
        denied.apply(Delta::Denied(kind, Scope::All, "list".into()), now());
    }
    for world in [stale, denied] {
        for judged in [order(&world, &asked, now()), challenge(&world, &proof, now())] {
            assert_eq!(judged.value.severity, Severity::Unknown, "{judged:?}");
        }
    }
}

#[test]
fn text_of_a_ca_cannot_write_to_the_screen() {
    let bad = "\u{1b}[2Jgone\u{202e}";
    let proof = Challenge { name: bad.into(), ..challenged("a", 30, (bad, "pending", bad), None) };
    let asked = ordered("web-1", 1, bad, bad, None);
    for judged in [challenge(&live(), &proof, now()), order(&live(), &asked, now())] {
        let all = format!("{}{:?}", said(&judged), judged.reasons[0].next);
        assert!(!all.contains('\u{1b}') && !all.contains('\u{202e}'), "{all}");
    }
}
