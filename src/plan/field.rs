//! Fields of objects, and whether they are what is expected of them.
//!
//! A field is a JSON pointer (RFC 6901) with two segments of our own for lists, see [`Check`].

use serde_json::Value;

use super::{Check, Expect};
use crate::model::Uid;

/// The values found at a field. Nothing is found at a field that is absent or null.
pub(super) fn values<'a>(object: &'a Value, field: &str) -> Vec<&'a Value> {
    let segments = field.split('/').skip(1);
    let found = segments
        .fold(vec![object], |found, segment| found.into_iter().flat_map(|value| children(value, segment)).collect());
    found.into_iter().filter(|value| !value.is_null()).collect()
}

fn children<'a>(value: &'a Value, segment: &str) -> Vec<&'a Value> {
    let chosen = segment.strip_prefix('[').and_then(|chosen| chosen.strip_suffix(']')?.split_once('='));
    match (value, chosen) {
        (Value::Array(items), _) if segment == "*" => items.iter().collect(),
        (Value::Array(items), Some((key, is))) => {
            items.iter().filter(|item| item.get(key).and_then(Value::as_str) == Some(is)).collect()
        }
        (Value::Array(items), None) => segment.parse::<usize>().ok().and_then(|at| items.get(at)).into_iter().collect(),
        (Value::Object(fields), _) => match segment.strip_prefix('{').and_then(|keys| keys.strip_suffix('}')) {
            Some(keys) => keys.split(',').filter_map(|key| fields.get(&unescape(key))).collect(),
            None => fields.get(&unescape(segment)).into_iter().collect(),
        },
        _ => Vec::new(),
    }
}

fn unescape(segment: &str) -> String {
    segment.replace("~1", "/").replace("~0", "~")
}

/// The first condition that does not hold.
pub(super) fn first_unmet<'a>(checks: &'a [Check], object: &Value, origin: Option<&Uid>) -> Option<&'a Check> {
    checks.iter().find(|check| !met(check, object, origin))
}

/// Whether a condition holds. `origin` is the UID of the object that led here.
pub(super) fn met(check: &Check, object: &Value, origin: Option<&Uid>) -> bool {
    let mut found = values(object, &check.field).into_iter();
    match &check.expect {
        Expect::Is(expected) => found.any(|value| value == expected),
        Expect::Not(expected) => found.all(|value| value != expected),
        Expect::Present => found.any(|value| value.as_str() != Some("")),
        Expect::Absent => found.next().is_none(),
        Expect::Above(limit) => found.any(|value| value.as_u64().is_some_and(|number| number > *limit)),
        Expect::NotAbove(limit) => !found.any(|value| value.as_u64().is_some_and(|number| number > *limit)),
        Expect::NotBelow(other) => {
            let number = |value: Option<&Value>| value.and_then(Value::as_u64).unwrap_or(0);
            number(found.next()) >= number(values(object, other).into_iter().next())
        }
        Expect::UidOfOrigin => origin.is_some_and(|origin| found.any(|value| value.as_str() == Some(origin.as_str()))),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn above(field: &str, limit: u64) -> Check {
        Check { field: field.into(), expect: Expect::Above(limit) }
    }

    #[rstest]
    #[case::mounts_the_claim(Check::is("/spec/volumes/*/persistentVolumeClaim/claimName", "data"), true)]
    #[case::mounts_no_other(Check::is("/spec/volumes/*/persistentVolumeClaim/claimName", "logs"), false)]
    #[case::one_of_a_kind(Check::is("/status/conditions/[type=Ready]/status", "True"), true)]
    #[case::another_of_a_kind(Check::is("/status/conditions/[type=Disk]/status", "True"), false)]
    #[case::one_of_two_fields(Check::present("/status/{reason,phase}"), true)]
    #[case::neither_of_two_fields(Check::present("/status/{reason,message}"), false)]
    #[case::is_not_in_any(Check::not("/status/phase", "Failed"), true)]
    #[case::is_not_although_it_is(Check::not("/status/phase", "Running"), false)]
    #[case::is_not_what_is_absent(Check::not("/status/reason", "Evicted"), true)]
    #[case::by_place(Check::is("/spec/volumes/1/name", "b"), true)]
    #[case::beyond_the_end(Check::absent("/spec/volumes/2"), true)]
    #[case::a_key_with_a_slash(Check::is("/metadata/annotations/a~1b", "c"), true)]
    #[case::nothing_in_a_list(Check::absent("/spec/volumes/*/hostPath"), true)]
    #[case::above(above("/status/observed", 3), true)]
    #[case::not_above_itself(above("/status/observed", 4), false)]
    #[case::nothing_is_above_nothing(above("/status/gone", 0), false)]
    #[case::at_most(Check { field: "/status/observed".into(), expect: Expect::NotAbove(4) }, true)]
    #[case::more_than_that(Check { field: "/status/observed".into(), expect: Expect::NotAbove(3) }, false)]
    #[case::what_is_absent_is_not_above(Check { field: "/status/gone".into(), expect: Expect::NotAbove(0) }, true)]
    #[case::no_smaller_than_another(Check::not_below("/status/observed", "/spec/wanted"), true)]
    #[case::smaller_than_another(Check::not_below("/spec/wanted", "/status/observed"), false)]
    #[case::nothing_is_zero(Check::not_below("/status/gone", "/spec/wanted"), false)]
    #[case::not_below_nothing(Check::not_below("/spec/wanted", "/spec/gone"), true)]
    #[case::a_list_as_a_whole(Check::is("/metadata/finalizers", json!(["f"])), true)]
    fn conditions_reach_into_lists(#[case] check: Check, #[case] holds: bool) {
        let pod = json!({
            "metadata": { "annotations": { "a/b": "c" }, "finalizers": ["f"] },
            "spec": { "wanted": 3, "volumes": [{ "name": "a" }, { "name": "b", "persistentVolumeClaim": { "claimName": "data" } }] },
            "status": { "observed": 4, "phase": "Running", "conditions": [{ "type": "Disk", "status": "False" }, { "type": "Ready", "status": "True" }] },
        });
        assert_eq!(first_unmet(&[check], &pod, None).is_none(), holds);
    }
}
