//! A certificate's part of the tree: the issuers above it, up to the one that nobody signed; below it its Secret, what
//! uses that, and what is signed with it.

use std::sync::Arc;

use super::Branch;
use super::grow::Grower;
use crate::model::{
    CertManagerCertificate, CertificateRequest, ClaimKey, Freshness, Issuer, Kind, Meta, ObjRef, Object, Order, Pod,
    Uid,
};
use crate::view::Level;
use crate::view::detail::via;

/// Objects looked at above a certificate.
const ABOVE: usize = 12;

/// Kinds that say what is above and below a certificate.
const KINDS: [Kind; 5] =
    [Kind::Certificate, Kind::TlsSecret, Kind::Issuer, Kind::ClusterIssuer, Kind::CertificateRequest];

impl<'a> Grower<'a> {
    /// The tree of a Secret, Certificate, request or issuer.
    pub(super) fn tls(&mut self, object: &Object) -> Option<Branch> {
        let inventory = &self.world.inventory;
        match object {
            Object::Certificate(certificate) => self.of_certificate(certificate),
            Object::TlsSecret(secret) => {
                let uid = secret.meta.uid();
                match self.writer(&key(&secret.meta, &secret.meta.name)) {
                    Some(certificate) => self.of_certificate(certificate),
                    None => self.object(Kind::TlsSecret, &uid, |grower| {
                        let mut branches = vec![grower.none("managed by", "nobody seen")];
                        branches.extend(grower.secret_below(&uid));
                        branches.extend(grower.unseen(&KINDS, secret.meta.namespace.as_ref()));
                        branches
                    }),
                }
            }
            Object::CertificateRequest(request) => {
                let namespace = request.meta.namespace.as_ref();
                let certificate =
                    request.certificate.as_ref().and_then(|name| inventory.certificates.named(namespace, name));
                match certificate {
                    Some(certificate) => self.of_certificate(certificate),
                    None => self.request(request),
                }
            }
            Object::Order(order) => self.of_order(order),
            Object::Challenge(challenge) => {
                let order = self.world.order_of(challenge);
                order.and_then(|order| self.of_order(order))
            }
            Object::Issuer(issuer) => self.of_issuer(Kind::Issuer, issuer),
            Object::ClusterIssuer(issuer) => self.of_issuer(Kind::ClusterIssuer, issuer),
            _ => None,
        }
    }

    fn of_certificate(&mut self, certificate: &CertManagerCertificate) -> Option<Branch> {
        let mut above = self.above(certificate);
        above.reverse();
        let uid = certificate.meta.uid();
        let mut own = |grower: &mut Self| -> Vec<Branch> {
            let mut branch = grower.object(Kind::Certificate, &uid, |grower| grower.certificate_below(&uid));
            if let Some(branch) = &mut branch {
                let namespace = certificate.meta.namespace.as_ref();
                branch.below.extend(grower.unseen(&KINDS, namespace));
                // Without them there is no ACME issuer, and nothing is missing.
                let acme = [Kind::Order, Kind::Challenge];
                let served = acme.into_iter().filter(|kind| *grower.world.freshness(*kind) != Freshness::Absent);
                branch.below.extend(grower.unseen(&served.collect::<Vec<_>>(), namespace));
            }
            branch.into_iter().collect()
        };
        if certificate.issuer_ref().is_some() {
            return self.nest(&above, &mut own).into_iter().next();
        }
        // An issuer of a kind of its own, such as that of a cloud.
        let (kind, name) = &certificate.issuer;
        let mut top = self.text(Level::Unknown, name, "Not seen", "issuers of this kind are not watched");
        top.line.kind = kind.clone();
        top.below = own(self);
        Some(top)
    }

    fn of_issuer(&mut self, kind: Kind, issuer: &Issuer) -> Option<Branch> {
        let mut above = vec![issuer.meta.reference(kind)];
        self.signed_with(kind, issuer, &mut above);
        above.reverse();
        above.pop();
        let uid = issuer.meta.uid();
        self.nest(&above, &mut |grower| grower.issuer(kind, &uid).into_iter().collect()).into_iter().next()
    }

    /// What is above a certificate, the nearest first: issuer, its Secret, the Certificate that writes it, and so on.
    fn above(&self, certificate: &CertManagerCertificate) -> Vec<ObjRef> {
        let mut above = vec![certificate.meta.reference(Kind::Certificate)];
        self.issued_by(certificate, &mut above);
        above.remove(0);
        above
    }

    fn issued_by(&self, certificate: &CertManagerCertificate, above: &mut Vec<ObjRef>) {
        let Some(issuer) = certificate.issuer_ref().filter(|issuer| above.len() < ABOVE && !above.contains(issuer))
        else {
            return;
        };
        let inventory = &self.world.inventory;
        let table = if issuer.kind == Kind::Issuer { &inventory.issuers } else { &inventory.cluster_issuers };
        let found = table.named(issuer.namespace.as_ref(), &issuer.name);
        let kind = issuer.kind;
        above.push(issuer);
        if let Some(issuer) = found {
            self.signed_with(kind, issuer, above);
        }
    }

    /// The Secret that an issuer signs with, and what is above that.
    fn signed_with(&self, kind: Kind, issuer: &Issuer, above: &mut Vec<ObjRef>) {
        // A ClusterIssuer keeps its Secret in cert-manager's own namespace, which is not known here.
        let Some(name) = issuer.ca_secret.as_ref().filter(|_| kind == Kind::Issuer) else { return };
        let secret = ObjRef { kind: Kind::TlsSecret, namespace: issuer.meta.namespace.clone(), name: name.clone() };
        if above.contains(&secret) {
            return;
        }
        above.push(secret);
        if let Some(writer) = self.writer(&key(&issuer.meta, name)) {
            let object = writer.meta.reference(Kind::Certificate);
            if !above.contains(&object) {
                above.push(object);
                self.issued_by(writer, above);
            }
        }
    }

    fn writer(&self, secret: &ClaimKey) -> Option<&'a CertManagerCertificate> {
        let uid = self.world.links.certificates_writing(secret).first()?;
        self.world.inventory.certificates.get(uid)
    }

    /// Steps from the top down, one below the other, and what is at the bottom.
    fn nest(&mut self, steps: &[ObjRef], bottom: &mut dyn FnMut(&mut Self) -> Vec<Branch>) -> Vec<Branch> {
        let Some((step, rest)) = steps.split_first() else { return bottom(self) };
        if let Some(uid) = self.world.inventory.find(step).map(Meta::uid) {
            return self.object(step.kind, &uid, |grower| grower.nest(rest, bottom)).into_iter().collect();
        }
        let mut branch = self.missing(step);
        branch.below = self.nest(rest, bottom);
        vec![branch]
    }

    fn certificate_below(&mut self, uid: &Uid) -> Vec<Branch> {
        let Some(certificate) = self.world.inventory.certificates.get(uid) else { return Vec::new() };
        let namespace = certificate.meta.namespace.clone();
        let secret = ObjRef { kind: Kind::TlsSecret, namespace, name: certificate.secret.clone() };
        let seen = self.world.inventory.find(&secret).is_some();
        let mut branch = self.named(&secret, Self::secret_below);
        // Pods name a Secret whether it can be seen or not.
        if !seen {
            branch.below = self.secret_users(&key(&certificate.meta, &certificate.secret));
        }
        let mut branches = vec![branch];
        let inventory = &self.world.inventory;
        let mut requests: Vec<&CertificateRequest> = {
            let uids = self.world.links.requests_of(&key(&certificate.meta, &certificate.meta.name)).iter();
            uids.filter_map(|uid| inventory.certificate_requests.get(uid)).collect()
        };
        requests.sort_by_key(|request| std::cmp::Reverse(request.meta.created));
        branches.extend(self.list("older requests", requests, Self::request));
        branches
    }

    /// A request with the Orders that it waits for or was issued by, and their Challenges.
    fn request(&mut self, request: &CertificateRequest) -> Option<Branch> {
        let uid = request.meta.uid();
        self.object(Kind::CertificateRequest, &uid, |grower| {
            let orders = grower.world.orders_of(&uid);
            grower.list("more orders", orders, Self::order)
        })
    }

    fn order(&mut self, order: &Order) -> Option<Branch> {
        let uid = order.meta.uid();
        self.object(Kind::Order, &uid, |grower| {
            let challenges = grower.world.challenges_of(&uid);
            grower.list("more challenges", challenges, |grower, challenge| {
                grower.object(Kind::Challenge, &challenge.meta.uid(), |_| Vec::new())
            })
        })
    }

    /// An Order in the tree of its request, where that was seen.
    fn of_order(&mut self, order: &Order) -> Option<Branch> {
        match self.world.request_of(order) {
            Some(request) => self.tls(&Object::CertificateRequest(request.clone())),
            None => self.order(order),
        }
    }

    /// What is below a Secret: its users, and the issuers that sign with it.
    fn secret_below(&mut self, uid: &Uid) -> Vec<Branch> {
        let Some(secret) = self.world.inventory.tls_secrets.get(uid) else { return Vec::new() };
        let mut signers: Vec<&Issuer> = self
            .world
            .inventory
            .issuers
            .iter()
            .filter(|issuer| issuer.meta.namespace == secret.meta.namespace)
            .filter(|issuer| issuer.ca_secret.as_ref() == Some(&secret.meta.name))
            .collect();
        signers.sort_by(|a, b| a.meta.name.cmp(&b.meta.name));
        let mut branches =
            self.list("more issuers", signers, |grower, issuer| grower.issuer(Kind::Issuer, &issuer.meta.uid()));
        branches.extend(self.secret_users(&key(&secret.meta, &secret.meta.name)));
        branches
    }

    fn secret_users(&mut self, secret: &ClaimKey) -> Vec<Branch> {
        let pods = self.world.links.pods_using(secret).to_vec();
        let workloads = self.world.links.templates_using(secret).to_vec();
        let how = |pod: &Pod| pod.secrets.iter().find(|used| used.secret == secret.1).map(via);
        let users = self.users(&pods, &workloads, Some(&secret.0), &how);
        if users.is_empty() { vec![self.none("used by", "nothing")] } else { users }
    }

    /// An issuer with the certificates that it signs, each folded.
    fn issuer(&mut self, kind: Kind, uid: &Uid) -> Option<Branch> {
        let inventory = &self.world.inventory;
        let table = if kind == Kind::Issuer { &inventory.issuers } else { &inventory.cluster_issuers };
        let own = table.get(uid)?.meta.reference(kind);
        let signed = self.world.links.signed_by(&own).iter();
        let mut signed: Vec<&CertManagerCertificate> =
            signed.filter_map(|uid| inventory.certificates.get(uid)).collect();
        signed.sort_by(|a, b| a.meta.namespace.cmp(&b.meta.namespace).then_with(|| a.meta.name.cmp(&b.meta.name)));
        self.object(kind, uid, |grower| {
            let mut branches = grower.list("more certificates", signed, |grower, certificate| {
                let uid = certificate.meta.uid();
                let mut branch = grower.object(Kind::Certificate, &uid, |grower| grower.certificate_below(&uid))?;
                branch.folded = !branch.holds(&grower.focus);
                Some(branch)
            });
            branches.extend(grower.unseen(&[Kind::Certificate], own.namespace.as_ref()));
            branches
        })
    }

    /// Certificates that write a Secret, as lines below it.
    pub(super) fn writers(&mut self, secret: &Uid) -> Vec<Branch> {
        let Some(secret) = self.world.inventory.tls_secrets.get(secret) else { return Vec::new() };
        let uids = self.world.links.certificates_writing(&key(&secret.meta, &secret.meta.name)).to_vec();
        self.list("more certificates", uids, |grower, uid| grower.object(Kind::Certificate, &uid, |_| Vec::new()))
    }
}

fn key(meta: &Meta, secret: &Arc<str>) -> ClaimKey {
    (meta.namespace.clone().unwrap_or_default(), secret.clone())
}
