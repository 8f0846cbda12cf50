//! Who may talk to the API: five users, their tokens and their kubeconfigs; and service accounts.
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
    /// A second one who may do the same.
    Colleague,
    /// Reads everything but Secrets.
    Auditor,
    /// Reads what the auditor does, in each namespace but not in all at once, and nothing that has no namespace.
    Tenant,
}

impl User {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Admin, Self::Sre, Self::Colleague, Self::Auditor, Self::Tenant];

    /// The user name, as access reviews and messages show it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Sre => "sre",
            Self::Colleague => "colleague",
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
            Self::Sre | Self::Colleague | Self::Auditor | Self::Tenant => &["system:authenticated"],
        }
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
            Self::Colleague => "demo-colleague",
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

/// What the tokens of service accounts end with.
const OF_ACCOUNT: &str = ".account-token";

/// Who sends a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// One of the five, with the rules of `review`.
    Person(User),
    /// A service account, which may do what is bound to it.
    Account { namespace: String, name: String },
}

impl Caller {
    /// The caller behind an `Authorization` header; without one, the user the path began with.
    pub fn of_request(header: Option<&str>, prefix: Option<User>) -> Option<Self> {
        let Some(header) = header else { return prefix.map(Self::Person) };
        let token = header.strip_prefix("Bearer ")?;
        let person = User::ALL.into_iter().find(|user| user.token() == token).map(Self::Person);
        person.or_else(|| {
            let (namespace, name) = token.strip_suffix(OF_ACCOUNT)?.split_once('.')?;
            Some(Self::Account { namespace: namespace.to_owned(), name: name.to_owned() })
        })
    }

    /// What is answered to a `TokenRequest` for a service account.
    pub fn token_of(namespace: &str, name: &str) -> String {
        format!("{namespace}.{name}{OF_ACCOUNT}")
    }

    pub fn groups(&self) -> Vec<String> {
        let groups = |groups: &[&str]| groups.iter().map(ToString::to_string).collect();
        match self {
            Self::Person(user) => groups(user.groups()),
            Self::Account { namespace, .. } => groups(&[
                "system:serviceaccounts",
                &format!("system:serviceaccounts:{namespace}"),
                "system:authenticated",
            ]),
        }
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(user) => user.fmt(f),
            Self::Account { namespace, name } => write!(f, "system:serviceaccount:{namespace}:{name}"),
        }
    }
}

/// A kubeconfig with a context per user (`demo`, `demo-admin`, `demo-colleague`, `demo-auditor`, `demo-tenant`), `current` chosen.
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
