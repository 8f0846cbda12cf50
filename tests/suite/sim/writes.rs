//! Writes: names, conflicts, preconditions, patches, dry runs.

use json_patch::Patch as JsonPatch;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions};
use serde_json::json;

use super::{api, bare, claim, cluster_api, code, config_map, object, shop, text};

#[tokio::test]
async fn a_create_fills_in_what_the_server_owns_and_refuses_a_second_one() {
    let sim = bare().await;
    let maps = api(&sim, "v1", "ConfigMap", "default").await;
    let made = maps.create(&PostParams::default(), &object(config_map("a"))).await.unwrap();
    assert_eq!(made.metadata.uid.as_ref().unwrap().len(), 36);
    assert!(made.metadata.creation_timestamp.is_some() && made.metadata.resource_version.is_some());
    assert_eq!(code(maps.create(&PostParams::default(), &object(config_map("a"))).await), 409);
    for bad in ["A", "../x", "a_b"] {
        assert_eq!(code(maps.create(&PostParams::default(), &object(config_map(bad))).await), 422, "{bad}");
    }
    let mut nowhere = config_map("a");
    nowhere["metadata"]["namespace"] = "nowhere".into();
    let nowhere_maps = api(&sim, "v1", "ConfigMap", "nowhere").await;
    assert_eq!(code(nowhere_maps.create(&PostParams::default(), &object(nowhere)).await), 404);
}

#[tokio::test]
async fn generated_names_are_unique() {
    let sim = bare().await;
    let maps = api(&sim, "v1", "ConfigMap", "default").await;
    let wish = object(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "op-"}}));
    let one = maps.create(&PostParams::default(), &wish).await.unwrap().metadata.name.unwrap();
    let two = maps.create(&PostParams::default(), &wish).await.unwrap().metadata.name.unwrap();
    assert!(one.starts_with("op-") && one.len() == 8 && one != two);
}

#[tokio::test]
async fn a_stale_update_is_a_conflict_and_an_equal_one_changes_nothing() {
    let sim = bare().await;
    let maps = api(&sim, "v1", "ConfigMap", "default").await;
    let first = maps.create(&PostParams::default(), &object(config_map("a"))).await.unwrap();
    let same = maps.replace("a", &PostParams::default(), &first).await.unwrap();
    assert_eq!(same.metadata.resource_version, first.metadata.resource_version);
    let mut changed = first.clone();
    changed.data["data"]["a"] = "2".into();
    maps.replace("a", &PostParams::default(), &changed).await.unwrap();
    assert_eq!(code(maps.replace("a", &PostParams::default(), &changed).await), 409);
}

#[tokio::test]
async fn deletion_preconditions_guard_against_the_wrong_object() {
    let sim = bare().await;
    let maps = api(&sim, "v1", "ConfigMap", "default").await;
    let made = maps.create(&PostParams::default(), &object(config_map("a"))).await.unwrap();
    let guarded = |uid: &str, version: Option<String>| {
        DeleteParams::default().preconditions(Preconditions { uid: Some(uid.to_owned()), resource_version: version })
    };
    assert_eq!(code(maps.delete("a", &guarded("other", None)).await), 409);
    let uid = made.metadata.uid.unwrap();
    assert_eq!(code(maps.delete("a", &guarded(&uid, Some("1".to_owned()))).await), 409);
    let status = maps.delete("a", &guarded(&uid, made.metadata.resource_version)).await.unwrap();
    assert!(status.is_right());
    assert_eq!(code(maps.get("a").await), 404);
}

#[tokio::test]
async fn a_dry_run_answers_as_if_and_keeps_nothing() {
    let sim = bare().await;
    let maps = api(&sim, "v1", "ConfigMap", "default").await;
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    let version = maps.list(&ListParams::default()).await.unwrap().metadata.resource_version;
    assert_eq!(text(&maps.create(&dry, &object(config_map("a"))).await.unwrap(), "/data/a"), "1");
    assert_eq!(code(maps.get("a").await), 404);
    maps.create(&PostParams::default(), &object(config_map("b"))).await.unwrap();
    maps.delete("b", &DeleteParams::default().dry_run()).await.unwrap();
    assert!(maps.get("b").await.is_ok());
    assert_eq!(code(maps.create(&dry, &object(config_map("b"))).await), 409);
    assert_ne!(maps.list(&ListParams::default()).await.unwrap().metadata.resource_version, version);
}

#[tokio::test]
async fn json_patches_test_and_merge_patches_remove_and_apply_creates() {
    let sim = bare().await;
    let maps = api(&sim, "v1", "ConfigMap", "default").await;
    let apply = Patch::Apply(config_map("a"));
    let made = maps.patch("a", &PatchParams::apply("test"), &apply).await.unwrap();
    let tested = |uid: &str| {
        let operations = json!([{"op": "test", "path": "/metadata/uid", "value": uid}, {"op": "add", "path": "/data/b", "value": "2"}]);
        Patch::Json::<()>(serde_json::from_value::<JsonPatch>(operations).unwrap())
    };
    assert_eq!(code(maps.patch("a", &PatchParams::default(), &tested("other")).await), 422);
    let patched = maps.patch("a", &PatchParams::default(), &tested(&made.metadata.uid.unwrap())).await.unwrap();
    assert_eq!(text(&patched, "/data/b"), "2");
    let merged = maps.patch("a", &PatchParams::default(), &Patch::Merge(json!({"data": {"a": null}}))).await.unwrap();
    assert_eq!(merged.data["data"], json!({"b": "2"}));
    let stale =
        Patch::Merge(json!({"metadata": {"resourceVersion": made.metadata.resource_version}, "data": {"c": "3"}}));
    assert_eq!(code(maps.patch("a", &PatchParams::default(), &stale).await), 409);
    assert_eq!(code(maps.patch("a", &PatchParams::default(), &Patch::Strategic(json!({"data": {}}))).await), 415);
}

#[tokio::test]
async fn fields_that_never_change_are_defended() {
    let sim = shop().await;
    let claims = api(&sim, "v1", "PersistentVolumeClaim", "shop").await;
    let patch = |value| Patch::Merge(value);
    let params = PatchParams::default();
    assert_eq!(code(claims.patch("data-db-0", &params, &patch(json!({"spec": {"volumeName": "x"}}))).await), 422);
    let bigger = json!({"spec": {"resources": {"requests": {"storage": "9Gi"}}}});
    assert_eq!(code(claims.patch("data-db-0", &params, &patch(bigger)).await), 403);
    let snapshots = api(&sim, "snapshot.storage.k8s.io/v1", "VolumeSnapshot", "shop").await;
    let moved = json!({"spec": {"source": {"persistentVolumeClaimName": "uploads"}}});
    assert_eq!(code(snapshots.patch("db-before-migration", &params, &patch(moved)).await), 422);
}

#[tokio::test]
async fn status_and_wish_are_written_apart() {
    let sim = bare().await;
    let claims = api(&sim, "v1", "PersistentVolumeClaim", "default").await;
    let mut wish = claim("default", "a", "none");
    wish["status"] = json!({"phase": "Bound"});
    let made = claims.create(&PostParams::default(), &object(wish)).await.unwrap();
    assert_eq!(text(&made, "/status/phase"), "Pending");
    let status = json!({"status": {"phase": "Lost"}, "metadata": {"labels": {"no": "no"}}});
    let patched = claims.patch_status("a", &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
    assert_eq!(text(&patched, "/status/phase"), "Lost");
    assert!(patched.metadata.labels.is_none());
}

#[tokio::test]
async fn a_quota_refuses_what_does_not_fit() {
    let sim = bare().await;
    let quotas = api(&sim, "v1", "ResourceQuota", "default").await;
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": {"count/configmaps": "1", "requests.storage": "1500Mi"}},
    });
    quotas.create(&PostParams::default(), &object(quota)).await.unwrap();
    let maps = api(&sim, "v1", "ConfigMap", "default").await;
    maps.create(&PostParams::default(), &object(config_map("a"))).await.unwrap();
    assert_eq!(code(maps.create(&PostParams::default(), &object(config_map("b"))).await), 403);
    let claims = api(&sim, "v1", "PersistentVolumeClaim", "default").await;
    claims.create(&PostParams::default(), &object(claim("default", "a", "x"))).await.unwrap();
    assert_eq!(code(claims.create(&PostParams::default(), &object(claim("default", "b", "x"))).await), 403);
}

#[tokio::test]
async fn absent_groups_are_not_found() {
    let sim = bare().await;
    let backups = cluster_api(&sim, "velero.io/v1", "Backup").await;
    assert_eq!(code(backups.list(&ListParams::default()).await), 404);
}
