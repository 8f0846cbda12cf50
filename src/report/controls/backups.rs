//! Controls of protection: objectives, proven restores, retention.

use jiff::Timestamp;

use crate::assess::copies::{Copies, copies};
use crate::assess::coverage::{Coverage, coverage};
use crate::assess::proven::{self, Proof};
use crate::assess::retention::{hold, other_pruner};
use crate::assess::{Judgement, Severity};
use crate::model::{DeletionPolicy, Hold, Kind, Meta, Pvc, QUARTER, Rpo, VolumeSnapshot, World};
use crate::report::case::{Look, sorted};
use crate::report::evidence::{Evidence, State};
use crate::text;

/// A claim by kind and path.
pub fn named(claim: &Pvc) -> String {
    claim.meta.reference(Kind::Pvc).to_string()
}

/// Each volume against its objective.
pub fn objective(look: &Look<'_>) -> Vec<Evidence> {
    look.claims.iter().map(|claim| of_claim(look, claim)).collect()
}

fn of_claim(look: &Look<'_>, claim: &Pvc) -> Evidence {
    let judged = coverage(look.world, claim, look.now);
    let facts = &judged.value;
    let state = match &facts.state {
        Coverage::Ok | Coverage::AtRisk => State::Pass,
        // A claim younger than its objective is not late, and has nothing.
        Coverage::Never if facts.severity != Severity::Critical => State::Unknown,
        Coverage::Unprotected if facts.rpo == Rpo::OptedOut => State::NotApplicable,
        Coverage::Breached | Coverage::Never | Coverage::Unprotected => State::Fail,
        Coverage::Unknown { .. } => State::Unknown,
    };
    let cut = facts.last_good.as_ref().map(|(_, cut)| *cut);
    Evidence::judged(state, &named(claim), "last good copy", &judged).at(cut)
}

/// Claims that somebody promised copies of.
fn promised<'a>(look: &'a Look<'_>) -> impl Iterator<Item = &'a Pvc> {
    let promised = |claim: &&Pvc| matches!(look.world.policies.rpo(&claim.meta).0, Rpo::Within(_) | Rpo::Invalid(_));
    look.claims.iter().copied().filter(promised)
}

/// The last drill of each volume.
pub fn proven(look: &Look<'_>) -> Vec<Evidence> {
    promised(look).map(|claim| drilled(look, claim)).collect()
}

fn meta<'w>(world: &'w World, kind: Kind, uid: &crate::model::Uid) -> Option<&'w Meta> {
    world.inventory.meta(kind, uid)
}

fn drilled(look: &Look<'_>, claim: &Pvc) -> Evidence {
    let copies = copies(look.world, claim, look.now);
    let all = copies.good.iter().map(|(copy, _)| copy).chain(copies.not_good.iter());
    let metas: Vec<&Meta> = all.filter_map(|copy| meta(look.world, copy.object.kind, &copy.uid)).collect();
    let proof = metas.iter().filter_map(|meta| proven::proven(meta)).max_by_key(|proof| proof.at);
    let failed = metas.iter().filter_map(|meta| proven::failed(meta)).max_by_key(|failed| failed.at);
    let next = copies.good.first().map(|(copy, _)| format!("holdfast drill {}", copy.object.path()));
    let say = |state, value: &str, at: Option<Timestamp>| {
        Evidence::new(state, &named(claim), "last proven restore", value).at(at).to_do(next.as_deref())
    };
    match (proof, failed) {
        (proof, Some(failed)) if proof.as_ref().is_none_or(|proof| proof.at < failed.at) => {
            say(State::Fail, &failed.said(), Some(failed.at))
        }
        (Some(proof), _) => {
            let old = look.now.duration_since(proof.at) > QUARTER;
            say(if old { State::Fail } else { State::Pass }, &took(&proof, old), Some(proof.at))
        }
        (None, _) => say(look.missing(), &never(&copies), None),
    }
}

fn took(proof: &Proof, old: bool) -> String {
    let old = if old { "too long ago: " } else { "" };
    format!("{old}{}; a restore took {}", proof.found, text::quantity::duration(proof.took))
}

fn never(copies: &Copies) -> String {
    match copies.good.len() {
        0 => "there is no good copy to restore".to_owned(),
        count => format!("no restore of any of {} was proven", text::plural(count, "good copy", "good copies")),
    }
}

/// The rule of each volume, and each hold.
pub fn retention(look: &Look<'_>) -> Vec<Evidence> {
    let rules = promised(look).map(|claim| ruled(look, claim));
    let snapshots = sorted(&look.world.inventory.snapshots, |snapshot| &snapshot.meta);
    let holds = snapshots.into_iter().filter_map(|snapshot| Some(held(look, snapshot, &hold(snapshot)?)));
    rules.chain(holds).collect()
}

fn ruled(look: &Look<'_>, claim: &Pvc) -> Evidence {
    let say = |state, value: &str| Evidence::new(state, &named(claim), "retention rule", value);
    if let Some(policy) = look.world.policies.policy(&claim.meta).filter(|policy| !policy.keep.is_empty()) {
        return say(State::Pass, &format!("policy {}: {}", policy.name, policy.keep.said()));
    }
    let good = copies(look.world, claim, look.now).good;
    let by_velero = !good.is_empty() && good.iter().all(|(copy, _)| copy.object.kind != Kind::VolumeSnapshot);
    if by_velero {
        return say(State::Pass, "the expiry of its Velero backups");
    }
    let next = "write a policy for it with keep rules, see holdfast policy schema";
    say(State::Fail, "no rule says how long its copies stay").to_do(Some(next))
}

fn held(look: &Look<'_>, snapshot: &VolumeSnapshot, hold: &Hold) -> Evidence {
    let object = snapshot.meta.reference(Kind::VolumeSnapshot).to_string();
    let say = |state, value: &str| Evidence::new(state, &object, "hold", value).at(hold.until);
    let said = hold.said();
    if !hold.holds(look.now) {
        return say(State::NotApplicable, &format!("over: {said}"));
    }
    let next = "hold it again: holdfast hold sets the deletionPolicy to Retain";
    match look.world.content(snapshot).map(|content| content.deletion) {
        Some(DeletionPolicy::Delete) => {
            let value = format!("{said}; deletionPolicy is Delete: whoever deletes the object deletes the copy");
            say(State::Fail, &value).to_do(Some(next))
        }
        None | Some(DeletionPolicy::Unknown) => say(State::Unknown, &format!("{said}; deletionPolicy is not known")),
        Some(DeletionPolicy::Retain) => match other_pruner(look.world, snapshot, look.now) {
            Some(who) => say(State::Fail, &format!("{said}; {who}")).to_do(Some(next)),
            None => say(State::Pass, &said),
        },
    }
}

/// How much something matters, as a state of a control.
pub fn by_severity(severity: Severity) -> State {
    match severity {
        Severity::Ok | Severity::Info => State::Pass,
        Severity::Warn | Severity::Critical => State::Fail,
        Severity::Unknown => State::Unknown,
    }
}

/// The reasons of a judgement in one line.
pub fn said<T>(judged: &Judgement<T>) -> String {
    judged.reasons.iter().map(|reason| reason.text.as_str()).collect::<Vec<_>>().join("; ")
}
