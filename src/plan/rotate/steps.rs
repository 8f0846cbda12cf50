//! The table of a rotation.
//!
//! | step | what | taken back by |
//! |---|---|---|
//! | former | note which certificate is stored | |
//! | stage | make the new one in a Secret of its own | unstage, owed from here on |
//! | keep | write the present one into another Secret | deleting that |
//! | pin | who checks by the certificate itself trusts the new one too | taking that out |
//! | store | give the Secret what was staged, in one write | what was kept, and restarts |
//! | stored | see that it holds it | |
//! | restart, rolled, gone | each user that cannot see it | |
//! | served | each pod that served the former one serves it | |
//! | unpin | who checks by the certificate itself trusts the former one no more | adding that |
//! | unstage | delete the Secret of the new one: its key is nowhere but where it is served | |

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::model::annotation;
use crate::plan::content::{certificate, holds};
use crate::plan::pins::Bundles;
use crate::plan::reach::Reach;
use crate::plan::roll::{Cause, Roll};
use crate::plan::{
    Act, Check, Content, Expect, Firm, Guard, Held, Node, ObjectAt, OperationId, Part, Step, StepId, Target, Trusted,
    Until, from_step,
};

/// How long it may take that a change shows.
const SHOWN: Duration = Duration::from_secs(60);
/// RSA keys of 4096 bits may take a while to make.
const MADE: Duration = Duration::from_secs(120);

/// An operation that is interrupted may be taken up that long: after it, what was staged goes.
const STAGED: Duration = Duration::from_secs(7 * 24 * 3600);

/// What identifies a certificate.
const IDENTITY: [&str; 3] = ["fingerprint", "serial", "notAfter"];

/// Everything that the table is made of.
pub(super) struct Table<'a> {
    pub id: &'a OperationId,
    /// The Secret, and what it holds now.
    pub secret: Held,
    /// What the new one is made from.
    pub content: Content,
    /// Where the new certificate is made.
    pub staged: ObjectAt,
    /// Where the present one is kept; `None` where it must not be.
    pub kept: Option<ObjectAt>,
    /// What becomes of those who use it.
    pub reach: &'a Reach,
    /// Where the certificate is pinned.
    pub pins: &'a [Bundles],
    /// Whether the present one goes from there in the end.
    pub unpin: bool,
    pub rolled_within: Duration,
    pub now: Timestamp,
}

fn step(id: &str, title: String, act: Act, deadline: Duration) -> Step {
    Step { id: StepId(id.to_owned()), title, act, guards: Vec::new(), deadline }
}

fn plain(step: Step) -> Node {
    Node::Do(Box::new(step))
}

/// Writes down which certificate a Secret holds; one that is not the expected one ends it.
pub(super) fn former(secret: &Held) -> Step {
    let expected = Check { field: certificate("fingerprint"), expect: Expect::Is(secret.fingerprint.as_str().into()) };
    let until = Until {
        what: format!("{} to be looked at", secret.at),
        firm: vec![Firm::new(expected, "another certificate was stored meanwhile; look at it, then plan again")],
        outputs: identity(),
        ..Until::default()
    };
    let act = Act::Wait { target: known(secret), until: Box::new(until) };
    step("former", format!("note which certificate {} holds", secret.at), act, SHOWN)
}

fn identity() -> Vec<(String, String)> {
    IDENTITY.map(|slot| (slot.to_owned(), certificate(slot))).into()
}

pub(super) fn known(held: &Held) -> Target {
    Target::Known { at: held.at.clone(), uid: held.uid.clone() }
}

/// A Secret of the operation, without its values. It cannot be changed any more: what it holds is what was made.
fn manifest(id: &OperationId, at: &ObjectAt, of: &ObjectAt) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "immutable": true,
        "metadata": {
            "name": at.name, "namespace": at.namespace,
            "labels": { annotation::MANAGED_BY.0: annotation::MANAGED_BY.1 },
            "annotations": { annotation::OPERATION: id.as_str(), annotation::COPY_OF: of.name },
        },
    })
}

/// Writes what a Secret holds into one of its own.
pub(super) fn keep(id: &OperationId, secret: &Held, kept: &ObjectAt) -> Step {
    let act = Act::Stage {
        at: kept.clone(),
        manifest: manifest(id, kept, &secret.at),
        content: Content::CopyOf(secret.clone()),
    };
    step("keep", format!("keep what {} holds now as {kept}", secret.at), act, SHOWN)
}

fn delete_own(step_id: &str, id: &OperationId, at: &ObjectAt) -> Step {
    let own = Target::Own { at: at.clone(), operation: id.clone(), checks: Vec::new() };
    step(step_id, format!("delete {at}"), Act::Delete { target: own }, SHOWN)
}

fn output(step: &str) -> Target {
    Target::Output { step: StepId(step.to_owned()), slot: "object".to_owned() }
}

/// Gives a Secret what another one holds.
pub(super) fn store(secret: &Held, from: Target, new: Value) -> Step {
    let act = Act::Store {
        target: known(secret),
        from,
        was: vec![holds(secret.fingerprint.as_str()), Check::absent("/metadata/deletionTimestamp")],
        done: vec![holds(new)],
    };
    let unchanged = Guard {
        at: secret.at.clone(),
        uid: secret.uid.clone(),
        checks: vec![holds(secret.fingerprint.as_str()), Check::not("/immutable", true)],
        or: "another certificate was stored meanwhile; look at it, then plan again".to_owned(),
    };
    Step {
        guards: vec![unchanged],
        ..step("store", format!("give {} the other certificate and its key, in one write", secret.at), act, SHOWN)
    }
}

/// Sees that a Secret holds a certificate, with a key that belongs to it.
pub(super) fn stored(secret: &Held, new: Value) -> Step {
    let until = Until {
        what: format!("{} to hold the other certificate", secret.at),
        firm: vec![
            Firm::new(holds(new), "something else wrote another certificate into it; see who keeps this Secret"),
            Firm::new(
                Check::not(&certificate("keyMatches"), false),
                "the stored key does not belong to the stored certificate: something else writes this Secret",
            ),
        ],
        outputs: identity(),
        ..Until::default()
    };
    let act = Act::Wait { target: known(secret), until: Box::new(until) };
    step("stored", format!("see that {} holds the other certificate, and which", secret.at), act, SHOWN)
}

/// Who checks by the certificate itself has the new one before it is stored.
fn pin(number: usize, pin: &Bundles) -> Node {
    let staged = Trusted { from: output("stage"), fingerprint: new() };
    Node::Reversible {
        step: Box::new(pin.change(format!("pin-{number}"), "add the new certificate to", Some(staged), None)),
        undo: vec![pin.change(format!("pin-back-{number}"), "take the new certificate out of", None, Some(new()))],
    }
}

impl Table<'_> {
    /// The whole table.
    pub fn nodes(&self) -> Vec<Node> {
        let mut whole = Vec::new();
        whole.extend(self.kept.as_ref().map(|kept| Node::Reversible {
            step: Box::new(keep(self.id, &self.secret, kept)),
            undo: vec![delete_own("unkeep", self.id, kept)],
        }));
        whole.extend(self.pins.iter().enumerate().map(|(place, one)| pin(place + 1, one)));
        whole.push(self.swap());
        whole.push(plain(stored(&self.secret, new())));
        whole.extend(self.restarts());
        whole.extend(self.reach.served.iter().cloned().map(plain));
        let pins = self.pins.iter().enumerate().filter(|_| self.unpin);
        whole.extend(pins.map(|(place, pin)| self.unpin(place + 1, pin)));
        let staged = Node::Bracket {
            open: Box::new(self.stage()),
            body: vec![Node::Whole(whole)],
            close: Box::new(delete_own("unstage", self.id, &self.staged)),
            limit: STAGED,
        };
        vec![plain(former(&self.secret)), staged]
    }

    fn stage(&self) -> Step {
        let act = Act::Stage {
            at: self.staged.clone(),
            manifest: manifest(self.id, &self.staged, &self.secret.at),
            content: self.content.clone(),
        };
        step("stage", format!("make the new certificate and its key in {}", self.staged), act, MADE)
    }

    /// And has the former one no more, once nobody serves it.
    fn unpin(&self, number: usize, pin: &Bundles) -> Node {
        let former = Some(self.secret.fingerprint.as_str().into());
        let unpin = pin.change(format!("unpin-{number}"), "take the former certificate out of", None, former);
        if self.kept.is_none() {
            return plain(unpin);
        }
        let kept = Trusted { from: output("keep"), fingerprint: self.secret.fingerprint.as_str().into() };
        let back = pin.change(format!("unpin-back-{number}"), "add the former certificate to", Some(kept), None);
        Node::Reversible { step: Box::new(unpin), undo: vec![back] }
    }

    fn swap(&self) -> Node {
        let store = store(&self.secret, output("stage"), new());
        if self.kept.is_none() {
            return plain(store);
        }
        let again = self.back(Cause::Restarted(self.now.to_string()));
        let restarts = self.reach.whole(&again);
        let undo = std::iter::once(self.store_back("store-back")).chain(restarts).collect();
        Node::Reversible { step: Box::new(store), undo }
    }

    fn store_back(&self, id: &str) -> Step {
        let back = Act::Store {
            target: known(&self.secret),
            from: output("keep"),
            was: vec![holds(new())],
            // Whatever else is there by now was put there by somebody else.
            done: vec![Check { field: certificate("fingerprint"), expect: Expect::Not(new()) }],
        };
        step(id, format!("give {} back what it held", self.secret.at), back, SHOWN)
    }

    fn roll(&self) -> Roll {
        Roll {
            moment: self.now.to_string(),
            cause: Cause::Anew,
            within: self.rolled_within,
            or: "the new certificate is stored".into(),
        }
    }

    fn back(&self, cause: Cause) -> Roll {
        // Another value is what makes it another restart.
        let later = self.now.saturating_add(SignedDuration::from_millis(1)).unwrap_or(self.now);
        Roll { moment: later.to_string(), cause, ..self.roll() }
    }

    fn restarts(&self) -> Vec<Node> {
        let roll = self.roll();
        let first = self.reach.first(&roll).map(|step| match self.first_back(&step) {
            Some(undo) => Node::Reversible { step: Box::new(step), undo },
            None => plain(step),
        });
        first.chain(self.reach.whole(&roll).map(plain)).collect()
    }

    /// The pod that went first has read what is taken back. What is undone last is begun first, so the Secret has to
    /// hold the former certificate again before another pod comes in its place.
    fn first_back(&self, step: &Step) -> Option<Vec<Step>> {
        if self.kept.is_none() || !step.act.writes() {
            return None;
        }
        let again = self.back(Cause::Replaced);
        let restart = self.reach.first_back(&again);
        Some(std::iter::once(self.store_back("store-first-back")).chain(restart).collect())
    }
}

/// The fingerprint of the certificate that was staged.
pub(super) fn new() -> Value {
    from_step("stage", "fingerprint", Part::Name)
}
