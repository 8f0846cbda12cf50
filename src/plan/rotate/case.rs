//! One Secret as it was read just now, with who signs for it and who uses it: what the plan says of that.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::given::{another_ca, apart, fits, hosts};
use super::signer::{Found, can_sign, find, leaf};
use super::steps::{Table, new};
use super::subject::rotatable;
use super::{HandedOver, Options, command, handed_over, lock_of, pinned, place};
use crate::assess::succession::Store;
use crate::assess::{identity, manager};
use crate::model::{CertificateFacts, ClaimKey, Kind, TlsSecret, Uid, World};
use crate::plan::lock;
use crate::plan::pins::{self, Bundles};
use crate::plan::reach::Reach;
use crate::plan::read::{text as text_at, uid};
use crate::plan::{Answers, Content, Held, Like, ObjectAt, OperationId, Plan, Refusal, SignedBy, Subject, Verb};
use crate::text;

/// Longest name of an object (RFC 1123 subdomain, as Kubernetes has it).
const NAME: usize = 253;

/// Why not, and what would clear it.
type No = (String, String);

/// Everything that a plan is made of.
pub(super) struct Case<'a> {
    world: &'a World,
    secret: &'a TlsSecret,
    own: &'a CertificateFacts,
    fresh: &'a Value,
    /// The CA, with what was read of its Secret; `None` when the certificate signs itself or was handed over.
    signer: Option<(&'a TlsSecret, &'a CertificateFacts)>,
    handed: Option<&'a HandedOver>,
    reach: Reach,
    /// Where it is pinned.
    pins: Vec<Bundles>,
    warnings: Vec<String>,
    options: &'a Options,
    now: Timestamp,
}

impl<'a> Case<'a> {
    pub fn of(
        world: &'a World,
        secret: &Uid,
        answers: &'a Answers,
        options: &'a Options,
        (id, now): (&OperationId, Timestamp),
    ) -> Result<Self, Refusal> {
        let Some(secret) = world.inventory.tls_secrets.get(secret) else {
            let (object, why) = ("a certificate".to_owned(), "its Secret is gone".to_owned());
            return Err(Refusal { verb: Verb::Rotate, object, why, clear: "pick another certificate".into() });
        };
        let object = format!("certificate {}", secret.meta.reference(Kind::TlsSecret).path());
        let refused = |(why, clear)| Refusal { verb: Verb::Rotate, object: object.clone(), why, clear };
        Self::read(world, secret, answers, options, (id, now)).map_err(refused)
    }

    fn read(
        world: &'a World,
        secret: &'a TlsSecret,
        answers: &'a Answers,
        options: &'a Options,
        (id, now): (&OperationId, Timestamp),
    ) -> Result<Self, No> {
        answers.rights()?;
        let warnings = lock::look(&[lock_of(secret)], answers, id, now)?;
        let (fresh, own) = rotatable(world, secret, answers, options)?;
        let signer = match find(world, secret, options)? {
            Found::Itself => None,
            Found::Elsewhere(handed) => {
                fits(handed, own, now)?;
                None
            }
            Found::Authority(ca) => {
                can_sign(ca, now)?;
                Some((ca, as_seen(ca, answers)?))
            }
        };
        let namespace = secret.meta.namespace();
        let key: ClaimKey = (namespace.into(), secret.meta.name.clone());
        let reach = Reach::of(world, &key, &new(), (options.restart, options.served_within), answers, now)?;
        let pins = pinned(world, secret);
        let read = |store: &Store| Bundles::holding(pins::place(store), &store.uid, &own.fingerprint, answers);
        let pins = pins.iter().map(read).collect::<Result<Vec<_>, No>>()?;
        let handed = handed_over(options);
        Ok(Self { world, secret, own, fresh, signer, handed, reach, pins, warnings, options, now })
    }

    pub fn plan(&self, id: OperationId) -> Plan {
        let context = &self.world.context;
        let reference = self.secret.meta.reference(Kind::TlsSecret);
        let path = reference.path();
        let lock = lock_of(self.secret);
        Plan {
            verb: Verb::Rotate,
            title: format!("rotate certificate {path}"),
            context: context.name.to_string(),
            server: context.server.to_string(),
            protected: context.protected,
            count: None,
            subject: Subject {
                object: reference,
                uid: self.secret.meta.uid(),
                resource_version: text_at(self.fresh, "/metadata/resourceVersion").to_owned(),
            },
            made: self.now,
            facts: self.facts(),
            warnings: self.all_warnings(),
            changes: self.changes(&id),
            command: command(self.options, &path, &context.name),
            undo: self.undo(&id),
            locks: vec![lock],
            undoes: None,
            bundle: None,
            nodes: self.table(&id).nodes(),
            id,
        }
    }

    fn table<'b>(&'b self, id: &'b OperationId) -> Table<'b> {
        Table {
            id,
            secret: held(self.secret, self.own),
            content: self.content(),
            staged: self.named("new", id),
            kept: (!self.options.compromised).then(|| self.named("kept", id)),
            reach: &self.reach,
            pins: &self.pins,
            unpin: self.unpins(),
            rolled_within: self.options.rolled_within,
            now: self.now,
        }
    }

    /// Whether the present one goes from where it is pinned: once every server was seen to serve the new one, or when
    /// others may have its key.
    fn unpins(&self) -> bool {
        self.options.compromised || self.reach.proven
    }

    fn content(&self) -> Content {
        let former = held(self.secret, self.own);
        if let Some(handed) = self.handed {
            return Content::Given { former, fingerprint: handed.given.fingerprint().to_owned() };
        }
        let signer = self.signer.map(|(ca, facts)| SignedBy::Authority(held(ca, facts)));
        Content::Like(Box::new(Like {
            former,
            signer: signer.unwrap_or(SignedBy::Itself),
            key: self.options.key,
            life: self.options.life,
            successor: false,
        }))
    }

    /// The first certificate of what was handed over.
    fn new_one(&self) -> Option<&CertificateFacts> {
        self.handed?.given.chain.first()
    }

    /// A Secret beside this one, of this operation.
    fn named(&self, what: &str, id: &OperationId) -> ObjectAt {
        sibling(&place(self.secret), what, id)
    }

    fn facts(&self) -> Vec<(String, String)> {
        let safe = |text: &str| text::sanitize(text).into_owned();
        let mut facts = vec![
            ("present fingerprint".to_owned(), safe(&self.own.fingerprint)),
            ("present serial".to_owned(), safe(&self.own.serial)),
            ("present until".to_owned(), self.own.not_after.to_string()),
            ("subject and names".to_owned(), self.said_names()),
            ("key".to_owned(), format!("a new one, {}", self.said_key())),
            ("signed by".to_owned(), self.said_signer()),
            ("valid until".to_owned(), self.said_until()),
        ];
        facts.extend(self.new_one().map(|new| ("new fingerprint".to_owned(), safe(&new.fingerprint))));
        if self.reach.nobody {
            facts.push(("used by".to_owned(), "nothing that is seen here".to_owned()));
        }
        facts.extend(self.reach.facts.iter().cloned());
        facts.extend(self.same_key().into_iter().map(|other| ("same key".to_owned(), other)));
        let reason = self.options.reason.iter().flat_map(|reason| reason.lines());
        facts.extend(reason.map(|line| ("reason".to_owned(), line.to_owned())));
        facts
    }

    fn said_until(&self) -> String {
        self.new_one().map_or_else(|| format!("about {}", self.until()), |new| new.not_after.to_string())
    }

    fn said_names(&self) -> String {
        if let Some(new) = self.new_one() {
            let (lost, more) = apart(new, self.own);
            let part = |what: &str, names: &[String]| {
                if names.is_empty() { String::new() } else { format!("; {what}: {}", names.join(", ")) }
            };
            let said = format!("{}{}{}", new.subject, part("no longer", &lost), part("new", &more));
            return text::sanitize(&said).into_owned();
        }
        let names: Vec<&str> = self.own.names.iter().map(|name| &**name).collect();
        let said = format!("as now: {}; {}", self.own.subject, names.join(", "));
        text::sanitize(said.trim_end_matches("; ")).into_owned()
    }

    fn said_key(&self) -> String {
        let own = self.new_one().unwrap_or(self.own);
        let kind = self.options.key.map_or(&*own.key, |kind| kind.said());
        text::sanitize(kind).into_owned()
    }

    fn said_signer(&self) -> String {
        if let Some(new) = self.new_one().filter(|new| !new.self_signed) {
            return text::sanitize(&format!("{}, as it was handed over", new.issuer)).into_owned();
        }
        let Some((ca, facts)) = self.signer else { return "itself".to_owned() };
        let said =
            format!("{}, {}, until {}", ca.meta.reference(Kind::TlsSecret).path(), facts.subject, facts.not_after);
        text::sanitize(&said).into_owned()
    }

    /// When the new one ends: never after those who sign it.
    fn until(&self) -> Timestamp {
        if let Some(new) = self.new_one() {
            return new.not_after;
        }
        let chosen = self.options.life.and_then(|life| SignedDuration::try_from(life).ok());
        let life = chosen.unwrap_or_else(|| self.own.not_after.duration_since(self.own.not_before));
        let end = self.now.saturating_add(life).unwrap_or(Timestamp::MAX);
        let chain = self.signer.and_then(|(ca, _)| ca.leaf.chain.as_deref().ok()).unwrap_or_default();
        chain.iter().map(|facts| facts.not_after).fold(end, Timestamp::min)
    }

    /// Other places with the present key.
    fn same_key(&self) -> Vec<String> {
        let places = identity::with_key(self.world, &self.secret.meta.uid(), self.own);
        places.iter().map(|place| text::sanitize(place).into_owned()).collect()
    }

    fn all_warnings(&self) -> Vec<String> {
        let mut warnings = match self.handed {
            Some(handed) => self.about_what_was_handed_over(handed),
            None => self.about_the_signer(),
        };
        if self.until() < self.own.not_after {
            warnings.push(format!("it ends before the present one does ({})", self.own.not_after));
        }
        warnings.extend(self.about_the_present_key());
        if let Some(manager) = manager(&self.secret.meta) {
            warnings.push(format!("{manager} keeps this Secret as it is written down elsewhere: it must be paused"));
        }
        warnings.extend(self.warnings.iter().cloned());
        warnings.extend(self.reach.warnings.iter().cloned());
        warnings
    }

    fn about_what_was_handed_over(&self, handed: &HandedOver) -> Vec<String> {
        let mut said = Vec::new();
        if let Some(new) = handed.given.chain.first() {
            said.extend(another_ca(new, self.own));
            said.extend(hosts(self.world, self.secret, new, self.now));
        }
        if handed.given.reordered {
            said.push("the certificates were not in order; they are put in order, the leaf first".to_owned());
        }
        let memory = "the key is only in the memory of this console until it is stored: when that ends before, hand it \
                      over again";
        said.push(memory.to_owned());
        said
    }

    fn about_the_signer(&self) -> Vec<String> {
        let Some((ca, facts)) = self.signer else {
            if !self.pins.is_empty() {
                let said = "it signs itself: API servers are given the new one to trust first; other clients that trust \
                            the present one have to trust the new one before it is stored, or they refuse it";
                let stays = "where it is pinned the present one stays beside the new one: whether that is served will not \
                             be seen; take it out of there once it is";
                let stays = (!self.unpins()).then(|| stays.to_owned());
                return std::iter::once(said.to_owned()).chain(stays).collect();
            }
            let said = "it signs itself: clients that trust the present certificate have to trust the new one before it \
                        is stored, or they refuse it";
            return vec![said.to_owned()];
        };
        if facts.vouches_for(self.own) {
            return Vec::new();
        }
        let path = ca.meta.reference(Kind::TlsSecret).path();
        let said = format!(
            "another CA signs it than before ({} instead of {}): clients must trust that of {path} already",
            facts.subject, self.own.issuer
        );
        vec![text::sanitize(&said).into_owned()]
    }

    fn about_the_present_key(&self) -> Vec<String> {
        let others = self.same_key();
        if !self.options.compromised {
            let on = format!("{} goes on with the present key", text::list(&others));
            return if others.is_empty() { Vec::new() } else { vec![on] };
        }
        let until = self.own.not_after;
        let mut said = vec![
            format!("the old certificate stays valid until {until} unless its clients check revocation"),
            "nothing goes back to the present key: when a step fails, the new certificate stays".to_owned(),
        ];
        if !others.is_empty() {
            said.push(format!("the same key is in {}: rotate that too", text::list(&others)));
        }
        let namespace = self.secret.meta.namespace().into();
        let blind = [Kind::TlsSecret, Kind::OtherSecret].iter();
        if blind.copied().any(|kind| !self.world.freshness_in(kind, &namespace).live()) {
            said.push("not all Secrets can be seen here: whether the same key is in others is not known".to_owned());
        }
        said
    }

    fn changes(&self, id: &OperationId) -> Vec<String> {
        let secret = place(self.secret);
        let mut changes = vec![format!(
            "makes {} with the new certificate and its key, and deletes it in the end",
            self.named("new", id)
        )];
        if !self.options.compromised {
            changes.push(format!("writes what {secret} holds now into {}, which stays", self.named("kept", id)));
        }
        changes.push(format!("replaces tls.crt and tls.key of {secret} in one write; of ca.crt nothing is taken away"));
        changes.extend(self.pins.iter().map(|pin| {
            let then = if self.unpins() { ", and takes the present one out of it in the end" } else { "" };
            format!("adds the new certificate to {}, by which API servers check it, before it is stored{then}", pin.at)
        }));
        changes.extend(self.reach.changes());
        changes.push(lock_of(self.secret).kept());
        changes.push(id.recorded(self.secret.meta.namespace()));
        changes
    }

    fn undo(&self, id: &OperationId) -> Vec<String> {
        if self.options.compromised {
            return vec!["cannot be taken back: nothing goes back to a key that is known to others".to_owned()];
        }
        let kept = self.named("kept", id);
        vec![
            "when a step fails, everything goes back to the present certificate".to_owned(),
            format!(
                "later: `holdfast operations undo {id}`, as long as {kept} is there and the certificate in it holds"
            ),
            format!(
                "it holds the present private key; once it is of no use: kubectl delete secret -n {} {}",
                self.secret.meta.namespace(),
                text::sanitize(&kept.name)
            ),
        ]
    }
}

/// A Secret beside another one, of an operation: its name tells which and what for.
pub(super) fn sibling(of: &ObjectAt, what: &str, id: &OperationId) -> ObjectAt {
    let end = format!("-{what}-{}", id.short());
    let name: String = of.name.chars().take(NAME - end.len()).collect();
    ObjectAt { name: format!("{}{end}", name.trim_end_matches(['-', '.'])), ..of.clone() }
}

fn held(secret: &TlsSecret, facts: &CertificateFacts) -> Held {
    Held { at: place(secret), uid: secret.meta.uid(), fingerprint: facts.fingerprint.to_string() }
}

/// The certificate of a CA, when its Secret still holds the one that is seen.
fn as_seen<'a>(ca: &'a TlsSecret, answers: &Answers) -> Result<&'a CertificateFacts, No> {
    let at = place(ca);
    let fresh = answers.object(&at)?;
    let facts = leaf(ca).filter(|facts| text_at(fresh, "/data/tls.crt/fingerprint") == &*facts.fingerprint);
    let facts = facts.filter(|_| uid(fresh) == ca.meta.uid());
    facts.ok_or_else(|| {
        (format!("{at} was given another certificate just now"), "wait a moment, then try again".to_owned())
    })
}
