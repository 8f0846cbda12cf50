use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::assess::exposure::testing::{SQLI, V2, scan, scanned, shop, three};
use crate::assess::known_good::{CONCERN, keeping, points};
use crate::assess::testing::{ago, cluster_meta, now, put};
use crate::model::{Meta, Namespace, Object, Uid};

fn judged(world: &World, id: FindingId) -> Judgement<Priority> {
    let chains = Chains::of(world);
    let claim = world.inventory.pvcs.get(&Uid::from("uid-data")).unwrap();
    let points = points(world, &chains, claim, CONCERN, now()).value;
    let kept = keeping(world, &chains, claim, CONCERN, now()).value;
    priority(world, &chains, id, &[(claim, AtRisk { points, kept })], now()).unwrap()
}

#[test]
fn the_number_is_explained_by_its_parts() {
    let judged = judged(&shop(), SQLI);
    assert_eq!(judged.value.score, 7 * 6 * 4);
    assert_eq!(judged.reasons[0].text, "168 = 7 (high, by level) x 6 (linked: exact) x 4 (data at risk)");
    assert!(judged.reasons[1].text.contains("known-good copy shop/a is kept"), "{}", judged.reasons[1].text);
    assert_eq!(judged.value.since, Some(ago(V2)));
}

#[test]
fn data_with_nothing_to_go_back_to_comes_first() {
    let mut world = shop();
    scanned(&mut world, three().into_iter().skip(1));
    let judged = judged(&world, SQLI);
    assert_eq!(judged.value.score, 7 * 6 * 8);
    assert!(judged.reasons[1].text.contains("has no known-good copy"));
}

#[rstest]
#[case("critical", 8)]
#[case("High", 6)]
#[case("normal", 4)]
#[case("whatever", 4)]
#[case("low", 2)]
fn how_much_the_data_matters_is_a_label(#[case] label: &str, #[case] risk: u32) {
    let mut world = shop();
    let labels = [(annotation::CRITICALITY.into(), label.into())].into();
    put(&mut world, [Object::Namespace(Namespace { meta: Meta { labels, ..cluster_meta("shop") } })]);
    assert_eq!(judged(&world, SQLI).value.score, 7 * 6 * risk);
}

#[test]
fn a_finding_that_is_linked_to_nothing_has_a_place_too() {
    const LONE: FindingId = FindingId(3);
    let mut world = shop();
    scanned(&mut world, three().into_iter().chain([scan('f', 3, &[LONE])]));
    let lone = judged(&world, LONE);
    assert_eq!((lone.value.rung, lone.value.score), (Rung::None, 7 * 4));
    assert!(lone.reasons.iter().any(|reason| reason.text == "it is linked to no workload" && reason.next.is_some()));
}

proptest! {
    #[test]
    fn the_order_is_total_and_puts_the_higher_number_first(all in prop::collection::vec((0_u32..3, 0_usize..5, 0_u128..4), 2..9)) {
        let make = |(score, band, id): &(u32, usize, u128)| Priority {
            id: FindingId(*id), score: *score, band: Band::ALL[*band], rung: Rung::Exact, claimed: false, since: None,
        };
        let mut sorted: Vec<Priority> = all.iter().map(make).collect();
        sorted.sort_by_key(Priority::key);
        let mut again: Vec<Priority> = all.iter().rev().map(make).collect();
        again.sort_by_key(Priority::key);
        prop_assert!(sorted.windows(2).all(|pair| pair[0].score >= pair[1].score));
        prop_assert_eq!(sorted, again);
    }
}
