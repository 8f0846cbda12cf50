//! Label selectors as the API has them: whether one selects labels, and how it is said.

use serde_json::{Map, Value};

use crate::plan::read::{items, text};

/// Whether a LabelSelector selects an object with these labels. An empty one selects everything, one that is absent
/// nothing, and one with an operator that is not known here is taken to select: it is safer to name too much.
pub(super) fn selects(selector: &Value, labels: &Value) -> bool {
    if !selector.is_object() {
        return false;
    }
    let empty = Map::new();
    let wanted = selector["matchLabels"].as_object().unwrap_or(&empty);
    let all = wanted.iter().all(|(key, value)| labels.get(key) == Some(value));
    all && items(selector, "/matchExpressions").iter().all(|expression| meets(expression, labels))
}

fn meets(expression: &Value, labels: &Value) -> bool {
    let label = labels.get(text(expression, "/key"));
    let among = label.is_some_and(|label| items(expression, "/values").contains(label));
    match text(expression, "/operator") {
        "In" => among,
        "NotIn" => !among,
        "Exists" => label.is_some(),
        "DoesNotExist" => label.is_none(),
        _ => true,
    }
}

/// Whether it selects everything.
pub(super) fn everything(selector: &Value) -> bool {
    selects(selector, &Value::Object(Map::new())) && items(selector, "/matchExpressions").is_empty()
}

/// A selector for people: `app=web, tier in (a, b)`.
pub(super) fn said(selector: &Value) -> String {
    let labels = selector["matchLabels"].as_object().into_iter().flatten();
    let labels = labels.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()));
    let expressions = items(selector, "/matchExpressions").iter().map(|expression| {
        let values = items(expression, "/values").iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
        let operator = text(expression, "/operator");
        let values = if values.is_empty() { String::new() } else { format!(" ({values})") };
        format!("{} {operator}{values}", text(expression, "/key"))
    });
    crate::text::sanitize(&labels.chain(expressions).collect::<Vec<_>>().join(", ")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case::equal(json!({ "matchLabels": { "app": "web" } }), true)]
    #[case::another(json!({ "matchLabels": { "app": "db" } }), false)]
    #[case::more_than_there(json!({ "matchLabels": { "app": "web", "track": "x" } }), false)]
    #[case::everything(json!({}), true)]
    #[case::nothing(Value::Null, false)]
    #[case::one_of(json!({ "matchExpressions": [{ "key": "tier", "operator": "In", "values": ["a", "b"] }] }), true)]
    #[case::none_of(json!({ "matchExpressions": [{ "key": "tier", "operator": "NotIn", "values": ["a"] }] }), false)]
    #[case::not_in_what_is_absent(
        json!({ "matchExpressions": [{ "key": "x", "operator": "NotIn", "values": ["a"] }] }), true
    )]
    #[case::there(json!({ "matchExpressions": [{ "key": "tier", "operator": "Exists" }] }), true)]
    #[case::not_there(json!({ "matchExpressions": [{ "key": "tier", "operator": "DoesNotExist" }] }), false)]
    #[case::not_known(json!({ "matchExpressions": [{ "key": "tier", "operator": "Resembles" }] }), true)]
    fn selectors_select_as_the_api_says(#[case] selector: Value, #[case] selected: bool) {
        assert_eq!(selects(&selector, &json!({ "app": "web", "tier": "a" })), selected);
    }

    #[test]
    fn a_selector_is_said_in_one_line() {
        let selector = json!({
            "matchLabels": { "app": "web" },
            "matchExpressions": [{ "key": "tier", "operator": "In", "values": ["a", "b"] }],
        });
        assert_eq!(said(&selector), "app=web, tier In (a, b)");
    }
}
