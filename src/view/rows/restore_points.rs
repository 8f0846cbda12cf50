//! Rows of the restore points pane.

use jiff::Timestamp;

use super::{frame, said};
use crate::assess::known_good::Trust;
use crate::assess::proven::{Failed, failed, proven};
use crate::assess::restore_point::{self, Belongs, RestorePointState};
use crate::assess::retention::hold;
use crate::assess::{Judgement, Reason};
use crate::model::{DeletionPolicy, Kind, Meta, SnapshotSource, VeleroItem, VolumeSnapshot, World};
use crate::view::row::shown;
use crate::view::{Cell, Level, Pane, Row};

pub(super) fn snapshot(world: &World, snapshot: &VolumeSnapshot, now: Timestamp) -> Row {
    let content = world.content(snapshot);
    let volume = match restore_point::belongs(world, snapshot) {
        Belongs::Claim(uid) => claim_name(world, &uid),
        // Whoever looks for what is left of a lost claim looks for it by its name.
        Belongs::Gone => match &snapshot.source {
            SnapshotSource::Claim(name) => Cell::Said(Level::Info, format!("{name} (gone)").into()),
            _ => Cell::State(Level::Info, "volume gone"),
        },
        Belongs::ByNameOnly(name) => Cell::Text(format!("{name} (by name)").into()),
        Belongs::Unknown { .. } => Cell::Unknown,
    };
    let size = snapshot.restore_size.or(content.and_then(|content| content.restore_size));
    let rest = [
        Cell::since(restore_point::cut(world, snapshot)),
        volume,
        Cell::bytes(size),
        Cell::Nothing,
        proved(&snapshot.meta),
        deletion(content.map_or(DeletionPolicy::Unknown, |content| content.deletion)),
        held(snapshot, now),
        Cell::text_or_nothing(snapshot.class.as_ref()),
    ];
    let judged = restore_point::good(world, snapshot, now).because_all(said_held(snapshot, now));
    let judged = judged.until(hold(snapshot).and_then(|hold| hold.until).filter(|until| *until > now));
    let unproven = failed(&snapshot.meta).filter(|_| judged.value == RestorePointState::Good);
    let judged = match unproven {
        None => judged.map(|state| (state, None)),
        Some(failed) => doubted(&failed, snapshot, judged).map(|state| (state, Some((Level::Warn, "Not proven")))),
    };
    finish(world, Kind::VolumeSnapshot, &snapshot.meta, judged, rest)
}

/// When it was last proven, or that the drill since then failed.
fn proved(meta: &Meta) -> Cell {
    match (failed(meta), proven(meta)) {
        (Some(_), _) => Cell::State(Level::Warn, "no"),
        (None, Some(proof)) => Cell::Since(proof.at),
        (None, None) => Cell::Nothing,
    }
}

/// A copy that looks good, and was tried in vain.
fn doubted(
    failed: &Failed,
    snapshot: &VolumeSnapshot,
    judged: Judgement<RestorePointState>,
) -> Judgement<RestorePointState> {
    let path = snapshot.meta.reference(Kind::VolumeSnapshot).path();
    let next = format!("drill it again once that is mended, or trust another copy: holdfast drill {path}");
    let first = Reason::new(failed.said()).next(next);
    Judgement { reasons: std::iter::once(first).chain(judged.reasons).collect(), ..judged }
}

pub(super) fn velero(world: &World, kind: Kind, item: &VeleroItem, now: Timestamp) -> Row {
    let volume = match (&item.source_uid, &item.source_claim) {
        (Some(uid), _) if world.inventory.pvcs.get(uid).is_some() => claim_name(world, uid),
        (_, Some(name)) => Cell::Text(format!("{name} (by name)").into()),
        _ => Cell::Unknown,
    };
    let rest = [
        Cell::since(restore_point::velero_cut(world, item)),
        volume,
        Cell::bytes(item.bytes),
        Cell::Nothing,
        Cell::Nothing,
        Cell::Word("Velero"),
        Cell::Nothing,
        Cell::Word(kind.spec().kind),
    ];
    let judged = restore_point::velero(world, item, now).map(|state| (state, None));
    finish(world, kind, &item.meta, judged, rest)
}

/// A state, and what is shown in its place where more is known.
type Stated = (RestorePointState, Option<(Level, &'static str)>);

fn finish(world: &World, kind: Kind, meta: &Meta, judged: Judgement<Stated>, rest: [Cell; 8]) -> Row {
    let (level, said_state) = match judged.value {
        (_, Some(more)) => more,
        (RestorePointState::NotReady, None) => (RestorePointState::NotReady.severity().into(), "Not ready"),
        (other, None) => (other.severity().into(), other.word()),
    };
    let (level, state) = shown(level, said_state, world.freshness(kind));
    let first =
        [Cell::State(level, state), Cell::text_or_nothing(meta.namespace.as_ref()), Cell::Text(meta.name.clone())];
    let (reasons, next) = said(judged.reasons);
    let cells = first.into_iter().chain(rest).collect();
    Row { level, state, reasons, next, cells, valid_until: judged.valid_until, ..frame(kind, meta) }
}

/// Says in a copy's row what it can be trusted with; `None` where that was not judged. One that can be restored is not
/// called good where code with a finding of concern may have written it.
pub(in crate::view) fn trusted(row: &mut Row, trust: Option<Trust>) {
    let doubt = match trust {
        Some(Trust::Exposed) => Some("Exposed"),
        Some(Trust::Tainted) => Some("Tainted?"),
        Some(Trust::Unknown) => Some("Good?"),
        Some(Trust::KnownGood | Trust::NotKnownBad) | None => None,
    };
    if let Some(word) = doubt.filter(|_| row.level == Level::Ok) {
        (row.level, row.state) = (Level::Info, word);
        row.cells[0] = Cell::State(Level::Info, word);
    }
    if let Some(at) = Pane::RestorePoints.columns().iter().position(|column| column.id == "trust") {
        row.cells[at] = trust.map_or(Cell::Unknown, |trust| Cell::State(trust.severity().into(), trust.word()));
    }
}

/// Whether a copy is held, and until when.
fn held(snapshot: &VolumeSnapshot, now: Timestamp) -> Cell {
    match hold(snapshot) {
        None => Cell::Nothing,
        Some(hold) if !hold.holds(now) => Cell::Word("ended"),
        Some(hold) => {
            let until = hold.until.map(|until| until.strftime("%Y-%m-%d").to_string());
            Cell::Said(Level::Ok, until.unwrap_or_else(|| "released".to_owned()).into())
        }
    }
}

/// Why a copy is held, by whom and until when.
fn said_held(snapshot: &VolumeSnapshot, now: Timestamp) -> Option<Reason> {
    let hold = hold(snapshot)?;
    let said = Reason::new(hold.said());
    let next = "its deletionPolicy is still Retain: release it, or hold it anew";
    Some(if hold.holds(now) { said } else { Reason::new(format!("{}; that is over", said.text)).next(next) })
}

fn claim_name(world: &World, uid: &crate::model::Uid) -> Cell {
    world.inventory.pvcs.get(uid).map_or(Cell::Unknown, |claim| Cell::Text(claim.meta.name.clone()))
}

fn deletion(policy: DeletionPolicy) -> Cell {
    match policy {
        DeletionPolicy::Delete => Cell::State(Level::Info, "Delete"),
        DeletionPolicy::Retain => Cell::State(Level::Ok, "Retain"),
        DeletionPolicy::Unknown => Cell::Unknown,
    }
}
