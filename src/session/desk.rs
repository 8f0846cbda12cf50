//! What can be seen of a session: plain state that screens and commands read and nobody else changes.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::{Connection, Context, Delta, Policies, Touched, World};
use crate::plan::{AccessQuestion, Answers, Defaults, Request};
use crate::view::{Boards, Level, Notices, OperationView, RunView, Told};

/// Rows made anew at once: some milliseconds, so that a key is not kept waiting.
const SLICE: usize = 200;

/// What can be seen of a session.
#[derive(Debug)]
pub struct Desk {
    /// The cluster as it is known.
    pub world: World,
    /// Rows of the panes, kept up with the world.
    pub boards: Boards,
    /// Operations of this cluster, the newest first.
    pub operations: Vec<OperationView>,
    /// Runs of runbooks, the newest first.
    pub runs: Vec<RunView>,
    /// Why operations of colleagues are not among them; `None` while they are, or were not asked for.
    pub colleagues_unseen: Option<Box<str>>,
    /// Why runs of others are not among them; `None` while they are, or were not asked for.
    pub runs_unseen: Option<Box<str>>,
    /// What the console had to say.
    pub notices: Notices,
    /// Rights as the API server last told them, for those that were asked about.
    pub rights: BTreeMap<AccessQuestion, bool>,
    /// What verbs begin with unless a person chooses otherwise.
    pub defaults: Defaults,
    /// What the finding that is looked at says in full, once it was read.
    pub told: Option<Told>,
    /// The moment all of this is for.
    pub now: Timestamp,
}

impl Desk {
    /// An empty desk.
    pub fn new(context: Context, policies: Policies, now: Timestamp) -> Self {
        let mut world = World::default();
        world.context = context;
        world.policies = policies;
        Self {
            world,
            boards: Boards::default(),
            operations: Vec::new(),
            runs: Vec::new(),
            colleagues_unseen: None,
            runs_unseen: None,
            notices: Notices::default(),
            rights: BTreeMap::new(),
            defaults: Defaults::default(),
            told: None,
            now,
        }
    }

    /// Makes all rows anew that changed or ran out.
    pub fn refresh(&mut self, touched: &Touched, now: Timestamp) {
        self.now = now;
        self.boards.refresh(&self.world, touched, now);
    }

    /// Takes one change of the cluster in; [`Desk::work`] brings the rows up to date with it.
    pub(super) fn apply(&mut self, delta: Delta, now: Timestamp) {
        let before = matches!(delta, Delta::Connection(_)).then(|| self.world.connection.clone());
        let touched = self.world.apply(delta, now);
        if let Some((level, text)) = before.and_then(|before| turned(&before, &self.world.connection)) {
            self.notices.say(now, level, &text);
        }
        self.boards.note(&touched);
    }

    /// Takes note of rows that a change of the world may have changed.
    pub(super) fn note(&mut self, touched: &Touched) {
        self.boards.note(touched);
    }

    /// Moves the clock to `now` and makes a slice of the rows that are behind: only missing ones, or any.
    pub(super) fn work(&mut self, now: Timestamp, only_missing: bool) {
        self.now = now;
        if only_missing {
            self.boards.work_on_missing(&self.world, now, SLICE);
        } else {
            self.boards.work(&self.world, now, SLICE);
        }
    }

    /// How long the rows stay true if nothing happens: at most a second, so that ages move on.
    pub(super) fn next_change(&self) -> Duration {
        let next = self.boards.next_change().map(|moment| moment.duration_since(crate::store::now()));
        let next = next.and_then(|left| Duration::try_from(left).ok()).unwrap_or(Duration::from_secs(1));
        next.clamp(Duration::from_millis(50), Duration::from_secs(1))
    }

    /// Rights that a request needs, as far as that is known before anything was asked.
    pub fn needed_rights(&self, request: &Request) -> Vec<AccessQuestion> {
        request.questions(&self.world, &Answers::default()).access
    }

    /// Rights that a request needs and that are known to be missing.
    pub fn missing_rights(&self, request: &Request) -> Vec<String> {
        let needed = self.needed_rights(request);
        let missing = needed.iter().filter(|question| self.rights.get(question) == Some(&false));
        missing.map(ToString::to_string).collect()
    }

    pub(super) fn down_since(&self) -> Option<Timestamp> {
        match &self.world.connection {
            Connection::Down { since, .. } => Some(*since),
            Connection::Connecting | Connection::Up => None,
        }
    }

    pub(super) fn say(&mut self, level: Level, text: &str) {
        self.notices.say(self.now, level, text);
    }
}

/// What to say when the connection was lost or came back.
fn turned(before: &Connection, after: &Connection) -> Option<(Level, String)> {
    match (before, after) {
        (Connection::Up, Connection::Down { why, .. }) => {
            let text = format!("lost the connection to the API server: {why}; rows stay as they were then");
            Some((Level::Critical, text))
        }
        (Connection::Down { .. }, Connection::Up) => Some((Level::Ok, "the API server answers again".to_owned())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losing_the_connection_and_getting_it_back_are_said_once_each() {
        let now = Timestamp::UNIX_EPOCH;
        let mut desk = Desk::new(Context::default(), Policies::default(), now);
        let down = || Connection::Down { since: now, why: "refused".into() };
        for connection in [down(), Connection::Up, Connection::Up, down(), down(), Connection::Up, down()] {
            desk.apply(Delta::Connection(connection), now);
        }
        let said: Vec<_> = desk.notices.newest().map(|notice| (notice.level, notice.count)).collect();
        assert_eq!(said, [(Level::Critical, 2), (Level::Ok, 2)]);
    }
}
