//! Operations that other consoles run or ran on this cluster, read from their records from time to time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::{Event, Message, Session};
use crate::engine::{Colleague, LockSeen, colleagues};
use crate::model::Key;
use crate::view::{OperationState, OperationView};

/// How often they are read.
const EVERY: Duration = Duration::from_secs(30);
/// Those that ended longest ago are not shown beyond this many.
const SHOWN: usize = 50;

/// What is known of them.
#[derive(Debug, Default)]
pub(super) struct Colleagues {
    /// Whether somebody wants to see them.
    wanted: bool,
    /// What was read last, without those whose journal is here; `None` before the first answer.
    found: Option<Result<Vec<Colleague>, String>>,
    /// Which round of questions counts: another cluster, or other namespaces, make an answer worthless.
    round: u64,
}

impl Colleagues {
    /// The same wish on another cluster.
    pub(super) fn elsewhere(&self) -> Self {
        Self { wanted: self.wanted, ..Self::default() }
    }
}

impl Session {
    /// Reads the records of colleagues' operations, now and then every half a minute.
    pub fn watch_colleagues(&mut self) {
        self.colleagues.wanted = true;
        self.ask_colleagues(Duration::ZERO);
    }

    /// What is known of colleagues' operations, or why nothing is; `None` before the first answer.
    pub fn colleagues(&self) -> Option<Result<&[Colleague], &str>> {
        self.colleagues.found.as_ref().map(|found| found.as_deref().map_err(String::as_str))
    }

    /// Asks anew, after this long; answers to earlier questions are worth nothing then.
    pub(super) fn ask_colleagues(&mut self, after: Duration) {
        let Some(eyes) = self.cluster.as_ref().map(crate::cluster::Cluster::eyes) else { return };
        if !self.colleagues.wanted {
            return;
        }
        self.colleagues.round += 1;
        let (round, post) = (self.colleagues.round, self.inbox.0.clone());
        let namespaces: Vec<String> = self.desk.world.context.namespaces.iter().map(ToString::to_string).collect();
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            let found = colleagues(&eyes, &namespaces, crate::store::now()).await;
            // The session may have been closed meanwhile.
            let _ = post.send(Message::Colleagues(round, found)).await;
        });
    }

    /// Takes an answer in.
    pub(super) fn learn_colleagues(&mut self, round: u64, found: Result<Vec<Colleague>, String>) -> Option<Event> {
        if round != self.colleagues.round {
            return None;
        }
        self.desk.colleagues_unseen = found.as_ref().err().map(|why| why.as_str().into());
        let found = found.map(|found| {
            // What has a journal here is told by it.
            let store = self.options.store.clone();
            let (mine, mut others): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|operation| store.has(&operation.id));
            for operation in mine {
                self.load_operation(&operation.id, operation.closed.is_some());
            }
            others.truncate(SHOWN);
            others
        });
        self.colleagues.found = Some(found);
        self.ask_colleagues(EVERY);
        self.show_operations();
        Some(Event::Changed)
    }

    /// Those of colleagues, as they are shown.
    pub(super) fn colleague_views(&self) -> Vec<OperationView> {
        let known: BTreeSet<_> = self.tracked.keys().collect();
        let found = self.colleagues.found.as_ref().and_then(|found| found.as_ref().ok()).into_iter().flatten();
        found.filter(|operation| !known.contains(&operation.id)).map(view).collect()
    }
}

/// How an operation of a colleague stands, and what to say of it.
pub fn standing(operation: &Colleague) -> (OperationState, Option<String>) {
    if let (Some(by), "running") = (&operation.taken_by, operation.state.as_str()) {
        return (OperationState::Interrupted, Some(format!("{by} took its volume over")));
    }
    match (operation.state.as_str(), &operation.lock) {
        ("done", _) => (OperationState::Done, None),
        ("failed", _) => (OperationState::Failed, Some("its journal there says why".into())),
        ("stopped", _) => (OperationState::Failed, Some("stopped as asked".into())),
        ("running", LockSeen::Fresh) => (OperationState::Running, None),
        ("running", LockSeen::RunOut(at)) => {
            let since = at.map(|at| format!(" since {}", at.strftime("%Y-%m-%d %H:%M:%SZ"))).unwrap_or_default();
            let said = format!("nobody renews its lock{since}; resume it on its machine, where its journal is");
            (OperationState::Interrupted, Some(said))
        }
        ("running", LockSeen::None) => (
            OperationState::OutcomeUnknown,
            Some("its record says running; it holds no lock that would tell, so look on its machine".into()),
        ),
        ("running", LockSeen::Unseen(why)) => {
            let said = format!("its record says running; whether its console is still there is not seen: {why}");
            (OperationState::OutcomeUnknown, Some(said))
        }
        (other, _) => {
            (OperationState::OutcomeUnknown, Some(format!("its record says \"{other}\", which is not known here")))
        }
    }
}

fn view(operation: &Colleague) -> OperationView {
    let (state, message) = standing(operation);
    OperationView {
        id: Arc::from(operation.id.as_str()),
        title: operation.title.as_str().into(),
        subject: operation.key.clone().unwrap_or_else(|| Key::Operation(Arc::from(operation.id.as_str()))),
        state,
        started: operation.opened,
        ended: operation.closed,
        steps: Vec::new(),
        waits: None,
        message: message.map(Into::into),
        can_resume: false,
        resumed: 0,
        made: None,
        undo: Vec::new(),
        held: None,
        unclosed: Vec::new(),
        takes_back: None,
        elsewhere: Some(who(operation).into()),
    }
}

/// `sre on web-1`
pub fn who(operation: &Colleague) -> String {
    match (operation.actor.as_str(), operation.machine.as_str()) {
        ("", "") => "somebody".to_owned(),
        (actor, "") => actor.to_owned(),
        ("", machine) => format!("somebody on {machine}"),
        (actor, machine) => format!("{actor} on {machine}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::OperationId;
    use rstest::rstest;

    fn operation(state: &str, taken_by: Option<&str>, lock: LockSeen) -> Colleague {
        Colleague {
            id: OperationId::parse("x").unwrap(),
            title: String::new(),
            verb: String::new(),
            subject: String::new(),
            key: None,
            actor: "ada".into(),
            machine: "web-1".into(),
            state: state.into(),
            taken_by: taken_by.map(str::to_owned),
            opened: None,
            closed: None,
            lock,
        }
    }

    #[rstest]
    #[case::renewed("running", None, LockSeen::Fresh, OperationState::Running)]
    #[case::dead("running", None, LockSeen::RunOut(None), OperationState::Interrupted)]
    #[case::no_lock("running", None, LockSeen::None, OperationState::OutcomeUnknown)]
    #[case::not_seen("running", None, LockSeen::Unseen("403".into()), OperationState::OutcomeUnknown)]
    #[case::taken_over("running", Some("operation y"), LockSeen::Fresh, OperationState::Interrupted)]
    #[case::done("done", None, LockSeen::None, OperationState::Done)]
    #[case::failed_after_a_takeover("failed", Some("operation y"), LockSeen::None, OperationState::Failed)]
    #[case::of_a_later_version("paused", None, LockSeen::Fresh, OperationState::OutcomeUnknown)]
    fn running_is_only_said_of_what_is_seen_to_run(
        #[case] state: &str,
        #[case] taken_by: Option<&str>,
        #[case] lock: LockSeen,
        #[case] expected: OperationState,
    ) {
        assert_eq!(standing(&operation(state, taken_by, lock)).0, expected);
    }

    #[test]
    fn where_the_reason_of_a_failure_is_fits_beside_its_title() {
        let (_, said) = standing(&operation("failed", None, LockSeen::None));
        let said = said.unwrap();
        assert!(said.contains("journal") && said.len() <= 32, "{said}");
    }
}
