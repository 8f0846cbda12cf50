//! A tree on the screen: its lines as of the last change, what is folded in it and where the cursor stands.

use std::collections::BTreeSet;

use ratatui::layout::Rect;

use super::layer::Cursor;
use super::layout::inside;
use crate::model::Key;
use crate::session::Desk;
use crate::view::{TreeLine, tree};

/// Lines below the tree that tell all about the one under the cursor.
pub(super) const ABOUT: u16 = 4;

/// A tree of what hangs together.
#[derive(Clone, Debug)]
pub struct TreeLayer {
    /// What it was grown for.
    pub key: Key,
    /// Its lines as of the last change; empty when the object is gone.
    pub lines: Vec<TreeLine>,
    /// Where the cursor stands.
    pub cursor: Cursor,
    turned: BTreeSet<Key>,
}

impl TreeLayer {
    /// A tree for an object, with the cursor on it.
    pub fn new(key: Key) -> Self {
        let cursor = Cursor { key: Some(key.clone()), ..Cursor::default() };
        Self { key, lines: Vec::new(), cursor, turned: BTreeSet::new() }
    }

    /// The line under the cursor.
    pub fn line(&self) -> Option<&TreeLine> {
        self.lines.get(self.cursor.place)
    }

    /// Brings it up to date with the desk and the screen.
    pub(super) fn sync(&mut self, desk: &Desk, body: Rect) {
        let tree = tree(&desk.world, &desk.boards, &self.key, desk.now);
        self.lines = tree.map(|tree| tree.lines(&self.turned)).unwrap_or_default();
        let found = self.lines.iter().position(|line| Some(&line.key) == self.cursor.key.as_ref());
        self.cursor.settle(found, self.lines.len(), rows(body));
        if found.is_none() {
            self.go(|place| place);
        }
    }

    /// Moves the cursor to another line.
    pub(super) fn go(&mut self, to: impl FnOnce(usize) -> usize) {
        let place = to(self.cursor.place).min(self.lines.len().saturating_sub(1));
        self.cursor.key = self.lines.get(place).map(|line| line.key.clone());
        self.cursor.place = place;
    }

    /// Folds the branch under the cursor, or opens it.
    pub(super) fn fold(&mut self) {
        let Some(key) = self.line().filter(|line| line.folded.is_some()).map(|line| line.key.clone()) else { return };
        if !self.turned.remove(&key) {
            self.turned.insert(key);
        }
    }

    /// Opens the branch under the cursor, or goes on to what is below it.
    pub(super) fn step_in(&mut self) {
        match self.line().and_then(|line| line.folded) {
            Some(true) => self.fold(),
            Some(false) => self.go(|place| place + 1),
            None => {}
        }
    }

    /// Folds the branch under the cursor, or goes back to what it stands below.
    pub(super) fn step_out(&mut self) {
        let Some(line) = self.line() else { return };
        if line.folded == Some(false) {
            return self.fold();
        }
        let depth = |line: &TreeLine| line.guide.chars().count();
        let own = depth(line);
        let above = self.lines[..self.cursor.place].iter().rposition(|line| depth(line) < own);
        self.go(|place| above.unwrap_or(place));
    }
}

/// Lines of a tree that fit into the body.
pub(super) fn rows(body: Rect) -> usize {
    let inner = inside(body).height;
    inner.saturating_sub(ABOUT.min(inner / 3)).max(1).into()
}
