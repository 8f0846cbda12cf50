//! Runs as the desk shows them: those that are led here, and those whose record is in the cluster.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Event, Message, Session, Tracked, run_book};
use crate::engine::{RunSeen, runs};
use crate::model::{Freshness, Review};
use crate::runbook::history::{Run, RunId};
use crate::runbook::reviewed::reviewed;
use crate::text::sanitize;
use crate::view::{Happened, RunState, RunView, run_view};

/// How often records are read while nothing here hangs on them.
const EVERY: Duration = Duration::from_secs(30);
/// How often while a run is led here or somebody looks at runs: that one was taken over is seen within this time.
pub(super) const OFTEN: Duration = Duration::from_secs(5);

impl Session {
    /// Reads the records of runs from now on: often while one is led here or looked at.
    pub fn watch_runs(&mut self) {
        self.runs.wanted = true;
        self.ask_runs(Duration::ZERO);
    }

    /// Whether somebody looks at runs. Whoever begins to is shown how they are now.
    pub fn look_at_runs(&mut self, looked_at: bool) {
        if std::mem::replace(&mut self.runs.looked_at, looked_at) != looked_at && looked_at {
            self.ask_runs(Duration::ZERO);
        }
    }

    /// How long after one reading the next one is.
    fn pace_of_runs(&self) -> Duration {
        let over = |run: &Run| run.end.is_some();
        let led = |tracked: &Tracked| tracked.trouble.is_none() && !tracked.run.as_ref().is_some_and(over);
        if self.runs.looked_at || self.runs.tracked.values().any(led) { OFTEN } else { EVERY }
    }

    /// The namespaces whose records are read: those that are looked at, and those of runs that were led here, which may
    /// be others.
    fn places_of_runs(&self) -> Vec<String> {
        let looked_at = &self.desk.world.context.namespaces;
        if looked_at.is_empty() {
            return Vec::new();
        }
        let homes = self.runs.tracked.values().filter_map(|tracked| Some(tracked.run.as_ref()?.home.clone()));
        let places: BTreeSet<String> = looked_at.iter().map(ToString::to_string).chain(homes).collect();
        places.into_iter().collect()
    }

    /// Asks anew, after this long; answers to earlier questions are worth nothing then.
    pub(in crate::session) fn ask_runs(&mut self, after: Duration) {
        let Some(eyes) = self.cluster.as_ref().map(crate::cluster::Cluster::eyes) else { return };
        if !self.runs.wanted {
            return;
        }
        self.runs.round += 1;
        let (round, post) = (self.runs.round, self.inbox.0.clone());
        let namespaces = self.places_of_runs();
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            let found = runs(&eyes, &namespaces).await;
            // The session may have been closed meanwhile.
            let _ = post.send(Message::Runs(round, found)).await;
        });
    }

    /// Takes records in.
    pub(in crate::session) fn learn_runs(&mut self, round: u64, found: Result<Vec<RunSeen>, String>) -> Option<Event> {
        if round != self.runs.round {
            return None;
        }
        let looked_at = &self.desk.world.context.namespaces;
        let shown = |seen: &RunSeen| {
            looked_at.is_empty()
                || looked_at.iter().any(|namespace| **namespace == *seen.home)
                || self.runs.tracked.contains_key(&seen.id)
        };
        let found = found.map(|seen| seen.into_iter().filter(shown).collect::<Vec<_>>());
        if let Ok(seen) = &found {
            self.yield_runs(seen);
        }
        self.desk.runs_unseen = found.as_ref().err().map(|why| why.as_str().into());
        self.runs.seen = Some(self.learn(found));
        self.ask_runs(self.pace_of_runs());
        self.show_runs();
        Some(Event::Changed)
    }

    /// Takes in what runs are and which reviews they are the proof of; each book is read once.
    fn learn(&mut self, found: Result<Vec<RunSeen>, String>) -> Result<(), String> {
        let reviews = &mut self.desk.world.reviews;
        let read = found.map(|seen| seen.iter().filter_map(of_record).unzip::<_, _, Vec<_>, Vec<_>>());
        match read {
            Ok((views, known)) => {
                self.runs.recorded = views;
                reviews.known = known.concat();
                reviews.freshness = Freshness::Live;
                Ok(())
            }
            Err(why) => {
                self.runs.recorded.clear();
                if !matches!(reviews.freshness, Freshness::Stale { .. }) {
                    reviews.freshness = Freshness::Stale { since: crate::store::now(), why: why.as_str().into() };
                }
                Err(why)
            }
        }
    }

    /// Whether the records of runs could be read, or why not; `None` before the first answer. The desk has the runs.
    pub fn runs_seen(&self) -> Option<Result<(), &str>> {
        self.runs.seen.as_ref().map(|seen| seen.as_ref().copied().map_err(String::as_str))
    }

    pub(super) fn show_runs(&mut self) {
        let led = &self.runs.tracked;
        let mut views: Vec<RunView> = led.keys().filter_map(|id| self.view_of(id)).collect();
        views.extend(self.runs.recorded.iter().filter(|view| !led.contains_key(&view.id)).cloned());
        views.sort_by(|a, b| b.id.cmp(&a.id));
        self.desk.runs = views;
    }

    fn view_of(&self, id: &RunId) -> Option<RunView> {
        let tracked = self.runs.tracked.get(id)?;
        let run = tracked.run.as_ref()?;
        if let Some(view) = self.of_others(id, tracked) {
            return Some(view);
        }
        let turn = self.run_turn(id);
        let view = run_view(id, &tracked.book, run, turn.as_ref());
        let state = match (&turn, &tracked.trouble) {
            (None, None) if run.end.is_none() => RunState::Running,
            _ => view.state,
        };
        Some(RunView {
            state,
            led: tracked.trouble.is_none(),
            trouble: tracked.trouble.as_deref().map(|why| sanitize(why).into_owned()),
            unseen: tracked.unseen.as_deref().map(|why| sanitize(why).into_owned()),
            happened: Happened::of(&tracked.entries),
            ..view
        })
    }

    /// A run that was let go, as its record tells it: what is known of it here is of the past.
    fn of_others(&self, id: &RunId, tracked: &Tracked) -> Option<RunView> {
        let why = tracked.trouble.as_deref().filter(|_| tracked.hold.is_none())?;
        let recorded = self.runs.recorded.iter().find(|view| view.id == *id)?;
        let over = matches!(recorded.state, RunState::Done | RunState::Stopped);
        let trouble = (!over).then(|| sanitize(why).into_owned());
        // The record may have been read before what was written here last.
        (recorded.happened.len() >= tracked.entries.len()).then(|| RunView { trouble, ..recorded.clone() })
    }
}

/// A run by its record, and the reviews that it is the proof of; `None` where that cannot be read.
fn of_record(seen: &RunSeen) -> Option<(RunView, Vec<Review>)> {
    let run = seen.run()?;
    let book = run_book(&run).ok()?;
    let view = RunView {
        elsewhere: Some(sanitize(seen.host()).into_owned()),
        happened: Happened::of(&seen.entries),
        ..run_view(&seen.id, &book, &run, None)
    };
    let happened = seen.entries.iter().map(|entry| (entry.at, &entry.body));
    Some((view, reviewed(&book, happened)))
}
