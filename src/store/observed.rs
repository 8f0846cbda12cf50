//! The log of what ran, on disk: one file for each cluster, a line for each thing that is known, in order.
//!
//! Two consoles of one person may write it: whoever writes takes in what stands there first, under the lock of a file
//! beside it. A line that cannot be read is left out and said; then less is known, and nothing is proven by it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Store, StoreError, io_error, write_whole};
use crate::model::{Birth, Extent, Known, Observed, Program, RunKey, Said, Uid, WorkloadName};
use crate::text;

/// One thing that is known.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Line {
    Ran(Box<Ran>),
    Watched { namespace: String, from: Timestamp, to: Timestamp },
    Began { data: Uid, at: Timestamp, empty: bool, for_first_pod: bool },
}

/// What ran, and when.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ran {
    namespace: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    workload: Option<(String, String, Option<Uid>)>,
    container: String,
    image: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    digests: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    app: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revision: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pod: Option<Uid>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    wrote: Vec<Uid>,
    from: Timestamp,
    to: Timestamp,
    ended: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created: Option<Timestamp>,
}

impl Ran {
    fn of(key: &RunKey, extent: &Extent) -> Self {
        let Program { namespace, workload, container, image, digests, said } = &key.program;
        let own = |text: &Option<Arc<str>>| text.as_deref().map(str::to_owned);
        let named = |one: &WorkloadName| (one.kind.to_string(), one.name.to_string(), one.uid.clone());
        Self {
            namespace: namespace.to_string(),
            workload: workload.as_ref().map(named),
            container: container.to_string(),
            image: image.to_string(),
            digests: digests.iter().map(ToString::to_string).collect(),
            app: own(&said.app),
            version: own(&said.version),
            revision: own(&said.revision),
            pod: key.pod.clone(),
            wrote: key.volumes.to_vec(),
            from: extent.from,
            to: extent.to,
            ended: extent.ended,
            created: extent.created,
        }
    }

    fn known(self) -> (RunKey, Extent) {
        let shared = |text: Option<String>| text.map(Arc::from);
        let named = |(kind, name, uid): (String, String, Option<Uid>)| WorkloadName {
            kind: kind.into(),
            name: name.into(),
            uid,
        };
        let program = Program {
            namespace: self.namespace.into(),
            workload: self.workload.map(named),
            container: self.container.into(),
            image: self.image.into(),
            digests: self.digests.into_iter().map(Arc::from).collect(),
            said: Said { app: shared(self.app), version: shared(self.version), revision: shared(self.revision) },
        };
        let key = RunKey { program, pod: self.pod, volumes: self.wrote.into(), known: Known::Seen };
        (key, Extent { from: self.from, to: self.to, ended: self.ended, created: self.created })
    }
}

/// What was read of a log, and how many of its lines could not be.
#[derive(Debug, Default)]
pub struct Remembered {
    /// What is known.
    pub log: Observed,
    /// Lines that could not be read.
    pub unread: usize,
}

impl Store {
    /// Where the log of a cluster is, by the address of its API server.
    fn observed(&self, server: &str) -> PathBuf {
        let name: String = text::sha256(server.as_bytes()).chars().take(16).collect();
        self.root.join("observed").join(format!("{name}.jsonl"))
    }

    /// What is known of what ran in a cluster.
    ///
    /// # Errors
    /// When there is a log that cannot be read at all.
    pub fn remembered(&self, server: &str) -> Result<Remembered, StoreError> {
        read(&self.observed(server))
    }

    /// Keeps what was seen of what runs in a cluster, beside what is known.
    ///
    /// # Errors
    /// When it cannot be written; what was there stays.
    pub fn remember(&self, server: &str, log: &Observed) -> Result<(), StoreError> {
        let path = self.observed(server);
        let folder = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder).map_err(io_error("create", folder))?;
        let lock = path.with_extension("lock");
        let held = File::create(&lock).map_err(io_error("open", &lock))?;
        held.lock().map_err(io_error("lock", &lock))?;
        let mut whole = read(&path)?.log;
        whole.merge(log);
        write_whole(&path, &written(&whole))
    }
}

fn read(path: &Path) -> Result<Remembered, StoreError> {
    let mut found = Remembered::default();
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(io_error("read", path)(error)),
    };
    for line in text.lines() {
        match serde_json::from_str::<Line>(line) {
            Ok(Line::Ran(ran)) => {
                let (key, extent) = ran.known();
                found.log.saw(key, extent);
            }
            Ok(Line::Watched { namespace, from, to }) => found.log.watched(&namespace.into(), (from, to)),
            Ok(Line::Began { data, at, empty, for_first_pod }) => {
                found.log.born(&data, Birth { at, empty, for_first_pod });
            }
            Err(_) => found.unread += 1,
        }
    }
    Ok(found)
}

/// What was seen; what objects of the cluster tell at any time is not kept.
fn written(log: &Observed) -> String {
    let runs = log.runs().filter(|(key, _)| key.known == Known::Seen);
    let runs = runs.map(|(key, extent)| Line::Ran(Box::new(Ran::of(key, extent))));
    let watched = log.sights().flat_map(|(namespace, spans)| {
        spans.iter().map(|(from, to)| Line::Watched { namespace: namespace.to_string(), from: *from, to: *to })
    });
    let began = log.births().map(|(data, birth)| Line::Began {
        data: data.clone(),
        at: birth.at,
        empty: birth.empty,
        for_first_pod: birth.for_first_pod,
    });
    // Strings, times and booleans: they always serialise.
    let lines = runs.chain(watched).chain(began).filter_map(|line| serde_json::to_string(&line).ok());
    lines.fold(String::new(), |text, line| text + &line + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn log(pod: &str, to: i64) -> Observed {
        let workload = WorkloadName { kind: "StatefulSet".into(), name: "db".into(), uid: Some("w".into()) };
        let program = Program {
            namespace: "shop".into(),
            workload: Some(workload),
            container: "db".into(),
            image: "r.example/db:1".into(),
            digests: ["sha256:aa".into()].into(),
            said: Said { version: Some("1".into()), ..Said::default() },
        };
        let key = RunKey { program, pod: Some(pod.into()), volumes: ["data".into()].into(), known: Known::Seen };
        let mut log = Observed::default();
        log.saw(key.clone(), Extent { from: moment(1), to: moment(to), ended: to > 5, created: Some(moment(0)) });
        log.saw(
            RunKey { known: Known::Claimed, ..key },
            Extent { from: moment(0), to: moment(9), ended: false, created: None },
        );
        log.watched(&"shop".into(), (moment(1), moment(to)));
        log.born(&"data".into(), Birth { at: moment(0), empty: true, for_first_pod: false });
        log
    }

    fn seen(log: &Observed) -> Vec<(RunKey, Extent)> {
        log.runs().filter(|(key, _)| key.known == Known::Seen).map(|(key, extent)| (key.clone(), *extent)).collect()
    }

    #[test]
    fn what_was_seen_is_known_again_and_what_was_only_claimed_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(store.remembered("https://a").unwrap().log, Observed::default());
        let own = log("p", 9);
        store.remember("https://a", &own).unwrap();
        let again = store.remembered("https://a").unwrap().log;
        assert_eq!(again.runs().collect::<Vec<_>>().len(), 1);
        assert_eq!(seen(&again), seen(&own));
        assert_eq!(again.in_sight("shop"), own.in_sight("shop"));
        assert_eq!(again.birth(&"data".into()), own.birth(&"data".into()));
        assert_eq!(store.remembered("https://b").unwrap().log, Observed::default(), "another cluster is another log");
    }

    #[test]
    fn what_two_consoles_saw_is_kept_together_whoever_writes_last() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.remember("s", &log("p", 3)).unwrap();
        store.remember("s", &log("q", 4)).unwrap();
        store.remember("s", &log("p", 9)).unwrap();
        let all = seen(&store.remembered("s").unwrap().log);
        assert_eq!(all.iter().map(|(_, extent)| extent.to).collect::<Vec<_>>(), [moment(9), moment(4)]);
    }

    #[test]
    fn a_line_that_cannot_be_read_is_counted_and_costs_itself() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.remember("s", &log("p", 3)).unwrap();
        let path = store.observed("s");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{{\n{text}{{\"ran\":7}}\n")).unwrap();
        let read = store.remembered("s").unwrap();
        assert_eq!((seen(&read.log).len(), read.unread), (1, 2));
    }
}
