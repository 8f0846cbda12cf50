//! The lists of the console as a runbook looks through them: by the same filters, over the same rows.
//!
//! What is not seen whole and live is told as not seen, whatever matches: a check that passes has to be true now.

use jiff::Timestamp;

use super::{
    Boards, Filter, OperationView, Pane, PaneList, Problem, Query, Says, Sieve, Sort, blind_spot, exposures, problems,
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
        let says = SAID.iter().filter_map(|id| cell(pane, id, cells, self.now)).filter(|said| !said.is_empty());
        Some(Spotted { path, says: text::sanitize(&says.collect::<Vec<_>>().join(" · ")).into_owned() })
    }

    fn problems(&self, all: &[Problem], filter: &Filter) -> Result<Seen, Looked> {
        let sieve = Sieve::new(filter, &Filter::default());
        if let Some(fault) = sieve.faults().first() {
            return Err(Looked::Wrong(fault.to_string()));
        }
        let passing: Vec<&Problem> =
            all.iter().filter(|problem| sieve.passes(problem, self.world, self.boards, self.now)).collect();
        let spotted = |problem: &&Problem| Spotted {
            path: problem.object.as_ref().map_or_else(|| problem.title.to_string(), ObjRef::path),
            says: text::sanitize(&format!("{} · {}", problem.state, problem.reason)).into_owned(),
        };
        Ok(Seen { count: passing.len(), rows: passing.iter().take(MOST).map(spotted).collect() })
    }
}

/// What is said of a row, by the ids of its columns, where it has them.
const SAID: [&str; 9] = ["state", "cut", "volume", "trust", "proven", "lastGood", "expires", "band", "workload"];

fn cell(pane: Pane, id: &str, cells: &[super::Cell], now: Timestamp) -> Option<String> {
    let at = pane.columns().iter().position(|column| column.id == id)?;
    Some(cells.get(at)?.print(now).into_owned())
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
