//! The console over a while in which everything changes: it loses nothing, shows nothing twice and does not grow.
//!
//! One minute by itself; `HOLDFAST_CHURN=30m` makes it as long as that.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::cluster::{TestCluster, User};
use crate::support::manifests::{self, SNAPSHOTS};
use crate::support::scenarios;
use crate::support::terminal::Terminal;
use crate::support::wait::{self, LONG};

scenarios!(; alone: the_screen_is_the_truth_after_a_while_of_changes_and_the_console_has_not_grown);

/// Claims that come and go, and as many snapshots.
const NAMES: usize = 12;
const BETWEEN: Duration = Duration::from_millis(100);

fn lasts() -> Duration {
    let asked = std::env::var("HOLDFAST_CHURN").ok().map(|text| text.parse::<SignedDuration>().unwrap());
    asked.map_or(Duration::from_secs(60), |asked| asked.try_into().unwrap())
}

async fn the_screen_is_the_truth_after_a_while_of_changes_and_the_console_has_not_grown(cluster: TestCluster) {
    let sre = cluster.person(User::Sre);
    let mut terminal = Terminal::holdfast(&sre, &["-n", &cluster.namespace], 140, 50);
    terminal.shows("LIVE").await;
    let (began, lasts) = (Instant::now(), lasts());
    // The connections are cut once a minute, or six times in a short run; the server goes twice.
    let cut_every = (lasts / 6).min(Duration::from_secs(60));
    let (mut cuts, mut restarts, mut turn) = (1, 1, 0);
    let mut sizes = Vec::new();
    while began.elapsed() < lasts {
        change(&cluster, turn).await;
        turn += 1;
        if began.elapsed() > cut_every * cuts {
            cuts += 1;
            cluster.proxy.kill().await;
            cluster.proxy.revive();
        }
        if began.elapsed() > lasts / 3 * restarts {
            restarts += 1;
            cluster.kill_server().await;
            terminal.shows("down").await;
            cluster.start_server().await;
        }
        sizes.push(resident_kb(terminal.process()));
        tokio::time::sleep(BETWEEN).await;
    }
    for (key, kind) in [("1z", "PersistentVolumeClaim"), ("2", "VolumeSnapshot")] {
        terminal.press(key);
        same(&cluster, &terminal, kind).await;
    }
    // What is allocated once is there after the first third.
    let most = |part: &[u64]| part.iter().copied().max().unwrap();
    let (early, late) = (most(&sizes[sizes.len() / 3..sizes.len() / 3 * 2]), most(&sizes[sizes.len() / 3 * 2..]));
    println!("{turn} changes, {} cuts, {} restarts; resident {early} kB, then {late} kB", cuts - 1, restarts - 1);
    assert!(late * 10 <= early * 11, "resident memory grew from {early} kB to {late} kB");
    terminal.press("q");
    assert_eq!(terminal.ended().await, 0);
}

/// One change: a claim or a snapshot of it comes, is changed, or goes.
async fn change(cluster: &TestCluster, turn: usize) {
    let name = format!("churn-{}", turn % NAMES);
    let kind = "PersistentVolumeClaim";
    let going = |object: &Value| object.pointer("/metadata/deletionTimestamp").is_some();
    let claim = cluster.get("v1", kind, &name).await;
    let copy = cluster.get(SNAPSHOTS, "VolumeSnapshot", &name).await;
    match (claim, copy, turn / NAMES % 4) {
        (None, ..) => drop(cluster.create(&manifests::claim(&cluster.namespace, &name)).await),
        (Some(claim), ..) if going(&claim) => {}
        (Some(_), None, 1 | 2) => drop(cluster.create(&manifests::snapshot(&cluster.namespace, &name, &name)).await),
        (Some(_), Some(copy), 3) if !going(&copy) => cluster.delete(SNAPSHOTS, "VolumeSnapshot", &name).await,
        (Some(_), _, 0) if turn.is_multiple_of(5) => cluster.delete("v1", kind, &name).await,
        (Some(_), ..) => {
            // Shown in a column of its own.
            let objective =
                json!({ "metadata": { "annotations": { "holdfast.dev/rpo": format!("{}m", turn % 50 + 1) } } });
            cluster.merge("v1", kind, &name, &objective).await;
        }
    }
}

/// Waits until a pane shows the objects that the API has, and no other, with their objectives.
async fn same(cluster: &TestCluster, terminal: &Terminal, kind: &str) {
    let version = if kind == "VolumeSnapshot" { SNAPSHOTS } else { "v1" };
    let look = async || {
        let truth = cluster.list(version, kind).await;
        let truth: BTreeSet<(String, String)> = truth.iter().map(|object| shown(object, kind)).collect();
        (truth, on_screen(&terminal.text(), kind))
    };
    wait::seen(&format!("the screen to show what the API says of {kind}"), LONG, look, |(truth, screen)| {
        screen.len() == truth.len() && screen.iter().cloned().collect::<BTreeSet<_>>() == *truth
    })
    .await;
}

/// The name of an object, and the objective of a claim as the pane writes it.
fn shown(object: &Value, kind: &str) -> (String, String) {
    let text = |field: &str| object.pointer(field).and_then(Value::as_str);
    let objective = text("/metadata/annotations/holdfast.dev~1rpo").unwrap_or("-");
    let objective = if kind == "VolumeSnapshot" { "" } else { objective };
    (text("/metadata/name").unwrap().to_owned(), objective.to_owned())
}

fn on_screen(screen: &str, kind: &str) -> Vec<(String, String)> {
    let row = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let at = words.iter().position(|word| word.starts_with("churn-") && word.len() < 10)?;
        let name = words[at].to_owned();
        // Behind the name stand the age of the last good copy and the objective.
        let objective = if kind == "VolumeSnapshot" { "" } else { words.get(at + 2)? };
        Some((name, objective.to_owned()))
    };
    screen.lines().filter_map(row).collect()
}

/// Resident memory, from `/proc/PID/status` (proc(5)).
fn resident_kb(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
