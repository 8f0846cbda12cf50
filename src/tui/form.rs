//! A form being filled in: what is typed in each field, which one has the keys, and which answers are wrong.
//!
//! It knows only its [`FormSpec`]: what the answers mean is the verb's, what leads on is [`App`](super::App)'s, and
//! `draw` shows it. What a person cannot see is made visible before it gets into a field.

mod entry;
mod handing;
mod steps;
mod unseen;

use std::collections::BTreeMap;

use crossterm::event::{KeyCode, KeyEvent};

use crate::model::FindingId;
use crate::plan::{Choice, Field, FieldKind, Filled, FormSpec, Request, triage};
use crate::runbook::book::Book;
use crate::runbook::history::{RunId, StepAt};
use crate::runbook::params;
pub use entry::Entry;
use handing::Loaded;
pub use handing::{FileText, Handing};
pub use steps::Said;
pub use unseen::Unseen;

/// What the answers of a form are for.
#[derive(Clone, Debug)]
pub enum Purpose {
    /// A plan: the verb and its object.
    Plan(Box<Request>),
    /// A decision on these findings.
    Triage(Vec<FindingId>),
    /// A run of a runbook.
    Runbook {
        /// The book.
        book: Box<Book>,
        /// Where it came from: a file, or the name of a shipped one.
        source: String,
    },
    /// Something said to a step of a run.
    Step {
        /// Which run.
        run: RunId,
        /// Which step.
        at: StepAt,
        /// What is said.
        said: Said,
    },
}

impl Purpose {
    /// What the last answer leads to, in a word.
    pub const fn leads_to(&self) -> &'static str {
        match self {
            Self::Plan(_) => "plan",
            Self::Triage(_) => "decide",
            Self::Runbook { .. } => "begin",
            Self::Step { said, .. } => said.leads_to(),
        }
    }

    /// Whether both are about the same.
    fn about(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Plan(one), Self::Plan(other)) => one.subject().1 == other.subject().1,
            (Self::Triage(one), Self::Triage(other)) => one == other,
            (Self::Runbook { source: one, .. }, Self::Runbook { source: other, .. }) => one == other,
            (Self::Step { run, at, said }, Self::Step { run: other, at: there, said: then }) => {
                run == other && at == there && said == then
            }
            _ => false,
        }
    }
}

/// A form being filled in.
#[derive(Clone, Debug)]
pub struct Form {
    /// What is asked.
    pub spec: FormSpec,
    /// What the answers are for.
    pub purpose: Purpose,
    /// The place of the field that has the keys.
    pub focus: usize,
    /// What is typed, one entry per field.
    pub entries: Vec<Entry>,
    /// Whether somebody tried to go on with a wrong answer: all of them are shown from then on.
    tried: bool,
    /// What was read of a certificate that is handed over.
    handing: Option<Handing>,
    /// Files that were read, by the place of the field that names each.
    loaded: BTreeMap<usize, Loaded>,
}

impl Form {
    /// A form with its default answers.
    pub fn new(spec: FormSpec, purpose: Purpose) -> Self {
        let entries = spec.fields.iter().map(|field| Entry::new(&field.default, &field.kind)).collect();
        let (handing, loaded) = (None, BTreeMap::new());
        let mut form = Self { spec, purpose, focus: 0, entries, tried: false, handing, loaded };
        form.read();
        form
    }

    /// Whether both ask the same of the same object.
    pub fn about(&self, other: &Form) -> bool {
        self.purpose.about(&other.purpose) && self.spec.title == other.spec.title
    }

    /// Takes over what was typed into an earlier form of the same object.
    pub fn take_up(&mut self, earlier: &Form) {
        for (field, entry) in self.spec.fields.iter().zip(&mut self.entries) {
            let before = earlier.fields().find(|(other, _)| other.id == field.id);
            let changed = before.filter(|(other, typed)| typed.text() != other.default);
            if let Some((_, typed)) = changed {
                entry.take_over(typed);
            }
        }
        self.loaded.clone_from(&earlier.loaded);
        self.read();
    }

    /// Each field and what is typed in it.
    pub fn fields(&self) -> impl Iterator<Item = (&Field, &Entry)> {
        self.spec.fields.iter().zip(&self.entries)
    }

    /// What the answer at this place is where nobody gives one, as far as the others tell.
    pub fn left_out(&self, place: usize) -> Option<String> {
        let Purpose::Runbook { book, .. } = &self.purpose else { return None };
        let given = self.fields().map(|(field, entry)| (field.id.to_string(), entry.text()));
        let given = given.filter(|(_, text)| !text.is_empty()).collect();
        params::left_out(book, &self.spec.fields.get(place)?.id, &given)
    }

    /// The field that has the keys, and what is typed in it.
    pub fn focused(&self) -> Option<(&Field, &Entry)> {
        self.spec.fields.get(self.focus).zip(self.entries.get(self.focus))
    }

    /// Whether any answer differs from the one the form began with.
    pub fn touched(&self) -> bool {
        self.fields().any(|(field, entry)| entry.text() != field.default)
    }

    /// What is wrong with a field, once that should be said: when it was changed, or somebody tried to go on.
    pub fn said_wrong(&self, place: usize) -> Option<String> {
        let (field, entry) = self.spec.fields.get(place).zip(self.entries.get(place))?;
        // What is typed into an open list is a search, no answer yet.
        let say = entry.open.is_none() && (self.tried || entry.text() != field.default);
        let not_given = || self.unfit().filter(|(wrong, _)| *wrong == place).map(|(_, why)| why);
        let unreadable = || self.loaded(place)?.err().map(str::to_owned);
        field.wrong(&entry.text()).or_else(not_given).or_else(unreadable).filter(|_| say)
    }

    /// What the open list of a field shows: all its choices, or those that hold what was typed.
    pub fn listed(&self, place: usize) -> Vec<Choice> {
        let Some((field, entry)) = self.spec.fields.get(place).zip(self.entries.get(place)) else { return Vec::new() };
        entry.narrowed(field.kind.choices())
    }

    /// The answers, once all are good.
    pub fn filled(&self) -> Option<Filled> {
        self.spec.filled(&self.texts()).ok().filter(|_| self.unfit().is_none())
    }

    /// The answers for going on. When one is wrong its field gets the keys, and all that are wrong say so.
    pub fn submit(&mut self) -> Option<Filled> {
        self.settle();
        let filled = self.spec.filled(&self.texts());
        match self.unfit().map_or(filled, |(place, _)| Err(place)) {
            Ok(filled) => Some(filled),
            Err(place) => {
                (self.tried, self.focus) = (true, place);
                None
            }
        }
    }

    /// A field whose answer is good alone and wrong beside the others, and why.
    fn unfit(&self) -> Option<(usize, String)> {
        match &self.purpose {
            Purpose::Plan(_) => self.not_given(),
            Purpose::Runbook { .. } | Purpose::Step { .. } => None,
            Purpose::Triage(_) => {
                let text = |id: &str| self.fields().find(|(field, _)| field.id == id).map(|(_, entry)| entry.text());
                let (id, why) = triage::unfit(&text("state")?, &text("until")?)?;
                let place = self.spec.fields.iter().position(|field| field.id == id)?;
                Some((place, why.to_string()))
            }
        }
    }

    fn texts(&self) -> Vec<String> {
        self.entries.iter().map(Entry::text).collect()
    }

    /// Gives the keys to the next field, around the end.
    pub fn next(&mut self) {
        self.turn(1);
    }

    /// Gives the keys to the field before.
    pub fn previous(&mut self) {
        self.turn(self.entries.len().saturating_sub(1));
    }

    fn turn(&mut self, by: usize) {
        self.settle();
        self.focus = (self.focus + by) % self.entries.len().max(1);
    }

    /// Whether the field that has the keys is the last one.
    pub fn at_end(&self) -> bool {
        self.focus + 1 >= self.entries.len()
    }

    /// Whether `enter` is a new line in the field that has the keys.
    pub fn in_lines(&self) -> bool {
        self.focused().is_some_and(|(field, _)| field.kind.lines())
    }

    /// Whether the list of the field that has the keys is open.
    pub fn list_open(&self) -> bool {
        self.focused().is_some_and(|(_, entry)| entry.open.is_some())
    }

    /// Closes an open list with the choice under its cursor; with what stood there before when none matches.
    pub fn settle(&mut self) {
        let listed = self.listed(self.focus);
        if let Some(entry) = self.entries.get_mut(self.focus) {
            entry.choose(&listed);
        }
    }

    /// Closes an open list with what stood there before. Whether one was open.
    pub fn close_list(&mut self) -> bool {
        self.entries.get_mut(self.focus).is_some_and(Entry::close)
    }

    /// A key that edits the field which has the keys.
    pub fn edit(&mut self, event: KeyEvent) {
        let listed = self.listed(self.focus).len();
        let Some((field, entry)) = self.spec.fields.get(self.focus).zip(self.entries.get_mut(self.focus)) else {
            return;
        };
        let chosen = !field.kind.choices().is_empty();
        let hands_over = matches!(field.kind, FieldKind::Pem | FieldKind::Hidden);
        match (event.code, &field.kind) {
            (KeyCode::Up | KeyCode::Down, _) if chosen => entry.walk(event.code == KeyCode::Down, &field.kind, listed),
            (KeyCode::Up, FieldKind::Lines | FieldKind::Pem) if entry.line() > 0 => entry.input(event),
            (KeyCode::Down, FieldKind::Lines | FieldKind::Pem) if !entry.at_last_line() => entry.input(event),
            (KeyCode::Up, _) => self.previous(),
            (KeyCode::Down, _) => self.next(),
            (KeyCode::Enter, kind) if kind.lines() => entry.input(event),
            (KeyCode::Enter | KeyCode::Tab, _) => {}
            (KeyCode::Char(_) | KeyCode::Backspace | KeyCode::Delete, _) if chosen => entry.search(event),
            _ if chosen && entry.open.is_none() => {}
            _ => entry.input(event),
        }
        if hands_over {
            self.turn_to_key();
            self.read();
        }
    }

    /// Text that was pasted, all at once: a field of one line takes its first one. Says what else became of it.
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn paste(&mut self, text: &Unseen) -> Result<Option<&'static str>, &'static str> {
        self.put(self.focus, text.text(), None)
    }
}

#[cfg(test)]
mod tests;
