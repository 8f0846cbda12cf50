//! `holdfast keys`: which key does what in the console, with the configuration applied.

use serde_json::{Value, json};

use super::args::{Format, Global, Keys};
use super::{Exit, Failure, out, settings};
use crate::session::to_yaml;
use crate::text::width;
use crate::tui::{Action, ActionId, Binding, Keymap, Place, Risk};

pub(super) fn run(global: &Global, keys: &Keys) -> Result<Exit, Failure> {
    let (_, keymap) = settings::effective(global)?;
    let values = || Value::Array(keymap.bindings().iter().map(|binding| value(&keymap, binding)).collect());
    match keys.output {
        Format::Table => out::print(table(&keymap))?,
        Format::Json => out::line(format_args!("{:#}", values()))?,
        Format::Yaml => out::print(to_yaml(&values()).map_err(|error| Failure::new(Exit::Unknown, error))?)?,
    }
    Ok(Exit::Fine)
}

/// The keys of an action, as one text.
fn keys(binding: &Binding) -> String {
    binding.keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// How an action is reached through the action menu.
fn menu(keymap: &Keymap, action: &Action) -> Option<String> {
    Some(format!("{} {}", keymap.key(&[ActionId::Menu])?, action.menu?))
}

fn table(keymap: &Keymap) -> String {
    let mut rows = vec![["KEYS", "MENU", "COMMAND", "WHAT IT DOES"].map(str::to_owned)];
    for binding in keymap.bindings() {
        let action = Action::of(binding.id);
        let mark = if binding.changed { "*" } else { "" };
        let own = match (binding.changed, action.keys) {
            (false, _) => String::new(),
            (true, []) => " (* it had no key)".to_owned(),
            (true, keys) => format!(" (* instead of {})", keys.join(" ")),
        };
        let menu = menu(keymap, action).unwrap_or_default();
        rows.push([
            format!("{mark}{}", keys(binding)),
            menu,
            format!(":{}", action.name),
            format!("{}{own}", action.doc),
        ]);
    }
    let wide: Vec<usize> = (0..3).map(|i| rows.iter().map(|row| width(&row[i])).max().unwrap_or(0)).collect();
    let line = |row: &[String; 4]| {
        let cells = row.iter().zip(&wide).map(|(cell, wide)| format!("{cell}{}  ", " ".repeat(wide - width(cell))));
        format!("{}{}\n", cells.collect::<String>(), row[3])
    };
    rows.iter().map(line).collect()
}

fn value(keymap: &Keymap, binding: &Binding) -> Value {
    let action = Action::of(binding.id);
    let places: Vec<&str> =
        Place::ALL.iter().filter(|place| action.applies(**place)).map(|place| place.name()).collect();
    json!({
        "action": action.name,
        "keys": binding.keys.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "defaultKeys": action.keys,
        "changed": binding.changed,
        "menu": menu(keymap, action),
        "writes": action.risk == Risk::Writes,
        "places": places,
        "what": action.doc,
    })
}
