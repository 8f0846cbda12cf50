//! Velero's backup hooks, as annotations of a pod (`pre.hook.backup.velero.io/…`, `post.hook.backup.velero.io/…`).
//!
//! Read as Velero reads them: the first container unless one is named, 30 s, no shell. What differs is what happens
//! when a hook fails: `on-error: Continue` is not followed, because a copy may not be called consistent then.

use std::time::Duration;

use serde_json::Value;

use super::{Command, TIMEOUT, choice};
use crate::text::sanitize;

/// The hooks of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Annotated {
    pub pre: Option<Command>,
    pub post: Option<Command>,
    /// Whether one of them says that its failure does not matter.
    pub goes_on: bool,
}

/// Reads the annotations of a pod; nothing when it has none.
///
/// # Errors
/// When one of them cannot be used, in words that name it.
pub(super) fn annotated(pod: &Value) -> Result<Annotated, String> {
    let (pre, pre_goes_on) = hook(pod, "pre")?;
    let (post, post_goes_on) = hook(pod, "post")?;
    Ok(Annotated { pre, post, goes_on: pre_goes_on || post_goes_on })
}

fn hook(pod: &Value, when: &str) -> Result<(Option<Command>, bool), String> {
    let annotations = pod.pointer("/metadata/annotations");
    let name = |what: &str| format!("{when}.hook.backup.velero.io/{what}");
    let get = |what: &str| annotations?.get(name(what))?.as_str().map(str::trim).filter(|text| !text.is_empty());
    let wrong = |what: &str, why: String| format!("annotation {} {why}", name(what));
    let Some(command) = get("command") else { return Ok((None, false)) };
    let argv = if command.starts_with('[') {
        choice::argv(command).map_err(|why| wrong("command", why))?
    } else {
        vec![command.to_owned()]
    };
    let first = pod.pointer("/spec/containers/0/name").and_then(Value::as_str).unwrap_or_default();
    let timeout = match get("timeout") {
        None => TIMEOUT,
        Some(text) => {
            duration(text).ok_or_else(|| wrong("timeout", format!("is no duration: \"{}\"", sanitize(text))))?
        }
    };
    let goes_on = match get("on-error") {
        None | Some("Fail") => false,
        Some("Continue") => true,
        Some(other) => return Err(wrong("on-error", format!("is neither Fail nor Continue: \"{}\"", sanitize(other)))),
    };
    let container = get("container").unwrap_or(first).to_owned();
    Ok((Some(Command { container, argv, timeout }), goes_on))
}

/// A duration as Go writes it: `30s`, `1m30s`, `500ms`, `1.5h`. `None` when it is none, or not longer than nothing.
fn duration(text: &str) -> Option<Duration> {
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let count: f64 = rest[..digits].parse().ok()?;
        let after = &rest[digits..];
        let end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        total += count
            * match &after[..end] {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                "us" | "µs" => 1e-6,
                "ns" => 1e-9,
                _ => return None,
            };
        rest = &after[end..];
    }
    Duration::try_from_secs_f64(total).ok().filter(|duration| !duration.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("30s", Some(30_000))]
    #[case("1m30s", Some(90_000))]
    #[case("500ms", Some(500))]
    #[case("1.5h", Some(5_400_000))]
    #[case("0s", None)]
    #[case("30", None)]
    #[case("", None)]
    #[case("1x", None)]
    #[case("s", None)]
    #[case("-1s", None)]
    fn timeouts_are_durations_of_go(#[case] text: &str, #[case] milliseconds: Option<u64>) {
        assert_eq!(duration(text), milliseconds.map(Duration::from_millis));
    }
}
