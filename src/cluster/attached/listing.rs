//! What a registry answers of an image: indexes of what is attached to it, and manifests of that. Pure; nothing of it
//! is believed that a digest does not prove.

use serde::Deserialize;

use crate::text::image::is_digest;

/// The type of SARIF, as artifacts and their layers have it.
pub(super) const SARIF: &str = "application/sarif+json";
/// The same, packed.
const PACKED: [&str; 2] = ["application/sarif+json+gzip", "application/sarif+gzip"];
/// So much that is attached to one image is read.
pub(super) const MAX_ATTACHED: usize = 64;
/// So many layers of one manifest are read.
const MAX_LAYERS: usize = 16;

/// What names a piece of content (OCI image spec, descriptor).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Descriptor {
    pub media_type: String,
    pub digest: String,
    pub artifact_type: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Index {
    manifests: Vec<Descriptor>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Manifest {
    layers: Vec<Descriptor>,
    subject: Option<Descriptor>,
}

/// The digests of manifests with SARIF that an index names. A registry need not have filtered them.
pub(super) fn attached(index: &[u8]) -> Result<Vec<String>, &'static str> {
    let index: Index = serde_json::from_slice(index).map_err(|_| "its answer is no image index")?;
    let sarif = index.manifests.into_iter().filter(|one| one.artifact_type == SARIF);
    digests(sarif, MAX_ATTACHED, "more SARIF is attached to it than is read of one image")
}

/// The digests of the layers with SARIF of a manifest that has to be attached to this image.
pub(super) fn layers(manifest: &[u8], image: &str) -> Result<Vec<String>, &'static str> {
    let manifest: Manifest = serde_json::from_slice(manifest).map_err(|_| "it is no image manifest")?;
    if manifest.subject.is_none_or(|subject| subject.digest != image) {
        return Err("its manifest names another subject than the image that it is listed for");
    }
    let sarif = |one: &Descriptor| one.media_type == SARIF || PACKED.contains(&one.media_type.as_str());
    let found = digests(manifest.layers.into_iter().filter(sarif), MAX_LAYERS, "it has more layers than are read")?;
    if found.is_empty() { Err("its manifest has no layer of type application/sarif+json") } else { Ok(found) }
}

fn digests(
    all: impl Iterator<Item = Descriptor>,
    most: usize,
    too_many: &'static str,
) -> Result<Vec<String>, &'static str> {
    let mut found: Vec<String> = all.map(|one| one.digest).collect();
    if !found.iter().all(|digest| is_digest(digest)) {
        return Err("it names a digest that is not sha256 and 64 hex digits");
    }
    found.sort();
    found.dedup();
    if found.len() > most { Err(too_many) } else { Ok(found) }
}

/// The path of the next page of an answer (RFC 8288), where its `Link` says that there is one.
pub(super) fn next_page(link: &str) -> Result<Option<&str>, &'static str> {
    const OTHER: &str = "the next page of its answer is not named by a path";
    let Some((target, rest)) = link.trim().strip_prefix('<').and_then(|link| link.split_once('>')) else {
        return Err(OTHER);
    };
    if !rest.split(';').any(|part| matches!(part.trim(), "rel=\"next\"" | "rel=next")) {
        return Ok(None);
    }
    let plain = target.starts_with("/v2/") && !target.contains(['\\', '#']) && !target.contains("/..");
    if plain { Ok(Some(target)) } else { Err(OTHER) }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn digest(of: char) -> String {
        format!("sha256:{}", of.to_string().repeat(64))
    }

    fn descriptor(kind: &str, of: &str) -> Value {
        json!({ "mediaType": kind, "artifactType": kind, "digest": of, "size": 2 })
    }

    #[rstest]
    #[case::empty(json!({ "manifests": [] }), Ok(0))]
    #[case::none(json!({}), Ok(0))]
    #[case::sarif_alone(json!({ "manifests": [descriptor(SARIF, &digest('a')), descriptor("text/plain", "x")] }), Ok(1))]
    #[case::twice(json!({ "manifests": [descriptor(SARIF, &digest('a')), descriptor(SARIF, &digest('a'))] }), Ok(1))]
    #[case::bad_digest(json!({ "manifests": [descriptor(SARIF, "sha256:../x")] }), Err("it names a digest"))]
    #[case::no_json(json!("text"), Err("its answer is no image index"))]
    fn an_index_names_what_has_sarif(#[case] index: Value, #[case] expected: Result<usize, &str>) {
        match (attached(index.to_string().as_bytes()), expected) {
            (Ok(found), Ok(count)) => assert_eq!(found.len(), count),
            (Err(said), Err(begins)) => assert!(said.starts_with(begins), "{said}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn more_than_is_read_is_refused_and_not_cut() {
        let all = |count: usize| {
            let all = (0..count).map(|at| descriptor(SARIF, &format!("sha256:{at:064x}")));
            attached(json!({ "manifests": all.collect::<Vec<_>>() }).to_string().as_bytes()).map(|found| found.len())
        };
        assert_eq!(all(MAX_ATTACHED), Ok(MAX_ATTACHED));
        assert!(all(MAX_ATTACHED + 1).is_err());
    }

    #[rstest]
    #[case::plain(json!([descriptor(SARIF, &digest('b'))]), 'a', Ok(1))]
    #[case::packed(json!([descriptor(PACKED[0], &digest('b')), descriptor("text/plain", "x")]), 'a', Ok(1))]
    #[case::none(json!([descriptor("text/plain", &digest('b'))]), 'a', Err("its manifest has no layer"))]
    #[case::other(json!([descriptor(SARIF, &digest('b'))]), 'c', Err("its manifest names another subject"))]
    #[case::bad(json!([descriptor(SARIF, "sha256:b")]), 'a', Err("it names a digest"))]
    fn a_manifest_is_of_its_image_and_has_sarif(
        #[case] layers: Value,
        #[case] image: char,
        #[case] expected: Result<usize, &str>,
    ) {
        let manifest = json!({ "subject": descriptor("m", &digest('a')), "layers": layers }).to_string();
        match (super::layers(manifest.as_bytes(), &digest(image)), expected) {
            (Ok(found), Ok(count)) => assert_eq!(found.len(), count),
            (Err(said), Err(begins)) => assert!(said.starts_with(begins), "{said}"),
            other => panic!("{other:?}"),
        }
        let without = json!({ "layers": [] }).to_string();
        assert!(
            super::layers(without.as_bytes(), &digest('a')).is_err(),
            "one without a subject is attached to nothing"
        );
    }

    #[rstest]
    #[case("</v2/a/referrers/x?n=1&last=2>; rel=\"next\"", Ok(Some("/v2/a/referrers/x?n=1&last=2")))]
    #[case("</v2/a>; rel=\"first\"", Ok(None))]
    #[case("<https://other.example/v2/a>; rel=\"next\"", Err(()))]
    #[case("<//other.example/v2/a>; rel=\"next\"", Err(()))]
    #[case("</v2/../admin>; rel=\"next\"", Err(()))]
    #[case("nonsense", Err(()))]
    fn the_next_page_is_of_the_same_registry(#[case] link: &str, #[case] expected: Result<Option<&str>, ()>) {
        assert_eq!(next_page(link).map_err(drop), expected);
    }
}
