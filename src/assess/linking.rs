//! Which running programs a scan looked at, how sure that is, and what would make it surer.
//!
//! A chain runs from a report over what it says of its subject to containers that were seen to run. It is as sure as
//! its weakest hop ([`Rung`]), and *claimed* when a hop stands on what anybody may have written: a report from a source
//! that the configuration does not trust, a label or annotation of a pod. What is claimed warns and proves nothing.
//! Made once for many volumes, by index.

mod image;
mod ladder;
mod rules;
mod severity;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use self::image::{basename, parts};
use self::ladder::{Case, Digests, Evidence};
use self::rules::Scope;
use super::{Judgement, Reason};
use crate::model::{
    Extent, Findings, Linking, Pinned, Program, RunKey, Rung, Scan, Subject, SubjectSource, Triage, Uid, World,
};

pub use image::{digests, said, short};
pub use severity::band;

/// One step of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// What ties, and what would tie better.
    pub reason: Reason,
    /// How well.
    pub rung: Rung,
    /// Whether it stands on what anybody may have written.
    pub claimed: bool,
}

/// A chain from a scan to a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The program's place in [`Chains::program`].
    pub program: usize,
    /// The rung of the weakest hop.
    pub rung: Rung,
    /// Whether one hop is claimed.
    pub claimed: bool,
    /// Whether no other program is on a higher rung. Only the best prove; all of them warn.
    pub best: bool,
    /// Whether another workload with another image is on the same rung, so that one of them may not be meant.
    pub ambiguous: bool,
    /// The hops, from the report on.
    pub hops: Vec<Hop>,
}

impl Link {
    /// Whether a scan that is linked so may prove that the program lacks something.
    pub fn proves(&self) -> bool {
        self.rung.proves() && !self.claimed && self.best && !self.ambiguous
    }
}

/// One run, by the place of its program.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The program's place.
    pub program: usize,
    /// What it is.
    pub key: Arc<RunKey>,
    /// From when to when.
    pub extent: Extent,
}

/// All chains of a world.
#[derive(Clone, Debug, Default)]
pub struct Chains(Arc<All>);

#[derive(Debug, Default)]
struct All {
    findings: Findings,
    triage: Triage,
    linking: Arc<Linking>,
    records: Digests,
    programs: Programs,
    runs: Vec<Ran>,
    by_volume: HashMap<Uid, Vec<usize>>,
    links: Vec<Vec<Link>>,
    by_path: HashMap<(usize, Arc<str>), Vec<Link>>,
    pathed: BTreeSet<usize>,
    scans_of: HashMap<usize, BTreeSet<usize>>,
}

/// Programs, and where to find them.
#[derive(Debug, Default)]
struct Programs {
    all: Vec<Program>,
    by_digest: HashMap<Arc<str>, Vec<usize>>,
    by_name: HashMap<String, Vec<usize>>,
    by_revision: HashMap<String, Vec<usize>>,
    by_place: BTreeMap<(Arc<str>, Arc<str>), Vec<usize>>,
    tags: HashMap<String, BTreeSet<Box<[Arc<str>]>>>,
}

impl Programs {
    fn add(&mut self, program: &Program) {
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

    fn moved(&self, program: &Program) -> bool {
        let (image, tag, _) = parts(&program.image);
        tag.and_then(|tag| self.tags.get(&format!("{image}:{tag}"))).is_some_and(|seen| seen.len() > 1)
    }

    /// Every program that evidence or a scope may mean.
    fn candidates(&self, evidence: &Evidence, scope: &Scope, records: &Digests) -> BTreeSet<usize> {
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
    fn within(&self, scope: &Scope) -> Vec<usize> {
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

/// What came of looking for the programs of a scan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Found {
    links: Vec<Link>,
    /// What was tried, in order.
    trace: Vec<Reason>,
}

impl Chains {
    /// Looks everything up once. `records` are runs that restore points tell of, beside the world's own log.
    pub fn of(world: &World) -> Self {
        let mut all = All {
            findings: world.findings.clone(),
            triage: world.triage.clone(),
            linking: world.linking.clone(),
            records: Digests::of(&world.linking),
            ..All::default()
        };
        if world.findings.is_empty() && world.linking.compromised.is_empty() {
            return Self(Arc::new(all));
        }
        let mut places: HashMap<Program, usize> = HashMap::new();
        let recorded = super::exposure::records(world);
        let seen = world.observed.runs().map(|(key, extent)| (key.clone(), *extent));
        for (key, extent) in seen.chain(recorded) {
            let next = all.programs.all.len();
            let program = *places.entry(key.program.clone()).or_insert(next);
            if program == next {
                all.programs.add(&key.program);
            }
            for volume in &key.volumes {
                all.by_volume.entry(volume.clone()).or_default().push(all.runs.len());
            }
            all.runs.push(Ran { program, key: Arc::new(key), extent });
        }
        all.link();
        Self(Arc::new(all))
    }

    /// Whether there is nothing that could make a copy suspicious.
    pub fn is_idle(&self) -> bool {
        self.0.findings.is_empty() && self.0.linking.compromised.is_empty()
    }

    /// The scans and what they found.
    pub fn findings(&self) -> &Findings {
        &self.0.findings
    }

    /// What people decided.
    pub fn triage(&self) -> &Triage {
        &self.0.triage
    }

    /// What operators say.
    pub fn linking(&self) -> &Linking {
        &self.0.linking
    }

    /// A program by its place; one that was never seen has none.
    pub fn program(&self, place: usize) -> Option<&Program> {
        self.0.programs.all.get(place)
    }

    /// Everything that could write the data of a lineage, in no order.
    pub fn wrote(&self, lineage: &Uid) -> impl Iterator<Item = &Ran> {
        self.0.by_volume.get(lineage).into_iter().flatten().filter_map(|place| self.0.runs.get(*place))
    }

    /// The data that a program could write, by lineage.
    pub fn volumes_of(&self, programs: &BTreeSet<usize>) -> BTreeSet<Uid> {
        let runs = self.0.runs.iter().filter(|run| programs.contains(&run.program));
        runs.flat_map(|run| run.key.volumes.iter().cloned()).collect()
    }

    /// The scans that are linked to a program, for whatever path: places among [`Findings::scans`].
    pub fn scans_of(&self, program: usize) -> impl Iterator<Item = usize> {
        // Rules by path may link a scan for paths in which it found nothing, too.
        let linked = self.0.scans_of.get(&program).into_iter().flatten();
        linked.chain(&self.0.pathed).copied().collect::<BTreeSet<_>>().into_iter()
    }

    /// The chains of a scan for a finding in this path.
    pub fn links(&self, scan: usize, path: &Arc<str>) -> Cow<'_, [Link]> {
        if !self.0.pathed.contains(&scan) {
            return Cow::Borrowed(self.0.links.get(scan).map_or(&[], Vec::as_slice));
        }
        match self.0.by_path.get(&(scan, path.clone())) {
            Some(links) => Cow::Borrowed(links),
            None => Cow::Owned(self.0.find(scan, Some(path)).links),
        }
    }

    /// The chain from a scan to a program, for a finding in this path.
    pub fn link(&self, scan: usize, path: &Arc<str>, program: usize) -> Option<Link> {
        self.links(scan, path).iter().find(|link| link.program == program).cloned()
    }

    /// Whether there is such a chain.
    pub fn linked(&self, scan: usize, path: &Arc<str>, program: usize) -> bool {
        self.links(scan, path).iter().any(|link| link.program == program)
    }

    /// Which workloads a finding belongs to: the best chain to each program, the surest first. More than one on the
    /// highest rung with different images is ambiguous, and all of them are listed.
    pub fn workloads(&self, id: crate::model::FindingId) -> Judgement<Vec<Link>> {
        let mut best: BTreeMap<usize, Link> = BTreeMap::new();
        for (scan, place) in self.0.findings.places(id) {
            let Some(finding) = self.finding(*scan, *place) else { continue };
            for link in self.links(*scan, &finding.path).iter() {
                let better = |known: &Link| (link.rung, !link.claimed) > (known.rung, !known.claimed);
                if best.get(&link.program).is_none_or(better) {
                    best.insert(link.program, link.clone());
                }
            }
        }
        for link in self.pinned(id) {
            best.entry(link.program).or_insert(link);
        }
        let mut links: Vec<Link> = best.into_values().collect();
        links.sort_by_key(|link| (std::cmp::Reverse(link.rung), link.claimed, link.program));
        if links.is_empty() {
            let reason = Reason::new("it is linked to no workload")
                .next("see why: holdfast links test FILE; then stamp the report, write a rule or pin it");
            return Judgement::new(links).because(reason);
        }
        let mut reasons: Vec<Reason> = Vec::new();
        if links.iter().any(|link| link.best && link.ambiguous) {
            let text = "more than one workload fits equally well, and they run different images: all are listed";
            reasons.push(Reason::new(text).next("name the workload: stamp the report or write a rule"));
        }
        reasons
            .extend(links.iter().filter_map(|link| self.program(link.program).map(|program| explain(link, program))));
        Judgement::new(links).because_all(reasons)
    }

    /// A finding by its place.
    pub fn finding(&self, scan: usize, place: usize) -> Option<&crate::model::Finding> {
        self.0.findings.scans().get(scan)?.scan.findings.get(place)
    }

    /// The pins of a finding itself.
    pub fn pinned(&self, id: crate::model::FindingId) -> Vec<Link> {
        self.0.pins(|what| *what == Pinned::Finding(id))
    }

    /// What is tried for a scan that need not be one of the world's, in order: for `holdfast links test FILE`.
    pub fn trace(&self, scan: &Scan, trusted: bool, path: Option<&str>) -> Judgement<Vec<Link>> {
        let found = self.0.find_of(scan, trusted, path);
        let links =
            found.links.iter().filter_map(|link| self.program(link.program).map(|program| explain(link, program)));
        let reasons: Vec<Reason> = found.trace.iter().cloned().chain(links).collect();
        Judgement::new(found.links).because_all(reasons)
    }
}

/// A chain in a sentence.
fn explain(link: &Link, program: &Program) -> Reason {
    let weakest = link.hops.iter().min_by_key(|hop| (hop.rung, !hop.claimed));
    let why = weakest.map(|hop| hop.reason.text.as_str()).unwrap_or_default();
    let claimed = if link.claimed { ", claimed" } else { "" };
    let reason = Reason::new(format!("{}: {}{claimed}: {why}", said(program), link.rung.word()));
    let next = weakest.and_then(|hop| hop.reason.next.clone());
    let claim = link.hops.iter().find(|hop| hop.claimed).and_then(|hop| hop.reason.next.clone());
    match claim.or(next) {
        Some(next) => reason.next(next),
        None => reason,
    }
}

impl All {
    /// Links every scan, by path where a rule asks for one.
    fn link(&mut self) {
        let scans = self.findings.scans().len();
        let mut links = Vec::with_capacity(scans);
        for place in 0..scans {
            let scan = self.findings.scans()[place].scan.clone();
            if rules::by_path(&self.linking, &scan) {
                self.pathed.insert(place);
                let paths: BTreeSet<Arc<str>> = scan.findings.iter().map(|finding| finding.path.clone()).collect();
                for path in paths {
                    let found = self.find(place, Some(&path)).links;
                    self.note(place, &found);
                    self.by_path.insert((place, path), found);
                }
                links.push(Vec::new());
                continue;
            }
            let found = self.find(place, None).links;
            self.note(place, &found);
            links.push(found);
        }
        self.links = links;
    }

    fn note(&mut self, scan: usize, links: &[Link]) {
        for link in links {
            self.scans_of.entry(link.program).or_default().insert(scan);
        }
    }

    fn find(&self, scan: usize, path: Option<&str>) -> Found {
        let Some(taken) = self.findings.scans().get(scan) else { return Found::default() };
        self.find_of(&taken.scan, taken.source.trusted, path)
    }

    /// The conventions, the first that says something counts: the stamp, the operator's rules, what the tool says, the
    /// folders. Pins come beside them.
    fn find_of(&self, scan: &Scan, trusted: bool, path: Option<&str>) -> Found {
        let mut found = Found::default();
        let of = |source: SubjectSource| scan.subjects.iter().filter(move |subject| subject.source == source);
        let source = source_hop(trusted);
        if of(SubjectSource::Stamp).next().is_some() {
            for subject in of(SubjectSource::Stamp) {
                self.by_subject(subject, &source, "its stamp", &mut found);
            }
        } else {
            let ruled = self.by_rule(scan, path, &source, &mut found);
            if !ruled {
                of(SubjectSource::Tool).for_each(|subject| self.by_subject(subject, &source, "its tool", &mut found));
            }
            if found.links.is_empty() {
                of(SubjectSource::Folder)
                    .for_each(|subject| self.by_subject(subject, &source, "its folder", &mut found));
            }
            if scan.subjects.is_empty() && !ruled {
                let next = "stamp the report in the pipeline, or write a rule into the links file";
                found.trace.push(Reason::new("the report says nothing of what it looked at").next(next));
            }
        }
        rank(&mut found.links, &self.programs.all);
        let pinned = self.pins(|what| *what == Pinned::Scan(scan.digest));
        let pinned = pinned.into_iter().filter(|pin| !found.links.iter().any(|link| link.program == pin.program));
        let pinned: Vec<Link> = pinned.collect();
        found.links.extend(pinned);
        found
    }

    fn by_subject(&self, subject: &Subject, source: &Hop, who: &str, found: &mut Found) {
        let evidence = Evidence::of(subject);
        let scope = Scope::of(subject);
        self.match_all(&evidence, &scope, source, None, who, found);
    }

    /// By the first rule that matches; whether one does.
    fn by_rule(&self, scan: &Scan, path: Option<&str>, source: &Hop, found: &mut Found) -> bool {
        for rule in &self.linking.rules {
            let (scope, why) = match rules::matched(rule, scan, path) {
                Ok(scope) => scope,
                Err(why) => {
                    found.trace.push(Reason::new(format!("rule {}: {why}", rule.at)));
                    continue;
                }
            };
            found.trace.push(Reason::new(format!("rule {}: {why}", rule.at)));
            let tool: Vec<&Subject> = scan.subjects.iter().filter(|one| one.source == SubjectSource::Tool).collect();
            let evidence: Vec<Evidence> = if tool.is_empty() {
                vec![rules::evidence(rule, Evidence::of(&rules::nothing()))]
            } else {
                tool.into_iter().map(|subject| rules::evidence(rule, Evidence::of(subject))).collect()
            };
            let who = format!("rule {}", rule.at);
            for one in &evidence {
                self.match_all(one, &scope, source, Some(rule.max), &who, found);
            }
            return true;
        }
        false
    }

    fn match_all(
        &self,
        evidence: &Evidence,
        scope: &Scope,
        source: &Hop,
        max: Option<Rung>,
        who: &str,
        found: &mut Found,
    ) {
        let before = found.links.len();
        for place in self.programs.candidates(evidence, scope, &self.records) {
            let program = &self.programs.all[place];
            let told = scope.told() && scope.holds(program);
            let moved = self.programs.moved(program);
            let reached = match (Case { evidence, program, records: &self.records, told, moved }).judge() {
                Ok(Some(reached)) => reached,
                Ok(None) => continue,
                Err(against) => {
                    let text = format!("{who}: not {}: {}", said(program), against.text);
                    found.trace.push(Reason { text, ..against });
                    continue;
                }
            };
            // A digest is what it is, wherever it runs; anything less is meant for the place that was named.
            if reached.rung < Rung::Exact && !scope.holds(program) {
                found.trace.push(Reason::new(format!("{who}: not {}: another place is named", said(program))));
                continue;
            }
            let mut hops = vec![source.clone(), reached.hop];
            if let Some(max) = max.filter(|max| *max < reached.rung) {
                let reason = Reason::new(format!("{who} claims no more than {}", max.word()));
                hops.push(Hop { reason: reason.next("raise max of the rule"), rung: max, claimed: false });
            }
            let rung = hops.iter().map(|hop| hop.rung).min().unwrap_or_default();
            let claimed = hops.iter().any(|hop| hop.claimed);
            let link = Link { program: place, rung, claimed, best: false, ambiguous: false, hops };
            match found.links.iter_mut().find(|known| known.program == place) {
                Some(known) if (known.rung, !known.claimed) >= (link.rung, !link.claimed) => {}
                Some(known) => *known = link,
                None => found.links.push(link),
            }
        }
        if found.links.len() == before {
            found.trace.push(Reason::new(format!("{who} ties it to nothing that was seen to run")));
        }
    }

    fn pins(&self, meant: impl Fn(&Pinned) -> bool) -> Vec<Link> {
        let mut links: Vec<Link> = Vec::new();
        for pin in self.linking.pins.iter().filter(|pin| meant(&pin.what)) {
            let scope = Scope::pinned(&pin.to);
            for place in self.programs.within(&scope) {
                let digests = &self.programs.all[place].digests;
                if pin.digest.as_ref().is_some_and(|digest| !digests.contains(digest))
                    || links.iter().any(|link| link.program == place)
                {
                    continue;
                }
                let text = format!("pinned by {} at {}: {}", pin.who, pin.at, pin.why);
                let hop = Hop { reason: Reason::new(text), rung: Rung::Manual, claimed: false };
                let hops = vec![hop];
                links.push(Link {
                    program: place,
                    rung: Rung::Manual,
                    claimed: false,
                    best: false,
                    ambiguous: false,
                    hops,
                });
            }
        }
        links
    }
}

/// Who vouches for a report.
fn source_hop(trusted: bool) -> Hop {
    if trusted {
        let reason = Reason::new("the report is from a source that the configuration trusts");
        return Hop { reason, rung: Rung::Exact, claimed: false };
    }
    let reason = Reason::new("the report is from a source that the configuration does not trust")
        .next("let only the pipeline write there, and mark the source as trusted");
    Hop { reason, rung: Rung::Exact, claimed: true }
}

/// Marks the highest rung, and whether different images of different workloads share it.
fn rank(links: &mut [Link], programs: &[Program]) {
    let Some(highest) = links.iter().map(|link| link.rung).max() else { return };
    let place = |link: &Link| {
        let program = &programs[link.program];
        (
            program.namespace.clone(),
            program.workload.as_ref().map(|w| (w.kind.clone(), w.name.clone())),
            program.container.clone(),
        )
    };
    let on_top: Vec<&Link> = links.iter().filter(|link| link.rung == highest).collect();
    let places: BTreeSet<_> = on_top.iter().map(|link| place(link)).collect();
    let images: BTreeSet<_> = on_top.iter().map(|link| &programs[link.program].digests).collect();
    let ambiguous = highest < Rung::Exact && places.len() > 1 && images.len() > 1;
    for link in links.iter_mut().filter(|link| link.rung == highest) {
        link.best = true;
        link.ambiguous = ambiguous;
    }
}

#[cfg(test)]
mod tests;
