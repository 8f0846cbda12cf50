//! What a container writes. Never kept in the World: lines pass through to whoever reads them.

use jiff::Timestamp;

/// One line of a container's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When the node took it in; `None` for what the node itself says in place of a log.
    pub at: Option<Timestamp>,
    /// The line without its end. Untrusted text.
    pub text: Box<str>,
}
