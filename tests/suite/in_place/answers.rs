//! What the API server answers, or does not, at every step of an in-place restore: what passes is waited out, what is
//! refused is taken back.

use std::sync::atomic::{AtomicUsize, Ordering};

use http::Method;

use super::{NEW, OLD, Scene};
use crate::support::cluster::TestCluster;
use crate::support::person::{self, has};
use crate::support::proxy::{Fault, Order};
use crate::support::scenarios;

scenarios!(
    a_server_that_is_busy_at_every_write_is_asked_again,
    a_server_whose_every_answer_is_lost_is_looked_at,
    a_write_that_never_arrives_is_sent_again,
    a_server_that_fails_two_of_seven_looks_is_looked_at_again,
    what_is_forbidden_is_taken_back_whichever_step_it_is,
    what_conflicts_is_taken_back_whichever_step_it_is,
);

/// Whether the first step has begun.
type Begun = Box<dyn Fn() -> bool + Send + Sync>;

fn begun(scene: &Scene) -> Begun {
    let state = scene.sre.state();
    Box::new(move || person::lines(&state) > 1)
}

/// Restores under these orders, which hold from the first step on, and expects the end that it has without them.
async fn restores(cluster: &TestCluster, orders: impl Fn(Begun) -> Vec<Order>) {
    let scene = Scene::stateful_set(cluster, "db").await;
    let before = scene.picture(cluster).await;
    for order in orders(begun(&scene)) {
        cluster.proxy.order(order);
    }
    let path = scene.path(cluster);
    scene.sre.run(&scene.command(&path, &[])).await.expect(0);
    cluster.proxy.clear();
    restored(cluster, &scene, &before).await;
    scene.sre.run(&["journal", "verify"]).await.expect(0);
}

/// The claim holds the bytes of the cut, what was there is kept once, and nothing is left over.
async fn restored(cluster: &TestCluster, scene: &Scene, before: &super::Picture) {
    assert_eq!(scene.bytes(cluster).await.as_deref(), Some(OLD));
    scene.ready(cluster).await;
    assert_eq!(cluster.read(&scene.volume, "rows").as_deref(), Some(NEW), "the former volume is kept");
    let now = scene.picture(cluster).await;
    assert_eq!((&now.replicas, &now.labels, now.others), (&before.replicas, &before.labels, 0));
    assert_eq!(cluster.snapshots().await.len(), 2, "the restore point and one safety snapshot");
}

async fn a_server_that_is_busy_at_every_write_is_asked_again(cluster: TestCluster) {
    let busy = Order::writes(Fault::Status(429, None)).then(Fault::Status(500, None)).then(Fault::Status(503, None));
    restores(&cluster, |begun| vec![busy.clone().every_second().when(begun)]).await;
}

async fn a_server_whose_every_answer_is_lost_is_looked_at(cluster: TestCluster) {
    restores(&cluster, |begun| vec![Order::writes(Fault::LostAnswer).every_second().when(begun)]).await;
}

/// Each of these waits until nothing can still be under way, so it is not tried at every step.
async fn a_write_that_never_arrives_is_sent_again(cluster: TestCluster) {
    let cut = |method, path| Order::on(method, path, Fault::Cut).without("dryRun=All").every_second();
    let orders = [
        cut(Method::PATCH, "/scale"),
        cut(Method::DELETE, "/persistentvolumeclaims/"),
        cut(Method::PUT, "/configmaps/").times(2),
    ];
    restores(&cluster, |_| orders.to_vec()).await;
}

/// No step looks at more than five objects in one go: each comes through in the end.
async fn a_server_that_fails_two_of_seven_looks_is_looked_at_again(cluster: TestCluster) {
    let wrong = Order::on(Method::GET, "/", Fault::Status(500, None)).then(Fault::Status(410, None));
    let wrong = wrong.then(Fault::Status(429, None)).then(Fault::Cut);
    restores(&cluster, |begun| {
        let looks = AtomicUsize::new(0);
        vec![wrong.clone().when(move || begun() && looks.fetch_add(1, Ordering::Relaxed) % 7 < 2)]
    })
    .await;
}

/// The steps of an in-place restore that write, in order, as one that nothing disturbs journals them.
async fn writing(cluster: &TestCluster) -> Vec<String> {
    let scene = Scene::stateful_set(cluster, "first").await;
    let path = scene.path(cluster);
    scene.sre.run(&scene.command(&path, &[])).await.expect(0);
    let entries = scene.sre.entries();
    let answered = entries.iter().filter(|entry| entry["body"]["what"] == "answered");
    let mut steps: Vec<String> =
        answered.filter_map(|entry| Some(entry["body"]["step"].as_str()?.to_owned())).collect();
    steps.dedup();
    assert!(steps.len() > 10, "{steps:?}");
    steps
}

async fn refused(cluster: &TestCluster, code: u16) {
    let steps = writing(cluster).await;
    // What the lab proves of a few the embedded cluster proves of all.
    let every = if cluster.is_embedded() { 1 } else { 4 };
    cluster.at_each(steps.iter().step_by(every), async |cluster, step| refused_at(&cluster, step, code).await).await;
}

async fn refused_at(cluster: &TestCluster, step: &str, code: u16) {
    let scene = Scene::stateful_set(cluster, "db").await;
    let before = scene.picture(cluster).await;
    let (state, id) = (scene.sre.state(), step.to_owned());
    let due = move || has(&state, "intent", &id) && !has(&state, "failed", &id);
    let order = Order::writes(Fault::Status(code, None)).without("/configmaps").without("/leases");
    cluster.proxy.order(order.when(due).times(1));
    let path = scene.path(cluster);
    let ended = scene.sre.run(&scene.command(&path, &[])).await.expect(1);
    cluster.proxy.clear();
    assert!(ended.stderr.contains(&format!("failed at {step}")), "{step}: {ended:?}");
    assert!(ended.stderr.contains(&format!("ordered by the test: {code}")), "{step}: {ended:?}");
    scene.ready(cluster).await;
    // Once the application runs on the restored data, what is left is tidying up.
    if has(&scene.sre.state(), "done", "ours") {
        assert_eq!(scene.bytes(cluster).await.as_deref(), Some(OLD), "{step}");
        assert_eq!(cluster.read(&scene.volume, "rows").as_deref(), Some(NEW), "{step}");
    } else {
        assert_eq!(scene.picture(cluster).await, before, "{step}: {:?}", scene.sre.story());
        assert_eq!(scene.bytes(cluster).await.as_deref(), Some(NEW), "{step}");
    }
    assert_eq!(scene.sre.operation().await["state"], "failed", "{step}");
}

async fn what_is_forbidden_is_taken_back_whichever_step_it_is(cluster: TestCluster) {
    refused(&cluster, 403).await;
}

/// A conflict about an object that nobody has written since is no race that is lost: it is a refusal.
async fn what_conflicts_is_taken_back_whichever_step_it_is(cluster: TestCluster) {
    refused(&cluster, 409).await;
}
