//! From the text of a file to a runbook, and to everything that is wrong with it.

use std::collections::BTreeMap;

use super::keys::{BOOK, PARAM, REVIEW};
use super::node::{self, Node, Yaml};
use super::reading::{Fields, Reading, entries};
use super::scope::{Given, Scope};
use super::values::{duration, line, link, name, word};
use super::{filters, steps};
use crate::config::spot::{Mistake, Source};
use crate::runbook::book::{Among, Book, Param, ParamKind, Reviews, VERSION};
use crate::runbook::words::{RUN, Words};
use crate::text::sanitize;

/// What is known while a book is read.
pub(super) struct Writer<'a> {
    pub reading: Reading<'a>,
    pub scope: Scope,
    /// Every name that is taken, and by what.
    taken: BTreeMap<String, &'static str>,
    /// How many steps there are so far.
    pub steps: usize,
}

pub(super) fn book(source: &Source, text: &str) -> Result<Book, Vec<Mistake>> {
    let file = node::read(source, text).map_err(|mistake| vec![mistake])?;
    let taken = BTreeMap::from([(RUN.to_owned(), "the run itself")]);
    let mut writer = Writer { reading: Reading::new(source), scope: Scope::default(), taken, steps: 0 };
    writer.scope.give(RUN, Given::Run);
    // What another version says, this one cannot judge.
    if let Some(mistake) = other_version(&file) {
        writer.reading.wrong(mistake.0, mistake.1);
        return Err(writer.reading.mistakes());
    }
    let book = writer.book(&file, text);
    let mistakes = writer.reading.mistakes();
    match book {
        Some(book) if mistakes.is_empty() => Ok(book),
        _ => Err(mistakes),
    }
}

fn other_version(file: &Node) -> Option<(&Node, String)> {
    let (_, version) = entries(file).find(|(key, _)| *key == "holdfast")?;
    match &version.value {
        Yaml::Text(text) if text == VERSION => None,
        Yaml::Text(text) => {
            let shown = sanitize(text);
            Some((
                version,
                format!("holdfast: \"{shown}\" is not known to this version of holdfast; it knows {VERSION}"),
            ))
        }
        other => Some((version, format!("holdfast: needs a version, {VERSION}; this is {}", other.kind()))),
    }
}

impl Writer<'_> {
    fn book(&mut self, file: &Node, text: &str) -> Option<Book> {
        let fields = self.reading.table(file, &BOOK)?;
        let mut book = Book {
            name: self.reading.read(&fields, "name", name).unwrap_or_default(),
            title: self.reading.read(&fields, "title", line).unwrap_or_default(),
            about: String::new(),
            link: self.reading.read(&fields, "link", link),
            params: fields.get("params").map(|params| self.params(params)).unwrap_or_default(),
            reviews: fields.get("reviews").map(|reviews| self.reviews(reviews)).unwrap_or_default(),
            steps: Vec::new(),
            text: text.to_owned(),
        };
        // Nothing is filled in where no run is: a list of books shows it too.
        book.about = self.reading.read(&fields, "about", |text| Ok(text.to_owned())).unwrap_or_default();
        if let Some(node) = fields.get("steps") {
            steps::names(self, node);
            book.steps = self.list(node, false);
        }
        Some(book)
    }

    fn reviews(&mut self, node: &Node) -> Vec<Reviews> {
        let mut reviews: Vec<Reviews> = Vec::new();
        for item in self.reading.items("reviews", node) {
            let Some(fields) = self.reading.table(item, &REVIEW) else { continue };
            let topic = self.reading.read(&fields, "topic", name);
            let every = self.reading.read(&fields, "every", duration);
            let (Some(topic), Some(every)) = (topic, every) else { continue };
            if reviews.iter().any(|other| other.topic == topic) {
                self.reading.wrong(item, format!("{topic} is reviewed already, before this"));
            }
            reviews.push(Reviews { topic, every });
        }
        reviews
    }

    fn params(&mut self, node: &Node) -> Vec<Param> {
        let Yaml::Map(map) = &node.value else {
            if node.value != Yaml::Null {
                self.reading.wrong(node, format!("params: needs parameters by name; this is {}", node.value.kind()));
            }
            return Vec::new();
        };
        let mut params = Vec::new();
        for (key, node) in map {
            match name(&key.value) {
                Err(why) => self.reading.wrong(key, why),
                Ok(name) => {
                    self.take(key, &name, "a parameter");
                    params.extend(self.param(&name, node));
                }
            }
        }
        params
    }

    fn param(&mut self, name: &str, node: &Node) -> Option<Param> {
        let fields = self.reading.table(node, &PARAM)?;
        let about = self.reading.read(&fields, "about", line).unwrap_or_default();
        let kind = self.reading.read(&fields, "type", |text| word(text, ParamKind::WORDS, ParamKind::parse));
        let kind = self.choices(&fields, kind);
        let default = fields.get("default").and_then(|node| self.default(node, kind.as_ref()));
        // One whose kind is wrong is known nevertheless: what is said elsewhere is not about it.
        self.scope.give(name, Given::Param(kind.clone().unwrap_or(ParamKind::Text)));
        Some(Param { name: name.to_owned(), about, kind: kind?, default })
    }

    /// The kind with what a choice chooses from.
    fn choices(&mut self, fields: &Fields, kind: Option<ParamKind>) -> Option<ParamKind> {
        let node = fields.get("choices");
        let Some(ParamKind::Choice(_)) = kind else {
            if let (Some(node), Some(kind)) = (node, &kind) {
                self.reading.wrong(node, format!("choices belong to the type choice; this is of type {}", kind.word()));
            }
            return kind;
        };
        let Some(node) = node else {
            self.reading.wrong(fields.node, "choices is missing: a parameter of type choice needs them");
            return None;
        };
        let mut choices: Vec<String> = Vec::new();
        for item in self.reading.items("choices", node) {
            let Some(choice) = self.reading.value("choices", item, line) else { continue };
            if choices.contains(&choice) {
                self.reading.wrong(item, format!("choices: \"{}\" is there twice", sanitize(&choice)));
            }
            choices.push(choice);
        }
        Some(ParamKind::Choice(choices)).filter(|_| matches!(&node.value, Yaml::List(items) if !items.is_empty()))
    }

    /// What a parameter begins with: a value of its kind, whatever the parameters before it are.
    fn default(&mut self, node: &Node, kind: Option<&ParamKind>) -> Option<Words> {
        let words = self.words("default", node)?;
        let example = words.said(&self.scope.examples(&words));
        if let Some(Err(why)) = kind.map(|kind| kind.read(&example)) {
            self.reading.wrong(node, format!("default: {why}"));
        }
        Some(words)
    }

    /// A text with places, all of which mean something here.
    pub(super) fn words(&mut self, name: &str, node: &Node) -> Option<Words> {
        let words = self.reading.value(name, node, Words::parse)?;
        let wrong: Vec<String> = words.places().filter_map(|place| self.scope.looks(place).err()).collect();
        let right = wrong.is_empty();
        for why in wrong {
            self.reading.wrong(node, format!("{name}: {why}"));
        }
        right.then_some(words)
    }

    /// A filter of a list, without a term that would restrict nothing.
    pub(super) fn filter(&mut self, name: &str, node: &Node, among: Among) -> Option<Words> {
        let text = self.reading.text(name, node)?;
        let filter = filters::filter(&text, among, &self.scope);
        filter.map_err(|all| all.iter().for_each(|why| self.reading.wrong(node, format!("{name}: {why}")))).ok()
    }

    /// Takes a name for something, unless something has it.
    pub(super) fn take<T>(&mut self, at: &serde_saphyr::Spanned<T>, name: &str, of: &'static str) {
        if let Some(other) = self.taken.insert(name.to_owned(), of) {
            self.reading.wrong(at, format!("{of} cannot be called {name}: there is {other} of that name before it"));
        }
    }

    /// Which list is looked through.
    pub(super) fn among(&mut self, fields: &Fields) -> Option<Among> {
        let words = Among::ALL.map(Among::word);
        self.reading.read(fields, "in", |text| word(text, &words, Among::parse))
    }
}
