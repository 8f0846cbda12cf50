//! What a person chooses before a renewal is planned: as a form, and as options of the command line.

use super::{Options, ROLLED_WITHIN, SERVED_WITHIN};
use crate::model::{Kind, Uid, World};
use crate::plan::command::CommandLine;
use crate::plan::roll::Restart;
use crate::plan::{Choice, Field, FieldKind, Filled, FormSpec, backup};
use crate::text::quantity;

/// The form for this Certificate, beginning with `defaults`; `None` when it is gone.
pub fn form(world: &World, certificate: &Uid, defaults: &Options) -> Option<FormSpec> {
    let certificate = world.inventory.certificates.get(certificate)?;
    let duration = |within| jiff::SignedDuration::try_from(within).map(quantity::duration);
    let field = |id: &'static str, label: &'static str, doc: &str, kind, default, check| Field {
        id: id.into(),
        label: label.into(),
        doc: doc.to_owned(),
        kind,
        default,
        required: false,
        check,
    };
    let fine: fn(&str) -> Result<(), String> = |_| Ok(());
    let deadline: fn(&str) -> Result<(), String> = |answer| backup::deadline(answer).map(drop);
    let restart = Field {
        required: true,
        ..field(
            "restart",
            "Restart",
            "Which workloads that use the certificate are restarted once it is stored, one after the other.",
            restarts(),
            defaults.restart.word().to_owned(),
            fine,
        )
    };
    let reason = field(
        "reason",
        "Reason",
        "Why, for the journal.",
        FieldKind::Lines,
        defaults.reason.clone().unwrap_or_default(),
        |answer| backup::reason(answer).map(drop),
    );
    let compromised = field(
        "compromised",
        "Key is known",
        "Yes when others may have the present private key: it fails unless the new certificate has another one.",
        FieldKind::YesNo,
        if defaults.compromised { "yes" } else { "no" }.to_owned(),
        fine,
    );
    let issued = field(
        "issued",
        "Issued within",
        "How long issuing may take. Left empty: 2m for a CA in the cluster, 5m for another program, 15m for ACME.",
        FieldKind::Duration,
        defaults.issued_within.and_then(|within| duration(within).ok()).unwrap_or_default(),
        deadline,
    );
    let rolled = field(
        "rolled",
        "Restart within",
        "How long one workload may take to replace its pods.",
        FieldKind::Duration,
        duration(defaults.rolled_within).unwrap_or_default(),
        deadline,
    );
    let served = field(
        "served",
        "Served within",
        "How long it may take until each pod that serves the former certificate serves the new one.",
        FieldKind::Duration,
        duration(defaults.served_within).unwrap_or_default(),
        deadline,
    );
    let title = format!("renew certificate {}", certificate.meta.reference(Kind::Certificate).path());
    Some(FormSpec { title, fields: vec![restart, compromised, reason, issued, rolled, served] })
}

fn restarts() -> FieldKind {
    let choice = |restart: Restart| Choice { value: restart.word().to_owned(), says: restart.says().to_owned() };
    FieldKind::Choice {
        of: "way",
        choices: [Restart::Needed, Restart::All, Restart::None].map(choice).to_vec(),
        left_out: Vec::new(),
    }
}

/// What a filled form chose.
///
/// # Errors
/// When an answer is not what the form would let pass.
pub fn options(filled: &Filled) -> Result<Options, String> {
    Ok(Options {
        restart: filled.get("restart").map(Restart::parse).transpose()?.unwrap_or_default(),
        compromised: filled.get("compromised") == Some("yes"),
        reason: filled.get("reason").map(backup::reason).transpose()?,
        issued_within: filled.get("issued").map(backup::deadline).transpose()?,
        rolled_within: filled.get("rolled").map(backup::deadline).transpose()?.unwrap_or(ROLLED_WITHIN),
        served_within: filled.get("served").map(backup::deadline).transpose()?.unwrap_or(SERVED_WITHIN),
    })
}

/// The command that makes the same choices for this Certificate, `namespace/name`, on this context.
pub fn command(options: &Options, path: &str, context: &str) -> String {
    let mut line = CommandLine::new("renew", path);
    if options.restart != Restart::default() {
        line.option("--restart", options.restart.word());
    }
    if options.compromised {
        line.flag("--compromised");
    }
    if let Some(reason) = &options.reason {
        line.option("--reason", reason);
    }
    if let Some(within) = options.issued_within {
        line.deadline("--issued-within", within, std::time::Duration::ZERO);
    }
    line.deadline("--rolled-within", options.rolled_within, ROLLED_WITHIN);
    line.deadline("--served-within", options.served_within, SERVED_WITHIN);
    line.on(context)
}
