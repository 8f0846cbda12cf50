//! Where results are: paths relative to the root of the sources (SARIF 2.1.0 §3.4, §3.14.14, §3.14.15).
//!
//! Nearly all uses of `uriBaseId` name a base that their run does not define; such a path is taken as relative to
//! the root. A path never leaves the root.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use percent_encoding::percent_decode_str;

use super::intern::Texts;
use super::json::Cursor;
use super::uses::PlaceUse;

/// A [`PlaceUse`] that outlives its text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Place {
    /// `uri`.
    pub uri: Option<Arc<str>>,
    /// `uriBaseId`.
    pub base: Option<Arc<str>>,
    /// Index into the artifacts.
    pub index: Option<usize>,
    /// The fully qualified name, where there is neither `uri` nor index.
    pub logical: Option<Arc<str>>,
}

impl Place {
    /// Of what a result says.
    pub fn of(used: &PlaceUse, texts: &mut Texts) -> Self {
        Self {
            uri: texts.maybe(used.uri.as_deref()),
            base: texts.maybe(used.base.as_deref()),
            index: used.index.and_then(|index| usize::try_from(index).ok()),
            logical: None,
        }
    }

    /// Whether it is made of this.
    pub fn is(&self, used: &PlaceUse, logical: Option<&str>) -> bool {
        self.uri.as_deref() == used.uri.as_deref()
            && self.base.as_deref() == used.base.as_deref()
            && self.index == used.index.and_then(|index| usize::try_from(index).ok())
            && self.logical.as_deref() == logical
    }
}

/// What was wrong with a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misplaced {
    /// The index is beyond the artifacts.
    OutOfRange,
    /// It points out of the root.
    Outside,
    /// Its bases refer to each other in a circle.
    Circle,
}

impl Misplaced {
    /// Code and words of the diagnostic.
    pub fn told(self) -> (&'static str, &'static str) {
        match self {
            Self::OutOfRange => ("artifact-out-of-range", "names an artifact that the run does not have"),
            Self::Outside => ("outside-root", "points out of the root of the sources; read as below it"),
            Self::Circle => ("base-circle", "has a uriBaseId that leads back to itself; read as relative to the root"),
        }
    }
}

/// Longer chains of bases are taken for circles.
const MAX_BASES: usize = 16;

/// More bases than these are not kept.
const MAX_BASES_KEPT: usize = 256;

/// What a run says of places.
#[derive(Debug, Default)]
pub struct Places {
    /// `artifacts[].location`.
    pub artifacts: Vec<Place>,
    /// `originalUriBaseIds`.
    pub bases: HashMap<Arc<str>, Place>,
    /// Absolute folders that are roots: working directories and places where repositories were mapped to.
    pub roots: Vec<String>,
}

impl Places {
    /// Reads `originalUriBaseIds`.
    pub fn bases(&mut self, cursor: &mut Cursor, texts: &mut Texts) {
        cursor.object(|cursor, key| {
            let place = PlaceUse::read(cursor);
            if self.bases.len() < MAX_BASES_KEPT {
                self.bases.insert(texts.get(&String::from_utf8_lossy(key)), Place::of(&place, texts));
            }
        });
    }

    /// The path, with what was wrong.
    pub fn path(&self, place: &Place) -> (String, Option<Misplaced>) {
        let artifact = place.index.map(|index| self.artifacts.get(index));
        let place = match (&place.uri, artifact) {
            (None, Some(Some(artifact))) => artifact,
            (None, Some(None)) => return (String::new(), Some(Misplaced::OutOfRange)),
            _ => place,
        };
        let uri = place.uri.as_deref().unwrap_or_default();
        if uri.is_empty() {
            return (String::new(), None);
        }
        let (joined, wrong) = self.joined(uri, place.base.as_ref());
        let (path, outside) = normal(&self.below_root(&joined));
        (path, outside.then_some(Misplaced::Outside).or(wrong))
    }

    /// The URI behind its bases, up to the absolute one, which is the root.
    fn joined(&self, uri: &str, base: Option<&Arc<str>>) -> (String, Option<Misplaced>) {
        let mut joined = uri.to_owned();
        let mut next = base;
        for _ in 0..MAX_BASES {
            let Some(base) = next.and_then(|base| self.bases.get(base)) else { return (joined, None) };
            match base.uri.as_deref() {
                Some(folder) if !absolute(folder) && !absolute(&joined) => {
                    joined = format!("{}/{joined}", folder.trim_end_matches('/'));
                }
                _ => {}
            }
            next = base.base.as_ref();
        }
        (uri.to_owned(), Some(Misplaced::Circle))
    }

    /// Without the folder of a known root, if it lies below one.
    fn below_root<'u>(&self, uri: &'u str) -> Cow<'u, str> {
        let plain = unfiled(uri);
        let bases = self.bases.values().filter_map(|base| base.uri.as_deref()).filter(|uri| absolute(uri));
        let known = bases.map(unfiled).chain(self.roots.iter().map(|root| unfiled(root)));
        let below = known.filter_map(|root| {
            let rest = plain.strip_prefix(root.trim_end_matches('/'))?;
            (root.len() > 1).then_some(())?;
            rest.strip_prefix('/').map(str::len)
        });
        match below.min() {
            Some(length) => Cow::Owned(plain[plain.len() - length..].to_owned()),
            None => plain,
        }
    }
}

/// A URI as people read it: without `file://`, escapes, backslashes and detours.
pub fn readable(uri: &str) -> String {
    normal(&unfiled(uri)).0
}

fn scheme(uri: &str) -> Option<&str> {
    let (scheme, _) = uri.split_once(':')?;
    // One letter is a drive.
    let named = scheme.len() > 1 && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    named.then_some(scheme)
}

fn absolute(uri: &str) -> bool {
    let drive = uri.as_bytes().get(1) == Some(&b':');
    scheme(uri).is_some() || drive || uri.starts_with(['/', '\\'])
}

/// Without `file://`, escapes and backslashes. Other schemes stay as they are.
fn unfiled(uri: &str) -> Cow<'_, str> {
    let path = match scheme(uri) {
        Some(scheme) if scheme.eq_ignore_ascii_case("file") => {
            let rest = &uri[5..];
            let rest = rest.strip_prefix("//").unwrap_or(rest);
            // `/C:/x` is a drive.
            if rest.as_bytes().get(2) == Some(&b':') { rest.trim_start_matches('/') } else { rest }
        }
        Some(_) => return Cow::Borrowed(uri),
        None => uri,
    };
    let decoded =
        if path.contains('%') { percent_decode_str(path).decode_utf8().unwrap_or(path.into()) } else { path.into() };
    if decoded.contains('\\') { Cow::Owned(decoded.replace('\\', "/")) } else { decoded }
}

/// Without `.` and `..`; whether it tried to leave its root.
fn normal(path: &str) -> (String, bool) {
    if scheme(path).is_some() || !path.split('/').any(|part| matches!(part, "." | "..")) && !path.contains("//") {
        return (path.to_owned(), false);
    }
    let (mut parts, mut outside) = (Vec::new(), false);
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => outside |= parts.pop().is_none(),
            part => parts.push(part),
        }
    }
    let root = if path.starts_with('/') { "/" } else { "" };
    (format!("{root}{}", parts.join("/")), outside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn places() -> Places {
        let mut places = Places { roots: vec!["file:///build/repo/".into()], ..Places::default() };
        let bases = r#"{"ROOT":{"uri":"file:///home/ci/app/"},"SRC":{"uri":"src/","uriBaseId":"ROOT"},
            "A":{"uri":"a","uriBaseId":"B"},"B":{"uri":"b/","uriBaseId":"A"},"EMPTY":{}}"#;
        let mut texts = Texts::default();
        places.bases(&mut Cursor::new(bases.as_bytes()), &mut texts);
        places.artifacts = vec![Place { uri: Some("x.c".into()), base: Some("SRC".into()), ..Place::default() }];
        places
    }

    #[rstest]
    #[case("src/a.c", None, "src/a.c", None)]
    #[case("a.c", Some("ROOT"), "a.c", None)]
    #[case("a.c", Some("SRC"), "src/a.c", None)]
    #[case("a.c", Some("%SRCROOT%"), "a.c", None)]
    #[case("a.c", Some("EMPTY"), "a.c", None)]
    #[case("a.c", Some("A"), "a.c", Some(Misplaced::Circle))]
    #[case("./a//b/../c.c", None, "a/c.c", None)]
    #[case("../../etc/passwd", None, "etc/passwd", Some(Misplaced::Outside))]
    #[case("%2e%2e/etc/passwd", None, "etc/passwd", Some(Misplaced::Outside))]
    #[case("/a/../../b", None, "/b", Some(Misplaced::Outside))]
    #[case("file:///C:/code/a.c", None, "C:/code/a.c", None)]
    #[case("file:///home/ci/app/src/a%20b.c", None, "src/a b.c", None)]
    #[case("/home/ci/app/src/a.c", None, "src/a.c", None)]
    #[case("file:///build/repo/a.c", None, "a.c", None)]
    #[case("file:///build/repository/a.c", None, "/build/repository/a.c", None)]
    #[case("src\\win\\a.c", None, "src/win/a.c", None)]
    #[case("ht%tps://example.org/x", None, "ht%tps:/example.org/x", None)]
    #[case("git::https://example.org/x", None, "git::https://example.org/x", None)]
    #[case("with space.c", None, "with space.c", None)]
    #[case("100%.c", None, "100%.c", None)]
    #[case("", None, "", None)]
    fn paths_are_below_the_root(
        #[case] uri: &str,
        #[case] base: Option<&str>,
        #[case] path: &str,
        #[case] wrong: Option<Misplaced>,
    ) {
        let place = Place { uri: Some(uri.into()), base: base.map(Into::into), ..Place::default() };
        assert_eq!(places().path(&place), (path.to_owned(), wrong));
    }

    #[test]
    fn an_artifact_gives_the_path_by_its_index() {
        let by = |index| Place { index: Some(index), ..Place::default() };
        assert_eq!(places().path(&by(0)), ("src/x.c".to_owned(), None));
        assert_eq!(places().path(&by(9)), (String::new(), Some(Misplaced::OutOfRange)));
    }
}
