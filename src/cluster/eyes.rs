//! Reading and asking: single objects, lists of them as JSON, rights, and whether the server is there.
//!
//! What leaves is plain JSON without managedFields and without the values of Secrets.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::model::Kind;
use crate::plan::Resource;

use super::Cluster;
use super::errors::CallError;
use super::paths;
use super::strip::strip;
use super::wire::{CALL, Wire, request};

/// How long an answer about rights is taken for current.
const RIGHTS: Duration = Duration::from_secs(30);
/// Deadline of the question whether the server is there.
const BEAT: Duration = Duration::from_secs(5);
/// Deadline of a list.
const LIST: Duration = Duration::from_secs(30);

/// What is read and asked with. Cheap to clone.
#[derive(Clone)]
pub struct Eyes {
    cluster: Cluster,
}

/// One object as the server has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Fetched {
    /// The object, without managedFields; of a Secret without its values.
    pub value: Value,
    /// Its UID.
    pub uid: String,
    /// Its version, for preconditions.
    pub resource_version: String,
}

/// A question about the own rights.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccessQuery {
    /// RBAC verb.
    pub verb: Box<str>,
    /// API group; empty for the core group.
    pub group: Box<str>,
    /// Resource, plural.
    pub resource: Box<str>,
    /// Subresource, such as `scale`.
    pub subresource: Option<Box<str>>,
    /// Namespace; `None` for cluster-scoped resources, or for all namespaces.
    pub namespace: Option<Box<str>>,
    /// One object only.
    pub name: Option<Box<str>>,
}

impl fmt::Display for AccessQuery {
    /// `create volumesnapshots.snapshot.storage.k8s.io in shop`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        if let Some(subresource) = &self.subresource {
            write!(f, "/{subresource}")?;
        }
        if let Some(name) = &self.name {
            write!(f, " {name}")?;
        }
        self.namespace.iter().try_for_each(|namespace| write!(f, " in {namespace}"))
    }
}

/// The server's word on a right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Yes.
    Allowed,
    /// No.
    Denied {
        /// The server's reason, when it gives one.
        reason: Box<str>,
    },
}

/// Answers about rights, for a short time.
#[derive(Default)]
pub(super) struct Rights(Mutex<HashMap<AccessQuery, (Instant, Access)>>);

impl Rights {
    fn known(&self, query: &AccessQuery) -> Option<Access> {
        let answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(query).filter(|(at, _)| at.elapsed() < RIGHTS).map(|(_, access)| access.clone())
    }

    fn learn(&self, query: AccessQuery, access: Access) {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.retain(|_, (at, _)| at.elapsed() < RIGHTS);
        answers.insert(query, (Instant::now(), access));
    }
}

impl Eyes {
    pub(super) fn new(cluster: Cluster) -> Self {
        Self { cluster }
    }

    pub(super) fn wire(&self) -> &Wire {
        self.cluster.wire()
    }

    /// Reads one object; `None` when the server says that there is none. An object of a kind that is not served is
    /// none as well.
    pub async fn get(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<Fetched>, CallError> {
        let path = paths::object(resource, namespace, name)?;
        let answer = match self.cluster.wire().get(&path, CALL).await {
            Err(error) if error.not_found() => return Ok(None),
            answer => answer?,
        };
        let mut value: Value = decoded(&answer.body, &path)?;
        strip(&mut value);
        let text = |field: &str| value.pointer(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (uid, resource_version) = (text("/metadata/uid"), text("/metadata/resourceVersion"));
        Ok(Some(Fetched { value, uid, resource_version }))
    }

    /// Reads all objects of a resource that carry the labels of `selector` (`key=value,…`; empty for all).
    pub async fn list(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        selector: &str,
    ) -> Result<Vec<Value>, CallError> {
        self.select(resource, namespace, &[("labelSelector", selector)]).await
    }

    /// Reads the events about the object with this UID; those about objects without a namespace are in `default`.
    pub async fn events(&self, namespace: Option<&str>, uid: &str) -> Result<Vec<Value>, CallError> {
        let events =
            Resource { group: String::new(), version: "v1".into(), plural: "events".into(), kind: "Event".into() };
        let about = format!("involvedObject.uid={uid}");
        self.select(&events, namespace.or(Some("default")), &[("fieldSelector", &about)]).await
    }

    /// Reads the newest lines of a container's log, and at most so many bytes of them: of its present instance, or of the
    /// one before.
    pub async fn log(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        previous: bool,
        (lines, bytes): (u32, u32),
    ) -> Result<Vec<u8>, CallError> {
        let pod = paths::object(&Resource::of(Kind::Pod), Some(namespace), pod)?;
        let (previous, lines, bytes) = (previous.to_string(), lines.to_string(), bytes.to_string());
        let query = [
            ("container", container),
            ("previous", previous.as_str()),
            ("timestamps", "true"),
            ("tailLines", lines.as_str()),
            ("limitBytes", bytes.as_str()),
        ];
        Ok(self.cluster.wire().get(&format!("{pod}/log{}", paths::query(&query)), LIST).await?.body)
    }

    async fn select(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        selectors: &[(&str, &str)],
    ) -> Result<Vec<Value>, CallError> {
        #[derive(Deserialize)]
        struct List {
            #[serde(default)]
            metadata: ListMeta,
            items: Option<Vec<Value>>,
        }
        #[derive(Default, Deserialize)]
        struct ListMeta {
            #[serde(default, rename = "continue")]
            next: Option<String>,
        }
        let collection = paths::collection(resource, namespace)?;
        let (mut all, mut next) = (Vec::new(), String::new());
        loop {
            let mut pairs = vec![("limit", "500")];
            let more = selectors.iter().copied().chain([("continue", next.as_str())]);
            pairs.extend(more.filter(|(_, value)| !value.is_empty()));
            let path = format!("{collection}{}", paths::query(&pairs));
            let list: List = decoded(&self.cluster.wire().get(&path, LIST).await?.body, &collection)?;
            all.extend(list.items.unwrap_or_default());
            match list.metadata.next.filter(|token| !token.is_empty()) {
                Some(token) => next = token,
                None => break,
            }
        }
        for object in &mut all {
            // Items of a list do not say what they are.
            object["kind"] = json!(resource.kind);
            object["apiVersion"] = json!(resource.api_version());
            strip(object);
        }
        Ok(all)
    }

    /// Asks whether something is allowed (SelfSubjectAccessReview). An answer is good for half a minute.
    pub async fn access(&self, query: &AccessQuery) -> Result<Access, CallError> {
        if let Some(known) = self.cluster.inner.rights.known(query) {
            return Ok(known);
        }
        let mut attributes = json!({ "verb": query.verb, "group": query.group, "resource": query.resource });
        let optional = [("subresource", &query.subresource), ("namespace", &query.namespace), ("name", &query.name)];
        for (field, value) in optional {
            if let Some(value) = value {
                attributes[field] = json!(value);
            }
        }
        let review =
            self.review("authorization.k8s.io", "SelfSubjectAccessReview", json!({ "resourceAttributes": attributes }));
        let review = review.await?;
        let access = if review.pointer("/status/allowed").and_then(Value::as_bool) == Some(true) {
            Access::Allowed
        } else {
            let reason = review.pointer("/status/reason").and_then(Value::as_str).unwrap_or_default();
            Access::Denied { reason: super::errors::safe(reason) }
        };
        self.cluster.inner.rights.learn(query.clone(), access.clone());
        Ok(access)
    }

    /// Who the server says we are; `None` when it does not say (SelfSubjectReview is served from 1.28 on).
    pub async fn who_am_i(&self) -> Result<Option<String>, CallError> {
        let review = match self.review("authentication.k8s.io", "SelfSubjectReview", json!({})).await {
            Err(error) if error.not_found() || error.forbidden() => return Ok(None),
            review => review?,
        };
        let name = review.pointer("/status/userInfo/username").and_then(Value::as_str);
        Ok(name.filter(|name| !name.is_empty()).map(|name| super::errors::safe(name).into()))
    }

    async fn review(&self, group: &str, kind: &str, spec: Value) -> Result<Value, CallError> {
        let path = format!("/apis/{group}/v1/{}s", kind.to_lowercase());
        let body = json!({ "apiVersion": format!("{group}/v1"), "kind": kind, "spec": spec });
        let request = request("POST", &path, Some("application/json"), body.to_string().into_bytes())?;
        decoded(&self.cluster.wire().call(request, CALL).await?.body, &path)
    }

    /// Whether the server is there and ready. A server that may not be asked is there.
    pub async fn reachable(&self) -> Result<(), CallError> {
        match self.cluster.wire().get("/readyz", BEAT).await {
            Err(CallError::Refused { code: 400..=499, .. }) => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// The server's minor version: 36 of 1.36. Some providers write `36+`.
    pub async fn minor_version(&self) -> Result<u32, CallError> {
        #[derive(Deserialize)]
        struct Version {
            minor: String,
        }
        let version: Version = decoded(&self.cluster.wire().get("/version", CALL).await?.body, "/version")?;
        let digits = version.minor.trim_end_matches(|c: char| !c.is_ascii_digit());
        digits.parse().map_err(|_| CallError::Undecodable { what: "/version: its minor version".into() })
    }

    /// How far the server's clock is ahead of this machine's, to the second, from the `Date` of an answer.
    pub async fn clock_skew(&self) -> Result<Option<SignedDuration>, CallError> {
        let answer = self.cluster.wire().get("/version", CALL).await?;
        let date = answer.headers.get(http::header::DATE).and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok());
        Ok(date.map(|date| date.duration_since(Timestamp::now())))
    }

    /// Whether discovery lists a resource in its version.
    pub async fn served(&self, resource: &Resource) -> Result<bool, CallError> {
        #[derive(Deserialize)]
        struct Listed {
            #[serde(default)]
            resources: Vec<Name>,
        }
        #[derive(Deserialize)]
        struct Name {
            name: String,
        }
        let path = paths::root(resource);
        let listed: Listed = match self.cluster.wire().get(&path, CALL).await {
            Err(error) if error.not_found() => return Ok(false),
            answer => decoded(&answer?.body, &path)?,
        };
        Ok(listed.resources.iter().any(|listed| listed.name == resource.plural))
    }
}

/// Reads JSON; what cannot be read is told by its place only.
pub(super) fn decoded<T: serde::de::DeserializeOwned>(body: &[u8], what: &str) -> Result<T, CallError> {
    serde_json::from_slice(body).map_err(|error| CallError::Undecodable {
        what: format!("{what} ({:?} error at line {}, column {})", error.classify(), error.line(), error.column())
            .into(),
    })
}
