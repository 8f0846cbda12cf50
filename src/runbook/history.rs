//! What happened in a run of a runbook, and what that adds up to.
//!
//! Pure. The entries are chained and kept like those of an operation; every one names who and when, so that a run tells
//! its whole story without another source.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::words::{RUN, Values};
use crate::journal::{BookKind, Entry, Said, Story, Turn};
use crate::plan::OperationId;

/// Identity of a run: a valid part of a Kubernetes name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    /// From the moment at which it begins (UTC, to the second) and 4 random bytes, as for operations.
    pub fn new(now: Timestamp, random: [u8; 4]) -> Self {
        Self(OperationId::new(now, random).as_str().to_owned())
    }

    /// Reads an id typed by a person or found as a file name.
    ///
    /// # Errors
    /// When it is not made of lower-case letters, digits and dashes.
    pub fn parse(text: &str) -> Result<Self, String> {
        let id = OperationId::parse(text).map(|id| Self(id.as_str().to_owned()));
        id.map_err(|_| format!("{text:?} is not the id of a run; `holdfast runbook runs` shows them"))
    }

    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A step of a run: the step of the book, and of a loop the row that it is done for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StepAt {
    /// Id of the step.
    pub step: String,
    /// The row of the loop that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<String>,
}

impl StepAt {
    /// A step that belongs to no loop.
    pub fn new(step: &str) -> Self {
        Self { step: step.to_owned(), row: None }
    }
}

impl fmt::Display for StepAt {
    /// `renew`, or `renew of shop/web-tls`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.row {
            Some(row) => write!(f, "{} of {}", self.step, crate::text::sanitize(row)),
            None => f.write_str(&self.step),
        }
    }
}

/// Who says that a second person agreed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "proof")]
pub enum Agreed {
    /// The API server holds everybody to their own name.
    Proven,
    /// Nothing holds the writer of the approval to their own name.
    Claimed {
        /// Why it is not proven.
        why: String,
    },
    /// Nobody agreed: whoever runs it went on alone.
    BreakGlass {
        /// Why.
        reason: String,
    },
}

/// What an operation that did not end well leaves to be known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ran {
    /// Which.
    pub operation: OperationId,
    /// `Audit-Id`s of its writes.
    pub audit_ids: Vec<String>,
    /// Hash of the last entry of its journal.
    pub head: String,
    /// How long it held or stopped the application, in seconds, where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub down: Option<u64>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "what")]
pub enum Body {
    /// The run began.
    Begun {
        /// Which run.
        run: RunId,
        /// The book, as its file was.
        book: String,
        /// SHA-256 of that.
        digest: String,
        /// Where the book came from: a file, or the name of a shipped one.
        source: String,
        /// What was given and what parameters begin with.
        values: Values,
        /// Who, as the API server knows them.
        who: String,
        /// On which machine.
        machine: String,
        /// kubeconfig context.
        context: String,
        /// API server URL.
        server: String,
        /// The namespace that its record is kept in.
        home: String,
    },
    /// Somebody goes on with it.
    Resumed {
        /// Who.
        who: String,
        /// On which machine.
        machine: String,
        /// From here on; a console with an older one stops.
        epoch: u64,
    },
    /// A step began.
    Reached {
        /// Which.
        at: StepAt,
    },
    /// What a loop goes over was looked up.
    Rows {
        /// The loop.
        at: StepAt,
        /// Its rows.
        rows: Vec<String>,
    },
    /// A step is done.
    Done {
        /// Which.
        at: StepAt,
        /// What was seen or said.
        seen: String,
        /// What later steps may use, by name.
        #[serde(default, skip_serializing_if = "Values::is_empty")]
        values: Values,
        /// Who did it, where a person did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        who: Option<String>,
    },
    /// A step is not for now: what it asks for first is not so.
    NotForNow {
        /// Which.
        at: StepAt,
        /// What was seen.
        seen: String,
    },
    /// A step's plan was confirmed and is about to run.
    Planned {
        /// Which step.
        at: StepAt,
        /// The operation that it becomes.
        operation: OperationId,
        /// What it does, in a line.
        title: String,
        /// The plan's digest.
        digest: String,
        /// Who confirmed it.
        who: String,
    },
    /// A step's operation ended well.
    Operated {
        /// Which step.
        at: StepAt,
        /// Its operation.
        operation: OperationId,
        /// How it ended.
        ended: String,
        /// `Audit-Id`s of its writes.
        audit_ids: Vec<String>,
        /// Hash of the last entry of its journal; empty where that is on another machine.
        head: String,
        /// How long it held or stopped the application, in seconds, where it did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        down: Option<u64>,
        /// What later steps may use, by name.
        #[serde(default, skip_serializing_if = "Values::is_empty")]
        values: Values,
        /// Whether more plans follow in the same step.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        more: bool,
    },
    /// A step failed. It can be tried again, or skipped with a reason.
    Failed {
        /// Which.
        at: StepAt,
        /// Why.
        why: String,
        /// The operation whose end it is, where its journal is at hand.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ran: Option<Ran>,
    },
    /// A person skipped a step.
    Skipped {
        /// Which.
        at: StepAt,
        /// Why.
        reason: String,
        /// Who.
        who: String,
    },
    /// A step that failed is tried again.
    Again {
        /// Which.
        at: StepAt,
        /// Who asked for it.
        who: String,
    },
    /// A person noted something.
    Noted {
        /// What.
        note: String,
        /// Who.
        who: String,
    },
    /// A person answered what a procedure asked.
    Answered {
        /// Which step.
        at: StepAt,
        /// The answer.
        answer: String,
        /// Who.
        who: String,
    },
    /// A second person agreed, or was done without.
    Approved {
        /// Which step.
        at: StepAt,
        /// Who agreed; who went on alone where nobody did.
        who: String,
        /// What proves it.
        agreed: Agreed,
    },
    /// The run ended.
    Closed {
        /// How.
        end: End,
    },
}

impl Said for Body {}

impl Story for Body {
    const KIND: BookKind = BookKind::Run;

    fn turn(&self) -> Option<Turn> {
        match self {
            Self::Begun { .. } => Some(Turn::Opens),
            Self::Closed { .. } => Some(Turn::Closes),
            _ => None,
        }
    }
}

/// Who began a run or went on with it last.
pub fn leader(entries: &[Entry<Body>]) -> Option<&str> {
    entries.iter().rev().find_map(|entry| match &entry.body {
        Body::Begun { who, .. } | Body::Resumed { who, .. } => Some(who.as_str()),
        _ => None,
    })
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "how")]
pub enum End {
    /// Every step is done, was not for now, or was skipped.
    Done,
    /// Somebody ended it before.
    Stopped {
        /// Who.
        who: String,
        /// Why.
        reason: String,
    },
}

/// How a step stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Stand {
    /// Not begun.
    #[default]
    Ahead,
    /// Begun.
    Reached(Timestamp),
    /// Its operation runs, or ran when somebody looked last.
    Operating(OperationId),
    /// Done; what was seen.
    Done(String),
    /// Not for now: what it asks for first is not so; what was seen.
    NotForNow(String),
    /// Skipped by a person; why, and who.
    Skipped(String, String),
    /// Failed; why.
    Failed(String),
}

impl Stand {
    /// Whether nothing is left to do.
    pub const fn settled(&self) -> bool {
        matches!(self, Self::Done(_) | Self::NotForNow(_) | Self::Skipped(..))
    }
}

/// What the entries of a run add up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Which run.
    pub id: RunId,
    /// The book, as its file was when it began.
    pub book: String,
    /// SHA-256 of that.
    pub digest: String,
    /// Where the book came from: a file, or the name of a shipped one.
    pub source: String,
    /// Values by name, with that of [`RUN`].
    pub values: Values,
    /// Values that steps of a loop gave, by its row: what one row gave is nothing to another.
    pub given: BTreeMap<String, Values>,
    /// Who began it.
    pub who: String,
    /// kubeconfig context.
    pub context: String,
    /// API server URL.
    pub server: String,
    /// The namespace that its record is kept in.
    pub home: String,
    /// When it began.
    pub begun: Timestamp,
    /// When something happened last.
    pub last: Timestamp,
    /// How steps stand; those that are not here are ahead.
    pub steps: BTreeMap<StepAt, Stand>,
    /// The rows of loops that were reached.
    pub rows: BTreeMap<String, Vec<String>>,
    /// Answers to what procedures asked, until a plan stood on them.
    pub answers: BTreeMap<StepAt, String>,
    /// Its operations, in the order in which they began, each with its step.
    pub operations: Vec<(StepAt, OperationId)>,
    /// 1 for a run that was never resumed.
    pub epoch: u64,
    /// Set once it has ended.
    pub end: Option<End>,
}

impl Run {
    /// What happened, added up; `None` when it does not begin with a beginning.
    pub fn of<'a>(happened: impl IntoIterator<Item = (Timestamp, &'a Body)>) -> Option<Self> {
        let mut happened = happened.into_iter();
        let (at, first) = happened.next()?;
        let Body::Begun { run: id, book, digest, source, values, who, context, server, home, .. } = first else {
            return None;
        };
        let mut run = Self {
            id: id.clone(),
            book: book.clone(),
            digest: digest.clone(),
            source: source.clone(),
            values: values.clone().into_iter().chain([(RUN.to_owned(), id.to_string())]).collect(),
            given: BTreeMap::new(),
            who: who.clone(),
            context: context.clone(),
            server: server.clone(),
            home: home.clone(),
            begun: at,
            last: at,
            steps: BTreeMap::new(),
            rows: BTreeMap::new(),
            answers: BTreeMap::new(),
            operations: Vec::new(),
            epoch: 1,
            end: None,
        };
        happened.for_each(|(at, body)| run.take(at, body));
        Some(run)
    }

    /// The same of the entries of its journal.
    pub fn of_journal(entries: &[Entry<Body>]) -> Option<Self> {
        Self::of(entries.iter().map(|entry| (entry.at, &entry.body)))
    }

    /// Adds what happened next.
    pub fn take(&mut self, when: Timestamp, body: &Body) {
        self.last = when;
        match body {
            Body::Begun { .. } | Body::Noted { .. } => {}
            Body::Resumed { epoch, .. } => self.epoch = *epoch,
            Body::Reached { at } | Body::Again { at, .. } => self.set(at, Stand::Reached(when)),
            Body::Rows { at, rows } => {
                self.rows.insert(at.step.clone(), rows.clone());
            }
            Body::Done { at, seen, values, .. } => {
                self.give(at, values);
                self.set(at, Stand::Done(seen.clone()));
            }
            Body::NotForNow { at, seen } => self.set(at, Stand::NotForNow(seen.clone())),
            Body::Planned { at, operation, .. } => {
                self.answers.remove(at);
                self.operations.push((at.clone(), operation.clone()));
                self.set(at, Stand::Operating(operation.clone()));
            }
            Body::Operated { at, ended, values, more, .. } => {
                self.give(at, values);
                self.set(at, if *more { Stand::Reached(when) } else { Stand::Done(ended.clone()) });
            }
            Body::Failed { at, why, .. } => self.set(at, Stand::Failed(why.clone())),
            Body::Skipped { at, reason, who } => self.set(at, Stand::Skipped(reason.clone(), who.clone())),
            Body::Answered { at, answer, .. } => {
                self.answers.insert(at.clone(), answer.clone());
            }
            Body::Approved { at, who, agreed } => self.set(at, Stand::Done(approval(who, agreed))),
            Body::Closed { end } => self.end = Some(end.clone()),
        }
    }

    fn give(&mut self, at: &StepAt, values: &Values) {
        let known = match &at.row {
            Some(row) => self.given.entry(row.clone()).or_default(),
            None => &mut self.values,
        };
        known.extend(values.clone());
    }

    fn set(&mut self, at: &StepAt, stand: Stand) {
        self.steps.insert(at.clone(), stand);
    }

    /// How a step stands.
    pub fn stand(&self, at: &StepAt) -> &Stand {
        self.steps.get(at).unwrap_or(&Stand::Ahead)
    }

    /// Whether it has ended with no step left to do.
    pub fn done(&self) -> bool {
        self.end == Some(End::Done)
    }

    /// Values as a step sees them: a loop's row stands for its name.
    pub fn values_at(&self, at: &StepAt, named: Option<&str>) -> Values {
        let mut values = self.values.clone();
        if let Some(row) = &at.row {
            values.extend(self.given.get(row).cloned().unwrap_or_default());
            values.extend(named.map(|named| (named.to_owned(), row.clone())));
        }
        values
    }
}

/// Who agreed, in a sentence.
fn approval(who: &str, agreed: &Agreed) -> String {
    match agreed {
        Agreed::Proven => format!("approved by {who}, as the API server knows them"),
        Agreed::Claimed { why } => format!("approved by {who}, claimed: {why}"),
        Agreed::BreakGlass { reason } => format!("{who} went on alone: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_step_gave_for_one_row_is_nothing_to_another() {
        let at = |row: &str| StepAt { step: "pick".to_owned(), row: Some(row.to_owned()) };
        let value = |value: &str| Values::from([("pick".to_owned(), value.to_owned())]);
        let begun = Body::Begun {
            run: RunId::parse("r").unwrap(),
            source: String::new(),
            book: String::new(),
            digest: String::new(),
            values: value("begun"),
            who: String::new(),
            machine: String::new(),
            context: String::new(),
            server: String::new(),
            home: String::new(),
        };
        let done = Body::Done { at: at("a"), seen: String::new(), values: value("of a"), who: None };
        let run = Run::of([(Timestamp::UNIX_EPOCH, &begun), (Timestamp::UNIX_EPOCH, &done)]).unwrap();
        assert_eq!(run.values_at(&at("a"), Some("row"))["pick"], "of a");
        assert_eq!(run.values_at(&at("a"), Some("row"))["row"], "a");
        assert_eq!(run.values_at(&at("b"), Some("row"))["pick"], "begun");
        assert_eq!(run.values["pick"], "begun");
        assert_eq!(run.values_at(&at("a"), None)["run"], "r", "every book knows its run");
    }
}
