//! Tables: lists and watch events as kubectl prints them.
//!
//! A real server makes the columns; a client that asks for `as=Table` shows what it gets. Which
//! columns a kind has is in `table/columns`.

mod columns;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::kinds::Kind;
use super::list::Page;
use super::store::Object;
use columns::Column;

/// How much of the object a row carries (`includeObject`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Include {
    #[default]
    Metadata,
    Object,
    None,
}

/// Makes tables of one kind for one request.
#[derive(Debug)]
pub(crate) struct Printer {
    columns: Vec<Column>,
    include: Include,
    now: Timestamp,
    headed: bool,
}

impl Printer {
    pub fn new(kind: &Kind, include: Include, now: Timestamp) -> Self {
        Self { columns: columns::of(kind), include, now, headed: false }
    }

    /// A list as a table.
    pub fn page(&mut self, page: &Page) -> Value {
        let rows: Vec<Value> = page.objects.iter().map(|object| self.row(&object.value)).collect();
        let mut metadata = json!({"resourceVersion": page.revision.to_string()});
        if let Some(token) = &page.continue_token {
            metadata["continue"] = json!(token);
        }
        if let Some(remaining) = page.remaining {
            metadata["remainingItemCount"] = json!(remaining);
        }
        self.table(&rows, &metadata)
    }

    /// One object as a table of one row.
    pub fn event(&mut self, object: &Object) -> Value {
        let row = self.row(&object.value);
        self.table(&[row], &json!({"resourceVersion": object.revision.to_string()}))
    }

    /// A bookmark in the shape of a table: no cells, the object in the row.
    pub fn bookmark(&mut self, object: &Value) -> Value {
        let metadata = json!({"resourceVersion": object["metadata"]["resourceVersion"]});
        let row = json!({"cells": [], "object": object});
        self.table(&[row], &metadata)
    }

    /// The column definitions are sent once; kubectl remembers them over a watch.
    fn table(&mut self, rows: &[Value], metadata: &Value) -> Value {
        let heads: Vec<Value> =
            if self.headed { Vec::new() } else { self.columns.iter().map(Column::definition).collect() };
        self.headed = true;
        json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": heads, "rows": rows})
    }

    fn row(&self, value: &Value) -> Value {
        let cells: Vec<Value> = self.columns.iter().map(|column| column.cell(value, self.now)).collect();
        let object = match self.include {
            Include::None => Value::Null,
            Include::Object => value.clone(),
            Include::Metadata => {
                json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": value["metadata"]})
            }
        };
        json!({"cells": cells, "object": object})
    }
}
