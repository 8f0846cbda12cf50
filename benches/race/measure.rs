//! What is measured of one console, in the order in which a person would meet it.

use std::time::{Duration, Instant};

use crate::Fallible;
use crate::contender::Contender;
use crate::lab::Lab;
use crate::machine::{Meter, resident_mb};
use crate::screen::Screen;
use crate::wire::Relay;

/// How long the rest is watched.
const REST: Duration = Duration::from_secs(30);
/// How long a console may take until it is at rest, how often that is looked at, and below how much of a core it is.
const SETTLE: Duration = Duration::from_secs(90);
const LOOK: Duration = Duration::from_secs(5);
const AT_REST: f64 = 2.0;
/// Keys whose answers are timed.
const KEYS: usize = 200;
/// Pause between two keys: faster than a person repeats one, slower than a frame.
const BETWEEN: Duration = Duration::from_millis(40);
/// Letters typed into a filter while objects change.
const LETTERS: usize = 40;
const CHANGES_PER_SECOND: u32 = 100;

/// What was seen of one console.
pub struct Seen {
    pub kinds: &'static str,
    pub first_frame: Duration,
    pub first_rows: Duration,
    pub all_rows: Duration,
    /// From the start until it was at rest; `None` when it never was.
    pub at_rest: Option<Duration>,
    pub resident_mb: f64,
    pub read_mb: f64,
    pub idle_read_mb: f64,
    pub idle_percent: f64,
    pub churn_percent: f64,
    pub key: Answers,
    pub churn_key: Answers,
    pub lost: usize,
}

/// How long keys took to be answered.
pub struct Answers {
    pub median: Duration,
    pub p99: Duration,
}

pub fn measure(contender: &Contender, lab: &Lab) -> Fallible<Seen> {
    let home = tempfile::tempdir()?;
    let direct = lab.kubeconfig()?;
    let relay = Relay::before(&direct)?;
    let kubeconfig = home.path().join("kubeconfig");
    std::fs::write(&kubeconfig, relay.kubeconfig(&direct))?;
    let mut screen = Screen::start(contender.command(&kubeconfig, home.path()))?;
    let first_frame = screen.wait("a frame", |text| text.contains(contender.first_words()))?;
    let first_rows = screen.wait("rows", |text| contender.rows(text).iter().any(|rows| *rows > 0))?;
    let whole = |text: &str| contender.rows(text).iter().all(|rows| *rows >= lab.count);
    let all_rows = screen.wait("all rows", whole)?;
    let read_mb = relay.read_mb();
    let pid = screen.pid()?;
    let settling = Instant::now();
    let settles = settled(pid)?;
    let at_rest = settles.then(|| all_rows + settling.elapsed());
    let (meter, before) = (Meter::start(pid)?, relay.read_mb());
    std::thread::sleep(REST);
    let (idle_percent, idle_read_mb) = (meter.percent()?, relay.read_mb() - before);
    let resident_mb = resident_mb(pid)?;
    let key = answers(&mut screen)?;

    let mut churn = lab.churn(CHANGES_PER_SECOND, 60)?;
    let meter = Meter::start(pid)?;
    std::thread::sleep(REST / 2);
    let churn_percent = meter.percent()?;
    let churn_key = answers(&mut screen)?;
    let lost = LETTERS - letters(contender, &mut screen)?;
    churn.kill()?;
    churn.wait()?;
    Ok(Seen {
        kinds: contender.kinds(),
        first_frame,
        first_rows,
        all_rows,
        at_rest,
        resident_mb,
        read_mb,
        idle_read_mb,
        idle_percent,
        churn_percent,
        key,
        churn_key,
        lost,
    })
}

/// Waits until the rest of the kinds is there and made into rows: until the processor is at rest. Whether it ever was.
fn settled(pid: u32) -> Fallible<bool> {
    let began = Instant::now();
    while began.elapsed() < SETTLE {
        let meter = Meter::start(pid)?;
        std::thread::sleep(LOOK);
        if meter.percent()? < AT_REST {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Moves down and up, so that every key changes the screen.
fn answers(screen: &mut Screen) -> Fallible<Answers> {
    let mut took = Vec::with_capacity(KEYS);
    for key in ["j", "j", "k", "j", "k"].iter().cycle().take(KEYS) {
        // A key that nothing answers counts as the second it was waited for.
        took.push(screen.answer(key)?.unwrap_or(Duration::from_secs(1)));
        std::thread::sleep(BETWEEN);
    }
    took.sort();
    Ok(Answers { median: took[KEYS / 2], p99: took[KEYS * 99 / 100] })
}

/// Types a filter as fast as a person can and counts the letters that arrive.
fn letters(contender: &Contender, screen: &mut Screen) -> Fallible<usize> {
    screen.press("/")?;
    std::thread::sleep(Duration::from_millis(500));
    for _ in 0..LETTERS {
        screen.press("z")?;
        std::thread::sleep(BETWEEN);
    }
    std::thread::sleep(Duration::from_secs(3));
    let text = screen.text();
    Ok(contender.typed(&text).matches('z').count().min(LETTERS))
}
