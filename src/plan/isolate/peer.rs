//! Who may still reach a workload that is contained.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

use crate::plan::labels;
use crate::text::names;

/// The label that every namespace has with its name (since Kubernetes 1.22).
const NAME: &str = "kubernetes.io/metadata.name";
/// How a namespace is written.
const NAMESPACE: &str = "namespace";

/// Pods with these labels, of one namespace or of the workload's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    namespace: Option<String>,
    labels: BTreeMap<String, String>,
}

impl Peer {
    /// Reads `app=web,tier=front`, `namespace=ops`, or both: `namespace=ops,app=probe`.
    ///
    /// # Errors
    /// When it is none of these, or would be everybody.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut labels = labels(text)?;
        let namespace = labels.remove(NAMESPACE);
        if let Some(namespace) = &namespace {
            names::validate_namespace(namespace).map_err(|error| error.to_string())?;
        } else if labels.is_empty() {
            return Err("write labels such as app=web, or namespace=NAME".to_owned());
        }
        Ok(Self { namespace, labels })
    }

    /// As a NetworkPolicyPeer.
    pub(super) fn manifest(&self) -> Value {
        let mut peer = json!({});
        if let Some(namespace) = &self.namespace {
            peer["namespaceSelector"] = json!({ "matchLabels": { NAME: namespace } });
        }
        if !self.labels.is_empty() {
            peer["podSelector"] = json!({ "matchLabels": self.labels });
        }
        peer
    }

    /// For people.
    pub(super) fn said(&self) -> String {
        let labels: Vec<String> = self.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let pods = if labels.is_empty() { "all pods".to_owned() } else { format!("pods {}", labels.join(",")) };
        match &self.namespace {
            Some(namespace) => format!("{pods} of namespace {namespace}"),
            None => format!("{pods} of this namespace"),
        }
    }
}

impl fmt::Display for Peer {
    /// As it is read back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let namespace = self.namespace.iter().map(|namespace| format!("{NAMESPACE}={namespace}"));
        let labels = self.labels.iter().map(|(key, value)| format!("{key}={value}"));
        f.write_str(&namespace.chain(labels).collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("app=web", json!({ "podSelector": { "matchLabels": { "app": "web" } } }), "pods app=web of this namespace")]
    #[case("namespace=ops", json!({ "namespaceSelector": { "matchLabels": { NAME: "ops" } } }), "all pods of namespace ops")]
    #[case(
        "namespace=ops,app=probe",
        json!({
            "namespaceSelector": { "matchLabels": { NAME: "ops" } }, "podSelector": { "matchLabels": { "app": "probe" } },
        }),
        "pods app=probe of namespace ops"
    )]
    fn who_may_come_in_is_read_and_written(#[case] text: &str, #[case] manifest: Value, #[case] said: &str) {
        let peer = Peer::parse(text).unwrap();
        assert_eq!((peer.manifest(), peer.said().as_str(), peer.to_string().as_str()), (manifest, said, text));
    }

    #[rstest]
    #[case("")]
    #[case("web")]
    #[case("namespace=Ops")]
    #[case("app=web,app=db")]
    fn what_would_be_everybody_or_nothing_is_refused(#[case] text: &str) {
        assert!(Peer::parse(text).is_err(), "{text}");
    }
}
