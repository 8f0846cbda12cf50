//! The shop whose release is vulnerable: a database in a StatefulSet with a certificate of cert-manager and one that
//! nobody renews, and the pipeline that scans it. The scan is real output of a real scanner.

use std::sync::Arc;

use serde_json::{Value, json};

use super::data::{CLAIM, Data};
use crate::renew;
use crate::support::cluster::{TestCluster, User};
use crate::support::manifests;
use crate::support::person::Person;
use crate::support::pki::Authority;
use crate::support::wait::{self, LONG};
use crate::vulnerable::digest;

/// Contrast Security on WebGoat.NET: seven SQL injections among thirty findings.
const SCAN: &str = include_str!("../../sarif/sarif-sdk__WebGoat.xml.sarif");
/// The rule of those.
pub const RULE: &str = "sql-injection";
/// A lock that runs out soon after its holder was killed, and where the pipeline leaves its scans.
const CONFIG: &str = "[deadlines]\nlock = \"1s\"\n[[findings.sources]]\npath = \"ci\"\ntrusted = true\n";

/// The scan of a release: as it is, or as the same scanner says it of one in which all that is an error was mended.
pub fn scan(found: bool) -> String {
    let mut log: Value = serde_json::from_str(SCAN.trim_start_matches('\u{feff}')).unwrap();
    let results = log["runs"][0]["results"].as_array_mut().unwrap();
    assert!(results.iter().filter(|one| one["ruleId"] == RULE).count() > 5, "the corpus has it");
    if !found {
        results.retain(|one| one["level"] != "error");
    }
    log.to_string()
}

pub struct Shop {
    pub cluster: Arc<TestCluster>,
    pub data: Arc<Data>,
    pub sre: Person,
}

impl Shop {
    /// Runs the clean release, which was scanned; its data is copied, then the vulnerable one runs, and is used.
    pub async fn exposed(cluster: TestCluster) -> Self {
        // Who issues, and Certificate `web`.
        let sre = renew::prepared(&cluster).await;
        let authority = Authority::new("shop CA");
        cluster.create(&authority.pair.secret(&cluster.namespace, "shop-ca")).await;
        let admin = authority.leaf(&format!("db.{}.svc", cluster.namespace));
        cluster.create(&admin.secret(&cluster.namespace, "admin-tls")).await;
        let data = Arc::new(Data::open(&cluster));
        let shop = Self { cluster: Arc::new(cluster), data, sre };
        works_for(&shop.sre);
        shop.scanned('a', false).await;
        shop.install().await;
        shop.data.prepare(&shop.cluster).await;
        shop.data.order(&shop.cluster, "before").await;
        shop.sre.run(&["backup", &shop.volume(), "--yes"]).await.expect(0);
        crate::vulnerable::another_second().await;
        shop.scanned('b', true).await;
        shop.roll_out('b').await;
        shop.data.order(&shop.cluster, "since").await;
        shop.data.inject(&shop.cluster).await;
        shop
    }

    pub fn volume(&self) -> String {
        format!("{}/{CLAIM}", self.cluster.namespace)
    }

    /// The pipeline scans a release and says of what the scan is.
    pub async fn scanned(&self, release: char, found: bool) {
        let file = self.sre.home().join(format!("ci/{release}.sarif"));
        std::fs::write(&file, scan(found)).unwrap();
        let digest = digest(release);
        self.sre.run(&["stamp", file.to_str().unwrap(), "--image", &digest, "--complete"]).await.expect(0);
    }

    async fn install(&self) {
        let here = &self.cluster.namespace;
        let class = format!("patient-{here}");
        self.cluster.create(&manifests::patient_class(&class)).await;
        let service = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": { "namespace": here, "name": "db" },
            "spec": { "selector": { "app": "db" }, "ports": [{ "name": "https", "port": 443, "targetPort": "https" }] },
        });
        self.cluster.create(&service).await;
        let mut set = manifests::stateful_set(here, "db", 1);
        set["spec"]["volumeClaimTemplates"][0]["spec"]["storageClassName"] = json!(class);
        set["spec"]["template"]["metadata"] =
            json!({ "labels": self.data.labels(), "annotations": { "lab.holdfast.dev/serves": "tls" } });
        let pod = &mut set["spec"]["template"]["spec"];
        let secret = |name: &str| json!({ "name": name, "secret": { "secretName": name } });
        pod["volumes"] = json!([secret("web-tls"), secret("admin-tls")]);
        pod["containers"] = json!([container('a')]);
        self.cluster.create(&set).await;
        self.runs('a').await;
    }

    /// Another release takes the place of the present one.
    pub async fn roll_out(&self, release: char) {
        let patch = json!({ "spec": { "template": { "spec": { "containers": [container(release)] } } } });
        self.cluster.merge("apps/v1", "StatefulSet", "db", &patch).await;
        self.runs(release).await;
    }

    /// From now on its server reads its certificate when it starts and then never again.
    pub async fn keeps_what_it_read(&self) {
        self.annotate("lab.holdfast.dev/reloads", "never").await;
    }

    /// The pods start anew, as `kubectl rollout restart` has it.
    pub async fn restart(&self) {
        self.annotate("kubectl.kubernetes.io/restartedAt", &jiff::Timestamp::now().to_string()).await;
    }

    /// Annotates the pods, which makes them anew.
    async fn annotate(&self, name: &str, value: &str) {
        let before = self.cluster.database_ready().await;
        let patch = json!({ "spec": { "template": { "metadata": { "annotations": { name: value } } } } });
        self.cluster.merge("apps/v1", "StatefulSet", "db", &patch).await;
        self.cluster.database_other_than(&before).await;
    }

    async fn runs(&self, release: char) {
        let image = image(release);
        wait::until("the release to run", LONG, async || {
            let pod = self.cluster.get("v1", "Pod", "db-0").await?;
            let conditions = pod.pointer("/status/conditions").and_then(Value::as_array)?;
            let ready = conditions.iter().any(|one| one["type"] == "Ready" && one["status"] == "True");
            (ready && pod["spec"]["containers"][0]["image"] == image).then_some(())
        })
        .await;
    }

    /// A colleague's machine, whose console reads the same scans.
    pub fn colleague(&self) -> Person {
        let colleague = self.cluster.person(User::Colleague);
        works_for(&colleague);
        for entry in std::fs::read_dir(self.sre.home().join("ci")).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), colleague.home().join("ci").join(entry.file_name())).unwrap();
        }
        colleague
    }
}

fn works_for(person: &Person) {
    std::fs::create_dir(person.home().join("ci")).unwrap();
    person.configure(CONFIG);
}

fn image(release: char) -> String {
    format!("registry.example/shop@{}", digest(release))
}

fn container(release: char) -> Value {
    let mount = |name: &str, path: &str| json!({ "name": name, "mountPath": path });
    json!({
        "name": "db", "image": image(release), "ports": [{ "name": "https", "containerPort": 8443 }],
        "volumeMounts": [mount("data", "/data"), mount("web-tls", "/tls"), mount("admin-tls", "/admin")],
    })
}
