//! Many problems that say the same, as one line.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::Problem;
use crate::model::{Key, Kind};

/// How the keys of gathered lines begin.
const MANY: &str = "many/";

/// What problems of one line have in common: the kind of their objects, the state and the reason.
type Common<'a> = (Kind, &'static str, &'a str);

impl Problem {
    /// Whether it is a line that stands for many.
    pub fn many(&self) -> bool {
        matches!(&self.key, Key::Notice(id) if id.starts_with(MANY))
    }

    fn common(&self) -> Option<Common<'_>> {
        Some((self.object.as_ref()?.kind, self.state, &self.reason))
    }
}

/// Puts problems of the same kind, state and reason into one line where there are more than this many, at the place
/// of the first of them. A line whose key is in `open` is followed by its problems.
pub fn gather(problems: Vec<Problem>, more_than: usize, open: &BTreeSet<Key>) -> Vec<Problem> {
    let lines_of = lines_of(&problems, more_than);
    if lines_of.iter().all(Option::is_none) {
        return problems;
    }
    let mut lines = Vec::new();
    let mut places: BTreeMap<Key, Vec<Problem>> = BTreeMap::new();
    // A gathered line stands where its first problem is; the others wait until they can follow it.
    for (problem, line_of) in problems.into_iter().zip(lines_of) {
        match line_of {
            Some((key, count)) => {
                if !places.contains_key(&key) {
                    lines.push(line(&problem, &key, count));
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

/// For each problem the key of the line that it is gathered in, and of how many; `None` where it stays a line itself.
fn lines_of(problems: &[Problem], more_than: usize) -> Vec<Option<(Key, usize)>> {
    let mut counts: HashMap<Common<'_>, usize> = HashMap::new();
    for common in problems.iter().filter_map(Problem::common) {
        *counts.entry(common).or_default() += 1;
    }
    counts.retain(|_, count| *count > more_than);
    let lines: HashMap<Common<'_>, (Key, usize)> =
        counts.into_iter().map(|(common, count)| (common, (key(common), count))).collect();
    problems.iter().map(|problem| lines.get(&problem.common()?).cloned()).collect()
}

fn key((kind, state, reason): Common<'_>) -> Key {
    Key::Notice(Arc::from(format!("{MANY}{}/{state}/{reason}", kind.spec().kind)))
}

fn line(first: &Problem, key: &Key, count: usize) -> Problem {
    let kind = match first.object.as_ref().map(|object| object.kind) {
        Some(Kind::Pvc) | None => "volume",
        Some(other) => other.spec().kind,
    };
    Problem {
        key: key.clone(),
        title: format!("{count} {kind}s").into(),
        object: None,
        next: "open one of them: each says what to do".into(),
        remedy: None,
        since: None,
        ..first.clone()
    }
}
