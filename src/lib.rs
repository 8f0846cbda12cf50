//! Holdfast: a terminal operations console for stateful workloads on Kubernetes.
pub mod assess;
pub mod config;
pub mod journal;
pub mod model;
pub mod plan;
pub mod store;
pub mod text;
pub mod x509;
