//! How well a few typed letters fit a name: they must all be in it, in their order, and it is the better the more of
//! them begin the name or a word of it, or stand together.

/// For each letter that is found.
const FOUND: i32 = 16;
/// For one that follows the one found before it at once.
const TOGETHER: i32 = 12;
/// For one that begins a word.
const WORD: i32 = 9;
/// For one that begins the name.
const START: i32 = 14;
/// For a name that is nothing but what was typed.
const WHOLE: i32 = 30;
/// Off for each letter of the name that was not typed, up to a limit: the shorter name is meant more often.
const REST: usize = 12;

/// How well typed letters fit a name, the greater the better; `None` when they do not. Letter case does not matter.
pub fn score(typed: &str, name: &str) -> Option<i32> {
    let lower = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<Vec<char>>();
    let (typed, name) = (lower(typed), lower(name));
    if typed.is_empty() {
        return Some(0);
    }
    let begins = |at: usize| at > 0 && name[at].is_alphanumeric() && !name[at - 1].is_alphanumeric();
    // For each place of the name, the best score of all letters so far with the last of them there.
    let mut best: Vec<Option<i32>> = Vec::new();
    for (nth, letter) in typed.iter().enumerate() {
        let mut before = None;
        let mut next = vec![None; name.len()];
        for (at, other) in name.iter().enumerate() {
            let together = at.checked_sub(1).and_then(|at| best.get(at).copied().flatten());
            let reached = if nth == 0 { Some(0) } else { together.map(|score| score + TOGETHER).max(before) };
            let place = if at == 0 { START } else { i32::from(begins(at)) * WORD };
            next[at] = reached.filter(|_| other == letter).map(|score| score + FOUND + place);
            before = before.max(together);
        }
        best = next;
    }
    let rest = i32::try_from((name.len() - typed.len().min(name.len())).min(REST)).unwrap_or(0);
    let whole = i32::from(name == typed) * WHOLE;
    best.into_iter().flatten().max().map(|score| score + whole - rest)
}

/// The things that typed letters fit by any of their names, the best first; equal ones in the order they came in.
pub fn rank<T>(
    typed: &str,
    things: impl IntoIterator<Item = T>,
    fits: impl Fn(&T, &dyn Fn(&str) -> Option<i32>) -> Option<i32>,
) -> Vec<T> {
    let of = |name: &str| score(typed, name);
    let scored = things.into_iter().filter_map(|thing| Some((fits(&thing, &of)?, thing)));
    let mut scored: Vec<(i32, T)> = scored.collect();
    scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    scored.into_iter().map(|(_, thing)| thing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::the_whole_name("sort", "sort", "sort-turn")]
    #[case::a_beginning_before_a_middle("re", "restore-points", "previous-pane")]
    #[case::beginnings_of_words("rp", "restore-points", "reports")]
    #[case::letters_together("prod", "eu-prod", "p-r-o-d")]
    #[case::the_shorter_of_two("pro", "prod", "prod-east")]
    #[case::a_word_before_the_inside_of_one("west", "prod-west", "prodwest")]
    #[case::letter_case("PROD", "eu-prod", "p-r-o-d")]
    #[case::the_best_place_counts("b", "a-b", "aab")]
    fn the_better_name_comes_first(#[case] typed: &str, #[case] better: &str, #[case] worse: &str) {
        assert!(score(typed, better) > score(typed, worse), "{:?} {:?}", score(typed, better), score(typed, worse));
        let found = rank(typed, [worse, better], |name, fits| fits(name));
        assert_eq!(found[0], better);
    }

    #[rstest]
    #[case("zz", "sort")]
    #[case("tros", "sort")]
    #[case("sortt", "sort")]
    #[case("a", "")]
    fn what_is_not_in_it_in_this_order_does_not_fit(#[case] typed: &str, #[case] name: &str) {
        assert_eq!(score(typed, name), None);
    }

    #[test]
    fn nothing_typed_fits_everything_in_its_order() {
        assert_eq!(rank("", ["b", "a", ""], |name, fits| fits(name)), ["b", "a", ""]);
    }

    #[test]
    fn letters_outside_of_ascii_are_letters() {
        assert!(score("é", "café").is_some() && score("ÉF", "éf").is_some());
    }
}
