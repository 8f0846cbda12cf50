//! Commands whose output nobody reads, or that cannot be written: they end, say so in their exit code, and never panic.

use std::fs::OpenOptions;
use std::process::Stdio;

use crate::support::cluster::{TestCluster, User};
use crate::support::person::Person;

/// The end of a pipe that nobody reads.
fn unread() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

#[tokio::test]
async fn a_command_whose_output_is_not_read_ends_quietly_with_a_code_of_its_own() {
    let person = Person::new("", &[]);
    for arguments in [
        ["keys", "-o", "table"].as_slice(),
        &["keys", "-o", "json"],
        &["keys", "-o", "yaml"],
        &["config", "init", "--stdout"],
        &["config", "path"],
        &["config", "check"],
        &["completions", "bash"],
        &["man"],
        &["operations", "list", "-o", "json"],
        &["journal", "verify"],
    ] {
        let ended = person.run_into(arguments, unread(), Stdio::piped()).await.expect(141);
        assert_eq!(ended.stderr, "", "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_cluster_that_are_not_read_are_no_failure_of_the_cluster() {
    let cluster = TestCluster::sim("unread").await;
    let sre = cluster.person(User::Sre);
    for what in ["volumes", "restore-points", "certificates", "problems"] {
        for format in ["table", "json", "yaml"] {
            let ended = sre.run_into(&["get", what, "-A", "-o", format], unread(), Stdio::piped()).await.expect(141);
            assert!(!ended.stderr.contains("pipe"), "{ended:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_whose_plan_is_not_read_does_not_start() {
    let cluster = TestCluster::sim("unread-plan").await;
    cluster.claim("data").await;
    let sre = cluster.person(User::Sre);
    let volume = format!("{}/data", cluster.namespace);
    sre.run_into(&["backup", &volume, "--yes"], unread(), Stdio::piped()).await.expect(141);
    assert!(sre.journals().is_empty());
    assert_eq!(cluster.snapshots().await.len(), 0);
}

#[tokio::test]
async fn what_goes_wrong_keeps_its_code_when_nobody_reads_why() {
    let person = Person::new("", &[]);
    person.run_into(&["get", "volumes"], Stdio::piped(), unread()).await.expect(2);
    person.run_into(&["get", "nonsense"], Stdio::piped(), unread()).await.expect(2);
    person.run_into(&["operations", "show", "20260301-030612-7c1d9a04"], unread(), unread()).await.expect(1);
}

#[tokio::test]
async fn output_that_cannot_be_written_is_told() {
    let person = Person::new("", &[]);
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let ended = person.run_into(&["keys"], full.into(), Stdio::piped()).await.expect(3);
    assert!(ended.stderr.contains("cannot write the result to stdout: No space left"), "{ended:?}");
}
