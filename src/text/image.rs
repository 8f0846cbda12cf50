//! Names of images: which registry and which repository there, as clients of registries read them.
//!
//! Source of the rules: the grammar of references (distribution/reference), with Docker Hub for what names no host.

/// Docker Hub, as names of images have it.
pub const HUB: &str = "docker.io";
/// Other names of it.
const HUBS: [&str; 2] = ["index.docker.io", "registry-1.docker.io"];
/// The longest name that a registry knows.
const LONGEST: usize = 255;

/// Host and repository of an image, without tag and digest; `None` when it is no name of an image.
pub fn registry(image: &str) -> Option<(&str, String)> {
    let name = image.split_once('@').map_or(image, |(name, _)| name);
    let (host, path) = match name.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first, rest),
        _ => (HUB, name),
    };
    let host = if HUBS.contains(&host) { HUB } else { host };
    let path = path.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).map_or(path, |(path, _)| path);
    let whole = if host == HUB && !path.contains('/') { format!("library/{path}") } else { path.to_owned() };
    let good = !host.is_empty() && whole.len() <= LONGEST && whole.split('/').all(part);
    good.then_some((host, whole))
}

/// Whether one part of a path is as the grammar has it: what else there may be is no path to ask for.
fn part(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = [text.bytes().next(), text.bytes().last()].into_iter().all(|byte| byte.is_some_and(plain));
    ends && !text.contains("..") && text.bytes().all(|byte| plain(byte) || b"._-".contains(&byte))
}

/// Whether a text is `sha256:` and 64 lower-case hex digits.
pub fn is_digest(text: &str) -> bool {
    let hex = text.strip_prefix("sha256:").unwrap_or_default();
    hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::hub("postgres", Some("docker.io library/postgres"))]
    #[case::hub_tag("postgres:16", Some("docker.io library/postgres"))]
    #[case::hub_user("bitnami/postgresql:16", Some("docker.io bitnami/postgresql"))]
    #[case::hub_whole("docker.io/library/postgres", Some("docker.io library/postgres"))]
    #[case::hub_short("docker.io/postgres", Some("docker.io library/postgres"))]
    #[case::hub_alias("index.docker.io/a/b:1", Some("docker.io a/b"))]
    #[case::port("r.example:5000/team/app:1@sha256:aa", Some("r.example:5000 team/app"))]
    #[case::port_alone("r.example:5000/app", Some("r.example:5000 app"))]
    #[case::local("localhost/app", Some("localhost app"))]
    #[case::address("[::1]:5000/app:1", Some("[::1]:5000 app"))]
    #[case::upwards("r.example/../v2/x", None)]
    #[case::dots("r.example/a..b", None)]
    #[case::empty_part("r.example/a//b", None)]
    #[case::query("r.example/a?b", None)]
    #[case::escape("r.example/a%2fb", None)]
    #[case::upper("r.example/App", None)]
    #[case::empty("", None)]
    #[case::host_alone("r.example/", None)]
    fn an_image_names_one_repository_of_one_registry(#[case] image: &str, #[case] expected: Option<&str>) {
        let found = registry(image).map(|(host, path)| format!("{host} {path}"));
        assert_eq!(found.as_deref(), expected);
    }

    #[test]
    fn a_name_that_is_too_long_is_none() {
        assert!(registry(&format!("r.example/{}", "a".repeat(255))).is_some());
        assert!(registry(&format!("r.example/{}", "a".repeat(256))).is_none());
    }

    #[rstest]
    #[case(&format!("sha256:{}", "0f".repeat(32)), true)]
    #[case(&format!("sha256:{}", "0F".repeat(32)), false)]
    #[case(&format!("sha256:{}", "0f".repeat(31)), false)]
    #[case(&format!("sha512:{}", "0f".repeat(64)), false)]
    #[case(&format!("sha256:{}/..", "0f".repeat(30)), false)]
    fn a_digest_is_whole_and_in_lower_case(#[case] text: &str, #[case] is: bool) {
        assert_eq!(is_digest(text), is);
    }
}
