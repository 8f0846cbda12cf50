//! One kind in one scope: list it, then watch it from there, until that breaks.

use std::time::Duration;

use tokio::time::Instant;

use crate::cluster::decode::{Decoder, Event, Frame, Unreadable};
use crate::cluster::errors::CallError;
use crate::cluster::feed::Lines;
use crate::cluster::paths;
use crate::cluster::pause::chance;
use crate::model::{Delta, Kind, Object, Scope};
use crate::plan::Resource;

use super::heartbeat::{Server, reaches};
use super::{Shared, Way};

/// Objects per page of a list.
const PAGE: &str = "500";
/// Deadline of the head of a list, and of each next part of it.
const LIST: Duration = Duration::from_secs(30);
/// Deadline of the head of a watch.
const OPEN: Duration = Duration::from_secs(10);
/// Longest life of a watch.
const LONGEST: Duration = Duration::from_secs(60);
/// How long after its own end a silent watch is taken for dead.
const GRACE: Duration = Duration::from_secs(10);
/// A watch that ends sooner than this without an event does not count as one.
const SHORT: Duration = Duration::from_secs(1);

/// Why following ended.
pub(super) enum Ended {
    /// Nobody listens.
    Closed,
    /// The version is no longer held: list again.
    Expired,
    /// It broke.
    Broken(CallError),
    /// This verb is forbidden.
    Denied(&'static str),
    /// The kind is not served.
    Absent,
}

impl From<CallError> for Ended {
    fn from(error: CallError) -> Self {
        match error {
            error if error.gone() => Self::Expired,
            error if error.not_found() => Self::Absent,
            error => Self::Broken(error),
        }
    }
}

/// Follows one kind in one scope.
pub(super) struct Follower<'a> {
    shared: &'a Shared,
    kind: Kind,
    scope: Scope,
    /// The version that is served, once known.
    resource: Option<Resource>,
    decoder: Decoder,
    progress: bool,
    /// Set once a list in one answer broke: a server that is too slow for it would break each further one as well,
    /// and pages are answers that it can give.
    by_pages: bool,
}

impl<'a> Follower<'a> {
    pub(super) fn new(shared: &'a Shared, kind: Kind, scope: Scope) -> Self {
        Self { shared, kind, scope, resource: None, decoder: Decoder::new(kind), progress: false, by_pages: false }
    }

    /// Whether a list was completed since the last call.
    pub(super) fn take_progress(&mut self) -> bool {
        std::mem::take(&mut self.progress)
    }

    /// Lists, then watches, until that ends.
    pub(super) async fn follow(&mut self) -> Ended {
        let Err(ended) = self.list_and_watch().await;
        ended
    }

    async fn list_and_watch(&mut self) -> Result<std::convert::Infallible, Ended> {
        let (mut version, mut stream) = self.list().await?;
        self.progress = true;
        loop {
            let started = Instant::now();
            let lines = match stream.take() {
                Some(lines) => lines,
                None => self.open(&version).await?,
            };
            let before = version.clone();
            let mut server = self.shared.server.clone();
            server.mark_unchanged();
            tokio::select! {
                ended = self.watch(lines, &mut version) => ended?,
                () = reaches(&mut server, Server::Down) => {
                    let why = "the API server stopped answering".into();
                    return Err(Ended::Broken(CallError::Unreachable { why, sent: true }));
                }
            }
            if version == before && started.elapsed() < SHORT {
                let why = "the API server closed the watch at once".into();
                return Err(Ended::Broken(CallError::Unreachable { why, sent: true }));
            }
        }
    }

    /// Lists in the first version that is served.
    async fn list(&mut self) -> Result<(String, Option<Lines>), Ended> {
        let shared = self.shared;
        let Ok(_turn) = shared.lists.acquire().await else { return Err(Ended::Closed) };
        for version in self.kind.spec().versions {
            let resource = Resource { version: (*version).into(), ..Resource::of(self.kind) };
            match self.list_as_is_best(&resource).await {
                Err(Ended::Absent) => {}
                Err(ended) => return Err(ended),
                Ok(listed) => {
                    self.resource = Some(resource);
                    return Ok(listed);
                }
            }
        }
        Err(Ended::Absent)
    }

    /// Lists in the way that costs this server least; a streamed list comes with the watch that goes on from it.
    async fn list_as_is_best(&mut self, resource: &Resource) -> Result<(String, Option<Lines>), Ended> {
        let way = if self.by_pages { Way::Pages } else { self.shared.way().await };
        if way == Way::Stream
            && let Some((version, lines)) = self.streamed(resource).await?
        {
            return Ok((version, Some(lines)));
        }
        Ok((self.listed(resource, way).await?, None))
    }

    /// Lists by a watch that begins with what is there. `None` when the server does not do this.
    async fn streamed(&mut self, resource: &Resource) -> Result<Option<(String, Lines)>, Ended> {
        let seconds = lifetime().to_string();
        let path = self.path(
            resource,
            &[
                ("watch", "1"),
                ("sendInitialEvents", "true"),
                ("resourceVersionMatch", "NotOlderThan"),
                ("allowWatchBookmarks", "true"),
                ("timeoutSeconds", &seconds),
            ],
        )?;
        let mut lines = match self.shared.cluster.wire().lines(&path, OPEN).await {
            Ok(lines) => lines,
            Err(error) if error.not_found() => return Err(Ended::Absent),
            // Listing may be allowed where watching is not.
            Err(error) if error.forbidden() => return Ok(None),
            Err(error) if error.certainly_not_done() && matches!(error, CallError::Refused { .. }) => {
                self.shared.no_streams();
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        self.tell(Delta::ListStarted(self.kind, self.scope.clone())).await?;
        loop {
            let Some(line) = lines.next(LIST).await? else {
                let why = "the API server ended a list before it was complete".into();
                return Err(Ended::Broken(CallError::Unreachable { why, sent: true }));
            };
            match self.decoder.event(line) {
                Event::Upsert(object, _) => self.upsert(object).await?,
                Event::Gone(object, _) => self.tell(Delta::Gone(object)).await?,
                Event::Unreadable(unreadable, _) => self.unreadable(unreadable).await?,
                Event::Bookmark(_) | Event::Skipped(_) => {}
                Event::Error(error) => return Err(error.into()),
                Event::Listed(version) => {
                    self.tell(Delta::ListDone(self.kind, self.scope.clone())).await?;
                    return Ok(Some((version, lines)));
                }
            }
        }
    }

    fn path(&self, resource: &Resource, pairs: &[(&str, &str)]) -> Result<String, Ended> {
        let namespace = match &self.scope {
            Scope::All => None,
            Scope::Namespace(namespace) => Some(&**namespace),
        };
        let mut pairs = pairs.to_vec();
        pairs.extend(self.kind.spec().selector.map(|selector| ("fieldSelector", selector)));
        Ok(paths::collection(resource, namespace)? + &paths::query(&pairs))
    }

    /// Lists by answers that are read while they come. The first page is small, so that there are rows at once; what is
    /// more comes page by page, or anew as a whole; if that breaks, page by page from then on.
    async fn listed(&mut self, resource: &Resource, way: Way) -> Result<String, Ended> {
        self.tell(Delta::ListStarted(self.kind, self.scope.clone())).await?;
        let mut frame = self.part(resource, &[("limit", PAGE)]).await?;
        while let Some(token) = frame.next {
            frame = if way == Way::Whole {
                // What the first page showed may be gone by now: only this answer counts.
                self.tell(Delta::ListStarted(self.kind, self.scope.clone())).await?;
                let whole = self.part(resource, &[]).await;
                self.by_pages = matches!(whole, Err(Ended::Broken(_)));
                whole?
            } else {
                self.part(resource, &[("limit", PAGE), ("continue", &token)]).await?
            };
        }
        self.tell(Delta::ListDone(self.kind, self.scope.clone())).await?;
        Ok(frame.resource_version)
    }

    /// Reads one answer of a list.
    async fn part(&mut self, resource: &Resource, pairs: &[(&str, &str)]) -> Result<Frame, Ended> {
        let path = self.path(resource, pairs)?;
        let mut items = match self.shared.cluster.wire().items(&path, LIST).await {
            Ok(items) => items,
            Err(error) if error.forbidden() => return Err(self.denied(resource, "list").await),
            Err(error) => return Err(error.into()),
        };
        while let Some(item) = items.next(LIST).await? {
            match self.decoder.item(item) {
                Ok(Some(object)) => self.upsert(Box::new(object)).await?,
                Ok(None) => {}
                Err(unreadable) => self.unreadable(unreadable).await?,
            }
        }
        Ok(self.decoder.frame(items.frame())?)
    }

    /// A server refuses what is not served, too, when there is no rule for it; discovery tells the two apart.
    async fn denied(&self, resource: &Resource, verb: &'static str) -> Ended {
        let served = self.shared.cluster.eyes().served(resource).await;
        if served == Ok(false) { Ended::Absent } else { Ended::Denied(verb) }
    }

    /// Opens a watch that goes on from `version`.
    async fn open(&self, version: &str) -> Result<Lines, Ended> {
        let Some(resource) = &self.resource else { return Err(Ended::Expired) };
        let seconds = lifetime().to_string();
        let path = self.path(
            resource,
            &[
                ("watch", "1"),
                ("allowWatchBookmarks", "true"),
                ("resourceVersion", version),
                ("timeoutSeconds", &seconds),
            ],
        )?;
        match self.shared.cluster.wire().lines(&path, OPEN).await {
            Ok(lines) => Ok(lines),
            Err(error) if error.forbidden() => Err(Ended::Denied("watch")),
            Err(error) => Err(error.into()),
        }
    }

    /// Passes events on until the server ends the watch, as it does after a while.
    async fn watch(&mut self, mut lines: Lines, version: &mut String) -> Result<(), Ended> {
        while let Some(line) = lines.next(LONGEST + GRACE).await? {
            let event = self.decoder.event(line);
            let reached = match event {
                Event::Upsert(object, at) => {
                    self.upsert(object).await?;
                    Some(at)
                }
                Event::Gone(object, at) => {
                    self.tell(Delta::Gone(object)).await?;
                    Some(at)
                }
                Event::Unreadable(unreadable, at) => {
                    self.unreadable(unreadable).await?;
                    at
                }
                Event::Bookmark(at) | Event::Listed(at) | Event::Skipped(at) => Some(at),
                Event::Error(error) => return Err(error.into()),
            };
            if let Some(reached) = reached.filter(|reached| !reached.is_empty()) {
                *version = reached;
            }
        }
        Ok(())
    }

    async fn upsert(&self, object: Box<Object>) -> Result<(), Ended> {
        self.tell(Delta::Upsert(object, self.scope.clone())).await
    }

    async fn unreadable(&self, Unreadable { name, why }: Unreadable) -> Result<(), Ended> {
        self.tell(Delta::Unreadable(self.kind, name, why)).await
    }

    async fn tell(&self, delta: Delta) -> Result<(), Ended> {
        self.shared.out.send(delta).await.map_err(|_| Ended::Closed)
    }
}

/// Seconds for which a watch is asked: short enough that a dead connection is noticed, spread so that watches do not
/// all end at once.
fn lifetime() -> u64 {
    LONGEST.mul_f32(1.0 - chance() / 3.0).as_secs()
}
