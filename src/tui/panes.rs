//! The state of the four panes: which has the keys, what each lists, where its cursor stands.

use std::collections::BTreeSet;

use super::layer::Cursor;
use super::layout::Areas;
use crate::model::Key;
use crate::session::Desk;
use crate::view::{Listing, Pane, Query, Row, Sort};

/// One pane.
#[derive(Debug, Default)]
pub struct PaneState {
    /// Its rows, filtered and in order.
    pub listing: Listing,
    /// Where its cursor stands.
    pub cursor: Cursor,
    /// What is marked in it.
    pub marks: BTreeSet<Key>,
}

/// The four panes.
#[derive(Debug)]
pub struct Panes {
    /// Which one has the keys.
    pub focus: Pane,
    /// Whether it has the whole screen.
    pub zoom: bool,
    states: [PaneState; Pane::ALL.len()],
}

impl Default for Panes {
    fn default() -> Self {
        Self { focus: Pane::Volumes, zoom: false, states: Pane::ALL.map(|_| PaneState::default()) }
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

    /// The row under the cursor of the focused pane.
    pub fn selected<'a>(&self, desk: &'a Desk) -> Option<&'a Row> {
        let state = self.state(self.focus);
        state.listing.row(desk.boards.board(self.focus), state.cursor.place)
    }

    /// Goes some panes on, around the end.
    pub fn turn(&mut self, by: usize) {
        self.focus = Pane::ALL[(self.focus.index() + by) % Pane::ALL.len()];
    }

    /// Moves the cursor of the focused pane to a place.
    pub fn go(&mut self, desk: &Desk, place: usize) {
        let board = desk.boards.board(self.focus);
        let state = self.focused();
        let place = place.min(state.listing.len().saturating_sub(1));
        state.cursor.key = state.listing.row(board, place).map(|row| row.key.clone());
        state.cursor.place = place;
    }

    /// Changes what the focused pane lists.
    pub fn ask(&mut self, change: impl FnOnce(&mut Query)) {
        let state = self.focused();
        let mut query = state.listing.query().clone();
        change(&mut query);
        state.listing.ask(query);
    }

    /// Sorts the focused pane by the next column; after the last, the worst first again.
    pub fn sort_next(&mut self) {
        let columns = self.focus.columns().len();
        self.ask(|query| {
            query.sort = match query.sort {
                Sort::Worst => Sort::By { column: 1, descending: false },
                Sort::By { column, .. } if column + 1 < columns => Sort::By { column: column + 1, descending: false },
                Sort::By { .. } => Sort::Worst,
            }
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

    /// Marks the selected row, or takes its mark away.
    pub fn mark(&mut self, desk: &Desk) {
        let Some(key) = self.selected(desk).map(|row| row.key.clone()) else { return };
        let marks = &mut self.focused().marks;
        if !marks.remove(&key) {
            marks.insert(key);
        }
    }

    /// Brings listings and cursors up to date.
    pub fn sync(&mut self, desk: &Desk, areas: &Areas) {
        for pane in Pane::ALL {
            let board = desk.boards.board(pane);
            let state = &mut self.states[pane.index()];
            state.listing.refresh(board, desk.now);
            state.marks.retain(|key| board.get(key).is_some());
            let found = state.cursor.key.as_ref().and_then(|key| state.listing.place(board, key));
            state.cursor.settle(found, state.listing.len(), areas.rows(pane));
            if state.cursor.key.is_some() && found.is_none() {
                let place = state.cursor.place;
                state.cursor.key = state.listing.row(board, place).map(|row| row.key.clone());
            }
        }
    }
}
