//! Sheets of Secrets and ConfigMaps that hold certificates, and of what stands before Services.

use super::Sheet;
use super::tls::{by, certificate_facts, use_of, users};
use crate::model::{
    CertificateFacts, CertificateHolder, Front, HeldFile, Key, KeyMatch, Kind, ObjRef, Uid, identities,
};
use crate::text;
use crate::view::{Cell, Level};

/// Certificates of one file that a sheet tells in full; the bundle of an operating system has a hundred more.
const TOLD: usize = 12;

/// Other places that a sheet lists at most.
const COPIES: usize = 20;

pub(super) fn holder(sheet: &mut Sheet, kind: Kind, holder: &CertificateHolder, key: &Key) {
    sheet.row(&["state", "namespace", "name", "users", "managedBy"]);
    let chosen = if let Key::Place(_, _, chosen) = key { Some(chosen) } else { None };
    let files: Vec<&HeldFile> =
        holder.files.iter().filter(|file| chosen.is_none_or(|chosen| **chosen == *file.key)).collect();
    for held in &files {
        file(sheet, held);
        let (_, of) = sheet.world.stands_for(kind, holder, held);
        if of > 1 {
            sheet.text(
                "  also in",
                &format!("{} of this name", text::plural(of - 1, "other namespace", "other namespaces")),
            );
        }
    }
    let here = (holder.meta.namespace.clone().unwrap_or_default(), holder.meta.name.clone());
    let world = sheet.world;
    if kind == Kind::ConfigMap {
        for (kind, uid) in world.links.templates_using_map(&here) {
            let used = world.workload(*kind, uid).and_then(|workload| use_of(&workload.config_maps, &here.1));
            sheet.link(by(used), *kind, uid);
        }
        for uid in world.links.pods_using_map(&here) {
            let used = world.inventory.pods.get(uid).and_then(|pod| use_of(&pod.config_maps, &here.1));
            sheet.link(by(used), Kind::Pod, uid);
        }
    } else {
        for uid in world.links.certificates_writing(&here) {
            sheet.link("managed by", Kind::Certificate, uid);
        }
        users(sheet, &here);
    }
    copies(
        sheet,
        &holder.meta.uid(),
        files.iter().filter(|file| file.all().count() <= TOLD).flat_map(|file| file.all()),
    );
}

/// The certificates of one data key.
pub(super) fn file(sheet: &mut Sheet, file: &HeldFile) {
    sheet.text("Format", &format!("{}: {}", file.key, file.format.word()));
    if let Some(fault) = &file.fault {
        sheet.text("Unreadable", &format!("{} ({})", fault.said, fault.word));
    }
    match file.key_match {
        Some(KeyMatch::Match) => sheet.fact("  private key", Cell::State(Level::Ok, "belongs to the certificate")),
        Some(KeyMatch::Mismatch) => {
            sheet.fact("  private key", Cell::State(Level::Critical, "belongs to another certificate"));
        }
        Some(KeyMatch::Unreadable) => sheet.fact("  private key", Cell::Unknown),
        Some(KeyMatch::Missing) | None => {}
    }
    for facts in file.all().take(TOLD) {
        certificate_facts(sheet, &file.key, facts);
    }
    let more = file.all().count().saturating_sub(TOLD);
    if more > 0 {
        sheet.text("  and", &text::plural(more, "more certificate", "more certificates"));
    }
}

/// Other places that hold one of these certificates.
pub(super) fn copies<'a>(sheet: &mut Sheet, own: &Uid, certificates: impl Iterator<Item = &'a CertificateFacts>) {
    let world = sheet.world;
    let mut told = 0;
    for facts in certificates {
        for (kind, uid) in world.links.holding(identities(facts).serial).iter().filter(|(_, uid)| uid != own) {
            let same = world.held_with(*kind, uid, |other| other.fingerprint == facts.fingerprint).is_some();
            if same && told < COPIES {
                told += 1;
                sheet.link("same certificate in", *kind, uid);
            }
        }
    }
}

pub(super) fn front(sheet: &mut Sheet, front: &Front) {
    sheet.conditions(&front.refused);
    for tls in &front.tls {
        let hosts = if tls.hosts.is_empty() { "every host".to_owned() } else { text::list(&tls.hosts) };
        match &tls.secret {
            None => sheet.text("Serves", &format!("{hosts} with the default certificate of its controller")),
            Some((namespace, name)) => {
                sheet.text("Serves", &format!("{hosts} with Secret {namespace}/{name}"));
                let at = |kind| ObjRef::namespaced(kind, namespace.clone(), name.clone());
                let other = sheet.world.inventory.find(&at(Kind::OtherSecret)).is_some();
                sheet.link_named("serves", &at(if other { Kind::OtherSecret } else { Kind::TlsSecret }));
            }
        }
    }
}
