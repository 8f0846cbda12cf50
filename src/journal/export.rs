//! Everything that the journals hold in one text, which says by itself whether it is whole.
//!
//! Pure. A line for each entry, between a line that says what it is and one with a hash over them; or the same as one
//! document. The hash shows damage; that nobody wrote it anew shows only against a head that is known from elsewhere.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::verify::{Evidence, Finding, INDEX, Shelved, broken, verify};
use super::{Anchor, BookKind, Entry, Line, Said};
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
pub struct Export {
    /// What it says of itself.
    pub label: Label,
    /// What it holds.
    pub evidence: Evidence,
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

impl Export {
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
pub fn write_lines(label: &Label, evidence: &Evidence) -> Result<String, serde_json::Error> {
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
pub fn write_document(label: &Label, evidence: &Evidence) -> Result<String, serde_json::Error> {
    let entries = pieces(evidence)?;
    let end = end(label, &entries)?;
    Ok(serde_json::to_string_pretty(&Document { label: label.clone(), entries, end })? + "\n")
}

fn pieces(evidence: &Evidence) -> Result<Vec<Piece>, serde_json::Error> {
    let mut all = Vec::new();
    for line in &evidence.index {
        all.push(piece(INDEX, line)?);
    }
    for (id, shelved) in &evidence.operations {
        for line in &shelved.lines {
            all.push(piece(&format!("{}/{id}.jsonl", BookKind::Operation.folder()), line)?);
        }
    }
    Ok(all)
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
pub fn read(text: &str) -> Result<Export, NoExport> {
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

fn evidence(pieces: Vec<Piece>) -> Evidence {
    let mut evidence = Evidence::default();
    let mut operations: BTreeMap<String, Vec<Piece>> = BTreeMap::new();
    let mut index = Vec::new();
    for piece in pieces {
        let of = piece.file.strip_prefix("operations/").and_then(|name| name.strip_suffix(".jsonl"));
        match of.map(str::to_owned) {
            Some(id) => operations.entry(id).or_default().push(piece),
            None if piece.file == INDEX => index.push(piece),
            // A later version may keep more; the hash over all of it was checked.
            None => {}
        }
    }
    evidence.index = lines(index);
    let shelve = |(id, pieces): (String, Vec<Piece>)| (id, Shelved { lines: lines(pieces), torn: 0, held: false });
    evidence.operations = operations.into_iter().map(shelve).collect();
    evidence
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
