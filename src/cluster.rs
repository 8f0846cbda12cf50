//! The only user of kube and of its types: what is read from an API server, and what is written to it.
//!
//! [`connect`] gives a [`Cluster`]; its [`Eyes`] read and ask, its [`Hands`] write, and a read-only one has no hands
//! and a client that refuses every write by itself. [`watch()`] turns the server's lists and watches into
//! [`crate::model::Delta`]s, [`watch_usage`] what a Prometheus says of used space, and [`follow_log`] reads what a
//! container writes; [`watch_attached`] asks registries. Nothing here judges, keeps objects or decides to retry a write;
//! answers leave as model objects or plain JSON, and errors as values that never hold a body or a token.
//! [`tell_webhook`] tells an address of the operator's what failed.

use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt;
use jiff::Timestamp;

use crate::model::{Kind, Object};

mod attached;
mod connect;
mod decode;
mod errors;
mod exec;
mod eyes;
mod feed;
mod forward;
mod hands;
mod handshake;
mod keystores;
mod kubeconfig;
mod login;
mod logs;
mod paths;
mod pause;
mod plugin;
mod readonly;
mod scan_maps;
mod secrets;
mod strip;
mod usage;
mod watch;
mod webhook;
mod wire;

pub use crate::plan::Resource;
pub use attached::{ATTACHED_EVERY, Attached, AttachedEvent, AttachedWatch, Image, Wanted, watch_attached};
pub use connect::{ConnectError, ContextEntry, Target, connect, contexts};
pub use errors::CallError;
pub use exec::{Container, ExecError, Heard, Ran, Session};
pub use eyes::{Access, AccessQuery, Eyes, Fetched};
pub use forward::PodPort;
pub use hands::{Hands, WriteError, Written};
pub use logs::{LogEvent, LogQuery, LogStream, follow_log};
pub use scan_maps::{ScanMap, ScanMapEvent, ScanMaps, watch_scan_maps};
pub use usage::{USAGE_EVERY, UsageFrom, UsageWatch, watch_usage};
pub use watch::{WatchSet, watch};
pub use webhook::{WebhookError, tell_webhook};

use wire::Wire;

/// One cluster as one identity sees it. Cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
}

struct Inner {
    target: Target,
    context: Box<str>,
    server: Box<str>,
    namespace: Box<str>,
    read_only: bool,
    wire: Wire,
    rights: eyes::Rights,
    /// What people handed over, for Secrets that are not made yet.
    vault: secrets::Vault,
    renewal: tokio::sync::Mutex<()>,
    login_ends: Mutex<Option<Timestamp>>,
}

impl Cluster {
    /// What it reads and asks with.
    pub fn eyes(&self) -> Eyes {
        Eyes::new(self.clone())
    }

    /// What it writes with; `None` when read-only.
    pub fn hands(&self) -> Option<Hands> {
        (!self.inner.read_only).then(|| Hands::new(self.clone()))
    }

    /// The kubeconfig context, or `in-cluster`.
    pub fn context_name(&self) -> &str {
        &self.inner.context
    }

    /// URL of the API server.
    pub fn server(&self) -> &str {
        &self.inner.server
    }

    /// The context's own namespace.
    pub fn default_namespace(&self) -> &str {
        &self.inner.namespace
    }

    /// What was asked for.
    pub fn target(&self) -> &Target {
        &self.inner.target
    }

    /// When the credentials in use end, where they or the plugin that gave them say so.
    pub fn login_ends(&self) -> Option<Timestamp> {
        *self.inner.login_ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the kubeconfig again and goes on with a new client: the credentials may have changed.
    pub async fn renew_credentials(&self) -> Result<(), ConnectError> {
        // One at a time: whoever read the file last must not be overtaken by one who read it before.
        let _turn = self.inner.renewal.lock().await;
        let (client, login_ends) = connect::client_again(&self.inner).await?;
        self.inner.wire.replace(client);
        *self.inner.login_ends.lock().unwrap_or_else(PoisonError::into_inner) = login_ends;
        Ok(())
    }

    fn wire(&self) -> &Wire {
        &self.inner.wire
    }
}

/// Gives the objects of a list that came by another way than from a server, as a watch gives them: one after the
/// other, with what is of no use left out. Objects that cannot be read are left out too.
///
/// # Errors
/// When it is no list.
pub async fn read_list(kind: Kind, list: Vec<u8>, mut give: impl FnMut(Object)) -> Result<(), CallError> {
    let pieces: Vec<_> = list.chunks(PIECE).map(|piece| Ok(hyper::body::Bytes::copy_from_slice(piece))).collect();
    drop(list);
    let mut items = feed::Items::new(futures::stream::iter(pieces).boxed());
    let mut decoder = decode::Decoder::new(kind);
    while let Some(item) = items.next(wire::CALL).await? {
        if let Ok(Some(object)) = decoder.item(item) {
            give(object);
        }
    }
    decoder.frame(items.frame()).map(drop)
}

/// In pieces of this size a list comes from a server.
const PIECE: usize = 16 * 1024;
