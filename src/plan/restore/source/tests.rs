use rstest::rstest;
use serde_json::json;

use super::super::testing::{answers, at, claim_at, content_at, pvc, vs, vsc, with, world};
use super::*;
use crate::assess::testing::ago;

fn read(answers: &Answers) -> Result<Source, Refusal> {
    source(Verb::Backup, &world(), answers, &at())
}

#[test]
fn what_is_read_leads_from_the_snapshot_to_its_content_and_its_claim() {
    assert_eq!(reads(&at(), &Answers::default()), [at()]);
    assert_eq!(reads(&at(), &answers(Some(vs()), None, None)), [at(), content_at(), claim_at()]);
}

#[test]
fn a_good_restore_point_says_all_that_a_restore_needs() {
    let source = read(&answers(Some(vs()), Some(vsc()), Some(pvc()))).unwrap();
    assert_eq!((source.driver.as_str(), source.handle.as_str()), ("csi.example", "snap-1"));
    assert_eq!((source.cut, source.restore_size, source.block), (ago(60), Some(1 << 30), Some(false)));
    assert_eq!((source.lineage, source.deletion), (Some("uid-data".into()), DeletionPolicy::Delete));
    assert_eq!(source.template.origin, Origin::Live { name: "data".into(), uid: "uid-data".into() });
    assert_eq!(source.doubt, None);
}

#[rstest]
#[case::gone(None, Some(vsc()), "it was deleted meanwhile")]
#[case::content_gone(Some(vs()), None, "it is Mismatched: its content content-copy does not exist")]
#[case::not_ready(Some(with(vs(), "/status/readyToUse", json!(false))), Some(vsc()), "it is NotReady")]
#[case::not_said(Some(with(vs(), "/status/readyToUse", Value::Null)), Some(vsc()), "it is Unknown")]
#[case::being_deleted(
    Some(with(vs(), "/metadata/deletionTimestamp", json!("2026-03-01T00:00:00Z"))),
    Some(vsc()),
    "it is Deleting"
)]
#[case::content_being_deleted(
    Some(vs()),
    Some(with(vsc(), "/metadata/deletionTimestamp", json!("2026-03-01T00:00:00Z"))),
    "it is Deleting: its content"
)]
#[case::bound_elsewhere(
    Some(vs()),
    Some(with(vsc(), "/spec/volumeSnapshotRef/uid", json!("uid-other"))),
    "belongs to another snapshot"
)]
#[case::no_handle(Some(vs()), Some(with(vsc(), "/status/snapshotHandle", Value::Null)), "no snapshot handle")]
#[case::failed_on_the_content(
    Some(with(vs(), "/status/readyToUse", json!(false))),
    Some(with(vsc(), "/status/error", json!({ "message": "no space" }))),
    "error on the content: no space"
)]
fn what_cannot_be_restored_from_is_refused_by_its_fresh_state(
    #[case] vs: Option<Value>,
    #[case] vsc: Option<Value>,
    #[case] why: &str,
) {
    let refusal = read(&answers(vs, vsc, Some(pvc()))).unwrap_err();
    assert!(refusal.why.contains(why), "{refusal}");
    assert!(!refusal.clear.is_empty());
}

#[test]
fn what_could_not_be_read_is_not_taken_for_absent() {
    for missing in [at(), content_at(), claim_at()] {
        let mut answers = answers(Some(vs()), Some(vsc()), Some(pvc()));
        answers.objects.insert(missing, Err("timed out".into()));
        assert!(read(&answers).unwrap_err().why.contains("timed out"));
    }
}

#[rstest]
#[case::absent(Value::Null, Value::Null, None)]
#[case::zero(json!("0"), json!(0), None)]
#[case::odd(json!("61743560"), Value::Null, Some(61_743_560))]
#[case::the_larger(json!("1Gi"), json!(2_147_483_648_u64), Some(2 << 30))]
fn the_restore_size_is_whatever_a_driver_made_of_it(
    #[case] on_snapshot: Value,
    #[case] on_content: Value,
    #[case] size: Option<u64>,
) {
    let (vs, vsc) = (with(vs(), "/status/restoreSize", on_snapshot), with(vsc(), "/status/restoreSize", on_content));
    assert_eq!(read(&answers(Some(vs), Some(vsc), Some(pvc()))).unwrap().restore_size, size);
}

#[test]
fn an_import_is_restorable_in_doubt() {
    let vsc = with(vsc(), "/spec/source", json!({ "snapshotHandle": "snap-1" }));
    let source = read(&answers(Some(vs()), Some(vsc), Some(pvc()))).unwrap();
    assert!(source.doubt.unwrap().contains("imported by its handle"));
}

#[rstest]
#[case::it_lives(Some(pvc()), true, Origin::Live { name: "data".into(), uid: "uid-data".into() })]
#[case::another_has_its_name(Some(with(pvc(), "/metadata/uid", json!("uid-new"))), true, Origin::Recorded)]
#[case::another_and_nothing_recorded(
    Some(with(pvc(), "/metadata/uid", json!("uid-new"))),
    false,
    Origin::Namesake { name: "data".into() }
)]
#[case::gone(None, true, Origin::Recorded)]
#[case::gone_and_nothing_recorded(None, false, Origin::Unknown)]
fn what_the_claim_looked_like_comes_from_where_it_is_surest(
    #[case] pvc: Option<Value>,
    #[case] recorded: bool,
    #[case] origin: Origin,
) {
    let noted = json!({ annotation::CLAIM_SPEC: r#"{"storageClassName":"slow"}"# });
    let vs = if recorded { with(vs(), "/metadata/annotations", noted) } else { vs() };
    let template = read(&answers(Some(vs), Some(vsc()), pvc)).unwrap().template;
    assert_eq!(template.spec["storageClassName"] == "slow", origin == Origin::Recorded);
    assert_eq!(template.origin, origin);
}
