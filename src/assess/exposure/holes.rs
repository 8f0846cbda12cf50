//! Times that nobody can speak for.

use jiff::Timestamp;

use super::{History, said};
use crate::assess::Reason;
use crate::model::{Known, Span, unite};

/// A time in which anything may have written the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hole {
    /// Its first moment.
    pub from: Timestamp,
    /// Its last.
    pub to: Timestamp,
    /// Why, and what would have closed it.
    pub why: Reason,
}

const WATCH: &str = "leave a console or an agent running: what it sees of the namespace closes such times";

impl History {
    /// The holes from the beginning of the data to a moment, the earliest first.
    pub fn holes(&self, until: Timestamp) -> Vec<Hole> {
        let Some(birth) = self.birth else {
            let why = Reason::new("how the data began was not seen").next(WATCH);
            return vec![Hole { from: Timestamp::MIN, to: until, why }];
        };
        let mut holes = Vec::new();
        if !birth.empty {
            let why = Reason::new("the volume was not empty at first: what wrote it before is not known")
                .next("look at the volume or copy that it was filled from");
            holes.push(Hole { from: Timestamp::MIN, to: birth.at, why });
        }
        let covered = self.covered();
        let mut at = birth.at;
        for (from, to) in covered {
            if until <= at {
                break;
            }
            if at < from && !self.made_for_first(at, from) {
                holes.push(self.hole(at, from.min(until)));
            }
            at = at.max(to);
        }
        if at < until {
            holes.push(self.hole(at, until));
        }
        holes
    }

    /// Times that are accounted for, in order and apart.
    fn covered(&self) -> Vec<Span> {
        let mut spans = Vec::new();
        self.in_sight.iter().for_each(|span| unite(&mut spans, *span));
        if self.exclusive {
            let proven = self.runs.iter().filter(|run| run.key.known >= Known::Recorded && run.key.pod.is_some());
            proven.for_each(|run| unite(&mut spans, (run.extent.from, run.extent.to)));
        }
        spans
    }

    /// Whether the time from the making of the volume to the first run was too early for any other pod.
    fn made_for_first(&self, from: Timestamp, to: Timestamp) -> bool {
        let Some(birth) = self.birth.filter(|birth| birth.for_first_pod && self.exclusive && birth.at == from) else {
            return false;
        };
        let first = self.runs.iter().filter(|run| run.key.known >= Known::Recorded && run.extent.from == to);
        first.into_iter().any(|run| run.extent.created.is_some_and(|created| created <= birth.at))
    }

    fn hole(&self, from: Timestamp, to: Timestamp) -> Hole {
        let started = self.birth.is_some_and(|birth| birth.at == from);
        let before = self.runs.iter().filter(|run| run.key.known >= Known::Recorded).find(|run| run.extent.to == from);
        let what = if started {
            "between the making of the volume and the first pod that was seen".to_owned()
        } else if let Some(run) = before.filter(|run| !run.extent.ended) {
            let name = crate::assess::linking::said(&run.key.program);
            format!("after {name} was last seen, whose end nobody saw")
        } else if self.exclusive {
            "while no pod was known to hold the volume".to_owned()
        } else {
            "while not all pods were in sight that may write a shared volume".to_owned()
        };
        let text = format!("nobody looked from {} to {}: {what}", said(from), said(to));
        Hole { from, to, why: Reason::new(text).next(WATCH) }
    }
}
