//! The journal of a console: one chained line for each opening and closing of what has a journal of its own, and for
//! what was asked for and not done.
//!
//! Pure; the store writes it to `index.jsonl`. Texts in it may come from a cluster: who shows one makes it safe.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Book, BookKind, Entry, Said};
use crate::text;

/// The most of a text that a line keeps.
const MOST: usize = 2_000;

/// One line of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "what")]
pub enum Note {
    /// A journal began.
    Opened {
        /// Of what.
        of: Book,
        /// The hash of its first entry.
        head: String,
    },
    /// A journal ended.
    Closed {
        /// Of what.
        of: Book,
        /// How many entries it has; 0 in lines from before that was kept.
        #[serde(default)]
        length: u64,
        /// The hash of its last entry.
        head: String,
    },
    /// Something was asked for and cannot or may not be done.
    Refused {
        /// What was asked for.
        asked: Asked,
        /// Why not.
        why: String,
    },
    /// A plan was read and not confirmed, or confirmed wrongly.
    Aborted {
        /// What it would have done.
        asked: Asked,
        /// The digest of the plan.
        digest: String,
        /// Why not.
        why: String,
    },
    /// A journal was let go: it is older than is kept.
    Dropped {
        /// Of what.
        of: Book,
        /// How many entries it had.
        length: u64,
        /// The hash of its last entry.
        head: String,
    },
    /// A line was taken off the end of a file: whoever wrote it was killed before it was whole.
    Mended {
        /// Which file, as it is named below the state directory.
        file: String,
        /// How many bytes.
        bytes: u64,
    },
}

/// What somebody asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// The verb, such as `restore`.
    pub verb: String,
    /// The object, for people.
    pub object: String,
    /// Its UID, where it was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Who asked, as far as that is known.
    pub who: String,
    /// The kubeconfig context.
    pub context: String,
    /// The API server; empty where it was never reached.
    pub server: String,
}

impl Note {
    /// The same with texts of bounded length.
    pub fn bounded(mut self) -> Self {
        if let Self::Refused { asked, why } | Self::Aborted { asked, why, .. } = &mut self {
            for text in [&mut asked.verb, &mut asked.object, &mut asked.who, &mut asked.context, &mut asked.server, why]
            {
                cut(text);
            }
        }
        self
    }

    /// What has a journal of its own, where it is about that.
    pub fn of(&self) -> Option<&Book> {
        match self {
            Self::Opened { of, .. } | Self::Closed { of, .. } | Self::Dropped { of, .. } => Some(of),
            Self::Refused { .. } | Self::Aborted { .. } | Self::Mended { .. } => None,
        }
    }

    /// The word for its kind.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::Closed { .. } => "closed",
            Self::Refused { .. } => "refused",
            Self::Aborted { .. } => "aborted",
            Self::Dropped { .. } => "dropped",
            Self::Mended { .. } => "mended",
        }
    }
}

fn cut(text: &mut String) {
    if text.len() > MOST {
        let end = (0..=MOST).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
}

/// A line as it was written before lines were numbered: of operations alone.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Former {
    at: Timestamp,
    operation: String,
    closed: bool,
    head: String,
    prev: String,
    hash: String,
}

impl Said for Note {
    fn former(line: &[u8], place: u64) -> Option<Entry<Self>> {
        let Former { at, operation, closed, head, prev, hash } = serde_json::from_slice(line).ok()?;
        let of = Book { kind: BookKind::Operation, id: operation };
        let body = if closed { Self::Closed { of, length: 0, head } } else { Self::Opened { of, head } };
        Some(Entry { v: 0, seq: place, at, prev, body, kept: Vec::new(), hash })
    }

    fn former_written(entry: &Entry<Self>) -> Result<serde_json::Value, serde_json::Error> {
        let (of, closed, head) = match &entry.body {
            Self::Opened { of, head } => (of, false, head),
            Self::Closed { of, head, .. } => (of, true, head),
            _ => return serde_json::to_value(entry),
        };
        serde_json::to_value(Former {
            at: entry.at,
            operation: of.id.clone(),
            closed,
            head: head.clone(),
            prev: entry.prev.clone(),
            hash: entry.hash.clone(),
        })
    }

    fn former_digest(entry: &Entry<Self>) -> String {
        let (of, closed, head) = match &entry.body {
            Self::Opened { of, head } => (of, false, head),
            Self::Closed { of, head, .. } => (of, true, head),
            _ => return String::new(),
        };
        let fields = (entry.at, &of.id, closed, head, &entry.prev);
        // Strings, booleans and a time: this always serialises.
        text::sha256(&serde_json::to_vec(&fields).unwrap_or_default())
    }
}
