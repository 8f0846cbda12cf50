//! How long to wait before what failed is tried again.

use std::time::Duration;

/// A pause that doubles up to a limit, spread so that many tasks do not come back at the same moment.
pub(super) struct Pause {
    next: Duration,
    longest: Duration,
}

impl Pause {
    /// Starts with the first pause; the second is the longest.
    pub(super) fn new((first, longest): (Duration, Duration)) -> Self {
        Self { next: first, longest }
    }

    /// The pause to make now.
    pub(super) fn next(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(self.longest);
        pause.mul_f32(0.75 + 0.5 * chance())
    }
}

/// A number from 0 to 1 that differs between tasks and calls; no secrecy is needed.
pub(super) fn chance() -> f32 {
    use std::hash::{BuildHasher, RandomState};
    let bits = (RandomState::new().hash_one(0) >> 48) as u16;
    f32::from(bits) / f32::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_their_limit_and_differ() {
        let mut pause = Pause::new((Duration::from_millis(500), Duration::from_secs(10)));
        let pauses: Vec<f32> = (0..8).map(|_| pause.next().as_secs_f32()).collect();
        assert!((0.37..=0.63).contains(&pauses[0]), "{pauses:?}");
        assert!((1.5..=2.5).contains(&pauses[2]), "{pauses:?}");
        assert!(pauses[5..].iter().all(|pause| (7.5..=12.5).contains(pause)), "{pauses:?}");
        let differ = |a: usize, b: usize| (pauses[a] - pauses[b]).abs() > f32::EPSILON;
        assert!(differ(5, 6) || differ(6, 7), "{pauses:?}");
    }
}
