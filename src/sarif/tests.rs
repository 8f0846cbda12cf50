mod corpus;

use super::*;

/// A time after all that the tests read.
fn now() -> Timestamp {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

fn origin(path: &str) -> Origin {
    Origin { path: path.into(), now: now(), ..Origin::default() }
}

fn of(bytes: &[u8]) -> Log {
    read(bytes, &origin("a.sarif"), &Limits::default())
}

fn codes(log: &Log) -> Vec<&'static str> {
    log.diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
}
