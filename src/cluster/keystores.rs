//! Opening keystores whose password stands in another Secret, or in a Certificate: both are read for this alone.
//!
//! What is read lives until the keystore was opened and is wiped then. Nothing of it is in what is returned, in an error or
//! in a log.

use std::fmt;

use k8s_openapi::ByteString;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use super::decode::wipe;
use super::errors::CallError;
use super::eyes::{Eyes, decoded};
use super::paths;
use super::wire::CALL;
use crate::model::{Fault, Format, HeldFile, Kind, Locked, PasswordAt};
use crate::plan::Resource;
use crate::x509::{self, Hidden};

/// A Secret, of which only the values that are asked for are looked at.
#[derive(Deserialize)]
struct Secret {
    metadata: Version,
    #[serde(default)]
    data: Option<std::collections::BTreeMap<String, Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    uid: String,
    resource_version: String,
}

struct Value(Hidden);

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ByteString::deserialize(deserializer).map(|bytes| Self(bytes.0.into()))
    }
}

#[derive(Deserialize)]
struct Certificate {
    spec: Spec,
}

#[derive(Deserialize)]
struct Spec {
    #[serde(default)]
    keystores: Keystores,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Keystores {
    jks: Option<Keystore>,
    pkcs12: Option<Keystore>,
}

#[derive(Deserialize)]
struct Keystore {
    #[serde(default)]
    password: Option<Literal>,
}

struct Literal(Hidden);

impl<'de> Deserialize<'de> for Literal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.into_bytes().into()))
    }
}

/// Where a password stands, for people.
struct Place<'a>(&'a Locked);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.password {
            PasswordAt::Secret(name, key) => write!(f, "its password in Secret {name}, key {key}"),
            PasswordAt::Certificate(name) => write!(f, "its password in Certificate {name}"),
        }
    }
}

impl Eyes {
    /// Opens a keystore with the password that is named for it. `None` when its Secret is another one by now.
    ///
    /// # Errors
    /// When the API server does not answer; what it refuses is part of the answer.
    pub async fn open_keystore(&self, locked: &Locked) -> Result<Option<HeldFile>, CallError> {
        let namespace = &locked.secret.0;
        let closed = |word: &'static str, said: String| {
            let file = x509::closed(&locked.file, locked.format, word, said);
            let fault = file.fault.map(|fault| Fault { tried: true, ..fault });
            Ok(Some(HeldFile { fault, ..file }))
        };
        let place = Place(locked);
        let password = match self.password(locked).await {
            Ok(Some(password)) => password,
            Ok(None) => return closed("not_found", format!("{place} is not there")),
            Err(error) if error.forbidden() => {
                return closed("permission_denied", format!("{place} cannot be read: {error}"));
            }
            Err(error) => return Err(error),
        };
        let secret: Option<Secret> = self.hidden(Kind::TlsSecret, namespace, &locked.secret.1).await?;
        let same = |secret: &Secret| {
            secret.metadata.uid == locked.uid.as_str() && *secret.metadata.resource_version == *locked.version
        };
        let Some(mut data) = secret.filter(same).and_then(|secret| secret.data) else { return Ok(None) };
        let Some(Value(keystore)) = data.remove(&*locked.file) else { return Ok(None) };
        drop(data);
        let (file, format) = (locked.file.clone(), locked.format);
        // Deriving its key takes as long as its maker wished.
        let opened = tokio::task::spawn_blocking(move || {
            let password = std::str::from_utf8(&password).unwrap_or_default();
            x509::opened(&file, format, &keystore, &[password])
        });
        match opened.await {
            Ok(file) if file.fault.as_ref().is_some_and(Fault::locked) => {
                closed("bad_passphrase", format!("{place} does not open it"))
            }
            Ok(file) => Ok(Some(file)),
            Err(_) => closed("bad_pkcs12", format!("{} cannot be opened", locked.file)),
        }
    }

    async fn password(&self, locked: &Locked) -> Result<Option<Hidden>, CallError> {
        let namespace = &locked.secret.0;
        match &locked.password {
            PasswordAt::Secret(name, key) => {
                let secret: Option<Secret> = self.hidden(Kind::TlsSecret, namespace, name).await?;
                let found = secret.and_then(|secret| secret.data?.remove(&**key));
                Ok(found.map(|Value(password)| password))
            }
            PasswordAt::Certificate(name) => {
                let certificate: Option<Certificate> = self.hidden(Kind::Certificate, namespace, name).await?;
                let keystores = certificate.map(|certificate| certificate.spec.keystores).unwrap_or_default();
                let own = if locked.format == Format::Jks { keystores.jks } else { keystores.pkcs12 };
                Ok(own.and_then(|own| own.password).map(|Literal(password)| password))
            }
        }
    }

    /// One object, of which nothing lingers; `None` when there is none.
    async fn hidden<T: DeserializeOwned>(
        &self,
        kind: Kind,
        namespace: &str,
        name: &str,
    ) -> Result<Option<T>, CallError> {
        let path = paths::object(&Resource::of(kind), Some(namespace), name)?;
        let mut answer = match self.wire().get(&path, CALL).await {
            Err(error) if error.not_found() => return Ok(None),
            answer => answer?,
        };
        let read = decoded(&answer.body, &path);
        wipe(&mut answer.body);
        read.map(Some)
    }
}
