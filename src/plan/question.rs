//! What a verb has to ask the cluster before it can plan, and what came back.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::ObjectAt;

/// "May I …?", for a SelfSubjectAccessReview.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccessQuestion {
    /// The RBAC verb.
    pub verb: &'static str,
    /// API group.
    pub group: String,
    /// Resource, plural.
    pub resource: String,
    /// Namespace; `None` for cluster-scoped resources.
    pub namespace: Option<String>,
}

impl fmt::Display for AccessQuestion {
    /// `create volumesnapshots.snapshot.storage.k8s.io in shop`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        match &self.namespace {
            Some(namespace) => write!(f, " in {namespace}"),
            None => Ok(()),
        }
    }
}

/// What a verb asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Questions {
    /// Full objects, read afresh.
    pub objects: Vec<ObjectAt>,
    /// Rights.
    pub access: Vec<AccessQuestion>,
    /// Namespace whose ResourceQuotas matter.
    pub quotas: Option<String>,
}

/// What came back. A question that got no answer carries the reason instead.
#[derive(Clone, Debug)]
pub struct Answers {
    /// Objects; `Ok(None)` means that there is none.
    pub objects: BTreeMap<ObjectAt, Result<Option<Value>, String>>,
    /// Rights: allowed, or the server's reason.
    pub access: BTreeMap<AccessQuestion, Result<bool, String>>,
    /// ResourceQuotas of the namespace.
    pub quotas: Result<Vec<Value>, String>,
    /// Who the API server says we are.
    pub who: String,
}

impl Default for Answers {
    /// Nothing was asked, so nothing is known.
    fn default() -> Self {
        Self {
            objects: BTreeMap::new(),
            access: BTreeMap::new(),
            quotas: Err("not read".to_owned()),
            who: String::new(),
        }
    }
}

/// What the API server said of the plan's writes when asked to try them without doing them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DryRun {
    /// It would accept them.
    Accepted,
    /// It would refuse them, and why.
    Refused(String),
    /// Not asked, and why.
    NotChecked(String),
}
