//! What a SARIF log of 100 MB costs: the reader, serde-sarif and `serde_json::Value` on the same bytes in one run.
//! `cargo bench --bench findings`; another size in MB after `--`. Aims: 300 MB/s, three times serde-sarif, and a peak
//! of 0.6 bytes on the heap for each byte of the file.
//!
//! The logs are real ones (`tests/sarif`) whose results are repeated, each on a line of its own. Each reader runs in a
//! process of its own, since what one leaves behind would count for the next; the best of three runs counts, in time of
//! the processor, which does not depend on what else the machine does. The heap is counted by the allocator; the log
//! comes from a file, so that the reader's own buffer counts too, while the others need it whole and are given it for
//! nothing.
#![expect(clippy::unwrap_used, reason = "a bench that cannot start has nothing to measure")]

use std::alloc::System;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use cap::Cap;
use holdfast::sarif::{Limits, Origin, read};
use jiff::Timestamp;
use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;

/// Counts what is on the heap.
#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// Name of the log, its file, and how many results of how many bytes make it up.
const LOGS: &[(&str, &str)] = &[
    ("CodeQL", "scrub__codeql_raw.sarif"),
    ("Grype", "grype__TestSarifPresenter_directory.golden"),
    ("Trivy", "trivy__alpine-310.sarif.golden"),
    ("Semmle", "scrub__semmle_raw.sarif"),
    ("FxCop", "sarif-sdk__SarifSdkTest.xml.sarif"),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [measure, who, file] = &arguments[..]
        && measure == MEASURE
    {
        return run(who, file);
    }
    // `cargo bench` hands its own flags on.
    let megabytes: usize = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(100);
    let folder = tempfile::tempdir().unwrap();
    println!("{:8} {:>8}  {:12} {:>9} {:>8} {:>11}", "log", "results", "reader", "MB/s", "ratio", "heap/file");
    for (name, file) in LOGS {
        let path = folder.path().join(name);
        let results = inflate(file, &path, megabytes << 20);
        let size = std::fs::metadata(&path).unwrap().len();
        let mut base = None;
        for who in ["serde-sarif", "Value", "holdfast"] {
            let (took, peak) = (0..3).map(|_| measured(who, &path)).min().unwrap();
            let speed = f64::from(u32::try_from(size >> 10).unwrap()) / 1024.0 / took.as_secs_f64();
            let base = *base.get_or_insert(speed);
            let heap = f64::from(u32::try_from(peak >> 10).unwrap()) / f64::from(u32::try_from(size >> 10).unwrap());
            println!("{name:8} {results:>8}  {who:12} {speed:>9.0} {:>7.1}x {heap:>10.2}x", speed / base);
        }
        std::fs::remove_file(path).unwrap();
    }
}

const MEASURE: &str = "measure";

/// Lets another process read the log; its time, and the most it held on the heap.
fn measured(who: &str, path: &Path) -> (Duration, usize) {
    let own = std::env::current_exe().unwrap();
    let output = Command::new(own).args([MEASURE, who]).arg(path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<u64> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
    (Duration::from_micros(numbers[0]), usize::try_from(numbers[1]).unwrap())
}

fn run(who: &str, file: &str) {
    if who == "holdfast" {
        let origin = Origin { path: file.into(), now: Timestamp::now(), ..Origin::default() };
        // Warm, as the others' bytes are.
        std::io::copy(&mut File::open(file).unwrap(), &mut std::io::sink()).unwrap();
        let before = HEAP.allocated();
        let began = busy();
        let log = read(File::open(file).unwrap(), &origin, &Limits::default());
        let took = busy().saturating_sub(began);
        assert!(log.scans.iter().any(|scan| !scan.findings.is_empty()));
        return println!("{} {}", took.as_micros(), HEAP.max_allocated() - before);
    }
    let bytes = std::fs::read(file).unwrap();
    let before = HEAP.allocated();
    let began = busy();
    let took = if who == "Value" {
        let log: Value = serde_json::from_slice(&bytes).unwrap();
        let took = busy().saturating_sub(began);
        assert!(log["runs"][0]["results"].is_array());
        took
    } else {
        let log: serde_sarif::sarif::Sarif = serde_json::from_slice(&bytes).unwrap();
        let took = busy().saturating_sub(began);
        assert!(!log.runs.is_empty());
        took
    };
    println!("{} {}", took.as_micros(), HEAP.max_allocated() - before);
}

/// Time that this process had a processor.
fn busy() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().unwrap()
}

/// Writes the log with its results repeated up to the size; how many results it has then.
fn inflate(file: &str, to: &Path, size: usize) -> usize {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sarif").join(file);
    let mut log: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let results = log["runs"][0]["results"].take();
    let mut results = results.as_array().unwrap().clone();
    log["runs"][0]["results"] = Value::String("@".into());
    let text = log.to_string();
    let (head, tail) = text.split_once("\"@\"").unwrap();
    let mut out = BufWriter::new(File::create(to).unwrap());
    out.write_all(head.as_bytes()).unwrap();
    let (mut written, mut count) = (text.len(), 0);
    while written < size {
        let turn = count % results.len();
        let result = &mut results[turn];
        if let Some(line) = result.pointer_mut("/locations/0/physicalLocation/region/startLine") {
            *line = (count + 1).into();
        }
        let text = result.to_string();
        out.write_all(if count == 0 { b"[" } else { b"," }).unwrap();
        out.write_all(text.as_bytes()).unwrap();
        written += text.len() + 1;
        count += 1;
    }
    out.write_all(b"]").unwrap();
    out.write_all(tail.as_bytes()).unwrap();
    out.flush().unwrap();
    count
}
