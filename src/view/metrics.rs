//! What a run did and how volumes stand, in the text format of Prometheus, for a file that node_exporter or the like
//! reads. Names and labels are documented in the README and part of the interface.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;

use crate::assess::coverage::coverage;
use crate::model::World;

/// What one run of `reconcile` came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// When it ended.
    pub ended: Timestamp,
    /// What went wrong.
    pub failures: Vec<Mishap>,
    /// Backups that were taken.
    pub backups: usize,
    /// Copies that were deleted.
    pub pruned: usize,
    /// Copies that a drill proved.
    pub drills: usize,
    /// Copies that were looked at for pruning and stay.
    pub kept: usize,
    /// Volumes whose drill is due.
    pub drills_due: usize,
    /// What waits for a person.
    pub waiting: usize,
    /// Whether the cluster was seen at all; what was not is not told.
    pub seen: bool,
}

/// One thing that went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mishap {
    /// What failed: `connect`, `backup`, `prune`, `drill`.
    pub what: &'static str,
    /// On what: `shop/data-db-0`.
    pub object: String,
    /// Why.
    pub why: String,
    /// What to do next.
    pub next: String,
}

/// The states of volumes, in the order in which they are said.
const STATES: [&str; 6] = ["Ok", "AtRisk", "Breached", "Never", "Unprotected", "Unknown"];

/// The whole text.
pub fn metrics(world: &World, outcome: &Outcome, now: Timestamp) -> String {
    let mut text = Text::default();
    if outcome.seen {
        text.volumes(world, now);
    }
    text.run(outcome);
    text.0
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn volumes(&mut self, world: &World, now: Timestamp) {
        let mut states: BTreeMap<&str, usize> = BTreeMap::new();
        let mut ages = Vec::new();
        for claim in world.inventory.pvcs.iter() {
            let facts = coverage(world, claim, now).value;
            *states.entry(facts.state.word()).or_default() += 1;
            if let Some(age) = facts.age {
                let labels = [("namespace", claim.meta.namespace()), ("volume", &*claim.meta.name)];
                ages.push((labels.map(|(key, value)| (key, value.to_owned())).to_vec(), age.as_secs()));
            }
        }
        ages.sort();
        self.metric("holdfast_volumes", "Volumes by what is known of their last good copy.");
        for state in STATES {
            self.value("holdfast_volumes", &[("state", state)], states.get(state).copied().unwrap_or_default());
        }
        self.metric("holdfast_last_good_copy_age_seconds", "Age of the last good copy when this was written.");
        for (labels, age) in ages {
            let labels: Vec<(&str, &str)> = labels.iter().map(|(key, value)| (*key, value.as_str())).collect();
            self.value("holdfast_last_good_copy_age_seconds", &labels, age);
        }
    }

    fn run(&mut self, outcome: &Outcome) {
        let failed = |what: &str| outcome.failures.iter().filter(|failure| failure.what == what).count();
        let success = usize::from(outcome.failures.is_empty() && outcome.waiting == 0);
        let ended = outcome.ended.as_second();
        self.single("holdfast_reconcile_timestamp_seconds", "When reconcile last ended, in seconds since 1970.", ended);
        self.single("holdfast_reconcile_success", "1 when everything that was due was done, else 0.", success);
        self.single("holdfast_reconcile_backups", "Backups taken by the last run.", outcome.backups);
        self.metric("holdfast_reconcile_failures", "What the last run could not do.");
        for what in ["connect", "backup", "prune", "drill"] {
            self.value("holdfast_reconcile_failures", &[("what", what)], failed(what));
        }
        self.single("holdfast_reconcile_waiting", "Prunes that wait for a person.", outcome.waiting);
        self.single("holdfast_reconcile_pruned_copies", "Copies deleted by the last run.", outcome.pruned);
        self.single("holdfast_reconcile_kept_copies", "Copies under retention that stayed.", outcome.kept);
        self.single("holdfast_reconcile_drills", "Copies that a trial restore of the last run proved.", outcome.drills);
        self.single("holdfast_drills_due", "Volumes whose trial restore is due.", outcome.drills_due);
    }

    fn metric(&mut self, name: &str, help: &str) {
        // Writing to a text never fails.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} gauge\n");
    }

    fn single(&mut self, name: &str, help: &str, value: impl std::fmt::Display) {
        self.metric(name, help);
        self.value(name, &[], value);
    }

    fn value(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }
}

/// The value of a label, as the format wants it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::testing::{ago, claim, now, put, put_snapshot, snapshot, with_claim};
    use crate::model::{Object, Policies};

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let covered = claim("data", Some("4h"));
        let mut world = with_claim(&covered, Policies::default());
        put(&mut world, [Object::Pvc(claim("od\"d\\\n", Some("4h")))]);
        put_snapshot(&mut world, snapshot(&covered, "copy", ago(60)));
        let failure = Mishap { what: "backup", object: "shop/b".into(), why: "w".into(), next: "n".into() };
        let outcome = Outcome {
            ended: now(),
            failures: vec![failure],
            backups: 1,
            pruned: 2,
            drills: 5,
            kept: 3,
            drills_due: 4,
            waiting: 0,
            seen: true,
        };
        let text = metrics(&world, &outcome, now());
        insta::assert_snapshot!(text);
        let unseen = metrics(&world, &Outcome { seen: false, ..outcome }, now());
        assert!(!unseen.contains("holdfast_volumes") && unseen.contains("holdfast_reconcile_success 0"), "{unseen}");
        assert_eq!(escaped("od\"d\\\n"), "od\\\"d\\\\\\n");
    }
}
