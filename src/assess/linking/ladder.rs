//! One scan's evidence against one program: which rung, and what would raise it.

use std::collections::HashMap;
use std::sync::Arc;

use super::Hop;
use super::image::{Revision, basename, digest, immutable, of_revision, parts, repository, short};
use crate::assess::Reason;
use crate::model::{Built, Linking, Program, Rung, Subject};

/// What a scan says of what it looked at.
pub(super) struct Evidence {
    digests: Vec<Arc<str>>,
    image: Option<String>,
    tag: Option<String>,
    pub sources: Option<String>,
    pub revision: Revision,
}

impl Evidence {
    pub fn of(subject: &Subject) -> Self {
        let image = subject.image.as_deref().map(parts);
        let tag = image.as_ref().and_then(|(_, tag, _)| *tag).map(str::to_owned);
        let digests = subject.digests.iter().filter_map(|text| digest(text));
        let named = image.as_ref().and_then(|(_, _, named)| digest((*named)?));
        Self {
            digests: digests.chain(named).collect(),
            tag: subject.tag.as_deref().map(str::to_owned).or(tag),
            image: image.map(|(name, _, _)| name),
            sources: subject.repository.as_deref().map(repository),
            revision: Revision::read(subject.revision.as_deref()),
        }
    }

    /// A revision from the tag of the image, or one that an operator wrote.
    pub fn with_revision(self, revision: Option<&str>) -> Self {
        Self { revision: Revision::read(revision), ..self }
    }

    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    pub fn image(&self) -> Option<&str> {
        self.image.as_deref()
    }

    pub fn digests(&self) -> &[Arc<str>] {
        &self.digests
    }

    /// The names by which it may be known: of its image, and of its sources.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.image.iter().chain(&self.sources).map(|path| basename(path)).filter(|name| !name.is_empty())
    }
}

/// Records about digests, by digest.
#[derive(Debug, Default)]
pub(super) struct Digests {
    built: HashMap<Arc<str>, Vec<Built>>,
    platforms: HashMap<Arc<str>, Vec<Arc<str>>>,
}

impl Digests {
    pub fn of(linking: &Linking) -> Self {
        let mut all = Self::default();
        for one in &linking.built {
            if let Some(digest) = digest(&one.digest) {
                all.built.entry(digest).or_default().push(one.clone());
            }
        }
        for (one, two) in &linking.platforms {
            if let (Some(one), Some(two)) = (digest(one), digest(two)) {
                all.platforms.entry(one.clone()).or_default().push(two.clone());
                all.platforms.entry(two).or_default().push(one);
            }
        }
        all
    }

    /// The other digests of the same image, by a record of them.
    pub fn related(&self, digest: &str) -> &[Arc<str>] {
        self.platforms.get(digest).map_or(&[], Vec::as_slice)
    }

    /// Digests that were built from a revision.
    pub fn built_from<'a>(&'a self, revision: &'a Revision) -> impl Iterator<Item = &'a Arc<str>> {
        let agrees = |built: &Built| Revision::read(Some(&built.revision)).agrees(revision);
        self.built.iter().filter(move |(_, all)| all.iter().any(agrees)).map(|(digest, _)| digest)
    }

    fn built<'a>(&'a self, program: &'a Program) -> impl Iterator<Item = &'a Built> {
        program.digests.iter().filter_map(|digest| self.built.get(digest)).flatten()
    }
}

/// A rung, and how it is reached.
pub(super) struct Reached {
    pub rung: Rung,
    pub claimed: bool,
    pub hop: Hop,
}

fn reached(rung: Rung, claimed: bool, reason: Reason) -> Reached {
    Reached { rung, claimed, hop: Hop { reason, rung, claimed } }
}

/// What stands between a scan and a program.
pub(super) struct Case<'a> {
    pub evidence: &'a Evidence,
    pub program: &'a Program,
    pub records: &'a Digests,
    /// Whether somebody said that the scan is of this workload.
    pub told: bool,
    /// Whether the program's tag was seen with more than one digest.
    pub moved: bool,
}

impl Case<'_> {
    /// The highest rung that holds.
    ///
    /// # Errors
    /// With the reason why there is none, when something speaks against it.
    pub fn judge(&self) -> Result<Option<Reached>, Reason> {
        if let Some(exact) = self.exact() {
            return Ok(Some(exact));
        }
        if let Some(against) = self.other_version() {
            return Err(against);
        }
        let apart = self.apart();
        let better = self.strong().into_iter().chain(self.probable()).max_by_key(|one| (one.rung, !one.claimed));
        Ok(match (better, apart) {
            (Some(better), None) => Some(better),
            (Some(_), Some(apart)) => Some(reached(Rung::Weak, false, apart)),
            (None, apart) => self.weak(apart),
        })
    }

    fn exact(&self) -> Option<Reached> {
        let runs = |digest: &Arc<str>| self.program.digests.contains(digest);
        if let Some(digest) = self.evidence.digests.iter().find(|digest| runs(digest)) {
            let text = format!("the report names {}, which is what runs", short(digest));
            return Some(reached(Rung::Exact, false, Reason::new(text)));
        }
        let pair = |digest: &&Arc<str>| self.records.related(digest).iter().any(runs);
        let digest = self.evidence.digests.iter().find(pair)?;
        let text =
            format!("the report names {}; by record that is an index and the image of a platform in it", short(digest));
        Some(reached(Rung::Exact, false, Reason::new(text)))
    }

    /// Both have digests, and they differ.
    fn apart(&self) -> Option<Reason> {
        let (scanned, runs) = (self.evidence.digests.first()?, self.program.digests.first()?);
        let (scanned, runs) = (short(scanned), short(runs));
        let text =
            format!("the report names {scanned}, and {runs} runs: another image, or one is the index of the other");
        let next = "scan by the digest that runs, or write the pair of index and platform into the links file";
        Some(Reason::new(text).next(next))
    }

    /// What speaks against any link: another version of the same image, or other sources.
    fn other_version(&self) -> Option<Reason> {
        let (image, tag, _) = parts(&self.program.image);
        let same = self.evidence.image().is_some_and(|scanned| scanned == image);
        if let (true, Some(scanned), Some(runs)) = (same, self.evidence.tag(), tag)
            && scanned != runs
        {
            return Some(Reason::new(format!("the report is of {image}:{scanned}, and {image}:{runs} runs")));
        }
        let mut built = self.records.built(self.program).peekable();
        let revision = self.evidence.revision.hash()?;
        built.peek()?;
        let other = |one: &Built| !Revision::read(Some(&one.revision)).agrees(&self.evidence.revision);
        built.all(other).then(|| {
            let text = format!("the report is of revision {}, and what runs was built from another", &revision[..7]);
            Reason::new(text)
        })
    }

    fn strong(&self) -> Option<Reached> {
        let same_sources = |built: &Built| match (&built.repository, &self.evidence.sources) {
            (Some(one), Some(two)) => repository(one) == *two,
            _ => true,
        };
        let built = self
            .records
            .built(self.program)
            .find(|built| same_sources(built) && Revision::read(Some(&built.revision)).agrees(&self.evidence.revision));
        let revision = self.evidence.revision.hash()?;
        if let Some(built) = built {
            let whole = Revision::read(Some(&built.revision)).same(&self.evidence.revision);
            let text = format!("what runs was built from revision {}, by a record of its digest", &revision[..7]);
            let reason = Reason::new(text);
            let short = Reason::new("the report gives the beginning of the revision that it was built from")
                .next("let the scanner write the whole revision");
            return Some(if whole {
                reached(Rung::Strong, false, reason)
            } else {
                reached(Rung::Probable, false, short)
            });
        }
        let said = Revision::read(self.program.said.revision.as_deref());
        said.same(&self.evidence.revision).then(|| {
            let reason = Reason::new("an annotation of the pod says that it was built from this revision")
                .next("a claim proves nothing: record the revision by digest in the links file");
            reached(Rung::Strong, true, reason)
        })
    }

    fn probable(&self) -> Option<Reached> {
        let (image, tag, _) = parts(&self.program.image);
        let same = self.evidence.image().is_some_and(|scanned| scanned == image);
        let named = same || self.told || self.called().is_some();
        let tagged = tag.filter(|tag| same && self.evidence.tag() == Some(tag) && immutable(tag));
        let hashed = tag.filter(|tag| named && of_revision(tag, &self.evidence.revision));
        if let Some(tag) = tagged.or(hashed) {
            if self.moved {
                let text = format!("tag {tag} of {image} was seen with more than one digest: it moves");
                return Some(reached(Rung::Weak, false, Reason::new(text).next("scan by digest")));
            }
            let what = if tagged.is_some() { "the report is of" } else { "its tag is the revision of the report:" };
            let reason = Reason::new(format!("{what} {image}:{tag}")).next("scan by digest, or stamp the report");
            return Some(reached(Rung::Probable, false, reason));
        }
        let version = self.program.said.version.as_deref()?;
        let told = self.evidence.tag() == Some(version) || of_revision(version, &self.evidence.revision);
        (named && told).then(|| {
            let reason = Reason::new(format!("a label of the pod says version {version}"))
                .next("a claim proves nothing: scan by digest, or stamp the report");
            reached(Rung::Probable, true, reason)
        })
    }

    /// By which name it is the same application, and whether that is only claimed.
    fn called(&self) -> Option<(String, bool)> {
        let image = basename(&parts(&self.program.image).0);
        let app = self.program.said.app.as_deref().map(str::to_ascii_lowercase);
        self.evidence.names().find_map(|name| match name {
            name if name == image => Some((name, false)),
            name if Some(&name) == app.as_ref() => Some((name, true)),
            _ => None,
        })
    }

    fn weak(&self, apart: Option<Reason>) -> Option<Reached> {
        let (image, tag, _) = parts(&self.program.image);
        let same = self.evidence.image().is_some_and(|scanned| scanned == image);
        let claimed = !same && !self.told && self.called().is_some_and(|(_, claimed)| claimed);
        let reason = if same {
            let moving = tag.filter(|tag| self.evidence.tag() == Some(tag));
            let why = moving.map_or_else(|| "of an unknown version".to_owned(), |tag| format!("tag {tag} may move"));
            Reason::new(format!("the report is of {image}; {why}")).next("scan by digest, or stamp the report")
        } else if self.told {
            Reason::new("the report is said to be of this application, of an unknown version")
                .next("stamp the report with digest and revision, or let the rule take its revision from the scan")
        } else {
            let (name, _) = self.called()?;
            Reason::new(format!("by its name alone: {name}, of an unknown version"))
                .next("stamp the report with digest and revision, or write a rule into the links file")
        };
        let reason = match &self.evidence.revision {
            Revision::Unusable(why) if self.evidence.sources.is_some() => {
                Reason { text: format!("{}; {why}", reason.text), ..reason }
            }
            _ => reason,
        };
        Some(reached(Rung::Weak, claimed, apart.unwrap_or(reason)))
    }
}
