//! One world at one moment, as controls look at it.

use std::cell::OnceCell;
use std::sync::Arc;

use jiff::Timestamp;

use super::control::Control;
use super::evidence::FRESHNESS;
use super::{Controlled, Evidence, Inputs, State};
use crate::assess::linking::Chains;
use crate::model::{Freshness, Kind, Meta, Pvc, Table, World};

/// What every control looks at.
pub struct Case<'a> {
    pub world: &'a World,
    pub inputs: &'a Inputs<'a>,
    pub now: Timestamp,
    /// Claims by namespace and name.
    pub claims: Vec<&'a Pvc>,
    chains: OnceCell<Chains>,
}

impl<'a> Case<'a> {
    pub fn new(world: &'a World, inputs: &'a Inputs<'a>, now: Timestamp) -> Self {
        let claims = sorted(&world.inventory.pvcs, |claim| &claim.meta);
        Self { world, inputs, now, claims, chains: OnceCell::new() }
    }

    /// What ties findings to what runs; looked up once, because it costs much.
    pub fn chains(&self) -> &Chains {
        self.chains.get_or_init(|| Chains::of(self.world))
    }

    /// Judges one control.
    pub fn judge(&self, control: &'static Control) -> Controlled {
        let unseen: Vec<Evidence> = control.kinds().flat_map(|kind| self.unseen(kind)).collect();
        let mut evidence = (control.judge)(&Look { case: self, whole: unseen.is_empty() });
        evidence.extend(unseen);
        if control.scoped() {
            evidence.extend(self.doubtful());
        }
        let found = evidence.iter().map(|one| one.state).min().unwrap_or(State::NotApplicable);
        let absent = control.needs.iter().copied().filter(|kind| *self.world.freshness(*kind) == Freshness::Absent);
        let absent: Vec<Evidence> = absent.map(|kind| not_served(kind, control.absent)).collect();
        // What the cluster does not serve cannot be in order.
        let state = if absent.is_empty() || found < State::Pass { found } else { control.absent };
        evidence.extend(absent);
        evidence.sort_by(Evidence::order);
        Controlled::new(control, state, evidence)
    }

    /// Namespaces that the report is of and that nothing says the existence of: its name may be misspelt, and nothing
    /// was found there for that.
    fn doubtful(&self) -> impl Iterator<Item = Evidence> {
        let inventory = &self.world.inventory;
        let exists = |name: &Arc<str>| inventory.namespaces.named(None, name).is_some() || inventory.any_in(name);
        let named = self.world.context.namespaces.iter().filter(move |name| !exists(name));
        named.map(|name| {
            let (value, next) = if self.world.freshness(Kind::Namespace).live() {
                ("there is no such namespace", "look at one that exists: -n NAMESPACE")
            } else {
                ("nothing was found in it, and whether it exists cannot be seen", "see that its name is right")
            };
            Evidence::new(State::Unknown, &format!("Namespace {name}"), FRESHNESS, value).to_do(Some(next))
        })
    }

    /// Why objects of a kind are not seen, or not all of them.
    fn unseen(&self, kind: Kind) -> Vec<Evidence> {
        let resource = kind.spec().plural;
        let object = format!("kind {resource}");
        let unknown = |value: &str| Evidence::new(State::Unknown, &object, FRESHNESS, value);
        let mut found: Vec<Evidence> = match self.world.freshness(kind) {
            Freshness::Live | Freshness::Absent => Vec::new(),
            Freshness::Loading => vec![unknown("not listed yet")],
            Freshness::Stale { since, why } => vec![unknown(&format!("stale: {why}")).at(*since)],
            Freshness::Denied { verb } => {
                let next = format!("ask for get, list and watch on {resource}");
                vec![unknown(&format!("the right to {verb} is missing")).to_do(Some(&next))]
            }
        };
        let unreadable = self.world.unreadable.get(&kind).into_iter().flatten();
        found.extend(unreadable.map(|(name, why)| {
            Evidence::new(
                State::Unknown,
                &format!("{} {name}", kind.spec().kind),
                FRESHNESS,
                &format!("unreadable: {why}"),
            )
        }));
        found
    }
}

/// A case as one control looks at it.
pub struct Look<'a> {
    case: &'a Case<'a>,
    /// Whether all that the control looks at is seen: only then can something be said to be missing.
    pub whole: bool,
}

impl Look<'_> {
    /// How something missing counts.
    pub fn missing(&self) -> State {
        if self.whole { State::Fail } else { State::Unknown }
    }
}

impl<'a> std::ops::Deref for Look<'a> {
    type Target = Case<'a>;

    fn deref(&self) -> &Case<'a> {
        self.case
    }
}

/// The objects of a table by namespace and name.
pub fn sorted<T>(table: &Table<T>, meta: impl Fn(&T) -> &Meta) -> Vec<&T> {
    let mut all: Vec<&T> = table.iter().collect();
    all.sort_by(|a, b| {
        let (a, b) = (meta(a), meta(b));
        (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name))
    });
    all
}

fn not_served(kind: Kind, state: State) -> Evidence {
    let object = format!("kind {}", kind.spec().plural);
    Evidence::new(state, &object, FRESHNESS, "the cluster does not serve it")
}
