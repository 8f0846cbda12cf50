//! Approvals of steps of runs: a ConfigMap that a second person writes, under their own name.
//!
//! That the name in it is the writer's own is held by an admission policy in the cluster (`holdfast runbook
//! approval-policy`). Whether it does is tried each time, with a write that is only a dry run and has to be refused: a
//! policy that is only there proves nothing.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::record::text;
use super::{Engine, machine};
use crate::cluster::WriteError;
use crate::model::annotation;
use crate::plan::{ObjectAt, Resource};
use crate::runbook::history::{Agreed, RunId, StepAt};
use crate::text::sanitize;

/// The name of the policy and of its binding.
pub const POLICY: &str = "holdfast-approvals";

/// The admission policy that holds everybody who approves to their own name, and keeps whoever began a run from approving
/// it. To be applied by an administrator.
pub const MANIFEST: &str = include_str!("../../runbooks/approval-policy.yaml");

/// What is approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approving {
    /// Which run.
    pub run: RunId,
    /// The namespace of its record.
    pub home: String,
    /// Which step.
    pub at: StepAt,
    /// Who began the run.
    pub starter: String,
    /// Who approves.
    pub approver: String,
    /// The hash of the newest entry of the run, as whoever approves read it.
    pub head: String,
}

/// An approval that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Who approved.
    pub who: String,
    /// What proves that it was them.
    pub agreed: Agreed,
}

fn place(run: &RunId, home: &str, at: &StepAt) -> ObjectAt {
    // A row of a loop may be any path: its hash is a name.
    let row =
        at.row.as_deref().map(|row| format!("-{}", &crate::text::sha256(row.as_bytes())[..12])).unwrap_or_default();
    let name = format!("holdfast-approval-{run}-{}{row}", at.step);
    ObjectAt { resource: Resource::config_map(), namespace: Some(home.to_owned()), name }
}

fn manifest(approving: &Approving, at: &ObjectAt) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": at.name,
            "namespace": at.namespace,
            "labels": {
                annotation::MANAGED_BY.0: annotation::MANAGED_BY.1,
                annotation::APPROVAL: approving.run.as_str(),
            },
        },
        "data": {
            "run": approving.run.as_str(),
            "step": approving.at.step,
            "row": approving.at.row.as_deref().unwrap_or_default(),
            "starter": approving.starter,
            "approver": approving.approver,
            "head": approving.head,
            "machine": machine::host(),
        },
    })
}

impl Engine {
    /// Approves a step, under one's own name.
    ///
    /// # Errors
    /// When it cannot be written: among others where the step is approved already, or whoever approves began the run.
    pub async fn approve(&self, approving: &Approving) -> Result<Option<String>, String> {
        if approving.approver == approving.starter {
            return Err(format!("{} began the run; somebody else has to approve", sanitize(&approving.starter)));
        }
        let at = place(&approving.run, &approving.home, &approving.at);
        let written = self.hands.create(&at.resource, at.namespace.as_deref(), &manifest(approving, &at), false).await;
        match written {
            Ok(written) => Ok(written.audit_id),
            Err(WriteError::Refused(error)) if error.conflict() => Err(format!("{at}: it was approved before")),
            Err(error) => Err(format!("{at}: {error}")),
        }
    }

    /// The approval of a step; `None` while there is none.
    ///
    /// # Errors
    /// When it cannot be read, or approves something else.
    pub async fn approval(
        &self,
        run: &RunId,
        home: &str,
        at: &StepAt,
        starter: &str,
    ) -> Result<Option<Approval>, String> {
        let object = place(run, home, at);
        let Some(found) = self.read(&object).await? else { return Ok(None) };
        let said = |field: &str| text(&found, &format!("/data/{field}")).to_owned();
        let about = said("run") == run.as_str() && said("step") == at.step && said("starter") == starter;
        if !about || said("row") != at.row.as_deref().unwrap_or_default() {
            return Err(format!("{object} does not approve {at} of run {run} begun by {}", sanitize(starter)));
        }
        let who = said("approver");
        if who.is_empty() || who == starter {
            return Err(format!("{object} names no second person"));
        }
        let written: Option<Timestamp> = text(&found, "/metadata/creationTimestamp").parse().ok();
        let agreed = match self.held_to_their_name(run, home, at, starter, written).await {
            Ok(()) => Agreed::Proven,
            Err(why) => Agreed::Claimed { why },
        };
        Ok(Some(Approval { who: sanitize(&who).into_owned(), agreed }))
    }

    /// Whether whoever writes an approval is held to their own name, and was when this one was written.
    async fn held_to_their_name(
        &self,
        run: &RunId,
        home: &str,
        at: &StepAt,
        starter: &str,
        written: Option<Timestamp>,
    ) -> Result<(), String> {
        let object = place(run, home, at);
        let nobody = Approving {
            run: run.clone(),
            home: home.to_owned(),
            at: at.clone(),
            starter: starter.to_owned(),
            approver: "holdfast:nobody".to_owned(),
            head: String::new(),
        };
        let mut tried = manifest(&nobody, &object);
        // Its own name is taken already; the policy looks at how it begins.
        tried["metadata"]["name"] = json!(format!("{}-tried", object.name));
        match self.hands.create(&object.resource, object.namespace.as_deref(), &tried, true).await {
            Ok(_) => return Err(format!("no admission policy {POLICY} holds who approves to their own name")),
            Err(error) if error.to_string().contains(POLICY) => {}
            Err(error) => return Err(format!("whether an admission policy holds who approves is not known: {error}")),
        }
        let since = self.policy_since().await?;
        match written {
            Some(written) if since <= written => Ok(()),
            _ => Err(format!("the admission policy {POLICY} was changed or applied after the approval was written")),
        }
    }

    /// Since when the policy and its binding are as they are.
    async fn policy_since(&self) -> Result<Timestamp, String> {
        let mut since = Timestamp::MIN;
        for (plural, kind) in [
            ("validatingadmissionpolicies", "ValidatingAdmissionPolicy"),
            ("validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding"),
        ] {
            let resource = Resource {
                group: "admissionregistration.k8s.io".into(),
                version: "v1".into(),
                plural: plural.into(),
                kind: kind.into(),
            };
            let at = ObjectAt { resource, namespace: None, name: POLICY.to_owned() };
            let found = self.read(&at).await?.ok_or_else(|| format!("{at} is not there"))?;
            if found.pointer("/metadata/generation") != Some(&json!(1)) {
                return Err(format!("{at} was changed since it was applied"));
            }
            let made = text(&found, "/metadata/creationTimestamp").parse().map_err(|_| format!("{at} has no age"))?;
            since = since.max(made);
        }
        Ok(since)
    }
}
