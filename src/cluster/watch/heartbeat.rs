//! Whether the API server is there: asked every few seconds, and at once when a watch broke.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch as signal;

use crate::model::{Connection, Delta};

use super::Shared;
use crate::cluster::errors::CallError;

/// Pause between two questions while the server answers.
const CALM: Duration = Duration::from_secs(5);
/// First and longest pause while it does not.
const ALARM: (Duration, Duration) = (Duration::from_millis(300), Duration::from_secs(2));

/// What the last question found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Server {
    Unknown,
    Up,
    Down,
}

/// Waits until the server's state becomes `wanted` by a change.
pub(super) async fn reaches(server: &mut signal::Receiver<Server>, wanted: Server) {
    loop {
        if server.changed().await.is_err() {
            // No heart, no news: the caller's own clock decides.
            return std::future::pending().await;
        }
        if *server.borrow_and_update() == wanted {
            return;
        }
    }
}

/// Asks for ever; ends when nobody listens.
pub(super) async fn beat(shared: Arc<Shared>, heart: signal::Sender<Server>) {
    let eyes = shared.cluster.eyes();
    let mut since: Option<Timestamp> = None;
    let mut pause = ALARM.0;
    loop {
        let answer = eyes.reachable().await;
        if answer == Err(CallError::Unauthorized) {
            shared.unauthorized.notify_one();
        }
        let connection = match answer {
            Ok(()) => {
                (since, pause) = (None, CALM);
                Some(Connection::Up)
            }
            Err(error) => {
                let first = since.is_none();
                let since = *since.get_or_insert_with(Timestamp::now);
                pause = if first { ALARM.0 } else { (pause * 2).min(ALARM.1) };
                // One late answer is no outage; a refused connection is.
                let late = first && matches!(error, CallError::TimedOut { .. });
                (!late).then(|| Connection::Down { since, why: error.to_string().into() })
            }
        };
        if let Some(connection) = connection
            && !tell(&shared, &heart, connection).await
        {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            // Not more than one extra question per short pause, however many watches broke.
            () = async { tokio::join!(shared.doubt.notified(), tokio::time::sleep(ALARM.0)); } => {}
        }
    }
}

/// Says what changed; false when nobody listens.
async fn tell(shared: &Shared, heart: &signal::Sender<Server>, connection: Connection) -> bool {
    let state = if connection == Connection::Up { Server::Up } else { Server::Down };
    let changed = heart.send_if_modified(|held| std::mem::replace(held, state) != state);
    !changed || shared.out.send(Delta::Connection(connection)).await.is_ok()
}
