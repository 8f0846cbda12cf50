//! Stdout with room for a whole frame, so that one is written at once.
//!
//! After a write failed it swallows what comes: the terminal is gone, and parts that are dropped later want to write
//! their farewells without anybody to hear that they cannot.

use std::io::{self, Write};

/// Stdout of the console. Nothing is written before it is flushed.
#[derive(Default)]
pub struct Out {
    bytes: Vec<u8>,
    gone: bool,
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut sent = Ok(());
        // After a panic the screen is not the console's any more.
        if !self.gone && !super::panicked() {
            let mut stdout = io::stdout().lock();
            sent = stdout.write_all(&self.bytes).and_then(|()| stdout.flush());
        }
        self.bytes.clear();
        self.gone |= sent.is_err();
        sent
    }
}
