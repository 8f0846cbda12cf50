//! What the selection tells of the parameters of a runbook, by what their values look like.

use std::collections::BTreeMap;

use super::App;
use crate::assess::restore_point::{self, Belongs};
use crate::model::{Key, Kind, Uid};
use crate::plan::renew;
use crate::runbook::book::{Book, ParamKind};
use crate::session::Desk;

/// What the selection is, as values of parameters.
#[derive(Default)]
struct Told {
    volume: Option<String>,
    point: Option<String>,
    certificate: Option<String>,
    secret: Option<String>,
    workload: Option<String>,
    rule: Option<String>,
    namespace: Option<String>,
}

impl Told {
    fn of(&self, kind: &ParamKind) -> Option<&String> {
        match kind {
            ParamKind::Volume => self.volume.as_ref(),
            ParamKind::RestorePoint => self.point.as_ref(),
            ParamKind::Certificate => self.certificate.as_ref(),
            ParamKind::Secret => self.secret.as_ref(),
            ParamKind::Workload => self.workload.as_ref(),
            ParamKind::Rule => self.rule.as_ref(),
            ParamKind::Namespace => self.namespace.as_ref(),
            ParamKind::Text | ParamKind::Number | ParamKind::Duration | ParamKind::Moment | ParamKind::Choice(_) => {
                None
            }
        }
    }
}

/// Values of a book's parameters that the selection tells: of each kind the first parameter.
pub(super) fn prefill(app: &App, desk: &Desk, book: &Book) -> BTreeMap<String, String> {
    let told = told(app, desk);
    let mut kinds: Vec<&ParamKind> = Vec::new();
    let mut values = BTreeMap::new();
    for param in &book.params {
        if kinds.contains(&&param.kind) {
            continue;
        }
        kinds.push(&param.kind);
        values.extend(told.of(&param.kind).map(|value| (param.name.clone(), value.clone())));
    }
    values
}

fn told(app: &App, desk: &Desk) -> Told {
    let mut told = Told::default();
    let path = |kind, uid: &Uid| desk.world.inventory.meta(kind, uid).map(|meta| meta.reference(kind).path());
    let key = app.target(desk);
    match &key {
        Some(Key::Object(Kind::Pvc, uid)) => told.volume = path(Kind::Pvc, uid),
        Some(Key::Object(Kind::VolumeSnapshot, uid)) => of_point(desk, uid, &mut told),
        Some(Key::Object(Kind::Certificate, uid)) => of_certificate(desk, uid, &mut told),
        Some(Key::Object(Kind::TlsSecret, uid)) => of_secret(desk, uid, &mut told),
        Some(Key::Finding(id)) => {
            told.rule = desk.world.findings.latest(*id).map(|finding| finding.rule.id.to_string());
            let chains = desk.boards.chains();
            let links = chains.workloads(*id).value;
            let programs = links.iter().filter(|link| link.best).map(|link| link.program).collect();
            let volumes = chains.volumes_of(&programs);
            told.volume = only(volumes.iter()).and_then(|uid| path(Kind::Pvc, uid));
        }
        _ => {}
    }
    if let Ok((kind, uid)) = app.workload(desk, "meant") {
        told.workload = desk
            .world
            .inventory
            .meta(kind, &uid)
            .and_then(|meta| Some(format!("{}/{}/{}", meta.namespace.as_deref()?, kind.spec().kind, meta.name)));
    }
    let own = key.as_ref().and_then(Key::object).and_then(|(kind, uid)| desk.world.inventory.meta(kind, uid));
    let own = own.and_then(|meta| meta.namespace.as_deref().map(str::to_owned));
    let of_value = || told.workload.as_ref().or(told.volume.as_ref())?.split('/').next().map(str::to_owned);
    told.namespace = own.or_else(of_value);
    told
}

fn of_point(desk: &Desk, uid: &Uid, told: &mut Told) {
    let world = &desk.world;
    let Some(snapshot) = world.inventory.snapshots.get(uid) else { return };
    told.point = Some(snapshot.meta.reference(Kind::VolumeSnapshot).path());
    if let Belongs::Claim(claim) = restore_point::belongs(world, snapshot) {
        told.volume = world.inventory.meta(Kind::Pvc, &claim).map(|meta| meta.reference(Kind::Pvc).path());
    }
}

fn of_certificate(desk: &Desk, uid: &Uid, told: &mut Told) {
    let Some(certificate) = desk.world.inventory.certificates.get(uid) else { return };
    told.certificate = Some(certificate.meta.reference(Kind::Certificate).path());
    told.secret = Some(format!("{}/{}", certificate.meta.namespace(), certificate.secret));
}

fn of_secret(desk: &Desk, uid: &Uid, told: &mut Told) {
    let Some(secret) = desk.world.inventory.tls_secrets.get(uid) else { return };
    told.secret = Some(secret.meta.reference(Kind::TlsSecret).path());
    let writer = renew::writer(&desk.world, secret).ok();
    let certificate = writer.and_then(|uid| desk.world.inventory.meta(Kind::Certificate, &uid));
    told.certificate = certificate.map(|meta| meta.reference(Kind::Certificate).path());
}

fn only<T>(mut all: impl Iterator<Item = T>) -> Option<T> {
    let first = all.next()?;
    all.next().is_none().then_some(first)
}
