//! How full volumes are, asked of a Prometheus every so often: three GETs of its query API and nothing else.
//!
//! It goes straight to the configured address, without the API server, its credentials or a proxy; kube's client is
//! only the HTTP and TLS that is here already, under the layer that refuses whatever is not a read. One task asks,
//! with a deadline and a limit on answers, and sends what it heard through the same bounded channel as the watches.
//! Errors name the address and never hold a body.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::{Request, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use kube::client::{Body, ClientBuilder};
use kube::{Client, Config};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::config::PrometheusUrl;
use crate::model::{ClaimKey, Delta, Usage, UsageReport};
use crate::x509;

use super::errors::chain;
use super::readonly::ReadOnlyLayer;

mod decode;

use decode::{AnswerError, Measured};

/// Pause between two questions.
pub const USAGE_EVERY: Duration = Duration::from_secs(30);
/// How long a TCP and TLS connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long the three answers may take together.
const DEADLINE: Duration = Duration::from_secs(10);
/// Most bytes of one answer; 10,000 volumes need about 5 MiB.
const LIMIT: usize = 64 << 20;
/// Most bytes of an answer that says no.
const ERROR_LIMIT: usize = 64 << 10;

/// Where used space is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageFrom {
    /// The Prometheus.
    pub url: PrometheusUrl,
    /// PEM file of its certificate authorities; `None` for those of the system.
    pub ca: Option<PathBuf>,
}

/// Running questions; they stop when it is dropped.
#[derive(Debug)]
pub struct UsageWatch {
    _task: JoinSet<()>,
}

/// Asks at once and then `every` so often, until the watch is dropped or nobody listens. That it is asking is for the
/// caller to say ([`UsageReport::Asking`]). Must be called inside a
/// tokio runtime.
pub fn watch_usage(from: UsageFrom, every: Duration, out: mpsc::Sender<Delta>) -> UsageWatch {
    let mut task = JoinSet::new();
    task.spawn(async move {
        let mut source = Source { from, client: None };
        while out.send(Delta::Usage(source.report().await)).await.is_ok() {
            tokio::time::sleep(every).await;
        }
    });
    UsageWatch { _task: task }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum UsageError {
    #[error("cannot be reached: {0}; check the address in the configuration, and that it can be reached from here")]
    Unreachable(Box<str>),
    #[error("gave no answer within {}s", DEADLINE.as_secs())]
    TimedOut,
    #[error("answered {}{}", .0, hint(*.0))]
    Status(StatusCode),
    #[error("answered {0} ({1})")]
    Refused(StatusCode, Box<str>),
    #[error("answered with more than {} MiB, which is not read", LIMIT >> 20)]
    TooLong,
    #[error(transparent)]
    Answer(#[from] AnswerError),
    #[error("is not asked: its file of certificate authorities {} {}; correct prometheus_ca", .0.display(), .1)]
    Ca(PathBuf, Box<str>),
    #[error("is not asked: prometheus_ca is set, but its address is not https; correct one of them")]
    CaWithoutTls,
}

fn hint(status: StatusCode) -> &'static str {
    match status.as_u16() {
        300..=399 => "; name the address that it redirects to",
        401 | 403 => "; an address that asks for credentials is not supported",
        404 => "; is the path prefix of the address right?",
        _ => "",
    }
}

/// One Prometheus, with a connection to it while all is well.
struct Source {
    from: UsageFrom,
    client: Option<Client>,
}

impl Source {
    async fn report(&mut self) -> UsageReport {
        let asked = tokio::time::timeout(DEADLINE, self.ask()).await.unwrap_or(Err(UsageError::TimedOut));
        match asked {
            Ok(claims) => UsageReport::Measured(claims),
            Err(error) => {
                // The next attempt starts afresh: its certificate authorities may have been replaced.
                self.client = None;
                UsageReport::Failed(format!("Prometheus {} {error}", self.from.url).into())
            }
        }
    }

    async fn ask(&mut self) -> Result<Vec<(ClaimKey, Usage)>, UsageError> {
        let client = match &self.client {
            Some(client) => client.clone(),
            None => self.client.insert(connect(self.from.clone()).await?).clone(),
        };
        let mut measured = Measured::default();
        // A vector is dated by when it was asked for; when it was measured is a question of its own.
        let at = query(&client, "timestamp(kubelet_volume_stats_used_bytes)").await?;
        measured.times(&at)?;
        measured.used(&query(&client, "kubelet_volume_stats_used_bytes").await?)?;
        measured.capacities(&query(&client, "kubelet_volume_stats_capacity_bytes").await?)?;
        Ok(measured.claims())
    }
}

/// A client for this address alone: no credentials, no retries, no writes.
async fn connect(from: UsageFrom) -> Result<Client, UsageError> {
    let built = tokio::task::spawn_blocking(move || {
        let mut config = Config::new(from.url.uri().clone());
        config.connect_timeout = Some(CONNECT);
        config.default_retry = false;
        if let Some(ca) = from.ca {
            if !from.url.tls() {
                return Err(UsageError::CaWithoutTls);
            }
            config.root_cert = Some(certificates(&ca).map_err(|why| UsageError::Ca(ca, why))?);
        }
        let builder = ClientBuilder::try_from(config).map_err(|error| UsageError::Unreachable(chain(&error)))?;
        Ok(builder.with_layer(&ReadOnlyLayer).build())
    });
    built.await.unwrap_or_else(|_| Err(UsageError::Unreachable("building a client for it failed".into())))
}

/// The certificates of a PEM file. One byte over the limit of what is read is enough to be too many.
pub(super) fn certificates(path: &Path) -> Result<Vec<Vec<u8>>, Box<str>> {
    let mut pem = Vec::new();
    let file = File::open(path).map_err(|error| format!("cannot be opened ({error})"))?;
    let read = file.take(x509::MAX_BYTES as u64 + 1).read_to_end(&mut pem);
    read.map_err(|error| format!("cannot be read ({error})"))?;
    x509::ders(&pem).map_err(|error| error.to_string().into())
}

/// The body of one answer to an instant query.
async fn query(client: &Client, promql: &str) -> Result<Vec<u8>, UsageError> {
    let request =
        Request::get(format!("/api/v1/query?query={promql}")).header(http::header::ACCEPT, "application/json");
    let request = request.body(Body::empty()).map_err(|error| UsageError::Unreachable(chain(&error)))?;
    let response = client.send(request).await.map_err(|error| UsageError::Unreachable(chain(&error)))?;
    let status = response.status();
    let limit = if status.is_success() { LIMIT } else { ERROR_LIMIT };
    let body = Limited::new(response.into_body(), limit).collect().await;
    let body = body.map(|body| body.to_bytes().to_vec());
    if !status.is_success() {
        let kind = body.ok().and_then(|body| decode::error_type(&body));
        return Err(kind.map_or(UsageError::Status(status), |kind| UsageError::Refused(status, kind)));
    }
    body.map_err(|error| {
        if error.is::<LengthLimitError>() { UsageError::TooLong } else { UsageError::Unreachable(chain(&*error)) }
    })
}
