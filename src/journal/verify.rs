//! Whether journals are as they were written: each chain in itself, against the journal of the console, and against
//! what is remembered of them in their cluster.
//!
//! Pure, over whatever was read: files of this machine or an export from another. Every finding says where, what, and
//! what that means.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{Anchor, Body, Book, BookKind, Entry, Line, Lost, Note, Said, Story, Turn, faults, fold};
use crate::text;

/// Everything that is to be checked; `R` is what journals of runs say.
#[derive(Clone, Debug)]
pub struct Evidence<R> {
    /// The journal of the console.
    pub index: Vec<Line<Note>>,
    /// Bytes of a line at its end that was cut short.
    pub index_torn: u64,
    /// Journals of operations, by id.
    pub operations: BTreeMap<String, Shelved<Body>>,
    /// Journals of runs of runbooks, by id.
    pub runs: BTreeMap<String, Shelved<R>>,
}

impl<R> Evidence<R> {
    /// How many journals there are besides that of the console.
    pub fn journals(&self) -> usize {
        self.operations.len() + self.runs.len()
    }

    fn holds(&self, of: &Book) -> bool {
        match of.kind {
            BookKind::Operation => self.operations.contains_key(&of.id),
            BookKind::Run => self.runs.contains_key(&of.id),
        }
    }
}

/// The journal of one operation or run.
#[derive(Clone, Debug)]
pub struct Shelved<B> {
    /// Its lines.
    pub lines: Vec<Line<B>>,
    /// Bytes of a line at its end that was cut short.
    pub torn: u64,
    /// Whether a process holds it: then its opening may not be in the journal of the console yet.
    pub held: bool,
}

/// What the cluster remembers of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// Of what.
    pub of: Book,
    /// The object that remembers it, for people.
    pub at: String,
    /// How far it was.
    pub anchor: Anchor,
    /// Which console wrote it last, by the first line of its journal, and how far that was.
    pub index: Option<(String, Anchor)>,
}

/// Something that is not as it was written, or that cannot be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which file, as it is named below the state directory.
    pub file: String,
    /// What, and what it means.
    pub what: String,
    /// Whether something was changed or lost; else it is only worth knowing.
    pub broken: bool,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.what)
    }
}

/// The file of the journal of the console.
pub(super) const INDEX: &str = "index.jsonl";

/// The file of a journal.
fn file(of: &Book) -> String {
    format!("{}/{}.jsonl", of.kind.folder(), text::sanitize(&of.id))
}

pub(super) fn broken(file: &str, what: impl Into<String>) -> Finding {
    Finding { file: file.to_owned(), what: what.into(), broken: true }
}

/// What the journal of the console says of one other.
#[derive(Default)]
struct Entered<'a> {
    opened: Option<&'a str>,
    closed: Option<(u64, &'a str)>,
    dropped: Option<(u64, &'a str)>,
}

/// Checks all of it; nothing when all is as it was written.
pub fn verify<R: Story>(evidence: &Evidence<R>) -> Vec<Finding> {
    let mut found = check_lines(INDEX, &evidence.index, evidence.index_torn);
    let entered = entered(&evidence.index);
    for (id, shelved) in &evidence.operations {
        let of = Book { kind: BookKind::Operation, id: id.clone() };
        let before = found.len();
        found.extend(check_book(&of, shelved, entered.get(&of)));
        if before == found.len() {
            let entries: Vec<Entry> = whole(&shelved.lines).cloned().collect();
            found.extend(fold(&entries).err().map(|error| broken(&file(&of), error.to_string())));
        }
    }
    for (id, shelved) in &evidence.runs {
        let of = Book { kind: BookKind::Run, id: id.clone() };
        found.extend(check_book(&of, shelved, entered.get(&of)));
    }
    found.extend(gone(&entered, |of| evidence.holds(of)));
    found
}

/// The journal of the console, by what it says things of.
fn entered(index: &[Line<Note>]) -> BTreeMap<Book, Entered<'_>> {
    let mut all: BTreeMap<Book, Entered<'_>> = BTreeMap::new();
    for entry in whole(index) {
        let Some(of) = entry.body.of() else { continue };
        let known = all.entry(of.clone()).or_default();
        match &entry.body {
            Note::Opened { head, .. } => known.opened = Some(head),
            Note::Closed { length, head, .. } => known.closed = Some((*length, head)),
            Note::Dropped { length, head, .. } => known.dropped = Some((*length, head)),
            Note::Refused { .. } | Note::Aborted { .. } | Note::Mended { .. } => {}
        }
    }
    all
}

fn whole<B>(lines: &[Line<B>]) -> impl Iterator<Item = &Entry<B>> {
    lines.iter().filter_map(|line| line.entry.as_ref().ok())
}

/// One chain in itself.
fn check_lines<B: Said>(file: &str, lines: &[Line<B>], torn: u64) -> Vec<Finding> {
    let mut found: Vec<Finding> =
        faults(lines).iter().map(|fault| broken(file, text::sanitize(&fault.to_string()))).collect();
    if torn > 0 {
        let what = format!(
            "the last line is cut short after {torn} bytes: whoever wrote it was killed, or is writing it now; nothing \
             was done upon it, and the next line mends it"
        );
        found.push(Finding { file: file.to_owned(), what, broken: false });
    }
    found
}

/// One journal in itself and against the journal of the console.
fn check_book<B: Story>(of: &Book, shelved: &Shelved<B>, entered: Option<&Entered<'_>>) -> Vec<Finding> {
    let file = file(of);
    let mut found = check_lines(&file, &shelved.lines, shelved.torn);
    let Some(entered) = entered else {
        if shelved.held {
            return found;
        }
        let what = format!("{INDEX} does not know of {of}: lines were taken out of it, or the file was put here");
        found.push(broken(&file, what));
        return found;
    };
    let first = whole(&shelved.lines).next();
    match (first, entered.opened) {
        (Some(first), Some(head)) if first.hash != head => found.push(broken(
            &file,
            format!("entry {} is not the one that {INDEX} knows to have opened {of}: it was replaced", first.seq),
        )),
        (None, Some(_)) => {
            found.push(broken(
                &file,
                format!("it holds no entry, and {INDEX} knows that {of} was opened: it was emptied"),
            ));
        }
        _ => {}
    }
    found.extend(check_end(of, &file, &shelved.lines, entered));
    found
}

fn check_end<B: Story>(of: &Book, file: &str, lines: &[Line<B>], entered: &Entered<'_>) -> Option<Finding> {
    let last = whole(lines).last()?;
    if let Some((length, head)) = entered.closed {
        let anchor = Anchor { length, head: head.to_owned() };
        let lost = anchor.missing_from(whole(lines));
        return match lost {
            Some(lost) => Some(broken(file, said(of, &lost, INDEX))),
            None if last.hash != head => {
                Some(broken(file, format!("entry {} stands after the end of {of} that {INDEX} knows", last.seq)))
            }
            None => None,
        };
    }
    // Closed in the file alone: the process was killed between the two.
    (last.body.turn() == Some(Turn::Closes)).then(|| Finding {
        file: file.to_owned(),
        what: format!(
            "{of} has ended, and {INDEX} does not say so: until it does, a journal cut short does not show there"
        ),
        broken: false,
    })
}

/// What is lost of a journal, by whom it is remembered.
fn said(of: &Book, lost: &Lost, by: &str) -> String {
    match lost {
        Lost::Cut { has, had: 0 } => {
            format!(
                "its {} do not hold the end of {of} that {by} knows: it was cut short, or written anew",
                entries(*has)
            )
        }
        Lost::Cut { has, had } if had > has => {
            format!("it holds {}, and {by} knows {had}: the last {} were cut off", entries(*has), had - has)
        }
        Lost::Cut { .. } => format!("it does not hold the entry of {of} that {by} knows: it was written anew"),
        Lost::Other { seq } => {
            format!("entry {seq} is another one than {by} knows: it was written anew, from there or from earlier on")
        }
    }
}

fn entries(count: u64) -> String {
    text::plural(usize::try_from(count).unwrap_or(usize::MAX), "entry", "entries")
}

/// Journals that are known and not here.
fn gone(entered: &BTreeMap<Book, Entered<'_>>, here: impl Fn(&Book) -> bool) -> Vec<Finding> {
    let gone = entered.iter().filter(|(of, known)| known.dropped.is_none() && !here(of));
    let say = |(of, known): (&Book, &Entered<'_>)| {
        let end = if known.closed.is_some() { "closed" } else { "opened" };
        broken(&file(of), format!("it is missing: {INDEX} knows that {of} was {end}, and not that it was dropped"))
    };
    gone.map(say).collect()
}

/// Checks what is here against what the cluster remembers.
pub fn against<R: Story>(evidence: &Evidence<R>, remembered: &[Remembered]) -> Vec<Finding> {
    let entered = entered(&evidence.index);
    let own = whole(&evidence.index).next().map(|first| first.hash.as_str());
    let mut found = Vec::new();
    let mut said_of_index: BTreeSet<String> = BTreeSet::new();
    for one in remembered {
        found.extend(against_book(evidence, &entered, one));
        let Some((console, anchor)) = &one.index else { continue };
        if Some(console.as_str()) != own {
            continue;
        }
        if let Some(lost) = anchor.missing_from(whole(&evidence.index)) {
            let what = said_of(&lost, &one.at);
            if said_of_index.insert(what.clone()) {
                found.push(broken(INDEX, what));
            }
        }
    }
    found
}

fn said_of(lost: &Lost, at: &str) -> String {
    let by = format!("the cluster ({})", text::sanitize(at));
    match lost {
        Lost::Cut { has, had } if had > has => format!(
            "it holds {}, and {by} knows {had}: the last {} were cut off, or an older copy was put here",
            entries(*has),
            had - has
        ),
        Lost::Cut { .. } => format!("it does not hold the line that {by} knows: it was written anew"),
        Lost::Other { seq } => {
            format!("entry {seq} is another one than {by} knows: it was written anew, from there or from earlier on")
        }
    }
}

fn against_book<R: Story>(
    evidence: &Evidence<R>,
    entered: &BTreeMap<Book, Entered<'_>>,
    one: &Remembered,
) -> Option<Finding> {
    let by = format!("the cluster ({})", text::sanitize(&one.at));
    if evidence.holds(&one.of) {
        let lost = match one.of.kind {
            BookKind::Operation => one.anchor.missing_from(whole(&evidence.operations.get(&one.of.id)?.lines)),
            BookKind::Run => one.anchor.missing_from(whole(&evidence.runs.get(&one.of.id)?.lines)),
        }?;
        let own = whole(&evidence.index).next().map(|first| &first.hash);
        let elsewhere = matches!((&one.index, own), (Some((console, _)), Some(own)) if console != own);
        let what = said(&one.of, &lost, &by);
        let (what, broken) = if elsewhere {
            (format!("{what}; another console wrote there last: {} may have gone on there", one.of), false)
        } else {
            (what, true)
        };
        return Some(Finding { file: file(&one.of), what, broken });
    }
    let dropped = entered.get(&one.of)?.dropped?;
    (dropped.1 != one.anchor.head && dropped.0 <= one.anchor.length).then(|| {
        let what = format!("{} was dropped with another end than {by} knows: it was changed before that", one.of);
        broken(&file(&one.of), what)
    })
}
