//! Opening keystores whose password stands in another Secret, aside: what they hold goes into the world, passwords do not.

use std::collections::BTreeSet;

use futures::StreamExt;

use super::{Message, Session};
use crate::model::{ClaimKey, Delta, Fault, HeldFile, Locked, Object, Opened, Uid};

/// How many at once.
const AT_ONCE: usize = 4;

/// Keystores that are being opened: the Secret with its version, and the data key.
#[derive(Debug, Default)]
pub(super) struct Keystores(BTreeSet<(Uid, Box<str>, Box<str>)>);

fn place(locked: &Locked) -> (Uid, Box<str>, Box<str>) {
    (locked.uid.clone(), locked.version.clone(), locked.file.clone())
}

/// The Secret whose keystores a change may have made possible to open.
pub(super) fn concerned(delta: &Delta) -> Option<ClaimKey> {
    let Delta::Upsert(object, _) = delta else { return None };
    let (meta, name) = match &**object {
        Object::TlsSecret(secret) => {
            let locked = |file: &HeldFile| file.fault.as_ref().is_some_and(Fault::locked);
            (&secret.meta, secret.files.iter().any(locked).then_some(&secret.meta.name)?)
        }
        Object::Certificate(certificate) if !certificate.keystores.is_empty() => {
            (&certificate.meta, &certificate.secret)
        }
        _ => return None,
    };
    Some((meta.namespace.clone()?, name.clone()))
}

impl Session {
    /// Whether keystores are being opened.
    pub fn opening(&self) -> bool {
        !self.keystores.0.is_empty()
    }

    /// Opens what can be opened now.
    pub(super) fn open_keystores(&mut self, concerned: &[ClaimKey]) {
        let Some(cluster) = &self.cluster else { return };
        let (world, under_way) = (&self.desk.world, &mut self.keystores.0);
        let closed = concerned.iter().flat_map(|secret| world.locked(secret));
        let fresh: Vec<Locked> = closed.filter(|locked| under_way.insert(place(locked))).collect();
        if fresh.is_empty() {
            return;
        }
        let (eyes, post) = (cluster.eyes(), self.inbox.0.clone());
        tokio::spawn(async move {
            let each = fresh.into_iter().map(|locked| async {
                let opened = eyes.open_keystore(&locked).await.unwrap_or_else(|error| {
                    tracing::debug!(%error, "a keystore was not opened");
                    None
                });
                (locked, opened)
            });
            let mut each = futures::stream::iter(each).buffer_unordered(AT_ONCE);
            while let Some((locked, opened)) = each.next().await {
                // The session may have been closed meanwhile.
                let _ = post.send(Message::Opened(Box::new(locked), opened)).await;
            }
        });
    }

    /// Takes in what came of one. What the server did not answer is tried again when its Secret is seen again.
    pub(super) fn opened(&mut self, locked: Locked, file: Option<HeldFile>) {
        self.keystores.0.remove(&place(&locked));
        if let Some(file) = file {
            self.apply(Delta::Opened(Box::new(Opened { uid: locked.uid, version: locked.version, file })));
        }
    }
}
