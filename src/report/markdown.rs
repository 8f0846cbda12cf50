//! The report as Markdown, for wikis and tickets.

use super::out::Out;
use super::table::{head, told};
use super::{Controlled, Report, State};

/// The report as Markdown. What comes from a cluster cannot make markup of its own.
pub fn markdown(report: &Report) -> String {
    let mut out = Out::default();
    out.push("# Audit\n\n");
    for (name, value) in head(report) {
        out.add(format_args!("- {name}: {}\n", safe(&value)));
    }
    out.push("\n| state | control | what | found |\n|---|---|---|---|\n");
    for one in &report.controls {
        let state = format!("{} {}", one.state.glyph(), one.state.word());
        out.add(format_args!("| {state} | `{}` | {} | {} |\n", one.id, safe(&one.title), safe(&one.summary)));
    }
    changes(report, &mut out);
    report.controls.iter().for_each(|one| section(one, &mut out));
    out.done()
}

fn changes(report: &Report, out: &mut Out) {
    let Some(baseline) = report.baseline.as_ref().filter(|one| !one.differences.is_empty()) else { return };
    out.push("\n## Since the earlier report\n\n");
    for one in baseline.differences.iter().take(MANY) {
        let (change, state) = (one.change.word(), one.state.word());
        out.add(format_args!("- {change} ({state}): `{}`, {}, {}\n", one.control, safe(&one.object), safe(&one.field)));
    }
    more(baseline.differences.len().saturating_sub(MANY), out);
}

/// Differences that are told.
const MANY: usize = 50;

fn more(count: usize, out: &mut Out) {
    if count > 0 {
        out.add(format_args!("- and {count} more; the JSON has all\n"));
    }
}

fn section(one: &Controlled, out: &mut Out) {
    let mapping = [("NIST", &one.mapping.nist), ("ISO", &one.mapping.iso), ("CIS", &one.mapping.cis)];
    let numbers =
        mapping.iter().filter(|(_, all)| !all.is_empty()).map(|(name, all)| format!("{name} {}", all.join(", ")));
    out.add(format_args!(
        "\n## {} {} – {}\n\n{} ({})\n\n{}: {}\n",
        one.state.glyph(),
        safe(&one.id),
        safe(&one.title),
        safe(&one.requirement),
        numbers.collect::<Vec<_>>().join("; "),
        one.state.word(),
        safe(&one.summary),
    ));
    if one.state >= State::Pass {
        return;
    }
    out.push("\n");
    let (worst, rest) = told(one);
    for fact in worst {
        let at = fact.at.map(|at| format!(" ({at})")).unwrap_or_default();
        let next = fact.remedy.as_deref().map(|next| format!(" → {}", safe(next))).unwrap_or_default();
        let (glyph, object, field, value) =
            (fact.state.glyph(), safe(&fact.object), safe(&fact.field), safe(&fact.value));
        out.add(format_args!("- {glyph} {object}: {field}: {value}{at}{next}\n"));
    }
    more(rest, out);
    out.add(format_args!("\nRemedy: {}\n", safe(&one.remedy)));
}

/// Text that is no markup: every character that means something in Markdown or HTML is escaped.
fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in crate::text::sanitize(text).chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '!' | '~' => out.extend(['\\', character]),
            other => out.push(other),
        }
    }
    out
}
