//! Which problems the filters let through.

use jiff::Timestamp;

use super::Problem;
use crate::model::{Key, World};
use crate::view::columns::PROBLEMS;
use crate::view::{Boards, Bound, Column, Fault, Filter, Pane, Subject};

/// The filter of the list of problems and the pinned one, made ready.
///
/// The list's own filter looks at the list's columns. The pinned one looks at the rows of the panes, so that the list
/// and the panes show the same objects; what blinds the console itself is no row, and a pin never hides it.
#[derive(Clone, Debug)]
pub struct Sieve {
    filter: Bound,
    pinned: [Bound; Pane::ALL.len()],
    beside: Bound,
}

impl Sieve {
    /// Makes filters ready.
    pub fn new(filter: &Filter, pinned: &Filter) -> Self {
        Self {
            filter: filter.bind(PROBLEMS),
            pinned: Pane::ALL.map(|pane| pinned.bind(pane.columns())),
            beside: pinned.bind(PROBLEMS),
        }
    }

    /// The columns that the filter of the list knows.
    pub fn columns() -> &'static [Column] {
        PROBLEMS
    }

    /// Terms of the list's own filter that restrict nothing.
    pub fn faults(&self) -> &[Fault] {
        self.filter.faults()
    }

    /// Whether a problem passes both.
    pub fn passes(&self, problem: &Problem, world: &World, boards: &Boards, now: Timestamp) -> bool {
        let pinned = match &problem.key {
            Key::Notice(_) => true,
            Key::Operation(_) | Key::Run(_) | Key::Finding(_) => here(&self.beside, problem, world, now),
            key @ (Key::Object(..) | Key::Place(..)) => boards
                .find(key)
                .is_none_or(|(board, row)| self.pinned[board.pane().index()].passes_row(row, world, now)),
        };
        pinned && here(&self.filter, problem, world, now)
    }
}

fn here(bound: &Bound, problem: &Problem, world: &World, now: Timestamp) -> bool {
    if bound.is_empty() {
        return true;
    }
    let meta = match &problem.key {
        Key::Object(kind, uid) | Key::Place(kind, uid, _) if bound.wants_meta() => world.inventory.meta(*kind, uid),
        _ => None,
    };
    bound.passes(&Subject { level: problem.level, cells: &problem.cells(), meta }, now)
}
