//! Which findings make the copies of a volume suspicious.

use jiff::Timestamp;

use crate::assess::Judgement;
use crate::assess::exposure::{End, History};
use crate::assess::linking::{Chains, band};
use crate::model::{Band, Decision, FindingId, TriageState};

/// A finding of concern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concern {
    /// Which.
    pub id: FindingId,
    /// Its band, with what operators say of it.
    pub band: Band,
}

/// The findings of a volume's past that are of concern, the worst first.
pub fn concerns(chains: &Chains, past: &History, least: Band, now: Timestamp) -> Judgement<Vec<Concern>> {
    let mut judged = Judgement::new(Vec::new());
    for id in past.findings(chains) {
        let one = concern(chains, past, id, least, now);
        judged = judged.because_all(one.reasons).until(one.valid_until);
        judged.value.extend(one.value);
    }
    judged.value.sort_by_key(|concern: &Concern| (std::cmp::Reverse(concern.band), concern.id));
    judged
}

/// Whether one finding is of concern: bad enough, and nobody decided that it is none. An acceptance that has run out
/// counts no more, and "fixed" not against code that is seen to run after it.
pub fn concern(
    chains: &Chains,
    past: &History,
    id: FindingId,
    least: Band,
    now: Timestamp,
) -> Judgement<Option<Concern>> {
    let Some((scan, place)) = chains.findings().places(id).last().copied() else { return Judgement::new(None) };
    let (Some(finding), Some(judged)) = (chains.finding(scan, place), band(chains, scan, place, now)) else {
        return Judgement::new(None);
    };
    let of = judged.value.0;
    let none = judged.clone().map(|_| None);
    if of < least || finding.suppressed(now) {
        let ends = finding.suppressions.iter().flatten().filter_map(|one| one.until).filter(|until| now < *until);
        let first = ends.min();
        return Judgement { reasons: Vec::new(), ..none }.until(first);
    }
    let open = judged.map(|_| Some(Concern { id, band: of }));
    match chains.triage().last(id) {
        Some(decision) => decided((chains, past), id, decision, (open, none), now),
        None => open,
    }
}

type Judged = Judgement<Option<Concern>>;

/// What a decision makes of a finding that is bad enough.
fn decided(
    (chains, past): (&Chains, &History),
    id: FindingId,
    decision: &Decision,
    (open, none): (Judged, Judged),
    now: Timestamp,
) -> Judged {
    if !decision.counts(now) {
        let text = format!(
            "the decision of {} ({}) has run out: the finding is open again",
            decision.author,
            decision.state.word()
        );
        return open.because(text);
    }
    let open = open.until(decision.until);
    match decision.state {
        TriageState::Open | TriageState::Acknowledged => open,
        TriageState::Accepted | TriageState::FalsePositive => none.until(decision.until),
        TriageState::Fixed => {
            let later = |end: End| match end {
                End::Ended(at) | End::LastSeen(at) => decision.at < at,
                End::Open => true,
            };
            if past.exposures(chains, id).iter().any(|one| one.program.is_some() && later(one.to)) {
                let text = format!("{} said that it is fixed, and code with it ran after that", decision.author);
                return open.because(text);
            }
            none.until(decision.until)
        }
    }
}
