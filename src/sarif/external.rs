//! Parts of a run that stand in other files (SARIF 2.1.0 §3.15, §4): which may be read, and which fit.
//!
//! Only files beside the log or below its folder: never an address, never a way up. A log that points elsewhere is
//! read without them, and its scan is not complete then. Reads nothing itself.

use std::sync::Arc;

use percent_encoding::percent_decode_str;

use super::intern::Texts;
use super::json::Cursor;
use super::run::Run;
use super::uses::PlaceUse;

/// A reference to a file, as a run has it.
#[derive(Clone, Debug)]
pub struct Reference {
    /// `location.uri`.
    pub uri: Arc<str>,
    /// `guid`.
    pub guid: Option<Arc<str>>,
    /// Whether results stand in it: without them the scan is not whole.
    pub results: bool,
}

/// Parts that say nothing of findings are not asked for.
const OF_USE: &[&[u8]] = &[b"results", b"artifacts", b"invocations", b"taxonomies", b"driver", b"extensions"];

/// More files are not asked for.
const MAX_FILES: usize = 64;

/// A file that holds a part of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct External {
    /// Its name relative to the folder of the log, with `/`; below that folder.
    pub name: String,
    /// The guid that it has to have.
    pub guid: Option<String>,
}

/// Reads `externalPropertyFileReferences`. Under each name stands one reference or a list.
pub fn references(cursor: &mut Cursor, texts: &mut Texts, all: &mut Vec<Reference>) {
    cursor.object(|cursor, key| {
        if !OF_USE.contains(&key) {
            return cursor.skip();
        }
        let mut each = |cursor: &mut Cursor| {
            let (mut place, mut guid) = (PlaceUse::default(), None);
            cursor.object(|cursor, key| match key {
                b"location" => place = PlaceUse::read(cursor),
                b"guid" => guid = texts.maybe(cursor.text().as_deref()),
                _ => cursor.skip(),
            });
            if let Some(uri) = place.uri
                && all.len() < MAX_FILES
            {
                all.push(Reference { uri: texts.get(&uri), guid, results: key == b"results" });
            }
        };
        if cursor.peek() == Some(b'[') {
            cursor.array(|cursor, _| each(cursor));
        } else {
            each(cursor);
        }
    });
}

/// The name to ask for, or why none may be.
pub fn name(uri: &str, own: &str) -> Result<String, &'static str> {
    let decoded = percent_decode_str(uri).decode_utf8().map_err(|_| "is no name of a file")?;
    let mut name = decoded.as_ref();
    while let Some(rest) = name.strip_prefix("./") {
        name = rest;
    }
    if name.contains(':') {
        return Err("is an address or has a drive, not a file beside the log");
    }
    if name.starts_with('/') || name.contains(['\\', '\0']) {
        return Err("is not relative to the log");
    }
    if name.is_empty() || name.split('/').any(|part| part.is_empty() || part == "..") {
        return Err("leads out of the folder of the log");
    }
    if name == own {
        return Err("is the log itself");
    }
    Ok(name.to_owned())
}

/// `guid` of external properties (§4.3.4); only that which says its own.
pub fn guid(bytes: &[u8]) -> Option<String> {
    members(bytes).0
}

/// `guid` and `runGuid`.
fn members(bytes: &[u8]) -> (Option<String>, Option<String>) {
    let (mut guid, mut run) = (None, None);
    Cursor::new(bytes).object(|cursor, key| match key {
        b"guid" => guid = cursor.text().map(Into::into),
        b"runGuid" => run = cursor.text().map(Into::into),
        _ => cursor.skip(),
    });
    (guid, run)
}

/// The run that inline external properties belong to: that of their `runGuid`, that which refers to their guid, the
/// only one.
pub fn inline(bytes: &[u8], runs: &[Run]) -> Option<usize> {
    let (guid, of) = members(bytes);
    let same = |one: Option<&Arc<str>>, other: &Option<String>| matches!((one, other), (Some(one), Some(other)) if one.eq_ignore_ascii_case(other));
    let by_run = runs.iter().position(|run| same(run.automation.guid.as_ref(), &of));
    let by_guid = || {
        runs.iter().position(|run| {
            same(run.automation.guid.as_ref(), &guid)
                || run.external.iter().any(|wanted| same(wanted.guid.as_ref(), &guid))
        })
    };
    by_run.or_else(by_guid).or((runs.len() == 1).then_some(0))
}
