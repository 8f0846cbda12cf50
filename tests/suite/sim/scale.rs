//! Ten thousand objects: loading and paging stay quick, and what was loaded finished stays as it is.

use std::time::Instant;

use holdfast::sim::{Options, Sim, seed};
use kube::api::{DeleteParams, ListParams, PostParams};

use super::{api, bare, code, snapshot, text};

#[tokio::test]
async fn ten_thousand_objects_load_and_page() {
    let sim = bare().await;
    let start = Instant::now();
    sim.load(seed::fleet("default", 2_500)).unwrap();
    println!("10,000 objects loaded in {:?}", start.elapsed());
    let start = Instant::now();
    let claims = api(&sim, "v1", "PersistentVolumeClaim", "default").await;
    let (mut seen, mut token) = (0, None);
    loop {
        let params = ListParams { continue_token: token, ..ListParams::default().limit(100) };
        let page = claims.list(&params).await.unwrap();
        seen += page.items.len();
        token = page.metadata.continue_;
        if token.is_none() {
            break;
        }
    }
    println!("2,500 claims listed in {:?}", start.elapsed());
    assert_eq!(seen, 2_500);
}

#[tokio::test]
async fn controllers_find_nothing_to_do_on_a_loaded_fleet_but_serve_it() {
    let mut objects = seed::shop().unwrap();
    objects.extend(seed::fleet("batch", 5));
    let sim = Sim::start(Options { seed: objects, ..Options::default() }).unwrap();
    sim.settle().await;
    let claims = api(&sim, "v1", "PersistentVolumeClaim", "batch").await;
    let loaded = claims.get("data-00003").await.unwrap();
    let created = text(&loaded, "/metadata/resourceVersion").parse::<u64>().unwrap();
    assert!(created < 250, "it was written again: {created}");
    let snapshots = api(&sim, "snapshot.storage.k8s.io/v1", "VolumeSnapshot", "batch").await;
    snapshots.create(&PostParams::default(), &super::object(snapshot("batch", "now", "data-00003"))).await.unwrap();
    sim.settle().await;
    assert_eq!(snapshots.get("now").await.unwrap().data["status"]["readyToUse"], true);
    snapshots.delete("data-00003-nightly", &DeleteParams::default()).await.unwrap();
    sim.settle().await;
    assert_eq!(code(snapshots.get("data-00003-nightly").await), 404);
}
