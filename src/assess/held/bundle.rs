//! Certificates by which others are checked. They are good while one of them holds: one that has ended beside it does
//! no harm. What they are good for shows only where certificates are seen that their CAs have issued.

use super::super::expiry::{CertificateState, Expiry, Life, at_least};
use super::super::trust::aside;
use super::{Case, Judgement, Reason, Severity};
use crate::model::{CertificateFacts, HeldFile, Kind, issued_by};
use crate::text;

/// Bundles of more CAs are those of operating systems: what they lack is no news.
const SYSTEM: usize = 16;

pub(super) fn judge(case: &Case<'_>) -> Judgement<Expiry> {
    let all = &case.file.trusted;
    let good: Vec<&CertificateFacts> = all.iter().filter(|ca| ca.holds(case.now)).collect();
    let moments = all.iter().flat_map(|ca| [ca.not_before, ca.not_after]);
    let change = moments.filter(|at| *at > case.now).min();
    let judged = match good.iter().max_by_key(|ca| ca.not_after) {
        Some(last) => life(last, case),
        None => none_holds(case),
    };
    let judged = at_least(aside(judged, all, case.now), Severity::Warn, orphaned(case, &good));
    judged.until(change)
}

/// The last CA to end ends the trust.
fn life(last: &CertificateFacts, case: &Case<'_>) -> Judgement<Expiry> {
    let life = Life { not_before: last.not_before, not_after: last.not_after };
    let what = if case.file.trusted.len() == 1 { "its CA" } else { "the last of its CAs," };
    let mut judged = life.judge(&format!("{what} {}", last.subject), case.now);
    let next = "renew the CA, and add the new one here before the old one ends";
    for reason in &mut judged.reasons {
        reason.next = reason.next.take().map(|_| next.to_owned());
    }
    judged.map(|(state, severity)| Expiry { state, severity, not_after: Some(last.not_after), renewal: None })
}

fn none_holds(case: &Case<'_>) -> Judgement<Expiry> {
    let all = &case.file.trusted;
    let last = all.iter().map(|ca| ca.not_after).max();
    let ended = last.filter(|end| *end <= case.now).map(|end| text::age(case.now.duration_since(end)));
    let text = match (&**all, ended) {
        ([only], Some(ago)) => format!("its CA {} expired {ago} ago", only.subject),
        (many, Some(ago)) => format!("all {} of its CAs have expired, the last {ago} ago", many.len()),
        (_, None) => "no CA of it holds yet".to_owned(),
    };
    let reason = Reason::new(format!("{text}: who checks servers by it refuses all of them"))
        .next("put the CAs there that sign the certificates that are served now");
    let judged = Expiry::new(CertificateState::NoValidCa, Severity::Critical).because(reason);
    judged.map(|expiry| Expiry { not_after: last, ..expiry })
}

/// A certificate of the same namespace that a CA of this name has issued with another key: who checks by this bundle
/// refuses it.
fn orphaned(case: &Case<'_>, good: &[&CertificateFacts]) -> Option<Reason> {
    if case.file.trusted.len() > SYSTEM {
        return None;
    }
    for ca in good {
        for (kind, uid) in case.world.links.holding(issued_by(&ca.subject)) {
            let Some(meta) = case.world.inventory.meta(*kind, uid) else { continue };
            if meta.namespace != case.holder.meta.namespace {
                continue;
            }
            let refused = |chain: &[CertificateFacts]| {
                let live = chain.first().is_some_and(|leaf| leaf.holds(case.now) && !leaf.self_signed);
                let by_name = chain.last().is_some_and(|last| last.issuer == ca.subject);
                live && by_name && !chain.iter().any(|member| good.iter().any(|ca| ca.vouches_for(member)))
            };
            if chains(case, *kind, uid).into_iter().any(refused) {
                let place = meta.reference(*kind);
                let text = format!(
                    "{place} was issued by another CA of the name {}: who checks by this bundle refuses it",
                    ca.subject
                );
                let next = "add the CA that signs now; keep the old one until nothing that it signed is left";
                return Some(Reason::new(text).next(next));
            }
        }
    }
    None
}

fn chains<'a>(case: &'a Case<'_>, kind: Kind, uid: &crate::model::Uid) -> Vec<&'a [CertificateFacts]> {
    if kind == Kind::TlsSecret {
        let secret = case.world.inventory.tls_secrets.get(uid);
        return secret.and_then(|secret| secret.leaf.chain.as_deref().ok()).into_iter().collect();
    }
    let files = case.world.holder(kind, uid).map(|holder| holder.files.iter()).into_iter().flatten();
    files.flat_map(|file: &HeldFile| file.own.iter()).map(|chain| &**chain).collect()
}
