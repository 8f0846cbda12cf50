//! Time as the simulated cluster sees it: real, or moved by hand.
//!
//! Controllers and timestamps ask this clock and no other, so that a test can let a certificate
//! expire in a millisecond. HTTP time-outs stay on real time: a client waits in the real world.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

/// The clock of one cluster; clones share it.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    Real,
    Manual(watch::Sender<Timestamp>),
}

impl Clock {
    /// The clock of this machine.
    pub fn real() -> Self {
        Self(Source::Real)
    }

    /// A clock that stands at `start` until [`advance`](Self::advance) moves it.
    pub fn manual(start: Timestamp) -> Self {
        Self(Source::Manual(watch::Sender::new(start)))
    }

    /// Now, on this clock.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::Real => Timestamp::now(),
            Source::Manual(now) => *now.borrow(),
        }
    }

    /// Moves a manual clock forward; a real clock cannot be moved and ignores it.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(now) = &self.0 {
            now.send_modify(|now| *now = later(*now, by));
        }
    }

    pub(crate) fn is_manual(&self) -> bool {
        matches!(self.0, Source::Manual(_))
    }

    /// Returns when this clock reaches `at`.
    pub(crate) async fn until(&self, at: Timestamp) {
        match &self.0 {
            Source::Real => {
                let wait = Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default();
                tokio::time::sleep(wait).await;
            }
            Source::Manual(now) => {
                let mut now = now.subscribe();
                // The sender lives in `self`, so the wait ends only by reaching `at`.
                let _ = now.wait_for(|now| *now >= at).await;
            }
        }
    }
}

/// `at` plus `by`, or the end of time.
pub(crate) fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// The form of `metav1.Time`: RFC 3339, UTC, whole seconds.
pub(crate) fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// How long a Go duration (`24h`, `90m`, `1h30m`) lasts; `None` when it cannot be read.
pub(crate) fn go_duration(text: &str) -> Option<Duration> {
    let mut seconds = 0;
    let mut number = String::new();
    for c in text.chars() {
        if c.is_ascii_digit() {
            number.push(c);
            continue;
        }
        let unit = match c {
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        seconds += std::mem::take(&mut number).parse::<u64>().ok()? * unit;
    }
    (number.is_empty() && !text.is_empty()).then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::go_duration;

    #[test]
    fn go_durations_are_read() {
        assert_eq!(go_duration("1h30m"), Some(Duration::from_secs(5400)));
        assert_eq!(go_duration("2160h0m0s"), Some(Duration::from_secs(7_776_000)));
        assert_eq!(go_duration("12"), None);
        assert_eq!(go_duration("soon"), None);
    }
}
