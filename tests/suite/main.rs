//! Every test that needs more than one module: one binary, so that it links once.
//!
//! Scenarios run alike on the embedded cluster (`…::sim::…`) and on the real control plane (`…::lab::…`, which
//! `tests/run` starts).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests fail by panicking")]

mod absent;
mod acme;
mod architecture;
mod attached;
mod audit;
mod backup;
mod bad_input;
mod books;
mod carry;
mod churn;
mod cluster;
mod colleagues;
mod configuration;
mod console;
mod constraints;
mod contexts;
mod crash;
mod database;
mod drill;
mod faults;
mod filter;
mod findings;
mod handing;
mod hooks;
mod in_place;
mod inventory;
mod isolate;
mod journal;
mod keystores;
mod lease;
mod live;
mod logs;
mod modes;
mod pipes;
mod prune;
mod pty;
mod read_only;
mod readme;
mod reconcile;
mod reissue;
mod renew;
mod restore;
mod rights;
mod rights_printed;
mod rotate;
mod rotate_ca;
mod runbook;
mod scan_maps;
mod script;
mod served;
mod sets;
mod sim;
mod support;
mod sweep;
mod takeover;
mod tree;
mod triage;
mod trust;
mod tui;
mod undo;
mod usage;
mod vulnerable;
