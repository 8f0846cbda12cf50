//! The shape of the house: a module uses only floors below its own, and what is reserved to one floor is named
//! nowhere else. Reads the sources, `use` trees and inline paths alike.

mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The floors from the ground up. Every top-level module has a place here.
const FLOORS: &[&str] = &[
    "text", "model", "x509", "sarif", "assess", "plan", "journal", "runbook", "view", "report", "config", "store",
    "cluster", "engine", "session", "sim", "tui", "cli", "main",
];

/// Floors that decide and do nothing else: no async, no clock, no I/O.
const PURE: &[&str] = &["text", "model", "x509", "sarif", "assess", "plan", "journal", "runbook", "view", "report"];

/// Crates that belong to some floors only. `cluster` names the client's HTTP crate to tell errors apart, and `sim`
/// takes the base64 of Secrets from the API's own types.
const RESERVED: &[(&str, &[&str])] = &[
    ("kube", &["cluster"]),
    ("k8s_openapi", &["cluster", "sim"]),
    ("ratatui", &["tui"]),
    ("ratatui_textarea", &["tui"]),
    ("crossterm", &["tui"]),
    ("tokio_tungstenite", &["sim", "cluster"]),
    ("hyper", &["sim", "cluster"]),
    ("hyper_util", &["sim", "cluster"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
];

/// What a pure floor must not name, as beginnings of paths.
const IMPURE: &[&[&str]] = &[
    &["tokio"],
    &["futures"],
    &["std", "fs"],
    &["std", "net"],
    &["std", "env"],
    &["std", "process"],
    &["std", "thread"],
    &["std", "io"],
];

/// Parts of `std::net` that are plain values.
const ADDRESSES: &[&str] = &["IpAddr", "Ipv4Addr", "Ipv6Addr", "AddrParseError"];

/// Parts of `std::io` that are plain values, or by which a pure function takes bytes from whoever does the I/O.
const BYTES: &[&str] = &["Read", "Error", "ErrorKind", "Result", "copy", "sink"];

/// Clocks, as ends of paths.
const CLOCKS: &[[&str; 2]] = &[["Instant", "now"], ["SystemTime", "now"], ["Timestamp", "now"], ["Zoned", "now"]];

/// One source file: its path below `src/` and its text.
struct File {
    path: String,
    text: String,
}

impl File {
    /// The floor it belongs to; `lib` for the list of modules.
    fn floor(&self) -> &str {
        self.path.split(['/', '.']).next().unwrap_or_default()
    }

    /// How many modules deep it is below the crate root.
    fn depth(&self) -> usize {
        if matches!(self.path.as_str(), "lib.rs" | "main.rs") { 0 } else { self.path.split('/').count() }
    }

    /// The folder of its submodules.
    fn folder(&self) -> String {
        if self.depth() == 0 { String::new() } else { format!("{}/", self.path.trim_end_matches(".rs")) }
    }
}

/// Every breach, as `src/FILE:LINE: floor -> floor: why`.
fn breaches(files: &[File]) -> Vec<String> {
    let sources: Vec<_> = files.iter().map(|file| (file, source::read(&file.text, file.depth()))).collect();
    let mut test_files = BTreeSet::new();
    for (file, source) in &sources {
        for name in &source.test_files {
            test_files.insert(format!("{}{name}.rs", file.folder()));
            test_files.insert(format!("{}{name}/", file.folder()));
        }
    }
    let mut found = Vec::new();
    for (file, source) in &sources {
        let floor = file.floor();
        if floor == "lib" {
            continue;
        }
        let Some(place) = FLOORS.iter().position(|name| *name == floor) else {
            found.push(format!("src/{}:1: {floor} has no place in the order of floors", file.path));
            continue;
        };
        let in_test_file =
            test_files.iter().any(|path| file.path == *path || path.ends_with('/') && file.path.starts_with(path));
        for named in &source.named {
            let test = named.test || in_test_file;
            let why = arrow(floor, place, &named.path).or_else(|| foreign(floor, &named.path, test));
            found.extend(why.map(|why| format!("src/{}:{}: {why}", file.path, named.line)));
        }
        if PURE.contains(&floor) && !in_test_file {
            let words = source.asynchronous.iter().filter(|word| !word.test);
            found.extend(
                words.map(|word| {
                    format!("src/{}:{}: {floor} is pure and says `{}`", file.path, word.line, word.path[0])
                }),
            );
        }
    }
    found
}

/// What is wrong with the arrow that this path draws, if it draws one.
fn arrow(floor: &str, place: usize, path: &[String]) -> Option<String> {
    let root = path.first()?.as_str();
    if root != "crate" && !(root == "holdfast" && floor == "main") {
        return None;
    }
    let to = path.get(1).map_or("the crate root", String::as_str);
    if to == floor {
        return None;
    }
    let Some(below) = FLOORS.iter().position(|name| *name == to) else {
        return Some(format!("{floor} -> {to}: not a floor; name the floor"));
    };
    if below >= place {
        return Some(format!("{floor} -> {to}: points upwards"));
    }
    if floor == "sim" {
        return Some(format!("{floor} -> {to}: the embedded cluster uses no other floor"));
    }
    (to == "sim" && floor != "cli").then(|| format!("{floor} -> {to}: only cli may use the embedded cluster"))
}

/// What is wrong with naming this crate or part of the standard library here.
fn foreign(floor: &str, path: &[String], test: bool) -> Option<String> {
    let first = path.first()?.as_str();
    if let Some((name, owners)) = RESERVED.iter().find(|(name, _)| *name == first)
        && !owners.contains(&floor)
        && !test
    {
        return Some(format!("{floor} names {name}: only {} may", owners.join(" and ")));
    }
    if floor != "sim" && matches!(path, [crate_name, part, ..] if crate_name.starts_with("hyper") && part == "server") {
        return Some(format!("{floor} names {}: only sim serves", path.join("::")));
    }
    if !PURE.contains(&floor) || test {
        return None;
    }
    let begins = |start: &[&str]| path.len() >= start.len() && path.iter().zip(start).all(|(a, b)| a == b);
    let address = begins(&["std", "net"]) && path.get(2).is_some_and(|name| ADDRESSES.contains(&name.as_str()));
    let bytes = begins(&["std", "io"]) && path.get(2).is_some_and(|name| BYTES.contains(&name.as_str()));
    let impure = !address && !bytes && IMPURE.iter().any(|start| begins(start));
    let clock = CLOCKS.iter().any(|end| path.len() >= 2 && path[path.len() - 2..] == *end);
    (impure || clock).then(|| format!("{floor} is pure and names {}", path.join("::")))
}

fn sources() -> Vec<File> {
    fn collect(folder: &Path, root: &Path, files: &mut Vec<File>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, root, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                files.push(File { path: name, text: fs::read_to_string(&path).unwrap() });
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &root, &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

#[test]
fn arrows_between_floors_point_down() {
    let files = sources();
    assert!(files.len() > 50, "the sources were not found");
    let found = breaches(&files);
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn every_module_of_the_library_has_a_place_and_a_file() {
    let library = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let declared: Vec<&str> =
        library.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let places: Vec<_> = declared.iter().map(|name| FLOORS.iter().position(|floor| floor == name)).collect();
    assert!(places.iter().all(Option::is_some), "a module without a place: {declared:?}");
    assert!(!sources().iter().any(|file| file.path.ends_with("/mod.rs")), "modules are foo.rs and foo/, not mod.rs");
}

#[cfg(test)]
mod made_up {
    use super::{File, breaches};

    fn found(path: &str, text: &str) -> Vec<String> {
        breaches(&[File { path: path.into(), text: text.into() }])
    }

    #[test]
    fn an_upward_arrow_is_found_with_file_line_and_arrow() {
        let found =
            found("plan/act.rs", "//! x\n\nuse crate::text;\nuse crate::{\n    model::Key,\n    store::Store,\n};\n");
        assert_eq!(found, ["src/plan/act.rs:6: plan -> store: points upwards"]);
    }

    #[test]
    fn inline_paths_and_supers_count_like_imports() {
        let inline = found("engine.rs", "fn f() {\n    let x = crate::session::Session::open();\n}\n");
        assert_eq!(inline, ["src/engine.rs:2: engine -> session: points upwards"]);
        assert_eq!(
            found("text/names.rs", "use super::super::model::Key;"),
            ["src/text/names.rs:1: text -> model: points upwards"]
        );
        let nested = "mod inner {\n    fn f() { super::super::model::x() }\n    fn g() { super::helper::x() }\n}\n";
        assert_eq!(found("text.rs", nested), ["src/text.rs:2: text -> model: points upwards"]);
        assert!(found("text/names.rs", "use super::clean;").is_empty());
    }

    #[test]
    fn what_only_looks_like_a_path_does_not_count() {
        let text = r##"
            //! uses crate::cli
            /* crate::cli /* crate::tui */ crate::cli */
            pub(crate) fn f<'a>(x: &'a str) -> char {
                let _ = ("crate::cli", r#"crate::tui "kube::Client" "#, '\'', b"\"crate::cli");
                '"'
            }
        "##;
        assert_eq!(found("text.rs", text), Vec::<String>::new());
    }

    #[test]
    fn the_embedded_cluster_stands_alone() {
        assert_eq!(found("sim/list.rs", "use crate::text;").len(), 1);
        assert!(found("sim/list.rs", "use crate::sim::store::State; use super::store;").is_empty());
        assert_eq!(
            found("tui.rs", "use crate::sim::Sim;"),
            ["src/tui.rs:1: tui -> sim: only cli may use the embedded cluster"]
        );
        assert!(found("cli/demo.rs", "use crate::sim::{self, Sim};").is_empty());
        assert!(found("main.rs", "fn main() -> holdfast::cli::Exit { holdfast::cli::main() }").is_empty());
    }

    #[test]
    fn reserved_crates_stay_on_their_floor() {
        assert_eq!(
            found("session.rs", "fn f(x: kube::Client) {}"),
            ["src/session.rs:1: session names kube: only cluster may"]
        );
        assert_eq!(found("cli.rs", "use crossterm::{event, style::Color};").len(), 2);
        assert!(found("cluster/eyes.rs", "use kube::Client; fn f(e: &hyper::Error) {}").is_empty());
        assert_eq!(
            found("cluster.rs", "use hyper::server::conn::http1;"),
            ["src/cluster.rs:1: cluster names hyper::server::conn::http1: only sim serves"]
        );
        assert!(found("session.rs", "use kubeconfig::read; fn f() { crate::cluster::kube::x() }").is_empty());
    }

    #[test]
    fn pure_floors_know_neither_clock_nor_files_nor_async() {
        for text in
            ["use std::{fmt, fs};", "fn f() { std::net::lookup() }", "use tokio::sync::mpsc;", "async fn f() {}"]
        {
            assert_eq!(found("journal.rs", text).len(), 1, "{text}");
        }
        assert_eq!(found("view/rows.rs", "fn f() { let now = jiff::Timestamp::now(); }").len(), 1);
        assert!(found("x509.rs", "use std::net::{IpAddr, Ipv6Addr};").is_empty());
        assert!(found("sarif.rs", "use std::io::{ErrorKind, Read};").is_empty());
        assert_eq!(found("sarif.rs", "fn f() { std::io::stdin(); }").len(), 1);
        assert!(found("store.rs", "use std::fs; fn f() { jiff::Timestamp::now(); }").is_empty());
    }

    #[test]
    fn test_code_may_read_files_and_clocks_and_still_not_look_up() {
        let text =
            "fn f() {}\n#[cfg(test)]\nmod tests {\n    use std::fs;\n    use crate::cli::Args;\n}\nuse std::fs;\n";
        assert_eq!(
            found("text.rs", text),
            ["src/text.rs:5: text -> cli: points upwards", "src/text.rs:7: text is pure and names std::fs",]
        );
        let files = [
            File { path: "text.rs".into(), text: "#[cfg(test)]\nmod tests;\nmod clean;".into() },
            File { path: "text/tests.rs".into(), text: "use std::fs;".into() },
            File { path: "text/clean.rs".into(), text: "use std::fs;".into() },
        ];
        assert_eq!(breaches(&files), ["src/text/clean.rs:1: text is pure and names std::fs"]);
    }

    #[test]
    fn a_module_without_a_place_is_a_breach() {
        assert_eq!(found("helpers.rs", "fn f() {}"), ["src/helpers.rs:1: helpers has no place in the order of floors"]);
        assert_eq!(found("plan.rs", "use crate::*;"), ["src/plan.rs:1: plan -> *: not a floor; name the floor"]);
    }
}
