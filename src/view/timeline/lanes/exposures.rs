//! What the copies of a volume can be trusted with, and when code with findings of concern could write it.

use super::Source;
use crate::model::Pvc;
use crate::view::exposed::exposed;
use crate::view::timeline::Lane;

impl Source<'_> {
    /// The trust of the copies, and a lane for each finding of concern, the worst first; none where no finding is
    /// known that could make a copy suspicious.
    pub(super) fn exposed(&self, claim: &Pvc) -> Vec<Lane> {
        let Some(picture) = exposed(self.world, self.boards.chains(), claim, self.now) else { return Vec::new() };
        let (level, word) = picture.state;
        let copies = Lane { name: "Trust".into(), note: Some((level, word.into())), ..picture.copies };
        let lanes =
            picture.exposures.into_iter().map(|one| Lane { note: Some((one.lane.level, one.said)), ..one.lane });
        std::iter::once(copies).chain(lanes).collect()
    }
}
