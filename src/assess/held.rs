//! Certificates in Secrets of any type and in ConfigMaps, one data key at a time.
//!
//! What a file is for is not known as it is of a TLS Secret, so what only a server must have is not asked of it unless
//! an Ingress or Gateway serves it. A file that could not be read, or whose keystore nothing opens, is never good.

mod bundle;

use jiff::Timestamp;

use super::chain::Purpose;
use super::expiry::{CertificateState, Expiry, at_least, flawed, flaws_decide, worst_of};
use super::sight::Sight;
use super::{Judgement, Reason, Severity};
use super::{fronts, identity};
use crate::model::{CertificateHolder, ClaimKey, Fault, Format, HeldFile, KeyMatch, Kind, World};

/// One file with all that is needed to judge it.
struct Case<'a> {
    world: &'a World,
    kind: Kind,
    holder: &'a CertificateHolder,
    file: &'a HeldFile,
    now: Timestamp,
}

/// Judges the certificates under one data key.
pub fn held(
    world: &World,
    kind: Kind,
    holder: &CertificateHolder,
    file: &HeldFile,
    now: Timestamp,
) -> Judgement<Expiry> {
    let sight = Sight::within(world, kind, holder.meta.namespace.as_ref(), now);
    if let Some(blind) = sight.blind() {
        return Expiry::unknown(&blind.text);
    }
    let judged = Case { world, kind, holder, file, now }.judge();
    match sight.recent() {
        Some((until, reason)) => judged.because(reason.clone()).until(until),
        None => judged,
    }
}

/// Whether something is seen to read a Secret or ConfigMap; what no object shows is taken for read.
fn read_by_someone(case: &Case<'_>) -> bool {
    let key = case.key();
    let links = &case.world.links;
    let pods_seen = Sight::within(case.world, Kind::Pod, Some(&key.0), case.now) == Sight::Live;
    let known = ["kube-root-ca.crt", "extension-apiserver-authentication", "cluster-info"];
    if !pods_seen || known.contains(&&*key.1) || matches!(case.file.format, Format::Kubeconfig | Format::ArgoCluster) {
        return true;
    }
    if case.kind == Kind::ConfigMap {
        return !links.pods_using_map(&key).is_empty() || !links.templates_using_map(&key).is_empty();
    }
    case.file.key_match.is_some()
        || !links.pods_using(&key).is_empty()
        || !links.templates_using(&key).is_empty()
        || !links.fronts_of(&key).is_empty()
        || !links.issuers_by(&key).is_empty()
        || !links.injected_from_secret(&key).is_empty()
}

impl Case<'_> {
    fn key(&self) -> ClaimKey {
        (self.holder.meta.namespace.clone().unwrap_or_default(), self.holder.meta.name.clone())
    }

    fn judge(&self) -> Judgement<Expiry> {
        let chains = self.file.own.iter().map(|chain| self.chain(chain));
        let trusted = (!self.file.trusted.is_empty()).then(|| bundle::judge(self));
        let judged = chains.chain(trusted).reduce(worse);
        let Some(judged) = judged else { return self.unread() };
        let judged = match &self.file.fault {
            Some(fault) => at_least(judged, Severity::Warn, Some(unreadable(fault))),
            None => judged,
        };
        self.mild(judged)
    }

    /// Nothing of it could be read.
    fn unread(&self) -> Judgement<Expiry> {
        match &self.file.fault {
            Some(fault) if fault.locked() => {
                let next = "put its password beside it under a key such as `password`, or look with `keytool -list -v`";
                let why = format!("what is in it is not known: {}", fault.said);
                Expiry::new(CertificateState::Unknown { why: why.clone() }, Severity::Unknown)
                    .because(Reason::new(why).next(next))
            }
            Some(fault) => Expiry::new(CertificateState::Unreadable, Severity::Warn).because(unreadable(fault)),
            None => Expiry::unknown("it holds no certificate"),
        }
    }

    fn purpose(&self) -> Purpose {
        match self.file.format {
            Format::Kubeconfig | Format::ArgoCluster => Purpose::Client,
            _ if self.world.links.fronts_of(&self.key()).is_empty() || self.kind == Kind::ConfigMap => Purpose::Any,
            _ => Purpose::Server,
        }
    }

    fn chain(&self, chain: &[crate::model::CertificateFacts]) -> Judgement<Expiry> {
        let purpose = self.purpose();
        let beside = &self.file.trusted;
        let judged = flawed(worst_of(chain, beside, self.now), chain, beside, purpose);
        let Some(leaf) = chain.first() else { return judged };
        let judged = match purpose {
            Purpose::Server => flaws_decide(judged, fronts::names(self.world, &self.key(), leaf, self.now)),
            Purpose::Client => Self::client(judged),
            Purpose::Any => judged,
        };
        let judged = match self.file.key_match {
            Some(KeyMatch::Match) => identity::shared(self.world, self.kind, &self.holder.meta, leaf)
                .into_iter()
                .fold(judged, |judged, (severity, reason)| at_least(judged, severity, Some(reason))),
            _ => judged,
        };
        self.key_fits(judged)
    }

    /// Kubernetes looks at no revocation list.
    fn client(judged: Judgement<Expiry>) -> Judgement<Expiry> {
        let judged = match judged.value.state {
            CertificateState::Expiring | CertificateState::Expired => {
                let next = "write a new kubeconfig there; whoever uses this one is locked out once it has ended";
                let reasons = judged.reasons.into_iter();
                let reasons = reasons.map(|reason| Reason { next: reason.next.map(|_| next.to_owned()), ..reason });
                Judgement { reasons: reasons.collect(), ..judged }
            }
            _ => judged,
        };
        judged.because("a client certificate cannot be revoked: whoever copied it has its rights until it ends")
    }

    fn key_fits(&self, judged: Judgement<Expiry>) -> Judgement<Expiry> {
        let file = &self.file.key;
        match self.file.key_match {
            Some(KeyMatch::Mismatch) => {
                let reason =
                    Reason::new(format!("the private key beside {file} is not its own: every handshake fails"))
                        .next("put the key there that the certificate was made for, or issue a new pair");
                first(judged, CertificateState::KeyMismatch, Severity::Critical, reason)
            }
            Some(KeyMatch::Unreadable) if judged.value.severity.rank() < Severity::Unknown.rank() => {
                let why = format!("whether the private key beside {file} fits cannot be told: it could not be read");
                let state = CertificateState::Unknown { why: why.clone() };
                first(judged, state, Severity::Unknown, Reason::new(why))
            }
            _ => judged,
        }
    }

    /// What nothing is seen to read harms nobody now.
    fn mild(&self, judged: Judgement<Expiry>) -> Judgement<Expiry> {
        if judged.value.severity != Severity::Critical || read_by_someone(self) {
            return judged;
        }
        let judged = judged.because("nothing is seen that reads it");
        judged.map(|expiry| Expiry { severity: Severity::Warn, ..expiry })
    }
}

fn first(judged: Judgement<Expiry>, state: CertificateState, severity: Severity, reason: Reason) -> Judgement<Expiry> {
    let mut judged = judged.map(|expiry| Expiry { state, severity, ..expiry });
    judged.reasons.insert(0, reason);
    judged
}

fn unreadable(fault: &Fault) -> Reason {
    Reason::new(format!("{} ({})", fault.said, fault.word)).next("put it there anew, whole")
}

/// The worse of two, with the reasons of both where the other is a problem too.
fn worse(one: Judgement<Expiry>, other: Judgement<Expiry>) -> Judgement<Expiry> {
    let (worst, rest) =
        if other.value.severity.rank() > one.value.severity.rank() { (other, one) } else { (one, other) };
    let not_after = [worst.value.not_after, rest.value.not_after].into_iter().flatten().min();
    let told = if rest.value.severity.problem() { rest.reasons } else { Vec::new() };
    worst.because_all(told).until(rest.valid_until).map(|expiry| Expiry { not_after, ..expiry })
}

#[cfg(test)]
mod tests;
