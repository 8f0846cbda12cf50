use std::path::Path;

use jiff::SignedDuration;
use rstest::rstest;

use super::*;
use crate::model::{Bucket, Count};

/// Every field there is.
const WHOLE: &str = "\
policies:
- name: gold
  reason: orders may not be lost
  selector:
    namespaces: [shop, \"shop-*\"]
    labels: { tier: gold }
  rpo: 4h
  schedule: \"0 */4 * * *\"
  drill: \"@weekly\"
  drillImage: mirror.example/busybox:1.37
  timeZone: Europe/Berlin
  class: fast
  consistency: application
  hooks: postgresql
  retention: { last: 3, hourly: 24, daily: 7, weekly: 4, monthly: 12, yearly: all, within: 2d }
  minimumCopies: 2
  maximumDeletions: 20
- name: rest
";

fn read(text: &str) -> Result<Vec<Policy>, Vec<String>> {
    parse(text, Path::new("p.yaml")).map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect())
}

#[test]
fn every_field_is_read() {
    let policies = read(WHOLE).unwrap();
    let [gold, rest] = policies.as_slice() else { panic!("{policies:?}") };
    assert_eq!(*rest, Policy::new("rest"));
    assert_eq!(gold.keep.said(), "last 3, hourly 24, daily 7, weekly 4, monthly 12, yearly all, within 2d");
    assert_eq!(gold.keep.count(Bucket::Yearly), Some(Count::All));
    assert_eq!(gold.keep.span(), Some(SignedDuration::from_hours(48)));
    assert_eq!(gold.keep.zone().iana_name(), Some("Europe/Berlin"));
    assert_eq!((gold.minimum, gold.most), (2, 20));
    let said = (gold.rpo.as_deref(), gold.schedule.as_deref(), gold.drill.as_deref(), gold.class.as_deref());
    assert_eq!(said, (Some("4h"), Some("0 */4 * * *"), Some("@weekly"), Some("fast")));
    assert_eq!((gold.consistency.as_deref(), gold.hooks.as_deref()), (Some("application"), Some("postgresql")));
    assert_eq!(gold.reason.as_deref(), Some("orders may not be lost"));
    assert_eq!(gold.namespaces, ["shop", "shop-*"]);
    assert_eq!(gold.labels["tier"], "gold");
}

#[test]
fn the_schema_has_the_fields_that_are_read_and_no_others() {
    let schema = schema();
    let names = |value: &serde_json::Value| {
        let mut names: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        names.sort();
        names
    };
    let whole: serde_json::Value = serde_saphyr::from_str(WHOLE).unwrap();
    let written = &whole["policies"][0];
    let policy = &schema["properties"]["policies"]["items"]["properties"];
    assert_eq!(names(policy), names(written));
    for inner in ["selector", "retention"] {
        assert_eq!(names(&policy[inner]["properties"]), names(&written[inner]));
    }
}

#[rstest]
#[case::no_yaml("policies: [", "p.yaml:1:")]
#[case::nothing("", "p.yaml:1:1: ")]
#[case::unknown_field("policies:\n- name: a\n  rop: 4h\n", "p.yaml:3:3: unknown field `rop`")]
#[case::unknown_rule("policies:\n- name: a\n  retention: { dayly: 3 }\n", "p.yaml:3:16: unknown field `dayly`")]
#[case::no_name("policies:\n- rpo: 4h\n", "missing field `name`")]
#[case::name("policies:\n- name: A b\n", "p.yaml:2:9: name: ")]
#[case::twice("policies:\n- name: a\n- name: a\n", "p.yaml:3:9: there is a policy a before this one")]
#[case::rpo(
    "policies:\n- name: a\n  rpo: soon\n",
    "p.yaml:3:8: rpo: \"soon\" is not an objective; write a duration such as 4h"
)]
#[case::cron(
    "policies:\n- name: a\n  schedule: 0 3 * *\n",
    "p.yaml:3:13: schedule: \"0 3 * *\" is not a cron expression"
)]
#[case::zone_inside(
    "policies:\n- name: a\n  drill: TZ=UTC 0 3 * * *\n",
    "p.yaml:3:10: drill: write the time zone as timeZone"
)]
#[case::zone("policies:\n- name: a\n  timeZone: Mars/Base\n", "p.yaml:3:13: timeZone: \"Mars/Base\" is no time zone")]
#[case::consistency(
    "policies:\n- name: a\n  consistency: warm\n",
    "p.yaml:3:16: consistency: \"warm\" is not known; write crash or application"
)]
#[case::hooks(
    "policies:\n- name: a\n  consistency: crash\n  hooks: postgresql\n",
    "p.yaml:4:10: hooks: a crash-consistent copy runs no hooks"
)]
#[case::hook("policies:\n- name: a\n  hooks: postgers\n", "p.yaml:3:10: hooks: ")]
#[case::count(
    "policies:\n- name: a\n  retention:\n    daily: 0\n",
    "p.yaml:4:12: daily: needs a whole number from 1, or all"
)]
#[case::within(
    "policies:\n- name: a\n  retention:\n    within: 2\n",
    "p.yaml:4:13: within: \"2\" is not a span of time"
)]
#[case::minimum(
    "policies:\n- name: a\n  minimumCopies: -1\n",
    "p.yaml:3:18: minimumCopies: needs a whole number from 1"
)]
#[case::pattern(
    "policies:\n- name: a\n  selector: { namespaces: [\"a*b\"] }\n",
    "p.yaml:3:28: namespaces: \"a*b\" names no namespaces"
)]
#[case::label("policies:\n- name: a\n  selector: { labels: { tier: \"a b\" } }\n", "p.yaml:3:31: labels: ")]
#[case::kind("policies:\n- name: [a]\n", "p.yaml:2:9: name: needs a text or a number")]
#[case::hostile("policies:\n- name: a\n  rpo: \"\\e[2J\"\n", "p.yaml:3:8: rpo: \"␛[2J\" is not an objective")]
fn a_mistake_is_told_with_its_place(#[case] text: &str, #[case] said: &str) {
    let mistakes = read(text).unwrap_err();
    assert!(mistakes.len() == 1 && mistakes[0].contains(said), "{mistakes:?}");
}

#[test]
fn all_mistakes_are_told_from_the_beginning_to_the_end() {
    let mistakes = read("policies:\n- name: a\n  schedule: never\n  rpo: soon\n- name: b\n  class: A_B\n").unwrap_err();
    let lines: Vec<&str> = mistakes.iter().map(|mistake| mistake.split(':').nth(1).unwrap()).collect();
    assert_eq!(lines, ["3", "4", "6"]);
}
