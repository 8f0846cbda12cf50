//! Whether a certificate that a person hands over may take the place of the present one. Everything that would break
//! somebody is refused before anything is written, each with what to do (research: tls, section 3.4).

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::{CertificateFacts, NextLink};
use crate::text;
use crate::x509::Given;

/// Why not, and what would clear it.
type No = (String, String);

/// A certificate with its key that was handed over, and the files that it came from. The key is not shown and not
/// written down: plans know it by its fingerprint.
#[derive(Clone)]
pub struct HandedOver {
    /// What was read.
    pub given: Arc<Given>,
    /// The file of the certificate.
    pub certificate: PathBuf,
    /// The file of the key, where that is another one.
    pub key: Option<PathBuf>,
    /// Whether it may lack names that the present one has.
    pub other_names: bool,
}

impl PartialEq for HandedOver {
    fn eq(&self, other: &Self) -> bool {
        self.given.fingerprint() == other.given.fingerprint()
            && (&self.certificate, &self.key, self.other_names) == (&other.certificate, &other.key, other.other_names)
    }
}

impl Eq for HandedOver {}

impl fmt::Debug for HandedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandedOver").field("given", &self.given).finish_non_exhaustive()
    }
}

/// Whether it may take the place of the present one.
///
/// # Errors
/// When somebody would not take it: why, and what to do.
pub(super) fn fits(handed: &HandedOver, present: &CertificateFacts, now: Timestamp) -> Result<(), No> {
    let no = |why: String, clear: &str| Err((text::sanitize(&why).into_owned(), clear.to_owned()));
    let Some(new) = handed.given.chain.first() else {
        return no("no certificate was handed over".to_owned(), "name its file (--certificate)");
    };
    if new.fingerprint == present.fingerprint {
        return no("it is the present one".to_owned(), "hand the new one over");
    }
    if now < new.not_before {
        return no(
            format!("it is not valid before {}", new.not_before),
            "wait until then, or see to this machine's clock",
        );
    }
    if new.not_after <= now {
        return no(format!("it expired at {}", new.not_after), "have a new one issued");
    }
    if new.ca {
        return no(
            "it is a CA (basicConstraints CA:TRUE), which many clients refuse".to_owned(),
            "have it issued as a server's",
        );
    }
    if present.usage.server != Some(false) && new.usage.server == Some(false) {
        return no("it is not for servers (extendedKeyUsage)".to_owned(), "have it issued with serverAuth");
    }
    weak(new)?;
    whole(&handed.given)?;
    names(handed, new, present)
}

/// Keys and signatures that clients refuse.
fn weak(new: &CertificateFacts) -> Result<(), No> {
    let bits: Option<usize> = new.key.strip_prefix("RSA ").and_then(|bits| bits.parse().ok());
    if bits.is_some_and(|bits| bits < 2048) {
        return Err((
            format!("its key is too short: {}", new.key),
            "have it issued for a key of 2048 bits or more".to_owned(),
        ));
    }
    let old = ["SHA-1", "MD5", "MD2"].iter().any(|old| new.signature.ends_with(old));
    if old && !new.self_signed {
        let why = format!("its signature is of a kind that clients refuse: {}", new.signature);
        return Err((why, "have it signed with SHA-256".to_owned()));
    }
    Ok(())
}

/// Whether each certificate is followed by its issuer.
fn whole(given: &Given) -> Result<(), No> {
    let gap = given.chain.iter().position(|one| one.next == NextLink::Stranger);
    let Some(gap) = gap else { return Ok(()) };
    let why = format!("certificate {} was not issued by the one after it", gap + 1);
    Err((why, "put the chain together as the CA delivered it".to_owned()))
}

/// Names that clients ask for and that would be gone.
fn names(handed: &HandedOver, new: &CertificateFacts, present: &CertificateFacts) -> Result<(), No> {
    let (lost, _) = apart(new, present);
    if lost.is_empty() {
        return Ok(());
    }
    if handed.other_names {
        return Ok(());
    }
    let why = format!("names of the present one are missing: {}", lost.join(", "));
    let clear = "have it issued with these names, or say that nobody uses them (--other-names)";
    Err((text::sanitize(&why).into_owned(), clear.to_owned()))
}

/// Names that only the present one has, and those that only the new one has.
pub(super) fn apart(new: &CertificateFacts, present: &CertificateFacts) -> (Vec<String>, Vec<String>) {
    let of =
        |facts: &CertificateFacts| facts.names.iter().map(|name| name.to_ascii_lowercase()).collect::<BTreeSet<_>>();
    let (new, present) = (of(new), of(present));
    (present.difference(&new).cloned().collect(), new.difference(&present).cloned().collect())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::assess::testing::{now, x509};
    use crate::model::KeyPurpose;

    fn present() -> CertificateFacts {
        x509("web", "ca", 100, 100)
    }

    fn judged(change: impl FnOnce(&mut CertificateFacts), other_names: bool) -> Result<(), String> {
        let mut new = CertificateFacts { fingerprint: "new".into(), ..x509("web", "ca", 1, 1000) };
        change(&mut new);
        let handed =
            HandedOver { given: Arc::new(Given::of(vec![new])), certificate: "web.pem".into(), key: None, other_names };
        fits(&handed, &present(), now()).map_err(|(why, _)| why)
    }

    #[test]
    fn one_that_is_as_good_fits() {
        assert_eq!(judged(|_| {}, false), Ok(()));
    }

    #[rstest]
    #[case::the_same(|new: &mut CertificateFacts| new.fingerprint = present().fingerprint, "it is the present one")]
    #[case::expired(|new: &mut CertificateFacts| new.not_after = now(), "it expired at")]
    #[case::too_early(|new: &mut CertificateFacts| new.not_before = new.not_after, "it is not valid before")]
    #[case::a_ca(|new: &mut CertificateFacts| new.ca = true, "it is a CA")]
    #[case::for_clients(
        |new: &mut CertificateFacts| new.usage = KeyPurpose { server: Some(false), ..KeyPurpose::default() },
        "it is not for servers"
    )]
    #[case::short(|new: &mut CertificateFacts| new.key = "RSA 1024".into(), "its key is too short: RSA 1024")]
    #[case::old(|new: &mut CertificateFacts| new.signature = "RSA SHA-1".into(), "of a kind that clients refuse")]
    #[case::a_gap(|new: &mut CertificateFacts| new.next = NextLink::Stranger, "certificate 1 was not issued by")]
    #[case::no_names(|new: &mut CertificateFacts| new.names = Box::default(), "names of the present one are missing: web")]
    fn what_would_break_somebody_is_refused(#[case] change: fn(&mut CertificateFacts), #[case] why: &str) {
        let said = judged(change, false).unwrap_err();
        assert!(said.contains(why), "{said}");
    }

    #[test]
    fn other_names_are_taken_when_that_is_said() {
        assert_eq!(judged(|new| new.names = ["other".into()].into(), true), Ok(()));
        assert_eq!(judged(|new| new.names = ["WEB".into(), "more".into()].into(), false), Ok(()), "names have no case");
    }
}
