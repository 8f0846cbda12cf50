//! What a pane lists: rows of its board, or findings, which are too many to have a row each. One for both, so that
//! cursor, marks, filter and sort work alike in every pane.

use std::borrow::Cow;

use jiff::Timestamp;

use super::findings::{FindingLine, FindingList, Group, GroupBy};
use super::{Boards, Cell, Fault, Listing, News, Pane, Query};
use crate::model::{Key, World};

/// What a pane lists.
#[derive(Debug)]
pub struct PaneList {
    pane: Pane,
    of: Of,
}

#[derive(Debug)]
enum Of {
    Board(Listing),
    Findings(FindingList),
}

/// One line of it.
#[derive(Clone, Debug)]
pub struct PaneLine<'a> {
    /// What it stands for.
    pub key: Cow<'a, Key>,
    /// What it says.
    pub says: Says<'a>,
    /// What just happened to it.
    pub news: Option<News>,
}

/// What a line says.
#[derive(Clone, Debug)]
pub enum Says<'a> {
    /// One value per column of the pane.
    Cells(Cow<'a, [Cell]>),
    /// The heading of a group.
    Group(Group<'a>),
}

impl PaneList {
    /// A list for a query; empty until it is brought up to date.
    pub fn new(pane: Pane, query: Query) -> Self {
        let of = match pane {
            Pane::Findings => Of::Findings(FindingList::new(query)),
            Pane::Volumes | Pane::RestorePoints | Pane::Certificates => Of::Board(Listing::new(query)),
        };
        Self { pane, of }
    }

    /// The query.
    pub fn query(&self) -> &Query {
        match &self.of {
            Of::Board(list) => list.query(),
            Of::Findings(list) => list.query(),
        }
    }

    /// Terms of its own filter that restrict nothing here.
    pub fn faults(&self) -> &[Fault] {
        match &self.of {
            Of::Board(list) => list.faults(),
            Of::Findings(list) => list.faults(),
        }
    }

    /// Terms of the pinned filter that restrict nothing here.
    pub fn pinned_faults(&self) -> &[Fault] {
        match &self.of {
            Of::Board(list) => list.pinned_faults(),
            Of::Findings(list) => list.pinned_faults(),
        }
    }

    /// Changes the query.
    pub fn ask(&mut self, query: Query) {
        match &mut self.of {
            Of::Board(list) => list.ask(query),
            Of::Findings(list) => list.ask(query),
        }
    }

    /// Brings it up to date with the boards and the time. Costs nothing when nothing changed.
    pub fn refresh(&mut self, boards: &Boards, world: &World, now: Timestamp) {
        match &mut self.of {
            Of::Board(list) => list.refresh(boards.board(self.pane), world, now),
            Of::Findings(list) => list.refresh(boards.findings(), now),
        }
    }

    /// How many lines it shows.
    pub fn len(&self) -> usize {
        match &self.of {
            Of::Board(list) => list.len(),
            Of::Findings(list) => list.len(),
        }
    }

    /// Whether it shows none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many things pass its filters.
    pub fn found(&self) -> usize {
        match &self.of {
            Of::Board(list) => list.len(),
            Of::Findings(list) => list.found(),
        }
    }

    /// The line at a place.
    pub fn line<'a>(&'a self, boards: &'a Boards, place: usize, now: Timestamp) -> Option<PaneLine<'a>> {
        match &self.of {
            Of::Board(list) => {
                let board = boards.board(self.pane);
                let row = list.row(board, place)?;
                let news = board.news(&row.key, now);
                Some(PaneLine { key: Cow::Borrowed(&row.key), says: Says::Cells(Cow::Borrowed(&row.cells)), news })
            }
            Of::Findings(list) => {
                let says = match list.line(place)? {
                    FindingLine::Group(group) => Says::Group(group),
                    FindingLine::Row(row) => Says::Cells(Cow::Owned(boards.findings().cells(row))),
                };
                Some(PaneLine { key: Cow::Owned(list.key(place)?), says, news: None })
            }
        }
    }

    /// What the line at a place stands for.
    pub fn key(&self, boards: &Boards, place: usize) -> Option<Key> {
        match &self.of {
            Of::Board(list) => list.row(boards.board(self.pane), place).map(|row| row.key.clone()),
            Of::Findings(list) => list.key(place),
        }
    }

    /// The place of a key.
    pub fn place(&self, boards: &Boards, key: &Key) -> Option<usize> {
        match &self.of {
            Of::Board(list) => list.place(boards.board(self.pane), key),
            Of::Findings(list) => list.place(key),
        }
    }

    /// Whether there is such a thing, shown or not.
    pub fn knows(&self, boards: &Boards, key: &Key) -> bool {
        match (&self.of, key) {
            (Of::Board(_), key) => boards.board(self.pane).get(key).is_some(),
            (Of::Findings(_), Key::Finding(id)) => boards.findings().row(*id).is_some(),
            (Of::Findings(_), _) => false,
        }
    }

    /// Whether a thing that is known passes.
    pub fn passes(&self, boards: &Boards, world: &World, key: &Key, now: Timestamp) -> bool {
        match (&self.of, key) {
            (Of::Board(list), key) => boards.board(self.pane).get(key).is_some_and(|row| list.passes(row, world, now)),
            (Of::Findings(list), Key::Finding(id)) => list.passes(*id),
            (Of::Findings(_), _) => false,
        }
    }

    /// What marking a line marks: the thing that it stands for, or all of a group.
    pub fn meant(&self, boards: &Boards, key: &Key) -> Vec<Key> {
        match self.findings().and_then(|list| list.headed(key)) {
            Some(group) => {
                let ids = group.rows.iter().filter_map(|row| boards.findings().id(*row));
                ids.map(Key::Finding).collect()
            }
            None => vec![key.clone()],
        }
    }

    /// The list of findings, where it is one.
    pub fn findings(&self) -> Option<&FindingList> {
        match &self.of {
            Of::Board(_) => None,
            Of::Findings(list) => Some(list),
        }
    }

    /// Puts findings together, or all below each other again.
    pub fn group_by(&mut self, group: Option<GroupBy>) {
        if let Of::Findings(list) = &mut self.of {
            list.group_by(group);
        }
    }

    /// Shows the rows of a group or hides them again; whether the key is a group's.
    pub fn fold(&mut self, key: &Key) -> bool {
        let Of::Findings(list) = &mut self.of else { return false };
        let Some(label) = list.headed(key).map(|group| group.label.to_owned()) else { return false };
        list.fold(&label);
        true
    }
}
