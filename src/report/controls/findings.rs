//! Controls of static analysis: code that runs, and copies from before it ran.

use std::collections::BTreeSet;

use super::backups::{by_severity, named, said};
use crate::assess::exposure::{self, Exposure, History};
use crate::assess::known_good::{Concern, concern, concerns, keep, least, points, threats};
use crate::assess::linking::said as said_of;
use crate::assess::restore_point::lineage;
use crate::model::{Band, FindingId, Pvc};
use crate::report::case::Look;
use crate::report::evidence::{Evidence, State};
use crate::text;

/// What nobody looked for is not known to be absent.
fn not_looked_for(look: &Look<'_>) -> Option<Evidence> {
    let next = "set findings.sources, findings.configmaps or findings.registries in the configuration";
    (!look.inputs.findings).then(|| {
        Evidence::new(State::Unknown, "findings", "sources", "no source of findings is configured").to_do(Some(next))
    })
}

/// Sources that could not be read.
fn unread(look: &Look<'_>) -> Vec<Evidence> {
    let unread = look.chains().findings().unread();
    unread.iter().map(|why| Evidence::new(State::Unknown, "findings", "sources", why)).collect()
}

/// Each finding of concern in code that runs, and how many there are of each band.
pub fn at_risk(look: &Look<'_>) -> Vec<Evidence> {
    if let Some(none) = not_looked_for(look) {
        return vec![none];
    }
    let (chains, least) = (look.chains(), least(look.world));
    let live = exposure::running(look.world, chains);
    let all = concerns(chains, &live, Band::Info, look.now).value;
    let mut found = unread(look);
    found.extend(all.iter().filter(|one| one.band >= least).filter_map(|one| runs_in(look, &live, one)));
    found.extend(untied(look, &live, least));
    let count = |band: Band| all.iter().filter(|one| one.band == band).count();
    let told = Band::ALL.iter().rev().filter(|band| count(**band) > 0);
    let told: Vec<String> = told.map(|band| format!("{} {}", count(*band), band.word())).collect();
    let value = if told.is_empty() { "none".to_owned() } else { told.join(", ") };
    found.push(Evidence::new(State::Pass, "code that runs", "findings by band", &value));
    found
}

/// `finding sqli src/db.rs:7`
fn called(look: &Look<'_>, id: FindingId) -> String {
    match look.chains().findings().latest(id) {
        Some(finding) => format!("finding {} {}:{}", finding.rule.id, finding.path, finding.line),
        None => format!("finding {id}"),
    }
}

/// Where the code of a finding runs, and how surely.
fn runs_in(look: &Look<'_>, live: &History, one: &Concern) -> Option<Evidence> {
    let exposures = live.exposures(look.chains(), one.id);
    let sure = exposures.iter().any(Exposure::certain);
    let told = exposures.iter().filter(|exposure| exposure.certain() == sure).filter_map(|exposure| exposure.program);
    let names: BTreeSet<String> = told.filter_map(|place| look.chains().program(place)).map(said_of).collect();
    let since = exposures.iter().filter(|exposure| exposure.certain() == sure).map(|exposure| exposure.from).min()?;
    let (state, how) = if sure { (State::Fail, "runs") } else { (State::Unknown, "may run") };
    let value = format!("{}, {how} in {}", one.band.word(), names.into_iter().collect::<Vec<_>>().join(", "));
    let next = format!("fix it, or decide: holdfast triage {}", one.id);
    Some(Evidence::new(state, &called(look, one.id), "runs in", &value).at(since).to_do(Some(&next)))
}

/// Findings of concern of which nobody knows what they are of.
fn untied(look: &Look<'_>, live: &History, least: Band) -> Option<Evidence> {
    let chains = look.chains();
    let nowhere = |id: &FindingId| {
        concern(chains, live, *id, least, look.now).value.is_some() && chains.workloads(*id).value.is_empty()
    };
    let count = chains.findings().ids().filter(nowhere).count();
    let value =
        format!("{} tied to no workload", text::plural(count, "finding of concern is", "findings of concern are"));
    let next = "say what their scans are of: holdfast links test FILE tells why they are not";
    (count > 0).then(|| Evidence::new(State::Unknown, "findings", "links", &value).to_do(Some(next)))
}

/// Each volume that code with a known chain could write.
pub fn known_good(look: &Look<'_>) -> Vec<Evidence> {
    if let Some(none) = not_looked_for(look) {
        return vec![none];
    }
    let chains = look.chains();
    let compromised = !chains.linking().compromised.is_empty();
    let wrote = |claim: &&&Pvc| compromised || chains.wrote(&lineage(look.world, claim)).next().is_some();
    let of_volumes = look.claims.iter().filter(wrote).flat_map(|claim| exposed(look, claim));
    unread(look).into_iter().chain(of_volumes).collect()
}

fn exposed(look: &Look<'_>, claim: &Pvc) -> Vec<Evidence> {
    const FIELD: &str = "known-good copy";
    let judged = points(look.world, look.chains(), claim, least(look.world), look.now);
    let judged_points = &judged.value;
    if judged_points.concerns.is_empty() && judged_points.first_exposed.is_none() {
        return vec![Evidence::new(State::NotApplicable, &named(claim), FIELD, "no finding of concern touches it")];
    }
    let next = format!("holdfast known-good {}/{}", claim.meta.namespace(), claim.meta.name);
    let mut found = vec![if let Some(point) = judged_points.known_good() {
        let value = format!("{} is from before every exposure", point.copy.object.path());
        Evidence::new(State::Pass, &named(claim), FIELD, &value).at(point.cut)
    } else {
        let state = if judged_points.first_exposed.is_some() { look.missing() } else { State::Unknown };
        let why = said(&judged);
        let value = if why.is_empty() { "no copy is proven to be from before the exposure" } else { &why };
        Evidence::new(state, &named(claim), FIELD, value).at(judged_points.first_exposed).to_do(Some(&next))
    }];
    if let Some(kept) = keep(judged_points) {
        let ways = threats(look.world, &kept, look.now);
        for (threat, reason) in ways.value.iter().zip(&ways.reasons).filter(|(threat, _)| threat.severity.problem()) {
            let state = by_severity(threat.severity);
            let one = Evidence::new(state, &kept.object.to_string(), "fate of the kept copy", &threat.text);
            found.push(one.at(threat.at).to_do(reason.next.as_deref()));
        }
    }
    found
}
