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

/// Checks a label: its key is a name, after an optional DNS prefix and a slash; its value may be empty.
pub fn validate_label(key: &str, value: &str) -> Result<(), NameError> {
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    if let Some(prefix) = prefix {
        validate_name(prefix)?;
    }
    label_part(name).map_err(|why| error("label", key, why))?;
    if value.is_empty() { Ok(()) } else { label_part(value).map_err(|why| error("label value", value, why)) }
}

/// What stands in a label's name and in its value.
fn label_part(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("is empty".into());
    }
    if text.len() > 63 {
        return Err("is longer than 63 characters".into());
    }
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if let Some(c) = text.chars().find(|c| !inner(*c)) {
        let bad = c.to_string();
        return Err(format!("has '{}' in it; only letters, digits, '-', '_' and '.' are allowed", sanitize(&bad)));
    }
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    if edge(text.chars().next()) && edge(text.chars().next_back()) {
        return Ok(());
    }
    Err("must begin and end with a letter or digit".into())
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

    #[rstest]
    #[case("tier", "gold", None)]
    #[case("shop.example/Tier_1", "", None)]
    #[case("", "x", Some("label \"\" is empty"))]
    #[case("a/", "x", Some("label \"a/\" is empty"))]
    #[case("-a", "x", Some("label \"-a\" must begin and end with a letter or digit"))]
    #[case("UP/a", "x", Some("name \"UP\" has 'U' in it"))]
    #[case("a", "\u{1b}", Some("label value \"␛\" has '␛' in it"))]
    fn labels_have_a_key_and_a_value(#[case] key: &str, #[case] value: &str, #[case] said: Option<&str>) {
        let error = validate_label(key, value).err().map(|error| error.to_string());
        let right = |said: &str| error.as_ref().is_some_and(|error| error.starts_with(said));
        assert!(said.map_or(error.is_none(), right), "{error:?}");
    }

    #[test]
    fn length_is_limited_and_the_error_stays_short() {
        assert!(validate_namespace(&"a".repeat(63)).is_ok());
        let said = validate_namespace(&"a".repeat(64)).unwrap_err().to_string();
        assert!(said.ends_with("is longer than 63 characters") && said.len() < 120, "{said}");
        assert!(validate_name(&"a".repeat(254)).is_err());
    }
}
