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
    /// Why it is passed over.
    PassOver,
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
            Self::PassOver => "pass over",
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
        let field = |label: &'static str, doc: &str, kind| Field {
            id: "said".into(),
            label: label.into(),
            doc: doc.to_owned(),
            kind,
            default: String::new(),
            required: true,
            check: |answer| backup::reason(answer).map(drop),
        };
        match self {
            Self::Answer(Ask::Choose(offers)) => Field {
                default: offers
                    .iter()
                    .find(|offer| offer.recommended)
                    .map(|offer| offer.value.clone())
                    .unwrap_or_default(),
                check: |_| Ok(()),
                ..field("Which one", "What is chosen stands for this step from then on.", choices(offers))
            },
            Self::Answer(Ask::Attest(what)) => field("How it is known", what, FieldKind::Text),
            Self::Answer(_) => field(
                "What came of it",
                "It is kept in the run with your name, and told in its timeline.",
                FieldKind::Text,
            ),
            Self::PassOver => {
                field("Reason", "Why the step is not done. It is kept in the run with your name.", FieldKind::Text)
            }
            Self::BreakGlass => field(
                "Reason",
                "Why nobody else could agree. It is kept in the run with your name, and told wherever the run is.",
                FieldKind::Text,
            ),
            Self::Approve => field(
                "Id of the run",
                "Type it to agree under your own name. What you agree to stands on the page of the run.",
                FieldKind::Text,
            ),
            Self::Stop => field(
                "Reason",
                "Why it ends here. A run that ended is not gone on with: begin another.",
                FieldKind::Text,
            ),
            Self::Note => field("Note", "It is kept in the run with the time and your name.", FieldKind::Text),
            Self::AsBegun => Field {
                default: "no".to_owned(),
                ..field(
                    "As it began",
                    "The runbook was edited since the run began. A run goes on with the book that it began with, or not.",
                    FieldKind::YesNo,
                )
            },
        }
    }

    /// The command that says the same.
    pub fn command(&self, run: &RunId, at: &StepAt, text: &str) -> String {
        let said = match self {
            Self::Answer(Ask::Choose(_)) => format!("--choose={text}"),
            Self::Answer(Ask::Attest(_)) => format!("--attest={text}"),
            Self::Answer(_) => format!("--note={text}"),
            Self::PassOver => format!("--skip={text}"),
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
        Choice { value: offer.value.clone(), says }
    };
    FieldKind::Choice { of: "row", choices: offers.iter().map(choice).collect(), left_out: Vec::new() }
}
