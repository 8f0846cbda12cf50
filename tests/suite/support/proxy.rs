//! The one fault proxy: it stands on loopback before the embedded cluster and the real control plane alike.
//!
//! It passes requests, streams and upgrades through as they come, keeps a record, and does what was ordered to the
//! requests that an order matches. Orders are looked at in turn; the first that matches and is not used up acts.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper_util::rt::TokioIo;
use kube::client::Body;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What is done to a request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Answered with this HTTP status and a Kubernetes Status; `Retry-After` in seconds where given.
    Status(u16, Option<u32>),
    /// Passed on after this long.
    Delay(Duration),
    /// The connection is dropped, and the server never sees the request.
    Cut,
    /// The server does it, and the connection is dropped before the answer.
    LostAnswer,
    /// Not passed on until the gate opens.
    Hold(Gate),
    /// The server does it, and the answer is held until the gate opens.
    HoldAnswer(Gate),
    /// Passed on without these fields of its JSON body (JSON pointers), as a server drops what it does not know.
    Drop(&'static [&'static str]),
}

/// Holds requests until it is opened or broken.
#[derive(Clone, Debug)]
pub struct Gate(watch::Sender<(Door, usize)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    Shut,
    Open,
    Broken,
}

impl Gate {
    pub fn shut() -> Self {
        Self(watch::Sender::new((Door::Shut, 0)))
    }

    /// What is held, and whatever comes, passes.
    pub fn open(&self) {
        self.0.send_modify(|state| state.0 = Door::Open);
    }

    /// The connections of what is held, and of whatever comes, are dropped.
    pub fn break_off(&self) {
        self.0.send_modify(|state| state.0 = Door::Broken);
    }

    /// How many requests came to it.
    pub fn arrived(&self) -> usize {
        self.0.borrow().1
    }

    async fn pass(&self) -> Result<(), Dropped> {
        self.0.send_modify(|state| state.1 += 1);
        let mut state = self.0.subscribe();
        let door = state.wait_for(|(door, _)| *door != Door::Shut).await.map_or(Door::Broken, |state| state.0);
        if door == Door::Open { Ok(()) } else { Err(Dropped) }
    }
}

type Predicate = Arc<dyn Fn() -> bool + Send + Sync>;

/// An order: which requests, and what is done to them.
#[derive(Clone)]
pub struct Order {
    method: Option<Method>,
    path: Vec<String>,
    without: Vec<String>,
    when: Option<Predicate>,
    times: usize,
    /// Whether only to what changes something.
    writes: bool,
    /// How often each request came, where only every second one is taken.
    every_second: Option<BTreeMap<String, usize>>,
    /// What is done, in turn.
    faults: Vec<Fault>,
    turn: usize,
}

impl Order {
    /// To every request.
    pub fn any(fault: Fault) -> Self {
        Self {
            method: None,
            path: Vec::new(),
            without: Vec::new(),
            when: None,
            times: usize::MAX,
            writes: false,
            every_second: None,
            faults: vec![fault],
            turn: 0,
        }
    }

    /// To every request that changes something; trying out and asking for one's own rights do not.
    pub fn writes(fault: Fault) -> Self {
        Self { writes: true, ..Self::any(fault) }.without("dryRun=All").without("/selfsubject")
    }

    /// To requests with this method whose path and query contain this.
    pub fn on(method: Method, path: &str, fault: Fault) -> Self {
        Self { method: Some(method), ..Self::any(fault) }.with(path)
    }

    /// Only where path and query also contain this.
    pub fn with(mut self, path: &str) -> Self {
        self.path.push(path.to_owned());
        self
    }

    /// Only where path and query do not contain this.
    pub fn without(mut self, path: &str) -> Self {
        self.without.push(path.to_owned());
        self
    }

    /// Only while this holds.
    pub fn when(mut self, holds: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.when = Some(Arc::new(holds));
        self
    }

    /// Only so many times.
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// After what came before, this; and then from the beginning again.
    pub fn then(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Of requests with the same method and path only the first, the third and so on: what is tried again passes.
    pub fn every_second(mut self) -> Self {
        self.every_second = Some(BTreeMap::new());
        self
    }

    fn takes(&mut self, method: &Method, path: &str) -> Option<Fault> {
        let mine = self.method.as_ref().is_none_or(|own| own == method)
            && self.path.iter().all(|part| path.contains(part.as_str()))
            && !self.without.iter().any(|part| path.contains(part.as_str()))
            && !(self.writes && method == Method::GET)
            && self.times > 0
            && self.when.as_ref().is_none_or(|holds| holds());
        if !mine {
            return None;
        }
        if let Some(came) = &mut self.every_second {
            let count = came.entry(format!("{method} {path}")).or_default();
            *count += 1;
            if count.is_multiple_of(2) {
                return None;
            }
        }
        self.times -= 1;
        let fault = self.faults[self.turn % self.faults.len()].clone();
        self.turn += 1;
        Some(fault)
    }
}

/// A request that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Came {
    pub method: Method,
    /// Path and query.
    pub path: String,
    pub agent: String,
    /// What was answered; `None` while it is under way, or when the connection was dropped.
    pub status: Option<u16>,
}

/// Where requests go.
#[derive(Clone)]
pub struct Upstream {
    client: kube::Client,
    /// Every SelfSubjectAccessReview, with the credential that it came with.
    reviews: Arc<Mutex<Vec<(String, serde_json::Value)>>>,
}

impl Upstream {
    /// A server at this URL; `authority` is the PEM of its certificate's issuer for https.
    pub fn new(url: &str, authority: Option<&str>) -> Self {
        let mut config = kube::Config::new(url.parse().unwrap());
        config.default_retry = false;
        config.disable_compression = true;
        config.read_timeout = None;
        if let Some(pem) = authority {
            let der = x509_parser::pem::Pem::iter_from_buffer(pem.as_bytes()).map(|pem| pem.unwrap().contents);
            config.root_cert = Some(der.collect());
        }
        Self { client: kube::Client::try_from(config).unwrap(), reviews: Arc::default() }
    }
}

struct Shared {
    upstream: Upstream,
    /// A new value breaks all upgraded connections.
    cuts: watch::Sender<usize>,
    orders: Mutex<Vec<Order>>,
    came: Mutex<Vec<Came>>,
}

/// A connection that ends without an answer.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("dropped as ordered")]
struct Dropped;

/// The proxy. Dropping it ends all connections.
pub struct Proxy {
    shared: Arc<Shared>,
    address: SocketAddr,
    /// Bound and never listening: nobody else gets the port while the server is gone.
    _port: TcpSocket,
    serving: Mutex<Option<tokio::task::JoinHandle<()>>>,
}

impl Proxy {
    /// Stands before `upstream` on a free port.
    pub fn before(upstream: Upstream) -> Self {
        let shared = Arc::new(Shared {
            upstream,
            cuts: watch::Sender::new(0),
            orders: Mutex::default(),
            came: Mutex::default(),
        });
        let port = bound((Ipv4Addr::LOCALHOST, 0).into());
        let address = port.local_addr().unwrap();
        let proxy = Self { shared, address, _port: port, serving: Mutex::default() };
        proxy.revive();
        proxy
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on.
    pub fn order(&self, order: Order) {
        locked(&self.shared.orders).push(order);
    }

    /// Takes all orders back. What is held stays held until its gate opens.
    pub fn clear(&self) {
        locked(&self.shared.orders).clear();
    }

    /// Every request so far, the oldest first.
    pub fn came(&self) -> Vec<Came> {
        locked(&self.shared.came).clone()
    }

    /// What was asked about own rights, on every way to this server, and with which credential.
    pub fn reviews(&self) -> Vec<(String, serde_json::Value)> {
        locked(&self.shared.upstream.reviews).clone()
    }

    /// Breaks all upgraded connections, such as commands in containers; the server is there all the while.
    pub fn cut_channels(&self) {
        self.shared.cuts.send_modify(|count| *count += 1);
    }

    /// The server is gone: connections break, new ones are refused.
    pub async fn kill(&self) {
        let serving = locked(&self.serving).take();
        if let Some(serving) = serving {
            serving.abort();
            // Ends with a cancellation; then nothing listens on the port.
            let _ = serving.await;
        }
    }

    /// It is back, on the same port.
    pub fn revive(&self) {
        let listener = bound(self.address).listen(64).unwrap();
        *locked(&self.serving) = Some(tokio::spawn(serve(listener, Arc::clone(&self.shared))));
    }

    /// A kubeconfig with one context that leads here.
    pub fn kubeconfig(&self, context: &str, namespace: &str, token: &str) -> String {
        let url = self.url();
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: {context}\n\
             clusters:\n- name: test\n  cluster:\n    server: {url}\n\
             users:\n- name: person\n  user:\n    token: {token}\n\
             contexts:\n- name: {context}\n  context:\n    cluster: test\n    user: person\n    namespace: {namespace}\n"
        )
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(serving) = locked(&self.serving).take() {
            serving.abort();
        }
    }
}

/// A socket on this address. Several may be, of which one listens.
fn bound(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves until it is aborted; the connections end with it.
async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let shared = Arc::clone(&shared);
                connections.spawn(async move {
                    // Nagle would add 40 ms to watch events.
                    let _ = stream.set_nodelay(true);
                    let service = hyper::service::service_fn(move |request| answer(Arc::clone(&shared), request));
                    let connection = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .with_upgrades();
                    // Breaking off is what some orders do.
                    let _ = connection.await;
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

type Answer = Result<Response<http_body_util::combinators::UnsyncBoxBody<Bytes, BoxError>>, BoxError>;
type BoxError = Box<dyn std::error::Error + Send + Sync>;

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Answer {
    let (method, path) = (request.method().clone(), request.uri().to_string());
    let agent = request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let came = Came { method: method.clone(), path: path.clone(), agent: agent.unwrap_or("").to_owned(), status: None };
    let number = {
        let mut all = locked(&shared.came);
        all.push(came);
        all.len() - 1
    };
    let fault = locked(&shared.orders).iter_mut().find_map(|order| order.takes(&method, &path));
    let answered = match fault {
        None => forward(&shared, request).await,
        Some(Fault::Status(code, retry)) => {
            // The client would see a reset instead of the answer if its body was left unread.
            let _ = request.into_body().collect().await;
            Ok(status(code, retry))
        }
        Some(Fault::Delay(time)) => {
            tokio::time::sleep(time).await;
            forward(&shared, request).await
        }
        Some(Fault::Cut) => Err(Dropped.into()),
        Some(Fault::LostAnswer) => {
            forward(&shared, request).await?;
            Err(Dropped.into())
        }
        Some(Fault::Hold(gate)) => {
            gate.pass().await?;
            forward(&shared, request).await
        }
        Some(Fault::Drop(fields)) => forward_without(&shared, request, fields).await,
        Some(Fault::HoldAnswer(gate)) => {
            let answer = forward(&shared, request).await?;
            gate.pass().await?;
            Ok(answer)
        }
    };
    if let Ok(response) = &answered {
        locked(&shared.came)[number].status = Some(response.status().as_u16());
    }
    answered
}

fn status(code: u16, retry: Option<u32>) -> Response<http_body_util::combinators::UnsyncBoxBody<Bytes, BoxError>> {
    let reason = match code {
        403 => "Forbidden",
        404 => "NotFound",
        409 => "Conflict",
        410 => "Expired",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        _ => "InternalError",
    };
    let body = serde_json::json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": format!("ordered by the test: {code}"), "reason": reason, "code": code,
    });
    let mut response = Response::builder().status(code).header(header::CONTENT_TYPE, "application/json");
    if let Some(seconds) = retry {
        response = response.header(header::RETRY_AFTER, seconds);
    }
    let body = Full::new(Bytes::from(body.to_string())).map_err(|never| match never {});
    response.body(UnsyncBody::new(body)).unwrap()
}

type UnsyncBody = http_body_util::combinators::UnsyncBoxBody<Bytes, BoxError>;

async fn forward(shared: &Shared, mut request: Request<Incoming>) -> Answer {
    let upgrade = request.headers().contains_key(header::UPGRADE).then(|| hyper::upgrade::on(&mut request));
    let (parts, incoming) = request.into_parts();
    let bytes = if incoming.is_end_stream() { Bytes::new() } else { incoming.collect().await?.to_bytes() };
    if parts.uri.path().ends_with("/selfsubjectaccessreviews") {
        let bearer = parts.headers.get(header::AUTHORIZATION).and_then(|bearer| bearer.to_str().ok());
        let review = serde_json::from_slice(&bytes)?;
        locked(&shared.upstream.reviews).push((bearer.unwrap_or_default().to_owned(), review));
    }
    let body = if bytes.is_empty() { Body::empty() } else { Body::from(bytes) };
    let mut response = send(shared, &parts, body, upgrade.is_some()).await?;
    if let (Some(near), StatusCode::SWITCHING_PROTOCOLS) = (upgrade, response.status()) {
        let far = hyper::upgrade::on(&mut response);
        let mut cuts = shared.cuts.subscribe();
        tokio::spawn(async move {
            let (Ok(near), Ok(far)) = (near.await, far.await) else { return };
            let (mut near, mut far) = (TokioIo::new(near), TokioIo::new(far));
            // Either end may go away at any time.
            tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                _ = cuts.changed() => {}
            }
        });
    }
    Ok(framed_anew(response))
}

async fn forward_without(shared: &Shared, request: Request<Incoming>, fields: &[&str]) -> Answer {
    let (parts, incoming) = request.into_parts();
    let mut body: serde_json::Value = serde_json::from_slice(&incoming.collect().await?.to_bytes())?;
    for field in fields {
        let (parent, name) = field.rsplit_once('/').unwrap();
        if let Some(parent) = body.pointer_mut(parent).and_then(serde_json::Value::as_object_mut) {
            parent.remove(name);
        }
    }
    Ok(framed_anew(send(shared, &parts, Body::from(serde_json::to_vec(&body)?), false).await?))
}

async fn send(
    shared: &Shared,
    parts: &http::request::Parts,
    body: Body,
    upgrade: bool,
) -> Result<Response<Body>, BoxError> {
    let mut onward = Request::builder().method(parts.method.clone()).uri(parts.uri.clone());
    *onward.headers_mut().unwrap() = onward_headers(&parts.headers, upgrade);
    Ok(shared.upstream.client.send(onward.body(body)?).await?)
}

/// The answer as this side passes it on: its body is framed anew.
fn framed_anew(response: Response<Body>) -> Response<UnsyncBody> {
    let (mut parts, body) = response.into_parts();
    parts.headers.remove(header::TRANSFER_ENCODING);
    if parts.status != StatusCode::SWITCHING_PROTOCOLS {
        parts.headers.remove(header::CONNECTION);
    }
    Response::from_parts(parts, UnsyncBody::new(body.map_err(BoxError::from)))
}

fn onward_headers(headers: &HeaderMap, upgrade: bool) -> HeaderMap {
    let mut onward = headers.clone();
    for name in [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING] {
        onward.remove(name);
    }
    if !upgrade {
        onward.remove(header::CONNECTION);
    }
    onward
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use futures::{AsyncBufReadExt, TryStreamExt};
    use http::{Method, Request};
    use kube::client::Body;

    use super::{Fault, Gate, Order};
    use crate::support::cluster::{TestCluster, User};
    use crate::support::manifests;
    use crate::support::wait::{self, LONG};

    /// A client that goes through the proxy.
    async fn client(cluster: &TestCluster) -> kube::Client {
        let text = cluster.proxy.kubeconfig("test", &cluster.namespace, &cluster.token(User::Admin));
        let kubeconfig = kube::config::Kubeconfig::from_yaml(&text).unwrap();
        let options = kube::config::KubeConfigOptions::default();
        let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
        config.default_retry = false;
        kube::Client::try_from(config).unwrap()
    }

    fn get(path: &str) -> Request<Vec<u8>> {
        Request::get(path).body(Vec::new()).unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn orders_are_carried_out_once_each_and_in_turn() {
        let cluster = TestCluster::sim("orders").await;
        let client = client(&cluster).await;
        let path = "/api/v1/namespaces";
        for (code, retry) in [(429, Some(7)), (500, None)] {
            cluster.proxy.order(Order::on(Method::GET, path, Fault::Status(code, retry)).times(1));
        }
        cluster.proxy.order(Order::on(Method::GET, path, Fault::Cut).times(1));
        for code in [429, 500] {
            let refused = client.request_text(get(path)).await.unwrap_err();
            assert!(matches!(&refused, kube::Error::Api(status) if status.code == code), "{refused}");
        }
        let cut = client.request_text(get(path)).await.unwrap_err();
        assert!(!matches!(cut, kube::Error::Api(_)), "{cut}");
        assert!(client.request_text(get(path)).await.unwrap().contains(&cluster.namespace));
        let statuses: Vec<_> = cluster.proxy.came().iter().map(|came| came.status).collect();
        assert_eq!(statuses, [Some(429), Some(500), None, Some(200)]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_lost_answer_is_of_a_request_that_was_done() {
        let cluster = TestCluster::sim("lost").await;
        let client = client(&cluster).await;
        cluster.proxy.order(Order::on(Method::POST, "/namespaces", Fault::LostAnswer));
        let body = serde_json::to_vec(&manifests::namespace("made")).unwrap();
        let create = Request::post("/api/v1/namespaces").header("content-type", "application/json").body(body).unwrap();
        client.request_text(create).await.unwrap_err();
        assert!(cluster.get_global("v1", "Namespace", "made").await.is_some());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_gate_holds_and_lets_go() {
        let cluster = TestCluster::sim("gate").await;
        let client = client(&cluster).await;
        let gate = Gate::shut();
        cluster.proxy.order(Order::any(Fault::Hold(gate.clone())).times(1));
        let held = tokio::spawn(async move { client.request_text(get("/version")).await });
        wait::until("the request to be held", LONG, async || (gate.arrived() == 1).then_some(())).await;
        assert!(!held.is_finished());
        gate.open();
        held.await.unwrap().unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn watches_pass_event_by_event() {
        let cluster = TestCluster::sim("stream").await;
        let client = client(&cluster).await;
        let path = format!("/api/v1/namespaces/{}/persistentvolumeclaims?watch=true", cluster.namespace);
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = client.send(request).await.unwrap();
        let stream = http_body_util::BodyStream::new(answer.into_body())
            .map_ok(|frame| frame.into_data().unwrap_or_default())
            .map_err(std::io::Error::other);
        let mut lines = stream.into_async_read().lines();
        let began = Instant::now();
        for name in ["one", "two"] {
            cluster.create(&manifests::claim(&cluster.namespace, name)).await;
            let named = format!("\"name\":\"{name}\"");
            while !lines.try_next().await.unwrap().unwrap().contains(&named) {}
        }
        assert!(began.elapsed() < Duration::from_secs(5), "events wait in the proxy: {:?}", began.elapsed());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_killed_proxy_refuses_and_is_revived_on_its_port() {
        let cluster = TestCluster::sim("kill").await;
        let client = client(&cluster).await;
        client.request_text(get("/version")).await.unwrap();
        cluster.proxy.kill().await;
        client.request_text(get("/version")).await.unwrap_err();
        cluster.proxy.revive();
        client.request_text(get("/version")).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn upgrades_pass_both_ways() {
        let cluster = TestCluster::sim("upgrade").await;
        let client = client(&cluster).await;
        let pods: kube::Api<k8s_openapi::api::core::v1::Pod> = kube::Api::namespaced(client, "shop");
        let ran = async {
            loop {
                let parameters = kube::api::AttachParams::default().stderr(false);
                // The pod is there once its controller made it.
                let Ok(mut process) = pods.exec("db-0", ["echo", "through"], &parameters).await else {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                };
                let mut said = String::new();
                let mut stdout = process.stdout().unwrap();
                tokio::io::AsyncReadExt::read_to_string(&mut stdout, &mut said).await.unwrap();
                return said;
            }
        };
        let said = tokio::time::timeout(LONG, ran).await.expect("exec gives an answer");
        assert_eq!(said, "through\n");
    }
}
