//! As much of `/openapi/v3` as kubectl needs to leave validation to the server.
//!
//! Before `create -f` and `apply`, kubectl looks here whether the server takes `fieldValidation`
//! (`k8s.io/cli-runtime/pkg/resource/query_param_verifier_v3.go`). There are no schemas, and the
//! parameter is accepted without effect: unknown fields are stored.

use serde_json::{Map, Value, json};

use super::kinds::{Kind, Kinds};
use super::refusal::Refusal;

/// `/openapi/v3`: where the document of each group version is.
pub(crate) fn index(kinds: &Kinds) -> Value {
    let paths: Map<String, Value> = kinds
        .iter()
        .map(|kind| {
            let root = root(kind);
            let at = format!("/openapi/v3/{root}");
            (root, json!({"serverRelativeURL": at}))
        })
        .collect();
    json!({"paths": paths})
}

/// `/openapi/v3/api/v1` and `/openapi/v3/apis/GROUP/VERSION`.
pub(crate) fn document(kinds: &Kinds, wanted: &str) -> Result<Value, Refusal> {
    let paths: Map<String, Value> =
        kinds.iter().filter(|kind| root(kind) == wanted && !kind.review).map(patch_path).collect();
    if paths.is_empty() {
        return Err(Refusal::no_such_path());
    }
    Ok(json!({"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "v1.36.3"}, "paths": paths}))
}

fn root(kind: &Kind) -> String {
    if kind.group.is_empty() {
        format!("api/{}", kind.version)
    } else {
        format!("apis/{}/{}", kind.group, kind.version)
    }
}

fn patch_path(kind: &'static Kind) -> (String, Value) {
    let scope = if kind.namespaced { "/namespaces/{namespace}" } else { "" };
    let operation = json!({
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
        "parameters": [{"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}],
        "responses": {},
    });
    (format!("/{}{scope}/{}/{{name}}", root(kind), kind.plural), json!({"patch": operation}))
}
