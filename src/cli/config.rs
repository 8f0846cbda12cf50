//! `holdfast config`: write a configuration file, check one, say which is read.

use std::io::{Error, ErrorKind, Write};
use std::path::Path;

use super::args::{Config as What, Global};
use super::{Exit, Failure, out, settings};
use crate::config::{self, ConfigError, Location, Origin, VARIABLES};
use crate::text::{plural, sanitize};

/// What a check looks at, and what it cannot know.
const CHECKED: &str =
    "  checked: names, kinds of values, durations, objectives, addresses, the theme, keys and their conflicts
  not checked: whether the contexts, files and servers that it names are there";

pub(super) fn run(global: &Global, what: &What) -> Result<Exit, Failure> {
    match what {
        What::Init { stdout: true } => out::print(config::commented())?,
        What::Init { stdout: false } => init(&config::file(global.config.as_deref())?.path)?,
        What::Check { file } => return check(global, file.as_deref()),
        What::Path => path(global)?,
    }
    Ok(Exit::Fine)
}

fn init(path: &Path) -> Result<(), Failure> {
    let shown = path.display();
    let instead = "`holdfast config init --stdout` prints what would be written";
    let failed = |error: Error| Failure::new(Exit::Usage, format!("cannot write {shown}: {error}\n  {instead}"));
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory).map_err(failed)?;
    }
    let mut file = match std::fs::File::create_new(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let message = format!("{shown} is there already and stays as it is\n  change it by hand; {instead}");
            return Err(Failure::new(Exit::Usage, message));
        }
        file => file.map_err(failed)?,
    };
    file.write_all(config::commented().as_bytes()).map_err(failed)?;
    out::line(format_args!("{} is written; every setting in it is commented out", sanitize(&shown.to_string())))
}

fn check(global: &Global, file: Option<&Path>) -> Result<Exit, Failure> {
    let location = match file {
        Some(path) => Location { path: path.to_owned(), origin: Origin::Flag("the command line") },
        None => config::file(global.config.as_deref())?,
    };
    let shown = sanitize(&location.path.display().to_string()).into_owned();
    let Some(reading) = config::read(&location)? else {
        out::line(format_args!("{shown} is not there, so the defaults hold; `holdfast config init` writes it"))?;
        return Ok(Exit::Fine);
    };
    let settings = reading.settings;
    match settings::judged(reading, &settings::themes(&location)) {
        Ok(_) => {
            let count = plural(settings, "setting", "settings");
            out::line(format_args!("{shown}: {count}, nothing wrong\n{CHECKED}"))?;
            Ok(Exit::Fine)
        }
        Err(ConfigError::Wrong(mistakes)) => {
            for mistake in &mistakes {
                out::say(sanitize(&mistake.to_string()));
            }
            let count = plural(mistakes.len(), "mistake", "mistakes");
            Err(Failure::new(Exit::Usage, format!("{count} in {shown}")))
        }
        Err(other) => Err(other.into()),
    }
}

fn path(global: &Global) -> Result<(), Failure> {
    let log = global.log_file.as_ref().map(|path| Location { path: path.clone(), origin: Origin::Flag("--log-file") });
    let themes = config::file(global.config.as_deref())
        .map(|Location { path, origin }| Location { path: path.with_file_name("themes"), origin });
    let places = [
        ("configuration", config::file(global.config.as_deref()).map(Some), "for a person to write"),
        ("themes", themes.map(Some), "one of your own in each file"),
        ("state", config::state().map(Some), "journals of operations, decisions on findings; must not be lost"),
        ("cache", config::cache().map(Some), "may be deleted at any time; this version keeps nothing there"),
        ("log", Ok(log), "what the console does, filtered by $HOLDFAST_LOG"),
    ];
    for (name, location, what) in places {
        let (shown, why) = match location {
            Ok(Some(Location { path, origin })) => {
                (path.display().to_string(), format!("{origin}; {}", presence(&path)))
            }
            Ok(None) => ("nowhere".to_owned(), "--log-file names a file".to_owned()),
            Err(error) => ("nowhere".to_owned(), error.to_string()),
        };
        let (shown, why) = (sanitize(&shown), sanitize(&why));
        out::line(format_args!("{name:<15}{shown}\n{:15}{why}\n{:15}{what}", "", ""))?;
    }
    out::line("\nAn option wins over an environment variable, that over the file, and the file over the default.")?;
    out::line("\nenvironment")?;
    for variable in VARIABLES {
        let value = config::variable(variable.name);
        let value = value.map_or_else(|| "not set".to_owned(), |value| value.to_string_lossy().into_owned());
        let value = sanitize(&value);
        out::line(format_args!("  {:<20}{value}\n  {:20}{}", variable.name, "", variable.doc))?;
    }
    Ok(())
}

fn presence(path: &Path) -> String {
    match path.try_exists() {
        Ok(true) => "it is there".to_owned(),
        Ok(false) => "it is not there yet".to_owned(),
        Err(error) => format!("it cannot be looked at: {error}"),
    }
}
