//! Keys in the palette: the line, the list beneath the cursor, values and the history.

use crossterm::event::{KeyCode, KeyEvent};

use super::super::action::{Action, ActionId, Argument, Availability};
use super::super::layer::{Layer, Place};
use super::super::palette::{Listed, Palette, Typed, last_piece};
use super::super::theme::Theme;
use super::typing::{content, edit, line};
use super::values::Contexts;
use super::{App, Effect};
use crate::session::Desk;
use crate::view::Level;

/// Commands that are remembered.
const REMEMBERED: usize = 100;

impl App {
    pub(super) fn open_palette(&mut self) {
        self.contexts = Contexts::NotAsked;
        let palette = Palette { line: line(""), place: 0, moved: false, walked: None, before: self.theme.clone() };
        self.layers.push(Layer::Palette(Box::new(palette)));
    }

    pub(super) fn palette_key(&mut self, desk: &Desk, event: KeyEvent) -> Vec<Effect> {
        match event.code {
            KeyCode::Esc => {
                self.close_palette();
                return Vec::new();
            }
            KeyCode::Enter => return self.command(desk),
            KeyCode::Up | KeyCode::Down => self.up_or_down(desk, event.code == KeyCode::Up),
            KeyCode::Tab => self.complete(desk),
            _ => {
                if let Some(palette) = self.palette_mut() {
                    edit(&mut palette.line, event);
                }
                self.palette_edited(desk);
            }
        }
        self.preview(desk);
        self.lacking_contexts()
    }

    /// What the palette lists for the line as it is.
    pub fn listed(&self, desk: &Desk, line: &str) -> Vec<Listed> {
        let typed = Typed::read(line);
        if let Some((takes, piece)) = piece(typed) {
            return self.values(desk, takes, piece).into_iter().map(Listed::Value).collect();
        }
        let under = self.layers.len().checked_sub(2).and_then(|i| self.layers.get(i));
        let under = under.map_or(Place::Panes, Layer::place);
        // What can be typed but not run here is listed, after all that can.
        let (here, elsewhere): (Vec<_>, Vec<_>) =
            typed.commands().into_iter().partition(|action| action.applies(under));
        let here = here.into_iter().map(|action| Listed::Command(action, self.available(desk, action.id)));
        let no = || Availability::Disabled("does not apply on this screen".into());
        here.chain(elsewhere.into_iter().map(|action| Listed::Command(action, no()))).collect()
    }

    /// The colours that hold while none is tried on.
    pub(in crate::tui) fn theme_before(&self) -> &Theme {
        match self.layers.last() {
            Some(Layer::Palette(palette)) => &palette.before,
            _ => &self.theme,
        }
    }

    /// Commands that were typed, the oldest first.
    pub fn commands(&self) -> &[String] {
        &self.history
    }

    /// Takes over commands of earlier sessions, the oldest first.
    pub fn recall(&mut self, commands: Vec<String>) {
        self.history = commands;
    }

    fn palette(&self) -> Option<&Palette> {
        match self.layers.last()? {
            Layer::Palette(palette) => Some(palette),
            _ => None,
        }
    }

    fn palette_mut(&mut self) -> Option<&mut Palette> {
        match self.layers.last_mut()? {
            Layer::Palette(palette) => Some(palette),
            _ => None,
        }
    }

    /// After the line was changed: the cursor goes to the best line, or to what holds now where nothing is typed.
    pub(super) fn palette_edited(&mut self, desk: &Desk) {
        let Some(palette) = self.palette() else { return };
        let line = content(&palette.line).to_owned();
        let typed = Typed::read(&line);
        let empty = typed.valued().is_some_and(|(_, argument)| argument.is_empty());
        let now = |listed: &Listed| matches!(listed, Listed::Value(value) if value.now);
        let place = if empty { self.listed(desk, &line).iter().position(now) } else { None };
        if let Some(palette) = self.palette_mut() {
            palette.place = place.unwrap_or(0);
            palette.moved = false;
            palette.walked = None;
        }
    }

    /// On an empty line, and from there on, earlier commands; else the lines of the list.
    fn up_or_down(&mut self, desk: &Desk, up: bool) {
        let Some(palette) = self.palette() else { return };
        let text = content(&palette.line).to_owned();
        if palette.walked.is_none() && (!text.is_empty() || self.history.is_empty()) {
            return self.palette_to(desk, |place| if up { place.saturating_sub(1) } else { place + 1 });
        }
        let newest = self.history.len();
        let at = palette.walked.unwrap_or(newest);
        let at = if up { at.saturating_sub(1) } else { (at + 1).min(newest) };
        let text = self.history.get(at).cloned().unwrap_or_default();
        if let Some(palette) = self.palette_mut() {
            palette.line = line(&text);
        }
        self.palette_edited(desk);
        if let Some(palette) = self.palette_mut() {
            palette.walked = (at < newest).then_some(at);
        }
    }

    /// Moves the cursor of the list.
    pub(super) fn palette_to(&mut self, desk: &Desk, go: impl Fn(usize) -> usize) {
        let Some(palette) = self.palette() else { return };
        let last = self.listed(desk, content(&palette.line)).len().saturating_sub(1);
        if let Some(palette) = self.palette_mut() {
            palette.place = go(palette.place).min(last);
            palette.moved = true;
        }
        self.preview(desk);
    }

    /// Takes a line of the list into what is typed, as `tab` does with the one under the cursor. Whether the command is
    /// whole by that: one that takes a value lists its values next.
    pub(super) fn take_line(&mut self, desk: &Desk, place: usize) -> bool {
        let typed = |app: &Self| app.palette().map(|palette| Typed::read(content(&palette.line)).valued().is_some());
        let valued = typed(self);
        self.palette_to(desk, |_| place);
        self.complete(desk);
        typed(self) == valued
    }

    /// The action that `enter` would run.
    pub(super) fn meant(&self, desk: &Desk, palette: &Palette) -> Option<&'static Action> {
        let line = content(&palette.line);
        Typed::read(line).action().or_else(|| match self.listed(desk, line).into_iter().nth(palette.place)? {
            Listed::Command(action, _) => Some(action),
            Listed::Value(_) => None,
        })
    }

    fn complete(&mut self, desk: &Desk) {
        let Some(palette) = self.palette() else { return };
        let text = content(&palette.line);
        let text = match self.listed(desk, text).into_iter().nth(palette.place) {
            Some(Listed::Command(action, _)) => format!("{} ", action.name),
            Some(Listed::Value(value)) => completed(Typed::read(text), &value.name) + " ",
            None => return,
        };
        if let Some(palette) = self.palette_mut() {
            palette.line = line(&text);
        }
        self.palette_edited(desk);
    }

    /// Shows a theme while its line is under the cursor.
    fn preview(&mut self, desk: &Desk) {
        let Some(palette) = self.palette() else { return };
        let text = content(&palette.line);
        let valued = Typed::read(text).valued();
        let tried = valued.filter(|(action, _)| action.argument == Some(Argument::Theme));
        let value = tried.and_then(|_| self.listed(desk, text).into_iter().nth(palette.place));
        let theme = match value {
            Some(Listed::Value(value)) => self.themes.load(&value.name).ok(),
            _ => None,
        };
        self.theme = theme.unwrap_or_else(|| palette.before.clone());
    }

    /// Contexts are read when they are about to be chosen from, once for each time the palette is opened.
    fn lacking_contexts(&mut self) -> Vec<Effect> {
        let line = self.palette().map(|palette| content(&palette.line)).unwrap_or_default();
        let valued = Typed::read(line).valued();
        let wanted = valued.is_some_and(|(action, _)| action.argument == Some(Argument::Context));
        if wanted && self.contexts == Contexts::NotAsked { self.ask_contexts() } else { Vec::new() }
    }

    pub(super) fn close_palette(&mut self) -> Option<Box<Palette>> {
        match self.layers.pop()? {
            Layer::Palette(palette) => {
                self.theme = palette.before.clone();
                Some(palette)
            }
            other => {
                self.layers.push(other);
                None
            }
        }
    }

    /// Runs what is typed, or the line under the cursor.
    pub(super) fn command(&mut self, desk: &Desk) -> Vec<Effect> {
        let Some(palette) = self.palette() else { return Vec::new() };
        let text = content(&palette.line).to_owned();
        let typed = Typed::read(&text);
        let listed = self.listed(desk, &text);
        let chosen = match piece(typed) {
            Some((_, piece)) if !piece.is_empty() && !palette.moved => named(listed, piece),
            _ => listed.into_iter().nth(palette.place),
        };
        self.close_palette();
        let (action, line) = match (chosen, typed.action()) {
            (Some(Listed::Value(value)), Some(action)) => (action, chosen_line(typed, action, &value.name)),
            (_, Some(action)) => (action, text.trim().to_owned()),
            (Some(Listed::Command(action, _)), None) => (action, action.name.to_owned()),
            _ => {
                let way = self.keymap.way(ActionId::Palette);
                self.say(desk, Level::Warn, format!("there is no command \"{}\"; {way} lists them", typed.name));
                return Vec::new();
            }
        };
        self.remember(&line);
        if !action.applies(self.place()) {
            self.say(desk, Level::Warn, format!(":{} does not apply on this screen", action.name));
            return Vec::new();
        }
        let argument = Typed::read(&line).argument.map(str::trim).filter(|argument| !argument.is_empty());
        self.run(desk, action.id, argument)
    }

    fn remember(&mut self, line: &str) {
        self.history.retain(|other| other != line);
        self.history.push(line.to_owned());
        let over = self.history.len().saturating_sub(REMEMBERED);
        self.history.drain(..over);
    }
}

/// What is typed of a value, and of which kind it is.
fn piece(typed: Typed<'_>) -> Option<(Argument, &str)> {
    let (action, argument) = typed.valued()?;
    let takes = action.argument?;
    Some((takes, if takes.several() { last_piece(argument).1 } else { argument.trim_end() }))
}

/// The value that is typed out: its name, or the beginning of no other one. Letters that lie scattered in a name find it
/// in the list; entered, they would act on what nobody named.
fn named(listed: Vec<Listed>, typed: &str) -> Option<Listed> {
    let name = |listed: &Listed| match listed {
        Listed::Value(value) => value.name.to_lowercase(),
        Listed::Command(..) => String::new(),
    };
    let typed = typed.to_lowercase();
    let whole = listed.iter().position(|listed| name(listed) == typed);
    let mut begun = (0..listed.len()).filter(|at| name(&listed[*at]).starts_with(&typed));
    let only = begun.next().filter(|_| begun.next().is_none());
    listed.into_iter().nth(whole.or(only)?)
}

/// The command with the value under the cursor; of several values a list that ends with a separator is whole.
fn chosen_line(typed: Typed<'_>, action: &Action, value: &str) -> String {
    let argument = typed.argument.unwrap_or_default();
    let whole = action.argument.is_some_and(Argument::several) && {
        let (before, piece) = last_piece(argument);
        piece.is_empty() && !before.trim().is_empty()
    };
    if whole { format!("{} {}", action.name, argument.trim_end_matches([',', ' '])) } else { completed(typed, value) }
}

/// The line with a value in place of what is typed of it.
fn completed(typed: Typed<'_>, value: &str) -> String {
    let several = typed.action().and_then(|action| action.argument).is_some_and(Argument::several);
    let before = if several { last_piece(typed.argument.unwrap_or_default()).0 } else { "" };
    format!("{} {before}{value}", typed.name)
}
