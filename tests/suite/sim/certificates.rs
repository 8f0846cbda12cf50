//! Certificates are real, chain to their CA, and are renewed when the clock says so.

use std::time::Duration;

use holdfast::sim::Sim;
use k8s_openapi::ByteString;
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use serde_json::json;
use x509_parser::pem::parse_x509_pem;

use super::{api, object, shop, text};

const CERT_MANAGER: &str = "cert-manager.io/v1";

async fn certificate(sim: &Sim, name: &str) -> DynamicObject {
    api(sim, CERT_MANAGER, "Certificate", "shop").await.get(name).await.unwrap()
}

async fn data(sim: &Sim, secret: &str, key: &str) -> Vec<u8> {
    let secret = api(sim, "v1", "Secret", "shop").await.get(secret).await.unwrap();
    serde_json::from_value::<ByteString>(secret.data["data"][key].clone()).unwrap().0
}

fn ready(certificate: &DynamicObject) -> bool {
    let conditions = certificate.data["status"]["conditions"].as_array().cloned().unwrap_or_default();
    conditions.iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

#[tokio::test]
async fn certificates_are_signed_by_their_issuer_and_say_when_they_end() {
    let sim = shop().await;
    let web = certificate(&sim, "web-tls").await;
    assert!(ready(&web));
    assert_eq!(web.data["status"]["revision"], json!(1));
    assert_eq!(text(&web, "/status/notAfter"), "2026-11-23T12:00:00Z");
    assert_eq!(text(&web, "/status/renewalTime"), "2026-11-23T04:00:00Z");
    let (leaf, ca) = (data(&sim, "web-tls", "tls.crt").await, data(&sim, "shop-ca", "tls.crt").await);
    let (leaf, ca) = (parse_x509_pem(&leaf).unwrap().1, parse_x509_pem(&ca).unwrap().1);
    let (leaf, ca) = (leaf.parse_x509().unwrap(), ca.parse_x509().unwrap());
    leaf.verify_signature(Some(ca.public_key())).unwrap();
    assert_eq!(leaf.issuer(), ca.subject());
    assert!(ca.is_ca() && !leaf.is_ca());
    let request = api(&sim, CERT_MANAGER, "CertificateRequest", "shop").await.get("web-tls-1").await.unwrap();
    assert!(ready(&request));
}

#[tokio::test]
async fn a_certificate_is_renewed_when_its_time_has_come_and_not_before() {
    let sim = shop().await;
    let before = data(&sim, "web-tls", "tls.crt").await;
    sim.clock().advance(Duration::from_secs(15 * 3600));
    sim.settle().await;
    assert_eq!(data(&sim, "web-tls", "tls.crt").await, before);
    sim.clock().advance(Duration::from_secs(2 * 3600));
    sim.settle().await;
    assert_ne!(data(&sim, "web-tls", "tls.crt").await, before);
    let renewed = certificate(&sim, "web-tls").await;
    assert_eq!(renewed.data["status"]["revision"], json!(2));
    assert_eq!(text(&renewed, "/status/notAfter"), "2026-11-24T05:00:00Z");
}

#[tokio::test]
async fn the_issuing_condition_and_a_deleted_secret_each_bring_a_new_certificate() {
    let sim = shop().await;
    let certificates = api(&sim, CERT_MANAGER, "Certificate", "shop").await;
    let key = data(&sim, "db-tls", "tls.key").await;
    let asked = json!({"status": {"conditions": [{"type": "Issuing", "status": "True", "reason": "ManuallyTriggered", "message": "x"}]}});
    certificates.patch_status("db-tls", &PatchParams::default(), &Patch::Merge(asked)).await.unwrap();
    sim.settle().await;
    assert_eq!(certificate(&sim, "db-tls").await.data["status"]["revision"], json!(2));
    assert_ne!(data(&sim, "db-tls", "tls.key").await, key);
    api(&sim, "v1", "Secret", "shop").await.delete("db-tls", &DeleteParams::default()).await.unwrap();
    sim.settle().await;
    assert_eq!(certificate(&sim, "db-tls").await.data["status"]["revision"], json!(3));
    assert!(ready(&certificate(&sim, "db-tls").await));
}

#[tokio::test]
async fn a_certificate_waits_for_its_issuer() {
    let sim = shop().await;
    let wish = json!({
        "apiVersion": CERT_MANAGER, "kind": "Certificate", "metadata": {"name": "late"},
        "spec": {"secretName": "late", "dnsNames": ["late.shop.svc"], "issuerRef": {"name": "later", "kind": "Issuer"}},
    });
    api(&sim, CERT_MANAGER, "Certificate", "shop").await.create(&PostParams::default(), &object(wish)).await.unwrap();
    sim.settle().await;
    assert!(!ready(&certificate(&sim, "late").await));
    let issuer = json!({"apiVersion": CERT_MANAGER, "kind": "Issuer", "metadata": {"name": "later"}, "spec": {"selfSigned": {}}});
    api(&sim, CERT_MANAGER, "Issuer", "shop").await.create(&PostParams::default(), &object(issuer)).await.unwrap();
    sim.settle().await;
    assert!(ready(&certificate(&sim, "late").await));
}

#[tokio::test]
async fn the_seeds_unmanaged_secrets_are_as_described() {
    let sim = shop().await;
    let now = sim.clock().now().as_second();
    let ends = async |secret: &str, key: &str| {
        let pem = data(&sim, secret, key).await;
        parse_x509_pem(&pem).unwrap().1.parse_x509().unwrap().validity().not_after.timestamp() - now
    };
    assert_eq!(ends("payments-tls", "tls.crt").await, -259_200);
    assert_eq!(ends("admin-tls", "tls.crt").await, 432_000);
    assert_eq!(ends("legacy-proxy", "proxy.pem").await, 2_592_000);
    let (pem, key) = (data(&sim, "mail-tls", "tls.crt").await, data(&sim, "mail-tls", "tls.key").await);
    let pem = parse_x509_pem(&pem).unwrap().1;
    let key = rcgen::KeyPair::from_pem(std::str::from_utf8(&key).unwrap()).unwrap();
    assert_ne!(pem.parse_x509().unwrap().public_key().subject_public_key.data.as_ref(), key.public_key_raw());
}
