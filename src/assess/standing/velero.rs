//! How Velero's backups, schedules and places stand.

use jiff::Timestamp;

use super::{Standing, or};
use crate::assess::{Judgement, Reason, Severity};
use crate::model::{BackupLocation, VeleroBackup, VeleroSchedule};
use crate::text;

pub(super) fn backup(backup: &VeleroBackup, now: Timestamp) -> Judgement<Standing> {
    let left = backup.expires.map(|expires| expires.duration_since(now));
    let fact = left.map_or_else(String::new, |left| {
        let age = text::age(left.abs());
        if left.is_positive() { format!("expires in {age}") } else { format!("expired {age} ago") }
    });
    let said = |severity| Standing::new(severity, &backup.phase, fact.clone());
    match &*backup.phase {
        "Completed" => said(Severity::Ok),
        "PartiallyFailed" => said(Severity::Warn).because(Reason::new("part of the backup failed").next(LOGS)),
        "Failed" | "FailedValidation" => said(Severity::Warn).because(Reason::new("the backup failed").next(LOGS)),
        "" | "New" | "Queued" | "ReadyToStart" => Standing::new(Severity::Info, or(&backup.phase, "New"), fact),
        "InProgress" | "Finalizing" | "WaitingForPluginOperations" | "Deleting" => said(Severity::Info),
        other => Standing::new(Severity::Unknown, other, fact).because("its phase is not known here"),
    }
}

const LOGS: &str = "velero backup logs NAME says why";

pub(super) fn schedule(schedule: &VeleroSchedule, now: Timestamp) -> Judgement<Standing> {
    let last = schedule.last.map(|last| format!(" · last run {} ago", text::age(now.duration_since(last))));
    let fact = format!("{}{}", or(&schedule.cron, "no schedule"), last.unwrap_or_default());
    if schedule.paused {
        return Standing::new(Severity::Warn, "Paused", fact).because("it is paused: it makes no backups");
    }
    match &*schedule.phase {
        "Enabled" => Standing::new(Severity::Ok, "Enabled", fact),
        "FailedValidation" => {
            let reason = Reason::new("Velero does not accept it: it makes no backups").next("velero schedule describe");
            Standing::new(Severity::Critical, "Not accepted", fact).because(reason)
        }
        "" | "New" => Standing::new(Severity::Info, "New", fact),
        other => Standing::new(Severity::Unknown, other, fact).because("its phase is not known here"),
    }
}

pub(super) fn location(location: &BackupLocation) -> Judgement<Standing> {
    match &*location.phase {
        "Available" => Standing::new(Severity::Ok, "Available", ""),
        "Unavailable" => {
            let said = location.message.as_deref().unwrap_or("no reason given");
            let reason = Reason::new(said).next("check the BackupStorageLocation and its credentials");
            Standing::new(Severity::Critical, "Unavailable", "").because(reason)
        }
        other => Standing::new(Severity::Unknown, or(other, "Unknown"), "").because("it was not checked yet"),
    }
}
