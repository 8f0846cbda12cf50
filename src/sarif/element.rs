//! One result as it stands in a log (SARIF 2.1.0 §3.27), read forgivingly: what is of another type than the
//! specification says is read by its sense or left out, and noted.

use std::borrow::Cow;

use crate::model::{Band, Baseline, Level, ResultKind};

use super::json::{Cursor, Scalar, lossy};
use super::message::Message;
use super::properties::Properties;
use super::uses::{PlaceUse, RuleUse, SuppressionUse, integer};
use super::words;

/// Where a fault is within the result, its code, what is wrong.
pub type Odd = (&'static str, &'static str, Cow<'static, str>);

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Element<'a> {
    /// Its rule.
    pub rule: RuleUse<'a>,
    /// `kind`.
    pub kind: ResultKind,
    /// `level`, when it says one.
    pub level: Option<Level>,
    /// The band of a level that the specification does not know.
    pub word: Option<Band>,
    /// `message`.
    pub message: Message<'a>,
    /// First place that it names.
    pub place: PlaceUse<'a>,
    /// First line; 0 when unknown.
    pub line: u32,
    /// First column; 0 when unknown.
    pub column: u32,
    /// The code at that place.
    pub snippet: Option<Cow<'a, str>>,
    /// Fully qualified name of the first logical location.
    pub logical: Option<Cow<'a, str>>,
    /// `fingerprints`.
    pub fingerprints: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// `partialFingerprints`.
    pub partial: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// `correlationGuid`.
    pub correlation: Option<Cow<'a, str>>,
    /// `suppressions`; `None` when absent or null.
    pub suppressions: Option<Vec<SuppressionUse<'a>>>,
    /// `baselineState`.
    pub baseline: Option<Baseline>,
    /// `rank` from 0 to 100.
    pub rank: Option<f64>,
    /// `taxa`.
    pub taxa: Vec<RuleUse<'a>>,
    /// `properties`.
    pub properties: Properties<'a>,
    /// `provenance.invocationIndex`.
    pub invocation: Option<i64>,
    /// What was not as it should be.
    pub odd: Vec<Odd>,
}

impl<'a> Element<'a> {
    /// Reads one result into an empty element; false when it is no object.
    pub fn read(&mut self, cursor: &mut Cursor<'a>) -> bool {
        let (mut message, mut rule_index) = (false, None);
        if !cursor.object(|cursor, key| match key {
            b"message" => {
                message = true;
                self.message = Message::read(cursor);
            }
            b"ruleIndex" => rule_index = integer(&cursor.scalar()),
            _ => self.member(cursor, key),
        }) {
            return false;
        }
        self.rule.index = self.rule.index.or(rule_index);
        if !message {
            self.message.odd = Some("is missing; read as empty");
        }
        if let Some(odd) = self.message.odd {
            self.odd.push((".message", "bad-message", odd.into()));
        }
        if cursor.odd {
            self.odd.push(("", "bad-json", "has commas or words that JSON does not allow; read without them".into()));
        }
        true
    }

    fn member(&mut self, cursor: &mut Cursor<'a>, key: &[u8]) {
        match key {
            b"ruleId" => {
                let id = cursor.scalar();
                if !matches!(id, Scalar::Text(_) | Scalar::Null) {
                    self.odd.push((".ruleId", "off-type", "is not a string; read as its text".into()));
                }
                self.rule.id = id.into_text().or(self.rule.id.take());
            }
            b"rule" => self.rule.read(cursor),
            b"kind" => self.kind(cursor),
            b"level" => self.level(cursor),
            b"locations" => self.locations(cursor),
            b"analysisTarget" => {
                let place = PlaceUse::read(cursor);
                if !self.place.says_something() {
                    self.place = place;
                }
            }
            b"fingerprints" => self.fingerprints = fingerprints(cursor, ".fingerprints", &mut self.odd),
            b"partialFingerprints" => self.partial = fingerprints(cursor, ".partialFingerprints", &mut self.odd),
            b"correlationGuid" => self.correlation = cursor.text(),
            b"suppressions" => self.suppressions(cursor),
            b"baselineState" => self.baseline(cursor),
            b"rank" => self.rank = cursor.scalar().as_number().filter(|rank| (0.0..=100.0).contains(rank)),
            b"taxa" => drop(cursor.array(|cursor, _| {
                let mut taxon = RuleUse::default();
                taxon.read(cursor);
                self.taxa.push(taxon);
            })),
            b"properties" => self.properties = Properties::read(cursor),
            b"provenance" => drop(cursor.object(|cursor, key| match key {
                b"invocationIndex" => self.invocation = integer(&cursor.scalar()),
                _ => cursor.skip(),
            })),
            _ => cursor.skip(),
        }
    }

    fn kind(&mut self, cursor: &mut Cursor<'a>) {
        self.kind = match cursor.scalar() {
            Scalar::Text(word) => match &*word {
                "fail" => ResultKind::Fail,
                "pass" => ResultKind::Pass,
                "notApplicable" => ResultKind::NotApplicable,
                "informational" => ResultKind::Informational,
                "open" => ResultKind::Open,
                "review" => ResultKind::Review,
                _ => {
                    self.odd.push((".kind", "bad-kind", "is no kind of SARIF; read as `fail`".into()));
                    ResultKind::Fail
                }
            },
            _ => ResultKind::Fail,
        };
    }

    fn level(&mut self, cursor: &mut Cursor<'a>) {
        let Scalar::Text(word) = cursor.scalar() else { return };
        self.level = words::level(&word);
        if self.level.is_some() {
            return;
        }
        self.word = words::band(&word);
        self.level = self.word.map(words::level_of).or_else(|| words::level(&word.to_ascii_lowercase()));
        let read = if self.level.is_some() { "read by its word" } else { "read as absent" };
        self.odd.push((".level", "bad-level", format!("is no level of SARIF; {read}").into()));
    }

    fn locations(&mut self, cursor: &mut Cursor<'a>) {
        let mut found = false;
        let read = |cursor: &mut Cursor<'a>, _: usize| {
            if found {
                return cursor.skip();
            }
            cursor.object(|cursor, key| match key {
                b"physicalLocation" => {
                    found = self.physical(cursor);
                }
                b"logicalLocations" | b"logicalLocation" => self.logical(cursor),
                _ => cursor.skip(),
            });
        };
        match cursor.peek() {
            Some(b'[') => drop(cursor.array(read)),
            _ => cursor.skip(),
        }
    }

    fn physical(&mut self, cursor: &mut Cursor<'a>) -> bool {
        let mut place = PlaceUse::default();
        cursor.object(|cursor, key| match key {
            b"artifactLocation" => place = PlaceUse::read(cursor),
            b"region" => drop(cursor.object(|cursor, key| match key {
                b"startLine" => self.line = self.ordinal(cursor, ".locations[0].physicalLocation.region.startLine"),
                b"startColumn" => {
                    self.column = self.ordinal(cursor, ".locations[0].physicalLocation.region.startColumn");
                }
                b"snippet" => drop(cursor.object(|cursor, key| match key {
                    b"text" => self.snippet = cursor.text(),
                    _ => cursor.skip(),
                })),
                _ => cursor.skip(),
            })),
            _ => cursor.skip(),
        });
        let found = place.says_something();
        if found {
            self.place = place;
        }
        found
    }

    /// A line or a column: a whole number from 1, also written as text or with a fraction of zero.
    fn ordinal(&mut self, cursor: &mut Cursor<'a>, path: &'static str) -> u32 {
        let scalar = cursor.scalar();
        if let Scalar::Number(number) = &scalar
            && let Ok(number @ 1..) = number.parse::<u32>()
        {
            return number;
        }
        let whole = integer(&scalar).and_then(|whole| u32::try_from(whole).ok()).unwrap_or(0);
        let text =
            if whole == 0 { "is no position from 1; read as unknown" } else { "is not a whole number; read as one" };
        self.odd.push((path, "bad-position", text.into()));
        whole
    }

    fn logical(&mut self, cursor: &mut Cursor<'a>) {
        let mut each = |cursor: &mut Cursor<'a>| {
            let (mut full, mut name) = (None, None);
            cursor.object(|cursor, key| match key {
                b"fullyQualifiedName" => full = cursor.text(),
                b"name" => name = cursor.text(),
                _ => cursor.skip(),
            });
            if self.logical.is_none() {
                self.logical = full.or(name).filter(|name| !name.is_empty());
            }
        };
        if cursor.peek() == Some(b'[') {
            cursor.array(|cursor, _| each(cursor));
        } else {
            each(cursor);
        }
    }

    fn suppressions(&mut self, cursor: &mut Cursor<'a>) {
        let mut all = Vec::new();
        let array = cursor.array(|cursor, _| {
            let mut one = SuppressionUse::default();
            cursor.object(|cursor, key| match key {
                b"kind" => one.kind = cursor.text(),
                b"status" | b"state" => one.status = cursor.text(),
                b"justification" => one.justification = cursor.text(),
                b"properties" => one.expiry = Properties::read(cursor).expiry,
                _ => cursor.skip(),
            });
            all.push(one);
        });
        if all.iter().any(|one| one.kind.is_none()) {
            self.odd.push((".suppressions", "bad-suppression", "has an entry without kind; kept".into()));
        }
        self.suppressions = array.then_some(all);
    }

    fn baseline(&mut self, cursor: &mut Cursor<'a>) {
        let Scalar::Text(word) = cursor.scalar() else { return };
        self.baseline = match &*word {
            "new" => Some(Baseline::New),
            "unchanged" => Some(Baseline::Unchanged),
            "updated" => Some(Baseline::Updated),
            "absent" => Some(Baseline::Absent),
            other => {
                // `existing` is how drafts before 2.1.0 say `unchanged`.
                let read = other.eq_ignore_ascii_case("existing").then_some(Baseline::Unchanged);
                let text = if read.is_some() { "read as `unchanged`" } else { "read as absent" };
                let text = format!("is no state of SARIF; {text}");
                self.odd.push((".baselineState", "bad-baseline-state", text.into()));
                read
            }
        };
    }
}

/// More of them make no identity.
const MAX_FINGERPRINTS: usize = 32;

fn fingerprints<'a>(
    cursor: &mut Cursor<'a>,
    path: &'static str,
    odd: &mut Vec<Odd>,
) -> Vec<(Cow<'a, str>, Cow<'a, str>)> {
    let mut all = Vec::new();
    cursor.members(|cursor, key| {
        let mut value = None;
        if cursor.peek() == Some(b'{') {
            // Black Duck writes `{"value": …}`.
            cursor.object(|cursor, key| match key {
                b"value" => value = cursor.text(),
                _ => cursor.skip(),
            });
            let read = if value.is_some() { "read by its `value`" } else { "left out" };
            odd.push((path, "bad-fingerprint", format!("has an object in place of a string; {read}").into()));
        } else {
            value = cursor.scalar().into_text();
        }
        if let Some(value) = value
            && all.len() < MAX_FINGERPRINTS
        {
            all.push((lossy(key), value));
        }
    });
    all
}
