//! What `holdfast rbac` prints suffices and is no more: whoever is bound to exactly that does all that it is for, the
//! server denies nothing, and each rule is used.
//!
//! The scenarios of the verbs are run once more, by somebody with the printed rights in the place of the sre.

use std::collections::BTreeSet;

use holdfast::model::Kind;
use holdfast::plan::rights::{Feature, Rule, needed, reading};
use serde_json::json;

use crate::in_place::Scene;
use crate::support::account::{Account, Use};
use crate::support::cluster::{TestCluster, User};
use crate::support::manifests;
use crate::support::person::Person;
use crate::support::scenarios;
use crate::support::terminal::Terminal;
use crate::support::wait::{self, LONG};

scenarios!(
    rights_to_look_and_rights_to_write_are_not_asked_for_at_once,
    looking_is_denied_secrets_alone,
    looking_with_secrets_is_denied_nothing,
    looking_in_one_namespace_is_denied_nothing_there,
    backup_needs_no_more,
    hooks_need_no_more,
    restore_needs_no_more,
    restore_in_place_needs_no_more,
    drill_needs_no_more,
    prune_needs_no_more,
    hold_needs_no_more,
    import_needs_no_more,
    sweep_needs_no_more,
    probe_needs_no_more,
    renew_needs_no_more,
    rotate_needs_no_more,
    rotate_ca_needs_no_more,
    isolate_needs_no_more,
    runbook_needs_no_more,
);

/// Rights that these scenarios cannot call for: what they are for is in no test cluster, or a broken one would stay
/// behind in it. The tables of their plans ask for them.
const ELSEWHERE: &[&str] = &[
    "scaledobjects",
    "applications",
    "kustomizations",
    "helmreleases",
    "clusterissuers",
    "mutatingwebhookconfigurations",
    "apiservices",
    "customresourcedefinitions",
];
/// Not served by the embedded cluster.
const NOT_EMBEDDED: &[&str] =
    &["horizontalpodautoscalers", "validatingadmissionpolicies", "validatingadmissionpolicybindings"];

fn uses(rules: &[Rule]) -> BTreeSet<Use> {
    let of = |rule: &Rule| {
        let pairs = rule.resources.iter().flat_map(|resource| rule.verbs.iter().map(move |verb| (*resource, *verb)));
        pairs.map(|(resource, verb)| (verb.to_owned(), rule.group.to_owned(), resource.to_owned())).collect::<Vec<_>>()
    };
    rules.iter().flat_map(of).collect()
}

fn secrets(denied: &BTreeSet<Use>) -> bool {
    denied.iter().all(|(_, group, resource)| group.is_empty() && resource == "secrets")
}

/// Whoever asks for the rights of looking alone must not be handed a role that writes.
async fn rights_to_look_and_rights_to_write_are_not_asked_for_at_once(cluster: TestCluster) {
    let admin = cluster.person(User::Admin);
    for more in [["--operator"].as_slice(), &["--operator", "--for", "backup"]] {
        let refused = admin.run(&[&["rbac", "--read-only"], more].concat()).await.expect(2);
        assert!(refused.stdout.is_empty() && refused.stderr.contains("--read-only"), "{refused:?}");
        assert!(refused.stderr.contains("exclude each other"), "{refused:?}");
        let alone = admin.run(&[&["rbac"], more].concat()).await.expect(0);
        assert!(alone.stdout.contains("holdfast-operator"), "{alone:?}");
    }
    let looking = admin.run(&["rbac", "--read-only"]).await.expect(0);
    assert!(looking.stdout.contains("holdfast-read-only"), "{looking:?}");
}

/// Everything that only reads, as commands and in the console.
async fn look(cluster: &TestCluster, person: &Person, everywhere: bool) -> Terminal {
    let place = if everywhere { vec!["-A"] } else { vec!["-n", cluster.namespace.as_str()] };
    for what in ["volumes", "restore-points", "certificates", "problems"] {
        let ended = person.run(&[&["get", what], place.as_slice()].concat()).await;
        assert!(matches!(ended.code, Some(0 | 3)), "{what}: {ended:?}");
    }
    let (claim, copy) = (format!("{}/data", cluster.namespace), format!("{}/copy", cluster.namespace));
    person.run(&["known-good", &claim]).await;
    let bundle = person.home().join("copy.yaml");
    person.run(&["export", &copy, "--to", bundle.to_str().unwrap()]).await.expect(0);
    person.run(&["operations", "list"]).await.expect(0);
    person.run(&["reconcile", "--dry-run", "-n", &cluster.namespace]).await;
    let more = if everywhere { vec![] } else { place };
    let mut terminal = Terminal::holdfast(person, &[&["--read-only"], more.as_slice()].concat(), 120, 36);
    terminal.until("the rows and the badge", |screen| screen.contains("data") && screen.contains("READ-ONLY")).await;
    terminal.press(&format!("/{}\r", cluster.namespace));
    terminal
        .until("the volume alone", |screen| {
            ["Volumes 1/", "Volumes 1 "].iter().any(|head| screen.contains(head)) && screen.contains("y yaml")
        })
        .await;
    // A key that comes while the list is narrowed down may meet another row, or none.
    while !terminal.text().contains("apiVersion") {
        terminal.press("y");
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    }
    terminal.press("q");
    terminal.until("the YAML to be closed", |screen| !screen.contains("apiVersion")).await;
    terminal.press("l");
    // The control plane has no kubelet to ask: it says so. While its pods are not seen there is no log to choose.
    let answers = ["following", "no log ─", "There is no log to read"];
    while terminal.until("a log", |screen| answers.iter().any(|one| screen.contains(one))).await.contains(answers[2]) {
        terminal.press("q");
        terminal.until("the choice to be closed", |screen| !screen.contains(answers[2])).await;
        terminal.press("l");
    }
    terminal.press("q");
    wait::brief().await;
    terminal.press("p");
    terminal.shows("roblems").await;
    terminal
}

async fn prepared(cluster: &TestCluster) {
    cluster.claim("data").await;
    cluster.snapshot("copy", "data").await;
    cluster.create(&manifests::pod(&cluster.namespace, "user", "data")).await;
    cluster.create(&manifests::tls_secret(&cluster.namespace, "web-tls", "no certificate", "no key")).await;
}

/// What was denied to somebody who looks with the rights that are printed for these arguments, and does so until each
/// of these rules was used.
async fn looked(cluster: &TestCluster, arguments: &[&str], everywhere: bool, rules: &[Rule]) -> BTreeSet<Use> {
    prepared(cluster).await;
    let account = Account::with(cluster, arguments).await;
    let _console = look(cluster, &account.person(cluster), everywhere).await;
    // The console lists one kind after the other.
    let unused = async || idle(rules, &account.audited(cluster).1);
    wait::seen("each rule to be used", LONG, unused, Vec::is_empty).await;
    account.audited(cluster).0
}

/// Rules of looking that were not used, as far as their kinds are served here. Any object that is seen can be got, as
/// YAML.
fn idle(rules: &[Rule], done: &BTreeSet<Use>) -> Vec<Use> {
    let served = |group: &str| done.iter().any(|(_, other, _)| other == group);
    let watched = |resource: &str| Kind::ALL.iter().any(|kind| kind.spec().plural == resource);
    let unused = uses(rules).into_iter().filter(|one| !done.contains(one));
    unused.filter(|one| served(&one.1) && !(one.0 == "get" && watched(&one.2))).collect()
}

async fn looking_is_denied_secrets_alone(cluster: TestCluster) {
    let denied = looked(&cluster, &["--read-only"], true, &reading(false)).await;
    assert!(!denied.is_empty() && secrets(&denied), "{denied:?}");
}

async fn looking_with_secrets_is_denied_nothing(cluster: TestCluster) {
    let denied = looked(&cluster, &["--read-only", "--with-secrets"], true, &reading(true)).await;
    assert_eq!(denied, BTreeSet::new());
}

async fn looking_in_one_namespace_is_denied_nothing_there(cluster: TestCluster) {
    let namespace = cluster.namespace.clone();
    let arguments = ["--read-only", "--with-secrets", "-n", &namespace];
    assert_eq!(looked(&cluster, &arguments, false, &reading(true)).await, BTreeSet::new());
}

/// Somebody with the rights for these features alone, whom scenarios have in the place of the sre.
struct Given<'c> {
    cluster: &'c TestCluster,
    feature: Feature,
    account: Account,
}

impl<'c> Given<'c> {
    async fn of(cluster: &'c TestCluster, feature: Feature, others: &[&str]) -> Self {
        let named = [&[feature.name()], others].concat().join(",");
        let account = Account::with(cluster, &["--operator", "--for", &named]).await;
        Self { cluster, feature, account }
    }

    async fn runs(&self, name: &str, scenario: impl AsyncFnOnce(TestCluster)) {
        scenario(self.cluster.where_sre_is(name, &self.account.token).await).await;
    }

    /// Nothing was denied but what nobody was given, and each rule was used or asked for.
    fn suffices_and_is_no_more(&self) {
        let (denied, done) = self.account.audited(self.cluster);
        let all = uses(&needed(&[self.feature]));
        let included = uses(&needed(self.feature.includes()));
        let own: BTreeSet<&Use> = all.difference(&included).collect();
        let sees = all.iter().any(|(.., resource)| resource == "secrets");
        assert!(denied.is_empty() || (!sees && secrets(&denied)), "denied: {denied:?}");
        let asked = self.account.asked(self.cluster);
        let not_here = |one: &Use| {
            let resource = one.2.as_str();
            ELSEWHERE.contains(&resource) || (self.cluster.is_embedded() && NOT_EMBEDDED.contains(&resource))
        };
        let used = |one: &Use| done.contains(one) || asked.contains(one);
        let idle: Vec<&Use> = own.into_iter().filter(|one| !used(one) && !not_here(one)).collect();
        assert!(idle.is_empty(), "given and never used: {idle:?}");
    }
}

async fn backup_needs_no_more(cluster: TestCluster) {
    let given = Given::of(&cluster, Feature::Backup, &[]).await;
    given.runs("undo", crate::undo::taking_a_backup_back_removes_exactly_its_snapshot).await;
    given.runs("set", crate::sets::taking_a_set_back_removes_exactly_its_members).await;
    given.runs("group", crate::sets::where_the_storage_can_a_set_is_cut_at_one_moment).await;
    given.suffices_and_is_no_more();
}

async fn hooks_need_no_more(cluster: TestCluster) {
    let given = Given::of(&cluster, Feature::Hooks, &[]).await;
    given.runs("held", crate::hooks::hooks_hold_the_application_over_the_cut).await;
    given.suffices_and_is_no_more();
}

async fn restore_needs_no_more(cluster: TestCluster) {
    let given = Given::of(&cluster, Feature::Restore, &[]).await;
    given.runs("beside", crate::restore::a_restored_volume_holds_the_bytes_of_the_cut_and_no_later_ones).await;
    given.suffices_and_is_no_more();
}

async fn restore_in_place_needs_no_more(cluster: TestCluster) {
    let given = Given::of(&cluster, Feature::RestoreInPlace, &[]).await;
    given
        .runs(
            "set",
            crate::in_place::a_stateful_set_runs_on_the_bytes_of_the_cut_and_the_way_back_brings_the_newer_ones,
        )
        .await;
    given.runs("deployment", crate::in_place::a_deployment_runs_on_the_bytes_of_the_cut).await;
    given.runs("scaled", a_plan_for_a_set_that_deletes_claims_is_read).await;
    given.runs("cron", crate::in_place::meanwhile::a_cron_job_stands_still_meanwhile_and_goes_on_afterwards).await;
    given.suffices_and_is_no_more();
}

/// The plan asks for the right to have claims retained meanwhile.
async fn a_plan_for_a_set_that_deletes_claims_is_read(cluster: TestCluster) {
    let scene = Scene::stateful_set(&cluster, "db").await;
    let policy = json!({ "spec": { "persistentVolumeClaimRetentionPolicy": { "whenScaled": "Delete" } } });
    cluster.merge("apps/v1", "StatefulSet", "db", &policy).await;
    let path = scene.path(&cluster);
    let shown = scene.sre.run(&["restore-in-place", &path, "--from", &scene.snapshot, "--dry-run"]).await.expect(0);
    assert!(shown.stdout.contains("retain the claims"), "{shown:?}");
}

async fn drill_needs_no_more(cluster: TestCluster) {
    let given = Given::of(&cluster, Feature::Drill, &[]).await;
    given.runs("good", crate::drill::a_drill_of_a_good_point_proves_it_and_leaves_nothing).await;
    given.runs("lost", crate::drill::a_drill_of_a_copy_that_the_storage_lost_fails_and_leaves_nothing).await;
    given.suffices_and_is_no_more();
}

async fn prune_needs_no_more(cluster: TestCluster) {
    let given = Given::of(&cluster, Feature::Prune, &["hold"]).await;
    given.runs("some", crate::prune::a_prune_deletes_exactly_what_its_plan_showed).await;
    given.runs("storage", crate::prune::retained_copies_go_with_their_storage_only_when_asked).await;
    given.suffices_and_is_no_more();
}

async fn hold_needs_no_more(cluster: TestCluster) {
    let given = Given::of(&cluster, Feature::Hold, &[]).await;
    given.runs("held", hold_and_release).await;
    given.suffices_and_is_no_more();
}

async fn hold_and_release(cluster: TestCluster) {
    cluster.claim("data").await;
    cluster.snapshot("copy", "data").await;
    let (sre, path) = (cluster.person(User::Sre), format!("{}/copy", cluster.namespace));
    sre.run(&["hold", &path, "--reason", "audit", "--yes"]).await.expect(0);
    sre.run(&["release", &path, "--yes"]).await.expect(0);
}

async fn import_needs_no_more(cluster: TestCluster) {
    let given = Given::of(&cluster, Feature::Import, &[]).await;
    given
        .runs("back", crate::carry::taking_an_import_back_removes_exactly_its_objects_and_leaves_the_storage_alone)
        .await;
    given.suffices_and_is_no_more();
}

async fn sweep_needs_no_more(cluster: TestCluster) {
    // What is swept was left by a drill and by a restore of the same person.
    let given = Given::of(&cluster, Feature::Sweep, &["drill", "restore-in-place"]).await;
    given.runs("drill", crate::sweep::what_a_dead_drill_left_goes_and_the_copy_stays).await;
    given
        .runs("former", crate::sweep::a_former_volume_is_shown_when_its_time_is_over_and_goes_when_it_is_asked_for)
        .await;
    given.runs("trial", crate::sweep::what_an_ended_operation_left_goes_with_its_trial_volumes).await;
    given.suffices_and_is_no_more();
}

async fn probe_needs_no_more(cluster: TestCluster) {
    let given = Given::of(&cluster, Feature::Probe, &[]).await;
    given.runs("served", crate::served::pods_that_reload_match_and_match_again_once_the_secret_is_replaced).await;
    given.suffices_and_is_no_more();
}

async fn renew_needs_no_more(cluster: TestCluster) {
    let given = Given::of(&cluster, Feature::Renew, &[]).await;
    given.runs("restarts", crate::renew::what_cannot_see_the_change_is_restarted_and_nothing_else).await;
    given
        .runs("read", async |cluster| {
            let sre = crate::renew::prepared(&cluster).await;
            restarts_are_read(&cluster, &sre, "renew", "web").await;
        })
        .await;
    given.runs("all", crate::renew::all_are_restarted_when_that_is_asked_for).await;
    given
        .runs(
            "served",
            crate::served::renewal::what_is_restarted_is_seen_to_serve_the_new_certificate_before_it_counts_as_done,
        )
        .await;
    given.suffices_and_is_no_more();
}

/// The plan asks for the right to restart each kind of workload.
async fn restarts_are_read(cluster: &TestCluster, sre: &Person, verb: &str, name: &str) {
    for kind in ["StatefulSet", "Deployment", "DaemonSet"] {
        cluster.create(&crate::renew::user(&cluster.namespace, kind, &kind.to_lowercase(), 1, false)).await;
    }
    let path = format!("{}/{name}", cluster.namespace);
    let shown = sre.run(&[verb, &path, "--dry-run"]).await.expect(0);
    for kind in ["StatefulSet", "Deployment", "DaemonSet"] {
        assert!(shown.stdout.contains(&format!("{kind} {}", cluster.namespace)), "{kind}: {}", shown.stdout);
    }
}

async fn rotate_needs_no_more(cluster: TestCluster) {
    let given = Given::of(&cluster, Feature::Rotate, &[]).await;
    given
        .runs("one", crate::rotate::it_gives_the_secret_another_certificate_like_it_and_undo_brings_the_former_one_back)
        .await;
    given
        .runs("read", async |cluster| {
            let (sre, _) = crate::rotate::prepared(&cluster).await;
            restarts_are_read(&cluster, &sre, "rotate", "web-tls").await;
        })
        .await;
    given.runs("pinned", crate::served::rotation::an_api_server_that_pins_it_takes_every_handshake_and_knows_the_present_one_alone_in_the_end).await;
    given
        .runs("restarts", crate::rotate::what_cannot_see_the_change_is_restarted_and_again_when_it_is_taken_back)
        .await;
    given.suffices_and_is_no_more();
}

async fn rotate_ca_needs_no_more(cluster: TestCluster) {
    let given = Given::of(&cluster, Feature::RotateCa, &[]).await;
    given.runs("back", crate::rotate_ca::a_phase_is_taken_back_while_nothing_stands_on_it).await;
    given.suffices_and_is_no_more();
}

async fn isolate_needs_no_more(cluster: TestCluster) {
    let given = Given::of(&cluster, Feature::Isolate, &[]).await;
    given.runs("there", crate::isolate::a_workload_is_contained_and_rejoins).await;
    given.suffices_and_is_no_more();
}

async fn runbook_needs_no_more(cluster: TestCluster) {
    let given = Given::of(&cluster, Feature::Runbook, &["backup"]).await;
    given.runs("approved", crate::runbook::a_second_person_approves_and_whoever_began_it_cannot).await;
    given.runs("collected", crate::runbook::what_is_collected_is_hashed_and_holds_no_secret).await;
    given.suffices_and_is_no_more();
}
