//! From cluster to cluster and from namespace to namespace without a restart: the session and the real binary.

use holdfast::cluster::Target;
use holdfast::config::Config;
use holdfast::model::{Connection, Freshness, Kind};
use holdfast::session::{Desk, Options, Session, Unnamed};
use holdfast::store::Store;
use holdfast::view::Pane;

use crate::support::cluster::{StorageFault, TestCluster, User};
use crate::support::desk::{self, has, rows};
use crate::support::manifests;
use crate::support::person::Person;
use crate::support::scenarios;
use crate::support::terminal::Terminal;
use crate::support::wait::{self, LONG};

scenarios!(
    a_cluster_that_is_down_is_left_for_another_and_come_back_to,
    a_context_without_credentials_says_why_and_one_can_go_back,
    namespaces_are_chosen_while_the_console_runs,
    who_may_see_one_namespace_is_shown_that_one_and_told_so,
    saying_yes_on_a_protected_context_takes_its_name,
    read_only_goes_along_to_other_contexts,
);

/// A machine whose kubeconfig leads to both clusters as `here` and `there`, and to `lost`, whose plugin fails.
fn traveller(here: &TestCluster, there: &TestCluster) -> Person {
    let entry = |name: &str, cluster: &TestCluster| {
        let (url, namespace, token) = (cluster.proxy.url(), &cluster.namespace, cluster.token(User::Sre));
        [
            format!("- name: {name}\n  cluster: {{server: '{url}'}}\n"),
            format!("- name: {name}\n  user: {{token: '{token}'}}\n"),
            format!("- name: {name}\n  context: {{cluster: {name}, user: {name}, namespace: {namespace}}}\n"),
        ]
    };
    let exec = "exec: {apiVersion: client.authentication.k8s.io/v1, command: 'false', interactiveMode: Never}";
    let lost = [
        String::new(),
        format!("- name: lost\n  user: {{{exec}}}\n"),
        "- name: lost\n  context: {cluster: there, user: lost}\n".to_owned(),
    ];
    let [clusters, users, contexts] = [0, 1, 2]
        .map(|part| [entry("here", here), entry("there", there), lost.clone()].map(|e| e[part].clone()).concat());
    let kubeconfig = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\nclusters:\n{clusters}users:\n{users}contexts:\n{contexts}"
    );
    Person::new(&kubeconfig, &[&here.token(User::Sre)])
}

/// A session as the console opens it.
fn session(person: &Person, namespaces: &[&str]) -> Session {
    let namespaces = namespaces.iter().map(|name| (*name).to_owned()).collect();
    let target = Target { kubeconfig: Some(person.kubeconfig()), namespaces, ..Target::default() };
    let (config, store) = (Config::default(), Store::open(&person.state()).unwrap());
    Session::open(Options { target, config, store, unnamed: Unnamed::AllElseOwn, kinds: Kind::ALL.to_vec() })
}

fn live(desk: &Desk) -> bool {
    desk.world.connection == Connection::Up && desk.world.freshness(Kind::Pvc).live()
}

fn said(desk: &Desk, what: &str) -> bool {
    desk.notices.newest().any(|notice| notice.text.contains(what))
}

async fn a_cluster_that_is_down_is_left_for_another_and_come_back_to(here: TestCluster) {
    let there = TestCluster::sim("there").await;
    here.claim("data-here").await;
    there.claim("data-there").await;
    let person = traveller(&here, &there);
    let mut session = session(&person, &[&here.namespace]);
    desk::until(&mut session, "the first volume", LONG, |desk| live(desk) && has(desk, Pane::Volumes, "data-here"))
        .await;

    here.proxy.kill().await;
    let down = |desk: &Desk| matches!(desk.world.connection, Connection::Down { .. });
    desk::until(&mut session, "the first cluster to be down", LONG, down).await;
    session.switch("there").await;
    assert_eq!((rows(session.desk(), Pane::Volumes).len(), session.desk().notices.newest().count()), (0, 0));
    assert_eq!(&*session.desk().world.context.name, "there");
    desk::until(&mut session, "the other volume", LONG, |desk| live(desk) && has(desk, Pane::Volumes, "data-there"))
        .await;
    assert!(!has(session.desk(), Pane::Volumes, "data-here"));
    assert!(session.desk().world.context.namespaces.is_empty(), "what was chosen there says nothing of here");

    here.proxy.revive();
    session.switch("here").await;
    desk::until(&mut session, "the first volume again", LONG, |desk| {
        live(desk) && has(desk, Pane::Volumes, "data-here")
    })
    .await;
    assert!(!has(session.desk(), Pane::Volumes, "data-there"));
    assert_eq!(*session.desk().world.context.namespaces, [here.namespace.as_str().into()], "as it was left");
}

async fn a_context_without_credentials_says_why_and_one_can_go_back(here: TestCluster) {
    let there = TestCluster::sim("there").await;
    here.claim("data-here").await;
    let person = traveller(&here, &there);
    let mut session = session(&person, &[&here.namespace]);
    desk::until(&mut session, "the first volume", LONG, |desk| has(desk, Pane::Volumes, "data-here")).await;
    session.switch("lost").await;
    desk::until(&mut session, "why there is no connection", LONG, |desk| {
        said(desk, "the credential plugin failed") && said(desk, ":context here goes back")
    })
    .await;
    session.switch("here").await;
    desk::until(&mut session, "the first volume again", LONG, |desk| {
        live(desk) && has(desk, Pane::Volumes, "data-here")
    })
    .await;
}

async fn namespaces_are_chosen_while_the_console_runs(cluster: TestCluster) {
    cluster.claim("data").await;
    let sre = cluster.person(User::Sre);
    let mut session = session(&sre, &[]);
    let own = |desk: &Desk| desk.boards.board(Pane::Volumes).iter().all(|row| is_of(row, &cluster.namespace));
    desk::until(&mut session, "volumes of several namespaces", LONG, |desk| {
        live(desk) && has(desk, Pane::Volumes, "data") && !own(desk)
    })
    .await;

    session.look_at(std::slice::from_ref(&cluster.namespace));
    assert!(own(session.desk()) && has(session.desk(), Pane::Volumes, "data"), "the others go at once, this one stays");
    assert_eq!(*session.desk().world.freshness(Kind::Pvc), Freshness::Loading, "and is not called live meanwhile");
    desk::until(&mut session, "the namespace to be live", LONG, live).await;
    cluster.create(&manifests::claim(&cluster.namespace, "later")).await;
    desk::until(&mut session, "what comes later", LONG, |desk| has(desk, Pane::Volumes, "later")).await;
    assert!(own(session.desk()) && has(session.desk(), Pane::Volumes, "data"));

    session.look_at(&["shop".to_owned(), cluster.namespace.clone()]);
    desk::until(&mut session, "both namespaces", LONG, |desk| {
        live(desk) && has(desk, Pane::Volumes, "data-db-0") && has(desk, Pane::Volumes, "later")
    })
    .await;
    session.look_at(&[]);
    desk::until(&mut session, "all namespaces", LONG, |desk| live(desk) && desk.world.everywhere(Kind::Pvc)).await;
    assert!(has(session.desk(), Pane::Volumes, "data") && !own(session.desk()));
    desk::none_doubled(session.desk(), Pane::Volumes);
}

fn is_of(row: &holdfast::view::Row, namespace: &str) -> bool {
    row.object.namespace.as_deref() == Some(namespace)
}

async fn who_may_see_one_namespace_is_shown_that_one_and_told_so(cluster: TestCluster) {
    cluster.let_in().await;
    cluster.claim("data").await;
    let tenant = cluster.person(User::Tenant);
    let mut session = session(&tenant, &[]);
    desk::until(&mut session, "the own namespace", LONG, |desk| live(desk) && has(desk, Pane::Volumes, "data")).await;
    let context = &session.desk().world.context;
    assert!(context.narrowed && *context.namespaces == [cluster.namespace.as_str().into()], "{context:?}");
    assert!(said(session.desk(), "you may not list in all namespaces"), "{:?}", session.desk().notices);
    drop(session);

    let mut terminal = Terminal::holdfast(&tenant, &[], 120, 36);
    terminal
        .until("that one, with its volume", |screen| screen.contains("allowed only") && screen.contains(" data "))
        .await;
    // What was asked for by name is not replaced by something else.
    terminal.press(":ns kube-public\r");
    terminal.until("the namespace that was typed", |screen| screen.contains("kube-public")).await;
    let listed = tenant.run(&["get", "volumes", "-A"]).await.expect(3);
    assert!(listed.stderr.contains("persistentvolumeclaims are not seen"), "{listed:?}");
}

async fn saying_yes_on_a_protected_context_takes_its_name(cluster: TestCluster) {
    cluster.claim("data").await;
    let sre = cluster.person(User::Sre);
    sre.configure("[contexts.test]\nprotected = true\n");
    let volume = format!("{}/data", cluster.namespace);
    let refused = sre.run(&["backup", &volume, "--yes"]).await.expect(1);
    assert!(refused.stderr.contains("protected") && refused.stderr.contains("--context"), "{refused:?}");
    assert!(sre.journals().is_empty() && cluster.snapshots().await.is_empty());
    sre.run(&["backup", &volume, "--yes", "--context", "test"]).await.expect(0);
    assert_eq!(cluster.snapshots().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_goes_to_another_cluster_and_leaves_an_operation_to_be_resumed() {
    let (here, there) = (TestCluster::sim("here").await, TestCluster::sim("there").await);
    here.claim("data-here").await;
    there.claim("data-there").await;
    here.storage_fault("data-here", StorageFault::NeverReady);
    let person = traveller(&here, &there);
    let mut terminal = Terminal::holdfast(&person, &["-n", &here.namespace], 120, 36);
    terminal.shows("LIVE").await;
    terminal.shows("data-here").await;
    terminal.back_up("data-here").await;
    terminal.shows("2/3").await;
    terminal.press(":ctx there\r");
    terminal.shows("Leave this context now?").await;
    terminal.press("q");
    let screen = terminal.until("the other cluster", |screen| {
        screen.contains("data-there") && screen.contains("connected") && !screen.contains("data-here")
    });
    assert!(screen.await.contains("No operation yet"));
    assert_eq!(person.operation().await["state"], "interrupted", "its journal is not held any more");

    // Back by the picker.
    terminal.press("C");
    terminal.shows("Contexts").await;
    terminal.press("here\r");
    terminal.until("the first cluster", |screen| screen.contains("data-here") && screen.contains("Interrupted")).await;
    terminal.press("q");
    assert_eq!(terminal.ended().await, 0);
    terminal.given_back().await;
    let kept = std::fs::read_to_string(person.state().join("commands")).unwrap();
    assert_eq!(kept, "ctx there\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_asked_for_again_before_they_end_and_the_new_end_is_told() {
    let cluster = TestCluster::sim("login").await;
    cluster.claim("data").await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let now = jiff::Timestamp::now();
    let ends = |seconds| (now + jiff::SignedDuration::from_secs(seconds)).round(jiff::Unit::Second).unwrap();
    let issue = |ends: jiff::Timestamp| {
        let status = serde_json::json!({ "token": cluster.token(User::Sre), "expirationTimestamp": ends.to_string() });
        let credential = serde_json::json!({ "kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1", "status": status });
        std::fs::write(path("credential"), credential.to_string()).unwrap();
    };
    let (soon, late) = (ends(50), ends(7_200));
    issue(soon);
    let script = format!("echo >> {0}/runs; cat {0}/credential", folder.path().display());
    let kubeconfig = cluster.proxy.kubeconfig("test", &cluster.namespace, "TOKEN").replace(
        "token: TOKEN",
        &format!("exec: {{apiVersion: client.authentication.k8s.io/v1, command: sh, args: ['-c', '{script}']}}"),
    );
    let person = Person::new(&kubeconfig, &[&cluster.token(User::Sre)]);
    let mut session = session(&person, &[]);
    let told = |at| move |desk: &Desk| desk.world.context.login_ends == Some(at);
    desk::until(&mut session, "the end of the first credential", LONG, told(soon)).await;
    assert_eq!(std::fs::read_to_string(path("runs")).unwrap().lines().count(), 1, "one run for one client");
    issue(late);
    desk::until(&mut session, "the end of the second", LONG, told(late)).await;
    desk::until(&mut session, "the volume, by the new credential", LONG, |desk| {
        live(desk) && has(desk, Pane::Volumes, "data")
    })
    .await;
    wait::brief().await;
    assert_eq!(std::fs::read_to_string(path("runs")).unwrap().lines().count(), 2);
}

async fn read_only_goes_along_to_other_contexts(here: TestCluster) {
    let there = TestCluster::sim("there").await;
    here.claim("data-here").await;
    there.claim("data-there").await;
    let person = traveller(&here, &there);
    let mut terminal = Terminal::holdfast(&person, &["--read-only", "-n", &here.namespace], 120, 36);
    terminal.until("the first cluster", |screen| screen.contains("data-here") && screen.contains("READ-ONLY")).await;
    terminal.press(":context there\r");
    terminal.until("the other one", |screen| screen.contains("data-there") && screen.contains("READ-ONLY")).await;
    terminal.press("1xb");
    terminal.shows("read-only: needs").await;
    drop(terminal);
    assert_eq!(crate::read_only::writes(&there, 0, "sre"), []);

    // By configuration it is a property of the one context.
    person.configure("[contexts.here]\nread_only = true\n");
    let mut terminal = Terminal::holdfast(&person, &["-n", &here.namespace], 120, 36);
    terminal.until("the first cluster", |screen| screen.contains("data-here") && screen.contains("READ-ONLY")).await;
    terminal.press(":context there\r");
    terminal.until("the other one", |screen| screen.contains("data-there") && !screen.contains("READ-ONLY")).await;
}
