//! What an earlier step made, put where a later one stands in need of it (see [`super::from_step`]).

use serde_json::{Map, Value};

use super::act::FROM_STEP;
use super::{Act, Check, Expect, Follow, Output, Progress, StepId, Until};

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
            Self::Wait { target, until } => {
                Self::Wait { target: target.clone(), until: Box::new(filled_until(until, progress)?) }
            }
            Self::Absent { among, which, what } => {
                Self::Absent { among: among.clone(), which: checks(which, progress)?, what: what.clone() }
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
    Some(Until { checks: checks(&until.checks, progress)?, follow, ..until.clone() })
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

#[cfg(test)]
mod tests {
    use serde_json::json;

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
}
