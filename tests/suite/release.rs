//! A vulnerable release ran on data that matters: the runbook that comes along, from its start to the report, on real
//! parts. What only the lab has (PostgreSQL on the volume, cert-manager) stands behind [`data`] and [`shop`].

mod client;
mod data;
mod keys;
mod shop;

use std::io::Write;
use std::time::Instant;

use http::Method;
use serde_json::Value;

use crate::rotate::held;
use crate::runbook::id;
use crate::support::cluster::TestCluster;
use crate::support::kubelet;
use crate::support::person::{Ended, Person};
use crate::support::postgres::PASSWORD;
use crate::support::proxy::{Fault, Gate, Order};
use crate::support::scenarios;
use crate::support::wait::{self, LONG};
use client::Client;
use keys::Keys;
use shop::{RULE, Shop};

scenarios!(
    from_its_start_to_the_report_with_a_kill_in_the_restore_and_in_the_swap,
    by_keys_in_the_console_with_a_kill_in_the_restore,
    nothing_is_taken_for_fixed_served_kept_or_whole_before_it_is,
);

/// What the application is given in the place of what was within reach.
const OTHER_PASSWORD: &str = "another-horse-another-staple";

/// A run being led, and what it took.
struct Led<'a> {
    shop: &'a Shop,
    id: String,
    /// How often somebody had to say something.
    said: usize,
}

impl Led<'_> {
    /// Somebody says this, and it goes on until somebody is needed again.
    async fn goes_on(&mut self, person: &Person, more: &[&str], waits_at: &str) -> Ended {
        self.said += 1;
        let ended = person.run(&[&["runbook", "resume", &self.id, "--yes"], more].concat()).await.expect(4);
        assert!(ended.stderr.contains(&format!("\n{waits_at}: ")), "it does not wait at {waits_at}: {ended:?}");
        ended
    }

    /// The same, killed at the moment at which it sends this.
    async fn killed(&mut self, person: &Person, more: &[&str], sends: Order, gate: &Gate) {
        let cluster = &self.shop.cluster;
        cluster.proxy.order(sends);
        let mut running = person.start(&[&["runbook", "resume", &self.id, "--yes"], more].concat());
        wait::until("it to be amid the step", 3 * LONG, async || (gate.arrived() > 0).then_some(())).await;
        running.kill().await.unwrap();
        gate.break_off();
        cluster.proxy.clear();
        self.said += 1;
        locks_run_out(cluster).await;
    }
}

/// Waits until nobody holds the lock of an operation any more.
async fn locks_run_out(cluster: &TestCluster) {
    let over = |lease: &Value| {
        let renewed: jiff::Timestamp = lease["spec"]["renewTime"].as_str()?.parse().ok()?;
        let holds = jiff::SignedDuration::from_secs(lease["spec"]["leaseDurationSeconds"].as_i64()?);
        (jiff::Timestamp::now().duration_since(renewed) > holds).then_some(())
    };
    wait::until("the locks to run out", LONG, async || {
        let leases = cluster.list("coordination.k8s.io/v1", "Lease").await;
        leases.iter().all(|lease| lease["spec"]["holderIdentity"].is_null() || over(lease).is_some()).then_some(())
    })
    .await;
}

async fn from_its_start_to_the_report_with_a_kill_in_the_restore_and_in_the_swap(cluster: TestCluster) {
    let _checks = kubelet::run(&cluster);
    let shop = Shop::exposed(cluster).await;
    let (cluster, data, sre) = (&shop.cluster, &shop.data, &shop.sre);
    let here = &cluster.namespace;
    let good = cluster.snapshots().await[0]["metadata"]["name"].as_str().unwrap().to_owned();
    let at_risk = data.found(cluster).await;
    assert!(at_risk.rows.contains(&"injected".to_owned()), "{at_risk:?}");
    let (web, admin) = (held(cluster, "web-tls").await, held(cluster, "admin-tls").await);

    let client = Client::of(data, cluster);
    let began = Instant::now();
    let (volume, workload) = (format!("volume={}", shop.volume()), format!("workload={here}/statefulset/db"));
    let rule = format!("rule={RULE}");
    let asked = ["runbook", "run", "vulnerable-release", "-p", &volume, "-p", &workload, "-p", &rule, "--yes"];
    let begun = sre.run(&asked).await.expect(4);
    let mut led = Led { shop: &shop, id: id(&begun), said: 1 };

    led.goes_on(sre, &["--note", "exact, by digest"], "contained").await;
    assert_eq!(cluster.list("networking.k8s.io/v1", "NetworkPolicy").await.len(), 1);
    let ended = led.goes_on(sre, &["--note", "it runs into its timeout"], "point").await;
    let recommended = ended.stderr.lines().find(|line| line.contains("(recommended)"));
    assert!(recommended.is_some_and(|line| line.contains(&good)), "{ended:?}");
    led.goes_on(sre, &["--choose", &format!("{here}/{good}")], "agree").await;
    let colleague = shop.colleague();
    led.said += 1;
    colleague.run(&["runbook", "approve", &led.id, "--yes"]).await.expect(0);

    // Killed while the volume is made beside.
    let gate = Gate::shut();
    let claims = format!("/namespaces/{here}/persistentvolumeclaims");
    let made = Order::on(Method::POST, &claims, Fault::Hold(gate.clone())).without("dryRun=All");
    led.killed(sre, &[], made, &gate).await;
    led.goes_on(sre, &[], "data").await;
    let beside = data.looked_at(cluster, "data-db-0-clean").await;
    assert_eq!(beside.rows, ["before"], "{beside:?}");
    assert!(!beside.accounts.contains(&"backdoor".to_owned()), "{beside:?}");
    assert!(data.found(cluster).await.rows.contains(&"injected".to_owned()), "the live one was not touched");

    let looked = format!("one order, accounts {}", beside.accounts.join(", "));
    led.goes_on(sre, &["--note", &looked], "deploy").await;
    shop.scanned('c', false).await;
    shop.roll_out('c').await;
    // Killed while the application stands still and the former claim is about to go.
    let gate = Gate::shut();
    let gone = Order::on(Method::DELETE, &format!("{claims}/data-db-0"), Fault::Hold(gate.clone()));
    led.killed(sre, &["--note", "c runs"], gone.without("dryRun=All"), &gate).await;
    led.goes_on(sre, &[], "credentials").await;
    let swapped = data.found(cluster).await;
    assert_eq!(swapped, beside, "what is served is what was looked at");
    for (name, former) in [("web-tls", &web), ("admin-tls", &admin)] {
        let now = held(cluster, name).await;
        assert_ne!((&now.facts.serial, &now.facts.spki), (&former.facts.serial, &former.facts.spki), "{name}");
    }

    data.change_password(cluster, OTHER_PASSWORD).await;
    shop.restart().await;
    let refused = data.lets_in(cluster, PASSWORD).await.unwrap_err();
    assert!(refused.contains("password authentication failed"), "{refused}");
    data.lets_in(cluster, OTHER_PASSWORD).await.unwrap();

    // Somebody else goes on from their machine.
    let colleague = shop.colleague();
    led.goes_on(&colleague, &["--note", "the former password is refused"], "used").await;
    assert_eq!(cluster.list("networking.k8s.io/v1", "NetworkPolicy").await, Vec::<Value>::new());
    led.goes_on(&colleague, &["--note", "ada ordered a book"], "report").await;
    led.said += 1;
    let last = ["runbook", "resume", &led.id, "--yes", "--note", "the order since is told to ada"];
    colleague.run(&last).await.expect(0);
    say_what_it_took(("headless", led.said), began, &client);
    made_once(cluster).await;
    let id = led.id.clone();
    told(&shop, &colleague, &id).await;
}

/// Past the capture of a test that passes: these are numbers that somebody wants to see.
fn say_what_it_took((how, said): (&str, usize), began: Instant, client: &Client) {
    let (took, down) = (began.elapsed().as_secs_f64(), client.down());
    let line = format!(
        "vulnerable release, {how}: somebody spoke {said} times, {took:.1} s in all, the application stood still for \
         {:.1} s ({} times, at the longest {:.1} s)",
        down.total.as_secs_f64(),
        down.times,
        down.longest.as_secs_f64()
    );
    let _ = writeln!(std::io::stderr(), "{line}");
}

async fn by_keys_in_the_console_with_a_kill_in_the_restore(cluster: TestCluster) {
    let _checks = kubelet::run(&cluster);
    let shop = Shop::exposed(cluster).await;
    let (cluster, data) = (&shop.cluster, &shop.data);
    let web = held(cluster, "web-tls").await;
    let client = Client::of(data, cluster);
    let began = Instant::now();
    let mut keys = Keys::begin(&shop).await;
    keys.say("link", "exact, by digest").await;
    keys.confirm("contain").await;
    keys.say("contained", "it runs into its timeout").await;
    for step in ["forensic", "hold-forensic", "hold-one"] {
        keys.confirm(step).await;
    }
    keys.choose("point").await;
    keys.waits_for_another("agree").await;
    let (colleague, id) = (shop.colleague(), keys.id());
    colleague.run(&["runbook", "approve", &id, "--yes"]).await.expect(0);
    keys.confirm("proof").await;
    let gate = Gate::shut();
    let claims = format!("/namespaces/{}/persistentvolumeclaims", cluster.namespace);
    cluster.proxy.order(Order::on(Method::POST, &claims, Fault::Hold(gate.clone())).without("dryRun=All"));
    keys.confirm("restore").await;
    wait::until("it to be amid the restore", LONG, async || (gate.arrived() > 0).then_some(())).await;
    keys.terminal.signal("KILL");
    keys.terminal.ended().await;
    gate.break_off();
    cluster.proxy.clear();
    locks_run_out(cluster).await;

    let mut keys = Keys::resume(&shop, keys.said + 1).await;
    keys.is_asked("data").await;
    let beside = data.looked_at(cluster, "data-db-0-clean").await;
    assert_eq!(beside.rows, ["before"], "{beside:?}");
    keys.say("data", "one order, no other account").await;
    shop.scanned('c', false).await;
    shop.roll_out('c').await;
    keys.say("deploy", "c runs").await;
    for step in ["swap", "renew-one", "rotate-one"] {
        keys.confirm(step).await;
    }
    keys.say("credentials", "the former password is refused").await;
    assert_eq!(data.found(cluster).await, beside, "what is served is what was looked at");
    assert_ne!(held(cluster, "web-tls").await.facts.spki, web.facts.spki);
    keys.confirm("open").await;
    keys.say("used", "ada ordered a book").await;
    keys.confirm("copy").await;
    keys.say("report", "the order since is told to ada").await;
    keys.terminal.shows("the run is done").await;
    say_what_it_took(("by keys", keys.said), began, &client);
    made_once(cluster).await;
    told(&shop, &shop.sre, &id).await;
}

/// What a run makes is there once, whatever was killed on the way.
async fn made_once(cluster: &TestCluster) {
    let names = |all: Vec<Value>| {
        let mut names: Vec<String> =
            all.iter().map(|one| one["metadata"]["name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    let claims = names(cluster.list("v1", "PersistentVolumeClaim").await);
    assert_eq!(claims, ["data-db-0", "data-db-0-clean"]);
    // From before, forensic, what the swap keeps of what was there, and the first of the restored data.
    let copies = names(cluster.snapshots().await);
    let kept = copies.iter().filter(|name| name.contains("-before-")).count();
    assert_eq!((copies.len(), kept), (4, 1), "{copies:?}");
}

/// The timeline says of each step what happened, who did it and when, and how that can be checked.
async fn told(shop: &Shop, person: &Person, id: &str) {
    let told = person.run(&["runbook", "export", id, "-o", "json"]).await.expect(0).json();
    assert_eq!((&told["run"]["outcome"], &told["notReached"]), (&"done".into(), &Value::Array(Vec::new())), "{told:#}");
    let audited: Vec<String> = shop.cluster.audit().into_iter().map(|event| event.id).collect();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for step in told["steps"].as_array().unwrap() {
        // The copy that is known to be good is held already.
        let state = if step["step"] == "hold-point" { "not for now" } else { "done" };
        assert_eq!(step["state"], state, "{step:#}");
        assert!(step["began"].is_string() && !text(&step["title"]).is_empty(), "{step:#}");
        for operation in step["operations"].as_array().unwrap() {
            for field in ["id", "planSha256", "confirmedBy", "confirmed", "ended", "journalHead"] {
                assert!(!text(&operation[field]).is_empty(), "{field} of {operation:#}");
            }
            let ids = operation["auditIds"].as_array().unwrap();
            assert!(!ids.is_empty() && ids.iter().all(|id| audited.contains(&text(id))), "{operation:#}");
        }
    }
    let all = told["steps"].to_string();
    for said in ["exact, by digest", "it runs into its timeout", "the former password is refused", "ada ordered a book"]
    {
        assert!(all.contains(said), "{said}: {told:#}");
    }
    assert_eq!(told["run"]["people"], serde_json::json!(["colleague", "sre"]));
    let page = person.run(&["runbook", "export", id, "-o", "md"]).await.expect(0).stdout;
    for step in told["steps"].as_array().unwrap() {
        assert!(page.contains(step["step"].as_str().unwrap()), "{page}");
    }
}

/// The steps of the shipped runbook with these ids, as a book of their own that does not wait long.
async fn ends_of_it(shop: &Shop, ids: &[&str]) -> String {
    let printed = shop.sre.run(&["runbook", "print", "vulnerable-release"]).await.expect(0).stdout;
    let mut book: Value = serde_saphyr::from_str(&printed).unwrap();
    let steps = book["steps"].as_array_mut().unwrap();
    steps.retain(|step| ids.contains(&step["id"].as_str().unwrap()));
    assert_eq!(steps.len(), ids.len(), "{steps:#?}");
    // JSON keeps no order, and its default needs one that comes before it.
    book["params"].as_object_mut().unwrap().remove("beside");
    let steps = book["steps"].as_array_mut().unwrap();
    for wait in steps.iter_mut().filter_map(|step| step.get_mut("wait")) {
        wait["within"] = "1s".into();
    }
    let path = shop.sre.home().join("end.yaml");
    std::fs::write(&path, book.to_string()).unwrap();
    path.display().to_string()
}

async fn nothing_is_taken_for_fixed_served_kept_or_whole_before_it_is(cluster: TestCluster) {
    let shop = Shop::exposed(cluster).await;
    let (cluster, sre) = (&shop.cluster, &shop.sre);
    let path = ends_of_it(&shop, &["fixed", "verify", "kept", "served"]).await;
    let (volume, here) = (shop.volume(), &cluster.namespace);
    let (volume_is, workload_is) = (format!("volume={volume}"), format!("workload={here}/statefulset/db"));
    let rule_is = format!("rule={RULE}");
    let ended = sre.run(&["runbook", "run", &path, "-p", &volume_is, "-p", &workload_is, "-p", &rule_is]).await;
    let id = id(&ended);
    let fails = |ended: Ended, at: &str, why: &str| {
        let ended = ended.expect(1);
        let said = format!("{at} failed: ");
        assert!(ended.stderr.contains(&said) && ended.stderr.contains(why), "{at}: {why}: {ended:?}");
    };
    let again = async || sre.run(&["runbook", "resume", &id, "--retry"]).await;
    fails(ended, "fixed", "expected none");

    // Another image runs, and nobody has scanned it.
    shop.roll_out('c').await;
    fails(again().await, "fixed", "expected none");
    shop.scanned('c', false).await;
    // Its objective is missed at once.
    let rpo = |value: &str| serde_json::json!({ "metadata": { "annotations": { "holdfast.dev/rpo": value } } });
    cluster.merge("v1", "PersistentVolumeClaim", data::CLAIM, &rpo("1s")).await;
    fails(again().await, "verify", "expected none");
    cluster.merge("v1", "PersistentVolumeClaim", data::CLAIM, &rpo("24h")).await;
    // One copy is held where there have to be two.
    sre.run(&["backup", &volume, "--yes"]).await.expect(0);
    let copies = cluster.snapshots().await;
    let hold = async |copy: &Value| {
        let copy = format!("{here}/{}", copy["metadata"]["name"].as_str().unwrap());
        sre.run(&["hold", &copy, "--reason", "evidence", "--yes"]).await.expect(0);
    };
    hold(&copies[0]).await;
    fails(again().await, "kept", "expected at least 2");
    hold(&copies[1]).await;
    // A pod keeps the certificate that it began with.
    shop.keeps_what_it_read().await;
    let former = held(cluster, "web-tls").await;
    sre.run(&["renew", &format!("{here}/web"), "--yes", "--restart", "none", "--served-within", "1s"]).await;
    assert_ne!(held(cluster, "web-tls").await.facts.serial, former.facts.serial);
    fails(again().await, "served", "expected none");
    shop.restart().await;
    again().await.expect(0);
}
