//! Everything that was found out about the volumes of one backup, and the plan that is made of it.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::bundle::Packed;
use super::group::Group;
use super::member::{Marks, Member};
use super::owner::{self, Found, Owner};
use super::{Options, Scope, Together, bundle, command, group, preflight, quiesce, refusal, scope, steps};
use crate::model::{DeletionPolicy, Kind, ObjRef, Pvc, Uid, World, annotation};
use crate::plan::hooks::{self, Consistency, Hook};
use crate::plan::{
    Act, Answers, Check, Node, OperationId, Plan, Questions, Refusal, Step, StepId, Subject, Verb, lock,
};

/// A backup that can be taken.
pub(super) struct Case<'a> {
    world: &'a World,
    claim: &'a Pvc,
    options: &'a Options,
    answers: &'a Answers,
    id: OperationId,
    now: Timestamp,
    said: String,
    members: Vec<Member<'a>>,
    owner: Option<Owner>,
    /// The group, or why several volumes are cut side by side.
    group: Result<Group, String>,
    hooks: Vec<Hook>,
    bundle: Option<Packed>,
    warnings: Vec<String>,
}

impl<'a> Case<'a> {
    pub fn of(
        world: &'a World,
        claim: &'a Pvc,
        answers: &'a Answers,
        options: &'a Options,
        (id, now): (OperationId, Timestamp),
    ) -> Result<Self, Refusal> {
        let said = options.scope.said(claim);
        let refuse = |(why, clear): (String, String)| refusal(&said, why, clear);
        let resolved = scope::resolve(&options.scope, world, claim, answers).map_err(refuse)?;
        let (claims, mut warnings) = (resolved.claims, resolved.warnings);
        let members = claims.iter().map(|claim| Member::of(world, claim, answers, options));
        let members = members.collect::<Result<Vec<_>, _>>()?;
        preflight::check_rights(answers, &said)?;
        preflight::check_quota(answers, claim.meta.namespace(), &said, members.len())?;
        let group = group_of(&members, options, answers, &id);
        if let (Err(why), Together::Group) = (&group, options.together) {
            let clear = "leave --together out: the volumes are cut side by side then";
            return Err(refusal(&said, format!("no group of volumes can be cut: {why}"), clear));
        }
        let found = options.quiesce.as_ref();
        let found = found.map(|quiesce| quiesce::found(world, &claims, answers, quiesce, (&said, &id))).transpose()?;
        let found = found.unwrap_or_default();
        let owner = match (&options.scope, owner::of(world, claim, answers)) {
            (Scope::Workload(owner), _) => Some(owner.clone()),
            (Scope::Volume, Found::Known(owner)) => Some(owner),
            (Scope::Volume | Scope::Selected(_), _) => None,
        };
        for member in &members {
            let whose = if members.len() > 1 { format!("{}: ", member.name()) } else { String::new() };
            warnings.extend(member.warnings.iter().map(|warning| format!("{whose}{warning}")));
        }
        warnings.extend(found.warnings);
        let namespace = claim.meta.namespace();
        let bundle = owner.as_ref().map(|owner| bundle::of(owner, namespace, (world, answers), (&id, now)));
        let bundle = match bundle {
            Some(Err(why)) => {
                warnings.push(format!("no manifests are kept with it: {why}"));
                None
            }
            packed => packed.and_then(Result::ok),
        };
        warnings.extend(bundle.iter().flat_map(|packed| packed.warnings.iter().cloned()));
        let hooks = found.hooks;
        Ok(Self { world, claim, options, answers, id, now, said, members, owner, group, hooks, bundle, warnings })
    }

    fn namespace(&self) -> &str {
        self.claim.meta.namespace()
    }

    /// How many volumes are cut together; `None` of one alone.
    fn set(&self) -> Option<usize> {
        Some(self.members.len()).filter(|count| *count > 1)
    }

    fn marks(&self) -> Marks<'_> {
        let grouped = self.group.is_ok();
        Marks {
            id: &self.id,
            at: self.now,
            who: &self.answers.who,
            reason: self.options.reason.as_deref(),
            owner: self.owner.as_ref(),
            // What more a copy is, is said once it is proved. Members of a group are written on after that.
            consistency: match (&self.options.quiesce, grouped) {
                (Some(_), true) => Consistency::Application,
                (None, true) => Consistency::Group,
                (_, false) => Consistency::Crash,
            },
            set: self.set(),
            bundle: self.bundle.as_ref().map(|packed| &packed.bundle),
        }
    }

    pub fn plan(mut self, now: Timestamp) -> Result<Plan, Refusal> {
        let locks: Vec<_> = self.members.iter().map(|member| member.lock.clone()).collect();
        let looked = lock::look(&locks, self.answers, &self.id, now);
        let looked = looked.map_err(|(why, clear)| refusal(&self.said, why, clear))?;
        self.warnings.extend(looked);
        self.warnings.extend(self.fate());
        let context = &self.world.context;
        Ok(Plan {
            verb: Verb::Backup,
            title: self.title(),
            context: context.name.to_string(),
            server: context.server.to_string(),
            protected: context.protected,
            count: None,
            subject: self.subject(),
            made: now,
            facts: self.facts(),
            changes: self.changes(),
            command: command(self.options, self.claim, &context.name),
            undo: self.undo(),
            undoes: None,
            bundle: self.bundle.as_ref().map(|packed| packed.bundle.clone()),
            nodes: self.nodes(),
            id: self.id.clone(),
            warnings: self.warnings,
            locks,
        })
    }

    fn title(&self) -> String {
        match self.set() {
            None if self.options.scope == Scope::Volume => format!("back up {}", self.said),
            None => format!("back up {} (1 volume)", self.said),
            Some(count) => {
                let count = crate::text::plural(count, "volume", "volumes");
                format!("back up {} ({count} together)", self.said)
            }
        }
    }

    /// The workload where one was asked for, else the first claim.
    fn subject(&self) -> Subject {
        let version = |object: &Value| {
            object.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let workload = scope::workload(&self.options.scope, self.namespace());
        let workload = workload.and_then(|at| self.answers.object(&at).ok());
        if let (Scope::Workload(owner), Some(object)) = (&self.options.scope, workload) {
            let uid = object.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default();
            let object_ref = ObjRef::namespaced(owner.kind, self.namespace(), owner.name.as_str());
            return Subject { object: object_ref, uid: Uid::from(uid), resource_version: version(object) };
        }
        let first = self.members.first();
        let claim = first.map_or(self.claim, |member| member.claim);
        let resource_version = first.map(|member| version(member.fresh)).unwrap_or_default();
        Subject { object: claim.meta.reference(Kind::Pvc), uid: claim.meta.uid(), resource_version }
    }

    /// What deleting the copies would do, where that destroys them.
    fn fate(&self) -> Option<String> {
        let namespace = self.namespace();
        let by_group = self.group.as_ref().ok().map(|group| group.deletion);
        let each = |member: &Member<'_>| by_group.unwrap_or(member.class.deletion) == DeletionPolicy::Delete;
        let what = if by_group.is_some() { "VolumeGroupSnapshot" } else { "VolumeSnapshot" };
        let copies = if self.set().is_some() { "these copies" } else { "this copy" };
        self.members.iter().any(each).then(|| {
            format!("deletion policy is Delete: deleting the {what}, or namespace {namespace}, destroys {copies}")
        })
    }

    fn undo(&self) -> Vec<String> {
        let fate = "(its copy in storage goes when the deletion policy says so)";
        let mut undo = match &self.group {
            Ok(group) => vec![format!("delete {} (its copies in storage go when its class says so)", group.at)],
            Err(_) => self.members.iter().map(|member| format!("delete {} {fate}", member.at(&self.id))).collect(),
        };
        if self.set().is_some() {
            undo.push(
                "until the last member is ready, a failure or a stop takes back by itself what was made".to_owned(),
            );
        }
        undo
    }

    fn changes(&self) -> Vec<String> {
        let mut changes = match &self.group {
            Ok(group) => vec![format!("creates {}, and its controller a VolumeSnapshot of each volume", group.at)],
            Err(_) => self.members.iter().map(|member| format!("creates {}", member.at(&self.id))).collect(),
        };
        let mut drivers: Vec<&str> = self.members.iter().map(|member| &**member.driver).collect();
        drivers.dedup();
        let more = match self.set() {
            None => "one more snapshot".to_owned(),
            Some(count) => format!("{count} more snapshots"),
        };
        changes.push(format!("the storage system of {} keeps {more}", drivers.join(" and ")));
        changes.push(self.id.recorded(self.namespace()));
        changes.extend(self.members.iter().map(|member| member.lock.kept()));
        changes.extend(
            self.bundle.iter().map(|packed| format!("keeps manifests outside the cluster: {}", packed.bundle.place)),
        );
        match &self.options.quiesce {
            None => changes.push("changes nothing that exists; no pod is stopped or paused".into()),
            Some(quiesce) => changes.extend(quiesce::changes(quiesce, &self.hooks)),
        }
        changes
    }

    fn facts(&self) -> Vec<(String, String)> {
        let fact = |label: &str, value: String| (label.to_owned(), value);
        let mut facts = if self.set().is_some() { self.facts_of_set() } else { self.facts_of_one() };
        match (&self.options.quiesce, &self.group) {
            (Some(quiesce), _) => facts.extend(quiesce::facts(quiesce, &self.hooks)),
            (None, Ok(_)) => facts.push(fact(
                "consistency",
                "group: all volumes at one moment, as if power was lost at the cut".to_owned(),
            )),
            (None, Err(_)) => {
                facts.push(fact("consistency", "crash-consistent: as if power was lost at the cut".to_owned()));
            }
        }
        facts.extend(self.owner.as_ref().map(|owner| fact("workload", owner.to_string())));
        if let Some(packed) = &self.bundle {
            facts.push(fact("manifests", packed.says.clone()));
            facts.push(fact("kept in", packed.bundle.place.clone()));
        }
        let reason = self.options.reason.iter().flat_map(|reason| reason.lines());
        facts.extend(reason.map(|line| fact("reason", line.to_owned())));
        if let [member] = self.members.as_slice() {
            facts.push(fact("mounted by", member.mounted_by()));
        }
        facts
    }

    fn facts_of_one(&self) -> Vec<(String, String)> {
        let fact = |label: &str, value: String| (label.to_owned(), value);
        let Some(member) = self.members.first() else { return Vec::new() };
        vec![
            fact("claim UID", member.claim.meta.uid().to_string()),
            fact("volume", member.pv.meta.name.to_string()),
            fact("size", member.size()),
            fact("driver", member.driver.to_string()),
            fact("snapshot class", member.class.meta.name.to_string()),
            fact("deletion policy", member.class.deletion.word().to_owned()),
        ]
    }

    fn facts_of_set(&self) -> Vec<(String, String)> {
        let fact = |label: &str, value: String| (label.to_owned(), value);
        let each = |member: &Member<'_>| {
            let class = match &self.group {
                Ok(_) => String::new(),
                Err(_) => format!(", class {} ({})", member.class.meta.name, member.class.deletion.word()),
            };
            let (uid, size, by) = (member.claim.meta.uid(), member.size(), member.mounted_by());
            fact("member", format!("{} (UID {uid}), {size}{class}, mounted by {by}", member.name()))
        };
        let mut facts = vec![fact("set", self.id.to_string())];
        facts.extend(self.members.iter().map(each));
        match &self.group {
            Ok(group) => {
                facts.push(fact("cut", "all at one moment, as a VolumeGroupSnapshot".to_owned()));
                let class = format!("{} ({})", group.class, group.deletion.word());
                facts.push(fact("group snapshot class", class));
                facts.push(fact("selects by labels", scope::selector(&group.labels)));
            }
            Err(why) => {
                let said = "one after the other without waiting in between; how far apart is measured and recorded";
                facts.push(fact("cut", said.to_owned()));
                facts.push(fact("no group, because", why.clone()));
            }
        }
        facts
    }

    fn named(&self, role: &str, place: usize) -> StepId {
        StepId(if self.set().is_some() { format!("{role}-{}", place + 1) } else { role.to_owned() })
    }

    /// The hooks stand around the cut alone: being restorable may take long, and the application goes on meanwhile.
    /// What is written on copies comes when they are settled: that they cannot be written on takes nothing back.
    fn nodes(&self) -> Vec<Node> {
        let around = |cut: Vec<Node>| match &self.options.quiesce {
            None => cut,
            Some(quiesce) => hooks::around(hooks::Around { hooks: &self.hooks, at_most: quiesce.at_most }, cut),
        };
        let (cut_within, ready_within) = (self.options.cut_within, self.options.ready_within);
        let (mut body, makes) = if let Ok(group) = &self.group {
            let mut body = around(group.cut(&self.members, &self.marks(), cut_within));
            body.extend(group.ready(&self.members, ready_within));
            (body, vec![group.at.clone()])
        } else {
            let mut body = around(self.cut_each());
            body.extend(self.each(|case, place, member| {
                let (id, of) = (case.named("ready", place), steps::made(&case.named("create", place)));
                Some(steps::ready(id, of, case.of_set(member), ready_within))
            }));
            (body, self.members.iter().map(|member| member.at(&self.id)).collect())
        };
        if self.set().is_some() {
            let guards = self.members.iter().map(Member::guard).collect();
            body.splice(0..0, steps::begin(guards, &makes, &self.id));
            body = vec![Node::Whole(body)];
        }
        body.extend(self.each(Self::mark));
        if self.set().is_some() && self.group.is_err() {
            body.push(Node::Do(Box::new(steps::skew(steps::made(&self.named("create", 0))))));
        }
        body
    }

    /// The claim of a member, where there are several.
    fn of_set<'m>(&self, member: &'m Member<'_>) -> Option<&'m str> {
        self.set().map(|_| member.name())
    }

    /// A step for each member: alone, or side by side.
    fn each(&self, step: impl Fn(&Self, usize, &Member<'_>) -> Option<Step>) -> Option<Node> {
        let steps = self.members.iter().enumerate().filter_map(|(place, member)| step(self, place, member));
        let mut nodes: Vec<Node> = steps.map(|step| Node::Do(Box::new(step))).collect();
        if nodes.len() > 1 { Some(Node::All(nodes)) } else { nodes.pop() }
    }

    fn cut_each(&self) -> Vec<Node> {
        let create = self.each(|case, place, member| Some(member.create(case.named("create", place), &case.marks())));
        let cut = self.each(|case, place, member| {
            let (id, of) = (case.named("cut", place), steps::made(&case.named("create", place)));
            Some(steps::cut(id, of, case.of_set(member), case.options.cut_within))
        });
        create.into_iter().chain(cut).collect()
    }

    /// Says on a copy what it turned out to be, once that is proved.
    fn mark(&self, place: usize, member: &Member<'_>) -> Option<Step> {
        if self.group.is_ok() {
            return Some(Group::mark(place, member, &self.marks()));
        }
        let (mut patch, mut done, mut says) = (Vec::new(), Vec::new(), Vec::new());
        if self.options.quiesce.is_some() {
            let (field, level) = (annotation::pointer(annotation::CONSISTENCY), Consistency::Application.word());
            patch.push(json!({ "op": "add", "path": field, "value": level }));
            done.push(Check::is(&field, level));
            says.push("that it is application-consistent");
        }
        if self.set().is_some() {
            let moment = |place: usize| json!({ "step": self.named("cut", place).0, "slot": steps::CUT_EXACTLY });
            let span = json!({ "span": (0..self.members.len()).map(moment).collect::<Vec<_>>() });
            let field = annotation::pointer(annotation::SET_SKEW);
            patch.push(json!({ "op": "add", "path": field, "valueFrom": [span] }));
            done.push(Check::present(&field));
            says.push("how far the cuts are apart");
        }
        let whose = self.of_set(member).map(|claim| format!(" of {claim}")).unwrap_or_default();
        (!patch.is_empty()).then(|| Step {
            id: self.named("mark", place),
            title: format!("say on the snapshot{whose} {}", says.join(" and ")),
            act: Act::Patch { target: steps::made(&self.named("create", place)), patch: Value::Array(patch), done },
            guards: Vec::new(),
            deadline: Duration::from_secs(60),
        })
    }
}

/// The group of several volumes; one alone needs none.
fn group_of(members: &[Member<'_>], options: &Options, answers: &Answers, id: &OperationId) -> Result<Group, String> {
    if members.len() < 2 { Err("there is one volume".to_owned()) } else { group::of(members, options, answers, id) }
}

/// What is read besides, of the workload that uses the volume or is backed up as a whole.
pub(super) fn reads(world: &World, claim: &Pvc, options: &Options, known: &Answers) -> Questions {
    let namespace = claim.meta.namespace();
    match (&options.scope, owner::of(world, claim, known)) {
        (Scope::Workload(owner), _) => bundle::questions(owner, namespace, known),
        (Scope::Volume, Found::Known(owner)) => bundle::questions(&owner, namespace, known),
        (Scope::Volume, Found::Ask(at)) => Questions { objects: vec![at], ..Questions::default() },
        (Scope::Volume, Found::None) | (Scope::Selected(_), _) => Questions::default(),
    }
}
