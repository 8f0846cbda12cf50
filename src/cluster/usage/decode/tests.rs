//! Answers as a Prometheus gives them, and as it should not.

use rstest::rstest;
use serde_json::{Value, json};

use super::*;

const NOW: i64 = 1_772_366_400;

/// A series as the kubelet's endpoint is scraped by the Prometheus operator.
fn series(name: Option<&str>, claim: &str, node: &str, value: &str) -> Value {
    let mut metric = json!({
        "endpoint": "https-metrics", "instance": format!("{node}:10250"), "job": "kubelet", "metrics_path": "/metrics",
        "namespace": "shop", "node": node, "persistentvolumeclaim": claim, "service": "kubelet",
    });
    if let Some(name) = name {
        metric["__name__"] = json!(name);
    }
    json!({"metric": metric, "value": [1_772_366_399.781, value]})
}

fn vector_of(series: &[Value]) -> Vec<u8> {
    let answer = json!({"status": "success", "data": {"resultType": "vector", "result": series}});
    serde_json::to_vec(&answer).unwrap()
}

/// One measurement of a claim by a node: used, capacity, and its age in seconds.
type Sample = (&'static str, &'static str, &'static str, &'static str, i64);

fn measured(samples: &[Sample]) -> Vec<(String, u64, u64, i64)> {
    let all = |one: &dyn Fn(&Sample) -> Value| vector_of(&samples.iter().map(one).collect::<Vec<_>>());
    let mut measured = Measured::default();
    measured.times(&all(&|(claim, node, _, _, age)| series(None, claim, node, &format!("{}.25", NOW - age)))).unwrap();
    let name = Some("kubelet_volume_stats_used_bytes");
    measured.used(&all(&|(claim, node, used, ..)| series(name, claim, node, used))).unwrap();
    let name = Some("kubelet_volume_stats_capacity_bytes");
    measured.capacities(&all(&|(claim, node, _, capacity, _)| series(name, claim, node, capacity))).unwrap();
    let mut claims: Vec<_> = measured
        .claims()
        .into_iter()
        .map(|((namespace, name), usage)| {
            (format!("{namespace}/{name}"), usage.used, usage.capacity, NOW - usage.at.as_second())
        })
        .collect();
    claims.sort();
    claims
}

#[test]
fn three_vectors_make_one_measurement_per_claim() {
    let claims =
        measured(&[("data-db-0", "n1", "8589934592", "10737418240", 12), ("data-db-1", "n2", "1e3", "2e3", 40)]);
    let expected =
        [("shop/data-db-0".into(), 8_589_934_592, 10_737_418_240, 12), ("shop/data-db-1".into(), 1000, 2000, 40)];
    assert_eq!(claims, expected);
    assert_eq!(measured(&[]), []);
}

#[rstest]
#[case("NaN", "100")]
#[case("+Inf", "100")]
#[case("-1", "100")]
#[case("50", "0")]
#[case("50", "NaN")]
#[case("50", "-Inf")]
#[case("fifty", "100")]
fn a_number_that_is_none_is_no_measurement(#[case] used: &'static str, #[case] capacity: &'static str) {
    assert_eq!(measured(&[("db", "n1", used, capacity, 0), ("ok", "n1", "1", "2", 0)]), [("shop/ok".into(), 1, 2, 0)]);
}

#[rstest]
#[case::a_pod_moved(&[("db", "old", "99", "100", 200), ("db", "new", "50", "100", 10)], (50, 100, 10))]
#[case::mounted_on_many_nodes(&[("db", "a", "70", "100", 5), ("db", "b", "71", "100", 35)], (71, 100, 35))]
#[case::while_it_grows(&[("db", "a", "95", "100", 5), ("db", "b", "95", "200", 35)], (95, 100, 5))]
#[case::the_same_twice(&[("db", "a", "70", "100", 35), ("db", "b", "70", "100", 5)], (70, 100, 5))]
fn of_several_series_the_newest_and_then_the_fullest_counts(
    #[case] samples: &[Sample],
    #[case] (used, capacity, age): (u64, u64, i64),
) {
    let mut backwards = samples.to_vec();
    backwards.reverse();
    for samples in [samples, &backwards] {
        assert_eq!(measured(samples), [("shop/db".into(), used, capacity, age)]);
    }
}

#[test]
fn the_metrics_own_namespace_counts_not_that_of_its_target() {
    let labels = json!({"namespace": "monitoring", "exported_namespace": "shop", "persistentvolumeclaim": "db"});
    let body = vector_of(&[json!({"metric": labels, "value": [NOW, "7"]})]);
    let mut measured = Measured::default();
    measured.times(&body).unwrap();
    measured.used(&body).unwrap();
    measured.capacities(&body).unwrap();
    assert_eq!(measured.claims()[0].0, ("shop".into(), "db".into()));
}

#[test]
fn series_without_a_claim_or_a_number_are_left_out() {
    let body = vector_of(&[
        json!({"metric": {"namespace": "shop"}, "value": [NOW, "1"]}),
        json!({"metric": {"persistentvolumeclaim": "db"}, "value": [NOW, "1"]}),
        json!({"metric": {"namespace": "shop", "persistentvolumeclaim": "h"}, "histogram": [NOW, {"count": "1"}]}),
    ]);
    let mut measured = Measured::default();
    measured.used(&body).unwrap();
    assert!(measured.series.is_empty());
}

#[rstest]
#[case("<html>secret</html>", "line 1, column 1")]
#[case("", "line 1, column 0")]
#[case("{}", "line 1")]
#[case("{\"status\":\"success\"}", "without data")]
#[case("{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":[1,\"secret\"]}}", "line 1")]
#[case(
    "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[{\"metric\":{},\"values\":[]}]}}",
    "else than an instant vector"
)]
#[case("{\"status\":\"error\",\"errorType\":\"execution\",\"error\":\"secret\"}", "(execution)")]
#[case("{\"status\":\"error\",\"errorType\":\"a secret\\u001b\"}", "(without a reason)")]
fn what_is_no_answer_says_so_without_repeating_it(#[case] body: &str, #[case] said: &str) {
    let error = Measured::default().used(body.as_bytes()).unwrap_err().to_string();
    assert!(error.contains(said) && !error.contains("secret"), "{error}");
}

#[test]
fn an_error_answer_gives_its_word_only() {
    assert_eq!(
        error_type(b"{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"x\"}").as_deref(),
        Some("bad_data")
    );
    assert_eq!(error_type(b"<html>"), None);
    assert_eq!(error_type(b"{\"errorType\":\"two words\"}"), None);
}
