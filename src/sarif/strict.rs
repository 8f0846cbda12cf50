//! Where the types of the crate serde-sarif refuse a log: for those who write logs, or feed them to tools that are strict.
//!
//! Takes no part in reading: that goes on where a strict reader gives up. The crate's words are given with the place of
//! the part that it refuses, but without texts that they quote, which may be what a result found.

use std::io::Read;

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_sarif::sarif::{Result as Found, Run, Sarif};

use crate::model::Diagnostic;

use super::encoding::{Decoded, Encoding};

/// Larger logs are not checked: they take a dozen times their size of memory.
const MOST: u64 = 64 << 20;

/// Everything that is refused of a log; nothing is lost by that.
pub fn strict(source: impl Read) -> Vec<Diagnostic> {
    let whole = |text: &str| vec![told(String::new(), text)];
    let mut bytes = Vec::new();
    let encoding = match Decoded::new(source).and_then(|mut text| {
        text.by_ref().take(MOST + 1).read_to_end(&mut bytes)?;
        Ok(text.encoding)
    }) {
        Ok(encoding) => encoding,
        Err(error) => return whole(&format!("cannot be read: {error}")),
    };
    if bytes.len() as u64 > MOST {
        return whole(&format!("is larger than {} MiB and was not checked", MOST >> 20));
    }
    let mut all = Vec::new();
    if encoding != Encoding::Utf8 {
        all.push(told(String::new(), "is UTF-16, and SARIF is UTF-8"));
    }
    let Err(refused) = serde_json::from_slice::<Sarif>(&bytes) else { return all };
    let found = all.len();
    match serde_json::from_slice::<Value>(&bytes) {
        Ok(log) => {
            for (index, run) in log["runs"].as_array().into_iter().flatten().enumerate() {
                parts(run, &format!("runs[{index}]"), &mut all);
            }
        }
        // What is no JSON is refused as that.
        Err(error) => all.push(told(String::new(), &format!("refused: {}", words(&error)))),
    }
    // What is wrong with none of the parts is wrong with the whole.
    if all.len() == found {
        all.push(told(String::new(), &format!("refused: {}", words(&refused))));
    }
    all
}

fn parts(run: &Value, path: &str, all: &mut Vec<Diagnostic>) {
    for (index, result) in run["results"].as_array().into_iter().flatten().enumerate() {
        check::<Found>(result, || format!("{path}.results[{index}]"), all);
    }
    let mut rest = run.clone();
    if let Some(results) = rest.get_mut("results").filter(|results| results.is_array()) {
        *results = Value::Array(Vec::new());
    }
    check::<Run>(&rest, || path.to_owned(), all);
}

fn check<T: DeserializeOwned>(part: &Value, path: impl FnOnce() -> String, all: &mut Vec<Diagnostic>) {
    if let Err(error) = T::deserialize(part) {
        all.push(told(path(), &format!("refused: {}", words(&error))));
    }
}

fn told(path: String, text: &str) -> Diagnostic {
    Diagnostic { code: "strict", path, text: format!("serde-sarif: {text}"), lost: false }
}

/// What it says, without a text that it quotes.
fn words(error: &serde_json::Error) -> String {
    let said = error.to_string();
    match (said.find("string \""), said.rfind("\", expected")) {
        (Some(from), Some(to)) if from < to => format!("{}a string{}", &said[..from], &said[to + 1..]),
        _ => said,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::tests::{sample, samples};
    use super::*;

    fn log(results: &str) -> String {
        format!(r#"{{"version":"2.1.0","runs":[{{"tool":{{"driver":{{"name":"T"}}}},"results":{results}}}]}}"#)
    }

    #[rstest]
    #[case::nothing(&log(r#"[{"message":{"text":"m"}}]"#), &[])]
    #[case::one_of_two(&log(r#"[{"message":{"text":"m"}},{"ruleId":"a"}]"#), &["runs[0].results[1]: missing field `message`"])]
    #[case::a_word(&log(r#"[{"message":{},"level":"Low"}]"#), &["runs[0].results[0]: unknown variant `Low`"])]
    #[case::quotes(&log(r#"[{"message":{},"ruleIndex":"hunter2\", expected"}]"#),
        &["runs[0].results[0]: invalid type: a string, expected i64"])]
    #[case::the_run(&log("[]").replace("driver", "drive"), &["runs[0]: missing field `driver`"])]
    #[case::results(&log("42"), &["runs[0]: invalid type: integer `42`"])]
    #[case::the_log(r#"{"version":"2.1.0","runs":null}"#, &[": invalid type: null"])]
    #[case::no_json("[{", &[": EOF while parsing"])]
    #[case::too_deep(&"[".repeat(10_000), &[": recursion limit exceeded"])]
    fn what_is_refused_is_told_by_part(#[case] text: &str, #[case] expected: &[&str]) {
        let all = strict(text.as_bytes());
        let said: Vec<String> =
            all.iter().map(|one| format!("{}: {}", one.path, one.text.replace("serde-sarif: refused: ", ""))).collect();
        assert_eq!(said.len(), expected.len(), "{said:?}");
        for (said, expected) in said.iter().zip(expected) {
            assert!(said.starts_with(expected) && !said.contains("hunter2"), "{said}");
        }
    }

    #[test]
    fn every_real_log_can_be_checked_and_one_bad_result_is_named() {
        let refused: Vec<String> =
            samples().into_iter().filter(|(_, bytes)| !strict(&**bytes).is_empty()).map(|(file, _)| file).collect();
        assert!(refused.iter().any(|file| file == "scrub__p10.sarif"), "{refused:?}");
        let said = strict(&*sample("django-DefectDojo__blackduck_nested_fingerprints.sarif"));
        assert!(said.iter().all(|one| one.path.starts_with("runs[0].results[")) && !said.is_empty(), "{said:?}");
    }
}
