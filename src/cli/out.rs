//! What commands write: results to stdout, everything about the run to stderr.
//!
//! The only place that writes there. Nothing here panics when nobody reads: a closed stdout ends the command, quietly
//! and with a code of its own, and a closed stderr ends nothing.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use super::{Exit, Failure};

/// Writes a part of the result to stdout, as it is.
///
/// # Errors
/// When it cannot be written; [`Exit::Unread`] when nobody reads it.
pub(super) fn print(text: impl Display) -> Result<(), Failure> {
    bytes(text.to_string().as_bytes())
}

/// The same with an end of line.
pub(super) fn line(text: impl Display) -> Result<(), Failure> {
    print(format_args!("{text}\n"))
}

/// The same of bytes.
pub(super) fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Failure::new(Exit::Unread, error),
        _ => Failure::new(Exit::Unknown, format!("cannot write the result to stdout: {error}")),
    })
}

/// Says something about the run, in a line on stderr.
pub(super) fn say(text: impl Display) {
    // There is nowhere left to say that nobody listens.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Asks on stderr and reads the answer, a line of stdin.
///
/// # Errors
/// When the question cannot be asked or the answer not be read.
pub(super) fn ask(question: impl Display) -> io::Result<String> {
    let mut stderr = io::stderr();
    write!(stderr, "{question}")?;
    stderr.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(answer)
}
