//! Runs of runbooks that need a person: one that is asked, one whose step failed, one that nobody goes on with.

use jiff::{SignedDuration, Timestamp};

use super::Problem;
use crate::model::Key;
use crate::view::{Level, RunState, RunView, Whom};

/// So long a run may be led elsewhere without anything that happens in it.
const QUIET: SignedDuration = SignedDuration::from_hours(1);

/// A run that somebody has to do something about.
pub(super) fn run(run: &RunView, now: Timestamp) -> Option<Problem> {
    let (state, next) = needed(run, now)?;
    Some(Problem {
        key: Key::Run(run.id.as_str().into()),
        level: if run.state == RunState::Failed { Level::Critical } else { Level::Warn },
        title: format!("Run of {} ({})", run.name, run.id).into(),
        object: None,
        state,
        reason: reason(run).into(),
        next: next.into(),
        since: Some(run.last),
        weight: 0,
        remedy: None,
    })
}

/// Why nobody can go on with it; that somebody else does is no hindrance.
fn hindered(run: &RunView) -> Option<&str> {
    run.trouble.as_deref().filter(|_| run.elsewhere.is_none())
}

/// What hinders it, or where it is.
fn reason(run: &RunView) -> String {
    if let Some(why) = hindered(run) {
        return why.to_owned();
    }
    let Some((at, step)) = run.here().and_then(|at| Some((at, run.steps.get(at)?))) else { return run.title.clone() };
    let at = format!("step {} of {}: {}", at + 1, run.steps.len(), step.title);
    match step.note.as_ref().filter(|_| run.state == RunState::Failed) {
        Some(why) => format!("{why} ({at})"),
        None => at,
    }
}

/// What it needs, in a word, and what to do.
fn needed(run: &RunView, now: Timestamp) -> Option<(&'static str, String)> {
    let id = &run.id;
    let step = run.here().and_then(|at| run.steps.get(at));
    let goes_on = || format!("open it and go on with it, or `holdfast runbook resume {id}`");
    match run.state {
        RunState::Done | RunState::Stopped => None,
        _ if hindered(run).is_some() => Some(("Not led here", goes_on())),
        RunState::Failed => {
            let mends = step.map_or_else(String::new, |step| format!("{} ", step.fails));
            let again = "try the step again, or skip it with a reason";
            let here = format!("go on with it here and {again}; or `holdfast runbook resume {id} --retry`");
            Some((RunState::Failed.word(), format!("{mends}Then {}", if run.led { again } else { &here })))
        }
        RunState::Asking => Some((RunState::Asking.word(), "open it: it says what is asked, and the key".to_owned())),
        RunState::Idle => match (run.waits, step) {
            (Some(Whom::Second), Some(step)) => {
                let command = format!("holdfast runbook approve {id} {}", step.at.step);
                Some(("Not approved", format!("a second person, not {}, agrees to it: `{command}`", run.who)))
            }
            _ => (now.duration_since(run.last) > QUIET).then(|| ("Left open", goes_on())),
        },
        RunState::Running => None,
    }
}
