use rstest::rstest;
use serde_json::{Value, json};

use super::super::testing::{answers, at, class, pvc, vs, vsc, with, world};
use super::*;
use crate::assess::testing::{DRIVER, now, put};
use crate::model::{Object, StorageClass};
use crate::plan::Act;

fn id() -> OperationId {
    OperationId::new(now(), [0, 0, 0, 7])
}

fn known(options: &Options) -> Answers {
    let mut answers = answers(Some(vs()), Some(vsc()), Some(pvc()));
    let asked = questions(&world(), &"uid-copy".into(), options, &answers);
    answers.access = asked.access.into_iter().map(|question| (question, Ok(true))).collect();
    for at in asked.objects {
        answers.objects.entry(at).or_insert(Ok(None));
    }
    answers
}

fn try_plan(world: &World, answers: &Answers, options: &Options) -> Result<Plan, Refusal> {
    plan(world, &"uid-copy".into(), answers, options, id(), now())
}

fn titles(plan: &Plan) -> Vec<&str> {
    plan.steps().into_iter().map(|step| step.title.as_str()).collect()
}

#[test]
fn a_reader_sees_what_is_made_from_what_and_how_to_take_it_back() {
    let plan = try_plan(&world(), &known(&Options::default()), &Options::default()).unwrap();
    assert_eq!(plan.title, "restore shop/copy into new volume shop/data-restore-00000007");
    assert_eq!(
        titles(&plan),
        [
            "create PersistentVolumeClaim shop/data-restore-00000007 from snapshot copy",
            "see that the new claim is filled from the snapshot, not empty",
            "wait until its volume is made from the snapshot and bound",
        ]
    );
    let said = |label: &str| plan.facts.iter().find(|fact| fact.0 == label).map(|fact| fact.1.as_str());
    assert_eq!(said("data of"), Some("2026-03-01T11:00:00Z (1h ago): nothing written later is in it"));
    assert_eq!(said("size"), Some("1.0Gi"));
    assert_eq!(plan.warnings, Vec::<String>::new());
    assert!(plan.undo[0].contains("its volume and the data in it go too"), "{:?}", plan.undo);
    assert_eq!(plan.command, "holdfast restore shop/copy");
    assert_eq!(plan.proofs()[0].name, "copy");
    assert_eq!(plan.steps()[0].guards.len(), 2, "the snapshot and its content are looked at right before");
}

#[test]
fn a_claim_that_waits_for_its_first_consumer_is_not_waited_for() {
    let mut world = world();
    put(&mut world, [Object::StorageClass(StorageClass { waits_for_consumer: true, ..class("fast", DRIVER) })]);
    let plan = try_plan(&world, &known(&Options::default()), &Options::default()).unwrap();
    let titles = titles(&plan);
    assert_eq!(titles.len(), 2);
    assert!(titles[1].contains("when a first consumer is scheduled, this is not an error"), "{titles:?}");
    assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);
}

#[test]
fn a_claim_without_its_source_ends_the_operation_in_words_that_say_empty() {
    let plan = try_plan(&world(), &known(&Options::default()), &Options::default()).unwrap();
    for step in &plan.steps()[1..] {
        let Act::Wait { until, .. } = &step.act else { panic!("{step:?}") };
        assert!(until.firm[0].or.contains("EMPTY"), "{}", until.firm[0].or);
        let Act::Create { manifest, .. } = &plan.steps()[0].act else { panic!() };
        let crate::plan::Expect::Is(source) = &until.firm[0].check.expect else { panic!() };
        assert_eq!(*source, manifest["spec"]["dataSource"]);
    }
}

#[rstest]
#[case::free(Ok(None), None)]
#[case::taken(Ok(Some(pvc())), Some("exists, and a restore writes over nothing"))]
#[case::not_read(Err("timed out".to_owned()), Some("is not known: timed out"))]
fn a_chosen_name_has_to_be_free(#[case] found: Result<Option<Value>, String>, #[case] why: Option<&str>) {
    let options = Options { to: Some("back".into()), ..Options::default() };
    let mut answers = known(&options);
    answers.objects.insert(ObjectAt::of(Kind::Pvc, Some("shop"), "back"), found);
    match (try_plan(&world(), &answers, &options), why) {
        (Ok(plan), None) => assert_eq!(plan.command, "holdfast restore shop/copy --to back"),
        (Err(refusal), Some(why)) => assert!(refusal.why.contains(why), "{refusal}"),
        (planned, _) => panic!("{planned:?}"),
    }
}

#[test]
fn a_missing_right_and_a_full_quota_are_named() {
    let options = Options::default();
    let mut answers = known(&options);
    for (question, answer) in &mut answers.access {
        *answer = Ok(question.verb != "create");
    }
    let refusal = try_plan(&world(), &answers, &options).unwrap_err();
    assert!(refusal.why.contains("create persistentvolumeclaims in shop"), "{refusal}");

    let status = json!({ "hard": { "requests.storage": "10Gi" }, "used": { "requests.storage": "9728Mi" } });
    let mut answers = known(&options);
    answers.lists.insert(ListAt::quotas("shop"), Ok(vec![json!({ "metadata": { "name": "q" }, "status": status })]));
    let refusal = try_plan(&world(), &answers, &options).unwrap_err();
    assert_eq!(refusal.why, "ResourceQuota q allows 10Gi of requests.storage, 9728Mi are used, and 1Gi more is needed");
}

#[test]
fn a_point_that_was_made_anew_is_another_one() {
    let options = Options::default();
    let mut answers = known(&options);
    answers.objects.insert(at(), Ok(Some(with(vs(), "/metadata/uid", json!("uid-new")))));
    let back = json!({ "namespace": "shop", "name": "copy", "uid": "uid-new" });
    let content = with(vsc(), "/spec/volumeSnapshotRef", back);
    answers.objects.insert(super::super::testing::content_at(), Ok(Some(content)));
    assert!(try_plan(&world(), &answers, &options).unwrap_err().why.contains("made anew"));
}

#[test]
fn an_import_says_that_nobody_proved_it() {
    let options = Options::default();
    let mut answers = known(&options);
    let content = with(vsc(), "/spec/source", json!({ "snapshotHandle": "snap-1" }));
    answers.objects.insert(super::super::testing::content_at(), Ok(Some(content)));
    let plan = try_plan(&world(), &answers, &options).unwrap();
    assert!(plan.warnings[0].starts_with("not proved: imported by its handle"), "{:?}", plan.warnings);
}

#[rstest]
#[case("20Gi", Ok(20 << 30))]
#[case(" 61743560 ", Ok(61_743_560))]
#[case("0", Err("\"0\" is not a size; write one such as 20Gi"))]
#[case("large", Err("\"large\" is not a size; write one such as 20Gi"))]
fn sizes_are_read_as_kubernetes_writes_them(#[case] text: &str, #[case] read: Result<u64, &str>) {
    assert_eq!(size(text), read.map_err(str::to_owned));
}

#[test]
fn the_form_offers_classes_of_the_copys_driver_and_an_untouched_one_chooses_as_the_command_does() {
    let spec = form(&world(), &"uid-copy".into(), &Options::default()).unwrap();
    let answers: Vec<String> = spec.fields.iter().map(|field| field.default.clone()).collect();
    assert_eq!(answers, ["", "fast", "", "10m"]);
    let filled = options(&spec.filled(&answers).unwrap()).unwrap();
    assert_eq!(filled, Options { class: Some("fast".into()), ..Options::default() });
    let crate::plan::FieldKind::Choice { choices, left_out, .. } = &spec.fields[1].kind else { panic!("{spec:?}") };
    let names: Vec<_> = choices.iter().map(|choice| choice.value.as_str()).collect();
    assert_eq!((names, left_out.join("")), (vec!["fast", "slow"], "not offered: nfs (driver nfs.csi)".to_owned()));
}
