//! The API verbs on resources: from a decoded request to an answer.

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use http::header::{ACCEPT, CONTENT_TYPE};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::answer::{self, Answer};
use super::query::Query;
use super::route::Target;
use crate::sim::cluster::Cluster;
use crate::sim::exec;
use crate::sim::forward;
use crate::sim::list::{self, ListQuery};
use crate::sim::logs;
use crate::sim::object::{self, text};
use crate::sim::patch::{self, Format};
use crate::sim::protobuf;
use crate::sim::refusal::Refusal;
use crate::sim::review;
use crate::sim::scale;
use crate::sim::selector::Selector;
use crate::sim::store::{Key, Object};
use crate::sim::table::{Include, Printer};
use crate::sim::users::Caller;
use crate::sim::watch::{Watch, WatchQuery};
use crate::sim::write::{self, DeleteOptions, Deleted, Part, Propagation};

/// The largest body read; the real limit is 3 MiB too.
const MAX_BODY: usize = 3 << 20;

/// A request on a resource by a known caller.
pub(super) struct Call {
    pub cluster: Arc<Cluster>,
    pub user: Caller,
    pub target: Target,
    pub query: Query,
}

/// Answers a request the user has the right to make.
pub(super) async fn answer(call: Call, verb: &str, request: Request<Incoming>) -> Result<Answer, Refusal> {
    let table = wants_table(&request);
    match verb {
        "get" if call.target.subresource == "scale" => {
            call.object().map(|object| answer::json(200, &scale::of(&object.value)))
        }
        "get" if call.target.subresource == "log" => logs::answer(&call.cluster, &call.key(), &call.query).await,
        "get" => call.get(table),
        "list" => call.list(table),
        "watch" => call.watch(table),
        "connect" if call.target.subresource == "portforward" => {
            forward::connect(&call.cluster, &call.key(), call.query.get("ports"), request)
        }
        "connect" => exec::connect(
            &call.cluster,
            &call.key(),
            &call.target.subresource,
            &call.query.all("command"),
            call.query.get("container"),
            request,
        ),
        "create" => {
            let body = body(request).await?;
            call.create(body)
        }
        "update" => {
            let body = body(request).await?;
            call.update(body)
        }
        "patch" => {
            let format = Format::of(header(&request, &CONTENT_TYPE))?;
            let body = body(request).await?;
            call.patch(format, &body)
        }
        "delete" => {
            let body = optional_body(request).await?;
            call.delete(&body)
        }
        "deletecollection" => {
            let body = optional_body(request).await?;
            call.delete_collection(&body)
        }
        _ => Err(Refusal::method_not_allowed()),
    }
}

impl Call {
    fn key(&self) -> Key {
        Key::new(self.target.kind.plural, &self.target.namespace, &self.target.name)
    }

    fn part(&self) -> Result<Part, Refusal> {
        match self.target.subresource.as_str() {
            "" => Ok(Part::Wish),
            "status" if self.target.kind.status => Ok(Part::Status),
            _ => Err(Refusal::no_such_path()),
        }
    }

    fn dry_run(&self) -> Result<bool, Refusal> {
        match self.query.get("dryRun") {
            "" => Ok(false),
            "All" => Ok(true),
            other => Err(Refusal::bad_request(format!("Invalid value: [\"{other}\"]: supported values: \"All\""))),
        }
    }

    fn namespace(&self) -> Option<String> {
        (!self.target.namespace.is_empty()).then(|| self.target.namespace.clone())
    }

    fn selector(&self) -> Result<Selector, Refusal> {
        Selector::new(self.target.kind, self.query.get("labelSelector"), self.query.get("fieldSelector"))
    }

    fn printer(&self) -> Printer {
        let include = match self.query.get("includeObject") {
            "Object" => Include::Object,
            "None" => Include::None,
            _ => Include::Metadata,
        };
        Printer::new(self.target.kind, include, self.cluster.clock.now())
    }

    fn object(&self) -> Result<Arc<Object>, Refusal> {
        if self.target.kind.review {
            return Err(Refusal::method_not_allowed());
        }
        self.cluster.store.get(&self.key()).ok_or_else(|| Refusal::not_found(self.target.kind, &self.target.name))
    }

    fn get(&self, table: bool) -> Result<Answer, Refusal> {
        self.part()?;
        let object = self.object()?;
        if table {
            return Ok(answer::json(200, &self.printer().event(&object)));
        }
        Ok(answer::bytes(200, "application/json", object.json()))
    }

    fn list(&self, table: bool) -> Result<Answer, Refusal> {
        let kind = self.target.kind;
        if kind.review {
            return Err(Refusal::method_not_allowed());
        }
        let query = ListQuery {
            namespace: self.namespace(),
            selector: self.selector()?,
            limit: self.query.number("limit").and_then(|limit| usize::try_from(limit).ok()).unwrap_or(0),
            continue_token: self.query.get("continue").to_owned(),
            resource_version: self.query.get("resourceVersion").to_owned(),
            exact_version: self.query.get("resourceVersionMatch") == "Exact",
        };
        let page = self.cluster.pages.list(&self.cluster.store, kind, &query)?;
        if table {
            return Ok(answer::json(200, &self.printer().page(&page)));
        }
        Ok(answer::bytes(200, "application/json", list::json(kind, &page)))
    }

    fn watch(&self, table: bool) -> Result<Answer, Refusal> {
        let kind = self.target.kind;
        let initial_events = self.query.is("sendInitialEvents");
        if initial_events && self.query.get("resourceVersionMatch") != "NotOlderThan" {
            let why = "Forbidden: resourceVersionMatch is required when sendInitialEvents is set to true";
            return Err(Refusal::invalid(kind, "", "resourceVersionMatch", why));
        }
        let mut selector = self.query.get("fieldSelector").to_owned();
        if !self.target.name.is_empty() {
            selector = format!("metadata.name={}", self.target.name);
        }
        let query = WatchQuery {
            kind,
            namespace: self.namespace(),
            selector: Selector::new(kind, self.query.get("labelSelector"), &selector)?,
            from: list::version(self.query.get("resourceVersion"))?,
            bookmarks: self.query.is("allowWatchBookmarks"),
            initial_events,
            timeout: self.query.number("timeoutSeconds").map(Duration::from_secs),
            printer: table.then(|| self.printer()),
        };
        let watch = Watch::start(&self.cluster.store, query, self.cluster.disconnects.subscribe());
        let cluster = Arc::clone(&self.cluster);
        let lines = futures::stream::unfold((watch, cluster), |(mut watch, cluster)| async move {
            let line = watch.next(&cluster.store).await?;
            Some((line, (watch, cluster)))
        });
        Ok(answer::stream(lines))
    }

    fn create(&self, value: Value) -> Result<Answer, Refusal> {
        let kind = self.target.kind;
        if kind.review {
            return Ok(answer::json(201, &review::answer(&self.cluster.store, &self.user, kind, value)));
        }
        if kind.plural == "serviceaccounts" && self.target.subresource == "token" {
            return self.token(value);
        }
        if !self.target.name.is_empty() {
            return Err(Refusal::method_not_allowed());
        }
        if kind.namespaced && self.target.namespace.is_empty() {
            return Err(Refusal::bad_request("an empty namespace may not be set during creation"));
        }
        check_type(kind, &value)?;
        let made = self
            .cluster
            .write(self.dry_run()?, |writer| writer.create(kind, &self.target.namespace, value, Part::Wish))?;
        Ok(answer::bytes(201, "application/json", made.json()))
    }

    /// Answers a `TokenRequest`.
    fn token(&self, mut value: Value) -> Result<Answer, Refusal> {
        self.object()?;
        let token = Caller::token_of(&self.target.namespace, &self.target.name);
        object::set(&mut value, "/status", json!({ "token": token }));
        Ok(answer::json(201, &value))
    }

    fn update(&self, value: Value) -> Result<Answer, Refusal> {
        let kind = self.target.kind;
        let dry_run = self.dry_run()?;
        if self.target.subresource == "scale" && kind.scale {
            let scaled = self.cluster.write(dry_run, |writer| scale::set(writer, kind, &self.key(), &value))?;
            return Ok(answer::json(200, &scale::of(&scaled.value)));
        }
        let part = self.part()?;
        check_type(kind, &value)?;
        let new = self.cluster.write(dry_run, |writer| writer.update(kind, &self.key(), value, part))?;
        Ok(answer::bytes(200, "application/json", new.json()))
    }

    fn patch(&self, format: Format, patch: &Value) -> Result<Answer, Refusal> {
        let kind = self.target.kind;
        let key = self.key();
        let dry_run = self.dry_run()?;
        if self.target.subresource == "scale" && kind.scale {
            let scaled = self.cluster.write(dry_run, |writer| {
                let old = writer.state.get(&key).cloned().ok_or_else(|| Refusal::not_found(kind, &key.name))?;
                scale::set(writer, kind, &key, &patch::apply(format, &scale::of(&old.value), patch)?)
            })?;
            return Ok(answer::json(200, &scale::of(&scaled.value)));
        }
        let part = self.part()?;
        let (code, new) = self.cluster.write(dry_run, |writer| match writer.state.get(&key).cloned() {
            Some(old) => {
                let value = patch::apply(format, &old.value, patch)?;
                writer.update(kind, &key, value, part).map(|new| (200, new))
            }
            None if format == Format::Apply && part == Part::Wish => {
                let mut value = patch.clone();
                object::set(&mut value, "/metadata/name", key.name.as_str());
                writer.create(kind, &key.namespace, value, part).map(|new| (201, new))
            }
            None => Err(Refusal::not_found(kind, &key.name)),
        })?;
        Ok(answer::bytes(code, "application/json", new.json()))
    }

    fn delete(&self, body: &Value) -> Result<Answer, Refusal> {
        let kind = self.target.kind;
        if !self.target.subresource.is_empty() {
            return Err(Refusal::method_not_allowed());
        }
        let options = self.delete_options(body);
        let dry_run = self.dry_run()? || object::items(body, "/dryRun").iter().any(|one| one == "All");
        match self.cluster.write(dry_run, |writer| writer.delete(kind, &self.key(), &options))? {
            Deleted::Gone(last) => Ok(answer::json(200, &write::deleted_status(kind, &last))),
            Deleted::Waiting(object) => Ok(answer::bytes(200, "application/json", object.json())),
        }
    }

    fn delete_collection(&self, body: &Value) -> Result<Answer, Refusal> {
        let kind = self.target.kind;
        if kind.review || (kind.namespaced && self.target.namespace.is_empty()) {
            return Err(Refusal::method_not_allowed());
        }
        let options = DeleteOptions { uid: None, resource_version: None, ..self.delete_options(body) };
        let selector = self.selector()?;
        let deleted = self.cluster.write(self.dry_run()?, |writer| {
            let mut objects = writer.state.list(kind.plural, self.namespace().as_deref());
            objects.retain(|object| selector.matches(&object.value));
            for object in &objects {
                writer.delete(kind, &Key::of(kind, &object.value), &options)?;
            }
            Ok::<_, Refusal>(list::Page {
                objects,
                revision: writer.state.revision(),
                continue_token: None,
                remaining: None,
            })
        })?;
        Ok(answer::bytes(200, "application/json", list::json(kind, &deleted)))
    }

    /// From the body or, for old clients, from the query.
    fn delete_options(&self, body: &Value) -> DeleteOptions {
        let given = |pointer: &str| Some(text(body, pointer).to_owned()).filter(|text| !text.is_empty());
        let policy = given("/propagationPolicy").unwrap_or_else(|| self.query.get("propagationPolicy").to_owned());
        DeleteOptions {
            uid: given("/preconditions/uid"),
            resource_version: given("/preconditions/resourceVersion"),
            at_once: body
                .pointer("/gracePeriodSeconds")
                .and_then(Value::as_u64)
                .or_else(|| self.query.number("gracePeriodSeconds"))
                == Some(0),
            propagation: match policy.as_str() {
                "Foreground" => Propagation::Foreground,
                "Orphan" => Propagation::Orphan,
                _ => Propagation::Background,
            },
        }
    }
}

fn check_type(kind: &crate::sim::kinds::Kind, value: &Value) -> Result<(), Refusal> {
    let (api_version, name) = (text(value, "/apiVersion"), text(value, "/kind"));
    let fits = |given: &str, wanted: &str| given.is_empty() || given == wanted;
    if fits(api_version, &kind.api_version()) && fits(name, kind.kind) {
        return Ok(());
    }
    let why = format!(
        "the API version in the data ({api_version}, {name}) does not match the expected API version ({}, {})",
        kind.api_version(),
        kind.kind
    );
    Err(Refusal::bad_request(why))
}

fn header<'a>(request: &'a Request<Incoming>, name: &http::HeaderName) -> &'a str {
    request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// A table is sent only when it is the client's first choice.
fn wants_table(request: &Request<Incoming>) -> bool {
    header(request, &ACCEPT).split(',').next().is_some_and(|first| first.contains("as=Table"))
}

async fn body(request: Request<Incoming>) -> Result<Value, Refusal> {
    let content_type = header(&request, &CONTENT_TYPE).to_owned();
    let body = Limited::new(request.into_body(), MAX_BODY);
    let bytes = body
        .collect()
        .await
        .map_err(|error| Refusal::bad_request(format!("the body could not be read: {error}")))?
        .to_bytes();
    if content_type.starts_with("application/vnd.kubernetes.protobuf") {
        return protobuf::decode(&bytes);
    }
    if content_type.contains("yaml") {
        let text = String::from_utf8_lossy(&bytes);
        return serde_saphyr::from_str(&text)
            .map_err(|_| Refusal::bad_request("the body of the request is not valid YAML"));
    }
    serde_json::from_slice(&bytes)
        .map_err(|error| Refusal::bad_request(format!("the body of the request is not valid JSON: {error}")))
}

async fn optional_body(request: Request<Incoming>) -> Result<Value, Refusal> {
    let empty = hyper::body::Body::is_end_stream(request.body());
    if empty { Ok(json!({})) } else { body(request).await }
}
