//! The shape of a plan.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Act, Check, Lock, ObjectAt};
use crate::model::{Kind, ObjRef, Uid};
use crate::text;

/// Identity of one operation: chosen when its plan is made, so that everything it creates has a fixed name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperationId(String);

impl OperationId {
    /// From the moment of planning (UTC, to the second) and 4 random bytes: sortable, unique, a valid name part.
    pub fn new(now: Timestamp, random: [u8; 4]) -> Self {
        let [a, b, c, d] = random;
        Self(format!("{}-{a:02x}{b:02x}{c:02x}{d:02x}", now.strftime("%Y%m%d-%H%M%S")))
    }

    /// Reads an id typed by a person or found as a file name.
    ///
    /// # Errors
    /// When it is not made of lower-case letters, digits and dashes.
    pub fn parse(text: &str) -> Result<Self, String> {
        let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if text.is_empty() || text.len() > 63 || !text.chars().all(valid) {
            return Err(format!("{text:?} is not an operation id; `holdfast operations list` shows them"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// That its record is kept in a namespace, as a change of the cluster in a sentence.
    pub(super) fn recorded(&self, namespace: &str) -> String {
        format!("creates {}, the record of this operation", ObjectAt::record(self, Some(namespace)))
    }

    /// The random end of the id, for names.
    pub fn short(&self) -> &str {
        self.0.rsplit('-').next().unwrap_or(&self.0)
    }
}

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Identity of a step within its plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(pub String);

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Something that must still be so right before a step acts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// The object.
    pub at: ObjectAt,
    /// It must still be this one.
    pub uid: Uid,
    /// What must hold of it.
    pub checks: Vec<Check>,
    /// What it means when this does not hold, for people.
    pub or: String,
}

/// One primitive action with what protects it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its identity.
    pub id: StepId,
    /// One line for people: "create VolumeSnapshot shop/data-db-0-…".
    pub title: String,
    /// What is done.
    pub act: Act,
    /// What must hold right before.
    pub guards: Vec<Guard>,
    /// How long it may take until it is seen to be done.
    pub deadline: Duration,
}

/// A tree of steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Node {
    /// One step.
    Do(Box<Step>),
    /// All of these, side by side.
    All(Vec<Node>),
    /// `close` is owed from the moment `open` is intended, whatever happens to the body.
    Bracket {
        /// Opens.
        open: Box<Step>,
        /// What happens in between, in order.
        body: Vec<Node>,
        /// Closes.
        close: Box<Step>,
        /// How long it may stay open.
        limit: Duration,
    },
    /// One step with its way back: `undo` is owed from the moment the step is intended until what it is part of
    /// counts as settled (see [`Node::Whole`]). When a later step fails, or somebody asks to stop, the undos of all
    /// that was begun run in reverse order, each list from its first step to its last.
    ///
    /// An undo is right whether or not its step took place: it is looked at before it acts, and nothing to take back
    /// is taken back. It never fails: where it cannot go on the operation stays open, to be resumed.
    Reversible {
        /// What is done.
        step: Box<Step>,
        /// How it is taken back, in order.
        undo: Vec<Step>,
    },
    /// All of these in order, or none: once the last is done they are settled and are not taken back any more,
    /// whatever fails later. The body of a bracket is settled as well once its closing has begun.
    Whole(Vec<Node>),
}

/// What an operation is about: the object whose name is typed to confirm it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The object.
    pub object: ObjRef,
    /// Which one.
    pub uid: Uid,
    /// Its version when the plan was made; only for saying that it changed.
    pub resource_version: String,
}

/// The verbs of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verb {
    /// Takes snapshots of one volume, or of all volumes of a workload together.
    Backup,
    /// Makes a new volume from a restore point.
    Restore,
    /// Proves that a restore point can be restored.
    Drill,
    /// Takes back what an operation did.
    Undo,
    /// Deletes the copies of one volume that no rule keeps.
    Prune,
    /// Keeps one copy from being deleted.
    Hold,
    /// Takes a hold away.
    Release,
    /// Gives a claim a volume made from a restore point, under its own name.
    RestoreInPlace,
    /// Makes a restore point here of a copy that a bundle names.
    Import,
    /// Deletes what operations left behind.
    Sweep,
    /// Has a certificate issued anew.
    Renew,
    /// Gives a TLS Secret that nobody else renews a new certificate.
    Rotate,
    /// Puts another CA in the place of one, phase by phase.
    RotateCa,
    /// Contains a workload by a NetworkPolicy.
    Isolate,
    /// Ends that.
    Rejoin,
}

impl Verb {
    /// Every verb.
    pub const ALL: &[Verb] = &[
        Verb::Backup,
        Verb::Restore,
        Verb::Drill,
        Verb::RestoreInPlace,
        Verb::Undo,
        Verb::Prune,
        Verb::Hold,
        Verb::Release,
        Verb::Import,
        Verb::Sweep,
        Verb::Renew,
        Verb::Rotate,
        Verb::RotateCa,
        Verb::Isolate,
        Verb::Rejoin,
    ];
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Backup => "backup",
            Self::Restore => "restore",
            Self::Drill => "drill",
            Self::RestoreInPlace => "restore in place",
            Self::Undo => "undo",
            Self::Prune => "prune",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Import => "import",
            Self::Sweep => "sweep",
            Self::Renew => "renew",
            Self::Rotate => "rotate",
            Self::RotateCa => "rotate CA",
            Self::Isolate => "isolate",
            Self::Rejoin => "rejoin",
        })
    }
}

/// What will be done, readable and runnable. What was shown is what runs: the digest covers all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The operation this becomes.
    pub id: OperationId,
    /// Which verb made it.
    pub verb: Verb,
    /// One line: "back up volume shop/data-db-0".
    pub title: String,
    /// kubeconfig context.
    pub context: String,
    /// API server.
    pub server: String,
    /// Whether the context is protected: a confirmation has to name it as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protected: bool,
    /// How many objects go, where so many go at once that their number is typed as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<String>,
    /// What is confirmed.
    pub subject: Subject,
    /// When the plan was made.
    pub made: Timestamp,
    /// What is known and was used: label and value.
    pub facts: Vec<(String, String)>,
    /// What may surprise.
    pub warnings: Vec<String>,
    /// What changes in the cluster, in sentences.
    pub changes: Vec<String>,
    /// The command that would make the same plan; empty in journals that were written before there was one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub command: String,
    /// How to take it back.
    pub undo: Vec<String>,
    /// What is held while it runs, so that no other operation works on the same data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locks: Vec<Lock>,
    /// The operation that this one takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<OperationId>,
    /// What is kept beside the journal before anything is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<Bundle>,
    /// The steps, in order.
    pub nodes: Vec<Node>,
}

/// Manifests that are kept in the state directory with an operation: a volume without its application is half a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// YAML documents. No data of Secrets is in them.
    pub text: String,
    /// Where they are kept: `MACHINE:PATH`.
    pub place: String,
}

impl Bundle {
    /// SHA-256 of the text, lower-case hex.
    pub fn digest(&self) -> String {
        text::sha256(self.text.as_bytes())
    }

    /// As an annotation has it: `sha256:… MACHINE:PATH`.
    pub fn noted(&self) -> String {
        format!("sha256:{} {}", self.digest(), self.place)
    }
}

impl Subject {
    /// The namespace that keeps the record of what is done with it: its own, or itself where it is one.
    pub fn home(&self) -> Option<&str> {
        let itself = (self.object.kind == Kind::Namespace).then_some(&*self.object.name);
        self.object.namespace.as_deref().or(itself)
    }
}

impl Plan {
    /// All steps in the order in which they start when nothing fails.
    pub fn steps(&self) -> Vec<&Step> {
        steps(&self.nodes)
    }

    /// All brackets, outer ones first: opening step, body, closing step.
    pub fn brackets(&self) -> Vec<(&Step, &[Node], &Step)> {
        let mut found = Vec::new();
        collect_brackets(&self.nodes, &mut found);
        found
    }

    /// Whether a step closes a bracket.
    pub fn closes(&self, id: &StepId) -> bool {
        self.brackets().into_iter().any(|(_, _, close)| close.id == *id)
    }

    /// The steps that take others back, in the order in which they would run after the last.
    pub fn undo_steps(&self) -> Vec<&Step> {
        let mut undos = undo_steps(&self.nodes);
        undos.reverse();
        undos.into_iter().flatten().collect()
    }

    /// The step with this id, be it one that takes another back.
    pub fn step(&self, id: &StepId) -> Option<&Step> {
        self.steps().into_iter().chain(self.undo_steps()).find(|step| step.id == *id)
    }

    /// Whether a step takes another back.
    pub fn takes_back(&self, id: &StepId) -> bool {
        self.undo_steps().into_iter().any(|step| step.id == *id)
    }

    /// SHA-256 over the plan as JSON, lower-case hex: what was shown is what runs.
    pub fn digest(&self) -> String {
        // A plan is made of strings, numbers, lists and maps with string keys: it always serialises.
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        text::sha256(&bytes)
    }
}

/// All steps of some nodes, in the order in which they start.
pub(super) fn steps<'a>(nodes: &'a [Node]) -> Vec<&'a Step> {
    let of = |node: &'a Node| match node {
        Node::Do(step) | Node::Reversible { step, .. } => vec![&**step],
        Node::All(nodes) | Node::Whole(nodes) => steps(nodes),
        Node::Bracket { open, body, close, .. } => {
            let mut all = vec![&**open];
            all.extend(steps(body));
            all.push(close);
            all
        }
    };
    nodes.iter().flat_map(of).collect()
}

fn collect_brackets<'a>(nodes: &'a [Node], found: &mut Vec<(&'a Step, &'a [Node], &'a Step)>) {
    for node in nodes {
        match node {
            Node::Do(_) | Node::Reversible { .. } => {}
            Node::All(nodes) | Node::Whole(nodes) => collect_brackets(nodes, found),
            Node::Bracket { open, body, close, .. } => {
                found.push((open, body, close));
                collect_brackets(body, found);
            }
        }
    }
}

/// The undos of some nodes, in the order of the steps that they take back.
fn undo_steps<'a>(nodes: &'a [Node]) -> Vec<Vec<&'a Step>> {
    let of = |node: &'a Node| match node {
        Node::Do(_) => Vec::new(),
        Node::All(inner) | Node::Whole(inner) | Node::Bracket { body: inner, .. } => undo_steps(inner),
        Node::Reversible { undo, .. } => vec![undo.iter().collect()],
    };
    nodes.iter().flat_map(of).collect()
}

/// Why no plan can be made, and what would clear it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot {verb} {object}: {why}")]
pub struct Refusal {
    /// What was asked for.
    pub verb: Verb,
    /// Of what.
    pub object: String,
    /// Why not.
    pub why: String,
    /// What would clear it.
    pub clear: String,
}
