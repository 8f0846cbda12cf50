//! What a run says around its results: invocations (SARIF 2.1.0 §3.20), the repository it looked at (§3.23), how it
//! was automated (§3.17), which taxonomies it uses (§3.14.8).

use std::sync::Arc;

use super::intern::Texts;
use super::json::{Cursor, Scalar};
use super::message::{Message, cut};
use super::rules::{Override, overrides};

/// One invocation of the tool.
#[derive(Clone, Debug, Default)]
pub struct Invocation {
    /// `executionSuccessful`.
    pub successful: Option<bool>,
    /// `startTimeUtc`, as written.
    pub started: Option<Arc<str>>,
    /// `endTimeUtc`, as written.
    pub ended: Option<Arc<str>>,
    /// The first error that the tool reports of itself.
    pub error: Option<Arc<str>>,
    /// `workingDirectory.uri`.
    pub folder: Option<Arc<str>>,
    /// `ruleConfigurationOverrides`.
    pub overrides: Vec<Override>,
}

/// Reads `invocations`; false when it is no array.
pub fn invocations(cursor: &mut Cursor, texts: &mut Texts, all: &mut Vec<Invocation>) -> bool {
    cursor.array(|cursor, _| {
        let mut one = Invocation::default();
        cursor.object(|cursor, key| invocation(cursor, key, texts, &mut one));
        all.push(one);
    })
}

fn invocation(cursor: &mut Cursor, key: &[u8], texts: &mut Texts, one: &mut Invocation) {
    match key {
        b"executionSuccessful" => {
            one.successful = match cursor.scalar() {
                Scalar::Bool(successful) => Some(successful),
                Scalar::Text(word) => word.to_ascii_lowercase().parse().ok(),
                _ => None,
            }
        }
        b"startTimeUtc" => one.started = texts.maybe(cursor.text().as_deref()),
        b"endTimeUtc" => one.ended = texts.maybe(cursor.text().as_deref()),
        b"processStartFailureMessage" => {
            let why = cursor.text();
            one.error = one.error.take().or_else(|| texts.maybe(why.as_deref()));
        }
        b"toolExecutionNotifications" | b"toolConfigurationNotifications" => {
            let error = notifications(cursor, texts);
            one.error = one.error.take().or(error);
        }
        b"workingDirectory" => drop(cursor.object(|cursor, key| match key {
            b"uri" => one.folder = texts.maybe(cursor.text().as_deref()),
            _ => cursor.skip(),
        })),
        b"ruleConfigurationOverrides" => one.overrides = overrides(cursor, texts),
        _ => cursor.skip(),
    }
}

/// The first of level `error` (§3.58.6).
fn notifications(cursor: &mut Cursor, texts: &mut Texts) -> Option<Arc<str>> {
    let mut first = None;
    cursor.array(|cursor, _| {
        let (mut error, mut message) = (false, Message::default());
        cursor.object(|cursor, key| match key {
            b"level" => error = cursor.text().is_some_and(|level| level.eq_ignore_ascii_case("error")),
            b"message" => message = Message::read(cursor),
            _ => cursor.skip(),
        });
        if error && first.is_none() {
            let text = message.plain().or(message.id.as_deref().map(Into::into));
            first = Some(texts.get(&cut(&text.unwrap_or("an error without a message".into()))));
        }
    });
    first
}

/// `versionControlProvenance` (§3.23).
#[derive(Clone, Debug, Default)]
pub struct Provenance {
    /// `repositoryUri`, as written.
    pub repository: Option<Arc<str>>,
    /// `revisionId`.
    pub revision: Option<Arc<str>>,
    /// `branch`.
    pub branch: Option<Arc<str>>,
    /// `revisionTag`.
    pub tag: Option<Arc<str>>,
    /// `asOfTimeUtc`, as written.
    pub as_of: Option<Arc<str>>,
    /// `mappedTo.uri`.
    pub mapped: Option<Arc<str>>,
}

/// Reads `versionControlProvenance`.
pub fn provenance(cursor: &mut Cursor, texts: &mut Texts, all: &mut Vec<Provenance>) {
    let mut each = |cursor: &mut Cursor| {
        let mut one = Provenance::default();
        cursor.object(|cursor, key| match key {
            b"repositoryUri" => one.repository = texts.maybe(cursor.text().as_deref()),
            b"revisionId" => one.revision = texts.maybe(cursor.scalar().into_text().as_deref()),
            b"branch" => one.branch = texts.maybe(cursor.text().as_deref()),
            b"revisionTag" => one.tag = texts.maybe(cursor.text().as_deref()),
            b"asOfTimeUtc" => one.as_of = texts.maybe(cursor.text().as_deref()),
            b"mappedTo" => drop(cursor.object(|cursor, key| match key {
                b"uri" => one.mapped = texts.maybe(cursor.text().as_deref()),
                _ => cursor.skip(),
            })),
            _ => cursor.skip(),
        });
        all.push(one);
    };
    if cursor.peek() == Some(b'{') {
        // Off the specification: one in place of a list.
        each(cursor);
    } else {
        cursor.array(|cursor, _| each(cursor));
    }
}

/// `automationDetails` (§3.17).
#[derive(Clone, Debug, Default)]
pub struct Automation {
    /// `id`.
    pub id: Option<Arc<str>>,
    /// `guid`.
    pub guid: Option<Arc<str>>,
}

impl Automation {
    /// Reads it.
    pub fn read(cursor: &mut Cursor, texts: &mut Texts) -> Self {
        let mut automation = Self::default();
        cursor.object(|cursor, key| match key {
            b"id" => automation.id = texts.maybe(cursor.text().as_deref()),
            b"guid" => automation.guid = texts.maybe(cursor.text().as_deref()),
            _ => cursor.skip(),
        });
        automation
    }

    /// The category: up to the last `/`; without one all of it names this run only.
    pub fn category(&self) -> &str {
        self.id.as_deref().and_then(|id| id.rsplit_once('/')).map_or("", |(category, _)| category)
    }
}

/// The ids of a taxonomy's entries (§3.19.25), when it is of weaknesses.
#[derive(Clone, Debug, Default)]
pub struct Taxonomy {
    /// Weakness number of each entry; 0 for none.
    pub entries: Vec<u32>,
}

impl Taxonomy {
    /// Reads a taxonomy; entries of those not called CWE count when their ids say `CWE`.
    pub fn read(cursor: &mut Cursor) -> Self {
        let (mut ids, mut named) = (Vec::new(), false);
        cursor.object(|cursor, key| match key {
            b"name" => named = cursor.text().is_some_and(|name| name.to_ascii_uppercase().contains("CWE")),
            b"taxa" => drop(cursor.array(|cursor, _| {
                let mut id = None;
                cursor.object(|cursor, key| match key {
                    b"id" => id = cursor.scalar().into_text(),
                    _ => cursor.skip(),
                });
                ids.push(id);
            })),
            _ => cursor.skip(),
        });
        let number = |id: &Option<std::borrow::Cow<str>>| {
            let mut numbers = Vec::new();
            if let Some(id) = id {
                super::words::cwe(id, &mut numbers);
                if named {
                    super::words::number(id, &mut numbers);
                }
            }
            numbers.first().copied().unwrap_or(0)
        };
        Self { entries: ids.iter().map(number).collect() }
    }
}

/// A repository as `host/path`: without scheme, user, port of the scheme, `.git`, and in lower case where hosts are.
/// What is no address stays as it is.
pub fn repository(uri: &str) -> String {
    let uri = uri.trim();
    let (host, path) = match uri.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) => {
            rest.split_once('/').unwrap_or((rest, ""))
        }
        Some(_) => return uri.to_owned(),
        // `git@host:path`, as ssh takes it.
        None => match uri.split_once(':') {
            Some((host, path)) if host.contains('@') && !path.is_empty() => (host, path),
            _ => uri.split_once('/').unwrap_or((uri, "")),
        },
    };
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = host.split_once(':').map_or(host, |(host, _)| host).to_lowercase();
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path).to_lowercase();
    // Azure DevOps has a host of its own for ssh, and `_git` in addresses of the web.
    let (host, path) = match host.as_str() {
        "ssh.dev.azure.com" => ("dev.azure.com".to_owned(), path.trim_start_matches("v3/").to_owned()),
        _ => (host, path.replace("/_git/", "/")),
    };
    if path.is_empty() { host } else { format!("{host}/{path}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("https://github.com/Acme/Pay.git", "github.com/acme/pay")]
    #[case("https://user:secret@github.com:443/acme/pay/", "github.com/acme/pay")]
    #[case("git@github.com:acme/pay.git", "github.com/acme/pay")]
    #[case("ssh://git@GitHub.com:22/acme/pay", "github.com/acme/pay")]
    #[case("git+https://github.com/acme/pay", "github.com/acme/pay")]
    #[case("github.com/acme/pay", "github.com/acme/pay")]
    #[case("https://dev.azure.com/org/project/_git/pay", "dev.azure.com/org/project/pay")]
    #[case("git@ssh.dev.azure.com:v3/org/project/pay", "dev.azure.com/org/project/pay")]
    #[case("ht%tps://example.org", "ht%tps://example.org")]
    #[case("", "")]
    fn repositories_have_one_name(#[case] uri: &str, #[case] name: &str) {
        assert_eq!(repository(uri), name);
    }

    #[rstest]
    #[case(Some("nightly/scan/2024"), "nightly/scan")]
    #[case(Some("nightly/"), "nightly")]
    #[case(Some("run 5"), "")]
    #[case(None, "")]
    fn the_category_is_what_stands_before_the_last_slash(#[case] id: Option<&str>, #[case] category: &str) {
        assert_eq!(Automation { id: id.map(Into::into), guid: None }.category(), category);
    }
}
