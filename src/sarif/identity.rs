//! Which finding is the same as one of another scan.
//!
//! A fingerprint is never the key alone: tools repeat them over files, rules and even a whole report. Identity is the
//! tool's family, the root of the rule, the path, and what tells apart the findings of one rule in one file: the
//! first of several marks ([`Mark`]) that no other of them bears. Those that cannot be told apart are counted by
//! position.
//!
//! Hashes must not change: operators' decisions hang on them.

use std::borrow::Cow;
use std::collections::HashMap;

use foldhash::fast::RandomState;
use ring::digest::{Context, SHA256};
use xxhash_rust::xxh3::xxh3_64;

use crate::model::FindingId;

use super::element::Element;
use super::words;

/// What can tell findings apart, most telling first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// `correlationGuid` (§3.27.4).
    Correlation,
    /// `fingerprints` (§3.27.16).
    Fingerprints,
    /// `partialFingerprints` (§3.27.17) but for those of a position or a commit.
    Partial,
    /// Package, version and vulnerability.
    Package,
    /// The code, without white space.
    Snippet,
    /// The message, with digits masked.
    Message,
}

/// How many [`Mark`]s there are.
pub const MARKS: usize = 6;

/// The marks of one result; 0 where there is none.
pub type Marks = [u64; MARKS];

/// All marks of a result.
pub fn marks(element: &Element, scratch: &mut Vec<u8>) -> Marks {
    let mut marks = [0; MARKS];
    if let Some(guid) = element.correlation.as_deref().filter(|guid| usable(guid)) {
        marks[Mark::Correlation as usize] = hash(guid.to_ascii_lowercase().as_bytes());
    }
    marks[Mark::Fingerprints as usize] = newest(&element.fingerprints);
    marks[Mark::Partial as usize] = newest(&element.partial);
    marks[Mark::Package as usize] = package(element, scratch);
    if let Some(snippet) = &element.snippet {
        scratch.clear();
        scratch.extend(snippet.bytes().filter(|byte| !byte.is_ascii_whitespace()));
        if !scratch.is_empty() {
            marks[Mark::Snippet as usize] = hash(scratch);
        }
    }
    marks[Mark::Message as usize] = shape(element, scratch);
    marks
}

/// A hash of the message with its digits masked; 0 when there is no message.
pub fn shape(element: &Element, scratch: &mut Vec<u8>) -> u64 {
    scratch.clear();
    let message = &element.message;
    match (message.own(), &message.id) {
        (Some(text), _) => masked(text, scratch),
        (None, Some(id)) => {
            scratch.extend_from_slice(id.as_bytes());
        }
        (None, None) => return 0,
    }
    for argument in message.arguments.iter().flatten() {
        scratch.push(0);
        masked(argument, scratch);
    }
    hash(scratch)
}

fn masked(text: &str, out: &mut Vec<u8>) {
    out.extend(text.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte }));
}

/// Never 0.
fn hash(bytes: &[u8]) -> u64 {
    xxh3_64(bytes).max(1)
}

/// Whether a value can tell anything apart. Semgrep writes `requires login` to those who are not.
fn usable(value: &str) -> bool {
    const EMPTY: &[&str] = &["", "0", "null", "none", "undefined", "unknown", "n/a", "requires login"];
    let value = value.trim();
    !EMPTY.iter().any(|empty| empty.eq_ignore_ascii_case(value))
}

/// Of keys that differ in their version only, the greatest counts (§3.27.16, appendix B).
fn newest(fingerprints: &[(Cow<str>, Cow<str>)]) -> u64 {
    let usable = || fingerprints.iter().filter(|(key, value)| usable(value) && !passing(key));
    let mut sum: u64 = 0;
    for (key, value) in usable() {
        let (name, version) = versioned(key);
        let newer = usable().any(|(other, _)| {
            let (other_name, other_version) = versioned(other);
            other_name == name && other_version > version
        });
        if !newer {
            let pair = xxh3_64(key.as_bytes()).rotate_left(17) ^ xxh3_64(value.as_bytes());
            // Their order in the log does not matter.
            sum = sum.wrapping_add(xxh3_64(&pair.to_le_bytes()));
        }
    }
    if usable().next().is_some() { sum.max(1) } else { 0 }
}

/// `name/v2`; without a version it is older than `v1`.
fn versioned(key: &str) -> (&str, u64) {
    key.rsplit_once("/v").and_then(|(name, version)| Some((name, version.parse::<u64>().ok()? + 1))).unwrap_or((key, 0))
}

/// Keys that say where or when, which passes, and not what. CodeQL writes a column, Gitleaks a commit.
fn passing(key: &str) -> bool {
    const KEYS: &[&str] = &["commitsha", "email", "author", "date", "commitmessage"];
    let key = key.to_ascii_lowercase();
    KEYS.contains(&key.as_str())
        || ["column", "linenumber", "startline", "endline", "offset"].iter().any(|word| key.contains(word))
}

/// A vulnerability in a package, which moves with lines of lock files and not with code.
fn package(element: &Element, scratch: &mut Vec<u8>) -> u64 {
    let text = element.message.own();
    let id = element.rule.id.as_deref().unwrap_or_default();
    let Some(vulnerability) = words::vulnerability(id).or_else(|| text.and_then(|text| words::vulnerability(text)))
    else {
        return 0;
    };
    // Trivy has no properties for them.
    let line = |name: &str| {
        let text = text?;
        text.lines().take(8).find_map(|line| line.strip_prefix(name)).map(str::trim)
    };
    let [package, version] = &element.properties.package;
    let Some(package) = package.as_deref().or_else(|| line("Package: ")) else { return 0 };
    let version = version.as_deref().or_else(|| line("Installed Version: ")).unwrap_or_default();
    scratch.clear();
    for part in [vulnerability, package, version] {
        scratch.extend_from_slice(part.as_bytes());
        scratch.push(0);
    }
    hash(scratch)
}

/// One finding of a rule in a file.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Its marks.
    pub marks: Marks,
    /// Line, column and place in the log.
    pub position: (u32, u32, u32),
}

/// The identities of all findings of one rule in one file, in the order given.
pub fn identities(family: &str, rule: &str, path: &str, members: &[Member]) -> Vec<FindingId> {
    let mut base = Context::new(&SHA256);
    for part in ["holdfast/finding/1", family, rule, path] {
        base.update(part.as_bytes());
        base.update(&[0]);
    }
    let id = |mark: usize, value: u64, ordinal: u32| {
        let mut context = base.clone();
        let mut bytes = [0; 13];
        bytes[0] = u8::try_from(mark).unwrap_or(u8::MAX);
        bytes[1..9].copy_from_slice(&value.to_le_bytes());
        bytes[9..].copy_from_slice(&ordinal.to_le_bytes());
        context.update(&bytes);
        let mut id = [0; 16];
        id.copy_from_slice(&context.finish().as_ref()[..16]);
        FindingId(u128::from_be_bytes(id))
    };
    let chosen = chosen(members);
    let mut ids = vec![FindingId::default(); members.len()];
    let mut ties: HashMap<(usize, u64), Vec<usize>, RandomState> = HashMap::default();
    for (index, choice) in chosen.iter().enumerate() {
        match *choice {
            Some(mark) => ids[index] = id(mark, members[index].marks[mark], 0),
            None => {
                let marks = &members[index].marks;
                let mark = marks.iter().position(|value| *value != 0).unwrap_or(MARKS);
                ties.entry((mark, marks.get(mark).copied().unwrap_or(0))).or_default().push(index);
            }
        }
    }
    for ((mark, value), mut tied) in ties {
        tied.sort_by_key(|index| members[*index].position);
        for (ordinal, index) in (0..).zip(tied) {
            ids[index] = id(mark, value, ordinal);
        }
    }
    ids
}

/// For each the first mark that no other bears.
fn chosen(members: &[Member]) -> Vec<Option<usize>> {
    if let [only] = members {
        return vec![only.marks.iter().position(|value| *value != 0)];
    }
    let mut chosen = vec![None; members.len()];
    let mut values = Vec::with_capacity(members.len());
    for mark in 0..MARKS {
        values.clear();
        values.extend(members.iter().map(|member| member.marks[mark]).filter(|value| *value != 0));
        if values.is_empty() {
            continue;
        }
        values.sort_unstable();
        for (choice, member) in chosen.iter_mut().zip(members) {
            let value = member.marks[mark];
            if choice.is_none() && value != 0 {
                let first = values.partition_point(|other| *other < value);
                if values.get(first + 1) != Some(&value) {
                    *choice = Some(mark);
                }
            }
        }
    }
    chosen
}

#[cfg(test)]
mod tests;
