//! What a query takes from a board, in its order.
//!
//! A listing follows the changes of its board: it moves only the rows that changed, so a watch event does not sort
//! everything. It starts afresh when that is not enough: another query, labels that changed, or time that made rows
//! pass or fail a term such as `age>3d`.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Board, Bound, Fault, Query, Row};
use crate::model::{Key, World};

/// Rows of a board that pass a query, in its order.
#[derive(Debug, Default)]
pub struct Listing {
    order: Vec<u32>,
    query: Query,
    filter: Bound,
    pinned: Bound,
    version: Option<u64>,
    /// What the world's labels were, where they matter.
    labels: Option<u64>,
    /// When it was brought up to date, and when time alone may change which rows pass.
    built: Timestamp,
    next_change: Option<Timestamp>,
}

impl Listing {
    /// A listing for a query; empty until it is brought up to date.
    pub fn new(query: Query) -> Self {
        Self { query, ..Self::default() }
    }

    /// The query.
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// Terms of its own filter that restrict nothing here.
    pub fn faults(&self) -> &[Fault] {
        self.filter.faults()
    }

    /// Terms of the pinned filter that restrict nothing here.
    pub fn pinned_faults(&self) -> &[Fault] {
        self.pinned.faults()
    }

    /// Changes the query.
    pub fn ask(&mut self, query: Query) {
        if query != self.query {
            self.query = query;
            self.version = None;
        }
    }

    /// Brings the order up to date with the board and the time. Costs nothing when nothing changed.
    pub fn refresh(&mut self, board: &Board, world: &World, now: Timestamp) {
        let due = self.next_change.is_some_and(|at| at <= now) && self.built != now;
        if due || self.labels.is_some_and(|labels| labels != world.relabelled()) {
            self.version = None;
        }
        if self.version == Some(board.version()) {
            return;
        }
        match self.version.and_then(|version| board.since(version)) {
            Some(changes) => self.follow(board, world, &changes.collect(), now),
            None => self.rebuild(board, world, now),
        }
        self.version = Some(board.version());
    }

    /// How many rows it shows.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether it shows none.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The row at a place.
    pub fn row<'a>(&self, board: &'a Board, place: usize) -> Option<&'a Row> {
        board.row(*self.order.get(place)?)
    }

    /// Rows from a place on.
    pub fn rows<'a>(&'a self, board: &'a Board, from: usize) -> impl Iterator<Item = &'a Row> {
        self.order.iter().skip(from).filter_map(|slot| board.row(*slot))
    }

    /// The place of a key.
    pub fn place(&self, board: &Board, key: &Key) -> Option<usize> {
        let slot = board.slot(key)?;
        let row = board.row(slot)?;
        let found = self.order.binary_search_by(|other| self.order_of(board, *other, row));
        found.ok().or_else(|| self.order.iter().position(|other| *other == slot))
    }

    /// Whether a row passes.
    pub fn passes(&self, row: &Row, world: &World, now: Timestamp) -> bool {
        (!self.query.only_problems || row.level.problem())
            && self.pinned.passes_row(row, world, now)
            && self.filter.passes_row(row, world, now)
    }

    fn order_of(&self, board: &Board, slot: u32, row: &Row) -> Ordering {
        board.row(slot).map_or(Ordering::Less, |other| self.query.sort.order(other, row))
    }

    /// Looks when time alone will change whether a row passes.
    fn watch(&mut self, row: &Row, world: &World, now: Timestamp) {
        let changes = [&self.filter, &self.pinned].map(|bound| bound.next_change(row, world, now));
        self.next_change = changes.into_iter().chain([self.next_change]).flatten().min();
    }

    fn rebuild(&mut self, board: &Board, world: &World, now: Timestamp) {
        let columns = board.pane().columns();
        (self.filter, self.pinned) = (self.query.filter.bind(columns), self.query.pinned.bind(columns));
        self.labels = (self.filter.wants_meta() || self.pinned.wants_meta()).then(|| world.relabelled());
        (self.built, self.next_change) = (now, None);
        let moving = self.filter.moves() || self.pinned.moves();
        let mut passing = Vec::new();
        for (slot, row) in board.slots() {
            if moving {
                self.watch(row, world, now);
            }
            if self.passes(row, world, now) {
                passing.push((slot, row));
            }
        }
        passing.sort_unstable_by(|(_, a), (_, b)| self.query.sort.order(a, b));
        self.order = passing.into_iter().map(|(slot, _)| slot).collect();
    }

    /// Takes changed rows out and puts each back where it belongs: one pass, however many there are.
    fn follow(&mut self, board: &Board, world: &World, changed: &BTreeSet<u32>, now: Timestamp) {
        let kept: Vec<u32> =
            std::mem::take(&mut self.order).into_iter().filter(|slot| !changed.contains(slot)).collect();
        let mut put = Vec::new();
        for (slot, row) in changed.iter().filter_map(|slot| Some((*slot, board.row(*slot)?))) {
            self.watch(row, world, now);
            if self.passes(row, world, now) {
                put.push((slot, row));
            }
        }
        put.sort_unstable_by(|(_, a), (_, b)| self.query.sort.order(a, b));
        let mut order = Vec::with_capacity(kept.len() + put.len());
        let mut rest = kept.as_slice();
        for (slot, row) in put {
            let before = rest.partition_point(|other| self.order_of(board, *other, row).is_lt());
            order.extend_from_slice(&rest[..before]);
            order.push(slot);
            rest = &rest[before..];
        }
        order.extend_from_slice(rest);
        self.order = order;
    }
}
