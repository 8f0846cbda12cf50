//! One object in full: what is known of it on the left, what it is linked to on the right; one above the other
//! where it is narrow.

use ratatui::layout::Rect;

use super::super::action::ActionId;
use super::super::keymap::Keymap;
use super::super::layer::DetailLayer;
use super::super::layout::{inside, top};
use super::super::pages::wrap;
use super::super::spots::Spot;
use super::super::theme::Meaning;
use super::gauge::gauge;
use super::sparkline::sparkline;
use super::{Pen, exposed};
use crate::session::Desk;
use crate::text;
use crate::view::{Detail, Exposed, Fill, Level};

/// Narrower than this, links stand below the facts.
const SIDE_BY_SIDE: u16 = 100;
/// Columns of labels.
pub(super) const LABEL: u16 = 16;

pub(super) fn draw(pen: &mut Pen, keymap: &Keymap, desk: &Desk, layer: &DetailLayer, area: Rect) {
    let Some(sheet) = &layer.sheet else {
        pen.frame(area, &[("Gone", Meaning::Danger)], &[], true);
        let inner = inside(area);
        let text = format!("This object is no longer there. {} goes back.", keymap.way(ActionId::Back));
        pen.put(inner.x + 2, inner.y + inner.height / 3, inner.right(), &text, Meaning::Muted);
        return;
    };
    let (facts, links) = if area.width >= SIDE_BY_SIDE {
        let left = area.width.div_ceil(2);
        (Rect { width: left, ..area }, Rect { x: area.x + left, width: area.width - left, ..area })
    } else {
        let wanted = u16::try_from(sheet.links.len()).unwrap_or(u16::MAX).saturating_add(2);
        // A picture needs more lines at once than words do.
        let share = if sheet.exposed.is_some() { 3 } else { 2 };
        top(area, area.height - wanted.clamp(3, (area.height / share).max(3)).min(area.height))
    };
    draw_facts(pen, keymap, desk, layer, sheet, facts);
    draw_links(pen, keymap, layer, sheet, links);
}

fn draw_facts(pen: &mut Pen, keymap: &Keymap, desk: &Desk, layer: &DetailLayer, sheet: &Detail, area: Rect) {
    let title = text::sanitize(&sheet.title).into_owned();
    let state = sheet.state.map(|(level, word)| (format!("{} {word}", level.glyph()), level));
    let right: Vec<_> = state.iter().map(|(word, level)| (word.as_str(), Meaning::from(*level))).collect();
    pen.frame(area, &[(&title, Meaning::Accent)], &right, true);
    let inner = inside(area);
    let lines = lines(desk, sheet, inner.width.saturating_sub(2));
    let below = lines.len().saturating_sub(layer.scroll + usize::from(inner.height));
    for (y, line) in (inner.y..inner.bottom()).zip(lines.iter().skip(layer.scroll)) {
        let mut x = inner.x + 1;
        for (text, meaning) in line {
            x = pen.put(x, y, inner.right(), text, *meaning);
        }
    }
    if below > 0 && area.height > 1 {
        let key = keymap.key(&[ActionId::HalfDown, ActionId::PageDown]);
        let more = format!(" {below} more{} ", key.map(|key| format!(", {key}")).unwrap_or_default());
        pen.put_right(area.x, area.bottom() - 1, area.right().saturating_sub(2), &more, Meaning::Muted);
    }
}

pub(super) type Line = Vec<(String, Meaning)>;

fn lines(desk: &Desk, sheet: &Detail, width: u16) -> Vec<Line> {
    let mut lines = Vec::new();
    let wide = usize::from(width);
    let level = sheet.state.map_or(Level::Info, |(level, _)| level);
    for reason in &sheet.reasons {
        lines.extend(wrap(&text::sanitize(reason), wide).into_iter().map(|piece| vec![(piece, level.into())]));
    }
    if let Some(next) = &sheet.next {
        let next = format!("→ {}", text::sanitize(next));
        lines.extend(wrap(&next, wide).into_iter().map(|piece| vec![(piece, Meaning::Accent)]));
    }
    if !lines.is_empty() {
        lines.push(Line::new());
    }
    if let Some(fill) = &sheet.fill {
        lines.extend(filled(fill, width));
    }
    if let Some(picture) = &sheet.exposed {
        lines.extend(exposed::lines(picture, desk.now, width));
    }
    let mut last = "";
    for fact in &sheet.facts {
        let value = fact.value.print(desk.now);
        let meaning = fact.value.level().map_or(Meaning::Text, Meaning::from);
        for (i, piece) in wrap(&value, wide.saturating_sub(LABEL.into())).into_iter().enumerate() {
            let label = if i == 0 && fact.label != last { fact.label } else { "" };
            lines.push(vec![
                (format!("{label:<width$}", width = usize::from(LABEL)), Meaning::Heading),
                (piece, meaning),
            ]);
        }
        last = fact.label;
    }
    if let Some(uid) = &sheet.uid {
        let label = format!("{:<width$}", "UID", width = usize::from(LABEL));
        lines.push(vec![(label, Meaning::Heading), (text::sanitize(uid.as_str()).into_owned(), Meaning::Muted)]);
    }
    blocks(sheet, wide, &mut lines);
    conditions(sheet, wide, &mut lines);
    events(desk, sheet, wide, &mut lines);
    lines
}

/// How full a volume is, as a gauge, and how full it was, as a sparkline; both say in words what they show.
fn filled(fill: &Fill, width: u16) -> Vec<Line> {
    // The words beside the picture are about as long as this.
    let room = width.saturating_sub(LABEL + 24).clamp(10, 32);
    let label = |text: &str| (format!("{text:<wide$}", wide = usize::from(LABEL)), Meaning::Heading);
    let mut lines =
        vec![std::iter::once(label("Fill")).chain(gauge(fill.percent, fill.level, fill.word, room)).collect()];
    if let [(from, least), .., (to, most)] = fill.history.as_slice() {
        let over = text::age(to.duration_since(*from));
        let words = format!(" {} to {} in {over}", text::bytes(*least), text::bytes(*most));
        let line = sparkline(&fill.history, room);
        lines.push(vec![label("History"), (line, Meaning::Info), (words, Meaning::Text)]);
    }
    lines
}

/// Texts of several lines, such as code.
fn blocks(sheet: &Detail, wide: usize, lines: &mut Vec<Line>) {
    for block in &sheet.blocks {
        lines.extend([Line::new(), vec![(text::sanitize(&block.title).into_owned(), Meaning::Heading)]]);
        for (level, line) in &block.lines {
            let line = text::sanitize(line);
            let pieces = text::fold(&line, wide.max(8)).into_iter();
            lines.extend(pieces.map(|piece| vec![(piece.to_owned(), Meaning::from(*level))]));
        }
    }
}

fn conditions(sheet: &Detail, wide: usize, lines: &mut Vec<Line>) {
    if sheet.conditions.is_empty() {
        return;
    }
    lines.extend([Line::new(), vec![("CONDITIONS".to_owned(), Meaning::Heading)]]);
    for condition in &sheet.conditions {
        let text = format!("{}={} {}: {}", condition.kind, condition.status, condition.reason, condition.message);
        let meaning = if &*condition.status == "True" { Meaning::Text } else { Meaning::Warn };
        lines.extend(wrap(&text::sanitize(&text), wide).into_iter().map(|piece| vec![(piece, meaning)]));
    }
}

fn events(desk: &Desk, sheet: &Detail, wide: usize, lines: &mut Vec<Line>) {
    if sheet.events.is_empty() {
        return;
    }
    lines.extend([Line::new(), vec![("EVENTS".to_owned(), Meaning::Heading)]]);
    for event in &sheet.events {
        let age = event.last.map_or_else(|| "?".to_owned(), |at| text::age(desk.now.duration_since(at)));
        let times = if event.count > 1 { format!(" x{}", event.count) } else { String::new() };
        let level = if event.warning { Level::Warn } else { Level::Info };
        let meaning = if event.warning { Meaning::Warn } else { Meaning::Text };
        let text = format!("{age:>4}{times} {} {}: {}", level.glyph(), event.reason, event.message);
        lines.extend(wrap(&text::sanitize(&text), wide).into_iter().map(|piece| vec![(piece, meaning)]));
    }
}

/// About how many lines the picture of its copies has.
fn picture(sheet: &Detail) -> usize {
    let lines = |picture: &Exposed| 2 * picture.facts.len() + 3 * picture.exposures.len() + picture.cuts.len() + 8;
    sheet.exposed.as_deref().map_or(0, lines)
}

/// About how many lines of texts there are.
fn written(sheet: &Detail) -> usize {
    sheet.blocks.iter().map(|block| block.lines.len() + 2).sum()
}

/// About how many lines of facts there are, for scrolling.
pub(in crate::tui) fn fact_lines(layer: &DetailLayer) -> usize {
    let sheet = layer.sheet.as_ref();
    sheet.map_or(0, |sheet| {
        sheet.facts.len()
            + picture(sheet)
            + sheet.reasons.len()
            + sheet.conditions.len()
            + sheet.events.len()
            + written(sheet)
            + 8
    })
}

fn draw_links(pen: &mut Pen, keymap: &Keymap, layer: &DetailLayer, sheet: &Detail, area: Rect) {
    let count = format!(" {}", sheet.links.len());
    let opens = format!("{} opens", keymap.way(ActionId::Open));
    pen.frame(area, &[("Linked", Meaning::Title), (&count, Meaning::Muted)], &[(&opens, Meaning::Muted)], false);
    pen.note(area, Spot::Links);
    let inner = inside(area);
    let height = usize::from(inner.height).max(1);
    let here = sheet.namespace.as_ref().map_or_else(|| "\0".to_owned(), |namespace| format!(" {namespace}/"));
    let first = (layer.link + 1).saturating_sub(height);
    let visible = sheet.links.iter().enumerate().skip(first);
    for (y, (place, link)) in (inner.y..inner.bottom()).zip(visible) {
        if let Some(key) = &link.key {
            pen.note(Rect { y, height: 1, ..inner }, Spot::Link(key.clone()));
        }
        let selected = place == layer.link;
        let ground = if selected { Meaning::Selection } else { Meaning::Text };
        if selected {
            pen.fill(Rect { y, height: 1, ..inner }, ground);
        }
        let mut pen = pen.on(ground);
        let glyph = link.level.map_or(" ", Level::glyph);
        let meaning = link.level.map_or(Meaning::Muted, Meaning::from);
        let x = pen.put(inner.x, y, inner.right(), if selected { "▌" } else { " " }, Meaning::Accent);
        let x = pen.put(x, y, inner.right(), &format!("{glyph} "), meaning);
        pen.put(x, y, inner.x + 15, link.relation, if selected { ground } else { Meaning::Muted });
        let label = text::sanitize(&link.label);
        // What is of the same namespace need not say so again.
        let label = label.replace(&here, " ");
        pen.put(inner.x + 16, y, inner.right(), &label, if link.key.is_some() { ground } else { Meaning::Muted });
    }
}
