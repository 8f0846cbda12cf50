//! Two writers lose nothing, and what is no decision is named and costs itself alone.

use std::fs;

use jiff::Timestamp;
use rstest::rstest;
use tempfile::TempDir;

use super::*;
use crate::model::TriageState;

fn moment(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn decided(finding: u128, author: &str, at: i64, state: TriageState) -> Decided {
    let about = About { rule: "sqli".into(), path: "src/db.rs".into(), line: 7, tool: "Semgrep OSS".into() };
    let until = (state == TriageState::Accepted).then(|| moment(at + 100));
    let decision = Decision { at: moment(at), state, author: author.into(), reason: "as agreed".into(), until };
    Decided { finding: FindingId(finding), about, decision }
}

struct Place {
    home: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    fn own(&self) -> PathBuf {
        self.home.path().join("decisions")
    }

    fn folders(&self) -> DecisionFolders {
        DecisionFolders::new(Some(self.home.path()), None)
    }

    fn read(&self) -> Decisions {
        let mut all = Decisions::new(self.folders());
        all.look(true);
        all
    }

    /// With a file of this text in the folder.
    fn holding(text: &[u8]) -> Self {
        let place = Self::new();
        fs::create_dir(place.own()).unwrap();
        fs::write(place.own().join("bob@laptop.jsonl"), text).unwrap();
        place
    }
}

fn states(all: &Decisions) -> Vec<(u128, TriageState)> {
    let mut states: Vec<_> = all.all().map(|one| (one.finding.0, one.decision.state)).collect();
    states.sort();
    states
}

fn flaws(all: &Decisions) -> Vec<(String, bool)> {
    let file = |place: &str| place.rsplit('/').next().unwrap_or_default().to_owned();
    all.flaws().map(|flaw| (format!("{}: {}", file(&flaw.place), flaw.what), flaw.lost)).collect()
}

#[test]
fn a_line_is_for_people_and_always_written_alike() {
    let place = Place::new();
    let all = [decided(0xab, "ada", 0, TriageState::Accepted), decided(1, "ada", 1, TriageState::Open)];
    let path = place.folders().write(&all).unwrap();
    let text = fs::read_to_string(path).unwrap();
    assert_eq!(
        text,
        "{\"finding\":\"000000000000000000000000000000ab\",\"rule\":\"sqli\",\"path\":\"src/db.rs\",\"line\":7,\
         \"tool\":\"Semgrep OSS\",\"at\":\"1970-01-01T00:00:00Z\",\"state\":\"accepted\",\"author\":\"ada\",\
         \"reason\":\"as agreed\",\"until\":\"1970-01-01T00:01:40Z\"}\n\
         {\"finding\":\"00000000000000000000000000000001\",\"rule\":\"sqli\",\"path\":\"src/db.rs\",\"line\":7,\
         \"tool\":\"Semgrep OSS\",\"at\":\"1970-01-01T00:00:01Z\",\"state\":\"open\",\"author\":\"ada\",\
         \"reason\":\"as agreed\"}\n"
    );
    let read = place.read();
    assert_eq!(read.all().cloned().collect::<Vec<_>>(), all);
    assert_eq!(read.flaws().count(), 0);
}

/// Several authors and several consoles of one author, all at once; each line that was said to be written is there once.
#[test]
fn writers_at_once_lose_nothing() {
    let place = Place::new();
    std::thread::scope(|scope| {
        for writer in 0..8_u128 {
            let folders = place.folders();
            scope.spawn(move || {
                let author = ["ada", "bob"][usize::try_from(writer % 2).unwrap()];
                for count in 0..25_u128 {
                    let one = |more| decided(writer * 1_000 + count * 2 + more, author, 0, TriageState::Fixed);
                    folders.write(&[one(0), one(1)]).unwrap();
                }
            });
        }
    });
    let read = place.read();
    assert_eq!(flaws(&read), []);
    let expected: Vec<_> =
        (0..8).flat_map(|writer| (0..50).map(move |count| (writer * 1_000 + count, TriageState::Fixed))).collect();
    assert_eq!(states(&read), expected);
    assert_eq!(fs::read_dir(place.own()).unwrap().count(), 2, "one file for each author");
}

#[test]
fn both_sides_of_a_conflict_in_git_count_and_its_marks_are_named() {
    let line = |finding, author| line::written(&decided(finding, author, 0, TriageState::Fixed));
    let text = format!("{}<<<<<<< HEAD\n{}=======\n{}>>>>>>> theirs\n", line(1, "ada"), line(2, "ada"), line(3, "bob"));
    let read = Place::holding(text.as_bytes()).read();
    assert_eq!(states(&read).into_iter().map(|(finding, _)| finding).collect::<Vec<_>>(), [1, 2, 3]);
    let said = flaws(&read);
    let places: Vec<&str> = said.iter().map(|(said, _)| said.split(' ').next().unwrap()).collect();
    assert_eq!(places, ["bob@laptop.jsonl:2:", "bob@laptop.jsonl:4:", "bob@laptop.jsonl:6:"]);
    assert!(said.iter().all(|(said, lost)| said.contains("mark of git") && !lost), "{said:?}");
}

#[test]
fn a_line_that_was_cut_short_is_named_and_the_next_one_begins_anew() {
    let place = Place::new();
    let path = place.folders().write(&[decided(1, "ada", 0, TriageState::Fixed)]).unwrap();
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{whole}{}", &whole[..60])).unwrap();
    let said = flaws(&place.read());
    assert!(said.len() == 1 && said[0].0.contains(":2: is cut short") && !said[0].1, "{said:?}");
    place.folders().write(&[decided(2, "ada", 0, TriageState::Fixed)]).unwrap();
    let read = place.read();
    assert_eq!(states(&read), [(1, TriageState::Fixed), (2, TriageState::Fixed)]);
    assert_eq!(flaws(&read), said, "it is neither lost nor mended");
    assert!(fs::read_to_string(&path).unwrap().starts_with(&format!("{whole}{}\n", &whole[..60])));
}

#[rstest]
#[case::no_json("hello", "is no decision: expected value", true)]
#[case::state(r#"{"finding":"0123456789abcdef0123456789abcdef","at":"2026-01-01T00:00:00Z","state":"wontfix","author":"a","reason":"r"}"#,
    "there is no state \"wontfix\"; there are open, acknowledged, accepted, false-positive and fixed", true)]
#[case::finding(
    r#"{"finding":"+123","at":"2026-01-01T00:00:00Z","state":"open","author":"a","reason":"r"}"#,
    "its finding is not 32 hexadecimal digits",
    true
)]
#[case::member(r#"{"finding":"0123456789abcdef0123456789abcdef","at":"2026-01-01T00:00:00Z","state":"fixed","author":"a","reason":"r","untill":"x"}"#,
    "unknown field `untill`", true)]
#[case::endless(r#"{"finding":"0123456789abcdef0123456789abcdef","at":"2026-01-01T00:00:00Z","state":"accepted","author":"a","reason":"r"}"#,
    "an acceptance needs an end: say until when the risk is taken; it does not count", false)]
fn a_line_that_is_no_decision_is_named_and_costs_itself(#[case] bad: &str, #[case] why: &str, #[case] lost: bool) {
    let good = line::written(&decided(1, "ada", 0, TriageState::Fixed));
    let place = Place::holding(format!("{good}\r\n{bad}\n{good}").as_bytes());
    let read = place.read();
    assert!(states(&read).contains(&(1, TriageState::Fixed)));
    let said = flaws(&read);
    assert!(said.len() == 1 && said[0].0.starts_with("bob@laptop.jsonl:3: "), "{said:?}");
    assert!(said[0].0.contains(why) && said[0].1 == lost, "{said:?}");
    let state = read.record().state(FindingId(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef), moment(0));
    assert_eq!(state, TriageState::Open);
}

#[test]
fn a_file_of_something_else_is_not_read_to_its_end() {
    let read = Place::holding("x\n".repeat(1 << 20).as_bytes()).read();
    let said = flaws(&read);
    assert_eq!(said.len(), 101);
    assert!(said[100].0.contains(":101: ") && said[100].0.ends_with("nothing after it is read") && said[100].1);
    let large = Place::holding(b"");
    fs::File::create(large.own().join("z.jsonl")).unwrap().set_len(65 << 20).unwrap();
    let said = flaws(&large.read());
    assert!(said.len() == 1 && said[0].0.contains("more than 64 MiB") && said[0].1, "{said:?}");
}

#[test]
fn nothing_of_a_line_acts_on_a_terminal() {
    let read = Place::holding("{\"\u{1b}[2J\u{202e}\": 1}\n".as_bytes()).read();
    let said = flaws(&read);
    assert!(!said.is_empty() && !said[0].0.contains(['\u{1b}', '\u{202e}']), "{said:?}");
}

#[test]
fn what_may_not_be_decided_is_not_written() {
    let place = Place::new();
    let mut endless = decided(1, "ada", 0, TriageState::Accepted);
    endless.decision.until = None;
    let error = place.folders().write(&[decided(2, "ada", 0, TriageState::Fixed), endless]).unwrap_err();
    assert!(error.to_string().contains("an acceptance needs an end"), "{error}");
    assert!(!place.own().exists(), "nothing of it");
}

#[test]
fn a_shared_folder_gets_what_is_decided_and_both_are_read() {
    let (place, share) = (Place::new(), tempfile::tempdir().unwrap());
    place.folders().write(&[decided(1, "ada", 0, TriageState::Fixed)]).unwrap();
    let both = DecisionFolders::new(Some(place.home.path()), Some(share.path().to_owned()));
    let path = both.write(&[decided(2, "ada", 0, TriageState::Fixed)]).unwrap();
    assert!(path.starts_with(share.path()), "{path:?}");
    let mut read = Decisions::new(both);
    assert!(read.look(true) && !read.look(true), "it changed once");
    assert_eq!(states(&read), [(1, TriageState::Fixed), (2, TriageState::Fixed)]);
    fs::remove_file(path).unwrap();
    assert!(read.look(false), "what is gone is gone");
    assert_eq!(states(&read), [(1, TriageState::Fixed)]);
}

#[test]
fn a_shared_folder_that_is_not_there_is_an_error_and_not_made() {
    let place = Place::new();
    let share = place.home.path().join("share");
    let both = DecisionFolders::new(Some(place.home.path()), Some(share.clone()));
    let error = both.write(&[decided(1, "ada", 0, TriageState::Fixed)]).unwrap_err();
    assert!(error.to_string().contains("nothing is decided") && error.to_string().contains("share"), "{error}");
    assert!(!share.exists() && !place.own().exists());
    let mut read = Decisions::new(both);
    read.look(true);
    let said = flaws(&read);
    assert!(said.len() == 1 && said[0].0.contains("cannot be listed") && said[0].1, "{said:?}");
}

/// Neither is it opened, which would hang, nor followed, which would write elsewhere.
#[test]
fn what_is_no_regular_file_is_neither_read_nor_written() {
    let place = Place::holding(b"");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        place.own().join("pipe.jsonl"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    let target = place.home.path().join("target");
    fs::write(&target, "").unwrap();
    let link = place.own().join(file::name("ada", &file::host()));
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let said = flaws(&place.read());
    assert!(said.len() == 2 && said.iter().all(|(said, lost)| said.contains("no regular file") && *lost), "{said:?}");
    place.folders().write(&[decided(1, "ada", 0, TriageState::Fixed)]).unwrap_err();
    assert_eq!(fs::read_to_string(&target).unwrap(), "");
}

#[test]
fn a_file_that_changes_is_read_once_it_came_to_rest() {
    let place = Place::new();
    let mut read = place.read();
    place.folders().write(&[decided(1, "ada", 0, TriageState::Fixed)]).unwrap();
    assert!(!read.look(false) && read.look(false));
    assert_eq!(states(&read).len(), 1);
}

#[rstest]
#[case("ada", "laptop", "ada@laptop.jsonl")]
#[case("ada@example.com", "host.example", "ada-example.com@host.example.jsonl")]
#[case("../../etc/passwd", "", "etc-passwd@somebody.jsonl")]
#[case("\u{1b}[2J🦀", "a/b", "2J-@a-b.jsonl")]
fn the_name_of_a_file_is_harmless(#[case] author: &str, #[case] host: &str, #[case] expected: &str) {
    assert_eq!(file::name(author, host), expected);
    assert!(file::name(&"x".repeat(9_999), &"y".repeat(9_999)).len() < 200);
}
