//! Runs that go on by themselves: what nobody has to be asked for is done as soon as it can be, by the same turns that
//! the command line takes. What a person has to do or say is left to whoever looks at the desk.

use super::{RunId, Session};
use crate::engine::RunSeen;
use crate::runbook::turn::{Ask, Turn};

impl Session {
    /// From now on runs that are begun or resumed here go on by themselves.
    pub fn lead_runs(&mut self) {
        self.runs.leading = true;
        self.advance_runs();
    }

    /// Lets every run go on that is led here and that nothing hinders.
    pub(in crate::session) fn advance_runs(&mut self) {
        if !self.runs.leading || self.runs.tracked.is_empty() {
            return;
        }
        let ids: Vec<RunId> = self.runs.tracked.keys().cloned().collect();
        for id in ids.iter().filter(|id| self.goes_on(id)).cloned().collect::<Vec<_>>() {
            if let Some(Turn::Ask(at, Ask::Approve(_))) = self.advance_run(&id) {
                self.watch_for_approval(&id, &at);
            }
        }
        self.show_runs();
    }

    fn goes_on(&self, id: &RunId) -> bool {
        let tracked = self.runs.tracked.get(id);
        tracked.is_some_and(|tracked| tracked.trouble.is_none() && tracked.hold.is_some())
    }

    /// Lets go of runs that another console took over meanwhile, by their records.
    pub(super) fn yield_runs(&mut self, seen: &[RunSeen]) {
        for seen in seen {
            let Some(tracked) = self.runs.tracked.get_mut(&seen.id) else { continue };
            let here = tracked.run.as_ref().map_or(0, |run| run.epoch);
            if seen.epoch > here && tracked.hold.take().is_some() {
                let who = crate::text::sanitize(&seen.machine).into_owned();
                tracked.trouble = Some(format!("another console goes on with it: {who}"));
            }
        }
    }
}
