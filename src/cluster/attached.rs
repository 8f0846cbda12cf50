//! SARIF that registries have attached to the digests of images that run: asked for again every few minutes, for it may
//! be attached later.
//!
//! Only registries that are configured are asked, only for images that name them, and only with GET. Bytes are passed on
//! to whoever parses them and forgotten. What an image has and what of it cannot be had is told image by image; a
//! registry that cannot be asked for one of them is out of sight. Errors hold no body, no login and no address.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use http::StatusCode;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::config::ScanRegistry;
use crate::text;

mod fetch;
mod listing;
mod login;
mod registry;

use registry::Registry;

/// How often a registry is asked again for an image.
pub const ATTACHED_EVERY: Duration = Duration::from_secs(5 * 60);
/// How soon again when it could not be asked.
const AGAIN: Duration = Duration::from_secs(15);
/// How long all answers for one image may take.
const DEADLINE: Duration = Duration::from_secs(20);
/// So many images are asked for of one registry.
const MAX_IMAGES: usize = 2_000;

/// An image that runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Image {
    /// Its registry, as configured.
    pub host: String,
    /// Its repository there.
    pub repository: String,
    /// `sha256:…`.
    pub digest: String,
}

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// It is not known yet what runs.
    #[default]
    NotYet,
    /// What runs cannot be seen.
    Unseen,
    /// These.
    Images(BTreeSet<Image>),
}

/// The digest of a log and its bytes, or why these cannot be had.
pub type Attached = (String, Result<Vec<u8>, String>);

/// What is seen of registries.
#[derive(Debug, PartialEq, Eq)]
pub enum AttachedEvent {
    /// This registry is about to be asked for what was never asked for before.
    Asking(String),
    /// All that is attached to an image now.
    Is(Image, Vec<Attached>),
    /// This registry was asked for all that runs.
    Asked(String),
    /// This registry could not be asked for all of it, and why.
    Blind(String, String),
}

/// Running questions; they stop when it is dropped.
#[derive(Debug)]
pub struct AttachedWatch {
    _tasks: JoinSet<()>,
}

/// Asks these registries for what is wanted, and `every` so often again, until the answer is dropped. Must be called
/// inside a tokio runtime.
pub fn watch_attached(
    registries: &[ScanRegistry],
    wanted: &watch::Receiver<Wanted>,
    every: Duration,
    out: &mpsc::Sender<AttachedEvent>,
) -> AttachedWatch {
    let mut tasks = JoinSet::new();
    for from in registries {
        let asker = Asker {
            host: from.host.clone(),
            registry: Registry::new(from.clone()),
            every,
            met: BTreeSet::new(),
            asked: BTreeMap::new(),
            failed: BTreeMap::new(),
        };
        let (wanted, out) = (wanted.clone(), out.clone());
        tasks.spawn(async move {
            // Nobody listens any more, or nobody asks.
            let _ = asker.ask_for_ever(wanted, out).await;
        });
    }
    AttachedWatch { _tasks: tasks }
}

/// Why there is no answer. None of it repeats an address: one that a registry sends on to lets in.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("it cannot be reached: {0}; check the host in findings.registries, and that it can be reached from here")]
    Unreachable(Box<str>),
    #[error("what it sends on to cannot be reached; check that it can be from here, and ca in findings.registries")]
    Elsewhere,
    #[error("it gave no answer within {}s", DEADLINE.as_secs())]
    TimedOut,
    #[error("it answered {0}{hint}", hint = hint(*.0))]
    Status(StatusCode),
    #[error("it gave no token for it ({0}); log in with docker, and set auth = \"docker\" in findings.registries")]
    NoToken(StatusCode),
    #[error(
        "it asks for a login and none may be sent: docker's config.json has none for it, auth is not \"docker\" in \
         findings.registries, or it is insecure there"
    )]
    NoLogin,
    #[error("{0}")]
    Odd(&'static str),
    #[error("it answered with more than {} MiB, which is not read", .0 >> 20)]
    TooLong(usize),
    #[error("it is not asked: its file of certificate authorities {} {}; correct ca in findings.registries", .0.display(), .1)]
    Ca(PathBuf, Box<str>),
    #[error("it is not asked: it has both insecure and ca in findings.registries; correct one of them")]
    CaWithoutTls,
}

fn hint(status: StatusCode) -> &'static str {
    match status.as_u16() {
        300..=399 => "; name the host that it sends on to",
        401 | 403 => "; log in with docker as somebody who may pull, and set auth = \"docker\" in findings.registries",
        429 => "; it is asked too often, and will be asked again",
        _ => "",
    }
}

impl Fault {
    /// Whether no other question to the host would be answered.
    fn of_the_host(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::TimedOut | Self::Ca(..) | Self::CaWithoutTls)
            || matches!(self, Self::Status(StatusCode::TOO_MANY_REQUESTS))
    }

    /// The same of another host, whose name is not told.
    fn elsewhere(self) -> Self {
        if matches!(self, Self::Unreachable(_)) { Self::Elsewhere } else { self }
    }
}

/// Nobody listens any more.
struct Closed;

/// What was said of a registry last.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    Nothing,
    Asked,
    Blind(String),
}

/// Asks one registry.
struct Asker {
    host: String,
    registry: Registry,
    every: Duration,
    /// Images that were in some round.
    met: BTreeSet<Image>,
    /// When it was last asked for an image, with success.
    asked: BTreeMap<Image, Instant>,
    /// Why it could not be asked for an image.
    failed: BTreeMap<Image, String>,
}

impl Asker {
    async fn ask_for_ever(
        mut self,
        mut wanted: watch::Receiver<Wanted>,
        out: mpsc::Sender<AttachedEvent>,
    ) -> Result<(), Closed> {
        let mut said = Said::Nothing;
        loop {
            let now = wanted.borrow_and_update().clone();
            let state = match now {
                Wanted::NotYet => Said::Nothing,
                Wanted::Unseen => Said::Blind("it is not asked: it cannot be seen what runs".to_owned()),
                Wanted::Images(images) => self.round(images, &mut said, &out).await?,
            };
            if state != said {
                let event = match &state {
                    Said::Nothing => AttachedEvent::Asking(self.host.clone()),
                    Said::Asked => AttachedEvent::Asked(self.host.clone()),
                    Said::Blind(why) => AttachedEvent::Blind(self.host.clone(), why.clone()),
                };
                out.send(event).await.map_err(|_| Closed)?;
                said = state;
            }
            tokio::select! {
                changed = wanted.changed() => changed.map_err(|_| Closed)?,
                () = out.closed() => return Err(Closed),
                () = tokio::time::sleep(self.rest()) => {}
            }
        }
    }

    /// How long nothing is due.
    fn rest(&self) -> Duration {
        let next = self.asked.values().map(|at| self.every.saturating_sub(at.elapsed())).min().unwrap_or(self.every);
        if self.failed.is_empty() { next.max(Duration::from_millis(50)) } else { AGAIN.min(self.every) }
    }

    /// Asks for what is due; why something could not be asked for.
    async fn round(
        &mut self,
        mut images: BTreeSet<Image>,
        said: &mut Said,
        out: &mpsc::Sender<AttachedEvent>,
    ) -> Result<Said, Closed> {
        images.retain(|image| image.host == self.host);
        self.asked.retain(|image, _| images.contains(image));
        self.failed.retain(|image, _| images.contains(image));
        let left = images.len().saturating_sub(MAX_IMAGES);
        if !images.is_subset(&self.met) {
            *said = Said::Nothing;
            out.send(AttachedEvent::Asking(self.host.clone())).await.map_err(|_| Closed)?;
        }
        self.met.clone_from(&images);
        for image in images.into_iter().take(MAX_IMAGES) {
            if self.asked.get(&image).is_some_and(|at| at.elapsed() < self.every) {
                continue;
            }
            let asked = tokio::time::timeout(DEADLINE, self.registry.logs(&image)).await;
            match asked.unwrap_or(Err(Fault::TimedOut)) {
                Ok(found) => {
                    self.failed.remove(&image);
                    self.asked.insert(image.clone(), Instant::now());
                    if let Some(found) = found {
                        out.send(AttachedEvent::Is(image, found)).await.map_err(|_| Closed)?;
                    }
                }
                Err(fault) => {
                    self.registry.forget();
                    self.asked.remove(&image);
                    self.failed.insert(image, fault.to_string());
                    if fault.of_the_host() {
                        break;
                    }
                }
            }
        }
        Ok(self.trouble(left).map_or(Said::Asked, Said::Blind))
    }

    fn trouble(&self, left: usize) -> Option<String> {
        if left > 0 {
            return Some(format!("more than {MAX_IMAGES} of its images run, and it is asked for no more of them"));
        }
        let (image, why) = self.failed.iter().next()?;
        let more = match self.failed.len() {
            1 => String::new(),
            count => format!(" (and {} more)", text::plural(count - 1, "image", "images")),
        };
        Some(format!("what is attached to {}@{} is not known{more}: {why}", image.repository, image.digest))
    }
}
