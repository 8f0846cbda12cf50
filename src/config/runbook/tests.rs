use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::plan::Verb;
use crate::runbook::book::{Among, Check, Evidence, Expect, ParamKind, Task};
use crate::runbook::explain::explain;
use crate::runbook::shipped::SHIPPED;
use crate::runbook::words::{Values, Words};

/// Every key there is.
const WHOLE: &str = r#"
holdfast: runbook/v1
name: whole
title: Everything
about: |
  Two lines
  of it.
link: https://wiki.example/whole
reviews: [{topic: sast, every: 90d}]
params:
  volume: {type: volume, about: the volume}
  where: {type: namespace, about: where it is, default: "{{volume.namespace}}"}
  band: {type: choice, about: how bad, choices: [high, critical], default: high}
  fresh: {type: duration, about: how young, default: 24h}
  rule: {type: rule, about: the rule}
steps:
- id: confirm
  title: Confirm {{rule}}
  why: Because.
  fails: Stop.
  link: https://wiki.example/confirm
  when: {in: problems, filter: "kind:persistentvolumeclaim", expect: some}
  check: {in: findings, filter: "rule=={{rule}} band:{{band}}", expect: at least 2}
- id: point
  title: Choose
  why: Because.
  fails: Stop.
  choose: {in: restore-points, filter: "volume=={{volume.name}} cut<{{fresh}}", prefer: "trust:known-good"}
- id: beside
  title: Restore
  why: Because.
  fails: Stop.
  plan: {verb: restore, of: "{{point}}", with: {to: "{{volume.name}}-new"}}
- id: bound
  title: Wait for {{beside.made}}
  why: Because.
  fails: Stop.
  wait: {in: volumes, filter: "namespace=={{where}}", expect: 1, within: 10m}
- id: look
  title: Look
  why: Because.
  fails: Stop.
  manual: See {{beside.made}} of {{beside.operation}}.
- id: agree
  title: Agree
  why: Because.
  fails: Stop.
  approve: The data is good.
- id: evidence
  title: Keep
  why: Because.
  fails: Stop.
  collect: {what: [logs, images], of: "{{volume}}"}
- id: all
  title: Every certificate
  why: Because.
  fails: Stop.
  each: {in: certificates, filter: "namespace=={{where}}", as: cert}
  steps:
  - id: renew
    title: Renew {{cert.name}}
    why: Because.
    fails: Stop.
    plan: {verb: renew, of: "{{cert}}"}
"#;

fn read(text: &str) -> Result<Book, Vec<String>> {
    parse(text, Path::new("b.yaml")).map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect())
}

#[test]
fn every_key_is_read() {
    let book = read(WHOLE).unwrap();
    assert_eq!(
        (book.name.as_str(), book.title.as_str(), book.about.as_str()),
        ("whole", "Everything", "Two lines\nof it.")
    );
    assert_eq!((book.reviews[0].topic.as_str(), book.reviews[0].every), ("sast", Duration::from_secs(90 * 24 * 3600)));
    let kinds: Vec<&str> = book.params.iter().map(|param| param.kind.word()).collect();
    assert_eq!(kinds, ["volume", "namespace", "choice", "duration", "rule"]);
    assert_eq!(book.params[2].kind, ParamKind::Choice(vec!["high".to_owned(), "critical".to_owned()]));
    assert_eq!(book.params[1].default, Some(words("{{volume.namespace}}")));
    let [confirm, point, beside, bound, look, agree, evidence, all] = book.steps.as_slice() else { panic!("{book:?}") };
    let check = |among, filter: &str, expect| Check { among, filter: words(filter), expect };
    assert_eq!(confirm.when, Some(check(Among::Problems, "kind:persistentvolumeclaim", Expect::Some)));
    assert_eq!(confirm.link.as_deref(), Some("https://wiki.example/confirm"));
    let found = check(Among::Findings, "rule=={{rule}} band:{{band}}", Expect::AtLeast(2));
    assert_eq!(confirm.task, Task::Check(found));
    let Task::Choose(choose) = &point.task else { panic!("{point:?}") };
    assert_eq!((choose.among, &choose.prefer), (Among::RestorePoints, &Some(words("trust:known-good"))));
    let Task::Plan(plan) = &beside.task else { panic!("{beside:?}") };
    assert_eq!((plan.verb, &plan.of), (Verb::Restore, &words("{{point}}")));
    assert_eq!(plan.with["to"], words("{{volume.name}}-new"));
    let one = check(Among::Volumes, "namespace=={{where}}", Expect::Exactly(1));
    assert_eq!(bound.task, Task::Wait(one, Duration::from_secs(600)));
    assert!(matches!((&look.task, &agree.task), (Task::Manual(_), Task::Approve(_))));
    let Task::Collect(collect) = &evidence.task else { panic!("{evidence:?}") };
    assert_eq!((collect.what.as_slice(), &collect.of), (&[Evidence::Logs, Evidence::Images][..], &words("{{volume}}")));
    let Task::Each(each) = &all.task else { panic!("{all:?}") };
    assert_eq!((each.named.as_str(), each.steps.len(), book.step("renew").is_some()), ("cert", 1, true));
}

fn words(text: &str) -> Words {
    Words::parse(text).unwrap()
}

/// Every key of every table that a document has, as the schema names tables.
fn written(schema: &Value, shape: &Value, value: &Value, found: &mut BTreeSet<(String, String)>) {
    if let Some(name) = shape["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/")) {
        for (key, inner) in value.as_object().into_iter().flatten() {
            found.insert((name.to_owned(), key.clone()));
            written(schema, &schema["$defs"][name]["properties"][key], inner, found);
        }
    }
    value.as_array().into_iter().flatten().for_each(|item| written(schema, &shape["items"], item, found));
    if shape["additionalProperties"].is_object() {
        let inner = value.as_object().into_iter().flatten();
        inner.for_each(|(_, item)| written(schema, &shape["additionalProperties"], item, found));
    }
}

#[test]
fn the_schema_has_the_keys_that_are_read_and_no_others() {
    let schema = schema();
    let whole: Value = serde_saphyr::from_str(WHOLE).unwrap();
    let mut used = BTreeSet::new();
    written(&schema, &json!({ "$ref": "#/$defs/book" }), &whole, &mut used);
    let mut known = BTreeSet::new();
    for (name, table) in schema["$defs"].as_object().unwrap() {
        for (key, value) in table["properties"].as_object().unwrap() {
            assert!(value["description"].as_str().is_some_and(|doc| !doc.is_empty()), "{name} {key}");
            known.insert((name.clone(), key.clone()));
        }
    }
    assert_eq!(used, known);
}

/// Where keys stand in a document.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    for (key, inner) in value.as_object().into_iter().flatten() {
        let here = format!("{at}/{key}");
        places(inner, &here, found);
        found.push(here);
    }
    for (number, inner) in value.as_array().into_iter().flatten().enumerate() {
        places(inner, &format!("{at}/{number}"), found);
    }
}

#[test]
fn no_key_may_hold_anything_whatever() {
    let whole: Value = serde_saphyr::from_str(WHOLE).unwrap();
    let mut all = Vec::new();
    places(&whole, "", &mut all);
    for place in all {
        // JSON is YAML.
        for nonsense in [json!([[1]]), json!([]), json!({ "a": [] }), json!("\u{1b}[2J {{"), json!(null)] {
            let mut changed = whole.clone();
            *changed.pointer_mut(&place).unwrap() = nonsense.clone();
            // A line without places says what it likes.
            let free =
                ["/about", "/choices/0", "/choices/1"].iter().any(|end| place.ends_with(end)) || place == "/title";
            let taken = read(&changed.to_string()).is_ok();
            assert_eq!(taken, free && nonsense.is_string(), "{place} {nonsense}");
        }
    }
}

/// A book with these parameters and steps; what stands in the last step is on line 20 from column 3, and
/// steps behind an empty line stand where steps stand.
fn with(last: &str) -> String {
    let before = "\
holdfast: runbook/v1
name: small
title: Small
params:
  volume: {type: volume, about: the volume}
  work: {type: workload, about: the workload}
  rule: {type: rule, about: the rule}
  band: {type: choice, about: how bad, choices: [high, wild]}
  many: {type: number, about: how many}
steps:
- id: point
  title: Choose
  why: Because.
  fails: Stop.
  choose: {in: restore-points}
- id: last
  title: Last
  why: Because.
  fails: Stop.
";
    let (own, later) = last.split_once("\n\n").unwrap_or((last, ""));
    let own: Vec<String> = own.lines().map(|line| format!("  {line}\n")).collect();
    format!("{before}{}\n{later}", own.concat())
}

#[test]
fn what_the_bad_inputs_stand_on_is_good() {
    read(&with("manual: Do it.")).unwrap();
}

#[rstest]
#[case::no_task("link: https://x.example", "16:3: a step has one task; this has none of check, wait")]
#[case::two_tasks("manual: a\napprove: b", "21:3: a step has one task; this has manual and approve")]
#[case::unknown_key("manaul: a\napprove: b", "20:3: there is no \"manaul\" in a step; did you mean manual?")]
#[case::key_twice("manual: a\nmanual: b", "21:3: duplicate mapping key")]
#[case::no_value("manual:", "20:3: manual needs a value")]
#[case::empty_text("manual: \"\"", "20:11: manual is empty")]
#[case::a_list("manual: [a]", "20:11: manual: needs a text; this is a list")]
#[case::a_flag("manual: true", "20:11: manual: needs a text; this is true, put it in quotes")]
#[case::not_closed("manual: a {{volume", "20:11: manual: a place for a value begins with {{ and is not closed")]
#[case::no_place("manual: a {{Volume}}", "20:11: manual: \"Volume\" is no name of a value")]
#[case::called_like_the_run(
    "manual: a {{run}}\n\n- {id: run, title: a, why: a, fails: a, manual: a}",
    "22:8: a step cannot be called run: there is the run itself of that name before it"
)]
#[case::unknown_place("manual: a {{volum}}", "20:11: manual: nothing is called volum; did you mean volume?")]
#[case::unlike_any(
    "manual: a {{xyz}}",
    "20:11: manual: nothing is called xyz; known here are band, many, point, rule, run, volume and work"
)]
#[case::no_part(
    "manual: a {{volume.kind}}",
    "20:11: manual: volume has the parts namespace and name; volume.kind is none of them"
)]
#[case::no_parts("manual: a {{rule.name}}", "20:11: manual: rule has no parts, so rule.name is nothing")]
#[case::itself("plan: {verb: hold, of: \"{{last}}\"}", "20:26: of: {{last}}: it is used before its step gives it")]
#[case::too_early(
    "manual: \"{{later}}\"\n\n- id: later\n  title: a\n  why: a\n  fails: a\n  choose: {in: volumes}",
    "20:11: manual: {{later}}: it is used before its step gives it"
)]
#[case::gives_nothing("manual: \"{{last}}\"", "20:11: manual: {{last}}: that step gives no value")]
#[case::no_link("manual: a\nlink: http://x.example", "21:9: link: only https:// addresses are taken")]
#[case::link_with_password(
    "manual: a\nlink: https://me:hunter2@x.example",
    "21:9: link: an address with a user or a password in it is not taken"
)]
#[case::no_address("manual: a\nlink: \"https://\"", "21:9: link: is no address")]
#[case::no_list("check: {in: volume, expect: some}", "20:15: in: \"volume\" is not known; did you mean volumes?")]
#[case::no_expect("check: {in: volumes}", "20:10: expect is missing in a check")]
#[case::expect_no_number(
    "check: {in: volumes, expect: a few}",
    "20:32: expect: \"a few\" is no number of rows; write some, none, a number, or at least 2"
)]
#[case::expect_always("check: {in: volumes, expect: at least 0}", "20:32: expect: at least 0 always holds")]
#[case::expect_negative("check: {in: volumes, expect: -1}", "20:32: expect: \"-1\" is no number of rows")]
#[case::no_within("wait: {in: volumes, expect: some}", "20:9: within is missing in a wait")]
#[case::within("wait: {in: volumes, expect: some, within: soon}", "20:45: within: \"soon\" is not a duration")]
#[case::within_nothing(
    "wait: {in: volumes, expect: some, within: 0s}",
    "20:45: within: needs a duration longer than nothing"
)]
#[case::column(
    "check: {in: volumes, filter: \"stat:ok colour:red\", expect: 1}",
    "20:32: filter: there is no column \"colour\"; there are state"
)]
#[case::other_list(
    "check: {in: problems, filter: \"trust:known-good\", expect: 1}",
    "20:33: filter: there is no column \"trust\""
)]
#[case::compared(
    "check: {in: volumes, filter: \"capacity>lots\", expect: 1}",
    "20:32: filter: \"lots\" is not an amount of bytes"
)]
#[case::word_compared(
    "check: {in: volumes, filter: \"lastGood>{{rule}}\", expect: 1}",
    "20:32: filter: \"{{rule}}\" is not a span of time"
)]
#[case::open_quote("check: {in: volumes, filter: 'name:\"a', expect: 1}", "20:32: filter: the quote is not closed")]
#[case::in_quotes(
    "check: {in: volumes, filter: 'name:\"a {{rule}}\"', expect: 1}",
    "20:32: filter: {{rule}} stands in quotes; a value is put in quotes by itself"
)]
#[case::in_quotes_behind_an_escape(
    r#"check: {in: volumes, filter: 'name:"a \" {{rule}}"', expect: 1}"#,
    "20:32: filter: {{rule}} stands in quotes"
)]
#[case::a_choice_that_is_no_level(
    "check: {in: volumes, filter: \"level:{{band}}\", expect: 1}",
    "20:32: filter: no level is called \"high\""
)]
#[case::as_a_column(
    "check: {in: volumes, filter: \"{{rule}}:a\", expect: 1}",
    "20:32: filter: there is no column \"{{rule}}\""
)]
#[case::prefer(
    "choose: {in: restore-points, prefer: \"trsut:known-good\"}",
    "20:40: prefer: there is no column \"trsut\"; did you mean trust?"
)]
#[case::verb(
    "plan: {verb: restroe, of: \"{{point}}\"}",
    "20:16: verb: \"restroe\" is not known; did you mean restore?"
)]
#[case::verb_of_people("plan: {verb: undo, of: \"{{point}}\"}", "20:16: verb: \"undo\" is not known")]
#[case::field(
    "plan: {verb: restore, of: \"{{point}}\", with: {too: a}}",
    "20:49: restore has no field \"too\" that a runbook answers; did you mean to?"
)]
#[case::key_material(
    "plan: {verb: rotate, of: shop/tls, with: {private: a}}",
    "20:45: rotate has no field \"private\" that a runbook answers"
)]
#[case::no_fields(
    "plan: {verb: release, of: \"{{point}}\", with: {reason: a}}",
    "20:49: release asks for nothing, so there is no field \"reason\""
)]
#[case::of_another_kind(
    "plan: {verb: restore, of: \"{{volume}}\"}",
    "20:29: of: restore is of a VolumeSnapshot; {{volume}} is a PersistentVolumeClaim"
)]
#[case::of_a_word(
    "plan: {verb: backup, of: \"{{rule}}\"}",
    "20:28: of: backup is of a PersistentVolumeClaim, written NAMESPACE/NAME; this is \"word\""
)]
#[case::of_no_name("plan: {verb: backup, of: shop/A}", "20:28: of: name \"A\" has 'A' in it")]
#[case::no_evidence("collect: {what: [], of: \"{{work}}\"}", "20:19: what: the list is empty")]
#[case::evidence(
    "collect: {what: [secrets], of: \"{{work}}\"}",
    "20:20: what: \"secrets\" is not known; there are logs, events, objects and images"
)]
#[case::evidence_twice("collect: {what: [logs, logs], of: \"{{work}}\"}", "20:26: what: logs is there twice")]
#[case::evidence_of("collect: {what: [logs], of: \"shop/Pod/db\"}", "20:31: of: \"Pod\" is no kind of workload here")]
#[case::no_steps("each: {in: volumes, as: one}", "20:9: steps is missing: say beside each")]
#[case::empty_steps("each: {in: volumes, as: one}\nsteps: []", "21:10: steps: the list is empty")]
#[case::steps_alone("manual: a\nsteps: [a]", "21:10: steps belong to a loop: write each beside them")]
#[case::row_name_taken(
    "each: {in: volumes, as: rule}\nsteps: [{id: a, title: a, why: a, fails: a, manual: a}]",
    "20:27: a loop's row cannot be called rule: there is a parameter of that name before it"
)]
#[case::loop_in_loop(
    "each: {in: volumes, as: one}\nsteps: [{id: a, title: a, why: a, fails: a, each: {in: volumes, as: two}, steps: [a]}]",
    "21:47: a loop holds no loop"
)]
#[case::row_outside(
    "each: {in: volumes, as: one}\nsteps: [{id: a, title: a, why: a, fails: a, manual: a}]\n\n- id: after\n  title: \"{{one}}\"\n  why: a\n  fails: a\n  manual: a",
    "24:10: title: {{one}}: it is only known in the steps of its loop"
)]
#[case::id_twice(
    "manual: a\n\n- {id: point, title: a, why: a, fails: a, manual: a}",
    "22:8: a step cannot be called point: there is a step of that name before it"
)]
#[case::id_of_a_parameter(
    "manual: a\n\n- {id: rule, title: a, why: a, fails: a, manual: a}",
    "22:8: a step cannot be called rule: there is a parameter of that name"
)]
#[case::no_id("manual: a\n\n- {title: a, why: a, fails: a, manual: a}", "22:3: id is missing in a step")]
#[case::id(
    "manual: a\n\n- {id: A b, title: a, why: a, fails: a, manual: a}",
    "22:8: id: \"A b\" is no name; write small letters"
)]
#[case::no_why("manual: a\n\n- {id: b, title: a, fails: a, manual: a}", "22:3: why is missing in a step")]
#[case::no_fails("manual: a\n\n- {id: b, title: a, why: a, manual: a}", "22:3: fails is missing in a step")]
#[case::two_lines(
    "manual: a\n\n- {id: b, title: \"a\\nb\", why: a, fails: a, manual: a}",
    "22:18: title: is more than one line"
)]
#[case::no_table("manual: a\n\n- confirm", "22:3: a step is a table of keys and values; this is a text")]
#[case::hostile("manual: a {{\"\\e[2J\"}}", "20:11: ")]
fn a_mistake_in_a_step_is_told_with_its_place(#[case] last: &str, #[case] said: &str) {
    let text = with(last);
    let mistakes = read(&text).unwrap_err();
    assert!(mistakes.iter().any(|mistake| mistake.starts_with(&format!("b.yaml:{said}"))), "{mistakes:#?}\n{text}");
    assert!(mistakes.iter().all(|mistake| !mistake.contains(['\u{1b}', '\n']) && !mistake.contains("hunter2")));
}

/// A book without parameters of its own.
fn head(lines: &str) -> String {
    format!("{lines}\nsteps:\n- {{id: a, title: a, why: a, fails: a, manual: a}}\n")
}

#[rstest]
#[case::nothing("", "1:1: ")]
#[case::no_yaml("steps: [", "1:")]
#[case::a_list("[a]", "1:1: a runbook is a table of keys and values; this is a list")]
#[case::two_documents("holdfast: runbook/v1\n---\na: b\n", "2:1: ")]
#[case::no_version("name: a\ntitle: a\nsteps: [a]", "1:1: holdfast is missing in a runbook")]
#[case::version(
    "holdfast: runbook/v2\nnonsense: 1",
    "1:11: holdfast: \"runbook/v2\" is not known to this version of holdfast; it knows runbook/v1"
)]
#[case::version_number("holdfast: 1", "1:11: holdfast: needs a version, runbook/v1; this is a number")]
#[case::no_steps("holdfast: runbook/v1\nname: a\ntitle: a\nsteps: []", "4:8: steps: the list is empty")]
#[case::name(&head("holdfast: runbook/v1\ntitle: a\nname: A/B"), "3:7: name: \"A/B\" is no name")]
#[case::title(&head("holdfast: runbook/v1\nname: a\ntitle: [a]"), "3:8: title: needs a text; this is a list")]
#[case::param_type(&head("holdfast: runbook/v1\nname: a\ntitle: a\nparams:\n  x: {type: volumes, about: a}"), "5:13: type: \"volumes\" is not known; did you mean volume?")]
#[case::param_name(&head("holdfast: runbook/v1\nname: a\ntitle: a\nparams:\n  X_y: {type: text, about: a}"), "5:3: \"X_y\" is no name")]
#[case::param_about(&head("holdfast: runbook/v1\nname: a\ntitle: a\nparams:\n  x: {type: text}"), "5:6: about is missing in a parameter")]
#[case::params_list(&head("holdfast: runbook/v1\nname: a\ntitle: a\nparams: [a]"), "4:9: params: needs parameters by name; this is a list")]
#[case::param_twice(&head("holdfast: runbook/v1\nname: a\ntitle: a\nparams:\n  x: {type: text, about: a}\n  x: {type: text, about: b}"), "6:3: duplicate")]
#[case::no_choices(&head("holdfast: runbook/v1\nname: a\ntitle: a\nparams:\n  x: {type: choice, about: a}"), "5:6: choices is missing: a parameter of type choice needs them")]
#[case::empty_choices(&head("holdfast: runbook/v1\nname: a\ntitle: a\nparams:\n  x: {type: choice, about: a, choices: []}"), "5:40: choices: the list is empty")]
#[case::choices_of_text(&head("holdfast: runbook/v1\nname: a\ntitle: a\nparams:\n  x: {type: text, about: a, choices: [b]}"), "5:38: choices belong to the type choice; this is of type text")]
#[case::default(&head("holdfast: runbook/v1\nname: a\ntitle: a\nparams:\n  x: {type: volume, about: a, default: data}"), "5:40: default: \"data\" is not NAMESPACE/PVC")]
#[case::default_moment(&head("holdfast: runbook/v1\nname: a\ntitle: a\nparams:\n  x: {type: moment, about: a, default: today}"), "5:40: default: \"today\" is no moment")]
#[case::default_later(&head("holdfast: runbook/v1\nname: a\ntitle: a\nparams:\n  x: {type: namespace, about: a, default: \"{{y.namespace}}\"}\n  y: {type: volume, about: a}"), "5:43: default: nothing is called y")]
#[case::default_of_another_kind(&head("holdfast: runbook/v1\nname: a\ntitle: a\nparams:\n  y: {type: volume, about: a}\n  x: {type: namespace, about: a, default: \"{{y}}\"}"), "6:43: default: namespace \"namespace/name\"")]
#[case::topic_twice(&head("holdfast: runbook/v1\nname: a\ntitle: a\nreviews: [{topic: a, every: 9d}, {topic: a, every: 1d}]"), "4:34: a is reviewed already")]
#[case::every(&head("holdfast: runbook/v1\nname: a\ntitle: a\nreviews: [{topic: a, every: quarterly}]"), "4:29: every: \"quarterly\" is not a duration")]
#[case::too_large(&"# x\n".repeat(20_000), "1:1: a runbook has 65536 bytes at most; this has 80000")]
fn a_mistake_in_the_book_is_told_with_its_place(#[case] text: &str, #[case] said: &str) {
    let mistakes = read(text).unwrap_err();
    assert!(mistakes.iter().any(|mistake| mistake.starts_with(&format!("b.yaml:{said}"))), "{mistakes:#?}\n{text}");
}

#[test]
fn a_book_has_an_end() {
    let step = |number| format!("- {{id: s{number}, title: a, why: a, fails: a, manual: a}}\n");
    let of = |steps: usize| {
        format!("holdfast: runbook/v1\nname: a\ntitle: a\nsteps:\n{}", (0..steps).map(step).collect::<String>())
    };
    assert!(read(&of(200)).is_ok());
    assert_eq!(read(&of(201)).unwrap_err(), ["b.yaml:205:3: a runbook has 200 steps at most"]);
}

#[test]
fn all_mistakes_are_told_from_the_beginning_to_the_end() {
    let text = with("plan: {verb: bakcup, of: \"{{pont}}\"}\nlink: ftp://x.example\nwhen: {in: volumes, expect: few}");
    let mistakes = read(&text.replace("title: Small", "titel: Small")).unwrap_err();
    let places: Vec<String> =
        mistakes.iter().map(|mistake| mistake.split(':').skip(1).take(2).collect::<Vec<_>>().join(":")).collect();
    assert_eq!(places, ["1:1", "3:1", "20:16", "20:28", "21:9", "22:31"], "{mistakes:#?}");
}

#[test]
fn every_book_that_comes_along_is_without_a_mistake() {
    for shipped in SHIPPED {
        let book = parse(shipped.text, Path::new(shipped.name)).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
        assert_eq!(book.name, shipped.name);
        let page = explain(&book);
        for step in book.all() {
            let title = text::markdown::escaped(&step.title.said(&Values::new()));
            assert!(page.contains(&format!(". {title}\n")), "{} {}", book.name, step.id);
        }
        let (whys, fails) = (page.matches("**Why:**").count(), page.matches("**If it fails:**").count());
        assert_eq!((whys, fails), (book.all().len(), book.all().len()), "{page}");
        // A tired person reads one line.
        let long = book.all().into_iter().find(|step| step.why.said(&Values::new()).len() > 160);
        assert_eq!(long.map(|step| &step.id), None, "{}", book.name);
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| std::fs::read_to_string(path).unwrap().starts_with("holdfast: "))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    files.sort();
    let mut names: Vec<&str> = SHIPPED.iter().map(|shipped| shipped.name).collect();
    names.sort_unstable();
    assert_eq!(files, names);
}

#[test]
fn a_book_is_explained_step_by_step() {
    insta::assert_snapshot!(explain(&read(WHOLE).unwrap()));
}

#[test]
fn mistakes_are_told_in_one_line_with_what_tells_them_all() {
    let wrong = WHOLE.replace("fails: Stop.", "fals: Stop.");
    let error = RunbookError::Wrong(parse(&wrong, Path::new("my books/a.yaml")).unwrap_err());
    let (count, said) = (error.mistakes().len(), error.brief());
    assert!(count > 1 && said.starts_with(&format!("{count} mistakes; line ")), "{said}");
    assert!(said.ends_with("; `holdfast runbook check 'my books/a.yaml'` tells them all"), "{said}");
    assert!(!said.contains('\n') && said.matches("a.yaml").count() == 1, "{said}");
    let nowhere = RunbookError::NotThere("there is no runbook nope".to_owned());
    assert_eq!((nowhere.brief().as_str(), nowhere.mistakes().len()), ("there is no runbook nope", 0));
}
