//! Certificates.
use super::{Desk, Next, Outcome};
use crate::sim::store::{Key, State};
pub(super) fn reconcile(_: &mut Desk<'_, '_>, _: &Key) -> Outcome {
    Ok(Next::done())
}
pub(super) fn stored_in(_: &State, _: &Key) -> Vec<Key> {
    Vec::new()
}
