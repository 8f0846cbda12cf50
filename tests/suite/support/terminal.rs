//! A real terminal (a pty and the screen behind it) with a program in it.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};

use super::person::Person;
use super::wait::{self, LONG};

/// How long a text must stay where it is before it is clicked.
const STILL: Duration = Duration::from_millis(100);

pub struct Terminal {
    /// None after the window was closed.
    master: Option<Box<dyn MasterPty + Send>>,
    /// Kept open, so that the state of the line can be looked at after the program's end.
    _slave: Box<dyn SlavePty + Send>,
    keys: Box<dyn Write + Send>,
    window: Arc<Window>,
    reader: Option<JoinHandle<()>>,
    child: Box<dyn Child + Send + Sync>,
    before: String,
}

/// What a person sees, and all that was written to get there.
struct Window {
    screen: Mutex<vt100::Parser>,
    written: Mutex<Vec<u8>>,
    closed: AtomicBool,
}

/// Modes that the console switches on: alternate screen, hidden cursor, bracketed paste, mouse.
type Modes = (bool, bool, bool, vt100::MouseProtocolMode);

const TAKEN: Modes = (true, true, true, vt100::MouseProtocolMode::PressRelease);
const GIVEN_BACK: Modes = (false, false, false, vt100::MouseProtocolMode::None);

impl Terminal {
    /// Runs the real binary on a person's machine.
    pub fn holdfast(person: &Person, arguments: &[&str], columns: u16, lines: u16) -> Self {
        Self::holdfast_with(person, arguments, &[], columns, lines)
    }

    /// The same with more in the environment.
    pub fn holdfast_with(
        person: &Person,
        arguments: &[&str],
        more: &[(&'static str, PathBuf)],
        columns: u16,
        lines: u16,
    ) -> Self {
        let environment = [person.environment().as_slice(), more].concat();
        Self::run(Path::new(env!("CARGO_BIN_EXE_holdfast")), arguments, &environment, columns, lines)
    }

    /// Runs a program with this environment and no other.
    pub fn run(
        program: &Path,
        arguments: &[&str],
        environment: &[(&'static str, PathBuf)],
        columns: u16,
        lines: u16,
    ) -> Self {
        Self::begin(program, arguments, environment, (columns, lines), true)
    }

    /// Runs the real binary on a terminal that is not the one of its session: no signal tells that it goes away.
    pub fn foreign(person: &Person, columns: u16, lines: u16) -> Self {
        let program = Path::new(env!("CARGO_BIN_EXE_holdfast"));
        Self::begin(program, &[], &person.environment(), (columns, lines), false)
    }

    fn begin(
        program: &Path,
        arguments: &[&str],
        environment: &[(&'static str, PathBuf)],
        (columns, lines): (u16, u16),
        controlling: bool,
    ) -> Self {
        let pair = native_pty_system().openpty(size(columns, lines)).unwrap();
        let before = line_state(&*pair.master);
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env_clear();
        command.env("TERM", "xterm-256color");
        for (name, value) in environment {
            command.env(name, value);
        }
        command.set_controlling_tty(controlling);
        let child = pair.slave.spawn_command(command).unwrap();
        let window = Arc::new(Window {
            screen: Mutex::new(vt100::Parser::new(number(lines), number(columns), 0)),
            written: Mutex::default(),
            closed: AtomicBool::new(false),
        });
        let (mut output, seen) = (pair.master.try_clone_reader().unwrap(), Arc::clone(&window));
        let reader = std::thread::spawn(move || {
            let mut bytes = [0; 8192];
            while let Ok(read @ 1..) = output.read(&mut bytes) {
                seen.written.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&bytes[..read]);
                seen.screen.lock().unwrap_or_else(PoisonError::into_inner).process(&bytes[..read]);
                if seen.closed.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        let keys = pair.master.take_writer().unwrap();
        let (master, reader) = (Some(pair.master), Some(reader));
        Self { master, _slave: pair.slave, keys, window, reader, child, before }
    }

    /// Types this.
    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Clicks with the first button so many times in a row on the first place where this text stands.
    pub async fn click(&mut self, text: &str, times: usize) {
        let (column, line) = self.settled(text).await;
        self.press(&format!("\x1b[<0;{column};{line}M\x1b[<0;{column};{line}m").repeat(times));
    }

    /// Turns the wheel there once, to see what is below.
    pub async fn wheel_down(&mut self, text: &str) {
        let (column, line) = self.settled(text).await;
        self.press(&format!("\x1b[<65;{column};{line}M"));
    }

    /// The place of a text once it has stayed there: a frame that is half written may have moved it.
    async fn settled(&self, text: &str) -> (usize, usize) {
        wait::until(&format!("{text} to stand still on the screen"), LONG, async || {
            let before = self.place(text);
            tokio::time::sleep(STILL).await;
            before.filter(|_| self.place(text) == before)
        })
        .await
    }

    /// The column and line, from one on, where a text begins first.
    fn place(&self, text: &str) -> Option<(usize, usize)> {
        let place = |(y, line): (usize, &str)| line.find(text).map(|at| (line[..at].chars().count() + 1, y + 1));
        self.text().lines().enumerate().find_map(place)
    }

    fn look<T>(&self, at: impl FnOnce(&vt100::Screen) -> T) -> T {
        at(self.window.screen.lock().unwrap_or_else(PoisonError::into_inner).screen())
    }

    /// How many times the program wrote this.
    pub fn written(&self, what: &str) -> usize {
        let written = self.window.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.windows(what.len()).filter(|bytes| *bytes == what.as_bytes()).count()
    }

    /// What is on the screen now.
    pub fn text(&self) -> String {
        self.look(vt100::Screen::contents)
    }

    /// The ground of an empty cell, once something is drawn.
    pub fn ground(&self) -> vt100::Color {
        self.look(|screen| screen.cell(5, 5).map_or(vt100::Color::Default, vt100::Cell::bgcolor))
    }

    /// Waits until the screen is as it should be.
    pub async fn until(&self, what: &str, right: impl Fn(&str) -> bool) -> String {
        wait::seen(what, LONG, async || self.text(), |text| right(text)).await
    }

    /// Backs the selected volume up by keys, through form, review and confirmation.
    pub async fn back_up(&mut self, volume: &str) {
        self.press("xb");
        self.shows("Before the plan").await;
        self.press("\r");
        self.shows("Review").await;
        self.press("\r");
        self.shows("Confirm").await;
        self.press(&format!("{volume}\r"));
    }

    /// Waits until the screen shows this.
    pub async fn shows(&self, text: &str) -> String {
        self.until(text, |screen| screen.contains(text)).await
    }

    /// Waits until the run that is shown is at this step and asks so. Its journal is ahead of what the console takes a
    /// key for, and steps that follow each other may ask in the same words.
    pub async fn at_step(&self, step: &str, asks: &str) {
        let title = |line: &str| line.contains('╭') && line.contains(" of ") && line.contains(&format!(" {step} "));
        let what = format!("{step}, where {asks:?} is asked");
        wait::seen(&what, 2 * LONG, async || self.text(), |screen| screen.lines().any(title) && screen.contains(asks))
            .await;
    }

    pub fn resize(&self, columns: u16, lines: u16) {
        self.window.screen.lock().unwrap_or_else(PoisonError::into_inner).set_size(number(lines), number(columns));
        self.master.as_ref().unwrap().resize(size(columns, lines)).unwrap();
    }

    /// Closes the window: from now on nobody is at the other end of the line.
    pub fn close(&mut self) {
        self.window.closed.store(true, Ordering::Relaxed);
        // Whatever the program writes next ends the reader, whose hold on the line would keep it open.
        self.press("j");
        self.reader.take().unwrap().join().unwrap();
        self.keys = Box::new(std::io::sink());
        self.master = None;
    }

    pub fn process(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let id = self.process().to_string();
        let sent = std::process::Command::new("kill").args(["-s", name, &id]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for the program's end and returns its exit code.
    pub async fn ended(&mut self) -> u32 {
        let (window, child) = (&self.window, &mut self.child);
        let mut code = None;
        let look = async || {
            code = code.or(child.try_wait().unwrap().map(|ended| ended.exit_code()));
            (code, window.screen.lock().unwrap_or_else(PoisonError::into_inner).screen().contents())
        };
        let (code, _) = wait::seen("the program to end", LONG, look, |(code, _)| code.is_some()).await;
        code.unwrap()
    }

    /// Panics unless the terminal is as it was before the program ran.
    pub async fn given_back(&self) {
        self.modes("everything that was switched on to be switched off", GIVEN_BACK).await;
        assert_eq!(line_state(&**self.master.as_ref().unwrap()), self.before, "raw mode was not left");
    }

    /// Waits until the screen, though maybe not the line, is as it was before the program ran.
    pub async fn screen_given_back(&self) {
        self.modes("everything that was switched on to be switched off", GIVEN_BACK).await;
    }

    /// Waits until the terminal is the console's.
    pub async fn taken(&self) {
        self.modes("everything to be switched on", TAKEN).await;
    }

    async fn modes(&self, what: &str, modes: Modes) {
        let state = |screen: &vt100::Screen| {
            let mouse = screen.mouse_protocol_mode();
            (screen.alternate_screen(), screen.hide_cursor(), screen.bracketed_paste(), mouse)
        };
        wait::seen(what, LONG, async || self.look(state), |state| *state == modes).await;
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn size(columns: u16, lines: u16) -> PtySize {
    PtySize { rows: lines, cols: columns, pixel_width: 0, pixel_height: 0 }
}

fn number(cells: u16) -> NonZeroU16 {
    NonZeroU16::new(cells).unwrap()
}

/// Echo, line mode, signals and translations of the line.
fn line_state(master: &dyn MasterPty) -> String {
    let state = master.get_termios().unwrap();
    format!("{:?} {:?} {:?}", state.local_flags, state.input_flags, state.output_flags)
}
