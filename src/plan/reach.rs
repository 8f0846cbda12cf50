//! How another certificate in a Secret reaches those who use it: who is restarted for it and who sees it by himself, and
//! which servers are shaken hands with until they serve it.

use jiff::Timestamp;
use serde_json::Value;
use std::time::Duration;

use super::roll::{Fates, Restart, Restarted, Roll, Users};
use super::serves::Serves;
use super::{Answers, Step};
use crate::model::{ClaimKey, World};

/// Why not, and what would clear it.
type No = (String, String);

/// What becomes of everybody who uses a Secret.
#[derive(Clone, Debug)]
pub(super) struct Reach {
    /// Workloads that are restarted, in order.
    pub restarted: Vec<Restarted>,
    /// Steps that see who serves it.
    pub served: Vec<Step>,
    /// Whether each server that was seen to serve the former one is seen to serve the new one before the end.
    pub proven: bool,
    /// Label and sentence for each user, and for each Service.
    pub facts: Vec<(String, String)>,
    /// What a person has to see to, and what will not be seen.
    pub warnings: Vec<String>,
    /// Whether nobody is seen to use it.
    pub nobody: bool,
}

impl Reach {
    /// Of the Secret at this key, whose certificate becomes the one with this fingerprint (a text, or what stands for one,
    /// see [`super::from_step`]).
    ///
    /// # Errors
    /// When one that is to be restarted could not be read: why, and what would clear it.
    pub fn of(
        world: &World,
        key: &ClaimKey,
        new: &Value,
        (restart, within): (Restart, Duration),
        answers: &Answers,
        now: Timestamp,
    ) -> Result<Self, No> {
        let users = Users::of(world, &key.0, &key.1);
        let fates = Fates::of(&users, &key.1, restart, answers)?;
        let restarted: Vec<Restarted> =
            fates.restarted.iter().map(|(user, fresh)| Restarted::of(user, fresh)).collect();
        let serves = Serves::of(world, key, new, users.all_anew(&restarted), within, now);
        let strict = !serves.steps.is_empty() && serves.steps.iter().all(|step| !step.act.lenient());
        Ok(Self {
            proven: strict && serves.warnings.is_empty(),
            nobody: fates.facts.is_empty(),
            facts: fates.facts.into_iter().chain(serves.facts).collect(),
            warnings: fates.warnings.into_iter().chain(Users::unseen(world, &key.0)).chain(serves.warnings).collect(),
            served: serves.steps,
            restarted,
        })
    }

    /// The steps that restart them, one workload after the other.
    pub fn restarts(&self, roll: &Roll) -> impl Iterator<Item = Step> {
        self.restarted.iter().enumerate().flat_map(|(place, one)| roll.steps(place + 1, one))
    }

    /// What changes for it in the cluster, in sentences.
    pub fn changes(&self) -> impl Iterator<Item = String> {
        self.restarted.iter().map(Restarted::change)
    }
}
