//! What a person chooses before a phase is planned: as a form, and as options of the command line. Each phase asks only
//! for what matters to it.

use jiff::SignedDuration;

use super::{Options, ROLLED_WITHIN};
use crate::assess::succession::{Phase, SOAK};
use crate::model::{Kind, Uid, World};
use crate::plan::command::CommandLine;
use crate::plan::serves::WITHIN as SERVED_WITHIN;
use crate::plan::{Choice, Field, FieldKind, Filled, FormSpec, backup};
use crate::text::quantity;
use crate::x509::KeyKind;

/// The word for a key as before.
const SAME: &str = "as-before";

const LIFE: &str = "How long the new CA is valid. Left empty: as long as the former one was.";
const SOAKS: &str = "How long both are trusted after everything was seen to be served. It is kept with the new CA.";
const RESTART: &str = "Whether workloads that read what is changed are restarted, one after the other; else the \
                       rotation waits until somebody else has.";
const ROLLED: &str = "How long one workload may take to replace its pods.";
const SERVED: &str = "How long it may take until each pod that served a former certificate serves the new one.";
const ANSWER: &str = "Who said so, and when. It is kept on the Secret of the new CA, with your name.";

/// The form before this phase, beginning with what is chosen; `None` when the CA is gone or nothing is planned then.
pub fn form(world: &World, secret: &Uid, chosen: &Options) -> Option<FormSpec> {
    let path = world.inventory.tls_secrets.get(secret)?.meta.reference(Kind::TlsSecret).path();
    let mut fields = match chosen.phase {
        Phase::Start | Phase::Reissue | Phase::Soak => return None,
        Phase::Stores | Phase::Outside => {
            let title = format!("answer for the rotation of CA {path}");
            return Some(FormSpec { title, fields: vec![answer(chosen)] });
        }
        Phase::Make => of_the_new_one(chosen),
        Phase::Trust | Phase::Drop => vec![
            Field::new("restart", "Restart", FieldKind::YesNo).says(RESTART).begins(chosen.restart),
            Field::new("rolled", "Restart within", FieldKind::Duration).says(ROLLED).begins(chosen.rolled_within),
        ],
        Phase::Prove => {
            vec![Field::new("served", "Served within", FieldKind::Duration).says(SERVED).begins(chosen.served_within)]
        }
        Phase::Switch | Phase::Retire => Vec::new(),
    };
    fields.push(reason(chosen));
    let title = format!("rotate CA {path}, so that {}", chosen.phase.says());
    Some(FormSpec { title, fields })
}

fn of_the_new_one(chosen: &Options) -> Vec<Field> {
    let key = chosen.key.map_or(SAME, KeyKind::word);
    vec![
        Field::new("key", "Key", keys()).says("The kind of the new CA's key.").begins(key),
        Field::new("life", "Valid for", FieldKind::Duration).says(LIFE).begins(chosen.life).optional(),
        Field::new("soak", "Both trusted", FieldKind::Duration).says(SOAKS).begins(quantity::duration(chosen.soak)),
    ]
}

fn reason(chosen: &Options) -> Field {
    why("Reason", chosen).says("Why, for the journal.").optional()
}

/// What somebody answers for: how it is known is the one thing that is asked.
fn answer(chosen: &Options) -> Field {
    why("How it is known", chosen).says(format!("How is it known that {}? {ANSWER}", known(chosen.phase)))
}

fn why(label: &'static str, chosen: &Options) -> Field {
    let field = Field::new("reason", label, FieldKind::Lines).begins(chosen.reason.clone());
    field.checked(|answer| backup::reason(answer).map(drop))
}

/// What is answered for.
fn known(phase: Phase) -> &'static str {
    if phase == Phase::Stores {
        "both are trusted where Holdfast cannot see or write that"
    } else {
        "those outside of the cluster who trust the former CA have the new one"
    }
}

fn keys() -> FieldKind {
    let same = Choice::new(SAME, "of the kind that the former one is");
    let others = KeyKind::ALL.map(|kind| Choice::new(kind.word(), kind.said()));
    FieldKind::one_of("key", std::iter::once(same).chain(others))
}

/// What a filled form chose. What the phase does not ask for stays as it was chosen `before`.
///
/// # Errors
/// When an answer is not what the form would let pass.
pub fn options(filled: &Filled, before: &Options) -> Result<Options, String> {
    let span = |id| filled.get(id).map(backup::deadline).transpose();
    let key = match filled.get("key") {
        Some(SAME) => None,
        Some(word) => Some(KeyKind::parse(word)?),
        None => before.key,
    };
    let making = before.phase == Phase::Make;
    Ok(Options {
        phase: before.phase,
        key,
        life: if making { span("life")? } else { before.life },
        soak: filled.get("soak").map(quantity::parse_duration).transpose()?.unwrap_or(before.soak),
        again: before.again,
        restart: filled.get("restart").map_or(before.restart, |answer| answer == "yes"),
        reason: filled.get("reason").map(backup::reason).transpose()?,
        rolled_within: span("rolled")?.unwrap_or(before.rolled_within),
        served_within: span("served")?.unwrap_or(before.served_within),
    })
}

/// The command that makes the same choices for the CA in this Secret, `namespace/name`, on this context. It asks for what
/// comes next, which is this phase as long as nothing else was done.
pub fn command(options: &Options, path: &str, context: &str) -> String {
    let mut line = CommandLine::new("rotate-ca", path);
    if let Some(key) = options.key {
        line.option("--key", key.word());
    }
    if let Some(life) = options.life.and_then(|life| SignedDuration::try_from(life).ok()) {
        line.option("--valid-for", &quantity::duration(life));
    }
    if options.phase == Phase::Make && options.soak != SOAK {
        line.option("--soak", &quantity::duration(options.soak));
    }
    if options.phase == Phase::Make && options.again {
        line.flag("--again");
    }
    if !options.restart {
        line.flag("--no-restarts");
    }
    if let Some(reason) = &options.reason {
        let attested = matches!(options.phase, Phase::Stores | Phase::Outside);
        line.option(if attested { "--attest" } else { "--reason" }, reason);
    }
    line.deadline("--rolled-within", options.rolled_within, ROLLED_WITHIN);
    line.deadline("--served-within", options.served_within, SERVED_WITHIN);
    line.on(context)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rstest::rstest;

    use super::*;
    use crate::assess::testing::{live, meta, put};
    use crate::model::{KeyMatch, Object, Place, TlsSecret};

    fn asked(phase: Phase) -> Option<FormSpec> {
        let mut world = live();
        let leaf = Place { key: "tls.crt".into(), chain: Err("not read".into()) };
        let secret = TlsSecret { meta: meta("ca"), leaf, ca: None, key: KeyMatch::Match, files: Box::default() };
        let uid = secret.meta.uid();
        put(&mut world, [Object::TlsSecret(secret)]);
        form(&world, &uid, &Options { phase, ..Options::default() })
    }

    #[rstest]
    #[case(Phase::Make, &["key", "life", "soak", "reason"])]
    #[case(Phase::Trust, &["restart", "rolled", "reason"])]
    #[case(Phase::Stores, &["reason"])]
    #[case(Phase::Switch, &["reason"])]
    #[case(Phase::Prove, &["served", "reason"])]
    #[case(Phase::Outside, &["reason"])]
    #[case(Phase::Drop, &["restart", "rolled", "reason"])]
    #[case(Phase::Retire, &["reason"])]
    fn each_phase_asks_for_what_matters_to_it_and_its_defaults_choose_nothing(
        #[case] phase: Phase,
        #[case] ids: &[&str],
    ) {
        let spec = asked(phase).unwrap();
        assert_eq!(spec.fields.iter().map(|field| &*field.id).collect::<Vec<_>>(), ids);
        let before = Options { phase, ..Options::default() };
        let defaults: Vec<String> = spec.fields.iter().map(|field| field.default.clone()).collect();
        match spec.filled(&defaults) {
            Ok(filled) => assert_eq!(options(&filled, &before), Ok(before)),
            // Nobody answers for anything with nothing.
            Err(place) => assert!(matches!(phase, Phase::Stores | Phase::Outside) && place == 0, "{phase:?}"),
        }
    }

    #[rstest]
    #[case(Phase::Start)]
    #[case(Phase::Reissue)]
    #[case(Phase::Soak)]
    fn what_has_no_plan_of_its_own_has_no_form(#[case] phase: Phase) {
        assert!(asked(phase).is_none());
    }

    #[test]
    fn what_is_filled_in_is_chosen_and_stands_in_the_command() {
        let answers = |phase, answers: &[&str]| {
            let spec = asked(phase).unwrap();
            let filled = spec.filled(&answers.iter().map(|answer| (*answer).to_owned()).collect::<Vec<_>>());
            options(&filled.unwrap(), &Options { phase, ..Options::default() }).unwrap()
        };
        let made = answers(Phase::Make, &["rsa-4096", "720h", "2h", "due"]);
        assert_eq!((made.key.map(KeyKind::word), made.life), (Some("rsa-4096"), Some(Duration::from_hours(720))));
        let line = command(&made, "shop/ca", "prod");
        for part in ["--key rsa-4096", "--valid-for 720h", "--soak 2h", "--reason due"] {
            assert!(line.contains(part), "{line}");
        }
        let trusted = answers(Phase::Trust, &["no", "3m", ""]);
        assert!(command(&trusted, "shop/ca", "prod").contains("--no-restarts --rolled-within 3m"), "{trusted:?}");
        let answered = answers(Phase::Outside, &["the partners\nsaid so"]);
        assert!(command(&answered, "shop/ca", "prod").contains("--attest"), "{answered:?}");
    }
}
