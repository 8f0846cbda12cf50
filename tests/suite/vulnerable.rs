//! The vulnerable release: a clean version writes the data, one with an SQL injection follows, then a fixed one; a copy was
//! taken of each. Which of them can be trusted?

use serde_json::{Value, json};

use holdfast::cluster::Target;
use holdfast::config::{Config, ScanPlace};
use holdfast::model::Kind;
use holdfast::session::{Options, Session, Unnamed};
use holdfast::store::Store;

use crate::support::cluster::{TestCluster, User};
use crate::support::desk;
use crate::support::manifests;
use crate::support::person::Person;
use crate::support::scenarios;
use crate::support::wait::{self, LONG};

scenarios!(
    the_copy_from_before_is_recommended_and_outlives_its_retention,
    without_a_scan_of_the_clean_release_nothing_is_known_to_be_good,
    a_scan_that_did_not_finish_or_lies_where_anybody_can_write_proves_nothing,
    a_pipeline_that_writes_over_its_one_file_proves_what_three_files_prove,
    what_a_log_is_tied_to_is_told_step_by_step,
    an_operator_who_knows_of_an_earlier_compromise_is_believed,
    code_that_runs_with_findings_and_exposed_data_without_a_good_copy_are_problems,
    a_finding_is_read_in_full_from_its_source_and_again_when_that_changes,
);

/// The digest of the image of a release.
pub fn digest(release: char) -> String {
    format!("sha256:{}", release.to_string().repeat(64))
}

fn image(release: char) -> String {
    format!("registry.example/shop@{}", digest(release))
}

/// A scan of a release that looked for SQL injections, as its pipeline stamped it.
pub fn scan(release: char, found: bool, finished: bool) -> String {
    let result = json!({
        "ruleId": "sqli", "level": "error", "message": { "text": "a query is made of what the client sent" },
        "locations": [{ "physicalLocation": { "artifactLocation": { "uri": "src/db.rs" }, "region": { "startLine": 7 } } }],
    });
    // Each was scanned before it was rolled out.
    let at = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24)
        + jiff::SignedDuration::from_hours(release as i64 - 'a' as i64);
    json!({
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "Semgrep OSS", "rules": [{ "id": "sqli" }] } },
            "invocations": [{ "executionSuccessful": finished, "endTimeUtc": at.to_string() }],
            "versionControlProvenance": [{ "repositoryUri": "https://git.example/shop", "branch": "main" }],
            "results": if found { vec![result] } else { Vec::new() },
            "properties": { "holdfast/subject": { "digest": digest(release) } },
        }],
    })
    .to_string()
}

pub struct Shop {
    pub sre: Person,
    path: String,
}

impl Shop {
    /// An SRE whose console reads what a pipeline wrote.
    pub fn of(cluster: &TestCluster, trusted: bool) -> Self {
        let sre = cluster.person(User::Sre);
        std::fs::create_dir(sre.home().join("ci")).unwrap();
        sre.configure(&format!("[[findings.sources]]\npath = \"ci\"\ntrusted = {trusted}\n"));
        Self { sre, path: format!("{}/data-db-0", cluster.namespace) }
    }

    pub fn file(&self, release: char) -> std::path::PathBuf {
        self.sre.home().join(format!("ci/{release}.sarif"))
    }

    pub async fn back_up(&self) {
        self.sre.run(&["backup", &self.path, "--yes"]).await.expect(0);
    }

    pub async fn known_good(&self) -> (Option<i32>, Value) {
        let ended = self.sre.run(&["known-good", &self.path, "-o", "json"]).await;
        (ended.code, serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}")))
    }
}

/// What is said of each copy, the newest first.
pub fn trusts(said: &Value) -> Vec<&str> {
    said["points"].as_array().unwrap().iter().map(|point| point["trust"].as_str().unwrap()).collect()
}

/// The database runs this release, on a volume that is made for its first pod.
pub async fn release(cluster: &TestCluster, release: char) {
    run_image(cluster, &image(release)).await;
}

/// The same with an image of another registry.
pub async fn run_image(cluster: &TestCluster, image: &str) {
    if cluster.get("apps/v1", "StatefulSet", "db").await.is_none() {
        let class = format!("patient-{}", cluster.namespace);
        cluster.create(&manifests::patient_class(&class)).await;
        let mut set = manifests::stateful_set(&cluster.namespace, "db", 1);
        set["spec"]["volumeClaimTemplates"][0]["spec"]["storageClassName"] = json!(class);
        set["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
        cluster.create(&set).await;
    } else {
        let container =
            json!([{ "name": "db", "image": image, "volumeMounts": [{ "name": "data", "mountPath": "/data" }] }]);
        let patch = json!({ "spec": { "template": { "spec": { "containers": container } } } });
        cluster.merge("apps/v1", "StatefulSet", "db", &patch).await;
    }
    wait::until("the release to run", LONG, async || {
        let pod = cluster.get("v1", "Pod", "db-0").await?;
        let conditions = pod.pointer("/status/conditions").and_then(Value::as_array)?;
        let ready = conditions.iter().any(|one| one["type"] == "Ready" && one["status"] == "True");
        (ready && pod["spec"]["containers"][0]["image"] == image).then_some(())
    })
    .await;
}

/// The three releases, each with its scan, but for one that was never scanned or not to its end, and a copy.
async fn released(cluster: &TestCluster, first: Option<bool>) -> Shop {
    let shop = Shop::of(cluster, true);
    for (version, found, finished) in [('a', false, first), ('b', true, Some(true)), ('c', false, Some(true))] {
        if let Some(finished) = finished {
            std::fs::write(shop.file(version), scan(version, found, finished)).unwrap();
        }
        release(cluster, version).await;
        shop.back_up().await;
        another_second().await;
    }
    shop
}

/// A clean release and its copy, then a vulnerable one; both were scanned.
async fn copied_before_the_vulnerable_one(cluster: &TestCluster) -> Shop {
    let shop = Shop::of(cluster, true);
    std::fs::write(shop.file('a'), scan('a', false, true)).unwrap();
    std::fs::write(shop.file('b'), scan('b', true, true)).unwrap();
    release(cluster, 'a').await;
    shop.back_up().await;
    another_second().await;
    release(cluster, 'b').await;
    shop
}

/// The API tells moments by the second, and what lies on an edge counts as exposed.
pub async fn another_second() {
    let now = jiff::Timestamp::now().as_second();
    wait::until("the second to end", LONG, async || (jiff::Timestamp::now().as_second() > now).then_some(())).await;
}

async fn the_copy_from_before_is_recommended_and_outlives_its_retention(cluster: TestCluster) {
    let shop = released(&cluster, Some(true)).await;
    let (code, said) = shop.known_good().await;
    assert_eq!(trusts(&said), ["may be tainted", "exposed", "known-good"], "{said:#}");
    assert_eq!(code, Some(0));
    let good = said["points"][2]["name"].as_str().unwrap().to_owned();
    assert_eq!(said["knownGood"]["name"], format!("{}/{good}", cluster.namespace));
    let text = shop.sre.run(&["known-good", &shop.path]).await.expect(0).stdout;
    assert!(text.contains("restoring it loses the writes of") && text.contains("sqli src/db.rs:7"), "{text}");

    // Whoever is about to restore another one is told, beside and in place.
    let exposed = said["points"][1]["name"].as_str().unwrap();
    let beside = format!("{}/{exposed}", cluster.namespace);
    let instead = format!("restore {}/{good} instead, which is known-good", cluster.namespace);
    let plan = shop.sre.run(&["restore", &beside, "--dry-run"]).await.expect(0).stdout;
    assert!(plan.contains("it is exposed by sqli in src/db.rs") && plan.contains(&instead), "{plan}");
    let plan = shop.sre.run(&["restore-in-place", &shop.path, "--from", exposed, "--dry-run"]).await;
    assert!(plan.stdout.contains("it is exposed by sqli in src/db.rs"), "{plan:?}");
    let plan = shop.sre.run(&["restore", &format!("{}/{good}", cluster.namespace), "--dry-run"]).await.expect(0).stdout;
    assert!(!plan.contains("exposed") && !plan.contains("known-good"), "{plan}");

    // The rules of retention alone would let it go.
    let pruned = shop.sre.run(&["prune", &shop.path, "--keep-last", "1", "--yes"]).await.expect(0);
    let left: Vec<String> =
        cluster.snapshots().await.iter().map(|one| one["metadata"]["name"].as_str().unwrap().to_owned()).collect();
    assert!(left.contains(&good) && left.len() == 2, "{left:?}");
    assert!(pruned.stdout.contains("the last known-good copy"), "{pruned:?}");
}

async fn without_a_scan_of_the_clean_release_nothing_is_known_to_be_good(cluster: TestCluster) {
    let shop = released(&cluster, None).await;
    let (code, said) = shop.known_good().await;
    assert_eq!(trusts(&said), ["may be tainted", "exposed", "unknown"], "{said:#}");
    assert_eq!((code, &said["knownGood"]), (Some(3), &Value::Null));
    // It says what would prove it, and the copy that may be good stays until that is settled.
    let reasons = said["reasons"].to_string();
    assert!(reasons.contains("scan") && reasons.contains("aaaaaaaa"), "{reasons}");
    let may_be = said["points"][2]["name"].as_str().unwrap();
    assert_eq!(said["mayBe"]["name"], format!("{}/{may_be}", cluster.namespace));
    let undecided = shop.sre.run(&["prune", &shop.path, "--keep-last", "1", "--yes"]).await.expect(0);
    assert!(cluster.get(manifests::SNAPSHOTS, "VolumeSnapshot", may_be).await.is_some(), "{undecided:?}");
}

async fn a_scan_that_did_not_finish_or_lies_where_anybody_can_write_proves_nothing(cluster: TestCluster) {
    let shop = released(&cluster, Some(false)).await;
    let (code, said) = shop.known_good().await;
    assert_eq!((code, trusts(&said)), (Some(3), vec!["may be tainted", "exposed", "unknown"]), "{said:#}");
    std::fs::write(shop.file('a'), scan('a', false, true)).unwrap();
    assert_eq!(shop.known_good().await.0, Some(0), "a finished one proves it");
    shop.sre.configure("[[findings.sources]]\npath = \"ci\"\n");
    let (code, said) = shop.known_good().await;
    assert_eq!(code, Some(3), "{said:#}");
    assert!(!trusts(&said).contains(&"known-good"), "{said:#}");
    // What cannot be read may hold anything.
    shop.sre.configure("[[findings.sources]]\npath = \"ci\"\ntrusted = true\n");
    std::fs::write(shop.file('d'), "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 7\n").unwrap();
    let (code, said) = shop.known_good().await;
    assert_eq!(code, Some(3), "{said:#}");
    assert!(said["reasons"].to_string().contains("d.sarif"), "{said:#}");
}

async fn a_pipeline_that_writes_over_its_one_file_proves_what_three_files_prove(cluster: TestCluster) {
    let shop = Shop::of(&cluster, true);
    let latest = shop.sre.home().join("ci/latest.sarif");
    for (version, found) in [('a', false), ('b', true), ('c', false)] {
        std::fs::write(&latest, scan(version, found, true)).unwrap();
        release(&cluster, version).await;
        shop.back_up().await;
        another_second().await;
    }
    let (code, said) = shop.known_good().await;
    assert_eq!((code, trusts(&said)), (Some(0), vec!["may be tainted", "exposed", "known-good"]), "{said:#}");
    // What the three found is one history: found by the second, and proven gone by the third.
    let told = shop.sre.run(&["findings", "-o", "json"]).await.expect(0);
    let told: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!((told.as_array().map(Vec::len), &told[0]["open"]), (Some(1), &json!(false)), "{told:#}");

    // Where the pipeline is no longer trusted its former scans are not, either.
    shop.sre.configure("[[findings.sources]]\npath = \"ci\"\n");
    let (code, said) = shop.known_good().await;
    assert!(code == Some(3) && !trusts(&said).contains(&"known-good"), "{said:#}");
    shop.sre.configure("[[findings.sources]]\npath = \"ci\"\ntrusted = true\n");
    assert_eq!(shop.known_good().await.0, Some(0));
    // What is damaged may have held anything.
    let kept = std::fs::read_dir(shop.sre.state().join("scans")).unwrap().map(|entry| entry.unwrap().path());
    for path in kept.filter(|path| path.extension().is_some_and(|end| end == "gz")) {
        std::fs::write(path, "damaged").unwrap();
    }
    let (code, said) = shop.known_good().await;
    assert!(code == Some(3) && said["reasons"].to_string().contains("is damaged"), "{said:#}");
}

async fn what_a_log_is_tied_to_is_told_step_by_step(cluster: TestCluster) {
    let shop = Shop::of(&cluster, true);
    release(&cluster, 'b').await;
    let file = shop.file('b');
    std::fs::write(&file, scan('b', true, true)).unwrap();
    let file = file.to_str().unwrap();
    let told = shop.sre.run(&["links", "test", file, "--trusted", "-n", &cluster.namespace]).await.expect(0).stdout;
    for said in ["scan of Semgrep OSS", "1 finding", "StatefulSet db, container db: exact"] {
        assert!(told.contains(said), "{said} is not in {told}");
    }
    let claimed = shop.sre.run(&["links", "test", file, "-n", &cluster.namespace]).await.expect(0).stdout;
    assert!(claimed.contains("exact, claimed") && claimed.contains('→'), "{claimed}");
    std::fs::write(file, scan('e', true, true)).unwrap();
    let untied = shop.sre.run(&["links", "test", file, "--trusted", "-n", &cluster.namespace]).await;
    assert_eq!(untied.code, Some(3), "{untied:?}");

    let links = shop.sre.home().join("links.toml");
    std::fs::write(&links, "[[link]]\nwhen = { tol = \"x\" }\nto = { name = \"db\" }\n").unwrap();
    let wrong = shop.sre.run(&["links", "check", links.to_str().unwrap()]).await.expect(2);
    assert!(wrong.stderr.contains("links.toml:2:") && wrong.stderr.contains("tol"), "{wrong:?}");
}

async fn an_operator_who_knows_of_an_earlier_compromise_is_believed(cluster: TestCluster) {
    let shop = copied_before_the_vulnerable_one(&cluster).await;
    assert_eq!(trusts(&shop.known_good().await.1), ["known-good"]);
    let since = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1);
    let said = format!(
        "[[compromise]]\nvolume = \"{}/data-db-0\"\nsince = \"{since}\"\nwho = \"ada\"\nwhy = \"a shell was found\"\n",
        cluster.namespace
    );
    std::fs::write(shop.sre.home().join("links.toml"), said).unwrap();
    shop.sre.configure("[findings]\nlinks = \"links.toml\"\n[[findings.sources]]\npath = \"ci\"\ntrusted = true\n");
    let (code, said) = shop.known_good().await;
    assert_eq!((code, trusts(&said)), (Some(3), vec!["exposed"]), "{said:#}");
    assert!(said.to_string().contains("by the word of ada: a shell was found"), "{said:#}");
}

async fn code_that_runs_with_findings_and_exposed_data_without_a_good_copy_are_problems(cluster: TestCluster) {
    let shop = copied_before_the_vulnerable_one(&cluster).await;
    let problems = async || {
        let ended = shop.sre.run(&["get", "problems", "-n", &cluster.namespace, "-o", "json"]).await;
        let said: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"));
        said.as_array().unwrap().clone()
    };
    let of = |said: &[Value], state: &str| said.iter().find(|one| one["state"] == state).cloned();
    let said = problems().await;
    let runs = of(&said, "Vulnerable").unwrap_or_else(|| panic!("{said:#?}"));
    assert_eq!((&runs["rank"], &runs["name"]), (&json!("soon"), &json!("HIGH sqli src/db.rs:7")), "{runs:#}");
    assert!(runs["reasons"][0].as_str().unwrap().contains(&shop.path), "{runs:#}");
    assert_eq!(of(&said, "No good copy"), None, "the copy of the clean release is known-good");

    // The scan that proved it, and what was kept of it.
    std::fs::remove_file(shop.file('a')).unwrap();
    std::fs::remove_dir_all(shop.sre.state().join("scans")).unwrap();
    let said = problems().await;
    let none = of(&said, "No good copy").unwrap_or_else(|| panic!("{said:#?}"));
    assert_eq!((&none["rank"], &none["name"]), (&json!("broken"), &json!("data-db-0")), "{none:#}");
    assert!(none["next"].as_str().unwrap().contains("scan"), "{none:#}");

    // Once a fixed release runs, the finding no longer does; what it wrote stays exposed.
    std::fs::write(shop.file('c'), scan('c', false, true)).unwrap();
    release(&cluster, 'c').await;
    let said = problems().await;
    assert_eq!(of(&said, "Vulnerable"), None, "{said:#?}");
    assert!(of(&said, "No good copy").is_some(), "{said:#?}");
}

async fn a_finding_is_read_in_full_from_its_source_and_again_when_that_changes(cluster: TestCluster) {
    let shop = Shop::of(&cluster, true);
    // What tells findings apart stays as it is.
    let written = |said: &str| {
        let mut log: Value = serde_json::from_str(&scan('b', true, true)).unwrap();
        let result = &mut log["runs"][0]["results"][0];
        result["message"]["text"] = json!(said);
        result["locations"][0]["physicalLocation"]["region"]["snippet"] = json!({ "text": "query(client.name)" });
        log.to_string()
    };
    std::fs::write(shop.file('b'), written("a query")).unwrap();
    let mut config = Config::default();
    config.findings.sources = vec![ScanPlace { path: shop.sre.home().join("ci"), trusted: true }];
    let (kubeconfig, namespaces) = (Some(shop.sre.kubeconfig()), vec![cluster.namespace.clone()]);
    let mut session = Session::open(Options {
        target: Target { kubeconfig, namespaces, ..Target::default() },
        config,
        store: Store::open(&shop.sre.state()).unwrap(),
        unnamed: Unnamed::All,
        kinds: Kind::ALL.to_vec(),
    });
    desk::until(&mut session, "the scan", LONG, |desk| desk.world.findings.ids().next().is_some()).await;
    let id = session.desk().world.findings.ids().next().unwrap();
    session.read_finding(id);
    let told = |desk: &holdfast::session::Desk, said: &str| {
        let full = desk.told.as_ref().and_then(|told| told.said.as_ref().ok());
        full.is_some_and(|full| full.message.as_deref() == Some(said) && full.snippet.is_some())
    };
    desk::until(&mut session, "what it says", LONG, |desk| told(desk, "a query")).await;
    std::fs::write(shop.file('b'), written("a query of what was sent")).unwrap();
    desk::until(&mut session, "what it says now", LONG, |desk| told(desk, "a query of what was sent")).await;
}
