//! Private keys told from what stands beside them, so that what may be seen can be shown without them.
//!
//! It reads no key: where one begins and ends is all that it knows.

use zeroize::Zeroizing;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";
const KEY: &str = "PRIVATE KEY";

/// How `-----BEGIN [RSA |EC |…]PRIVATE KEY` begins in base64, as Secrets are printed.
const ENCODED: [&str; 5] = [
    "LS0tLS1CRUdJTiBQUklWQVRFIEtFW",
    "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRV",
    "LS0tLS1CRUdJTiBFQyBQUklWQVRFIEtFW",
    "LS0tLS1CRUdJTiBFTkNSWVBURUQgUFJJVkFURSBLRV",
    "LS0tLS1CRUdJTiBPUEVOU1NIIFBSSVZBVEUgS0VZ",
];

/// Whether a text holds a private key, or one in base64.
pub fn holds_key(text: &str) -> bool {
    begin(text).is_some() || ENCODED.iter().any(|encoded| text.contains(encoded))
}

/// The text without its private keys, and these. One that has no end goes as far as the next block, or the text.
pub fn without_keys(text: &str) -> (Zeroizing<String>, Zeroizing<String>) {
    // As long as the whole, so that neither leaves a copy behind by growing.
    let room = || Zeroizing::new(String::with_capacity(text.len()));
    let (mut rest, mut keys) = (room(), room());
    let mut left = text;
    while let Some(at) = begin(left) {
        rest.push_str(&left[..at]);
        let key = &left[at..];
        let end = end(key);
        keys.push_str(&key[..end]);
        left = &key[end..];
    }
    rest.push_str(left);
    (rest, keys)
}

/// Where the first private key begins.
fn begin(text: &str) -> Option<usize> {
    let begins = text.match_indices(BEGIN).map(|(at, _)| at);
    let mut keys = begins.filter(|at| {
        let line = text[at + BEGIN.len()..].lines().next().unwrap_or_default();
        line.find(DASHES).is_some_and(|end| line[..end].trim_end().ends_with(KEY))
    });
    keys.next()
}

/// Where a key ends that the text begins with, with the line break after it.
fn end(text: &str) -> usize {
    let body = &text[BEGIN.len()..];
    let next = body.find(BEGIN).map_or(text.len(), |at| at + BEGIN.len());
    let Some(at) = text[..next].find(END) else { return next };
    let after = at + END.len();
    let closed = text[after..next].find(DASHES).map_or(next, |dashes| after + dashes + DASHES.len());
    let lines = text[closed..next].bytes().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    closed + lines
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    const PKCS8: &str = "-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----\n";
    const SEC1: &str = "-----BEGIN EC PRIVATE KEY-----\r\nMHcC\r\n-----END EC PRIVATE KEY-----\r\n";

    #[rstest]
    #[case::alone(PKCS8, "", PKCS8)]
    #[case::after(&[CERTIFICATE, PKCS8].concat(), CERTIFICATE, PKCS8)]
    #[case::before(&[SEC1, CERTIFICATE].concat(), CERTIFICATE, SEC1)]
    #[case::between(&[CERTIFICATE, SEC1, CERTIFICATE].concat(), &[CERTIFICATE, CERTIFICATE].concat(), SEC1)]
    #[case::two(&[PKCS8, CERTIFICATE, SEC1].concat(), CERTIFICATE, &[PKCS8, SEC1].concat())]
    #[case::glued(
        "-----END CERTIFICATE----------BEGIN PRIVATE KEY-----\nMC",
        "-----END CERTIFICATE-----",
        "-----BEGIN PRIVATE KEY-----\nMC"
    )]
    #[case::cut_off(&["-----BEGIN PRIVATE KEY-----\nMC4C\n", CERTIFICATE].concat(), CERTIFICATE, "-----BEGIN PRIVATE KEY-----\nMC4C\n")]
    #[case::its_first_line("-----BEGIN PRIVATE KEY-----", "", "-----BEGIN PRIVATE KEY-----")]
    #[case::none(CERTIFICATE, CERTIFICATE, "")]
    #[case::words("about a PRIVATE KEY-----", "about a PRIVATE KEY-----", "")]
    fn keys_are_told_from_what_stands_beside_them(#[case] text: &str, #[case] rest: &str, #[case] keys: &str) {
        let (found, apart) = without_keys(text);
        assert_eq!((found.as_str(), apart.as_str()), (rest, keys));
        assert_eq!(holds_key(text), !keys.is_empty());
    }

    #[rstest]
    #[case("PRIVATE KEY")]
    #[case("RSA PRIVATE KEY")]
    #[case("EC PRIVATE KEY")]
    #[case("ENCRYPTED PRIVATE KEY")]
    #[case("OPENSSH PRIVATE KEY")]
    fn one_in_base64_is_known_by_how_it_begins(#[case] label: &str) {
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD.encode(format!("-----BEGIN {label}-----\nMC4C\n"));
        assert!(holds_key(&format!("  tls.key: {text}")), "{text}");
        assert!(!holds_key("LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg=="), "that is a certificate");
    }
}
