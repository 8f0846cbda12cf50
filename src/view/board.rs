//! The cached rows of one pane.
//!
//! Rows sit in slots that do not move, so that a [`Listing`](super::Listing) is a list of small numbers and can
//! follow a few changes without sorting everything. What changed on the screen is remembered for a moment.

use std::collections::{BTreeSet, HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::{Level, Pane, Row};
use crate::model::Key;

/// Changes remembered for listings; a listing that is further behind starts afresh.
const REMEMBERED: usize = 16_384;
/// How long a change is news.
const NEWS: SignedDuration = SignedDuration::from_secs(2);
/// How many rows are news at once; what goes beyond a few screens tells the eye nothing.
const MOST_NEWS: usize = 256;

/// What just happened to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// It was not there before.
    New,
    /// Something that is on the screen changed.
    Changed,
}

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
    /// The moment at which changes are news; `None` while they are not.
    telling: Option<Timestamp>,
    news: HashMap<u32, (Timestamp, News)>,
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
            telling: None,
            news: HashMap::new(),
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

    /// From now on changes are news of this moment, or no news at all. Old news is forgotten.
    pub fn tell(&mut self, changes_are_news: bool, now: Timestamp) {
        self.telling = changes_are_news.then_some(now);
        self.news.retain(|_, (at, _)| now.duration_since(*at) < NEWS);
    }

    /// What just happened to a row.
    pub fn news(&self, key: &Key, now: Timestamp) -> Option<News> {
        if self.news.is_empty() {
            return None;
        }
        let (at, news) = self.news.get(self.places.get(key)?)?;
        (now.duration_since(*at) < NEWS).then_some(*news)
    }

    /// Puts a row in its place; an equal row changes nothing.
    pub fn put(&mut self, row: Row) {
        let known = self.places.get(&row.key).copied();
        let before = known.and_then(|slot| self.row(slot));
        if before == Some(&row) {
            return;
        }
        let news = match before {
            None => Some(News::New),
            Some(before) => row.differs(before).then_some(News::Changed),
        };
        let slot = known.or_else(|| self.free.pop()).unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        self.forget(slot);
        self.levels[row.level.rank()] += 1;
        self.running_out.extend(row.valid_until.map(|at| (at, slot)));
        self.places.insert(row.key.clone(), slot);
        self.slots[slot as usize] = Some(row);
        self.changed(slot);
        if let (Some(news), Some(at)) = (news, self.telling)
            && self.news.len() < MOST_NEWS
        {
            // A row that is new stays new while more of it becomes known.
            if !matches!(self.news.get(&slot), Some((_, News::New))) {
                self.news.insert(slot, (at, news));
            }
        }
    }

    /// Takes a row away.
    pub fn remove(&mut self, key: &Key) {
        if let Some(slot) = self.places.remove(key) {
            self.forget(slot);
            self.free.push(slot);
            self.news.remove(&slot);
            self.changed(slot);
        }
    }

    /// The row in a slot.
    pub(super) fn row(&self, slot: u32) -> Option<&Row> {
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

    /// The slot of a key.
    pub(super) fn slot(&self, key: &Key) -> Option<u32> {
        self.places.get(key).copied()
    }

    /// Every row with its slot.
    pub(super) fn slots(&self) -> impl Iterator<Item = (u32, &Row)> {
        (0u32..).zip(&self.slots).filter_map(|(slot, row)| row.as_ref().map(|row| (slot, row)))
    }

    /// Slots that changed after a version, or `None` when that is no longer known.
    pub(super) fn since(&self, version: u64) -> Option<impl Iterator<Item = u32>> {
        let behind = self
            .version
            .checked_sub(version)
            .and_then(|behind| usize::try_from(behind).ok())
            .filter(|behind| *behind <= self.changes.len())?;
        Some(self.changes.iter().skip(self.changes.len() - behind).copied())
    }
}
