//! The axis: which moment is in which cell, where ticks stand, and what a lane shows in each cell.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{Lane, Mark, Span};
use crate::view::Level;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;

/// Pauses between ticks, in seconds.
const PAUSES: [i64; 13] = [
    5 * MINUTE,
    15 * MINUTE,
    HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    WEEK,
    4 * WEEK,
    13 * WEEK,
    26 * WEEK,
    52 * WEEK,
];
/// Cells that a tick and its label need.
const ROOM: i64 = 10;
/// The first Monday of the epoch: weeks begin on Mondays.
const MONDAY: i64 = 4 * DAY;

/// The part of time that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first moment of the first cell, in seconds since the epoch.
    left: i64,
    /// Seconds of a cell.
    cell: i64,
    /// How many cells there are.
    width: usize,
}

/// A tick of the axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tick {
    /// The cell in which it is.
    pub cell: usize,
    /// Its moment in UTC: a time of day, or a date where a day begins.
    pub label: String,
}

/// What a lane shows in one cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeCell {
    /// Nothing.
    Empty,
    /// A span of this level.
    Span(Level),
    /// So many marks, and the level of the worst.
    Marks(usize, Level),
}

impl Window {
    /// Seconds of a cell, for each zoom; the nearest first.
    pub const ZOOMS: [i64; 11] =
        [30, MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, DAY, 3 * DAY, WEEK];

    /// A window in which a moment is in the given cell. Cells begin at whole multiples of their length, so that marks do
    /// not wander between them as time passes.
    pub fn with(moment: Timestamp, place: usize, zoom: usize, width: usize) -> Self {
        let cell = Self::ZOOMS[zoom.min(Self::ZOOMS.len() - 1)];
        let own = moment.as_second().div_euclid(cell);
        Self { left: (own - number(place)) * cell, cell, width }
    }

    /// The nearest zoom at which so much time fits into this many cells.
    pub fn zoom_for(time: SignedDuration, cells: usize) -> usize {
        let fits = |cell: &i64| cell * number(cells) >= time.as_secs();
        Self::ZOOMS.iter().position(fits).unwrap_or(Self::ZOOMS.len() - 1)
    }

    /// How many cells there are.
    pub fn width(&self) -> usize {
        self.width
    }

    /// How long a cell is.
    pub fn cell(&self) -> SignedDuration {
        SignedDuration::from_secs(self.cell)
    }

    /// The cell of a moment, which may be outside.
    fn place(&self, moment: Timestamp) -> i64 {
        (moment.as_second() - self.left).div_euclid(self.cell)
    }

    /// The cell of a moment; `None` when it is not shown.
    pub fn find(&self, moment: Timestamp) -> Option<usize> {
        usize::try_from(self.place(moment)).ok().filter(|place| *place < self.width)
    }

    /// The first moment of a cell.
    pub fn moment(&self, place: usize) -> Timestamp {
        Timestamp::from_second(self.left + number(place) * self.cell).unwrap_or(Timestamp::MAX)
    }

    /// The ticks.
    pub fn ticks(&self) -> Vec<Tick> {
        let pause = PAUSES.iter().copied().find(|pause| *pause >= self.cell * ROOM).unwrap_or(52 * WEEK);
        let from = if pause >= WEEK { MONDAY } else { 0 };
        let end = self.left + number(self.width) * self.cell;
        let first = (self.left - from).div_euclid(pause) * pause + from;
        let ticks = (0..).map(|step| first + step * pause).skip_while(|at| *at < self.left).take_while(|at| *at < end);
        let tick = |at: i64| {
            let moment = Timestamp::from_second(at).ok()?;
            let cell = self.find(moment)?;
            Some(Tick { cell, label: label(moment, pause) })
        };
        ticks.filter_map(tick).collect()
    }

    /// What a lane shows in each cell.
    pub fn cells(&self, lane: &Lane) -> Vec<TimeCell> {
        let mut cells = vec![TimeCell::Empty; self.width];
        for span in &lane.spans {
            let from = self.place(span.from).max(0);
            // A cell belongs to a span when the span reaches into it.
            let to = self.place(span.to.saturating_sub(SignedDuration::from_nanos(1)).unwrap_or(span.to));
            for place in from..=to.min(number(self.width) - 1) {
                if let Some(cell) = usize::try_from(place).ok().and_then(|place| cells.get_mut(place)) {
                    let worst = if let TimeCell::Span(level) = cell { span.level.max(*level) } else { span.level };
                    *cell = TimeCell::Span(worst);
                }
            }
        }
        for mark in &lane.marks {
            if let Some(cell) = self.find(mark.at).and_then(|place| cells.get_mut(place)) {
                *cell = match cell {
                    TimeCell::Marks(count, level) => TimeCell::Marks(*count + mark.count, mark.level.max(*level)),
                    TimeCell::Empty | TimeCell::Span(_) => TimeCell::Marks(mark.count, mark.level),
                };
            }
        }
        cells
    }

    /// The marks of a lane in a cell, the worst first.
    pub fn marks<'l>(&self, lane: &'l Lane, place: usize) -> Vec<&'l Mark> {
        let mut marks: Vec<&Mark> = lane.marks.iter().filter(|mark| self.find(mark.at) == Some(place)).collect();
        marks.sort_by_key(|mark| std::cmp::Reverse(mark.level));
        marks
    }

    /// The spans of a lane that reach into a cell.
    pub fn spans<'l>(&self, lane: &'l Lane, place: usize) -> Vec<&'l Span> {
        let (from, to) = (self.moment(place), self.moment(place + 1));
        lane.spans.iter().filter(|span| span.from < to && span.to > from).collect()
    }
}

fn label(moment: Timestamp, pause: i64) -> String {
    let utc = moment.to_zoned(TimeZone::UTC);
    let midnight = moment.as_second().rem_euclid(DAY) == 0;
    let format = match pause {
        _ if pause < DAY && !midnight => "%H:%M",
        _ if pause < 26 * WEEK => "%b %-d",
        _ => "%b %Y",
    };
    utc.strftime(format).to_string()
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
