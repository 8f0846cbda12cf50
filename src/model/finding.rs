//! The nouns of static analysis: a scan, what it found, and how far it can be believed (SARIF 2.1.0).
//!
//! Texts are as the tool wrote them and untrusted; whoever draws them sanitises them. Strings that many findings
//! share are shared. What is rarely looked at (code flows, fixes, snippets) is not kept: [`Finding::raw`] says where
//! in the source it can be read again.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;

/// How bad a finding is by its own account, worst last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Band {
    /// Told for information.
    #[default]
    Info,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
}

impl Band {
    /// All, worst first.
    pub const ALL: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Info];

    /// Reads its word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|band| band.word() == word)
    }

    /// One word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Info => "info",
        }
    }
}

/// Where a band was read from, most telling first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BandSource {
    /// An operator said so.
    Override,
    /// A preset for a tool whose own levels say nothing.
    Preset,
    /// `security-severity`, a score from 0 to 10.
    Score,
    /// A CVSS score or severity under one of its usual names.
    Cvss,
    /// A word in properties or tags.
    Word,
    /// `level` (SARIF 2.1.0 §3.27.10).
    #[default]
    Level,
    /// `kind` (SARIF 2.1.0 §3.27.9).
    Kind,
}

/// `level` of a result after the lookup of SARIF 2.1.0 §3.27.10.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// `none`.
    None,
    /// `note`.
    Note,
    /// `warning`, also when nothing is said.
    #[default]
    Warning,
    /// `error`.
    Error,
}

/// `kind` of a result (SARIF 2.1.0 §3.27.9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ResultKind {
    /// `fail`, also when nothing is said.
    #[default]
    Fail,
    /// `pass`.
    Pass,
    /// `notApplicable`.
    NotApplicable,
    /// `informational`.
    Informational,
    /// `open`: could not be decided.
    Open,
    /// `review`: a person has to look.
    Review,
}

/// Identity of a finding, stable across scans: a hash of the tool's family, the rule's root, the path and what tells
/// apart findings of one rule in one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FindingId(pub u128);

impl fmt::Display for FindingId {
    /// 32 hexadecimal digits, as everywhere a person or a file names it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A rule as its catalogue describes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rule {
    /// Its id; made up when the tool gives none.
    pub id: Arc<str>,
    /// Its name.
    pub name: Option<Arc<str>>,
    /// One sentence.
    pub short: Option<Arc<str>>,
    /// Page with help.
    pub help: Option<Arc<str>>,
    /// `precision`: how often it is right, by its author.
    pub precision: Option<Arc<str>>,
    /// CWE numbers, ascending.
    pub cwe: Box<[u32]>,
    /// Tags.
    pub tags: Box<[Arc<str>]>,
    /// Whether a catalogue describes it; else only results name it.
    pub described: bool,
}

/// What a scanner said about hiding a result (SARIF 2.1.0 §3.27.23, §3.35).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// `kind`: `inSource` or `external`.
    pub kind: Arc<str>,
    /// `status` (§3.35.3): `accepted`, `underReview`, `rejected`; accepted when nothing is said.
    pub status: Arc<str>,
    /// Why.
    pub justification: Option<Arc<str>>,
    /// When it ends (`properties.expiryUtc`).
    pub until: Option<Timestamp>,
}

/// `baselineState` (SARIF 2.1.0 §3.27.24).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Baseline {
    /// `new`.
    New,
    /// `unchanged`.
    Unchanged,
    /// `updated`.
    Updated,
    /// `absent`: gone since the baseline.
    Absent,
}

/// One result.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Finding {
    /// Identity.
    pub id: FindingId,
    /// Rule.
    pub rule: Arc<Rule>,
    /// Kind.
    pub kind: ResultKind,
    /// Level.
    pub level: Level,
    /// Band.
    pub band: Band,
    /// Where the band comes from.
    pub band_source: BandSource,
    /// `security-severity` in tenths, when there is a usable one.
    pub score: Option<u8>,
    /// `rank` in tenths of a percent; comparable within one tool only.
    pub rank: Option<u16>,
    /// Path relative to the root of the sources, with `/`; empty when there is no location.
    pub path: Arc<str>,
    /// First line, from 1; 0 when unknown.
    pub line: u32,
    /// First column, from 1; 0 when unknown.
    pub column: u32,
    /// What it says, cut with `…` when it is long.
    pub message: Arc<str>,
    /// CWE numbers beyond those of the rule.
    pub cwe: Box<[u32]>,
    /// `None` when the scanner says nothing of suppressions; empty when it says that there are none.
    pub suppressions: Option<Box<[Suppression]>>,
    /// Since the baseline.
    pub baseline: Option<Baseline>,
    /// Bytes of the raw result in the decoded text of its source; empty when it stands in another file.
    pub raw: Range<u64>,
}

/// Which scans follow each other: only these may close each other's findings.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Series {
    /// Family of the tool, in lower case.
    pub tool: Arc<str>,
    /// `automationDetails.id` up to its last `/`; empty without one.
    pub category: Arc<str>,
    /// Repository, as `host/path`; empty when not told.
    pub repository: Arc<str>,
    /// Branch; empty when not told.
    pub branch: Arc<str>,
}

/// Whether a scan ran to its end. Only a proven one closes a finding or clears a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completion {
    /// It says that it succeeded, reports no error of its own, and has results, even if none.
    Complete,
    /// It says that it failed, or reports errors of its own.
    Failed {
        /// In the tool's words.
        why: Arc<str>,
    },
    /// Nothing says that it ended.
    Unproven {
        /// What is missing.
        why: Arc<str>,
    },
}

/// From what the time of a scan was taken, most telling first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TimeSource {
    /// `invocations[].endTimeUtc`.
    Ended,
    /// `invocations[].startTimeUtc`.
    Started,
    /// `versionControlProvenance[].asOfTimeUtc`.
    AsOf,
    /// `yyyymmddThhmmssZ` in the file's name.
    FileName,
    /// When the file was last written; weak.
    Modified,
}

/// Who says what a scan looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubjectSource {
    /// The stamp in `run.properties["holdfast/subject"]`, which a pipeline writes.
    Stamp,
    /// The registry that has the scan attached to a digest.
    Attached,
    /// The tool itself: Trivy's image properties, Grype's logical locations, `versionControlProvenance`.
    Tool,
    /// Folders above the file: `NAMESPACE/WORKLOAD/[CONTAINER]/`.
    Folder,
}

/// What a scan looked at, as far as it says so. Not yet a link: that takes a workload that runs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Who says so.
    pub source: SubjectSource,
    /// `sha256:…` of manifest or config.
    pub digests: Box<[Arc<str>]>,
    /// Image, without tag and digest.
    pub image: Option<Arc<str>>,
    /// Tag of the image.
    pub tag: Option<Arc<str>>,
    /// Repository of the sources, as `host/path`.
    pub repository: Option<Arc<str>>,
    /// Revision of the sources.
    pub revision: Option<Arc<str>>,
    /// Branch of the sources.
    pub branch: Option<Arc<str>>,
    /// Namespace of the workload.
    pub namespace: Option<Arc<str>>,
    /// Kind of the workload.
    pub kind: Option<Arc<str>>,
    /// Name of the workload.
    pub name: Option<Arc<str>>,
    /// Container of the workload.
    pub container: Option<Arc<str>>,
}

impl Subject {
    /// One of which nothing is said.
    pub fn of(source: SubjectSource) -> Self {
        Self {
            source,
            digests: Box::default(),
            image: None,
            tag: None,
            repository: None,
            revision: None,
            branch: None,
            namespace: None,
            kind: None,
            name: None,
            container: None,
        }
    }
}

/// One run of a scanner (SARIF 2.1.0 §3.14), as one source has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Scan {
    /// Hash of the source's decoded text and the run's index: the same scan has the same one wherever it lies, packed
    /// or not. Tells scans apart and proves nothing.
    pub digest: [u8; 32],
    /// What it follows.
    pub series: Series,
    /// The tool's own name and version.
    pub tool: Arc<str>,
    /// Version of the tool.
    pub version: Option<Arc<str>>,
    /// When, and how that is known.
    pub at: Option<(Timestamp, TimeSource)>,
    /// Whether it ended.
    pub completion: Completion,
    /// The ids of all rules that it looked for, when its catalogue says so; `None` when only results name rules.
    pub catalogue: Option<Arc<HashSet<Arc<str>>>>,
    /// What it looked at.
    pub subjects: Box<[Subject]>,
    /// What it found.
    pub findings: Box<[Finding]>,
}

/// Something of a source that could not be taken as it is. Nothing is left out without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Name of the case, in lower case with dashes; the same for the same fault.
    pub code: &'static str,
    /// Where: a JSON path such as `runs[0].results[52].message`; empty for the whole source.
    pub path: String,
    /// What is wrong and what became of it.
    pub text: String,
    /// Whether something was lost (a result, a run, the source) rather than read in spite of it.
    pub lost: bool,
}
