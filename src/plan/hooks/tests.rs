use std::process::Command as Process;

use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::model::Kind;
use crate::plan::{Act, Node, OperationId, Step};

fn id() -> OperationId {
    OperationId::parse("20260101-000000-00000007").unwrap()
}

fn at() -> ObjectAt {
    ObjectAt::of(Kind::Pod, Some("shop"), "db-0")
}

/// A ready pod with two containers, of which the second mounts the claim.
fn pod(annotations: &Value) -> Value {
    json!({
        "metadata": { "name": "db-0", "namespace": "shop", "uid": "uid-db-0", "annotations": annotations },
        "spec": {
            "containers": [
                { "name": "agent", "image": "registry.example/agent:1" },
                {
                    "name": "db", "image": "docker.io/library/postgres:16@sha256:0",
                    "volumeMounts": [{ "name": "data", "mountPath": "/var/lib/it's" }],
                },
            ],
            "volumes": [{ "name": "data", "persistentVolumeClaim": { "claimName": "data" } }],
        },
        "status": {
            "conditions": [{ "type": "Ready", "status": "True" }],
            "containerStatuses": [
                { "name": "agent", "containerID": "c://1" }, { "name": "db", "containerID": "c://2" },
            ],
        },
    })
}

fn found(pod: &Value, quiesce: &Quiesce) -> Result<Found, (String, String)> {
    hooks(&[(at(), pod, "data")], quiesce, &id())
}

fn of(source: Source) -> Quiesce {
    Quiesce { source, ..Quiesce::default() }
}

fn own() -> Source {
    Source::Own { pre: vec!["hold".into()], post: Some(vec!["release".into()]) }
}

#[rstest]
#[case::nothing(json!({}), Err("no pod that mounts it carries"))]
#[case::a_word(json!({ "pre.hook.backup.velero.io/command": "/bin/hold now" }), Ok(("agent", &["/bin/hold now"][..], 30)))]
#[case::an_array(
    json!({
        "pre.hook.backup.velero.io/command": "[\"hold\", \"-x\"]", "pre.hook.backup.velero.io/container": "db",
        "pre.hook.backup.velero.io/timeout": "1m30s", "post.hook.backup.velero.io/command": "release",
    }),
    Ok(("db", &["hold", "-x"][..], 90))
)]
#[case::no_array(
    json!({ "pre.hook.backup.velero.io/command": "[hold" }),
    Err("annotation pre.hook.backup.velero.io/command is no JSON array")
)]
#[case::no_duration(
    json!({ "pre.hook.backup.velero.io/command": "x", "pre.hook.backup.velero.io/timeout": "soon\u{202e}" }),
    Err("pre.hook.backup.velero.io/timeout is no duration: \"soon<U+202E>\"")
)]
#[case::no_container(
    json!({ "pre.hook.backup.velero.io/command": "x", "pre.hook.backup.velero.io/container": "gone" }),
    Err("Pod shop/db-0 has no container \"gone\"")
)]
#[case::a_post_alone(json!({ "post.hook.backup.velero.io/command": "x" }), Err("has a post hook of Velero and no pre hook"))]
fn annotations_of_velero_are_hooks(#[case] annotations: Value, #[case] expected: Result<(&str, &[&str], u64), &str>) {
    match (found(&pod(&annotations), &of(Source::Velero)), expected) {
        (Ok(found), Ok((container, argv, timeout))) => {
            let Way::Commands { pre, post } = &found.hooks[0].way else { panic!("{found:?}") };
            let timeout = Duration::from_secs(timeout);
            let argv = argv.iter().map(ToString::to_string).collect();
            assert_eq!(*pre, Command { container: container.into(), argv, timeout });
            assert_eq!(post.is_some(), annotations.get("post.hook.backup.velero.io/command").is_some());
        }
        (Err((why, clear)), Err(said)) => assert!(why.contains(said) && !clear.is_empty(), "{why}"),
        (found, _) => panic!("{found:?}"),
    }
}

#[test]
fn a_failure_that_velero_would_overlook_is_none_to_overlook_here() {
    let annotations =
        json!({ "pre.hook.backup.velero.io/command": "x", "pre.hook.backup.velero.io/on-error": "Continue" });
    let found = found(&pod(&annotations), &of(Source::Velero)).unwrap();
    assert!(found.warnings[0].contains("on-error Continue"), "{found:?}");
}

#[rstest]
#[case::terminating("/metadata/deletionTimestamp", json!("2026-01-01T00:00:00Z"), "is being deleted")]
#[case::not_ready(
    "/status/conditions/0",
    json!({ "type": "Ready", "status": "False", "message": "unready: [db]" }),
    "is not Ready: unready: [db]"
)]
#[case::nothing_known("/status/conditions", json!([]), "is not Ready")]
fn only_a_ready_pod_can_be_held(#[case] field: &str, #[case] value: Value, #[case] said: &str) {
    let mut pod = pod(&json!({}));
    match field.rsplit_once('/') {
        Some((parent, key)) if pod.pointer(field).is_none() => pod.pointer_mut(parent).unwrap()[key] = value,
        _ => *pod.pointer_mut(field).unwrap() = value,
    }
    let (why, _) = found(&pod, &of(own())).unwrap_err();
    assert!(why.contains(said), "{why}");
}

#[test]
fn the_container_that_mounts_the_claim_is_held_and_its_instance_guarded() {
    let found = found(&pod(&json!({})), &of(own())).unwrap();
    let [hook] = &found.hooks[..] else { panic!("{found:?}") };
    let Way::Commands { pre, .. } = &hook.way else { panic!("{hook:?}") };
    assert_eq!(pre.container, "db");
    let mut later = pod(&json!({}));
    assert_eq!(crate::plan::broken_guard(&hook.place.guard, Some(&later)), None);
    later["status"]["containerStatuses"][1]["containerID"] = json!("c://3");
    assert!(crate::plan::broken_guard(&hook.place.guard, Some(&later)).unwrap().contains("another instance"));
}

#[rstest]
#[case("docker.io/library/postgres:16@sha256:0", Some(Preset::Postgresql))]
#[case("registry:5000/postgis/postgis", Some(Preset::Postgresql))]
#[case("mariadb:11", Some(Preset::Mysql))]
#[case("valkey/valkey:8", Some(Preset::Redis))]
#[case("mongo", Some(Preset::Mongodb))]
#[case("prom/mysqld-exporter:1", None)]
#[case("mongo-express", None)]
#[case("nginx", None)]
fn images_are_known_by_their_names(#[case] image: &str, #[case] preset: Option<Preset>) {
    assert_eq!(Preset::of_image(image), preset);
}

fn steps(source: Source) -> Vec<Node> {
    let hooks = found(&pod(&json!({})), &of(source)).unwrap().hooks;
    around(Around { hooks: &hooks, at_most: AT_MOST }, Vec::new())
}

#[test]
fn what_holds_is_a_bracket_that_is_proved_and_released() {
    for (source, session) in [(own(), false), (Source::Preset(Preset::Mysql), true), (Source::Auto, true)] {
        let nodes = steps(source);
        let [Node::Bracket { open, body, close, limit }] = &nodes[..] else { panic!("{nodes:?}") };
        assert!(open.act.holds() && *limit == AT_MOST);
        let [Node::Do(proof)] = &body[..] else { panic!("{body:?}") };
        assert_eq!(proof.guards, open.guards);
        match (&open.act, &proof.act, &close.act) {
            (Act::Exec { repeat: false, .. }, Act::Wait { .. }, Act::Exec { repeat: true, .. }) => assert!(!session),
            (Act::Open { .. }, Act::Say { end: false, .. }, Act::Say { end: true, session: opened, .. }) => {
                assert!(session && *opened == open.id);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_holds_nothing_is_a_step_before_the_cut() {
    for preset in [Preset::Redis, Preset::PostgresqlCheckpoint] {
        let nodes = steps(Source::Preset(preset));
        assert!(
            matches!(&nodes[..], [Node::Do(step)] if matches!(step.act, Act::Exec { repeat: false, .. })),
            "{nodes:?}"
        );
    }
}

#[test]
fn a_pod_with_two_volumes_of_a_set_is_held_once_and_each_of_its_filesystems_is_frozen() {
    let mut pod = pod(&json!({}));
    let volume = json!({ "name": "wal", "persistentVolumeClaim": { "claimName": "wal" } });
    pod["spec"]["volumes"].as_array_mut().unwrap().push(volume);
    let mount = json!({ "name": "wal", "mountPath": "/wal" });
    pod["spec"]["containers"][1]["volumeMounts"].as_array_mut().unwrap().push(mount);
    let both = [(at(), &pod, "data"), (at(), &pod, "wal")];
    let what = |source| {
        let found = hooks(&both, &of(source), &id()).unwrap();
        found.hooks.into_iter().map(|hook| hook.what).collect::<Vec<_>>()
    };
    assert_eq!(what(Source::Auto), ["PostgreSQL backup mode, in which writes go on"]);
    assert_eq!(
        what(Source::Preset(Preset::Fsfreeze)),
        ["freeze of filesystem /var/lib/it's", "freeze of filesystem /wal"]
    );
}

#[test]
fn several_pods_are_released_in_the_reverse_order() {
    let pod = pod(&json!({}));
    let two = [(at(), &pod, "data"), (ObjectAt::of(Kind::Pod, Some("shop"), "db-1"), &pod, "data")];
    let hooks = hooks(&two, &of(own()), &id()).unwrap().hooks;
    let nodes = around(Around { hooks: &hooks, at_most: AT_MOST }, Vec::new());
    let ids: Vec<String> =
        crate::plan::node::steps(&nodes).into_iter().map(|step: &Step| step.id.to_string()).collect();
    assert_eq!(ids, ["pre-1", "pre-2", "held-1", "held-2", "post-2", "post-1"]);
}

/// The scripts of a preset, run by a real shell with programs that write what they were told into `said`.
struct Real {
    folder: tempfile::TempDir,
    flag: String,
    pre: Vec<String>,
    post: Option<Vec<String>>,
}

impl Real {
    fn new(preset: Preset, program: &str, script: &str, at_most: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(program);
        std::fs::write(&path, format!("#!/bin/sh\necho \"$@\" >>{}/said\n{script}\n", folder.path().display()))
            .unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        // Flags in shared memory carry the id, and tests run side by side.
        let id = OperationId::parse(&format!(
            "test-{}",
            folder.path().file_name().unwrap().to_string_lossy().to_lowercase().replace('.', "")
        ));
        let id = id.unwrap();
        let quiesce = Quiesce { at_most, timeout: Duration::from_secs(5), ..of(Source::Preset(preset)) };
        let pod = pod(&json!({}));
        let hooks = hooks(&[(at(), &pod, "data")], &quiesce, &id).unwrap().hooks;
        let Way::Commands { pre, post } = hooks[0].way.clone() else { panic!("{hooks:?}") };
        Self { folder, flag: format!("/dev/shm/holdfast-{id}-1"), pre: pre.argv, post: post.map(|post| post.argv) }
    }

    fn run(&self, argv: &[String]) -> Option<i32> {
        let path = format!("{}:{}", self.folder.path().display(), std::env::var("PATH").unwrap());
        Process::new(&argv[0]).args(&argv[1..]).env("PATH", path).output().unwrap().status.code()
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("said")).unwrap_or_default()
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        // Most have none; one that stays would outlive the test.
        let _ = std::fs::remove_file(&self.flag);
    }
}

const FROZEN: &str = "-f /var/lib/it's\n";
const THAWED: &str = "-f /var/lib/it's\n-u /var/lib/it's\n";

#[test]
fn a_release_thaws_once_and_disarms_the_switch() {
    let real = Real::new(Preset::Fsfreeze, "fsfreeze", "", Duration::from_secs(1));
    let post = real.post.clone().unwrap();
    assert_eq!(real.run(&post), Some(0), "nothing is frozen yet");
    assert_eq!((real.run(&real.pre), real.said().as_str()), (Some(0), FROZEN));
    assert_eq!((real.run(&post), real.said().as_str()), (Some(0), THAWED));
    assert_eq!((real.run(&post), real.said().as_str()), (Some(0), THAWED), "a release may run again");
    std::thread::sleep(deadman::after(Duration::from_secs(1)) + Duration::from_secs(1));
    assert_eq!(real.said(), THAWED, "a switch that is disarmed does nothing");
}

#[test]
fn the_switch_thaws_when_nobody_does() {
    let real = Real::new(Preset::Fsfreeze, "fsfreeze", "", Duration::from_secs(1));
    assert_eq!(real.run(&real.pre), Some(0));
    for _ in 0..200 {
        if real.said() == THAWED {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("it is still frozen: {}", real.said());
}

#[test]
fn a_freeze_that_fails_leaves_nothing_armed_and_a_thaw_that_fails_leaves_it() {
    let real = Real::new(Preset::Fsfreeze, "fsfreeze", "exit 4", Duration::from_secs(60));
    assert_eq!((real.run(&real.pre), real.said().as_str()), (Some(1), FROZEN));
    assert_eq!((real.run(real.post.as_ref().unwrap()), real.said().as_str()), (Some(0), FROZEN));
    let real = Real::new(Preset::Fsfreeze, "fsfreeze", "[ $1 = -f ]", Duration::from_secs(60));
    assert_eq!(real.run(&real.pre), Some(0));
    assert_ne!(real.run(real.post.as_ref().unwrap()), Some(0));
    assert_ne!(real.run(real.post.as_ref().unwrap()), Some(0), "it is not taken for released");
}

#[rstest]
#[case::saved(
    "case $1 in BGSAVE) echo 'Background saving started' ;; PING) echo PONG ;; \
               *) printf 'rdb_bgsave_in_progress:0\\r\\nrdb_last_bgsave_status:ok\\r\\naof_last_write_status:ok\\r\\n' ;; esac",
    Some(0)
)]
#[case::failed(
    "case $1 in BGSAVE) echo 'Background saving started' ;; PING) echo PONG ;; \
               *) printf 'rdb_bgsave_in_progress:0\\r\\nrdb_last_bgsave_status:err\\r\\n' ;; esac",
    Some(1)
)]
#[case::away("exit 1", Some(1))]
fn redis_is_saved_when_it_says_so(#[case] script: &str, #[case] code: Option<i32>) {
    let real = Real::new(Preset::Redis, "redis-cli", script, AT_MOST);
    assert_eq!(real.run(&real.pre), code, "{}", real.said());
}

#[test]
fn mongodb_is_locked_and_unlocked_without_a_password_in_a_command() {
    let real = Real::new(Preset::Mongodb, "mongosh", "", AT_MOST);
    assert_eq!(real.run(&real.pre), Some(0));
    assert_eq!(real.run(real.post.as_ref().unwrap()), Some(0));
    let said = real.said();
    assert!(said.contains("db.fsyncLock()") && said.contains("db.fsyncUnlock()"), "{said}");
    assert!(said.contains("e.MONGO_INITDB_ROOT_PASSWORD)"), "the variable is read inside: {said}");
}

#[rstest]
#[case::nothing(Words::default(), Ok(None))]
#[case::hooks_alone(Words { hooks: Some("redis".into()), ..Words::default() }, Ok(Some(of(Source::Preset(Preset::Redis)))))]
#[case::application_alone(Words { consistency: Some("application".into()), ..Words::default() }, Ok(Some(of(Source::Auto))))]
#[case::own(
    Words { pre: Some("hold".into()), post: Some(r#"["release"]"#.into()), ..Words::default() },
    Ok(Some(of(own())))
)]
#[case::none(Words { hooks: Some("none".into()), ..Words::default() }, Ok(None))]
#[case::crash_with_hooks(
    Words { consistency: Some("crash".into()), hooks: Some("auto".into()), ..Words::default() },
    Err("runs no hooks")
)]
#[case::application_without(
    Words { consistency: Some("application".into()), hooks: Some("none".into()), ..Words::default() },
    Err("needs hooks")
)]
#[case::both(Words { pre: Some("x".into()), hooks: Some("redis".into()), ..Words::default() }, Err("exclude each other"))]
#[case::a_post_alone(Words { post: Some("x".into()), ..Words::default() }, Err("needs a pre hook"))]
#[case::mistyped(Words { hooks: Some("postgres".into()), ..Words::default() }, Err("did you mean postgresql?"))]
#[case::no_words(Words { pre: Some("hold it".into()), ..Words::default() }, Err("a JSON array of words"))]
#[case::another_level(Words { consistency: Some("perfect".into()), ..Words::default() }, Err("crash or application"))]
fn choices_are_read(#[case] words: Words, #[case] expected: Result<Option<Quiesce>, &str>) {
    match (chosen(&words), expected) {
        (Ok(chosen), Ok(expected)) => assert_eq!(chosen, expected),
        (Err(why), Err(said)) => assert!(why.contains(said), "{why}"),
        (chosen, _) => panic!("{chosen:?}"),
    }
}
