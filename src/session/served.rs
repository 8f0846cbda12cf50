//! Shaking hands with what serves a certificate, aside: what was seen goes into the world, and ages there.

use std::time::Duration;

use futures::StreamExt;

use super::{Message, Session, Ticket};
use crate::assess::served::{Endpoint, endpoints, users};
use crate::cluster::{Access, AccessQuery, Eyes, Hands, PodPort};
use crate::model::{CertificateFacts, ClaimKey, NotServed, Shaken};

/// How long one handshake may take.
pub(super) const HANDSHAKE: Duration = Duration::from_secs(5);
/// How many at once.
pub(super) const AT_ONCE: usize = 8;

/// How many before a plan: a person waits for it.
pub(super) const AT_MOST: usize = 24;

/// Why no port-forward is opened.
pub const READ_ONLY: &str = "read-only mode opens no port-forward";

impl Session {
    /// Shakes hands with every ready pod that uses a Secret, where it should serve its certificate. The desk shows what
    /// was seen, and then comes [`super::Event::Probed`].
    ///
    /// # Errors
    /// In read-only mode and before there is a connection: why.
    pub fn probe(&mut self, secret: &ClaimKey) -> Result<Ticket, &'static str> {
        let look = self.look(secret)?;
        let (ticket, post) = (self.ticket(), self.inbox.0.clone());
        tokio::spawn(async move {
            // The session may have been closed meanwhile.
            let _ = post.send(Message::Shaken(Some(ticket), look.shake(usize::MAX).await)).await;
        });
        Ok(ticket)
    }

    /// What is needed to shake hands with those who should serve the certificate of a Secret.
    ///
    /// # Errors
    /// As [`Self::probe`].
    pub(super) fn look(&self, secret: &ClaimKey) -> Result<Look, &'static str> {
        let cluster = self.cluster.as_ref().ok_or("there is no connection to the cluster")?;
        let hands = cluster.hands().ok_or(READ_ONLY)?;
        let ready = users(&self.desk.world, secret).into_iter().filter(|pod| pod.ready);
        let asked = ready.flat_map(|pod| endpoints(&self.desk.world, secret, pod)).collect();
        Ok(Look { eyes: cluster.eyes(), hands, namespace: secret.0.to_string(), asked })
    }

    /// Shakes hands with a server at an address that a person named, past the API server. The answer is
    /// [`super::Event::Dialed`].
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
}

/// Handshakes that are to be made.
pub(super) struct Look {
    eyes: Eyes,
    hands: Hands,
    namespace: String,
    asked: Vec<Endpoint>,
}

impl Look {
    /// Makes the first of them.
    pub async fn shake(self, at_most: usize) -> Vec<Shaken> {
        let asked = self.asked.into_iter().take(at_most);
        match denied(&self.eyes, &self.namespace).await {
            Some(why) => asked.map(|one| outcome(one, Err(why.clone()))).collect(),
            None => shake_all(&self.hands, asked).await,
        }
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

async fn shake_all(hands: &Hands, asked: impl Iterator<Item = Endpoint>) -> Vec<Shaken> {
    let each = asked.map(|one| async {
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
