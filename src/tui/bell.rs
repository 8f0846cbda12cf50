//! When the terminal's bell is rung: only when that is asked for, and never in a row.

use jiff::{SignedDuration, Timestamp};

/// The shortest time between two rings.
const PAUSE: SignedDuration = SignedDuration::from_secs(5);

/// The terminal's bell.
#[derive(Debug)]
pub struct Bell {
    wanted: bool,
    heard: u64,
    rung: Option<Timestamp>,
}

impl Bell {
    /// A bell that never rings unless it is wanted.
    pub fn new(wanted: bool) -> Self {
        Self { wanted, heard: 0, rung: None }
    }

    /// Whether to ring now that so many notices were said in all.
    pub fn due(&mut self, said: u64, now: Timestamp) -> bool {
        // Another context begins at nothing again.
        let news = said != std::mem::replace(&mut self.heard, said) && said > 0;
        let quiet = self.rung.is_none_or(|rung| now.duration_since(rung) >= PAUSE);
        let due = self.wanted && news && quiet;
        if due {
            self.rung = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rings_for_news_and_not_in_a_row() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut bell = Bell::new(true);
        let rings = [(0, 0), (1, 1), (1, 2), (2, 3), (2, 6), (3, 7), (0, 20), (1, 21)]
            .map(|(said, second)| bell.due(said, at(second)));
        assert_eq!(rings, [false, true, false, false, false, true, false, true]);
        assert!(!Bell::new(false).due(1, at(0)), "nobody asked for it");
    }
}
