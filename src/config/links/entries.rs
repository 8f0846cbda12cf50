//! Each kind of entry of the links file.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use toml::de::DeTable;

use super::read::{Entry, Reading, digest, hash, moment, unknown};
use crate::config::spot::Mistake;
use crate::model::glob::Glob;
use crate::model::{
    Band, Built, Compromise, Compromised, FindingId, LinkRule, Linking, Pin, Pinned, RevisionFrom, Rung, SeverityRule,
    To, When,
};
use crate::text::{list, names, sanitize};

/// The kinds of entry.
const KINDS: [&str; 6] = ["link", "severity", "pin", "compromise", "image", "platform"];

/// The longest text for people, in characters.
const LONGEST: usize = 1_000;

type Table<'t> = (&'t DeTable<'t>, Range<usize>);

pub(super) fn linking(text: &str, path: &Path) -> Result<Linking, Vec<Mistake>> {
    let (mut reading, document) = Reading::of(path, text)?;
    let mut linking = Linking::default();
    // Only what it may hold is looked at here.
    let _ = Entry::new(&mut reading, (document.get_ref(), 0..0), "the links file", &KINDS);
    for (key, value) in document.get_ref() {
        for table in reading.tables(key.get_ref(), value) {
            entry(&mut reading, key.get_ref(), table, &mut linking);
        }
    }
    if reading.mistakes.is_empty() {
        return Ok(linking);
    }
    reading.mistakes.sort();
    Err(reading.mistakes)
}

fn entry(reading: &mut Reading, kind: &str, table: Table, linking: &mut Linking) {
    match kind {
        "link" => linking.rules.extend(link(reading, table)),
        "severity" => linking.severities.extend(severity(reading, table)),
        "pin" => linking.pins.extend(pin(reading, table)),
        "compromise" => linking.compromised.extend(compromise(reading, table)),
        "image" => linking.built.extend(image(reading, table)),
        "platform" => {
            let mut entry = Entry::new(reading, table, "platform", &["index", "platform"]);
            let (index, platform) = (entry.needed("index", digest), entry.needed("platform", digest));
            linking.platforms.extend(index.zip(platform));
        }
        _ => {}
    }
}

/// A text for people, such as who and why: short enough for a sentence.
fn shared(text: &str) -> Result<Arc<str>, String> {
    if text.chars().count() > LONGEST { Err(format!("is longer than {LONGEST} characters")) } else { Ok(text.into()) }
}

/// Where an entry stands, for people: the file's name and line.
fn place(reading: &Reading, at: &Range<usize>) -> Arc<str> {
    let spot = reading.source.spot(at).to_string();
    let line = spot.rsplit_once(':').map_or(spot.as_str(), |(line, _)| line);
    line.rsplit('/').next().unwrap_or(line).into()
}

/// The conditions of a rule; of a severity they may name the finding's rule too.
fn when(reading: &mut Reading, table: Table, names: &[&str]) -> (When, Option<Glob>) {
    let mut entry = Entry::new(reading, table, "when", names);
    let when = When {
        tool: entry.read("tool", Glob::name),
        repository: entry.read("repo", Glob::name),
        category: entry.read("category", Glob::name),
        path: entry.read("path", Glob::path),
    };
    (when, entry.read("rule", Glob::name))
}

fn to(reading: &mut Reading, table: Table, captures: &[&str]) -> To {
    let mut entry = Entry::new(reading, table, "to", &["namespace", "kind", "name", "container"]);
    let mut read = |key: &str| {
        entry.read(key, |text| {
            let used = text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name);
            let missing: Vec<&str> = unknown(used, captures).into_iter().collect();
            if missing.is_empty() {
                Ok(text.to_owned())
            } else {
                Err(format!("when remembers no {}", sanitize(&list(&missing))))
            }
        })
    };
    To { namespace: read("namespace"), kind: read("kind"), name: read("name"), container: read("container") }
}

fn link(reading: &mut Reading, table: Table) -> Option<LinkRule> {
    let at = place(reading, &table.1);
    let mut entry = Entry::new(reading, table, "link", &["when", "to", "revision", "max"]);
    let (tests, target) = (entry.table("when"), entry.table("to"));
    let revision = entry.read("revision", revision).unwrap_or_default();
    let max = entry.read("max", rung).unwrap_or(Rung::Exact);
    let span = entry.at.clone();
    let (Some(tests), Some(target)) = (tests, target) else {
        reading.wrong(&span, "link needs when = { … } and to = { … }");
        return None;
    };
    let (when, _) = when(reading, tests, &["tool", "repo", "category", "path"]);
    let to = to(reading, target, &when.captures());
    Some(LinkRule { at, when, to, revision, max })
}

fn revision(text: &str) -> Result<RevisionFrom, String> {
    match text {
        "vcp" => Ok(RevisionFrom::Scan),
        "tag" => Ok(RevisionFrom::Tag),
        "none" => Ok(RevisionFrom::None),
        hash if hash.len() >= 7 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            Ok(RevisionFrom::Literal(hash.to_ascii_lowercase()))
        }
        other => Err(format!("\"{}\" is none; write vcp, tag, none or a hash", sanitize(other))),
    }
}

fn rung(text: &str) -> Result<Rung, String> {
    let words = ["exact", "strong", "probable", "weak"];
    let rung = Rung::parse(text).filter(|_| words.contains(&text));
    rung.ok_or_else(|| format!("\"{}\" is no rung; write {}", sanitize(text), words.join(", ")))
}

fn band(text: &str) -> Result<Band, String> {
    let words: Vec<&str> = Band::ALL.iter().map(|band| band.word()).collect();
    let band = Band::ALL.into_iter().find(|band| band.word() == text);
    band.ok_or_else(|| format!("\"{}\" is no band; write {}", sanitize(text), words.join(", ")))
}

fn severity(reading: &mut Reading, table: Table) -> Option<SeverityRule> {
    let at = place(reading, &table.1);
    let mut entry = Entry::new(reading, table, "severity", &["when", "set", "author", "until"]);
    let tests = entry.table("when");
    let (set, author) = (entry.needed("set", band), entry.needed("author", shared));
    let until = entry.read("until", moment);
    let span = entry.at.clone();
    let Some(tests) = tests else {
        reading.wrong(&span, "severity needs when = { … }");
        return None;
    };
    let (when, rule) = when(reading, tests, &["tool", "repo", "category", "path", "rule"]);
    Some(SeverityRule { at, when, rule, set: set?, author: author?, until })
}

fn pin(reading: &mut Reading, table: Table) -> Option<Pin> {
    let mut entry = Entry::new(reading, table, "pin", &["finding", "scan", "to", "digest", "who", "at", "why"]);
    let what = match entry.one_of(&["finding", "scan"]) {
        Some("finding") => {
            entry.read("finding", hash::<16>).map(|id| Pinned::Finding(FindingId(u128::from_be_bytes(id))))
        }
        Some(_) => entry.read("scan", hash::<32>).map(Pinned::Scan),
        None => None,
    };
    let digest = entry.read("digest", digest);
    let (who, why) = (entry.needed("who", shared), entry.needed("why", shared));
    let at = entry.needed("at", moment);
    let (target, span) = (entry.table("to"), entry.at.clone());
    let Some(target) = target else {
        reading.wrong(&span, "pin needs to = { namespace = …, name = … }");
        return None;
    };
    let target_at = target.1.clone();
    let to = to(reading, target, &[]);
    if to.name.is_none() || to.namespace.is_none() {
        reading.wrong(&target_at, "a pin names one workload: write namespace and name");
    }
    Some(Pin { what: what?, to, digest, who: who?, at: at?, why: why? })
}

fn compromise(reading: &mut Reading, table: Table) -> Option<Compromise> {
    let mut entry = Entry::new(reading, table, "compromise", &["volume", "workload", "since", "who", "why"]);
    let what = match entry.one_of(&["volume", "workload"]) {
        Some("volume") => entry.read("volume", |text| {
            let parts: Vec<&str> = text.split('/').collect();
            let [namespace, name] = parts.as_slice() else { return Err("write NAMESPACE/NAME".to_owned()) };
            Ok(Compromised::Volume { namespace: object(namespace)?, name: object(name)? })
        }),
        Some(_) => entry.read("workload", |text| {
            let (namespace, kind, name) = match text.split('/').collect::<Vec<_>>().as_slice() {
                [namespace, name] => (*namespace, None, *name),
                [namespace, kind, name] => (*namespace, Some((*kind).into()), *name),
                _ => return Err("write NAMESPACE/NAME or NAMESPACE/KIND/NAME".to_owned()),
            };
            Ok(Compromised::Workload { namespace: object(namespace)?, kind, name: object(name)? })
        }),
        None => None,
    };
    let since = entry.needed("since", moment);
    let (who, why) = (entry.needed("who", shared), entry.needed("why", shared));
    Some(Compromise { what: what?, since: since?, who: who?, why: why? })
}

fn object(text: &str) -> Result<Arc<str>, String> {
    names::validate_name(text).map(|()| text.into()).map_err(|error| error.to_string())
}

fn image(reading: &mut Reading, table: Table) -> Option<Built> {
    let mut entry = Entry::new(reading, table, "image", &["digest", "revision", "repository"]);
    let digest = entry.needed("digest", digest);
    let revision = entry.needed("revision", |text| match text.len() {
        40 | 64 if text.bytes().all(|byte| byte.is_ascii_hexdigit()) => Ok(text.to_ascii_lowercase().into()),
        _ => Err("needs the whole hash of the revision".to_owned()),
    });
    let repository = entry.read("repository", shared);
    Some(Built { digest: digest?, revision: revision?, repository })
}
