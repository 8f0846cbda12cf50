//! The form in which a person hands over a certificate and its private key: what it takes, what it says, and that the
//! key is on no screen.

use holdfast::plan::rotate::Signer;
use holdfast::plan::{DryRun, Refusal, Request, Verb};
use holdfast::tui::{Effect, FileText, Input, LEAST, Place, svg};
use holdfast::x509::KeyKind;
use insta::assert_snapshot;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SerialNumber,
};
use time::{Duration, OffsetDateTime};

use super::driven::Driven;
use super::hostile::{HOSTILE, harmless};
use super::renew::on;
use super::{screens, shop};

/// The key of every certificate here, in both of the ways that it is written.
const KEY: &str = include_str!("../../../src/x509/fixtures/p256.pkcs8.pem");
const SEC1: &str = include_str!("../../../src/x509/fixtures/p256.bare.pem");
const ENCRYPTED: &str = include_str!("../../../src/x509/fixtures/p256.encrypted.pem");
const OTHER: &str = include_str!("../../../src/x509/fixtures/p521.pkcs8.pem");
/// The key of the CA, which nobody hands over: half of it is in its certificate.
const AUTHORITY: &str = include_str!("../../../src/x509/fixtures/rsa.pkcs8.pem");

/// A certificate for these names, valid for a year of the shop's clock, and the CA that signed it. They are the same
/// at every run: RSA signatures are.
fn chain(names: &[&str]) -> (String, String) {
    chain_to(names[0], names)
}

/// The same with this common name.
fn chain_to(common: &str, names: &[&str]) -> (String, String) {
    let day = |days| OffsetDateTime::from_unix_timestamp(shop::now().as_second()).unwrap() + Duration::days(days);
    let authority = KeyPair::from_pem(AUTHORITY).unwrap();
    let mut ca = CertificateParams::default();
    ca.distinguished_name.push(DnType::CommonName, "Public CA R4");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    (ca.not_before, ca.not_after) = (day(-100), day(900));
    ca.serial_number = Some(SerialNumber::from(7_u64));
    let root = ca.self_signed(&authority).unwrap().pem();
    let issuer = Issuer::new(ca, authority);
    let own = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let mut leaf = CertificateParams::new(own).unwrap();
    leaf.distinguished_name.push(DnType::CommonName, common);
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    (leaf.not_before, leaf.not_after) = (day(-1), day(365));
    leaf.serial_number = Some(SerialNumber::from(8_u64));
    let leaf = leaf.signed_by(&KeyPair::from_pem(KEY).unwrap(), &issuer).unwrap().pem();
    (leaf, root)
}

/// As good as the present one.
fn good() -> String {
    chain(&["pay.shop.example", "pay.shop.example.svc"]).0
}

fn opened(columns: u16, lines: u16) -> Driven {
    let mut driven = on("payments-tls", columns, lines);
    driven.press("x a");
    driven.effects.clear();
    driven
}

fn paste(driven: &mut Driven, text: &str) {
    driven.input(Input::Paste(text.into()));
}

/// What a terminal would paste: its line breaks are carriage returns.
fn as_terminals_paste(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\n', "\r")
}

/// Panics when a line of a key is on the screen, in a picture of it, or anywhere in what the console tells of itself:
/// there are the editors with all that is scrolled away in them and can be brought back.
fn no_key(driven: &Driven) {
    let buffer = driven.buffer();
    let (screen, picture) = (driven.screen(), svg::svg(&buffer, "form"));
    let told = format!("{:?} {:?}", driven.app, driven.effects);
    for key in [KEY, SEC1, ENCRYPTED, OTHER] {
        for line in key.lines().filter(|line| !line.starts_with('-') && line.len() > 12) {
            // What is cut off at an edge is shown as well.
            let begins = &line[..12];
            assert!(!screen.contains(begins) && !picture.contains(begins), "a key is shown:\n{screen}");
            assert!(!told.contains(begins), "{begins} of a key is told");
        }
    }
    assert!(!screen.contains("PRIVATE KEY-"), "{screen}");
}

fn hand_over(driven: &mut Driven) {
    paste(driven, &as_terminals_paste(&good()));
    driven.press("tab tab");
    paste(driven, &as_terminals_paste(KEY));
}

/// The form with a good one.
pub fn filled(columns: u16, lines: u16) -> Driven {
    let mut driven = opened(columns, lines);
    hand_over(&mut driven);
    driven
}

/// What was handed over when planning was asked for: the fingerprint, and with other names.
fn planned(driven: &Driven) -> (String, bool) {
    let Some(Effect::Plan { request, .. }) = driven.effects.last() else { panic!("{:?}", driven.effects) };
    let handed = request.handed_over().unwrap_or_else(|| panic!("{request:?}"));
    (handed.given.fingerprint().to_owned(), handed.other_names)
}

fn command(driven: &mut Driven) -> String {
    driven.press("ctrl-y");
    match driven.effects.pop() {
        Some(Effect::Copy(command)) => command,
        other => panic!("{other:?}: {}", driven.screen()),
    }
}

fn both(name: &str, prepare: impl Fn(&mut Driven)) {
    for (columns, lines) in [(120, 36), (80, 24)] {
        let mut driven = opened(columns, lines);
        prepare(&mut driven);
        no_key(&driven);
        assert_snapshot!(format!("{name}-{columns}x{lines}"), driven.screen());
    }
}

#[test]
fn before_anything_is_handed_over() {
    both("untouched", |_| {});
}

#[test]
fn a_good_one_with_its_key() {
    both("good", hand_over);
}

#[test]
fn one_that_would_break_somebody_and_a_key_of_another() {
    both("refused", |driven| {
        let (leaf, root) = chain(&["shop.example"]);
        paste(driven, &format!("{leaf}{root}"));
        driven.press("tab tab");
        paste(driven, OTHER);
    });
}

#[test]
fn what_is_pasted_is_planned_with_whole_and_presses_no_key() {
    for ends in ["\n", "\r\n", "\r"] {
        let mut driven = opened(80, 24);
        let pasted = |text: &str| text.replace("\r\n", "\n").replace('\n', ends);
        paste(&mut driven, &pasted(&good()));
        driven.press("tab tab");
        paste(&mut driven, &pasted(SEC1));
        assert!(driven.effects.is_empty() && driven.app.place() == Place::Form, "{ends:?}");
        let lines = SEC1.lines().count();
        let said = format!("private key, {} bytes, {lines} lines, not shown", SEC1.len());
        assert!(driven.screen().contains(&said), "{said} is not on\n{}", driven.screen());
        driven.press("ctrl-s");
        let facts = holdfast::x509::chain(good().as_bytes()).unwrap().remove(0);
        assert_eq!(planned(&driven), (facts.fingerprint.to_string(), false), "{ends:?}");
        assert_eq!(KeyKind::like(&facts.key).map(KeyKind::word), Some("ecdsa-p256"));
        no_key(&driven);
    }
}

#[test]
fn a_key_among_what_is_pasted_goes_into_its_own_field() {
    for text in
        [format!("{KEY}{}", good()), format!("{}{SEC1}", good()), as_terminals_paste(&format!("{}{KEY}", good()))]
    {
        let mut driven = opened(120, 36);
        paste(&mut driven, &text);
        no_key(&driven);
        assert!(driven.screen().contains("the private key among it went into its own field"), "{}", driven.screen());
        driven.press("ctrl-s");
        planned(&driven);
    }
}

/// Without bracketed paste a terminal types what is pasted: letters, and enter at the ends of lines.
#[test]
fn a_key_that_is_typed_where_the_certificate_is_goes_on_in_its_own_field() {
    let mut driven = opened(120, 36);
    let typed = format!("{}{KEY}", good().replace("\r\n", "\n"));
    for letter in typed.chars() {
        match letter {
            '\n' => drop(driven.press("enter")),
            ' ' => drop(driven.press("space")),
            letter => driven.input(Input::Key(crossterm::event::KeyCode::Char(letter).into())),
        }
        if driven.screen().contains("PRIVATE KEY-----") {
            no_key(&driven);
        }
    }
    no_key(&driven);
    assert!(driven.screen().contains("it belongs to this certificate"), "{}", driven.screen());
}

#[test]
fn a_key_is_taken_nowhere_else() {
    let encoded = "tls.key: LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCk1JR0hBZ0VB";
    for (keys, text) in [
        ("x a tab", KEY),
        ("x a tab tab tab tab tab tab tab tab", KEY),
        ("x a", encoded),
        ("x f tab tab tab tab tab tab", KEY),
        ("/", SEC1),
        (":", KEY),
    ] {
        let mut driven = on("payments-tls", 120, 36);
        driven.press(keys);
        paste(&mut driven, text);
        no_key(&driven);
        let screen = driven.screen();
        assert!(!screen.contains("LS0tLS1CRUdJ"), "{screen}");
        // Where a filter is typed, there is no room to say so.
        assert!(screen.contains("it was not taken") || screen.contains("not shown") || keys == "/", "{keys}: {screen}");
    }
}

#[test]
fn what_is_wrong_is_said_where_it_is_put_right_and_nothing_of_it_is_lost() {
    let cut = good().replace("-----END CERTIFICATE-----", "");
    let other = chain(&["pay.shop.example", "pay.shop.example.svc", "more.example"]).0;
    for (certificate, key, said) in [
        ("no PEM", KEY, "✗ the certificate holds no PEM certificate"),
        (&cut, KEY, "has no END line of its own"),
        (&good(), "no PEM", "✗ there is no private key"),
        (&good(), ENCRYPTED, "✗ the private key is encrypted"),
        (&good(), OTHER, "✗ the private key belongs to none of the certificates"),
        (&good(), &format!("{KEY}{OTHER}"), "✗ there are 2 private keys"),
        (&format!("{}{other}", good()), KEY, "✗ 1 of the certificates did not issue any of the others"),
    ] {
        let mut driven = opened(120, 36);
        paste(&mut driven, certificate);
        driven.press("tab tab");
        paste(&mut driven, key);
        driven.press("ctrl-s");
        assert!(driven.effects.is_empty(), "{said}: {:?}", driven.effects);
        assert!(driven.screen().contains(said), "{said} is not on\n{}", driven.screen());
        no_key(&driven);
        let kept = format!("private key, {} bytes", key.len());
        assert!(driven.screen().contains(&kept), "{kept} is not on\n{}", driven.screen());
    }
}

#[test]
fn the_key_is_emptied_and_given_anew() {
    let mut driven = opened(120, 36);
    paste(&mut driven, &good());
    driven.press("tab tab");
    paste(&mut driven, OTHER);
    driven.press("ctrl-u");
    assert!(!driven.screen().contains(" bytes, "), "{}", driven.screen());
    paste(&mut driven, KEY);
    driven.press("ctrl-s");
    planned(&driven);
}

#[test]
fn names_that_are_missing_are_left_out_when_that_is_said() {
    let mut driven = opened(120, 36);
    paste(&mut driven, &format!("{}{KEY}", chain(&["pay.shop.example"]).0));
    assert!(driven.screen().contains("✗ names of the present one are missing: pay.shop.example.svc"));
    driven.press("tab tab tab tab y tab");
    assert!(!driven.screen().contains("missing"), "{}", driven.screen());
    assert!(driven.screen().contains("▲ names: pay.shop.example; no longer: pay.shop.example.svc"));
    driven.press("ctrl-s");
    assert!(planned(&driven).1);
}

#[test]
fn files_are_read_into_the_fields_above_and_are_in_the_command() {
    let mut driven = opened(120, 36);
    let answer = |driven: &mut Driven, said: &str, text: &str, warning: Option<&str>| {
        let Some(Effect::ReadFile(place, path)) = driven.effects.pop() else { panic!("{:?}", driven.effects) };
        assert_eq!(path.to_str(), Some(said));
        let file = FileText { text: text.into(), warning: warning.map(str::to_owned) };
        driven.input(Input::FileRead(place, Ok(file)));
    };
    driven.press("tab /run/web.pem enter");
    answer(&mut driven, "/run/web.pem", &good(), Some("others read it"));
    assert!(!driven.screen().contains("others read it"), "a certificate is no secret");
    driven.press("tab /run/web.key ctrl-s");
    assert!(!driven.effects.iter().any(|effect| matches!(effect, Effect::Plan { .. })), "it is looked at first");
    answer(&mut driven, "/run/web.key", KEY, Some("others read it"));
    assert!(driven.screen().contains("others read it"), "{}", driven.screen());
    no_key(&driven);
    let said = command(&mut driven);
    assert!(said.contains("--certificate /run/web.pem --private-key /run/web.key"), "{said}");
    driven.press("ctrl-s");
    planned(&driven);
    // What was edited since is no longer what is in the file.
    driven.press("esc shift-tab");
    driven.effects.clear();
    driven.press("ctrl-u");
    paste(&mut driven, KEY);
    let said = command(&mut driven);
    assert!(said.contains("--certificate /run/web.pem --private-key FILE"), "{said}");
}

#[test]
fn one_file_with_both_is_one_in_the_command_and_one_that_cannot_be_read_says_why() {
    let mut driven = opened(120, 36);
    driven.press("tab /run/none enter");
    let Some(Effect::ReadFile(place, _)) = driven.effects.pop() else { panic!() };
    driven.input(Input::FileRead(place, Err("cannot read /run/none: it is not there".into())));
    assert!(driven.screen().contains("✗ cannot read /run/none: it is not there"), "{}", driven.screen());
    driven.press("shift-tab shift-tab");
    paste(&mut driven, &good());
    driven.press("tab enter");
    let Some(Effect::ReadFile(place, _)) = driven.effects.pop() else { panic!("it is read again") };
    let large = FileText { text: "x".repeat(2 << 20).as_str().into(), warning: None };
    driven.input(Input::FileRead(place, Ok(large)));
    for said in ["it is larger than 1 MiB", "-----END CERTIFICATE-----"] {
        assert!(driven.screen().contains(said), "{said} is not on\n{}", driven.screen());
    }
    driven.press("shift-tab enter");
    let Some(Effect::ReadFile(place, _)) = driven.effects.pop() else { panic!("it is read again") };
    let file = FileText { text: format!("{}{KEY}", good()).as_str().into(), warning: None };
    driven.input(Input::FileRead(place, Ok(file)));
    no_key(&driven);
    let said = command(&mut driven);
    assert!(said.contains("--certificate /run/none --context"), "{said}");
}

#[test]
fn going_back_keeps_what_was_handed_over_for_the_same_secret_and_the_other_form_is_another() {
    let mut driven = opened(120, 36);
    paste(&mut driven, &format!("{}{KEY}", good()));
    driven.press("ctrl-s");
    let refusal = Refusal { verb: Verb::Rotate, object: "c".into(), why: "quota".into(), clear: "wait".into() };
    driven.input(Input::Planned { ask: 1, result: Box::new(Err(refusal)) });
    assert_eq!(driven.app.place(), Place::Refusal);
    driven.press("esc esc");
    assert!(driven.screen().contains("what you typed is kept: x a opens it again"), "{}", driven.screen());
    driven.effects.clear();
    driven.press("x f enter");
    let Some(Effect::Plan { request, .. }) = driven.effects.last() else { panic!("{:?}", driven.effects) };
    let Request::Rotate { options, .. } = &**request else { panic!("{request:?}") };
    assert_eq!(options.signer, Signer::Former);
    driven.press("esc esc");
    driven.effects.clear();
    driven.press("x a ctrl-s");
    planned(&driven);
    no_key(&driven);
}

#[test]
fn nothing_is_taken_in_a_read_only_session_nor_for_what_cert_manager_writes() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.press("3 / name:web-tls enter x");
    let line = |driven: &Driven| {
        let screen = driven.screen();
        let found = screen.lines().find(|line| line.contains("import certificate")).map(str::to_owned);
        found.unwrap_or_else(|| panic!("{screen}"))
    };
    assert!(line(&driven).contains("cert-manager writes this Secret: renew it"), "{}", line(&driven));
    driven.press("esc esc");
    driven.desk.world.context.read_only = true;
    driven.press("3 / ctrl-u name:payments-tls enter x");
    assert!(line(&driven).contains("read-only: needs a session that may write"), "{}", line(&driven));
    driven.press("a");
    assert_ne!(driven.app.place(), Place::Form);
}

#[test]
fn a_plan_that_is_confirmed_leaves_nothing_behind() {
    let mut driven = opened(120, 36);
    paste(&mut driven, &format!("{}{KEY}", good()));
    driven.press("ctrl-s");
    let Some(Effect::Plan { ask, .. }) = driven.effects.last() else { panic!("{:?}", driven.effects) };
    let ask = *ask;
    let mut volume = Driven::new(shop::desk(), 120, 36);
    let plan = screens::plan(volume.press("x b enter"));
    let name = plan.subject.object.name.to_string();
    driven.input(Input::Planned { ask, result: Box::new(Ok((plan, DryRun::Accepted))) });
    driven.press("enter");
    paste(&mut driven, &name);
    driven.press("enter");
    assert!(matches!(driven.effects.last(), Some(Effect::Start(_))), "{:?}", driven.effects);
    driven.press("esc esc 3 x a");
    assert!(!driven.screen().contains(" bytes, "), "{}", driven.screen());
}

#[test]
fn what_a_certificate_or_a_file_says_reaches_no_terminal() {
    for (columns, lines) in [(120, 36), (80, 24)] {
        let mut driven = opened(columns, lines);
        paste(&mut driven, &chain_to(HOSTILE, &["pay.shop.example"]).0);
        harmless(&driven.buffer(), "names of a certificate");
        paste(&mut driven, HOSTILE);
        harmless(&driven.buffer(), "text beside a certificate");
        driven.press("tab");
        paste(&mut driven, HOSTILE);
        driven.press("enter");
        let Some(Effect::ReadFile(place, _)) = driven.effects.pop() else { panic!("{:?}", driven.effects) };
        driven.input(Input::FileRead(place, Err(HOSTILE.into())));
        harmless(&driven.buffer(), "why a file cannot be read");
        driven.input(Input::FileRead(place, Ok(FileText { text: KEY.into(), warning: Some(HOSTILE.into()) })));
        harmless(&driven.buffer(), "who can read a file");
    }
}

#[test]
fn each_field_is_reached_and_seen_on_the_least_screen() {
    let mut driven = opened(LEAST.0, LEAST.1);
    paste(&mut driven, &format!("{}{KEY}", good()));
    for label in ["Certificate", "or its file", "Private key", "or its file", "Other names", "Restart", "Key is known"]
    {
        let screen = driven.screen();
        assert!(screen.lines().any(|line| line.contains("▌") && line.contains(label)), "{label}: {screen}");
        driven.press("tab");
    }
    no_key(&driven);
}
