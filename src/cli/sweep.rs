//! `holdfast sweep`: deletes what operations of a namespace left behind.

use super::args::{Global, Sweep};
use super::{Exit, Failure, open, out, verb};
use crate::plan::Request;
use crate::plan::sweep::{LOOKED_AT, NOTHING, Options};
use crate::session::Unnamed;

pub(super) async fn run(global: &Global, sweep: &Sweep) -> Result<Exit, Failure> {
    if global.namespace.len() > 1 {
        return Err(Failure::new(Exit::Usage, "one namespace is swept at a time"));
    }
    let mut session = open::session(global, LOOKED_AT, Unnamed::Own)?;
    open::settle(&mut session, LOOKED_AT).await?;
    open::warn_of_blind_spots(&session, LOOKED_AT);
    let namespace = verb::find_namespace(&session)?;
    let request = Request::Sweep { namespace, options: Options { former: sweep.former } };
    match verb::planned(&mut session, request, !sweep.consent.dry_run).await {
        Err(refusal) if refusal.why == NOTHING => {
            out::line(format_args!("{}: {NOTHING}", refusal.object))?;
            Ok(Exit::Fine)
        }
        Err(refusal) => Err(verb::refused(&refusal)),
        Ok(reviewed) => {
            let (named, count) = (global.context.as_deref(), sweep.count.as_deref());
            verb::carry_out_planned(&mut session, reviewed, &sweep.consent, named, count).await
        }
    }
}
