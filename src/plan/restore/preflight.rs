//! What must hold of quotas before claims are made.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Claim;
use crate::plan::{Answers, ListAt};
use crate::text::quantity;

/// Whether the quotas of the claims' namespace have room for them and for the record of the operation. Quotas that
/// cannot be read do not block: the server's dry run, and at last the server itself, decide.
///
/// # Errors
/// When one is used up: why, and what would clear it.
pub(super) fn quota<'c>(
    answers: &Answers,
    namespace: &str,
    claims: impl Iterator<Item = &'c Claim>,
) -> Result<(), (String, String)> {
    let Some(Ok(quotas)) = answers.lists.get(&ListAt::quotas(namespace)) else { return Ok(()) };
    let mut needs = BTreeMap::from([("configmaps".to_owned(), 1), ("count/configmaps".to_owned(), 1)]);
    for claim in claims {
        let of_class = |resource: &str| format!("{}.storageclass.storage.k8s.io/{resource}", claim.class);
        for (resource, need) in [
            ("persistentvolumeclaims".to_owned(), 1),
            ("count/persistentvolumeclaims".to_owned(), 1),
            (of_class("persistentvolumeclaims"), 1),
            ("requests.storage".to_owned(), claim.size),
            (of_class("requests.storage"), claim.size),
        ] {
            let sum: &mut u64 = needs.entry(resource).or_default();
            *sum = sum.saturating_add(need);
        }
    }
    for quota in quotas {
        let name = quota.pointer("/metadata/name").and_then(Value::as_str).unwrap_or("?");
        for (resource, need) in &needs {
            let text = |field: &str| quota.get("status")?.get(field)?.get(resource)?.as_str();
            let (Some(hard), Some(used)) = (text("hard"), text("used")) else { continue };
            let (Some(room), Some(taken)) = (quantity::parse_bytes(hard), quantity::parse_bytes(used)) else {
                continue;
            };
            if taken.saturating_add(*need) > room {
                let need = quantity::exact(*need);
                return Err((
                    format!(
                        "ResourceQuota {name} allows {hard} of {resource}, {used} are used, and {need} more is needed"
                    ),
                    "delete claims that are no longer needed, or raise the quota".to_owned(),
                ));
            }
        }
    }
    Ok(())
}
