//! What the house may have to ask of the API server, as rules of RBAC: the one table behind `holdfast rbac`.
//!
//! Looking is derived from the kinds that are watched. What a verb needs besides is written here beside why it does;
//! scenarios run each verb with exactly its rules, and hold that each rule is used.

use std::collections::BTreeMap;

use crate::model::Kind;

/// What rights can be given for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// Backups, of volumes and of sets, and taking them back.
    Backup,
    /// Backups that hold the application by hooks.
    Hooks,
    /// New volumes of restore points.
    Restore,
    /// Restores under the own name.
    RestoreInPlace,
    /// Drills.
    Drill,
    /// Prunes.
    Prune,
    /// Holds and their end.
    Hold,
    /// Imports and taking them back.
    Import,
    /// Sweeps.
    Sweep,
    /// Handshakes with pods.
    Probe,
    /// Renewals by cert-manager, one or many.
    Renew,
    /// Rotations of TLS Secrets.
    Rotate,
    /// Rotations of CAs.
    RotateCa,
    /// Isolations of workloads and their end.
    Isolate,
    /// Runs of runbooks and approvals of their steps; what they do needs the rights of what is done.
    Runbook,
}

use Feature::{
    Backup, Drill, Hold, Hooks, Import, Isolate, Probe, Prune, Renew, Restore, RestoreInPlace, Rotate, RotateCa,
    Runbook, Sweep,
};

impl Feature {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Backup,
        Hooks,
        Restore,
        RestoreInPlace,
        Drill,
        Prune,
        Hold,
        Import,
        Sweep,
        Probe,
        Renew,
        Rotate,
        RotateCa,
        Isolate,
        Runbook,
    ];

    /// Its name, that of the command where there is one.
    pub const fn name(self) -> &'static str {
        match self {
            Backup => "backup",
            Hooks => "hooks",
            Restore => "restore",
            RestoreInPlace => "restore-in-place",
            Drill => "drill",
            Prune => "prune",
            Hold => "hold",
            Import => "import",
            Sweep => "sweep",
            Probe => "probe",
            Renew => "renew",
            Rotate => "rotate",
            RotateCa => "rotate-ca",
            Isolate => "isolate",
            Runbook => "runbook",
        }
    }

    /// What it cannot do without.
    pub const fn includes(self) -> &'static [Self] {
        match self {
            Hooks => &[Backup],
            RotateCa => &[Renew, Rotate],
            _ => &[],
        }
    }

    /// These features and what they cannot do without, each once and in order.
    pub fn closure(features: &[Self]) -> Vec<Self> {
        let wanted = |one: &Self| features.iter().any(|other| other == one || other.includes().contains(one));
        Self::ALL.iter().copied().filter(wanted).collect()
    }
}

/// Where a right has to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// In the namespaces that are worked in.
    Namespace,
    /// On what has no namespace.
    Cluster,
    /// In namespaces that nobody can name beforehand.
    Everywhere,
}

/// Verbs on resources of one group, as one rule of RBAC has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// API group; empty for the core group.
    pub group: &'static str,
    /// Resources, plural, with their subresource: `pods/log`.
    pub resources: Vec<&'static str>,
    /// RBAC verbs.
    pub verbs: Vec<&'static str>,
    /// Where it has to hold.
    pub reach: Reach,
    /// Why.
    pub why: String,
}

/// One line of the table.
struct Row {
    features: &'static [Feature],
    group: &'static str,
    resources: &'static [&'static str],
    verbs: &'static [&'static str],
    reach: Reach,
    why: &'static str,
}

const SNAPSHOTS: &str = "snapshot.storage.k8s.io";
const LOOK: [&str; 3] = ["get", "list", "watch"];

/// What is read beside the kinds that are watched.
const READ: &[Row] = &[
    Row {
        features: &[],
        group: "coordination.k8s.io",
        resources: &["leases"],
        verbs: &["list"],
        reach: Reach::Namespace,
        why: "which operation of a colleague is at work",
    },
    Row {
        features: &[],
        group: "",
        resources: &["pods/log"],
        verbs: &["get"],
        reach: Reach::Namespace,
        why: "logs. One may hold anything a program prints; private keys in PEM form are left out",
    },
];

macro_rules! rows {
    ($($features:tt $group:tt $resources:tt $verbs:tt $reach:ident $why:literal)*) => {
        /// What verbs need. What looking gives is left out where both are printed.
        const ROWS: &[Row] = &[$(Row {
            features: &$features, group: $group, resources: &$resources, verbs: &$verbs, reach: Reach::$reach, why: $why,
        },)*];
    };
}

rows! {
    [Backup, Restore, RestoreInPlace, Drill, Prune, Hold, Import, Sweep, Renew, Rotate, Isolate]
        "" ["configmaps"] ["get", "create", "update"] Namespace
        "the record of each operation, which colleagues' consoles show"
    [Backup, RestoreInPlace, Drill, Prune, Sweep, Rotate]
        "coordination.k8s.io" ["leases"] ["get", "create", "update"] Namespace
        "the lock of what is worked on: one console at a time, and a dead one is told from a slow one"
    [Backup, Restore]
        "" ["resourcequotas"] ["list"] Namespace "whether the quota leaves room"
    [Backup, RestoreInPlace, Import]
        SNAPSHOTS ["volumesnapshots"] ["get", "create"] Namespace "the copies that are cut, or made of a bundle"
    [Backup, Import]
        SNAPSHOTS ["volumesnapshots"] ["get", "delete"] Namespace "taking back, and a set that did not become whole"
    [Prune]
        SNAPSHOTS ["volumesnapshots"] ["get", "delete"] Namespace "copies that no rule keeps"
    [Backup, Drill, Hold]
        SNAPSHOTS ["volumesnapshots"] ["get", "patch"] Namespace
        "notes on the copy: how it was cut, what a drill proved, that it is held"
    [Backup]
        "groupsnapshot.storage.k8s.io" ["volumegroupsnapshots"] ["get", "create", "delete"] Namespace
        "sets that are cut at one moment; without it their volumes are cut side by side"
    [Hooks]
        "" ["pods/exec"] ["create", "get"] Namespace
        "hooks run in the application's pods. It is the right to run anything there"
    [Restore, RestoreInPlace]
        "" ["persistentvolumeclaims"] ["get", "create"] Namespace "the new volume"
    [RestoreInPlace, Sweep]
        "" ["persistentvolumeclaims", "pods"] ["get", "list", "delete"] Namespace
        "the former claim; the pod that tries the restored volume, and what is left of both"
    [RestoreInPlace]
        "" ["pods"] ["create"] Namespace "the pod that tries the restored volume"
    [RestoreInPlace]
        "apps" ["statefulsets/scale", "deployments/scale"] ["patch"] Namespace "the application stands still meanwhile"
    [RestoreInPlace]
        "autoscaling" ["horizontalpodautoscalers"] ["list"] Namespace "who would scale it back up"
    [RestoreInPlace]
        "apps" ["statefulsets"] ["get", "patch"] Namespace "only where claims of pods that are scaled away are deleted"
    [RestoreInPlace]
        "batch" ["cronjobs"] ["get", "patch"] Namespace "only where one uses the volume: it is suspended meanwhile"
    [RestoreInPlace]
        "keda.sh" ["scaledobjects"] ["get", "patch"] Namespace "only with KEDA: it is paused meanwhile"
    [RestoreInPlace]
        "argoproj.io" ["applications"] ["get", "list", "patch"] Everywhere
        "only with Argo CD: automated sync is off meanwhile"
    [RestoreInPlace]
        "kustomize.toolkit.fluxcd.io" ["kustomizations"] ["get", "patch"] Everywhere
        "only with Flux: it is suspended meanwhile"
    [RestoreInPlace]
        "helm.toolkit.fluxcd.io" ["helmreleases"] ["get", "patch"] Everywhere
        "only with Flux: it is suspended meanwhile"
    [RestoreInPlace, Sweep]
        "" ["persistentvolumes"] ["get", "patch"] Cluster
        "the former volume is kept beyond its claim, then let go; both volumes change hands"
    [RestoreInPlace, Prune, Hold, Import, Sweep]
        SNAPSHOTS ["volumesnapshotcontents"] ["get", "patch"] Cluster
        "deletionPolicy: holds, prune --also-storage, what is kept or let go in storage"
    [Drill, Import, Sweep]
        SNAPSHOTS ["volumesnapshotcontents"] ["get", "delete"] Cluster
        "what a drill or an import made; it is Retain then, so that the copy in storage stays"
    [Drill, Import]
        SNAPSHOTS ["volumesnapshotcontents"] ["get", "create"] Cluster "a second way to a copy that is there"
    [Drill, Sweep]
        "" ["namespaces"] ["get", "list", "delete"] Cluster "the namespace of a drill, and all that is in it"
    [Drill]
        "" ["namespaces"] ["create"] Cluster "a drill has a namespace of its own"
    [Drill]
        "" ["persistentvolumeclaims", "pods", "resourcequotas"] ["get", "create"] Everywhere
        "what it makes there: a volume, a pod that reads it, a quota"
    [Drill]
        "networking.k8s.io" ["networkpolicies"] ["get", "create"] Everywhere "no network there"
    [Drill]
        SNAPSHOTS ["volumesnapshots"] ["get", "create"] Everywhere "the copy as it is seen there"
    [Drill]
        "" ["events"] ["list"] Everywhere "why something there does not come about"
    [Import]
        "storage.k8s.io" ["csidrivers"] ["get"] Cluster "whether the driver of the bundle is here"
    [Probe, Renew, Rotate]
        "" ["secrets"] ["list", "watch"] Namespace
        "the certificates in them. Whoever may list Secrets may read every key and password in them, with any tool; \
         RBAC cannot select them by type"
    [Renew, Rotate]
        "" ["secrets"] ["get"] Namespace "what was issued, read again"
    [Rotate]
        "" ["secrets"] ["create", "patch", "delete"] Namespace "new certificates and keys, and what they are staged in"
    [Probe, Renew, Rotate]
        "" ["pods/portforward"] ["create", "get"] Namespace
        "optional: to see what pods serve. It is a way to every port of every pod"
    [Renew]
        "cert-manager.io" ["certificates/status"] ["update"] Namespace "asks cert-manager for another one, as cmctl does"
    [Renew, Rotate]
        "apps" ["deployments", "statefulsets", "daemonsets"] ["get", "patch"] Namespace "restarts, only where needed"
    [Renew, Rotate]
        "" ["pods"] ["get", "list", "delete"] Namespace "only where restarted: one pod goes before the others"
    [Isolate]
        "networking.k8s.io" ["networkpolicies"] ["get", "list", "create", "delete"] Namespace
        "the policy that contains a workload, and which others are beside it"
    [Runbook]
        "" ["configmaps"] ["get", "list", "create", "update"] Namespace "records of runs, and approvals of their steps"
    [Runbook]
        "admissionregistration.k8s.io" ["validatingadmissionpolicies", "validatingadmissionpolicybindings"] ["get"] Cluster
        "whether approvals are held to the names of who approves; without it they stay claimed"
    [RotateCa]
        "" ["configmaps"] ["get", "patch"] Namespace "bundles that trust the CA"
    [RotateCa]
        "cert-manager.io" ["issuers"] ["get", "patch"] Namespace "who signs with the CA"
    [RotateCa]
        "cert-manager.io" ["clusterissuers"] ["get", "patch"] Cluster "who signs with the CA"
    [Rotate]
        "admissionregistration.k8s.io" ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"]
        ["get", "patch"] Cluster "only where API servers trust or pin the certificate there"
    [Rotate]
        "apiregistration.k8s.io" ["apiservices"] ["get", "patch"] Cluster "only where API servers trust or pin the certificate there"
    [Rotate]
        "apiextensions.k8s.io" ["customresourcedefinitions"] ["get", "patch"] Cluster "only where API servers trust or pin the certificate there"
}

/// What looking needs: to get, list and watch each kind that is shown, and what is read besides.
pub fn reading(secrets: bool) -> Vec<Rule> {
    let mut groups: Vec<(&str, bool, Vec<&str>)> = Vec::new();
    for kind in Kind::ALL {
        let spec = kind.spec();
        if spec.plural == SECRETS {
            continue;
        }
        match groups.iter_mut().find(|(group, namespaced, _)| (*group, *namespaced) == (spec.group, spec.namespaced)) {
            Some((.., resources)) => resources.push(spec.plural),
            None => groups.push((spec.group, spec.namespaced, vec![spec.plural])),
        }
    }
    let watched = groups.into_iter().map(|(group, namespaced, resources)| Rule {
        group,
        resources,
        verbs: LOOK.into(),
        reach: if namespaced { Reach::Namespace } else { Reach::Cluster },
        why: seen_in(group).to_owned(),
    });
    let with = secrets.then(|| Rule {
        group: "",
        resources: vec![SECRETS],
        verbs: LOOK.into(),
        reach: Reach::Namespace,
        why: OF_SECRETS.to_owned(),
    });
    watched.chain(READ.iter().map(|row| row.rule(row.why.to_owned()))).chain(with).collect()
}

const SECRETS: &str = "secrets";
const OF_SECRETS: &str = "Secrets. Whoever may list them may read every key and password in them, with any tool; RBAC \
    cannot select them by type. Holdfast keeps facts of the certificates in them and drops all else while decoding";

/// What the kinds of a group are looked at for.
fn seen_in(group: &str) -> &'static str {
    match group {
        "" => {
            "volumes, what uses them, and what is said of it. ConfigMaps may hold anything; bundles and scans are kept"
        }
        "apps" | "batch" => "whose volumes and certificates they are",
        "storage.k8s.io" => "how volumes are made, and where they are attached",
        "snapshot.storage.k8s.io" | "groupsnapshot.storage.k8s.io" => "restore points",
        "velero.io" => "restore points of Velero",
        "cert-manager.io" | "acme.cert-manager.io" => "certificates, and what becomes of them",
        "admissionregistration.k8s.io" | "apiregistration.k8s.io" | "apiextensions.k8s.io" => {
            "optional: the CA bundles by which API servers check whom they call; nothing else of them is kept"
        }
        "certificates.k8s.io" => "optional: certificates of the cluster's own signers",
        "networking.k8s.io" | "gateway.networking.k8s.io" => "optional: which certificate is shown for which host",
        _ => "",
    }
}

/// What these features need, with looking where that is needed for them too.
pub fn needed(features: &[Feature]) -> Vec<Rule> {
    let features = Feature::closure(features);
    let chosen = |row: &&Row| row.features.iter().any(|feature| features.contains(feature));
    let rule = |row: &Row| {
        let named = row.features.iter().filter(|feature| features.contains(feature)).map(|feature| feature.name());
        row.rule(format!("{}: {}", named.collect::<Vec<_>>().join(", "), row.why))
    };
    ROWS.iter().filter(chosen).map(rule).collect()
}

impl Row {
    fn rule(&self, why: String) -> Rule {
        let (resources, verbs) = (self.resources.to_vec(), self.verbs.to_vec());
        Rule { group: self.group, resources, verbs, reach: self.reach, why }
    }
}

/// The same rules without what others give already in the same place or everywhere.
pub fn without(rules: &[Rule], given: &[Rule]) -> Vec<Rule> {
    rules.iter().flat_map(|rule| rest(rule, given)).collect()
}

/// What is left of a rule, one for each set of verbs that is left.
fn rest(rule: &Rule, given: &[Rule]) -> Vec<Rule> {
    let has = |other: &Rule, resource: &str, verb: &str| {
        let place = other.reach == rule.reach || other.reach == Reach::Everywhere;
        place && other.group == rule.group && other.resources.contains(&resource) && other.verbs.contains(&verb)
    };
    let mut left: BTreeMap<Vec<&str>, Vec<&str>> = BTreeMap::new();
    for resource in &rule.resources {
        let missing = |verb: &&&str| !given.iter().any(|other| has(other, resource, verb));
        left.entry(rule.verbs.iter().filter(missing).copied().collect()).or_default().push(resource);
    }
    let left = left.into_iter().filter(|(verbs, _)| !verbs.is_empty());
    left.map(|(verbs, resources)| Rule { resources, verbs, why: rule.why.clone(), ..*rule }).collect()
}

#[cfg(test)]
mod tests;
