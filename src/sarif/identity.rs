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
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::model::FindingId;

use super::element::Element;
use super::message::head;
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
pub fn marks(element: &Element, keys: &mut Keys, scratch: &mut Vec<u8>) -> Marks {
    let mut marks = [0; MARKS];
    if let Some(guid) = element.correlation.as_deref().filter(|guid| usable(guid)) {
        marks[Mark::Correlation as usize] = hash(guid.to_ascii_lowercase().as_bytes());
    }
    marks[Mark::Fingerprints as usize] = keys.newest(&element.fingerprints);
    marks[Mark::Partial as usize] = keys.newest(&element.partial);
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
    // None of them is longer.
    if value.len() > 32 {
        return true;
    }
    let value = value.trim();
    !EMPTY.iter().any(|empty| empty.eq_ignore_ascii_case(value))
}

/// What the key of a fingerprint says.
#[derive(Clone, Copy)]
struct Key {
    hash: u64,
    /// Hash of the name without its version.
    name: u64,
    version: u64,
    passing: bool,
}

/// Keys that were seen; a tool has few of them.
#[derive(Default)]
pub struct Keys {
    known: HashMap<Box<str>, Key, RandomState>,
}

/// More keys are not remembered: those of a tool that makes them up for each result.
const MAX_KEYS: usize = 1024;

impl Keys {
    fn get(&mut self, key: &str) -> Key {
        if let Some(known) = self.known.get(key) {
            return *known;
        }
        let (name, version) = versioned(key);
        let new = Key { hash: xxh3_64(key.as_bytes()), name: xxh3_64(name.as_bytes()), version, passing: passing(key) };
        if self.known.len() < MAX_KEYS {
            self.known.insert(key.into(), new);
        }
        new
    }

    /// A hash of all fingerprints; of keys that differ in their version only, the greatest counts (§3.27.16,
    /// appendix B). 0 when there is none of use.
    fn newest(&mut self, fingerprints: &[(Cow<str>, Cow<str>)]) -> u64 {
        let (mut sum, mut any) = (0_u64, false);
        for (key, value) in fingerprints {
            let key = self.get(key);
            if key.passing || !usable(value) {
                continue;
            }
            let newer = fingerprints.len() > 1
                && fingerprints.iter().any(|(other, value)| {
                    let other = self.get(other);
                    other.name == key.name && other.version > key.version && usable(value)
                });
            if !newer {
                any = true;
                let pair = key.hash.rotate_left(17) ^ xxh3_64(value.as_bytes());
                // Their order in the log does not matter.
                sum = sum.wrapping_add(xxh3_64(&pair.to_le_bytes()));
            }
        }
        if any { sum.max(1) } else { 0 }
    }
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
    let text = element.message.own().map_or("", |text| text);
    let [package, version] = &element.properties.package;
    // Trivy has no properties for them.
    let line = |name: &str| text.lines().take(8).find_map(|line| line.strip_prefix(name)).map(str::trim);
    let trivy = || text.starts_with("Package: ").then(|| line("Package: ")).flatten();
    let Some(package) = package.as_deref().or_else(trivy) else { return 0 };
    let id = element.rule.id.as_deref().unwrap_or_default();
    let Some(vulnerability) = words::vulnerability(id).or_else(|| words::vulnerability(head(text, 1024))) else {
        return 0;
    };
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
pub struct Member<'m> {
    /// Its marks.
    pub marks: &'m Marks,
    /// Line, column and place in the log.
    pub position: (u32, u32, u32),
}

/// The identities of all findings of one rule in one file, in the order given.
pub fn identities(family: &str, rule: &str, path: &str, members: &[Member]) -> Vec<FindingId> {
    let mut context = Context::new(&SHA256);
    for part in ["holdfast/finding/1", family, rule, path] {
        context.update(part.as_bytes());
        context.update(&[0]);
    }
    let mut bytes = [0; 45];
    bytes[..32].copy_from_slice(context.finish().as_ref());
    let mut id = |mark: usize, value: u64, ordinal: u32| {
        bytes[32] = u8::try_from(mark).unwrap_or(u8::MAX);
        bytes[33..41].copy_from_slice(&value.to_le_bytes());
        bytes[41..].copy_from_slice(&ordinal.to_le_bytes());
        FindingId(xxh3_128(&bytes))
    };
    let mut ids = vec![FindingId::default(); members.len()];
    let mut ties: HashMap<(usize, u64), Vec<u32>, RandomState> = HashMap::default();
    for ((index, choice), member) in (0..).zip(chosen(members)).zip(members) {
        let mark = usize::from(choice);
        if mark < MARKS {
            ids[at(index)] = id(mark, member.marks[mark], 0);
        } else {
            let mark = member.marks.iter().position(|value| *value != 0).unwrap_or(MARKS);
            ties.entry((mark, member.marks.get(mark).copied().unwrap_or(0))).or_default().push(index);
        }
    }
    for ((mark, value), mut tied) in ties {
        tied.sort_unstable_by_key(|index| members[at(*index)].position);
        for (ordinal, index) in (0..).zip(tied) {
            ids[at(index)] = id(mark, value, ordinal);
        }
    }
    ids
}

fn at(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

/// For each the first mark that no other bears; 255 where there is none.
fn chosen(members: &[Member]) -> Vec<u8> {
    let mut chosen = vec![u8::MAX; members.len()];
    let mut values = Vec::new();
    for (mark, slot) in (0..).zip(0..MARKS) {
        values.clear();
        values.extend(members.iter().map(|member| member.marks[slot]).filter(|value| *value != 0));
        values.sort_unstable();
        // Those that are there once.
        let once: Vec<u64> =
            values.chunk_by(|one, other| one == other).filter(|same| same.len() == 1).map(|same| same[0]).collect();
        if once.is_empty() {
            continue;
        }
        for (choice, member) in chosen.iter_mut().zip(members) {
            let value = member.marks[slot];
            if *choice == u8::MAX && value != 0 && once.binary_search(&value).is_ok() {
                *choice = mark;
            }
        }
    }
    chosen
}

#[cfg(test)]
mod tests;
