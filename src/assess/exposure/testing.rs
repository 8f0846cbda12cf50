//! A shop whose database container was released three times: clean, with an SQL injection, fixed.

use std::sync::Arc;

use jiff::Timestamp;

use crate::assess::linking::Chains;
use crate::assess::testing::{ago, claim, now, put, put_snapshot, snapshot, with_claim};
use crate::model::{
    AccessMode, Band, Birth, Completion, DeletionPolicy, Extent, Finding, FindingId, Findings, Known, Object, Policies,
    Program, Pvc, Rule, RunKey, Scan, ScanSource, Series, StorageClass, Subject, SubjectSource, Taken, TimeSource, Uid,
    WorkloadName, World, annotation,
};

/// The finding.
pub const SQLI: FindingId = FindingId(0x51);

/// The moments, in minutes before [`now`], at which the releases begin, and of the three backups.
pub const V1: i64 = 1000;
pub const V2: i64 = 600;
pub const V3: i64 = 300;
pub const A: i64 = 700;
pub const B: i64 = 400;
pub const C: i64 = 100;

/// A digest of one character.
pub fn digest(of: char) -> Arc<str> {
    format!("sha256:{}", of.to_string().repeat(64)).into()
}

/// A finding of the rule `sqli`.
pub fn finding(id: FindingId) -> Finding {
    let rule = Rule { id: "sqli".into(), ..Rule::default() };
    Finding { id, rule: Arc::new(rule), band: Band::High, path: "src/db.rs".into(), ..Finding::default() }
}

/// A complete scan of a digest, `minutes` ago, that looked for `sqli`.
pub fn scan(of: char, minutes: i64, found: &[FindingId]) -> Scan {
    let mut bytes = [0; 32];
    bytes[0] = of as u8;
    bytes[1..9].copy_from_slice(&minutes.to_be_bytes());
    bytes[9] = u8::try_from(found.len()).unwrap();
    Scan {
        digest: bytes,
        series: Series { tool: "semgrep".into(), repository: "git.example/shop".into(), ..Series::default() },
        tool: "Semgrep OSS".into(),
        version: None,
        at: Some((ago(minutes), TimeSource::Ended)),
        completion: Completion::Complete,
        catalogue: Some(Arc::new(["sqli".into()].into())),
        subjects: [Subject { digests: [digest(of)].into(), ..Subject::of(SubjectSource::Stamp) }].into(),
        findings: found.iter().map(|id| finding(*id)).collect(),
    }
}

/// A scan as it was taken in.
pub fn taken(scan: Scan, trusted: bool) -> Taken {
    let source = ScanSource { name: "ci/x.sarif".into(), bytes: scan.digest, trusted };
    Taken { scan: Arc::new(scan), source: Arc::new(source) }
}

/// The three scans of the releases.
pub fn three() -> Vec<Scan> {
    vec![scan('a', V1 - 10, &[]), scan('b', V3 + 10, &[SQLI]), scan('c', V3 - 10, &[])]
}

/// What runs in the container `db`, of an image `of` one character.
pub fn program(of: char) -> Program {
    Program {
        namespace: "shop".into(),
        workload: Some(WorkloadName { kind: "StatefulSet".into(), name: "db".into(), uid: None }),
        container: "db".into(),
        image: format!("r.example/db:1.0.{}", of as u32).into(),
        digests: [digest(of)].into(),
        ..Program::default()
    }
}

/// A run that writes the volume `data`, between two moments in minutes ago.
pub fn run(of: char, from: i64, to: i64) -> (RunKey, Extent) {
    let pod = Some(Uid::from(format!("pod-{of}")));
    let key = RunKey { program: program(of), pod, volumes: [Uid::from("uid-data")].into(), known: Known::Seen };
    (key, Extent { from: ago(from), to: ago(to), ended: to > 0, created: Some(ago(from + 1)) })
}

/// The claim.
pub fn data() -> Pvc {
    Pvc { access_modes: [AccessMode::Rwo].into(), ..claim("data", None) }
}

/// The world without scans and observations, with backups A, B and C.
pub fn bare() -> World {
    let mut world = with_claim(&data(), Policies::default());
    for (name, minutes) in [("a", A), ("b", B), ("c", C)] {
        put_snapshot(&mut world, ours(name, minutes));
    }
    let class = StorageClass {
        meta: crate::assess::testing::cluster_meta("fast"),
        waits_for_consumer: true,
        ..StorageClass::default()
    };
    put(&mut world, [Object::StorageClass(class)]);
    world.observed.born(&Uid::from("uid-data"), Birth { at: ago(V1), empty: true, for_first_pod: true });
    world
}

/// A copy that this console made.
pub fn ours(name: &str, minutes: i64) -> (crate::model::VolumeSnapshot, crate::model::Content) {
    let (mut snapshot, mut content) = snapshot(&data(), name, ago(minutes));
    snapshot.meta.created = Some(ago(minutes));
    snapshot.meta.labels = [(annotation::MANAGED_BY.0.into(), annotation::MANAGED_BY.1.into())].into();
    content.deletion = DeletionPolicy::Delete;
    (snapshot, content)
}

/// Lets these runs be seen.
pub fn ran(world: &mut World, runs: impl IntoIterator<Item = (RunKey, Extent)>) {
    runs.into_iter().for_each(|(key, extent)| world.observed.saw(key, extent));
}

/// The three releases, each following the other without a gap.
pub fn releases() -> Vec<(RunKey, Extent)> {
    vec![run('a', V1, V2), run('b', V2, V3), run('c', V3, 0)]
}

/// Takes these scans in, from a trusted source.
pub fn scanned(world: &mut World, scans: impl IntoIterator<Item = Scan>) {
    world.findings = Findings::new(scans.into_iter().map(|scan| taken(scan, true)), now());
}

/// The whole story.
pub fn shop() -> World {
    let mut world = bare();
    ran(&mut world, releases());
    scanned(&mut world, three());
    world
}

/// The verdict on a copy of `data` that was cut so many minutes ago.
pub fn verdict_at(world: &World, minutes: i64) -> crate::assess::Judgement<crate::assess::verdict::Verdict> {
    verdict_of(world, ago(minutes))
}

/// The verdict on a copy of `data` that was cut then.
pub fn verdict_of(world: &World, cut: Timestamp) -> crate::assess::Judgement<crate::assess::verdict::Verdict> {
    let chains = Chains::of(world);
    let claim = world.inventory.pvcs.get(&Uid::from("uid-data")).unwrap();
    let history = super::history(world, &chains, claim);
    crate::assess::verdict::verdict(&chains, &history, SQLI, cut)
}
