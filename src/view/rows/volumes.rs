//! Rows of the volumes pane.

use jiff::Timestamp;

use super::{frame, said, users};
use crate::assess::Severity;
use crate::assess::coverage::{Coverage, coverage};
use crate::assess::encryption::{self, Encryption};
use crate::assess::fate::{self, Takes};
use crate::model::{Kind, Pvc, Rpo, World};
use crate::view::row::shown;
use crate::view::{Cell, Level, Row};

pub(super) fn row(world: &World, claim: &Pvc, now: Timestamp) -> Row {
    let covered = coverage(world, claim, now);
    let facts = &covered.value;
    let fates = fate::fate(world, claim, now);
    // Data that is going now outranks how old its last copy is.
    let going = fates.value.first().is_some_and(|worst| worst.severity == Severity::Critical);
    let judged = if going { (Level::Critical, "Going") } else { (facts.severity.into(), word(&facts.state)) };
    let (level, state) = shown(judged.0, judged.1, world.freshness(Kind::Pvc));
    let here = (claim.meta.namespace.clone().unwrap_or_default(), claim.meta.name.clone());
    let mut templates = world.links.templates_mounting(&here).to_vec();
    templates.retain(|(kind, _)| *kind != Kind::ReplicaSet);
    let cells = [
        Cell::State(level, state),
        Cell::text_or_nothing(claim.meta.namespace.as_ref()),
        Cell::Text(claim.meta.name.clone()),
        last_good(facts.last_good.as_ref().map(|(_, cut)| *cut), &facts.state),
        rpo(&facts.rpo),
        fate_cell(&fates.value),
        Cell::Counts(count(facts.good_count), count(facts.not_good_count)),
        encrypted(world, claim, now),
        Cell::bytes(claim.capacity),
        Cell::text_or_nothing(claim.storage_class.as_ref()),
        users(world, &templates, world.links.pods_mounting(&here)),
    ];
    let valid_until = covered.valid_until.into_iter().chain(fates.valid_until).min();
    let first = if going { fates.reasons.into_iter().take(1).collect() } else { Vec::new() };
    let (reasons, next) = said(first.into_iter().chain(covered.reasons).collect());
    Row { level, state, reasons, next, cells: cells.into(), valid_until, ..frame(Kind::Pvc, &claim.meta) }
}

fn word(state: &Coverage) -> &'static str {
    match state {
        Coverage::AtRisk => "At risk",
        other => other.word(),
    }
}

/// No good copy is only said when everything that could hold one was seen.
fn last_good(cut: Option<Timestamp>, state: &Coverage) -> Cell {
    match (cut, state) {
        (Some(cut), _) => Cell::Since(cut),
        (None, Coverage::Unknown { .. }) => Cell::Unknown,
        (None, _) => Cell::Word("none"),
    }
}

fn rpo(rpo: &Rpo) -> Cell {
    match rpo {
        Rpo::Within(limit) => Cell::Span(*limit),
        Rpo::OptedOut => Cell::Word("out"),
        Rpo::NoPolicy => Cell::Nothing,
        Rpo::Invalid(_) => Cell::State(Level::Unknown, "?"),
    }
}

fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// What would go, and how bad the worst way of going is.
fn fate_cell(fates: &[fate::Fate]) -> Cell {
    let Some(worst) = fates.first() else { return Cell::State(Level::Ok, "kept") };
    let takes = |word| fates.iter().any(|fate| fate.takes == word || fate.takes == Takes::Both);
    let word = match (takes(Takes::Data), takes(Takes::Copies)) {
        (true, true) => "data, copies",
        (true, false) => "data",
        (false, _) => "copies",
    };
    Cell::State(worst.severity.into(), word)
}

fn encrypted(world: &World, claim: &Pvc, now: Timestamp) -> Cell {
    match encryption::encryption(world, claim, now).value {
        Encryption::Unknown => Cell::Unknown,
        Encryption::ProviderDefault => Cell::State(Level::Ok, "provider"),
        Encryption::CustomerKey => Cell::State(Level::Ok, "own key"),
        other => Cell::State(other.severity().into(), other.word()),
    }
}
