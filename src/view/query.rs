//! What a listing shows, and in which order.

use std::cmp::Ordering;

use super::{Cell, Filter, Row};

/// What a listing shows and in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Which rows.
    pub filter: Filter,
    /// The filter that is pinned across all listings; both must let a row through.
    pub pinned: Filter,
    /// Leave out rows that are fine.
    pub only_problems: bool,
    /// Which order.
    pub sort: Sort,
}

/// The order of rows. Equal rows stand by namespace and name, so the order never depends on chance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// The worst first.
    #[default]
    Worst,
    /// By the value of a column.
    By {
        /// Its place in [`Pane::columns`].
        column: usize,
        /// The greatest first.
        descending: bool,
    },
}

impl Sort {
    /// Orders two rows.
    pub fn order(self, a: &Row, b: &Row) -> Ordering {
        let first = match self {
            Self::Worst => b.level.cmp(&a.level),
            Self::By { column, descending } => {
                let order = a.cells[column].order(&b.cells[column]);
                let missing = |cell: &Cell| matches!(cell, Cell::Nothing | Cell::Unknown);
                // What is not known stays at the end, whichever way the rest is turned.
                let turn = descending && !missing(&a.cells[column]) && !missing(&b.cells[column]);
                if turn { order.reverse() } else { order }
            }
        };
        let place = || a.object.namespace.cmp(&b.object.namespace).then_with(|| a.object.name.cmp(&b.object.name));
        first.then_with(place).then_with(|| a.key.cmp(&b.key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Key, Kind, ObjRef, Uid};
    use crate::view::{Level, Pane};

    fn row(namespace: &str, name: &str, state: &'static str) -> Row {
        let mut cells = vec![Cell::Unknown; Pane::Volumes.columns().len()];
        cells[0] = Cell::State(Level::Warn, state);
        cells[1] = Cell::Text(namespace.into());
        cells[2] = Cell::Text(name.into());
        cells[8] = Cell::Bytes(10 << 30);
        Row {
            key: Key::Object(Kind::Pvc, Uid::from(name)),
            object: ObjRef::namespaced(Kind::Pvc, namespace, name),
            uid: Uid::from(name),
            level: Level::Warn,
            state,
            reasons: Box::new([]),
            next: None,
            cells: cells.into(),
            valid_until: None,
            remedy: None,
        }
    }

    #[test]
    fn unknown_stays_last_in_both_directions() {
        let mut rows = [row("a", "x", "Ok"), row("a", "y", "Ok"), row("a", "z", "Ok")];
        rows[0].cells[8] = Cell::Unknown;
        rows[1].cells[8] = Cell::Bytes(2);
        let names = |rows: &mut [Row; 3], descending| {
            rows.sort_by(|a, b| Sort::By { column: 8, descending }.order(a, b));
            rows.each_ref().map(|row| row.object.name.to_string())
        };
        assert_eq!(names(&mut rows, false), ["y", "z", "x"]);
        assert_eq!(names(&mut rows, true), ["z", "y", "x"]);
    }
}
