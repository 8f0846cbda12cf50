//! Runs as the desk shows them: those that are led here, and those whose record is in the cluster.

use std::time::Duration;

use super::{Event, Message, Session, book};
use crate::engine::{RunSeen, runs};
use crate::model::{Freshness, Review};
use crate::runbook::history::RunId;
use crate::runbook::reviewed::reviewed;
use crate::view::{RunView, run_view};

/// How often records are read.
const EVERY: Duration = Duration::from_secs(30);

impl Session {
    /// Reads the records of runs, now and then every half a minute.
    pub fn watch_runs(&mut self) {
        self.runs.wanted = true;
        self.ask_runs(Duration::ZERO);
    }

    /// Asks anew, after this long; answers to earlier questions are worth nothing then.
    pub(in crate::session) fn ask_runs(&mut self, after: Duration) {
        let Some(eyes) = self.cluster.as_ref().map(crate::cluster::Cluster::eyes) else { return };
        if !self.runs.wanted {
            return;
        }
        self.runs.round += 1;
        let (round, post) = (self.runs.round, self.inbox.0.clone());
        let namespaces: Vec<String> = self.desk.world.context.namespaces.iter().map(ToString::to_string).collect();
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
        self.learn_reviews(&found);
        self.runs.seen = Some(found);
        self.ask_runs(EVERY);
        self.show_runs();
        Some(Event::Changed)
    }

    /// Takes in which reviews the runs are the proof of.
    fn learn_reviews(&mut self, found: &Result<Vec<RunSeen>, String>) {
        let reviews = &mut self.desk.world.reviews;
        match found {
            Ok(seen) => {
                reviews.known = seen.iter().flat_map(reviews_of).collect();
                reviews.freshness = Freshness::Live;
            }
            Err(why) => {
                let since = crate::store::now();
                if !matches!(reviews.freshness, Freshness::Stale { .. }) {
                    reviews.freshness = Freshness::Stale { since, why: why.as_str().into() };
                }
            }
        }
    }

    /// What is known of the records of runs, or why nothing is; `None` before the first answer.
    pub fn runs_seen(&self) -> Option<Result<&[RunSeen], &str>> {
        self.runs.seen.as_ref().map(|seen| seen.as_deref().map_err(String::as_str))
    }

    pub(super) fn show_runs(&mut self) {
        let ids: Vec<RunId> = self.runs.tracked.keys().cloned().collect();
        let mut views: Vec<RunView> = ids.iter().filter_map(|id| self.view_of(id)).collect();
        let seen = self.runs.seen.as_ref().and_then(|seen| seen.as_ref().ok()).into_iter().flatten();
        views.extend(seen.filter(|seen| !ids.contains(&seen.id)).filter_map(of_record));
        views.sort_by(|a, b| b.id.cmp(&a.id));
        self.desk.runs = views;
    }

    fn view_of(&self, id: &RunId) -> Option<RunView> {
        let (book, run) = self.led(id)?;
        let turn = self.run_turn(id);
        Some(RunView { trouble: self.run_trouble(id).map(str::to_owned), ..run_view(id, book, run, turn.as_ref()) })
    }
}

fn reviews_of(seen: &RunSeen) -> Vec<Review> {
    let book = seen.run().and_then(|run| book(&run.book, &run.source).ok());
    let happened = || seen.entries.iter().map(|entry| (entry.at, &entry.body));
    book.map(|book| reviewed(&book, happened())).unwrap_or_default()
}

/// A run by its record; `None` where that cannot be read.
pub fn of_record(seen: &RunSeen) -> Option<RunView> {
    let run = seen.run()?;
    let book = book(&run.book, &run.source).ok()?;
    let machine = seen.machine.rsplit_once('/').map_or(seen.machine.as_str(), |(machine, _)| machine);
    Some(RunView {
        elsewhere: Some(crate::text::sanitize(machine).into_owned()),
        ..run_view(&seen.id, &book, &run, None)
    })
}
