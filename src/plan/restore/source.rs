//! What a restore point holds and whether it can be restored from, from objects read afresh.
//!
//! The judgement is the one of every pane ([`restore_point::of_pair`]); nothing is restored from a copy that it does
//! not call restorable.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::read;
use crate::assess::restore_point::{self, Belongs, RestorePointState};
use crate::model::{DeletionPolicy, Kind, SnapshotSource, Uid, VolumeSnapshot, World, annotation};
use crate::plan::request::place;
use crate::plan::{Answers, ObjectAt, Refusal, Verb};

/// Annotation of a content that lets claims have another volume mode than the volume that was cut.
const MODE_CHANGE: &str = "snapshot.storage.kubernetes.io/allow-volume-mode-change";

/// A restore point that can be restored from.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// The VolumeSnapshot.
    pub at: ObjectAt,
    /// Its UID.
    pub uid: Uid,
    /// Its version when it was read.
    pub resource_version: String,
    /// Its VolumeSnapshotContent.
    pub content: ObjectAt,
    /// The UID of that.
    pub content_uid: Uid,
    /// What deleting the snapshot does to the copy in storage.
    pub deletion: DeletionPolicy,
    /// CSI driver.
    pub driver: String,
    /// The name of the copy in storage.
    pub handle: String,
    /// The moment of the cut.
    pub cut: Timestamp,
    /// Smallest volume that holds it, bytes; `None` when the driver did not say (or said 0).
    pub restore_size: Option<u64>,
    /// Whether the volume that was cut was a block device; `None` when that was not recorded.
    pub block: Option<bool>,
    /// Whether a claim may have another volume mode.
    pub mode_change: bool,
    /// The lineage of the data, where it is known.
    pub lineage: Option<Uid>,
    /// The name of the claim that was cut; `None` of an import.
    pub claim: Option<String>,
    /// What that claim looks like, or looked like.
    pub template: Template,
    /// Why it cannot be called good although it can be restored from: an import that nobody checked.
    pub doubt: Option<String>,
}

/// What the claim that was cut looks like.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// Its `spec`.
    pub spec: Value,
    /// Its labels; none when it is gone.
    pub labels: Map<String, Value>,
    /// Its capacity, bytes, while it lives.
    pub capacity: Option<u64>,
    /// How that is known.
    pub origin: Origin,
}

/// How it is known what the claim that was cut looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It lives, and the copy is of its data for certain.
    Live {
        /// Its name.
        name: String,
        /// Its UID.
        uid: Uid,
    },
    /// A claim of its name lives; nothing proves that it is the one that was cut.
    Namesake {
        /// Its name.
        name: String,
    },
    /// It was recorded on the restore point.
    Recorded,
    /// It is not known.
    Unknown,
}

/// What has to be read to know a restore point, given what is known.
pub fn reads(at: &ObjectAt, known: &Answers) -> Vec<ObjectAt> {
    let mut reads = vec![at.clone()];
    if let Some(Ok(Some(object))) = known.objects.get(at) {
        let snapshot = read::snapshot(object);
        reads.extend(snapshot.content.map(|name| ObjectAt::of(Kind::Content, None, &name)));
        if let SnapshotSource::Claim(name) = &snapshot.source {
            reads.push(ObjectAt::of(Kind::Pvc, at.namespace.as_deref(), name));
        }
    }
    reads
}

/// The restore point with this UID, once it is seen that it may be restored from.
///
/// # Errors
/// A [`Refusal`] of `verb` when it is gone or another one, a right is missing, or it cannot be restored from.
pub fn found(verb: Verb, world: &World, snapshot: &Uid, answers: &Answers) -> Result<Source, Refusal> {
    let Some(at) = place(world, snapshot) else {
        let (object, why) = ("a snapshot".to_owned(), "it is gone".to_owned());
        return Err(Refusal { verb, object, why, clear: "pick another restore point".into() });
    };
    answers.rights().map_err(|(why, clear)| refusal(verb, &at, why, clear))?;
    let source = source(verb, world, answers, &at)?;
    if source.uid != *snapshot {
        let why = "it was deleted and made anew meanwhile";
        return Err(refusal(verb, &at, why, "look at the new one, then try again"));
    }
    Ok(source)
}

/// What is known of a restore point, from the answers to [`reads`].
///
/// # Errors
/// A [`Refusal`] of `verb` when it is not one that can be restored from.
pub fn source(verb: Verb, world: &World, answers: &Answers, at: &ObjectAt) -> Result<Source, Refusal> {
    let refuse = |why: String, clear: &str| refusal(verb, at, why, clear);
    let Some(object) = fresh(verb, answers, at, at)? else {
        return Err(refuse("it was deleted meanwhile".into(), "pick another restore point"));
    };
    let snapshot = read::snapshot(object);
    let content_at = snapshot.content.as_ref().map(|name| ObjectAt::of(Kind::Content, None, name));
    let content_object = content_at.as_ref().map(|content| fresh(verb, answers, at, content)).transpose()?.flatten();
    let content = content_object.map(read::content);
    let judged = restore_point::of_pair(&snapshot, content.as_ref());
    let reason = judged.reasons.first();
    let said = reason.map_or_else(String::new, |reason| format!(": {}", reason.text));
    let doubt = match judged.value {
        RestorePointState::Good => None,
        RestorePointState::Unverified => Some(said.trim_start_matches(": ").to_owned()),
        state => {
            let next = reason.and_then(|reason| reason.next.as_deref());
            let clear = next.unwrap_or("wait until it is ready, or pick another restore point");
            return Err(refuse(format!("it is {}{said}", state.word()), clear));
        }
    };
    let (Some(content_at), Some(content), Some(content_object)) = (content_at, content, content_object) else {
        return Err(refuse("it is bound to no content".into(), "pick another restore point"));
    };
    let (Some(cut), Some(handle)) = (snapshot.cut.or(content.cut), content.handle.as_ref()) else {
        return Err(refuse("its cut or its handle is not known".into(), "pick another restore point"));
    };
    let belongs = restore_point::belongs(world, &snapshot);
    Ok(Source {
        at: at.clone(),
        uid: snapshot.meta.uid(),
        resource_version: snapshot.meta.resource_version.to_string(),
        content: content_at,
        content_uid: content.meta.uid(),
        deletion: content.deletion,
        driver: content.driver.to_string(),
        handle: handle.to_string(),
        cut,
        restore_size: snapshot.restore_size.max(content.restore_size),
        block: read::text(content_object, "/spec/sourceVolumeMode").map(|mode| mode == "Block"),
        mode_change: read::annotation(content_object, MODE_CHANGE) == Some("true"),
        lineage: lineage(world, &snapshot, &belongs),
        claim: match &snapshot.source {
            SnapshotSource::Claim(name) => Some(name.to_string()),
            SnapshotSource::Content(_) | SnapshotSource::Unset => None,
        },
        template: template(verb, answers, at, object, &snapshot, &belongs)?,
        doubt,
    })
}

/// The lineage of the data of a snapshot, where it is known.
pub fn lineage(world: &World, snapshot: &VolumeSnapshot, belongs: &Belongs) -> Option<Uid> {
    let noted = snapshot.meta.annotation(annotation::LINEAGE).map(Uid::from);
    noted.or_else(|| match belongs {
        Belongs::Claim(uid) => Some(restore_point::lineage(world, world.inventory.pvcs.get(uid)?)),
        Belongs::Gone | Belongs::ByNameOnly(_) | Belongs::Unknown { .. } => None,
    })
}

fn template(
    verb: Verb,
    answers: &Answers,
    at: &ObjectAt,
    object: &Value,
    snapshot: &VolumeSnapshot,
    belongs: &Belongs,
) -> Result<Template, Refusal> {
    let live = match &snapshot.source {
        SnapshotSource::Claim(name) => {
            fresh(verb, answers, at, &ObjectAt::of(Kind::Pvc, at.namespace.as_deref(), name))?
        }
        SnapshotSource::Content(_) | SnapshotSource::Unset => None,
    };
    let named = live.map(|claim| (claim, read::text(claim, "/metadata/name").unwrap_or_default().to_owned()));
    let certain = live.and_then(|claim| read::text(claim, "/metadata/uid")).map(Uid::from);
    let certain = certain.filter(|uid| matches!(belongs, Belongs::Claim(other) if other == uid));
    let recorded = read::annotation(object, annotation::CLAIM_SPEC);
    let recorded = recorded.and_then(|spec| serde_json::from_str(spec).ok()).filter(Value::is_object);
    let of = |claim: &Value, origin: Origin| Template {
        spec: claim.get("spec").cloned().unwrap_or_else(|| json!({})),
        labels: claim.pointer("/metadata/labels").and_then(Value::as_object).cloned().unwrap_or_default(),
        capacity: read::bytes(claim, "/status/capacity/storage"),
        origin,
    };
    let bare = |spec: Value, origin: Origin| Template { spec, labels: Map::new(), capacity: None, origin };
    Ok(match (named, certain, recorded) {
        (Some((claim, name)), Some(uid), _) => of(claim, Origin::Live { name, uid }),
        (_, None, Some(spec)) | (None, _, Some(spec)) => bare(spec, Origin::Recorded),
        (Some((claim, name)), None, None) => of(claim, Origin::Namesake { name }),
        (None, _, None) => bare(json!({}), Origin::Unknown),
    })
}

/// An object as it was read just now; `None` when the server has none.
fn fresh<'a>(verb: Verb, answers: &'a Answers, at: &ObjectAt, object: &ObjectAt) -> Result<Option<&'a Value>, Refusal> {
    match answers.objects.get(object) {
        Some(Ok(found)) => Ok(found.as_ref()),
        Some(Err(why)) => Err(refusal(verb, at, format!("{object} could not be read: {why}"), "try again")),
        None => Err(refusal(verb, at, format!("{object} was not read"), "try again")),
    }
}

/// A refusal about a restore point.
pub(super) fn refusal(verb: Verb, at: &ObjectAt, why: impl Into<String>, clear: impl Into<String>) -> Refusal {
    Refusal { verb, object: format!("snapshot {}", at.path()), why: why.into(), clear: clear.into() }
}

#[cfg(test)]
mod tests;
