//! How a registry wants to be asked (`WWW-Authenticate`, RFC 9110 and the token flow of registries), and the login that
//! docker keeps for it. Pure. A login goes to its own host over TLS, and nowhere else.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Uri};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use std::collections::BTreeMap;

use crate::text::image::HUB;

/// What a registry asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// Name and password.
    Basic,
    /// A token of this address, for this service.
    Bearer { realm: String, service: String },
}

/// The challenge of a header; a token before a password, and `None` when it asks for neither.
pub(super) fn challenge(header: &str) -> Option<Challenge> {
    let mut basic = false;
    let mut bearer: Option<(String, String)> = None;
    let mut within = false;
    for item in items(header) {
        let (name, value) = item.split_once('=').map_or((item.as_str(), None), |(name, value)| (name, Some(value)));
        let (scheme, name) = match name.trim().rsplit_once(' ') {
            Some((scheme, name)) if value.is_some() => (Some(scheme.trim()), name),
            _ if value.is_none() => (Some(name.trim()), ""),
            _ => (None, name.trim()),
        };
        if let Some(scheme) = scheme {
            basic |= scheme.eq_ignore_ascii_case("basic");
            within = scheme.eq_ignore_ascii_case("bearer") && bearer.is_none();
            if within {
                bearer = Some(Default::default());
            }
        }
        let value = value.map(|value| unquoted(value.trim())).unwrap_or_default();
        match (&mut bearer, name.to_ascii_lowercase().as_str()) {
            (Some((realm, _)), "realm") if within => *realm = value,
            (Some((_, service)), "service") if within => *service = value,
            _ => {}
        }
    }
    let bearer = bearer.filter(|(realm, _)| !realm.is_empty());
    bearer.map(|(realm, service)| Challenge::Bearer { realm, service }).or(basic.then_some(Challenge::Basic))
}

/// The parts between commas that stand in no quotes.
fn items(header: &str) -> Vec<String> {
    let (mut all, mut quoted, mut escaped) = (vec![String::new()], false, false);
    for c in header.chars() {
        if c == ',' && !quoted {
            all.push(String::new());
            continue;
        }
        if c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = c == '\\' && quoted && !escaped;
        if let Some(last) = all.last_mut() {
            last.push(c);
        }
    }
    all.retain(|item| !item.trim().is_empty());
    all
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) else {
        return value.to_owned();
    };
    let (mut plain, mut escaped) = (String::new(), false);
    for c in inner.chars() {
        escaped = c == '\\' && !escaped;
        if !escaped {
            plain.push(c);
        }
    }
    plain
}

/// Where a token to pull from a repository is asked for, and whether the login of the registry may go there.
///
/// # Errors
/// When the address is neither https nor the registry's own.
pub(super) fn token_address(
    registry: &Uri,
    (realm, service): (&str, &str),
    repository: &str,
) -> Result<(Uri, bool), &'static str> {
    let wrong = "it names an address for tokens that is none";
    let address: Uri = realm.parse().map_err(|_| wrong)?;
    let host = address.authority().ok_or(wrong)?;
    if host.as_str().contains('@') {
        return Err(wrong);
    }
    let tls = address.scheme() == Some(&http::uri::Scheme::HTTPS);
    let own = address.authority() == registry.authority() && address.scheme() == registry.scheme();
    if !tls && !own {
        return Err("it names an address for tokens that is neither https nor its own");
    }
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let mark = if address.query().is_some() { '&' } else { '?' };
    let service = if service.is_empty() { String::new() } else { format!("service={}&", encoded(service)) };
    let scope = encoded(&format!("repository:{repository}:pull"));
    let whole = format!("{address}{mark}{service}scope={scope}");
    Ok((whole.parse().map_err(|_| wrong)?, tls && own))
}

/// The token of an answer, as it is sent.
pub(super) fn token(answer: &[u8]) -> Option<HeaderValue> {
    #[derive(Deserialize)]
    struct Token {
        token: Option<String>,
        access_token: Option<String>,
    }
    let Token { token, access_token } = serde_json::from_slice(answer).ok()?;
    let token = token.or(access_token).filter(|token| !token.is_empty())?;
    secret(&format!("Bearer {token}"))
}

/// What docker's `config.json` has as the login of a registry, as it is sent; `None` when it has none.
///
/// # Errors
/// When it is no such file, or the login is not one. They hold nothing of it.
pub(super) fn docker(file: &[u8], host: &str) -> Result<Option<HeaderValue>, &'static str> {
    #[derive(Deserialize)]
    struct File {
        #[serde(default)]
        auths: BTreeMap<String, Login>,
    }
    #[derive(Deserialize)]
    struct Login {
        auth: Option<String>,
        username: Option<String>,
        password: Option<String>,
    }
    let file: File = serde_json::from_slice(file).map_err(|_| "docker's config.json cannot be read as one")?;
    let same = |name: &str| {
        let name = name.strip_prefix("https://").unwrap_or(name);
        let name = name.trim_end_matches('/');
        let name = name.strip_suffix("/v1").or(name.strip_suffix("/v2")).unwrap_or(name);
        name == host || host == HUB && name == "index.docker.io"
    };
    let Some((_, login)) = file.auths.into_iter().find(|(name, _)| same(name)) else { return Ok(None) };
    let wrong = "the login in docker's config.json is not a name and a password";
    let plain = match login {
        Login { auth: Some(auth), .. } if !auth.is_empty() => STANDARD.decode(auth).map_err(|_| wrong)?,
        Login { username: Some(name), password: Some(password), .. } => format!("{name}:{password}").into_bytes(),
        // A helper keeps it, or nobody does.
        _ => return Ok(None),
    };
    if plain.iter().position(|byte| *byte == b':').is_none_or(|at| at == 0) {
        return Err(wrong);
    }
    secret(&format!("Basic {}", STANDARD.encode(plain))).map(Some).ok_or(wrong)
}

fn secret(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::token("Bearer realm=\"https://a.example/token\",service=\"r.example\",scope=\"repository:x:pull\"",
        Some(("https://a.example/token", "r.example")))]
    #[case::commas("bearer service=\"a, b\" , realm=\"https://a.example/t?x=1\"", Some(("https://a.example/t?x=1", "a, b")))]
    #[case::escaped("Bearer realm=\"https://a.example/t\", service=\"a\\\"b\"", Some(("https://a.example/t", "a\"b")))]
    #[case::plain("Bearer realm=https://a.example/t", Some(("https://a.example/t", "")))]
    #[case::both("Basic realm=\"x\", Bearer realm=\"https://a.example/t\"", Some(("https://a.example/t", "")))]
    #[case::both_turned("Bearer realm=\"https://a.example/t\", Basic realm=\"x\"", Some(("https://a.example/t", "")))]
    fn a_token_is_asked_for_where_the_registry_says(#[case] header: &str, #[case] expected: Option<(&str, &str)>) {
        let expected =
            expected.map(|(realm, service)| Challenge::Bearer { realm: realm.into(), service: service.into() });
        assert_eq!(challenge(header), expected);
    }

    #[rstest]
    #[case("Basic realm=\"x\"", Some(Challenge::Basic))]
    #[case("Basic", Some(Challenge::Basic))]
    #[case("Bearer service=\"x\"", None)]
    #[case("Negotiate", None)]
    #[case("", None)]
    #[case("Bearer realm=\"https://never ends", Some(Challenge::Bearer { realm: "\"https://never ends".into(), service: String::new() }))]
    fn what_else_is_asked_for_is_told_apart(#[case] header: &str, #[case] expected: Option<Challenge>) {
        assert_eq!(challenge(header), expected);
    }

    #[rstest]
    #[case::other_host("https://r.example", "https://auth.example/token", Ok(("https://auth.example/token?service=s%20t&scope=repository%3Aa%2Fb%3Apull", false)))]
    #[case::own("https://r.example", "https://r.example/token?x=1", Ok(("https://r.example/token?x=1&service=s%20t&scope=repository%3Aa%2Fb%3Apull", true)))]
    #[case::own_plain("http://r.example:5000", "http://r.example:5000/t", Ok(("http://r.example:5000/t?service=s%20t&scope=repository%3Aa%2Fb%3Apull", false)))]
    #[case::down("https://r.example", "http://r.example/token", Err(()))]
    #[case::plain("https://r.example", "http://auth.example/token", Err(()))]
    #[case::other_port("http://r.example:5000", "http://r.example:6000/t", Err(()))]
    #[case::password("https://r.example", "https://a:b@r.example/t", Err(()))]
    #[case::relative("https://r.example", "/token", Err(()))]
    #[case::broken("https://r.example", "\"https://never ends", Err(()))]
    fn a_login_goes_to_its_own_host_over_tls_alone(
        #[case] registry: &str,
        #[case] realm: &str,
        #[case] expected: Result<(&str, bool), ()>,
    ) {
        let found = token_address(&registry.parse().unwrap(), (realm, "s t"), "a/b");
        let found = found.as_ref().map(|(address, own)| (address.to_string(), *own)).map_err(drop);
        assert_eq!(found, expected.map(|(address, own)| (address.to_owned(), own)));
    }

    #[test]
    fn the_login_of_a_host_is_found_under_each_of_its_names() {
        let auth = STANDARD.encode("ada:s3cret");
        for (name, host) in [
            ("r.example:5000", "r.example:5000"),
            ("https://r.example", "r.example"),
            ("https://r.example/v2/", "r.example"),
            ("https://index.docker.io/v1/", "docker.io"),
        ] {
            let file = json!({ "auths": { "other.example": { "auth": "eDp5" }, name: { "auth": auth } } }).to_string();
            let found = docker(file.as_bytes(), host).unwrap().unwrap();
            assert_eq!(found, format!("Basic {auth}").as_str(), "{name}");
            assert!(!format!("{found:?}").contains(&auth), "it shows in no message");
            assert_eq!(docker(file.as_bytes(), "elsewhere.example"), Ok(None));
        }
    }

    #[rstest]
    #[case::helper(r#"{"auths":{"r":{}},"credsStore":"desktop"}"#, Ok(false))]
    #[case::nobody("{}", Ok(false))]
    #[case::two_words(r#"{"auths":{"r":{"username":"a","password":"b"}}}"#, Ok(true))]
    #[case::no_colon(r#"{"auths":{"r":{"auth":"YWJj"}}}"#, Err(()))]
    #[case::no_base64(r#"{"auths":{"r":{"auth":"!"}}}"#, Err(()))]
    #[case::no_json("auths", Err(()))]
    fn a_login_is_a_name_and_a_password(#[case] file: &str, #[case] expected: Result<bool, ()>) {
        assert_eq!(docker(file.as_bytes(), "r").map(|found| found.is_some()).map_err(drop), expected);
    }

    #[rstest]
    #[case(r#"{"token":"a.b"}"#, Some("Bearer a.b"))]
    #[case(r#"{"access_token":"c","expires_in":300}"#, Some("Bearer c"))]
    #[case(r#"{"token":"a\nb"}"#, None)]
    #[case(r#"{"token":""}"#, None)]
    #[case("{}", None)]
    #[case("<html>", None)]
    fn a_token_is_taken_from_the_answer(#[case] answer: &str, #[case] expected: Option<&str>) {
        assert_eq!(token(answer.as_bytes()).as_ref().map(|value| value.to_str().unwrap()), expected);
    }
}
