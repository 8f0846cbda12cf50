//! What a session that only reads says of actions that write: what they would need, and who can see their plan.
//!
//! The HTTP client refuses writes whatever this says; here it is said beforehand, and nothing is hidden.

use super::super::action::{Action, ActionId, Risk};
use super::App;
use crate::plan::{AccessQuestion, Request};
use crate::session::Desk;
use crate::text;

/// So many rights are named; the plan names all.
const NAMED: usize = 3;

impl App {
    /// Why an action that writes cannot be done in a session that only reads; `None` when it does not write, or may.
    pub(super) fn only_reads(&self, desk: &Desk, id: ActionId) -> Option<String> {
        if !desk.world.context.read_only || Action::of(id).risk != Risk::Writes {
            return None;
        }
        let standing = |why: Result<(), String>| match why {
            Ok(()) => "read-only: needs a session that may write".to_owned(),
            Err(why) => format!("read-only: needs a session that may write; besides, {why}"),
        };
        Some(match id {
            ActionId::Resume | ActionId::Stop if self.on_run(desk) => standing(self.selected_run(desk).map(drop)),
            ActionId::Resume | ActionId::Stop => standing(self.operation(desk).map(drop)),
            ActionId::ImportCertificate => {
                format!("{}; no key is taken that could not be stored", standing(Ok(())))
            }
            // What planning needs is not found out whenever a menu is drawn.
            ActionId::RotateCa => standing(self.rotation_of_ca(desk).map(drop)),
            _ => match id.verb().map(|verb| self.request(desk, verb)) {
                Some(Ok(request)) => needs(desk, &request),
                Some(Err(why)) => standing(Err(why)),
                None => standing(Ok(())),
            },
        })
    }
}

fn needs(desk: &Desk, request: &Request) -> String {
    let reads = |right: &AccessQuestion| ["get", "list", "watch"].contains(&right.verb);
    let rights: Vec<AccessQuestion> = desk.needed_rights(request).into_iter().filter(|right| !reads(right)).collect();
    let mut named: Vec<String> = rights.iter().take(NAMED).map(ToString::to_string).collect();
    if rights.len() > NAMED {
        named.push(format!("{} more", rights.len() - NAMED));
    }
    let needed = if named.is_empty() { "a session that may write".to_owned() } else { text::list(&named) };
    let shown = request.command(&desk.world).map(|command| format!("; `{command} --dry-run` prints the plan"));
    format!("read-only: needs {needed}{}", shown.unwrap_or_default())
}
