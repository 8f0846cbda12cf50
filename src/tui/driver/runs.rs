//! What the console asks of runs of runbooks: the session does it, and what was not done is said.

use super::{Console, Effect, Input, Performed};
use crate::config::runbook;
use crate::session::Beginning;
use crate::text;

impl Console<'_> {
    pub(super) fn in_run(&mut self, effect: Effect) -> Performed {
        let session = &mut *self.session;
        let done = match effect {
            Effect::ReadBook(name) => {
                let read = runbook::named(&name).map_err(|error| text::chain(&error));
                return Performed::Said(Box::new(Input::Book(Box::new(read))));
            }
            Effect::BeginRun(book, source, values) => {
                let home = session.run_home(&book, &values);
                match session.begin_run(Beginning { book: *book, source, values, home }) {
                    Ok(id) => return Performed::Said(Box::new(Input::RunBegun(id))),
                    Err(why) => Err(why),
                }
            }
            Effect::ResumeRun(id, as_begun) => {
                session.resume_run(&id, as_begun);
                Ok(())
            }
            Effect::AnswerRun(id, at, answer) => session.answer_run(&id, &at, answer),
            Effect::ApproveRun(id, at) => session.approve_step(&id, &at),
            Effect::NoteRun(id, note) => session.note_in_run(&id, note),
            Effect::StopRun(id, reason) => session.stop_run(&id, reason),
            Effect::StartInRun(id, at, confirmed) => session.start_in_run(&id, &at, *confirmed),
            Effect::NotPlannedInRun(id, at, refusal) => {
                session.not_planned_in_run(&id, &at, &refusal);
                Ok(())
            }
            Effect::RefusedInRun(id, at, why) => {
                session.refused_in_run(&id, &at, &why);
                Ok(())
            }
            _ => Ok(()),
        };
        match done {
            Ok(()) => Performed::Nothing,
            Err(why) => Performed::Said(Box::new(Input::RunRefused(why))),
        }
    }
}
