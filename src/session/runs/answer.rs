//! What a person says to the step that a run is at, as what happened in it.

use super::Session;
use crate::plan::Refusal;
use crate::runbook::history::{Agreed, Body, End, RunId, StepAt, leader};
use crate::runbook::turn::{Ask, Offer, Turn};
use crate::runbook::words::Values;
use crate::text;

/// What is answered to the step that a run is at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// What came of it, what is chosen, or how something is known.
    Text(String),
    /// It is tried again.
    Again,
    /// It is skipped, and why.
    Skip(String),
    /// Nobody else is there to approve, and why it goes on all the same.
    BreakGlass(String),
}

impl Session {
    /// Writes down what a person answered to the step that a run is at.
    ///
    /// # Errors
    /// When that step asks for something else by now, or the answer is none to it: which, and why.
    pub fn answer_run(&mut self, id: &RunId, at: &StepAt, answer: Answer) -> Result<(), String> {
        if self.engine().is_none() {
            return Err(self.no_hands_for_a_run());
        }
        let turn = self.run_turn(id).ok_or_else(|| self.not_now(id))?;
        let body = match (turn, answer) {
            (Turn::Ask(here, ask), answer) if here == *at => body(self.who(), at, &ask, answer)?,
            (Turn::Plan(here, _) | Turn::Wait { at: here, .. }, Answer::Skip(reason)) if here == *at => {
                Body::Skipped { at: here, reason, who: self.who() }
            }
            (Turn::Plan(here, _), _) if here == *at => {
                return Err(format!("{at} is answered by its plan: confirm it, or skip the step with a reason"));
            }
            _ => return Err(format!("run {id} is not at {at} any more, or asks nothing there")),
        };
        self.note(id, body);
        Ok(())
    }

    /// Notes something in a run.
    ///
    /// # Errors
    /// When it is over or not led here, or another entry is being written.
    pub fn note_in_run(&mut self, id: &RunId, note: String) -> Result<(), String> {
        let who = self.who();
        self.say_in_run(id, Body::Noted { note, who })
    }

    /// Ends a run before its time.
    ///
    /// # Errors
    /// When it is over or not led here, or another entry is being written; while an operation of it runs.
    pub fn stop_run(&mut self, id: &RunId, reason: String) -> Result<(), String> {
        if let Some(Turn::Follow(at, operation)) = self.run_turn(id)
            && self.running(&operation)
        {
            return Err(format!("operation {operation} of {at} runs; stop that first, or wait for its end"));
        }
        let end = End::Stopped { who: self.who(), reason };
        self.say_in_run(id, Body::Closed { end })
    }

    fn say_in_run(&mut self, id: &RunId, body: Body) -> Result<(), String> {
        if self.engine().is_none() {
            return Err(self.no_hands_for_a_run());
        }
        if let Some(over) = self.run_over(id) {
            return Err(over);
        }
        if self.runs.tracked.get(id).is_none_or(|tracked| tracked.hold.is_none()) {
            return Err(self.not_now(id));
        }
        self.note(id, body);
        Ok(())
    }

    /// That a run which was taken in here has ended: how, when, and by whom. Nothing is written in it any more.
    pub fn run_over(&self, id: &RunId) -> Option<String> {
        let entries = &self.runs.tracked.get(id)?.entries;
        let (at, end) = entries.iter().rev().find_map(|entry| match &entry.body {
            Body::Closed { end } => Some((entry.at, end)),
            _ => None,
        })?;
        let at = at.strftime("%Y-%m-%d %H:%M:%SZ");
        Some(match end {
            End::Done => {
                let led = text::sanitize(leader(entries).unwrap_or_default());
                format!("run {id} is over: done on {at}, led by {led}")
            }
            End::Stopped { who, reason } => {
                let (who, reason) = (text::sanitize(who), text::sanitize(reason));
                format!("run {id} is over: stopped on {at} by {who}: {reason}")
            }
        })
    }

    /// Why nothing can be said in a run now.
    pub(super) fn not_now(&self, id: &RunId) -> String {
        match self.runs.tracked.get(id).map(|tracked| &tracked.trouble) {
            Some(None) => format!("something of run {id} is being written; try again in a moment"),
            Some(Some(why)) => format!("run {id} cannot go on here: {why}"),
            None => format!("run {id} is not led here; resume it first"),
        }
    }

    /// Writes down that the plan of a step was refused: the step failed, and is tried again or skipped.
    pub fn not_planned_in_run(&mut self, id: &RunId, at: &StepAt, refusal: &Refusal) {
        self.plan_failed(id, at, format!("{refusal}; what would clear it: {}", refusal.clear));
    }

    /// The same of a plan that the API server would refuse.
    pub fn refused_in_run(&mut self, id: &RunId, at: &StepAt, why: &str) {
        self.plan_failed(id, at, format!("the API server would refuse the plan: {why}"));
    }

    /// Somebody may have gone on meanwhile; then the plan was of nothing.
    fn plan_failed(&mut self, id: &RunId, at: &StepAt, why: String) {
        if matches!(self.run_turn(id), Some(Turn::Plan(here, _)) if here == *at) {
            self.note(id, Body::Failed { at: at.clone(), why, ran: None });
        }
    }
}

/// What was answered, as what happened.
fn body(who: String, at: &StepAt, ask: &Ask, answer: Answer) -> Result<Body, String> {
    let at = at.clone();
    match (answer, ask) {
        (Answer::Skip(reason), _) => Ok(Body::Skipped { at, reason, who }),
        (Answer::Again, Ask::Failed(..)) => Ok(Body::Again { at, who }),
        (Answer::Again, _) => Err(format!("{at} has not failed: there is nothing to try again")),
        (Answer::BreakGlass(reason), Ask::Approve(_)) => {
            Ok(Body::Approved { at, who, agreed: Agreed::BreakGlass { reason } })
        }
        (Answer::BreakGlass(_), _) => Err(format!("{at} asks for no approval")),
        (Answer::Text(note), Ask::Do(_)) => Ok(Body::Done { at, seen: note, values: Values::new(), who: Some(who) }),
        (Answer::Text(answer), Ask::Attest(_)) => Ok(Body::Answered { at, answer, who }),
        (Answer::Text(value), Ask::Choose(offers)) => match chosen(offers, &value) {
            Ok(offer) => {
                let values = [(at.step.clone(), offer.value.clone())].into();
                let seen = format!("chose {} of {}: {}", offer.value, offers.len(), offer.told);
                Ok(Body::Done { at, seen, values, who: Some(who) })
            }
            Err(why) => Err(format!("{at}: {why}")),
        },
        (Answer::Text(_), Ask::Approve(_)) => Err(format!("{at} is approved by a second person, not by a text")),
        (Answer::Text(_), Ask::Failed(..)) => {
            Err(format!("{at} failed: try it again (--retry), skip it (--skip REASON), or end the run"))
        }
    }
}

/// So many of what there is to choose are listed to whoever chose something else.
const LISTED: usize = 5;

/// What was chosen: by its value, its number in the list, or its name without the namespace where only one has it.
fn chosen<'a>(offers: &'a [Offer], answer: &str) -> Result<&'a Offer, String> {
    let answer = answer.trim();
    let by_number = || answer.parse::<usize>().ok().and_then(|number| offers.get(number.checked_sub(1)?));
    if let Some(offer) = offers.iter().find(|offer| offer.value == answer).or_else(by_number) {
        return Ok(offer);
    }
    let named = |offer: &&Offer| offer.value.rsplit_once('/').is_some_and(|(_, name)| name == answer);
    let same: Vec<&Offer> = offers.iter().filter(named).collect();
    let shown = text::sanitize(answer);
    match same.as_slice() {
        [offer] => Ok(offer),
        [] => Err(format!("\"{shown}\" is not among what there is to choose ({})", listed(offers, |_| true))),
        _ => Err(format!("\"{shown}\" is the name of several ({}); say which", listed(offers, |offer| named(&offer)))),
    }
}

/// The first of what there is to choose, by number and value.
fn listed(offers: &[Offer], which: impl Fn(&Offer) -> bool) -> String {
    let all: Vec<_> = offers.iter().enumerate().filter(|(_, offer)| which(offer)).collect();
    let line = |(place, offer): &(usize, &Offer)| format!("{}: {}", place + 1, text::sanitize(&offer.value));
    let some = all.iter().take(LISTED).map(line).collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(LISTED) {
        0 => some,
        more => format!("{some} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn offers(values: &[&str]) -> Vec<Offer> {
        let offer = |value: &&str| Offer {
            value: (*value).to_owned(),
            says: String::new(),
            told: String::new(),
            recommended: false,
        };
        values.iter().map(offer).collect()
    }

    #[rstest]
    #[case::value("shop/nightly", "shop/nightly")]
    #[case::number("2", "shop/weekly")]
    #[case::bare_name(" weekly ", "shop/weekly")]
    #[case::value_before_number("1", "1")]
    #[case::no_namespace("sqli", "sqli")]
    fn a_choice_is_made_by_value_number_or_bare_name(#[case] answer: &str, #[case] value: &str) {
        let offers = offers(&["shop/nightly", "shop/weekly", "1", "sqli", "blog/nightly"]);
        assert_eq!(chosen(&offers, answer).map(|offer| offer.value.as_str()), Ok(value));
    }

    #[rstest]
    #[case::too_far("8", "8")]
    #[case::before_the_first("0", "0")]
    #[case::part_of_a_name("nightl", "nightl")]
    #[case::not_to_be_drawn("\u{1b}[2J", "␛[2J")]
    fn what_is_no_choice_is_told_what_there_is(#[case] answer: &str, #[case] shown: &str) {
        let offers = offers(&["a/nightly", "b/nightly", "a/1", "a/2", "a/3", "a/4", "a/5"]);
        let first = "1: a/nightly, 2: b/nightly, 3: a/1, 4: a/2, 5: a/3 and 2 more";
        let said = format!("\"{shown}\" is not among what there is to choose ({first})");
        assert_eq!(chosen(&offers, answer).map(|offer| offer.value.as_str()), Err(said));
        let said = "\"nightly\" is the name of several (1: a/nightly, 2: b/nightly); say which".to_owned();
        assert_eq!(chosen(&offers, "nightly").map(|offer| offer.value.as_str()), Err(said));
    }
}
