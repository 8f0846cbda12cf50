//! A real PostgreSQL under load: backed up through hooks, restored in place and brought back, without a commit lost.

mod clerks;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rustix::process::{Pid, Signal};
use serde_json::{Value, json};

use crate::hooks::{arrived, fill_disk, hold_create};
use crate::support::cluster::{TestCluster, User};
use crate::support::lab_scenarios;
use crate::support::manifests;
use crate::support::person::Person;
use crate::support::postgres::{LABEL, Node, PASSWORD, Place};
use crate::support::terminal::Terminal;
use crate::support::wait::{self, LONG};
use clerks::{Clerks, Commit, rows, schema};

lab_scenarios!(
    each_commit_before_the_cut_is_restored_and_none_after_it_and_the_undo_brings_the_newer_ones_back,
    killed_in_backup_mode_the_server_leaves_it_and_the_next_start_ends_the_operation,
    a_console_that_sleeps_is_not_waited_for_by_the_server,
    without_its_journal_backup_mode_still_ends,
);

/// Until when the server must have left backup mode by itself then: the dead man's limit, and a moment to see it.
const LEFT_WITHIN: Duration = Duration::from_secs(8 + 5 + 3);

/// A StatefulSet of one pod in which PostgreSQL runs, on a volume of the storage.
struct Database {
    place: Arc<Place>,
    sre: Person,
    /// Its claim.
    path: String,
    _node: Node,
}

impl Database {
    async fn open(cluster: &TestCluster) -> Self {
        let place = Arc::new(Place::new());
        let node = Node::run(cluster, &place);
        let variables = place.variables();
        cluster.containers_see(&variables.each_ref().map(|(name, value)| (*name, value.as_str()))).await;
        let mut workload = manifests::stateful_set(&cluster.namespace, "db", 1);
        workload["spec"]["template"]["metadata"]["labels"][LABEL.0] = json!(LABEL.1);
        cluster.create(&workload).await;
        let path = format!("{}/data-db-0", cluster.namespace);
        let database = Self { place, sre: cluster.person(User::Sre), path, _node: node };
        database.ready(cluster).await;
        database.place.ask(&schema(PASSWORD)).await;
        database
    }

    async fn ready(&self, cluster: &TestCluster) {
        let look = async || {
            let found = cluster.get("apps/v1", "StatefulSet", "db").await;
            (found.map(|it| it["status"]["readyReplicas"] == json!(1)), self.place.said())
        };
        wait::seen("the database to be ready", LONG, look, |(ready, _)| *ready == Some(true)).await;
    }

    /// How many sessions hold it in backup mode.
    async fn held_by(&self) -> usize {
        let sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'holdfast %'";
        self.place.ask(sessions).await.trim().parse().unwrap()
    }

    async fn left_backup_mode(&self) {
        let what = "the server to leave backup mode";
        wait::until(what, LEFT_WITHIN, async || (self.held_by().await == 0).then_some(())).await;
    }
}

/// Begin of the first and end of the last of these steps, as the journal of the only operation has it.
fn span(sre: &Person, first: &str, last: &str) -> (Timestamp, Timestamp) {
    let entries = sre.entries();
    let at = |step: &str, what: &str| {
        let entry = entries.iter().find(|entry| entry["body"]["step"] == step && entry["body"]["what"] == what);
        let entry = entry.unwrap_or_else(|| panic!("no {what} of {step} in {entries:#?}"));
        entry["at"].as_str().unwrap().parse().unwrap()
    };
    (at(first, "intent"), at(last, "done"))
}

/// Past the capture of a test that passes: these are numbers that somebody wants to see.
fn report(line: &str) {
    let _ = writeln!(std::io::stderr(), "database: {line}");
}

async fn each_commit_before_the_cut_is_restored_and_none_after_it_and_the_undo_brings_the_newer_ones_back(
    cluster: TestCluster,
) {
    let database = Database::open(&cluster).await;
    let clerks = Clerks::at_work(&database.place, 1..5);
    clerks.go_on(200).await;
    let backup = ["backup", &database.path, "--hooks", "postgresql", "--yes"];
    let ended = database.sre.run(&backup).await.expect(0);
    let (held_since, held_until) = span(&database.sre, "pre", "post");
    let cut = span(&database.sre, "create", "cut");
    let held = held_until.duration_since(held_since);
    assert!(ended.stdout.contains("\nheld\t"), "the product says it too: {ended:?}");
    clerks.go_on(200).await;
    let snapshots = cluster.snapshots().await;
    assert_eq!(snapshots[0]["metadata"]["annotations"]["holdfast.dev/consistency"], "application");
    let backup_id = database.sre.operation().await["id"].as_str().unwrap().to_owned();

    let snapshot = snapshots[0]["metadata"]["name"].as_str().unwrap();
    let restore = restore_typed(&database, snapshot).await;
    let commits = clerks.sent_away().await;
    database.ready(&cluster).await;
    let restored = rows(&database.place).await;
    let mut told = [0; 3];
    for commit in &commits {
        let there = restored.contains(&commit.row);
        let place = if commit.acknowledged.is_some_and(|at| at < cut.0) {
            assert!(there, "acknowledged before the cut and lost: {commit:?}, cut {cut:?}");
            0
        } else if commit.sent > cut.1 {
            assert!(!there, "started after the cut and restored: {commit:?}, cut {cut:?}");
            2
        } else {
            1
        };
        told[place] += 1;
    }
    let [before, during, after] = told;
    assert!(before >= 200 && after >= 200, "{told:?}");
    let slowest = slowest(&commits, held_since, held_until);
    report(&format!("the hook held the application {} ms (target: under 2000 ms)", held.as_millis()));
    report(&format!("the slowest commit meanwhile took {} ms, storage copying included", slowest.as_millis()));
    report(&format!("{before} commits acknowledged before the cut are restored, {after} started after it are not"));
    report(&format!("{during} were under way meanwhile, {} restored in all", restored.len()));

    let later = Clerks::at_work(&database.place, 9..10);
    later.go_on(20).await;
    drop(later);
    database.sre.run(&["operations", "undo", &restore, "--yes"]).await.expect(0);
    database.ready(&cluster).await;
    let brought_back = rows(&database.place).await;
    let missing = commits.iter().filter(|it| it.acknowledged.is_some() && !brought_back.contains(&it.row)).count();
    assert_eq!(missing, 0, "every commit that was ever acknowledged before the restore is back");
    assert!(!brought_back.iter().any(|(clerk, _)| *clerk == 9), "what was written since the restore left with it");
    nothing_secret_was_kept(&database.sre, &backup_id);
}

/// Restores in place as a person does, and says which operation it was.
async fn restore_typed(database: &Database, snapshot: &str) -> String {
    let arguments = ["restore-in-place", &database.path, "--from", snapshot];
    let mut terminal = Terminal::holdfast(&database.sre, &arguments, 120, 36);
    terminal.shows("Type data-db-0").await;
    terminal.press("data-db-0\r");
    assert_eq!(terminal.ended().await, 0, "{}", terminal.text());
    let listed = database.sre.run(&["operations", "list", "--here", "-o", "json"]).await.expect(0).json();
    let restore = listed.as_array().unwrap().iter().find(|it| it["verb"] == "restoreInPlace").unwrap();
    restore["id"].as_str().unwrap().to_owned()
}

/// How long the slowest commit took that was under way in this time.
fn slowest(commits: &[Commit], since: Timestamp, until: Timestamp) -> SignedDuration {
    let took = |commit: &Commit| {
        let acknowledged = commit.acknowledged.filter(|at| *at >= since && commit.sent <= until)?;
        Some(acknowledged.duration_since(commit.sent))
    };
    commits.iter().filter_map(took).max().unwrap_or_default()
}

/// The password stays in the container.
fn nothing_secret_was_kept(sre: &Person, id: &str) {
    for journal in sre.journals() {
        assert!(!std::fs::read_to_string(&journal).unwrap().contains(PASSWORD), "{id}: {}", journal.display());
    }
}

async fn killed_in_backup_mode_the_server_leaves_it_and_the_next_start_ends_the_operation(cluster: TestCluster) {
    let database = Database::open(&cluster).await;
    let gate = hold_create(&cluster);
    let mut running = database.sre.start(&backup_for_a_moment(&database));
    arrived(&gate).await;
    assert_eq!(database.held_by().await, 1);
    running.kill().await.unwrap();
    gate.break_off();
    cluster.proxy.clear();
    database.left_backup_mode().await;

    let operation = database.sre.operation().await;
    let id = operation["id"].as_str().unwrap();
    assert_eq!(operation["state"], "interrupted", "{operation}");
    let problems = database.sre.run(&["get", "problems"]).await.stdout;
    assert!(problems.contains("Interrupted") && problems.contains(id), "{problems}");
    let resumed = database.sre.run(&["operations", "resume", id]).await.expect(1);
    assert!(resumed.stderr.contains("the console was interrupted"), "{resumed:?}");
    assert_eq!(cluster.snapshots().await.len(), 0);
}

/// By what its image is known for, and for longer than a loaded machine takes from the hook to the cut.
fn backup_for_a_moment(database: &Database) -> [&str; 7] {
    ["backup", &database.path, "--consistency", "application", "--quiesce-at-most", "8s", "--yes"]
}

async fn a_console_that_sleeps_is_not_waited_for_by_the_server(cluster: TestCluster) {
    let database = Database::open(&cluster).await;
    let gate = hold_create(&cluster);
    let mut running = database.sre.start(&backup_for_a_moment(&database));
    arrived(&gate).await;
    assert_eq!(database.held_by().await, 1);
    // Its connection stays, as that of a machine that was closed does.
    let pid = Pid::from_raw(i32::try_from(running.id().unwrap()).unwrap()).unwrap();
    rustix::process::kill_process(pid, Signal::STOP).unwrap();
    database.left_backup_mode().await;
    assert!(database.place.said().contains("terminating connection due to idle-session timeout"));
    rustix::process::kill_process(pid, Signal::CONT).unwrap();
    gate.break_off();
    assert_eq!(running.wait().await.unwrap().code(), Some(1));
    let level = |snapshot: &Value| snapshot["metadata"]["annotations"]["holdfast.dev/consistency"] == "crash";
    assert!(cluster.snapshots().await.iter().all(level), "nobody calls what was cut since consistent");
}

async fn without_its_journal_backup_mode_still_ends(cluster: TestCluster) {
    let database = Database::open(&cluster).await;
    let gate = hold_create(&cluster);
    let arguments = ["backup", &database.path, "--hooks", "postgresql", "--yes"];
    let mut running = database.sre.start_on_a_small_disk(&arguments);
    arrived(&gate).await;
    assert_eq!(database.held_by().await, 1);
    fill_disk(&running, &database.sre);
    gate.open();
    assert_eq!(running.wait().await.unwrap().code(), Some(3));
    assert_eq!(database.held_by().await, 0);
    assert!(database.place.said().contains("pg_backup_stop"), "it was ended, not only left: {}", database.place.said());
    let id = database.sre.operation().await["id"].as_str().unwrap().to_owned();
    let record = cluster.get("v1", "ConfigMap", &format!("holdfast-{id}")).await.unwrap();
    let trouble = record["data"]["trouble"].as_str().unwrap();
    assert!(trouble.contains("done all the same: post hook"), "{trouble}");
}
