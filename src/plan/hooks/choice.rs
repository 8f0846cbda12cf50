//! What a person chose of hooks, in words: of the command line and of the form.

use std::time::Duration;

use super::{AT_MOST, Preset, Quiesce, Source, TIMEOUT};
use crate::text::{nearest, sanitize};

/// The words of a choice; what was not said is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// `crash` or `application`.
    pub consistency: Option<String>,
    /// `none`, `auto`, `velero`, `own` or a preset.
    pub hooks: Option<String>,
    /// A command of one's own that holds.
    pub pre: Option<String>,
    /// A command of one's own that releases.
    pub post: Option<String>,
    /// The container.
    pub container: Option<String>,
    /// How long a hook may run.
    pub timeout: Option<Duration>,
    /// How long the application is held at most.
    pub at_most: Option<Duration>,
}

/// What was chosen; `None` for a crash-consistent copy.
///
/// # Errors
/// When the words contradict each other or one of them is not known; the error says what to write instead.
pub fn chosen(words: &Words) -> Result<Option<Quiesce>, String> {
    let hooks = words.hooks.as_deref();
    let own = words.pre.is_some() || words.post.is_some();
    let wanted = own || hooks.is_some_and(|hooks| hooks != "none");
    match words.consistency.as_deref() {
        Some("crash") if wanted => return Err("a crash-consistent copy runs no hooks; ask for application".into()),
        Some("application") if hooks == Some("none") && !own => {
            return Err("an application-consistent copy needs hooks; leave out hooks none".into());
        }
        None | Some("crash" | "application") => {}
        Some(other) => {
            return Err(format!("\"{}\" is no consistency; it is crash or application", sanitize(other)));
        }
    }
    if !wanted && words.consistency.as_deref() != Some("application") {
        return Ok(None);
    }
    Ok(Some(Quiesce {
        source: source(hooks, words)?,
        container: words.container.clone(),
        timeout: words.timeout.unwrap_or(TIMEOUT),
        at_most: words.at_most.unwrap_or(AT_MOST),
    }))
}

fn source(hooks: Option<&str>, words: &Words) -> Result<Source, String> {
    match (&words.pre, &words.post, hooks) {
        (Some(pre), post, None | Some("own" | "none")) => {
            Ok(Source::Own { pre: argv(pre)?, post: post.as_deref().map(argv).transpose()? })
        }
        (Some(_), _, Some(other)) => {
            Err(format!("commands of one's own and hooks {} exclude each other", sanitize(other)))
        }
        (None, Some(_), _) => Err("a post hook needs a pre hook that it releases".into()),
        (None, None, None | Some("auto")) => Ok(Source::Auto),
        (None, None, Some("velero")) => Ok(Source::Velero),
        (None, None, Some("own")) => Err("commands of one's own need at least a pre hook".into()),
        (None, None, Some(name)) => Preset::ALL
            .into_iter()
            .find(|preset| preset.name() == name)
            .map(Source::Preset)
            .ok_or_else(|| unknown(name)),
    }
}

fn unknown(name: &str) -> String {
    let known = ["none", "auto", "velero", "own"].into_iter().chain(Preset::ALL.map(Preset::name));
    match nearest(name, known.clone()) {
        Some(nearest) => format!("there are no hooks \"{}\"; did you mean {nearest}?", sanitize(name)),
        None => {
            format!("there are no hooks \"{}\"; there are {}", sanitize(name), known.collect::<Vec<_>>().join(", "))
        }
    }
}

/// Reads a command: a JSON array of words, or one word. No shell reads it.
///
/// # Errors
/// When it is neither.
pub fn argv(text: &str) -> Result<Vec<String>, String> {
    let text = text.trim();
    if !text.starts_with('[') {
        return if text.is_empty() || text.contains(char::is_whitespace) {
            Err("needs one word, or a JSON array of words such as [\"fsfreeze\", \"-f\", \"/data\"]".into())
        } else {
            Ok(vec![text.to_owned()])
        };
    }
    match serde_json::from_str::<Vec<String>>(text) {
        Ok(words) if words.first().is_some_and(|program| !program.is_empty()) => Ok(words),
        Ok(_) => Err("names no program".into()),
        Err(_) => Err("is no JSON array of words, such as [\"fsfreeze\", \"-f\", \"/data\"]".into()),
    }
}
