//! Lists, pages and selectors.

use kube::api::ListParams;
use serde_json::json;

use super::{api, bare, code, config_map, shop};

#[tokio::test]
async fn pages_show_one_moment_and_expire_with_compaction() {
    let sim = bare().await;
    sim.load((0..5).map(|n| config_map(&format!("c{n}"))).collect()).unwrap();
    let maps = api(&sim, "v1", "ConfigMap", "default").await;
    let first = maps.list(&ListParams::default().limit(2)).await.unwrap();
    assert_eq!(first.metadata.remaining_item_count, Some(3));
    sim.load(vec![config_map("c00")]).unwrap();
    let token = first.metadata.continue_.unwrap();
    let rest = maps.list(&ListParams::default().limit(10).continue_token(&token)).await.unwrap();
    let names: Vec<_> = rest.items.iter().filter_map(|map| map.metadata.name.clone()).collect();
    assert_eq!(names, ["c2", "c3", "c4"]);
    assert_eq!(rest.metadata.resource_version, first.metadata.resource_version);
    sim.compact();
    assert_eq!(code(maps.list(&ListParams::default().continue_token(&token)).await), 410);
}

#[tokio::test]
async fn selectors_pick_objects_and_unknown_fields_are_refused() {
    let sim = shop().await;
    let pods = api(&sim, "v1", "Pod", "shop").await;
    let count = async |params: ListParams| pods.list(&params).await.unwrap().items.len();
    assert_eq!(count(ListParams::default()).await, 5);
    assert_eq!(count(ListParams::default().labels("app in (db, web)")).await, 3);
    assert_eq!(count(ListParams::default().fields("metadata.name=db-0")).await, 1);
    assert_eq!(code(pods.list(&ListParams::default().fields("spec.hostIP=x")).await), 400);
    let secrets = api(&sim, "v1", "Secret", "shop").await;
    let tls = secrets.list(&ListParams::default().fields("type=kubernetes.io/tls")).await.unwrap();
    assert!(tls.items.iter().all(|secret| secret.data["type"] == json!("kubernetes.io/tls")) && tls.items.len() >= 3);
}

#[tokio::test]
async fn a_future_resource_version_is_a_timeout_and_an_old_exact_one_is_gone() {
    let sim = bare().await;
    let maps = api(&sim, "v1", "ConfigMap", "default").await;
    assert_eq!(
        code(maps.list(&ListParams::default().at("999999").matching(kube::api::VersionMatch::NotOlderThan)).await),
        504
    );
    assert_eq!(code(maps.list(&ListParams::default().at("1").matching(kube::api::VersionMatch::Exact)).await), 410);
}
