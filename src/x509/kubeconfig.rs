//! The certificates of kubeconfigs, and of the connections to clusters that Argo CD keeps.
//!
//! Only what is in the file itself is read; paths to other files are of another machine. Tokens and passwords are
//! skipped in the parser.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Hidden;

/// Certificates with which one cluster or several are talked to, each PEM.
#[derive(Default)]
pub(super) struct Credentials {
    /// Client certificates with their keys.
    pub clients: Vec<(Vec<u8>, Option<Hidden>)>,
    /// What the servers are checked by.
    pub authorities: Vec<Vec<u8>>,
}

/// Whether a text is worth a try: a file in which someone only mentions one of these words is not.
pub(super) fn looks_like_one(text: &str) -> bool {
    let named = text.contains("client-certificate-data") || text.contains("certificate-authority-data");
    named && text.contains("clusters")
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Config {
    clusters: Option<Vec<Cluster>>,
    users: Option<Vec<User>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Cluster {
    cluster: Option<Server>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Server {
    #[serde(rename = "certificate-authority-data")]
    authority: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct User {
    user: Option<Client>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Client {
    #[serde(rename = "client-certificate-data")]
    certificate: Option<String>,
    #[serde(rename = "client-key-data")]
    key: Option<String>,
}

/// What a kubeconfig holds; `None` when it is none.
pub(super) fn credentials(bytes: &[u8]) -> Option<Credentials> {
    let config: Config = yaml(bytes)?;
    let mut found = Credentials::default();
    let servers = config.clusters.unwrap_or_default().into_iter().filter_map(|cluster| cluster.cluster?.authority);
    for authority in servers.filter(|authority| !authority.is_empty()) {
        found.authorities.push(base64(&authority)?);
    }
    for client in config.users.unwrap_or_default().into_iter().filter_map(|user| user.user) {
        let key = client.key.map(|key| Hidden::from(key.into_bytes()));
        let certificate = client.certificate.filter(|certificate| !certificate.is_empty());
        if let Some(certificate) = certificate {
            let key = key.and_then(|key| Some(Hidden::from(base64(std::str::from_utf8(&key).ok()?)?)));
            found.clients.push((base64(&certificate)?, key));
        }
    }
    Some(found)
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Argo {
    tls_client_config: Option<ArgoTls>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ArgoTls {
    #[serde(rename = "caData")]
    authority: Option<String>,
    #[serde(rename = "certData")]
    certificate: Option<String>,
    #[serde(rename = "keyData")]
    key: Option<String>,
}

/// What `config` of a cluster Secret of Argo CD holds; `None` when it is no such.
pub(super) fn argo_cluster(bytes: &[u8]) -> Option<Credentials> {
    let tls = serde_json::from_slice::<Argo>(bytes).ok()?.tls_client_config?;
    let some = |text: Option<String>| text.filter(|text| !text.is_empty());
    let mut found = Credentials::default();
    if let Some(authority) = some(tls.authority) {
        found.authorities.push(base64(&authority)?);
    }
    let key = some(tls.key).map(|key| Hidden::from(key.into_bytes()));
    if let Some(certificate) = some(tls.certificate) {
        let key = key.and_then(|key| Some(Hidden::from(base64(std::str::from_utf8(&key).ok()?)?)));
        found.clients.push((base64(&certificate)?, key));
    }
    Some(found)
}

fn yaml<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    // An error of the parser quotes lines of the file; it goes no further than here.
    serde_saphyr::from_slice(bytes).ok()
}

/// RFC 4648 section 4, with any white space in it.
fn base64(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut held) = (Vec::with_capacity(text.len() / 4 * 3), 0_u32, 0_u32);
    let mut padding = 0;
    for letter in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                padding += 1;
                continue;
            }
            _ => return None,
        };
        if padding > 0 {
            return None;
        }
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff).ok()?);
            bits &= (1 << held) - 1;
        }
    }
    (padding <= 2 && held < 6 && bits == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("", Some(""))]
    #[case("Zg==", Some("f"))]
    #[case("Zg", Some("f"))]
    #[case("Zm9v\n  YmFy\n", Some("foobar"))]
    #[case("Zm=v", None)]
    #[case("Zm9*", None)]
    #[case("Z", None)]
    #[case("Zh==", None)]
    fn base64_is_read_exactly(#[case] text: &str, #[case] read: Option<&str>) {
        assert_eq!(base64(text), read.map(|read| read.as_bytes().to_vec()));
    }

    #[test]
    fn paths_and_tokens_are_no_certificates() {
        let text = "clusters:\n- cluster: {certificate-authority: /x}\nusers:\n- user: {token: abc}\n";
        let read = credentials(text.as_bytes()).unwrap();
        assert!(read.clients.is_empty() && read.authorities.is_empty());
        assert!(credentials(b"- a\n- b").is_none(), "a list is no kubeconfig");
    }
}
