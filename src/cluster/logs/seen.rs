//! Which lines were given already, as far back as a resumed stream may repeat them.
//!
//! A log is resumed by time, and the API server cuts that time to whole seconds, so the last lines come again. They
//! are told by moment and text together; lines of the same moment and text are counted.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use jiff::{SignedDuration, Timestamp};

/// A runtime stamps stdout and stderr on their own, so a line may come a little after one that is younger.
const DISORDER: SignedDuration = SignedDuration::from_secs(1);
/// Most lines remembered. A log that is faster than this within the time above may lose or repeat lines when cut.
const MOST: usize = 50_000;

/// The lines given last.
#[derive(Default)]
pub(super) struct Seen {
    recent: VecDeque<(Timestamp, u64)>,
    newest: Option<Timestamp>,
    /// Lines that are still expected once more, each so many times.
    repeats: HashMap<u64, u32>,
}

impl Seen {
    /// From when on a stream must begin to miss nothing; `None` before the first line.
    pub(super) fn since(&self) -> Option<Timestamp> {
        let second = Timestamp::from_second(self.newest?.as_second()).ok()?;
        second.checked_sub(DISORDER).ok()
    }

    /// A stream begins that gives everything since [`Self::since`] once more.
    pub(super) fn resume(&mut self) {
        self.repeats.clear();
        for (_, line) in &self.recent {
            *self.repeats.entry(*line).or_default() += 1;
        }
    }

    /// Takes a line in; whether it is new.
    pub(super) fn first_time(&mut self, at: Option<Timestamp>, raw: &[u8]) -> bool {
        let line = BuildHasherDefault::<DefaultHasher>::default().hash_one(raw);
        if let Some(times) = self.repeats.get_mut(&line) {
            *times -= 1;
            if *times == 0 {
                self.repeats.remove(&line);
            }
            return false;
        }
        let at = at.or(self.newest).unwrap_or(Timestamp::UNIX_EPOCH);
        self.newest = self.newest.max(Some(at));
        self.recent.push_back((at, line));
        let since = self.since();
        while self.recent.len() > MOST || self.recent.front().is_some_and(|(at, _)| Some(*at) < since) {
            self.recent.pop_front();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A log as a node has it: milliseconds and text, in the order of writing.
    type Log = Vec<(i64, u8)>;

    fn give(seen: &mut Seen, lines: &[(i64, u8)], got: &mut Log) {
        for (ms, text) in lines {
            let at = Timestamp::from_millisecond(*ms).unwrap();
            if seen.first_time(Some(at), format!("{at} {text}").as_bytes()) {
                got.push((*ms, *text));
            }
        }
    }

    /// What a server sends that keeps whole seconds only.
    fn since(log: &[(i64, u8)], since: Option<Timestamp>) -> Log {
        let from = since.map_or(i64::MIN, |since| since.as_second() * 1000);
        log.iter().copied().filter(|(ms, _)| *ms >= from).collect()
    }

    proptest! {
        /// Lines of the same moment, of the same text, slightly out of order: cut anywhere and resumed, the log is
        /// complete and nothing comes twice.
        #[test]
        fn a_log_cut_anywhere_is_given_once_and_whole(
            steps in prop::collection::vec((-400i64..900, 0u8..3), 1..60),
            cuts in prop::collection::vec(0usize..60, 0..6),
        ) {
            let mut at = 5_000_000;
            let log: Log = steps.iter().map(|(step, text)| { at += step; (at, *text) }).collect();
            // Disorder beyond what runtimes do is not promised.
            let newest = |i: usize| log[..=i].iter().map(|(ms, _)| *ms).max().unwrap();
            prop_assume!((0..log.len()).all(|i| newest(i) - log[i].0 < 1000));
            let (mut seen, mut got) = (Seen::default(), Log::new());
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(log.len())).collect();
            cuts.sort_unstable();
            for written in cuts.into_iter().chain([log.len()]) {
                let from = seen.since();
                seen.resume();
                give(&mut seen, &since(&log[..written], from), &mut got);
            }
            prop_assert_eq!(got, log);
        }
    }

    #[test]
    fn little_is_remembered() {
        let mut seen = Seen::default();
        for second in 0..1000 {
            let at = Timestamp::from_second(second).unwrap();
            assert!(seen.first_time(Some(at), b"tick"), "another moment is another line");
        }
        assert!(seen.recent.len() <= 2, "{}", seen.recent.len());
    }
}
