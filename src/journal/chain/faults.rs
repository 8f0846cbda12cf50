//! Where a chain is broken, and what was done to it: changed, put elsewhere, put in, taken out.

use std::collections::HashMap;
use std::fmt;

use super::{Entry, Line, Said, VERSION, genesis};

/// Something that is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which line, from 1.
    pub line: usize,
    /// The number that its entry carries.
    pub seq: Option<u64>,
    /// What.
    pub wrong: Wrong,
}

/// What can be wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It is no entry.
    Unreadable(String),
    /// A later version wrote it.
    Newer(u32),
    /// Its content is not what was written; later entries know the hash that it carries.
    Content,
    /// Its hash is not what was written; later entries know the hash of its content.
    Hash,
    /// Its content and its hash do not belong together, and no later entry knows either.
    Unlike,
    /// Another entry stood here when the next one was written.
    Replaced,
    /// It follows from the one before and carries another number than that makes it.
    Number,
    /// It stands between two entries that follow from each other.
    Inserted,
    /// It is a copy of an earlier line.
    Twice {
        /// Which.
        of: usize,
    },
    /// It and another line stand in each other's place.
    Swapped {
        /// The other.
        with: usize,
    },
    /// The lines from here on stand in another order than they were written.
    Order {
        /// The lines, as they were written.
        written: Vec<usize>,
    },
    /// Entries before it are missing.
    Missing {
        /// How many.
        entries: u64,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(seq) = self.seq {
            write!(f, " (entry {seq})")?;
        }
        write!(f, " {}", self.wrong)
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(why) => write!(f, "cannot be read ({why}): it was changed or damaged"),
            Self::Newer(version) => {
                write!(f, "was written by a newer version ({version}); this one reads {VERSION}")
            }
            Self::Content => f.write_str(
                "was changed after it was written: its content does not give its hash, which the next entry names",
            ),
            Self::Hash => f.write_str("carries another hash than it was written with: the next entry names the former"),
            Self::Unlike => f.write_str("was changed after it was written: its content does not give its hash"),
            Self::Replaced => f.write_str(
                "is not what the next entry was written after: it was put in the place of another one, or lines \
                 between them were taken out",
            ),
            Self::Number => f.write_str("carries another number than its place in the chain: it was written anew"),
            Self::Inserted => f.write_str("was put in: the lines around it follow from each other without it"),
            Self::Twice { of } => write!(f, "was put in: it is a copy of line {of}"),
            Self::Swapped { with } => write!(f, "and line {with} were swapped: each stands in the other's place"),
            Self::Order { written } => {
                let lines: Vec<String> = written.iter().map(ToString::to_string).collect();
                write!(f, "and those after it were put in another order: they were written as {}", lines.join(", "))
            }
            Self::Missing { entries: 1 } => {
                f.write_str("does not follow from the one before: an entry between was taken out")
            }
            Self::Missing { entries } => {
                write!(f, "does not follow from the one before: {entries} entries between were taken out")
            }
        }
    }
}

/// What the next line has to follow from.
enum Tip<'a, B> {
    /// Nothing: it is the first.
    Start,
    /// This entry, the so-many-th of the chain, on this line.
    After(&'a Entry<B>, u64, usize),
    /// A line that cannot be read: nobody knows its hash. The chain has so many entries up to there.
    Hole(u64),
}

impl<B: Said> Tip<'_, B> {
    /// How many entries there are up to here.
    fn length(&self) -> u64 {
        match self {
            Self::Start => 0,
            Self::After(_, seq, _) => seq + 1,
            Self::Hole(length) => *length,
        }
    }

    fn before(&self, entry: &Entry<B>) -> bool {
        match self {
            Self::Start => entry.prev == genesis(),
            Self::After(last, ..) => entry.prev == last.hash || entry.prev == last.digest(),
            Self::Hole(length) => entry.v == 0 || entry.seq == *length,
        }
    }
}

/// Everything that is wrong with a chain, in the order of its lines.
pub fn faults<B: Said>(lines: &[Line<B>]) -> Vec<Fault> {
    let mut walk = Walk { lines, named: HashMap::new(), found: Vec::new() };
    for (place, line) in lines.iter().enumerate() {
        if let Ok(entry) = &line.entry {
            walk.named.entry(entry.prev.as_str()).or_default().push(place);
        }
    }
    walk.all();
    walk.found.sort_by_key(|fault| fault.line);
    walk.found
}

struct Walk<'a, B> {
    lines: &'a [Line<B>],
    /// Lines by the hash that they name as the one before.
    named: HashMap<&'a str, Vec<usize>>,
    found: Vec<Fault>,
}

impl<'a, B: Said> Walk<'a, B> {
    fn entry(&self, place: usize) -> Option<&'a Entry<B>> {
        self.lines.get(place)?.entry.as_ref().ok()
    }

    fn say(&mut self, place: usize, wrong: Wrong) {
        let Some(line) = self.lines.get(place) else { return };
        let seq = line.entry.as_ref().ok().filter(|entry| entry.v > 0).map(|entry| entry.seq);
        self.found.push(Fault { line: line.number, seq, wrong });
    }

    fn all(&mut self) {
        let (mut tip, mut place) = (Tip::Start, 0);
        while let Some(line) = self.lines.get(place) {
            (tip, place) = match &line.entry {
                Err(why) => {
                    self.say(place, Wrong::Unreadable(why.clone()));
                    (Tip::Hole(tip.length() + 1), place + 1)
                }
                Ok(entry) if entry.v > VERSION => {
                    self.say(place, Wrong::Newer(entry.v));
                    (Tip::Hole(entry.seq + 1), place + 1)
                }
                Ok(entry) if tip.before(entry) && self.forked(place, entry) => {
                    self.put_in(place);
                    (tip, place + 1)
                }
                Ok(entry) if tip.before(entry) => (self.take(&tip, place, entry), place + 1),
                Ok(entry) => self.out_of_place(tip, place, entry),
            };
        }
    }

    /// Whether nothing follows from an entry, and another one later claims its place.
    fn forked(&self, place: usize, entry: &Entry<B>) -> bool {
        let followed = [&entry.hash, &entry.digest()].into_iter().any(|hash| self.named.contains_key(hash.as_str()));
        let others = self.named.get(entry.prev.as_str());
        !followed && others.is_some_and(|places| places.iter().any(|other| *other > place))
    }

    /// An entry that follows from the tip.
    fn take(&mut self, tip: &Tip<'a, B>, place: usize, entry: &'a Entry<B>) -> Tip<'a, B> {
        let number = tip.length();
        // Lines from before version 1 are counted, not numbered: some may be gone.
        let counted = entry.v == 0 || matches!(tip, Tip::After(last, ..) if last.v == 0);
        let seq = if counted { entry.seq } else { number };
        if entry.digest() != entry.hash {
            let wrong = self.unlike(entry);
            self.say(place, wrong);
        } else if entry.seq != seq {
            self.say(place, Wrong::Number);
        }
        Tip::After(entry, seq, place)
    }

    /// What was changed of an entry whose content does not give its hash.
    fn unlike(&self, entry: &Entry<B>) -> Wrong {
        if self.named.contains_key(entry.hash.as_str()) {
            Wrong::Content
        } else if self.named.contains_key(entry.digest().as_str()) {
            Wrong::Hash
        } else {
            Wrong::Unlike
        }
    }

    /// An entry that does not follow from the tip: what happened, and where the chain goes on.
    fn out_of_place(&mut self, tip: Tip<'a, B>, place: usize, entry: &'a Entry<B>) -> (Tip<'a, B>, usize) {
        let order = self.order(&tip, place);
        if let Some(&next) = order.first() {
            if closed(&order, place) {
                return self.reordered(tip, place, &order);
            }
            (place..next).for_each(|place| self.put_in(place));
            return (tip, next);
        }
        let length = tip.length();
        let last = if let Tip::After(_, _, place) = tip { Some(place) } else { None };
        if entry.digest() != entry.hash {
            let wrong = self.unlike(entry);
            self.say(place, wrong);
        } else if entry.v > 0 && entry.seq > length {
            self.say(place, Wrong::Missing { entries: entry.seq - length });
        } else if entry.v > 0 && entry.seq < length {
            self.put_in(place);
            return (tip, place + 1);
        } else {
            // The first line of a chain has none before it: then it is the one that was replaced.
            self.say(last.unwrap_or(place), Wrong::Replaced);
        }
        (Tip::After(entry, entry.seq, place), place + 1)
    }

    /// The lines from `place` on that follow from the tip and from each other, as far as they fill a gapless stretch.
    fn order(&self, tip: &Tip<'a, B>, place: usize) -> Vec<usize> {
        let mut order: Vec<usize> = Vec::new();
        let after = |order: &[usize]| {
            let hashes = match (order.last().and_then(|last| self.entry(*last)), tip) {
                (Some(last), _) => vec![last.hash.clone(), last.digest()],
                (None, Tip::After(last, ..)) => vec![last.hash.clone(), last.digest()],
                (None, Tip::Start) => vec![genesis()],
                (None, Tip::Hole(_)) => Vec::new(),
            };
            let places = hashes.iter().filter_map(|hash| self.named.get(hash.as_str())).flatten();
            places.copied().find(|at| *at >= place && !order.contains(at))
        };
        while let Some(next) = after(&order) {
            order.push(next);
            if closed(&order, place) {
                break;
            }
        }
        order
    }

    fn reordered(&mut self, tip: Tip<'a, B>, place: usize, order: &[usize]) -> (Tip<'a, B>, usize) {
        let number = |at: usize| self.lines.get(at).map_or(0, |line| line.number);
        let apart: Vec<usize> = (0..order.len()).filter(|at| order.get(*at) != Some(&(place + at))).collect();
        let wrong = match apart.as_slice() {
            [_, other] => Wrong::Swapped { with: number(place + other) },
            _ => Wrong::Order { written: order.iter().map(|at| number(*at)).collect() },
        };
        self.say(place, wrong);
        let mut tip = tip;
        for at in order {
            if let Some(entry) = self.entry(*at) {
                tip = self.take(&tip, *at, entry);
            }
        }
        (tip, place + order.len())
    }

    fn put_in(&mut self, place: usize) {
        let Some(entry) = self.entry(place) else {
            if let Some(Err(why)) = self.lines.get(place).map(|line| &line.entry) {
                self.say(place, Wrong::Unreadable(why.clone()));
            }
            return;
        };
        let earlier = self.lines.iter().take(place);
        let same = earlier.filter(|line| line.entry.as_ref().is_ok_and(|other| other.hash == entry.hash));
        let wrong = same.map(|line| line.number).next().map_or(Wrong::Inserted, |of| Wrong::Twice { of });
        self.say(place, wrong);
    }
}

/// Whether these are all places from `place` on, in whatever order.
fn closed(order: &[usize], place: usize) -> bool {
    order.iter().max().is_some_and(|last| last + 1 - place == order.len())
}
