//! Findings for the command line: a table, a spreadsheet, a page.

use jiff::Timestamp;

use super::columns::Align;
use super::findings::{FindingRow, without_a_cluster};
use super::output::lines;
use super::{Cell, Column};
use crate::model::FindingId;
use crate::text::{sanitize, truncate};

/// Columns of a message that a table shows.
const MESSAGE: usize = 100;

/// An aligned table, one line for each.
pub fn table(rows: &[FindingRow], now: Timestamp) -> String {
    let digits = digits(rows.iter().map(|row| row.id));
    let headings = columns().map(|column| column.title.to_uppercase());
    let heading = std::iter::once("ID".to_owned()).chain(headings).collect();
    let printed = rows.iter().map(|row| {
        let id: String = row.id.to_string().chars().take(digits).collect();
        std::iter::once(id).chain(cells(row).map(|cell| one_line(&cell.print(now)))).collect()
    });
    let aligns: Vec<Align> = std::iter::once(Align::Left).chain(columns().map(|column| column.align)).collect();
    lines(&std::iter::once(heading).chain(printed).collect::<Vec<_>>(), &aligns)
}

fn columns() -> impl Iterator<Item = &'static Column> {
    without_a_cluster().map(|(_, column)| column)
}

fn cells(row: &FindingRow) -> impl Iterator<Item = &Cell> {
    without_a_cluster().map(|(at, _)| &row.cells[at])
}

/// How many digits tell these ids apart, and at least eight: with so many one can be named.
pub fn digits(ids: impl IntoIterator<Item = FindingId>) -> usize {
    let mut ids: Vec<u128> = ids.into_iter().map(|id| id.0).collect();
    ids.sort_unstable();
    ids.dedup();
    let common = ids.windows(2).map(|two| (two[0] ^ two[1]).leading_zeros() / 4 + 1);
    common.max().and_then(|digits| usize::try_from(digits).ok()).unwrap_or_default().max(8)
}

/// Text on one line of a table, cut with a mark.
pub fn one_line(text: &str) -> String {
    cut(text, MESSAGE)
}

fn cut(text: &str, most: usize) -> String {
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
        out.push_str(&line(cells(row).map(|cell| escaped(&cut(&cell.print(now), 4 * MESSAGE))).collect()));
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
    #[case::none(&[], 8)]
    #[case::far(&[1 << 120, 2 << 120], 8)]
    #[case::alike(&[0x10, 0x11, 0x11], 32)]
    #[case::the_twelfth(&[0xa_bcd0 << 80, 0xa_bcd1 << 80], 12)]
    fn an_id_is_as_long_as_it_takes(#[case] ids: &[u128], #[case] expected: usize) {
        assert_eq!(digits(ids.iter().copied().map(FindingId)), expected);
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
        let long = cut(&format!("a\n b {}", "x".repeat(1 << 20)), 20);
        assert!(long.starts_with("a b xxx") && crate::text::width(&long) <= 20, "{long}");
    }
}
