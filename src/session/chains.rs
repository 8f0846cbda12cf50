//! What ties findings to what runs, looked up anew at a pace: it concerns all volumes, and what ran is seen all the time.

use std::time::{Duration, Instant};

use super::Session;
use crate::assess::linking::Chains;

/// The least time between two looks; a change of scans, decisions or words of operators does not wait for it.
const EVERY: Duration = Duration::from_secs(5);

impl Session {
    /// Looks up what ties findings to what runs, when it is time. Nothing without sources of findings.
    pub(super) fn chain(&mut self) {
        let idle = !self.watch.on() && self.desk.world.linking.compromised.is_empty();
        if !idle && self.chained.is_none_or(|at| at.elapsed() >= EVERY) {
            self.chain_now();
        }
    }

    /// Looks it up at once.
    pub fn chain_now(&mut self) {
        self.chained = Some(Instant::now());
        self.desk.boards.chained(Chains::of(&self.desk.world));
    }

    /// Something changed that may tie more or less than before.
    pub(super) fn unchain(&mut self) {
        self.chained = None;
    }
}
