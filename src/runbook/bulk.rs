//! Many certificates issued anew: one first, which proves that it works, then one more, then batches; one after the
//! other, each seen to be served before the next, and the first failure ends it.
//!
//! Nothing is remembered. What counts as done is what was issued since a moment ([`crate::assess::reissue::issued`]); who
//! goes on after an interruption names the same moment and is told the same. What was issued and is seen to be served in
//! a former state is not done: it is in the way of everything after it.

use jiff::{SignedDuration, Timestamp};

use super::Next;
use crate::assess::reissue::{self, CLOCKS, Issuable, Proof, Way, issuable, issued};
use crate::model::{ObjRef, Uid, World};
use crate::plan::{CommandLine, Request, Restart, renew, rotate};
use crate::text;

/// Its name on the command line and in journals.
pub const NAME: &str = "reissue";

/// What was chosen.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many go in one wave after the first two.
    pub batch: Batch,
    /// Which users are restarted.
    pub restart: Restart,
    /// Why, for the journal.
    pub reason: Option<String>,
    /// How long the pods of one workload may take to be replaced.
    pub rolled_within: std::time::Duration,
    /// How long it may take until each pod that served a former certificate serves the new one.
    pub served_within: std::time::Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            batch: Batch::default(),
            restart: Restart::default(),
            reason: None,
            rolled_within: renew::ROLLED_WITHIN,
            served_within: renew::SERVED_WITHIN,
        }
    }
}

/// How many go in one wave after the first two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batch {
    /// So many of a hundred of all, at least one.
    Share(u8),
    /// So many.
    Number(usize),
}

impl Default for Batch {
    fn default() -> Self {
        Self::Share(10)
    }
}

impl Batch {
    /// Reads `10%` or `5`.
    ///
    /// # Errors
    /// When it is neither, or none at all: what to write instead.
    pub fn parse(word: &str) -> Result<Self, String> {
        let wrong =
            || format!("\"{}\" is no size of a batch; it is a share such as 10%, or a number", text::sanitize(word));
        match word.strip_suffix('%') {
            Some(share) => share.parse().ok().filter(|share| (1..=100).contains(share)).map(Self::Share),
            None => word.parse().ok().filter(|number| *number > 0).map(Self::Number),
        }
        .ok_or_else(wrong)
    }

    /// Its word.
    pub fn word(self) -> String {
        match self {
            Self::Share(share) => format!("{share}%"),
            Self::Number(number) => number.to_string(),
        }
    }

    /// How many that are of `all`.
    fn of(self, all: usize) -> usize {
        let size = match self {
            Self::Share(share) => all * usize::from(share) / 100,
            Self::Number(number) => number,
        };
        size.max(1)
    }
}

/// What is not issued anew, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The object.
    pub object: ObjRef,
    /// Why; safe to draw.
    pub why: String,
}

/// What a filter matched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// What is issued anew, in order.
    pub items: Vec<Issuable>,
    /// What is not.
    pub left: Vec<Left>,
}

/// Sorts what a filter matched. The first is the one that the fewest use of those that are seen to be served: what goes
/// wrong there shows, and hurts the fewest. The others follow by how many use them.
pub fn choose(world: &World, matched: &[(ObjRef, Uid)], now: Timestamp) -> Chosen {
    let mut chosen = Chosen::default();
    for (object, uid) in matched {
        match issuable(world, (object, uid), now) {
            Ok(item) => chosen.items.push(item),
            Err(why) => chosen.left.push(Left { object: object.clone(), why }),
        }
    }
    let place = |object: &ObjRef| (object.namespace.clone(), object.name.clone());
    chosen.items.sort_by_key(|item| (item.users, place(&item.secret)));
    chosen.left.sort_by_key(|left| (left.object.kind, place(&left.object)));
    if let Some(canary) = chosen.items.iter().position(|item| item.seen) {
        chosen.items[..=canary].rotate_right(1);
    }
    chosen
}

/// The moment since which what is issued counts as done, when it is begun now: later than all that is there, so that
/// nothing is done yet, and as much before now as clocks may be apart.
pub fn begin(world: &World, items: &[Issuable], now: Timestamp) -> Timestamp {
    let secrets = items.iter().filter_map(|item| secret(world, item));
    let latest = secrets.filter_map(|secret| issued(world, secret, now)).max();
    let early = now.saturating_sub(CLOCKS).unwrap_or(now);
    let after = |latest: Timestamp| latest.saturating_add(SignedDuration::from_secs(1)).unwrap_or(latest);
    let begin = latest.map(after).map_or(early, |after| after.max(early));
    // It is written down to the second.
    Timestamp::from_second(begin.as_second()).unwrap_or(begin)
}

/// How far one has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It was issued anew.
    Done {
        /// When.
        issued: Timestamp,
        /// What handshakes say.
        proof: Proof,
    },
    /// It was issued anew, and somebody serves a former one; safe to draw.
    Unproven(String),
    /// It was not.
    Open,
}

/// One of them.
#[derive(Clone, Debug)]
pub struct Line<'a> {
    /// Its wave: the first is 1.
    pub wave: usize,
    /// What it is.
    pub item: &'a Issuable,
    /// How far it has come.
    pub state: State,
}

/// How far all of it has come.
#[derive(Clone, Debug)]
pub struct Standing<'a> {
    /// Each, in order.
    pub lines: Vec<Line<'a>>,
    /// What comes next.
    pub next: Next,
}

impl<'a> Standing<'a> {
    /// How many are done.
    pub fn done(&self) -> usize {
        self.lines.iter().filter(|line| matches!(line.state, State::Done { .. })).count()
    }

    /// Those that are not, in order.
    pub fn open(&self) -> impl Iterator<Item = &Line<'a>> {
        self.lines.iter().filter(|line| !matches!(line.state, State::Done { .. }))
    }

    /// How many waves there are.
    pub fn waves(&self) -> usize {
        self.lines.last().map_or(0, |line| line.wave)
    }
}

/// How far these have come, in the order in which they were chosen.
pub fn standing<'a>(
    world: &World,
    items: &'a [Issuable],
    since: Timestamp,
    options: &Options,
    now: Timestamp,
) -> Standing<'a> {
    let size = options.batch.of(items.len());
    let line = |(place, item)| Line { wave: wave(place, size), item, state: state(world, item, since, now) };
    let lines: Vec<Line<'a>> = items.iter().enumerate().map(line).collect();
    let next = match reissue::blind(world, now) {
        Some(why) => Next::Refused { why, clear: "wait until it is seen, or ask for the right to".to_owned() },
        None => next(&lines, options),
    };
    Standing { lines, next }
}

/// The wave of a place: one, one more, then batches.
fn wave(place: usize, size: usize) -> usize {
    match place {
        0 | 1 => place + 1,
        later => 3 + (later - 2) / size,
    }
}

fn secret<'w>(world: &'w World, item: &Issuable) -> Option<&'w crate::model::TlsSecret> {
    let key = item.key();
    world.inventory.tls_secrets.named(Some(&key.0), &key.1)
}

fn state(world: &World, item: &Issuable, since: Timestamp, now: Timestamp) -> State {
    let issued = secret(world, item).and_then(|secret| issued(world, secret, now)).filter(|issued| *issued >= since);
    match (issued, reissue::proof(world, &item.key(), now)) {
        (None, _) => State::Open,
        (Some(_), Proof::Stale(why)) => State::Unproven(why),
        (Some(issued), proof) => State::Done { issued, proof },
    }
}

/// What was issued and is not served comes before all that was not issued: issuing more would only make more of it.
fn next(lines: &[Line<'_>], options: &Options) -> Next {
    let unproven = lines.iter().find_map(|line| match &line.state {
        State::Unproven(why) => Some((line.item, why)),
        State::Done { .. } | State::Open => None,
    });
    match (unproven, lines.iter().find(|line| line.state == State::Open)) {
        (Some((item, why)), _) if options.restart != Restart::All => Next::Refused {
            why: format!("{} was issued anew and is not served: {why}", text::sanitize(&item.secret.to_string())),
            clear: "start that pod anew, then go on; or go on with --restart all, which issues it once more".to_owned(),
        },
        (Some((item, _)), _) => Next::Plan(Box::new(request(item, options))),
        (None, Some(line)) => Next::Plan(Box::new(request(line.item, options))),
        (None, None) => Next::Done("each was issued anew".to_owned()),
    }
}

/// What issues one anew.
pub fn request(item: &Issuable, options: &Options) -> Request {
    let Options { restart, reason, rolled_within, served_within, .. } = options.clone();
    match &item.way {
        Way::Renew(certificate) => {
            let options = renew::Options { restart, reason, rolled_within, served_within, ..renew::Options::default() };
            Request::Renew { certificate: certificate.clone(), options }
        }
        Way::Rotate(secret) => {
            let options =
                rotate::Options { restart, reason, rolled_within, served_within, ..rotate::Options::default() };
            Request::Rotate { secret: secret.clone(), options }
        }
    }
}

/// The command that goes on with it, or begins it where no moment is given.
pub fn command(world: &World, filter: &str, options: &Options, since: Option<Timestamp>) -> String {
    let mut line = CommandLine::of(NAME);
    line.option("--filter", filter);
    world.context.namespaces.iter().for_each(|namespace| line.option("--namespace", namespace));
    if options.batch != Batch::default() {
        line.option("--batch", &options.batch.word());
    }
    if options.restart != Restart::default() {
        line.option("--restart", options.restart.word());
    }
    if let Some(reason) = &options.reason {
        line.option("--reason", reason);
    }
    line.deadline("--rolled-within", options.rolled_within, renew::ROLLED_WITHIN);
    line.deadline("--served-within", options.served_within, renew::SERVED_WITHIN);
    if let Some(since) = since {
        line.option("--since", &since.to_string());
    }
    line.on(&world.context.name)
}

#[cfg(test)]
mod tests;
