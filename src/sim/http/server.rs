//! The listening socket and its connections.
//!
//! Stopping drops every connection at once, as a killed API server does; the state lives elsewhere
//! and stays.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::handle::handle;
use crate::sim::cluster::Cluster;

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;

/// A loopback port that nobody else gets while it is held, whether a server listens on it or was killed.
#[derive(Debug)]
pub(crate) struct Port {
    address: SocketAddr,
    /// Bound, and never listening itself.
    _held: TcpSocket,
}

impl Port {
    /// Any that is free.
    pub fn free() -> std::io::Result<Self> {
        let held = bound((Ipv4Addr::LOCALHOST, 0).into())?;
        Ok(Self { address: held.local_addr()?, _held: held })
    }

    pub fn number(&self) -> u16 {
        self.address.port()
    }
}

/// A socket on an address that others may be bound to as well, as long as they do not listen.
fn bound(address: SocketAddr) -> std::io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// A running server; dropping it stops it.
#[derive(Debug)]
pub(crate) struct Server {
    task: JoinHandle<()>,
}

impl Server {
    /// Listens on a port.
    pub fn start(cluster: Arc<Cluster>, port: &Port) -> std::io::Result<Self> {
        let listener = bound(port.address)?.listen(BACKLOG)?;
        Ok(Self { task: tokio::spawn(accept(listener, cluster)) })
    }

    /// Stops and waits until nothing listens any more.
    pub async fn stop(mut self) {
        self.task.abort();
        // The error says that the task was aborted, which is what we asked for.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, cluster: Arc<Cluster>) {
    // Dropped with this task, and with it every connection.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(serve(stream, Arc::clone(&cluster)));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, cluster: Arc<Cluster>) {
    // Watch events are small and must not wait for more.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let cluster = Arc::clone(&cluster);
        async move { Ok::<_, Infallible>(handle(cluster, request).await) }
    });
    // A broken connection is the client's affair.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades().await;
}
