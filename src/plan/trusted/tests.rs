//! What is said before a copy is restored that cannot be trusted.

use rstest::rstest;

use super::warnings;
use crate::assess::exposure::testing;
use crate::assess::testing::now;
use crate::model::{Findings, World};

fn said(world: &World, name: &str) -> Vec<String> {
    let snapshot = world.inventory.snapshots.iter().find(|one| &*one.meta.name == name).unwrap();
    warnings(world, &snapshot.meta.uid(), now())
}

#[rstest]
#[case::exposed("b", "it is exposed by sqli in src/db.rs: code with it ran as r.example/db:1.0.98")]
#[case::tainted("c", "it may be tainted by sqli in src/db.rs")]
fn a_copy_that_cannot_be_trusted_is_warned_of_with_a_better_one(#[case] name: &str, #[case] begins: &str) {
    let said = said(&testing::shop(), name);
    let [one] = said.as_slice() else { panic!("{said:?}") };
    assert!(one.starts_with(begins), "{one}");
    assert!(one.ends_with("; restore shop/a instead, which is known-good and 11h old"), "{one}");
}

#[test]
fn an_unproven_copy_is_warned_of_and_nothing_better_is_made_up() {
    let mut world = testing::bare();
    testing::ran(&mut world, testing::releases());
    testing::scanned(&mut world, testing::three().into_iter().skip(1));
    let said = said(&world, "a");
    assert!(said[0].starts_with("whether it can be trusted is not known because of sqli"), "{said:?}");
    assert!(said[0].ends_with("; no copy of this volume is known-good"), "{said:?}");
}

#[test]
fn a_known_good_copy_and_one_that_nothing_makes_suspicious_need_no_warning() {
    let mut world = testing::shop();
    assert_eq!(said(&world, "a"), [] as [&str; 0]);
    world.findings = Findings::default();
    assert_eq!(said(&world, "b"), [] as [&str; 0], "no findings");
}
