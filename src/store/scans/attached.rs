//! SARIF that registries have attached to digests of images: handed over like the keys of `ConfigMap`s are.
//!
//! A scan that is attached to a digest is of that digest, unless its own stamp names others: then it is of those alone,
//! and that is said. What was attached to an image that does not run any more stays.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use super::handed::{READING, known, parse, unread};
use super::{ScanFile, Scans, sha256, taken, with_stamp};
use crate::config::{ScanPlace, ScanRegistry};
use crate::model::{Diagnostic, Scan, Subject, SubjectSource};
use crate::text;

/// How names of what registries have begin, so that no file is taken for it.
pub(super) const KIND: &str = "registry:";

/// The registries.
#[derive(Debug, Default)]
pub(super) struct Registries {
    /// As which places they are remembered, by host.
    places: BTreeMap<String, ScanPlace>,
    /// Why one could not be asked, or not yet.
    blind: BTreeMap<String, String>,
}

impl Registries {
    pub(super) fn places(&self) -> impl Iterator<Item = &ScanPlace> {
        self.places.values()
    }

    pub(super) fn faults(&self) -> impl Iterator<Item = String> {
        self.blind.iter().map(|(host, why)| format!("SARIF attached to images in registry {host}: {why}"))
    }

    pub(super) fn waiting(&self) -> bool {
        self.blind.values().any(|why| why == READING)
    }
}

/// `SARIF attached to HOST/REPOSITORY@sha256:…` of the name that it is kept by.
pub(super) fn called(path: &Path) -> Option<String> {
    let parts: Vec<_> = path.iter().skip(1).map(|part| part.to_string_lossy()).collect();
    let at = parts.iter().position(|part| part.starts_with("sha256:"))?;
    let log = parts.get(at + 1).map(|log| format!(", {log}")).unwrap_or_default();
    Some(format!("SARIF attached to {}@{}{log}", parts[..at].join("/"), parts[at]))
}

impl Scans {
    /// The same, which takes in what these registries have as well.
    #[must_use]
    pub fn asking(mut self, registries: &[ScanRegistry]) -> Self {
        let place = |one: &ScanRegistry| ScanPlace { path: [KIND, &one.host].iter().collect(), trusted: one.trusted };
        let all = &mut self.handed.registries;
        all.places = registries.iter().map(|one| (one.host.clone(), place(one))).collect();
        all.blind = registries.iter().map(|one| (one.host.clone(), READING.to_owned())).collect();
        self
    }

    /// A registry is about to be asked for what it was not asked for before.
    pub fn registry_asking(&mut self, host: &str) {
        self.registry_blind(host, READING);
    }

    /// A registry was asked for all that runs.
    pub fn registry_asked(&mut self, host: &str) {
        self.handed.registries.blind.remove(host);
    }

    /// A registry could not be asked, and why; what was read of it stays.
    pub fn registry_blind(&mut self, host: &str, why: &str) {
        self.handed.registries.blind.insert(host.to_owned(), why.to_owned());
    }

    /// What is attached to an image now: each log by its digest, with its bytes or why these cannot be had. `now` tells
    /// times that cannot be.
    pub fn attach(
        &mut self,
        (host, repository, digest): (&str, &str, &str),
        logs: Vec<(String, Result<Vec<u8>, String>)>,
        now: Timestamp,
    ) {
        let Some(place) = self.handed.registries.places.get(host).cloned() else { return };
        let folder = place.path.join(repository).join(digest);
        let mut before: BTreeSet<PathBuf> = self.handed.below(&folder).collect();
        let image = Subject {
            digests: [digest.into()].into(),
            image: Some(format!("{host}/{repository}").into()),
            ..Subject::of(SubjectSource::Attached)
        };
        for (log, bytes) in logs {
            let path = folder.join(&log);
            before.remove(&path);
            let length = bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
            let file = read(path.clone(), bytes, &image, place.trusted, now);
            let former = self.handed.known.remove(&path);
            self.handed.known.insert(path, known(file, length).or_what_was_before(former));
        }
        for path in before {
            self.handed.known.remove(&path);
        }
    }
}

fn read(path: PathBuf, bytes: Result<Vec<u8>, String>, image: &Subject, trusted: bool, now: Timestamp) -> ScanFile {
    let name: Arc<str> = text::sanitize(&called(&path).unwrap_or_default()).into();
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(why) => return unread(path, name, &why),
    };
    // One log that is attached to two images is two sources, and each is kept.
    let digest = with_stamp(sha256(&bytes), sha256(image.digests.join(" ").as_bytes()));
    let mut log = parse(&bytes, "", now);
    let conflicts = log.scans.iter_mut().enumerate().filter_map(|(run, scan)| attach(run, scan, image));
    let conflicts: Vec<Diagnostic> = conflicts.collect();
    log.diagnostics.extend(conflicts);
    taken(path, name, log, digest, trusted)
}

/// Says of a scan that it is of the image; or that its own stamp says otherwise, and is believed. An image has several
/// digests, so that both may be right: but nothing here proves it.
fn attach(run: usize, scan: &mut Scan, image: &Subject) -> Option<Diagnostic> {
    let stamped = scan.subjects.iter().filter(|subject| subject.source == SubjectSource::Stamp);
    let named: Vec<&Arc<str>> = stamped.flat_map(|subject| &subject.digests).collect();
    if let Some(other) = named.first().filter(|_| !named.iter().any(|digest| image.digests.contains(digest))) {
        let text = format!(
            "it is attached to {} and its own stamp names {other}: it counts for what its stamp names alone",
            image.digests.join(" ")
        );
        return Some(Diagnostic { code: "other-subject", path: format!("runs[{run}]"), text, lost: false });
    }
    scan.subjects = scan.subjects.iter().chain([image]).cloned().collect();
    scan.digest = with_stamp(scan.digest, sha256(image.digests.join(" ").as_bytes()));
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Findings;

    fn digest(of: char) -> String {
        format!("sha256:{}", of.to_string().repeat(64))
    }

    fn log(stamp: Option<&str>) -> Vec<u8> {
        let properties =
            stamp.map_or_else(String::new, |stamp| format!(r#", "properties": {{ "holdfast/subject": {stamp} }}"#));
        format!(
            r#"{{"version":"2.1.0","runs":[{{"tool":{{"driver":{{"name":"t"}}}},
            "invocations":[{{"executionSuccessful":true}}],
            "results":[{{"ruleId":"r","message":{{"text":"m"}}}}]{properties}}}]}}"#
        )
        .into_bytes()
    }

    fn scans(trusted: bool) -> Scans {
        let host = "r.example:5000".to_owned();
        Scans::default().asking(&[ScanRegistry { host, trusted, ..ScanRegistry::default() }])
    }

    fn hand(scans: &mut Scans, of: char, logs: Vec<(String, Result<Vec<u8>, String>)>) {
        scans.attach(("r.example:5000", "team/app", &digest(of)), logs, Timestamp::UNIX_EPOCH);
    }

    fn subjects(found: &Findings) -> Vec<(SubjectSource, String)> {
        let all = found.scans().iter().flat_map(|taken| taken.scan.subjects.iter());
        let mut all: Vec<_> = all.map(|subject| (subject.source, subject.digests.join(" "))).collect();
        all.sort();
        all
    }

    #[test]
    fn a_scan_is_of_the_image_that_it_is_attached_to_unless_its_stamp_names_another() {
        let (a, b) = (digest('a'), digest('b'));
        let same = format!(r#"{{"digest":"{a}"}}"#);
        let other = format!(r#"{{"digest":"{b}"}}"#);
        let attached = || (SubjectSource::Attached, a.clone());
        for (stamp, expected, conflicts) in [
            (None, vec![attached()], 0),
            (Some(same.as_str()), vec![(SubjectSource::Stamp, a.clone()), attached()], 0),
            (Some(r#"{"namespace":"shop"}"#), vec![(SubjectSource::Stamp, String::new()), attached()], 0),
            (Some(other.as_str()), vec![(SubjectSource::Stamp, b.clone())], 1),
        ] {
            let mut scans = scans(true);
            hand(&mut scans, 'a', vec![(digest('1'), Ok(log(stamp)))]);
            assert_eq!(subjects(&scans.findings(Timestamp::UNIX_EPOCH)), expected, "{stamp:?}");
            let said = scans.files().flat_map(|file| &file.diagnostics).filter(|one| one.code == "other-subject");
            assert_eq!(said.count(), conflicts, "{stamp:?}");
        }
    }

    #[test]
    fn one_log_that_is_attached_to_two_images_is_a_scan_of_each() {
        let mut scans = scans(true);
        for of in ['a', 'b'] {
            hand(&mut scans, of, vec![(digest('1'), Ok(log(None)))]);
        }
        let found = subjects(&scans.findings(Timestamp::UNIX_EPOCH));
        assert_eq!(found, [(SubjectSource::Attached, digest('a')), (SubjectSource::Attached, digest('b'))]);
    }

    #[test]
    fn what_is_taken_away_goes_and_what_cannot_be_had_any_more_stays_and_is_behind() {
        let mut scans = scans(false);
        hand(&mut scans, 'a', vec![(digest('1'), Ok(log(None))), (digest('2'), Err("it answered 500".into()))]);
        let told = |scans: &Scans| -> Vec<String> {
            let broken = |file: &ScanFile| file.behind.is_some() || file.broken().is_some();
            scans.files().map(|file| format!("{} {}", file.taken.len(), broken(file))).collect()
        };
        assert_eq!(told(&scans), ["1 false", "0 true"]);
        let name = format!("SARIF attached to r.example:5000/team/app@{}, {}", digest('a'), digest('1'));
        assert_eq!(*scans.files().next().unwrap().name, *name);
        assert!(scans.files().all(|file| file.taken.iter().all(|taken| !taken.source.trusted)));
        hand(&mut scans, 'a', vec![(digest('1'), Err("it answered 500".into()))]);
        assert_eq!(told(&scans), ["1 true"]);
        hand(&mut scans, 'a', Vec::new());
        assert_eq!(told(&scans), [""; 0]);
    }

    #[test]
    fn a_registry_is_unread_until_it_was_asked_and_while_it_cannot_be() {
        let mut scans = scans(true);
        assert!(scans.waiting() && scans.faults()[0].contains("registry r.example:5000: still being read"));
        scans.registry_blind("r.example:5000", "it answered 503\u{1b}[2J");
        assert!(!scans.waiting() && scans.faults()[0].contains("it answered 503"));
        assert!(!scans.faults()[0].contains('\u{1b}'));
        scans.registry_asked("r.example:5000");
        assert!(!scans.waiting() && scans.faults().is_empty());
        scans.registry_asking("r.example:5000");
        assert!(scans.waiting());
    }
}
