//! Values of parameters, as people give them.
//!
//! Pure. Names are held to what the API takes before they reach a URL or a filter; whether there is such an object is
//! asked when a step needs it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::book::{Book, Param, ParamKind};
use super::words::Values;
use crate::assess::copies::CLOCK_TOLERANCE;
use crate::plan::{Choice, Field, FieldKind, FormSpec};
use crate::text::{self, names, quantity, sanitize};

/// Kinds of workloads that a runbook can name.
pub const WORKLOADS: [&str; 3] = ["StatefulSet", "Deployment", "DaemonSet"];

/// The longest value, in characters.
const LONGEST: usize = 1_000;

impl ParamKind {
    /// A value as it is kept, or what to write instead.
    ///
    /// # Errors
    /// When the text is no value of this kind.
    pub fn read(&self, given: &str) -> Result<String, String> {
        let given = given.trim();
        if given.is_empty() {
            return Err(format!("is empty; it is {}", self.shape()));
        }
        match self {
            Self::Text | Self::Rule => line(given),
            Self::Number => {
                let number = given.parse::<u64>().map(|number| number.to_string());
                number.map_err(|_| format!("\"{}\" is no whole number", sanitize(given)))
            }
            Self::Duration => quantity::parse_duration(given).map(|_| given.to_owned()),
            Self::Moment => {
                let how = "is no moment; write one of RFC 3339 such as 2026-01-31T13:00:00Z";
                let moment = given.parse::<Timestamp>().map(|moment| moment.to_string());
                moment.map_err(|_| format!("\"{}\" {how}", sanitize(given)))
            }
            Self::Choice(choices) => chosen(given, choices),
            Self::Namespace => {
                names::validate_namespace(given).map(|()| given.to_owned()).map_err(|error| error.to_string())
            }
            Self::Volume | Self::RestorePoint | Self::Certificate | Self::Secret => path(given, self.shape()),
            Self::Workload => workload(given),
        }
    }

    fn field(&self) -> FieldKind {
        match self {
            Self::Choice(choices) => FieldKind::one_of("choice", choices.iter().map(|value| Choice::new(value, ""))),
            Self::Duration => FieldKind::Duration,
            _ => FieldKind::Text,
        }
    }

    /// What is wrong with an answer; which choices there are its field knows.
    fn check(&self) -> fn(&str) -> Result<(), String> {
        match self {
            Self::Text => |given| Self::Text.read(given).map(drop),
            Self::Number => |given| Self::Number.read(given).map(drop),
            Self::Moment => |given| Self::Moment.read(given).map(drop),
            Self::Namespace => |given| Self::Namespace.read(given).map(drop),
            Self::Volume => |given| Self::Volume.read(given).map(drop),
            Self::RestorePoint => |given| Self::RestorePoint.read(given).map(drop),
            Self::Certificate => |given| Self::Certificate.read(given).map(drop),
            Self::Secret => |given| Self::Secret.read(given).map(drop),
            Self::Workload => |given| Self::Workload.read(given).map(drop),
            Self::Rule => |given| Self::Rule.read(given).map(drop),
            Self::Duration | Self::Choice(_) => |_| Ok(()),
        }
    }

    /// What a value looks like, for people.
    pub const fn shape(&self) -> &'static str {
        match self {
            Self::Text => "one line",
            Self::Number => "a whole number",
            Self::Duration => "a duration such as 36h",
            Self::Moment => "a moment such as 2026-01-31T13:00:00Z",
            Self::Choice(_) => "one of its choices",
            Self::Namespace => "NAMESPACE",
            Self::Volume => "NAMESPACE/PVC",
            Self::RestorePoint => "NAMESPACE/SNAPSHOT",
            Self::Certificate => "NAMESPACE/CERTIFICATE",
            Self::Secret => "NAMESPACE/SECRET",
            Self::Workload => "NAMESPACE/KIND/NAME",
            Self::Rule => "the id of a rule",
        }
    }
}

fn line(given: &str) -> Result<String, String> {
    if given.chars().count() > LONGEST {
        return Err(format!("is longer than {LONGEST} characters"));
    }
    if given.chars().any(char::is_control) {
        return Err("has characters that are not printed; write one line".to_owned());
    }
    Ok(given.to_owned())
}

fn chosen(given: &str, choices: &[String]) -> Result<String, String> {
    if choices.iter().any(|choice| choice == given) {
        return Ok(given.to_owned());
    }
    let all = || text::list(choices);
    let near = text::nearest(given, choices.iter().map(String::as_str));
    let shown = sanitize(given);
    Err(near.map_or_else(
        || format!("\"{shown}\" is no choice; there are {}", all()),
        |near| format!("\"{shown}\" is no choice; did you mean {near}?"),
    ))
}

fn path(given: &str, shape: &str) -> Result<String, String> {
    let parts: Vec<&str> = given.split('/').collect();
    let [namespace, name] = parts.as_slice() else {
        return Err(format!("\"{}\" is not {shape}", sanitize(given)));
    };
    names::validate_namespace(namespace).map_err(|error| error.to_string())?;
    names::validate_name(name).map_err(|error| error.to_string())?;
    Ok(given.to_owned())
}

/// A workload: its kind may be written in any letter case, and is kept as the API has it.
fn workload(given: &str) -> Result<String, String> {
    let parts: Vec<&str> = given.split('/').collect();
    let [namespace, kind, name] = parts.as_slice() else {
        return Err(format!("\"{}\" is not NAMESPACE/KIND/NAME", sanitize(given)));
    };
    names::validate_namespace(namespace).map_err(|error| error.to_string())?;
    names::validate_name(name).map_err(|error| error.to_string())?;
    let known = WORKLOADS.into_iter().find(|known| known.eq_ignore_ascii_case(kind));
    let known = known.ok_or_else(|| {
        format!("\"{}\" is no kind of workload here; there are {}", sanitize(kind), text::list(&WORKLOADS))
    })?;
    Ok(format!("{namespace}/{known}/{name}"))
}

/// `NAME=VALUE`, as a command line has them.
///
/// # Errors
/// When there is no `=`, no name before it, or a name twice.
pub fn pairs<S: AsRef<str>>(words: &[S]) -> Result<BTreeMap<String, String>, String> {
    let mut given = BTreeMap::new();
    for word in words {
        let word = word.as_ref();
        let (name, value) = word
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| format!("\"{}\" is not NAME=VALUE", sanitize(word)))?;
        if given.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(format!("{} is given twice", sanitize(name)));
        }
    }
    Ok(given)
}

/// The value of every parameter of a book: what was given, else what it begins with. A moment is one that was: since
/// when something is so, or when it happened.
///
/// # Errors
/// With everything that is wrong, each on its own: what is missing, what is no such value, what is no parameter.
pub fn values(book: &Book, given: &BTreeMap<String, String>, now: Timestamp) -> Result<Values, Vec<String>> {
    let mut values = Values::new();
    let mut wrong: Vec<String> =
        given.keys().filter(|name| book.param(name).is_none()).map(|name| unknown(book, name)).collect();
    for param in &book.params {
        match value(param, given.get(&param.name), &values).and_then(|value| past(param, value, now)) {
            Ok(value) => drop(values.insert(param.name.clone(), value)),
            Err(why) => wrong.push(why),
        }
    }
    if wrong.is_empty() { Ok(values) } else { Err(wrong) }
}

/// The form that asks for the parameters of a book, where these values are known already.
pub fn form(book: &Book, known: &BTreeMap<String, String>) -> FormSpec {
    let field = |param: &Param| {
        // What stands on another parameter follows that one for as long as nobody says otherwise.
        let fixed = param.default.as_ref().and_then(|words| words.filled(&Values::new()).ok());
        Field::new(param.name.clone(), param.name.clone(), param.kind.field())
            .says(format!("{}: {}.", param.about, param.kind.shape()))
            .begins(known.get(&param.name).cloned().or(fixed))
            .optional_when(param.default.is_some())
            .checked(param.kind.check())
    };
    FormSpec { title: book.name.clone(), fields: book.params.iter().map(field).collect() }
}

/// What a parameter is that nobody gives, as far as what is given tells: a value that is not known yet is shown as
/// `‹volume.name›`. `None` where it has to be given.
pub fn left_out(book: &Book, name: &str, given: &BTreeMap<String, String>) -> Option<String> {
    let mut known = Values::new();
    for param in &book.params {
        if param.name == name {
            return param.default.as_ref().map(|default| default.so_far(&known));
        }
        if let Ok(value) = value(param, given.get(&param.name), &known) {
            known.insert(param.name.clone(), value);
        }
    }
    None
}

/// The namespace of the first value that has one, and the parameter that has it.
pub fn namespace<'a>(book: &'a Book, values: &Values) -> Option<(&'a Param, String)> {
    let of = |kind: &ParamKind, value: &str| match kind {
        ParamKind::Namespace => Some(value.to_owned()),
        ParamKind::Volume
        | ParamKind::RestorePoint
        | ParamKind::Certificate
        | ParamKind::Secret
        | ParamKind::Workload => value.split_once('/').map(|(namespace, _)| namespace.to_owned()),
        ParamKind::Text
        | ParamKind::Number
        | ParamKind::Duration
        | ParamKind::Moment
        | ParamKind::Choice(_)
        | ParamKind::Rule => None,
    };
    book.params.iter().find_map(|param| Some((param, of(&param.kind, values.get(&param.name)?)?)))
}

fn value(param: &Param, given: Option<&String>, before: &Values) -> Result<String, String> {
    let Param { name, about, kind, .. } = param;
    let given = match (given, &param.default) {
        (Some(given), _) => given.clone(),
        (None, Some(default)) => {
            // What it begins with may stand on a parameter that is wrong itself, which is said there.
            default.filled(before).map_err(|place| format!("{name} is missing, because {} is", place.name))?
        }
        (None, None) => return Err(format!("{name} is missing: {}, {}", sanitize(about), kind.shape())),
    };
    kind.read(&given).map_err(|why| format!("{name}: {why}"))
}

/// Refuses a moment that is still to come, as far as clocks agree.
fn past(param: &Param, value: String, now: Timestamp) -> Result<String, String> {
    let moment = value.parse::<Timestamp>().ok().filter(|_| param.kind == ParamKind::Moment);
    match moment.filter(|moment| moment.duration_since(now) > CLOCK_TOLERANCE) {
        Some(_) => Err(format!(
            "{}: {value} is in the future; it is a moment that was, and now is {}",
            param.name,
            now.strftime("%Y-%m-%dT%H:%M:%SZ")
        )),
        None => Ok(value),
    }
}

fn unknown(book: &Book, name: &str) -> String {
    let names: Vec<&str> = book.params.iter().map(|param| param.name.as_str()).collect();
    let shown = sanitize(name);
    match text::nearest(name, names.iter().copied()) {
        Some(near) => format!("{} has no parameter {shown}; did you mean {near}?", book.name),
        None if names.is_empty() => format!("{} has no parameter {shown}; it has none", book.name),
        None => format!("{} has no parameter {shown}; it has {}", book.name, text::list(&names)),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::runbook::words::Words;

    fn now() -> Timestamp {
        "2026-11-30T12:00:00Z".parse().unwrap()
    }

    #[rstest]
    #[case(ParamKind::Text, " a b ", "a b")]
    #[case(ParamKind::Number, "007", "7")]
    #[case(ParamKind::Duration, "36h", "36h")]
    #[case(ParamKind::Moment, "2027-01-31T13:00:00+01:00", "2027-01-31T12:00:00Z")]
    #[case(ParamKind::Choice(vec!["a".into(), "b".into()]), "b", "b")]
    #[case(ParamKind::Namespace, "shop", "shop")]
    #[case(ParamKind::Volume, "shop/data-db-0", "shop/data-db-0")]
    #[case(ParamKind::Secret, "shop/tls.web", "shop/tls.web")]
    #[case(ParamKind::Workload, "shop/statefulset/db", "shop/StatefulSet/db")]
    #[case(ParamKind::Rule, "java/sql-injection", "java/sql-injection")]
    fn a_value_is_kept_as_the_api_has_it(#[case] kind: ParamKind, #[case] given: &str, #[case] kept: &str) {
        assert_eq!(kind.read(given).as_deref(), Ok(kept));
    }

    #[rstest]
    #[case(ParamKind::Text, "a\nb", "not printed")]
    #[case(ParamKind::Text, "  ", "is empty")]
    #[case(ParamKind::Number, "-1", "no whole number")]
    #[case(ParamKind::Duration, "soon", "not a duration")]
    #[case(ParamKind::Moment, "yesterday", "RFC 3339")]
    #[case(ParamKind::Choice(vec!["known".into(), "unsure".into()]), "knwon", "did you mean known?")]
    #[case(ParamKind::Namespace, "shop/db", "namespace \"shop/db\"")]
    #[case(ParamKind::Volume, "data-db-0", "is not NAMESPACE/PVC")]
    #[case(ParamKind::Volume, "shop/../x", "is not NAMESPACE/PVC")]
    #[case(ParamKind::Volume, "shop/A", "name \"A\"")]
    #[case(ParamKind::RestorePoint, "\u{1b}[2J", "\"␛[2J\" is not NAMESPACE/SNAPSHOT")]
    #[case(ParamKind::Workload, "shop/db", "is not NAMESPACE/KIND/NAME")]
    #[case(ParamKind::Workload, "shop/Pod/db", "there are StatefulSet, Deployment and DaemonSet")]
    fn what_is_no_value_is_told_what_to_write(#[case] kind: ParamKind, #[case] given: &str, #[case] said: &str) {
        let why = kind.read(given).unwrap_err();
        assert!(why.contains(said), "{why}");
    }

    fn book() -> Book {
        let param = |name: &str, kind, default: Option<&str>| Param {
            name: name.to_owned(),
            about: format!("the {name}"),
            kind,
            default: default.map(|default| Words::parse(default).unwrap()),
        };
        Book {
            name: "b".to_owned(),
            title: String::new(),
            about: String::new(),
            link: None,
            params: vec![
                param("volume", ParamKind::Volume, None),
                param("where", ParamKind::Namespace, Some("{{volume.namespace}}")),
                param("rule", ParamKind::Rule, None),
            ],
            steps: Vec::new(),
            reviews: Vec::new(),
            text: String::new(),
        }
    }

    #[test]
    fn what_nobody_gave_is_what_it_begins_with() {
        let given = pairs(&["volume=shop/data", "rule=a=b"]).unwrap();
        let values = values(&book(), &given, now()).unwrap();
        let said: Vec<String> = values.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(said, ["rule=a=b", "volume=shop/data", "where=shop"]);
    }

    #[rstest]
    #[case::known("where", &["volume=shop/data"], Some("shop"))]
    #[case::not_given_yet("where", &[], Some("‹volume.namespace›"))]
    #[case::given_wrongly("where", &["volume=data"], Some("‹volume.namespace›"))]
    #[case::needed("rule", &["volume=shop/data"], None)]
    fn what_is_left_out_is_told_as_far_as_it_is_known(
        #[case] name: &str,
        #[case] given: &[&str],
        #[case] said: Option<&str>,
    ) {
        assert_eq!(left_out(&book(), name, &pairs(given).unwrap()).as_deref(), said);
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let wrong = values(&book(), &pairs(&["volme=shop/data", "where=A"]).unwrap(), now()).unwrap_err();
        assert_eq!(
            wrong,
            [
                "b has no parameter volme; did you mean volume?",
                "volume is missing: the volume, NAMESPACE/PVC",
                "where: namespace \"A\" has 'A' in it; only lower-case letters, digits and '-' are allowed",
                "rule is missing: the rule, the id of a rule",
            ]
        );
        assert_eq!(pairs(&["a"]).unwrap_err(), "\"a\" is not NAME=VALUE");
        assert_eq!(pairs(&["a=1", "a=2"]).unwrap_err(), "a is given twice");
    }

    #[rstest]
    #[case::it_was("2026-11-30T11:00:00Z", None)]
    #[case::clocks_differ("2026-11-30T12:00:30Z", None)]
    #[case::it_is_to_come("2026-11-30T14:00:00+01:00", Some("2026-11-30T13:00:00Z is in the future"))]
    fn a_moment_that_is_still_to_come_is_refused(#[case] since: &str, #[case] refused: Option<&str>) {
        let since = BTreeMap::from([("since".to_owned(), since.to_owned())]);
        let param = |name: &str, kind| Param { name: name.to_owned(), about: String::new(), kind, default: None };
        let book = Book { params: vec![param("since", ParamKind::Moment)], ..book() };
        let read = values(&book, &since, now()).map_err(|wrong| wrong.join("\n"));
        match refused {
            None => assert!(read.is_ok(), "{read:?}"),
            Some(why) => assert!(read.as_ref().is_err_and(|wrong| wrong.contains(why)), "{read:?}"),
        }
        // A time in a text is no moment.
        let book = Book { params: vec![param("since", ParamKind::Text)], ..book };
        assert!(values(&book, &since, now()).is_ok());
    }
}
