//! The rotation of a CA on its page: where it stands, what has not converged, what comes next, and where keys lead.

use holdfast::assess::succession::Phase;
use holdfast::model::{
    CertificateFacts, CertificateHolder, Condition, Connection, Delta, Format, HeldFile, Issuer, KeyMatch, Kind, Meta,
    Object, Place as DataKey, Pod, Scope, SecretUse, SecretVia, TlsSecret, annotation,
};
use holdfast::plan::Request;
use holdfast::plan::succession::Options;
use holdfast::session::Desk;
use holdfast::tui::{ActionId, Availability, Effect, Input, LEAST, Meaning, Place};
use insta::assert_snapshot;
use jiff::SignedDuration;

use super::driven::Driven;
use super::shop::{self, now, put};

const FORMER: &str = "shop root CA";
const NEW: &str = "shop root CA 2026";

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum At {
    /// Nothing was done yet.
    Beginning,
    /// Both are trusted; two pods run that know only the former CA and that nobody makes again.
    Pods,
    /// Everything new was seen to be served six hours ago.
    Soaking,
    /// It was long enough ago.
    Asked,
    /// The former CA is gone.
    Over,
}

fn named(name: &str) -> Meta {
    shop::meta(Some("shop"), name)
}

fn ca(name: &str) -> CertificateFacts {
    let fingerprint = if name == NEW { "b1".repeat(32) } else { "a0".repeat(32) };
    let days = if name == NEW { 3650 } else { 265 };
    let facts = shop::facts(name, name, 100, 24 * days);
    CertificateFacts { ca: true, self_signed: true, names: Box::default(), fingerprint: fingerprint.into(), ..facts }
}

fn secret(meta: Meta, facts: CertificateFacts) -> Object {
    let leaf = DataKey { key: "tls.crt".into(), chain: Ok([facts].into()) };
    Object::TlsSecret(TlsSecret { meta, leaf, ca: None, key: KeyMatch::Match, files: Box::default() })
}

fn bundle(names: &[&str]) -> Object {
    let file = HeldFile {
        key: "ca.crt".into(),
        format: Format::Pem,
        own: Box::default(),
        trusted: names.iter().map(|name| ca(name)).collect(),
        key_match: None,
        fault: None,
        content: 7,
    };
    Object::ConfigMap(CertificateHolder { meta: named("trust"), files: [file].into() })
}

/// A pod that trusts and that nothing makes again.
fn pod(name: &str, started: SignedDuration) -> Object {
    Object::Pod(Pod {
        meta: named(name),
        phase: "Running".into(),
        ready: true,
        started: Some(now() - started),
        config_maps: [SecretUse { secret: "trust".into(), via: SecretVia::Mount }].into(),
        ..Pod::default()
    })
}

fn issuer(secret: &str) -> Object {
    let ready = Condition {
        kind: "Ready".into(),
        status: "True".into(),
        reason: "KeyPairVerified".into(),
        message: "Signing CA verified".into(),
        since: Some(now() - SignedDuration::from_hours(1)),
    };
    let (meta, conditions) = (named("shop-ca"), [ready].into());
    Object::Issuer(Issuer { meta, how: "CA", ca_secret: Some(secret.into()), conditions })
}

fn successor(notes: &[(&'static str, String)]) -> Object {
    let own = [
        (annotation::SUCCEEDS, format!("shop-ca {}", "a0".repeat(32))),
        (annotation::SOAK, "24h".to_owned()),
        (annotation::TRUSTED_SINCE, (now() - SignedDuration::from_hours(30)).to_string()),
        (annotation::TRUSTED_MARK, (now() - SignedDuration::from_hours(30)).to_string()),
    ];
    let annotations = own.iter().chain(notes).map(|(key, value)| (*key, value.as_str().into())).collect();
    secret(Meta { annotations, ..named("shop-ca-2026") }, ca(NEW))
}

/// The shop, in which the rotation of its CA has come so far.
pub fn rotating(desk: &mut Desk, at: At) {
    put(desk, secret(named("shop-ca"), ca(FORMER)));
    put(desk, bundle(if at == At::Beginning { &[FORMER] } else { &[FORMER, NEW] }));
    put(desk, issuer(if at >= At::Soaking { "shop-ca-2026" } else { "shop-ca" }));
    let since = if at >= At::Soaking { 20 } else { 40 };
    for name in ["batch-runner", "legacy-sync"] {
        put(desk, pod(name, SignedDuration::from_hours(since)));
    }
    if at >= At::Soaking {
        for name in ["web", "db"] {
            put(desk, secret(named(&format!("{name}-tls")), shop::facts(&format!("{name}.shop"), NEW, 1, 24 * 89)));
        }
    }
    let proven = |hours| (annotation::PROVEN_SINCE, (now() - SignedDuration::from_hours(hours)).to_string());
    match at {
        At::Beginning => {}
        At::Pods => put(desk, successor(&[])),
        At::Soaking => put(desk, successor(&[proven(6)])),
        At::Asked | At::Over => put(desk, successor(&[proven(25)])),
    }
    if at == At::Over {
        let gone = Delta::Gone(Box::new(secret(named("shop-ca"), ca(FORMER))));
        let touched = desk.world.apply(gone, now());
        desk.refresh(&touched, now());
    }
}

/// A console at the page of the rotation.
pub fn page(at: At, columns: u16, lines: u16) -> Driven {
    let mut driven = Driven::new(shop::desk(), columns, lines);
    rotating(&mut driven.desk, at);
    driven.input(Input::Changed);
    driven.press(if at == At::Over { "3 / name:shop-ca-2026 enter x z" } else { "3 / name:shop-ca enter x z" });
    assert_eq!(driven.app.place(), Place::Rotation, "{}", driven.screen());
    driven
}

fn line<'a>(screen: &'a str, part: &str) -> &'a str {
    screen.lines().find(|line| line.contains(part)).unwrap_or_else(|| panic!("{part} is not on\n{screen}"))
}

#[test]
fn the_page_of_a_rotation() {
    for (columns, lines) in [(120, 36), (80, 24)] {
        for (name, at) in
            [("beginning", At::Beginning), ("pods", At::Pods), ("soaking", At::Soaking), ("asked", At::Asked)]
        {
            assert_snapshot!(format!("rotation-{name}-{columns}x{lines}"), page(at, columns, lines).screen());
        }
    }
}

#[test]
fn the_forms_of_a_rotation() {
    for (name, at) in [("make", At::Beginning), ("answer", At::Asked)] {
        let mut driven = page(at, 80, 24);
        driven.press("x A");
        assert_eq!(driven.app.place(), Place::Form, "{}", driven.screen());
        assert_snapshot!(format!("rotation-form-{name}-80x24"), driven.screen());
    }
}

/// The options of what was asked to be planned last.
fn planned(driven: &Driven) -> &Options {
    let Some(Effect::Plan { request, .. }) = driven.effects.last() else { panic!("{:?}", driven.effects) };
    let Request::RotateCa { secret, options } = &**request else { panic!("{request:?}") };
    let found = driven.desk.world.inventory.tls_secrets.get(secret).unwrap();
    assert_eq!(&*found.meta.name, "shop-ca");
    options
}

fn plans(driven: &Driven) -> bool {
    driven.effects.iter().any(|effect| matches!(effect, Effect::Plan { .. }))
}

#[test]
fn what_comes_next_is_planned_as_chosen() {
    let mut driven = page(At::Beginning, 120, 36);
    driven.press("x A tab 9 0 d tab backspace backspace backspace 2 h ctrl-s");
    let options = planned(&driven);
    assert_eq!((options.phase, options.soak), (Phase::Make, SignedDuration::from_hours(2)));
    assert_eq!(options.life.map(|life| life.as_secs()), Some(90 * 24 * 3600));
    assert!(options.restart && options.key.is_none(), "{options:?}");
}

#[test]
fn an_answer_needs_words_and_is_planned_with_them() {
    let mut driven = page(At::Asked, 120, 36);
    driven.press("x A ctrl-s");
    assert_eq!(driven.app.place(), Place::Form, "nobody answers with nothing");
    assert!(!plans(&driven) && driven.screen().contains("needs an answer"), "{}", driven.screen());
    driven.press("a s k e d ctrl-s");
    let options = planned(&driven);
    assert_eq!((options.phase, options.reason.as_deref()), (Phase::Outside, Some("asked")));
}

#[test]
fn what_has_to_be_waited_for_begins_nothing_and_says_for_what() {
    for (at, said) in [(At::Pods, "Pod shop/batch-runner"), (At::Soaking, "wait until 2026-03-01T21:07:00Z")] {
        let mut driven = page(at, 120, 36);
        let Availability::Disabled(why) = driven.app.available(&driven.desk, ActionId::RotateCa) else {
            panic!("{at:?} goes on")
        };
        assert!(why.contains(said), "{why}");
        driven.press("x A");
        assert!(!plans(&driven) && driven.app.place() == Place::Rotation, "{}", driven.screen());
    }
}

#[test]
fn the_page_follows_the_cluster() {
    let mut driven = page(At::Pods, 120, 36);
    assert!(driven.screen().contains("(2 left)"), "{}", driven.screen());
    put(&mut driven.desk, pod("batch-runner", SignedDuration::from_hours(1)));
    driven.input(Input::Changed);
    let screen = driven.screen();
    assert!(!screen.contains("batch-runner") && screen.contains("(1 left)"), "{screen}");
    put(&mut driven.desk, pod("legacy-sync", SignedDuration::from_hours(1)));
    driven.input(Input::Changed);
    let screen = driven.screen();
    assert!(line(&screen, "start").contains("✓ passed") && line(&screen, "switch").contains("▶ here"), "{screen}");
    rotating(&mut driven.desk, At::Over);
    driven.input(Input::Changed);
    let screen = driven.screen();
    assert!(line(&screen, "Former CA").contains("gone") && screen.contains("Done: "), "{screen}");
}

#[test]
fn only_what_was_judged_is_green() {
    let driven = page(At::Pods, 120, 36);
    let style = |meaning| driven.app.theme.style(meaning).fg;
    let colour = |part: &str| driven.buffer()[driven.place(part)].fg;
    assert_eq!(Some(colour("✓ passed  trust")), style(Meaning::Ok));
    assert_eq!(Some(colour("▶ here")), style(Meaning::Warn));
    for later in ["· later   switch", "· later   retire"] {
        assert_eq!(Some(colour(later)), style(Meaning::Muted));
    }
    let mut blind = page(At::Pods, 120, 36);
    blind.desk.world.apply(Delta::Connection(Connection::Up), now());
    blind.desk.world.apply(Delta::Denied(Kind::Pod, Scope::All, "list".into()), now());
    blind.input(Input::Changed);
    let screen = blind.screen();
    assert!(!screen.contains("passed"), "{screen}");
    assert!(screen.contains("It cannot go on: "), "{screen}");
}

#[test]
fn a_session_that_only_reads_sees_the_page_and_runs_nothing() {
    let mut driven = page(At::Beginning, 120, 36);
    let mut context = driven.desk.world.context.clone();
    context.read_only = true;
    driven.desk.world.context = context;
    driven.input(Input::Changed);
    let screen = driven.screen();
    assert!(screen.contains("Not now: read-only: needs a session that may write"), "{screen}");
    assert!(line(&screen, "make").contains("▶ here"), "{screen}");
}

#[test]
fn many_that_have_not_converged_are_counted_and_scrolled_to() {
    let mut driven = page(At::Pods, 80, 24);
    for at in 0..60 {
        put(&mut driven.desk, pod(&format!("worker-{at:02}"), SignedDuration::from_hours(40)));
    }
    driven.input(Input::Changed);
    assert!(driven.screen().contains("(62 left)") && !driven.screen().contains("worker-59"), "{}", driven.screen());
    assert!(driven.screen().contains("Nothing makes these pods again"), "{}", driven.screen());
    let screen = driven.press("G").screen();
    assert!(screen.contains("worker-59") && screen.contains("retire"), "{screen}");
    driven.press("g");
    assert!(driven.screen().contains("Former CA"), "{}", driven.screen());
}

#[test]
fn the_problems_and_the_sheet_of_the_ca_say_that_it_is_rotated() {
    let mut driven = page(At::Asked, 120, 36);
    driven.press("esc enter");
    assert_eq!(driven.app.place(), Place::Detail);
    assert!(line(&driven.screen(), "CA rotation").contains("gate 9 of 11, outside"), "{}", driven.screen());
    driven.press("esc p / C A space rotation enter");
    assert!(line(&driven.screen(), "Rotating").contains("shop/shop-ca"), "{}", driven.screen());
    assert!(driven.screen().contains("waits for an answer"), "{}", driven.screen());
    driven.press("enter");
    assert_eq!(driven.app.place(), Place::Rotation, "{}", driven.screen());
    driven.press("esc");
    assert_eq!(driven.app.place(), Place::Problems);
    // Its Secret is as little printed from here as from anywhere.
    let yaml = driven.app.available(&driven.desk, ActionId::Yaml);
    assert!(matches!(&yaml, Availability::Disabled(why) if why.contains("Secrets are not printed")), "{yaml:?}");
}

#[test]
fn a_rotation_that_is_over_or_has_not_begun_is_no_problem() {
    for at in [At::Beginning, At::Over] {
        let mut driven = page(at, 120, 36);
        driven.press("p");
        assert!(!driven.screen().contains("CA rotation"), "{}", driven.screen());
    }
}

#[test]
fn the_palette_opens_the_page_of_a_ca_and_of_nothing_else() {
    let mut driven = page(At::Beginning, 120, 36);
    driven.press("esc : c a enter");
    assert_eq!(driven.app.place(), Place::Rotation, "{}", driven.screen());
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.press("3 / name:payments-tls enter : c a enter");
    assert_eq!(driven.app.place(), Place::Panes);
    assert!(driven.screen().contains("it is no CA: rotate it, or renew it"), "{}", driven.screen());
}

#[test]
fn the_smallest_terminal_draws_a_rotation() {
    for (columns, lines) in [(1, 1), (5, 3), (20, 6), LEAST, (79, 17)] {
        page(At::Pods, 120, 36).resize(columns, lines).press("j G g ctrl-d").screen();
    }
}
