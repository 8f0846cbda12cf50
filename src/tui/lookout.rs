//! What a person has an eye on: marked rows, and volumes that were backed up a short while ago. When one of them
//! becomes critical it is said, wherever the person looks.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::panes::Panes;
use crate::model::Key;
use crate::session::Desk;
use crate::view::{Level, Pane};

/// How long after its end the volume of an operation is looked at.
const AFTER: SignedDuration = SignedDuration::from_hours(1);

/// How bad the rows were that a person has an eye on.
#[derive(Debug, Default)]
pub struct Lookout(BTreeMap<Key, Level>);

impl Lookout {
    /// What became critical since the last look. A row that is new here is only taken note of; what an operation is at
    /// work on here is looked at when that has ended: it may well delete it and make it anew.
    pub fn look(&mut self, desk: &Desk, panes: &Panes) -> Vec<(Level, String)> {
        let watched = watched(desk, panes);
        self.0.retain(|key, _| watched.contains(key));
        let mut news = Vec::new();
        let at_work = |key: &Key| desk.operations.iter().any(|it| it.runs_here() && it.subject == *key);
        for key in watched.into_iter().filter(|key| !at_work(key)) {
            let Some(row) = desk.boards.row(&key) else { continue };
            let before = self.0.insert(key, row.level);
            if row.level == Level::Critical && before.is_some_and(|before| before != Level::Critical) {
                let why = row.reasons.first().map(|why| format!(": {why}")).unwrap_or_default();
                news.push((row.level, format!("{} is now {}{why}", row.object, row.state)));
            }
        }
        news
    }
}

fn watched(desk: &Desk, panes: &Panes) -> BTreeSet<Key> {
    let marks = Pane::ALL.into_iter().flat_map(|pane| panes.state(pane).marks.iter());
    let lately = desk.operations.iter().filter(|operation| {
        operation.state.active() || operation.ended.is_some_and(|ended| desk.now.duration_since(ended) < AFTER)
    });
    marks.chain(lately.map(|operation| &operation.subject)).cloned().collect()
}
