//! `GET …/pods/NAME/log`: which lines, and whether more are waited for.

use std::sync::Arc;

use futures::StreamExt;
use hyper::body::Bytes;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::watch::Receiver;

use super::{Instance, Line, instance, scripts, status_of};
use crate::sim::clock::later;
use crate::sim::cluster::Cluster;
use crate::sim::http::{Answer, Query, text_stream};
use crate::sim::object::{self, items, text};
use crate::sim::refusal::Refusal;
use crate::sim::store::Key;

/// Answers a request for a log.
pub(crate) async fn answer(cluster: &Arc<Cluster>, key: &Key, query: &Query) -> Result<Answer, Refusal> {
    let kind = crate::sim::kinds::by_plural("pods").filter(|kind| kind.plural == key.plural);
    let kind = kind.ok_or_else(Refusal::no_such_path)?;
    let pod = cluster.store.get(key).ok_or_else(|| Refusal::not_found(kind, &key.name))?;
    let container = container_of(&pod.value, query.get("container"))?;
    if text(&pod.value, "/spec/nodeName").is_empty() {
        // There is no node to ask yet, and the API server says so by an empty log.
        return Ok(text_stream(futures::stream::empty()));
    }
    let source = Source::of(&pod.value, &container, query.is("previous"))?;
    let all = source.lines(cluster);
    let begin = first(&all, query, cluster.clock.now());
    let read = Read {
        timestamps: query.is("timestamps"),
        room: query.number("limitBytes").and_then(|limit| usize::try_from(limit).ok()),
        follows: query.is("follow") && !query.is("previous"),
        next: begin,
        logs: cluster.logs.changed.subscribe(),
        pods: cluster.store.subscribe_to("pods"),
        ends: cluster.disconnects.subscribe(),
        cluster: Arc::clone(cluster),
        pod: key.clone(),
        source,
    };
    let chunks = futures::stream::unfold(read, |mut read| async move {
        let chunk = read.chunk().await?;
        Some((chunk, read))
    });
    let mut chunks = Box::pin(chunks.fuse());
    // As from a kubelet: not even the head of the answer goes out before there is something to send.
    let first = chunks.next().await;
    Ok(text_stream(futures::stream::iter(first).chain(chunks)))
}

/// The name of the container that is meant.
fn container_of(pod: &Value, wanted: &str) -> Result<String, Refusal> {
    let names = |list| items(pod, list).iter().map(|container| text(container, "/name")).collect::<Vec<_>>();
    let (main, init) = (names("/spec/containers"), names("/spec/initContainers"));
    let pod = object::name(pod);
    match (wanted, main.as_slice(), init.is_empty()) {
        ("", [only], true) => Ok((*only).to_owned()),
        ("", _, true) => Err(Refusal::bad_request(format!(
            "a container name must be specified for pod {pod}, choose one of: [{}]",
            main.join(" ")
        ))),
        ("", ..) => Err(Refusal::bad_request(format!(
            "a container name must be specified for pod {pod}, choose one of: [{}] or one of the init containers: [{}]",
            main.join(" "),
            init.join(" ")
        ))),
        (wanted, ..) if main.contains(&wanted) || init.contains(&wanted) => Ok(wanted.to_owned()),
        _ => Err(Refusal::bad_request(format!("container {wanted} is not valid for pod {pod}"))),
    }
}

/// An instance of a container that wrote something.
struct Source {
    instance: Instance,
    image: String,
    start: Timestamp,
    /// When it ended; a running one has no end.
    end: Option<Timestamp>,
}

impl Source {
    /// The rules of the kubelet's `validateContainerLogStatus`.
    fn of(pod: &Value, container: &str, previous: bool) -> Result<Self, Refusal> {
        let refused = |what: String| {
            Err(Refusal::bad_request(format!("container \"{container}\" in pod \"{}\" {what}", object::name(pod))))
        };
        let (Some(status), Some(mut instance)) = (status_of(pod, container), instance(pod, container)) else {
            return refused("is not available".to_owned());
        };
        let state = if previous { "/lastState" } else { "/state" };
        let is = |what: &str| status.pointer(&format!("{state}/{what}")).is_some();
        if previous {
            if !is("terminated") {
                let name = object::name(pod);
                let why = format!("previous terminated container \"{container}\" in pod \"{name}\" not found");
                return Err(Refusal::bad_request(why));
            }
            instance.2 -= 1;
        } else if is("waiting") {
            return refused(format!("is waiting to start: {}", text(status, "/state/waiting/reason")));
        }
        let at = |field: &str| text(status, &format!("{state}/{field}")).parse().ok();
        let start = at("running/startedAt").or(at("terminated/startedAt")).unwrap_or(Timestamp::UNIX_EPOCH);
        let end = if is("running") { None } else { at("terminated/finishedAt") };
        Ok(Self { instance, image: text(status, "/image").to_owned(), start, end })
    }

    /// Everything it has written so far. Later calls give the same and more.
    fn lines(&self, cluster: &Cluster) -> Vec<Line> {
        let until = self.end.unwrap_or_else(|| cluster.clock.now());
        let mut lines = scripts::lines(&self.image, self.start, until);
        lines.extend(cluster.logs.of(&self.instance));
        lines.sort_by_key(|(at, _)| *at);
        lines
    }
}

/// The place of the first line that is asked for.
fn first(lines: &[Line], query: &Query, now: Timestamp) -> usize {
    let whole = |at: Timestamp| Timestamp::from_second(at.as_second()).unwrap_or(at);
    let since: Option<Timestamp> = query.get("sinceTime").parse().ok().map(whole);
    let ago = query.number("sinceSeconds").and_then(|seconds| i64::try_from(seconds).ok());
    let ago = ago.and_then(|seconds| now.checked_sub(jiff::SignedDuration::from_secs(seconds)).ok());
    let from = since.max(ago);
    let by_time = from.map_or(0, |from| lines.iter().position(|(at, _)| *at >= from).unwrap_or(lines.len()));
    let tail = query.number("tailLines").and_then(|tail| usize::try_from(tail).ok());
    by_time.max(tail.map_or(0, |tail| lines.len().saturating_sub(tail)))
}

/// An answer under way.
struct Read {
    cluster: Arc<Cluster>,
    pod: Key,
    source: Source,
    timestamps: bool,
    /// Bytes that may still be sent.
    room: Option<usize>,
    follows: bool,
    next: usize,
    logs: Receiver<u64>,
    pods: Receiver<u64>,
    ends: Receiver<u64>,
}

impl Read {
    /// The next piece of the log; `None` at its end.
    async fn chunk(&mut self) -> Option<Bytes> {
        loop {
            self.logs.mark_unchanged();
            self.pods.mark_unchanged();
            let over = !self.follows || self.ended();
            let lines = self.source.lines(&self.cluster);
            let new: String = lines.get(self.next..).unwrap_or_default().iter().map(|line| self.print(line)).collect();
            self.next = self.next.max(lines.len());
            let new = self.within_limit(new);
            if !new.is_empty() {
                return Some(new.into());
            }
            if over || self.room == Some(0) {
                return None;
            }
            let now = self.cluster.clock.now();
            let due = scripts::next(&self.source.image, self.source.start, now);
            let due = due.unwrap_or_else(|| later(now, std::time::Duration::from_secs(3600)));
            tokio::select! {
                _ = self.logs.changed() => {}
                _ = self.pods.changed() => {}
                _ = self.ends.changed() => return None,
                () = self.cluster.clock.until(due) => {}
            }
        }
    }

    /// Whether this instance no longer runs.
    fn ended(&self) -> bool {
        let pod = self.cluster.store.get(&self.pod);
        let present = pod.and_then(|pod| instance(&pod.value, &self.source.instance.1));
        self.source.end.is_some() || present.as_ref() != Some(&self.source.instance)
    }

    fn print(&self, (at, line): &Line) -> String {
        let at = if self.timestamps { at.strftime("%Y-%m-%dT%H:%M:%S%.9fZ ").to_string() } else { String::new() };
        format!("{at}{line}\n")
    }

    fn within_limit(&mut self, text: String) -> Vec<u8> {
        let mut bytes = text.into_bytes();
        if let Some(room) = &mut self.room {
            bytes.truncate(*room);
            *room -= bytes.len();
        }
        bytes
    }
}
