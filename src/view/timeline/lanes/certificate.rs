//! The life of a certificate: when it began, when it should be renewed, when it ends.

use jiff::{SignedDuration, Timestamp};

use super::{Source, lane};
use crate::assess::expiry::{self, RENEWAL_GRACE, thresholds};
use crate::model::{CertManagerCertificate, CertificateFacts, Key, Kind, Uid};
use crate::view::Level;
use crate::view::timeline::{Lane, Mark, Span};

/// How long the time after the end is drawn.
const AFTER: SignedDuration = SignedDuration::from_hours(24 * 365);

impl Source<'_> {
    /// The lane of a Secret or Certificate; none for objects of other kinds.
    pub(super) fn certificate(&self, kind: Kind, uid: &Uid) -> Option<Lane> {
        let inventory = &self.world.inventory;
        let (life, managed) = match kind {
            Kind::TlsSecret => {
                let secret = inventory.tls_secrets.get(uid)?;
                let first = secret.leaf.chain.as_ref().ok().and_then(|chain| chain.first());
                let here = (secret.meta.namespace.clone().unwrap_or_default(), secret.meta.name.clone());
                let writer = self.world.links.certificates_writing(&here).first();
                let managed = writer.and_then(|uid| inventory.certificates.get(uid));
                // It holds no longer than what its chain stands on.
                let end = expiry::secret(self.world, secret, self.now).value.not_after;
                let life = |leaf: &CertificateFacts| {
                    let end = end.map_or(leaf.not_after, |end| end.min(leaf.not_after));
                    (leaf.not_before, end, end < leaf.not_after)
                };
                (first.map(life), managed)
            }
            Kind::Certificate => {
                let certificate = inventory.certificates.get(uid)?;
                let life = certificate.not_before.zip(certificate.not_after).map(|(from, to)| (from, to, false));
                (life, Some(certificate))
            }
            _ => return None,
        };
        let key = Key::Object(kind, uid.clone());
        let meta = inventory.meta(kind, uid)?;
        let path = meta.reference(kind).path();
        let level = self.boards.row(&key).map_or_else(|| self.judged(kind, uid), |row| row.level);
        let mut own = Lane { object: Some(key), ..lane(format!("certificate/{path}"), &path, level) };
        own.note = self.said(own.object.as_ref());
        match life {
            Some(life) => self.life(&mut own, life, managed),
            None if own.note.is_none() => own.note = Some((Level::Unknown, "how long it holds is not known".into())),
            None => {}
        }
        Some(own)
    }

    /// How a Certificate stands whose row is that of its Secret.
    fn judged(&self, kind: Kind, uid: &Uid) -> Level {
        let certificate = self.world.inventory.certificates.get(uid).filter(|_| kind == Kind::Certificate);
        let judged = certificate.map(|c| expiry::certificate(self.world, c, self.now));
        judged.map_or(Level::Unknown, |judged| judged.value.severity.into())
    }

    /// Its life: from when, until when, and whether something that it stands on ends before it.
    fn life(
        &self,
        own: &mut Lane,
        (from, to, cut): (Timestamp, Timestamp, bool),
        managed: Option<&CertManagerCertificate>,
    ) {
        let (warn, critical) = thresholds(from, to);
        let renewal = managed.and_then(|certificate| certificate.renewal);
        // Where cert-manager renews in time, being near the end is as planned.
        let late = renewal.and_then(|at| at.checked_add(RENEWAL_GRACE).ok()).filter(|late| *late > from && *late < to);
        let warn = late.unwrap_or(warn).clamp(from, to);
        let critical = critical.clamp(warn, to);
        let soon = if late.is_some() { "it should have been renewed" } else { "it ends soon" };
        let after = to.saturating_add(AFTER).unwrap_or(Timestamp::MAX);
        for (from, to, level, what) in [
            (from, warn, Level::Ok, "valid"),
            (warn, critical, Level::Warn, soon),
            (critical, to, Level::Warn, "valid, and it ends very soon"),
            (to, after, Level::Critical, "expired, unless it is replaced"),
        ] {
            if from < to {
                own.spans.push(Span { from, to, level, what: what.into() });
            }
        }
        let mut mark = |at: Timestamp, level, what: &str| {
            let what = format!("{what} {}", self.away(at)).into();
            own.marks.push(Mark { at, level, what, object: own.object.clone(), count: 1 });
        };
        mark(from, Level::Info, "Begin of its validity,");
        if let Some(at) = renewal {
            mark(at, if at > self.now { Level::Info } else { Level::Warn }, "cert-manager means to renew it");
        }
        let end = if cut { "End of a CA that it stands on," } else { "End of its validity," };
        mark(to, if to > self.now { Level::Warn } else { Level::Critical }, end);
        own.marks.sort_by_key(|mark| mark.at);
    }
}
