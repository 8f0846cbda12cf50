//! Small worlds for tests, built through [`World::apply`] as watches do.

use jiff::{SignedDuration, Timestamp};

use crate::model::{
    CertificateFacts, ClaimRef, Content, ContentSource, DeletionPolicy, Delta, KeyPurpose, Kind, Meta, NextLink,
    Object, Policies, Pv, Pvc, ReclaimPolicy, Scope, SnapshotSource, VolumeSnapshot, World, annotation,
};

/// The driver of every volume here.
pub const DRIVER: &str = "csi.example";

/// Minutes of a day.
pub const DAY: i64 = 24 * 60;

/// The moment at which tests judge.
pub fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

/// A moment this many minutes before [`now`].
pub fn ago(minutes: i64) -> Timestamp {
    now() - SignedDuration::from_mins(minutes)
}

/// A world in which every kind was listed and is live.
pub fn live() -> World {
    let mut world = World::default();
    for kind in Kind::ALL {
        world.apply(Delta::ListStarted(*kind, Scope::All), now());
        world.apply(Delta::ListDone(*kind, Scope::All), now());
    }
    world
}

/// Puts objects in.
pub fn put(world: &mut World, objects: impl IntoIterator<Item = Object>) {
    for object in objects {
        world.apply(Delta::Upsert(Box::new(object), Scope::All), now());
    }
}

/// Metadata of an object in namespace `shop`, with `uid-NAME` as its UID.
pub fn meta(name: &str) -> Meta {
    let uid = Some(format!("uid-{name}").into());
    Meta {
        namespace: Some("shop".into()),
        name: name.into(),
        uid,
        created: Some(ago(100 * 24 * 60)),
        ..Meta::default()
    }
}

/// Metadata of a cluster-scoped object.
pub fn cluster_meta(name: &str) -> Meta {
    Meta { namespace: None, ..meta(name) }
}

/// Metadata with an annotation.
pub fn annotated(meta: Meta, key: &'static str, value: &str) -> Meta {
    let annotations = meta.annotations.iter().cloned().chain([(key, value.into())]).collect();
    Meta { annotations, ..meta }
}

/// A certificate whose life has this many minutes behind it and this many before it. Its key is known by its subject,
/// and that of its issuer by the issuer's.
pub fn x509(subject: &str, issuer: &str, behind: i64, left: i64) -> CertificateFacts {
    CertificateFacts {
        fingerprint: subject.into(),
        serial: "01".into(),
        subject: subject.into(),
        issuer: issuer.into(),
        names: [subject.into()].into(),
        not_before: ago(behind),
        not_after: ago(-left),
        ca: false,
        self_signed: false,
        key: "ECDSA P-256".into(),
        spki: subject.into(),
        signature: "ECDSA SHA-256".into(),
        path_len: None,
        key_id: Some(subject.as_bytes().into()),
        issuer_key_id: Some(issuer.as_bytes().into()),
        usage: KeyPurpose::default(),
        next: NextLink::Last,
        oddities: Box::default(),
        other_names: Box::default(),
        constraints: None,
    }
}

/// A bound claim with an objective.
pub fn claim(name: &str, rpo: Option<&str>) -> Pvc {
    let meta = rpo.map_or(meta(name), |rpo| annotated(meta(name), annotation::RPO, rpo));
    let volume_name = Some(format!("pv-{name}").into());
    Pvc { meta, volume_name, storage_class: Some("fast".into()), phase: "Bound".into(), ..Pvc::default() }
}

/// The volume that a claim is bound to, with the handle `handle-NAME`.
pub fn volume(claim: &Pvc) -> Pv {
    let name = &claim.meta.name;
    let bound = ClaimRef { namespace: "shop".into(), name: name.clone(), uid: claim.meta.uid.clone() };
    Pv {
        meta: cluster_meta(&format!("pv-{name}")),
        csi: Some((DRIVER.into(), format!("handle-{name}").into())),
        claim: Some(bound),
        reclaim: ReclaimPolicy::Retain,
        storage_class: Some("fast".into()),
        phase: "Bound".into(),
        ..Pv::default()
    }
}

/// A good snapshot of a claim's volume, cut then, and its content.
pub fn snapshot(claim: &Pvc, name: &str, cut: Timestamp) -> (VolumeSnapshot, Content) {
    let snapshot = VolumeSnapshot {
        meta: meta(name),
        source: SnapshotSource::Claim(claim.meta.name.clone()),
        content: Some(format!("content-{name}").into()),
        cut: Some(cut),
        ready: Some(true),
        ..VolumeSnapshot::default()
    };
    let content = Content {
        meta: cluster_meta(&format!("content-{name}")),
        driver: DRIVER.into(),
        source: ContentSource::Volume(format!("handle-{}", claim.meta.name).into()),
        deletion: DeletionPolicy::Retain,
        snapshot: Some(ClaimRef { namespace: "shop".into(), name: name.into(), uid: snapshot.meta.uid.clone() }),
        handle: Some(format!("snap-{name}").into()),
        cut: Some(cut),
        ready: Some(true),
        ..Content::default()
    };
    (snapshot, content)
}

/// A live world with one claim, its volume, and the policies that are given.
pub fn with_claim(claim: &Pvc, policies: Policies) -> World {
    let mut world = live();
    world.policies = policies;
    put(&mut world, [Object::Pvc(claim.clone()), Object::Pv(volume(claim))]);
    world
}

/// Puts a snapshot and its content in.
pub fn put_snapshot(world: &mut World, (snapshot, content): (VolumeSnapshot, Content)) {
    put(world, [Object::VolumeSnapshot(snapshot), Object::Content(content)]);
}

/// The texts of reasons, joined.
pub fn said<T>(judged: &super::Judgement<T>) -> String {
    judged.reasons.iter().map(|reason| reason.text.as_str()).collect::<Vec<_>>().join("\n")
}
