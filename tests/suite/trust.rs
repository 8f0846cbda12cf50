//! What API servers trust when they call a webhook, and who signs, as the certificates' list tells it.

use http::Method;
use k8s_openapi::ByteString;
use serde_json::{Value, json};

use crate::renew::CERT_MANAGER;
use crate::support::cluster::{TestCluster, User};
use crate::support::proxy::{Fault, Order};
use crate::support::scenarios;
use crate::support::wait::{self, LONG};

scenarios!(
    a_webhook_is_judged_by_the_cas_that_still_hold,
    an_issuer_that_cannot_sign_is_said_with_its_reason,
    bundles_that_may_not_be_read_are_denied_and_not_taken_for_none,
);

const ADMISSION: &str = "admissionregistration.k8s.io/v1";
const WEBHOOKS: &str = "ValidatingWebhookConfiguration";

/// A CA that holds until this many days from now, PEM.
fn ca(days: i64) -> String {
    let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    parameters.distinguished_name.push(rcgen::DnType::CommonName, format!("ca of {days} days"));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs().cast_signed();
    let at = |days: i64| time::OffsetDateTime::from_unix_timestamp(now + days * 86_400).unwrap();
    (parameters.not_before, parameters.not_after) = (at(-400), at(days));
    parameters.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem()
}

/// The webhook's configuration with these CAs. It is asked about nothing.
fn webhooks(cluster: &TestCluster, cas: &[String]) -> Value {
    let bundle = serde_json::to_value(ByteString(cas.concat().into_bytes())).unwrap();
    json!({
        "apiVersion": ADMISSION, "kind": WEBHOOKS, "metadata": { "name": format!("{}.example", cluster.namespace) },
        "webhooks": [{
            "name": "prices.shop.example", "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "failurePolicy": "Ignore", "rules": [],
            "namespaceSelector": { "matchLabels": { "holdfast.test/never": "true" } },
            "clientConfig": { "caBundle": bundle, "service": { "namespace": cluster.namespace, "name": "prices" } },
        }],
    })
}

/// The row of this name as `holdfast get certificates` tells it once it says so.
async fn row(cluster: &TestCluster, name: &str, says: &[&str]) {
    let person = cluster.person(User::Sre);
    wait::until(&format!("{name} to be shown with {says:?}"), LONG, async || {
        let rows = person.run(&["get", "certificates", "-A", "-o", "json"]).await.expect(0).json();
        let row = rows.as_array()?.iter().find(|row| row["name"] == name)?.to_string();
        says.iter().all(|said| row.contains(said)).then_some(())
    })
    .await;
}

async fn a_webhook_is_judged_by_the_cas_that_still_hold(cluster: TestCluster) {
    let ended = webhooks(&cluster, &[ca(-3)]);
    let name = ended["metadata"]["name"].as_str().unwrap().to_owned();
    cluster.create(&ended).await;
    row(&cluster, &name, &["No valid CA", "expired"]).await;
    // One that holds beside one that ended is enough.
    cluster.merge_global(ADMISSION, WEBHOOKS, &name, &webhooks(&cluster, &[ca(-3), ca(300)])).await;
    row(&cluster, &name, &["Valid"]).await;
    cluster.delete_global(ADMISSION, WEBHOOKS, &name).await;
}

async fn an_issuer_that_cannot_sign_is_said_with_its_reason(cluster: TestCluster) {
    let issuer = json!({
        "apiVersion": CERT_MANAGER, "kind": "Issuer", "metadata": { "namespace": cluster.namespace, "name": "partner" },
        "spec": { "ca": { "secretName": "not-there" } },
    });
    cluster.create(&issuer).await;
    row(&cluster, "partner", &["Not ready", "not-there"]).await;
}

async fn bundles_that_may_not_be_read_are_denied_and_not_taken_for_none(cluster: TestCluster) {
    cluster.proxy.order(Order::on(Method::GET, "/validatingwebhookconfigurations", Fault::Status(403, None)));
    let said = cluster.person(User::Sre).run(&["get", "certificates", "-A"]).await.expect(3);
    assert!(said.stderr.to_lowercase().contains("validatingwebhookconfiguration"), "{said:?}");
}
