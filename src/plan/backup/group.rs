//! The VolumeGroupSnapshot: all volumes of a set cut at one moment, where API, driver, class and labels allow.
//!
//! Where they do not, the reason is said and the volumes are cut side by side. The group selects claims by labels, so
//! there have to be labels that exactly those of the set carry: no claim is labelled for it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::member::{Marks, Member, snapshot_name};
use super::{Options, Together, scope, steps};
use crate::model::{DeletionPolicy, Kind, annotation};
use crate::plan::hooks::Consistency;
use crate::plan::{
    AccessQuestion, Act, Answers, Check, ListAt, Node, ObjectAt, OperationId, Questions, Resource, Step, StepId, Until,
};
use crate::text;

/// Marks the default VolumeGroupSnapshotClass of its driver.
const DEFAULT: &str = "groupsnapshot.storage.kubernetes.io/is-default-class";

/// A group that can be cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// Where it will be.
    pub at: ObjectAt,
    /// Its class.
    pub class: String,
    /// What deleting the group does to its copies.
    pub deletion: DeletionPolicy,
    /// The labels that select its claims.
    pub labels: BTreeMap<String, String>,
}

fn of_version(kind: Kind, version: &str) -> Resource {
    Resource { version: version.to_owned(), ..Resource::of(kind) }
}

/// The classes in each version that may be served, the preferred one first.
fn classes() -> impl Iterator<Item = (&'static str, ListAt)> {
    let versions = Kind::GroupClass.spec().versions.iter();
    versions.map(|version| (*version, ListAt::all(of_version(Kind::GroupClass, version), None)))
}

/// The version that is served and its classes; a version that is not served has none.
fn served(answers: &Answers) -> Result<Option<(&'static str, &[Value])>, String> {
    for (version, list) in classes() {
        match answers.lists.get(&list) {
            Some(Ok(found)) if !found.is_empty() => return Ok(Some((version, found))),
            Some(Ok(_)) => {}
            Some(Err(why)) => return Err(why.clone()),
            None => return Err("they were not listed".to_owned()),
        }
    }
    Ok(None)
}

/// The rights that cutting, seeing and taking back a group takes.
fn rights(namespace: &str) -> Vec<AccessQuestion> {
    let groups = Resource::of(Kind::GroupSnapshot);
    let mut rights: Vec<_> =
        ["create", "get", "delete"].map(|verb| AccessQuestion::new(verb, &groups, Some(namespace))).to_vec();
    rights.push(AccessQuestion::new("list", &Resource::of(Kind::VolumeSnapshot), Some(namespace)));
    rights
}

/// Whether a right is only needed for a group: without it the volumes are cut side by side.
pub(super) fn is_own(question: &AccessQuestion) -> bool {
    question.resource == Kind::GroupSnapshot.spec().plural
        || (question.verb == "list" && question.resource == Kind::VolumeSnapshot.spec().plural)
}

/// What has to be asked for several volumes, given what is known. Rights are asked for once there is a class.
pub(super) fn questions(namespace: &str, options: &Options, known: &Answers) -> Questions {
    if options.together == Together::Parallel {
        return Questions::default();
    }
    let lists = classes().map(|(_, list)| list).collect();
    let access = if matches!(served(known), Ok(Some(_))) { rights(namespace) } else { Vec::new() };
    Questions { access, lists, ..Questions::default() }
}

/// The group for these volumes, or why they are cut side by side.
pub(super) fn of(
    members: &[Member<'_>],
    options: &Options,
    answers: &Answers,
    id: &OperationId,
) -> Result<Group, String> {
    if options.together == Together::Parallel {
        return Err("as asked".to_owned());
    }
    let Some(first) = members.first() else { return Err("there is nothing to cut".to_owned()) };
    let served = served(answers).map_err(|why| format!("which group snapshot classes there are is not known: {why}"));
    let Some((version, classes)) = served? else {
        return Err("this cluster has no VolumeGroupSnapshotClass".to_owned());
    };
    let driver = first.driver;
    if let Some(other) = members.iter().find(|member| member.driver != driver) {
        return Err(format!("the volumes are of several drivers: {driver} and {}", other.driver));
    }
    let class = class(classes, driver)?;
    let namespace = first.claim.meta.namespace();
    let missing: Vec<String> = rights(namespace)
        .iter()
        .filter(|question| answers.access.get(question) != Some(&Ok(true)))
        .map(ToString::to_string)
        .collect();
    if !missing.is_empty() {
        return Err(format!("it needs the right to {}", text::list(&missing)));
    }
    let labels = labels(members, options, answers)?;
    let stem = match &options.scope {
        super::Scope::Workload(owner) => owner.name.clone(),
        super::Scope::Volume | super::Scope::Selected(_) => first.name().to_owned(),
    };
    let resource = of_version(Kind::GroupSnapshot, version);
    let at = ObjectAt { resource, namespace: Some(namespace.to_owned()), name: snapshot_name(&stem, id) };
    let deletion = match class.get("deletionPolicy").and_then(Value::as_str) {
        Some("Delete") => DeletionPolicy::Delete,
        Some("Retain") => DeletionPolicy::Retain,
        _ => DeletionPolicy::Unknown,
    };
    let name = class.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    Ok(Group { at, class: name.to_owned(), deletion, labels })
}

/// The class of a driver: its only default, else its only one.
fn class<'a>(classes: &'a [Value], driver: &str) -> Result<&'a Value, String> {
    let fitting: Vec<&Value> = classes.iter().filter(|class| class["driver"] == *driver).collect();
    let default =
        |class: &&&Value| class.pointer(&annotation::pointer(DEFAULT)).and_then(Value::as_str) == Some("true");
    let defaults: Vec<&Value> = fitting.iter().filter(default).copied().collect();
    match (defaults.as_slice(), fitting.as_slice()) {
        ([class], _) | ([], [class]) => Ok(class),
        (_, []) => Err(format!("there is no VolumeGroupSnapshotClass of driver {driver}")),
        (several, _) => Err(format!("{} default VolumeGroupSnapshotClasses of driver {driver}", several.len())),
    }
}

/// Labels that exactly these claims of their namespace carry: those asked for, those by which the workload selects, or
/// those that all of them have.
fn labels(members: &[Member<'_>], options: &Options, answers: &Answers) -> Result<BTreeMap<String, String>, String> {
    let namespace = members.first().map(|member| member.claim.meta.namespace()).unwrap_or_default();
    let listed = scope::listed(answers, namespace).map_err(|(why, _)| why)?;
    let map = |labels: Option<&Value>| -> BTreeMap<String, String> {
        let labels = labels.and_then(Value::as_object).into_iter().flatten();
        labels.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
    };
    let mut candidates = Vec::new();
    if let super::Scope::Selected(labels) = &options.scope {
        candidates.push(labels.clone());
    }
    let workload = scope::workload(&options.scope, namespace).and_then(|at| answers.object(&at).ok());
    candidates.extend(workload.map(|workload| map(workload.pointer("/spec/selector/matchLabels"))));
    let mut all = members.iter().map(|member| map(member.fresh.pointer("/metadata/labels")));
    let first = all.next().unwrap_or_default();
    candidates.push(
        all.fold(first, |common, own| common.into_iter().filter(|(key, value)| own.get(key) == Some(value)).collect()),
    );
    let exactly = |labels: &BTreeMap<String, String>| {
        let fits = |claim: &&Value| {
            let own = map(claim.pointer("/metadata/labels"));
            labels.iter().all(|(key, value)| own.get(key) == Some(value))
        };
        let selected = listed.iter().filter(fits).filter_map(|claim| claim.pointer("/metadata/uid")?.as_str());
        let selected: Vec<&str> = selected.collect();
        selected.len() == members.len()
            && members.iter().all(|member| selected.contains(&member.claim.meta.uid().as_str()))
    };
    let found = candidates.into_iter().find(|labels| !labels.is_empty() && exactly(labels));
    found.ok_or_else(|| "no labels select exactly these claims".to_owned())
}

impl Group {
    /// The steps around which the application is held: the group is created and cut.
    pub fn cut(&self, members: &[Member<'_>], marks: &Marks<'_>, within: Duration) -> Vec<Node> {
        let create = StepId("create".into());
        let mut annotations = json!({
            annotation::OPERATION: marks.id.as_str(), annotation::STEP: create.0,
            annotation::CONSISTENCY: Consistency::Group.word(), "holdfast.dev/actor": marks.who,
        });
        if let Some(reason) = marks.reason {
            annotations[annotation::REASON] = reason.into();
        }
        let manifest = json!({
            "apiVersion": self.at.resource.api_version(),
            "kind": self.at.resource.kind,
            "metadata": {
                "name": self.at.name, "namespace": self.at.namespace,
                "labels": {
                    annotation::MANAGED_BY.0: annotation::MANAGED_BY.1, annotation::SET: marks.id.as_str(),
                },
                "annotations": annotations,
            },
            "spec": {
                "volumeGroupSnapshotClassName": self.class,
                "source": { "selector": { "matchLabels": self.labels } },
            },
        });
        let step = Step {
            id: create.clone(),
            title: format!("create {}", self.at),
            act: Act::Create { at: self.at.clone(), manifest },
            guards: members.iter().map(Member::guard).collect(),
            deadline: Duration::from_secs(60),
        };
        let until = Until {
            what: "the storage system to cut all volumes at one moment".into(),
            checks: vec![Check::present("/status/creationTime")],
            trouble: vec!["/status/error/message".into()],
            outputs: vec![("cutAt".into(), "/status/creationTime".into())],
            ..Until::default()
        };
        let title = "wait until all volumes are cut (the data of that moment is safe from later writes)".to_owned();
        let cut = steps::wait(StepId("cut".into()), title, steps::made(&create), until, within);
        [step, cut].map(|step| Node::Do(Box::new(step))).to_vec()
    }

    /// The steps after that: the group is ready, has a member of each volume, and each member is.
    pub fn ready(&self, members: &[Member<'_>], within: Duration) -> Vec<Node> {
        let until = Until {
            what: "the group to become ready to restore from".into(),
            checks: vec![
                Check::is("/status/readyToUse", true),
                Check::present("/status/boundVolumeGroupSnapshotContentName"),
                Check::absent("/metadata/deletionTimestamp"),
            ],
            trouble: vec!["/status/error/message".into()],
            ..Until::default()
        };
        let title = "wait until the group is ready".to_owned();
        let group = steps::made(&StepId("create".into()));
        let ready = steps::wait(StepId("group".into()), title, group, until, within);
        let find = |(place, member): (usize, &Member<'_>)| Node::Do(Box::new(self.find(place, member, within)));
        let each = |(place, member): (usize, &Member<'_>)| {
            let found = steps::made(&found(place));
            let id = StepId(format!("ready-{}", place + 1));
            Node::Do(Box::new(steps::ready(id, found, Some(member.name()), within)))
        };
        vec![
            Node::Do(Box::new(ready)),
            Node::All(members.iter().enumerate().map(find).collect()),
            Node::All(members.iter().enumerate().map(each).collect()),
        ]
    }

    fn find(&self, place: usize, member: &Member<'_>, within: Duration) -> Step {
        let which = vec![
            Check::is("/status/volumeGroupSnapshotName", self.at.name.as_str()),
            Check::is("/spec/source/persistentVolumeClaimName", member.name()),
        ];
        let what = format!("the group to have a snapshot of {}", member.name());
        let among = ListAt::all(Resource::of(Kind::VolumeSnapshot), self.at.namespace.as_deref());
        Step {
            id: found(place),
            title: format!("find the snapshot of {} in the group", member.name()),
            act: Act::Find { among, which, what },
            guards: Vec::new(),
            deadline: within,
        }
    }

    /// The step that writes on a member what the controller that made it does not know.
    pub fn mark(place: usize, member: &Member<'_>, marks: &Marks<'_>) -> Step {
        let id = StepId(format!("mark-{}", place + 1));
        let (labels, annotations) = (member.labels(marks), member.annotations(marks, &id));
        let add = |path: String, value: Value| json!({ "op": "add", "path": path, "value": value });
        let labels = labels.into_iter().map(|(key, value)| add(annotation::label_pointer(&key), value));
        let annotations = annotations.into_iter().map(|(key, value)| add(annotation::pointer(&key), value));
        let patch = labels.chain(annotations).collect::<Vec<_>>();
        let done = vec![
            Check::is(&annotation::label_pointer(annotation::SET), marks.id.as_str()),
            Check::is(&annotation::pointer(annotation::STEP), id.0.as_str()),
        ];
        Step {
            title: format!("write on the snapshot of {} what it is", member.name()),
            act: Act::Patch { target: steps::made(&found(place)), patch: Value::Array(patch), done },
            guards: Vec::new(),
            deadline: Duration::from_secs(60),
            id,
        }
    }
}

fn found(place: usize) -> StepId {
    StepId(format!("find-{}", place + 1))
}
