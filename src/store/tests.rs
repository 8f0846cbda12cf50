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
