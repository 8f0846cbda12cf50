//! Where a volume was covered by a copy that is still here, and where it was not.

use jiff::{SignedDuration, Timestamp};

use super::{Source, lane};
use crate::assess::copies::{Copies, copies};
use crate::assess::coverage::{Coverage, coverage};
use crate::model::{Kind, Pvc, Rpo};
use crate::text;
use crate::view::timeline::{Lane, Mark, Span};
use crate::view::{Cell, Level};

impl Source<'_> {
    /// The objective of a volume: a copy covers it for as long as the objective lasts. A gap that goes on now is what
    /// coverage says; one in the past says only that no copy from then is left.
    pub(super) fn covered(&self, claim: &Pvc) -> Lane {
        let path = claim.meta.reference(Kind::Pvc).path();
        let judged = coverage(self.world, claim, self.now).value;
        let mut own = lane(format!("objective/{path}"), "Objective", judged.severity.into());
        let Rpo::Within(limit) = judged.rpo else {
            let why = if judged.rpo == Rpo::OptedOut { "opted out of backups" } else { "no objective is set" };
            own.note = Some((own.level, why.into()));
            return own;
        };
        own.name = format!("Objective {}", Cell::Span(limit).print(self.now)).into();
        let found = copies(self.world, claim, self.now);
        let case = Case { limit, found: &found, state: &judged.state, now: self.now };
        own.spans = case.spans(claim.meta.created);
        if let Some((_, cut)) = found.good.first() {
            let due = end(*cut, limit);
            let (level, what) = if due > self.now {
                (Level::Info, "by then the next copy is due")
            } else {
                (Level::Critical, "by then a copy was due")
            };
            own.marks.push(Mark { at: due, level, what: what.into(), object: None, count: 1 });
        }
        own
    }
}

struct Case<'a> {
    limit: SignedDuration,
    found: &'a Copies,
    state: &'a Coverage,
    now: Timestamp,
}

impl Case<'_> {
    fn spans(&self, created: Option<Timestamp>) -> Vec<Span> {
        let mut spans = Vec::new();
        let cuts: Vec<(Timestamp, &str)> =
            self.found.good.iter().rev().map(|(copy, cut)| (*cut, &*copy.object.name)).collect();
        let first = cuts.first().map_or(self.now, |(cut, _)| *cut);
        if let Some(created) = created.filter(|created| *created < first) {
            spans.push(self.before(created, first, cuts.is_empty()));
        }
        for (place, (cut, name)) in cuts.iter().enumerate() {
            let next = cuts.get(place + 1).map(|(next, _)| *next);
            let covered = end(*cut, self.limit);
            let to = next.map_or(covered, |next| covered.min(next));
            spans.push(Span { from: *cut, to, level: Level::Ok, what: format!("covered by {name}").into() });
            let gap = next.unwrap_or(self.now);
            if covered < gap {
                spans.push(self.gap(covered, gap, next.is_none()));
            }
        }
        spans
    }

    /// From the claim's beginning to its first copy that is here.
    fn before(&self, created: Timestamp, first: Timestamp, none: bool) -> Span {
        let due = end(created, self.limit);
        let level = match (none, self.state) {
            (true, Coverage::Never) if due <= self.now => Level::Critical,
            (true, Coverage::Never) => Level::Warn,
            _ => Level::Unknown,
        };
        let what =
            if none { "there is no good copy" } else { "no copy from then is left: it is not known whether one was" };
        Span { from: created, to: first, level, what: what.into() }
    }

    fn gap(&self, from: Timestamp, to: Timestamp, open: bool) -> Span {
        let long = text::age(to.duration_since(from));
        let maybe = self
            .found
            .uncertain
            .iter()
            .any(|(copy, _)| copy.cut.is_none_or(|cut| cut < to && end(cut, self.limit) > from));
        let (level, what) = match (open, self.state) {
            _ if maybe => (Level::Unknown, format!("not covered for {long}, unless a copy of unknown state is good")),
            (true, Coverage::Unknown { why }) => (Level::Unknown, format!("not known whether it was covered: {why}")),
            (true, _) => (Level::Critical, format!("breached: no copy is young enough for {long} now")),
            (false, _) => (Level::Warn, format!("gap of {long}: no copy that is still here covers it")),
        };
        Span { from, to, level, what: what.into() }
    }
}

fn end(moment: Timestamp, span: SignedDuration) -> Timestamp {
    moment.saturating_add(span).unwrap_or(Timestamp::MAX)
}
