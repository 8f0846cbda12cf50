//! Values that an action's argument can have, each with what it means. One list for the palette and the pickers.

use super::super::action::Argument;
use super::super::fuzzy;
use super::App;
use crate::model::{Key, Kind, World};
use crate::session::{Desk, KnownContext};
use crate::text::{self, names};
use crate::view;

/// The word for all namespaces.
pub const ALL: &str = "all";
/// The word for findings that are not put together.
pub const NONE: &str = "none";

/// A value, as a line to choose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Value {
    /// What it is called and typed as.
    pub name: Box<str>,
    /// What it means, for people. Safe to draw.
    pub means: String,
    /// Whether it is what holds now.
    pub now: bool,
}

/// The contexts of the kubeconfig, as far as they were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Contexts {
    /// Not since the last occasion to choose one.
    #[default]
    NotAsked,
    /// The answer is awaited.
    Asked,
    /// They are these, or cannot be read for this reason.
    Known(Result<Vec<KnownContext>, String>),
}

impl Contexts {
    /// Those that are known.
    pub fn known(&self) -> &[KnownContext] {
        match self {
            Self::Known(Ok(known)) => known,
            Self::Known(Err(_)) | Self::NotAsked | Self::Asked => &[],
        }
    }
}

impl App {
    /// The values of an argument that fit what is typed, the best first.
    pub fn values(&self, desk: &Desk, argument: Argument, typed: &str) -> Vec<Value> {
        let all = match argument {
            Argument::Namespaces => namespaces(desk),
            Argument::Context => self.context_values(desk),
            Argument::Theme => self.theme_values(),
            Argument::Column => self.columns(),
            Argument::Group => self.groups(),
            Argument::Runbook => self.books(desk),
        };
        let mut fit = fuzzy::rank(typed, all, |value, fits| fits(&value.name));
        let unlisted = unlisted(&desk.world, argument, typed);
        let unlisted = unlisted.filter(|value| fit.iter().all(|other| other.name != value.name));
        fit.extend(unlisted);
        fit
    }

    /// Why there are no values, where that can be said.
    pub fn no_values(&self, argument: Argument) -> String {
        match (argument, &self.contexts) {
            (Argument::Context, Contexts::NotAsked | Contexts::Asked) => "Reading the kubeconfig.".to_owned(),
            (Argument::Context, Contexts::Known(Err(why))) => text::sanitize(why.as_str()).into_owned(),
            (Argument::Context, Contexts::Known(Ok(known))) if known.is_empty() => {
                "There is no kubeconfig, so there is no other context.".to_owned()
            }
            _ => "Nothing fits what is typed.".to_owned(),
        }
    }

    fn context_values(&self, desk: &Desk) -> Vec<Value> {
        let known = self.contexts.known().iter();
        known.map(|context| context_value(context, &desk.world.context.name)).collect()
    }

    fn theme_values(&self) -> Vec<Value> {
        let now = self.theme_before().name();
        let means =
            |name: &str| self.themes.load(name).err().map(|error| text::sanitize(&error.to_string()).into_owned());
        let value = |name: &str| Value { name: name.into(), means: means(name).unwrap_or_default(), now: name == now };
        self.themes.names().map(value).collect()
    }

    fn groups(&self) -> Vec<Value> {
        let now = self.panes.grouped();
        let none = Value { name: NONE.into(), means: "one below the other".to_owned(), now: now.is_none() };
        let value = |by: view::GroupBy| Value {
            name: by.word().into(),
            means: format!("together by {}", by.word()),
            now: now == Some(by),
        };
        std::iter::once(none).chain(view::GroupBy::ALL.map(value)).collect()
    }

    fn columns(&self) -> Vec<Value> {
        let sorted = match self.panes.state(self.panes.focus).listing.query().sort {
            view::Sort::Worst => None,
            view::Sort::By { column, .. } => Some(column),
        };
        let columns = self.panes.focus.columns().iter().enumerate();
        let value = |(at, column): (usize, &view::Column)| Value {
            name: column.id.into(),
            means: column.doc.to_owned(),
            now: sorted == Some(at),
        };
        columns.map(value).collect()
    }
}

fn context_value(context: &KnownContext, now: &str) -> Value {
    let mut means = match &*context.server {
        "" => "its cluster is not in the kubeconfig".to_owned(),
        server => text::sanitize(server.trim_start_matches("https://")).into_owned(),
    };
    for (holds, word) in [(context.read_only, "READ-ONLY"), (context.protected, "PROTECTED")] {
        if holds {
            means = format!("{means}  {word}");
        }
    }
    Value { now: *context.name == *now, name: context.name.clone(), means }
}

fn namespaces(desk: &Desk) -> Vec<Value> {
    let looked_at = &desk.world.context.namespaces;
    let all = Value { name: ALL.into(), means: "every namespace".to_owned(), now: looked_at.is_empty() };
    let value = |namespace: view::NamespaceView| Value {
        means: match namespace.holds {
            None => "not looked at".to_owned(),
            Some(holds) => {
                let volumes = text::plural(holds.volumes, "volume", "volumes");
                match holds.problems {
                    0 => volumes,
                    count => format!("{volumes}, {}", text::plural(count, "problem", "problems")),
                }
            }
        },
        now: looked_at.contains(&namespace.name),
        name: (*namespace.name).into(),
    };
    let each = view::namespaces(&desk.world, &desk.boards).into_iter();
    std::iter::once(all).chain(each.map(value)).collect()
}

/// A namespace that is typed where the cluster's own cannot all be listed: it may be there all the same.
fn unlisted(world: &World, argument: Argument, typed: &str) -> Option<Value> {
    if argument == Argument::Runbook {
        let means = "a file of yours".to_owned();
        return typed.contains(['/', '.']).then(|| Value { name: typed.into(), means, now: false });
    }
    let blind = argument == Argument::Namespaces && !world.freshness(Kind::Namespace).live();
    let offered = blind && names::validate_namespace(typed).is_ok();
    let means = "as typed; namespaces cannot be listed".to_owned();
    offered.then(|| Value { name: typed.into(), means, now: false })
}

/// Whether a key is about something outside of these namespaces.
pub fn outside(desk: &Desk, key: &Key, namespaces: &[String]) -> bool {
    let Some((kind, uid)) = key.object() else { return false };
    let meta = desk.world.inventory.meta(kind, uid);
    let namespace = meta.and_then(|meta| meta.namespace.as_deref());
    !namespaces.is_empty() && namespace.is_some_and(|namespace| namespaces.iter().all(|name| *name != *namespace))
}
