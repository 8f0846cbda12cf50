//! The heading of a group of findings: what they have in common, how many count by band, and how that went over time.

use ratatui::layout::Rect;

use super::Pen;
use super::pane::Look;
use super::sparkline::sparkline;
use crate::model::Band;
use crate::session::Desk;
use crate::text;
use crate::tui::theme::Meaning;
use crate::view::{FindingList, Group, level_of_band, trend};

/// Columns of the trend.
const TREND: u16 = 12;

pub(super) fn draw(pen: &mut Pen, desk: &Desk, group: &Group<'_>, line: Rect, look: Look) {
    let mut pen = look.begin(pen, line);
    let counts = counts(group);
    let room = counts.iter().map(|(text, _)| text::width(text) + 1).sum::<usize>() + usize::from(TREND) + 1;
    let trend = sparkline(&trend(desk.boards.findings(), group.rows.iter().copied(), desk.now), TREND);
    let fold = if group.unfolded { "▾ " } else { "▸ " };
    let mut x = pen.put(line.x + 1, line.y, line.right(), fold, Meaning::Accent);
    // What they have in common gives way first, but not all of it: without it the numbers say nothing.
    let end = line.right().saturating_sub(u16::try_from(room).unwrap_or(u16::MAX)).max(x + line.width / 3);
    x = pen.put(x, line.y, end, &text::sanitize(group.label), look.ground());
    for (text, meaning) in &counts {
        x = pen.put(x + 1, line.y, line.right(), text, *meaning);
    }
    if x + 1 + TREND <= line.right() {
        pen.put_right(x + 1, line.y, line.right(), &trend, Meaning::Muted);
    }
}

/// What findings are put together by, and how many of those that pass were open when.
pub(super) fn title(desk: &Desk, list: &FindingList) -> (String, String) {
    let group = list.group().map(|by| format!("by {}", by.word())).unwrap_or_default();
    (group, sparkline(&trend(desk.boards.findings(), list.rows(), desk.now), TREND))
}

/// How many count, the worst first, and how many do not.
fn counts(group: &Group<'_>) -> Vec<(String, Meaning)> {
    let open = Band::ALL.iter().zip(group.open).filter(|(_, count)| *count > 0);
    let said = open.map(|(band, count)| {
        let level = level_of_band(*band);
        (format!("{}{count} {}", level.glyph(), band.word()), Meaning::from(level))
    });
    let mut counts: Vec<(String, Meaning)> = said.collect();
    if group.closed > 0 {
        counts.push((format!("{} closed", group.closed), Meaning::Muted));
    }
    counts
}
