//! Whether API servers can trust whom they call: the CA bundles of webhooks, APIServices and conversion webhooks.
//!
//! A bundle is good when one of its CAs holds and vouches for what is served; an old CA beside a good one does no harm.
//! What is served is known only where a Secret or a request shows it ([`served`]): where it is not, a CA that holds is
//! no proof, and the verdict says so.

mod served;

use jiff::Timestamp;

use super::expiry::{CertificateState, Expiry, Life, at_least};
use super::sight::Sight;
use super::{Judgement, Reason, Severity};
use crate::model::{Called, CertificateFacts, Kind, TrustBundle, TrustEntry, World, annotation};
use crate::text;

pub use served::{Served, served};

/// One sort of calls of a bundle, with all that is needed to judge it.
struct Case<'a> {
    world: &'a World,
    kind: Kind,
    bundle: &'a TrustBundle,
    entry: &'a TrustEntry,
    now: Timestamp,
}

/// Judges a trust bundle: the worst of its calls decides, and what is wrong with the others is said too.
pub fn trust(world: &World, kind: Kind, bundle: &TrustBundle, now: Timestamp) -> Judgement<Expiry> {
    let sight = Sight::all(world, kind, now);
    if let Some(blind) = sight.blind() {
        return Expiry::unknown(&blind.text);
    }
    let judge = |entry| Case { world, kind, bundle, entry, now }.judge();
    let mut judged: Vec<Judgement<Expiry>> = bundle.entries.iter().map(judge).collect();
    judged.sort_by_key(|judged| std::cmp::Reverse(judged.value.severity.rank()));
    let not_after = judged.iter().filter_map(|judged| judged.value.not_after).min();
    let mut all = judged.into_iter();
    let Some(worst) = all.next() else { return Expiry::unknown("it says nobody who is called") };
    let rest = |worst: Judgement<Expiry>, other: Judgement<Expiry>| {
        let told = if other.value.severity.problem() { other.reasons } else { Vec::new() };
        worst.because_all(told).until(other.valid_until)
    };
    let judged = all.fold(worst, rest).map(|expiry| Expiry { not_after, ..expiry });
    let judged = at_least(judged, Severity::Warn, said_by_server(bundle));
    let judged = at_least(judged, Severity::Warn, lost_source(world, bundle, now));
    match sight.recent() {
        Some((until, reason)) => judged.because(reason.clone()).until(until),
        None => judged,
    }
}

/// What the API server says of an APIService that it cannot reach.
fn said_by_server(bundle: &TrustBundle) -> Option<Reason> {
    let bad = bundle.conditions.first()?;
    let text = format!("the API server says not available: {}: {}", bad.reason, bad.message);
    Some(Reason::new(text).next("see the pods behind its Service"))
}

/// A Certificate that the CA injector is told to take the CA from, and that is not there.
fn lost_source(world: &World, bundle: &TrustBundle, now: Timestamp) -> Option<Reason> {
    let (namespace, name) = bundle.injected_from()?;
    let live = Sight::within(world, Kind::Certificate, Some(&namespace), now) == Sight::Live;
    let there = world.inventory.certificates.named(Some(&namespace), &name).is_some();
    let text = format!("its CA is to come from Certificate {namespace}/{name}, which does not exist");
    let next = format!("make that Certificate, or correct the annotation {}", annotation::INJECT_CA_FROM);
    (live && !there).then(|| Reason::new(text).next(next))
}

impl Case<'_> {
    fn judge(&self) -> Judgement<Expiry> {
        let judged = match &self.entry.authorities {
            _ if self.entry.insecure => self.unchecked(),
            None => self.missing(),
            Some(Err(why)) => Expiry::new(CertificateState::Unreadable, Severity::Critical).because(
                self.reason(&format!("{why}: {}", self.harm())).next("put the CA's certificate there, as PEM"),
            ),
            Some(Ok(authorities)) => self.by_authorities(authorities),
        };
        at_least(judged, Severity::Warn, self.nobody_there())
    }

    /// A sentence about this call; says which, where the object makes several.
    fn reason(&self, text: &str) -> Reason {
        let several = self.bundle.entries.len() > 1;
        match &*self.entry.names {
            [first] if several => Reason::new(format!("webhook {first}: {text}")),
            [first, rest @ ..] if several => Reason::new(format!("webhook {first} and {} more: {text}", rest.len())),
            _ => Reason::new(text),
        }
    }

    fn whom(&self) -> String {
        match &self.entry.called {
            Called::Service((namespace, name)) => format!("Service {namespace}/{name}"),
            Called::Url(url) => url.to_string(),
        }
    }

    /// What happens when API servers do not believe the one they call.
    fn harm(&self) -> &'static str {
        match self.kind {
            Kind::ApiService => "API servers refuse who answers for it, and nothing of this API group answers",
            Kind::Crd => "API servers cannot have its objects converted, and reads and writes of them fail",
            _ if self.entry.ignorable => "API servers cannot call it, and writes go on without it",
            _ => "API servers cannot call it, and refuse every write that it is asked about",
        }
    }

    fn unchecked(&self) -> Judgement<Expiry> {
        let reason = self
            .reason(&format!("insecureSkipTLSVerify: API servers believe whoever answers for {}", self.whom()))
            .next("put the CA of its certificate into caBundle, and turn insecureSkipTLSVerify off");
        Expiry::new(CertificateState::Unchecked, Severity::Warn).because(reason)
    }

    fn missing(&self) -> Judgement<Expiry> {
        let injected = self.bundle.meta.annotation(annotation::INJECT_CA_FROM);
        let injected = injected.or_else(|| self.bundle.meta.annotation(annotation::INJECT_CA_FROM_SECRET));
        let (severity, reason) = match (&self.entry.called, injected) {
            (_, Some(source)) => {
                let text = format!("cert-manager's CA injector has not put the CA of {source} there: {}", self.harm());
                let next = format!("see that the CA injector runs, and that {source} is issued and has a ca.crt");
                (Severity::Critical, self.reason(&text).next(next))
            }
            (Called::Service(_), None) => {
                let text = format!("no caBundle: {} is checked by the CAs of the API servers' system", self.whom());
                let next = "put the CA of its certificate into caBundle, unless the system of the API servers has it";
                (Severity::Warn, self.reason(&text).next(next))
            }
            (Called::Url(_), None) => {
                let text = format!("no caBundle: {} is checked by the CAs of the API servers' system", self.whom());
                (Severity::Info, self.reason(&text))
            }
        };
        Expiry::new(CertificateState::NoCa, severity).because(reason)
    }

    fn by_authorities(&self, authorities: &[CertificateFacts]) -> Judgement<Expiry> {
        let good: Vec<&CertificateFacts> = authorities.iter().filter(|ca| ca.holds(self.now)).collect();
        let moments = authorities.iter().flat_map(|ca| [ca.not_before, ca.not_after]);
        let change = moments.filter(|at| *at > self.now).min();
        if good.is_empty() {
            return self.none_holds(authorities).until(change);
        }
        let judged = match self.served() {
            Ok(served) => {
                let vouching = |served: &Served<'_>| {
                    good.iter().copied().filter(|ca| served.is_vouched_by(ca)).collect::<Vec<_>>()
                };
                if let Some(refused) = served.iter().find(|served| vouching(served).is_empty()) {
                    self.wrong(authorities, refused)
                } else {
                    let lives = served.iter().map(|served| self.life(&vouching(served)));
                    lives
                        .max_by_key(|life| life.value.severity.rank())
                        .unwrap_or_else(|| Expiry::unknown("nothing is served"))
                }
            }
            Err(why) => at_least(self.life(&good), Severity::Info, Some(why)),
        };
        aside(judged, authorities, self.now).until(change)
    }

    fn served(&self) -> Result<Vec<Served<'_>>, Reason> {
        match &self.entry.called {
            Called::Service(service) => served(self.world, self.bundle, service, self.now),
            Called::Url(url) => Err(Reason::new(format!("what {url} serves is not known here"))),
        }
    }

    fn none_holds(&self, authorities: &[CertificateFacts]) -> Judgement<Expiry> {
        let last = authorities.iter().map(|ca| ca.not_after).max();
        let ended = last.filter(|end| *end <= self.now).map(|end| text::age(self.now.duration_since(end)));
        let text = match (authorities, ended) {
            ([only], Some(ago)) => format!("its CA {} expired {ago} ago", only.subject),
            (many, Some(ago)) => format!("all {} of its CAs have expired, the last {ago} ago", many.len()),
            (_, None) => "no CA of it holds yet".to_owned(),
        };
        let reason = self.reason(&format!("{text}: {}", self.harm())).next(self.put_there());
        let judged = Expiry::new(CertificateState::NoValidCa, Severity::Critical).because(reason);
        judged.map(|expiry| Expiry { not_after: last, ..expiry })
    }

    fn wrong(&self, authorities: &[CertificateFacts], served: &Served<'_>) -> Judgement<Expiry> {
        let issuer = served.chain.last().map_or("", |last| &last.issuer);
        let old = authorities.iter().any(|ca| served.is_vouched_by(ca));
        let what = if old { "holds the CA of it only as one that has ended" } else { "does not hold its CA" };
        let text = format!(
            "{} serves {}, issued by {issuer}, and the bundle {what}: {}",
            self.whom(),
            served.place,
            self.harm()
        );
        let reason = self.reason(&text).next(self.put_there());
        let judged = Expiry::new(CertificateState::WrongCa, Severity::Critical).because(reason);
        let last = authorities.iter().map(|ca| ca.not_after).max();
        judged.map(|expiry| Expiry { not_after: last, ..expiry })
    }

    /// How to have the right CA there.
    fn put_there(&self) -> String {
        match self.bundle.meta.annotation(annotation::INJECT_CA_FROM) {
            Some(source) => {
                format!("see that cert-manager's CA injector runs, and that Certificate {source} is the one served")
            }
            None => "add the CA of the certificate that is served to caBundle".to_owned(),
        }
    }

    /// The last of these CAs ends the trust.
    fn life(&self, authorities: &[&CertificateFacts]) -> Judgement<Expiry> {
        let Some(last) = authorities.iter().max_by_key(|ca| ca.not_after) else {
            return Expiry::unknown("there is no CA");
        };
        let life = Life { not_before: last.not_before, not_after: last.not_after };
        let mut judged = life.judge(&format!("its CA {}", last.subject), self.now);
        let next = "renew the CA, and add the new one to the bundle before the old one ends";
        judged.reasons = judged
            .reasons
            .into_iter()
            .map(|reason| Reason { next: reason.next.as_ref().map(|_| next.to_owned()), ..self.reason(&reason.text) })
            .collect();
        judged.map(|(state, severity)| Expiry { state, severity, not_after: Some(last.not_after), renewal: None })
    }

    /// A Service that is called and does not exist.
    fn nobody_there(&self) -> Option<Reason> {
        let Called::Service((namespace, name)) = &self.entry.called else { return None };
        let live = Sight::within(self.world, Kind::Service, Some(namespace), self.now) == Sight::Live;
        let there = self.world.inventory.services.named(Some(namespace), name).is_some();
        let reason = || self.reason(&format!("{} is called and does not exist", self.whom()));
        (live && !there).then(|| reason().next("bring its server back, or take the object away that calls it"))
    }
}

/// What does no harm and is worth knowing.
pub(super) fn aside(judged: Judgement<Expiry>, authorities: &[CertificateFacts], now: Timestamp) -> Judgement<Expiry> {
    let ended = authorities.iter().filter(|ca| ca.not_after <= now).count();
    let ended = (ended > 0).then(|| {
        let stand = text::plural(ended, "CA that has expired stands", "CAs that have expired stand");
        Reason::new(format!("{stand} beside what holds")).next("take what has expired out of the bundle")
    });
    let leaves = authorities.iter().find(|ca| !ca.ca && ca.holds(now)).map(|leaf| {
        Reason::new(format!("{} is no CA: it vouches for itself alone", leaf.subject))
            .next("put its CA there instead, so that it can be renewed")
    });
    at_least(at_least(judged, Severity::Info, ended), Severity::Info, leaves)
}

#[cfg(test)]
mod tests;
