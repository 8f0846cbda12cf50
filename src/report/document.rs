//! The report as a document: its members, its digest, and how it is read again.
//!
//! The digest is SHA-256, lower-case hex, over the report as canonical JSON without the member `digest`: members in the
//! order of their names, no white space. Members are declared in that order here, so what is written is canonical but
//! for white space; a test holds that.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::control::Control;
use super::evidence::FRESHNESS;
use super::{Comparison, Evidence, State};
use crate::model::World;
use crate::text;

/// The version of the document.
pub const SCHEMA: &str = "holdfast.dev/audit/v1";

/// A report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The moment that it is for.
    pub at: Timestamp,
    /// What differs from an earlier report, where one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Comparison>,
    /// Of which cluster, and as whom.
    pub context: Whose,
    /// Every control that was judged.
    pub controls: Vec<Controlled>,
    /// How many controls stand how.
    pub counts: Counts,
    /// The digest of all other members.
    pub digest: String,
    /// The journal of the machine that wrote it.
    pub journal: Journal,
    /// What wrote it.
    pub product: String,
    /// The version of the document: [`SCHEMA`].
    pub schema: String,
}

/// Of which cluster a report is, and as whom that was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Whose {
    /// Who looked, as the API server says.
    pub identity: Option<String>,
    /// The kubeconfig context.
    pub name: String,
    /// The namespaces that were looked at; empty means all.
    pub namespaces: Vec<String>,
    /// Whether writing was impossible.
    pub read_only: bool,
    /// The API server.
    pub server: String,
}

/// The journal of a machine, as a report names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Journal {
    /// The hash of the first line of its index: which journal it is.
    pub first: Option<String>,
    /// The hash of its last line.
    pub head: Option<String>,
    /// How many lines there are.
    pub lines: usize,
    /// Why it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
    /// What was found wrong with it.
    pub wrong: Vec<String>,
}

/// Controls by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// That fail.
    pub fail: usize,
    /// That are for nothing here.
    pub not_applicable: usize,
    /// That are met.
    pub pass: usize,
    /// That cannot be told.
    pub unknown: usize,
}

/// One control, judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Controlled {
    /// What was seen, what matters most first.
    pub evidence: Vec<Evidence>,
    /// Which control.
    pub id: String,
    /// Requirements of catalogues that it speaks to.
    pub mapping: Mapped,
    /// What to do where it is not met.
    pub remedy: String,
    /// What has to be so.
    pub requirement: String,
    /// How it stands.
    pub state: State,
    /// That in a sentence.
    pub summary: String,
    /// A few words.
    pub title: String,
}

/// Numbers in catalogues.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapped {
    /// CIS Kubernetes Benchmark 1.10.
    pub cis: Vec<String>,
    /// ISO/IEC 27001:2022, Annex A.
    pub iso: Vec<String>,
    /// NIST SP 800-53 revision 5.
    pub nist: Vec<String>,
}

impl Whose {
    /// As the world says.
    pub fn of(world: &World) -> Self {
        let context = &world.context;
        let safe = |text: &str| text::sanitize(text).into_owned();
        Self {
            identity: context.user.as_deref().map(safe),
            name: safe(&context.name),
            namespaces: context.namespaces.iter().map(|name| safe(name)).collect(),
            read_only: context.read_only,
            server: safe(&context.server),
        }
    }
}

impl Controlled {
    pub(super) fn new(control: &Control, state: State, evidence: Vec<Evidence>) -> Self {
        let owned = |numbers: &[&str]| numbers.iter().map(|one| (*one).to_owned()).collect();
        let mapping = &control.mapping;
        Self {
            summary: summary(&evidence),
            evidence,
            id: control.id.to_owned(),
            mapping: Mapped { cis: owned(mapping.cis), iso: owned(mapping.iso), nist: owned(mapping.nist) },
            remedy: control.remedy.to_owned(),
            requirement: control.requirement.to_owned(),
            state,
            title: control.title.to_owned(),
        }
    }

    /// Whether a kind that it looks at was not seen.
    pub(super) fn blind(&self) -> bool {
        self.evidence.iter().any(|one| one.state == State::Unknown && one.field == FRESHNESS)
    }

    /// How many facts stand so.
    pub fn count(&self, state: State) -> usize {
        self.evidence.iter().filter(|one| one.state == state).count()
    }
}

fn summary(evidence: &[Evidence]) -> String {
    if evidence.is_empty() {
        return "nothing to judge".to_owned();
    }
    let count = |state| evidence.iter().filter(|one| one.state == state).count();
    let of = |(state, word)| {
        let count = count(state);
        (count > 0).then(|| format!("{count} {word}"))
    };
    let words = [
        (State::Fail, "failed"),
        (State::Unknown, "unknown"),
        (State::Pass, "passed"),
        (State::NotApplicable, "exempt"),
    ];
    words.into_iter().filter_map(of).collect::<Vec<_>>().join(", ")
}

/// Why a document is no report, or not the one that was written.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// It is not JSON, or not of this shape.
    #[error("it is no report of holdfast audit -o json")]
    Shape(#[from] serde_json::Error),
    /// Another version.
    #[error("it is of schema {0}; this holdfast reads {SCHEMA}")]
    Schema(String),
    /// Its digest is not its own.
    #[error("it was changed after it was written: its digest says {said}, and it has {found}")]
    Changed {
        /// What it says.
        said: String,
        /// What it is.
        found: String,
    },
}

impl Report {
    pub(super) fn new(context: Whose, journal: Journal, controls: Vec<Controlled>, at: Timestamp) -> Self {
        let count = |state| controls.iter().filter(|control| control.state == state).count();
        let counts = Counts {
            fail: count(State::Fail),
            not_applicable: count(State::NotApplicable),
            pass: count(State::Pass),
            unknown: count(State::Unknown),
        };
        let product = concat!("holdfast ", env!("CARGO_PKG_VERSION")).to_owned();
        let (schema, digest) = (SCHEMA.to_owned(), String::new());
        Self { at, baseline: None, context, controls, counts, digest, journal, product, schema }.sealed()
    }

    /// Compares it with an earlier one.
    #[must_use]
    pub fn against(self, earlier: &Self) -> Self {
        let baseline = Some(Comparison::of(earlier, &self));
        Self { baseline, ..self }.sealed()
    }

    fn sealed(self) -> Self {
        let digest = text::sha256(&canonical(&self));
        Self { digest, ..self }
    }

    /// The document, for people and programs.
    ///
    /// # Errors
    /// When it cannot be made into JSON.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    /// Reads a document, and checks that it is the one that was written.
    ///
    /// # Errors
    /// When it is none, or was changed.
    pub fn read(text: &str) -> Result<Self, Fault> {
        let mut value: Value = serde_json::from_str(text)?;
        let said = |value: &Value, member: &str| value[member].as_str().unwrap_or_default().to_owned();
        let (schema, digest) = (said(&value, "schema"), said(&value, "digest"));
        if schema != SCHEMA && value.is_object() && !schema.is_empty() {
            return Err(Fault::Schema(text::sanitize(&schema).into_owned()));
        }
        if let Some(members) = value.as_object_mut() {
            members.remove("digest");
        }
        let found = text::sha256(&serde_json::to_vec(&value)?);
        let report = serde_json::from_str::<Self>(text)?;
        if found != digest {
            return Err(Fault::Changed { said: text::sanitize(&digest).into_owned(), found });
        }
        Ok(report)
    }
}

/// The members but the digest, in the order of their names, without white space.
fn canonical(report: &Report) -> Vec<u8> {
    #[derive(Serialize)]
    struct Undigested<'a> {
        at: &'a Timestamp,
        #[serde(skip_serializing_if = "Option::is_none")]
        baseline: &'a Option<Comparison>,
        context: &'a Whose,
        controls: &'a [Controlled],
        counts: &'a Counts,
        journal: &'a Journal,
        product: &'a str,
        schema: &'a str,
    }
    let Report { at, baseline, context, controls, counts, journal, product, schema, .. } = report;
    // Strings, numbers and times: this always serialises.
    serde_json::to_vec(&Undigested { at, baseline, context, controls, counts, journal, product, schema })
        .unwrap_or_default()
}
