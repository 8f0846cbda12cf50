//! Writing: every call is one explicit request, sent once.
//!
//! A call either was taken, was certainly not done, or nobody knows. The third is a result like the others: it is
//! never turned into a second attempt here. Names are checked before they become part of a path.

use serde_json::{Value, json};

use crate::plan::Resource;

use super::Cluster;
use super::errors::CallError;
use super::eyes::decoded;
use super::paths;
use super::strip::strip;
use super::wire::{AUDIT_ID, CALL, request};

/// `fieldManager` of all writes.
const MANAGER: &str = "holdfast";

/// What is written with. Only there when the connection is not read-only. Cheap to clone.
#[derive(Clone)]
pub struct Hands {
    pub(super) cluster: Cluster,
}

/// A write that was taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// The object as it is now (for a deletion the object or a `Status`), without managedFields and Secret values.
    pub object: Value,
    /// The request's id in the server's audit log.
    pub audit_id: Option<String>,
}

/// A write that was not taken, or perhaps was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// It was certainly not done: the server or this process refused it, or it was never sent.
    #[error(transparent)]
    Refused(CallError),
    /// It may have been done: the answer was lost, came too late, or says that the server failed. Look.
    #[error("outcome unknown: {0}")]
    Unknown(#[source] CallError),
}

impl From<CallError> for WriteError {
    fn from(error: CallError) -> Self {
        if error.certainly_not_done() { Self::Refused(error) } else { Self::Unknown(error) }
    }
}

impl Hands {
    pub(super) fn new(cluster: Cluster) -> Self {
        Self { cluster }
    }

    /// Creates an object. Its name is in the manifest, so that a second attempt conflicts.
    pub async fn create(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        manifest: &Value,
        dry_run: bool,
    ) -> Result<Written, WriteError> {
        let name = manifest.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        // The path of a creation does not hold the name; it is checked all the same.
        paths::object(resource, namespace, name)?;
        let place = paths::collection(resource, namespace)?;
        self.send("POST", place, "application/json", Some(manifest), dry_run).await
    }

    /// Replaces an object; the manifest's resourceVersion makes it conditional.
    pub async fn put(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        name: &str,
        manifest: &Value,
        dry_run: bool,
    ) -> Result<Written, WriteError> {
        let place = paths::object(resource, namespace, name)?;
        self.send("PUT", place, "application/json", Some(manifest), dry_run).await
    }

    /// Replaces the status of an object; the manifest's resourceVersion makes it conditional.
    pub async fn put_status(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        name: &str,
        manifest: &Value,
        dry_run: bool,
    ) -> Result<Written, WriteError> {
        let place = paths::object(resource, namespace, name)? + "/status";
        self.send("PUT", place, "application/json", Some(manifest), dry_run).await
    }

    /// Changes an object by a JSON patch (RFC 6902); its `test` operations make it conditional.
    pub async fn patch_json(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        name: &str,
        patch: &Value,
        dry_run: bool,
    ) -> Result<Written, WriteError> {
        let place = paths::object(resource, namespace, name)?;
        self.send("PATCH", place, "application/json-patch+json", Some(patch), dry_run).await
    }

    /// Changes an object by a merge patch (RFC 7386); its `metadata.resourceVersion` makes it conditional.
    pub async fn patch_merge(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        name: &str,
        patch: &Value,
        dry_run: bool,
    ) -> Result<Written, WriteError> {
        let place = paths::object(resource, namespace, name)?;
        self.send("PATCH", place, "application/merge-patch+json", Some(patch), dry_run).await
    }

    /// Deletes an object if it still is the one with this UID and version; what it owns goes in the background.
    pub async fn delete(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        name: &str,
        uid: Option<&str>,
        resource_version: Option<&str>,
        dry_run: bool,
    ) -> Result<Written, WriteError> {
        let place = paths::object(resource, namespace, name)?;
        let mut options = json!({ "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background", "preconditions": {} });
        for (field, value) in [("uid", uid), ("resourceVersion", resource_version)] {
            if let Some(value) = value {
                options["preconditions"][field] = json!(value);
            }
        }
        if dry_run {
            options["dryRun"] = json!(["All"]);
        }
        self.send("DELETE", place, "application/json", Some(&options), dry_run).await
    }

    /// Sets the replicas of the workload with this UID by its scale subresource.
    pub async fn scale(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        name: &str,
        uid: &str,
        replicas: u32,
        dry_run: bool,
    ) -> Result<Written, WriteError> {
        let place = paths::object(resource, namespace, name)? + "/scale";
        let patch = json!([
            { "op": "test", "path": "/metadata/uid", "value": uid },
            // A Scale of zero replicas has no such field; `add` also replaces (RFC 6902 section 4.1).
            { "op": "add", "path": "/spec/replicas", "value": replicas },
        ]);
        self.send("PATCH", place, "application/json-patch+json", Some(&patch), dry_run).await
    }

    async fn send(
        &self,
        method: &str,
        place: String,
        content_type: &str,
        body: Option<&Value>,
        dry_run: bool,
    ) -> Result<Written, WriteError> {
        let mut pairs = vec![];
        if method != "DELETE" {
            pairs.push(("fieldManager", MANAGER));
        }
        if dry_run {
            pairs.push(("dryRun", "All"));
        }
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let url = format!("{place}{}", paths::query(&pairs));
        let answer = self.cluster.wire().call(request(method, &url, Some(content_type), body)?, CALL).await?;
        let audit_id = answer.headers.get(AUDIT_ID).and_then(|id| id.to_str().ok()).map(str::to_owned);
        let mut object = decoded(&answer.body, &place)?;
        strip(&mut object);
        Ok(Written { object, audit_id })
    }
}
