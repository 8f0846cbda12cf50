use std::error::Error;
use std::io::Write;

use super::*;

const GOOD: &str = "
apiVersion: v1
kind: Config
current-context: shop
clusters:
- name: shop
  cluster: {server: 'http://127.0.0.1:1'}
contexts:
- name: shop
  context: {cluster: shop, user: sre, namespace: eu}
- name: lost
  context: {cluster: gone, user: sre}
users:
- name: sre
  user: {token: s3cr3t-token}
";

fn target(yaml: &str, context: Option<&str>) -> (tempfile::NamedTempFile, Target) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(yaml.as_bytes()).unwrap();
    let target =
        Target { kubeconfig: Some(file.path().to_owned()), context: context.map(str::to_owned), ..Target::default() };
    (file, target)
}

async fn failure(yaml: &str, context: Option<&str>) -> String {
    let (_file, target) = target(yaml, context);
    let error = connect(&target, |_| false).await.err().unwrap();
    let source = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    let said = format!("{error}{source}");
    assert!(!said.contains("s3cr3t"), "leaks the token: {said}");
    said
}

#[tokio::test]
async fn a_good_kubeconfig_connects_without_asking_the_server() {
    let (_file, target) = target(GOOD, None);
    let cluster = connect(&target, |_| false).await.unwrap();
    assert_eq!(cluster.context_name(), "shop");
    assert_eq!(cluster.server(), "http://127.0.0.1:1");
    assert_eq!(cluster.default_namespace(), "eu");
    assert!(cluster.hands().is_some());
    let read_only = connect(&Target { read_only: true, ..target.clone() }, |_| false).await.unwrap();
    assert!(read_only.hands().is_none());
    let protected = connect(&target, |context| context == "shop").await.unwrap();
    assert!(protected.hands().is_none());
}

#[tokio::test]
async fn renewing_credentials_never_leads_to_another_cluster() {
    let (file, target) = target(GOOD, None);
    let cluster = connect(&target, |_| false).await.unwrap();
    std::fs::write(file.path(), GOOD.replace("current-context: shop", "current-context: lost")).unwrap();
    cluster.renew_credentials().await.unwrap();
    std::fs::write(file.path(), GOOD.replace("127.0.0.1:1", "127.0.0.1:2")).unwrap();
    let error = cluster.renew_credentials().await.unwrap_err().to_string();
    assert!(error.contains("its server in the kubeconfig is another now"), "{error}");
}

#[tokio::test]
async fn an_unknown_context_names_those_there_are() {
    let said = failure(GOOD, Some("prod")).await;
    assert!(said.contains("\"prod\"") && said.contains("(shop, lost)"), "{said}");
    assert!(failure(GOOD, Some("lost")).await.contains("no cluster called \"gone\""));
    assert!(failure(&GOOD.replace("current-context: shop", ""), None).await.contains("name one with --context (shop"));
}

#[tokio::test]
async fn broken_yaml_is_told_by_its_place_only() {
    let said = failure(&GOOD.replace("token: s3cr3t-token", "token: [s3cr3t-token"), None).await;
    assert!(said.contains("is broken at line "), "{said}");
    let said = failure(&GOOD.replace("users:", "users: 5 # s3cr3t"), None).await;
    assert!(said.contains("is broken at line "), "{said}");
}

#[tokio::test]
async fn missing_files_are_named() {
    let absent = Target { kubeconfig: Some("/nonexistent/kubeconfig".into()), ..Target::default() };
    let error = connect(&absent, |_| false).await.err().unwrap();
    assert!(error.to_string().contains("/nonexistent/kubeconfig"), "{error}");
    assert!(error.source().unwrap().to_string().contains("No such file"));
    let authority = GOOD.replace("server:", "certificate-authority: /nonexistent/ca.pem, server:");
    assert!(failure(&authority, None).await.contains("/nonexistent/ca.pem"));
}

#[tokio::test]
async fn certificates_that_are_none_are_refused() {
    let authority = GOOD.replace("server:", "certificate-authority-data: '%%%', server:");
    assert!(failure(&authority, None).await.contains("certificate-authority-data is not base64"));
    // base64 of "not a certificate"
    let user = "{client-certificate-data: bm90IGEgY2VydGlmaWNhdGU=, client-key-data: bm90IGEgY2VydGlmaWNhdGU=}";
    let identity = GOOD.replace("{token: s3cr3t-token}", user).replace("http://", "https://");
    assert!(failure(&identity, None).await.contains("correct the certificates"));
}

fn plugin(script: &str) -> String {
    let exec = format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: sh, args: ['-c', '{script}'], \
         interactiveMode: Always}}}}"
    );
    GOOD.replace("{token: s3cr3t-token}", &exec)
}

#[tokio::test]
async fn a_failing_plugin_is_told_without_its_output() {
    let said = failure(&plugin("echo s3cr3t; exit 3"), None).await;
    assert!(said.contains("the credential plugin failed with exit status: 3 (plugin: sh)"), "{said}");
    let said = failure(&plugin("echo s3cr3t"), None).await;
    assert!(said.contains("is not an ExecCredential"), "{said}");
}

#[test]
fn no_proxy_lists() {
    assert!(excepted("k8s.corp.example", "localhost,.corp.example"));
    assert!(excepted("k8s.corp.example", "*.corp.example:443"));
    assert!(excepted("10.0.0.1", "10.0.0.1"));
    assert!(excepted("anything", "*"));
    assert!(!excepted("k8s.corp.example", "example.org,"));
    assert!(!excepted("notcorp.example", "corp.example"));
}
