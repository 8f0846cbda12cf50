//! Controls of copies and of how data is kept: fate, failure domain, encryption.

use super::backups::{by_severity, named, said};
use crate::assess::apart::{Apart, of_copy};
use crate::assess::copies::{Copy, copies};
use crate::assess::encryption::{Encryption, encryption};
use crate::assess::fate::{self, Takes};
use crate::assess::retention::other_pruner;
use crate::assess::transport::{self, Transport};
use crate::model::{Kind, Pvc};
use crate::report::case::{Look, sorted};
use crate::report::evidence::{Evidence, State};

/// What would take the copies of each volume that has any.
pub fn fate(look: &Look<'_>) -> Vec<Evidence> {
    look.claims.iter().flat_map(|claim| fates(look, claim)).collect()
}

fn fates(look: &Look<'_>, claim: &Pvc) -> Vec<Evidence> {
    let good = copies(look.world, claim, look.now).good;
    let Some((last, cut)) = good.first() else {
        let state = if look.whole { State::NotApplicable } else { State::Unknown };
        return vec![Evidence::new(state, &named(claim), "good copies", "there is none")];
    };
    let judged = fate::fate(look.world, claim, look.now);
    let mut found: Vec<Evidence> = Vec::new();
    for (one, reason) in judged.value.iter().zip(&judged.reasons).filter(|(one, _)| one.takes != Takes::Data) {
        let evidence = Evidence::new(by_severity(one.severity), &named(claim), "fate of its copies", &one.text);
        found.push(evidence.to_do(reason.next.as_deref()));
    }
    found.push(who(look, last).at(*cut));
    found
}

/// Who and what may delete the newest good copy.
fn who(look: &Look<'_>, copy: &Copy) -> Evidence {
    let snapshot = look.world.inventory.snapshots.get(&copy.uid).filter(|_| copy.object.kind == Kind::VolumeSnapshot);
    let Some(snapshot) = snapshot else {
        return Evidence::new(State::Pass, &copy.object.to_string(), "deletion", "Velero deletes it with its backup");
    };
    let policy = look.world.content(snapshot).map_or("unknown", |content| content.deletion.word());
    let others = other_pruner(look.world, snapshot, look.now).map(|who| format!("; {who}")).unwrap_or_default();
    let state = if policy == "unknown" { State::Unknown } else { State::Pass };
    let value = format!("deletionPolicy {policy}{others}");
    Evidence::new(state, &copy.object.to_string(), "deletion", &value)
}

/// Where the copies of each volume lie.
pub fn domain(look: &Look<'_>) -> Vec<Evidence> {
    look.claims.iter().filter_map(|claim| lies(look, claim)).collect()
}

fn lies(look: &Look<'_>, claim: &Pvc) -> Option<Evidence> {
    let good = copies(look.world, claim, look.now).good;
    let places = good.iter().map(|(copy, cut)| (of_copy(look.world, copy.object.kind, &copy.uid), *cut));
    let rank = |apart: &Apart| match apart {
        Apart::Elsewhere(_) => 0,
        Apart::Unknown => 1,
        Apart::Same(_) => 2,
    };
    let (best, cut) = places.min_by_key(|(apart, cut)| (rank(apart), std::cmp::Reverse(*cut)))?;
    let state = match &best {
        Apart::Elsewhere(_) => State::Pass,
        Apart::Same(_) => look.missing(),
        Apart::Unknown => State::Unknown,
    };
    Some(Evidence::new(state, &named(claim), "place of its copies", &best.said()).at(cut))
}

/// Each bound volume.
pub fn at_rest(look: &Look<'_>) -> Vec<Evidence> {
    let bound = look.claims.iter().filter(|claim| claim.bound());
    let judge = |claim: &&Pvc| {
        let judged = encryption(look.world, claim, look.now);
        let state = match judged.value {
            Encryption::CustomerKey | Encryption::Yes | Encryption::ProviderDefault => State::Pass,
            Encryption::No => State::Fail,
            Encryption::Unknown => State::Unknown,
        };
        Evidence::new(state, &named(claim), "encryption", &format!("{}: {}", judged.value.word(), said(&judged)))
    };
    bound.map(judge).collect()
}

/// Each backup location, and each bound volume.
pub fn in_transit(look: &Look<'_>) -> Vec<Evidence> {
    let state = |transport| match transport {
        Transport::Encrypted => State::Pass,
        Transport::Stays => State::NotApplicable,
        Transport::Open => State::Fail,
        Transport::Unknown => State::Unknown,
    };
    let places = sorted(&look.world.inventory.backup_locations, |place| &place.meta);
    let mut found: Vec<Evidence> = Vec::new();
    for place in places {
        let judged = transport::location(place);
        let object = place.meta.reference(Kind::BackupLocation).to_string();
        found.push(Evidence::judged(state(judged.value), &object, "transport", &judged));
    }
    for claim in look.claims.iter().filter(|claim| claim.bound()) {
        found.push(match look.world.volume(claim) {
            Some(pv) => {
                let judged = transport::volume(pv);
                Evidence::judged(state(judged.value), &named(claim), "transport", &judged)
            }
            None => Evidence::new(State::Unknown, &named(claim), "transport", "its volume is not seen"),
        });
    }
    found
}
