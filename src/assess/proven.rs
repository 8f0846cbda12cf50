//! What a restore point says of its last restore drills: of the one that proved it, and of one that did not.

use jiff::{SignedDuration, Timestamp};

use crate::model::{Meta, annotation};

/// A drill that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// When all of it had been read.
    pub at: Timestamp,
    /// How long that took from asking for the volume on: what a restore takes at least.
    pub took: SignedDuration,
    /// What was found.
    pub found: String,
}

/// The last proof of a restore point; `None` when there is none that can be read.
pub fn proven(point: &Meta) -> Option<Proof> {
    let noted = point.annotation(annotation::LAST_PROVEN)?.strip_prefix("passed at ")?;
    let (times, found) = noted.split_once(": ")?;
    let (at, from) = times.split_once(" from ")?;
    let (at, from): (Timestamp, Timestamp) = (at.parse().ok()?, from.parse().ok()?);
    Some(Proof { at, took: at.duration_since(from), found: found.to_owned() })
}

/// A drill that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// When it had begun.
    pub at: Timestamp,
    /// At which step, and why. Untrusted text.
    pub why: String,
}

impl Failed {
    /// In a sentence.
    pub fn said(&self) -> String {
        format!("its last restore drill, {}, failed at {}", self.at.strftime("%Y-%m-%d %H:%M UTC"), self.why)
    }
}

/// The last drill of a restore point that failed, unless a later one proved it. One that was stopped says nothing.
pub fn failed(point: &Meta) -> Option<Failed> {
    let noted = point.annotation(annotation::LAST_FAILED)?.strip_prefix("begun at ")?;
    let (at, why) = noted.split_once(", failed at ")?;
    let at: Timestamp = at.parse().ok()?;
    proven(point).is_none_or(|proof| proof.at < at).then(|| Failed { at, why: why.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::testing::{annotated, meta};
    use rstest::rstest;

    #[rstest]
    #[case("passed at 2026-03-01T12:00:42Z from 2026-03-01T12:00:00Z: read 6 bytes, files: 1", Some(42))]
    #[case("passed at soon from 2026-03-01T12:00:00Z: read", None)]
    #[case("failed", None)]
    #[case("", None)]
    fn a_proof_is_read_as_it_is_written_and_nothing_else_is_one(#[case] noted: &str, #[case] seconds: Option<i64>) {
        let proof = proven(&annotated(meta("copy"), annotation::LAST_PROVEN, noted));
        assert_eq!(proof.map(|proof| proof.took.as_secs()), seconds);
    }

    #[rstest]
    #[case::failed("begun at 2026-03-01T12:00:00Z, failed at read: empty, it is", None, Some("read: empty, it is"))]
    #[case::proven_later("begun at 2026-03-01T12:00:00Z, failed at read: x", Some("2026-03-01T12:00:01Z"), None)]
    #[case::proven_before(
        "begun at 2026-03-01T12:00:00Z, failed at read: x",
        Some("2026-03-01T11:00:00Z"),
        Some("read: x")
    )]
    #[case::stopped("begun at 2026-03-01T12:00:00Z, stopped", None, None)]
    #[case::no_time("begun at noon, failed at read: x", None, None)]
    fn a_failure_counts_until_a_later_drill_proves_the_copy(
        #[case] noted: &str,
        #[case] proven: Option<&str>,
        #[case] why: Option<&str>,
    ) {
        let mut point = annotated(meta("copy"), annotation::LAST_FAILED, noted);
        if let Some(at) = proven {
            point = annotated(point, annotation::LAST_PROVEN, &format!("passed at {at} from {at}: read 1 byte"));
        }
        assert_eq!(failed(&point).map(|failed| failed.why).as_deref(), why);
    }
}
