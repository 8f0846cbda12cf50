//! What a real API server refuses with 422: bad names, and changes to fields that never change.
//!
//! A subset on purpose: the rules a console for volumes, snapshots and certificates can run into.

use serde_json::Value;

use super::kinds::Kind;
use super::object::{self, text};
use super::refusal::Refusal;
use super::store::{Key, State};

const RFC1123_LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const RFC1123_SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

/// Checks an object about to be created.
pub(crate) fn new_object(kind: &Kind, value: &Value) -> Result<(), Refusal> {
    let name = object::name(value);
    let label = matches!(kind.plural, "namespaces" | "services");
    let fits = if label { is_label(name) } else { is_subdomain(name) };
    if !fits {
        let rule = if label { RFC1123_LABEL } else { RFC1123_SUBDOMAIN };
        return Err(Refusal::invalid(kind, name, "metadata.name", &format!("Invalid value: \"{name}\": {rule}")));
    }
    match kind.plural {
        "volumesnapshots" => exactly_one_source(kind, value),
        "persistentvolumeclaims" => claim(kind, value),
        "statefulsets" | "deployments" | "replicasets" => selector_matches(kind, value),
        _ => Ok(()),
    }
}

/// Checks an object about to be replaced.
pub(crate) fn changed_object(kind: &Kind, old: &Value, new: &Value, state: &State) -> Result<(), Refusal> {
    no_new_finalizers(kind, old, new)?;
    match kind.plural {
        "secrets" | "configmaps" if object::truth(old, "/immutable") => {
            let fields = ["/data", "/binaryData", "/stringData", "/immutable", "/type"];
            frozen(kind, old, new, &fields, "field is immutable when `immutable` is set")
        }
        "volumesnapshots" => frozen(
            kind,
            old,
            new,
            &["/spec/source/persistentVolumeClaimName", "/spec/source/volumeSnapshotContentName"],
            "persistentVolumeClaimName is immutable",
        ),
        "volumesnapshotcontents" => {
            frozen(kind, old, new, &["/spec/source", "/spec/driver", "/spec/sourceVolumeMode"], "field is immutable")
        }
        "persistentvolumes" => {
            frozen(kind, old, new, &["/spec/csi"], "spec.persistentvolumesource is immutable after creation")
        }
        "persistentvolumeclaims" => claim_change(kind, old, new, state),
        "statefulsets" => frozen(
            kind,
            old,
            new,
            &["/spec/selector", "/spec/serviceName", "/spec/volumeClaimTemplates"],
            "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
        ),
        "deployments" | "replicasets" => frozen(kind, old, new, &["/spec/selector"], "field is immutable"),
        _ => Ok(()),
    }
}

fn is_label(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    !name.is_empty()
        && name.len() <= 63
        && name.chars().all(|c| plain(c) || c == '-')
        && name.starts_with(plain)
        && name.ends_with(plain)
}

fn is_subdomain(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(is_label_of_any_length)
}

fn is_label_of_any_length(part: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    !part.is_empty() && part.chars().all(|c| plain(c) || c == '-') && part.starts_with(plain) && part.ends_with(plain)
}

fn exactly_one_source(kind: &Kind, value: &Value) -> Result<(), Refusal> {
    let claim = !text(value, "/spec/source/persistentVolumeClaimName").is_empty();
    let content = !text(value, "/spec/source/volumeSnapshotContentName").is_empty();
    if claim == content {
        let why = "exactly one of volumeSnapshotContentName and persistentVolumeClaimName must be set";
        return Err(Refusal::invalid(
            kind,
            object::name(value),
            "spec.source",
            &format!("Invalid value: \"object\": {why}"),
        ));
    }
    if value.pointer("/spec/volumeSnapshotClassName").is_some_and(|class| class == "") {
        let why = "Invalid value: \"string\": volumeSnapshotClassName must not be the empty string when set";
        return Err(Refusal::invalid(kind, object::name(value), "spec.volumeSnapshotClassName", why));
    }
    Ok(())
}

fn claim(kind: &Kind, value: &Value) -> Result<(), Refusal> {
    let required = |field: &str, why: &str| Err(Refusal::invalid(kind, object::name(value), field, why));
    if object::items(value, "/spec/accessModes").is_empty() {
        return required("spec.accessModes", "Required value: at least 1 access mode is required");
    }
    if text(value, "/spec/resources/requests/storage").is_empty() {
        return required("spec.resources[storage]", "Required value");
    }
    Ok(())
}

fn claim_change(kind: &Kind, old: &Value, new: &Value, state: &State) -> Result<(), Refusal> {
    let forbidden = |why: &str| Err(Refusal::invalid(kind, object::name(new), "spec", &format!("Forbidden: {why}")));
    let mut same = new.clone();
    object::set(&mut same, "/spec/resources", old.pointer("/spec/resources").cloned().unwrap_or_default());
    // Binding sets the volume name of a claim that had none.
    if text(old, "/spec/volumeName").is_empty() {
        object::set(&mut same, "/spec/volumeName", old.pointer("/spec/volumeName").cloned().unwrap_or_default());
        if old.pointer("/spec/volumeName").is_none() {
            object::unset(&mut same, "/spec", "volumeName");
        }
    }
    if same["spec"] != old["spec"] {
        return forbidden(
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
        );
    }
    let size = |value| object::quantity(text(value, "/spec/resources/requests/storage"));
    if size(new) < size(old) {
        return forbidden("field can not be less than status.capacity");
    }
    if size(new) > size(old) {
        let class = state.get(&Key::new("storageclasses", "", text(new, "/spec/storageClassName")));
        if !class.is_some_and(|class| object::truth(&class.value, "/allowVolumeExpansion")) {
            let why = "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize";
            return Err(Refusal::forbidden(kind, object::name(new), why));
        }
    }
    Ok(())
}

fn selector_matches(kind: &Kind, value: &Value) -> Result<(), Refusal> {
    let wanted = value.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
    let labels = value.pointer("/spec/template/metadata/labels");
    let fits = wanted
        .is_some_and(|wanted| wanted.iter().all(|(key, is)| labels.and_then(|labels| labels.get(key)) == Some(is)));
    if fits {
        return Ok(());
    }
    let why = "Invalid value: `selector` does not match template `labels`";
    Err(Refusal::invalid(kind, object::name(value), "spec.template.metadata.labels", why))
}

fn no_new_finalizers(kind: &Kind, old: &Value, new: &Value) -> Result<(), Refusal> {
    let added = object::items(new, "/metadata/finalizers")
        .iter()
        .find(|held| !object::items(old, "/metadata/finalizers").contains(held));
    match added {
        Some(added) if object::terminating(old) => {
            let why = format!(
                "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers [{added}]"
            );
            Err(Refusal::invalid(kind, object::name(old), "metadata.finalizers", &why))
        }
        _ => Ok(()),
    }
}

fn frozen(kind: &Kind, old: &Value, new: &Value, fields: &[&str], why: &str) -> Result<(), Refusal> {
    match fields.iter().find(|field| old.pointer(field) != new.pointer(field)) {
        None => Ok(()),
        Some(field) => {
            let field = field.trim_start_matches('/').replace('/', ".");
            Err(Refusal::invalid(kind, object::name(old), &field, &format!("Forbidden: {why}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{is_label, is_subdomain};

    #[test]
    fn names_follow_rfc_1123() {
        assert!(is_label("data-db-0") && is_subdomain("a.b-c.d"));
        for bad in ["", "-a", "a-", "A", "a_b", "a/b", "..", "../x", "a..b"] {
            assert!(!is_subdomain(bad), "{bad}");
        }
        assert!(!is_label(&"a".repeat(64)) && !is_label("a.b"));
    }
}
