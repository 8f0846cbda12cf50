use proptest::prelude::*;

use super::*;

fn moment(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// One entry of a log: what kind of entry, which of a few things it is about, and two moments.
type Fact = (u8, u8, i64, i64);

fn take(log: &mut Observed, (sort, about, one, two): &Fact) {
    let (from, to) = (moment(*one.min(two)), moment(*one.max(two)));
    let name: Arc<str> = format!("n{about}").into();
    match sort {
        0 => {
            let program = Program { namespace: name, ..Program::default() };
            let key =
                RunKey { program, known: if one % 2 == 0 { Known::Seen } else { Known::Claimed }, ..RunKey::default() };
            log.saw(key, Extent { from, to, ended: two % 3 == 0, created: (two % 2 == 0).then_some(from) });
        }
        1 => log.watched(&name, (from, to)),
        2 => log.born(&Uid::from(&*name), Birth { at: from, empty: one % 2 == 0, for_first_pod: two % 2 == 0 }),
        _ => log.attest(&name, &format!("w{}", one % 2)),
    }
}

fn log(facts: &[Fact]) -> Observed {
    let mut log = Observed::default();
    for fact in facts {
        take(&mut log, fact);
    }
    log
}

fn facts() -> impl Strategy<Value = Vec<Fact>> {
    prop::collection::vec((0_u8..4, 0_u8..3, 0_i64..20, 0_i64..20), 0..12)
}

proptest! {
    #[test]
    fn neither_order_nor_duplicates_nor_direction_matter(one in facts(), two in facts(), three in facts()) {
        let merged = |logs: &[&[Fact]]| logs.iter().fold(Observed::default(), |mut all, facts| {
            all.merge(&log(facts));
            all
        });
        let there = merged(&[&one, &two, &three]);
        prop_assert_eq!(&there, &merged(&[&three, &one, &two]));
        prop_assert_eq!(&there, &merged(&[&one, &one, &two, &three, &two]));
        let mut backwards: Vec<Fact> = one.iter().chain(&two).chain(&three).copied().collect();
        backwards.reverse();
        prop_assert_eq!(&there, &log(&backwards), "together as one by one");
        let mut inner = log(&two);
        inner.merge(&log(&three));
        let mut nested = log(&one);
        nested.merge(&inner);
        prop_assert_eq!(there, nested);
    }

    #[test]
    fn spans_stay_apart_and_in_order_and_lose_no_moment(spans in prop::collection::vec((0_i64..50, 0_i64..50), 0..12)) {
        let mut united = Vec::new();
        for (one, two) in &spans {
            unite(&mut united, (moment(*one.min(two)), moment(*one.max(two))));
        }
        prop_assert!(united.windows(2).all(|pair| pair[0].1 < pair[1].0), "{united:?}");
        for second in 0..50 {
            let within = spans.iter().any(|(one, two)| (*one.min(two)..=*one.max(two)).contains(&second));
            let found = united.iter().any(|(from, to)| (*from..=*to).contains(&moment(second)));
            prop_assert_eq!(within, found);
        }
    }
}

#[test]
fn a_record_proves_what_its_operation_wrote_and_nothing_else() {
    let mut log = Observed::default();
    log.attest("op-1", "a");
    assert!(log.attests("op-1", "a") && !log.attests("op-1", "b") && !log.attests("op-2", "a"));
}
