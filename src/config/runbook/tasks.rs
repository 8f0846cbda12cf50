//! What a single step does.

use std::collections::BTreeMap;

use super::book::Writer;
use super::keys::{CHECK, CHOOSE, COLLECT, PLAN, Table, WAIT};
use super::node::{Node, Yaml};
use super::reading::Fields;
use super::scope::Looks;
use super::values::{duration, expect, word};
use crate::model::Kind;
use crate::plan::Verb;
use crate::runbook::book::{Check, Choose, Collect, Evidence, ParamKind, PlanStep, Task};
use crate::runbook::words::Words;
use crate::text::{list, names, nearest, sanitize};

/// A filter that every row passes.
pub(super) fn all() -> Words {
    Words::default()
}

impl Writer<'_> {
    /// A task that is no loop.
    pub(super) fn single(&mut self, task: &str, node: &Node) -> Option<Task> {
        match task {
            "check" => self.check(node, &CHECK).map(|(check, _)| Task::Check(check)),
            "wait" => {
                let (check, fields) = self.check(node, &WAIT)?;
                self.reading.read(&fields, "within", duration).map(|within| Task::Wait(check, within))
            }
            "manual" => self.words(task, node).map(Task::Manual),
            "approve" => self.words(task, node).map(Task::Approve),
            "plan" => self.plan(node).map(Task::Plan),
            "collect" => self.collect(node).map(Task::Collect),
            _ => self.choose(node).map(Task::Choose),
        }
    }

    /// An assertion, and the table that it stands in.
    pub(super) fn check<'n>(&mut self, node: &'n Node, table: &'static Table) -> Option<(Check, Fields<'n>)> {
        let fields = self.reading.table(node, table)?;
        let among = self.among(&fields);
        let expect = self.reading.read(&fields, "expect", expect);
        let filter = match (among, fields.get("filter")) {
            (Some(among), Some(node)) => self.filter("filter", node, among),
            (_, None) => Some(all()),
            (None, Some(_)) => None,
        };
        Some((Check { among: among?, filter: filter?, expect: expect? }, fields))
    }

    fn choose(&mut self, node: &Node) -> Option<Choose> {
        let fields = self.reading.table(node, &CHOOSE)?;
        let among = self.among(&fields)?;
        let filter = match fields.get("filter") {
            Some(node) => self.filter("filter", node, among),
            None => Some(all()),
        };
        let prefer = match fields.get("prefer") {
            Some(node) => Some(self.filter("prefer", node, among)?),
            None => None,
        };
        Some(Choose { among, filter: filter?, prefer })
    }

    fn collect(&mut self, node: &Node) -> Option<Collect> {
        let fields = self.reading.table(node, &COLLECT)?;
        let known = Evidence::ALL.map(Evidence::word);
        let mut what = Vec::new();
        if let Some(node) = fields.get("what") {
            for item in self.reading.items("what", node) {
                let Some(one) = self.reading.value("what", item, |text| word(text, &known, Evidence::parse)) else {
                    continue;
                };
                if what.contains(&one) {
                    self.reading.wrong(item, format!("what: {} is there twice", one.word()));
                }
                what.push(one);
            }
        }
        let at = fields.get("of")?;
        let of = self.words("of", at)?;
        let example = of.said(&self.scope.examples(&of));
        let read = match example.split('/').count() {
            1 => ParamKind::Namespace.read(&example),
            2 => ParamKind::Volume.read(&example),
            _ => ParamKind::Workload.read(&example),
        };
        if let Err(why) = read {
            self.reading.wrong(at, format!("of: {why}; write NAMESPACE, NAMESPACE/PVC or NAMESPACE/KIND/NAME"));
        }
        Some(Collect { what, of })
    }

    fn plan(&mut self, node: &Node) -> Option<PlanStep> {
        let fields = self.reading.table(node, &PLAN)?;
        let words: Vec<String> = PlanStep::verbs().map(PlanStep::word).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let verb = self.reading.read(&fields, "verb", |text| word(text, &words, PlanStep::parse));
        let of = fields.get("of").and_then(|node| self.words("of", node).map(|of| (node, of)));
        if let (Some(verb), Some((at, of))) = (verb, &of)
            && let Err(why) = self.object(verb, of)
        {
            self.reading.wrong(*at, format!("of: {why}"));
        }
        let with = fields.get("with").map(|node| self.answers(verb, node)).unwrap_or_default();
        Some(PlanStep { verb: verb?, of: of?.1, with })
    }

    /// Holds the object of a verb to what the verb takes.
    fn object(&self, verb: Verb, of: &Words) -> Result<(), String> {
        let example = of.said(&self.scope.examples(of));
        if PlanStep::of_workload(verb) {
            return ParamKind::Workload.read(&example).map(drop);
        }
        let Some(kind) = PlanStep::kind(verb) else { return Ok(()) };
        let wanted = kind.spec().kind;
        let whole: Vec<_> = of.places().collect();
        if let [place] = whole.as_slice() {
            let looks = self.scope.looks(place)?;
            if let (Looks::Path(Some(other)), true) = (&looks, example == looks.example()) {
                // A list of certificates names Secrets; what renews one finds its Certificate.
                let fits = *other == kind || (kind, *other) == (Kind::Certificate, Kind::TlsSecret);
                let (verb, place, other) = (PlanStep::word(verb), place.said(), other.spec().kind);
                return if fits {
                    Ok(())
                } else {
                    Err(format!("{verb} is of a {wanted}; {{{{{place}}}}} is a {other}"))
                };
            }
        }
        let parts: Vec<&str> = example.split('/').collect();
        let read = match parts.as_slice() {
            [namespace, name] if kind.spec().namespaced => {
                names::validate_namespace(namespace).and_then(|()| names::validate_name(name))
            }
            [name] if !kind.spec().namespaced => names::validate_name(name),
            _ => {
                let shape = if kind.spec().namespaced { "NAMESPACE/NAME" } else { "NAME" };
                let shown = sanitize(&example);
                return Err(format!("{} is of a {wanted}, written {shape}; this is \"{shown}\"", PlanStep::word(verb)));
            }
        };
        read.map_err(|error| error.to_string())
    }

    /// Answers to fields of a verb's form.
    fn answers(&mut self, verb: Option<Verb>, node: &Node) -> BTreeMap<String, Words> {
        let mut answers = BTreeMap::new();
        let Yaml::Map(map) = &node.value else {
            if node.value != Yaml::Null {
                self.reading.wrong(node, format!("with: needs answers by field; this is {}", node.value.kind()));
            }
            return answers;
        };
        for (field, node) in map {
            if let Some(why) = verb.and_then(|verb| not_asked(verb, &field.value)) {
                self.reading.wrong(field, why);
                continue;
            }
            let words = match &node.value {
                Yaml::Null => {
                    self.reading.wrong(field, format!("{} needs a value", field.value));
                    None
                }
                // YAML takes a yes for true.
                Yaml::Flag(flag) => Words::parse(if *flag { "yes" } else { "no" }).ok(),
                _ => self.words(&field.value, node),
            };
            answers.extend(words.map(|words| (field.value.clone(), words)));
        }
        answers
    }
}

/// Why a verb's form has no such field; `None` where it has.
fn not_asked(verb: Verb, field: &str) -> Option<String> {
    let known: Vec<&str> = verb.answerable().collect();
    if known.contains(&field) {
        return None;
    }
    let (word, shown) = (PlanStep::word(verb), sanitize(field));
    Some(match nearest(field, known.iter().copied()) {
        Some(near) => format!("{word} has no field \"{shown}\" that a runbook answers; did you mean {near}?"),
        None if known.is_empty() => format!("{word} asks for nothing, so there is no field \"{shown}\""),
        None => format!("{word} has no field \"{shown}\" that a runbook answers; it has {}", list(&known)),
    })
}
