//! What a tool wrote, cut so that it can be drawn: code, ways through it, places, fixes, names and values.
//!
//! Whoever draws it makes control and direction characters visible; here only its amount is bounded.

use crate::sarif::{self, Step};
use crate::text;
use crate::view::Level;
use crate::view::detail::Block;

/// Columns of one line.
const COLUMNS: usize = 400;
/// Lines of one text.
const LINES: usize = 60;
/// Steps of one way, places of one list.
const STEPS: usize = 60;
/// Ways through the code, and fixes.
const WAYS: usize = 5;
/// How deep calls are indented.
const DEEP: u32 = 8;

/// A text on one line, cut.
pub(super) fn one_line(written: &str) -> String {
    // What is far beyond the cut need not be looked at.
    let head: String = written.chars().take(4 * COLUMNS).collect();
    let joined = head.split_whitespace().collect::<Vec<_>>().join(" ");
    text::truncate(&joined, COLUMNS).into_owned()
}

/// Everything that is more than a line.
pub(super) fn blocks(full: &sarif::Detail) -> Vec<Block> {
    let mut blocks: Vec<Block> = full.snippet.iter().map(|code| block("CODE", lines(code))).collect();
    for (place, flow) in full.flows.iter().take(WAYS).enumerate() {
        let title = match full.flows.len() {
            1 => "WAY THROUGH THE CODE".to_owned(),
            of => format!("WAY THROUGH THE CODE, {} OF {of}", place + 1),
        };
        blocks.push(block(&title, steps(flow, true)));
    }
    let lists = [("OTHER PLACES", &full.locations), ("RELATED PLACES", &full.related)];
    blocks.extend(
        lists.into_iter().filter(|(_, list)| !list.is_empty()).map(|(title, list)| block(title, steps(list, false))),
    );
    blocks.extend(full.fixes.iter().take(WAYS).map(|fix| block("FIX", lines(fix))));
    if !full.properties.is_empty() {
        let all = full.properties.iter().map(|(name, value)| format!("{}: {}", one_line(name), one_line(value)));
        blocks.push(block("PROPERTIES", bounded(all, full.properties.len())));
    }
    blocks
}

fn block(title: &str, lines: Vec<String>) -> Block {
    let lines = lines.into_iter().map(|line| (Level::Info, line.into())).collect();
    Block { title: title.into(), lines }
}

/// The lines of a text, each cut; tabs as spaces.
fn lines(written: &str) -> Vec<String> {
    let count = written.lines().count();
    let line = |line: &str| {
        let head: String = line.chars().take(4 * COLUMNS).collect();
        text::truncate(&head.replace('\t', "    "), COLUMNS).into_owned()
    };
    let mut shown: Vec<String> = written.lines().take(LINES).map(line).collect();
    if count > LINES {
        shown.push(format!("and {}", text::plural(count - LINES, "line more", "lines more")));
    }
    shown
}

/// Places, numbered where they follow each other.
fn steps(steps: &[Step], numbered: bool) -> Vec<String> {
    let said = steps.iter().enumerate().map(|(place, step)| {
        let number = if numbered { format!("{:>3} ", place + 1) } else { String::new() };
        let indent = " ".repeat(2 * step.depth.min(DEEP) as usize);
        let message = step.message.as_deref().map(|said| format!("  {}", one_line(said))).unwrap_or_default();
        format!("{number}{indent}{}{message}", one_line(&step.place))
    });
    bounded(said, steps.len())
}

fn bounded(all: impl Iterator<Item = String>, count: usize) -> Vec<String> {
    let mut shown: Vec<String> = all.take(STEPS).collect();
    if count > STEPS {
        shown.push(format!("and {} more", count - STEPS));
    }
    shown
}
