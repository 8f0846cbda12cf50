//! Tables of texts, with the place of everything that is wrong in them.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use jiff::Timestamp;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::shape::kind;
use crate::config::spot::{Mistake, Source};
use crate::text::{list, nearest, sanitize};

/// Everything that is wrong so far.
pub(super) struct Reading<'a> {
    pub source: Source<'a>,
    pub mistakes: Vec<Mistake>,
}

impl<'a> Reading<'a> {
    /// A document that is whole; else everything that is wrong with it as TOML.
    pub fn of(path: &Path, text: &'a str) -> Result<(Self, Spanned<DeTable<'a>>), Vec<Mistake>> {
        let mut reading = Self { source: Source::new(path, text), mistakes: Vec::new() };
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            reading.wrong(&error.span().unwrap_or_default(), error.message());
        }
        if errors.is_empty() { Ok((reading, document)) } else { Err(reading.mistakes) }
    }

    pub fn wrong(&mut self, at: &Range<usize>, what: impl Into<String>) {
        self.mistakes.push(Mistake { at: self.source.spot(at), what: what.into() });
    }

    /// The tables of `[[name]]`.
    pub fn tables<'t>(&mut self, name: &str, value: &'t Spanned<DeValue<'t>>) -> Vec<(&'t DeTable<'t>, Range<usize>)> {
        let DeValue::Array(all) = value.get_ref() else {
            self.wrong(&value.span(), format!("{name} is written [[{name}]]; this is {}", kind(value.get_ref())));
            return Vec::new();
        };
        let mut tables = Vec::new();
        for one in all {
            match one.get_ref() {
                DeValue::Table(table) => tables.push((table, one.span())),
                other => self.wrong(&one.span(), format!("{name} is written [[{name}]]; this is {}", kind(other))),
            }
        }
        tables
    }
}

/// One table that is being read.
pub(super) struct Entry<'r, 's, 't> {
    pub reading: &'r mut Reading<'s>,
    table: &'t DeTable<'t>,
    pub at: Range<usize>,
    name: &'static str,
}

impl<'r, 's, 't> Entry<'r, 's, 't> {
    /// Tells the names that it may not have.
    pub fn new(
        reading: &'r mut Reading<'s>,
        (table, at): (&'t DeTable<'t>, Range<usize>),
        name: &'static str,
        names: &[&str],
    ) -> Self {
        for (key, _) in table.iter().filter(|(key, _)| !names.contains(&key.get_ref().as_ref())) {
            let found = sanitize(key.get_ref()).into_owned();
            let near = nearest(&found, names.iter().copied())
                .map_or_else(|| format!("there are {}", list(names)), |near| format!("did you mean {near}?"));
            reading.wrong(&key.span(), format!("there is no \"{found}\" in {name}; {near}"));
        }
        Self { reading, table, at, name }
    }

    /// A table in it.
    pub fn table(&mut self, key: &str) -> Option<(&'t DeTable<'t>, Range<usize>)> {
        let value = self.table.get(key)?;
        match value.get_ref() {
            DeValue::Table(table) => Some((table, value.span())),
            other => {
                self.reading.wrong(
                    &value.span(),
                    format!("{key} is a table, such as {{ name = \"db\" }}; this is {}", kind(other)),
                );
                None
            }
        }
    }

    /// A text in it, with its place.
    pub fn text(&mut self, key: &str) -> Option<(&'t str, Range<usize>)> {
        let value = self.table.get(key)?;
        match value.get_ref() {
            DeValue::String(text) if !text.trim().is_empty() => Some((text.trim(), value.span())),
            DeValue::String(_) => {
                self.reading.wrong(&value.span(), format!("{key}: is empty"));
                None
            }
            other => {
                self.reading.wrong(&value.span(), format!("{key}: needs a text in quotes; this is {}", kind(other)));
                None
            }
        }
    }

    /// A text in it, read.
    pub fn read<T>(&mut self, key: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let (text, at) = self.text(key)?;
        read(text).map_err(|why| self.reading.wrong(&at, format!("{key}: {why}"))).ok()
    }

    /// The same of a text that has to be there.
    pub fn needed<T>(&mut self, key: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        if !self.table.contains_key(key) {
            let name = self.name;
            self.reading.wrong(&self.at.clone(), format!("{key} is missing in this {name}"));
        }
        self.read(key, read)
    }

    /// Which of these there are; not exactly one is wrong.
    pub fn one_of(&mut self, keys: &[&'static str]) -> Option<&'static str> {
        let there: Vec<&'static str> = keys.iter().copied().filter(|key| self.table.contains_key(*key)).collect();
        if let [only] = there.as_slice() {
            return Some(only);
        }
        let name = self.name;
        self.reading.wrong(&self.at.clone(), format!("{name} needs one of {}", list(keys)));
        None
    }
}

/// A moment, or a day, which begins in UTC.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    let day =
        || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|day| day.timestamp());
    let how = "write a day such as 2027-01-31, or a moment such as 2027-01-31T12:00:00Z";
    text.parse().ok().or_else(day).ok_or_else(|| format!("\"{}\" is no time; {how}", sanitize(text)))
}

/// A hash of this many bytes, in hex.
pub(super) fn hash<const BYTES: usize>(text: &str) -> Result<[u8; BYTES], String> {
    let wrong = || format!("needs {} hex digits", 2 * BYTES);
    if text.len() != 2 * BYTES || !text.is_ascii() {
        return Err(wrong());
    }
    let mut bytes = [0; BYTES];
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * place..2 * place + 2], 16).map_err(|_| wrong())?;
    }
    Ok(bytes)
}

/// The digest of an image.
pub(super) fn digest(text: &str) -> Result<std::sync::Arc<str>, String> {
    let hex = text.strip_prefix("sha256:").unwrap_or_default();
    hash::<32>(hex).map_err(|_| "needs sha256: and 64 hex digits".to_owned())?;
    Ok(text.to_ascii_lowercase().into())
}

/// Names that two lists have in common, none twice.
pub(super) fn unknown<'n>(wanted: impl IntoIterator<Item = &'n str>, known: &[&str]) -> BTreeSet<&'n str> {
    wanted.into_iter().filter(|name| !known.contains(name)).collect()
}
