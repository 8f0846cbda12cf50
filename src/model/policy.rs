//! How much data may be lost and what is done about it: the recovery point objective of each volume, and the policy
//! that says when it is backed up and which copies stay.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{Keep, Meta, annotation};
use crate::text::quantity;

/// A recovery point objective and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rpo {
    /// At most this much time between the last good restore point and now.
    Within(SignedDuration),
    /// Opted out on purpose.
    OptedOut,
    /// Nobody said.
    NoPolicy,
    /// What was said cannot be understood: the text.
    Invalid(String),
}

/// One rule of the policy file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyRule {
    /// Namespaces it is for: a name, or a prefix followed by `*`; left out means all.
    #[serde(default)]
    pub namespace: Option<String>,
    /// Labels a claim must carry.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// The objective: a duration such as `4h`, or `none`.
    pub rpo: String,
}

/// One policy of the policy file: which volumes it is for, and what is promised and done for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its name, in reasons and in the journal.
    pub name: String,
    /// Namespaces it is for: names, or prefixes followed by `*`; empty means all.
    pub namespaces: Vec<String>,
    /// Labels a claim must carry.
    pub labels: BTreeMap<String, String>,
    /// The objective: a duration such as `4h`, or `none`.
    pub rpo: Option<String>,
    /// When volumes are backed up, a cron expression.
    pub schedule: Option<String>,
    /// When a restore is tried, a cron expression.
    pub drill: Option<String>,
    /// Image of the pod that reads a restored volume; left out, the one that a drill has anyway.
    pub drill_image: Option<String>,
    /// In which the expressions are meant, and days of retention begin.
    pub zone: TimeZone,
    /// How copies have to be cut: `crash` or `application`.
    pub consistency: Option<String>,
    /// The hooks around the cut, by the word that a backup takes.
    pub hooks: Option<String>,
    /// Which copies stay.
    pub keep: Keep,
    /// So many good copies stay whatever the rules say.
    pub minimum: u32,
    /// More deletions of one volume at once wait for a person.
    pub most: u32,
    /// Snapshot class of backups; left out, the driver's default.
    pub class: Option<String>,
    /// Why, for the journal and the copies.
    pub reason: Option<String>,
}

impl Policy {
    /// How many deletions of one volume at once need a person unless a policy says otherwise.
    pub const MOST: u32 = 10;

    /// A policy of this name that is for every volume and says nothing.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            namespaces: Vec::new(),
            labels: BTreeMap::new(),
            rpo: None,
            schedule: None,
            drill: None,
            drill_image: None,
            zone: TimeZone::UTC,
            consistency: None,
            hooks: None,
            keep: Keep::default(),
            minimum: 1,
            most: Self::MOST,
            class: None,
            reason: None,
        }
    }

    /// Whether it is for a claim.
    pub fn matches(&self, claim: &Meta) -> bool {
        (self.namespaces.is_empty() || self.namespaces.iter().any(|pattern| named(pattern, claim.namespace())))
            && carries(claim, &self.labels)
    }
}

/// Whether a namespace is the one that is named, or begins as is said.
fn named(pattern: &str, namespace: &str) -> bool {
    pattern.strip_suffix('*').map_or(namespace == pattern, |prefix| namespace.starts_with(prefix))
}

fn carries(claim: &Meta, labels: &BTreeMap<String, String>) -> bool {
    labels.iter().all(|(key, value)| claim.label(key) == Some(value))
}

/// Recovery point objectives: a claim's annotation first, then the first policy that matches and has one, then the
/// first matching rule, then the default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policies {
    /// For claims that no rule matches; left out means that they have no policy.
    #[serde(default)]
    pub default_rpo: Option<String>,
    /// Rules, the first that matches wins.
    #[serde(default)]
    pub rules: Vec<PolicyRule>,
    /// The policies of the policy file, the first that matches wins.
    #[serde(skip)]
    pub named: Vec<Policy>,
}

impl Rpo {
    /// Reads an objective: a duration longer than nothing, or `none`.
    pub fn parse(text: &str) -> Self {
        if text.trim() == "none" {
            return Self::OptedOut;
        }
        quantity::parse_duration(text.trim()).map_or_else(|_| Self::Invalid(text.to_owned()), Self::Within)
    }
}

impl Policies {
    /// The policy that is for a claim.
    pub fn policy(&self, claim: &Meta) -> Option<&Policy> {
        self.named.iter().find(|policy| policy.matches(claim))
    }

    /// The objective for a claim, and which of the places said it: annotation, policy or default.
    pub fn rpo(&self, claim: &Meta) -> (Rpo, &'static str) {
        if let Some(text) = claim.annotation(annotation::RPO) {
            return (Rpo::parse(text), "annotation");
        }
        if let Some(rpo) = self.policy(claim).and_then(|policy| policy.rpo.as_deref()) {
            return (Rpo::parse(rpo), "policy");
        }
        if let Some(rule) = self.rules.iter().find(|rule| rule.matches(claim)) {
            return (Rpo::parse(&rule.rpo), "policy");
        }
        self.default_rpo.as_deref().map_or((Rpo::NoPolicy, "default"), |text| (Rpo::parse(text), "default"))
    }
}

impl PolicyRule {
    fn matches(&self, claim: &Meta) -> bool {
        self.namespace.as_deref().is_none_or(|pattern| named(pattern, claim.namespace()))
            && carries(claim, &self.labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(namespace: &str, rpo: Option<&str>) -> Meta {
        let annotations = rpo.map(|rpo| (annotation::RPO, Box::from(rpo))).into_iter().collect();
        Meta { namespace: Some(namespace.into()), annotations, ..Meta::default() }
    }

    #[test]
    fn annotation_wins_over_rule_wins_over_default() {
        let rule = PolicyRule { namespace: Some("shop*".into()), labels: [].into(), rpo: "1h".into() };
        let policies = Policies { default_rpo: Some("24h".into()), rules: vec![rule], ..Policies::default() };
        let hours = |h| Rpo::Within(SignedDuration::from_hours(h));
        assert_eq!(policies.rpo(&claim("shop-eu", Some("15m"))).0, Rpo::Within(SignedDuration::from_mins(15)));
        assert_eq!(policies.rpo(&claim("shop-eu", None)), (hours(1), "policy"));
        assert_eq!(policies.rpo(&claim("batch", None)), (hours(24), "default"));
    }

    #[test]
    fn the_first_policy_that_is_for_a_claim_counts_before_the_rules() {
        let rule = PolicyRule { namespace: None, labels: [].into(), rpo: "1h".into() };
        let policy = |name: &str, namespaces: &[&str], rpo: Option<&str>| Policy {
            namespaces: namespaces.iter().map(ToString::to_string).collect(),
            rpo: rpo.map(str::to_owned),
            ..Policy::new(name)
        };
        let named = vec![
            policy("shops", &["shop", "shop-*"], Some("2h")),
            policy("quiet", &["batch"], None),
            policy("rest", &[], Some("3h")),
        ];
        let policies = Policies { rules: vec![rule], named, ..Policies::default() };
        let says = |namespace: &str| {
            let claim = claim(namespace, None);
            (policies.policy(&claim).map(|policy| policy.name.as_str()), policies.rpo(&claim).0)
        };
        let hours = |h| Rpo::Within(SignedDuration::from_hours(h));
        assert_eq!(says("shop-eu"), (Some("shops"), hours(2)));
        assert_eq!(says("batch"), (Some("quiet"), hours(1)));
        assert_eq!(says("other"), (Some("rest"), hours(3)));
    }

    #[test]
    fn nonsense_is_invalid_and_none_opts_out() {
        let policies = Policies::default();
        assert_eq!(policies.rpo(&claim("a", Some("none"))).0, Rpo::OptedOut);
        assert_eq!(policies.rpo(&claim("a", Some("soon"))).0, Rpo::Invalid("soon".into()));
        assert_eq!(policies.rpo(&claim("a", Some("1d12h"))).0, Rpo::Within(SignedDuration::from_hours(36)));
        assert_eq!(policies.rpo(&claim("a", Some("-4h"))).0, Rpo::Invalid("-4h".into()));
        assert_eq!(policies.rpo(&claim("a", None)).0, Rpo::NoPolicy);
    }
}
