//! The storage tree: one object with everything it hangs on and everything that hangs on it, as lines.
//!
//! A volume has its PV, class and attachments, what uses it down to the nodes, and its restore points with contents and
//! Velero backups. A certificate stands below its issuers and above its Secret and that one's users. Each object is
//! grown once: where it comes again the line says so, and so no cycle can be walked. What cannot be seen is a line that
//! says why. Nothing is judged here; text in lines is untrusted.

mod grow;
mod root;
mod say;
mod storage;
mod tls;
mod users;

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use self::grow::Grower;
use super::{Boards, Level};
use crate::model::{Key, Kind, World};

/// An object with all it hangs together with.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// What it was grown for.
    pub focus: Key,
    root: Branch,
}

/// One line of a tree.
#[derive(Clone, Debug, PartialEq)]
pub struct TreeLine {
    /// What the cursor holds on to; the object, where it stands here for the first time.
    pub key: Key,
    /// The object, where it is one that was seen.
    pub object: Option<Key>,
    /// The lines that lead to it from the left.
    pub guide: String,
    /// Whether what is below it is folded away; `None` when there is nothing.
    pub folded: Option<bool>,
    /// How many lines are folded away, and how bad the worst of them is.
    pub hidden: Option<(usize, Level)>,
    /// How bad its state is.
    pub level: Level,
    /// Its kind in a short word; empty for lines that stand for several objects or none.
    pub kind: Box<str>,
    /// Its name, or what stands here instead.
    pub name: Box<str>,
    /// Its state's word.
    pub state: Box<str>,
    /// The fact that matters most.
    pub fact: Box<str>,
    /// Why it stands so, where something is wrong.
    pub why: Option<Arc<str>>,
    /// What to do about it.
    pub next: Option<Arc<str>>,
}

/// A line and what is below it.
#[derive(Clone, Debug, PartialEq)]
struct Branch {
    line: TreeLine,
    below: Vec<Branch>,
    folded: bool,
}

impl Branch {
    /// The worst level of it and of all below.
    fn worst(&self) -> Level {
        self.below.iter().map(Branch::worst).fold(self.line.level, Ord::max)
    }

    fn count(&self) -> usize {
        1 + self.below.iter().map(Branch::count).sum::<usize>()
    }

    fn holds(&self, key: &Key) -> bool {
        self.line.key == *key || self.below.iter().any(|branch| branch.holds(key))
    }

    fn flatten(&self, guides: (&str, &str), turned: &BTreeSet<Key>, lines: &mut Vec<TreeLine>) {
        let folded = (!self.below.is_empty()).then(|| self.folded != turned.contains(&self.line.key));
        let hidden = (folded == Some(true)).then(|| (self.count() - 1, self.worst()));
        lines.push(TreeLine { guide: guides.0.to_owned(), folded, hidden, ..self.line.clone() });
        if folded != Some(false) {
            return;
        }
        let last = self.below.len() - 1;
        for (place, branch) in self.below.iter().enumerate() {
            let (own, rest) = if place == last { ("└ ", "  ") } else { ("├ ", "│ ") };
            let guides = (format!("{}{own}", guides.1), format!("{}{rest}", guides.1));
            branch.flatten((&guides.0, &guides.1), turned, lines);
        }
    }
}

impl Tree {
    /// Its lines from top to bottom. `turned` holds the lines whose fold was turned: most are open at first, long lists
    /// are not.
    pub fn lines(&self, turned: &BTreeSet<Key>) -> Vec<TreeLine> {
        let mut lines = Vec::new();
        self.root.flatten(("", ""), turned, &mut lines);
        lines
    }
}

/// Whether a tree can be grown for objects of this kind.
pub fn grows(kind: Kind) -> bool {
    use Kind as K;
    !matches!(
        kind,
        K::StorageClass
            | K::SnapshotClass
            | K::GroupClass
            | K::Namespace
            | K::Node
            | K::VeleroSchedule
            | K::VeleroRestore
            | K::BackupLocation
            | K::Service
            | K::MutatingWebhook
            | K::ValidatingWebhook
            | K::ApiService
            | K::Crd
            | K::SigningRequest
            | K::OtherSecret
            | K::ConfigMap
            | K::Ingress
            | K::Gateway
            | K::Event
    )
}

/// The tree of an object; `None` when it is gone or of a kind that has none.
pub fn tree(world: &World, boards: &Boards, focus: &Key, now: Timestamp) -> Option<Tree> {
    let Key::Object(kind, uid) = focus else { return None };
    if !grows(*kind) {
        return None;
    }
    let object = world.inventory.object(*kind, uid)?;
    let mut grower = Grower::new(world, boards, focus.clone(), now);
    Some(Tree { focus: focus.clone(), root: grower.tree(&object) })
}

#[cfg(test)]
mod tests;
