//! The state of the console and how it answers to input. No terminal, no waiting: what has to happen outside is
//! returned as [`Effect`]s.

mod around;
mod available;
mod filling;
mod filter;
mod logs;
mod offers;
mod palette;
mod picker;
mod pointed;
mod prefill;
mod probing;
mod read_only;
mod run;
mod runs;
mod table;
mod triage;
mod typing;
mod values;
mod workload;

pub use filling::form_command;
pub use typing::content;
pub(super) use typing::edit;
pub use values::{Contexts, Value};

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crossterm::event::KeyEvent;
use jiff::Timestamp;
use ratatui::layout::Rect;

use super::action::ActionId;
use super::form::{FileText, Form, Unseen};
use super::keymap::Keymap;
use super::keys::Chord;
use super::layer::{DetailLayer, Layer, Offer, Place, ProblemsLayer};
use super::layout::{Areas, LEAST};
use super::logs::Tail;
use super::lookout::Lookout;
use super::mouse::Gesture;
use super::pages;
use super::panes::Panes;
use super::rotation::Standings;
use super::runs::{RunEffect, RunInput, run_key};
use super::spots::Spot;
use super::theme::{Theme, Themes};
use crate::cluster::{LogEvent, LogQuery};
use crate::config::ThemeFolder;
use crate::config::runbook::BookFolder;
use crate::model::{ClaimKey, FindingId, Key, ObjRef};
use crate::plan::triage::Wish;
use crate::plan::{AccessQuestion, Confirmed, DryRun, Plan, Refusal, Request};
use crate::runbook::history::{RunId, StepAt};
use crate::session::{Desk, KnownContext};
use crate::view::{self, Filter, Level, Sieve};

/// What can happen to the console.
#[derive(Clone, Debug)]
pub enum Input {
    /// A key was pressed.
    Key(KeyEvent),
    /// The mouse was used on what stood under it.
    Mouse(Gesture, Spot),
    /// Text was pasted: it may be a private key.
    Paste(Unseen),
    /// The answer to [`Effect::ReadFile`]: what the file held, or why it cannot be read.
    FileRead(usize, Result<FileText, String>),
    /// Time passed.
    Tick,
    /// The desk changed.
    Changed,
    /// The answer to [`Effect::Plan`].
    Planned {
        /// The number of the question.
        ask: u64,
        /// The plan and what the server said of it, or why there is none.
        result: Box<Result<(Plan, DryRun), Refusal>>,
    },
    /// A confirmed plan became an operation.
    Started(Arc<str>),
    /// It did not, or an operation could not be taken up again.
    Refused(Box<Refusal>),
    /// The answer to [`Effect::ListContexts`].
    Contexts(Result<Vec<KnownContext>, String>),
    /// The desk is another cluster's from now on: [`Effect::Switch`] was done.
    Switched,
    /// The answer to [`Effect::FetchYaml`]: the text, or why it cannot be read.
    Yaml(ObjRef, Result<String, String>),
    /// The answer to [`Effect::Decide`]: how many findings were decided on, or why none was.
    Decided(u64, Result<usize, String>),
    /// Something happened to the log that was asked for under this number.
    Log(u64, LogEvent),
    /// The answer to [`Effect::Probe`]; the desk has what was seen.
    Probed(ClaimKey),
    /// Something happened to a run of a runbook.
    Run(RunInput),
    /// The answer to [`Effect::ReadThemes`]: the user's theme files as they are now, and which theme to take.
    Themes(ThemeFolder, Option<String>),
}

/// What has to happen outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Ask what is needed, then plan.
    Plan {
        /// The number of the question; a person may have gone on when the answer comes.
        ask: u64,
        /// What is asked for.
        request: Box<Request>,
    },
    /// Decide on findings.
    Decide {
        /// The number of the question.
        ask: u64,
        /// Which.
        findings: Vec<FindingId>,
        /// What.
        wish: Wish,
    },
    /// Run a confirmed plan.
    Start(Box<Confirmed>),
    /// Keep that a plan was read and not run, and why.
    Abort(Box<Plan>, String),
    /// Stop an operation after the step under way.
    Stop(Arc<str>),
    /// Take up an operation where its journal ends.
    Resume(Arc<str>),
    /// Ask which of these rights are granted.
    AskRights(Vec<AccessQuestion>),
    /// Shake hands with those who serve the certificate of a Secret.
    Probe(ClaimKey),
    /// Say something that stays in the list of notices.
    Notice(Level, String),
    /// Put text into the clipboard.
    Copy(String),
    /// Read an object in full.
    FetchYaml(ObjRef),
    /// Read a log until it is closed.
    OpenLog {
        /// The number of the question.
        ask: u64,
        /// Which log.
        query: LogQuery,
    },
    /// Stop reading the log that was asked for under this number.
    CloseLog(u64),
    /// Something for a run of a runbook.
    Run(Box<RunEffect>),
    /// Read the user's theme files anew, then take this theme, or the next.
    ReadThemes(Option<String>),
    /// Read what a finding says in full.
    ReadFinding(FindingId),
    /// Read the file that the field at this place of a form names.
    ReadFile(usize, PathBuf),
    /// Give the terminal back and stop until the shell continues this process.
    Suspend,
    /// Look at these namespaces, or at all when there are none.
    LookAt(Vec<String>),
    /// Read which contexts there are.
    ListContexts,
    /// Go to another context.
    Switch(Box<str>),
    /// Leave.
    Quit,
}

/// The console.
#[derive(Debug)]
pub struct App {
    /// The colours.
    pub theme: Theme,
    /// All there are to choose from.
    pub themes: Themes,
    /// The user's own runbooks, as they were when the console began.
    pub own_books: Option<BookFolder>,
    /// Which key does what.
    pub keymap: Keymap,
    /// The panes.
    pub panes: Panes,
    /// What lies above them; the last has the keys.
    pub layers: Vec<Layer>,
    /// The filter of the list of problems.
    pub problem_filter: Filter,
    /// What was said last, when, and how bad it is.
    pub said: Option<(Timestamp, Level, String)>,
    /// The log that is being read.
    pub tail: Option<Tail>,
    last: Vec<Layer>,
    /// A form that was given up with something typed in it.
    kept: Option<Box<Form>>,
    /// What was said to a step of a run, until it is known whether it was recorded.
    answered: Option<Box<Form>>,
    lookout: Lookout,
    /// What a form will be about that waits for the first lists.
    opening: Option<Request>,
    asks: u64,
    /// Which question is about the plan of which step of a run.
    stepping: Option<(u64, RunId, StepAt)>,
    /// Books that were edited since their run began: what differs.
    edited: BTreeMap<RunId, String>,
    screen: Rect,
    /// Version of the rows that the problems, the timeline or the rotation on top were made of.
    made_of: Option<u64>,
    /// Where the rotation of the selected CA stands.
    standings: Standings,
    /// Which contexts there are, as far as they were asked for.
    contexts: Contexts,
    /// The context to go to as soon as they are known.
    wanted: Option<Box<str>>,
    /// Commands that were typed, the oldest first.
    history: Vec<String>,
}

impl App {
    /// A console that has seen nothing yet, with the registry's own keys.
    pub fn new(theme: Theme, columns: u16, lines: u16) -> Self {
        Self {
            theme,
            themes: Themes::default(),
            own_books: None,
            keymap: Keymap::default(),
            panes: Panes::default(),
            layers: Vec::new(),
            problem_filter: Filter::default(),
            said: None,
            tail: None,
            last: Vec::new(),
            kept: None,
            answered: None,
            lookout: Lookout::default(),
            opening: None,
            asks: 0,
            stepping: None,
            edited: BTreeMap::new(),
            screen: Rect::new(0, 0, columns, lines),
            made_of: None,
            standings: Standings::default(),
            contexts: Contexts::default(),
            wanted: None,
            history: Vec::new(),
        }
    }

    /// Takes in what happened and says what has to happen outside.
    pub fn handle(&mut self, desk: &Desk, input: Input) -> Vec<Effect> {
        let offered = self.offered();
        let mut effects = match input {
            Input::Key(event) => {
                // Rows may have moved since the last frame: a key means the row whose key the cursor holds.
                self.sync(desk);
                self.key(desk, event)
            }
            Input::Mouse(gesture, spot) => {
                self.sync(desk);
                self.pointed(desk, gesture, spot)
            }
            Input::Paste(text) => {
                if self.seen() {
                    self.paste(desk, &text);
                }
                Vec::new()
            }
            Input::FileRead(place, read) => {
                if let Some(form) = self.form_mut() {
                    form.load(place, read);
                }
                Vec::new()
            }
            Input::Tick | Input::Changed => {
                self.made_of = None;
                self.standings.forget();
                self.look_again(desk);
                self.renew_menu(desk);
                let mut effects = self.open_when_listed(desk);
                let news = self.lookout.look(desk, &self.panes);
                effects.extend(news.into_iter().map(|(level, text)| Effect::Notice(level, text)));
                effects
            }
            Input::Planned { ask, result } => self.planned(desk, ask, *result),
            Input::Run(input) => {
                self.run_input(desk, input);
                Vec::new()
            }
            Input::Decided(ask, ended) => {
                self.decided(desk, ask, ended);
                Vec::new()
            }
            Input::Started(id) => {
                self.started();
                self.layers.retain(Layer::view);
                self.layers.push(Layer::Operation(id, 0));
                Vec::new()
            }
            Input::Refused(refusal) => {
                self.started();
                self.layers.push(Layer::Refusal(refusal, 0));
                Vec::new()
            }
            Input::Contexts(known) => self.learn_contexts(desk, known),
            Input::Switched => {
                self.standings.forget();
                self.arrived(desk);
                Vec::new()
            }
            Input::Yaml(object, text) => {
                self.yaml(desk, object, text);
                Vec::new()
            }
            Input::Probed(secret) => {
                self.made_of = None;
                self.probed(desk, &secret);
                Vec::new()
            }
            Input::Log(ask, event) => {
                self.log_event(desk, ask, event);
                Vec::new()
            }
            Input::Themes(folder, name) => {
                self.themes.renew(folder);
                self.recolour(desk, name.as_deref());
                Vec::new()
            }
        };
        effects.extend(self.settle_log());
        effects.extend(self.given_up(offered, &effects));
        self.sync(desk);
        effects
    }

    /// Takes the size that the terminal has: columns and lines.
    pub fn resize(&mut self, desk: &Desk, columns: u16, lines: u16) {
        let screen = Rect::new(0, 0, columns, lines);
        if screen != self.screen {
            self.screen = screen;
            self.sync(desk);
        }
    }

    /// Whether the terminal is large enough to show anything.
    pub fn seen(&self) -> bool {
        self.screen.width >= LEAST.0 && self.screen.height >= LEAST.1
    }

    /// Where the keys go.
    pub fn place(&self) -> Place {
        self.layers.last().map_or(Place::Panes, Layer::place)
    }

    /// Where the parts of the screen are.
    pub fn areas(&self, desk: &Desk) -> Areas {
        Areas::of(self.screen, self.panes.focus, self.panes.zoom, desk.operations.len())
    }

    /// What the actions of the top layer are about.
    pub fn target(&self, desk: &Desk) -> Option<Key> {
        let own = self.layers.iter().rev().find_map(|layer| layer.target(desk));
        own.unwrap_or_else(|| self.panes.selected(desk))
    }

    /// Says something once.
    pub fn say(&mut self, desk: &Desk, level: Level, text: impl Into<String>) {
        self.said = Some((desk.now, level, text.into()));
    }

    fn key(&mut self, desk: &Desk, event: KeyEvent) -> Vec<Effect> {
        self.said = None;
        let chord = Chord::of(&event);
        let place = self.place();
        if !self.seen() {
            return self.unseen(desk, chord);
        }
        if place.typed() {
            // A key that could be part of a text does not leave while one is typed.
            let leaves = |id: &ActionId| chord.ctrl && self.keymap.keys(*id).contains(&chord);
            let left = [ActionId::Quit, ActionId::Suspend].into_iter().find(leaves);
            return match (left, place) {
                (Some(id), _) => self.run(desk, id, None),
                (None, Place::Form) => self.form_key(desk, event),
                (None, _) => self.typed(desk, event),
            };
        }
        if let Some(Layer::Menu(entries, ..)) = self.layers.last()
            && let Some(id) = super::menu_letter(entries, chord)
        {
            return self.run_from_menu(desk, id);
        }
        match self.keymap.bound(chord, place) {
            Some(action) => self.run(desk, action.id, None),
            None => Vec::new(),
        }
    }

    /// A key where nothing is seen: all that it can do is leave.
    fn unseen(&mut self, desk: &Desk, chord: Chord) -> Vec<Effect> {
        let typing = self.place() == Place::Typing;
        let pressed = |id| (chord.ctrl || !typing) && self.keymap.keys(id).contains(&chord);
        if pressed(ActionId::Quit) || pressed(ActionId::Leave) {
            self.run(desk, ActionId::Quit, None)
        } else if pressed(ActionId::Suspend) {
            self.run(desk, ActionId::Suspend, None)
        } else {
            Vec::new()
        }
    }

    fn planned(&mut self, desk: &Desk, ask: u64, result: Result<(Plan, DryRun), Refusal>) -> Vec<Effect> {
        let of_run = self.stepping.take_if(|(of, ..)| *of == ask).map(|(_, run, at)| (run, at));
        // An answer to a question that was given up says nothing any more.
        match self.layers.last() {
            Some(Layer::Waiting(awaited, _)) if *awaited == ask => {}
            _ => return Vec::new(),
        }
        self.layers.pop();
        let effects = of_run.iter().filter_map(|(run, at)| runs::not_of_run(run, at, &result)).collect();
        self.layers.push(match result {
            Ok((plan, dry_run)) => {
                let version = version(desk, &plan);
                let died = of_run.as_ref().and_then(|_| runs::would_fail(&dry_run));
                Layer::Review(Box::new(Offer { plan, dry_run, version, touched: desk.now, died, of_run }), 0)
            }
            Err(refusal) => Layer::Refusal(Box::new(refusal), 0),
        });
        effects
    }

    fn yaml(&mut self, desk: &Desk, object: ObjRef, text: Result<String, String>) {
        match text {
            Ok(text) => {
                let lines = text.lines().map(|line| crate::text::sanitize(line).into()).collect();
                self.layers.push(Layer::Text(object, lines, 0));
            }
            Err(why) => self.say(desk, Level::Critical, format!("cannot read {object}: {why}")),
        }
    }

    /// Looks whether what is offered for confirmation still stands.
    pub(super) fn look_again(&mut self, desk: &Desk) {
        // The review beneath a confirmation is of the same plan.
        let expired = match self.layers.last() {
            Some(Layer::Confirm(offer, _)) => offer.expired(desk.now),
            _ => None,
        };
        for layer in &mut self.layers {
            if let Layer::Review(offer, _) | Layer::Confirm(offer, _) = layer
                && offer.died.is_none()
            {
                offer.died = died(desk, offer).or_else(|| expired.clone());
            }
        }
    }

    /// Brings lists, sheets and cursors up to date with the desk and the screen.
    fn sync(&mut self, desk: &Desk) {
        let areas = self.areas(desk);
        self.panes.sync(desk, &areas);
        // What lies beneath a menu or a line that is typed is seen, and so kept up as well.
        let seen = self.layers.iter().rposition(Layer::covers);
        match seen.and_then(|at| self.layers.get_mut(at)) {
            Some(Layer::Detail(detail)) => sync_detail(detail, desk),
            Some(Layer::Sources(sources)) => sources.renew(view::log_sources(&desk.world, &sources.key)),
            Some(Layer::Tree(tree)) => tree.sync(desk, areas.body),
            Some(Layer::Timeline(timeline)) => {
                let version = desk.boards.version();
                if self.made_of != Some(version) {
                    timeline.make(desk);
                    self.made_of = Some(version);
                }
                timeline.settle(areas.body);
            }
            Some(Layer::Rotation(rotation)) => {
                let version = desk.boards.version();
                if self.made_of != Some(version) {
                    rotation.make(desk, &self.standings);
                    self.made_of = Some(version);
                }
            }
            Some(Layer::Problems(list)) => {
                let version = desk.boards.version();
                if self.made_of != Some(version) {
                    let sieve = Sieve::new(&self.problem_filter, &self.panes.pinned);
                    sync_problems(list, desk, &sieve, areas.problems());
                    self.made_of = Some(version);
                }
                let found = list.lines.iter().position(|problem| Some(&problem.key) == list.cursor.key.as_ref());
                list.cursor.settle(found, list.lines.len(), areas.problems());
            }
            Some(Layer::Operations(cursor)) => {
                let is = |id: &Arc<str>| cursor.key == Some(Key::Operation(id.clone()));
                let found = desk.operations.iter().position(|operation| is(&operation.id));
                cursor.settle(found, desk.operations.len(), areas.operations());
            }
            Some(Layer::Runs(cursor)) => {
                let found = desk.runs.iter().position(|run| cursor.key == Some(run_key(run)));
                cursor.settle(found, desk.runs.len(), areas.operations());
            }
            _ => {}
        }
        self.clamp_scroll(desk, &areas);
    }

    fn clamp_scroll(&mut self, desk: &Desk, areas: &Areas) {
        let Some(layer) = self.layers.last() else { return };
        let Some(len) = pages::len(self, desk, layer, areas.body.width) else { return };
        let most = len.saturating_sub(areas.page());
        if let Some(scroll) = self.layers.last_mut().and_then(Layer::scroll) {
            *scroll = (*scroll).min(most);
        }
    }
}

/// Makes the list of problems anew, where this many lines are seen at once.
fn sync_problems(list: &mut ProblemsLayer, desk: &Desk, sieve: &Sieve, seen: usize) {
    let mut found = view::problems(&desk.world, &desk.boards, &desk.operations, &desk.runs);
    list.all = found.len();
    found.retain(|problem| sieve.passes(problem, &desk.world, &desk.boards, desk.now));
    list.passing = found.len();
    list.faults = sieve.faults().to_vec();
    list.lines = view::gather(found, seen, &list.open);
}

fn sync_detail(layer: &mut DetailLayer, desk: &Desk) {
    layer.sheet = match &layer.key {
        Key::Finding(id) => view::of_finding(&desk.world, &desk.boards, *id, desk.told.as_ref(), desk.now),
        key => view::detail(&desk.world, &desk.boards, key, desk.now),
    };
    let links = layer.sheet.as_ref().map_or(0, |sheet| sheet.links.len());
    layer.link = layer.link.min(links.saturating_sub(1));
}

/// The version of a plan's object as it is known now; `None` when it is gone or another.
fn version(desk: &Desk, plan: &Plan) -> Option<Box<str>> {
    let subject = &plan.subject;
    desk.world.inventory.meta(subject.object.kind, &subject.uid).map(|meta| meta.resource_version.clone())
}

/// Why an offer no longer stands: its object is gone, going or changed since it was shown.
fn died(desk: &Desk, offer: &Offer) -> Option<Box<str>> {
    let subject = &offer.plan.subject;
    let Some(meta) = desk.world.inventory.meta(subject.object.kind, &subject.uid) else {
        return Some(format!("{} is gone; close this and pick another", subject.object).into());
    };
    if meta.deleting.is_some() {
        return Some(format!("{} is being deleted; close this and pick another", subject.object).into());
    }
    // The watch may show the version that the plan was made from only after the plan itself.
    let known = [offer.version.as_deref(), Some(subject.resource_version.as_str())];
    (!known.contains(&Some(&*meta.resource_version)))
        .then(|| format!("{} changed since this plan was made; close this and plan again", subject.object).into())
}
