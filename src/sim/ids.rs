//! Names and UIDs the server makes.
//!
//! With a manual clock they are the same on every run, so that screens and journals can be
//! compared; with the real clock they differ, as two clusters do.

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
        let mut bytes = self.draw();
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let digits = digits(&bytes[..16]);
        [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
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
    digits(&hash(bytes))
}

fn digits(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// A short stable name for some content, as revision hashes are.
pub(crate) fn letters(bytes: &[u8], length: usize) -> String {
    hash(bytes).iter().take(length).map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect()
}
