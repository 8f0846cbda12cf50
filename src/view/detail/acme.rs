//! Sheets of Orders and Challenges, and what a request that waits for them says of them.

use super::Sheet;
use super::tls::{issuer_link, judged};
use crate::assess::Judgement;
use crate::assess::expiry::Expiry;
use crate::assess::signing;
use crate::model::{CertificateRequest, Challenge, Kind, Order};
use crate::text;
use crate::view::Cell;

/// Orders and Challenges that a sheet lists at most; the tree has all.
const LISTED: usize = 20;

/// What a request waits for at an ACME server, with the reasons; nothing where it brought its certificate.
pub(super) fn awaited(sheet: &mut Sheet, request: &CertificateRequest) {
    if signing::is_done(request) {
        return;
    }
    let world = sheet.world;
    for order in world.orders_of(&request.meta.uid()).into_iter().take(LISTED) {
        said(sheet, "Order", &order.meta.name, &signing::order(world, order, sheet.now));
        sheet.link("order", Kind::Order, &order.meta.uid());
        challenges(sheet, order);
    }
}

/// Each Challenge of an Order, with its reason.
fn challenges(sheet: &mut Sheet, order: &Order) {
    let world = sheet.world;
    for challenge in world.challenges_of(&order.meta.uid()).into_iter().take(LISTED) {
        let what = format!("{} for {}", challenge.method, challenge.subject());
        said(sheet, "Challenge", &what, &signing::challenge(world, challenge, sheet.now));
        sheet.link("challenge", Kind::Challenge, &challenge.meta.uid());
    }
}

fn said(sheet: &mut Sheet, label: &'static str, what: &str, judged: &Judgement<Expiry>) {
    let why = judged.reasons.first().map(|reason| format!(": {}", reason.text)).unwrap_or_default();
    sheet.fact(label, Cell::Said(judged.value.severity.into(), format!("{what}{why}").into()));
}

pub(super) fn order(sheet: &mut Sheet, order: &Order) {
    judged(sheet, |world, now| signing::order(world, order, now));
    sheet.text("State", &order.state);
    if !order.reason.is_empty() {
        sheet.text("Reason", &order.reason);
    }
    sheet.text("Names", &text::list(&order.names));
    if let Some(failed) = order.failed {
        sheet.fact("Failed", Cell::Since(failed));
    }
    issuer_link(sheet, order.issuer_ref(), &order.issuer);
    challenges(sheet, order);
    if let Some(name) = &order.certificate {
        sheet.link_here("certificate", Kind::Certificate, name);
    }
}

pub(super) fn challenge(sheet: &mut Sheet, challenge: &Challenge) {
    judged(sheet, |world, now| signing::challenge(world, challenge, now));
    sheet.text("State", &challenge.state);
    if !challenge.reason.is_empty() {
        sheet.text("Reason", &challenge.reason);
    }
    sheet.text("Name", &challenge.subject());
    sheet.text("Proved by", &challenge.method);
    // Neither is good or bad by itself: what is over is neither presented nor worked on.
    sheet.text("Presented", yes(challenge.presented));
    sheet.text("Worked on", yes(challenge.processing));
    issuer_link(sheet, challenge.issuer_ref(), &challenge.issuer);
}

fn yes(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}
