//! `holdfast policy`, and the policies that every command looks with.

use std::path::{Path, PathBuf};

use super::args::{Global, Policy as What};
use super::{Exit, Failure, out};
use crate::config::Config;
use crate::config::policy::{PolicyError, load, schema};
use crate::model::Policy;
use crate::text::{plural, sanitize};

/// The policies that count: of the file that is named, or else of the one that the configuration names.
///
/// # Errors
/// With everything that is wrong with the file.
pub(super) fn policies(global: &Global, config: &Config) -> Result<Vec<Policy>, Failure> {
    match file(global, config) {
        Some(path) => load(path).map_err(|error| Failure::new(Exit::Usage, error)),
        None => Ok(Vec::new()),
    }
}

/// The policy file; `None` when nobody names one.
fn file<'a>(global: &'a Global, config: &'a Config) -> Option<&'a Path> {
    global.policy.as_deref().or(config.policy_file.as_deref())
}

pub(super) fn run(global: &Global, what: &What) -> Result<Exit, Failure> {
    match what {
        What::Schema => out::line(format_args!("{:#}", schema()))?,
        What::Check { file } => return check(global, file.clone()),
    }
    Ok(Exit::Fine)
}

fn check(global: &Global, named: Option<PathBuf>) -> Result<Exit, Failure> {
    let path = match named {
        Some(path) => Some(path),
        None => file(global, &Config::load(global.config.as_deref())?).map(Path::to_owned),
    };
    let Some(path) = path else {
        let message = "no policy file is named; give one, or set policy_file in the configuration";
        return Err(Failure::new(Exit::Usage, message));
    };
    let shown = sanitize(&path.display().to_string()).into_owned();
    match load(&path) {
        Ok(policies) => {
            out::line(format_args!("{shown}: {}, nothing wrong", plural(policies.len(), "policy", "policies")))?;
            out::line("  not checked: whether namespaces, classes and hooks that it names are there")?;
            Ok(Exit::Fine)
        }
        Err(PolicyError::Wrong(mistakes)) => {
            for mistake in &mistakes {
                out::say(sanitize(&mistake.to_string()));
            }
            let count = plural(mistakes.len(), "mistake", "mistakes");
            Err(Failure::new(Exit::Usage, format!("{count} in {shown}")))
        }
        Err(error @ PolicyError::Read { .. }) => Err(Failure::new(Exit::Usage, error)),
    }
}
