//! Holdfast: a terminal operations console for stateful workloads on Kubernetes.
//!
//! The floors of the house, from the ground up; a module uses only floors below its own, and a test holds that:
//!
//! - [`text`], [`model`], [`x509`], [`sarif`], [`assess`], [`plan`], [`journal`], [`runbook`], [`view`], [`report`]: pure.
//!   Words, nouns, certificates, judgements, what will be done, what happened, what comes next in a procedure, what is
//!   shown, what an audit says.
//! - [`config`], [`store`]: settings and state files.
//! - [`cluster`]: the only user of kube, reading with eyes and writing with hands.
//! - [`engine`]: the only holder of hands; runs confirmed plans.
//! - [`session`]: one context being looked at and worked on; no terminal.
//! - [`sim`]: a Kubernetes API in this process, for the demo and for tests; stands on nothing here.
//! - [`tui`], [`cli`]: the console and the commands.

// What prints past `cli::out` or the console's terminal panics when nobody reads.
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod assess;
pub mod cli;
pub mod cluster;
pub mod config;
pub mod engine;
pub mod journal;
pub mod model;
pub mod plan;
pub mod report;
pub mod runbook;
pub mod sarif;
pub mod session;
pub mod sim;
pub mod store;
pub mod text;
pub mod tui;
pub mod view;
pub mod x509;
