//! Many certificates are issued anew: one that proves it, one more, then batches, each seen to be served before the next;
//! the first failure stops it and leaves those after it as they were; and whoever goes on begins where it stopped.

use http::Method;
use serde_json::{Value, json};

use crate::lease::SHORT;
use crate::renew::{CERT_MANAGER, certified, issued, pods, prepared};
use crate::rotate::held;
use crate::served::{folder, serve_of, tls};
use crate::support::cluster::{TestCluster, User};
use crate::support::person::{Ended, Person};
use crate::support::pki::Authority;
use crate::support::proxy::{Fault, Gate, Order};
use crate::support::scenarios;
use crate::support::terminal::Terminal;
use crate::support::wait::{self, LONG};

scenarios!(
    both_kinds_are_issued_anew_wave_by_wave_and_every_server_serves_them,
    the_first_failure_leaves_the_rest_as_it_was_and_the_line_that_it_prints_goes_on,
    killed_in_the_middle_it_is_resumed_and_whoever_goes_on_is_told_the_same,
    what_was_issued_and_is_not_served_stands_before_everything_else,
    a_ca_and_what_cannot_be_issued_anew_are_named_and_left_alone,
    a_person_types_the_number_and_goes_on_after_the_first,
    without_the_number_the_rights_or_leave_to_write_nothing_is_done,
);

/// Certificates of a CA of the namespace that nobody renews, in these Secrets.
async fn imported(cluster: &TestCluster, names: &[&str]) -> Authority {
    let authority = Authority::new("edge CA");
    cluster.create(&authority.pair.secret(&cluster.namespace, "edge-ca")).await;
    for name in names {
        let leaf = authority.leaf(&format!("{name}.{}.svc", cluster.namespace));
        cluster.create(&leaf.secret(&cluster.namespace, name)).await;
    }
    authority
}

/// The fingerprint that a Secret holds.
async fn print(cluster: &TestCluster, name: &str) -> String {
    held(cluster, name).await.facts.fingerprint.to_string()
}

async fn prints(cluster: &TestCluster, names: &[&str]) -> Vec<String> {
    let mut prints = Vec::new();
    for name in names {
        prints.push(print(cluster, name).await);
    }
    prints
}

async fn reissue(cluster: &TestCluster, sre: &Person, more: &[&str]) -> Ended {
    sre.run(&[&["reissue", "-n", &cluster.namespace, "--filter", "name:-tls"], more].concat()).await
}

/// What each server of a Secret does with it.
async fn states(cluster: &TestCluster, sre: &Person, secret: &str) -> Vec<String> {
    let rows = sre.run(&["probe", &format!("{}/{secret}", cluster.namespace), "-o", "json"]).await.json();
    rows.as_array().unwrap().iter().map(|row| row["state"].as_str().unwrap().to_owned()).collect()
}

/// Waits until so many servers serve what a Secret holds.
async fn settled(cluster: &TestCluster, secret: &str, count: usize) {
    let sre = cluster.person(User::Sre);
    let look = async || states(cluster, &sre, secret).await;
    wait::seen("the stored certificate to be served", LONG, look, |states| {
        states.len() == count && states.iter().all(|state| state == "Match")
    })
    .await;
}

/// Who opened the operations of a person, in order: the object, and on whose word.
fn openings(sre: &Person) -> Vec<(String, Value)> {
    let first = |path| {
        let text = std::fs::read_to_string(path).unwrap();
        serde_json::from_str::<Value>(text.lines().next().unwrap()).unwrap()
    };
    let mut all: Vec<Value> = sre.journals().iter().map(first).collect();
    all.sort_by_key(|entry| entry["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap());
    let said = |entry: Value| {
        let name = entry["body"]["plan"]["subject"]["object"]["name"].as_str().unwrap().to_owned();
        (name, entry["body"]["authority"]["procedure"].clone())
    };
    all.into_iter().map(said).collect()
}

/// The id of the operation on this object. Two that begin within a second have no order by their ids.
fn id_of(sre: &Person, name: &str) -> String {
    let first = |path: &std::path::PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        serde_json::from_str::<Value>(text.lines().next().unwrap()).unwrap()["body"]["plan"].clone()
    };
    let plan = sre.journals().iter().map(first).find(|plan| plan["subject"]["object"]["name"] == name);
    plan.unwrap()["id"].as_str().unwrap().to_owned()
}

/// The line that goes on, as words after the program's name.
fn goes_on(ended: &Ended) -> Vec<String> {
    let line = ended.stderr.lines().find_map(|line| line.trim().strip_prefix("it goes on with: holdfast "));
    line.unwrap_or_else(|| panic!("{ended:?}")).split_whitespace().map(str::to_owned).collect()
}

async fn go_on(sre: &Person, line: &[String], more: &[&str]) -> Ended {
    let line: Vec<&str> = line.iter().map(String::as_str).collect();
    sre.run(&[&line, more].concat()).await
}

async fn both_kinds_are_issued_anew_wave_by_wave_and_every_server_serves_them(cluster: TestCluster) {
    let sre = prepared(&cluster).await;
    certified(&cluster, "api").await;
    imported(&cluster, &["edge-tls", "mail-tls"]).await;
    serve_of(&cluster, "edge-tls", ("edge", 1), &folder(), &tls()).await;
    serve_of(&cluster, "web-tls", ("web", 2), &folder(), &tls()).await;
    settled(&cluster, "edge-tls", 1).await;
    settled(&cluster, "web-tls", 2).await;
    let names = ["edge-tls", "api-tls", "mail-tls", "web-tls"];
    let (former, ca) = (prints(&cluster, &names).await, print(&cluster, "ca-tls").await);

    let ended = reissue(&cluster, &sre, &["--yes", "--count", "4", "--reason", "due"]).await.expect(0);
    assert!(ended.stdout.contains("4 certificates in 4 waves: 0 done, 4 to issue anew"), "{}", ended.stdout);
    assert!(ended.stdout.contains("done: 4 certificates issued anew"), "{}", ended.stdout);
    let new = prints(&cluster, &names).await;
    assert!(former.iter().zip(&new).all(|(former, new)| former != new), "{former:?} {new:?}");
    assert_eq!(print(&cluster, "ca-tls").await, ca, "the CA is left alone");
    // First one that is served and that few use; then by how many use them.
    let openings = openings(&sre);
    let order: Vec<&str> = openings.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(order, ["edge-tls", "api", "mail-tls", "web"]);
    for (place, (_, authority)) in openings.iter().enumerate() {
        let step = format!("wave {0}, {0} of 4, since ", place + 1);
        assert!(authority["step"].as_str().unwrap().starts_with(&step), "{authority}");
        assert_eq!((&authority["procedure"], &authority["who"]), (&json!("reissue"), &json!("sre")));
    }
    // Not a moment later: it ended only when they did.
    assert_eq!(states(&cluster, &sre, "edge-tls").await, ["Match"]);
    assert_eq!(states(&cluster, &sre, "web-tls").await, ["Match", "Match"]);
    sre.run(&["journal", "verify"]).await.expect(0);
}

async fn the_first_failure_leaves_the_rest_as_it_was_and_the_line_that_it_prints_goes_on(cluster: TestCluster) {
    let sre = cluster.person(User::Sre);
    imported(&cluster, &["edge-tls", "stuck-tls", "web-tls"]).await;
    let once = json!({ "lab.holdfast.dev/serves": "tls", "lab.holdfast.dev/reloads": "never" });
    serve_of(&cluster, "edge-tls", ("edge", 1), &folder(), &tls()).await;
    serve_of(&cluster, "stuck-tls", ("stuck", 1), &folder(), &once).await;
    serve_of(&cluster, "web-tls", ("web", 2), &folder(), &tls()).await;
    for (secret, count) in [("edge-tls", 1), ("stuck-tls", 1), ("web-tls", 2)] {
        settled(&cluster, secret, count).await;
    }
    let names = ["edge-tls", "stuck-tls", "web-tls"];
    let former = prints(&cluster, &names).await;
    let ended = reissue(&cluster, &sre, &["--yes", "--count", "3", "--served-within", "15s"]).await.expect(1);
    assert!(ended.stderr.contains("pod stuck-") && ended.stderr.contains("still serves"), "{ended:?}");
    let (here, then) = (&cluster.namespace, prints(&cluster, &names).await);
    assert_ne!(then[0], former[0]);
    assert_eq!(then[1..], former[1..], "what failed went back, and what comes after it was not touched");
    assert_eq!(openings(&sre).len(), 2);
    let said = format!("issued anew: {here}/edge-tls\n  not: {here}/stuck-tls, {here}/web-tls\n");
    assert!(ended.stderr.contains(&said), "{}", ended.stderr);

    // Another machine is told the same.
    let (line, colleague) = (goes_on(&ended), cluster.person(User::Sre));
    let status = go_on(&colleague, &line, &["--status"]).await.expect(0);
    assert!(status.stdout.contains("1 done, 2 to issue anew"), "{}", status.stdout);
    let reloads =
        json!({ "spec": { "template": { "metadata": { "annotations": { "lab.holdfast.dev/reloads": null } } } } });
    let before = pods(&cluster, "stuck", 1).await;
    cluster.merge("apps/v1", "Deployment", "stuck", &reloads).await;
    wait::seen("the pod to be replaced", LONG, async || pods(&cluster, "stuck", 1).await, |now| *now != before).await;
    settled(&cluster, "stuck-tls", 1).await;
    go_on(&colleague, &line, &["--yes", "--count", "2"]).await.expect(0);
    let new = prints(&cluster, &names).await;
    assert_eq!(new[0], then[0], "what was done is not done again");
    assert!(new[1] != former[1] && new[2] != former[2]);
    let order: Vec<String> = openings(&colleague).into_iter().map(|(name, _)| name).collect();
    assert_eq!(order, ["stuck-tls", "web-tls"]);
    let again = go_on(&colleague, &line, &["--yes", "--count", "2"]).await.expect(0);
    assert!(again.stdout.contains("3 done, 0 to issue anew"), "{}", again.stdout);
    assert_eq!(prints(&cluster, &names).await, new);
}

async fn killed_in_the_middle_it_is_resumed_and_whoever_goes_on_is_told_the_same(cluster: TestCluster) {
    let sre = cluster.person(User::Sre);
    sre.configure(SHORT);
    imported(&cluster, &["a-tls", "b-tls", "c-tls"]).await;
    let names = ["a-tls", "b-tls", "c-tls"];
    let former = prints(&cluster, &names).await;
    let gate = Gate::shut();
    let stored = Order::on(Method::PATCH, "/secrets/b-tls", Fault::Hold(gate.clone())).without("dryRun=All");
    cluster.proxy.order(stored);
    let arguments = ["reissue", "-n", &cluster.namespace, "--filter", "name:-tls", "--yes", "--count", "3"];
    let mut running = sre.start(&arguments);
    wait::until("the second to be stored", LONG, async || (gate.arrived() == 1).then_some(())).await;
    running.kill().await.unwrap();
    gate.break_off();
    cluster.proxy.clear();
    // The journal of each says since when.
    let openings = openings(&sre);
    let (second, step) = (&openings[1].0, openings[1].1["step"].as_str().unwrap());
    let since = step.strip_prefix("wave 2, 2 of 3, since ").unwrap_or_else(|| panic!("{step}"));
    assert_eq!(second, "b-tls");
    let status = reissue(&cluster, &sre, &["--status", "--since", since]).await.expect(0);
    assert!(status.stdout.contains("1 done, 2 to issue anew"), "{}", status.stdout);
    sre.run(&["operations", "resume", &id_of(&sre, "b-tls")]).await.expect(0);
    let then = prints(&cluster, &names).await;
    assert!(then[0] != former[0] && then[1] != former[1] && then[2] == former[2], "{former:?} {then:?}");
    let ended = reissue(&cluster, &sre, &["--since", since, "--yes", "--count", "1"]).await.expect(0);
    assert!(ended.stdout.contains("wave 3 of 3"), "{}", ended.stdout);
    let new = prints(&cluster, &names).await;
    assert!(new[..2] == then[..2] && new[2] != then[2], "{then:?} {new:?}");
}

async fn what_was_issued_and_is_not_served_stands_before_everything_else(cluster: TestCluster) {
    let sre = prepared(&cluster).await;
    imported(&cluster, &["mail-tls"]).await;
    let once = json!({ "lab.holdfast.dev/serves": "tls", "lab.holdfast.dev/reloads": "never" });
    serve_of(&cluster, "web-tls", ("stubborn", 1), &folder(), &once).await;
    settled(&cluster, "web-tls", 1).await;
    let mail = print(&cluster, "mail-tls").await;
    let ended = reissue(&cluster, &sre, &["--yes", "--count", "2", "--served-within", "4s"]).await.expect(1);
    assert!(ended.stderr.contains("pod stubborn-"), "{ended:?}");
    // cert-manager does not go back: it is issued, and nothing more is while a pod serves the former one.
    issued(&cluster, "web", 2).await;
    let line = goes_on(&ended);
    let refused = go_on(&sre, &line, &["--yes", "--count", "2"]).await.expect(1);
    assert!(refused.stderr.contains("was issued anew and is not served: pod stubborn-"), "{refused:?}");
    assert_eq!(print(&cluster, "mail-tls").await, mail);
    let pod = cluster.list("v1", "Pod").await.into_iter().find(|pod| pod["metadata"]["labels"]["app"] == "stubborn");
    cluster.delete("v1", "Pod", pod.unwrap()["metadata"]["name"].as_str().unwrap()).await;
    settled(&cluster, "web-tls", 1).await;
    go_on(&sre, &line, &["--yes", "--count", "1"]).await.expect(0);
    assert_ne!(print(&cluster, "mail-tls").await, mail);
    assert_eq!(cluster.get(CERT_MANAGER, "Certificate", "web").await.unwrap()["status"]["revision"], 2);
}

async fn a_ca_and_what_cannot_be_issued_anew_are_named_and_left_alone(cluster: TestCluster) {
    let here = &cluster.namespace;
    let sre = cluster.person(User::Sre);
    let ca = Authority::new("root CA");
    cluster.create(&ca.pair.secret(here, "root-tls")).await;
    let foreign = Authority::new("their CA").leaf("foreign.example");
    cluster.create(&foreign.secret(here, "foreign-tls")).await;
    let mut chart = ca.leaf("chart.example").secret(here, "chart-tls");
    chart["metadata"]["labels"] = json!({ "app.kubernetes.io/managed-by": "Helm" });
    cluster.create(&chart).await;
    let map = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "namespace": here, "name": "trust-tls" },
        "data": { "ca.crt": ca.pair.certificate },
    });
    cluster.create(&map).await;
    let names = ["root-tls", "foreign-tls", "chart-tls"];
    let before = prints(&cluster, &names).await;
    let refused = reissue(&cluster, &sre, &["--yes", "--count", "4"]).await.expect(1);
    assert!(refused.stderr.contains("nothing that the filter matches can be issued anew"), "{refused:?}");
    for said in [
        "left out: 4".to_owned(),
        format!(
            "{here}/root-tls: it is a CA: those who trust it have to trust another one first; holdfast rotate-ca {here}/root-tls"
        ),
        format!("{here}/foreign-tls: its issuer, "),
        format!("{here}/chart-tls: Helm keeps it"),
        format!("{here}/trust-tls: it is no TLS Secret"),
    ] {
        assert!(refused.stdout.contains(&said), "{said} is not in {}", refused.stdout);
    }
    // Beside something that can be it is said and left out all the same, and its number is not asked for.
    cluster.create(&ca.leaf("web.example").secret(here, "web-tls")).await;
    let web = print(&cluster, "web-tls").await;
    let done = reissue(&cluster, &sre, &["--yes", "--count", "1"]).await.expect(0);
    assert!(done.stdout.contains("left out: 4") && done.stdout.contains("holdfast rotate-ca"), "{}", done.stdout);
    assert_ne!(print(&cluster, "web-tls").await, web);
    assert_eq!(prints(&cluster, &names).await, before);
}

async fn a_person_types_the_number_and_goes_on_after_the_first(cluster: TestCluster) {
    let sre = cluster.person(User::Sre);
    imported(&cluster, &["a-tls", "b-tls", "c-tls"]).await;
    let names = ["a-tls", "b-tls", "c-tls"];
    let former = prints(&cluster, &names).await;
    let arguments = ["reissue", "-n", &cluster.namespace, "--filter", "name:-tls"];
    let open = || Terminal::holdfast(&sre, &arguments, 160, 50);
    let mut terminal = open();
    terminal.until("the number to be asked for", |screen| screen.contains("Type 3, the number of what goes")).await;
    terminal.press("2\r");
    terminal.until("it to be refused", |screen| screen.contains("nothing was done")).await;
    assert_eq!(prints(&cluster, &names).await, former);

    let mut terminal = open();
    terminal.until("the number to be asked for", |screen| screen.contains("Type 3, the number of what goes")).await;
    terminal.press("3\r");
    terminal.until("to be asked again after the first", |screen| screen.contains("Type go on to go on")).await;
    assert_eq!(openings(&sre).len(), 1);
    terminal.press("not yet\r");
    terminal.until("how to go on", |screen| screen.contains("it goes on with: holdfast reissue")).await;
    let now = prints(&cluster, &names).await;
    assert!(now[0] != former[0] && now[1..] == former[1..], "{former:?} {now:?}");

    let mut terminal = open();
    terminal.until("the number to be asked for", |screen| screen.contains("Type 3, the number of what goes")).await;
    terminal.press("3\r");
    terminal.until("to be asked again after the first", |screen| screen.contains("Type go on to go on")).await;
    terminal.press("go on\r");
    terminal.until("its end", |screen| screen.contains("done: 3 certificates issued anew")).await;
    let new = prints(&cluster, &names).await;
    assert!(now.iter().zip(&new).all(|(now, new)| now != new), "{now:?} {new:?}");
}

async fn without_the_number_the_rights_or_leave_to_write_nothing_is_done(cluster: TestCluster) {
    let (sre, auditor) = (cluster.person(User::Sre), cluster.person(User::Auditor));
    imported(&cluster, &["a-tls", "b-tls"]).await;
    let names = ["a-tls", "b-tls"];
    let former = prints(&cluster, &names).await;
    let said = async |person: &Person, more: &[&str], code| reissue(&cluster, person, more).await.expect(code);
    assert!(said(&sre, &["--yes"], 1).await.stderr.contains("--count 2"));
    assert!(said(&sre, &["--yes", "--count", "3"], 1).await.stderr.contains("--count 2"));
    assert!(said(&sre, &[], 4).await.stderr.contains("--yes --count N"));
    assert!(said(&sre, &["--read-only", "--yes", "--count", "2"], 1).await.stderr.contains("read-only"));
    let dry = said(&sre, &["--dry-run"], 0).await;
    let plan = format!("rotate certificate {}/a-tls", cluster.namespace);
    assert!(dry.stdout.contains("2 certificates in 2 waves") && dry.stdout.contains(&plan), "{}", dry.stdout);
    let refused = said(&auditor, &["--yes", "--count", "2"], 3).await;
    assert!(refused.stderr.contains("not allowed to list secrets"), "{refused:?}");
    let empty = ["reissue", "-n", &cluster.namespace, "--filter", "", "--yes", "--count", "2"];
    assert!(sre.run(&empty).await.expect(2).stderr.contains("an empty --filter"));
    assert_eq!(prints(&cluster, &names).await, former);
    assert!(sre.journals().is_empty() && auditor.journals().is_empty());
}
