//! The signals that the console answers to.

use std::io;

use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// It is time to leave.
    End,
    /// This process was stopped and goes on now.
    Continued,
}

/// The signals listened to.
pub struct Signals {
    ends: [Signal; 3],
    continued: Signal,
}

impl Signals {
    /// Listens from now on.
    pub fn new() -> io::Result<Self> {
        let ends = [SignalKind::terminate(), SignalKind::hangup(), SignalKind::interrupt()];
        let [terminate, hangup, interrupt] = ends.map(signal);
        let continued = signal(SignalKind::from_raw(Number::CONT.as_raw()))?;
        Ok(Self { ends: [terminate?, hangup?, interrupt?], continued })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> Said {
        let [terminate, hangup, interrupt] = &mut self.ends;
        tokio::select! {
            biased;
            _ = terminate.recv() => Said::End,
            _ = hangup.recv() => Said::End,
            _ = interrupt.recv() => Said::End,
            _ = self.continued.recv() => Said::Continued,
        }
    }
}
