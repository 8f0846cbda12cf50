//! From the pods that mount a volume, as they were read afresh, to the hooks that hold them.

use serde_json::Value;

use super::{Command, Hook, Making, Place, Preset, Quiesce, Source, Way, velero};
use crate::model::Uid;
use crate::plan::{Check, Guard, ObjectAt, OperationId};
use crate::text::{command_line, sanitize, truncate};

/// What was found in the pods of a volume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The hooks.
    pub hooks: Vec<Hook>,
    /// What may surprise.
    pub warnings: Vec<String>,
}

/// Why a pod cannot be held, and what would clear it.
type Blocked = (String, String);

/// The hooks of pods that mount claims, given as pairs of both. A pod that mounts several of them is held once by what
/// holds its program, and once for each of its volumes by what holds a volume.
///
/// # Errors
/// Why it cannot be held, and what would clear that.
pub fn hooks(
    pods: &[(ObjectAt, &Value, &str)],
    quiesce: &Quiesce,
    id: &OperationId,
) -> Result<Found, (String, String)> {
    let mut found = Found::default();
    let mut without = Vec::new();
    for (number, (at, pod, claim)) in pods.iter().enumerate() {
        let making = Making { id, number: number + 1, quiesce };
        let view = View { at, pod, claim };
        view.check_ready()?;
        let same = |hook: &Hook, other: &Hook| hook.place.pod == other.place.pod && hook.what == other.what;
        match view.hook(making, &mut found.warnings)? {
            Some(hook) if found.hooks.iter().any(|other| same(&hook, other)) => {}
            Some(hook) => found.hooks.push(hook),
            None if !without.contains(&at.name) => without.push(at.name.clone()),
            None => {}
        }
    }
    without.retain(|name| !found.hooks.iter().any(|hook| hook.place.pod.name == *name));
    found.warnings.dedup();
    if found.hooks.is_empty() {
        return Err(nothing_found(quiesce, &without));
    }
    if !without.is_empty() {
        found.warnings.push(format!("mounts the volume too and has no hook: pod {}", without.join(", pod ")));
    }
    Ok(found)
}

fn nothing_found(quiesce: &Quiesce, pods: &[String]) -> Blocked {
    let pods = pods.join(", ");
    match quiesce.source {
        Source::Velero => (
            format!("no pod that mounts it carries Velero's hook annotations (looked at {pods})"),
            "annotate the pod with pre.hook.backup.velero.io/command, or choose other hooks".into(),
        ),
        _ => (
            format!(
                "what holds its application is not known (looked at {pods}): no Velero annotations, no known image"
            ),
            "name a preset (--hooks) or commands of your own (--pre, --post); or leave --consistency out".into(),
        ),
    }
}

/// One pod, looked at for one claim.
struct View<'a> {
    at: &'a ObjectAt,
    pod: &'a Value,
    claim: &'a str,
}

impl<'a> View<'a> {
    fn check_ready(&self) -> Result<(), Blocked> {
        let conditions = self.pod.pointer("/status/conditions").and_then(Value::as_array);
        let ready = conditions.into_iter().flatten().find(|condition| condition["type"] == "Ready");
        let blocked = |why: String, clear: &str| Err((format!("{} {why}", self.at), clear.to_owned()));
        if self.pod.pointer("/metadata/deletionTimestamp").is_some() {
            return blocked("is being deleted".into(), "wait until its successor is ready");
        }
        match ready {
            Some(ready) if ready["status"] == "True" => Ok(()),
            Some(ready) => {
                let why = ready["message"].as_str().map(|why| format!(": {}", sanitize(why))).unwrap_or_default();
                blocked(format!("mounts it and is not Ready{why}"), "bring the pod up, or leave --consistency out")
            }
            None => blocked("mounts it and is not Ready".into(), "bring the pod up, or leave --consistency out"),
        }
    }

    fn hook(&self, making: Making<'_>, warnings: &mut Vec<String>) -> Result<Option<Hook>, Blocked> {
        match &making.quiesce.source {
            Source::Velero => self.annotated(making, warnings),
            Source::Preset(preset) => self.preset(*preset, making).map(Some),
            Source::Own { pre, post } => {
                let container = self.container(making.quiesce.container.as_deref())?;
                let command = |argv: &Vec<String>| Command {
                    container: container.to_owned(),
                    argv: argv.clone(),
                    timeout: making.quiesce.timeout,
                };
                let way = Way::Commands { pre: command(pre), post: post.as_ref().map(command) };
                self.made(container, short(pre), way).map(Some)
            }
            Source::Auto => match self.annotated(making, warnings)? {
                Some(hook) => Ok(Some(hook)),
                None => self.known().map(|preset| self.preset(preset, making)).transpose(),
            },
        }
    }

    fn annotated(&self, making: Making<'_>, warnings: &mut Vec<String>) -> Result<Option<Hook>, Blocked> {
        let wrong = |why| (format!("{}: {why}", self.at), "correct the annotation, or choose other hooks".to_owned());
        let annotated = velero::annotated(self.pod).map_err(wrong)?;
        let (pre, post) = match (annotated.pre, annotated.post) {
            (Some(pre), post) => (pre, post),
            (None, None) => return Ok(None),
            (None, Some(_)) => {
                return Err((
                    format!("{} has a post hook of Velero and no pre hook, so nothing holds it", self.at),
                    "add pre.hook.backup.velero.io/command, or choose other hooks".into(),
                ));
            }
        };
        if annotated.goes_on {
            warnings.push(format!(
                "{}: a hook says on-error Continue; here its failure ends the backup, which could not be called \
                 application-consistent",
                self.at
            ));
        }
        let named = |command: &Command| Command {
            container: making.quiesce.container.clone().unwrap_or_else(|| command.container.clone()),
            ..command.clone()
        };
        let (pre, post) = (named(&pre), post.as_ref().map(named));
        if let Some(post) = &post {
            self.container(Some(&post.container))?;
        }
        let (container, what) = (pre.container.clone(), short(&pre.argv));
        self.made(&container, what, Way::Commands { pre, post }).map(Some)
    }

    fn preset(&self, preset: Preset, making: Making<'_>) -> Result<Hook, Blocked> {
        let container = self.container(making.quiesce.container.as_deref())?;
        let mount = self.mount(container).ok_or_else(|| {
            (
                format!("container {container} of {} does not mount it as a filesystem", self.at),
                "name the container that does (--container)".to_owned(),
            )
        })?;
        let (what, way) = preset.way(container, mount, making);
        self.made(container, what, way)
    }

    fn made(&self, container: &str, what: String, way: Way) -> Result<Hook, Blocked> {
        let container = self.container(Some(container))?;
        let uid = Uid::from(self.pod.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default());
        let mut checks = vec![Check::absent("/metadata/deletionTimestamp")];
        checks.extend(self.instance(container));
        let guard = Guard {
            at: self.at.clone(),
            uid: uid.clone(),
            checks,
            or: "the plan was made for another instance of the application".into(),
        };
        Ok(Hook { place: Place { pod: self.at.clone(), uid, guard }, what, way })
    }

    /// That the container is the same instance, where the node says which it is.
    fn instance(&self, container: &str) -> Option<Check> {
        let statuses = self.pod.pointer("/status/containerStatuses")?.as_array()?;
        let place = statuses.iter().position(|status| status["name"] == container)?;
        let id = statuses[place]["containerID"].as_str().filter(|id| !id.is_empty())?;
        Some(Check::is(&format!("/status/containerStatuses/{place}/containerID"), id))
    }

    fn containers(&self) -> impl Iterator<Item = &'a Value> {
        self.pod.pointer("/spec/containers").and_then(Value::as_array).into_iter().flatten()
    }

    /// The container of this name; else the first that mounts the claim, else the first.
    fn container(&self, name: Option<&str>) -> Result<&'a str, Blocked> {
        let names = || self.containers().filter_map(|container| container["name"].as_str());
        let found = match name {
            Some(name) => names().find(|other| *other == name),
            None => names().find(|name| self.mount(name).is_some()).or_else(|| names().next()),
        };
        found.ok_or_else(|| {
            let all = names().collect::<Vec<_>>().join(", ");
            (
                format!("{} has no container \"{}\"", self.at, sanitize(name.unwrap_or_default())),
                format!("name one of its containers: {all}"),
            )
        })
    }

    /// Where a container mounts the claim.
    fn mount(&self, container: &str) -> Option<&'a str> {
        let pod = &self.at.name;
        let volumes = self.pod.pointer("/spec/volumes").and_then(Value::as_array).into_iter().flatten();
        let mine = |volume: &&Value| {
            let claimed = volume.pointer("/persistentVolumeClaim/claimName").and_then(Value::as_str);
            // The claim of an ephemeral volume is named after its pod.
            let ephemeral = volume.get("ephemeral").is_some()
                && volume["name"].as_str().is_some_and(|name| format!("{pod}-{name}") == self.claim);
            claimed == Some(self.claim) || ephemeral
        };
        let names: Vec<&Value> = volumes.filter(mine).map(|volume| &volume["name"]).collect();
        let container = self.containers().find(|other| other["name"] == container)?;
        let mounts = container["volumeMounts"].as_array()?;
        mounts.iter().find(|mount| names.contains(&&mount["name"])).and_then(|mount| mount["mountPath"].as_str())
    }

    /// The preset that its images are known for, those that mount the claim first.
    fn known(&self) -> Option<Preset> {
        let mounting = |container: &&Value| container["name"].as_str().is_some_and(|name| self.mount(name).is_some());
        let image = |container: &Value| container["image"].as_str().and_then(Preset::of_image);
        self.containers().filter(mounting).find_map(image)
    }
}

/// A command on one short line.
fn short(argv: &[String]) -> String {
    truncate(&sanitize(&command_line(argv)), 60).into_owned()
}
