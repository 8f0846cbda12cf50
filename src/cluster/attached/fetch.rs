//! GET and nothing else, of one registry and of where it sends on to: bounded, and without following anything by itself.
//!
//! Not kube's client, which follows its own base address and notes whole addresses in its log: addresses that a registry
//! sends on to are as good as a password. Only the TLS connector is the same.

use std::path::PathBuf;

use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::TokioExecutor;
use kube::Config;
use kube::client::ConfigExt;
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;

use super::Fault;
use crate::cluster::errors::chain;
use crate::cluster::usage::certificates;

/// Sends requests to any address.
#[derive(Clone)]
pub(super) struct Http(BoxCloneSyncService<Request<Empty<Bytes>>, Response<Incoming>, ClientError>);

/// What was answered.
pub(super) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    /// A header, where it is text.
    pub fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl Http {
    /// One that checks certificates by this file, or by the authorities of the system.
    pub async fn new(base: Uri, ca: Option<PathBuf>) -> Result<Self, Fault> {
        let built = tokio::task::spawn_blocking(move || {
            let mut config = Config::new(base);
            if let Some(ca) = ca {
                config.root_cert = Some(certificates(&ca).map_err(|why| Fault::Ca(ca, why))?);
            }
            let connector = config.rustls_https_connector().map_err(|error| Fault::Unreachable(chain(&error)))?;
            let client = Client::builder(TokioExecutor::new()).build(connector);
            Ok(Self(BoxCloneSyncService::new(client)))
        });
        built.await.unwrap_or_else(|_| Err(Fault::Unreachable("building a client for it failed".into())))
    }

    /// The answer to one GET; a body that is longer than the limit is not read.
    pub async fn get(
        &self,
        uri: &Uri,
        accept: &str,
        login: Option<&HeaderValue>,
        limit: usize,
    ) -> Result<Answer, Fault> {
        let mut request = Request::get(uri).header(header::ACCEPT, accept).header(header::USER_AGENT, "holdfast");
        if let Some(login) = login {
            request = request.header(header::AUTHORIZATION, login);
        }
        let request = request.body(Empty::new()).map_err(|_| Fault::Odd("it cannot be asked for that"))?;
        let sent = self.0.clone().oneshot(request).await;
        let (head, body) = sent.map_err(|error| Fault::Unreachable(chain(&error)))?.into_parts();
        let read = Limited::new(body, limit).collect().await;
        let body = match read {
            Ok(body) => body.to_bytes().to_vec(),
            // What says no is not read by its words.
            Err(_) if !head.status.is_success() => Vec::new(),
            Err(error) if error.is::<LengthLimitError>() => return Err(Fault::TooLong(limit)),
            Err(error) => return Err(Fault::Unreachable(chain(&*error))),
        };
        Ok(Answer { status: head.status, headers: head.headers, body })
    }
}
