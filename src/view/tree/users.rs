//! What uses a volume or a Secret: workloads, the pods they made, and the nodes these run on.

use std::sync::Arc;

use super::Branch;
use super::grow::Grower;
use crate::model::{Kind, Meta, ObjRef, Pod, Uid, Workload};
use crate::view::Level;
use crate::view::rows::workload_kind;

/// Owners between a pod and the top of its workload at most: CronJob, Job; an operator's object, Deployment, ReplicaSet.
const OWNERS: usize = 4;

/// Kinds that are looked at to say what uses something.
const KINDS: [Kind; 7] =
    [Kind::Pod, Kind::StatefulSet, Kind::Deployment, Kind::ReplicaSet, Kind::DaemonSet, Kind::Job, Kind::CronJob];

/// An owner: an object that was seen, or what is said of one that was not.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Owner {
    Seen(Kind, Uid),
    Named(Box<str>, Arc<str>),
}

/// A user: its owners from the top, and the pod; without one it is a workload that has none now.
type User = (Vec<Owner>, Option<Uid>);

impl Grower<'_> {
    /// Users of something in a namespace. `how` says how a pod uses it, where there is something to say.
    pub(super) fn users(
        &mut self,
        pods: &[Uid],
        workloads: &[(Kind, Uid)],
        namespace: Option<&Arc<str>>,
        how: &dyn Fn(&Pod) -> Option<&'static str>,
    ) -> Vec<Branch> {
        let mut users: Vec<User> = Vec::new();
        for uid in pods {
            let Some(pod) = self.world.inventory.pods.get(uid) else { continue };
            users.push((self.owners(&pod.meta), Some(uid.clone())));
        }
        for (kind, uid) in workloads.iter().filter(|(kind, _)| *kind != Kind::ReplicaSet) {
            let own = Owner::Seen(*kind, uid.clone());
            if users.iter().any(|(owners, _)| owners.contains(&own)) {
                continue;
            }
            let mut owners = self.world.inventory.meta(*kind, uid).map(|meta| self.owners(meta)).unwrap_or_default();
            owners.push(own);
            users.push((owners, None));
        }
        let mut branches = self.forest(users, 0, how);
        branches.extend(self.unseen(&KINDS, namespace));
        branches
    }

    /// Controlling owners of an object, the top first.
    fn owners(&self, meta: &Meta) -> Vec<Owner> {
        let mut owners = Vec::new();
        let mut next = meta.controller();
        while let Some(owner) = next.filter(|_| owners.len() < OWNERS) {
            let kind = workload_kind(&owner.kind);
            let seen = kind.and_then(|kind| Some((kind, self.world.inventory.meta(kind, &owner.uid)?)));
            next = seen.and_then(|(_, meta)| meta.controller());
            owners.push(match seen {
                Some((kind, _)) => Owner::Seen(kind, owner.uid.clone()),
                None => Owner::Named(owner.kind.clone(), owner.name.clone()),
            });
        }
        owners.reverse();
        owners
    }

    /// Users grouped by their owner at this depth, in the order in which they come.
    fn forest(&mut self, users: Vec<User>, depth: usize, how: &dyn Fn(&Pod) -> Option<&'static str>) -> Vec<Branch> {
        let mut groups: Vec<(Owner, Vec<User>)> = Vec::new();
        let mut pods = Vec::new();
        for user in users {
            match user.0.get(depth).cloned() {
                Some(owner) => match groups.iter_mut().find(|(other, _)| *other == owner) {
                    Some((_, group)) => group.push(user),
                    None => groups.push((owner, vec![user])),
                },
                None => pods.extend(user.1),
            }
        }
        let name = |uid: &Uid| self.world.inventory.meta(Kind::Pod, uid).map(|meta| meta.name.clone());
        pods.sort_by_key(name);
        let mut branches = self.list("more workloads", groups, |grower, (owner, users)| {
            grower.owner(&owner, |grower| grower.forest(users, depth + 1, how))
        });
        branches.extend(self.list("more pods", pods, |grower, uid| grower.pod(&uid, how)));
        branches
    }

    fn owner(&mut self, owner: &Owner, below: impl FnOnce(&mut Self) -> Vec<Branch>) -> Option<Branch> {
        match owner {
            Owner::Seen(kind, uid) => self.object(*kind, uid, below),
            Owner::Named(kind, name) => {
                let why = match workload_kind(kind) {
                    Some(_) => "it is named as the owner and was not seen",
                    None => "objects of this kind are not watched",
                };
                let mut branch = self.text(Level::Unknown, name, "Not seen", why);
                branch.line.kind = kind.clone();
                branch.below = below(self);
                Some(branch)
            }
        }
    }

    fn pod(&mut self, uid: &Uid, how: &dyn Fn(&Pod) -> Option<&'static str>) -> Option<Branch> {
        let pod = self.world.inventory.pods.get(uid)?;
        let mut branch = self.object(Kind::Pod, uid, |grower| grower.node_of(pod))?;
        if let Some(how) = how(pod) {
            branch.line.fact = format!("{how} · {}", branch.line.fact).into();
        }
        Some(branch)
    }

    pub(super) fn node_of(&mut self, pod: &Pod) -> Vec<Branch> {
        let node = pod.node.as_ref().map(|node| ObjRef::cluster(Kind::Node, node.clone()));
        node.map(|node| self.named(&node, |_, _| Vec::new())).into_iter().collect()
    }

    /// A pod, with its makers, what it mounts and the Secrets that it takes.
    pub(super) fn pod_tree(&mut self, uid: &Uid) -> Option<Branch> {
        let pod = self.world.inventory.pods.get(uid)?;
        self.object(Kind::Pod, uid, |grower| {
            let mut branches = grower.node_of(pod);
            for owner in grower.owners(&pod.meta).iter().rev() {
                branches.extend(grower.owner(owner, |_| Vec::new()));
            }
            branches.extend(grower.mounts(&pod.meta, &pod.claims));
            let secrets = pod.secrets.iter().map(|used| &used.secret);
            branches.extend(grower.secrets(&pod.meta, secrets.cloned().collect()));
            branches.extend(grower.unseen(&KINDS, pod.meta.namespace.as_ref()));
            branches
        })
    }

    /// A workload with its pods, what it mounts and the Secrets that its template takes.
    pub(super) fn workload_tree(&mut self, kind: Kind, uid: &Uid, workload: &Workload) -> Option<Branch> {
        self.object(kind, uid, |grower| {
            let mut claims: Vec<Arc<str>> = workload.claims.to_vec();
            let mut branches = grower.made_by(uid, 0, &mut claims);
            claims.sort();
            claims.dedup();
            branches.extend(grower.mounts(&workload.meta, &claims));
            let secrets = workload.secrets.iter().map(|used| used.secret.clone());
            branches.extend(grower.secrets(&workload.meta, secrets.collect()));
            branches.extend(grower.unseen(&KINDS, workload.meta.namespace.as_ref()));
            branches
        })
    }

    /// Workloads and pods that an object owns; gathers the claims that the pods mount.
    fn made_by(&mut self, owner: &Uid, depth: usize, claims: &mut Vec<Arc<str>>) -> Vec<Branch> {
        let mut made = self.world.links.children(owner).to_vec();
        made.retain(|(kind, _)| KINDS.contains(kind) && depth < OWNERS);
        made.sort_by_key(|(kind, uid)| (*kind, self.world.inventory.meta(*kind, uid).map(|meta| meta.name.clone())));
        self.list("more", made, |grower, (kind, uid)| {
            let pod = grower.world.inventory.pods.get(&uid).filter(|_| kind == Kind::Pod);
            claims.extend(pod.iter().flat_map(|pod| pod.claims.iter().cloned()));
            grower.object(kind, &uid, |grower| match pod {
                Some(pod) => grower.node_of(pod),
                None => grower.made_by(&uid, depth + 1, claims),
            })
        })
    }

    fn mounts(&mut self, meta: &Meta, claims: &[Arc<str>]) -> Vec<Branch> {
        let here = |name: &Arc<str>| ObjRef { kind: Kind::Pvc, namespace: meta.namespace.clone(), name: name.clone() };
        let claims = claims.iter().map(here).collect();
        self.list("more volumes", claims, |grower, claim| Some(grower.named(&claim, Self::claim_below)))
    }

    /// Secrets that were seen: only those for TLS are read, so the others are not missed.
    fn secrets(&mut self, meta: &Meta, mut names: Vec<Arc<str>>) -> Vec<Branch> {
        names.sort();
        names.dedup();
        let found = |name: &Arc<str>| {
            self.world.inventory.tls_secrets.named(meta.namespace.as_ref(), name).map(|secret| secret.meta.uid())
        };
        let seen: Vec<Uid> = names.iter().filter_map(found).collect();
        let mut branches = self.list("more Secrets", seen, |grower, uid| {
            grower.object(Kind::TlsSecret, &uid, |grower| grower.writers(&uid))
        });
        if !names.is_empty() {
            branches.extend(self.unseen(&[Kind::TlsSecret], meta.namespace.as_ref()));
        }
        branches
    }
}
