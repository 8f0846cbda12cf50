//! Toasts: what was said a short while ago, in a small frame at the lower right. Dialogs are drawn over it.

use ratatui::layout::Rect;

use super::super::App;
use super::super::action::ActionId;
use super::super::layer::Layer;
use super::super::layout::inside;
use super::super::pages::wrap;
use super::super::spots::Spot;
use super::super::theme::Meaning;
use super::Pen;
use crate::session::Desk;
use crate::text;
use crate::view::Notice;

/// Toasts at once.
const MOST: usize = 4;
/// Lines of one toast; the list of notices has the whole text.
const LINES: usize = 2;
/// Columns of the frame.
const WIDTH: u16 = 62;

pub(super) fn draw(pen: &mut Pen, app: &App, desk: &Desk, body: Rect) {
    let recent: Vec<&Notice> = desk.notices.recent(desk.now).collect();
    // Where all of them are listed they need not be said twice; a list that is typed into lies in the same place.
    let elsewhere = matches!(app.layers.last(), Some(Layer::Notices(_) | Layer::Palette(..) | Layer::Pick(_)));
    if recent.is_empty() || elsewhere || body.height < 6 || body.width < 30 {
        return;
    }
    let width = WIDTH.min(body.width.saturating_sub(4));
    let room = usize::from(width.saturating_sub(6));
    let worst = recent.iter().map(|notice| notice.level).max();
    let shown: Vec<_> = recent.iter().take(MOST).rev().map(|notice| (notice.level, lines(notice, room))).collect();
    let height = shown.iter().map(|(_, lines)| lines.len()).sum::<usize>() + 2;
    let height = u16::try_from(height).unwrap_or(u16::MAX).min(body.height - 2);
    let area = Rect { x: body.right() - width - 2, y: body.bottom() - height - 1, width, height };
    let list = app.keymap.way(ActionId::Notices);
    let more = match recent.len().saturating_sub(MOST) {
        0 => format!("{list} lists"),
        more => format!("{more} more, {list} lists"),
    };
    let meaning = worst.map_or(Meaning::Border, Meaning::from);
    pen.frame_in(area, &[], &[(&more, Meaning::Muted)], meaning);
    pen.note(area, Spot::Hint(ActionId::Notices));
    let inner = inside(area);
    let rows = shown.iter().flat_map(|(level, lines)| lines.iter().enumerate().map(move |(i, line)| (level, i, line)));
    for (y, (level, i, line)) in (inner.y..inner.bottom()).zip(rows) {
        if i == 0 {
            pen.put(inner.x + 1, y, inner.right(), level.glyph(), *level);
        }
        pen.put(inner.x + 3, y, inner.right(), line, *level);
    }
}

/// A notice in at most two lines, its count at the end.
fn lines(notice: &Notice, room: usize) -> Vec<String> {
    let count = if notice.count > 1 { format!(" x{}", notice.count) } else { String::new() };
    let mut lines = wrap(&notice.text, room);
    if lines.len() > LINES {
        let rest = lines.split_off(LINES - 1).join(" ");
        lines.push(text::truncate(&rest, room.saturating_sub(count.len())).into_owned());
    }
    match lines.last_mut() {
        Some(last) if text::width(last) + count.len() <= room => last.push_str(&count),
        _ => lines.push(count.trim_start().to_owned()),
    }
    lines
}
