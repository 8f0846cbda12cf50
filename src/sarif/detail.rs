//! All that one result says, read again from its bytes when someone looks at it ([`crate::model::Finding::raw`]).
//!
//! Reads a tree of JSON, and not the types of a crate: those refuse the very results that people most need to look
//! at. Texts are as the tool wrote them and untrusted. What a tool that looks for secrets found is not shown.

use std::io::{Read, Result, copy, sink};
use std::ops::Range;

use serde_json::Value;

use crate::model::Finding;

use super::encoding::Decoded;
use super::finish::family;
use super::json::tree;
use super::message::{head, plain};

/// Steps, locations and lists are shown up to this many.
const MAX_ITEMS: usize = 10_000;

/// A text is shown up to this size.
const MAX_TEXT: usize = 1 << 16;

/// One result as people read it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detail {
    /// The whole message; `None` when it stands with the rule.
    pub message: Option<String>,
    /// The code at the first location.
    pub snippet: Option<String>,
    /// Whether code and values are held back since they hold a secret.
    pub withheld: bool,
    /// Further locations of the result itself (§3.27.12).
    pub locations: Vec<Step>,
    /// Ways through the code, each with its steps (§3.36, §3.37, §3.38).
    pub flows: Vec<Vec<Step>>,
    /// `relatedLocations` (§3.27.22).
    pub related: Vec<Step>,
    /// `fixes`: what each would change (§3.55).
    pub fixes: Vec<String>,
    /// Names and values: fingerprints, properties, addresses.
    pub properties: Vec<(String, String)>,
}

/// A place with what is said of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// `PATH:LINE:COLUMN`, a name, or a number of an artifact.
    pub place: String,
    /// What is said.
    pub message: Option<String>,
    /// How deep in calls, from 0 (§3.38.10).
    pub depth: u32,
}

/// The bytes of one result: the same source again, and where in its text the result stands.
pub fn excerpt(source: impl Read, range: &Range<u64>) -> Result<Vec<u8>> {
    let mut text = Decoded::new(source)?;
    copy(&mut text.by_ref().take(range.start), &mut sink())?;
    let mut bytes = Vec::new();
    text.take(range.end.saturating_sub(range.start)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether what this finding points at may be a secret itself.
pub fn holds_secret(tool: &str, finding: &Finding) -> bool {
    const TOOLS: &[&str] =
        &["gitleaks", "trufflehog", "detect-secrets", "ggshield", "gitguardian", "secretlint", "whispers"];
    let family = family(tool);
    let secret = |text: &str| {
        let text = text.to_lowercase();
        text.contains("secret")
            || text.contains("credential")
            || text.contains("password")
            || text.contains("private-key")
    };
    TOOLS.iter().any(|known| family.contains(known))
        || secret(&finding.rule.id)
        || finding.rule.tags.iter().any(|tag| secret(tag))
        // Hard-coded credentials, passwords and keys.
        || [798, 259, 321].iter().any(|number| finding.rule.cwe.contains(number) || finding.cwe.contains(number))
}

/// Reads one result's bytes. With `withhold`, code and values that may be a secret are left out.
pub fn detail(raw: &[u8], withhold: bool) -> Detail {
    let result = tree(raw);
    let mut locations: Vec<Step> = list(&result["locations"]).map(step).collect();
    let physical = &result["locations"][0]["physicalLocation"];
    let code = text(&physical["contextRegion"]["snippet"]["text"]).or(text(&physical["region"]["snippet"]["text"]));
    if !locations.is_empty() {
        locations.remove(0);
    }
    let fixes = if withhold { Vec::new() } else { list(&result["fixes"]).map(fix).collect() };
    Detail {
        message: message(&result["message"]),
        withheld: withhold,
        snippet: code.filter(|_| !withhold),
        locations,
        flows: list(&result["codeFlows"]).flat_map(|flow| list(&flow["threadFlows"])).map(flow).collect(),
        related: list(&result["relatedLocations"]).map(step).collect(),
        fixes,
        properties: properties(&result, withhold),
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten().take(MAX_ITEMS)
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(|text| {
        let shown = head(text, MAX_TEXT);
        if shown.len() < text.len() { format!("{shown}…") } else { shown.to_owned() }
    })
}

/// A message with its arguments; some tools write a bare string, or a list as its text.
fn message(message: &Value) -> Option<String> {
    let joined = || {
        let pieces: Vec<&str> = list(&message["text"]).filter_map(Value::as_str).collect();
        (!pieces.is_empty()).then(|| pieces.join(" "))
    };
    let own = text(&message["text"]).or_else(joined).or(text(&message["markdown"])).or(text(message))?;
    let arguments: Option<Vec<String>> = message["arguments"].as_array().map(|arguments| {
        arguments.iter().map(|argument| argument.as_str().map_or_else(|| argument.to_string(), str::to_owned)).collect()
    });
    Some(plain(&own, arguments.as_deref()).into_owned())
}

fn flow(flow: &Value) -> Vec<Step> {
    let deep = |place: &Value| place["nestingLevel"].as_u64().and_then(|level| u32::try_from(level).ok()).unwrap_or(0);
    list(&flow["locations"])
        .map(|place| match &place["location"] {
            // A step that is kept once for the whole run is only named by number (§3.38.2).
            Value::Null => Step { place: number(&place["index"], "step"), depth: deep(place), message: None },
            location => Step { depth: deep(place), ..step(location) },
        })
        .collect()
}

fn number(value: &Value, what: &str) -> String {
    value
        .as_i64()
        .filter(|index| *index >= 0)
        .map_or_else(|| "?".to_owned(), |index| format!("{what} {index} of the run"))
}

fn step(location: &Value) -> Step {
    let physical = &location["physicalLocation"];
    let logical = &location["logicalLocations"][0];
    let path = path(&physical["artifactLocation"]);
    let named = text(&logical["fullyQualifiedName"]).or(text(&logical["name"]));
    let place = path.or(named).unwrap_or_else(|| number(&physical["artifactLocation"]["index"], "artifact"));
    let place = format!("{place}{}", position(&physical["region"]));
    Step { place, message: message(&location["message"]), depth: 0 }
}

fn path(artifact: &Value) -> Option<String> {
    text(&artifact["uri"]).map(|uri| super::place::readable(&uri))
}

fn position(region: &Value) -> String {
    match (region["startLine"].as_u64(), region["startColumn"].as_u64()) {
        (Some(line @ 1..), Some(column @ 1..)) => format!(":{line}:{column}"),
        (Some(line @ 1..), _) => format!(":{line}"),
        _ => String::new(),
    }
}

/// What a fix is for, and what it would write where.
fn fix(fix: &Value) -> String {
    let mut lines: Vec<String> = message(&fix["description"]).into_iter().collect();
    for change in list(&fix["artifactChanges"]) {
        let path = path(&change["artifactLocation"]).unwrap_or_else(|| "?".into());
        for replacement in list(&change["replacements"]) {
            let at = position(&replacement["deletedRegion"]);
            match text(&replacement["insertedContent"]["text"]) {
                Some(inserted) => lines.push(format!("{path}{at}: {inserted}")),
                None => lines.push(format!("{path}{at}: delete")),
            }
        }
    }
    lines.join("\n")
}

/// Names under which tools write the secret itself.
const SECRETS: &[&str] = &["offender", "secret", "match", "line", "raw", "token", "password"];

fn properties(result: &Value, withhold: bool) -> Vec<(String, String)> {
    const OWN: &[&str] = &["guid", "correlationGuid", "hostedViewerUri", "workItemUris", "occurrenceCount", "rank"];
    const BAGS: &[&str] = &["fingerprints", "partialFingerprints", "properties"];
    let own = OWN.iter().map(|name| ((*name).to_owned(), &result[*name]));
    let bags =
        BAGS.iter().filter_map(|bag| result[*bag].as_object()).flatten().map(|(name, value)| (name.clone(), value));
    let mut all = Vec::new();
    for (name, value) in own.chain(bags).take(MAX_ITEMS) {
        if withhold && SECRETS.iter().any(|secret| name.to_lowercase().contains(secret)) {
            all.push((name, "(withheld)".to_owned()));
            continue;
        }
        let shown = match value {
            Value::Null => continue,
            Value::String(_) => text(value),
            Value::Array(items) if items.iter().all(Value::is_string) => {
                Some(items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "))
            }
            other => text(&Value::String(other.to_string())),
        };
        all.extend(shown.map(|shown| (name, shown)));
    }
    all
}

#[cfg(test)]
mod tests;
