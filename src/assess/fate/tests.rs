//! Every way in which data or copies go.

use rstest::rstest;

use super::*;
use crate::assess::testing::{ago, claim, cluster_meta, meta, now, put, put_snapshot, snapshot, volume, with_claim};
use crate::model::{ClaimTemplate, Delta, Namespace, Object, OwnerRef, Policies, Scope, VeleroBackup, VeleroItem};

fn judge(claim: &Pvc, change: impl FnOnce(&mut World)) -> Vec<(Severity, Takes, String)> {
    let mut world = with_claim(claim, Policies::default());
    change(&mut world);
    let judged = fate(&world, claim, now());
    assert_eq!(judged.reasons.len(), judged.value.len());
    judged.value.into_iter().map(|fate| (fate.severity, fate.takes, fate.text)).collect()
}

fn one(severity: Severity, takes: Takes, text: &str) -> Vec<(Severity, Takes, String)> {
    vec![(severity, takes, text.to_owned())]
}

#[test]
fn a_retained_volume_alone_has_no_fate() {
    assert_eq!(judge(&claim("db", None), |_| {}), []);
}

#[test]
fn a_claim_being_deleted_says_what_holds_it() {
    let mut claim = claim("db", None);
    claim.meta.deleting = Some(ago(1));
    claim.meta.finalizers = ["kubernetes.io/pvc-protection".into()].into();
    let text = "the claim is being deleted since 2026-03-01T11:59:00Z, held by kubernetes.io/pvc-protection";
    assert_eq!(judge(&claim, |_| {}), one(Severity::Critical, Takes::Data, text));
}

#[test]
fn a_namespace_being_deleted_takes_both() {
    let mut namespace = Namespace { meta: cluster_meta("shop") };
    namespace.meta.deleting = Some(ago(1));
    let fates = judge(&claim("db", None), |world| put(world, [Object::Namespace(namespace)]));
    let text = "namespace shop is being deleted since 2026-03-01T11:59:00Z";
    assert_eq!(fates, one(Severity::Critical, Takes::Both, text));
}

#[test]
fn a_lost_claim_is_critical() {
    let mut lost = claim("db", None);
    (lost.phase, lost.volume_name) = ("Lost".into(), None);
    assert_eq!(judge(&lost, |_| {}), one(Severity::Critical, Takes::Data, "the claim has lost its volume"));
}

#[rstest]
#[case(ReclaimPolicy::Delete, Severity::Info, "deleting the claim deletes volume pv-db (reclaimPolicy Delete)")]
#[case(
    ReclaimPolicy::Other,
    Severity::Unknown,
    "what becomes of volume pv-db is unknown: its reclaimPolicy is not known here"
)]
fn reclaim_policies(#[case] reclaim: ReclaimPolicy, #[case] severity: Severity, #[case] text: &str) {
    let claim = claim("db", None);
    let pv = Pv { reclaim, ..volume(&claim) };
    assert_eq!(judge(&claim, |world| put(world, [Object::Pv(pv)])), one(severity, Takes::Data, text));
}

#[test]
fn an_unseen_volume_is_unknown() {
    let unseen = Pvc { volume_name: Some("other".into()), ..claim("db", None) };
    let deny = |world: &mut World| drop(world.apply(Delta::Denied(Kind::Pv, Scope::All, "list".into()), now()));
    let text = "what becomes of the volume is unknown: not allowed to list persistentvolumes";
    assert_eq!(judge(&unseen, deny), one(Severity::Unknown, Takes::Data, text));
}

#[test]
fn owners_take_their_claims_along() {
    let mut claim = claim("db", None);
    let owner = |kind: &str| OwnerRef { kind: kind.into(), name: "o".into(), uid: "u".into(), controller: true };
    claim.meta.owners = [owner("Pod"), owner("StatefulSet")].into();
    let text = "the claim goes when Pod o goes (owner reference)";
    assert_eq!(judge(&claim, |_| {}), one(Severity::Warn, Takes::Data, text));
}

#[rstest]
#[case("data-db-0", "data", "db", true)]
#[case("data-disk-my-db-12", "data-disk", "my-db", true)]
#[case("data-db-x", "data", "db", false)]
#[case("data-db", "data", "db", false)]
#[case("other-db-0", "data", "db", false)]
fn stateful_sets_are_found_by_their_claims_names(
    #[case] name: &str,
    #[case] template: &str,
    #[case] set: &str,
    #[case] found: bool,
) {
    let set = Workload {
        meta: meta(set),
        templates: [ClaimTemplate { name: template.into() }].into(),
        when_deleted: RetentionWhen::Delete,
        when_scaled: RetentionWhen::Delete,
        ..Workload::default()
    };
    let fates = judge(&claim(name, None), |world| put(world, [Object::StatefulSet(set.clone())]));
    let set = &set.meta.name;
    let deleted = format!("deleting StatefulSet {set} deletes the claim (whenDeleted Delete)");
    let scaled = format!("scaling StatefulSet {set} down deletes the claim (whenScaled Delete)");
    let expected = [deleted, scaled].map(|text| (Severity::Warn, Takes::Data, text));
    assert_eq!(fates, if found { expected.to_vec() } else { Vec::new() });
}

#[test]
fn unseen_stateful_sets_are_unknown_where_there_may_be_one() {
    let deny =
        |world: &mut World| drop(world.apply(Delta::Denied(Kind::StatefulSet, Scope::All, "list".into()), now()));
    let text = "a StatefulSet may delete the claim: not allowed to list statefulsets.apps";
    assert_eq!(judge(&claim("data-db-0", None), deny), one(Severity::Unknown, Takes::Data, text));
    assert_eq!(judge(&claim("db", None), deny), []);
}

#[rstest]
#[case::all_go(&[DeletionPolicy::Delete], ReclaimPolicy::Retain, Severity::Warn, Takes::Copies, "deletes 1 of 1 good copy")]
#[case::all_go_with_the_data(
    &[DeletionPolicy::Delete],
    ReclaimPolicy::Delete,
    Severity::Warn,
    Takes::Both,
    "deletes the data and 1 of 1 good copy"
)]
#[case::one_stays(
    &[DeletionPolicy::Delete, DeletionPolicy::Retain],
    ReclaimPolicy::Retain,
    Severity::Info,
    Takes::Copies,
    "deletes 1 of 2 good copies"
)]
#[case::not_read(
    &[DeletionPolicy::Unknown],
    ReclaimPolicy::Retain,
    Severity::Unknown,
    Takes::Copies,
    "what deleting a snapshot does is unknown for 1 copy"
)]
fn copies_go_with_their_namespace(
    #[case] policies: &[DeletionPolicy],
    #[case] reclaim: ReclaimPolicy,
    #[case] severity: Severity,
    #[case] takes: Takes,
    #[case] text: &str,
) {
    let claim = claim("db", None);
    let pv = Pv { reclaim, ..volume(&claim) };
    let fates = judge(&claim, |world| {
        put(world, [Object::Pv(pv)]);
        for (at, policy) in policies.iter().enumerate() {
            let (copy, mut content) = snapshot(&claim, &format!("s{at}"), ago(10));
            content.deletion = *policy;
            put_snapshot(world, (copy, content));
        }
    });
    let found = fates.iter().find(|(_, _, said)| said.contains(text));
    assert_eq!(found.map(|(severity, takes, _)| (*severity, *takes)), Some((severity, takes)), "{fates:?}");
}

#[rstest]
#[case(48, Severity::Info, ago(-24 * 60))]
#[case(24, Severity::Warn, ago(-24 * 60))]
fn velero_lets_go_of_its_copies(#[case] hours: i64, #[case] severity: Severity, #[case] until: Timestamp) {
    let claim = claim("db", None);
    let mut world = with_claim(&claim, Policies::default());
    let expires = Some(ago(-60 * hours));
    let backup = VeleroBackup { meta: meta("b"), phase: "Completed".into(), expires, ..VeleroBackup::default() };
    let item = VeleroItem {
        meta: meta("i"),
        backup: Some("b".into()),
        source_namespace: "shop".into(),
        source_uid: claim.meta.uid.clone(),
        phase: "Completed".into(),
        started: Some(ago(10)),
        ..VeleroItem::default()
    };
    put(&mut world, [Object::VeleroBackup(backup), Object::PodVolumeBackup(item)]);
    let judged = fate(&world, &claim, now());
    assert_eq!((judged.value[0].severity, judged.valid_until), (severity, Some(until)));
    assert!(judged.value[0].text.starts_with("the last good copy expires in "), "{}", judged.value[0].text);
}

#[test]
fn the_worst_comes_first() {
    let mut claim = claim("db", None);
    claim.meta.deleting = Some(ago(1));
    let pv = Pv { reclaim: ReclaimPolicy::Delete, ..volume(&claim) };
    let severities: Vec<_> = judge(&claim, |world| put(world, [Object::Pv(pv)])).iter().map(|f| f.0).collect();
    assert_eq!(severities, [Severity::Critical, Severity::Info]);
}
