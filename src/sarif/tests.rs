mod bad;
mod corpus;
mod made;
mod odd;
mod real;

use super::*;

/// A time after all that the tests read.
fn now() -> Timestamp {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

fn origin(path: &str) -> Origin {
    Origin { path: path.into(), now: now(), ..Origin::default() }
}

pub fn of(bytes: &[u8]) -> Log {
    read(bytes, &origin("a.sarif"), &Limits::default())
}

fn codes(log: &Log) -> Vec<&'static str> {
    log.diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
}

fn folder() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sarif")
}

/// The bytes of a report that a real tool wrote.
pub fn sample(file: &str) -> Vec<u8> {
    std::fs::read(folder().join(file)).unwrap()
}

/// All of them.
pub fn samples() -> Vec<(String, Vec<u8>)> {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    files.filter(|file| file != "INDEX.tsv").map(|file| (file.clone(), sample(&file))).collect()
}
