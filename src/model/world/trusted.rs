//! What comes from elsewhere than the API server: scans, decisions, observations, and the words of operators.

use std::sync::Arc;

use super::{Touched, World};
use crate::model::{Findings, Linking, Observed, Triage};

impl World {
    /// Takes in the scans of all sources. Which rows they concern hangs on what ran, so all are looked at again.
    pub fn scanned(&mut self, findings: Findings) -> Touched {
        self.findings = findings;
        Touched { all: true, ..Touched::default() }
    }

    /// Takes in the record of decisions in the place of the one that is known.
    pub fn triaged(&mut self, triage: Triage) -> Touched {
        let before = std::mem::replace(&mut self.triage, triage);
        Touched { all: before != self.triage, ..Touched::default() }
    }

    /// Takes in a log of what ran, beside what is known.
    pub fn saw(&mut self, observed: &Observed) -> Touched {
        let before = self.observed.clone();
        self.observed.merge(observed);
        Touched { all: before != self.observed, ..Touched::default() }
    }

    /// Takes in what operators say.
    pub fn linked(&mut self, linking: Linking) -> Touched {
        let all = *self.linking != linking;
        self.linking = Arc::new(linking);
        Touched { all, ..Touched::default() }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::{Decision, FindingId, TriageState};

    #[test]
    fn what_changes_nothing_touches_nothing() {
        let mut world = World::default();
        let mut triage = Triage::default();
        let (author, reason) = ("ada".into(), "r".into());
        let at = Timestamp::UNIX_EPOCH;
        triage.decide(FindingId(1), Decision { at, state: TriageState::Acknowledged, author, reason, until: None });
        let mut log = Observed::default();
        log.watched(&"shop".into(), (at, at));
        assert!(world.triaged(triage.clone()).all && world.saw(&log).all && world.scanned(Findings::default()).all);
        assert!(!world.triaged(triage.clone()).all && !world.saw(&log).all);
        assert!(!world.linked(Linking::default()).all);
        let copy = world.clone();
        assert_eq!((copy.triage, copy.observed), (triage, log));
    }
}
