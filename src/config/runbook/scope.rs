//! Which values are known at which place of a runbook, and what they look like.

use std::collections::BTreeMap;

use crate::model::Kind;
use crate::runbook::book::{Among, ParamKind};
use crate::runbook::words::{Place, Values, Words};
use crate::text::{list, nearest};

/// What gives a value.
#[derive(Clone, Debug)]
pub(super) enum Given {
    /// A parameter.
    Param(ParamKind),
    /// A row of a list: chosen, or of a loop.
    Row(Among),
    /// A plan, once it ran.
    Plan,
    /// The run itself: its id.
    Run,
}

/// What a value looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Looks {
    /// `NAMESPACE/NAME`, of this kind where that is known.
    Path(Option<Kind>),
    /// `NAMESPACE/KIND/NAME`.
    Workload,
    /// A namespace.
    Namespace,
    /// A kind of workload.
    Kind,
    /// A number.
    Number,
    /// A span of time.
    Duration,
    /// A moment.
    Moment,
    /// One of these.
    Choice(Vec<String>),
    /// Any other word.
    Word,
}

/// Names that are known.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    known: BTreeMap<String, Given>,
    /// Names that stand elsewhere in the book, and why they are not known here.
    elsewhere: BTreeMap<String, String>,
}

impl Scope {
    pub(super) fn give(&mut self, name: &str, given: Given) {
        self.known.insert(name.to_owned(), given);
    }

    pub(super) fn elsewhere(&mut self, name: &str, why: &str) {
        self.elsewhere.insert(name.to_owned(), why.to_owned());
    }

    /// Forgets what was given since.
    pub(super) fn back_to(&mut self, before: Self, why: &str) {
        let inside: Vec<String> = self.known.keys().filter(|name| !before.known.contains_key(*name)).cloned().collect();
        self.known = before.known;
        for name in &inside {
            self.elsewhere(name, why);
        }
    }

    /// What stands at a place.
    ///
    /// # Errors
    /// When it means nothing there.
    pub(super) fn looks(&self, place: &Place) -> Result<Looks, String> {
        let said = place.said();
        let Some(given) = self.known.get(&place.name) else { return Err(self.unknown(place)) };
        let part = place.part.as_deref();
        let (whole, parts) = match given {
            Given::Param(kind) => of_param(kind),
            Given::Row(among) => of_row(*among),
            Given::Run => (Looks::Word, &[] as &[_]),
            Given::Plan => {
                return match part {
                    Some("made") => Ok(Looks::Path(None)),
                    Some("operation") => Ok(Looks::Word),
                    _ => Err(format!(
                        "a plan gives {{{{{0}.made}}}} and {{{{{0}.operation}}}}; {said} is neither",
                        place.name
                    )),
                };
            }
        };
        match part {
            None => Ok(whole),
            Some(part) if !parts.contains(&part) => Err(match parts {
                [] => format!("{} has no parts, so {said} is nothing", place.name),
                parts => format!("{} has the parts {}; {said} is none of them", place.name, list(parts)),
            }),
            Some("namespace") => Ok(Looks::Namespace),
            Some("kind") => Ok(Looks::Kind),
            Some(_) => Ok(Looks::Word),
        }
    }

    fn unknown(&self, place: &Place) -> String {
        let name = &place.name;
        if let Some(why) = self.elsewhere.get(name) {
            return format!("{{{{{}}}}}: {why}", place.said());
        }
        let known: Vec<&str> = self.known.keys().map(String::as_str).collect();
        match nearest(name, known.iter().copied()) {
            Some(near) => format!("nothing is called {name}; did you mean {near}?"),
            None => format!("nothing is called {name}; known here are {}", list(&known)),
        }
    }

    /// Values that look like those which will be there; what is not known has none.
    pub(super) fn examples(&self, words: &Words) -> Values {
        let example = |place: &Place| Some((place.said(), self.looks(place).ok()?.example().to_owned()));
        words.places().filter_map(example).collect()
    }
}

fn of_param(kind: &ParamKind) -> (Looks, &'static [&'static str]) {
    const TWO: &[&str] = &["namespace", "name"];
    match kind {
        ParamKind::Text | ParamKind::Rule => (Looks::Word, &[]),
        ParamKind::Number => (Looks::Number, &[]),
        ParamKind::Duration => (Looks::Duration, &[]),
        ParamKind::Moment => (Looks::Moment, &[]),
        ParamKind::Choice(choices) => (Looks::Choice(choices.clone()), &[]),
        ParamKind::Namespace => (Looks::Namespace, &[]),
        ParamKind::Volume => (Looks::Path(Some(Kind::Pvc)), TWO),
        ParamKind::RestorePoint => (Looks::Path(Some(Kind::VolumeSnapshot)), TWO),
        ParamKind::Certificate => (Looks::Path(Some(Kind::Certificate)), TWO),
        ParamKind::Secret => (Looks::Path(Some(Kind::TlsSecret)), TWO),
        ParamKind::Workload => (Looks::Workload, &["namespace", "kind", "name"]),
    }
}

fn of_row(among: Among) -> (Looks, &'static [&'static str]) {
    const TWO: &[&str] = &["namespace", "name"];
    match among {
        Among::Volumes => (Looks::Path(Some(Kind::Pvc)), TWO),
        Among::RestorePoints => (Looks::Path(Some(Kind::VolumeSnapshot)), TWO),
        Among::Certificates => (Looks::Path(Some(Kind::TlsSecret)), TWO),
        Among::Findings | Among::Exposures | Among::Problems => (Looks::Word, &[]),
    }
}

impl Looks {
    /// A value that looks so.
    pub(super) fn example(&self) -> &str {
        match self {
            Self::Path(_) => "namespace/name",
            Self::Workload => "namespace/StatefulSet/name",
            Self::Namespace => "namespace",
            Self::Kind => "StatefulSet",
            Self::Number => "1",
            Self::Duration => "1h",
            Self::Moment => "2030-01-01T00:00:00Z",
            Self::Choice(choices) => choices.first().map_or("choice", String::as_str),
            Self::Word => "word",
        }
    }
}
