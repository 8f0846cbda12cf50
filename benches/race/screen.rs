//! A console in a pseudo terminal: what is on its screen, and when it last drew.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::Fallible;

const ROWS: NonZeroU16 = NonZeroU16::new(50).unwrap();
const COLUMNS: NonZeroU16 = NonZeroU16::new(160).unwrap();
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(180);

/// What was drawn.
struct Drawn {
    screen: vt100::Parser,
    /// When the last bytes came.
    last: Instant,
}

/// A running console.
pub struct Screen {
    drawn: Arc<Mutex<Drawn>>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    _master: Box<dyn MasterPty + Send>,
    began: Instant,
}

impl Screen {
    pub fn start(command: CommandBuilder) -> Fallible<Self> {
        let size = PtySize { rows: ROWS.get(), cols: COLUMNS.get(), pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size)?;
        let screen = vt100::Parser::new(ROWS, COLUMNS, 0);
        let drawn = Arc::new(Mutex::new(Drawn { screen, last: Instant::now() }));
        let (mut output, fed) = (pair.master.try_clone_reader()?, Arc::clone(&drawn));
        let keys = pair.master.take_writer()?;
        let began = Instant::now();
        let child = pair.slave.spawn_command(command)?;
        std::thread::spawn(move || {
            let mut bytes = vec![0; 65_536];
            while let Ok(read @ 1..) = output.read(&mut bytes) {
                let came = Instant::now();
                let mut drawn = fed.lock().unwrap_or_else(PoisonError::into_inner);
                drawn.screen.process(&bytes[..read]);
                drawn.last = came;
            }
        });
        Ok(Self { drawn, keys, child, _master: pair.master, began })
    }

    pub fn pid(&self) -> Fallible<u32> {
        Ok(self.child.process_id().ok_or("the console has no process id")?)
    }

    pub fn text(&self) -> String {
        self.look(|drawn| drawn.screen.screen().contents())
    }

    /// Waits until the screen is as it should be, and says how long after the start that was.
    pub fn wait(&self, what: &str, right: impl Fn(&str) -> bool) -> Fallible<Duration> {
        while self.began.elapsed() < PATIENCE {
            if right(&self.text()) {
                return Ok(self.began.elapsed());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Err(format!("waited in vain for {what}; the screen is\n{}", self.text()).into())
    }

    pub fn press(&mut self, keys: &str) -> Fallible<()> {
        self.keys.write_all(keys.as_bytes())?;
        Ok(self.keys.flush()?)
    }

    /// Presses a key and says how long it took until something was drawn; `None` when nothing was in a second.
    pub fn answer(&mut self, key: &str) -> Fallible<Option<Duration>> {
        let pressed = Instant::now();
        self.press(key)?;
        while pressed.elapsed() < Duration::from_secs(1) {
            if let Some(after) = self.look(|drawn| drawn.last.checked_duration_since(pressed)).filter(|d| !d.is_zero())
            {
                return Ok(Some(after));
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        Ok(None)
    }

    fn look<T>(&self, at: impl FnOnce(&Drawn) -> T) -> T {
        at(&self.drawn.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
