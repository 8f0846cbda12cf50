//! How bad a finding is and who says so: SARIF's level (§3.27.10) and one band over all tools.
//!
//! A score says more than a level, since `error` cannot say critical; what the operator set says more than either.

use jiff::Timestamp;

use crate::model::{Band, BandSource, Level, ResultKind};

use super::glob::glob;
use super::properties::{Rated, Scored};
use super::words;

/// What an operator says of the findings of some tools, rules and paths. The first entry that fits decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BandRule {
    /// Pattern of the tool's name, in any case; `None` fits all.
    pub tool: Option<String>,
    /// Pattern of the rule's id.
    pub rule: Option<String>,
    /// Patterns of the path, one of which has to fit; none fit all.
    pub paths: Vec<String>,
    /// What to say.
    pub set: Setting,
    /// From then on it says nothing.
    pub until: Option<Timestamp>,
}

/// What a [`BandRule`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// This band.
    Set(Band),
    /// No worse than this band, unless a score says so.
    AtMost(Band),
}

impl BandRule {
    fn fits(&self, of: &Of, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
            && self.tool.as_deref().is_none_or(|tool| glob(&tool.to_lowercase(), &of.tool.to_lowercase()))
            && self.rule.as_deref().is_none_or(|rule| glob(rule, of.rule))
            && (self.paths.is_empty() || self.paths.iter().any(|path| glob(path, of.path)))
    }

    /// Whether it could fit findings of this tool now.
    pub fn concerns(&self, tool: &str, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
            && self.tool.as_deref().is_none_or(|pattern| glob(&pattern.to_lowercase(), &tool.to_lowercase()))
    }
}

/// What holds where the operator says nothing: Gitleaks writes no levels and finds leaked credentials; Checkov writes
/// `error` for all without an account.
pub fn presets() -> Vec<BandRule> {
    let preset =
        |tool: &str, set| BandRule { tool: Some(tool.into()), rule: None, paths: Vec::new(), set, until: None };
    vec![preset("gitleaks", Setting::Set(Band::High)), preset("checkov", Setting::AtMost(Band::Medium))]
}

/// Of whose band is asked.
#[derive(Clone, Copy, Debug)]
pub struct Of<'a> {
    /// The tool's name.
    pub tool: &'a str,
    /// The rule's id.
    pub rule: &'a str,
    /// The path.
    pub path: &'a str,
}

/// Level after §3.27.10: only failures have one; the result's own, else that of an override of its invocation, else
/// that of its rule, else `warning`.
pub fn level(kind: ResultKind, own: Option<Level>, overridden: Option<Level>, rule: Option<Level>) -> Level {
    if kind != ResultKind::Fail {
        return Level::None;
    }
    own.or(overridden).or(rule).unwrap_or_default()
}

/// What a result and its rule say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Said {
    /// Its kind.
    pub kind: ResultKind,
    /// Its level.
    pub level: Level,
    /// The band of a level word that the specification does not know.
    pub word: Option<Band>,
    /// Properties of the result.
    pub result: Rated,
    /// Properties of the rule.
    pub rule: Rated,
}

/// Band, source, and the score that speaks of it, before any operator.
pub fn own(said: &Said) -> (Band, BandSource, Option<u8>) {
    let score = [said.result.score, said.rule.score].into_iter().find_map(|scored| match scored {
        Scored::Tenths(tenths) => Some(tenths),
        _ => None,
    });
    match said.kind {
        ResultKind::Pass | ResultKind::NotApplicable | ResultKind::Informational => {
            return (Band::Info, BandSource::Kind, score);
        }
        ResultKind::Fail | ResultKind::Open | ResultKind::Review => {}
    }
    let scored = |scored: Scored, from| scored.band().map(|band| (band, from));
    let worded = |word: Option<Band>| word.map(|band| (band, BandSource::Word));
    let (band, source) = scored(said.result.score, BandSource::Score)
        .or_else(|| scored(said.rule.score, BandSource::Score))
        .or_else(|| scored(said.result.cvss, BandSource::Cvss))
        .or_else(|| scored(said.rule.cvss, BandSource::Cvss))
        .or_else(|| worded(said.result.word))
        .or_else(|| worded(said.rule.word))
        .or_else(|| worded(said.result.tag))
        .or_else(|| worded(said.rule.tag))
        .unwrap_or_else(|| (said.word.unwrap_or_else(|| words::band_of(said.level)), BandSource::Level));
    (band, source, score)
}

/// The band after what operators set, then presets. `own` is what [`own`] said.
pub fn settled(
    (band, source): (Band, BandSource),
    of: &Of,
    operator: &[BandRule],
    presets: &[BandRule],
    now: Timestamp,
) -> (Band, BandSource) {
    let named = [(operator, BandSource::Override), (presets, BandSource::Preset)];
    if source == BandSource::Kind {
        return (band, source);
    }
    for (rules, by) in named {
        let Some(rule) = rules.iter().find(|rule| rule.fits(of, now)) else { continue };
        return match rule.set {
            Setting::Set(set) => (set, by),
            Setting::AtMost(most) if band > most && !matches!(source, BandSource::Score | BandSource::Cvss) => {
                (most, by)
            }
            Setting::AtMost(_) => (band, source),
        };
    }
    (band, source)
}

#[cfg(test)]
mod tests;
