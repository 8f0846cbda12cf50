//! From the text of a policy file to policies, and to everything that is wrong with it.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::{Location, Spanned};

use crate::assess::schedule::Cron;
use crate::config::spot::{Mistake, Source};
use crate::model::{Bucket, Count, Keep, Policy, Rpo};
use crate::plan::hooks::{self, Words};
use crate::plan::{backup, drill};
use crate::text::quantity::parse_span;
use crate::text::{names, sanitize};

/// A value, and where it stands.
type At = Spanned<Value>;

/// The file. Values are taken as they are; what they may be is said below, where all mistakes are found.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    policies: Vec<Entry>,
}

/// One policy as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Entry {
    name: At,
    #[serde(default)]
    selector: Selector,
    reason: Option<At>,
    rpo: Option<At>,
    schedule: Option<At>,
    drill: Option<At>,
    drill_image: Option<At>,
    time_zone: Option<At>,
    class: Option<At>,
    consistency: Option<At>,
    hooks: Option<At>,
    #[serde(default)]
    retention: Retention,
    minimum_copies: Option<At>,
    maximum_deletions: Option<At>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Selector {
    namespaces: Vec<At>,
    labels: BTreeMap<String, At>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Retention {
    last: Option<At>,
    hourly: Option<At>,
    daily: Option<At>,
    weekly: Option<At>,
    monthly: Option<At>,
    yearly: Option<At>,
    within: Option<At>,
}

pub(super) fn policies(source: &Source, text: &str) -> Result<Vec<Policy>, Vec<Mistake>> {
    let file: File = serde_saphyr::from_str(text).map_err(|error| vec![not_read(source, &error)])?;
    let mut reading = Reading { source, mistakes: Vec::new() };
    let mut policies: Vec<Policy> = Vec::new();
    for entry in &file.policies {
        let policy = reading.policy(entry);
        if policies.iter().any(|earlier| earlier.name == policy.name) {
            reading.wrong(&entry.name, format!("there is a policy {} before this one", sanitize(&policy.name)));
        }
        policies.push(policy);
    }
    if reading.mistakes.is_empty() {
        return Ok(policies);
    }
    reading.mistakes.sort();
    Err(reading.mistakes)
}

/// What the reader of YAML says, with its place and without the lines of the file.
fn not_read(source: &Source, error: &serde_saphyr::Error) -> Mistake {
    let at = error.location().map_or_else(|| source.at(1, 1), |at| place(source, at));
    let said = error.without_snippet().to_string();
    // It names the place itself, behind the words.
    let said = said.split(" at line ").next().unwrap_or_default();
    Mistake { at, what: sanitize(said.lines().next().unwrap_or_default()).into_owned() }
}

fn place(source: &Source, at: Location) -> crate::config::Spot {
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX).max(1);
    source.at(number(at.line()), number(at.column()))
}

struct Reading<'a> {
    source: &'a Source<'a>,
    mistakes: Vec<Mistake>,
}

impl Reading<'_> {
    fn wrong(&mut self, at: &At, what: String) {
        self.mistakes.push(Mistake { at: place(self.source, at.defined), what });
    }

    /// A value as text, read by `read`; what that says is a mistake.
    fn read<T>(&mut self, field: &str, at: &At, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text = match &at.value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => {
                self.wrong(at, format!("{field}: needs a text or a number"));
                return None;
            }
        };
        read(text.trim()).map_err(|why| self.wrong(at, format!("{field}: {why}"))).ok()
    }

    fn maybe<T>(&mut self, field: &str, at: Option<&At>, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        self.read(field, at?, read)
    }

    fn policy(&mut self, entry: &Entry) -> Policy {
        let zone = self.maybe("timeZone", entry.time_zone.as_ref(), zone).unwrap_or(TimeZone::UTC);
        let name = self.read("name", &entry.name, object_name).unwrap_or_default();
        let all = |reading: &mut Self, field: &str, list: &[At], read: fn(&str) -> Result<String, String>| {
            list.iter().filter_map(|at| reading.read(field, at, read)).collect::<Vec<_>>()
        };
        let positive = |text: &str| match text.parse() {
            Ok(0) | Err(_) => Err("needs a whole number from 1".to_owned()),
            Ok(number) => Ok(number),
        };
        let labels = entry
            .selector
            .labels
            .iter()
            .filter_map(|(key, at)| Some((key.clone(), self.read("labels", at, |value| label(key, value))?)));
        Policy {
            labels: labels.collect(),
            namespaces: all(self, "namespaces", &entry.selector.namespaces, pattern),
            rpo: self.maybe("rpo", entry.rpo.as_ref(), objective),
            schedule: self.maybe("schedule", entry.schedule.as_ref(), cron),
            drill: self.maybe("drill", entry.drill.as_ref(), cron),
            drill_image: self.maybe("drillImage", entry.drill_image.as_ref(), drill::image),
            consistency: self.maybe("consistency", entry.consistency.as_ref(), consistency),
            hooks: self.hooks(entry),
            keep: self.keep(&entry.retention).in_zone(zone.clone()),
            minimum: self.maybe("minimumCopies", entry.minimum_copies.as_ref(), positive).unwrap_or(1),
            most: self.maybe("maximumDeletions", entry.maximum_deletions.as_ref(), positive).unwrap_or(Policy::MOST),
            class: self.maybe("class", entry.class.as_ref(), object_name),
            reason: self.maybe("reason", entry.reason.as_ref(), backup::reason),
            zone,
            name,
        }
    }

    /// The hooks, when they and the consistency that is asked for go together.
    fn hooks(&mut self, entry: &Entry) -> Option<String> {
        let word = |at: &Option<At>| at.as_ref().and_then(|at| at.value.as_str()).map(str::to_owned);
        let words = Words { consistency: word(&entry.consistency), hooks: word(&entry.hooks), ..Words::default() };
        let at = entry.hooks.as_ref()?;
        self.read("hooks", at, |text| hooks::chosen(&words).map(|_| text.to_owned()))
    }

    fn keep(&mut self, retention: &Retention) -> Keep {
        let counts = [
            (Bucket::Last, &retention.last),
            (Bucket::Hourly, &retention.hourly),
            (Bucket::Daily, &retention.daily),
            (Bucket::Weekly, &retention.weekly),
            (Bucket::Monthly, &retention.monthly),
            (Bucket::Yearly, &retention.yearly),
        ];
        let keep = Keep::default().within(self.maybe("within", retention.within.as_ref(), span));
        counts.into_iter().fold(keep, |keep, (bucket, at)| {
            let count = self.maybe(bucket.word(), at.as_ref(), Count::parse);
            keep.with(bucket, count)
        })
    }
}

fn zone(text: &str) -> Result<TimeZone, String> {
    let unknown =
        || format!("\"{}\" is no time zone known on this machine; write one such as Europe/Berlin", sanitize(text));
    TimeZone::get(text).map_err(|_| unknown())
}

fn object_name(text: &str) -> Result<String, String> {
    names::validate_name(text).map(|()| text.to_owned()).map_err(|error| error.to_string())
}

fn label(key: &str, value: &str) -> Result<String, String> {
    names::validate_label(key, value).map(|()| value.to_owned()).map_err(|error| error.to_string())
}

fn pattern(text: &str) -> Result<String, String> {
    if text.is_empty() || text.trim_end_matches('*').contains('*') || text.ends_with("**") {
        let shown = sanitize(text);
        return Err(format!("\"{shown}\" names no namespaces; write a name, or how names begin and then one *"));
    }
    Ok(text.to_owned())
}

fn objective(text: &str) -> Result<String, String> {
    if let Rpo::Invalid(said) = Rpo::parse(text) {
        let said = sanitize(&said);
        return Err(format!("\"{said}\" is not an objective; write a duration such as 4h, or none to opt out"));
    }
    Ok(text.to_owned())
}

fn cron(text: &str) -> Result<String, String> {
    let shown = sanitize(text);
    if text.contains("TZ=") {
        return Err("write the time zone as timeZone, not into the expression".to_owned());
    }
    let how = "write five fields, such as \"0 3 * * *\", or @daily";
    Cron::parse(text).map(|_| text.to_owned()).ok_or_else(|| format!("\"{shown}\" is not a cron expression; {how}"))
}

fn consistency(text: &str) -> Result<String, String> {
    match text {
        "crash" | "application" => Ok(text.to_owned()),
        other => Err(format!("\"{}\" is not known; write crash or application", sanitize(other))),
    }
}

fn span(text: &str) -> Result<SignedDuration, String> {
    let span = parse_span(text).filter(SignedDuration::is_positive);
    span.ok_or_else(|| format!("\"{}\" is not a span of time; write one such as 12h or 2d", sanitize(text)))
}
