//! What a person chooses before a renewal is planned: as a form, and as options of the command line.

use super::{Options, ROLLED_WITHIN, SERVED_WITHIN};
use crate::model::{Kind, Uid, World};
use crate::plan::command::CommandLine;
use crate::plan::roll::Restart;
use crate::plan::{Choice, Field, FieldKind, Filled, FormSpec, backup};

/// The form for this Certificate, beginning with `defaults`; `None` when it is gone.
pub fn form(world: &World, certificate: &Uid, defaults: &Options) -> Option<FormSpec> {
    let certificate = world.inventory.certificates.get(certificate)?;
    let ways = [Restart::Needed, Restart::All, Restart::None].map(|way| Choice::new(way.word(), way.says()));
    let fields = vec![
        Field::new("restart", "Restart", FieldKind::one_of("way", ways))
            .says("Which workloads that use the certificate are restarted once it is stored, one after the other.")
            .begins(defaults.restart.word()),
        Field::new("compromised", "Key is known", FieldKind::YesNo)
            .says(
                "Yes when others may have the present private key: it fails unless the new certificate has another \
                 one.",
            )
            .begins(defaults.compromised)
            .optional(),
        Field::new("reason", "Reason", FieldKind::Lines)
            .says("Why, for the journal.")
            .begins(defaults.reason.clone())
            .optional()
            .checked(|answer| backup::reason(answer).map(drop)),
        Field::new("issued", "Issued within", FieldKind::Duration)
            .says(
                "How long issuing may take. Left empty: 2m for a CA in the cluster, 5m for another program, 15m for \
                 ACME.",
            )
            .begins(defaults.issued_within)
            .optional(),
        Field::new("rolled", "Restart within", FieldKind::Duration)
            .says("How long one workload may take to replace its pods.")
            .begins(defaults.rolled_within)
            .optional(),
        Field::new("served", "Served within", FieldKind::Duration)
            .says("How long it may take until each pod that serves the former certificate serves the new one.")
            .begins(defaults.served_within)
            .optional(),
    ];
    let title = format!("renew certificate {}", certificate.meta.reference(Kind::Certificate).path());
    Some(FormSpec { title, fields })
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
