//! The first phase: a new CA beside the former one. Nobody knows it yet, so nothing can break.

use std::time::Duration;

use serde_json::json;

use super::case::{Case, Draft, No, held, still};
use super::place;
use crate::assess::succession::Ca;
use crate::model::{Kind, annotation};
use crate::plan::{Act, Content, Like, Node, ObjectAt, SignedBy, Step, StepId, Target};
use crate::text::{self, quantity};
use crate::x509::KeyKind;

/// RSA keys of 4096 bits may take a while to make.
const MADE: Duration = Duration::from_secs(120);

/// Characters of a day at the end of a name: `-20260101`.
const DAY: usize = 9;

pub(super) fn draft(case: &Case<'_>) -> Result<Draft, No> {
    let former = case.sights.former;
    can_be_replaced(case, former)?;
    let new = named(case, former);
    let content = Content::Like(Box::new(Like {
        former: held(former),
        signer: SignedBy::Itself,
        key: case.options.key,
        life: case.options.life,
        successor: true,
    }));
    let make = Step {
        id: StepId("make".to_owned()),
        title: format!("make the new CA and its key in {new}"),
        act: Act::Stage { at: new.clone(), manifest: manifest(case, former, &new), content },
        guards: vec![still(former)],
        deadline: MADE,
    };
    let own = Target::Own { at: new.clone(), operation: case.id.clone(), checks: Vec::new() };
    let unmake = Step {
        id: StepId("unmake".to_owned()),
        title: format!("delete {new}"),
        act: Act::Delete { target: own },
        guards: Vec::new(),
        deadline: MADE,
    };
    let soak = quantity::duration(case.options.soak);
    Ok(Draft {
        title: format!("make a CA that takes the place of {}", place(former)),
        facts: vec![("both trusted".to_owned(), format!("for {soak} after everything is served anew"))],
        warnings: warnings(case, former),
        changes: vec![format!(
            "makes {new} with a new CA and its key: its name bears the present moment, all else is as before"
        )],
        undo: vec![format!("holdfast operations undo {}, until it is trusted anywhere: deletes {new}", case.id)],
        nodes: vec![Node::Reversible { step: Box::new(make), undo: vec![unmake] }],
    })
}

fn can_be_replaced(case: &Case<'_>, former: Ca<'_>) -> Result<(), No> {
    if !former.facts.self_signed {
        let why = format!("it is an intermediate CA: {} signed it", text::sanitize(&former.facts.issuer));
        let clear =
            "who trusts its root needs nothing new: have another one signed by that, and let issuers sign with it";
        return Err((why, clear.to_owned()));
    }
    if case.options.key.is_none() && KeyKind::like(&former.facts.key).is_none() {
        let why = format!("its key is {}, of a kind that cannot be made here", text::sanitize(&former.facts.key));
        return Err((why, "choose another kind (--key)".to_owned()));
    }
    let cluster = case.sights.stores.iter().any(|store| store.former && &*store.at.name == "kube-root-ca.crt");
    if cluster {
        let why = "it is the CA of the cluster itself, which API servers and kubelets read from files".to_owned();
        let clear = "follow \"Manual Rotation of CA Certificates\" of the Kubernetes documentation, on its nodes";
        return Err((why, clear.to_owned()));
    }
    Ok(())
}

fn warnings(case: &Case<'_>, former: Ca<'_>) -> Vec<String> {
    let writers = case.world.links.certificates_writing(&former.key());
    let mut said: Vec<String> = writers
        .iter()
        .filter_map(|uid| case.world.inventory.certificates.get(uid))
        .map(|writer| {
            let writer = text::sanitize(&writer.meta.reference(Kind::Certificate).to_string()).into_owned();
            format!("{writer} renews the former CA; nothing renews the new one but another rotation")
        })
        .collect();
    let stuck = case.sights.out_of_reach().map(|store| format!("cannot be written here: {}", store.said()));
    said.extend(stuck);
    said.extend(
        case.sights.unseen.iter().map(|what| format!("cannot be seen, and somebody has to answer for it: {what}")),
    );
    said
}

/// `shop-ca-20260101`, in the place of a day that stands there; with the end of the operation's id where that is taken.
fn named(case: &Case<'_>, former: Ca<'_>) -> ObjectAt {
    let at = place(former);
    let day = case.now.strftime("-%Y%m%d").to_string();
    let dated = |end: &str| end.len() == DAY && end.starts_with('-') && end[1..].bytes().all(|b| b.is_ascii_digit());
    let base = at.name.len().checked_sub(DAY).filter(|from| at.name.is_char_boundary(*from));
    let base = base.filter(|from| dated(&at.name[*from..])).map_or(at.name.as_str(), |from| &at.name[..from]);
    let taken = |name: &str| {
        let namespace = former.secret.meta.namespace.as_ref();
        let kinds = [Kind::TlsSecret, Kind::OtherSecret];
        kinds.iter().any(|kind| {
            let object = crate::model::ObjRef { kind: *kind, namespace: namespace.cloned(), name: name.into() };
            case.world.inventory.find(&object).is_some()
        })
    };
    let plain = format!("{base}{day}");
    let name = if taken(&plain) { format!("{plain}-{}", case.id.short()) } else { plain };
    ObjectAt { name, ..at }
}

fn manifest(case: &Case<'_>, former: Ca<'_>, new: &ObjectAt) -> serde_json::Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "immutable": true,
        "metadata": {
            "name": new.name, "namespace": new.namespace,
            "labels": { annotation::MANAGED_BY.0: annotation::MANAGED_BY.1 },
            "annotations": {
                annotation::OPERATION: case.id.as_str(),
                annotation::SUCCEEDS: format!("{} {}", former.secret.meta.name, former.facts.fingerprint),
                annotation::SOAK: quantity::duration(case.options.soak),
            },
        },
    })
}
