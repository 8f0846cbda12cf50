//! From the text of a file to settings, and to everything that is wrong with it.
//!
//! A file is held to the registry first, because that finds every mistake and its place; only a file without one is
//! made into a [`Config`].

use std::path::Path;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::schema::{self, Below, Setting};
use super::shape::{Shape, kind};
use super::spot::{Mistake, Source, Written};
use super::{Config, KeySetting};
use crate::text::nearest;

/// What a file says.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// The configuration; `None` when something is wrong.
    pub config: Option<Config>,
    /// The table `[keys]`, as far as it can be read.
    pub keys: Vec<KeySetting>,
    /// The theme, and where it stands.
    pub theme: Option<Written>,
    /// Everything that is wrong, from the beginning of the file to its end.
    pub mistakes: Vec<Mistake>,
    /// How many settings there are.
    pub settings: usize,
}

impl Reading {
    /// Reads the text of a file.
    pub fn of(text: &str, file: &Path) -> Self {
        let source = Source::new(file, text);
        let (document, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            // What can be read of a file that is no TOML says little about the settings in it.
            let mistakes = errors.iter().map(|error| not_toml(&source, error)).collect();
            return Self { mistakes, ..Self::default() };
        }
        let mut walk = Walk { source, found: Self::default(), path: Vec::new(), said: Vec::new() };
        walk.table(document.get_ref());
        let (source, mut found) = (walk.source, walk.found);
        found.keys.sort_by(|a, b| a.action.at.cmp(&b.action.at));
        if found.mistakes.is_empty() {
            match deserialize(document) {
                Ok(config) => found.config = Some(Config { keys: found.keys.clone(), ..config }),
                Err(error) => found.mistakes.push(not_toml(&source, &error)),
            }
        }
        found.mistakes.sort();
        found
    }
}

fn not_toml(source: &Source, error: &toml::de::Error) -> Mistake {
    Mistake { at: source.spot(&error.span().unwrap_or_default()), what: error.message().to_owned() }
}

/// Keys are taken as they were found, with their places.
fn deserialize(mut document: Spanned<DeTable>) -> Result<Config, toml::de::Error> {
    document.get_mut().remove("keys");
    Config::deserialize(Deserializer::from(document))
}

struct Walk<'a> {
    source: Source<'a>,
    found: Reading,
    /// The table in the registry, and as the file says it.
    path: Vec<&'static str>,
    said: Vec<String>,
}

impl Walk<'_> {
    fn wrong(&mut self, at: std::ops::Range<usize>, what: String) {
        self.found.mistakes.push(Mistake { at: self.source.spot(&at), what });
    }

    fn table(&mut self, table: &DeTable) {
        for (name, value) in table {
            self.said.push(name.get_ref().to_string());
            match schema::below(&self.path, name.get_ref()) {
                Some(Below::Setting(setting)) => self.setting(setting, name, value),
                Some(Below::Table(part)) => self.inner(part, value),
                Some(Below::Tables(part)) => match value.get_ref() {
                    DeValue::Array(tables) => tables.iter().for_each(|table| self.inner(part, table)),
                    other => self.not_a_table(value, &format!("[[{}]]", self.said.join(".")), other),
                },
                None => {
                    self.said.pop();
                    self.wrong(name.span(), self.unknown(name.get_ref()));
                    continue;
                }
            }
            self.said.pop();
        }
    }

    fn inner(&mut self, part: &'static str, value: &Spanned<DeValue>) {
        let table = match value.get_ref() {
            DeValue::Table(table) => table,
            other => return self.not_a_table(value, &format!("[{}]", self.said.join(".")), other),
        };
        self.path.push(part);
        self.table(table);
        for setting in schema::required(&self.path) {
            let name = setting.parts().last().unwrap_or_default();
            if !table.contains_key(name) {
                self.wrong(value.span(), format!("{name} is missing here; write {name} = {}", setting.example));
            }
        }
        self.path.pop();
    }

    fn not_a_table(&mut self, value: &Spanned<DeValue>, header: &str, found: &DeValue) {
        let name = self.said.join(".");
        self.wrong(value.span(), format!("{name} is a table, written {header}; this is {}", kind(found)));
    }

    fn setting(&mut self, setting: &'static Setting, name: &Spanned<std::borrow::Cow<str>>, value: &Spanned<DeValue>) {
        self.found.settings += 1;
        let mut wrong = Vec::new();
        setting.shape.check(value, |at, what| wrong.push((at, what)));
        let said = self.said.join(".");
        for (at, what) in wrong {
            self.wrong(at, format!("{said}: {what}"));
        }
        match value.get_ref() {
            DeValue::Array(keys) if setting.shape == Shape::Keys => {
                let action = self.written(name.get_ref(), name.span());
                let keys = keys.iter().filter_map(|key| Some(self.written(key.get_ref().as_str()?, key.span())));
                let keys = keys.collect();
                self.found.keys.push(KeySetting { action, keys });
            }
            DeValue::String(theme) if setting.path == "theme" => {
                self.found.theme = Some(self.written(theme, value.span()));
            }
            _ => {}
        }
    }

    fn written(&self, text: &str, at: std::ops::Range<usize>) -> Written {
        Written { text: text.to_owned(), at: self.source.spot(&at) }
    }

    /// What is said of a name that the registry does not have here.
    fn unknown(&self, name: &str) -> String {
        let here = schema::names(&self.path);
        let place = if self.said.is_empty() { String::new() } else { format!(" in [{}]", self.said.join(".")) };
        let elsewhere = || {
            let last = |setting: &&Setting| setting.parts().last().unwrap_or_default();
            let near = nearest(name, schema::SETTINGS.iter().map(|setting| last(&setting)))?;
            schema::SETTINGS.iter().find(|setting| last(setting) == near).map(|setting| setting.path)
        };
        match nearest(name, here.iter().copied()).or_else(elsewhere) {
            Some(near) => format!("there is no setting \"{name}\"{place}; did you mean {near}?"),
            None => format!("there is no setting \"{name}\"{place}; there are {}", crate::text::list(&here)),
        }
    }
}
