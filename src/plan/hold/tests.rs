use rstest::rstest;

use super::*;
use crate::assess::testing::{ago, claim, now, put_snapshot, snapshot, with_claim};
use crate::model::Policies;

/// A copy whose content has this deletionPolicy, held as this annotation says, and what the cluster answers of it.
fn copy(policy: &str, held: Option<&str>) -> (World, Uid, Answers) {
    let claim = claim("data", None);
    let mut world = with_claim(&claim, Policies::default());
    let (copy, content) = snapshot(&claim, "copy", ago(60));
    let uid = copy.meta.uid();
    let questions = {
        put_snapshot(&mut world, (copy.clone(), content.clone()));
        questions(&world, &copy)
    };
    let mut metadata = json!({ "uid": uid.as_str(), "resourceVersion": "7" });
    if let Some(held) = held {
        metadata["annotations"] = json!({ "holdfast.dev/hold": held });
    }
    let fresh = json!({ "metadata": metadata });
    let bound = json!({
        "metadata": { "uid": "uid-content" },
        "spec": { "deletionPolicy": policy, "volumeSnapshotRef": { "uid": uid.as_str() } },
    });
    let answers = Answers {
        objects: questions.objects.into_iter().zip([fresh, bound]).map(|(at, object)| (at, Ok(Some(object)))).collect(),
        access: questions.access.into_iter().map(|question| (question, Ok(true))).collect(),
        who: "ada".into(),
        ..Answers::default()
    };
    (world, uid, answers)
}

fn hold(policy: &str, held: Option<&str>, options: &Options) -> Result<Plan, Refusal> {
    let (world, uid, answers) = copy(policy, held);
    plan(&world, &uid, &answers, options, OperationId::new(now(), [0; 4]), now())
}

fn for_an_audit() -> Options {
    Options { reason: Some("audit".into()), until: None }
}

fn steps(plan: &Plan) -> Vec<&str> {
    plan.steps().into_iter().map(|step| step.id.0.as_str()).collect()
}

#[test]
fn the_record_comes_before_the_change_and_goes_after_it_was_taken_back() {
    let held = hold("Delete", None, &for_an_audit()).unwrap();
    assert_eq!(steps(&held), ["annotate", "policy"]);
    let Act::Patch { patch, .. } = &held.steps()[0].act else { panic!("{held:?}") };
    let written = patch[0]["value"]["holdfast.dev/hold"].as_str().unwrap();
    let expected = Hold { reason: "audit".into(), by: Some("ada".into()), until: None, policy: Some("Delete".into()) };
    assert_eq!(Hold::parse(written), expected);

    let (world, uid, answers) = copy("Retain", Some(written));
    let released = release(&world, &uid, &answers, OperationId::new(now(), [0; 4]), now()).unwrap();
    assert_eq!(steps(&released), ["policy", "annotate"]);
}

#[test]
fn what_was_retained_before_stays_so() {
    let held = hold("Retain", None, &for_an_audit()).unwrap();
    assert_eq!(steps(&held), ["annotate"]);
    for note in [r#"{"reason":"audit","policy":"Retain"}"#, "by hand"] {
        let (world, uid, answers) = copy("Retain", Some(note));
        let released = release(&world, &uid, &answers, OperationId::new(now(), [0; 4]), now()).unwrap();
        assert_eq!(steps(&released), ["annotate"]);
    }
}

#[test]
fn a_hold_after_one_that_ended_remembers_what_was_before_both() {
    let ended = r#"{"reason":"first","until":"2026-01-01T00:00:00Z","policy":"Delete"}"#;
    let again = hold("Retain", Some(ended), &for_an_audit()).unwrap();
    let Act::Patch { patch, .. } = &again.steps()[0].act else { panic!("{again:?}") };
    assert_eq!(Hold::parse(patch[0]["value"].as_str().unwrap()).policy.as_deref(), Some("Delete"));
}

#[rstest]
#[case::no_reason(None, Options::default(), "a hold says why")]
#[case::over(None, Options { until: Some(ago(1)), ..for_an_audit() }, "its end has passed already")]
#[case::held(Some("by hand"), for_an_audit(), "it is held already: by hand")]
fn what_makes_no_sense_is_refused(#[case] held: Option<&str>, #[case] options: Options, #[case] why: &str) {
    assert_eq!(hold("Delete", held, &options).unwrap_err().why, why);
}

#[test]
fn what_is_not_held_is_not_released() {
    let (world, uid, answers) = copy("Retain", None);
    let refused = release(&world, &uid, &answers, OperationId::new(now(), [0; 4]), now()).unwrap_err();
    assert_eq!(refused.why, "it is not held");
}
