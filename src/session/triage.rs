//! Decisions on findings: read beside the scans, and made one after another, aside. One is shown once it is on disk.
//!
//! One task reads and writes, so that nothing that was read before a decision was written is taken in after it. What
//! cannot be read may say that a finding is open again: until that is mended nothing is known to be good.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::{Message, Session, Ticket};
use crate::model::{Decision, FindingId, Findings, Triage, Undecidable};
use crate::plan::triage::Wish;
use crate::store::{About, Decided, DecisionFolders, Decisions};
use crate::text;
use crate::view::Level;

/// Why nothing is decided in read-only mode.
pub const UNDECIDED: &str = "read-only mode decides nothing: it would change which copies are called known-good";

/// How often it is looked whether a colleague decided something.
const FILES: Duration = Duration::from_secs(1);
/// Decisions that may wait to be written.
const BACKLOG: usize = 16;
/// How many lines that are no decisions are told at once.
const TOLD: usize = 3;

/// How far reading and deciding has come.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// To the task that writes; `None` where no sources are configured.
    wishes: Option<mpsc::Sender<(Ticket, Vec<Decided>)>>,
    /// Whether the record was read once.
    read: bool,
    /// What is no decision, as it was said last.
    said: Vec<String>,
    /// What cannot be read and may be a decision.
    lost: Vec<Arc<str>>,
}

/// What was read of the record.
#[derive(Debug)]
pub(super) struct Read {
    record: Triage,
    flaws: Vec<String>,
    lost: Vec<Arc<str>>,
}

impl Read {
    fn of(decisions: &Decisions) -> Self {
        let flaws = decisions.flaws().map(ToString::to_string).collect();
        let lost = decisions.flaws().filter(|flaw| flaw.lost).map(|flaw| flaw.to_string().into()).collect();
        Self { record: decisions.record(), flaws, lost }
    }
}

impl Session {
    /// Begins to read what was decided, and to read it again whenever it changes.
    pub(super) fn watch_decisions(&mut self) {
        let settings = &self.options.config.findings;
        if !settings.any() {
            return;
        }
        let folders = DecisionFolders::new(Some(self.options.store.root()), settings.shared.clone());
        let (wishes, mut wished) = mpsc::channel::<(Ticket, Vec<Decided>)>(BACKLOG);
        self.record.wishes = Some(wishes);
        let post = self.inbox.0.clone();
        tokio::spawn(async move {
            let (mut decisions, mut first) = (Decisions::new(folders), true);
            loop {
                let wish = tokio::select! {
                    biased;
                    wish = wished.recv(), if !first => match wish {
                        Some(wish) => Some(wish),
                        // The session was closed.
                        None => return,
                    },
                    () = tokio::time::sleep(if first { Duration::ZERO } else { FILES }) => None,
                };
                let at_once = first || wish.is_some();
                let worked = tokio::task::spawn_blocking(move || {
                    let ended = wish.map(|(ticket, all)| (ticket, written(decisions.folders(), &all)));
                    let changed = decisions.look(at_once) || at_once;
                    let read = changed.then(|| Read::of(&decisions));
                    (decisions, read, ended)
                });
                let Ok((back, read, ended)) = worked.await else { return };
                (decisions, first) = (back, false);
                let read = read.map(|read| Message::Triaged(Box::new(read)));
                for message in read.into_iter().chain(ended.map(|(ticket, ended)| Message::Decided(ticket, ended))) {
                    if post.send(message).await.is_err() {
                        return;
                    }
                }
            }
        });
    }

    /// Takes in what was decided.
    pub(super) fn triaged(&mut self, read: Read) {
        self.record.read = true;
        if read.flaws != self.record.said {
            for said in read.flaws.iter().take(TOLD) {
                self.desk.say(Level::Warn, &format!("decisions: {said}"));
            }
            if let Some(more) = read.flaws.len().checked_sub(TOLD).filter(|more| *more > 0) {
                let more = text::plural(more, "place", "places");
                self.desk.say(Level::Warn, &format!("decisions: {more} more; `holdfast triage` names them all"));
            }
            self.record.said = read.flaws;
        }
        if read.lost != self.record.lost {
            let before = std::mem::replace(&mut self.record.lost, read.lost);
            let findings = self.desk.world.findings.clone();
            let others: Vec<_> = findings.unread().iter().filter(|one| !before.contains(one)).cloned().collect();
            let findings = self.but_for_lost_decisions(findings.but_for(others));
            let touched = self.desk.world.scanned(findings);
            self.desk.note(&touched);
            self.unchain();
        }
        let touched = self.desk.world.triaged(read.record);
        self.desk.note(&touched);
        if touched.all {
            self.unchain();
        }
    }

    /// Findings, with what was decided and cannot be read beside what cannot be read of them.
    pub(super) fn but_for_lost_decisions(&self, findings: Findings) -> Findings {
        if self.record.lost.is_empty() {
            return findings;
        }
        let unread: Vec<_> = findings.unread().iter().chain(&self.record.lost).cloned().collect();
        findings.but_for(unread)
    }

    /// Whether what was decided was not read yet.
    pub(super) fn reading_decisions(&self) -> bool {
        self.record.wishes.is_some() && !self.record.read
    }

    /// Why nothing can be decided here; `None` when something can.
    pub fn undecidable(&self) -> Option<&'static str> {
        let context = &self.desk.world.context;
        if context.read_only || self.options.config.context(&context.name).read_only {
            return Some(UNDECIDED);
        }
        if self.record.wishes.is_none() {
            return Some("no source of findings is configured; set findings.sources");
        }
        self.author().is_none().then_some("it is not known who decides; set findings.author in the configuration")
    }

    /// Who decides: as configured, or else as the API server knows us.
    fn author(&self) -> Option<Arc<str>> {
        let configured = self.options.config.findings.author.as_deref();
        let author = configured.or(self.desk.world.context.user.as_deref()).map(str::trim);
        author.filter(|author| !author.is_empty()).map(Arc::from)
    }

    /// Decides on findings, on all or on none. It is written first and only then shown; the answer is
    /// [`super::Event::Decided`].
    ///
    /// # Errors
    /// When it may not be decided so, or not here: why, and what to do.
    pub fn decide(&mut self, findings: &[FindingId], wish: &Wish) -> Result<Ticket, String> {
        if let Some(why) = self.undecidable() {
            return Err(why.to_owned());
        }
        let author = self.author().ok_or_else(|| Undecidable::Nobody.to_string())?;
        let now = crate::store::now();
        let decided: Result<Vec<Decided>, String> =
            findings.iter().map(|id| self.decided(*id, wish, &author, now)).collect();
        let decided = decided?;
        if decided.is_empty() {
            return Err("no finding is chosen".to_owned());
        }
        let ticket = self.ticket();
        let sent = self.record.wishes.as_ref().map(|wishes| wishes.try_send((ticket, decided)));
        match sent {
            Some(Ok(())) => Ok(ticket),
            _ => Err("what was decided before is still being written; try again".to_owned()),
        }
    }

    fn decided(&self, id: FindingId, wish: &Wish, author: &Arc<str>, now: Timestamp) -> Result<Decided, String> {
        let world = &self.desk.world;
        let about = About::newest(&world.findings, id)
            .ok_or_else(|| format!("finding {id} is in none of the sources any more"))?;
        let reason = wish.reason.trim().into();
        // An end is in the future by this clock, whatever others decided by theirs.
        let decision = Decision { at: now, state: wish.state, author: author.clone(), reason, until: wish.until };
        decision.check().map_err(|error| error.to_string())?;
        Ok(Decided { finding: id, about, decision: Decision { at: world.triage.moment(id, now), ..decision } })
    }
}

/// How many were decided on.
fn written(folders: &DecisionFolders, all: &[Decided]) -> Result<usize, String> {
    folders.write(all).map(|_| all.len()).map_err(|error| text::chain(&error))
}
