//! A real terminal (a pty and the screen behind it) with a program in it.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};

use super::person::Person;
use super::wait;

/// How long a screen may take to show something.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Terminal {
    master: Box<dyn MasterPty + Send>,
    /// Kept open, so that the state of the line can be looked at after the program's end.
    _slave: Box<dyn SlavePty + Send>,
    keys: Box<dyn Write + Send>,
    screen: Arc<Mutex<vt100::Parser>>,
    child: Box<dyn Child + Send + Sync>,
    before: String,
}

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
        let pair = native_pty_system().openpty(size(columns, lines)).unwrap();
        let before = line_state(&*pair.master);
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env_clear();
        for (name, value) in environment {
            command.env(name, value);
        }
        command.env("TERM", "xterm-256color");
        let child = pair.slave.spawn_command(command).unwrap();
        let screen = Arc::new(Mutex::new(vt100::Parser::new(number(lines), number(columns), 0)));
        let (mut output, shown) = (pair.master.try_clone_reader().unwrap(), Arc::clone(&screen));
        std::thread::spawn(move || {
            let mut bytes = [0; 8192];
            while let Ok(read @ 1..) = output.read(&mut bytes) {
                shown.lock().unwrap_or_else(PoisonError::into_inner).process(&bytes[..read]);
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Self { master: pair.master, _slave: pair.slave, keys, screen, child, before }
    }

    /// Types this.
    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    fn look<T>(&self, at: impl FnOnce(&vt100::Screen) -> T) -> T {
        at(self.screen.lock().unwrap_or_else(PoisonError::into_inner).screen())
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
        wait::seen(what, PATIENCE, async || self.text(), |text| right(text)).await
    }

    /// Waits until the screen shows this.
    pub async fn shows(&self, text: &str) -> String {
        self.until(text, |screen| screen.contains(text)).await
    }

    pub fn resize(&self, columns: u16, lines: u16) {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner).set_size(number(lines), number(columns));
        self.master.resize(size(columns, lines)).unwrap();
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
        let (screen, child) = (&self.screen, &mut self.child);
        let mut code = None;
        let look = async || {
            code = code.or(child.try_wait().unwrap().map(|ended| ended.exit_code()));
            (code, screen.lock().unwrap_or_else(PoisonError::into_inner).screen().contents())
        };
        let (code, _) = wait::seen("the program to end", PATIENCE, look, |(code, _)| code.is_some()).await;
        code.unwrap()
    }

    /// Panics unless the terminal is as it was before the program ran.
    pub async fn given_back(&self) {
        let screen =
            |screen: &vt100::Screen| (screen.alternate_screen(), screen.hide_cursor(), screen.bracketed_paste());
        let look = async || self.look(screen);
        let what = "the alternate screen to be left, the cursor to be shown, and pastes to be plain";
        wait::seen(what, PATIENCE, look, |state| *state == (false, false, false)).await;
        assert_eq!(line_state(&*self.master), self.before, "raw mode was not left");
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
