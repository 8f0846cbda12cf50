//! A chain as it is shown to others: its time, and what else is wrong with it.

use jiff::Timestamp;

use super::limits::Life;
use super::{CertificateState, Expiry, at_least};
use crate::assess::chain::{Purpose, flaws};
use crate::assess::{Judgement, Reason, Severity};
use crate::model::CertificateFacts;

/// The member whose time is worst decides. A CA of `beside` counts when it issued one of the chain.
pub(in crate::assess) fn worst_of(
    chain: &[CertificateFacts],
    beside: &[CertificateFacts],
    now: Timestamp,
) -> Judgement<Expiry> {
    let issuers = beside.iter().filter(|ca| chain.iter().any(|member| member.issuer == ca.subject));
    let members: Vec<&CertificateFacts> = chain.iter().chain(issuers).collect();
    let judge = |(at, facts): (usize, &&CertificateFacts)| {
        let life = Life { not_before: facts.not_before, not_after: facts.not_after };
        let what = if at == 0 { "the certificate".to_owned() } else { format!("its issuer {}", facts.subject) };
        life.judge(&what, now)
    };
    let judged: Vec<_> = members.iter().enumerate().map(judge).collect();
    let earliest = judged.iter().filter_map(|judged| judged.valid_until).min();
    let not_after = members.iter().map(|facts| facts.not_after).min();
    // The leaf first among equals, so that its own sentence stands.
    let worst = judged.into_iter().rev().max_by_key(|judged| (judged.value.1.rank(), ended(&judged.value.0)));
    let Some(worst) = worst else { return Expiry::unknown("there is no certificate") };
    let shorter = members.iter().skip(1).filter(|facts| Some(facts.not_after) == not_after);
    let shorter = shorter.filter(|facts| chain.first().is_some_and(|leaf| facts.not_after < leaf.not_after));
    let shorter = shorter.map(|facts| {
        let end = facts.not_after;
        Reason::new(format!("its issuer {} ends before it, at {end}", facts.subject)).next("renew the CA first")
    });
    let first = shorter.take(1);
    let judged = worst.map(|(state, severity)| Expiry { state, severity, not_after, renewal: None });
    first.fold(judged.until(earliest), |judged, reason| at_least(judged, Severity::Warn, Some(reason)))
}

/// Among critical states, one that is broken now comes before one that will be.
fn ended(state: &CertificateState) -> bool {
    matches!(state, CertificateState::Expired | CertificateState::NotYetValid)
}

/// Adds what is wrong with the chain; that is the verdict where nothing else is wrong.
pub(in crate::assess) fn flawed(
    judged: Judgement<Expiry>,
    chain: &[CertificateFacts],
    beside: &[CertificateFacts],
    purpose: Purpose,
) -> Judgement<Expiry> {
    flaws_decide(judged, flaws(chain, beside, purpose))
}

/// Adds flaws, the worst first; they are the verdict where nothing else is wrong.
pub(in crate::assess) fn flaws_decide(judged: Judgement<Expiry>, flaws: Vec<(Severity, Reason)>) -> Judgement<Expiry> {
    let decides =
        judged.value.state == CertificateState::Valid && flaws.first().is_some_and(|(severity, _)| severity.problem());
    let time = judged.reasons.clone();
    let mut judged =
        flaws.into_iter().fold(Judgement { reasons: Vec::new(), ..judged }, |judged, (severity, reason)| {
            at_least(judged, severity, Some(reason))
        });
    if decides {
        judged.reasons.extend(time);
        return judged.map(|judged| Expiry { state: CertificateState::Flawed, ..judged });
    }
    let found = std::mem::replace(&mut judged.reasons, time);
    judged.because_all(found)
}
