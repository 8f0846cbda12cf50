//! Every test that needs more than one module: one binary, so that it links once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests fail by panicking")]

mod cluster;
mod sim;
mod tui;
