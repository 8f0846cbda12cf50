//! What a process costs, from `/proc` (proc(5)).

use std::time::{Duration, Instant};

use crate::Fallible;

/// Clock ticks per second that Linux reports processor time in.
const TICKS: f64 = 100.0;

/// Processor time of a process over a while.
pub struct Meter {
    pid: u32,
    began: Instant,
    ticks: f64,
}

impl Meter {
    pub fn start(pid: u32) -> Fallible<Self> {
        Ok(Self { pid, began: Instant::now(), ticks: ticks(pid)? })
    }

    /// Percent of one core since the start.
    pub fn percent(&self) -> Fallible<f64> {
        let elapsed: Duration = self.began.elapsed();
        Ok((ticks(self.pid)? - self.ticks) / TICKS / elapsed.as_secs_f64() * 100.0)
    }
}

/// Processor time used so far, in clock ticks: fields 14 and 15 of `/proc/PID/stat`.
fn ticks(pid: u32) -> Fallible<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let field = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
    Ok(field(11) + field(12))
}

/// Resident memory in MB: `VmRSS` of `/proc/PID/status`.
pub fn resident_mb(pid: u32) -> Fallible<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    let kb: f64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kb / 1024.0)
}
