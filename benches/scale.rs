//! How the console holds up with ten thousand volumes and snapshots on a real control plane.
//!
//! Starts the release binary in a pseudo terminal on the lab in `$HOLDFAST_LAB` (made by `lab up DIR`, see
//! `tests/lab`), fills that lab once, and prints what a person would wait for and what the machine pays. Measures,
//! asserts nothing: `HOLDFAST_LAB=DIR cargo bench --bench scale [-- COUNT]`.

use std::error::Error;
use std::io::Read;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

const ROWS: NonZeroU16 = NonZeroU16::new(50).unwrap();
const COLUMNS: NonZeroU16 = NonZeroU16::new(160).unwrap();
/// Runs that are measured.
const RUNS: usize = 3;
/// How long the idle processor time is watched.
const IDLE: Duration = Duration::from_secs(20);
/// Clock ticks per second that Linux reports processor time in.
const TICKS: f64 = 100.0;

fn main() -> Result<(), Box<dyn Error>> {
    let Some(lab) = std::env::var_os("HOLDFAST_LAB").map(PathBuf::from) else {
        println!("scale: set HOLDFAST_LAB to the directory of a running lab; nothing was measured");
        return Ok(());
    };
    let count = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(10_000_usize);
    fill(&lab, count)?;
    println!("{count} volumes and {count} snapshots, {COLUMNS}x{ROWS}, release build, {RUNS} runs");
    println!("{:>14} {:>12} {:>10} {:>12} {:>8}", "first frame", "first rows", "all rows", "resident", "idle CPU");
    for _ in 0..RUNS {
        let seen = measure(&lab, count)?;
        println!(
            "{:>11.0} ms {:>9.2} s {:>8.2} s {:>9.1} MB {:>6.2} %",
            seen.first_frame.as_secs_f64() * 1000.0,
            seen.first_rows.as_secs_f64(),
            seen.all_rows.as_secs_f64(),
            seen.resident_mb,
            seen.idle_percent,
        );
    }
    Ok(())
}

struct Seen {
    first_frame: Duration,
    first_rows: Duration,
    all_rows: Duration,
    resident_mb: f64,
    idle_percent: f64,
}

/// Puts the objects in, unless an earlier run did.
fn fill(lab: &Path, count: usize) -> Result<(), Box<dyn Error>> {
    let marker = lab.join(format!("bulk-{count}"));
    if marker.exists() {
        return Ok(());
    }
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/lab/bin/lab");
    let filled = Command::new(&tool).arg("bulk").arg(lab).arg(count.to_string()).status()?;
    if !filled.success() {
        return Err(format!("{} bulk {} {count} failed", tool.display(), lab.display()).into());
    }
    std::fs::write(marker, "")?;
    Ok(())
}

fn measure(lab: &Path, count: usize) -> Result<Seen, Box<dyn Error>> {
    let state = tempfile::tempdir()?;
    let size = PtySize { rows: ROWS.get(), cols: COLUMNS.get(), pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size)?;
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_holdfast"));
    command.arg("--kubeconfig");
    command.arg(lab.join("sre.kubeconfig"));
    command.env("HOLDFAST_STATE_DIR", state.path());
    command.env("TERM", "xterm-256color");
    let screen = Arc::new(Mutex::new(vt100::Parser::new(ROWS, COLUMNS, 0)));
    let mut reader = pair.master.try_clone_reader()?;
    let fed = Arc::clone(&screen);
    let start = Instant::now();
    let mut child = pair.slave.spawn_command(command)?;
    std::thread::spawn(move || {
        let mut bytes = vec![0; 65_536];
        while let Ok(read @ 1..) = reader.read(&mut bytes) {
            if let Ok(mut screen) = fed.lock() {
                screen.process(&bytes[..read]);
            }
        }
    });
    let text = || screen.lock().map(|screen| screen.screen().contents()).unwrap_or_default();
    let wait = |what: &dyn Fn(&str) -> bool| -> Result<Duration, Box<dyn Error>> {
        while start.elapsed() < Duration::from_secs(60) {
            if what(&text()) {
                return Ok(start.elapsed());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Err(format!("gave up after 60 s; the screen is\n{}", text()).into())
    };
    let first_frame = wait(&|text| text.contains("Volumes"))?;
    let first_rows = wait(&|text| shown(text, "Volumes") > 0)?;
    let all_rows = wait(&|text| shown(text, "Volumes") >= count && shown(text, "Restore points") >= count)?;
    // The rest of the kinds settles before the processor is watched.
    std::thread::sleep(Duration::from_secs(5));
    let pid = child.process_id().ok_or("the console has no process id")?;
    let before = ticks(pid)?;
    std::thread::sleep(IDLE);
    let idle_percent = (ticks(pid)? - before) / TICKS / IDLE.as_secs_f64() * 100.0;
    let resident_mb = resident(pid)?;
    child.kill()?;
    child.wait()?;
    Ok(Seen { first_frame, first_rows, all_rows, resident_mb, idle_percent })
}

/// The number of rows that a pane's title says.
fn shown(text: &str, pane: &str) -> usize {
    let after = text.lines().find_map(|line| line.split_once(&format!(" {pane} ")).map(|(_, after)| after));
    let digits: String = after.unwrap_or_default().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

/// Processor time used so far, in clock ticks: fields 14 and 15 of `/proc/PID/stat` (proc(5)).
fn ticks(pid: u32) -> Result<f64, Box<dyn Error>> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let field = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
    Ok(field(11) + field(12))
}

/// Resident memory in MB (`VmRSS` of `/proc/PID/status`).
fn resident(pid: u32) -> Result<f64, Box<dyn Error>> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    let kb: f64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kb / 1024.0)
}
