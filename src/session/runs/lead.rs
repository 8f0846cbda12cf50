//! Runs that go on by themselves: what nobody has to be asked for is done as soon as it can be, by the same turns that
//! the command line takes. What a person has to do or say is left to whoever looks at the desk.

use std::collections::BTreeMap;

use super::{RunId, Session};
use crate::engine::RunSeen;
use crate::runbook::turn::{Ask, Turn};
use crate::view::{Level, RunState, RunView};

impl Session {
    /// From now on runs that are begun or resumed here go on by themselves.
    pub fn lead_runs(&mut self) {
        self.runs.leading = true;
        self.advance_runs();
    }

    /// Lets every run go on that is led here and that nothing hinders, and shows how runs stand then.
    pub(in crate::session) fn advance_runs(&mut self) {
        if self.runs.tracked.is_empty() {
            return;
        }
        if self.runs.leading {
            self.advance_led();
        }
        self.show_runs();
        if self.runs.leading {
            self.say_who_is_asked();
        }
    }

    fn advance_led(&mut self) {
        let ids: Vec<RunId> = self.runs.tracked.keys().filter(|id| self.goes_on(id)).cloned().collect();
        for id in ids {
            if let Some(Turn::Ask(at, Ask::Approve(_))) = self.advance_run(&id) {
                self.watch_for_approval(&id, &at);
            }
        }
    }

    /// Says once when a run that is led here comes to wait for a person, when a step failed, and when it is over.
    fn say_who_is_asked(&mut self) {
        let stands = |run: &RunView| (run.led).then(|| (run.id.clone(), (run.state, run.at.clone())));
        let now: BTreeMap<_, _> = self.desk.runs.iter().filter_map(stands).collect();
        let news: Vec<_> = now
            .iter()
            .filter(|(id, stand)| self.runs.stood.get(*id) != Some(*stand) && stand.0 != RunState::Running)
            .map(|(id, (state, at))| {
                let at = at.as_ref().map(|at| format!(" at {at}")).unwrap_or_default();
                (state.level(), format!("run {id}: {}{at}", state.word().to_lowercase()))
            })
            .collect();
        self.runs.stood = now;
        for (level, text) in news {
            self.desk.say(level, &text);
        }
    }

    fn goes_on(&self, id: &RunId) -> bool {
        let tracked = self.runs.tracked.get(id);
        tracked.is_some_and(|tracked| tracked.trouble.is_none() && tracked.hold.is_some())
    }

    /// Lets go of runs that another console took over meanwhile, by their records.
    pub(super) fn yield_runs(&mut self, seen: &[RunSeen]) {
        let mut taken = Vec::new();
        for seen in seen {
            let Some(tracked) = self.runs.tracked.get_mut(&seen.id) else { continue };
            let here = tracked.run.as_ref().map_or(0, |run| run.epoch);
            if seen.epoch > here && tracked.hold.take().is_some() {
                let by = seen.led_by();
                tracked.trouble = Some(format!("{by} goes on with it"));
                taken.push(format!("run {} is led by {by} now", seen.id));
            }
        }
        for said in taken {
            self.desk.say(Level::Warn, &said);
        }
    }
}
