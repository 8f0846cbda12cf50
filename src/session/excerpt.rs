//! What one finding says in full, read again from its source aside: only counts and cut texts of it are kept.

use super::{Event, Message, Session};
use crate::model::{FindingId, Findings};
use crate::sarif;
use crate::store::excerpt;
use crate::view::Told;

impl Session {
    /// Reads what a finding says in full. The desk has it once it is read ([`Desk::told`](super::Desk)).
    pub fn read_finding(&mut self, id: FindingId) {
        self.desk.told = None;
        let (findings, post) = (self.desk.world.findings.clone(), self.inbox.0.clone());
        tokio::spawn(async move {
            let read = tokio::task::spawn_blocking(move || read(&findings, id)).await;
            let said = read.unwrap_or_else(|error| Err(error.to_string()));
            // The session may have been closed meanwhile.
            let _ = post.send(Message::Told(Box::new(Told { id, said }))).await;
        });
    }

    pub(super) fn told(&mut self, told: Told) -> Event {
        self.desk.told = Some(told);
        Event::Changed
    }

    /// Reads again what is looked at, when its source may have changed.
    pub(super) fn read_finding_again(&mut self) {
        if let Some(id) = self.desk.told.as_ref().map(|told| told.id) {
            self.read_finding(id);
        }
    }
}

fn read(findings: &Findings, id: FindingId) -> Result<sarif::Detail, String> {
    let place = findings.places(id).last().and_then(|(scan, place)| Some((findings.scans().get(*scan)?, *place)));
    let found = place.and_then(|(taken, place)| Some((taken, taken.scan.findings.get(place)?)));
    let (taken, finding) = found.ok_or("no scan has it any more")?;
    let raw = excerpt(&taken.source, &finding.raw)?;
    Ok(sarif::detail(&raw, sarif::holds_secret(&taken.scan.tool, finding)))
}
