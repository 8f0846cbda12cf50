//! From a term to a test on rows of some columns, or to words that say why there is none.

use super::parse::{self, Sign, Term};
use super::test::{Amount, Asks, Field, Test};
use crate::text::folded;
use crate::text::{self, quantity};
use crate::view::columns::Measure;
use crate::view::{Column, Level};

/// What every row can be asked beside its columns.
const BESIDE: [&str; 3] = ["level", "label", "age"];

/// What a name in front of a sign stands for.
enum Named {
    Field(Field, Measure),
    Level,
    Label,
}

/// The test of a term, or why there is none.
pub(super) fn term(term: &Term, columns: &[Column]) -> Result<Test, String> {
    if term.open {
        return Err("the quote is not closed".to_owned());
    }
    let asks = match &term.asks {
        parse::Asks::Text(word) if word.is_empty() => Err("there is no word to look for".to_owned()),
        parse::Asks::Text(word) => Ok(Asks::Text(folded(word))),
        parse::Asks::Column(name, sign, value) => of_column(name, *sign, value, columns),
    }?;
    Ok(Test { not: term.not, moves: moves(&asks, columns), asks })
}

/// Whether time alone may change an answer: an age is printed, or a moment compared.
fn moves(asks: &Asks, columns: &[Column]) -> bool {
    match asks {
        Asks::Printed(Field::Column(at), _) | Asks::Same(Field::Column(at), _) | Asks::Word(Field::Column(at), _) => {
            matches!(columns[*at].measure, Measure::Past | Measure::Future)
        }
        Asks::Printed(Field::Age, _)
        | Asks::Same(Field::Age, _)
        | Asks::Word(Field::Age, _)
        | Asks::Compared(_, _, Amount::Span(_)) => true,
        Asks::Text(_) | Asks::Level(_) | Asks::Label(..) | Asks::Compared(..) => false,
    }
}

fn of_column(name: &str, sign: Sign, value: &str, columns: &[Column]) -> Result<Asks, String> {
    let named = find(name, columns, &BESIDE)?;
    if value.is_empty() {
        return Err(format!("{name} needs a value"));
    }
    match (named, sign) {
        (Named::Level, Sign::Holds) => {
            let word = folded(value);
            let meant: Vec<Level> = Level::ALL.into_iter().filter(|level| level.word().contains(&*word)).collect();
            if meant.is_empty() {
                let known = Level::ALL.map(Level::word);
                return Err(format!("no level is called \"{value}\"; there are {}", text::list(&known)));
            }
            Ok(Asks::Level(meant))
        }
        (Named::Label, Sign::Holds) => Ok(match value.split_once('=') {
            Some((key, value)) => Asks::Label(key.into(), Some(value.into())),
            None => Asks::Label(value.into(), None),
        }),
        (Named::Field(field, _), Sign::Holds) => Ok(Asks::Printed(field, folded(value))),
        (Named::Field(field, _), Sign::Is) => Ok(Asks::Same(field, folded(value))),
        (Named::Field(field, _), Sign::Names) => Ok(Asks::Word(field, folded(value))),
        (Named::Field(field, measure), _) => {
            Ok(Asks::Compared(field, sign, amount(value, measure).map_err(|what| cannot(name, value, what))?))
        }
        (Named::Level | Named::Label, _) => Err(cannot(name, value, None)),
    }
}

/// What a value is compared with; or, where it cannot be read, what it should look like, if there is anything.
fn amount(value: &str, measure: Measure) -> Result<Amount, Option<&'static str>> {
    let bytes = || quantity::parse_bytes(value).map(Amount::Bytes);
    let span = || quantity::parse_span(value).map(Amount::Span);
    let (read, such) = match measure {
        Measure::Words => return Err(None),
        Measure::Number => (value.parse().ok().map(Amount::Number), "a number such as 2"),
        Measure::Bytes => (bytes(), "an amount of bytes such as 100Gi"),
        Measure::Used => {
            let share = value.strip_suffix('%').and_then(|number| number.parse().ok()).map(Amount::Percent);
            (share.or_else(bytes), "a share such as 80%, or an amount of bytes such as 100Gi")
        }
        Measure::Span => (span(), "a span of time such as 36h or 14d"),
        Measure::Past | Measure::Future => {
            let moment = value.parse().ok().map(Amount::Moment);
            (moment.or_else(span), "a span of time such as 36h or 14d, or a moment such as 2027-01-31T13:00:00Z")
        }
    };
    read.ok_or(Some(such))
}

fn cannot(name: &str, value: &str, should: Option<&str>) -> String {
    match should {
        Some(such) => format!("\"{value}\" is not {such}"),
        None => format!("{name} holds words, which are not compared; write {name}:word"),
    }
}

/// The place of the column that a name stands for: its id or heading, or the beginning of one id only.
///
/// # Errors
/// When there is none, or more than one; the words say which are near.
pub(in crate::view) fn column(name: &str, columns: &[Column]) -> Result<usize, String> {
    match find(name, columns, &[])? {
        Named::Field(Field::Column(at), _) => Ok(at),
        Named::Field(Field::Age, _) | Named::Level | Named::Label => Err(unknown(name, columns, &[])),
    }
}

fn find(name: &str, columns: &[Column], beside: &[&str]) -> Result<Named, String> {
    let field = |at: usize| Named::Field(Field::Column(at), columns[at].measure);
    let wanted = plain(name);
    let same = |known: &str| plain(known) == wanted;
    if let Some(at) = columns.iter().position(|column| same(column.id) || same(column.title)) {
        return Ok(field(at));
    }
    match beside.iter().find(|known| same(known)).copied() {
        Some("level") => return Ok(Named::Level),
        Some("label") => return Ok(Named::Label),
        Some(_) => return Ok(Named::Field(Field::Age, Measure::Past)),
        None => {}
    }
    let begun: Vec<usize> = (0..columns.len()).filter(|at| plain(columns[*at].id).starts_with(&wanted)).collect();
    match begun.as_slice() {
        [one] => Ok(field(*one)),
        [] => Err(unknown(name, columns, beside)),
        several => {
            let ids: Vec<&str> = several.iter().map(|at| columns[*at].id).collect();
            Err(format!("\"{name}\" could be {}", ids.join(" or ")))
        }
    }
}

fn unknown(name: &str, columns: &[Column], beside: &[&str]) -> String {
    let ids = || columns.iter().map(|column| column.id).chain(beside.iter().copied());
    let headings: Vec<String> = columns.iter().map(|column| plain(column.title)).collect();
    match text::nearest(&plain(name), ids().chain(headings.iter().map(String::as_str))) {
        Some(near) => format!("there is no column \"{name}\"; did you mean {near}?"),
        None => format!("there is no column \"{name}\"; there are {}", text::list(&ids().collect::<Vec<_>>())),
    }
}

/// A name as it is compared: small letters, without what stands between words.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, ' ' | '-' | '_')).flat_map(char::to_lowercase).collect()
}
