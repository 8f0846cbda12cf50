//! A small shop in which every control passes, and what makes each of them fail.

use std::sync::Arc;

use jiff::SignedDuration;

use crate::assess::exposure::testing::{SQLI, V1, V3, bare, data, ours, ran, releases, scan, scanned};
use crate::assess::testing::{DAY, ago, annotated, cluster_meta, live, meta, now, put, put_snapshot, volume, x509};
use crate::model::{
    BackupLocation, Band, Bucket, CertManagerCertificate, CertificateFacts, Condition, Container, ContainerPort, Count,
    DeletionPolicy, Delta, Front, FrontTls, HandleKey, Key, KeyMatch, Object, Place, Pod, PodPortName, Policy, Pv,
    Review, Scan, SecretUse, SecretVia, Service, ServicePort, Shaken, StorageClass, TOPICS, TlsSecret, World,
    annotation,
};
use crate::report::{Controlled, Inputs, Journal, control, report};
use crate::view::{OperationState, OperationView};

/// What a case is made of; the default passes every control.
#[derive(Clone, Copy, Debug)]
pub struct Made {
    pub driver: &'static str,
    pub encrypted: &'static str,
    pub mount: &'static str,
    pub endpoint: &'static str,
    pub rpo: &'static str,
    pub keep: Option<&'static str>,
    pub own_key: KeyMatch,
    pub proven: Option<i64>,
    pub failed: Option<i64>,
    pub hold: Option<&'static str>,
    pub deletion: DeletionPolicy,
    pub certificate_left: i64,
    pub renewal: i64,
    pub key: &'static str,
    pub host: &'static str,
    pub serves: Option<&'static str>,
    pub vulnerable: bool,
    pub known_good: bool,
    pub sources: bool,
    pub reviewed: i64,
    pub operation: OperationState,
    pub ended: i64,
    pub wrong: Option<&'static str>,
}

/// A driver whose snapshots lie apart.
pub const EBS: &str = "ebs.csi.aws.com";
/// A driver whose mounts say how data travels.
pub const NFS: &str = "nfs.csi.k8s.io";

impl Made {
    /// What passes this control: no driver says everything.
    pub fn fine(id: &str) -> Self {
        Self {
            driver: if id == "encryption-in-transit" { NFS } else { EBS },
            encrypted: "true",
            mount: "sec=krb5p",
            endpoint: "https://s3.example",
            rpo: "24h",
            keep: Some("3"),
            own_key: KeyMatch::Match,
            proven: Some(DAY),
            failed: None,
            hold: None,
            deletion: DeletionPolicy::Retain,
            certificate_left: 90 * DAY,
            renewal: 30 * DAY,
            key: "ECDSA P-256",
            host: "web.shop.svc",
            serves: Some("web"),
            vulnerable: false,
            known_good: true,
            sources: true,
            reviewed: 10,
            operation: OperationState::Done,
            ended: DAY,
            wrong: None,
        }
    }

    /// The world.
    pub fn world(&self) -> World {
        let mut world = live();
        self.volumes(&mut world);
        self.findings(&mut world);
        self.certificates(&mut world);
        let review = |topic: &str| Review {
            topic: topic.into(),
            by: "ada".into(),
            at: ago(self.reviewed * DAY),
            next: None,
            note: "".into(),
        };
        world.reviews.known = TOPICS.map(review).into();
        world.reviews.freshness = crate::model::Freshness::Live;
        world
    }

    fn volumes(&self, world: &mut World) {
        let mut policy = Policy { rpo: Some(self.rpo.into()), ..Policy::new("gold") };
        policy.keep = policy.keep.with(Bucket::Last, self.keep.map(|count| Count::parse(count).unwrap()));
        world.policies.named = vec![policy];
        let handle: HandleKey = (self.driver.into(), "handle-data".into());
        let mount_options = [Box::from(self.mount)].into();
        let class = StorageClass {
            meta: cluster_meta("fast"),
            provisioner: self.driver.into(),
            parameters: [("encrypted".into(), self.encrypted.into())].into(),
            waits_for_consumer: true,
            ..StorageClass::default()
        };
        put(world, [Object::StorageClass(class), Object::Pvc(data())]);
        put(world, [Object::Pv(Pv { csi: Some(handle), mount_options, ..volume(&data()) })]);
        let place = BackupLocation {
            meta: meta("default"),
            endpoint: Some(self.endpoint.into()),
            phase: "Available".into(),
            ..BackupLocation::default()
        };
        put(world, [Object::BackupLocation(place)]);
        for (name, minutes) in [("a", 700), ("b", 400), ("c", 100)] {
            if name == "a" && !self.known_good {
                continue;
            }
            let (mut snapshot, mut content) = ours(name, minutes);
            (content.driver, content.deletion) = (self.driver.into(), self.deletion);
            if name == "c" {
                snapshot.meta = self.noted(snapshot.meta);
            }
            put_snapshot(world, (snapshot, content));
        }
    }

    /// What drills and people wrote on the newest copy.
    fn noted(&self, mut meta: crate::model::Meta) -> crate::model::Meta {
        if let Some(minutes) = self.proven {
            let at = ago(minutes);
            let from = at - SignedDuration::from_secs(42);
            meta = annotated(meta, annotation::LAST_PROVEN, &format!("passed at {at} from {from}: read 6 bytes"));
        }
        if let Some(minutes) = self.failed {
            meta =
                annotated(meta, annotation::LAST_FAILED, &format!("begun at {}, failed at read: empty", ago(minutes)));
        }
        match self.hold {
            Some(hold) => annotated(meta, annotation::HOLD, hold),
            None => meta,
        }
    }

    fn findings(&self, world: &mut World) {
        world.observed = bare().observed;
        let orders = crate::model::Meta { uid: Some("pod-c".into()), ..meta("db-0") };
        put(world, [Object::Pod(Pod { meta: orders, phase: "Running".into(), ..Pod::default() })]);
        ran(world, releases());
        let last: &[_] = if self.vulnerable { &[SQLI] } else { &[] };
        let scans: Vec<Scan> = vec![scan('a', V1 - 10, &[]), scan('b', V3 + 10, &[SQLI]), scan('c', V3 - 10, last)];
        scanned(world, scans);
        world.linking = Arc::new(crate::model::Linking { concern: Some(Band::High), ..(*world.linking).clone() });
    }

    fn leaf(&self) -> CertificateFacts {
        let names = ["web.shop.svc".into()].into();
        CertificateFacts { names, key: self.key.into(), ..x509("web", "ca", DAY, self.certificate_left) }
    }

    fn certificates(&self, world: &mut World) {
        let place = Place { key: "tls.crt".into(), chain: Ok([self.leaf()].into()) };
        let (secret, files) = (meta("web-tls"), Box::default());
        put(world, [Object::TlsSecret(TlsSecret { meta: secret, leaf: place, ca: None, key: self.own_key, files })]);
        let ready = Condition {
            kind: "Ready".into(),
            status: "True".into(),
            reason: "Ready".into(),
            message: "".into(),
            since: None,
        };
        put(
            world,
            [Object::Certificate(CertManagerCertificate {
                meta: meta("other"),
                secret: "other-tls".into(),
                not_before: Some(ago(30 * DAY)),
                not_after: Some(ago(-60 * DAY)),
                renewal: Some(ago(-self.renewal)),
                conditions: [ready].into(),
                ..CertManagerCertificate::default()
            })],
        );
        let tls = FrontTls { secret: Some(("shop".into(), "web-tls".into())), hosts: [self.host.into()].into() };
        put(world, [Object::Ingress(Front { meta: meta("web"), tls: [tls].into(), refused: Box::default() })]);
        self.server(world);
    }

    fn server(&self, world: &mut World) {
        let labels: crate::model::Meta =
            crate::model::Meta { labels: [("app".into(), "web".into())].into(), ..meta("web-0") };
        let ports = [ContainerPort { name: "https".into(), number: 8444 }].into();
        put(
            world,
            [Object::Pod(Pod {
                meta: labels,
                phase: "Running".into(),
                ready: true,
                started: Some(ago(30)),
                secrets: [SecretUse { secret: "web-tls".into(), via: SecretVia::Mount }].into(),
                containers: [Container { ports, ..Container::default() }].into(),
                ..Pod::default()
            })],
        );
        let target = PodPortName::Name("https".into());
        let port = ServicePort { name: "https".into(), number: 443, target, protocol: "".into() };
        let selector = [(Arc::from("app"), Arc::from("web"))].into();
        put(world, [Object::Service(Service { meta: meta("web"), selector, ports: [port].into() })]);
        if let Some(subject) = self.serves {
            let served = CertificateFacts { fingerprint: subject.into(), ..self.leaf() };
            let name = "web.shop.svc".into();
            let shaken = Shaken { pod: "uid-web-0".into(), port: 8444, name, at: ago(1), served: Ok(Box::new(served)) };
            world.apply(Delta::Shaken(vec![shaken]), now());
        }
    }

    /// What no cluster says.
    pub fn operation(&self) -> OperationView {
        OperationView {
            id: "op-1".into(),
            title: "Back up shop/data".into(),
            subject: Key::Notice("x".into()),
            state: self.operation,
            started: Some(ago(self.ended + 1)),
            ended: Some(ago(self.ended)),
            steps: Vec::new(),
            waits: None,
            message: None,
            can_resume: false,
            resumed: 0,
            made: None,
            undo: Vec::new(),
            held: None,
            unclosed: Vec::new(),
            takes_back: None,
            elsewhere: None,
        }
    }

    /// The journal of the machine.
    pub fn journal(&self) -> Journal {
        Journal {
            first: Some("f".repeat(64)),
            head: Some("e".repeat(64)),
            lines: 2,
            unread: None,
            wrong: self.wrong.map(str::to_owned).into_iter().collect(),
        }
    }

    /// One control judged over a world.
    pub fn judge_over(&self, world: &World, id: &str) -> Controlled {
        let operations = [self.operation()];
        let (journal, findings) = (self.journal(), self.sources);
        let inputs = Inputs { operations: &operations, unseen: None, journal, findings };
        report(world, &inputs, &[control(id).unwrap()], now()).controls.remove(0)
    }

    /// One control judged over this world.
    pub fn judge(&self, id: &str) -> Controlled {
        self.judge_over(&self.world(), id)
    }
}
