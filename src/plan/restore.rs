//! Restores: what a restore point holds, read afresh, what a claim restored from it looks like, and the verb that
//! restores it beside the original, into a claim of its own.
//!
//! Nothing that exists is touched by it: what was restored can be looked at, compared and thrown away.

mod beside;
mod claim;
mod preflight;
mod read;
mod source;
#[cfg(test)]
pub(in crate::plan) mod testing;

pub use beside::{LOOKED_AT, Options, class_field, command, form, guards, options, plan, questions, size};
pub use claim::{Claim, Wish, claim, data_source};
pub use source::{Origin, Source, Template, found, lineage, reads, source};
