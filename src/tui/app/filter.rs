//! Filters: the one of the list that has the keys, and the one that is pinned across all of them.

use super::super::action::ActionId;
use super::super::layer::{Layer, Place, ProblemsLayer};
use super::{App, typing};
use crate::session::Desk;
use crate::view::{Fault, Filter, Level, Pane};

impl App {
    /// Which list filters, marks and sorting are about: what lies beneath the line that is typed.
    fn list(&self) -> Place {
        let beneath = self.layers.iter().rev().map(Layer::place).find(|place| *place != Place::Typing);
        beneath.unwrap_or(Place::Panes)
    }

    /// Whether the list is the list of problems.
    pub fn lists_problems(&self) -> bool {
        self.list() == Place::Problems
    }

    /// The filter of the list.
    pub fn filter(&self) -> &Filter {
        if self.lists_problems() {
            &self.problem_filter
        } else {
            &self.panes.state(self.panes.focus).listing.query().filter
        }
    }

    /// The list of problems, where it is that.
    fn problems(&self) -> Option<&ProblemsLayer> {
        let listed = self.layers.iter().rev().find_map(|layer| match layer {
            Layer::Problems(list) => Some(&**list),
            _ => None,
        });
        listed.filter(|_| self.lists_problems())
    }

    /// Terms of the list's filter that restrict nothing.
    pub fn faults(&self) -> &[Fault] {
        let panes = || self.panes.state(self.panes.focus).listing.faults();
        self.problems().map_or_else(panes, |list| &list.faults)
    }

    /// How many rows of the list pass, and how many there are.
    pub fn passing(&self, desk: &Desk) -> (usize, usize) {
        let pane = self.panes.focus;
        let panes = || (self.panes.state(pane).listing.found(), desk.boards.len(pane));
        self.problems().map_or_else(panes, |list| (list.passing, list.all))
    }

    /// Gives the list another filter.
    pub(super) fn set_filter(&mut self, filter: Filter) {
        if self.lists_problems() {
            self.problem_filter = filter;
            self.made_of = None;
        } else {
            self.panes.ask(|query| query.filter = filter);
        }
    }

    /// Sets the list's filter, or asks for one.
    pub(super) fn ask_filter(&mut self, argument: Option<&str>) {
        if let Some(text) = argument {
            self.set_filter(Filter::parse(text));
        } else {
            let before = self.filter().clone();
            self.layers.push(Layer::Filter(typing::line(before.text()), before));
        }
    }

    /// Pins a filter across all lists: the one given, else the list's own, which moves. Without any, the pin goes.
    pub(super) fn pin(&mut self, desk: &Desk, argument: Option<&str>) {
        let filter = argument.map_or_else(|| self.filter().clone(), Filter::parse);
        let before = self.panes.pinned.clone();
        self.made_of = None;
        if filter.is_empty() {
            self.panes.pin(&filter);
            let said = if before.is_empty() {
                let ways = [ActionId::Filter, ActionId::Pin].map(|id| self.keymap.way(id));
                format!("there is no filter to pin; type one with {} and then press {}", ways[0], ways[1])
            } else {
                format!("no longer pinned: /{before}")
            };
            self.say(desk, Level::Info, said);
            return;
        }
        // The focused pane first: its words say what is wrong.
        let panes = std::iter::once(self.panes.focus).chain(Pane::ALL);
        let columns: Vec<_> = panes.map(Pane::columns).filter(|columns| !columns.is_empty()).collect();
        if let Some(fault) = filter.fault_on_all(&columns) {
            self.say(desk, Level::Warn, format!("not pinned: {fault}"));
            return;
        }
        if argument.is_none() {
            self.set_filter(Filter::default());
        }
        self.panes.pin(&filter);
        let (pin, back) = (self.keymap.way(ActionId::Pin), self.keymap.way(ActionId::Back));
        let said =
            format!("pinned in every pane and in the problems: /{filter}   {pin} takes it away, {back} does not");
        self.say(desk, Level::Info, said);
    }

    /// Takes away what narrows the panes, one thing at a time: the filter, the marks, the zoom. A pinned filter
    /// stays, which is said.
    pub(super) fn widen(&mut self, desk: &Desk) {
        let state = self.panes.focused();
        let query = state.listing.query();
        if !query.filter.is_empty() || query.only_problems {
            self.panes.ask(|query| {
                query.filter = Filter::default();
                query.only_problems = false;
            });
        } else if !state.marks.is_empty() {
            self.panes.unmark();
        } else if self.panes.zoom {
            self.panes.zoom = false;
        } else if !self.panes.pinned.is_empty() {
            let pin = self.keymap.way(ActionId::Pin);
            let said = format!("the pinned filter stays: /{}   {pin} takes it away", self.panes.pinned);
            self.say(desk, Level::Info, said);
        }
    }
}
