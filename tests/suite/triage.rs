//! Triage: what people decide on findings, on the command line and in sessions, alone and with colleagues.

use std::path::Path;

use holdfast::cluster::Target;
use holdfast::config::{Config, FindingsConfig, ScanPlace};
use holdfast::model::{Kind, TriageState};
use holdfast::plan::triage::Wish;
use holdfast::session::{Event, Options, Session, Unnamed};
use holdfast::store::Store;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::cluster::TestCluster;
use crate::support::desk;
use crate::support::person::{Ended, Person};
use crate::support::scenarios;
use crate::support::terminal::Terminal;
use crate::support::wait::LONG;
use crate::vulnerable::{Shop, another_second, release, scan, trusts};

scenarios!(
    a_false_positive_makes_copies_good_until_it_is_open_again,
    an_acceptance_that_runs_out_makes_copies_suspicious_again,
    two_consoles_with_one_folder_agree,
    a_read_only_console_decides_nothing,
    what_is_decided_in_the_console_is_written_and_shown,
);

/// A log of one complete scan with findings of these rules, at some moment.
fn log(rules: &[&str], at: Timestamp) -> String {
    let results = rules.iter().map(|rule| {
        json!({
            "ruleId": rule, "level": "error", "message": { "text": format!("{rule} was found") },
            "locations": [{ "physicalLocation": { "artifactLocation": { "uri": "src/db.rs" }, "region": { "startLine": 7 } } }],
        })
    });
    json!({
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "Scan" } },
            "invocations": [{ "executionSuccessful": true, "endTimeUtc": at.to_string() }],
            "results": results.collect::<Vec<_>>(),
        }],
    })
    .to_string()
}

fn ago(hours: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_hours(hours)
}

/// Somebody without a cluster whose sources hold one scan, and who shares decisions in a folder where one is named.
fn person(author: &str, shared: Option<&Path>) -> Person {
    let person = Person::new("", &[]);
    std::fs::create_dir(person.home().join("ci")).unwrap();
    std::fs::write(person.home().join("ci/a.sarif"), log(&["sqli", "xss"], ago(1))).unwrap();
    let shared = shared.map(|path| format!("shared = \"{}\"\n", path.display())).unwrap_or_default();
    person.configure(&format!("[findings]\nauthor = \"{author}\"\n{shared}[[findings.sources]]\npath = \"ci\"\n"));
    person
}

async fn findings(person: &Person) -> Vec<Value> {
    let ended = person.run(&["findings", "-o", "json"]).await;
    ended.json().as_array().unwrap().clone()
}

/// The finding of a rule.
async fn finding(person: &Person, rule: &str) -> Value {
    findings(person).await.into_iter().find(|one| one["rule"] == rule).unwrap()
}

async fn id(person: &Person, rule: &str) -> String {
    finding(person, rule).await["id"].as_str().unwrap().to_owned()
}

async fn triage(person: &Person, arguments: &[&str]) -> Ended {
    person.run(&[&["triage"], arguments].concat()).await
}

async fn decided(person: &Person) -> Vec<Value> {
    triage(person, &["-o", "json"]).await.json().as_array().unwrap().clone()
}

#[tokio::test]
async fn what_is_decided_shows_in_findings_and_counts_no_more() {
    let person = person("ada", None);
    let sqli = id(&person, "sqli").await;
    let limit = ["findings", "--fail-on", "high"];
    assert!(person.run(&limit).await.expect(1).stderr.contains("2 findings"));
    let table = person.run(&["findings"]).await.expect(0).stdout;
    assert!(table.starts_with("ID ") && table.contains(&sqli[..8]), "{table}");

    let said = triage(&person, &[&sqli[..8], "--state", "false-positive", "--reason", "only in tests"]).await.expect(0);
    assert!(said.stdout.contains(&sqli) && said.stdout.contains("sqli src/db.rs:7 (Scan): false-positive"), "{said:?}");
    let now = finding(&person, "sqli").await;
    assert_eq!((&now["state"], &now["open"]), (&"False positive".into(), &false.into()));
    assert_eq!((&now["decision"]["author"], &now["decision"]["reason"]), (&"ada".into(), &"only in tests".into()));
    assert!(person.run(&limit).await.expect(1).stderr.contains("1 finding of band"));

    let xss = id(&person, "xss").await;
    triage(&person, &[&xss, "--state", "acknowledged", "--reason", "looked at"]).await.expect(0);
    assert_eq!(finding(&person, "xss").await["state"], "Acknowledged");
    person.run(&limit).await.expect(1);
    let later = &[&xss, "--state", "accepted", "--reason", "behind a proxy", "--until", "30d"];
    triage(&person, later).await.expect(0);
    person.run(&limit).await.expect(0);
    let all = decided(&person).await;
    let standing: Vec<_> =
        all.iter().map(|one| (one["state"].as_str().unwrap(), one["standing"].as_str().unwrap())).collect();
    assert_eq!(standing, [("accepted", "counts"), ("acknowledged", "replaced"), ("false-positive", "counts")]);

    triage(&person, &[&sqli, &xss, "--state", "open", "--reason", "not so sure"]).await.expect(0);
    assert!(findings(&person).await.iter().all(|one| one["open"] == true && one["state"] == "Open"));
    assert!(triage(&person, &[]).await.expect(0).stdout.contains("not so sure"));
}

#[tokio::test]
async fn an_export_carries_decisions_as_suppressions_with_their_end() {
    let person = person("ada", None);
    let (sqli, xss) = (id(&person, "sqli").await, id(&person, "xss").await);
    let until = "2099-01-31T00:00:00Z";
    triage(&person, &[&sqli, "--state", "accepted", "--reason", "for now", "--until", until]).await.expect(0);
    triage(&person, &[&xss, "--state", "false-positive", "--reason", "no input"]).await.expect(0);
    let log = person.run(&["findings", "-o", "sarif"]).await.expect(0).json();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let suppression = |rule: &str| {
        let result = results.iter().find(|one| one["ruleId"] == rule).unwrap();
        let all = result["suppressions"].as_array().unwrap();
        assert_eq!(all.len(), 1);
        all[0].clone()
    };
    for (rule, said) in [("sqli", "accepted: for now (ada"), ("xss", "false-positive: no input (ada")] {
        let one = suppression(rule);
        assert_eq!((&one["kind"], &one["status"]), (&"external".into(), &"accepted".into()));
        assert!(one["justification"].as_str().unwrap().starts_with(said), "{one}");
    }
    assert_eq!(suppression("sqli")["properties"]["expiryUtc"], until);
    // Whoever reads it elsewhere takes them for what they are.
    let again = person.home().join("again.sarif");
    std::fs::write(&again, log.to_string()).unwrap();
    let elsewhere = Person::new("", &[]);
    let read = elsewhere.run(&["findings", again.to_str().unwrap(), "-o", "json"]).await.expect(0).json();
    assert!(read.as_array().unwrap().iter().all(|one| one["state"] == "Suppressed"), "{read}");
}

#[tokio::test]
async fn what_may_not_be_decided_is_refused_and_nothing_is_written() {
    let person = person("ada", None);
    let sqli = id(&person, "sqli").await;
    for (arguments, code, why) in [
        (vec![&*sqli, "--state", "accepted", "--reason", "r"], 1, "an acceptance needs an end"),
        (vec![&*sqli, "--state", "accepted", "--reason", "r", "--until", "2020-01-01"], 2, "in the future"),
        (vec![&*sqli, "--state", "accepted", "--reason", "r", "--until", "soon"], 2, "30d"),
        (vec![&*sqli, "--state", "fixed", "--reason", " "], 1, "a reason is needed"),
        (vec![&*sqli, "--state", "fixed"], 2, "--reason"),
        (vec![&*sqli], 2, "--state"),
        (vec![&*sqli, "--state", "wontfix", "--reason", "r"], 2, "false-positive"),
        (vec!["deadbeef", "--state", "fixed", "--reason", "r"], 1, "no finding deadbeef is in the sources"),
        (vec![&*sqli, "deadbeef", "--state", "fixed", "--reason", "r"], 1, "no finding deadbeef"),
        (vec!["../../x", "--state", "fixed", "--reason", "r"], 2, "hexadecimal"),
        (vec![&*sqli, "--state", "fixed", "--reason", "r", "--read-only"], 1, "read-only"),
    ] {
        let ended = triage(&person, &arguments).await.expect(code);
        assert!(ended.stderr.contains(why), "{arguments:?}: {ended:?}");
    }
    assert!(decided(&person).await.is_empty() && !person.state().join("decisions").exists());
    person.configure("[[findings.sources]]\npath = \"ci\"\n");
    let nobody = triage(&person, &[&sqli, "--state", "fixed", "--reason", "r"]).await.expect(2);
    assert!(nobody.stderr.contains("findings.author"), "{nobody:?}");
}

#[tokio::test]
async fn a_finding_of_a_named_log_can_be_decided_on_and_is_known_by_its_identity_everywhere() {
    let person = person("ada", None);
    let other = person.home().join("other.sarif");
    std::fs::write(&other, log(&["path-traversal"], ago(1))).unwrap();
    let other = other.to_str().unwrap();
    let all = person.run(&["findings", other, "-o", "json"]).await.expect(0).json();
    let id = all[0]["id"].as_str().unwrap();
    let wish = ["--state", "false-positive", "--reason", "r"];
    triage(&person, &[&[id], &wish[..]].concat()).await.expect(1);
    triage(&person, &[&[id, "--in", other], &wish[..]].concat()).await.expect(0);
    person.run(&["findings", other, "--fail-on", "info"]).await.expect(0);
}

/// By somebody's word; a scan that sees it after that knows better.
#[tokio::test]
async fn what_was_called_fixed_and_is_seen_again_counts() {
    let person = person("ada", None);
    let sqli = id(&person, "sqli").await;
    triage(&person, &[&sqli, "--state", "fixed", "--reason", "patched"]).await.expect(0);
    assert_eq!(finding(&person, "sqli").await["open"], false);
    // The clock of the scanner is ahead by no more than is taken for the truth.
    let later = Timestamp::now() + SignedDuration::from_mins(2);
    std::fs::write(person.home().join("ci/b.sarif"), log(&["sqli", "xss"], later)).unwrap();
    let again = finding(&person, "sqli").await;
    assert_eq!((&again["open"], &again["state"]), (&true.into(), &"Seen again".into()));
    let exported = person.run(&["findings", "-o", "sarif"]).await.expect(0).json();
    assert!(!exported.to_string().contains("patched"), "{exported:#}");
}

/// Whole processes, each with its own state, all of one author on one machine, and so in one file.
#[tokio::test]
async fn consoles_that_decide_at_once_lose_nothing() {
    let share = tempfile::tempdir().unwrap();
    let people: Vec<Person> = (0..6).map(|_| person("ada", Some(share.path()))).collect();
    let sqli = id(&people[0], "sqli").await;
    let reasons: Vec<String> = (0..6).map(|number| format!("reason {number}")).collect();
    let deciding = people.iter().zip(&reasons).map(|(person, reason)| {
        let arguments = ["triage", &sqli, "--state", "acknowledged", "--reason", reason].map(str::to_owned);
        async move { person.run(&arguments.each_ref().map(String::as_str)).await.expect(0) }
    });
    futures::future::join_all(deciding).await;
    let mut said: Vec<String> =
        decided(&people[0]).await.iter().map(|one| one["reason"].as_str().unwrap().to_owned()).collect();
    said.sort();
    assert_eq!(said, reasons);
    assert_eq!(std::fs::read_dir(share.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn decisions_that_cannot_be_read_are_named_and_nothing_is_below_a_limit_then() {
    let share = tempfile::tempdir().unwrap();
    let person = person("ada", Some(share.path()));
    let (sqli, xss) = (id(&person, "sqli").await, id(&person, "xss").await);
    triage(&person, &[&sqli, &xss, "--state", "false-positive", "--reason", "r"]).await.expect(0);
    let limit = ["findings", "--fail-on", "high"];
    person.run(&limit).await.expect(0);
    std::fs::write(share.path().join("bob@laptop.jsonl"), "<<<<<<< HEAD\n").unwrap();
    let marked = person.run(&limit).await.expect(0);
    assert!(marked.stderr.contains("bob@laptop.jsonl:1: is a mark of git"), "{marked:?}");
    std::fs::write(share.path().join("bob@laptop.jsonl"), format!("{{\"finding\":\"{sqli}\",\"state\":\"opne\"}}\n"))
        .unwrap();
    let lost = person.run(&limit).await.expect(3);
    assert!(lost.stderr.contains("bob@laptop.jsonl:1: is no decision"), "{lost:?}");
    triage(&person, &[]).await.expect(3);

    std::fs::remove_dir_all(share.path()).unwrap();
    let gone = triage(&person, &[&sqli, "--state", "open", "--reason", "r"]).await.expect(1);
    assert!(gone.stderr.contains("nothing is decided") && gone.stderr.contains("cannot be listed"), "{gone:?}");
    person.run(&limit).await.expect(1);
}

/// A session of a console that reads a shop's scans and decides in a folder.
fn session(shop: &Shop, cluster: &TestCluster, author: &str, shared: &Path, read_only: bool) -> Session {
    let person = &shop.sre;
    let target = Target {
        kubeconfig: Some(person.kubeconfig()),
        namespaces: vec![cluster.namespace.clone()],
        read_only,
        ..Target::default()
    };
    let sources = vec![ScanPlace { path: person.home().join("ci"), trusted: true }];
    let findings = FindingsConfig {
        sources,
        author: Some(author.to_owned()),
        shared: Some(shared.to_owned()),
        ..FindingsConfig::default()
    };
    let store = Store::open(&person.state().join(author)).unwrap();
    let config = Config { findings, ..Config::default() };
    Session::open(Options { target, config, store, unnamed: Unnamed::All, kinds: Kind::ALL.to_vec() })
}

fn wish(state: TriageState, reason: &str) -> Wish {
    Wish { state, reason: reason.to_owned(), until: None }
}

/// Decides and waits for the answer.
async fn decide(session: &mut Session, wish: &Wish) -> Result<usize, String> {
    let ids: Vec<_> = session.desk().world.findings.ids().collect();
    let ticket = session.decide(&ids, wish)?;
    loop {
        match tokio::time::timeout(LONG, session.next()).await.expect("an answer") {
            Event::Decided(answered, ended) if answered == ticket => return ended,
            _ => {}
        }
    }
}

async fn two_consoles_with_one_folder_agree(cluster: TestCluster) {
    let (shop, share) = (Shop::of(&cluster, true), tempfile::tempdir().unwrap());
    std::fs::write(shop.file('b'), scan('b', true, true)).unwrap();
    let mut ada = session(&shop, &cluster, "ada", share.path(), false);
    let mut bob = session(&shop, &cluster, "bob", share.path(), false);
    for console in [&mut ada, &mut bob] {
        desk::until(console, "the finding", LONG, |desk| desk.world.findings.ids().count() == 1).await;
    }
    let id = ada.desk().world.findings.ids().next().unwrap();
    let refused = decide(&mut ada, &wish(TriageState::Accepted, "for now")).await.unwrap_err();
    assert!(refused.contains("an acceptance needs an end"), "{refused}");
    assert_eq!(std::fs::read_dir(share.path()).unwrap().count(), 0);

    assert_eq!(decide(&mut ada, &wish(TriageState::FalsePositive, "only in tests")).await, Ok(1));
    let (now, told) = (Timestamp::now(), &ada.desk().world.triage);
    assert_eq!(told.state(id, now), TriageState::FalsePositive, "it shows once it is on disk");
    let states = |desk: &holdfast::session::Desk| desk.world.triage.state(id, Timestamp::now());
    desk::until(&mut bob, "what a colleague decided", LONG, |desk| states(desk) == TriageState::FalsePositive).await;
    assert_eq!(decide(&mut bob, &wish(TriageState::Open, "in production too")).await, Ok(1));
    desk::until(&mut ada, "the answer", LONG, |desk| states(desk) == TriageState::Open).await;
    assert_eq!(ada.desk().world.triage, bob.desk().world.triage);

    // A folder that is gone: it says so, nothing is decided, and nothing that was known is taken back as it is read.
    std::fs::remove_dir_all(share.path()).unwrap();
    let error = decide(&mut ada, &wish(TriageState::Fixed, "patched")).await.unwrap_err();
    assert!(error.contains("nothing is decided"), "{error}");
    assert_eq!(states(ada.desk()), TriageState::Open);
    desk::until(&mut ada, "what is not known any more", LONG, |desk| {
        desk.world.findings.unread().iter().any(|said| said.contains("cannot be listed"))
    })
    .await;
}

async fn a_read_only_console_decides_nothing(cluster: TestCluster) {
    let (shop, share) = (Shop::of(&cluster, true), tempfile::tempdir().unwrap());
    std::fs::write(shop.file('b'), scan('b', true, true)).unwrap();
    let mut console = session(&shop, &cluster, "ada", share.path(), true);
    desk::until(&mut console, "the finding", LONG, |desk| desk.world.findings.ids().count() == 1).await;
    let refused = decide(&mut console, &wish(TriageState::FalsePositive, "r")).await.unwrap_err();
    assert!(refused.contains("read-only"), "{refused}");
    assert_eq!(std::fs::read_dir(share.path()).unwrap().count(), 0);
}

async fn what_is_decided_in_the_console_is_written_and_shown(cluster: TestCluster) {
    let shop = Shop::of(&cluster, true);
    let configured = std::fs::read_to_string(shop.sre.config()).unwrap();
    shop.sre.configure(&format!("[findings]\nauthor = \"ada\"\n{configured}"));
    std::fs::write(shop.file('b'), scan('b', true, true)).unwrap();
    let mut terminal = Terminal::holdfast(&shop.sre, &["-n", &cluster.namespace], 120, 36);
    terminal.press("4z");
    terminal.until("the finding", |screen| screen.contains("sqli") && screen.contains("Open")).await;
    terminal.press("D");
    terminal.shows("nothing is decided yet").await;
    terminal.press("fal\rtests\r\r");
    terminal.until("what was decided", |screen| screen.contains("False positive")).await;
    let told = decided(&shop.sre).await;
    assert_eq!((&told[0]["state"], &told[0]["reason"]), (&"false-positive".into(), &"tests".into()), "{told:?}");
    assert_eq!((told.len(), &told[0]["author"]), (1, &"ada".into()));
}

/// A shop whose only copy was cut while code with a finding ran, and that finding.
async fn exposed(cluster: &TestCluster) -> (Shop, String) {
    let shop = Shop::of(cluster, true);
    let configured = std::fs::read_to_string(shop.sre.config()).unwrap();
    shop.sre.configure(&format!("[findings]\nauthor = \"ada\"\n{configured}"));
    std::fs::write(shop.file('b'), scan('b', true, true)).unwrap();
    release(cluster, 'b').await;
    another_second().await;
    shop.back_up().await;
    assert_eq!(trusts(&shop.known_good().await.1), ["exposed"]);
    let id = id(&shop.sre, "sqli").await;
    (shop, id)
}

async fn a_false_positive_makes_copies_good_until_it_is_open_again(cluster: TestCluster) {
    let (shop, id) = exposed(&cluster).await;
    let wish = ["--state", "false-positive", "--reason", "the query is constant"];
    triage(&shop.sre, &[&[&*id], &wish[..]].concat()).await.expect(0);
    let (_, said) = shop.known_good().await;
    assert_ne!(trusts(&said), ["exposed"], "{said:#}");
    assert_eq!(said["findings"].as_array().unwrap().len(), 0, "{said:#}");
    triage(&shop.sre, &[&id, "--state", "open", "--reason", "it is not"]).await.expect(0);
    assert_eq!(trusts(&shop.known_good().await.1), ["exposed"]);
}

async fn an_acceptance_that_runs_out_makes_copies_suspicious_again(cluster: TestCluster) {
    let (shop, id) = exposed(&cluster).await;
    let arguments = [&*id, "--state", "accepted", "--reason", "for now", "--until", "30d"];
    triage(&shop.sre, &arguments).await.expect(0);
    let (_, said) = shop.known_good().await;
    assert_ne!(trusts(&said), ["exposed"], "{said:#}");
    // The same, as it is when its time has gone by.
    let file = std::fs::read_dir(shop.sre.state().join("decisions")).unwrap().next().unwrap().unwrap().path();
    let mut line: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    (line["at"], line["until"]) = (ago(2).to_string().into(), ago(1).to_string().into());
    std::fs::write(&file, format!("{line}\n")).unwrap();
    let (_, said) = shop.known_good().await;
    assert_eq!(trusts(&said), ["exposed"], "{said:#}");
    let listed = decided(&shop.sre).await;
    assert_eq!((&listed[0]["standing"], &listed[0]["hides"]), (&"has run out".into(), &false.into()));
    assert!(said.to_string().contains("has run out"), "{said:#}");
}
