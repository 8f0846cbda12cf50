//! Which backups are planned for a volume, as far as that can be known.
//!
//! The policies' schedules and Velero's are read. A schedule names namespaces, and may leave out a volume by labels or resources
//! that are not read here: what is planned is an expectation, never evidence of a copy.

mod cron;

use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::model::{Policy, Pvc, Rpo, VeleroSchedule, World};

pub use self::cron::Cron;

/// The moment by which the next copy of a volume is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextCopy {
    /// When.
    pub at: Timestamp,
    /// Who says so, for people. Untrusted text.
    pub by: String,
}

/// Schedules that are on and take this namespace.
pub fn schedules<'w>(world: &'w World, namespace: &Arc<str>) -> Vec<&'w VeleroSchedule> {
    let on = |schedule: &&VeleroSchedule| !schedule.paused && &*schedule.phase != "FailedValidation";
    let mut found: Vec<_> = world.inventory.velero_schedules.iter().filter(on).collect();
    found.retain(|schedule| takes(schedule, namespace));
    found.sort_by(|a, b| a.meta.name.cmp(&b.meta.name));
    found
}

fn takes(schedule: &VeleroSchedule, namespace: &str) -> bool {
    let is = |pattern: &Arc<str>| match pattern.strip_suffix('*') {
        Some(prefix) => namespace.starts_with(prefix),
        None => **pattern == *namespace,
    };
    (schedule.namespaces.is_empty() || schedule.namespaces.iter().any(is)) && !schedule.excluded.iter().any(is)
}

/// The runs of a schedule after a moment up to another, at most `most` of them; `None` when its expression is not
/// understood.
pub fn runs(schedule: &VeleroSchedule, after: Timestamp, until: Timestamp, most: usize) -> Option<Vec<Timestamp>> {
    let cron = Cron::parse(&schedule.cron)?;
    let last = schedule.last.or(schedule.meta.created).unwrap_or(after);
    let next = |from: &Timestamp| cron.after(*from, last, &TimeZone::UTC).filter(|at| *at <= until);
    let first = next(&after);
    Some(std::iter::successors(first, next).take(most).collect())
}

/// The first run of a policy's schedule after a moment, which counts as the run before; `None` when it has none.
pub fn run_after(policy: &Policy, moment: Timestamp) -> Option<Timestamp> {
    Cron::parse(policy.schedule.as_deref()?)?.after(moment, moment, &policy.zone)
}

/// The first drill of a policy after a moment; `None` when it asks for none.
pub fn drill_after(policy: &Policy, moment: Timestamp) -> Option<Timestamp> {
    Cron::parse(policy.drill.as_deref()?)?.after(moment, moment, &policy.zone)
}

/// How far ahead the next copy is looked for.
const AHEAD: SignedDuration = SignedDuration::from_hours(24 * 31);

/// When the next copy of a claim is expected: by the first schedule that runs, of its policy or of Velero, else by its
/// objective.
pub fn next_copy(
    world: &World,
    claim: &Pvc,
    last_good: Option<Timestamp>,
    rpo: &Rpo,
    now: Timestamp,
) -> Option<NextCopy> {
    let until = now.saturating_add(AHEAD).unwrap_or(Timestamp::MAX);
    let schedules = claim.meta.namespace.as_ref().map(|namespace| schedules(world, namespace)).unwrap_or_default();
    let first = |schedule: &&VeleroSchedule| {
        let at = *runs(schedule, now, until, 1)?.first()?;
        Some(NextCopy { at, by: format!("Velero schedule {}", schedule.meta.name) })
    };
    let own = world.policies.policy(&claim.meta).and_then(|policy| {
        let at = run_after(policy, now).filter(|at| *at <= until)?;
        Some(NextCopy { at, by: format!("policy {}", policy.name) })
    });
    let planned = schedules.iter().filter_map(first).chain(own).min_by_key(|next| next.at);
    planned.or_else(|| {
        let Rpo::Within(limit) = rpo else { return None };
        let at = last_good?.saturating_add(*limit).ok()?;
        (at > now).then(|| NextCopy { at, by: "its objective".into() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::testing::{ago, claim, live, meta, now, put};
    use crate::model::{Meta, Object};

    fn schedule(name: &str, cron: &str, namespaces: &[&str]) -> VeleroSchedule {
        VeleroSchedule {
            meta: Meta { namespace: Some("velero".into()), ..meta(name) },
            cron: cron.into(),
            namespaces: namespaces.iter().map(|name| Arc::from(*name)).collect(),
            phase: "Enabled".into(),
            ..VeleroSchedule::default()
        }
    }

    #[test]
    fn the_first_schedule_that_takes_the_namespace_says_when() {
        let mut world = live();
        let paused = VeleroSchedule { paused: true, ..schedule("paused", "5 12 * * *", &[]) };
        let excluding = VeleroSchedule { excluded: ["sh*".into()].into(), ..schedule("other", "5 12 * * *", &[]) };
        let all = [
            schedule("nightly", "0 3 * * *", &[]),
            schedule("hourly", "30 * * * *", &["shop"]),
            schedule("elsewhere", "1 * * * *", &["batch"]),
            paused,
            excluding,
        ];
        put(&mut world, all.map(Object::VeleroSchedule));
        let next = next_copy(&world, &claim("db", None), None, &Rpo::NoPolicy, now()).unwrap();
        assert_eq!((next.at, next.by.as_str()), (ago(-30), "Velero schedule hourly"));
    }

    #[test]
    fn a_policy_with_a_schedule_says_when_by_its_own_clocks() {
        let mut world = live();
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let policy = Policy { schedule: Some("15 13 * * *".into()), zone, ..Policy::new("gold") };
        world.policies.named = vec![policy];
        put(&mut world, [Object::VeleroSchedule(schedule("nightly", "0 3 * * *", &[]))]);
        let next = next_copy(&world, &claim("db", None), None, &Rpo::NoPolicy, now()).unwrap();
        assert_eq!((next.at, next.by.as_str()), (ago(-15), "policy gold"));
    }

    #[test]
    fn without_a_schedule_the_objective_says_by_when_and_without_both_nobody_does() {
        let world = live();
        let within = Rpo::Within(SignedDuration::from_hours(4));
        let next = |good, rpo: &Rpo| next_copy(&world, &claim("db", None), good, rpo, now()).map(|next| next.at);
        assert_eq!(next(Some(ago(60)), &within), Some(ago(-180)));
        assert_eq!(next(Some(ago(300)), &within), None, "it is late already");
        assert_eq!(next(None, &within), None);
        assert_eq!(next(Some(ago(60)), &Rpo::NoPolicy), None);
    }

    #[test]
    fn runs_end_where_they_are_asked_to() {
        let hourly = schedule("hourly", "@hourly", &[]);
        assert_eq!(runs(&hourly, now(), ago(-180), 10).unwrap(), [ago(-60), ago(-120), ago(-180)]);
        assert_eq!(runs(&hourly, now(), ago(-180), 2).unwrap().len(), 2);
        assert_eq!(runs(&schedule("odd", "when I say so", &[]), now(), ago(-180), 2), None);
    }
}
