//! Deciding on findings: on which, in which form, and what is said of how it ended.

use std::collections::BTreeSet;

use super::super::action::ActionId;
use super::super::form::{Form, Purpose};
use super::super::layer::Layer;
use super::{App, Effect};
use crate::model::{FindingId, Key};
use crate::plan::triage::{self, Wish};
use crate::session::{Desk, UNDECIDED};
use crate::text::{plural, sanitize};
use crate::view::{Level, Pane};

/// Findings that would be decided on.
pub(super) struct Chosen {
    findings: Vec<FindingId>,
    /// What is said of them.
    said: String,
}

impl App {
    /// The findings that would be decided on: all that are marked, or the selected one; or why there is none.
    pub(super) fn to_triage(&self, desk: &Desk) -> Result<Chosen, String> {
        let chosen = self.findings_chosen(desk)?;
        if desk.world.context.read_only {
            return Err(UNDECIDED.to_owned());
        }
        Ok(chosen)
    }

    fn findings_chosen(&self, desk: &Desk) -> Result<Chosen, String> {
        let state = self.panes.state(Pane::Findings);
        let id = |key: &Key| if let Key::Finding(id) = key { Some(*id) } else { None };
        let marked: BTreeSet<FindingId> = state.marks.iter().filter_map(id).collect();
        if self.layers.is_empty() && self.panes.focus == Pane::Findings && !marked.is_empty() {
            let hidden = match state.hidden_marks {
                0 => String::new(),
                hidden => format!(", {hidden} hidden by the filter"),
            };
            let said = format!("{}{hidden}", plural(marked.len(), "marked finding", "marked findings"));
            return Ok(Chosen { findings: marked.into_iter().collect(), said });
        }
        match self.target(desk) {
            Some(Key::Finding(id)) => {
                let Some(finding) = desk.world.findings.latest(id) else {
                    return Err("this finding is gone".to_owned());
                };
                let said = sanitize(&format!("{} {}:{}", finding.rule.id, finding.path, finding.line)).into_owned();
                Ok(Chosen { findings: vec![id], said })
            }
            Some(key) => {
                self.group_chosen(desk, &key).ok_or_else(|| "only findings are decided on: select one".to_owned())
            }
            None => Err("no finding is selected".to_owned()),
        }
    }

    /// All findings of the group whose heading is selected.
    fn group_chosen(&self, desk: &Desk, heading: &Key) -> Option<Chosen> {
        let list = self.panes.state(Pane::Findings).listing.findings()?;
        let group = list.headed(heading)?;
        let findings: Vec<FindingId> = group.rows.iter().filter_map(|row| desk.boards.findings().id(*row)).collect();
        let count = plural(findings.len(), "finding", "findings");
        let said = format!("{count} of {}", sanitize(group.label));
        Some(Chosen { findings, said })
    }

    /// Opens the form.
    pub(super) fn begin_triage(&mut self, desk: &Desk) {
        if let Ok(Chosen { findings, said }) = self.to_triage(desk) {
            self.ask_form(Form::new(triage::form(&said), Purpose::Triage(findings)));
        }
    }

    /// Has it decided; the form stays until that is done.
    pub(super) fn decide(&mut self, findings: Vec<FindingId>, wish: Wish) -> Vec<Effect> {
        self.asks += 1;
        self.layers.push(Layer::Waiting(self.asks, "what is decided to be on disk".into()));
        vec![Effect::Decide { ask: self.asks, findings, wish }]
    }

    /// Says how it ended. What was typed stays where it did not end well.
    pub(super) fn decided(&mut self, desk: &Desk, ask: u64, ended: Result<usize, String>) {
        let awaited = matches!(self.layers.last(), Some(Layer::Waiting(of, _)) if *of == ask);
        if awaited {
            self.layers.pop();
        }
        match ended {
            Ok(count) => {
                if awaited && self.form_mut().is_some_and(|form| matches!(form.purpose, Purpose::Triage(_))) {
                    self.layers.pop();
                    self.made_of = None;
                }
                let way = self.keymap.way(ActionId::Triage);
                let count = plural(count, "finding", "findings");
                self.say(desk, Level::Ok, format!("decided on {count}; {way} decides anew"));
            }
            Err(why) => self.say(desk, Level::Critical, sanitize(&why).into_owned()),
        }
    }
}
