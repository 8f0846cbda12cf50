//! The life of a certificate: when it began, when it should be renewed, when it ends.

use jiff::{SignedDuration, Timestamp};

use super::{Source, lane};
use crate::assess::expiry::{RENEWAL_GRACE, thresholds};
use crate::model::{CertManagerCertificate, Key, Kind, Uid};
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
                (first.map(|facts| (facts.not_before, facts.not_after)), managed)
            }
            Kind::Certificate => {
                let certificate = inventory.certificates.get(uid)?;
                (certificate.not_before.zip(certificate.not_after), Some(certificate))
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
            Some((from, to)) => self.life(&mut own, from, to, managed),
            None if own.note.is_none() => own.note = Some((Level::Unknown, "how long it holds is not known".into())),
            None => {}
        }
        Some(own)
    }

    /// How a Certificate stands whose row is that of its Secret.
    fn judged(&self, kind: Kind, uid: &Uid) -> Level {
        let certificate = self.world.inventory.certificates.get(uid).filter(|_| kind == Kind::Certificate);
        let judged = certificate.map(|c| crate::assess::expiry::certificate(self.world, c, self.now));
        judged.map_or(Level::Unknown, |judged| judged.value.severity.into())
    }

    fn life(&self, own: &mut Lane, from: Timestamp, to: Timestamp, managed: Option<&CertManagerCertificate>) {
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
            own.marks.push(Mark { at, level, what, object: own.object.clone() });
        };
        mark(from, Level::Info, "Begin of its validity,");
        if let Some(at) = renewal {
            mark(at, if at > self.now { Level::Info } else { Level::Warn }, "cert-manager means to renew it");
        }
        mark(to, if to > self.now { Level::Warn } else { Level::Critical }, "End of its validity,");
        own.marks.sort_by_key(|mark| mark.at);
    }
}
