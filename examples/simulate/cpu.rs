//! What the process has used so far.

use std::time::Duration;

/// The CPU time of this thread; elsewhere than on Linux, time as it passes.
#[cfg(target_os = "linux")]
pub(crate) fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

#[cfg(not(target_os = "linux"))]
#[allow(clippy::disallowed_methods)] // A measurement of the program itself.
pub(crate) fn cpu_time() -> Duration {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed()
}

/// The most memory the process has had at once, in bytes, as the system tells it: `VmHWM` of
/// `/proc/self/status`. `None` where there is no such file.
pub(crate) fn peak_rss() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}
