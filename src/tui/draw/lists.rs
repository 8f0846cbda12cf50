//! The list of operations, and how steps are marked.

use ratatui::layout::Rect;

use super::super::layer::Cursor;
use super::super::layout::inside;
use super::super::spots::Spot;
use super::super::theme::Meaning;
use super::Pen;
use crate::model::Key;
use crate::session::Desk;
use crate::text;
use crate::view::{Level, StepState};

pub(super) fn operations(pen: &mut Pen, desk: &Desk, cursor: &Cursor, area: Rect) {
    let count = format!(" {}", desk.operations.len());
    let unseen = desk.colleagues_unseen.as_ref();
    let unseen = unseen.map(|why| format!("  colleagues' are not seen: {}", text::sanitize(why))).unwrap_or_default();
    let title = [("Operations", Meaning::Accent), (&*count, Meaning::Muted), (&*unseen, Level::Unknown.into())];
    pen.frame(area, &title, &[], true);
    let inner = inside(area);
    if desk.operations.is_empty() {
        let text = "No operation yet.";
        pen.put(inner.x + 2, inner.y + inner.height / 3, inner.right(), text, Meaning::Muted);
    }
    let lines = (inner.y + 1..inner.bottom()).zip(cursor.top..);
    for ((y, place), operation) in lines.zip(desk.operations.iter().skip(cursor.top)) {
        let line = Rect { x: inner.x + 1, y, width: inner.width.saturating_sub(2), height: 1 };
        pen.note(Rect { y, height: 1, ..inner }, Spot::Listed(Key::Operation(operation.id.clone())));
        if place == cursor.place {
            pen.fill(Rect { y, height: 1, ..inner }, Meaning::Selection);
        }
        let ground = if place == cursor.place { Meaning::Selection } else { Meaning::Text };
        super::operation_line(&mut pen.on(ground), desk, operation, line);
    }
}

/// How a step is marked.
pub(in crate::tui) fn step_mark(state: StepState) -> (String, Meaning) {
    let meaning = match state {
        StepState::Ahead => Meaning::Muted,
        StepState::Running => Meaning::Accent,
        StepState::Done | StepState::Failed | StepState::Unknown => state.level().into(),
    };
    (format!("{} {:<15}", state.glyph(), state.word()), meaning)
}
