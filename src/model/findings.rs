//! Scans as they were taken in, with who vouches for them, and the ledger of what they found over time.
//!
//! One scan counts once, wherever it lies; it is trusted when one of its places is. The whole is shared, so a copy of
//! it costs nothing; a new one is made when a source changes.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::{Baseline, Finding, FindingId, Ledger, ResultKind, Scan};

/// Where scans come from: one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScanSource {
    /// Its name for people. Untrusted text.
    pub name: Arc<str>,
    /// Hash of its bytes: runs of one file are parts of one scan.
    pub bytes: [u8; 32],
    /// Whether the configuration says that only a pipeline can write there. What comes from elsewhere is claimed: it
    /// warns, and proves nothing.
    pub trusted: bool,
}

/// A scan and where it was found.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The scan.
    pub scan: Arc<Scan>,
    /// Its source.
    pub source: Arc<ScanSource>,
}

impl Finding {
    /// Whether it says that something is wrong: not a pass, and not one that its own baseline calls gone.
    pub fn stands(&self) -> bool {
        let kind = matches!(self.kind, ResultKind::Fail | ResultKind::Open | ResultKind::Review);
        kind && self.baseline != Some(Baseline::Absent)
    }

    /// Whether the scanner was told to hide it: every suppression accepted and none over. One that is under review or
    /// was rejected hides nothing (SARIF 2.1.0 §3.27.23; as sarif-sdk reads it).
    pub fn suppressed(&self, now: Timestamp) -> bool {
        self.suppressions.as_ref().is_some_and(|all| {
            let accepted = |status: &str| matches!(status, "" | "accepted");
            !all.is_empty() && all.iter().all(|one| accepted(&one.status) && one.until.is_none_or(|until| now < until))
        })
    }
}

/// All scans, the oldest first, and what follows from their order.
#[derive(Clone, Debug, Default)]
pub struct Findings(Arc<All>);

#[derive(Debug, Default)]
struct All {
    scans: Vec<Taken>,
    standing: HashMap<FindingId, Vec<(usize, usize)>>,
    ledger: Ledger,
    files: HashMap<[u8; 32], Vec<usize>>,
    unread: Vec<Arc<str>>,
    watch: Watched,
}

/// Whether anybody looks for scans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Watched {
    /// No source is configured, so nothing is known of findings.
    #[default]
    Nowhere,
    /// There are sources, and they were not read yet.
    Reading,
    /// The sources were read.
    Read,
}

impl Findings {
    /// Takes scans in, in any order. `now` tells times that cannot be.
    pub fn new(taken: impl IntoIterator<Item = Taken>, now: Timestamp) -> Self {
        let mut once: HashMap<[u8; 32], Taken> = HashMap::new();
        for one in taken {
            let known = once.get(&one.scan.digest);
            let better = known.is_none_or(|known| {
                (one.source.trusted, &known.source.name) > (known.source.trusted, &one.source.name)
            });
            if better {
                once.insert(one.scan.digest, one);
            }
        }
        let mut scans: Vec<Taken> = once.into_values().collect();
        scans.sort_by_key(|one| (one.scan.at.map(|(at, _)| at), one.scan.digest));
        let mut standing: HashMap<FindingId, Vec<(usize, usize)>> = HashMap::new();
        for (scan, taken) in scans.iter().enumerate() {
            for (place, finding) in taken.scan.findings.iter().enumerate().filter(|(_, finding)| finding.stands()) {
                standing.entry(finding.id).or_default().push((scan, place));
            }
        }
        let mut files: HashMap<[u8; 32], Vec<usize>> = HashMap::new();
        for (scan, taken) in scans.iter().enumerate() {
            files.entry(taken.source.bytes).or_default().push(scan);
        }
        let ledger = Ledger::fold(&scans, now);
        Self(Arc::new(All { scans, standing, ledger, files, unread: Vec::new(), watch: Watched::Read }))
    }

    /// The same, with sources that were not read, or not yet, or not in full: what they are and why, in words that may be
    /// drawn. While there are such, no copy is known to be good.
    #[must_use]
    pub fn but_for(self, unread: impl IntoIterator<Item = Arc<str>>) -> Self {
        let mut all = Arc::try_unwrap(self.0).unwrap_or_else(|shared| All {
            scans: shared.scans.clone(),
            standing: shared.standing.clone(),
            ledger: shared.ledger.clone(),
            files: shared.files.clone(),
            unread: Vec::new(),
            watch: shared.watch,
        });
        all.unread = unread.into_iter().collect();
        Self(Arc::new(all))
    }

    /// Of sources that were not read yet; `why` says so, in words that may be drawn.
    pub fn reading(why: Arc<str>) -> Self {
        Self(Arc::new(All { unread: vec![why], watch: Watched::Reading, ..All::default() }))
    }

    /// Whether it is one and the same as another, not only alike.
    pub fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether anybody looks for scans.
    pub fn watched(&self) -> Watched {
        self.0.watch
    }

    /// Sources that were not read, and why.
    pub fn unread(&self) -> &[Arc<str>] {
        &self.0.unread
    }

    /// The scans of the same file and series as one, itself among them: runs of one scan.
    pub fn parts(&self, scan: usize) -> impl Iterator<Item = &Taken> {
        let own = self.0.scans.get(scan);
        let file = own.and_then(|own| self.0.files.get(&own.source.bytes));
        let all = file.into_iter().flatten().filter_map(|place| self.0.scans.get(*place));
        all.filter(move |taken| own.is_some_and(|own| own.scan.series == taken.scan.series))
    }

    /// The scans, the oldest first; those whose time is not known before all others.
    pub fn scans(&self) -> &[Taken] {
        &self.0.scans
    }

    /// Whether nothing was ever taken in, and nothing waits to be.
    pub fn is_empty(&self) -> bool {
        self.0.scans.is_empty() && self.0.unread.is_empty()
    }

    /// Where a finding stands: the scan's place among [`Findings::scans`], and the finding's place in it.
    pub fn places(&self, id: FindingId) -> &[(usize, usize)] {
        self.0.standing.get(&id).map_or(&[], Vec::as_slice)
    }

    /// The finding as its newest scan has it.
    pub fn latest(&self, id: FindingId) -> Option<&Finding> {
        let (scan, place) = self.places(id).last()?;
        self.0.scans.get(*scan)?.scan.findings.get(*place)
    }

    /// The identities of all findings, in no order.
    pub fn ids(&self) -> impl Iterator<Item = FindingId> {
        self.0.standing.keys().copied()
    }

    /// First seen, last seen, gone.
    pub fn ledger(&self) -> &Ledger {
        &self.0.ledger
    }
}
