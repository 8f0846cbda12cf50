//! Somebody who may do exactly what is bound to them: a service account of the cluster, with a token of its own.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::cluster::{Audited, TestCluster, User};
use super::person::Person;

/// A service account of a scenario's namespace.
pub struct Account {
    namespace: String,
    pub token: String,
}

/// Name of the account, in whichever namespace.
const NAME: &str = "console";

/// Verb, group and resource with its subresource.
pub type Use = (String, String, String);

impl Account {
    /// With the rights that `holdfast rbac` prints for these arguments, under a name of their own.
    pub async fn with(cluster: &TestCluster, arguments: &[&str]) -> Self {
        let namespace = cluster.namespace.clone();
        let meta = json!({ "name": NAME, "namespace": namespace });
        cluster.create(&json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta })).await;
        let token = cluster.token_of(NAME).await;
        let account = Self { namespace, token };
        let named = [format!("rights-{}", account.namespace), format!("{}/{NAME}", account.namespace)];
        let naming = ["--name", named[0].as_str(), "--service-account", named[1].as_str()];
        let printed = cluster.person(User::Admin).run(&[&["rbac"], arguments, &naming].concat()).await.expect(0);
        for document in printed.stdout.split("---\n") {
            cluster.create(&serde_saphyr::from_str(document).unwrap()).await;
        }
        account
    }

    /// What the API server calls it.
    pub fn user(&self) -> String {
        format!("system:serviceaccount:{}:{NAME}", self.namespace)
    }

    /// Its machine.
    pub fn person(&self, cluster: &TestCluster) -> Person {
        Person::new(&cluster.proxy.kubeconfig("test", &cluster.namespace, &self.token), &[&self.token])
    }

    /// What the server refused it for want of rights, and what it did not.
    pub fn audited(&self, cluster: &TestCluster) -> (BTreeSet<Use>, BTreeSet<Use>) {
        let mine = cluster.audit_of(&self.user()).into_iter().filter(|event| !event.resource.is_empty());
        let (denied, other): (Vec<_>, Vec<_>) = mine.partition(|event| event.code == 403);
        // A kind that is not served cannot be listed.
        let done = other.into_iter().filter(|event| !(event.code == 404 && event.verb == "list")).collect();
        let uses = |events: Vec<Audited>| {
            events
                .into_iter()
                .map(|event| {
                    let resource = with_subresource(&event.resource, &event.subresource);
                    (event.verb, event.group, resource)
                })
                .collect()
        };
        (uses(denied), uses(done))
    }

    /// What it asked whether it may.
    pub fn asked(&self, cluster: &TestCluster) -> BTreeSet<Use> {
        let bearer = format!("Bearer {}", self.token);
        let mine = cluster.proxy.reviews().into_iter().filter(|(token, _)| *token == bearer);
        mine.map(|(_, review)| {
            let at = &review["spec"]["resourceAttributes"];
            let text = |field: &str| at[field].as_str().unwrap_or_default().to_owned();
            (text("verb"), text("group"), with_subresource(&text("resource"), &text("subresource")))
        })
        .collect()
    }
}

fn with_subresource(resource: &str, subresource: &str) -> String {
    if subresource.is_empty() { resource.to_owned() } else { format!("{resource}/{subresource}") }
}

/// A token of a service account, as the server gives it.
pub async fn token(client: &kube::Client, namespace: &str, name: &str) -> String {
    let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token");
    let body = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": { "expirationSeconds": 3600 } });
    let request = http::Request::post(path).header("content-type", "application/json");
    let answer: Value = client.request(request.body(body.to_string().into_bytes()).unwrap()).await.unwrap();
    answer["status"]["token"].as_str().unwrap().to_owned()
}
