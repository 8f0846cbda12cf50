//! The data at risk. On the lab a real PostgreSQL serves it from the volume; on the embedded cluster, whose volumes are
//! on no disk, it is files in the volume.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::support::cluster::{TestCluster, Volume};
use crate::support::manifests;
use crate::support::postgres::{LABEL, Node, PASSWORD, Place};
use crate::support::wait::{self, LONG};

/// Whom the application is for the database.
const APP: &str = "app";
/// Value of [`LABEL`] of the pod that is started to look at a copy.
const LOOK: &str = "look";
/// The claim of the only pod.
pub const CLAIM: &str = "data-db-0";

/// Where it is.
pub enum Data {
    Served { place: Arc<Place>, _node: Node },
    Files,
}

/// What is found in a copy of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    pub rows: Vec<String>,
    pub accounts: Vec<String>,
}

impl Data {
    /// Serves the volumes of pods that are started from now on.
    pub fn open(cluster: &TestCluster) -> Self {
        if cluster.is_embedded() {
            return Self::Files;
        }
        let place = Arc::new(Place::new());
        let node = Node::run(cluster, &place);
        Self::Served { place, _node: node }
    }

    /// Labels that its pods need besides.
    pub fn labels(&self) -> Value {
        match self {
            Self::Served { .. } => json!({ "app": "db", LABEL.0: LABEL.1 }),
            Self::Files => json!({ "app": "db" }),
        }
    }

    /// Makes what the application needs.
    pub async fn prepare(&self, cluster: &TestCluster) {
        match self {
            Self::Served { place, .. } => {
                let schema = format!(
                    "CREATE ROLE {APP} LOGIN PASSWORD '{PASSWORD}'; CREATE TABLE orders (what text);
                     GRANT SELECT, INSERT ON orders TO {APP};"
                );
                place.ask(&schema).await;
            }
            Self::Files => {
                let volume = cluster.bound(CLAIM).await;
                cluster.write(&volume, "password", PASSWORD.as_bytes());
                cluster.write(&volume, "accounts", b"app\npostgres");
                cluster.write(&volume, "rows", b"");
            }
        }
    }

    /// The application writes an order.
    pub async fn order(&self, cluster: &TestCluster, what: &str) {
        match self {
            Self::Served { place, .. } => {
                place.told((APP, PASSWORD), &format!("INSERT INTO orders VALUES ('{what}')")).await.unwrap();
            }
            Self::Files => append(cluster, "rows", what).await,
        }
    }

    /// What somebody does who injects statements.
    pub async fn inject(&self, cluster: &TestCluster) {
        match self {
            Self::Served { place, .. } => {
                place.ask("INSERT INTO orders VALUES ('injected'); CREATE ROLE backdoor SUPERUSER LOGIN").await;
            }
            Self::Files => {
                append(cluster, "rows", "injected").await;
                append(cluster, "accounts", "backdoor").await;
            }
        }
    }

    /// What the application works with now.
    pub async fn found(&self, cluster: &TestCluster) -> Found {
        match self {
            Self::Served { place, .. } => in_place(place).await,
            Self::Files => in_volume(cluster, &cluster.bound(CLAIM).await),
        }
    }

    /// What a claim holds that nobody uses: seen by a pod of its own, which goes again.
    pub async fn looked_at(&self, cluster: &TestCluster, claim: &str) -> Found {
        let place = matches!(self, Self::Served { .. }).then(|| Arc::new(Place::new()));
        let node = place.as_ref().map(|place| Node::run_those(cluster, place, LOOK));
        let mut pod = manifests::pod(&cluster.namespace, LOOK, claim);
        if node.is_some() {
            pod["metadata"]["labels"] = json!({ LABEL.0: LOOK });
        }
        cluster.create(&pod).await;
        wait::until("the copy to be looked at", LONG, async || {
            let pod = cluster.get("v1", "Pod", LOOK).await?;
            let conditions = pod.pointer("/status/conditions").and_then(Value::as_array)?;
            conditions.iter().any(|it| it["type"] == "Ready" && it["status"] == "True").then_some(())
        })
        .await;
        let found = match &place {
            Some(place) => in_place(place).await,
            None => in_volume(cluster, &cluster.bound(claim).await),
        };
        cluster.delete("v1", "Pod", LOOK).await;
        let gone = async || cluster.get("v1", "Pod", LOOK).await.is_none().then_some(());
        wait::until("the pod that looked to be gone", LONG, gone).await;
        found
    }

    /// Whether it is served now.
    pub async fn serves(&self, cluster: &TestCluster) -> bool {
        match self {
            Self::Served { place, .. } => {
                place.told(("postgres", PASSWORD), "SELECT count(*) FROM orders").await.is_ok()
            }
            Self::Files => {
                let pod = cluster.get("v1", "Pod", "db-0").await;
                let ready = |pod: &Value| {
                    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array)?;
                    let ready = conditions.iter().any(|it| it["type"] == "Ready" && it["status"] == "True");
                    (ready && pod.pointer("/metadata/deletionTimestamp").is_none()).then_some(())
                };
                pod.as_ref().and_then(ready).is_some()
            }
        }
    }

    /// Gives the application another password.
    pub async fn change_password(&self, cluster: &TestCluster, new: &str) {
        match self {
            Self::Served { place, .. } => drop(place.ask(&format!("ALTER ROLE {APP} PASSWORD '{new}'")).await),
            Self::Files => cluster.write(&cluster.bound(CLAIM).await, "password", new.as_bytes()),
        }
    }

    /// Whether the application is let in with this password; an error is what it is told else.
    pub async fn lets_in(&self, cluster: &TestCluster, password: &str) -> Result<(), String> {
        match self {
            Self::Served { place, .. } => place.told((APP, password), "SELECT 1").await.map(drop),
            Self::Files => {
                let right = cluster.read_text(&cluster.bound(CLAIM).await, "password");
                (right == password).then_some(()).ok_or_else(|| "password authentication failed".to_owned())
            }
        }
    }
}

async fn append(cluster: &TestCluster, file: &str, line: &str) {
    let volume = cluster.bound(CLAIM).await;
    let text = cluster.read_text(&volume, file);
    cluster.write(&volume, file, format!("{text}\n{line}").as_bytes());
}

fn lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
    lines.sort();
    lines
}

async fn in_place(place: &Place) -> Found {
    let rows = place.ask("SELECT what FROM orders").await;
    let accounts = place.ask("SELECT rolname FROM pg_roles WHERE rolcanlogin").await;
    Found { rows: lines(&rows), accounts: lines(&accounts) }
}

fn in_volume(cluster: &TestCluster, volume: &Volume) -> Found {
    let of = |file| lines(&cluster.read_text(volume, file));
    Found { rows: of("rows"), accounts: of("accounts") }
}
