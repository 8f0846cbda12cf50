//! Single values of a runbook, and what is said of one that is none.

use std::time::Duration;

use crate::runbook::book::Expect;
use crate::text::quantity::parse_duration;
use crate::text::{list, nearest, sanitize};

/// The longest name.
const LONGEST: usize = 63;

pub(super) fn name(text: &str) -> Result<String, String> {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let begins = text.starts_with(|c: char| c.is_ascii_lowercase());
    if begins && text.len() <= LONGEST && text.chars().all(inner) && !text.ends_with('-') {
        return Ok(text.to_owned());
    }
    let how = "write small letters, digits and dashes, a letter first, no more than 63";
    Err(format!("\"{}\" is no name; {how}", sanitize(text)))
}

pub(super) fn line(text: &str) -> Result<String, String> {
    if text.lines().count() > 1 { Err("is more than one line".to_owned()) } else { Ok(text.to_owned()) }
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map(jiff::SignedDuration::unsigned_abs)
}

/// One of some words.
pub(super) fn word<T>(text: &str, known: &[&str], parse: impl FnOnce(&str) -> Option<T>) -> Result<T, String> {
    parse(text).ok_or_else(|| match nearest(text, known.iter().copied()) {
        Some(near) => format!("\"{}\" is not known; did you mean {near}?", sanitize(text)),
        None => format!("\"{}\" is not known; there are {}", sanitize(text), list(known)),
    })
}

pub(super) fn expect(text: &str) -> Result<Expect, String> {
    let count = |text: &str| text.trim().parse::<usize>().ok();
    match (text, text.strip_prefix("at least ").and_then(count)) {
        ("some", _) => Ok(Expect::Some),
        ("none", _) => Ok(Expect::None),
        (_, Some(0)) => Err("at least 0 always holds".to_owned()),
        (_, Some(least)) => Ok(Expect::AtLeast(least)),
        (other, None) => count(other).map(Expect::Exactly).ok_or_else(|| {
            format!("\"{}\" is no number of rows; write some, none, a number, or at least 2", sanitize(other))
        }),
    }
}

/// An address to read more at. What is said of one never repeats it: it may hold a password.
pub(super) fn link(text: &str) -> Result<String, String> {
    let wrong = || "is no address; write one that begins with https://".to_owned();
    let address: http::Uri = text.parse().map_err(|_| wrong())?;
    if address.scheme_str() != Some("https") {
        return Err("only https:// addresses are taken".to_owned());
    }
    let authority = address.authority().filter(|authority| !authority.host().is_empty()).ok_or_else(wrong)?;
    if authority.as_str().contains('@') {
        return Err("an address with a user or a password in it is not taken".to_owned());
    }
    Ok(text.to_owned())
}
