//! From a kubeconfig and a context to a client that is safe to use.
//!
//! Decides what kube would otherwise decide badly for a console: a credential plugin is run by [`plugin`](super::plugin)
//! and not by kube, nothing is retried behind the caller's back, a proxy is never used by accident, and errors show
//! no content of the files. Sends no request: whether the server answers is seen by the watches.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::Config;
use kube::client::ClientBuilder;
use kube::config::{KubeConfigOptions, Kubeconfig, NamedContext};

use super::errors::{chain, credentials, safe};
use super::eyes::Rights;
use super::readonly::ReadOnlyLayer;
use super::wire::Wire;
use super::{Cluster, Inner, kubeconfig, login, plugin};

/// How long building a client may take; credential plugins run in it.
const BUILD: Duration = Duration::from_secs(30);
/// How long a TCP and TLS connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// Name of the context when the service account of a pod is used.
const IN_CLUSTER: &str = "in-cluster";

/// Which cluster to connect to, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The kubeconfig file; `None` for `$KUBECONFIG` or `~/.kube/config`, else the pod's service account.
    pub kubeconfig: Option<PathBuf>,
    /// The context; `None` for the file's current one.
    pub context: Option<String>,
    /// Whether writing is made impossible, whatever the configuration says of the context.
    pub read_only: bool,
    /// Namespaces to look at; empty means all.
    pub namespaces: Vec<String>,
}

/// Why there is no client. The text says what, where and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A file cannot be read.
    #[error("cannot read {}; check the path (--kubeconfig, $KUBECONFIG) and its permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The kubeconfig is not valid YAML of the right shape.
    #[error("kubeconfig {} is broken at line {line}, column {column}; correct it there", path.display())]
    Yaml {
        /// The file.
        path: PathBuf,
        /// Line, from 1; 0 when unknown.
        line: u64,
        /// Column, from 1; 0 when unknown.
        column: u64,
    },
    /// The kubeconfig says something that cannot be used.
    #[error("kubeconfig {} cannot be used: {what}", path.display())]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: Box<str>,
    },
    /// Neither a kubeconfig nor a service account.
    #[error("there is no kubeconfig ($KUBECONFIG, ~/.kube/config) and no service account; name one with --kubeconfig")]
    Nothing,
    /// The kubeconfig has no current context and none was named.
    #[error("no context is chosen; name one with --context{}", list(known))]
    NoContext {
        /// The contexts there are.
        known: Vec<String>,
    },
    /// There is no such context.
    #[error("there is no context \"{}\"; choose another with --context{}", safe(name), list(known))]
    UnknownContext {
        /// What was asked for.
        name: String,
        /// The contexts there are.
        known: Vec<String>,
    },
    /// A certificate or key of the kubeconfig cannot be used.
    #[error("context \"{context}\": {why}; correct the certificates in its kubeconfig")]
    Certificate {
        /// The context.
        context: String,
        /// What is wrong with which.
        why: Box<str>,
    },
    /// The credentials could not be obtained.
    #[error("context \"{context}\": {why}; log in with its own tool (as kubectl would need it), then try again")]
    Credentials {
        /// The context.
        context: String,
        /// What failed; never a plugin's output.
        why: Box<str>,
    },
    /// The credential plugin did not end.
    #[error("context \"{context}\": its credential plugin gave no answer within {}s; log in with it first", after.as_secs())]
    PluginTimedOut {
        /// The context.
        context: String,
        /// The deadline.
        after: Duration,
    },
    /// Only a proxy leads there.
    #[error("context \"{context}\" would go through the proxy {proxy}, which is not supported; {todo}")]
    Proxy {
        /// The context.
        context: String,
        /// Host of the proxy.
        proxy: String,
        /// What would help.
        todo: &'static str,
    },
    /// The service account of the pod cannot be used.
    #[error("the pod's service account cannot be used: {why}")]
    InCluster {
        /// What is wrong.
        why: Box<str>,
    },
    /// Anything else that building the client met.
    #[error("context \"{context}\": no client could be built: {why}")]
    Client {
        /// The context.
        context: String,
        /// Every link of the chain of causes.
        why: Box<str>,
    },
}

fn list(known: &[String]) -> String {
    match known {
        [] => String::new(),
        known => format!(" ({})", safe(&known.join(", "))),
    }
}

/// A context of a kubeconfig, as the file has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContextEntry {
    /// Its name.
    pub name: String,
    /// URL of its API server; `None` when the file names no such cluster.
    pub server: Option<String>,
    /// Its own namespace.
    pub namespace: Option<String>,
    /// Whether it is the one that is taken when none is named.
    pub current: bool,
}

/// The contexts of the kubeconfig, in its order. Empty when there is no kubeconfig.
pub fn contexts(kubeconfig: Option<&Path>) -> Result<Vec<ContextEntry>, ConnectError> {
    let Some(file) = kubeconfig::read(kubeconfig)? else { return Ok(Vec::new()) };
    let entry = |named: &NamedContext| {
        let context = named.context.as_ref();
        let cluster = context.and_then(|context| file.clusters.iter().find(|other| other.name == context.cluster));
        ContextEntry {
            name: named.name.clone(),
            server: cluster.and_then(|named| named.cluster.as_ref()?.server.clone()),
            namespace: context.and_then(|context| context.namespace.clone()),
            current: file.current_context.as_ref() == Some(&named.name),
        }
    };
    Ok(file.contexts.iter().map(entry).collect())
}

fn names(file: &Kubeconfig) -> Vec<String> {
    file.contexts.iter().map(|context| context.name.clone()).collect()
}

/// Prepares a connection. Runs a credential plugin, but asks the server nothing. `read_only` says of a context by its
/// name whether it is read-only by configuration.
pub async fn connect(target: &Target, read_only: impl Fn(&str) -> bool) -> Result<Cluster, ConnectError> {
    let (context, config) = configuration(target).await?;
    let read_only = target.read_only || read_only(&context);
    let url = config.cluster_url.clone();
    let server = url.to_string();
    let namespace = config.default_namespace.clone();
    let (client, login_ends) = client(config, &context, read_only).await?;
    let inner = Inner {
        target: target.clone(),
        context: context.into(),
        server: server.trim_end_matches('/').into(),
        namespace: namespace.into(),
        read_only,
        wire: Wire::new(client, &url),
        rights: Rights::default(),
        vault: super::secrets::Vault::default(),
        renewal: tokio::sync::Mutex::default(),
        login_ends: std::sync::Mutex::new(login_ends),
    };
    Ok(Cluster { inner: Arc::new(inner) })
}

/// A client, and when its credentials end, where that is known.
pub(super) type Client = (kube::Client, Option<Timestamp>);

/// The same context of the same server once more: credentials are read again, and nothing else. The file's current
/// context may be another by now, and the name may lead elsewhere; what is on the screen must not become false by that.
pub(super) async fn client_again(inner: &Inner) -> Result<Client, ConnectError> {
    let context = inner.context.to_string();
    let target = Target { context: Some(context.clone()), ..inner.target.clone() };
    let (_, config) = configuration(&target).await?;
    if config.cluster_url.to_string().trim_end_matches('/') != &*inner.server {
        let why = "its server in the kubeconfig is another now; go to the context again to look at that one".into();
        return Err(ConnectError::Client { context, why });
    }
    client(config, &context, inner.read_only).await
}

async fn configuration(target: &Target) -> Result<(String, Config), ConnectError> {
    let Some(file) = kubeconfig::read(target.kubeconfig.as_deref())? else { return in_cluster(target) };
    let known = names(&file);
    let Some(context) = target.context.clone().or_else(|| file.current_context.clone()).filter(|c| !c.is_empty())
    else {
        return Err(ConnectError::NoContext { known });
    };
    if !known.contains(&context) {
        return Err(ConnectError::UnknownContext { name: context, known });
    }
    let path = target.kubeconfig.clone().unwrap_or_else(|| PathBuf::from("of $KUBECONFIG or ~/.kube/config"));
    let own_proxy = proxy_of(&file, &context);
    let options = KubeConfigOptions { context: Some(context.clone()), ..KubeConfigOptions::default() };
    let config = Config::from_custom_kubeconfig(file, &options).await;
    let config = config.map_err(|error| kubeconfig::explain(&path, error))?;
    let config = hardened(config, own_proxy, &context)?;
    Ok((context, config))
}

fn in_cluster(target: &Target) -> Result<(String, Config), ConnectError> {
    if let Some(name) = &target.context
        && name != IN_CLUSTER
    {
        return Err(ConnectError::UnknownContext { name: name.clone(), known: Vec::new() });
    }
    if std::env::var_os("KUBERNETES_SERVICE_HOST").is_none() {
        return Err(ConnectError::Nothing);
    }
    let config = Config::incluster().map_err(|error| ConnectError::InCluster { why: chain(&error) })?;
    Ok((IN_CLUSTER.to_owned(), hardened(config, false, IN_CLUSTER)?))
}

/// Whether the kubeconfig itself asks for a proxy; else the one in the configuration came from the environment.
fn proxy_of(file: &Kubeconfig, context: &str) -> bool {
    let context = file.contexts.iter().find(|named| named.name == context).and_then(|named| named.context.as_ref());
    let cluster = context.and_then(|context| file.clusters.iter().find(|named| named.name == context.cluster));
    let cluster = cluster.and_then(|named| named.cluster.as_ref());
    cluster.and_then(|cluster| cluster.proxy_url.as_deref()).is_some_and(|url| !url.is_empty())
}

fn hardened(mut config: Config, own_proxy: bool, context: &str) -> Result<Config, ConnectError> {
    config.connect_timeout = Some(CONNECT);
    // A read time-out of the client would cut quiet watches; every call has its own deadline instead.
    config.read_timeout = None;
    // kube's retry repeats POST and PATCH too, for minutes.
    config.default_retry = false;
    let host = config.cluster_url.host().unwrap_or_default().to_owned();
    // On the same machine compressing costs more than it saves.
    config.disable_compression |= loopback(&host);
    if let Some(proxy) = &config.proxy_url {
        if !own_proxy && (loopback(&host) || excepted(&host, &no_proxy())) {
            config.proxy_url = None;
        } else {
            let todo = if own_proxy {
                "remove proxy-url from its cluster, or run holdfast where the server is reached directly"
            } else {
                "add the server's host to $NO_PROXY or unset $HTTPS_PROXY"
            };
            let proxy = proxy.host().unwrap_or("unknown").to_owned();
            return Err(ConnectError::Proxy { context: context.to_owned(), proxy, todo });
        }
    }
    Ok(config)
}

fn loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn no_proxy() -> String {
    std::env::var("NO_PROXY").or_else(|_| std::env::var("no_proxy")).unwrap_or_default()
}

/// Whether a `NO_PROXY` list names a host: itself, its domain, or `*`.
fn excepted(host: &str, no_proxy: &str) -> bool {
    no_proxy.split(',').map(|entry| entry.trim().trim_start_matches("*.").trim_start_matches('.')).any(|entry| {
        let entry = entry.split_once(':').map_or(entry, |(name, _)| name);
        entry == "*" || (!entry.is_empty() && (host == entry || host.ends_with(&format!(".{entry}"))))
    })
}

/// Builds the client on a thread of its own, because files are read and legacy plugins run synchronously in it. A
/// thread that hangs is left behind: it cannot be stopped, and a thread of the runtime would keep the process from
/// ending.
async fn client(mut config: Config, context: &str, read_only: bool) -> Result<Client, ConnectError> {
    let issued = plugin::credentials(&mut config.auth_info, context, BUILD).await?;
    let login_ends = login::ends(&config.auth_info, issued);
    let (done, built) = tokio::sync::oneshot::channel();
    let runtime = tokio::runtime::Handle::current();
    std::thread::spawn(move || {
        let _inside = runtime.enter();
        let client = ClientBuilder::try_from(config).map(|builder| {
            // Outermost: it sees paths before the base URI, credentials or anything else is added.
            if read_only { builder.with_layer(&ReadOnlyLayer).build() } else { builder.build() }
        });
        // Nobody waits any more when the deadline has passed.
        let _ = done.send(client);
    });
    let context = context.to_owned();
    match tokio::time::timeout(BUILD, built).await {
        Ok(Ok(Ok(client))) => Ok((client, login_ends)),
        Ok(Ok(Err(error))) => Err(refused(context, &error)),
        Ok(Err(_)) => Err(ConnectError::Client { context, why: "building it ended without a result".into() }),
        Err(_) => Err(ConnectError::PluginTimedOut { context, after: BUILD }),
    }
}

fn refused(context: String, error: &kube::Error) -> ConnectError {
    match error {
        kube::Error::Auth(error) => ConnectError::Credentials { context, why: credentials(error) },
        kube::Error::RustlsTls(error) => ConnectError::Certificate { context, why: chain(error) },
        kube::Error::InferKubeconfig(_) => ConnectError::Certificate {
            context,
            why: "its client certificate or key cannot be read, or is not base64 of PEM".into(),
        },
        error => ConnectError::Client { context, why: chain(error) },
    }
}

#[cfg(test)]
mod tests;
