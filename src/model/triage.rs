//! What people decided on findings. A decision that has run out counts no more, and the finding is open again.
//!
//! Decisions are only ever added; the newest counts. Putting two records together is a union, so two consoles that
//! decided apart agree afterwards whichever takes in the other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use thiserror::Error;

use super::FindingId;

/// Characters of a reason.
const MOST_OF_A_REASON: usize = 2_000;
/// Characters of a name.
const MOST_OF_A_NAME: usize = 200;

/// What was decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TriageState {
    /// Nothing, or open again.
    #[default]
    Open,
    /// Somebody knows of it.
    Acknowledged,
    /// The risk is taken, until some time: without one the decision does not count.
    Accepted,
    /// It is none.
    FalsePositive,
    /// The code was fixed and its traces in the data were dealt with, by somebody's word. It does not count against
    /// the finding's code that is seen to run after it.
    Fixed,
}

impl TriageState {
    /// All, as they follow each other.
    pub const ALL: [Self; 5] = [Self::Open, Self::Acknowledged, Self::Accepted, Self::FalsePositive, Self::Fixed];

    /// Its word in files and on screens.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Accepted => "accepted",
            Self::FalsePositive => "false-positive",
            Self::Fixed => "fixed",
        }
    }

    /// Reads its word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// One decision.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decision {
    /// When.
    pub at: Timestamp,
    /// What.
    pub state: TriageState,
    /// Who. Untrusted text.
    pub author: Arc<str>,
    /// Why. Untrusted text.
    pub reason: Arc<str>,
    /// Until when it counts; `None` is for good, which an acceptance cannot be.
    pub until: Option<Timestamp>,
}

impl Decision {
    /// Whether it counts at a moment.
    pub fn counts(&self, now: Timestamp) -> bool {
        match (self.until, self.state) {
            (Some(until), _) => now < until,
            (None, state) => state != TriageState::Accepted,
        }
    }
}

/// Why something cannot be decided so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Undecidable {
    /// A risk is never taken for good.
    #[error("an acceptance needs an end: say until when the risk is taken")]
    Endless,
    /// It would have run out at once.
    #[error("the end has to lie in the future")]
    Over,
    /// Nothing runs out.
    #[error("what is open has no end")]
    OpenUntil,
    /// Nobody could judge it later.
    #[error("a reason is needed, for whoever looks at it later")]
    NoReason,
    /// Nobody would read it.
    #[error("the reason is longer than {MOST_OF_A_REASON} characters")]
    LongReason,
    /// Nobody stands for it.
    #[error("it is not known who decides")]
    Nobody,
    /// No name is that long.
    #[error("the name of who decides is longer than {MOST_OF_A_NAME} characters")]
    LongName,
}

impl Decision {
    /// Whether it may be made: it says who and why, and an acceptance says until when.
    ///
    /// # Errors
    /// What it lacks.
    pub fn check(&self) -> Result<(), Undecidable> {
        match (self.state, self.until) {
            (TriageState::Accepted, None) => return Err(Undecidable::Endless),
            (TriageState::Open, Some(_)) => return Err(Undecidable::OpenUntil),
            (_, Some(until)) if until <= self.at => return Err(Undecidable::Over),
            _ => {}
        }
        let longer = |text: &str, most| text.chars().nth(most).is_some();
        match (self.author.trim(), self.reason.trim()) {
            (_, "") => Err(Undecidable::NoReason),
            ("", _) => Err(Undecidable::Nobody),
            (author, _) if longer(author, MOST_OF_A_NAME) => Err(Undecidable::LongName),
            (_, reason) if longer(reason, MOST_OF_A_REASON) => Err(Undecidable::LongReason),
            _ => Ok(()),
        }
    }
}

/// Every decision on every finding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Triage(Arc<BTreeMap<FindingId, BTreeSet<Decision>>>);

impl Triage {
    /// Adds a decision.
    pub fn decide(&mut self, id: FindingId, decision: Decision) {
        Arc::make_mut(&mut self.0).entry(id).or_default().insert(decision);
    }

    /// When somebody decides now: after what was decided on the finding before, also where that clock ran ahead. The
    /// answer to a decision has to count over it.
    pub fn moment(&self, id: FindingId, now: Timestamp) -> Timestamp {
        let after = self.last(id).and_then(|last| last.at.checked_add(jiff::SignedDuration::from_micros(1)).ok());
        after.map_or(now, |after| after.max(now))
    }

    /// Adds everything that another record has.
    pub fn merge(&mut self, other: &Self) {
        for (id, decisions) in other.0.iter() {
            Arc::make_mut(&mut self.0).entry(*id).or_default().extend(decisions.iter().cloned());
        }
    }

    /// The decisions on a finding, the oldest first.
    pub fn history(&self, id: FindingId) -> impl DoubleEndedIterator<Item = &Decision> {
        self.0.get(&id).into_iter().flatten()
    }

    /// The newest decision on a finding, also when it has run out.
    pub fn last(&self, id: FindingId) -> Option<&Decision> {
        self.history(id).next_back()
    }

    /// What counts for a finding at a moment: the newest decision, unless that has run out.
    pub fn state(&self, id: FindingId, now: Timestamp) -> TriageState {
        self.last(id).filter(|decision| decision.counts(now)).map(|decision| decision.state).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn decision(at: i64, state: TriageState, until: Option<i64>) -> Decision {
        let moment = |second| Timestamp::from_second(second).unwrap();
        Decision { at: moment(at), state, author: "ada".into(), reason: "r".into(), until: until.map(moment) }
    }

    #[rstest]
    #[case::nothing(&[], TriageState::Open)]
    #[case::acknowledged(&[decision(1, TriageState::Acknowledged, None)], TriageState::Acknowledged)]
    #[case::accepted(&[decision(1, TriageState::Accepted, Some(11))], TriageState::Accepted)]
    #[case::run_out(&[decision(1, TriageState::Accepted, Some(10))], TriageState::Open)]
    #[case::accepted_for_good(&[decision(1, TriageState::Accepted, None)], TriageState::Open)]
    #[case::the_newest(
        &[decision(2, TriageState::FalsePositive, None), decision(1, TriageState::Fixed, None)],
        TriageState::FalsePositive
    )]
    #[case::an_older_one_does_not_come_back(
        &[decision(1, TriageState::FalsePositive, None), decision(2, TriageState::Accepted, Some(3))],
        TriageState::Open
    )]
    fn the_newest_decision_counts_until_it_runs_out(#[case] decisions: &[Decision], #[case] state: TriageState) {
        let mut triage = Triage::default();
        for one in decisions {
            triage.decide(FindingId(1), one.clone());
        }
        assert_eq!(triage.state(FindingId(1), Timestamp::from_second(10).unwrap()), state);
        assert_eq!(triage.state(FindingId(2), Timestamp::UNIX_EPOCH), TriageState::Open);
    }

    #[rstest]
    #[case::acknowledged(TriageState::Acknowledged, None, "r", Ok(()))]
    #[case::accepted(TriageState::Accepted, Some(11), "r", Ok(()))]
    #[case::for_good(TriageState::Accepted, None, "r", Err(Undecidable::Endless))]
    #[case::over(TriageState::FalsePositive, Some(10), "r", Err(Undecidable::Over))]
    #[case::open_until(TriageState::Open, Some(11), "r", Err(Undecidable::OpenUntil))]
    #[case::blank(TriageState::Fixed, None, " \n", Err(Undecidable::NoReason))]
    fn who_decides_says_why_and_an_acceptance_ends(
        #[case] state: TriageState,
        #[case] until: Option<i64>,
        #[case] reason: &str,
        #[case] expected: Result<(), Undecidable>,
    ) {
        let one = Decision { reason: reason.into(), ..decision(10, state, until) };
        assert_eq!(one.check(), expected);
        let long = Decision { reason: "x".repeat(2_001).into(), ..decision(10, TriageState::Open, None) };
        assert_eq!(long.check(), Err(Undecidable::LongReason));
        let nobody = Decision { author: "".into(), ..decision(10, TriageState::Open, None) };
        assert_eq!(nobody.check(), Err(Undecidable::Nobody));
    }

    #[test]
    fn an_answer_counts_over_what_a_clock_ahead_decided() {
        let (mut triage, now) = (Triage::default(), Timestamp::from_second(5).unwrap());
        assert_eq!(triage.moment(FindingId(1), now), now);
        triage.decide(FindingId(1), decision(99, TriageState::FalsePositive, None));
        let at = triage.moment(FindingId(1), now);
        triage.decide(FindingId(1), Decision { at, ..decision(0, TriageState::Open, None) });
        assert_eq!(triage.state(FindingId(1), at), TriageState::Open);
    }

    proptest! {
        #[test]
        fn two_records_agree_whichever_takes_in_the_other(
            one in prop::collection::vec((0_u128..3, 0_i64..5, 0_usize..5), 0..6),
            two in prop::collection::vec((0_u128..3, 0_i64..5, 0_usize..5), 0..6),
        ) {
            let record = |all: &[(u128, i64, usize)]| {
                let mut triage = Triage::default();
                for (id, at, state) in all {
                    triage.decide(FindingId(*id), decision(*at, TriageState::ALL[*state], None));
                }
                triage
            };
            let (one, two) = (record(&one), record(&two));
            let (mut there, mut back) = (one.clone(), two.clone());
            there.merge(&two);
            back.merge(&one);
            prop_assert_eq!(&there, &back);
            there.merge(&two);
            prop_assert_eq!(there, back);
        }
    }
}
