//! Orders and Challenges on rows, sheets and trees.

use super::*;
use crate::model::{CertManagerCertificate, CertificateRequest, Challenge, Condition, Order, OwnerRef};

fn owned(name: &str, owner: Option<(&str, &str)>) -> Meta {
    let owner = owner.map(|(kind, name)| OwnerRef {
        kind: kind.into(),
        name: name.into(),
        uid: meta(Some("shop"), name).uid(),
        controller: true,
    });
    let created = Some(now() - SignedDuration::from_mins(30));
    Meta { created, owners: owner.into_iter().collect(), ..meta(Some("shop"), name) }
}

fn issuer() -> (Box<str>, std::sync::Arc<str>) {
    ("Issuer".into(), "letsencrypt".into())
}

fn request(status: &str, reason: &str) -> Object {
    let ready = Condition {
        kind: "Ready".into(),
        status: status.into(),
        reason: reason.into(),
        message: "Waiting on certificate issuance from order shop/order".into(),
        since: None,
    };
    let approved = Condition { kind: "Approved".into(), status: "True".into(), ..ready.clone() };
    Object::CertificateRequest(CertificateRequest {
        meta: owned("web-1", Some(("Certificate", "web"))),
        certificate: Some("web".into()),
        issuer: issuer(),
        conditions: [approved, ready].into(),
        ..CertificateRequest::default()
    })
}

fn order() -> Order {
    Order {
        meta: owned("order", Some(("CertificateRequest", "web-1"))),
        certificate: Some("web".into()),
        issuer: issuer(),
        names: ["shop.example".into(), "www.shop.example".into()].into(),
        state: "pending".into(),
        ..Order::default()
    }
}

fn challenge() -> Challenge {
    Challenge {
        meta: owned("proof", Some(("Order", "order"))),
        method: "DNS-01".into(),
        name: "shop.example".into(),
        wildcard: true,
        issuer: issuer(),
        state: "pending".into(),
        reason: "DNS record for \"shop.example\" not yet propagated".into(),
        processing: true,
        ..Challenge::default()
    }
}

fn waiting() -> (World, Boards) {
    let certificate = CertManagerCertificate {
        meta: owned("web", None),
        secret: "web-tls".into(),
        issuer: issuer(),
        ..CertManagerCertificate::default()
    };
    let (mut world, mut boards) = (crate::assess::testing::live(), Boards::default());
    for object in [
        Object::Certificate(certificate),
        request("False", "Pending"),
        Object::Challenge(challenge()),
        Object::Order(order()),
    ] {
        changed(&mut world, &mut boards, object);
    }
    (world, boards)
}

/// As a watch brings it: only what the change touches is looked at again.
fn changed(world: &mut World, boards: &mut Boards, object: Object) {
    let touched = world.apply(Delta::Upsert(Box::new(object), Scope::All), now());
    boards.refresh(world, &touched, now());
}

fn of(kind: Kind, name: &str) -> Key {
    Key::Object(kind, meta(Some("shop"), name).uid())
}

#[test]
fn the_challenge_that_holds_everything_up_has_the_row_until_it_is_fulfilled() {
    let (mut world, mut boards) = waiting();
    let (asked, proof) = (of(Kind::Order, "order"), of(Kind::Challenge, "proof"));
    let cells = printed(&boards, Pane::Certificates, &proof);
    assert_eq!(
        cells,
        ["▲ Pending", "shop", "proof", "-", "Challenge", "*.shop.example", "Order order", "Issuer letsencrypt", "-"]
    );
    let row = boards.row(&proof).unwrap();
    assert!(row.reasons[0].contains("not yet propagated") && row.next.is_some(), "{row:?}");
    assert!(boards.row(&asked).is_none(), "its Challenge tells more");

    changed(&mut world, &mut boards, Object::Challenge(Challenge { state: "valid".into(), ..challenge() }));
    assert!(boards.row(&proof).is_none());
    let cells = printed(&boards, Pane::Certificates, &asked);
    assert_eq!(cells[3..7], ["-", "Order", "shop.example +1", "Certificate web"]);

    changed(&mut world, &mut boards, request("True", "Issued"));
    assert!(boards.row(&asked).is_none(), "the certificate is there");
}

#[test]
fn a_request_that_brought_its_certificate_takes_the_rows_of_what_it_waited_for() {
    let (mut world, mut boards) = waiting();
    assert!(boards.row(&of(Kind::Challenge, "proof")).is_some());
    changed(&mut world, &mut boards, request("True", "Issued"));
    assert!(boards.row(&of(Kind::Challenge, "proof")).is_none());
}

fn said(world: &World, boards: &Boards, key: &Key) -> Vec<String> {
    let sheet = detail(world, boards, key, now()).unwrap();
    let facts = sheet.facts.iter().filter(|fact| ["Order", "Challenge"].contains(&fact.label));
    facts.map(|fact| format!("{} {}", fact.label, fact.value.print(now()))).collect()
}

#[test]
fn sheets_of_a_certificate_and_its_request_name_what_they_wait_for_with_the_reasons() {
    let (mut world, mut boards) = waiting();
    for (kind, name) in [(Kind::Certificate, "web"), (Kind::CertificateRequest, "web-1")] {
        let facts = said(&world, &boards, &of(kind, name));
        assert_eq!(
            facts,
            [
                "Order ▲ order: pending: it waits for 1 Challenge",
                "Challenge ▲ DNS-01 for *.shop.example: pending: DNS record for \"shop.example\" not yet propagated",
            ]
        );
        let sheet = detail(&world, &boards, &of(kind, name), now()).unwrap();
        let leads = |key: &Key| sheet.links.iter().any(|link| link.key.as_ref() == Some(key));
        assert!(leads(&of(Kind::Order, "order")) && leads(&of(Kind::Challenge, "proof")), "{:?}", sheet.links);
    }
    let sheet = detail(&world, &boards, &of(Kind::Challenge, "proof"), now()).unwrap();
    assert!(sheet.links.iter().any(|link| link.key == Some(of(Kind::Order, "order"))), "{:?}", sheet.links);
    changed(&mut world, &mut boards, request("True", "Issued"));
    assert!(said(&world, &boards, &of(Kind::Certificate, "web")).is_empty(), "it waits for nothing");
}

#[test]
fn the_tree_leads_from_the_request_to_the_order_and_its_challenges() {
    let (world, boards) = waiting();
    for focus in [
        of(Kind::Certificate, "web"),
        of(Kind::CertificateRequest, "web-1"),
        of(Kind::Order, "order"),
        of(Kind::Challenge, "proof"),
    ] {
        let lines = tree(&world, &boards, &focus, now()).unwrap().lines(&[].into());
        let depth = |key: Key| {
            lines.iter().find(|line| line.object.as_ref() == Some(&key)).map(|line| line.guide.chars().count())
        };
        let request = depth(of(Kind::CertificateRequest, "web-1")).unwrap();
        assert_eq!(depth(of(Kind::Order, "order")), Some(request + 2), "{lines:#?}");
        assert_eq!(depth(of(Kind::Challenge, "proof")), Some(request + 4), "{lines:#?}");
        let order = lines.iter().find(|line| &*line.kind == "Order").unwrap();
        assert_eq!((order.level, &*order.state), (Level::Warn, "Pending"), "it has no row and is judged all the same");
    }
}

#[test]
fn a_cluster_without_them_is_told_nothing_of_them() {
    let (mut world, mut boards) = waiting();
    let kinds = [Kind::Order, Kind::Challenge];
    changed(&mut world, &mut boards, request("True", "Issued"));
    let mut told = |delta: fn(Kind) -> Delta| {
        for kind in kinds {
            world.apply(delta(kind), now());
        }
        boards.refresh(&world, &Touched { all: true, ..Touched::default() }, now());
        let lines = tree(&world, &boards, &of(Kind::Certificate, "web"), now()).unwrap().lines(&[].into());
        let problems = problems(&world, &boards, &[], &[]);
        let of_kinds = |said: String| kinds.iter().any(|kind| said.contains(kind.spec().plural));
        (
            lines.iter().any(|line| of_kinds(line.name.to_string())),
            problems.iter().any(|problem| of_kinds(problem.title.to_string())),
        )
    };
    assert_eq!(told(|kind| Delta::Absent(kind, Scope::All)), (false, false));
    let denied = told(|kind| Delta::Denied(kind, Scope::All, "list".into()));
    assert_eq!(denied, (true, true), "not to be allowed to look is another matter");
}
