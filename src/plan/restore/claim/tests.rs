use rstest::rstest;
use serde_json::json;

use super::super::source::source;
use super::super::testing::{answers, at, pvc, vs, vsc, with, world};
use super::*;
use crate::assess::testing::now;

fn good(vs: Value, vsc: Value, pvc: Option<Value>) -> Source {
    source(Verb::Backup, &world(), &answers(Some(vs), Some(vsc), pvc), &at()).unwrap()
}

fn made(source: &Source, wish: &Wish<'_>) -> Result<Claim, Refusal> {
    claim(Verb::Backup, &world(), source, wish, &OperationId::new(now(), [0, 0, 0, 7]))
}

fn wish() -> Wish<'static> {
    Wish { name: "data-restore-00000007", ..Wish::default() }
}

#[test]
fn the_manifest_says_what_a_new_claim_may_say_and_no_more() {
    let claim = made(&good(vs(), vsc(), Some(pvc())), &wish()).unwrap();
    assert_eq!(
        claim.manifest,
        json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {
                "name": "data-restore-00000007", "namespace": "shop",
                "labels": { "app.kubernetes.io/managed-by": "holdfast" },
                "annotations": {
                    "holdfast.dev/operation": "20260301-120000-00000007", "holdfast.dev/lineage": "uid-data",
                    "holdfast.dev/restored-from": "shop/copy", "holdfast.dev/restored-cut": "2026-03-01T11:00:00Z",
                },
            },
            "spec": {
                "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } },
                "storageClassName": "fast", "volumeMode": "Filesystem",
                "dataSource": { "apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "copy" },
                "dataSourceRef": { "apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "copy" },
            },
        })
    );
    assert_eq!(claim.warnings, Vec::<String>::new());
}

#[rstest]
#[case::all_the_same("1Gi", "1Gi", "1Gi", None, Ok("1Gi"))]
#[case::not_said("0", "1Gi", "1Gi", None, Ok("1Gi"))]
#[case::larger_than_the_request("3Gi", "1Gi", "1Gi", None, Ok("3Gi"))]
#[case::smaller_than_the_request("61743560", "64Mi", "64Mi", None, Ok("64Mi"))]
#[case::the_volume_was_larger("1Gi", "1Gi", "2Gi", None, Ok("2Gi"))]
#[case::odd("61743560", "1Mi", "1Mi", None, Ok("61743560"))]
#[case::larger_is_asked_for("1Gi", "1Gi", "1Gi", Some(5 << 30), Ok("5Gi"))]
#[case::smaller_is_asked_for("1Gi", "1Gi", "1Gi", Some(1 << 20), Err("1Mi are too small: what was cut needs 1Gi"))]
fn the_size_holds_whatever_was_cut(
    #[case] restore: &str,
    #[case] requested: &str,
    #[case] capacity: &str,
    #[case] asked: Option<u64>,
    #[case] size: Result<&str, &str>,
) {
    let vs = with(vs(), "/status/restoreSize", json!(restore));
    let vsc = with(vsc(), "/status/restoreSize", Value::Null);
    let pvc = with(pvc(), "/spec/resources/requests/storage", json!(requested));
    let pvc = with(pvc, "/status/capacity/storage", json!(capacity));
    let made = made(&good(vs, vsc, Some(pvc)), &Wish { size: asked, ..wish() });
    let said = made.as_ref().map(|claim| &claim.manifest["spec"]["resources"]["requests"]["storage"]);
    match size {
        Ok(size) => assert_eq!(said.unwrap(), size),
        Err(why) => assert_eq!(said.unwrap_err().why, why),
    }
}

#[rstest]
#[case::as_it_was(Some("fast"), None, Ok("fast"))]
#[case::another_of_the_driver(Some("fast"), Some("slow"), Ok("slow"))]
#[case::of_another_driver(Some("fast"), Some("nfs"), Err("StorageClass nfs is for driver nfs.csi"))]
#[case::missing(Some("gone"), None, Err("there is no StorageClass gone"))]
#[case::missing_but_chosen(Some("gone"), Some("slow"), Ok("slow"))]
#[case::not_known(None, None, Err("which StorageClass its volume had is not known"))]
fn the_class_is_of_the_copys_driver(
    #[case] former: Option<&str>,
    #[case] asked: Option<&str>,
    #[case] expected: Result<&str, &str>,
) {
    let source = good(vs(), vsc(), Some(with(pvc(), "/spec/storageClassName", json!(former))));
    match (made(&source, &Wish { class: asked, ..wish() }), expected) {
        (Ok(claim), Ok(class)) => assert_eq!(claim.class, class),
        (Err(refusal), Err(why)) => {
            assert!(refusal.why.contains(why), "{refusal}");
            assert!(refusal.clear.contains("fast and slow"), "{}", refusal.clear);
        }
        (made, _) => panic!("{made:?}"),
    }
}

#[rstest]
#[case::both_files(Some("Filesystem"), "Filesystem", false, Ok(false))]
#[case::both_blocks(Some("Block"), "Block", false, Ok(true))]
#[case::not_recorded(None, "Block", false, Ok(true))]
#[case::files_from_blocks(Some("Block"), "Filesystem", false, Err("a Block volume was cut"))]
#[case::blocks_from_files(Some("Filesystem"), "Block", false, Err("a Filesystem volume was cut"))]
#[case::allowed(Some("Filesystem"), "Block", true, Ok(true))]
fn the_volume_mode_is_the_one_that_was_cut(
    #[case] cut: Option<&str>,
    #[case] claimed: &str,
    #[case] allowed: bool,
    #[case] expected: Result<bool, &str>,
) {
    let vsc = with(vsc(), "/spec/sourceVolumeMode", json!(cut));
    let note = json!({ "snapshot.storage.kubernetes.io/allow-volume-mode-change": allowed.to_string() });
    let vsc = with(vsc, "/metadata/annotations", note);
    match (made(&good(vs(), vsc, Some(with(pvc(), "/spec/volumeMode", json!(claimed)))), &wish()), expected) {
        (Ok(claim), Ok(block)) => assert_eq!(claim.block, block),
        (Err(refusal), Err(why)) => assert!(refusal.why.contains(why), "{refusal}"),
        (made, _) => panic!("{made:?}"),
    }
}

#[test]
fn of_an_import_of_which_nothing_is_known_only_the_size_has_to_be_said() {
    let mut source = good(vs(), with(vsc(), "/status/restoreSize", Value::Null), None);
    source.restore_size = None;
    let chosen = Wish { class: Some("slow"), ..wish() };
    let refusal = made(&source, &chosen).unwrap_err();
    assert!(refusal.why.contains("how large its volume was is not known"), "{refusal}");
    let claim = made(&source, &Wish { size: Some(1 << 30), ..chosen }).unwrap();
    assert_eq!(claim.access_modes, ["ReadWriteOnce"]);
    assert!(claim.warnings.iter().any(|warning| warning.contains("ReadWriteOnce is asked for")), "{claim:?}");
}

#[test]
fn labels_and_attributes_come_along_only_where_they_belong() {
    let pvc = with(pvc(), "/spec/volumeAttributesClassName", json!("gold"));
    let source = good(vs(), vsc(), Some(pvc));
    let labels = source.template.labels.clone();
    let same = made(&source, &Wish { labels, ..wish() }).unwrap().manifest;
    assert_eq!(
        (&same["metadata"]["labels"]["app"], &same["spec"]["volumeAttributesClassName"]),
        (&json!("db"), &json!("gold"))
    );
    let other = made(&source, &Wish { class: Some("slow"), ..wish() }).unwrap().manifest;
    assert!(
        other["metadata"]["labels"].get("app").is_none() && other["spec"].get("volumeAttributesClassName").is_none()
    );
}
