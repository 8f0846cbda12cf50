//! One run while it is read (SARIF 2.1.0 §3.14): results as they come, and all that later decides what they mean.
//!
//! Rules, artifacts and bases may stand behind the results that use them, so a result keeps numbers of what it
//! refers to until [`super::finish`].

use std::sync::Arc;

use crate::model::{Band, Finding, Level, ResultKind, Suppression};

use super::around::{Automation, Invocation, Provenance, Taxonomy};
use super::element::Element;
use super::external;
use super::identity::{Keys, Mark, Marks, marks};
use super::intern::{Table, Texts};
use super::message::{MAX_MESSAGE, cut, head};
use super::notes::Notes;
use super::place::{Place, Places};
use super::properties::Rated;
use super::rules::{Component, OwnedUse, weakness};
use super::subject::Told;
use super::uses::SuppressionUse;
use super::when::time;

/// Bytes of an argument of a message that are kept.
const MAX_ARGUMENT: usize = 200;

/// No number of a record.
pub const NONE: u32 = u32::MAX;

/// A message that stands elsewhere: its id and arguments.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Elsewhere {
    /// Id.
    pub id: Arc<str>,
    /// Arguments, if there are any.
    pub arguments: Option<Box<[Arc<str>]>>,
}

/// What a result says of how bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rating {
    /// `kind`.
    pub kind: ResultKind,
    /// `level`.
    pub level: Option<Level>,
    /// The band of a level that is none.
    pub word: Option<Band>,
    /// Properties.
    pub rated: Rated,
    /// `provenance.invocationIndex`.
    pub invocation: Option<usize>,
}

/// What a finding refers to by number.
#[derive(Clone, Copy, Debug)]
pub struct Reference {
    /// In [`Run::rules_used`].
    pub rule: u32,
    /// In [`Run::places_used`].
    pub place: u32,
    /// In [`Run::ratings`].
    pub rating: u32,
    /// In [`Run::elsewhere`], or [`NONE`].
    pub message: u32,
    /// Marks of identity.
    pub marks: Marks,
}

/// What all runs of a source share while they are read.
#[derive(Default)]
pub struct Shared {
    /// Strings.
    pub texts: Texts,
    /// Diagnostics.
    pub notes: Notes,
    /// Keys of fingerprints.
    pub keys: Keys,
    /// A finding of which nothing is known.
    pub blank: Finding,
    /// Room for bytes to hash.
    pub scratch: Vec<u8>,
}

/// See the module.
#[derive(Default)]
pub struct Run {
    /// Its place in the log.
    pub index: usize,
    /// Driver and extensions, once known.
    pub components: Vec<Component>,
    /// `invocations`.
    pub invocations: Vec<Invocation>,
    /// `versionControlProvenance`.
    pub provenance: Vec<Provenance>,
    /// `automationDetails`.
    pub automation: Automation,
    /// `taxonomies`.
    pub taxonomies: Vec<Taxonomy>,
    /// Artifacts and bases.
    pub places: Places,
    /// Subjects.
    pub told: Told,
    /// Whether `results` is an array.
    pub has_results: bool,
    /// How many elements `results` had so far, of whatever kind.
    pub seen: usize,
    /// Whether something of it was lost.
    pub lost: usize,
    /// Results, not yet finished.
    pub findings: Vec<Finding>,
    /// What they refer to.
    pub references: Vec<Reference>,
    /// Files that hold parts of it.
    pub external: Vec<external::Reference>,
    /// Weaknesses by number: result, taxonomy, entry.
    pub taxa: Vec<(u32, u32, u32)>,
    /// How rules are named.
    pub rules_used: Table<OwnedUse>,
    /// How places are named.
    pub places_used: Table<Place>,
    /// Ratings.
    pub ratings: Table<Rating>,
    /// Messages by id.
    pub elsewhere: Table<Elsewhere>,
}

impl Run {
    /// Takes the next element of `results`, which is `length` bytes; `start` is where it stands in the text, `None`
    /// when it is of another file.
    pub fn result(&mut self, element: Option<&Element>, length: usize, start: Option<u64>, shared: &mut Shared) {
        let index = self.seen;
        self.seen += 1;
        let run = self.index;
        let path = |suffix: &str| format!("runs[{run}].results[{index}]{suffix}");
        let Some(element) = element else {
            self.lost += 1;
            return shared.notes.lost("bad-result", || path(""), || "is not an object; left out".into());
        };
        for (suffix, code, text) in &element.odd {
            shared.notes.odd(code, || path(suffix), || text.clone().into_owned());
        }
        // An eighth more at a time: twice as much would be most of what a large file takes.
        if self.findings.len() == self.findings.capacity() {
            let more = (self.findings.len() / 8).max(256);
            self.findings.reserve_exact(more);
            self.references.reserve_exact(more);
        }
        let finding = self.finding(element, length, start, shared);
        let reference = self.reference(element, shared);
        self.told.result(element.properties.commit.as_deref(), element.logical.as_deref(), &mut shared.texts);
        self.findings.push(finding);
        self.references.push(reference);
    }

    fn finding(&mut self, element: &Element, length: usize, start: Option<u64>, shared: &mut Shared) -> Finding {
        let texts = &mut shared.texts;
        let message = match element.message.own() {
            // Arguments may make a short text long, and a link a long one short.
            Some(text) => {
                let text = head(text, 8 * MAX_MESSAGE);
                texts.get(&cut(&super::message::plain(text, element.message.arguments.as_deref())))
            }
            None => texts.get(""),
        };
        let mut cwe = element.properties.cwe.clone();
        let mut taxa = Vec::new();
        for taxon in &element.taxa {
            weakness(taxon, &mut cwe, &mut taxa);
        }
        let number = |number: usize| u32::try_from(number).unwrap_or(NONE);
        let own = number(self.findings.len());
        self.taxa.extend(taxa.into_iter().map(|(taxonomy, entry)| (own, number(taxonomy), number(entry))));
        let suppressions =
            element.suppressions.as_ref().map(|all| all.iter().map(|one| suppression(one, texts)).collect());
        Finding {
            kind: element.kind,
            rank: element.rank.map(rank),
            line: element.line,
            column: element.column,
            message,
            cwe: cwe.into(),
            suppressions,
            baseline: element.baseline,
            raw: start.map_or(0..0, |start| start..start + length as u64),
            // What the end of the run decides. A default would allocate a rule for each.
            ..shared.blank.clone()
        }
    }

    fn reference(&mut self, element: &Element, shared: &mut Shared) -> Reference {
        let marks = marks(element, &mut shared.keys, &mut shared.scratch);
        let texts = &mut shared.texts;
        let used = &element.rule;
        let shape = if used.is_silent() { marks[Mark::Message as usize] } else { 0 };
        let rule =
            self.rules_used.number(&(used, shape), |known| known.is(used, shape), || OwnedUse::of(used, shape, texts));
        let used = &element.place;
        let logical = element.logical.as_deref().filter(|_| !used.says_something());
        let place = self.places_used.number(
            &(used, logical),
            |known| known.is(used, logical),
            || Place { logical: texts.maybe(logical), ..Place::of(used, texts) },
        );
        let rating = Rating {
            kind: element.kind,
            level: element.level,
            word: element.word,
            rated: element.properties.rated,
            invocation: element.invocation.and_then(|index| usize::try_from(index).ok()),
        };
        Reference {
            rule,
            place,
            rating: self.ratings.number(&rating, |known| *known == rating, || rating),
            message: self.elsewhere(element, texts),
            marks,
        }
    }

    /// The number of the message, when the result only names it.
    fn elsewhere(&mut self, element: &Element, texts: &mut Texts) -> u32 {
        let message = &element.message;
        let (None, Some(id)) = (message.own(), &message.id) else { return NONE };
        let mut short = |argument: &str| texts.get(head(argument, MAX_ARGUMENT));
        let arguments = message.arguments.as_ref().map(|all| all.iter().map(|text| short(text)).collect());
        let elsewhere = Elsewhere { arguments, id: texts.get(id) };
        let own = elsewhere.clone();
        self.elsewhere.number(&elsewhere, |known| *known == elsewhere, || own)
    }

    /// What stands for the tool: its driver.
    pub fn driver(&self) -> Option<&Component> {
        self.components.first()
    }

    /// The component of this number, the driver being 0; made when it is not there yet.
    pub fn component(&mut self, number: usize) -> &mut Component {
        while self.components.len() <= number {
            self.components.push(Component::default());
        }
        &mut self.components[number]
    }
}

/// From 0 to 100 in tenths.
pub fn rank(rank: f64) -> u16 {
    let tenths = (rank.clamp(0.0, 100.0) * 10.0).round();
    (0..=1000).find(|whole| f64::from(*whole) >= tenths).unwrap_or(1000)
}

fn suppression(used: &SuppressionUse, texts: &mut Texts) -> Suppression {
    Suppression {
        kind: texts.get(used.kind.as_deref().unwrap_or_default()),
        // §3.35.3: without a status it is accepted.
        status: texts.get(used.status.as_deref().unwrap_or("accepted")),
        justification: used.justification.as_deref().map(|text| texts.get(&cut(text))),
        until: used.expiry.as_deref().and_then(time),
    }
}
