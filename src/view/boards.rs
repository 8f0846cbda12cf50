//! The rows of all panes, kept up with the world.
//!
//! Only what a change touched, or what ran out of time, is built again.

use jiff::Timestamp;

use super::{Board, Level, Pane, Row, rows};
use crate::model::{Key, Kind, Touched, Uid, World};

/// The rows of all panes.
#[derive(Debug)]
pub struct Boards {
    boards: [Board; Pane::ALL.len()],
}

impl Default for Boards {
    fn default() -> Self {
        Self { boards: Pane::ALL.map(Board::new) }
    }
}

impl Boards {
    /// The rows of a pane.
    pub fn board(&self, pane: Pane) -> &Board {
        &self.boards[pane.index()]
    }

    /// The row of a key, in whichever pane it is.
    pub fn row(&self, key: &Key) -> Option<&Row> {
        self.find(key).map(|(_, row)| row)
    }

    /// The row of a key and the board it is on.
    pub fn find(&self, key: &Key) -> Option<(&Board, &Row)> {
        self.boards.iter().find_map(|board| Some((board, board.get(key)?)))
    }

    /// Grows with every change of any row.
    pub fn version(&self) -> u64 {
        self.boards.iter().map(Board::version).sum()
    }

    /// How many rows of all panes have this level.
    pub fn count(&self, level: Level) -> usize {
        self.boards.iter().map(|board| board.count(level)).sum()
    }

    /// When the first judgement runs out: the session refreshes then even if nothing changes.
    pub fn next_change(&self) -> Option<Timestamp> {
        self.boards.iter().filter_map(Board::next_change).min()
    }

    /// Brings the rows up to date after a change of the world, and those whose judgement has run out.
    pub fn refresh(&mut self, world: &World, touched: &Touched, now: Timestamp) {
        for board in &mut self.boards {
            if touched.all {
                rebuild(board, world, now);
            } else {
                let run_out = board.run_out(now).into_iter().filter_map(object);
                let due: Vec<_> = rows::touched(touched, board.pane()).into_iter().chain(run_out).collect();
                for (kind, uid) in &due {
                    update(board, world, *kind, uid, now);
                }
            }
        }
    }
}

fn object(key: Key) -> Option<(Kind, Uid)> {
    match key {
        Key::Object(kind, uid) => Some((kind, uid)),
        Key::Operation(_) | Key::Notice(_) => None,
    }
}

fn rebuild(board: &mut Board, world: &World, now: Timestamp) {
    board.retain(|row| world.inventory.meta(row.object.kind, &row.uid).is_some());
    for (kind, uid) in rows::all(world, board.pane()) {
        update(board, world, kind, &uid, now);
    }
}

fn update(board: &mut Board, world: &World, kind: Kind, uid: &Uid, now: Timestamp) {
    match rows::build(world, board.pane(), kind, uid, now) {
        Some(row) => board.put(row),
        None => board.remove(&Key::Object(kind, uid.clone())),
    }
}
