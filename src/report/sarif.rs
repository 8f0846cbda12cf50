//! The report as a SARIF log (2.1.0): a rule for each control, a result for each fact that is not in order, and one for
//! each control that is.
//!
//! Facts that fail are errors. What is unknown is of kind `open`: "there was insufficient information to decide whether
//! a problem exists" (§3.27.9); only results of kind `fail` have a level other than `none` (§3.27.10).

use serde_json::{Value, json};

use super::terms::{CATALOGUES, Catalogue};
use super::{Controlled, Evidence, Report, State};
use crate::text;

/// The key of a fact's identity among `partialFingerprints`.
const FINGERPRINT: &str = "holdfastAudit/v1";

/// The log.
///
/// # Errors
/// When it cannot be made into JSON.
pub fn sarif(report: &Report) -> Result<String, serde_json::Error> {
    let rules: Vec<Value> = report.controls.iter().map(rule).collect();
    let results: Vec<Value> = report.controls.iter().enumerate().flat_map(|(at, one)| results(at, one)).collect();
    let log = json!({
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "holdfast audit", "version": version(report), "rules": rules } },
            "automationDetails": { "id": format!("holdfast-audit/{}/", report.context.name) },
            "invocations": [{ "executionSuccessful": true, "endTimeUtc": report.at.to_string() }],
            "taxonomies": CATALOGUES.iter().map(taxonomy).collect::<Vec<_>>(),
            "results": results,
            "properties": { "digest": report.digest, "server": report.context.server, "journalHead": report.journal.head },
        }],
    });
    serde_json::to_string_pretty(&log).map(|text| text + "\n")
}

fn version(report: &Report) -> &str {
    report.product.rsplit(' ').next().unwrap_or_default()
}

fn taxonomy(catalogue: &Catalogue) -> Value {
    let taxa = catalogue.requirements.iter();
    let taxa = taxa.map(|(number, title)| json!({ "id": number, "shortDescription": { "text": title } }));
    json!({
        "name": catalogue.short,
        "version": catalogue.version,
        "fullDescription": { "text": catalogue.name },
        "taxa": taxa.collect::<Vec<_>>(),
    })
}

fn rule(one: &Controlled) -> Value {
    let mapping = [&one.mapping.nist, &one.mapping.iso, &one.mapping.cis];
    let related = CATALOGUES.iter().zip(mapping).flat_map(|(catalogue, numbers)| {
        numbers.iter().map(|number| {
            json!({ "target": { "id": number, "toolComponent": { "name": catalogue.short } }, "kinds": ["relevant"] })
        })
    });
    json!({
        "id": one.id,
        "shortDescription": { "text": one.title },
        "fullDescription": { "text": one.requirement },
        "help": { "text": one.remedy },
        "relationships": related.collect::<Vec<_>>(),
    })
}

const fn kind(state: State) -> &'static str {
    match state {
        State::Fail => "fail",
        State::Unknown => "open",
        State::Pass => "pass",
        State::NotApplicable => "notApplicable",
    }
}

fn results(at: usize, one: &Controlled) -> Vec<Value> {
    let open: Vec<&Evidence> = one.evidence.iter().filter(|fact| fact.state < State::Pass).collect();
    if !open.is_empty() {
        return open.into_iter().map(|fact| fact_result(at, one, fact)).collect();
    }
    vec![json!({
        "ruleId": one.id,
        "ruleIndex": at,
        "kind": kind(one.state),
        "level": "none",
        "message": { "text": format!("{}: {}", one.title, one.summary) },
    })]
}

fn fact_result(at: usize, one: &Controlled, fact: &Evidence) -> Value {
    let next = fact.remedy.as_deref().map(|next| format!(". {next}")).unwrap_or_default();
    let identity = text::sha256(format!("{}\0{}\0{}", one.id, fact.object, fact.field).as_bytes());
    json!({
        "ruleId": one.id,
        "ruleIndex": at,
        "kind": kind(fact.state),
        "level": if fact.state == State::Fail { "error" } else { "none" },
        "message": { "text": format!("{}: {}: {}{next}", fact.object, fact.field, fact.value) },
        "locations": [{ "logicalLocations": [{ "fullyQualifiedName": fact.object, "kind": "resource" }] }],
        "partialFingerprints": { FINGERPRINT: identity },
    })
}
