//! What a path means.
//!
//! `/api/v1/…` and `/apis/GROUP/VERSION/…`, with or without `namespaces/NS/`, a name and a
//! subresource. Resources are looked up in the kinds the cluster serves, so an absent CRD is a 404.

use super::query::decode;
use crate::sim::kinds::{Kind, Kinds};

/// A path, understood.
#[derive(Debug)]
pub(crate) enum Route {
    /// `/livez`, `/readyz`, `/healthz`.
    Health,
    Version,
    /// `/api`.
    CoreVersions,
    /// `/apis`.
    Groups,
    /// `/apis/GROUP`.
    Group(String),
    /// `/api/v1` or `/apis/GROUP/VERSION`.
    Resources {
        group: String,
        version: String,
    },
    Resource(Target),
    /// `/openapi/v3`.
    OpenApi,
    /// `/openapi/v3/…`.
    OpenApiOf(String),
    Nothing,
}

/// A resource path.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub kind: &'static Kind,
    /// Empty for cluster scope, and for a list over all namespaces.
    pub namespace: String,
    /// Empty for a collection.
    pub name: String,
    /// Empty for the object itself.
    pub subresource: String,
}

impl Route {
    pub fn parse(path: &str, kinds: &Kinds) -> Self {
        let parts: Vec<String> =
            path.split('/').filter(|part| !part.is_empty()).map(|part| decode(part, false)).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["livez" | "readyz" | "healthz", ..] => Self::Health,
            ["version"] => Self::Version,
            ["openapi", "v3"] => Self::OpenApi,
            ["openapi", "v3", rest @ ..] => Self::OpenApiOf(rest.join("/")),
            ["api"] => Self::CoreVersions,
            ["apis"] => Self::Groups,
            ["api", version] => Self::Resources { group: String::new(), version: (*version).to_owned() },
            ["apis", group] => Self::Group((*group).to_owned()),
            ["apis", group, version] => Self::Resources { group: (*group).to_owned(), version: (*version).to_owned() },
            ["api", version, rest @ ..] => Self::resource(kinds, "", version, rest),
            ["apis", group, version, rest @ ..] => Self::resource(kinds, group, version, rest),
            _ => Self::Nothing,
        }
    }

    fn resource(kinds: &Kinds, group: &str, version: &str, rest: &[&str]) -> Self {
        let find = |plural: &str| kinds.served(group, version, plural);
        // `namespaces/NAME/status` is a namespace; `namespaces/NAME/PLURAL` is what is in it.
        let (namespace, rest) = match rest {
            ["namespaces", namespace, plural, more @ ..] if !["status", "finalize"].contains(plural) => {
                (*namespace, [&[*plural], more].concat())
            }
            _ => ("", rest.to_vec()),
        };
        let Some(kind) = rest.first().and_then(|plural| find(plural)) else {
            return Self::Nothing;
        };
        if !namespace.is_empty() && !kind.namespaced {
            return Self::Nothing;
        }
        let part = |at: usize| rest.get(at).copied().unwrap_or_default().to_owned();
        // A name belongs to a namespace.
        if rest.len() > 3 || (kind.namespaced && namespace.is_empty() && rest.len() > 1) {
            return Self::Nothing;
        }
        Self::Resource(Target { kind, namespace: namespace.to_owned(), name: part(1), subresource: part(2) })
    }
}

#[cfg(test)]
mod tests {
    use super::{Kinds, Route};

    fn target(path: &str) -> Option<(String, String, String, String)> {
        match Route::parse(path, &Kinds::without(&["velero.io".to_owned()])) {
            Route::Resource(at) => Some((at.kind.plural.to_owned(), at.namespace, at.name, at.subresource)),
            _ => None,
        }
    }

    #[test]
    fn resource_paths_are_read() {
        let is = |a: &str, b: &str, c: &str, d: &str| Some((a.to_owned(), b.to_owned(), c.to_owned(), d.to_owned()));
        assert_eq!(target("/api/v1/pods"), is("pods", "", "", ""));
        assert_eq!(target("/api/v1/namespaces/shop"), is("namespaces", "", "shop", ""));
        assert_eq!(target("/api/v1/namespaces/shop/status"), is("namespaces", "", "shop", "status"));
        assert_eq!(target("/api/v1/namespaces/shop/pods/a/exec"), is("pods", "shop", "a", "exec"));
        assert_eq!(target("/apis/apps/v1/namespaces/s/statefulsets/db/scale"), is("statefulsets", "s", "db", "scale"));
    }

    #[test]
    fn paths_that_are_no_resource_are_nothing() {
        for path in
            ["/api/v1/pods/a", "/api/v1/namespaces/s/nodes", "/apis/velero.io/v1/backups", "/api/v1/gadgets", "/x"]
        {
            assert_eq!(target(path), None, "{path}");
        }
    }
}
