//! The list of logs to choose from, and a log.

use ratatui::layout::Rect;

use super::super::App;
use super::super::action::ActionId;
use super::super::keymap::Keymap;
use super::super::layout::{bottom, inside};
use super::super::logs::{LogsLayer, SourcesLayer, Standing};
use super::super::pages::wrap;
use super::super::spots::Spot;
use super::super::theme::Meaning;
use super::Pen;
use crate::session::Desk;
use crate::text;
use crate::view::{Level, LogSource, LogSources};

/// Columns of the state of a container.
const STATE: u16 = 21;

pub(super) fn sources(pen: &mut Pen, keymap: &Keymap, layer: &SourcesLayer, area: Rect) {
    let object = layer.found.as_ref().map(|found| text::sanitize(&found.object.to_string()).into_owned());
    let title = object.as_deref().unwrap_or("an object that is gone");
    let since = layer.since.map(|seconds| {
        format!("last {}, ", text::age(jiff::SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX))))
    });
    let right = format!("{}the likeliest first", since.unwrap_or_default());
    pen.frame(area, &[("Logs about ", Meaning::Muted), (title, Meaning::Accent)], &[(&right, Meaning::Muted)], true);
    let inner = inside(area);
    let Some(found) = &layer.found else {
        let said = format!("It is no longer there. {} goes back.", keymap.way(ActionId::Back));
        pen.put(inner.x + 2, inner.y + inner.height / 3, inner.right(), &said, Meaning::Muted);
        return;
    };
    let below = about(layer, found, usize::from(inner.width.saturating_sub(4)));
    let height = u16::try_from(below.len()).unwrap_or(u16::MAX).min(inner.height / 2);
    let list = Rect { height: inner.height - height, ..inner };
    if found.sources.is_empty() {
        pen.put(list.x + 2, list.y + list.height / 3, list.right(), "There is no log to read.", Meaning::Muted);
    } else {
        rows(pen, found, layer.place, list);
    }
    for (y, line) in (list.bottom()..inner.bottom()).zip(&below) {
        let mut x = inner.x + 1;
        for (piece, meaning) in line {
            x = pen.put(x, y, inner.right(), piece, *meaning);
        }
    }
}

type Line = Vec<(String, Meaning)>;

/// What stands below the list: the one under the cursor in full, and what is not seen.
fn about(layer: &SourcesLayer, found: &LogSources, columns: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut say = |mark: &str, meaning: Meaning, said: &str| {
        for (i, piece) in wrap(&text::sanitize(said), columns).into_iter().enumerate() {
            let mark = if i == 0 { mark } else { " " };
            lines.push(vec![(format!("{mark} "), meaning), (piece, Meaning::Text)]);
        }
    };
    if let Some(source) = layer.chosen() {
        let said = format!("{} {}: {}, {}", source.pod.path(), container(source), source.state, source.why);
        say(source.level.glyph(), source.level.into(), &said);
    }
    found.missing.iter().for_each(|said| say(Level::Unknown.glyph(), Level::Unknown.into(), said));
    lines
}

fn rows(pen: &mut Pen, found: &LogSources, place: usize, area: Rect) {
    let widest = |of: &dyn Fn(&LogSource) -> usize, least: u16, most: u16| {
        let widest = found.sources.iter().map(of).max().unwrap_or_default();
        u16::try_from(widest).unwrap_or(u16::MAX).clamp(least, most)
    };
    let why_at = area.right().saturating_sub(widest(&|source| text::width(&source.why), 12, 24) + 1);
    let container_at = why_at.saturating_sub(widest(&|source| text::width(&container(source)), 9, 24) + 1);
    let pod_at = area.x + 1 + STATE;
    for (x, title) in [(area.x + 1, "STATE"), (pod_at, "POD"), (container_at, "CONTAINER"), (why_at, "WHAT IT DOES")] {
        pen.put(x, area.y, area.right(), title, Meaning::Heading);
    }
    let height = usize::from(area.height.saturating_sub(1)).max(1);
    let first = (place + 1).saturating_sub(height);
    for (y, (at, source)) in (area.y + 1..area.bottom()).zip(found.sources.iter().enumerate().skip(first)) {
        pen.note(Rect { y, height: 1, ..area }, Spot::Choice(at));
        let selected = at == place;
        let ground = if selected { Meaning::Selection } else { Meaning::Text };
        if selected {
            pen.fill(Rect { y, height: 1, ..area }, ground);
        }
        let mut pen = pen.on(ground);
        if selected {
            pen.put(area.x, y, area.right(), "▌", Meaning::Accent);
        }
        pen.put(area.x + 1, y, pod_at - 1, &state(source), source.level);
        pen.put(pod_at, y, container_at.saturating_sub(1), &text::sanitize(&source.pod.path()), ground);
        pen.put(container_at, y, why_at.saturating_sub(1), &container(source), ground);
        let why = if selected { ground } else { Meaning::Muted };
        pen.put(why_at, y, area.right(), &text::sanitize(&source.why), why);
    }
}

fn state(source: &LogSource) -> String {
    format!("{} {}", source.level.glyph(), text::sanitize(&source.state))
}

fn container(source: &LogSource) -> String {
    let init = if source.init { " (init)" } else { "" };
    format!("{}{init}", text::sanitize(&source.container))
}

pub(super) fn log(pen: &mut Pen, app: &App, desk: &Desk, layer: &LogsLayer, area: Rect) {
    let Some(tail) = &app.tail else { return };
    let inner = inside(area);
    let columns = usize::from(inner.width.saturating_sub(2));
    let reading = layer.reading(&tail.lines, columns);
    let (level, mut word) = tail.word(desk.now, layer.bottom.map(|spot| reading.below(spot)));
    if layer.bottom.is_some() && tail.standing == Standing::Following {
        word = format!("{word}, {} follows", app.keymap.way(ActionId::Bottom));
    }
    frame(pen, &layer.source, (level, &word), area);
    let note = app.log_note(columns);
    let (lines, below) = bottom(inner, u16::try_from(note.len()).unwrap_or(u16::MAX));
    let rows = reading.page(layer.bottom, usize::from(lines.height));
    for (y, row) in (lines.y..lines.bottom()).zip(&rows) {
        let x = pen.put(lines.x + 1, y, lines.right(), &row.stamp, Meaning::Muted);
        pen.put(x, y, lines.right(), &row.text, Meaning::Text);
    }
    if rows.is_empty() {
        let said = if tail.lines.is_empty() { tail.nothing() } else { "No line passes the filter.".to_owned() };
        let meaning = if tail.note().is_some() { level.into() } else { Meaning::Muted };
        let pieces = wrap(&text::sanitize(&said), columns.saturating_sub(2));
        for (y, piece) in (lines.y + lines.height / 3..lines.bottom()).zip(pieces) {
            pen.put(lines.x + 2, y, lines.right(), &piece, meaning);
        }
    }
    for (y, line) in (below.y..below.bottom()).zip(&note) {
        pen.put(below.x + 1, y, below.right(), line, level);
    }
    edge(pen, layer, tail.lines.len(), reading.count(), tail.lines.dropped(), area);
}

/// `Logs (current) shop/db-0 postgres`, and how the log stands.
fn frame(pen: &mut Pen, source: &LogSource, (level, word): (Level, &str), area: Rect) {
    let (which, meaning) =
        if source.previous { ("(previous) ", Meaning::Warn) } else { ("(current) ", Meaning::Muted) };
    let pod = text::sanitize(&source.pod.path()).into_owned();
    let left = [
        ("Logs ", Meaning::Muted),
        (which, meaning),
        (pod.as_str(), Meaning::Accent),
        (" ", Meaning::Text),
        (&container(source), Meaning::Title),
    ];
    pen.frame(area, &left, &[(&format!("{} {word}", level.glyph()), level.into())], true);
}

/// The lower edge: how many lines there are, what is filtered, what was dropped.
fn edge(pen: &mut Pen, layer: &LogsLayer, all: usize, shown: usize, dropped: u64, area: Rect) {
    if area.height < 3 {
        return;
    }
    let (y, end) = (area.bottom() - 1, area.right().saturating_sub(2));
    let mut x = area.x + 2;
    if !layer.filter.is_empty() {
        x = pen.put(x, y, end, &format!(" /{} ", text::sanitize(layer.filter.text())), Meaning::Filter);
    }
    let of = if layer.filter.is_empty() { String::new() } else { format!("{shown} of ") };
    pen.put(x, y, end, &format!(" {of}{} ", text::plural(all, "line", "lines")), Meaning::Muted);
    if dropped > 0 {
        let said = format!(
            " {} dropped ",
            text::plural(usize::try_from(dropped).unwrap_or(usize::MAX), "older line was", "older lines were")
        );
        pen.put_right(area.x, y, end, &said, Meaning::Warn);
    }
}
