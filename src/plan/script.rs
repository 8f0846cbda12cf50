//! A plan as a shell script of kubectl commands: the way out when the console is gone.
//!
//! Pure. The script does by hand what the engine would do, in the same order and with the same proofs: context and
//! server, locks, guards, UIDs and versions before each write, deadlines, and what brackets owe whatever happens.
//! Every value that is not this module's own stands in quotes, in a comment made safe, or in a heredoc of JSON, which
//! has no line that could end it. POSIX shell, and kubectl alone.

mod pieces;
mod prelude;

use serde_json::json;

use super::{
    Act, CERTIFICATE, Check, Guard, InPod, ListAt, Node, ObjectAt, OperationId, Output, Plan, Progress, Step, StepId,
    StepState, Target, Until,
};
use crate::model::annotation;
use crate::text;
use pieces::{Where, comment, condition, document, field, quoted};

/// The script of a plan that nothing was done of yet.
pub fn whole(plan: &Plan) -> String {
    script(plan, &Progress::default())
}

/// The script of what is left to do of an operation, and before that of what its brackets owe.
pub fn script(plan: &Plan, progress: &Progress) -> String {
    let mut writer = Writer { plan, progress, out: prelude::prelude(plan), closes: 0 };
    writer.owed();
    if progress.end.is_some() {
        writer.line("say 'the operation has ended: nothing else is left to do'");
    } else {
        // Said before anything is done.
        if plan.steps().iter().any(|step| matches!(step.act, Act::Open { .. }) && !progress.settled(&step.id)) {
            writer.line(HELD_SESSION);
        }
        let keys = |act: &Act| matches!(act, Act::Stage { .. } | Act::Store { .. });
        if plan.steps().iter().any(|step| keys(&step.act) && !progress.settled(&step.id)) {
            writer.line(KEYS);
        }
        if plan.steps().iter().any(|step| matches!(step.act, Act::Trust { .. }) && !progress.settled(&step.id)) {
            writer.line(BUNDLES);
        }
        writer.nodes(&plan.nodes);
        writer.line("\nsay 'done'");
    }
    writer.out
}

/// What stands where a plan holds a session: a script has no way to hold one.
const HELD_SESSION: &str =
    "fail 'a session has to be held open here, which takes the console; plan with hooks that need none, or without'";

/// What stands where keys are made or moved: a script would leave them behind in files and arguments.
const KEYS: &str = "fail 'private keys are made and moved by the console alone: resume the operation there'";

/// What stands where a trust bundle changes: a certificate has to be cut out of text that others write as well.
const BUNDLES: &str = "fail 'trust bundles are changed by the console alone: resume the operation there'";

/// The script as it grows.
struct Writer<'a> {
    plan: &'a Plan,
    progress: &'a Progress,
    out: String,
    closes: usize,
}

impl Writer<'_> {
    fn line(&mut self, line: &str) {
        self.out.push_str(line);
        self.out.push('\n');
    }

    /// What open brackets owe comes first, inner ones before outer ones.
    fn owed(&mut self) {
        let owed: Vec<Step> = self.progress.owed(self.plan).into_iter().cloned().collect();
        if !owed.is_empty() {
            self.line("\n# What was begun and still has to be closed.");
        }
        for step in owed {
            self.step(&step);
        }
    }

    fn nodes(&mut self, nodes: &[Node]) {
        for node in nodes {
            match node {
                Node::Do(step) => self.unless_done(step),
                Node::Reversible { step, undo } => {
                    for step in undo {
                        let said = format!("# To take the next step back, by hand: {}", comment(&step.title));
                        self.line(&said);
                    }
                    self.unless_done(step);
                }
                Node::Whole(nodes) => {
                    self.line(
                        "\n# All of these or none: when one fails, take back by hand what was done, the last first.",
                    );
                    self.nodes(nodes);
                }
                Node::All(nodes) => {
                    self.line("\n# The console does these side by side; here they come one after the other.");
                    self.nodes(nodes);
                }
                Node::Bracket { open, body, close, .. } => self.bracket(open, body, close),
            }
        }
    }

    fn unless_done(&mut self, step: &Step) {
        match self.progress.state(&step.id) {
            StepState::Done(_) => {
                let said = comment(&step.title);
                self.line(&format!("\n# Done already: {said}"));
            }
            StepState::Waiting | StepState::Intended | StepState::Failed(_) => self.step(step),
        }
    }

    /// A bracket that is not over is opened anew: what was open was closed above.
    fn bracket(&mut self, open: &Step, body: &[Node], close: &Step) {
        let steps = super::node::steps(body);
        let done = |id: &StepId| matches!(self.progress.state(id), StepState::Done(_));
        if done(&open.id) && steps.iter().all(|step| done(&step.id)) {
            return;
        }
        self.closes += 1;
        let name = format!("close_{}", self.closes);
        self.line(&format!("\n# {name} is done whatever happens to what comes before it."));
        self.line(&format!("{name}() {{\n:"));
        self.step(close);
        self.line("}");
        self.line(&format!("owed=\"{name} $owed\""));
        self.step(open);
        self.nodes(body);
        self.line(&format!("\nowed=${{owed#{name} }}\n{name}"));
    }

    fn step(&mut self, step: &Step) {
        let title = comment(&step.title);
        self.line(&format!("\n# Step {}: {title}", comment(&step.id.0)));
        self.line(&format!("say {}", quoted(&format!("{}: {}", step.id, step.title))));
        for guard in &step.guards {
            self.guard(guard);
        }
        let Some(act) = step.act.filled(self.progress) else {
            self.line("fail 'only the console writes down what earlier steps found, and this needs it'");
            return;
        };
        match &act {
            Act::Create { at, manifest } | Act::Recreate { at, manifest, .. } => self.create(step, &act, at, manifest),
            Act::Stage { .. } | Act::Store { .. } => self.line(KEYS),
            Act::Trust { .. } => self.line(BUNDLES),
            Act::Patch { target, patch, done } => {
                if patch.as_array().into_iter().flatten().any(|operation| operation.get("valueFrom").is_some()) {
                    self.line("say 'left out: only the console writes down what steps found'");
                    return;
                }
                self.target(target);
                let met: Vec<String> = done.iter().map(|check| condition(check, &Where::target(), None)).collect();
                let met = if met.is_empty() { "false".to_owned() } else { met.join(" && ") };
                let operations = patch.as_array().into_iter().flatten();
                let rest = operations.fold(String::new(), |rest, operation| format!("{rest},{operation}"));
                self.line(&format!("if {met}; then\n  say 'it is so already'\nelse"));
                // It may lack the maps that are added to.
                let maps: Vec<&str> = super::maps_added_to(patch).collect();
                if !maps.is_empty() {
                    self.line("  maps=''");
                }
                for map in &maps {
                    let make = quoted(&format!(",{}", json!({ "op": "add", "path": map, "value": {} })));
                    let there = format!("[ -n \"$(read_target {})\" ]", quoted(&field(map)));
                    self.line(&format!("  {there} || maps=\"$maps\"{make}"));
                }
                let maps = if maps.is_empty() { "" } else { "\"$maps\"" };
                self.line(&format!("  patch_target {maps}{}\nfi", quoted(&rest)));
            }
            Act::Condition { target, condition: wanted, done } => self.condition(target, wanted, done),
            Act::Dismiss { target, patch, .. } => {
                if self.place(target) {
                    let operations = patch.as_array().into_iter().flatten();
                    let rest = operations.fold(String::new(), |rest, operation| format!("{rest},{operation}"));
                    self.line(&format!("same_target\npatch_target {}", quoted(&rest)));
                    self.line(&format!("within {}", step.deadline.as_secs()));
                    self.line("while [ \"$(read_target '{.metadata.uid}')\" = \"$uid\" ]; do");
                    self.line("  not_late \"$kind $name to be gone\"\ndone");
                }
            }
            Act::Delete { target: Target::Own { at, operation, checks } } => {
                self.delete_own(at, operation, checks, step.deadline.as_secs());
            }
            Act::Delete { target } => {
                if self.place(target) {
                    self.line(&format!("delete_target {}", step.deadline.as_secs()));
                }
            }
            Act::Scale { target, replicas } => {
                self.target(target);
                self.line(&format!("scale_target {replicas}"));
            }
            Act::Exec { run, keep, .. } => self.exec(step, run, *keep),
            // A session ends with the console that held it.
            Act::Say { end: true, .. } => self.line("say 'it ended with the console'"),
            Act::Open { .. } | Act::Say { .. } => self.line(HELD_SESSION),
            Act::Wait { target, until } => {
                self.target(target);
                self.wait(step, until);
            }
            Act::Absent { among, which, what } => self.absent(step, among, which, what),
            Act::Find { among, which, what } => self.find(step, among, which, what),
            Act::Handshake { pods, port, name, .. } => self.handshake(pods, *port, name),
        }
    }

    /// What each pod serves is for a person to see: kubectl knows no handshake.
    fn handshake(&mut self, pods: &ListAt, port: u16, name: &str) {
        let namespace = quoted(pods.namespace.as_deref().unwrap_or_default());
        let local = u32::from(port) + 10_000;
        self.line("# For each pod that is ready, in another shell:");
        self.line(&format!("#   kubectl port-forward --namespace {namespace} POD {local}:{port}"));
        let show = "openssl x509 -noout -fingerprint -sha256 -enddate";
        self.line(&format!(
            "#   openssl s_client -connect 127.0.0.1:{local} -servername {} </dev/null | {show}",
            quoted(name)
        ));
        self.line("say 'not seen by this script: what the pods serve now; the lines above show it'");
    }

    /// A condition of a status.
    fn condition(&mut self, target: &Target, wanted: &serde_json::Value, done: &[Vec<Check>]) {
        self.target(target);
        let all = |way: &Vec<Check>| {
            let met: Vec<String> = way.iter().map(|check| condition(check, &Where::target(), None)).collect();
            if met.is_empty() { "false".to_owned() } else { format!("{{ {}; }}", met.join(" && ")) }
        };
        let met: Vec<String> = done.iter().map(all).collect();
        let met = if met.is_empty() { "false".to_owned() } else { met.join(" || ") };
        let kind = wanted["type"].as_str().unwrap_or_default();
        let open = wanted.to_string();
        let open = open.strip_suffix('}').unwrap_or(&open);
        self.line(&format!("if {met}; then\n  say 'it is so already'\nelse"));
        self.line(&format!("  condition_target {} {}\nfi", quoted(kind), quoted(open)));
    }

    /// A command in a container. Its pod must still be the one that it was.
    fn exec(&mut self, step: &Step, run: &InPod, keep: bool) {
        self.target(&run.pod);
        let command: Vec<String> = run.command.iter().map(|word| quoted(word)).collect();
        let (container, command) = (quoted(&run.container), command.join(" "));
        let exec = format!(
            "on_cluster exec \"$name\" --namespace \"$namespace\" --container {container} -- {command} </dev/null"
        );
        if keep {
            self.line(&format!("printed=$({exec})"));
            self.output(step, "stdout", "printf '%s' \"$printed\"");
        } else {
            self.line(&format!("{exec} >&2"));
        }
    }

    /// A guard: its object must still be the one that it was.
    fn guard(&mut self, guard: &Guard) {
        let place = Where::of(&guard.at);
        let or = quoted(&format!("{}: {}", guard.at, guard.or));
        let is_uid = format!("[ \"$({} '{{.metadata.uid}}')\" = {} ]", place.read(), quoted(guard.uid.as_str()));
        self.line(&format!("{is_uid} || fail {or}"));
        for check in &guard.checks {
            let met = condition(check, &place, None);
            self.line(&format!("{met} || fail {or}"));
        }
    }

    /// Waits until no object of a list meets all of these conditions.
    fn absent(&mut self, step: &Step, among: &ListAt, which: &[Check], what: &str) {
        let kind = pieces::kind(&among.resource);
        let namespace = quoted(among.namespace.as_deref().unwrap_or_default());
        let place = Where { kind: kind.clone(), namespace: namespace.clone(), name: "\"$item\"".into() };
        let met: Vec<String> = which.iter().map(|check| condition(check, &place, None)).collect();
        self.line(&format!("within {}", step.deadline.as_secs()));
        self.line(&format!("while :; do\n  still=''\n  for item in $(read_names {kind} {namespace}); do"));
        self.line(&format!("    if {}; then still=\"$still $item\"; fi\n  done", met.join(" \\\n     && ")));
        self.line("  [ -n \"$still\" ] || break\n  report \"still there:$still\"");
        self.line(&format!("  not_late {}\ndone", quoted(what)));
    }

    /// Waits until an object of a list meets all of these conditions; what it is, later steps know by its variables.
    fn find(&mut self, step: &Step, among: &ListAt, which: &[Check], what: &str) {
        let kind = pieces::kind(&among.resource);
        let namespace = quoted(among.namespace.as_deref().unwrap_or_default());
        let place = Where { kind: kind.clone(), namespace: namespace.clone(), name: "\"$item\"".into() };
        let met: Vec<String> = which.iter().map(|check| condition(check, &place, None)).collect();
        let made = variable(&step.id);
        self.line(&format!("within {}", step.deadline.as_secs()));
        self.line(&format!("{made}_name=''\nwhile :; do\n  for item in $(read_names {kind} {namespace}); do"));
        self.line(&format!("    if {}; then {made}_name=$item; fi\n  done", met.join(" \\\n     && ")));
        self.line(&format!("  if [ -n \"${made}_name\" ]; then break; fi\n  not_late {}\ndone", quoted(what)));
        let found = Where { name: format!("\"${made}_name\""), ..place };
        self.line(&format!("{made}=$({} '{{.metadata.uid}}')\nclean \"${made}\"", found.read()));
    }

    fn create(&mut self, step: &Step, act: &Act, at: &ObjectAt, manifest: &serde_json::Value) {
        let place = Where::of(at);
        let made_by = field(&annotation::pointer(annotation::OPERATION));
        let own = quoted(self.plan.id.as_str());
        let mut there = format!("[ \"$({} {})\" = {own} ]", place.read(), quoted(&made_by));
        if let Act::Recreate { former, .. } = act {
            there = format!("[ \"$({} '{{.metadata.uid}}')\" = {} ] || {there}", place.read(), quoted(former.as_str()));
        }
        self.line(&format!("if {there}; then"));
        self.line(&format!("  say {}\nelse", quoted(&format!("{at} is there already, made by this operation"))));
        self.line("  on_cluster create -f - >&2 <<'END_OF_OBJECT'");
        self.out.push_str(&document(manifest));
        self.line("END_OF_OBJECT\nfi");
        let name = variable(&step.id);
        self.line(&format!("{name}=$({} '{{.metadata.uid}}')", place.read()));
        self.line(&format!("clean \"${name}\""));
    }

    /// Deletes what the operation made under a name, if it is there and as it must be.
    fn delete_own(&mut self, at: &ObjectAt, operation: &OperationId, checks: &[Check], within: u64) {
        let mark = field(&annotation::pointer(annotation::OPERATION));
        let own = format!("[ \"$(read_target {})\" = {} ]", quoted(&mark), quoted(operation.as_str()));
        let met = checks.iter().map(|check| condition(check, &Where::target(), None));
        let met: Vec<String> = std::iter::once(own).chain(met).collect();
        self.set_place(at, "''");
        self.line(&format!("if {}; then\n  uid=$(read_target '{{.metadata.uid}}')", met.join(" \\\n  && ")));
        self.line(&format!("  delete_target {within}\nelse\n  say 'it is not there, or left as it is'\nfi"));
    }

    /// Sets what the functions of the prelude work on, and fails when it is another object now.
    fn target(&mut self, target: &Target) {
        if self.place(target) {
            self.line("same_target");
        }
    }

    /// What a [`Act::Find`] of this script looks among, where that is the target.
    fn found(&self, target: &Target) -> Option<(ListAt, String)> {
        let Target::Output { step, .. } = target else { return None };
        match &self.plan.step(step)?.act {
            Act::Find { among, .. } => Some((among.clone(), variable(step))),
            _ => None,
        }
    }

    /// Sets what the functions of the prelude work on; false when no step says what that is.
    fn place(&mut self, target: &Target) -> bool {
        let Some((at, uid)) = self.resolved(target) else {
            if let Some((among, made)) = self.found(target) {
                let kind = pieces::kind(&among.resource);
                let namespace = quoted(among.namespace.as_deref().unwrap_or_default());
                let (resource, namespace_of) = (among.resource, among.namespace);
                let path = quoted(&pieces::path(&ObjectAt { resource, namespace: namespace_of, name: String::new() }));
                self.line(&format!("kind={kind} namespace={namespace} name=\"${made}_name\" uid=\"${made}\""));
                self.line(&format!("path={path}\"${made}_name\""));
                return true;
            }
            self.line("fail 'what this step works on was never made'");
            return false;
        };
        self.set_place(&at, &uid);
        true
    }

    fn set_place(&mut self, at: &ObjectAt, uid: &str) {
        let Where { kind, namespace, name } = Where::of(at);
        let path = quoted(&pieces::path(at));
        self.line(&format!("kind={kind} namespace={namespace} name={name} uid={uid}\npath={path}"));
    }

    /// Where a target is, and its UID as the shell has it.
    fn resolved(&self, target: &Target) -> Option<(ObjectAt, String)> {
        match target {
            Target::Known { at, uid } => Some((at.clone(), quoted(uid.as_str()))),
            // For deleting alone, which looks for it by its mark.
            Target::Own { .. } => None,
            Target::Output { step, slot } => match self.progress.outputs(step).and_then(|outputs| outputs.get(slot)) {
                Some(Output::Object { at, uid }) => Some((at.clone(), quoted(uid.as_str()))),
                Some(Output::Text(_)) => None,
                None => match &self.plan.step(step)?.act {
                    Act::Create { at, .. } | Act::Recreate { at, .. } => {
                        Some((at.clone(), format!("\"${}\"", variable(step))))
                    }
                    Act::Patch { target, .. } | Act::Condition { target, .. } | Act::Scale { target, .. } => {
                        self.resolved(target)
                    }
                    _ => None,
                },
            },
        }
    }

    fn wait(&mut self, step: &Step, until: &Until) {
        let place = Where::target();
        let until = &seen_by_kubectl(until);
        let mut met: Vec<String> = until.checks.iter().map(|check| condition(check, &place, None)).collect();
        let mut body = String::new();
        let second = Where { kind: String::new(), namespace: "''".into(), name: "\"$second\"".into() };
        if let Some(follow) = &until.follow {
            let kind = pieces::kind(&follow.resource);
            let second = Where { kind, ..second.clone() };
            body = format!("  second=$(read_target {})\n", quoted(&field(&follow.name_in)));
            met.push("[ -n \"$second\" ]".into());
            met.extend(follow.checks.iter().map(|check| condition(check, &second, Some("\"$uid\""))));
        }
        let met = if met.is_empty() { ":".to_owned() } else { met.join(" \\\n     && ") };
        self.line(&format!("within {}", step.deadline.as_secs()));
        self.line("while :; do\n  same_target");
        self.out.push_str(&body);
        for firm in &until.firm {
            let (holds, or) = (condition(&firm.check, &place, None), quoted(&firm.or));
            self.line(&format!("  {holds} || fail {or}"));
        }
        self.line(&format!("  if {met}; then break; fi"));
        for trouble in &until.trouble {
            self.line(&format!("  report \"$(read_target {})\"", quoted(&field(trouble))));
        }
        self.line(&format!("  not_late {}\ndone", quoted(&until.what)));
        for (slot, from) in &until.outputs {
            self.output(step, slot, &format!("read_target {}", quoted(&field(from))));
        }
        if let Some(follow) = &until.follow {
            let second = Where { kind: pieces::kind(&follow.resource), ..second.clone() };
            for (slot, from) in &follow.outputs {
                self.output(step, slot, &format!("{} {}", second.read(), quoted(&field(from))));
            }
        }
    }

    fn output(&mut self, step: &Step, slot: &str, read: &str) {
        let name = quoted(&format!("{}.{slot}", step.id));
        self.line(&format!("printf '%s\\t%s\\n' {name} \"$({read})\""));
    }
}

/// A wait without what kubectl does not see: what identifies the certificate of a TLS Secret is read by the console.
fn seen_by_kubectl(until: &Until) -> Until {
    let seen = |field: &str| !field.starts_with(CERTIFICATE);
    let mut until = until.clone();
    until.checks.retain(|check| seen(&check.field));
    until.firm.retain(|firm| seen(&firm.check.field));
    until.outputs.retain(|(_, field)| seen(field));
    until
}

/// The shell's name for the UID of what a step made.
fn variable(step: &StepId) -> String {
    // A step's id is a word of this console; as a digest it is a name whatever it holds.
    format!("made_{}", &text::sha256(step.0.as_bytes())[..12])
}

#[cfg(test)]
mod tests;
