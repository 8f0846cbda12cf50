//! What a person chooses before a rotation is planned: as a form, and as options of the command line.

use std::time::Duration;

use super::signer::{self, Found, leaf};
use super::{HandedOver, Options, ROLLED_WITHIN, SERVED_WITHIN, Signer};
use crate::model::{KeyMatch, Kind, TlsSecret, Uid, World};
use crate::plan::command::CommandLine;
use crate::plan::{Choice, Field, FieldKind, Filled, FormSpec, Restart, backup};
use crate::text::{self, names};
use crate::x509::KeyKind;

/// The words of signers that are no Secret. No path of one lacks a slash.
const FORMER: &str = "as-before";
const ITSELF: &str = "itself";
/// The word of a certificate that is handed over.
const GIVEN: &str = "handed-over";
/// The word for a key as before.
const SAME: &str = "as-before";

/// The form for this Secret, beginning with `chosen`; `None` when it is gone.
pub fn form(world: &World, secret: &Uid, chosen: &Options) -> Option<FormSpec> {
    let secret = world.inventory.tls_secrets.get(secret)?;
    let path = secret.meta.reference(Kind::TlsSecret).path();
    let (title, mut fields) = match &chosen.signer {
        Signer::Given(_) | Signer::Awaited => (format!("import a certificate into {path}"), given_fields()),
        _ => (format!("rotate certificate {path}"), made_fields(world, secret, chosen)),
    };
    fields.extend(fields_of_both(chosen));
    Some(FormSpec { title, fields })
}

/// What is asked of one that is made here.
fn made_fields(world: &World, secret: &TlsSecret, chosen: &Options) -> Vec<Field> {
    vec![
        Field::new("signer", "Signed by", signers(world, secret)).says(SIGNER).begins(chosen.signer.word()),
        Field::new("key", "Key", keys()).says("The kind of the new key.").begins(key_word(chosen.key)),
        Field::new("life", "Valid for", FieldKind::Duration).says(LIFE).begins(chosen.life).optional(),
    ]
}

/// What is asked of one that is handed over. What was handed over before is not in the form: its key is nowhere else
/// than in memory.
fn given_fields() -> Vec<Field> {
    let file = |id, into| Field::new(id, "  or its file", FieldKind::File { into }).optional();
    vec![
        Field::new("pem", "Certificate", FieldKind::Pem).says(PEM),
        file("pem-file", "pem").says(PEM_FILE),
        Field::new("private", "Private key", FieldKind::Hidden).says(PRIVATE),
        file("private-file", "private").says(PRIVATE_FILE),
        Field::new("other-names", "Other names", FieldKind::YesNo).says(OTHER_NAMES).begins(false),
    ]
}

/// What is asked either way.
fn fields_of_both(chosen: &Options) -> Vec<Field> {
    vec![
        Field::new("restart", "Restart", restarts()).says(RESTART).begins(chosen.restart.word()),
        Field::new("compromised", "Key is known", FieldKind::YesNo).says(COMPROMISED).begins(chosen.compromised),
        Field::new("managed", "Manager paused", FieldKind::YesNo).says(MANAGED).begins(chosen.managed),
        Field::new("reason", "Reason", FieldKind::Lines)
            .says("Why, for the journal.")
            .begins(chosen.reason.clone())
            .optional()
            .checked(|answer| backup::reason(answer).map(drop)),
        Field::new("served", "Served within", FieldKind::Duration).says(SERVED).begins(chosen.served_within),
        Field::new("rolled", "Restart within", FieldKind::Duration).says(ROLLED).begins(chosen.rolled_within),
    ]
}

const PEM: &str = "The certificate with those that issued it, PEM, in any order. A private key among it goes into its \
                   own field.";
const PEM_FILE: &str = "A file to read it from, and the key where that is in it too; enter reads it.";
const PRIVATE: &str = "Its private key, PEM, not encrypted. It is not shown, and only in memory until it is stored; ctrl-u \
                       empties it.";
const PRIVATE_FILE: &str = "A file to read the key from; enter reads it.";
const OTHER_NAMES: &str = "Yes when nobody uses the names that the new certificate lacks.";
const SIGNER: &str = "Whose signature the new certificate has. Clients have to trust it already.";
const LIFE: &str =
    "How long it is valid at most, never longer than its CA. Left empty: as long as the present one was.";
const RESTART: &str = "Which workloads that use the certificate are restarted once it is stored, one after the other.";
const COMPROMISED: &str =
    "Yes when others may have the present private key: nothing goes back to it, and no copy of it is kept.";
const MANAGED: &str =
    "Yes when what keeps this Secret as it is written down elsewhere (Argo CD, Helm, an operator) is paused.";
const SERVED: &str = "How long it may take until each pod that served the present certificate serves the new one.";
const ROLLED: &str = "How long one workload may take to replace its pods.";

fn choice(value: &str, says: &str) -> Choice {
    Choice::new(value, text::sanitize(says))
}

/// Who can sign: who did, CAs with their keys, itself.
fn signers(world: &World, secret: &TlsSecret) -> FieldKind {
    let authority = |other: &&TlsSecret| {
        other.key == KeyMatch::Match && leaf(other).is_some_and(|facts| facts.ca && facts.usage.signs != Some(false))
    };
    let mut authorities: Vec<Choice> = world
        .inventory
        .tls_secrets
        .iter()
        .filter(|other| other.meta.uid != secret.meta.uid)
        .filter(authority)
        .filter_map(|other| {
            let facts = leaf(other)?;
            let says = format!("{}, until {}", facts.subject, facts.not_after);
            Some(choice(&other.meta.reference(Kind::TlsSecret).path(), &says))
        })
        .collect();
    authorities.sort_by(|a, b| a.value.cmp(&b.value));
    let former = match signer::former(world, secret) {
        Ok(Found::Itself) => "itself, as now".to_owned(),
        Ok(Found::Authority(ca)) => format!("the CA in {}", ca.meta.reference(Kind::TlsSecret).path()),
        Ok(Found::Elsewhere(_)) => "handed over".to_owned(),
        Err((why, _)) => format!("nobody here: {why}"),
    };
    let mut choices = vec![choice(FORMER, &former)];
    choices.extend(authorities);
    choices.push(choice(ITSELF, "its own key: clients have to trust the certificate itself"));
    FieldKind::one_of("signer", choices)
}

fn keys() -> FieldKind {
    let same = Choice::new(SAME, "of the kind that the present one is");
    let others = KeyKind::ALL.map(|kind| Choice::new(kind.word(), kind.said()));
    FieldKind::one_of("key", std::iter::once(same).chain(others))
}

fn restarts() -> FieldKind {
    let ways = [Restart::Needed, Restart::All, Restart::None];
    FieldKind::one_of("way", ways.map(|way| Choice::new(way.word(), way.says())))
}

fn key_word(key: Option<KeyKind>) -> &'static str {
    key.map_or(SAME, KeyKind::word)
}

impl Signer {
    /// Its word: `as-before`, `itself` or `NAMESPACE/SECRET`.
    pub fn word(&self) -> String {
        match self {
            Self::Former => FORMER.to_owned(),
            Self::Itself => ITSELF.to_owned(),
            Self::Secret(namespace, name) => format!("{namespace}/{name}"),
            Self::Given(_) | Self::Awaited => GIVEN.to_owned(),
        }
    }

    /// Reads it.
    ///
    /// # Errors
    /// When it is none: what to write instead.
    pub fn parse(word: &str) -> Result<Self, String> {
        match word {
            FORMER => return Ok(Self::Former),
            ITSELF => return Ok(Self::Itself),
            _ => {}
        }
        let wrong =
            || format!("\"{}\" is no signer; it is {FORMER}, {ITSELF} or NAMESPACE/SECRET", text::sanitize(word));
        let (namespace, name) = word.split_once('/').ok_or_else(wrong)?;
        let good = names::validate_name(namespace).is_ok() && names::validate_name(name).is_ok();
        if good { Ok(Self::Secret(namespace.to_owned(), name.to_owned())) } else { Err(wrong()) }
    }
}

/// What a filled form chose; what was handed over is in what was chosen `before`.
///
/// # Errors
/// When an answer is not what the form would let pass.
pub fn options(filled: &Filled, before: &Options) -> Result<Options, String> {
    let yes = |id| filled.get(id) == Some("yes");
    let signer = match (filled.get("signer"), &before.signer) {
        (Some(word), _) => Signer::parse(word)?,
        (None, Signer::Given(handed)) => {
            Signer::Given(HandedOver { other_names: yes("other-names"), ..handed.clone() })
        }
        (None, _) => Signer::Awaited,
    };
    let key = filled.get("key").filter(|word| *word != SAME).map(KeyKind::parse).transpose()?;
    Ok(Options {
        signer,
        key,
        life: filled.get("life").map(backup::deadline).transpose()?,
        restart: filled.get("restart").map(Restart::parse).transpose()?.unwrap_or_default(),
        compromised: yes("compromised"),
        managed: yes("managed"),
        reason: filled.get("reason").map(backup::reason).transpose()?,
        served_within: filled.get("served").map(backup::deadline).transpose()?.unwrap_or(SERVED_WITHIN),
        rolled_within: filled.get("rolled").map(backup::deadline).transpose()?.unwrap_or(ROLLED_WITHIN),
    })
}

/// The command that makes the same choices for this Secret, `namespace/name`, on this context.
pub fn command(options: &Options, path: &str, context: &str) -> String {
    let mut line = CommandLine::new("rotate", path);
    match &options.signer {
        Signer::Former | Signer::Awaited => {}
        Signer::Given(handed) => {
            line.option("--certificate", &handed.certificate.to_string_lossy());
            if let Some(key) = &handed.key {
                line.option("--private-key", &key.to_string_lossy());
            }
            if handed.other_names {
                line.flag("--other-names");
            }
        }
        signer => line.option("--signer", &signer.word()),
    }
    if let Some(key) = options.key {
        line.option("--key", key.word());
    }
    if let Some(life) = options.life {
        line.deadline("--valid-for", life, Duration::ZERO);
    }
    if options.restart != Restart::default() {
        line.option("--restart", options.restart.word());
    }
    if options.compromised {
        line.flag("--compromised");
    }
    if options.managed {
        line.flag("--managed-elsewhere");
    }
    if let Some(reason) = &options.reason {
        line.option("--reason", reason);
    }
    line.deadline("--rolled-within", options.rolled_within, ROLLED_WITHIN);
    line.deadline("--served-within", options.served_within, SERVED_WITHIN);
    line.on(context)
}
