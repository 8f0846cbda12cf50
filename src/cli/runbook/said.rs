//! What happens in a run, in lines of text.

use crate::journal::Entry;
use crate::runbook::history::{Body, RunId, StepAt};
use crate::runbook::turn::{Ask, Turn};
use crate::text;
use crate::view::happened;

/// One entry, with its time.
pub(super) fn entry(entry: &Entry<Body>) -> String {
    let at = entry.at.strftime("%H:%M:%SZ");
    format!("{at}  {}", happened(&entry.body).1)
}

/// What a person is asked.
pub(super) fn question(ask: &Ask) -> Vec<String> {
    let clean = |text: &str| text.lines().map(|line| format!("  {}", text::sanitize(line))).collect::<Vec<_>>();
    match ask {
        Ask::Do(what) | Ask::Attest(what) => clean(what),
        Ask::Approve(what) => [vec!["  a second person has to agree:".to_owned()], clean(what)].concat(),
        Ask::Choose(offers) => {
            let line = |(place, offer): (usize, &crate::runbook::turn::Offer)| {
                let mark = if offer.recommended { "  (recommended)" } else { "" };
                format!("  {}  {}  {}{mark}", place + 1, text::sanitize(&offer.value), offer.says)
            };
            offers.iter().enumerate().map(line).collect()
        }
        Ask::Failed(why, fails) => {
            [vec![format!("  failed: {}", text::sanitize(why))], vec!["  what to do:".to_owned()], clean(fails)]
                .concat()
        }
    }
}

/// For whom a run waits, and the command that answers it.
pub(super) fn waiting(id: &RunId, turn: &Turn) -> String {
    let resume = format!("holdfast runbook resume {id}");
    let for_a_person =
        |at: &StepAt, flag: &str| format!("run {id} waits at {at} for a person; `{resume} {flag}` goes on");
    match turn {
        Turn::Plan(at, _) => for_a_person(at, "--yes"),
        Turn::Ask(at, Ask::Do(_)) => for_a_person(at, "--note TEXT"),
        Turn::Ask(at, Ask::Choose(_)) => for_a_person(at, "--choose ROW"),
        Turn::Ask(at, Ask::Attest(_)) => for_a_person(at, "--attest TEXT"),
        Turn::Ask(at, Ask::Failed(..)) => {
            format!("run {id} waits at {at}, which failed; `{resume}` with --retry or --skip REASON goes on")
        }
        Turn::Ask(at, Ask::Approve(_)) => format!(
            "run {id} waits at {at} for a second person; somebody else approves with \
             `holdfast runbook approve {id} {}`, then `{resume}` goes on",
            at.step
        ),
        _ => format!("`{resume}` goes on"),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::manual(Ask::Do(String::new()), "at look for a person; `holdfast runbook resume r --note TEXT` goes on")]
    #[case::choice(Ask::Choose(vec![]), "at look for a person; `holdfast runbook resume r --choose ROW` goes on")]
    #[case::question(
        Ask::Attest(String::new()),
        "at look for a person; `holdfast runbook resume r --attest TEXT` goes on"
    )]
    #[case::failure(
        Ask::Failed(String::new(), String::new()),
        "at look, which failed; `holdfast runbook resume r` with --retry or --skip REASON goes on"
    )]
    #[case::approval(
        Ask::Approve(String::new()),
        "at look for a second person; somebody else approves with `holdfast runbook approve r look`, then `holdfast \
         runbook resume r` goes on"
    )]
    fn what_a_run_waits_for_names_what_answers_it(#[case] ask: Ask, #[case] said: &str) {
        let turn = Turn::Ask(StepAt::new("look"), ask);
        assert_eq!(waiting(&RunId::parse("r").unwrap(), &turn), format!("run r waits {said}"));
    }
}
