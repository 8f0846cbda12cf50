//! An SRE takes a guided backup in the console: the real binary, a real terminal, keys.

use std::time::Duration;

use crate::backup::one_snapshot_with;
use crate::support::cluster::{StorageFault, TestCluster, User};
use crate::support::manifests;
use crate::support::proxy::{Fault, Gate, Order};
use crate::support::scenarios;
use crate::support::terminal::Terminal;
use crate::support::wait::{self, LONG};

scenarios!(
    a_backup_by_keys_holds_the_bytes_of_the_volume,
    a_form_chooses_another_class_and_gives_the_reason,
    a_wrong_name_starts_nothing,
    an_interrupted_backup_is_shown_at_the_next_start_and_resumed_by_keys,
);

async fn a_backup_by_keys_holds_the_bytes_of_the_volume(cluster: TestCluster) {
    let volume = cluster.claim("data").await;
    cluster.write(&volume, "rows", b"before the cut");
    cluster.storage_fault("data", StorageFault::ReadyAfter(Duration::from_secs(1)));
    let sre = cluster.person(User::Sre);
    let mut terminal = Terminal::holdfast(&sre, &["-n", &cluster.namespace], 120, 36);
    terminal.shows("data").await;
    terminal.press("xb");
    terminal.shows("Before the plan").await;
    terminal.press("\r");
    let review = terminal.shows("Review").await;
    assert!(review.contains("data"), "{review}");
    terminal.press("\r");
    terminal.until("a line to type the name in", |screen| screen.to_lowercase().contains("type")).await;
    terminal.press("data\r");
    terminal.press("o");
    terminal.shows("Done 3/3").await;
    cluster.write(&volume, "rows", b"after the cut");
    wait::until("the journal to be closed", LONG, async || {
        (sre.story().last().map(String::as_str) == Some("closed")).then_some(())
    })
    .await;
    one_snapshot_with(&cluster, &volume, b"before the cut").await;
    assert_eq!(sre.entries()[0]["body"]["authority"]["typed"]["who"], "sre");
    assert_eq!(terminal.written("\u{7}"), 0, "nobody asked for the bell");
    // The list of operations and the operation's screen first, then the console.
    terminal.press("qqq");
    assert_eq!(terminal.ended().await, 0);
    terminal.given_back().await;
}

async fn a_form_chooses_another_class_and_gives_the_reason(cluster: TestCluster) {
    let volume = cluster.claim("data").await;
    cluster.write(&volume, "rows", b"known bytes");
    // Classes have no namespace: other scenarios on the lab see it too, and none of them names it.
    let class = format!("kept-{}", cluster.namespace);
    cluster.create(&manifests::snapshot_class(&class, &volume.driver)).await;
    let sre = cluster.person(User::Sre);
    sre.configure("bell = true\n");
    let mut terminal = Terminal::holdfast(&sre, &["-n", &cluster.namespace], 120, 36);
    terminal.shows("data").await;
    terminal.press("xb");
    terminal.shows("Before the plan").await;
    terminal.press(&class);
    terminal.shows(&format!("▌{class}")).await;
    terminal.press("\rbefore the move\rof its node");
    terminal.shows("of its node").await;
    let ctrl_s = "\u{13}";
    terminal.press(ctrl_s);
    terminal.shows("Review").await;
    terminal.press("G");
    terminal.shows("holdfast backup").await;
    terminal.press("\r");
    terminal.shows("Confirm").await;
    terminal.press("data\r");
    terminal.shows("Done 3/3").await;
    terminal.shows("✓ back up volume").await;
    assert_eq!(terminal.written("\u{7}"), 1);
    one_snapshot_with(&cluster, &volume, b"known bytes").await;
    let snapshot = cluster.snapshots().await.remove(0);
    assert_eq!(snapshot["metadata"]["annotations"]["holdfast.dev/reason"], "before the move\nof its node");
    assert_eq!(snapshot["spec"]["volumeSnapshotClassName"], *class);
    assert_eq!(sre.entries()[0]["body"]["plan"]["command"].as_str().map(|said| said.contains(&class)), Some(true));
}

async fn a_wrong_name_starts_nothing(cluster: TestCluster) {
    cluster.claim("data").await;
    let sre = cluster.person(User::Sre);
    let mut terminal = Terminal::holdfast(&sre, &["-n", &cluster.namespace], 120, 36);
    terminal.shows("data").await;
    terminal.press("xb");
    terminal.shows("Before the plan").await;
    terminal.press("\r");
    terminal.shows("Review").await;
    terminal.press("\r");
    terminal.until("a line to type the name in", |screen| screen.to_lowercase().contains("type")).await;
    terminal.press("dat\r");
    terminal.press("\r");
    for left in ["Confirm:", "Review:", "Before the plan"] {
        terminal.press("\u{1b}");
        terminal.until("one layer less", |screen| !screen.contains(left)).await;
    }
    terminal.press("?");
    terminal.until("the help", |screen| screen.to_lowercase().contains("help")).await;
    assert!(sre.journals().is_empty());
    assert_eq!(cluster.snapshots().await.len(), 0);
}

async fn an_interrupted_backup_is_shown_at_the_next_start_and_resumed_by_keys(cluster: TestCluster) {
    let volume = cluster.claim("data").await;
    cluster.write(&volume, "rows", b"known bytes");
    let sre = cluster.person(User::Sre);
    let gate = Gate::shut();
    let order =
        Order::on(http::Method::POST, "/volumesnapshots", Fault::HoldAnswer(gate.clone())).without("dryRun=All");
    cluster.proxy.order(order.times(1));
    let mut running = sre.start(&["backup", &format!("{}/data", cluster.namespace), "--yes"]);
    wait::until("the snapshot to be made", LONG, async || (gate.arrived() == 1).then_some(())).await;
    running.kill().await.unwrap();
    gate.break_off();

    let mut terminal = Terminal::holdfast(&sre, &["-n", &cluster.namespace], 120, 36);
    terminal.shows("Interrupted 0/3").await;
    terminal.press("o");
    terminal.shows("Operations 1").await;
    terminal.press("x");
    terminal.until("the menu", |screen| screen.contains("resume") && screen.contains("stop")).await;
    terminal.press("r");
    terminal.shows("Done 3/3").await;
    wait::until("the journal to be closed", LONG, async || {
        (sre.story().last().map(String::as_str) == Some("closed")).then_some(())
    })
    .await;
    one_snapshot_with(&cluster, &volume, b"known bytes").await;
}
