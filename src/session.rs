//! One context being looked at and worked on: the world, the questions under way, the operations.
//!
//! Knows no terminal: the console, the command line and whatever comes later drive the same session. One task
//! owns it; everything slow runs elsewhere and comes back as a message. Opening it asks the network nothing.

mod anchors;
mod ask;
mod chains;
mod colleagues;
mod contexts;
mod desk;
mod excerpt;
mod findings;
mod keystores;
mod logs;
mod operations;
mod pace;
mod refusals;
mod rotation;
mod runs;
mod scans;
mod scope;
mod served;
mod triage;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use crate::cluster::{self, Cluster, LogEvent, Target, USAGE_EVERY, UsageFrom, UsageWatch, WatchSet};
use crate::config::{Config, Deadlines};
use crate::engine::{Colleague, Engine, LOCK, Report, RunSeen};
use crate::model::{
    CertificateFacts, Connection, Context, Delta, Freshness, HeldFile, Kind, Locked, NotServed, Scope, Shaken, Uid,
    UsageReport,
};
use crate::plan::backup::Options as BackupOptions;
use crate::plan::carry::{Bundle, NotExported};
use crate::plan::{AccessQuestion, Answers, Confirmed, DryRun, OperationId, Plan, Refusal};
use crate::runbook::history::{Body, RunId, StepAt};
use crate::store::Store;
use crate::text;
use crate::view::{FindingTable, Level, Told};

use ask::Asking;
pub use ask::to_yaml;
use colleagues::Colleagues;
pub use colleagues::{standing as colleague_standing, who as colleague_who};
use contexts::Journey;
pub use contexts::KnownContext;
pub use desk::Desk;
use keystores::Keystores;
use logs::OpenLog;
use operations::Tracked;
use pace::Pace;
pub use refusals::Unconfirmed;
use runs::Runs;
pub use runs::{Answer, Beginning, Edited, NotResumed, run_book};
pub use scope::Unnamed;
pub use served::READ_ONLY;
pub use triage::UNDECIDED;

/// Deltas taken in at once before the screen gets a turn.
const BATCH: usize = 500;
/// How many deltas may wait; the watches wait beyond that.
const BACKLOG: usize = 4_096;
/// The desk's clock is never further behind than this while things happen.
const CLOCK: SignedDuration = SignedDuration::from_secs(1);
/// How long to wait before trying to connect again after a failure.
const RECONNECT: Duration = Duration::from_secs(5);

/// Identity of a question, so that its answer finds the one who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(u64);

/// A plan ready to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reviewed {
    /// The plan.
    pub plan: Plan,
    /// What the server said of it.
    pub dry_run: DryRun,
}

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// The desk changed.
    Changed,
    /// A plan was made, or refused.
    Planned(Ticket, Result<Box<Reviewed>, Refusal>),
    /// An object was read, as YAML.
    Read(Ticket, Result<String, String>),
    /// The bundle of a restore point, or why it is not exported.
    Exported(Ticket, Result<Box<Bundle>, NotExported>),
    /// Pods were shaken hands with; the desk has what was seen.
    Probed(Ticket),
    /// A server at an address was shaken hands with: its certificate, or why that is not known.
    Dialed(Ticket, Result<Box<CertificateFacts>, NotServed>),
    /// Something happened to the log that is being read.
    Log(Ticket, LogEvent),
    /// So many findings were decided on, or why none was.
    Decided(Ticket, Result<usize, String>),
    /// A run is over: the operation ended, or cannot go on here and why.
    Over(OperationId),
    /// Something happened in a run of a runbook, or could not be written down.
    Run(RunId),
    /// A run is gone on with, or why not.
    RunResumed(RunId, Result<(), NotResumed>),
    /// The contexts of the kubeconfig, or why it cannot be read.
    Contexts(Result<Vec<KnownContext>, String>),
    /// Connecting failed; it is tried again.
    NotConnected(Arc<cluster::ConnectError>),
}

/// What a session is opened with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which cluster, as whom.
    pub target: Target,
    /// Settings.
    pub config: Config,
    /// State files.
    pub store: Store,
    /// What to look at when the target names no namespace.
    pub unnamed: Unnamed,
    /// Kinds to watch; all of them for the console.
    pub kinds: Vec<Kind>,
}

enum Message {
    Connected(Result<Box<Cluster>, cluster::ConnectError>),
    Who(String),
    Rights(Vec<(AccessQuestion, bool)>),
    Answered(Box<Asking>),
    Checked(Ticket, Box<Reviewed>),
    Read(Ticket, Result<String, String>),
    Carried(Ticket, Uid, Box<Answers>),
    Shaken(Option<Ticket>, Vec<Shaken>),
    Opened(Box<Locked>, Option<HeldFile>),
    Dialed(Ticket, Result<Box<CertificateFacts>, NotServed>),
    Report(OperationId, Report),
    Contexts(Result<Vec<KnownContext>, String>),
    Colleagues(u64, Result<Vec<Colleague>, String>),
    Noted(RunId, Box<runs::Written>),
    Adopted(RunId, Box<Result<runs::Adopted, NotResumed>>),
    Collected(RunId, Box<Body>),
    Approval(RunId, StepAt, runs::Approval),
    Agreed(RunId, StepAt, Result<(), String>),
    Runs(u64, Result<Vec<RunSeen>, String>),
    Told(Box<Told>),
    Scanned(Box<scans::Scanned>),
    Triaged(Box<triage::Read>),
    Decided(Ticket, Result<usize, String>),
    /// Nothing can be seen of all namespaces, but something of this one.
    Narrow(Arc<str>),
    /// The table of findings was made anew; `None` when it is as it was.
    Tabled(Option<Arc<FindingTable>>),
}

/// One context being looked at and worked on.
pub struct Session {
    desk: Desk,
    options: Options,
    cluster: Option<Cluster>,
    watches: Option<WatchSet>,
    usage: Option<UsageWatch>,
    deltas: (mpsc::Sender<Delta>, mpsc::Receiver<Delta>),
    inbox: (mpsc::Sender<Message>, mpsc::Receiver<Message>),
    tracked: BTreeMap<OperationId, Tracked>,
    colleagues: Colleagues,
    runs: Runs,
    keystores: Keystores,
    watch: findings::Watch,
    /// When it was looked up last what ties findings to what runs.
    chained: Option<Instant>,
    /// How the table of findings comes about.
    tabulation: chains::Tabulation,
    /// When the copies of all volumes were judged last.
    copies_judged: Option<Instant>,
    /// Volumes whose last known-good copy is about to go, as it was said.
    going: BTreeSet<Uid>,
    reading: scans::Reading,
    record: triage::Record,
    log: Option<OpenLog>,
    /// What was handed over for a plan that has not begun: for which Secret, and its fingerprint.
    handed: Option<(Uid, String)>,
    /// Why the journal does not hold what was refused last.
    unkept: Option<String>,
    /// Whether old journals were let go.
    rotated: bool,
    tickets: u64,
    pace: Pace,
    /// What is looked at next, once the watches of what was looked at before have stopped.
    turning: Option<Vec<Scope>>,
    /// When it was last asked whether the own namespace may be seen at least.
    narrowing: Option<Instant>,
    journey: Journey,
}

impl Session {
    /// Opens a session and begins to connect. Needs a tokio runtime; asks the network nothing itself.
    pub fn open(options: Options) -> Self {
        let name = options.target.context.as_deref().unwrap_or("");
        let context = Context {
            name: name.into(),
            protected: options.config.context(name).protected,
            namespaces: options.target.namespaces.iter().map(|namespace| namespace.as_str().into()).collect(),
            read_only: options.target.read_only,
            ..Context::default()
        };
        let mut desk = Desk::new(context, options.config.policy.clone(), crate::store::now());
        desk.defaults.backup = backup_options(&options.config.deadlines);
        desk.defaults.swap.cut_within = desk.defaults.backup.cut_within;
        let mut session = Self {
            desk,
            cluster: None,
            watches: None,
            usage: None,
            deltas: mpsc::channel(BACKLOG),
            inbox: mpsc::channel(256),
            tracked: BTreeMap::new(),
            colleagues: Colleagues::default(),
            runs: Runs::default(),
            keystores: Keystores::default(),
            watch: findings::Watch::default(),
            chained: None,
            tabulation: chains::Tabulation::default(),
            copies_judged: None,
            going: BTreeSet::new(),
            reading: scans::Reading::default(),
            record: triage::Record::default(),
            log: None,
            handed: None,
            unkept: None,
            rotated: false,
            tickets: 0,
            pace: Pace::new(Instant::now()),
            turning: None,
            narrowing: None,
            journey: Journey::default(),
            options,
        };
        session.watch_findings();
        session.watch_decisions();
        session.connect(Duration::ZERO);
        session
    }

    /// The settings that it was opened with.
    pub fn config(&self) -> &Config {
        &self.options.config
    }

    /// The readable state.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// The readable state as it is now, kept when the session is closed.
    pub fn into_desk(self) -> Desk {
        self.desk
    }

    /// Moves the desk's clock to now and makes a slice of the rows that are behind.
    pub fn tick(&mut self) {
        self.look_at_what_runs(crate::store::now());
        self.ask_registries();
        self.chain();
        let only_missing = !self.pace().is_zero();
        if self.behind() && !only_missing {
            self.pace.begin(Instant::now());
        }
        self.desk.work(crate::store::now(), only_missing);
        if !self.behind() {
            self.pace.settle(Instant::now());
            self.advance_runs();
            self.say_what_goes();
            // Only a console watches all kinds.
            if self.options.kinds.len() == Kind::ALL.len() && !self.loading() {
                self.rotate_journals();
            }
        }
    }

    /// Whether rows are behind what is known of the cluster.
    pub fn behind(&self) -> bool {
        self.desk.boards.behind()
    }

    fn connect(&self, after: Duration) {
        let (target, post) = (self.options.target.clone(), self.inbox.0.clone());
        let contexts = self.options.config.contexts.clone();
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            let read_only = |name: &str| contexts.get(name).is_some_and(|context| context.read_only);
            let connected = cluster::connect(&target, read_only).await.map(Box::new);
            // The session may have been closed meanwhile.
            let _ = post.send(Message::Connected(connected)).await;
        });
    }

    /// Waits until something happens and takes it in.
    pub async fn next(&mut self) -> Event {
        loop {
            self.turn().await;
            let until = if self.behind() { self.pace() } else { self.desk.next_change() };
            let event = tokio::select! {
                biased;
                Some(message) = self.inbox.1.recv() => self.take(message),
                Some(delta) = self.deltas.1.recv() => {
                    self.apply(delta);
                    Some(Event::Changed)
                }
                () = std::future::ready(()), if self.due() => {
                    self.tick();
                    Some(Event::Changed)
                }
                (ticket, event) = OpenLog::next(&mut self.log) => {
                    // A log that never pauses must not stop the clock.
                    if crate::store::now().duration_since(self.desk.now) > CLOCK {
                        self.tick();
                    }
                    Some(Event::Log(ticket, event))
                }
                () = tokio::time::sleep(until) => {
                    self.tick();
                    Some(Event::Changed)
                }
            };
            if let Some(event) = event {
                return event;
            }
        }
    }

    /// Takes in what waits.
    fn apply(&mut self, first: Delta) {
        let now = crate::store::now();
        let mut concerned: Vec<_> = keystores::concerned(&first).into_iter().collect();
        self.glance(&first, now);
        self.desk.apply(first, now);
        for _ in 1..BATCH {
            let Ok(delta) = self.deltas.1.try_recv() else { break };
            concerned.extend(keystores::concerned(&delta));
            self.glance(&delta, now);
            self.desk.apply(delta, now);
        }
        self.open_keystores(&concerned);
        self.consider_narrowing();
        self.look_at_what_runs(now);
        if self.due() {
            self.tick();
        }
    }

    /// Whether rows can be made now.
    fn due(&self) -> bool {
        self.desk.boards.lacking() || (self.behind() && self.pace().is_zero())
    }

    /// How long until rows that are there may be made anew: they wait while a first list is still coming in.
    fn pace(&self) -> Duration {
        if self.loading() { self.pace.wait(Instant::now()) } else { Duration::ZERO }
    }

    /// Whether a first list is still coming in.
    fn loading(&self) -> bool {
        self.options.kinds.iter().any(|kind| *self.desk.world.freshness(*kind) == Freshness::Loading)
    }

    fn take(&mut self, message: Message) -> Option<Event> {
        match message {
            Message::Connected(Ok(cluster)) => {
                self.connected(*cluster);
                Some(Event::Changed)
            }
            Message::Connected(Err(error)) => {
                let why: Box<str> = text::chain(&error).into();
                self.say_no_way(&why);
                let since = self.desk.down_since().unwrap_or_else(crate::store::now);
                self.apply(Delta::Connection(Connection::Down { since, why }));
                self.connect(RECONNECT);
                Some(Event::NotConnected(Arc::new(error)))
            }
            Message::Who(who) => {
                self.desk.world.context.user = Some(who.into());
                Some(Event::Changed)
            }
            Message::Rights(rights) => {
                self.desk.rights.extend(rights);
                Some(Event::Changed)
            }
            Message::Answered(asking) if self.sees_too_little(&asking.request) => {
                self.put_off(Message::Answered(asking));
                None
            }
            Message::Answered(asking) => self.answered(*asking),
            Message::Checked(ticket, reviewed) => Some(Event::Planned(ticket, Ok(reviewed))),
            Message::Told(told) => Some(self.told(*told)),
            Message::Read(ticket, read) => Some(Event::Read(ticket, read)),
            Message::Carried(ticket, snapshot, known) => Some(self.carried(ticket, &snapshot, &known)),
            Message::Shaken(ticket, shaken) => {
                self.apply(Delta::Shaken(shaken));
                if let Some(ticket) = ticket {
                    self.shaken_in_runs(ticket);
                }
                Some(ticket.map_or(Event::Changed, Event::Probed))
            }
            Message::Opened(locked, file) => {
                self.opened(*locked, file);
                Some(Event::Changed)
            }
            Message::Dialed(ticket, served) => Some(Event::Dialed(ticket, served)),
            Message::Report(id, report) => Some(self.report(&id, report)),
            Message::Colleagues(round, found) => self.learn_colleagues(round, found),
            Message::Noted(id, written) => Some(self.noted(&id, *written)),
            Message::Adopted(id, adopted) => Some(self.adopted(id, *adopted)),
            Message::Collected(id, body) => {
                self.collected(&id, *body);
                None
            }
            Message::Approval(id, at, found) => {
                self.approved(&id, &at, found);
                Some(Event::Changed)
            }
            Message::Agreed(id, at, ended) => {
                self.agreed(&id, &at, ended);
                Some(Event::Changed)
            }
            Message::Runs(round, found) => self.learn_runs(round, found),
            Message::Contexts(known) => Some(Event::Contexts(known)),
            Message::Scanned(found) => {
                self.scanned(*found);
                Some(Event::Changed)
            }
            Message::Tabled(table) => {
                self.tabled(table);
                Some(Event::Changed)
            }
            Message::Triaged(read) => {
                self.triaged(*read);
                Some(Event::Changed)
            }
            Message::Decided(ticket, ended) => Some(Event::Decided(ticket, ended)),
            Message::Narrow(own) => {
                self.narrow(own);
                Some(Event::Changed)
            }
        }
    }

    fn connected(&mut self, cluster: Cluster) {
        let context = &mut self.desk.world.context;
        context.name = cluster.context_name().into();
        context.server = cluster.server().into();
        context.read_only = cluster.hands().is_none();
        context.protected = self.options.config.context(cluster.context_name()).protected;
        if self.options.unnamed == Unnamed::Own && context.namespaces.is_empty() {
            context.namespaces = vec![cluster.default_namespace().into()];
        }
        let scopes = scope::scopes(&context.namespaces);
        self.watches = Some(cluster::watch(&cluster, &self.options.kinds, &scopes, self.deltas.0.clone()));
        self.watch_usage(cluster.context_name());
        self.watch_scan_maps(&cluster);
        let (eyes, post) = (cluster.eyes(), self.inbox.0.clone());
        tokio::spawn(async move {
            if let Ok(Some(who)) = eyes.who_am_i().await {
                // The session may have been closed meanwhile.
                let _ = post.send(Message::Who(who)).await;
            }
        });
        self.cluster = Some(cluster);
        self.load_operations();
        self.remember_what_ran();
        self.ask_colleagues(Duration::ZERO);
        self.ask_runs(Duration::ZERO);
    }

    /// Asks for used space where a Prometheus is configured for the context, and volumes are looked at.
    fn watch_usage(&mut self, context: &str) {
        let settings = self.options.config.context(context);
        if let Some(url) = settings.prometheus.filter(|_| self.options.kinds.contains(&Kind::Pvc)) {
            // Said here, so that nobody takes the rows for settled before the first answer.
            self.apply(Delta::Usage(UsageReport::Asking));
            let from = UsageFrom { url, ca: settings.prometheus_ca };
            self.usage = Some(cluster::watch_usage(from, USAGE_EVERY, self.deltas.0.clone()));
        }
    }

    fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    /// Who we are, as far as it is known.
    pub fn who(&self) -> String {
        self.desk.world.context.user.as_deref().unwrap_or(ask::NOBODY).to_owned()
    }

    fn engine(&self) -> Option<Engine> {
        let cluster = self.cluster.as_ref()?;
        let lock = self.options.config.deadlines.lock.try_into().unwrap_or(LOCK);
        Some(Engine::new(cluster.eyes(), cluster.hands()?, self.options.store.clone(), lock))
    }

    /// Starts a confirmed plan.
    ///
    /// # Errors
    /// In read-only mode, before there is a connection, and when the plan was made for another cluster.
    pub fn start(&mut self, confirmed: Confirmed) -> Result<OperationId, Refusal> {
        let plan = confirmed.plan();
        let (id, verb, object) = (plan.id.clone(), plan.verb, plan.subject.object.to_string());
        let uid = plan.subject.uid.clone();
        let here = &self.desk.world.context;
        if self.cluster.is_some() && (*here.server != *plan.server || *here.name != *plan.context) {
            let why = format!("the plan was made for context {}, this console looks at {}", plan.context, here.name);
            let refusal = Refusal { verb, object, why, clear: "make the plan anew here".into() };
            return Err(self.refuse(refusal, Some(uid.as_str())));
        }
        let Some(engine) = self.engine() else {
            let refusal = self.no_hands(verb, object);
            return Err(self.refuse(refusal, Some(uid.as_str())));
        };
        self.handed.take_if(|(secret, _)| *secret == uid);
        let running = engine.start(confirmed, self.reports(&id));
        self.tracked.insert(id.clone(), Tracked::starting(running));
        Ok(id)
    }

    /// Says something to whoever looks at the desk.
    pub fn notice(&mut self, level: Level, text: &str) {
        self.desk.say(level, text);
    }

    /// Time by the desk's clock.
    pub fn now(&self) -> Timestamp {
        self.desk.now
    }
}

/// What a backup begins with as the configuration has it.
fn backup_options(deadlines: &Deadlines) -> BackupOptions {
    let defaults = BackupOptions::default();
    BackupOptions {
        cut_within: deadlines.cut.try_into().unwrap_or(defaults.cut_within),
        ready_within: deadlines.ready.try_into().unwrap_or(defaults.ready_within),
        ..defaults
    }
}
