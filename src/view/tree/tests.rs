//! Trees of small worlds: what hangs where, what is folded, and what is said of what cannot be seen.

use std::collections::HashSet;

use rstest::rstest;

use super::*;
use crate::assess::testing::{ago, claim, cluster_meta, live, meta, now, put, put_snapshot, snapshot, with_claim};
use crate::model::{
    CertManagerCertificate, Condition, Delta, GroupSnapshot, Issuer, KeyMatch, Meta, Node, Object, OwnerRef, Place,
    Pod, Policies, Pv, ReclaimPolicy, Scope, SecretUse, SecretVia, TlsSecret, Touched, Uid, VeleroBackup, VeleroItem,
    VolumeAttachment, VolumeSnapshot, Workload,
};

fn key(kind: Kind, name: &str) -> Key {
    Key::Object(kind, Uid::from(format!("uid-{name}")))
}

fn grow(world: &World, focus: &Key) -> Tree {
    let mut boards = Boards::default();
    boards.refresh(world, &Touched { all: true, ..Touched::default() }, now());
    tree(world, &boards, focus, now()).unwrap()
}

/// The lines as `guide, glyph, kind, name, state`.
fn shown(tree: &Tree, turned: &[Key]) -> Vec<String> {
    let lines = tree.lines(&turned.iter().cloned().collect());
    let keys: HashSet<&Key> = lines.iter().map(|line| &line.key).collect();
    assert_eq!(keys.len(), lines.len(), "a cursor cannot tell these apart: {lines:#?}");
    let say = |line: &TreeLine| {
        let kind = if line.kind.is_empty() { String::new() } else { format!("{} ", line.kind) };
        format!("{}{} {kind}{} = {}", line.guide, line.level.glyph(), line.name, line.state)
    };
    lines.iter().map(say).collect()
}

/// A claim `db` with volume, attachment, set, pod, node and these snapshots, cut so many hours ago.
fn world(hours: &[i64]) -> World {
    let db = claim("db", Some("4h"));
    let mut world = with_claim(&db, Policies::default());
    let set = meta("set");
    let owner = OwnerRef { kind: "StatefulSet".into(), name: "set".into(), uid: set.uid(), controller: true };
    let pod = Pod {
        meta: Meta { owners: [owner].into(), ..meta("set-0") },
        node: Some("node-a".into()),
        phase: "Running".into(),
        ready: true,
        claims: ["db".into()].into(),
        ..Pod::default()
    };
    let attachment = VolumeAttachment {
        meta: cluster_meta("att"),
        node: "node-a".into(),
        pv: Some("pv-db".into()),
        attached: true,
        ..VolumeAttachment::default()
    };
    put(
        &mut world,
        [
            Object::Pod(pod),
            Object::StatefulSet(Workload { meta: set, replicas: Some(1), ready: 1, ..Workload::default() }),
            Object::Node(Node { meta: cluster_meta("node-a"), ready: true }),
            Object::VolumeAttachment(attachment),
        ],
    );
    for hours in hours {
        put_snapshot(&mut world, snapshot(&db, &format!("s{hours:02}"), ago(hours * 60)));
    }
    world
}

const VOLUME: [&str; 11] = [
    "✓ Volume db = Ok",
    "├ ✓ PV pv-db = Bound",
    "│ ├ ▲ Class fast = Missing",
    "│ └ ✓ Attachment att = Attached",
    "│   └ ✓ Node node-a = Ready",
    "├ ✓ StatefulSet set = 1/1 ready",
    "│ └ ✓ Pod set-0 = Running",
    "│   └ ✓ Node node-a = Ready",
    "└ ✓ Restore points = 1 good",
    "  └ ✓ Snapshot s01 = Good",
    "    └ ✓ Content content-s01 = Ready",
];

#[rstest]
#[case::volume(Kind::Pvc, "db")]
#[case::pv(Kind::Pv, "pv-db")]
#[case::attachment(Kind::VolumeAttachment, "att")]
#[case::snapshot(Kind::VolumeSnapshot, "s01")]
#[case::content(Kind::Content, "content-s01")]
fn whatever_belongs_to_a_volume_shows_the_tree_of_the_volume(#[case] kind: Kind, #[case] name: &str) {
    let focus = key(kind, name);
    let tree = grow(&world(&[1]), &focus);
    assert_eq!(shown(&tree, &[]), VOLUME);
    assert!(tree.lines(&BTreeSet::new()).iter().any(|line| line.key == focus), "the cursor can stand on it");
}

#[test]
fn an_object_that_stands_already_is_not_grown_again() {
    let tree = grow(&world(&[1]), &key(Kind::Pvc, "db"));
    let lines = tree.lines(&BTreeSet::new());
    let nodes: Vec<_> = lines.iter().filter(|line| &*line.kind == "Node").collect();
    assert_eq!(nodes.len(), 2);
    assert_eq!((nodes[0].object.as_ref(), &*nodes[1].fact), (nodes[1].object.as_ref(), "see above"));
}

#[test]
fn a_pod_shows_its_node_makers_and_volumes_and_a_set_its_pods() {
    let pod = shown(&grow(&world(&[]), &key(Kind::Pod, "set-0")), &[]);
    assert_eq!(
        pod[..4],
        [
            "✓ Pod set-0 = Running",
            "├ ✓ Node node-a = Ready",
            "├ ✓ StatefulSet set = 1/1 ready",
            "└ ✗ Volume db = Never",
        ]
    );
    let set = shown(&grow(&world(&[]), &key(Kind::StatefulSet, "set")), &[]);
    assert_eq!(
        set[..4],
        [
            "✓ StatefulSet set = 1/1 ready",
            "├ ✓ Pod set-0 = Running",
            "│ └ ✓ Node node-a = Ready",
            "└ ✗ Volume db = Never",
        ]
    );
}

#[test]
fn a_long_list_is_folded_with_its_count_and_worst_unless_the_focus_is_in_it() {
    let hours: Vec<i64> = (1..=12).collect();
    let mut seen = world(&hours);
    let mut failed = snapshot(&claim("db", None), "s11", ago(11 * 60));
    failed.0.ready = Some(false);
    failed.0.error = Some(crate::model::VolumeError { at: None, message: "no space".into() });
    put_snapshot(&mut seen, failed);
    let tree = grow(&seen, &key(Kind::Pvc, "db"));
    let lines = tree.lines(&BTreeSet::new());
    let more = lines.last().unwrap();
    assert_eq!((&*more.name, &*more.state, more.folded), ("7 older", "Failed", Some(true)));
    assert_eq!(more.hidden, Some((14, Level::Warn)));
    assert!(!lines.iter().any(|line| &*line.name == "s12"));
    let open = tree.lines(&[more.key.clone()].into());
    assert!(open.iter().any(|line| &*line.name == "s12"));
    let lines = grow(&seen, &key(Kind::VolumeSnapshot, "s12")).lines(&BTreeSet::new());
    assert!(lines.iter().any(|line| &*line.name == "s12"), "the list is open where the tree was asked for");
}

#[test]
fn a_folded_branch_says_how_many_lines_it_holds_and_how_bad_the_worst_is() {
    let tree = grow(&world(&[1]), &key(Kind::Pvc, "db"));
    let folded = tree.lines(&[key(Kind::Pv, "pv-db")].into());
    assert_eq!(folded[1].hidden, Some((3, Level::Warn)), "its class is missing");
    assert_eq!((folded[1].folded, &*folded[2].name), (Some(true), "set"));
}

#[test]
fn kinds_that_are_not_seen_have_a_line_each_way() {
    let mut seen = world(&[1]);
    seen.apply(Delta::Denied(Kind::Pod, Scope::All, "list".into()), now());
    seen.apply(Delta::Denied(Kind::VolumeAttachment, Scope::All, "list".into()), now());
    seen.apply(Delta::Failed(Kind::Content, Scope::All, "refused".into()), now());
    for kind in [Kind::VeleroBackup, Kind::DataUpload, Kind::PodVolumeBackup] {
        seen.apply(Delta::Absent(kind, Scope::All), now());
    }
    let lines = shown(&grow(&seen, &key(Kind::Pvc, "db")), &[]);
    for said in [
        "│ └ ✗ volumeattachments = DENIED list",
        "├ ✗ pods = DENIED list",
        "  │ └ ~ Content content-s01 = was Ready",
        "  ├ ~ volumesnapshotcontents = STALE 0s",
        "  └ · backups, datauploads and podvolumebackups = NOT SERVED",
    ] {
        assert!(lines.iter().any(|line| line == said), "{said}: {lines:#?}");
    }
}

#[test]
fn an_object_that_is_named_and_not_there_is_missing_only_when_its_kind_is_seen() {
    let mut seen = world(&[]);
    let class = |world: &World| shown(&grow(world, &key(Kind::Pvc, "db")), &[])[2].clone();
    assert_eq!(class(&seen), "│ ├ ▲ Class fast = Missing");
    seen.apply(Delta::Denied(Kind::StorageClass, Scope::All, "list".into()), now());
    assert_eq!(class(&seen), "│ ├ ? Class fast = Not seen");
}

#[test]
fn a_namespace_that_is_not_looked_at_is_said() {
    let mut seen = World::default();
    seen.context.namespaces = vec!["shop".into()];
    let here = Scope::Namespace("shop".into());
    for kind in Kind::ALL.iter().filter(|kind| kind.spec().namespaced) {
        seen.apply(Delta::ListDone(*kind, here.clone()), now());
    }
    let item = VeleroItem {
        meta: meta("upload"),
        backup: Some("nightly".into()),
        source_namespace: "shop".into(),
        ..VeleroItem::default()
    };
    let away = VeleroItem { meta: Meta { namespace: Some("velero".into()), ..meta("away") }, ..item.clone() };
    put(&mut seen, [Object::DataUpload(item), Object::DataUpload(away)]);
    let why = |name: &str| grow(&seen, &key(Kind::DataUpload, name)).lines(&BTreeSet::new())[1].fact.clone();
    assert_eq!(&*why("upload"), "it is named here and does not exist");
    assert_eq!(&*why("away"), "NOT LOOKED AT: namespace velero is not among those of this context");
}

#[test]
fn a_released_volume_and_a_copy_without_its_snapshot_show_at_once() {
    let db = claim("db", Some("4h"));
    let mut seen = world(&[1]);
    let (shot, _) = snapshot(&db, "s01", ago(60));
    seen.apply(Delta::Gone(Box::new(Object::VolumeSnapshot(shot))), now());
    let lines = shown(&grow(&seen, &key(Kind::Pvc, "db")), &[]);
    assert!(lines.contains(&"  └ ▲ Content content-s01 = No snapshot".to_owned()), "{lines:#?}");
    seen.apply(Delta::Gone(Box::new(Object::Pvc(db.clone()))), now());
    let released =
        Pv { phase: "Released".into(), reclaim: ReclaimPolicy::Retain, ..crate::assess::testing::volume(&db) };
    put(&mut seen, [Object::Pv(released)]);
    let lines = shown(&grow(&seen, &key(Kind::Pv, "pv-db")), &[]);
    assert_eq!(lines[..2], ["▲ PV pv-db = Released", "├ ▲ Volume db = Missing"]);
    assert_eq!(lines.last().unwrap(), "└ ▲ Content content-s01 = No snapshot");
}

#[test]
fn a_copy_whose_volume_is_gone_stands_alone_and_says_so() {
    let mut seen = live();
    put_snapshot(&mut seen, snapshot(&claim("db", None), "s", ago(60)));
    let lines = shown(&grow(&seen, &key(Kind::VolumeSnapshot, "s")), &[]);
    assert_eq!(lines, ["✓ Snapshot s = Good", "├ ✓ Content content-s = Ready", "└ · volume = Gone"]);
}

#[test]
fn a_group_has_its_members_and_a_member_its_group() {
    let db = claim("db", None);
    let mut seen = world(&[]);
    let group = GroupSnapshot { meta: meta("g"), ready: Some(true), ..GroupSnapshot::default() };
    let (member, content) = snapshot(&db, "m", ago(60));
    let member = VolumeSnapshot { group: Some("g".into()), ..member };
    put(&mut seen, [Object::GroupSnapshot(group), Object::VolumeSnapshot(member), Object::Content(content)]);
    let lines = shown(&grow(&seen, &key(Kind::GroupSnapshot, "g")), &[]);
    assert_eq!(lines[..3], ["✓ Group g = Ready", "└ ✓ Snapshot m = Good", "  ├ ✓ Content content-m = Ready"]);
    assert!(lines[3].ends_with("Volume db = Unprotected") || lines[3].contains("Volume db"), "{lines:#?}");
    let lines = shown(&grow(&seen, &key(Kind::VolumeSnapshot, "m")), &[]);
    assert_eq!(lines.last().unwrap(), "    └ ✓ Group g = Ready");
}

#[test]
fn a_velero_backup_shows_its_items_and_whose_they_are() {
    let mut seen = world(&[]);
    let velero = |name: &str| Meta { namespace: Some("velero".into()), created: Some(ago(60)), ..meta(name) };
    let item = VeleroItem {
        meta: velero("upload"),
        backup: Some("nightly".into()),
        source_namespace: "shop".into(),
        source_uid: Some("uid-db".into()),
        phase: "Completed".into(),
        started: Some(ago(60)),
        ..VeleroItem::default()
    };
    let labels = [("velero.io/schedule-name".into(), "daily".into())].into();
    let backup = VeleroBackup {
        meta: Meta { labels, ..velero("nightly") },
        phase: "Completed".into(),
        ..VeleroBackup::default()
    };
    put(&mut seen, [Object::DataUpload(item), Object::VeleroBackup(backup)]);
    assert_eq!(
        shown(&grow(&seen, &key(Kind::VeleroBackup, "nightly")), &[]),
        [
            "✓ Backup nightly = Completed",
            "├ ▲ Schedule daily = Missing",
            "└ ✓ DataUpload upload = Good",
            "  └ ✓ Volume db = Ok",
        ]
    );
    let lines = shown(&grow(&seen, &key(Kind::DataUpload, "upload")), &[]);
    assert_eq!(lines[0], "✓ Volume db = Ok");
    assert_eq!(lines[lines.len() - 2], "    └ ✓ Backup nightly = Completed");
}

fn signed(name: &str, secret: &str, issuer: &str) -> Object {
    let ready = Condition {
        kind: "Ready".into(),
        status: "True".into(),
        reason: "Ready".into(),
        message: "".into(),
        since: None,
    };
    Object::Certificate(CertManagerCertificate {
        meta: meta(name),
        secret: secret.into(),
        issuer: ("Issuer".into(), issuer.into()),
        conditions: [ready].into(),
        ..CertManagerCertificate::default()
    })
}

fn issuer(name: &str, ca: Option<&str>) -> Object {
    Object::Issuer(Issuer { meta: meta(name), ca_secret: ca.map(Into::into), ..Issuer::default() })
}

fn tls(name: &str) -> Object {
    let leaf = Place { key: "tls.crt".into(), chain: Err("not read".into()) };
    Object::TlsSecret(TlsSecret { meta: meta(name), leaf, ca: None, key: KeyMatch::Match, files: Box::default() })
}

/// Issuer `self` signs Certificate `root` into Secret `root-tls`, with which Issuer `ca` signs `web` for a pod.
fn chain() -> World {
    let mut world = live();
    let pod = Pod {
        meta: meta("web-0"),
        phase: "Running".into(),
        ready: true,
        secrets: [SecretUse { secret: "web-tls".into(), via: SecretVia::SubPath }].into(),
        ..Pod::default()
    };
    put(
        &mut world,
        [
            issuer("self", None),
            signed("root", "root-tls", "self"),
            tls("root-tls"),
            issuer("ca", Some("root-tls")),
            signed("web", "web-tls", "ca"),
            tls("web-tls"),
            Object::Pod(pod),
        ],
    );
    world
}

#[test]
fn a_certificate_stands_below_its_issuers_and_above_what_uses_it() {
    let tree = grow(&chain(), &key(Kind::Certificate, "web"));
    let names: Vec<String> = tree.lines(&BTreeSet::new()).iter().map(|l| format!("{}{}", l.guide, l.name)).collect();
    assert_eq!(
        names,
        ["self", "└ root", "  └ root-tls", "    └ ca", "      └ web", "        └ web-tls", "          └ web-0",]
    );
    let lines = tree.lines(&BTreeSet::new());
    assert!(lines.last().unwrap().fact.starts_with("mounts by subPath (never refreshed)"), "{lines:#?}");
}

#[test]
fn below_an_issuer_stand_the_certificates_that_it_signs() {
    let lines = grow(&chain(), &key(Kind::Issuer, "ca")).lines(&BTreeSet::new());
    let last = lines.last().unwrap();
    assert_eq!((&*last.name, last.folded, last.guide.as_str()), ("web", Some(true), "      └ "));
}

#[test]
fn a_secret_that_cannot_be_seen_still_has_its_users() {
    let mut seen = chain();
    seen.apply(Delta::Denied(Kind::TlsSecret, Scope::All, "list".into()), now());
    for name in ["web-tls", "root-tls"] {
        seen.apply(Delta::Gone(Box::new(tls(name))), now());
    }
    let lines = grow(&seen, &key(Kind::Certificate, "web")).lines(&BTreeSet::new());
    let secret = lines.iter().find(|line| &*line.name == "web-tls").unwrap();
    assert_eq!((secret.level, &*secret.state), (Level::Unknown, "Not seen"));
    assert!(lines.iter().any(|line| &*line.name == "web-0"));
    assert!(lines.iter().any(|line| &*line.state == "DENIED list"));
}

#[test]
fn issuers_that_sign_each_other_end_somewhere() {
    let mut seen = live();
    put(
        &mut seen,
        [
            issuer("a", Some("b-tls")),
            issuer("b", Some("a-tls")),
            signed("a", "a-tls", "a"),
            signed("b", "b-tls", "b"),
            tls("a-tls"),
            tls("b-tls"),
        ],
    );
    for focus in [key(Kind::Certificate, "a"), key(Kind::Certificate, "b"), key(Kind::TlsSecret, "a-tls")] {
        let lines = grow(&seen, &focus).lines(&BTreeSet::new());
        assert!(lines.len() < 20 && lines.iter().any(|line| line.object.as_ref() == Some(&focus)), "{lines:#?}");
    }
}

#[rstest]
#[case(Kind::Pvc, true)]
#[case(Kind::CertificateRequest, true)]
#[case(Kind::Node, false)]
#[case(Kind::Event, false)]
fn only_what_hangs_together_with_volumes_or_certificates_has_a_tree(#[case] kind: Kind, #[case] has: bool) {
    assert_eq!(grows(kind), has);
}
