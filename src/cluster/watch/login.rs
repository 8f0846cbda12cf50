//! Keeps the credentials good: they are read again when the server refuses them, and shortly before they end.
//!
//! Beside the heart and not in it: a plugin that asks somewhere far away must not keep the heart from beating.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::Shared;
use crate::model::Delta;

/// How often the clock is looked at. A machine that slept wakes with credentials that ended meanwhile.
const LOOK: Duration = Duration::from_secs(5);
/// So long before their end new ones are asked for: kube's own margin, and that of client-go's callers.
const BEFORE: SignedDuration = SignedDuration::from_secs(60);
/// At least this long between two attempts.
const BETWEEN: Duration = Duration::from_secs(30);

/// Renews for ever; ends when nobody listens.
pub(super) async fn keep(shared: Arc<Shared>) {
    let mut told = None;
    let mut tried: Option<Instant> = None;
    loop {
        let ends = shared.cluster.login_ends();
        if told != Some(ends) {
            if shared.out.send(Delta::Login(ends)).await.is_err() {
                return;
            }
            told = Some(ends);
        }
        let refused = tokio::select! {
            () = shared.unauthorized.notified() => true,
            () = tokio::time::sleep(LOOK) => false,
        };
        if (refused || due(ends, Timestamp::now())) && tried.is_none_or(|at| at.elapsed() > BETWEEN) {
            tried = Some(Instant::now());
            if let Err(error) = shared.cluster.renew_credentials().await {
                tracing::warn!(%error, "credentials could not be renewed");
            }
        }
    }
}

/// Whether it is time to ask for new ones.
fn due(ends: Option<Timestamp>, now: Timestamp) -> bool {
    ends.is_some_and(|ends| ends.duration_since(now) < BEFORE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::nothing_known(None, false)]
    #[case::far(Some(3600), false)]
    #[case::just_before_the_margin(Some(61), false)]
    #[case::within_the_margin(Some(59), true)]
    #[case::over(Some(-10), true)]
    fn new_credentials_are_asked_for_before_the_old_ones_end(#[case] left: Option<i64>, #[case] asked: bool) {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let ends = left.map(|left| now + SignedDuration::from_secs(left));
        assert_eq!(due(ends, now), asked);
    }
}
