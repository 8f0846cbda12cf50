use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::plan::OperationId;
use crate::runbook::book::{Collect, Evidence, Reviews, Step};
use crate::runbook::words::Words;

fn words(text: &str) -> Words {
    Words::parse(text).unwrap()
}

fn step(id: &str, title: &str, task: Task) -> Step {
    Step { id: id.to_owned(), title: words(title), why: words("a"), fails: words("b"), link: None, when: None, task }
}

fn book() -> Book {
    let manual = || Task::Manual(words("Do it."));
    Book {
        name: "small".to_owned(),
        title: "Small | <b>".to_owned(),
        about: String::new(),
        link: None,
        params: Vec::new(),
        steps: vec![
            step("look", "Look at {{volume}}", manual()),
            step("keep", "Keep", Task::Collect(Collect { what: vec![Evidence::Logs], of: words("shop") })),
            step("cut", "Cut", manual()),
            step("agree", "Agree", Task::Approve(words("Yes."))),
            step("later", "Later", manual()),
            step("never", "Never", manual()),
        ],
        reviews: vec![Reviews { topic: "sast".to_owned(), every: Duration::from_secs(60) }],
        text: String::new(),
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn id() -> OperationId {
    OperationId::new(at(0), [1, 2, 3, 4])
}

/// What people and clusters wrote is hostile here.
const BAD: &str = "bob | `rm` <script>alert(1)</script>\u{1b}[2J\u{202e}\n# no";

fn begun() -> Body {
    let own = |text: &str| text.to_owned();
    Body::Begun {
        run: crate::runbook::history::RunId::parse("20270101-120000-0a0b0c0d").unwrap(),
        source: "book.yaml".into(),
        book: own("holdfast: runbook/v1\nname: small\n"),
        digest: "d".repeat(64),
        values: [(own("volume"), own("shop/data"))].into(),
        who: own("alice"),
        machine: own("laptop"),
        context: own("prod"),
        server: own("https://api.example"),
        home: own("ops"),
    }
}

fn entries() -> Vec<(Timestamp, Body)> {
    let own = |text: &str| text.to_owned();
    let step = StepAt::new;
    let bodies = [
        begun(),
        Body::Reached { at: step("look") },
        Body::Failed { at: step("look"), why: own("not there"), ran: None },
        Body::Again { at: step("look"), who: own("alice") },
        Body::Done { at: step("look"), seen: own(BAD), values: Values::new(), who: Some(own("alice")) },
        Body::Reached { at: step("keep") },
        Body::Done {
            at: step("keep"),
            seen: own("3 files"),
            values: [(own("keep.sha256"), "e".repeat(64))].into(),
            who: None,
        },
        Body::Resumed { who: own("carol"), machine: own("desk"), epoch: 2 },
        Body::Planned {
            at: step("cut"),
            operation: id(),
            title: own("back up shop/data"),
            digest: "p".repeat(64),
            who: own("carol"),
        },
        Body::Operated {
            at: step("cut"),
            operation: id(),
            ended: own("done"),
            audit_ids: vec![own("audit-1"), own("audit-2")],
            head: "h".repeat(64),
            down: Some(95),
            values: [(own("cut.made"), own("shop/copy"))].into(),
            more: false,
        },
        Body::Noted { note: own("users were told"), who: own("carol") },
        Body::Approved {
            at: step("agree"),
            who: own("dave"),
            agreed: Agreed::Claimed { why: own("no policy is installed") },
        },
        Body::Skipped { at: step("later"), reason: own("there is no time"), who: own("carol") },
        Body::Closed { end: End::Stopped { who: own("carol"), reason: own("false alarm") } },
    ];
    (0..).zip(bodies).map(|(second, body)| (at(second * 60), body)).collect()
}

#[test]
fn the_page_tells_the_whole_run() {
    let (book, entries) = (book(), entries());
    let head = "f".repeat(64);
    insta::assert_snapshot!(Timeline::of(Some(&book), &entries).unwrap().sealed(&head).markdown());
}

#[test]
fn nothing_from_outside_is_markup_or_obeyed_by_a_terminal() {
    let (book, entries) = (book(), entries());
    let told = Timeline::of(Some(&book), &entries).unwrap();
    let page = told.markdown();
    assert!(page.contains("bob \\| \\`rm\\` &lt;script&gt;"), "{page}");
    assert!(!page.contains("<script>") && !page.contains("# no\n") && !page.contains(['\u{1b}', '\u{202e}']));
    // Every row of a table has as many cells as its head.
    for table in page.split("\n\n").filter(|part| part.starts_with("| ")) {
        let cells = |line: &str| line.replace("\\|", "").matches('|').count();
        let counts: Vec<usize> = table.lines().map(cells).collect();
        assert!(counts.iter().all(|count| *count == counts[0]), "{table}");
    }
    let json = told.json().to_string();
    assert!(!json.contains("\\u001b") && !json.contains('\u{202e}') && json.contains("<U+202E>"), "{json}");
}

#[test]
fn machines_are_told_the_same() {
    let (book, entries) = (book(), entries());
    let json = Timeline::of(Some(&book), &entries).unwrap().sealed("abc").json();
    assert_eq!((&json["format"], &json["version"]), (&json!(FORMAT), &json!(VERSION)));
    assert_eq!(
        json["book"],
        json!({
            "name": "small", "title": "Small | <b>", "sha256": "d".repeat(64),
            "reviews": [{ "topic": "sast", "everySeconds": 60 }],
        })
    );
    assert_eq!(
        json["run"],
        json!({
            "id": "20270101-120000-0a0b0c0d", "outcome": "stopped", "stoppedBy": "carol", "reason": "false alarm",
            "began": "2027-01-15T08:00:00Z", "ended": "2027-01-15T08:13:00Z", "seconds": 780, "downSeconds": 95,
            "startedBy": "alice", "machine": "laptop", "context": "prod", "server": "https://api.example",
            "recordIn": "ops", "resumed": 1, "people": ["alice", "carol", "dave"], "head": "abc",
        })
    );
    let states: Vec<_> = json["steps"].as_array().unwrap().iter().map(|step| (&step["step"], &step["state"])).collect();
    let expected = [("look", "done"), ("keep", "done"), ("cut", "done"), ("agree", "done"), ("later", "skipped")];
    assert_eq!(
        states,
        expected.map(|(step, state)| (json!(step), json!(state))).iter().map(|(a, b)| (a, b)).collect::<Vec<_>>()
    );
    assert_eq!(json["steps"][0]["title"], "Look at shop/data");
    assert_eq!(json["steps"][0]["failures"], json!([{ "at": "2027-01-15T08:02:00Z", "why": "not there" }]));
    let operation = &json["steps"][2]["operations"][0];
    assert_eq!(
        *operation,
        json!({
            "id": id().as_str(), "title": "back up shop/data", "planSha256": "p".repeat(64), "confirmedBy": "carol",
            "confirmed": "2027-01-15T08:08:00Z", "ended": "2027-01-15T08:09:00Z", "outcome": "done",
            "auditIds": ["audit-1", "audit-2"], "journalHead": "h".repeat(64), "downSeconds": 95,
        })
    );
    assert_eq!(json["steps"][2]["values"], json!({ "cut.made": "shop/copy" }));
    assert_eq!(
        json["steps"][3]["approval"],
        json!({ "who": "dave", "proof": "claimed", "why": "no policy is installed" })
    );
    assert_eq!(json["steps"][4]["skipped"], json!({ "who": "carol", "reason": "there is no time" }));
    assert_eq!(json["notReached"], json!(["never"]));
    assert_eq!(json["notes"][0]["note"], "users were told");
    assert_eq!(json["entries"].as_array().unwrap().len(), entries.len());
    assert_eq!(json["entries"][0]["book"], "holdfast: runbook/v1\nname: small\n");
    assert_eq!(
        json["entries"][1],
        json!({ "at": "2027-01-15T08:01:00Z", "what": "reached", "step": { "step": "look" } })
    );
}

#[test]
fn an_operation_that_is_not_known_to_have_ended_is_not_said_to_be_done() {
    let planned = Body::Planned {
        at: StepAt::new("cut"),
        operation: id(),
        title: "back up".to_owned(),
        digest: "p".to_owned(),
        who: "alice".to_owned(),
    };
    let entries = [(at(0), begun()), (at(1), planned)];
    let json = Timeline::of(None, &entries).unwrap().json();
    assert_eq!((&json["run"]["outcome"], &json["run"]["ended"]), (&json!("open"), &json!(null)));
    assert_eq!(json["steps"][0]["state"], "open");
    assert_eq!(json["steps"][0]["operations"][0]["outcome"], "not known to have ended");
    assert_eq!(json["run"]["downSeconds"], json!(null), "that nothing was said of it is not that it was none");
    assert!(Timeline::of(None, &entries[1..]).is_none());
}

#[test]
fn an_operation_that_failed_is_told_with_its_end() {
    let own = |text: &str| text.to_owned();
    let planned = |operation: OperationId| Body::Planned {
        at: StepAt::new("cut"),
        operation,
        title: own("back up"),
        digest: own("p"),
        who: own("alice"),
    };
    let failed = |why: &str, ran| Body::Failed { at: StepAt::new("cut"), why: own(why), ran };
    let second = OperationId::new(at(5), [4, 3, 2, 1]);
    let ran = Ran { operation: second.clone(), audit_ids: vec![own("audit-9")], head: "h".repeat(64), down: Some(7) };
    let entries = [
        (at(0), begun()),
        (at(1), planned(id())),
        // As it is written where the journal is on another machine.
        (at(60), failed("operation ended as failed", None)),
        (at(61), Body::Again { at: StepAt::new("cut"), who: own("alice") }),
        (at(62), planned(second)),
        (at(120), failed("no space", Some(ran))),
    ];
    let told = Timeline::of(None, &entries).unwrap();
    let json = told.json();
    let operations = &json["steps"][0]["operations"];
    let of = |place: usize, member: &str| operations[place][member].clone();
    assert_eq!((of(0, "ended"), of(0, "outcome")), (json!(at(60)), json!("operation ended as failed")));
    assert_eq!((of(0, "auditIds"), of(0, "downSeconds")), (json!([]), json!(null)));
    assert_eq!((of(1, "ended"), of(1, "outcome")), (json!(at(120)), json!("no space")));
    assert_eq!((of(1, "auditIds"), of(1, "downSeconds")), (json!(["audit-9"]), json!(7)));
    assert_eq!(of(1, "journalHead"), json!("h".repeat(64)));
    assert!(!told.markdown().contains("not known to have ended"), "{}", told.markdown());
}

/// What its `when` leaves out and what a person leaves out are two things, and each has one word everywhere.
#[test]
fn what_is_not_for_now_and_what_is_skipped_are_told_apart() {
    let own = |text: &str| text.to_owned();
    let entries = [
        (at(0), begun()),
        (at(1), Body::NotForNow { at: StepAt::new("cut"), seen: own("0 match") }),
        (at(2), Body::Skipped { at: StepAt::new("later"), reason: own("no time"), who: own("alice") }),
        (at(3), Body::Closed { end: End::Done }),
    ];
    let told = Timeline::of(None, &entries).unwrap();
    let json = told.json();
    assert_eq!((&json["steps"][0]["state"], &json["entries"][1]["what"]), (&json!("not for now"), &json!("notForNow")));
    assert_eq!((&json["steps"][1]["state"], &json["entries"][2]["what"]), (&json!("skipped"), &json!("skipped")));
    let page = told.markdown();
    assert!(page.contains("| not for now: 0 match |") && page.contains("| **skipped:** no time |"), "{page}");
    assert!(!page.contains("passed over"), "{page}");
}

#[test]
fn rows_of_a_loop_are_told_apart() {
    let own = |text: &str| text.to_owned();
    let at_row = |row: &str| StepAt { step: own("cut"), row: Some(own(row)) };
    let done = |row: &str| Body::Done { at: at_row(row), seen: own("seen"), values: Values::new(), who: None };
    let entries = [(at(0), begun()), (at(1), done("shop/a")), (at(2), done("shop/b"))];
    let book = book();
    let told = Timeline::of(Some(&book), &entries).unwrap();
    let json = told.json();
    let rows: Vec<&serde_json::Value> = json["steps"].as_array().unwrap().iter().map(|step| &step["row"]).collect();
    assert_eq!(rows, ["shop/a", "shop/b"]);
    assert!(told.markdown().contains("| cut of shop/a |"));
}
