//! The plan of an in-place restore as a person reads it before it is confirmed.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::case::Case;
use super::consumers::Workload;
use super::steps::{Incoming, Part, Stopped, Swap, Within};
use super::{From, Options, command, undo};
use crate::model::{Kind, Pvc, Uid, World};
use crate::plan::read::{name, text, uid};
use crate::plan::{Lock, Node, ObjectAt, OperationId, Plan, Refusal, Subject, Verb, node};
use crate::text::{self as words, quantity};

/// The claims that are restored together, each proved fit.
pub(super) struct Review<'a> {
    pub world: &'a World,
    /// The claim that was asked for.
    pub claim: &'a Pvc,
    pub options: &'a Options,
    /// One for each claim, at least one.
    pub cases: Vec<Case<'a>>,
    /// What may surprise besides what the cases say.
    pub warnings: Vec<String>,
}

impl Review<'_> {
    /// The plan.
    ///
    /// # Errors
    /// When nothing would prove that the pods stopped writing.
    pub fn plan(self, id: &OperationId, now: Timestamp) -> Result<Plan, Refusal> {
        let swap = self.swap(id, now)?;
        let nodes = swap.nodes();
        let standstill = standstill(&nodes);
        let context = &self.world.context;
        let fresh = self.cases.iter().find(|case| case.claim.meta.uid() == self.claim.meta.uid());
        let version = fresh.map(|case| text(case.fresh, "/metadata/resourceVersion")).unwrap_or_default();
        Ok(Plan {
            verb: Verb::RestoreInPlace,
            title: self.title(),
            context: context.name.to_string(),
            server: context.server.to_string(),
            protected: context.protected,
            subject: Subject {
                object: self.claim.meta.reference(Kind::Pvc),
                uid: self.claim.meta.uid(),
                resource_version: version.to_owned(),
            },
            made: now,
            locks: self.cases.iter().map(|case| Lock::of(self.world, case.claim)).collect(),
            undoes: None,
            bundle: None,
            count: None,
            facts: self.facts(&swap),
            warnings: self.warnings(&swap),
            changes: self.changes(&swap, &standstill, id),
            command: command(self.options, self.claim, &context.name),
            undo: undo::taking_back(&swap, self.options, self.claim, &context.name, id),
            nodes,
            id: id.clone(),
        })
    }

    fn together(&self) -> bool {
        self.cases.len() > 1
    }

    /// Something about a claim, said of it by name where there are several.
    fn of(&self, case: &Case, said: &str) -> String {
        if self.together() { format!("{}: {said}", case.claim.meta.name) } else { said.to_owned() }
    }

    fn title(&self) -> String {
        let path = self.claim.meta.reference(Kind::Pvc).path();
        match &self.options.from {
            Some(From::Set(set)) => {
                let names: Vec<String> =
                    self.cases.iter().map(|case| case.claim.meta.reference(Kind::Pvc).path()).collect();
                format!("restore volumes {} in place from set {}", words::list(&names), words::sanitize(set))
            }
            _ if self.together() => {
                let others = words::plural(self.cases.len() - 1, "other", "others");
                format!("restore volume {path} and {others} in place from the volumes that were kept")
            }
            _ => format!("restore volume {path} in place from {}", from(&self.cases[0])),
        }
    }

    fn swap(&self, id: &OperationId, now: Timestamp) -> Result<Swap, Refusal> {
        let number = |place: usize| self.together().then_some(place + 1);
        let parts = self.cases.iter().enumerate().map(|(place, case)| case.part(number(place), self.options, id, now));
        let parts: Vec<Part> = parts.collect();
        let running = self.cases.iter().flat_map(|case| &case.consumers.workloads);
        let running = running.filter(|workload| workload.replicas() > 0);
        let mut workloads: Vec<Stopped> = running
            .map(|workload| Stopped { at: workload.at(), uid: workload.uid(), replicas: workload.replicas() })
            .collect();
        once(&mut workloads, |workload| workload.at.clone());
        let mut pauses: Vec<_> = self.cases.iter().flat_map(|case| case.pauses.clone()).collect();
        once(&mut pauses, |pause| (pause.at.clone(), pause.title.clone()));
        let within = Within::of(self.options);
        Ok(Swap { parts, workloads, nodes: self.nodes()?, pauses, within })
    }

    /// The nodes on which pods run that have to stop.
    fn nodes(&self) -> Result<Vec<(ObjectAt, Uid)>, Refusal> {
        let mut nodes = Vec::new();
        for case in &self.cases {
            for node in case.consumers.nodes() {
                let at = ObjectAt::of(Kind::Node, None, node);
                match case.gates.answers.objects.get(&at) {
                    Some(Ok(Some(object))) => nodes.push((at, uid(object))),
                    _ => {
                        return case.gates.refuse(
                            "a node on which a pod of it runs cannot be read, so nothing would prove that it stopped \
                             writing",
                            "look at the nodes of its pods first",
                        );
                    }
                }
            }
        }
        once(&mut nodes, |(at, _)| at.clone());
        Ok(nodes)
    }

    fn warnings(&self, swap: &Swap) -> Vec<String> {
        let mut warnings: Vec<String> =
            self.cases.iter().zip(&swap.parts).map(|(case, part)| lost(case, part)).collect();
        if self.together() {
            warnings = self.cases.iter().zip(&warnings).map(|(case, lost)| self.of(case, lost)).collect();
        }
        if swap.workloads.is_empty() {
            warnings.push("no workload that runs uses it; a pod that comes meanwhile halts the restore".into());
        }
        let mut said: Vec<String> = Vec::new();
        for case in &self.cases {
            said.extend(case.warnings.iter().map(|warning| self.of(case, warning)));
        }
        warnings.extend(said);
        warnings.extend(self.warnings.iter().cloned());
        warnings
    }

    fn changes(&self, swap: &Swap, standstill: &str, id: &OperationId) -> Vec<String> {
        let stops = |workload: &Stopped| {
            let replicas = usize::try_from(workload.replicas).unwrap_or(usize::MAX);
            let replicas = words::plural(replicas, "replica", "replicas");
            format!("stops {} ({replicas}) and starts it again", workload.at)
        };
        let mut changes: Vec<String> = swap.workloads.iter().map(stops).collect();
        let mut pods: Vec<&str> =
            self.cases.iter().flat_map(|case| &case.consumers.pods).map(|user| name(user.pod)).collect();
        pods.sort_unstable();
        pods.dedup();
        if !pods.is_empty() {
            changes.push(format!("pods that end: {}", pods.join(", ")));
        }
        changes.push(standstill.to_owned());
        changes.extend(swap.pauses.iter().map(|pause| format!("{} until it is done", pause.title)));
        for (case, part) in self.cases.iter().zip(&swap.parts) {
            changes
                .push(format!("deletes {} and creates it again under the same name for the other volume", part.claim));
            changes.push(format!("keeps {} with what is in it now (reclaim policy Retain)", part.volume));
            changes.push(format!("creates {}, whose copy in storage outlives it", part.safety));
            changes.push(Lock::of(self.world, case.claim).kept());
        }
        changes.push(id.recorded(self.claim.meta.namespace()));
        let volumes = if self.together() { "old volumes" } else { "old volume" };
        changes.push(format!(
            "when a step fails or it is stopped, what was done is taken back in reverse order, until the application \
             runs on its {volumes} again"
        ));
        changes
    }

    fn facts(&self, swap: &Swap) -> Vec<(String, String)> {
        let fact = |label: &str, value: String| (label.to_owned(), value);
        let mut facts = Vec::new();
        if let Some(From::Set(set)) = &self.options.from {
            facts.push(fact("set", words::sanitize(set).into_owned()));
        }
        let cuts = || self.cases.iter().filter_map(|case| case.cut);
        if let (Some((last, first)), true) = (cuts().max().zip(cuts().min()), self.together()) {
            facts.push(fact("cuts apart", quantity::instant(last.duration_since(first))));
        }
        for (case, part) in self.cases.iter().zip(&swap.parts) {
            if self.together() {
                facts.push(fact("volume", part.claim.name.clone()));
            }
            facts.extend([
                fact("from", from(case)),
                fact("data", case.of_when.clone()),
                fact("claim UID", case.claim.meta.uid().to_string()),
                fact("present volume", format!("{} (reclaim policy {})", part.volume.name, part.reclaim)),
                fact("driver", text(case.volume, "/spec/csi/driver").to_owned()),
                fact("safety snapshot class", case.class.clone()),
                fact("lineage", part.lineage.clone()),
            ]);
        }
        if self.cases.iter().any(|case| matches!(case.incoming, Incoming::Staged { .. })) {
            facts.push(fact("trial image", self.options.trial_image.clone()));
        }
        let reason = self.options.reason.iter().flat_map(|reason| reason.lines());
        facts.extend(reason.map(|line| fact("reason", line.to_owned())));
        let mut users: Vec<String> =
            self.cases.iter().flat_map(|case| &case.consumers.workloads).map(Workload::said).collect();
        once(&mut users, String::clone);
        facts.push(fact("used by", if users.is_empty() { "no workload".to_owned() } else { users.join(", ") }));
        facts
    }
}

/// Keeps the first of those with the same key.
fn once<T, K: Ord>(items: &mut Vec<T>, key: impl Fn(&T) -> K) {
    let mut seen = std::collections::BTreeSet::new();
    items.retain(|item| seen.insert(key(item)));
}

fn from(case: &Case) -> String {
    match &case.incoming {
        Incoming::Staged { data_source, .. } => format!("restore point {data_source}"),
        Incoming::Kept { at, .. } => format!("kept volume {}", at.name),
    }
}

fn lost(case: &Case, part: &Part) -> String {
    format!(
        "what was written since leaves the live volume: the data is then {}. It is kept until {} at least, in {} and in \
         volume {}",
        case.of_when,
        part.hold_until.strftime("%Y-%m-%d"),
        part.safety,
        part.volume.name
    )
}

/// From which step to which nothing runs, and for how long at most.
fn standstill(nodes: &[Node]) -> String {
    let steps = node::steps(nodes);
    let at = |prefix: &str| steps.iter().position(|step| step.id.0.starts_with(prefix));
    let last = steps.iter().rposition(|step| step.id.0.starts_with("ready-"));
    let (Some(first), Some(last)) = (at("stop-"), last) else {
        return "nothing runs that would have to stop".into();
    };
    let longest: Duration = steps[first..=last].iter().map(|step| step.deadline).sum();
    let longest = quantity::duration(SignedDuration::try_from(longest).unwrap_or(SignedDuration::MAX));
    format!(
        "it stands still from step {} to step {}: as a rule for a minute or two, at most {longest}",
        first + 1,
        last + 1
    )
}
