//! Runs of runbooks: begun from the selection, looked at, and acted on where a step asks for a person.

use super::super::action::ActionId;
use super::super::form::{Form, Purpose, Said};
use super::super::layer::{Layer, Picker};
use super::super::runs::{RunEffect, RunInput, RunLayer};
use super::available::missing_rights;
use super::prefill::prefill;
use super::typing::line;
use super::values::Value;
use super::{App, Effect};
use crate::config::runbook::shipped_books;
use crate::model::Key;
use crate::plan::{DryRun, Filled, OperationId, Plan, Refusal, Request};
use crate::runbook::book::Book;
use crate::runbook::history::{RunId, StepAt};
use crate::runbook::params;
use crate::runbook::turn::{Ask, Turn};
use crate::session::{Answer, Desk, NotResumed};
use crate::text;
use crate::tui::action::Argument;
use crate::view::{Level, RunState, RunView};

impl App {
    /// Takes in what happened to a run.
    pub(super) fn run_input(&mut self, desk: &Desk, input: RunInput) {
        match input {
            RunInput::Book(read) => self.ask_params(desk, *read),
            RunInput::Begun(id) => {
                self.layers.retain(Layer::view);
                self.kept = None;
                self.show_run(id);
            }
            RunInput::Refused(why) => self.unsaid(desk, &why),
            RunInput::Written(id, trouble) => self.run_written(desk, &id, trouble.as_deref()),
            RunInput::Resumed(id, answer) => self.run_resumed(desk, id, answer),
        }
    }

    /// Whether runs are on the screen.
    pub(in crate::tui) fn shows_runs(&self) -> bool {
        self.layers.iter().any(|layer| matches!(layer, Layer::Runs(_) | Layer::Run(_)))
    }

    /// Whether what is selected is a run.
    pub(super) fn on_run(&self, desk: &Desk) -> bool {
        matches!(self.target(desk), Some(Key::Run(_)))
    }

    /// The selected run, or why there is none.
    pub(super) fn selected_run<'a>(&self, desk: &'a Desk) -> Result<&'a RunView, String> {
        let Some(Key::Run(id)) = self.target(desk) else { return Err("no run is selected".to_owned()) };
        let found = desk.runs.iter().find(|run| *run.id.as_str() == *id);
        found.ok_or_else(|| format!("run {id} is not known here"))
    }

    /// The selected run, where this console leads it; or why it does not.
    fn led_run<'a>(&self, desk: &'a Desk) -> Result<&'a RunView, String> {
        let run = self.selected_run(desk)?;
        match run.state {
            RunState::Done | RunState::Stopped => Err(format!("the run is over: {}", run.state.word().to_lowercase())),
            _ if !run.led => {
                Err(format!("nobody leads it here: {} goes on with it", self.keymap.way(ActionId::Resume)))
            }
            _ => Ok(run),
        }
    }

    /// Why something cannot be done with the selected run now.
    pub(super) fn run_hindrance(&self, desk: &Desk, id: ActionId) -> Option<String> {
        if id == ActionId::Resume {
            return self.selected_run(desk).map_or_else(Some, not_resumable);
        }
        if id == ActionId::Approve {
            return self.selected_run(desk).map_or_else(Some, |run| not_approved(desk, run));
        }
        let run = match self.led_run(desk) {
            Ok(run) => run,
            Err(why) => return Some(why),
        };
        let writing = || "something of it is being written; in a moment".to_owned();
        match (id, &run.turn) {
            (_, None) => Some(writing()),
            (ActionId::Stop | ActionId::SkipStep, Some(Turn::Follow(_, operation))) => {
                Some(format!("operation {operation} runs; stop that first, or wait for its end"))
            }
            (ActionId::Note | ActionId::Stop, _)
            | (ActionId::SkipStep, Some(Turn::Ask(..) | Turn::Plan(..) | Turn::Wait { .. }))
            | (ActionId::TryAgain, Some(Turn::Ask(_, Ask::Failed(..))))
            | (ActionId::BreakGlass, Some(Turn::Ask(_, Ask::Approve(_)))) => None,
            (ActionId::TryAgain, _) => Some("the step has not failed".to_owned()),
            (ActionId::BreakGlass, _) => Some("the step asks for no approval".to_owned()),
            (ActionId::SkipStep, _) => Some("the step is being done".to_owned()),
            (_, Some(turn)) => self.not_answered(desk, run, turn),
        }
    }

    /// Why nobody has to say anything now.
    fn not_answered(&self, desk: &Desk, run: &RunView, turn: &Turn) -> Option<String> {
        let way = |id| self.keymap.way(id);
        match turn {
            Turn::Ask(_, Ask::Do(_) | Ask::Choose(_) | Ask::Attest(_)) => None,
            Turn::Plan(_, request) => missing_rights(desk, request),
            Turn::Ask(_, Ask::Failed(..)) => {
                let (again, over) = (way(ActionId::TryAgain), way(ActionId::SkipStep));
                Some(format!("the step failed: {again} tries it again, {over} skips it"))
            }
            Turn::Ask(at, Ask::Approve(_)) => Some(format!(
                "a second person approves it: holdfast runbook approve {} {}",
                run.id,
                text::sanitize(&at.step)
            )),
            Turn::Follow(_, operation) => Some(format!("operation {operation} runs")),
            Turn::Wait { what, .. } => Some(format!("it waits: {}", text::sanitize(what))),
            Turn::Collect(..) => Some("evidence is being collected".to_owned()),
            Turn::Note(_) | Turn::Over(_) => Some("it goes on by itself".to_owned()),
        }
    }

    /// Shows a run.
    pub(super) fn show_run(&mut self, id: RunId) {
        if !matches!(self.layers.last(), Some(Layer::Run(shown)) if shown.id == id) {
            self.push_view(Layer::Run(Box::new(RunLayer::new(id))));
        }
    }

    /// Does something with the selected run.
    pub(super) fn in_run(&mut self, desk: &Desk, id: ActionId) -> Vec<Effect> {
        let Ok(run) = self.selected_run(desk) else { return Vec::new() };
        let run_id = run.id.clone();
        let at = run.at.clone().unwrap_or_else(|| StepAt::new(""));
        let said = match (id, &run.turn) {
            (ActionId::Resume, _) if self.edited.contains_key(&run_id) => Said::AsBegun,
            (ActionId::Resume, _) => {
                self.say(desk, Level::Info, "going on with the run");
                return vec![RunEffect::Resume(run_id, false).into()];
            }
            (ActionId::TryAgain, _) => return vec![RunEffect::Answer(run_id, at, Answer::Again).into()],
            (ActionId::GoOn, Some(Turn::Plan(at, request))) => {
                let (at, request) = (at.clone(), (**request).clone());
                return self.plan_step(desk, run_id, at, request);
            }
            (ActionId::GoOn, Some(Turn::Ask(_, ask))) => Said::Answer(ask.clone()),
            (ActionId::SkipStep, _) => Said::Skip,
            (ActionId::BreakGlass, _) => Said::BreakGlass,
            (ActionId::Approve, _) => Said::Approve,
            (ActionId::Stop, _) => Said::Stop,
            _ => Said::Note,
        };
        self.ask_form(Form::new(said.form(&at), Purpose::Step { run: run_id, at, said }));
        Vec::new()
    }

    /// Asks for the plan of a step.
    fn plan_step(&mut self, desk: &Desk, run: RunId, at: StepAt, request: Request) -> Vec<Effect> {
        let effects = self.plan(desk, request);
        self.stepping = Some((self.asks, run, at));
        effects
    }

    /// What a form says to a step.
    ///
    /// # Errors
    /// When what was typed does not prove which run is meant.
    pub(super) fn said_to_step(
        &mut self,
        run: RunId,
        at: StepAt,
        said: &Said,
        filled: &Filled,
    ) -> Result<Vec<Effect>, String> {
        let text = filled.get("said").unwrap_or_default().to_owned();
        if *said == Said::Approve && text != run.as_str() {
            return Err(format!("what was typed is not the id of the run, {run}; nothing was approved"));
        }
        let form = self.layers.pop();
        if let Some(Layer::Form(form)) = form
            && !matches!(said, Said::Approve | Said::AsBegun)
        {
            self.answered = Some(form);
        }
        let effect = match said {
            Said::Approve => RunEffect::Approve(run, at),
            Said::Answer(_) => RunEffect::Answer(run, at, Answer::Text(text)),
            Said::Skip => RunEffect::Answer(run, at, Answer::Skip(text)),
            Said::BreakGlass => RunEffect::Answer(run, at, Answer::BreakGlass(text)),
            Said::Stop => RunEffect::Stop(run, text),
            Said::Note => RunEffect::Note(run, text),
            Said::AsBegun if text == "yes" => RunEffect::Resume(run, true),
            Said::AsBegun => return Ok(Vec::new()),
        };
        Ok(vec![effect.into()])
    }

    /// Takes in whether a run is gone on with.
    pub(super) fn run_resumed(&mut self, desk: &Desk, id: RunId, answer: Result<(), NotResumed>) {
        match answer {
            Ok(()) => {
                self.edited.remove(&id);
                self.say(desk, Level::Ok, format!("run {id} goes on here"));
            }
            Err(NotResumed::Edited(edited)) => {
                let way = self.keymap.way(ActionId::Resume);
                self.say(desk, Level::Warn, format!("its runbook was edited since it began; {way} asks what to do"));
                self.edited.insert(id, edited.to_string());
            }
            Err(NotResumed::Because(why)) => self.say(desk, Level::Critical, text::sanitize(&why).into_owned()),
        }
    }

    /// What differs in the book of a run that was edited since it began.
    pub fn edited_book(&self, id: &RunId) -> Option<&str> {
        self.edited.get(id).map(String::as_str)
    }

    /// Begins with a runbook: the one that is named, or asks for which.
    pub(super) fn begin_runbook(&mut self, desk: &Desk, named: Option<&str>) -> Vec<Effect> {
        if let Some(name) = named {
            return vec![RunEffect::ReadBook(name.to_owned()).into()];
        }
        let picker =
            Picker { of: Argument::Runbook, line: line(""), place: 0, marks: std::collections::BTreeSet::new() };
        self.layers.push(Layer::Pick(Box::new(picker)));
        self.picker_edited(desk);
        Vec::new()
    }

    /// Runbooks that come along and the user's own: those that the selection tells most about come first. What is wrong
    /// with one stands in its place, and the last.
    pub(super) fn books(&self, desk: &Desk) -> Vec<Value> {
        let told = |book: &&Book| prefill(self, desk, book).len();
        let own = self.own_books.iter().flat_map(|folder| folder.books.iter().map(move |own| (folder, own)));
        let (mut books, mut broken): (Vec<&Book>, Vec<Value>) = (shipped_books().iter().collect(), Vec::new());
        for (folder, own) in own {
            let why = match (&own.book, folder.shadowed(own)) {
                (Ok(book), None) => {
                    books.push(book);
                    continue;
                }
                (Err(error), _) => text::chain(error),
                (Ok(_), Some(why)) => format!("{}: {why}", own.path.display()),
            };
            let means = text::sanitize(why.lines().next().unwrap_or_default()).into_owned();
            let name = if own.book.is_ok() { own.path.display().to_string() } else { own.name() };
            broken.push(Value { name: name.into(), means, now: false });
        }
        books.sort_by_key(|book| std::cmp::Reverse(told(book)));
        let value = |book: &Book| Value {
            name: book.name.as_str().into(),
            means: text::sanitize(&book.title).into_owned(),
            now: false,
        };
        books.into_iter().map(value).chain(broken).collect()
    }

    /// Asks for the parameters of a book; what the selection tells of them stands there already.
    pub(super) fn ask_params(&mut self, desk: &Desk, read: Result<(Book, String), String>) {
        match read {
            Err(why) => self.say(desk, Level::Critical, text::sanitize(&why).into_owned()),
            Ok((book, source)) => {
                let form = params::form(&book, &prefill(self, desk, &book));
                self.ask_form(Form::new(form, Purpose::Runbook { book: Box::new(book), source }));
            }
        }
    }

    fn shown_run<'a>(&self, desk: &'a Desk) -> Option<(&RunLayer, &'a RunView)> {
        let Some(Layer::Run(layer)) = self.layers.last() else { return None };
        Some((layer, desk.runs.iter().find(|run| run.id == layer.id)?))
    }

    /// Shows another step of the run on top.
    pub(super) fn step_of_run(&mut self, desk: &Desk, go: impl Fn(usize) -> usize) {
        let Some((layer, run)) = self.shown_run(desk) else { return };
        let at = go(layer.place(run)).min(run.steps.len().saturating_sub(1));
        // On the step that the run is at it is followed again.
        let step = (run.here() != Some(at)).then_some(at);
        if let Some(Layer::Run(layer)) = self.layers.last_mut() {
            layer.step = step;
            layer.scroll_to(run, 0);
        }
    }

    /// Scrolls what is told of the step of the run on top.
    pub(super) fn leaf_of_run(&mut self, desk: &Desk, go: impl Fn(usize) -> usize) {
        let body = self.areas(desk).body;
        let Some((layer, run)) = self.shown_run(desk) else { return };
        let scroll = go(layer.scroll(run)).min(super::super::draw::most_scrolled(self, desk, layer, run, body));
        if let Some(Layer::Run(layer)) = self.layers.last_mut() {
            layer.scroll_to(run, scroll);
        }
    }

    /// The operation of the step that is shown.
    pub(super) fn operation_of_step(&self, desk: &Desk) -> Option<OperationId> {
        let (layer, run) = self.shown_run(desk)?;
        OperationId::parse(run.steps.get(layer.place(run))?.operation.as_deref()?).ok()
    }

    /// Why the operation of the step that is shown cannot be opened.
    pub(super) fn no_operation_of_step(&self, desk: &Desk) -> Option<String> {
        self.operation_of_step(desk).is_none().then(|| "this step has no operation to open".to_owned())
    }
}

/// Why whoever is here cannot approve the step that a run is at.
fn not_approved(desk: &Desk, run: &RunView) -> Option<String> {
    let approves = run.here().and_then(|at| run.steps.get(at)).is_some_and(|step| step.task == "approve");
    match desk.world.context.user.as_deref() {
        _ if !approves => Some("the run waits for no approval".to_owned()),
        None => Some("the API server does not say who you are".to_owned()),
        Some(user) if text::sanitize(user) == run.who => Some("you began it: somebody else has to agree".to_owned()),
        Some(_) => None,
    }
}

fn not_resumable(run: &RunView) -> Option<String> {
    match run.state {
        RunState::Done | RunState::Stopped => Some(format!("it is over: {}", run.state.word().to_lowercase())),
        _ if run.led => Some("it is led here already".to_owned()),
        _ => None,
    }
}

/// Begins a run with what the form says.
pub(super) fn begin_run(book: Box<Book>, source: String, filled: &Filled) -> Result<Vec<Effect>, String> {
    let given = filled.given().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let values = params::values(&book, &given, crate::store::now()).map_err(|wrong| wrong.join("; "))?;
    Ok(vec![RunEffect::Begin(book, source, values).into()])
}

/// The command that begins the same run.
pub(super) fn command(source: &str, filled: &Filled) -> String {
    let mut words = ["holdfast", "runbook", "run", source].map(str::to_owned).to_vec();
    words.extend(filled.given().flat_map(|(name, value)| ["--param".to_owned(), format!("{name}={value}")]));
    text::command_line(&words)
}

/// The action that asks for what is said.
pub(super) const fn action(said: &Said) -> ActionId {
    match said {
        Said::Answer(_) => ActionId::GoOn,
        Said::Skip => ActionId::SkipStep,
        Said::BreakGlass => ActionId::BreakGlass,
        Said::Approve => ActionId::Approve,
        Said::Stop => ActionId::Stop,
        Said::Note => ActionId::Note,
        Said::AsBegun => ActionId::Resume,
    }
}

/// What becomes of a step of a run whose plan was refused, here or by the API server.
pub(super) fn not_of_run(run: &RunId, at: &StepAt, result: &Result<(Plan, DryRun), Refusal>) -> Option<Effect> {
    match result {
        Err(refusal) => Some(RunEffect::NotPlanned(run.clone(), at.clone(), Box::new(refusal.clone())).into()),
        Ok((_, DryRun::Refused(why))) => Some(RunEffect::WouldBeRefused(run.clone(), at.clone(), why.clone()).into()),
        Ok(_) => None,
    }
}

/// Why the plan of a step of a run cannot be confirmed.
pub(super) fn would_fail(dry_run: &DryRun) -> Option<Box<str>> {
    match dry_run {
        DryRun::Refused(why) => Some(format!("the API server would refuse it, so the step failed: {why}").into()),
        _ => None,
    }
}
