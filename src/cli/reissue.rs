//! `holdfast reissue`: issues all certificates anew that a filter matches, one first, then one more, then batches.
//!
//! All of them are shown and confirmed once, by their number. Each is planned anew right before it runs and is seen to be
//! served before the next; the first failure ends it, with the line that goes on. Nothing is kept between two runs.

mod confirm;

use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, timeout, timeout_at};

use super::args::{Global, Reissue};
use super::{Exit, Failure, get, open, operations, out, verb};
use crate::assess::reissue::{Issuable, blind};
use crate::model::{ObjRef, Uid};
use crate::plan::{Agreed, Confirmed, DryRun, renew};
use crate::runbook::Next;
use crate::runbook::bulk::{Chosen, Left, NAME, Options, Standing, State, begin, choose, command, request, standing};
use crate::session::{Event, Reviewed, Session, Unnamed};
use crate::store::now;
use crate::text;
use crate::view::{Filter, Listing, Pane, Query, bulk};

/// How long it may take until what was issued is seen.
const SEEN: Duration = Duration::from_secs(30);
/// How long is waited between two looks at who serves it.
const LOOK: Duration = Duration::from_secs(1);
/// How far the moment at which it begins may lie ahead: what was issued this very second has to be older.
const AHEAD: Duration = Duration::from_secs(3);

pub(super) async fn run(global: &Global, asked: Reissue) -> Result<Exit, Failure> {
    let filter = filter(&asked)?;
    let kinds = get::CERTIFICATE_KINDS;
    let mut session = open::session(global, kinds, Unnamed::All)?;
    open::settle(&mut session, kinds).await?;
    open::warn_of_blind_spots(&session, kinds);
    if let Some(why) = blind(&session.desk().world, now()) {
        return Err(Failure::new(Exit::Unknown, format!("which certificates can be issued anew is not known: {why}")));
    }
    let mut bulk = Bulk::new(&session, &filter, &asked, global.context.as_deref());
    bulk.examine(&mut session).await?;
    bulk.run(&mut session).await
}

/// The filter. One that matches everything is refused: that many certificates are named by something that they share.
fn filter(asked: &Reissue) -> Result<Filter, Failure> {
    let filter = get::filter(Some(&asked.filter), Pane::Certificates.columns())?;
    if filter.is_empty() {
        let message =
            "an empty --filter would match every certificate; name what they have in common, such as namespace:shop";
        return Err(Failure::new(Exit::Usage, message));
    }
    Ok(filter)
}

fn options(asked: &Reissue) -> Options {
    Options {
        batch: asked.batch,
        restart: asked.restart,
        reason: asked.reason.clone(),
        rolled_within: asked.rolled_within.unwrap_or(renew::ROLLED_WITHIN),
        served_within: asked.served_within.unwrap_or(renew::SERVED_WITHIN),
    }
}

/// What a filter matches now.
fn matched(session: &Session, filter: &Filter) -> Vec<(ObjRef, Uid)> {
    let desk = session.desk();
    let board = desk.boards.board(Pane::Certificates);
    let mut listing = Listing::new(Query { filter: filter.clone(), ..Query::default() });
    listing.refresh(board, &desk.world, desk.now);
    let mut all: Vec<(ObjRef, Uid)> = listing.rows(board, 0).map(|row| (row.object.clone(), row.uid.clone())).collect();
    // An object with several certificates has a row for each.
    let mut known = std::collections::HashSet::new();
    all.retain(|(object, uid)| known.insert((object.kind, uid.clone())));
    all
}

struct Bulk<'a> {
    asked: &'a Reissue,
    /// The context as it was given on the command line.
    named: Option<&'a str>,
    options: Options,
    matched: Vec<(ObjRef, Uid)>,
    items: Vec<Issuable>,
    left: Vec<Left>,
    since: Timestamp,
}

impl<'a> Bulk<'a> {
    fn new(session: &Session, filter: &Filter, asked: &'a Reissue, named: Option<&'a str>) -> Self {
        let (world, matched) = (&session.desk().world, matched(session, filter));
        let Chosen { items, left } = choose(world, &matched, now());
        let since = asked.since.unwrap_or_else(|| begin(world, &items, now()));
        Self { asked, named, options: options(asked), matched, items, left, since }
    }

    fn standing(&self, session: &Session) -> Standing<'_> {
        standing(&session.desk().world, &self.items, self.since, &self.options, now())
    }

    /// Shakes hands with who serves each, and plans each that is not done: what is refused is left out before anything is
    /// confirmed, and the first is one that is seen to be served.
    async fn examine(&mut self, session: &mut Session) -> Result<(), Failure> {
        let mut refused = Vec::new();
        for item in &self.items {
            let one = std::slice::from_ref(item);
            let done = standing(&session.desk().world, one, self.since, &self.options, now()).open().next().is_none();
            if done || self.asked.status {
                probe(session, item).await;
                continue;
            }
            let why = match verb::planned(session, request(item, &self.options), !self.asked.dry_run).await {
                Err(refusal) => format!("{}; what would clear it: {}", refusal.why, refusal.clear),
                Ok(Reviewed { dry_run: DryRun::Refused(why), .. }) => format!("the API server would refuse it: {why}"),
                Ok(_) => continue,
            };
            let why = text::sanitize(&why).into_owned();
            refused.push(Left { object: item.secret.clone(), why });
        }
        // Now it is known who serves what.
        let Chosen { items, left } = choose(&session.desk().world, &self.matched, now());
        self.items = items;
        self.items.retain(|item| !refused.iter().any(|left| left.object == item.secret));
        self.left = left.into_iter().chain(refused).collect();
        let standing = self.standing(session);
        bulk::lines(&standing, &self.left).iter().try_for_each(out::line)
    }

    async fn run(&mut self, session: &mut Session) -> Result<Exit, Failure> {
        let next = self.standing(session).next;
        if self.asked.status {
            return Ok(Exit::Fine);
        }
        if session.desk().world.context.read_only && !self.asked.dry_run {
            let message = "this console is read-only; what would be issued anew was printed and nothing was done";
            return Err(Failure::new(Exit::Refused, message));
        }
        if self.items.is_empty() {
            return Err(Failure::new(Exit::Refused, "nothing that the filter matches can be issued anew from here"));
        }
        let request = match next {
            Next::Plan(request) => *request,
            Next::Refused { why, clear } => return Err(self.refused(session, &why, &clear)),
            Next::Done(_) | Next::Wait { .. } | Next::Ask { .. } => return Ok(Exit::Fine),
        };
        if self.asked.dry_run {
            let looked = verb::planned(session, request, false).await.map_err(|refusal| verb::refused(&refusal))?;
            verb::print_review(&looked, false)?;
            return Ok(Exit::Fine);
        }
        let open: Vec<Uid> = self.standing(session).open().map(|line| line.item.way.subject().clone()).collect();
        let Some(agreed) = confirm::agreed(session, open, self.asked, self.named)? else { return Ok(Exit::Waiting) };
        self.reach_beginning(session).await;
        self.go(session, &agreed).await
    }

    /// Waits until what is issued from now on is later than all that is there.
    async fn reach_beginning(&self, session: &mut Session) {
        let end = Instant::now() + AHEAD;
        while now() < self.since && Instant::now() < end {
            let _ = timeout(Duration::from_millis(100), session.next()).await;
        }
    }

    async fn go(&self, session: &mut Session, agreed: &Agreed) -> Result<Exit, Failure> {
        out::say(format_args!("holdfast: interrupted, it goes on with: {}", self.line(session)));
        // One listener for all of it: a signal between two operations would be heard by nobody.
        let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
        let mut begun = None;
        while let Some((place, wave)) = self.place(session)? {
            if begun != Some(wave) {
                let begins = unless(&mut interrupt, self.begin_wave(session, wave, begun)).await;
                begins.map_err(|failure| self.stopped(session, &failure))?;
                begun = Some(wave);
            }
            let item = &self.items[place];
            let proof = match unless(&mut interrupt, self.plan(session, agreed, (place, wave))).await {
                Ok(confirmed) => match carry_out(session, confirmed).await {
                    Ok(()) => unless(&mut interrupt, self.seen(session, item)).await,
                    Err(failure) => Err(failure),
                },
                Err(failure) => Err(failure),
            };
            let proof = proof.map_err(|failure| self.stopped(session, &failure))?;
            out::line(format_args!("✓ {}: {proof}", text::sanitize(&item.secret.to_string())))?;
            let more = self.standing(session).open().next().is_some();
            if wave == 1 && more && !confirm::goes_on(self.asked).await? {
                out::say(format_args!("holdfast: stopped after the first, as asked\n{}", self.how_to_go_on(session)));
                return Ok(Exit::Waiting);
            }
        }
        let done = self.standing(session).done();
        out::line(format_args!("done: {} issued anew", text::plural(done, "certificate", "certificates")))?;
        Ok(Exit::Fine)
    }

    /// Which comes next, and its wave; none when all are done.
    fn place(&self, session: &Session) -> Result<Option<(usize, usize)>, Failure> {
        let standing = self.standing(session);
        let request = match &standing.next {
            Next::Plan(request) => request,
            Next::Refused { why, clear } => return Err(self.refused(session, why, clear)),
            Next::Done(_) | Next::Wait { .. } | Next::Ask { .. } => return Ok(None),
        };
        let (_, subject) = request.subject();
        let place = standing.lines.iter().position(|line| line.item.way.subject() == subject);
        Ok(place.map(|place| (place, standing.lines[place].wave)))
    }

    /// Says which wave begins, once those of the one before are seen to be served still.
    async fn begin_wave(&self, session: &mut Session, wave: usize, before: Option<usize>) -> Result<(), Failure> {
        let standing = self.standing(session);
        let (waves, all) = (standing.waves(), standing.lines.iter().filter(|line| line.wave == wave).count());
        let former: Vec<&Issuable> =
            standing.lines.iter().filter(|line| Some(line.wave) == before).map(|line| line.item).collect();
        for item in former {
            probe(session, item).await;
        }
        if let Next::Refused { why, clear } = self.standing(session).next {
            return Err(Failure::new(Exit::Refused, format!("{why}\n  what would clear it: {clear}")));
        }
        out::line(format_args!("\nwave {wave} of {waves}: {}", text::plural(all, "certificate", "certificates")))
    }

    /// Plans one anew, on the word of whoever confirmed all of it.
    async fn plan(
        &self,
        session: &mut Session,
        agreed: &Agreed,
        (place, wave): (usize, usize),
    ) -> Result<Confirmed, Failure> {
        let reviewed = verb::plan(session, request(&self.items[place], &self.options)).await?;
        verb::print_review(&reviewed, false)?;
        let step = format!("wave {wave}, {} of {}, since {}", place + 1, self.items.len(), self.since);
        let confirmed = session.confirm(reviewed, |plan, _| plan.confirm_by_procedure(agreed, &step));
        verb::say_unkept(session);
        confirmed.map_err(verb::not_confirmed)
    }

    /// Waits until one is seen to be another one, and then for those who serve a former one.
    async fn seen(&self, session: &mut Session, item: &Issuable) -> Result<String, Failure> {
        let one = std::slice::from_ref(item);
        let state = |session: &Session| {
            let standing = standing(&session.desk().world, one, self.since, &self.options, now());
            standing.lines.into_iter().next().map_or(State::Open, |line| line.state)
        };
        let end = Instant::now() + SEEN;
        while state(session) == State::Open {
            if timeout_at(end, session.next()).await.is_err() {
                let message = format!(
                    "{} is not seen to be issued anew; are the clocks of this machine and of the cluster apart?",
                    item.secret
                );
                return Err(Failure::new(Exit::Unknown, message));
            }
        }
        let end = Instant::now() + self.options.served_within;
        loop {
            probe(session, item).await;
            match state(session) {
                State::Done { proof, .. } => return Ok(proof.said()),
                State::Unproven(why) if Instant::now() >= end => {
                    return Err(Failure::new(Exit::Refused, format!("{} is not served: {why}", item.secret)));
                }
                State::Unproven(_) | State::Open => drop(timeout(LOOK, session.next()).await),
            }
        }
    }

    fn refused(&self, session: &Session, why: &str, clear: &str) -> Failure {
        let failure = Failure::new(Exit::Refused, format!("{why}\n  what would clear it: {clear}"));
        self.stopped(session, &failure)
    }

    /// The failure with how far it came, and how to go on.
    fn stopped(&self, session: &Session, failure: &Failure) -> Failure {
        if failure.exit == Exit::Unread {
            return Failure::new(Exit::Unread, failure.error.to_string());
        }
        let message = format!("{}\n{}", failure.error, self.how_to_go_on(session));
        Failure { kept: failure.kept, ..Failure::new(failure.exit, message) }
    }

    /// The line that goes on.
    fn line(&self, session: &Session) -> String {
        command(&session.desk().world, &self.asked.filter, &self.options, Some(self.since))
    }

    fn how_to_go_on(&self, session: &Session) -> String {
        let standing = self.standing(session);
        let names = |done: bool| {
            let of = standing.lines.iter().filter(|line| matches!(line.state, State::Done { .. }) == done);
            let names: Vec<String> = of.map(|line| text::sanitize(&line.item.secret.path()).into_owned()).collect();
            if names.is_empty() { "none".to_owned() } else { names.join(", ") }
        };
        let line = self.line(session);
        format!("{NAME} stopped; issued anew: {}\n  not: {}\n  it goes on with: {line}", names(true), names(false))
    }
}

/// Runs one to its end.
async fn carry_out(session: &mut Session, confirmed: Confirmed) -> Result<(), Failure> {
    let id = verb::start(session, confirmed)?;
    operations::follow(session, &id).await.map(drop)
}

/// Does it unless somebody interrupts.
async fn unless<T>(
    interrupt: &mut Pin<&mut impl Future<Output = std::io::Result<()>>>,
    what: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        biased;
        _ = interrupt => Err(Failure::new(Exit::Refused, "stopped as asked")),
        done = what => done,
    }
}

/// Shakes hands with who serves one, where that can be.
async fn probe(session: &mut Session, item: &Issuable) {
    // Read-only opens no port-forward: what is not seen is said to be unseen.
    let Ok(ticket) = session.probe(&item.key()) else { return };
    // Every handshake has a deadline.
    while !matches!(session.next().await, Event::Probed(answered) if answered == ticket) {}
}
