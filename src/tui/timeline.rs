//! A timeline on the screen: its lanes as of the last change, which part of time is shown and where the cursor stands.
//! Until it is moved, it follows the present.

use jiff::{SignedDuration, Timestamp};
use ratatui::layout::Rect;

use super::layer::Cursor;
use super::layout::inside;
use crate::model::Key;
use crate::session::Desk;
use crate::view::{Chart, Lane, Whose, Window, timeline};

/// Lines of the axis, above the lanes.
pub(super) const AXIS: u16 = 2;
/// Lines below the lanes that tell what lies at the cursor, and what the marks mean.
pub(super) const ABOUT: u16 = 7;

/// Lanes over time.
#[derive(Clone, Debug)]
pub struct TimelineLayer {
    /// Whose lanes.
    pub whose: Whose,
    /// The lanes as of the last change.
    pub chart: Chart,
    /// The lane under the cursor.
    pub cursor: Cursor,
    zoom: Option<usize>,
    left: Option<Timestamp>,
    at: Option<Timestamp>,
}

impl TimelineLayer {
    /// A timeline that shows the present.
    pub fn new(whose: Whose) -> Self {
        Self { whose, chart: Chart::default(), cursor: Cursor::default(), zoom: None, left: None, at: None }
    }

    /// The lane under the cursor.
    pub fn lane(&self) -> Option<&Lane> {
        self.chart.lanes.get(self.cursor.place)
    }

    /// The moment under the cursor.
    pub fn at(&self, now: Timestamp) -> Timestamp {
        self.at.unwrap_or(now)
    }

    /// The part of time that is shown in this many cells. Two thirds of it are the past, unless it is about what comes.
    pub fn window(&self, now: Timestamp, cells: usize) -> Window {
        let zoom = self.zoom.unwrap_or(self.chart.zoom);
        match self.left {
            Some(left) => Window::with(left, 0, zoom, cells),
            None => Window::with(now, if self.chart.ahead { cells / 12 } else { cells * 2 / 3 }, zoom, cells),
        }
    }

    /// The object of the worst mark under the cursor, else that of the lane.
    pub(super) fn under(&self, now: Timestamp, cells: usize) -> Option<Key> {
        let window = self.window(now, cells);
        let lane = self.lane()?;
        let place = window.find(self.at(now));
        let marked = place.and_then(|place| window.marks(lane, place).first().and_then(|mark| mark.object.clone()));
        marked.or_else(|| lane.object.clone())
    }

    /// Makes the lanes anew.
    pub(super) fn make(&mut self, desk: &Desk) {
        self.chart = timeline(&desk.world, &desk.boards, &desk.operations, &self.whose, desk.now);
    }

    /// Keeps the cursor on its lane and on screen.
    pub(super) fn settle(&mut self, body: Rect) {
        let found = self.chart.lanes.iter().position(|lane| Some(&lane.key) == self.cursor.key.as_ref());
        self.cursor.settle(found, self.chart.lanes.len(), rows(body));
        if found.is_none() && self.cursor.key.is_some() {
            self.go(|place| place);
        }
    }

    /// Moves the cursor to another lane.
    pub(super) fn go(&mut self, to: impl FnOnce(usize) -> usize) {
        let place = to(self.cursor.place).min(self.chart.lanes.len().saturating_sub(1));
        self.cursor.key = self.chart.lanes.get(place).map(|lane| lane.key.clone());
        self.cursor.place = place;
    }

    /// Moves the cursor some cells through time; the window follows at its edges.
    pub(super) fn shift(&mut self, now: Timestamp, cells: usize, by: i32) {
        let window = self.window(now, cells);
        let at = later(self.at(now), window.cell() * by);
        self.at = Some(at);
        if window.find(at).is_none() {
            self.left = Some(later(window.moment(0), window.cell() * by));
        }
    }

    /// Shows another quarter of a window, with the cursor in the same cell.
    pub(super) fn pan(&mut self, now: Timestamp, cells: usize, by: i32) {
        let window = self.window(now, cells);
        let quarter = i32::try_from(cells / 4).unwrap_or(1).max(1);
        let by = window.cell() * (by * quarter);
        self.at = Some(later(self.at(now), by));
        self.left = Some(later(window.moment(0), by));
    }

    /// Shows less or more time, with the cursor in the same cell.
    pub(super) fn zoom(&mut self, now: Timestamp, cells: usize, closer: bool) {
        let window = self.window(now, cells);
        let zoom = self.zoom.unwrap_or(self.chart.zoom);
        let zoom = if closer { zoom.saturating_sub(1) } else { (zoom + 1).min(Window::ZOOMS.len() - 1) };
        self.zoom = Some(zoom);
        if self.at.is_some() || self.left.is_some() {
            let at = self.at(now);
            let place = window.find(at).unwrap_or(cells / 2);
            self.left = Some(Window::with(at, place, zoom, cells).moment(0));
        }
    }

    /// Goes back to the present.
    pub(super) fn now(&mut self) {
        (self.left, self.at) = (None, None);
    }
}

fn later(moment: Timestamp, by: SignedDuration) -> Timestamp {
    moment.saturating_add(by).unwrap_or(moment)
}

/// Columns of the names of lanes.
pub(super) fn names(body: Rect) -> u16 {
    (body.width / 4).clamp(12, 32)
}

/// Cells of time that fit into the body.
pub(super) fn cells(body: Rect) -> usize {
    inside(body).width.saturating_sub(names(body) + 1).max(1).into()
}

/// Lanes that fit into the body.
pub(super) fn rows(body: Rect) -> usize {
    let inner = inside(body).height;
    inner.saturating_sub(AXIS + ABOUT.min(inner / 2)).max(1).into()
}
