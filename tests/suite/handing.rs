//! A certificate and its private key are pasted into the console: the real binary on a real terminal.

use std::sync::Arc;

use holdfast::model::Uid;
use holdfast::plan::rotate::{HandedOver, TYPED};
use holdfast::plan::{Plan, Request};
use holdfast::session::{Desk, Event, Session};
use holdfast::x509::Given;
use serde_json::Value;

use crate::renew::everything_below;
use crate::rotate::{held, prepared};
use crate::support::cluster::TestCluster;
use crate::support::desk;
use crate::support::person::Person;
use crate::support::pki::{Authority, Pair};
use crate::support::scenarios;
use crate::support::terminal::Terminal;
use crate::support::wait::{self, LONG};

scenarios!(
    what_is_pasted_takes_its_place_and_its_key_is_on_no_screen_and_in_no_file,
    what_would_break_somebody_is_said_while_it_is_pasted_and_nothing_is_written,
    files_are_read_by_name_and_a_key_that_others_can_read_is_said,
    a_key_whose_plan_was_given_up_for_another_is_let_go,
);

/// The console with the import form open on Secret `web-tls`.
async fn opened(cluster: &TestCluster, sre: &Person, more: &[&str]) -> Terminal {
    let arguments = [more, &["-n", &cluster.namespace]].concat();
    let mut terminal = Terminal::holdfast(sre, &arguments, 120, 36);
    terminal.shows("web-tls").await;
    terminal.press("3/name:web-tls\r");
    terminal.until("the Secret alone", |screen| screen.contains("Certificates 1/") && screen.contains("web-tls")).await;
    terminal.press("xa");
    terminal.shows("import a certificate into").await;
    terminal
}

/// As a terminal pastes it: in brackets, its line breaks carriage returns.
fn pasted(text: &str) -> String {
    format!("\u{1b}[200~{}\u{1b}[201~", text.replace("\r\n", "\n").replace('\n', "\r"))
}

/// Panics when a line of a key was ever written to the terminal, or is in a file of this person's.
fn not_written_down(terminal: &Terminal, sre: &Person, pairs: &[&Pair]) {
    let written = everything_below(sre.home());
    for line in pairs.iter().flat_map(|pair| pair.key.lines()).filter(|line| !line.starts_with('-')) {
        let begins = &line[..line.len().min(16)];
        assert!(!written.contains(begins), "a key is written down");
        assert_eq!(terminal.written(begins), 0, "a key was shown");
    }
}

async fn what_is_pasted_takes_its_place_and_its_key_is_on_no_screen_and_in_no_file(cluster: TestCluster) {
    let (sre, _) = prepared(&cluster).await;
    let theirs = Authority::new("their CA");
    let leaf = theirs.leaf(&format!("web.{}.svc", cluster.namespace));
    let log = sre.home().join("log");
    let mut terminal = opened(&cluster, &sre, &["--log-file", log.to_str().unwrap()]).await;
    terminal.press(&pasted(&format!("{}{}", theirs.pair.certificate, leaf.certificate)));
    terminal.shows("private key: there is none yet").await;
    terminal.press("\t\t");
    terminal.press(&pasted(&leaf.key));
    let form = terminal.shows("private key: it belongs to this certificate").await;
    for said in ["CN=their CA, until", "they are put in order, the leaf first", "lines, not shown"] {
        assert!(form.contains(said), "{said} is not in {form}");
    }
    assert!(sre.journals().is_empty(), "a paste presses no key");
    let ctrl_s = "\u{13}";
    terminal.press(ctrl_s);
    terminal.shows("Review").await;
    terminal.press("\r");
    terminal.shows("Confirm").await;
    terminal.press("web-tls\r");
    terminal.shows("✓ Done").await;
    wait::until("the journal to be closed", LONG, async || {
        (sre.story().last().map(String::as_str) == Some("closed")).then_some(())
    })
    .await;
    let new = held(&cluster, "web-tls").await;
    assert_eq!(new.certificate, leaf.certificate.replace("\r\n", "\n"), "without the root");
    let facts = sre.entries()[0]["body"]["plan"].to_string();
    assert!(facts.contains(&*new.facts.fingerprint), "the journal has the fingerprint");
    assert_eq!(sre.entries()[0]["body"]["authority"]["typed"]["who"], "sre");
    not_written_down(&terminal, &sre, &[&leaf]);
}

async fn what_would_break_somebody_is_said_while_it_is_pasted_and_nothing_is_written(cluster: TestCluster) {
    let (sre, present) = prepared(&cluster).await;
    let theirs = Authority::new("their CA");
    let (other, good) = (theirs.leaf("other.example"), theirs.leaf(&format!("web.{}.svc", cluster.namespace)));
    let mut terminal = opened(&cluster, &sre, &[]).await;
    // Both at once: the key goes into its own field.
    terminal.press(&pasted(&format!("{}{}", other.certificate, other.key)));
    terminal.shows("the private key among it went into its own field").await;
    let form = terminal.shows("names of the present one are missing").await;
    assert!(form.contains("say that nobody uses them"), "{form}");
    let ctrl_s = "\u{13}";
    terminal.press(ctrl_s);
    terminal.shows("names of the present one are missing").await;
    terminal.until("why there is no plan", |screen| !screen.contains("Before the plan")).await;
    terminal.press("\u{1b}");
    terminal.shows("lines, not shown").await;
    // Another key than that of the certificate gets no further than the form.
    terminal.press("\t\t\u{15}");
    terminal.press(&pasted(&good.key));
    terminal.shows("the private key belongs to none of the certificates").await;
    terminal.press(ctrl_s);
    terminal.shows("Before the plan").await;
    assert!(sre.journals().is_empty());
    assert_eq!(held(&cluster, "web-tls").await.certificate, present.certificate);
    not_written_down(&terminal, &sre, &[&other, &good]);
}

async fn files_are_read_by_name_and_a_key_that_others_can_read_is_said(cluster: TestCluster) {
    let (sre, _) = prepared(&cluster).await;
    let leaf = Authority::new("their CA").leaf(&format!("web.{}.svc", cluster.namespace));
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (certificate, key) = (file("c.pem", &leaf.certificate), file("k.pem", &leaf.key));
    let mut terminal = opened(&cluster, &sre, &[]).await;
    terminal.press(&format!("\t{certificate}\t"));
    terminal.shows("read into the field above").await;
    terminal.press(&format!("\t{key}\t"));
    terminal.shows("can be read by others on this machine").await;
    terminal.shows("private key: it belongs to this certificate").await;
    let ctrl_s = "\u{13}";
    terminal.press(ctrl_s);
    terminal.shows("Review").await;
    terminal.press("\rweb-tls\r");
    terminal.shows("✓ Done").await;
    assert_eq!(held(&cluster, "web-tls").await.certificate, leaf.certificate.replace("\r\n", "\n"));
    let command = sre.entries()[0]["body"]["plan"]["command"].as_str().unwrap().to_owned();
    assert!(command.contains(&format!("--certificate {certificate} --private-key {key}")), "{command}");
    not_written_down(&terminal, &sre, &[&leaf]);
}

/// The plan for what is handed over, as a console has it made.
async fn planned(session: &mut Session, pair: &Pair, secret: &Uid) -> Plan {
    let given = Given::read(pair.certificate.as_bytes(), pair.key.as_bytes()).unwrap();
    let handed = HandedOver { given: Arc::new(given), certificate: TYPED.into(), key: None, other_names: false };
    let ticket = session.plan(Request::hand_over(secret).handing(Some(handed)));
    loop {
        if let Event::Planned(answered, result) = session.next().await
            && answered == ticket
        {
            return result.unwrap_or_else(|refusal| panic!("{refusal}")).plan;
        }
    }
}

/// Runs a plan to its end: what is said of that.
async fn run(session: &mut Session, plan: Plan) -> String {
    let id = session.start(plan.confirm_typed(&["web-tls"], "sre").unwrap()).unwrap();
    desk::until(session, "the operation to end", LONG, |desk| {
        let operation = desk.operations.iter().find(|operation| *operation.id == *id.as_str());
        operation.is_some_and(|operation| !operation.state.active())
    })
    .await;
    let operation = session.desk().operations.iter().find(|operation| *operation.id == *id.as_str()).unwrap();
    format!("{}: {}", operation.state.word(), operation.message.as_deref().unwrap_or_default())
}

async fn a_key_whose_plan_was_given_up_for_another_is_let_go(cluster: TestCluster) {
    let (sre, _) = prepared(&cluster).await;
    let theirs = Authority::new("their CA");
    let leaf = || theirs.leaf(&format!("web.{}.svc", cluster.namespace));
    let (given_up, taken) = (leaf(), leaf());
    let mut session = desk::session(&sre, &cluster.namespace);
    let find = |desk: &Desk| {
        let found = desk.world.inventory.tls_secrets.iter().find(|secret| &*secret.meta.name == "web-tls");
        found.map(|secret| secret.meta.uid())
    };
    desk::until(&mut session, "the Secret to be seen", LONG, |desk| find(desk).is_some()).await;
    let secret = find(session.desk()).unwrap();
    let first = planned(&mut session, &given_up, &secret).await;
    let second = planned(&mut session, &taken, &secret).await;
    let ended = run(&mut session, first).await;
    assert!(ended.contains("nothing was changed, hand it over again"), "{ended}");
    wait::until("the lock to be given back", LONG, async || {
        let leases = cluster.list("coordination.k8s.io/v1", "Lease").await;
        let free =
            |lease: &Value| lease.pointer("/spec/holderIdentity").and_then(Value::as_str).is_none_or(str::is_empty);
        leases.iter().all(free).then_some(())
    })
    .await;
    let ended = run(&mut session, second).await;
    assert!(ended.starts_with("Done"), "{ended}");
    assert_eq!(held(&cluster, "web-tls").await.certificate, taken.certificate.replace("\r\n", "\n"));
}
