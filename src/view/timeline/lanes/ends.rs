//! What of all certificates is due in the next three months: which end, and which are to be renewed, day by day.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{CELLS, Source, lane};
use crate::assess::expiry::RENEWAL_GRACE;
use crate::model::{CertManagerCertificate, Key, Kind};
use crate::text;
use crate::view::timeline::{Chart, Lane, Mark, Window};
use crate::view::{Cell, Level, Pane, Row};

/// How far ahead is looked.
const AHEAD: SignedDuration = SignedDuration::from_hours(24 * 90);
/// Most lanes of single certificates; the first lane has them all.
const MOST: usize = 100;
/// Its name, which is what the cursor holds on to as well.
const NAME: &str = "Certificates 90d";

/// Whether a lane is the one of all certificates.
pub(in crate::view) fn is_ends(key: &Key) -> bool {
    matches!(key, Key::Notice(id) if **id == *NAME)
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Ends,
    IsRenewed,
}

impl What {
    fn said(self, count: usize) -> &'static str {
        match (self, count) {
            (Self::Ends, 1) => "ends",
            (Self::Ends, _) => "end",
            (Self::IsRenewed, 1) => "is to be renewed",
            (Self::IsRenewed, _) => "are to be renewed",
        }
    }
}

/// One certificate that ends, with all that its chain stands on, or is to be renewed.
struct Due<'a> {
    at: Timestamp,
    what: What,
    level: Level,
    row: &'a Row,
}

impl Source<'_> {
    /// The lane of all of them.
    pub(super) fn ends(&self, namespace: Option<&Arc<str>>) -> Lane {
        let dues = self.dues(namespace);
        let mut own = lane(NAME.into(), NAME, dues.iter().map(|due| due.level).max().unwrap_or(Level::Ok));
        let mut days: BTreeMap<(Date, What), Vec<&Due<'_>>> = BTreeMap::new();
        for due in &dues {
            days.entry((due.at.to_zoned(TimeZone::UTC).date(), due.what)).or_default().push(due);
        }
        own.marks = days.into_iter().filter_map(|((day, what), dues)| self.of_day(day, what, &dues)).collect();
        own.marks.sort_by_key(|mark| mark.at);
        own.note = self.unseen(Kind::TlsSecret, namespace).or_else(|| Some(self.told(&own, namespace)));
        if let Some((level, _)) = &own.note {
            own.level = own.level.max(*level);
        }
        own
    }

    /// All of it in a sentence, for a window in which none of it lies.
    fn told(&self, own: &Lane, namespace: Option<&Arc<str>>) -> (Level, Box<str>) {
        let count: usize = own.marks.iter().map(|mark| mark.count).sum();
        let (level, due) = match own.marks.first() {
            Some(first) => (own.level, format!("{count} due within 90 days; first: {}", first.what)),
            None => (Level::Info, "none ends or is to be renewed within 90 days".to_owned()),
        };
        match self.endless(namespace) {
            Some(unknown) => (level.max(Level::Unknown), format!("{unknown}; {due}").into()),
            None => (level, due.into()),
        }
    }

    /// The lane of all, then one for each, the first to end or to be renewed on top.
    pub(super) fn all_ends(&self, namespace: Option<&Arc<str>>) -> Chart {
        let mut lanes = vec![self.ends(namespace)];
        let mut seen: Vec<&Key> = Vec::new();
        for due in &self.dues(namespace) {
            if lanes.len() <= MOST && !seen.contains(&&due.row.key) {
                seen.push(&due.row.key);
                lanes.push(self.of_row(due.row));
            }
        }
        Chart { lanes, zoom: Window::zoom_for(AHEAD, CELLS), ahead: true }
    }

    /// In the order of their time.
    fn dues(&self, namespace: Option<&Arc<str>>) -> Vec<Due<'_>> {
        let mut dues: Vec<Due<'_>> = self.certificates(namespace).flat_map(|row| self.of_one(row)).collect();
        dues.sort_by(|a, b| {
            (a.at, &a.row.object.namespace, &a.row.object.name).cmp(&(
                b.at,
                &b.row.object.namespace,
                &b.row.object.name,
            ))
        });
        dues
    }

    fn certificates(&self, namespace: Option<&Arc<str>>) -> impl Iterator<Item = &Row> {
        let within = move |row: &&Row| namespace.is_none() || row.object.namespace.as_ref() == namespace;
        self.boards.board(Pane::Certificates).iter().filter(within)
    }

    fn of_one<'r>(&self, row: &'r Row) -> Vec<Due<'r>> {
        let until = self.now.saturating_add(AHEAD).unwrap_or(Timestamp::MAX);
        let end = end(row).filter(|end| self.now < *end && *end <= until);
        let renewal = self.writer(row).filter(|writer| !writer.unrenewed).and_then(|writer| writer.renewal);
        // One that is late is due still.
        let renewal = renewal.filter(|at| *at <= until);
        let late = renewal.is_some_and(|at| at.saturating_add(RENEWAL_GRACE).unwrap_or(Timestamp::MAX) < self.now);
        let planned = renewal.is_some() && !late && !row.level.problem();
        let level = |least: Level| if row.level.problem() { row.level.max(least) } else { least };
        let ends = end.map(|at| {
            let level = if planned { Level::Info } else { level(Level::Warn) };
            Due { at, what: What::Ends, level, row }
        });
        let renewed = renewal.map(|at| {
            let level = if late { level(Level::Warn) } else { Level::Info };
            Due { at, what: What::IsRenewed, level, row }
        });
        ends.into_iter().chain(renewed).collect()
    }

    /// The Certificate that renews what a row stands for.
    fn writer(&self, row: &Row) -> Option<&CertManagerCertificate> {
        let inventory = &self.world.inventory;
        match &row.key {
            Key::Object(Kind::Certificate, uid) => inventory.certificates.get(uid),
            Key::Object(Kind::TlsSecret, _) => {
                let key = (row.object.namespace.clone()?, row.object.name.clone());
                let writer = self.world.links.certificates_writing(&key).first()?;
                inventory.certificates.get(writer)
            }
            _ => None,
        }
    }

    fn of_day(&self, day: Date, what: What, dues: &[&Due<'_>]) -> Option<Mark> {
        let (first, rest) = dues.split_first()?;
        let away = self.away(first.at);
        let verb = what.said(dues.len());
        let said = if rest.is_empty() {
            format!("{} {verb} {away}", first.row.object)
        } else {
            format!("{} certificates {verb} on {day}, the first {away}: {}", dues.len(), first.row.object)
        };
        let level = dues.iter().map(|due| due.level).max()?;
        Some(Mark { at: first.at, level, what: said.into(), object: Some(first.row.key.clone()), count: dues.len() })
    }

    fn of_row(&self, row: &Row) -> Lane {
        let own = match &row.key {
            Key::Object(kind, uid) => self.certificate(*kind, uid),
            _ => None,
        };
        own.unwrap_or_else(|| {
            let path = row.object.path();
            let mut own = Lane { object: Some(row.key.clone()), ..lane(format!("{:?}", row.key), &path, row.level) };
            own.note = self.said(own.object.as_ref());
            let mark = |due: Due<'_>| Mark {
                at: due.at,
                level: due.level,
                what: format!("{} {}", due.what.said(1), self.away(due.at)).into(),
                object: Some(row.key.clone()),
                count: 1,
            };
            own.marks = self.of_one(row).into_iter().map(mark).collect();
            own
        })
    }

    /// Those of which no end is known: that none of them is due must not be read out of the lane.
    fn endless(&self, namespace: Option<&Arc<str>>) -> Option<String> {
        let holds = |row: &&Row| {
            let kinds = [Kind::TlsSecret, Kind::Certificate, Kind::OtherSecret, Kind::ConfigMap];
            kinds.contains(&row.object.kind) && row.level.problem() && end(row).is_none()
        };
        let count = self.certificates(namespace).filter(holds).count();
        let text = format!("of {} it is not known when", text::plural(count, "certificate", "certificates"));
        (count > 0).then_some(text)
    }
}

/// When the first of what a certificate stands on ends, as its row has it.
fn end(row: &Row) -> Option<Timestamp> {
    row.cells.iter().find_map(|cell| match cell {
        Cell::Until(end, _) => Some(*end),
        _ => None,
    })
}
