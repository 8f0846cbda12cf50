//! How another certificate in a Secret reaches those who use it: who is restarted for it and who sees it by himself, and
//! which servers are shaken hands with until they serve it.

use jiff::Timestamp;
use serde_json::Value;
use std::time::Duration;

use super::roll::{Canary, Fates, Restart, Restarted, Roll, Users};
use super::serves::Serves;
use super::{Answers, Questions, Step};
use crate::model::{ClaimKey, World};

/// Why not, and what would clear it.
type No = (String, String);

/// What becomes of everybody who uses a Secret.
#[derive(Clone, Debug)]
pub(super) struct Reach {
    /// The pod that is replaced before the others, where one can be spared.
    first: Option<Canary>,
    /// Workloads that are restarted, in order.
    restarted: Vec<Restarted>,
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
        let first = Canary::of(world, key, &restarted, &serves);
        let strict = !serves.steps.is_empty() && serves.steps.iter().all(|step| !step.act.lenient());
        Ok(Self {
            proven: strict && serves.warnings.is_empty(),
            nobody: fates.facts.is_empty(),
            facts: fates.facts.into_iter().chain(first.iter().map(Canary::fact)).chain(serves.facts).collect(),
            warnings: fates.warnings.into_iter().chain(Users::unseen(world, &key.0)).chain(serves.warnings).collect(),
            served: serves.steps,
            first,
            restarted,
        })
    }

    /// What has to be asked for it, of the Secret at this key.
    pub fn questions(world: &World, key: &ClaimKey, restart: Restart) -> Questions {
        let users = Users::of(world, &key.0, &key.1);
        let chosen = users.chosen(restart).map(|user| user.uid.clone());
        users.questions(&key.0, restart).and(Canary::questions(world, key, chosen))
    }

    /// The steps that restart them: one pod first, then one workload after the other.
    pub fn restarts(&self, roll: &Roll) -> impl Iterator<Item = Step> {
        self.first(roll).chain(self.whole(roll))
    }

    /// The steps that replace one pod and see that it serves the new certificate. Only the first of them changes anything.
    pub fn first(&self, roll: &Roll) -> impl Iterator<Item = Step> {
        self.first.iter().flat_map(|first| first.steps(roll.within))
    }

    /// The steps that restart the workload of that pod, to take it back.
    pub fn first_back(&self, roll: &Roll) -> impl Iterator<Item = Step> {
        self.first.iter().flat_map(|first| roll.steps(1, first.workload()))
    }

    /// The steps that restart all of them.
    pub fn whole(&self, roll: &Roll) -> impl Iterator<Item = Step> {
        self.restarted.iter().enumerate().flat_map(|(place, one)| roll.steps(place + 1, one))
    }

    /// What changes for it in the cluster, in sentences.
    pub fn changes(&self) -> impl Iterator<Item = String> {
        self.first.iter().map(Canary::change).chain(self.restarted.iter().map(Restarted::change))
    }
}
