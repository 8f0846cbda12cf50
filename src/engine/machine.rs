//! Who writes: this process, on this machine.

/// The name of this machine; empty when it does not tell.
pub fn host() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname");
    let host = host.or_else(|_| std::env::var("HOSTNAME")).unwrap_or_default();
    host.trim().to_owned()
}

/// This process on this machine.
pub(super) fn instance() -> String {
    format!("{}/{}", host(), std::process::id())
}

/// The machine of a process that is named so.
pub(super) fn host_of(instance: &str) -> &str {
    instance.rsplit_once('/').map_or(instance, |(host, _)| host)
}
