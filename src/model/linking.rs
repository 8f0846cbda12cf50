//! What operators say of how findings belong to workloads: rules, pins, severities, times of compromise.
//!
//! Typed data of the links file. What follows from it is judged by `assess::linking`; reading the file is for `config`.

use std::sync::Arc;

use jiff::Timestamp;

use super::glob::Glob;
use super::{Band, FindingId};

/// How sure it is that a scan looked at what runs, the least first. Only [`Rung::Probable`] and above can prove.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rung {
    /// Nothing ties them.
    #[default]
    None,
    /// An operator pinned it. Somebody's word: it warns, and proves nothing.
    Manual,
    /// By name alone: this application, of an unknown version.
    Weak,
    /// The same image and a tag that looks as if it never moves, or a tag that is the revision.
    Probable,
    /// The revision that was scanned is bound to the digest that runs.
    Strong,
    /// The digest that was scanned is the one that runs.
    Exact,
}

impl Rung {
    /// All, the most telling first.
    pub const ALL: [Self; 6] = [Self::Exact, Self::Strong, Self::Probable, Self::Weak, Self::Manual, Self::None];

    /// One word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Strong => "strong",
            Self::Probable => "probable",
            Self::Weak => "weak",
            Self::Manual => "manual",
            Self::None => "none",
        }
    }

    /// Reads its word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rung| rung.word() == word)
    }

    /// Whether it can prove that a program lacks a finding, or for certain has it.
    pub fn proves(self) -> bool {
        self >= Self::Probable
    }
}

/// Which scans a rule is for: all of what is given must match. A path is one of a finding, below the sources' root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct When {
    /// The tool, by its own name or its family.
    pub tool: Option<Glob>,
    /// The repository, `host/path`.
    pub repository: Option<Glob>,
    /// The category.
    pub category: Option<Glob>,
    /// The path of a finding.
    pub path: Option<Glob>,
}

impl When {
    /// The names that its patterns remember.
    pub fn captures(&self) -> Vec<&str> {
        let globs = [&self.tool, &self.repository, &self.category, &self.path];
        globs.into_iter().flatten().flat_map(Glob::captures).collect()
    }
}

/// Which containers a rule means. Texts may hold `{name}` of what its [`When`] remembers; what is left out is any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct To {
    /// Namespace.
    pub namespace: Option<String>,
    /// Kind of workload, such as `StatefulSet`.
    pub kind: Option<String>,
    /// Name of the workload.
    pub name: Option<String>,
    /// Container.
    pub container: Option<String>,
}

/// Where a rule takes the revision of the sources from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RevisionFrom {
    /// From what the scan says (`versionControlProvenance`).
    #[default]
    Scan,
    /// From the tag of the image in the scan.
    Tag,
    /// It is this one.
    Literal(String),
    /// There is none.
    None,
}

/// One rule; the first that matches counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkRule {
    /// Where it stands, for people: `links.toml:3`.
    pub at: Arc<str>,
    /// Which scans.
    pub when: When,
    /// Which containers.
    pub to: To,
    /// Which revision.
    pub revision: RevisionFrom,
    /// It never claims more than this.
    pub max: Rung,
}

/// That findings have another band than they say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeverityRule {
    /// Where it stands.
    pub at: Arc<str>,
    /// Which scans, and paths.
    pub when: When,
    /// Which rules; `None` is all.
    pub rule: Option<Glob>,
    /// The band.
    pub set: Band,
    /// Who said so. Untrusted text.
    pub author: Arc<str>,
    /// Until when; `None` is for good.
    pub until: Option<Timestamp>,
}

/// What a pin ties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pinned {
    /// One finding, wherever it is found.
    Finding(FindingId),
    /// One scan, by its digest.
    Scan([u8; 32]),
}

/// That an operator tied a finding or scan to containers by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// What.
    pub what: Pinned,
    /// To which containers.
    pub to: To,
    /// To one digest of them only.
    pub digest: Option<Arc<str>>,
    /// Who. Untrusted text.
    pub who: Arc<str>,
    /// When.
    pub at: Timestamp,
    /// Why. Untrusted text.
    pub why: Arc<str>,
}

/// What was compromised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compromised {
    /// Everything that a workload writes.
    Workload {
        /// Namespace.
        namespace: Arc<str>,
        /// Kind; `None` is any.
        kind: Option<Arc<str>>,
        /// Name.
        name: Arc<str>,
    },
    /// One volume, by its claim.
    Volume {
        /// Namespace.
        namespace: Arc<str>,
        /// Name of the claim.
        name: Arc<str>,
    },
}

/// Since when an operator knows of a compromise. It counts where it is earlier than the first exposure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compromise {
    /// What.
    pub what: Compromised,
    /// Since when.
    pub since: Timestamp,
    /// Who says so. Untrusted text.
    pub who: Arc<str>,
    /// How that is known. Untrusted text.
    pub why: Arc<str>,
}

/// Which revision of the sources an image was built from, by a registry's or a pipeline's record (SLSA provenance,
/// `org.opencontainers.image.revision`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// `sha256:…` of the image.
    pub digest: Arc<str>,
    /// The revision.
    pub revision: Arc<str>,
    /// The repository of the sources, when it is told.
    pub repository: Option<Arc<str>>,
}

/// Everything that operators say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Linking {
    /// How bad a finding has to be to make copies suspicious; `None` is as usual.
    pub concern: Option<Band>,
    /// Rules, the first that matches counts.
    pub rules: Vec<LinkRule>,
    /// Bands.
    pub severities: Vec<SeverityRule>,
    /// Pins.
    pub pins: Vec<Pin>,
    /// Times of compromise.
    pub compromised: Vec<Compromise>,
    /// Revisions of images.
    pub built: Vec<Built>,
    /// Digests of one image: an index, and the image of a platform in it.
    pub platforms: Vec<(Arc<str>, Arc<str>)>,
}
