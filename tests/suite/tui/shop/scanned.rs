//! What a pipeline's scanner found in the shop's releases, read from SARIF as a pipeline writes it.

use std::sync::Arc;

use holdfast::assess::linking::Chains;
use holdfast::model::{Extent, Findings, Known, Program, RunKey, ScanSource, Taken, Uid, WorkloadName};
use holdfast::sarif::{Limits, Origin, read};
use holdfast::session::Desk;
use holdfast::view::{FindingTable, Risks};
use serde_json::{Value, json};

use super::{ago, meta, now};

/// Minutes before now at which the releases began.
const RELEASES: [(char, i64); 3] = [('a', 60 * 24 * 20), ('b', 60 * 24 * 6), ('c', 60 * 9)];

/// Rule, level, file, line, message, and in which releases it is.
const FOUND: &[(&str, &str, &str, u32, &str, &str)] = &[
    ("js/sql-injection", "9.1", "src/orders/query.js", 41, "This query depends on a user-provided value.", "bc"),
    ("js/sql-injection", "9.1", "src/orders/export.js", 18, "This query depends on a user-provided value.", "b"),
    ("js/path-injection", "7.5", "src/files/download.js", 77, "This path depends on a user-provided value.", "abc"),
    ("js/weak-hash", "5.3", "src/login/password.js", 12, "A password is hashed by MD5.", "abc"),
    ("js/weak-hash", "5.3", "src/login/token.js", 30, "A token is hashed by SHA-1.", "ab"),
    ("js/unused-variable", "", "src/login/token.js", 3, "Unused variable \u{202e}nekot.", "abc"),
];

fn digest(release: char) -> String {
    format!("sha256:{}", release.to_string().repeat(64))
}

fn log(release: char, minutes: i64) -> Value {
    let rules: Vec<Value> = ["js/sql-injection", "js/path-injection", "js/weak-hash", "js/unused-variable"]
        .iter()
        .map(|rule| {
            let score = FOUND.iter().find(|found| found.0 == *rule).map_or("", |found| found.1);
            let properties = if score.is_empty() { json!({}) } else { json!({ "security-severity": score }) };
            json!({ "id": rule, "properties": properties })
        })
        .collect();
    let here = FOUND.iter().filter(|found| found.5.contains(release));
    let results = here.map(|(rule, _, file, line, message, _)| {
        json!({
            "ruleId": rule, "level": if rule.contains("unused") { "note" } else { "error" },
            "message": { "text": message },
            "locations": [{ "physicalLocation": {
                "artifactLocation": { "uri": file }, "region": { "startLine": line },
            } }],
        })
    });
    json!({
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "CodeQL", "rules": rules } },
            "invocations": [{ "executionSuccessful": true, "endTimeUtc": ago(minutes + 60).to_string() }],
            "versionControlProvenance": [{ "repositoryUri": "https://git.example/shop", "branch": "main" }],
            "results": results.collect::<Vec<_>>(),
            "properties": { "holdfast/subject": { "digest": digest(release) } },
        }],
    })
}

fn taken(release: char, minutes: i64) -> impl Iterator<Item = Taken> {
    let origin = Origin { path: format!("{release}.sarif"), modified: None, now: now(), ..Origin::default() };
    let text = log(release, minutes).to_string();
    let read = read(text.as_bytes(), &origin, &Limits::default());
    assert!(read.diagnostics.iter().all(|one| !one.lost), "{:?}", read.diagnostics);
    let source = ScanSource { name: origin.path.into(), bytes: [release as u8; 32], trusted: true };
    let source = Arc::new(source);
    read.scans.into_iter().map(move |scan| Taken { scan: Arc::new(scan), source: source.clone() })
}

/// The StatefulSet `db` ran three releases, each of which was scanned.
pub fn scanned(desk: &mut Desk) {
    let volume = meta(Some("shop"), "data-db-0").uid();
    let ends = RELEASES.iter().skip(1).map(|(_, minutes)| *minutes).chain([0]);
    for ((release, minutes), end) in RELEASES.iter().zip(ends) {
        let workload = WorkloadName { kind: "StatefulSet".into(), name: "db".into(), uid: None };
        let program = Program {
            namespace: "shop".into(),
            workload: Some(workload),
            container: "db".into(),
            image: format!("registry.example/db@{}", digest(*release)).into(),
            digests: [digest(*release).into()].into(),
            ..Program::default()
        };
        let key =
            RunKey { program, pod: Some(Uid::from("uid-db-0")), volumes: [volume.clone()].into(), known: Known::Seen };
        let extent = Extent { from: ago(*minutes), to: ago(end), ended: end > 0, created: Some(ago(*minutes)) };
        desk.world.observed.saw(key, extent);
    }
    desk.world.observed.watched(&"shop".into(), (ago(60 * 24 * 30), now()));
    let all = RELEASES.iter().flat_map(|(release, minutes)| taken(*release, *minutes));
    found(desk, Findings::new(all, now()));
}

/// The desk has these findings.
pub fn found(desk: &mut Desk, findings: Findings) {
    let touched = desk.world.scanned(findings);
    desk.refresh(&touched, now());
    let chains = Chains::of(&desk.world);
    desk.boards.tabled(Arc::new(FindingTable::new(&chains, &Risks::new(), true, now())));
    desk.boards.chained(chains);
}
