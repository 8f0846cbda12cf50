//! A timeline: the axis, the lanes below it, and below these in words what lies at the cursor and what the marks mean.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::layout::Rect;

use super::super::action::ActionId;
use super::super::keymap::Keymap;
use super::super::layout::inside;
use super::super::spots::Spot;
use super::super::theme::Meaning;
use super::super::timeline::{ABOUT, AXIS, TimelineLayer, cells, names, rows};
use super::{Pen, tree};
use crate::session::Desk;
use crate::text;
use crate::view::{Lane, Level, TimeCell, Whose, Window};

/// What the marks mean, the most important first.
const LEGEND: [&str; 2] = [
    "─ good  ╌ gap, late, tainted  ═ breached, expired, exposed  ░ not known  ┊ now",
    "✓ good   ✗ bad   ▲ warning   ? unknown   ◇ other; a digit counts marks of one cell",
];

pub(super) fn draw(pen: &mut Pen, keymap: &Keymap, desk: &Desk, layer: &TimelineLayer, area: Rect) {
    let whose = match &layer.whose {
        Whose::Object(key) => tree::named(desk, key).unwrap_or_else(|| "gone".to_owned()),
        Whose::Worst(None) => "the worst of everything".to_owned(),
        Whose::Worst(Some(namespace)) => format!("the worst of namespace {}", text::sanitize(namespace)),
        Whose::Certificates(None) => "certificates that end or are to be renewed within 90 days".to_owned(),
        Whose::Certificates(Some(namespace)) => {
            format!(
                "certificates of namespace {} that end or are to be renewed within 90 days",
                text::sanitize(namespace)
            )
        }
    };
    let window = layer.window(desk.now, cells(area));
    let hidden = layer.chart.lanes.len().saturating_sub(layer.cursor.top + rows(area));
    let more = if hidden > 0 { format!("{} below, ", text::plural(hidden, "lane", "lanes")) } else { String::new() };
    let scale = format!("{more}{} a cell, UTC", text::age(window.cell()));
    pen.frame(area, &[("Timeline: ", Meaning::Muted), (&whose, Meaning::Accent)], &[(&scale, Meaning::Muted)], true);
    let inner = inside(area);
    if layer.chart.lanes.is_empty() {
        let text =
            format!("There is nothing to show over time, or no longer. {} goes back.", keymap.way(ActionId::Back));
        pen.put(inner.x + 2, inner.y + inner.height / 3, inner.right(), &text, Meaning::Muted);
        return;
    }
    let left = inner.x + names(area);
    let now = window.find(desk.now);
    let at = window.find(layer.at(desk.now));
    let strip = Rect { x: left, width: inner.right().saturating_sub(left), ..inner };
    axis(pen, &window, strip, (now, at));
    let height = u16::try_from(rows(area)).unwrap_or(u16::MAX);
    for (y, (place, lane)) in
        (inner.y + AXIS..).zip(layer.chart.lanes.iter().enumerate().skip(layer.cursor.top)).take(height.into())
    {
        pen.note(Rect { y, height: 1, ..inner }, Spot::Listed(lane.key.clone()));
        let selected = place == layer.cursor.place;
        name(pen, lane, Rect { y, height: 1, width: left - inner.x, ..inner }, selected);
        draw_lane(pen, &window, lane, Rect { y, height: 1, ..strip }, now);
        if let Some(x) = at.and_then(|at| column(strip, at)) {
            pen.fill(
                Rect { x, y, width: 1, height: 1 },
                if selected { Meaning::Selection } else { Meaning::SelectionIdle },
            );
        }
    }
    let about = ABOUT.min(inner.height / 2);
    let below = Rect { y: inner.bottom() - about, height: about, ..inner };
    say(pen, desk, layer, &window, below);
}

fn column(strip: Rect, place: usize) -> Option<u16> {
    let x = strip.x.checked_add(u16::try_from(place).ok()?)?;
    (x < strip.right()).then_some(x)
}

/// Labels above a ruler; the ruler shows the present and the cursor.
fn axis(pen: &mut Pen, window: &Window, strip: Rect, (now, at): (Option<usize>, Option<usize>)) {
    let mut ruler = vec!['─'; window.width()];
    for tick in window.ticks() {
        if let Some(x) = column(strip, tick.cell) {
            pen.put(x, strip.y, strip.right(), &tick.label, Meaning::Muted);
        }
        ruler[tick.cell] = '┴';
    }
    let ruler: String = ruler.into_iter().collect();
    pen.put(strip.x, strip.y + 1, strip.right(), &ruler, Meaning::Muted);
    for (place, glyph, meaning) in [(now, "┊", Meaning::Title), (at, "▼", Meaning::Accent)] {
        if let Some(x) = place.and_then(|place| column(strip, place)) {
            pen.put(x, strip.y + 1, strip.right(), glyph, meaning);
        }
    }
}

fn name(pen: &mut Pen, lane: &Lane, area: Rect, selected: bool) {
    let ground = if selected { Meaning::Selection } else { Meaning::Text };
    if selected {
        pen.fill(Rect { width: area.width.saturating_sub(1), ..area }, ground);
    }
    let mut pen = pen.on(ground);
    let end = area.right().saturating_sub(1);
    let x = pen.put(area.x, area.y, end, if selected { "▌" } else { " " }, Meaning::Accent);
    let x = pen.put(x, area.y, end, &format!("{} ", lane.level.glyph()), lane.level);
    pen.put(x, area.y, end, &text::sanitize(&lane.name), ground);
}

fn draw_lane(pen: &mut Pen, window: &Window, lane: &Lane, strip: Rect, now: Option<usize>) {
    let cells = window.cells(lane);
    let empty = cells.iter().all(|cell| *cell == TimeCell::Empty);
    if let (Some((level, note)), true) = (&lane.note, empty) {
        pen.put(strip.x + 1, strip.y, strip.right(), &text::sanitize(note), *level);
        return;
    }
    for (place, cell) in cells.iter().enumerate() {
        let Some(x) = column(strip, place) else { break };
        let before = place.checked_sub(1).and_then(|before| cells.get(before));
        let counted = match before {
            Some(TimeCell::Marks(count @ 2.., level)) => Some((count.min(&9).to_string(), *level)),
            _ => None,
        };
        let (glyph, meaning) = match (cell, counted) {
            (TimeCell::Marks(_, level), _) => (mark(*level).to_owned(), Meaning::from(*level)),
            // What one cell holds more of is counted in the next, where that is free.
            (_, Some((count, level))) => (count, level.into()),
            (TimeCell::Span(level), None) => (span(*level).to_owned(), Meaning::from(*level)),
            (TimeCell::Empty, None) if Some(place) == now => ("┊".to_owned(), Meaning::Muted),
            (TimeCell::Empty, None) => continue,
        };
        pen.put(x, strip.y, strip.right(), &glyph, meaning);
    }
}

fn mark(level: Level) -> &'static str {
    if level == Level::Info { "◇" } else { level.glyph() }
}

pub(super) fn span(level: Level) -> &'static str {
    match level {
        Level::Ok => "─",
        Level::Info => "·",
        Level::Stale => "~",
        Level::Warn => "╌",
        Level::Unknown => "░",
        Level::Critical => "═",
    }
}

/// What lies in the cell of the cursor, and what the marks mean.
fn say(pen: &mut Pen, desk: &Desk, layer: &TimelineLayer, window: &Window, area: Rect) {
    if area.height < 2 {
        return;
    }
    let rule = "─".repeat(area.width.into());
    pen.put(area.x, area.y, area.right(), &rule, Meaning::Border);
    let Some(place) = window.find(layer.at(desk.now)) else { return };
    let legend = if area.height >= 6 { 2 } else { 1 };
    let end = area.bottom() - legend;
    for (y, text) in (end..area.bottom()).zip(LEGEND) {
        pen.put(area.x + 1, y, area.right(), text, Meaning::Muted);
    }
    let x = pen.put(area.x + 1, area.y + 1, area.right(), &between(window, place), Meaning::Accent);
    pen.put(x, area.y + 1, area.right(), &format!(", {}", away(layer.at(desk.now), desk.now)), Meaning::Muted);
    let lines = lies(layer, window, place);
    if lines.is_empty() && area.y + 2 < end {
        pen.put(area.x + 1, area.y + 2, area.right(), "Nothing is known to lie here.", Meaning::Muted);
    }
    for (y, (level, text)) in (area.y + 2..end).zip(lines) {
        let x = pen.put(area.x + 1, y, area.right(), &format!("{} ", level.glyph()), level);
        pen.put(x, y, area.right(), &text::sanitize(&text), level);
    }
}

/// What lies in a cell: on the cursor's lane, what is wrong with that one now, then marks of other lanes. Their spans
/// only where all lanes are of one object.
fn lies(layer: &TimelineLayer, window: &Window, place: usize) -> Vec<(Level, String)> {
    let Some(own) = layer.lane() else { return Vec::new() };
    let others = || layer.chart.lanes.iter().filter(|lane| lane.key != own.key);
    let of = |lane: &Lane, (level, text): (Level, String)| (level, format!("{text} ({})", lane.name));
    let mut lines = marks(window, own, place);
    lines.extend(spans(window, own, place));
    lines.extend(own.note.iter().map(|(level, note)| (*level, note.to_string())));
    lines.extend(others().flat_map(|lane| marks(window, lane, place).into_iter().map(|line| of(lane, line))));
    if matches!(layer.whose, Whose::Object(_)) {
        lines.extend(others().flat_map(|lane| spans(window, lane, place).into_iter().map(|line| of(lane, line))));
    }
    lines
}

fn marks(window: &Window, lane: &Lane, place: usize) -> Vec<(Level, String)> {
    let clock = |at: Timestamp| at.to_zoned(TimeZone::UTC).strftime("%H:%M").to_string();
    let marks = window.marks(lane, place).into_iter();
    marks.map(|mark| (mark.level, format!("{} {}", clock(mark.at), mark.what))).collect()
}

fn spans(window: &Window, lane: &Lane, place: usize) -> Vec<(Level, String)> {
    window.spans(lane, place).into_iter().map(|span| (span.level, span.what.to_string())).collect()
}

/// The time of a cell.
fn between(window: &Window, place: usize) -> String {
    let (from, to) = (window.moment(place), window.moment(place + 1));
    let (from, to) = (from.to_zoned(TimeZone::UTC), to.to_zoned(TimeZone::UTC));
    let end = if from.date() == to.date() { "%H:%M" } else { "%Y-%m-%d %H:%M" };
    let seconds = window.cell().as_secs() < 60;
    let (start, end) = if seconds { ("%Y-%m-%d %H:%M:%S", "%H:%M:%S") } else { ("%Y-%m-%d %H:%M", end) };
    format!("{} to {} UTC", from.strftime(start), to.strftime(end))
}

fn away(moment: Timestamp, now: Timestamp) -> String {
    let span = moment.duration_since(now);
    match span.as_secs() {
        0 => "now".to_owned(),
        ..0 => format!("{} ago", text::age(span.abs())),
        _ => format!("in {}", text::age(span)),
    }
}
