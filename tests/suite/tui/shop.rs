//! A small shop, made of deltas at a fixed moment, so that screens never differ from run to run.

use std::sync::Arc;

use holdfast::model::{
    CertManagerCertificate, CertificateFacts, ClaimRef, ClusterEvent, Condition, Connection, Container, ContainerState,
    Content, ContentSource, Context, DeletionPolicy, Delta, Issuer, Key, KeyMatch, KeyPurpose, Kind, Meta, Namespace,
    NextLink, Node, Object, OwnerRef, Place, Pod, Policies, PolicyRule, Pv, Pvc, ReclaimPolicy, Scope, SecretUse,
    SecretVia, SnapshotClass, SnapshotSource, StorageClass, TlsSecret, Touched, Uid, VolumeAttachment, VolumeError,
    VolumeSnapshot, Workload, WorkloadKind, annotation,
};
use holdfast::session::Desk;
use holdfast::view::{Made, OperationState, OperationView, StepState, StepView, Unclosed, WaitView};
use jiff::{SignedDuration, Timestamp};

mod history;
mod scanned;

pub use history::{grown, measured, put, stuck};
pub use scanned::{found, scanned};

/// The moment of every screen.
pub fn now() -> Timestamp {
    "2026-03-01T03:07:00Z".parse().unwrap()
}

/// So many minutes before that.
pub fn ago(minutes: i64) -> Timestamp {
    now() - SignedDuration::from_mins(minutes)
}

/// The metadata of an object.
pub fn meta(namespace: Option<&str>, name: &str) -> Meta {
    // Looks like a UID, and is the same in every run.
    let hash = name.bytes().fold(7u64, |hash, byte| hash.wrapping_mul(1_099_511_628_211) ^ u64::from(byte));
    let (a, b) = ((hash >> 32) & 0xffff_ffff, hash & 0xffff);
    let uid = format!("{a:08x}-{b:04x}-4000-8000-{:012x}", hash & 0xffff_ffff_ffff);
    Meta {
        namespace: namespace.map(Into::into),
        name: name.into(),
        uid: Some(Uid::from(uid)),
        resource_version: "1041".into(),
        created: Some(ago(60 * 24 * 40)),
        ..Meta::default()
    }
}

fn owned(mut meta: Meta, kind: &str, owner: &Meta) -> Meta {
    let owner = OwnerRef { kind: kind.into(), name: owner.name.clone(), uid: owner.uid(), controller: true };
    meta.owners = [owner].into();
    meta
}

/// A claim bound to a volume.
pub fn claim(namespace: &str, name: &str, gib: u64, class: &str) -> [Object; 2] {
    let meta_claim = meta(Some(namespace), name);
    let volume = format!("pvc-{}", &meta_claim.uid().as_str()[..13]);
    let driver: Arc<str> = format!("{class}.csi.example").into();
    let bound = ClaimRef { namespace: namespace.into(), name: name.into(), uid: meta_claim.uid.clone() };
    let reclaim = if class == "block" { ReclaimPolicy::Delete } else { ReclaimPolicy::Retain };
    let pv = Pv {
        meta: meta(None, &volume),
        csi: Some((driver, format!("vol-{namespace}-{name}").into())),
        claim: Some(bound),
        capacity: Some(gib << 30),
        reclaim,
        storage_class: Some(class.into()),
        phase: "Bound".into(),
        ..Pv::default()
    };
    let claim = Pvc {
        meta: meta_claim,
        volume_name: Some(volume.into()),
        storage_class: Some(class.into()),
        requested: Some(gib << 30),
        capacity: Some(gib << 30),
        phase: "Bound".into(),
        ..Pvc::default()
    };
    [Object::Pvc(claim), Object::Pv(pv)]
}

/// A snapshot of a claim and its content, cut some minutes ago.
pub fn copy(namespace: &str, claim: &str, class: &str, minutes: i64, ready: bool) -> [Object; 2] {
    let name = format!("{claim}-{}", ago(minutes).strftime("%m%d-%H%M"));
    let mut of_snapshot = meta(Some(namespace), &name);
    of_snapshot.created = Some(ago(minutes));
    let content_name = format!("snapcontent-{}", &of_snapshot.uid().as_str()[..13]);
    let back = ClaimRef { namespace: namespace.into(), name: name.as_str().into(), uid: of_snapshot.uid.clone() };
    let error = (!ready).then(|| VolumeError {
        at: Some(ago(minutes - 1)),
        message: "rpc error: code = ResourceExhausted desc = snapshot quota of the pool is used up".into(),
    });
    let content = Content {
        meta: meta(None, &content_name),
        driver: format!("{class}.csi.example").into(),
        source: ContentSource::Volume(format!("vol-{namespace}-{claim}").into()),
        deletion: if class == "block" { DeletionPolicy::Delete } else { DeletionPolicy::Retain },
        snapshot: Some(back),
        handle: ready.then(|| format!("snap-{name}").into()),
        cut: ready.then(|| ago(minutes)),
        ready: Some(ready),
        restore_size: ready.then_some(8 << 30),
        error: error.clone(),
    };
    let snapshot = VolumeSnapshot {
        meta: of_snapshot,
        source: SnapshotSource::Claim(claim.into()),
        class: Some(format!("{class}-snap").into()),
        content: Some(content_name.into()),
        cut: ready.then(|| ago(minutes)),
        ready: Some(ready),
        restore_size: ready.then_some(8 << 30),
        error,
        ..VolumeSnapshot::default()
    };
    [Object::Content(content), Object::VolumeSnapshot(snapshot)]
}

/// A certificate that is valid since so many days, for so many hours.
pub fn facts(cn: &str, issuer: &str, from_days: i64, to_hours: i64) -> CertificateFacts {
    CertificateFacts {
        fingerprint: "5e0c7a1be2".repeat(6).into(),
        serial: "4d5a".into(),
        subject: format!("CN={cn}").into(),
        issuer: format!("CN={issuer}").into(),
        names: [cn.into(), format!("{cn}.svc").into()].into(),
        not_before: now() - SignedDuration::from_hours(24 * from_days),
        not_after: now() + SignedDuration::from_hours(to_hours),
        ca: false,
        self_signed: cn == issuer,
        key: "ECDSA P-256".into(),
        spki: cn.into(),
        signature: "ECDSA SHA-256".into(),
        path_len: None,
        key_id: None,
        issuer_key_id: None,
        usage: KeyPurpose::default(),
        next: NextLink::Last,
        oddities: Box::default(),
        other_names: Box::default(),
        constraints: None,
    }
}

fn secret(namespace: &str, name: &str, facts: Result<CertificateFacts, &str>, key: KeyMatch) -> Object {
    let chain = facts.map(|facts| [facts].into()).map_err(Into::into);
    Object::TlsSecret(TlsSecret {
        files: Box::default(),
        meta: meta(Some(namespace), name),
        leaf: Place { key: "tls.crt".into(), chain },
        ca: None,
        key,
    })
}

fn certificate(namespace: &str, name: &str, secret: &str, days: i64) -> Object {
    let ready = Condition {
        kind: "Ready".into(),
        status: "True".into(),
        reason: "Ready".into(),
        message: "Certificate is up to date and has not expired".into(),
        since: Some(ago(9000)),
    };
    Object::Certificate(CertManagerCertificate {
        meta: meta(Some(namespace), name),
        secret: secret.into(),
        issuer: ("Issuer".into(), "shop-ca".into()),
        names: [format!("{name}.{namespace}").into()].into(),
        not_after: Some(now() + SignedDuration::from_hours(24 * days)),
        not_before: Some(now() - SignedDuration::from_hours(24 * 10)),
        renewal: Some(now() + SignedDuration::from_hours(24 * (days - 20))),
        revision: Some(3),
        conditions: [ready].into(),
        ..CertManagerCertificate::default()
    })
}

fn storage() -> Vec<Object> {
    let mut objects = Vec::new();
    for (class, reclaim, default) in [("block", ReclaimPolicy::Delete, true), ("shared", ReclaimPolicy::Retain, false)]
    {
        let driver: Arc<str> = format!("{class}.csi.example").into();
        objects.push(Object::StorageClass(StorageClass {
            meta: meta(None, class),
            provisioner: driver.clone(),
            reclaim,
            ..StorageClass::default()
        }));
        let deletion = if default { DeletionPolicy::Delete } else { DeletionPolicy::Retain };
        objects.push(Object::SnapshotClass(SnapshotClass {
            meta: meta(None, &format!("{class}-snap")),
            driver,
            deletion,
            default: true,
            ..SnapshotClass::default()
        }));
    }
    let claims = [
        ("shop", "data-db-0", 100, "block"),
        ("shop", "data-db-1", 100, "block"),
        ("shop", "data-cache-0", 10, "block"),
        ("shop", "data-search-0", 200, "block"),
        ("shop", "uploads", 500, "shared"),
        ("batch", "reports", 20, "shared"),
        ("batch", "scratch", 5, "block"),
        ("batch", "ledger", 40, "block"),
        ("monitoring", "prometheus-0", 250, "block"),
    ];
    objects.extend(claims.iter().flat_map(|(namespace, name, gib, class)| claim(namespace, name, *gib, class)));
    let copies = [
        ("shop", "data-db-0", "block", 67, true),
        ("shop", "data-db-0", "block", 307, true),
        ("shop", "data-db-0", "block", 1507, true),
        ("shop", "data-db-1", "block", 207, true),
        ("shop", "data-db-1", "block", 12, false),
        ("shop", "data-cache-0", "block", 420, true),
        ("shop", "uploads", "shared", 95, true),
        ("batch", "reports", "shared", 1300, true),
        ("batch", "ledger", "block", 1505, true),
        ("monitoring", "prometheus-0", "block", 4400, true),
    ];
    objects.extend(copies.iter().flat_map(|(n, c, class, minutes, ready)| copy(n, c, class, *minutes, *ready)));
    objects
}

fn workloads() -> Vec<Object> {
    let db = meta(Some("shop"), "db");
    let mut objects = Vec::new();
    for ordinal in 0..2 {
        let pod = Pod {
            meta: owned(meta(Some("shop"), &format!("db-{ordinal}")), "StatefulSet", &db),
            node: Some("node-a".into()),
            phase: "Running".into(),
            ready: true,
            started: Some(ago(5000)),
            claims: [format!("data-db-{ordinal}").into()].into(),
            secrets: [SecretUse { secret: "db-tls".into(), via: SecretVia::Mount }].into(),
            containers: [Container {
                name: "postgres".into(),
                image: "registry.shop.example/postgres:15.8".into(),
                state: ContainerState::Running,
                ready: true,
                ..Container::default()
            }]
            .into(),
            ..Pod::default()
        };
        let (claim, pv) = (format!("data-db-{ordinal}"), meta(Some("shop"), &format!("data-db-{ordinal}")).uid());
        let attachment = VolumeAttachment {
            meta: meta(None, &format!("csi-{claim}")),
            attacher: "block.csi.example".into(),
            node: "node-a".into(),
            pv: Some(format!("pvc-{}", &pv.as_str()[..13]).into()),
            attached: true,
            error: None,
        };
        objects.extend([Object::Pod(pod), Object::VolumeAttachment(attachment)]);
    }
    let retention = holdfast::model::RetentionWhen::Delete;
    let templates = [holdfast::model::ClaimTemplate { name: "data".into() }].into();
    objects.push(Object::StatefulSet(Workload {
        meta: db,
        kind: WorkloadKind::StatefulSet,
        replicas: Some(2),
        ready: 2,
        templates,
        when_scaled: retention,
        ..Workload::default()
    }));
    let uses = |secret: &str, via| SecretUse { secret: secret.into(), via };
    objects.push(Object::Deployment(Workload {
        meta: meta(Some("shop"), "web"),
        kind: WorkloadKind::Deployment,
        replicas: Some(3),
        ready: 3,
        claims: ["uploads".into()].into(),
        secrets: [uses("web-tls", SecretVia::Mount), uses("payments-tls", SecretVia::Env)].into(),
        ..Workload::default()
    }));
    objects.extend(["node-a", "node-b"].map(|name| Object::Node(Node { meta: meta(None, name), ready: true })));
    objects.extend(["shop", "batch", "monitoring"].map(|name| Object::Namespace(Namespace { meta: meta(None, name) })));
    objects
}

fn tls() -> Vec<Object> {
    let ca = "shop root CA";
    let mut ca_facts = facts(ca, ca, 100, 24 * 265);
    ca_facts.ca = true;
    ca_facts.names = [].into();
    vec![
        Object::Issuer(Issuer {
            how: "CA",
            meta: meta(Some("shop"), "shop-ca"),
            ca_secret: Some("shop-ca".into()),
            conditions: [Condition {
                kind: "Ready".into(),
                status: "True".into(),
                reason: "KeyPairVerified".into(),
                message: "Signing CA verified".into(),
                since: Some(ago(60)),
            }]
            .into(),
        }),
        secret("shop", "shop-ca", Ok(ca_facts), KeyMatch::Match),
        secret("shop", "web-tls", Ok(facts("web.shop", ca, 10, 24 * 80)), KeyMatch::Match),
        certificate("shop", "web-tls", "web-tls", 80),
        secret("shop", "db-tls", Ok(facts("db.shop", ca, 10, 24 * 80)), KeyMatch::Match),
        certificate("shop", "db-tls", "db-tls", 80),
        secret("shop", "payments-tls", Ok(facts("pay.shop.example", "Public CA R3", 360, 24 * 5)), KeyMatch::Match),
        secret("shop", "admin-tls", Ok(facts("admin.shop.example", "Public CA R3", 400, -50)), KeyMatch::Match),
        secret("batch", "mail-tls", Ok(facts("mail.example", "Public CA R3", 30, 24 * 60)), KeyMatch::Mismatch),
        secret("batch", "legacy-proxy", Err("holds no PEM certificate"), KeyMatch::Missing),
        certificate("monitoring", "grafana-tls", "grafana-tls", 44),
    ]
}

fn event() -> Object {
    let about = meta(Some("shop"), "data-db-1-0301-0255");
    Object::Event(ClusterEvent {
        meta: meta(Some("shop"), "event-1"),
        about: about.uid,
        about_kind: "VolumeSnapshot".into(),
        about_name: about.name,
        warning: true,
        reason: "SnapshotCreationFailed".into(),
        message: "Failed to create snapshot: snapshot quota of the pool is used up".into(),
        last: Some(ago(2)),
        count: 6,
    })
}

/// The policies of the shop.
pub fn policies() -> Policies {
    let rule = |namespace: &str, rpo: &str| PolicyRule {
        namespace: Some(namespace.into()),
        labels: [].into(),
        rpo: rpo.into(),
    };
    Policies { rules: vec![rule("shop", "4h"), rule("batch", "24h")], ..Policies::default() }
}

/// Who looks at what.
pub fn context() -> Context {
    Context {
        name: "shop-prod".into(),
        server: "https://api.shop.example:6443".into(),
        user: Some("ada@shop.example".into()),
        login_ends: Some(now() + SignedDuration::from_hours(8)),
        ..Context::default()
    }
}

/// A desk before anything was heard.
pub fn blank() -> Desk {
    Desk::new(context(), policies(), now())
}

/// The shop, everything live.
pub fn desk() -> Desk {
    let mut desk = blank();
    desk.world.apply(Delta::Connection(Connection::Up), now());
    let mut objects = storage();
    objects.extend(workloads());
    objects.extend(tls());
    objects.push(event());
    for object in &mut objects {
        if let Object::Pvc(claim) = object
            && &*claim.meta.name == "scratch"
        {
            claim.meta.annotations = [(annotation::RPO, "none".into())].into();
        }
    }
    for kind in Kind::ALL {
        desk.world.apply(Delta::ListStarted(*kind, Scope::All), now());
    }
    for object in objects {
        desk.world.apply(Delta::Upsert(Box::new(object), Scope::All), now());
    }
    for kind in Kind::ALL {
        let absent = matches!(kind.spec().group, "velero.io" | "groupsnapshot.storage.k8s.io");
        let delta = if absent { Delta::Absent(*kind, Scope::All) } else { Delta::ListDone(*kind, Scope::All) };
        desk.world.apply(delta, now());
    }
    refresh(&mut desk);
    desk
}

/// Makes all rows anew.
pub fn refresh(desk: &mut Desk) {
    desk.refresh(&Touched { all: true, ..Touched::default() }, now());
}

/// The last copy of the first volume, as an operation would have made it.
fn made() -> Made {
    let name = format!("data-db-0-{}", ago(67).strftime("%m%d-%H%M"));
    let key = Key::Object(Kind::VolumeSnapshot, meta(Some("shop"), &name).uid());
    Made { what: format!("VolumeSnapshot shop/{name}").into(), key }
}

fn seconds(at: i64) -> Timestamp {
    ago(1) + SignedDuration::from_secs(at)
}

/// An operation in its last step.
pub fn operation() -> OperationView {
    let step = |title: &str, state, span: (i64, Option<i64>), note: Option<&str>| StepView {
        title: title.into(),
        state,
        note: note.map(Into::into),
        began: Some(seconds(span.0)),
        ended: span.1.map(seconds),
        sent: 1,
    };
    OperationView {
        id: "20260301-030612-7c1d9a04".into(),
        title: "back up volume shop/data-db-0".into(),
        state: OperationState::Running,
        started: Some(ago(1)),
        ended: None,
        steps: vec![
            step("create VolumeSnapshot shop/data-db-0-7c1d9a04", StepState::Done, (0, Some(1)), None),
            step(
                "wait until the snapshot is cut (the data of that moment is safe from later writes)",
                StepState::Done,
                (1, Some(4)),
                Some("cut at 2026-03-01T03:06:13Z"),
            ),
            step(
                "wait until the snapshot is ready (it can be restored from)",
                StepState::Running,
                (4, None),
                Some("readyToUse is false"),
            ),
        ],
        waits: Some(WaitView {
            what: "the snapshot to become ready to restore from".into(),
            since: seconds(4),
            until: seconds(604),
        }),
        message: None,
        can_resume: false,
        resumed: 0,
        subject: Key::Object(Kind::Pvc, meta(Some("shop"), "data-db-0").uid()),
        made: Some(made()),
        undo: vec!["delete the VolumeSnapshot (its copy in storage goes when the deletion policy says so)".into()],
        held: None,
        unclosed: Vec::new(),
        takes_back: None,
        elsewhere: None,
    }
}

/// The same operation after its console ended.
pub fn interrupted() -> OperationView {
    OperationView {
        state: OperationState::Interrupted,
        waits: None,
        can_resume: true,
        message: Some("the console ended while it ran".into()),
        ..operation()
    }
}

/// The same after its console ended while hooks held the application.
pub fn holding() -> OperationView {
    let mut operation = interrupted();
    operation.message =
        Some("nobody runs it, and what it holds is not seen released; resume it: that releases first".into());
    operation.unclosed = vec![Unclosed {
        what: "post hook in Pod shop/db-0, container postgres".into(),
        by_hand: Some(
            "kubectl --context shop-prod exec -n shop db-0 -c postgres -- sh -c '[ -e \
             /dev/shm/holdfast-20260301-030612-7c1d9a04-1 ] || exit 0; fsfreeze -u /var/lib/postgresql/data && rm -f \
             /dev/shm/holdfast-20260301-030612-7c1d9a04-1'"
                .into(),
        ),
    }];
    operation
}

/// The same, ended although its release was never seen.
pub fn unreleased() -> OperationView {
    OperationView { state: OperationState::Failed, can_resume: false, ended: Some(now()), ..holding() }
}

/// The same, ended well.
pub fn done() -> OperationView {
    let mut operation = operation();
    (operation.state, operation.ended, operation.waits) = (OperationState::Done, Some(now()), None);
    if let Some(last) = operation.steps.last_mut() {
        (last.state, last.ended, last.note) = (StepState::Done, Some(now()), None);
    }
    operation
}

/// The same, ended badly, after a first answer was lost and a console was killed.
pub fn failed() -> OperationView {
    let mut operation = done();
    (operation.state, operation.resumed, operation.steps[0].sent) = (OperationState::Failed, 1, 2);
    let why = "not done within 600s: snapshot quota of the pool is used up";
    if let Some(last) = operation.steps.last_mut() {
        (last.state, last.note) = (StepState::Failed, Some(why.into()));
    }
    operation.message = Some(format!("failed at ready: {why}").into());
    operation
}
