//! Label selectors (equality and set based) and field selectors.
//!
//! Grammar: `k8s.io/apimachinery/pkg/labels` and `/fields`. A field selector on a field the kind
//! does not offer is a 400, as on a real server.

use serde_json::Value;

use super::kinds::Kind;
use super::object::{self, text};
use super::refusal::Refusal;

/// Which objects of a kind a request is about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selector {
    labels: Vec<Label>,
    fields: Vec<Field>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Label {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
}

#[derive(Clone, Debug)]
struct Field {
    pointer: String,
    value: String,
    equal: bool,
}

impl Selector {
    pub fn new(kind: &Kind, labels: &str, fields: &str) -> Result<Self, Refusal> {
        let unreadable = || Refusal::bad_request(format!("unable to parse requirement: {labels}"));
        let labels = split_outside_parentheses(labels).into_iter().map(|part| label(part).ok_or_else(unreadable));
        let fields = fields.split(',').filter(|part| !part.is_empty()).map(|part| field(kind, part));
        Ok(Self { labels: labels.collect::<Result<_, _>>()?, fields: fields.collect::<Result<_, _>>()? })
    }

    pub fn matches(&self, value: &Value) -> bool {
        self.fields.iter().all(|field| (text(value, &field.pointer) == field.value) == field.equal)
            && self.labels.iter().all(|label| label.matches(value))
    }

    /// Whether every object matches.
    pub fn is_open(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }
}

impl Label {
    fn matches(&self, value: &Value) -> bool {
        let has = |key: &str| value.pointer("/metadata/labels").and_then(|labels| labels.get(key)).is_some();
        match self {
            Self::In(key, values) => has(key) && values.iter().any(|one| one == object::label(value, key)),
            // An object without the label is selected too.
            Self::NotIn(key, values) => !has(key) || values.iter().all(|one| one != object::label(value, key)),
            Self::Exists(key) => has(key),
            Self::Missing(key) => !has(key),
        }
    }
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut from) = (Vec::new(), 0_usize, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn label(part: &str) -> Option<Label> {
    let key = |text: &str| {
        let text = text.trim();
        let fine = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
        fine.then(|| text.to_owned())
    };
    if let Some((head, set)) = part.split_once('(') {
        let values = set.strip_suffix(')')?.split(',').map(|value| value.trim().to_owned()).collect();
        return match head.trim().rsplit_once(' ')? {
            (name, "in") => Some(Label::In(key(name)?, values)),
            (name, "notin") => Some(Label::NotIn(key(name)?, values)),
            _ => None,
        };
    }
    if let Some(name) = part.strip_prefix('!') {
        return Some(Label::Missing(key(name)?));
    }
    if let Some((name, value)) = part.split_once("!=") {
        return Some(Label::NotIn(key(name)?, vec![value.trim().to_owned()]));
    }
    match part.split_once("==").or_else(|| part.split_once('=')) {
        Some((name, value)) => Some(Label::In(key(name)?, vec![value.trim().to_owned()])),
        None => Some(Label::Exists(key(part)?)),
    }
}

fn field(kind: &Kind, part: &str) -> Result<Field, Refusal> {
    let (name, value, equal) = if let Some((name, value)) = part.split_once("!=") {
        (name, value, false)
    } else {
        let (name, value) = part
            .split_once("==")
            .or_else(|| part.split_once('='))
            .ok_or_else(|| Refusal::bad_request(format!("invalid selector: '{part}'; can't understand '{part}'")))?;
        (name, value, true)
    };
    if !offered(kind, name) {
        return Err(Refusal::bad_request(format!("field label not supported: {name}")));
    }
    Ok(Field { pointer: format!("/{}", name.replace('.', "/")), value: value.to_owned(), equal })
}

/// Fields one can select by (`AddFieldLabelConversionFunc` of each kind).
fn offered(kind: &Kind, name: &str) -> bool {
    if name == "metadata.name" || (kind.namespaced && name == "metadata.namespace") {
        return true;
    }
    match kind.plural {
        "pods" => ["spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "status.phase", "status.podIP"]
            .contains(&name),
        "secrets" => name == "type",
        "namespaces" => name == "status.phase",
        "nodes" => name == "spec.unschedulable",
        "events" => {
            name.starts_with("involvedObject.") || ["reason", "type", "reportingComponent", "source"].contains(&name)
        }
        "jobs" => name == "status.successful",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Selector;
    use crate::sim::kinds::by_plural;

    fn picks(labels: &str) -> bool {
        let pod = json!({"metadata": {"name": "a", "labels": {"app": "db", "tier": "back"}}});
        Selector::new(by_plural("pods").unwrap(), labels, "").unwrap().matches(&pod)
    }

    #[test]
    fn label_selectors_follow_the_grammar() {
        for yes in [
            "",
            "app=db",
            "app==db",
            "app!=web",
            "app",
            "!gone",
            "app in (web, db),tier",
            "app notin (web)",
            "none notin (x)",
        ] {
            assert!(picks(yes), "{yes}");
        }
        for no in ["app=web", "app!=db", "gone", "!app", "app in (web)", "app notin (db)", "app=db,tier=front"] {
            assert!(!picks(no), "{no}");
        }
        assert!(Selector::new(by_plural("pods").unwrap(), "a in (", "").is_err());
    }

    #[test]
    fn an_unknown_field_is_refused_not_ignored() {
        assert!(Selector::new(by_plural("pods").unwrap(), "", "spec.nodeName=a").is_ok());
        assert!(Selector::new(by_plural("persistentvolumeclaims").unwrap(), "", "spec.nodeName=a").is_err());
    }
}
