//! Rights as manifests: roles of RBAC with a comment for each rule, and bindings for those who are named.
//!
//! Says only what the table in `plan` says. Names of people are quoted; names of objects are checked by who asks.

use std::fmt::Write;

use crate::plan::rights::{Feature, Reach, Rule, needed, reading, without};

/// No line of a rule is longer, as far as it can be broken.
const WIDTH: usize = 118;
const API: &str = "rbac.authorization.k8s.io";

/// Whose rights are printed, for what, and where they hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// For what beside looking; empty for looking alone.
    pub features: Vec<Feature>,
    /// Secrets are looked at, too.
    pub secrets: bool,
    /// Roles in these namespaces, for what is in namespaces; empty for all of them.
    pub namespaces: Vec<String>,
    /// Name of all objects; left out, `holdfast-read-only` or `holdfast-operator`.
    pub name: Option<String>,
    /// Who they are bound to.
    pub subjects: Vec<Subject>,
}

/// Who rights are bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A user, as the API server calls it.
    User(String),
    /// A group.
    Group(String),
    /// A service account: namespace and name.
    Account(String, String),
}

/// Everything as one YAML stream.
pub fn manifests(wanted: &Wanted) -> String {
    let roles = roles(wanted);
    let bindings = roles.iter().filter(|_| !wanted.subjects.is_empty()).map(|role| role.binding(&wanted.subjects));
    let documents: Vec<String> = roles.iter().map(Role::text).chain(bindings).collect();
    format!("{}{}", head(wanted), documents.join("---\n"))
}

/// One role with its rules.
struct Role<'a> {
    name: &'a str,
    namespace: Option<&'a str>,
    rules: Vec<Rule>,
}

fn roles<'a>(wanted: &'a Wanted) -> Vec<Role<'a>> {
    let own = if wanted.features.is_empty() { "holdfast-read-only" } else { "holdfast-operator" };
    let name = wanted.name.as_deref().unwrap_or(own);
    let split = !wanted.namespaces.is_empty();
    // In one role for the whole cluster every rule holds everywhere.
    let placed = |rule: Rule| Rule { reach: if split { rule.reach } else { Reach::Everywhere }, ..rule };
    let looking: Vec<Rule> = reading(wanted.secrets).into_iter().map(placed).collect();
    let more: Vec<Rule> = needed(&wanted.features).into_iter().map(placed).collect();
    let rules = merged(looking.iter().cloned().chain(without(&more, &looking)));
    let (inside, outside): (Vec<Rule>, Vec<Rule>) = rules.into_iter().partition(|rule| rule.reach == Reach::Namespace);
    let within = |namespace: &'a String| Role { name, namespace: Some(namespace), rules: inside.clone() };
    std::iter::once(Role { name, namespace: None, rules: outside })
        .chain(wanted.namespaces.iter().map(within))
        .collect()
}

/// Rules that differ in their resources alone as one.
fn merged(rules: impl Iterator<Item = Rule>) -> Vec<Rule> {
    let mut all: Vec<Rule> = Vec::new();
    for rule in rules {
        let alike = |other: &&mut Rule| {
            (other.group, &other.verbs, other.reach, &other.why) == (rule.group, &rule.verbs, rule.reach, &rule.why)
        };
        match all.iter_mut().find(alike) {
            Some(other) => other.resources.extend(rule.resources),
            None => all.push(rule),
        }
    }
    all
}

impl Role<'_> {
    fn kind(&self) -> &'static str {
        if self.namespace.is_some() { "Role" } else { "ClusterRole" }
    }

    fn meta(&self) -> String {
        match self.namespace {
            Some(namespace) => format!("{{name: {}, namespace: {namespace}}}", self.name),
            None => format!("{{name: {}}}", self.name),
        }
    }

    fn text(&self) -> String {
        let mut text = format!("apiVersion: {API}/v1\nkind: {}\nmetadata: {}\nrules:\n", self.kind(), self.meta());
        for rule in &self.rules {
            text.push_str(&said(rule));
        }
        text
    }

    fn binding(&self, subjects: &[Subject]) -> String {
        let kind = format!("{}Binding", self.kind());
        let role = format!("{{apiGroup: {API}, kind: {}, name: {}}}", self.kind(), self.name);
        let mut text =
            format!("apiVersion: {API}/v1\nkind: {kind}\nmetadata: {}\nroleRef: {role}\nsubjects:\n", self.meta());
        for subject in subjects {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "- {}", subject.text());
        }
        text
    }
}

impl Subject {
    fn text(&self) -> String {
        // A string of JSON is one of YAML.
        let quoted = |name: &str| serde_json::Value::from(name).to_string();
        match self {
            Self::User(name) => format!("{{apiGroup: {API}, kind: User, name: {}}}", quoted(name)),
            Self::Group(name) => format!("{{apiGroup: {API}, kind: Group, name: {}}}", quoted(name)),
            Self::Account(namespace, name) => {
                format!("{{kind: ServiceAccount, namespace: {namespace}, name: {name}}}")
            }
        }
    }
}

fn said(rule: &Rule) -> String {
    let group = if rule.group.is_empty() { "\"\"" } else { rule.group };
    let list = |label: &str, items: &[&str]| wrapped(&format!("  {label}: ["), items, ", ", "]", "    ");
    format!(
        "{}- apiGroups: [{group}]\n{}{}",
        comment(&rule.why),
        list("resources", &rule.resources),
        list("verbs", &rule.verbs)
    )
}

/// A comment, broken where lines grow too long.
fn comment(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    wrapped("# ", &words, " ", "", "# ")
}

/// Items on as few lines as they fit on.
fn wrapped(begin: &str, items: &[&str], between: &str, end: &str, indent: &str) -> String {
    let (mut text, mut line) = (String::new(), begin.to_owned());
    for (place, item) in items.iter().enumerate() {
        let item = if place + 1 == items.len() { format!("{item}{end}") } else { format!("{item}{between}") };
        if line.len() + item.trim_end().len() > WIDTH && line.len() > indent.len() {
            text.push_str(line.trim_end());
            text.push('\n');
            indent.clone_into(&mut line);
        }
        line.push_str(&item);
    }
    text + &line + "\n"
}

fn head(wanted: &Wanted) -> String {
    let for_what: Vec<&str> = Feature::closure(&wanted.features).into_iter().map(Feature::name).collect();
    let mut said = match for_what.as_slice() {
        [] => vec!["What Holdfast reads, and no more.".to_owned()],
        named => vec![format!("What Holdfast reads, and what it writes for: {}. No more.", named.join(", "))],
    };
    let secrets = needed(&wanted.features).iter().any(|rule| rule.resources.contains(&"secrets"));
    if !wanted.secrets && !secrets {
        said.push(
            "Without Secrets (--with-secrets) these are not seen: keys, chains, names and served certificates of TLS \
             Secrets, keystores and kubeconfigs. Certificates are judged by what cert-manager's objects say of them, \
             such as the certificate in a request."
                .to_owned(),
        );
    }
    if !wanted.namespaces.is_empty() {
        said.push(format!(
            "In namespaces: {}. What has no namespace is in the ClusterRole.",
            wanted.namespaces.join(", ")
        ));
    }
    said.push(
        "Questions about the own rights and what the API serves are everybody's by default (system:basic-user, \
         system:discovery); kinds that the cluster does not serve do no harm here."
            .to_owned(),
    );
    said.iter().map(|line| comment(line)).collect()
}

#[cfg(test)]
mod tests;
