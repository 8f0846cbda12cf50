//! Names of images, their digests, tags and the revisions of their sources, read strictly.

use std::sync::Arc;

use crate::model::Program;

/// A revision, as far as it can name one state of the sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Revision {
    /// A whole hash, in lower case.
    Full(String),
    /// The beginning of one.
    Short(String),
    /// Not usable, and why.
    Unusable(&'static str),
}

impl Revision {
    /// Reads one as a scan, a label or a record writes it.
    pub fn read(text: Option<&str>) -> Self {
        let text = text.map(str::trim).unwrap_or_default().to_ascii_lowercase();
        if text.is_empty() {
            return Self::Unusable("no revision is given");
        }
        if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let hidden = text.contains("redacted") || text.starts_with(['[', '<', '*', '$']);
            return Self::Unusable(if hidden {
                "the revision was taken out of the report"
            } else {
                "the revision is no hash: such names move"
            });
        }
        if text.bytes().all(|byte| byte == b'0') {
            return Self::Unusable("the revision is all zeros, which stands for none");
        }
        match text.len() {
            40 | 64 => Self::Full(text),
            7..=63 => Self::Short(text),
            _ => Self::Unusable("the revision is too short to tell one state from another"),
        }
    }

    /// Its hash, whole or not.
    pub fn hash(&self) -> Option<&str> {
        match self {
            Self::Full(hash) | Self::Short(hash) => Some(hash),
            Self::Unusable(_) => None,
        }
    }

    /// Whether both are the same whole hash.
    pub fn same(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Full(one), Self::Full(two)) if one == two)
    }

    /// Whether one begins as the other.
    pub fn agrees(&self, other: &Self) -> bool {
        match (self.hash(), other.hash()) {
            (Some(one), Some(two)) => one.starts_with(two) || two.starts_with(one),
            _ => false,
        }
    }
}

/// The parts of an image's name: `host/path`, tag, digest.
pub(super) fn parts(image: &str) -> (String, Option<&str>, Option<&str>) {
    let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    let slash = name.rfind('/').map_or(0, |at| at + 1);
    let colon = name[slash..].find(':').map(|at| slash + at);
    let (path, tag) = colon.map_or((name, None), |at| (&name[..at], Some(&name[at + 1..])));
    (repository(path), tag.filter(|tag| !tag.is_empty()), digest)
}

/// A repository of images by one name: Docker Hub's have several.
pub(super) fn repository(path: &str) -> String {
    let path = path.trim().to_ascii_lowercase();
    let path = ["docker.io/", "index.docker.io/", "registry-1.docker.io/"]
        .iter()
        .find_map(|hub| path.strip_prefix(hub))
        .unwrap_or(&path);
    path.strip_prefix("library/").unwrap_or(path).to_owned()
}

/// The last part of a path, in lower case, without `.git`.
pub(super) fn basename(path: &str) -> String {
    let path = path.trim_end_matches('/').to_ascii_lowercase();
    let path = path.strip_suffix(".git").unwrap_or(&path);
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

/// A digest in its usual form; `None` when it is none.
pub(super) fn digest(text: &str) -> Option<Arc<str>> {
    let (_, hash) = text.rsplit_once("sha256:")?;
    let hex = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    hex.then(|| format!("sha256:{}", hash.to_ascii_lowercase()).into())
}

/// The digests of what runs: by the image's name, and by what the kubelet says (`imageID`, which names a manifest or,
/// with some runtimes, a config). Ascending.
pub fn digests(image: &str, id: Option<&str>) -> Box<[Arc<str>]> {
    let mut digests: Vec<Arc<str>> = [Some(image), id].into_iter().flatten().filter_map(digest).collect();
    digests.sort();
    digests.dedup();
    digests.into()
}

/// Whether a tag looks as if it never moves: a full version (semver.org), and not one of those that are made again.
pub(super) fn immutable(tag: &str) -> bool {
    let tag = tag.to_ascii_lowercase();
    let version = tag.strip_prefix('v').unwrap_or(&tag);
    let (core, rest) = version.find(['-', '+', '_']).map_or((version, ""), |at| version.split_at(at));
    let numbers: Vec<&str> = core.split('.').collect();
    let number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let moving = ["snapshot", "latest", "nightly", "edge", "dev", "main", "master", "canary"];
    numbers.len() == 3 && numbers.iter().all(number) && !moving.iter().any(|word| rest.contains(word))
}

/// Whether a tag is the revision, or begins as it: `4f2a9c1`, `sha-4f2a9c1`, `git-4f2a9c1`, `g4f2a9c1`.
pub(super) fn of_revision(tag: &str, revision: &Revision) -> bool {
    let tag = tag.to_ascii_lowercase();
    let plain = ["sha-", "git-", "g"].iter().find_map(|before| tag.strip_prefix(before)).unwrap_or(&tag);
    [tag.as_str(), plain].into_iter().any(|text| {
        let read = Revision::read(Some(text));
        read.hash().is_some()
            && revision.hash().is_some_and(|hash| read.hash().is_some_and(|tag| hash.starts_with(tag)))
    })
}

/// Container and workload for people: `shop/StatefulSet db, container app`.
pub fn said(program: &Program) -> String {
    let container = &program.container;
    match &program.workload {
        Some(workload) => format!("{}/{} {}, container {container}", program.namespace, workload.kind, workload.name),
        None => format!("{}/a pod, container {container}", program.namespace),
    }
}

/// A digest short enough for a sentence.
pub fn short(digest: &str) -> String {
    digest.chars().take("sha256:".len() + 12).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const FULL: &str = "4f2a9c1d4f2a9c1d4f2a9c1d4f2a9c1d4f2a9c1d";

    #[rstest]
    #[case::full(FULL, "full")]
    #[case::upper(&FULL.to_uppercase(), "full")]
    #[case::short("4f2a9c1", "short")]
    #[case::too_short("4f2a9c", "the revision is too short to tell one state from another")]
    #[case::redacted("[REDACTED]", "the revision was taken out of the report")]
    #[case::hidden("***", "the revision was taken out of the report")]
    #[case::branch("main", "the revision is no hash: such names move")]
    #[case::zeros("0000000000000000000000000000000000000000", "the revision is all zeros, which stands for none")]
    #[case::blank(" ", "no revision is given")]
    fn a_revision_is_a_hash_or_is_not_used(#[case] text: &str, #[case] said: &str) {
        let read = match Revision::read(Some(text)) {
            Revision::Full(hash) => {
                assert_eq!(hash, FULL);
                "full"
            }
            Revision::Short(_) => "short",
            Revision::Unusable(why) => why,
        };
        assert_eq!(read, said);
    }

    #[rstest]
    #[case("1.2.3", true)]
    #[case("v1.2.3-rc.1", true)]
    #[case("1.2.3+build.7", true)]
    #[case("1.2", false)]
    #[case("15", false)]
    #[case("latest", false)]
    #[case("main", false)]
    #[case("1.2.3-SNAPSHOT", false)]
    #[case("1.2.3-latest", false)]
    #[case("1.2.x", false)]
    #[case("", false)]
    fn only_a_whole_version_looks_as_if_it_never_moves(#[case] tag: &str, #[case] looks: bool) {
        assert_eq!(immutable(tag), looks);
    }

    #[rstest]
    #[case("4f2a9c1", true)]
    #[case("sha-4f2a9c1d", true)]
    #[case("g4f2a9c1", true)]
    #[case(FULL, true)]
    #[case("4f2a9c", false)]
    #[case("4f2a9c2", false)]
    #[case("latest", false)]
    fn a_tag_is_the_revision_when_it_begins_as_it(#[case] tag: &str, #[case] is: bool) {
        assert_eq!(of_revision(tag, &Revision::read(Some(FULL))), is);
    }

    #[rstest]
    #[case("postgres:15.8", "postgres", Some("15.8"))]
    #[case("docker.io/library/postgres", "postgres", None)]
    #[case("r.example:5000/Team/app:1@sha256:aa", "r.example:5000/team/app", Some("1"))]
    fn images_have_one_name(#[case] image: &str, #[case] name: &str, #[case] tag: Option<&str>) {
        let (found, found_tag, _) = parts(image);
        assert_eq!((found.as_str(), found_tag), (name, tag));
    }

    #[rstest]
    #[case("docker-pullable://r/app@sha256:", true)]
    #[case("docker://sha256:", true)]
    #[case("sha256:", true)]
    #[case("r/app@sha512:", false)]
    fn a_digest_is_found_in_every_form_of_an_image_id(#[case] before: &str, #[case] found: bool) {
        let id = format!("{before}{}", "Ab".repeat(32));
        let expected: Vec<Arc<str>> =
            if found { vec![format!("sha256:{}", "ab".repeat(32)).into()] } else { Vec::new() };
        assert_eq!(&*digests("app:1", Some(&id)), expected.as_slice());
        assert!(digests("app@sha256:aa", Some("sha256:zz")).is_empty(), "too short is none");
    }
}
