//! When a scan ran and whether it ended (SARIF 2.1.0 §3.20.7, §3.20.8, §3.20.14, §3.20.21).

use jiff::{SignedDuration, Timestamp, civil};

use crate::model::{Completion, TimeSource};

use super::around::{Invocation, Provenance};
use super::notes::Notes;

/// Clocks of scanners may run ahead by so much.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// A time as SARIF writes it (§3.9); without a zone it is taken as UTC.
pub fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    text.parse().ok().or_else(|| {
        let civil: civil::DateTime = text.parse().ok()?;
        civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })
}

/// `yyyymmddThhmmssZ` somewhere in a file's name.
pub fn in_name(name: &str) -> Option<Timestamp> {
    const SHAPE: &[u8] = b"00000000T000000Z";
    let fits = |piece: &[u8]| {
        piece.iter().zip(SHAPE).all(|(byte, shape)| if *shape == b'0' { byte.is_ascii_digit() } else { byte == shape })
    };
    let at = name.as_bytes().windows(SHAPE.len()).position(fits)?;
    time(&name[at..at + SHAPE.len()])
}

/// Of whose scan the time is asked.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Name of the file.
    pub name: &'a str,
    /// When it was written.
    pub modified: Option<Timestamp>,
    /// Now.
    pub now: Timestamp,
}

/// A time, if it is one and not of the future.
fn believed(text: &str, latest: Timestamp, path: impl FnOnce() -> String, notes: &mut Notes) -> Option<Timestamp> {
    let read = time(text);
    match read {
        None => notes.odd("bad-time", path, || "is no time; left out".into()),
        Some(time) if time > latest => {
            notes.odd("time-in-future", path, || format!("{time} is in the future; left out"));
        }
        Some(_) => {}
    }
    read.filter(|time| *time <= latest)
}

/// The latest time of the most telling kind that is there. Times in the future are told and left out.
pub fn scanned(
    invocations: &[Invocation],
    provenance: &[Provenance],
    source: &Source,
    run: usize,
    notes: &mut Notes,
) -> Option<(Timestamp, TimeSource)> {
    let latest = source.now.checked_add(AHEAD).unwrap_or(source.now);
    let mut read = |text: Option<&str>, field: &str, index: usize| {
        let path = || format!("runs[{run}].{field}").replacen("[]", &format!("[{index}]"), 1);
        believed(text?, latest, path, notes)
    };
    let mut ended = None;
    let mut started = None;
    for (index, invocation) in invocations.iter().enumerate() {
        let from = read(invocation.started.as_deref(), "invocations[].startTimeUtc", index);
        let to = read(invocation.ended.as_deref(), "invocations[].endTimeUtc", index);
        started = started.max(from);
        ended = ended.max(to);
    }
    let as_of = (0..)
        .zip(provenance)
        .filter_map(|(index, one)| read(one.as_of.as_deref(), "versionControlProvenance[].asOfTimeUtc", index));
    let as_of = as_of.max();
    if let (Some(started), Some(ended)) = (started, ended)
        && ended < started
    {
        let path = || format!("runs[{run}].invocations");
        notes.odd("ends-before-it-starts", path, || format!("ended {ended}, started {started}; the start was taken"));
        return Some((started, TimeSource::Started));
    }
    let past = |time: &Timestamp| *time <= latest;
    ended
        .map(|time| (time, TimeSource::Ended))
        .or(started.map(|time| (time, TimeSource::Started)))
        .or(as_of.map(|time| (time, TimeSource::AsOf)))
        .or(in_name(source.name).filter(past).map(|time| (time, TimeSource::FileName)))
        .or(source.modified.filter(past).map(|time| (time, TimeSource::Modified)))
}

/// What speaks for the end of a scan.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// `invocations`.
    pub invocations: &'a [Invocation],
    /// Whether `results` is an array.
    pub results: bool,
    /// Whether there is any rule or result.
    pub something: bool,
    /// How much of the run could not be read.
    pub lost: usize,
    /// Whether the stamp vouches for it.
    pub vouched: bool,
}

/// Whether it ended; what is not proven is not complete.
pub fn completion(evidence: &Evidence) -> Completion {
    let Evidence { invocations, .. } = evidence;
    if let Some(error) = invocations.iter().find_map(|one| one.error.as_ref()) {
        return Completion::Failed { why: error.clone() };
    }
    if invocations.iter().any(|one| one.successful == Some(false)) {
        return Completion::Failed { why: "executionSuccessful is false".into() };
    }
    let missing = if evidence.lost > 0 {
        "parts of it could not be read"
    } else if !evidence.results {
        "it has no list of results"
    } else if !evidence.something {
        "it names neither rules nor results"
    } else if evidence.vouched {
        return Completion::Complete;
    } else if invocations.is_empty() {
        "it has no invocations, so nothing says that it ended"
    } else if invocations.iter().any(|one| one.successful.is_none()) {
        "an invocation does not say whether it was successful"
    } else {
        return Completion::Complete;
    };
    Completion::Unproven { why: missing.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("2016-02-08T16:08:25.943Z", Some("2016-02-08T16:08:25.943Z"))]
    #[case("2016-02-08T16:08:25", Some("2016-02-08T16:08:25Z"))]
    #[case("2016-02-08T16:08:25+01:00", Some("2016-02-08T15:08:25Z"))]
    #[case("2016-02-08", Some("2016-02-08T00:00:00Z"))]
    #[case("yesterday", None)]
    fn times_are_read(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(time(text), expected.map(|text| text.parse().unwrap()));
    }

    #[rstest]
    #[case("pay-20240131T235959Z.sarif", Some("2024-01-31T23:59:59Z"))]
    #[case("pay-20240231T235959Z.sarif", None)]
    #[case("pay-2024.sarif", None)]
    #[case("größe20240131T235959Z", Some("2024-01-31T23:59:59Z"))]
    fn names_of_files_carry_times(#[case] name: &str, #[case] expected: Option<&str>) {
        assert_eq!(in_name(name), expected.map(|text| text.parse().unwrap()));
    }

    fn at(
        started: Option<&str>,
        ended: Option<&str>,
        as_of: Option<&str>,
        name: &str,
    ) -> (Option<(String, TimeSource)>, usize) {
        let invocation =
            Invocation { started: started.map(Into::into), ended: ended.map(Into::into), ..Invocation::default() };
        let provenance = Provenance { as_of: as_of.map(Into::into), ..Provenance::default() };
        let now = "2025-06-01T12:00:00Z".parse().unwrap();
        let source = Source { name, modified: Some("2025-05-01T00:00:00Z".parse().unwrap()), now };
        let mut notes = Notes::default();
        let time = scanned(&[invocation], &[provenance], &source, 0, &mut notes);
        (time.map(|(time, from)| (time.to_string(), from)), notes.done().len())
    }

    const A: Option<&str> = Some("2025-01-01T00:00:00Z");
    const B: Option<&str> = Some("2025-02-01T00:00:00Z");
    const SOON: Option<&str> = Some("2025-06-01T12:04:59Z");
    const FUTURE: Option<&str> = Some("2025-06-01T12:05:01Z");

    #[rstest]
    #[case(A, B, A, "x", B, TimeSource::Ended, 0)]
    #[case(A, None, B, "x", A, TimeSource::Started, 0)]
    #[case(None, None, B, "x", B, TimeSource::AsOf, 0)]
    #[case(None, None, None, "20250101T000000Z.sarif", A, TimeSource::FileName, 0)]
    #[case(None, None, None, "x", Some("2025-05-01T00:00:00Z"), TimeSource::Modified, 0)]
    #[case(None, None, None, "20990101T000000Z.sarif", Some("2025-05-01T00:00:00Z"), TimeSource::Modified, 0)]
    #[case(A, SOON, None, "x", SOON, TimeSource::Ended, 0)]
    #[case(A, FUTURE, None, "x", A, TimeSource::Started, 1)]
    #[case(B, A, None, "x", B, TimeSource::Started, 1)]
    #[case(None, Some("soon"), A, "x", A, TimeSource::AsOf, 1)]
    fn the_most_telling_time_counts(
        #[case] started: Option<&str>,
        #[case] ended: Option<&str>,
        #[case] as_of: Option<&str>,
        #[case] name: &str,
        #[case] time: Option<&str>,
        #[case] from: TimeSource,
        #[case] told: usize,
    ) {
        assert_eq!(at(started, ended, as_of, name), (time.map(|time| (time.to_owned(), from)), told));
    }

    fn invocation(successful: Option<bool>, error: Option<&str>) -> Invocation {
        Invocation { successful, error: error.map(Into::into), ..Invocation::default() }
    }

    #[rstest]
    #[case::success(&[invocation(Some(true), None)], true, true, 0, false, "complete")]
    #[case::no_invocations(&[], true, true, 0, false, "unproven")]
    #[case::vouched(&[], true, true, 0, true, "complete")]
    #[case::one_failed(&[invocation(Some(true), None), invocation(Some(false), None)], true, true, 0, true, "failed")]
    #[case::its_own_error(&[invocation(Some(true), Some("out of memory"))], true, true, 0, true, "failed")]
    #[case::says_nothing(&[invocation(None, None)], true, true, 0, false, "unproven")]
    #[case::no_results(&[invocation(Some(true), None)], false, true, 0, true, "unproven")]
    #[case::neither_rules_nor_results(&[invocation(Some(true), None)], true, false, 0, true, "unproven")]
    #[case::something_lost(&[invocation(Some(true), None)], true, true, 1, true, "unproven")]
    fn only_what_is_proven_is_complete(
        #[case] invocations: &[Invocation],
        #[case] results: bool,
        #[case] something: bool,
        #[case] lost: usize,
        #[case] vouched: bool,
        #[case] expected: &str,
    ) {
        let said = match completion(&Evidence { invocations, results, something, lost, vouched }) {
            Completion::Complete => "complete",
            Completion::Failed { .. } => "failed",
            Completion::Unproven { .. } => "unproven",
        };
        assert_eq!(said, expected);
    }
}
