//! How far copies can be trusted: the picture on the sheet of a volume, and on that of a restore point what was
//! vulnerable in it.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Sheet;
use crate::assess::exposure::{History, history};
use crate::assess::known_good::{least, points_within};
use crate::assess::linking::{self, Chains};
use crate::assess::restore_point::{self, Belongs};
use crate::assess::verdict::{Judging, Verdict};
use crate::model::{FindingId, Kind, Pvc, Uid, VeleroItem, VolumeSnapshot};
use crate::view::exposed::{MOST_JUDGED, also, called, exposed, moment, place, said};
use crate::view::{Cell, Level};

/// Other volumes of the same code that are linked.
const OTHERS: usize = 20;
/// Findings told one by one of a restore point.
const FINDINGS: usize = 12;
/// Reasons told of each.
const REASONS: usize = 3;

/// The picture of a volume, and what else the same code writes.
pub(super) fn of_volume(sheet: &mut Sheet, claim: &Pvc) {
    let (world, chains, now) = (sheet.world, sheet.boards.chains(), sheet.now);
    let Some(picture) = exposed(world, chains, claim, now) else { return };
    let others = also(world, &picture.also);
    sheet.detail.exposed = Some(Box::new(picture));
    if !others.is_empty() {
        let said = format!(
            "{}: what was tainted may have spread",
            crate::text::plural(others.len(), "other volume", "other volumes")
        );
        sheet.fact("Same code writes", Cell::Said(Level::Warn, said.into()));
    }
    for other in others.into_iter().take(OTHERS) {
        sheet.link("same code", Kind::Pvc, &other.meta.uid());
    }
}

/// What was vulnerable in a snapshot.
pub(super) fn of_snapshot(sheet: &mut Sheet, snapshot: &VolumeSnapshot) {
    if sheet.boards.chains().is_idle() {
        return;
    }
    let claim = match restore_point::belongs(sheet.world, snapshot) {
        Belongs::Claim(uid) => uid,
        Belongs::Gone => return unjudged(sheet, "its volume is gone, and with it what could write it"),
        Belongs::ByNameOnly(_) | Belongs::Unknown { .. } => {
            return unjudged(sheet, "of which volume it is a copy is not known");
        }
    };
    of_copy(sheet, &claim, &snapshot.meta.uid(), restore_point::cut(sheet.world, snapshot));
}

/// What was vulnerable in an item of a Velero backup.
pub(super) fn of_item(sheet: &mut Sheet, item: &VeleroItem, claim: &Uid) {
    if !sheet.boards.chains().is_idle() {
        of_copy(sheet, claim, &item.meta.uid(), restore_point::velero_cut(sheet.world, item));
    }
}

fn unjudged(sheet: &mut Sheet, why: &str) {
    sheet.fact("Trust", Cell::Said(Level::Unknown, format!("unknown: {why}").into()));
}

fn of_copy(sheet: &mut Sheet, claim: &Uid, copy: &Uid, cut: Option<Timestamp>) {
    let world = sheet.world;
    let Some(claim) = world.inventory.pvcs.get(claim) else {
        return unjudged(sheet, "its volume is gone, and with it what could write it");
    };
    let Some(cut) = cut else { return unjudged(sheet, "when it was cut is not known") };
    let (chains, now) = (sheet.boards.chains(), sheet.now);
    let judged = points_within(world, chains, claim, least(world), MOST_JUDGED, now);
    let past = history(world, chains, claim);
    match judged.value.points.iter().find(|point| point.copy.uid == *copy) {
        Some(point) => {
            let why = point.why.first().map(|why| format!(": {}", why.text)).unwrap_or_default();
            let level = Level::from(point.trust.severity());
            sheet.fact("Trust", Cell::Said(level, format!("{}{why}", point.trust.word()).into()));
        }
        None => unjudged(sheet, "it is not a good restore point of its volume"),
    }
    if let Some(better) = judged.value.known_good().filter(|point| point.copy.uid != *copy) {
        let said = format!("{} is known-good, cut {}", better.copy.object.path(), moment(better.cut));
        sheet.fact("Rather restore", Cell::Said(Level::Ok, said.into()));
        sheet.link("known-good", better.copy.object.kind, &better.copy.uid);
    }
    ran(sheet, &past, cut);
    let ids = judged.value.concerns;
    let mut judging = Judging::new(chains, &past);
    for id in ids.iter().take(FINDINGS) {
        finding(sheet, chains, &mut judging, *id, cut);
    }
    if ids.len() > FINDINGS {
        let said = format!("and {} more; holdfast known-good tells the worst", ids.len() - FINDINGS);
        sheet.fact("Finding", Cell::Said(Level::Unknown, said.into()));
    }
}

/// Which programs could write the volume at the cut.
fn ran(sheet: &mut Sheet, past: &History, cut: Timestamp) {
    let then = past.runs.iter().filter(|run| run.extent.from <= cut && cut <= run.extent.to);
    let said: BTreeSet<String> = then
        .map(|run| {
            let program = &run.key.program;
            let digest = program.digests.first().map_or("digest not recorded".to_owned(), |of| linking::short(of));
            format!("{} as {} ({digest})", linking::said(program), program.image)
        })
        .collect();
    if said.is_empty() {
        sheet.fact("Ran at the cut", Cell::Said(Level::Unknown, "nothing is known to have run".into()));
    }
    for one in said {
        sheet.fact("Ran at the cut", Cell::Text(one.into()));
    }
}

/// The verdict on one finding: when, which, since when, why, and what would prove it.
fn finding(sheet: &mut Sheet, chains: &Chains, judging: &mut Judging, id: FindingId, cut: Timestamp) {
    let judged = judging.verdict(id, cut);
    let (_, name) = called(chains, id, sheet.now);
    let at = chains.findings().latest(id).map(place).unwrap_or_default();
    let first = judging.exposures(id).iter().filter(|one| one.certain()).map(|one| one.from).min();
    let since = first.map(|at| format!(", first exposed {}", moment(at))).unwrap_or_default();
    let level = Level::from(judged.value.severity());
    sheet.fact("Finding", Cell::Said(level, format!("{} {name} {at}{since}", judged.value.word()).into()));
    let why = if judged.value == Verdict::Unknown { "  not proven" } else { "  because" };
    for reason in judged.reasons.iter().take(REASONS) {
        sheet.fact(why, Cell::Text(said(reason).into()));
    }
}
