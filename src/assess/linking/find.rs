//! The programs of a scan: which of its words count, and which of the programs they fit.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::ladder::{Case, Evidence};
use super::rules::{self, Scope};
use super::{All, Hop, Link, said};
use crate::assess::Reason;
use crate::model::{Pinned, Program, Rung, Scan, Subject, SubjectSource};

/// What came of looking for the programs of a scan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub links: Vec<Link>,
    /// What was tried, in order.
    pub trace: Vec<Reason>,
}

impl Found {
    /// Takes a chain to a program unless there is a better one.
    fn offer(&mut self, program: usize, hops: Vec<Hop>) {
        let rung = hops.iter().map(|hop| hop.rung).min().unwrap_or_default();
        let claimed = hops.iter().any(|hop| hop.claimed);
        let link = Link { program, rung, claimed, best: false, ambiguous: false, hops };
        match self.links.iter_mut().find(|known| known.program == program) {
            Some(known) if (known.rung, !known.claimed) >= (link.rung, !link.claimed) => {}
            Some(known) => *known = link,
            None => self.links.push(link),
        }
    }
}

impl All {
    /// Links every scan, by path where a rule asks for one.
    pub(super) fn link(&mut self) {
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

    pub(super) fn find(&self, scan: usize, path: Option<&str>) -> Found {
        let Some(taken) = self.findings.scans().get(scan) else { return Found::default() };
        self.find_of(&taken.scan, taken.source.trusted, path)
    }

    /// The conventions, the first that says something counts: the stamp and what a registry has it attached to, the
    /// operator's rules, what the tool says, the folders. Pins come beside them.
    pub(super) fn find_of(&self, scan: &Scan, trusted: bool, path: Option<&str>) -> Found {
        let mut found = Found::default();
        let of = |source: SubjectSource| scan.subjects.iter().filter(move |subject| subject.source == source);
        let source = source_hop(trusted);
        let said = [(SubjectSource::Stamp, "its stamp"), (SubjectSource::Attached, "what it is attached to")];
        let said: Vec<_> = said.into_iter().flat_map(|(by, who)| of(by).map(move |subject| (subject, who))).collect();
        if said.is_empty() {
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
        } else {
            for (subject, who) in said {
                self.by_subject(subject, &source, who, &mut found);
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
                vec![rules::evidence(rule, Evidence::of(&Subject::of(SubjectSource::Tool)))]
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
                    found.trace.push(Reason::new(format!("{who}: not {}: {}", said(program), against.text)));
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
            found.offer(place, hops);
        }
        if found.links.len() == before {
            found.trace.push(Reason::new(format!("{who} ties it to nothing that was seen to run")));
        }
    }

    /// The pins of a finding or scan.
    pub(super) fn pins(&self, meant: impl Fn(&Pinned) -> bool) -> Vec<Link> {
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
