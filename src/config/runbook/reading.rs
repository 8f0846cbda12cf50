//! Tables and values of a file, held to the registry of keys: every mistake is kept with its place.

use super::keys::Table;
use super::node::{Node, Yaml, spot};
use crate::config::spot::{Mistake, Source};
use crate::text::{list, nearest, sanitize};

/// A file that is being read, and what is wrong with it so far.
pub(super) struct Reading<'a> {
    source: &'a Source<'a>,
    mistakes: Vec<Mistake>,
}

/// A table that is being read.
pub(super) struct Fields<'n> {
    /// The table.
    pub node: &'n Node,
    /// What it is.
    pub table: &'static Table,
}

impl<'n> Fields<'n> {
    /// What stands at a key.
    pub(super) fn get(&self, name: &str) -> Option<&'n Node> {
        debug_assert!(self.table.key(name).is_some(), "{name} is not in the registry");
        entries(self.node).find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Its keys, with their places, in the order in which they are written.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&'n str, &'n serde_saphyr::Spanned<String>)> {
        let map = if let Yaml::Map(map) = &self.node.value { map.as_slice() } else { &[] };
        map.iter().map(|(key, _)| (key.value.as_str(), key))
    }
}

/// Keys and values of a table; nothing of what is none.
pub(super) fn entries(node: &Node) -> impl Iterator<Item = (&str, &Node)> {
    let map = if let Yaml::Map(map) = &node.value { map.as_slice() } else { &[] };
    map.iter().map(|(key, value)| (key.value.as_str(), value))
}

impl<'a> Reading<'a> {
    pub(super) fn new(source: &'a Source<'a>) -> Self {
        Self { source, mistakes: Vec::new() }
    }

    /// Everything that is wrong, from the beginning of the file to its end.
    pub(super) fn mistakes(mut self) -> Vec<Mistake> {
        self.mistakes.sort();
        self.mistakes.dedup();
        self.mistakes
    }

    pub(super) fn wrong<T>(&mut self, at: &serde_saphyr::Spanned<T>, what: impl Into<String>) {
        self.mistakes.push(Mistake { at: spot(self.source, at.defined), what: what.into() });
    }

    /// A table, once it is held to its keys.
    pub(super) fn table<'n>(&mut self, node: &'n Node, table: &'static Table) -> Option<Fields<'n>> {
        let Yaml::Map(map) = &node.value else {
            self.wrong(node, format!("{} is a table of keys and values; this is {}", table.of, node.value.kind()));
            return None;
        };
        for (key, value) in map {
            if table.key(&key.value).is_none() {
                self.wrong(key, unknown(&key.value, table));
            } else if value.value == Yaml::Null {
                self.wrong(key, format!("{} needs a value", key.value));
            }
        }
        let missing = table.keys.iter().filter(|key| key.needed && map.iter().all(|(name, _)| name.value != key.name));
        for key in missing {
            self.wrong(node, format!("{} is missing in {}", key.name, table.of));
        }
        Some(Fields { node, table })
    }

    /// The items of a list that holds at least one.
    pub(super) fn items<'n>(&mut self, name: &str, node: &'n Node) -> &'n [Node] {
        match &node.value {
            Yaml::List(items) if items.is_empty() => self.wrong(node, format!("{name}: the list is empty")),
            Yaml::List(items) => return items,
            // What stands at a key without a value is said there.
            Yaml::Null => {}
            other => self.wrong(node, format!("{name}: needs a list; this is {}", other.kind())),
        }
        &[]
    }

    /// A value as text.
    pub(super) fn text(&mut self, name: &str, node: &Node) -> Option<String> {
        match &node.value {
            Yaml::Text(text) if text.trim().is_empty() => self.wrong(node, format!("{name} is empty")),
            Yaml::Text(text) => return Some(text.trim().to_owned()),
            Yaml::Number(number) => return Some(number.clone()),
            Yaml::Null => {}
            flag @ Yaml::Flag(_) => {
                self.wrong(node, format!("{name}: needs a text; this is {}, put it in quotes", flag.kind()));
            }
            other => self.wrong(node, format!("{name}: needs a text; this is {}", other.kind())),
        }
        None
    }

    /// A value as `read` reads it; what that says is a mistake.
    pub(super) fn value<T>(
        &mut self,
        name: &str,
        node: &Node,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.text(name, node)?;
        read(&text).map_err(|why| self.wrong(node, format!("{name}: {why}"))).ok()
    }

    /// The same of a key, where it is there.
    pub(super) fn read<T>(
        &mut self,
        fields: &Fields,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.value(name, fields.get(name)?, read)
    }
}

fn unknown(name: &str, table: &Table) -> String {
    let names: Vec<&str> = table.keys.iter().map(|key| key.name).collect();
    let shown = sanitize(name);
    match nearest(name, names.iter().copied()) {
        Some(near) => format!("there is no \"{shown}\" in {}; did you mean {near}?", table.of),
        None => format!("there is no \"{shown}\" in {}; there are {}", table.of, list(&names)),
    }
}
