//! The real kubectl against the sim, when the lab's build has left one at `target/lab/bin/kubectl`.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use holdfast::sim::{Options, Sim, User};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

use super::soon;
use crate::support::wait::{self, LONG};

const SNAPSHOT: &str = "apiVersion: snapshot.storage.k8s.io/v1
kind: VolumeSnapshot
metadata: {name: by-hand}
spec: {source: {persistentVolumeClaimName: data-db-0}}
";

struct Kubectl {
    binary: PathBuf,
    /// kubectl caches discovery under HOME, so each test has its own.
    home: TempDir,
    sim: Sim,
}

impl Kubectl {
    async fn start() -> Option<Self> {
        let binary = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/lab/bin/kubectl");
        if !binary.exists() {
            println!("skipped: no kubectl at {}", binary.display());
            return None;
        }
        let sim = Sim::start(Options::default()).unwrap();
        sim.settle().await;
        let home = TempDir::new().unwrap();
        std::fs::write(home.path().join("kubeconfig"), sim.kubeconfig(User::Admin)).unwrap();
        std::fs::write(home.path().join("snapshot.yaml"), SNAPSHOT).unwrap();
        Some(Self { binary, home, sim })
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(line.split(' ')).current_dir(self.home.path()).env_clear().env("HOME", self.home.path());
        command.env("KUBECONFIG", self.home.path().join("kubeconfig")).kill_on_drop(true);
        command
    }

    async fn output(&self, line: &str) -> Output {
        soon(self.command(line).output()).await.unwrap()
    }

    /// Runs a command that must succeed; what it printed.
    async fn ok(&self, line: &str) -> String {
        let output = self.output(line).await;
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must fail; what it complained of.
    async fn fails(&self, line: &str) -> String {
        let output = self.output(line).await;
        assert!(!output.status.success(), "{line} succeeded");
        String::from_utf8(output.stderr).unwrap()
    }
}

#[tokio::test]
async fn get_prints_the_columns_of_a_real_cluster() {
    let Some(kubectl) = Kubectl::start().await else { return };
    let claims = kubectl.ok("get pvc -A").await;
    assert!(claims.starts_with("NAMESPACE") && claims.contains("ACCESS MODES") && claims.contains("data-db-0"));
    assert!(kubectl.ok("get pods,vs,certificates,sts").await.contains("certificate.cert-manager.io/web-tls"));
    assert!(kubectl.ok("get all").await.contains("deployment.apps/web"));
    assert!(kubectl.ok("describe pvc data-db-0").await.contains("ProvisioningSucceeded"));
    assert!(kubectl.fails("get backups").await.contains("the server doesn't have a resource type"));
}

#[tokio::test]
async fn create_describe_and_delete_work_as_on_a_real_cluster() {
    let Some(kubectl) = Kubectl::start().await else { return };
    assert!(kubectl.ok("create -f snapshot.yaml").await.contains("by-hand created"));
    assert!(kubectl.fails("create -f snapshot.yaml").await.contains("AlreadyExists"));
    kubectl.ok("wait vs/by-hand --for=jsonpath={.status.readyToUse}=true --timeout=10s").await;
    assert!(kubectl.ok("describe vs by-hand").await.contains("SnapshotReady"));
    kubectl.ok("delete vs by-hand").await;
    assert!(kubectl.fails("get vs by-hand").await.contains("NotFound"));
    kubectl.ok("create namespace other").await;
    kubectl.ok("create configmap a --from-literal=b=c -n other").await;
    kubectl.ok("delete namespace other").await;
}

#[tokio::test]
async fn server_side_apply_works_and_strategic_merge_is_refused_with_a_way_out() {
    let Some(kubectl) = Kubectl::start().await else { return };
    for _ in 0..2 {
        kubectl.ok("apply --server-side --validate=false -f snapshot.yaml").await;
    }
    kubectl.ok("label vs by-hand a=b").await;
    assert!(kubectl.ok("get vs -l a=b").await.contains("by-hand"));
    let refused = kubectl.fails(r#"patch deployment web -p {"spec":{"replicas":1}}"#).await;
    assert!(refused.contains("--type=merge"), "{refused}");
    kubectl.ok(r#"patch deployment web --type=merge -p {"spec":{"replicas":1}}"#).await;
    kubectl.ok("scale sts cache --replicas=1").await;
    kubectl.ok("rollout status deployment/web --timeout=10s").await;
}

#[tokio::test]
async fn a_watch_prints_a_change_as_it_happens() {
    let Some(kubectl) = Kubectl::start().await else { return };
    let mut watch = kubectl.command("get vs -w").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut next = async || soon(lines.next_line()).await.unwrap().unwrap();
    assert!(next().await.starts_with("NAME"));
    assert!(next().await.starts_with("db-before-migration"));
    kubectl.ok("create -f snapshot.yaml").await;
    while !next().await.contains("by-hand") {}
    watch.kill().await.unwrap();
}

#[tokio::test]
async fn exec_carries_input_output_and_the_exit_code() {
    let Some(kubectl) = Kubectl::start().await else { return };
    assert_eq!(kubectl.ok("exec db-0 -- echo a b").await, "a b\n");
    assert_eq!(kubectl.output("exec db-0 -- exit 3").await.status.code(), Some(3));
    let mut cat = kubectl.command("exec -i db-0 -- cat");
    let mut cat = cat.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = cat.stdin.take().unwrap();
    stdin.write_all(b"piped").await.unwrap();
    drop(stdin);
    let output = tokio::time::timeout(LONG, cat.wait_with_output()).await.unwrap().unwrap();
    assert_eq!(output.stdout, b"piped");
}

#[tokio::test]
async fn logs_are_printed_and_followed() {
    let Some(kubectl) = Kubectl::start().await else { return };
    let all = async || kubectl.ok("logs db-0 --timestamps").await;
    wait::seen("the first line", LONG, all, |text| text.contains("starting PostgreSQL")).await;
    // The container goes on writing by itself, so this line need not stay the last.
    kubectl.sim.write_log("shop", "db-0", "postgres", "a line of ours");
    assert!(all().await.contains("Z a line of ours\n"));
    assert_eq!(kubectl.ok("logs db-0 --tail=1").await.lines().count(), 1);
    assert!(kubectl.fails("logs db-0 --previous").await.contains("previous terminated container"));
    let mut follow = kubectl.command("logs -f db-0 --tail=1").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follow.stdout.take().unwrap()).lines();
    let mut next = async || soon(lines.next_line()).await.unwrap().unwrap();
    next().await;
    kubectl.sim.write_log("shop", "db-0", "postgres", "a new line");
    while next().await != "a new line" {}
    follow.kill().await.unwrap();
    assert!(kubectl.fails("--context demo-auditor logs db-0").await.contains("pods/log"));
}

#[tokio::test]
async fn rights_are_told_and_enforced() {
    let Some(kubectl) = Kubectl::start().await else { return };
    let snapshots = "volumesnapshots.snapshot.storage.k8s.io";
    assert_eq!(kubectl.ok(&format!("--context demo auth can-i create {snapshots}")).await, "yes\n");
    assert_eq!(kubectl.output(&format!("--context demo-auditor auth can-i create {snapshots}")).await.stdout, b"no\n");
    assert!(kubectl.ok("--context demo auth can-i --list").await.contains("pods/exec"));
    assert!(kubectl.ok("--context demo auth whoami").await.contains("sre"));
    let refused = kubectl.fails("--context demo-auditor create -f snapshot.yaml").await;
    assert!(refused.contains("User \"auditor\" cannot create resource \"volumesnapshots\""), "{refused}");
    assert!(
        kubectl.sim.audit().iter().any(|event| event.verb == "create" && event.user == "auditor" && event.code == 403)
    );
}
