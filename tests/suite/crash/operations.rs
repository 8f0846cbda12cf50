//! The operations that are killed: what each works on, how it is asked for, and how it is taken back.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use http::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::picture::{Names, Picture};
use crate::in_place;
use crate::support::cluster::{TestCluster, User};
use crate::support::person::{self, Person};
use crate::support::proxy::{Fault, Gate, Order};
use crate::support::wait::{self, LONG};
use crate::support::{kubelet, manifests};

/// An operation that is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Backup,
    /// A backup with hooks that hold the application over the cut.
    Held,
    Restore,
    /// In place, of a StatefulSet.
    OfSet,
    /// In place, of both volumes of a StatefulSet.
    WholeSet,
    /// In place, of a Deployment beside a CronJob.
    OfDeployment,
    /// In place, and the application may not be started again: everything is taken back.
    Refused,
    Drill,
    Prune,
    Hold,
    /// A renewal, of a certificate that a workload takes by environment variables.
    Renew,
    /// A rotation, of a certificate that a workload takes by environment variables.
    Rotate,
    /// A phase of a CA rotation.
    OfCa(&'static str),
    Release,
    /// Taking a backup back.
    UndoOfBackup,
    /// Taking a restore in place back.
    UndoOfRestore,
}

/// How what was done is taken back once the operation has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Back {
    /// By `operations undo`.
    Undo,
    /// By another verb.
    By(Vec<String>),
    /// Nothing is left of it by itself.
    Nothing,
}

/// What an operation works on, before it began.
pub struct Scene {
    pub sre: Person,
    pub arguments: Vec<String>,
    /// Journals of what was done before.
    known: BTreeSet<PathBuf>,
    names: Names,
    pub before: Picture,
    /// Runs what runs in pods.
    _kubelet: JoinSet<()>,
}

impl Operation {
    /// How it is taken back; `None` when its end is all that there is.
    pub fn back(self, cluster: &TestCluster) -> Option<Back> {
        match self {
            Self::Backup
            | Self::Held
            | Self::OfSet
            | Self::WholeSet
            | Self::OfDeployment
            | Self::Rotate
            | Self::OfCa(_) => Some(Back::Undo),
            Self::Hold => Some(Back::By(vec!["release".into(), format!("{}/copy", cluster.namespace), "--yes".into()])),
            Self::Drill => Some(Back::Nothing),
            Self::Restore
            | Self::Refused
            | Self::Prune
            | Self::Release
            | Self::Renew
            | Self::UndoOfBackup
            | Self::UndoOfRestore => None,
        }
    }

    /// The exit code of a run that nothing disturbs.
    pub fn code(self) -> i32 {
        i32::from(self == Self::Refused)
    }

    /// What stands in its way in every run, once this is called.
    pub fn disturb(self, cluster: &TestCluster, scene: &Scene) {
        if self == Self::Refused {
            let state = scene.sre.state();
            let due = move || person::has(&state, "done", "bound") && !person::has(&state, "failed", "start-0");
            cluster.proxy.order(Order::on(Method::PATCH, "/scale", Fault::Status(403, None)).when(due).times(1));
        }
    }

    /// Makes what it works on.
    pub async fn scene(self, cluster: &TestCluster) -> Scene {
        let kubelet = kubelet::run(cluster);
        let (sre, arguments) = self.prepared(cluster).await;
        let known = sre.journals().into_iter().collect();
        let names = Names::of(cluster).await;
        let mut scene = Scene { sre, arguments, known, names, before: Picture::default(), _kubelet: kubelet };
        scene.before = scene.picture(cluster).await;
        scene
    }

    async fn prepared(self, cluster: &TestCluster) -> (Person, Vec<String>) {
        let path = |name: &str| format!("{}/{name}", cluster.namespace);
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<String>>();
        match self {
            Self::OfSet | Self::Refused => in_place_of(in_place::Scene::stateful_set(cluster, "db").await, cluster),
            Self::WholeSet => {
                let (sre, set, _) = crate::sets::outdated(cluster).await;
                (sre, words(&["restore-in-place", &path("data-db-0"), "--set", &set, "--yes"]))
            }
            Self::OfDeployment => {
                let scene = in_place::Scene::deployment(cluster, "web").await;
                cluster.create(&manifests::cron_job(&cluster.namespace, "nightly", &scene.claim)).await;
                in_place_of(scene, cluster)
            }
            Self::UndoOfRestore => {
                let (sre, arguments) = Box::pin(Self::OfSet.prepared(cluster)).await;
                undo_of(sre, &arguments).await
            }
            Self::UndoOfBackup => {
                let (sre, arguments) = Box::pin(Self::Backup.prepared(cluster)).await;
                undo_of(sre, &arguments).await
            }
            Self::Backup => (copied(cluster).await, words(&["backup", &path("data"), "--yes"])),
            Self::Held => {
                let sre = copied(cluster).await;
                cluster.database("data", &json!({})).await;
                let volume = cluster.bound("data").await;
                cluster.write(&volume, "state", b"released\n");
                let hooks = crate::hooks::own(cluster, &volume);
                (sre, [words(&["backup", &path("data"), "--yes"]), hooks.to_vec()].concat())
            }
            Self::Restore => (copied(cluster).await, words(&["restore", &path("copy"), "--to", "back", "--yes"])),
            Self::Drill => (copied(cluster).await, words(&["drill", &path("copy"), "--yes"])),
            Self::Prune => {
                let sre = copied(cluster).await;
                crate::prune::copy(cluster, "data", "newer", |_| {}).await;
                (sre, words(&["prune", &path("data"), "--keep-last", "1", "--yes"]))
            }
            Self::Hold => (copied(cluster).await, words(&["hold", &path("copy"), "--reason", "audit", "--yes"])),
            Self::Renew => {
                let sre = crate::renew::prepared(cluster).await;
                cluster.create(&crate::renew::user(&cluster.namespace, "Deployment", "front", 1, false)).await;
                crate::renew::pods(cluster, "front", 1).await;
                (sre, words(&["renew", &path("web"), "--yes"]))
            }
            Self::Rotate => {
                let (sre, _) = crate::rotate::prepared(cluster).await;
                cluster.create(&crate::renew::user(&cluster.namespace, "Deployment", "front", 1, false)).await;
                crate::renew::pods(cluster, "front", 1).await;
                (sre, words(&["rotate", &path("web-tls"), "--yes"]))
            }
            Self::OfCa(phase) => crate::rotate_ca::before(cluster, phase).await,
            Self::Release => {
                let (sre, arguments) = Box::pin(Self::Hold.prepared(cluster)).await;
                sre.run(&slices(&arguments)).await.expect(0);
                (sre, words(&["release", &path("copy"), "--yes"]))
            }
        }
    }

    /// How many lines apart its journal is cut: every line of a short one, of a long one some, others each day. All of
    /// them with `HOLDFAST_EVERY_LINE` in the environment; few on the lab.
    pub fn points(self, cluster: &TestCluster, lines: usize) -> Vec<usize> {
        let in_place = matches!(self, Self::OfSet | Self::WholeSet | Self::OfDeployment | Self::Refused);
        let most = match (cluster.is_embedded(), in_place) {
            (true, _) if lines <= 16 || std::env::var_os("HOLDFAST_EVERY_LINE").is_some() => lines,
            (true, _) => 12,
            (false, true) => 6,
            (false, false) => 2,
        };
        let apart = lines.div_ceil(most);
        let days = usize::try_from(jiff::Timestamp::now().as_second() / 86_400).unwrap();
        (1 + days % apart..=lines).step_by(apart).collect()
    }
}

pub fn slices(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

/// A volume with known bytes and a good copy of it, that may go.
async fn copied(cluster: &TestCluster) -> Person {
    let volume = cluster.claim("data").await;
    cluster.write(&volume, "rows", b"before the cut");
    crate::prune::copy(cluster, "data", "copy", |_| {}).await;
    cluster.write(&volume, "rows", b"after the cut");
    cluster.person(User::Sre)
}

fn in_place_of(scene: in_place::Scene, cluster: &TestCluster) -> (Person, Vec<String>) {
    let path = scene.path(cluster);
    let arguments = scene.command(&path, &[]).iter().map(ToString::to_string).collect();
    (scene.sre, arguments)
}

/// Does something, and says how it is taken back.
async fn undo_of(sre: Person, arguments: &[String]) -> (Person, Vec<String>) {
    sre.run(&slices(arguments)).await.expect(0);
    let id = sre.operation().await["id"].as_str().unwrap().to_owned();
    (sre, ["operations", "undo", &id, "--yes"].map(str::to_owned).to_vec())
}

/// Kills a command as soon as the journal of its operation, which is a new one, has so many lines. From there on its
/// requests are held, so that it comes no further than to where it needs the server; what it wrote on the way there is
/// as if the kill had come before.
pub async fn kill_after(cluster: &TestCluster, sre: &Person, arguments: &[&str], lines: usize) {
    let (gate, state) = (Gate::shut(), sre.state());
    let known: BTreeSet<PathBuf> = sre.journals().into_iter().collect();
    let before = known.clone();
    let written = move || lines_below(&state, &known);
    let (reached, written) = (written.clone(), written);
    cluster.proxy.order(Order::any(Fault::Hold(gate.clone())).when(move || reached() >= lines));
    let mut running = sre.start(arguments);
    wait::until("the journal to have its lines", LONG, async || {
        let over = running.try_wait().unwrap().is_some();
        assert!(!over || written() >= lines, "it ended before line {lines}: {:?}", sre.story());
        (written() >= lines).then_some(())
    })
    .await;
    running.kill().await.unwrap();
    gate.break_off();
    cluster.proxy.clear();
    let new = sre.journals().into_iter().find(|journal| !before.contains(journal));
    sre.cut_journal(&new.unwrap(), lines);
}

impl Scene {
    /// The journal of the operation, once it has begun.
    fn journal(&self) -> Option<PathBuf> {
        self.sre.journals().into_iter().find(|journal| !self.known.contains(journal))
    }

    /// Its id.
    pub fn id(&self) -> String {
        self.journal().unwrap().file_stem().unwrap().to_str().unwrap().to_owned()
    }

    /// Whole lines of its journal.
    pub fn lines(&self) -> usize {
        lines_below(&self.sre.state(), &self.known)
    }

    /// What its journal tells, a word for each line.
    pub fn story(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.journal().unwrap()).unwrap();
        let what = |line: &str| {
            let entry: Value = serde_json::from_str(line).unwrap();
            let body = &entry["body"];
            [&body["what"], &body["step"]].iter().filter_map(|word| word.as_str()).collect::<Vec<_>>().join(" ")
        };
        text.lines().map(what).collect()
    }

    /// Kills it as soon as its journal has so many lines (see [`kill_after`]).
    pub async fn kill_after(&self, cluster: &TestCluster, lines: usize) {
        kill_after(cluster, &self.sre, &slices(&self.arguments), lines).await;
    }

    /// All operations that this person ran, the first first.
    fn operations(&self) -> Vec<String> {
        let began = |path: PathBuf| {
            let text = std::fs::read_to_string(&path).unwrap();
            let first: Value = serde_json::from_str(text.lines().next()?).ok()?;
            let id = path.file_stem()?.to_str()?.to_owned();
            Some((first["at"].as_str()?.parse::<jiff::Timestamp>().ok()?, id))
        };
        let mut began: Vec<_> = self.sre.journals().into_iter().filter_map(began).collect();
        began.sort();
        began.into_iter().map(|(_, id)| id).collect()
    }

    pub async fn picture(&self, cluster: &TestCluster) -> Picture {
        Picture::of(cluster, &self.names, &self.operations()).await
    }
}

/// Whole lines of the journals below a state directory, but of those known.
fn lines_below(state: &Path, known: &BTreeSet<PathBuf>) -> usize {
    let own = person::journals(state).into_iter().filter(|journal| !known.contains(journal));
    own.map(|journal| std::fs::read_to_string(journal).unwrap_or_default().matches('\n').count()).sum()
}
