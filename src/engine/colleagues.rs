//! Operations as their records in the cluster tell them: what colleagues' consoles do, and what became of it.
//!
//! Reads only. A record says how far its console came when it wrote last; whether that console is still there, only
//! its lock can tell. Texts from the cluster are made safe to draw here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::machine::host_of;
use super::record::TAKEN_BY;
use crate::cluster::Eyes;
use crate::model::{Key, Kind, Uid, annotation};
use crate::plan::lock::{Standing, standing};
use crate::plan::{OperationId, Resource};
use crate::text;

/// One operation by its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Colleague {
    /// Its id.
    pub id: OperationId,
    /// What it does, in a line.
    pub title: String,
    /// The verb that planned it.
    pub verb: String,
    /// The object that it is about, for people.
    pub subject: String,
    /// The same as what opens it; `None` for a kind that is not watched.
    pub key: Option<Key>,
    /// Who confirmed it.
    pub actor: String,
    /// The machine that its record was written from.
    pub machine: String,
    /// `running`, `done`, `failed` or `stopped`, as its console wrote it last.
    pub state: String,
    /// Which operation took its volume over.
    pub taken_by: Option<String>,
    /// When it began.
    pub opened: Option<Timestamp>,
    /// When it ended.
    pub closed: Option<Timestamp>,
    /// What its lock says.
    pub lock: LockSeen,
}

/// Whether the console of an operation is still there, by its lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockSeen {
    /// It is: the lock is renewed.
    Fresh,
    /// It is not: the lock ran out then.
    RunOut(Option<Timestamp>),
    /// The operation holds no lock.
    None,
    /// Locks cannot be seen, and why.
    Unseen(String),
}

/// Reads the records of these namespaces, or of all when there are none; the newest first.
///
/// # Errors
/// When a list cannot be read: of which namespace, and why.
pub async fn colleagues(eyes: &Eyes, namespaces: &[String], now: Timestamp) -> Result<Vec<Colleague>, String> {
    let places: Vec<Option<&str>> = match namespaces {
        [] => vec![None],
        some => some.iter().map(|namespace| Some(namespace.as_str())).collect(),
    };
    let managed = format!("{}={}", annotation::MANAGED_BY.0, annotation::MANAGED_BY.1);
    let mut all = Vec::new();
    for place in places {
        let selector = format!("{managed},{}", annotation::OPERATION);
        let records = eyes.list(&Resource::config_map(), place, &selector).await.map_err(|error| error.to_string())?;
        if records.is_empty() {
            continue;
        }
        let leases = eyes.list(&Resource::lease(), place, &managed).await.map_err(|error| error.to_string());
        let locks = leases.map(by_holder);
        all.extend(records.iter().filter_map(|record| read(record, &locks, now)));
    }
    all.sort_by(|a, b| b.id.cmp(&a.id));
    Ok(all)
}

/// Leases by the operation that holds them.
fn by_holder(leases: Vec<Value>) -> BTreeMap<String, Value> {
    let holder = |lease: &Value| lease.pointer("/spec/holderIdentity").and_then(Value::as_str).map(str::to_owned);
    leases.into_iter().filter_map(|lease| Some((holder(&lease)?, lease))).collect()
}

/// One record; `None` when it is not one.
fn read(record: &Value, locks: &Result<BTreeMap<String, Value>, String>, now: Timestamp) -> Option<Colleague> {
    let raw = |field: &str| record.pointer(&format!("/data/{field}")).and_then(Value::as_str).unwrap_or_default();
    let said = |field: &str| text::sanitize(raw(field)).into_owned();
    let id = OperationId::parse(raw("operation")).ok()?;
    if record.pointer("/metadata/name").and_then(Value::as_str)? != format!("holdfast-{id}") {
        return None;
    }
    let moment = |text: &str| text.parse::<Timestamp>().ok();
    let created = record.pointer("/metadata/creationTimestamp").and_then(Value::as_str);
    let kind = raw("subject").split(' ').next().unwrap_or_default();
    let kind = Kind::ALL.iter().find(|known| known.spec().kind == kind);
    let uid = Some(raw("subjectUid")).filter(|uid| !uid.is_empty());
    let machine = said("instance");
    Some(Colleague {
        title: Some(said("title")).filter(|title| !title.is_empty()).unwrap_or_else(|| format!("operation {id}")),
        verb: said("verb"),
        subject: said("subject"),
        key: kind.zip(uid).map(|(kind, uid)| Key::Object(*kind, Uid::from(uid))),
        actor: said("actor"),
        machine: host_of(&machine).to_owned(),
        state: said("state"),
        taken_by: Some(said(TAKEN_BY)).filter(|by| !by.is_empty()),
        opened: moment(raw("opened")).or_else(|| moment(created?)),
        closed: moment(raw("closed")),
        lock: seen(locks, &id, now),
        id,
    })
}

fn seen(locks: &Result<BTreeMap<String, Value>, String>, id: &OperationId, now: Timestamp) -> LockSeen {
    let locks = match locks {
        Ok(locks) => locks,
        Err(why) => return LockSeen::Unseen(why.clone()),
    };
    let Some(lease) = locks.get(id.as_str()) else { return LockSeen::None };
    // As anybody else would see it: its own word for itself proves nothing.
    match standing(Some(lease), &OperationId::new(Timestamp::UNIX_EPOCH, [0; 4]), now) {
        Standing::RunOut(holder) => LockSeen::RunOut(holder.until),
        Standing::Held(_) => LockSeen::Fresh,
        Standing::Free | Standing::Own => LockSeen::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    const ID: &str = "20260102-030405-0000000a";

    fn record(name: &str) -> Value {
        json!({
            "metadata": { "name": name, "creationTimestamp": "2026-01-02T03:04:05Z" },
            "data": {
                "operation": ID, "title": "back up \u{1b}[2J", "verb": "backup", "state": "running", "actor": "ada",
                "subject": "PersistentVolumeClaim shop/data", "subjectUid": "u", "instance": "web-1/4711",
            },
        })
    }

    fn lease(renewed: &str) -> Value {
        json!({ "spec": { "holderIdentity": ID, "leaseDurationSeconds": 30, "renewTime": renewed } })
    }

    #[test]
    fn a_record_tells_who_does_what_where_and_since_when() {
        let found = read(&record(&format!("holdfast-{ID}")), &Ok(BTreeMap::new()), Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!((&*found.actor, &*found.machine, &*found.title), ("ada", "web-1", "back up ␛[2J"));
        assert_eq!(found.key, Some(Key::Object(Kind::Pvc, Uid::from("u"))));
        assert_eq!(found.opened.unwrap().to_string(), "2026-01-02T03:04:05Z");
    }

    #[test]
    fn what_only_looks_like_a_record_is_none() {
        assert_eq!(read(&record("something-else"), &Ok(BTreeMap::new()), Timestamp::UNIX_EPOCH), None);
        assert_eq!(
            read(&json!({ "data": { "operation": "../x" } }), &Ok(BTreeMap::new()), Timestamp::UNIX_EPOCH),
            None
        );
    }

    #[rstest]
    #[case::renewed(Ok(vec![lease("2026-01-02T03:04:50Z")]), LockSeen::Fresh)]
    #[case::late(Ok(vec![lease("2026-01-02T03:04:20Z")]), LockSeen::RunOut(Some("2026-01-02T03:04:50Z".parse().unwrap())))]
    #[case::none(Ok(vec![]), LockSeen::None)]
    #[case::denied(Err("forbidden".to_owned()), LockSeen::Unseen("forbidden".into()))]
    fn only_a_lock_tells_whether_a_console_is_still_there(
        #[case] leases: Result<Vec<Value>, String>,
        #[case] expected: LockSeen,
    ) {
        let now = "2026-01-02T03:05:00Z".parse().unwrap();
        assert_eq!(seen(&leases.map(by_holder), &OperationId::parse(ID).unwrap(), now), expected);
    }
}
