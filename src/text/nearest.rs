//! What a misspelt word was meant to be.

/// How alike two words must be, from 0 to 1 (Jaro-Winkler), for one to be offered in place of the other.
const ALIKE: f64 = 0.8;

/// The known word that a misspelt one was most likely meant to be; `None` when none is near.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let likeness = |known: &str| strsim::jaro_winkler(&word, &known.to_lowercase());
    let measured = known.into_iter().map(|known| (likeness(known), known));
    let near = measured.filter(|(likeness, _)| *likeness >= ALIKE);
    near.max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("readonly", Some("read_only"))]
    #[case("read-only", Some("read_only"))]
    #[case("Theme", Some("theme"))]
    #[case("promethues", Some("prometheus"))]
    #[case("colour", None)]
    #[case("", None)]
    fn a_near_word_is_found_and_a_far_one_is_not_offered(#[case] word: &str, #[case] meant: Option<&str>) {
        assert_eq!(nearest(word, ["theme", "read_only", "prometheus", "prometheus_ca"]), meant);
    }
}
