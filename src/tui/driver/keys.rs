//! What a terminal reports: keys, pastes, the mouse, its size. Read in a thread of its own.
//!
//! crossterm goes on reading a terminal that went away, without end and without a word, in whatever thread asks it. Here
//! no other than this one can ask; the console learns of it when it next draws, and the process ends without the thread.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crossterm::event::{self, Event};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Events that may wait to be taken in; the terminal keeps the rest.
const WAITING: usize = 256;

/// How often the thread looks whether anybody still listens.
const LOOK: Duration = Duration::from_secs(1);

/// Listens until it is dropped.
pub struct Keys {
    events: Receiver<io::Result<Event>>,
    dropped: Arc<AtomicBool>,
}

impl Keys {
    /// Begins to listen.
    pub fn listen() -> io::Result<Self> {
        let (sender, events) = channel(WAITING);
        let dropped = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&dropped);
        thread::Builder::new().name("keys".to_owned()).spawn(move || read(&sender, &end))?;
        Ok(Self { events, dropped })
    }

    /// Waits for the next event; `None` when there will be none any more.
    pub async fn next(&mut self) -> Option<io::Result<Event>> {
        self.events.recv().await
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.dropped.store(true, Ordering::Relaxed);
    }
}

fn read(events: &Sender<io::Result<Event>>, end: &AtomicBool) {
    while !end.load(Ordering::Relaxed) {
        let event = match event::poll(LOOK) {
            Ok(false) => continue,
            Ok(true) => event::read(),
            Err(error) => Err(error),
        };
        let failed = event.is_err();
        if events.blocking_send(event).is_err() || failed {
            return;
        }
    }
}
