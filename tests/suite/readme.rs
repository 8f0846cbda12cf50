//! The README says what the program says: its tables are the registries'. `HOLDFAST_BLESS=1` writes them anew.

use std::fmt::Write;
use std::path::PathBuf;

use holdfast::config::runbook::{keys, parse};
use holdfast::config::{SETTINGS, VARIABLES, Without};
use holdfast::plan::rights::Feature;
use holdfast::runbook::shipped::SHIPPED;
use holdfast::tui::{ACTIONS, Risk};
use holdfast::view::rbac::{Wanted, manifests};

fn key_table() -> String {
    let mut table = "| keys | in the menu | command | what it does |\n|---|---|---|---|\n".to_owned();
    for action in ACTIONS {
        let keys: Vec<String> = action.keys.iter().map(|key| format!("`{}`", key.replace('|', "\\|"))).collect();
        let menu = action.menu.map(|letter| format!("`x {letter}`")).unwrap_or_default();
        let argument = action.argument.map(|argument| format!(" {}", argument.placeholder())).unwrap_or_default();
        let also: Vec<String> = action.aliases.iter().map(|alias| format!(" `:{alias}`")).collect();
        let also = also.concat();
        let writes = if action.risk == Risk::Writes { " *Writes to the cluster.*" } else { "" };
        writeln!(
            table,
            "| {} | {menu} | `:{}{argument}`{also} | {}{writes} |",
            keys.join(" "),
            action.name,
            action.doc
        )
        .unwrap();
    }
    table
}

fn setting_table() -> String {
    let mut table = "| setting | value | left out | what it does |\n|---|---|---|---|\n".to_owned();
    for setting in SETTINGS {
        let without = match setting.without {
            Without::Value(value) => format!("`{value}`"),
            Without::Nothing(then) => then.to_owned(),
            Without::Required => "not possible".to_owned(),
        };
        let doc = setting.doc.replace('*', "\\*");
        let shape = setting.shape.name().replace('*', "\\*");
        writeln!(table, "| `{}` | {shape}, as `{}` | {without} | {doc} |", setting.path, setting.example).unwrap();
    }
    table
}

fn variable_table() -> String {
    let mut table = "| variable | what it says |\n|---|---|\n".to_owned();
    for variable in VARIABLES {
        writeln!(table, "| `{}` | {} |", variable.name, variable.doc).unwrap();
    }
    table
}

/// Each rule with its comment; what stands before them first.
fn rules(text: &str) -> Vec<String> {
    let mut rules: Vec<String> = Vec::new();
    let mut commenting = true;
    for line in text.lines() {
        let comment = line.starts_with('#');
        if rules.is_empty() || (comment && !commenting) {
            rules.push(String::new());
        }
        commenting = comment;
        writeln!(rules.last_mut().unwrap(), "{line}").unwrap();
    }
    rules
}

/// What `holdfast rbac` prints; of an operator without the rules of looking, which stand there already.
fn rights(features: &[Feature]) -> String {
    let printed =
        |features: &[Feature]| rules(&manifests(&Wanted { features: features.to_vec(), ..Wanted::default() }));
    let looking = printed(&[]);
    let shown: String =
        printed(features).into_iter().filter(|rule| features.is_empty() || !looking.contains(rule)).collect();
    format!("```yaml\n{shown}```\n")
}

/// What stands where in a runbook.
fn book_key_table() -> String {
    let mut table = "| in | key | value | what it says |\n|---|---|---|---|\n".to_owned();
    for place in keys::tables() {
        for key in place.keys {
            let needed = if key.needed { " *Needed.*" } else { "" };
            let (name, takes) = (key.name, key.takes.said());
            writeln!(table, "| {} | `{name}` | {takes} | {}{needed} |", place.of, key.doc).unwrap();
        }
    }
    table
}

/// The runbooks that come along.
fn book_table() -> String {
    let mut table = "| runbook | what for | parameters |\n|---|---|---|\n".to_owned();
    for shipped in SHIPPED {
        let book = parse(shipped.text, std::path::Path::new(shipped.name)).unwrap();
        let params: Vec<String> = book.params.iter().map(|param| format!("`{}`", param.name)).collect();
        writeln!(table, "| `{}` | {} | {} |", book.name, book.title, params.join(", ")).unwrap();
    }
    table
}

/// The text with a table between the marks of its name.
fn with(text: &str, name: &str, table: &str) -> String {
    let (begin, end) = (format!("<!-- {name}:begin -->\n"), format!("<!-- {name}:end -->"));
    let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("the README lacks {begin}"));
    let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("the README lacks {end}"));
    format!("{before}{begin}{table}{end}{after}")
}

#[test]
fn the_tables_are_the_registries() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let tables = [
        ("keys", key_table()),
        ("settings", setting_table()),
        ("variables", variable_table()),
        ("rbac-read-only", rights(&[])),
        ("rbac-operator", rights(Feature::ALL)),
        ("controls", holdfast::report::registry_table()),
        ("runbook-keys", book_key_table()),
        ("runbooks", book_table()),
    ];
    let current = tables.iter().fold(text.clone(), |text, (name, table)| with(&text, name, table));
    if std::env::var_os("HOLDFAST_BLESS").is_some() {
        return std::fs::write(&path, &current).unwrap();
    }
    assert!(text == current, "the README's tables are not the registries'; HOLDFAST_BLESS=1 writes them anew");
}
