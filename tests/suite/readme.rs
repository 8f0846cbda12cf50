//! The README says what the program says: its key table is the registry's. `HOLDFAST_BLESS=1` writes it anew.

use std::fmt::Write;
use std::path::PathBuf;

use holdfast::tui::{ACTIONS, Risk};

const BEGIN: &str = "<!-- keys:begin -->\n";
const END: &str = "<!-- keys:end -->";

fn key_table() -> String {
    let mut table = "| keys | in the menu | command | what it does |\n|---|---|---|---|\n".to_owned();
    for action in ACTIONS {
        let keys: Vec<String> = action.keys.iter().map(|key| format!("`{}`", key.replace('|', "\\|"))).collect();
        let menu = action.menu.map(|letter| format!("`x {letter}`")).unwrap_or_default();
        let writes = if action.risk == Risk::Writes { " *Writes to the cluster.*" } else { "" };
        writeln!(table, "| {} | {menu} | `:{}` | {}{writes} |", keys.join(" "), action.name, action.doc).unwrap();
    }
    table
}

#[test]
fn the_key_table_is_the_registry() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the README marks where the key table begins");
    let (_, after) = rest.split_once(END).expect("the README marks where the key table ends");
    let current = format!("{before}{BEGIN}{}{END}{after}", key_table());
    if std::env::var_os("HOLDFAST_BLESS").is_some() {
        return std::fs::write(&path, &current).unwrap();
    }
    assert!(text == current, "the README's key table is not the registry; HOLDFAST_BLESS=1 writes it anew");
}
