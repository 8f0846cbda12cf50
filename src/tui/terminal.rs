//! The terminal: taken, drawn on, and given back whatever happens.
//!
//! The only place that sends control sequences and changes how the line works. What is switched on here is switched
//! off here: on leaving, for a suspension, and by a panic in any thread. It knows nothing of what is drawn.

mod out;

use std::env;
use std::ffi::OsStr;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::clipboard::CopyToClipboard;
use crossterm::cursor::Show;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use crossterm::{Command, execute, queue};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Position;
use ratatui::{Frame, Terminal};
use rustix::io::Errno;
use rustix::process::{Signal, kill_current_process_group};
use thiserror::Error;

use out::Out;

/// Why the console ended.
#[derive(Debug, Error)]
pub enum ConsoleError {
    /// There is no terminal to draw on.
    #[error("the console needs a terminal; `holdfast get` prints the same rows without one")]
    NoTerminal,
    /// The terminal has no cursor that can be moved.
    #[error("the console cannot draw on this terminal ({0}); `holdfast get` prints the same rows without drawing")]
    Incapable(String),
    /// Nobody is there any more to see anything.
    #[error("the terminal went away; operations under way can be resumed at the next start")]
    Gone,
    /// The terminal does not do what it is told.
    #[error("the terminal cannot be used")]
    Terminal(#[source] io::Error),
    /// A part of the program failed; the terminal was given back and the message is above.
    #[error("the console ended because of a defect in it; operations under way can be resumed at the next start")]
    Panicked,
}

impl From<io::Error> for ConsoleError {
    fn from(error: io::Error) -> Self {
        // What a terminal whose window was closed answers, and a pipe that stands for one.
        let gone = error.kind() == io::ErrorKind::BrokenPipe || matches!(Errno::from_io_error(&error), Some(Errno::IO));
        if gone { Self::Gone } else { Self::Terminal(error) }
    }
}

/// Set by a panic in any thread: the terminal was given back, so nothing may be drawn any more.
static PANICKED: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// Whether a part of the program failed.
pub fn panicked() -> bool {
    PANICKED.load(Ordering::Relaxed)
}

/// The terminal as the console needs it; given back when this is dropped.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Out>>,
    mouse: bool,
}

impl Screen {
    /// Takes the terminal; with its mouse or without.
    ///
    /// # Errors
    /// When there is no terminal, or none that can be drawn on.
    pub fn enter(mouse: bool) -> Result<Self, ConsoleError> {
        if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
            return Err(ConsoleError::NoTerminal);
        }
        capable(env::var_os("TERM").as_deref())?;
        HOOK.call_once(|| {
            let previous = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                if !PANICKED.swap(true, Ordering::Relaxed) {
                    give_back(&mut io::stdout());
                }
                previous(info);
            }));
        });
        let terminal = Terminal::new(CrosstermBackend::new(Out::default()))?;
        let mut screen = Self { terminal, mouse };
        screen.take()?;
        Ok(screen)
    }

    /// Columns and lines.
    pub fn size(&self) -> io::Result<(u16, u16)> {
        self.terminal.size().map(|size| (size.width, size.height))
    }

    /// Takes the terminal, or takes it again from whoever had it meanwhile: the next frame is drawn as a whole.
    pub fn take(&mut self) -> io::Result<()> {
        // Raw mode that another program took away still counts as taken.
        disable_raw_mode()?;
        enable_raw_mode()?;
        execute!(self.terminal.backend_mut(), EnterAlternateScreen, EnableBracketedPaste)?;
        if self.mouse {
            execute!(self.terminal.backend_mut(), TakeMouse)?;
        }
        // Its `clear` would ask the terminal where the cursor is and wait for the answer.
        let size = self.terminal.size()?;
        self.terminal.resize((Position::ORIGIN, size).into())
    }

    /// Draws a frame, at the size that the terminal has now. It is shown at once or not at all, where the terminal
    /// knows how.
    pub fn draw(&mut self, render: impl FnOnce(&mut Frame)) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(render)?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }

    /// Asks the terminal to put text into the clipboard. One that does not know how ignores it, and tells nobody.
    pub fn copy(&mut self, text: String) -> io::Result<()> {
        execute!(self.terminal.backend_mut(), CopyToClipboard::to_clipboard_from(text))
    }

    /// Rings the terminal's bell.
    pub fn ring(&mut self) -> io::Result<()> {
        self.terminal.backend_mut().write_all(b"\x07")
    }

    /// Gives the terminal back and asks the kernel to stop this process and its group, as `ctrl-z` does elsewhere.
    /// The stop may come a moment later, or never: nobody could continue a process without a shell above it.
    pub fn suspend(&mut self) -> io::Result<()> {
        give_back(self.terminal.backend_mut());
        Ok(kill_current_process_group(Signal::TSTP)?)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if !panicked() {
            give_back(self.terminal.backend_mut());
        }
    }
}

fn give_back(out: &mut impl Write) {
    // There is nowhere left to report that the terminal cannot be given back. A frame may be cut off by a panic.
    if panicked() {
        let _ = queue!(out, EndSynchronizedUpdate);
    }
    let _ = execute!(out, LeaveMouse, DisableBracketedPaste, LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}

/// Whether a terminal that calls itself so can be drawn on.
fn capable(term: Option<&OsStr>) -> Result<(), ConsoleError> {
    let incapable = |why: &str| Err(ConsoleError::Incapable(why.to_owned()));
    match term.map(OsStr::as_encoded_bytes) {
        None | Some(b"") => incapable("$TERM is not set"),
        Some(b"dumb") => incapable("$TERM is dumb"),
        Some(_) => Ok(()),
    }
}

/// Presses, releases and the wheel, with places of any size (SGR). Not movements: there are many, and none is needed.
struct TakeMouse;
struct LeaveMouse;

impl Command for TakeMouse {
    fn write_ansi(&self, f: &mut impl fmt::Write) -> fmt::Result {
        f.write_str("\x1b[?1000h\x1b[?1006h")
    }
}

impl Command for LeaveMouse {
    fn write_ansi(&self, f: &mut impl fmt::Write) -> fmt::Result {
        f.write_str("\x1b[?1006l\x1b[?1000l")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Some("xterm-256color"), true)]
    #[case(Some("linux"), true)]
    #[case(Some("screen"), true)]
    #[case(Some("tmux-256color"), true)]
    #[case(Some("dumb"), false)]
    #[case(Some(""), false)]
    #[case(None, false)]
    fn a_terminal_without_a_cursor_is_told_what_to_use_instead(#[case] term: Option<&str>, #[case] drawn_on: bool) {
        match capable(term.map(OsStr::new)) {
            Ok(()) => assert!(drawn_on),
            Err(error) => assert!(!drawn_on && error.to_string().contains("holdfast get"), "{error}"),
        }
    }

    #[rstest]
    #[case(Errno::IO, true)]
    #[case(Errno::PIPE, true)]
    #[case(Errno::NOSPC, false)]
    fn a_window_that_was_closed_is_not_a_terminal_that_fails(#[case] errno: Errno, #[case] gone: bool) {
        let error = ConsoleError::from(io::Error::from(errno));
        assert_eq!(matches!(error, ConsoleError::Gone), gone, "{error:?}");
    }
}
