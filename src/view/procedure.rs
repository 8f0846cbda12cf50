//! How far a procedure has come, in lines: one form for the console and the command line.

use crate::assess::succession::Gate;
use crate::runbook::Next;
use crate::runbook::ca::Standing;

/// What has not converged is told up to this many.
const TOLD: usize = 12;

/// Where a gate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It is passed.
    Passed,
    /// It is the one that is not.
    Here,
    /// It comes later: whether it would be passed says nothing yet.
    Later,
}

impl Stage {
    /// Its word; the same stands in every form.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Here => "here",
            Self::Later => "later",
        }
    }

    /// Its glyph.
    pub fn glyph(self) -> char {
        match self {
            Self::Passed => '✓',
            Self::Here => '▶',
            Self::Later => '·',
        }
    }
}

/// One gate, told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateLine {
    /// Where it stands.
    pub stage: Stage,
    /// Its word, as the command line knows it.
    pub word: &'static str,
    /// What holds once it is passed.
    pub says: &'static str,
    /// What has not converged, or who answered for it; safe to draw.
    pub left: Vec<String>,
}

/// Every gate in order. What comes after the first that is not passed counts for nothing yet.
pub fn gates(standing: &Standing) -> Vec<GateLine> {
    let here = standing.gates.iter().position(|gate| !gate.passed);
    let line = |(at, gate): (usize, &Gate)| {
        let stage = match here {
            Some(here) if at == here => Stage::Here,
            Some(here) if at > here => Stage::Later,
            _ => Stage::Passed,
        };
        let left = if stage == Stage::Later { Vec::new() } else { told(&gate.left) };
        GateLine { stage, word: gate.phase.word(), says: gate.phase.says(), left }
    };
    standing.gates.iter().enumerate().map(line).collect()
}

fn told(left: &[String]) -> Vec<String> {
    let mut told: Vec<String> = left.iter().take(TOLD).cloned().collect();
    if left.len() > TOLD {
        told.push(format!("and {} more", left.len() - TOLD));
    }
    told
}

/// What comes next, in sentences; safe to draw. `what` says how a plan is asked for here.
pub fn next(next: &Next, plan: &str) -> Vec<String> {
    match next {
        Next::Plan(_) => vec![format!("next: {plan}")],
        Next::Wait { what, until } => {
            let until = until.map(|until| format!(" until {until}")).unwrap_or_default();
            let mut lines = vec![format!("wait{until}: nothing has to be done here, or it cannot be done here")];
            lines.extend(told(what));
            lines
        }
        Next::Ask { what, about } => {
            let mut lines = vec![format!("somebody has to answer for it: {what}")];
            lines.extend(told(about));
            lines
        }
        Next::Done(said) => vec![format!("done: {said}")],
        Next::Refused { why, clear } => {
            vec![format!("it cannot go on: {why}"), format!("what would clear it: {clear}")]
        }
    }
}

/// All of it as plain lines, for the command line.
pub fn lines(standing: &Standing, plan: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for gate in gates(standing) {
        lines.push(format!("{} {:<7} {:<8} {}", gate.stage.glyph(), gate.stage.word(), gate.word, gate.says));
        lines.extend(gate.left.iter().map(|left| format!("{:>19} {left}", "")));
    }
    lines.extend(next(&standing.next, plan));
    lines
}
