//! The race: Holdfast and k9s on the same real control plane with many volumes and snapshots, in one run.
//!
//! Needs a lab in `$HOLDFAST_LAB` (made by `lab up DIR`, see `tests/lab`), fills it once, and starts each console in a
//! pseudo terminal, one after the other. Prints what a person would wait for and what the machine and the API server
//! pay. Measures, asserts nothing: `HOLDFAST_LAB=DIR cargo bench --bench race [-- COUNT]`. k9s is built from its Go
//! module; where that cannot be had it is left out, with a message.

use std::error::Error;
use std::path::PathBuf;

mod contender;
mod lab;
mod machine;
mod measure;
mod screen;
mod wire;

use contender::Contender;
use measure::{Seen, measure};

type Fallible<T> = Result<T, Box<dyn Error>>;

fn main() -> Fallible<()> {
    let Some(dir) = std::env::var_os("HOLDFAST_LAB").map(PathBuf::from) else {
        println!("race: set HOLDFAST_LAB to the directory of a running lab; nothing was measured");
        return Ok(());
    };
    let count = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(10_000_usize);
    let lab = lab::Lab::filled(dir, count)?;
    let mut contenders = vec![Contender::Holdfast];
    match contender::k9s() {
        Ok(program) => contenders.push(Contender::K9s(program)),
        Err(why) => println!("race: k9s is left out: {why}"),
    }
    println!("{count} claims and {count} snapshots with their volumes and contents");
    let mut seen = Vec::new();
    for contender in &contenders {
        let name = contender.name();
        eprintln!("race: {name} is running");
        match measure(contender, &lab) {
            Ok(measured) => seen.push((name, measured)),
            Err(why) => println!("race: {name} was not measured: {why}"),
        }
    }
    print(&seen);
    Ok(())
}

fn print(seen: &[(&str, Seen)]) {
    let line = |what: &str, cell: &dyn Fn(&Seen) -> String| {
        let cells: Vec<String> = seen.iter().map(|(_, seen)| format!("{:>16}", cell(seen))).collect();
        println!("{what:<44}{}", cells.concat());
    };
    let names: Vec<String> = seen.iter().map(|(name, _)| format!("{name:>16}")).collect();
    println!("{:<44}{}", "", names.concat());
    let ms = |time: std::time::Duration| format!("{:.1} ms", time.as_secs_f64() * 1000.0);
    let s = |time: std::time::Duration| format!("{:.2} s", time.as_secs_f64());
    line("kinds watched", &|seen| seen.kinds.to_owned());
    line("first frame", &|seen| ms(seen.first_frame));
    line("first rows", &|seen| s(seen.first_rows));
    line("all rows", &|seen| s(seen.all_rows));
    let rest = |time: Option<std::time::Duration>| time.map_or_else(|| "never".to_owned(), s);
    line("at rest", &|seen| rest(seen.at_rest));
    line("resident memory", &|seen| format!("{:.0} MB", seen.resident_mb));
    line("read from the API until all rows", &|seen| format!("{:.1} MB", seen.read_mb));
    line("read from the API in 30 s at rest", &|seen| format!("{:.2} MB", seen.idle_read_mb));
    line("processor in 30 s at rest", &|seen| format!("{:.2} %", seen.idle_percent));
    line("processor under 100 changes/s", &|seen| format!("{:.1} %", seen.churn_percent));
    line("key to screen at rest, median", &|seen| ms(seen.key.median));
    line("key to screen at rest, 99 %", &|seen| ms(seen.key.p99));
    line("key to screen under 100 changes/s, median", &|seen| ms(seen.churn_key.median));
    line("key to screen under 100 changes/s, 99 %", &|seen| ms(seen.churn_key.p99));
    line("letters lost of 40 under 100 changes/s", &|seen| seen.lost.to_string());
}
