//! What is on the lanes: copies and objective of volumes, lives of certificates, operations, planned backups.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{Chart, Lane, Mark, Whose, Window};
use crate::assess::copies::copies;
use crate::assess::restore_point::{self, Belongs};
use crate::assess::schedule::{runs, schedules};
use crate::model::{Key, Kind, Pvc, Rpo, Uid, VeleroSchedule, World};
use crate::text;
use crate::view::{Boards, Level, OperationView, Pane, Row, sight};

mod certificate;
mod coverage;
mod ends;
mod exposures;

pub(super) use ends::is_ends;

/// Volumes and certificates shown when no object is chosen.
const WORST: usize = 6;
/// How far ahead planned backups are looked for, and how many are shown.
const AHEAD: SignedDuration = SignedDuration::from_hours(24 * 31);
const PLANNED: usize = 200;
/// Cells that a fitting zoom reckons with.
const CELLS: usize = 60;

/// What lanes are made from.
pub(super) struct Source<'a> {
    pub world: &'a World,
    pub boards: &'a Boards,
    pub operations: &'a [OperationView],
    pub now: Timestamp,
}

pub(super) fn chart(source: &Source<'_>, whose: &Whose) -> Chart {
    match whose {
        Whose::Object(Key::Object(kind, uid)) => source.of_object(*kind, uid),
        Whose::Object(_) => Chart::default(),
        Whose::Worst(namespace) => source.worst(namespace.as_ref()),
        Whose::Certificates(namespace) => source.all_ends(namespace.as_ref()),
    }
}

/// A lane with nothing on it.
fn lane(key: String, name: &str, level: Level) -> Lane {
    let key = Key::Notice(key.into());
    Lane { key, object: None, name: name.into(), level, marks: Vec::new(), spans: Vec::new(), note: None }
}

/// What this console did.
fn done(operations: &[&OperationView]) -> Lane {
    let mut own = lane("operations".into(), "Operations", Level::Info);
    for operation in operations {
        let Some(at) = operation.started else { continue };
        let level = operation.state.level();
        let what = format!("{}: {}", operation.state.word(), operation.title).into();
        own.level = own.level.max(level);
        own.marks.push(Mark { at, level, what, object: Some(Key::Operation(operation.id.clone())), count: 1 });
    }
    own.marks.sort_by_key(|mark| mark.at);
    if own.marks.is_empty() {
        own.note = Some((Level::Info, "none by this console".into()));
    }
    own
}

impl Source<'_> {
    fn of_object(&self, kind: Kind, uid: &Uid) -> Chart {
        let inventory = &self.world.inventory;
        let claim = match kind {
            Kind::Pvc => Some(uid.clone()),
            Kind::VolumeSnapshot => {
                let snapshot = inventory.snapshots.get(uid);
                match snapshot.map(|snapshot| restore_point::belongs(self.world, snapshot)) {
                    Some(Belongs::Claim(uid)) => Some(uid),
                    _ => None,
                }
            }
            Kind::DataUpload => inventory.data_uploads.get(uid).and_then(|item| item.source_uid.clone()),
            Kind::PodVolumeBackup => inventory.pod_volume_backups.get(uid).and_then(|item| item.source_uid.clone()),
            Kind::Pv => {
                let claim = inventory.pvs.get(uid).and_then(|pv| pv.claim.as_ref());
                claim.and_then(|claim| claim.uid.clone())
            }
            _ => None,
        };
        match claim.and_then(|uid| inventory.pvcs.get(&uid)) {
            Some(claim) => self.of_volume(claim),
            None => Chart {
                lanes: self.certificate(kind, uid).into_iter().collect(),
                zoom: Window::zoom_for(AHEAD * 3, CELLS),
                ahead: false,
            },
        }
    }

    /// Copies, objective, exposures to findings, operations, planned backups.
    fn of_volume(&self, claim: &Pvc) -> Chart {
        let uid = claim.meta.uid();
        let object = Some(Key::Object(Kind::Pvc, uid.clone()));
        let copies = Lane { name: "Copies".into(), spans: Vec::new(), ..self.copies(claim) };
        let covered = self.covered(claim);
        let own = |operation: &&OperationView| operation.subject == Key::Object(Kind::Pvc, uid.clone());
        let operations: Vec<&OperationView> = self.operations.iter().filter(own).collect();
        let mut lanes = vec![copies, covered];
        lanes.extend(self.exposed(claim));
        lanes.push(done(&operations));
        for lane in &mut lanes {
            lane.object.clone_from(&object);
        }
        let namespace = claim.meta.namespace.clone().unwrap_or_default();
        lanes.extend(self.planned(schedules(self.world, &namespace)));
        let rpo = match self.world.policies.rpo(&claim.meta).0 {
            Rpo::Within(limit) => limit,
            _ => SignedDuration::from_hours(4),
        };
        Chart { lanes, zoom: Window::zoom_for(rpo * 8, CELLS), ahead: false }
    }

    /// One lane for each of the worst volumes and certificates, then operations and planned backups.
    fn worst(&self, namespace: Option<&Arc<str>>) -> Chart {
        let inventory = &self.world.inventory;
        let mut lanes = Vec::new();
        for row in self.rows(Pane::Volumes, namespace) {
            let Some(claim) = inventory.pvcs.get(&row.uid) else { continue };
            let mut own = self.copies(claim);
            own.spans = self.covered(claim).spans;
            lanes.push(own);
        }
        for row in self.rows(Pane::Certificates, namespace) {
            lanes.extend(self.certificate(row.object.kind, &row.uid));
        }
        lanes.push(self.ends(namespace));
        let in_namespace = |operation: &&OperationView| {
            let meta = match &operation.subject {
                Key::Object(kind, uid) | Key::Place(kind, uid, _) => inventory.meta(*kind, uid),
                Key::Finding(_) | Key::Operation(_) | Key::Run(_) | Key::Notice(_) => None,
            };
            namespace.is_none() || meta.and_then(|meta| meta.namespace.as_ref()) == namespace
        };
        let operations: Vec<&OperationView> = self.operations.iter().filter(in_namespace).collect();
        lanes.push(done(&operations));
        let planned = match namespace {
            Some(namespace) => schedules(self.world, namespace),
            None => inventory.velero_schedules.iter().filter(|schedule| !schedule.paused).collect(),
        };
        lanes.extend(self.planned(planned));
        Chart { lanes, zoom: Window::zoom_for(SignedDuration::from_hours(30), CELLS), ahead: false }
    }

    /// The worst rows of a pane.
    fn rows(&self, pane: Pane, namespace: Option<&Arc<str>>) -> Vec<&Row> {
        let within = |row: &&Row| namespace.is_none() || row.object.namespace.as_ref() == namespace;
        let mut rows: Vec<&Row> = self.boards.board(pane).iter().filter(within).collect();
        let order = |a: &&Row, b: &&Row| crate::view::Sort::Worst.order(a, b);
        if rows.len() > WORST {
            rows.select_nth_unstable_by(WORST, order);
            rows.truncate(WORST);
        }
        rows.sort_by(order);
        // What is fine is shown only where nothing is wrong.
        if rows.first().is_some_and(|row| row.level.problem()) {
            rows.retain(|row| row.level.problem());
        }
        rows
    }

    /// The marks of a volume's copies.
    fn copies(&self, claim: &Pvc) -> Lane {
        let found = copies(self.world, claim, self.now);
        let path = claim.meta.reference(Kind::Pvc).path();
        let key = Key::Object(Kind::Pvc, claim.meta.uid());
        let level = self.boards.row(&key).map_or(Level::Unknown, |row| row.level);
        let mut own = Lane { object: Some(key), ..lane(format!("copies/{path}"), &path, level) };
        let mark = |object: &crate::model::ObjRef, uid: &Uid, at: Timestamp, level, state: &str| Mark {
            at,
            level,
            what: format!("{state}: copy {}", object.name).into(),
            object: Some(Key::Object(object.kind, uid.clone())),
            count: 1,
        };
        let made = |object| self.world.inventory.find(object).and_then(|meta| meta.created);
        for (copy, cut) in &found.good {
            own.marks.push(mark(&copy.object, &copy.uid, *cut, Level::Ok, "Good"));
        }
        for (copy, why) in &found.uncertain {
            let state = format!("Unknown ({})", why.text);
            let at = copy.cut.or_else(|| made(&copy.object));
            own.marks.extend(at.map(|at| mark(&copy.object, &copy.uid, at, Level::Unknown, &state)));
        }
        for copy in &found.not_good {
            let level = copy.state.severity().into();
            let at = copy.cut.or_else(|| made(&copy.object));
            own.marks.extend(at.map(|at| mark(&copy.object, &copy.uid, at, level, copy.state.word())));
        }
        own.marks.sort_by_key(|mark| mark.at);
        own.note = self.unseen(Kind::VolumeSnapshot, claim.meta.namespace.as_ref());
        own.note = own.note.or_else(|| self.said(own.object.as_ref()));
        if own.marks.is_empty() && own.note.is_none() {
            own.note = Some((level, "no copy".into()));
        }
        own
    }

    /// One lane for each schedule, or one that says that there is none or that none can be seen.
    fn planned(&self, schedules: Vec<&VeleroSchedule>) -> Vec<Lane> {
        let note = self.unseen(Kind::VeleroSchedule, None);
        if schedules.is_empty() || note.is_some() {
            let none = || (Level::Info, "no Velero schedule takes this".into());
            return vec![Lane {
                note: note.or_else(|| Some(none())),
                ..lane("planned".into(), "Planned", Level::Info)
            }];
        }
        schedules.into_iter().take(WORST).map(|schedule| self.schedule(schedule)).collect()
    }

    fn schedule(&self, schedule: &VeleroSchedule) -> Lane {
        let object = schedule.meta.reference(Kind::VeleroSchedule);
        let name = format!("Planned: {}", object.name);
        let mut own = lane(format!("planned/{}", object.path()), &name, Level::Info);
        let key = Key::Object(Kind::VeleroSchedule, schedule.meta.uid());
        own.object = Some(key.clone());
        let mark = |at, what: &str| {
            let what = format!("{what} Velero schedule {} ({})", object.name, schedule.cron).into();
            Mark { at, level: Level::Info, what, object: Some(key.clone()), count: 1 }
        };
        own.marks.extend(schedule.last.map(|at| mark(at, "Last run of")));
        let until = self.now.saturating_add(AHEAD).unwrap_or(Timestamp::MAX);
        if let Some(runs) = runs(schedule, self.now, until, PLANNED) {
            own.marks.extend(runs.into_iter().map(|at| mark(at, "Planned by")));
        } else {
            let why = format!("its schedule \"{}\" is not understood here", schedule.cron);
            own.note = Some((Level::Unknown, why.into()));
        }
        own
    }

    /// What is wrong with an object now, in the words of its row.
    fn said(&self, object: Option<&Key>) -> Option<(Level, Box<str>)> {
        let row = self.boards.row(object?).filter(|row| row.level.problem())?;
        let why = row.reasons.first().map(|why| format!(": {why}")).unwrap_or_default();
        Some((row.level, format!("{}{why}", row.state).into()))
    }

    /// That a kind is not seen as it is now.
    fn unseen(&self, kind: Kind, namespace: Option<&Arc<str>>) -> Option<(Level, Box<str>)> {
        let seen = sight::of_kind(self.world, kind, namespace, self.now);
        let says = || format!("{}: {}", seen.word, seen.why);
        (seen.word != "LIVE").then(|| (seen.level, says().into()))
    }

    /// How long ago, or in how long.
    fn away(&self, moment: Timestamp) -> String {
        let span = moment.duration_since(self.now);
        if span.is_negative() { format!("{} ago", text::age(span.abs())) } else { format!("in {}", text::age(span)) }
    }
}
