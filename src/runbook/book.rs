//! A runbook: a procedure that people write down and the console carries out step by step.
//!
//! Nouns only. How one is read from YAML is the configuration's, what comes next is [`super::next`]'s, what happened is
//! [`super::history`]'s.

use std::collections::BTreeMap;
use std::time::Duration;

use super::words::Words;
use crate::model::Kind;
use crate::plan::Verb;
use crate::text;

/// Version of the written form, as a file names it.
pub const VERSION: &str = "runbook/v1";

/// A runbook without a mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Book {
    /// Its name: a valid name of a Kubernetes object.
    pub name: String,
    /// What it does, in a line.
    pub title: String,
    /// When it is for.
    pub about: String,
    /// Where there is more to read.
    pub link: Option<String>,
    /// What has to be known before it begins.
    pub params: Vec<Param>,
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// What is reviewed once it is done, and how soon again.
    pub reviews: Vec<Reviews>,
    /// The file as it was read: a run keeps it whole.
    pub text: String,
}

impl Book {
    /// SHA-256 of the file, lower-case hex. A run goes on with the book that it began with and no other.
    pub fn digest(&self) -> String {
        text::sha256(self.text.as_bytes())
    }

    /// The step of an id, at whatever depth.
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.all().into_iter().find(|step| step.id == id)
    }

    /// Every step, those of a loop behind the loop.
    pub fn all(&self) -> Vec<&Step> {
        let mut all = Vec::new();
        for step in &self.steps {
            all.push(step);
            if let Task::Each(each) = &step.task {
                all.extend(&each.steps);
            }
        }
        all
    }

    /// The parameter of a name.
    pub fn param(&self, name: &str) -> Option<&Param> {
        self.params.iter().find(|param| param.name == name)
    }
}

/// A review that a run is the proof of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reviews {
    /// What is reviewed.
    pub topic: String,
    /// How soon it has to be reviewed again.
    pub every: Duration,
}

/// What has to be known before a runbook begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    /// Its name in templates.
    pub name: String,
    /// What it is, for people.
    pub about: String,
    /// What a value looks like.
    pub kind: ParamKind,
    /// What it is when nobody says.
    pub default: Option<Words>,
}

/// What the value of a parameter looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParamKind {
    /// One line.
    Text,
    /// A whole number.
    Number,
    /// A span of time such as `36h`.
    Duration,
    /// A moment: RFC 3339.
    Moment,
    /// One of these.
    Choice(Vec<String>),
    /// A namespace.
    Namespace,
    /// A claim: `NAMESPACE/PVC`.
    Volume,
    /// A `VolumeSnapshot`: `NAMESPACE/NAME`.
    RestorePoint,
    /// A Certificate of cert-manager: `NAMESPACE/NAME`.
    Certificate,
    /// A TLS Secret: `NAMESPACE/NAME`.
    Secret,
    /// A workload: `NAMESPACE/KIND/NAME`.
    Workload,
    /// A rule of static analysis.
    Rule,
}

impl ParamKind {
    /// Its word in files.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Duration => "duration",
            Self::Moment => "moment",
            Self::Choice(_) => "choice",
            Self::Namespace => "namespace",
            Self::Volume => "volume",
            Self::RestorePoint => "restore-point",
            Self::Certificate => "certificate",
            Self::Secret => "secret",
            Self::Workload => "workload",
            Self::Rule => "rule",
        }
    }

    /// The kind of a word; a choice begins without any.
    pub fn parse(word: &str) -> Option<Self> {
        let all = [
            Self::Text,
            Self::Number,
            Self::Duration,
            Self::Moment,
            Self::Choice(Vec::new()),
            Self::Namespace,
            Self::Volume,
            Self::RestorePoint,
            Self::Certificate,
            Self::Secret,
            Self::Workload,
            Self::Rule,
        ];
        all.into_iter().find(|kind| kind.word() == word)
    }

    /// Words of every kind, for people.
    pub const WORDS: &'static [&'static str] = &[
        "text",
        "number",
        "duration",
        "moment",
        "choice",
        "namespace",
        "volume",
        "restore-point",
        "certificate",
        "secret",
        "workload",
        "rule",
    ];
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its id within the book: small letters, digits and dashes.
    pub id: String,
    /// What it does, in a line.
    pub title: Words,
    /// Why it is there.
    pub why: Words,
    /// What to do when it fails.
    pub fails: Words,
    /// Where there is more to read.
    pub link: Option<String>,
    /// Only then; else it is not for now.
    pub when: Option<Check>,
    /// What it is.
    pub task: Task,
}

/// What a step is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// Something has to be so.
    Check(Check),
    /// Something has to become so in time.
    Wait(Check, Duration),
    /// A person does something and says what came of it.
    Manual(Words),
    /// A plan is made, reviewed, confirmed and run.
    Plan(PlanStep),
    /// A second person agrees, as the API server knows them.
    Approve(Words),
    /// What proves what happened is kept: hashed, in a bundle.
    Collect(Collect),
    /// A person chooses one of what is listed; the step's id stands for it from then on.
    Choose(Choose),
    /// The same steps for each of what is listed.
    Each(Each),
}

impl Task {
    /// Its word in files.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Check(_) => "check",
            Self::Wait(..) => "wait",
            Self::Manual(_) => "manual",
            Self::Plan(_) => "plan",
            Self::Approve(_) => "approve",
            Self::Collect(_) => "collect",
            Self::Choose(_) => "choose",
            Self::Each(_) => "each",
        }
    }

    /// Words of every kind of step.
    pub const WORDS: &'static [&'static str] =
        &["check", "wait", "manual", "plan", "approve", "collect", "choose", "each"];
}

/// What is looked through: a pane of the console, or its list of problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Among {
    /// Volumes.
    Volumes,
    /// Restore points.
    RestorePoints,
    /// Certificates.
    Certificates,
    /// Findings of static analysis.
    Findings,
    /// Volumes that code with a finding of concern wrote, once for each, and whether such code runs now.
    Exposures,
    /// Everything that is wrong.
    Problems,
}

impl Among {
    /// Each of them.
    pub const ALL: [Self; 6] =
        [Self::Volumes, Self::RestorePoints, Self::Certificates, Self::Findings, Self::Exposures, Self::Problems];

    /// Its word in files: the name that `holdfast get` has for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Volumes => "volumes",
            Self::RestorePoints => "restore-points",
            Self::Certificates => "certificates",
            Self::Findings => "findings",
            Self::Exposures => "exposures",
            Self::Problems => "problems",
        }
    }

    /// Which one a word names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|among| among.word() == word)
    }
}

/// An assertion: how many rows of a list match a filter of the console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Which list.
    pub among: Among,
    /// The filter, in the console's language.
    pub filter: Words,
    /// How many have to match.
    pub expect: Expect,
}

/// How many rows have to match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// One or more.
    Some,
    /// None.
    None,
    /// So many.
    Exactly(usize),
    /// So many or more.
    AtLeast(usize),
}

impl Expect {
    /// Whether so many are what is expected.
    pub const fn met(self, count: usize) -> bool {
        match self {
            Self::Some => count > 0,
            Self::None => count == 0,
            Self::Exactly(wanted) => count == wanted,
            Self::AtLeast(least) => count >= least,
        }
    }

    /// In words: `at least 2`.
    pub fn said(self) -> String {
        match self {
            Self::Some => "at least one".to_owned(),
            Self::None => "none".to_owned(),
            Self::Exactly(count) => format!("exactly {count}"),
            Self::AtLeast(count) => format!("at least {count}"),
        }
    }
}

/// A plan, by its verb, its object and the answers to the verb's form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanStep {
    /// The verb.
    pub verb: Verb,
    /// The object.
    pub of: Words,
    /// Answers to fields of the verb's form, by the field's id. What is left out stays as the form begins.
    pub with: BTreeMap<String, Words>,
}

impl PlanStep {
    /// Of which kind the object of a verb is; `None` of a verb that is about a workload, or that a runbook cannot ask for.
    pub const fn kind(verb: Verb) -> Option<Kind> {
        match verb {
            Verb::Backup | Verb::Prune | Verb::RestoreInPlace => Some(Kind::Pvc),
            Verb::Restore | Verb::Drill | Verb::Hold | Verb::Release => Some(Kind::VolumeSnapshot),
            Verb::Renew => Some(Kind::Certificate),
            Verb::Rotate | Verb::RotateCa => Some(Kind::TlsSecret),
            Verb::Sweep => Some(Kind::Namespace),
            Verb::Isolate | Verb::Rejoin | Verb::Undo | Verb::Import => None,
        }
    }

    /// Whether a verb is about a workload, which may be of one of several kinds.
    pub const fn of_workload(verb: Verb) -> bool {
        matches!(verb, Verb::Isolate | Verb::Rejoin)
    }

    /// How a file names a verb: that of the command line.
    pub fn word(verb: Verb) -> String {
        verb.to_string().to_lowercase().replace(' ', "-")
    }

    /// The verb of a word, where a runbook can ask for it.
    pub fn parse(word: &str) -> Option<Verb> {
        Self::verbs().find(|verb| Self::word(*verb) == word)
    }

    /// Every verb that a runbook can ask for.
    pub fn verbs() -> impl Iterator<Item = Verb> {
        Verb::ALL.iter().copied().filter(|verb| Self::kind(*verb).is_some() || Self::of_workload(*verb))
    }
}

/// What is kept as evidence, about one workload, volume or namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collect {
    /// Which pieces.
    pub what: Vec<Evidence>,
    /// About what: `NAMESPACE`, `NAMESPACE/PVC` or `NAMESPACE/KIND/NAME`.
    pub of: Words,
}

/// One kind of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// The logs of its pods, those of a container's life before as well.
    Logs,
    /// Events about it and its pods.
    Events,
    /// The objects themselves, without Secrets.
    Objects,
    /// The digests of the images that run.
    Images,
}

impl Evidence {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::Logs, Self::Events, Self::Objects, Self::Images];

    /// Its word in files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Events => "events",
            Self::Objects => "objects",
            Self::Images => "images",
        }
    }

    /// Which one a word names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|evidence| evidence.word() == word)
    }
}

/// A choice of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choose {
    /// From which list.
    pub among: Among,
    /// Which rows of it, in the console's filter language.
    pub filter: Words,
    /// Which of them are recommended, in the same language: the first is offered first. Nothing chooses by itself.
    pub prefer: Option<Words>,
}

/// A loop over rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Each {
    /// Over which list.
    pub among: Among,
    /// Which rows of it.
    pub filter: Words,
    /// The name that stands for one in the steps below.
    pub named: String,
    /// What is done for each; a loop holds no loop.
    pub steps: Vec<Step>,
}
