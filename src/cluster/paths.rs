//! Paths of the API.
//!
//! kube neither checks nor escapes names, so every name and selector that becomes part of a URL is checked or
//! escaped here and nowhere else.

use std::fmt::{Display, Write};

use crate::plan::Resource;
use crate::text::names;

use super::errors::CallError;

/// Path of a group and version.
pub(super) fn root(resource: &Resource) -> String {
    let Resource { group, version, .. } = resource;
    if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") }
}

/// Path of all objects, or those of one namespace.
pub(super) fn collection(resource: &Resource, namespace: Option<&str>) -> Result<String, CallError> {
    let root = root(resource);
    let Some(namespace) = namespace else { return Ok(format!("{root}/{}", resource.plural)) };
    names::validate_namespace(namespace).map_err(|error| invalid(&error))?;
    Ok(format!("{root}/namespaces/{namespace}/{}", resource.plural))
}

/// Path of one object.
pub(super) fn object(resource: &Resource, namespace: Option<&str>, name: &str) -> Result<String, CallError> {
    names::validate_name(name).map_err(|error| invalid(&error))?;
    Ok(format!("{}/{name}", collection(resource, namespace)?))
}

fn invalid(error: &dyn Display) -> CallError {
    CallError::local("InvalidName", &error.to_string())
}

/// A query string of pairs; values are percent-encoded.
pub(super) fn query(pairs: &[(&str, &str)]) -> String {
    let mut query = String::new();
    for (index, (key, value)) in pairs.iter().enumerate() {
        query.push(if index == 0 { '?' } else { '&' });
        query.push_str(key);
        query.push('=');
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                query.push(char::from(byte));
            } else {
                // Writing to a String cannot fail.
                let _ = write!(query, "%{byte:02X}");
            }
        }
    }
    query
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;
    use rstest::rstest;

    #[rstest]
    #[case(Kind::Pvc, Some("shop"), "/api/v1/namespaces/shop/persistentvolumeclaims/x")]
    #[case(Kind::Pv, None, "/api/v1/persistentvolumes/x")]
    #[case(Kind::StatefulSet, Some("shop"), "/apis/apps/v1/namespaces/shop/statefulsets/x")]
    #[case(Kind::SnapshotClass, None, "/apis/snapshot.storage.k8s.io/v1/volumesnapshotclasses/x")]
    fn paths(#[case] kind: Kind, #[case] namespace: Option<&str>, #[case] path: &str) {
        assert_eq!(object(&Resource::of(kind), namespace, "x").unwrap(), path);
    }

    #[rstest]
    #[case(Some("shop"), "../../kube-system/secrets/x")]
    #[case(Some("shop"), "db-0/exec?command=sh")]
    #[case(Some("shop"), "")]
    #[case(Some("shop"), "..")]
    #[case(Some("../kube-system"), "db-0")]
    #[case(Some("shop%2f"), "db-0")]
    fn names_that_would_change_the_path_are_refused(#[case] namespace: Option<&str>, #[case] name: &str) {
        let error = object(&Resource::of(Kind::Pod), namespace, name).unwrap_err();
        assert!(matches!(error, CallError::Refused { ref reason, .. } if &**reason == "InvalidName"), "{error}");
        assert!(error.certainly_not_done());
    }

    #[test]
    fn query_values_are_escaped() {
        let query = query(&[("limit", "500"), ("fieldSelector", "type=kubernetes.io/tls&x")]);
        assert_eq!(query, "?limit=500&fieldSelector=type%3Dkubernetes.io%2Ftls%26x");
    }
}
