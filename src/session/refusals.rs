//! What was asked for in earnest and not done: refused, or a plan that was read and not confirmed. Both are lines in the
//! journal of this console, on this machine alone; the cluster is told nothing.
//!
//! The one place that writes them. A journal that cannot be written keeps no refusal from being shown.

use super::{Reviewed, Session};
use crate::journal::{Asked, Note};
use crate::plan::{Confirmed, DryRun, NotConfirmed, Plan, Refusal, Request};
use crate::text;
use crate::view::Level;

/// Why a plan that was read is not run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unconfirmed {
    /// The API server said so to the dry run.
    #[error("the API server would refuse the plan: {0}")]
    WouldBeRefused(String),
    /// Nothing is written from here.
    #[error("this console is read-only; the plan was printed and nothing was done")]
    ReadOnly,
    /// What was typed or given does not prove the target.
    #[error("{0}; nothing was done")]
    Wrong(#[from] NotConfirmed),
}

impl Session {
    /// Keeps that something was refused, and gives the refusal back.
    pub(super) fn refuse(&mut self, refusal: Refusal, uid: Option<&str>) -> Refusal {
        let asked = self.asked(&refusal.verb.to_string(), &refusal.object, uid);
        self.keep_note(Note::Refused { asked, why: refusal.why.clone() });
        refusal
    }

    /// The same of what was asked for by a request.
    pub(super) fn refuse_request(&mut self, refusal: Refusal, request: &Request) -> Refusal {
        let uid = request.subject().1.as_str().to_owned();
        self.refuse(refusal, Some(&uid))
    }

    /// Keeps that a plan was read and is not run: given up, too old, or confirmed wrongly.
    pub fn abort(&mut self, plan: &Plan, why: &str) {
        let asked = self.asked_by(plan);
        self.keep_note(Note::Aborted { asked, digest: plan.digest(), why: why.to_owned() });
    }

    /// Whether a plan may be confirmed here at all.
    ///
    /// # Errors
    /// In read-only mode, and when the dry run was refused; that is kept.
    pub fn may_confirm(&mut self, reviewed: &Reviewed) -> Result<(), Unconfirmed> {
        let refused = match &reviewed.dry_run {
            DryRun::Refused(why) => Unconfirmed::WouldBeRefused(why.clone()),
            _ if self.desk.world.context.read_only => Unconfirmed::ReadOnly,
            _ => return Ok(()),
        };
        let asked = self.asked_by(&reviewed.plan);
        self.keep_note(Note::Refused { asked, why: refused.to_string() });
        Err(refused)
    }

    /// Confirms a plan in some way, for whoever this session is.
    ///
    /// # Errors
    /// When it may not be confirmed here, or what was given does not prove the target; that is kept.
    pub fn confirm(
        &mut self,
        reviewed: Reviewed,
        how: impl FnOnce(Plan, &str) -> Result<Confirmed, NotConfirmed>,
    ) -> Result<Confirmed, Unconfirmed> {
        self.may_confirm(&reviewed)?;
        let who = self.who();
        let plan = reviewed.plan.clone();
        how(reviewed.plan, &who).map_err(|wrong| {
            self.abort(&plan, &wrong.to_string());
            wrong.into()
        })
    }

    /// Why the journal does not hold what was refused or given up last; said once.
    pub fn take_unkept(&mut self) -> Option<String> {
        self.unkept.take()
    }

    fn asked_by(&self, plan: &Plan) -> Asked {
        self.asked(&plan.verb.to_string(), &plan.subject.object.to_string(), Some(plan.subject.uid.as_str()))
    }

    fn asked(&self, verb: &str, object: &str, uid: Option<&str>) -> Asked {
        let context = &self.desk.world.context;
        Asked {
            verb: verb.to_owned(),
            object: object.to_owned(),
            uid: uid.filter(|uid| !uid.is_empty()).map(str::to_owned),
            who: self.who(),
            context: context.name.to_string(),
            server: context.server.to_string(),
        }
    }

    fn keep_note(&mut self, note: Note) {
        if let Err(error) = self.options.store.note(note) {
            let why = format!("the journal does not hold what was not done: {}", text::chain(&error));
            self.notice(Level::Critical, &why);
            self.unkept = Some(why);
        }
    }
}
