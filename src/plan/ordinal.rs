//! Claims of a StatefulSet by their names: `<template>-<set>-<ordinal>`. Nothing else ties them to it.

use serde_json::Value;

/// The ordinal for which a StatefulSet would make this claim from one of its templates.
pub(super) fn from_template(set: &Value, claim: &str) -> Option<u64> {
    let name = |object: &Value| object.pointer("/metadata/name").and_then(Value::as_str).map(str::to_owned);
    let set_name = name(set)?;
    let templates = set.pointer("/spec/volumeClaimTemplates").and_then(Value::as_array);
    let mut templates = templates.into_iter().flatten().filter_map(name);
    templates
        .find_map(|template| split(claim, &set_name).filter(|(own, _)| *own == template).map(|(_, ordinal)| ordinal))
}

/// The template and the ordinal of a claim of the StatefulSet of this name.
pub(super) fn split<'a>(claim: &'a str, set: &str) -> Option<(&'a str, u64)> {
    let (rest, last) = claim.rsplit_once('-')?;
    let ordinal = last.parse::<u64>().ok().filter(|ordinal| ordinal.to_string() == last)?;
    let template = rest.strip_suffix(set)?.strip_suffix('-')?;
    (!template.is_empty()).then_some((template, ordinal))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case("data-db-0", Some(0))]
    #[case("data-db-12", Some(12))]
    #[case("data-db-01", None)]
    #[case("data-db-x", None)]
    #[case("logs-db-0", None)]
    #[case("data-db-2-0", None)]
    fn a_claim_of_a_template_is_known_by_its_name(#[case] claim: &str, #[case] ordinal: Option<u64>) {
        let set = json!({ "metadata": { "name": "db" }, "spec": { "volumeClaimTemplates": [{ "metadata": { "name": "data" } }] } });
        assert_eq!(from_template(&set, claim), ordinal);
    }

    #[rstest]
    #[case("data-db-0", "db", Some(("data", 0)))]
    #[case("my-data-my-db-3", "my-db", Some(("my-data", 3)))]
    #[case("db-0", "db", None)]
    #[case("uploads", "db", None)]
    fn a_name_is_taken_apart(#[case] claim: &str, #[case] set: &str, #[case] parts: Option<(&str, u64)>) {
        assert_eq!(split(claim, set), parts);
    }
}
