//! Controls of certificates: end, renewal, strength, names, and whether they are served.

use super::backups::by_severity;
use crate::assess::chain::{Flaw, nameless, weak};
use crate::assess::expiry::{self, CertificateState, Expiry};
use crate::assess::served::{self, State as ServedState};
use crate::assess::{Judgement, Severity, fronts, fronts_trouble, held};
use crate::model::{CertManagerCertificate, CertificateHolder, ClaimKey, Front, Kind, Meta, Table, TlsSecret};
use crate::report::case::{Look, sorted};
use crate::report::evidence::{Evidence, State};

fn key(meta: &Meta) -> ClaimKey {
    (meta.namespace.clone().unwrap_or_default(), meta.name.clone())
}

fn secrets<'a>(look: &'a Look<'_>) -> Vec<&'a TlsSecret> {
    sorted(&look.world.inventory.tls_secrets, |secret| &secret.meta)
}

fn named(secret: &TlsSecret) -> String {
    secret.meta.reference(Kind::TlsSecret).to_string()
}

fn managed<'a>(look: &'a Look<'_>) -> Vec<&'a CertManagerCertificate> {
    sorted(&look.world.inventory.certificates, |certificate| &certificate.meta)
}

/// Objects of other kinds that hold certificates.
fn holders<'a>(look: &'a Look<'_>) -> impl Iterator<Item = (Kind, &'a CertificateHolder)> {
    let of = |kind: Kind, table: &'a Table<CertificateHolder>| {
        sorted(table, |holder| &holder.meta).into_iter().map(move |holder| (kind, holder))
    };
    let inventory = &look.world.inventory;
    of(Kind::OtherSecret, &inventory.other_secrets).chain(of(Kind::ConfigMap, &inventory.config_maps))
}

/// Each certificate, in whatever object it lies.
pub fn expiry(look: &Look<'_>) -> Vec<Evidence> {
    let (world, now) = (look.world, look.now);
    let mut found: Vec<Evidence> = Vec::new();
    for secret in secrets(look) {
        found.push(ends(look, &named(secret), &expiry::secret(world, secret, now)));
    }
    let unseen = |one: &&CertManagerCertificate| {
        world.inventory.tls_secrets.named(one.meta.namespace.as_ref(), &one.secret).is_none()
    };
    for one in managed(look).into_iter().filter(unseen) {
        let object = one.meta.reference(Kind::Certificate).to_string();
        found.push(ends(look, &object, &expiry::certificate(world, one, now)));
    }
    for (kind, holder) in holders(look) {
        for file in holder.files.iter().filter(|file| world.stands_for(kind, holder, file).0) {
            let object = format!("{}, {}", holder.meta.reference(kind), file.key);
            found.push(ends(look, &object, &held::held(world, kind, holder, file, now)));
        }
    }
    found
}

fn ends(look: &Look<'_>, object: &str, judged: &Judgement<Expiry>) -> Evidence {
    use CertificateState as Is;
    let expiry = &judged.value;
    let state = match &expiry.state {
        Is::Expired | Is::NotYetValid | Is::Expiring if expiry.severity == Severity::Critical => State::Fail,
        Is::Unknown { .. } => State::Unknown,
        Is::SetAside => State::NotApplicable,
        // What else is wrong with it is said by other controls, and by the list of problems.
        _ => match expiry.not_after {
            Some(end) if end <= look.now && expiry.severity == Severity::Critical => State::Fail,
            Some(_) => State::Pass,
            None => State::Unknown,
        },
    };
    let value = match (state, expiry.not_after) {
        (State::Pass, Some(end)) => format!("ends {end}"),
        _ => format!("{}: {}", expiry.state.word(), judged.reasons.first().map_or("", |reason| &reason.text)),
    };
    let next = judged.reasons.iter().find_map(|reason| reason.next.as_deref());
    Evidence::new(state, object, "notAfter", &value).at(expiry.not_after).to_do(next)
}

/// Each Certificate of cert-manager.
pub fn renewal(look: &Look<'_>) -> Vec<Evidence> {
    use CertificateState as Is;
    let judge = |one: &CertManagerCertificate| {
        let judged = expiry::certificate(look.world, one, look.now);
        let state = match judged.value.state {
            Is::MissedRenewal | Is::NotReady | Is::Expired => State::Fail,
            Is::Unknown { .. } => State::Unknown,
            _ => by_severity(judged.value.severity),
        };
        let object = one.meta.reference(Kind::Certificate).to_string();
        let word = judged.value.state.word();
        let mut evidence = Evidence::judged(state, &object, "renewal", &judged).at(judged.value.renewal);
        evidence.value = format!("{word}: {}", evidence.value).into();
        evidence
    };
    managed(look).into_iter().map(judge).collect()
}

/// The worst of what is wrong, as one fact.
fn worst(object: &str, field: &'static str, mut flaws: Vec<Flaw>, fine: &str) -> Evidence {
    flaws.sort_by_key(|(severity, _)| std::cmp::Reverse(severity.rank()));
    match flaws.iter().find(|(severity, _)| severity.problem()) {
        Some((severity, reason)) => {
            Evidence::new(by_severity(*severity), object, field, &reason.text).to_do(reason.next.as_deref())
        }
        None => Evidence::new(State::Pass, object, field, fine),
    }
}

/// A private key that is not the certificate's own, or is missing.
fn foreign_key(look: &Look<'_>, secret: &TlsSecret) -> Option<Evidence> {
    let judged = expiry::secret(look.world, secret, look.now);
    let foreign = judged.value.state == CertificateState::KeyMismatch;
    foreign.then(|| Evidence::judged(State::Fail, &named(secret), "private key", &judged))
}

/// Keys and signatures of every certificate.
pub fn crypto(look: &Look<'_>) -> Vec<Evidence> {
    const FIELD: &str = "key and signature";
    let mut found: Vec<Evidence> = Vec::new();
    for secret in secrets(look) {
        found.push(match secret.leaf.chain.as_deref() {
            Ok([]) => Evidence::new(State::Unknown, &named(secret), FIELD, "there is no certificate"),
            Ok(chain) => {
                foreign_key(look, secret).unwrap_or_else(|| worst(&named(secret), FIELD, weak(chain), &strength(chain)))
            }
            Err(why) => Evidence::new(State::Unknown, &named(secret), FIELD, why),
        });
    }
    for (kind, holder) in holders(look) {
        for file in holder.files.iter().filter(|file| look.world.stands_for(kind, holder, file).0) {
            let object = format!("{}, {}", holder.meta.reference(kind), file.key);
            let chain: Vec<_> = file.all().cloned().collect();
            found.push(match &file.fault {
                Some(fault) if chain.is_empty() => Evidence::new(State::Unknown, &object, FIELD, &fault.said),
                _ => worst(&object, FIELD, weak(&chain), &strength(&chain)),
            });
        }
    }
    found
}

fn strength(chain: &[crate::model::CertificateFacts]) -> String {
    match chain {
        [] => "no certificate".to_owned(),
        [only] => format!("{}, {}", only.key, only.signature),
        [first, rest @ ..] => format!("{}, {}, and {} more as strong", first.key, first.signature, rest.len()),
    }
}

/// Names of every certificate that servers show, and Ingresses and Gateways that show none.
pub fn names(look: &Look<'_>) -> Vec<Evidence> {
    const FIELD: &str = "names";
    let mut found: Vec<Evidence> = Vec::new();
    for secret in secrets(look) {
        let chain = match secret.leaf.chain.as_deref() {
            Ok(chain) if !chain.is_empty() => chain,
            Ok(_) => continue,
            Err(why) => {
                found.push(Evidence::new(State::Unknown, &named(secret), FIELD, why));
                continue;
            }
        };
        let mut flaws = nameless(chain);
        flaws.extend(fronts::names(look.world, &key(&secret.meta), &chain[0], look.now));
        let mut own = chain[0].names.to_vec();
        own.sort_unstable();
        let fine = crate::text::list(&own);
        found.push(worst(&named(secret), FIELD, flaws, if fine.is_empty() { "none" } else { &fine }));
    }
    let inventory = &look.world.inventory;
    for (kind, table) in [(Kind::Ingress, &inventory.ingresses), (Kind::Gateway, &inventory.gateways)] {
        for front in sorted(table, |front: &Front| &front.meta) {
            if let Some(judged) = fronts_trouble(look.world, kind, front, look.now) {
                let object = front.meta.reference(kind).to_string();
                found.push(Evidence::judged(by_severity(judged.value.severity), &object, "certificate", &judged));
            }
        }
    }
    found
}

/// Each TLS Secret that pods use.
pub fn served(look: &Look<'_>) -> Vec<Evidence> {
    let judge = |secret: &TlsSecret| {
        let judged = served::served(look.world, &key(&secret.meta), look.now);
        let worst = served::worst(&judged.value)?;
        let state = match worst.state {
            ServedState::Match | ServedState::Other => State::Pass,
            ServedState::Stale => State::Fail,
            _ => State::Unknown,
        };
        let value = format!("{}: pod {}: {}", worst.state.word(), worst.pod, worst.why.text);
        let probe = format!("holdfast probe {}/{}", secret.meta.namespace(), secret.meta.name);
        Some(Evidence::new(state, &named(secret), "served certificate", &value).at(worst.seen).to_do(Some(&probe)))
    };
    secrets(look).into_iter().filter_map(judge).collect()
}
