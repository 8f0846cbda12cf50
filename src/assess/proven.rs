//! What a restore point says of the last restore drill that proved it.

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
}
