//! A CA may be told for which names it may vouch, and who has it sign does not look: what it issued for others is said to
//! be refused by clients before one of them does, and nothing of the kind is issued here.

use serde_json::{Value, json};

use crate::rotate::held;
use crate::support::cluster::{TestCluster, User};
use crate::support::pki::{self, Authority};
use crate::support::scenarios;

scenarios!(
    a_name_that_the_ca_may_not_vouch_for_is_a_problem_that_names_both,
    nothing_is_issued_that_the_signer_may_not_vouch_for,
);

/// A certificate that is good but for the CA above it, which lies in `ca.crt` as cert-manager has it.
async fn a_name_that_the_ca_may_not_vouch_for_is_a_problem_that_names_both(cluster: TestCluster) {
    let here = &cluster.namespace;
    let authority = Authority::only_below("bank CA", "bank.svc");
    let secret = |name: &str, host: &str| {
        let secret = authority.leaf(host).secret(here, name);
        pki::with(secret, "ca.crt", &authority.pair.certificate)
    };
    cluster.create(&secret("web-tls", "web.shop.svc")).await;
    cluster.create(&secret("bank-tls", "web.bank.svc")).await;
    let sre = cluster.person(User::Sre);
    let listed = sre.run(&["get", "problems", "-n", here, "-o", "json"]).await.json();
    let problem = |name: &str| listed.as_array().unwrap().iter().find(|row| row["name"] == name).cloned();
    let found = problem("web-tls").unwrap_or_else(|| panic!("{listed:#}"));
    let text = |key: &str| found[key].as_str().unwrap_or_else(|| panic!("{key}: {found:#}")).to_owned();
    assert_eq!((text("state").as_str(), text("rank").as_str()), ("Flawed", "broken"), "{found:#}");
    let why = "may not vouch for web.shop.svc: its name constraints permit only DNS bank.svc: clients refuse the chain";
    let said = found["reasons"][0].as_str().unwrap();
    assert!(said.contains(why) && said.contains("CN=bank CA"), "{found:#}");
    assert!(text("next").starts_with("have it issued by a CA that may"), "{found:#}");
    assert_eq!(problem("bank-tls"), None::<Value>);
}

async fn nothing_is_issued_that_the_signer_may_not_vouch_for(cluster: TestCluster) {
    let here = &cluster.namespace;
    let (former, narrow) = (Authority::new("shop CA"), Authority::only_below("bank CA", "bank.svc"));
    cluster.create(&former.leaf("web.shop.svc").secret(here, "web-tls")).await;
    cluster.create(&narrow.pair.secret(here, "bank-ca")).await;
    let before = held(&cluster, "web-tls").await.certificate;
    let (path, signer) = (format!("{here}/web-tls"), format!("{here}/bank-ca"));
    let ended = cluster.person(User::Sre).run(&["rotate", &path, "--signer", &signer, "--yes"]).await.expect(1);
    let why = "may not vouch for web.shop.svc: its name constraints permit only DNS bank.svc";
    assert!(ended.stderr.contains(why) && ended.stderr.contains("CN=bank CA"), "{ended:?}");
    assert_eq!(held(&cluster, "web-tls").await.certificate, before);
    let all = cluster.list("v1", "Secret").await;
    let certificates = all.iter().filter(|secret| secret["data"]["tls.crt"] != json!(null));
    let other =
        certificates.filter(|secret| !["web-tls", "bank-ca"].contains(&secret["metadata"]["name"].as_str().unwrap()));
    let other: Vec<&str> = other.map(|secret| secret["metadata"]["name"].as_str().unwrap()).collect();
    for name in other {
        assert_eq!(held(&cluster, name).await.certificate, before, "only the former one may be kept: {name}");
    }
}
