//! A short memory of how one volume filled: few points, as far apart as they must be to reach back for hours.
//!
//! At first a point is kept every minute; whenever all places are taken, every second point goes and the pauses double.
//! So a console that was just started has something to show soon, and one that ran all day still holds little. It says
//! what was measured and nothing about what will be.

use jiff::{SignedDuration, Timestamp};

use super::Usage;

/// Points kept of one volume.
pub const POINTS: usize = 32;
/// The shortest pause between two points.
const CLOSEST: SignedDuration = SignedDuration::from_mins(1);
/// How often the pause may double: up to 32 minutes, and then the oldest point goes for each new one.
const DOUBLINGS: u32 = 5;

/// Bytes in use at some moments, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    points: Vec<(Timestamp, u64)>,
    doublings: u32,
}

impl History {
    /// The points, the oldest first; never more than [`POINTS`].
    pub fn points(&self) -> &[(Timestamp, u64)] {
        &self.points
    }

    /// Takes in a measurement, unless the last point is too near.
    pub(super) fn note(&mut self, usage: &Usage) {
        // A clock that was set back leaves points that are yet to come.
        self.points.retain(|(at, _)| *at <= usage.at);
        if self.near(usage.at) {
            return;
        }
        if self.points.len() >= POINTS {
            if self.doublings < DOUBLINGS {
                self.thin();
            } else {
                self.points.remove(0);
            }
        }
        if !self.near(usage.at) {
            self.points.push((usage.at, usage.used));
        }
    }

    fn near(&self, at: Timestamp) -> bool {
        let pause = CLOSEST * 2i32.pow(self.doublings);
        self.points.last().is_some_and(|(last, _)| at.duration_since(*last) < pause)
    }

    /// Keeps every second point, and the newest.
    fn thin(&mut self) {
        let newest = self.points.len().saturating_sub(1);
        let mut place = 0;
        self.points.retain(|_| {
            place += 1;
            (newest + 1 - place).is_multiple_of(2)
        });
        self.doublings += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(minutes: i64, step: i64) -> History {
        let mut history = History::default();
        for minute in (0..minutes).step_by(usize::try_from(step).unwrap()) {
            let at = Timestamp::from_second(minute * 60).unwrap();
            history.note(&Usage { used: u64::try_from(minute).unwrap(), capacity: 1, at });
        }
        history
    }

    #[test]
    fn a_short_while_is_kept_minute_by_minute_and_a_day_by_points_far_apart() {
        assert_eq!(noted(20, 1).points().len(), 20);
        let day = noted(24 * 60, 1);
        let reach = day.points()[day.points().len() - 1].0.duration_since(day.points()[0].0);
        assert!(reach >= SignedDuration::from_hours(8), "{reach}");
        let pauses = day.points().windows(2).map(|pair| pair[1].0.duration_since(pair[0].0));
        assert!(pauses.clone().all(|pause| pause == SignedDuration::from_mins(32)), "{:?}", pauses.collect::<Vec<_>>());
    }

    #[test]
    fn it_never_holds_more_than_its_places_and_keeps_the_newest() {
        for minutes in [1, 31, 32, 33, 34, 63, 64, 65, 500, 5_000] {
            let history = noted(minutes, 1);
            assert!(history.points().len() <= POINTS, "{minutes}");
            let (newest, used) = history.points().last().unwrap();
            assert_eq!(newest.as_second(), i64::try_from(*used).unwrap() * 60);
            assert!(minutes * 60 - newest.as_second() <= 33 * 60, "{minutes}: {newest}");
        }
    }

    #[test]
    fn points_of_a_clock_that_was_set_back_go() {
        let mut history = noted(10, 1);
        history.note(&Usage { used: 7, capacity: 9, at: Timestamp::from_second(150).unwrap() });
        let seconds: Vec<i64> = history.points().iter().map(|(at, _)| at.as_second()).collect();
        assert_eq!(seconds, [0, 60, 120], "the one that came is too near to the last");
    }
}
