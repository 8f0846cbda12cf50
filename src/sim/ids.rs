//! Names and UIDs the server makes.
//!
//! With a manual clock they are the same on every run, so that screens and journals can be
//! compared; with the real clock they differ, as two clusters do.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use ring::digest;

/// The alphabet of generated names: no vowels, so no words (apimachinery `util/rand`).
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

#[derive(Debug)]
pub(crate) struct Ids {
    seed: u128,
    next: AtomicU64,
}

impl Ids {
    pub fn new(seed: u128) -> Self {
        Self { seed, next: AtomicU64::new(0) }
    }

    /// A version 4 UUID.
    pub fn uuid(&self) -> String {
        let bytes = self.draw();
        let mut uuid = String::with_capacity(36);
        for (at, byte) in bytes.iter().take(16).enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                uuid.push('-');
            }
            let byte = match at {
                6 => (byte & 0x0f) | 0x40,
                8 => (byte & 0x3f) | 0x80,
                _ => *byte,
            };
            let _ = write!(uuid, "{byte:02x}");
        }
        uuid
    }

    /// The five letters `generateName` appends.
    pub fn suffix(&self) -> String {
        letters(&self.draw(), 5)
    }

    /// A certificate serial number: 16 bytes, positive.
    pub fn serial(&self) -> Vec<u8> {
        let mut bytes = self.draw()[..16].to_vec();
        bytes[0] = (bytes[0] & 0x7f) | 0x40;
        bytes
    }

    fn draw(&self) -> [u8; 32] {
        let count = self.next.fetch_add(1, Ordering::Relaxed);
        hash(&[&self.seed.to_le_bytes()[..], &count.to_le_bytes()].concat())
    }
}

/// SHA-256.
pub(crate) fn hash(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}

/// SHA-256 as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    hash(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A short stable name for some content, as revision hashes are.
pub(crate) fn letters(bytes: &[u8], length: usize) -> String {
    hash(bytes).iter().take(length).map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect()
}
