//! What will be done, as data: a plan that people can read and the engine can run, or a refusal.
//!
//! Pure. A verb turns the world and the answers to its questions into a [`Plan`] or a [`Refusal`]; it never
//! touches the cluster. Features add verbs and conditions here and nothing to the engine.

mod act;
mod authority;
pub mod backup;
mod bundle;
pub mod carry;
mod command;
mod condition;
mod content;
pub mod drill;
mod field;
mod fields;
mod fill;
mod form;
mod handshake;
pub mod hold;
pub mod hooks;
pub mod isolate;
mod judge;
pub mod lock;
mod node;
mod ordinal;
mod pins;
mod progress;
pub mod prune;
mod question;
mod reach;
mod read;
pub mod reconcile;
pub mod renew;
mod request;
pub mod restore;
pub mod rights;
mod roll;
pub mod rotate;
pub mod script;
mod serves;
mod set;
pub mod succession;
pub mod swap;
pub mod sweep;
#[cfg(test)]
mod tables;
#[cfg(test)]
pub(crate) mod testing;
pub mod triage;
mod trusted;
mod undo;

pub use act::{
    Act, CERTIFICATE, Check, Expect, Firm, Follow, InPod, OUTCOME, ObjectAt, Output, Outputs, Part, Resource, Slot,
    Target, Teller, Until, from_step,
};
pub use authority::{Agreed, Authority, Confirmed, Mandate, NUMBER, NotConfirmed, Proof, departs};
pub use bundle::{BUNDLE, bundle_bytes, bundle_text, trusted_at};
pub use command::CommandLine;
pub use condition::with_condition;
pub use content::{Content, Held, Like, SignedBy, Trusted};
pub use fill::{maps_added_to, part_of, with_maps};
pub use form::{Choice, Field, FieldKind, Filled, FormSpec, Written, labels};
pub use handshake::{NotShaken, Shaken, asked, judge_handshakes, unseen};
pub use judge::{
    Observed, Seen, broken_guard, is_target, judge, judge_list, judge_undo, kept, made_by, next_read, place, resolve,
    told_by, told_by_events,
};
pub use lock::Lock;
pub use node::{Bundle, Guard, Node, OperationId, Plan, Refusal, Step, StepId, Subject, Verb};
pub use progress::{End, Next, Progress, StepState};
pub use question::{AccessQuestion, Answers, DryRun, ListAt, Questions};
pub use request::{Defaults, Request};
pub use roll::Restart;
pub use undo::{Leaves, Undone};
