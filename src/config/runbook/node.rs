//! YAML as it is written: every value and every key with its place.
//!
//! Knows nothing of runbooks. What a file may cost is bounded here, before anything of it is looked at: its size, how
//! deep it goes, and what anchors may grow to.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use crate::config::spot::{Mistake, Source, Spot};
use crate::text::sanitize;

/// The largest file, in bytes.
pub(super) const LARGEST: usize = 64 * 1024;

/// A value, and where it stands.
pub(super) type Node = Spanned<Yaml>;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Yaml {
    Null,
    Flag(bool),
    /// As it is printed.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Spanned<String>, Node)>),
}

impl Yaml {
    /// What it is, in words.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Flag(true) => "true",
            Self::Flag(false) => "false",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a table",
        }
    }
}

/// Reads a file.
///
/// # Errors
/// When it is too large or no YAML.
pub(super) fn read(source: &Source, text: &str) -> Result<Node, Mistake> {
    if text.len() > LARGEST {
        let (size, most) = (text.len(), LARGEST);
        let what = format!("a runbook has {most} bytes at most; this has {size}");
        return Err(Mistake { at: source.at(1, 1), what });
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: 32, max_nodes: 20_000, max_aliases: 100, max_documents: 1 },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 10_000, max_replay_stack_depth: 8 },
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| not_read(source, &error))
}

/// What the reader of YAML says, with its place and without the lines of the file.
fn not_read(source: &Source, error: &serde_saphyr::Error) -> Mistake {
    let at = error.location().map_or_else(|| source.at(1, 1), |at| spot(source, at));
    let said = error.without_snippet().to_string();
    // It names the place itself, behind the words.
    let said = said.split(" at line ").next().unwrap_or_default();
    Mistake { at, what: sanitize(said.lines().next().unwrap_or_default()).into_owned() }
}

/// A place for people.
pub(super) fn spot(source: &Source, at: Location) -> Spot {
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX).max(1);
    source.at(number(at.line()), number(at.column()))
}

impl<'de> Deserialize<'de> for Yaml {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Yaml;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of YAML")
    }

    fn visit_unit<E>(self) -> Result<Yaml, E> {
        Ok(Yaml::Null)
    }

    fn visit_none<E>(self) -> Result<Yaml, E> {
        Ok(Yaml::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Yaml, E> {
        Ok(Yaml::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Yaml, E> {
        Ok(Yaml::Number(number.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Yaml, E> {
        Ok(Yaml::Number(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Yaml, E> {
        Ok(Yaml::Number(number.to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Yaml, E> {
        Ok(Yaml::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Yaml, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Yaml::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Yaml, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Yaml::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn node(text: &str) -> Result<Node, String> {
        read(&Source::new(Path::new("b.yaml"), text), text).map_err(|mistake| mistake.to_string())
    }

    #[test]
    fn every_value_and_every_key_has_its_place() {
        let text = "a: 1\nb:\n  - x\n  - {c: yes, d: \"é\", e: ~}\n";
        let Yaml::Map(top) = node(text).unwrap().value else { panic!() };
        let at = |at: Location| (at.line(), at.column());
        assert_eq!((at(top[0].0.defined), at(top[0].1.defined)), ((1, 1), (1, 4)));
        let Yaml::List(items) = &top[1].1.value else { panic!() };
        assert_eq!((at(top[1].0.defined), at(items[0].defined)), ((2, 1), (3, 5)));
        let Yaml::Map(inner) = &items[1].value else { panic!() };
        let found: Vec<_> = inner.iter().map(|(key, value)| (at(key.defined), at(value.defined))).collect();
        assert_eq!(found, [((4, 6), (4, 9)), ((4, 14), (4, 17)), ((4, 22), (4, 25))]);
    }

    #[test]
    fn anchors_do_not_grow_without_bound_and_keys_are_there_once() {
        let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for (name, of) in ["b", "c", "d", "e", "f"].into_iter().zip(["a", "b", "c", "d", "e"]) {
            bomb.extend([name, ": &", name, " [", &vec![format!("*{of}"); 9].join(", "), "]\n"]);
        }
        assert!(node(&bomb).is_err());
        let twice = node("a: 1\nb: 2\na: 3\n").unwrap_err();
        assert!(twice.starts_with("b.yaml:3:1: ") && twice.contains("duplicate"), "{twice}");
        let deep = node(&format!("{}{}", "[".repeat(50), "]".repeat(50))).unwrap_err();
        assert!(deep.starts_with("b.yaml:1:"), "{deep}");
        let large = node(&"# x\n".repeat(17_000)).unwrap_err();
        assert_eq!(large, "b.yaml:1:1: a runbook has 65536 bytes at most; this has 68000");
    }
}
