//! Shaking hands with what serves a certificate, aside: what was seen goes into the world, and ages there.

use std::time::Duration;

use futures::StreamExt;

use super::{Event, Message, Session, Ticket};
use crate::assess::served::{Endpoint, endpoints, users};
use crate::cluster::{Access, AccessQuery, Eyes, Hands, PodPort};
use crate::model::{CertificateFacts, ClaimKey, Delta, NotServed, Shaken};

/// How long one handshake may take.
pub(super) const HANDSHAKE: Duration = Duration::from_secs(5);
/// How many at once.
pub(super) const AT_ONCE: usize = 8;

/// Why no port-forward is opened.
pub const READ_ONLY: &str = "read-only mode opens no port-forward";

impl Session {
    /// Shakes hands with every ready pod that uses a Secret, where it should serve its certificate. The desk shows what
    /// was seen, and then comes [`Event::Probed`].
    ///
    /// # Errors
    /// In read-only mode and before there is a connection: why.
    pub fn probe(&mut self, secret: &ClaimKey) -> Result<Ticket, &'static str> {
        let cluster = self.cluster.as_ref().ok_or("there is no connection to the cluster")?;
        let hands = cluster.hands().ok_or(READ_ONLY)?;
        let (eyes, post) = (cluster.eyes(), self.inbox.0.clone());
        let ready = users(&self.desk.world, secret).into_iter().filter(|pod| pod.ready);
        let asked: Vec<Endpoint> = ready.flat_map(|pod| endpoints(&self.desk.world, secret, pod)).collect();
        let (ticket, namespace) = (self.ticket(), secret.0.to_string());
        tokio::spawn(async move {
            let shaken = match denied(&eyes, &namespace).await {
                Some(why) => asked.into_iter().map(|one| outcome(one, Err(why.clone()))).collect(),
                None => shake_all(&hands, asked).await,
            };
            // The session may have been closed meanwhile.
            let _ = post.send(Message::Shaken(ticket, shaken)).await;
        });
        Ok(ticket)
    }

    /// Shakes hands with a server at an address that a person named, past the API server. The answer is
    /// [`Event::Dialed`].
    ///
    /// # Errors
    /// Before there is a connection: why.
    pub fn dial(&mut self, address: &str, name: &str) -> Result<Ticket, &'static str> {
        let eyes = self.cluster.as_ref().ok_or("there is no connection to the cluster")?.eyes();
        let (ticket, post) = (self.ticket(), self.inbox.0.clone());
        let (address, name) = (address.to_owned(), name.to_owned());
        tokio::spawn(async move {
            let served = eyes.handshake(&address, &name, HANDSHAKE).await.and_then(first);
            // The session may have been closed meanwhile.
            let _ = post.send(Message::Dialed(ticket, served)).await;
        });
        Ok(ticket)
    }

    /// Takes in what was seen.
    pub(super) fn shaken(&mut self, ticket: Ticket, shaken: Vec<Shaken>) -> Event {
        self.apply(Delta::Shaken(shaken));
        Event::Probed(ticket)
    }
}

/// Why the rights do not reach for a port-forward; `None` when they do. A WebSocket is opened by `get`, and servers
/// from 1.35 on ask for `create` as well (kubernetes#134577).
async fn denied(eyes: &Eyes, namespace: &str) -> Option<NotServed> {
    for verb in ["get", "create"] {
        let query = AccessQuery {
            verb: verb.into(),
            group: "".into(),
            resource: "pods".into(),
            subresource: Some("portforward".into()),
            namespace: Some(namespace.into()),
            name: None,
        };
        match eyes.access(&query).await {
            Ok(Access::Allowed) => {}
            Ok(Access::Denied { .. }) => return Some(NotServed::Denied(format!("needs the right to {query}").into())),
            Err(error) => {
                let why = format!("whether we may {query} is not known: {error}");
                return Some(NotServed::Unreachable(why.into()));
            }
        }
    }
    None
}

async fn shake_all(hands: &Hands, asked: Vec<Endpoint>) -> Vec<Shaken> {
    let each = asked.into_iter().map(|one| async {
        let served = shake(hands, &one).await;
        outcome(one, served)
    });
    futures::stream::iter(each).buffer_unordered(AT_ONCE).collect().await
}

async fn shake(hands: &Hands, one: &Endpoint) -> Result<Box<CertificateFacts>, NotServed> {
    let at = PodPort { namespace: one.namespace.to_string(), pod: one.pod_name.to_string(), port: one.port };
    hands.handshake(&at, &one.name, HANDSHAKE).await.and_then(first)
}

/// The server's own certificate.
pub(super) fn first(chain: Box<[CertificateFacts]>) -> Result<Box<CertificateFacts>, NotServed> {
    let none = || NotServed::Failed("it presents no certificate".into());
    chain.into_vec().into_iter().next().map(Box::new).ok_or_else(none)
}

fn outcome(one: Endpoint, served: Result<Box<CertificateFacts>, NotServed>) -> Shaken {
    Shaken { pod: one.pod, port: one.port, name: one.name, at: crate::store::now(), served }
}
