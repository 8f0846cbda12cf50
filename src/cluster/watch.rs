//! Lists and watches of all kinds, as a stream of changes.
//!
//! One task follows each (kind, scope), and one asks the server every few seconds whether it is there. What breaks is
//! said at once and tried again without anybody asking; nothing is kept here but the version to go on from. The
//! channel is bounded: when the World is slow, lists and watches wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, OnceCell, Semaphore, mpsc, watch as signal};
use tokio::task::JoinSet;

use crate::model::{Delta, Kind, Scope};

use super::Cluster;
use super::errors::CallError;
use super::pause::Pause;

mod follow;
mod heartbeat;
mod login;

use follow::{Ended, Follower};
use heartbeat::Server;

/// Most watches at once; each holds a connection of its own, because kube speaks HTTP/1.1.
const MOST: usize = 256;
/// Most lists at once, begun in the order of [`Kind::ALL`]: the rows of the first screen get the server for
/// themselves, and what completes their judgement comes next. All at once, every one of them would be late.
const LISTS: usize = 2;
/// First and longest pause after a failure.
const PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));
/// Pause while the server is known to be down; its return ends it at once.
const OUTAGE: Duration = Duration::from_secs(30);
/// First and longest pause where the answer was a clear no. A server that has just started says no before it has
/// read its rules, so the first pause is short.
const SLOW: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));

/// Running watches; they stop when it is dropped.
pub struct WatchSet {
    shared: Arc<Shared>,
    kinds: Vec<Kind>,
    /// The heart, the login, and the watches of kinds without a namespace.
    _whole: JoinSet<()>,
    /// The watches of kinds that live in namespaces.
    scoped: JoinSet<()>,
}

impl WatchSet {
    /// Stops the watches of kinds that live in namespaces; all others go on.
    pub fn stop_scoped(&mut self) {
        self.scoped.abort_all();
    }

    /// Waits until those have stopped: what they reported last waits in the channel by then. May be given up and
    /// called again.
    pub async fn scoped_stopped(&mut self) {
        while self.scoped.join_next().await.is_some() {}
    }

    /// Follows kinds that live in namespaces in these scopes.
    pub fn start_scoped(&mut self, scopes: &[Scope]) {
        for kind in self.kinds.iter().filter(|kind| kind.spec().namespaced) {
            for scope in scopes {
                self.scoped.spawn(follow_for_ever(self.shared.clone(), *kind, scope.clone()));
            }
        }
    }
}

/// What all tasks of one set share.
struct Shared {
    cluster: Cluster,
    out: mpsc::Sender<Delta>,
    server: signal::Receiver<Server>,
    /// Told by a follower whose connection broke, so that the heart beats at once.
    doubt: Notify,
    /// Told by whoever met a server that does not accept the credentials: not every path asks for them.
    unauthorized: Notify,
    lists: Semaphore,
    connections: Arc<Semaphore>,
    /// The server's minor version; asked once.
    minor: OnceCell<u32>,
    /// Set when the server refused to stream a list.
    no_streams: AtomicBool,
}

/// Follows `kinds` in `scopes` (cluster-scoped kinds always as a whole) until the set is dropped. Kinds start in the
/// order of [`Kind::ALL`]. Must be called inside a tokio runtime.
pub fn watch(cluster: &Cluster, kinds: &[Kind], scopes: &[Scope], out: mpsc::Sender<Delta>) -> WatchSet {
    let (heart, server) = signal::channel(Server::Unknown);
    let shared = Arc::new(Shared {
        cluster: cluster.clone(),
        out,
        server,
        doubt: Notify::new(),
        unauthorized: Notify::new(),
        lists: Semaphore::new(LISTS),
        connections: Arc::new(Semaphore::new(MOST)),
        minor: OnceCell::new(),
        no_streams: AtomicBool::new(false),
    });
    let kinds: Vec<Kind> = Kind::ALL.iter().copied().filter(|kind| kinds.contains(kind)).collect();
    let (mut whole, mut scoped) = (JoinSet::new(), JoinSet::new());
    whole.spawn(heartbeat::beat(shared.clone(), heart));
    whole.spawn(login::keep(shared.clone()));
    for kind in kinds.iter().copied() {
        if kind.spec().namespaced {
            for scope in scopes {
                scoped.spawn(follow_for_ever(shared.clone(), kind, scope.clone()));
            }
        } else {
            whole.spawn(follow_for_ever(shared.clone(), kind, Scope::All));
        }
    }
    WatchSet { shared, kinds, _whole: whole, scoped }
}

/// Follows one kind in one scope; returns only when nobody listens any more.
async fn follow_for_ever(shared: Arc<Shared>, kind: Kind, scope: Scope) {
    let Ok(_connection) = shared.connections.clone().try_acquire_owned() else {
        let why = format!("not watched: more than {MOST} watches; look at fewer namespaces");
        let _ = shared.out.send(Delta::Failed(kind, scope, why.into())).await;
        return;
    };
    let mut follower = Follower::new(&shared, kind, scope.clone());
    let (mut pause, mut slow) = (Pause::new(PAUSE), Pause::new(SLOW));
    loop {
        let ended = follower.follow().await;
        if follower.take_progress() {
            (pause, slow) = (Pause::new(PAUSE), Pause::new(SLOW));
        }
        let (delta, pause) = match ended {
            Ended::Closed => return,
            Ended::Expired => {
                shared.wait(pause.next()).await;
                continue;
            }
            Ended::Broken(error) => {
                if error == CallError::Unauthorized {
                    shared.unauthorized.notify_one();
                }
                shared.doubt.notify_one();
                (Delta::Failed(kind, scope.clone(), explain(&error)), pause.next())
            }
            Ended::Denied(verb) => (Delta::Denied(kind, scope.clone(), verb.into()), slow.next()),
            Ended::Absent => (Delta::Absent(kind, scope.clone()), slow.next()),
        };
        if shared.out.send(delta).await.is_err() {
            return;
        }
        shared.wait(pause).await;
    }
}

fn explain(error: &CallError) -> Box<str> {
    error.to_string().into()
}

impl Shared {
    /// How lists are asked for. A server whose version is not known yet is asked in the way that all know.
    async fn way(&self) -> Way {
        let eyes = self.cluster.eyes();
        let minor = self.minor.get_or_try_init(|| eyes.minor_version()).await.copied().unwrap_or_default();
        Way::of(minor, self.no_streams.load(Ordering::Relaxed))
    }

    /// The server refused to stream a list.
    fn no_streams(&self) {
        self.no_streams.store(true, Ordering::Relaxed);
    }

    /// Sleeps, but not longer than until the server is back from being down. While it is down nobody else asks it:
    /// dozens of lists that hang in their connections would keep the first good one waiting.
    async fn wait(&self, pause: Duration) {
        let mut server = self.server.clone();
        let down = *server.borrow_and_update() == Server::Down;
        let pause = if down { pause.max(OUTAGE) } else { pause };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = heartbeat::reaches(&mut server, Server::Up) => {}
        }
    }
}

/// How a list is asked for. One that broke as a whole is asked for by pages from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// After a first page in one answer, which servers from 1.33 on write from their cache (KEP-2340, KEP-5116).
    /// Measured with ten thousand objects this costs the server a third of a streamed list, and a fifth of pages.
    Whole,
    /// By a watch that begins with what is there (KEP-3157); the server may refuse.
    Stream,
    /// Page by page: everything else would make the server hold the whole list at once.
    Pages,
}

impl Way {
    /// Servers before 1.27 do not know streamed lists and would send a watch without end.
    fn of(minor: u32, no_streams: bool) -> Self {
        match minor {
            33.. => Self::Whole,
            27.. if !no_streams => Self::Stream,
            _ => Self::Pages,
        }
    }
}
