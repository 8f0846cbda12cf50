//! Names for which a CA above them may not vouch (RFC 5280 4.2.1.10): cert-manager's CA issuers do not look.
//!
//! The CAs above are those that follow in the chain, and those that are trusted beside it.

use super::{Chain, Flaw, Severity, flaw};
use crate::model::{CertificateFacts, NextLink};
use crate::x509::{Outside, Rule, outside};

/// More CAs than this above a leaf no client follows.
const DEEPEST: usize = 8;

/// Names outside the constraints of the CAs above them.
pub(super) fn kept_out(chain: Chain<'_>, beside: Chain<'_>) -> Vec<Flaw> {
    outside(&path(chain, beside)).iter().map(said).collect()
}

/// The first certificate and its issuers, one after the other, as far as they are known. Where several go by the name
/// of one issuer, clients take whichever fits: the one without constraints stands for them.
fn path<'a>(chain: Chain<'a>, beside: Chain<'a>) -> Vec<&'a CertificateFacts> {
    let mut path: Vec<&CertificateFacts> = Vec::new();
    for member in chain {
        path.push(member);
        if !matches!(member.next, NextLink::Issuer | NextLink::Unproved) {
            break;
        }
    }
    while let Some(last) = path.last().filter(|last| last.subject != last.issuer && path.len() <= DEEPEST) {
        let new = |ca: &&CertificateFacts| ca.ca && path.iter().all(|known| known.fingerprint != ca.fingerprint);
        let issuers = chain.iter().chain(beside).filter(|ca| ca.vouches_for(last)).filter(new);
        let Some(issuer) = issuers.min_by_key(|ca| ca.constraints.is_some()) else { break };
        path.push(issuer);
    }
    path
}

fn said(found: &Outside<'_>) -> Flaw {
    let (text, ca) = (found.said(), &found.ca.subject);
    if matches!(found.rule, Rule::Unknown(_)) {
        let next = "see whether clients take it: `openssl verify -x509_strict` with the CA as -CAfile";
        return flaw(Severity::Unknown, text, next);
    }
    let next = format!("have it issued by a CA that may, or without these names; or issue CA {ca} again to allow them");
    flaw(Severity::Critical, format!("{text}: clients refuse the chain"), &next)
}
