//! Which journals may be let go: of operations that ended long ago and of which nothing is left to be taken back.
//!
//! Pure. What is not known counts for keeping.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Run;
use crate::model::Uid;
use crate::plan::{End, Leaves, OperationId, Undone};

/// Operations that were taken back whole, by what others did.
pub fn taken_back<'a>(runs: impl IntoIterator<Item = &'a Run>) -> BTreeSet<OperationId> {
    let done = runs.into_iter().filter(|run| run.progress.end == Some(End::Done));
    done.filter_map(|run| run.plan.undoes.clone()).collect()
}

/// Whether the journal of an operation may be let go: it ended before that moment, holds nothing, and cannot be taken
/// back any more. `there` says whether a copy is there, or may be.
pub fn may_go(run: &Run, before: Timestamp, taken_back: &BTreeSet<OperationId>, there: impl Fn(&Uid) -> bool) -> bool {
    if run.closed.is_none_or(|closed| closed >= before) || !run.progress.unclosed(&run.plan).is_empty() {
        return false;
    }
    if taken_back.contains(run.id()) {
        return true;
    }
    match (Undone { plan: run.plan.clone(), progress: run.progress.clone() }).leaves() {
        Leaves::Nothing => true,
        Leaves::Copies(copies) => !copies.iter().any(there),
        Leaves::Something => false,
    }
}
