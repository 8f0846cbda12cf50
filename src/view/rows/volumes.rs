//! Rows of the volumes pane.

use jiff::Timestamp;

use super::{frame, said, users};
use crate::assess::coverage::{Coverage, CoverageFacts, coverage};
use crate::assess::encryption::{self, Encryption};
use crate::assess::fate::{self, Takes};
use crate::assess::forecast::forecast;
use crate::assess::schedule::next_copy;
use crate::assess::used::{Used, used};
use crate::assess::{Reason, Severity};
use crate::model::{Kind, Pvc, Rpo, World};
use crate::view::row::shown;
use crate::view::{Cell, Level, Remedy, Row};

/// The state of a volume whose data is going now.
pub(in crate::view) const GOING: &str = "Going";

pub(super) fn row(world: &World, claim: &Pvc, now: Timestamp) -> Row {
    let covered = coverage(world, claim, now);
    let facts = &covered.value;
    let fates = fate::fate(world, claim, now);
    let filled = used(world, claim, now);
    let last = facts.last_good.as_ref().map(|(_, cut)| *cut);
    let next = next_copy(world, claim, last, &facts.rpo, now);
    let ahead = forecast(world, claim, &filled.value, || next.clone(), now);
    // Data that is going now outranks how old its last copy is.
    let going = fates.value.first().is_some_and(|worst| worst.severity == Severity::Critical);
    let (level, state, mut reasons) = if going {
        let first = fates.reasons.into_iter().take(1).chain(covered.reasons);
        (Level::Critical, GOING, first.collect())
    } else {
        (facts.severity.into(), word(&facts.state), covered.reasons)
    };
    let remedy = remedy(facts).filter(|_| !going);
    let alarm = (filled.value.alarm().into(), filled.value.word());
    let (level, state) = with_alarm((level, state), alarm, filled.reasons, &mut reasons);
    let alarm = (ahead.value.alarm().into(), ahead.value.word());
    let (level, state) = with_alarm((level, state), alarm, ahead.reasons, &mut reasons);
    let (level, state) = shown(level, state, world.freshness(Kind::Pvc));
    let here = (claim.meta.namespace.clone().unwrap_or_default(), claim.meta.name.clone());
    let mut templates = world.links.templates_mounting(&here).to_vec();
    templates.retain(|(kind, _)| *kind != Kind::ReplicaSet);
    let cells = [
        Cell::State(level, state),
        Cell::text_or_nothing(claim.meta.namespace.as_ref()),
        Cell::Text(claim.meta.name.clone()),
        last_good(last, &facts.state),
        rpo(&facts.rpo),
        next.as_ref().map_or(Cell::Nothing, |next| Cell::Until(next.at, Level::Info)),
        fate_cell(&fates.value),
        Cell::Counts(count(facts.good_count), count(facts.not_good_count)),
        encrypted(world, claim, now),
        Cell::bytes(claim.capacity),
        used_cell(&filled.value),
        Cell::text_or_nothing(claim.storage_class.as_ref()),
        users(world, &templates, world.links.pods_mounting(&here)),
    ];
    let next = next.map(|next| next.at);
    let ends = [covered.valid_until, fates.valid_until, filled.valid_until, ahead.valid_until, next];
    let valid_until = ends.into_iter().flatten().min();
    let (reasons, next) = said(reasons);
    Row { level, state, reasons, next, cells: cells.into(), valid_until, remedy, ..frame(Kind::Pvc, &claim.meta) }
}

/// A copy cut now helps where the last one is too old or there is none; not where the data is going already.
fn remedy(facts: &CoverageFacts) -> Option<Remedy> {
    let wants_copy = match facts.state {
        Coverage::AtRisk | Coverage::Breached | Coverage::Never => true,
        Coverage::Unprotected => facts.severity.problem() && facts.good_count == 0,
        Coverage::Ok | Coverage::Unknown { .. } => false,
    };
    wants_copy.then_some(Remedy::Backup)
}

type State = (Level, &'static str);

/// Raises a state by what is known of used space or of when it runs out. Of two equal ones the word of the first stays,
/// because whether there is a copy comes first; but then its first reason says both, for lists that have room for one.
fn with_alarm((level, state): State, alarm: State, mut said: Vec<Reason>, reasons: &mut Vec<Reason>) -> State {
    if !alarm.0.problem() {
        return (level, state);
    }
    let worse = if alarm.0 > level {
        std::mem::swap(reasons, &mut said);
        alarm
    } else {
        (level, state)
    };
    if let (true, Some(first), Some(also)) = (level.problem(), reasons.first_mut(), said.first()) {
        first.text = format!("{}; and {}", first.text, also.text);
        first.next = match (first.next.take(), &also.next) {
            (Some(next), Some(also)) if next != *also => Some(format!("{next}; {also}")),
            (next, also) => next.or_else(|| also.clone()),
        };
        said.remove(0);
    }
    reasons.append(&mut said);
    worse
}

fn used_cell(used: &Used) -> Cell {
    match used {
        Used::Known { used: bytes, capacity } => {
            Cell::Used { bytes: *bytes, capacity: *capacity, level: used.severity().into() }
        }
        Used::Unknown { .. } => Cell::Unknown,
    }
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
