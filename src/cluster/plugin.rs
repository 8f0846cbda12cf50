//! Credential plugins of a kubeconfig (`users[].user.exec`), run here and not by kube.
//!
//! kube runs a plugin three times for each client, without a deadline and again inside of requests, and keeps to
//! itself when the credential ends. Here it runs once, away from every thread of ours, never talks to the terminal, is
//! killed when its deadline passes, and what it prints reaches nobody but the client: no error and no log repeats it.

use std::process::Stdio;
use std::time::Duration;

use jiff::Timestamp;
use kube::config::{AuthInfo, ExecConfig};
use serde::Deserialize;
use serde_json::json;
use tokio::process::Command;

use super::connect::ConnectError;
use super::errors::safe;

/// What a plugin answers (client.authentication.k8s.io/v1 and v1beta1).
#[derive(Deserialize)]
struct ExecCredential {
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    expiration_timestamp: Option<String>,
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

/// Runs the plugin of a user, if it has one and nothing that goes before it, and puts what it gives in its place. Says
/// when that ends, where the plugin said so.
pub(super) async fn credentials(
    auth: &mut AuthInfo,
    context: &str,
    within: Duration,
) -> Result<Option<Timestamp>, ConnectError> {
    // The order in which kube takes credentials: a plugin comes last.
    let other = auth.auth_provider.is_some() || auth.username.is_some() && auth.password.is_some();
    if other || auth.token.is_some() || auth.token_file.is_some() {
        return Ok(None);
    }
    let Some(exec) = auth.exec.take() else { return Ok(None) };
    let plugin = exec.command.clone().unwrap_or_default();
    let failed = |why: String| {
        let why = if plugin.is_empty() { why } else { format!("{why} (plugin: {})", safe(&plugin)) };
        ConnectError::Credentials { context: context.to_owned(), why: why.into() }
    };
    let mut command = command(&exec).map_err(|why| failed(why.to_owned()))?;
    let output = match tokio::time::timeout(within, command.output()).await {
        Err(_) => return Err(ConnectError::PluginTimedOut { context: context.to_owned(), after: within }),
        Ok(Err(error)) => return Err(failed(format!("the credential plugin could not be started: {error}"))),
        Ok(Ok(output)) if !output.status.success() => {
            return Err(failed(format!("the credential plugin failed with {}", output.status)));
        }
        Ok(Ok(output)) => output,
    };
    let no_credential = || failed("the credential plugin's answer is not an ExecCredential with a status".to_owned());
    let mut printed = output.stdout;
    let read = serde_saphyr::from_slice(&printed);
    super::decode::wipe(&mut printed);
    let ExecCredential { status } = read.map_err(|_| no_credential())?;
    let ends = status.expiration_timestamp.as_deref().map(str::parse).transpose();
    let ends = ends.map_err(|_: jiff::Error| failed("the credential's expiry is not a date".to_owned()))?;
    install(auth, status).ok_or_else(no_credential)?;
    Ok(ends)
}

fn command(exec: &ExecConfig) -> Result<Command, &'static str> {
    let Some(program) = &exec.command else { return Err("the kubeconfig's exec entry names no command") };
    let mut command = Command::new(program);
    command.args(exec.args.iter().flatten());
    let pairs = exec.env.iter().flatten();
    command.envs(pairs.filter_map(|pair| Some((pair.get("name")?, pair.get("value")?))));
    let mut info = json!({
        "kind": "ExecCredential",
        "apiVersion": exec.api_version,
        "spec": { "interactive": false },
    });
    if exec.provide_cluster_info {
        let cluster = exec.cluster.as_ref().and_then(|cluster| serde_json::to_value(cluster).ok());
        info["spec"]["cluster"] = cluster.ok_or("the credential plugin wants to know the cluster, which has none")?;
    }
    command.env("KUBERNETES_EXEC_INFO", info.to_string());
    // A plugin that could would write over the screen and read the keyboard.
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    Ok(command)
}

/// Puts the credential where kube looks for one; `None` when there is none in it.
fn install(auth: &mut AuthInfo, status: Status) -> Option<()> {
    if let (Some(certificate), Some(key)) = (status.client_certificate_data, status.client_key_data) {
        auth.client_certificate = None;
        auth.client_certificate_data = Some(super::login::base64(certificate.as_bytes()));
        auth.client_key = None;
        auth.client_key_data = Some(super::login::base64(key.as_bytes()).into());
    } else {
        auth.token = Some(status.token?.into());
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use secrecy::ExposeSecret;

    const SOON: Duration = Duration::from_millis(300);

    fn user(script: &str) -> AuthInfo {
        let exec = json!({
            "apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", script],
            "env": [{ "name": "WHO", "value": "ada" }], "interactiveMode": "Always",
        });
        let exec = Some(serde_json::from_value(exec).unwrap());
        AuthInfo { exec, ..AuthInfo::default() }
    }

    async fn run(script: &str) -> Result<(AuthInfo, Option<Timestamp>), String> {
        let mut auth = user(script);
        match credentials(&mut auth, "shop", Duration::from_secs(20)).await {
            Ok(ends) => Ok((auth, ends)),
            Err(error) => Err(error.to_string()),
        }
    }

    #[tokio::test]
    async fn the_token_comes_with_its_end_and_the_plugin_is_told_what_kubectl_tells_it() {
        let status = r#""status":{"token":"'"$WHO-$said"'","expirationTimestamp":"2030-01-01T00:00:00Z"}"#;
        let said = "said=$(echo \"$KUBERNETES_EXEC_INFO\" | grep -c '\"interactive\":false')";
        let (auth, ends) = run(&format!("{said}; echo '{{\"kind\":\"ExecCredential\",{status}}}'")).await.unwrap();
        assert_eq!(auth.token.unwrap().expose_secret(), "ada-1");
        assert_eq!(ends.unwrap().to_string(), "2030-01-01T00:00:00Z");
        assert!(auth.exec.is_none(), "kube must not run it once more");
    }

    #[tokio::test]
    async fn a_certificate_is_put_where_kube_looks_for_one() {
        let status = r#"{"status":{"clientCertificateData":"a certificate","clientKeyData":"a key"}}"#;
        let (auth, ends) = run(&format!("echo '{status}'")).await.unwrap();
        assert_eq!(auth.client_certificate_data.as_deref(), Some("YSBjZXJ0aWZpY2F0ZQ=="));
        assert!(auth.client_key_data.is_some() && auth.token.is_none() && ends.is_none());
    }

    #[rstest]
    #[case::no_status(r#"echo '{"kind":"ExecCredential"}'"#, "not an ExecCredential with a status")]
    #[case::nothing_in_it(r#"echo '{"status":{}}'"#, "not an ExecCredential with a status")]
    #[case::no_date(r#"echo '{"status":{"token":"s3cr3t","expirationTimestamp":"soon"}}'"#, "expiry is not a date")]
    #[case::its_own_failure("echo s3cr3t >&2; exit 4", "failed with exit status: 4 (plugin: sh)")]
    #[tokio::test]
    async fn what_is_no_credential_is_told_without_what_was_printed(#[case] script: &str, #[case] why: &str) {
        let error = run(script).await.unwrap_err();
        assert!(error.contains(why) && !error.contains("s3cr3t"), "{error}");
    }

    #[tokio::test]
    async fn a_plugin_that_hangs_is_given_up_and_ended() {
        let mark = tempfile::NamedTempFile::new().unwrap();
        let mut auth = user(&format!("echo $$ > {}; exec sleep 600", mark.path().display()));
        let error = credentials(&mut auth, "shop", SOON).await.unwrap_err();
        assert!(matches!(error, ConnectError::PluginTimedOut { .. }), "{error}");
        let id = std::fs::read_to_string(mark.path()).unwrap();
        let alive = || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", id.trim())).unwrap_or_default();
            !stat.is_empty() && !stat.contains(") Z ")
        };
        let patience = std::time::Instant::now() + Duration::from_secs(10);
        while !id.is_empty() && alive() && std::time::Instant::now() < patience {
            tokio::task::yield_now().await;
        }
        assert!(id.is_empty() || !alive(), "it still runs");
    }

    #[tokio::test]
    async fn a_user_with_a_token_of_its_own_runs_no_plugin() {
        let mut auth = AuthInfo { token: Some("mine".to_owned().into()), ..user("exit 1") };
        assert!(credentials(&mut auth, "shop", SOON).await.unwrap().is_none());
        assert_eq!(auth.token.unwrap().expose_secret(), "mine");
    }
}
