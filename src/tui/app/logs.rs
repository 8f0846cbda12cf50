//! Logs: choosing one, reading it, and stopping when it is no longer on any layer.

use jiff::SignedDuration;

use super::super::layer::Layer;
use super::super::layout::inside;
use super::super::logs::{LogsLayer, Reading, SourcesLayer, Tail};
use super::{App, Effect, typing};
use crate::cluster::LogEvent;
use crate::model::Key;
use crate::session::Desk;
use crate::text;
use crate::view::{self, Level, LineFilter, LogSource};

/// Most bytes that are copied at once; terminals refuse more.
const COPIED: usize = 64 * 1024;

impl App {
    /// The log on the screen.
    pub(super) fn logs(&self) -> Option<&LogsLayer> {
        match self.layers.iter().rev().find(|layer| layer.covers()) {
            Some(Layer::Logs(logs)) => Some(logs),
            _ => None,
        }
    }

    pub(super) fn logs_mut(&mut self) -> Option<&mut LogsLayer> {
        match self.layers.iter_mut().rev().find(|layer| layer.covers()) {
            Some(Layer::Logs(logs)) => Some(logs),
            _ => None,
        }
    }

    /// Columns and rows for lines: the last rows may be taken by a note.
    pub fn log_size(&self, desk: &Desk) -> (usize, usize) {
        let inner = inside(self.areas(desk).body);
        let columns = usize::from(inner.width.saturating_sub(2));
        (columns, usize::from(inner.height).saturating_sub(self.log_note(columns).len()).max(1))
    }

    /// What is said below the lines, in rows.
    pub fn log_note(&self, columns: usize) -> Vec<String> {
        let note = self.tail.as_ref().filter(|tail| !tail.lines.is_empty()).and_then(Tail::note);
        let mut rows = note.map(|note| super::super::pages::wrap(&text::sanitize(&note), columns)).unwrap_or_default();
        rows.truncate(2);
        rows
    }

    /// The log on the screen, laid out.
    pub fn reading(&self, desk: &Desk) -> Option<Reading<'_>> {
        Some(self.logs()?.reading(&self.tail.as_ref()?.lines, self.log_size(desk).0))
    }

    /// Why no logs can be read about what is selected.
    pub(super) fn no_logs(&self, desk: &Desk) -> Option<String> {
        match self.target(desk) {
            Some(Key::Object(kind, _) | Key::Place(kind, ..)) if view::has_logs(kind) => None,
            Some(Key::Object(kind, _) | Key::Place(kind, ..)) => {
                Some(format!("no program writes a log about a {}", kind.spec().kind))
            }
            _ => Some("select an object first".to_owned()),
        }
    }

    /// Why the log of the other instance cannot be read.
    pub(super) fn no_instance(&self, desk: &Desk) -> Option<String> {
        let source = &self.logs()?.source;
        let pod = desk.world.inventory.pods.get(&source.uid);
        let containers = pod.into_iter().flat_map(|pod| pod.containers.iter().chain(&pod.init_containers));
        let known = containers.filter(|container| container.name == source.container).any(|it| it.previous);
        (!source.previous && !known)
            .then(|| "there is none before this: the container was not started again".to_owned())
    }

    pub(super) fn show_logs(&mut self, desk: &Desk, argument: Option<&str>) {
        let Some(key) = self.target(desk) else { return };
        let since = match argument.map(str::parse::<SignedDuration>) {
            None => None,
            Some(Ok(span)) if span.is_positive() => u64::try_from(span.as_secs().max(1)).ok(),
            Some(_) => return self.say(desk, Level::Warn, "how far back? For example `:logs 15m`"),
        };
        let Some(found) = view::log_sources(&desk.world, &key) else {
            return self.say(desk, Level::Warn, "the selection is gone");
        };
        match (found.sources.as_slice(), found.missing.is_empty()) {
            ([only], true) => self.read_log(only.clone(), since),
            _ => self.visit(Layer::Sources(Box::new(SourcesLayer { key, found: Some(found), place: 0, since }))),
        }
    }

    /// Opens the log under the cursor of the list.
    pub(super) fn open_source(&mut self) {
        let Some(Layer::Sources(sources)) = self.layers.last() else { return };
        if let Some(source) = sources.chosen() {
            let (source, since) = (source.clone(), sources.since);
            self.read_log(source, since);
        }
    }

    fn read_log(&mut self, source: LogSource, since: Option<u64>) {
        self.last = self.layers.clone();
        // One log at a time: each costs a connection.
        self.layers.retain(|layer| !matches!(layer, Layer::Logs(_)));
        self.layers.push(Layer::Logs(Box::new(LogsLayer::new(source, since))));
    }

    pub(super) fn log_event(&mut self, desk: &Desk, ask: u64, event: LogEvent) {
        if let Some(tail) = self.tail.as_mut().filter(|tail| tail.ask == ask) {
            tail.take(event, desk.now);
        }
    }

    /// Reads what a layer shows, and nothing else.
    pub(super) fn settle_log(&mut self) -> Vec<Effect> {
        let wanted = self.layers.iter_mut().rev().find_map(|layer| match layer {
            Layer::Logs(logs) => Some(logs),
            _ => None,
        });
        let query = wanted.as_ref().map(|logs| logs.query());
        if self.tail.as_ref().map(|tail| &tail.query) == query.as_ref() {
            return Vec::new();
        }
        let mut effects: Vec<Effect> = self.tail.take().map(|tail| Effect::CloseLog(tail.ask)).into_iter().collect();
        if let (Some(logs), Some(query)) = (wanted, query) {
            logs.bottom = None;
            self.asks += 1;
            self.tail = Some(Tail::new(self.asks, query.clone()));
            effects.push(Effect::OpenLog { ask: self.asks, query });
        }
        effects
    }

    /// Moves in the log on top of the layers.
    pub(super) fn scroll_log(&mut self, desk: &Desk, go: impl Fn(usize, usize) -> usize) {
        let size = self.log_size(desk);
        if let (Some(Layer::Logs(logs)), Some(tail)) = (self.layers.last_mut(), &self.tail) {
            logs.go(&tail.lines, size, go);
        }
    }

    /// Changes how the log on the screen is looked at.
    pub(super) fn turn_log(&mut self, turn: impl FnOnce(&mut LogsLayer)) {
        if let Some(logs) = self.logs_mut() {
            turn(logs);
        }
    }

    pub(super) fn filter_log(&mut self, argument: Option<&str>) {
        let Some(logs) = self.logs_mut() else { return };
        let before = logs.filter.clone();
        match argument {
            Some(text) => logs.look_for(LineFilter::parse(text)),
            None => self.layers.push(Layer::LineFilter(typing::line(before.text()), before)),
        }
    }

    /// Takes the filter of the log on top away; whether there was one.
    pub(super) fn clear_log_filter(&mut self) -> bool {
        let Some(Layer::Logs(logs)) = self.layers.last_mut() else { return false };
        let filtered = !logs.filter.is_empty();
        if filtered {
            logs.look_for(LineFilter::default());
        }
        filtered
    }

    /// Copies the lines on the screen, each whole.
    pub(super) fn copy_log(&mut self, desk: &Desk) -> Vec<Effect> {
        let (_, height) = self.log_size(desk);
        let (Some(reading), Some(logs)) = (self.reading(desk), self.logs()) else { return Vec::new() };
        let mut numbers: Vec<u64> = reading.page(logs.bottom, height).iter().map(|row| row.line).collect();
        numbers.dedup();
        let mut room = COPIED;
        let fits = |line: &String| {
            let left = room.checked_sub(line.len() + 1);
            room = left.unwrap_or(0);
            left.is_some()
        };
        let mut lines: Vec<String> =
            numbers.iter().rev().filter_map(|number| reading.whole(*number)).take_while(fits).collect();
        lines.reverse();
        let left_out = numbers.len() - lines.len();
        if lines.is_empty() {
            self.say(desk, Level::Warn, "there is no line to copy, or it is too long for a terminal's clipboard");
            return Vec::new();
        }
        let older = if left_out == 0 { String::new() } else { format!("; {left_out} older ones are too much for it") };
        let sent = text::plural(lines.len(), "line", "lines");
        self.say(desk, Level::Info, format!("sent to the clipboard: {sent}{older}"));
        vec![Effect::Copy(lines.join("\n"))]
    }
}
