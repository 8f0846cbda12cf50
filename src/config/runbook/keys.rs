//! The keys of a runbook, as one registry: reader, schema and README stand on it.

use crate::runbook::book::{Among, Evidence, ParamKind, PlanStep};

/// What may stand at one place.
#[derive(Debug)]
pub struct Table {
    /// Its name in the schema.
    pub name: &'static str,
    /// What it is, for people: `a step`.
    pub of: &'static str,
    /// Its keys, in the order in which they are written.
    pub keys: &'static [Key],
}

/// One key.
#[derive(Debug)]
pub struct Key {
    /// As it is written.
    pub name: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// Whether it has to be there.
    pub needed: bool,
    /// What it says.
    pub doc: &'static str,
}

/// What a key takes.
#[derive(Clone, Copy, Debug)]
pub enum Takes {
    /// The version of the written form.
    Version,
    /// One line.
    Line,
    /// A text.
    Text,
    /// A text with places for values, such as `{{volume}}`.
    Words,
    /// Small letters, digits and dashes.
    Name,
    /// An address that begins with `https://`.
    Link,
    /// A filter in the console's language, with places for values.
    Filter,
    /// How many rows have to match.
    Expect,
    /// A span of time, such as `10m`.
    Duration,
    /// One of these words.
    OneOf(fn() -> Vec<String>),
    /// Some of these words.
    SomeOf(fn() -> Vec<String>),
    /// Some texts.
    Lines,
    /// Texts by name.
    Answers,
    /// Such a table.
    Table(&'static Table),
    /// A list of such tables.
    Tables(&'static Table),
    /// Such tables by name.
    Named(&'static Table),
}

impl Takes {
    /// What is written there, for people.
    pub fn said(self) -> String {
        match self {
            Self::Version => "version".to_owned(),
            Self::Line => "one line".to_owned(),
            Self::Text => "text".to_owned(),
            Self::Words => "text with `{{places}}`".to_owned(),
            Self::Name => "name: small letters, digits, dashes".to_owned(),
            Self::Link => "https address".to_owned(),
            Self::Filter => "filter with `{{places}}`".to_owned(),
            Self::Expect => "some, none, a number, or at least N".to_owned(),
            Self::Duration => "duration".to_owned(),
            Self::OneOf(words) => words().join(", "),
            Self::SomeOf(words) => format!("list of {}", words().join(", ")),
            Self::Lines => "list of texts".to_owned(),
            Self::Answers => "texts with `{{places}}`, by the field's id".to_owned(),
            Self::Table(table) => format!("keys of {}", table.of),
            Self::Tables(table) => format!("list, each {}", table.of),
            Self::Named(table) => format!("{}, by its name", table.of),
        }
    }
}

/// Every table, the whole file first.
pub fn tables() -> [&'static Table; 10] {
    [&BOOK, &REVIEW, &PARAM, &STEP, &CHECK, &WAIT, &PLAN, &COLLECT, &CHOOSE, &EACH]
}

macro_rules! keys {
    ($($name:literal $takes:expr, $needed:ident, $doc:literal;)*) => {
        &[$(Key { name: $name, takes: $takes, needed: keys!(@ $needed), doc: $doc },)*]
    };
    (@ needed) => { true };
    (@ free) => { false };
}

/// The whole file.
pub static BOOK: Table = Table {
    name: "book",
    of: "a runbook",
    keys: keys! {
        "holdfast" Takes::Version, needed, "Version of the written form.";
        "name" Takes::Name, needed, "Its name, in lists and on the command line.";
        "title" Takes::Line, needed, "What it does, in a line.";
        "about" Takes::Text, free, "When it is for, and what it does not do.";
        "link" Takes::Link, free, "Where there is more to read; it is shown and never opened.";
        "reviews" Takes::Tables(&REVIEW), free, "What is reviewed once it is done.";
        "params" Takes::Named(&PARAM), free, "What has to be known before it begins, by name.";
        "steps" Takes::Tables(&STEP), needed, "What is done, in order.";
    },
};

/// A review.
pub static REVIEW: Table = Table {
    name: "review",
    of: "a review",
    keys: keys! {
        "topic" Takes::Name, needed, "What is reviewed, such as sast, backups or certificates.";
        "every" Takes::Duration, needed, "How soon it has to be reviewed again, such as 90d.";
    },
};

/// A parameter.
pub static PARAM: Table = Table {
    name: "param",
    of: "a parameter",
    keys: keys! {
        "type" Takes::OneOf(|| ParamKind::WORDS.iter().map(|word| (*word).to_owned()).collect()), needed,
            "What a value looks like.";
        "about" Takes::Line, needed, "What it is, for people.";
        "default" Takes::Words, free, "What it is when nobody says; it may use parameters before it.";
        "choices" Takes::Lines, free, "What a choice chooses from; needed there and nowhere else.";
    },
};

/// A step.
pub static STEP: Table = Table {
    name: "step",
    of: "a step",
    keys: keys! {
        "id" Takes::Name, needed, "Its id, unlike every other name in the book.";
        "title" Takes::Words, needed, "What it does, in a line.";
        "why" Takes::Words, needed, "Why it is there.";
        "fails" Takes::Words, needed, "What to do when it fails.";
        "link" Takes::Link, free, "Where there is more to read.";
        "when" Takes::Table(&CHECK), free, "Only when this holds; else the step is not for now.";
        "check" Takes::Table(&CHECK), free, "Something has to be so.";
        "wait" Takes::Table(&WAIT), free, "Something has to become so in time.";
        "manual" Takes::Words, free, "A person does this and says what came of it.";
        "plan" Takes::Table(&PLAN), free, "A plan is made, reviewed, confirmed and run. `{{ID.made}}` is what it made, `{{ID.operation}}` its operation.";
        "approve" Takes::Words, free, "A second person agrees to this.";
        "collect" Takes::Table(&COLLECT), free, "Evidence is kept: hashed, in a bundle.";
        "choose" Takes::Table(&CHOOSE), free, "A person chooses one row; from then on `{{ID}}` stands for it.";
        "each" Takes::Table(&EACH), free, "The steps under `steps` are done for each row.";
        "steps" Takes::Tables(&STEP), free, "What is done for each row; needed beside `each` and nowhere else. A loop holds no loop.";
    },
};

/// An assertion.
pub static CHECK: Table = Table {
    name: "check",
    of: "a check",
    keys: keys! {
        "in" Takes::OneOf(lists), needed, "Which list is looked through.";
        "filter" Takes::Filter, free, "Which of its rows; left out, all.";
        "expect" Takes::Expect, needed, "How many rows have to match.";
    },
};

/// An assertion with time.
pub static WAIT: Table = Table {
    name: "wait",
    of: "a wait",
    keys: keys! {
        "in" Takes::OneOf(lists), needed, "Which list is looked through.";
        "filter" Takes::Filter, free, "Which of its rows; left out, all.";
        "expect" Takes::Expect, needed, "How many rows have to match.";
        "within" Takes::Duration, needed, "How long that may take; then the step fails.";
    },
};

/// A plan.
pub static PLAN: Table = Table {
    name: "plan",
    of: "a plan",
    keys: keys! {
        "verb" Takes::OneOf(|| PlanStep::verbs().map(PlanStep::word).collect()), needed, "What is done.";
        "of" Takes::Words, needed, "To what: NAMESPACE/NAME; NAMESPACE/KIND/NAME for isolate and rejoin, NAMESPACE for sweep.";
        "with" Takes::Answers, free, "Answers to fields of the verb's form; what is left out stays as the form begins.";
    },
};

/// Evidence.
pub static COLLECT: Table = Table {
    name: "collect",
    of: "evidence",
    keys: keys! {
        "what" Takes::SomeOf(|| Evidence::ALL.map(|one| one.word().to_owned()).to_vec()), needed, "Which pieces.";
        "of" Takes::Words, needed, "About what: NAMESPACE, NAMESPACE/PVC or NAMESPACE/KIND/NAME.";
    },
};

/// A choice.
pub static CHOOSE: Table = Table {
    name: "choose",
    of: "a choice",
    keys: keys! {
        "in" Takes::OneOf(lists), needed, "From which list.";
        "filter" Takes::Filter, free, "Which rows of it are offered; left out, all.";
        "prefer" Takes::Filter, free, "Which of them are recommended. Nothing chooses by itself.";
    },
};

/// A loop.
pub static EACH: Table = Table {
    name: "each",
    of: "a loop",
    keys: keys! {
        "in" Takes::OneOf(lists), needed, "Over which list.";
        "filter" Takes::Filter, free, "Which rows of it; left out, all.";
        "as" Takes::Name, needed, "The name that stands for one row in the steps below.";
    },
};

fn lists() -> Vec<String> {
    Among::ALL.map(|among| among.word().to_owned()).to_vec()
}

impl Table {
    /// The key of a name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}
