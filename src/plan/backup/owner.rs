//! The workload that uses a claim, and which claims a workload has.
//!
//! Who owns a pod is told by its owner reference, which claims belong to a StatefulSet by their names alone.

use std::fmt;

use serde_json::Value;

use super::quiesce;
use crate::model::{Kind, Meta, Pvc, Uid, Workload, World};
use crate::plan::ordinal::{from_template, split};
use crate::plan::{Answers, ObjectAt};
use crate::text::{names, sanitize};

/// Kinds of workload that a backup may be of as a whole.
pub const KINDS: [Kind; 3] = [Kind::StatefulSet, Kind::Deployment, Kind::DaemonSet];

/// A workload by name, in the namespace of its claims.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    /// One of [`KINDS`].
    pub kind: Kind,
    /// Its name.
    pub name: String,
}

impl fmt::Display for Owner {
    /// `StatefulSet db`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.spec().kind, self.name)
    }
}

impl Owner {
    /// Reads `statefulset/db`; kubectl's short names do as well.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(text: &str) -> Result<Self, String> {
        let misread = || {
            format!(
                "\"{}\" is no workload; write one such as statefulset/db, deployment/web or daemonset/agent",
                sanitize(text)
            )
        };
        let (kind, name) = text.split_once('/').ok_or_else(misread)?;
        let kind = match kind.to_ascii_lowercase().as_str() {
            "statefulset" | "statefulsets" | "sts" => Kind::StatefulSet,
            "deployment" | "deployments" | "deploy" => Kind::Deployment,
            "daemonset" | "daemonsets" | "ds" => Kind::DaemonSet,
            _ => return Err(misread()),
        };
        names::validate_name(name).map_err(|error| error.to_string())?;
        Ok(Self { kind, name: name.to_owned() })
    }

    /// As it is read back: `statefulset/db`.
    pub fn written(&self) -> String {
        format!("{}/{}", self.kind.spec().kind.to_lowercase(), self.name)
    }

    /// As an annotation has it: `StatefulSet/db`.
    pub fn noted(&self) -> String {
        format!("{}/{}", self.kind.spec().kind, self.name)
    }

    /// Where it is.
    pub fn at(&self, namespace: &str) -> ObjectAt {
        ObjectAt::of(self.kind, Some(namespace), &self.name)
    }

    fn of(kind: &str, name: &str) -> Option<Self> {
        let kind = KINDS.into_iter().find(|known| known.spec().kind == kind)?;
        Some(Self { kind, name: name.to_owned() })
    }
}

/// What is known of the workload of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It is this one.
    Known(Owner),
    /// This ReplicaSet says which.
    Ask(ObjectAt),
    /// None is seen.
    None,
}

/// The workload of a claim: of the pods that mount it, else the one that is seen to be made for it.
pub(super) fn of(world: &World, claim: &Pvc, known: &Answers) -> Found {
    let pods = quiesce::pods(world, claim);
    let told = pods.into_iter().find_map(|pod| above(world, &pod.meta, known));
    told.unwrap_or_else(|| owners(world, claim).into_iter().next().map_or(Found::None, Found::Known))
}

/// Workloads that are seen to use a claim, by name.
pub fn owners(world: &World, claim: &Pvc) -> Vec<Owner> {
    let Some(namespace) = &claim.meta.namespace else { return Vec::new() };
    let key = (namespace.clone(), claim.meta.name.clone());
    let named = |(kind, uid): &(Kind, Uid)| {
        let meta = world.inventory.meta(*kind, uid)?;
        Owner::of(kind.spec().kind, &meta.name)
    };
    let mut owners: Vec<Owner> = world.links.templates_mounting(&key).iter().filter_map(named).collect();
    let sets = world.inventory.stateful_sets.iter().filter(|set| set.meta.namespace == claim.meta.namespace);
    let makes = |set: &&Workload| {
        split(&claim.meta.name, &set.meta.name)
            .is_some_and(|(template, _)| set.templates.iter().any(|known| *known.name == *template))
    };
    owners.extend(sets.filter(makes).filter_map(|set| Owner::of("StatefulSet", &set.meta.name)));
    for pod in quiesce::pods(world, claim) {
        if let Some(Found::Known(owner)) = above(world, &pod.meta, &Answers::default()) {
            owners.push(owner);
        }
    }
    owners.sort();
    owners.dedup();
    owners
}

/// What controls a pod in the end: the Deployment rather than its ReplicaSet. `None` when that is no workload here.
fn above(world: &World, pod: &Meta, known: &Answers) -> Option<Found> {
    let controller = pod.controller()?;
    if &*controller.kind != "ReplicaSet" {
        return Owner::of(&controller.kind, &controller.name).map(Found::Known);
    }
    let seen = world.inventory.replica_sets.get(&controller.uid).and_then(|set| set.meta.controller());
    if let Some(owner) = seen {
        return Owner::of(&owner.kind, &owner.name).map(Found::Known);
    }
    let at = ObjectAt::of(Kind::ReplicaSet, pod.namespace.as_deref(), &controller.name);
    let Some(read) = known.objects.get(&at) else { return Some(Found::Ask(at)) };
    let owners = read.as_ref().ok()?.as_ref()?.pointer("/metadata/ownerReferences")?.as_array()?;
    let owner = owners.iter().find(|owner| owner["controller"] == true)?;
    Owner::of(owner["kind"].as_str()?, owner["name"].as_str()?).map(Found::Known)
}

/// The claims of a workload as it was read, among claims as they were listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Claims {
    /// Names of those that it uses.
    pub used: Vec<String>,
    /// Names of those that it made for ordinals that it does not have now.
    pub left: Vec<String>,
}

/// Which claims a workload uses: those that its pods mount by name, and of a StatefulSet those of the ordinals that it
/// has; of one that is scaled to nothing all that it made.
pub(super) fn claims(workload: &Value, listed: &[Value]) -> Claims {
    let volumes = workload.pointer("/spec/template/spec/volumes").and_then(Value::as_array);
    let mounts = |claim: &str| {
        let mut volumes = volumes.into_iter().flatten();
        volumes.any(|volume| volume.pointer("/persistentVolumeClaim/claimName").and_then(Value::as_str) == Some(claim))
    };
    let number = |field: &str| workload.pointer(field).and_then(Value::as_u64);
    let start = number("/spec/ordinals/start").unwrap_or(0);
    let replicas = number("/spec/replicas").unwrap_or(1);
    let mut found = Claims::default();
    for name in listed.iter().filter_map(|claim| claim.pointer("/metadata/name")?.as_str()) {
        match from_template(workload, name) {
            Some(ordinal) if replicas > 0 && !(start..start + replicas).contains(&ordinal) && !mounts(name) => {
                found.left.push(name.to_owned());
            }
            Some(_) => found.used.push(name.to_owned()),
            None if mounts(name) => found.used.push(name.to_owned()),
            None => {}
        }
    }
    found.used.sort();
    found.left.sort();
    found
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case("statefulset/db", Ok("statefulset/db"))]
    #[case("sts/db", Ok("statefulset/db"))]
    #[case("Deploy/web", Ok("deployment/web"))]
    #[case("db", Err("\"db\" is no workload"))]
    #[case("job/db", Err("is no workload"))]
    #[case("sts/../x", Err("name"))]
    fn a_workload_is_read_as_it_is_written(#[case] text: &str, #[case] read: Result<&str, &str>) {
        match (Owner::parse(text), read) {
            (Ok(owner), Ok(written)) => assert_eq!(owner.written(), written),
            (Err(why), Err(part)) => assert!(why.contains(part), "{why}"),
            (parsed, _) => panic!("{parsed:?}"),
        }
    }

    #[rstest]
    #[case::as_many_as_it_has(2, 0, &["data-db-0", "data-db-1", "shared"], &["data-db-2"])]
    #[case::from_another_start(1, 2, &["data-db-2", "shared"], &["data-db-0", "data-db-1"])]
    #[case::scaled_to_nothing(0, 0, &["data-db-0", "data-db-1", "data-db-2", "shared"], &[])]
    fn a_stateful_set_has_the_claims_of_its_ordinals_and_those_it_names(
        #[case] replicas: u64,
        #[case] start: u64,
        #[case] used: &[&str],
        #[case] left: &[&str],
    ) {
        let workload = json!({
            "metadata": { "name": "db" },
            "spec": {
                "replicas": replicas, "ordinals": { "start": start },
                "volumeClaimTemplates": [{ "metadata": { "name": "data" } }],
                "template": { "spec": { "volumes": [{ "persistentVolumeClaim": { "claimName": "shared" } }] } },
            },
        });
        let listed = ["data-db-1", "data-db-0", "other", "shared", "data-db-2", "data-db2-0"];
        let listed = listed.map(|name| json!({ "metadata": { "name": name } }));
        assert_eq!(
            claims(&workload, &listed),
            Claims {
                used: used.iter().map(ToString::to_string).collect(),
                left: left.iter().map(ToString::to_string).collect()
            }
        );
    }
}
