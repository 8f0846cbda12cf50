//! What runs in the containers of a scenario. On the embedded cluster it is its own shell; on the lab commands in
//! containers run on this machine, where the files of a volume are in the storage's directory.

use holdfast::sim::Call;
use serde_json::{Value, json};

use super::cluster::{Backing, TestCluster, Volume};
use super::manifests;
use super::wait::{self, LONG};

/// A program that scenarios put into containers, on the lab as a script of a real shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// Writes `frozen` and `thawed` to the file.
    Fsfreeze,
    /// Writes `held` to the file between the start and the stop of a backup, and `released` when its input ends.
    Psql,
}

impl Program {
    fn name(self) -> &'static str {
        match self {
            Self::Fsfreeze => "fsfreeze",
            Self::Psql => "psql",
        }
    }

    fn script(self, file: &str) -> String {
        match self {
            Self::Fsfreeze => format!(
                "#!/bin/sh\ncase $1 in -f) echo frozen >'{file}' ;; -u) echo thawed >'{file}' ;; *) exit 1 ;; esac\n"
            ),
            Self::Psql => format!(
                r#"#!/bin/sh
while read -r line; do
    case $line in
        *pg_backup_start*) echo held >'{file}'; echo t ;;
        *pg_backup_stop*) echo released >'{file}'; echo 'START WAL LOCATION: 0/2000028' ;;
        "SELECT '"*) line=${{line#"SELECT '"}}; echo "${{line%"';"}}" ;;
    esac
done
echo released >'{file}'
"#
            ),
        }
    }

    /// The same for the embedded cluster. Returns the exit code.
    async fn embedded(self, mut call: Call, file: String) -> i32 {
        match (self, call.command.get(1).map(String::as_str)) {
            (Self::Fsfreeze, Some("-f")) => i32::from(!call.write(&file, "frozen\n")),
            (Self::Fsfreeze, Some("-u")) => i32::from(!call.write(&file, "thawed\n")),
            (Self::Fsfreeze, _) => 1,
            (Self::Psql, _) => {
                while let Some(bytes) = call.stdin.recv().await {
                    for line in String::from_utf8_lossy(&bytes).lines() {
                        psql(&call, &file, line).await;
                    }
                }
                call.write(&file, "released\n");
                0
            }
        }
    }
}

async fn psql(call: &Call, file: &str, line: &str) {
    if line.contains("pg_backup_start") {
        call.write(file, "held\n");
        call.stdout.write("t\n").await;
    } else if line.contains("pg_backup_stop") {
        call.write(file, "released\n");
        call.stdout.write("START WAL LOCATION: 0/2000028\n").await;
    } else if let Some(answer) = line.strip_prefix("SELECT '").and_then(|line| line.strip_suffix("';")) {
        call.stdout.write(format!("{answer}\n")).await;
    }
}

impl TestCluster {
    /// A pod `db-0` that mounts a claim, ready; the embedded cluster lets its commands see the volume at `/hooked`.
    pub async fn database(&self, claim: &str, annotations: &Value) {
        let mut pod = manifests::pod(&self.namespace, "db-0", claim);
        pod["metadata"]["annotations"] = annotations.clone();
        pod["spec"]["containers"][0]["volumeMounts"][0]["mountPath"] = json!("/hooked");
        self.create(&pod).await;
        self.database_ready().await;
    }

    /// The same pod as the only one of a StatefulSet, which makes it again.
    pub async fn database_of_a_set(&self, claim: &str) {
        let mut set = manifests::stateful_set(&self.namespace, "db", 1);
        set["spec"].as_object_mut().unwrap().remove("volumeClaimTemplates");
        set["spec"]["template"]["spec"] = manifests::pod(&self.namespace, "db-0", claim)["spec"].clone();
        set["spec"]["template"]["spec"]["containers"][0]["volumeMounts"][0]["mountPath"] = json!("/hooked");
        self.create(&set).await;
        self.database_ready().await;
    }

    /// Waits until the pod is ready, and returns its UID.
    pub async fn database_ready(&self) -> String {
        self.database_other_than("").await
    }

    /// Waits until there is a ready pod that is not the one with this UID, and returns its UID.
    pub async fn database_other_than(&self, former: &str) -> String {
        wait::until("the pod to be ready", LONG, async || {
            let pod = self.get("v1", "Pod", "db-0").await?;
            let conditions = pod.pointer("/status/conditions").and_then(Value::as_array)?;
            let ready = conditions.iter().any(|it| it["type"] == "Ready" && it["status"] == "True");
            let live = pod.pointer("/metadata/deletionTimestamp").is_none();
            let uid = pod["metadata"]["uid"].as_str().unwrap();
            (ready && live && uid != former).then(|| uid.to_owned())
        })
        .await
    }

    /// The path under which commands in the pod find a file of its volume.
    pub fn inside(&self, volume: &Volume, file: &str) -> String {
        match &self.backing {
            Backing::Sim(_) => format!("/hooked/{file}"),
            Backing::Lab(lab) => {
                let path = lab.drivers[&volume.driver].volumes.join(&volume.handle).join(file);
                path.to_str().unwrap().to_owned()
            }
        }
    }

    /// A text file as it is in a volume now; empty while there is none.
    pub fn read_text(&self, volume: &Volume, file: &str) -> String {
        String::from_utf8(self.read(volume, file).unwrap_or_default()).unwrap()
    }

    /// Waits until a file of a volume holds this.
    pub async fn holds(&self, volume: &Volume, file: &str, text: &str) {
        let what = format!("{file} to hold {text:?}");
        wait::until(&what, LONG, async || (self.read_text(volume, file) == text).then_some(())).await;
    }

    /// Puts a program into the containers of the pod; what it does, it writes into a file of the volume. The folder is
    /// where it lives on the lab, for as long as that is kept.
    pub async fn install(&self, program: Program, volume: &Volume, file: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let file = self.inside(volume, file);
        match &self.backing {
            Backing::Sim(sim) => {
                let namespace = self.namespace.clone();
                sim.scripts().on(
                    move |call| {
                        call.namespace() == namespace && call.command.first().is_some_and(|it| it == program.name())
                    },
                    move |call| Box::pin(program.embedded(call, file.clone())),
                );
            }
            Backing::Lab(_) => {
                let path = folder.path().join(program.name());
                std::fs::write(&path, program.script(&file)).unwrap();
                std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
                let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
                self.containers_see(&[("PATH", &path)]).await;
            }
        }
        folder
    }

    /// Environment of what runs in the containers of the pod, on the lab.
    pub async fn containers_see(&self, variables: &[(&str, &str)]) {
        let variables: Vec<_> = variables.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        let object = json!({
            "apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "Exec",
            "metadata": { "namespace": self.namespace, "name": "db-0" },
            "spec": { "execs": [{ "local": { "envs": variables } }] },
        });
        self.create(&object).await;
    }
}
