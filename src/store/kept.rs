//! Scans that were read once, kept in the state directory: a pipeline that writes over `latest.sarif` takes the former
//! scan away, and not what it proved.
//!
//! One content is kept once, in the reduced form of [`form`], with a card beside it: where it was read, when, and what
//! its bytes hash to. A card says nothing of trust: that is looked up in the places as they are configured now. What was
//! read below a place that is no longer configured is not used at all, so that taking a place out of the configuration
//! takes back what was read there. What is damaged is told, proves nothing, and counts as a source that was not read.

mod form;

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::scans::called;
use super::{StoreError, io_error, own_folders, write_private_bytes};
use crate::config::ScanPlace;
use crate::model::{Scan, ScanSource, Taken};
use crate::text;

use form::{ScanForm, bytes};

/// The version of cards and bodies.
const FORMAT: u32 = 1;
/// The most that one body may hold when it is unpacked.
const MOST: u64 = 1 << 30;
/// So many later scans of its series make a scan one of the first to go when there is no room.
const SEVERAL: usize = 3;

/// How much is kept.
#[derive(Clone, Copy, Debug)]
struct Limit {
    files: usize,
    bytes: u64,
}

const LIMIT: Limit = Limit { files: 5_000, bytes: 2 << 30 };

/// What stands beside a body.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Card {
    format: u32,
    /// Hash of the body as it lies on disk.
    body: String,
    /// Its size.
    packed: u64,
    /// Size of the log that was read.
    size: u64,
    /// The files that held it, with when that was seen first. A name that is no UTF-8 is kept as it can be shown and
    /// is below no place again.
    read: BTreeMap<String, Timestamp>,
    /// What orders it among the others: the series of its scans and when they ran.
    scans: Vec<(Vec<String>, Option<Timestamp>)>,
}

impl Card {
    /// Whether it was read below a place that is configured, and whether such a place is trusted.
    fn trusted(&self, places: &[ScanPlace]) -> Option<bool> {
        let from = |place: &&ScanPlace| self.read.keys().any(|file| Path::new(file).starts_with(&place.path));
        places.iter().filter(from).map(|place| place.trusted).max()
    }

    /// When it ran; when it was read, where it does not say.
    fn age(&self) -> Option<Timestamp> {
        self.scans.iter().filter_map(|(_, at)| *at).max().or(self.read.values().min().copied())
    }

    fn name(&self) -> String {
        let (file, at) = self.read.iter().min_by_key(|(_, at)| **at).map_or(("", None), |(file, at)| (file, Some(at)));
        let at = at.map(|at| format!("{at:.0}")).unwrap_or_default();
        let file = called(Path::new(file)).unwrap_or_else(|| file.to_owned());
        text::sanitize(&format!("{file}, as it was read at {at}")).into_owned()
    }
}

#[derive(Debug)]
struct Kept {
    card: Card,
    /// Its scans, while they are needed: not while a file of a place holds the same.
    scans: Option<Vec<Arc<Scan>>>,
}

/// A log that was just read whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fresh<'a> {
    pub path: &'a Path,
    pub size: u64,
    pub taken: &'a [Taken],
}

/// All that is kept.
#[derive(Debug)]
pub(super) struct Memory {
    folder: PathBuf,
    limit: Limit,
    known: BTreeMap<[u8; 32], Kept>,
    /// What is damaged, by what it was kept as.
    damaged: BTreeMap<String, String>,
    opened: bool,
    dropped: usize,
    /// Why something is not kept.
    failed: Option<String>,
}

/// Hashes of what files of places hold now, each with whether one of these is trusted.
pub(super) type Live = HashMap<[u8; 32], bool>;

impl Memory {
    pub(super) fn of(state: &Path) -> Self {
        Self {
            folder: state.join("scans"),
            limit: LIMIT,
            known: BTreeMap::new(),
            damaged: BTreeMap::new(),
            opened: false,
            dropped: 0,
            failed: None,
        }
    }

    /// Whether it holds what a file holds, and knows that the file does.
    pub(super) fn has(&self, bytes: &[u8; 32], path: &Path) -> bool {
        self.known.get(bytes).is_some_and(|kept| kept.card.read.contains_key(&*path.to_string_lossy()))
    }

    /// Reads the cards, the first time.
    pub(super) fn open(&mut self) {
        if std::mem::replace(&mut self.opened, true) {
            return;
        }
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => {
                let said = text::sanitize(&format!("{}: {error}", self.folder.display())).into_owned();
                self.damaged.insert(String::new(), said);
                return;
            }
        };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".json"));
            let Some((name, source)) = name.and_then(|name| Some((name, bytes(name)?))) else { continue };
            match card(&path) {
                Ok(card) => drop(self.known.insert(source, Kept { card, scans: None })),
                Err(why) => self.damage(name, &path, &why),
            }
        }
    }

    fn damage(&mut self, name: &str, path: &Path, why: &str) {
        let said = format!(
            "{}: what is kept of a scan is damaged ({why}); scan again, or delete the file to do without",
            path.display()
        );
        self.damaged.insert(name.to_owned(), text::sanitize(&said).into_owned());
    }

    /// Keeps logs that were just read, as far as there is room; what several later scans follow makes way first, and
    /// nothing that a file of a place holds now.
    pub(super) fn keep(&mut self, fresh: &[Fresh], live: &Live, now: Timestamp) {
        self.failed = None;
        if fresh.is_empty() {
            return;
        }
        if let Err(error) = self.locked(|memory| memory.keep_each(fresh, live, now)) {
            self.failed = Some(text::sanitize(&text::chain(&error)).into_owned());
        }
    }

    fn keep_each(&mut self, fresh: &[Fresh], live: &Live, now: Timestamp) -> Result<(), StoreError> {
        self.make_room(fresh.len(), live)?;
        for (at, one) in fresh.iter().enumerate() {
            let Some(source) = one.taken.first().map(|taken| taken.source.bytes) else { continue };
            let full = self.known.len() >= self.limit.files || self.packed() >= self.limit.bytes;
            if full && !self.known.contains_key(&source) {
                let left = text::plural(fresh.len() - at, "scan", "scans");
                self.failed = Some(format!("there is no room in {}: {left} not kept", self.folder.display()));
                return Ok(());
            }
            self.keep_one(source, one, now)?;
        }
        Ok(())
    }

    fn keep_one(&mut self, source: [u8; 32], fresh: &Fresh, now: Timestamp) -> Result<(), StoreError> {
        let name = text::hex(&source);
        // Another console may have kept it meanwhile, from elsewhere.
        let known = self.known.get(&source).map(|kept| kept.card.clone());
        let card = match known.or_else(|| card(&self.card(&name)).ok().filter(|card| self.body(&name, card).is_ok())) {
            Some(card) => card,
            None => self.write_body(&name, fresh)?,
        };
        let mut card = card;
        card.read.entry(fresh.path.to_string_lossy().into_owned()).or_insert(now);
        // Strings, numbers and times: they always serialise.
        let written = serde_json::to_vec(&card).unwrap_or_default();
        write_private_bytes(&self.card(&name), &written, true)?;
        self.damaged.remove(&name);
        self.known.insert(source, Kept { card, scans: None });
        Ok(())
    }

    fn write_body(&self, name: &str, fresh: &Fresh) -> Result<Card, StoreError> {
        let forms: Vec<ScanForm> = fresh.taken.iter().map(|taken| ScanForm::of(&taken.scan)).collect();
        let mut packer = GzEncoder::new(Vec::new(), Compression::default());
        let path = self.place(name);
        let body = serde_json::to_writer(&mut packer, &forms)
            .map_err(io::Error::from)
            .and_then(|()| packer.flush())
            .and_then(|()| packer.finish());
        let body = body.map_err(io_error("write", &path))?;
        write_private_bytes(&path, &body, true)?;
        let scans = fresh.taken.iter().map(|taken| {
            let series = &taken.scan.series;
            let names = [&series.tool, &series.category, &series.repository, &series.branch];
            (names.map(ToString::to_string).to_vec(), taken.scan.at.map(|(at, _)| at))
        });
        Ok(Card {
            format: FORMAT,
            body: text::sha256(&body),
            packed: body.len() as u64,
            size: fresh.size,
            read: BTreeMap::new(),
            scans: scans.collect(),
        })
    }

    fn card(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }

    fn place(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.scans.gz"))
    }

    fn packed(&self) -> u64 {
        self.known.values().map(|kept| kept.card.packed).sum()
    }

    fn make_room(&mut self, files: usize, live: &Live) -> Result<(), StoreError> {
        let (mut count, mut packed) = (self.known.len() + files, self.packed());
        if count <= self.limit.files && packed < self.limit.bytes {
            return Ok(());
        }
        for source in self.first_to_go(live) {
            if count <= self.limit.files && packed < self.limit.bytes {
                break;
            }
            let name = text::hex(&source);
            // The card goes last: one without its body is damage.
            for path in [self.card(&name), self.place(&name)] {
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        return Err(io_error("remove", &path)(error));
                    }
                    _ => {}
                }
            }
            packed -= self.known.remove(&source).map_or(0, |kept| kept.card.packed);
            count -= 1;
            self.dropped += 1;
        }
        Ok(())
    }

    /// What is kept and lies nowhere else, in the order in which it makes way.
    fn first_to_go(&self, live: &Live) -> Vec<[u8; 32]> {
        let mut series: HashMap<&[String], Vec<Timestamp>> = HashMap::new();
        for (name, at) in self.known.values().flat_map(|kept| &kept.card.scans) {
            series.entry(name).or_default().extend(*at);
        }
        let later = |(name, at): &(Vec<String>, Option<Timestamp>)| {
            let all = series.get(name.as_slice()).into_iter().flatten();
            all.filter(|other| at.is_some_and(|at| **other > at)).count()
        };
        let superseded = |card: &Card| card.scans.iter().map(later).min().is_some_and(|count| count >= SEVERAL);
        let kept = self.known.iter().filter(|(source, _)| !live.contains_key(*source));
        let mut order: Vec<_> =
            kept.map(|(source, kept)| (!superseded(&kept.card), kept.card.age(), *source)).collect();
        order.sort_unstable();
        order.into_iter().map(|(.., source)| source).collect()
    }

    fn locked(&mut self, then: impl FnOnce(&mut Self) -> Result<(), StoreError>) -> Result<(), StoreError> {
        own_folders().recursive(true).create(&self.folder).map_err(io_error("create", &self.folder))?;
        let lock = self.folder.join("lock");
        let held = File::create(&lock).map_err(io_error("open", &lock))?;
        held.lock().map_err(io_error("lock", &lock))?;
        then(self)
    }

    /// Reads again what no file of a place holds any more, and lets go of what one does.
    pub(super) fn settle(&mut self, places: &[ScanPlace], live: &Live) {
        let mut wanted = Vec::new();
        for (source, kept) in &mut self.known {
            let needed = match (kept.card.trusted(places), live.get(source)) {
                (None, _) => false,
                (Some(_), None) => true,
                // One scan is trusted when one of its places is.
                (Some(trusted), Some(now)) => trusted && !now,
            };
            match (needed, &kept.scans) {
                (true, None) => wanted.push(*source),
                (false, Some(_)) => kept.scans = None,
                _ => {}
            }
        }
        for source in wanted {
            let name = text::hex(&source);
            let Some(kept) = self.known.get(&source) else { continue };
            match self.body(&name, &kept.card) {
                Ok(scans) => {
                    let scans = Some(scans);
                    self.known.entry(source).and_modify(|kept| kept.scans = scans);
                }
                Err(why) => {
                    self.known.remove(&source);
                    // Another console may have made room.
                    if self.card(&name).exists() {
                        self.damage(&name, &self.card(&name), &why);
                    }
                }
            }
        }
    }

    fn body(&self, name: &str, card: &Card) -> Result<Vec<Arc<Scan>>, String> {
        let packed = fs::read(self.place(name)).map_err(|error| error.to_string())?;
        if text::sha256(&packed) != card.body {
            return Err("it is not what was written".to_owned());
        }
        let mut plain = Vec::new();
        GzDecoder::new(&*packed).take(MOST).read_to_end(&mut plain).map_err(|error| error.to_string())?;
        let forms: Vec<ScanForm> = serde_json::from_slice(&plain).map_err(|error| error.to_string())?;
        let scans = forms.into_iter().map(|form| form.scan().map(Arc::new)).collect::<Option<_>>();
        scans.ok_or_else(|| "it holds no scan".to_owned())
    }

    /// What is kept of places that are configured and that no file of them holds. Of one scan that was read with several
    /// stamps beside it the last counts.
    pub(super) fn taken(&self, places: &[ScanPlace]) -> impl Iterator<Item = Taken> {
        let mut all: Vec<(bool, Option<Timestamp>, [u8; 32], &Kept)> = Vec::new();
        for (bytes, kept) in self.known.iter().filter(|(_, kept)| kept.scans.is_some()) {
            let trusted = kept.card.trusted(places).unwrap_or_default();
            all.push((trusted, kept.card.read.values().min().copied(), *bytes, kept));
        }
        all.sort_by_key(|(trusted, at, bytes, _)| (*trusted, *at, *bytes));
        let mut once = HashMap::new();
        for (trusted, _, bytes, kept) in all {
            let source = Arc::new(ScanSource { name: kept.card.name().into(), bytes, trusted });
            for scan in kept.scans.iter().flatten() {
                once.insert(scan.digest, Taken { scan: scan.clone(), source: source.clone() });
            }
        }
        once.into_values()
    }

    /// What is damaged.
    pub(super) fn damaged(&self) -> impl Iterator<Item = &String> {
        self.damaged.values()
    }

    /// What else there is to say; it takes nothing away from what is read now.
    pub(super) fn notices(&self) -> impl Iterator<Item = String> {
        let failed =
            self.failed.as_ref().map(|why| format!("scans are not kept for when their file is replaced: {why}"));
        let dropped = (self.dropped > 0).then(|| {
            let count = text::plural(self.dropped, "scan", "scans");
            format!("{count} made way for newer ones in {}, and prove nothing any more", self.folder.display())
        });
        failed.into_iter().chain(dropped).map(|said| text::sanitize(&said).into_owned())
    }
}

fn card(path: &Path) -> Result<Card, String> {
    let text = fs::read(path).map_err(|error| error.to_string())?;
    let card: Card = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    if card.format == FORMAT { Ok(card) } else { Err(format!("its format is {}, and not {FORMAT}", card.format)) }
}

#[cfg(test)]
mod tests;
