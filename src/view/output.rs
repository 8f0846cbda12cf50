//! Rows for the command line: an aligned table, or one JSON value that is also printed as YAML.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use unicode_width::UnicodeWidthStr;

use super::columns::{Align, Column};
use super::{Problem, Row};
use crate::text;

/// An aligned table with a heading, one line per row, as kubectl prints them.
pub fn table<'a>(rows: impl IntoIterator<Item = &'a Row>, columns: &[Column], now: Timestamp) -> String {
    let printed = rows.into_iter().map(|row| row.cells.iter().map(|cell| cell.print(now).into_owned()).collect());
    let heading = columns.iter().map(|column| column.title.to_uppercase()).collect();
    let aligns: Vec<Align> = columns.iter().map(|column| column.align).collect();
    lines(&std::iter::once(heading).chain(printed).collect::<Vec<_>>(), &aligns)
}

/// Rows as one array of objects: kind, namespace, name, uid, level, state, reasons, and a member per column.
pub fn json_value<'a>(rows: impl IntoIterator<Item = &'a Row>, columns: &[Column]) -> Value {
    rows.into_iter().map(|row| object(row, columns)).collect()
}

/// The list of problems as a table.
pub fn problems_table(problems: &[Problem], now: Timestamp) -> String {
    let heading = ["LEVEL", "WHAT", "STATE", "SINCE", "WHY", "NEXT"].map(str::to_owned).to_vec();
    let printed = problems.iter().map(|problem| {
        let since = problem.since.map_or_else(|| "-".to_owned(), |at| text::age(now.duration_since(at)));
        let level = format!("{} {}", problem.level.glyph(), problem.level.word());
        let what = text::sanitize(&problem.subject()).into_owned();
        let why = text::sanitize(&problem.reason).into_owned();
        vec![level, what, problem.state.to_owned(), since, why, text::sanitize(&problem.next).into_owned()]
    });
    lines(&std::iter::once(heading).chain(printed).collect::<Vec<_>>(), &[Align::Left; 6])
}

/// The list of problems as one array of objects.
pub fn problems_json(problems: &[Problem]) -> Value {
    let one = |problem: &Problem| {
        let object = problem.object.as_ref();
        json!({
            "kind": object.map(|object| object.kind.spec().kind),
            "namespace": object.and_then(|object| object.namespace.as_deref()),
            "name": object.map_or(&*problem.title, |object| &object.name),
            "uid": problem.uid(),
            "rank": problem.rank().word(),
            "level": problem.level.word(),
            "state": problem.state,
            "since": problem.since.map(|at| at.to_string()),
            "reasons": [text::sanitize(&problem.reason)],
            "next": text::sanitize(&problem.next),
        })
    };
    problems.iter().map(one).collect()
}

fn object(row: &Row, columns: &[Column]) -> Value {
    let mut members = Map::new();
    members.insert("kind".into(), json!(row.object.kind.spec().kind));
    members.insert("namespace".into(), json!(row.object.namespace.as_deref()));
    members.insert("name".into(), json!(&*row.object.name));
    members.insert("uid".into(), json!(row.uid.as_str()));
    members.insert("level".into(), json!(row.level.word()));
    members.insert("state".into(), json!(row.state));
    let reasons: Vec<_> = row.reasons.iter().map(|reason| text::sanitize(reason)).collect();
    members.insert("reasons".into(), json!(reasons));
    for (column, cell) in columns.iter().zip(&row.cells) {
        members.entry(column.id).or_insert_with(|| cell.json());
    }
    Value::Object(members)
}

/// Lines of words, the first of them a heading, each column as wide as it has to be.
pub fn plain_table(cells: &[Vec<String>]) -> String {
    lines(cells, &vec![Align::Left; cells.first().map_or(0, Vec::len)])
}

pub(super) fn lines(cells: &[Vec<String>], aligns: &[Align]) -> String {
    let width = |i: usize| cells.iter().map(|row| row[i].width()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..aligns.len()).map(width).collect();
    let mut out = String::new();
    for row in cells {
        let padded = row.iter().enumerate().map(|(i, cell)| {
            let space = " ".repeat(widths[i].saturating_sub(cell.width()));
            match aligns[i] {
                Align::Left => format!("{cell}{space}"),
                Align::Right => format!("{space}{cell}"),
            }
        });
        out.push_str(padded.collect::<Vec<_>>().join("   ").trim_end());
        out.push('\n');
    }
    out
}
