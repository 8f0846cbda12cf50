//! The cached rows of one pane, and the listings that are cut from them.
//!
//! Rows sit in slots that do not move, so an order is a list of small numbers. A listing follows the
//! changes of its board: it moves only the rows that changed, so a watch event does not sort everything.

use std::collections::{BTreeSet, HashMap, VecDeque};

use jiff::Timestamp;

use super::{Level, Pane, Query, Row};
use crate::model::Key;

/// Changes remembered for listings; a listing that is further behind starts afresh.
const REMEMBERED: usize = 16_384;

/// The rows of one pane.
#[derive(Debug)]
pub struct Board {
    pane: Pane,
    slots: Vec<Option<Row>>,
    free: Vec<u32>,
    places: HashMap<Key, u32>,
    running_out: BTreeSet<(Timestamp, u32)>,
    levels: [usize; Level::ALL.len()],
    version: u64,
    changes: VecDeque<u32>,
}

impl Board {
    /// An empty board.
    pub fn new(pane: Pane) -> Self {
        Self {
            pane,
            slots: Vec::new(),
            free: Vec::new(),
            places: HashMap::new(),
            running_out: BTreeSet::new(),
            levels: [0; Level::ALL.len()],
            version: 0,
            changes: VecDeque::new(),
        }
    }

    /// Which pane it is for.
    pub fn pane(&self) -> Pane {
        self.pane
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Grows with every change of a row.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// How many rows have this level.
    pub fn count(&self, level: Level) -> usize {
        self.levels[level.rank()]
    }

    /// The row of a key.
    pub fn get(&self, key: &Key) -> Option<&Row> {
        self.places.get(key).and_then(|slot| self.row(*slot))
    }

    /// All rows, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Row> {
        self.slots.iter().flatten()
    }

    /// When the first judgement runs out.
    pub fn next_change(&self) -> Option<Timestamp> {
        self.running_out.first().map(|(at, _)| *at)
    }

    /// Keys of rows whose judgement has run out.
    pub fn run_out(&self, now: Timestamp) -> Vec<Key> {
        let out = self.running_out.iter().take_while(|(at, _)| *at <= now);
        out.filter_map(|(_, slot)| self.row(*slot)).map(|row| row.key.clone()).collect()
    }

    /// Puts a row in its place; an equal row changes nothing.
    pub fn put(&mut self, row: Row) {
        let slot = match self.places.get(&row.key) {
            Some(slot) if self.row(*slot) == Some(&row) => return,
            Some(slot) => *slot,
            None => self.free.pop().unwrap_or_else(|| {
                self.slots.push(None);
                u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
            }),
        };
        self.forget(slot);
        self.levels[row.level.rank()] += 1;
        self.running_out.extend(row.valid_until.map(|at| (at, slot)));
        self.places.insert(row.key.clone(), slot);
        self.slots[slot as usize] = Some(row);
        self.changed(slot);
    }

    /// Takes a row away.
    pub fn remove(&mut self, key: &Key) {
        if let Some(slot) = self.places.remove(key) {
            self.forget(slot);
            self.free.push(slot);
            self.changed(slot);
        }
    }

    fn row(&self, slot: u32) -> Option<&Row> {
        self.slots.get(slot as usize)?.as_ref()
    }

    fn forget(&mut self, slot: u32) {
        if let Some(old) = self.slots[slot as usize].take() {
            self.levels[old.level.rank()] -= 1;
            if let Some(at) = old.valid_until {
                self.running_out.remove(&(at, slot));
            }
        }
    }

    fn changed(&mut self, slot: u32) {
        self.version += 1;
        self.changes.push_back(slot);
        if self.changes.len() > REMEMBERED {
            self.changes.pop_front();
        }
    }

    /// Slots that changed after a version, or `None` when that is no longer known.
    fn since(&self, version: u64) -> Option<impl Iterator<Item = u32>> {
        let behind = self
            .version
            .checked_sub(version)
            .and_then(|behind| usize::try_from(behind).ok())
            .filter(|behind| *behind <= self.changes.len())?;
        Some(self.changes.iter().skip(self.changes.len() - behind).copied())
    }
}

/// Rows of a board that pass a query, in its order.
#[derive(Debug, Default)]
pub struct Listing {
    order: Vec<u32>,
    query: Query,
    version: Option<u64>,
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

    /// Changes the query.
    pub fn ask(&mut self, query: Query) {
        if query != self.query {
            self.query = query;
            self.version = None;
        }
    }

    /// Brings the order up to date with the board. Costs nothing when nothing changed.
    pub fn refresh(&mut self, board: &Board, now: Timestamp) {
        if self.version == Some(board.version) {
            return;
        }
        let changes = self.version.and_then(|version| board.since(version));
        match changes {
            Some(changes) => self.follow(board, &changes.collect(), now),
            None => self.rebuild(board, now),
        }
        self.version = Some(board.version);
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
        let slot = board.places.get(key)?;
        let row = board.row(*slot)?;
        let found = self.order.binary_search_by(|other| self.order_of(board, *other, row));
        found.ok().or_else(|| self.order.iter().position(|other| other == slot))
    }

    fn order_of(&self, board: &Board, slot: u32, row: &Row) -> std::cmp::Ordering {
        board.row(slot).map_or(std::cmp::Ordering::Less, |other| self.query.sort.order(other, row))
    }

    fn passes(&self, board: &Board, row: &Row, now: Timestamp) -> bool {
        (!self.query.only_problems || row.level.problem()) && self.query.filter.passes(row, board.pane.columns(), now)
    }

    fn rebuild(&mut self, board: &Board, now: Timestamp) {
        let all = (0u32..).zip(&board.slots).filter_map(|(slot, row)| row.as_ref().map(|row| (slot, row)));
        let mut passing: Vec<(u32, &Row)> = all.filter(|(_, row)| self.passes(board, row, now)).collect();
        passing.sort_unstable_by(|(_, a), (_, b)| self.query.sort.order(a, b));
        self.order = passing.into_iter().map(|(slot, _)| slot).collect();
    }

    /// Takes changed rows out and puts each back where it belongs: one pass, however many there are.
    fn follow(&mut self, board: &Board, changed: &BTreeSet<u32>, now: Timestamp) {
        let kept = std::mem::take(&mut self.order).into_iter().filter(|slot| !changed.contains(slot));
        let kept: Vec<u32> = kept.collect();
        let rows = changed.iter().filter_map(|slot| board.row(*slot).map(|row| (*slot, row)));
        let mut put: Vec<(u32, &Row)> = rows.filter(|(_, row)| self.passes(board, row, now)).collect();
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
