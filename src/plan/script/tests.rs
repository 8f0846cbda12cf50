use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::model::Uid;
use crate::plan::{End, Expect, Firm, InPod, Lock, OperationId, Outputs, Resource, testing};

/// What a shell says of a script without running it.
fn parsed(script: &str) -> Result<(), String> {
    let mut shell = Command::new("sh").arg("-n").stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    shell.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = shell.wait_with_output().unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

fn object(name: &str) -> ObjectAt {
    ObjectAt { resource: Resource::config_map(), namespace: Some("shop".into()), name: name.into() }
}

fn step(id: &str, act: Act) -> Step {
    Step { id: StepId(id.into()), title: format!("do {id}"), act, guards: vec![], deadline: Duration::from_secs(5) }
}

fn known(name: &str) -> Target {
    Target::Known { at: object(name), uid: Uid::from("u-1") }
}

fn scale(id: &str, replicas: u32) -> Step {
    step(id, Act::Scale { target: known("db"), replicas })
}

/// A plan that uses every act and every kind of node.
fn plan() -> Plan {
    let create = Act::Create {
        at: object("made"),
        manifest: json!({ "kind": "ConfigMap", "data": { "a": "END_OF_OBJECT\n" } }),
    };
    let made = || Target::Output { step: StepId("create".into()), slot: "object".into() };
    let patch = Act::Patch {
        target: made(),
        patch: json!([{ "op": "add", "path": "/data/b", "value": "it's" }]),
        done: vec![Check::is("/data/b", "it's")],
    };
    let until = Until {
        what: "the thing".into(),
        checks: vec![Check::present("/status/at"), Check::is("/status/ready", true)],
        follow: None,
        trouble: vec!["/status/error".into()],
        outputs: vec![("at".into(), "/status/at".into())],
        firm: vec![Firm::new(Check::not("/status/phase", "Lost"), "it is lost")],
        ..Until::default()
    };
    let guard = Guard {
        at: object("claim"),
        uid: Uid::from("u-2"),
        checks: vec![Check::absent("/metadata/deletionTimestamp")],
        or: "plan again".into(),
    };
    let asked = Act::Condition {
        target: known("asked"),
        condition: json!({ "type": "Issuing", "status": "True", "reason": "r", "message": "it's due" }),
        done: vec![
            vec![Check::is("/status/conditions/[type=Issuing]/status", "True")],
            vec![Check { field: "/status/revision".into(), expect: Expect::Above(3) }],
        ],
    };
    let stored = Until {
        what: "another certificate".into(),
        checks: vec![
            Check::not("/data/tls.crt/fingerprint", "aa"),
            Check::not_below("/status/observedGeneration", "/metadata/generation"),
        ],
        firm: vec![Firm::new(Check { field: "/status/failed".into(), expect: Expect::NotAbove(0) }, "it failed")],
        outputs: vec![("fingerprint".into(), "/data/tls.crt/fingerprint".into())],
        ..Until::default()
    };
    let delete = Step { guards: vec![guard], ..step("delete", Act::Delete { target: known("old") }) };
    let body =
        vec![Node::All(vec![Node::Do(Box::new(step("create", create))), Node::Do(Box::new(step("patch", patch)))])];
    Plan {
        locks: vec![Lock { namespace: "shop".into(), lineage: Uid::from("u-2") }],
        nodes: vec![
            Node::Bracket {
                open: Box::new(scale("down", 0)),
                body,
                close: Box::new(scale("up", 3)),
                limit: Duration::from_secs(60),
            },
            Node::Do(Box::new(step("wait", Act::Wait { target: made(), until: Box::new(until) }))),
            Node::Do(Box::new(step("ask", asked))),
            Node::Do(Box::new(step("stored", Act::Wait { target: known("kept"), until: Box::new(stored) }))),
            Node::Do(Box::new(delete)),
        ],
        ..testing::plan(OperationId::new(jiff::Timestamp::UNIX_EPOCH, [0, 0, 0, 9]))
    }
}

#[test]
fn a_shell_can_read_the_script_of_every_act_and_node() {
    let script = whole(&plan());
    parsed(&script).unwrap();
    for part in
        ["on_cluster create", "patch_target", "scale_target 0", "delete_target 5", "owed=\"close_1 $owed\"", "u-2"]
    {
        assert!(script.contains(part), "{part} is not in\n{script}");
    }
    for part in ["condition_target 'Issuing'", "-gt 3 ]", "-le 0 ]", "-ge \"${other:-0}\" ]"] {
        assert!(script.contains(part), "{part} is not in\n{script}");
    }
    assert!(!script.contains("fingerprint"), "kubectl sees no such field");
    let at = |part: &str| script.find(part).unwrap();
    assert!(at("owed=\"close_1 $owed\"") < at("scale_target 0"), "what is owed is noted before it is begun");
    assert!(at("nobody_at_work 'shop' 'holdfast-u-2'") < at("scale_target 0"));
}

#[test]
fn what_is_done_is_left_out_and_what_is_owed_comes_first() {
    let plan = plan();
    let mut progress = Progress::default();
    progress.steps.insert(StepId("down".into()), StepState::Done(Outputs::new()));
    let made = Output::Object { at: object("made"), uid: Uid::from("u-7") };
    progress.steps.insert(StepId("create".into()), StepState::Done([("object".to_owned(), made)].into()));
    let script = script(&plan, &progress);
    parsed(&script).unwrap();
    let at = |part: &str| script.find(part).unwrap_or_else(|| panic!("{part} is not in\n{script}"));
    assert!(at("scale_target 3") < at("scale_target 0"), "the bracket is closed before it is opened anew");
    assert!(script.contains("# Done already: do create") && script.contains("uid='u-7'"), "{script}");

    progress.steps.insert(StepId("up".into()), StepState::Done(Outputs::new()));
    progress.end = Some(End::Stopped);
    assert!(!super::script(&plan, &progress).contains("scale_target 3"), "an operation that ended owes nothing");
}

/// Runs a script with a kubectl that does nothing but write down how it was called.
fn run(script: &str, answers: &str) -> (bool, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let kubectl = folder.path().join("kubectl");
    std::fs::write(
        &kubectl,
        format!("#!/bin/sh\necho \"$*\" >> \"$(dirname \"$0\")/calls\"\ncase \"$*\" in\n{answers}\nesac\n"),
    )
    .unwrap();
    std::fs::set_permissions(&kubectl, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.arg("-s").env("PATH", path).current_dir(folder.path());
    let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A script that stops early leaves the rest of its input unread.
    let _ = shell.stdin.take().unwrap().write_all(script.as_bytes());
    let output = shell.wait_with_output().unwrap();
    let calls = std::fs::read_to_string(folder.path().join("calls")).unwrap_or_default();
    (output.status.success(), calls, String::from_utf8_lossy(&output.stderr).into_owned())
}

const SERVER: &str = "*'config view'*) printf https://127.0.0.1 ;;";

fn one(nodes: Vec<Node>) -> Plan {
    Plan { nodes, ..testing::plan(OperationId::new(jiff::Timestamp::UNIX_EPOCH, [0, 0, 0, 9])) }
}

#[test]
fn nothing_is_done_on_another_cluster_or_to_another_object() {
    let plan = one(vec![
        Node::Do(Box::new(step("delete", Act::Delete { target: known("old") }))),
        Node::Do(Box::new(scale("s", 1))),
    ]);
    let (fine, calls, said) = run(&whole(&plan), "*'config view'*) printf https://other ;;");
    assert!(!fine && said.contains("leads to https://other") && calls.lines().count() == 1, "{said}{calls}");
    let (fine, calls, said) = run(&whole(&plan), &format!("{SERVER}\n*uid*) printf u-other ;;"));
    assert!(!fine && !calls.contains("delete --raw") && !calls.contains("--replicas"), "{said}{calls}");
    let unreadable = format!("{SERVER}\n*) exit 1 ;;");
    let (fine, calls, said) = run(&whole(&plan), &unreadable);
    assert!(
        !fine && !calls.contains("--replicas"),
        "a server that gives no answer is not taken for an empty one: {said}{calls}"
    );
}

#[test]
fn a_bracket_is_closed_when_its_body_fails() {
    let body = vec![Node::Do(Box::new(step("d", Act::Create { at: object("made"), manifest: json!({}) })))];
    let (open, close) = (Box::new(scale("down", 0)), Box::new(scale("up", 3)));
    let plan = one(vec![Node::Bracket { open, body, close, limit: Duration::from_secs(9) }]);
    let answers = format!("{SERVER}\n*create*) exit 1 ;;\n*uid*) printf u-1 ;;\n*resourceVersion*) printf 7 ;;");
    let (fine, calls, said) = run(&whole(&plan), &answers);
    assert!(!fine, "{said}");
    let scaled: Vec<_> = calls.lines().filter(|call| call.contains("--replicas")).collect();
    assert_eq!(scaled.len(), 2, "{calls}");
    assert!(scaled[1].contains("--replicas 3 --resource-version 7"), "{calls}");
}

#[test]
fn only_what_the_operation_made_itself_is_deleted_by_its_name() {
    let operation = OperationId::parse("mine").unwrap();
    let own = Target::Own { at: object("scratch"), operation, checks: vec![Check::is("/spec/keep", "no")] };
    let plan = one(vec![Node::Do(Box::new(step("remove", Act::Delete { target: own })))]);
    let made_by = |id: &str, keep: &str| {
        // Gone as soon as it was deleted.
        format!(
            "{SERVER}\n*'delete --raw'*) cat > /dev/null; touch \"$(dirname \"$0\")/gone\" ;;\n\
             *annotations*) printf {id} ;;\n*keep*) printf {keep} ;;\n*deletionTimestamp*) ;;\n\
             *uid*) [ -e \"$(dirname \"$0\")/gone\" ] || printf u-1 ;;\n*resourceVersion*) printf 7 ;;"
        )
    };
    for (id, keep, deleted) in [("mine", "no", true), ("other", "no", false), ("mine", "yes", false)] {
        let (fine, calls, said) = run(&whole(&plan), &made_by(id, keep));
        assert!(fine && calls.contains("delete --raw") == deleted, "{id} {keep}: {said}{calls}");
    }
}

#[test]
fn a_command_is_run_in_its_pod_and_a_session_is_not_begun() {
    let pod = ObjectAt::of(crate::model::Kind::Pod, Some("shop"), "db-0");
    let run_in = |command: &str| InPod {
        pod: Target::Known { at: pod.clone(), uid: Uid::from("u-1") },
        container: "db".into(),
        command: vec![command.into(), "it's $(now)".into()],
    };
    let exec = Act::Exec { run: run_in("freeze"), repeat: false, within: Duration::from_secs(5), keep: false };
    let thaw = Act::Exec { run: run_in("thaw"), repeat: true, within: Duration::from_secs(5), keep: false };
    let bracket = |open| Node::Bracket {
        open: Box::new(step("open", open)),
        body: vec![Node::Do(Box::new(scale("s", 1)))],
        close: Box::new(step("close", thaw.clone())),
        limit: Duration::from_secs(9),
    };
    let answers = format!("{SERVER}\n*uid*) printf u-1 ;;\n*resourceVersion*) printf 7 ;;");
    let (fine, calls, said) = run(&whole(&one(vec![bracket(exec)])), &answers);
    let did: Vec<&str> = calls.lines().filter(|call| call.contains("exec") || call.contains("--replicas")).collect();
    assert!(fine && did.len() == 3 && did[0].ends_with("--container db -- freeze it's $(now)"), "{said}{calls}");
    assert!(did[2].contains("thaw"), "{calls}");

    let open = Act::Open { run: run_in("psql"), say: "begin".into(), until: "ok".into() };
    let (fine, calls, said) = run(&whole(&one(vec![bracket(open)])), &answers);
    assert!(!fine && said.contains("a session has to be held open") && !calls.contains("exec"), "{said}{calls}");
}

#[test]
fn fields_are_written_as_kubectl_reads_them() {
    let cases = [
        ("/metadata/uid", "{.metadata.uid}"),
        ("/metadata/annotations/holdfast.dev~1hold", "{.metadata.annotations.holdfast\\.dev\\/hold}"),
        ("/spec/containers/0/image", "{.spec.containers[0].image}"),
        ("/a}{b~0", "{.a\\}\\{b\\~}"),
    ];
    for (pointer, path) in cases {
        assert_eq!(field(pointer), path);
    }
}

#[test]
fn a_path_is_that_of_the_api() {
    assert_eq!(pieces::path(&object("x")), "/api/v1/namespaces/shop/configmaps/x");
    let at = ObjectAt::of(crate::model::Kind::Content, None, "c");
    assert_eq!(pieces::path(&at), "/apis/snapshot.storage.k8s.io/v1/volumesnapshotcontents/c");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn hostile_words_stay_words(word in "[^\\x00]{0,24}", quotes in "['\"`$(){};&|<>\\\\\n# ]{1,12}") {
        let hostile = format!("{word}'; touch broken; '{quotes}$(touch broken)`touch broken`\nEND_OF_OBJECT\ntouch broken\n");
        let at = ObjectAt { name: hostile.clone(), namespace: Some(hostile.clone()), ..object("x") };
        let target = Target::Known { at: at.clone(), uid: Uid::from(hostile.as_str()) };
        let guard = Guard { at: at.clone(), uid: Uid::from(hostile.as_str()), checks: vec![Check::is(&hostile, hostile.as_str())], or: hostile.clone() };
        let until = Until {
            what: hostile.clone(), checks: vec![Check::is(&hostile, hostile.as_str())], follow: None,
            trouble: vec![hostile.clone()], outputs: vec![(hostile.clone(), hostile.clone())],
            firm: vec![Firm::new(Check::not(&hostile, hostile.as_str()), hostile.clone())], ..Until::default()
        };
        let acts = [
            Act::Create { at, manifest: json!({ hostile.clone(): hostile.clone() }) },
            Act::Patch { target: target.clone(), patch: json!([{ "op": "add", "path": hostile.clone(), "value": hostile.clone() }]), done: vec![] },
            Act::Delete { target: target.clone() },
            Act::Wait { target, until: Box::new(until) },
        ];
        let nodes = acts.into_iter().map(|act| {
            let step = Step { id: StepId(hostile.clone()), title: hostile.clone(), act, guards: vec![guard.clone()], deadline: Duration::ZERO };
            Node::Do(Box::new(step))
        });
        let mut plan = one(nodes.collect());
        (plan.title, plan.context, plan.server) = (hostile.clone(), hostile.clone(), hostile.clone());
        plan.locks = vec![Lock { namespace: hostile.clone(), lineage: Uid::from(hostile.as_str()) }];
        let script = whole(&plan);
        prop_assert_eq!(parsed(&script), Ok(()));
        // Every check is made to pass, so that every line is run: words that broke out would make the file.
        let folder = tempfile::tempdir().unwrap();
        let blind = script.replace("set -eu", "set -u").replace("exit 1", "return 0").replace("kill \"$$\"", ":");
        let blind = format!("kubectl() {{ cat > /dev/null; }}\nsleep() {{ :; }}\n{}", blind.replace("while :; do", "for once in 1; do"));
        let mut shell = Command::new("sh");
        shell.arg("-s").current_dir(folder.path()).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut shell = shell.spawn().unwrap();
        shell.stdin.take().unwrap().write_all(format!("{{ {blind}\ntouch whole\n}} </dev/null").as_bytes()).unwrap();
        shell.wait().unwrap();
        prop_assert!(folder.path().join("whole").exists(), "it did not come to its end: {script}");
        prop_assert!(!folder.path().join("broken").exists(), "{script}");
    }
}
