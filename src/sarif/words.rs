//! The words and numbers by which tools say how bad something is, and the weakness numbers they name.

use crate::model::{Band, Level};

/// The band of a severity word, in any case; `None` for words that say nothing.
pub fn band(word: &str) -> Option<Band> {
    const WORDS: &[(Band, &[&str])] = &[
        (Band::Critical, &["critical", "blocker", "very high"]),
        (Band::High, &["high", "error", "important", "severe", "major"]),
        (Band::Medium, &["medium", "moderate", "warning"]),
        (Band::Low, &["low", "note", "minor", "recommendation", "bestpractice"]),
        (Band::Info, &["info", "information", "informational", "none", "negligible", "style", "manualreview"]),
    ];
    let word = word.trim();
    WORDS.iter().find(|(_, words)| words.iter().any(|known| known.eq_ignore_ascii_case(word))).map(|(band, _)| *band)
}

/// The level that the specification writes so (SARIF 2.1.0 §3.27.10).
pub fn level(word: &str) -> Option<Level> {
    match word {
        "none" => Some(Level::None),
        "note" => Some(Level::Note),
        "warning" => Some(Level::Warning),
        "error" => Some(Level::Error),
        _ => None,
    }
}

/// The band of a level.
pub fn band_of(level: Level) -> Band {
    match level {
        Level::None => Band::Info,
        Level::Note => Band::Low,
        Level::Warning => Band::Medium,
        Level::Error => Band::High,
    }
}

/// The level of a band, for words that are no levels.
pub fn level_of(band: Band) -> Level {
    match band {
        Band::Info | Band::Low => Level::Note,
        Band::Medium => Level::Warning,
        Band::High | Band::Critical => Level::Error,
    }
}

/// A score from 0 to 10 in tenths, rounded down, so that 8.95 stays below 9; `None` when it is no such score. GitHub
/// takes 0.0 for no score.
pub fn tenths(score: f64) -> Option<u8> {
    if !(score > 0.0 && score <= 10.0) {
        return None;
    }
    let tenths = (score * 10.0 + 1e-6).floor().max(1.0);
    // From 1 to 100.
    (1..=100_u8).find(|whole| f64::from(*whole) >= tenths)
}

/// The band of a score in tenths.
pub fn band_of_score(tenths: u8) -> Band {
    match tenths {
        90.. => Band::Critical,
        70.. => Band::High,
        40.. => Band::Medium,
        _ => Band::Low,
    }
}

/// The numbers behind each `CWE` of the text, as `CWE-79`, `external/cwe/cwe-079`, `CWE: 327`.
pub fn cwe(text: &str, numbers: &mut Vec<u32>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(found) =
        bytes.get(at..).and_then(|rest| rest.windows(3).position(|three| three.eq_ignore_ascii_case(b"cwe")))
    {
        at += found + 3;
        while bytes.get(at).is_some_and(|byte| matches!(byte, b'-' | b'_' | b' ' | b':' | b'/')) {
            at += 1;
        }
        let digits = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        number(&text[at..at + digits], numbers);
    }
}

/// A bare number of a weakness.
pub fn number(digits: &str, numbers: &mut Vec<u32>) {
    let digits = digits.trim().trim_start_matches('0');
    if (1..=5).contains(&digits.len())
        && let Ok(number) = digits.parse()
        && !numbers.contains(&number)
    {
        numbers.push(number);
    }
}

/// The first `CVE-…` or `GHSA-…` of the text.
pub fn vulnerability(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let starts = |name: &[u8]| bytes.windows(name.len()).position(|piece| piece.eq_ignore_ascii_case(name));
    let (start, mut left) =
        starts(b"CVE-").map(|start| (start, 3)).or_else(|| starts(b"GHSA-").map(|start| (start, 4)))?;
    let length = bytes[start..]
        .iter()
        .take_while(|byte| {
            left -= usize::from(**byte == b'-');
            left > 0 && (**byte == b'-' || byte.is_ascii_alphanumeric())
        })
        .count();
    Some(&text[start..start + length])
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(0.0, None)]
    #[case(-1.0, None)]
    #[case(11.0, None)]
    #[case(f64::NAN, None)]
    #[case(0.04, Some((1, Band::Low)))]
    #[case(3.9, Some((39, Band::Low)))]
    #[case(4.0, Some((40, Band::Medium)))]
    #[case(6.999_999, Some((69, Band::Medium)))]
    #[case(8.2, Some((82, Band::High)))]
    #[case(8.95, Some((89, Band::High)))]
    #[case(9.0, Some((90, Band::Critical)))]
    #[case(9.999_999, Some((99, Band::Critical)))]
    #[case(10.0, Some((100, Band::Critical)))]
    fn scores_have_bands(#[case] score: f64, #[case] expected: Option<(u8, Band)>) {
        assert_eq!(tenths(score).map(|tenths| (tenths, band_of_score(tenths))), expected);
    }

    #[rstest]
    #[case("CWE-79", &[79])]
    #[case("external/cwe/cwe-079", &[79])]
    #[case("CWE-327: Use of a Broken or Risky Algorithm", &[327])]
    #[case("CWE:78/CWE_88 cwe 00079", &[78, 88, 79])]
    #[case("CWE-", &[])]
    #[case("CWE-1234567", &[])]
    #[case("café cwe", &[])]
    fn weaknesses_are_found_in_text(#[case] text: &str, #[case] expected: &[u32]) {
        let mut numbers = Vec::new();
        cwe(text, &mut numbers);
        assert_eq!(numbers, expected);
    }

    #[rstest]
    #[case("CVE-2019-1549", Some("CVE-2019-1549"))]
    #[case("CVE-1999-0001-package-1", Some("CVE-1999-0001"))]
    #[case("BDSA-2020-1001 (CVE-2020-11022)", Some("CVE-2020-11022"))]
    #[case("GHSA-g7rx-7qmw-xg2x-pkg", Some("GHSA-g7rx-7qmw-xg2x"))]
    #[case("py/path-injection", None)]
    fn vulnerabilities_are_found_in_text(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(vulnerability(text), expected);
    }
}
