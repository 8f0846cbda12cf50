//! Patterns of names and paths: `*` and `?` stay within one part of a path, `**` goes over parts.

/// Whether the whole text fits the pattern.
pub fn glob(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    // One row of a table: which beginnings of the text the pattern so far fits.
    let mut fits: Vec<bool> = (0..=text.len()).map(|length| length == 0).collect();
    let mut at = 0;
    while let Some(&c) = pattern.get(at) {
        let deep = pattern[at..].starts_with(&['*', '*']);
        at += if deep { 2 } else { 1 };
        // `**/` also fits no folder at all.
        let none = deep && pattern.get(at) == Some(&'/');
        let before = fits.clone();
        for length in 0..=text.len() {
            let last = length.checked_sub(1);
            fits[length] = match (c, last) {
                ('*', None) => before[0],
                ('*', Some(last)) => before[length] || fits[last] && (deep || text[last] != '/'),
                (_, None) => false,
                ('?', Some(last)) => before[last] && text[last] != '/',
                (c, Some(last)) => before[last] && text[last] == c,
            };
        }
        if none {
            at += 1;
            let folders = fits.clone();
            for length in 0..=text.len() {
                let slash = length.checked_sub(1).is_some_and(|last| text[last] == '/' && folders[last]);
                fits[length] = before[length] || slash;
            }
        }
    }
    fits.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("semgrep*", "semgrep oss", true)]
    #[case("*", "a", true)]
    #[case("*", "a/b", false)]
    #[case("**", "a/b", true)]
    #[case("src/**", "src/a/b.c", true)]
    #[case("src/**", "lib/src/a", false)]
    #[case("**/test/*.py", "test/a.py", true)]
    #[case("**/test/*.py", "x/y/test/a.py", true)]
    #[case("**/test/*.py", "x/latest/a.py", false)]
    #[case("**/test/*.py", "test/a/b.py", false)]
    #[case("a?c", "abc", true)]
    #[case("a?c", "a/c", false)]
    #[case("", "", true)]
    #[case("", "a", false)]
    #[case("größe*", "größer", true)]
    fn patterns_fit(#[case] pattern: &str, #[case] text: &str, #[case] fitting: bool) {
        assert_eq!(glob(pattern, text), fitting);
    }
}
