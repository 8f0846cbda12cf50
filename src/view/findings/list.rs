//! What a query takes from the table of findings, one below the other or in groups.
//!
//! Rows keep the table's order unless a column sorts them; the order of all rows is kept while only the filter changes.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::table::FindingTable;
use crate::model::{Band, FindingId, Key};
use crate::view::coded::Coded;
use crate::view::{Bound, Cell, Fault, Pane, Query, Sort};

/// What the keys of headings begin with.
const HEADING: &str = "findings/";
/// How often rows are looked at again where time alone may change which pass.
const MOVING: SignedDuration = SignedDuration::from_secs(1);

/// What rows are put together by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// The workloads that run it.
    Workload,
    /// The rule.
    Rule,
    /// The file.
    File,
}

impl GroupBy {
    /// All, in the order in which one goes through them.
    pub const ALL: [Self; 3] = [Self::Workload, Self::Rule, Self::File];

    /// Its word in commands and titles.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Workload => "workload",
            Self::Rule => "rule",
            Self::File => "file",
        }
    }

    /// Reads its word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.word() == word)
    }

    fn column(self) -> usize {
        let id = match self {
            Self::Workload => "workload",
            Self::Rule => "rule",
            Self::File => "path",
        };
        Pane::Findings.columns().iter().position(|column| column.id == id).unwrap_or(0)
    }

    /// What a group without a name is called.
    fn nameless(self, cell: &Cell) -> &'static str {
        match (self, cell) {
            (Self::Workload, Cell::Nothing) => "linked to no workload",
            (Self::Workload, _) => "workload not known",
            (Self::Rule, _) => "no rule",
            (Self::File, _) => "no file",
        }
    }
}

/// Rows that have one value in common.
#[derive(Clone, Debug, PartialEq)]
pub struct Group<'a> {
    /// What they have in common. Untrusted text.
    pub label: &'a str,
    /// How many count, by band in the order of [`Band::ALL`].
    pub open: [u32; Band::ALL.len()],
    /// How many do not count.
    pub closed: u32,
    /// Whether its rows are shown.
    pub unfolded: bool,
    /// Its rows.
    pub rows: &'a [u32],
}

/// A group by the number of the value that its rows have, with the place of its rows among those of all groups.
#[derive(Clone, Debug, Default)]
struct Gathered {
    code: u32,
    rows: Range<usize>,
    open: [u32; Band::ALL.len()],
    closed: u32,
    unfolded: bool,
}

/// One line of the list.
#[derive(Clone, Debug, PartialEq)]
pub enum FindingLine<'a> {
    /// The heading of a group.
    Group(Group<'a>),
    /// A row of the table.
    Row(u32),
}

#[derive(Clone, Copy, Debug)]
enum Line {
    Group(usize),
    Row(u32),
}

/// What a query takes from the table of findings.
#[derive(Debug, Default)]
pub struct FindingList {
    query: Query,
    group: Option<GroupBy>,
    /// The values of groups that are unfolded.
    unfolded: HashSet<Box<str>>,
    table: Arc<FindingTable>,
    /// All rows of the table in the order of this sort.
    sorted: Option<(Sort, Vec<u32>)>,
    filter: Bound,
    pinned: Bound,
    passing: Vec<bool>,
    groups: Vec<Gathered>,
    /// The rows of all groups, one group after the other.
    gathered: Vec<u32>,
    lines: Vec<Line>,
    built: Option<Timestamp>,
}

impl FindingList {
    /// A list for a query; empty until it is brought up to date.
    pub fn new(query: Query) -> Self {
        Self { query, ..Self::default() }
    }

    /// The query.
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// Terms of its own filter that restrict nothing here.
    pub fn faults(&self) -> &[Fault] {
        self.filter.faults()
    }

    /// Terms of the pinned filter that restrict nothing here.
    pub fn pinned_faults(&self) -> &[Fault] {
        self.pinned.faults()
    }

    /// Changes the query.
    pub fn ask(&mut self, query: Query) {
        if query != self.query {
            self.query = query;
            self.built = None;
        }
    }

    /// What rows are put together by.
    pub fn group(&self) -> Option<GroupBy> {
        self.group
    }

    /// Puts rows together, or all below each other again.
    pub fn group_by(&mut self, group: Option<GroupBy>) {
        self.group = group;
        self.unfolded.clear();
        self.built = None;
    }

    /// Shows the rows of a group, or hides them again.
    pub fn fold(&mut self, label: &str) {
        if !self.unfolded.remove(label) {
            self.unfolded.insert(label.into());
        }
        self.lay_out();
    }

    /// Brings the list up to date with the table and the time. Costs nothing when nothing changed.
    pub fn refresh(&mut self, table: &Arc<FindingTable>, now: Timestamp) {
        let same = Arc::ptr_eq(&self.table, table);
        let moved = |at: Timestamp| (self.filter.moves() || self.pinned.moves()) && now.duration_since(at) >= MOVING;
        if same && self.built.is_some_and(|at| !moved(at)) {
            return;
        }
        if !same {
            self.table = table.clone();
            self.sorted = None;
        }
        self.built = Some(now);
        self.sift(now);
        self.gather();
        self.lay_out();
    }

    fn sift(&mut self, now: Timestamp) {
        let columns = Pane::Findings.columns();
        (self.filter, self.pinned) = (self.query.filter.bind(columns), self.query.pinned.bind(columns));
        let table = &self.table;
        self.passing = self.filter.sieve(&table.levels, &table.columns, now);
        if !self.pinned.is_empty() {
            let pinned = self.pinned.sieve(&table.levels, &table.columns, now);
            self.passing.iter_mut().zip(pinned).for_each(|(pass, pinned)| *pass &= pinned);
        }
        if self.query.only_problems {
            self.passing.iter_mut().zip(&table.levels).for_each(|(pass, level)| *pass &= level.problem());
        }
        if self.sorted.as_ref().is_none_or(|(sort, _)| *sort != self.query.sort) {
            self.sorted = Some((self.query.sort, in_order(table, self.query.sort)));
        }
    }

    fn shown(&self) -> impl Iterator<Item = u32> {
        let sorted = self.sorted.iter().flat_map(|(_, rows)| rows);
        sorted.copied().filter(|row| self.passing.get(*row as usize) == Some(&true))
    }

    /// Puts rows together; the group of the first row comes first.
    fn gather(&mut self) {
        (self.groups, self.gathered) = (Vec::new(), Vec::new());
        let Some(column) = self.column() else { return };
        let shown: Vec<u32> = self.shown().collect();
        let mut places = vec![u32::MAX; column.values().len()];
        let mut groups: Vec<Gathered> = Vec::new();
        for row in &shown {
            let code = column.code(*row);
            let place = &mut places[code as usize];
            if *place == u32::MAX {
                *place = u32::try_from(groups.len()).unwrap_or(u32::MAX);
                groups.push(Gathered { code, ..Gathered::default() });
            }
            let group = &mut groups[*place as usize];
            group.rows.end += 1;
            match (self.table.open[*row as usize], self.table.bands[*row as usize]) {
                (true, band) => group.open[worst_first(band)] += 1,
                (false, _) => group.closed += 1,
            }
        }
        let mut next = 0;
        for group in &mut groups {
            let end = next + group.rows.end;
            // Filled below, row by row.
            group.rows = next..next;
            next = end;
        }
        let mut gathered = vec![0; shown.len()];
        for row in shown {
            let group = &mut groups[places[column.code(row) as usize] as usize];
            gathered[group.rows.end] = row;
            group.rows.end += 1;
        }
        (self.groups, self.gathered) = (groups, gathered);
    }

    fn column(&self) -> Option<&Coded> {
        self.table.columns.get(self.group?.column())
    }

    fn lay_out(&mut self) {
        let mut lines = Vec::new();
        if self.group.is_none() {
            lines.extend(self.shown().map(Line::Row));
        }
        let mut groups = std::mem::take(&mut self.groups);
        for (place, group) in groups.iter_mut().enumerate() {
            group.unfolded = !self.unfolded.is_empty() && self.unfolded.contains(self.label(group.code));
            lines.push(Line::Group(place));
            if group.unfolded {
                lines.extend(self.gathered[group.rows.clone()].iter().copied().map(Line::Row));
            }
        }
        (self.groups, self.lines) = (groups, lines);
    }

    fn label(&self, code: u32) -> &str {
        let cell = self.column().and_then(|column| column.values().get(code as usize));
        match (cell, self.group) {
            (Some(Cell::Text(text)), _) if !text.is_empty() => text,
            (Some(cell), Some(by)) => by.nameless(cell),
            _ => "",
        }
    }

    fn group_at(&self, place: usize) -> Option<Group<'_>> {
        let Gathered { code, rows, open, closed, unfolded } = self.groups.get(place)?;
        let (open, closed, unfolded) = (*open, *closed, *unfolded);
        Some(Group { label: self.label(*code), open, closed, unfolded, rows: self.gathered.get(rows.clone())? })
    }

    /// How many lines it shows, headings too.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether it shows none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// How many findings pass, folded ones too.
    pub fn found(&self) -> usize {
        self.passing.iter().filter(|pass| **pass).count()
    }

    /// The findings that pass.
    pub fn rows(&self) -> impl Iterator<Item = u32> {
        (0..).zip(&self.passing).filter_map(|(row, pass)| pass.then_some(row))
    }

    /// The line at a place.
    pub fn line(&self, place: usize) -> Option<FindingLine<'_>> {
        Some(match *self.lines.get(place)? {
            Line::Group(group) => FindingLine::Group(self.group_at(group)?),
            Line::Row(row) => FindingLine::Row(row),
        })
    }

    /// What a line stands for.
    pub fn key(&self, place: usize) -> Option<Key> {
        Some(match self.line(place)? {
            FindingLine::Group(group) => heading(group.label),
            FindingLine::Row(row) => Key::Finding(self.table.id(row)?),
        })
    }

    /// The place of a key.
    pub fn place(&self, key: &Key) -> Option<usize> {
        match key {
            Key::Finding(id) => {
                let wanted = self.table.row(*id)?;
                self.lines.iter().position(|line| matches!(line, Line::Row(row) if *row == wanted))
            }
            key => {
                let wanted = headed(key)?;
                let is = |place: usize| self.groups.get(place).is_some_and(|group| self.label(group.code) == wanted);
                self.lines.iter().position(|line| matches!(line, Line::Group(place) if is(*place)))
            }
        }
    }

    /// The group of which this is the heading.
    pub fn headed(&self, key: &Key) -> Option<Group<'_>> {
        let wanted = headed(key)?;
        let place = self.groups.iter().position(|group| self.label(group.code) == wanted)?;
        self.group_at(place)
    }

    /// Whether a finding passes, folded away or not.
    pub fn passes(&self, id: FindingId) -> bool {
        self.table.row(id).is_some_and(|row| self.passing.get(row as usize) == Some(&true))
    }
}

/// What the heading of a group stands for.
fn heading(label: &str) -> Key {
    Key::Notice(format!("{HEADING}{label}").into())
}

/// The label of the group whose heading it is.
fn headed(key: &Key) -> Option<&str> {
    match key {
        Key::Notice(id) => id.strip_prefix(HEADING),
        _ => None,
    }
}

fn worst_first(band: Band) -> usize {
    Band::ALL.iter().position(|other| *other == band).unwrap_or(0)
}

fn in_order(table: &FindingTable, sort: Sort) -> Vec<u32> {
    let mut rows: Vec<u32> = table.rows().collect();
    let Sort::By { column, descending } = sort else { return rows };
    let Some(column) = table.columns.get(column) else { return rows };
    let ranks = column.ranks();
    let missing = |code: u32| matches!(column.values()[code as usize], Cell::Nothing | Cell::Unknown);
    // Equal ones stay as urgent as they are; what is not known stays at the end, whichever way the rest is turned.
    rows.sort_by_key(|row| {
        let code = column.code(*row);
        let rank = ranks[code as usize];
        (missing(code), if descending { u32::MAX - rank } else { rank })
    });
    rows
}
