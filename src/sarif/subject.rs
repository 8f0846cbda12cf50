//! What a scan says that it looked at: the stamp of a pipeline, and what tools write themselves.
//!
//! The stamp stands in `run.properties["holdfast/subject"]`: `digest` (a string or a list), `image`, `tag`,
//! `repository`, `revision`, `branch`, `namespace`, `kind`, `name`, `container`, and `complete: true` when the
//! pipeline vouches that the scan ran to its end.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::{Subject, SubjectSource};

use super::around::{Provenance, repository};
use super::intern::Texts;
use super::json::Cursor;
use super::notes::Notes;
use super::stamp::Stamp;

/// The name of the stamp.
pub const STAMP: &str = "holdfast/subject";

/// More images are not told of one run.
const MAX_IMAGES: usize = 64;

/// What property bags and results of a run say of it.
#[derive(Debug, Default)]
pub struct Told {
    /// The stamp.
    pub stamp: Option<Subject>,
    /// Whether the stamp vouches for the end of the scan.
    pub complete: bool,
    /// Trivy: `imageName`.
    image: Option<Arc<str>>,
    /// Trivy: `repoTags`.
    tags: Vec<Arc<str>>,
    /// Trivy: `repoDigests` and `imageID`.
    digests: Vec<Arc<str>>,
    /// Grype: images in names of logical locations.
    images: BTreeSet<Arc<str>>,
    /// Gitleaks: commits that hold findings.
    commits: BTreeSet<Arc<str>>,
}

/// What a member of the stamp says, where that is plain text.
fn slot<'s>(subject: &'s mut Subject, key: &[u8]) -> Option<&'s mut Option<Arc<str>>> {
    match key {
        b"image" => Some(&mut subject.image),
        b"tag" => Some(&mut subject.tag),
        b"revision" => Some(&mut subject.revision),
        b"branch" => Some(&mut subject.branch),
        b"namespace" => Some(&mut subject.namespace),
        b"kind" => Some(&mut subject.kind),
        b"name" => Some(&mut subject.name),
        b"container" => Some(&mut subject.container),
        _ => None,
    }
}

impl Told {
    /// Reads `run.properties`.
    pub fn properties(&mut self, cursor: &mut Cursor, texts: &mut Texts, run: usize, notes: &mut Notes) {
        cursor.object(|cursor, key| match key {
            b"holdfast/subject" => self.stamp(cursor, texts, run, notes),
            b"imageName" => self.image = texts.maybe(cursor.text().as_deref()),
            b"imageID" => self.digests.extend(cursor.text().as_deref().and_then(digest).map(|text| texts.get(text))),
            b"repoDigests" => drop(cursor.array(|cursor, _| {
                self.digests.extend(cursor.text().as_deref().and_then(digest).map(|text| texts.get(text)));
            })),
            b"repoTags" => drop(cursor.array(|cursor, _| self.tags.extend(texts.maybe(cursor.text().as_deref())))),
            _ => cursor.skip(),
        });
    }

    fn stamp(&mut self, cursor: &mut Cursor, texts: &mut Texts, run: usize, notes: &mut Notes) {
        let mut subject = Subject::of(SubjectSource::Stamp);
        let mut digests = Vec::new();
        let object = cursor.object(|cursor, key| {
            if key == b"complete" {
                self.complete = cursor.scalar().into_text().as_deref() == Some("true");
                return;
            }
            if key == b"digest" && cursor.peek() == Some(b'[') {
                cursor.array(|cursor, _| digests.extend(cursor.text()));
                return;
            }
            let Some(text) = cursor.text().filter(|text| !text.is_empty()) else { return };
            match key {
                b"digest" => digests.push(text),
                b"repository" => subject.repository = Some(texts.get(&repository(&text))),
                _ => {
                    if let Some(slot) = slot(&mut subject, key) {
                        *slot = Some(texts.get(&text));
                    }
                }
            }
        });
        let path = || format!("runs[{run}].properties[\"{STAMP}\"]");
        let (good, bad): (Vec<_>, Vec<_>) = digests.into_iter().partition(|text| digest(text).is_some());
        if !object {
            return notes.odd("bad-stamp", path, || "is not an object; left out".into());
        }
        for text in bad {
            notes.odd(
                "bad-stamp",
                || path() + ".digest",
                || format!("`{text}` is not sha256 and 64 hex digits; left out"),
            );
        }
        subject.digests = good.iter().filter_map(|text| digest(text)).map(|text| texts.get(text)).collect();
        self.stamp = Some(subject);
    }

    /// Takes what the pipeline says beside the log, where the run bears no stamp of its own.
    pub fn beside(&mut self, stamp: &Stamp, texts: &mut Texts) {
        if self.stamp.is_some() {
            return;
        }
        let mut text = |said: &Option<String>| texts.maybe(said.as_deref());
        let subject = Subject {
            image: text(&stamp.image),
            tag: text(&stamp.tag),
            revision: text(&stamp.revision),
            branch: text(&stamp.branch),
            namespace: text(&stamp.namespace),
            kind: text(&stamp.kind),
            name: text(&stamp.name),
            container: text(&stamp.container),
            repository: stamp.repository.as_deref().map(|uri| texts.get(&repository(uri))),
            digests: stamp.digests.iter().filter_map(|text| digest(text)).map(|text| texts.get(text)).collect(),
            source: SubjectSource::Stamp,
        };
        self.stamp = Some(subject);
        self.complete = stamp.complete;
    }

    /// Takes what one result says: a commit, or an image in the name of its logical location.
    pub fn result(&mut self, commit: Option<&str>, logical: Option<&str>, texts: &mut Texts) {
        let add = |set: &mut BTreeSet<Arc<str>>, text: &str, texts: &mut Texts| {
            if !set.contains(text) && set.len() <= MAX_IMAGES {
                set.insert(texts.get(text));
            }
        };
        if let Some(commit) = commit.filter(|commit| !commit.is_empty()) {
            add(&mut self.commits, commit, texts);
        }
        // `image@sha256:layer:/path`
        if let Some((image, layer)) = logical.and_then(|name| name.split_once("@sha256:"))
            && layer.contains(":/")
            && !image.is_empty()
        {
            add(&mut self.images, image, texts);
        }
    }

    /// All subjects, the stamp first.
    pub fn subjects(&self, provenance: &[Provenance], texts: &mut Texts) -> Box<[Subject]> {
        let mut all: Vec<Subject> = self.stamp.iter().cloned().collect();
        let tool = || Subject::of(SubjectSource::Tool);
        if !self.digests.is_empty() || !self.tags.is_empty() || self.image.is_some() {
            let named = self.tags.first().or(self.image.as_ref());
            let (image, tag) = named.map(|name| parts(name, texts)).unwrap_or_default();
            all.push(Subject { digests: self.digests.iter().cloned().collect(), image, tag, ..tool() });
        }
        for name in self.images.iter().take(MAX_IMAGES) {
            let (image, tag) = parts(name, texts);
            all.push(Subject { image, tag, ..tool() });
        }
        for one in provenance {
            let repository = one.repository.as_deref().map(|uri| texts.get(&repository(uri)));
            if repository.is_none() && one.revision.is_none() {
                continue;
            }
            let revision = one.revision.clone().filter(|revision| !revision.is_empty());
            let branch = one.branch.as_deref().map(|name| texts.get(branch(name)));
            all.push(Subject { repository, revision, branch, tag: one.tag.clone(), ..tool() });
        }
        // Of several commits none is the one that was looked at.
        if let (true, Some(commit), 1) = (provenance.is_empty(), self.commits.first(), self.commits.len()) {
            all.push(Subject { revision: Some(Arc::clone(commit)), ..tool() });
        }
        all.into()
    }
}

/// A branch without `refs/heads/`.
pub fn branch(name: &str) -> &str {
    name.strip_prefix("refs/heads/").unwrap_or(name)
}

/// The `sha256:…` in a digest or behind the `@` of an image.
pub fn digest(text: &str) -> Option<&str> {
    let digest = text.rsplit_once('@').map_or(text, |(_, digest)| digest);
    let hex = digest.strip_prefix("sha256:")?;
    (hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase()))
        .then_some(digest)
}

/// Image and tag of a reference.
fn parts(reference: &str, texts: &mut Texts) -> (Option<Arc<str>>, Option<Arc<str>>) {
    let reference = reference.split_once('@').map_or(reference, |(name, _)| name);
    let (image, tag) = match reference.rsplit_once(':') {
        Some((image, tag)) if !tag.contains('/') => (image, Some(tag)),
        _ => (reference, None),
    };
    (Some(texts.get(image)), texts.maybe(tag))
}
