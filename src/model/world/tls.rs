//! What a change of a certificate touches: its Secret's row, what signs it, and the bundles that trust it.

use std::sync::Arc;

use super::{Touched, World};
use crate::model::copies::{held_identities, issuers, named};
use crate::model::trust::services;
use crate::model::{CertManagerCertificate, CertificateHolder, ClaimKey, Kind, Object, Service, Uid, bundle_key};

/// Objects that hold the same certificate and are looked at again when one of them changes.
const MANY: usize = 64;

impl World {
    /// What a change of an object of TLS touches.
    pub(super) fn touch_tls(&self, object: &Object, touched: &mut Touched) {
        let (kind, meta) = (object.kind(), object.meta());
        let namespaced = |name: &Arc<str>| (meta.namespace.clone().unwrap_or_default(), name.clone());
        if kind != Kind::Service {
            touched.certificates.insert((kind, meta.uid()));
        }
        match object {
            Object::TlsSecret(_) => {
                self.touch_secret(&namespaced(&meta.name), touched);
                self.touch_copies_of(object, touched);
            }
            Object::OtherSecret(holder) | Object::ConfigMap(holder) => {
                self.touch_group(kind, holder, touched);
                self.touch_copies_of(object, touched);
                if kind == Kind::OtherSecret {
                    self.touch_secret(&namespaced(&meta.name), touched);
                }
            }
            Object::Ingress(front) | Object::Gateway(front) => {
                front.tls.iter().filter_map(|tls| tls.secret.as_ref()).for_each(|key| self.touch_secret(key, touched));
            }
            Object::Certificate(certificate) => {
                self.touch_secret(&namespaced(&certificate.secret), touched);
                self.touch_around(certificate, touched);
            }
            Object::CertificateRequest(request) => {
                self.touch_orders(&meta.uid(), touched);
                let key = request.certificate.as_ref().map(namespaced);
                let owner = key.and_then(|key| self.inventory.certificates.named(Some(&key.0), &key.1));
                if let Some(owner) = owner {
                    touched.certificates.insert((Kind::Certificate, owner.meta.uid()));
                    self.touch_around(owner, touched);
                }
            }
            Object::Order(_) => self.touch_challenges(&meta.uid(), touched),
            Object::Challenge(challenge) => {
                let order = self.order_of(challenge).map(|order| (Kind::Order, order.meta.uid()));
                touched.certificates.extend(order);
            }
            Object::MutatingWebhook(bundle)
            | Object::ValidatingWebhook(bundle)
            | Object::ApiService(bundle)
            | Object::Crd(bundle) => {
                if let Some(source) = bundle.injected_from_secret() {
                    self.touch_secret(&source, touched);
                }
            }
            Object::Service(service) => self.touch_service(service, touched),
            Object::Issuer(_) | Object::ClusterIssuer(_) => touched.all = true,
            _ => {}
        }
    }

    pub(super) fn touch_secret(&self, secret: &ClaimKey, touched: &mut Touched) {
        if let Some(held) = self.inventory.tls_secrets.named(Some(&secret.0), &secret.1) {
            touched.certificates.insert((Kind::TlsSecret, held.meta.uid()));
            if let Some(leaf) = held.facts() {
                self.touch_callers(&leaf.names, &secret.0, touched);
            }
        }
        if let Some(held) = self.inventory.other_secrets.named(Some(&secret.0), &secret.1) {
            touched.certificates.insert((Kind::OtherSecret, held.meta.uid()));
        }
        touched.certificates.extend(self.links.fronts_of(secret).iter().cloned());
        for uid in self.links.certificates_writing(secret) {
            touched.certificates.insert((Kind::Certificate, uid.clone()));
            if let Some(certificate) = self.inventory.certificates.get(uid) {
                self.touch_trust(certificate, touched);
            }
        }
    }

    pub(super) fn touch_map(&self, map: &ClaimKey, touched: &mut Touched) {
        if let Some(held) = self.inventory.config_maps.named(Some(&map.0), &map.1) {
            touched.certificates.insert((Kind::ConfigMap, held.meta.uid()));
            self.touch_group(Kind::ConfigMap, held, touched);
        }
    }

    /// The object that stands for all that hold the same bundle, and the one that may have done so before.
    pub(super) fn touch_group(&self, kind: Kind, holder: &CertificateHolder, touched: &mut Touched) {
        for file in &holder.files {
            let members = self.links.same_bundle(&bundle_key(kind, &holder.meta.name, file));
            let first = members.into_iter().flatten().take(2);
            touched.certificates.extend(first.map(|(_, uid)| (kind, uid.clone())));
        }
    }

    /// Objects that hold the same certificate, or one of the same key.
    pub(super) fn touch_copies_of(&self, object: &Object, touched: &mut Touched) {
        for identity in held_identities(object) {
            // More than a few are told as "many", and one more changes nothing that matters.
            touched.certificates.extend(self.links.holding(identity).iter().take(MANY).cloned());
        }
        for ca in issuers(object) {
            touched.certificates.extend(self.links.holding(named(ca)).iter().take(MANY).cloned());
        }
    }

    /// The bundles that are for a Service, the certificates with its name, and those that its pods have. While all
    /// Services are being listed the latter wait: the end of the list touches everything.
    pub(super) fn touch_service(&self, service: &Service, touched: &mut Touched) {
        let namespace = service.meta.namespace.clone().unwrap_or_default();
        let key = (namespace.clone(), service.meta.name.clone());
        touched.certificates.extend(self.links.calling(&key).to_vec());
        touched.certificates.extend(self.links.serving(&key).to_vec());
        if !self.freshness_in(Kind::Service, &namespace).live() {
            return;
        }
        for pod in self.inventory.pods.iter().filter(|pod| service.selects(&pod.meta)) {
            pod.secrets.iter().for_each(|used| self.touch_secret(&(namespace.clone(), used.secret.clone()), touched));
        }
    }

    /// What hangs on a Certificate besides its Secret: its requests, its issuer and the bundles that trust it.
    pub(super) fn touch_around(&self, certificate: &CertManagerCertificate, touched: &mut Touched) {
        let namespace = certificate.meta.namespace.clone().unwrap_or_default();
        let requests = self.links.requests_of(&(namespace, certificate.meta.name.clone()));
        for uid in requests {
            touched.certificates.insert((Kind::CertificateRequest, uid.clone()));
            self.touch_orders(uid, touched);
        }
        let issuer = certificate.issuer_ref();
        let issuer = issuer.and_then(|issuer| Some((issuer.kind, self.inventory.find(&issuer)?.uid())));
        touched.certificates.extend(issuer);
        self.touch_trust(certificate, touched);
    }

    /// What a request to an ACME issuer waits for: whether that has rows of its own hangs on the request.
    fn touch_orders(&self, request: &Uid, touched: &mut Touched) {
        for order in self.orders_of(request) {
            let uid = order.meta.uid();
            self.touch_challenges(&uid, touched);
            touched.certificates.insert((Kind::Order, uid));
        }
    }

    fn touch_challenges(&self, order: &Uid, touched: &mut Touched) {
        let challenges = self.challenges_of(order).into_iter();
        touched.certificates.extend(challenges.map(|challenge| (Kind::Challenge, challenge.meta.uid())));
    }

    /// The bundles that trust what a Certificate has issued.
    fn touch_trust(&self, certificate: &CertManagerCertificate, touched: &mut Touched) {
        let namespace = certificate.meta.namespace.clone().unwrap_or_default();
        self.touch_callers(&certificate.names, &namespace, touched);
        let injected = self.links.injected_from(&(namespace, certificate.meta.name.clone()));
        touched.certificates.extend(injected.to_vec());
    }

    /// The bundles of calls to the Services that these names of a certificate are for.
    fn touch_callers(&self, names: &[Box<str>], namespace: &Arc<str>, touched: &mut Touched) {
        for service in services(names, namespace) {
            // Whoever is for every Service of its namespace is for those that are called.
            let every = &*service.1 == "*";
            let called = self.inventory.services.iter().filter(|_| every).map(|found| &found.meta);
            let called = called.filter(|found| found.namespace.as_ref() == Some(namespace));
            let called: Vec<ClaimKey> = called.map(|found| (namespace.clone(), found.name.clone())).collect();
            for key in called.iter().chain([&service]) {
                touched.certificates.extend(self.links.calling(key).to_vec());
            }
        }
    }
}
