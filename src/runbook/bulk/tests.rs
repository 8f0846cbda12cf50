//! In which order, in which waves, what is done, and what stops it.

use rstest::rstest;

use super::*;
use crate::assess::testing::{DAY, ago, annotated, live, meta, now, put, x509};
use crate::model::{
    CertificateFacts, Container, ContainerPort, Delta, KeyMatch, Kind, Meta, Object, Place, Pod, Scope, SecretUse,
    SecretVia, Shaken, TlsSecret, annotation,
};

fn leaf(fingerprint: &str, behind: i64) -> CertificateFacts {
    CertificateFacts { fingerprint: fingerprint.into(), ..x509("web", "ca", behind, DAY) }
}

fn tls(meta: Meta, facts: CertificateFacts) -> Object {
    let leaf = Place { key: "tls.crt".into(), chain: Ok([facts].into()) };
    Object::TlsSecret(TlsSecret { meta, leaf, ca: None, key: KeyMatch::Match, files: Box::default() })
}

fn secret(name: &str) -> Object {
    tls(meta(name), leaf(name, 600))
}

/// It was rotated this many minutes ago.
fn rotated(name: &str, minutes: i64) -> [Object; 2] {
    let kept = Meta { created: Some(ago(minutes)), ..meta(&format!("{name}-kept")) };
    let kept = tls(annotated(kept, annotation::COPY_OF, name), leaf(name, 600));
    [tls(meta(name), leaf(&format!("{name} anew"), minutes + 5)), kept]
}

/// Pods that serve a Secret.
fn pods(secret: &str, count: usize) -> impl Iterator<Item = Object> + '_ {
    let ports = [ContainerPort { name: "https".into(), number: 8443 }];
    (0..count).map(move |at| {
        Object::Pod(Pod {
            meta: meta(&format!("{secret}-{at}")),
            phase: "Running".into(),
            ready: true,
            started: Some(ago(30)),
            secrets: [SecretUse { secret: secret.into(), via: SecretVia::Mount }].into(),
            containers: [Container { ports: ports.clone().into(), ..Container::default() }].into(),
            ..Pod::default()
        })
    })
}

/// The first pod of a Secret was seen to serve this.
fn shake(world: &mut World, secret: &str, fingerprint: &str) {
    let pod = format!("uid-{secret}-0").into();
    let served = Ok(Box::new(leaf(fingerprint, 600)));
    let shaken = Shaken { pod, port: 8443, name: "web".into(), at: ago(1), served };
    world.apply(Delta::Shaken(vec![shaken]), now());
}

/// `a` is used by one pod, `b` by two, and so on.
fn world(names: &[&str]) -> World {
    let mut world = live();
    for (at, name) in names.iter().enumerate() {
        put(&mut world, std::iter::once(secret(name)).chain(pods(name, at + 1)));
    }
    world
}

fn matched(names: &[&str]) -> Vec<(ObjRef, Uid)> {
    names.iter().map(|name| (meta(name).reference(Kind::TlsSecret), meta(name).uid())).collect()
}

fn order(chosen: &Chosen) -> Vec<&str> {
    chosen.items.iter().map(|item| &*item.secret.name).collect()
}

const FOUR: [&str; 4] = ["d", "c", "b", "a"];

#[rstest]
#[case::none_is_seen_to_be_served(&[], &["a", "b", "c", "d"])]
#[case::one_is(&["c"], &["c", "a", "b", "d"])]
#[case::of_two_the_one_that_fewer_use(&["d", "b"], &["b", "a", "c", "d"])]
fn the_first_is_one_that_can_be_proven_and_the_fewest_use(#[case] seen: &[&str], #[case] expected: &[&str]) {
    let mut world = world(&["a", "b", "c", "d"]);
    for name in seen {
        shake(&mut world, name, name);
    }
    assert_eq!(order(&choose(&world, &matched(&FOUR), now())), expected);
}

#[rstest]
#[case::a_tenth(Batch::default(), 32, &[1, 1, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3])]
#[case::at_least_one(Batch::default(), 5, &[1, 1, 1, 1, 1])]
#[case::a_number(Batch::Number(4), 9, &[1, 1, 4, 3])]
#[case::all_at_once(Batch::Share(100), 6, &[1, 1, 4])]
#[case::one(Batch::default(), 1, &[1])]
fn waves_are_one_then_one_more_then_batches(#[case] batch: Batch, #[case] all: usize, #[case] expected: &[usize]) {
    let names: Vec<String> = (0..all).map(|at| format!("s{at:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut world = live();
    put(&mut world, names.iter().map(|name| secret(name)));
    let chosen = choose(&world, &matched(&names), now());
    let options = Options { batch, ..Options::default() };
    let standing = standing(&world, &chosen.items, ago(5), &options, now());
    let of = |wave| standing.lines.iter().filter(|line| line.wave == wave).count();
    assert_eq!((1..=standing.waves()).map(of).collect::<Vec<_>>(), expected);
}

fn said(next: &Next) -> String {
    match next {
        Next::Plan(request) => format!("{} {}", request.verb(), request.subject().1),
        Next::Refused { why, .. } => format!("refused {why}"),
        Next::Done(_) => "done".to_owned(),
        other => panic!("{other:?}"),
    }
}

/// Whoever goes on is told the same as whoever was interrupted, because only the world and the moment are asked.
#[test]
fn each_that_is_done_leads_to_the_next_whoever_asks() {
    let mut world = world(&["a", "b", "c"]);
    let since = ago(20);
    let next_of = |world: &World, options: &Options| {
        let chosen = choose(world, &matched(&["a", "b", "c"]), now());
        said(&standing(world, &chosen.items, since, options, now()).next)
    };
    let needed = Options::default();
    let all = Options { restart: Restart::All, ..Options::default() };
    assert_eq!(next_of(&world, &needed), "rotate uid-a");
    put(&mut world, rotated("a", 10));
    shake(&mut world, "a", "a anew");
    assert_eq!(next_of(&world, &needed), "rotate uid-b");
    // Before that moment is not since.
    put(&mut world, rotated("b", 21));
    assert_eq!(next_of(&world, &needed), "rotate uid-b");
    // Issued and not served stands before what was not issued, and is not issued again unless all are restarted.
    put(&mut world, rotated("b", 5));
    shake(&mut world, "b", "b");
    let stuck = next_of(&world, &needed);
    assert!(stuck.starts_with("refused Secret shop/b was issued anew and is not served: pod b-0: "), "{stuck}");
    assert_eq!(next_of(&world, &all), "rotate uid-b");
    shake(&mut world, "b", "b anew");
    assert_eq!(next_of(&world, &needed), "rotate uid-c");
    put(&mut world, rotated("c", 2));
    assert_eq!(next_of(&world, &needed), "done");
    // What was put back is not done any more.
    put(&mut world, [secret("a"), tls(annotated(meta("a-undone"), annotation::COPY_OF, "a"), leaf("a anew", 15))]);
    assert_eq!(next_of(&world, &needed), "rotate uid-a");
}

#[test]
fn when_it_begins_nothing_is_done_and_all_that_comes_counts() {
    let mut world = world(&["a", "b"]);
    let chosen = choose(&world, &matched(&["a", "b"]), now());
    assert_eq!(begin(&world, &chosen.items, now()), ago(5), "clocks may be apart");
    put(&mut world, rotated("a", 1));
    let since = begin(&world, &chosen.items, now());
    assert_eq!(since, ago(1) + SignedDuration::from_secs(1));
    let standing = standing(&world, &chosen.items, since, &Options::default(), now());
    assert_eq!((standing.done(), standing.open().count()), (0, 2));
}

#[rstest]
#[case(Kind::TlsSecret)]
#[case(Kind::Certificate)]
#[case(Kind::CertificateRequest)]
#[case(Kind::Pod)]
fn nothing_comes_next_while_it_is_not_seen(#[case] kind: Kind) {
    let mut world = world(&["a"]);
    let chosen = choose(&world, &matched(&["a"]), now());
    world.apply(Delta::Denied(kind, Scope::All, "list".into()), now());
    let standing = standing(&world, &chosen.items, ago(5), &Options::default(), now());
    assert!(said(&standing.next).starts_with("refused not allowed to list"), "{:?}", standing.next);
}

#[rstest]
#[case("10%", Some(Batch::Share(10)))]
#[case("100%", Some(Batch::Share(100)))]
#[case("3", Some(Batch::Number(3)))]
#[case("0", None)]
#[case("0%", None)]
#[case("101%", None)]
#[case("many", None)]
fn the_size_of_a_batch_is_a_share_or_a_number(#[case] word: &str, #[case] expected: Option<Batch>) {
    assert_eq!(Batch::parse(word).ok(), expected);
    assert!(expected.is_none_or(|batch| batch.word() == word));
}

#[test]
fn the_line_that_goes_on_has_everything_that_was_chosen() {
    let mut world = live();
    world.context.name = "prod".into();
    world.context.namespaces = vec!["shop".into(), "mail".into()];
    let options = Options { batch: Batch::Number(3), restart: Restart::All, ..Options::default() };
    let line = command(&world, "issuer:\"old CA\"", &options, Some(now()));
    let expected = "holdfast reissue --filter 'issuer:\"old CA\"' --namespace shop --namespace mail --batch 3 --restart all \
                    --since 2026-03-01T12:00:00Z --context prod";
    assert_eq!(line, expected);
}
