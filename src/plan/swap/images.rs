//! Whether the program that will read the restored files is of another major version than the one that wrote them.

use super::consumers::Consumers;
use crate::plan::read::{items, text};

/// Container and image, as they run or would run: `name=repository:tag`.
pub(super) fn running(consumers: &Consumers) -> Vec<(String, String)> {
    let pods = consumers.pods.iter().flat_map(|user| items(user.pod, "/spec/containers"));
    let templates =
        consumers.workloads.iter().flat_map(|workload| items(workload.object, "/spec/template/spec/containers"));
    let mut running: Vec<_> = pods
        .chain(templates)
        .map(|container| (text(container, "/name").to_owned(), text(container, "/image").to_owned()))
        .collect();
    running.sort();
    running.dedup();
    running
}

/// What changed between the images recorded at the cut (`name=image,…`) and those that run, in words; `None` when no
/// major version is known to have changed.
pub(super) fn changed(recorded: &str, running: &[(String, String)]) -> Option<String> {
    recorded.split(',').filter_map(|entry| entry.split_once('=')).find_map(|(container, then)| {
        let (then_name, then_major) = version(then);
        let others = running.iter().filter(|(of, _)| of == container).map(|(_, image)| version(image));
        let differs = |(now_name, now_major): &(&str, Option<u64>)| {
            *now_name != then_name || matches!((then_major, now_major), (Some(then), Some(now)) if then != *now)
        };
        let (now_name, now_major) = others.into_iter().find(differs)?;
        let said =
            |name: &str, major: Option<u64>| major.map_or_else(|| name.to_owned(), |major| format!("{name} {major}"));
        Some(format!(
            "container {} runs {} and ran {} when the copy was cut",
            crate::text::sanitize(container),
            crate::text::sanitize(&said(now_name, now_major)),
            crate::text::sanitize(&said(then_name, then_major)),
        ))
    })
}

/// The last part of an image's name, and the major version that its tag begins with.
fn version(image: &str) -> (&str, Option<u64>) {
    let image = image.split('@').next().unwrap_or(image);
    let last = image.rsplit('/').next().unwrap_or(image);
    let (name, tag) = last.split_once(':').unwrap_or((last, ""));
    let digits: String = tag.trim_start_matches('v').chars().take_while(char::is_ascii_digit).collect();
    (name, digits.parse().ok())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::the_same("r.example/postgres:15.8@sha256:aa", "r.example/postgres:15.8", None)]
    #[case::minor("postgres:15.8", "postgres:15.9", None)]
    #[case::registry("a.example:5000/postgres:15", "b.example/postgres:15", None)]
    #[case::major(
        "postgres:15.8",
        "postgres:16.1",
        Some("container db runs postgres 16 and ran postgres 15 when the copy was cut")
    )]
    #[case::another_program(
        "postgres:15",
        "mysql:8",
        Some("container db runs mysql 8 and ran postgres 15 when the copy was cut")
    )]
    #[case::not_known("postgres@sha256:aa", "postgres:16", None)]
    #[case::with_a_v("etcd:v3.5", "etcd:v4.0", Some("container db runs etcd 4 and ran etcd 3 when the copy was cut"))]
    fn a_major_version_that_changed_is_told(#[case] then: &str, #[case] now: &str, #[case] said: Option<&str>) {
        let running = [("db".to_owned(), now.to_owned())];
        assert_eq!(changed(&format!("db={then},sidecar=x:1"), &running).as_deref(), said);
    }
}
