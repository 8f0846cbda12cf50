//! The command line that asks for the same as a plan.

use std::time::Duration;

use jiff::SignedDuration;

use crate::text::{self, quantity};

/// A command of this program, word by word.
#[derive(Clone, Debug)]
pub struct CommandLine(Vec<String>);

impl CommandLine {
    /// `holdfast VERB OBJECT`.
    pub fn new(verb: &str, object: &str) -> Self {
        Self(vec!["holdfast".to_owned(), verb.to_owned(), object.to_owned()])
    }

    /// `holdfast VERB`, with what it is about as options.
    pub fn of(verb: &str) -> Self {
        Self(vec!["holdfast".to_owned(), verb.to_owned()])
    }

    /// An option without a value.
    pub fn flag(&mut self, name: &str) {
        self.0.push(name.to_owned());
    }

    /// An option with its value.
    pub fn option(&mut self, name: &str, value: &str) {
        // A value that begins with a dash would be taken for an option.
        if value.starts_with('-') {
            self.0.push(format!("{name}={value}"));
        } else {
            self.0.extend([name.to_owned(), value.to_owned()]);
        }
    }

    /// A deadline, unless it is the one that counts without the option.
    pub fn deadline(&mut self, name: &str, chosen: Duration, default: Duration) {
        if let (true, Ok(chosen)) = (chosen != default, SignedDuration::try_from(chosen)) {
            self.option(name, &quantity::duration(chosen));
        }
    }

    /// The whole line, on this context.
    pub fn on(mut self, context: &str) -> String {
        if !context.is_empty() {
            self.option("--context", context);
        }
        text::command_line(&self.0)
    }
}
