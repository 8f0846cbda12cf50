//! Private keys that a program printed are taken out of its log before anybody can see or copy them.

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const KEY: &str = "PRIVATE KEY-----";
const HIDDEN: &str = "(a private key, not shown)";

/// Hides PEM private keys, on one line or over several.
#[derive(Clone, Debug, Default)]
pub(super) struct Hush {
    inside: bool,
}

impl Hush {
    /// A line without the private keys in it; `None` when it is nothing but the middle of one.
    pub(super) fn line(&mut self, line: &str) -> Option<String> {
        let mut shown = String::new();
        let mut rest = line;
        if self.inside {
            match rest.find(END) {
                Some(at) => rest = self.after(&rest[at..]),
                // Only what can be part of a key is: a program that was cut off must not hide what comes after.
                None if rest.trim().chars().all(|c| c.is_ascii_alphanumeric() || "+/=".contains(c)) => return None,
                None if header(rest) => return None,
                None => self.inside = false,
            }
            if rest.trim().is_empty() && line != rest {
                return None;
            }
        }
        while let Some(at) = start(rest) {
            shown.push_str(&rest[..at]);
            shown.push_str(HIDDEN);
            self.inside = true;
            rest = match rest[at..].find(END) {
                Some(end) => self.after(&rest[at + end..]),
                None => "",
            };
        }
        shown.push_str(rest);
        Some(shown)
    }

    /// What comes after the end marker at the beginning of `end`.
    fn after<'a>(&mut self, end: &'a str) -> &'a str {
        self.inside = false;
        let marker = end.find(KEY).map_or(end.len(), |at| at + KEY.len());
        &end[marker..]
    }
}

/// Where a private key begins.
fn start(line: &str) -> Option<usize> {
    let begins = line.match_indices(BEGIN).map(|(at, _)| at);
    let is = |at: &usize| {
        let name = &line[at + BEGIN.len()..];
        name.find("-----").is_some_and(|end| name[..end + 5].ends_with(KEY))
    };
    begins.into_iter().find(is)
}

/// A header of an encrypted key, such as `DEK-Info: AES-256-CBC,…`.
fn header(line: &str) -> bool {
    line.starts_with("Proc-Type:") || line.starts_with("DEK-Info:")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn shown(lines: &[&str]) -> Vec<String> {
        let mut hush = Hush::default();
        lines.iter().filter_map(|line| hush.line(line)).collect()
    }

    #[rstest]
    #[case(
        &["key:", "-----BEGIN EC PRIVATE KEY-----", "MHcCAQEE+/=", "-----END EC PRIVATE KEY-----", "done"],
        &["key:", "(a private key, not shown)", "done"]
    )]
    #[case(
        &[r#"{"k":"-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"}"#],
        &[r#"{"k":"(a private key, not shown)\n"}"#]
    )]
    #[case(&["-----BEGIN RSA PRIVATE KEY-----", "Proc-Type: 4,ENCRYPTED", "", "MIIE"], &["(a private key, not shown)"])]
    #[case(&["-----BEGIN PRIVATE KEY-----", "MIIE", "panic: no more", "MIIE"], &["(a private key, not shown)", "panic: no more", "MIIE"])]
    #[case(&["-----BEGIN CERTIFICATE-----", "MIIE"], &["-----BEGIN CERTIFICATE-----", "MIIE"])]
    #[case(
        &["-----BEGIN CERTIFICATE----- x -----BEGIN PRIVATE KEY-----MIIE-----END PRIVATE KEY----- y"],
        &["-----BEGIN CERTIFICATE----- x (a private key, not shown) y"]
    )]
    #[case(&["-----BEGIN PRIVATE KEY-----MI", "IE-----END PRIVATE KEY----- more"], &["(a private key, not shown)", " more"])]
    fn private_keys_are_hidden_and_nothing_else(#[case] lines: &[&str], #[case] expected: &[&str]) {
        assert_eq!(shown(lines), expected);
    }
}
