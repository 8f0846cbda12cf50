//! Everything that the journals hold in one text, which says by itself whether it is whole.
//!
//! Pure. A line for each entry, between a line that says what it is and one with a hash over them; or the same as one
//! document. The hash shows damage; that nobody wrote it anew shows only against a head that is known from elsewhere.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::verify::{Evidence, Finding, INDEX, Shelved, broken, verify};
use super::{Anchor, BookKind, Entry, Line, Said, Story};
use crate::text;

/// Version of the written form.
const FORM: u32 = 1;

/// What an export says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Label {
    /// Version of the written form.
    pub holdfast_journal: u32,
    /// When it was written.
    pub exported: Timestamp,
    /// Where.
    pub machine: String,
    /// How far the journal of the console was; `None` when it was empty.
    pub head: Option<Anchor>,
}

/// One line of a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Piece {
    file: String,
    line: usize,
    /// What it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entry: Option<Value>,
    /// Where it is no entry: why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unreadable: Option<String>,
}

/// The last line.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct End {
    lines: usize,
    sha256: String,
}

/// The same as one document.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Document {
    #[serde(flatten)]
    label: Label,
    entries: Vec<Piece>,
    #[serde(flatten)]
    end: End,
}

/// An export that was read.
#[derive(Clone, Debug)]
pub struct Export<R> {
    /// What it says of itself.
    pub label: Label,
    /// What it holds.
    pub evidence: Evidence<R>,
    /// What is wrong with it as a whole.
    pub flaws: Vec<Finding>,
}

/// What keeps an export from being read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoExport {
    /// It is something else.
    #[error("it is no export of a journal: {0}")]
    Other(String),
    /// A later version wrote it.
    #[error("it was written by a newer version ({0}); this one reads {FORM}")]
    Newer(u32),
}

impl<R: Story> Export<R> {
    /// Everything that is wrong with it.
    pub fn verify(&self) -> Vec<Finding> {
        let head = self.label.head.as_ref();
        let lost = head
            .and_then(|head| head.missing_from(self.evidence.index.iter().filter_map(|line| line.entry.as_ref().ok())));
        let head = lost.map(|_| {
            broken(INDEX, "it does not hold the head that the export names: lines of it were cut off or written anew")
        });
        self.flaws.iter().cloned().chain(head).chain(verify(&self.evidence)).collect()
    }
}

/// Writes an export: a line for each entry.
///
/// # Errors
/// When an entry cannot be written as JSON.
pub fn write_lines<R: Story>(label: &Label, evidence: &Evidence<R>) -> Result<String, serde_json::Error> {
    let pieces = pieces(evidence)?;
    let mut out = serde_json::to_string(label)? + "\n";
    for piece in &pieces {
        out += &serde_json::to_string(piece)?;
        out.push('\n');
    }
    out += &serde_json::to_string(&end(label, &pieces)?)?;
    out.push('\n');
    Ok(out)
}

/// Writes an export as one document.
///
/// # Errors
/// When an entry cannot be written as JSON.
pub fn write_document<R: Story>(label: &Label, evidence: &Evidence<R>) -> Result<String, serde_json::Error> {
    let entries = pieces(evidence)?;
    let end = end(label, &entries)?;
    Ok(serde_json::to_string_pretty(&Document { label: label.clone(), entries, end })? + "\n")
}

fn pieces<R: Story>(evidence: &Evidence<R>) -> Result<Vec<Piece>, serde_json::Error> {
    let mut all = Vec::new();
    for line in &evidence.index {
        all.push(piece(INDEX, line)?);
    }
    shelf(BookKind::Operation, &evidence.operations, &mut all)?;
    shelf(BookKind::Run, &evidence.runs, &mut all)?;
    Ok(all)
}

fn shelf<B: Said>(
    kind: BookKind,
    journals: &BTreeMap<String, Shelved<B>>,
    all: &mut Vec<Piece>,
) -> Result<(), serde_json::Error> {
    for (id, shelved) in journals {
        for line in &shelved.lines {
            all.push(piece(&format!("{}/{id}.jsonl", kind.folder()), line)?);
        }
    }
    Ok(())
}

fn piece<B: Said>(file: &str, line: &Line<B>) -> Result<Piece, serde_json::Error> {
    let (entry, unreadable) = match &line.entry {
        Ok(entry) => (Some(entry.written()?), None),
        Err(why) => (None, Some(why.clone())),
    };
    Ok(Piece { file: file.to_owned(), line: line.number, entry, unreadable })
}

/// The hash over what an export says, whichever way it is written.
fn end(label: &Label, pieces: &[Piece]) -> Result<End, serde_json::Error> {
    let mut said = serde_json::to_string(label)?;
    for piece in pieces {
        said += "\n";
        said += &serde_json::to_string(piece)?;
    }
    Ok(End { lines: pieces.len(), sha256: text::sha256(said.as_bytes()) })
}

/// Reads an export, of either form.
///
/// # Errors
/// When it is none.
pub fn read<R: Story>(text: &str) -> Result<Export<R>, NoExport> {
    let other = |error: serde_json::Error| NoExport::Other(error.to_string());
    let first = text.lines().next().unwrap_or_default();
    let (label, pieces, found) = if let Ok(label) = serde_json::from_str::<Label>(first) {
        let (pieces, end) = read_lines(text).map_err(other)?;
        (label, pieces, end)
    } else {
        let Document { label, entries, end } = serde_json::from_str(text).map_err(other)?;
        (label, entries, Some(end))
    };
    if label.holdfast_journal > FORM {
        return Err(NoExport::Newer(label.holdfast_journal));
    }
    let expected = end(&label, &pieces).map_err(other)?;
    let flaws = match found {
        None => vec![broken("export", "its last line is missing: the file was cut short")],
        Some(found) if found.lines != expected.lines => vec![broken(
            "export",
            format!(
                "it says that it holds {} and holds {}: lines were taken out or put in",
                found.lines, expected.lines
            ),
        )],
        Some(found) if found.sha256 != expected.sha256 => {
            vec![broken("export", "its content does not give the hash at its end: it was changed after it was written")]
        }
        Some(_) => Vec::new(),
    };
    Ok(Export { label, evidence: evidence(pieces), flaws })
}

fn read_lines(text: &str) -> Result<(Vec<Piece>, Option<End>), serde_json::Error> {
    let mut pieces = Vec::new();
    for line in text.lines().skip(1) {
        match serde_json::from_str::<Piece>(line) {
            Ok(piece) => pieces.push(piece),
            Err(error) => return serde_json::from_str::<End>(line).map(|end| (pieces, Some(end))).map_err(|_| error),
        }
    }
    Ok((pieces, None))
}

fn evidence<R: Story>(pieces: Vec<Piece>) -> Evidence<R> {
    let mut index = Vec::new();
    let mut operations: BTreeMap<String, Vec<Piece>> = BTreeMap::new();
    let mut runs: BTreeMap<String, Vec<Piece>> = BTreeMap::new();
    for piece in pieces {
        let id = |kind: BookKind| {
            let name = piece.file.strip_prefix(kind.folder())?.strip_prefix('/')?;
            name.strip_suffix(".jsonl").map(str::to_owned)
        };
        match (id(BookKind::Operation), id(BookKind::Run)) {
            (Some(id), _) => operations.entry(id).or_default().push(piece),
            (_, Some(id)) => runs.entry(id).or_default().push(piece),
            _ if piece.file == INDEX => index.push(piece),
            // A later version may keep more; the hash over all of it was checked.
            _ => {}
        }
    }
    Evidence { index: lines(index), index_torn: 0, operations: shelved(operations), runs: shelved(runs) }
}

fn shelved<B: Said>(journals: BTreeMap<String, Vec<Piece>>) -> BTreeMap<String, Shelved<B>> {
    let shelve = |(id, pieces)| (id, Shelved { lines: lines(pieces), torn: 0, held: false });
    journals.into_iter().map(shelve).collect()
}

fn lines<B: Said>(pieces: Vec<Piece>) -> Vec<Line<B>> {
    let read = |(place, piece): (usize, Piece)| {
        let entry = match (piece.entry, piece.unreadable) {
            (Some(entry), _) => {
                let bytes = serde_json::to_vec(&entry).unwrap_or_default();
                Entry::parse(&bytes, place as u64).map_err(|error| error.to_string())
            }
            (None, why) => Err(why.unwrap_or_else(|| "it is empty".to_owned())),
        };
        Line { number: piece.line, entry }
    };
    pieces.into_iter().enumerate().map(read).collect()
}
