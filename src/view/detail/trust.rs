//! Sheets of what API servers trust, and of the Services that they call.

use super::Sheet;
use super::tls::certificate_facts;
use crate::assess::trust::served;
use crate::model::{Called, Kind, ObjRef, Service, TrustBundle, TrustEntry};
use crate::text;
use crate::view::rows::called;
use crate::view::{Cell, Level};

pub(super) fn bundle(sheet: &mut Sheet, bundle: &TrustBundle) {
    sheet.row(&["state", "namespace", "name", "names", "issuer", "users"]);
    bundle.entries.iter().for_each(|entry| call(sheet, bundle, entry));
    if let Some((namespace, name)) = bundle.injected_from() {
        sheet.link_named("CA from", &ObjRef::namespaced(Kind::Certificate, namespace, name));
    }
    sheet.conditions(&bundle.conditions);
}

fn call(sheet: &mut Sheet, bundle: &TrustBundle, entry: &TrustEntry) {
    sheet.text("Calls", &called(&entry.called));
    if !entry.names.is_empty() {
        sheet.text("  webhooks", &text::list(&entry.names));
        let policy = if entry.ignorable { "Ignore: writes go on without it" } else { "Fail: writes need its answer" };
        sheet.text("  on failure", policy);
    }
    if entry.insecure {
        sheet.fact("  checked", Cell::State(Level::Warn, "no: insecureSkipTLSVerify"));
    }
    match &entry.authorities {
        None => sheet.fact("  CAs", Cell::Nothing),
        Some(Err(why)) => sheet.text("Unreadable", why),
        Some(Ok(authorities)) => authorities.iter().for_each(|ca| certificate_facts(sheet, "caBundle", ca)),
    }
    let Called::Service(key) = &entry.called else { return };
    sheet.link_named("calls", &ObjRef::namespaced(Kind::Service, key.0.clone(), key.1.clone()));
    let world = sheet.world;
    for served in served(world, bundle, key, sheet.now).into_iter().flatten() {
        sheet.link_named("serves", &served.place);
    }
}

pub(super) fn service(sheet: &mut Sheet, service: &Service) {
    let selector: Vec<String> = service.selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
    match selector.as_slice() {
        [] => sheet.fact("Selector", Cell::Nothing),
        selector => sheet.text("Selector", &text::list(selector)),
    }
    let world = sheet.world;
    let key = (service.meta.namespace.clone().unwrap_or_default(), service.meta.name.clone());
    for (kind, uid) in world.links.calling(&key) {
        sheet.link("called by", *kind, uid);
    }
    for (kind, uid) in world.links.serving(&key) {
        sheet.link("certificate", *kind, uid);
    }
}
