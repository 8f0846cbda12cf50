//! How far an operation has come, and what comes next.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Act, Node, Outputs, Plan, Step, StepId};
use crate::text;

/// The most characters of a reason that an annotation keeps.
const MOST_SAID: usize = 500;

/// What is known of one step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StepState {
    /// Not begun.
    #[default]
    Waiting,
    /// Its intent is on disk; it may or may not have taken place.
    Intended,
    /// Done, and made this.
    Done(Outputs),
    /// Failed, and why.
    Failed(String),
}

/// How an operation ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum End {
    /// Every step is done.
    Done,
    /// A step failed; what was owed has been closed.
    Failed {
        /// The step.
        at: StepId,
        /// Why.
        why: String,
    },
    /// Somebody asked it to stop, and it did after a step.
    Stopped,
}

/// How far an operation has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Steps that have begun.
    pub steps: BTreeMap<StepId, StepState>,
    /// Steps that failed before anything was intended, so that nothing was sent for them and nothing is owed.
    pub never_began: BTreeSet<StepId>,
    /// The step that failed first: what fails later follows from it.
    pub first_failure: Option<StepId>,
    /// Whether somebody asked it to stop.
    pub stop_asked: bool,
    /// Set once it has ended.
    pub end: Option<End>,
}

/// What an operation does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next<'a> {
    /// These steps, side by side.
    Steps(Vec<&'a Step>),
    /// Nothing: it ends like this.
    Finish(End),
}

impl Progress {
    /// What is known of a step.
    pub fn state(&self, step: &StepId) -> &StepState {
        self.steps.get(step).unwrap_or(&StepState::Waiting)
    }

    /// What a finished step made.
    pub fn outputs(&self, step: &StepId) -> Option<&Outputs> {
        match self.state(step) {
            StepState::Done(outputs) => Some(outputs),
            StepState::Waiting | StepState::Intended | StepState::Failed(_) => None,
        }
    }

    /// How it came out so far, in words that fit an annotation: `failed at STEP: WHY`, or `stopped`.
    pub fn outcome(&self) -> String {
        let failed = self.first_failure.as_ref().map(|step| (step, self.state(step)));
        match failed {
            Some((step, StepState::Failed(why))) => {
                let why: String = text::sanitize(why).chars().take(MOST_SAID).collect();
                format!("failed at {step}: {why}")
            }
            _ => "stopped".to_owned(),
        }
    }

    /// The first step of the plan that failed: what fails later follows from it.
    fn failure(&self, plan: &Plan) -> Option<(StepId, &str)> {
        plan.steps().into_iter().find_map(|step| match self.state(&step.id) {
            StepState::Failed(why) => Some((step.id.clone(), why.as_str())),
            StepState::Waiting | StepState::Intended | StepState::Done(_) => None,
        })
    }

    /// Closing steps of brackets that were opened and are not seen closed: still owed, or failed for good. A session
    /// is not among them: it ended with the console that held it.
    pub fn unclosed<'a>(&self, plan: &'a Plan) -> Vec<&'a Step> {
        let opened = |(open, _, close): &(&Step, &[Node], &Step)| {
            *self.state(&open.id) != StepState::Waiting
                && !matches!(self.state(&close.id), StepState::Done(_))
                && !matches!(close.act, Act::Say { .. })
        };
        plan.brackets().into_iter().filter(opened).map(|(_, _, close)| close).collect()
    }

    /// What an interruption made meaningless: for each bracket that is open, holds something in a container and whose
    /// body is not complete, its opening step and the step to fail, so that its close comes next. Steps in flight
    /// come first.
    pub fn broken_by_interruption<'a>(&self, plan: &'a Plan) -> Vec<(&'a Step, &'a Step)> {
        let mut broken = Vec::new();
        for (open, body, close) in plan.brackets() {
            if !open.act.holds() || *self.state(&open.id) == StepState::Waiting || self.settled(&close.id) {
                continue;
            }
            let mut inside = vec![open];
            inside.extend(super::node::steps(body));
            inside.retain(|step| !plan.closes(&step.id) && !matches!(self.state(&step.id), StepState::Done(_)));
            if inside.iter().any(|step| matches!(self.state(&step.id), StepState::Failed(_))) {
                continue;
            }
            let in_flight = inside.iter().filter(|step| *self.state(&step.id) == StepState::Intended).copied();
            let in_flight: Vec<&Step> = in_flight.collect();
            let next = if in_flight.is_empty() { inside.into_iter().take(1).collect() } else { in_flight };
            broken.extend(next.into_iter().map(|step| (open, step)));
        }
        broken.dedup_by(|(_, a), (_, b)| a.id == b.id);
        broken
    }

    /// Whether anything may have been sent for a step.
    fn begun(&self, step: &StepId) -> bool {
        *self.state(step) != StepState::Waiting && !self.never_began.contains(step)
    }

    /// What is owed once a plan is given up, in the order in which it runs, the latest first: closing steps of brackets
    /// whose opening was intended, and the undos of reversible steps that were begun and are not settled.
    pub fn owed<'a>(&self, plan: &'a Plan) -> Vec<&'a Step> {
        let mut owed = Vec::new();
        if !self.ready(&plan.nodes).0 {
            self.collect_owed(&plan.nodes, &mut owed);
        }
        owed
    }

    fn collect_owed<'a>(&self, nodes: &'a [Node], owed: &mut Vec<&'a Step>) {
        for node in nodes.iter().rev() {
            match node {
                Node::Whole(nodes) if self.ready(nodes).0 => {}
                Node::All(nodes) | Node::Whole(nodes) => self.collect_owed(nodes, owed),
                Node::Reversible { step, undo } if self.begun(&step.id) => {
                    owed.extend(undo.iter().filter(|step| !self.settled(&step.id)));
                }
                Node::Do(_) | Node::Reversible { .. } => {}
                Node::Bracket { open, body, close, .. } => {
                    // What is inside ends before what is around it, and is settled once the closing has begun.
                    if *self.state(&close.id) == StepState::Waiting {
                        self.collect_owed(body, owed);
                    }
                    if self.begun(&open.id) && !self.settled(&close.id) {
                        owed.push(close);
                    }
                }
            }
        }
    }

    /// The steps that would take back what was begun, the last first, each list from its first step to its last.
    pub fn ways_back<'a>(&self, plan: &'a Plan) -> Vec<&'a Step> {
        let mut found = Vec::new();
        self.collect_ways_back(&plan.nodes, &mut found);
        found.reverse();
        found.into_iter().flatten().collect()
    }

    fn collect_ways_back<'a>(&self, nodes: &'a [Node], found: &mut Vec<Vec<&'a Step>>) {
        for node in nodes {
            match node {
                Node::All(nodes) | Node::Whole(nodes) | Node::Bracket { body: nodes, .. } => {
                    self.collect_ways_back(nodes, found);
                }
                Node::Reversible { step, undo } if self.begun(&step.id) => found.push(undo.iter().collect()),
                Node::Do(_) | Node::Reversible { .. } => {}
            }
        }
    }

    /// What took steps back, and is done.
    pub fn taken_back<'a>(&self, plan: &'a Plan) -> Vec<&'a Step> {
        let undos = plan.undo_steps().into_iter();
        undos.filter(|step| matches!(self.state(&step.id), StepState::Done(_))).collect()
    }

    /// Whether taking back has begun: there is no way on from there, whoever resumes.
    fn turned_back(&self, nodes: &[Node]) -> bool {
        nodes.iter().any(|node| match node {
            Node::Do(_) => false,
            Node::All(nodes) | Node::Whole(nodes) => self.turned_back(nodes),
            Node::Reversible { undo, .. } => undo.iter().any(|step| self.begun(&step.id)),
            Node::Bracket { body, close, .. } => {
                (self.begun(&close.id) && !self.ready(body).0) || self.turned_back(body)
            }
        })
    }

    /// Brackets that are open now: opening step, limit, and the steps of the body.
    pub fn open_brackets<'a>(&self, plan: &'a Plan) -> Vec<(&'a Step, Duration, Vec<&'a Step>)> {
        let mut open_now = Vec::new();
        self.collect_open(&plan.nodes, &mut open_now);
        open_now
    }

    fn collect_open<'a>(&self, nodes: &'a [Node], open_now: &mut Vec<(&'a Step, Duration, Vec<&'a Step>)>) {
        for node in nodes {
            match node {
                Node::Do(_) | Node::Reversible { .. } => {}
                Node::All(nodes) | Node::Whole(nodes) => self.collect_open(nodes, open_now),
                Node::Bracket { open, body, close, limit } => {
                    if *self.state(&open.id) != StepState::Waiting && *self.state(&close.id) == StepState::Waiting {
                        open_now.push((open, *limit, super::node::steps(body)));
                    }
                    self.collect_open(body, open_now);
                }
            }
        }
    }

    pub(super) fn settled(&self, step: &StepId) -> bool {
        matches!(self.state(step), StepState::Done(_) | StepState::Failed(_))
    }

    /// What comes next. After a failure or a stop only what is owed still runs, the latest first.
    pub fn next<'a>(&self, plan: &'a Plan) -> Next<'a> {
        if let Some((at, why)) = self.failure(plan) {
            let end = End::Failed { at, why: why.to_owned() };
            return self.wind_down(plan, end);
        }
        match self.ready(&plan.nodes) {
            (true, _) => Next::Finish(End::Done),
            _ if self.stop_asked || self.turned_back(&plan.nodes) => self.wind_down(plan, End::Stopped),
            (false, steps) => Next::Steps(steps),
        }
    }

    fn wind_down<'a>(&self, plan: &'a Plan, end: End) -> Next<'a> {
        // A write in flight is always observed to its end before anything else is decided. A wait changes nothing, so
        // nothing is missed by not seeing its end.
        let mut in_flight = plan.steps().into_iter().filter(|step| *self.state(&step.id) == StepState::Intended);
        if let Some(step) = in_flight.find(|step| step.act.writes()) {
            return Next::Steps(vec![step]);
        }
        match self.owed(plan).into_iter().next() {
            Some(step) => Next::Steps(vec![step]),
            None => Next::Finish(end),
        }
    }

    /// Whether all nodes are done, and if not, the steps that may run now.
    fn ready<'a>(&self, nodes: &'a [Node]) -> (bool, Vec<&'a Step>) {
        for node in nodes {
            let (done, steps) = self.ready_in(node);
            if !done {
                return (false, steps);
            }
        }
        (true, Vec::new())
    }

    fn ready_in<'a>(&self, node: &'a Node) -> (bool, Vec<&'a Step>) {
        let one = |step: &'a Step| match self.state(&step.id) {
            StepState::Done(_) => None,
            StepState::Waiting | StepState::Intended | StepState::Failed(_) => Some((false, vec![step])),
        };
        match node {
            // What is being taken back is not done any more.
            Node::Reversible { undo, .. } if undo.iter().any(|step| self.begun(&step.id)) => (false, Vec::new()),
            Node::Do(step) | Node::Reversible { step, .. } => one(step).unwrap_or((true, Vec::new())),
            Node::Whole(nodes) => self.ready(nodes),
            Node::All(nodes) => {
                let parts: Vec<_> = nodes.iter().map(|node| self.ready_in(node)).collect();
                let done = parts.iter().all(|(done, _)| *done);
                (done, parts.into_iter().flat_map(|(_, steps)| steps).collect())
            }
            Node::Bracket { open, body, close, .. } => one(open).unwrap_or_else(|| match self.ready(body) {
                (false, steps) => (false, steps),
                (true, _) => one(close).unwrap_or((true, Vec::new())),
            }),
        }
    }
}

#[cfg(test)]
mod tests;
