//! What other NetworkPolicies let through. They add up (Kubernetes, concepts of network policies: "the union of what
//! those policies allow"): one that denies takes nothing away from one that allows.

use serde_json::Value;

use super::selector;
use crate::plan::read::{items, name, text};
use crate::text;

/// What a policy lets in and out, each in words; nothing where it only denies.
pub(super) fn lets_through(policy: &Value) -> Vec<String> {
    let types: Vec<&str> = items(policy, "/spec/policyTypes").iter().filter_map(Value::as_str).collect();
    // Left out, a policy is of ingress, and of egress as well when it has rules for it.
    let of = |kind: &str| if types.is_empty() { kind == "Ingress" } else { types.contains(&kind) };
    let (inward, outward) = (items(policy, "/spec/ingress"), items(policy, "/spec/egress"));
    let mut said = Vec::new();
    if of("Ingress") {
        said.extend(inward.iter().map(|rule| format!("in from {}", peers(rule, "/from"))));
    }
    if of("Egress") || (types.is_empty() && !outward.is_empty()) {
        said.extend(outward.iter().map(|rule| format!("out to {}", peers(rule, "/to"))));
    }
    said
}

/// A policy with what it lets through, in one line.
pub(super) fn said(policy: &Value, through: &[String]) -> String {
    format!("NetworkPolicy {} lets through: {}", text::sanitize(name(policy)), through.join("; "))
}

fn peers(rule: &Value, field: &str) -> String {
    let whom: Vec<String> = items(rule, field).iter().map(peer).collect();
    let whom = if whom.is_empty() { "anybody".to_owned() } else { whom.join(" or ") };
    let ports: Vec<String> = items(rule, "/ports").iter().map(port).collect();
    if ports.is_empty() { whom } else { format!("{whom} at {}", ports.join(", ")) }
}

fn peer(peer: &Value) -> String {
    if let Some(block) = peer.pointer("/ipBlock/cidr").and_then(Value::as_str) {
        let but: Vec<&str> = items(peer, "/ipBlock/except").iter().filter_map(Value::as_str).collect();
        let but = if but.is_empty() { String::new() } else { format!(" but {}", but.join(", ")) };
        return text::sanitize(&format!("{block}{but}")).into_owned();
    }
    let all = |selector: &Value, whole: &str, some: &str| {
        if selector::everything(selector) { whole.to_owned() } else { format!("{some} {}", selector::said(selector)) }
    };
    let pods = peer.get("podSelector").map_or_else(|| "all pods".to_owned(), |pods| all(pods, "all pods", "pods"));
    match peer.get("namespaceSelector") {
        Some(spaces) => format!("{pods} of {}", all(spaces, "all namespaces", "namespaces")),
        None => format!("{pods} of this namespace"),
    }
}

fn port(port: &Value) -> String {
    let protocol = Some(text(port, "/protocol")).filter(|it| !it.is_empty()).unwrap_or("TCP");
    let number = match &port["port"] {
        Value::Null => "any port".to_owned(),
        Value::String(name) => text::sanitize(name).into_owned(),
        number => number.to_string(),
    };
    let end = port["endPort"].as_u64().map(|end| format!("-{end}")).unwrap_or_default();
    format!("{protocol} {number}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case::denies_both(json!({ "policyTypes": ["Ingress", "Egress"] }), &[])]
    #[case::denies_by_default(json!({ "podSelector": {} }), &[])]
    #[case::rules_of_another_type(json!({ "policyTypes": ["Ingress"], "egress": [{}] }), &[])]
    #[case::anybody(json!({ "policyTypes": ["Ingress"], "ingress": [{}] }), &["in from anybody"])]
    #[case::some(
        json!({
            "ingress": [{
                "from": [
                    { "podSelector": { "matchLabels": { "app": "web" } } },
                    { "namespaceSelector": {} },
                    { "namespaceSelector": { "matchLabels": { "team": "ops" } }, "podSelector": {} },
                    { "ipBlock": { "cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"] } },
                ],
                "ports": [{ "port": 5432 }, { "protocol": "UDP", "port": 1000, "endPort": 2000 }, { "port": "web" }],
            }],
        }),
        &["in from pods app=web of this namespace or all pods of all namespaces or all pods of namespaces team=ops or \
           10.0.0.0/8 but 10.1.0.0/16 at TCP 5432, UDP 1000-2000, TCP web"]
    )]
    #[case::outward(json!({ "egress": [{ "ports": [{ "protocol": "UDP" }] }] }), &["out to anybody at UDP any port"])]
    fn what_is_let_through_is_said(#[case] spec: Value, #[case] through: &[&str]) {
        assert_eq!(lets_through(&json!({ "metadata": { "name": "p" }, "spec": spec })), through);
    }
}
