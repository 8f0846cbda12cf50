use serde_json::json;

use super::*;
use crate::assess::testing::now;
use crate::plan::restore::testing::{answers, at, pvc, vs, vsc, with, world};
use crate::plan::{Act, Node, Step, Target};

fn planned(known: &Answers, options: &Options) -> Result<Plan, Refusal> {
    let id = OperationId::new(now(), [0, 0, 0, 7]);
    plan(&world(), &"uid-copy".into(), known, options, id, now())
}

fn known() -> Answers {
    let mut known = answers(Some(vs()), Some(vsc()), Some(pvc()));
    let asked = questions(&world(), &"uid-copy".into(), &known);
    known.access = asked.access.into_iter().map(|question| (question, Ok(true))).collect();
    known.objects.extend(lock(&world(), &"uid-copy".into()).map(|lock| (lock.at(), Ok(None))));
    known
}

fn manifest<'a>(plan: &'a Plan, id: &str) -> &'a serde_json::Value {
    let step: &Step = plan.steps().into_iter().find(|step| step.id.0 == id).unwrap();
    let Act::Create { manifest, .. } = &step.act else { panic!("{step:?}") };
    manifest
}

#[test]
fn the_import_keeps_the_copy_and_goes_after_the_namespace_only_while_it_does() {
    let plan = planned(&known(), &Options::default()).unwrap();
    let content = &manifest(&plan, "content")["spec"];
    assert_eq!(content["deletionPolicy"], "Retain");
    assert_eq!(content["source"]["snapshotHandle"], "snap-1");
    assert_eq!(content["volumeSnapshotRef"]["namespace"], "holdfast-drill-20260301-120000-00000007");
    let [Node::Whole(nodes)] = &plan.nodes[..] else { panic!("{:?}", plan.nodes) };
    let [Node::Reversible { step: begin, undo }, Node::Bracket { body, close, .. }, Node::Do(intact), Node::Do(record)] =
        &nodes[..]
    else {
        panic!("{nodes:?}")
    };
    assert_eq!((begin.id.0.as_str(), undo.len(), undo[0].id.0.as_str()), ("begin", 1, "note"));
    let Act::Delete { target: Target::Own { checks, .. } } = &close.act else { panic!("{close:?}") };
    assert_eq!(checks, &[crate::plan::Check::is("/spec/deletionPolicy", "Retain")]);
    let [Node::Bracket { open, close, .. }] = &body[..] else { panic!("{body:?}") };
    assert_eq!((open.id.0.as_str(), close.id.0.as_str()), ("namespace", "cleanup"));
    assert_eq!((intact.id.0.as_str(), record.id.0.as_str()), ("intact", "record"));
}

#[test]
fn everything_of_a_drill_carries_its_mark_and_the_pod_can_reach_nothing() {
    let plan = planned(&known(), &Options::default()).unwrap();
    for id in ["content", "namespace", "quota", "policy", "import", "claim", "pod"] {
        let manifest = manifest(&plan, id);
        assert_eq!(manifest["metadata"]["labels"]["holdfast.dev/drill"], plan.id.as_str(), "{id}");
        assert_eq!(manifest["metadata"]["annotations"]["holdfast.dev/operation"], plan.id.as_str(), "{id}");
    }
    let pod = &manifest(&plan, "pod")["spec"];
    assert_eq!(pod["containers"][0]["volumeMounts"][0]["readOnly"], true);
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(manifest(&plan, "policy")["spec"], json!({ "podSelector": {}, "policyTypes": ["Ingress", "Egress"] }));
    assert_eq!(manifest(&plan, "claim")["spec"]["dataSource"]["name"], "copy");
}

#[test]
fn a_device_is_read_as_a_device() {
    let mut known = known();
    known.objects.insert(at(), Ok(Some(vs())));
    let content = with(vsc(), "/spec/sourceVolumeMode", json!("Block"));
    known.objects.insert(crate::plan::restore::testing::content_at(), Ok(Some(content)));
    known
        .objects
        .insert(crate::plan::restore::testing::claim_at(), Ok(Some(with(pvc(), "/spec/volumeMode", json!("Block")))));
    let plan = planned(&known, &Options::default()).unwrap();
    assert_eq!(manifest(&plan, "pod")["spec"]["containers"][0]["volumeDevices"][0]["devicePath"], "/restored");
    assert_eq!(manifest(&plan, "content")["spec"]["sourceVolumeMode"], "Block");
}

#[test]
fn a_missing_right_is_named_before_anything_is_made() {
    let mut known = known();
    for (question, answer) in &mut known.access {
        *answer = Ok(question.resource != "namespaces");
    }
    assert!(planned(&known, &Options::default()).unwrap_err().why.contains("create namespaces"));
}

#[test]
fn the_command_says_what_was_chosen_and_an_image_is_the_name_of_one() {
    let options = Options { at_least: 1 << 30, image: "registry.example/tools@sha256:ab".into(), ..Options::default() };
    let line = "holdfast drill shop/copy --image registry.example/tools@sha256:ab --at-least 1Gi --context lab";
    assert_eq!(command(&options, &at(), "lab"), line);
    assert!(image("busybox; reboot").is_err() && image("").is_err());
}

#[test]
fn a_drill_is_held_apart_from_others_of_the_same_data_and_from_nothing_else() {
    let plan = planned(&known(), &Options::default()).unwrap();
    let at = plan.locks[0].at();
    assert_eq!((plan.locks.len(), at.path().as_str()), (1, "shop/holdfast-drill-uid-data"));
    let mut busy = known();
    let renewed = now().to_string();
    let lease = json!({ "spec": { "holderIdentity": "another", "leaseDurationSeconds": 30, "renewTime": renewed } });
    busy.objects.insert(at, Ok(Some(lease)));
    assert!(planned(&busy, &Options::default()).unwrap_err().why.contains("operation another"));
}
