//! What a change of a certificate touches: its Secret's row, what signs it, and the bundles that trust it.

use std::sync::Arc;

use super::{Touched, World};
use crate::model::trust::services;
use crate::model::{CertManagerCertificate, ClaimKey, Kind};

impl World {
    pub(super) fn touch_secret(&self, secret: &ClaimKey, touched: &mut Touched) {
        if let Some(held) = self.inventory.tls_secrets.named(Some(&secret.0), &secret.1) {
            touched.certificates.insert((Kind::TlsSecret, held.meta.uid()));
            let leaf = held.leaf.chain.as_ref().ok().and_then(|chain| chain.first());
            if let Some(leaf) = leaf {
                self.touch_callers(&leaf.names, &secret.0, touched);
            }
        }
        for uid in self.links.certificates_writing(secret) {
            touched.certificates.insert((Kind::Certificate, uid.clone()));
            if let Some(certificate) = self.inventory.certificates.get(uid) {
                self.touch_trust(certificate, touched);
            }
        }
    }

    /// What hangs on a Certificate besides its Secret: its requests, its issuer and the bundles that trust it.
    pub(super) fn touch_around(&self, certificate: &CertManagerCertificate, touched: &mut Touched) {
        let namespace = certificate.meta.namespace.clone().unwrap_or_default();
        let requests = self.links.requests_of(&(namespace, certificate.meta.name.clone()));
        touched.certificates.extend(requests.iter().map(|uid| (Kind::CertificateRequest, uid.clone())));
        let issuer = certificate.issuer_ref();
        let issuer = issuer.and_then(|issuer| Some((issuer.kind, self.inventory.find(&issuer)?.uid())));
        touched.certificates.extend(issuer);
        self.touch_trust(certificate, touched);
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
