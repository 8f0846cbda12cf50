//! Restores: what a restore point holds, read afresh, and what a claim restored from it looks like.

mod claim;
mod read;
mod source;
#[cfg(test)]
mod testing;

pub use claim::{Claim, Wish, claim, data_source};
pub use source::{Origin, Source, Template, reads, source};
