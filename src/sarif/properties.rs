//! What property bags of results and rules say under the names that tools use (SARIF 2.1.0 §3.8).

use std::borrow::Cow;

use crate::model::Band;

use super::json::{Cursor, Scalar};
use super::words;

/// What stands where a score is expected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scored {
    /// Nothing.
    #[default]
    Absent,
    /// A score in tenths.
    Tenths(u8),
    /// A word.
    Word(Band),
    /// Neither: `"undefined"`, 0.0, more than 10.
    Unusable,
}

impl Scored {
    fn read(cursor: &mut Cursor) -> Self {
        let scalar = cursor.scalar();
        if let Some(score) = scalar.as_number() {
            return words::tenths(score).map_or(Self::Unusable, Self::Tenths);
        }
        match scalar {
            Scalar::Text(word) => words::band(&word).map_or(Self::Unusable, Self::Word),
            _ => Self::Unusable,
        }
    }

    /// The band, if it says one.
    pub fn band(self) -> Option<Band> {
        match self {
            Self::Tenths(tenths) => Some(words::band_of_score(tenths)),
            Self::Word(band) => Some(band),
            Self::Absent | Self::Unusable => None,
        }
    }
}

/// How bad a property bag says that it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rated {
    /// `security-severity`.
    pub score: Scored,
    /// CVSS under one of its names.
    pub cvss: Scored,
    /// A word under one of its names.
    pub word: Option<Band>,
    /// A tag that is such a word (Trivy).
    pub tag: Option<Band>,
}

/// A property bag, as far as it is of use.
#[derive(Clone, Debug, Default)]
pub struct Properties<'a> {
    /// How bad.
    pub rated: Rated,
    /// `precision`.
    pub precision: Option<Cow<'a, str>>,
    /// `tags`.
    pub tags: Vec<Cow<'a, str>>,
    /// Weakness numbers.
    pub cwe: Vec<u32>,
    /// A package and its version, or its purl.
    pub package: [Option<Cow<'a, str>>; 2],
    /// The commit of the sources that holds it (Gitleaks).
    pub commit: Option<Cow<'a, str>>,
    /// `expiryUtc` (suppressions).
    pub expiry: Option<Cow<'a, str>>,
}

/// Most telling first.
const CVSS: &[&[u8]] =
    &[b"cvssv40_baseScore", b"cvssv3_baseScore", b"cvss3BaseScore", b"cvssv3_baseSeverity", b"cvssv2_score"];

/// Most telling first.
const WORDS: &[&[u8]] = &[b"severity", b"issue_severity", b"securityRisk", b"DevSkimSeverity", b"problem.severity"];

impl<'a> Properties<'a> {
    /// Reads the bag that comes next.
    pub fn read(cursor: &mut Cursor<'a>) -> Self {
        let mut bag = Self::default();
        let (mut cvss, mut word) = (usize::MAX, usize::MAX);
        cursor.object(|cursor, key| bag.member(cursor, key, &mut cvss, &mut word));
        bag
    }

    fn member(&mut self, cursor: &mut Cursor<'a>, key: &[u8], cvss: &mut usize, word: &mut usize) {
        match key {
            b"security-severity" => self.rated.score = Scored::read(cursor),
            b"precision" => self.precision = cursor.text(),
            b"tags" => self.tags(cursor),
            b"commit" => self.commit = cursor.text(),
            b"expiryUtc" => self.expiry = cursor.text(),
            b"purl" | b"packageName" | b"PkgName" | b"package" => self.package[0] = cursor.text(),
            b"packageVersion" | b"installedVersion" | b"InstalledVersion" => self.package[1] = cursor.text(),
            _ if key.len() <= 7 && key.get(..3).is_some_and(|three| three.eq_ignore_ascii_case(b"cwe")) => {
                self.weaknesses(cursor);
            }
            _ => {
                if let Some(rank) = CVSS.iter().position(|known| *known == key) {
                    let scored = Scored::read(cursor);
                    if rank < *cvss && scored.band().is_some() {
                        (*cvss, self.rated.cvss) = (rank, scored);
                    }
                } else if let Some(rank) = WORDS.iter().position(|known| *known == key) {
                    let said = cursor.text().and_then(|text| words::band(&text));
                    if rank < *word && said.is_some() {
                        (*word, self.rated.word) = (rank, said);
                    }
                } else {
                    cursor.skip();
                }
            }
        }
    }

    fn tags(&mut self, cursor: &mut Cursor<'a>) {
        if cursor.peek() == Some(b'[') {
            cursor.array(|cursor, _| self.tags.extend(cursor.text()));
        } else {
            // Off the specification: one tag, or several with commas.
            self.tags
                .extend(cursor.text().iter().flat_map(|text| text.split(',')).map(|tag| tag.trim().to_owned().into()));
        }
        for tag in &self.tags {
            words::cwe(tag, &mut self.cwe);
            if matches!(&**tag, "CRITICAL" | "HIGH" | "MEDIUM" | "LOW") {
                self.rated.tag = words::band(tag);
            }
        }
    }

    /// `cwe` is a string, a number, or a list of either.
    fn weaknesses(&mut self, cursor: &mut Cursor<'a>) {
        let mut one = |cursor: &mut Cursor<'a>| {
            if let Some(text) = cursor.scalar().into_text() {
                words::cwe(&text, &mut self.cwe);
                words::number(&text, &mut self.cwe);
            }
        };
        if cursor.peek() == Some(b'[') {
            cursor.array(|cursor, _| one(cursor));
        } else {
            one(cursor);
        }
    }
}
