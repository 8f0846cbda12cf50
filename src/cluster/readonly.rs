//! Read-only as a property of the HTTP client: a layer around every request.
//!
//! It lets pass what reads (GET, HEAD, OPTIONS) and the three reviews by which one asks about oneself. Protocol
//! upgrades and the channel subresources (exec, attach, portforward, proxy) are GETs too and are refused, and so is
//! any path that a server could read differently than this module does. It is the outermost layer: it sees the path
//! as it was asked for. It covers the API server only, not what a credential plugin does.

use std::task::{Context, Poll};

use futures::TryFutureExt;
use futures::future::{Either, ErrInto, Ready, ready};
use http::{Method, Request};
use kube::core::Status;
use tower::{BoxError, Layer, Service};

/// `reason` of the [`Status`] that a refused request gets.
pub(super) const REASON: &str = "ReadOnlyMode";

/// POSTs that store nothing: questions about the asking identity.
const REVIEWS: [&str; 3] = [
    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
    "/apis/authentication.k8s.io/v1/selfsubjectreviews",
];

/// Subresources through which a GET acts on what it reaches.
const CHANNELS: [&str; 4] = ["exec", "attach", "portforward", "proxy"];

/// Wraps a client's service in [`ReadOnly`].
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ReadOnlyLayer;

/// Refuses whatever is not a plain read.
#[derive(Clone, Debug)]
pub(super) struct ReadOnly<S>(S);

impl<S> Layer<S> for ReadOnlyLayer {
    type Service = ReadOnly<S>;

    fn layer(&self, service: S) -> ReadOnly<S> {
        ReadOnly(service)
    }
}

impl<S, B> Service<Request<B>> for ReadOnly<S>
where
    S: Service<Request<B>>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Either<Ready<Result<S::Response, BoxError>>, ErrInto<S::Future, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Some(why) = refusal(&request) else { return Either::Right(self.0.call(request).err_into()) };
        let message = format!("read-only mode refused {} {}: {why}", request.method(), request.uri().path());
        let status = Status::failure(&message, REASON).with_code(403);
        Either::Left(ready(Err(Box::new(kube::Error::Api(status.boxed())) as BoxError)))
    }
}

/// Why a request may not pass, or `None` when it only reads.
fn refusal<B>(request: &Request<B>) -> Option<String> {
    let path = request.uri().path();
    if path.contains(['%', '\\']) || path.contains("//") || path.split('/').any(|part| part == "." || part == "..") {
        return Some("the path is not in its plain form".into());
    }
    match *request.method() {
        Method::GET | Method::HEAD | Method::OPTIONS => {
            if request.headers().contains_key(http::header::UPGRADE) {
                return Some("protocol upgrade (exec, attach, port-forward)".into());
            }
            channel(path).map(|name| format!("subresource {name}"))
        }
        Method::POST if REVIEWS.contains(&path) => None,
        ref method => Some(format!("{method} may write")),
    }
}

/// The channel subresource that a path names, if any. `/api/v1/namespaces/N/PLURAL/NAME/SUB/…` and its
/// cluster-scoped form; a namespace or an object may well be called `proxy` or `exec`.
fn channel(path: &str) -> Option<&'static str> {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let root = match parts.next()? {
        "api" => 1,
        "apis" => 2,
        _ => return None,
    };
    let rest: Vec<&str> = parts.skip(root).collect();
    let rest = if rest.first() == Some(&"namespaces") && rest.len() > 2 { &rest[2..] } else { &rest[..] };
    let subresource = rest.get(2)?;
    CHANNELS.into_iter().find(|name| name == subresource)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, path: &str) -> Request<()> {
        Request::builder().method(method).uri(path).body(()).unwrap()
    }

    #[test]
    fn refuses_everything_that_is_not_a_read() {
        let pods = "/api/v1/namespaces/shop/pods";
        for (method, path) in [
            ("POST", pods.to_owned()),
            ("POST", format!("{pods}/db-0/eviction")),
            ("PATCH", format!("{pods}/db-0?fieldManager=x&force=true")),
            ("PUT", format!("{pods}/db-0")),
            ("DELETE", format!("{pods}/db-0")),
            ("DELETE", pods.to_owned()),
            ("CONNECT", format!("{pods}/db-0/proxy")),
            ("GET", format!("{pods}/db-0/exec?command=sh")),
            ("GET", format!("{pods}/db-0/attach")),
            ("GET", format!("{pods}/db-0/portforward?ports=80")),
            ("GET", "/api/v1/namespaces/shop/services/web:80/proxy/admin".to_owned()),
            ("GET", "/api/v1/nodes/n1/proxy/run".to_owned()),
            ("HEAD", format!("{pods}/db-0/proxy")),
            ("GET", format!("{pods}/db-0/%65xec")),
            ("GET", format!("{pods}/../../kube-system/secrets/x")),
            ("GET", format!("{pods}//db-0/exec")),
            ("GET", format!("{pods}/./db-0/exec")),
            ("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews".to_owned()),
            ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews/x".to_owned()),
            ("PUT", REVIEWS[0].to_owned()),
        ] {
            assert!(refusal(&request(method, &path)).is_some(), "{method} {path} passed");
        }
    }

    #[test]
    fn refuses_an_upgrade_whatever_the_path() {
        let upgrade = Request::get("/api/v1/namespaces/shop/pods/db-0/log").header("upgrade", "websocket");
        assert!(refusal(&upgrade.body(()).unwrap()).is_some());
    }

    #[test]
    fn passes_reads_and_questions_about_oneself() {
        for (method, path) in [
            ("GET", "/api/v1/namespaces/shop/pods?watch=1"),
            ("GET", "/api/v1/namespaces/shop/pods/exec"),
            ("GET", "/api/v1/namespaces/proxy/pods/db-0"),
            ("GET", "/api/v1/namespaces/proxy"),
            ("GET", "/api/v1/namespaces/shop/pods/db-0/log"),
            ("GET", "/apis/apps/v1/namespaces/shop/statefulsets/db/scale"),
            ("GET", "/readyz"),
            ("HEAD", "/version"),
            ("POST", REVIEWS[0]),
            ("POST", REVIEWS[1]),
            ("POST", REVIEWS[2]),
        ] {
            assert_eq!(refusal(&request(method, path)), None, "{method} {path}");
        }
    }

    #[tokio::test]
    async fn a_refused_request_never_reaches_the_service() {
        let inner = tower::service_fn(|_: Request<()>| async { Ok::<_, BoxError>("reached") });
        let mut service = ReadOnlyLayer.layer(inner);
        assert_eq!(service.call(request("GET", "/version")).await.unwrap(), "reached");
        let error = service.call(request("DELETE", "/api/v1/namespaces/shop")).await.unwrap_err();
        let Ok(error) = error.downcast::<kube::Error>() else { panic!("not an API error") };
        assert!(matches!(*error, kube::Error::Api(status) if status.reason == REASON && status.code == 403));
    }
}
