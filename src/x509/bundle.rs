//! Trust bundles: PEM certificates by which others are checked. One is added or taken out, all else stays as it stands,
//! comments included.

use thiserror::Error;

use super::{CertificateError, der, ders, is_certificate, pem};
use crate::text;

/// Why a bundle is not changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BundleError {
    /// It is no text, so nothing can be cut out of it.
    #[error("it is not text")]
    NotText,
    /// Something in it cannot be read.
    #[error("it {0}")]
    Unreadable(#[from] CertificateError),
    /// A private key stands in it.
    #[error("a private key stands among its certificates")]
    WithKey,
    /// Nothing would be left, and who trusts nobody, or everybody, is broken.
    #[error("no certificate would be left in it")]
    Empty,
}

/// SHA-256 of each certificate in a bundle, lower-case hex, first to last.
///
/// # Errors
/// When one of them cannot be read.
pub fn fingerprints(bundle: &[u8]) -> Result<Vec<String>, CertificateError> {
    Ok(ders(bundle)?.iter().map(|der| text::sha256(der)).collect())
}

/// A bundle with the first certificate of `more`, PEM, if it is not in it yet, and without those of these fingerprints.
///
/// # Errors
/// When it cannot be changed without losing something, or nothing would be left.
pub fn changed(bundle: &[u8], more: Option<&[u8]>, without: &[String]) -> Result<Vec<u8>, BundleError> {
    let text = std::str::from_utf8(bundle).map_err(|_| BundleError::NotText)?;
    ders(bundle)?;
    let more = more.map(ders).transpose()?.and_then(|ders| ders.into_iter().next());
    let (mut left, mut from, mut count) = (String::new(), 0, 0);
    for block in pem::blocks(text) {
        if block.label.ends_with("PRIVATE KEY") {
            return Err(BundleError::WithKey);
        }
        if !is_certificate(block.label) {
            continue;
        }
        if block.der().is_ok_and(|der| without.contains(&text::sha256(&der))) {
            left.push_str(&text[from..block.place.start]);
            let after = &text[block.place.end..];
            from = text.len() - after.trim_start_matches(['\r', '\n']).len();
        } else {
            count += 1;
        }
    }
    left.push_str(&text[from..]);
    let bundle = trusting(left.as_bytes(), more.as_ref());
    if count == 0 && more.is_none() {
        return Err(BundleError::Empty);
    }
    Ok(bundle)
}

/// A bundle with a root, PEM, that may be in it already; the bundle as it is where there is none.
pub fn with_root(bundle: &[u8], root: Option<&str>) -> Vec<u8> {
    trusting(bundle, root.and_then(|root| ders(root.as_bytes()).ok()?.into_iter().next()).as_ref())
}

/// The same with the root as DER.
pub(super) fn trusting(bundle: &[u8], root: Option<&Vec<u8>>) -> Vec<u8> {
    match root {
        Some(root) if !ders(bundle).is_ok_and(|held| held.contains(root)) => with(bundle, root),
        _ => bundle.to_vec(),
    }
}

/// What PEM holds, and one certificate more.
pub(super) fn with(pem: &[u8], der: &[u8]) -> Vec<u8> {
    let mut both = pem.trim_ascii_end().to_vec();
    if !both.is_empty() {
        both.push(b'\n');
    }
    both.extend_from_slice(der::certificate_pem(der).as_bytes());
    both
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(name: &str) -> String {
        rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap().cert.pem()
    }

    fn print(pem: &str) -> String {
        fingerprints(pem.as_bytes()).unwrap().remove(0)
    }

    fn change(bundle: &str, more: Option<&str>, without: &[String]) -> Result<String, BundleError> {
        changed(bundle.as_bytes(), more.map(str::as_bytes), without).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn one_is_added_once_and_taken_out_again_and_all_else_stays_as_it_stands() {
        let (old, new) = (one("old"), one("new"));
        let bundle = format!("# ours\n{old}# theirs\r\n{}", one("other"));
        let both = change(&bundle, Some(&new), &[]).unwrap();
        assert_eq!(both, format!("{bundle}{new}"));
        assert_eq!(change(&both, Some(&new), &[]).unwrap(), both);
        assert_eq!(change(&both, None, &[print(&new)]).unwrap(), bundle);
        let after = change(&both, None, &[print(&old)]).unwrap();
        assert!(after.starts_with("# ours\n# theirs\r\n") && after.ends_with(&new), "{after}");
        assert_eq!(change(&after, Some(&old), &[]).map(|text| fingerprints(text.as_bytes()).unwrap().len()), Ok(3));
    }

    #[test]
    fn of_blocks_that_share_a_line_the_right_one_goes() {
        let (old, new) = (one("old"), one("new"));
        let glued = format!("{}{new}", old.trim_end());
        assert_eq!(change(&glued, None, &[print(&old)]), Ok(new.clone()));
        assert_eq!(change(&glued, None, &[print(&new)]).unwrap().trim_end(), old.trim_end());
    }

    #[test]
    fn one_that_comes_twice_goes_twice() {
        let (old, new) = (one("old"), one("new"));
        let bundle = format!("{old}{new}{old}");
        assert_eq!(change(&bundle, None, &[print(&old)]), Ok(new));
    }

    #[test]
    fn a_bundle_that_would_lose_something_is_not_changed() {
        let (old, new) = (one("old"), one("new"));
        assert_eq!(change(&old, None, &[print(&old)]), Err(BundleError::Empty));
        assert_eq!(change(&old, Some(&new), &[print(&old)]), Ok(new.clone()), "one takes the place of the other");
        let damaged = format!("{old}{}", new.replace("-----END CERTIFICATE-----", ""));
        assert!(matches!(change(&damaged, None, &[print(&old)]), Err(BundleError::Unreadable(_))));
        assert_eq!(changed(&[old.as_bytes(), b"\xff"].concat(), Some(new.as_bytes()), &[]), Err(BundleError::NotText));
        let key = rcgen::generate_simple_self_signed(vec!["k".to_owned()]).unwrap().signing_key.serialize_pem();
        assert_eq!(change(&format!("{old}{key}"), Some(&new), &[]), Err(BundleError::WithKey));
    }

    /// Four certificates, made once: what stands around each differs.
    fn pool() -> &'static [String; 4] {
        static POOL: std::sync::OnceLock<[String; 4]> = std::sync::OnceLock::new();
        POOL.get_or_init(|| ["a", "b", "c", "d"].map(one))
    }

    proptest! {
        /// Whatever is in a bundle, and however it is written: exactly what is asked for comes and goes.
        #[test]
        fn nothing_but_what_was_asked_for_comes_or_goes(
            held in prop::collection::vec((0..4_usize, 0..4_usize), 1..6),
            add in prop::option::of(0..4_usize),
            without in prop::collection::vec(0..4_usize, 0..3),
        ) {
            let around = ["", "# a comment\r\n", "\u{feff}", "   \n\n"];
            let text: String = held.iter().flat_map(|(which, how)| [around[*how], pool()[*which].as_str()]).collect();
            let gone: Vec<String> = without.iter().map(|which| print(&pool()[*which])).collect();
            let expected = || {
                let mut left: Vec<usize> =
                    held.iter().map(|(which, _)| *which).filter(|which| !without.contains(which)).collect();
                left.extend(add.filter(|add| !left.contains(add)));
                left.iter().map(|which| print(&pool()[*which])).collect::<Vec<_>>()
            };
            match change(&text, add.map(|which| pool()[which].as_str()), &gone) {
                Ok(after) => prop_assert_eq!(fingerprints(after.as_bytes()).unwrap(), expected()),
                Err(error) => {
                    prop_assert_eq!(error, BundleError::Empty);
                    prop_assert!(expected().is_empty());
                }
            }
        }
    }
}
