//! The journal of a console: what was refused and given up is in it, what is cut off shows against the cluster, an
//! export is checked elsewhere, and several processes write it together.

use std::path::Path;

use serde_json::Value;

use crate::support::cluster::{TestCluster, User};
use crate::support::person::Person;
use crate::support::scenarios;
use crate::support::terminal::Terminal;
use crate::support::wait::{self, LONG};

scenarios!(
    a_journal_cut_short_on_disk_shows_against_what_the_cluster_remembers,
    what_was_refused_or_given_up_by_commands_is_in_the_journal,
    what_was_refused_or_given_up_in_the_console_is_in_the_journal,
    an_export_is_checked_on_another_machine_and_tells_what_was_changed,
    the_journal_of_a_run_is_checked_like_that_of_an_operation,
);

/// The lines of the journal: what, verb, why.
async fn listed(person: &Person) -> Vec<Value> {
    person.run(&["journal", "list", "-o", "json"]).await.expect(0).json().as_array().unwrap().clone()
}

fn told(lines: &[Value]) -> Vec<(String, String)> {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    lines.iter().map(|line| (word(&line["what"]), word(&line["asked"]["verb"]))).collect()
}

fn expected(lines: &[(&str, &str)]) -> Vec<(String, String)> {
    lines.iter().map(|(what, verb)| ((*what).to_owned(), (*verb).to_owned())).collect()
}

/// Keeps the first lines of a file.
fn cut(file: &Path, off: usize) {
    let text = std::fs::read_to_string(file).unwrap();
    let count = text.lines().count() - off;
    std::fs::write(file, text.split_inclusive('\n').take(count).collect::<String>()).unwrap();
}

async fn a_journal_cut_short_on_disk_shows_against_what_the_cluster_remembers(cluster: TestCluster) {
    cluster.claim("data").await;
    let sre = cluster.person(User::Sre);
    sre.run(&["backup", &format!("{}/data", cluster.namespace), "--yes"]).await.expect(0);
    let whole = sre.run(&["journal", "verify"]).await.expect(0);
    assert!(whole.stdout.contains("1 journal, all as written; compared with what"), "{whole:?}");

    let journal = sre.journals().remove(0);
    let name = format!("operations/{}", journal.file_name().unwrap().to_str().unwrap());
    let entries = sre.entries().len();
    cut(&journal, 2);
    // In itself each file is whole now, and they agree.
    cut(&sre.state().join("index.jsonl"), 1);
    let blind = sre.run(&["journal", "verify", "--here"]).await.expect(0);
    assert!(blind.stdout.contains("does not show without a look at the cluster"), "{blind:?}");
    let seen = sre.run(&["journal", "verify"]).await.expect(1);
    let journal_cut = format!("✗ {name}: it holds {} entries, and the cluster (ConfigMap", entries - 2);
    assert!(seen.stdout.contains(&journal_cut), "{seen:?}");
    assert!(seen.stdout.contains(&format!("knows {entries}: the last 2 were cut off")), "{seen:?}");
    assert!(seen.stdout.contains("✗ index.jsonl: it holds 1 entry, and the cluster (ConfigMap"), "{seen:?}");

    // The cluster is out of reach: that is said, and is no proof of anything.
    cluster.proxy.order(crate::support::proxy::Order::on(
        http::Method::GET,
        "/configmaps",
        crate::support::proxy::Fault::Status(403, None),
    ));
    let unseen = sre.run(&["journal", "verify"]).await.expect(3);
    assert!(unseen.stderr.contains("what the cluster remembers is not seen"), "{unseen:?}");
}

async fn what_was_refused_or_given_up_by_commands_is_in_the_journal(cluster: TestCluster) {
    cluster.claim("data").await;
    let (sre, auditor) = (cluster.person(User::Sre), cluster.person(User::Auditor));
    let (data, missing) = (format!("{}/data", cluster.namespace), format!("{}/missing", cluster.namespace));
    // Looking is not asking in earnest.
    sre.run(&["backup", &data, "--dry-run"]).await.expect(0);
    sre.run(&["get", "volumes", "-n", &cluster.namespace]).await.expect(0);
    assert_eq!(listed(&sre).await, Vec::<Value>::new());

    sre.run(&["backup", &missing, "--yes"]).await.expect(1);
    sre.run(&["backup", &data, "--yes", "--read-only"]).await.expect(1);
    sre.run(&["backup", &data]).await.expect(4);
    sre.run(&["backup", &data, "--yes"]).await.expect(0);
    let lines = listed(&sre).await;
    let in_order =
        [("refused", "backup"), ("refused", "backup"), ("aborted", "backup"), ("opened", ""), ("closed", "")];
    assert_eq!(told(&lines), expected(&in_order), "{lines:?}");
    assert!(lines[0]["why"].as_str().unwrap().contains("there is no PersistentVolumeClaim"), "{lines:?}");
    assert!(lines[1]["why"].as_str().unwrap().contains("read-only"), "{lines:?}");
    let (asked, digest) = (&lines[2]["asked"], lines[2]["digest"].as_str().unwrap());
    assert!(asked["object"].as_str().unwrap().ends_with(&data), "{lines:?}");
    assert!(asked["who"].as_str().unwrap().contains("sre") && asked["uid"].is_string(), "{lines:?}");
    assert!(asked["server"].as_str().unwrap().starts_with("http"), "{lines:?}");
    assert_eq!(digest.len(), 64);
    sre.run(&["journal", "verify"]).await.expect(0);
    let shown = sre.run(&["journal", "show", "3"]).await.expect(0);
    assert!(shown.stdout.contains(digest) && shown.stdout.contains("nobody was there to confirm it"), "{shown:?}");
    let later = sre.run(&["journal", "list", "--since", "2999-01-01T00:00:00Z"]).await.expect(0);
    assert_eq!(later.stdout, "");

    // Rights that are missing refuse the plan itself.
    auditor.run(&["backup", &data, "--yes"]).await.expect(1);
    let lines = listed(&auditor).await;
    assert_eq!(told(&lines), expected(&[("refused", "backup")]), "{lines:?}");
    // A journal that cannot be written hides no refusal, and says so.
    let index = auditor.state().join("index.jsonl");
    std::fs::remove_file(&index).unwrap();
    std::fs::create_dir(&index).unwrap();
    let ended = auditor.run(&["backup", &data, "--yes"]).await.expect(1);
    assert!(ended.stderr.contains("the journal does not hold what was not done"), "{ended:?}");
    assert!(ended.stderr.contains("what would clear it"), "{ended:?}");
}

async fn what_was_refused_or_given_up_in_the_console_is_in_the_journal(cluster: TestCluster) {
    cluster.claim("data").await;
    let sre = cluster.person(User::Sre);
    let mut terminal = Terminal::holdfast(&sre, &["-n", &cluster.namespace], 120, 70);
    terminal.shows("data").await;
    terminal.press("xb");
    terminal.shows("Before the plan").await;
    terminal.press("\r");
    terminal.shows("Review").await;
    terminal.press("\r");
    terminal.shows("Confirm").await;
    terminal.press("dat\r");
    let wrong = async || (told(&listed(&sre).await) == expected(&[("aborted", "backup")])).then_some(());
    wait::until("the wrong name to be in the journal", LONG, wrong).await;
    terminal.press("\u{1b}");
    // Two escapes that come together are one key.
    terminal.until("the review alone", |screen| screen.contains("Review") && !screen.contains("Confirm")).await;
    terminal.press("\u{1b}");
    let both = expected(&[("aborted", "backup"), ("aborted", "backup")]);
    wait::until("the closed review to be in the journal", LONG, async || {
        (told(&listed(&sre).await) == both).then_some(())
    })
    .await;
    let lines = listed(&sre).await;
    assert!(lines[0]["why"].as_str().unwrap().contains("what was typed is not the name"), "{lines:?}");
    assert_eq!(lines[1]["why"], "the review was closed without confirming");
    assert_eq!(cluster.snapshots().await.len(), 0);

    // What it asks for is refused: the volume goes while the form is filled in.
    terminal.shows("Before the plan").await;
    cluster.delete("v1", "PersistentVolumeClaim", "data").await;
    // The screen is high enough that the form does not lie over the head of the list.
    terminal.shows("Volumes 0").await;
    terminal.press("\r");
    let refused = async || told(&listed(&sre).await).last().is_some_and(|last| last.0 == "refused").then_some(());
    wait::until("the refusal to be in the journal", LONG, refused).await;
    sre.run(&["journal", "verify"]).await.expect(0);
}

async fn an_export_is_checked_on_another_machine_and_tells_what_was_changed(cluster: TestCluster) {
    cluster.claim("data").await;
    let (sre, auditor) = (cluster.person(User::Sre), cluster.person(User::Auditor));
    let data = format!("{}/data", cluster.namespace);
    sre.run(&["backup", &data]).await.expect(4);
    sre.run(&["backup", &data, "--yes"]).await.expect(0);
    for format in ["jsonl", "json"] {
        let file = auditor.home().join(format!("export.{format}"));
        let path = file.to_str().unwrap();
        sre.run(&["journal", "export", "--out", path, "-o", format]).await.expect(0);
        let fine = auditor.run(&["journal", "verify", path]).await.expect(0);
        let head = listed(&sre).await.last().unwrap()["hash"].as_str().unwrap().to_owned();
        assert!(fine.stdout.contains("1 journal of") && fine.stdout.contains(&head), "{fine:?}");

        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains("nobody was there to confirm it"));
        let changed = text.replacen("nobody was there to confirm it", "it was confirmed by somebody..", 1);
        std::fs::write(&file, changed).unwrap();
        let found = auditor.run(&["journal", "verify", path]).await.expect(1);
        assert!(found.stdout.contains("✗ export: its content does not give the hash at its end"), "{found:?}");
        assert!(found.stdout.contains("✗ index.jsonl: line 1 (entry 0) was changed after it was written"), "{found:?}");

        let cut: String = if format == "jsonl" {
            text.split_inclusive('\n').take(4).collect()
        } else {
            text.chars().take(text.len() / 2).collect()
        };
        std::fs::write(&file, cut).unwrap();
        auditor.run(&["journal", "verify", path]).await.expect(1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_of_one_user_write_one_chain() {
    let person = Person::new("", &[]);
    person.configure("[findings]\nauthor = \"ada\"\n");
    let refused =
        ["triage", "0123456789abcdef", "--state", "accepted", "--reason", "x", "--until", "1d", "--read-only"];
    let one = async || {
        for _ in 0..15 {
            person.run(&refused).await.expect(1);
        }
    };
    tokio::join!(one(), one());
    let lines = listed(&person).await;
    assert_eq!(told(&lines), vec![("refused".to_owned(), "triage".to_owned()); 30]);
    let whole = person.run(&["journal", "verify"]).await.expect(0);
    assert!(whole.stdout.contains("all as written"), "{whole:?}");
}

async fn the_journal_of_a_run_is_checked_like_that_of_an_operation(cluster: TestCluster) {
    cluster.claim("data").await;
    let book = crate::runbook::Written::new(&cluster, crate::runbook::BACKUP);
    book.run(&["--yes"]).await.expect(0);
    let whole = book.person.run(&["journal", "verify"]).await.expect(0);
    assert!(whole.stdout.contains("2 journals, all as written"), "{whole:?}");

    let journal = std::fs::read_dir(book.person.state().join("runs")).unwrap();
    let journal = journal.map(|entry| entry.unwrap().path()).find(|path| path.extension().is_some()).unwrap();
    let name = format!("runs/{}", journal.file_name().unwrap().to_str().unwrap());
    let written = std::fs::read_to_string(&journal).unwrap();
    // As if it had said something else: its hash does not fit, here and in an export.
    std::fs::write(&journal, written.replacen("Copy", "Move", 1)).unwrap();
    let changed = book.person.run(&["journal", "verify"]).await.expect(1);
    assert!(changed.stdout.contains(&format!("✗ {name}: ")), "{changed:?}");
    let export = book.person.home().join("export.jsonl");
    let path = export.to_str().unwrap();
    book.person.run(&["journal", "export", "--out", path]).await.expect(0);
    let found = cluster.person(User::Auditor).run(&["journal", "verify", path]).await.expect(1);
    assert!(found.stdout.contains(&format!("✗ {name}: ")), "{found:?}");

    // Cut off, and the console's own journal with it: the record in the cluster knows.
    std::fs::write(&journal, &written).unwrap();
    cut(&journal, 1);
    cut(&book.person.state().join("index.jsonl"), 1);
    let seen = book.person.run(&["journal", "verify"]).await.expect(1);
    assert!(seen.stdout.contains(&format!("✗ {name}: it holds ")) && seen.stdout.contains("the cluster ("), "{seen:?}");
    std::fs::remove_file(&journal).unwrap();
    let gone = book.person.run(&["journal", "verify"]).await.expect(1);
    assert!(gone.stdout.contains(&format!("✗ {name}: it is missing")), "{gone:?}");
}
