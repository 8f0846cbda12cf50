//! One request from its token to its audit entry.

use std::sync::Arc;

use http::header::{AUTHORIZATION, HeaderValue};
use http::{Method, Request};
use hyper::body::Incoming;
use serde_json::json;

use super::answer::{self, Answer};
use super::query::Query;
use super::route::{Route, Target};
use super::verbs;
use crate::sim::audit::AuditEvent;
use crate::sim::cluster::Cluster;
use crate::sim::discovery;
use crate::sim::openapi;
use crate::sim::refusal::Refusal;
use crate::sim::review::{self, Wish};
use crate::sim::users::{Caller, User};

/// The header that names a request's event.
const AUDIT_ID: &str = "audit-id";

/// Answers one request and writes it to the audit log.
pub(super) async fn handle(cluster: Arc<Cluster>, request: Request<Incoming>) -> Answer {
    let (prefix, path) = User::split_prefix(request.uri().path());
    let route = Route::parse(path, &cluster.kinds);
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let header = request.headers().get(AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
    let user = Caller::of_request(header, prefix);
    let mut event = event(&cluster, &request, &route, &query, user.as_ref());
    let verb = event.verb.clone();
    let outcome = answer_route(&cluster, route, &query, &verb, user, request).await;
    let mut answer = outcome.unwrap_or_else(|refusal| answer::refusal(&refusal));
    event.code = answer.status().as_u16();
    // The head of an upgraded answer is the container's, which knows of no audit.
    if let (Ok(id), true) = (HeaderValue::from_str(&event.id), event.code != 101) {
        answer.headers_mut().insert(AUDIT_ID, id);
    }
    cluster.audit.record(event);
    answer
}

async fn answer_route(
    cluster: &Arc<Cluster>,
    route: Route,
    query: &Query,
    verb: &str,
    user: Option<Caller>,
    request: Request<Incoming>,
) -> Result<Answer, Refusal> {
    // A credential that is not accepted is refused before anything is looked at, also where none is needed.
    if user.is_none() && request.headers().contains_key(AUTHORIZATION) {
        return Err(Refusal::unauthorized());
    }
    // Anyone may ask these (`system:public-info-viewer`).
    match &route {
        Route::Health => return Ok(answer::bytes(200, "text/plain", "ok")),
        Route::Version => return Ok(answer::json(200, &discovery::version(cluster.minor))),
        _ => {}
    }
    let user = user.ok_or_else(Refusal::unauthorized)?;
    let aggregated = accepts(&request, "as=APIGroupDiscoveryList");
    match route {
        Route::CoreVersions if aggregated => Ok(aggregate(&discovery::aggregated(&cluster.kinds, true))),
        Route::Groups if aggregated => Ok(aggregate(&discovery::aggregated(&cluster.kinds, false))),
        Route::CoreVersions => {
            Ok(answer::json(200, &json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []})))
        }
        Route::OpenApi => Ok(answer::json(200, &openapi::index(&cluster.kinds))),
        Route::OpenApiOf(root) => openapi::document(&cluster.kinds, &root).map(|document| answer::json(200, &document)),
        Route::Groups => Ok(answer::json(200, &discovery::groups(&cluster.kinds))),
        Route::Group(group) => discovery::group(&cluster.kinds, &group).map(|group| answer::json(200, &group)),
        Route::Resources { group, version } => {
            discovery::resources(&cluster.kinds, &group, &version).map(|list| answer::json(200, &list))
        }
        Route::Resource(target) => {
            let call = verbs::Call { cluster: Arc::clone(cluster), user, target, query: query.clone() };
            authorize(&call, verb)?;
            verbs::answer(call, verb, request).await
        }
        Route::Health | Route::Version | Route::Nothing => Err(Refusal::no_such_path()),
    }
}

fn aggregate(list: &serde_json::Value) -> Answer {
    answer::bytes(200, "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList", list.to_string())
}

fn authorize(call: &verbs::Call, verb: &str) -> Result<(), Refusal> {
    let Target { kind, namespace, name, subresource } = &call.target;
    // Opening an exec session is "create" to RBAC, whatever the HTTP method.
    let verb = if verb == "connect" { "create" } else { verb };
    // RBAC sees a namespace as being in itself.
    let namespace = if kind.plural == "namespaces" { name } else { namespace };
    review::authorize(&call.cluster.store, &call.user, Wish { verb, kind, namespace, name, subresource })
}

/// Whether the first entry of `Accept` contains `what`; later ones are only fallbacks.
fn accepts(request: &Request<Incoming>, what: &str) -> bool {
    let accept = request.headers().get(http::header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.split(',').next().is_some_and(|first| first.contains(what))
}

fn event(
    cluster: &Cluster,
    request: &Request<Incoming>,
    route: &Route,
    query: &Query,
    user: Option<&Caller>,
) -> AuditEvent {
    // A client may choose the id (`k8s.io/apiserver/pkg/endpoints/filters`, WithAuditInit).
    let given = request.headers().get(AUDIT_ID).and_then(|id| id.to_str().ok()).filter(|id| !id.is_empty());
    let mut event = AuditEvent {
        id: given.map_or_else(|| cluster.ids.uuid(), str::to_owned),
        at: cluster.clock.now(),
        user: user.map(Caller::to_string).unwrap_or_default(),
        verb: request.method().as_str().to_lowercase(),
        method: request.method().to_string(),
        path: request
            .uri()
            .path_and_query()
            .map(|path| User::split_prefix(path.as_str()).1.to_owned())
            .unwrap_or_default(),
        group: String::new(),
        resource: String::new(),
        subresource: String::new(),
        namespace: String::new(),
        name: String::new(),
        code: 0,
    };
    if let Route::Resource(target) = route {
        verb(request.method(), target, query).clone_into(&mut event.verb);
        target.kind.group.clone_into(&mut event.group);
        target.kind.plural.clone_into(&mut event.resource);
        event.subresource.clone_from(&target.subresource);
        event.namespace.clone_from(&target.namespace);
        event.name.clone_from(&target.name);
    }
    event
}

fn verb(method: &Method, target: &Target, query: &Query) -> &'static str {
    let channel = ["exec", "attach", "portforward", "proxy"].contains(&target.subresource.as_str());
    match *method {
        _ if channel => "connect",
        Method::GET | Method::HEAD if query.is("watch") => "watch",
        Method::GET | Method::HEAD if target.name.is_empty() => "list",
        Method::GET | Method::HEAD => "get",
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE if target.name.is_empty() => "deletecollection",
        Method::DELETE => "delete",
        _ => "unknown",
    }
}
