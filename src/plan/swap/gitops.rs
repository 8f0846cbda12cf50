//! Who keeps a workload as it is written down elsewhere, and would scale it back up: Argo CD and Flux, known by the
//! marks that they leave.

use serde_json::Value;

use super::pause::Pause;
use crate::plan::read::{annotation, items, label, name, text};
use crate::plan::{Answers, ListAt, ObjectAt, Resource};

/// Mark of Argo CD: `<application>:<group>/<kind>:<namespace>/<name>`.
const TRACKING: &str = "argocd.argoproj.io/tracking-id";
/// Mark of Argo CD when it tracks by label.
const INSTANCE: &str = "argocd.argoproj.io/instance";

/// Kinds of Flux with the prefix of their marks and how a person pauses one.
const FLUX: &[(&str, &str, &str, &str, &str)] = &[
    ("kustomize.toolkit.fluxcd.io", "v1", "kustomizations", "Kustomization", "flux suspend kustomization"),
    ("helm.toolkit.fluxcd.io", "v2", "helmreleases", "HelmRelease", "flux suspend helmrelease"),
];

/// Applications of Argo CD.
pub(super) fn applications() -> Resource {
    Resource {
        group: "argoproj.io".into(),
        version: "v1alpha1".into(),
        plural: "applications".into(),
        kind: "Application".into(),
    }
}

/// What keeps an object as it is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Keeper {
    /// An Argo CD Application of this name, in a namespace that its mark may not say.
    Argo { name: String },
    /// A Kustomization or HelmRelease of Flux, and the command that pauses it.
    Flux { at: ObjectAt, command: &'static str },
}

impl Keeper {
    /// What keeps an object, by its marks.
    pub fn of(object: &Value) -> Option<Self> {
        let flux = FLUX.iter().find_map(|(group, version, plural, kind, command)| {
            let part = |key: &str| label(object, &format!("{group}/{key}"));
            let resource = Resource {
                group: (*group).into(),
                version: (*version).into(),
                plural: (*plural).into(),
                kind: (*kind).into(),
            };
            let at =
                ObjectAt { resource, namespace: part("namespace").map(str::to_owned), name: part("name")?.to_owned() };
            Some(Self::Flux { at, command })
        });
        let tracked = annotation(object, TRACKING).and_then(|tracked| tracked.split(':').next());
        let argo = tracked.or_else(|| label(object, INSTANCE)).map(|of| {
            // An application outside of Argo CD's own namespace is tracked as `<namespace>_<name>`.
            Self::Argo { name: of.rsplit('_').next().unwrap_or(of).to_owned() }
        });
        flux.or(argo)
    }

    /// Asks for it.
    pub fn asks(&self) -> (Option<ObjectAt>, Option<ListAt>) {
        match self {
            Self::Argo { .. } => (None, Some(ListAt::all(applications(), None))),
            Self::Flux { at, .. } => (Some(at.clone()), None),
        }
    }

    /// What a person does to pause it.
    pub fn said(&self) -> String {
        match self {
            Self::Argo { name } => format!("Argo CD application {name}: `argocd app set {name} --sync-policy none`"),
            Self::Flux { at, command } => {
                let namespace = at.namespace.as_deref().unwrap_or("flux-system");
                format!("{at}: `{command} {} -n {namespace}`", at.name)
            }
        }
    }

    /// What it is, as it was read; the error says why that is not known.
    pub fn object<'a>(&self, answers: &'a Answers) -> Result<&'a Value, String> {
        match self {
            Self::Flux { at, .. } => match answers.objects.get(at) {
                Some(Ok(Some(object))) => Ok(object),
                Some(Ok(None)) => Err(format!("{at} does not exist here")),
                Some(Err(why)) => Err(format!("{at} could not be read: {why}")),
                None => Err(format!("{at} was not read")),
            },
            Self::Argo { name: wanted } => match answers.lists.get(&ListAt::all(applications(), None)) {
                Some(Ok(listed)) => {
                    let mut found = listed.iter().filter(|object| name(object) == wanted);
                    match (found.next(), found.next()) {
                        (Some(object), None) => Ok(object),
                        (None, _) => Err(format!("there is no Application {wanted} here")),
                        _ => Err(format!("there are several Applications {wanted}")),
                    }
                }
                Some(Err(why)) => Err(format!("applications.argoproj.io could not be listed: {why}")),
                None => Err("applications.argoproj.io were not listed".to_owned()),
            },
        }
    }

    /// How it is paused; `None` when it stands still already.
    pub fn pause(&self, object: &Value) -> Option<Pause> {
        match self {
            Self::Flux { at, .. } => (object.pointer("/spec/suspend") != Some(&Value::Bool(true)))
                .then(|| Pause::suspend(object, at.resource.clone())),
            Self::Argo { .. } => {
                let automated = object.pointer("/spec/syncPolicy/automated").filter(|automated| !automated.is_null());
                automated.map(|_| Pause::automated(object, applications()))
            }
        }
    }
}

/// What keeps the keeper itself as it is, for people: pausing the lower one alone would not last.
pub(super) fn above(object: &Value) -> Option<String> {
    let owners = items(object, "/metadata/ownerReferences");
    let owner = owners.first().map(|owner| format!("{} {}", text(owner, "/kind"), text(owner, "/name")));
    owner.or_else(|| Keeper::of(object).map(|keeper| keeper.said()))
}
