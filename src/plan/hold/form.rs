//! What a person chooses before a hold is planned: as a form, and as options of the command line.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::Options;
use crate::model::{Kind, Uid, VolumeSnapshot, World};
use crate::plan::{Field, FieldKind, Filled, FormSpec, backup};
use crate::text;

/// The form for a hold on this copy, beginning with `defaults`; `None` when it is gone.
pub fn form(world: &World, snapshot: &Uid, defaults: &Options) -> Option<FormSpec> {
    let snapshot = world.inventory.snapshots.get(snapshot)?;
    let fields = vec![
        Field::new("reason", "Reason", FieldKind::Lines)
            .says("Why it must stay: kept in an annotation of the snapshot, where everybody can read it.")
            .begins(defaults.reason.clone())
            .checked(|answer| backup::reason(answer).map(drop)),
        Field::new("until", "Until", FieldKind::Text)
            .says(
                "A day such as 2027-01-31, whose beginning in UTC counts, or a moment such as 2027-01-31T12:00:00Z. \
                 Left empty, it is held until somebody releases it.",
            )
            .begins(defaults.until.map(|until| until.to_string()))
            .optional()
            .checked(|answer| until(answer).map(drop)),
    ];
    let title = format!("hold restore point {}", snapshot.meta.reference(Kind::VolumeSnapshot).path());
    Some(FormSpec { title, fields })
}

/// What a filled form chose.
///
/// # Errors
/// When an answer is not what the form would let pass.
pub fn options(filled: &Filled) -> Result<Options, String> {
    Ok(Options {
        reason: filled.get("reason").map(backup::reason).transpose()?,
        until: filled.get("until").map(until).transpose()?,
    })
}

/// Reads when a hold ends: a moment of RFC 3339, or a day, whose beginning in UTC counts.
///
/// # Errors
/// When it is neither; says what to write.
pub fn until(text: &str) -> Result<Timestamp, String> {
    let text = text.trim();
    if let Ok(moment) = text.parse() {
        return Ok(moment);
    }
    let day = text.parse::<Date>().ok().filter(|_| text.len() == 10);
    let moment = day.and_then(|day| day.to_zoned(TimeZone::UTC).ok()).map(|day| day.timestamp());
    moment.filter(|moment| moment.duration_since(Timestamp::UNIX_EPOCH) > SignedDuration::ZERO).ok_or_else(|| {
        format!("\"{}\" is not a time; write a day such as 2027-01-31, or 2027-01-31T12:00:00Z", text::sanitize(text))
    })
}

/// The command that makes the same choices for this copy on this context.
pub fn command(options: &Options, snapshot: &VolumeSnapshot, context: &str) -> String {
    let mut more = Vec::new();
    if let Some(reason) = &options.reason {
        // A value that begins with a dash would be taken for an option.
        more.push(format!("--reason={reason}"));
    }
    if let Some(until) = options.until {
        more.extend(["--until".to_owned(), until.to_string()]);
    }
    line("hold", snapshot, more, context)
}

/// The command that releases this copy on this context.
pub fn release_command(snapshot: &VolumeSnapshot, context: &str) -> String {
    line("release", snapshot, Vec::new(), context)
}

fn line(verb: &str, snapshot: &VolumeSnapshot, more: Vec<String>, context: &str) -> String {
    let path = snapshot.meta.reference(Kind::VolumeSnapshot).path();
    let mut words = vec!["holdfast".to_owned(), verb.to_owned(), path];
    words.extend(more);
    if !context.is_empty() {
        words.extend(["--context".to_owned(), context.to_owned()]);
    }
    text::command_line(&words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("2027-01-31", Some("2027-01-31T00:00:00Z"))]
    #[case(" 2027-01-31T12:00:00+01:00 ", Some("2027-01-31T11:00:00Z"))]
    #[case("20270131T", None)]
    #[case("31.1.2027", None)]
    #[case("soon", None)]
    fn a_hold_ends_with_a_day_or_a_moment(#[case] text: &str, #[case] moment: Option<&str>) {
        assert_eq!(until(text).ok(), moment.map(|moment| moment.parse().unwrap()));
    }
}
