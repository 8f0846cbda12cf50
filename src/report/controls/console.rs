//! Controls of the people and of the console itself: reviews, operations, the journal.

use jiff::SignedDuration;

use crate::assess::reviews::{self, ReviewState};
use crate::report::case::Look;
use crate::report::evidence::{Evidence, State};
use crate::view::{OperationState, OperationView};

/// A failure counts for so long.
const RECENT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Each topic.
pub fn reviews(look: &Look<'_>) -> Vec<Evidence> {
    let judge = |judged: crate::assess::Judgement<reviews::Reviewed>| {
        let state = match judged.value.state {
            ReviewState::Current | ReviewState::Due => State::Pass,
            ReviewState::Overdue | ReviewState::Never => State::Fail,
            ReviewState::Unknown => State::Unknown,
        };
        let at = judged.value.last.as_ref().map(|last| last.at);
        let mut one = Evidence::judged(state, &format!("review of {}", judged.value.topic), "last review", &judged);
        if let Some(note) = judged.value.last.as_ref().map(|last| &last.note).filter(|note| !note.is_empty()) {
            one.value = format!("{} ({})", one.value, crate::text::sanitize(note)).into();
        }
        one.at(at)
    };
    reviews::reviews(look.world, look.now).into_iter().map(judge).collect()
}

/// Each operation.
pub fn operations(look: &Look<'_>) -> Vec<Evidence> {
    let mut found: Vec<Evidence> = look.inputs.operations.iter().map(|one| operation(look, one)).collect();
    if let Some(why) = look.inputs.unseen {
        let next = "ask for list on configmaps and leases";
        found.push(Evidence::new(State::Unknown, "operations of colleagues", "records", why).to_do(Some(next)));
    }
    found
}

fn operation(look: &Look<'_>, one: &OperationView) -> Evidence {
    let recent = one.ended.or(one.started).is_none_or(|at| look.now.duration_since(at) < RECENT);
    let state = match one.state {
        _ if !one.unclosed.is_empty() && !one.state.active() => State::Fail,
        OperationState::Interrupted => State::Fail,
        OperationState::Failed if recent => State::Fail,
        OperationState::OutcomeUnknown => State::Unknown,
        // Whether it reaches its end is seen when it has.
        OperationState::Running | OperationState::Stopping => State::NotApplicable,
        OperationState::Done | OperationState::Failed => State::Pass,
    };
    let unclosed = one.unclosed.first().map(|unclosed| format!("; not seen released: {}", unclosed.what));
    let why = one.message.as_deref().filter(|_| state != State::Pass).map(|why| format!(": {why}"));
    let value =
        format!("{}, {}{}{}", one.title, one.state.word(), why.unwrap_or_default(), unclosed.unwrap_or_default());
    let next = format!("holdfast operations show {}", one.id);
    let object = format!("operation {}", one.id);
    Evidence::new(state, &object, "outcome", &value).at(one.ended.or(one.started)).to_do(Some(&next))
}

/// The chain of this machine.
pub fn journal(look: &Look<'_>) -> Vec<Evidence> {
    const OBJECT: &str = "journal of this machine";
    let journal = &look.inputs.journal;
    if let Some(why) = &journal.unread {
        return vec![Evidence::new(State::Unknown, OBJECT, "chain", why)];
    }
    let wrong = journal.wrong.iter().map(|what| Evidence::new(State::Fail, OBJECT, "chain", what));
    let mut found: Vec<Evidence> = wrong.collect();
    if let (Some(head), true) = (&journal.head, found.is_empty()) {
        let value = format!("{} lines, the last with hash {head}", journal.lines);
        found.push(Evidence::new(State::Pass, OBJECT, "chain", &value));
    }
    found
}
