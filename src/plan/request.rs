//! What a person asks for: a verb, its object and what was chosen. The one door to all verbs: the console, the
//! command line and whatever comes later open a form, ask, plan and print a command through it.
//!
//! Asking is in rounds. A verb says what it still wants to know given what is known; when that is nothing more it
//! plans. A new verb is a module of its own and one arm in each function here.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{
    Answers, Filled, FormSpec, ObjectAt, OperationId, Plan, Progress, Questions, Refusal, Undone, Verb, backup, carry,
    drill, hold, isolate, prune, renew, restore, rotate, succession, swap, sweep, undo,
};
use crate::model::{ClaimKey, Kind, Uid, World};

/// What verbs begin with unless a person chooses otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Defaults {
    /// Of a backup.
    pub backup: backup::Options,
    /// Of an in-place restore.
    pub swap: swap::Options,
}

/// What a person asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Snapshots of one volume, or of all that belong together with it.
    Backup {
        /// The claim by which it is asked for.
        claim: Uid,
        /// What was chosen.
        options: backup::Options,
    },
    /// A new volume from a restore point.
    Restore {
        /// The VolumeSnapshot.
        snapshot: Uid,
        /// What was chosen.
        options: restore::Options,
    },
    /// A proof that a restore point can be restored.
    Drill {
        /// The VolumeSnapshot.
        snapshot: Uid,
        /// What was chosen.
        options: drill::Options,
    },
    /// What an operation did is taken back.
    Undo(Box<Undone>),
    /// The deletion of copies of one volume.
    Prune {
        /// The claim.
        claim: Uid,
        /// What was chosen.
        options: prune::Options,
    },
    /// A hold on one copy.
    Hold {
        /// The VolumeSnapshot.
        snapshot: Uid,
        /// What was chosen.
        options: hold::Options,
    },
    /// Another volume for a claim, made from a restore point, under its own name.
    RestoreInPlace {
        /// The claim.
        claim: Uid,
        /// What was chosen.
        options: swap::Options,
    },
    /// The end of a hold.
    Release {
        /// The VolumeSnapshot.
        snapshot: Uid,
    },
    /// A restore point that a bundle names.
    Import {
        /// The Namespace that it comes to.
        namespace: Uid,
        /// What was chosen.
        options: carry::Options,
    },
    /// The deletion of what operations left behind.
    Sweep {
        /// The Namespace whose operations.
        namespace: Uid,
        /// What was chosen.
        options: sweep::Options,
    },
    /// A new certificate from cert-manager.
    Renew {
        /// The Certificate.
        certificate: Uid,
        /// What was chosen.
        options: renew::Options,
    },
    /// A new certificate for a Secret that nobody else renews.
    Rotate {
        /// The Secret.
        secret: Uid,
        /// What was chosen.
        options: rotate::Options,
    },
    /// One phase of putting another CA in the place of one.
    RotateCa {
        /// The Secret of the former CA.
        secret: Uid,
        /// What was chosen.
        options: succession::Options,
    },
    /// A NetworkPolicy that contains a workload.
    Isolate {
        /// The kind of the workload.
        kind: Kind,
        /// The workload.
        workload: Uid,
        /// What was chosen.
        options: isolate::Options,
    },
    /// The end of that.
    Rejoin {
        /// The kind of the workload.
        kind: Kind,
        /// The workload.
        workload: Uid,
    },
}

impl Request {
    /// A verb on an object, with nothing chosen yet; `None` of a verb that is about no object.
    pub fn new(verb: Verb, subject: &Uid, defaults: &Defaults) -> Option<Self> {
        match verb {
            Verb::Restore => Some(Self::Restore { snapshot: subject.clone(), options: restore::Options::default() }),
            Verb::Drill => Some(Self::Drill { snapshot: subject.clone(), options: drill::Options::default() }),
            Verb::Backup => Some(Self::Backup { claim: subject.clone(), options: defaults.backup.clone() }),
            Verb::RestoreInPlace => {
                Some(Self::RestoreInPlace { claim: subject.clone(), options: defaults.swap.clone() })
            }
            // Taking back needs an operation; which phase of a CA rotation comes next is for the procedure to say. A
            // workload is of one of several kinds.
            Verb::Undo | Verb::RotateCa | Verb::Isolate | Verb::Rejoin => None,
            Verb::Prune => Some(Self::Prune { claim: subject.clone(), options: prune::Options::default() }),
            Verb::Hold => Some(Self::Hold { snapshot: subject.clone(), options: hold::Options::default() }),
            Verb::Release => Some(Self::Release { snapshot: subject.clone() }),
            Verb::Sweep => Some(Self::Sweep { namespace: subject.clone(), options: sweep::Options::default() }),
            Verb::Renew => Some(Self::Renew { certificate: subject.clone(), options: renew::Options::default() }),
            Verb::Rotate => Some(Self::Rotate { secret: subject.clone(), options: rotate::Options::default() }),
            Verb::Import => Some(Self::Import { namespace: subject.clone(), options: carry::Options::default() }),
        }
    }

    /// Taking back what an operation did: by its plan, and how far it came.
    pub fn undo(plan: Plan, progress: Progress) -> Self {
        Self::Undo(Box::new(Undone { plan, progress }))
    }

    /// The same verb on the same object, with what a filled form chose.
    ///
    /// # Errors
    /// When an answer is not what the form would let pass.
    pub fn filled(&self, filled: &Filled) -> Result<Self, String> {
        match self {
            Self::Backup { claim, .. } => Ok(Self::Backup { claim: claim.clone(), options: backup::options(filled)? }),
            Self::Restore { snapshot, .. } => {
                Ok(Self::Restore { snapshot: snapshot.clone(), options: restore::options(filled)? })
            }
            Self::Drill { snapshot, .. } => {
                Ok(Self::Drill { snapshot: snapshot.clone(), options: drill::options(filled)? })
            }
            Self::Prune { claim, .. } => Ok(Self::Prune { claim: claim.clone(), options: prune::options(filled)? }),
            Self::Hold { snapshot, .. } => {
                Ok(Self::Hold { snapshot: snapshot.clone(), options: hold::options(filled)? })
            }
            Self::RestoreInPlace { claim, options } => {
                Ok(Self::RestoreInPlace { claim: claim.clone(), options: swap::options(filled, options)? })
            }
            Self::Import { namespace, .. } => {
                Ok(Self::Import { namespace: namespace.clone(), options: carry::options(filled)? })
            }
            Self::Sweep { namespace, .. } => {
                Ok(Self::Sweep { namespace: namespace.clone(), options: sweep::options(filled)? })
            }
            Self::Renew { certificate, .. } => {
                Ok(Self::Renew { certificate: certificate.clone(), options: renew::options(filled)? })
            }
            Self::Rotate { secret, options } => {
                Ok(Self::Rotate { secret: secret.clone(), options: rotate::options(filled, options)? })
            }
            Self::RotateCa { secret, options } => {
                Ok(Self::RotateCa { secret: secret.clone(), options: succession::options(filled, options)? })
            }
            Self::Isolate { kind, workload, .. } => {
                Ok(Self::Isolate { kind: *kind, workload: workload.clone(), options: isolate::options(filled)? })
            }
            Self::Release { .. } | Self::Rejoin { .. } | Self::Undo(_) => Ok(self.clone()),
        }
    }

    /// Its verb.
    pub fn verb(&self) -> Verb {
        match self {
            Self::Backup { .. } => Verb::Backup,
            Self::Restore { .. } => Verb::Restore,
            Self::Drill { .. } => Verb::Drill,
            Self::Undo(_) => Verb::Undo,
            Self::Prune { .. } => Verb::Prune,
            Self::Hold { .. } => Verb::Hold,
            Self::Release { .. } => Verb::Release,
            Self::RestoreInPlace { .. } => Verb::RestoreInPlace,
            Self::Import { .. } => Verb::Import,
            Self::Sweep { .. } => Verb::Sweep,
            Self::Renew { .. } => Verb::Renew,
            Self::Rotate { .. } => Verb::Rotate,
            Self::RotateCa { .. } => Verb::RotateCa,
            Self::Isolate { .. } => Verb::Isolate,
            Self::Rejoin { .. } => Verb::Rejoin,
        }
    }

    /// A file of this machine that has to be read before it is known what to ask.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Import { options, .. } => options.source.unread().map(PathBuf::as_path),
            _ => None,
        }
    }

    /// The same once that file was read: its text, or why there is none.
    #[must_use]
    pub fn with_file(self, text: Result<String, String>) -> Self {
        match self {
            Self::Import { namespace, options } => {
                let source = options.source.with(text);
                Self::Import { namespace, options: carry::Options { source, ..options } }
            }
            other => other,
        }
    }

    /// The object that it is about, and of which kind that is.
    pub fn subject(&self) -> (Kind, &Uid) {
        match self {
            Self::Backup { claim, .. } | Self::Prune { claim, .. } | Self::RestoreInPlace { claim, .. } => {
                (Kind::Pvc, claim)
            }
            Self::Restore { snapshot, .. }
            | Self::Drill { snapshot, .. }
            | Self::Hold { snapshot, .. }
            | Self::Release { snapshot } => (Kind::VolumeSnapshot, snapshot),
            Self::Import { namespace, .. } | Self::Sweep { namespace, .. } => (Kind::Namespace, namespace),
            Self::Renew { certificate, .. } => (Kind::Certificate, certificate),
            Self::Rotate { secret, .. } | Self::RotateCa { secret, .. } => (Kind::TlsSecret, secret),
            Self::Isolate { kind, workload, .. } | Self::Rejoin { kind, workload } => (*kind, workload),
            Self::Undo(undone) => (undone.plan.subject.object.kind, &undone.plan.subject.uid),
        }
    }

    /// The object for people: `shop/data-db-0`.
    pub fn object(&self, world: &World) -> String {
        match self {
            Self::Undo(undone) => return undone.said(),
            Self::Import { options, .. } => return options.object(),
            _ => {}
        }
        let (kind, uid) = self.subject();
        let meta = world.inventory.meta(kind, uid);
        meta.map_or_else(|| "an object that is gone".to_owned(), |meta| meta.reference(kind).path())
    }

    /// Kinds that planning looks at: while one of them is still being listed, a refusal would blame what is only not
    /// here yet.
    pub fn looks_at(&self) -> &'static [Kind] {
        match self {
            Self::Backup { .. } => backup::LOOKED_AT,
            Self::Restore { .. } => restore::LOOKED_AT,
            Self::Drill { .. } => drill::LOOKED_AT,
            Self::Undo(undone) => undo::looks_at(undone),
            Self::Prune { .. } => prune::LOOKED_AT,
            Self::Hold { .. } | Self::Release { .. } => hold::LOOKED_AT,
            Self::RestoreInPlace { .. } => swap::LOOKED_AT,
            Self::Import { .. } => carry::LOOKED_AT,
            Self::Sweep { .. } => sweep::LOOKED_AT,
            Self::Renew { .. } => renew::LOOKED_AT,
            Self::Rotate { .. } => rotate::LOOKED_AT,
            Self::RotateCa { .. } => succession::LOOKED_AT,
            Self::Isolate { .. } | Self::Rejoin { .. } => isolate::LOOKED_AT,
        }
    }

    /// A rotation of this Secret to a certificate that is handed over.
    pub fn hand_over(secret: &Uid) -> Self {
        let options = rotate::Options { signer: rotate::Signer::Awaited, ..rotate::Options::default() };
        Self::Rotate { secret: secret.clone(), options }
    }

    /// The same with what is handed over so far; of another verb nothing else.
    #[must_use]
    pub fn handing(self, handed: Option<rotate::HandedOver>) -> Self {
        match self {
            Self::Rotate { secret, options } => {
                let signer = handed.map_or(rotate::Signer::Awaited, rotate::Signer::Given);
                Self::Rotate { secret, options: rotate::Options { signer, ..options } }
            }
            other => other,
        }
    }

    /// A certificate with its key that was handed over for it: only the memory of this console has it.
    pub fn handed_over(&self) -> Option<&rotate::HandedOver> {
        match self {
            Self::Rotate { options, .. } => rotate::handed_over(options),
            _ => None,
        }
    }

    /// The Secret whose servers are shaken hands with before it is planned, where there is one.
    pub fn served(&self, world: &World) -> Option<ClaimKey> {
        match self {
            Self::Renew { certificate, .. } => renew::served(world, certificate),
            Self::Rotate { secret, .. } => rotate::served(world, secret),
            Self::Undo(undone) => undo::served(undone),
            _ => None,
        }
    }

    /// The form in which a person chooses, beginning with what is chosen so far; `None` when there is nothing to
    /// choose.
    pub fn form(&self, world: &World) -> Option<FormSpec> {
        let form = match self {
            Self::Backup { claim, options } => backup::form(world, claim, options),
            Self::Restore { snapshot, options } => restore::form(world, snapshot, options),
            Self::Drill { snapshot, options } => drill::form(world, snapshot, options),
            Self::Prune { claim, options } => prune::form(world, claim, options),
            Self::Hold { snapshot, options } => hold::form(world, snapshot, options),
            Self::RestoreInPlace { claim, options } => swap::form(world, claim, options),
            Self::Import { namespace, options } => carry::form(world, namespace, options),
            Self::Sweep { namespace, options } => sweep::form(world, namespace, *options),
            Self::Renew { certificate, options } => renew::form(world, certificate, options),
            Self::Rotate { secret, options } => rotate::form(world, secret, options),
            Self::RotateCa { secret, options } => succession::form(world, secret, options),
            Self::Isolate { kind, workload, options } => isolate::form(world, *kind, workload, options),
            Self::Release { .. } | Self::Rejoin { .. } | Self::Undo(_) => None,
        };
        debug_assert!(
            form.iter().flat_map(|form| &form.fields).all(|field| self.verb().fields().contains(&&*field.id)),
            "a field of {:?} is not among those that a runbook can answer",
            self.verb()
        );
        form
    }

    /// What has to be asked, given what is known. What was answered may be asked for again and is not sent twice.
    pub fn questions(&self, world: &World, known: &Answers) -> Questions {
        let (claims, snapshots) = (&world.inventory.pvcs, &world.inventory.snapshots);
        let found = match self {
            Self::Backup { claim, options } => {
                claims.get(claim).map(|claim| backup::questions(world, claim, options, known))
            }
            Self::Restore { snapshot, options } => Some(restore::questions(world, snapshot, options, known)),
            Self::Drill { snapshot, .. } => Some(drill::questions(world, snapshot, known)),
            Self::Prune { claim, options } => claims.get(claim).map(|claim| prune::questions(world, claim, options)),
            Self::Hold { snapshot, .. } | Self::Release { snapshot } => {
                snapshots.get(snapshot).map(|snapshot| hold::questions(world, snapshot))
            }
            Self::RestoreInPlace { claim, options } => {
                claims.get(claim).map(|claim| swap::questions(world, claim, options, known))
            }
            Self::Import { namespace, options } => Some(carry::questions(world, namespace, options)),
            Self::Sweep { namespace, options } => Some(sweep::questions(world, namespace, *options, known)),
            Self::Renew { certificate, options } => Some(renew::questions(world, certificate, options, known)),
            Self::Rotate { secret, options } => Some(rotate::questions(world, secret, options)),
            Self::RotateCa { secret, options } => Some(succession::questions(world, secret, options)),
            Self::Isolate { kind, workload, .. } => Some(isolate::questions(world, *kind, workload)),
            Self::Rejoin { kind, workload } => Some(isolate::rejoin_questions(world, *kind, workload)),
            Self::Undo(undone) => Some(undo::questions(undone, world, known)),
        };
        found.unwrap_or_default()
    }

    /// The plan.
    ///
    /// # Errors
    /// A [`Refusal`] says what stands in the way and what would clear it.
    pub fn plan(&self, world: &World, answers: &Answers, id: OperationId, now: Timestamp) -> Result<Plan, Refusal> {
        match self {
            Self::Backup { claim, options } => backup::plan(world, claim, answers, options, id, now),
            Self::Restore { snapshot, options } => restore::plan(world, snapshot, answers, options, id, now),
            Self::Drill { snapshot, options } => drill::plan(world, snapshot, answers, options, id, now),
            Self::Undo(undone) => undo::plan(undone, world, answers, id, now),
            Self::Prune { claim, options } => prune::plan(world, claim, answers, options, id, now),
            Self::Hold { snapshot, options } => hold::plan(world, snapshot, answers, options, id, now),
            Self::Release { snapshot } => hold::release(world, snapshot, answers, id, now),
            Self::RestoreInPlace { claim, options } => swap::plan(world, claim, answers, options, &id, now),
            Self::Import { namespace, options } => carry::plan(world, namespace, answers, options, id, now),
            Self::Renew { certificate, options } => renew::plan(world, certificate, answers, options, id, now),
            Self::Rotate { secret, options } => rotate::plan(world, secret, answers, options, id, now),
            Self::RotateCa { secret, options } => succession::plan(world, secret, answers, options, &id, now),
            Self::Sweep { namespace, options } => sweep::plan(world, namespace, answers, *options, id, now),
            Self::Isolate { kind, workload, options } => {
                isolate::plan(world, (*kind, workload), answers, options, id, now)
            }
            Self::Rejoin { kind, workload } => isolate::rejoin(world, (*kind, workload), answers, id, now),
        }
    }

    /// The command that asks for the same; `None` when the object is gone.
    pub fn command(&self, world: &World) -> Option<String> {
        let context = &world.context.name;
        let (claims, snapshots) = (&world.inventory.pvcs, &world.inventory.snapshots);
        Some(match self {
            Self::Backup { claim, options } => backup::command(options, claims.get(claim)?, context),
            Self::Restore { snapshot, options } => restore::command(options, &place(world, snapshot)?, context),
            Self::Drill { snapshot, options } => drill::command(options, &place(world, snapshot)?, context),
            Self::Undo(undone) => undo::command(undone, context),
            Self::Prune { claim, options } => prune::command(options, claims.get(claim)?, context),
            Self::Hold { snapshot, options } => hold::command(options, snapshots.get(snapshot)?, context),
            Self::Release { snapshot } => hold::release_command(snapshots.get(snapshot)?, context),
            Self::RestoreInPlace { claim, options } => swap::command(options, claims.get(claim)?, context),
            Self::Renew { certificate, options } => {
                let meta = &world.inventory.certificates.get(certificate)?.meta;
                renew::command(options, &meta.reference(Kind::Certificate).path(), context)
            }
            Self::Rotate { secret, options } => {
                let meta = &world.inventory.tls_secrets.get(secret)?.meta;
                rotate::command(options, &meta.reference(Kind::TlsSecret).path(), context)
            }
            Self::RotateCa { secret, options } => {
                let meta = &world.inventory.tls_secrets.get(secret)?.meta;
                succession::command(options, &meta.reference(Kind::TlsSecret).path(), context)
            }
            Self::Sweep { namespace, options } => {
                sweep::command(*options, &world.inventory.namespaces.get(namespace)?.meta.name, context)
            }
            Self::Isolate { kind, workload, options } => {
                isolate::command(options, &isolate::path(world, *kind, workload)?, context)
            }
            Self::Rejoin { kind, workload } => {
                isolate::rejoin_command(&isolate::path(world, *kind, workload)?, context)
            }
            Self::Import { namespace, options } => {
                carry::command(options, &world.inventory.namespaces.get(namespace)?.meta.name, context)
            }
        })
    }
}

/// Where a restore point is.
pub(super) fn place(world: &World, snapshot: &Uid) -> Option<ObjectAt> {
    let snapshot = world.inventory.snapshots.get(snapshot)?;
    Some(ObjectAt::of(Kind::VolumeSnapshot, snapshot.meta.namespace.as_deref(), &snapshot.meta.name))
}
