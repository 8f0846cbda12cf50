//! The rotation of a CA as lines: the two CAs, every gate with what has not converged, what comes next and its key.

use jiff::Timestamp;

use super::super::App;
use super::super::action::{ActionId, Availability};
use super::super::rotation::RotationLayer;
use super::super::theme::Meaning;
use super::{Line, wrap};
use crate::assess::succession::Phase;
use crate::plan::Request;
use crate::runbook::Next;
use crate::session::Desk;
use crate::text;
use crate::view::procedure::{GateLine, Stage};
use crate::view::rotation::{Authority, Rotation};
use crate::view::{Level, OperationView};

/// Columns of a gate's mark and word: `✓ passed  reissue  `.
const MARK: usize = 19;
/// Columns of labels.
const LABEL: usize = 11;

/// What stands on the right of the title.
pub fn right(layer: &RotationLayer) -> String {
    let rotation = layer.rotation.as_ref();
    let here = rotation.and_then(|rotation| Some((rotation.here()?.0, rotation.gates.len())));
    here.map(|(at, all)| format!("gate {at} of {all}")).unwrap_or_default()
}

/// All of it in lines of this many columns; what comes next stands above the gates, where it is always seen first.
pub fn lines(app: &App, desk: &Desk, layer: &RotationLayer, room: usize) -> Vec<Line> {
    let Some(rotation) = &layer.rotation else { return Vec::new() };
    let mut lines = authorities(desk, rotation, room);
    let said = next(app, desk, rotation).into_iter().chain(running(desk, layer));
    for (i, (text, meaning)) in said.enumerate() {
        lines.extend(labelled(if i == 0 { "Next" } else { "" }, &text, meaning, room));
    }
    lines.push(Line::new());
    lines.extend(rotation.gates.iter().flat_map(|gate| gate_lines(gate, desk.now, room)));
    lines
}

/// A text beside a label, on as many lines as it needs.
fn labelled(label: &str, text: &str, meaning: Meaning, room: usize) -> Vec<Line> {
    let pieces = wrap(&text::sanitize(text), room.saturating_sub(LABEL)).into_iter().enumerate();
    let line = |(i, piece): (usize, String)| {
        let label = if i == 0 { label } else { "" };
        vec![(format!("{label:<LABEL$}"), Meaning::Heading), (piece, meaning)]
    };
    pieces.map(line).collect()
}

/// A text after an indent, on as many lines as it needs.
fn wrapped(text: &str, meaning: Meaning, indent: usize, room: usize) -> Vec<Line> {
    let start = " ".repeat(indent);
    let pieces = wrap(&text::sanitize(text), room.saturating_sub(indent));
    pieces.into_iter().map(|piece| vec![(start.clone(), meaning), (piece, meaning)]).collect()
}

fn authorities(desk: &Desk, rotation: &Rotation, room: usize) -> Vec<Line> {
    // What is not seen is not said to be gone.
    let known = !rotation.gates.is_empty() || matches!(rotation.standing.next, Next::Done(_));
    let absent = |said: &str| {
        let (said, meaning) = if known { (said, Meaning::Muted) } else { ("not known", Meaning::Unknown) };
        (said.to_owned(), meaning)
    };
    let (gone, none) = (absent("gone"), absent("not made yet"));
    let said = |ca: &Option<Authority>, none| ca.as_ref().map_or(none, |ca| authority(ca, desk.now));
    let both = [("Former CA", said(&rotation.former, gone)), ("New CA", said(&rotation.successor, none))];
    both.into_iter().flat_map(|(label, (text, meaning))| labelled(label, &text, meaning, room)).collect()
}

fn authority(ca: &Authority, now: Timestamp) -> (String, Meaning) {
    let span = ca.until.duration_since(now);
    let (left, meaning) = if span.is_positive() {
        (format!("{} left", text::age(span)), Meaning::Text)
    } else {
        ("expired".to_owned(), Meaning::Danger)
    };
    (format!("{} in {}, until {} ({left})", ca.subject, ca.secret, ca.until.strftime("%F")), meaning)
}

fn gate_lines(gate: &GateLine, now: Timestamp, room: usize) -> Vec<Line> {
    let (mark, says) = match gate.stage {
        Stage::Passed => (Meaning::Ok, Meaning::Text),
        Stage::Here => (Meaning::Warn, Meaning::Accent),
        Stage::Later => (Meaning::Muted, Meaning::Muted),
    };
    let more = match gate.until {
        Some(until) => format!(" ({} left)", text::age(until.duration_since(now))),
        None if gate.count > 0 => format!(" ({} left)", gate.count),
        None => String::new(),
    };
    let mut lines = Vec::new();
    for (i, piece) in wrap(&format!("{}{more}", gate.says), room.saturating_sub(MARK)).into_iter().enumerate() {
        let head = format!("{} {:<7} {:<8} ", gate.stage.glyph(), gate.stage.word(), gate.word);
        let head = if i == 0 { head } else { " ".repeat(MARK) };
        lines.push(vec![(head, mark), (piece, says)]);
    }
    let left = if gate.stage == Stage::Passed { Meaning::Muted } else { Meaning::Warn };
    lines.extend(gate.left.iter().flat_map(|text| wrapped(text, left, MARK + 2, room)));
    lines
}

/// What comes next in sentences, with the key that does it.
fn next(app: &App, desk: &Desk, rotation: &Rotation) -> Vec<(String, Meaning)> {
    let key = app.keymap.way(ActionId::RotateCa);
    let mut said = match &rotation.standing.next {
        Next::Plan(request) => {
            let object = text::sanitize(&request.object(&desk.world)).into_owned();
            let end = match &**request {
                Request::RotateCa { options, .. } => format!(", so that {}", options.phase.says()),
                _ => String::new(),
            };
            vec![(format!("{key} goes on: {} {object}{end}.", request.verb()), Meaning::Accent)]
        }
        Next::Ask { .. } => vec![
            (asked(rotation).to_owned(), Meaning::Warn),
            (format!("{key} asks how it is known; the answer is kept with your name."), Meaning::Accent),
        ],
        Next::Wait { until, .. } => vec![waits(rotation, *until, desk.now)],
        Next::Done(done) => vec![(format!("Done: {done}."), Meaning::Text)],
        Next::Refused { why, clear } => {
            vec![
                (format!("It cannot go on: {why}."), Level::Unknown.into()),
                (format!("What would clear it: {clear}."), Meaning::Text),
            ]
        }
    };
    if matches!(rotation.standing.next, Next::Plan(_) | Next::Ask { .. }) {
        said.extend(hindered(app, desk));
    }
    said
}

/// The gate at which it stands.
fn phase(rotation: &Rotation) -> Option<Phase> {
    rotation.standing.gates.iter().find(|gate| !gate.passed).map(|gate| gate.phase)
}

fn asked(rotation: &Rotation) -> &'static str {
    match phase(rotation) {
        Some(Phase::Stores) => {
            "Somebody has to answer for it that both are trusted where Holdfast cannot see or write that."
        }
        _ => {
            "Somebody has to answer for it that those outside of the cluster who trust the former one have the new one."
        }
    }
}

fn waits(rotation: &Rotation, until: Option<Timestamp>, now: Timestamp) -> (String, Meaning) {
    if let Some(until) = until {
        let left = text::age(until.duration_since(now));
        return (format!("Wait until {until:.0} ({left} left): time alone opens this gate."), Meaning::Warn);
    }
    let said = match phase(rotation) {
        Some(Phase::Start) => "Nothing makes these pods again: whoever runs them starts them anew.",
        Some(Phase::Reissue) => "What is issued elsewhere is issued anew there, as stands beside each.",
        Some(Phase::Drop) => "Whoever keeps these takes the former CA out of them, as stands beside each.",
        _ => "Nothing can be done here.",
    };
    (format!("Wait. {said}"), Meaning::Warn)
}

/// Why it cannot be gone on with in this session, though it could be.
fn hindered(app: &App, desk: &Desk) -> Option<(String, Meaning)> {
    match app.available(desk, ActionId::RotateCa) {
        Availability::Disabled(why) => Some((format!("Not now: {why}."), Meaning::Warn)),
        Availability::Enabled => None,
    }
}

/// What is being done for it just now.
fn running(desk: &Desk, layer: &RotationLayer) -> Option<(String, Meaning)> {
    let target = layer.target(desk)?;
    let of_it = |operation: &&OperationView| operation.state.active() && operation.subject == target;
    let operation = desk.operations.iter().find(of_it)?;
    Some((format!("An operation is under way: {}.", operation.title), Meaning::Info))
}
