use super::super::json::Cursor;
use super::*;
use rstest::rstest;
use serde_json::{Value, json};

fn element(text: &str) -> Element<'_> {
    let mut element = Element::default();
    assert!(element.read(&mut Cursor::new(text.as_bytes())));
    element
}

fn marks_of(result: &Value) -> Marks {
    let text = result.to_string();
    marks(&element(&text), &mut Keys::default(), &mut Vec::new())
}

fn ids(results: &[Value]) -> Vec<FindingId> {
    let read: Vec<(Marks, (u32, u32, u32))> = (0..)
        .zip(results)
        .map(|(index, result)| {
            let text = result.to_string();
            let element = element(&text);
            (marks_of(result), (element.line, element.column, index))
        })
        .collect();
    let members: Vec<Member> = read.iter().map(|(marks, position)| Member { marks, position: *position }).collect();
    identities("tool", "rule", "src/a.c", &members)
}

fn result(line: u32, more: Value) -> Value {
    let mut result = json!({ "ruleId": "rule", "message": { "text": "bad" }, "locations": [{ "physicalLocation": {
        "artifactLocation": { "uri": "src/a.c" }, "region": { "startLine": line } } }] });
    let Value::Object(more) = more else { panic!() };
    result.as_object_mut().unwrap().extend(more);
    result
}

#[rstest]
#[case::a_constant(json!({"fingerprints": {"matchBasedId/v1": "requires login"}}))]
#[case::null(json!({"fingerprints": {"a": null}}))]
#[case::empty(json!({"fingerprints": {"a": " "}}))]
#[case::none(json!({"fingerprints": {}}))]
#[case::an_object_without_value(json!({"fingerprints": {"a": {"b": "c"}}}))]
#[case::a_column(json!({"partialFingerprints": {"primaryLocationStartColumnFingerprint": "4"}}))]
#[case::a_commit(json!({"partialFingerprints": {"commitSha": "abc", "author": "x"}}))]
fn what_tells_nothing_apart_is_no_mark(#[case] more: Value) {
    let marks = marks_of(&result(1, more));
    assert_eq!(marks.map(|mark| mark != 0), [false, false, false, false, false, true]);
}

#[rstest]
#[case::order(json!({"a": "1", "b": "2"}), json!({"b": "2", "a": "1"}), true)]
#[case::another_value(json!({"a": "1"}), json!({"a": "2"}), false)]
#[case::another_key(json!({"a": "1"}), json!({"b": "1"}), false)]
#[case::swapped(json!({"a": "1", "b": "2"}), json!({"a": "2", "b": "1"}), false)]
#[case::an_older_version_beside(json!({"a/v1": "9", "a/v2": "1"}), json!({"a/v2": "1"}), true)]
#[case::versions_are_numbers(json!({"a/v9": "9", "a/v10": "1"}), json!({"a/v10": "1"}), true)]
#[case::an_object_with_value(json!({"a": {"value": "1"}}), json!({"a": "1"}), true)]
fn fingerprints_are_compared_by_their_newest_keys(#[case] one: Value, #[case] other: Value, #[case] same: bool) {
    for name in ["fingerprints", "partialFingerprints"] {
        let [one, other] = [&one, &other].map(|fingerprints| marks_of(&result(1, json!({ name: fingerprints }))));
        assert_eq!(one == other, same);
    }
}

#[test]
fn a_finding_that_moves_stays_the_same() {
    let snippet = |line: u32| {
        let mut result = result(line, json!({}));
        result["locations"][0]["physicalLocation"]["region"]["snippet"] =
            json!({ "text": format!("{}x = 1", " ".repeat(4)) });
        result
    };
    assert_eq!(ids(&[snippet(3)]), ids(&[snippet(90)]));
    assert_eq!(
        ids(&[result(3, json!({"message": {"text": "on line 3"}}))]),
        ids(&[result(9, json!({"message": {"text": "on line 9"}}))])
    );
}

#[test]
fn a_fingerprint_that_several_share_is_not_their_identity() {
    let shared = json!({"constant": "abc"});
    let three: Vec<Value> = ["a", "b", "c"]
        .iter()
        .map(|text| result(1, json!({"partialFingerprints": shared, "message": {"text": text}})))
        .collect();
    let ids_of_three = ids(&three);
    assert_eq!(ids_of_three.iter().collect::<std::collections::HashSet<_>>().len(), 3);
    // The one that stays is not taken for another.
    assert_eq!(ids(&three[1..])[..], ids_of_three[1..]);
}

#[test]
fn those_that_cannot_be_told_apart_are_counted_by_position() {
    let tied = [result(30, json!({})), result(10, json!({})), result(20, json!({}))];
    let all = ids(&tied);
    assert_eq!(all.iter().collect::<std::collections::HashSet<_>>().len(), 3);
    let reordered = ids(&[tied[1].clone(), tied[2].clone(), tied[0].clone()]);
    assert_eq!(reordered, [all[1], all[2], all[0]]);
    // Alone it is the first.
    assert_eq!(ids(&[result(77, json!({}))]), [all[1]]);
}

#[test]
fn a_vulnerable_package_is_one_finding_wherever_it_is_locked() {
    let text = |line: u32, version: &str| {
        let text = format!("Package: libssl\nInstalled Version: {version}\nVulnerability CVE-2019-1549\nLine {line}");
        result(line, json!({"ruleId": "CVE-2019-1549", "message": {"text": text}}))
    };
    assert_eq!(ids(&[text(1, "1.1")]), ids(&[text(9, "1.1")]));
    assert_ne!(ids(&[text(1, "1.1")]), ids(&[text(1, "1.2")]));
}

#[test]
fn identities_do_not_change_between_versions_of_the_program() {
    let [id] = ids(&[result(1, json!({"fingerprints": {"a/v1": "0123"}}))])[..] else { panic!() };
    assert_eq!(format!("{:032x}", id.0), "95733a579257144b33be6bd647d8e832");
}
