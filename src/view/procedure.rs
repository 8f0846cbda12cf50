//! How far a procedure has come, in lines: one form for the console and the command line.

use jiff::Timestamp;

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
    /// How many have not converged, be they told or not; none of a gate that is passed.
    pub count: usize,
    /// When time alone opens it.
    pub until: Option<Timestamp>,
}

/// Every gate in order. What comes after the first that is not passed counts for nothing yet.
pub fn gates(standing: &Standing) -> Vec<GateLine> {
    gates_told(standing, TOLD)
}

/// The same, with up to so many of what has not converged.
pub fn gates_told(standing: &Standing, most: usize) -> Vec<GateLine> {
    let here = standing.gates.iter().position(|gate| !gate.passed);
    let line = |(at, gate): (usize, &Gate)| {
        let stage = match here {
            Some(here) if at == here => Stage::Here,
            Some(here) if at > here => Stage::Later,
            _ => Stage::Passed,
        };
        let left = if stage == Stage::Later { Vec::new() } else { told(&gate.left, most) };
        let (count, until) = if stage == Stage::Here { (gate.left.len(), gate.until) } else { (0, None) };
        GateLine { stage, word: gate.phase.word(), says: gate.phase.says(), left, count, until }
    };
    standing.gates.iter().enumerate().map(line).collect()
}

fn told(left: &[String], most: usize) -> Vec<String> {
    let mut told: Vec<String> = left.iter().take(most).cloned().collect();
    if left.len() > most {
        told.push(format!("and {} more", left.len() - most));
    }
    told
}

/// What comes next, in a sentence; safe to draw. `plan` says which plan can be made.
pub fn headline(next: &Next, plan: &str) -> String {
    match next {
        Next::Plan(_) => format!("next: {plan}"),
        Next::Wait { until: Some(until), .. } => format!("next: nothing but time; wait until {until:.0}"),
        Next::Wait { until: None, .. } => "next: wait for what is named; nothing more can be done here".to_owned(),
        Next::Ask { what, .. } => format!("next: an answer for this: {what}"),
        Next::Done(said) => format!("done: {said}"),
        Next::Refused { why, clear } => format!("it cannot go on: {why}; what would clear it: {clear}"),
    }
}

/// The same with what is waited for or asked about, for where no gates stand beside it.
pub fn next(next: &Next, plan: &str) -> Vec<String> {
    let about = match next {
        Next::Wait { what, .. } => told(what, TOLD),
        Next::Ask { about, .. } => told(about, TOLD),
        Next::Plan(_) | Next::Done(_) | Next::Refused { .. } => Vec::new(),
    };
    std::iter::once(headline(next, plan)).chain(about).collect()
}

/// All of it as plain lines, for the command line.
pub fn lines(standing: &Standing, plan: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for gate in gates(standing) {
        lines.push(format!("{} {:<7} {:<8} {}", gate.stage.glyph(), gate.stage.word(), gate.word, gate.says));
        lines.extend(gate.left.iter().map(|left| format!("{:>19} {left}", "")));
    }
    lines.push(headline(&standing.next, plan));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::succession::Phase;

    fn gate(phase: Phase, passed: bool, left: &[&str]) -> Gate {
        Gate { phase, passed, left: left.iter().map(|left| (*left).to_owned()).collect(), until: None }
    }

    #[test]
    fn what_comes_after_the_first_gate_that_is_not_passed_counts_for_nothing() {
        let standing = Standing {
            former: ("shop".into(), "ca".into()),
            successor: None,
            gates: vec![
                gate(Phase::Make, true, &[]),
                gate(Phase::Trust, false, &["ConfigMap shop/trust"]),
                gate(Phase::Switch, true, &["never told"]),
            ],
            next: Next::Wait { what: vec!["ConfigMap shop/trust".into()], until: None },
        };
        let lines = lines(&standing, "");
        assert!(lines[0].starts_with("✓ passed  make"), "{lines:#?}");
        assert!(lines[1].starts_with("▶ here    trust") && lines[2].trim() == "ConfigMap shop/trust", "{lines:#?}");
        assert!(lines[3].starts_with("· later   switch"), "{lines:#?}");
        assert_eq!(lines.len(), 5, "what is left is told once: {lines:#?}");
    }

    #[test]
    fn of_many_only_so_many_are_told_and_the_rest_is_counted() {
        let pods: Vec<String> = (0..40).map(|number| format!("Pod shop/web-{number}")).collect();
        let said = next(&Next::Wait { what: pods, until: None }, "");
        assert_eq!(said.len(), TOLD + 2);
        assert_eq!(said.last().unwrap(), "and 28 more");
    }
}
