//! Text that grows, for the forms of a report that people read.

use std::fmt::{Arguments, Write as _};

/// Text that grows.
#[derive(Default)]
pub struct Out(String);

impl Out {
    /// Adds formatted text.
    pub fn add(&mut self, text: Arguments<'_>) {
        // Writing to a String never fails.
        let _ = self.0.write_fmt(text);
    }

    /// Adds text as it is.
    pub fn push(&mut self, text: &str) {
        self.0.push_str(text);
    }

    /// All of it.
    pub fn done(self) -> String {
        self.0
    }
}
