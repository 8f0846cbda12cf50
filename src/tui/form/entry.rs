//! What is typed in one field, and the list that is open in it.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::style::Style;
use ratatui_textarea::{CursorMove, TextArea, WrapMode};

use super::super::app::edit;
use super::Unseen;
use crate::plan::{Choice, FieldKind};
use crate::text;

/// What is typed in one field.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The text and its cursor.
    pub area: TextArea<'static>,
    /// The list that is open, where there is something to choose.
    pub open: Option<Open>,
    /// The answer as it was given or chosen, until it is edited: the area shows it with what hides made visible.
    given: Option<String>,
    /// What is typed where nobody may see it; the area says only how long it is.
    unseen: Option<Unseen>,
    /// The file that it came from, until it is edited.
    pub(super) from: Option<String>,
}

/// A list of choices that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// The line under its cursor.
    pub place: usize,
    /// The answer that comes back when nothing is chosen.
    before: String,
}

impl Entry {
    pub(super) fn new(text: &str, kind: &FieldKind) -> Self {
        let unseen = matches!(kind, FieldKind::Hidden).then(Unseen::default);
        let mut entry = Self { area: TextArea::default(), open: None, given: None, unseen, from: None };
        entry.set(text);
        if matches!(kind, FieldKind::Lines) {
            entry.area.set_wrap_mode(WrapMode::WordOrGlyph);
        }
        entry
    }

    /// The answer, its lines joined.
    pub fn text(&self) -> String {
        self.given.clone().unwrap_or_else(|| self.area.lines().join("\n"))
    }

    /// What is typed where nobody may see it.
    pub(super) fn hidden(&self) -> &str {
        self.unseen.as_ref().map(Unseen::text).unwrap_or_default()
    }

    /// Takes over what was typed in another.
    pub(super) fn take_over(&mut self, other: &Self) {
        self.unseen.clone_from(&other.unseen);
        if !self.hide(|_| {}) {
            self.set(&other.text());
        }
        self.from.clone_from(&other.from);
    }

    /// Changes what nobody may see, where there is such a thing.
    fn hide(&mut self, change: impl FnOnce(&mut Unseen)) -> bool {
        let Some(unseen) = &mut self.unseen else { return false };
        change(unseen);
        let said = unseen.said();
        self.show(&said);
        true
    }

    pub(super) fn set(&mut self, text: &str) {
        self.from = None;
        if !self.hide(|unseen| *unseen = Unseen::from(text)) {
            self.show(text);
        }
    }

    fn show(&mut self, text: &str) {
        let mode = self.area.wrap_mode();
        self.area = TextArea::new(text.split('\n').map(|line| text::sanitize(line).into_owned()).collect());
        self.area.set_wrap_mode(mode);
        self.area.set_cursor_line_style(Style::new());
        self.area.move_cursor(CursorMove::Bottom);
        self.area.move_cursor(CursorMove::End);
        self.given = Some(text.to_owned());
    }

    pub(super) fn line(&self) -> usize {
        self.area.cursor().0
    }

    pub(super) fn at_last_line(&self) -> bool {
        self.line() + 1 >= self.area.lines().len()
    }

    pub(super) fn input(&mut self, event: KeyEvent) {
        if self.hide(|unseen| unseen.input(event)) {
            self.from = None;
            return;
        }
        let before = self.area.lines().to_vec();
        self.edit(event);
        if self.area.lines() != before {
            (self.given, self.from) = (None, None);
        }
    }

    fn edit(&mut self, event: KeyEvent) {
        match event.code {
            KeyCode::Char(c) if event.modifiers.is_empty() || c.is_uppercase() => {
                self.area.insert_str(text::sanitize(c.encode_utf8(&mut [0; 4])));
            }
            _ => edit(&mut self.area, event),
        }
    }

    pub(super) fn paste(&mut self, text: &str, lines: bool, chosen: bool) {
        self.from = None;
        if self.hide(|unseen| unseen.push(text)) {
            return;
        }
        let take = if lines { usize::MAX } else { 1 };
        let clean: Vec<_> = text.lines().take(take).map(text::sanitize).collect();
        if chosen && self.open.is_none() {
            self.open_for_search();
        }
        self.area.insert_str(clean.join("\n"));
        // What is pasted next begins a line of its own.
        if lines && text.ends_with('\n') {
            self.area.insert_newline();
        }
        self.given = None;
    }

    /// The choices that hold what is typed, those that begin with it first; all of them before anything is.
    pub(super) fn narrowed(&self, mut choices: Vec<Choice>) -> Vec<Choice> {
        let typed = self.text().to_lowercase();
        if self.open.as_ref().is_some_and(|open| open.before.to_lowercase() != typed) {
            choices.retain(|choice| choice.value.to_lowercase().contains(&typed));
            choices.sort_by_key(|choice| !choice.value.to_lowercase().starts_with(&typed));
        }
        choices
    }

    /// Moves in the list, or opens it on the present answer.
    pub(super) fn walk(&mut self, down: bool, kind: &FieldKind, listed: usize) {
        match &mut self.open {
            Some(open) if down => open.place = (open.place + 1).min(listed.saturating_sub(1)),
            Some(open) => open.place = open.place.saturating_sub(1),
            None => {
                let before = self.text();
                let place = kind.choices().iter().position(|choice| choice.value == before).unwrap_or(0);
                self.open = Some(Open { place, before });
            }
        }
    }

    /// A key that searches the list: the first one begins anew.
    pub(super) fn search(&mut self, event: KeyEvent) {
        if self.open.as_ref().is_none_or(|open| open.before == self.text()) {
            self.open_for_search();
        }
        self.input(event);
        if let Some(open) = &mut self.open {
            open.place = 0;
        }
    }

    fn open_for_search(&mut self) {
        let before = self.open.take().map_or_else(|| self.text(), |open| open.before);
        self.set("");
        self.open = Some(Open { place: 0, before });
    }

    /// Closes the list with the choice under the cursor.
    pub(super) fn choose(&mut self, listed: &[Choice]) {
        let Some(open) = self.open.take() else { return };
        let chosen = listed.get(open.place).map_or(open.before, |choice| choice.value.clone());
        self.set(&chosen);
    }

    /// Closes the list with what stood there before. Whether it was open.
    pub(super) fn close(&mut self) -> bool {
        let open = self.open.take();
        if let Some(open) = &open {
            self.set(&open.before);
        }
        open.is_some()
    }
}
