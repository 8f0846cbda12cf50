//! Who uses the certificate, and what becomes of each when it changes: it is restarted, it sees the new files, or a
//! person has to see to it.
//!
//! What a container takes by `subPath` or by environment variables it keeps until it starts again (kubernetes#50345);
//! the files of a mounted Secret change within about a minute, and whether a program reads them again is its own.

use serde_json::Value;

use super::{Restart, Restarted};
use crate::model::{ClaimKey, Kind, Meta, Pod, SecretUse, SecretVia, Uid, World};
use crate::plan::read::text as text_at;
use crate::plan::{AccessQuestion, Answers, ObjectAt, Questions, Resource};
use crate::text;

/// Kinds of users.
const KINDS: &[Kind] =
    &[Kind::Pod, Kind::StatefulSet, Kind::Deployment, Kind::ReplicaSet, Kind::DaemonSet, Kind::Job, Kind::CronJob];

/// Kinds whose pods are replaced in order when their template changes.
const ROLLED: &[Kind] = &[Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet];

/// Kinds of workload that Kubernetes itself makes for another: what owns them is looked at instead.
const BUILT_IN: &[&str] = &["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob"];

/// A workload that uses the certificate.
#[derive(Clone, Debug)]
pub(in crate::plan) struct User {
    pub kind: Kind,
    pub at: ObjectAt,
    pub uid: Uid,
    /// How it takes it that is never refreshed; `None` when it mounts the files.
    pub frozen: Option<SecretVia>,
    /// The operator's object that keeps it as it is.
    pub kept_by: Option<String>,
}

impl User {
    fn of(kind: Kind, meta: &Meta, uses: &[SecretUse], secret: &str) -> Self {
        let via = uses.iter().filter(|used| *used.secret == *secret).map(|used| used.via);
        Self {
            kind,
            at: ObjectAt::of(kind, meta.namespace.as_deref(), &meta.name),
            uid: meta.uid(),
            frozen: via.filter(|via| *via != SecretVia::Mount).max(),
            kept_by: meta.controller().map(|owner| format!("{} {}", owner.kind, owner.name)),
        }
    }

    /// `Deployment web`
    pub fn said(&self) -> String {
        format!("{} {}", self.at.resource.kind, text::sanitize(&self.at.name))
    }

    /// How it takes the certificate.
    pub fn way(&self) -> &'static str {
        match self.frozen {
            Some(SecretVia::Env) => "takes it by environment variables, which stay as they are until it starts again",
            Some(_) => "mounts it by subPath, which stays as it is until it starts again",
            None => "mounts it: its files change by themselves, within about a minute",
        }
    }
}

/// What is used.
#[derive(Clone, Copy)]
enum Source {
    Secret,
    Map,
}

impl Source {
    /// Templates and pods that use it.
    fn users<'w>(self, world: &'w World, key: &ClaimKey) -> (&'w [(Kind, Uid)], &'w [Uid]) {
        match self {
            Self::Secret => (world.links.templates_using(key), world.links.pods_using(key)),
            Self::Map => (world.links.templates_using_map(key), world.links.pods_using_map(key)),
        }
    }

    fn uses<'u>(self, secrets: &'u [SecretUse], maps: &'u [SecretUse]) -> &'u [SecretUse] {
        match self {
            Self::Secret => secrets,
            Self::Map => maps,
        }
    }
}

/// Everybody who uses it.
#[derive(Clone, Debug, Default)]
pub(in crate::plan) struct Users {
    pub workloads: Vec<User>,
    /// Pods that nothing makes again.
    pub pods: Vec<User>,
}

impl Users {
    /// Those of a Secret.
    pub fn of(world: &World, namespace: &str, secret: &str) -> Self {
        Self::found(world, Source::Secret, &(namespace.into(), secret.into()))
    }

    /// Those of a ConfigMap.
    pub fn of_map(world: &World, namespace: &str, map: &str) -> Self {
        Self::found(world, Source::Map, &(namespace.into(), map.into()))
    }

    fn found(world: &World, source: Source, key: &ClaimKey) -> Self {
        let (templates, pods) = source.users(world, key);
        let mut workloads: Vec<User> = templates
            .iter()
            .filter_map(|(kind, uid)| Some((*kind, world.workload(*kind, uid)?)))
            .filter(|(_, found)| !found.meta.controller().is_some_and(|owner| BUILT_IN.contains(&&*owner.kind)))
            .map(|(kind, found)| User::of(kind, &found.meta, source.uses(&found.secrets, &found.config_maps), &key.1))
            .collect();
        workloads.sort_by(|a, b| a.at.cmp(&b.at));
        let pods = pods.iter().filter_map(|uid| world.inventory.pods.get(uid));
        let alone = pods.filter(|pod| !pod.ended() && pod.meta.controller().is_none());
        let of_pod = |pod: &Pod| User::of(Kind::Pod, &pod.meta, source.uses(&pod.secrets, &pod.config_maps), &key.1);
        let mut pods: Vec<User> = alone.map(of_pod).collect();
        pods.sort_by(|a, b| a.at.cmp(&b.at));
        Self { workloads, pods }
    }

    /// What has to be asked to restart those that a choice means.
    pub fn questions(&self, namespace: &str, restart: Restart) -> Questions {
        let ask = |verb, resource: &Resource| AccessQuestion::new(verb, resource, Some(namespace));
        let mut questions = Questions::default();
        for user in self.chosen(restart) {
            questions.access.extend(["get", "patch"].map(|verb| ask(verb, &user.at.resource)));
            questions.access.push(ask("list", &Resource::of(Kind::Pod)));
            questions.objects.push(user.at.clone());
        }
        questions
    }

    /// Whether all that never take changed files are among those that are restarted.
    pub fn all_anew(&self, restarted: &[Restarted]) -> bool {
        let mut frozen = self.workloads.iter().chain(&self.pods).filter(|user| user.frozen.is_some());
        frozen.all(|user| restarted.iter().any(|one| one.at == user.at))
    }

    /// That some may be missed, because one of their kinds cannot be seen.
    pub fn unseen(world: &World, namespace: &str) -> Option<String> {
        let namespace = namespace.into();
        let blind = KINDS.iter().filter(|kind| !world.freshness_in(**kind, &namespace).live());
        let blind: Vec<String> = blind.map(|kind| kind.spec().plural.to_owned()).collect();
        (!blind.is_empty()).then(|| {
            format!("{} cannot be seen here: what uses the certificate there is not restarted", text::list(&blind))
        })
    }

    /// Those that a choice means to restart, whether or not they can be.
    pub fn chosen(&self, restart: Restart) -> impl Iterator<Item = &User> {
        let chosen = move |user: &&User| match restart {
            Restart::None => false,
            Restart::Needed => user.frozen.is_some(),
            Restart::All => true,
        };
        self.workloads.iter().filter(|user| ROLLED.contains(&user.kind)).filter(chosen)
    }
}

/// What becomes of the users.
#[derive(Debug, Default)]
pub(in crate::plan) struct Fates<'a> {
    /// Restarted, one after the other, each as it was read.
    pub restarted: Vec<(&'a User, &'a Value)>,
    /// Label and sentence for each.
    pub facts: Vec<(String, String)>,
    /// What a person has to see to.
    pub warnings: Vec<String>,
}

impl<'a> Fates<'a> {
    /// Decides for each user.
    ///
    /// # Errors
    /// When one that is to be restarted could not be read: why, and what would clear it.
    pub fn of(
        users: &'a Users,
        secret: &str,
        restart: Restart,
        answers: &'a Answers,
    ) -> Result<Self, (String, String)> {
        let mut fates = Self::default();
        let chosen: Vec<&ObjectAt> = users.chosen(restart).map(|user| &user.at).collect();
        for user in users.workloads.iter().chain(&users.pods) {
            if !chosen.contains(&&user.at) {
                fates.left(user, restart);
                continue;
            }
            let fresh = answers.object(&user.at)?;
            if text_at(fresh, "/metadata/uid") != user.uid.as_str() {
                return Err((format!("{} was made anew meanwhile", user.at), "try again".to_owned()));
            }
            fates.restart(user, fresh, secret);
        }
        Ok(fates)
    }

    /// Nothing is done with it.
    fn left(&mut self, user: &User, restart: Restart) {
        let (label, more) = match (user.kind, user.frozen) {
            (Kind::CronJob, _) => ("takes it next", ""),
            (_, None) => ("reloads", "; whether its program reads them again is its own"),
            (_, Some(_)) => ("keeps the old", ""),
        };
        self.facts.push((label.to_owned(), format!("{}: {}{more}", user.said(), user.way())));
        if user.frozen.is_none() || user.kind == Kind::CronJob {
            return;
        }
        let why = match restart {
            Restart::None => "nothing is restarted",
            Restart::Needed | Restart::All => "nothing makes its pods again in order",
        };
        self.warnings
            .push(format!("{} goes on with the former certificate until somebody starts it anew: {why}", user.said()));
    }

    fn restart(&mut self, user: &'a User, fresh: &'a Value, secret: &str) {
        if reloader(fresh, secret) {
            let said =
                format!("{}: Reloader restarts it when the Secret changes (its annotations say so)", user.said());
            self.facts.push(("restarts".to_owned(), said));
            return;
        }
        if let Some(why) = not_rolled(user, fresh) {
            let said = format!("{} is not restarted: {why}", user.said());
            self.facts.push(("keeps the old".to_owned(), said.clone()));
            self.warnings.push(format!("{said}; it goes on with what it has read until its pods start anew"));
            return;
        }
        let chosen = if user.frozen.is_none() { "; it is restarted because you chose so" } else { "" };
        self.facts.push(("restarts".to_owned(), format!("{}: {}{chosen}", user.said(), user.way())));
        self.warnings.extend(away(user, fresh));
        self.restarted.push((user, fresh));
    }
}

/// Whether stakater/Reloader is told to restart it for this Secret.
fn reloader(workload: &Value, secret: &str) -> bool {
    let places = ["/metadata/annotations", "/spec/template/metadata/annotations"];
    places.into_iter().filter_map(|place| workload.pointer(place)).any(|annotations| {
        let named = annotations["secret.reloader.stakater.com/reload"].as_str().unwrap_or_default();
        annotations["reloader.stakater.com/auto"] == "true" || named.split(',').any(|name| name.trim() == secret)
    })
}

/// Why changing its template would not replace all of its pods.
fn not_rolled(user: &User, workload: &Value) -> Option<String> {
    if let Some(keeper) = &user.kept_by {
        return Some(format!("{} keeps it and would take the change back", text::sanitize(keeper)));
    }
    if workload["spec"]["paused"] == true {
        return Some("it is paused (spec.paused)".to_owned());
    }
    if text_at(workload, "/spec/updateStrategy/type") == "OnDelete" {
        return Some("its pods are replaced only when somebody deletes them (updateStrategy OnDelete)".to_owned());
    }
    let partition = workload.pointer("/spec/updateStrategy/rollingUpdate/partition").and_then(Value::as_u64);
    let partition = partition.filter(|partition| *partition > 0)?;
    Some(format!("its pods below ordinal {partition} stay as they are (updateStrategy.rollingUpdate.partition)"))
}

/// That nobody serves while it restarts.
fn away(user: &User, workload: &Value) -> Option<String> {
    let replicas = workload.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1);
    match user.kind {
        Kind::Deployment if text_at(workload, "/spec/strategy/type") == "Recreate" && replicas > 0 => {
            Some(format!("{} ends all its pods before new ones start (strategy Recreate): it is away", user.said()))
        }
        Kind::StatefulSet if replicas == 1 => {
            Some(format!("{} has one pod: it is away while that starts again", user.said()))
        }
        _ => None,
    }
}
