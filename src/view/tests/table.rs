//! Listings that follow time and labels, pins, news, and the list of problems.

use super::*;
use crate::assess::testing::x509;
use crate::model::{
    CertificateFacts, Container, ContainerPort, KeyMatch, Place, SecretUse, SecretVia, Shaken, TlsSecret,
};

/// The names that a filter lists in a pane.
fn listed(listing: &mut Listing, world: &World, boards: &Boards, now: Timestamp) -> Vec<String> {
    let board = boards.board(Pane::Volumes);
    listing.refresh(board, world, now);
    listing.rows(board, 0).map(|row| row.object.name.to_string()).collect()
}

#[test]
fn a_listing_follows_the_time_that_its_filter_looks_at() {
    let (world, boards) = shop();
    let mut listing = Listing::new(Query { filter: Filter::parse("lastGood>2h"), ..Query::default() });
    assert_eq!(listed(&mut listing, &world, &boards, now()), ["old"]);
    let due = now() + SignedDuration::from_hours(1);
    assert_eq!(listed(&mut listing, &world, &boards, due), ["old"], "not yet more than two hours");
    let past = due + SignedDuration::from_secs(1);
    assert_eq!(listed(&mut listing, &world, &boards, past), ["old", "db"], "no row changed, only the time");
}

#[test]
fn a_listing_follows_labels_which_its_rows_do_not_hold() {
    let (mut world, mut boards) = shop();
    let mut listing = Listing::new(Query { filter: Filter::parse("label:tier=gold"), ..Query::default() });
    assert_eq!(listed(&mut listing, &world, &boards, now()), [""; 0]);
    for (value, expected) in [("gold", vec!["db"]), ("silver", vec![])] {
        let mut labelled = claim("db");
        labelled.meta.labels = [("tier".into(), value.into())].into();
        let touched = world.apply(Delta::Upsert(Box::new(Object::Pvc(labelled)), Scope::All), now());
        boards.refresh(&world, &touched, now());
        assert_eq!(listed(&mut listing, &world, &boards, now()), expected);
    }
}

#[test]
fn a_pinned_filter_holds_beside_the_own_one_where_its_columns_are() {
    let (world, boards) = shop();
    let query = |pinned: &str, filter: &str| Query {
        pinned: Filter::parse(pinned),
        filter: Filter::parse(filter),
        ..Query::default()
    };
    for (pinned, filter, expected) in [
        ("db", "", vec!["db"]),
        ("db", "state:breached", vec![]),
        ("expires<14d", "", vec!["old", "db"]),
        ("expires<14d db", "", vec!["db"]),
    ] {
        let mut listing = Listing::new(query(pinned, filter));
        assert_eq!(listed(&mut listing, &world, &boards, now()), expected, "{pinned} {filter}");
        assert_eq!(listing.pinned_faults().len(), usize::from(pinned.contains("expires")));
    }
}

#[test]
fn what_just_changed_is_news_for_a_moment_and_what_a_list_brings_is_not() {
    let (mut world, mut boards) = shop();
    let news = |boards: &Boards, key: &Key, at: Timestamp| boards.board(Pane::Volumes).news(key, at);
    let (db, old) = (key(Kind::Pvc, "shop/db"), key(Kind::Pvc, "shop/old"));
    assert!([&db, &old].iter().all(|key| news(&boards, key, now()).is_none()), "the first list is no news");

    let apply = |world: &mut World, boards: &mut Boards, objects: Vec<Object>, at: Timestamp| {
        let mut touched = Touched::default();
        for object in objects {
            touched.merge(world.apply(Delta::Upsert(Box::new(object), Scope::All), at));
        }
        boards.refresh(world, &touched, at);
    };
    apply(&mut world, &mut boards, copy("old", "old-2", 1).into(), now());
    apply(&mut world, &mut boards, vec![Object::Pvc(claim("fresh"))], now());
    assert_eq!(news(&boards, &old, now()), Some(News::Changed));
    assert_eq!(news(&boards, &key(Kind::Pvc, "shop/fresh"), now()), Some(News::New));
    assert_eq!(news(&boards, &db, now()), None);
    let later = now() + SignedDuration::from_secs(2);
    assert_eq!(news(&boards, &old, later), None);

    // A watch that breaks and comes back: all rows change twice, and one object changed meanwhile.
    let failed = world.apply(Delta::Failed(Kind::VolumeSnapshot, Scope::All, "connection refused".into()), later);
    boards.refresh(&world, &failed, later);
    apply(&mut world, &mut boards, copy("db", "db-2", 0).into(), later);
    let back = world.apply(Delta::ListDone(Kind::VolumeSnapshot, Scope::All), later);
    boards.refresh(&world, &back, later);
    assert!([&db, &old].iter().all(|key| news(&boards, key, later).is_none()));
}

#[test]
fn a_measurement_is_news_only_when_it_raises_or_ends_an_alarm() {
    let (mut world, mut boards) = shop();
    let db = key(Kind::Pvc, "shop/db");
    for (per_mille, news) in [(500, None), (600, None), (850, Some(News::Changed))] {
        measure(&mut world, &mut boards, "db", per_mille, 10);
        assert_eq!(boards.board(Pane::Volumes).news(&db, now()), news, "{per_mille}");
    }
}

fn problem(name: &str, level: Level, state: &'static str, reason: &str) -> Problem {
    Problem {
        key: key(Kind::Pvc, name),
        level,
        title: Box::default(),
        object: Some(ObjRef::namespaced(Kind::Pvc, "n", name)),
        state,
        reason: reason.into(),
        next: "look".into(),
        since: None,
        weight: 0,
        remedy: None,
    }
}

#[test]
fn data_that_is_going_comes_before_what_is_broken_unknown_or_a_warning() {
    let mut going = claim("going");
    going.meta.deleting = Some(now());
    let (mut world, mut boards) = seen([]);
    let mut objects = vec![Object::Pvc(going), Object::Pv(volume("going"))];
    objects.extend([Object::Pvc(claim("broken")), Object::Pv(volume("broken"))]);
    live(&mut world, &mut boards, objects);
    world.apply(Delta::Connection(Connection::Down { since: now(), why: "no route to host".into() }), now());
    world.apply(Delta::Unreadable(Kind::Pvc, "odd".into(), "spec is not an object".into()), now());
    world.apply(Delta::Denied(Kind::Node, Scope::All, "list".into()), now());
    let list = problems(&world, &boards, &[], &[]);
    let said: Vec<(Rank, &str)> = list.iter().map(|problem| (problem.rank(), problem.state)).collect();
    let expected = [
        (Rank::Going, "Going"),
        (Rank::Broken, "Down"),
        (Rank::Broken, "Never"),
        (Rank::Unknown, "Unreadable"),
        (Rank::Warning, "Denied"),
    ];
    assert_eq!(said, expected);
    assert_eq!(list[0].remedy, None, "what is being deleted is not backed up");
    assert_eq!(list[2].remedy, Some(Remedy::Backup));
}

#[test]
fn what_is_broken_comes_before_what_is_about_to_break() {
    let rank = |level, state| problem("a", level, state, "why").rank();
    assert_eq!(rank(Level::Critical, "Expired"), Rank::Broken);
    assert_eq!(rank(Level::Critical, "Expiring"), Rank::Soon);
    assert_eq!(rank(Level::Warn, "Expiring"), Rank::Warning);
    assert!(Rank::Broken < Rank::Soon && Rank::Soon < Rank::Unknown);
}

#[test]
fn many_problems_that_say_the_same_are_one_line_until_it_is_opened() {
    let mut all = vec![problem("a", Level::Critical, "Breached", "its own reason")];
    all.extend(["b", "c", "d"].map(|name| problem(name, Level::Critical, "Never", "no copy")));
    all.push(problem("e", Level::Warn, "At risk", "another"));
    let names = |lines: &[Problem]| {
        lines
            .iter()
            .map(|line| {
                line.object.as_ref().map_or_else(|| line.subject().into_owned(), |object| object.name.to_string())
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&gather(all.clone(), 3, &[].into())), ["a", "b", "c", "d", "e"], "three fit");
    let closed = gather(all.clone(), 2, &[].into());
    assert_eq!(names(&closed), ["a", "3 volumes", "e"]);
    assert!(closed[1].many() && !closed[0].many());
    let open = gather(all, 2, &[closed[1].key.clone()].into());
    assert_eq!(names(&open), ["a", "3 volumes", "b", "c", "d", "e"]);
}

#[test]
fn a_pin_hides_the_problems_of_hidden_rows_and_never_what_blinds_the_console() {
    let (mut world, boards) = shop();
    world.apply(Delta::Denied(Kind::Node, Scope::All, "list".into()), now());
    let list = problems(&world, &boards, &[], &[]);
    let passing = |filter: &str, pinned: &str| -> Vec<&str> {
        let sieve = Sieve::new(&Filter::parse(filter), &Filter::parse(pinned));
        let passing = list.iter().filter(|problem| sieve.passes(problem, &world, &boards, now()));
        passing.map(|problem| problem.state).collect()
    };
    assert_eq!(passing("", ""), ["Breached", "Denied"]);
    assert_eq!(passing("", "rpo>100h"), ["Denied"], "a column of the volumes");
    assert_eq!(passing("", "expires<1d"), ["Breached", "Denied"], "volumes have no such column");
    assert_eq!(passing("kind:persistent", ""), ["Breached"]);
    assert_eq!(passing("why:\"may not list\"", ""), ["Denied"]);
    assert_eq!(passing("level:crit", ""), ["Breached"]);
}

/// A pod that was seen to serve a former certificate is a problem with what to do; an inference says that it is one.
#[test]
fn pods_that_serve_a_former_certificate_are_problems_and_an_inference_is_never_shown_as_seen() {
    let facts = |name: &str| CertificateFacts {
        names: ["web.shop.svc".into()].into(),
        ..x509(name, "CN=ca", 60, 60 * 24 * 300)
    };
    let pod = |name: &str, via| Pod {
        meta: meta(Some("shop"), name),
        phase: "Running".into(),
        ready: true,
        started: Some(now() - SignedDuration::from_hours(3)),
        secrets: [SecretUse { secret: "web-tls".into(), via }].into(),
        containers: [Container {
            ports: [ContainerPort { name: "https".into(), number: 8443 }].into(),
            ..Container::default()
        }]
        .into(),
        ..Pod::default()
    };
    let chain = Ok([facts("CN=web")].into());
    let secret = TlsSecret {
        meta: meta(Some("shop"), "web-tls"),
        leaf: Place { key: "tls.crt".into(), chain },
        ca: None,
        key: KeyMatch::Match,
        files: Box::default(),
    };
    let (mut world, mut boards) = seen([]);
    let pods = [pod("mounts", SecretVia::Mount), pod("frozen", SecretVia::SubPath)].map(Object::Pod);
    live(&mut world, &mut boards, std::iter::once(Object::TlsSecret(secret)).chain(pods).collect());
    let said = |world: &World, boards: &Boards| {
        let list = problems(world, boards, &[], &[]);
        let [only] = list.as_slice() else { panic!("{list:?}") };
        (only.rank(), only.level, only.state, only.reason.to_string(), only.next.to_string())
    };
    let (rank, level, state, why, next) = said(&world, &boards);
    assert_eq!((rank, level, state), (Rank::Warning, Level::Warn, "Maybe stale"));
    assert!(why.starts_with("inferred, not seen: pod frozen") && next.starts_with("restart the pod"), "{why} {next}");
    let shaken = Shaken {
        pod: Uid::from("shop/mounts"),
        port: 8443,
        name: "web.shop.svc".into(),
        at: now(),
        served: Ok(Box::new(facts("CN=former"))),
    };
    let touched = world.apply(Delta::Shaken(vec![shaken]), now());
    boards.refresh(&world, &touched, now());
    let (rank, level, state, why, next) = said(&world, &boards);
    assert_eq!((rank, level, state), (Rank::Broken, Level::Critical, "Pods stale"));
    assert!(why.starts_with("pod mounts, port 8443: it serves another certificate of the same names"), "{why}");
    assert_eq!(next, "restart the pod, if it does not reload by itself");
    // Nobody asks again: it is not known then, and the list says so by itself.
    let later = boards.next_change().unwrap() + SignedDuration::from_secs(1);
    boards.refresh(&world, &Touched::default(), later);
    let (rank, level, state, ..) = said(&world, &boards);
    assert_eq!((rank, level, state), (Rank::Unknown, Level::Unknown, "Maybe stale"));
}
