//! A runbook is carried out by the real binary: it does what its file says, waits where a person is needed, and goes on
//! after a crash or on another machine without doing anything twice.

mod headless;

use http::Method;
use serde_json::{Value, json};

use crate::lease::{SHORT, run_out};
use crate::support::cluster::{TestCluster, User};
use crate::support::person::{Ended, Person};
use crate::support::proxy::{Fault, Gate, Order};
use crate::support::wait::{self, LONG};
use crate::support::{kubelet, scenarios};

scenarios!(
    a_second_person_approves_and_whoever_began_it_cannot,
    a_run_does_what_its_book_says_and_its_timeline_tells_it_all,
    a_run_waits_for_a_person_and_goes_on_with_what_they_say,
    killed_amid_an_operation_a_run_goes_on_without_a_second_copy,
    another_machine_goes_on_and_the_first_one_stops,
    a_book_that_was_edited_meanwhile_is_not_gone_on_with_and_the_difference_is_shown,
    a_book_with_a_mistake_runs_no_step,
    a_step_that_fails_is_tried_again_or_skipped_with_a_reason,
    an_operation_that_failed_is_told_with_its_end_and_its_writes,
    what_is_collected_is_hashed_and_holds_no_secret,
);

const HEAD: &str = "holdfast: runbook/v1\nname: copy-and-hold\ntitle: Copy a volume and hold the copy\nabout: For tests.\n\
                    params:\n  volume: {type: volume, about: Which}\nsteps:\n";

/// A book of these steps, for the volume `data`.
pub struct Written {
    pub person: Person,
    pub path: String,
    volume: String,
}

impl Written {
    pub fn new(cluster: &TestCluster, steps: &str) -> Self {
        let person = cluster.person(User::Sre);
        let path = person.home().join("book.yaml").display().to_string();
        std::fs::write(&path, format!("{HEAD}{steps}")).unwrap();
        Self { person, path, volume: format!("volume={}/data", cluster.namespace) }
    }

    fn rewrite(&self, steps: &str) {
        std::fs::write(&self.path, format!("{HEAD}{steps}")).unwrap();
    }

    pub async fn run(&self, more: &[&str]) -> Ended {
        self.person.run(&[&["runbook", "run", &self.path, "-p", &self.volume], more].concat()).await
    }
}

/// The id of the run that a command began.
pub fn id(ended: &Ended) -> String {
    let line = ended.stdout.lines().find_map(|line| line.strip_prefix("run\t"));
    line.unwrap_or_else(|| panic!("no run was begun: {ended:?}")).to_owned()
}

pub const BACKUP: &str = "  - id: copy
    title: Copy {{volume}}
    why: It may be lost.
    fails: Look at the storage.
    plan: {verb: backup, of: '{{volume}}', with: {reason: a runbook}}
";

pub const HOLD: &str = "  - id: hold
    title: Hold {{copy.made}}
    why: Nothing may delete it.
    fails: Hold it by hand.
    plan: {verb: hold, of: '{{copy.made}}', with: {reason: a runbook}}
";

pub const THERE: &str = "  - id: there
    title: The volume is there
    why: Nothing else makes sense.
    fails: Look for it.
    check: {in: volumes, filter: 'name:{{volume.name}} namespace:{{volume.namespace}}', expect: 1}
";

pub const POINT: &str = "  - id: point
    title: Choose a copy
    why: Only one is held.
    fails: Make one.
    choose: {in: restore-points, filter: 'volume:{{volume.name}} namespace:{{volume.namespace}}'}
";

pub const LOOK: &str = "  - id: look
    title: Look at the application
    why: Nobody else sees what users see.
    fails: Ask somebody who knows.
    manual: Open the shop and buy something.
";

async fn a_run_does_what_its_book_says_and_its_timeline_tells_it_all(cluster: TestCluster) {
    cluster.claim("data").await;
    let held = "  - id: held
    title: It is held
    why: It has to stay.
    fails: Hold it again.
    wait: {in: restore-points, filter: 'name:{{point.name}} heldUntil:released', expect: 1, within: 2m}
";
    let hold = HOLD.replace("{{copy.made}}", "{{point}}");
    let book = Written::new(&cluster, &format!("{THERE}{BACKUP}{POINT}{hold}{LOOK}{held}"));
    let ended = book.run(&["--yes", "--answer", "point=1", "--answer", "look=bought a book"]).await.expect(0);
    let id = id(&ended);
    let copies = cluster.snapshots().await;
    assert_eq!(copies.len(), 1);
    assert!(copies[0]["metadata"]["annotations"]["holdfast.dev/hold"].is_string(), "{copies:?}");

    let record = cluster.get("v1", "ConfigMap", &format!("holdfast-run-{id}")).await.unwrap();
    assert_eq!(record["data"]["state"], "done", "{record:#}");
    let listed = book.person.run(&["runbook", "runs", "-n", &cluster.namespace, "-o", "json"]).await.expect(0).json();
    assert_eq!(listed[0]["state"], "Done", "{listed:#}");
    let shown = book.person.run(&["runbook", "show", &id]).await.expect(0).stdout;
    assert!(shown.contains("bought a book") && shown.contains("volume = "), "{shown}");

    let told = book.person.run(&["runbook", "export", &id, "-o", "md"]).await.expect(0).stdout;
    let operations = book.person.journals().len();
    assert_eq!(operations, 2, "a copy and a hold");
    let copy = copies[0]["metadata"]["name"].as_str().unwrap();
    for part in [&*id, "bought a book", copy, "sre"] {
        assert!(told.contains(part), "{part} is not told: {told}");
    }
    let json = book.person.run(&["runbook", "export", &id, "-o", "json"]).await.expect(0).stdout;
    for journal in book.person.journals() {
        let text = std::fs::read_to_string(journal).unwrap();
        let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        let opened: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert!(json.contains(last["hash"].as_str().unwrap()), "the head of its journal is in the timeline: {json}");
        assert!(json.contains(opened["body"]["digest"].as_str().unwrap()), "so is the digest of its plan");
        assert_eq!(opened["body"]["authority"]["runbook"]["run"], id.as_str(), "{opened:#}");
    }
    book.person.run(&["journal", "verify"]).await.expect(0);
}

async fn a_run_waits_for_a_person_and_goes_on_with_what_they_say(cluster: TestCluster) {
    cluster.claim("data").await;
    let book = Written::new(&cluster, &format!("{LOOK}{BACKUP}"));
    let ended = book.run(&["--yes"]).await.expect(4);
    let id = id(&ended);
    assert!(
        ended.stderr.contains("Open the shop") && ended.stderr.contains(&format!("runbook resume {id}")),
        "{ended:?}"
    );
    assert_eq!(cluster.snapshots().await.len(), 0);
    // Without --yes a plan waits as well: nobody is there to type.
    let ended = book.person.run(&["runbook", "resume", &id, "--note", "works"]).await.expect(4);
    assert!(ended.stdout.contains("Before it starts") || ended.stdout.contains("copy"), "{ended:?}");
    assert_eq!(cluster.snapshots().await.len(), 0);
    book.person.run(&["runbook", "note", &id, "the phone rings"]).await.expect(0);
    book.person.run(&["runbook", "resume", &id, "--yes"]).await.expect(0);
    assert_eq!(cluster.snapshots().await.len(), 1);
    let told = book.person.run(&["runbook", "export", &id]).await.expect(0).stdout;
    assert!(told.contains("works") && told.contains("the phone rings"), "{told}");
}

/// A run that was killed while the snapshot of its second step was on its way.
async fn killed(cluster: &TestCluster) -> (Written, String) {
    let book = Written::new(cluster, &format!("{THERE}{BACKUP}{HOLD}"));
    book.person.configure(SHORT);
    let gate = Gate::shut();
    let order = Order::on(Method::POST, "/volumesnapshots", Fault::Hold(gate.clone())).without("dryRun=All");
    cluster.proxy.order(order);
    let mut running = book.person.start(&["runbook", "run", &book.path, "-p", &book.volume, "--yes"]);
    wait::until("the create to be sent", LONG, async || (gate.arrived() == 1).then_some(())).await;
    running.kill().await.unwrap();
    gate.break_off();
    cluster.proxy.clear();
    let id = book.person.only_run();
    run_out(cluster).await;
    (book, id)
}

async fn killed_amid_an_operation_a_run_goes_on_without_a_second_copy(cluster: TestCluster) {
    cluster.claim("data").await;
    let (book, id) = killed(&cluster).await;
    book.person.run(&["runbook", "resume", &id, "--yes"]).await.expect(0);
    let copies = cluster.snapshots().await;
    assert_eq!(copies.len(), 1, "{copies:?}");
    assert!(copies[0]["metadata"]["annotations"]["holdfast.dev/hold"].is_string(), "{copies:?}");
    let again = book.person.run(&["runbook", "resume", &id, "--yes"]).await.expect(0);
    assert!(!again.stdout.contains("FAILED"), "{again:?}");
    assert_eq!(cluster.snapshots().await.len(), 1);
}

async fn another_machine_goes_on_and_the_first_one_stops(cluster: TestCluster) {
    cluster.claim("data").await;
    let book = Written::new(&cluster, &format!("{THERE}{LOOK}{BACKUP}{}", LOOK.replace("id: look", "id: again")));
    let id = id(&book.run(&["--yes"]).await.expect(4));
    // It has neither the journal nor the file of the book.
    let colleague = cluster.person(User::Colleague);
    colleague.run(&["runbook", "resume", &id, "--note", "seen from here", "--yes"]).await.expect(4);
    assert_eq!(cluster.snapshots().await.len(), 1);
    let told = book.person.run(&["runbook", "show", &id]).await.expect(0).stdout;
    assert!(told.contains("seen from here (colleague)"), "the record counts, not the journal of this machine: {told}");
    // The first one takes up what happened meanwhile.
    book.person.run(&["runbook", "resume", &id, "--note", "and from there", "--yes"]).await.expect(0);
    assert_eq!(cluster.snapshots().await.len(), 1);
    let told = book.person.run(&["runbook", "show", &id]).await.expect(0).stdout;
    for part in ["seen from here (colleague)", "and from there (sre)"] {
        assert!(told.contains(part), "{told}");
    }
    cluster.delete("v1", "ConfigMap", &format!("holdfast-run-{id}")).await;
    let told = book.person.run(&["runbook", "export", &id]).await.expect(3);
    assert!(told.stderr.contains("what the journal of this machine says"), "{told:?}");
    assert!(told.stdout.contains("and from there"), "{told:?}");
}

async fn a_book_that_was_edited_meanwhile_is_not_gone_on_with_and_the_difference_is_shown(cluster: TestCluster) {
    cluster.claim("data").await;
    let book = Written::new(&cluster, &format!("{LOOK}{BACKUP}"));
    let id = id(&book.run(&["--yes"]).await.expect(4));
    book.rewrite(&LOOK.replace("buy something", "buy nothing"));
    let refused = book.person.run(&["runbook", "resume", &id, "--note", "x", "--yes"]).await.expect(1);
    for part in [
        "was edited since the run began",
        "-    manual: Open the shop and buy something.",
        "+    manual: Open the shop and buy nothing.",
        "--as-begun",
    ] {
        assert!(refused.stderr.contains(part), "{part}: {refused:?}");
    }
    assert_eq!(cluster.snapshots().await.len(), 0);
    book.person.run(&["runbook", "resume", &id, "--note", "x", "--yes", "--as-begun"]).await.expect(0);
    assert_eq!(cluster.snapshots().await.len(), 1);
}

async fn a_book_with_a_mistake_runs_no_step(cluster: TestCluster) {
    cluster.claim("data").await;
    let wrong = LOOK.replace("manual: Open", "manul: Open");
    let book = Written::new(&cluster, &format!("{BACKUP}{wrong}"));
    let refused = book.run(&["--yes"]).await.expect(2);
    assert!(refused.stderr.contains("book.yaml:17:"), "{refused:?}");
    assert_eq!(cluster.snapshots().await.len(), 0);
    assert!(book.person.journals().is_empty());
    let missing = Written::new(&cluster, BACKUP);
    let refused = missing.person.run(&["runbook", "run", &missing.path, "--yes"]).await.expect(2);
    assert!(refused.stderr.contains("volume"), "{refused:?}");
}

async fn a_step_that_fails_is_tried_again_or_skipped_with_a_reason(cluster: TestCluster) {
    cluster.claim("data").await;
    let copied = "  - id: copied
    title: There is a copy
    why: Without one nothing can be restored.
    fails: Make one.
    check: {in: restore-points, filter: 'volume:{{volume.name}} namespace:{{volume.namespace}}', expect: some}
";
    let book = Written::new(&cluster, &format!("{copied}{LOOK}"));
    let failed = book.run(&["--yes"]).await.expect(1);
    let id = id(&failed);
    assert!(
        failed.stderr.contains("0 of the restore-points match") && failed.stderr.contains("Make one."),
        "{failed:?}"
    );
    book.person.run(&["runbook", "resume", &id, "--retry"]).await.expect(1);
    cluster.snapshot("by-hand", "data").await;
    book.person.run(&["runbook", "resume", &id, "--retry"]).await.expect(4);
    book.person.run(&["runbook", "resume", &id, "--skip", "the shop is closed"]).await.expect(0);
    let told = book.person.run(&["runbook", "export", &id]).await.expect(0).stdout;
    assert!(told.contains("the shop is closed"), "{told}");
}

async fn an_operation_that_failed_is_told_with_its_end_and_its_writes(cluster: TestCluster) {
    cluster.claim("data").await;
    cluster.snapshot("copy", "data").await;
    let _kubelet = kubelet::run(&cluster);
    let prove = "  - id: prove
    title: Prove the copy
    why: A copy that cannot be restored is none.
    fails: Choose another.
    plan: {verb: drill, of: '{{volume.namespace}}/copy'}
";
    let book = Written::new(&cluster, prove);
    let failed = book.run(&["--yes"]).await.expect(1);
    let told = book.person.run(&["runbook", "export", &id(&failed), "-o", "json"]).await.expect(0).json();
    let operation = &told["steps"][0]["operations"][0];
    assert!(operation["ended"].is_string(), "{told:#}");
    assert!(operation["outcome"].as_str().unwrap().contains("it is empty"), "{operation:#}");
    assert!(!operation["auditIds"].as_array().unwrap().is_empty(), "{operation:#}");
    assert_eq!(operation["journalHead"].as_str().unwrap().len(), 64, "{operation:#}");
}

pub const AGREE: &str = "  - id: agree
    title: Somebody else agrees
    why: Two see more than one.
    fails: Ask somebody else.
    approve: Copy {{volume}}
";

/// Whether there can be an admission policy; then it is there.
async fn has_policy(cluster: &TestCluster) -> bool {
    if cluster.is_embedded() {
        return false;
    }
    let policy = cluster.person(User::Sre).run(&["runbook", "approval-policy"]).await.expect(0).stdout;
    for document in policy.split("\n---\n") {
        cluster.apply_global(&serde_saphyr::from_str(document).unwrap()).await;
    }
    true
}

/// Waits until nobody can write an approval under another name: the API server takes a little while to learn of a policy.
async fn in_force(cluster: &TestCluster, id: &str) {
    let forged = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": format!("holdfast-approval-{id}-forged"), "namespace": cluster.namespace },
        "data": { "run": id, "step": "forged", "row": "", "starter": "sre", "approver": "somebody" },
    });
    let here = tempfile::tempdir().unwrap();
    let (file, kubeconfig) = (here.path().join("forged.json"), here.path().join("kubeconfig"));
    std::fs::write(&file, forged.to_string()).unwrap();
    std::fs::write(&kubeconfig, cluster.straight(User::Colleague)).unwrap();
    let kubectl = cluster.kubectl().expect("the lab has kubectl");
    let said = async || {
        let mut command = tokio::process::Command::new(&kubectl);
        command.args(["create", "--dry-run=server", "-f"]).arg(&file).env("KUBECONFIG", &kubeconfig);
        String::from_utf8(command.output().await.unwrap().stderr).unwrap()
    };
    let refused = |said: &String| said.contains("an approval is written by its approver and nobody else");
    wait::seen("the policy to be in force", 2 * LONG, said, refused).await;
}

pub async fn a_second_person_approves_and_whoever_began_it_cannot(cluster: TestCluster) {
    cluster.claim("data").await;
    let proven = has_policy(&cluster).await;
    let book = Written::new(&cluster, &format!("{AGREE}{BACKUP}"));
    let waiting = book.run(&["--yes"]).await.expect(4);
    let id = id(&waiting);
    assert!(waiting.stderr.contains(&format!("runbook approve {id} agree")), "{waiting:?}");
    book.person.run(&["runbook", "resume", &id, "--yes"]).await.expect(4);
    let refused = book.person.run(&["runbook", "approve", &id, "--yes"]).await.expect(1);
    assert!(refused.stderr.contains("somebody else has to approve"), "{refused:?}");
    // By an address of their own: what is approved is what the cluster has.
    let way = cluster.other_way();
    let colleague = cluster.person_by(&way, User::Colleague);
    let led = colleague.run(&["runbook", "resume", &id]).await.expect(1);
    assert!(led.stderr.contains("choose the context that leads there"), "{led:?}");
    if proven {
        in_force(&cluster, &id).await;
    }
    let approved = colleague.run(&["runbook", "approve", &id, "--yes"]).await.expect(0);
    assert!(approved.stdout.contains("Copy "), "{approved:?}");
    book.person.run(&["runbook", "resume", &id, "--yes"]).await.expect(0);
    assert_eq!(cluster.snapshots().await.len(), 1);
    let told = book.person.run(&["runbook", "show", &id]).await.expect(0).stdout;
    let said =
        if proven { "approved by colleague, as the API server knows them" } else { "approved by colleague, claimed" };
    assert!(told.contains(said), "{told}");

    let alone = Written::new(&cluster, AGREE);
    let id = self::id(&alone.run(&[]).await.expect(4));
    alone.person.run(&["runbook", "resume", &id, "--break-glass", "nobody answers the phone"]).await.expect(0);
    let told = alone.person.run(&["runbook", "export", &id]).await.expect(0).stdout;
    assert!(told.contains("nobody answers the phone"), "{told}");
}

pub async fn what_is_collected_is_hashed_and_holds_no_secret(cluster: TestCluster) {
    cluster.claim("data").await;
    let pod = crate::support::manifests::pod(&cluster.namespace, "reader", "data");
    cluster.create(&pod).await;
    wait::until("the pod to run", LONG, async || {
        (cluster.get("v1", "Pod", "reader").await?["status"]["phase"] == "Running").then_some(())
    })
    .await;
    let collect = "  - id: evidence
    title: Keep what proves it
    why: It goes when pods are replaced.
    fails: Keep it by hand.
    collect: {what: [logs, events, objects, images], of: '{{volume}}'}
";
    let book = Written::new(&cluster, collect);
    let ended = book.run(&[]).await.expect(0);
    let id = id(&ended);
    let folder = book.person.state().join("evidence").join(&id).join("evidence");
    let sums = std::fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
    assert!(sums.contains("images.json") && sums.contains("object-Pod-"), "{sums}");
    for line in sums.lines() {
        let (hash, name) = line.split_once("  ").unwrap();
        let bytes = std::fs::read(folder.join(name)).unwrap();
        assert_eq!(holdfast::text::sha256(&bytes), hash, "{name}");
    }
    let told = book.person.run(&["runbook", "export", &id]).await.expect(0).stdout;
    assert!(told.contains(&holdfast::text::sha256(sums.as_bytes())), "{told}");
}
