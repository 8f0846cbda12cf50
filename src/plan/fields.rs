//! The fields that the form of each verb may have, by their ids: what a runbook can answer beforehand.
//!
//! Which of them a form has depends on what is seen; that it has no other is held where forms are made.

use super::Verb;

impl Verb {
    /// Ids of the fields that a form of this verb may have.
    pub const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Backup => &[
                "class",
                "reason",
                "cut",
                "ready",
                "scope",
                "together",
                "consistency",
                "hooks",
                "pre",
                "post",
                "container",
                "timeout",
                "held",
            ],
            Self::Restore => &["set", "to", "class", "size", "bound"],
            Self::Drill => &["class", "image", "at-least", "mounted", "read"],
            Self::RestoreInPlace => &["from", "reason", "keep", "stop", "ready", "alone", "images"],
            Self::Prune => &["keep", "minimum", "storage"],
            Self::Hold => &["reason", "until"],
            Self::Import => &["file", "name", "ready"],
            Self::Sweep => &["former"],
            Self::Renew => &["restart", "compromised", "reason", "issued", "rolled", "served"],
            Self::Rotate => &[
                "signer",
                "key",
                "life",
                "pem",
                "pem-file",
                "private",
                "private-file",
                "other-names",
                "reason",
                "restart",
                "compromised",
                "managed",
                "served",
                "rolled",
            ],
            Self::RotateCa => &["key", "life", "soak", "restart", "rolled", "served", "reason"],
            Self::Isolate => &["reason", "from", "dns", "beside"],
            Self::Undo | Self::Release | Self::Rejoin => &[],
        }
    }

    /// Those of them that may be answered before somebody looks: a certificate that was issued elsewhere and its key are
    /// handed over by a person.
    pub fn answerable(self) -> impl Iterator<Item = &'static str> {
        let handed = ["pem", "pem-file", "private", "private-file", "file"];
        self.fields().iter().copied().filter(move |field| !handed.contains(field))
    }
}
