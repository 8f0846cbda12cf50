//! The last phases: the former CA is trusted no more, and its key goes.

use std::time::Duration;

use super::case::{Case, Draft, No, held, known, still};
use super::trust::{SHOWN, restarts, to_restart};
use super::{Options, place};
use crate::assess::succession::{Ca, Store, stores};
use crate::model::{Kind, World};
use crate::plan::pins::{self, Bundles};
use crate::plan::{Act, Node, Questions, Step, StepId};
use crate::text;

/// Deletions may wait for finalizers.
const GONE: Duration = Duration::from_secs(120);

fn with_former(store: &Store) -> bool {
    store.former && store.stays.is_none()
}

pub(super) fn questions(world: &World, former: Ca<'_>, successor: Option<Ca<'_>>, options: &Options) -> Questions {
    let stores = stores(world, former, successor);
    let own = stores
        .iter()
        .filter(|store| with_former(store))
        .fold(Questions::default(), |all, store| all.and(pins::questions(pins::place(store))));
    own.and(to_restart(world, &stores, options, |users| users))
}

pub(super) fn draft(case: &Case<'_>) -> Result<Draft, No> {
    let (former, successor) = (case.sights.former, case.successor()?);
    let mut draft = Draft { title: format!("trust {} no more", place(former)), ..Draft::default() };
    let mut fixed = case.sights.stores.iter().filter(|store| store.former && store.stays.is_some());
    if let Some(store) = fixed.next() {
        let clear = format!("take {} out of it there", text::sanitize(&former.facts.subject));
        return Err((format!("the former CA is trusted where that cannot be changed here: {}", store.said()), clear));
    }
    for (number, store) in case.sights.stores.iter().filter(|store| with_former(store)).enumerate() {
        let number = number + 1;
        let bundles = Bundles::holding(pins::place(store), &store.uid, &former.facts.fingerprint, case.answers)?;
        // It was seen to hold the new one; should that have gone meanwhile, it comes again.
        let (new, old) = (Some(held(successor).into()), Some((&*former.facts.fingerprint).into()));
        let step = bundles.change(format!("drop-{number}"), "take the former CA out of", new, old);
        let guarded = Step { guards: vec![still(successor)], ..step };
        let back = Some(held(former).into());
        let undo = bundles.change(format!("undrop-{number}"), "add the former CA again to", back, None);
        draft.changes.push(format!("takes the former CA out of {}", store.said()));
        draft.nodes.push(Node::Reversible { step: Box::new(guarded), undo: vec![undo] });
    }
    restarts(case, &mut draft, |users| users, "the former CA is out of the stores")?;
    // Who cannot live with the new CA alone shows when it starts: then the former one comes back to all.
    draft.nodes = vec![Node::Whole(draft.nodes)];
    draft.warnings.insert(
        0,
        format!("whoever still trusts {} alone is refused from here on", text::sanitize(&former.facts.subject)),
    );
    draft.undo = vec![
        "when a step fails, the former CA is trusted again everywhere".to_owned(),
        format!("later: holdfast operations undo {}, as long as {} is there", case.id, place(former)),
    ];
    Ok(draft)
}

/// Deletes the Secret of the former CA, the only place of its key that is known here.
pub(super) fn retire(case: &Case<'_>) -> Result<Draft, No> {
    let former = case.sights.former;
    let writers = case.world.links.certificates_writing(&former.key());
    let writer = writers.first().and_then(|uid| case.world.inventory.certificates.get(uid));
    if let Some(writer) = writer {
        let name = text::sanitize(&writer.meta.reference(Kind::Certificate).to_string()).into_owned();
        return Err((
            format!("{name} writes it, and cert-manager would make it anew"),
            format!("delete {name} where it is written down, then try again"),
        ));
    }
    let step = Step {
        id: StepId("retire".to_owned()),
        title: format!("delete {}, the former CA with its key", place(former)),
        act: Act::Delete { target: known(former) },
        guards: vec![still(former)],
        deadline: GONE.max(SHOWN),
    };
    let copies = crate::assess::identity::with_key(case.world, &former.secret.meta.uid(), former.facts);
    let also =
        (!copies.is_empty()).then(|| format!("the same key lies in {} too", text::sanitize(&text::list(&copies))));
    Ok(Draft {
        title: format!("delete the former CA in {}", place(former)),
        warnings: also.into_iter().collect(),
        changes: vec![format!("deletes {} with its key", place(former))],
        undo: vec!["cannot be taken back: the key is gone".to_owned()],
        nodes: vec![Node::Do(Box::new(step))],
        ..Draft::default()
    })
}
