//! What can go wrong when the API server is asked, as values that people can read.
//!
//! An error never carries a body, a header or a token: of a refusal it keeps the code, the reason and the server's
//! own message cut to a few lines; of a transport error the whole chain of causes, because the outermost link only
//! says "client error". Text from the server is made safe to draw here.

use std::error::Error;
use std::time::Duration;

use kube::core::Status;

/// Longest message kept of a refusal.
const MESSAGE_LIMIT: usize = 400;
/// Most causes kept of a refusal.
const CAUSE_LIMIT: usize = 8;

/// Why a call to the API server has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The server said no; or this process did, before the request left it.
    #[error("{message} ({code} {reason})")]
    Refused {
        /// HTTP status code.
        code: u16,
        /// Machine reason, such as `Conflict`.
        reason: Box<str>,
        /// The server's message, made safe and short.
        message: Box<str>,
        /// `details.causes`, as `field: message`.
        causes: Vec<Box<str>>,
    },
    /// No connection, or it broke.
    #[error("the API server cannot be reached: {why}")]
    Unreachable {
        /// Every link of the chain of causes.
        why: Box<str>,
        /// Whether the request may have arrived there.
        sent: bool,
    },
    /// No answer in time.
    #[error("no answer within {}s from the API server to: {what}", after.as_secs_f32())]
    TimedOut {
        /// The deadline.
        after: Duration,
        /// What was asked.
        what: Box<str>,
    },
    /// The credentials are not accepted: wrong, expired or revoked.
    #[error("the API server does not accept the credentials (401); log in again: the token may have expired")]
    Unauthorized,
    /// The answer is not what the API promises.
    #[error("the answer cannot be understood: {what}")]
    Undecodable {
        /// What was asked, and where the answer goes wrong.
        what: Box<str>,
    },
}

impl CallError {
    /// From an error answer. `body` is read as a `Status`; anything else in it is not kept.
    pub(super) fn answered(code: u16, body: &[u8]) -> Self {
        match serde_json::from_slice::<Status>(body) {
            Ok(status) => Self::status(&status, code),
            Err(_) => Self::status(&Status::default(), code),
        }
    }

    /// From a `Status`, with the HTTP code for one that carries none.
    pub(super) fn status(status: &Status, code: u16) -> Self {
        let code = if status.code == 0 { code } else { status.code };
        if code == 401 {
            return Self::Unauthorized;
        }
        let known = http::StatusCode::from_u16(code).ok().and_then(|code| code.canonical_reason());
        let reason = if status.reason.is_empty() { known.unwrap_or("Error") } else { &status.reason };
        let message = if status.message.is_empty() { "the API server refused" } else { &status.message };
        let causes = status.details.iter().flat_map(|details| &details.causes).take(CAUSE_LIMIT);
        let causes = causes.map(|cause| match cause.field.as_str() {
            "" => safe(&cause.message),
            field => safe(&format!("{field}: {}", cause.message)),
        });
        Self::Refused { code, reason: safe(reason), message: safe(message), causes: causes.collect() }
    }

    /// From what the client reports when there is no answer.
    pub(super) fn transport(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::status(&status, 500),
            kube::Error::Auth(error) => Self::Unreachable { why: credentials(&error), sent: false },
            error => {
                let sent = !links(&error).any(never_sent);
                Self::Unreachable { why: chain(&error), sent }
            }
        }
    }

    /// A refusal made here, before any request.
    pub(super) fn local(reason: &str, message: &str) -> Self {
        Self::Refused { code: 400, reason: reason.into(), message: safe(message), causes: Vec::new() }
    }

    fn refused(&self, of_code: u16) -> bool {
        matches!(self, Self::Refused { code, .. } if *code == of_code)
    }

    /// The object or the kind does not exist.
    pub fn not_found(&self) -> bool {
        self.refused(404)
    }

    /// The object is not at the expected version, or exists already.
    pub fn conflict(&self) -> bool {
        self.refused(409)
    }

    /// The identity may not do this (403).
    pub fn forbidden(&self) -> bool {
        self.refused(403)
    }

    /// The version asked for is no longer held (410), or not yet reached: list again.
    pub fn gone(&self) -> bool {
        match self {
            Self::Refused { code: 410, .. } => true,
            Self::Refused { causes, message, .. } => {
                let ahead = |text: &str| text.contains("Too large resource version");
                ahead(message) || causes.iter().any(|cause| ahead(cause))
            }
            _ => false,
        }
    }

    /// Refused by the read-only layer of this process.
    pub fn read_only(&self) -> bool {
        matches!(self, Self::Refused { reason, .. } if &**reason == super::readonly::REASON)
    }

    /// Whether the same call may well succeed later: the server was busy, out of reach or wanted other credentials.
    pub fn temporary(&self) -> bool {
        match self {
            Self::Refused { code, .. } => matches!(code, 429 | 500..=599),
            Self::Unreachable { .. } | Self::TimedOut { .. } | Self::Unauthorized => true,
            Self::Undecodable { .. } => false,
        }
    }

    /// Whether nothing can have been changed: the server said no, or the request never left.
    pub fn certainly_not_done(&self) -> bool {
        match self {
            Self::Refused { code, .. } => *code < 500 && *code != 408,
            Self::Unreachable { sent, .. } => !sent,
            Self::Unauthorized => true,
            Self::TimedOut { .. } | Self::Undecodable { .. } => false,
        }
    }
}

/// Whether a link says that no connection was made, so that nothing was sent.
fn never_sent(link: &(dyn Error + 'static)) -> bool {
    link.downcast_ref::<hyper_util::client::legacy::Error>().is_some_and(hyper_util::client::legacy::Error::is_connect)
        || link.downcast_ref::<kube::client::AuthError>().is_some()
}

fn links<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |link: &&'a (dyn Error + 'static)| (*link).source())
}

/// All causes of an error, outermost first, each said once.
pub(super) fn chain(error: &(dyn Error + 'static)) -> Box<str> {
    let mut said = String::new();
    for link in links(error).take(16) {
        if link.downcast_ref::<kube::client::AuthError>().is_some() {
            said = "the credentials could not be obtained".into();
            break;
        }
        let text = link.to_string();
        if said.contains(&text) {
            continue;
        }
        // A link that repeats its own cause is told by the part that comes before it.
        let cause = link.source().map(ToString::to_string).unwrap_or_default();
        let own = match text.strip_suffix(&cause) {
            Some(own) if !cause.is_empty() => own.trim_end_matches([':', ' ']),
            _ => &text,
        };
        if !own.is_empty() && !said.contains(own) {
            said = if said.is_empty() { own.to_owned() } else { format!("{said}: {own}") };
        }
    }
    safe(said.trim_start_matches("ServiceError: "))
}

/// What a credential error may say: never the plugin's output, which holds the token.
pub(super) fn credentials(error: &kube::client::AuthError) -> Box<str> {
    use kube::client::AuthError as E;
    match error {
        // Its command line comes with its environment, and both may hold secrets.
        E::AuthExecRun { out, .. } => safe(&format!("the credential plugin failed with {}", out.status)),
        E::AuthExecStart(error) => safe(&format!("the credential plugin could not be started: {error}")),
        E::AuthExecParse(_) | E::ExecPluginFailed | E::AuthExecSerialize(_) => {
            "the credential plugin's answer is not an ExecCredential with a status".into()
        }
        E::ReadTokenFile(error, path) => safe(&format!("the token file {} cannot be read: {error}", path.display())),
        E::MissingCommand => "the kubeconfig's exec entry names no command".into(),
        E::MalformedTokenExpirationDate(_) => "the credential's expiry is not a date".into(),
        E::InvalidBasicAuth(_) | E::InvalidBearerToken(_) => {
            "the token or password holds characters that a header cannot carry".into()
        }
        _ => "the credentials could not be obtained".into(),
    }
}

/// Text from outside, cut short, with control and direction characters made visible.
pub(super) fn safe(text: &str) -> Box<str> {
    let mut short: String = text.chars().take(MESSAGE_LIMIT).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    crate::text::sanitize(&short).into()
}

#[cfg(test)]
mod tests;
