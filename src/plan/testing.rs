//! A small plan for tests of what stands on plans.

pub(crate) mod server;

use jiff::Timestamp;

use super::{OperationId, Plan, Subject, Verb};
use crate::model::{Kind, ObjRef, Uid};

/// A plan without steps, about claim `shop/data`.
pub fn plan(id: OperationId) -> Plan {
    Plan {
        id,
        verb: Verb::Backup,
        title: "back up".into(),
        context: "lab".into(),
        server: "https://127.0.0.1".into(),
        protected: false,
        count: None,
        subject: Subject {
            object: ObjRef::namespaced(Kind::Pvc, "shop", "data"),
            uid: Uid::from("u"),
            resource_version: "7".into(),
        },
        made: Timestamp::UNIX_EPOCH,
        facts: vec![],
        warnings: vec![],
        changes: vec![],
        command: String::new(),
        undo: vec![],
        locks: vec![],
        undoes: None,
        bundle: None,
        nodes: vec![],
    }
}
