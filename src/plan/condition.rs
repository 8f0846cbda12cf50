//! A condition of an object's status, set as `meta.SetStatusCondition` of apimachinery does it: by its type, and with the
//! time of its last change of status.

use jiff::Timestamp;
use serde_json::{Value, json};

/// The object with this condition in its status; the others stay as they are. `condition` has `type`, `status`, `reason`
/// and `message`; what `observedGeneration` it gets is the object's own.
pub fn with_condition(object: &Value, condition: &Value, now: Timestamp) -> Value {
    let mut object = object.clone();
    let mut condition = condition.clone();
    let mut conditions = object.pointer("/status/conditions").and_then(Value::as_array).cloned().unwrap_or_default();
    let before = conditions.iter().position(|one| one["type"] == condition["type"]);
    let unchanged = before.map(|place| &conditions[place]).filter(|one| one["status"] == condition["status"]);
    condition["lastTransitionTime"] = match unchanged {
        Some(same) => same["lastTransitionTime"].clone(),
        None => now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into(),
    };
    if let Some(generation) = object.pointer("/metadata/generation") {
        condition["observedGeneration"] = generation.clone();
    }
    match before {
        Some(place) => conditions[place] = condition,
        None => conditions.push(condition),
    }
    if !object["status"].is_object() {
        object["status"] = json!({});
    }
    object["status"]["conditions"] = conditions.into();
    object
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const NOW: &str = "2026-03-01T12:00:00Z";

    fn issuing(status: &str) -> Value {
        json!({ "type": "Issuing", "status": status, "reason": "r", "message": "m", "lastTransitionTime": "2020-01-01T00:00:00Z" })
    }

    /// A condition is set where it is or put last, others stay, and its time changes only with its status.
    #[rstest]
    #[case::new(json!([{ "type": "Ready", "status": "True" }]), 1, NOW)]
    #[case::of_another_status(json!([issuing("False"), { "type": "Ready", "status": "True" }]), 0, NOW)]
    #[case::of_the_same_status(json!([{ "type": "Ready", "status": "True" }, issuing("True")]), 1, "2020-01-01T00:00:00Z")]
    fn it_is_set_by_its_type(#[case] before: Value, #[case] place: usize, #[case] since: &str) {
        let object = json!({ "metadata": { "generation": 4 }, "status": { "revision": 3, "conditions": before } });
        let asked = json!({ "type": "Issuing", "status": "True", "reason": "ManuallyTriggered", "message": "please" });
        let set = with_condition(&object, &asked, NOW.parse().unwrap());
        let conditions = set["status"]["conditions"].as_array().unwrap();
        let expected = json!({
            "type": "Issuing", "status": "True", "reason": "ManuallyTriggered", "message": "please",
            "observedGeneration": 4, "lastTransitionTime": since,
        });
        assert_eq!((conditions.len(), &conditions[place]), (2, &expected));
        assert_eq!(conditions[1 - place], json!({ "type": "Ready", "status": "True" }));
        assert_eq!(set["status"]["revision"], 3);
    }

    #[test]
    fn an_object_without_a_status_gets_one() {
        let set = with_condition(&json!({ "metadata": {} }), &issuing("True"), NOW.parse().unwrap());
        assert_eq!(set["status"]["conditions"][0]["lastTransitionTime"], NOW);
        assert_eq!(set["status"]["conditions"][0].get("observedGeneration"), None);
    }
}
