//! Real files that come, change, break and go.

use std::io::Write;
use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::*;
use crate::model::{Completion, SubjectSource};

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn log(rules: &[&str]) -> String {
    let results: Vec<String> = rules
        .iter()
        .map(|rule| format!(r#"{{"ruleId":"{rule}","level":"error","message":{{"text":"m"}},"locations":[{{"physicalLocation":{{"artifactLocation":{{"uri":"a.rs"}}}}}}]}}"#))
        .collect();
    let results = results.join(",");
    format!(
        r#"{{"version":"2.1.0","runs":[{{"tool":{{"driver":{{"name":"T"}}}},"invocations":[{{"executionSuccessful":true}}],"results":[{results}]}}]}}"#
    )
}

fn watched(folder: &TempDir) -> Scans {
    Scans::new(vec![ScanPlace { path: folder.path().to_owned(), trusted: true }])
}

fn rules(scans: &Scans) -> Vec<String> {
    let all = scans.files().flat_map(|file| &file.taken).flat_map(|taken| taken.scan.findings.iter());
    let mut rules: Vec<String> = all.map(|finding| finding.rule.id.to_string()).collect();
    rules.sort();
    rules
}

#[test]
fn a_file_is_read_when_two_looks_find_it_the_same() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.sarif");
    let mut scans = watched(&folder);
    assert!(!scans.look(false, now()));
    fs::write(&path, &log(&["one"])[..40]).unwrap();
    assert!(!scans.look(false, now()), "it may still be written");
    fs::write(&path, log(&["one"])).unwrap();
    assert!(!scans.look(false, now()), "it has changed since");
    assert!(scans.look(false, now()));
    assert_eq!(rules(&scans), ["one"]);
    assert!(!scans.look(false, now()), "nothing is new");
}

#[test]
fn what_is_read_at_once_is_the_same() {
    let folder = TempDir::new().unwrap();
    fs::create_dir_all(folder.path().join("shop/web")).unwrap();
    fs::write(folder.path().join("shop/web/a.sarif.json"), log(&["one", "two"])).unwrap();
    fs::write(folder.path().join("notes.txt"), "no SARIF").unwrap();
    let mut scans = watched(&folder);
    assert!(scans.look(true, now()));
    assert_eq!(rules(&scans), ["one", "two"]);
    let file = scans.files().next().unwrap();
    assert!(file.taken[0].source.trusted);
    let subject = &file.taken[0].scan.subjects[0];
    assert_eq!((subject.namespace.as_deref(), subject.name.as_deref()), (Some("shop"), Some("web")));
}

#[test]
fn the_last_good_reading_is_kept_while_a_file_is_broken_and_goes_with_the_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.sarif");
    fs::write(&path, log(&["one"])).unwrap();
    let mut scans = watched(&folder);
    scans.look(true, now());
    fs::write(&path, "<html>502 Bad Gateway</html>").unwrap();
    assert!(scans.look(true, now()));
    assert_eq!(rules(&scans), ["one"]);
    let behind = scans.files().next().unwrap().behind.clone();
    assert!(behind.is_some_and(|why| !why.is_empty()));
    fs::write(&path, log(&["two"])).unwrap();
    scans.look(true, now());
    assert_eq!((rules(&scans), scans.files().next().unwrap().behind.clone()), (vec!["two".to_owned()], None));
    fs::remove_file(&path).unwrap();
    assert!(scans.look(true, now()));
    assert_eq!(scans.files().count(), 0);
}

#[test]
fn what_is_no_regular_file_is_named_and_never_opened() {
    let folder = TempDir::new().unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        folder.path().join("x.sarif"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    symlink(folder.path(), folder.path().join("loop")).unwrap();
    symlink("nowhere", folder.path().join("gone.sarif")).unwrap();
    fs::write(folder.path().join("a.sarif"), log(&["one"])).unwrap();
    symlink("a.sarif", folder.path().join("b.sarif")).unwrap();
    let mut scans = watched(&folder);
    scans.look(true, now());
    assert_eq!(scans.files().count(), 2);
    // One scan counts once, wherever it lies.
    assert_eq!(scans.findings(now()).scans().len(), 1);
    let faults = scans.faults().join("\n");
    assert!(faults.contains("x.sarif: it is no regular file") && faults.contains("gone.sarif"), "{faults}");
}

#[test]
fn a_place_that_is_not_there_is_named_and_the_others_are_read() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("a.sarif"), log(&["one"])).unwrap();
    let places = [folder.path().join("missing"), folder.path().join("a.sarif")];
    let mut scans = Scans::new(places.map(|path| ScanPlace { path, trusted: false }).into());
    scans.look(true, now());
    assert_eq!(rules(&scans), ["one"]);
    assert!(scans.faults()[0].contains("missing"), "{:?}", scans.faults());
}

#[test]
fn parts_in_other_files_are_read_below_the_folder_and_by_no_link() {
    let folder = TempDir::new().unwrap();
    let parts = |uri: &str| {
        format!(
            r#"{{"version":"2.1.0","runs":[{{"tool":{{"driver":{{"name":"T"}}}},"externalPropertyFileReferences":{{"results":[{{"location":{{"uri":"{uri}"}}}}]}}}}]}}"#
        )
    };
    let part = r#"{"version":"2.1.0","results":[{"ruleId":"one","message":{"text":"m"}}]}"#;
    fs::create_dir(folder.path().join("in")).unwrap();
    fs::write(folder.path().join("in/part.json"), part).unwrap();
    fs::write(folder.path().join("outside.json"), part).unwrap();
    symlink("../outside.json", folder.path().join("in/link.json")).unwrap();
    for (uri, expected) in [("part.json", 1), ("link.json", 0), ("../outside.json", 0), ("missing.json", 0)] {
        let path = folder.path().join("in/a.sarif");
        File::create(&path).unwrap().write_all(parts(uri).as_bytes()).unwrap();
        let mut scans = watched(&folder);
        scans.look(true, now());
        assert_eq!(rules(&scans).len(), expected, "{uri}: {:?}", scans.files().next().unwrap().diagnostics);
    }
}

/// The name of the workload that each scan says it looked at, by its stamp.
fn stamps(scans: &Scans) -> Vec<Option<String>> {
    let taken = scans.files().flat_map(|file| &file.taken);
    let stamp = |taken: &Taken| taken.scan.subjects.iter().find(|one| one.source == SubjectSource::Stamp).cloned();
    taken.map(|taken| stamp(taken).and_then(|stamp| Some(stamp.name?.to_string()))).collect()
}

#[test]
fn a_stamp_beside_a_log_counts_as_one_in_it_and_is_read_again_when_it_changes() {
    let folder = TempDir::new().unwrap();
    let (path, beside) = (folder.path().join("a.sarif"), folder.path().join("a.sarif.link.toml"));
    let unproven = log(&["one"]).replace(r#""invocations":[{"executionSuccessful":true}],"#, "");
    fs::write(&path, unproven).unwrap();
    let mut scans = watched(&folder);
    scans.look(true, now());
    assert_eq!(stamps(&scans), [None]);
    let digest = scans.files().next().unwrap().taken[0].scan.digest;
    for (stamp, name, complete) in
        [("name = \"db\"\ncomplete = true\n", "db", true), ("name = \"web\"\n", "web", false)]
    {
        fs::write(&beside, stamp).unwrap();
        assert!(scans.look(true, now()), "{stamp}");
        assert_eq!(stamps(&scans), [Some(name.to_owned())]);
        let taken = &scans.files().next().unwrap().taken[0];
        assert_eq!((taken.scan.completion == Completion::Complete, taken.scan.digest), (complete, digest), "{stamp}");
    }
    // One that is broken is no reason to forget what the log was tied to.
    fs::write(&beside, "name = \"web\"\nnam = \"x\"\n").unwrap();
    assert!(scans.look(true, now()));
    let file = scans.files().next().unwrap();
    assert!(file.behind.as_ref().is_some_and(|why| why.contains("a.sarif.link.toml:2:1: there is no")), "{file:?}");
    assert_eq!(stamps(&scans), [Some("web".to_owned())]);
    let mut afresh = watched(&folder);
    afresh.look(true, now());
    assert!(afresh.files().next().unwrap().broken().is_some_and(|one| one.code == "bad-link"));
    fs::remove_file(&beside).unwrap();
    scans.look(true, now());
    assert_eq!(stamps(&scans), [None]);
}

#[test]
fn the_stamp_in_a_log_comes_before_the_one_beside_it() {
    let folder = TempDir::new().unwrap();
    let stamped = log(&["one"]).replace(r#""results""#, r#""properties":{"holdfast/subject":{"name":"db"}},"results""#);
    fs::write(folder.path().join("a.sarif"), stamped).unwrap();
    fs::write(folder.path().join("a.sarif.link.toml"), "name = \"web\"").unwrap();
    let mut scans = watched(&folder);
    scans.look(true, now());
    assert_eq!(stamps(&scans), [Some("db".to_owned())]);
}
