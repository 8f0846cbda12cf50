//! What the mouse does: it selects, sorts, scrolls and does what a hint says. It confirms nothing and starts nothing
//! that writes: that takes a key.

use super::super::action::{Action, ActionId, Risk};
use super::super::layer::{Cursor, Layer, Place};
use super::super::layout::Areas;
use super::super::mouse::Gesture;
use super::super::runs::run_key;
use super::super::spots::Spot;
use super::super::{timeline, tree};
use super::{App, Effect};
use crate::model::Key;
use crate::session::Desk;
use crate::view::{Level, Pane};

/// How many lines one turn of the wheel moves.
const LINES: usize = 3;

impl App {
    pub(super) fn pointed(&mut self, desk: &Desk, gesture: Gesture, spot: Spot) -> Vec<Effect> {
        match gesture {
            Gesture::Click => self.clicked(desk, spot),
            Gesture::DoubleClick => self.clicked_twice(desk, spot),
            Gesture::WheelUp => self.wheeled(desk, &spot, usize::saturating_sub),
            Gesture::WheelDown => self.wheeled(desk, &spot, usize::saturating_add),
        }
    }

    fn clicked(&mut self, desk: &Desk, spot: Spot) -> Vec<Effect> {
        match spot {
            Spot::Pane(pane) => self.enter_pane(pane),
            Spot::Row(pane, key) => {
                self.enter_pane(pane);
                self.panes.select(desk, key);
            }
            Spot::Heading(pane, column) => {
                self.enter_pane(pane);
                self.panes.sort_by(column);
            }
            Spot::Listed(key) => {
                self.keep_filter();
                self.list_to(desk, &key);
            }
            Spot::Link(key) => return self.follow(desk, &key),
            Spot::Choice(place) => return self.choose(desk, place),
            Spot::Hint(id) => return self.hinted(desk, id),
            Spot::Accept => return self.accept(desk),
            Spot::GiveUp if self.place() == Place::Form => self.leave_form(desk),
            Spot::GiveUp => self.give_up(),
            Spot::Ground | Spot::Page | Spot::Links => {}
        }
        Vec::new()
    }

    /// The first click did what a click does.
    fn clicked_twice(&mut self, desk: &Desk, spot: Spot) -> Vec<Effect> {
        let areas = self.areas(desk);
        let opens = match &spot {
            Spot::Row(_, key) => self.layers.is_empty() && self.target(desk).as_ref() == Some(key),
            Spot::Listed(key) => {
                let cursor = self.layers.last_mut().and_then(|top| listed(top, desk, &areas));
                cursor.is_some_and(|list| list.keys.get(list.cursor.place) == Some(key))
            }
            Spot::Choice(place) => match self.layers.last() {
                Some(Layer::Sources(list)) => list.place == *place,
                Some(Layer::Pick(picker)) if picker.place == *place => return self.picked(desk),
                _ => false,
            },
            Spot::Heading(..) => return self.clicked(desk, spot),
            _ => false,
        };
        if opens { self.run(desk, ActionId::Open, None) } else { Vec::new() }
    }

    /// A filter that is being typed stays as it is: it belongs to the list that is clicked on, or to the pane left.
    fn keep_filter(&mut self) {
        self.layers.pop_if(|top| matches!(top, Layer::Filter(..)));
    }

    fn enter_pane(&mut self, pane: Pane) {
        self.keep_filter();
        if self.layers.is_empty() {
            self.panes.focus = pane;
        }
    }

    fn list_to(&mut self, desk: &Desk, key: &Key) {
        let areas = self.areas(desk);
        let list = self.layers.last_mut().and_then(|top| listed(top, desk, &areas));
        if let Some(place) = list.and_then(|list| list.keys.iter().position(|listed| listed == key)) {
            self.step(desk, |_, _| place);
        }
    }

    fn follow(&mut self, desk: &Desk, key: &Key) -> Vec<Effect> {
        let Some(Layer::Detail(detail)) = self.layers.last_mut() else { return Vec::new() };
        let links = detail.sheet.iter().flat_map(|sheet| &sheet.links);
        let Some(place) = links.map(|link| link.key.as_ref()).position(|link| link == Some(key)) else {
            return Vec::new();
        };
        detail.link = place;
        self.open(desk)
    }

    /// Chooses a line of a list.
    fn choose(&mut self, desk: &Desk, chosen: usize) -> Vec<Effect> {
        match self.layers.last_mut() {
            Some(Layer::Menu(entries, place, _)) => *place = chosen.min(entries.len().saturating_sub(1)),
            Some(Layer::Palette(_)) => {
                if !self.take_line(desk, chosen) {
                    return Vec::new();
                }
            }
            Some(Layer::Pick(picker)) => {
                picker.place = chosen;
                return Vec::new();
            }
            Some(Layer::Columns(_, place)) => {
                *place = chosen;
                return self.run(desk, ActionId::ToggleColumn, None);
            }
            Some(Layer::Sources(_)) => {
                self.step(desk, |_, _| chosen);
                return Vec::new();
            }
            _ => return Vec::new(),
        }
        self.accept(desk)
    }

    /// Does what `enter` would do, unless that confirms something or starts what writes.
    fn accept(&mut self, desk: &Desk) -> Vec<Effect> {
        if let Some(action) = self.chosen(desk).filter(|action| action.risk != Risk::None) {
            let what = format!("{}: enter does it; a click starts nothing that writes", action.name);
            self.say(desk, Level::Info, what);
            return Vec::new();
        }
        match self.layers.last() {
            Some(Layer::Menu(..)) => self.open(desk),
            Some(Layer::Filter(..) | Layer::LineFilter(..) | Layer::Palette(_) | Layer::Pick(_)) => self.entered(desk),
            _ => Vec::new(),
        }
    }

    /// Does what a hint says, unless that is an answer to a question.
    fn hinted(&mut self, desk: &Desk, id: ActionId) -> Vec<Effect> {
        let (action, place) = (Action::of(id), self.place());
        let answers = id == ActionId::Submit || (place == Place::Quit && id != ActionId::Back);
        if !action.applies(place) || action.risk != Risk::None || answers {
            return Vec::new();
        }
        if place == Place::Menu && id == ActionId::Open { self.accept(desk) } else { self.run(desk, id, None) }
    }

    /// Scrolls what is under the wheel.
    fn wheeled(&mut self, desk: &Desk, spot: &Spot, go: impl Fn(usize, usize) -> usize) -> Vec<Effect> {
        let areas = self.areas(desk);
        match (spot, self.layers.last_mut()) {
            (Spot::Row(pane, _) | Spot::Heading(pane, _) | Spot::Pane(pane), _) => {
                self.panes.scroll(desk, *pane, areas.rows(*pane), |top| go(top, LINES));
            }
            (Spot::Link(_) | Spot::Links, _) => self.step(desk, |place, _| go(place, 1)),
            (Spot::Page | Spot::Listed(_), Some(top)) => {
                let list = listed(top, desk, &areas);
                match list.map(|list| list.cursor.scroll(list.keys.len(), list.height, |top| go(top, LINES))) {
                    Some(place) => self.step(desk, |_, _| place),
                    None => self.leaf(desk, |place, _| go(place, LINES)),
                }
            }
            (Spot::Choice(_) | Spot::Ground, Some(Layer::Menu(..) | Layer::Columns(..) | Layer::Sources(_))) => {
                self.step(desk, |place, _| go(place, 1));
            }
            (Spot::Choice(_) | Spot::Ground, Some(Layer::Palette(_))) => self.palette_to(desk, |place| go(place, 1)),
            (Spot::Choice(_) | Spot::Ground, Some(Layer::Pick(_))) => self.picker_to(desk, |place| go(place, 1)),
            _ => {}
        }
        Vec::new()
    }
}

/// A view that is a list: what it lists, where its cursor is, and how many lines it shows.
struct Listed<'a> {
    keys: Vec<Key>,
    cursor: &'a mut Cursor,
    height: usize,
}

fn listed<'a>(layer: &'a mut Layer, desk: &Desk, areas: &Areas) -> Option<Listed<'a>> {
    let (keys, cursor, height) = match layer {
        Layer::Problems(list) => {
            let keys = list.lines.iter().map(|problem| problem.key.clone()).collect();
            (keys, &mut list.cursor, areas.problems())
        }
        Layer::Operations(cursor) => {
            let keys = desk.operations.iter().map(|operation| Key::Operation(operation.id.clone()));
            (keys.collect(), cursor, areas.operations())
        }
        Layer::Runs(cursor) => (desk.runs.iter().map(run_key).collect(), cursor, areas.operations()),
        Layer::Tree(tree) => {
            let keys = tree.lines.iter().map(|line| line.key.clone()).collect();
            (keys, &mut tree.cursor, tree::rows(areas.body))
        }
        Layer::Timeline(timeline) => {
            let keys = timeline.chart.lanes.iter().map(|lane| lane.key.clone()).collect();
            (keys, &mut timeline.cursor, timeline::rows(areas.body))
        }
        _ => return None,
    };
    Some(Listed { keys, cursor, height })
}
