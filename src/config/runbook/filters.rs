//! Filters of a runbook, tried before any run on the columns that they will be asked of.

use crate::runbook::book::Among;
use crate::runbook::words::{Values, Words};
use crate::view::{Column, Filter, Pane, Sieve};

use super::scope::{Looks, Scope};

/// The columns of a list.
pub(super) fn columns(among: Among) -> &'static [Column] {
    match among {
        Among::Volumes => Pane::Volumes.columns(),
        Among::RestorePoints => Pane::RestorePoints.columns(),
        Among::Certificates => Pane::Certificates.columns(),
        Among::Findings => Pane::Findings.columns(),
        Among::Exposures | Among::Problems => Sieve::columns(),
    }
}

/// A filter, of which every term means something whatever its values will be.
///
/// # Errors
/// With everything that is wrong.
pub(super) fn filter(text: &str, among: Among, scope: &Scope) -> Result<Words, Vec<String>> {
    let words = Words::parse(text).map_err(|why| vec![why])?;
    if let Some(place) = quoted(text) {
        let why = "a value is put in quotes by itself, and could end those around it; take them away";
        return Err(vec![format!("{{{{{place}}}}} stands in quotes; {why}")]);
    }
    let mut wrong: Vec<String> = words.places().filter_map(|place| scope.looks(place).err()).collect();
    if wrong.is_empty() {
        let tried = examples(&words, scope).into_iter().filter_map(|values| words.filter(&values).ok());
        for tried in tried {
            let filter = Filter::parse(&tried);
            wrong.extend(filter.bind(columns(among)).faults().iter().map(ToString::to_string));
        }
        wrong.sort();
        wrong.dedup();
    }
    if wrong.is_empty() { Ok(words) } else { Err(wrong) }
}

/// Values to try a filter with: words stand for themselves, and each choice is tried.
fn examples(words: &Words, scope: &Scope) -> Vec<Values> {
    let mut first = Values::new();
    let mut choices: Vec<(String, Vec<String>)> = Vec::new();
    for place in words.places() {
        let said = place.said();
        let value = match scope.looks(place) {
            Ok(looks @ (Looks::Number | Looks::Duration | Looks::Moment)) => looks.example().to_owned(),
            Ok(Looks::Choice(all)) => {
                let example = all.first().cloned().unwrap_or_default();
                choices.push((said.clone(), all));
                example
            }
            _ => format!("{{{{{said}}}}}"),
        };
        first.insert(said, value);
    }
    let mut all = vec![first.clone()];
    for (name, values) in choices {
        all.extend(values.into_iter().map(|value| {
            let mut tried = first.clone();
            tried.insert(name.clone(), value);
            tried
        }));
    }
    all
}

/// The first place that stands within quotes, by the quotes of the console's language.
fn quoted(text: &str) -> Option<&str> {
    let (mut open, mut at) = (false, 0);
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        if let Some(place) = rest.strip_prefix("{{").and_then(|rest| rest.split_once("}}")).map(|(place, _)| place) {
            if open {
                return Some(place.trim());
            }
            at += place.len() + 4;
            continue;
        }
        let escaped = open && (rest.starts_with("\\\"") || rest.starts_with("\\\\"));
        open ^= c == '"';
        at += if escaped { 2 } else { c.len_utf8() };
    }
    None
}
