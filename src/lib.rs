//! Holdfast: a terminal operations console for stateful workloads on Kubernetes.
//!
//! The floors of the house, from the ground up; a module uses only floors below its own, and a test holds that:
//!
//! - [`text`], [`model`], [`x509`], [`assess`], [`plan`], [`journal`]: pure. Words, nouns, certificates,
//!   judgements, what will be done, what happened.
//! - [`view`]: rows, filters, problems and sheets, one for screens and the command line; pure.
//! - [`config`], [`store`]: settings and state files.
//! - [`cluster`]: the only user of kube; reads, watches and writes one cluster.
//! - [`sim`]: a Kubernetes API in this process, for the demo and for tests; stands on nothing here.

pub mod assess;
pub mod cluster;
pub mod config;
pub mod journal;
pub mod model;
pub mod plan;
pub mod sim;
pub mod store;
pub mod text;
pub mod view;
pub mod x509;
