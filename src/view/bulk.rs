//! Certificates that are issued anew one after the other, in lines: each with its wave and how far it has come, and what
//! is left out with its reason.

use super::procedure::{Stage, next};
use crate::runbook::bulk::{Left, Line, Standing, State};
use crate::text;

/// All of it as plain lines; safe to draw.
pub fn lines(standing: &Standing<'_>, left: &[Left]) -> Vec<String> {
    let here = standing.open().next().map(|line| line.item);
    let mut lines = vec![count(standing)];
    for one in &standing.lines {
        let stage = match (&one.state, here) {
            (State::Done { .. }, _) => Stage::Passed,
            (_, Some(here)) if here == one.item => Stage::Here,
            _ => Stage::Later,
        };
        lines.push(format!("{} wave {:<3} {:<7} {}", stage.glyph(), one.wave, one.item.way.word(), said(one)));
    }
    if !left.is_empty() {
        lines.push(format!("left out: {}", left.len()));
        lines.extend(left.iter().map(|left| format!("  {}: {}", text::sanitize(&left.object.to_string()), left.why)));
    }
    if standing.open().next().is_none() || standing.lines.iter().any(|line| matches!(line.state, State::Unproven(_))) {
        lines.extend(next(&standing.next, "issue it once more and restart all that use it"));
    }
    lines
}

fn count(standing: &Standing<'_>) -> String {
    let all = text::plural(standing.lines.len(), "certificate", "certificates");
    let waves = text::plural(standing.waves(), "wave", "waves");
    format!("{all} in {waves}: {} done, {} to issue anew", standing.done(), standing.open().count())
}

/// One of them, by its name, and what is known of it.
fn said(line: &Line<'_>) -> String {
    let item = line.item;
    let what = match &line.state {
        State::Done { issued, proof } => format!("issued {issued:.0}, {}", proof.said()),
        State::Unproven(why) => format!("issued, not served: {why}"),
        State::Open => {
            let users = text::plural(item.users, "user", "users");
            if item.seen { format!("{users}, seen to be served") } else { users }
        }
    };
    let canary = if line.wave == 1 { "the first, to prove it: " } else { "" };
    format!("{}: {canary}{what}", text::sanitize(&item.secret.to_string()))
}
