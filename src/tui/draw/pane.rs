//! One pane: its frame says how fresh it is, how many rows it has and what is filtered away.

use ratatui::layout::Rect;

use super::super::App;
use super::super::action::ActionId;
use super::super::layer::Layer;
use super::super::theme::Meaning;
use super::{Pen, level_counts};
use crate::session::Desk;
use crate::view::{self, Align, Cell, Pane, Row, Sort, fit};

pub(super) fn draw(pen: &mut Pen, app: &App, desk: &Desk, pane: Pane, area: Rect) {
    let state = app.panes.state(pane);
    let board = desk.boards.board(pane);
    let focused = app.panes.focus == pane && !app.layers.iter().any(Layer::covers);
    let sight = view::sight(&desk.world, pane, desk.now);
    let query = state.listing.query();
    let filtered = !query.filter.is_empty() || query.only_problems;
    let number = super::number(&app.keymap, pane);
    let count =
        if filtered { format!(" {}/{}", state.listing.len(), board.len()) } else { format!(" {}", board.len()) };
    let count = if pane == Pane::Findings { String::new() } else { count };
    let filter = match (query.only_problems, query.filter.text()) {
        (false, "") => String::new(),
        (true, "") => " problems only ".to_owned(),
        (true, text) => format!(" problems only, /{text} "),
        (false, text) => format!(" /{text} "),
    };
    let marks = if state.marks.is_empty() { String::new() } else { format!(" {} marked", state.marks.len()) };
    let title = if focused { Meaning::Accent } else { Meaning::Title };
    let mut left = vec![(number.as_str(), Meaning::Muted), (pane.title(), title), (count.as_str(), Meaning::Muted)];
    let levels: Vec<_> = level_counts(desk, pane).collect();
    for (level, text) in &levels {
        left.extend([(" ", Meaning::Text), (text.as_str(), Meaning::from(*level))]);
    }
    left.extend([(" ", Meaning::Text), (filter.as_str(), Meaning::Filter), (marks.as_str(), Meaning::Mark)]);
    let fresh = format!("{} {}", sight.level.glyph(), sight.word);
    pen.frame(area, &left, &[(&fresh, sight.level.into())], focused);
    let inner = super::super::layout::inside(area);
    if state.listing.is_empty() {
        empty(pen, app, desk, pane, inner, filtered);
    } else {
        rows(pen, app, desk, pane, inner, focused);
    }
    if !sight.why.is_empty() && !state.listing.is_empty() && area.height > 2 {
        let end = area.right().saturating_sub(2);
        pen.put(area.x + 2, area.bottom() - 1, end, &format!(" {} ", sight.why), sight.level);
    }
}

fn rows(pen: &mut Pen, app: &App, desk: &Desk, pane: Pane, inner: Rect, focused: bool) {
    let state = app.panes.state(pane);
    let columns = pane.columns();
    // One column of the pane is the gutter of cursor and marks.
    let fitted = fit(columns, inner.width.saturating_sub(2));
    let mut x = inner.x + 1;
    for (i, width) in &fitted {
        let column = &columns[*i];
        let arrow = match state.listing.query().sort {
            Sort::By { column, descending } if column == *i => {
                if descending {
                    "↓"
                } else {
                    "↑"
                }
            }
            _ => "",
        };
        put_cell(
            pen,
            x,
            inner.y,
            *width,
            column.align,
            &format!("{}{arrow}", column.title.to_uppercase()),
            Meaning::Heading,
        );
        x += width + 1;
    }
    let top = state.cursor.top;
    let visible = state.listing.rows(desk.boards.board(pane), top);
    for ((y, place), row) in (inner.y + 1..inner.bottom()).zip(top..).zip(visible) {
        let selected = place == state.cursor.place;
        let marked = state.marks.contains(&row.key);
        let line = Rect { y, height: 1, ..inner };
        draw_row(pen, desk, row, &fitted, columns, line, (selected, focused, marked));
    }
}

type Look = (bool, bool, bool);

fn draw_row(
    pen: &mut Pen,
    desk: &Desk,
    row: &Row,
    fitted: &[(usize, u16)],
    columns: &[view::Column],
    line: Rect,
    (selected, focused, marked): Look,
) {
    let ground = match (selected, focused) {
        (true, true) => Meaning::Selection,
        (true, false) => Meaning::SelectionIdle,
        (false, _) => Meaning::Text,
    };
    if selected {
        pen.fill(line, ground);
    }
    let mut pen = pen.on(ground);
    let gutter = if marked {
        ("●", Meaning::Mark)
    } else if selected && focused {
        ("▌", Meaning::Accent)
    } else {
        (" ", ground)
    };
    pen.put(line.x, line.y, line.x + 1, gutter.0, gutter.1);
    let mut x = line.x + 1;
    for (i, width) in fitted {
        let cell = &row.cells[*i];
        let meaning = meaning(cell, columns[*i].id, ground);
        let meaning = if selected && meaning == Meaning::Muted { ground } else { meaning };
        put_cell(&mut pen, x, line.y, *width, columns[*i].align, &cell.print(desk.now), meaning);
        x += width + 1;
    }
}

fn meaning(cell: &Cell, column: &str, ground: Meaning) -> Meaning {
    match (cell.level(), cell) {
        (Some(level), _) => level.into(),
        (None, Cell::Nothing) => Meaning::Muted,
        (None, _) if column == "namespace" || column == "class" => Meaning::Muted,
        (None, _) => ground,
    }
}

fn put_cell(pen: &mut Pen, x: u16, y: u16, width: u16, align: Align, text: &str, meaning: Meaning) {
    match align {
        Align::Left => {
            pen.put(x, y, x + width, text, meaning);
        }
        Align::Right => pen.put_right(x, y, x + width, text, meaning),
    }
}

fn empty(pen: &mut Pen, app: &App, desk: &Desk, pane: Pane, inner: Rect, filtered: bool) {
    let none = desk.boards.board(pane).is_empty();
    let sight = view::sight(&desk.world, pane, desk.now);
    let back = format!("{} takes the filter away.", app.keymap.way(ActionId::Back));
    let lines: &[&str] = match (pane, filtered && !none) {
        (Pane::Findings, _) => &[
            "No source of findings is configured.",
            "",
            "This version reads no SARIF yet, so whether a copy",
            "is older than an exposure is UNKNOWN for every copy.",
        ],
        (_, true) => &["No row matches the filter.", "", &back],
        (_, false) => match &*sight.word {
            "LOADING" => &["Waiting for the first rows."],
            "LIVE" => &["There are none."],
            "NOT SERVED" => &["This cluster does not serve this kind."],
            _ => &["Nothing can be shown:"],
        },
    };
    let middle = inner.y + inner.height / 3;
    for (y, line) in (middle..inner.bottom()).zip(lines) {
        pen.put(inner.x + 2, y, inner.right(), line, Meaning::Muted);
    }
    let after = middle + u16::try_from(lines.len()).unwrap_or(0);
    // Its end says what to do, so it is not cut off.
    let why = super::super::pages::wrap(&sight.why, usize::from(inner.width.saturating_sub(4)));
    for (y, line) in (after..inner.bottom()).zip(why) {
        pen.put(inner.x + 2, y, inner.right(), &line, sight.level);
    }
}

/// How many rows of a pane need a person, for its tab.
pub(super) fn counts(pen: &mut Pen, desk: &Desk, pane: Pane, x: u16, y: u16, end: u16) -> u16 {
    level_counts(desk, pane).take(1).fold(x, |x, (level, text)| pen.put(x, y, end, &format!("{text} "), level))
}
