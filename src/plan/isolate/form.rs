//! What a person chooses before a workload is contained: as a form, and as options of the command line.

use super::{Options, Peer, place, watched};
use crate::model::{Kind, Uid, World};
use crate::plan::{Field, FieldKind, Filled, FormSpec, backup};
use crate::text;

/// The form for an isolation of this workload, beginning with `defaults`; `None` when it is gone.
pub fn form(world: &World, kind: Kind, uid: &Uid, defaults: &Options) -> Option<FormSpec> {
    let workload = watched(world, kind, uid)?;
    let yes_no = |id: &'static str, label: &'static str, doc: &str, yes: bool| Field {
        id: id.into(),
        label: label.into(),
        doc: doc.to_owned(),
        kind: FieldKind::YesNo,
        default: if yes { "yes" } else { "no" }.to_owned(),
        required: true,
        check: |_| Ok(()),
    };
    let from: Vec<String> = defaults.from.iter().map(ToString::to_string).collect();
    let fields = vec![
        Field {
            id: "reason".into(),
            label: "Reason".into(),
            doc: "Why it is contained: kept in an annotation of the policy, where everybody can read it.".to_owned(),
            kind: FieldKind::Lines,
            default: defaults.reason.clone().unwrap_or_default(),
            required: true,
            check: |answer| backup::reason(answer).map(drop),
        },
        Field {
            id: "from".into(),
            label: "Allow from".into(),
            doc: "Who may still come in, one in each line: labels of pods such as app=web, namespace=NAME, or both \
                  with a comma between. Left empty, nobody."
                .to_owned(),
            kind: FieldKind::Lines,
            default: from.join("\n"),
            required: false,
            check: |answer| peers(answer).map(drop),
        },
        yes_no(
            "dns",
            "Allow DNS",
            "Whether names can still be resolved: port 53 of pods in kube-system.",
            defaults.dns,
        ),
        yes_no(
            "beside",
            "Beside policies",
            "Policies add up. Whether it is done although others let traffic through to its pods; the plan names them.",
            defaults.beside,
        ),
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
