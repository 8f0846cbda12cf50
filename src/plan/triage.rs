//! What a person decides on findings: as a form, and as options of the command line. There is no plan, because nothing
//! of the cluster changes.

use jiff::Timestamp;

use super::{Choice, Field, FieldKind, Filled, FormSpec, hold};
use crate::model::{FindingId, TriageState, Undecidable};
use crate::text::{self, quantity};

/// What a person wants to be decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// What.
    pub state: TriageState,
    /// Why.
    pub reason: String,
    /// Until when it counts; an acceptance needs one.
    pub until: Option<Timestamp>,
}

/// What choosing a state means.
const fn says(state: TriageState) -> &'static str {
    match state {
        TriageState::Open => "it counts, whatever was decided before",
        TriageState::Acknowledged => "somebody knows of it; it counts",
        TriageState::Accepted => "the risk is taken for a while; then it is open again",
        TriageState::FalsePositive => "it is none, and counts no more",
        TriageState::Fixed => "it counts no more, unless a later scan sees it",
    }
}

/// The form for a decision on what is named.
pub fn form(on: &str) -> FormSpec {
    let states = TriageState::ALL.map(|state| Choice::new(state.word(), says(state)));
    let fields = vec![
        Field::new("state", "State", FieldKind::one_of("state", states))
            .says("What is decided. The newest decision on a finding counts, whoever made it.")
            .begins(TriageState::Acknowledged.word()),
        Field::new("reason", "Reason", FieldKind::Text)
            .says("Why, for whoever looks at it later. It is written down with your name, and exported."),
        Field::new("until", "Until", FieldKind::Text)
            .says(
                "A span from now such as 30d, a day such as 2027-01-31, or a moment such as 2027-01-31T12:00:00Z. Then \
                 the finding is open again. An acceptance needs it.",
            )
            .optional()
            .checked(|answer| end(answer, Timestamp::UNIX_EPOCH).map(drop)),
    ];
    FormSpec { title: on.to_owned(), fields }
}

/// The field whose answer does not go with the state that is chosen, and why.
pub fn unfit(state: &str, until: &str) -> Option<(&'static str, Undecidable)> {
    match (TriageState::parse(state.trim())?, until.trim()) {
        (TriageState::Accepted, "") => Some(("until", Undecidable::Endless)),
        (TriageState::Open, until) if !until.is_empty() => Some(("until", Undecidable::OpenUntil)),
        _ => None,
    }
}

/// What a filled form chose.
///
/// # Errors
/// When an answer is not what the form would let pass, or its end is over.
pub fn wish(filled: &Filled, now: Timestamp) -> Result<Wish, String> {
    let state = filled.get("state").and_then(TriageState::parse).ok_or("no state is chosen")?;
    let reason = filled.get("reason").unwrap_or_default().to_owned();
    let until = filled.get("until").map(|text| until(text, now)).transpose()?;
    Ok(Wish { state, reason, until })
}

/// The command that decides the same.
pub fn command(findings: &[FindingId], filled: &Filled) -> String {
    let mut words = vec!["holdfast".to_owned(), "triage".to_owned()];
    words.extend(findings.iter().map(ToString::to_string));
    // A value that begins with a dash would be taken for an option.
    let options = ["state", "reason", "until"].map(|id| Some(format!("--{id}={}", filled.get(id)?)));
    words.extend(options.into_iter().flatten());
    text::command_line(&words)
}

/// Reads until when a decision counts: a span from now such as `30d`, a day, or a moment.
///
/// # Errors
/// When it is neither, or is over; says what to write.
pub fn until(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    end(text, now).and_then(|until| if until > now { Ok(until) } else { Err(Undecidable::Over.to_string()) })
}

fn end(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let text = text.trim();
    match quantity::parse_span(text) {
        Some(span) if span.is_positive() => {
            now.checked_add(span).map_err(|_| "that is further than any calendar goes".to_owned())
        }
        Some(_) => Err(Undecidable::Over.to_string()),
        None => hold::until(text).map_err(|_| {
            let text = text::sanitize(text);
            format!("\"{text}\" is not a time; write a span such as 30d, or a day such as 2027-01-31")
        }),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::span("30d", Ok("2026-03-31T00:00:00Z"))]
    #[case::parts(" 1d12h ", Ok("2026-03-02T12:00:00Z"))]
    #[case::day("2027-01-31", Ok("2027-01-31T00:00:00Z"))]
    #[case::moment("2027-01-31T12:00:00+01:00", Ok("2027-01-31T11:00:00Z"))]
    #[case::now("0d", Err("the end has to lie in the future"))]
    #[case::back("-2d", Err("the end has to lie in the future"))]
    #[case::over("2026-02-28", Err("the end has to lie in the future"))]
    #[case::far("9999999y", Err("that is further than any calendar goes"))]
    #[case::word("\u{1b}soon", Err("\"␛soon\" is not a time; write a span such as 30d, or a day such as 2027-01-31"))]
    fn an_end_is_a_span_a_day_or_a_moment_that_is_still_to_come(
        #[case] text: &str,
        #[case] expected: Result<&str, &str>,
    ) {
        let now = "2026-03-01T00:00:00Z".parse().unwrap();
        let expected = expected.map(|moment| moment.parse().unwrap()).map_err(str::to_owned);
        assert_eq!(until(text, now), expected);
    }

    #[test]
    fn a_filled_form_is_a_wish_and_a_command() {
        let now: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
        let filled = form("it").filled(&["accepted", " it's -- due ", "30d"].map(str::to_owned)).unwrap();
        let until = now + jiff::SignedDuration::from_hours(30 * 24);
        let expected = Wish { state: TriageState::Accepted, reason: "it's -- due".into(), until: Some(until) };
        assert_eq!(wish(&filled, now), Ok(expected));
        let line = command(&[FindingId(1), FindingId(2)], &filled);
        assert_eq!(
            line,
            "holdfast triage 00000000000000000000000000000001 00000000000000000000000000000002 --state=accepted \
             '--reason=it'\\''s -- due' --until=30d"
        );
    }

    #[rstest]
    #[case("accepted", "", Some(Undecidable::Endless))]
    #[case("accepted", "30d", None)]
    #[case("open", "30d", Some(Undecidable::OpenUntil))]
    #[case("open", " ", None)]
    #[case("fixed", "", None)]
    fn an_acceptance_has_an_end_and_what_is_open_has_none(
        #[case] state: &str,
        #[case] until: &str,
        #[case] wrong: Option<Undecidable>,
    ) {
        assert_eq!(unfit(state, until), wrong.map(|why| ("until", why)));
    }
}
