//! The state of the four panes: which has the keys, what each lists, where its cursor stands.

use std::collections::BTreeSet;

use super::layer::Cursor;
use super::layout::Areas;
use crate::model::Key;
use crate::session::Desk;
use crate::view::{Filter, FindingList, GroupBy, Pane, PaneList, Query, Sort, fit};

/// One pane.
#[derive(Debug)]
pub struct PaneState {
    /// Its rows, filtered and in order.
    pub listing: PaneList,
    /// Where its cursor stands.
    pub cursor: Cursor,
    /// What is marked in it.
    pub marks: BTreeSet<Key>,
    /// How many of the marked rows the filters hide.
    pub hidden_marks: usize,
    /// The row that was marked last; a range begins there.
    pub anchor: Option<Key>,
    /// Columns that a person took off.
    pub off: BTreeSet<usize>,
    /// Columns that are scrolled away to the left.
    pub skip: usize,
}

impl PaneState {
    fn new(pane: Pane, query: Query) -> Self {
        Self {
            listing: PaneList::new(pane, query),
            cursor: Cursor::default(),
            marks: BTreeSet::new(),
            hidden_marks: 0,
            anchor: None,
            off: BTreeSet::new(),
            skip: 0,
        }
    }

    /// What is said of the marks in sentences: `3 marked, 1 hidden by the filter`.
    pub fn marks_said(&self) -> String {
        let hidden = match self.hidden_marks {
            0 => String::new(),
            hidden => format!(", {hidden} hidden by the filter"),
        };
        format!("{} marked{hidden}", self.marks.len())
    }
}

/// The four panes.
#[derive(Debug)]
pub struct Panes {
    /// Which one has the keys.
    pub focus: Pane,
    /// Whether it has the whole screen.
    pub zoom: bool,
    /// The filter that holds in all of them, until it is taken away.
    pub pinned: Filter,
    states: [PaneState; Pane::ALL.len()],
}

impl Default for Panes {
    fn default() -> Self {
        Self {
            focus: Pane::Volumes,
            zoom: false,
            pinned: Filter::default(),
            states: Pane::ALL.map(|pane| PaneState::new(pane, Query::default())),
        }
    }
}

impl Panes {
    /// The state of a pane.
    pub fn state(&self, pane: Pane) -> &PaneState {
        &self.states[pane.index()]
    }

    /// The pane that has the keys.
    pub fn focused(&mut self) -> &mut PaneState {
        &mut self.states[self.focus.index()]
    }

    /// What the row under the cursor of the focused pane stands for.
    pub fn selected(&self, desk: &Desk) -> Option<Key> {
        let state = self.state(self.focus);
        state.listing.key(&desk.boards, state.cursor.place)
    }

    /// Shows the rows of the selected group, or hides them again; whether a group is selected.
    pub fn fold(&mut self, desk: &Desk) -> bool {
        self.selected(desk).is_some_and(|key| self.focused().listing.fold(&key))
    }

    /// What the findings are put together by.
    pub fn grouped(&self) -> Option<GroupBy> {
        self.state(Pane::Findings).listing.findings().and_then(FindingList::group)
    }

    /// Puts the findings together by something else; after the last, all below each other again.
    pub fn group_next(&mut self) {
        let next = match self.grouped() {
            None => GroupBy::ALL.first().copied(),
            Some(by) => GroupBy::ALL.into_iter().skip_while(|other| *other != by).nth(1),
        };
        self.group_by(next);
    }

    /// Puts the findings together, or all below each other.
    pub fn group_by(&mut self, by: Option<GroupBy>) {
        let state = &mut self.states[Pane::Findings.index()];
        state.listing.group_by(by);
        state.cursor = Cursor::default();
    }

    /// Goes some panes on, around the end.
    pub fn turn(&mut self, by: usize) {
        self.focus = Pane::ALL[(self.focus.index() + by) % Pane::ALL.len()];
    }

    /// Moves the cursor of the focused pane to a place.
    pub fn go(&mut self, desk: &Desk, place: usize) {
        let state = self.focused();
        let place = place.min(state.listing.len().saturating_sub(1));
        state.cursor.key = state.listing.key(&desk.boards, place);
        state.cursor.place = place;
    }

    /// Moves the cursor of the focused pane to a row, if it is listed.
    pub fn select(&mut self, desk: &Desk, key: Key) {
        let state = self.focused();
        if let Some(place) = state.listing.place(&desk.boards, &key) {
            (state.cursor.key, state.cursor.place) = (Some(key), place);
        }
    }

    /// Scrolls a pane of that many rows; its cursor stays on screen.
    pub fn scroll(&mut self, desk: &Desk, pane: Pane, rows: usize, go: impl Fn(usize) -> usize) {
        let state = &mut self.states[pane.index()];
        let (before, len) = (state.cursor.top, state.listing.len());
        let place = state.cursor.scroll(len, rows, go);
        // A cursor that follows the first row goes on doing so where nothing scrolled.
        if state.cursor.top != before && len > 0 {
            state.cursor.key = state.listing.key(&desk.boards, place);
            state.cursor.place = place;
        }
    }

    /// Changes what the focused pane lists.
    pub fn ask(&mut self, change: impl FnOnce(&mut Query)) {
        let state = self.focused();
        let mut query = state.listing.query().clone();
        change(&mut query);
        state.listing.ask(query);
    }

    /// Pins a filter across all panes, or takes the pin away when it is empty.
    pub fn pin(&mut self, filter: &Filter) {
        self.pinned = filter.clone();
        for state in &mut self.states {
            let query = Query { pinned: filter.clone(), ..state.listing.query().clone() };
            state.listing.ask(query);
        }
    }

    /// Sorts the focused pane by the next column that was not taken off; after the last, the worst first again.
    pub fn sort_next(&mut self) {
        let off = &self.state(self.focus).off;
        let after = match self.state(self.focus).listing.query().sort {
            Sort::Worst => 1,
            Sort::By { column, .. } => column + 1,
        };
        let next = (after..self.focus.columns().len()).find(|column| !off.contains(column));
        let sort = next.map_or(Sort::Worst, |column| Sort::By { column, descending: false });
        self.ask(|query| query.sort = sort);
    }

    /// Sorts the focused pane by a column; by the same once more, the other way around.
    pub fn sort_by(&mut self, column: usize) {
        self.ask(|query| {
            let again = matches!(query.sort, Sort::By { column: before, descending: false } if before == column);
            query.sort = Sort::By { column, descending: again };
        });
    }

    /// Turns the order of the focused pane around.
    pub fn sort_turn(&mut self) {
        self.ask(|query| {
            query.sort = match query.sort {
                Sort::Worst => Sort::By { column: 0, descending: true },
                Sort::By { column, descending } => Sort::By { column, descending: !descending },
            }
        });
    }

    /// Marks the selected row, or all of a group, or takes the marks away where all have one.
    pub fn mark(&mut self, desk: &Desk) {
        let Some(key) = self.selected(desk) else { return };
        let state = self.focused();
        let meant = state.listing.meant(&desk.boards, &key);
        if meant.iter().all(|key| state.marks.contains(key)) {
            state.marks.retain(|key| !meant.contains(key));
        } else {
            state.marks.extend(meant);
        }
        state.anchor = Some(key);
    }

    /// Marks every row from the one that was marked last to the selected one; the selected one alone when there was
    /// none, or it is not listed.
    pub fn mark_range(&mut self, desk: &Desk) {
        let boards = &desk.boards;
        let state = self.focused();
        let here = state.cursor.place;
        let from = state.anchor.as_ref().and_then(|key| state.listing.place(boards, key)).unwrap_or(here);
        let range = from.min(here)..=from.max(here);
        let listed = range.filter_map(|place| state.listing.key(boards, place));
        let keys: Vec<Key> = listed.flat_map(|key| state.listing.meant(boards, &key)).collect();
        state.anchor = state.listing.key(boards, here);
        state.marks.extend(keys);
    }

    /// Takes all marks of the focused pane away.
    pub fn unmark(&mut self) {
        let state = self.focused();
        state.marks.clear();
        state.anchor = None;
    }

    /// Shows a column of a pane or takes it off; those that are sticky stay.
    pub fn toggle_column(&mut self, pane: Pane, column: usize) {
        let off = &mut self.states[pane.index()].off;
        if pane.columns().get(column).is_some_and(|column| !column.sticky()) && !off.remove(&column) {
            off.insert(column);
        }
    }

    /// Shows every column of a pane again, from the first on.
    pub fn reset_columns(&mut self, pane: Pane) {
        let state = &mut self.states[pane.index()];
        state.off.clear();
        state.skip = 0;
    }

    /// Forgets every row, for they are another cluster's; what is listed, in which order and by which columns,
    /// stays as it was asked for.
    pub fn forget(&mut self) {
        for (pane, state) in Pane::ALL.into_iter().zip(&mut self.states) {
            let (off, skip) = (std::mem::take(&mut state.off), state.skip);
            *state = PaneState { off, skip, ..PaneState::new(pane, state.listing.query().clone()) };
        }
    }

    /// Brings listings, marks, cursors and scrolled columns up to date.
    pub fn sync(&mut self, desk: &Desk, areas: &Areas) {
        for pane in Pane::ALL {
            let (boards, world) = (&desk.boards, &desk.world);
            let PaneState { listing, marks, .. } = &mut self.states[pane.index()];
            listing.refresh(boards, world, desk.now);
            marks.retain(|key| listing.knows(boards, key));
            let hidden = marks.iter().filter(|key| !listing.passes(boards, world, key, desk.now)).count();
            let state = &mut self.states[pane.index()];
            state.hidden_marks = hidden;
            let found = state.cursor.key.as_ref().and_then(|key| state.listing.place(boards, key));
            state.cursor.settle(found, state.listing.len(), areas.rows(pane));
            if state.cursor.key.is_some() && found.is_none() {
                let place = state.cursor.place;
                state.cursor.key = state.listing.key(boards, place);
            }
            if let Some(width) = areas.columns(pane) {
                state.skip = fit(pane.columns(), &state.off, width, state.skip).before;
            }
        }
    }
}
