//! How many findings were open when, by scans alone: what people decided changes no past.

use jiff::{SignedDuration, Timestamp};

use super::table::{FindingTable, Life};

/// How far back a trend goes.
const SPAN: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Moments in it.
const POINTS: usize = 16;

/// The number of open findings among these rows at some moments of the last 30 days, the oldest first. It begins with
/// the first scan of all that had anything, for whichever rows: so trends can be held beside each other.
pub fn trend(table: &FindingTable, rows: impl Iterator<Item = u32>, now: Timestamp) -> Vec<(Timestamp, u64)> {
    let Some(first) = table.since else { return Vec::new() };
    let from = now.saturating_sub(SPAN).unwrap_or(first).max(first);
    let span = now.duration_since(from).as_millis();
    if span <= 0 {
        return Vec::new();
    }
    let mut change = [0_i64; POINTS + 1];
    for life in rows.filter_map(|row| table.lives.get(row as usize)) {
        count(life, &mut change, |at| point(at.duration_since(from).as_millis(), span));
    }
    let step = span / i128::try_from(POINTS).unwrap_or(1);
    let mut open = 0;
    let mut points = Vec::with_capacity(POINTS);
    for (place, change) in (1..).zip(change.iter().take(POINTS)) {
        open += change;
        let after = i64::try_from(step * place).map_or(SignedDuration::ZERO, SignedDuration::from_millis);
        points.push((from.checked_add(after).unwrap_or(now), u64::try_from(open).unwrap_or(0)));
    }
    points
}

fn count(life: &Life, change: &mut [i64], at: impl Fn(Timestamp) -> usize) {
    // Gone, and nobody knows since when: it is not drawn as if it had been there until now.
    if life.ended && life.gone.is_none() {
        return;
    }
    let first = life.first.map_or(0, &at);
    change[first] += 1;
    if let Some(gone) = life.gone {
        change[at(gone).max(first)] -= 1;
    }
}

/// The first point at or after a moment; one past the last for what is to come.
fn point(since: i128, span: i128) -> usize {
    let points = i128::try_from(POINTS).unwrap_or(1);
    usize::try_from((since.max(0) * points / span).min(points)).unwrap_or(POINTS)
}
