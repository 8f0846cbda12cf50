//! The one log that is being read. It costs a connection, so there is never more than one.

use tokio::sync::mpsc;

use super::{Session, Ticket};
use crate::cluster::{CallError, LogEvent, LogQuery, LogStream, follow_log};

/// Batches of lines that may wait; the stream waits beyond that.
const BACKLOG: usize = 16;

/// A log that is being read.
pub(super) struct OpenLog {
    ticket: Ticket,
    events: mpsc::Receiver<LogEvent>,
    _stream: Option<LogStream>,
}

impl OpenLog {
    /// What happens next to the log; for ever nothing when there is none.
    pub(super) async fn next(open: &mut Option<Self>) -> (Ticket, LogEvent) {
        let Some(log) = open else { return std::future::pending().await };
        match log.events.recv().await {
            Some(event) => (log.ticket, event),
            None => std::future::pending().await,
        }
    }
}

impl Session {
    /// Begins to read a log, in place of the one that was read before. What happens to it is
    /// [`Event::Log`](super::Event::Log).
    pub fn open_log(&mut self, query: LogQuery) -> Ticket {
        let ticket = self.ticket();
        let (out, events) = mpsc::channel(BACKLOG);
        let stream = self.cluster.as_ref().map(|cluster| follow_log(cluster, query, out.clone()));
        if stream.is_none() {
            let why = "there is no connection yet".into();
            // There is room for one in a new channel.
            let _ = out.try_send(LogEvent::Failed(CallError::Unreachable { why, sent: false }));
        }
        self.log = Some(OpenLog { ticket, events, _stream: stream });
        ticket
    }

    /// Stops reading a log.
    pub fn close_log(&mut self, ticket: Ticket) {
        if self.log.as_ref().is_some_and(|log| log.ticket == ticket) {
            self.log = None;
        }
    }
}
