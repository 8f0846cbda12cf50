//! The steps of a runbook.

use super::MOST_STEPS;
use super::book::Writer;
use super::keys::{CHECK, EACH, STEP};
use super::node::{Node, Yaml};
use super::reading::{Fields, entries};
use super::scope::Given;
use super::values::{link, name};
use crate::runbook::book::{Each, Step, Task};
use crate::text::list;

/// Notes which names later steps give, so that one that is used too early is told from one that is nowhere.
pub(super) fn names(writer: &mut Writer, steps: &Node) {
    let Yaml::List(items) = &steps.value else { return };
    for item in items {
        let at = |key: &str| entries(item).find(|(name, _)| *name == key).map(|(_, node)| node);
        if let Some(Yaml::Text(id)) = at("id").map(|node| &node.value) {
            let gives = at("choose").or(at("plan")).is_some();
            let why = if gives { "it is used before its step gives it" } else { "that step gives no value" };
            writer.scope.elsewhere(id, why);
        }
        let named = at("each").and_then(|each| entries(each).find(|(name, _)| *name == "as"));
        if let Some(Yaml::Text(named)) = named.map(|(_, node)| &node.value) {
            writer.scope.elsewhere(named, "it is only known in the steps of its loop");
        }
        if let Some(inner) = at("steps") {
            names(writer, inner);
        }
    }
}

impl Writer<'_> {
    /// The steps of a list.
    pub(super) fn list(&mut self, node: &Node, inside: bool) -> Vec<Step> {
        let items = self.reading.items("steps", node);
        items.iter().filter_map(|item| self.step(item, inside)).collect()
    }

    fn step(&mut self, node: &Node, inside: bool) -> Option<Step> {
        self.steps += 1;
        if self.steps == MOST_STEPS + 1 {
            self.reading.wrong(node, format!("a runbook has {MOST_STEPS} steps at most"));
        }
        let fields = self.reading.table(node, &STEP)?;
        let id = self.reading.read(&fields, "id", name);
        if let (Some(id), Some(at)) = (&id, fields.get("id")) {
            self.take(at, id, "a step");
        }
        let mut text = |key: &str| fields.get(key).and_then(|node| self.words(key, node));
        let (title, why, fails) = (text("title"), text("why"), text("fails"));
        if let Some(at) = fields.get("title").filter(|at| several_lines(at)) {
            self.reading.wrong(at, "title: is more than one line");
        }
        let link = self.reading.read(&fields, "link", link);
        let when = fields.get("when").and_then(|node| self.check(node, &CHECK)).map(|(check, _)| check);
        let task = self.task(&fields, inside);
        if let (Some(id), Some(task)) = (&id, &task) {
            match task {
                Task::Choose(choose) => self.scope.give(id, Given::Row(choose.among)),
                Task::Plan(_) => self.scope.give(id, Given::Plan),
                _ => {}
            }
        }
        Some(Step { id: id?, title: title?, why: why?, fails: fails?, link, when, task: task? })
    }

    /// The one task of a step.
    fn task(&mut self, fields: &Fields, inside: bool) -> Option<Task> {
        let tasks: Vec<_> = fields.keys().filter(|(key, _)| Task::WORDS.contains(key)).collect();
        let (word, at) = match tasks.as_slice() {
            [] => {
                let words = list(Task::WORDS);
                self.reading.wrong(fields.node, format!("a step has one task; this has none of {words}"));
                return None;
            }
            [one] => *one,
            [first, second, ..] => {
                let what = format!("a step has one task; this has {} and {}", first.0, second.0);
                self.reading.wrong(second.1, what);
                return None;
            }
        };
        if let (Some(steps), false) = (fields.get("steps"), word == "each") {
            self.reading.wrong(steps, "steps belong to a loop: write each beside them");
        }
        let node = fields.get(word)?;
        if word != "each" {
            return self.single(word, node);
        }
        if inside {
            self.reading.wrong(at, "a loop holds no loop");
            return None;
        }
        self.each(node, fields)
    }

    fn each(&mut self, node: &Node, step: &Fields) -> Option<Task> {
        let fields = self.reading.table(node, &EACH)?;
        let among = self.among(&fields);
        let filter = among.and_then(|among| fields.get("filter").map(|node| self.filter("filter", node, among)));
        let named = self.reading.read(&fields, "as", name);
        let before = self.scope.clone();
        if let (Some(named), Some(at)) = (&named, fields.get("as")) {
            self.take(at, named, "a loop's row");
            if let Some(among) = among {
                self.scope.give(named, Given::Row(among));
            }
        }
        let inner = step.get("steps");
        if inner.is_none() {
            self.reading.wrong(node, "steps is missing: say beside each what is done for a row");
        }
        let steps = inner.map(|steps| self.list(steps, true)).unwrap_or_default();
        self.scope.back_to(before, "it is only known in the steps of its loop");
        Some(Task::Each(Each {
            among: among?,
            filter: filter.unwrap_or(Some(super::tasks::all()))?,
            named: named?,
            steps,
        }))
    }
}

fn several_lines(node: &Node) -> bool {
    matches!(&node.value, Yaml::Text(text) if text.trim().lines().count() > 1)
}
