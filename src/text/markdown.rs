//! Text from outside in Markdown: as it is read, and never as markup.

use super::sanitize;

/// Text within a line, such as a cell of a table: line breaks and what a terminal obeys are made visible, and nothing of
/// it is markup or HTML.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in sanitize(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}

/// The same of a text with several lines: each is a line, and empty ones divide paragraphs.
pub fn paragraphs(text: &str) -> String {
    let lines = text.trim().lines().map(|line| {
        let line = escaped(line.trim());
        // A dash, a plus or a number at the beginning of a line would make a list of it.
        let list = line.starts_with(['-', '+'])
            || line.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(['.', ')']);
        if list { format!("&#8203;{line}") } else { line }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Text as code within a line, but not in a table.
pub fn code(text: &str) -> String {
    let text = sanitize(text);
    let fence = "`".repeat(longest(&text) + 1);
    let beside = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{beside}{text}{beside}{fence}")
}

/// Text as a block of code: its lines stay as they are.
pub fn block(text: &str) -> String {
    let lines: Vec<_> = text.trim_end().lines().map(sanitize).collect();
    let text = lines.join("\n");
    let fence = "`".repeat(longest(&text).max(2) + 1);
    format!("{fence}text\n{text}\n{fence}")
}

/// How many backticks follow each other at most.
fn longest(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("shop/data-db-0", "shop/data-db-0")]
    #[case("a|b", "a\\|b")]
    #[case("`rm` *x* _y_ [l](u) #1 ~z~ !i", "\\`rm\\` \\*x\\* \\_y\\_ \\[l\\](u) \\#1 \\~z\\~ \\!i")]
    #[case("<script>&amp;", "&lt;script&gt;&amp;amp;")]
    #[case("a\nb\u{1b}[2J", "a␊b␛\\[2J")]
    #[case("a\\|b", "a\\\\\\|b")]
    fn text_is_never_markup(#[case] text: &str, #[case] written: &str) {
        assert_eq!(escaped(text), written);
    }

    #[rstest]
    #[case("state:ok", "`state:ok`")]
    #[case("a `b` c", "``a `b` c``")]
    #[case("`", "`` ` ``")]
    fn code_cannot_be_left(#[case] text: &str, #[case] written: &str) {
        assert_eq!(code(text), written);
    }

    #[test]
    fn a_block_ends_where_it_ends() {
        assert_eq!(block("a\n```\n# b\u{202e}\n"), "````text\na\n```\n# b<U+202E>\n````");
        assert_eq!(block("  kubectl get"), "```text\n  kubectl get\n```");
    }

    #[test]
    fn lines_stay_lines_and_begin_no_list() {
        assert_eq!(paragraphs("a\n\n- b\n1. c"), "a\n\n&#8203;- b\n&#8203;1. c");
    }
}
