//! Keys while text is typed: a filter, a command, the name that confirms.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui_textarea::TextArea;

use super::super::action::{ACTIONS, Action, ActionId, Availability};
use super::super::layer::{Layer, Place};
use super::{App, Effect};
use crate::session::Desk;
use crate::view::{Filter, Level, LineFilter};

/// Short names that hands know.
const ALIASES: &[(&str, &str)] = &[
    ("q", "quit"),
    ("pvc", "volumes"),
    ("vol", "volumes"),
    ("snap", "restore-points"),
    ("cert", "certificates"),
    ("ops", "operations"),
    ("h", "help"),
];

/// One line to type into.
pub(super) fn line(text: &str) -> Box<TextArea<'static>> {
    let mut line = TextArea::new(vec![text.to_owned()]);
    line.move_cursor(ratatui_textarea::CursorMove::End);
    line.set_cursor_line_style(ratatui::style::Style::new());
    Box::new(line)
}

/// What stands in a line.
pub fn content<'a>(line: &'a TextArea<'_>) -> &'a str {
    line.lines().first().map_or("", String::as_str)
}

impl App {
    pub(super) fn typed(&mut self, desk: &Desk, event: KeyEvent) -> Vec<Effect> {
        match event.code {
            KeyCode::Esc => {
                self.give_up();
                return Vec::new();
            }
            KeyCode::Enter => return self.entered(desk),
            KeyCode::Up | KeyCode::Down => {
                if let Some(Layer::Palette(_, place)) = self.layers.last_mut() {
                    *place = if event.code == KeyCode::Up { place.saturating_sub(1) } else { *place + 1 };
                }
            }
            KeyCode::Tab => self.complete(),
            _ => {
                if let Some(line) = self.line() {
                    line.input(event);
                }
            }
        }
        self.edited(desk);
        Vec::new()
    }

    pub(super) fn paste(&mut self, desk: &Desk, text: &str) {
        if let Some(form) = self.form_mut() {
            form.paste(text);
            return;
        }
        // Text that is pasted where no text is asked for must not press keys.
        if let Some(line) = self.line() {
            line.insert_str(text.lines().next().unwrap_or_default());
            self.edited(desk);
        }
    }

    fn line(&mut self) -> Option<&mut TextArea<'static>> {
        match self.layers.last_mut()? {
            Layer::Filter(line, _) | Layer::LineFilter(line, _) | Layer::Palette(line, _) | Layer::Confirm(_, line) => {
                Some(line)
            }
            _ => None,
        }
    }

    pub(super) fn give_up(&mut self) {
        match self.layers.pop() {
            Some(Layer::Filter(_, before)) => self.set_filter(before),
            Some(Layer::LineFilter(_, before)) => self.turn_log(|logs| logs.look_for(before)),
            _ => {}
        }
    }

    /// A filter works while it is typed; the list of commands follows what is typed.
    pub(super) fn edited(&mut self, desk: &Desk) {
        match self.layers.last_mut() {
            Some(Layer::Filter(line, _)) => {
                let filter = Filter::parse(content(line));
                self.set_filter(filter);
            }
            Some(Layer::LineFilter(line, _)) => {
                let filter = LineFilter::parse(content(line));
                self.turn_log(|logs| logs.look_for(filter));
            }
            Some(Layer::Palette(line, place)) => {
                let matches = commands(content(line)).len();
                *place = (*place).min(matches.saturating_sub(1));
            }
            _ => {}
        }
        self.panes.sync(desk, &self.areas(desk));
    }

    fn complete(&mut self) {
        if let Some(Layer::Palette(line, place)) = self.layers.last_mut()
            && let Some(action) = commands(content(line)).get(*place)
        {
            **line = *self::line(&format!("{} ", action.name));
        }
    }

    /// Puts a command of the palette's list into its line, as if it was typed.
    pub(super) fn take_command(&mut self, chosen: usize) {
        if let Some(Layer::Palette(_, place)) = self.layers.last_mut() {
            *place = chosen;
            self.complete();
        }
    }

    /// The action that `enter` would run, in the action menu and in the palette.
    pub(super) fn chosen(&self) -> Option<&'static Action> {
        match self.layers.last()? {
            Layer::Menu(entries, place, _) => entries.get(*place).map(|(id, _)| Action::of(*id)),
            Layer::Palette(line, place) => meant(content(line), *place),
            _ => None,
        }
    }

    pub(super) fn entered(&mut self, desk: &Desk) -> Vec<Effect> {
        match self.layers.last() {
            Some(Layer::Filter(..) | Layer::LineFilter(..)) => {
                self.layers.pop();
                Vec::new()
            }
            Some(Layer::Palette(line, place)) => {
                let (typed, place) = (content(line).to_owned(), *place);
                self.layers.pop();
                self.command(desk, &typed, place)
            }
            Some(Layer::Confirm(..)) => self.confirm(desk),
            _ => Vec::new(),
        }
    }

    fn command(&mut self, desk: &Desk, typed: &str, place: usize) -> Vec<Effect> {
        let (name, argument) = split(typed);
        match meant(typed, place) {
            Some(action) if action.applies(self.place()) => self.run(desk, action.id, argument),
            Some(action) => {
                self.say(desk, Level::Warn, format!(":{} does not apply on this screen", action.name));
                Vec::new()
            }
            None => {
                let way = self.keymap.way(ActionId::Palette);
                self.say(desk, Level::Warn, format!("there is no command \"{name}\"; {way} lists them"));
                Vec::new()
            }
        }
    }

    fn confirm(&mut self, desk: &Desk) -> Vec<Effect> {
        let Some(Layer::Confirm(offer, line)) = self.layers.last() else { return Vec::new() };
        if offer.died.is_some() || desk.world.context.read_only {
            return Vec::new();
        }
        let who = desk.world.context.user.as_deref().unwrap_or("(unknown)");
        let confirmed = offer.plan.clone().confirm_typed(content(line), who);
        // Enter does nothing until the name matches.
        let Ok(confirmed) = confirmed else { return Vec::new() };
        self.layers.retain(Layer::view);
        self.kept = None;
        self.say(desk, Level::Info, "starting");
        vec![Effect::Start(Box::new(confirmed))]
    }

    /// The actions that a palette lists for what is typed, each with its availability.
    pub fn listed(&self, desk: &Desk, typed: &str) -> Vec<(&'static Action, Availability)> {
        let under =
            self.layers.len().checked_sub(2).and_then(|i| self.layers.get(i)).map_or(Place::Panes, Layer::place);
        let available = |action: &Action| {
            if action.applies(under) {
                self.available(desk, action.id)
            } else {
                Availability::Disabled("does not apply on this screen".into())
            }
        };
        commands(typed).into_iter().map(|action| (action, available(action))).collect()
    }
}

fn split(typed: &str) -> (&str, Option<&str>) {
    let typed = typed.trim();
    let (name, argument) = typed.split_once(char::is_whitespace).map_or((typed, None), |(n, a)| (n, Some(a.trim())));
    let alias = ALIASES.iter().find(|(short, _)| *short == name);
    (alias.map_or(name, |(_, long)| long), argument)
}

/// The command that is meant by what is typed, with the cursor at this place of the list.
fn meant(typed: &str, place: usize) -> Option<&'static Action> {
    let (name, _) = split(typed);
    let exact = ACTIONS.iter().find(|action| action.name == name);
    exact.or_else(|| commands(typed).get(place).copied())
}

/// Commands whose name holds what is typed; those that begin with it first.
fn commands(typed: &str) -> Vec<&'static Action> {
    let (name, _) = split(typed);
    let moves = |id: ActionId| {
        use ActionId as Id;
        matches!(
            id,
            Id::Down
                | Id::Up
                | Id::Top
                | Id::Bottom
                | Id::HalfDown
                | Id::HalfUp
                | Id::PageDown
                | Id::PageUp
                | Id::Palette
                | Id::Back
                | Id::Leave
                | Id::StepIn
                | Id::StepOut
                | Id::Fold
                | Id::Earlier
                | Id::Later
                | Id::PanBack
                | Id::PanOn
                | Id::ZoomIn
                | Id::ZoomOut
                | Id::Now
                | Id::Proceed
                | Id::ToggleColumn
                | Id::ResetColumns
                | Id::NextField
                | Id::PreviousField
                | Id::Submit
        )
    };
    let mut found: Vec<&Action> =
        ACTIONS.iter().filter(|action| !moves(action.id) && action.name.contains(name)).collect();
    found.sort_by_key(|action| !action.name.starts_with(name));
    found
}
