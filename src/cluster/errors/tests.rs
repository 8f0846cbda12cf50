use rstest::rstest;
use serde_json::json;

use super::*;

fn answered(code: u16, reason: &str, message: &str) -> CallError {
    let body = json!({ "kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message });
    CallError::answered(code, body.to_string().as_bytes())
}

#[rstest]
#[case(404, "NotFound", true, false, false)]
#[case(409, "Conflict", false, true, false)]
#[case(409, "AlreadyExists", false, true, false)]
#[case(403, "Forbidden", false, false, true)]
fn refusals_are_told_apart(
    #[case] code: u16,
    #[case] reason: &str,
    #[case] missing: bool,
    #[case] conflict: bool,
    #[case] forbidden: bool,
) {
    let error = answered(code, reason, "no");
    assert_eq!((error.not_found(), error.conflict(), error.forbidden()), (missing, conflict, forbidden));
    assert!(error.certainly_not_done() && !error.temporary());
}

#[test]
fn a_version_that_is_too_old_or_too_new_means_list_again() {
    assert!(answered(410, "Expired", "too old resource version").gone());
    assert!(answered(504, "Timeout", "Too large resource version: 9, current: 5").gone());
    assert!(!answered(504, "Timeout", "timed out").gone());
}

#[rstest]
#[case(429, true, true)]
#[case(500, false, true)]
#[case(503, false, true)]
#[case(504, false, true)]
#[case(422, true, false)]
fn only_clear_refusals_count_as_not_done(#[case] code: u16, #[case] not_done: bool, #[case] temporary: bool) {
    let error = answered(code, "", "");
    assert_eq!((error.certainly_not_done(), error.temporary()), (not_done, temporary));
}

#[test]
fn an_answer_that_is_no_status_is_not_quoted() {
    let error = CallError::answered(502, b"<html>token=s3cr3t</html>");
    assert_eq!(error.to_string(), "the API server refused (502 Bad Gateway)");
    assert_eq!(CallError::answered(401, b"{\"token\":\"s3cr3t\"}"), CallError::Unauthorized);
}

#[test]
fn messages_are_cut_and_made_safe() {
    let error = answered(403, "Forbidden", &format!("\u{1b}[31m{}", "x".repeat(1000)));
    let text = error.to_string();
    assert!(!text.contains('\u{1b}') && text.len() < 600, "{text}");
}

#[test]
fn causes_are_kept() {
    let body = json!({ "code": 422, "reason": "Invalid", "message": "bad", "details": { "causes": [
        { "reason": "FieldValueInvalid", "field": "spec.source", "message": "is immutable" }, { "message": "and more" },
    ] } });
    let CallError::Refused { causes, .. } = CallError::answered(422, body.to_string().as_bytes()) else {
        panic!("not a refusal")
    };
    assert_eq!(&*causes, [Box::from("spec.source: is immutable"), Box::from("and more")]);
}

#[derive(Debug, thiserror::Error)]
#[error("outer: {0}")]
struct Outer(#[source] Inner);

#[derive(Debug, thiserror::Error)]
#[error("client error (Connect)")]
struct Inner(#[source] std::io::Error);

#[test]
fn a_chain_says_every_cause_once() {
    let refused = std::io::Error::new(std::io::ErrorKind::ConnectionRefused, "Connection refused (os error 111)");
    assert_eq!(&*chain(&Outer(Inner(refused))), "outer: client error (Connect): Connection refused (os error 111)");
}

#[tokio::test]
async fn a_refused_connection_says_so_and_was_never_sent() {
    let config = kube::Config::new(http::Uri::from_static("http://127.0.0.1:1"));
    let client = kube::Client::try_from(config).unwrap();
    let request = http::Request::get("/version").body(kube::client::Body::empty()).unwrap();
    let error = CallError::transport(client.send(request).await.unwrap_err());
    assert!(error.to_string().contains("Connection refused"), "{error}");
    assert!(error.certainly_not_done());
}

#[test]
fn a_plugin_is_told_without_arguments_or_output() {
    use std::os::unix::process::ExitStatusExt;
    let out = std::process::Output {
        status: std::process::ExitStatus::from_raw(256),
        stdout: b"s3cr3t".to_vec(),
        stderr: b"s3cr3t".to_vec(),
    };
    let error =
        kube::client::AuthError::AuthExecRun { cmd: "\"login\" \"--password=s3cr3t\"".into(), out: Box::new(out) };
    assert_eq!(&*credentials(&error), "the credential plugin failed with exit status: 1");
    let wrapped = CallError::transport(kube::Error::Service(Box::new(error)));
    assert!(!wrapped.to_string().contains("s3cr3t"), "{wrapped}");
}
