//! `holdfast rotate-ca`: puts another CA in the place of one, phase by phase, for as long as it takes.
//!
//! Nothing is kept between two runs: each looks at how far it has come and goes on from there.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::{Instant, timeout_at};

use super::args::{Global, RotateCa};
use super::{Exit, Failure, open, out, verb};
use crate::assess::succession::SOAK;
use crate::model::ClaimKey;
use crate::plan::Request;
use crate::plan::succession::{LOOKED_AT, Options, ROLLED_WITHIN};
use crate::runbook::Next;
use crate::runbook::ca::{Standing, attest, standing};
use crate::session::{Session, Unnamed};
use crate::store::now;
use crate::text;
use crate::view::procedure;

/// How long it may take until what was done is seen.
const SEEN: Duration = Duration::from_secs(30);

pub(super) async fn run(global: &Global, asked: RotateCa) -> Result<Exit, Failure> {
    let (namespace, name) = verb::parse_path(&asked.secret, "a CA is named NAMESPACE/SECRET")?;
    let mut session = open::session(global, LOOKED_AT, Unnamed::All)?;
    open::settle(&mut session, LOOKED_AT).await?;
    open::warn_of_blind_spots(&session, LOOKED_AT);
    let mut rotation = Rotation {
        secret: (namespace.as_str().into(), name.as_str().into()),
        chosen: options(&asked),
        named: global.context.as_deref(),
        answered: false,
        asked: &asked,
    };
    rotation.run(&mut session).await
}

fn options(asked: &RotateCa) -> Options {
    Options {
        key: asked.key,
        life: asked.valid_for,
        soak: asked.soak.and_then(|soak| SignedDuration::try_from(soak).ok()).unwrap_or(SOAK),
        restart: !asked.no_restarts,
        again: asked.again,
        reason: asked.reason.clone(),
        rolled_within: asked.rolled_within.unwrap_or(ROLLED_WITHIN),
        served_within: asked.served_within.unwrap_or(crate::plan::rotate::SERVED_WITHIN),
        ..Options::default()
    }
}

struct Rotation<'a> {
    secret: ClaimKey,
    chosen: Options,
    named: Option<&'a str>,
    /// Whether what was answered beforehand was used: it answers one question, not every one that follows.
    answered: bool,
    asked: &'a RotateCa,
}

impl Rotation<'_> {
    async fn run(&mut self, session: &mut Session) -> Result<Exit, Failure> {
        loop {
            let standing = self.standing(session);
            let Some(request) = self.say(session, &standing)? else { return exit(&standing.next) };
            if self.asked.status {
                return Ok(Exit::Fine);
            }
            let before = standing.next.clone();
            let ended = verb::carry_out(session, request, &self.asked.consent, self.named).await?;
            if ended != Exit::Fine || self.asked.consent.dry_run || self.asked.once {
                return Ok(ended);
            }
            self.seen(session, &before).await?;
        }
    }

    fn standing(&self, session: &Session) -> Standing {
        standing(&session.desk().world, &self.secret, &self.chosen, now())
    }

    /// Says how far it has come, and what can be planned now.
    fn say(&mut self, session: &Session, standing: &Standing) -> Result<Option<Request>, Failure> {
        let world = &session.desk().world;
        let answer = self.asked.attest.as_deref().filter(|_| !self.answered && !self.asked.status);
        let answered = answer.and_then(|answer| attest(world, standing, answer, &self.chosen));
        let request = match (&standing.next, answered) {
            (_, Some(answered)) => {
                self.answered = true;
                Some(answered)
            }
            (Next::Plan(request), None) => Some((**request).clone()),
            _ => None,
        };
        let plan = request.as_ref().map(|request| match request {
            Request::RotateCa { options, .. } => format!("the plan of \"{}\"", options.phase.word()),
            other => format!("{} {}", other.verb(), text::sanitize(&other.object(world))),
        });
        procedure::lines(standing, &plan.unwrap_or_default()).iter().try_for_each(out::line)?;
        Ok(request)
    }

    /// Waits until what was done is seen: what comes next is another thing then.
    async fn seen(&self, session: &mut Session, before: &Next) -> Result<(), Failure> {
        let end = Instant::now() + SEEN;
        while self.standing(session).next == *before {
            if timeout_at(end, session.next()).await.is_err() {
                let message = "what was done is not seen to have changed what comes next; look at it before going on";
                return Err(Failure::new(Exit::Refused, message));
            }
        }
        Ok(())
    }
}

/// How the process ends where nothing can be planned.
fn exit(next: &Next) -> Result<Exit, Failure> {
    match next {
        Next::Plan(_) | Next::Done(_) => Ok(Exit::Fine),
        Next::Wait { .. } => Ok(Exit::Waiting),
        Next::Ask { .. } => {
            out::say("holdfast: whoever knows answers with --attest TEXT; it is kept with your name");
            Ok(Exit::Waiting)
        }
        Next::Refused { why, clear } => {
            Err(Failure::new(Exit::Refused, format!("{why}\n  what would clear it: {clear}")))
        }
    }
}
