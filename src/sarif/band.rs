//! How bad a finding is and who says so: SARIF's level (§3.27.10) and one band over all tools.
//!
//! A score says more than a level, since `error` cannot say critical. What operators say is not read here.

use crate::model::{Band, BandSource, Level, ResultKind};

use super::properties::{Rated, Scored};
use super::words;

/// What is known of a tool's bands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// They are this.
    Set(Band),
    /// They are no worse than this, unless a score says so.
    AtMost(Band),
}

/// What is known of the bands of a family of tools: Gitleaks writes no levels and finds leaked credentials; Checkov writes
/// `error` for all without an account.
pub fn preset(family: &str) -> Option<Preset> {
    match family {
        "gitleaks" => Some(Preset::Set(Band::High)),
        "checkov" => Some(Preset::AtMost(Band::Medium)),
        _ => None,
    }
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

/// The band after what is known of the tool. `own` is what [`own`] said.
pub fn settled((band, source): (Band, BandSource), preset: Option<Preset>) -> (Band, BandSource) {
    let scored = matches!(source, BandSource::Score | BandSource::Cvss);
    match preset {
        _ if source == BandSource::Kind => (band, source),
        Some(Preset::Set(set)) => (set, BandSource::Preset),
        Some(Preset::AtMost(most)) if band > most && !scored => (most, BandSource::Preset),
        Some(Preset::AtMost(_)) | None => (band, source),
    }
}

#[cfg(test)]
mod tests;
