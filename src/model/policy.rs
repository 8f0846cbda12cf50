//! How much data may be lost: the recovery point objective of each volume.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::{Meta, annotation};
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
    pub labels: std::collections::BTreeMap<String, String>,
    /// The objective: a duration such as `4h`, or `none`.
    pub rpo: String,
}

/// Recovery point objectives: a claim's annotation first, then the first matching rule, then the default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policies {
    /// For claims that no rule matches; left out means that they have no policy.
    #[serde(default)]
    pub default_rpo: Option<String>,
    /// Rules, the first that matches wins.
    #[serde(default)]
    pub rules: Vec<PolicyRule>,
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
    /// The objective for a claim, and which of the three places said it.
    pub fn rpo(&self, claim: &Meta) -> (Rpo, &'static str) {
        if let Some(text) = claim.annotation(annotation::RPO) {
            return (Rpo::parse(text), "annotation");
        }
        if let Some(rule) = self.rules.iter().find(|rule| rule.matches(claim)) {
            return (Rpo::parse(&rule.rpo), "policy");
        }
        self.default_rpo.as_deref().map_or((Rpo::NoPolicy, "default"), |text| (Rpo::parse(text), "default"))
    }
}

impl PolicyRule {
    fn matches(&self, claim: &Meta) -> bool {
        let namespace = match self.namespace.as_deref() {
            None => true,
            Some(pattern) => match pattern.strip_suffix('*') {
                Some(prefix) => claim.namespace().starts_with(prefix),
                None => claim.namespace() == pattern,
            },
        };
        namespace && self.labels.iter().all(|(key, value)| claim.label(key) == Some(value))
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
        let policies = Policies { default_rpo: Some("24h".into()), rules: vec![rule] };
        let hours = |h| Rpo::Within(SignedDuration::from_hours(h));
        assert_eq!(policies.rpo(&claim("shop-eu", Some("15m"))).0, Rpo::Within(SignedDuration::from_mins(15)));
        assert_eq!(policies.rpo(&claim("shop-eu", None)), (hours(1), "policy"));
        assert_eq!(policies.rpo(&claim("batch", None)), (hours(24), "default"));
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
