//! One Certificate as it was read just now, with its Secret and its issuer: whether it can be renewed, and what the plan
//! says of that.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::ladder::{Ladder, named};
use super::steps::{STORED, Table};
use super::{Options, command, condition, is, issuer, place, requests, said, secret, text_at};
use crate::model::{CertManagerCertificate, ClaimKey, Kind, Uid, World, annotation};
use crate::plan::reach::Reach;
use crate::plan::{Answers, ObjectAt, OperationId, Part, Plan, Refusal, Subject, Verb, from_step};
use crate::text;

/// How long a CA or self-signed issuer takes, which signs within cert-manager itself.
const OWN: Duration = Duration::from_secs(120);
/// One that asks another program, such as Vault.
const ASKS: Duration = Duration::from_secs(300);
/// One that has to prove names to a public CA.
const ACME: Duration = Duration::from_secs(900);

/// Why not, and what would clear it.
type No = (String, String);

/// What is known of an issuer.
pub(super) struct IssuerSeen<'a> {
    pub at: ObjectAt,
    pub uid: Uid,
    fresh: &'a Value,
}

/// Everything that a plan is made of.
pub(super) struct Case<'a> {
    world: &'a World,
    certificate: &'a CertManagerCertificate,
    fresh: &'a Value,
    ladder: Ladder<'a>,
    secret: ObjectAt,
    stored: &'a Value,
    issuer: Option<IssuerSeen<'a>>,
    reach: Reach,
    options: &'a Options,
    now: Timestamp,
}

impl<'a> Case<'a> {
    pub fn of(
        world: &'a World,
        certificate: &Uid,
        answers: &'a Answers,
        options: &'a Options,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let Some(certificate) = world.inventory.certificates.get(certificate) else {
            let (object, why) = ("a certificate".to_owned(), "its Certificate is gone".to_owned());
            return Err(Refusal { verb: Verb::Renew, object, why, clear: "pick another certificate".into() });
        };
        let object = format!("certificate {}", certificate.meta.reference(Kind::Certificate).path());
        let refused = |(why, clear)| Refusal { verb: Verb::Renew, object: object.clone(), why, clear };
        Self::read(world, certificate, answers, options, now).map_err(refused)
    }

    fn read(
        world: &'a World,
        certificate: &'a CertManagerCertificate,
        answers: &'a Answers,
        options: &'a Options,
        now: Timestamp,
    ) -> Result<Self, No> {
        answers.rights()?;
        let fresh = answers.object(&place(certificate))?;
        still_it(certificate, fresh)?;
        let listed = answers.lists.get(&requests(certificate.meta.namespace()));
        let requests = listed.and_then(|listed| listed.as_ref().ok()).map_or(&[][..], Vec::as_slice);
        let ladder = Ladder { certificate: fresh, requests };
        alone(world, certificate, fresh)?;
        let at = secret(certificate, fresh);
        let stored = stored(certificate, &at, answers)?;
        if options.compromised {
            changes_key(fresh, stored)?;
        }
        let issuer = ready_issuer(certificate, fresh, stored, answers)?;
        issuable(&ladder, certificate)?;
        let key: ClaimKey = (certificate.meta.namespace().into(), at.name.as_str().into());
        let new = from_step(STORED, "fingerprint", Part::Name);
        let reach = Reach::of(world, &key, &new, (options.restart, options.served_within), answers, now)?;
        Ok(Self { world, certificate, fresh, ladder, secret: at, stored, issuer, reach, options, now })
    }

    pub fn plan(&self, id: OperationId) -> Plan {
        let context = &self.world.context;
        let path = self.certificate.meta.reference(Kind::Certificate).path();
        Plan {
            verb: Verb::Renew,
            title: format!("renew certificate {path}"),
            context: context.name.to_string(),
            server: context.server.to_string(),
            protected: context.protected,
            count: None,
            subject: Subject {
                object: self.certificate.meta.reference(Kind::Certificate),
                uid: self.certificate.meta.uid(),
                resource_version: text_at(self.fresh, "/metadata/resourceVersion").to_owned(),
            },
            made: self.now,
            facts: self.facts(),
            warnings: self.all_warnings(),
            changes: self.changes(&id),
            command: command(self.options, &path, &context.name),
            undo: vec![
                "cannot be taken back: cert-manager replaces an older certificate that is put into the Secret"
                    .to_owned(),
                format!("forward: mend what is wrong, then `holdfast renew {path}` again"),
            ],
            locks: Vec::new(),
            undoes: None,
            bundle: None,
            nodes: self.table().nodes(),
            id,
        }
    }

    fn table(&self) -> Table<'_> {
        Table {
            certificate: place(self.certificate),
            uid: self.certificate.meta.uid(),
            revision: self.ladder.revision(),
            failures: self.ladder.failures(),
            secret: self.secret.clone(),
            secret_uid: Uid::from(text_at(self.stored, "/metadata/uid")),
            fingerprint: leaf(self.stored, "fingerprint"),
            known_key: leaf(self.stored, "publicKey").filter(|_| self.options.compromised),
            issuer: self.issuer.as_ref(),
            acme: self.acme(),
            issued_within: self.options.issued_within.unwrap_or_else(|| self.issuer_needs()),
            rolled_within: self.options.rolled_within,
            reach: &self.reach,
            moment: self.now.to_string(),
        }
    }

    fn acme(&self) -> bool {
        self.issuer.as_ref().is_some_and(|issuer| issuer.fresh.pointer("/spec/acme").is_some())
    }

    fn issuer_needs(&self) -> Duration {
        let signs = |issuer: &IssuerSeen| {
            ["/spec/ca", "/spec/selfSigned"].iter().any(|kind| issuer.fresh.pointer(kind).is_some())
        };
        match &self.issuer {
            Some(_) if self.acme() => ACME,
            Some(issuer) if signs(issuer) => OWN,
            _ => ASKS,
        }
    }

    fn facts(&self) -> Vec<(String, String)> {
        let mut facts = vec![
            ("secret".to_owned(), self.secret.path()),
            ("issuer".to_owned(), self.said_issuer()),
            ("revision".to_owned(), format!("{}, and {} then", self.ladder.revision(), self.ladder.revision() + 1)),
        ];
        let leaf = |field| leaf(self.stored, field).unwrap_or("cannot be read").to_owned();
        facts.push(("stored fingerprint".to_owned(), leaf("fingerprint")));
        facts.push(("stored serial".to_owned(), leaf("serial")));
        facts.push(("stored until".to_owned(), leaf("notAfter")));
        facts.push(("key".to_owned(), self.key().to_owned()));
        if self.reach.nobody {
            facts.push(("used by".to_owned(), "nothing that is seen here".to_owned()));
        }
        facts.extend(self.reach.facts.iter().cloned());
        let reason = self.options.reason.iter().flat_map(|reason| reason.lines());
        facts.extend(reason.map(|line| ("reason".to_owned(), line.to_owned())));
        facts
    }

    fn said_issuer(&self) -> String {
        let part = |field: &str| text_at(self.fresh, &format!("/spec/issuerRef/{field}"));
        let foreign = || format!("{}.{} {}", part("kind"), part("group"), part("name"));
        self.issuer.as_ref().map_or_else(foreign, |issuer| issuer.at.to_string())
    }

    /// Whether the private key changes (`rotationPolicy`; unset it means Always from cert-manager 1.18 on).
    fn key(&self) -> &'static str {
        match text_at(self.fresh, "/spec/privateKey/rotationPolicy") {
            "Never" => "stays the same (rotationPolicy Never)",
            "Always" => "a new one is made (rotationPolicy Always)",
            _ => "a new one is made; before cert-manager 1.18 it stays the same, as no rotationPolicy is set",
        }
    }

    fn all_warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        warnings.extend(self.ladder.failed());
        if self.acme() {
            warnings.push(
                "an ACME issuer counts what it issues: too many renewals of the same names are refused for days"
                    .to_owned(),
            );
        }
        if self.issuer.is_none() {
            warnings
                .push(format!("{} is not of cert-manager itself: whether it is ready is not seen", self.said_issuer()));
        }
        if text_at(self.fresh, "/spec/renewal/policy") == "Disabled" {
            warnings.push("cert-manager does not renew it by itself (spec.renewal.policy Disabled): it does now, as it is asked to".to_owned());
        }
        if self.stored.pointer("/data/tls.crt/keyMatches") == Some(&Value::Bool(false)) {
            warnings.push("the stored key does not belong to the stored certificate".to_owned());
        }
        warnings.extend(self.reach.warnings.iter().cloned());
        warnings
    }

    fn changes(&self, id: &OperationId) -> Vec<String> {
        let limit = self.fresh.pointer("/spec/revisionHistoryLimit").and_then(Value::as_u64).unwrap_or(1);
        let mut changes = vec![
            format!("sets condition Issuing in the status of {}, as `cmctl renew` does", place(self.certificate)),
            format!("cert-manager then makes a CertificateRequest and writes {}", self.secret),
            format!(
                "cert-manager keeps {} of it (revisionHistoryLimit) and deletes older ones",
                text::plural(usize::try_from(limit).unwrap_or(usize::MAX), "CertificateRequest", "CertificateRequests",)
            ),
        ];
        changes.extend(self.reach.changes());
        changes.push(id.recorded(self.certificate.meta.namespace()));
        changes
    }
}

/// Whether the new certificate can be seen to have another key.
fn changes_key(fresh: &Value, stored: &Value) -> Result<(), No> {
    if text_at(fresh, "/spec/privateKey/rotationPolicy") == "Never" {
        let why = "its key is known to others, and the Certificate keeps it (rotationPolicy Never)";
        return Err((why.to_owned(), "set spec.privateKey.rotationPolicy to Always".to_owned()));
    }
    if leaf(stored, "publicKey").is_none() {
        let why = "its key is known to others, and which one that is cannot be read from the stored certificate";
        return Err((why.to_owned(), "delete the Secret: cert-manager makes it anew with another key".to_owned()));
    }
    Ok(())
}

/// What is said of the stored certificate; safe to draw.
fn leaf<'a>(secret: &'a Value, field: &str) -> Option<&'a str> {
    secret.pointer("/data/tls.crt")?.get(field)?.as_str()
}

fn still_it(certificate: &CertManagerCertificate, fresh: &Value) -> Result<(), No> {
    if text_at(fresh, "/metadata/uid") != certificate.meta.uid().as_str() {
        return Err(("it was made anew meanwhile".to_owned(), "look at the new one, then try again".to_owned()));
    }
    if fresh.pointer("/metadata/deletionTimestamp").is_some() {
        let clear = "a deletion that has begun cannot be taken back; make the Certificate anew when it is gone";
        return Err(("it is being deleted".to_owned(), clear.to_owned()));
    }
    Ok(())
}

/// Two Certificates that write one Secret take turns overwriting it, and asking for one by hand is not kept from that.
fn alone(world: &World, certificate: &CertManagerCertificate, fresh: &Value) -> Result<(), No> {
    let key: ClaimKey = (certificate.meta.namespace().into(), text_at(fresh, "/spec/secretName").into());
    let writers = world.links.certificates_writing(&key).iter().filter(|uid| **uid != certificate.meta.uid());
    let others: Vec<String> = writers
        .filter_map(|uid| world.inventory.certificates.get(uid))
        .map(|other| other.meta.name.to_string())
        .collect();
    if others.is_empty() {
        return Ok(());
    }
    let (noun, verb) = if others.len() == 1 { ("Certificate", "writes") } else { ("Certificates", "write") };
    let why =
        format!("{noun} {} {verb} the same Secret {}: each would overwrite the other", text::list(&others), key.1);
    Err((text::sanitize(&why).into_owned(), "give each a secretName of its own".to_owned()))
}

/// The Secret, when it is this Certificate's.
fn stored<'a>(certificate: &CertManagerCertificate, at: &ObjectAt, answers: &'a Answers) -> Result<&'a Value, No> {
    let stored = match answers.object(at) {
        Err((_, clear)) if matches!(answers.objects.get(at), Some(Ok(None))) => {
            let clear = format!("cert-manager makes it by itself; see why it has not: {clear}");
            return Err((format!("{at} is not there"), clear));
        }
        stored => stored?,
    };
    let writer = text_at(stored, &annotation::pointer(annotation::CERTIFICATE_NAME));
    if writer != &*certificate.meta.name {
        let whose = match writer {
            "" => "was not written by cert-manager".to_owned(),
            other => format!("was written by Certificate {}", text::sanitize(other)),
        };
        let clear = "give the Certificate a secretName of its own, or see who writes that Secret";
        return Err((format!("{at} {whose}"), clear.to_owned()));
    }
    Ok(stored)
}

/// The issuer, when it is ready; `None` of a kind that only its own program knows.
fn ready_issuer<'a>(
    certificate: &CertManagerCertificate,
    fresh: &Value,
    stored: &Value,
    answers: &'a Answers,
) -> Result<Option<IssuerSeen<'a>>, No> {
    let Some(at) = issuer(certificate, fresh) else { return Ok(None) };
    let serves = match leaf(stored, "notAfter") {
        Some(end) => format!("the stored certificate serves until {end}"),
        None => "the Secret stays as it is".to_owned(),
    };
    let found = match answers.objects.get(&at) {
        Some(Ok(None)) => {
            let clear = format!("make it, or name another one in spec.issuerRef; {serves}");
            return Err((format!("its issuer, {at}, is not there"), clear));
        }
        _ => answers.object(&at)?,
    };
    if !is(found, "Ready") {
        let why = condition(found, "Ready").map_or_else(|| "it says nothing yet".to_owned(), said);
        return Err((format!("its issuer, {at}, is not ready: {why}"), format!("mend the issuer first; {serves}")));
    }
    let uid = Uid::from(text_at(found, "/metadata/uid"));
    Ok(Some(IssuerSeen { at, uid, fresh: found }))
}

/// Whether asking leads to anything.
fn issuable(ladder: &Ladder, certificate: &CertManagerCertificate) -> Result<(), No> {
    if let Some(under_way) = ladder.under_way() {
        let clear = "wait for its end: cert-manager goes on by itself once what it waits for is mended";
        return Err((under_way, clear.to_owned()));
    }
    if let Some(denied) = ladder.denied() {
        let why = condition(denied, "Denied").map(said).unwrap_or_default();
        let clear = format!(
            "see who denied it, then delete it: kubectl delete certificaterequest -n {} {}",
            certificate.meta.namespace(),
            text::sanitize(text_at(denied, "/metadata/name"))
        );
        let why = format!(
            "{} of an earlier attempt was denied ({why}): while it is there, every attempt fails at once",
            named(denied)
        );
        return Err((why, clear));
    }
    Ok(())
}
