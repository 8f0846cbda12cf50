//! The operator's rules: which scans they are for, and which containers they mean.

use super::ladder::Evidence;
use crate::model::glob::{Captures, Glob};
use crate::model::{LinkRule, Linking, Program, RevisionFrom, Scan, Subject, To, When};

/// Containers that somebody named; what is left out is any.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    pub namespace: Option<String>,
    kind: Option<String>,
    pub name: Option<String>,
    container: Option<String>,
}

impl Scope {
    /// What a report says itself.
    pub fn of(subject: &Subject) -> Self {
        let text = |text: &Option<std::sync::Arc<str>>| text.as_deref().map(str::to_owned);
        Self {
            namespace: text(&subject.namespace),
            kind: text(&subject.kind),
            name: text(&subject.name),
            container: text(&subject.container),
        }
    }

    /// What a pin names.
    pub fn pinned(to: &To) -> Self {
        Self::filled(to, &Captures::new())
    }

    fn filled(to: &To, captures: &Captures) -> Self {
        let fill = |text: &Option<String>| text.as_deref().map(|text| fill(text, captures));
        Self {
            namespace: fill(&to.namespace),
            kind: fill(&to.kind),
            name: fill(&to.name),
            container: fill(&to.container),
        }
    }

    /// Whether it names a workload, which alone ties a report to it.
    pub fn told(&self) -> bool {
        self.name.is_some()
    }

    /// Whether a program is one of those.
    pub fn holds(&self, program: &Program) -> bool {
        let workload = program.workload.as_ref();
        let is =
            |wanted: &Option<String>, found: Option<&str>| wanted.as_deref().is_none_or(|wanted| found == Some(wanted));
        is(&self.namespace, Some(&program.namespace))
            && self.kind.as_deref().is_none_or(|kind| workload.is_some_and(|w| w.kind.eq_ignore_ascii_case(kind)))
            && is(&self.name, workload.map(|workload| &*workload.name))
            && is(&self.container, Some(&program.container))
    }
}

fn fill(text: &str, captures: &Captures) -> String {
    captures.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// Whether the first rule that matches may hang on the path of a finding.
pub(super) fn by_path(linking: &Linking, scan: &Scan) -> bool {
    let rest = |rule: &LinkRule| pathless(&rule.when, scan).is_some();
    let first = linking.rules.iter().find(|rule| rest(rule));
    first.is_some_and(|rule| rule.when.path.is_some())
}

/// What a rule remembers of a scan but for paths; `None` when it is not for it.
fn pathless(when: &When, scan: &Scan) -> Option<Captures> {
    let mut captures = Captures::new();
    let mut all = |glob: &Option<Glob>, texts: &[&str]| match glob {
        None => true,
        Some(glob) => texts.iter().find_map(|text| glob.matches(text)).map(|found| captures.extend(found)).is_some(),
    };
    let repositories: Vec<&str> = std::iter::once(&*scan.series.repository)
        .chain(scan.subjects.iter().filter_map(|subject| subject.repository.as_deref()))
        .collect();
    let matches = all(&when.tool, &[&scan.tool, &scan.series.tool])
        && all(&when.repository, &repositories)
        && all(&when.category, &[&scan.series.category]);
    matches.then_some(captures)
}

/// What a rule says of a scan, for findings of a path, with the reason.
///
/// # Errors
/// When it is not for it, with the reason.
pub(super) fn matched(rule: &LinkRule, scan: &Scan, path: Option<&str>) -> Result<(Scope, String), String> {
    let mut captures = pathless(&rule.when, scan).ok_or("tool, repository or category is another")?;
    if let Some(glob) = &rule.when.path {
        let path = path.ok_or("it is for one path, and none is given")?;
        captures.extend(glob.matches(path).ok_or_else(|| format!("{path} is not {glob}"))?);
    }
    let scope = Scope::filled(&rule.to, &captures);
    let any = || "*".to_owned();
    let said = format!(
        "means {}/{} {}, container {}",
        scope.namespace.clone().unwrap_or_else(any),
        scope.kind.clone().unwrap_or_else(any),
        scope.name.clone().unwrap_or_else(any),
        scope.container.clone().unwrap_or_else(any)
    );
    Ok((scope, said))
}

/// Whether a severity rule's conditions hold for a finding of a scan.
pub(super) fn holds(when: &When, scan: &Scan, path: &str) -> bool {
    pathless(when, scan).is_some() && when.path.as_ref().is_none_or(|glob| glob.matches(path).is_some())
}

/// The evidence with the revision that a rule says.
pub(super) fn evidence(rule: &LinkRule, evidence: Evidence) -> Evidence {
    match &rule.revision {
        RevisionFrom::Scan => evidence,
        RevisionFrom::Tag => {
            let tag = evidence.tag().map(str::to_owned);
            evidence.with_revision(tag.as_deref())
        }
        RevisionFrom::Literal(revision) => evidence.with_revision(Some(revision)),
        RevisionFrom::None => evidence.with_revision(None),
    }
}
