//! Arguments of `journal`.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use jiff::Timestamp;

/// What `journal` does.
#[derive(Debug, Subcommand)]
pub enum Journal {
    /// Print what was begun, ended, refused and given up on this machine, the oldest first.
    List {
        /// Only what happened since then: a moment such as 2026-03-01T12:00:00Z, or how long ago, such as 24h.
        #[arg(long, value_name = "TIME", value_parser = crate::cli::journal::since)]
        since: Option<Timestamp>,
        /// How to print it.
        #[arg(short, long, default_value = "table")]
        output: ListFormat,
    },
    /// Print one line of it in full, or one operation.
    Show {
        /// The number of the line, or the id of an operation.
        #[arg(value_name = "ID|LINE")]
        what: String,
    },
    /// Write all of it, with the journals of all operations, to be checked on another machine.
    Export {
        /// To this file, which must not be there; left out, to stdout.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// How to write it: a line for each entry, or one document.
        #[arg(short, long, default_value = "jsonl")]
        output: JournalFormat,
    },
    /// Say where a journal was changed, cut short, put in another order, added to or removed.
    ///
    /// Exit codes: 0 all as written, 1 something is not, 3 what the cluster remembers could not be looked at.
    Verify {
        /// An export to check; left out, the journals of this machine.
        #[arg(value_name = "FILE", conflicts_with = "here")]
        file: Option<PathBuf>,
        /// Ask no cluster: what was cut off after the last line that is known on this machine does not show then.
        #[arg(long)]
        here: bool,
    },
}

/// How a list of lines is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// A line for each.
    #[default]
    Table,
    /// An array, one object for each.
    Json,
}

/// How an export is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum JournalFormat {
    /// A line for each entry.
    #[default]
    Jsonl,
    /// One document.
    Json,
}
