//! What a person chooses, as the command line has it.

use jiff::SignedDuration;

use super::{Options, ROLLED_WITHIN};
use crate::assess::succession::{Phase, SOAK};
use crate::plan::command::CommandLine;
use crate::plan::serves::WITHIN as SERVED_WITHIN;
use crate::text::quantity;

/// The command that makes the same choices for the CA in this Secret, `namespace/name`, on this context. It asks for what
/// comes next, which is this phase as long as nothing else was done.
pub fn command(options: &Options, path: &str, context: &str) -> String {
    let mut line = CommandLine::new("rotate-ca", path);
    if let Some(key) = options.key {
        line.option("--key", key.word());
    }
    if let Some(life) = options.life.and_then(|life| SignedDuration::try_from(life).ok()) {
        line.option("--valid-for", &quantity::duration(life));
    }
    if options.phase == Phase::Make && options.soak != SOAK {
        line.option("--soak", &quantity::duration(options.soak));
    }
    if !options.restart {
        line.flag("--no-restarts");
    }
    if let Some(reason) = &options.reason {
        let attested = matches!(options.phase, Phase::Stores | Phase::Outside);
        line.option(if attested { "--attest" } else { "--reason" }, reason);
    }
    line.deadline("--rolled-within", options.rolled_within, ROLLED_WITHIN);
    line.deadline("--served-within", options.served_within, SERVED_WITHIN);
    line.on(context)
}
