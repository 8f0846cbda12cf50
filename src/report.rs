//! The audit: controls judged over what is seen, each with its evidence and its remedy, as a report that can be checked.
//!
//! Verdicts come from [`assess`](crate::assess); here they are gathered by control and written down. A control that
//! does not see all that it needs is never Pass: what is denied, stale or still loading makes it Unknown. The report of
//! one world and one moment is always the same, byte for byte; its digest covers all of it. Nothing here reads a clock,
//! a file or a cluster.

mod case;
mod compare;
mod control;
mod controls;
mod document;
mod evidence;
mod html;
mod markdown;
mod out;
mod sarif;
mod table;
mod terms;

use jiff::Timestamp;

pub use compare::{Change, Comparison, Difference};
pub use control::{Control, Mapping, control, registry};
pub use document::{Controlled, Counts, Fault, Journal, Mapped, Report, SCHEMA, Whose};
pub use evidence::{Evidence, State};
pub use html::html;
pub use markdown::markdown;
pub use sarif::sarif;
pub use table::{registry_table, table};

use crate::model::World;
use crate::view::OperationView;
use case::Case;

/// What a report needs that no cluster says.
#[derive(Clone, Debug, Default)]
pub struct Inputs<'a> {
    /// Operations as they are known, with those of colleagues.
    pub operations: &'a [OperationView],
    /// Why operations of colleagues are not among them.
    pub unseen: Option<&'a str>,
    /// The journal of this machine.
    pub journal: Journal,
    /// Whether findings are looked for at all.
    pub findings: bool,
}

/// Judges these controls, in this order, and writes the report.
pub fn report(world: &World, inputs: &Inputs<'_>, controls: &[&'static Control], now: Timestamp) -> Report {
    let case = Case::new(world, inputs, now);
    let judged = controls.iter().map(|control| case.judge(control)).collect();
    Report::new(Whose::of(world), inputs.journal.clone(), judged, now)
}

#[cfg(test)]
mod tests;
