//! Volumes that an in-place restore left behind: no claim has them any more, and they keep what was there before.

use jiff::Timestamp;

use crate::model::{ClaimRef, Pv, ReclaimPolicy, annotation};

/// What a former volume says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Former<'a> {
    /// The claim that had it.
    pub claim: &'a ClaimRef,
    /// Until when it has to stay; `None` when that cannot be read.
    pub until: Option<Timestamp>,
}

impl Former<'_> {
    /// Whether it has stayed for as long as it had to.
    pub fn over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// In a sentence, with the day.
    pub fn said(&self) -> String {
        let until = self.until.map_or_else(
            || "until when cannot be read".to_owned(),
            |until| format!("until {}", until.strftime("%Y-%m-%d %H:%M UTC")),
        );
        format!("the former volume of {}/{}, kept {until}", self.claim.namespace, self.claim.name)
    }
}

/// What a volume says of itself, if it is a former one that nobody has.
pub fn former(volume: &Pv) -> Option<Former<'_>> {
    let until = volume.meta.annotation(annotation::KEEP_UNTIL)?;
    let kept = &*volume.phase == "Released" && volume.reclaim == ReclaimPolicy::Retain;
    let claim = volume.claim.as_ref().filter(|_| kept && volume.meta.deleting.is_none())?;
    Some(Former { claim, until: until.parse().ok() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::testing::{ago, annotated, claim, now, volume};
    use rstest::rstest;

    fn kept(phase: &str, until: &str) -> Pv {
        let volume = volume(&claim("data", None));
        Pv { meta: annotated(volume.meta.clone(), annotation::KEEP_UNTIL, until), phase: phase.into(), ..volume }
    }

    #[rstest]
    #[case::over("Released", &ago(1).to_string(), Some(true))]
    #[case::at_that_moment("Released", &now().to_string(), Some(true))]
    #[case::not_yet("Released", &ago(-1).to_string(), Some(false))]
    #[case::unreadable("Released", "soon", Some(false))]
    #[case::in_use_again("Bound", &ago(1).to_string(), None)]
    fn a_former_volume_is_one_that_nobody_has(#[case] phase: &str, #[case] until: &str, #[case] over: Option<bool>) {
        assert_eq!(former(&kept(phase, until)).map(|former| former.over(now())), over);
        assert_eq!(former(&volume(&claim("data", None))), None);
    }
}
