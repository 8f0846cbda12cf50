//! Every report that real tools wrote loads, or says by name why not.

use super::*;

struct Row {
    file: String,
    version: String,
    runs: usize,
    results: usize,
}

fn rows() -> Vec<Row> {
    let index = std::fs::read_to_string(folder().join("INDEX.tsv")).unwrap();
    let row = |line: &str| {
        let [file, _, licence, bytes, version, runs, results, _] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        assert!(["BSD-3", "MIT", "Apache-2"].contains(&licence), "{line}");
        assert_eq!(std::fs::metadata(folder().join(file)).unwrap().len(), bytes.parse::<u64>().unwrap(), "{file}");
        Row {
            file: file.into(),
            version: version.into(),
            runs: runs.parse().unwrap(),
            results: results.parse().unwrap(),
        }
    };
    index.lines().skip(1).map(row).collect()
}

#[test]
fn the_index_names_every_file() {
    let named: std::collections::BTreeSet<String> = rows().into_iter().map(|row| row.file).collect();
    let there = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let there: std::collections::BTreeSet<String> = there.filter(|name| name != "INDEX.tsv").collect();
    assert_eq!(named, there);
}

#[test]
fn all_results_are_recovered() {
    for row in rows() {
        let log = of(&sample(&row.file));
        let old = row.version.starts_with("2.0") || row.file.contains("MixedMode");
        if old {
            assert_eq!(
                (log.scans.len(), log.diagnostics.iter().any(|told| told.code == "old-version" && told.lost)),
                (0, true),
                "{}",
                row.file
            );
            continue;
        }
        let found: usize = log.scans.iter().map(|scan| scan.findings.len()).sum();
        assert_eq!((log.scans.len(), found), (row.runs, row.results), "{}: {:#?}", row.file, log.diagnostics);
        assert!(!log.diagnostics.iter().any(|told| told.code == "bad-result"), "{}: {:#?}", row.file, log.diagnostics);
    }
}
