//! `holdfast completions` and `holdfast man`: what a shell and a manual reader want to know of the command line. Both
//! come from the arguments themselves.

use std::io::{self, Write};

use clap::{Command, CommandFactory};
use clap_complete::aot::{self, Generator};
use clap_mangen::Man;

use super::args::{Args, Shell};
use super::{Exit, Failure, out};

pub(super) fn completions(shell: Shell) -> Result<Exit, Failure> {
    let shell = match shell {
        Shell::Bash => aot::Shell::Bash,
        Shell::Zsh => aot::Shell::Zsh,
        Shell::Fish => aot::Shell::Fish,
    };
    let mut command = Args::command().bin_name(env!("CARGO_PKG_NAME"));
    command.build();
    let mut text = Vec::new();
    print(shell.try_generate(&command, &mut text).map(|()| text))
}

pub(super) fn man() -> Result<Exit, Failure> {
    let mut command = Args::command();
    command.build();
    print(page(&command))
}

/// One page for the command with all that is below it: `man` finds it by the program's name alone.
fn page(command: &Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    let man = Man::new(command.clone());
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    parts(&man, &mut page)?;
    sections(command, &mut page)?;
    man.render_version_section(&mut page)?;
    Ok(page)
}

/// A section for each command below this one; what is said of all commands is not said again.
fn sections(command: &Command, page: &mut Vec<u8>) -> io::Result<()> {
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        let own = inner.clone().mut_args(|arg| if arg.is_global_set() { arg.hide(true) } else { arg });
        writeln!(page, ".SH \"{}\"", own.get_bin_name().unwrap_or_default().to_uppercase())?;
        let mut text = Vec::new();
        parts(&Man::new(own), &mut text)?;
        for line in String::from_utf8_lossy(&text).lines() {
            // Its sections are parts of this one.
            match line.strip_prefix(".SH ") {
                Some(title) => writeln!(page, ".SS {title}")?,
                None => writeln!(page, "{line}")?,
            }
        }
        sections(inner, page)?;
    }
    Ok(())
}

/// What is said of every command alike.
fn parts(man: &Man, page: &mut Vec<u8>) -> io::Result<()> {
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)
}

fn print(text: io::Result<Vec<u8>>) -> Result<Exit, Failure> {
    let text = text.map_err(|error| Failure::new(Exit::Unknown, format!("cannot make it: {error}")))?;
    out::bytes(&text)?;
    Ok(Exit::Fine)
}
