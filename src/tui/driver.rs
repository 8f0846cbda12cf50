//! The console on a terminal: keys, the mouse, signals, the session and a frame clock, in one loop.
//!
//! The only part that waits. A key press draws at once; what the session reports and a terminal whose size changes
//! are drawn at most thirty times a second.

mod keys;
mod runs;
mod signals;

use std::collections::HashMap;
use std::future::pending;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use crossterm::event::{Event as Key, KeyEventKind};

use super::bell::Bell;
use super::mouse::Mouse;
use super::spots::Spots;
use super::terminal::{ConsoleError, Screen, panicked};
use super::{App, Effect, FileText, Input, Keymap, RunInput, Theme, Themes, draw};
use crate::config::ThemeFolder;
use crate::config::runbook::BookFolder;
use crate::model::{ClaimKey, ObjRef};
use crate::plan::OperationId;
use crate::session::{Event, Session, Ticket};
use crate::store::read_private;
use crate::text;
use crate::view::Level;
use keys::Keys;
use signals::{Said, Signals};

/// The shortest time between two frames that no key asked for.
const FRAME: Duration = Duration::from_millis(33);

/// A process that was not stopped within this time will not be: it has no shell above it.
const STOPPED: Duration = Duration::from_millis(500);

/// Runs the console in this theme, with these to choose from, until a person leaves it or a signal ends it; with the
/// terminal's mouse or without.
///
/// # Errors
/// When there is no terminal, or it cannot be used, or it goes away.
pub async fn run(
    session: &mut Session,
    theme: Theme,
    themes: Themes,
    keymap: Keymap,
    mouse: bool,
) -> Result<(), ConsoleError> {
    // Before the terminal is taken: a signal that nobody heard would not give it back.
    let signals = Signals::new()?;
    let screen = Screen::enter(mouse)?;
    let (columns, lines) = screen.size()?;
    let mut app = App::new(theme, columns, lines);
    app.keymap = keymap;
    app.themes = themes;
    app.own_books = session.config().runbooks.as_deref().map(BookFolder::read);
    // The theme was chosen with NO_COLOR in mind; one that was asked for is shown in its colours all the same.
    crossterm::style::force_color_output(true);
    let (spots, mouse) = (Spots::default(), Mouse::default());
    let bell = Bell::new(session.config().bell);
    let pace = Pace { drawn: Instant::now(), due: None };
    app.recall(session.commands());
    session.watch_colleagues();
    session.watch_runs();
    session.lead_runs();
    let asked = HashMap::new();
    Console { screen, session, app, spots, mouse, asked, bell, pace, changed: false, going: None }.run(signals).await
}

/// What an answer is the answer to.
enum Asked {
    Plan(u64),
    Yaml(ObjRef),
    Log(u64),
    Probe(ClaimKey),
    Decision(u64),
}

struct Console<'a> {
    screen: Screen,
    session: &'a mut Session,
    app: App,
    /// What stands where on the screen.
    spots: Spots,
    mouse: Mouse,
    asked: HashMap<Ticket, Asked>,
    pace: Pace,
    /// Whether the desk changed since the last frame.
    changed: bool,
    /// The context that a person wants to go to.
    going: Option<Box<str>>,
    bell: Bell,
}

/// How the loop goes on.
#[derive(PartialEq, Eq)]
enum Then {
    On,
    Suspend,
    Leave,
}

/// When the next frame is due.
struct Pace {
    drawn: Instant,
    due: Option<Instant>,
}

impl Pace {
    fn now(&mut self) {
        let now = Instant::now();
        self.due = Some(self.due.map_or(now, |due| due.min(now)));
    }

    fn soon(&mut self) {
        self.due.get_or_insert(self.drawn + FRAME);
    }

    fn drawn(&mut self) {
        (self.drawn, self.due) = (Instant::now(), None);
    }

    /// Whether what comes in without a pause has kept a frame waiting.
    fn late(&self) -> bool {
        self.due.is_some_and(|due| due.elapsed() > FRAME)
    }

    async fn wait(&self) {
        match self.due {
            None => pending().await,
            // A sleep of no length would still take a millisecond.
            Some(due) if due <= Instant::now() => {}
            Some(due) => tokio::time::sleep_until(due.into()).await,
        }
    }
}

impl Console<'_> {
    async fn run(mut self, signals: Signals) -> Result<(), ConsoleError> {
        let ended = self.look(signals).await;
        self.session.keep_commands(self.app.commands());
        ended
    }

    async fn look(&mut self, mut signals: Signals) -> Result<(), ConsoleError> {
        let mut keys = Keys::listen()?;
        self.frame()?;
        loop {
            let then = tokio::select! {
                biased;
                said = signals.next() => match said {
                    Said::End => Then::Leave,
                    Said::Continued => self.continued()?,
                },
                () = std::future::ready(()), if self.pace.late() => self.frame()?,
                // All that was pressed meanwhile is taken in before a frame is drawn.
                key = keys.next() => match key {
                    Some(key) => self.key(key?),
                    None => Then::Leave,
                },
                () = self.pace.wait() => self.frame()?,
                event = self.session.next() => {
                    self.changed = true;
                    self.pace.soon();
                    self.event(event)
                }
            };
            if let Some(context) = self.going.take() {
                self.session.switch(&context).await;
                // What was asked of the old cluster is answered by nobody.
                self.asked.clear();
                self.handle(Input::Switched);
                self.pace.now();
            }
            if panicked() {
                return Err(ConsoleError::Panicked);
            }
            let then = if then == Then::Suspend { self.suspend(&mut signals).await? } else { then };
            if then == Then::Leave {
                return Ok(());
            }
        }
    }

    /// Draws what is known now, for the size that the terminal has now.
    fn frame(&mut self) -> io::Result<Then> {
        let then = if std::mem::take(&mut self.changed) { self.handle(Input::Changed) } else { Then::On };
        let Self { screen, app, session, spots, bell, .. } = self;
        session.look_at_runs(app.shows_runs());
        if bell.due(session.desk().notices.said(), session.desk().now) {
            screen.ring()?;
        }
        screen.draw(|frame| {
            let size = frame.area();
            app.resize(session.desk(), size.width, size.height);
            *spots = draw(app, session.desk(), frame);
        })?;
        self.pace.drawn();
        Ok(then)
    }

    /// Takes in a key, and whatever else a terminal reports.
    fn key(&mut self, event: Key) -> Then {
        let input = match event {
            Key::Key(key) if key.kind != KeyEventKind::Release => Some(Input::Key(key)),
            Key::Paste(text) => Some(Input::Paste(text.into())),
            Key::Mouse(event) => self.mouse.input(event, &self.spots, Instant::now()),
            Key::Resize(..) => {
                // Each frame asks for the size, so that of many only the last one is drawn.
                self.pace.soon();
                None
            }
            Key::Key(_) | Key::FocusGained | Key::FocusLost => None,
        };
        let Some(input) = input else { return Then::On };
        self.pace.now();
        self.handle(input)
    }

    /// Gives the terminal to whoever waits for it and stops until this process is continued.
    async fn suspend(&mut self, signals: &mut Signals) -> io::Result<Then> {
        self.screen.suspend()?;
        match tokio::time::timeout(STOPPED, signals.next()).await {
            Ok(Said::End) => return Ok(Then::Leave),
            Ok(Said::Continued) => {}
            Err(_) => {
                let why = "not suspended: no shell started the console that could bring it back";
                self.app.say(self.session.desk(), Level::Warn, why);
            }
        }
        self.continued()
    }

    /// Takes the terminal again: another program had it.
    fn continued(&mut self) -> io::Result<Then> {
        self.screen.take()?;
        self.changed = true;
        self.frame()
    }

    fn event(&mut self, event: Event) -> Then {
        match event {
            // No action of the console exports: that writes a file of this machine.
            Event::Changed | Event::Over(_) | Event::NotConnected(_) | Event::Exported(..) | Event::Dialed(..) => {
                Then::On
            }
            Event::Run(id) => {
                let trouble = self.session.run_trouble(&id).map(str::to_owned);
                self.handle(Input::Run(RunInput::Written(id, trouble)))
            }
            Event::RunResumed(id, answer) => self.handle(Input::Run(RunInput::Resumed(id, answer))),
            Event::Decided(ticket, ended) => match self.asked.remove(&ticket) {
                Some(Asked::Decision(ask)) => self.handle(Input::Decided(ask, ended)),
                _ => Then::On,
            },
            Event::Probed(ticket) => match self.asked.remove(&ticket) {
                Some(Asked::Probe(secret)) => self.handle(Input::Probed(secret)),
                _ => Then::On,
            },
            Event::Planned(ticket, result) => match self.asked.remove(&ticket) {
                Some(Asked::Plan(ask)) => {
                    let result = result.map(|reviewed| (reviewed.plan, reviewed.dry_run));
                    self.handle(Input::Planned { ask, result: Box::new(result) })
                }
                _ => Then::On,
            },
            Event::Contexts(known) => self.handle(Input::Contexts(known)),
            Event::Read(ticket, text) => match self.asked.remove(&ticket) {
                Some(Asked::Yaml(object)) => self.handle(Input::Yaml(object, text)),
                _ => Then::On,
            },
            Event::Log(ticket, event) => match self.asked.get(&ticket) {
                Some(Asked::Log(ask)) => self.handle(Input::Log(*ask, event)),
                _ => Then::On,
            },
        }
    }

    /// Gives input to the state and does what it asks for.
    fn handle(&mut self, input: Input) -> Then {
        let mut effects = self.app.handle(self.session.desk(), input);
        let mut then = Then::On;
        while let Some(effect) = effects.pop() {
            match self.perform(effect) {
                Performed::Nothing => {}
                Performed::Said(input) => effects.extend(self.app.handle(self.session.desk(), *input)),
                Performed::Then(next) => then = next,
            }
        }
        then
    }

    fn perform(&mut self, effect: Effect) -> Performed {
        match effect {
            Effect::Plan { ask, request } => {
                let ticket = self.session.plan(*request);
                self.asked.insert(ticket, Asked::Plan(ask));
            }
            Effect::Decide { ask, findings, wish } => match self.session.decide(&findings, &wish) {
                Ok(ticket) => drop(self.asked.insert(ticket, Asked::Decision(ask))),
                Err(why) => return Performed::Said(Box::new(Input::Decided(ask, Err(why)))),
            },
            Effect::Start(confirmed) => {
                return match self.session.start(*confirmed) {
                    Ok(id) => Performed::Said(Box::new(Input::Started(id.as_str().into()))),
                    Err(refusal) => Performed::Said(Box::new(Input::Refused(Box::new(refusal)))),
                };
            }
            Effect::Abort(plan, why) => self.session.abort(&plan, &why),
            Effect::Stop(id) => {
                let stopped = OperationId::parse(&id).map(|id| self.session.stop(&id));
                if let Ok(Err(refusal)) = stopped {
                    return Performed::Said(Box::new(Input::Refused(Box::new(refusal))));
                }
            }
            Effect::Resume(id) => {
                let resumed = OperationId::parse(&id).map(|id| self.session.resume(&id));
                if let Ok(Err(refusal)) = resumed {
                    return Performed::Said(Box::new(Input::Refused(Box::new(refusal))));
                }
            }
            Effect::Probe(secret) => match self.session.probe(&secret) {
                Ok(ticket) => drop(self.asked.insert(ticket, Asked::Probe(secret))),
                Err(why) => self.session.notice(Level::Warn, why),
            },
            Effect::Notice(level, text) => self.session.notice(level, &text),
            Effect::AskRights(rights) => self.session.ask_rights(rights),
            Effect::Copy(text) => {
                // A terminal that is gone shows at the next frame.
                let _ = self.screen.copy(text);
            }
            Effect::FetchYaml(object) => {
                let ticket = self.session.read(&object);
                self.asked.insert(ticket, Asked::Yaml(object));
            }
            Effect::OpenLog { ask, query } => {
                let ticket = self.session.open_log(query);
                self.asked.insert(ticket, Asked::Log(ask));
            }
            Effect::CloseLog(ask) => {
                let closed = self.asked.extract_if(|_, asked| matches!(asked, Asked::Log(of) if *of == ask));
                closed.for_each(|(ticket, _)| self.session.close_log(ticket));
            }
            Effect::ReadFinding(id) => self.session.read_finding(id),
            Effect::Run(effect) => return self.in_run(*effect),
            Effect::ReadThemes(name) => {
                if let Some(folder) = self.app.themes.folder().map(ThemeFolder::read) {
                    return Performed::Said(Box::new(Input::Themes(folder, name)));
                }
            }
            Effect::ReadFile(place, path) => {
                return Performed::Said(Box::new(Input::FileRead(place, file_text(&path))));
            }
            Effect::LookAt(namespaces) => {
                self.session.look_at(&namespaces);
                return Performed::Said(Box::new(Input::Changed));
            }
            Effect::ListContexts => self.session.list_contexts(),
            Effect::Switch(context) => self.going = Some(context),
            Effect::Suspend => return Performed::Then(Then::Suspend),
            Effect::Quit => return Performed::Then(Then::Leave),
        }
        Performed::Nothing
    }
}

/// What a file holds that a form names. Only of files that end: a pipe could keep the console waiting.
fn file_text(path: &Path) -> Result<FileText, String> {
    let said = |why: &dyn std::error::Error| text::sanitize(&text::chain(why)).into_owned();
    if path.exists() && !path.is_file() {
        return Err(text::sanitize(&format!("{} is no file", path.display())).into_owned());
    }
    let file = read_private(path).map_err(|error| said(&error))?;
    let text = std::str::from_utf8(&file.bytes).map_err(|_| "it is no text: PEM is asked for".to_owned())?;
    Ok(FileText { text: text.into(), warning: file.warning(path) })
}

enum Performed {
    Nothing,
    Said(Box<Input>),
    Then(Then),
}
