//! Finding PEM blocks in text that was not always written with care.
//!
//! The readers of the usual crates return nothing for a byte order mark or indented lines, and lose the second of
//! two blocks that share a line. Here a block begins wherever its BEGIN marker stands.

use std::ops::Range;

use x509_parser::pem::parse_x509_pem;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// Longest label looked at; the longest in use is far shorter.
const MAX_LABEL: usize = 64;

/// Why a block has no contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// No END marker with its label before the next block or the end.
    Unterminated,
    /// Not base64.
    Encoding,
}

/// One block.
#[derive(Debug)]
pub(super) struct Block<'a> {
    /// What it says it is, such as `CERTIFICATE`.
    pub label: &'a str,
    /// Where all of it stands, its markers included; to the end of its label when it has no end.
    pub place: Range<usize>,
    /// What is between its markers, when it has both.
    body: Option<&'a str>,
}

impl Block<'_> {
    /// Its contents.
    pub fn der(&self) -> Result<Vec<u8>, Fault> {
        let body = self.body.ok_or(Fault::Unterminated)?;
        // RFC 1421 headers ("Proc-Type: ...") are not contents.
        let lines = body.lines().filter(|line| !line.contains(':'));
        let base64: String = lines.flat_map(str::chars).filter(|c| !c.is_whitespace()).collect();
        let clean = format!("{BEGIN}X{DASHES}\n{base64}\n{END}X{DASHES}\n");
        match parse_x509_pem(clean.as_bytes()) {
            Ok((_, pem)) if !pem.contents.is_empty() => Ok(pem.contents),
            _ => Err(Fault::Encoding),
        }
    }
}

/// Every block, first to last.
pub(super) fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(BEGIN) {
        let start = text.len() - rest.len() + at;
        rest = &rest[at + BEGIN.len()..];
        let Some((label, after)) = rest.split_once(DASHES) else { break };
        if label.len() > MAX_LABEL || label.contains(['\n', '\r']) {
            continue;
        }
        let end = after.find(END).filter(|end| after.find(BEGIN).is_none_or(|begin| *end < begin));
        let ended = end.filter(|end| after[end + END.len()..].strip_prefix(label).is_some_and(|t| t.starts_with('-')));
        let length = ended.map_or(0, |end| end + END.len() + label.len() + DASHES.len());
        let end = (text.len() - after.len() + length).min(text.len());
        blocks.push(Block { label, place: start..end, body: ended.map(|end| &after[..end]) });
        // Dashes after END may belong to a BEGIN glued to it, so they are looked at again.
        rest = ended.map_or(after, |end| &after[end + END.len()..]);
    }
    blocks
}
