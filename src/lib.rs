//! Holdfast: a terminal operations console for stateful workloads on Kubernetes.
pub mod model;
pub mod text;
pub mod x509;
