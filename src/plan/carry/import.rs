//! The import verb: a VolumeSnapshot here for a copy that a bundle names, made by the handle of the copy in storage.
//!
//! The content is made with policy Retain before the snapshot that is bound to it, and goes after it and only while it
//! is Retain: a content with policy Delete takes the copy with it, whoever else stands for that copy. When the storage
//! does not find the copy both go again, and the storage is left alone.

mod form;
mod steps;
pub(in crate::plan) mod undo;

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::bundle::{Bundle, Content as Said, Point};
use super::export::identity;
use crate::assess::apart::{Apart, apart};
use crate::model::{self, DeletionPolicy, Kind, ObjRef, Uid, World};
use crate::plan::{AccessQuestion, Answers, ObjectAt, OperationId, Plan, Questions, Refusal, Resource, Subject, Verb};
use crate::text::{self, names, quantity};

pub use form::{command, form, options};

/// Kinds that planning looks at.
pub const LOOKED_AT: &[Kind] =
    &[Kind::Namespace, Kind::Content, Kind::VolumeSnapshot, Kind::StorageClass, Kind::SnapshotClass];

/// Where the bundle is, and what it says once it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody said where.
    Unsaid,
    /// A file of this machine that was not read yet.
    Unread(PathBuf),
    /// What it says, or why it cannot be read, as `FILE:LINE:COLUMN: why`.
    Read(PathBuf, Box<Result<Bundle, String>>),
}

impl Source {
    /// The file that has to be read.
    pub fn unread(&self) -> Option<&PathBuf> {
        match self {
            Self::Unread(file) => Some(file),
            Self::Unsaid | Self::Read(..) => None,
        }
    }

    /// The file.
    fn file(&self) -> Option<&PathBuf> {
        match self {
            Self::Unread(file) | Self::Read(file, _) => Some(file),
            Self::Unsaid => None,
        }
    }

    /// The same once its text is known, or why there is none.
    #[must_use]
    pub fn with(self, text: Result<String, String>) -> Self {
        let Self::Unread(file) = self else { return self };
        let bundle = match text {
            Ok(text) => Bundle::parse(&text).map_err(|why| {
                // A place is written as compilers do.
                let placed = why.starts_with(|c: char| c.is_ascii_digit());
                format!("{}:{}{why}", file.display(), if placed { "" } else { " " })
            }),
            Err(why) => Err(why),
        };
        Self::Read(file, Box::new(bundle))
    }
}

/// What the operator may choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The bundle.
    pub source: Source,
    /// Name of the VolumeSnapshot; `None` is the name that it had.
    pub name: Option<String>,
    /// How long it may take until the storage is seen to have the copy.
    pub ready_within: Duration,
}

impl Default for Options {
    /// Nothing chosen; 10 minutes to ready, as for a snapshot.
    fn default() -> Self {
        Self { source: Source::Unsaid, name: None, ready_within: Duration::from_secs(600) }
    }
}

impl Options {
    fn said(&self) -> Option<&Said> {
        match &self.source {
            Source::Read(_, bundle) => bundle.as_ref().as_ref().ok().map(Bundle::content),
            Source::Unsaid | Source::Unread(_) => None,
        }
    }

    /// For people: `bundle copy.yaml`.
    pub fn object(&self) -> String {
        let file = self.source.file().map(|file| format!(" {}", file.display()));
        text::sanitize(&format!("bundle{}", file.unwrap_or_default())).into_owned()
    }
}

/// The name of the VolumeSnapshot that is made.
fn name(options: &Options, point: &Point) -> String {
    options.name.clone().unwrap_or_else(|| point.name.clone())
}

fn csi_driver(driver: &str) -> Option<ObjectAt> {
    // What is no name is in no URL.
    names::validate_name(driver).ok()?;
    let (group, version, plural) = ("storage.k8s.io".into(), "v1".into(), "csidrivers".into());
    let resource = Resource { group, version, plural, kind: "CSIDriver".into() };
    Some(ObjectAt { resource, namespace: None, name: driver.to_owned() })
}

/// What has to be asked before the import into a namespace can be planned.
pub fn questions(world: &World, namespace: &Uid, options: &Options) -> Questions {
    let Some(namespace) = world.inventory.namespaces.get(namespace).map(|found| &*found.meta.name) else {
        return Questions::default();
    };
    let (snapshots, contents) = (Resource::of(Kind::VolumeSnapshot), Resource::of(Kind::Content));
    let mut access: Vec<AccessQuestion> =
        ["create", "get", "delete"].map(|verb| AccessQuestion::new(verb, &snapshots, Some(namespace))).into();
    access.extend(["create", "get", "patch", "delete"].map(|verb| AccessQuestion::new(verb, &contents, None)));
    access.extend(AccessQuestion::record(Some(namespace)));
    let mut objects = vec![ObjectAt::of(Kind::Namespace, None, namespace), identity()];
    if let Some(said) = options.said() {
        objects.extend(csi_driver(&said.restore_point.driver));
        let name = name(options, &said.restore_point);
        if names::validate_name(&name).is_ok() {
            objects.push(ObjectAt::of(Kind::VolumeSnapshot, Some(namespace), &name));
        }
    }
    Questions { objects, access, lists: Vec::new() }
}

/// Plans the import into the namespace with this UID.
///
/// # Errors
/// A [`Refusal`] says what stands in the way and what would clear it.
pub fn plan(
    world: &World,
    namespace: &Uid,
    answers: &Answers,
    options: &Options,
    id: OperationId,
    now: Timestamp,
) -> Result<Plan, Refusal> {
    let refused = |(why, clear): (String, String)| Refusal { verb: Verb::Import, object: options.object(), why, clear };
    Case::of(world, namespace, answers, options, now).map(|case| case.plan(options, id)).map_err(refused)
}

/// Why not, and what would clear it.
type Not = (String, String);

fn not<T>(why: impl Into<String>, clear: impl Into<String>) -> Result<T, Not> {
    Err((why.into(), clear.into()))
}

/// A bundle that was proved fit to be imported here.
struct Case<'a> {
    world: &'a World,
    answers: &'a Answers,
    said: &'a Said,
    /// The namespace: its name, UID and version.
    namespace: (String, Uid, String),
    /// The VolumeSnapshot that is made.
    at: ObjectAt,
    now: Timestamp,
}

impl<'a> Case<'a> {
    fn of(
        world: &'a World,
        namespace: &Uid,
        answers: &'a Answers,
        options: &'a Options,
        now: Timestamp,
    ) -> Result<Self, Not> {
        let said = match &options.source {
            Source::Read(_, bundle) => match bundle.as_ref() {
                Ok(bundle) => bundle.content(),
                Err(why) => return not(why.clone(), "take a bundle that `holdfast export` wrote, as it was written"),
            },
            Source::Unsaid | Source::Unread(_) => return not("no file was named", "name the file of the bundle"),
        };
        let Some(found) = world.inventory.namespaces.get(namespace) else {
            return not("the namespace is gone", "choose another namespace");
        };
        answers.rights()?;
        let place = ObjectAt::of(Kind::Namespace, None, &found.meta.name);
        let fresh = answers.object(&place)?;
        let text = |field: &str| fresh.pointer(field).and_then(Value::as_str).unwrap_or_default();
        if text("/metadata/uid") != namespace.as_str() || fresh.pointer("/metadata/deletionTimestamp").is_some() {
            return not(format!("{place} is on its way out, or was made anew"), "choose another namespace");
        }
        let namespace = (found.meta.name.to_string(), namespace.clone(), text("/metadata/resourceVersion").to_owned());
        let name = name(options, &said.restore_point);
        names::validate_name(&name).map_err(|error| (error.to_string(), "choose a name (--name)".to_owned()))?;
        let at = ObjectAt::of(Kind::VolumeSnapshot, Some(&namespace.0), &name);
        let case = Self { world, answers, said, namespace, at, now };
        case.fits()?;
        Ok(case)
    }

    /// What has to hold of the bundle and of this cluster.
    fn fits(&self) -> Result<(), Not> {
        let point = &self.said.restore_point;
        if point.handle.is_empty() || csi_driver(&point.driver).is_none() {
            return not("it names no copy of a CSI driver", "export the restore point anew");
        }
        if point.volume_mode.as_deref().is_some_and(|mode| !["Filesystem", "Block"].contains(&mode)) {
            return not("its volume mode is neither Filesystem nor Block", "export the restore point anew");
        }
        match self.answers.objects.get(&self.at) {
            Some(Ok(None)) => {}
            Some(Ok(Some(_))) => {
                let why = format!("{} exists, and an import writes over nothing", self.at);
                return not(why, "choose a name that is free (--name)");
            }
            _ => return not(format!("whether {} exists is not known", self.at), "try again"),
        }
        if self.installed() {
            return Ok(());
        }
        not(
            format!(
                "driver {} is not installed here: there is no CSIDriver and no class of it",
                text::sanitize(&point.driver)
            ),
            "install it under this name, with access to the storage that has the copy",
        )
    }

    fn installed(&self) -> bool {
        let driver = self.said.restore_point.driver.as_str();
        let registered = csi_driver(driver).and_then(|at| self.answers.objects.get(&at));
        matches!(registered, Some(Ok(Some(_))))
            || self.classes().next().is_some()
            || self.world.inventory.snapshot_classes.iter().any(|class| *class.driver == *driver)
    }

    /// StorageClasses whose volumes can be made of the copy.
    fn classes(&self) -> impl Iterator<Item = &'a model::StorageClass> {
        let driver = self.said.restore_point.driver.as_str();
        self.world.inventory.storage_classes.iter().filter(move |class| *class.provisioner == *driver)
    }

    /// The class that the objects name: the driver's sidecar takes the Secret from it by which it asks the storage for
    /// copies. That of the origin where it is here too, else the driver's only or default one.
    fn snapshot_class(&self) -> Option<&'a str> {
        let driver = self.said.restore_point.driver.as_str();
        let of_driver = self.world.inventory.snapshot_classes.iter().filter(|class| *class.driver == *driver);
        let fitting: Vec<_> = of_driver.collect();
        let former = self.said.snapshot_class.as_ref().map(|class| class.name.as_str());
        let named = fitting.iter().find(|class| Some(&*class.meta.name) == former);
        let default = || match fitting.as_slice() {
            [class] => Some(class),
            several => several.iter().find(|class| class.default),
        };
        named.or_else(default).map(|class| &*class.meta.name)
    }

    /// Contents here that stand for the same copy: each with what deleting it does.
    fn others(&self) -> Vec<&'a model::Content> {
        let point = &self.said.restore_point;
        let same = |content: &&model::Content| {
            *content.driver == *point.driver && content.handle.as_deref() == Some(point.handle.as_str())
        };
        let mut others: Vec<_> = self.world.inventory.contents.iter().filter(same).collect();
        others.sort_by(|a, b| a.meta.name.cmp(&b.meta.name));
        others
    }

    fn from(&self) -> String {
        let exported = &self.said.exported;
        let here = self.answers.object(&identity()).ok();
        let here = here.and_then(|system| system.pointer("/metadata/uid")?.as_str());
        let which = match (exported.cluster.as_deref(), here) {
            (Some(there), Some(here)) if there == here => "this cluster".to_owned(),
            (Some(there), Some(_)) => format!("another cluster, {there}"),
            _ => "a cluster that cannot be told from this one".to_owned(),
        };
        let (context, server) = (&exported.context, &exported.server);
        text::sanitize(&format!("{which} (context {context} at {server})")).into_owned()
    }

    fn plan(&self, options: &Options, id: OperationId) -> Plan {
        let context = &self.world.context;
        let (namespace, uid, version) = self.namespace.clone();
        let made = steps::Made::new(self.said, self.at.clone(), self.snapshot_class(), &self.from(), &id);
        Plan {
            verb: Verb::Import,
            title: format!("import restore point {}", self.at.path()),
            context: context.name.to_string(),
            server: context.server.to_string(),
            protected: context.protected,
            count: None,
            subject: Subject {
                object: ObjRef { kind: Kind::Namespace, namespace: None, name: namespace.as_str().into() },
                uid,
                resource_version: version,
            },
            made: self.now,
            facts: self.facts(),
            warnings: self.warnings(),
            changes: vec![
                format!("creates {} for the copy that is in storage, which keeps it (Retain)", made.content),
                format!("creates {}, bound to it", self.at),
                "changes nothing in storage, neither now nor when both go".to_owned(),
                id.recorded(&namespace),
            ],
            command: command(options, &namespace, &context.name),
            undo: vec![format!(
                "holdfast operations undo {id}: deletes both objects; the copy in storage stays, and volumes that were restored stay"
            )],
            locks: Vec::new(),
            undoes: None,
            bundle: None,
            nodes: made.nodes(options.ready_within),
            id,
        }
    }

    fn facts(&self) -> Vec<(String, String)> {
        let (exported, point) = (&self.said.exported, &self.said.restore_point);
        let fact = |label: &str, value: &str| (label.to_owned(), text::sanitize(value).into_owned());
        let moment = |at: Timestamp| {
            let age = quantity::age(self.now.duration_since(at));
            format!("{} ({age} ago)", at.strftime("%Y-%m-%d %H:%M:%S UTC"))
        };
        let mut facts = vec![
            fact("from", &self.from()),
            fact("was", &format!("{}/{}", point.namespace, point.name)),
            fact("exported", &format!("{} by {}", moment(exported.at), exported.by)),
            fact("data of", &moment(point.cut)),
            fact("size", &point.restore_size.map_or_else(|| "not known".to_owned(), quantity::bytes)),
            fact("volume mode", point.volume_mode.as_deref().unwrap_or("not known")),
            fact("driver", &point.driver),
            fact("snapshot handle", &point.handle),
            fact("snapshot class", self.snapshot_class().unwrap_or("none")),
            fact("lineage", point.lineage.as_deref().unwrap_or("not known")),
        ];
        facts.extend(point.consistency.as_deref().map(|word| fact("consistency", word)));
        facts.extend(point.last_proven.as_deref().map(|proof| fact("proven there", proof)));
        facts
    }

    fn warnings(&self) -> Vec<String> {
        let point = &self.said.restore_point;
        let mut warnings = Vec::new();
        for other in self.others() {
            let of = other.snapshot.as_ref().map(|of| format!(" of {}/{}", of.namespace, of.name)).unwrap_or_default();
            let fate = match other.deletion {
                DeletionPolicy::Retain => "it is Retain and keeps the copy".to_owned(),
                _ => "deleting its snapshot destroys the copy for both: hold it first".to_owned(),
            };
            warnings.push(format!("the same copy is here already, as content {}{of}: {fate}", other.meta.name));
        }
        if !self.world.freshness(Kind::Content).live() {
            warnings.push("whether the same copy is here already cannot be seen".to_owned());
        }
        let parameters = self.said.snapshot_class.as_ref().map(|class| &class.parameters);
        if let near @ Apart::Same(_) = apart(&point.driver, |key| parameters?.get(key).map(String::as_str)) {
            warnings.push(near.said());
        }
        if self.others().is_empty() && point.deletion_policy != "Retain" {
            let (policy, namespace, name) = (&point.deletion_policy, &point.namespace, &point.name);
            warnings.push(format!(
                "at its origin the copy was {policy}: deleting snapshot {namespace}/{name} there destroys it for this import too"
            ));
        }
        warnings.extend(self.classless());
        warnings.iter().map(|warning| text::sanitize(warning).into_owned()).collect()
    }

    /// What a restore of it will miss here.
    fn classless(&self) -> Option<String> {
        let former = self.said.claim.spec.get("storageClassName").and_then(Value::as_str);
        let mut fitting: Vec<String> = self.classes().map(|class| class.meta.name.to_string()).collect();
        fitting.sort();
        match former {
            _ if fitting.is_empty() => Some(format!(
                "there is no StorageClass of driver {} here: a restore of it needs one",
                self.said.restore_point.driver
            )),
            Some(former) if !fitting.iter().any(|name| name == former) => Some(format!(
                "class {former} of its volume is not here: a restore of it names one with --class: {}",
                text::list(&fitting)
            )),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
