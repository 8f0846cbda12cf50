//! Read-only is a property of the HTTP client: with the token of an administrator, every command and every action of
//! the console is driven, and the server's own audit log holds no write.

mod cases;

use cases::cases;
use holdfast::tui::ACTIONS;

use crate::lease::{SHORT, run_out};
use crate::runbook::{AGREE, Written};
use crate::support::cluster::{Audited, TestCluster, User};
use crate::support::person::Person;
use crate::support::proxy::{Fault, Gate, Order};
use crate::support::scenarios;
use crate::support::terminal::Terminal;
use crate::support::wait::{self, LONG};

scenarios!(
    every_command_leaves_no_write_in_the_audit_log,
    every_action_of_the_console_leaves_no_write_in_the_audit_log,
    a_context_can_be_read_only_by_configuration,
    the_environment_adds_to_it_and_takes_nothing_away,
);

/// Where findings are looked for.
const SOURCES: &str = "[findings]\nauthor = \"ada\"\n[[findings.sources]]\npath = \"ci\"\n";

/// An administrator with somebody's interrupted operation on this machine, its id, and how many events the audit log
/// had before both.
async fn administrator(cluster: &TestCluster) -> (Person, String, usize) {
    cluster.claim("data").await;
    cluster.claim("other").await;
    for name in ["old", "new"] {
        crate::prune::copy(cluster, "other", name, |_| {}).await;
    }
    crate::prune::copy(cluster, "other", "held", |copy| {
        copy["metadata"]["annotations"]["holdfast.dev/hold"] = "audit".into();
    })
    .await;
    crate::rotate_ca::prepared(cluster).await;
    let contained = crate::isolate::deployment(&cluster.namespace, "contained");
    cluster.create(&contained).await;
    cluster.create(&crate::isolate::policy(&cluster.namespace, "contained")).await;
    let from = cluster.audit().len();
    let sre = cluster.person(User::Sre);
    sre.configure(SHORT);
    let gate = Gate::shut();
    let order = Order::on(http::Method::POST, "/volumesnapshots", Fault::Hold(gate.clone())).without("dryRun=All");
    cluster.proxy.order(order);
    let mut running = sre.start(&["backup", &format!("{}/data", cluster.namespace), "--yes"]);
    wait::until("the create to be sent", LONG, async || (gate.arrived() == 1).then_some(())).await;
    running.kill().await.unwrap();
    gate.break_off();
    cluster.proxy.clear();
    // A run that waits for a second person.
    Written::new(cluster, AGREE).run(&[]).await.expect(4);
    let admin = cluster.person(User::Admin);
    admin.take_state_of(&sre);
    std::fs::create_dir(admin.home().join("ci")).unwrap();
    admin.configure(SOURCES);
    run_out(cluster).await;
    let id = admin.operation().await["id"].as_str().unwrap().to_owned();
    (admin, id, from)
}

/// What a user asked the server from event `from` on that is more than reading. Reviews of the own rights store nothing.
///
/// No scenario writes as the administrator, so on the lab too all of these are from read-only sessions.
pub fn writes(cluster: &TestCluster, from: usize, user: &str) -> Vec<Audited> {
    let mine: Vec<Audited> = cluster.audit().into_iter().skip(from).filter(|event| event.user == user).collect();
    assert!(!mine.is_empty(), "the audit log knows nothing of {user}");
    let harmless = |event: &Audited| {
        let channel = ["exec", "attach", "portforward", "proxy"].contains(&event.subresource.as_str());
        let reads = ["get", "list", "watch"].contains(&event.verb.as_str());
        let review = event.verb == "create" && event.resource.starts_with("selfsubject");
        (reads && !channel) || review
    };
    mine.into_iter().filter(|event| !harmless(event)).collect()
}

async fn every_command(cluster: &TestCluster, admin: &Person, id: &str, flags: &[&str]) {
    let asked = ["runbook", "runs", "-n", &cluster.namespace, "-o", "json"];
    let runs = admin.run(&asked).await.expect(0).json();
    let run = runs[0]["id"].as_str().unwrap_or_else(|| panic!("{runs}"));
    for case in cases(cluster, admin, id, run) {
        let ended = case.run(admin, flags).await;
        case.check(&ended);
    }
}

async fn every_command_leaves_no_write_in_the_audit_log(cluster: TestCluster) {
    let (admin, id, from) = administrator(&cluster).await;
    every_command(&cluster, &admin, &id, &["--read-only"]).await;
    assert_eq!(writes(&cluster, from, "admin"), []);
    assert_eq!(cluster.snapshots().await.len(), 3);
    // The log does show writes: those of the operation that the administrator found.
    assert_ne!(writes(&cluster, from, "sre"), []);
}

async fn a_context_can_be_read_only_by_configuration(cluster: TestCluster) {
    let (admin, id, from) = administrator(&cluster).await;
    admin.configure(&format!("{SOURCES}[contexts.test]\nread_only = true\n"));
    every_command(&cluster, &admin, &id, &[]).await;
    assert_eq!(writes(&cluster, from, "admin"), []);
}

async fn every_action_of_the_console_leaves_no_write_in_the_audit_log(cluster: TestCluster) {
    let (admin, _, from) = administrator(&cluster).await;
    let mut terminal = Terminal::holdfast(&admin, &["--read-only", "-n", &cluster.namespace], 120, 36);
    terminal.until("the rows and the badge", |screen| screen.contains("data") && screen.contains("READ-ONLY")).await;
    for action in ACTIONS.iter().filter(|action| !matches!(action.name, "quit" | "leave")) {
        for start in ["1", "o", "p", "R"] {
            // By its name from four views, by its keys, and by its letter in the menu; then a name that would confirm.
            terminal.press(start);
            terminal.press(&format!(":{}\r", action.name));
            terminal.press("\rdata\r");
            terminal.press("\u{1b}");
            wait::brief().await;
            terminal.press("\u{1b}");
            wait::brief().await;
            if let Some(letter) = action.menu {
                terminal.press(&format!("x{letter}"));
                terminal.press("\r");
                wait::brief().await;
                terminal.press("\u{1b}");
                wait::brief().await;
                terminal.press("\u{1b}");
                wait::brief().await;
            }
        }
    }
    terminal.press("1");
    terminal.until("the console to be well", |screen| screen.contains("READ-ONLY")).await;
    assert_eq!(writes(&cluster, from, "admin"), []);
    assert_eq!(cluster.snapshots().await.len(), 3);
}

async fn the_environment_adds_to_it_and_takes_nothing_away(cluster: TestCluster) {
    cluster.claim("data").await;
    let admin = cluster.person(User::Admin);
    let from = cluster.audit().len();
    let path = format!("{}/data", cluster.namespace);
    let refused = async |said: &str, flags: &[&str]| {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_holdfast"));
        command.args(["backup", &path, "--yes"]).args(flags).env_clear().envs(admin.environment());
        let ended = command.env("HOLDFAST_READ_ONLY", said).output().await.unwrap();
        let stderr = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(ended.status.code() == Some(1) && stderr.contains("read-only"), "{said}: {stderr}");
    };
    refused("1", &[]).await;
    refused("0", &["--read-only"]).await;
    admin.configure("[contexts.test]\nread_only = true\n");
    refused("0", &[]).await;
    assert_eq!(writes(&cluster, from, "admin"), []);
}
