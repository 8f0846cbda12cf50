//! A namespace with what belongs to it, as two runs of the same operation must leave it alike: without identities,
//! times and versions, and with the bytes that its volumes and copies hold.

use std::collections::BTreeMap;

use holdfast::model::KeyMatch;
use holdfast::x509;
use k8s_openapi::ByteString;
use serde_json::{Map, Value, json};

use crate::renew::CERT_MANAGER;
use crate::support::cluster::{TestCluster, Volume};
use crate::support::manifests::SNAPSHOTS;

/// Kinds of the namespace that are looked at.
const KINDS: &[(&str, &str)] = &[
    ("v1", "PersistentVolumeClaim"),
    ("v1", "Pod"),
    ("v1", "ConfigMap"),
    ("v1", "Secret"),
    ("coordination.k8s.io/v1", "Lease"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "Deployment"),
    ("batch/v1", "CronJob"),
    (SNAPSHOTS, "VolumeSnapshot"),
    (CERT_MANAGER, "Certificate"),
    (CERT_MANAGER, "CertificateRequest"),
    (CERT_MANAGER, "Issuer"),
];

/// What stands before the digest of a certificate.
const CERTIFICATE: &str = "certificate-";

/// Files that scenarios write into volumes.
const FILES: [&str; 2] = ["rows", "state"];

/// Annotations that say how something came about, not what it is.
const HISTORY: &[&str] = &[
    "pv.kubernetes.io/",
    "volume.kubernetes.io/",
    "volume.beta.kubernetes.io/",
    "snapshot.storage.kubernetes.io/",
    "deployment.kubernetes.io/",
    "holdfast.dev/bundle",
    "holdfast.dev/set-skew",
];

/// Objects by kind and name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Picture(BTreeMap<String, Value>);

/// What stands for identities of a namespace: the longer and the earlier first.
#[derive(Clone, Debug, Default)]
pub struct Names(Vec<(String, String)>);

impl Names {
    /// Identities of what is there now, which a later picture may still name.
    pub async fn of(cluster: &TestCluster) -> Self {
        let mut names = vec![(cluster.namespace.clone(), "NS".to_owned())];
        let all = objects(cluster, &[]).await;
        for volume in all.iter().filter(|object| text(object, "/kind") == "PersistentVolume") {
            // It is named after a claim that may be gone: what is in it tells it from others.
            let rows = said(cluster.read(&volume_of(volume), FILES[0])).unwrap_or_default();
            names.push((text(volume, "/metadata/name").to_owned(), format!("<volume of {rows}>")));
        }
        for object in all {
            let (kind, name) = (text(&object, "/kind"), text(&object, "/metadata/name"));
            let known = names.iter().fold(name.to_owned(), |name, (from, to)| name.replace(from, to));
            names.push((text(&object, "/metadata/uid").to_owned(), format!("<{kind} {known}>")));
            names.extend(certificate(&object).map(|certificate| (certificate, format!("<certificate of {known}>"))));
            let bundle = object.pointer("/data/ca.crt").and_then(Value::as_str).filter(|_| kind == "ConfigMap");
            let trusted = bundle.into_iter().flat_map(|bundle| certificates_in(bundle.as_bytes())).enumerate();
            names.extend(trusted.map(|(place, one)| (one, format!("<certificate {place} in {known}>"))));
        }
        Self(names)
    }

    /// And operations, the first first.
    pub fn and(&self, operations: &[String]) -> Self {
        let mut names = self.0.clone();
        for (place, id) in operations.iter().enumerate() {
            let short = id.rsplit('-').next().unwrap_or(id);
            names
                .extend([(id.clone(), format!("<operation {place}>")), (short.to_owned(), format!("<short {place}>"))]);
        }
        Self(names)
    }

    fn plain(&self, said: &str) -> String {
        let said = self.0.iter().fold(said.to_owned(), |said, (from, to)| said.replace(from, to));
        without_digests(&without_times(&without_uids(&said)))
    }
}

impl Picture {
    /// The namespace now. `operations` are those that worked on it, the first first.
    pub async fn of(cluster: &TestCluster, names: &Names, operations: &[String]) -> Self {
        let names = names.and(operations);
        let mut seen = BTreeMap::new();
        for object in objects(cluster, operations).await {
            if let Some(what) = what(cluster, &object) {
                let name = key(&object);
                let said: Value = serde_json::from_str(&names.plain(&what.to_string())).unwrap();
                seen.insert(names.plain(&name), said);
            }
        }
        Self(seen)
    }

    /// Whether no controller has something to do that is seen from here: a volume that goes with its claim is still there.
    pub fn settled(&self) -> bool {
        let going = |volume: &Value| {
            text(volume, "/status/phase") == "Released"
                && text(volume, "/spec/persistentVolumeReclaimPolicy") == "Delete"
        };
        !self.0.values().any(going)
    }

    /// As it has to be again once an operation was taken back: without records and locks, without what says which
    /// operations there were, and without what they keep for a while so that nothing is lost.
    pub fn essence(&self, original: &Self) -> Self {
        let marked = |object: &Value| object.pointer("/annotations/holdfast.dev~1keep-until").is_some();
        // A former certificate stays in a Secret of its own.
        let copied = |name: &String| name.starts_with("Secret ") && name.contains("-kept-");
        let kept = |name: &String, object: &Value| {
            // A content is kept with its snapshot.
            let snapshot = format!("VolumeSnapshot {}", text(object, "/spec/volumeSnapshotRef/name"));
            let with = self.0.get(&snapshot).is_some_and(marked);
            !original.0.contains_key(name) && (marked(object) || with || copied(name))
        };
        let records = |name: &String| name.starts_with("ConfigMap holdfast-") || name.starts_with("Lease");
        let there = self.0.iter().filter(|(name, object)| !kept(name, object) && !records(name));
        Self(there.map(|(name, object)| (name.clone(), without_marks(object))).collect())
    }
}

/// Kind and name, and whose it is where the name is made up by a controller.
fn key(object: &Value) -> String {
    let whose = ["/spec/claimRef/name", "/spec/volumeSnapshotRef/name"].map(|field| text(object, field)).concat();
    let whose = if whose.is_empty() { whose } else { format!(" of {whose}") };
    format!("{} {}{whose}", text(object, "/kind"), text(object, "/metadata/name"))
}

fn without_marks(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(annotations) = object["annotations"].as_object_mut() {
        annotations.retain(|key, _| !key.starts_with("holdfast.dev/") || key == "holdfast.dev/hold");
    }
    // Who was restarted is so again, with the former certificate.
    let template = object.pointer_mut("/spec/template/metadata").and_then(Value::as_object_mut);
    if let Some(metadata) = template {
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.retain(|key, _| key != "kubectl.kubernetes.io/restartedAt");
        }
        metadata.retain(|key, value| key != "annotations" || *value != json!({}));
    }
    object
}

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object.pointer(field).and_then(Value::as_str).unwrap_or_default()
}

/// Everything of the namespace, and what belongs to it although it has none.
async fn objects(cluster: &TestCluster, operations: &[String]) -> Vec<Value> {
    let typed = |kind: &str, listed: Vec<Value>| {
        let kind = kind.to_owned();
        listed.into_iter().map(move |mut object| {
            object["kind"] = kind.as_str().into();
            object
        })
    };
    let mut all = Vec::new();
    for (version, kind) in KINDS {
        all.extend(typed(kind, cluster.list(version, kind).await));
    }
    let here = |field: &'static str| {
        let namespace = cluster.namespace.clone();
        move |object: &Value| text(object, field) == namespace
    };
    let volumes = cluster.list_global("v1", "PersistentVolume", "").await;
    all.extend(typed("PersistentVolume", volumes).filter(here("/spec/claimRef/namespace")));
    let contents = cluster.list_global(SNAPSHOTS, "VolumeSnapshotContent", "").await;
    all.extend(typed("VolumeSnapshotContent", contents).filter(here("/spec/volumeSnapshotRef/namespace")));
    for id in operations {
        let drill = format!("holdfast.dev/drill={id}");
        for (version, kind) in [("v1", "Namespace"), (SNAPSHOTS, "VolumeSnapshotContent")] {
            all.extend(typed(kind, cluster.list_global(version, kind, &drill).await));
        }
    }
    all
}

/// What counts of an object; nothing of a pod that something else makes, or of a map
/// that is neither a record nor a bundle.
fn what(cluster: &TestCluster, object: &Value) -> Option<Value> {
    let kind = text(object, "/kind");
    let status = |field: &str| object.pointer(field).cloned().unwrap_or_default();
    let more = match kind {
        // Of what was not there before it only counts that it is another one.
        "Secret" => return certificate(object).map(|certificate| json!({ "holds": certificate })),
        // Every namespace is given one by its own time.
        "ConfigMap" if text(object, "/metadata/name") == "kube-root-ca.crt" => return None,
        "ConfigMap" if object.pointer("/data/operation").is_some() => {
            return Some(json!({ "state": object["data"]["state"] }));
        }
        "ConfigMap" => return object.pointer("/data/ca.crt").map(|bundle| json!({ "trusts": certificates(bundle) })),
        "Lease" => return Some(json!({ "holder": object.pointer("/spec/holderIdentity") })),
        // Which node it is on is chance.
        "Pod" if object.pointer("/metadata/ownerReferences").is_none() => {
            return Some(json!({ "phase": object["status"]["phase"] }));
        }
        "Pod" => return None,
        "PersistentVolume" => {
            let files = FILES.map(|file| said(cluster.read(&volume_of(object), file)));
            json!({ "phase": status("/status/phase"), "files": files })
        }
        "VolumeSnapshotContent" => {
            let (driver, handle) = (text(object, "/spec/driver"), text(object, "/status/snapshotHandle"));
            let files = FILES.map(|file| said(cluster.read_snapshot(driver, handle, file)));
            json!({ "ready": status("/status/readyToUse"), "files": files })
        }
        "Certificate" => json!({
            "revision": status("/status/revision"), "failures": status("/status/failedIssuanceAttempts"),
            "conditions": conditions(object),
        }),
        // What it asks to be signed is of a key that is new each time.
        "CertificateRequest" => return Some(json!({ "conditions": conditions(object) })),
        "Issuer" => json!({ "conditions": conditions(object) }),
        "VolumeSnapshot" => json!({ "ready": status("/status/readyToUse") }),
        "StatefulSet" | "Deployment" => json!({ "ready": status("/status/readyReplicas") }),
        _ => json!({ "phase": status("/status/phase") }),
    };
    Some(json!({
        "labels": object["metadata"].get("labels"), "annotations": annotations(object), "spec": spec(object),
        "status": more,
    }))
}

/// What identifies the certificate of a TLS Secret and the key beside it. Other Secrets are left out.
fn certificate(object: &Value) -> Option<String> {
    let value = |key: &str| object["data"][key].as_str();
    let (certificate, key) =
        value("tls.crt").zip(value("tls.key")).filter(|_| object["type"] == "kubernetes.io/tls")?;
    let bytes = |text: &str| serde_json::from_value::<ByteString>(json!(text)).unwrap().0;
    assert_eq!(x509::key_match(&bytes(certificate), &bytes(key)), KeyMatch::Match, "{object}");
    certificates_in(&bytes(certificate)).into_iter().next()
}

/// What identifies the certificates of a bundle. In which order they stand means nothing, so they are keys.
fn certificates(bundle: &Value) -> BTreeMap<String, bool> {
    certificates_in(bundle.as_str().unwrap().as_bytes()).into_iter().map(|one| (one, true)).collect()
}

fn certificates_in(pem: &[u8]) -> Vec<String> {
    x509::fingerprints(pem).unwrap().iter().map(|one| format!("{CERTIFICATE}{one}")).collect()
}

/// Conditions by type: status and reason.
fn conditions(object: &Value) -> Value {
    let all = object.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    let mut said: Vec<String> = all
        .map(|one| ["type", "status", "reason"].map(|field| one[field].as_str().unwrap_or_default()).join(" "))
        .collect();
    said.sort();
    json!(said)
}

/// Where the bytes of a PersistentVolume are.
fn volume_of(object: &Value) -> Volume {
    let text = |field: &str| text(object, field).to_owned();
    Volume { driver: text("/spec/csi/driver"), handle: text("/spec/csi/volumeHandle") }
}

fn said(bytes: Option<Vec<u8>>) -> Option<String> {
    bytes.map(|bytes| String::from_utf8(bytes).unwrap())
}

fn annotations(object: &Value) -> Map<String, Value> {
    let mut annotations =
        object.pointer("/metadata/annotations").and_then(Value::as_object).cloned().unwrap_or_default();
    annotations.retain(|key, _| !HISTORY.iter().any(|of| key.starts_with(of)));
    annotations
}

/// The wish, without what names other objects by their identity or is a default.
fn spec(object: &Value) -> Value {
    let mut spec = object["spec"].clone();
    for reference in ["claimRef", "volumeSnapshotRef"] {
        if let Some(reference) = spec.get_mut(reference).and_then(Value::as_object_mut) {
            reference.retain(|field, _| field == "name" || field == "namespace");
        }
    }
    if let Some(attributes) = spec.pointer_mut("/csi/volumeAttributes") {
        *attributes = Value::Null;
    }
    if spec.get("suspend") == Some(&Value::Bool(false)) {
        spec["suspend"] = Value::Null;
    }
    if let Some(spec) = spec.as_object_mut() {
        spec.retain(|_, value| !value.is_null());
    }
    spec
}

/// Identities of what was not there before.
fn without_uids(said: &str) -> String {
    let parts = [8, 4, 4, 4, 12];
    let is = |at: &[u8]| {
        let mut rest = at;
        parts.iter().enumerate().all(|(place, length)| {
            let (part, more) = rest.split_at(*length);
            rest = more;
            let dash = place == parts.len() - 1 || rest.first() == Some(&b'-');
            rest = rest.get(1..).unwrap_or_default();
            part.iter().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte)) && dash
        })
    };
    replaced(said, 36, is, "<uid>")
}

/// Certificates that were not there before.
fn without_digests(said: &str) -> String {
    let is = |at: &[u8]| {
        at.strip_prefix(CERTIFICATE.as_bytes()).is_some_and(|digest| digest.iter().all(u8::is_ascii_hexdigit))
    };
    replaced(said, CERTIFICATE.len() + 64, is, "<another certificate>")
}

/// Moments, as the API writes them.
fn without_times(said: &str) -> String {
    let pattern = b"0000-00-00T00:00:00";
    let is = |at: &[u8]| {
        at.iter().zip(pattern).all(|(byte, like)| if *like == b'0' { byte.is_ascii_digit() } else { byte == like })
    };
    let cut = replaced(said, pattern.len(), is, "<time>");
    // Fractions of a second.
    let mut parts = cut.split("<time>");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        whole.push_str("<time>");
        whole.push_str(part.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit()));
    }
    whole
}

/// A text with every stretch of this length that is so replaced.
fn replaced(said: &str, length: usize, is: impl Fn(&[u8]) -> bool, by: &str) -> String {
    let mut out = Vec::new();
    let mut rest = said.as_bytes();
    while let Some(first) = rest.first() {
        if rest.len() >= length && is(&rest[..length]) {
            out.extend(by.as_bytes());
            rest = &rest[length..];
        } else {
            out.push(*first);
            rest = &rest[1..];
        }
    }
    String::from_utf8(out).unwrap()
}

#[test]
fn identities_and_moments_are_left_out_and_nothing_else() {
    let names = Names(vec![("shop-1".into(), "NS".into())]).and(&["20260101-101010-0a0b0c0d".into()]);
    let plain = |said: &str| names.plain(said);
    assert_eq!(plain("pvc-e17373c3-eebc-4d65-a8cb-ea1fca71bc58 of shop-1"), "pvc-<uid> of NS");
    assert_eq!(plain("data-20260101-101010-0a0b0c0d, data-0a0b0c0d"), "data-<operation 0>, data-<short 0>");
    assert_eq!(plain("at 2026-11-24T15:17:28.123Z, 2026-11-24"), "at <time>Z, 2026-11-24");
    assert_eq!(plain("größe 12345678-1234"), "größe 12345678-1234");
}
