//! Pieces of the script: quoted words, comments, places of objects, conditions on fields.

use serde_json::Value;

use crate::plan::{Check, Expect, ObjectAt, Resource};
use crate::text;

/// A word in quotes, whatever it holds. A shell cannot hold a zero byte; its picture stands for it.
pub(super) fn quoted(word: &str) -> String {
    let word = if word.contains('\0') { text::sanitize(word) } else { word.into() };
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Text behind a `#`: one line.
pub(super) fn comment(text: &str) -> String {
    text::sanitize(text).into_owned()
}

/// An object as lines of JSON, none of which can be the end of a heredoc: each begins with a space, a quote or a
/// bracket.
pub(super) fn document(object: &Value) -> String {
    format!("{object:#}\n")
}

/// Where an object is, as words of the shell.
#[derive(Clone, Debug)]
pub(super) struct Where {
    pub kind: String,
    pub namespace: String,
    pub name: String,
}

impl Where {
    pub fn of(at: &ObjectAt) -> Self {
        let namespace = quoted(at.namespace.as_deref().unwrap_or_default());
        Self { kind: kind(&at.resource), namespace, name: quoted(&at.name) }
    }

    /// What the functions of the prelude work on.
    pub fn target() -> Self {
        Self { kind: "\"$kind\"".into(), namespace: "\"$namespace\"".into(), name: "\"$name\"".into() }
    }

    /// The command that reads a field of it; the field follows.
    pub fn read(&self) -> String {
        format!("read_field {} {} {}", self.kind, self.namespace, self.name)
    }
}

/// `volumesnapshots.v1.snapshot.storage.k8s.io`, as kubectl takes a kind in one version.
pub(super) fn kind(resource: &Resource) -> String {
    let Resource { group, version, plural, .. } = resource;
    quoted(&if group.is_empty() { plural.clone() } else { format!("{plural}.{version}.{group}") })
}

/// The path of an object, for `--raw`; a path that the server's own address has, kubectl puts before it.
pub(super) fn path(at: &ObjectAt) -> String {
    let Resource { group, version, plural, .. } = &at.resource;
    let root = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
    match &at.namespace {
        Some(namespace) => format!("{root}/namespaces/{namespace}/{plural}/{}", at.name),
        None => format!("{root}/{plural}/{}", at.name),
    }
}

/// A JSON pointer as kubectl's JSONPath. Everything but letters, digits and dashes is escaped; kubectl takes the
/// backslashes away (client-go `util/jsonpath`).
pub(super) fn field(pointer: &str) -> String {
    let mut path = String::from("{");
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        if !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()) {
            path.extend(["[", &part, "]"]);
            continue;
        }
        if part == "*" {
            path.push_str("[*]");
            continue;
        }
        // `[type=Ready]` chooses from a list.
        if let Some((key, is)) = part.strip_prefix('[').and_then(|chosen| chosen.strip_suffix(']')?.split_once('=')) {
            path.extend(["[?(@.", key, "==\"", is, "\")]"]);
            continue;
        }
        // `{a,b}` is a union: whatever of the two is there is printed.
        if let Some(keys) = part.strip_prefix('{').and_then(|keys| keys.strip_suffix('}')) {
            let keys: Vec<String> = keys.split(',').map(|key| format!("'{key}'")).collect();
            path.extend(["[", &keys.join(","), "]"]);
            continue;
        }
        path.push('.');
        for c in part.chars() {
            if !(c.is_ascii_alphanumeric() || c == '-' || c == '_') {
                path.push('\\');
            }
            path.push(c);
        }
    }
    path.push('}');
    path
}

/// Whether a field is as it must be, as a command. `origin` is the UID of the object that led here.
pub(super) fn condition(check: &Check, place: &Where, origin: Option<&str>) -> String {
    let read = format!("\"$({} {})\"", place.read(), quoted(&field(&check.field)));
    match &check.expect {
        // Of several values one has to be it; kubectl prints them in a line.
        Expect::Is(Value::String(text)) if check.field.contains("/*") => {
            let word = quoted(&format!(" {text} "));
            format!("case \" $({} {}) \" in *{word}*) ;; *) false ;; esac", place.read(), quoted(&field(&check.field)))
        }
        Expect::Is(Value::String(text)) => format!("[ {read} = {} ]", quoted(text)),
        Expect::Is(value) => format!("[ {read} = {} ]", quoted(&value.to_string())),
        Expect::Not(Value::String(text)) => format!("[ {read} != {} ]", quoted(text)),
        Expect::Not(value) => format!("[ {read} != {} ]", quoted(&value.to_string())),
        Expect::Present => format!("[ -n {read} ]"),
        Expect::Absent => format!("[ -z {read} ]"),
        Expect::Above(limit) => format!("{{ number={read}; [ \"${{number:-0}}\" -gt {limit} ]; }}"),
        Expect::NotAbove(limit) => format!("{{ number={read}; [ \"${{number:-0}}\" -le {limit} ]; }}"),
        Expect::NotBelow(other) => {
            let other = format!("\"$({} {})\"", place.read(), quoted(&field(other)));
            format!("{{ number={read}; other={other}; [ \"${{number:-0}}\" -ge \"${{other:-0}}\" ]; }}")
        }
        Expect::UidOfOrigin => format!("[ {read} = {} ]", origin.unwrap_or("''")),
    }
}
