//! The form of a verb, as data: what a person is asked before a plan is made, and which answers are good.
//!
//! Pure, and knows no screen: the console draws a [`FormSpec`] and holds what is typed. Answers stay texts until the
//! verb that made the form reads them, with the same functions that read the options of the command line.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::text::{self, names, quantity};

/// What a person is asked before something is done.
#[derive(Clone, Debug)]
pub struct FormSpec {
    /// One line: "back up volume shop/data-db-0".
    pub title: String,
    /// The questions, in order.
    pub fields: Vec<Field>,
}

/// One question.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its identity within the form.
    pub id: Cow<'static, str>,
    /// Its name, for people.
    pub label: Cow<'static, str>,
    /// What the answer is for, in a sentence or two.
    pub doc: String,
    /// What an answer looks like.
    pub kind: FieldKind,
    /// The answer it begins with.
    pub default: String,
    /// Whether it needs an answer.
    pub required: bool,
    check: fn(&str) -> Result<(), String>,
}

/// An answer as it stands in a field: `90s`, `yes`, or nothing.
#[derive(Clone, Debug)]
pub struct Written(String);

/// What an answer looks like.
#[derive(Clone, Debug)]
pub enum FieldKind {
    /// One line.
    Text,
    /// Several lines.
    Lines,
    /// One of a list.
    Choice {
        /// What is chosen, in the singular: "snapshot class".
        of: &'static str,
        /// What there is to choose from.
        choices: Vec<Choice>,
        /// What a person may look for and why it is not there, each a sentence.
        left_out: Vec<String>,
    },
    /// A whole number within these bounds.
    Number(RangeInclusive<u64>),
    /// A span of time, such as `90s`.
    Duration,
    /// `yes` or `no`.
    YesNo,
    /// Labels: `tier=gold, team=shop`.
    Labels,
    /// PEM that anybody may see.
    Pem,
    /// A private key. What stands in its field is not the answer: a form only says how long that is.
    Hidden,
    /// A file of this machine, whose text goes into the field of this identity.
    File {
        /// The field.
        into: &'static str,
    },
}

/// One thing to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Its name.
    pub value: String,
    /// What choosing it means.
    pub says: String,
}

/// The answers of a form that may be planned with, by field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filled(BTreeMap<Cow<'static, str>, String>);

impl Filled {
    /// Every answer that is not empty, by the id of its field, without the space around it.
    pub fn given(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(id, text)| (&**id, text.trim())).filter(|(_, text)| !text.is_empty())
    }

    /// The answer to a field, without the space around it; `None` when it was left empty.
    pub fn get(&self, id: &str) -> Option<&str> {
        self.0.get(id).map(|text| text.trim()).filter(|text| !text.is_empty())
    }
}

impl FormSpec {
    /// The answers in the order of the fields, once all of them are good.
    ///
    /// # Errors
    /// With the place of the first field whose answer is wrong.
    pub fn filled(&self, answers: &[String]) -> Result<Filled, usize> {
        let answers = self.fields.iter().zip(answers);
        match answers.clone().position(|(field, answer)| field.wrong(answer).is_some()) {
            Some(place) => Err(place),
            None => Ok(Filled(answers.map(|(field, answer)| (field.id.clone(), answer.clone())).collect())),
        }
    }

    /// The form with these answers, by the ids of their fields; what is not among them stays as the form begins.
    ///
    /// # Errors
    /// With the first answer that is wrong, or that is not asked for: which, and why.
    pub fn answered(&self, answers: &BTreeMap<String, String>) -> Result<Filled, String> {
        if let Some(id) = answers.keys().find(|id| self.fields.iter().all(|field| *field.id != ***id)) {
            let ids: Vec<&str> = self.fields.iter().map(|field| &*field.id).collect();
            let shown = text::sanitize(id);
            return Err(format!("\"{shown}\" is not asked for here; asked for are {}", text::list(&ids)));
        }
        let given = |field: &Field| answers.get(&*field.id).cloned().unwrap_or_else(|| field.default.clone());
        let given: Vec<String> = self.fields.iter().map(given).collect();
        self.filled(&given).map_err(|place| {
            let field = &self.fields[place];
            format!("{}: {}", field.id, field.wrong(&given[place]).unwrap_or_default())
        })
    }
}

impl Field {
    /// A question that needs an answer and begins without one; what its kind finds good is good.
    pub fn new(id: impl Into<Cow<'static, str>>, label: impl Into<Cow<'static, str>>, kind: FieldKind) -> Self {
        let (id, label) = (id.into(), label.into());
        Self { id, label, doc: String::new(), kind, default: String::new(), required: true, check: |_| Ok(()) }
    }

    /// What the answer is for, in a sentence or two.
    pub fn says(self, doc: impl Into<String>) -> Self {
        Self { doc: doc.into(), ..self }
    }

    /// The answer it begins with.
    pub fn begins(self, answer: impl Into<Written>) -> Self {
        Self { default: answer.into().0, ..self }
    }

    /// Needs no answer.
    pub fn optional(self) -> Self {
        self.optional_when(true)
    }

    /// Needs no answer when this holds.
    pub fn optional_when(self, optional: bool) -> Self {
        Self { required: !optional, ..self }
    }

    /// What more must hold of an answer that its kind finds good; the error says what to write instead.
    pub fn checked(self, check: fn(&str) -> Result<(), String>) -> Self {
        Self { check, ..self }
    }

    /// What is wrong with an answer, in words that say what to write; `None` when it is good.
    pub fn wrong(&self, answer: &str) -> Option<String> {
        let answer = answer.trim();
        if answer.is_empty() {
            return self.required.then(|| format!("{} needs an answer", self.label.to_lowercase()));
        }
        self.kind.wrong(answer).or_else(|| (self.check)(answer).err())
    }
}

impl From<String> for Written {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Written {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<bool> for Written {
    fn from(yes: bool) -> Self {
        Self::from(if yes { "yes" } else { "no" })
    }
}

impl From<Duration> for Written {
    fn from(within: Duration) -> Self {
        Self(quantity::deadline(within))
    }
}

impl<T: Into<Written>> From<Option<T>> for Written {
    fn from(answer: Option<T>) -> Self {
        answer.map_or_else(|| Self(String::new()), T::into)
    }
}

impl Choice {
    /// A name, and what choosing it means.
    pub fn new(value: impl Into<String>, says: impl Into<String>) -> Self {
        Self { value: value.into(), says: says.into() }
    }
}

impl FieldKind {
    /// One of a list from which nothing was left out.
    pub fn one_of(of: &'static str, choices: impl IntoIterator<Item = Choice>) -> Self {
        Self::Choice { of, choices: choices.into_iter().collect(), left_out: Vec::new() }
    }

    /// What there is to choose from; nothing where an answer is free.
    pub fn choices(&self) -> Vec<Choice> {
        match self {
            Self::Choice { choices, .. } => choices.clone(),
            Self::YesNo => vec![Choice::new("yes", ""), Choice::new("no", "")],
            Self::Text
            | Self::Lines
            | Self::Number(_)
            | Self::Duration
            | Self::Labels
            | Self::Pem
            | Self::Hidden
            | Self::File { .. } => Vec::new(),
        }
    }

    /// Whether an answer has several lines.
    pub fn lines(&self) -> bool {
        matches!(self, Self::Lines | Self::Pem | Self::Hidden)
    }

    fn wrong(&self, answer: &str) -> Option<String> {
        match self {
            Self::Text | Self::Lines | Self::Pem | Self::Hidden | Self::File { .. } => None,
            Self::Choice { of, choices, .. } => {
                let there = choices.iter().any(|choice| choice.value == answer);
                (!there).then(|| format!("there is no {of} \"{}\" to choose", text::sanitize(answer)))
            }
            Self::Number(bounds) => match answer.parse() {
                Ok(number) if bounds.contains(&number) => None,
                _ => Some(format!("needs a whole number from {} to {}", bounds.start(), bounds.end())),
            },
            Self::Duration => quantity::parse_duration(answer).err(),
            Self::YesNo => (!["yes", "no"].contains(&answer)).then(|| "needs yes or no".to_owned()),
            Self::Labels => labels(answer).err(),
        }
    }
}

/// Reads labels as people write them: `tier=gold, team=shop`.
///
/// # Errors
/// With the first that is not a Kubernetes label, or stands there twice.
pub fn labels(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut labels = BTreeMap::new();
    for part in text.split([',', '\n']).map(str::trim).filter(|part| !part.is_empty()) {
        let misread = || format!("\"{}\" is not a label; write one such as tier=gold", text::sanitize(part));
        let (key, value) = part.split_once('=').ok_or_else(misread)?;
        names::validate_label(key, value).map_err(|error| error.to_string())?;
        if labels.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(format!("label {key} stands there twice"));
        }
    }
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn field(kind: FieldKind, required: bool) -> Field {
        let field = Field::new("f", "Field", kind).says("It is asked.").optional_when(!required);
        field.checked(|answer| if answer == "odd" { Err("not that one".to_owned()) } else { Ok(()) })
    }

    fn classes() -> FieldKind {
        FieldKind::one_of("snapshot class", ["fast", "kept"].map(|class| Choice::new(class, "")))
    }

    #[rstest]
    #[case::empty_is_fine(FieldKind::Text, " ", None)]
    #[case::any_text(FieldKind::Text, "a b", None)]
    #[case::what_the_verb_refuses(FieldKind::Text, "odd", Some("not that one"))]
    #[case::lines(FieldKind::Lines, "a\nb", None)]
    #[case::one_of_the_list(classes(), "kept", None)]
    #[case::part_of_one(classes(), "kep", Some("there is no snapshot class \"kep\" to choose"))]
    #[case::hostile(classes(), "\u{1b}[2J", Some("there is no snapshot class \"␛[2J\" to choose"))]
    #[case::number(FieldKind::Number(1..=9), "9", None)]
    #[case::too_large(FieldKind::Number(1..=9), "10", Some("needs a whole number from 1 to 9"))]
    #[case::not_a_number(FieldKind::Number(1..=9), "-1", Some("needs a whole number from 1 to 9"))]
    #[case::duration(FieldKind::Duration, "1h30m", None)]
    #[case::nothing(FieldKind::Duration, "0s", Some("needs a duration longer than nothing"))]
    #[case::no_unit(FieldKind::Duration, "90", Some("\"90\" is not a duration; write one such as 90s, 10m or 1h30m"))]
    #[case::yes(FieldKind::YesNo, "yes", None)]
    #[case::perhaps(FieldKind::YesNo, "perhaps", Some("needs yes or no"))]
    #[case::labels(FieldKind::Labels, "tier=gold, shop.example/team=a_b", None)]
    #[case::no_value(FieldKind::Labels, "tier", Some("\"tier\" is not a label; write one such as tier=gold"))]
    #[case::twice(FieldKind::Labels, "a=1,a=2", Some("label a stands there twice"))]
    #[case::bad_label(
        FieldKind::Labels,
        "a=1 2",
        Some("label value \"1 2\" has ' ' in it; only letters, digits, '-', '_' and '.' are allowed")
    )]
    fn answers_are_judged_by_their_kind_then_by_the_verb(
        #[case] kind: FieldKind,
        #[case] answer: &str,
        #[case] said: Option<&str>,
    ) {
        assert_eq!(field(kind, false).wrong(answer).as_deref(), said);
    }

    #[rstest]
    #[case::text("kept".into(), "kept")]
    #[case::yes(true.into(), "yes")]
    #[case::no(false.into(), "no")]
    #[case::a_deadline(Duration::from_secs(90).into(), "1m30s")]
    #[case::longer_than_any(Duration::MAX.into(), "")]
    #[case::nothing(None::<Duration>.into(), "")]
    #[case::something(Some(true).into(), "yes")]
    fn a_field_begins_with_what_is_read_back(#[case] answer: Written, #[case] text: &str) {
        let field = field(FieldKind::Text, true).begins(answer);
        assert_eq!(field.default, text);
    }

    #[test]
    fn a_form_is_filled_when_its_last_wrong_field_is_right() {
        let fields = vec![field(classes(), true), field(FieldKind::Duration, true), field(FieldKind::Lines, false)];
        let fields =
            fields.into_iter().zip(["class", "within", "why"]).map(|(field, id)| Field { id: id.into(), ..field });
        let spec = FormSpec { title: "t".into(), fields: fields.collect() };
        let filled = |answers: [&str; 3]| spec.filled(&answers.map(str::to_owned));
        assert_eq!(filled(["", "2m", ""]), Err(0));
        assert_eq!(filled(["fast", "2", ""]), Err(1));
        let good = filled(["fast", " 2m ", "\n"]).unwrap();
        assert_eq!((good.get("class"), good.get("within"), good.get("why")), (Some("fast"), Some("2m"), None));
        assert_eq!(field(classes(), true).wrong("  ").as_deref(), Some("field needs an answer"));
    }
}
