//! `holdfast rotate`: gives a TLS Secret that nobody else renews a new certificate.

use std::path::Path;
use std::sync::Arc;

use super::args::{Global, Rotate};
use super::{Exit, Failure, open, out, verb};
use crate::model::{Kind, Uid};
use crate::plan::Request;
use crate::plan::rotate::{HandedOver, LOOKED_AT, Options, ROLLED_WITHIN, SERVED_WITHIN, Signer};
use crate::session::{Session, Unnamed};
use crate::store::read_private;
use crate::text;
use crate::x509::Given;

pub(super) async fn run(global: &Global, rotate: Rotate) -> Result<Exit, Failure> {
    let path = &rotate.secret;
    let (namespace, name) = verb::parse_path(path, "a certificate is named NAMESPACE/SECRET")?;
    let mut global = verb::within(global, &namespace, path)?;
    let signer = match &rotate.certificate {
        Some(certificate) => Signer::Given(handed_over(certificate, &rotate)?),
        None => rotate.signer.clone(),
    };
    // The CA may be in another namespace.
    if let Signer::Secret(other, _) = &signer
        && *other != namespace
    {
        global.namespace.push(other.clone());
    }
    let mut session = open::session(&global, LOOKED_AT, Unnamed::All)?;
    open::settle(&mut session, LOOKED_AT).await?;
    open::warn_of_blind_spots(&session, LOOKED_AT);
    let secret = find(&session, &namespace, &name)?;
    let options = Options {
        signer,
        key: rotate.key,
        life: rotate.valid_for,
        restart: rotate.restart,
        compromised: rotate.compromised,
        managed: rotate.managed_elsewhere,
        reason: rotate.reason,
        rolled_within: rotate.rolled_within.unwrap_or(ROLLED_WITHIN),
        served_within: rotate.served_within.unwrap_or(SERVED_WITHIN),
    };
    let request = Request::Rotate { secret, options };
    verb::carry_out(&mut session, request, &rotate.consent, global.context.as_deref()).await
}

/// Reads what a person hands over. Of the files no more is said than what is wrong with them.
fn handed_over(certificate: &Path, rotate: &Rotate) -> Result<HandedOver, Failure> {
    let read = |file| read_private(file).map_err(|error| Failure::new(Exit::Usage, text::chain(&error)));
    let key = rotate.private_key.as_deref();
    let (pem, own) = (read(certificate)?, key.map(read).transpose()?);
    let (of_key, path) = (own.as_ref().unwrap_or(&pem), key.unwrap_or(certificate));
    let given = Given::read(&pem.bytes, &of_key.bytes);
    let given = given.map_err(|error| {
        Failure::new(Exit::Refused, format!("{} is not taken: {error}; nothing was changed", certificate.display()))
    })?;
    if let Some(warning) = of_key.warning(path) {
        out::say(format_args!("holdfast: {}", text::sanitize(&warning)));
    }
    Ok(HandedOver {
        given: Arc::new(given),
        certificate: certificate.to_owned(),
        key: key.map(Path::to_owned),
        other_names: rotate.other_names,
    })
}

/// The UID of a TLS Secret that is seen.
fn find(session: &Session, namespace: &str, name: &str) -> Result<Uid, Failure> {
    let world = &session.desk().world;
    let (space, named) = (namespace.into(), name.into());
    if let Some(found) = world.inventory.tls_secrets.named(Some(&space), &named) {
        return Ok(found.meta.uid());
    }
    if !world.freshness_in(Kind::TlsSecret, &space).live() {
        let message = format!("whether there is a TLS Secret {namespace}/{name} cannot be seen");
        return Err(Failure::new(Exit::Unknown, message));
    }
    let list = format!("`holdfast get certificates -n {namespace}` lists what there is");
    let message = format!("there is no Secret {namespace}/{name} of type kubernetes.io/tls on {}", world.context.name);
    Err(Failure::new(Exit::Refused, format!("{message}; {list}")))
}
