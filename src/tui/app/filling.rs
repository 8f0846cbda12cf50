//! Forms: opened before a plan is made where there is something to choose, left for the plan or given up.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::super::action::ActionId;
use super::super::form::{Form, Purpose};
use super::super::keys::Chord;
use super::super::layer::{Layer, Place};
use super::runs::{action, begin_run, command};
use super::{App, Effect};
use crate::model::Freshness;
use crate::plan::{Request, Verb, triage};
use crate::runbook::history::RunId;
use crate::session::Desk;
use crate::text;
use crate::view::Level;

/// Stands for the first lists where the number of a question to the cluster does.
const LISTS: u64 = 0;

impl App {
    /// Begins with an action's verb on the selection: its form where there is something to choose, else its plan.
    pub(super) fn begin(&mut self, desk: &Desk, action: ActionId) -> Vec<Effect> {
        let request = match action {
            ActionId::ImportCertificate => {
                self.request(desk, Verb::Rotate).map(|of| Request::hand_over(of.subject().1))
            }
            _ => match action.verb() {
                Some(verb) => self.request(desk, verb),
                None => return Vec::new(),
            },
        };
        let Ok(request) = request else { return Vec::new() };
        if listing(desk, &request) {
            self.layers.push(Layer::Waiting(LISTS, "what there is to choose from".into()));
            self.opening = Some(request);
            return Vec::new();
        }
        self.open_form(desk, request)
    }

    /// Opens the form that waited for the first lists.
    pub(super) fn open_when_listed(&mut self, desk: &Desk) -> Vec<Effect> {
        if !matches!(self.layers.last(), Some(Layer::Waiting(LISTS, _))) {
            self.opening = None;
        }
        let Some(request) = self.opening.take_if(|request| !listing(desk, request)) else { return Vec::new() };
        self.layers.pop();
        self.open_form(desk, request)
    }

    fn open_form(&mut self, desk: &Desk, request: Request) -> Vec<Effect> {
        let Some(spec) = request.form(&desk.world) else {
            return self.plan(desk, request);
        };
        self.ask_form(Form::new(spec, Purpose::Plan(Box::new(request))));
        Vec::new()
    }

    /// Opens a form, with what was typed into an earlier one of the same.
    pub(super) fn ask_form(&mut self, mut form: Form) {
        if let Some(earlier) = self.kept.take_if(|earlier| earlier.about(&form)) {
            form.take_up(&earlier);
        }
        self.layers.push(Layer::Form(Box::new(form)));
    }

    pub(super) fn plan(&mut self, desk: &Desk, request: Request) -> Vec<Effect> {
        self.asks += 1;
        let what = format!("what the {} of {} needs to know", request.verb(), request.object(&desk.world));
        self.layers.push(Layer::Waiting(self.asks, what.into()));
        vec![Effect::Plan { ask: self.asks, request: Box::new(request) }]
    }

    /// A key while a form is on top. Like wherever text is typed, `enter` and `esc` are not for the keymap to change.
    pub(super) fn form_key(&mut self, desk: &Desk, event: KeyEvent) -> Vec<Effect> {
        let held = event.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        match event.code {
            KeyCode::Esc => self.leave_form(desk),
            KeyCode::Enter if !held => return self.form_entered(desk),
            code => {
                let letter = matches!(code, KeyCode::Char(_)) && !held;
                let bound = self.keymap.bound(Chord::of(&event), Place::Form).filter(|_| !letter);
                match (bound, self.form_mut()) {
                    (Some(action), _) => return self.run(desk, action.id, None),
                    (None, Some(form)) => form.edit(event),
                    (None, None) => {}
                }
            }
        }
        Vec::new()
    }

    pub(super) fn form_mut(&mut self) -> Option<&mut Form> {
        match self.layers.last_mut() {
            Some(Layer::Form(form)) => Some(form),
            _ => None,
        }
    }

    /// Gives the keys to another field, or goes on.
    pub(super) fn in_form(&mut self, desk: &Desk, id: ActionId) -> Vec<Effect> {
        if id == ActionId::Submit {
            return self.submit(desk);
        }
        let Some(form) = self.form_mut() else { return Vec::new() };
        if id == ActionId::NextField {
            form.next();
        } else {
            form.previous();
        }
        read_files(form)
    }

    /// Whether a form lies beneath the top layer: going back leads to it.
    pub fn filled_in(&self) -> bool {
        self.layers.iter().rev().nth(1).is_some_and(|layer| matches!(layer, Layer::Form(_)))
    }

    fn form_entered(&mut self, desk: &Desk) -> Vec<Effect> {
        let Some(form) = self.form_mut() else { return Vec::new() };
        form.read_again();
        if form.list_open() {
            form.next();
        } else if form.in_lines() {
            form.edit(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE));
        } else if form.at_end() || !form.touched() {
            return self.submit(desk);
        } else {
            form.next();
        }
        read_files(form)
    }

    /// Plans with what the form says; a wrong answer gets the keys instead.
    pub(super) fn submit(&mut self, desk: &Desk) -> Vec<Effect> {
        let Some(form) = self.form_mut() else { return Vec::new() };
        // What was read is looked at before it is planned with.
        let files = read_files(form);
        if !files.is_empty() {
            return files;
        }
        let Some(filled) = form.submit() else { return Vec::new() };
        let done = match form.purpose.clone() {
            Purpose::Plan(request) => request.filled(&filled).map(|request| self.plan(desk, request)),
            Purpose::Triage(findings) => triage::wish(&filled, desk.now).map(|wish| self.decide(findings, wish)),
            Purpose::Runbook { book, source } => begin_run(book, source, &filled),
            Purpose::Step { run, at, said } => self.said_to_step(run, at, &said, &filled),
        };
        match done {
            Ok(effects) => effects,
            Err(why) => {
                self.say(desk, Level::Warn, why);
                Vec::new()
            }
        }
    }

    /// Closes an open list, else the form. What was typed waits for the next form of the same object.
    pub(super) fn leave_form(&mut self, desk: &Desk) {
        if self.form_mut().is_some_and(Form::close_list) {
            return;
        }
        if let Some(Layer::Form(form)) = self.layers.pop()
            && form.touched()
        {
            // Certificates that a CA has signed are issued anew from the CA.
            let of_ca = |request: &Request| self.next_of_ca(desk).is_ok_and(|next| next.subject() == request.subject());
            let begins = match (form.handing(), &form.purpose) {
                (_, Purpose::Triage(_)) => ActionId::Triage,
                (_, Purpose::Runbook { .. }) => ActionId::Runbook,
                (_, Purpose::Step { said, .. }) => action(said),
                (Some(_), _) => ActionId::ImportCertificate,
                (None, Purpose::Plan(request)) if of_ca(request) => ActionId::RotateCa,
                (None, Purpose::Plan(request)) => ActionId::of(request.verb()),
            };
            let way = self.keymap.way(begins);
            self.say(desk, Level::Info, format!("what you typed is kept: {way} opens it again"));
            self.kept = Some(form);
        }
    }

    /// An entry of a run was written, or was not: what was said to its step is forgotten, or waits for the next form of it.
    pub(super) fn run_written(&mut self, desk: &Desk, id: &RunId, trouble: Option<&str>) {
        self.started();
        let of_run = |form: &Form| matches!(&form.purpose, Purpose::Step { run, .. } if run == id);
        if !self.answered.as_deref().is_some_and(of_run) {
            return;
        }
        match trouble {
            Some(why) => self.unsaid(desk, why),
            None => self.answered = None,
        }
    }

    /// Something asked of a run was not done: what was typed for it is not lost.
    pub(super) fn unsaid(&mut self, desk: &Desk, why: &str) {
        let why = text::sanitize(why);
        let said = match self.answered.take() {
            None => why.into_owned(),
            Some(form) => {
                self.kept = Some(form);
                format!("not recorded, what you typed is kept: {why}")
            }
        };
        self.say(desk, Level::Critical, said);
    }

    /// The command that would do what the top layer is about to plan, or planned.
    pub(super) fn command_line(&self, desk: &Desk) -> Result<String, String> {
        match self.layers.last() {
            Some(Layer::Form(form)) => form_command(desk, form).ok_or_else(|| "an answer is wrong".to_owned()),
            Some(Layer::Review(offer, _)) if !offer.plan.command.is_empty() => Ok(offer.plan.command.clone()),
            _ => Err("there is no command for this".to_owned()),
        }
    }
}

/// Asks for the files that a form names.
fn read_files(form: &Form) -> Vec<Effect> {
    form.unread().into_iter().map(|(place, path)| Effect::ReadFile(place, path)).collect()
}

/// Whether a first list is still coming in that says what there is to choose.
fn listing(desk: &Desk, request: &Request) -> bool {
    request.looks_at().iter().any(|kind| *desk.world.freshness(*kind) == Freshness::Loading)
}

/// The command that would make the choices of a form; `None` while an answer is wrong.
pub fn form_command(desk: &Desk, form: &Form) -> Option<String> {
    let filled = form.filled()?;
    match &form.purpose {
        Purpose::Plan(request) => request.filled(&filled).ok()?.command(&desk.world),
        Purpose::Triage(findings) => Some(triage::command(findings, &filled)),
        Purpose::Runbook { source, .. } => Some(command(source, &filled)),
        Purpose::Step { run, at, said } => Some(said.command(run, at, filled.get("said").unwrap_or_default())),
    }
}
