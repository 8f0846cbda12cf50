//! What is said to a step of a run, as a form of one field.

use crate::plan::{Choice, Field, FieldKind, FormSpec, backup};
use crate::runbook::history::{RunId, StepAt};
use crate::runbook::turn::{Ask, Offer};
use crate::text;

/// What is said to a step of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// The answer to what it asks.
    Answer(Ask),
    /// Why it is skipped.
    Skip,
    /// Why it goes on without a second person.
    BreakGlass,
    /// The id of the run, which proves that it is meant.
    Approve,
    /// Why the run is ended.
    Stop,
    /// A note.
    Note,
    /// Whether it goes on with the book as it was when the run began.
    AsBegun,
}

impl Said {
    /// What the answer leads to, in a word.
    pub const fn leads_to(&self) -> &'static str {
        match self {
            Self::Answer(_) => "answer",
            Self::Skip => "skip",
            Self::BreakGlass => "go on alone",
            Self::Approve => "approve",
            Self::Stop => "end the run",
            Self::Note => "note",
            Self::AsBegun => "go on",
        }
    }

    /// The form that asks for it.
    pub fn form(&self, at: &StepAt) -> FormSpec {
        let about_run = matches!(self, Self::Stop | Self::Note | Self::AsBegun);
        let title = if about_run { "the run".to_owned() } else { at.to_string() };
        FormSpec { title, fields: vec![self.field()] }
    }

    fn field(&self) -> Field {
        let line =
            |label| Field::new("said", label, FieldKind::Text).checked(|answer| backup::reason(answer).map(drop));
        match self {
            Self::Answer(Ask::Choose(offers)) => Field::new("said", "Which one", choices(offers))
                .says("What is chosen stands for this step from then on.")
                .begins(offers.iter().find(|offer| offer.recommended).map(|offer| offer.value.clone())),
            Self::Answer(Ask::Attest(what)) => line("How it is known").says(what),
            Self::Answer(_) => {
                line("What came of it").says("It is kept in the run with your name, and told in its timeline.")
            }
            Self::Skip => line("Reason").says("Why the step is not done. It is kept in the run with your name."),
            Self::BreakGlass => line("Reason").says(
                "Why nobody else could agree. It is kept in the run with your name, and told wherever the run is.",
            ),
            Self::Approve => line("Id of the run")
                .says("Type it to agree under your own name. What you agree to stands on the page of the run."),
            Self::Stop => line("Reason").says("Why it ends here. A run that ended is not gone on with: begin another."),
            Self::Note => line("Note").says("It is kept in the run with the time and your name."),
            Self::AsBegun => Field::new("said", "As it began", FieldKind::YesNo)
                .says(
                    "The runbook was edited since the run began. A run goes on with the book that it began with, or \
                     not.",
                )
                .begins(false),
        }
    }

    /// The command that says the same.
    pub fn command(&self, run: &RunId, at: &StepAt, text: &str) -> String {
        let said = match self {
            Self::Answer(Ask::Choose(_)) => format!("--choose={text}"),
            Self::Answer(Ask::Attest(_)) => format!("--attest={text}"),
            Self::Answer(_) => format!("--note={text}"),
            Self::Skip => format!("--skip={text}"),
            Self::BreakGlass => format!("--break-glass={text}"),
            Self::AsBegun => "--as-begun".to_owned(),
            Self::Approve => at.step.clone(),
            Self::Stop => format!("--reason={text}"),
            Self::Note => text.to_owned(),
        };
        let verb = match self {
            Self::Note => "note",
            Self::Stop => "stop",
            Self::Approve => "approve",
            _ => "resume",
        };
        text::command_line(&["holdfast".to_owned(), "runbook".to_owned(), verb.to_owned(), run.to_string(), said])
    }
}

fn choices(offers: &[Offer]) -> FieldKind {
    let choice = |offer: &Offer| {
        let says = if offer.recommended { format!("recommended · {}", offer.says) } else { offer.says.clone() };
        Choice::new(&offer.value, says)
    };
    FieldKind::one_of("row", offers.iter().map(choice))
}
