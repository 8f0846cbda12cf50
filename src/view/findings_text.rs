//! Findings for the command line: a table, a spreadsheet, a page.

use jiff::Timestamp;

use super::columns::Align;
use super::findings::{FindingRow, without_a_cluster};
use super::output::lines;
use super::{Cell, Column};
use crate::text::{sanitize, truncate};

/// Columns of a message that a table shows.
const MESSAGE: usize = 100;

/// An aligned table, one line for each.
pub fn table(rows: &[FindingRow], now: Timestamp) -> String {
    let heading = columns().map(|column| column.title.to_uppercase()).collect();
    let printed = rows.iter().map(|row| cells(row).map(|cell| one_line(&cell.print(now), MESSAGE)).collect());
    let aligns: Vec<Align> = columns().map(|column| column.align).collect();
    lines(&std::iter::once(heading).chain(printed).collect::<Vec<_>>(), &aligns)
}

fn columns() -> impl Iterator<Item = &'static Column> {
    without_a_cluster().map(|(_, column)| column)
}

fn cells(row: &FindingRow) -> impl Iterator<Item = &Cell> {
    without_a_cluster().map(|(at, _)| &row.cells[at])
}

/// Text on one line, cut with a mark.
fn one_line(text: &str, most: usize) -> String {
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    truncate(&joined, most).into_owned()
}

/// Comma-separated values with a heading (RFC 4180); moments as they are, not as ages.
pub fn csv(rows: &[FindingRow]) -> String {
    let heading = columns().map(|column| field(column.id));
    let heading = std::iter::once("id".to_owned()).chain(heading).collect::<Vec<_>>().join(",");
    let mut out = heading + "\r\n";
    for row in rows {
        let cells = cells(row).map(|cell| field(&plain(cell)));
        let cells = std::iter::once(row.id.to_string()).chain(cells).collect::<Vec<_>>();
        out.push_str(&cells.join(","));
        out.push_str("\r\n");
    }
    out
}

fn plain(cell: &Cell) -> String {
    match cell.json() {
        serde_json::Value::String(text) => text,
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Quoted where that is needed. What a spreadsheet would take for a formula begins with an apostrophe.
fn field(text: &str) -> String {
    let safe = sanitize(text);
    let formula = safe.starts_with(['=', '+', '-', '@', '\t']);
    let safe = if formula { format!("'{safe}") } else { safe.into_owned() };
    if safe.contains([',', '"', '\n', '\r', '\'']) { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
}

/// A Markdown table. What has a meaning in Markdown or HTML has none here.
pub fn markdown(rows: &[FindingRow], now: Timestamp) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut out = line(columns().map(|column| column.title.to_owned()).collect());
    out.push_str(&line(
        columns().map(|column| if column.align == Align::Right { "--:" } else { "---" }.to_owned()).collect(),
    ));
    for row in rows {
        out.push_str(&line(cells(row).map(|cell| escaped(&one_line(&cell.print(now), 4 * MESSAGE))).collect()));
    }
    out
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '|' | '!' | '~' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("a b", "a b")]
    #[case::comma("a,b", "\"a,b\"")]
    #[case::quote("a\"b", "\"a\"\"b\"")]
    #[case::formula("=cmd()", "\"'=cmd()\"")]
    #[case::minus("-1+2", "\"'-1+2\"")]
    fn a_field_is_what_it_says_and_no_formula(#[case] text: &str, #[case] written: &str) {
        assert_eq!(field(text), written);
    }

    #[rstest]
    #[case::link("[a](b)", "\\[a\\](b)")]
    #[case::html("<img>", "&lt;img&gt;")]
    #[case::cell("a|b", "a\\|b")]
    fn text_is_no_markdown(#[case] text: &str, #[case] written: &str) {
        assert_eq!(escaped(text), written);
    }

    #[test]
    fn a_line_is_one_line_and_no_longer_than_there_is_room() {
        let long = one_line(&format!("a\n b {}", "x".repeat(1 << 20)), 20);
        assert!(long.starts_with("a b xxx") && crate::text::width(&long) <= 20, "{long}");
    }
}
