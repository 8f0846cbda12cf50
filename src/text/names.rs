//! Names that people type, checked before they reach a URL.

use thiserror::Error;

use super::{sanitize, truncate};

/// Why a text cannot be a Kubernetes name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{what} \"{text}\" {why}")]
pub struct NameError {
    what: &'static str,
    text: String,
    why: String,
}

/// Checks the name of an object: an RFC 1123 subdomain.
pub fn validate_name(name: &str) -> Result<(), NameError> {
    let refuse = |why: String| Err(error("name", name, why));
    if let Err(why) = characters(name, 253, true) {
        return refuse(why);
    }
    match name.split('.').find_map(|label| edges(label).err()) {
        Some(why) => refuse(why),
        None => Ok(()),
    }
}

/// Checks the name of a namespace: an RFC 1123 label.
pub fn validate_namespace(name: &str) -> Result<(), NameError> {
    characters(name, 63, false).and_then(|()| edges(name)).map_err(|why| error("namespace", name, why))
}

fn error(what: &'static str, text: &str, why: String) -> NameError {
    NameError { what, text: truncate(&sanitize(text), 60).into_owned(), why }
}

fn characters(text: &str, longest: usize, dots: bool) -> Result<(), String> {
    if text.is_empty() {
        return Err("is empty".into());
    }
    if text.len() > longest {
        return Err(format!("is longer than {longest} characters"));
    }
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || (dots && c == '.');
    match text.chars().find(|c| !allowed(*c)) {
        None => Ok(()),
        Some(c) => {
            let bad = c.to_string();
            let kinds =
                if dots { "lower-case letters, digits, '-' and '.'" } else { "lower-case letters, digits and '-'" };
            Err(format!("has '{}' in it; only {kinds} are allowed", sanitize(&bad)))
        }
    }
}

fn edges(label: &str) -> Result<(), String> {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if label.is_empty() {
        return Err("has an empty part: dots must have letters or digits between them".into());
    }
    if edge(label.chars().next()) && edge(label.chars().next_back()) {
        return Ok(());
    }
    Err("must begin and end with a letter or digit, in every part between dots".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("data-db-0")]
    #[case("a.b.c")]
    #[case("0")]
    fn good_names_pass(#[case] name: &str) {
        assert_eq!(validate_name(name), Ok(()));
    }

    #[rstest]
    #[case("", "name \"\" is empty")]
    #[case("../etc", "name \"../etc\" has '/' in it; only lower-case letters, digits, '-' and '.' are allowed")]
    #[case("..", "name \"..\" has an empty part: dots must have letters or digits between them")]
    #[case("-a", "name \"-a\" must begin and end with a letter or digit, in every part between dots")]
    #[case("a-.b", "name \"a-.b\" must begin and end with a letter or digit, in every part between dots")]
    #[case("DB", "name \"DB\" has 'D' in it; only lower-case letters, digits, '-' and '.' are allowed")]
    #[case("a\x1bb", "name \"a␛b\" has '␛' in it; only lower-case letters, digits, '-' and '.' are allowed")]
    #[case("a%2fb", "name \"a%2fb\" has '%' in it; only lower-case letters, digits, '-' and '.' are allowed")]
    fn bad_names_say_why(#[case] name: &str, #[case] said: &str) {
        assert_eq!(validate_name(name).unwrap_err().to_string(), said);
    }

    #[rstest]
    #[case("shop", true)]
    #[case("shop.eu", false)]
    #[case("shop-", false)]
    fn namespaces_are_one_label(#[case] name: &str, #[case] good: bool) {
        assert_eq!(validate_namespace(name).is_ok(), good);
    }

    #[test]
    fn length_is_limited_and_the_error_stays_short() {
        assert!(validate_namespace(&"a".repeat(63)).is_ok());
        let said = validate_namespace(&"a".repeat(64)).unwrap_err().to_string();
        assert!(said.ends_with("is longer than 63 characters") && said.len() < 120, "{said}");
        assert!(validate_name(&"a".repeat(254)).is_err());
    }
}
