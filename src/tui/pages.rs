//! Views that are read from top to bottom: a plan, a refusal, an operation, help, YAML, notices. Each becomes
//! lines of a given width, which are counted for scrolling and drawn from where it stands.

mod operation;
mod rotation;
mod run;

use ratatui::layout::Rect;

use super::App;
use super::action::{ACTIONS, Action, ActionId, Availability};
use super::draw::Pen;
use super::layer::{Layer, Place};
use super::layout::inside;
use super::theme::Meaning;
use crate::session::Desk;
use crate::text;
use crate::view::Level;
use crate::view::review::{Section, refusal, review};

pub use run::run_lines;

/// Pieces of one line, each with what it means.
pub type Line = Vec<(String, Meaning)>;

struct Page {
    title: Line,
    right: String,
    lines: Vec<Line>,
    scroll: usize,
}

/// How many lines a layer has at this width; `None` when it is not a page.
pub fn len(app: &App, desk: &Desk, layer: &Layer, width: u16) -> Option<usize> {
    page(app, desk, layer, width).map(|page| page.lines.len())
}

/// Draws a page.
pub fn draw(pen: &mut Pen, app: &App, desk: &Desk, layer: &Layer, area: Rect) {
    let Some(page) = page(app, desk, layer, area.width) else { return };
    let inner = inside(area);
    let height = usize::from(inner.height);
    let below = page.lines.len().saturating_sub(page.scroll + height);
    let more = if below > 0 { format!("{below} lines below") } else { page.right };
    let title: Vec<_> = page.title.iter().map(|(text, meaning)| (text.as_str(), *meaning)).collect();
    pen.frame(area, &title, &[(&more, Meaning::Muted)], true);
    for (y, line) in (inner.y..inner.bottom()).zip(page.lines.iter().skip(page.scroll)) {
        let mut x = inner.x + 1;
        for (text, meaning) in line {
            x = pen.put(x, y, inner.right(), text, *meaning);
        }
    }
}

fn page(app: &App, desk: &Desk, layer: &Layer, width: u16) -> Option<Page> {
    let room = usize::from(width.saturating_sub(4));
    Some(match layer {
        Layer::Review(offer, scroll) => {
            let mut lines = Vec::new();
            if let Some(why) = &offer.died {
                lines
                    .extend([one("This plan can no longer be confirmed.", Meaning::Danger), one(why, Meaning::Danger)]);
                lines.push(Line::new());
            }
            lines.extend(sections(&review(&offer.plan, &offer.dry_run), room));
            lines.push(Line::new());
            lines.extend(last_word(app, desk, offer.died.is_some()));
            let title = titled("Review: ", &offer.plan.title);
            Page { title, right: "nothing is done yet".into(), lines, scroll: *scroll }
        }
        Layer::Refusal(refused, scroll) => {
            let title = titled("No plan: ", &format!("{} {}", refused.verb, refused.object));
            Page { title, right: String::new(), lines: sections(&refusal(refused), room), scroll: *scroll }
        }
        Layer::Operation(id, scroll) => {
            let found = desk.operations.iter().find(|operation| operation.id == *id);
            let lines = found.map_or_else(
                || vec![one("This operation is not known here.", Meaning::Muted)],
                |operation| operation::lines(app, desk, operation, room),
            );
            let title = titled("Operation ", found.map_or(id, |operation| &operation.title));
            Page { title, right: id.to_string(), lines, scroll: *scroll }
        }
        Layer::Rotation(layer) => Page {
            title: titled("CA rotation ", &format!("{}/{}", layer.secret.0, layer.secret.1)),
            right: rotation::right(layer),
            lines: rotation::lines(app, desk, layer, room),
            scroll: layer.scroll,
        },
        Layer::Text(object, text, scroll) => {
            let lines = text.iter().map(|line| one(line, Meaning::Text)).collect();
            Page { title: titled("", &object.to_string()), right: String::new(), lines, scroll: *scroll }
        }
        Layer::Help(place, scroll) => {
            let lines = help(app, desk, *place, room);
            Page { title: titled("Help: ", place.name()), right: String::new(), lines, scroll: *scroll }
        }
        Layer::Notices(scroll) => {
            Page { title: titled("Notices", ""), right: String::new(), lines: notices(desk, room), scroll: *scroll }
        }
        _ => return None,
    })
}

fn one(text: &str, meaning: Meaning) -> Line {
    vec![(text::sanitize(text).into_owned(), meaning)]
}

fn titled(what: &str, of: &str) -> Line {
    vec![(what.to_owned(), Meaning::Muted), (text::sanitize(of).into_owned(), Meaning::Accent)]
}

/// Breaks a text at spaces into lines of at most this many columns.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(8);
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let mut word = word.to_owned();
        loop {
            let last = lines.last().map_or(0, |line| text::width(line));
            let gap = usize::from(last > 0);
            if last + gap + text::width(&word) <= columns {
                if let Some(line) = lines.last_mut() {
                    line.push_str(if gap == 1 { " " } else { "" });
                    line.push_str(&word);
                }
                break;
            }
            if last > 0 {
                lines.push(String::new());
                continue;
            }
            // A word longer than the line is cut where the line ends.
            let fits = word
                .char_indices()
                .map(|(at, c)| at + c.len_utf8())
                .take_while(|end| text::width(&word[..*end]) <= columns);
            let end = fits.last().unwrap_or(word.len());
            let rest = word.split_off(end);
            if let Some(line) = lines.last_mut() {
                line.push_str(&word);
            }
            if rest.is_empty() {
                break;
            }
            lines.push(String::new());
            word = rest;
        }
    }
    lines
}

fn sections(sections: &[Section], room: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    for section in sections {
        if !lines.is_empty() {
            lines.push(Line::new());
        }
        lines.push(one(&section.heading.to_uppercase(), Meaning::Heading));
        for (level, text) in &section.lines {
            let (glyph, meaning) = match level {
                Level::Info => (String::new(), Meaning::Text),
                other => (format!("{} ", other.glyph()), Meaning::from(*other)),
            };
            let indent = " ".repeat(2 + text::width(&glyph));
            for (i, piece) in wrap(text, room.saturating_sub(indent.len())).into_iter().enumerate() {
                let start = if i == 0 { format!("  {glyph}") } else { indent.clone() };
                lines.push(vec![(start, meaning), (piece, meaning)]);
            }
        }
    }
    lines
}

fn last_word(app: &App, desk: &Desk, died: bool) -> Vec<Line> {
    if desk.world.context.read_only {
        return vec![one("This session is read-only: the plan can be read, not run.", Meaning::Warn)];
    }
    if died {
        return vec![one(&format!("{} closes it; then plan again.", app.keymap.way(ActionId::Back)), Meaning::Muted)];
    }
    let back = if app.filled_in() { "goes back to what you chose." } else { "gives it up." };
    vec![vec![
        (format!("{} ", app.keymap.way(ActionId::Proceed)), Meaning::Key),
        ("goes on to the confirmation, where the name of the object is typed; ".to_owned(), Meaning::Muted),
        (format!("{} ", app.keymap.way(ActionId::Back)), Meaning::Key),
        (back.to_owned(), Meaning::Muted),
    ]]
}

fn help(app: &App, desk: &Desk, place: Place, room: usize) -> Vec<Line> {
    let mut lines = help_actions(app, desk, place, room);
    lines.push(Line::new());
    lines.push(one("What the marks say", Meaning::Heading));
    for level in Level::ALL {
        lines.push(vec![(format!("  {} {}", level.glyph(), level.word()), level.into())]);
    }
    if place == Place::Panes {
        for (mark, said) in [("+", "came just now"), ("*", "changed just now")] {
            lines.push(vec![(format!("  {mark} {said}"), Meaning::Changed)]);
        }
        lines.push(vec![("  ● marked".to_owned(), Meaning::Mark)]);
    }
    if matches!(place, Place::Panes | Place::Problems) {
        lines.extend(filters());
    }
    if place == Place::Panes {
        lines.push(Line::new());
        lines.push(one("Columns of this pane", Meaning::Heading));
        for column in app.panes.focus.columns() {
            lines
                .push(vec![(format!("  {:<12}", column.id), Meaning::Heading), (column.doc.to_owned(), Meaning::Text)]);
        }
    }
    lines
}

/// What can be done in a place, each action with its keys or the way to it.
fn help_actions(app: &App, desk: &Desk, place: Place, room: usize) -> Vec<Line> {
    let keys = |action: &Action| match app.keymap.keys(action.id) {
        [] => app.keymap.way(action.id),
        keys => keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
    };
    let actions: Vec<_> = ACTIONS.iter().filter(|action| action.applies(place)).map(|a| (a, keys(a))).collect();
    let widest = actions.iter().map(|(_, keys)| text::width(keys)).max().unwrap_or(0);
    // Many keys for one action must not leave no room for what it does.
    let wide = (widest + 2).clamp(13, 24);
    let mut lines = Vec::new();
    for (action, keys) in actions {
        let keys = text::truncate(&keys, wide - 1);
        let named = as_command(action);
        let doc = match app.available(desk, action.id) {
            Availability::Disabled(why) if action.menu.is_some() => format!("{}{named} (not now: {why})", action.doc),
            _ => format!("{}{named}", action.doc),
        };
        for (i, piece) in wrap(&doc, room.saturating_sub(wide + 17)).into_iter().enumerate() {
            let (keys, name) = if i == 0 { (&*keys, action.name) } else { ("", "") };
            lines.push(vec![
                (format!("{keys:<wide$}"), Meaning::Key),
                (format!("{name:<16}"), Meaning::Heading),
                (piece, Meaning::Text),
            ]);
        }
    }
    lines
}

/// The filter language, by example.
fn filters() -> Vec<Line> {
    let terms = [
        ("word", "some text of the row holds it; \"two words\" in quotes"),
        ("!term", "the term does not hold"),
        ("state:breached", "a column holds it; by id, heading, or the beginning of its id"),
        ("capacity>100Gi", "numbers, bytes, shares and times: > < >= <=; what is not known never matches"),
        ("expires<14d", "time left, or since: s m h d w y"),
        ("age>3d", "how long ago the object was created"),
        ("level:warn", "critical, unknown, warning, stale, info, ok"),
        ("label:tier=gold", "the object has this label; label:tier with any value"),
    ];
    let mut lines = vec![Line::new(), one("Filters: all terms must hold", Meaning::Heading)];
    lines.extend(
        terms.map(|(term, said)| vec![(format!("  {term:<16}"), Meaning::Key), (said.to_owned(), Meaning::Text)]),
    );
    lines
}

/// How an action is typed as a command, where that says more than its name.
fn as_command(action: &Action) -> String {
    let name = action.aliases.first().unwrap_or(&action.name);
    match (action.argument, action.aliases) {
        (Some(argument), _) => format!(" (:{name} {})", argument.placeholder()),
        (None, []) => String::new(),
        (None, aliases) => format!(" (:{})", aliases.join(", :")),
    }
}

fn notices(desk: &Desk, room: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    for notice in desk.notices.newest() {
        let age = text::age(desk.now.duration_since(notice.at));
        let (at, level) = (notice.at.strftime("%H:%M:%SZ"), notice.level);
        let start = format!("{at} {age:>4} ago  {} {:<9}", level.glyph(), level.word());
        let indent = text::width(&start);
        let count = if notice.count > 1 { format!(" x{}", notice.count) } else { String::new() };
        for (i, piece) in wrap(&format!("{}{count}", notice.text), room.saturating_sub(indent)).into_iter().enumerate()
        {
            let start = if i == 0 { start.clone() } else { " ".repeat(indent) };
            lines.push(vec![(start, level.into()), (piece, Meaning::Text)]);
        }
    }
    if lines.is_empty() {
        lines.push(one("Nothing was said so far.", Meaning::Muted));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_at_spaces_and_long_words_are_cut() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij kl", 8), ["abcdefgh", "ij kl"]);
        assert_eq!(wrap("", 8), [""]);
    }
}
