//! How a person chooses what holds the application: fields of the form, and options of the command line.

use super::form::deadline;
use crate::plan::hooks::{self, AT_MOST, Consistency, Preset, Quiesce, Source, TIMEOUT, Words};
use crate::plan::{Choice, Field, FieldKind, Filled};
use crate::text::quantity;

/// A command of one's own, as it is read back.
fn words(argv: &[String]) -> String {
    match argv {
        [word] if hooks::argv(word).as_deref() == Ok(argv) => word.clone(),
        argv => serde_json::Value::from(argv).to_string(),
    }
}

/// The fields, beginning with what is chosen so far.
pub(super) fn fields(chosen: Option<&Quiesce>) -> Vec<Field> {
    let begun = chosen.cloned().unwrap_or_default();
    let (pre, post) = match &begun.source {
        Source::Own { pre, post } => (Some(words(pre)), post.as_deref().map(words)),
        Source::Auto | Source::Velero | Source::Preset(_) => (None, None),
    };
    let [consistency, hooks] = choices(chosen.is_some(), &begun.source);
    let command =
        |id, label| Field::new(id, label, FieldKind::Text).optional().checked(|answer| hooks::argv(answer).map(drop));
    vec![
        consistency,
        hooks,
        command("pre", "Own pre hook")
            .says(
                "With hooks own: the command that holds it, one word or a JSON array of words. It stands in the \
                 journal.",
            )
            .begins(pre),
        command("post", "Own post hook")
            .says(
                "With hooks own: the command that releases it. It runs whenever the other has begun, again and again \
                 until it succeeds.",
            )
            .begins(post),
        Field::new("container", "Container", FieldKind::Text)
            .says("The container that hooks run in; left empty, the one that mounts the volume.")
            .begins(begun.container)
            .optional(),
        Field::new("timeout", "Hook timeout", FieldKind::Duration)
            .says("How long one hook may run, where its annotation does not say so.")
            .begins(begun.timeout),
        Field::new("held", "Held at most", FieldKind::Duration)
            .says(
                "How long the application is held at most. When that is over it is released, cut or not, and the \
                 backup fails.",
            )
            .begins(begun.at_most),
    ]
}

/// What the copy shall promise, and by which hooks.
fn choices(held: bool, source: &Source) -> [Field; 2] {
    let levels = Consistency::ASKED.iter().map(|level| Choice::new(level.word(), level.says()));
    let sources = [
        Choice::new("auto", "Velero's annotations, else by the image"),
        Choice::new("velero", "the Velero annotations of the pods"),
        Choice::new("own", "the commands below"),
    ];
    let presets = Preset::ALL.map(|preset| Choice::new(preset.name(), preset.says()));
    let level = if held { Consistency::Application } else { Consistency::Crash };
    [
        Field::new("consistency", "Consistency", FieldKind::one_of("consistency", levels))
            .says(
                "A crash-consistent copy is as if power was lost at the cut. For an application-consistent one hooks \
                 hold the application's writes over the cut, and let them go right after.",
            )
            .begins(level.word()),
        Field::new("hooks", "Hooks", FieldKind::one_of("hooks", sources.into_iter().chain(presets)))
            .says("What holds the application. Only for an application-consistent copy.")
            .begins(source.to_string()),
    ]
}

/// What a filled form chose.
///
/// # Errors
/// When the answers contradict each other.
pub(super) fn chosen(filled: &Filled) -> Result<Option<Quiesce>, String> {
    if filled.get("consistency") != Some(Consistency::Application.word()) {
        return match filled.get("pre").or(filled.get("post")) {
            None => Ok(None),
            Some(_) => Err("hooks of one's own run for consistency application alone; choose it, or clear them".into()),
        };
    }
    let text = |id: &str| filled.get(id).map(str::to_owned);
    hooks::chosen(&Words {
        consistency: text("consistency"),
        hooks: text("hooks"),
        pre: text("pre"),
        post: text("post"),
        container: text("container"),
        timeout: filled.get("timeout").map(deadline).transpose()?,
        at_most: filled.get("held").map(deadline).transpose()?,
    })
}

/// The options of the command line that choose the same.
pub(super) fn options(chosen: Option<&Quiesce>, option: &mut impl FnMut(&str, &str)) {
    let Some(quiesce) = chosen else { return };
    option("--consistency", Consistency::Application.word());
    match &quiesce.source {
        Source::Own { pre, post } => {
            option("--pre", &words(pre));
            if let Some(post) = post {
                option("--post", &words(post));
            }
        }
        Source::Auto => {}
        source => option("--hooks", &source.to_string()),
    }
    if let Some(container) = &quiesce.container {
        option("--container", container);
    }
    for (name, chosen, default) in
        [("--hook-timeout", quiesce.timeout, TIMEOUT), ("--quiesce-at-most", quiesce.at_most, AT_MOST)]
    {
        if chosen != default {
            option(name, &quantity::deadline(chosen));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rstest::rstest;

    use super::*;
    use crate::plan::FormSpec;

    fn form(quiesce: Option<&Quiesce>) -> FormSpec {
        FormSpec { title: String::new(), fields: fields(quiesce) }
    }

    fn read(quiesce: Option<&Quiesce>, change: &[(&str, &str)]) -> Result<Option<Quiesce>, String> {
        let form = form(quiesce);
        let answer = |field: &Field| {
            let changed = change.iter().find(|(id, _)| *id == field.id);
            changed.map_or_else(|| field.default.clone(), |(_, answer)| (*answer).to_owned())
        };
        let answers: Vec<String> = form.fields.iter().map(answer).collect();
        chosen(&form.filled(&answers).map_err(|place| form.fields[place].id.to_string())?)
    }

    fn own() -> Quiesce {
        Quiesce {
            source: Source::Own {
                pre: vec!["sh".into(), "-c".into(), "echo \"x\"".into()],
                post: Some(vec!["release".into()]),
            },
            container: Some("db".into()),
            timeout: Duration::from_secs(90),
            at_most: Duration::from_secs(5),
        }
    }

    #[rstest]
    #[case::nothing(None)]
    #[case::by_default(Some(Quiesce::default()))]
    #[case::a_preset(Some(Quiesce { source: Source::Preset(Preset::Redis), ..Quiesce::default() }))]
    #[case::own(Some(own()))]
    fn a_form_says_again_what_was_chosen(#[case] quiesce: Option<Quiesce>) {
        assert_eq!(read(quiesce.as_ref(), &[]), Ok(quiesce));
    }

    #[rstest]
    #[case(&[("pre", "hold")], "run for consistency application alone")]
    #[case(&[("pre", "hold"), ("consistency", "application")], "exclude each other")]
    #[case(&[("hooks", "own"), ("consistency", "application")], "need at least a pre hook")]
    #[case(&[("pre", "hold it")], "pre")]
    #[case(&[("held", "soon")], "held")]
    fn answers_that_contradict_each_other_are_said(#[case] change: &[(&str, &str)], #[case] said: &str) {
        let why = read(None, change).unwrap_err();
        assert!(why.contains(said), "{why}");
    }

    #[test]
    fn options_say_the_same() {
        let mut said = Vec::new();
        options(Some(&own()), &mut |name, value| said.push(format!("{name} {value}")));
        assert_eq!(
            said,
            [
                "--consistency application",
                r#"--pre ["sh","-c","echo \"x\""]"#,
                "--post release",
                "--container db",
                "--hook-timeout 1m30s",
                "--quiesce-at-most 5s",
            ]
        );
    }
}
