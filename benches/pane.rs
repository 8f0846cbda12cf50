//! What the pane of findings costs with 200,000 of them: making the table, filtering, putting together, the frame.
//! `cargo bench --bench pane`. Aims: a filter under 20 ms, groups under 50 ms.
#![expect(clippy::unwrap_used, reason = "a bench that cannot start has nothing to measure")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use holdfast::assess::linking::Chains;
use holdfast::model::{
    Band, Completion, Extent, Finding, FindingId, Findings, Program, Rule, RunKey, Scan, ScanSource, Series, Subject,
    SubjectSource, Taken, TimeSource, Uid, WorkloadName, World,
};
use holdfast::view::{Filter, FindingList, FindingTable, GroupBy, Query, Risks, trend};
use jiff::{SignedDuration, Timestamp};

/// Findings, of which half are in the second scan of their workload, too.
const FINDINGS: u32 = 200_000;
/// Workloads, each with scans of its own.
const WORKLOADS: u32 = 200;
/// Times that each is done.
const ROUNDS: u32 = 21;

fn now() -> Timestamp {
    "2026-03-01T03:00:00Z".parse().unwrap()
}

fn ago(minutes: i64) -> Timestamp {
    now() - SignedDuration::from_mins(minutes)
}

fn finding(number: u32, rules: &[Arc<Rule>]) -> Finding {
    let rule = &rules[number as usize % rules.len()];
    let message = format!("The call of function{} at offset {number} depends on a value of the client.", number % 977);
    Finding {
        id: FindingId(u128::from(number) << 64 | u128::from(number.wrapping_mul(2_654_435_761))),
        rule: rule.clone(),
        band: Band::ALL[number as usize % Band::ALL.len()],
        path: format!("src/module{}/file{}.rs", number % 61, number % 9_973).into(),
        line: number % 2_000 + 1,
        message: message.into(),
        ..Finding::default()
    }
}

fn scan(workload: u32, turn: u32, rules: &[Arc<Rule>]) -> Taken {
    let per = FINDINGS / WORKLOADS;
    let first = workload * per;
    let here = (first..first + per).filter(|number| turn == 0 || number % 2 == 0);
    let digest: Arc<str> = format!("sha256:{:064x}", workload * 2 + turn).into();
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&(workload * 2 + turn).to_be_bytes());
    let scan = Scan {
        digest: bytes,
        series: Series { tool: "codeql".into(), category: format!("{workload}").into(), ..Series::default() },
        tool: "CodeQL".into(),
        version: None,
        at: Some((ago(i64::from(20_000 - turn * 10_000 + workload)), TimeSource::Ended)),
        completion: Completion::Complete,
        catalogue: None,
        subjects: [Subject { digests: [digest].into(), ..Subject::of(SubjectSource::Stamp) }].into(),
        findings: here.map(|number| finding(number, rules)).collect(),
    };
    let source = ScanSource { name: format!("{workload}-{turn}.sarif").into(), bytes, trusted: true };
    Taken { scan: Arc::new(scan), source: Arc::new(source) }
}

fn world() -> World {
    let rule = |number: u32| Arc::new(Rule { id: format!("lang/rule-{number}").into(), ..Rule::default() });
    let rules: Vec<Arc<Rule>> = (0..400).map(rule).collect();
    let mut world = World::default();
    let taken = (0..WORKLOADS).flat_map(|workload| [0, 1].map(|turn| scan(workload, turn, &rules)));
    world.scanned(Findings::new(taken, now()));
    for workload in 0..WORKLOADS {
        for turn in [0, 1] {
            let name = WorkloadName { kind: "StatefulSet".into(), name: format!("db-{workload}").into(), uid: None };
            let program = Program {
                namespace: format!("team-{}", workload % 20).into(),
                workload: Some(name),
                digests: [format!("sha256:{:064x}", workload * 2 + turn).into()].into(),
                ..Program::default()
            };
            let volumes = [Uid::from(format!("uid-{workload}"))].into();
            let key = RunKey { program, pod: None, volumes, ..RunKey::default() };
            let from = ago(i64::from(20_000 - turn * 10_000));
            let extent = Extent { from, to: now(), ended: false, created: Some(from) };
            world.observed.saw(key, extent);
        }
    }
    world
}

/// The median and the worst of many rounds.
fn timed<T>(name: &str, mut round: impl FnMut() -> T) {
    let mut took: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            black_box(round());
            begun.elapsed()
        })
        .collect();
    took.sort_unstable();
    let ms = |duration: &Duration| duration.as_secs_f64() * 1000.0;
    println!("{name:34} {:>8.2} ms  worst {:>8.2} ms", ms(&took[took.len() / 2]), ms(&took[took.len() - 1]));
}

fn main() {
    let world = world();
    timed("chains", || Chains::of(&world));
    let chains = Chains::of(&world);
    timed("table", || FindingTable::new(&chains, &Risks::new(), true, now()));
    let table = Arc::new(FindingTable::new(&chains, &Risks::new(), true, now()));
    assert_eq!(table.len(), FINDINGS as usize);
    let mut found = BTreeMap::new();
    for text in [
        "function97",
        "band:critical",
        "path:module7 !lang/rule-3",
        "workload:team-7/ level:critical first>7d",
        "nowhere",
    ] {
        let mut list = FindingList::new(Query::default());
        list.refresh(&table, now());
        let filter = Filter::parse(text);
        timed(&format!("filter /{text}"), || {
            list.ask(Query { filter: filter.clone(), only_problems: !list.query().only_problems, ..Query::default() });
            list.refresh(&table, now());
        });
        found.insert(text, list.found());
    }
    println!("{found:?}");
    for by in GroupBy::ALL {
        let mut list = FindingList::new(Query::default());
        list.refresh(&table, now());
        timed(&format!("group by {}", by.word()), || {
            list.group_by(Some(by));
            list.refresh(&table, now());
        });
    }
    timed("trend of all", || trend(&table, 0..FINDINGS, now()));
}
