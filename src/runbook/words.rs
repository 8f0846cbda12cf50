//! Texts of a runbook with places for values: `{{volume}}`, `{{volume.namespace}}`, `{{restore.made}}`.
//!
//! Pure. Which names there are is checked when a book is read, so that a run never meets one that means nothing. Where a
//! value goes into a filter it is put in quotes: it is looked for as it is and never read as part of the language.

use std::collections::BTreeMap;

/// A text with places for values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Value(Place),
}

/// A place for a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The name of what is put there: a parameter, a step, or what a loop calls its row.
    pub name: String,
    /// Which part of it; `None` for all.
    pub part: Option<String>,
}

/// Values by name, and by name and part: `volume`, `volume.name`.
pub type Values = BTreeMap<String, String>;

/// The name that stands for the id of the run itself, in every book.
pub const RUN: &str = "run";

/// Parts of a value that is the path of an object.
pub const PATH_PARTS: [&str; 3] = ["namespace", "kind", "name"];

impl Words {
    /// Reads a text.
    ///
    /// # Errors
    /// When a place is not closed, or holds no name.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some((before, behind)) = rest.split_once("{{") {
            let (inside, after) =
                behind.split_once("}}").ok_or("a place for a value begins with {{ and is not closed with }}")?;
            parts.extend((!before.is_empty()).then(|| Part::Text(before.to_owned())));
            parts.push(Part::Value(place(inside.trim())?));
            rest = after;
        }
        parts.extend((!rest.is_empty()).then(|| Part::Text(rest.to_owned())));
        Ok(Self { parts })
    }

    /// The places in it.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.parts.iter().filter_map(|part| match part {
            Part::Value(place) => Some(place),
            Part::Text(_) => None,
        })
    }

    /// Whether nothing stands in it.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The text with its values. A value that is not known yet is shown as its place.
    pub fn said(&self, values: &Values) -> String {
        self.with(|place| place.value(values).unwrap_or_else(|| format!("{{{{{}}}}}", place.said())))
    }

    /// The text as far as it can be told, for people who look ahead: a value that is not known yet is shown as `‹point›`.
    pub fn so_far(&self, values: &Values) -> String {
        self.with(|place| place.value(values).unwrap_or_else(|| format!("‹{}›", place.said())))
    }

    /// The text with its values.
    ///
    /// # Errors
    /// With the first place whose value is not known.
    pub fn filled(&self, values: &Values) -> Result<String, Place> {
        match self.places().find(|place| place.value(values).is_none()) {
            Some(unknown) => Err(unknown.clone()),
            None => Ok(self.said(values)),
        }
    }

    /// The text as a filter: values stand in quotes.
    ///
    /// # Errors
    /// With the first place whose value is not known.
    pub fn filter(&self, values: &Values) -> Result<String, Place> {
        self.filled(values)?;
        Ok(self.with(|place| quoted(&place.value(values).unwrap_or_default())))
    }

    fn with(&self, value: impl Fn(&Place) -> String) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Value(place) => value(place),
        };
        self.parts.iter().map(part).collect()
    }
}

impl Place {
    /// As it is written, without the braces.
    pub fn said(&self) -> String {
        match &self.part {
            Some(part) => format!("{}.{part}", self.name),
            None => self.name.clone(),
        }
    }

    /// Its value: one that is known by this very name, or a part of the path that the name stands for.
    fn value(&self, values: &Values) -> Option<String> {
        if let Some(value) = values.get(&self.said()) {
            return Some(value.clone());
        }
        let path: Vec<&str> = values.get(&self.name)?.split('/').collect();
        match (self.part.as_deref()?, path.as_slice()) {
            ("namespace", [namespace, _] | [namespace, _, _]) => Some((*namespace).to_owned()),
            ("name", [.., name]) => Some((*name).to_owned()),
            ("kind", [_, kind, _]) => Some((*kind).to_owned()),
            _ => None,
        }
    }
}

fn place(inside: &str) -> Result<Place, String> {
    let valid =
        |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    let (name, part) = match inside.split_once('.') {
        Some((name, part)) => (name, Some(part)),
        None => (inside, None),
    };
    if !valid(name) || part.is_some_and(|part| !valid(part)) {
        let shown = crate::text::sanitize(inside);
        return Err(format!(
            "\"{shown}\" is no name of a value; write one such as {{{{volume}}}} or {{{{volume.name}}}}"
        ));
    }
    Ok(Place { name: name.to_owned(), part: part.map(str::to_owned) })
}

/// A value as one word of a filter.
fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn values() -> Values {
        let known = [
            ("volume", "shop/data-db-0"),
            ("workload", "shop/StatefulSet/db"),
            ("reason", "said \"so\" label:x"),
            ("restore.made", "shop/data-new"),
        ];
        known.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    #[rstest]
    #[case::nothing_to_fill("as it is", "as it is")]
    #[case::whole("of {{volume}}.", "of shop/data-db-0.")]
    #[case::spaces("{{ volume.name }}", "data-db-0")]
    #[case::parts("{{workload.namespace}} {{workload.kind}} {{workload.name}}", "shop StatefulSet db")]
    #[case::what_a_step_made("{{restore.made}}", "shop/data-new")]
    fn values_are_put_in_their_places(#[case] text: &str, #[case] filled: &str) {
        assert_eq!(Words::parse(text).unwrap().filled(&values()).unwrap(), filled);
    }

    #[rstest]
    #[case::nobody_said("{{point}}", "point")]
    #[case::a_part_that_is_not_there("{{volume.kind}}", "volume.kind")]
    fn what_is_not_known_is_no_text(#[case] text: &str, #[case] place: &str) {
        let words = Words::parse(text).unwrap();
        assert_eq!(words.filled(&values()).unwrap_err().said(), place);
        assert_eq!(words.said(&values()), format!("{{{{{place}}}}}"));
        assert_eq!(words.so_far(&values()), format!("‹{place}›"));
    }

    #[test]
    fn a_value_is_one_word_of_a_filter_whatever_stands_in_it() {
        let words = Words::parse("state:ok {{reason}}").unwrap();
        assert_eq!(words.filter(&values()).unwrap(), r#"state:ok "said \"so\" label:x""#);
    }

    #[rstest]
    #[case::not_closed("a {{volume", "is not closed")]
    #[case::no_name("{{}}", "is no name of a value")]
    #[case::capital("{{Volume}}", "is no name of a value")]
    #[case::two_dots("{{a.b.c}}", "is no name of a value")]
    fn what_cannot_be_read_is_said(#[case] text: &str, #[case] said: &str) {
        assert!(Words::parse(text).unwrap_err().contains(said));
    }
}
