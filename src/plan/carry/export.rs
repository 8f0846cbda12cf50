//! What a bundle says of a restore point, from objects read just now. Reads only.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::bundle::{Bundle, Class, Content, Exported, Origin, Point};
use crate::assess::apart::{Apart, apart};
use crate::model::{Kind, Uid, World, annotation};
use crate::plan::restore::{self, Source};
use crate::plan::{Answers, ObjectAt, Questions, Verb};
use crate::text;

/// Why a restore point is not exported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot export {object}: {why}")]
pub struct NotExported {
    /// Which one.
    pub object: String,
    /// Why not.
    pub why: String,
    /// What would clear it.
    pub clear: String,
}

/// By whose UID clusters are told apart.
pub(super) fn identity() -> ObjectAt {
    ObjectAt::of(Kind::Namespace, None, "kube-system")
}

/// What has to be read before the bundle of this VolumeSnapshot can be made, given what is known.
pub fn reads(at: &ObjectAt, known: &Answers) -> Questions {
    let mut objects = restore::reads(at, known);
    objects.push(identity());
    let text = |at: &ObjectAt, field: &str| {
        let object = known.objects.get(at)?.as_ref().ok()?.as_ref()?;
        object.pointer(field)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let classes = objects.iter().filter_map(|read| {
        let (field, kind) = match read.resource.kind.as_str() {
            "VolumeSnapshotContent" => ("/spec/volumeSnapshotClassName", Kind::SnapshotClass),
            "PersistentVolumeClaim" => ("/spec/storageClassName", Kind::StorageClass),
            _ => return None,
        };
        Some(ObjectAt::of(kind, None, &text(read, field)?))
    });
    let classes: Vec<ObjectAt> = classes.collect();
    objects.extend(classes);
    Questions { objects, ..Questions::default() }
}

/// The bundle of the VolumeSnapshot with this UID, from the answers to [`reads`].
///
/// # Errors
/// When it is gone, cannot be restored from, or could not be read.
pub fn bundle(world: &World, snapshot: &Uid, answers: &Answers, now: Timestamp) -> Result<Bundle, NotExported> {
    // Judged like what is restored: what could not be is not worth carrying.
    let source = restore::found(Verb::Restore, world, snapshot, answers);
    let source =
        source.map_err(|refusal| NotExported { object: refusal.object, why: refusal.why, clear: refusal.clear })?;
    Ok(Bundle::new(Case { world, answers, source }.content(now)))
}

struct Case<'a> {
    world: &'a World,
    answers: &'a Answers,
    source: Source,
}

impl Case<'_> {
    fn content(&self, now: Timestamp) -> Content {
        let context = &self.world.context;
        let snapshot_class = self.text(&self.source.content, "/spec/volumeSnapshotClassName");
        let snapshot_class = snapshot_class.and_then(|name| self.class(Kind::SnapshotClass, name, "/driver"));
        let mut content = Content {
            exported: Exported {
                at: now,
                by: self.answers.who.clone(),
                context: context.name.to_string(),
                server: context.server.to_string(),
                cluster: self.text(&identity(), "/metadata/uid").map(str::to_owned),
            },
            restore_point: self.point(),
            claim: Origin { name: self.source.claim.clone(), spec: self.spec() },
            storage_class: self.storage_class(),
            snapshot_class,
            warnings: Vec::new(),
        };
        content.warnings = self.warnings(&content);
        content
    }

    fn object(&self, at: &ObjectAt) -> Option<&Value> {
        self.answers.objects.get(at)?.as_ref().ok()?.as_ref()
    }

    fn text(&self, at: &ObjectAt, field: &str) -> Option<&str> {
        self.object(at)?.pointer(field)?.as_str().filter(|text| !text.is_empty())
    }

    fn note(&self, key: &str) -> Option<&str> {
        self.text(&self.source.at, &annotation::pointer(key))
    }

    fn point(&self) -> Point {
        let source = &self.source;
        let images = self.note(annotation::IMAGES).unwrap_or_default();
        Point {
            namespace: source.at.namespace.clone().unwrap_or_default(),
            name: source.at.name.clone(),
            uid: source.uid.to_string(),
            driver: source.driver.clone(),
            handle: source.handle.clone(),
            cut: source.cut,
            restore_size: source.restore_size,
            volume_mode: source.block.map(|block| if block { "Block" } else { "Filesystem" }.to_owned()),
            deletion_policy: source.deletion.word().to_owned(),
            consistency: self.note(annotation::CONSISTENCY).map(str::to_owned),
            lineage: source.lineage.as_ref().map(Uid::to_string),
            images: images.split(',').filter(|image| !image.is_empty()).map(str::to_owned).collect(),
            last_proven: self.note(annotation::LAST_PROVEN).map(str::to_owned),
        }
    }

    /// What the claim asked for, without what binds it to its volume and what it was filled from.
    fn spec(&self) -> Value {
        let kept =
            |(key, _): &(&String, &Value)| !["volumeName", "dataSource", "dataSourceRef"].contains(&key.as_str());
        let spec = self.source.template.spec.as_object();
        let spec = spec.into_iter().flatten().filter(kept).map(|(key, value)| (key.clone(), value.clone()));
        Value::Object(spec.collect::<Map<String, Value>>())
    }

    fn storage_class(&self) -> Option<Class> {
        let name = self.source.template.spec.get("storageClassName")?.as_str()?;
        self.class(Kind::StorageClass, name, "/provisioner")
    }

    fn class(&self, kind: Kind, name: &str, driver: &str) -> Option<Class> {
        let at = ObjectAt::of(kind, None, name);
        let parameters = self.object(&at)?.get("parameters").and_then(Value::as_object);
        let parameters = parameters.into_iter().flatten().filter(|(key, _)| harmless(key));
        let parameters = parameters.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
        Some(Class {
            name: name.to_owned(),
            driver: self.text(&at, driver).unwrap_or_default().to_owned(),
            parameters: parameters.collect::<BTreeMap<_, _>>(),
        })
    }

    fn warnings(&self, content: &Content) -> Vec<String> {
        let point = &content.restore_point;
        let parameters = content.snapshot_class.as_ref().map(|class| &class.parameters);
        let mut warnings = Vec::new();
        match apart(&point.driver, |key| parameters?.get(key).map(String::as_str)) {
            Apart::Elsewhere(_) => {}
            near => warnings.push(near.said()),
        }
        if point.deletion_policy != "Retain" {
            warnings.push(format!(
                "deletion policy is {} at its origin: deleting VolumeSnapshot {}/{} there destroys the copy for every \
                 import of it; `holdfast hold` sets it to Retain",
                point.deletion_policy, point.namespace, point.name
            ));
        }
        warnings.extend(self.source.doubt.iter().map(|doubt| format!("not proved: {doubt}")));
        if content.exported.cluster.is_none() {
            warnings.push("from which cluster it is could not be read".to_owned());
        }
        if content.claim.spec.as_object().is_none_or(Map::is_empty) {
            warnings.push("what the claim that was cut looked like is not known".to_owned());
        }
        warnings.iter().map(|warning| text::sanitize(warning).into_owned()).collect()
    }
}

/// Whether a parameter may be told: it names a Secret, or cannot be one.
fn harmless(key: &str) -> bool {
    let key = key.to_lowercase();
    if key.ends_with("secret-name") || key.ends_with("secret-namespace") {
        return true;
    }
    !["secret", "password", "passphrase", "token", "credential", "private"].iter().any(|word| key.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::testing::now;
    use crate::model::DeletionPolicy;
    use crate::plan::restore::testing::{answers, at, claim_at, content_at, pvc, vs, vsc, with, world};
    use rstest::rstest;
    use serde_json::json;

    fn exported(change: impl FnOnce(&mut Answers)) -> Result<Content, NotExported> {
        let mut known = answers(Some(vs()), Some(vsc()), Some(pvc()));
        let system = json!({ "metadata": { "name": "kube-system", "uid": "uid-of-the-cluster" } });
        known.objects.insert(identity(), Ok(Some(system)));
        change(&mut known);
        bundle(&world(), &"uid-copy".into(), &known, now()).map(|bundle| bundle.content().clone())
    }

    #[test]
    fn a_bundle_says_where_the_copy_is_and_how_a_volume_is_made_of_it() {
        let content = exported(|known| {
            let class = json!({ "provisioner": "csi.example", "parameters": {
                "pool": "fast", "csi.storage.k8s.io/provisioner-secret-name": "ceph", "adminPassword": "hush",
            } });
            known.objects.insert(ObjectAt::of(Kind::StorageClass, None, "fast"), Ok(Some(class)));
            let noted = json!({ annotation::IMAGES: "db=postgres:15", annotation::CONSISTENCY: "application" });
            known.objects.insert(at(), Ok(Some(with(vs(), "/metadata/annotations", noted))));
        })
        .unwrap();
        let point = &content.restore_point;
        assert_eq!((&*point.handle, &*point.driver, &*point.deletion_policy), ("snap-1", "csi.example", "Delete"));
        assert_eq!(point.lineage.as_deref(), Some("uid-data"));
        assert_eq!((point.restore_size, point.volume_mode.as_deref()), (Some(1 << 30), Some("Filesystem")));
        assert_eq!(
            (point.images.join(","), point.consistency.as_deref()),
            ("db=postgres:15".into(), Some("application"))
        );
        assert_eq!(content.exported.cluster.as_deref(), Some("uid-of-the-cluster"));
        assert_eq!(content.claim.spec.get("volumeName"), None);
        assert_eq!(content.claim.spec["storageClassName"], "fast");
        let parameters = content.storage_class.unwrap().parameters;
        assert_eq!(parameters.keys().collect::<Vec<_>>(), ["csi.storage.k8s.io/provisioner-secret-name", "pool"]);
        assert!(content.warnings.iter().any(|warning| warning.contains("holdfast hold")), "{:?}", content.warnings);
    }

    #[test]
    fn classes_are_read_once_it_is_known_which() {
        let known =
            answers(Some(vs()), Some(with(vsc(), "/spec/volumeSnapshotClassName", json!("snaps"))), Some(pvc()));
        let asked = reads(&at(), &known).objects;
        let class = |kind, name| ObjectAt::of(kind, None, name);
        for object in [
            content_at(),
            claim_at(),
            identity(),
            class(Kind::SnapshotClass, "snaps"),
            class(Kind::StorageClass, "fast"),
        ] {
            assert!(asked.contains(&object), "{object}: {asked:?}");
        }
        assert_eq!(DeletionPolicy::Retain.word(), "Retain", "what a bundle and its warnings compare with");
    }

    #[rstest]
    #[case::unready(with(vs(), "/status/readyToUse", json!(false)), "NotReady")]
    #[case::another(with(vs(), "/metadata/uid", json!("other")), "belongs to another")]
    fn what_cannot_be_restored_is_not_carried(#[case] snapshot: Value, #[case] why: &str) {
        let refused = exported(|known| drop(known.objects.insert(at(), Ok(Some(snapshot))))).unwrap_err();
        assert!(refused.why.contains(why), "{refused:?}");
    }

    #[test]
    fn what_is_not_known_of_the_cluster_is_said() {
        let content = exported(|known| drop(known.objects.insert(identity(), Err("forbidden".into())))).unwrap();
        assert_eq!(content.exported.cluster, None);
        assert!(content.warnings.iter().any(|warning| warning.contains("which cluster")), "{:?}", content.warnings);
    }
}
