//! How a scan is written down to be kept: what proves something, and nothing that was copied out of somebody's code.
//!
//! Not the log itself: it quotes code, and code holds passwords. Cleaning a log would have to know every place where a
//! tool quotes; here each field that is kept is named instead. Messages, words of the tool about its failure and
//! justifications are left out whatever the rule, snippets, fixes and properties never were part of a [`Scan`]. Enums
//! are mirrored, so that a name that changes in the house does not change what lies on disks.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{
    Band, BandSource, Baseline, Completion, Finding, FindingId, Level, ResultKind, Rule, Scan, Series, Subject,
    SubjectSource, Suppression, TimeSource,
};
use crate::text;

/// What is said in place of a tool's own words.
const FAILED: &str = "it said so itself when it was read";

#[derive(Serialize, Deserialize)]
#[serde(remote = "Band")]
enum BandForm {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "BandSource")]
enum BandSourceForm {
    Override,
    Preset,
    Score,
    Cvss,
    Word,
    Level,
    Kind,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Level")]
enum LevelForm {
    None,
    Note,
    Warning,
    Error,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ResultKind")]
enum KindForm {
    Fail,
    Pass,
    NotApplicable,
    Informational,
    Open,
    Review,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Baseline")]
enum BaselineForm {
    New,
    Unchanged,
    Updated,
    Absent,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "TimeSource")]
enum TimeForm {
    Ended,
    Started,
    AsOf,
    FileName,
    Modified,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "SubjectSource")]
enum SaidByForm {
    Stamp,
    Attached,
    Tool,
    Folder,
}

#[derive(Serialize, Deserialize)]
struct Since(#[serde(with = "BaselineForm")] Baseline);

#[derive(Serialize, Deserialize)]
struct When(Timestamp, #[serde(with = "TimeForm")] TimeSource);

#[derive(Serialize, Deserialize)]
enum End {
    Complete,
    Failed,
    /// With one of the house's own sentences.
    Unproven(String),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RuleForm {
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    short: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    help: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    precision: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    cwe: Vec<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    described: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Hidden {
    kind: String,
    status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FindingForm {
    id: String,
    /// Its place among the rules.
    rule: usize,
    #[serde(with = "KindForm")]
    kind: ResultKind,
    #[serde(with = "LevelForm")]
    level: Level,
    #[serde(with = "BandForm")]
    band: Band,
    #[serde(with = "BandSourceForm")]
    band_source: BandSource,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    score: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rank: Option<u16>,
    path: String,
    line: u32,
    column: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    cwe: Vec<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    suppressions: Option<Vec<Hidden>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    baseline: Option<Since>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SubjectForm {
    #[serde(with = "SaidByForm")]
    source: SubjectSource,
    digests: Vec<String>,
    /// Image, tag, repository, revision, branch, namespace, kind, name, container.
    named: [Option<String>; 9],
}

/// One scan.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ScanForm {
    digest: String,
    /// Tool, category, repository, branch.
    series: [String; 4],
    tool: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<When>,
    end: End,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    catalogue: Option<Vec<String>>,
    subjects: Vec<SubjectForm>,
    rules: Vec<RuleForm>,
    findings: Vec<FindingForm>,
}

fn own(text: Option<&Arc<str>>) -> Option<String> {
    text.map(ToString::to_string)
}

fn owned(texts: &[Arc<str>]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

impl RuleForm {
    fn of(rule: &Rule) -> Self {
        Self {
            id: rule.id.to_string(),
            name: own(rule.name.as_ref()),
            short: own(rule.short.as_ref()),
            help: own(rule.help.as_ref()),
            precision: own(rule.precision.as_ref()),
            cwe: rule.cwe.to_vec(),
            tags: owned(&rule.tags),
            described: rule.described,
        }
    }

    fn rule(self, texts: &mut Texts) -> Rule {
        Rule {
            id: texts.get(self.id),
            name: self.name.map(|text| texts.get(text)),
            short: self.short.map(|text| texts.get(text)),
            help: self.help.map(|text| texts.get(text)),
            precision: self.precision.map(|text| texts.get(text)),
            cwe: self.cwe.into(),
            tags: self.tags.into_iter().map(|text| texts.get(text)).collect(),
            described: self.described,
        }
    }
}

impl FindingForm {
    fn of(finding: &Finding, rule: usize) -> Self {
        let hidden =
            |one: &Suppression| Hidden { kind: one.kind.to_string(), status: one.status.to_string(), until: one.until };
        Self {
            id: format!("{:032x}", finding.id.0),
            rule,
            kind: finding.kind,
            level: finding.level,
            band: finding.band,
            band_source: finding.band_source,
            score: finding.score,
            rank: finding.rank,
            path: finding.path.to_string(),
            line: finding.line,
            column: finding.column,
            cwe: finding.cwe.to_vec(),
            suppressions: finding.suppressions.as_ref().map(|all| all.iter().map(hidden).collect()),
            baseline: finding.baseline.map(Since),
        }
    }

    fn finding(self, rules: &[Arc<Rule>], texts: &mut Texts) -> Option<Finding> {
        let mut hidden = |one: Hidden| Suppression {
            kind: texts.get(one.kind),
            status: texts.get(one.status),
            justification: None,
            until: one.until,
        };
        let suppressions = self.suppressions.map(|all| all.into_iter().map(&mut hidden).collect());
        Some(Finding {
            id: FindingId(u128::from_str_radix(&self.id, 16).ok()?),
            rule: rules.get(self.rule)?.clone(),
            kind: self.kind,
            level: self.level,
            band: self.band,
            band_source: self.band_source,
            score: self.score,
            rank: self.rank,
            path: texts.get(self.path),
            line: self.line,
            column: self.column,
            message: texts.get(String::new()),
            cwe: self.cwe.into(),
            suppressions,
            baseline: self.baseline.map(|Since(state)| state),
            // The log is not there to be read again.
            raw: 0..0,
        })
    }
}

impl SubjectForm {
    fn of(subject: &Subject) -> Self {
        let Subject { source, digests, image, tag, repository, revision, branch, namespace, kind, name, container } =
            subject;
        let named = [image, tag, repository, revision, branch, namespace, kind, name, container];
        Self { source: *source, digests: owned(digests), named: named.map(|text| own(text.as_ref())) }
    }

    fn subject(self, texts: &mut Texts) -> Subject {
        let named = self.named.map(|text| text.map(|text| texts.get(text)));
        let [image, tag, repository, revision, branch, namespace, kind, name, container] = named;
        let digests = self.digests.into_iter().map(|text| texts.get(text)).collect();
        let source = self.source;
        Subject { source, digests, image, tag, repository, revision, branch, namespace, kind, name, container }
    }
}

impl ScanForm {
    pub(super) fn of(scan: &Scan) -> Self {
        let mut rules: Vec<RuleForm> = Vec::new();
        let mut places: HashMap<*const Rule, usize> = HashMap::new();
        let findings = scan.findings.iter().map(|finding| {
            let place = *places.entry(Arc::as_ptr(&finding.rule)).or_insert_with(|| {
                rules.push(RuleForm::of(&finding.rule));
                rules.len() - 1
            });
            FindingForm::of(finding, place)
        });
        let findings = findings.collect();
        let Series { tool, category, repository, branch } = &scan.series;
        let sorted = |ids: &Arc<HashSet<Arc<str>>>| {
            let mut ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            ids.sort_unstable();
            ids
        };
        let catalogue = scan.catalogue.as_ref().map(sorted);
        Self {
            digest: text::hex(&scan.digest),
            series: [tool, category, repository, branch].map(ToString::to_string),
            tool: scan.tool.to_string(),
            version: own(scan.version.as_ref()),
            at: scan.at.map(|(at, from)| When(at, from)),
            end: match &scan.completion {
                Completion::Complete => End::Complete,
                Completion::Failed { .. } => End::Failed,
                Completion::Unproven { why } => End::Unproven(why.to_string()),
            },
            catalogue,
            subjects: scan.subjects.iter().map(SubjectForm::of).collect(),
            rules,
            findings,
        }
    }

    /// The scan again; `None` when it is not one of ours.
    pub(super) fn scan(self) -> Option<Scan> {
        let texts = &mut Texts::default();
        let rules: Vec<Arc<Rule>> = self.rules.into_iter().map(|rule| Arc::new(rule.rule(texts))).collect();
        let findings = self.findings.into_iter().map(|finding| finding.finding(&rules, texts));
        let findings = findings.collect::<Option<_>>()?;
        let [tool, category, repository, branch] = self.series.map(|text| texts.get(text));
        let mut set = |ids: Vec<String>| ids.into_iter().map(|id| texts.get(id)).collect::<HashSet<_>>();
        let catalogue = self.catalogue.map(|ids| Arc::new(set(ids)));
        Some(Scan {
            digest: bytes(&self.digest)?,
            series: Series { tool, category, repository, branch },
            tool: texts.get(self.tool),
            version: self.version.map(|text| texts.get(text)),
            at: self.at.map(|When(at, from)| (at, from)),
            completion: match self.end {
                End::Complete => Completion::Complete,
                End::Failed => Completion::Failed { why: FAILED.into() },
                End::Unproven(why) => Completion::Unproven { why: why.into() },
            },
            catalogue,
            subjects: self.subjects.into_iter().map(|subject| subject.subject(texts)).collect(),
            findings,
        })
    }
}

/// Strings that many findings share, shared again.
#[derive(Default)]
struct Texts(HashSet<Arc<str>>);

impl Texts {
    fn get(&mut self, text: String) -> Arc<str> {
        if let Some(known) = self.0.get(text.as_str()) {
            return known.clone();
        }
        let text: Arc<str> = text.into();
        self.0.insert(text.clone());
        text
    }
}

/// Thirty-two bytes of their hex.
pub(super) fn bytes(hex: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}
