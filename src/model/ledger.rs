//! What became of each finding over time, by series: first seen, last seen, gone with its proof, come again.
//!
//! A finding is *gone* only when a later scan of its series proves that it looked and did not find: complete, from a
//! trusted source, with a time that can be believed, and with the rule still in its catalogue when it has one. Anything
//! less leaves it *not seen (unproven)*, which counts as open.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{Completion, FindingId, Series, Taken, TimeSource};

/// A scan that is further in the future than this has a wrong clock, and its place in time is not known.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// One scan as the ledger remembers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// When; `None` when that is not known.
    pub at: Option<Timestamp>,
    /// Which scan.
    pub scan: [u8; 32],
}

/// How a finding stands in its series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The newest scan has it.
    Seen,
    /// A newer scan does not have it, and proves nothing.
    NotSeen {
        /// What it lacks.
        why: Arc<str>,
    },
    /// A newer scan proves that it is not there any more.
    Gone {
        /// That scan.
        proof: Sighting,
    },
}

/// One finding of one series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The first scan that had it. When the code was first *seen* with it, not since when it ran.
    pub first: Sighting,
    /// The last scan that had it.
    pub last: Sighting,
    /// How it stands.
    pub standing: Standing,
    /// The scans that had it again after it was gone.
    pub reopened: Vec<Sighting>,
}

/// Every finding of every series.
#[derive(Clone, Debug, Default)]
pub struct Ledger(BTreeMap<Series, HashMap<FindingId, Entry>>);

impl Ledger {
    /// Builds it from scans in any order.
    pub fn fold(scans: &[Taken], now: Timestamp) -> Self {
        let mut series: BTreeMap<&Series, Vec<&Taken>> = BTreeMap::new();
        for taken in scans {
            series.entry(&taken.scan.series).or_default().push(taken);
        }
        Self(series.into_iter().map(|(series, scans)| (series.clone(), fold_one(&scans, now))).collect())
    }

    /// One finding of one series.
    pub fn entry(&self, series: &Series, id: FindingId) -> Option<&Entry> {
        self.0.get(series)?.get(&id)
    }

    /// All findings of a series.
    pub fn of(&self, series: &Series) -> impl Iterator<Item = (FindingId, &Entry)> {
        self.0.get(series).into_iter().flatten().map(|(id, entry)| (*id, entry))
    }

    /// All series.
    pub fn series(&self) -> impl Iterator<Item = &Series> {
        self.0.keys()
    }

    /// Everything in it.
    pub fn entries(&self) -> impl Iterator<Item = (&Series, FindingId, &Entry)> {
        self.0.iter().flat_map(|(series, entries)| entries.iter().map(move |(id, entry)| (series, *id, entry)))
    }
}

/// The moment by which a scan is put in order; `None` when that would be a guess.
fn order(taken: &Taken, now: Timestamp) -> Option<Timestamp> {
    let (at, _) = taken.scan.at?;
    (at.duration_since(now) <= AHEAD).then_some(at)
}

/// Runs that are one step in time: of one file, or of one moment. They never close each other's findings.
fn steps<'a>(scans: &[&'a Taken], now: Timestamp) -> Vec<(Timestamp, Vec<&'a Taken>)> {
    let mut files: BTreeMap<[u8; 32], (Timestamp, Vec<&Taken>)> = BTreeMap::new();
    for taken in scans {
        let Some(at) = order(taken, now) else { continue };
        let step = files.entry(taken.source.bytes).or_insert_with(|| (at, Vec::new()));
        step.0 = step.0.max(at);
        step.1.push(taken);
    }
    let mut moments: BTreeMap<Timestamp, Vec<&Taken>> = BTreeMap::new();
    for (at, taken) in files.into_values() {
        moments.entry(at).or_default().extend(taken);
    }
    moments.into_iter().collect()
}

fn fold_one(scans: &[&Taken], now: Timestamp) -> HashMap<FindingId, Entry> {
    let mut entries: HashMap<FindingId, (Entry, Arc<str>)> = HashMap::new();
    for (at, step) in steps(scans, now) {
        let mut here = HashSet::new();
        for taken in &step {
            let sighting = Sighting { at: Some(at), scan: taken.scan.digest };
            for finding in taken.scan.findings.iter().filter(|finding| finding.stands()) {
                if here.insert(finding.id) {
                    see(&mut entries, finding.id, &finding.rule.id, &sighting);
                }
            }
        }
        for (entry, rule) in entries.iter_mut().filter(|(id, _)| !here.contains(*id)).map(|(_, entry)| entry) {
            if matches!(entry.standing, Standing::Gone { .. }) {
                continue;
            }
            entry.standing = match proof(&step, rule) {
                Ok(scan) => Standing::Gone { proof: Sighting { at: Some(at), scan } },
                Err(why) => Standing::NotSeen { why },
            };
        }
    }
    unordered(&mut entries, scans, now);
    entries.into_iter().map(|(id, (entry, _))| (id, entry)).collect()
}

fn see(entries: &mut HashMap<FindingId, (Entry, Arc<str>)>, id: FindingId, rule: &Arc<str>, sighting: &Sighting) {
    let fresh =
        || Entry { first: sighting.clone(), last: sighting.clone(), standing: Standing::Seen, reopened: Vec::new() };
    let (entry, _) = entries.entry(id).or_insert_with(|| (fresh(), rule.clone()));
    if matches!(entry.standing, Standing::Gone { .. }) {
        entry.reopened.push(sighting.clone());
    }
    entry.last = sighting.clone();
    entry.standing = Standing::Seen;
}

/// What a scan without a time in the order has may be newer than anything that would close it.
fn unordered(entries: &mut HashMap<FindingId, (Entry, Arc<str>)>, scans: &[&Taken], now: Timestamp) {
    for taken in scans.iter().filter(|taken| order(taken, now).is_none()) {
        let sighting = Sighting { at: None, scan: taken.scan.digest };
        for finding in taken.scan.findings.iter().filter(|finding| finding.stands()) {
            let fresh = || Entry {
                first: sighting.clone(),
                last: sighting.clone(),
                standing: Standing::Seen,
                reopened: Vec::new(),
            };
            let (entry, _) = entries.entry(finding.id).or_insert_with(|| (fresh(), finding.rule.id.clone()));
            entry.standing = Standing::Seen;
        }
    }
}

/// The scan of a step that proves a rule's finding gone, or what the step lacks for that. All of its scans must be
/// complete: what is missing of one may hold the finding.
fn proof(step: &[&Taken], rule: &Arc<str>) -> Result<[u8; 32], Arc<str>> {
    for taken in step {
        if let Err(why) = proves(taken).and_then(|()| timed(taken)) {
            return Err(why.into());
        }
    }
    let looked = |taken: &&&Taken| taken.scan.catalogue.as_ref().is_none_or(|rules| rules.contains(rule));
    let scan = step.iter().find(looked).map(|taken| taken.scan.digest);
    scan.ok_or_else(|| "its catalogue no longer has the rule".into())
}

/// Whether a scan that has nothing proves that there is nothing, whenever it ran and but for its catalogue.
///
/// # Errors
/// With what it lacks, in words; those of the tool are untrusted.
pub fn proves(taken: &Taken) -> Result<(), String> {
    if !taken.source.trusted {
        return Err("its source is not one that the configuration trusts".to_owned());
    }
    match &taken.scan.completion {
        Completion::Complete => Ok(()),
        Completion::Failed { why } => Err(format!("it did not finish: {why}")),
        Completion::Unproven { why } => Err(format!("nothing says that it finished: {why}")),
    }
}

/// Whether the time of a scan is good enough to say that it came later than another.
fn timed(taken: &Taken) -> Result<(), String> {
    match taken.scan.at {
        Some((_, TimeSource::Modified)) => Err("only the time of its file is known".to_owned()),
        Some(_) => Ok(()),
        None => Err("when it ran is not known".to_owned()),
    }
}

#[cfg(test)]
mod tests;
