//! The list of problems: one line each, and at its foot all about the one under the cursor.

use ratatui::layout::Rect;

use super::super::App;
use super::super::action::ActionId;
use super::super::layer::ProblemsLayer;
use super::super::layout::{Areas, inside};
use super::super::spots::Spot;
use super::super::theme::Meaning;
use super::Pen;
use super::pane::{edge, fault_said, filter_piece, pinned_piece};
use crate::model::Kind;
use crate::session::Desk;
use crate::text;
use crate::view::{Problem, Remedy};

/// Columns: state, subject; the rest is why and what to do.
const STATE: u16 = 16;

pub(super) fn draw(pen: &mut Pen, app: &App, desk: &Desk, list: &ProblemsLayer, area: Rect) {
    frame(pen, app, list, area);
    let inner = inside(area);
    if list.lines.is_empty() {
        empty(pen, desk, list, inner);
        return;
    }
    let about = Areas::about(area);
    let rows = Rect { y: inner.y + 1, height: inner.height.saturating_sub(about + 1), ..inner };
    let subject = (inner.width.saturating_sub(STATE) / 2).clamp(20, 44);
    let what_at = inner.x + 1 + STATE;
    let why_at = what_at + subject + 1;
    for (x, heading) in [(inner.x + 1, "STATE"), (what_at, "WHAT"), (why_at, "WHY")] {
        pen.put(x, inner.y, inner.right(), heading, Meaning::Heading);
    }
    let first = list.cursor.top.min(list.lines.len());
    for ((y, place), problem) in (rows.y..rows.bottom()).zip(first..).zip(&list.lines[first..]) {
        pen.note(Rect { y, height: 1, ..inner }, Spot::Listed(problem.key.clone()));
        let selected = place == list.cursor.place;
        let ground = if selected { Meaning::Selection } else { Meaning::Text };
        if selected {
            pen.fill(Rect { y, height: 1, ..inner }, ground);
        }
        let mut pen = pen.on(ground);
        if selected {
            pen.put(inner.x, y, inner.right(), "▌", Meaning::Accent);
        }
        let state = format!("{} {}", problem.level.glyph(), problem.state);
        pen.put(inner.x + 1, y, what_at - 1, &state, problem.level);
        pen.put(what_at, y, why_at - 1, &short(problem), ground);
        let why = if selected { ground } else { Meaning::Muted };
        pen.put(why_at, y, inner.right(), &text::sanitize(&problem.reason), why);
    }
    if let Some(problem) = list.lines.get(list.cursor.place) {
        about_problem(pen, app, problem, Rect { y: inner.bottom() - about, height: about, ..inner });
    }
}

fn frame(pen: &mut Pen, app: &App, list: &ProblemsLayer, area: Rect) {
    let (all, passing) = (list.all, list.passing);
    let count = if all == passing { format!(" {all}") } else { format!(" {passing}/{all}") };
    let pinned = pinned_piece(&app.panes.pinned);
    let (filter, meaning) = filter_piece(&app.problem_filter, &list.faults);
    let mut left = vec![("Problems", Meaning::Accent), (count.as_str(), Meaning::Muted)];
    for piece in [(pinned.as_str(), Meaning::Filter), (filter.as_str(), meaning)] {
        if !piece.0.is_empty() {
            left.extend([(" ", Meaning::Text), piece]);
        }
    }
    pen.frame(area, &left, &[("going, broken, soon, unknown, warnings", Meaning::Muted)], true);
    if let Some(fault) = list.faults.first() {
        edge(pen, &[(&fault_said(fault), Meaning::Danger)], area, area.right());
    }
}

fn empty(pen: &mut Pen, desk: &Desk, list: &ProblemsLayer, inner: Rect) {
    let hidden = list.all;
    let text = if hidden > 0 {
        format!("No problem matches the filter; {hidden} are hidden.")
    } else if desk.world.settled() {
        "Nothing needs a person: everything is seen live, and nothing is judged bad or unknown.".to_owned()
    } else {
        "No problem so far; not everything was seen yet.".to_owned()
    };
    pen.put(inner.x + 2, inner.y + inner.height / 3, inner.right(), &text, Meaning::Muted);
}

/// The subject without the length of `PersistentVolumeClaim`.
fn short(problem: &Problem) -> String {
    let subject = match &problem.object {
        Some(object) => {
            let kind = match object.kind {
                Kind::Pvc => "Volume",
                other => other.spec().kind,
            };
            format!("{kind} {}", object.path())
        }
        None if problem.many() => format!("{} with the same reason", problem.title),
        None => problem.title.to_string(),
    };
    text::sanitize(&subject).into_owned()
}

fn about_problem(pen: &mut Pen, app: &App, problem: &Problem, area: Rect) {
    let line = "─".repeat(area.width.into());
    pen.put(area.x, area.y, area.right(), &line, Meaning::Border);
    let open = app.keymap.way(ActionId::Open);
    let ready = match problem.remedy {
        _ if problem.many() => format!(" {open} lists them, or puts them together again "),
        Some(Remedy::Backup) => format!(" {open} opens it, with \"back up\" ready "),
        Some(Remedy::Resume) => format!(" {open} opens it, with \"resume\" ready "),
        Some(Remedy::Rotation) => format!(" {open} shows how far it has come "),
        None => String::new(),
    };
    pen.put_right(area.x, area.y, area.right().saturating_sub(1), &ready, Meaning::Key);
    let columns = usize::from(area.width.saturating_sub(9));
    let wrapped = |text: &str| super::super::pages::wrap(&text::sanitize(text), columns);
    let (why, next) = (wrapped(&problem.reason), wrapped(&problem.next));
    // What to do may take two lines; why it is so has the rest, and stands in full on the object's own sheet.
    let room = usize::from(area.height.saturating_sub(1));
    let for_next = next.len().min(2).min(room.saturating_sub(1));
    let parts =
        [("why   ", why, room - for_next, Meaning::from(problem.level)), ("next  ", next, for_next, Meaning::Text)];
    let mut y = area.y + 1;
    for (label, lines, most, meaning) in parts {
        let x = pen.put(area.x + 1, y, area.right(), label, Meaning::Heading);
        let more = lines.len() > most;
        for (i, piece) in lines.into_iter().take(most).enumerate() {
            let piece = if more && i + 1 == most { format!("{piece} …") } else { piece };
            pen.put(x + 1, y, area.right(), &piece, meaning);
            y += 1;
        }
    }
}
