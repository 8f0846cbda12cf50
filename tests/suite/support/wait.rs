//! Waiting on conditions: every wait has a deadline and says what it waited for.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(20);

/// Long enough for anything that should happen at all; only a failing test waits this long.
pub const LONG: Duration = Duration::from_secs(120);

/// Looks until there is something, and returns it. Panics with `what` when the deadline passes.
pub async fn until<T>(what: &str, within: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(began.elapsed() < within, "waited {within:?} for {what}");
        tokio::time::sleep(POLL).await;
    }
}

/// Looks until what is seen satisfies the condition; what was seen last is in the message otherwise.
pub async fn seen<T: Debug>(
    what: &str,
    within: Duration,
    mut look: impl AsyncFnMut() -> T,
    mut right: impl FnMut(&T) -> bool,
) -> T {
    let began = Instant::now();
    loop {
        let now = look().await;
        if right(&now) {
            return now;
        }
        assert!(began.elapsed() < within, "waited {within:?} for {what}; last seen: {now:#?}");
        tokio::time::sleep(POLL).await;
    }
}

/// Long enough for a terminal to tell an escape key from the beginning of a sequence. Nothing waits for anything else
/// by this.
pub async fn brief() {
    tokio::time::sleep(Duration::from_millis(60)).await;
}
