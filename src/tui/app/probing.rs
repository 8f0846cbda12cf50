//! Asking pods what they serve of a certificate: for which one, and what is said of the answer.

use super::{App, Effect};
use crate::assess::served::served;
use crate::model::{ClaimKey, Key, Kind};
use crate::session::{Desk, READ_ONLY};
use crate::text::sanitize;
use crate::view::served::summary;
use crate::view::{Level, Pane};

impl App {
    /// The Secret whose servers would be asked: the selected one, or that of the selected Certificate; or why there is
    /// none.
    fn probed_secret(&self, desk: &Desk) -> Result<ClaimKey, String> {
        self.one_of(Pane::Certificates, "certificates", "asked for")?;
        let inventory = &desk.world.inventory;
        let (meta, secret) = match self.target(desk) {
            Some(Key::Object(Kind::TlsSecret, uid)) => {
                let found = inventory.tls_secrets.get(&uid).ok_or("this Secret is gone")?;
                (&found.meta, &found.meta.name)
            }
            Some(Key::Object(Kind::Certificate, uid)) => {
                let found = inventory.certificates.get(&uid).ok_or("this Certificate is gone")?;
                (&found.meta, &found.secret)
            }
            Some(_) => return Err("only certificates are served: select one".to_owned()),
            None => return Err("no certificate is selected".to_owned()),
        };
        Ok((meta.namespace.clone().unwrap_or_default(), secret.clone()))
    }

    /// Why nobody can be asked.
    pub(super) fn not_probed(&self, desk: &Desk) -> Option<String> {
        let secret = match self.probed_secret(desk) {
            Ok(secret) => secret,
            Err(why) => return Some(why),
        };
        if desk.world.context.read_only {
            return Some(format!("{READ_ONLY}; what can be inferred is in its detail"));
        }
        desk.world.links.pods_using(&secret).is_empty().then(|| "no pod is seen that uses it".to_owned())
    }

    /// Asks.
    pub(super) fn probe(&mut self, desk: &Desk) -> Vec<Effect> {
        let Ok(secret) = self.probed_secret(desk) else { return Vec::new() };
        let path = format!("{}/{}", secret.0, secret.1);
        self.say(desk, Level::Info, format!("shaking hands with the pods that use Secret {}", sanitize(&path)));
        vec![Effect::Probe(secret)]
    }

    /// Says what was seen.
    pub(super) fn probed(&mut self, desk: &Desk, secret: &ClaimKey) {
        let (level, said) = summary(secret, &served(&desk.world, secret, desk.now).value);
        self.say(desk, level, said);
    }
}
