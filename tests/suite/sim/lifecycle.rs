//! Objects that depend on others: owners, finalizers, protections, workloads, namespaces.

use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::json;

use super::{api, claim, cluster_api, code, config_map, object, shop, text};

#[tokio::test]
async fn a_finalizer_holds_an_object_until_it_is_removed() {
    let sim = shop().await;
    let maps = api(&sim, "v1", "ConfigMap", "default").await;
    let mut map = config_map("a");
    map["metadata"]["finalizers"] = json!(["holdfast.dev/test"]);
    maps.create(&PostParams::default(), &object(map)).await.unwrap();
    maps.delete("a", &DeleteParams::default()).await.unwrap();
    assert!(maps.get("a").await.unwrap().metadata.deletion_timestamp.is_some());
    let more = Patch::Merge(json!({"metadata": {"finalizers": ["holdfast.dev/test", "holdfast.dev/more"]}}));
    assert_eq!(code(maps.patch("a", &PatchParams::default(), &more).await), 422);
    let none = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    maps.patch("a", &PatchParams::default(), &none).await.unwrap();
    assert_eq!(code(maps.get("a").await), 404);
}

#[tokio::test]
async fn dependents_go_with_their_owner_or_are_orphaned() {
    let sim = shop().await;
    let maps = api(&sim, "v1", "ConfigMap", "default").await;
    for (owner, params) in
        [("o1", DeleteParams::background()), ("o2", DeleteParams::foreground()), ("o3", DeleteParams::orphan())]
    {
        let made = maps.create(&PostParams::default(), &object(config_map(owner))).await.unwrap();
        let mut dependent = config_map(&format!("{owner}-child"));
        dependent["metadata"]["ownerReferences"] =
            json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": owner, "uid": made.metadata.uid}]);
        maps.create(&PostParams::default(), &object(dependent)).await.unwrap();
        maps.delete(owner, &params).await.unwrap();
    }
    sim.settle().await;
    for gone in ["o1", "o2", "o3", "o1-child", "o2-child"] {
        assert_eq!(code(maps.get(gone).await), 404, "{gone}");
    }
    assert!(maps.get("o3-child").await.unwrap().metadata.owner_references.unwrap_or_default().is_empty());
}

#[tokio::test]
async fn a_claim_in_use_waits_for_its_pod_and_a_deleted_volume_takes_its_bytes() {
    let sim = shop().await;
    let claims = api(&sim, "v1", "PersistentVolumeClaim", "shop").await;
    let volume = text(&claims.get("data-db-0").await.unwrap(), "/spec/volumeName");
    sim.volumes().write(&volume, "x", "y");
    claims.delete("data-db-0", &DeleteParams::default()).await.unwrap();
    sim.settle().await;
    assert!(claims.get("data-db-0").await.is_ok());
    let sets = api(&sim, "apps/v1", "StatefulSet", "shop").await;
    sets.patch_scale("db", &PatchParams::default(), &Patch::Merge(json!({"spec": {"replicas": 0}}))).await.unwrap();
    sim.settle().await;
    assert_eq!(code(claims.get("data-db-0").await), 404);
    assert_eq!(code(cluster_api(&sim, "v1", "PersistentVolume").await.get(&volume).await), 404);
    assert!(sim.volumes().read(&volume, "x").is_none());
}

#[tokio::test]
async fn a_retained_volume_is_released_and_can_be_bound_again() {
    let sim = shop().await;
    let claims = api(&sim, "v1", "PersistentVolumeClaim", "batch").await;
    claims.create(&PostParams::default(), &object(claim("batch", "a", "shared"))).await.unwrap();
    sim.settle().await;
    let volume = text(&claims.get("a").await.unwrap(), "/spec/volumeName");
    sim.volumes().write(&volume, "x", "y");
    claims.delete("a", &DeleteParams::default()).await.unwrap();
    sim.settle().await;
    let volumes = cluster_api(&sim, "v1", "PersistentVolume").await;
    assert_eq!(text(&volumes.get(&volume).await.unwrap(), "/status/phase"), "Released");
    let reserve =
        json!({"spec": {"claimRef": {"name": "b", "namespace": "batch", "uid": null, "resourceVersion": null}}});
    volumes.patch(&volume, &PatchParams::default(), &Patch::Merge(reserve)).await.unwrap();
    let mut wish = claim("batch", "b", "shared");
    wish["spec"]["volumeName"] = volume.as_str().into();
    claims.create(&PostParams::default(), &object(wish)).await.unwrap();
    sim.settle().await;
    assert_eq!(text(&claims.get("b").await.unwrap(), "/status/phase"), "Bound");
    assert_eq!(text(&volumes.get(&volume).await.unwrap(), "/status/phase"), "Bound");
    assert_eq!(sim.volumes().read(&volume, "x").unwrap(), b"y");
}

#[tokio::test]
async fn workloads_keep_their_pods_and_stateful_ones_their_claims() {
    let sim = shop().await;
    let pods = api(&sim, "v1", "Pod", "shop").await;
    let before = pods.get("cache-1").await.unwrap().metadata.uid;
    pods.delete("cache-1", &DeleteParams::default()).await.unwrap();
    sim.settle().await;
    let again = pods.get("cache-1").await.unwrap();
    assert!(again.metadata.uid != before && text(&again, "/status/phase") == "Running");
    let sets = api(&sim, "apps/v1", "StatefulSet", "shop").await;
    sets.patch_scale("cache", &PatchParams::default(), &Patch::Merge(json!({"spec": {"replicas": 3}}))).await.unwrap();
    sim.settle().await;
    assert_eq!(sets.get("cache").await.unwrap().data["status"]["readyReplicas"], json!(3));
    sets.patch_scale("cache", &PatchParams::default(), &Patch::Merge(json!({"spec": {"replicas": 1}}))).await.unwrap();
    sim.settle().await;
    assert_eq!(code(pods.get("cache-1").await), 404);
    let claims = api(&sim, "v1", "PersistentVolumeClaim", "shop").await;
    assert_eq!(text(&claims.get("data-cache-2").await.unwrap(), "/metadata/labels/app"), "cache");
}

#[tokio::test]
async fn a_new_template_rolls_both_kinds_of_workload() {
    let sim = shop().await;
    let image = |name: &str, image: &str| {
        let container = json!([{"name": name, "image": image}]);
        Patch::Merge(json!({"spec": {"template": {"spec": {"containers": container}}}}))
    };
    let deployments = api(&sim, "apps/v1", "Deployment", "shop").await;
    deployments.patch("web", &PatchParams::default(), &image("web", "registry.shop.example/web:3")).await.unwrap();
    let sets = api(&sim, "apps/v1", "StatefulSet", "shop").await;
    sets.patch("cache", &PatchParams::default(), &image("redis", "registry.shop.example/redis:8")).await.unwrap();
    sim.settle().await;
    let pods = api(&sim, "v1", "Pod", "shop").await.list(&ListParams::default()).await.unwrap();
    let images: Vec<_> = pods.items.iter().map(|pod| text(pod, "/status/containerStatuses/0/image")).collect();
    assert_eq!(images.iter().filter(|image| image.ends_with("web:3")).count(), 2);
    assert_eq!(images.iter().filter(|image| image.ends_with("redis:8")).count(), 2);
    let set = sets.get("cache").await.unwrap();
    assert_eq!(text(&set, "/status/currentRevision"), text(&set, "/status/updateRevision"));
}

#[tokio::test]
async fn volumes_are_attached_where_their_pods_are() {
    let sim = shop().await;
    let attachments = cluster_api(&sim, "storage.k8s.io/v1", "VolumeAttachment").await;
    let count = async || attachments.list(&ListParams::default()).await.unwrap().items.len();
    assert_eq!(count().await, 3);
    let sets = api(&sim, "apps/v1", "StatefulSet", "shop").await;
    sets.patch_scale("db", &PatchParams::default(), &Patch::Merge(json!({"spec": {"replicas": 0}}))).await.unwrap();
    sim.settle().await;
    assert_eq!(count().await, 2);
}

#[tokio::test]
async fn a_deleted_namespace_is_emptied_takes_nothing_new_and_goes() {
    let sim = shop().await;
    let namespaces = cluster_api(&sim, "v1", "Namespace").await;
    namespaces.delete("shop", &DeleteParams::default()).await.unwrap();
    sim.settle().await;
    assert_eq!(code(namespaces.get("shop").await), 404);
    let contents = cluster_api(&sim, "snapshot.storage.k8s.io/v1", "VolumeSnapshotContent").await;
    assert!(contents.list(&ListParams::default()).await.unwrap().items.is_empty());
    assert!(cluster_api(&sim, "v1", "Pod").await.list(&ListParams::default()).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn a_job_runs_its_pods_to_the_end() {
    let sim = shop().await;
    let job = json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "check"},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "busybox:1"}]}}},
    });
    let jobs = api(&sim, "batch/v1", "Job", "batch").await;
    jobs.create(&PostParams::default(), &object(job)).await.unwrap();
    sim.settle().await;
    assert_eq!(jobs.get("check").await.unwrap().data["status"]["succeeded"], json!(1));
}

#[tokio::test]
async fn a_claim_that_waits_for_its_first_consumer_is_bound_when_a_pod_comes() {
    let sim = shop().await;
    let class = json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "late"},
        "provisioner": "block.csi.holdfast.dev", "volumeBindingMode": "WaitForFirstConsumer",
    });
    cluster_api(&sim, "storage.k8s.io/v1", "StorageClass")
        .await
        .create(&PostParams::default(), &object(class))
        .await
        .unwrap();
    let claims = api(&sim, "v1", "PersistentVolumeClaim", "batch").await;
    claims.create(&PostParams::default(), &object(claim("batch", "late", "late"))).await.unwrap();
    sim.settle().await;
    assert_eq!(text(&claims.get("late").await.unwrap(), "/status/phase"), "Pending");
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "image": "i"}], "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "late"}}]},
    });
    let pods = api(&sim, "v1", "Pod", "batch").await;
    pods.create(&PostParams::default(), &object(pod)).await.unwrap();
    sim.settle().await;
    assert_eq!(text(&claims.get("late").await.unwrap(), "/status/phase"), "Bound");
    assert_eq!(text(&pods.get("p").await.unwrap(), "/status/phase"), "Running");
}
