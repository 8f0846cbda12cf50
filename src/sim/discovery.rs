//! Discovery documents, from the registry of kinds.
//!
//! Both forms are served: the old one (a document per group version) and the aggregated one
//! (`apidiscovery.k8s.io/v2`), because clients prefer one or the other.

use serde_json::{Value, json};

use super::kinds::{Kind, Kinds};
use super::refusal::Refusal;

/// The minor version of the control plane in the lab.
pub(crate) const MINOR: u32 = 36;

/// `/version`.
pub(crate) fn version(minor: u32) -> Value {
    json!({
        "major": "1", "minor": minor.to_string(), "gitVersion": format!("v1.{minor}.3+holdfast-sim"), "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "2026-01-01T00:00:00Z", "goVersion": "none", "compiler": "rustc", "platform": "linux/amd64",
    })
}

/// `/apis`.
pub(crate) fn groups(kinds: &Kinds) -> Value {
    let groups: Vec<Value> = group_names(kinds).into_iter().map(|name| group_value(kinds, name)).collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

/// `/apis/GROUP`.
pub(crate) fn group(kinds: &Kinds, name: &str) -> Result<Value, Refusal> {
    if !group_names(kinds).contains(&name) {
        return Err(Refusal::no_such_path());
    }
    let mut group = group_value(kinds, name);
    group["kind"] = json!("APIGroup");
    group["apiVersion"] = json!("v1");
    Ok(group)
}

/// `/api/v1` and `/apis/GROUP/VERSION`.
pub(crate) fn resources(kinds: &Kinds, group: &str, version: &str) -> Result<Value, Refusal> {
    let served: Vec<&Kind> = kinds.iter().filter(|kind| kind.group == group && kind.version == version).collect();
    let Some(first) = served.first() else {
        return Err(Refusal::no_such_path());
    };
    let resources: Vec<Value> = served.iter().flat_map(|kind| with_subresources(kind)).collect();
    Ok(
        json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": first.api_version(), "resources": resources}),
    )
}

/// The aggregated document of the core group or of all others.
pub(crate) fn aggregated(kinds: &Kinds, core: bool) -> Value {
    let names = if core { vec![""] } else { group_names(kinds) };
    let items: Vec<Value> = names
        .into_iter()
        .map(|name| {
            let versions: Vec<Value> = versions(kinds, name)
                .into_iter()
                .map(|version| {
                    let resources: Vec<Value> = kinds
                        .iter()
                        .filter(|kind| kind.group == name && kind.version == version)
                        .map(aggregated_resource)
                        .collect();
                    json!({"version": version, "resources": resources, "freshness": "Current"})
                })
                .collect();
            json!({"metadata": {"name": name, "creationTimestamp": null}, "versions": versions})
        })
        .collect();
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items})
}

fn group_names(kinds: &Kinds) -> Vec<&'static str> {
    let mut names: Vec<&str> = Vec::new();
    for kind in kinds.iter().filter(|kind| !kind.group.is_empty()) {
        if !names.contains(&kind.group) {
            names.push(kind.group);
        }
    }
    names
}

fn versions(kinds: &Kinds, group: &str) -> Vec<&'static str> {
    let mut versions: Vec<&str> = Vec::new();
    for kind in kinds.iter().filter(|kind| kind.group == group) {
        if !versions.contains(&kind.version) {
            versions.push(kind.version);
        }
    }
    versions
}

fn group_value(kinds: &Kinds, name: &str) -> Value {
    let versions: Vec<Value> = versions(kinds, name)
        .into_iter()
        .map(|version| json!({"groupVersion": format!("{name}/{version}"), "version": version}))
        .collect();
    json!({"name": name, "preferredVersion": versions.first(), "versions": versions})
}

fn verbs(kind: &Kind) -> &'static [&'static str] {
    if kind.review {
        &["create"]
    } else {
        &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
    }
}

/// What `kubectl get all` means.
fn categories(kind: &Kind) -> &'static [&'static str] {
    let workload = ["apps", "batch"].contains(&kind.group) || ["pods", "services"].contains(&kind.plural);
    match kind.group {
        "cert-manager.io" => &["cert-manager"],
        "acme.cert-manager.io" => &["cert-manager", "cert-manager-acme"],
        _ if workload => &["all"],
        _ => &[],
    }
}

/// Subresources of a kind: name, kind, group and version of what they speak, verbs.
fn subresources(kind: &Kind) -> Vec<(&'static str, Value, &'static [&'static str])> {
    let own = json!({"group": kind.group, "version": kind.version, "kind": kind.kind});
    let mut all = Vec::new();
    if kind.status {
        all.push(("status", own, &["get", "patch", "update"][..]));
    }
    if kind.scale {
        all.push((
            "scale",
            json!({"group": "autoscaling", "version": "v1", "kind": "Scale"}),
            &["get", "patch", "update"][..],
        ));
    }
    if kind.plural == "pods" {
        all.push(("exec", json!({"group": "", "version": "v1", "kind": "PodExecOptions"}), &["create", "get"][..]));
        all.push(("log", json!({"group": "", "version": "v1", "kind": "Pod"}), &["get"][..]));
    }
    all
}

fn with_subresources(kind: &Kind) -> Vec<Value> {
    let mut all = vec![json!({
        "name": kind.plural, "singularName": kind.kind.to_lowercase(), "namespaced": kind.namespaced, "kind": kind.kind,
        "verbs": verbs(kind), "shortNames": kind.short, "categories": categories(kind),
    })];
    for (name, speaks, verbs) in subresources(kind) {
        let mut entry = json!({
            "name": format!("{}/{name}", kind.plural), "singularName": "", "namespaced": kind.namespaced, "kind": speaks["kind"], "verbs": verbs,
        });
        if speaks["group"] != kind.group {
            entry["group"] = speaks["group"].clone();
            entry["version"] = speaks["version"].clone();
        }
        all.push(entry);
    }
    all
}

fn aggregated_resource(kind: &'static Kind) -> Value {
    let subresources: Vec<Value> = subresources(kind)
        .into_iter()
        .map(|(name, speaks, verbs)| json!({"subresource": name, "responseKind": speaks, "verbs": verbs}))
        .collect();
    let mut resource = json!({
        "resource": kind.plural, "singularResource": kind.kind.to_lowercase(), "shortNames": kind.short, "verbs": verbs(kind), "categories": categories(kind),
        "scope": if kind.namespaced { "Namespaced" } else { "Cluster" },
        "responseKind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
    });
    if !subresources.is_empty() {
        resource["subresources"] = json!(subresources);
    }
    resource
}
