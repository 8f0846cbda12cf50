//! Where a moment lies in the life of a certificate.

use jiff::{SignedDuration, Timestamp};

use super::{CRITICAL, CertificateState, WARN};
use crate::assess::{Judgement, Reason, Severity};
use crate::text;

/// No warning is shorter than this, while it leaves half of the life without one.
const FLOOR: SignedDuration = SignedDuration::from_hours(1);

/// A certificate's time.
#[derive(Clone, Copy, Debug)]
pub(in crate::assess) struct Life {
    pub not_before: Timestamp,
    pub not_after: Timestamp,
}

impl Life {
    /// Whether it holds now, as a state with its severity. `what` begins the sentence.
    pub fn judge(self, what: &str, now: Timestamp) -> Judgement<(CertificateState, Severity)> {
        use CertificateState as State;
        let left = text::age(self.not_after.duration_since(now));
        if now >= self.not_after {
            let text = format!("{what} expired {} ago", text::age(now.duration_since(self.not_after)));
            let reason = Reason::new(text).next("replace the certificate now; clients refuse it");
            return Judgement::new((State::Expired, Severity::Critical)).because(reason);
        }
        if now < self.not_before {
            let begins = text::age(self.not_before.duration_since(now));
            let reason = Reason::new(format!("{what} is not valid before {}, in {begins}", self.not_before))
                .next("compare the clocks of the issuer and of this machine");
            return Judgement::new((State::NotYetValid, Severity::Critical)).because(reason).until(self.not_before);
        }
        let (warn, critical) = self.thresholds();
        let (state, severity, next) = if now >= critical {
            (State::Expiring, Severity::Critical, self.not_after)
        } else if now >= warn {
            (State::Expiring, Severity::Warn, critical)
        } else {
            (State::Valid, Severity::Ok, warn)
        };
        let reason = Reason::new(format!("{what} expires in {left}"));
        let reason = match state {
            State::Expiring => reason.next("have a renewed one there before then"),
            _ => reason,
        };
        Judgement::new((state, severity)).because(reason).until(next)
    }

    /// From when on there is a warning, and from when on an alarm.
    pub fn thresholds(self) -> (Timestamp, Timestamp) {
        (self.before_end(WARN, 3), self.before_end(CRITICAL, 6))
    }

    /// The moment `most` before the end, or a part of the life before it when that is shorter.
    fn before_end(self, most: SignedDuration, part: i32) -> Timestamp {
        let life = self.not_after.duration_since(self.not_before).max(SignedDuration::ZERO);
        let span = most.min(life / part).max(FLOOR.min(life / 2));
        self.not_after.saturating_sub(span).unwrap_or(Timestamp::MIN)
    }
}
