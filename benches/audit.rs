//! What an audit of 10,000 volumes costs: `holdfast audit -A -o json` as a process of its own, against the embedded
//! cluster. `cargo bench --bench audit`; another number after `--`. Aims: 5 s and 150 MB.
//!
//! Every volume has an objective, a snapshot and its content. Memory is the high-water mark of the process
//! (`VmHWM` of `/proc/PID/status`); where there is no `/proc` it is left out.
#![expect(clippy::unwrap_used, reason = "a bench that cannot start has nothing to measure")]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use holdfast::sim::{Options, Sim, User, seed};

fn main() {
    // `cargo bench` hands its own flags on.
    let count = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(10_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let options = Options { controllers: false, ..Options::default() };
    let sim = runtime.block_on(async { Sim::start(options) }).unwrap();
    sim.load(seed::fleet("batch", count)).unwrap();
    let home = tempfile::tempdir().unwrap();
    let file = |name: &str| home.path().join(name);
    std::fs::write(file("kubeconfig"), sim.kubeconfig(User::Sre)).unwrap();
    std::fs::write(file("config.toml"), "[policy]\ndefault_rpo = \"24h\"\n").unwrap();
    println!("{count} volumes, each with a snapshot");
    for _ in 0..3 {
        let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
        command.args(["audit", "-A", "-o", "json", "--out"]).arg(file("audit.json")).env("HOME", home.path());
        command.env("KUBECONFIG", file("kubeconfig")).env("HOLDFAST_CONFIG", file("config.toml"));
        command.env("HOLDFAST_STATE_DIR", file("state")).stderr(Stdio::null());
        let began = Instant::now();
        let mut child = command.spawn().unwrap();
        let mut most = None;
        let ended = loop {
            most = high_water(child.id()).or(most);
            if let Some(ended) = child.try_wait().unwrap() {
                break ended;
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        let took = began.elapsed();
        let size = std::fs::metadata(file("audit.json")).unwrap().len() >> 20;
        println!("{ended}: {took:.2?} (aim 5 s), {} MB at most (aim 150 MB), a report of {size} MB", most.unwrap_or(0));
    }
}

/// The most memory that a process held, in MB.
fn high_water(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_ascii_whitespace().next()?.parse::<u64>().ok().map(|kilo| kilo >> 10)
}
