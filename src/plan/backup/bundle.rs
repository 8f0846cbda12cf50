//! The bundle: the manifests of what ran on a volume, kept outside the namespace. A volume without its application is
//! half a backup.
//!
//! The workload, the Services that select its pods and the ConfigMaps that it names, without what only a cluster may
//! say of them. Of Secrets the names alone, never their data: none is ever read.

use std::fmt::Write;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::owner::Owner;
use crate::model::World;
use crate::plan::field::values;
use crate::plan::{Answers, Bundle, ListAt, ObjectAt, OperationId, Questions, Resource};
use crate::text;

/// The largest bundle, bytes: it is kept in the journal with its plan.
const LARGEST: usize = 1 << 20;
/// What kubectl and controllers write about an object; it says nothing that the object does not.
const IDLE: [&str; 2] = ["kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/revision"];

/// Where a pod template names a ConfigMap.
const CONFIG_MAPS: [&str; 6] = [
    "/volumes/*/configMap/name",
    "/volumes/*/projected/sources/*/configMap/name",
    "/containers/*/env/*/valueFrom/configMapKeyRef/name",
    "/containers/*/envFrom/*/configMapRef/name",
    "/initContainers/*/env/*/valueFrom/configMapKeyRef/name",
    "/initContainers/*/envFrom/*/configMapRef/name",
];
/// Where it names a Secret.
const SECRETS: [&str; 8] = [
    "/volumes/*/secret/secretName",
    "/volumes/*/projected/sources/*/secret/name",
    "/volumes/*/csi/nodePublishSecretRef/name",
    "/containers/*/env/*/valueFrom/secretKeyRef/name",
    "/containers/*/envFrom/*/secretRef/name",
    "/initContainers/*/env/*/valueFrom/secretKeyRef/name",
    "/initContainers/*/envFrom/*/secretRef/name",
    "/imagePullSecrets/*/name",
];

fn services(namespace: &str) -> ListAt {
    let resource =
        Resource { group: String::new(), version: "v1".into(), plural: "services".into(), kind: "Service".into() };
    ListAt::all(resource, Some(namespace))
}

fn config_map(namespace: &str, name: &str) -> ObjectAt {
    ObjectAt { resource: Resource::config_map(), namespace: Some(namespace.to_owned()), name: name.to_owned() }
}

/// What the pods of a workload name at these fields, each once.
fn named(workload: &Value, fields: &[&str]) -> Vec<String> {
    let Some(template) = workload.pointer("/spec/template/spec") else { return Vec::new() };
    let found = fields.iter().flat_map(|field| values(template, field));
    let mut names: Vec<String> = found.filter_map(Value::as_str).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    names
}

/// What has to be read, given what is known.
pub(super) fn questions(owner: &Owner, namespace: &str, known: &Answers) -> Questions {
    let at = owner.at(namespace);
    let mut objects = Vec::new();
    if let Ok(workload) = known.object(&at) {
        objects.extend(named(workload, &CONFIG_MAPS).iter().map(|name| config_map(namespace, name)));
    }
    objects.insert(0, at);
    Questions { objects, lists: vec![services(namespace)], ..Questions::default() }
}

/// A bundle, and what a reader must know of it.
pub(super) struct Packed {
    pub bundle: Bundle,
    /// What is in it, for people.
    pub says: String,
    pub warnings: Vec<String>,
}

/// The bundle of a workload.
///
/// # Errors
/// Why there is none.
pub(super) fn of(
    owner: &Owner,
    namespace: &str,
    (world, answers): (&World, &Answers),
    (id, now): (&OperationId, Timestamp),
) -> Result<Packed, String> {
    let at = owner.at(namespace);
    let workload = answers.object(&at).map_err(|(why, _)| why)?;
    let mut packing = Packing::default();
    packing.add(&at.resource, workload);
    let services = packing.services(workload, namespace, answers);
    let config_maps = packing.config_maps(workload, namespace, answers);
    let secrets = named(workload, &SECRETS);
    let secrets = if secrets.is_empty() { "none".to_owned() } else { text::list(&secrets) };
    let context = &world.context;
    let mut whole = format!(
        "# What ran on the volumes of {owner} of {namespace} when operation {id} backed them up.\n\
         # Planned {now} on context {} ({}). To bring it back: kubectl apply -f, once its claims are there.\n\
         # Secrets that it uses, by name alone; their data is not kept here: {secrets}\n",
        text::sanitize(&context.name),
        text::sanitize(&context.server),
    );
    for left in &packing.left {
        // Writing to a String cannot fail.
        let _ = writeln!(whole, "# Not in it: {left}");
    }
    packing.documents.iter().for_each(|document| whole.push_str(document));
    let says = format!(
        "{owner}, {}, {}; Secrets by name alone: {secrets}",
        text::plural(services, "Service", "Services"),
        text::plural(config_maps, "ConfigMap", "ConfigMaps"),
    );
    let warnings = packing.left.iter().map(|left| format!("not in the bundle of manifests: {left}")).collect();
    let place = format!("{}/{id}.yaml", answers.keeps);
    Ok(Packed { bundle: Bundle { text: whole, place }, says, warnings })
}

/// A bundle as it grows.
#[derive(Default)]
struct Packing {
    documents: Vec<String>,
    size: usize,
    /// What is not in it, and why.
    left: Vec<String>,
}

impl Packing {
    /// Adds an object; whether it did.
    fn add(&mut self, resource: &Resource, object: &Value) -> bool {
        let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        let what = format!("{} {}", resource.kind, text::sanitize(name));
        match serde_saphyr::to_string(&clean(resource, object)) {
            Ok(yaml) if self.size + yaml.len() <= LARGEST => {
                self.size += yaml.len();
                self.documents.push(format!("---\n{}\n", yaml.trim_end()));
                return true;
            }
            Ok(_) => self.left.push(format!("{what}: the bundle would be larger than 1Mi")),
            Err(error) => self.left.push(format!("{what}: {error}")),
        }
        false
    }

    /// The Services that select the pods of a workload; how many.
    fn services(&mut self, workload: &Value, namespace: &str, answers: &Answers) -> usize {
        let at = services(namespace);
        let listed = match answers.lists.get(&at) {
            Some(Ok(listed)) => listed,
            Some(Err(why)) => {
                self.left.push(format!("Services: {why}"));
                return 0;
            }
            None => return 0,
        };
        let labels = workload.pointer("/spec/template/metadata/labels");
        let selects = |service: &&Value| {
            let selector = service.pointer("/spec/selector").and_then(Value::as_object);
            selector.is_some_and(|selector| {
                !selector.is_empty()
                    && selector.iter().all(|(key, value)| labels.and_then(|own| own.get(key)) == Some(value))
            })
        };
        listed.iter().filter(selects).filter(|service| self.add(&at.resource, service)).count()
    }

    /// The ConfigMaps that a workload names; how many.
    fn config_maps(&mut self, workload: &Value, namespace: &str, answers: &Answers) -> usize {
        let mut count = 0;
        for name in named(workload, &CONFIG_MAPS) {
            let at = config_map(namespace, &name);
            match answers.object(&at) {
                Ok(found) => count += usize::from(self.add(&at.resource, found)),
                Err((why, _)) => self.left.push(why),
            }
        }
        count
    }
}

/// An object as somebody would have written it: without status, identity and what the cluster filled in.
fn clean(resource: &Resource, object: &Value) -> Value {
    let mut metadata = Map::new();
    for key in ["name", "namespace", "labels", "annotations"] {
        if let Some(value) = object.pointer(&format!("/metadata/{key}")) {
            metadata.insert(key.to_owned(), value.clone());
        }
    }
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.retain(|key, _| !IDLE.contains(&key.as_str()));
    }
    metadata.retain(|_, value| value.as_object().is_none_or(|map| !map.is_empty()));
    let mut clean = json!({ "apiVersion": resource.api_version(), "kind": resource.kind, "metadata": metadata });
    for (key, value) in object.as_object().into_iter().flatten() {
        if !["apiVersion", "kind", "metadata", "status"].contains(&key.as_str()) {
            clean[key] = value.clone();
        }
    }
    // An address is the cluster's to give; that there is to be none is the author's to say.
    if resource.kind == "Service"
        && clean.pointer("/spec/clusterIP").and_then(Value::as_str) != Some("None")
        && let Some(spec) = clean.get_mut("spec").and_then(Value::as_object_mut)
    {
        spec.remove("clusterIP");
        spec.remove("clusterIPs");
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::testing::now;
    use crate::model::Kind;

    fn owner() -> Owner {
        Owner { kind: Kind::StatefulSet, name: "db".into() }
    }

    fn workload() -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "StatefulSet",
            "metadata": {
                "name": "db", "namespace": "shop", "uid": "u", "resourceVersion": "7", "generation": 3,
                "creationTimestamp": "2026-01-01T00:00:00Z", "ownerReferences": [{ "name": "operator" }],
                "annotations": { "kubectl.kubernetes.io/last-applied-configuration": "{}" },
            },
            "spec": { "replicas": 2, "template": {
                "metadata": { "labels": { "app": "db" } },
                "spec": {
                    "containers": [{
                        "name": "db", "envFrom": [{ "configMapRef": { "name": "settings" } }],
                        "env": [{ "name": "PASSWORD", "valueFrom": { "secretKeyRef": { "name": "password", "key": "k" } } }],
                    }],
                    "volumes": [
                        { "name": "tls", "secret": { "secretName": "db-tls" } },
                        { "name": "conf", "configMap": { "name": "conf" } },
                    ],
                },
            } },
            "status": { "replicas": 2 },
        })
    }

    fn answers() -> Answers {
        let service = |name: &str, app: &str, address: &str| json!({ "metadata": { "name": name, "uid": "s" }, "spec": { "selector": { "app": app }, "clusterIP": address, "clusterIPs": [address] } });
        let conf = json!({ "metadata": { "name": "conf" }, "data": { "a": "1" } });
        Answers {
            objects: [
                (owner().at("shop"), Ok(Some(workload()))),
                (config_map("shop", "conf"), Ok(Some(conf))),
                (config_map("shop", "settings"), Err("forbidden".to_owned())),
            ]
            .into(),
            lists: [(
                services("shop"),
                Ok(vec![
                    service("db", "db", "None"),
                    service("web", "web", "10.0.0.1"),
                    service("rw", "db", "10.0.0.2"),
                ]),
            )]
            .into(),
            keeps: "web-1:/state/bundles".into(),
            ..Answers::default()
        }
    }

    #[test]
    fn what_a_workload_needs_is_asked_for_step_by_step_and_no_secret_is_read() {
        let first = questions(&owner(), "shop", &Answers::default());
        assert_eq!(first.objects, [owner().at("shop")]);
        let second = questions(&owner(), "shop", &answers());
        assert_eq!(second.objects, [owner().at("shop"), config_map("shop", "conf"), config_map("shop", "settings")]);
        assert!(second.objects.iter().all(|at| at.resource.plural != "secrets"));
    }

    #[test]
    fn a_bundle_holds_the_manifests_as_they_would_be_written() {
        let id = OperationId::new(now(), [0, 0, 0, 7]);
        let packed = of(&owner(), "shop", (&World::default(), &answers()), (&id, now())).unwrap();
        let text = &packed.bundle.text;
        for said in ["kind: StatefulSet", "name: rw", "kind: ConfigMap", "db-tls and password", "name: conf"] {
            assert!(text.contains(said), "{said} is not in {text}");
        }
        for not in ["resourceVersion", "uid", "status", "10.0.0.2", "name: web", "last-applied", "ownerReferences"] {
            assert!(!text.contains(not), "{not} is in {text}");
        }
        assert!(text.contains("clusterIP: None"), "a headless Service stays one: {text}");
        assert_eq!(text.matches("\n---\n").count(), 4, "{text}");
        assert_eq!(packed.bundle.place, format!("web-1:/state/bundles/{id}.yaml"));
        assert!(packed.warnings[0].contains("settings could not be read: forbidden"), "{:?}", packed.warnings);
        assert!(packed.says.contains("2 Services, 1 ConfigMap;"), "{}", packed.says);
    }
}
