//! Evidence for a run: read from the cluster, written below the state directory, hashed.
//!
//! What cannot be read is told in the evidence itself; nothing is left out in silence.

use serde_json::{Value, json};

use super::{Message, Session};
use crate::cluster::{CallError, Eyes};
use crate::model::Kind;
use crate::plan::Resource;
use crate::runbook::book::{Collect, Evidence};
use crate::runbook::evidence::{LogOf, Wanted, wanted};
use crate::runbook::history::{Body, RunId, StepAt};
use crate::store::{EvidenceFolder, Sealed, Store};
use crate::text;

/// The most lines that are kept of one log, its newest; and the most bytes of them.
const MOST: (u32, u32) = (50_000, 32 << 20);

impl Session {
    /// Collects evidence for a step, aside. What came of it is written into the run.
    pub(super) fn collect_in_run(&mut self, id: &RunId, at: &StepAt, collect: &Collect, of: &str) {
        let Some(tracked) = self.runs.tracked.get_mut(id) else { return };
        if std::mem::replace(&mut tracked.collecting, true) {
            return;
        }
        let eyes = self.cluster.as_ref().map(crate::cluster::Cluster::eyes);
        let found = wanted(&self.desk.world, of, &collect.what);
        let (store, post) = (self.options.store.clone(), self.inbox.0.clone());
        let (id, at, what) = (id.clone(), at.clone(), collect.what.clone());
        tokio::spawn(async move {
            let collected = match (eyes, found) {
                (Some(eyes), Ok(wanted)) => collected(&eyes, &store, &id, &at, &what, wanted).await,
                (None, _) => Err("there is no connection to the cluster".to_owned()),
                (_, Err(why)) => Err(why),
            };
            let body = match collected {
                Ok(sealed) => done(at, &sealed),
                Err(why) => Body::Failed { at, why, ran: None },
            };
            // The session may have been closed meanwhile.
            let _ = post.send(Message::Collected(id, Box::new(body))).await;
        });
    }

    /// Takes in that evidence was collected.
    pub(in crate::session) fn collected(&mut self, id: &RunId, body: Body) {
        if let Some(tracked) = self.runs.tracked.get_mut(id) {
            tracked.collecting = false;
        }
        self.note(id, body);
        self.show_runs();
    }
}

fn done(at: StepAt, sealed: &Sealed) -> Body {
    let place = sealed.path.display().to_string();
    let digest = &sealed.digest;
    let seen = format!(
        "{}, {}, in {place} of {}, sha256 of SHA256SUMS {digest}",
        text::plural(sealed.files, "file", "files"),
        text::quantity::bytes(sealed.bytes),
        crate::engine::host()
    );
    let values = [(format!("{}.digest", at.step), digest.clone()), (format!("{}.place", at.step), place)].into();
    Body::Done { at, seen, values, who: None }
}

async fn collected(
    eyes: &Eyes,
    store: &Store,
    id: &RunId,
    at: &StepAt,
    what: &[Evidence],
    wanted: Wanted,
) -> Result<Sealed, String> {
    let chain = |error| text::chain(&error);
    let mut folder = store.evidence_folder(id, &at.step).map_err(chain)?;
    let mut missing = Vec::new();
    if what.contains(&Evidence::Images) {
        let images = serde_json::to_vec_pretty(&wanted.images).unwrap_or_default();
        folder.add("images.json", &images).map_err(chain)?;
    }
    if what.contains(&Evidence::Objects) {
        objects(eyes, &wanted, &mut folder, &mut missing).await.map_err(chain)?;
    }
    if what.contains(&Evidence::Events) && wanted.space.is_none() {
        let events = events(eyes, &wanted, &mut missing).await;
        folder.add("events.json", &serde_json::to_vec_pretty(&events).unwrap_or_default()).map_err(chain)?;
    }
    if let Some((namespace, kinds)) = &wanted.space {
        space(eyes, (namespace, kinds), what, &mut folder, &mut missing).await.map_err(chain)?;
    }
    for log in &wanted.logs {
        logs(eyes, log, &mut folder, &mut missing).await.map_err(chain)?;
    }
    folder.add("missing.json", &serde_json::to_vec_pretty(&missing).unwrap_or_default()).map_err(chain)?;
    folder.seal().map_err(chain)
}

async fn objects(
    eyes: &Eyes,
    wanted: &Wanted,
    folder: &mut EvidenceFolder,
    missing: &mut Vec<Value>,
) -> Result<(), crate::store::StoreError> {
    for (at, uid) in &wanted.objects {
        let found = eyes.get(&at.resource, at.namespace.as_deref(), &at.name).await;
        match found {
            Ok(Some(found)) if found.uid == uid.as_str() => {
                let name = format!("object-{}-{}.json", at.resource.kind, at.path());
                folder.add(&name, &serde_json::to_vec_pretty(&found.value).unwrap_or_default())?;
            }
            Ok(_) => missing.push(json!({ "object": at.to_string(), "why": "it is gone" })),
            Err(error) => missing.push(json!({ "object": at.to_string(), "why": error.to_string() })),
        }
    }
    Ok(())
}

/// Every object of these kinds in a namespace, and every event of it.
async fn space(
    eyes: &Eyes,
    (namespace, kinds): (&str, &[Kind]),
    what: &[Evidence],
    folder: &mut EvidenceFolder,
    missing: &mut Vec<Value>,
) -> Result<(), crate::store::StoreError> {
    let objects = if what.contains(&Evidence::Objects) { kinds } else { &[] };
    let events = what.contains(&Evidence::Events).then_some(Kind::Event);
    for kind in objects.iter().copied().chain(events) {
        let name =
            if kind == Kind::Event { "events.json".to_owned() } else { format!("objects-{}.json", kind.spec().kind) };
        match eyes.list(&Resource::of(kind), Some(namespace), "").await {
            Ok(found) => folder.add(&name, &serde_json::to_vec_pretty(&found).unwrap_or_default())?,
            Err(error) => missing.push(json!({ "file": name, "why": error.to_string() })),
        }
    }
    Ok(())
}

async fn events(eyes: &Eyes, wanted: &Wanted, missing: &mut Vec<Value>) -> Vec<Value> {
    let mut all = Vec::new();
    for (at, uid) in &wanted.objects {
        match eyes.events(at.namespace.as_deref(), uid.as_str()).await {
            Ok(events) => all.extend(events),
            Err(error) => missing.push(json!({ "events of": at.to_string(), "why": error.to_string() })),
        }
    }
    all
}

async fn logs(
    eyes: &Eyes,
    of: &LogOf,
    folder: &mut EvidenceFolder,
    missing: &mut Vec<Value>,
) -> Result<(), crate::store::StoreError> {
    for (previous, word) in [(false, ""), (true, "-before")] {
        let name = format!("log-{}-{}-{}{word}.txt", of.namespace, of.pod, of.container);
        match eyes.log(&of.namespace, &of.pod, &of.container, previous, MOST).await {
            Ok(bytes) => folder.add(&name, &bytes)?,
            // That there was no instance before is the rule.
            Err(CallError::Refused { code: 400 | 404, .. }) if previous => {}
            Err(error) => missing.push(json!({ "log": name, "why": error.to_string() })),
        }
    }
    Ok(())
}
