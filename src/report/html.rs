//! The report as one page that needs nothing else: no network, no script, light and dark, fit for paper.

use super::out::Out;
use super::table::head;
use super::{Controlled, Evidence, Report, State};

/// Facts that the page has of one control: the worst of them.
const WORST: usize = 25;

/// The page's looks.
const STYLE: &str = include_str!("html/page.css");

/// The page. All text is escaped, and a policy in it forbids whatever would not be its own.
pub fn html(report: &Report) -> String {
    let mut out = Out::default();
    out.push("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    out.push(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n",
    );
    out.push("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    out.add(format_args!("<title>Audit of {}, {}</title>\n", safe(&report.context.name), report.at));
    out.add(format_args!("<style>\n{STYLE}</style>\n</head>\n<body>\n"));
    header(report, &mut out);
    overview(report, &mut out);
    changes(report, &mut out);
    report.controls.iter().for_each(|one| section(one, &mut out));
    out.push("<footer>Unknown is not in order: what could not be seen was not judged. ");
    out.push("The JSON of this report has every fact; <code>holdfast audit verify FILE</code> checks it.</footer>\n");
    out.push("</body>\n</html>\n");
    out.done()
}

fn header(report: &Report, out: &mut Out) {
    out.add(format_args!("<header>\n<h1>Audit of {}</h1>\n<ul class=\"tally\">\n", safe(&report.context.name)));
    let counts = &report.counts;
    let of = [
        (State::Fail, counts.fail),
        (State::Unknown, counts.unknown),
        (State::Pass, counts.pass),
        (State::NotApplicable, counts.not_applicable),
    ];
    for (state, count) in of {
        out.add(format_args!("<li class=\"{}\"><b>{count}</b> {}</li>\n", class(state), badge_words(state)));
    }
    out.push("</ul>\n<dl>\n");
    for (name, value) in head(report).into_iter().filter(|(name, _)| *name != "Controls") {
        out.add(format_args!("<dt>{name}</dt><dd>{}</dd>\n", safe(&value)));
    }
    out.push("</dl>\n</header>\n");
}

fn overview(report: &Report, out: &mut Out) {
    out.push("<table>\n<thead><tr><th>State</th><th>Control</th><th>Found</th></tr></thead>\n<tbody>\n");
    for one in &report.controls {
        let (id, title, found) = (safe(&one.id), safe(&one.title), safe(&one.summary));
        let badge = badge(one.state);
        out.add(format_args!("<tr><td>{badge}</td><td><a href=\"#{id}\">{title}</a></td><td>{found}</td></tr>\n"));
    }
    out.push("</tbody>\n</table>\n");
}

fn changes(report: &Report, out: &mut Out) {
    let Some(baseline) = report.baseline.as_ref().filter(|one| !one.differences.is_empty()) else { return };
    out.push("<section>\n<h2>Since the earlier report</h2>\n<ul class=\"facts\">\n");
    for one in baseline.differences.iter().take(WORST) {
        let (change, state) = (one.change.word(), one.state.word());
        let (control, object, field) = (safe(&one.control), safe(&one.object), safe(&one.field));
        out.add(format_args!("<li><b>{change}</b> ({state}): {control}, {object}, {field}</li>\n"));
    }
    rest(baseline.differences.len(), out);
    out.push("</ul>\n</section>\n");
}

fn rest(count: usize, out: &mut Out) {
    if count > WORST {
        out.add(format_args!("<li class=\"more\">and {} more; the JSON has all</li>\n", count - WORST));
    }
}

fn section(one: &Controlled, out: &mut Out) {
    out.add(format_args!(
        "<section id=\"{}\">\n<h2>{} {}</h2>\n<p class=\"asked\">{}</p>\n<p class=\"numbers\">{}</p>\n",
        safe(&one.id),
        badge(one.state),
        safe(&one.title),
        safe(&one.requirement),
        numbers(one),
    ));
    let open = one.evidence.iter().filter(|fact| fact.state < State::Pass);
    let fine = one.evidence.iter().filter(|fact| fact.state >= State::Pass);
    out.add(format_args!("<p>{}</p>\n", safe(&one.summary)));
    facts(open.clone(), open.count(), out);
    if one.state < State::Pass {
        out.add(format_args!("<p class=\"remedy\">{}</p>\n", safe(&one.remedy)));
    }
    let count = fine.clone().count();
    if count > 0 {
        out.add(format_args!("<details>\n<summary>{count} in order or exempt</summary>\n"));
        facts(fine, count, out);
        out.push("</details>\n");
    }
    out.push("</section>\n");
}

fn numbers(one: &Controlled) -> String {
    let mapping = [("NIST", &one.mapping.nist), ("ISO", &one.mapping.iso), ("CIS", &one.mapping.cis)];
    let said =
        mapping.iter().filter(|(_, all)| !all.is_empty()).map(|(name, all)| format!("{name} {}", all.join(", ")));
    format!("<code>{}</code> · {}", safe(&one.id), safe(&said.collect::<Vec<_>>().join(" · ")))
}

fn facts<'a>(all: impl Iterator<Item = &'a Evidence>, count: usize, out: &mut Out) {
    if count == 0 {
        return;
    }
    out.push("<ul class=\"facts\">\n");
    for one in all.take(WORST) {
        let at = one.at.map(|at| format!(" <time>{at}</time>")).unwrap_or_default();
        let next = one.remedy.as_deref().map(|next| format!("<span class=\"next\">{}</span>", safe(next)));
        let (class, glyph, word) = (class(one.state), one.state.glyph(), one.state.word());
        let (object, field, value) = (safe(&one.object), safe(&one.field), safe(&one.value));
        out.add(format_args!(
            "<li><b class=\"{class}\" title=\"{word}\">{glyph}</b> <code>{object}</code> {field}: {value}{at}{}</li>\n",
            next.unwrap_or_default()
        ));
    }
    rest(count, out);
    out.push("</ul>\n");
}

const fn class(state: State) -> &'static str {
    match state {
        State::Fail => "fail",
        State::Unknown => "unknown",
        State::Pass => "pass",
        State::NotApplicable => "none",
    }
}

fn badge_words(state: State) -> String {
    format!("{} {}", state.glyph(), state.word())
}

fn badge(state: State) -> String {
    format!("<span class=\"badge {}\">{}</span>", class(state), badge_words(state))
}

/// Text that is no markup, in elements and in attributes.
fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in crate::text::sanitize(text).chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}
