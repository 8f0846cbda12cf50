//! What a person chooses before a workload is contained: as a form, and as options of the command line.

use super::{Options, Peer, place, watched};
use crate::model::{Kind, Uid, World};
use crate::plan::{Field, FieldKind, Filled, FormSpec, backup};
use crate::text;

/// The form for an isolation of this workload, beginning with `defaults`; `None` when it is gone.
pub fn form(world: &World, kind: Kind, uid: &Uid, defaults: &Options) -> Option<FormSpec> {
    let workload = watched(world, kind, uid)?;
    let from: Vec<String> = defaults.from.iter().map(ToString::to_string).collect();
    let fields = vec![
        Field::new("reason", "Reason", FieldKind::Lines)
            .says("Why it is contained: kept in an annotation of the policy, where everybody can read it.")
            .begins(defaults.reason.clone())
            .checked(|answer| backup::reason(answer).map(drop)),
        Field::new("from", "Allow from", FieldKind::Lines)
            .says(
                "Who may still come in, one in each line: labels of pods such as app=web, namespace=NAME, or both with \
                 a comma between. Left empty, nobody.",
            )
            .begins(from.join("\n"))
            .optional()
            .checked(|answer| peers(answer).map(drop)),
        Field::new("dns", "Allow DNS", FieldKind::YesNo)
            .says("Whether names can still be resolved: port 53 of pods in kube-system.")
            .begins(defaults.dns),
        Field::new("beside", "Beside policies", FieldKind::YesNo)
            .says(
                "Policies add up. Whether it is done although others let traffic through to its pods; the plan names \
                 them.",
            )
            .begins(defaults.beside),
    ];
    Some(FormSpec { title: format!("isolate {}", place(kind, workload)), fields })
}

fn peers(text: &str) -> Result<Vec<Peer>, String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(Peer::parse).collect()
}

/// What a filled form chose.
///
/// # Errors
/// When an answer is not what the form would let pass.
pub fn options(filled: &Filled) -> Result<Options, String> {
    Ok(Options {
        reason: filled.get("reason").map(backup::reason).transpose()?,
        dns: filled.get("dns") == Some("yes"),
        from: filled.get("from").map(peers).transpose()?.unwrap_or_default(),
        beside: filled.get("beside") == Some("yes"),
    })
}

/// The command that makes the same choices for `NAMESPACE/KIND/NAME` on this context.
pub fn command(options: &Options, path: &str, context: &str) -> String {
    let mut words = vec!["holdfast".to_owned(), "isolate".to_owned(), path.to_owned()];
    // A value that begins with a dash would be taken for an option.
    words.extend(options.reason.iter().map(|reason| format!("--reason={reason}")));
    words.extend(options.from.iter().map(|peer| format!("--allow-from={peer}")));
    words.extend(options.dns.then(|| "--allow-dns".to_owned()));
    words.extend(options.beside.then(|| "--beside-policies".to_owned()));
    on(words, context)
}

/// The command that lets `NAMESPACE/KIND/NAME` rejoin on this context.
pub fn rejoin_command(path: &str, context: &str) -> String {
    on(vec!["holdfast".to_owned(), "rejoin".to_owned(), path.to_owned()], context)
}

fn on(mut words: Vec<String>, context: &str) -> String {
    if !context.is_empty() {
        words.extend(["--context".to_owned(), context.to_owned()]);
    }
    text::command_line(&words)
}
