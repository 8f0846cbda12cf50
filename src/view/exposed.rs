//! How far the copies of one volume can be trusted, as a picture over time: what code with findings of concern could
//! write it when, which copies were cut when, which one to restore and what that loses.
//!
//! The same lanes as those of a [timeline](super::Chart), so a window cuts both into cells. Judges nothing: verdicts
//! come from `assess`. Text in it is untrusted unless it is a sentence of a judgement.

mod over_time;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{Cell, Fact, Lane, Level, Mark, Window, findings};
use crate::assess::exposure::{self, History, history};
use crate::assess::known_good::{Point, Points, Recommendation, Trust, advise, least, points_within};
use crate::assess::linking::{Chains, band};
use crate::assess::{Judgement, Reason};
use crate::model::{Band, Finding, FindingId, Key, Kind, Pvc, Uid, World};
use crate::text::{self, quantity};

use over_time::OverTime;

/// Exposures and copies shown; of more only their number.
const MOST: usize = 6;
/// Findings judged at most: more would keep a screen waiting.
pub(super) const MOST_JUDGED: usize = 500;
/// Reasons shown of what keeps a copy from being proven.
const REASONS: usize = 3;

/// The picture of one volume.
#[derive(Clone, Debug, PartialEq)]
pub struct Exposed {
    /// Whether there is something to restore to, and how bad it is that there is not.
    pub state: (Level, &'static str),
    /// The copies, as marks of what each can be trusted with.
    pub copies: Lane,
    /// The findings of concern, the worst first.
    pub exposures: Vec<Exposure>,
    /// How many findings of concern are not among them.
    pub more_exposures: usize,
    /// The newest copies, and the one that is recommended.
    pub cuts: Vec<Cut>,
    /// How many copies are not among them.
    pub more_cuts: usize,
    /// What to restore, what that loses, and what would prove more.
    pub facts: Vec<Fact>,
    /// Other data that code with the same findings could write, by lineage.
    pub also: Vec<Uid>,
    /// The first moment that matters.
    pub from: Timestamp,
}

/// One finding of concern over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// Its lane: when the volume was exposed to it, when not, and when nobody can tell.
    pub lane: Lane,
    /// Where it is, since when it could write the data and how that ended.
    pub said: Box<str>,
    /// Whether code with it runs now.
    pub runs: bool,
}

/// One copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// When it was cut.
    pub at: Timestamp,
    /// How bad it is to restore it.
    pub level: Level,
    /// How far it can be trusted, in words.
    pub word: &'static str,
    /// Its object's name: it is of the namespace of its volume, or of that of its Velero.
    pub name: Arc<str>,
    /// Whether it is the one to restore.
    pub recommended: bool,
    /// Its object.
    pub key: Key,
}

impl Exposed {
    /// The part of time that shows what matters, up to a little after now, in this many cells.
    pub fn window(&self, now: Timestamp, cells: usize) -> Window {
        let ahead = (cells / 16).max(2);
        let past = now.duration_since(self.from).max(SignedDuration::from_mins(10));
        let room = cells.saturating_sub(ahead).max(1);
        Window::with(now, cells.saturating_sub(ahead), Window::zoom_for(past + past / 16, room), cells)
    }
}

/// The picture of a volume; `None` when nothing could make a copy suspicious.
pub fn exposed(world: &World, chains: &Chains, claim: &Pvc, now: Timestamp) -> Option<Exposed> {
    if chains.is_idle() {
        return None;
    }
    let judged = points_within(world, chains, claim, least(world), MOST_JUDGED, now);
    let advice = advise(world, chains, claim, judged.clone(), now);
    let judged = judged.value;
    let past = history(world, chains, claim);
    let time = OverTime::new(world, chains, &past, now);
    let shown = judged.concerns.iter().take(MOST);
    let mut exposures: Vec<Exposure> = shown.map(|id| exposure(&time, chains, &past, *id)).collect();
    exposures.extend(time.compromise());
    let cuts = cuts(&judged, &advice.value);
    Some(Exposed {
        state: state(&judged),
        copies: copies(&judged, claim),
        more_exposures: judged.concerns.len().saturating_sub(MOST),
        from: from(&judged, &exposures, &cuts, now),
        more_cuts: judged.points.len() - cuts.len(),
        facts: facts(&judged, &advice, now),
        exposures,
        cuts,
        also: advice.value.also,
    })
}

/// Whether there is something to restore to.
fn state(judged: &Points) -> (Level, &'static str) {
    let exposed = judged.first_exposed.is_some();
    if judged.concerns.is_empty() && !exposed {
        (Level::Info, Trust::NotKnownBad.word())
    } else if judged.known_good().is_some() {
        (Level::Ok, "a copy is known-good")
    } else if exposed {
        (Level::Critical, "exposed, and no copy is known-good")
    } else {
        (Level::Unknown, "no copy is known-good")
    }
}

/// `HIGH sqli`, where the scanner's words may be anything.
pub(super) fn called(chains: &Chains, id: FindingId, now: Timestamp) -> (Band, String) {
    let place = chains.findings().places(id).last().copied();
    let judged = place.and_then(|(scan, place)| band(chains, scan, place, now));
    let band = judged.map_or(Band::Info, |judged| judged.value.0);
    let rule = chains.findings().latest(id).map_or("?", |finding| &*finding.rule.id);
    (band, format!("{} {}", band.word().to_uppercase(), text::sanitize(rule)))
}

/// `src/db.rs:7`, where that is known.
pub(super) fn place(finding: &Finding) -> String {
    match (&*finding.path, finding.line) {
        ("", _) => "no place in the sources".to_owned(),
        (path, 0) => text::sanitize(path).into_owned(),
        (path, line) => format!("{}:{line}", text::sanitize(path)),
    }
}

/// The lane of a finding, with words.
fn exposure(time: &OverTime, chains: &Chains, past: &History, id: FindingId) -> Exposure {
    let (band, name) = called(chains, id, time.now);
    let (spans, runs) = time.spans(id);
    let certain: Vec<_> = past.exposures(chains, id).into_iter().filter(exposure::Exposure::certain).collect();
    let place = chains.findings().latest(id).map_or_else(|| "?".to_owned(), place);
    let said = match (certain.first(), spans.iter().rev().find(|span| span.level == Level::Critical)) {
        (Some(first), Some(last)) => {
            let rung = certain.iter().map(|one| one.rung).max().unwrap_or(first.rung);
            let since = moment(first.from);
            if runs {
                format!("{place} ({}): since {since}, and runs now", rung.word())
            } else {
                format!("{place} ({}): from {since} to {}", rung.word(), moment(last.to))
            }
        }
        _ => format!("{place}: which version of the code has it is not sure enough"),
    };
    let level = if runs { findings::level(band) } else { worst(&spans) };
    let key = Key::Notice(format!("exposure/{id}").into());
    let lane = Lane { key, object: None, name: name.into(), level, marks: Vec::new(), spans, note: None };
    Exposure { lane, said: said.into(), runs }
}

fn worst(spans: &[super::Span]) -> Level {
    spans.last().map_or(Level::Unknown, |span| span.level)
}

/// A moment for people, to the minute.
pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// The copies as marks.
fn copies(judged: &Points, claim: &Pvc) -> Lane {
    let key = Key::Notice(format!("trust/{}", claim.meta.uid()).into());
    let mark = |point: &Point| {
        let level = Level::from(point.trust.severity());
        let what = format!("{}: copy {}", point.trust.word(), point.copy.object.name).into();
        Mark { at: point.cut, level, what, object: Some(key_of(point)), count: 1 }
    };
    let mut marks: Vec<Mark> = judged.points.iter().map(mark).collect();
    marks.sort_by_key(|mark| mark.at);
    let level = state(judged).0;
    let note = marks.is_empty().then(|| (level, "no good copy".into()));
    Lane { key, object: None, name: "Copies".into(), level, marks, spans: Vec::new(), note }
}

fn key_of(point: &Point) -> Key {
    Key::Object(point.copy.object.kind, point.copy.uid.clone())
}

/// The newest copies, and the one that is to be restored or that may be.
fn cuts(judged: &Points, advice: &Recommendation) -> Vec<Cut> {
    let advised = advice.point.as_ref().or(advice.may_be.as_ref()).map(|(_, uid, _)| uid);
    let of = |point: &Point| Cut {
        at: point.cut,
        level: point.trust.severity().into(),
        word: point.trust.word(),
        name: point.copy.object.name.clone(),
        recommended: advice.point.as_ref().is_some_and(|(_, uid, _)| *uid == point.copy.uid),
        key: key_of(point),
    };
    let (newest, older) = judged.points.split_at(judged.points.len().min(MOST));
    let far = older.iter().filter(|point| Some(&point.copy.uid) == advised);
    newest.iter().chain(far).map(of).collect()
}

/// The first moment that matters: that of the first exposure, of the copy that is recommended, or of the oldest shown.
fn from(judged: &Points, exposures: &[Exposure], cuts: &[Cut], now: Timestamp) -> Timestamp {
    let advised = judged.to_keep().map(|point| point.cut);
    let seen = exposures.iter().flat_map(|one| &one.lane.spans);
    let exposed = seen.filter(|span| span.level == Level::Critical).map(|span| span.from).min();
    let first = [advised, exposed, judged.first_exposed].into_iter().flatten().min();
    let oldest = || cuts.iter().map(|cut| cut.at).min();
    let spans = || exposures.iter().flat_map(|one| &one.lane.spans).map(|span| span.from).min();
    first.or_else(oldest).or_else(spans).unwrap_or(now).min(now)
}

/// What to restore, what that loses and what would prove more.
fn facts(judged: &Points, advice: &Judgement<Recommendation>, now: Timestamp) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut fact = |label, level, said: String| facts.push(Fact { label, value: Cell::Said(level, said.into()) });
    match (&advice.value.point, advice.value.lost) {
        (Some((object, _, cut)), Some(lost)) => {
            let (path, lost) = (object.path(), quantity::span(lost));
            fact("Restore", Level::Ok, format!("{path}, cut {}", moment(*cut)));
            let from = format!("the writes of {lost}, from {} to {}", moment(*cut), moment(now));
            fact("That loses", Level::Warn, from);
        }
        _ if judged.concerns.is_empty() && judged.first_exposed.is_none() => {
            let said = "no finding of concern touches this volume: nothing is known bad, and nothing is proven";
            fact("Trust", Level::Info, said.to_owned());
        }
        _ => {
            let exposed = judged.first_exposed.is_some();
            let level = if exposed { Level::Critical } else { Level::Unknown };
            fact("Restore", level, "no copy is proven to be from before the exposure".to_owned());
            if let Some((object, _, cut)) = &advice.value.may_be {
                fact("May be good", Level::Unknown, format!("{}, cut {}", object.path(), moment(*cut)));
            }
        }
    }
    let open =
        advice.value.may_be.as_ref().and_then(|(_, uid, _)| judged.points.iter().find(|one| one.copy.uid == *uid));
    let newest = || judged.points.first().filter(|_| advice.value.point.is_none() && !judged.concerns.is_empty());
    let lacks = open.or_else(newest).filter(|point| point.trust == Trust::Unknown);
    for reason in lacks.iter().flat_map(|point| &point.why).take(REASONS) {
        fact("Not proven", Level::Unknown, said(reason));
    }
    facts
}

/// A reason with what to do about it.
pub(super) fn said(reason: &Reason) -> String {
    reason.next.as_ref().map_or_else(|| reason.text.clone(), |next| format!("{} → {next}", reason.text))
}

/// The claims of other data that code with the same findings could write, in the order of their names.
pub(super) fn also<'w>(world: &'w World, lineages: &[Uid]) -> Vec<&'w Pvc> {
    if lineages.is_empty() {
        return Vec::new();
    }
    let line = |claim: &Pvc| crate::assess::restore_point::lineage(world, claim);
    let mut claims: Vec<&Pvc> = world.inventory.pvcs.iter().filter(|claim| lineages.contains(&line(claim))).collect();
    claims.sort_by_key(|claim| claim.meta.reference(Kind::Pvc).path());
    claims
}

#[cfg(test)]
mod tests;
