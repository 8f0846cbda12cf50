//! The rows of all panes, kept up with the world.
//!
//! Only what a change touched, or what ran out of time, is built again; in slices where that is much. What ties
//! findings to what runs is looked up once for all rows, and whoever owns the boards says when.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::agenda::Agenda;
use super::trusts::Trusts;
use super::{Board, FindingTable, Level, Pane, Risks, Row, rows};
use crate::assess::linking::Chains;
use crate::model::{Freshness, Key, Kind, Touched, Uid, World};

/// So many rows are made in the time in which the copies of one volume are judged.
const DEARER: usize = 20;

/// The rows of all panes.
#[derive(Debug)]
pub struct Boards {
    panes: [Board; Pane::ALL.len()],
    /// The rows of objects that have one for each of their data keys.
    places: HashMap<(Kind, Uid), Vec<Key>>,
    agenda: Agenda,
    chains: Chains,
    findings: Arc<FindingTable>,
    tables: u64,
    trusts: Trusts,
    now: Timestamp,
}

impl Default for Boards {
    fn default() -> Self {
        Self {
            panes: Pane::ALL.map(Board::new),
            places: HashMap::new(),
            agenda: Agenda::default(),
            chains: Chains::default(),
            findings: Arc::default(),
            tables: 0,
            trusts: Trusts::default(),
            now: Timestamp::UNIX_EPOCH,
        }
    }
}

impl Boards {
    /// The rows of a pane.
    pub fn board(&self, pane: Pane) -> &Board {
        &self.panes[pane.index()]
    }

    /// The row of a key, in whichever pane it is.
    pub fn row(&self, key: &Key) -> Option<&Row> {
        self.find(key).map(|(_, row)| row)
    }

    /// The row of a key and the board it is on.
    pub fn find(&self, key: &Key) -> Option<(&Board, &Row)> {
        self.panes.iter().find_map(|board| Some((board, board.get(key)?)))
    }

    /// As of which moment the rows are.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// What ties findings to what runs, as it was looked up last.
    pub fn chains(&self) -> &Chains {
        &self.chains
    }

    /// Takes what ties findings to what runs, looked up anew: it costs too much to be done for each row.
    pub fn chained(&mut self, chains: Chains) {
        self.chains = chains;
    }

    /// How much data hangs on each volume, as far as that was judged.
    pub fn risks(&self) -> Risks {
        self.trusts.risks()
    }

    /// All findings.
    pub fn findings(&self) -> &Arc<FindingTable> {
        &self.findings
    }

    /// Takes the findings, made anew.
    pub fn tabled(&mut self, findings: Arc<FindingTable>) {
        self.findings = findings;
        self.tables += 1;
    }

    /// How many rows a pane has, shown or not.
    pub fn len(&self, pane: Pane) -> usize {
        match pane {
            Pane::Findings => self.findings.len(),
            Pane::Volumes | Pane::RestorePoints | Pane::Certificates => self.board(pane).len(),
        }
    }

    /// How many rows of a pane have this level.
    pub fn count_in(&self, pane: Pane, level: Level) -> usize {
        match pane {
            Pane::Findings => self.findings.count(level),
            Pane::Volumes | Pane::RestorePoints | Pane::Certificates => self.board(pane).count(level),
        }
    }

    /// What the copies of every volume are worth is to be judged anew.
    pub fn judge_copies(&mut self, world: &World) {
        self.trusts.all(world, &self.chains);
    }

    /// Volumes whose last known-good copy is about to go, and how, in a sentence.
    pub fn copies_going(&self) -> impl Iterator<Item = (&Uid, &str)> {
        self.trusts.going()
    }

    /// What the copies of every volume are worth.
    pub(super) fn trusts(&self) -> &Trusts {
        &self.trusts
    }

    /// Grows with every change of any row.
    pub fn version(&self) -> u64 {
        self.panes.iter().map(Board::version).sum::<u64>() + self.tables + self.trusts.version()
    }

    /// How many rows of all panes have this level.
    pub fn count(&self, level: Level) -> usize {
        self.panes.iter().map(|board| board.count(level)).sum()
    }

    /// When the first judgement runs out: the session refreshes then even if nothing changes.
    pub fn next_change(&self) -> Option<Timestamp> {
        self.panes.iter().filter_map(Board::next_change).chain(self.trusts.next_change()).min()
    }

    /// Brings all rows up to date after a change of the world, and those whose judgement has run out.
    pub fn refresh(&mut self, world: &World, touched: &Touched, now: Timestamp) {
        self.note(touched);
        self.work(world, now, usize::MAX);
    }

    /// Takes note of a change; [`Boards::work`] brings the rows up to date with it.
    pub fn note(&mut self, touched: &Touched) {
        let (boards, places) = (&self.panes, &self.places);
        let known = |kind: &Kind, uid: &Uid| {
            if rows::has_places(*kind) {
                return places.contains_key(&(*kind, uid.clone()));
            }
            Pane::of(*kind).is_some_and(|pane| boards[pane.index()].get(&Key::Object(*kind, uid.clone())).is_some())
        };
        self.agenda.note(touched, known);
        self.trusts.note(touched, &self.chains);
    }

    /// Whether rows are behind the world.
    pub fn behind(&self) -> bool {
        !self.agenda.is_empty() || self.trusts.behind()
    }

    /// Whether something has no row yet.
    pub fn lacking(&self) -> bool {
        self.agenda.fresh()
    }

    /// Makes at most this many rows anew, those that are missing first, and notes what has run out.
    pub fn work(&mut self, world: &World, now: Timestamp, at_most: usize) {
        self.tell(world, now);
        let run_out = self.panes.iter().flat_map(|board| board.run_out(now)).filter_map(object);
        run_out.for_each(|object| self.agenda.add(object));
        self.make(world, now, at_most);
        if self.agenda.is_empty() {
            let changed = self.trusts.work(world, &self.chains, now, at_most.div_ceil(DEARER));
            for copy in changed {
                self.agenda.add(copy);
            }
            self.make(world, now, at_most);
        }
    }

    /// A row with what is known of the trust in it, where findings are looked for and it is a copy's.
    pub(super) fn trusted(&self, pane: Pane, mut row: Row) -> Row {
        if pane == Pane::RestorePoints && !self.chains.is_idle() {
            let trust = self.trusts.of_copy(&row.uid);
            rows::trusted(&mut row, trust);
        }
        row
    }

    fn make(&mut self, world: &World, now: Timestamp, at_most: usize) {
        for _ in 0..at_most {
            let Some((kind, uid)) = self.agenda.next(world) else { return };
            self.update(world, kind, uid, now);
        }
    }

    /// Makes at most this many of the rows that are missing, and no other.
    pub fn work_on_missing(&mut self, world: &World, now: Timestamp, at_most: usize) {
        self.tell(world, now);
        for _ in 0..at_most {
            let Some((kind, uid)) = self.agenda.next_fresh() else { return };
            self.update(world, kind, uid, now);
        }
    }

    /// A change is news only when everything is seen live and no sweep is under way: what a first list or a watch that
    /// came back brings happened at some time, not now, and what may change every row is no news of any.
    fn tell(&mut self, world: &World, now: Timestamp) {
        self.now = now;
        let catching_up = |kind: &Kind| matches!(world.freshness(*kind), Freshness::Loading | Freshness::Stale { .. });
        let news = !self.agenda.sweeping() && !Kind::ALL.iter().any(catching_up);
        self.panes.iter_mut().for_each(|board| board.tell(news, now));
    }

    fn update(&mut self, world: &World, kind: Kind, uid: Uid, now: Timestamp) {
        let Some(pane) = Pane::of(kind) else { return };
        let board = &mut self.panes[pane.index()];
        if let Some(rows) = rows::places(world, pane, kind, &uid, now) {
            let keys: Vec<Key> = rows.iter().map(|row| row.key.clone()).collect();
            let before = self.places.remove(&(kind, uid.clone())).unwrap_or_default();
            before.iter().filter(|key| !keys.contains(key)).for_each(|key| board.remove(key));
            for row in rows {
                board.put(row);
            }
            if !keys.is_empty() {
                self.places.insert((kind, uid), keys);
            }
            return;
        }
        match rows::build(world, pane, kind, &uid, now) {
            Some(row) => {
                let row = self.trusted(pane, row);
                self.panes[pane.index()].put(row);
            }
            None => self.panes[pane.index()].remove(&Key::Object(kind, uid)),
        }
    }
}

fn object(key: Key) -> Option<(Kind, Uid)> {
    match key {
        Key::Object(kind, uid) | Key::Place(kind, uid, _) => Some((kind, uid)),
        Key::Finding(_) | Key::Operation(_) | Key::Run(_) | Key::Notice(_) => None,
    }
}
