//! The restore verb: a restore point becomes a new claim beside the original; a set of them as many, together.
//!
//! A server that does not know snapshots as a source drops the source without a word, and the claim is bound to an
//! empty volume; so it is looked at before anything is waited for.

mod form;
mod set;
mod steps;

use std::time::Duration;

use jiff::Timestamp;

use super::source::refusal;
use super::{Claim, Origin, Source, Wish, claim, found, preflight, reads};
use crate::assess::encryption::{by_class, encryption};
use crate::model::{DeletionPolicy, Kind, ReclaimPolicy, Uid, World};
use crate::plan::request::place;
use crate::plan::{
    AccessQuestion, Answers, ListAt, ObjectAt, OperationId, Plan, Questions, Refusal, Resource, StepId, Subject, Verb,
    trusted,
};
use crate::text::{self, quantity};

pub use form::{class_field, command, form, options, size};
pub use steps::guards;

/// Kinds that planning looks at.
pub const LOOKED_AT: &[Kind] = &[Kind::VolumeSnapshot, Kind::Content, Kind::Pvc, Kind::Pv, Kind::StorageClass];

/// What the operator may choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The set that is restored as a whole, by its id; `None` restores the one restore point.
    pub set: Option<String>,
    /// Name of the new claim; `None` is the old name with `-restore-` and a part of the operation's id. Of a set the
    /// name of the StatefulSet that the new claims are for.
    pub to: Option<String>,
    /// Storage class; `None` is that of the claim that was cut.
    pub class: Option<String>,
    /// Bytes; `None` is the smallest size that surely holds what was cut.
    pub size: Option<u64>,
    /// How long it may take until the claim is bound.
    pub bound_within: Duration,
}

impl Default for Options {
    /// No choice made; 10 minutes to bound, as for a snapshot to become ready.
    fn default() -> Self {
        Self { set: None, to: None, class: None, size: None, bound_within: Duration::from_secs(600) }
    }
}

/// What has to be asked before this restore point can be restored, given what is known.
pub fn questions(world: &World, snapshot: &Uid, options: &Options, known: &Answers) -> Questions {
    let Some(at) = place(world, snapshot) else { return Questions::default() };
    let namespace = at.namespace.as_deref();
    let claims = Resource::of(Kind::Pvc);
    let ask = |verb, resource: &Resource| AccessQuestion::new(verb, resource, namespace);
    let mut access = vec![
        ask("create", &claims),
        ask("get", &claims),
        ask("get", &at.resource),
        AccessQuestion::new("get", &Resource::of(Kind::Content), None),
        AccessQuestion::new("get", &Resource::of(Kind::Pv), None),
    ];
    access.extend(AccessQuestion::record(namespace));
    let points = set::points(world, snapshot, options);
    let mut objects: Vec<ObjectAt> = points.iter().flat_map(|point| reads(&point.at, known)).collect();
    let chosen = points.iter().filter_map(|point| point.chosen(options).ok().flatten());
    objects.extend(chosen.map(|name| ObjectAt::of(Kind::Pvc, namespace, &name)));
    Questions { objects, access, lists: namespace.map(ListAt::quotas).into_iter().collect() }
}

/// Plans a restore of the restore point with this UID.
///
/// # Errors
/// A [`Refusal`] says what stands in the way and what would clear it.
pub fn plan(
    world: &World,
    snapshot: &Uid,
    answers: &Answers,
    options: &Options,
    id: OperationId,
    now: Timestamp,
) -> Result<Plan, Refusal> {
    let first = found(Verb::Restore, world, snapshot, answers)?;
    let at = first.at;
    let refuse = |(why, clear): (String, String)| refusal(Verb::Restore, &at, why, clear);
    let points = set::points(world, snapshot, options);
    set::whole(world, snapshot, options).map_err(refuse)?;
    let mut members = Vec::new();
    for (place, point) in points.iter().enumerate() {
        let source = found(Verb::Restore, world, &point.uid, answers)?;
        let name = match point.chosen(options).map_err(refuse)? {
            Some(name) => name,
            None => point.beside(source.claim.as_deref().unwrap_or(&source.at.name), options, &id),
        };
        unused(answers, &at, &name, options).map_err(refuse)?;
        let wish = Wish { name: &name, class: options.class.as_deref(), size: options.size, ..Wish::default() };
        let claim = claim(Verb::Restore, world, &source, &wish, &id)?;
        members.push(Member { source, claim, place: options.set.as_ref().map(|_| place) });
    }
    let namespace = at.namespace.as_deref().unwrap_or_default();
    preflight::quota(answers, namespace, members.iter().map(|member| &member.claim)).map_err(refuse)?;
    let first = members.iter().position(|member| member.source.uid == *snapshot).unwrap_or_default();
    Ok(Case { world, members, first, now }.plan(options, id))
}

/// `<claim>-restore-<end of the operation's id>`, cut to the 253 characters a name may have.
fn default_name(stem: &str, id: &OperationId) -> String {
    let end = format!("-restore-{}", id.short());
    let stem: String = stem.chars().take(253 - end.len()).collect();
    format!("{}{end}", stem.trim_end_matches(['-', '.']))
}

/// Whether the name that was chosen is free.
fn unused(answers: &Answers, at: &ObjectAt, name: &str, options: &Options) -> Result<(), (String, String)> {
    let claim = ObjectAt::of(Kind::Pvc, at.namespace.as_deref(), name);
    match answers.objects.get(&claim) {
        Some(Ok(None)) => Ok(()),
        Some(Ok(Some(_))) => Err((
            format!("{claim} exists, and a restore writes over nothing"),
            "choose a name that is free (--to), or none".to_owned(),
        )),
        Some(Err(why)) => Err((format!("whether {claim} exists is not known: {why}"), "try again".to_owned())),
        // A name with a part of the operation's id was not asked for; the create decides.
        None if options.to.is_none() => Ok(()),
        None => Err((format!("whether {claim} exists was not asked"), "try again".to_owned())),
    }
}

/// A restore point that can be restored, and the claim that it becomes.
struct Member {
    source: Source,
    claim: Claim,
    /// Its place in the set that is restored as a whole.
    place: Option<usize>,
}

impl Member {
    fn step(&self, role: &str) -> StepId {
        StepId(self.place.map_or_else(|| role.to_owned(), |place| format!("{role}-{}", place + 1)))
    }

    fn undo(&self) -> String {
        let fate = match self.claim.reclaim {
            ReclaimPolicy::Delete => "reclaim policy Delete: its volume and the data in it go too",
            ReclaimPolicy::Retain => "reclaim policy Retain: its volume stays and has to be deleted by itself",
            ReclaimPolicy::Other => "what becomes of its volume is not known",
        };
        format!("delete {} ({fate})", self.claim.at)
    }
}

/// What is restored together, which is at least one.
struct Case<'a> {
    world: &'a World,
    members: Vec<Member>,
    /// The place of the restore point that was asked for.
    first: usize,
    now: Timestamp,
}

impl Case<'_> {
    fn plan(&self, options: &Options, id: OperationId) -> Plan {
        let Source { at, uid, resource_version, .. } = &self.members[self.first].source;
        let context = &self.world.context;
        let namespace = at.namespace.clone().unwrap_or_default();
        Plan {
            verb: Verb::Restore,
            title: self.title(&namespace, options),
            context: context.name.to_string(),
            server: context.server.to_string(),
            protected: context.protected,
            count: None,
            subject: Subject {
                object: crate::model::ObjRef::namespaced(Kind::VolumeSnapshot, namespace.as_str(), at.name.as_str()),
                uid: uid.clone(),
                resource_version: resource_version.clone(),
            },
            made: self.now,
            facts: self.facts(),
            warnings: self.warnings(),
            changes: self.changes(&namespace, &id),
            command: command(options, at, &context.name),
            undo: self.members.iter().map(Member::undo).collect(),
            locks: Vec::new(),
            undoes: None,
            bundle: None,
            nodes: steps::nodes(&self.members, options),
            id,
        }
    }

    fn title(&self, namespace: &str, options: &Options) -> String {
        let names: Vec<String> =
            self.members.iter().map(|member| format!("{namespace}/{}", member.claim.at.name)).collect();
        if let Some(set) = &options.set {
            return format!("restore set {set} into new volumes {}", text::list(&names));
        }
        let source = self.members.first().map(|member| member.source.at.path()).unwrap_or_default();
        format!("restore {source} into new volume {}", text::list(&names))
    }

    fn changes(&self, namespace: &str, id: &OperationId) -> Vec<String> {
        let mut changes = Vec::new();
        for Member { source, claim, .. } in &self.members {
            let when = if claim.waits_for_consumer { "once a pod uses the claim, " } else { "" };
            changes.push(format!("creates {}", claim.at));
            changes.push(format!("{when}{} makes a new volume and copies the restore point into it", source.driver));
        }
        changes.push(id.recorded(namespace));
        let originals = if self.members.len() > 1 { "volumes and their" } else { "volume and its" };
        changes.push(format!("changes nothing that exists; the original {originals} pods are not touched"));
        changes
    }

    fn facts(&self) -> Vec<(String, String)> {
        let cuts = || self.members.iter().map(|member| member.source.cut);
        let apart = cuts().max().zip(cuts().min()).map(|(last, first)| last.duration_since(first));
        let mut facts = Vec::new();
        if let (Some(apart), true) = (apart, self.members.len() > 1) {
            facts.push(("cuts apart".to_owned(), quantity::instant(apart)));
        }
        facts.extend(self.members.iter().flat_map(|member| self.facts_of(member)));
        facts
    }

    fn facts_of(&self, member: &Member) -> Vec<(String, String)> {
        let Member { source, claim, .. } = member;
        let fact = |label: &str, value: String| (label.to_owned(), value);
        let age = quantity::age(self.now.duration_since(source.cut));
        let binding = if claim.waits_for_consumer {
            format!("when a first consumer is scheduled (class {} waits for one); this is not an error", claim.class)
        } else {
            "at once".to_owned()
        };
        let like = match &source.template.origin {
            Origin::Live { name, .. } => format!("claim {name}, which was cut"),
            Origin::Namesake { name } => format!("claim {name}, which has the name of the one that was cut"),
            Origin::Recorded => "the claim that was cut, as the restore point recorded it".to_owned(),
            Origin::Unknown => "no claim: what was cut is not recorded".to_owned(),
        };
        vec![
            fact("data of", format!("{} ({age} ago): nothing written later is in it", source.cut)),
            fact("new volume", claim.at.name.clone()),
            fact("shaped like", like),
            fact("size", quantity::bytes(claim.size)),
            fact("storage class", claim.class.clone()),
            fact("volume mode", if claim.block { "Block" } else { "Filesystem" }.to_owned()),
            fact("access modes", text::list(&claim.access_modes)),
            fact("bound", binding),
            fact("driver", source.driver.clone()),
            fact("snapshot handle", source.handle.clone()),
            fact("encryption", self.encryption(member).0.to_owned()),
        ]
    }

    fn warnings(&self) -> Vec<String> {
        let each = |member: &Member| {
            let whose = member.place.map(|_| format!("{}: ", member.claim.at.name)).unwrap_or_default();
            self.warnings_of(member).into_iter().map(move |warning| format!("{whose}{warning}")).collect::<Vec<_>>()
        };
        self.members.iter().flat_map(each).collect()
    }

    fn warnings_of(&self, member: &Member) -> Vec<String> {
        let Member { source, claim, .. } = member;
        let mut warnings: Vec<String> = source.doubt.iter().map(|doubt| format!("not proved: {doubt}")).collect();
        warnings.extend(trusted::warnings(self.world, &source.uid, self.now));
        warnings.extend(claim.warnings.iter().cloned());
        warnings.extend(self.encryption(member).1);
        if source.deletion == DeletionPolicy::Unknown {
            warnings.push("what deleting the snapshot does to its copy in storage is not known".to_owned());
        }
        warnings
    }

    /// How the new volume is encrypted, and a warning where that may be less than the original was.
    fn encryption(&self, member: &Member) -> (&'static str, Option<String>) {
        let class = self.world.inventory.storage_classes.named(None, &member.claim.class.as_str().into());
        let Some(new) = class.map(|class| by_class(class).value) else { return ("not known", None) };
        let original = match &member.source.template.origin {
            Origin::Live { uid, .. } => self.world.inventory.pvcs.get(uid),
            Origin::Namesake { .. } | Origin::Recorded | Origin::Unknown => None,
        };
        let Some(old) = original.map(|claim| encryption(self.world, claim, self.now).value) else {
            return (new.word(), None);
        };
        let weaker = match (new.strength(), old.strength()) {
            (Some(new), Some(old)) => new < old,
            (None, Some(old)) => old > 0,
            (_, None) => false,
        };
        let warning = format!("encryption is weaker than the original's: {} instead of {}", new.word(), old.word());
        (new.word(), weaker.then_some(warning))
    }
}

#[cfg(test)]
mod tests;
