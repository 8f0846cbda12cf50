//! Which claims an in-place restore is of, and what each of them is given: one claim, or all of a set.

use super::{From, Options};
use crate::assess::restore_point::{Belongs, belongs};
use crate::model::{Kind, Pvc, VolumeSnapshot, World};
use crate::plan::set;

/// What one claim is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// A volume made from this restore point of its namespace.
    Snapshot(String),
    /// A volume that an earlier in-place restore kept.
    Volume(String),
}

/// One claim of the restore.
#[derive(Clone, Debug)]
pub(super) struct Member<'w> {
    pub claim: &'w Pvc,
    /// `None` while nobody chose.
    pub given: Option<Given>,
    /// Reclaim policy of the volume in use in the end; `None` for that of the present one. Only taking back knows
    /// another: a restore that was stopped late leaves its volume as Retain.
    pub reclaim: Option<String>,
}

/// The claims that are restored together.
///
/// # Errors
/// With why they are not known, and what to do instead.
pub(super) fn members<'w>(
    world: &'w World,
    claim: &'w Pvc,
    options: &Options,
) -> Result<Vec<Member<'w>>, (String, String)> {
    let given = match &options.from {
        Some(From::Set(id)) => return of_set(world, claim, id),
        Some(From::Snapshot(name)) => Some(Given::Snapshot(name.clone())),
        Some(From::Volume(name)) => Some(Given::Volume(name.clone())),
        None => None,
    };
    Ok(vec![Member { claim, given, reclaim: None }])
}

fn of_set<'w>(world: &'w World, asked: &Pvc, id: &str) -> Result<Vec<Member<'w>>, (String, String)> {
    let points = set::members(world, asked.meta.namespace(), id);
    set::whole(world, id, &points)?;
    let members = points.into_iter().map(|point| member(world, point)).collect::<Result<Vec<_>, _>>()?;
    let own = |member: &&Member| member.claim.meta.uid() == asked.meta.uid();
    let path = |claim: &Pvc| claim.meta.reference(Kind::Pvc).path();
    if members.iter().find(own).is_none() {
        let why = format!("set {} holds no restore point of {}", crate::text::sanitize(id), path(asked));
        return Err((why, "pick a set that it was cut with".to_owned()));
    }
    let twice = |(place, member): (usize, &Member)| {
        members[..place].iter().any(|other| other.claim.meta.uid() == member.claim.meta.uid())
    };
    match members.iter().enumerate().find(|(place, member)| twice((*place, member))) {
        None => Ok(members),
        Some((_, member)) => Err((
            format!("two restore points of set {} are of {}", crate::text::sanitize(id), path(member.claim)),
            "restore its members one by one".to_owned(),
        )),
    }
}

fn member<'w>(world: &'w World, point: &VolumeSnapshot) -> Result<Member<'w>, (String, String)> {
    let claim = match belongs(world, point) {
        Belongs::Claim(uid) => world.inventory.pvcs.get(&uid),
        Belongs::Gone | Belongs::ByNameOnly(_) | Belongs::Unknown { .. } => None,
    };
    let given = Some(Given::Snapshot(point.meta.name.to_string()));
    claim.map(|claim| Member { claim, given, reclaim: None }).ok_or_else(|| {
        let path = point.meta.reference(Kind::VolumeSnapshot).path();
        let why = format!("the volume of restore point {path}, which is of the set, is gone or not known");
        (why, "restore the set into new volumes (`holdfast restore --set`)".to_owned())
    })
}
