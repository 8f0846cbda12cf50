//! What a Secret is filled with when its values must not stand in a plan: named by where it is and which certificate
//! it has to be, never by its bytes.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{CERTIFICATE, Check, ObjectAt, Target};
use crate::model::Uid;
use crate::x509::KeyKind;

/// A TLS Secret, and the certificate that it must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Where.
    pub at: ObjectAt,
    /// Which one.
    pub uid: Uid,
    /// SHA-256 of its first certificate, lower-case hex.
    pub fingerprint: String,
}

/// A certificate that is added to what is trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trusted {
    /// The TLS Secret whose first certificate it is.
    pub from: Target,
    /// SHA-256 of it, lower-case hex; or what an earlier step says it is, see [`from_step`](super::from_step).
    pub fingerprint: Value,
}

impl From<Held> for Trusted {
    fn from(held: Held) -> Self {
        Self { from: Target::Known { at: held.at, uid: held.uid }, fingerprint: held.fingerprint.into() }
    }
}

/// Who signs a new certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SignedBy {
    /// The CA in this Secret.
    Authority(Held),
    /// Its own key.
    Itself,
}

/// The values of a new TLS Secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Content {
    /// Those of another one, as they are.
    CopyOf(Held),
    /// A certificate like another one with a new key, which is made when the Secret is: nobody held it before.
    Like(Box<Like>),
    /// What a person handed to this console. Only its memory has the key: where the console ended before the Secret was
    /// made, nothing was done and it has to be handed over again.
    Given {
        /// The Secret that it is for, and what that holds now.
        former: Held,
        /// SHA-256 of the new certificate, lower-case hex.
        fingerprint: String,
    },
}

/// A new certificate that is like another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Like {
    /// The other one.
    pub former: Held,
    /// Who signs it.
    pub signer: SignedBy,
    /// The kind of its key; `None` for one as before.
    pub key: Option<KeyKind>,
    /// How long it is valid at most; `None` for as long as the former one was.
    pub life: Option<Duration>,
    /// Whether it is a CA that takes the place of the other one beside it: its name says from when it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub successor: bool,
}

impl Content {
    /// The Secrets that it is made from.
    pub fn from(&self) -> Vec<&Held> {
        match self {
            Self::CopyOf(held) | Self::Given { former: held, .. } => vec![held],
            Self::Like(like) => match &like.signer {
                SignedBy::Itself => vec![&like.former],
                SignedBy::Authority(signer) => vec![&like.former, signer],
            },
        }
    }
}

/// The field of a Secret that says what is known of its certificate.
pub(super) fn certificate(field: &str) -> String {
    format!("{CERTIFICATE}{field}")
}

/// That a Secret holds this certificate.
pub(super) fn holds(fingerprint: impl Into<Value>) -> Check {
    Check::is(&certificate("fingerprint"), fingerprint)
}
