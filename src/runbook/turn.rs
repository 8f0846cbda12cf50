//! What comes next in a run, and whose turn it is: the console's, a person's, or nobody's but time's.
//!
//! Pure. From the book, what happened, and what is seen now; nothing is remembered beside the history, so whoever goes
//! on, on whatever machine, is told the same. What cannot be judged is never taken for done.

mod look;
mod request;

use jiff::{SignedDuration, Timestamp};

use super::Next;
use super::book::{Among, Book, Check, Choose, Collect, Each, PlanStep, Step, Task};
use super::history::{Body, End, Run, Stand, StepAt};
use super::words::{Place, Values, Words};
use crate::model::World;
use crate::plan::{Defaults, OperationId, Request, Verb};
use crate::text;

pub use look::{Looked, Seen, Sight, Spotted};
pub use request::resolve;

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nobody has to be asked: this happened.
    Note(Box<Body>),
    /// This can be planned now, and needs a person's word.
    Plan(StepAt, Box<Request>),
    /// An operation of it runs, or was interrupted.
    Follow(StepAt, OperationId),
    /// Evidence is collected now.
    Collect(StepAt, Collect, String),
    /// Nothing can be done but wait.
    Wait {
        /// The step.
        at: StepAt,
        /// For what.
        what: String,
        /// When it fails.
        until: Option<Timestamp>,
    },
    /// A person has to do or say something.
    Ask(StepAt, Ask),
    /// It has ended.
    Over(End),
}

/// What a person is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// To do this, and to say what came of it.
    Do(String),
    /// To choose one of these; those that are recommended come first.
    Choose(Vec<Offer>),
    /// A second person, to agree to this.
    Approve(String),
    /// Whether it is tried again, skipped or ended: it failed, and why; then what the book says to do.
    Failed(String, String),
    /// To answer what a procedure asks.
    Attest(String),
}

/// One row to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What stands for it.
    pub value: String,
    /// What it is.
    pub says: String,
    /// What it is, for whoever reads it later.
    pub told: String,
    /// Whether the book prefers it.
    pub recommended: bool,
}

/// What a turn is judged by.
pub struct Facts<'a, S: Sight> {
    /// The cluster.
    pub world: &'a World,
    /// Its lists.
    pub sight: &'a S,
    /// What verbs begin with.
    pub defaults: &'a Defaults,
    /// Now.
    pub now: Timestamp,
}

/// A step with the values that it sees.
struct Here<'a> {
    step: &'a Step,
    at: StepAt,
    values: Values,
}

/// What comes next in a run.
pub fn turn<S: Sight>(book: &Book, run: &Run, facts: &Facts<'_, S>) -> Turn {
    if let Some(end) = &run.end {
        return Turn::Over(end.clone());
    }
    match current(book, run) {
        Some(here) => here.turn(run, facts),
        None => Turn::Note(Box::new(Body::Closed { end: End::Done })),
    }
}

/// The first step that is not settled.
fn current<'a>(book: &'a Book, run: &Run) -> Option<Here<'a>> {
    for step in &book.steps {
        let at = StepAt::new(&step.id);
        if run.stand(&at).settled() {
            continue;
        }
        let inner = match &step.task {
            Task::Each(each) => inside(each, step, run),
            _ => None,
        };
        return Some(inner.unwrap_or_else(|| Here { step, values: run.values.clone(), at }));
    }
    None
}

/// The first step of a loop's rows that is not settled.
fn inside<'a>(each: &'a Each, around: &Step, run: &Run) -> Option<Here<'a>> {
    let rows = run.rows.get(&around.id)?;
    rows.iter().find_map(|row| {
        each.steps.iter().find_map(|step| {
            let at = StepAt { step: step.id.clone(), row: Some(row.clone()) };
            let open = !run.stand(&at).settled();
            open.then(|| Here { step, values: run.values_at(&at, Some(&each.named)), at })
        })
    })
}

/// Where a run is: the step, how it stands, and its values. `None` when nothing is left.
pub fn place<'a>(book: &'a Book, run: &Run) -> Option<(&'a Step, StepAt, Values)> {
    current(book, run).map(|here| (here.step, here.at, here.values))
}

impl Here<'_> {
    fn turn<S: Sight>(&self, run: &Run, facts: &Facts<'_, S>) -> Turn {
        match run.stand(&self.at) {
            Stand::Failed(why) => {
                Turn::Ask(self.at.clone(), Ask::Failed(why.clone(), self.step.fails.said(&self.values)))
            }
            Stand::Operating(operation) => Turn::Follow(self.at.clone(), operation.clone()),
            Stand::Ahead => self.reach(facts),
            Stand::Reached(since) => self.task(*since, run, facts),
            // Those that are settled are not where a run is.
            Stand::Done(_) | Stand::NotForNow(_) | Stand::Skipped(..) => note(Body::Reached { at: self.at() }),
        }
    }

    /// Begins, unless it is not for now.
    fn reach<S: Sight>(&self, facts: &Facts<'_, S>) -> Turn {
        let Some(when) = &self.step.when else { return note(Body::Reached { at: self.at() }) };
        match self.look(when, facts) {
            Ok((looked, _)) if when.expect.met(looked.count) => note(Body::Reached { at: self.at() }),
            Ok((looked, filter)) => {
                let seen = said(when, &filter, &looked);
                note(Body::NotForNow { at: self.at(), seen })
            }
            Err(Looked::Unseen(why)) => self.wait(why, None),
            Err(Looked::Wrong(why)) => self.failed(why),
        }
    }

    fn task<S: Sight>(&self, since: Timestamp, run: &Run, facts: &Facts<'_, S>) -> Turn {
        match &self.step.task {
            Task::Check(check) => self.check(check, facts),
            Task::Wait(check, within) => {
                let within = SignedDuration::try_from(*within).unwrap_or(SignedDuration::MAX);
                self.wait_for(check, since.checked_add(within).unwrap_or(Timestamp::MAX), facts)
            }
            Task::Manual(words) => self.ask(Ask::Do(words.said(&self.values))),
            Task::Approve(words) => self.ask(Ask::Approve(words.said(&self.values))),
            Task::Plan(plan) => self.plan(plan, run, facts),
            Task::Collect(collect) => match collect.of.filled(&self.values) {
                Ok(of) => Turn::Collect(self.at(), collect.clone(), of),
                Err(place) => self.failed(unknown(&place)),
            },
            Task::Choose(choose) => self.choose(choose, facts),
            Task::Each(each) => self.each(each, run, facts),
        }
    }

    fn check<S: Sight>(&self, check: &Check, facts: &Facts<'_, S>) -> Turn {
        match self.look(check, facts) {
            Ok((looked, filter)) => {
                let seen = said(check, &filter, &looked);
                if check.expect.met(looked.count) { self.done(seen, Values::new()) } else { self.failed(seen) }
            }
            Err(Looked::Unseen(why)) => self.wait(why, None),
            Err(Looked::Wrong(why)) => self.failed(why),
        }
    }

    fn wait_for<S: Sight>(&self, check: &Check, until: Timestamp, facts: &Facts<'_, S>) -> Turn {
        let late = |seen: String| self.failed(format!("it took longer than it may: {seen}"));
        match self.look(check, facts) {
            Ok((looked, filter)) => {
                let seen = said(check, &filter, &looked);
                match check.expect.met(looked.count) {
                    true => self.done(seen, Values::new()),
                    false if facts.now >= until => late(seen),
                    false => self.wait(seen, Some(until)),
                }
            }
            Err(Looked::Unseen(why)) if facts.now >= until => late(why),
            Err(Looked::Unseen(why)) => self.wait(why, Some(until)),
            Err(Looked::Wrong(why)) => self.failed(why),
        }
    }

    fn plan<S: Sight>(&self, plan: &PlanStep, run: &Run, facts: &Facts<'_, S>) -> Turn {
        let answer = run.answers.get(&self.at).map(String::as_str);
        let made = request::request(plan, &self.values, (facts.world, facts.defaults), answer, facts.now);
        match made {
            Ok(Next::Plan(request)) => Turn::Plan(self.at(), request),
            Ok(Next::Wait { what, until }) => self.wait(what.join("; "), until),
            Ok(Next::Ask { what, about }) => {
                let about = if about.is_empty() { String::new() } else { format!(": {}", about.join("; ")) };
                self.ask(Ask::Attest(format!("{what}{about}")))
            }
            Ok(Next::Done(seen)) => self.done(seen, Values::new()),
            Ok(Next::Refused { why, clear }) => self.failed(format!("{why}; what would clear it: {clear}")),
            Err(Looked::Unseen(why)) => self.wait(why, None),
            Err(Looked::Wrong(why)) => self.failed(why),
        }
    }

    fn choose<S: Sight>(&self, choose: &Choose, facts: &Facts<'_, S>) -> Turn {
        let preferred = match &choose.prefer {
            Some(prefer) => match self.rows(choose.among, prefer, facts) {
                Ok((looked, _)) => looked.rows.into_iter().map(|row| row.path).collect(),
                Err(Looked::Unseen(why)) => return self.wait(why, None),
                Err(Looked::Wrong(why)) => return self.failed(why),
            },
            None => Vec::new(),
        };
        match self.rows(choose.among, &choose.filter, facts) {
            Ok((looked, filter)) if looked.rows.is_empty() => {
                self.failed(format!("there is nothing to choose: none of the {} match {filter}", choose.among.word()))
            }
            Ok((looked, _)) => self.ask(Ask::Choose(offers(looked.rows, &preferred))),
            Err(Looked::Unseen(why)) => self.wait(why, None),
            Err(Looked::Wrong(why)) => self.failed(why),
        }
    }

    fn each<S: Sight>(&self, each: &Each, run: &Run, facts: &Facts<'_, S>) -> Turn {
        if let Some(rows) = run.rows.get(&self.step.id) {
            // All of them are settled, else one of them would be where the run is.
            return self.done(format!("done for {}", text::plural(rows.len(), "row", "rows")), Values::new());
        }
        match self.rows(each.among, &each.filter, facts) {
            Ok((looked, filter)) if looked.count > looked.rows.len() => {
                self.failed(format!("{} rows match {filter}, more than a loop goes over", looked.count))
            }
            Ok((looked, _)) => {
                let rows = looked.rows.into_iter().map(|row| row.path).collect();
                note(Body::Rows { at: self.at(), rows })
            }
            Err(Looked::Unseen(why)) => self.wait(why, None),
            Err(Looked::Wrong(why)) => self.failed(why),
        }
    }

    fn look<S: Sight>(&self, check: &Check, facts: &Facts<'_, S>) -> Result<(Seen, String), Looked> {
        self.rows(check.among, &check.filter, facts)
    }

    fn rows<S: Sight>(&self, among: Among, filter: &Words, facts: &Facts<'_, S>) -> Result<(Seen, String), Looked> {
        let filter = filter.filter(&self.values).map_err(|place| Looked::Wrong(unknown(&place)))?;
        facts.sight.look(among, &filter).map(|seen| (seen, filter))
    }

    fn at(&self) -> StepAt {
        self.at.clone()
    }

    fn done(&self, seen: String, values: Values) -> Turn {
        note(Body::Done { at: self.at(), seen, values, who: None })
    }

    fn failed(&self, why: String) -> Turn {
        note(Body::Failed { at: self.at(), why, ran: None })
    }

    fn wait(&self, what: String, until: Option<Timestamp>) -> Turn {
        Turn::Wait { at: self.at(), what, until }
    }

    fn ask(&self, ask: Ask) -> Turn {
        Turn::Ask(self.at(), ask)
    }
}

fn note(body: Body) -> Turn {
    Turn::Note(Box::new(body))
}

fn unknown(place: &Place) -> String {
    format!(
        "the value of {{{{{}}}}} is not known: the step that gives it was skipped, was not for now, or gave none",
        place.said()
    )
}

/// What was looked for and what was seen, in a sentence.
fn said(check: &Check, filter: &str, looked: &Seen) -> String {
    let (word, wanted) = (check.among.word(), check.expect.said());
    let some: Vec<_> = looked.rows.iter().take(3).map(|row| text::sanitize(&row.path).into_owned()).collect();
    let names = match (some.is_empty(), looked.count > some.len()) {
        (true, _) => String::new(),
        (false, false) => format!(" ({})", some.join(", ")),
        (false, true) => format!(" ({}, …)", some.join(", ")),
    };
    format!("{} of the {word} match {}{names}; expected {wanted}", looked.count, text::sanitize(filter))
}

fn offers(rows: Vec<Spotted>, preferred: &[String]) -> Vec<Offer> {
    let offer = |row: Spotted| Offer {
        recommended: preferred.contains(&row.path),
        value: row.path,
        says: row.says,
        told: row.told,
    };
    let (mut first, rest): (Vec<Offer>, Vec<Offer>) = rows.into_iter().map(offer).partition(|offer| offer.recommended);
    first.extend(rest);
    first
}

/// Whether a verb takes several plans, one after the other.
pub const fn by_phases(verb: Verb) -> bool {
    matches!(verb, Verb::RotateCa)
}

#[cfg(test)]
mod tests;
