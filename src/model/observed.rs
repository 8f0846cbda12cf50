//! What ran when, and wrote which data: the log of observations, which no object of the API keeps.
//!
//! What was not observed is not filled in: times in which nobody looked are holes, and whoever judges says so. Putting
//! two logs together is a law: order and duplicates do not matter, so consoles may exchange them freely.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::Uid;

/// A workload as an observation names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkloadName {
    /// Kind, such as `StatefulSet`.
    pub kind: Arc<str>,
    /// Name.
    pub name: Arc<str>,
    /// UID, when it was seen.
    pub uid: Option<Uid>,
}

/// What labels and annotations of a pod say of its program. Whoever may write pods may write them: claimed.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Said {
    /// `app.kubernetes.io/name`.
    pub app: Option<Arc<str>>,
    /// `app.kubernetes.io/version`.
    pub version: Option<Arc<str>>,
    /// `org.opencontainers.image.revision`.
    pub revision: Option<Arc<str>>,
}

/// What runs in one container of a workload.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Program {
    /// Namespace.
    pub namespace: Arc<str>,
    /// The workload; `None` of a pod of its own.
    pub workload: Option<WorkloadName>,
    /// The container.
    pub container: Arc<str>,
    /// The image as the spec names it.
    pub image: Arc<str>,
    /// `sha256:…` of what runs, manifest or config; ascending, empty when not known.
    pub digests: Box<[Arc<str>]>,
    /// What its pod says of it.
    pub said: Said,
}

/// How it is known that something ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Known {
    /// Guessed from ReplicaSets and ControllerRevisions: that it was started, not that it ran, until when, or what
    /// its tag meant then.
    BackFilled,
    /// An annotation on a restore point says so, and nothing proves who wrote it.
    Claimed,
    /// A backup wrote it on its restore point at the cut, and the operation's own record proves that.
    Recorded,
    /// The API server showed it running.
    #[default]
    Seen,
}

/// What tells one run from another.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunKey {
    /// What ran.
    pub program: Program,
    /// In which pod.
    pub pod: Option<Uid>,
    /// The data that it could write, by lineage; ascending.
    pub volumes: Box<[Uid]>,
    /// How it is known.
    pub known: Known,
}

/// From when to when it is known to have run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Its first moment.
    pub from: Timestamp,
    /// The last moment at which it was known to run, or that of its end.
    pub to: Timestamp,
    /// Whether its end was observed. Else it may have run on.
    pub ended: bool,
    /// When its pod was created.
    pub created: Option<Timestamp>,
}

impl Extent {
    fn join(&mut self, other: &Self) {
        self.from = self.from.min(other.from);
        self.to = self.to.max(other.to);
        self.ended |= other.ended;
        self.created = [self.created, other.created].into_iter().flatten().min();
    }
}

/// How the data of a lineage began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Birth {
    /// From when on it could be written: when its volume was made.
    pub at: Timestamp,
    /// Whether it was empty then: made for its claim, and filled from nothing.
    pub empty: bool,
    /// Whether the volume was made for the first pod that mounts it, and not before (`WaitForFirstConsumer`).
    pub for_first_pod: bool,
}

impl Birth {
    fn join(&mut self, other: &Self) {
        self.at = self.at.min(other.at);
        self.empty &= other.empty;
        self.for_first_pod &= other.for_first_pod;
    }
}

/// Moments from the first to the second, both among them.
pub type Span = (Timestamp, Timestamp);

/// Adds a span to others that are apart and in order, and keeps them so.
pub fn unite(spans: &mut Vec<Span>, (mut from, mut to): Span) {
    if to < from {
        return;
    }
    spans.retain(|(start, end)| {
        let apart = *end < from || to < *start;
        if !apart {
            (from, to) = (from.min(*start), to.max(*end));
        }
        apart
    });
    let place = spans.partition_point(|(start, _)| *start < from);
    spans.insert(place, (from, to));
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Log {
    runs: BTreeMap<RunKey, Extent>,
    watched: BTreeMap<Arc<str>, Vec<Span>>,
    births: BTreeMap<Uid, Birth>,
    records: BTreeSet<(Arc<str>, Arc<str>)>,
}

/// The log. Cheap to copy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed(Arc<Log>);

impl Observed {
    /// Something ran.
    pub fn saw(&mut self, key: RunKey, extent: Extent) {
        let runs = &mut Arc::make_mut(&mut self.0).runs;
        runs.entry(key).and_modify(|known| known.join(&extent)).or_insert(extent);
    }

    /// All pods of a namespace were in sight for that time, without a gap.
    pub fn watched(&mut self, namespace: &Arc<str>, span: Span) {
        unite(Arc::make_mut(&mut self.0).watched.entry(namespace.clone()).or_default(), span);
    }

    /// How the data of a lineage began.
    pub fn born(&mut self, lineage: &Uid, birth: Birth) {
        let births = &mut Arc::make_mut(&mut self.0).births;
        births.entry(lineage.clone()).and_modify(|known| known.join(&birth)).or_insert(birth);
    }

    /// The record of an operation proves that it wrote this about what ran, under the annotation
    /// [`RAN`](super::annotation::RAN). What it says names the data that it is about, so it tells the same on whatever
    /// restore point it stands.
    pub fn attest(&mut self, operation: &str, written: &str) {
        Arc::make_mut(&mut self.0).records.insert((operation.into(), written.into()));
    }

    /// Whether the record of an operation proves that it wrote this.
    pub fn attests(&self, operation: &str, written: &str) -> bool {
        self.0.records.contains(&(operation.into(), written.into()))
    }

    /// Adds everything that another log has.
    pub fn merge(&mut self, other: &Self) {
        if Arc::ptr_eq(&self.0, &other.0) {
            return;
        }
        for (key, extent) in &other.0.runs {
            self.saw(key.clone(), *extent);
        }
        for (namespace, spans) in &other.0.watched {
            for span in spans {
                self.watched(namespace, *span);
            }
        }
        for (lineage, birth) in &other.0.births {
            self.born(lineage, *birth);
        }
        Arc::make_mut(&mut self.0).records.extend(other.0.records.iter().cloned());
    }

    /// Everything that ran, in the order of their keys.
    pub fn runs(&self) -> impl Iterator<Item = (&RunKey, &Extent)> {
        self.0.runs.iter()
    }

    /// From when to when something is known to have run.
    pub fn extent(&self, key: &RunKey) -> Option<&Extent> {
        self.0.runs.get(key)
    }

    /// The times in which all pods of a namespace were in sight.
    pub fn in_sight(&self, namespace: &str) -> &[Span] {
        self.0.watched.get(namespace).map_or(&[], Vec::as_slice)
    }

    /// The times in sight of every namespace, in the order of their names.
    pub fn sights(&self) -> impl Iterator<Item = (&Arc<str>, &[Span])> {
        self.0.watched.iter().map(|(namespace, spans)| (namespace, spans.as_slice()))
    }

    /// How the data of every lineage began that is known, in the order of their identities.
    pub fn births(&self) -> impl Iterator<Item = (&Uid, &Birth)> {
        self.0.births.iter()
    }

    /// How the data of a lineage began, when that was seen.
    pub fn birth(&self, lineage: &Uid) -> Option<&Birth> {
        self.0.births.get(lineage)
    }
}

#[cfg(test)]
mod tests;
