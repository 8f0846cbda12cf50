//! What a verb has to ask the cluster before it can plan, and what came back.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ObjectAt, Resource};
use crate::text;

/// "May I …?", for a SelfSubjectAccessReview.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccessQuestion {
    /// The RBAC verb.
    pub verb: &'static str,
    /// API group.
    pub group: String,
    /// Resource, plural.
    pub resource: String,
    /// Subresource, such as `scale`; empty for the object itself.
    pub subresource: &'static str,
    /// Namespace; `None` for cluster-scoped resources.
    pub namespace: Option<String>,
}

impl AccessQuestion {
    /// "May I do this to objects of this resource?"
    pub fn new(verb: &'static str, resource: &Resource, namespace: Option<&str>) -> Self {
        Self {
            verb,
            group: resource.group.clone(),
            resource: resource.plural.clone(),
            subresource: "",
            namespace: namespace.map(str::to_owned),
        }
    }

    /// What keeping the record of an operation in a namespace takes.
    pub fn record(namespace: Option<&str>) -> [Self; 3] {
        ["create", "get", "update"].map(|verb| Self::new(verb, &Resource::config_map(), namespace))
    }

    /// The same of a subresource.
    #[must_use]
    pub fn of(self, subresource: &'static str) -> Self {
        Self { subresource, ..self }
    }
}

impl fmt::Display for AccessQuestion {
    /// `create volumesnapshots.snapshot.storage.k8s.io in shop`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        if !self.subresource.is_empty() {
            write!(f, "/{}", self.subresource)?;
        }
        match &self.namespace {
            Some(namespace) => write!(f, " in {namespace}"),
            None => Ok(()),
        }
    }
}

/// All objects of a resource in a place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ListAt {
    /// Of which resource.
    pub resource: Resource,
    /// In which namespace; `None` for cluster-scoped resources, or for all namespaces.
    pub namespace: Option<String>,
    /// Labels that they carry: `key=value,…`; empty for all.
    pub selector: String,
}

impl ListAt {
    /// All objects of a resource in a place.
    pub fn all(resource: Resource, namespace: Option<&str>) -> Self {
        Self { resource, namespace: namespace.map(str::to_owned), selector: String::new() }
    }

    /// All ResourceQuotas of a namespace.
    pub fn quotas(namespace: &str) -> Self {
        let resource = Resource {
            group: String::new(),
            version: "v1".into(),
            plural: "resourcequotas".into(),
            kind: "ResourceQuota".into(),
        };
        Self { resource, namespace: Some(namespace.to_owned()), selector: String::new() }
    }
}

/// What a verb asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Questions {
    /// Full objects, read afresh.
    pub objects: Vec<ObjectAt>,
    /// Rights.
    pub access: Vec<AccessQuestion>,
    /// Lists of full objects, read afresh. A kind that is not served has none.
    pub lists: Vec<ListAt>,
}

/// What came back. A question that got no answer carries the reason instead.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// Objects; `Ok(None)` means that there is none.
    pub objects: BTreeMap<ObjectAt, Result<Option<Value>, String>>,
    /// Rights: allowed, or the server's reason.
    pub access: BTreeMap<AccessQuestion, Result<bool, String>>,
    /// Lists.
    pub lists: BTreeMap<ListAt, Result<Vec<Value>, String>>,
    /// Who the API server says we are.
    pub who: String,
    /// Where this console keeps what goes with an operation: `MACHINE:DIRECTORY`.
    pub keeps: String,
}

impl Answers {
    /// Whether every right that was asked for is there.
    ///
    /// # Errors
    /// When one is missing, and when one could not be asked for: why, and what would clear it.
    pub fn rights(&self) -> Result<(), (String, String)> {
        self.rights_but(|_| false)
    }

    /// The same without those that are not needed in any case.
    ///
    /// # Errors
    /// As [`Self::rights`].
    pub fn rights_but(&self, spare: impl Fn(&AccessQuestion) -> bool) -> Result<(), (String, String)> {
        let needed = || self.access.iter().filter(|(question, _)| !spare(question));
        let unanswered = needed().find_map(|(question, answer)| Some((question, answer.as_ref().err()?)));
        if let Some((question, why)) = unanswered {
            return Err((format!("whether we may {question} is not known: {why}"), "try again".into()));
        }
        let missing = needed().filter(|(_, answer)| **answer == Ok(false));
        let missing: Vec<String> = missing.map(|(question, _)| question.to_string()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let why = format!("needs the right to {}", text::list(&missing));
        Err((why, format!("ask for a role that may do so; `{}` lacks it", self.who)))
    }

    /// An object as it was read.
    ///
    /// # Errors
    /// When it is gone or could not be read: why, and what would clear it.
    pub fn object(&self, at: &ObjectAt) -> Result<&Value, (String, String)> {
        match self.objects.get(at) {
            Some(Ok(Some(object))) => Ok(object),
            Some(Ok(None)) => Err((format!("{at} is gone"), "look whether that was meant".into())),
            Some(Err(why)) => Err((format!("{at} could not be read: {why}"), "try again".into())),
            None => Err((format!("{at} was not read"), "try again".into())),
        }
    }
}

impl Questions {
    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.access.is_empty() && self.lists.is_empty()
    }

    /// These and others.
    #[must_use]
    pub fn and(mut self, others: Questions) -> Self {
        self.objects.extend(others.objects);
        self.access.extend(others.access);
        self.lists.extend(others.lists);
        self
    }

    /// What is not answered yet.
    #[must_use]
    pub fn without(mut self, known: &Answers) -> Self {
        self.objects.retain(|at| !known.objects.contains_key(at));
        self.access.retain(|question| !known.access.contains_key(question));
        self.lists.retain(|at| !known.lists.contains_key(at));
        self
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
