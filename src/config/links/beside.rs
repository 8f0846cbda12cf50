//! What stands beside a SARIF file in `FILE.link.toml`: the stamp of a pipeline that must not change the file.
//!
//! The same members as `holdfast stamp` writes into a log. A mistake costs all of it: a stamp of which a part is missing
//! ties findings to the wrong workload.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::read::{Entry, Reading, digest};
use crate::config::shape::kind;
use crate::config::spot::Mistake;
use crate::sarif::Stamp;

const NAMES: [&str; 11] = [
    "digest",
    "image",
    "tag",
    "repository",
    "revision",
    "branch",
    "namespace",
    "kind",
    "name",
    "container",
    "complete",
];

/// Reads what stands beside a log.
///
/// # Errors
/// With line and column of everything that is wrong, from the beginning of the file to its end.
pub fn beside(text: &str, path: &Path) -> Result<Stamp, Vec<Mistake>> {
    let (mut reading, document) = Reading::of(path, text)?;
    let table = document.get_ref();
    let mut entry = Entry::new(&mut reading, (table, 0..0), "what stands beside a log", &NAMES);
    let mut text = |key: &str| entry.text(key).map(|(text, _)| text.to_owned());
    let stamp = Stamp {
        image: text("image"),
        tag: text("tag"),
        repository: text("repository"),
        revision: text("revision"),
        branch: text("branch"),
        namespace: text("namespace"),
        kind: text("kind"),
        name: text("name"),
        container: text("container"),
        digests: digests(&mut reading, table),
        complete: complete(&mut reading, table),
    };
    if stamp == (Stamp { complete: stamp.complete, ..Stamp::default() }) && reading.mistakes.is_empty() {
        reading.wrong(&(0..0), "it says nothing: give a digest, a revision or a workload");
    }
    reading.mistakes.sort();
    if reading.mistakes.is_empty() { Ok(stamp) } else { Err(reading.mistakes) }
}

/// One digest, or several of one image.
fn digests(reading: &mut Reading, table: &DeTable) -> Vec<String> {
    let Some(value) = table.get("digest") else { return Vec::new() };
    let all = match value.get_ref() {
        DeValue::Array(all) => all.iter().collect(),
        _ => vec![value],
    };
    let mut digests = Vec::new();
    for one in all {
        let DeValue::String(text) = one.get_ref() else {
            let what = format!("digest: needs a text in quotes, or a list of them; this is {}", kind(one.get_ref()));
            reading.wrong(&one.span(), what);
            continue;
        };
        match digest(text.rsplit_once('@').map_or(text, |(_, digest)| digest)) {
            Ok(digest) => digests.push(digest.to_string()),
            Err(why) => reading.wrong(&one.span(), format!("digest: {why}")),
        }
    }
    digests
}

fn complete(reading: &mut Reading, table: &DeTable) -> bool {
    match table.get("complete").map(|value| (value.get_ref(), value.span())) {
        None => false,
        Some((DeValue::Boolean(complete), _)) => *complete,
        Some((other, at)) => {
            reading.wrong(&at, format!("complete: needs true or false; this is {}", kind(other)));
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    fn read(text: &str) -> Result<Stamp, Vec<String>> {
        beside(text, Path::new("ci/a.sarif.link.toml")).map_err(|all| all.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn it_says_what_a_stamp_says() {
        let text = format!(
            "digest = [\"r.example/db@{DIGEST}\"]\nrevision = \"abc\"\nnamespace = \"shop\"\nkind = \"StatefulSet\"\n\
             name = \"db\"\ncomplete = true\n"
        );
        let own = |text: &str| Some(text.to_owned());
        let expected = Stamp {
            digests: vec![DIGEST.to_owned()],
            revision: own("abc"),
            namespace: own("shop"),
            kind: own("StatefulSet"),
            name: own("db"),
            complete: true,
            ..Stamp::default()
        };
        assert_eq!(read(&text), Ok(expected));
        assert_eq!(read(&format!("digest = \"{DIGEST}\"")).map(|stamp| stamp.digests), Ok(vec![DIGEST.to_owned()]));
    }

    #[rstest]
    #[case::nothing("complete = true", "1:1: it says nothing")]
    #[case::no_toml("digest", "1:7: ")]
    #[case::a_typing_error(
        "revision = \"a\"\ndigset = \"b\"",
        "2:1: there is no \"digset\" in what stands beside a log; did you mean digest?"
    )]
    #[case::no_digest("digest = [\"sha256:aa\"]", "1:11: digest: needs sha256: and 64 hex digits")]
    #[case::no_text("revision = 7", "1:12: revision: needs a text in quotes")]
    #[case::no_flag("revision = \"a\"\ncomplete = \"yes\"", "2:12: complete: needs true or false")]
    fn what_is_wrong_is_told_with_its_place(#[case] text: &str, #[case] said: &str) {
        let mistakes = read(text).unwrap_err();
        assert!(mistakes[0].starts_with(&format!("ci/a.sarif.link.toml:{said}")), "{mistakes:?}");
    }
}
