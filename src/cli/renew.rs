//! `holdfast renew`: has cert-manager issue a certificate anew.

use super::args::{Global, Renew};
use super::{Exit, Failure, open, verb};
use crate::model::{Kind, Uid};
use crate::plan::Request;
use crate::plan::renew::{LOOKED_AT, Options, ROLLED_WITHIN, SERVED_WITHIN, writer};
use crate::session::{Session, Unnamed};

pub(super) async fn run(global: &Global, renew: Renew) -> Result<Exit, Failure> {
    let path = &renew.certificate;
    let (namespace, name) = verb::parse_path(path, "a certificate is named NAMESPACE/CERTIFICATE")?;
    let global = verb::within(global, &namespace, path)?;
    let kinds: Vec<Kind> = LOOKED_AT.iter().copied().chain([Kind::TlsSecret, Kind::Service]).collect();
    let mut session = open::session(&global, &kinds, Unnamed::All)?;
    open::settle(&mut session, &kinds).await?;
    open::warn_of_blind_spots(&session, LOOKED_AT);
    let certificate = find(&session, &namespace, &name)?;
    let options = Options {
        restart: renew.restart,
        compromised: renew.compromised,
        reason: renew.reason,
        issued_within: renew.issued_within,
        rolled_within: renew.rolled_within.unwrap_or(ROLLED_WITHIN),
        served_within: renew.served_within.unwrap_or(SERVED_WITHIN),
    };
    let request = Request::Renew { certificate, options };
    verb::carry_out(&mut session, request, &renew.consent, global.context.as_deref()).await
}

/// The UID of a Certificate that is seen. Who names a Secret instead is told whose it is.
fn find(session: &Session, namespace: &str, name: &str) -> Result<Uid, Failure> {
    let world = &session.desk().world;
    let (space, named) = (namespace.into(), name.into());
    if let Some(found) = world.inventory.certificates.named(Some(&space), &named) {
        return Ok(found.meta.uid());
    }
    if !world.freshness(Kind::Certificate).live() {
        let message = format!("whether there is a Certificate {namespace}/{name} cannot be seen");
        return Err(Failure::new(Exit::Unknown, message));
    }
    let secret = world.inventory.tls_secrets.named(Some(&space), &named).map(|secret| match writer(world, secret) {
        Ok(uid) => match world.inventory.certificates.get(&uid) {
            Some(writer) => format!("Secret {name} is written by Certificate {}", writer.meta.name),
            None => format!("the Certificate that writes Secret {name} is gone"),
        },
        Err(why) => why,
    });
    let list = format!("`holdfast get certificates -n {namespace}` lists what there is");
    let message = format!("there is no Certificate {namespace}/{name} on {}", world.context.name);
    Err(Failure::new(Exit::Refused, format!("{message}; {}", secret.unwrap_or(list))))
}
