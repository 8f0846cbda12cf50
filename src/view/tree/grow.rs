//! How a tree grows: objects once, lists folded, and a line for whatever cannot be seen.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::{Branch, TreeLine, say};
use crate::model::{Key, Kind, Meta, ObjRef, Uid, World};
use crate::view::{Boards, Level, sight};

/// Entries of a list that stand open.
const OPEN: usize = 5;
/// Entries of a list at most; panes have the rest.
pub(super) const MOST: usize = 200;

/// A tree that is being grown.
pub(super) struct Grower<'a> {
    pub world: &'a World,
    pub boards: &'a Boards,
    pub now: Timestamp,
    pub focus: Key,
    grown: HashSet<Key>,
    /// UIDs of what is being grown, the root first: makes keys of lines that are no objects.
    path: Vec<Box<str>>,
}

impl<'a> Grower<'a> {
    pub fn new(world: &'a World, boards: &'a Boards, focus: Key, now: Timestamp) -> Self {
        Self { world, boards, now, focus, grown: HashSet::new(), path: Vec::new() }
    }

    /// The key of a line that stands for no object, or for one that stands elsewhere already.
    fn id(&self, what: &str) -> Key {
        let parent = self.path.last().map_or("", |uid| uid);
        Key::Notice(format!("tree/{parent}/{what}").into())
    }

    /// The branch of a seen object, with what `below` grows; where it stands already, a line that says so.
    pub fn object(&mut self, kind: Kind, uid: &Uid, below: impl FnOnce(&mut Self) -> Vec<Branch>) -> Option<Branch> {
        let line = say::object(self.world, self.boards, kind, uid, self.now)?;
        if !self.grown.insert(line.key.clone()) {
            let key = self.id(&format!("again/{}/{uid}", kind.spec().plural));
            let line = TreeLine { key, fact: "see above".into(), ..line };
            return Some(Branch { line, below: Vec::new(), folded: false });
        }
        self.path.push(uid.as_str().into());
        let below = below(self);
        self.path.pop();
        Some(Branch { line, below, folded: false })
    }

    /// The branch of an object that another names. When it was not seen, a line says whether that means anything.
    pub fn named(&mut self, object: &ObjRef, below: impl FnOnce(&mut Self, &Uid) -> Vec<Branch>) -> Branch {
        let uid = self.world.inventory.find(object).map(Meta::uid);
        let found = uid.and_then(|uid| self.object(object.kind, &uid, |grower| below(grower, &uid)));
        found.unwrap_or_else(|| self.missing(object))
    }

    /// A line for an object that is named and was not seen: whether it does not exist, or why that cannot be told.
    pub fn missing(&self, object: &ObjRef) -> Branch {
        let sight = sight::of_kind(self.world, object.kind, object.namespace.as_ref(), self.now);
        let key = self.id(&format!("missing/{object}"));
        let (level, state, why) = match &*sight.word {
            // Only Secrets for TLS are read, so another Secret of this name may be there.
            "LIVE" if object.kind == Kind::TlsSecret => {
                (Level::Unknown, "Not seen", "there is no Secret of type kubernetes.io/tls of this name".to_owned())
            }
            "LIVE" => (Level::Warn, "Missing", "it is named here and does not exist".to_owned()),
            _ => (Level::Unknown, "Not seen", format!("{}: {}", sight.word, sight.why)),
        };
        let line = say::note(key, level, &object.name, state, &why);
        leaf(TreeLine { kind: say::short(object.kind).into(), why: Some(why.into()), ..line })
    }

    /// Lines for the kinds that are not seen as they are now, those of the same sort in one.
    pub fn unseen(&self, kinds: &[Kind], namespace: Option<&Arc<str>>) -> Vec<Branch> {
        let mut sorts: Vec<(sight::Sight, Vec<Kind>)> = Vec::new();
        for kind in kinds {
            let seen = sight::of_kind(self.world, *kind, namespace, self.now);
            match sorts.iter_mut().find(|(other, _)| other.word == seen.word) {
                _ if seen.word == "LIVE" => {}
                Some((_, kinds)) => kinds.push(*kind),
                None => sorts.push((seen, vec![*kind])),
            }
        }
        let say = |(seen, kinds): (sight::Sight, Vec<Kind>)| {
            let plurals = say::plurals(&kinds);
            let key = self.id(&format!("unseen/{plurals}"));
            // One kind says why; of several the word says it.
            let why = if kinds.len() == 1 { seen.why } else { String::new() };
            let line = say::note(key, seen.level, &plurals, &seen.word, &why);
            leaf(TreeLine { why: (!why.is_empty()).then(|| why.into()), ..line })
        };
        sorts.into_iter().map(say).collect()
    }

    /// A line that says that there is none, unless something says more.
    pub fn none(&self, what: &str, state: &str) -> Branch {
        leaf(say::note(self.id(&format!("none/{what}")), Level::Info, what, state, ""))
    }

    /// A line of text about something that is no watched object.
    pub fn text(&self, level: Level, name: &str, state: &str, fact: &str) -> Branch {
        leaf(say::note(self.id(&format!("text/{name}")), level, name, state, fact))
    }

    /// A heading with branches below it, as bad as the worst of them.
    pub fn heading(&mut self, name: &str, state: &str, below: Vec<Branch>) -> Branch {
        let level = below.iter().map(Branch::worst).max().unwrap_or(Level::Info);
        let line = say::note(self.id(&format!("heading/{name}")), level, name, state, "");
        Branch { line, below, folded: false }
    }

    /// The branches of a list. What is beyond the first few is folded into one, unless the focus is in it.
    pub fn list<T>(
        &mut self,
        name: &str,
        items: Vec<T>,
        mut grow: impl FnMut(&mut Self, T) -> Option<Branch>,
    ) -> Vec<Branch> {
        let beyond = items.len().saturating_sub(MOST);
        let mut all: Vec<Branch> = items.into_iter().take(MOST).filter_map(|item| grow(self, item)).collect();
        // One line that stands for one line saves nothing.
        if all.len() <= OPEN + 1 {
            return all;
        }
        let mut rest = all.split_off(OPEN);
        let count = rest.len() + beyond;
        if beyond > 0 {
            let more = self.text(Level::Info, &format!("{beyond} more"), "not listed", "the panes list them all");
            rest.push(more);
        }
        let folded = !rest.iter().any(|branch| branch.holds(&self.focus));
        let worst = rest.iter().max_by_key(|branch| branch.worst()).map(|branch| branch.line.state.clone());
        let level = rest.iter().map(Branch::worst).max().unwrap_or(Level::Info);
        let key = self.id(&format!("more/{name}"));
        let state = worst.unwrap_or_default();
        let line = say::note(key, level, &format!("{count} {name}"), &state, "");
        all.push(Branch { line, below: rest, folded });
        all
    }
}

/// A branch with nothing below it.
pub(super) fn leaf(line: TreeLine) -> Branch {
    Branch { line, below: Vec::new(), folded: false }
}
