//! Files that are written over and taken away, and what is still known of them.

use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use super::*;
use crate::model::{BandSource, Completion, Findings};
use crate::store::{Scans, Store};

const SECRET: &str = "hunter2-in-the-code";

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

/// A log of a day, with a secret wherever tools quote code.
fn log(day: u32, rules: &[&str], finished: bool) -> String {
    let result = |rule: &&str| {
        serde_json::json!({
            "ruleId": rule, "level": "error", "message": { "text": format!("found {SECRET}") }, "rank": 12.5,
            "locations": [{ "physicalLocation": {
                "artifactLocation": { "uri": "a.rs" },
                "region": { "startLine": 3, "startColumn": 2, "snippet": { "text": SECRET } },
            } }],
            "fixes": [{ "description": { "text": SECRET } }],
            "partialFingerprints": { "secret/v1": SECRET },
            "properties": { "security-severity": "9.1", "value": SECRET },
            "suppressions": [{ "kind": "inSource", "status": "rejected", "justification": SECRET }],
            "baselineState": "new",
        })
    };
    let notification = serde_json::json!({ "level": "error", "message": { "text": format!("killed: {SECRET}") } });
    let notifications = if finished { Vec::new() } else { vec![notification] };
    serde_json::json!({ "version": "2.1.0", "runs": [{
        "tool": { "driver": { "name": "T", "version": "1", "rules": [
            { "id": "sqli", "shortDescription": { "text": "a query" }, "properties": { "tags": ["external/cwe/cwe-089"] } },
            { "id": "xss" },
        ] } },
        "invocations": [{
            "executionSuccessful": finished, "endTimeUtc": format!("2026-02-{day:02}T00:00:00Z"),
            "toolExecutionNotifications": notifications,
        }],
        "results": rules.iter().map(result).collect::<Vec<_>>(),
        "properties": { "holdfast/subject": { "digest": format!("sha256:{}", "a".repeat(64)), "name": "db" } },
    }] })
    .to_string()
}

struct Home {
    folder: TempDir,
    store: Store,
}

impl Home {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("ci")).unwrap();
        let store = Store::open(&folder.path().join("state")).unwrap();
        Self { folder, store }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ci/latest.sarif")
    }

    fn write(&self, text: &str) {
        fs::write(self.file(), text).unwrap();
    }

    fn place(&self, trusted: bool) -> ScanPlace {
        ScanPlace { path: self.folder.path().join("ci"), trusted }
    }

    /// What one console after another finds.
    fn look(&self, places: Vec<ScanPlace>) -> Scans {
        let mut scans = Scans::new(places).remembering(&self.store);
        scans.look(true, now());
        scans
    }

    fn kept(&self) -> Vec<PathBuf> {
        let folder = fs::read_dir(self.store.root().join("scans")).unwrap();
        let mut files: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.extension().is_some());
        files.sort();
        files
    }
}

/// The times of all scans, and whether each is trusted.
fn told(findings: &Findings) -> Vec<(String, bool)> {
    let day = |taken: &Taken| taken.scan.at.unwrap().0.strftime("%d").to_string();
    findings.scans().iter().map(|taken| (day(taken), taken.source.trusted)).collect()
}

fn days(days: &[&str]) -> Vec<(String, bool)> {
    days.iter().map(|day| ((*day).to_owned(), true)).collect()
}

#[test]
fn a_file_that_is_written_over_is_as_good_as_one_file_for_each() {
    let (home, apart) = (Home::new(), TempDir::new().unwrap());
    for (day, rules) in [(1, &[][..]), (2, &["sqli", "xss"]), (3, &["xss"])] {
        let text = log(day, rules, true);
        fs::write(apart.path().join(format!("{day}.sarif")), &text).unwrap();
        home.write(&text);
        home.look(vec![home.place(true)]);
    }
    let mut each = Scans::new(vec![ScanPlace { path: apart.path().to_owned(), trusted: true }]);
    each.look(true, now());
    let (one, each) = (home.look(vec![home.place(true)]).findings(now()), each.findings(now()));
    assert_eq!(told(&one), days(&["01", "02", "03"]));
    let ledger = |findings: &Findings| {
        let entries = findings.ledger().entries();
        let mut all: Vec<_> = entries.map(|(series, id, entry)| (series.clone(), id, entry.clone())).collect();
        all.sort_by_key(|(_, id, _)| *id);
        all
    };
    assert_eq!(ledger(&one), ledger(&each));
    assert_eq!(ledger(&one).len(), 2);
}

#[test]
fn what_is_kept_is_the_scan_without_anything_that_quotes_code() {
    let home = Home::new();
    home.write(&log(1, &["sqli", "xss"], false));
    let live = home.look(vec![home.place(true)]).findings(now()).scans()[0].scan.clone();
    fs::remove_file(home.file()).unwrap();
    let kept = home.look(vec![home.place(true)]).findings(now()).scans()[0].clone();
    let mut expected = (*live).clone();
    expected.completion = Completion::Failed { why: "it said so itself when it was read".into() };
    for finding in &mut expected.findings {
        assert!(finding.band_source == BandSource::Score && finding.message.contains(SECRET), "{finding:?}");
        (finding.message, finding.raw) = ("".into(), 0..0);
        finding.suppressions.iter_mut().flatten().for_each(|one| one.justification = None);
    }
    assert_eq!(*kept.scan, expected);
    assert!(kept.source.name.contains("latest.sarif, as it was read at 2026-03-01T12:00:00Z"), "{:?}", kept.source);
    for path in home.kept() {
        let bytes = fs::read(&path).unwrap();
        let mut text = Vec::new();
        if GzDecoder::new(&*bytes).read_to_end(&mut text).is_err() {
            text = bytes;
        }
        assert!(!String::from_utf8(text).unwrap().contains("hunter2"), "{}", path.display());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
    }
    let folder = fs::metadata(home.store.root().join("scans")).unwrap();
    assert_eq!((folder.permissions().mode() & 0o777, home.kept().len()), (0o700, 2));
}

#[test]
fn trust_is_that_of_the_place_as_it_is_configured_now() {
    let home = Home::new();
    home.write(&log(1, &[], true));
    home.look(vec![home.place(false)]);
    fs::remove_file(home.file()).unwrap();
    assert_eq!(told(&home.look(vec![home.place(false)]).findings(now())), [("01".to_owned(), false)]);
    assert_eq!(told(&home.look(vec![home.place(true)]).findings(now())), days(&["01"]));
    let elsewhere = ScanPlace { path: home.folder.path().join("c"), trusted: true };
    assert_eq!(told(&home.look(vec![elsewhere]).findings(now())), []);
}

#[test]
fn a_scan_that_lies_where_anybody_can_write_keeps_the_trust_of_where_it_lay_before() {
    let home = Home::new();
    home.write(&log(1, &[], true));
    home.look(vec![home.place(true)]);
    let open = home.folder.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::rename(home.file(), open.join("a.sarif")).unwrap();
    let places = vec![home.place(true), ScanPlace { path: open, trusted: false }];
    assert_eq!(told(&home.look(places).findings(now())), days(&["01"]));
}

#[test]
fn what_is_damaged_is_told_and_proves_nothing_until_it_is_read_again() {
    let home = Home::new();
    home.write(&log(1, &[], true));
    home.look(vec![home.place(true)]);
    home.write(&log(2, &[], true));
    let [card, body] = &home.kept()[..] else { panic!("{:?}", home.kept()) };
    for path in [body, card] {
        let text = fs::read(path).unwrap();
        fs::write(path, &text[..text.len() - 1]).unwrap();
        let scans = home.look(vec![home.place(true)]);
        assert_eq!(told(&scans.findings(now())), days(&["02"]));
        let faults = scans.faults().join("\n");
        assert!(faults.contains("damaged") && faults.contains("scan again, or delete"), "{faults}");
    }
    home.write(&log(1, &[], true));
    let scans = home.look(vec![home.place(true)]);
    assert_eq!((told(&scans.findings(now())), scans.faults()), (days(&["01", "02"]), Vec::new()));
}

#[test]
fn a_half_written_file_is_not_kept_and_what_it_held_before_is() {
    let home = Home::new();
    home.write(&log(1, &["sqli"], true));
    home.look(vec![home.place(true)]);
    home.write(&log(2, &["sqli"], true)[..300]);
    let scans = home.look(vec![home.place(true)]);
    // What came before the cut counts for as long as it lies there.
    assert_eq!((told(&scans.findings(now())), home.kept().len()), (days(&["01", "02"]), 2));
    assert!(scans.files().any(|file| file.broken().is_some()));
}

#[test]
fn what_several_later_scans_follow_makes_way_first_and_that_is_told() {
    let home = Home::new();
    let mut memory = Memory::of(home.store.root());
    memory.limit.files = 5;
    memory.open();
    // One of another series is older than all of them, and the last word of that series.
    let other = log(1, &[], true).replace("\"T\"", "\"Other\"");
    let logs = (2..=7).map(|day| log(day, &[], true));
    for text in std::iter::once(other).chain(logs) {
        home.write(&text);
        let mut scans = Scans::new(vec![home.place(true)]);
        scans.look(true, now());
        let taken = &scans.files().next().unwrap().taken;
        let live = Live::from([(taken[0].source.bytes, true)]);
        let fresh = Fresh { path: &home.file(), size: text.len() as u64, taken };
        memory.keep(&[fresh], &live, now());
        memory.settle(&[home.place(true)], &Live::new());
    }
    let kept = Findings::new(memory.taken(&[home.place(true)]), now());
    assert_eq!(told(&kept), days(&["01", "04", "05", "06", "07"]));
    let said: Vec<String> = memory.notices().collect();
    assert!(said.len() == 1 && said[0].starts_with("2 scans made way"), "{said:?}");
    assert_eq!(home.kept().len(), 10);
}

#[test]
fn where_nothing_can_be_written_that_is_told_and_what_is_read_counts() {
    let home = Home::new();
    home.write(&log(1, &[], true));
    fs::write(home.store.root().join("scans"), "in the way").unwrap();
    let scans = home.look(vec![home.place(true)]);
    assert_eq!(told(&scans.findings(now())), days(&["01"]));
    assert!(scans.notices().iter().any(|said| said.contains("not kept")), "{:?}", scans.notices());
}

#[test]
fn of_a_scan_that_was_read_with_several_stamps_beside_it_the_last_counts() {
    let home = Home::new();
    let log = log(1, &[], true).replace("holdfast/subject", "other/subject");
    home.write(&log);
    let beside = home.folder.path().join("ci/latest.sarif.link.toml");
    for (hour, stamp) in ["name = \"db\"", "name = \"web\"", "name = \"api\""].into_iter().enumerate() {
        fs::write(&beside, stamp).unwrap();
        let mut scans = Scans::new(vec![home.place(true)]).remembering(&home.store);
        scans.look(true, now() + jiff::SignedDuration::from_hours(i64::try_from(hour).unwrap()));
    }
    for _ in 0..2 {
        let findings = home.look(vec![home.place(true)]).findings(now());
        let names: Vec<_> = findings.scans().iter().map(|taken| taken.scan.subjects[0].name.clone().unwrap()).collect();
        assert_eq!(names, ["api".into()]);
        let _ = (fs::remove_file(home.file()), fs::remove_file(&beside));
    }
}
