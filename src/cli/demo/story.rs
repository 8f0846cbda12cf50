//! The vulnerable release, played out on the demo's cluster: a clean version writes the data, one with an SQL injection
//! follows, then a fixed one; each is scanned before it runs, and a copy is cut of each.
//!
//! It only does what people and pipelines do: it rolls out images, cuts snapshots and leaves SARIF in a folder. What
//! follows from it the console finds out by itself.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::sim::{Sim, SimError};
use crate::store;

/// How long each part lasts: the console looks at what runs at least every ten seconds.
const PART: Duration = Duration::from_secs(12);
const NAMESPACE: &str = "shop";
const NAME: &str = "orders";
/// The releases: letter, what is said of them, and whether the injection is in them.
const RELEASES: [(char, bool); 3] = [('a', false), ('b', true), ('c', false)];

/// The story, with the folder in which its pipeline leaves scans.
pub(super) struct Story {
    folder: PathBuf,
}

impl Story {
    /// Begins it: the first release is scanned and rolled out.
    ///
    /// # Errors
    /// When the folder cannot be written, or the cluster takes no objects.
    pub fn begin(cluster: &Sim, directory: &Path) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let folder = directory.join("ci");
        std::fs::create_dir_all(&folder)?;
        let story = Self { folder };
        story.scan(RELEASES[0])?;
        cluster.load(vec![class(), workload(RELEASES[0].0)])?;
        Ok(story)
    }

    /// Where the scans are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Plays the rest, at a pace at which one can watch.
    pub async fn play(&self, cluster: &Sim) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        for (place, release) in RELEASES.into_iter().enumerate() {
            if place > 0 {
                self.scan(release)?;
                roll_out(cluster, release.0)?;
            }
            cluster.settle().await;
            tokio::time::sleep(PART).await;
            cluster.load(vec![copy(release.0)])?;
            tokio::time::sleep(PART).await;
        }
        Ok(())
    }

    /// A scan of a release, as its pipeline stamps it.
    fn scan(&self, (release, found): (char, bool)) -> io::Result<()> {
        let log = log(release, found, store::now());
        let path = self.folder.join(format!("{NAME}-{release}.sarif"));
        std::fs::write(path, format!("{log:#}\n"))
    }
}

fn digest(release: char) -> String {
    format!("sha256:{}", release.to_string().repeat(64))
}

fn image(release: char) -> String {
    format!("registry.shop.example/{NAME}@{}", digest(release))
}

fn log(release: char, found: bool, now: Timestamp) -> Value {
    let injection = json!({
        "ruleId": "js/sql-injection", "level": "error",
        "message": { "text": "This query depends on a user-provided value." },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": "src/orders/query.js" },
            "region": { "startLine": 41, "snippet": { "text": "db.query(`SELECT * FROM orders WHERE id = ${id}`)" } },
        } }],
    });
    let ended = now.saturating_sub(SignedDuration::from_mins(1)).unwrap_or(now);
    let rule = json!({
        "id": "js/sql-injection", "name": "js/sql-injection",
        "shortDescription": { "text": "Database query built from user-controlled sources" },
        "properties": { "security-severity": "8.8", "tags": ["security", "external/cwe/cwe-089"] },
    });
    json!({
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "CodeQL", "rules": [rule] } },
            "invocations": [{ "executionSuccessful": true, "endTimeUtc": ended.to_string() }],
            "versionControlProvenance": [{ "repositoryUri": "https://git.shop.example/orders", "branch": "main" }],
            "results": if found { vec![injection] } else { Vec::new() },
            "properties": { "holdfast/subject": { "digest": digest(release) } },
        }],
    })
}

/// A class whose volumes are made for their first pod: nobody else can have written them before.
fn class() -> Value {
    json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": { "name": "patient" },
        "provisioner": "block.csi.holdfast.dev", "reclaimPolicy": "Delete", "volumeBindingMode": "WaitForFirstConsumer",
    })
}

fn workload(release: char) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": { "namespace": NAMESPACE, "name": NAME },
        "spec": {
            "serviceName": NAME, "replicas": 1, "selector": { "matchLabels": { "app": NAME } },
            "template": {
                "metadata": { "labels": { "app": NAME } },
                "spec": { "containers": [{
                    "name": NAME, "image": image(release),
                    "volumeMounts": [{ "name": "data", "mountPath": "/data" }],
                }] },
            },
            "volumeClaimTemplates": [{
                // Its copies hold something, so that a drill of one can pass.
                "metadata": { "name": "data", "annotations": { "seed.holdfast.dev/data": "orders" } },
                "spec": {
                    "accessModes": ["ReadWriteOnce"], "storageClassName": "patient",
                    "resources": { "requests": { "storage": "1Gi" } },
                },
            }],
        },
    })
}

fn copy(release: char) -> Value {
    json!({
        "apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot",
        "metadata": { "namespace": NAMESPACE, "name": format!("{NAME}-{release}") },
        "spec": {
            "volumeSnapshotClassName": "block",
            "source": { "persistentVolumeClaimName": format!("data-{NAME}-0") },
        },
    })
}

fn roll_out(cluster: &Sim, release: char) -> Result<(), SimError> {
    cluster.edit("apps/v1", "StatefulSet", (NAMESPACE, NAME), |set| {
        if let Some(image_now) = set.pointer_mut("/spec/template/spec/containers/0/image") {
            *image_now = image(release).into();
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Completion;
    use crate::sarif::{Limits, Origin, read};
    use crate::sim;

    #[test]
    fn each_scan_is_complete_says_which_image_it_is_of_and_only_the_second_finds_something() {
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24);
        for (release, found) in RELEASES {
            let origin = Origin { path: "a.sarif".into(), now, ..Origin::default() };
            let read = read(log(release, found, now).to_string().as_bytes(), &origin, &Limits::default());
            assert!(read.diagnostics.is_empty(), "{:?}", read.diagnostics);
            let scan = &read.scans[0];
            assert_eq!((scan.findings.len(), &scan.completion), (usize::from(found), &Completion::Complete));
            assert_eq!(*scan.subjects[0].digests, [digest(release).into()]);
        }
    }
    #[tokio::test]
    async fn the_copies_of_the_demo_hold_something_so_a_drill_of_one_can_pass() {
        let cluster = Sim::start(sim::Options::default()).unwrap();
        let here = tempfile::tempdir().unwrap();
        Story::begin(&cluster, here.path()).unwrap();
        cluster.settle().await;
        cluster.load(vec![copy('a')]).unwrap();
        cluster.settle().await;
        let copies = cluster.volumes().snapshots();
        assert_eq!(copies.len(), 2, "the seeded one and that of the story: {copies:?}");
        for copy in copies {
            assert!(cluster.volumes().read_snapshot(&copy, "data").is_some(), "{copy} is empty");
        }
        cluster.stop().await;
    }
}
