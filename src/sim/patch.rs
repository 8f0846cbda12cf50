//! The patch formats: JSON patch, merge patch, and a subset of server-side apply.
//!
//! Strategic merge is refused: done half it silently loses list items. Apply merges maps and
//! replaces lists, and keeps no `managedFields`, so it never reports a conflict between managers.

use serde_json::Value;

use super::refusal::Refusal;

/// A patch by its content type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Merge,
    Apply,
}

impl Format {
    pub fn of(content_type: &str) -> Result<Self, Refusal> {
        match content_type.split(';').next().unwrap_or_default().trim() {
            "application/json-patch+json" => Ok(Self::Json),
            "application/merge-patch+json" => Ok(Self::Merge),
            "application/apply-patch+yaml" => Ok(Self::Apply),
            "application/strategic-merge-patch+json" => Err(Refusal::unsupported_media(
                "the simulated cluster does not do strategic merge patches; use a merge or JSON patch \
                 (kubectl patch --type=merge) or kubectl apply --server-side --validate=false",
            )),
            other => Err(Refusal::unsupported_media(format!(
                "the body of the request was in an unknown format ({other}) - accepted media types include: \
                 application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
            ))),
        }
    }
}

/// The object after the patch.
pub(crate) fn apply(format: Format, object: &Value, patch: &Value) -> Result<Value, Refusal> {
    let mut patched = object.clone();
    match format {
        Format::Json => {
            let operations: json_patch::Patch = serde_json::from_value(patch.clone())
                .map_err(|error| Refusal::bad_request(format!("error decoding patch: {error}")))?;
            json_patch::patch(&mut patched, &operations.0).map_err(|error| Refusal::unpatchable(&error.to_string()))?;
        }
        Format::Merge => json_patch::merge(&mut patched, patch),
        Format::Apply => lay_over(&mut patched, patch),
    }
    Ok(patched)
}

/// Maps are merged, everything else is replaced.
fn lay_over(target: &mut Value, wish: &Value) {
    match (target, wish) {
        (Value::Object(target), Value::Object(wish)) => {
            for (key, wish) in wish {
                lay_over(target.entry(key.as_str()).or_insert(Value::Null), wish);
            }
        }
        (target, wish) => *target = wish.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Format, apply};

    #[test]
    fn a_failed_test_operation_refuses_the_whole_patch() {
        let object = json!({"metadata": {"uid": "a"}, "spec": {"n": 1}});
        let patch = json!([{"op": "replace", "path": "/spec/n", "value": 2}, {"op": "test", "path": "/metadata/uid", "value": "b"}]);
        assert_eq!(apply(Format::Json, &object, &patch).unwrap_err().code, 422);
    }

    #[test]
    fn merge_removes_by_null_and_apply_keeps_what_it_does_not_name() {
        let object = json!({"a": 1, "b": {"c": 1, "d": 2}});
        assert_eq!(apply(Format::Merge, &object, &json!({"b": {"c": null}})).unwrap(), json!({"a": 1, "b": {"d": 2}}));
        assert_eq!(
            apply(Format::Apply, &object, &json!({"b": {"c": 3}})).unwrap(),
            json!({"a": 1, "b": {"c": 3, "d": 2}})
        );
    }

    #[test]
    fn strategic_merge_is_refused_with_a_way_out() {
        let refusal = Format::of("application/strategic-merge-patch+json").unwrap_err();
        assert!(refusal.code == 415 && refusal.message().contains("--server-side"));
    }
}
