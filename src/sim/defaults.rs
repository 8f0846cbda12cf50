//! What a real API server and its admission plugins fill in before an object is stored.
//!
//! Only fields that something in the house or its users reads; sources are the `defaults.go` files
//! of `k8s.io/kubernetes/pkg/apis` and the default-class admission plugin.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::clock::stamp;
use super::kinds::Kind;
use super::object::{self, annotation, default, text};
use super::pki;
use super::store::State;

/// The annotation that makes a storage class the default one.
const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";

/// Fills in the defaults of a new object.
pub(crate) fn apply(kind: &Kind, value: &mut Value, state: &State, now: Timestamp) {
    match kind.plural {
        "namespaces" => namespace(value),
        "pods" => pod(value),
        "secrets" => secret(value),
        "events" => default(value, "/lastTimestamp", stamp(now)),
        "services" => service(value),
        "persistentvolumeclaims" => claim(value, state),
        "persistentvolumes" => volume(value),
        "storageclasses" => {
            default(value, "/reclaimPolicy", "Delete");
            default(value, "/volumeBindingMode", "Immediate");
        }
        "statefulsets" => stateful_set(value),
        "deployments" => deployment(value),
        "replicasets" => default(value, "/spec/replicas", 1),
        "jobs" => {
            default(value, "/spec/completions", 1);
            default(value, "/spec/parallelism", 1);
            default(value, "/spec/backoffLimit", 6);
        }
        _ => {}
    }
}

fn namespace(value: &mut Value) {
    let name = object::name(value).to_owned();
    object::mark(value, "kubernetes.io/metadata.name", &name);
    default(value, "/spec/finalizers", json!(["kubernetes"]));
    default(value, "/status/phase", "Active");
}

fn pod(value: &mut Value) {
    pod_spec(value, "/spec");
    default(value, "/status/phase", "Pending");
    default(value, "/status/qosClass", "BestEffort");
}

fn pod_spec(value: &mut Value, at: &str) {
    default(value, &format!("{at}/restartPolicy"), "Always");
    default(value, &format!("{at}/terminationGracePeriodSeconds"), 30);
    default(value, &format!("{at}/schedulerName"), "default-scheduler");
}

fn secret(value: &mut Value) {
    default(value, "/type", "Opaque");
    encode(value);
}

/// Takes up what a write says in plain text (`stringData` of a Secret), whether the object is new or not.
pub(crate) fn in_plain(kind: &Kind, value: &mut Value) {
    if kind.plural == "secrets" {
        encode(value);
    }
}

fn encode(value: &mut Value) {
    let plain = value.as_object_mut().and_then(|map| map.remove("stringData"));
    for (key, text) in plain.as_ref().and_then(Value::as_object).into_iter().flatten() {
        let bytes = text.as_str().unwrap_or_default().as_bytes();
        object::fields(object::slot(value, "/data")).insert(key.clone(), pki::base64(bytes));
    }
}

fn service(value: &mut Value) {
    default(value, "/spec/type", "ClusterIP");
    default(value, "/spec/sessionAffinity", "None");
    default(value, "/status", json!({"loadBalancer": {}}));
}

fn claim(value: &mut Value, state: &State) {
    default(value, "/spec/volumeMode", "Filesystem");
    default(value, "/status/phase", "Pending");
    object::add_finalizer(value, "kubernetes.io/pvc-protection");
    if value.pointer("/spec/storageClassName").is_none_or(Value::is_null)
        && let Some(class) = default_class(state)
    {
        object::set(value, "/spec/storageClassName", class);
    }
    // Both fields are kept equal for local references (`NormalizeDataSources`).
    let local = value.pointer("/spec/dataSource").cloned().filter(|source| !source.is_null());
    let any = value.pointer("/spec/dataSourceRef").cloned().filter(|source| !source.is_null());
    match (local, any) {
        (Some(source), None) => object::set(value, "/spec/dataSourceRef", source),
        (None, Some(source)) if text(&source, "/namespace").is_empty() => {
            object::set(value, "/spec/dataSource", source);
        }
        _ => {}
    }
}

fn default_class(state: &State) -> Option<String> {
    let classes = state.list("storageclasses", None);
    let class = classes.iter().find(|class| annotation(&class.value, DEFAULT_CLASS) == "true")?;
    Some(object::name(&class.value).to_owned())
}

fn volume(value: &mut Value) {
    default(value, "/spec/volumeMode", "Filesystem");
    default(value, "/spec/persistentVolumeReclaimPolicy", "Retain");
    default(value, "/status/phase", "Pending");
    object::add_finalizer(value, "kubernetes.io/pv-protection");
}

fn stateful_set(value: &mut Value) {
    default(value, "/spec/replicas", 1);
    default(value, "/spec/podManagementPolicy", "OrderedReady");
    default(value, "/spec/updateStrategy", json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}));
    default(value, "/spec/revisionHistoryLimit", 10);
    default(
        value,
        "/spec/persistentVolumeClaimRetentionPolicy",
        json!({"whenDeleted": "Retain", "whenScaled": "Retain"}),
    );
    pod_spec(value, "/spec/template/spec");
}

fn deployment(value: &mut Value) {
    default(value, "/spec/replicas", 1);
    default(value, "/spec/progressDeadlineSeconds", 600);
    default(value, "/spec/revisionHistoryLimit", 10);
    default(
        value,
        "/spec/strategy",
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}),
    );
    pod_spec(value, "/spec/template/spec");
}
