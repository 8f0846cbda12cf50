//! A tree: what hangs together on the left, how each stands beside it, and all about the line under the cursor below.

use ratatui::layout::Rect;

use super::super::action::ActionId;
use super::super::keymap::Keymap;
use super::super::layout::inside;
use super::super::pages::wrap;
use super::super::spots::Spot;
use super::super::theme::Meaning;
use super::super::tree::{ABOUT, TreeLayer};
use super::Pen;
use crate::model::Key;
use crate::session::Desk;
use crate::text;
use crate::view::TreeLine;

/// Columns of the state's word.
const STATE: u16 = 15;

pub(super) fn draw(pen: &mut Pen, keymap: &Keymap, desk: &Desk, layer: &TreeLayer, area: Rect) {
    let named = named(desk, &layer.key).unwrap_or_else(|| "gone".to_owned());
    let below = layer.lines.len().saturating_sub(layer.cursor.top + super::super::tree::rows(area));
    let more = format!("{below} lines below");
    let right: &[_] = if below > 0 { &[(more.as_str(), Meaning::Muted)] } else { &[] };
    pen.frame(area, &[("Tree: ", Meaning::Muted), (&named, Meaning::Accent)], right, true);
    let inner = inside(area);
    if layer.lines.is_empty() {
        let text = format!("This object is no longer there. {} goes back.", keymap.way(ActionId::Back));
        pen.put(inner.x + 2, inner.y + inner.height / 3, inner.right(), &text, Meaning::Muted);
        return;
    }
    let about = ABOUT.min(inner.height / 3);
    let list = Rect { height: inner.height - about, ..inner };
    let widest = layer.lines.iter().map(|line| text::width(&left(line))).max().unwrap_or(0);
    let names = u16::try_from(widest + 2).unwrap_or(u16::MAX).clamp(20, (inner.width * 11 / 20).max(20));
    for ((y, place), line) in
        (list.y..list.bottom()).zip(layer.cursor.top..).zip(layer.lines.iter().skip(layer.cursor.top))
    {
        let row = Rect { y, height: 1, ..inner };
        pen.note(row, Spot::Listed(line.key.clone()));
        let selected = place == layer.cursor.place;
        if selected {
            pen.fill(row, Meaning::Selection);
        }
        let ground = if selected { Meaning::Selection } else { Meaning::Text };
        draw_line(&mut pen.on(ground), line, row, names, selected);
    }
    if let Some(line) = layer.line() {
        about_line(pen, keymap, desk, line, Rect { y: list.bottom(), height: about, ..inner });
    }
}

/// What stands before the state, but the mark of the cursor.
fn left(line: &TreeLine) -> String {
    let gap = if line.kind.is_empty() { "" } else { " " };
    format!("{}   {}{gap}{}", line.guide, text::sanitize(&line.kind), text::sanitize(&line.name))
}

fn draw_line(pen: &mut Pen, line: &TreeLine, row: Rect, names: u16, selected: bool) {
    let ground = if selected { Meaning::Selection } else { Meaning::Text };
    let quiet = if selected { ground } else { Meaning::Muted };
    let state_at = row.x + names;
    let x = pen.put(row.x, row.y, row.right(), if selected { "▌" } else { " " }, Meaning::Accent);
    let x = pen.put(x, row.y, state_at, &line.guide, quiet);
    let fold = match line.folded {
        Some(true) => "▸",
        Some(false) => "▾",
        None => " ",
    };
    let x = pen.put(x, row.y, state_at, fold, quiet);
    let x = pen.put(x, row.y, state_at, &format!("{} ", line.level.glyph()), line.level);
    let kind = if line.kind.is_empty() { String::new() } else { format!("{} ", text::sanitize(&line.kind)) };
    let x = pen.put(x, row.y, state_at, &kind, quiet);
    pen.put(x, row.y, state_at - 1, &text::sanitize(&line.name), ground);
    let end = pen.put(state_at, row.y, row.right(), &text::sanitize(&line.state), line.level);
    let x = (end + 1).max(state_at + STATE);
    let x = match line.hidden {
        Some((count, worst)) => {
            let lines = text::plural(count, "line", "lines");
            let hidden = format!("{lines} folded, the worst {} {}  ", worst.glyph(), worst.word());
            pen.put(x, row.y, row.right(), &hidden, worst)
        }
        None => x,
    };
    pen.put(x, row.y, row.right(), &text::sanitize(&line.fact), quiet);
}

fn about_line(pen: &mut Pen, keymap: &Keymap, desk: &Desk, line: &TreeLine, area: Rect) {
    if area.height == 0 {
        return;
    }
    let rule = "─".repeat(area.width.into());
    pen.put(area.x, area.y, area.right(), &rule, Meaning::Border);
    let what = line.object.as_ref().and_then(|key| named(desk, key));
    let what = what.unwrap_or_else(|| text::sanitize(&line.name).into_owned());
    let x = pen.put(area.x + 1, area.y + 1, area.right(), &what, Meaning::Accent);
    let state = format!("  {} {}", line.level.glyph(), text::sanitize(&line.state));
    pen.put(x, area.y + 1, area.right(), &state, line.level);
    let why = line.why.as_deref().unwrap_or(&line.fact);
    let open = keymap.way(ActionId::Open);
    let way = || match (&line.object, line.folded) {
        (Some(_), _) => format!("{open} opens it"),
        (None, Some(true)) => format!("{open} shows what is folded here"),
        (None, _) => String::new(),
    };
    let next = line.next.as_deref().map_or_else(way, str::to_owned);
    let lines = [("why   ", why, Meaning::from(line.level)), ("next  ", next.as_str(), Meaning::Text)];
    for (y, (label, said, meaning)) in
        (area.y + 2..area.bottom()).zip(lines.into_iter().filter(|line| !line.1.is_empty()))
    {
        let label = if line.why.is_none() && label.starts_with("why") { "" } else { label };
        let x = pen.put(area.x + 1, y, area.right(), label, Meaning::Heading);
        let meaning = if line.why.is_none() && label.is_empty() { Meaning::Text } else { meaning };
        let room = usize::from(area.right().saturating_sub(x));
        for piece in wrap(&text::sanitize(said), room).into_iter().take(1) {
            pen.put(x, y, area.right(), &piece, meaning);
        }
    }
}

/// Kind, namespace and name of an object, fit to draw.
pub(super) fn named(desk: &Desk, key: &Key) -> Option<String> {
    let (kind, uid) = key.object()?;
    let object = desk.world.inventory.meta(kind, uid)?.reference(kind);
    Some(text::sanitize(&object.to_string()).into_owned())
}
