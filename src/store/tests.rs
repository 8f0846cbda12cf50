use std::io::Write;

use super::*;
use crate::journal::Body;
use crate::plan::testing::plan;
use crate::plan::{Authority, End, StepId};
use crate::text;

fn opened(id: &OperationId) -> Body {
    let plan = plan(id.clone());
    let digest = plan.digest();
    Body::Opened { plan: Box::new(plan), digest, authority: Authority::Flag { who: "sre".into() } }
}

fn store() -> (tempfile::TempDir, Store, OperationId) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    (directory, store, OperationId::new(Timestamp::UNIX_EPOCH, [0, 0, 0, 7]))
}

#[test]
fn a_line_cut_short_by_a_crash_is_dropped_and_the_journal_goes_on() {
    let (directory, store, id) = store();
    let mut log = store.begin(&id).unwrap();
    log.append(now(), opened(&id), Vec::new()).unwrap();
    drop(log);
    let path = directory.path().join("operations").join(format!("{id}.jsonl"));
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"v\":1,\"seq\":1,").unwrap();
    let mut log = store.hold(&id).unwrap();
    log.append(now(), Body::Intent { step: StepId("create".into()), before: None }, Vec::new()).unwrap();
    assert_eq!(fold(&store.entries(&id).unwrap()).unwrap().length, 2);
}

#[test]
fn one_process_at_a_time_holds_an_operation() {
    let (_directory, store, id) = store();
    let mut log = store.begin(&id).unwrap();
    log.append(now(), opened(&id), Vec::new()).unwrap();
    assert!(matches!(store.hold(&id), Err(StoreError::Held { .. })));
    assert!(store.list().unwrap()[0].held);
    drop(log);
    assert!(!store.list().unwrap()[0].held);
    store.hold(&id).unwrap();
}

#[test]
fn a_journal_removed_or_cut_short_after_its_end_shows() {
    let (directory, store, id) = store();
    let mut log = store.begin(&id).unwrap();
    log.append(now(), opened(&id), Vec::new()).unwrap();
    log.append(now(), Body::Closed { end: End::Done }, Vec::new()).unwrap();
    drop(log);
    assert_eq!(store.verify().unwrap(), []);
    let path = directory.path().join("operations").join(format!("{id}.jsonl"));
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.split_inclusive('\n').next().unwrap()).unwrap();
    assert_eq!(store.verify().unwrap().len(), 1);
    fs::remove_file(&path).unwrap();
    assert_eq!(store.verify().unwrap().len(), 1);
}

#[test]
fn a_file_with_a_key_is_read_whole_and_tells_when_others_can_read_it() {
    let folder = tempfile::tempdir().unwrap();
    for (mode, open) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true)] {
        let path = folder.path().join(format!("{mode:o}.key"));
        fs::write(&path, b"\xff not text").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let file = read_private(&path).unwrap();
        assert_eq!((file.bytes.as_slice(), file.open), (&b"\xff not text"[..], open), "{mode:o}");
        assert_eq!(file.warning(&path).is_some(), open);
        assert!(!format!("{file:?}").contains("text"));
    }
    let large = folder.path().join("large");
    fs::File::create(&large).unwrap().set_len(MOST + 1).unwrap();
    assert!(text::chain(&read_private(&large).unwrap_err()).contains("it is larger than 4 MiB"));
    let none = text::chain(&read_private(&folder.path().join("none")).unwrap_err());
    assert!(none.contains("none") && none.contains("No such file"), "{none}");
}

/// One operation that ended, one that is open, and something refused, on disk.
fn written() -> (tempfile::TempDir, Store, Vec<OperationId>) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let ids: Vec<OperationId> =
        (1..3).map(|at| OperationId::new(Timestamp::from_second(at).unwrap(), [0, 0, 0, 7])).collect();
    for (id, ends) in ids.iter().zip([true, false]) {
        let mut log = store.begin(id).unwrap();
        log.append(now(), opened(id), Vec::new()).unwrap();
        log.append(now(), Body::Intent { step: StepId("create".into()), before: None }, Vec::new()).unwrap();
        log.append(now(), Body::Failed { step: StepId("create".into()), why: "no".into() }, Vec::new()).unwrap();
        if ends {
            log.append(now(), Body::Closed { end: End::Done }, Vec::new()).unwrap();
        }
    }
    store.note(refused("no")).unwrap();
    (directory, store, ids)
}

fn refused(why: &str) -> Note {
    let asked = crate::journal::Asked {
        verb: "backup".into(),
        object: "shop/data".into(),
        uid: None,
        who: "ada".into(),
        context: "lab".into(),
        server: String::new(),
    };
    Note::Refused { asked, why: why.into() }
}

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

fn put(path: &Path, lines: &[String]) {
    fs::write(path, lines.join("\n") + "\n").unwrap();
}

type Files = (PathBuf, PathBuf, PathBuf);

#[rstest::rstest]
#[case::nothing(|_: &Files| {}, &[])]
#[case::an_entry_of_a_journal_changed(
    |files: &Files| { let mut all = lines(&files.1); all[2] = all[2].replace("\"no\"", "\"yes\""); put(&files.1, &all) },
    &["operations/ENDED.jsonl: line 3 (entry 2) was changed after it was written"]
)]
#[case::a_line_of_the_index_changed(
    |files: &Files| { let mut all = lines(&files.0); all[3] = all[3].replace("ada", "eve"); put(&files.0, &all) },
    &["index.jsonl: line 4 (entry 3) was changed after it was written"]
)]
#[case::lines_of_a_journal_swapped(
    |files: &Files| { let mut all = lines(&files.1); all.swap(1, 2); put(&files.1, &all) },
    &["operations/ENDED.jsonl: line 2 (entry 2) and line 3 were swapped"]
)]
#[case::lines_of_the_index_swapped(
    |files: &Files| { let mut all = lines(&files.0); all.swap(0, 1); put(&files.0, &all) },
    &["index.jsonl: line 1 (entry 1) and line 2 were swapped"]
)]
#[case::a_line_put_in_twice(
    |files: &Files| { let mut all = lines(&files.0); let one = all[1].clone(); all.insert(3, one); put(&files.0, &all) },
    &["index.jsonl: line 4 (entry 1) was put in: it is a copy of line 2"]
)]
#[case::a_line_taken_out(
    |files: &Files| { let mut all = lines(&files.1); all.remove(1); put(&files.1, &all) },
    &["operations/ENDED.jsonl: line 2 (entry 2) does not follow from the one before: an entry between was taken out"]
)]
#[case::a_journal_cut_short_after_its_end(
    |files: &Files| { let mut all = lines(&files.1); all.truncate(2); put(&files.1, &all) },
    &["operations/ENDED.jsonl: it holds 2 entries, and index.jsonl knows 4: the last 2 were cut off"]
)]
#[case::a_journal_emptied(
    |files: &Files| fs::write(&files.2, "").unwrap(),
    &["operations/OPEN.jsonl: it holds no entry, and index.jsonl knows that operation OPEN was opened: it was emptied"]
)]
#[case::a_journal_removed(
    |files: &Files| fs::remove_file(&files.1).unwrap(),
    &["operations/ENDED.jsonl: it is missing: index.jsonl knows that operation ENDED was closed"]
)]
#[case::the_index_removed(
    |files: &Files| fs::remove_file(&files.0).unwrap(),
    &[
        "operations/ENDED.jsonl: index.jsonl does not know of operation ENDED",
        "operations/OPEN.jsonl: index.jsonl does not know of operation OPEN",
    ]
)]
#[case::a_journal_of_another_operation_in_its_place(
    |files: &Files| assert!(fs::copy(&files.2, &files.1).unwrap() > 0),
    &[
        "operations/ENDED.jsonl: entry 0 is not the one that index.jsonl knows to have opened",
        "operations/ENDED.jsonl: it holds 3 entries, and index.jsonl knows 4",
    ]
)]
#[case::no_json_in_a_line(
    |files: &Files| { let mut all = lines(&files.0); all[2] = "?".into(); put(&files.0, &all) },
    &["index.jsonl: line 3 cannot be read", "operations/OPEN.jsonl: index.jsonl does not know of operation OPEN"]
)]
fn what_was_done_to_the_files_is_said_of_the_place_it_was_done_to(
    #[case] tamper: fn(&Files),
    #[case] expected: &[&str],
) {
    let (directory, store, ids) = written();
    let journal = |id: &OperationId| directory.path().join(format!("operations/{id}.jsonl"));
    tamper(&(directory.path().join("index.jsonl"), journal(&ids[0]), journal(&ids[1])));
    let said = |finding: &crate::journal::Finding| {
        finding.to_string().replace(ids[0].as_str(), "ENDED").replace(ids[1].as_str(), "OPEN")
    };
    let found: Vec<String> = store.verify().unwrap().iter().map(said).collect();
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found:#?} is not {expected:#?}");
    }
}

#[test]
fn lines_of_an_older_index_are_read_and_gone_on_from() {
    #[derive(serde::Serialize)]
    struct Former {
        at: Timestamp,
        operation: String,
        closed: bool,
        head: String,
        prev: String,
        hash: String,
    }
    let (directory, store, ids) = written();
    let path = directory.path().join("index.jsonl");
    let first = store.entries(&ids[0]).unwrap();
    let (mut prev, mut text) = ("0".repeat(64), String::new());
    for (closed, id, head) in [
        (false, &ids[0], first[0].hash.clone()),
        (true, &ids[0], first[3].hash.clone()),
        (false, &ids[1], store.entries(&ids[1]).unwrap()[0].hash.clone()),
    ] {
        let operation = id.as_str().to_owned();
        let at = Timestamp::UNIX_EPOCH;
        let hash = text::sha256(&serde_json::to_vec(&(at, &operation, closed, &head, &prev)).unwrap());
        let line = Former { at, operation, closed, head, prev, hash: hash.clone() };
        text += &(serde_json::to_string(&line).unwrap() + "\n");
        prev = hash;
    }
    fs::write(&path, &text).unwrap();
    assert_eq!(store.verify().unwrap(), []);
    let next = store.note(refused("no")).unwrap();
    assert_eq!((next.seq, next.v), (3, 1));
    store.note(refused("again")).unwrap();
    assert_eq!(store.verify().unwrap(), []);
    assert_eq!(store.head().unwrap().unwrap().length, 5);
    let mut all = lines(&path);
    all.swap(0, 1);
    put(&path, &all);
    assert_eq!(
        store.verify().unwrap()[0].to_string(),
        "index.jsonl: line 1 and line 2 were swapped: each stands in the other's place"
    );
}

#[test]
fn consoles_of_one_user_write_one_chain() {
    let (directory, store, _) = store();
    std::thread::scope(|scope| {
        for who in 0..4 {
            // Each opens the file anew for each line, as a process of its own would.
            let root = directory.path().to_owned();
            scope.spawn(move || {
                let store = Store::open(&root).unwrap();
                for at in 0..40 {
                    store.note(refused(&format!("{who}/{at}"))).unwrap();
                }
            });
        }
    });
    assert_eq!(store.verify().unwrap(), []);
    assert_eq!(store.head().unwrap().unwrap().length, 160);
}

#[test]
fn a_line_that_a_killed_process_left_half_is_mended_by_the_next_and_said() {
    let (directory, store, _) = written();
    let path = directory.path().join("index.jsonl");
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"v\":1,\"seq\":").unwrap();
    let found = store.verify().unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(!found[0].broken && found[0].what.contains("cut short after 13 bytes"), "{found:?}");
    store.note(refused("no")).unwrap();
    assert_eq!(store.verify().unwrap(), []);
    let notes: Vec<Note> = store.notes().unwrap().into_iter().map(|line| line.entry.unwrap().body).collect();
    assert_eq!(notes[4], Note::Mended { file: "index.jsonl".into(), bytes: 13 });
    assert_eq!(notes.len(), 6);
}

/// What became of an operation in the law below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Open,
    NothingMade,
    CopyThere,
    CopyGone,
    TakenBack,
}

const FATES: [Fate; 5] = [Fate::Open, Fate::NothingMade, Fate::CopyThere, Fate::CopyGone, Fate::TakenBack];

/// A backup that began so many days ago, and what takes it back.
fn fated(store: &Store, number: u8, fate: Fate, days: i64) -> OperationId {
    use crate::plan::{ObjectAt, Output, Outputs};
    let at = now().checked_sub(jiff::SignedDuration::from_hours(24 * days)).unwrap();
    let id = OperationId::new(at, [0, 0, 0, number]);
    let mut log = store.begin(&id).unwrap();
    log.append(at, opened(&id), Vec::new()).unwrap();
    let step = StepId("create".into());
    log.append(at, Body::Intent { step: step.clone(), before: None }, Vec::new()).unwrap();
    if fate == Fate::NothingMade {
        log.append(at, Body::Failed { step, why: "no".into() }, Vec::new()).unwrap();
    } else {
        let copy = ObjectAt::of(crate::model::Kind::VolumeSnapshot, Some("shop"), "copy");
        let uid = crate::model::Uid::from(format!("{fate:?}"));
        let outputs = Outputs::from([("object".to_owned(), Output::Object { at: copy, uid })]);
        log.append(at, Body::Done { step, outputs }, Vec::new()).unwrap();
    }
    if fate != Fate::Open {
        log.append(at, Body::Closed { end: End::Done }, Vec::new()).unwrap();
    }
    if fate == Fate::TakenBack {
        let undo = OperationId::new(now(), [0, 0, 1, number]);
        let plan = crate::plan::Plan { verb: crate::plan::Verb::Undo, undoes: Some(id.clone()), ..plan(undo.clone()) };
        let (digest, authority) = (plan.digest(), Authority::Flag { who: "sre".into() });
        let mut log = store.begin(&undo).unwrap();
        log.append(now(), Body::Opened { plan: Box::new(plan), digest, authority }, Vec::new()).unwrap();
        log.append(now(), Body::Closed { end: End::Done }, Vec::new()).unwrap();
    }
    id
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]
    #[test]
    fn rotation_never_drops_what_is_open_or_can_be_taken_back_and_all_is_as_written_afterwards(
        ages in proptest::collection::vec((0usize..5, 0i64..20), 1..7),
        held in 0usize..7,
    ) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        let all: Vec<(OperationId, Fate, i64)> = (0u8..)
            .zip(ages)
            .map(|(number, (fate, days))| (fated(&store, number, FATES[fate], days), FATES[fate], days))
            .collect();
        // Another process holds one of them.
        let log = all.get(held).map(|(id, ..)| store.hold(id).unwrap());
        let before = now().checked_sub(jiff::SignedDuration::from_hours(24 * 10 - 1)).unwrap();
        let there = |_: &Run, uid: &crate::model::Uid| uid.as_str() != "CopyGone";
        let dropped = store.rotate(before, there).unwrap();
        for (at, (id, fate, days)) in all.iter().enumerate() {
            let goes = !matches!(fate, Fate::Open | Fate::CopyThere) && *days >= 10 && at != held;
            proptest::prop_assert_eq!(store.has(id), !goes, "{:?} of {} days", fate, days);
            proptest::prop_assert_eq!(dropped.contains(&book(id)), goes);
        }
        drop(log);
        proptest::prop_assert_eq!(store.verify().unwrap(), []);
        // Once more there is nothing to do but for what was held.
        store.rotate(before, there).unwrap();
        proptest::prop_assert_eq!(store.rotate(before, there).unwrap(), []);
        proptest::prop_assert_eq!(store.verify().unwrap(), []);
    }
}
