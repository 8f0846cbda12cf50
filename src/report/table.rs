//! The report on a terminal, and the table of all controls.

use super::out::Out;
use super::{Control, Controlled, Evidence, Report, State, registry};
use crate::text;
use crate::view::output::plain_table;

/// Facts that are told of one control: the worst of them.
pub const WORST: usize = 5;

/// Differences that are told.
const CHANGES: usize = 20;

/// The report as lines for people.
pub fn table(report: &Report) -> String {
    let mut out = Out::default();
    for (name, value) in head(report) {
        out.add(format_args!("{name}: {value}\n"));
    }
    out.push("\n");
    for one in report.baseline.iter().flat_map(|baseline| &baseline.differences).take(CHANGES) {
        let (change, state) = (one.change.word(), one.state.word());
        out.add(format_args!("  {change}: {}: {}: {} ({state})\n", one.control, one.object, one.field));
    }
    let heading = ["STATE", "CONTROL", "WHAT", "FOUND"].map(str::to_owned).to_vec();
    let row = |one: &Controlled| {
        vec![
            format!("{} {}", one.state.glyph(), one.state.word()),
            one.id.clone(),
            one.title.clone(),
            one.summary.clone(),
        ]
    };
    out.push(&plain_table(&std::iter::once(heading).chain(report.controls.iter().map(row)).collect::<Vec<_>>()));
    for control in report.controls.iter().filter(|one| one.state < State::Pass) {
        out.add(format_args!("\n{} {}: {}\n", control.state.glyph(), control.id, control.requirement));
        let (worst, more) = told(control);
        for one in worst {
            out.push(&line(one));
        }
        if more > 0 {
            out.add(format_args!("  and {more} more; -o json has all\n"));
        }
        out.add(format_args!("  → {}\n", control.remedy));
    }
    out.done()
}

fn line(one: &Evidence) -> String {
    let at = one.at.map(|at| format!(" ({at})")).unwrap_or_default();
    let next = one.remedy.as_deref().map(|next| format!("\n      → {next}")).unwrap_or_default();
    format!("  {} {}: {}: {}{at}{next}\n", one.state.glyph(), one.object, one.field, one.value)
}

/// What people are told of a control: the worst facts that are not in order, and how many more there are.
pub fn told(control: &Controlled) -> (Vec<&Evidence>, usize) {
    let open = control.evidence.iter().filter(|one| one.state < State::Pass);
    let (worst, count) = (open.clone().take(WORST).collect::<Vec<_>>(), open.count());
    (worst, count.saturating_sub(WORST))
}

/// What the report is of, as pairs of name and value.
pub fn head(report: &Report) -> Vec<(&'static str, String)> {
    let context = &report.context;
    let counts = &report.counts;
    let namespaces = match context.namespaces.as_slice() {
        [] => "all".to_owned(),
        some => text::list(some),
    };
    let journal = match (&report.journal.unread, &report.journal.head) {
        (Some(why), _) => format!("not read: {why}"),
        (None, Some(head)) => format!("{} lines, head {head}", report.journal.lines),
        (None, None) => "empty".to_owned(),
    };
    let mut head = vec![
        ("Audit", format!("{}, {}", report.at, report.product)),
        ("Cluster", format!("{} at {}", context.name, context.server)),
        ("Identity", context.identity.clone().unwrap_or_else(|| "not known".to_owned())),
        ("Namespaces", namespaces),
        ("Journal", journal),
        ("Digest", report.digest.clone()),
        (
            "Controls",
            format!(
                "{} failed, {} unknown, {} passed, {} not applicable",
                counts.fail, counts.unknown, counts.pass, counts.not_applicable
            ),
        ),
    ];
    if let Some(baseline) = &report.baseline {
        let (new, fixed, same) = (baseline.new, baseline.fixed, baseline.unchanged);
        head.push(("Since", format!("{}: {new} new, {fixed} fixed, {same} unchanged", baseline.at)));
    }
    head
}

/// All controls as a table in Markdown, for documents.
pub fn registry_table() -> String {
    let heading = "| control | what has to be so | NIST SP 800-53 r5 | ISO 27001 A | CIS |\n|---|---|---|---|---|\n";
    let numbers = |all: &[&str]| if all.is_empty() { "–".to_owned() } else { all.join(", ") };
    let row = |one: &Control| {
        let mapping = &one.mapping;
        let iso: Vec<&str> = mapping.iso.iter().map(|number| number.trim_start_matches("A.")).collect();
        let (nist, iso, cis) = (numbers(mapping.nist), numbers(&iso), numbers(mapping.cis));
        format!("| `{}` | {} | {nist} | {iso} | {cis} |\n", one.id, one.requirement)
    };
    heading.to_owned() + &registry().iter().map(row).collect::<String>()
}
