//! Many problems that say the same, as one line.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Problem;
use crate::model::{Key, Kind};

/// How the keys of gathered lines begin.
const MANY: &str = "many/";

impl Problem {
    /// Whether it is a line that stands for many.
    pub fn many(&self) -> bool {
        matches!(&self.key, Key::Notice(id) if id.starts_with(MANY))
    }
}

/// Puts problems of the same kind, state and reason into one line where there are more than this many, at the place
/// of the first of them. A line whose key is in `open` is followed by its problems.
pub fn gather(problems: Vec<Problem>, more_than: usize, open: &BTreeSet<Key>) -> Vec<Problem> {
    let mut counts: BTreeMap<Key, usize> = BTreeMap::new();
    let keys: Vec<Option<Key>> = problems.iter().map(of_many).collect();
    for key in keys.iter().flatten() {
        *counts.entry(key.clone()).or_default() += 1;
    }
    counts.retain(|_, count| *count > more_than);
    if counts.is_empty() {
        return problems;
    }
    let mut lines = Vec::new();
    let mut places: BTreeMap<Key, Vec<Problem>> = BTreeMap::new();
    // A gathered line stands where its first problem is; the others wait until they can follow it.
    for (problem, key) in problems.into_iter().zip(keys) {
        match key.filter(|key| counts.contains_key(key)) {
            Some(key) => {
                if !places.contains_key(&key) {
                    lines.push(line(&problem, &key, counts[&key]));
                }
                places.entry(key).or_default().push(problem);
            }
            None => lines.push(problem),
        }
    }
    let members = |line: Problem| {
        let inside = if open.contains(&line.key) { places.remove(&line.key).unwrap_or_default() } else { Vec::new() };
        std::iter::once(line).chain(inside)
    };
    lines.into_iter().flat_map(members).collect()
}

/// The line that an object's problem would be in.
fn of_many(problem: &Problem) -> Option<Key> {
    let kind = problem.object.as_ref()?.kind.spec().kind;
    Some(Key::Notice(Arc::from(format!("{MANY}{kind}/{}/{}", problem.state, problem.reason))))
}

fn line(first: &Problem, key: &Key, count: usize) -> Problem {
    let kind = match first.object.as_ref().map(|object| object.kind) {
        Some(Kind::Pvc) | None => "volume",
        Some(other) => other.spec().kind,
    };
    Problem {
        key: key.clone(),
        subject: format!("{count} {kind}s").into(),
        object: None,
        next: "open one of them: each says what to do".into(),
        remedy: None,
        since: None,
        ..first.clone()
    }
}
