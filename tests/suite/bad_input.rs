//! Bad input gives one clear message and its exit code: what is wrong, where, and what to do. Never a panic, never a
//! secret on the screen.

use std::time::{Duration, Instant};

use crate::support::cluster::{TestCluster, User};
use crate::support::manifests;
use crate::support::person::Person;
use crate::support::proxy::{Fault, Gate, Order};
use crate::support::scenarios;

scenarios!(
    an_unknown_token_is_told_as_such,
    a_volume_that_is_not_there_is_told_as_such,
    a_certificate_that_is_none_is_a_row_that_says_so,
);

const TOKEN: &str = "s3cr3t-t0ken-of-a-person";

/// Runs each command and holds it to its exit code and words.
async fn each(person: &Person, table: &[(&[&str], i32, &[&str])]) {
    for (arguments, code, words) in table {
        let ended = person.run(arguments).await;
        assert_eq!(ended.code, Some(*code), "{arguments:?}: {ended:?}");
        assert_eq!(ended.stdout, "", "{arguments:?}: what went wrong belongs to stderr");
        for word in *words {
            assert!(ended.stderr.contains(word), "{arguments:?}: {word:?} is missing: {}", ended.stderr);
        }
    }
}

#[tokio::test]
async fn names_that_would_leave_their_place_in_a_url_are_refused() {
    let person = Person::new(&kubeconfig("http://127.0.0.1:1"), &[TOKEN]);
    each(
        &person,
        &[
            (&["backup", "../x/y"], 2, &["namespace \"..\"", "only lower-case"]),
            (&["backup", "shop/../y"], 2, &["y"]),
            (&["backup", "shop/.."], 2, &[".."]),
            (&["backup", "shop"], 2, &["NAMESPACE/PVC"]),
            (&["backup", "Shop/data"], 2, &["Shop"]),
            (&["get", "volumes", "-n", "../x"], 2, &["../x"]),
            (&["get", "volumes", "-n", "a/b"], 2, &["a/b"]),
            (&["get", "volumes", "-n", "x\u{1b}[2J"], 2, &["namespace"]),
            (&["get", "volumes", "-A", "-n", "shop"], 2, &["exclude"]),
            (&["operations", "show", "../../etc/passwd"], 2, &["operation id"]),
            (&["operations", "show", "20260101-000000-00000000"], 1, &["there is no operation"]),
            (&["get", "everything"], 2, &["everything", "volumes"]),
            (&["--config", "/nowhere/config.toml", "get", "volumes"], 2, &["/nowhere/config.toml"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_filter_that_is_not_understood_is_refused_before_anything_is_asked() {
    let person = Person::new(&kubeconfig("http://127.0.0.1:1"), &[TOKEN]);
    each(
        &person,
        &[
            (
                &["get", "volumes", "--filter", "größe siz>1Gi"],
                2,
                &["--filter: there is no column \"siz\"; did you mean size?", "  größe siz>1Gi\n        ^^^^^^^\n"],
            ),
            (&["get", "certificates", "--filter", "expires<soon"], 2, &["\"soon\" is not a span of time such as 36h"]),
            (&["get", "volumes", "--filter", "name:\"a b"], 2, &["the quote is not closed", "^^^^^^^^^"]),
            (&["get", "problems", "--filter", "capacity>1Gi"], 2, &["there is no column \"capacity\"", "why"]),
            (&["get", "volumes", "--filter", "a\u{1b}[2J:x"], 2, &["␛[2J"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_kubeconfig_that_cannot_be_used_is_told_by_file_and_place() {
    let good = kubeconfig("http://127.0.0.1:1");
    let table: &[(&str, String, &[&str])] = &[
        ("broken yaml", good.replace("kind: Config", "kind: [Config"), &["kubeconfig", "line", "column"]),
        ("wrong type", good.replace(&format!("token: {TOKEN}"), &format!("token: [{TOKEN}]")), &["line", "column"]),
        (
            "no server",
            good.replace("    server: http://127.0.0.1:1\n", "    insecure-skip-tls-verify: true\n"),
            &["server"],
        ),
        ("no cluster", good.replace("cluster: test\n", "cluster: gone\n"), &["gone"]),
        (
            "not base64",
            good.replace("server:", "certificate-authority-data: '%%%'\n    server:"),
            &["certificate-authority"],
        ),
        ("empty", String::new(), &["context"]),
    ];
    for (case, text, words) in table {
        let person = Person::new(text, &[TOKEN]);
        let ended = person.run(&["get", "volumes", "-A"]).await;
        assert_eq!(ended.code, Some(2), "{case}: {ended:?}");
        for word in *words {
            assert!(ended.stderr.contains(word), "{case}: {word:?} is missing: {}", ended.stderr);
        }
    }
    let person = Person::new(&good, &[TOKEN]);
    each(
        &person,
        &[
            (&["--context", "prod", "get", "volumes"], 2, &["prod", "test"]),
            (&["--kubeconfig", "/nowhere/kubeconfig", "get", "volumes"], 2, &["/nowhere/kubeconfig"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_configuration_mistake_is_told_by_line_and_column() {
    let person = Person::new(&kubeconfig("http://127.0.0.1:1"), &[TOKEN]);
    person.configure("theme = \"dark\"\n[deadlines]\nready = \"soon\"\n");
    each(&person, &[(&["get", "volumes"], 2, &["config.toml:3:9"])]).await;
}

#[tokio::test]
async fn a_theme_that_is_none_or_has_a_mistake_ends_the_console_before_it_opens() {
    let person = Person::new(&kubeconfig("http://127.0.0.1:1"), &[TOKEN]);
    person.configure("theme = \"sea\"\n");
    each(
        &person,
        &[(
            &[],
            2,
            &["config.toml:1:9: theme: no theme is called \"sea\"", "there are dark, light", "themes/sea.toml"],
        )],
    )
    .await;
    person.theme("sea", "inherits = \"dark\"\n\nok = { fg = \"gren\" }\n");
    each(&person, &[(&[], 2, &["themes/sea.toml:3:13: \"gren\" is not a colour"])]).await;
    person.theme("sea", "inherits = \"shore\"\n");
    person.theme("shore", "inherits = \"sea\"\n");
    each(&person, &[(&[], 2, &["themes/shore.toml:1:12:", "sea -> shore -> sea"])]).await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_as_such() {
    let person = Person::new(&kubeconfig("http://127.0.0.1:1"), &[TOKEN]);
    each(
        &person,
        &[(&["get", "volumes", "-A"], 3, &["127.0.0.1:1"]), (&["backup", "shop/data", "--yes"], 3, &["127.0.0.1:1"])],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_is_given_up_in_time() {
    let cluster = TestCluster::sim("hangs").await;
    cluster.proxy.order(Order::any(Fault::Hold(Gate::shut())));
    let sre = cluster.person(User::Sre);
    let began = Instant::now();
    each(&sre, &[(&["get", "volumes", "-A"], 3, &["no answer within", "test"])]).await;
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}

async fn an_unknown_token_is_told_as_such(cluster: TestCluster) {
    let stranger = Person::new(&cluster.proxy.kubeconfig("test", &cluster.namespace, TOKEN), &[TOKEN]);
    each(
        &stranger,
        &[
            (&["get", "volumes"], 3, &["log in"]),
            (&["backup", &format!("{}/data", cluster.namespace), "--yes"], 3, &["log in"]),
        ],
    )
    .await;
}

async fn a_volume_that_is_not_there_is_told_as_such(cluster: TestCluster) {
    let path = format!("{}/nothing", cluster.namespace);
    let sre = cluster.person(User::Sre);
    each(&sre, &[(&["backup", &path, "--yes"], 1, &[&path, "holdfast get volumes"])]).await;
}

async fn a_certificate_that_is_none_is_a_row_that_says_so(cluster: TestCluster) {
    let secret = manifests::tls_secret(&cluster.namespace, "web-tls", "-----BEGIN nonsense", "k3y-bytes");
    cluster.create(&secret).await;
    let sre = cluster.person(User::Sre);
    let ended = sre.run(&["get", "certificates", "-n", &cluster.namespace, "-o", "json"]).await.expect(0);
    let rows = ended.json();
    let row = rows.as_array().unwrap().iter().find(|row| row["name"] == "web-tls").expect("a row of the Secret");
    assert_eq!(row["state"], "Unreadable", "{row}");
    assert!(!ended.stdout.contains("k3y-bytes") && !ended.stdout.contains("azN5LWJ5dGVz"), "{ended:?}");
}

fn kubeconfig(server: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
         clusters:\n- name: test\n  cluster:\n    server: {server}\n\
         users:\n- name: person\n  user:\n    token: {TOKEN}\n\
         contexts:\n- name: test\n  context:\n    cluster: test\n    user: person\n"
    )
}
