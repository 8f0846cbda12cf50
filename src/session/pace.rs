//! How often rows that are there are made anew while first lists come in.
//!
//! Until the lists are complete most rows change several times, as each of the objects behind them arrives. So they wait
//! for one another: at least [`LEAST`], and where making them all takes long, [`REST`] times as long as it took.

use std::time::{Duration, Instant};

/// The least time between two rounds.
const LEAST: Duration = Duration::from_secs(1);
/// How many times as long as a round took the next one waits: a fifth of the time is spent on rows at most.
const REST: u32 = 4;

/// When the rows were last up with the world, and how long that took.
#[derive(Debug)]
pub(super) struct Pace {
    settled: Instant,
    began: Option<Instant>,
    took: Duration,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self { settled: now, began: None, took: Duration::ZERO }
    }

    /// How long the next round has to wait; a round that has begun goes on.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        if self.began.is_some() {
            return Duration::ZERO;
        }
        LEAST.max(self.took * REST).saturating_sub(now.duration_since(self.settled))
    }

    /// Rows that are there are being made anew.
    pub(super) fn begin(&mut self, now: Instant) {
        self.began.get_or_insert(now);
    }

    /// The rows are up with the world.
    pub(super) fn settle(&mut self, now: Instant) {
        self.settled = now;
        if let Some(began) = self.began.take() {
            self.took = now.duration_since(began);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_goes_on_until_it_is_done_and_the_next_one_waits_by_what_it_took() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut pace = Pace::new(start);
        assert_eq!(pace.wait(start), LEAST);
        assert_eq!(pace.wait(at(1)), Duration::ZERO);
        pace.begin(at(1));
        pace.begin(at(2));
        assert_eq!(pace.wait(at(3)), Duration::ZERO, "it has begun");
        pace.settle(at(4));
        assert_eq!(pace.wait(at(4)), Duration::from_secs(12), "it took three seconds");
        pace.begin(at(16));
        pace.settle(at(16));
        assert_eq!(pace.wait(at(16)), LEAST, "a quick one is followed soon");
    }
}
