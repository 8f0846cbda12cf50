//! The lists of the console as a runbook looks through them: by the same filters, over the same rows.
//!
//! What is not seen whole and live is told as not seen, whatever matches: a check that passes has to be true now.

use jiff::Timestamp;

use super::{
    Boards, Cell, Filter, OperationView, Pane, PaneList, Problem, Query, Says, Sieve, Sort, blind_spot, exposures,
    problems,
};
use crate::model::{Connection, Freshness, Kind, ObjRef, Watched, World};
use crate::runbook::book::Among;
use crate::runbook::turn::{Looked, Seen, Sight, Spotted};
use crate::text;

/// So many rows are named at most; all of them are counted.
pub const MOST: usize = 500;

/// The lists of one console at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Lists<'a> {
    /// The cluster.
    pub world: &'a World,
    /// The rows of its panes.
    pub boards: &'a Boards,
    /// Its operations.
    pub operations: &'a [OperationView],
    /// Now.
    pub now: Timestamp,
}

impl Sight for Lists<'_> {
    fn look(&self, among: Among, filter: &str) -> Result<Seen, Looked> {
        if let Some(why) = self.unseen(among) {
            return Err(Looked::Unseen(why));
        }
        let filter = Filter::parse(filter);
        match pane(among) {
            Some(pane) => self.rows(pane, filter),
            None if among == Among::Exposures => self.problems(&exposures(self.boards), &filter),
            // That a run goes on is no problem to itself.
            None => self.problems(&problems(self.world, self.boards, self.operations, &[]), &filter),
        }
    }
}

impl Lists<'_> {
    /// Why a list cannot be judged now; `None` when it can.
    fn unseen(&self, among: Among) -> Option<String> {
        if let Connection::Down { why, .. } = &self.world.connection {
            return Some(format!("there is no connection to the cluster: {}", text::sanitize(why)));
        }
        if self.boards.behind() {
            return Some("rows are being made".to_owned());
        }
        let blind = kinds(among).into_iter().find_map(|kind| self.blind(kind));
        blind.or_else(|| matches!(among, Among::Findings | Among::Exposures).then(|| self.unread()).flatten())
    }

    fn blind(&self, kind: Kind) -> Option<String> {
        match self.world.freshness(kind) {
            Freshness::Live => {
                let (name, _) = self.world.unreadable.get(&kind)?.iter().next()?;
                Some(format!("{} {} cannot be read", kind.spec().kind, text::sanitize(name)))
            }
            Freshness::Loading => Some(format!("{} are being listed", kind.spec().plural)),
            other => blind_spot(kind, other).map(|why| text::sanitize(&why).into_owned()),
        }
    }

    /// Why findings are not known.
    fn unread(&self) -> Option<String> {
        match (self.world.findings.watched(), self.world.findings.unread()) {
            (Watched::Nowhere, _) => Some("no source of findings is configured".to_owned()),
            (Watched::Reading, _) => Some("findings are being read".to_owned()),
            (Watched::Read, []) => None,
            (Watched::Read, [first, ..]) => Some(format!("not all findings were read: {}", text::sanitize(first))),
        }
    }

    fn rows(&self, pane: Pane, filter: Filter) -> Result<Seen, Looked> {
        let mut list = PaneList::new(pane, Query { filter, sort: order(pane), ..Query::default() });
        list.refresh(self.boards, self.world, self.now);
        if let Some(fault) = list.faults().first() {
            return Err(Looked::Wrong(fault.to_string()));
        }
        let rows = (0..list.len().min(MOST)).filter_map(|place| self.row(&list, pane, place));
        Ok(Seen { count: list.found(), rows: rows.collect() })
    }

    fn row(&self, list: &PaneList, pane: Pane, place: usize) -> Option<Spotted> {
        let line = list.line(self.boards, place, self.now)?;
        let Says::Cells(cells) = &line.says else { return None };
        let path = match self.boards.row(&line.key) {
            Some(row) => row.object.path(),
            None => cell(pane, "rule", cells, self.now)?,
        };
        let said = |now: Option<Timestamp>| {
            let each = SAID.iter().filter_map(|id| said(id, column(pane, id, cells)?, now));
            text::sanitize(&each.collect::<Vec<_>>().join(" · ")).into_owned()
        };
        Some(Spotted { path, says: said(Some(self.now)), told: said(None) })
    }

    fn problems(&self, all: &[Problem], filter: &Filter) -> Result<Seen, Looked> {
        let sieve = Sieve::new(filter, &Filter::default());
        if let Some(fault) = sieve.faults().first() {
            return Err(Looked::Wrong(fault.to_string()));
        }
        let passing: Vec<&Problem> =
            all.iter().filter(|problem| sieve.passes(problem, self.world, self.boards, self.now)).collect();
        let spotted = |problem: &&Problem| {
            let says = text::sanitize(&format!("{} · {}", problem.state, problem.reason)).into_owned();
            let path = problem.object.as_ref().map_or_else(|| problem.title.to_string(), ObjRef::path);
            Spotted { path, told: says.clone(), says }
        };
        Ok(Seen { count: passing.len(), rows: passing.iter().take(MOST).map(spotted).collect() })
    }
}

/// What is said of a row, by the ids of its columns, where it has them. What decides comes first: a line may be cut.
const SAID: [&str; 9] = ["state", "cut", "trust", "proven", "lastGood", "expires", "band", "workload", "volume"];

fn column<'a>(pane: Pane, id: &str, cells: &'a [Cell]) -> Option<&'a Cell> {
    cells.get(pane.columns().iter().position(|column| column.id == id)?)
}

fn cell(pane: Pane, id: &str, cells: &[Cell], now: Timestamp) -> Option<String> {
    Some(column(pane, id, cells)?.print(now).into_owned())
}

/// One cell with what it is; `None` of what is nothing. Without a now moments are told as such: what is kept is read at
/// another time.
fn said(id: &str, cell: &Cell, now: Option<Timestamp>) -> Option<String> {
    let ago = |at: &Timestamp| match now {
        Some(now) => format!("{} ago", text::age(now.duration_since(*at))),
        None => at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
    };
    let text = |cell: &Cell| cell.print(now.unwrap_or_default()).into_owned();
    Some(match (id, cell) {
        ("proven", Cell::Nothing) => "never proven".to_owned(),
        ("lastGood", Cell::Nothing) => "no good copy".to_owned(),
        (_, Cell::Nothing) => return None,
        ("cut", Cell::Unknown) => "not known when it was cut".to_owned(),
        ("trust", Cell::Unknown) => "trust not known".to_owned(),
        ("proven", Cell::Unknown) => "not known whether it was proven".to_owned(),
        ("lastGood", Cell::Unknown) => "last good copy not known".to_owned(),
        ("expires", Cell::Unknown) => "end not known".to_owned(),
        ("workload", Cell::Unknown) => "not known where it runs".to_owned(),
        ("volume", Cell::Unknown) => "not known of which volume".to_owned(),
        ("cut", Cell::Since(at)) => format!("cut {}", ago(at)),
        ("proven", Cell::Since(at)) => format!("proven {}", ago(at)),
        ("proven", _) => "its last drill failed".to_owned(),
        ("lastGood", Cell::Since(at)) => format!("last good copy {}", ago(at)),
        ("expires", Cell::Until(at, _)) if now.is_none() => format!("end {}", ago(at)),
        ("expires", Cell::Until(at, _)) if now.is_some_and(|now| *at < now) => format!("ended {}", text(cell)),
        ("expires", cell) => format!("ends {}", text(cell)),
        ("workload", cell) => format!("runs in {}", text(cell)),
        ("volume", cell) => format!("of {}", text(cell)),
        (_, cell) => text(cell),
    })
}

/// The pane of a list; `None` for those that have the columns of problems.
pub const fn pane(among: Among) -> Option<Pane> {
    match among {
        Among::Volumes => Some(Pane::Volumes),
        Among::RestorePoints => Some(Pane::RestorePoints),
        Among::Certificates => Some(Pane::Certificates),
        Among::Findings => Some(Pane::Findings),
        Among::Exposures | Among::Problems => None,
    }
}

/// Kinds that a list is made of: while one of them is not seen, rows may be missing.
fn kinds(among: Among) -> Vec<Kind> {
    match among {
        Among::Volumes => vec![Kind::Pvc, Kind::Pv],
        Among::RestorePoints => Kind::COPIES.to_vec(),
        Among::Certificates => vec![
            Kind::TlsSecret,
            Kind::Certificate,
            Kind::CertificateRequest,
            Kind::Issuer,
            Kind::ClusterIssuer,
            Kind::OtherSecret,
            Kind::ConfigMap,
        ],
        Among::Findings => Vec::new(),
        Among::Exposures => vec![Kind::Pvc, Kind::Pv, Kind::Pod],
        Among::Problems => Kind::ALL.iter().copied().filter(|kind| *kind != Kind::Event).collect(),
    }
}

/// Copies stand by their age, the newest first; everything else as the console shows it, the worst first.
fn order(pane: Pane) -> Sort {
    let cut = pane.columns().iter().position(|column| column.id == "cut");
    cut.map_or(Sort::Worst, |column| Sort::By { column, descending: false })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use rstest::rstest;

    use super::*;
    use crate::view::Level;

    fn now() -> Timestamp {
        "2026-11-30T12:00:00Z".parse().unwrap()
    }

    fn ago(minutes: i64) -> Cell {
        Cell::Since(now() - SignedDuration::from_mins(minutes))
    }

    #[rstest]
    #[case::good("state", Cell::State(Level::Ok, "Good"), Some("✓ Good"), Some("✓ Good"))]
    #[case::cut("cut", ago(5), Some("cut 5m ago"), Some("cut 2026-11-30 11:55 UTC"))]
    #[case::of("volume", Cell::Text("data".into()), Some("of data"), Some("of data"))]
    #[case::proven("proven", ago(60), Some("proven 1h ago"), Some("proven 2026-11-30 11:00 UTC"))]
    #[case::failed(
        "proven",
        Cell::State(Level::Warn, "no"),
        Some("its last drill failed"),
        Some("its last drill failed")
    )]
    #[case::never_proven("proven", Cell::Nothing, Some("never proven"), Some("never proven"))]
    #[case::no_copy("lastGood", Cell::Nothing, Some("no good copy"), Some("no good copy"))]
    #[case::ends(
        "expires",
        Cell::Until(now() + SignedDuration::from_hours(1), Level::Warn),
        Some("ends in 1h"),
        Some("end 2026-11-30 13:00 UTC")
    )]
    #[case::ended(
        "expires",
        Cell::Until(now() - SignedDuration::from_hours(1), Level::Critical),
        Some("ended 1h ago"),
        Some("end 2026-11-30 11:00 UTC")
    )]
    #[case::runs_nowhere("workload", Cell::Nothing, None, None)]
    #[case::unknown("cut", Cell::Unknown, Some("not known when it was cut"), Some("not known when it was cut"))]
    fn a_cell_says_what_it_is_and_what_is_kept_names_the_time(
        #[case] id: &str,
        #[case] cell: Cell,
        #[case] shown: Option<&str>,
        #[case] kept: Option<&str>,
    ) {
        assert_eq!(said(id, &cell, Some(now())).as_deref(), shown);
        assert_eq!(said(id, &cell, None).as_deref(), kept);
    }

    #[test]
    fn what_is_said_is_a_column_of_some_list() {
        let panes = [Pane::Volumes, Pane::RestorePoints, Pane::Certificates, Pane::Findings];
        let is_column = |id: &&str| panes.iter().any(|pane| pane.columns().iter().any(|column| column.id == *id));
        assert!(SAID.iter().all(is_column));
    }
}
