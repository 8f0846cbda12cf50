//! One pane: its frame says how fresh it is, how many rows it has, what is filtered away and which columns are out
//! of sight.

use ratatui::layout::Rect;

use super::super::App;
use super::super::action::ActionId;
use super::super::layer::Layer;
use super::super::spots::Spot;
use super::super::theme::Meaning;
use super::pen::Piece;
use super::{Pen, level_counts};
use crate::model::Watched;
use crate::session::Desk;
use crate::text;
use crate::view::{self, Align, Cell, Fault, Filter, Fitted, Level, News, Pane, Query, Says, Sort, fit};

pub(super) fn draw(pen: &mut Pen, app: &App, desk: &Desk, pane: Pane, area: Rect) {
    pen.note(area, Spot::Pane(pane));
    let state = app.panes.state(pane);
    let focused = app.panes.focus == pane && !app.layers.iter().any(Layer::covers);
    let sight = view::sight(&desk.world, pane, desk.now);
    let fitted = fit(pane.columns(), &state.off, area.width.saturating_sub(4), state.skip);
    title(pen, app, desk, (pane, &fitted), area, &sight, focused);
    let inner = super::super::layout::inside(area);
    if state.listing.is_empty() {
        empty(pen, app, desk, pane, inner, &sight);
    } else {
        rows(pen, app, desk, pane, inner, focused, &fitted);
    }
    if area.height <= 2 {
        return;
    }
    // Along the lower edge, the most important first: a term that is not understood, then what is not seen.
    let listing = &state.listing;
    let why = if listing.is_empty() { "" } else { &*sight.why };
    let lacking: Vec<&str> = listing.pinned_faults().iter().map(|fault| listing.query().pinned.term(fault)).collect();
    let lacking =
        if lacking.is_empty() { String::new() } else { format!("pinned, but not here: {}", lacking.join(" ")) };
    let fault = listing.faults().first().map(fault_said).unwrap_or_default();
    let pieces = [(fault.as_str(), Meaning::Danger), (why, sight.level.into()), (lacking.as_str(), Meaning::Warn)];
    let short = pieces.iter().any(|(text, _)| !text.is_empty());
    let end = if listing.is_empty() { area.right() } else { scrolled(pen, app, &fitted, focused, short, area) };
    edge(pen, &pieces, area, end);
}

/// Texts on the lower edge of a frame, before the column `end`.
pub(super) fn edge(pen: &mut Pen, pieces: &[Piece], area: Rect, end: u16) {
    let (y, end) = (area.bottom().saturating_sub(1), end.min(area.right()).saturating_sub(2));
    let said = pieces.iter().filter(|(text, _)| !text.is_empty());
    said.fold(area.x + 2, |x, (text, meaning)| pen.put(x, y, end, &format!(" {} ", text::sanitize(text)), *meaning));
}

/// What is wrong with a filter.
pub(super) fn fault_said(fault: &Fault) -> String {
    format!("{} {fault}", Level::Critical.glyph())
}

fn title(
    pen: &mut Pen,
    app: &App,
    desk: &Desk,
    (pane, fitted): (Pane, &Fitted),
    area: Rect,
    sight: &view::Sight,
    focused: bool,
) {
    let state = app.panes.state(pane);
    let query = state.listing.query();
    let all = desk.boards.len(pane);
    let number = super::number(&app.keymap, pane);
    let count = if pane == Pane::Findings && desk.world.findings.watched() == Watched::Nowhere {
        // Nobody looked, so nobody knows how many there are.
        String::new()
    } else if narrowed(query) {
        format!(" {}/{all}", state.listing.found())
    } else {
        format!(" {all}")
    };
    let name = if focused { Meaning::Accent } else { Meaning::Title };
    let mut left = vec![(number.as_str(), Meaning::Muted), (pane.title(), name), (count.as_str(), Meaning::Muted)];
    let levels: Vec<_> = level_counts(desk, pane).collect();
    for (level, text) in &levels {
        left.extend([(" ", Meaning::Text), (text.as_str(), Meaning::from(*level))]);
    }
    let pinned = pinned_piece(&query.pinned);
    let only = if query.only_problems { " problems only " } else { "" };
    let (filter, meaning) = filter_piece(&query.filter, state.listing.faults());
    let hidden = match state.hidden_marks {
        0 => String::new(),
        hidden => format!(", {hidden} hidden"),
    };
    let marks = if state.marks.is_empty() { String::new() } else { format!("{} marked{hidden}", state.marks.len()) };
    let sort = sorted_unseen(pane, query.sort, fitted);
    let (group, trend) = state.listing.findings().map(|list| super::group::title(desk, list)).unwrap_or_default();
    let pieces = [
        (&*pinned, Meaning::Filter),
        (only, Meaning::Filter),
        (&*filter, meaning),
        (&*marks, Meaning::Mark),
        (&*sort, Meaning::Muted),
        (&*group, Meaning::Muted),
        (&*trend, Meaning::Muted),
    ];
    for piece in pieces.into_iter().filter(|(text, _)| !text.is_empty()) {
        left.extend([(" ", Meaning::Text), piece]);
    }
    let fresh = format!("{} {}", sight.level.glyph(), sight.word);
    pen.frame(area, &left, &[(&fresh, sight.level.into())], focused);
}

/// What the rows are sorted by, where that column is not on the screen to say it.
fn sorted_unseen(pane: Pane, sort: Sort, fitted: &Fitted) -> String {
    match sort {
        Sort::By { column, descending } if fitted.columns.iter().all(|(i, _)| *i != column) => {
            format!("by {} {}", pane.columns()[column].title, arrow(descending))
        }
        Sort::By { .. } | Sort::Worst => String::new(),
    }
}

fn arrow(descending: bool) -> &'static str {
    if descending { "↓" } else { "↑" }
}

fn narrowed(query: &Query) -> bool {
    !query.filter.is_empty() || !query.pinned.is_empty() || query.only_problems
}

/// What a frame says of its filter; with terms that are not understood it is no ordinary filter.
pub(super) fn filter_piece(filter: &Filter, faults: &[Fault]) -> (String, Meaning) {
    let text = text::sanitize(filter.text());
    match (filter.is_empty(), faults) {
        (true, _) => (String::new(), Meaning::Filter),
        (false, []) => (format!(" /{text} "), Meaning::Filter),
        (false, _) => (format!("{} /{text}", Level::Critical.glyph()), Meaning::Danger),
    }
}

/// What a frame says of the pinned filter.
pub(super) fn pinned_piece(pinned: &Filter) -> String {
    if pinned.is_empty() { String::new() } else { format!(" pinned /{} ", text::sanitize(pinned.text())) }
}

/// Says on the lower edge how many columns there are to the left and to the right, and which keys lead there. Says
/// where it begins.
fn scrolled(pen: &mut Pen, app: &App, fitted: &Fitted, focused: bool, short: bool, area: Rect) -> u16 {
    let noun = if short { "" } else { "columns " };
    let (left, right) = (app.keymap.way(ActionId::ColumnsLeft), app.keymap.way(ActionId::ColumnsRight));
    let said = match (fitted.before, fitted.after) {
        (0, 0) => return area.right(),
        (0, after) => format!(" {after} {noun}{right} "),
        (before, 0) => format!(" {left} {before} {noun}"),
        (before, after) => format!(" {left} {before} {noun}{after} {right} "),
    };
    let end = area.right().saturating_sub(2);
    let meaning = if focused { Meaning::Key } else { Meaning::Muted };
    pen.put_right(area.x + 2, area.bottom() - 1, end, &said, meaning);
    end.saturating_sub(u16::try_from(text::width(&said)).unwrap_or(u16::MAX))
}

fn rows(pen: &mut Pen, app: &App, desk: &Desk, pane: Pane, inner: Rect, focused: bool, fitted: &Fitted) {
    let state = app.panes.state(pane);
    headings(pen, pane, state.listing.query().sort, inner, fitted);
    for (y, place) in (inner.y + 1..inner.bottom()).zip(state.cursor.top..) {
        let Some(row) = state.listing.line(&desk.boards, place, desk.now) else { break };
        let look = Look {
            selected: place == state.cursor.place,
            focused,
            marked: state.marks.contains(&*row.key),
            news: row.news,
        };
        let line = Rect { y, height: 1, ..inner };
        pen.note(line, Spot::Row(pane, row.key.clone().into_owned()));
        match &row.says {
            Says::Cells(cells) => draw_row(pen, desk, pane, cells, fitted, line, look),
            Says::Group(group) => super::group::draw(pen, desk, group, line, look),
        }
    }
}

fn headings(pen: &mut Pen, pane: Pane, sort: Sort, inner: Rect, fitted: &Fitted) {
    // One cell of the pane is the gutter of cursor, marks and news.
    let mut x = inner.x + 1;
    for (i, width) in &fitted.columns {
        let column = &pane.columns()[*i];
        let arrow = match sort {
            Sort::By { column, descending } if column == *i => arrow(descending),
            Sort::By { .. } | Sort::Worst => "",
        };
        let title = column.title.to_uppercase();
        // Which column sorts is seen even where its title is cut off.
        let title = text::truncate(&title, usize::from(*width).saturating_sub(text::width(arrow)));
        put_cell(pen, x, inner.y, *width, column.align, &format!("{title}{arrow}"), Meaning::Heading);
        pen.note(Rect { x, y: inner.y, width: *width, height: 1 }, Spot::Heading(pane, *i));
        x += width + 1;
    }
}

/// How a row is looked at.
#[derive(Clone, Copy)]
pub(super) struct Look {
    selected: bool,
    focused: bool,
    marked: bool,
    news: Option<News>,
}

impl Look {
    /// What a line that is looked at so stands on.
    pub(super) fn ground(self) -> Meaning {
        match (self.selected, self.focused) {
            (true, true) => Meaning::Selection,
            (true, false) => Meaning::SelectionIdle,
            (false, _) => Meaning::Text,
        }
    }

    /// Draws what every line has, and gives what draws the rest.
    pub(super) fn begin<'a>(self, pen: &'a mut Pen, line: Rect) -> Pen<'a> {
        let ground = self.ground();
        if self.selected {
            pen.fill(line, ground);
        }
        let mut pen = pen.on(ground);
        let gutter = self.gutter(ground);
        pen.put(line.x, line.y, line.x + 1, gutter.0, gutter.1);
        pen
    }

    /// What stands in the gutter: marks matter most, then what just happened.
    fn gutter(self, ground: Meaning) -> (&'static str, Meaning) {
        match self.news {
            _ if self.marked => ("●", Meaning::Mark),
            Some(News::New) => ("+", Meaning::Changed),
            Some(News::Changed) => ("*", Meaning::Changed),
            None if self.selected && self.focused => ("▌", Meaning::Accent),
            None => (" ", ground),
        }
    }
}

fn draw_row(pen: &mut Pen, desk: &Desk, pane: Pane, cells: &[Cell], fitted: &Fitted, line: Rect, look: Look) {
    let ground = look.ground();
    let mut pen = look.begin(pen, line);
    let plain = if look.news.is_some() { Meaning::Changed } else { ground };
    let mut x = line.x + 1;
    for (i, width) in &fitted.columns {
        let (cell, column) = (&cells[*i], &pane.columns()[*i]);
        let meaning = meaning(cell, column.id, plain);
        let meaning = if look.selected && meaning == Meaning::Muted { ground } else { meaning };
        put_cell(&mut pen, x, line.y, *width, column.align, &cell.print(desk.now), meaning);
        x += width + 1;
    }
}

/// What a value means where it has no level of its own: muted, or as the row is.
fn meaning(cell: &Cell, column: &str, plain: Meaning) -> Meaning {
    match (cell.level(), cell) {
        (Some(level), _) => level.into(),
        (None, Cell::Nothing) => Meaning::Muted,
        (None, _) if column == "namespace" || column == "class" => Meaning::Muted,
        (None, _) => plain,
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

fn empty(pen: &mut Pen, app: &App, desk: &Desk, pane: Pane, inner: Rect, sight: &view::Sight) {
    let query = app.panes.state(pane).listing.query();
    let own = !query.filter.is_empty() || query.only_problems;
    let (back, pin) = (app.keymap.way(ActionId::Back), app.keymap.way(ActionId::Pin));
    let unfilter = format!("{back} takes the filter away.");
    let unpin = format!("{pin} takes it away.");
    let both = format!("{back} takes this pane's filter away, {pin} the pinned one.");
    let lines: &[&str] = match (pane, narrowed(query) && desk.boards.len(pane) > 0) {
        (_, true) if own && !query.pinned.is_empty() => &["No row matches both filters.", "", &both],
        (_, true) if own => &["No row matches the filter.", "", &unfilter],
        (_, true) => &["No row matches the pinned filter.", "", &unpin],
        (_, false) => match &*sight.word {
            "LOADING" => &["Waiting for the first rows."],
            "LIVE" => &["There are none."],
            "NOT SET UP" => &["No source of findings is configured."],
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
