//! What static analysis found, on the command line: from real logs, broken ones and hostile ones. No cluster is needed.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sarif").join(name)
}

/// Runs `holdfast findings` in a home without a configuration.
fn findings<S: AsRef<std::ffi::OsStr>>(home: &TempDir, arguments: &[S]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
    command.arg("findings").args(arguments).env_clear().env("HOME", home.path());
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn home() -> TempDir {
    TempDir::new().unwrap()
}

fn json(ended: &Ended) -> Vec<Value> {
    serde_json::from_str::<Value>(&ended.stdout).unwrap().as_array().unwrap().clone()
}

/// A log of one complete scan with these results.
fn log(results: &Value) -> String {
    serde_json::json!({
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "Scan" } }, "invocations": [{ "executionSuccessful": true }], "results": results,
        }],
    })
    .to_string()
}

#[test]
fn every_result_of_a_real_log_is_an_object_with_its_place_and_band() {
    let ended = findings(
        &home(),
        &[corpus("django-DefectDojo__taint-python-report.sarif").as_os_str(), "-o".as_ref(), "json".as_ref()],
    );
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let all = json(&ended);
    assert_eq!(all.len(), 11);
    let first = &all[0];
    assert_eq!(
        (&first["rule"], &first["band"], &first["path"]),
        (&"taint-file-write".into(), &"critical".into(), &"dojo/forms.py".into())
    );
    assert!(all.iter().all(|one| one["open"] == true && one["id"].as_str().unwrap().len() == 32));
}

#[test]
fn the_limit_is_an_exit_code_and_a_scan_that_did_not_finish_is_never_below_it() {
    let worse = ["--fail-on", "high"].map(std::ffi::OsString::from);
    let with = |name: &str, limit: &[std::ffi::OsString]| {
        let arguments: Vec<_> = std::iter::once(corpus(name).into_os_string()).chain(limit.iter().cloned()).collect();
        findings(&home(), &arguments)
    };
    let over = with("django-DefectDojo__taint-python-report.sarif", &worse);
    assert_eq!(over.code, 1);
    assert!(over.stderr.contains("8 findings of band high or worse"), "{}", over.stderr);
    assert_eq!(with("django-DefectDojo__mobsfscan.json", &worse[..0]).code, 0);
    let unfinished = with("django-DefectDojo__spotbugs.sarif", &["--fail-on", "critical"].map(Into::into));
    assert_eq!(unfinished.code, 3, "{}", unfinished.stderr);
    assert!(unfinished.stderr.contains("did not finish"), "{}", unfinished.stderr);
}

#[test]
fn one_bad_result_costs_itself_and_is_named_with_its_place() {
    let home = home();
    let good = |rule: &str| serde_json::json!({ "ruleId": rule, "message": { "text": "m" } });
    let path = home.path().join("a.sarif");
    std::fs::write(&path, log(&serde_json::json!([good("one"), 7, good("two")]))).unwrap();
    let written = home.path().join("diagnostics.json");
    let arguments = [path.as_os_str(), "-o".as_ref(), "json".as_ref(), "--diagnostics".as_ref(), written.as_os_str()];
    let ended = findings(&home, &arguments);
    let rules: Vec<Value> = json(&ended).into_iter().map(|one| one["rule"].clone()).collect();
    assert_eq!(rules, ["one", "two"]);
    assert_eq!(ended.code, 3, "what was lost is not fine");
    assert!(ended.stderr.contains("runs[0].results[1]") && ended.stderr.contains("LOST"), "{}", ended.stderr);
    let diagnostics: Value = serde_json::from_str(&std::fs::read_to_string(written).unwrap()).unwrap();
    assert_eq!((&diagnostics[0]["path"], &diagnostics[0]["lost"]), (&"runs[0].results[1]".into(), &true.into()));
}

#[test]
fn nothing_in_a_log_acts_on_a_terminal_a_spreadsheet_or_a_page() {
    let home = home();
    let message = format!("\u{1b}]0;owned\u{7}\u{202e}gnp.exe <img src=x> | `x` {}", "A".repeat(1 << 20));
    let results = serde_json::json!([{
        "ruleId": "=cmd|' /C calc'!A0", "level": "error", "message": { "text": message },
        "locations": [{ "physicalLocation": { "artifactLocation": { "uri": "a%1b%5b2J.rs" } } }],
    }]);
    let path = home.path().join("a\u{1b}[2J.sarif");
    std::fs::write(&path, log(&results)).unwrap();
    for format in ["table", "json", "csv", "sarif", "md"] {
        let ended = findings(&home, &[path.as_os_str(), "-o".as_ref(), format.as_ref()]);
        for out in [&ended.stdout, &ended.stderr] {
            let harmful =
                |c: char| (c.is_control() && !matches!(c, '\n' | '\r')) || ('\u{202a}'..='\u{202e}').contains(&c);
            assert!(!out.contains(harmful) && !out.contains("\\u001b"), "{format}: {}", &out[..out.len().min(2000)]);
            assert!(out.len() < 100_000, "{format}: {} bytes", out.len());
        }
        match format {
            "csv" => assert!(ended.stdout.contains("'=cmd"), "{}", ended.stdout),
            "md" => assert!(!ended.stdout.contains("<img") && ended.stdout.contains("&lt;img"), "{}", ended.stdout),
            _ => {}
        }
    }
}

#[test]
fn a_filter_is_the_one_of_the_console_and_one_that_is_not_understood_is_refused() {
    let home = home();
    let file = corpus("django-DefectDojo__taint-python-report.sarif");
    let with = |filter: &str| {
        findings(&home, &[file.as_os_str(), "-o".as_ref(), "json".as_ref(), "--filter".as_ref(), filter.as_ref()])
    };
    assert_eq!(json(&with("band:high path:acunetix")).len(), 3);
    assert_eq!(json(&with("!band:high line>2000")).len(), 1);
    let refused = with("colour:red");
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("colour"), "{}", refused.stderr);
}

#[test]
fn sources_are_those_of_the_configuration_when_no_file_is_named() {
    let home = home();
    let none = findings::<&str>(&home, &[]);
    assert_eq!(none.code, 2);
    assert!(none.stderr.contains("findings.sources"), "{}", none.stderr);
    std::fs::create_dir_all(home.path().join("ci/shop")).unwrap();
    let result = serde_json::json!([{ "ruleId": "one", "message": { "text": "m" } }]);
    std::fs::write(home.path().join("ci/shop/a.sarif"), log(&result)).unwrap();
    let config = home.path().join("config.toml");
    std::fs::write(&config, "[[findings.sources]]\npath = \"ci\"\ntrusted = true\n").unwrap();
    let ended = findings(&home, &["-o", "json", "--config", config.to_str().unwrap()]);
    let all = json(&ended);
    assert_eq!((all.len(), &all[0]["scan"]["trusted"]), (1, &Value::Bool(true)), "{}", ended.stderr);
    // What only the cluster has is not seen here, and a limit not known to hold without it.
    let more = "[[findings.sources]]\npath = \"ci\"\n[[findings.configmaps]]\nnamespace = \"ci\"\n";
    std::fs::write(&config, more).unwrap();
    let ended = findings(&home, &["--fail-on", "critical", "--config", config.to_str().unwrap()]);
    assert!(ended.code == 3 && ended.stderr.contains("ConfigMaps are not looked at"), "{}", ended.stderr);
    let more = "[[findings.sources]]\npath = \"ci\"\n[[findings.registries]]\nhost = \"r.example:5000\"\n";
    std::fs::write(&config, more).unwrap();
    let ended = findings(&home, &["--fail-on", "critical", "--config", config.to_str().unwrap()]);
    assert!(ended.code == 3 && ended.stderr.contains("registries are not asked"), "{}", ended.stderr);
    let missing = findings(&home, &[home.path().join("gone")]);
    assert_eq!(missing.code, 3, "what cannot be read is not fine");
    assert!(missing.stderr.contains("gone"), "{}", missing.stderr);
}

#[test]
fn a_strict_reader_is_asked_besides_and_changes_nothing() {
    let home = home();
    let results = serde_json::json!([
        { "ruleId": "one", "message": { "text": "m" }, "level": "Low" },
        { "ruleId": "two", "message": { "text": "m" }, "level": "Low" },
        { "ruleId": "three", "message": { "text": "m" } },
    ]);
    let path = home.path().join("a.sarif");
    std::fs::write(&path, log(&results)).unwrap();
    let own = findings(&home, &[path.as_os_str(), "-o".as_ref(), "json".as_ref()]);
    let out = home.path().join("diagnostics.json");
    let strict = findings(
        &home,
        &[
            path.as_os_str(),
            "--strict".as_ref(),
            "-o".as_ref(),
            "json".as_ref(),
            "--diagnostics".as_ref(),
            out.as_os_str(),
        ],
    );
    assert_eq!((&own.stdout, own.code), (&strict.stdout, strict.code));
    assert!(!own.stderr.contains("serde-sarif"), "{}", own.stderr);
    let said = "runs[0].results[0]: serde-sarif: refused: unknown variant `Low`";
    assert!(strict.stderr.contains(said) && strict.stderr.contains("(and 1 like it)"), "{}", strict.stderr);
    let written: Value = serde_json::from_str(&std::fs::read_to_string(&out).unwrap()).unwrap();
    let strict = written.as_array().unwrap().iter().filter(|one| one["code"] == "strict");
    let paths: Vec<&Value> = strict.map(|one| &one["path"]).collect();
    assert_eq!(paths, ["runs[0].results[0]", "runs[0].results[1]"]);
}

#[test]
fn what_is_written_as_sarif_says_the_same_when_it_is_read_again() {
    let home = home();
    let (file, again) = (corpus("django-DefectDojo__cxf-3.4.6.sarif"), home.path().join("again.sarif"));
    let written = findings(&home, &[file.as_os_str(), "-o".as_ref(), "sarif".as_ref()]);
    std::fs::write(&again, &written.stdout).unwrap();
    let told = |path: &Path| {
        let all = json(&findings(&home, &[path.as_os_str(), "-o".as_ref(), "json".as_ref()]));
        let mut told: Vec<[Value; 4]> =
            all.iter().map(|one| ["rule", "band", "path", "line"].map(|key| one[key].clone())).collect();
        told.sort_by_key(|one| format!("{one:?}"));
        told
    };
    assert_eq!(told(&again), told(&file));
    assert_eq!(told(&file).len(), 22);
}

#[test]
fn a_stamp_says_what_was_scanned_and_changes_nothing_else() {
    let home = home();
    let (path, digest) = (home.path().join("a.sarif"), format!("sha256:{}", "a".repeat(64)));
    std::fs::copy(corpus("django-DefectDojo__mobsfscan.json"), &path).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
        command.arg("stamp").arg(&path).args(arguments).env_clear().env("HOME", home.path());
        let output = command.output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let before = json(&findings(&home, &[path.as_os_str(), "-o".as_ref(), "json".as_ref()])).len();
    let image = format!("registry.example/shop@{digest}");
    assert_eq!(
        run(&["--image", &image, "--revision", "abc1234", "--workload", "shop/Deployment/web", "--complete"]),
        (0, String::new())
    );
    let log: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let subject = &log["runs"][0]["properties"]["holdfast/subject"];
    assert_eq!((&subject["digest"], &subject["name"]), (&digest.as_str().into(), &"web".into()), "{subject}");
    let after = findings(&home, &[path.as_os_str(), "-o".as_ref(), "json".as_ref()]);
    assert_eq!(json(&after).len(), before);
    assert!(!after.stderr.contains("nothing says"), "the stamp says that it ended: {}", after.stderr);
    let stamped = std::fs::read(&path).unwrap();
    for (wrong, code) in [(vec![], 1), (vec!["--image", "latest"], 1), (vec!["--workload", "web"], 2)] {
        let (ended, said) = run(&wrong);
        assert_eq!(ended, code, "{wrong:?}: {said}");
        assert_eq!(std::fs::read(&path).unwrap(), stamped, "what is refused changes nothing");
    }
}
