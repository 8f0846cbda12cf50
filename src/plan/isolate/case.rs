//! One workload as it was read just now, with everybody whose pods its selector selects and every policy on them.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Lists, Options, STEP, beside, called, ours, place, policies, policy, selector, written};
use crate::model::{Kind, Workload, World, annotation};
use crate::plan::read::{items, name, text as text_at, uid};
use crate::plan::{Act, Answers, Check, Guard, ListAt, Node, ObjectAt, OperationId, Plan, Step, StepId, Subject, Verb};
use crate::text;

/// Why not, and what would clear it.
type No = (String, String);

/// How long the create may take.
const WITHIN: Duration = Duration::from_secs(60);
/// So many pods are named.
const NAMED: usize = 10;

pub(super) struct Case<'a> {
    world: &'a World,
    kind: Kind,
    workload: &'a Workload,
    options: &'a Options,
    fresh: &'a Value,
    reason: String,
    /// Its pods that run.
    pods: Vec<&'a Value>,
    /// Other policies on them that let something through, in words.
    through: Vec<String>,
}

impl<'a> Case<'a> {
    pub fn of(
        world: &'a World,
        kind: Kind,
        workload: &'a Workload,
        answers: &'a Answers,
        options: &'a Options,
    ) -> Result<Self, No> {
        let no = |why: &str, clear: &str| Err((why.to_owned(), clear.to_owned()));
        let Some(reason) = options.reason.clone() else { return no("an isolation says why", "give a --reason") };
        answers.rights()?;
        let fresh = answers.object(&place(kind, workload))?;
        if uid(fresh) != workload.meta.uid() {
            return no("it was made anew meanwhile", "look at the new one, then try again");
        }
        if fresh.pointer("/metadata/deletionTimestamp").is_some() {
            return no("it is being deleted already", "pick another workload");
        }
        if fresh.pointer("/spec/template/spec/hostNetwork") == Some(&Value::Bool(true)) {
            let clear = "hold it on the node instead, or scale it to nothing";
            return no("its pods use the network of their node, where no NetworkPolicy holds them", clear);
        }
        let mut case = Self { world, kind, workload, options, fresh, reason, pods: Vec::new(), through: Vec::new() };
        case.look_at_pods(answers)?;
        case.look_at_policies(answers)?;
        Ok(case)
    }

    fn selector(&self) -> &'a Value {
        &self.fresh["spec"]["selector"]
    }

    /// Its own pods; refuses when somebody else's are selected as well.
    fn look_at_pods(&mut self, answers: &'a Answers) -> Result<(), No> {
        let lists = Lists::of(self.workload.meta.namespace());
        if selector::everything(self.selector()) {
            let clear = "deny the whole namespace by hand, if that is meant";
            return Err(("its selector selects every pod of the namespace".to_owned(), clear.to_owned()));
        }
        let mut others = Vec::new();
        for list in &lists.owners {
            // What makes it has the same labels in its template.
            for object in listed(answers, list)?.iter().filter(|object| controller(object).is_none()) {
                let labels = &object["spec"]["template"]["metadata"]["labels"];
                if uid(object) != self.workload.meta.uid() && selector::selects(self.selector(), labels) {
                    others.push(called(&list.resource.kind, object));
                }
            }
        }
        let sets = listed(answers, &lists.sets())?;
        for pod in listed(answers, &lists.pods)? {
            let ended = ["Succeeded", "Failed"].contains(&text_at(pod, "/status/phase"));
            if ended || !selector::selects(self.selector(), &pod["metadata"]["labels"]) {
                continue;
            }
            let Some(owner) = controller(pod) else {
                others.push(called("Pod", pod));
                continue;
            };
            let above = sets.iter().find(|set| uid(set).as_str() == text_at(owner, "/uid"));
            let top = above.and_then(controller).unwrap_or(owner);
            if text_at(top, "/uid") == self.workload.meta.uid().as_str() {
                self.pods.push(pod);
            } else if !super::LOOKED_AT.iter().any(|kind| kind.spec().kind == text_at(top, "/kind")) {
                others.push(format!("{} {}", text_at(top, "/kind"), text_at(top, "/name")));
            }
        }
        others.sort();
        others.dedup();
        if others.is_empty() {
            return Ok(());
        }
        let others: Vec<String> = others.iter().map(|other| text::sanitize(other).into_owned()).collect();
        let why = format!(
            "its selector ({}) selects pods of {} as well, which would be contained with it",
            selector::said(self.selector()),
            text::list(&others)
        );
        Err((why, "give its pods a label of their own and write the NetworkPolicy by hand".to_owned()))
    }

    fn look_at_policies(&mut self, answers: &'a Answers) -> Result<(), No> {
        let (own, namespace) = (policy(self.kind, self.workload), self.workload.meta.namespace());
        let template = &self.fresh["spec"]["template"]["metadata"]["labels"];
        for found in listed(answers, &ListAt::all(policies(), Some(namespace)))? {
            if name(found) == own.name {
                let maker = text_at(found, &annotation::pointer(annotation::OPERATION));
                if !ours(found) {
                    let clear = "look who made it, and delete it by hand if that is right".to_owned();
                    return Err((format!("{own} is there already, and this console did not make it"), clear));
                }
                let why = format!("it is isolated already, by operation {}", text::sanitize(maker));
                return Err((why, "let it rejoin first: holdfast rejoin".to_owned()));
            }
            let selector = &found["spec"]["podSelector"];
            let labels = self.pods.iter().map(|pod| &pod["metadata"]["labels"]).chain([template]);
            let through = beside::lets_through(found);
            if !through.is_empty() && labels.into_iter().any(|labels| selector::selects(selector, labels)) {
                self.through.push(beside::said(found, &through));
            }
        }
        if self.through.is_empty() || self.options.beside {
            return Ok(());
        }
        let why =
            format!("NetworkPolicies add up, and others let traffic through to its pods: {}", self.through.join("; "));
        let clear = "change or delete them first; or, if what they let through may go on, add --beside-policies";
        Err((why, clear.to_owned()))
    }

    pub fn plan(&self, id: OperationId, now: Timestamp) -> Plan {
        let (at, own) = (place(self.kind, self.workload), policy(self.kind, self.workload));
        let context = &self.world.context;
        let path = format!("{}/{}", self.workload.meta.namespace(), written(self.kind, self.workload));
        Plan {
            verb: Verb::Isolate,
            title: format!("isolate {at}"),
            context: context.name.to_string(),
            server: context.server.to_string(),
            protected: context.protected,
            count: None,
            subject: Subject {
                object: self.workload.meta.reference(self.kind),
                uid: self.workload.meta.uid(),
                resource_version: text_at(self.fresh, "/metadata/resourceVersion").to_owned(),
            },
            made: now,
            facts: self.facts(),
            warnings: self.warnings(),
            changes: vec![
                format!("creates {own}, which denies its pods all traffic that is not named here"),
                id.recorded(self.workload.meta.namespace()),
            ],
            command: super::command(self.options, &path, &context.name),
            undo: vec![format!("holdfast rejoin {path}: deletes {own}")],
            locks: Vec::new(),
            undoes: None,
            bundle: None,
            nodes: vec![Node::Do(Box::new(self.step(&own, &at, &id)))],
            id,
        }
    }

    fn facts(&self) -> Vec<(String, String)> {
        let fact = |label: &str, value: String| (label.to_owned(), value);
        let mut pods: Vec<String> = self.pods.iter().map(|pod| text::sanitize(name(pod)).into_owned()).collect();
        let more = pods.len().saturating_sub(NAMED);
        pods.truncate(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let pods = if pods.is_empty() { "none now; those to come".to_owned() } else { pods.join(", ") + &more };
        let from: Vec<String> = self.options.from.iter().map(super::Peer::said).collect();
        let inward = if from.is_empty() { "nothing".to_owned() } else { format!("from {}", from.join(", or ")) };
        let outward = if self.options.dns { "DNS: port 53 of pods in kube-system" } else { "nothing" };
        let mut facts = vec![
            fact("pods", pods),
            fact("selected by", selector::said(self.selector())),
            fact("in", inward),
            fact("out", outward.to_owned()),
        ];
        facts.extend(self.reason.lines().map(|line| fact("reason", line.to_owned())));
        facts
    }

    fn warnings(&self) -> Vec<String> {
        let say = |text: &str| text.to_owned();
        let mut warnings = vec![
            say(
                "not proven: a NetworkPolicy holds only where the network plugin enforces it, which cannot be seen from \
                 here; try a connection that should fail",
            ),
            say("what becomes of connections that are open already is the plugin's choice: to end them for certain, \
                 restart the pods"),
            say("traffic between a pod and its own node goes on as a rule, so kubelet probes still work"),
            say(
                "policies of other kinds (AdminNetworkPolicy, those of Cilium or Calico) are not looked at: they may let \
                 through what this denies",
            ),
        ];
        let hosted = self.pods.iter().filter(|pod| pod.pointer("/spec/hostNetwork") == Some(&Value::Bool(true)));
        let hosted: Vec<String> = hosted.map(|pod| text::sanitize(name(pod)).into_owned()).collect();
        if !hosted.is_empty() {
            let pods = text::list(&hosted);
            warnings.push(format!("not affected, because they use the network of their node: {pods}"));
        }
        warnings.extend(self.through.iter().map(|through| format!("{through}. It adds up: that goes on")));
        if self.options.dns {
            warnings.push(say(
                "names that are asked for can carry data out, and a DNS cache on the node is not reached by this",
            ));
        }
        warnings
    }

    fn manifest(&self, own: &ObjectAt, id: &OperationId) -> Value {
        let from: Vec<Value> = self.options.from.iter().map(super::Peer::manifest).collect();
        let inward = if from.is_empty() { json!([]) } else { json!([{ "from": from }]) };
        let system =
            json!({ "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "kube-system" } } });
        let ports = json!([{ "protocol": "UDP", "port": 53 }, { "protocol": "TCP", "port": 53 }]);
        let outward = if self.options.dns { json!([{ "to": [system], "ports": ports }]) } else { json!([]) };
        json!({
            "apiVersion": own.resource.api_version(), "kind": own.resource.kind,
            "metadata": {
                "name": own.name, "namespace": own.namespace,
                "labels": { annotation::MANAGED_BY.0: annotation::MANAGED_BY.1 },
                "annotations": {
                    annotation::OPERATION: id.as_str(),
                    annotation::STEP: STEP,
                    annotation::WORKLOAD: format!("{}/{}", self.kind.spec().kind, self.workload.meta.name),
                    annotation::REASON: self.reason,
                },
            },
            "spec": {
                "podSelector": self.selector(), "policyTypes": ["Ingress", "Egress"],
                "ingress": inward, "egress": outward,
            },
        })
    }

    fn step(&self, own: &ObjectAt, at: &ObjectAt, id: &OperationId) -> Step {
        let guard = Guard {
            at: at.clone(),
            uid: self.workload.meta.uid(),
            checks: vec![
                Check::absent("/metadata/deletionTimestamp"),
                Check::is("/spec/selector", self.selector().clone()),
            ],
            or: "it is being deleted, or another one has its name; plan again".into(),
        };
        Step {
            id: StepId(STEP.into()),
            title: format!("create {own}"),
            act: Act::Create { at: own.clone(), manifest: self.manifest(own, id) },
            guards: vec![guard],
            deadline: WITHIN,
        }
    }
}

fn listed<'a>(answers: &'a Answers, list: &ListAt) -> Result<&'a [Value], No> {
    match answers.lists.get(list) {
        Some(Ok(found)) => Ok(found),
        Some(Err(why)) => Err((format!("{} could not be listed: {why}", list.resource.plural), "try again".to_owned())),
        None => Err((format!("{} were not listed", list.resource.plural), "try again".to_owned())),
    }
}

fn controller(object: &Value) -> Option<&Value> {
    items(object, "/metadata/ownerReferences").iter().find(|owner| owner["controller"] == true)
}
