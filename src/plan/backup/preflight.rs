//! What must hold of a claim, of our rights and of quotas before a backup can be planned.

use serde_json::Value;

use super::{group, refusal};
use crate::model::{Kind, Pvc};
use crate::plan::{Answers, ListAt, ObjectAt, Refusal};
use crate::text;

/// The claim as it is now, when it can be cut at all.
pub(super) fn fresh_claim<'a>(claim: &Pvc, answers: &'a Answers, path: &str) -> Result<&'a Value, Refusal> {
    let object = format!("volume {path}");
    let at = ObjectAt::of(Kind::Pvc, claim.meta.namespace.as_deref(), &claim.meta.name);
    let fresh = match answers.objects.get(&at) {
        Some(Ok(Some(fresh))) => fresh,
        Some(Ok(None)) => return Err(refusal(&object, "it was deleted meanwhile", "pick another volume")),
        Some(Err(why)) => return Err(refusal(&object, format!("it could not be read: {why}"), "try again")),
        None => return Err(refusal(&object, "it was not read", "try again")),
    };
    let text = |field: &str| fresh.pointer(field).and_then(Value::as_str).unwrap_or_default();
    if text("/metadata/uid") != claim.meta.uid().as_str() {
        return Err(refusal(&object, "it was deleted and made anew meanwhile", "look at the new one, then try again"));
    }
    if fresh.pointer("/metadata/deletionTimestamp").is_some() {
        let finalizers = claim.meta.finalizers.join(", ");
        return Err(refusal(
            &object,
            format!("it is being deleted (waiting for: {finalizers})"),
            "a snapshot needs a claim that stays; stop the deletion at its source or snapshot another volume",
        ));
    }
    if text("/status/phase") != "Bound" {
        return Err(refusal(
            &object,
            format!("it is {}, not Bound: there is no volume to cut", text("/status/phase")),
            "wait until it is bound (a class that waits for its first consumer needs a pod)",
        ));
    }
    Ok(fresh)
}

/// Refuses when a right is missing, and when that could not be asked. Those that only a group needs do not count.
pub(super) fn check_rights(answers: &Answers, object: &str) -> Result<(), Refusal> {
    let rights = answers.rights_but(group::is_own);
    rights.map_err(|(why, clear)| refusal(object, why, clear))
}

/// Refuses when a quota has no room for so many snapshots.
pub(super) fn check_quota(answers: &Answers, namespace: &str, object: &str, count: usize) -> Result<(), Refusal> {
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    // Quotas that cannot be read do not block: the server's dry run, and at last the server itself, decide.
    let Some(Ok(quotas)) = answers.lists.get(&ListAt::quotas(namespace)) else { return Ok(()) };
    for quota in quotas {
        let name = quota.pointer("/metadata/name").and_then(Value::as_str).unwrap_or("?");
        let needs =
            [("count/volumesnapshots.snapshot.storage.k8s.io", count), ("count/configmaps", 1), ("configmaps", 1)];
        for (resource, need) in needs {
            let amount = |field: &str| {
                let value = quota.get("status")?.get(field)?.get(resource)?;
                text::quantity::parse_bytes(value.as_str()?)
            };
            if let (Some(hard), Some(used)) = (amount("hard"), amount("used"))
                && used.saturating_add(need) > hard
            {
                let need = if need > 1 { format!(", and {need} more are needed") } else { String::new() };
                return Err(refusal(
                    object,
                    format!("ResourceQuota {name} allows {hard} of {resource} and {used} are used{need}"),
                    "delete restore points that are no longer needed, or raise the quota",
                ));
            }
        }
    }
    Ok(())
}
