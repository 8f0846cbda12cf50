//! The rotation of a CA on the screen, as of the last change, and where the rotation of the selected CA stands: asked
//! for by every action that is drawn, and so found out once until something changes.

use std::cell::RefCell;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::{ClaimKey, Key, Kind};
use crate::plan::succession::Options;
use crate::runbook::ca::{self, Standing};
use crate::session::Desk;
use crate::view::rotation::{Rotation, key};

/// The rotation of one CA.
#[derive(Clone, Debug)]
pub struct RotationLayer {
    /// The Secret of the CA, be it still there or not.
    pub secret: ClaimKey,
    /// How far it has come as of the last change.
    pub rotation: Option<Rotation>,
    /// Lines that are scrolled away.
    pub scroll: usize,
}

impl RotationLayer {
    /// The rotation of the CA in this Secret.
    pub fn new(secret: ClaimKey) -> Self {
        Self { secret, rotation: None, scroll: 0 }
    }

    /// What actions are about: the former CA, or what took its place once it is gone.
    pub fn target(&self, desk: &Desk) -> Option<Key> {
        let standing = self.rotation.as_ref().map(|rotation| &rotation.standing);
        let of_both = standing.into_iter().flat_map(|standing| [Some(&standing.former), standing.successor.as_ref()]);
        let mut names = of_both.flatten().chain([&self.secret]);
        let secrets = &desk.world.inventory.tls_secrets;
        let found = names.find_map(|(namespace, name)| secrets.named(Some(namespace), name));
        found.map(|secret| Key::Object(Kind::TlsSecret, secret.meta.uid()))
    }

    /// Makes it anew.
    pub fn make(&mut self, desk: &Desk, standings: &Standings) {
        self.rotation = Some(Rotation::new(&desk.world, standings.of(desk, &self.secret)));
    }
}

/// Where the rotation of the CA that was asked for last stands.
#[derive(Debug, Default)]
pub struct Standings(RefCell<Option<Known>>);

#[derive(Debug)]
struct Known {
    secret: ClaimKey,
    at: Timestamp,
    standing: Arc<Standing>,
    /// Whether it can be gone on with, and why not, once that was asked.
    open: Option<Result<(), String>>,
}

impl Standings {
    /// Where the rotation of the CA in this Secret stands now. All that trusts it is looked at only once.
    pub fn of(&self, desk: &Desk, secret: &ClaimKey) -> Arc<Standing> {
        let mut known = self.0.borrow_mut();
        if let Some(known) = known.as_ref()
            && known.secret == *secret
            && known.at == desk.now
        {
            return known.standing.clone();
        }
        let standing = Arc::new(ca::standing(&desk.world, secret, &Options::default(), desk.now));
        let (secret, at, open) = (secret.clone(), desk.now, None);
        *known = Some(Known { secret, at, standing: standing.clone(), open });
        standing
    }

    /// Why the rotation that stands so cannot be gone on with, which is found out once; `None` when it can.
    pub fn hindrance(&self, of: &Arc<Standing>, find: impl FnOnce() -> Option<String>) -> Option<String> {
        let same = |known: &&mut Known| Arc::ptr_eq(&known.standing, of);
        let found = self.0.borrow_mut().as_mut().filter(same).and_then(|known| known.open.clone());
        // Nothing is borrowed while it is looked for: that asks where the rotation stands.
        let open = found.unwrap_or_else(|| find().map_or(Ok(()), Err));
        if let Some(known) = self.0.borrow_mut().as_mut().filter(same) {
            known.open = Some(open.clone());
        }
        open.err()
    }

    /// Something changed: what was found out no longer counts.
    pub fn forget(&mut self) {
        self.0.get_mut().take();
    }

    /// Where the rotation of the selected CA stands.
    ///
    /// # Errors
    /// Why the selection is no CA; nothing is looked at for that but the selected Secret.
    pub fn of_selected(&self, desk: &Desk, selected: Option<Key>) -> Result<Arc<Standing>, String> {
        let secret = match selected {
            Some(Key::Object(Kind::TlsSecret, uid)) => desk.world.inventory.tls_secrets.get(&uid),
            Some(_) => return Err("only CAs in TLS Secrets are rotated: select one".to_owned()),
            None => return Err("no certificate is selected".to_owned()),
        };
        let secret = secret.ok_or("this Secret is gone")?;
        if !secret.facts().is_some_and(|facts| facts.ca) {
            return Err("it is no CA: rotate it, or renew it".to_owned());
        }
        Ok(self.of(desk, &key(secret)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::testing::{DAY, live, meta, now, put, x509};
    use crate::model::{CertificateFacts, KeyMatch, Object, Place, TlsSecret};

    fn secret(name: &str, ca: bool) -> TlsSecret {
        let facts = CertificateFacts { ca, ..x509(name, name, DAY, 300 * DAY) };
        let leaf = Place { key: "tls.crt".into(), chain: Ok([facts].into()) };
        TlsSecret { meta: meta(name), leaf, ca: None, key: KeyMatch::Match, files: Box::default() }
    }

    fn desk(secrets: &[TlsSecret]) -> Desk {
        let mut world = live();
        put(&mut world, secrets.iter().cloned().map(Object::TlsSecret));
        let mut desk = Desk::new(world.context.clone(), world.policies.clone(), now());
        desk.world = world;
        desk
    }

    fn selected(secret: &TlsSecret) -> Key {
        Key::Object(Kind::TlsSecret, secret.meta.uid())
    }

    #[test]
    fn nothing_is_looked_at_for_what_is_no_ca() {
        let leaf = secret("web-tls", false);
        let (desk, standings) = (desk(std::slice::from_ref(&leaf)), Standings::default());
        for key in [Some(selected(&leaf)), None, Some(Key::Object(Kind::Pvc, "a".into()))] {
            assert!(standings.of_selected(&desk, key).is_err());
        }
        assert!(standings.0.borrow().is_none());
    }

    #[test]
    fn a_rotation_is_looked_at_once_until_something_changes() {
        let (one, other) = (secret("one", true), secret("other", true));
        let (mut desk, mut standings) = (desk(&[one.clone(), other.clone()]), Standings::default());
        let first = standings.of_selected(&desk, Some(selected(&one))).unwrap();
        let same = |standings: &Standings, desk: &Desk| {
            Arc::ptr_eq(&first, &standings.of_selected(desk, Some(selected(&one))).unwrap())
        };
        assert!(same(&standings, &desk));
        let mut asked = 0;
        for _ in 0..2 {
            let why = standings.hindrance(&first, || {
                asked += 1;
                Some("no right".to_owned())
            });
            assert_eq!((why.as_deref(), asked), (Some("no right"), 1));
        }
        desk.now += jiff::SignedDuration::from_secs(1);
        assert!(!same(&standings, &desk), "time alone opens gates");
        standings.forget();
        assert!(!same(&standings, &desk));
        let different = standings.of_selected(&desk, Some(selected(&other))).unwrap();
        assert_eq!(&*different.former.1, "other");
        assert_eq!(standings.hindrance(&first, || None), None, "what was said of another one says nothing here");
    }
}
