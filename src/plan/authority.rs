//! Who said that a plan may run, and what proved that it was meant. A [`Confirmed`] plan cannot be made in any
//! other way than here.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{OperationId, Plan};
use crate::model::{Context, Uid};

/// On whose word an operation runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Authority {
    /// A person typed the object's name after reading the plan; on a protected context, that context's name first.
    Typed {
        /// Who, as the API server knows them.
        who: String,
    },
    /// A flag on the command line said yes beforehand; on a protected context, another named it.
    Flag {
        /// Who, as the API server knows them.
        who: String,
    },
    /// A policy of the policy file asked for it when it was due.
    Policy {
        /// The policy's name.
        policy: String,
        /// Who let it, as the API server knows them.
        who: String,
    },
    /// A procedure that was confirmed as a whole came to it.
    Procedure {
        /// The procedure's name.
        procedure: String,
        /// Where in it: `wave 2, 2 of 12`.
        step: String,
        /// Who confirmed the procedure, as the API server knows them.
        who: String,
    },
    /// A runbook came to it, and this step of it was confirmed.
    Runbook {
        /// Which run of a runbook.
        run: String,
        /// The step.
        step: String,
        /// How it was confirmed.
        by: Box<Authority>,
    },
    /// An operation that was confirmed before goes on.
    Resumed {
        /// The operation.
        operation: OperationId,
        /// Who, as the API server knows them.
        who: String,
    },
}

impl Authority {
    /// Who it is.
    pub fn who(&self) -> &str {
        match self {
            Self::Typed { who }
            | Self::Flag { who }
            | Self::Policy { who, .. }
            | Self::Procedure { who, .. }
            | Self::Resumed { who, .. } => who,
            Self::Runbook { by, .. } => by.who(),
        }
    }

    /// Who it is, and for whom or what they let it run.
    pub fn said(&self) -> String {
        match self {
            Self::Procedure { procedure, step, who } => format!("{who}, in procedure {procedure}: {step}"),
            Self::Runbook { run, step, by } => format!("{}, in run {run}: {step}", by.said()),
            Self::Typed { .. } | Self::Flag { .. } | Self::Policy { .. } | Self::Resumed { .. } => {
                self.who().to_owned()
            }
        }
    }
}

/// A plan that may run, exactly as it was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmed {
    plan: Plan,
    authority: Authority,
}

/// A name, or a number, that has to be typed, exactly, before a plan may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof<'a> {
    /// What it is the name of, for people: `context` or `object`; or [`NUMBER`].
    pub of: &'static str,
    /// The name.
    pub name: &'a str,
}

/// What a number proves: that it was read how many go.
pub const NUMBER: &str = "number of what goes";

impl Proof<'_> {
    /// What is typed, for people: `the name of the object`.
    pub fn said(&self) -> String {
        said(self.of)
    }
}

fn said(of: &str) -> String {
    if of == NUMBER { format!("the {of}") } else { format!("the name of the {of}") }
}

/// What was typed or given does not prove the target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotConfirmed {
    /// A name is missing or another was typed.
    #[error("what was typed is not {}, {expected:?}", said(.of))]
    Typed {
        /// Of what the name is.
        of: &'static str,
        /// What has to be typed.
        expected: String,
    },
    /// A flag says yes on a protected context that nobody named.
    #[error("context {context:?} is protected: saying yes beforehand needs it named as well, with --context")]
    NotNamed {
        /// The plan's context.
        context: String,
    },
    /// Something says yes beforehand to so many that their number has to be given as well.
    #[error("{count} of them go at once: saying yes beforehand needs their number, with --count {count}")]
    NotCounted {
        /// How many.
        count: String,
    },
    /// A procedure comes to something that was not shown when it was confirmed.
    #[error("{object} was not among what was confirmed")]
    NotShown {
        /// What it is.
        object: String,
    },
}

/// The place of the first character that makes what is typed another name, counted in characters; `None` while it
/// may still become the name.
pub fn departs(name: &str, typed: &str) -> Option<usize> {
    let mut expected = name.chars();
    typed.chars().position(|c| expected.next() != Some(c))
}

impl Plan {
    /// What a person types to confirm, in this order: on a protected context its name, then the subject's, then how
    /// many go where that is unusual. The name of an object proves nothing about the cluster that it is on.
    pub fn proofs(&self) -> Vec<Proof<'_>> {
        let context = self.protected.then_some(Proof { of: "context", name: &self.context });
        let count = self.count.as_deref().map(|name| Proof { of: NUMBER, name });
        context.into_iter().chain([Proof { of: "object", name: &self.subject.object.name }]).chain(count).collect()
    }

    /// Confirms by what a person typed: one text for each of [`Plan::proofs`].
    ///
    /// # Errors
    /// When one of them is missing, or is not exactly the name; more than were asked for prove nothing either.
    pub fn confirm_typed<S: AsRef<str>>(self, typed: &[S], who: &str) -> Result<Confirmed, NotConfirmed> {
        if let Some(wrong) = typed_wrong(&self.proofs(), typed) {
            return Err(wrong);
        }
        Ok(Confirmed { authority: Authority::Typed { who: who.to_owned() }, plan: self })
    }

    /// Confirms by a flag given beforehand; it is recorded as such. `named` is the context as the person gave it,
    /// `None` when it was left to the kubeconfig; `count` how many go, as they gave it.
    ///
    /// # Errors
    /// On a protected context that was not named, and when so many go that their number is needed and is another.
    pub fn confirm_by_flag(
        self,
        named: Option<&str>,
        count: Option<&str>,
        who: &str,
    ) -> Result<Confirmed, NotConfirmed> {
        self.beforehand(named, count)?;
        Ok(Confirmed { authority: Authority::Flag { who: who.to_owned() }, plan: self })
    }

    /// Confirms because a policy asked for it; it is recorded as such. It never stands for the number of what goes: so
    /// many deletions wait for a person.
    ///
    /// # Errors
    /// As for a flag.
    pub fn confirm_by_policy(self, named: Option<&str>, policy: &str, who: &str) -> Result<Confirmed, NotConfirmed> {
        self.beforehand(named, None)?;
        let authority = Authority::Policy { policy: policy.to_owned(), who: who.to_owned() };
        Ok(Confirmed { authority, plan: self })
    }

    /// Confirms because a procedure that was confirmed as a whole came to it; it is recorded as such. `step` says where in
    /// the procedure.
    ///
    /// # Errors
    /// When the plan is of another cluster, or of an object that was not shown, or asks for a number of its own: that is
    /// more than was confirmed.
    pub fn confirm_by_procedure(self, agreed: &Agreed, step: &str) -> Result<Confirmed, NotConfirmed> {
        let mandate = &agreed.mandate;
        let shown = mandate.objects.contains(&self.subject.uid) && mandate.context == self.context;
        if !shown {
            return Err(NotConfirmed::NotShown { object: self.subject.object.to_string() });
        }
        if let Some(count) = self.count {
            return Err(NotConfirmed::NotCounted { count });
        }
        let (procedure, who) = (mandate.procedure.clone(), agreed.who.clone());
        let authority = Authority::Procedure { procedure, step: step.to_owned(), who };
        Ok(Confirmed { authority, plan: self })
    }

    fn beforehand(&self, named: Option<&str>, count: Option<&str>) -> Result<(), NotConfirmed> {
        beforehand((self.protected, &self.context), self.count.as_deref(), named, count)
    }
}

fn beforehand(
    (protected, context): (bool, &str),
    needed: Option<&str>,
    named: Option<&str>,
    count: Option<&str>,
) -> Result<(), NotConfirmed> {
    if protected && named != Some(context) {
        return Err(NotConfirmed::NotNamed { context: context.to_owned() });
    }
    match needed {
        Some(needed) if count != Some(needed) => Err(NotConfirmed::NotCounted { count: needed.to_owned() }),
        Some(_) | None => Ok(()),
    }
}

/// What the first text that is missing, or another one, should have been; more than were asked for prove nothing either.
fn typed_wrong<S: AsRef<str>>(proofs: &[Proof<'_>], typed: &[S]) -> Option<NotConfirmed> {
    let wrong = proofs.iter().enumerate().find(|(at, proof)| typed.get(*at).map(AsRef::as_ref) != Some(proof.name));
    let wrong = wrong.map(|(_, proof)| *proof).or(proofs.last().copied().filter(|_| typed.len() > proofs.len()));
    wrong.map(|Proof { of, name }| NotConfirmed::Typed { of, expected: name.to_owned() })
}

/// What a procedure asks for as a whole: many objects, one confirmation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mandate {
    procedure: String,
    context: String,
    protected: bool,
    objects: BTreeSet<Uid>,
    count: String,
}

/// A [`Mandate`] that was confirmed. It cannot be made in any other way than here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    mandate: Mandate,
    who: String,
}

impl Mandate {
    /// Of a procedure by name, on this context, about these objects and no others.
    pub fn new(procedure: &str, context: &Context, objects: impl IntoIterator<Item = Uid>) -> Self {
        let objects: BTreeSet<Uid> = objects.into_iter().collect();
        Self {
            procedure: procedure.to_owned(),
            context: context.name.to_string(),
            protected: context.protected,
            count: objects.len().to_string(),
            objects,
        }
    }

    /// What a person types, in this order: on a protected context its name, then how many go. No single name would prove
    /// that all of them were read.
    pub fn proofs(&self) -> Vec<Proof<'_>> {
        let context = self.protected.then_some(Proof { of: "context", name: &self.context });
        context.into_iter().chain([Proof { of: NUMBER, name: &self.count }]).collect()
    }

    /// Confirms by what a person typed: one text for each of [`Mandate::proofs`].
    ///
    /// # Errors
    /// As for a plan.
    pub fn confirm_typed<S: AsRef<str>>(self, typed: &[S], who: &str) -> Result<Agreed, NotConfirmed> {
        match typed_wrong(&self.proofs(), typed) {
            Some(wrong) => Err(wrong),
            None => Ok(Agreed { mandate: self, who: who.to_owned() }),
        }
    }

    /// Confirms by a flag given beforehand. Their number is always needed: what matches when it runs may be more than
    /// what matched when it was looked at.
    ///
    /// # Errors
    /// On a protected context that was not named, and when the number is missing or another.
    pub fn confirm_by_flag(self, named: Option<&str>, count: Option<&str>, who: &str) -> Result<Agreed, NotConfirmed> {
        beforehand((self.protected, &self.context), Some(&self.count), named, count)?;
        Ok(Agreed { mandate: self, who: who.to_owned() })
    }
}

impl Confirmed {
    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The same as a step of a run of a runbook; how it was confirmed stays with it.
    #[must_use]
    pub fn in_run(self, run: &str, step: &str) -> Self {
        let by = Box::new(self.authority);
        Self { plan: self.plan, authority: Authority::Runbook { run: run.to_owned(), step: step.to_owned(), by } }
    }

    /// On whose word.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }
}

#[cfg(test)]
mod tests;
