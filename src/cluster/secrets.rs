//! Writing TLS Secrets: the only place where the values of Secrets are read whole, put together and sent.
//!
//! What is read or made here lives until the request has left and is wiped then. Nothing of it is in what is returned,
//! in an error or in a log.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::ByteString;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use zeroize::{Zeroize, Zeroizing};

use super::decode::wipe;
use super::errors::CallError;
use super::eyes::decoded;
use super::hands::{Hands, WriteError, Written};
use super::paths;
use super::wire::CALL;
use crate::model::Uid;
use crate::plan::{Content, Held, ObjectAt, SignedBy, bundle_bytes, bundle_text};
use crate::text;
use crate::x509::{self, Change, Given, Material};

/// What a TLS Secret holds (Kubernetes `core/v1`, type `kubernetes.io/tls`; `ca.crt` as cert-manager adds it).
const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";
const AUTHORITY: &str = "ca.crt";

/// The values of a Secret, wiped when they go.
struct Values(BTreeMap<String, ByteString>);

impl Drop for Values {
    fn drop(&mut self) {
        self.0.values_mut().for_each(|value| wipe(&mut value.0));
    }
}

impl Values {
    fn get(&self, key: &str) -> &[u8] {
        self.0.get(key).map(|value| &*value.0).unwrap_or_default()
    }

    fn material(&self) -> Material<'_> {
        let authority = self.get(AUTHORITY);
        Material {
            certificate: self.get(CERTIFICATE),
            key: self.get(KEY),
            authority: (!authority.is_empty()).then_some(authority),
        }
    }

    /// Those that belong to a certificate, of all that the Secret may hold.
    fn of_certificate(mut self) -> Self {
        let own = [CERTIFICATE, KEY, AUTHORITY];
        Self(own.into_iter().filter_map(|key| Some((key.to_owned(), self.0.remove(key)?))).collect())
    }

    /// SHA-256 of the first certificate; `None` when it cannot be read.
    fn fingerprint(&self) -> Option<String> {
        x509::ders(self.get(CERTIFICATE)).ok()?.first().map(|der| text::sha256(der))
    }
}

/// What people handed over, by fingerprint. It is wiped when the last who holds it goes.
#[derive(Clone, Default)]
pub(super) struct Vault(Arc<Mutex<BTreeMap<String, Arc<Given>>>>);

impl Vault {
    fn keep(&self, given: Arc<Given>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(given.fingerprint().to_owned(), given);
    }

    fn forget(&self, fingerprint: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(fingerprint);
    }

    fn find(&self, fingerprint: &str) -> Option<Arc<Given>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(fingerprint).cloned()
    }
}

/// What was handed over, for a Secret that holds `former` now: what is trusted there stays trusted.
fn given_for(given: &Given, former: &Values) -> Values {
    let bytes = |text: &str| ByteString(text.as_bytes().to_vec());
    let trusted = former.get(AUTHORITY);
    let authority = (!trusted.is_empty()).then(|| x509::with_root(trusted, given.authority()));
    let own = [(CERTIFICATE, bytes(given.certificate())), (KEY, bytes(given.key()))];
    let own = own.into_iter().chain(authority.map(|authority| (AUTHORITY, ByteString(authority))));
    Values(own.map(|(key, value)| (key.to_owned(), value)).collect())
}

#[derive(Deserialize)]
struct Raw {
    metadata: RawMeta,
    #[serde(default)]
    data: Option<BTreeMap<String, ByteString>>,
}

#[derive(Deserialize)]
struct RawMeta {
    uid: String,
}

fn refused(reason: &str, message: &str) -> WriteError {
    WriteError::Refused(CallError::local(reason, message))
}

impl Hands {
    /// Creates a TLS Secret: `manifest` without values, filled with `content`. A certificate and its key are made here,
    /// right before they are sent, and are read back as clients would.
    pub async fn stage(
        &self,
        at: &ObjectAt,
        manifest: &Value,
        content: &Content,
        now: Timestamp,
    ) -> Result<Written, WriteError> {
        let values = match content {
            Content::CopyOf(held) => self.held(held).await?.of_certificate(),
            Content::Given { former, fingerprint } => {
                let former = self.held(former).await?;
                given_for(&*self.given(fingerprint)?, &former)
            }
            Content::Like(like) => {
                let former = self.held(&like.former).await?;
                let signer = match &like.signer {
                    SignedBy::Authority(held) => Some(self.held(held).await?),
                    SignedBy::Itself => None,
                };
                let life = like.life.and_then(|life| SignedDuration::try_from(life).ok());
                made(former, signer, Change { key: like.key, life, successor: like.successor }, now).await?
            }
        };
        let mut manifest = manifest.clone();
        manifest["data"] = encoded(&values)?;
        drop(values);
        let written = self.create(&at.resource, at.namespace.as_deref(), &manifest, false).await;
        forget(&mut manifest["data"]);
        if let (Content::Given { fingerprint, .. }, Ok(_)) = (content, &written) {
            self.cluster.inner.vault.forget(fingerprint);
        }
        written
    }

    /// Gives the Secret at this place, which must be of this UID and version, the certificate, key and CAs that another
    /// one holds. They change in one write, or not at all.
    pub async fn store(
        &self,
        (from, uid): &(ObjectAt, Uid),
        at: &ObjectAt,
        (own_uid, version): (&str, &str),
    ) -> Result<Written, WriteError> {
        let values = self.values(from, uid).await?.of_certificate();
        if values.fingerprint().is_none() || values.get(KEY).is_empty() {
            return Err(refused("NoCertificate", &format!("{from} holds no certificate with its key")));
        }
        let mut patch = vec![
            json!({ "op": "test", "path": "/metadata/uid", "value": own_uid }),
            json!({ "op": "test", "path": "/metadata/resourceVersion", "value": version }),
        ];
        let Value::Object(data) = encoded(&values)? else { return Err(refused("NoCertificate", "nothing to write")) };
        // `add` also replaces (RFC 6902 section 4.1).
        patch.extend(
            data.into_iter().map(|(key, value)| json!({ "op": "add", "path": format!("/data/{key}"), "value": value })),
        );
        let mut patch = Value::Array(patch);
        let written = self.patch_json(&at.resource, at.namespace.as_deref(), &at.name, &patch, false).await;
        forget(&mut patch);
        written
    }

    /// Adds a certificate to trust bundles of an object, which must be of this UID, and takes others out of them, in one
    /// write. What is read for it may be a Secret: it is wiped with what was made of it.
    pub async fn trust(
        &self,
        at: &ObjectAt,
        uid: &str,
        bundles: &[String],
        (add, without): (Option<&Held>, &[String]),
    ) -> Result<Written, WriteError> {
        let more = match add {
            Some(held) => Some(self.held(held).await?),
            None => None,
        };
        let path = paths::object(&at.resource, at.namespace.as_deref(), &at.name)?;
        let answer = self.cluster.wire().get(&path, CALL).await.map_err(WriteError::Refused)?;
        let body = Zeroizing::new(answer.body);
        let mut object: Value = decoded(&body, &path).map_err(WriteError::Refused)?;
        let patch = trusting(&object, bundles, more.as_ref().map(|more| more.get(CERTIFICATE)), without);
        let same = object.pointer("/metadata/uid").and_then(Value::as_str) == Some(uid);
        forget(&mut object);
        if !same {
            return Err(refused("AnotherObject", &format!("{at} is another object now: its UID is not {uid}")));
        }
        let patch = patch.map_err(|why| refused("BundleNotChanged", &format!("{at}: {why}")))?;
        self.patch_json(&at.resource, at.namespace.as_deref(), &at.name, &patch, false).await
    }

    /// Keeps what a person handed over in memory, until the Secret for it is made.
    pub fn keep(&self, given: Arc<Given>) {
        self.cluster.inner.vault.keep(given);
    }

    /// Lets go of what was handed over and is not going to be stored.
    pub fn let_go(&self, fingerprint: &str) {
        self.cluster.inner.vault.forget(fingerprint);
    }

    fn given(&self, fingerprint: &str) -> Result<Arc<Given>, WriteError> {
        let message =
            "the key was only in the memory of the console that began this; nothing was changed, hand it over again";
        self.cluster.inner.vault.find(fingerprint).ok_or_else(|| refused("KeyGone", message))
    }

    /// The values of a Secret that must hold a certificate.
    async fn held(&self, held: &Held) -> Result<Values, WriteError> {
        let values = self.values(&held.at, &held.uid).await?;
        if values.fingerprint().as_deref() != Some(held.fingerprint.as_str()) {
            let message = format!("{} holds another certificate now; look at it, then plan again", held.at);
            return Err(refused("AnotherCertificate", &message));
        }
        Ok(values)
    }

    async fn values(&self, at: &ObjectAt, uid: &Uid) -> Result<Values, WriteError> {
        let path = paths::object(&at.resource, at.namespace.as_deref(), &at.name)?;
        // Reading leaves nothing undone that may have been done.
        let answer = self.cluster.wire().get(&path, CALL).await.map_err(WriteError::Refused)?;
        let body = Zeroizing::new(answer.body);
        let raw: Raw = decoded(&body, &path).map_err(WriteError::Refused)?;
        let values = Values(raw.data.unwrap_or_default());
        if raw.metadata.uid != uid.as_str() {
            return Err(refused("AnotherObject", &format!("{at} is another object now: its UID is not {uid}")));
        }
        Ok(values)
    }
}

/// A certificate like that of `former`. Keys take a while to make: not on the thread that draws.
async fn made(former: Values, signer: Option<Values>, change: Change, now: Timestamp) -> Result<Values, WriteError> {
    let task = tokio::task::spawn_blocking(move || {
        let signer = signer.as_ref().map(Values::material);
        let mut issued = x509::reissue(&former.material(), signer.as_ref(), change, now)?;
        let key = std::mem::take(&mut *issued.key).into_bytes();
        let authority = issued.authority.map(|authority| (AUTHORITY.to_owned(), ByteString(authority)));
        let own =
            [(CERTIFICATE.to_owned(), ByteString(issued.certificate.into_bytes())), (KEY.to_owned(), ByteString(key))];
        Ok(Values(own.into_iter().chain(authority).collect()))
    });
    let issued = task.await.map_err(|_| refused("NotIssued", "the certificate could not be made"))?;
    issued.map_err(|error: x509::IssueError| refused("NotIssued", &error.to_string()))
}

/// The patch that changes the bundles of this very version of an object.
fn trusting(object: &Value, bundles: &[String], more: Option<&[u8]>, without: &[String]) -> Result<Value, String> {
    let field = |name: &str| object.pointer(&format!("/metadata/{name}")).cloned().unwrap_or_default();
    let mut patch = vec![
        json!({ "op": "test", "path": "/metadata/uid", "value": field("uid") }),
        json!({ "op": "test", "path": "/metadata/resourceVersion", "value": field("resourceVersion") }),
    ];
    for pointer in bundles {
        let said = |why: &dyn std::fmt::Display| format!("{}: {why}", text::sanitize(pointer));
        let written = object.pointer(pointer).and_then(Value::as_str).ok_or_else(|| said(&"there is nothing there"))?;
        let former = bundle_bytes(object, written).map_err(|why| said(&why))?;
        let new = x509::changed_bundle(&former, more, without).map_err(|error| said(&error))?;
        patch.push(json!({ "op": "replace", "path": pointer, "value": bundle_text(object, &new) }));
    }
    Ok(Value::Array(patch))
}

/// As `data` of a Secret.
fn encoded(values: &Values) -> Result<Value, WriteError> {
    let mut data = Map::new();
    for (key, value) in &values.0 {
        let value = serde_json::to_value(value);
        data.insert(key.clone(), value.map_err(|_| refused("NotEncoded", "a value could not be encoded"))?);
    }
    Ok(Value::Object(data))
}

/// Wipes every text.
fn forget(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(forget),
        Value::Object(fields) => fields.values_mut().for_each(forget),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
