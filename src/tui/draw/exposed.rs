//! How far the copies of a volume can be trusted, as lines of a sheet: an axis, the copies as marks, each finding as a
//! bar, and in words what the marks are.

use jiff::Timestamp;

use super::super::pages::wrap;
use super::super::theme::Meaning;
use super::sheet::{LABEL, Line};
use crate::text;
use crate::view::{Cut, Exposed, Exposure, Lane, Level, TimeCell, Window};

/// What the bars mean.
const LEGEND: &str = "─ clean  ═ exposed  ╌ may be tainted  ░ not known  ┊ now";

pub(super) fn lines(exposed: &Exposed, now: Timestamp, width: u16) -> Vec<Line> {
    let wide = usize::from(width);
    let window = exposed.window(now, wide.saturating_sub(usize::from(LABEL)).max(8));
    let (level, word) = exposed.state;
    let mut lines = vec![vec![head("TRUST"), (format!("{} {word}", level.glyph()), level.into())]];
    for fact in &exposed.facts {
        let meaning = fact.value.level().map_or(Meaning::Text, Meaning::from);
        lines.extend(labelled(fact.label, &fact.value.print(now), meaning, wide));
    }
    lines.extend(axis(&window, now));
    lines.push(lane(&exposed.copies, &window, now, false));
    for one in &exposed.exposures {
        lines.push(lane(&one.lane, &window, now, one.runs));
        lines.extend(labelled("", &text::sanitize(&one.said), meaning(one), wide));
    }
    if exposed.more_exposures > 0 {
        let more = text::plural(exposed.more_exposures, "finding more", "findings more");
        lines.extend(labelled("", &format!("and {more} of concern"), Meaning::Muted, wide));
    }
    lines.extend(labelled("", LEGEND, Meaning::Muted, wide));
    lines.extend(exposed.cuts.iter().enumerate().flat_map(|(place, cut)| listed(cut, place == 0, now, wide)));
    if exposed.more_cuts > 0 {
        let more = text::plural(exposed.more_cuts, "older copy", "older copies");
        lines.extend(labelled("", &format!("and {more}"), Meaning::Muted, wide));
    }
    lines.push(Line::new());
    lines
}

fn meaning(exposure: &Exposure) -> Meaning {
    if exposure.runs { Meaning::Danger } else { Meaning::Text }
}

fn head(text: &str) -> (String, Meaning) {
    let wide = usize::from(LABEL);
    (format!("{:<wide$}", text::truncate(text, wide - 1)), Meaning::Heading)
}

fn labelled(label: &str, said: &str, meaning: Meaning, wide: usize) -> Vec<Line> {
    let pieces = wrap(said, wide.saturating_sub(LABEL.into()));
    let line = |(place, piece)| vec![head(if place == 0 { label } else { "" }), (piece, meaning)];
    pieces.into_iter().enumerate().map(line).collect()
}

/// Labels above a ruler that shows the present.
fn axis(window: &Window, now: Timestamp) -> [Line; 2] {
    let mut labels = String::new();
    let mut ruler = vec!['─'; window.width()];
    for tick in window.ticks() {
        let room = window.width().saturating_sub(tick.cell);
        if text::width(&labels) <= tick.cell && text::width(&tick.label) <= room {
            let gap = tick.cell - text::width(&labels);
            labels.push_str(&" ".repeat(gap));
            labels.push_str(&tick.label);
        }
        ruler[tick.cell] = '┴';
    }
    if let Some(cell) = window.find(now) {
        ruler[cell] = '┊';
    }
    [vec![head("UTC"), (labels, Meaning::Muted)], vec![head(""), (ruler.into_iter().collect(), Meaning::Muted)]]
}

/// A lane, in cells; what runs now goes on beyond them.
fn lane(lane: &Lane, window: &Window, now: Timestamp, runs: bool) -> Line {
    let name = format!("{} {}", lane.level.glyph(), text::sanitize(&lane.name));
    let wide = usize::from(LABEL);
    let mut line = vec![(format!("{:<wide$}", text::truncate(&name, wide - 1)), Meaning::from(lane.level))];
    if let Some((level, note)) = &lane.note {
        line.push((text::sanitize(note).into_owned(), (*level).into()));
        return line;
    }
    let present = window.find(now);
    for (place, cell) in window.cells(lane).iter().enumerate() {
        let (glyph, meaning) = match cell {
            TimeCell::Marks(_, Level::Info) => ("◇", Meaning::Info),
            TimeCell::Marks(_, level) => (level.glyph(), (*level).into()),
            TimeCell::Span(level) => (super::timeline::span(*level), (*level).into()),
            TimeCell::Empty if runs && present.is_some_and(|now| place == now + 1) => ("►", Meaning::Danger),
            TimeCell::Empty if Some(place) == present => ("┊", Meaning::Muted),
            TimeCell::Empty => (" ", Meaning::Text),
        };
        match line.last_mut().filter(|(_, last)| *last == meaning) {
            Some((text, _)) if place > 0 => text.push_str(glyph),
            _ => line.push((glyph.to_owned(), meaning)),
        }
    }
    line
}

/// A copy in words.
fn listed(cut: &Cut, first: bool, now: Timestamp, wide: usize) -> Vec<Line> {
    let age = text::age(now.duration_since(cut.at));
    let best = if cut.recommended { " ◄ restore" } else { "" };
    let said = format!("{} {:<14} {age:>4}  {}{best}", cut.level.glyph(), cut.word, text::sanitize(&cut.name));
    labelled(if first { "Copies" } else { "" }, &said, cut.level.into(), wide)
}
