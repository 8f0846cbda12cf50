//! Bytes that must not linger in freed memory.

use std::hint::black_box;
use std::ops::Deref;

/// Bytes that are overwritten when they are dropped. They have no Debug, so that no message can repeat them.
#[derive(Default)]
pub struct Hidden(Vec<u8>);

impl From<Vec<u8>> for Hidden {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl Deref for Hidden {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        self.0.fill(0);
        // Keeps the writes from being optimised away.
        black_box(&mut self.0);
    }
}
