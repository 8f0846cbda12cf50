//! Keys while text is typed: a filter, or the names that confirm. The palette and the pickers have files of their own.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui_textarea::TextArea;

use super::super::action::Action;
use super::super::form::Unseen;
use super::super::layer::{Layer, Offer};
use super::super::runs::RunEffect;
use super::{App, Effect};
use crate::session::Desk;
use crate::view::{Filter, Level, LineFilter};
use crate::x509::holds_key;

/// What is said while a confirmed plan becomes an operation.
const STARTING: &str = "starting";

/// One line to type into.
pub(super) fn line(text: &str) -> Box<TextArea<'static>> {
    let mut line = TextArea::new(vec![text.to_owned()]);
    line.move_cursor(ratatui_textarea::CursorMove::End);
    line.set_cursor_line_style(ratatui::style::Style::new());
    Box::new(line)
}

/// Takes a key into a line. `ctrl-u` empties it up to the cursor, as in a shell.
pub(in crate::tui) fn edit(line: &mut TextArea<'_>, event: KeyEvent) {
    if event.code == KeyCode::Char('u') && event.modifiers.contains(KeyModifiers::CONTROL) {
        line.delete_line_by_head();
    } else {
        line.input(event);
    }
}

/// What stands in a line.
pub fn content<'a>(line: &'a TextArea<'_>) -> &'a str {
    line.lines().first().map_or("", String::as_str)
}

impl App {
    pub(super) fn typed(&mut self, desk: &Desk, event: KeyEvent) -> Vec<Effect> {
        match self.layers.last() {
            Some(Layer::Palette(_)) => return self.palette_key(desk, event),
            Some(Layer::Pick(_)) => return self.picker_key(desk, event),
            _ => {}
        }
        self.touch(desk);
        match event.code {
            KeyCode::Esc => {
                self.give_up();
                return Vec::new();
            }
            KeyCode::Enter => return self.entered(desk),
            KeyCode::Up | KeyCode::Down | KeyCode::Tab => {}
            _ => {
                if let Some(line) = self.line() {
                    edit(line, event);
                }
            }
        }
        self.edited(desk);
        Vec::new()
    }

    pub(super) fn paste(&mut self, desk: &Desk, text: &Unseen) {
        if let Some(form) = self.form_mut() {
            match form.paste(text) {
                Ok(None) => {}
                Ok(Some(said)) => self.say(desk, Level::Info, said),
                Err(why) => self.say(desk, Level::Warn, why),
            }
            return;
        }
        let text = text.text();
        if holds_key(text) {
            self.say(desk, Level::Warn, "it holds a private key, which would be shown here: it was not taken");
            return;
        }
        self.touch(desk);
        if let Some(Layer::Confirm(offer, naming)) = self.layers.last_mut() {
            // A name that was copied with something else was not read.
            let pasted = text.trim_end_matches(['\r', '\n']);
            if offer.plan.proofs().get(naming.done.len()).is_some_and(|proof| proof.name == pasted) {
                naming.line = line(pasted);
            } else {
                self.say(desk, Level::Warn, "only the exact name can be pasted here");
            }
            return;
        }
        // Text that is pasted where no text is asked for must not press keys.
        if let Some(line) = self.line() {
            line.insert_str(text.lines().next().unwrap_or_default());
            self.edited(desk);
        }
    }

    /// A key was pressed: a confirmation that was too old before stays so, any other waits anew.
    fn touch(&mut self, desk: &Desk) {
        self.look_again(desk);
        if let Some(Layer::Confirm(offer, _)) = self.layers.last_mut() {
            offer.touched = desk.now;
        }
    }

    fn line(&mut self) -> Option<&mut TextArea<'static>> {
        match self.layers.last_mut()? {
            Layer::Filter(line, _) | Layer::LineFilter(line, _) => Some(line),
            Layer::Palette(palette) => Some(&mut palette.line),
            Layer::Pick(picker) => Some(&mut picker.line),
            Layer::Confirm(_, naming) => Some(&mut naming.line),
            _ => None,
        }
    }

    pub(super) fn give_up(&mut self) {
        // Colours that were tried on go with the palette.
        if self.close_palette().is_some() {
            return;
        }
        match self.layers.pop() {
            Some(Layer::Filter(_, before)) => self.set_filter(before),
            Some(Layer::LineFilter(_, before)) => self.turn_log(|logs| logs.look_for(before)),
            _ => {}
        }
    }

    /// A filter works while it is typed; the lists follow what is typed.
    pub(super) fn edited(&mut self, desk: &Desk) {
        match self.layers.last() {
            Some(Layer::Filter(line, _)) => {
                let filter = Filter::parse(content(line));
                self.set_filter(filter);
            }
            Some(Layer::LineFilter(line, _)) => {
                let filter = LineFilter::parse(content(line));
                self.turn_log(|logs| logs.look_for(filter));
            }
            _ => {}
        }
        self.palette_edited(desk);
        self.picker_edited(desk);
        self.panes.sync(desk, &self.areas(desk));
    }

    /// The action that `enter` would run, in the action menu and in the palette.
    pub(super) fn chosen(&self, desk: &Desk) -> Option<&'static Action> {
        match self.layers.last()? {
            Layer::Menu(entries, place, _) => entries.get(*place).map(|(id, _)| Action::of(*id)),
            Layer::Palette(palette) => self.meant(desk, palette),
            _ => None,
        }
    }

    pub(super) fn entered(&mut self, desk: &Desk) -> Vec<Effect> {
        match self.layers.last() {
            Some(Layer::Filter(..) | Layer::LineFilter(..)) => {
                self.layers.pop();
                Vec::new()
            }
            Some(Layer::Palette(_)) => self.command(desk),
            Some(Layer::Pick(_)) => self.picked(desk),
            Some(Layer::Confirm(..)) => self.confirm(desk),
            _ => Vec::new(),
        }
    }

    /// What was confirmed has begun, or has not: it does not start any more.
    pub(super) fn started(&mut self) {
        self.said.take_if(|(_, _, said)| said == STARTING);
    }

    fn confirm(&mut self, desk: &Desk) -> Vec<Effect> {
        let Some(Layer::Confirm(offer, naming)) = self.layers.last_mut() else { return Vec::new() };
        if offer.died.is_some() || desk.world.context.read_only {
            return Vec::new();
        }
        // Enter does nothing until the name matches.
        let proofs = offer.plan.proofs();
        let typed = content(&naming.line).to_owned();
        if proofs.get(naming.done.len()).map(|proof| proof.name) != Some(typed.as_str()) {
            return wrongly(offer, &naming.done, typed);
        }
        let more = naming.done.len() + 1 < proofs.len();
        naming.done.push(typed);
        if more {
            naming.line = line("");
            return Vec::new();
        }
        let who = desk.world.context.user.as_deref().unwrap_or("(unknown)");
        let Ok(confirmed) = offer.plan.clone().confirm_typed(&naming.done, who) else { return Vec::new() };
        let (confirmed, of_run) = (Box::new(confirmed), offer.of_run.clone());
        self.layers.retain(Layer::view);
        self.kept = None;
        self.say(desk, Level::Info, STARTING);
        vec![match of_run {
            Some((run, at)) => RunEffect::Start(run, at, confirmed).into(),
            None => Effect::Start(confirmed),
        }]
    }
}

/// Something else was entered than what confirms a plan. An empty line is no answer.
fn wrongly(offer: &Offer, done: &[String], typed: String) -> Vec<Effect> {
    if typed.is_empty() {
        return Vec::new();
    }
    let answers: Vec<String> = done.iter().cloned().chain([typed]).collect();
    let wrong = offer.plan.clone().confirm_typed(&answers, "").err();
    wrong.map(|wrong| Effect::Abort(Box::new(offer.plan.clone()), wrong.to_string())).into_iter().collect()
}
