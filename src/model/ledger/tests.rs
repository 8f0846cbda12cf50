use std::sync::Arc;

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::model::{Finding, FindingId, Findings, Rule, Scan, ScanSource};

fn now() -> Timestamp {
    Timestamp::from_second(10_000).unwrap()
}

/// A complete scan of a second, which found these, from a trusted source; each of a file of its own.
fn scan(second: i64, found: &[u128]) -> Taken {
    let rule = Arc::new(Rule { id: "r".into(), ..Rule::default() });
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&second.to_be_bytes());
    // The same content has the same hash, and no other.
    digest[8..24].copy_from_slice(&found.iter().fold(1, |hash, id| hash * 31 + id + 1).to_be_bytes());
    let scan = Scan {
        digest,
        series: Series::default(),
        tool: "t".into(),
        version: None,
        at: Some((Timestamp::from_second(second).unwrap(), TimeSource::Ended)),
        completion: Completion::Complete,
        catalogue: Some(Arc::new(["r".into()].into())),
        subjects: Box::default(),
        findings: found
            .iter()
            .map(|id| Finding { id: FindingId(*id), rule: rule.clone(), ..Finding::default() })
            .collect(),
    };
    Taken { scan: Arc::new(scan), source: Arc::new(ScanSource { name: "x".into(), bytes: digest, trusted: true }) }
}

fn with(taken: &Taken, change: impl FnOnce(&mut Scan, &mut ScanSource)) -> Taken {
    let (mut scan, mut source) = ((*taken.scan).clone(), (*taken.source).clone());
    change(&mut scan, &mut source);
    Taken { scan: Arc::new(scan), source: Arc::new(source) }
}

fn entry(scans: &[Taken], id: u128) -> Entry {
    Ledger::fold(scans, now()).entry(&Series::default(), FindingId(id)).unwrap().clone()
}

fn word(entry: &Entry) -> String {
    match &entry.standing {
        Standing::Seen => "seen".into(),
        Standing::NotSeen { why } => why.to_string(),
        Standing::Gone { .. } => "gone".into(),
    }
}

#[test]
fn a_finding_is_first_seen_last_seen_gone_and_comes_again() {
    let scans = [scan(1, &[7]), scan(2, &[7]), scan(3, &[]), scan(4, &[7])];
    let gone = entry(&scans[..3], 7);
    let at = |sighting: &Sighting| sighting.at.map(Timestamp::as_second);
    assert_eq!((at(&gone.first), at(&gone.last)), (Some(1), Some(2)));
    let Standing::Gone { proof } = &gone.standing else { panic!("{gone:?}") };
    assert_eq!((at(proof), proof.scan), (Some(3), scans[2].scan.digest), "with the scan that proves it");
    let again = entry(&scans, 7);
    assert_eq!((word(&again).as_str(), again.reopened.len(), at(&again.last)), ("seen", 1, Some(4)));
}

#[rstest]
#[case::complete(|_: &mut Scan, _: &mut ScanSource| {}, "gone")]
#[case::without_a_catalogue(|scan: &mut Scan, _: &mut ScanSource| scan.catalogue = None, "gone")]
#[case::failed(|scan: &mut Scan, _: &mut ScanSource| scan.completion = Completion::Failed { why: "killed".into() }, "it did not finish: killed")]
#[case::unproven(|scan: &mut Scan, _: &mut ScanSource| scan.completion = Completion::Unproven { why: "no invocations".into() },
    "nothing says that it finished: no invocations"
)]
#[case::rule_gone(|scan: &mut Scan, _: &mut ScanSource| scan.catalogue = Some(Arc::new(["s".into()].into())), "its catalogue no longer has the rule")]
#[case::rules_empty(|scan: &mut Scan, _: &mut ScanSource| scan.catalogue = Some(Arc::default()), "its catalogue no longer has the rule")]
#[case::not_trusted(|_: &mut Scan, source: &mut ScanSource| source.trusted = false, "its source is not one that the configuration trusts")]
#[case::file_time(|scan: &mut Scan, _: &mut ScanSource| scan.at = scan.at.map(|(at, _)| (at, TimeSource::Modified)),
    "only the time of its file is known"
)]
#[case::no_time(|scan: &mut Scan, _: &mut ScanSource| scan.at = None, "seen")]
#[case::in_the_future(|scan: &mut Scan, _: &mut ScanSource| scan.at = Some(("2100-01-01T00:00:00Z".parse().unwrap(), TimeSource::Ended)), "seen")]
#[case::other_series(|scan: &mut Scan, _: &mut ScanSource| scan.series.category = "other".into(), "seen")]
#[case::same_file(|_: &mut Scan, source: &mut ScanSource| source.bytes = scan(1, &[7]).source.bytes, "seen")]
#[case::same_moment(|scan: &mut Scan, _: &mut ScanSource| scan.at = Some((Timestamp::from_second(1).unwrap(), TimeSource::Ended)), "seen")]
#[case::older(|scan: &mut Scan, _: &mut ScanSource| scan.at = Some((Timestamp::from_second(0).unwrap(), TimeSource::Ended)), "seen")]
fn only_a_later_scan_that_proves_it_closes_a_finding(
    #[case] change: fn(&mut Scan, &mut ScanSource),
    #[case] said: &str,
) {
    assert_eq!(word(&entry(&[scan(1, &[7]), with(&scan(2, &[]), change)], 7)), said);
}

#[test]
fn a_scan_of_an_unknown_time_that_has_it_keeps_it_open() {
    let untimed = with(&scan(9, &[7]), |scan, _| scan.at = None);
    assert_eq!(word(&entry(&[untimed, scan(1, &[7]), scan(2, &[])], 7)), "seen");
}

#[test]
fn runs_of_one_file_with_one_category_do_not_close_each_other_and_close_together() {
    let double = |second, found: &[u128]| {
        with(&scan(second, found), |_, source| {
            source.bytes = [9; 32];
        })
    };
    let file = [double(5, &[1]), double(6, &[2])];
    assert_eq!((word(&entry(&file, 1)).as_str(), word(&entry(&file, 2)).as_str()), ("seen", "seen"));
    let halves = [
        with(&scan(7, &[]), |_, source| source.bytes = [8; 32]),
        with(&scan(8, &[]), |scan, source| {
            source.bytes = [8; 32];
            scan.completion = Completion::Failed { why: "killed".into() };
        }),
    ];
    let all: Vec<Taken> = file.iter().chain(&halves).cloned().collect();
    assert_eq!(word(&entry(&all, 1)), "it did not finish: killed", "a half that failed may have missed it");
}

#[test]
fn what_its_own_baseline_calls_gone_is_not_there() {
    let absent = with(&scan(2, &[7]), |scan, _| scan.findings[0].baseline = Some(crate::model::Baseline::Absent));
    assert_eq!(word(&entry(&[scan(1, &[7]), absent], 7)), "gone");
}

#[test]
fn the_same_scan_in_two_places_counts_once_and_is_trusted_when_one_place_is() {
    let here = scan(1, &[7]);
    let there = with(&here, |_, source| source.trusted = false);
    for order in [[here.clone(), there.clone()], [there, here]] {
        let findings = Findings::new(order, now());
        assert_eq!(findings.scans().len(), 1);
        assert!(findings.scans()[0].source.trusted);
        assert_eq!(findings.places(FindingId(7)), [(0, 0)]);
    }
}

proptest! {
    #[test]
    fn order_and_duplicates_of_scans_do_not_matter(
        scans in prop::collection::vec((1_i64..8, prop::collection::vec(0_u128..3, 0..3), any::<bool>()), 0..8),
    ) {
        let take = |(second, found, complete): &(i64, Vec<u128>, bool)| with(&scan(*second, found), |scan, _| {
            if !complete {
                scan.completion = Completion::Unproven { why: "x".into() };
                scan.digest[30] = 1;
            }
        });
        let all: Vec<Taken> = scans.iter().map(take).collect();
        let backwards: Vec<Taken> = all.iter().rev().chain(&all).cloned().collect();
        let (one, two) = (Findings::new(all, now()), Findings::new(backwards, now()));
        let standing = |findings: &Findings| {
            let mut entries: Vec<_> = findings.ledger().entries().map(|(_, id, entry)| (id, word(entry), entry.reopened.len())).collect();
            entries.sort();
            entries
        };
        prop_assert_eq!(standing(&one), standing(&two));
    }

    #[test]
    fn without_a_finished_scan_nothing_is_ever_gone(
        scans in prop::collection::vec((1_i64..8, prop::collection::vec(0_u128..3, 0..3)), 0..8),
    ) {
        let take = |(second, found): &(i64, Vec<u128>)| {
            with(&scan(*second, found), |scan, _| scan.completion = Completion::Unproven { why: "x".into() })
        };
        let findings = Findings::new(scans.iter().map(take), now());
        let none_gone = findings.ledger().entries().all(|(_, _, entry)| !matches!(entry.standing, Standing::Gone { .. }));
        prop_assert!(none_gone);
    }
}
