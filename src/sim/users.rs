//! Who may talk to the API: three users, their tokens and their kubeconfigs.
//!
//! What each may do is in `review`.

use std::fmt;

/// A user of the simulated cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum User {
    /// May do everything.
    Admin,
    /// Reads everything; works with snapshots, claims, ConfigMaps, Leases and exec.
    Sre,
    /// Reads everything but Secrets.
    Auditor,
}

impl User {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Admin, Self::Sre, Self::Auditor];

    /// The user name, as access reviews and messages show it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Sre => "sre",
            Self::Auditor => "auditor",
        }
    }

    /// The bearer token.
    pub fn token(self) -> String {
        format!("{}-token", self.name())
    }

    pub(crate) fn groups(self) -> &'static [&'static str] {
        match self {
            Self::Admin => &["system:masters", "system:authenticated"],
            Self::Sre | Self::Auditor => &["system:authenticated"],
        }
    }

    /// The user behind an `Authorization` header.
    pub(crate) fn of_header(header: Option<&str>) -> Option<Self> {
        let token = header?.strip_prefix("Bearer ")?;
        Self::ALL.into_iter().find(|user| user.token() == token)
    }

    fn context(self) -> &'static str {
        match self {
            Self::Admin => "demo-admin",
            Self::Sre => "demo",
            Self::Auditor => "demo-auditor",
        }
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A kubeconfig with a context per user (`demo`, `demo-admin`, `demo-auditor`), `current` chosen.
pub(crate) fn kubeconfig(url: &str, current: User) -> String {
    let mut yaml = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: {}\nclusters:\n- name: demo\n  cluster:\n    server: {url}\nusers:\n",
        current.context()
    );
    for user in User::ALL {
        yaml.push_str("- name: ");
        yaml.push_str(user.name());
        yaml.push_str("\n  user:\n    token: ");
        yaml.push_str(&user.token());
        yaml.push('\n');
    }
    yaml.push_str("contexts:\n");
    for user in User::ALL {
        yaml.push_str("- name: ");
        yaml.push_str(user.context());
        yaml.push_str("\n  context:\n    cluster: demo\n    namespace: shop\n    user: ");
        yaml.push_str(user.name());
        yaml.push('\n');
    }
    yaml
}
