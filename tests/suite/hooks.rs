//! An SRE takes application-consistent backups: hooks hold the application over the cut, and are released whatever
//! happens in between.

use std::time::Duration;

use http::Method;
use rustix::process::{Pid, Resource, Rlimit};
use serde_json::{Value, json};
use tokio::process::Child;

use crate::backup::handle_of;
use crate::support::cluster::{StorageFault, TestCluster, User, Volume};
use crate::support::containers::Program;
use crate::support::person::{self, Ended, Person};
use crate::support::proxy::{Fault, Gate, Order};
use crate::support::scenarios;
use crate::support::wait::{self, LONG};

scenarios!(
    hooks_hold_the_application_over_the_cut,
    hooks_are_read_from_the_annotations_of_velero,
    a_session_is_held_over_the_cut,
    a_plan_says_what_runs_where,
    a_hook_that_fails_takes_no_snapshot_and_is_released,
    a_hook_that_times_out_and_held_all_the_same_is_released,
    a_hold_that_lasts_too_long_is_released_before_the_cut,
    killed_while_it_holds_a_backup_releases_first_when_it_is_resumed,
    a_dead_man_s_switch_releases_when_nobody_comes_back,
    a_command_whose_stream_breaks_is_released,
    a_session_whose_stream_breaks_makes_no_consistent_copy,
    a_pod_that_was_replaced_makes_no_consistent_copy,
    a_release_that_fails_is_tried_again,
    a_release_that_cannot_be_seen_is_said_in_red_with_the_command,
    without_its_journal_the_release_still_runs,
    asked_to_stop_it_releases,
    an_auditor_is_refused_with_exec_named,
);

/// A claim, a ready pod that mounts it, an SRE, and how to write `word` into the file `state` of the volume.
struct Shop {
    volume: Volume,
    sre: Person,
    path: String,
}

impl Shop {
    async fn open(cluster: &TestCluster) -> Self {
        Self::annotated(cluster, |_| json!({})).await
    }

    async fn annotated(cluster: &TestCluster, annotations: impl Fn(&Volume) -> Value) -> Self {
        let volume = cluster.claim("data").await;
        cluster.database("data", &annotations(&volume)).await;
        let sre = cluster.person(User::Sre);
        Self { volume, sre, path: format!("{}/data", cluster.namespace) }
    }

    async fn back_up(&self, arguments: &[&str]) -> Ended {
        self.sre.run(&[&["backup", &self.path, "--yes"], arguments].concat()).await
    }

    fn start(&self, arguments: &[&str]) -> Child {
        self.sre.start(&[&["backup", &self.path, "--yes"], arguments].concat())
    }
}

/// A command that writes a word into the file `state`, and then this.
fn writes(cluster: &TestCluster, volume: &Volume, word: &str, then: &str) -> String {
    json!(["sh", "-c", format!("echo {word} > {}{then}", cluster.inside(volume, "state"))]).to_string()
}

/// Options with commands that write `held` and `released`.
pub fn own(cluster: &TestCluster, volume: &Volume) -> [String; 4] {
    let pre = writes(cluster, volume, "held", "");
    let post = writes(cluster, volume, "released", "");
    ["--pre".to_owned(), pre, "--post".to_owned(), post]
}

fn words(options: &[String]) -> Vec<&str> {
    options.iter().map(String::as_str).collect()
}

/// Holds the creation of the snapshot, so that the hook holds the application for as long as the gate is shut.
pub fn hold_create(cluster: &TestCluster) -> Gate {
    let gate = Gate::shut();
    let order = Order::on(Method::POST, "/volumesnapshots", Fault::Hold(gate.clone())).without("dryRun=All");
    cluster.proxy.order(order);
    gate
}

pub async fn arrived(gate: &Gate) {
    wait::until("the create to be sent", LONG, async || (gate.arrived() > 0).then_some(())).await;
}

/// The only snapshot: its level, and its file `state`.
async fn cut(cluster: &TestCluster, volume: &Volume) -> (String, String) {
    let snapshots = cluster.snapshots().await;
    assert_eq!(snapshots.len(), 1, "{snapshots:?}");
    let level = snapshots[0]["metadata"]["annotations"]["holdfast.dev/consistency"].as_str().unwrap().to_owned();
    let handle = handle_of(cluster, &snapshots[0]).await;
    let state = cluster.read_snapshot(&volume.driver, &handle, "state").unwrap_or_default();
    (level, String::from_utf8(state).unwrap())
}

fn is(level: &str, state: &str) -> (String, String) {
    (level.to_owned(), state.to_owned())
}

pub async fn hooks_hold_the_application_over_the_cut(cluster: TestCluster) {
    let shop = Shop::open(&cluster).await;
    // The application is let go at the cut, long before the copy can be restored from.
    cluster.storage_fault("data", StorageFault::ReadyAfter(Duration::from_secs(2)));
    let ended = shop.back_up(&words(&own(&cluster, &shop.volume))).await.expect(0);
    assert_eq!(cut(&cluster, &shop.volume).await, is("application", "held\n"));
    assert_eq!(cluster.read_text(&shop.volume, "state"), "released\n");
    let said = ["application for 0.", "application for 1."].iter().any(|said| ended.stderr.contains(said));
    assert!(said && ended.stdout.contains("\nheld\t"), "{ended:?}");
    let done: Vec<String> = shop.sre.entries().iter().filter_map(done_step).collect();
    assert_eq!(done, ["pre", "create", "cut", "held", "post", "ready", "mark"]);
    let execs = cluster.audit().into_iter().filter(|event| event.subresource == "exec");
    let known: Vec<String> = execs.map(|event| event.id).collect();
    let told = shop.sre.entries().into_iter().filter(|entry| entry["body"]["step"] == "pre");
    let told: Vec<Value> = told.filter(|entry| entry["body"]["what"] == "answered").collect();
    assert!(known.iter().any(|id| told[0]["body"]["audit_id"] == **id), "{told:?} is not among {known:?}");
}

fn done_step(entry: &Value) -> Option<String> {
    let body = &entry["body"];
    (body["what"] == "done").then(|| body["step"].as_str().unwrap().to_owned())
}

async fn hooks_are_read_from_the_annotations_of_velero(cluster: TestCluster) {
    let shop = Shop::annotated(&cluster, |volume| {
        json!({
            "pre.hook.backup.velero.io/command": writes(&cluster, volume, "held", ""),
            "pre.hook.backup.velero.io/container": "main",
            "pre.hook.backup.velero.io/timeout": "1m30s",
            "post.hook.backup.velero.io/command": writes(&cluster, volume, "released", ""),
        })
    })
    .await;
    shop.back_up(&["--hooks", "velero"]).await.expect(0);
    assert_eq!(cut(&cluster, &shop.volume).await, is("application", "held\n"));
    assert_eq!(cluster.read_text(&shop.volume, "state"), "released\n");
}

async fn a_session_is_held_over_the_cut(cluster: TestCluster) {
    let shop = Shop::open(&cluster).await;
    let _psql = cluster.install(Program::Psql, &shop.volume, "state").await;
    let ended = shop.back_up(&["--hooks", "postgresql"]).await.expect(0);
    assert_eq!(cut(&cluster, &shop.volume).await, is("application", "held\n"));
    assert_eq!(cluster.read_text(&shop.volume, "state"), "released\n");
    assert!(ended.stdout.contains("post.stdout\tSTART WAL LOCATION: 0/2000028"), "{}", ended.stdout);
}

async fn a_plan_says_what_runs_where(cluster: TestCluster) {
    let shop = Shop::open(&cluster).await;
    let plan = shop.sre.run(&["backup", &shop.path, "--hooks", "fsfreeze", "--dry-run"]).await.expect(0).stdout;
    for said in [
        "consistency: application-consistent: hooks hold the application for 1m at most over the cut",
        "hooks: fsfreeze",
        "pre hook: db-0, container main: sh -c 'setsid true",
        "fsfreeze -f /hooked",
        "freeze of filesystem /hooked; what it holds is held for 1m at most",
        "--consistency application --hooks fsfreeze",
    ] {
        assert!(plan.contains(said), "{said} is not in the plan: {plan}");
    }
    assert!(!plan.contains("changes nothing that exists"), "{plan}");
    let path = &shop.path;
    for (arguments, said) in [
        (vec!["--hooks", "velero"], "no pod that mounts it carries Velero's hook annotations (looked at db-0)"),
        (vec!["--consistency", "application"], "what holds its application is not known"),
        (vec!["--pre", "true", "--container", "other"], "Pod {namespace}/db-0 has no container \"other\""),
    ] {
        let ended = shop.sre.run(&[&["backup", path], &arguments[..]].concat()).await.expect(1);
        assert!(ended.stderr.contains(&said.replace("{namespace}", &cluster.namespace)), "{said}: {ended:?}");
    }
    let ended = shop.sre.run(&["backup", path, "--consistency", "crash", "--hooks", "auto"]).await.expect(2);
    assert!(ended.stderr.contains("a crash-consistent copy runs no hooks"), "{ended:?}");
    assert_eq!(cluster.read_text(&shop.volume, "state"), "");
}

async fn a_hook_that_fails_takes_no_snapshot_and_is_released(cluster: TestCluster) {
    let shop = Shop::open(&cluster).await;
    let pre = writes(&cluster, &shop.volume, "half", "; echo out of order >&2; exit 3");
    let [_, _, flag, post] = own(&cluster, &shop.volume);
    let ended = shop.back_up(&["--pre", &pre, &flag, &post]).await.expect(1);
    assert!(
        ended.stderr.contains("failed at pre") && ended.stderr.contains("exit status 3")
            || ended.stderr.contains("exit code 3"),
        "{ended:?}"
    );
    assert_eq!(cluster.snapshots().await.len(), 0);
    assert_eq!(cluster.read_text(&shop.volume, "state"), "released\n");
}

async fn a_hook_that_times_out_and_held_all_the_same_is_released(cluster: TestCluster) {
    let shop = Shop::open(&cluster).await;
    let pre = writes(&cluster, &shop.volume, "held", "; sleep 600");
    let [_, _, flag, post] = own(&cluster, &shop.volume);
    let ended = shop.back_up(&["--pre", &pre, &flag, &post, "--hook-timeout", "2s"]).await.expect(1);
    assert!(ended.stderr.contains("failed at pre: outcome unknown: no end within 2s"), "{ended:?}");
    assert_eq!(cluster.snapshots().await.len(), 0);
    assert_eq!(cluster.read_text(&shop.volume, "state"), "released\n");
}

async fn a_hold_that_lasts_too_long_is_released_before_the_cut(cluster: TestCluster) {
    let shop = Shop::open(&cluster).await;
    let gate = hold_create(&cluster);
    let own = own(&cluster, &shop.volume);
    let ended = shop.back_up(&[&words(&own)[..], &["--quiesce-at-most", "2s"]].concat()).await.expect(1);
    gate.break_off();
    assert!(ended.stderr.contains("failed at create") && ended.stderr.contains("it may be open for 2s"), "{ended:?}");
    assert!(ended.stderr.contains("the hooks hold the application now, until "), "{ended:?}");
    assert_eq!(cluster.read_text(&shop.volume, "state"), "released\n");
    assert_eq!(cluster.snapshots().await.len(), 0);
}

async fn killed_while_it_holds_a_backup_releases_first_when_it_is_resumed(cluster: TestCluster) {
    let shop = Shop::open(&cluster).await;
    let gate = hold_create(&cluster);
    let mut running = shop.start(&words(&own(&cluster, &shop.volume)));
    arrived(&gate).await;
    running.kill().await.unwrap();
    gate.break_off();
    cluster.proxy.clear();
    assert_eq!(cluster.read_text(&shop.volume, "state"), "held\n");

    let operation = shop.sre.operation().await;
    let id = operation["id"].as_str().unwrap();
    assert_eq!(operation["state"], "interrupted", "{operation}");
    let shown = shop.sre.run(&["operations", "show", id]).await.expect(0).stdout;
    let by_hand = format!("by hand: kubectl --context test exec -n {} db-0 -c main -- sh -c", cluster.namespace);
    assert!(shown.contains("not seen released: post hook in Pod") && shown.contains(&by_hand), "{shown}");
    let problems = shop.sre.run(&["get", "problems"]).await.stdout;
    assert!(problems.contains("not seen released: post hook"), "{problems}");

    let resumed = shop.sre.run(&["operations", "resume", id]).await.expect(1);
    assert!(resumed.stderr.contains("the console was interrupted"), "{resumed:?}");
    assert_eq!(cluster.read_text(&shop.volume, "state"), "released\n");
    assert_eq!(cluster.snapshots().await.len(), 0);
    let shown = shop.sre.run(&["operations", "show", id]).await.expect(0).stdout;
    assert!(!shown.contains("not seen released"), "{shown}");
    shop.sre.run(&["journal", "verify"]).await.expect(0);
}

/// When the switch of a hold of two seconds releases, and how long that may take to be seen.
const SWITCH: Duration = Duration::from_secs(2 + 5);
const SEEN: Duration = Duration::from_secs(3);

async fn a_dead_man_s_switch_releases_when_nobody_comes_back(cluster: TestCluster) {
    let shop = Shop::open(&cluster).await;
    let _fsfreeze = cluster.install(Program::Fsfreeze, &shop.volume, "state").await;
    let gate = hold_create(&cluster);
    let mut running = shop.start(&["--hooks", "fsfreeze", "--quiesce-at-most", "2s"]);
    arrived(&gate).await;
    assert_eq!(cluster.read_text(&shop.volume, "state"), "frozen\n");
    running.kill().await.unwrap();
    gate.break_off();
    let thawed = async || (cluster.read_text(&shop.volume, "state") == "thawed\n").then_some(());
    wait::until("the switch to thaw within its limit", SWITCH + SEEN, thawed).await;

    // The switch is as good as a release: what comes after it changes nothing. Nobody here knows of it yet.
    cluster.write(&shop.volume, "state", b"written since\n");
    cluster.proxy.clear();
    let problems = shop.sre.run(&["get", "problems"]).await.stdout;
    assert!(problems.contains("not seen released: post hook"), "{problems}");
    let id = shop.sre.operation().await["id"].as_str().unwrap().to_owned();
    shop.sre.run(&["operations", "resume", &id]).await.expect(1);
    let done: Vec<String> = shop.sre.entries().iter().filter_map(done_step).collect();
    assert_eq!(done, ["pre", "post"]);
    assert_eq!(cluster.read_text(&shop.volume, "state"), "written since\n");
}

async fn a_command_whose_stream_breaks_is_released(cluster: TestCluster) {
    let shop = Shop::open(&cluster).await;
    let pre = writes(&cluster, &shop.volume, "held", "; sleep 600");
    let [_, _, flag, post] = own(&cluster, &shop.volume);
    let mut running = shop.start(&["--pre", &pre, &flag, &post]);
    cluster.holds(&shop.volume, "state", "held\n").await;
    cluster.proxy.cut_channels();
    assert_eq!(running.wait().await.unwrap().code(), Some(1));
    assert_eq!(cluster.read_text(&shop.volume, "state"), "released\n");
    assert_eq!(cluster.snapshots().await.len(), 0);
    assert!(shop.sre.story().contains(&"outcomeUnknown".to_owned()), "{:?}", shop.sre.story());
}

async fn a_session_whose_stream_breaks_makes_no_consistent_copy(cluster: TestCluster) {
    let shop = Shop::open(&cluster).await;
    let _psql = cluster.install(Program::Psql, &shop.volume, "state").await;
    let gate = Gate::shut();
    cluster.proxy.order(Order::on(Method::GET, "/volumesnapshots/", Fault::Hold(gate.clone())));
    let mut running = shop.start(&["--hooks", "postgresql"]);
    arrived(&gate).await;
    cluster.proxy.cut_channels();
    gate.open();
    assert_eq!(running.wait().await.unwrap().code(), Some(1));
    wait::until("the snapshot to be ready", LONG, async || {
        (cluster.snapshots().await.first()?["status"]["readyToUse"] == true).then_some(())
    })
    .await;
    assert_eq!(cut(&cluster, &shop.volume).await.0, "crash");
    let failed: Vec<_> = shop.sre.entries().into_iter().filter(|entry| entry["body"]["what"] == "failed").collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    let why = failed[0]["body"]["why"].as_str().unwrap();
    assert!(why.contains("session") && (why.contains("ended") || why.contains("over")), "{failed:?}");
}

async fn a_pod_that_was_replaced_makes_no_consistent_copy(cluster: TestCluster) {
    let volume = cluster.claim("data").await;
    cluster.database_of_a_set("data").await;
    let shop = Shop { volume, sre: cluster.person(User::Sre), path: format!("{}/data", cluster.namespace) };
    let first = cluster.database_ready().await;
    let gate = hold_create(&cluster);
    let options = own(&cluster, &shop.volume);
    let options = words(&options);
    let running = shop.back_up(&options);
    let replaced = async {
        arrived(&gate).await;
        cluster.delete("v1", "Pod", "db-0").await;
        cluster.database_other_than(&first).await;
        gate.open();
    };
    let (ended, ()) = tokio::join!(running, replaced);
    let ended = ended.expect(1);
    assert!(ended.stderr.contains("failed at held") && ended.stderr.contains("another object now"), "{ended:?}");
    assert!(ended.stderr.contains("NOT SEEN RELEASED: post hook"), "{ended:?}");
    assert_eq!(cluster.read_text(&shop.volume, "state"), "held\n", "nothing may run in a pod that was not meant");
}

async fn a_release_that_fails_is_tried_again(cluster: TestCluster) {
    let shop = Shop::open(&cluster).await;
    let [flag, pre, post_flag, _] = own(&cluster, &shop.volume);
    let once = cluster.inside(&shop.volume, "once");
    let post = format!(
        "[ -e {once} ] || echo seen > {once}.new; [ -e {once} ] && echo released > {}; [ -e {once} ] && exit 0; \
         echo seen > {once}; exit 7",
        cluster.inside(&shop.volume, "state")
    );
    let post = json!(["sh", "-c", post]).to_string();
    let ended = shop.back_up(&[&flag, &pre, &post_flag, &post]).await.expect(0);
    assert!(ended.stderr.contains("another attempt"), "{ended:?}");
    assert_eq!(cut(&cluster, &shop.volume).await, is("application", "held\n"));
    assert_eq!(cluster.read_text(&shop.volume, "state"), "released\n");
}

async fn a_release_that_cannot_be_seen_is_said_in_red_with_the_command(cluster: TestCluster) {
    let shop = Shop::open(&cluster).await;
    let [flag, pre, ..] = own(&cluster, &shop.volume);
    let arguments = [&*flag, &pre, "--post", "false", "--hook-timeout", "1s", "--quiesce-at-most", "3s"];
    let ended = shop.back_up(&arguments).await.expect(1);
    let by_hand = format!("kubectl --context test exec -n {} db-0 -c main -- false", cluster.namespace);
    assert!(ended.stderr.contains("NOT SEEN RELEASED") && ended.stderr.contains(&by_hand), "{ended:?}");
    let problems = shop.sre.run(&["get", "problems"]).await.stdout;
    assert!(problems.contains(&by_hand), "{problems}");
    // Ready or not: nobody says of this copy that it is consistent.
    let snapshots = cluster.snapshots().await;
    assert_eq!(snapshots[0]["metadata"]["annotations"]["holdfast.dev/consistency"], "crash");
}

/// As if the disk of the journal was full: no file of the process grows any more.
pub fn fill_disk(running: &Child, sre: &Person) {
    let size = std::fs::metadata(&sre.journals()[0]).unwrap().len();
    let pid = Pid::from_raw(i32::try_from(running.id().unwrap()).unwrap());
    let limit = Rlimit { current: Some(size), maximum: Some(size) };
    rustix::process::prlimit(pid, Resource::Fsize, limit).unwrap();
}

async fn without_its_journal_the_release_still_runs(cluster: TestCluster) {
    let shop = Shop::open(&cluster).await;
    let gate = hold_create(&cluster);
    let options = own(&cluster, &shop.volume);
    let arguments = [&["backup", &*shop.path, "--yes"][..], &words(&options)].concat();
    let mut running = shop.sre.start_on_a_small_disk(&arguments);
    arrived(&gate).await;
    fill_disk(&running, &shop.sre);
    gate.open();
    assert_eq!(running.wait().await.unwrap().code(), Some(3));
    assert_eq!(cluster.read_text(&shop.volume, "state"), "released\n");

    let operation = shop.sre.operation().await;
    assert_eq!(operation["state"], "interrupted", "{operation}");
    let id = operation["id"].as_str().unwrap();
    let record = cluster.get("v1", "ConfigMap", &format!("holdfast-{id}")).await.unwrap();
    let trouble = record["data"]["trouble"].as_str().unwrap();
    assert!(trouble.contains("done all the same: post hook"), "{trouble}");
    assert_eq!(person::lines(&shop.sre.state()), shop.sre.entries().len());
    cluster.proxy.clear();
    let resumed = shop.sre.run(&["operations", "resume", id]).await.expect(1);
    assert!(resumed.stderr.contains("the console was interrupted"), "{resumed:?}");
}

async fn asked_to_stop_it_releases(cluster: TestCluster) {
    let shop = Shop::open(&cluster).await;
    cluster.storage_fault("data", StorageFault::ErrorAlways);
    let mut running = shop.start(&words(&own(&cluster, &shop.volume)));
    wait::until("the cut to be waited for", LONG, async || {
        shop.sre.journals().first()?;
        shop.sre.entries().iter().any(|entry| entry["body"]["step"] == "cut").then_some(())
    })
    .await;
    assert_eq!(cluster.read_text(&shop.volume, "state"), "held\n");
    let pid = Pid::from_raw(i32::try_from(running.id().unwrap()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(running.wait().await.unwrap().code(), Some(1), "{:?}", shop.sre.story());
    assert_eq!(cluster.read_text(&shop.volume, "state"), "released\n", "{:?}", shop.sre.story());
    let entries = shop.sre.entries();
    assert!(shop.sre.story().contains(&"stopAsked".to_owned()), "{:?}", shop.sre.story());
    assert_eq!(entries.last().unwrap()["body"]["end"], "stopped", "{entries:?}");
}

async fn an_auditor_is_refused_with_exec_named(cluster: TestCluster) {
    cluster.claim("data").await;
    cluster.database("data", &json!({})).await;
    let auditor = cluster.person(User::Auditor);
    let path = format!("{}/data", cluster.namespace);
    let ended = auditor.run(&["backup", &path, "--yes", "--pre", "true"]).await.expect(1);
    assert!(ended.stderr.contains("create pods/exec"), "{ended:?}");
    assert!(auditor.journals().is_empty());
}
