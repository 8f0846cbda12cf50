//! Where a CA is trusted: in bundles of ConfigMaps and Secrets, in what API servers check their webhooks by.

use super::Ca;
use crate::assess::manager;
use crate::model::{
    CertificateFacts, CertificateHolder, ClaimKey, Format, HeldFile, Kind, Meta, ObjRef, TlsSecret, TrustBundle, Uid,
    World, annotation,
};
use crate::text;

/// The kinds of objects by which API servers check those that they call.
const CALLS: [Kind; 4] = [Kind::MutatingWebhook, Kind::ValidatingWebhook, Kind::ApiService, Kind::Crd];

/// An object in which a CA is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// The object.
    pub at: ObjRef,
    /// Which one.
    pub uid: Uid,
    /// Whether the former CA is trusted in it.
    pub former: bool,
    /// Whether the one that takes its place is trusted wherever the former one is.
    pub successor: bool,
    /// Why nothing can be added to it here; `None` when it can. Safe to draw.
    pub fixed: Option<String>,
    /// Why nothing can be taken out of it here; `None` when it can. Safe to draw.
    pub stays: Option<String>,
}

impl Store {
    /// Its namespace and name.
    pub fn key(&self) -> ClaimKey {
        (self.at.namespace.clone().unwrap_or_default(), self.at.name.clone())
    }

    /// Whether it trusts the former one and lacks the one that takes its place.
    fn lacks(&self) -> bool {
        self.former && !self.successor
    }

    /// Whether it lacks it and that can be mended here.
    pub fn to_write(&self) -> bool {
        self.lacks() && self.fixed.is_none()
    }

    /// Whether it lacks it and that cannot.
    pub fn out_of_reach(&self) -> bool {
        self.lacks() && self.fixed.is_some()
    }

    /// Whether it holds both, or will as soon as the one is added that takes the place of the other.
    pub fn joins(&self) -> bool {
        self.former && (self.successor || self.fixed.is_none())
    }

    /// `ConfigMap shop/trust`; with why it cannot be changed here.
    pub fn said(&self) -> String {
        let at = text::sanitize(&self.at.to_string()).into_owned();
        self.fixed.as_ref().map_or(at.clone(), |why| format!("{at}: {why}"))
    }
}

/// The certificates of one bundle, and why it cannot be changed here.
struct Bundle<'w> {
    trusted: Vec<&'w CertificateFacts>,
    fixed: Option<String>,
}

pub(super) fn all(world: &World, former: Ca<'_>, successor: Option<Ca<'_>>) -> Vec<Store> {
    let look = Look { world, former, successor };
    let inventory = &world.inventory;
    let secrets = inventory.tls_secrets.iter().filter_map(|secret| look.tls_secret(secret));
    let others = inventory.other_secrets.iter().filter_map(|holder| look.holder(Kind::OtherSecret, holder));
    let maps = inventory.config_maps.iter().filter_map(|holder| look.holder(Kind::ConfigMap, holder));
    let bundles =
        [&inventory.mutating_webhooks, &inventory.validating_webhooks, &inventory.api_services, &inventory.crds];
    let calls = CALLS
        .into_iter()
        .zip(bundles)
        .flat_map(|(kind, table)| table.iter().filter_map(move |bundle| look.calls(kind, bundle)).collect::<Vec<_>>());
    let mut all: Vec<Store> = maps.chain(others).chain(secrets).chain(calls).collect();
    all.sort_by(|a, b| (a.at.kind, &a.at.namespace, &a.at.name).cmp(&(b.at.kind, &b.at.namespace, &b.at.name)));
    all
}

#[derive(Clone, Copy)]
struct Look<'w> {
    world: &'w World,
    former: Ca<'w>,
    successor: Option<Ca<'w>>,
}

impl Look<'_> {
    /// The store that these bundles make; `None` when neither of the two is trusted in any of them.
    fn store(&self, kind: Kind, meta: &Meta, bundles: &[Bundle<'_>]) -> Option<Store> {
        let holds = |bundle: &Bundle<'_>, ca: Ca<'_>| {
            bundle.trusted.iter().any(|facts| facts.fingerprint == ca.facts.fingerprint)
        };
        let new = |bundle: &&Bundle<'_>| self.successor.is_some_and(|ca| holds(bundle, ca));
        let with_former: Vec<&Bundle<'_>> = bundles.iter().filter(|bundle| holds(bundle, self.former)).collect();
        let former = !with_former.is_empty();
        let successor = if former { with_former.iter().all(new) } else { bundles.iter().any(|bundle| new(&bundle)) };
        if !former && !successor {
            return None;
        }
        let concerned = bundles.iter().filter(|bundle| holds(bundle, self.former) || new(bundle));
        let deleting = meta.deleting.map(|_| "it is being deleted".to_owned());
        let kept = manager(meta).map(|manager| format!("{manager} keeps it as it is written down elsewhere"));
        let fixed = deleting.or(kept).or_else(|| concerned.into_iter().find_map(|bundle| bundle.fixed.clone()));
        let stays = fixed.clone();
        Some(Store { at: meta.reference(kind), uid: meta.uid(), former, successor, fixed, stays })
    }

    fn tls_secret(&self, secret: &TlsSecret) -> Option<Store> {
        // The CAs themselves vouch for nobody by lying there, and what was put aside is used by nobody.
        let own = [Some(self.former), self.successor];
        let is_ca = own.into_iter().flatten().any(|ca| ca.secret.meta.uid == secret.meta.uid);
        if is_ca || secret.meta.annotation(annotation::COPY_OF).is_some() {
            return None;
        }
        let key = (secret.meta.namespace.clone().unwrap_or_default(), secret.meta.name.clone());
        let written = !self.world.links.certificates_writing(&key).is_empty();
        let fixed = written.then(|| {
            "cert-manager writes it, with one CA at a time: who trusts by its ca.crt knows only one of the two"
                .to_owned()
        });
        let chain = secret.ca.as_ref().and_then(|place| place.chain.as_ref().ok());
        let own = Bundle { trusted: chain.into_iter().flat_map(|chain| chain.iter()).collect(), fixed: fixed.clone() };
        let files = secret.files.iter().map(|file| {
            let bundle = of_file(file);
            Bundle { fixed: bundle.fixed.or_else(|| fixed.clone()), ..bundle }
        });
        let all: Vec<Bundle<'_>> = std::iter::once(own).chain(files).collect();
        self.store(Kind::TlsSecret, &secret.meta, &all)
    }

    fn holder(&self, kind: Kind, holder: &CertificateHolder) -> Option<Store> {
        let bundles: Vec<Bundle<'_>> = holder.files.iter().map(of_file).collect();
        self.store(kind, &holder.meta, &bundles)
    }

    fn calls(&self, kind: Kind, bundle: &TrustBundle) -> Option<Store> {
        let injected = bundle.injected_from().is_some() || bundle.injected_from_secret().is_some();
        let fixed = injected.then(|| "cert-manager's CA injector keeps it".to_owned());
        let entries: Vec<Bundle<'_>> = bundle
            .entries
            .iter()
            .filter_map(|entry| entry.authorities.as_ref()?.as_ref().ok())
            .map(|authorities| Bundle { trusted: authorities.iter().collect(), fixed: fixed.clone() })
            .collect();
        let store = self.store(kind, &bundle.meta, &entries)?;
        // The injector adds the CA that it finds to what is there, and takes nothing out of it before that has ended.
        let stays = store.stays.clone().filter(|_| !injected);
        Some(Store { stays, ..store })
    }
}

/// One data key.
fn of_file(file: &HeldFile) -> Bundle<'_> {
    let form =
        (file.format != Format::Pem).then(|| format!("{} is a {}", text::sanitize(&file.key), file.format.word()));
    let mixed = || (!file.own.is_empty()).then(|| format!("in {} a key stands beside", text::sanitize(&file.key)));
    let fault = || file.fault.as_ref().map(|fault| format!("{}: {}", text::sanitize(&file.key), fault.said));
    Bundle { trusted: file.trusted.iter().collect(), fixed: form.or_else(mixed).or_else(fault) }
}
