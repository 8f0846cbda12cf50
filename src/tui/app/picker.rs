//! Choosing namespaces and contexts: the lists to choose from, and what a choice leads to.

use std::collections::BTreeSet;

use crossterm::event::{KeyCode, KeyEvent};

use super::super::action::Argument;
use super::super::layer::{Layer, Picker};
use super::super::palette::last_piece;
use super::super::runs::RunEffect;
use super::typing::{content, edit, line};
use super::values::{ALL, Contexts, Value, outside};
use super::{App, Effect};
use crate::model::{Key, Kind};
use crate::session::{Desk, KnownContext};
use crate::text::{self, names};
use crate::view::{Level, OperationView, Whose};

impl App {
    pub(super) fn open_picker(&mut self, desk: &Desk, of: Argument) -> Vec<Effect> {
        let picker = Picker { of, line: line(""), place: 0, marks: BTreeSet::new() };
        self.layers.push(Layer::Pick(Box::new(picker)));
        self.picker_edited(desk);
        if of == Argument::Context { self.ask_contexts() } else { Vec::new() }
    }

    pub(super) fn ask_contexts(&mut self) -> Vec<Effect> {
        self.contexts = Contexts::Asked;
        vec![Effect::ListContexts]
    }

    pub(super) fn picker_key(&mut self, desk: &Desk, event: KeyEvent) -> Vec<Effect> {
        let Some(Layer::Pick(picker)) = self.layers.last_mut() else { return Vec::new() };
        let several = picker.of.several();
        match event.code {
            KeyCode::Esc => {
                self.layers.pop();
            }
            KeyCode::Enter => return self.picked(desk),
            KeyCode::Up => self.picker_to(desk, |place| place.saturating_sub(1)),
            KeyCode::Down => self.picker_to(desk, |place| place + 1),
            KeyCode::Char(' ') if several => {
                self.mark_value(desk);
                self.picker_to(desk, |place| place + 1);
            }
            // As in k9s; no name of a namespace can be meant while nothing is typed but this.
            KeyCode::Char('0') if several && content(&picker.line).is_empty() => {
                self.layers.pop();
                return self.look_at(desk, ALL);
            }
            _ => {
                edit(&mut picker.line, event);
                self.picker_edited(desk);
            }
        }
        Vec::new()
    }

    /// What a picker lists.
    pub fn picker_values(&self, desk: &Desk, picker: &Picker) -> Vec<Value> {
        self.values(desk, picker.of, content(&picker.line))
    }

    /// Moves the cursor of the list.
    pub(super) fn picker_to(&mut self, desk: &Desk, go: impl Fn(usize) -> usize) {
        let Some(Layer::Pick(picker)) = self.layers.last() else { return };
        let last = self.picker_values(desk, picker).len().saturating_sub(1);
        if let Some(Layer::Pick(picker)) = self.layers.last_mut() {
            picker.place = go(picker.place).min(last);
        }
    }

    /// The cursor goes to the best line, or to what holds now where nothing is typed.
    pub(super) fn picker_edited(&mut self, desk: &Desk) {
        let Some(Layer::Pick(picker)) = self.layers.last() else { return };
        let empty = content(&picker.line).is_empty();
        let values = if empty { self.picker_values(desk, picker) } else { Vec::new() };
        let place = values.iter().position(|value| value.now).unwrap_or(0);
        if let Some(Layer::Pick(picker)) = self.layers.last_mut() {
            picker.place = place;
        }
    }

    fn mark_value(&mut self, desk: &Desk) {
        let Some(Layer::Pick(picker)) = self.layers.last() else { return };
        let Some(value) = self.picker_values(desk, picker).into_iter().nth(picker.place) else { return };
        if let Some(Layer::Pick(picker)) = self.layers.last_mut()
            && &*value.name != ALL
            && !picker.marks.remove(&value.name)
        {
            picker.marks.insert(value.name);
        }
    }

    /// Takes what is marked, else what is under the cursor.
    pub(super) fn picked(&mut self, desk: &Desk) -> Vec<Effect> {
        let Some(Layer::Pick(picker)) = self.layers.last() else { return Vec::new() };
        let of = picker.of;
        let under = || self.picker_values(desk, picker).into_iter().nth(picker.place).map(|value| value.name.into());
        let marked: Vec<&str> = picker.marks.iter().map(|name| &**name).collect();
        let typed = content(&picker.line);
        let early = of == Argument::Context && self.contexts == Contexts::Asked && !typed.is_empty();
        let chosen: Option<String> = match marked.as_slice() {
            // Hands may be faster than the file: the name that was typed waits for it.
            [] if early => Some(typed.to_owned()),
            [] => under(),
            marked => Some(marked.join(" ")),
        };
        // Nothing to choose: the list stays, and says why it is empty.
        let Some(chosen) = chosen else { return Vec::new() };
        self.layers.pop();
        match of {
            Argument::Namespaces => self.look_at(desk, &chosen),
            Argument::Context => self.go_to(desk, &chosen),
            Argument::Runbook => vec![RunEffect::ReadBook(chosen).into()],
            Argument::Theme | Argument::Column | Argument::Group => Vec::new(),
        }
    }

    /// Looks at the namespaces that are named, or says what is wrong with a name.
    pub(super) fn look_at(&mut self, desk: &Desk, named: &str) -> Vec<Effect> {
        let mut names: Vec<String> = Vec::new();
        let mut rest = named.trim_end_matches([',', ' ']);
        while !rest.is_empty() {
            let (before, name) = last_piece(rest);
            names.insert(0, name.to_owned());
            rest = before.trim_end_matches([',', ' ']);
        }
        if names.iter().any(|name| name == ALL) {
            names.clear();
        }
        if let Some(error) = names.iter().find_map(|name| names::validate_namespace(name).err()) {
            self.say(desk, Level::Warn, error.to_string());
            return Vec::new();
        }
        // What lies outside is not gone, but nothing can be said of it any more.
        for layers in [&mut self.layers, &mut self.last] {
            layers.retain(|layer| match layer {
                Layer::Detail(detail) => !outside(desk, &detail.key, &names),
                Layer::Tree(tree) => !outside(desk, &tree.key, &names),
                Layer::Timeline(timeline) => match &timeline.whose {
                    Whose::Object(key) => !outside(desk, key, &names),
                    Whose::Worst(_) | Whose::Certificates(_) => true,
                },
                Layer::Sources(sources) => !outside(desk, &sources.key, &names),
                Layer::Logs(logs) => !outside(desk, &Key::Object(Kind::Pod, logs.source.uid.clone()), &names),
                _ => true,
            });
        }
        let said = if names.is_empty() { "all namespaces".to_owned() } else { text::list(&names) };
        self.say(desk, Level::Info, format!("looking at {said}"));
        vec![Effect::LookAt(names)]
    }

    /// Goes to a context, once it is known to be there; asks first when an operation runs here.
    pub(super) fn go_to(&mut self, desk: &Desk, name: &str) -> Vec<Effect> {
        self.wanted = None;
        if *desk.world.context.name == *name {
            self.say(desk, Level::Info, format!("this is context {name} already"));
            return Vec::new();
        }
        match &self.contexts {
            Contexts::Known(Ok(known)) if known.iter().any(|context| *context.name == *name) => {
                if desk.operations.iter().any(OperationView::runs_here) {
                    self.layers.push(Layer::Switch(name.into()));
                    return Vec::new();
                }
                vec![Effect::Switch(name.into())]
            }
            Contexts::Known(Ok(known)) => {
                let said = no_such(name, known);
                self.say(desk, Level::Warn, said);
                Vec::new()
            }
            Contexts::Known(Err(why)) => {
                let said = format!("cannot go to context {name}: {why}");
                self.say(desk, Level::Critical, said);
                Vec::new()
            }
            Contexts::NotAsked | Contexts::Asked => {
                self.wanted = Some(name.into());
                self.ask_contexts()
            }
        }
    }

    /// Takes in which contexts there are, and goes to the one that was asked for meanwhile.
    pub(super) fn learn_contexts(&mut self, desk: &Desk, known: Result<Vec<KnownContext>, String>) -> Vec<Effect> {
        self.contexts = Contexts::Known(known);
        self.palette_edited(desk);
        self.picker_edited(desk);
        match self.wanted.take() {
            Some(name) => self.go_to(desk, &name),
            None => Vec::new(),
        }
    }

    /// Begins anew on another cluster: nothing of the old one stays, while focus, filters and sorts do.
    pub(super) fn arrived(&mut self, desk: &Desk) {
        self.layers.clear();
        self.last.clear();
        (self.kept, self.answered, self.opening, self.made_of) = (None, None, None, None);
        self.wanted = None;
        self.contexts = Contexts::NotAsked;
        self.panes.forget();
        self.say(desk, Level::Info, format!("context {}", desk.world.context.name));
    }
}

fn no_such(name: &str, known: &[KnownContext]) -> String {
    let known: Vec<&str> = known.iter().map(|context| &*context.name).collect();
    if known.is_empty() {
        return format!("there is no context \"{name}\"; the kubeconfig has none");
    }
    format!("there is no context \"{name}\"; there are {}", known.join(", "))
}
