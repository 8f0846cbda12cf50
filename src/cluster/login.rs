//! When the credentials of a kubeconfig user end, as far as they say so themselves.
//!
//! A client certificate has its last day, a JWT its `exp`, a plugin's answer its expiry; the first to end counts. Of a
//! token only the payload is decoded and only that one number is kept; nothing of it reaches a log or an error.

use jiff::Timestamp;
use k8s_openapi::ByteString;
use kube::config::AuthInfo;
use secrecy::ExposeSecret;
use serde::Deserialize;

use crate::x509;

/// When the credentials of a user end; `None` when nothing of that is known. `issued` is what a plugin said of those
/// that it gave.
pub(super) fn ends(auth: &AuthInfo, issued: Option<Timestamp>) -> Option<Timestamp> {
    let file = || auth.token_file.as_ref().and_then(|path| std::fs::read_to_string(path).ok());
    let token = match &auth.token {
        Some(token) => jwt_end(token.expose_secret()),
        None => file().as_deref().and_then(jwt_end),
    };
    [issued, token, certificate(auth).as_deref().and_then(certificate_end)].into_iter().flatten().min()
}

/// The client certificate of a user, as PEM.
fn certificate(auth: &AuthInfo) -> Option<Vec<u8>> {
    match (&auth.client_certificate_data, &auth.client_certificate) {
        (Some(data), _) => decoded(data),
        (None, Some(path)) => std::fs::read(path).ok(),
        (None, None) => None,
    }
}

/// When the first certificate of a PEM text ends: the client's own comes first (RFC 8446, 4.4.2).
fn certificate_end(pem: &[u8]) -> Option<Timestamp> {
    Some(x509::chain(pem).ok()?.first()?.not_after)
}

/// The `exp` of a JWT (RFC 7519, 4.1.4: seconds since 1970, perhaps with a fraction); `None` of any other token.
fn jwt_end(token: &str) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Payload {
        exp: f64,
    }
    let mut parts = token.trim().split('.');
    let (_, payload, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else { return None };
    // The payload is base64url without padding (RFC 7515, 2).
    let mut base64 = payload.replace('-', "+").replace('_', "/");
    base64.extend(std::iter::repeat_n('=', (4 - base64.len() % 4) % 4));
    let Payload { exp } = serde_json::from_slice(&decoded(&base64)?).ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "a number beyond i64 becomes its end, and then no timestamp")]
    Timestamp::from_second(exp as i64).ok()
}

/// The bytes of a base64 text.
fn decoded(base64: &str) -> Option<Vec<u8>> {
    let bytes: ByteString = serde_json::from_value(base64.into()).ok()?;
    Some(bytes.0)
}

/// Bytes as base64 text.
pub(super) fn base64(bytes: &[u8]) -> String {
    let text = serde_json::to_value(ByteString(bytes.to_vec()));
    text.ok().and_then(|text| Some(text.as_str()?.to_owned())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const END: i64 = 1_893_456_000;

    fn jwt(payload: &str) -> String {
        let part = |text: &str| base64(text.as_bytes()).replace('+', "-").replace('/', "_").replace('=', "");
        format!("{}.{}.c2lnbmF0dXJl", part(r#"{"alg":"RS256"}"#), part(payload))
    }

    fn with_token(token: &str) -> AuthInfo {
        AuthInfo { token: Some(token.to_owned().into()), ..AuthInfo::default() }
    }

    #[rstest]
    #[case::exp(&jwt(r#"{"sub":"ada","exp":1893456000}"#), Some(END))]
    #[case::url_safe_characters(&jwt(r#"{"sub":"ÿÿþ?>~","exp":1893456000}"#), Some(END))]
    #[case::a_fraction(&jwt(r#"{"exp":1893456000.75}"#), Some(END))]
    #[case::no_exp(&jwt(r#"{"sub":"ada"}"#), None)]
    #[case::a_word(&jwt(r#"{"exp":"tomorrow"}"#), None)]
    #[case::beyond_time(&jwt(r#"{"exp":1e300}"#), None)]
    #[case::opaque("abcdef.0123456789abcdef", None)]
    #[case::no_base64("a.%%%.b", None)]
    #[case::four_parts("a.b.c.d", None)]
    #[case::empty("", None)]
    fn only_a_jwt_says_when_it_ends(#[case] token: &str, #[case] end: Option<i64>) {
        assert_eq!(ends(&with_token(token), None).map(Timestamp::as_second), end);
    }

    #[test]
    fn a_client_certificate_ends_on_its_last_day_and_the_first_end_counts() {
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
        parameters.not_after = time::OffsetDateTime::from_unix_timestamp(END).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let pem = parameters.self_signed(&key).unwrap().pem();
        let data = Some(base64(pem.as_bytes()));
        let auth = AuthInfo { client_certificate_data: data, ..AuthInfo::default() };
        assert_eq!(ends(&auth, None).map(Timestamp::as_second), Some(END));
        let sooner = Timestamp::from_second(END - 60).unwrap();
        assert_eq!(ends(&auth, Some(sooner)), Some(sooner));
        let later = Timestamp::from_second(END + 60).unwrap();
        assert_eq!(ends(&auth, Some(later)).map(Timestamp::as_second), Some(END));
    }

    #[test]
    fn a_token_file_is_read_and_what_cannot_be_read_is_not_known() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, jwt(r#"{"exp":1893456000}"#).as_bytes()).unwrap();
        let of = |path: &std::path::Path| AuthInfo {
            token_file: Some(path.to_str().unwrap().to_owned()),
            ..AuthInfo::default()
        };
        assert_eq!(ends(&of(file.path()), None).map(Timestamp::as_second), Some(END));
        assert_eq!(ends(&of(std::path::Path::new("/nonexistent/token")), None), None);
        assert_eq!(ends(&AuthInfo::default(), None), None);
    }
}
