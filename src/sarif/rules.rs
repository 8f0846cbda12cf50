//! Rules as the components of a tool describe them (SARIF 2.1.0 §3.19, §3.49).

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{Level, Rule};

use super::intern::Texts;
use super::json::Cursor;
use super::message::{cut, head, plain};
use super::properties::{Properties, Rated};
use super::uses::RuleUse;
use super::words;

/// One rule, and what only its results need.
#[derive(Clone, Debug, Default)]
pub struct Described {
    /// The rule.
    pub rule: Arc<Rule>,
    /// How bad it says that its results are.
    pub rated: Rated,
    /// `defaultConfiguration.level` (§3.50.3).
    pub level: Option<Level>,
    /// `defaultConfiguration.rank` (§3.50.4).
    pub rank: Option<f64>,
    /// `messageStrings` (§3.49.11).
    pub strings: Box<[(Arc<str>, Arc<str>)]>,
    /// Weaknesses it only refers to by number in a taxonomy: indices of taxonomy and entry.
    pub taxa: Box<[(usize, usize)]>,
}

/// A driver, an extension, or a taxonomy.
#[derive(Debug, Default)]
pub struct Component {
    /// `name`.
    pub name: Arc<str>,
    /// `semanticVersion`, else `version`.
    pub version: Option<Arc<str>>,
    /// `guid`.
    pub guid: Option<Arc<str>>,
    /// `rules`.
    pub rules: Vec<Described>,
    /// `globalMessageStrings` (§3.19.22).
    pub strings: Vec<(Arc<str>, Arc<str>)>,
    by_id: HashMap<Arc<str>, u32>,
    by_old_id: HashMap<Arc<str>, u32>,
    by_guid: HashMap<Box<str>, u32>,
}

impl Component {
    /// Adds the next rule. `false` when it is no object; it still takes its index.
    pub fn add(&mut self, bytes: &[u8], texts: &mut Texts) -> bool {
        let read = Raw::read(bytes);
        let good = read.is_some();
        let raw = read.unwrap_or_default();
        let index = u32::try_from(self.rules.len()).unwrap_or(u32::MAX);
        for guid in raw.guid.iter().chain(&raw.old_guids) {
            self.by_guid.entry(folded(guid).into()).or_insert(index);
        }
        for old in &raw.old_ids {
            self.by_old_id.entry(texts.get(old)).or_insert(index);
        }
        let described = raw.described(texts, good);
        if good && !described.rule.id.is_empty() {
            self.by_id.entry(Arc::clone(&described.rule.id)).or_insert(index);
        }
        self.rules.push(described);
        good
    }

    /// Adds the weaknesses that rules name by number in a taxonomy.
    pub fn weaknesses(&mut self, number: impl Fn(usize, usize) -> Option<u32>) {
        for described in &mut self.rules {
            for (taxonomy, entry) in std::mem::take(&mut described.taxa) {
                let rule = Arc::make_mut(&mut described.rule);
                if let Some(number) = number(taxonomy, entry).filter(|number| !rule.cwe.contains(number)) {
                    let mut cwe = rule.cwe.to_vec();
                    cwe.push(number);
                    cwe.sort_unstable();
                    rule.cwe = cwe.into();
                }
            }
        }
    }

    /// The rule of exactly this id; the first of several.
    pub fn with_id(&self, id: &str) -> Option<&Described> {
        self.at(*self.by_id.get(id)?)
    }

    /// The rule that had this id before.
    pub fn with_old_id(&self, id: &str) -> Option<&Described> {
        self.at(*self.by_old_id.get(id)?)
    }

    /// The rule that has or had this guid.
    pub fn with_guid(&self, guid: &str) -> Option<&Described> {
        self.at(*self.by_guid.get(folded(guid).as_str())?)
    }

    fn at(&self, index: u32) -> Option<&Described> {
        self.rules.get(usize::try_from(index).ok()?)
    }
}

/// A guid in lower case; nothing longer is one.
fn folded(guid: &str) -> String {
    head(guid, 64).to_ascii_lowercase()
}

/// A reporting descriptor (§3.49).
#[derive(Default)]
struct Raw<'a> {
    id: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    guid: Option<Cow<'a, str>>,
    old_ids: Vec<Cow<'a, str>>,
    old_guids: Vec<Cow<'a, str>>,
    short: Option<Cow<'a, str>>,
    full: Option<Cow<'a, str>>,
    help: Option<Cow<'a, str>>,
    level: Option<Level>,
    rank: Option<f64>,
    strings: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    properties: Properties<'a>,
    relations: Vec<RuleUse<'a>>,
}

impl<'a> Raw<'a> {
    /// Some tools write a bare id in place of a rule.
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut raw = Self::default();
        let mut cursor = Cursor::new(bytes);
        if cursor.peek() == Some(b'"') {
            raw.id = cursor.text();
            return Some(raw);
        }
        cursor.object(|cursor, key| raw.member(cursor, key)).then_some(raw)
    }

    fn member(&mut self, cursor: &mut Cursor<'a>, key: &[u8]) {
        match key {
            b"id" => self.id = cursor.scalar().into_text(),
            b"name" => self.name = cursor.text(),
            b"guid" => self.guid = cursor.text(),
            b"deprecatedIds" => drop(cursor.array(|cursor, _| self.old_ids.extend(cursor.text()))),
            b"deprecatedGuids" => drop(cursor.array(|cursor, _| self.old_guids.extend(cursor.text()))),
            b"shortDescription" => self.short = multiformat(cursor),
            b"fullDescription" => self.full = multiformat(cursor),
            b"helpUri" => self.help = cursor.text(),
            b"defaultConfiguration" => drop(cursor.object(|cursor, key| match key {
                b"level" => {
                    self.level = cursor
                        .text()
                        .and_then(|word| words::level(&word).or_else(|| words::band(&word).map(words::level_of)));
                }
                b"rank" => self.rank = cursor.scalar().as_number().filter(|rank| (0.0..=100.0).contains(rank)),
                _ => cursor.skip(),
            })),
            b"messageStrings" => self.strings = strings(cursor),
            b"properties" => self.properties = Properties::read(cursor),
            b"relationships" => drop(cursor.array(|cursor, _| {
                cursor.object(|cursor, key| match key {
                    b"target" => {
                        let mut target = RuleUse::default();
                        target.read(cursor);
                        self.relations.push(target);
                    }
                    _ => cursor.skip(),
                });
            })),
            _ => cursor.skip(),
        }
    }

    fn described(self, texts: &mut Texts, good: bool) -> Described {
        let mut cwe = self.properties.cwe;
        let mut taxa = Vec::new();
        for target in &self.relations {
            weakness(target, &mut cwe, &mut taxa);
        }
        cwe.sort_unstable();
        let mut short = |text: Option<Cow<str>>| {
            text.filter(|text| !text.is_empty()).map(|text| texts.get(&cut(&plain::<&str>(&text, None))))
        };
        let rule = Rule {
            short: short(self.short).or_else(|| short(self.full)),
            id: texts.get(&self.id.unwrap_or_default()),
            name: texts.maybe(self.name.as_deref()),
            help: texts.maybe(self.help.as_deref()),
            precision: texts.maybe(self.properties.precision.as_deref()),
            cwe: cwe.into(),
            tags: self.properties.tags.iter().map(|tag| texts.get(tag)).collect(),
            described: good,
        };
        Described {
            rule: Arc::new(rule),
            rated: self.properties.rated,
            level: self.level,
            rank: self.rank,
            strings: self.strings.iter().map(|(id, text)| (texts.get(id), texts.get(text))).collect(),
            taxa: taxa.into(),
        }
    }
}

/// The weakness that a reference names: by id in a taxonomy called CWE, or by number in some taxonomy.
pub fn weakness(target: &RuleUse, cwe: &mut Vec<u32>, taxa: &mut Vec<(usize, usize)>) {
    let before = cwe.len();
    if let Some(id) = &target.id {
        words::cwe(id, cwe);
        if target.component.name.as_ref().is_some_and(|name| name.to_ascii_uppercase().contains("CWE")) {
            words::number(id, cwe);
        }
    }
    if cwe.len() == before
        && let (Some(taxonomy), Some(entry)) = (target.component.index, target.index)
        && let (Ok(taxonomy), Ok(entry)) = (usize::try_from(taxonomy), usize::try_from(entry))
    {
        taxa.push((taxonomy, entry));
    }
}

/// The text of a multiformat message string (§3.12).
fn multiformat<'a>(cursor: &mut Cursor<'a>) -> Option<Cow<'a, str>> {
    if cursor.peek() == Some(b'"') {
        return cursor.text();
    }
    let (mut text, mut markdown) = (None, None);
    cursor.object(|cursor, key| match key {
        b"text" => text = cursor.text(),
        b"markdown" => markdown = cursor.text(),
        _ => cursor.skip(),
    });
    text.or(markdown)
}

/// Message strings by their ids.
pub fn strings<'a>(cursor: &mut Cursor<'a>) -> Vec<(Cow<'a, str>, Cow<'a, str>)> {
    let mut all = Vec::new();
    cursor.object(|cursor, key| {
        if let Some(text) = multiformat(cursor) {
            all.push((Cow::Owned(String::from_utf8_lossy(key).into_owned()), text));
        }
    });
    all
}

/// `configuration.level` and `configuration.rank` for a rule (§3.51).
#[derive(Clone, Debug)]
pub struct Override {
    /// Which rule.
    pub descriptor: OwnedUse,
    /// `level`.
    pub level: Option<Level>,
    /// `rank`.
    pub rank: Option<f64>,
}

/// A [`RuleUse`] that outlives its text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct OwnedUse {
    /// Id.
    pub id: Option<Arc<str>>,
    /// Index; `None` when unset.
    pub index: Option<usize>,
    /// Guid.
    pub guid: Option<Arc<str>>,
    /// Index of the component.
    pub component: Option<usize>,
    /// Guid of the component.
    pub component_guid: Option<Arc<str>>,
    /// Name of the component.
    pub component_name: Option<Arc<str>>,
    /// For results without any of them: a hash of the shape of the message.
    pub shape: u64,
}

impl OwnedUse {
    /// Of what a result says.
    pub fn of(used: &RuleUse, shape: u64, texts: &mut Texts) -> Self {
        let index = |index: Option<i64>| index.and_then(|index| usize::try_from(index).ok());
        Self {
            id: texts.maybe(used.id.as_deref().filter(|id| !id.is_empty())),
            index: index(used.index),
            guid: texts.maybe(used.guid.as_deref()),
            component: index(used.component.index),
            component_guid: texts.maybe(used.component.guid.as_deref()),
            component_name: texts.maybe(used.component.name.as_deref()),
            shape,
        }
    }

    /// Whether it is made of this.
    pub fn is(&self, used: &RuleUse, shape: u64) -> bool {
        let text = |own: &Option<Arc<str>>, other: &Option<Cow<str>>| own.as_deref() == other.as_deref();
        let number =
            |own: Option<usize>, other: Option<i64>| own == other.and_then(|other| usize::try_from(other).ok());
        self.shape == shape
            && self.id.as_deref().unwrap_or_default() == used.id.as_deref().unwrap_or_default()
            && number(self.index, used.index)
            && text(&self.guid, &used.guid)
            && number(self.component, used.component.index)
            && text(&self.component_guid, &used.component.guid)
            && text(&self.component_name, &used.component.name)
    }
}

/// Reads `ruleConfigurationOverrides` (§3.20.5).
pub fn overrides(cursor: &mut Cursor, texts: &mut Texts) -> Vec<Override> {
    let mut all = Vec::new();
    cursor.array(|cursor, _| {
        let (mut descriptor, mut level, mut rank) = (RuleUse::default(), None, None);
        cursor.object(|cursor, key| match key {
            b"descriptor" => descriptor.read(cursor),
            b"configuration" => drop(cursor.object(|cursor, key| match key {
                b"level" => level = cursor.text().and_then(|word| words::level(&word)),
                b"rank" => rank = cursor.scalar().as_number(),
                _ => cursor.skip(),
            })),
            _ => cursor.skip(),
        });
        all.push(Override { descriptor: OwnedUse::of(&descriptor, 0, texts), level, rank });
    });
    all
}
