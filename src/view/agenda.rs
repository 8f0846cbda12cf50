//! Rows that have to be made anew, in the order of need.
//!
//! Making all rows of a large cluster takes longer than a person waits for a key, so the work is kept here and done in
//! slices: first what has no row yet, then what a change touched, then the sweep over everything that a change of
//! classes, policies or freshness asks for. It knows objects and order, not how a row is made.

use std::collections::BTreeSet;

use super::{Pane, rows};
use crate::model::{Kind, Touched, Uid, World};

type Object = (Kind, Uid);

/// What is still to be done.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    fresh: BTreeSet<Object>,
    touched: BTreeSet<Object>,
    sweep: Sweep,
}

/// One walk over all objects that have rows, pane by pane.
#[derive(Debug, Default)]
struct Sweep {
    objects: Vec<Object>,
    panes: Vec<Pane>,
    /// Asked for once more while it is under way: what it has passed may be out of date.
    again: bool,
}

impl Agenda {
    /// Takes a change in; `known` says whether an object has a row.
    pub(super) fn note(&mut self, touched: &Touched, known: impl Fn(&Kind, &Uid) -> bool) {
        if touched.all {
            self.sweep.ask();
        }
        for (kind, uid) in Pane::ALL.iter().flat_map(|pane| rows::touched(touched, *pane)) {
            let due = if known(&kind, &uid) { &mut self.touched } else { &mut self.fresh };
            due.insert((kind, uid));
        }
    }

    /// Adds an object that has a row.
    pub(super) fn add(&mut self, object: Object) {
        self.touched.insert(object);
    }

    /// Whether there is an object without a row.
    pub(super) fn fresh(&self) -> bool {
        !self.fresh.is_empty()
    }

    /// Whether a walk over everything is under way or asked for.
    pub(super) fn sweeping(&self) -> bool {
        !self.sweep.is_over()
    }

    /// Whether nothing is left to do.
    pub(super) fn is_empty(&self) -> bool {
        self.fresh.is_empty() && self.touched.is_empty() && self.sweep.is_over()
    }

    /// The next object without a row.
    pub(super) fn next_fresh(&mut self) -> Option<Object> {
        self.fresh.pop_first()
    }

    /// The next object of all.
    pub(super) fn next(&mut self, world: &World) -> Option<Object> {
        self.next_fresh().or_else(|| self.touched.pop_first()).or_else(|| self.sweep.next(world))
    }
}

impl Sweep {
    fn ask(&mut self) {
        if self.is_over() {
            self.panes = Pane::ALL.to_vec();
        } else {
            self.again = true;
        }
    }

    fn is_over(&self) -> bool {
        self.objects.is_empty() && self.panes.is_empty() && !self.again
    }

    fn next(&mut self, world: &World) -> Option<Object> {
        loop {
            if let Some(object) = self.objects.pop() {
                return Some(object);
            }
            if self.panes.is_empty() && std::mem::take(&mut self.again) {
                self.panes = Pane::ALL.to_vec();
            }
            self.objects = rows::all(world, self.panes.pop()?);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Delta, Meta, Object as Seen, Pvc, Scope};
    use jiff::Timestamp;

    fn world(names: &[&str]) -> World {
        let mut world = World::default();
        for name in names {
            let meta = Meta { name: (*name).into(), uid: Some(Uid::from(*name)), ..Meta::default() };
            let claim = Seen::Pvc(Pvc { meta, ..Pvc::default() });
            world.apply(Delta::Upsert(Box::new(claim), Scope::All), Timestamp::UNIX_EPOCH);
        }
        world
    }

    fn drained(agenda: &mut Agenda, world: &World) -> Vec<String> {
        std::iter::from_fn(|| agenda.next(world)).map(|(_, uid)| uid.to_string()).collect()
    }

    #[test]
    fn what_has_no_row_comes_first_then_what_was_touched_then_the_rest() {
        let world = world(&["a", "b", "c"]);
        let mut agenda = Agenda::default();
        let volumes = [Uid::from("c"), Uid::from("b")].into();
        agenda.note(&Touched { all: true, volumes, ..Touched::default() }, |_, uid| uid.as_str() == "b");
        let order = drained(&mut agenda, &world);
        assert_eq!(order[..2], ["c", "b"]);
        assert_eq!(order.len(), 5, "the sweep passes all three: {order:?}");
        assert!(agenda.is_empty());
    }

    #[test]
    fn a_sweep_that_is_asked_for_again_ends_and_then_begins_anew_once() {
        let world = world(&["a", "b"]);
        let all = Touched { all: true, ..Touched::default() };
        let mut agenda = Agenda::default();
        agenda.note(&all, |_, _| true);
        assert!(agenda.next(&world).is_some());
        agenda.note(&all, |_, _| true);
        agenda.note(&all, |_, _| true);
        assert_eq!(drained(&mut agenda, &world).len(), 3, "the one that was left, and both again");
    }
}
