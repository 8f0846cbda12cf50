//! What the line of an object says: kind, name, state and the one fact.

use std::sync::Arc;

use jiff::Timestamp;

use super::TreeLine;
use crate::assess::standing::{going, standing};
use crate::assess::{Reason, expiry, signing};
use crate::model::{Key, Kind, Meta, Uid, World};
use crate::text;
use crate::view::row::shown;
use crate::view::{Boards, Cell, Level, Pane, Row, rows};

/// A line that stands for something else than a seen object.
pub(super) fn note(key: Key, level: Level, name: &str, state: &str, fact: &str) -> TreeLine {
    TreeLine {
        key,
        object: None,
        guide: String::new(),
        folded: None,
        hidden: None,
        level,
        kind: "".into(),
        name: name.into(),
        state: state.into(),
        fact: fact.into(),
        why: None,
        next: None,
    }
}

/// The line of an object; `None` when it is not there.
pub(super) fn object(world: &World, boards: &Boards, kind: Kind, uid: &Uid, now: Timestamp) -> Option<TreeLine> {
    let meta = world.inventory.meta(kind, uid)?;
    let key = Key::Object(kind, uid.clone());
    let mut line = match boards.find(&key) {
        Some((board, row)) => of_row(world, kind, meta, (board.pane(), row), now),
        None if kind == Kind::Certificate => managed(world, uid, now)?,
        None if kind == Kind::CertificateRequest => request(world, uid, now)?,
        None if kind == Kind::Order || kind == Kind::Challenge => acme(world, kind, uid, now)?,
        None => standing_of(world, kind, meta, uid, now),
    };
    line.key = key.clone();
    line.object = Some(key);
    line.kind = short(kind).into();
    line.name = meta.name.as_ref().into();
    Some(line)
}

fn of_row(world: &World, kind: Kind, meta: &Meta, (pane, row): (Pane, &Row), now: Timestamp) -> TreeLine {
    let cell = |id: &str| {
        let place = pane.columns().iter().position(|column| column.id == id)?;
        row.cells.get(place).map(|cell| cell.print(now).into_owned())
    };
    let of = |label: &str, id: &str| cell(id).map(|value| format!("{label}{value}")).unwrap_or_default();
    let ago = |label: &str, id: &str| match cell(id).as_deref() {
        None | Some("-") => String::new(),
        Some("?") => format!("{label} not known"),
        Some("none") => "no good copy".to_owned(),
        Some(age) => format!("{label} {age} ago"),
    };
    let fact = match (going(meta, now), kind) {
        (Some(going), _) => going,
        (None, Kind::Pvc) => {
            let phase = world.inventory.meta(kind, &row.uid).and(world.inventory.pvcs.get(&row.uid));
            let phase = phase.map(|claim| claim.phase.to_string()).unwrap_or_default();
            join(&[&phase, &of("", "capacity"), &ago("last good copy", "lastGood"), &of("RPO ", "rpo")])
        }
        (None, Kind::TlsSecret | Kind::Certificate) => join(&[&of("ends ", "expires"), &of("", "names")]),
        (None, Kind::Issuer | Kind::ClusterIssuer) => join(&[&of("", "issuer"), &of("for ", "users")]),
        (None, kind) if Pane::of(kind) == Some(Pane::Certificates) => {
            join(&[&of("ends ", "expires"), &of("", "names")])
        }
        (None, _) => join(&[&ago("cut", "cut"), &of("", "size")]),
    };
    let why = row.level.problem().then(|| row.reasons.first().cloned()).flatten();
    let next = row.next.clone().filter(|_| why.is_some());
    TreeLine { why, next, ..note(row.key.clone(), row.level, "", row.state, &fact) }
}

/// A cert-manager Certificate whose row is that of its Secret.
fn managed(world: &World, uid: &Uid, now: Timestamp) -> Option<TreeLine> {
    let certificate = world.inventory.certificates.get(uid)?;
    let judged = expiry::certificate(world, certificate, now);
    let word = rows::certificate_word(&judged.value.state);
    let (level, state) = shown(judged.value.severity.into(), word, world.freshness(Kind::Certificate));
    let renewal = judged.value.renewal.map(|at| format!("renews {}", Cell::Until(at, level).print(now)));
    let fact = going(&certificate.meta, now).or(renewal).unwrap_or_default();
    Some(judged_line(level, state, &fact, judged.reasons))
}

/// A request that has no row, because its Certificate's says what came of it.
fn request(world: &World, uid: &Uid, now: Timestamp) -> Option<TreeLine> {
    let request = world.inventory.certificate_requests.get(uid)?;
    let judged = signing::request(world, request, now);
    let word = rows::certificate_word(&judged.value.state);
    let freshness = world.freshness(Kind::CertificateRequest);
    let (level, state) = shown(judged.value.severity.into(), word, freshness);
    let end = judged.value.not_after.map(|at| format!("ends {}", Cell::Until(at, level).print(now)));
    let made = request.meta.created.map(|at| format!("made {} ago", text::age(now.duration_since(at))));
    let facts = join(&[&made.unwrap_or_default(), &end.unwrap_or_default()]);
    Some(judged_line(level, state, &going(&request.meta, now).unwrap_or(facts), judged.reasons))
}

/// An Order or Challenge that has no row, because it is fulfilled or another one tells more.
fn acme(world: &World, kind: Kind, uid: &Uid, now: Timestamp) -> Option<TreeLine> {
    let inventory = &world.inventory;
    let (meta, names, judged) = if kind == Kind::Order {
        let order = inventory.orders.get(uid)?;
        (&order.meta, text::list(&order.names), signing::order(world, order, now))
    } else {
        let challenge = inventory.challenges.get(uid)?;
        (&challenge.meta, challenge.subject(), signing::challenge(world, challenge, now))
    };
    let word = rows::certificate_word(&judged.value.state);
    let (level, state) = shown(judged.value.severity.into(), word, world.freshness(kind));
    Some(judged_line(level, state, &going(meta, now).unwrap_or(names), judged.reasons))
}

fn judged_line(level: Level, state: &str, fact: &str, reasons: Vec<Reason>) -> TreeLine {
    let first = reasons.into_iter().next().filter(|_| level.problem());
    let next = first.as_ref().and_then(|reason| reason.next.as_deref()).map(Arc::from);
    let why = first.map(|reason| reason.text.into());
    TreeLine { why, next, ..note(Key::Notice("".into()), level, "", state, fact) }
}

fn standing_of(world: &World, kind: Kind, meta: &Meta, uid: &Uid, now: Timestamp) -> TreeLine {
    let key = Key::Object(kind, uid.clone());
    let Some(judged) = standing(world, kind, uid, now) else {
        return note(key, Level::Unknown, "", "Unknown", "it is not judged yet");
    };
    let freshness = meta.namespace.as_ref().map_or_else(|| world.freshness(kind), |ns| world.freshness_in(kind, ns));
    let (level, _) = shown(judged.value.severity.into(), "", freshness);
    let was = if level == Level::Stale { "was " } else { "" };
    let first = judged.reasons.into_iter().next().filter(|_| level.problem());
    let next = first.as_ref().and_then(|reason| reason.next.as_deref()).map(Arc::from);
    let why = first.map(|reason| reason.text.into());
    let state = format!("{was}{}", judged.value.state);
    TreeLine { why, next, ..note(key, level, "", &state, &judged.value.fact) }
}

fn join(facts: &[&str]) -> String {
    let known = |fact: &&&str| !fact.is_empty() && !fact.ends_with(" -") && **fact != "-";
    facts.iter().filter(known).copied().collect::<Vec<_>>().join(" · ")
}

/// A kind in a word that leaves room for names.
pub(super) fn short(kind: Kind) -> &'static str {
    match kind {
        Kind::Pvc => "Volume",
        Kind::Pv => "PV",
        Kind::StorageClass => "Class",
        Kind::VolumeAttachment => "Attachment",
        Kind::VolumeSnapshot => "Snapshot",
        Kind::Content => "Content",
        Kind::GroupSnapshot => "Group",
        Kind::GroupContent => "GroupContent",
        Kind::TlsSecret => "Secret",
        Kind::CertificateRequest => "Request",
        Kind::MutatingWebhook | Kind::ValidatingWebhook => "Webhook",
        Kind::Crd => "CRD",
        Kind::SigningRequest => "CSR",
        other => other.spec().kind,
    }
}

/// Several kinds as RBAC names them, in one line.
pub(super) fn plurals(kinds: &[Kind]) -> String {
    let names: Vec<&str> = kinds.iter().map(|kind| kind.spec().plural).collect();
    text::list(&names)
}
