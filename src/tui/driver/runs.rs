//! What the console asks of runs of runbooks: the session does it, and what was not done is said.

use super::super::{Input, RunEffect, RunInput};
use super::{Console, Performed};
use crate::config::runbook;
use crate::session::Beginning;
use crate::text;
use crate::view::Level;

impl Console<'_> {
    pub(super) fn in_run(&mut self, effect: RunEffect) -> Performed {
        let session = &mut *self.session;
        let done = match effect {
            RunEffect::ReadBook(name) => {
                let folder = session.config().runbooks.as_deref().map(runbook::BookFolder::read);
                let read = runbook::named(folder.as_ref(), &name).map_err(|error| {
                    // The newest stands first.
                    for mistake in error.mistakes().iter().rev() {
                        session.notice(Level::Warn, &text::sanitize(&mistake.to_string()));
                    }
                    // The footer has no room for both where the first mistake is long.
                    if let Some(check) = error.check() {
                        session.notice(Level::Warn, &text::sanitize(&check));
                    }
                    error.brief()
                });
                return Performed::Said(Box::new(Input::Run(RunInput::Book(Box::new(read)))));
            }
            RunEffect::Begin(book, source, values) => {
                let home = session.run_home(&book, &values);
                match home.and_then(|home| session.begin_run(Beginning { book: *book, source, values, home })) {
                    Ok(id) => return Performed::Said(Box::new(Input::Run(RunInput::Begun(id)))),
                    Err(why) => Err(why),
                }
            }
            RunEffect::Resume(id, as_begun) => {
                session.resume_run(&id, as_begun);
                Ok(())
            }
            RunEffect::Answer(id, at, answer) => session.answer_run(&id, &at, answer),
            RunEffect::Approve(id, at) => session.approve_step(&id, &at),
            RunEffect::Note(id, note) => session.note_in_run(&id, note),
            RunEffect::Stop(id, reason) => session.stop_run(&id, reason),
            RunEffect::Start(id, at, confirmed) => session.start_in_run(&id, &at, *confirmed),
            RunEffect::NotPlanned(id, at, refusal) => {
                session.not_planned_in_run(&id, &at, &refusal);
                Ok(())
            }
            RunEffect::WouldBeRefused(id, at, why) => {
                session.refused_in_run(&id, &at, &why);
                Ok(())
            }
        };
        match done {
            Ok(()) => Performed::Nothing,
            Err(why) => Performed::Said(Box::new(Input::Run(RunInput::Refused(why)))),
        }
    }
}
