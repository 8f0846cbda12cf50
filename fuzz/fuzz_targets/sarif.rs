//! No bytes make the SARIF reader panic, hang or fail without a word: `cargo +nightly fuzz run sarif fuzz/corpus tests/sarif`.
#![no_main]

use std::collections::HashSet;

use holdfast::sarif::{Limits, Origin, Stamp, detail, excerpt, read, stamp};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let origin = Origin { path: "a.sarif".into(), now: jiff::Timestamp::UNIX_EPOCH, ..Origin::default() };
    let limits = Limits { bytes: 1 << 24, element: 1 << 16, results: 10_000, rules: 10_000, runs: 100 };
    let log = read(bytes, &origin, &limits);
    assert!(!log.scans.is_empty() || !log.diagnostics.is_empty(), "nothing, and not a word");
    for scan in &log.scans {
        let ids: HashSet<_> = scan.findings.iter().map(|finding| finding.id).collect();
        assert_eq!(ids.len(), scan.findings.len(), "two findings with one identity");
        for finding in scan.findings.iter().take(10) {
            if let Ok(raw) = excerpt(bytes, &finding.raw) {
                detail(&raw, false);
            }
        }
    }
    let subject = Stamp { revision: Some("0123abc".into()), ..Stamp::default() };
    if let Ok(stamped) = stamp(bytes, &subject) {
        assert_eq!(stamp(&stamped, &subject).as_deref(), Ok(&stamped[..]), "a second stamp changes the log");
    }
});
