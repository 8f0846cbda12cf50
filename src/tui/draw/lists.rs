//! The list of problems and the list of operations.

use ratatui::layout::Rect;

use super::super::layer::Cursor;
use super::super::layout::inside;
use super::super::theme::Meaning;
use super::Pen;
use crate::session::Desk;
use crate::text;
use crate::view::{Problem, StepState};

/// Columns of the list of problems: state, subject; the rest is why and what to do.
const STATE: u16 = 16;

pub(super) fn problems(pen: &mut Pen, desk: &Desk, problems: &[Problem], cursor: &Cursor, area: Rect) {
    let count = format!(" {}", problems.len());
    let left = [("Problems", Meaning::Accent), (count.as_str(), Meaning::Muted)];
    pen.frame(area, &left, &[("the worst first", Meaning::Muted)], true);
    let inner = inside(area);
    if problems.is_empty() {
        let text = if desk.world.settled() {
            "Nothing needs a person: everything is seen live, and nothing is judged bad or unknown."
        } else {
            "No problem so far; not everything was seen yet."
        };
        pen.put(inner.x + 2, inner.y + inner.height / 3, inner.right(), text, Meaning::Muted);
        return;
    }
    // The lowest lines tell all about the problem under the cursor.
    let about = 4.min(inner.height / 3);
    let list = Rect { height: inner.height - about, ..inner };
    let subject = (inner.width.saturating_sub(STATE) / 2).clamp(20, 44);
    let why_at = inner.x + 1 + STATE + subject + 1;
    pen.put(inner.x + 1, inner.y, inner.right(), "STATE", Meaning::Heading);
    pen.put(inner.x + 1 + STATE, inner.y, inner.right(), "WHAT", Meaning::Heading);
    pen.put(why_at, inner.y, inner.right(), "WHY", Meaning::Heading);
    for ((y, place), problem) in
        (list.y + 1..list.bottom()).zip(cursor.top..).zip(&problems[cursor.top.min(problems.len())..])
    {
        let line = Rect { y, height: 1, ..inner };
        let selected = place == cursor.place;
        if selected {
            pen.fill(line, Meaning::Selection);
        }
        let ground = if selected { Meaning::Selection } else { Meaning::Text };
        let mut pen = pen.on(ground);
        if selected {
            pen.put(line.x, y, line.right(), "▌", Meaning::Accent);
        }
        let state = format!("{} {}", problem.level.glyph(), problem.state);
        pen.put(inner.x + 1, y, inner.x + STATE, &state, problem.level);
        pen.put(inner.x + 1 + STATE, y, why_at - 1, &short(problem), ground);
        pen.put(
            why_at,
            y,
            inner.right(),
            &text::sanitize(&problem.reason),
            if selected { ground } else { Meaning::Muted },
        );
    }
    if let Some(problem) = problems.get(cursor.place) {
        about_problem(pen, problem, Rect { y: list.bottom(), height: about, ..inner });
    }
}

/// The subject without the length of `PersistentVolumeClaim`.
fn short(problem: &Problem) -> String {
    match &problem.object {
        Some(object) => {
            let kind = match object.kind {
                crate::model::Kind::Pvc => "Volume",
                other => other.spec().kind,
            };
            text::sanitize(&format!("{kind} {}", object.path())).into_owned()
        }
        None => text::sanitize(&problem.subject).into_owned(),
    }
}

fn about_problem(pen: &mut Pen, problem: &Problem, area: Rect) {
    let line = "─".repeat(area.width.into());
    pen.put(area.x, area.y, area.right(), &line, Meaning::Border);
    for (y, label, text, meaning) in
        [(1, "why   ", &problem.reason, Meaning::from(problem.level)), (2, "next  ", &problem.next, Meaning::Text)]
    {
        let room = usize::from(area.width.saturating_sub(9));
        let x = pen.put(area.x + 1, area.y + y, area.right(), label, Meaning::Heading);
        let text = text::sanitize(text);
        let lines = super::super::pages::wrap(&text, room);
        // What to do may take two lines; why it is so stands in full on the object's own sheet.
        let most = if y == 2 { 2 } else { 1 };
        for (down, piece) in (0..most).zip(lines) {
            if area.y + y + down < area.bottom() {
                pen.put(x + 1, area.y + y + down, area.right(), &piece, meaning);
            }
        }
    }
}

pub(super) fn operations(pen: &mut Pen, desk: &Desk, cursor: &Cursor, area: Rect) {
    let count = format!(" {}", desk.operations.len());
    pen.frame(area, &[("Operations", Meaning::Accent), (&count, Meaning::Muted)], &[], true);
    let inner = inside(area);
    if desk.operations.is_empty() {
        let text = "No operation yet.";
        pen.put(inner.x + 2, inner.y + inner.height / 3, inner.right(), text, Meaning::Muted);
    }
    let lines = (inner.y + 1..inner.bottom()).zip(cursor.top..);
    for ((y, place), operation) in lines.zip(desk.operations.iter().skip(cursor.top)) {
        let line = Rect { x: inner.x + 1, y, width: inner.width.saturating_sub(2), height: 1 };
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
