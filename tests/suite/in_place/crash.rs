//! kill -9 at every line of the journal: resumed, it comes to the same end, be that the restored volume or, when its
//! last step is refused, everything as it was.

use std::path::Path;

use http::Method;
use serde_json::Value;

use super::{NEW, OLD, Picture, Scene};
use crate::support::cluster::TestCluster;
use crate::support::person;
use crate::support::proxy::{Fault, Gate, Order};
use crate::support::scenarios;
use crate::support::wait::{self, LONG};

scenarios!(
    killed_early_it_ends_as_if_it_had_not_been,
    killed_in_the_swap_it_ends_as_if_it_had_not_been,
    killed_late_it_ends_as_if_it_had_not_been,
    killed_early_and_refused_later_it_is_taken_back,
    killed_in_the_swap_and_refused_later_it_is_taken_back,
    killed_while_it_is_taken_back_it_is_taken_back,
    killed_late_while_it_is_taken_back_it_is_taken_back,
);

/// Where the scenarios part the lines of a journal among them; the last goes on to the end.
const PARTS: [usize; 5] = [1, 31, 61, 91, usize::MAX];

/// Whether a journal below a state directory tells this of a step.
pub fn has(state: &Path, what: &str, step: &str) -> bool {
    let lines = |path| std::fs::read_to_string(path).unwrap_or_default();
    let text: String = person::journals(state).into_iter().map(lines).collect();
    // A line may be half written.
    let mut entries = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    entries.any(|entry| entry["body"]["what"] == what && entry["body"]["step"] == step)
}

/// Every line on the embedded cluster, a few on the real one.
fn lines(cluster: &TestCluster, from: usize, to: usize) -> impl Iterator<Item = usize> {
    (from..to).step_by(if cluster.is_embedded() { 1 } else { 15 })
}

/// Refuses to start the workload again, once.
fn refuse_the_start(cluster: &TestCluster, scene: &Scene) {
    let state = scene.sre.state();
    let due = move || has(&state, "done", "bound") && !has(&state, "failed", "start-0");
    cluster.proxy.order(Order::on(Method::PATCH, "/scale", Fault::Status(403, None)).when(due).times(1));
}

/// Kills a restore as soon as its journal has so many lines; whether it came that far.
async fn killed(cluster: &TestCluster, scene: &Scene, lines: usize, refused: bool) -> bool {
    let path = scene.path(cluster);
    let (gate, state) = (Gate::shut(), scene.sre.state());
    cluster.proxy.order(Order::any(Fault::Hold(gate.clone())).when(move || person::lines(&state) >= lines));
    if refused {
        refuse_the_start(cluster, scene);
    }
    let mut running = scene.sre.start(&scene.command(&path, &[]));
    wait::until("the journal to have its lines", LONG, async || {
        let ended = running.try_wait().unwrap().is_some();
        (ended || person::lines(&scene.sre.state()) >= lines).then_some(())
    })
    .await;
    let came = person::lines(&scene.sre.state()) >= lines;
    running.kill().await.ok();
    gate.break_off();
    cluster.proxy.clear();
    if came {
        scene.sre.cut_journal(lines);
    }
    came
}

async fn resumed(cluster: &TestCluster, scene: &Scene, refused: bool, code: i32, at: usize) {
    if refused {
        refuse_the_start(cluster, scene);
    }
    let operation = scene.sre.operation().await;
    let id = operation["id"].as_str().unwrap();
    let ended = scene.sre.run(&["operations", "resume", id]).await;
    cluster.proxy.clear();
    let closed = matches!(operation["state"].as_str(), Some("done" | "failed"));
    assert!(ended.code == Some(code) || (closed && ended.code.is_some()), "killed at {at}: {ended:?}");
    scene.sre.run(&["journal", "verify"]).await.expect(0);
}

async fn goes_on(cluster: &TestCluster, from: usize, to: usize) {
    for at in lines(cluster, from, to) {
        let scene = Scene::stateful_set(cluster, &format!("db{at}")).await;
        let came = killed(cluster, &scene, at, false).await;
        resumed(cluster, &scene, false, 0, at).await;
        assert_eq!(scene.bytes(cluster).await.as_deref(), Some(OLD), "killed at {at}: {:?}", scene.sre.story());
        scene.ready(cluster).await;
        assert_eq!(cluster.read(&scene.volume, "rows").as_deref(), Some(NEW), "killed at {at}");
        if !came {
            return ended(at);
        }
    }
}

async fn goes_back(cluster: &TestCluster, from: usize, to: usize) {
    for at in lines(cluster, from, to) {
        let scene = Scene::stateful_set(cluster, &format!("db{at}")).await;
        let before = scene.picture(cluster).await;
        let came = killed(cluster, &scene, at, true).await;
        resumed(cluster, &scene, true, 1, at).await;
        same(cluster, &scene, &before, at).await;
        if !came {
            return ended(at);
        }
    }
}

/// It ended before its journal had so many lines, which is right only for the last part.
fn ended(at: usize) {
    assert!(at > PARTS[2], "a restore has more than {at} lines");
}

async fn same(cluster: &TestCluster, scene: &Scene, before: &Picture, at: usize) {
    scene.ready(cluster).await;
    assert_eq!(scene.picture(cluster).await, *before, "killed at {at}: {:?}", scene.sre.story());
    assert_eq!(scene.bytes(cluster).await.as_deref(), Some(NEW), "killed at {at}");
}

async fn killed_early_it_ends_as_if_it_had_not_been(cluster: TestCluster) {
    goes_on(&cluster, PARTS[0], PARTS[1]).await;
}

async fn killed_in_the_swap_it_ends_as_if_it_had_not_been(cluster: TestCluster) {
    goes_on(&cluster, PARTS[1], PARTS[2]).await;
}

async fn killed_late_it_ends_as_if_it_had_not_been(cluster: TestCluster) {
    goes_on(&cluster, PARTS[2], PARTS[4]).await;
}

async fn killed_early_and_refused_later_it_is_taken_back(cluster: TestCluster) {
    goes_back(&cluster, PARTS[0], PARTS[1]).await;
}

async fn killed_in_the_swap_and_refused_later_it_is_taken_back(cluster: TestCluster) {
    goes_back(&cluster, PARTS[1], PARTS[2]).await;
}

async fn killed_while_it_is_taken_back_it_is_taken_back(cluster: TestCluster) {
    goes_back(&cluster, PARTS[2], PARTS[3]).await;
}

async fn killed_late_while_it_is_taken_back_it_is_taken_back(cluster: TestCluster) {
    goes_back(&cluster, PARTS[3], PARTS[4]).await;
}
