//! What a pod serves as far as it can be inferred without a handshake: by when the stored certificate came to be, when
//! the pod started, and how it takes the Secret. Never a proof.

use jiff::Timestamp;

use super::super::Reason;
use super::endpoints::leaf;
use crate::model::{ClaimKey, Pod, SecretVia, World};

/// What can be inferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guess {
    /// It has the stored certificate, if its program works as programs should.
    Current,
    /// It still has a former one.
    Stale,
    /// Nothing.
    Nothing,
}

/// When the stored certificate came into its Secret, at the earliest: when cert-manager asked for it, else when it
/// begins to hold. The API keeps no time of the last change that could be trusted.
fn earliest(world: &World, secret: &ClaimKey) -> Option<(Timestamp, &'static str)> {
    let leaf = leaf(world, secret)?;
    let begun = Some((leaf.not_before, "it holds since"));
    let [writer] = world.links.certificates_writing(secret) else { return begun };
    let writer = world.inventory.certificates.get(writer);
    let request = writer.and_then(|writer| world.latest_request(writer));
    let request =
        request.filter(|request| request.issued.as_ref().is_some_and(|issued| issued.fingerprint == leaf.fingerprint));
    request.and_then(|request| request.meta.created).map(|asked| (asked, "it was asked for at")).or(begun)
}

/// What a pod serves, as far as it can be inferred, and from what.
pub(super) fn inferred(world: &World, secret: &ClaimKey, pod: &Pod) -> (Guess, Reason) {
    let Some((stored, said)) = earliest(world, secret) else {
        return (Guess::Nothing, Reason::new("the stored certificate cannot be read"));
    };
    let Some(started) = pod.started else {
        return (Guess::Nothing, Reason::new("when the pod started is not known"));
    };
    let uses = pod.secrets.iter().filter(|used| used.secret == secret.1);
    // A pod may take it in several ways; what is never refreshed counts.
    let Some(via) = uses.map(|used| used.via).max() else {
        return (Guess::Nothing, Reason::new("how the pod takes the Secret is not known"));
    };
    let before = started < stored;
    let from = format!("the pod started at {started:.0}, {said} {stored:.0}");
    let (guess, text) = match (before, via) {
        (false, _) => (Guess::Current, "it probably has it"),
        (true, SecretVia::Mount) => (
            Guess::Current,
            "its files are refreshed within about a minute; whether its program reloads them is its own",
        ),
        (true, SecretVia::SubPath) => (Guess::Stale, "it mounts it by subPath, which is never refreshed"),
        (true, SecretVia::Env) => (Guess::Stale, "it takes it by environment variables, which are never refreshed"),
    };
    let reason = Reason::new(format!("inferred, not seen: {text} ({from})"));
    (guess, if guess == Guess::Stale { reason.next("restart the pod") } else { reason })
}
