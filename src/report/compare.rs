//! What differs between an earlier report and this one.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Controlled, Report, State};

/// What became of something that is, or was, not in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Change {
    /// It was in order, or not there.
    New,
    /// It is in order now, or gone.
    Fixed,
    /// It was so before.
    Unchanged,
}

impl Change {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Fixed => "fixed",
            Self::Unchanged => "unchanged",
        }
    }
}

/// One fact that is not in order, or was not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// New or fixed; what did not change is only counted.
    pub change: Change,
    /// Of which control.
    pub control: String,
    /// Of what.
    pub field: String,
    /// On which object.
    pub object: String,
    /// How it stands, or stood where it is fixed: failed or unknown.
    pub state: State,
}

/// What differs from an earlier report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// The moment that the earlier one is for.
    pub at: Timestamp,
    /// Everything that is new or fixed.
    pub differences: Vec<Difference>,
    /// The digest of the earlier one.
    pub digest: String,
    /// How many are fixed.
    pub fixed: usize,
    /// How many are new.
    pub new: usize,
    /// How many are as they were.
    pub unchanged: usize,
}

type Key<'a> = (&'a str, &'a str, &'a str);
/// What is not in order, and how it stands.
type Open<'a> = BTreeMap<Key<'a>, State>;

fn open(report: &Report) -> Open<'_> {
    let mut found: Open<'_> = BTreeMap::new();
    for control in &report.controls {
        for one in control.evidence.iter().filter(|one| one.state < State::Pass) {
            let (object, field) = one.key();
            let state = found.entry((&control.id, object, field)).or_insert(one.state);
            *state = (*state).min(one.state);
        }
    }
    found
}

/// What is seen to be in order.
fn in_order(report: &Report) -> BTreeSet<Key<'_>> {
    let mut found = BTreeSet::new();
    for control in &report.controls {
        let fine = control.evidence.iter().filter(|one| one.state >= State::Pass);
        found.extend(fine.map(|one| (&*control.id, one.key().0, one.key().1)));
    }
    found
}

impl Comparison {
    /// Whether two reports are of the same cluster and look at the same part of it.
    pub fn possible(earlier: &Report, later: &Report) -> bool {
        let place = |report: &Report| (report.context.server.clone(), report.context.namespaces.clone());
        place(earlier) == place(later)
    }

    /// Compares what both reports judged.
    pub fn of(earlier: &Report, later: &Report) -> Self {
        let judged = |report: &Report| report.controls.iter().map(|one| one.id.clone()).collect::<BTreeSet<_>>();
        let both: BTreeSet<String> = judged(earlier).intersection(&judged(later)).cloned().collect();
        let (before, after) = (open(earlier), open(later));
        let of = |(control, object, field): Key<'_>, change, state| Difference {
            change,
            control: control.to_owned(),
            field: field.to_owned(),
            object: object.to_owned(),
            state,
        };
        // What fails now and was not known before is new; so is what was never judged.
        let worse = |key: &Key<'_>, state: State| before.get(key).is_none_or(|was| state < *was);
        let mut differences: Vec<Difference> = after
            .iter()
            .filter(|(key, state)| worse(key, **state))
            .map(|(key, state)| of(*key, Change::New, *state))
            .collect();
        let new = differences.len();
        // What cannot be seen any more is not fixed.
        let seen: BTreeSet<Key<'_>> = in_order(later);
        let blind: BTreeSet<&str> = later.controls.iter().filter(|one| one.blind()).map(|one| &*one.id).collect();
        let mended = |key: &Key<'_>| seen.contains(key) || !blind.contains(key.0);
        let gone = before.iter().filter(|(key, _)| both.contains(key.0) && !after.contains_key(*key));
        let (gone, lost): (Vec<_>, Vec<_>) = gone.partition(|(key, _)| mended(key));
        let unchanged = after.len() - new + lost.len();
        differences.extend(gone.into_iter().map(|(key, state)| of(*key, Change::Fixed, *state)));
        differences.sort_by(|a, b| (a.change, &a.control, &a.object).cmp(&(b.change, &b.control, &b.object)));
        let fixed = differences.len() - new;
        Self { at: earlier.at, differences, digest: earlier.digest.clone(), fixed, new, unchanged }
    }

    /// Whether a control has something new that stands so, or worse.
    pub fn has_new(&self, control: &Controlled, state: State) -> bool {
        let new = |one: &&Difference| one.change == Change::New && one.control == control.id;
        self.differences.iter().filter(new).any(|one| one.state <= state)
    }
}
