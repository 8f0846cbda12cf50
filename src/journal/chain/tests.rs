use proptest::prelude::*;
use rstest::rstest;

use super::*;

impl Said for String {}

type Lines = Vec<Line<String>>;
type All = Vec<Entry<String>>;

fn whole(count: usize) -> All {
    let mut entries = All::new();
    for at in 0..count {
        let next = Entry::following(entries.last(), Timestamp::UNIX_EPOCH, format!("said {at}"), Vec::new());
        entries.push(next);
    }
    entries
}

fn lines(entries: All) -> Lines {
    entries.into_iter().enumerate().map(|(at, entry)| Line { number: at + 1, entry: Ok(entry) }).collect()
}

fn rehashed(mut entry: Entry<String>) -> Entry<String> {
    entry.hash = entry.digest();
    entry
}

fn change(entries: &mut [Entry<String>], at: usize) {
    entries[at].body = "never said".to_owned();
}

#[rstest]
#[case::as_written(|_: &mut All| {}, &[])]
#[case::content_changed(|all: &mut All| change(all, 2), &[(3, Wrong::Content)])]
#[case::content_of_the_first_changed(|all: &mut All| change(all, 0), &[(1, Wrong::Content)])]
#[case::content_of_the_last_changed(|all: &mut All| change(all, 5), &[(6, Wrong::Unlike)])]
#[case::content_of_two_changed(|all: &mut All| { change(all, 1); change(all, 3) }, &[(2, Wrong::Content), (4, Wrong::Content)])]
#[case::time_changed(|all: &mut All| all[4].at = Timestamp::MAX, &[(5, Wrong::Content)])]
#[case::number_changed(|all: &mut All| all[4].seq = 9, &[(5, Wrong::Content)])]
#[case::predecessor_changed(|all: &mut All| all[3].prev = "f".repeat(64), &[(4, Wrong::Content)])]
#[case::hash_changed(|all: &mut All| all[3].hash = "f".repeat(64), &[(4, Wrong::Hash)])]
#[case::content_changed_and_hashed_anew(
    |all: &mut All| { change(all, 2); all[2] = rehashed(all[2].clone()) }, &[(3, Wrong::Replaced)]
)]
#[case::the_last_numbered_and_hashed_anew(
    |all: &mut All| { all[5].seq = 7; all[5] = rehashed(all[5].clone()) }, &[(6, Wrong::Number)]
)]
#[case::one_taken_out(|all: &mut All| { all.remove(2); }, &[(3, Wrong::Missing { entries: 1 })])]
#[case::three_taken_out(|all: &mut All| { all.drain(1..4); }, &[(2, Wrong::Missing { entries: 3 })])]
#[case::the_beginning_taken_out(|all: &mut All| { all.drain(..2); }, &[(1, Wrong::Missing { entries: 2 })])]
#[case::neighbours_swapped(|all: &mut All| all.swap(2, 3), &[(3, Wrong::Swapped { with: 4 })])]
#[case::the_first_two_swapped(|all: &mut All| all.swap(0, 1), &[(1, Wrong::Swapped { with: 2 })])]
#[case::the_last_two_swapped(|all: &mut All| all.swap(4, 5), &[(5, Wrong::Swapped { with: 6 })])]
#[case::two_apart_swapped(|all: &mut All| all.swap(1, 4), &[(2, Wrong::Swapped { with: 5 })])]
#[case::one_moved_down(
    |all: &mut All| { let one = all.remove(1); all.insert(4, one) }, &[(2, Wrong::Order { written: vec![5, 2, 3, 4] })]
)]
#[case::swapped_and_changed(|all: &mut All| { all.swap(2, 3); change(all, 2) }, &[(3, Wrong::Swapped { with: 4 }), (3, Wrong::Content)])]
#[case::one_twice(|all: &mut All| { let one = all[2].clone(); all.insert(3, one) }, &[(4, Wrong::Twice { of: 3 })])]
#[case::one_twice_later(|all: &mut All| { let one = all[1].clone(); all.insert(5, one) }, &[(6, Wrong::Twice { of: 2 })])]
#[case::one_put_in(
    |all: &mut All| { let one = Entry::following(Some(&all[2]), Timestamp::MAX, "never".to_owned(), Vec::new()); all.insert(3, one) },
    &[(4, Wrong::Inserted)]
)]
#[case::one_of_another_chain_put_in(
    |all: &mut All| { let mut one = whole(9).remove(7); change(std::slice::from_mut(&mut one), 0); all.insert(3, rehashed(one)) },
    &[(4, Wrong::Inserted)]
)]
#[case::a_newer_one(|all: &mut All| all[3].v = 7, &[(4, Wrong::Newer(7))])]
fn what_was_done_to_a_chain_is_said_of_the_line_it_was_done_to(
    #[case] tamper: fn(&mut All),
    #[case] expected: &[(usize, Wrong)],
) {
    let mut entries = whole(6);
    tamper(&mut entries);
    let found: Vec<(usize, Wrong)> =
        faults(&lines(entries)).into_iter().map(|fault| (fault.line, fault.wrong)).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_line_that_cannot_be_read_hides_nothing_after_it() {
    let mut lines = lines(whole(6));
    lines[2].entry = Err("expected value".into());
    change_line(&mut lines, 4);
    let said: Vec<String> = faults(&lines).iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "line 3 cannot be read (expected value): it was changed or damaged",
            "line 5 (entry 4) was changed after it was written: its content does not give its hash, which the next entry \
             names"
        ]
    );
}

fn change_line(lines: &mut Lines, at: usize) {
    lines[at].entry.as_mut().unwrap().body = "never said".to_owned();
}

#[rstest]
#[case::all_there(|_: &mut All| {}, None)]
#[case::gone_on(|all: &mut All| { let next = Entry::following(all.last(), Timestamp::MAX, "more".to_owned(), Vec::new()); all.push(next) }, None)]
#[case::cut(|all: &mut All| all.truncate(4), Some(Lost::Cut { has: 4, had: 6 }))]
#[case::emptied(|all: &mut All| all.clear(), Some(Lost::Cut { has: 0, had: 6 }))]
#[case::the_tail_written_anew(
    |all: &mut All| { all.truncate(4); for _ in 0..3 { let next = Entry::following(all.last(), Timestamp::MAX, "else".to_owned(), Vec::new()); all.push(next) } },
    Some(Lost::Other { seq: 5 })
)]
fn a_chain_that_was_cut_or_written_anew_shows_against_a_head_that_is_remembered(
    #[case] tamper: fn(&mut All),
    #[case] expected: Option<Lost>,
) {
    let mut entries = whole(6);
    let anchor = Anchor { length: 6, head: entries[5].hash.clone() };
    tamper(&mut entries);
    assert_eq!(faults(&lines(entries.clone())), [], "in itself it is whole");
    assert_eq!(anchor.missing_from(&entries), expected);
}

proptest! {
    #[test]
    fn no_order_but_the_one_written_is_without_a_fault(order in Just((0..7usize).collect::<Vec<_>>()).prop_shuffle()) {
        let entries = whole(7);
        let shuffled: Vec<_> = order.iter().map(|at| entries[*at].clone()).collect();
        prop_assert_eq!(faults(&lines(shuffled)).is_empty(), order.is_sorted());
    }

    #[test]
    fn what_is_taken_out_anywhere_but_at_the_end_shows(keep in proptest::collection::vec(any::<bool>(), 7)) {
        let kept: Vec<_> = whole(7).into_iter().zip(&keep).filter(|(_, keep)| **keep).map(|(entry, _)| entry).collect();
        let count = kept.len();
        let prefix = keep.iter().take(count).all(|keep| *keep);
        prop_assert_eq!(faults(&lines(kept)).is_empty(), prefix);
    }
}
