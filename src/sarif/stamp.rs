//! Puts a pipeline's word on what was scanned into a log: `run.properties["holdfast/subject"]` of every run.
//!
//! Everything else stays byte for byte. What cannot be read for certain is refused: a pipeline can be mended, and a
//! wrong stamp links findings to the wrong workload.

use serde_json::{Map, Value};
use thiserror::Error;

use super::json::Cursor;
use super::subject::{STAMP, digest};

/// What a pipeline says of a scan. Empty fields are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Digests of the image, `sha256:…`, also behind `IMAGE@`.
    pub digests: Vec<String>,
    /// Image, without tag and digest.
    pub image: Option<String>,
    /// Tag of the image.
    pub tag: Option<String>,
    /// Repository of the sources.
    pub repository: Option<String>,
    /// Revision of the sources.
    pub revision: Option<String>,
    /// Branch of the sources.
    pub branch: Option<String>,
    /// Namespace of the workload.
    pub namespace: Option<String>,
    /// Kind of the workload.
    pub kind: Option<String>,
    /// Name of the workload.
    pub name: Option<String>,
    /// Container of the workload.
    pub container: Option<String>,
    /// Whether the scan ran to its end.
    pub complete: bool,
}

/// Why a log is not stamped.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StampError {
    /// The stamp would say nothing.
    #[error("the stamp says nothing: give a digest, a revision or a workload")]
    Nothing,
    /// Not a digest.
    #[error("`{0}` is not a digest: it has to be sha256: and 64 lower-case hex digits")]
    Digest(String),
    /// The text is packed or not UTF-8.
    #[error("the log is {0}: write it as UTF-8, not packed, and stamp that")]
    Encoding(&'static str),
    /// Not a log of this version.
    #[error("the log is not SARIF 2.1: {0}")]
    NotSarif(&'static str),
    /// Not JSON.
    #[error("the log is not whole JSON near byte {0}: let the tool write it again")]
    Malformed(usize),
    /// A property bag that is none.
    #[error("runs[{0}].properties is not an object: it cannot be stamped")]
    Properties(usize),
}

impl Stamp {
    fn value(&self) -> Result<Value, StampError> {
        let mut members = Map::new();
        let digests = self.digests.iter().map(|text| digest(text).ok_or_else(|| StampError::Digest(text.clone())));
        let mut digests = digests.collect::<Result<Vec<_>, _>>()?;
        digests.dedup();
        match digests[..] {
            [] => {}
            [one] => drop(members.insert("digest".into(), one.into())),
            _ => drop(members.insert("digest".into(), digests.into())),
        }
        let named = [
            ("image", &self.image),
            ("tag", &self.tag),
            ("repository", &self.repository),
            ("revision", &self.revision),
            ("branch", &self.branch),
            ("namespace", &self.namespace),
            ("kind", &self.kind),
            ("name", &self.name),
            ("container", &self.container),
        ];
        for (name, value) in named {
            if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
                members.insert(name.into(), value.into());
            }
        }
        if members.is_empty() {
            return Err(StampError::Nothing);
        }
        if self.complete {
            members.insert("complete".into(), true.into());
        }
        Ok(Value::Object(members))
    }
}

/// One change of the text: what stands there, what is put in its place.
struct Edit {
    from: usize,
    to: usize,
    text: String,
}

/// The log with the stamp in every run; an older stamp is replaced.
pub fn stamp(log: &[u8], stamp: &Stamp) -> Result<Vec<u8>, StampError> {
    let value = stamp.value()?.to_string();
    match log {
        [0x1f, 0x8b, ..] => return Err(StampError::Encoding("packed with gzip")),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return Err(StampError::Encoding("UTF-16")),
        _ => {}
    }
    if std::str::from_utf8(log).is_err() {
        return Err(StampError::Encoding("not UTF-8"));
    }
    let mark = if log.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let edits = edits(&log[mark..], &value)?;
    let mut stamped = Vec::with_capacity(log.len() + edits.len() * (value.len() + 64));
    stamped.extend_from_slice(&log[..mark]);
    let mut at = mark;
    for edit in edits {
        stamped.extend_from_slice(&log[at..mark + edit.from]);
        stamped.extend_from_slice(edit.text.as_bytes());
        at = mark + edit.to;
    }
    stamped.extend_from_slice(&log[at..]);
    Ok(stamped)
}

fn edits(log: &[u8], value: &str) -> Result<Vec<Edit>, StampError> {
    let mut cursor = Cursor::new(log);
    let (mut edits, mut version, mut runs) = (Vec::new(), None, false);
    let mut refused = None;
    let object = cursor.object(|cursor, key| match key {
        b"version" => version = cursor.text(),
        b"runs" => {
            cursor.array(|cursor, index| {
                runs = true;
                match run(cursor, value) {
                    Some(edit) => edits.push(edit),
                    None => drop(refused.get_or_insert(index)),
                }
            });
        }
        _ => cursor.skip(),
    });
    let end = cursor.position();
    if !object {
        return Err(StampError::NotSarif("it is no JSON object"));
    }
    // What follows would be another log, or the rest of a broken one.
    if cursor.odd || cursor.peek().is_some() {
        return Err(StampError::Malformed(end));
    }
    if !version.is_some_and(|version| version.starts_with("2.1") || version.starts_with("2.2")) {
        return Err(StampError::NotSarif("its version is another, or missing"));
    }
    if let Some(index) = refused {
        return Err(StampError::Properties(index));
    }
    if !runs {
        return Err(StampError::NotSarif("it has no runs"));
    }
    Ok(edits)
}

/// The change of one run; `None` when there is no place for a stamp.
fn run(cursor: &mut Cursor, value: &str) -> Option<Edit> {
    cursor.peek();
    let open = cursor.position() + 1;
    // Of properties that are there twice, readers take the last.
    let (mut properties, mut filled) = (None, false);
    let object = cursor.object(|cursor, key| {
        filled = true;
        if key == b"properties" {
            properties = Some(bag(cursor, value));
        } else {
            cursor.skip();
        }
    });
    let whole = || {
        let comma = if filled { ", " } else { "" };
        Edit { from: open, to: open, text: format!("\"properties\": {{\"{STAMP}\": {value}}}{comma}") }
    };
    object.then(|| properties.unwrap_or_else(|| Some(whole()))).flatten()
}

/// The change of one property bag.
fn bag(cursor: &mut Cursor, value: &str) -> Option<Edit> {
    let first = cursor.peek();
    let open = cursor.position();
    let (mut stamped, mut filled) = (None, false);
    let object = cursor.object(|cursor, key| {
        filled = true;
        cursor.peek();
        let from = cursor.position();
        cursor.skip();
        if key == STAMP.as_bytes() {
            stamped = Some((from, cursor.position()));
        }
    });
    match (object, stamped) {
        (true, Some((from, to))) => Some(Edit { from, to, text: value.to_owned() }),
        (true, None) => {
            let comma = if filled { ", " } else { "" };
            Some(Edit { from: open + 1, to: open + 1, text: format!("\"{STAMP}\": {value}{comma}") })
        }
        (false, _) if first == Some(b'n') => {
            Some(Edit { from: open, to: cursor.position(), text: format!("{{\"{STAMP}\": {value}}}") })
        }
        (false, _) => None,
    }
}

#[cfg(test)]
mod tests;
