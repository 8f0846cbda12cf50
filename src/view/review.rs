//! What a person reads before confirming a plan, section by section. The command line prints the same.
//!
//! It proves the target: context, API host, namespace and UID come first.

use super::Level;
use crate::plan::{DryRun, Plan, Refusal};
use crate::text;

/// A heading and what stands under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The heading.
    pub heading: &'static str,
    /// Lines, each with how bad it is. Safe to draw.
    pub lines: Vec<(Level, String)>,
}

/// A plan and what the server said of it.
pub fn review(plan: &Plan, dry_run: &DryRun) -> Vec<Section> {
    let mut sections = vec![target(plan), checked(dry_run)];
    let listed = |lines: &[String]| lines.iter().map(|line| (Level::Info, clean(line))).collect::<Vec<_>>();
    if !plan.warnings.is_empty() {
        let lines = plan.warnings.iter().map(|line| (Level::Warn, clean(line))).collect();
        sections.push(Section { heading: "Warnings", lines });
    }
    let steps = plan.steps();
    let steps = steps.iter().enumerate().map(|(i, step)| {
        let deadline = jiff::SignedDuration::try_from(step.deadline).unwrap_or(jiff::SignedDuration::MAX);
        (Level::Info, format!("{}. {} (at most {})", i + 1, clean(&step.title), text::age(deadline)))
    });
    sections.push(Section { heading: "Steps", lines: steps.collect() });
    sections.push(Section { heading: "What changes", lines: listed(&plan.changes) });
    sections.push(Section { heading: "Taking it back", lines: listed(&plan.undo) });
    let facts = plan.facts.iter().map(|(label, value)| (Level::Info, format!("{}: {}", clean(label), clean(value))));
    sections.push(Section { heading: "Known and used", lines: facts.collect() });
    let command = (!plan.command.is_empty()).then(|| (Level::Info, clean(&plan.command)));
    sections.push(Section { heading: "The same by command line", lines: command.into_iter().collect() });
    sections.retain(|section| !section.lines.is_empty());
    sections
}

/// Why no plan can be made, and what would clear it.
pub fn refusal(refusal: &Refusal) -> Vec<Section> {
    vec![
        Section { heading: "Refused", lines: vec![(Level::Critical, clean(&refusal.to_string()))] },
        Section { heading: "What would clear it", lines: vec![(Level::Info, clean(&refusal.clear))] },
    ]
}

fn target(plan: &Plan) -> Section {
    let subject = &plan.subject;
    let line = |label: &str, value: &str| (Level::Info, format!("{label:<10} {}", clean(value)));
    let lines = vec![
        line("context", &plan.context),
        line("API host", &plan.server),
        line("namespace", subject.object.namespace.as_deref().unwrap_or("(cluster-scoped)")),
        line("object", &format!("{} {}", subject.object.kind.spec().kind, subject.object.name)),
        line("UID", subject.uid.as_str()),
        line("operation", plan.id.as_str()),
    ];
    Section { heading: "Target", lines }
}

fn checked(dry_run: &DryRun) -> Section {
    let line = match dry_run {
        DryRun::Accepted => (Level::Ok, "the API server would accept it".to_owned()),
        DryRun::Refused(why) => (Level::Critical, format!("the API server would refuse it: {}", clean(why))),
        DryRun::NotChecked(why) => (Level::Unknown, format!("not checked: {}", clean(why))),
    };
    Section { heading: "Server dry run", lines: vec![line] }
}

fn clean(text: &str) -> String {
    text::sanitize(text).into_owned()
}
