//! Whether a certificate that a person hands over may take the place of the present one. Everything that would break
//! somebody is refused before anything is written, each with what to do (research: tls, section 3.4).

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::signer::leaf;
use crate::assess::fronts;
use crate::model::{CertificateFacts, ClaimKey, NextLink, TlsSecret, Uid, World};
use crate::text;
use crate::x509::Given;

/// Why not, and what would clear it.
type No = (String, String);

/// Stands in a command for the file of what was typed or pasted.
pub const TYPED: &str = "FILE";

/// A certificate with its key that was handed over, and the files that it came from. The key is not shown and not
/// written down: plans know it by its fingerprint.
#[derive(Clone)]
pub struct HandedOver {
    /// What was read.
    pub given: Arc<Given>,
    /// The file of the certificate; [`TYPED`] where there is none.
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

/// What is to be said of a certificate that is handed over, before it is planned with. Safe to draw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Why it is not taken, each with what to do.
    pub problems: Vec<(String, String)>,
    /// What a person should know before it is.
    pub warnings: Vec<String>,
    /// Names that only the present one has.
    pub lost: Vec<String>,
    /// Names that the present one lacks.
    pub more: Vec<String>,
}

/// Looks at what is handed over for a Secret, the leaf first; `None` when the Secret is gone.
pub fn look(
    world: &World,
    secret: &Uid,
    chain: &[CertificateFacts],
    other_names: bool,
    now: Timestamp,
) -> Option<Look> {
    let secret = world.inventory.tls_secrets.get(secret)?;
    let Some(present) = leaf(secret) else {
        let clear = "there is nothing to compare it with; restore the present one from where it came";
        let problem = ("the present certificate cannot be read".to_owned(), clear.to_owned());
        return Some(Look { problems: vec![problem], ..Look::default() });
    };
    let new = chain.first()?;
    let (lost, more) = apart(new, present);
    let safe = |names: Vec<String>| names.iter().map(|name| text::sanitize(name).into_owned()).collect();
    Some(Look {
        problems: problems(chain, other_names, present, now),
        warnings: another_ca(new, present).into_iter().chain(hosts(world, secret, new, now)).collect(),
        lost: safe(lost),
        more: safe(more),
    })
}

/// That another CA signed it than before.
pub(super) fn another_ca(new: &CertificateFacts, present: &CertificateFacts) -> Option<String> {
    let same = new.issuer == present.issuer && new.issuer_key_id == present.issuer_key_id;
    let said = format!("another CA signed it than before ({} instead of {})", new.issuer, present.issuer);
    (!same).then(|| format!("{}: clients must trust that one already", text::sanitize(&said)))
}

/// Names under which it would be served and which it is not for.
pub(super) fn hosts(world: &World, secret: &TlsSecret, new: &CertificateFacts, now: Timestamp) -> Vec<String> {
    let key: ClaimKey = (secret.meta.namespace().into(), secret.meta.name.clone());
    let flaws = fronts::names(world, &key, new, now).into_iter();
    flaws.map(|(_, reason)| text::sanitize(&reason.text).into_owned()).collect()
}

/// Whether it may take the place of the present one.
///
/// # Errors
/// When somebody would not take it: why, and what to do.
pub(super) fn fits(handed: &HandedOver, present: &CertificateFacts, now: Timestamp) -> Result<(), No> {
    let problems = problems(&handed.given.chain, handed.other_names, present, now);
    problems.into_iter().next().map_or(Ok(()), Err)
}

/// Everything for which it is not taken, the worst first.
fn problems(chain: &[CertificateFacts], other_names: bool, present: &CertificateFacts, now: Timestamp) -> Vec<No> {
    let Some(new) = chain.first() else {
        return vec![no("no certificate was handed over", "name its file (--certificate)")];
    };
    if new.fingerprint == present.fingerprint {
        return vec![no("it is the present one", "hand the new one over")];
    }
    let all = [out_of_date(new, now), for_others(new, present), weak(new), gap(chain)];
    let names = names(new, present).filter(|_| !other_names);
    all.into_iter().flatten().chain(names).collect()
}

fn no(why: &str, clear: &str) -> No {
    (text::sanitize(why).into_owned(), clear.to_owned())
}

fn out_of_date(new: &CertificateFacts, now: Timestamp) -> Option<No> {
    if now < new.not_before {
        let clear = "wait until then, or see to this machine's clock";
        return Some(no(&format!("it is not valid before {}", new.not_before), clear));
    }
    (new.not_after <= now).then(|| no(&format!("it expired at {}", new.not_after), "have a new one issued"))
}

/// One that is not for servers.
fn for_others(new: &CertificateFacts, present: &CertificateFacts) -> Option<No> {
    if new.ca {
        let why = "it is a CA (basicConstraints CA:TRUE), which many clients refuse";
        return Some(no(why, "have it issued as a server's"));
    }
    let lost = present.usage.server != Some(false) && new.usage.server == Some(false);
    lost.then(|| no("it is not for servers (extendedKeyUsage)", "have it issued with serverAuth"))
}

/// Keys and signatures that clients refuse.
fn weak(new: &CertificateFacts) -> Option<No> {
    let bits: Option<usize> = new.key.strip_prefix("RSA ").and_then(|bits| bits.parse().ok());
    if bits.is_some_and(|bits| bits < 2048) {
        let why = format!("its key is too short: {}", new.key);
        return Some(no(&why, "have it issued for a key of 2048 bits or more"));
    }
    let old = ["SHA-1", "MD5", "MD2"].iter().any(|old| new.signature.ends_with(old));
    let why = format!("its signature is of a kind that clients refuse: {}", new.signature);
    (old && !new.self_signed).then(|| no(&why, "have it signed with SHA-256"))
}

/// A certificate that is not followed by its issuer.
fn gap(chain: &[CertificateFacts]) -> Option<No> {
    let gap = chain.iter().position(|one| one.next == NextLink::Stranger)?;
    let why = format!("certificate {} was not issued by the one after it", gap + 1);
    Some(no(&why, "put the chain together as the CA delivered it"))
}

/// Names that clients ask for and that would be gone.
fn names(new: &CertificateFacts, present: &CertificateFacts) -> Option<No> {
    let (lost, _) = apart(new, present);
    let why = format!("names of the present one are missing: {}", lost.join(", "));
    let clear = "have it issued with these names, or say that nobody uses them (--other-names)";
    (!lost.is_empty()).then(|| no(&why, clear))
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
