//! What an earlier step made, put where a later one stands in need of it (see [`super::from_step`]).

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::act::{FROM_STEP, NOW, OUTCOME};
use super::{Act, Check, Expect, Firm, Follow, Output, Progress, StepId, Trusted, Until};
use crate::text::quantity;

impl Act {
    /// The act with what earlier steps made in its manifest, patch and conditions; `None` while one of them has not run.
    pub(crate) fn filled(&self, progress: &Progress) -> Option<Self> {
        let value = |value: &Value| fill(value, progress);
        Some(match self {
            Self::Create { at, manifest } => Self::Create { at: at.clone(), manifest: value(manifest)? },
            Self::Recreate { at, former, manifest } => {
                Self::Recreate { at: at.clone(), former: former.clone(), manifest: value(manifest)? }
            }
            Self::Patch { target, patch, done } => {
                Self::Patch { target: target.clone(), patch: value(patch)?, done: checks(done, progress)? }
            }
            Self::Condition { target, condition, done } => Self::Condition {
                target: target.clone(),
                condition: value(condition)?,
                done: done.iter().map(|way| checks(way, progress)).collect::<Option<_>>()?,
            },
            Self::Dismiss { target, patch, done, trouble } => Self::Dismiss {
                target: target.clone(),
                patch: value(patch)?,
                done: checks(done, progress)?,
                trouble: trouble.clone(),
            },
            Self::Stage { at, manifest, content } => {
                Self::Stage { at: at.clone(), manifest: value(manifest)?, content: content.clone() }
            }
            Self::Store { target, from, was, done } => Self::Store {
                target: target.clone(),
                from: from.clone(),
                was: checks(was, progress)?,
                done: checks(done, progress)?,
            },
            Self::Trust { target, bundles, add, without } => {
                let added = |add: &Trusted| Some(Trusted { fingerprint: value(&add.fingerprint)?, ..add.clone() });
                let add = match add {
                    Some(add) => Some(added(add)?),
                    None => None,
                };
                let without = without.iter().map(value).collect::<Option<_>>()?;
                Self::Trust { target: target.clone(), bundles: bundles.clone(), add, without }
            }
            Self::Wait { target, until } => {
                Self::Wait { target: target.clone(), until: Box::new(filled_until(until, progress)?) }
            }
            Self::Absent { among, which, what } => {
                Self::Absent { among: among.clone(), which: checks(which, progress)?, what: what.clone() }
            }
            Self::Find { among, which, what } => {
                Self::Find { among: among.clone(), which: checks(which, progress)?, what: what.clone() }
            }
            Self::Handshake { which, serves, .. } => {
                let mut filled = self.clone();
                if let Self::Handshake { which: to_fill, serves: to_name, .. } = &mut filled {
                    (*to_fill, *to_name) = (checks(which, progress)?, value(serves)?);
                }
                filled
            }
            Self::Delete { .. } | Self::Scale { .. } | Self::Exec { .. } | Self::Open { .. } | Self::Say { .. } => {
                self.clone()
            }
        })
    }

    /// Whether what it sends depends on what an earlier step makes, so that it cannot be tried before that has run.
    pub fn depends(&self) -> bool {
        self.filled(&Progress::default()).is_none()
    }
}

fn filled_until(until: &Until, progress: &Progress) -> Option<Until> {
    let follow = match &until.follow {
        None => None,
        Some(follow) => Some(Follow { checks: checks(&follow.checks, progress)?, ..follow.clone() }),
    };
    let firm = until.firm.iter().map(|firm| {
        let check = checks(std::slice::from_ref(&firm.check), progress)?.pop()?;
        Some(Firm { check, ..firm.clone() })
    });
    let firm = firm.collect::<Option<_>>()?;
    Some(Until { checks: checks(&until.checks, progress)?, follow, firm, ..until.clone() })
}

fn checks(checks: &[Check], progress: &Progress) -> Option<Vec<Check>> {
    let filled = |check: &Check| {
        let expect = match &check.expect {
            Expect::Is(expected) => Expect::Is(fill(expected, progress)?),
            Expect::Not(expected) => Expect::Not(fill(expected, progress)?),
            same => same.clone(),
        };
        Some(Check { field: check.field.clone(), expect })
    };
    checks.iter().map(filled).collect()
}

fn fill(value: &Value, progress: &Progress) -> Option<Value> {
    Some(match value {
        Value::Object(fields) => match fields.get(FROM_STEP) {
            Some(from) if fields.len() == 1 => Value::String(made(from, progress)?),
            _ => {
                let filled = fields.iter().map(|(key, value)| Some((key.clone(), fill(value, progress)?)));
                Value::Object(filled.collect::<Option<Map<_, _>>>()?)
            }
        },
        Value::Array(items) => Value::Array(items.iter().map(|item| fill(item, progress)).collect::<Option<_>>()?),
        plain => plain.clone(),
    })
}

fn made(from: &Value, progress: &Progress) -> Option<String> {
    let text = |key: &str| from.get(key).and_then(Value::as_str);
    let output = progress.outputs(&StepId(text("step")?.to_owned()))?.get(text("slot")?)?;
    match (output, text("part")?) {
        (Output::Object { at, .. }, "name") => Some(at.name.clone()),
        (Output::Object { uid, .. }, "uid") => Some(uid.to_string()),
        (Output::Text(text), "name") => Some(text.clone()),
        _ => None,
    }
}

/// Maps of metadata that an object may not have, the last of them that of the pods of a workload.
const MAPS: [&str; 3] = ["/metadata/labels", "/metadata/annotations", "/spec/template/metadata/annotations"];

/// Which of the maps that an object may not have a JSON patch adds to.
pub fn maps_added_to(patch: &Value) -> impl Iterator<Item = &'static str> {
    let adds_to = |map: &&'static str| {
        let mut paths = patch.as_array().into_iter().flatten().filter_map(|operation| operation["path"].as_str());
        paths.any(|path| path.strip_prefix(*map).is_some_and(|rest| rest.starts_with('/')))
    };
    MAPS.into_iter().filter(adds_to)
}

/// The operations of a JSON patch for an object as it was read. Maps that it adds to and that are not there are made
/// first: there is nothing yet to add to (RFC 6902 section 4.1).
pub fn with_maps(patch: &Value, object: &Value) -> Vec<Value> {
    let missing = maps_added_to(patch).filter(|map| object.pointer(map).is_none_or(Value::is_null));
    let made = missing.map(|map| json!({ "op": "add", "path": map, "value": {} }));
    made.chain(patch.as_array().cloned().unwrap_or_default()).collect()
}

/// A part of a `valueFrom` (see [`Act::Patch`]) as a text, at the moment when it is sent.
///
/// # Errors
/// When a step left no such output, or a span is asked of what is no moment.
pub fn part_of(part: &Value, progress: &Progress, now: Timestamp) -> Result<String, String> {
    if part.get(NOW).is_some() {
        return Ok(now.to_string());
    }
    if let Some(text) = part.as_str() {
        return Ok(text.to_owned());
    }
    if part.get(OUTCOME).is_some() {
        return Ok(progress.outcome());
    }
    let Some(moments) = part.get("span").and_then(Value::as_array) else { return output(part, progress) };
    let moments = moments.iter().map(|part| output(part, progress).and_then(|text| moment(&text)));
    let moments = moments.collect::<Result<Vec<Timestamp>, String>>()?;
    let span = moments.iter().max().zip(moments.iter().min()).map(|(last, first)| last.duration_since(*first));
    Ok(quantity::instant(span.unwrap_or(SignedDuration::ZERO)))
}

fn output(part: &Value, progress: &Progress) -> Result<String, String> {
    let text = |field: &str| part.get(field).and_then(Value::as_str).unwrap_or_default();
    let output = progress.outputs(&StepId(text("step").to_owned())).and_then(|outputs| outputs.get(text("slot")));
    output.map(Output::word).ok_or_else(|| format!("step {} left no {}", text("step"), text("slot")))
}

/// A moment as objects of the API have it: RFC 3339, or nanoseconds since 1970 (`VolumeSnapshotContent`).
fn moment(text: &str) -> Result<Timestamp, String> {
    let nanoseconds = text.parse::<i128>().ok().and_then(|nanoseconds| Timestamp::from_nanosecond(nanoseconds).ok());
    let read = nanoseconds.or_else(|| text.parse().ok());
    read.ok_or_else(|| format!("\"{}\" is no moment", crate::text::sanitize(text)))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::model::{Kind, Uid};
    use crate::plan::{ObjectAt, Part, StepState, from_step};

    #[test]
    fn what_an_earlier_step_made_is_filled_in_once_it_has_run() {
        let at = ObjectAt::of(Kind::Pvc, Some("shop"), "data");
        let manifest = json!({ "spec": { "volumeName": from_step("bound", "volume", Part::Name), "list": [from_step("bound", "volume", Part::Uid)] } });
        let act = Act::Create { at: at.clone(), manifest };
        assert!(act.depends());
        let output = Output::Object { at: ObjectAt::of(Kind::Pv, None, "pv-1"), uid: Uid::from("u1") };
        let done = StepState::Done([("volume".to_owned(), output)].into());
        let progress = Progress { steps: [(StepId("bound".into()), done)].into(), ..Progress::default() };
        let filled = Act::Create { at, manifest: json!({ "spec": { "volumeName": "pv-1", "list": ["u1"] } }) };
        assert_eq!(act.filled(&progress), Some(filled));
    }

    #[rstest]
    #[case::one(&["2026-01-01T00:00:00Z"], Ok("0ms"))]
    #[case::in_any_order(&["2026-01-01T00:00:02Z", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"], Ok("2.0s"))]
    #[case::in_nanoseconds(&["1767225600400000000", "1767225600000000000"], Ok("400ms"))]
    #[case::no_moment(&["soon"], Err("\"soon\" is no moment"))]
    #[case::missing(&[], Err("step cut-1 left no cutAt"))]
    fn a_span_is_the_time_from_the_first_moment_to_the_last(#[case] cuts: &[&str], #[case] said: Result<&str, &str>) {
        let step = |number: usize| StepId(format!("cut-{}", number + 1));
        let done = |text: &&str| StepState::Done([("cutAt".to_owned(), Output::Text((*text).to_owned()))].into());
        let steps = cuts.iter().enumerate().map(|(number, text)| (step(number), done(text))).collect();
        let progress = Progress { steps, ..Progress::default() };
        let parts = (0..cuts.len().max(1)).map(|number| json!({ "step": step(number).0, "slot": "cutAt" }));
        let part = json!({ "span": parts.collect::<Vec<_>>() });
        assert_eq!(part_of(&part, &progress, Timestamp::UNIX_EPOCH), said.map(str::to_owned).map_err(str::to_owned));
    }

    #[rstest]
    #[case::there(json!({ "metadata": { "annotations": { "b": "2" } } }), &["/metadata/annotations/a"])]
    #[case::missing(json!({ "metadata": {} }), &["/metadata/annotations", "/metadata/annotations/a"])]
    #[case::null(json!({ "metadata": { "annotations": null } }), &["/metadata/annotations", "/metadata/annotations/a"])]
    fn a_map_that_is_added_to_is_made_only_where_there_is_none(#[case] object: Value, #[case] paths: &[&str]) {
        let patch = json!([{ "op": "add", "path": "/metadata/annotations/a", "value": "1" }]);
        let made = with_maps(&patch, &object);
        assert_eq!(made.iter().map(|one| one["path"].as_str().unwrap()).collect::<Vec<_>>(), paths);
    }
}
