use rstest::rstest;
use serde_json::json;

use super::*;
use crate::assess::testing::{DRIVER, cluster_meta, now, put};
use crate::model::{Namespace, Object, annotation};
use crate::plan::carry::bundle::tests::content;
use crate::plan::restore::testing::{answers, world};
use crate::plan::{Act, Node};

fn id() -> OperationId {
    OperationId::new(now(), [0, 0, 0, 7])
}

fn target() -> World {
    let mut world = world();
    put(&mut world, [Object::Namespace(Namespace { meta: cluster_meta("target") })]);
    world
}

fn chosen(said: Said) -> Options {
    let text = Bundle::new(said).to_yaml();
    Options { source: Source::Unread("copy.yaml".into()).with(text), ..Options::default() }
}

fn known(world: &World, options: &Options) -> Answers {
    let mut known = answers(None, None, None);
    let asked = questions(world, &"uid-target".into(), options);
    known.access = asked.access.into_iter().map(|question| (question, Ok(true))).collect();
    known.objects.extend(asked.objects.into_iter().map(|at| (at, Ok(None))));
    let namespace = |name: &str, uid: &str| {
        let object = json!({ "metadata": { "name": name, "uid": uid, "resourceVersion": "7" } });
        (ObjectAt::of(Kind::Namespace, None, name), Ok(Some(object)))
    };
    known.objects.extend([namespace("target", "uid-target"), namespace("kube-system", "uid-of-here")]);
    known
}

fn planned(options: &Options, change: impl FnOnce(&mut World, &mut Answers)) -> Result<Plan, Refusal> {
    let mut world = target();
    let mut known = known(&world, options);
    change(&mut world, &mut known);
    plan(&world, &"uid-target".into(), &known, options, id(), now())
}

#[test]
fn the_content_is_retained_made_first_and_taken_back_last() {
    let plan = planned(&chosen(content()), |_, _| {}).unwrap();
    assert_eq!((plan.subject.home(), &*plan.subject.object.name), (Some("target"), "target"));
    let [Node::Whole(nodes)] = &plan.nodes[..] else { panic!("{:?}", plan.nodes) };
    let [Node::Reversible { step: content, undo: last }, Node::Reversible { step: snapshot, undo: first }, _] =
        &nodes[..]
    else {
        panic!("{nodes:?}")
    };
    let Act::Create { manifest: content, .. } = &content.act else { panic!("{content:?}") };
    assert_eq!(content["spec"]["deletionPolicy"], "Retain");
    assert_eq!(content["spec"]["source"]["snapshotHandle"], "snap-1");
    assert_eq!(content["spec"]["sourceVolumeMode"], "Filesystem");
    let Act::Create { manifest: snapshot, at } = &snapshot.act else { panic!("{snapshot:?}") };
    assert_eq!(
        (at.path().as_str(), &snapshot["metadata"]["annotations"]["holdfast.dev/lineage"]),
        ("target/copy", &json!("uid-data"))
    );
    assert!(snapshot["metadata"]["annotations"][annotation::CLAIM_SPEC].as_str().unwrap().contains("fast"));
    let ids = |steps: &[crate::plan::Step]| steps.iter().map(|step| step.id.0.clone()).collect::<Vec<_>>();
    assert_eq!((ids(first), ids(last)), (vec!["keep".into(), "remove-snapshot".into()], vec!["remove-content".into()]));
}

#[test]
fn it_says_from_where_it_is_and_who_else_stands_for_the_copy() {
    let plan = planned(&chosen(content()), |_, _| {}).unwrap();
    assert!(
        plan.facts
            .contains(&("from".into(), "another cluster, uid-of-prod (context prod at https://prod.example)".into())),
        "{:?}",
        plan.facts
    );
    let mut same = content();
    same.restore_point.handle = "snap-copy".into();
    let plan = planned(&chosen(same), |_, known| {
        let here = json!({ "metadata": { "name": "kube-system", "uid": "uid-of-prod" } });
        known.objects.insert(identity(), Ok(Some(here)));
    })
    .unwrap();
    assert!(plan.facts[0].1.starts_with("this cluster"), "{:?}", plan.facts);
    assert!(
        plan.warnings.iter().any(|warning| warning.contains("content content-copy of shop/copy")),
        "{:?}",
        plan.warnings
    );
}

#[test]
fn what_a_restore_will_miss_is_said() {
    let mut said = content();
    said.claim.spec["storageClassName"] = json!("gold");
    let warnings = planned(&chosen(said), |_, _| {}).unwrap().warnings.join("\n");
    assert!(
        warnings
            .contains("class gold of its volume is not here: a restore of it names one with --class: fast and slow"),
        "{warnings}"
    );
}

#[rstest]
#[case::another_driver(|said: &mut Said| said.restore_point.driver = "rbd.csi.ceph.com".into(), "rbd.csi.ceph.com is not installed here")]
#[case::no_name(|said: &mut Said| said.restore_point.name = "../x".into(), "../x")]
#[case::a_hostile_driver(|said: &mut Said| said.restore_point.driver = "../../secrets".into(), "no copy of a CSI driver")]
#[case::no_mode(|said: &mut Said| said.restore_point.volume_mode = Some("Tape".into()), "neither Filesystem nor Block")]
fn what_does_not_fit_is_refused(#[case] change: fn(&mut Said), #[case] why: &str) {
    let mut said = content();
    change(&mut said);
    let refused = planned(&chosen(said), |_, _| {}).unwrap_err();
    assert!(refused.why.contains(why) && !refused.clear.is_empty(), "{refused:?}");
}

#[test]
fn a_name_that_is_taken_a_right_that_is_missing_and_a_bad_file_are_refused() {
    let taken = planned(&chosen(content()), |_, known| {
        let at = ObjectAt::of(Kind::VolumeSnapshot, Some("target"), "copy");
        known.objects.insert(at, Ok(Some(json!({}))));
    });
    assert!(taken.unwrap_err().clear.contains("--name"));
    let denied = planned(&chosen(content()), |_, known| {
        known
            .access
            .iter_mut()
            .for_each(|(question, answer)| *answer = Ok(question.resource != "volumesnapshotcontents"));
    });
    assert!(denied.unwrap_err().why.contains("create volumesnapshotcontents"));
    let bad = Options { source: Source::Unread("copy.yaml".into()).with(Ok("format: [".into())), ..Options::default() };
    let said = planned(&bad, |_, _| {}).unwrap_err();
    assert!(said.why.starts_with("copy.yaml:1:"), "{said:?}");
    assert_eq!(said.object, "bundle copy.yaml");
    let unread = Options { source: Source::Unread("copy.yaml".into()), ..Options::default() };
    assert!(planned(&unread, |_, _| {}).is_err());
}

#[test]
fn the_command_says_what_was_chosen() {
    let options = Options { name: Some("back".into()), ..chosen(content()) };
    assert_eq!(
        command(&options, "target", "lab"),
        "holdfast import copy.yaml --namespace target --name back --context lab"
    );
    assert_eq!(DRIVER, content().restore_point.driver);
}
