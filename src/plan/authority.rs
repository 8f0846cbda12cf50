//! Who said that a plan may run. A [`Confirmed`] plan cannot be made in any other way.

use serde::{Deserialize, Serialize};

use super::{OperationId, Plan};

/// On whose word an operation runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Authority {
    /// A person typed the object's name after reading the plan.
    Typed {
        /// Who, as the API server knows them.
        who: String,
    },
    /// A flag on the command line said yes beforehand.
    Flag {
        /// Who, as the API server knows them.
        who: String,
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
            Self::Typed { who } | Self::Flag { who } | Self::Resumed { who, .. } => who,
        }
    }
}

/// A plan that may run, exactly as it was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmed {
    plan: Plan,
    authority: Authority,
}

/// What was typed does not prove the target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what was typed is not the name {expected:?}")]
pub struct NotConfirmed {
    /// What has to be typed.
    pub expected: String,
}

impl Plan {
    /// The text that a person types to confirm: the subject's name.
    pub fn proof(&self) -> &str {
        &self.subject.object.name
    }

    /// Confirms by what a person typed.
    ///
    /// # Errors
    /// When it is not exactly the subject's name.
    pub fn confirm_typed(self, typed: &str, who: &str) -> Result<Confirmed, NotConfirmed> {
        if typed != self.proof() {
            return Err(NotConfirmed { expected: self.proof().to_owned() });
        }
        Ok(Confirmed { plan: self, authority: Authority::Typed { who: who.to_owned() } })
    }

    /// Confirms by a flag given beforehand; it is recorded as such.
    pub fn confirm_by_flag(self, who: &str) -> Confirmed {
        Confirmed { plan: self, authority: Authority::Flag { who: who.to_owned() } }
    }
}

impl Confirmed {
    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// On whose word.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }
}
