//! The file that `holdfast config init` writes: every setting explained and commented out.

use super::schema::{SETTINGS, Setting, Without, any};

/// Columns of the explanations.
const WIDE: usize = 100;

const HEAD: &str = "\
# The configuration of Holdfast. Every setting may be left out. Lines that begin with #, without a space behind it, are
# settings: take the # away, and that of the table's [line] above. They show the default, or an example where there is
# none. `holdfast config check` says whether a file is right, `holdfast config path` which file is read.
";

/// What stands for a part of a path that may be any name.
fn sample(part: &str) -> &str {
    match part {
        "NAME" => "prod",
        "ACTION" => "problems",
        plain => plain,
    }
}

/// The line above the settings of a table; empty for those of none. A table that would say something by being there
/// is commented out.
fn header(setting: &Setting) -> String {
    let parts: Vec<&str> = setting.parts().collect();
    let [tables @ .., _] = parts.as_slice() else { return String::new() };
    let several = tables.last().is_some_and(|part| part.ends_with("[]"));
    let name: Vec<&str> = tables.iter().map(|part| sample(part.trim_end_matches("[]"))).collect();
    let name = name.join(".");
    match (tables, several) {
        ([], _) => String::new(),
        (_, true) => format!("#[[{name}]]\n"),
        _ if tables.iter().any(|part| any(part)) => format!("#[{name}]\n"),
        _ => format!("[{name}]\n"),
    }
}

/// The whole file.
pub fn commented() -> String {
    let mut text = vec![HEAD.to_owned()];
    let mut last = String::new();
    for setting in SETTINGS {
        let header = header(setting);
        text.push("\n".to_owned());
        if header != last {
            text.push(header.clone());
            last = header;
        }
        text.extend(explained(setting));
    }
    text.concat()
}

/// A setting with what it does above it, as comments.
fn explained(setting: &Setting) -> Vec<String> {
    let (without, value) = match setting.without {
        Without::Value(value) => (String::new(), value),
        Without::Nothing(then) => (format!(" Left out: {then}."), setting.example),
        Without::Required => (" It cannot be left out.".to_owned(), setting.example),
    };
    let name = setting.parts().last().map_or("", sample);
    let words = lines(&format!("{}{without}", setting.doc)).into_iter().map(|line| format!("# {line}\n"));
    words.chain([format!("#{name} = {value}\n")]).collect()
}

/// A text in lines that are not too long.
fn lines(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + word.len() < WIDE => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
