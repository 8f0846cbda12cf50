//! Commands in containers, over the WebSocket kube speaks.

use std::time::Duration;

use holdfast::sim::{Sim, User};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::AttachParams;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{api, client, code, shop, soon};

async fn pods(sim: &Sim, user: User) -> Api<Pod> {
    Api::namespaced(client(sim, user).await, "shop")
}

/// Output, error output and exit code.
async fn run(sim: &Sim, pod: &str, command: &[&str]) -> (String, String, i32) {
    let mut process = pods(sim, User::Sre).await.exec(pod, command.to_vec(), &AttachParams::default()).await.unwrap();
    let (mut out, mut err) = (String::new(), String::new());
    let (mut stdout, mut stderr) = (process.stdout().unwrap(), process.stderr().unwrap());
    let status = process.take_status().unwrap();
    soon(async { tokio::join!(stdout.read_to_string(&mut out), stderr.read_to_string(&mut err)) }).await.0.unwrap();
    let status = soon(status).await.unwrap();
    let causes = status.details.and_then(|details| details.causes).unwrap_or_default();
    let exit = causes
        .iter()
        .find(|cause| cause.reason.as_deref() == Some("ExitCode"))
        .map_or(0, |cause| cause.message.as_deref().unwrap().parse().unwrap());
    (out, err, exit)
}

#[tokio::test]
async fn output_and_exit_codes_come_back() {
    let sim = shop().await;
    assert_eq!(run(&sim, "db-0", &["echo", "a b"]).await, ("a b\n".to_owned(), String::new(), 0));
    assert_eq!(run(&sim, "db-0", &["sh", "-c", "echo x; exit 3"]).await, ("x\n".to_owned(), String::new(), 3));
    assert_eq!(run(&sim, "db-0", &["fsfreeze"]).await.2, 127);
}

#[tokio::test]
async fn commands_work_on_the_volumes_the_pod_mounts() {
    let sim = shop().await;
    let path = "/var/lib/postgresql/data/x";
    assert_eq!(run(&sim, "db-0", &["sh", "-c", &format!("echo kept > {path} && cat {path}")]).await.0, "kept\n");
    let claim = api(&sim, "v1", "PersistentVolumeClaim", "shop").await.get("data-db-0").await.unwrap();
    let handle = super::text(&claim, "/spec/volumeName");
    assert_eq!(sim.volumes().read(&handle, "x").unwrap(), b"kept\n");
}

#[tokio::test]
async fn standard_input_is_handed_on_and_its_end_is_seen() {
    let sim = shop().await;
    let params = AttachParams::interactive_tty().tty(false).stderr(false);
    let mut process = pods(&sim, User::Sre).await.exec("db-0", ["cat"], &params).await.unwrap();
    let (mut stdin, mut stdout) = (process.stdin().unwrap(), process.stdout().unwrap());
    let text = "x".repeat(100_000);
    let send = async {
        stdin.write_all(text.as_bytes()).await.unwrap();
        stdin.shutdown().await.unwrap();
    };
    let mut back = String::new();
    soon(async { tokio::join!(send, stdout.read_to_string(&mut back)) }).await.1.unwrap();
    assert_eq!(back, text);
}

#[tokio::test]
async fn a_scripted_session_is_held_open_until_the_client_ends_it() {
    let sim = shop().await;
    sim.scripts().on(
        |call| call.command.first().is_some_and(|word| word == "psql"),
        |mut call| {
            Box::pin(async move {
                while let Some(line) = call.stdin.recv().await {
                    call.stdout.write(format!("ok {}", String::from_utf8_lossy(&line))).await;
                }
                7
            })
        },
    );
    let params = AttachParams::interactive_tty().tty(false).stderr(false);
    let mut process = pods(&sim, User::Sre).await.exec("db-0", ["psql"], &params).await.unwrap();
    let (mut stdin, mut stdout) = (process.stdin().unwrap(), process.stdout().unwrap());
    let status = process.take_status().unwrap();
    let mut buffer = [0; 64];
    for line in ["one\n", "two\n"] {
        stdin.write_all(line.as_bytes()).await.unwrap();
        stdin.flush().await.unwrap();
        let read = soon(stdout.read(&mut buffer)).await.unwrap();
        assert_eq!(std::str::from_utf8(&buffer[..read]).unwrap(), format!("ok {line}"));
    }
    stdin.shutdown().await.unwrap();
    let status = soon(status).await.unwrap();
    assert_eq!(status.details.unwrap().causes.unwrap()[0].message.as_deref(), Some("7"));
}

#[tokio::test]
async fn exec_is_refused_without_the_right_and_recorded_as_connect() {
    let sim = shop().await;
    let refused = pods(&sim, User::Auditor).await.exec("db-0", ["true"], &AttachParams::default()).await;
    assert!(refused.is_err());
    tokio::time::timeout(Duration::from_secs(5), run(&sim, "db-0", &["true"])).await.unwrap();
    let connects: Vec<_> =
        sim.audit().into_iter().filter(|event| event.verb == "connect").map(|event| event.code).collect();
    assert_eq!(connects, [403, 101]);
    assert_eq!(code(pods(&sim, User::Sre).await.get("gone").await), 404);
}

#[tokio::test]
async fn a_killed_server_breaks_a_running_session_without_a_status() {
    let sim = shop().await;
    let mut process =
        pods(&sim, User::Sre).await.exec("db-0", ["sleep", "600"], &AttachParams::default()).await.unwrap();
    let status = process.take_status().unwrap();
    sim.kill().await;
    assert!(soon(status).await.is_none());
}
