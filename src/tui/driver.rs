//! The console on a real terminal: keys, the session and a frame clock, in one loop.
//!
//! The only part that waits, and the only one that knows a terminal. A key press draws at once; what the session
//! reports is drawn at most thirty times a second.

use std::collections::HashMap;
use std::io::{self, IsTerminal, Write};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossterm::clipboard::CopyToClipboard;
use crossterm::cursor::Show;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste, Event as Key, EventStream, KeyEventKind};
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use futures::StreamExt;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use thiserror::Error;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;

use super::{App, Effect, Input, Keymap, Theme, Themes, draw};
use crate::config::ThemeFolder;
use crate::model::ObjRef;
use crate::plan::{OperationId, Verb};
use crate::session::{Event, Session, Ticket};

/// The shortest time between two frames that no key asked for.
const FRAME: Duration = Duration::from_millis(33);

/// Why the console ended.
#[derive(Debug, Error)]
pub enum ConsoleError {
    /// There is no terminal to draw on.
    #[error("the console needs a terminal; `holdfast get` prints the same rows without one")]
    NoTerminal,
    /// The terminal does not do what it is told.
    #[error("the terminal cannot be used")]
    Terminal(#[from] io::Error),
    /// A part of the program failed; the terminal was given back and the message is above.
    #[error("the console ended because of a defect in it; operations under way can be resumed at the next start")]
    Panicked,
}

/// Runs the console in this theme, with these to choose from, until a person leaves it or a signal ends it.
///
/// # Errors
/// When there is no terminal, or it cannot be used.
pub async fn run(session: &mut Session, theme: Theme, themes: Themes, keymap: Keymap) -> Result<(), ConsoleError> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Err(ConsoleError::NoTerminal);
    }
    let _screen = Screen::enter()?;
    let mut terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
    let size = terminal.size()?;
    let mut app = App::new(theme, size.width, size.height);
    app.keymap = keymap;
    app.themes = themes;
    // The theme was chosen with NO_COLOR in mind; one that was asked for is shown in its colours all the same.
    crossterm::style::force_color_output(true);
    Console { session, app, asked: HashMap::new() }.run(&mut terminal).await
}

/// What an answer is the answer to.
enum Asked {
    Plan(u64),
    Yaml(ObjRef),
    Log(u64),
}

struct Console<'a> {
    session: &'a mut Session,
    app: App,
    asked: HashMap<Ticket, Asked>,
}

type Screened = Terminal<CrosstermBackend<io::Stdout>>;

impl Console<'_> {
    async fn run(mut self, terminal: &mut Screened) -> Result<(), ConsoleError> {
        let mut ends = Ends::new()?;
        let mut keys = EventStream::new();
        let mut drawn = Instant::now();
        let mut dirty = false;
        self.frame(terminal)?;
        loop {
            let more = tokio::select! {
                biased;
                () = ends.any() => false,
                key = keys.next() => match key {
                    Some(Ok(key)) => {
                        let more = self.key(key);
                        self.frame(terminal)?;
                        (drawn, dirty) = (Instant::now(), false);
                        more
                    }
                    Some(Err(error)) => return Err(error.into()),
                    None => false,
                },
                () = tokio::time::sleep_until(drawn + FRAME), if dirty => {
                    self.handle(Input::Changed);
                    self.frame(terminal)?;
                    (drawn, dirty) = (Instant::now(), false);
                    true
                }
                event = self.session.next() => {
                    dirty = true;
                    self.event(event)
                }
            };
            if PANICKED.load(Ordering::Relaxed) {
                return Err(ConsoleError::Panicked);
            }
            if !more {
                return Ok(());
            }
        }
    }

    fn frame(&self, terminal: &mut Screened) -> io::Result<()> {
        terminal.draw(|frame| draw(&self.app, self.session.desk(), frame)).map(drop)
    }

    /// Takes in a key; false when a person leaves.
    fn key(&mut self, event: Key) -> bool {
        match event {
            Key::Key(key) if key.kind != KeyEventKind::Release => self.handle(Input::Key(key)),
            Key::Paste(text) => self.handle(Input::Paste(text)),
            Key::Resize(columns, lines) => self.handle(Input::Resize(columns, lines)),
            Key::Key(_) | Key::Mouse(_) | Key::FocusGained | Key::FocusLost => true,
        }
    }

    fn event(&mut self, event: Event) -> bool {
        match event {
            Event::Changed | Event::Over(_) | Event::NotConnected(_) => true,
            Event::Planned(ticket, result) => match self.asked.remove(&ticket) {
                Some(Asked::Plan(ask)) => {
                    let result = result.map(|reviewed| (reviewed.plan, reviewed.dry_run));
                    self.handle(Input::Planned { ask, result: Box::new(result) })
                }
                Some(Asked::Yaml(_) | Asked::Log(_)) | None => true,
            },
            Event::Read(ticket, text) => match self.asked.remove(&ticket) {
                Some(Asked::Yaml(object)) => self.handle(Input::Yaml(object, text)),
                Some(Asked::Plan(_) | Asked::Log(_)) | None => true,
            },
            Event::Log(ticket, event) => match self.asked.get(&ticket) {
                Some(Asked::Log(ask)) => self.handle(Input::Log(*ask, event)),
                _ => true,
            },
        }
    }

    /// Gives input to the state and does what it asks for; false when a person leaves.
    fn handle(&mut self, input: Input) -> bool {
        let mut effects = self.app.handle(self.session.desk(), input);
        let mut more = true;
        while let Some(effect) = effects.pop() {
            match self.perform(effect) {
                Performed::Nothing => {}
                Performed::Said(input) => effects.extend(self.app.handle(self.session.desk(), *input)),
                Performed::Left => more = false,
            }
        }
        more
    }

    fn perform(&mut self, effect: Effect) -> Performed {
        match effect {
            Effect::Plan { ask, verb: Verb::Backup, subject, options } => {
                let ticket = self.session.plan_backup(&subject, *options);
                self.asked.insert(ticket, Asked::Plan(ask));
            }
            Effect::Start(confirmed) => {
                return match self.session.start(*confirmed) {
                    Ok(id) => Performed::Said(Box::new(Input::Started(id.as_str().into()))),
                    Err(refusal) => Performed::Said(Box::new(Input::Refused(Box::new(refusal)))),
                };
            }
            Effect::Stop(id) => {
                if let Ok(id) = OperationId::parse(&id) {
                    self.session.stop(&id);
                }
            }
            Effect::Resume(id) => {
                let resumed = OperationId::parse(&id).map(|id| self.session.resume(&id));
                if let Ok(Err(refusal)) = resumed {
                    return Performed::Said(Box::new(Input::Refused(Box::new(refusal))));
                }
            }
            Effect::AskRights(claim) => self.session.ask_rights(&claim),
            Effect::Copy(text) => {
                // A terminal that knows no OSC 52 ignores it; there is nothing to be told.
                let _ = execute!(io::stdout(), CopyToClipboard::to_clipboard_from(text));
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
            Effect::ReadThemes(name) => {
                if let Some(folder) = self.app.themes.folder().map(ThemeFolder::read) {
                    return Performed::Said(Box::new(Input::Themes(folder, name)));
                }
            }
            Effect::Quit => return Performed::Left,
        }
        Performed::Nothing
    }
}

enum Performed {
    Nothing,
    Said(Box<Input>),
    Left,
}

/// The signals that end the console in good order.
struct Ends([Signal; 3]);

impl Ends {
    fn new() -> io::Result<Self> {
        let on = |kind| signal(kind);
        Ok(Self([on(SignalKind::terminate())?, on(SignalKind::hangup())?, on(SignalKind::interrupt())?]))
    }

    async fn any(&mut self) {
        let [terminate, hangup, interrupt] = &mut self.0;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}

/// Set by a panic in any thread: the terminal was given back, so nothing may be drawn any more.
static PANICKED: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// The terminal as the console needs it; given back when this is dropped, and by a panic.
struct Screen;

impl Screen {
    fn enter() -> io::Result<Self> {
        HOOK.call_once(|| {
            let previous = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                if !PANICKED.swap(true, Ordering::Relaxed) {
                    restore();
                }
                previous(info);
            }));
        });
        enable_raw_mode()?;
        let screen = Self;
        execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste)?;
        Ok(screen)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if !PANICKED.load(Ordering::Relaxed) {
            restore();
        }
    }
}

fn restore() {
    // There is nowhere left to report that the terminal cannot be given back.
    let _ = execute!(io::stdout(), DisableBracketedPaste, LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
    let _ = io::stdout().flush();
}
