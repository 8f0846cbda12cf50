//! Plans that lie open to be read: those that go without being run are said, whatever key or view took them away.

use super::{App, Effect};
use crate::plan::Plan;
use crate::tui::layer::{Layer, Offer};

impl App {
    /// The plans that lie open, each once.
    fn offers(&self) -> impl Iterator<Item = &Offer> {
        self.layers.iter().filter_map(|layer| match layer {
            Layer::Review(offer, _) => Some(&**offer),
            _ => None,
        })
    }

    /// The plans that lie open, as they are before a key.
    pub(super) fn offered(&self) -> Vec<Plan> {
        self.offers().map(|offer| offer.plan.clone()).collect()
    }

    /// Those of them that are gone, or go with the console, and were not started.
    pub(super) fn given_up(&self, before: Vec<Plan>, effects: &[Effect]) -> Vec<Effect> {
        let leaves = effects.iter().any(|effect| matches!(effect, Effect::Quit | Effect::Switch(_)));
        let started = |plan: &Plan| {
            let begins = |effect: &Effect| effect.begins().is_some_and(|begun| begun.plan().id == plan.id);
            effects.iter().any(begins)
        };
        let open = |plan: &Plan| !leaves && self.offers().any(|offer| offer.plan.id == plan.id);
        let gone = before.into_iter().filter(|plan| !started(plan) && !open(plan));
        gone.map(|plan| Effect::Abort(Box::new(plan), CLOSED.to_owned())).collect()
    }
}

/// Why a plan that was read is not run, where somebody closed it.
const CLOSED: &str = "the review was closed without confirming";
