//! Command lines that a person may copy and run.

/// Words as one line for a POSIX shell: what a shell would not take as it stands is put into single quotes.
pub fn command_line<S: AsRef<str>>(words: &[S]) -> String {
    words.iter().map(|word| quoted(word.as_ref())).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(&["holdfast", "backup", "shop/data-db-0"], "holdfast backup shop/data-db-0")]
    #[case(&["--reason", "before the move"], "--reason 'before the move'")]
    #[case(&["--reason", "it's due", ""], r"--reason 'it'\''s due' ''")]
    #[case(&["$(reboot)", "a;b", "~"], "'$(reboot)' 'a;b' '~'")]
    fn words_stay_words(#[case] words: &[&str], #[case] line: &str) {
        assert_eq!(command_line(words), line);
    }

    proptest! {
        #[test]
        fn a_shell_reads_every_word_as_it_was(word in "[^\\x00]{0,20}") {
            let line = command_line(&["printf", "%s", word.as_str()]);
            let out = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
            prop_assert_eq!(String::from_utf8(out.stdout).unwrap(), word);
        }
    }
}
