//! Whether a volume's last good copy is recent enough.
//!
//! `Ok` is said only when a good copy proves it and every kind it stands on is seen now. `Breached` and `Never` are
//! said only when nothing unseen could hold a newer copy. A claim nobody set an objective for is `Unprotected` even
//! when it has good copies: nobody promised that there will be another.

use jiff::{SignedDuration, Timestamp};

use super::copies::{CLOCK_TOLERANCE, Copies, Copy, copies};
use super::restore_point::lineage;
use super::sight::{Sight, resource};
use super::{Judgement, Reason, Severity};
use crate::model::{Kind, ObjRef, Pvc, Rpo, Uid, World};
use crate::text;

/// The verdict on one volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// The last good copy is within the objective.
    Ok,
    /// It is, but more than four fifths of the time are used up.
    AtRisk,
    /// It is older than the objective.
    Breached,
    /// There is an objective and no good copy yet.
    Never,
    /// Opted out, or nobody set an objective.
    Unprotected,
    /// Cannot be told.
    Unknown {
        /// Why, in a few words.
        why: String,
    },
}

impl Coverage {
    /// One word for a column.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Ok => "Ok",
            Self::AtRisk => "AtRisk",
            Self::Breached => "Breached",
            Self::Never => "Never",
            Self::Unprotected => "Unprotected",
            Self::Unknown { .. } => "Unknown",
        }
    }
}

/// The verdict with the numbers it stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoverageFacts {
    /// The verdict.
    pub state: Coverage,
    /// How much it matters.
    pub severity: Severity,
    /// The newest good copy and the moment of its cut.
    pub last_good: Option<(ObjRef, Timestamp)>,
    /// Time since that cut.
    pub age: Option<SignedDuration>,
    /// The objective.
    pub rpo: Rpo,
    /// What said it: annotation, policy or default.
    pub rpo_source: &'static str,
    /// How many good copies there are.
    pub good_count: usize,
    /// How many copies there are that cannot be restored from now, or not for certain.
    pub not_good_count: usize,
    /// The identity of the data.
    pub lineage: Uid,
}

/// Judges one claim.
pub fn coverage(world: &World, claim: &Pvc, now: Timestamp) -> Judgement<CoverageFacts> {
    let (rpo, rpo_source) = world.policies.rpo(&claim.meta);
    let copies = copies(world, claim, now);
    let judged = match &rpo {
        Rpo::OptedOut => Judgement::new((Coverage::Unprotected, Severity::Info))
            .because(format!("opted out of backups by {rpo_source}"))
            .because_all(last_copy(&copies, now)),
        Rpo::NoPolicy => no_policy(&copies, now),
        Rpo::Invalid(said) => {
            Judgement::new((Coverage::Unknown { why: "objective not understood".into() }, Severity::Unknown)).because(
                Reason::new(format!("the objective \"{said}\" of the {rpo_source} is not a duration"))
                    .next("write a duration such as 4h, or none to opt out"),
            )
        }
        Rpo::Within(limit) => Case { world, claim, now, copies: &copies, limit: *limit, source: rpo_source }.judge(),
    };
    let last_good = copies.good.first().map(|(copy, cut)| (copy.object.clone(), *cut));
    judged.map(|(state, severity)| CoverageFacts {
        state,
        severity,
        age: last_good.as_ref().map(|(_, cut)| since(*cut, now)),
        last_good,
        rpo,
        rpo_source,
        good_count: copies.good.len(),
        not_good_count: copies.not_good.len() + copies.uncertain.len(),
        lineage: lineage(world, claim),
    })
}

type Verdict = Judgement<(Coverage, Severity)>;

fn since(cut: Timestamp, now: Timestamp) -> SignedDuration {
    now.duration_since(cut).max(SignedDuration::ZERO)
}

fn last_copy(copies: &Copies, now: Timestamp) -> Option<Reason> {
    let (copy, cut) = copies.good.first()?;
    Some(Reason::new(format!("last good copy {} was cut {} ago", copy.object.path(), text::age(since(*cut, now)))))
}

fn no_policy(copies: &Copies, now: Timestamp) -> Verdict {
    let severity = if copies.good.is_empty() { Severity::Warn } else { Severity::Info };
    let reason = Reason::new("no recovery point objective is set")
        .next("set one: annotate the claim with holdfast.dev/rpo=24h, or write a policy");
    let none = || Reason::new("and there is no good copy of it");
    Judgement::new((Coverage::Unprotected, severity))
        .because(reason)
        .because_all(Some(last_copy(copies, now).unwrap_or_else(none)))
        .until(copies.good.first().and_then(|(copy, _)| copy.valid_until))
}

/// A claim with an objective.
struct Case<'a> {
    world: &'a World,
    claim: &'a Pvc,
    now: Timestamp,
    copies: &'a Copies,
    limit: SignedDuration,
    source: &'static str,
}

impl Case<'_> {
    fn judge(&self) -> Verdict {
        match self.copies.good.first() {
            Some((copy, cut)) if since(*cut, self.now) < self.limit => self.within(copy, *cut),
            best => self.without(best.map(|(_, cut)| *cut)),
        }
    }

    /// The last good copy is recent enough, if what proves it can be believed.
    fn within(&self, copy: &Copy, cut: Timestamp) -> Verdict {
        let sights: Vec<Sight> = evidence(copy.object.kind).iter().map(|kind| self.sight(*kind)).collect();
        if let Some(blind) = sights.iter().find_map(Sight::blind) {
            return unknown(blind.clone());
        }
        let at_risk = after(cut, self.limit.checked_mul(4).map_or(self.limit, |four| four / 5));
        let (state, severity, next) = if self.now >= at_risk {
            (Coverage::AtRisk, Severity::Warn, after(cut, self.limit))
        } else {
            (Coverage::Ok, Severity::Ok, at_risk)
        };
        let recent = sights.iter().filter_map(Sight::recent);
        let mut verdict = Judgement::new((state, severity)).because(self.facts(copy, cut)).until(next);
        verdict = verdict.until(copy.valid_until);
        recent.fold(verdict, |verdict, (until, reason)| verdict.because(reason.clone()).until(until))
    }

    fn facts(&self, copy: &Copy, cut: Timestamp) -> Reason {
        let (age, limit) = (text::age(since(cut, self.now)), text::age(self.limit));
        let path = copy.object.path();
        Reason::new(format!("last good copy {path} was cut {age} ago; the objective is {limit} ({})", self.source))
    }

    /// No good copy is recent enough; before that is said, whatever could hold one must be in sight.
    fn without(&self, best: Option<Timestamp>) -> Verdict {
        if let Some(blind) = self.blind() {
            return unknown(blind).because_all(last_copy(self.copies, self.now));
        }
        let could_help = |copy: &Copy| copy.cut.is_none_or(|cut| self.now < after(cut, self.limit));
        if let Some((copy, why)) = self.copies.uncertain.iter().find(|(copy, _)| could_help(copy)) {
            let text = format!("{} may be a recent copy: {}", copy.object.path(), why.text);
            let reason = Reason { next: why.next.clone(), ..Reason::new(text) };
            let early = copy.cut.map(|cut| after(cut, -CLOCK_TOLERANCE)).filter(|moment| *moment > self.now);
            let late = copy.cut.map(|cut| after(cut, self.limit));
            return unknown(reason).because_all(last_copy(self.copies, self.now)).until(early).until(late);
        }
        let backup = format!("back it up: holdfast backup {}", self.claim.meta.reference(Kind::Pvc).path());
        let limit = text::age(self.limit);
        let verdict = if best.is_some() {
            let reason = last_copy(self.copies, self.now).unwrap_or_else(|| Reason::new("its last copy is too old"));
            let text = format!("{}; the objective is {limit} ({})", reason.text, self.source);
            Judgement::new((Coverage::Breached, Severity::Critical)).because(Reason::new(text).next(backup))
        } else {
            self.never(&limit, &backup)
        };
        let recent = self.sights().into_iter().filter_map(|sight| sight.recent().map(|(u, r)| (u, r.clone())));
        recent.fold(verdict, |verdict, (until, reason)| verdict.because(reason).until(until))
    }

    /// Nothing to restore from. A claim younger than its objective is not late yet.
    fn never(&self, limit: &str, backup: &str) -> Verdict {
        let due = self.claim.meta.created.map(|created| after(created, self.limit));
        let early = due.filter(|due| *due > self.now);
        let severity = if early.is_some() { Severity::Warn } else { Severity::Critical };
        let text = format!("no good copy exists; the objective is {limit} ({})", self.source);
        let mut verdict =
            Judgement::new((Coverage::Never, severity)).because(Reason::new(text).next(backup)).until(early);
        if !self.claim.bound() {
            verdict = verdict.because(format!("the claim is {}, not bound to a volume", self.claim.phase));
        }
        if *self.world.freshness(Kind::VolumeSnapshot) == crate::model::Freshness::Absent {
            verdict = verdict.because(
                Reason::new("the cluster serves no snapshot API")
                    .next("install the VolumeSnapshot CRDs and the snapshot controller"),
            );
        }
        let failed = self.copies.not_good.len();
        if failed > 0 {
            verdict =
                verdict.because(format!("{} cannot be restored from now", text::plural(failed, "copy", "copies")));
        }
        verdict
    }

    fn sight(&self, kind: Kind) -> Sight {
        // Velero's objects live in a namespace of its own.
        let namespace = (!VELERO.contains(&kind)).then_some(self.claim.meta.namespace.as_ref()).flatten();
        Sight::within(self.world, kind, namespace, self.now)
    }

    fn sights(&self) -> Vec<Sight> {
        let native = self.sight(Kind::VolumeSnapshot) != Sight::Absent;
        let native = if native { &NATIVE[..] } else { &[] };
        native.iter().chain(&VELERO).map(|kind| self.sight(*kind)).collect()
    }

    /// What could hide a newer copy.
    fn blind(&self) -> Option<Reason> {
        if self.sight(Kind::VolumeSnapshot) != Sight::Absent {
            let blind = NATIVE.iter().find_map(|kind| self.sight(*kind).blind().cloned());
            if blind.is_some() {
                return blind;
            }
            if self.sight(Kind::Content) == Sight::Absent {
                return Some(Reason::new(format!("{} are not served", resource(Kind::Content))));
            }
        }
        VELERO.iter().find_map(|kind| self.velero_blind(*kind))
    }

    fn velero_blind(&self, kind: Kind) -> Option<Reason> {
        let sight = self.sight(kind);
        if let Some(blind) = sight.blind() {
            return Some(Reason { text: format!("Velero may have copies: {}", blind.text), next: blind.next.clone() });
        }
        let seen = self.world.everywhere(kind) || !self.world.inventory.velero_backups.is_empty();
        (sight != Sight::Absent && !seen).then(|| {
            Reason::new("Velero is installed, but its namespace is not looked at")
                .next("add Velero's namespace to those of this context")
        })
    }
}

/// Kinds that say whether there is a snapshot of a volume.
const NATIVE: [Kind; 3] = [Kind::VolumeSnapshot, Kind::Content, Kind::Pv];

/// Kinds that say whether Velero has a copy of a volume.
const VELERO: [Kind; 3] = [Kind::VeleroBackup, Kind::DataUpload, Kind::PodVolumeBackup];

/// Kinds that a copy's being good stands on.
fn evidence(copy: Kind) -> &'static [Kind] {
    match copy {
        Kind::DataUpload => &[Kind::DataUpload, Kind::VeleroBackup],
        Kind::PodVolumeBackup => &[Kind::PodVolumeBackup, Kind::VeleroBackup],
        _ => &NATIVE,
    }
}

fn unknown(reason: Reason) -> Verdict {
    Judgement::new((Coverage::Unknown { why: reason.text.clone() }, Severity::Unknown)).because(reason)
}

fn after(moment: Timestamp, duration: SignedDuration) -> Timestamp {
    moment.saturating_add(duration).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
