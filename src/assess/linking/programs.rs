//! Programs that were seen to run, and the indexes by which evidence finds them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::image::{basename, parts};
use super::ladder::{Digests, Evidence};
use super::rules::Scope;
use crate::model::Program;

/// Programs, and where to find them.
#[derive(Debug, Default)]
pub(super) struct Programs {
    pub all: Vec<Program>,
    by_digest: HashMap<Arc<str>, Vec<usize>>,
    by_name: HashMap<String, Vec<usize>>,
    by_revision: HashMap<String, Vec<usize>>,
    by_place: BTreeMap<(Arc<str>, Arc<str>), Vec<usize>>,
    tags: HashMap<String, BTreeSet<Box<[Arc<str>]>>>,
}

impl Programs {
    pub fn add(&mut self, program: &Program) {
        let place = self.all.len();
        for digest in &program.digests {
            self.by_digest.entry(digest.clone()).or_default().push(place);
        }
        let (image, tag, _) = parts(&program.image);
        if let Some(tag) = tag.filter(|_| !program.digests.is_empty()) {
            self.tags.entry(format!("{image}:{tag}")).or_default().insert(program.digests.clone());
        }
        let names = [Some(basename(&image)), program.said.app.as_deref().map(str::to_lowercase)];
        for name in names.into_iter().flatten().collect::<BTreeSet<_>>() {
            self.by_name.entry(name).or_default().push(place);
        }
        if let Some(revision) = &program.said.revision {
            self.by_revision.entry(revision.to_ascii_lowercase()).or_default().push(place);
        }
        let workload = program.workload.as_ref().map(|workload| workload.name.clone()).unwrap_or_default();
        self.by_place.entry((program.namespace.clone(), workload)).or_default().push(place);
        self.all.push(program.clone());
    }

    /// Whether the tag of a program was seen with more than one digest.
    pub fn moved(&self, program: &Program) -> bool {
        let (image, tag, _) = parts(&program.image);
        tag.and_then(|tag| self.tags.get(&format!("{image}:{tag}"))).is_some_and(|seen| seen.len() > 1)
    }

    /// Every program that evidence or a scope may mean.
    pub fn candidates(&self, evidence: &Evidence, scope: &Scope, records: &Digests) -> BTreeSet<usize> {
        let own = evidence.digests().iter();
        let related = own.clone().flat_map(|digest| records.related(digest));
        let digests = own.chain(related).chain(records.built_from(&evidence.revision));
        let by_digest = digests.filter_map(|digest| self.by_digest.get(digest));
        let names: Vec<String> = evidence.names().collect();
        let by_name = names.iter().filter_map(|name| self.by_name.get(name));
        let by_revision = evidence.revision.hash().and_then(|revision| self.by_revision.get(revision));
        let found = by_digest.chain(by_name).chain(by_revision).flatten().copied();
        found.chain(self.within(scope)).collect()
    }

    /// Programs of a place that somebody named.
    pub fn within(&self, scope: &Scope) -> Vec<usize> {
        if !scope.told() {
            return Vec::new();
        }
        let meant = |place: &&usize| scope.holds(&self.all[**place]);
        match (&scope.namespace, &scope.name) {
            (Some(namespace), Some(name)) => {
                let key = (Arc::from(namespace.as_str()), Arc::from(name.as_str()));
                self.by_place.get(&key).into_iter().flatten().filter(meant).copied().collect()
            }
            _ => self.by_place.values().flatten().filter(meant).copied().collect(),
        }
    }
}
