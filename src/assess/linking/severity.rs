//! The band of a finding, with what operators say of it.

use jiff::Timestamp;

use super::{Chains, rules};
use crate::assess::Judgement;
use crate::model::{Band, BandSource};

/// The band of a finding by its place: the first `[[severity]]` of the links file that is for it and has not run out,
/// else what the scan says. `None` when there is no such finding.
pub fn band(chains: &Chains, scan: usize, place: usize, now: Timestamp) -> Option<Judgement<(Band, BandSource)>> {
    let finding = chains.finding(scan, place)?;
    let own = &chains.findings().scans().get(scan)?.scan;
    let mut judged = Judgement::new((finding.band, finding.band_source));
    for rule in &chains.linking().severities {
        let named = rule.rule.as_ref().is_none_or(|glob| glob.matches(&finding.rule.id).is_some());
        if !named || !rules::holds(&rule.when, own, &finding.path) {
            continue;
        }
        if rule.until.is_some_and(|until| until <= now) {
            judged = judged.because(format!("the override of {} has run out ({})", rule.author, rule.at));
            continue;
        }
        judged.value = (rule.set, BandSource::Override);
        return Some(judged.because(format!("{} by {} ({})", rule.set.word(), rule.author, rule.at)).until(rule.until));
    }
    Some(judged)
}
