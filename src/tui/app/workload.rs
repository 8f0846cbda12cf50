//! Which workload is meant by what is selected: a volume's, a finding's, or itself.

use super::App;
use crate::model::{Freshness, Key, Kind, Uid};
use crate::plan::isolate;
use crate::session::Desk;
use crate::text;
use crate::view::Pane;

impl App {
    /// The one workload that something would be done with, or why there is none.
    pub(super) fn workload(&self, desk: &Desk, done: &str) -> Result<(Kind, Uid), String> {
        self.one_of(Pane::Volumes, "workloads", done)?;
        self.one_of(Pane::Findings, "workloads", done)?;
        let world = &desk.world;
        let mut found = match self.target(desk) {
            None => return Err("nothing is selected".to_owned()),
            Some(Key::Finding(id)) => {
                let chains = desk.boards.chains();
                let links = chains.workloads(id).value;
                let programs = links.iter().filter(|link| link.best).filter_map(|link| chains.program(link.program));
                let named = programs.filter_map(|program| {
                    let workload = program.workload.as_ref()?;
                    let kind = *isolate::LOOKED_AT.iter().find(|kind| *kind.spec().kind == *workload.kind)?;
                    isolate::named(world, kind, &program.namespace, &workload.name)
                });
                named.collect::<Vec<_>>()
            }
            Some(key @ (Key::Object(Kind::Pvc, _) | Key::Place(..) | Key::Object(..))) => {
                isolate::workloads(world, &key)
            }
            Some(_) => Vec::new(),
        };
        found.sort();
        found.dedup();
        let listing = isolate::LOOKED_AT.iter().any(|kind| *world.freshness(*kind) == Freshness::Loading);
        match found.as_slice() {
            [] if listing => Err("workloads are still being listed: try again in a moment".to_owned()),
            [one] => Ok(one.clone()),
            [] => Err(format!("only workloads are {done}: select one, a volume that one uses, or a finding of one")),
            several => {
                let meta =
                    |(kind, uid): &(Kind, Uid)| Some(world.inventory.meta(*kind, uid)?.reference(*kind).to_string());
                let names: Vec<String> = several.iter().filter_map(meta).collect();
                Err(format!("several workloads are meant: {}; select one, in the tree for example", text::list(&names)))
            }
        }
    }
}
