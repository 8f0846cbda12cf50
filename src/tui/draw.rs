//! The state on the screen. Reads only; one file per part.

mod choices;
mod dialogs;
mod exposed;
mod form;
mod gauge;
mod group;
mod header;
mod lists;
mod logs;
mod pane;
mod pen;
mod problems;
mod runs;
mod sheet;
mod sparkline;
mod timeline;
mod toasts;
mod tree;

use jiff::{SignedDuration, Timestamp};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui_textarea::TextArea;

use super::action::{ACTIONS, Action, ActionId, Availability};
use super::keymap::Keymap;
use super::layer::Layer;
use super::layout::{self, Areas};
use super::spots::{Spot, Spots};
use super::theme::Meaning;
use super::{App, pages};
use crate::session::Desk;
use crate::text;
use crate::view::{Level, OperationView, Pane};
pub(super) use lists::step_mark;
pub use pen::Pen;
pub(super) use runs::most_scrolled;
pub(super) use sheet::fact_lines;

/// How long a message stays on the bottom line.
const MESSAGE: SignedDuration = SignedDuration::from_secs(8);

/// Draws everything. Says what stands where.
pub fn draw(app: &App, desk: &Desk, frame: &mut Frame) -> Spots {
    let mut spots = Spots::default();
    let mut pen = Pen::new(frame.buffer_mut(), &mut spots, &app.theme);
    pen.clear(pen.screen());
    if app.seen() {
        parts(&mut pen, app, desk);
    } else {
        too_small(&mut pen, app);
    }
    spots
}

fn parts(pen: &mut Pen, app: &App, desk: &Desk) {
    let areas = app.areas(desk);
    header::draw(pen, app, desk, areas.header);
    // Views cover the panes; dialogs lie upon whatever view is beneath them.
    let cover = app.layers.iter().rposition(Layer::covers);
    match cover {
        None => panes(pen, app, desk, &areas),
        Some(at) => view_layer(pen, app, desk, &app.layers[at], areas.body),
    }
    strip(pen, &app.keymap, desk, areas.strip);
    bar(pen, app, desk, areas.bar);
    toasts::draw(pen, app, desk, areas.body);
    for layer in &app.layers[cover.map_or(0, |at| at + 1)..] {
        // A filter is typed in the bar, beneath the rows that it leaves.
        if !matches!(layer, Layer::Filter(..) | Layer::LineFilter(..)) {
            let (above, _) = layout::bottom(pen.screen(), areas.bar.height);
            pen.note(above, Spot::Ground);
            match layer {
                Layer::Palette(palette) => choices::palette(pen, app, desk, palette, areas.body),
                Layer::Pick(picker) => choices::picker(pen, app, desk, picker, areas.body),
                other => dialogs::draw(pen, app, desk, other, areas.body),
            }
        }
    }
}

/// One plain sentence instead of a screen that hides half of what it says.
fn too_small(pen: &mut Pen, app: &App) {
    let (screen, least) = (pen.screen(), layout::LEAST);
    let size =
        format!("terminal too small: {}x{}, needs at least {}x{}", screen.width, screen.height, least.0, least.1);
    let leaves = app.keymap.key(&[ActionId::Quit, ActionId::Leave]);
    let leaves = leaves.map(|key| format!("{key} leaves")).unwrap_or_default();
    let leaves = match app.layers.last() {
        Some(Layer::Quit) => format!("an operation is running here and would be interrupted; {leaves} all the same"),
        _ => leaves,
    };
    let mut lines = pages::wrap(&size, screen.width.into());
    let second = lines.len();
    lines.extend(pages::wrap(&leaves, screen.width.into()));
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let first = screen.y + screen.height.saturating_sub(height) / 2;
    for (i, (y, line)) in (first..screen.bottom()).zip(&lines).enumerate() {
        let width = u16::try_from(text::width(line)).unwrap_or(u16::MAX);
        let x = screen.x + screen.width.saturating_sub(width) / 2;
        pen.put(x, y, screen.right(), line, if i < second { Meaning::Warn } else { Meaning::Muted });
    }
}

fn view_layer(pen: &mut Pen, app: &App, desk: &Desk, layer: &Layer, area: Rect) {
    pen.note(area, Spot::Page);
    match layer {
        Layer::Detail(detail) => sheet::draw(pen, &app.keymap, desk, detail, area),
        Layer::Tree(layer) => tree::draw(pen, &app.keymap, desk, layer, area),
        Layer::Timeline(layer) => timeline::draw(pen, &app.keymap, desk, layer, area),
        Layer::Problems(list) => problems::draw(pen, app, desk, list, area),
        Layer::Operations(cursor) => lists::operations(pen, desk, cursor, area),
        Layer::Runs(cursor) => runs::list(pen, &app.keymap, desk, cursor, area),
        Layer::Run(run) => runs::run(pen, app, desk, run, area),
        Layer::Sources(sources) => logs::sources(pen, &app.keymap, sources, area),
        Layer::Logs(logs) => logs::log(pen, app, desk, logs, area),
        other => pages::draw(pen, app, desk, other, area),
    }
}

fn panes(pen: &mut Pen, app: &App, desk: &Desk, areas: &Areas) {
    if let Some(area) = areas.tabs {
        tabs(pen, app, desk, area);
    }
    for pane in Pane::ALL {
        if let Some(area) = areas.panes[pane.index()] {
            pane::draw(pen, app, desk, pane, area);
        }
    }
}

fn tabs(pen: &mut Pen, app: &App, desk: &Desk, area: Rect) {
    let mut x = area.x + 1;
    for pane in Pane::ALL {
        let focused = pane == app.panes.focus;
        let meaning = if focused { Meaning::Selection } else { Meaning::Muted };
        let name = if area.width < 76 { &pane.title()[..4] } else { pane.title() };
        let begin = x;
        x = pen.put(x, area.y, area.right(), &format!(" {}{name} ", number(&app.keymap, pane)), meaning);
        x = pane::counts(pen, desk, pane, x, area.y, area.right());
        pen.note(Rect { x: begin, width: x - begin, ..area }, Spot::Hint(ActionId::to_pane(pane)));
        x += 1;
    }
}

/// The key that goes to a pane, before its name.
fn number(keymap: &Keymap, pane: Pane) -> String {
    keymap.key(&[ActionId::to_pane(pane)]).map(|key| format!("{key} ")).unwrap_or_default()
}

fn strip(pen: &mut Pen, keymap: &Keymap, desk: &Desk, area: Rect) {
    let inner = if area.height > 1 {
        let title = [("Operations", Meaning::Title)];
        pen.frame(area, &title, &[], false);
        layout::inside(area)
    } else {
        area
    };
    if desk.operations.is_empty() {
        let text = format!("No operation yet. Select a volume, then {}: back it up.", keymap.way(ActionId::Backup));
        pen.put(inner.x + 1, inner.y, inner.right(), &text, Meaning::Muted);
    }
    if !desk.operations.is_empty() {
        pen.note(area, Spot::Hint(ActionId::Operations));
    }
    for (y, operation) in (inner.y..inner.bottom()).zip(&desk.operations) {
        operation_line(
            pen,
            desk,
            operation,
            Rect { x: inner.x + 1, y, width: inner.width.saturating_sub(1), height: 1 },
        );
    }
}

/// `◐ Running 2/3  back up volume shop/data-db-0   waits for … 1m left`
fn operation_line(pen: &mut Pen, desk: &Desk, operation: &OperationView, area: Rect) {
    let (done, all) = operation.progress();
    let level = operation.level();
    let (right, y) = (area.right(), area.y);
    let x = pen.put(area.x, y, right, &format!("{} {} ", level.glyph(), operation.state.word()), level);
    let steps = if all > 0 { format!("{done}/{all}  ") } else { " ".to_owned() };
    let x = pen.put(x, y, right, &steps, Meaning::Muted);
    let x = pen.put(x, y, right, &text::sanitize(&operation.title), Meaning::Text);
    let colleague = operation.elsewhere.as_ref().filter(|_| all == 0);
    let x = match colleague {
        Some(who) => pen.put(x, y, right, &text::sanitize(&format!(" by {who}")), Meaning::Muted),
        None => x,
    };
    let rest = match (&operation.waits, &operation.message) {
        (Some(wait), _) => format!("waits for {} {}", wait.what, left(wait.until.duration_since(desk.now))),
        (None, Some(message)) => message.to_string(),
        (None, None) => String::new(),
    };
    pen.put(x + 2, y, right, &text::sanitize(&rest), Meaning::Muted);
}

/// How long there is until a deadline.
pub(super) fn left(span: SignedDuration) -> String {
    if span.is_negative() { "(deadline passed)".into() } else { format!("({} left)", text::age(span)) }
}

fn bar(pen: &mut Pen, app: &App, desk: &Desk, area: Rect) {
    match app.layers.last() {
        Some(Layer::Filter(line, _)) => return typed_filter(pen, app, desk, line, area),
        Some(Layer::LineFilter(line, _)) => return typed_line_filter(pen, app, desk, line, area),
        _ => {}
    }
    let recent = |(at, ..): &&(Timestamp, Level, String)| desk.now.duration_since(*at) < MESSAGE;
    if let Some((_, level, text)) = app.said.as_ref().filter(recent) {
        let text = format!(" {} {}", level.glyph(), text::sanitize(text));
        pen.put(area.x, area.y, area.right(), &text, *level);
        return;
    }
    keys(pen, app, desk, area);
}

/// A filter for the lines of a log as it is typed, and how many lines pass.
fn typed_line_filter(pen: &mut Pen, app: &App, desk: &Desk, line: &TextArea, area: Rect) {
    let x = typed_line(pen, line, area);
    let shown = app.reading(desk).map_or(0, |reading| reading.count());
    let all = app.tail.as_ref().map_or(0, |tail| tail.lines.len());
    let hint = format!("{shown} of {all} lines   enter keeps, esc undoes   word !word");
    pen.put(x, area.y, area.right(), &hint, Meaning::Muted);
}

/// The line of a filter that is being typed; says where what is beside it begins.
fn typed_line(pen: &mut Pen, line: &TextArea, area: Rect) -> u16 {
    let x = pen.put(area.x, area.y, area.right(), " /", Meaning::Key);
    let typed = u16::try_from(text::width(super::app::content(line))).unwrap_or(u16::MAX).saturating_add(2);
    let room = typed.clamp(area.width / 4, area.width / 2);
    pen.line(line, Rect { x: x + 1, width: room, ..area });
    x + 2 + room
}

/// The filter as it is typed, and beside it what is wrong with it, else how many rows pass and how it is written.
fn typed_filter(pen: &mut Pen, app: &App, desk: &Desk, line: &TextArea, area: Rect) {
    let x = typed_line(pen, line, area);
    if let Some(fault) = app.faults().first() {
        let said = format!("{} {}", Level::Critical.glyph(), text::sanitize(&fault.why));
        pen.put(x, area.y, area.right(), &said, Level::Critical);
        return;
    }
    let (passing, all) = app.passing(desk);
    let x = pen.put(x, area.y, area.right(), &format!("{passing} of {all}   "), Meaning::Text);
    let hint = "enter keeps, esc undoes   word !word col:word col>9 label:k=v age<2h";
    pen.put(x, area.y, area.right(), hint, Meaning::Muted);
}

/// A key, what it does, and whether it can be done now.
struct Hint {
    key: String,
    what: &'static str,
    enabled: bool,
    spot: Spot,
}

impl Hint {
    fn width(&self) -> usize {
        text::width(&self.key) + 1 + text::width(self.what)
    }
}

/// Between two hints.
const GAP: usize = 2;

fn keys(pen: &mut Pen, app: &App, desk: &Desk, area: Rect) {
    let mut x = area.x + 1;
    for Hint { key, what, enabled, spot } in hints(app, desk, usize::from(area.width.saturating_sub(1))) {
        let begin = x;
        x = pen.put(x, area.y, area.right(), &key, if enabled { Meaning::Key } else { Meaning::Muted });
        x = pen.put(x + 1, area.y, area.right(), what, Meaning::Muted);
        pen.note(Rect { x: begin, width: x - begin, ..area }, spot);
        x += 2;
    }
}

/// What the key bar says in so many columns. How to get help and how to leave it says always.
fn hints(app: &App, desk: &Desk, columns: usize) -> Vec<Hint> {
    let place = app.place();
    // These two are the same wherever text is typed.
    let enter = app.layers.last().map_or("accept", Layer::enter_says);
    let typing = [("enter", enter, Spot::Accept), ("esc", "back", Spot::GiveUp)].into_iter().filter(|_| place.typed());
    let typing = typing.map(|(key, what, spot)| Hint { key: key.to_owned(), what, enabled: true, spot });
    let mut shown: Vec<&Action> = ACTIONS.iter().filter(|action| action.bar > 0 && action.applies(place)).collect();
    shown.sort_by_key(|action| action.bar);
    let hint = |action: &&Action| {
        let key = app.keymap.key(&[action.id])?.to_string();
        let enabled = app.available(desk, action.id) == Availability::Enabled;
        let what = match (action.id, app.layers.last()) {
            (ActionId::Leave, Some(Layer::Switch(_))) => "go there",
            (ActionId::Submit, Some(Layer::Form(form))) => form.purpose.leads_to(),
            _ => action.short,
        };
        Some(Hint { key, what, enabled, spot: Spot::Hint(action.id) })
    };
    let mut hints: Vec<Hint> = typing.chain(shown.iter().filter_map(hint)).collect();
    let always = |hint: &Hint| matches!(hint.spot, Spot::Hint(ActionId::Help | ActionId::Leave));
    let wide = |hints: &[Hint]| hints.iter().map(|hint| hint.width() + GAP).sum::<usize>().saturating_sub(GAP);
    while wide(&hints) > columns {
        let last = hints.iter().rposition(|hint| !always(hint));
        let Some(last) = last.or_else(|| hints.len().checked_sub(1)) else { break };
        hints.remove(last);
    }
    hints
}

/// A count and its glyph, where there is something to count.
fn level_counts(desk: &Desk, pane: Pane) -> impl Iterator<Item = (Level, String)> {
    let levels = [Level::Critical, Level::Unknown, Level::Warn].into_iter();
    levels
        .map(move |level| (level, desk.boards.count_in(pane, level)))
        .filter(|(_, count)| *count > 0)
        .map(|(level, count)| (level, format!("{}{count}", level.glyph())))
}
