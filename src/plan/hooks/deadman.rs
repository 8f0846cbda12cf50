//! The dead-man switch: what releases an application when nobody comes back to do it.
//!
//! It is armed in the container before anything is held, and it releases after a while unless it was disarmed. Whether
//! something is held is told by a file in the container's shared memory, which is never on a frozen volume: the file
//! is there from before the hold until after the release, whoever released.

use std::time::Duration;

use super::Making;
use crate::text::command_line;

/// What holds and what releases, as scripts of a POSIX shell.
pub(super) struct Scripts {
    pub pre: Vec<String>,
    pub post: Vec<String>,
}

/// How long after it was armed the switch releases: only after the hold was given up and its release had its chance.
pub(super) fn after(at_most: Duration) -> Duration {
    at_most + (at_most / 4).max(Duration::from_secs(5))
}

/// Puts a switch around what holds and releases.
pub(super) fn around(hold: &str, release: &str, making: Making<'_>) -> Scripts {
    let flag = format!("/dev/shm/holdfast-{}-{}", making.id, making.number);
    let seconds = after(making.quiesce.at_most).as_secs();
    let release = format!("[ -e {flag} ] || exit 0; {release} && rm -f {flag}");
    let switch = command_line(&["setsid", "sh", "-c", &format!("sleep {seconds}; {release}")]);
    // Without its own descriptors the command that arms it would never end.
    let arm = format!("setsid true || exit 127; : > {flag} || exit 1; {switch} </dev/null >/dev/null 2>&1 &");
    let pre = format!("{arm} {hold} && exit 0; rm -f {flag}; exit 1");
    let script = |script: String| vec!["sh".to_owned(), "-c".to_owned(), script];
    Scripts { pre: script(pre), post: script(release) }
}
