//! Who may talk to the API: four users, their tokens and their kubeconfigs.
//!
//! What each may do is in `review`.

use std::fmt;

/// A user of the simulated cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum User {
    /// May do everything.
    Admin,
    /// Reads everything; works with snapshots, claims, volumes, pods, `ConfigMaps`, Leases and exec; scales and restarts
    /// workloads; asks for certificates.
    Sre,
    /// Reads everything but Secrets.
    Auditor,
    /// Reads what the auditor does, in each namespace but not in all at once, and nothing that has no namespace.
    Tenant,
}

impl User {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Admin, Self::Sre, Self::Auditor, Self::Tenant];

    /// The user name, as access reviews and messages show it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Sre => "sre",
            Self::Auditor => "auditor",
            Self::Tenant => "tenant",
        }
    }

    /// The bearer token.
    pub fn token(self) -> String {
        format!("{}-token", self.name())
    }

    pub(crate) fn groups(self) -> &'static [&'static str] {
        match self {
            Self::Admin => &["system:masters", "system:authenticated"],
            Self::Sre | Self::Auditor | Self::Tenant => &["system:authenticated"],
        }
    }

    /// The user behind an `Authorization` header; without one, the user the path began with.
    pub(crate) fn of_request(header: Option<&str>, prefix: Option<Self>) -> Option<Self> {
        let Some(header) = header else { return prefix };
        let token = header.strip_prefix("Bearer ")?;
        Self::ALL.into_iter().find(|user| user.token() == token)
    }

    /// Splits `/as/USER` from a path.
    ///
    /// client-go sends no credentials over plain HTTP (`rest.IsConfigTransportTLS`), so the
    /// kubeconfigs of this cluster say who it is in the server's URL as well.
    pub(crate) fn split_prefix(path: &str) -> (Option<Self>, &str) {
        let Some((name, rest)) =
            path.strip_prefix("/as/").map(|rest| rest.split_at(rest.find('/').unwrap_or(rest.len())))
        else {
            return (None, path);
        };
        match Self::ALL.into_iter().find(|user| user.name() == name) {
            Some(user) => (Some(user), if rest.is_empty() { "/" } else { rest }),
            None => (None, path),
        }
    }

    fn context(self) -> &'static str {
        match self {
            Self::Admin => "demo-admin",
            Self::Sre => "demo",
            Self::Auditor => "demo-auditor",
            Self::Tenant => "demo-tenant",
        }
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A kubeconfig with a context per user (`demo`, `demo-admin`, `demo-auditor`, `demo-tenant`), `current` chosen.
pub(crate) fn kubeconfig(url: &str, current: User) -> String {
    let each = |entry: fn(&str, User) -> String| User::ALL.into_iter().map(|user| entry(url, user)).collect::<String>();
    let clusters = each(|url, user| format!("- name: {}\n  cluster:\n    server: {url}/as/{user}\n", user.context()));
    let users = each(|_, user| format!("- name: {user}\n  user:\n    token: {}\n", user.token()));
    let contexts = each(|_, user| {
        format!("- name: {0}\n  context:\n    cluster: {0}\n    namespace: shop\n    user: {user}\n", user.context())
    });
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: {}\nclusters:\n{clusters}users:\n{users}contexts:\n{contexts}",
        current.context()
    )
}
