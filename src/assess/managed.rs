//! Who keeps an object as it is written down elsewhere, and takes back what others change in it.

use crate::model::Meta;
use crate::text;

/// Labels that say it, and of whom.
const MARKS: &[(&str, &str)] = &[
    ("argocd.argoproj.io/instance", "Argo CD"),
    ("kustomize.toolkit.fluxcd.io/name", "Flux"),
    ("helm.toolkit.fluxcd.io/name", "Flux"),
    ("reconcile.external-secrets.io/managed", "External Secrets"),
    ("trust.cert-manager.io/bundle", "trust-manager"),
];

/// Who keeps it, by its marks; safe to draw.
pub fn manager(meta: &Meta) -> Option<String> {
    if let Some(owner) = meta.controller() {
        return Some(text::sanitize(&format!("{} {}", owner.kind, owner.name)).into_owned());
    }
    if let Some(manager) = meta.label("app.kubernetes.io/managed-by").filter(|manager| *manager != "holdfast") {
        return Some(text::sanitize(manager).into_owned());
    }
    MARKS.iter().find(|(key, _)| meta.label(key).is_some()).map(|(_, manager)| (*manager).to_owned())
}
