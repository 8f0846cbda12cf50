//! What is known of each copy of a volume, and what ties it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::{Item, Tie, Worth, since};
use crate::assess::copies::{Copies, Copy, copies};
use crate::assess::known_good::{keeping, least};
use crate::assess::linking::Chains;
use crate::assess::restore_point::RestorePointState;
use crate::model::{ClaimKey, DeletionPolicy, HandleKey, Hold, Kind, Meta, Pvc, VolumeSnapshot, World, annotation};
use crate::text;

/// What is being done with copies anywhere in the cluster. Made once for many volumes.
#[derive(Clone, Debug, Default)]
pub struct Uses {
    /// Snapshots that a claim is being filled from, with the claim.
    restoring: HashMap<ClaimKey, Arc<str>>,
    /// Copies in storage that more than one content names.
    shared: HashSet<HandleKey>,
    /// What says which copies must be kept because of a finding.
    chains: Chains,
}

impl Uses {
    /// As the world shows them.
    pub fn of(world: &World) -> Self {
        let mut uses = Self { chains: Chains::of(world), ..Self::default() };
        for claim in world.inventory.pvcs.iter().filter(|claim| &*claim.phase == "Pending") {
            if let (Some((kind, name)), Some(namespace)) = (&claim.data_source, &claim.meta.namespace)
                && &**kind == "VolumeSnapshot"
            {
                uses.restoring.insert((namespace.clone(), name.clone()), claim.meta.name.clone());
            }
        }
        let mut seen = HashSet::new();
        for content in world.inventory.contents.iter() {
            if let Some(handle) = &content.handle
                && let key = (content.driver.clone(), handle.clone())
                && !seen.insert(key.clone())
            {
                uses.shared.insert(key);
            }
        }
        uses
    }
}

/// The copies of a claim's data for [`decide`](super::decide). With `also_storage`, a copy whose deletionPolicy is
/// Retain may go too, because its policy is changed first.
pub fn items(world: &World, claim: &Pvc, uses: &Uses, also_storage: bool, now: Timestamp) -> Vec<Item> {
    let Copies { good, uncertain, not_good } = copies(world, claim, now);
    let case = Case { world, uses, also_storage, now };
    let good = good.into_iter().map(|(copy, _)| case.item(copy, Worth::Good));
    let uncertain = uncertain.into_iter().map(|(copy, why)| {
        // A good copy with a cut in the future is told apart by its time alone.
        let worth = if copy.state == RestorePointState::Good && copy.cut.is_some_and(|cut| cut > now) {
            Worth::Good
        } else {
            Worth::Doubtful(why.text)
        };
        case.item(copy, worth)
    });
    let not_good = not_good.into_iter().map(|copy| {
        let word = copy.state.word().to_owned();
        let worth = match copy.state {
            RestorePointState::Failed => Worth::Failed(case.error(&copy)),
            RestorePointState::Pending => Worth::Unfinished("not cut yet".to_owned()),
            RestorePointState::NotReady => Worth::Unfinished("cut, not ready yet".to_owned()),
            RestorePointState::Deleting => Worth::Leaving,
            _ => Worth::Doubtful(word),
        };
        case.item(copy, worth)
    });
    let kept = keeping(world, &uses.chains, claim, least(world), now).value;
    let tied = |mut item: Item| {
        item.ties.extend(kept.iter().filter(|kept| kept.uid == item.uid).map(|kept| Tie::Held(kept.why.clone())));
        item
    };
    good.chain(uncertain).chain(not_good).map(tied).collect()
}

struct Case<'a> {
    world: &'a World,
    uses: &'a Uses,
    also_storage: bool,
    now: Timestamp,
}

impl Case<'_> {
    fn item(&self, copy: Copy, worth: Worth) -> Item {
        let meta = self.world.inventory.meta(copy.object.kind, &copy.uid);
        let annotation = |key| meta.and_then(|meta| meta.annotation(key));
        let snapshot = self.snapshot(&copy);
        let content = snapshot.and_then(|snapshot| self.world.content(snapshot));
        Item {
            created: meta.and_then(|meta| meta.created),
            proven: annotation(annotation::LAST_PROVEN).is_some(),
            application: annotation(annotation::CONSISTENCY).is_some_and(|word| word.starts_with("app")),
            content: content.map(|content| (content.meta.name.to_string(), content.meta.uid(), content.deletion)),
            ties: match (snapshot, meta) {
                (Some(snapshot), _) => self.ties(snapshot, &worth),
                (None, Some(meta)) => vec![Tie::Foreign(self.velero(copy.object.kind, meta))],
                (None, None) => vec![Tie::Foreign("it is gone".to_owned())],
            },
            object: copy.object,
            uid: copy.uid,
            cut: copy.cut,
            worth,
        }
    }

    fn snapshot(&self, copy: &Copy) -> Option<&VolumeSnapshot> {
        (copy.object.kind == Kind::VolumeSnapshot).then(|| self.world.inventory.snapshots.get(&copy.uid)).flatten()
    }

    /// What a driver says of a copy that failed.
    fn error(&self, copy: &Copy) -> String {
        let snapshot = self.snapshot(copy);
        let content = snapshot.and_then(|snapshot| self.world.content(snapshot)).and_then(|c| c.error.as_ref());
        let error = content.or_else(|| snapshot.and_then(|snapshot| snapshot.error.as_ref()));
        error.map_or_else(|| "no reason given".to_owned(), |error| text::sanitize(&error.message).into_owned())
    }

    fn velero(&self, kind: Kind, meta: &Meta) -> String {
        let table = match kind {
            Kind::DataUpload => &self.world.inventory.data_uploads,
            _ => &self.world.inventory.pod_volume_backups,
        };
        let backup = table.get(&meta.uid()).and_then(|item| item.backup.as_deref());
        expiry(self.world, meta.namespace.as_ref(), backup, self.now)
    }

    fn ties(&self, snapshot: &VolumeSnapshot, worth: &Worth) -> Vec<Tie> {
        let mut ties = Vec::new();
        if snapshot.meta.label(annotation::MANAGED_BY.0) != Some(annotation::MANAGED_BY.1) {
            let who = other_pruner(self.world, snapshot, self.now);
            ties.push(Tie::Foreign(who.unwrap_or_else(|| "not made by Holdfast".to_owned())));
        }
        ties.extend(self.held(snapshot));
        if let Some(group) = &snapshot.group {
            let group = text::sanitize(group);
            ties.push(Tie::Other(format!("member of group snapshot {group}: the group is deleted, not a member")));
        }
        let key = (snapshot.meta.namespace.clone().unwrap_or_default(), snapshot.meta.name.clone());
        if let Some(claim) = self.uses.restoring.get(&key) {
            ties.push(Tie::Other(format!("claim {} is being restored from it", text::sanitize(claim))));
        }
        ties.extend(self.safety(snapshot));
        ties.extend(self.storage(snapshot, worth));
        ties
    }

    fn held(&self, snapshot: &VolumeSnapshot) -> Option<Tie> {
        let hold = hold(snapshot)?;
        if hold.holds(self.now) {
            return Some(Tie::Held(text::sanitize(&hold.said()).into_owned()));
        }
        let ended = hold.until.map_or_else(String::new, |until| format!(" {} ago", since(until, self.now)));
        (hold.policy.as_deref() == Some("Delete")).then(|| {
            let what = "its deletionPolicy is still Retain; release it";
            Tie::Other(format!("its hold ended{ended}: {what}"))
        })
    }

    fn safety(&self, snapshot: &VolumeSnapshot) -> Option<Tie> {
        let until = snapshot.meta.annotation(annotation::KEEP_UNTIL)?;
        match until.parse::<Timestamp>() {
            Ok(until) if until <= self.now => None,
            Ok(until) => Some(Tie::Other(format!("a safety copy until {}", until.strftime("%Y-%m-%d %H:%M UTC")))),
            Err(_) => Some(Tie::Other("a safety copy; until when cannot be read".to_owned())),
        }
    }

    /// What deleting it would do to the copy in storage.
    fn storage(&self, snapshot: &VolumeSnapshot, worth: &Worth) -> Option<Tie> {
        let Some(content) = self.world.content(snapshot) else {
            // A copy that failed before it had a content has nothing in storage.
            return (!matches!(worth, Worth::Failed(_)))
                .then(|| Tie::Other("its content is not seen, so what deleting it does is unknown".to_owned()));
        };
        if let Some(handle) = &content.handle
            && self.uses.shared.contains(&(content.driver.clone(), handle.clone()))
        {
            return Some(Tie::Other("another content names the same copy in storage".to_owned()));
        }
        match content.deletion {
            DeletionPolicy::Delete => None,
            DeletionPolicy::Retain if self.also_storage => None,
            DeletionPolicy::Retain => {
                let what = "deleting it would leave its copy in storage; --also-storage deletes both";
                Some(Tie::Other(format!("deletionPolicy Retain: {what}")))
            }
            DeletionPolicy::Unknown => {
                Some(Tie::Other("its deletionPolicy is not known, so what deleting it does is unknown".to_owned()))
            }
        }
    }
}

/// The hold on a snapshot, over or not.
pub fn hold(snapshot: &VolumeSnapshot) -> Option<Hold> {
    snapshot.meta.annotation(annotation::HOLD).map(Hold::parse)
}

/// Who else may delete a snapshot, in words: a hold does not bind them. `None` when nobody is known to.
pub fn other_pruner(world: &World, snapshot: &VolumeSnapshot, now: Timestamp) -> Option<String> {
    if let Some(backup) = snapshot.meta.label(annotation::VELERO_BACKUP) {
        let mut backups = world.inventory.velero_backups.iter();
        let namespace = backups.find(|known| *known.meta.name == *backup).and_then(|b| b.meta.namespace.clone());
        return Some(expiry(world, namespace.as_ref(), Some(backup), now));
    }
    let manager = snapshot.meta.label(annotation::MANAGED_BY.0).filter(|name| *name != annotation::MANAGED_BY.1);
    if let Some(manager) = manager {
        return Some(format!("not enforceable: {} made it and may delete it", text::sanitize(manager)));
    }
    let owner = snapshot.meta.owners.iter().find(|owner| &*owner.kind != "VolumeGroupSnapshot")?;
    let (kind, name) = (text::sanitize(&owner.kind), text::sanitize(&owner.name));
    Some(format!("not enforceable: it goes when {kind} {name} goes"))
}

/// When Velero deletes what is part of a backup.
fn expiry(world: &World, namespace: Option<&Arc<str>>, backup: Option<&str>, now: Timestamp) -> String {
    let Some(name) = backup else { return "not enforceable: Velero deletes it with its backup".to_owned() };
    let expires = world.inventory.velero_backups.named(namespace, &name.into()).and_then(|backup| backup.expires);
    let name = text::sanitize(name);
    match expires {
        Some(at) => {
            let left = text::age(at.duration_since(now));
            let at = at.strftime("%Y-%m-%d %H:%M UTC");
            format!("not enforceable: Velero backup {name} expires {at} (in {left})")
        }
        None => format!("not enforceable: Velero deletes it with backup {name}"),
    }
}

/// Whether the newest attempt at a copy by this console is not (yet) one to restore from: its name and in what way.
pub fn unfinished(items: &[Item]) -> Option<(&Item, String)> {
    let ours = items.iter().filter(|item| !item.foreign() && item.worth != Worth::Leaving);
    let newest = ours.max_by_key(|item| (item.created, item.uid.clone()))?;
    match &newest.worth {
        Worth::Good | Worth::Leaving => None,
        Worth::Unfinished(what) => Some((newest, format!("is not finished ({what})"))),
        Worth::Failed(why) => Some((newest, format!("failed ({why})"))),
        Worth::Doubtful(why) => Some((newest, format!("is not certain ({why})"))),
    }
}
