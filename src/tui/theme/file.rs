//! One theme file: what it says, and where. Knows no other file; names of colours are resolved when the files that
//! inherit from one another are joined.

use std::collections::BTreeMap;
use std::ops::Range;
use std::str::FromStr;

use ratatui::style::{Color, Modifier};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Meaning;

/// Something written, and the byte it begins at.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) byte: usize,
}

/// The look of one meaning as it is written: names of colours, not colours.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Look {
    pub(super) fg: Option<At<String>>,
    pub(super) bg: Option<At<String>>,
    pub(super) modifiers: Modifier,
}

/// What a theme file says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Written {
    /// The theme that has what is not said here.
    pub(super) inherits: Option<At<String>>,
    /// Colours by names of their own.
    pub(super) palette: BTreeMap<String, Color>,
    /// How meanings look, in the order of the file's keys.
    pub(super) looks: Vec<(Meaning, Look)>,
}

/// What is wrong, and at which byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) byte: usize,
    pub(super) message: String,
}

type Value<'a> = Spanned<DeValue<'a>>;

/// The switches of a look besides its colours.
const SWITCHES: &[(&str, Modifier)] = &[
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("underlined", Modifier::UNDERLINED),
    ("reversed", Modifier::REVERSED),
];

impl Written {
    /// Reads a theme file.
    pub(super) fn read(text: &str) -> Result<Self, Fault> {
        let table = DeTable::parse(text).map_err(|error| Fault {
            byte: error.span().map_or(0, |span| span.start),
            message: error.message().to_owned(),
        })?;
        let mut written = Self::default();
        for (key, value) in table.get_ref() {
            match key.get_ref().as_ref() {
                "inherits" => written.inherits = Some(string(value, "inherits is the name of a theme")?),
                "palette" => written.palette = palette(value)?,
                name => {
                    let meaning = Meaning::ALL.iter().find(|meaning| meaning.name() == name);
                    let meaning = meaning.ok_or_else(|| fault(key.span(), not_a_meaning(name)))?;
                    written.looks.push((*meaning, look(value)?));
                }
            }
        }
        Ok(written)
    }
}

/// A colour that needs no palette: `red`, `#rrggbb`, or a number of the 256.
pub(super) fn colour(text: &str) -> Option<Color> {
    Color::from_str(text).ok()
}

fn palette(value: &Value) -> Result<BTreeMap<String, Color>, Fault> {
    let mut colours = BTreeMap::new();
    for (name, value) in table(value, "palette is a table of colours")? {
        let text = string(value, "a colour is written as \"#rrggbb\" or as a name such as \"red\"")?;
        let found = colour(&text.value);
        let found = found.ok_or_else(|| fault(value.span(), not_a_colour(&text.value)))?;
        colours.insert(name.get_ref().to_string(), found);
    }
    Ok(colours)
}

fn look(value: &Value) -> Result<Look, Fault> {
    let mut look = Look::default();
    for (key, value) in table(value, "a meaning is written as { fg = \"#rrggbb\", bold = true }")? {
        match key.get_ref().as_ref() {
            "fg" => look.fg = Some(string(value, "fg is a colour, such as \"#rrggbb\"")?),
            "bg" => look.bg = Some(string(value, "bg is a colour, such as \"#rrggbb\"")?),
            name => {
                let switch = SWITCHES.iter().find(|(switch, _)| *switch == name);
                let (_, modifier) = switch.ok_or_else(|| fault(key.span(), not_a_field(name)))?;
                match value.get_ref() {
                    DeValue::Boolean(on) => look.modifiers.set(*modifier, *on),
                    _ => return Err(fault(value.span(), format!("{name} is true or false"))),
                }
            }
        }
    }
    Ok(look)
}

fn table<'v, 't>(value: &'v Value<'t>, wanted: &str) -> Result<&'v DeTable<'t>, Fault> {
    match value.get_ref() {
        DeValue::Table(table) => Ok(table),
        _ => Err(fault(value.span(), wanted.to_owned())),
    }
}

fn string(value: &Value, wanted: &str) -> Result<At<String>, Fault> {
    match value.get_ref() {
        DeValue::String(text) => Ok(At { value: text.to_string(), byte: value.span().start }),
        _ => Err(fault(value.span(), wanted.to_owned())),
    }
}

fn fault(span: Range<usize>, message: String) -> Fault {
    Fault { byte: span.start, message }
}

fn not_a_meaning(name: &str) -> String {
    let known: Vec<&str> = Meaning::ALL.iter().map(|meaning| meaning.name()).collect();
    format!("\"{name}\" is not a meaning; there are {}, besides inherits and palette", crate::text::list(&known))
}

fn not_a_field(name: &str) -> String {
    let switches: Vec<&str> = SWITCHES.iter().map(|(switch, _)| *switch).collect();
    format!("a look has no \"{name}\"; it has fg, bg, {}", crate::text::list(&switches))
}

/// What is said of a word that is no colour.
pub(super) fn not_a_colour(text: &str) -> String {
    format!("\"{text}\" is not a colour; write \"#rrggbb\", a name such as \"red\", or a name from [palette]")
}
