//! Whether a volume's data is encrypted at rest, and how that is known.
//!
//! What a parameter means is known per driver only: the same words on a driver without the feature mean nothing.
//! The volume's own attributes count before its class, which may have been replaced since. Secrets are never read;
//! that a class names one is evidence for those drivers only where a Secret can be nothing but a pass phrase.

use jiff::Timestamp;

use super::sight::Sight;
use super::{Judgement, Reason, Severity};
use crate::model::{Kind, Pv, Pvc, StorageClass, World};

mod drivers;

/// What is known of the encryption of a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encryption {
    /// Encrypted with a key of the customer.
    CustomerKey,
    /// Encrypted.
    Yes,
    /// Encrypted by the provider, as all its volumes are, with a key of the provider.
    ProviderDefault,
    /// Not encrypted.
    No,
    /// Not known.
    Unknown,
}

impl Encryption {
    /// A short form for a column.
    pub fn word(self) -> &'static str {
        match self {
            Self::CustomerKey => "customer key",
            Self::Yes => "yes",
            Self::ProviderDefault => "provider default",
            Self::No => "no",
            Self::Unknown => "unknown",
        }
    }

    /// How much it matters.
    pub fn severity(self) -> Severity {
        match self {
            Self::CustomerKey | Self::Yes | Self::ProviderDefault => Severity::Ok,
            Self::No => Severity::Info,
            Self::Unknown => Severity::Unknown,
        }
    }

    /// Strength, for comparing a copy's target with its source; `None` when not known.
    pub fn strength(self) -> Option<u8> {
        match self {
            Self::CustomerKey => Some(3),
            Self::Yes => Some(2),
            Self::ProviderDefault => Some(1),
            Self::No => Some(0),
            Self::Unknown => None,
        }
    }
}

/// Judges the volume of a claim.
pub fn encryption(world: &World, claim: &Pvc, now: Timestamp) -> Judgement<Encryption> {
    let Some(pv) = world.volume(claim) else { return no_volume(world, claim, now) };
    let Some((driver, _)) = &pv.csi else {
        return Judgement::new(Encryption::Unknown).because("not a CSI volume; nothing says how it is stored");
    };
    let own = drivers::reading(driver, &pv.attributes);
    if let Some(own) = own.filter(|own| own.said) {
        return Judgement::new(own.value).because(format!("attributes of volume {}: {}", pv.meta.name, own.evidence));
    }
    match class_of(world, claim, pv, now) {
        Ok(class) if class.provisioner == *driver => by_class(class),
        Ok(class) => Judgement::new(Encryption::Unknown)
            .because(format!("class {} is of another driver, {}", class.meta.name, class.provisioner)),
        Err(why) => match drivers::without_parameters(driver) {
            Some(default) => Judgement::new(default.value).because(default.evidence).because(why),
            None => Judgement::new(Encryption::Unknown).because(why),
        },
    }
}

/// What a class promises for the volumes it makes.
pub fn by_class(class: &StorageClass) -> Judgement<Encryption> {
    let named = format!("StorageClass {}", class.meta.name);
    match drivers::reading(&class.provisioner, &class.parameters) {
        Some(read) => Judgement::new(read.value).because(format!("{named}: {}", read.evidence)),
        None => Judgement::new(Encryption::Unknown)
            .because(format!("{named}: what driver {} does is not known here", class.provisioner)),
    }
}

fn no_volume(world: &World, claim: &Pvc, now: Timestamp) -> Judgement<Encryption> {
    let unknown = Judgement::new(Encryption::Unknown);
    if !claim.bound() {
        return unknown.because(format!("the claim is {}, not bound to a volume", claim.phase));
    }
    match Sight::all(world, Kind::Pv, now).blind() {
        Some(blind) => unknown.because(blind.clone()),
        None => unknown.because("its volume is missing or bound to another claim"),
    }
}

/// The class that made the volume, if it can still be the same.
fn class_of<'w>(world: &'w World, claim: &Pvc, pv: &Pv, now: Timestamp) -> Result<&'w StorageClass, Reason> {
    let name = pv.storage_class.as_ref().or(claim.storage_class.as_ref()).filter(|name| !name.is_empty());
    let Some(name) = name else { return Err(Reason::new("it was made without a StorageClass")) };
    let Some(class) = world.inventory.storage_classes.named(None, name) else {
        let blind = Sight::all(world, Kind::StorageClass, now).blind().cloned();
        return Err(blind.unwrap_or_else(|| Reason::new(format!("its StorageClass {name} no longer exists"))));
    };
    match (class.meta.created, pv.meta.created) {
        (Some(class_made), Some(pv_made)) if class_made > pv_made => {
            Err(Reason::new(format!("StorageClass {name} was replaced after the volume was made")))
        }
        _ => Ok(class),
    }
}

#[cfg(test)]
mod tests;
