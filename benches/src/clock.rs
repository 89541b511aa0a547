//! The clock of all benchmarks.

use std::io;

use rustix::time::{ClockId, clock_gettime};

/// CPU time of this thread in nanoseconds. Unlike time on the wall it stands still while other
/// programs have the core.
pub(crate) fn thread_cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanoseconds = u64::try_from(time.tv_nsec).unwrap_or_default();
    seconds * 1_000_000_000 + nanoseconds
}

/// CPU time of this process's children that have ended, in seconds and good to hundredths: for programs
/// that can only be compared as programs. From `/proc`, so on Linux only.
///
/// # Errors
/// There is no such file, or it does not have the fields that proc(5) says.
pub fn child_cpu_seconds() -> io::Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The second field is a name in parentheses, which may contain anything; the sixteenth and
    // seventeenth are what children took, in user mode and in the kernel.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks: Option<u64> = fields
        .split_ascii_whitespace()
        .skip(13)
        .take(2)
        .map(|field| field.parse::<u64>().ok())
        .sum();
    let ticks = ticks.ok_or(io::Error::other("/proc/self/stat is not as expected"))?;
    Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    use super::*;

    #[test]
    fn runs_while_the_thread_works() {
        let start = thread_cpu_ns();
        let mut sum = 0u64;
        while thread_cpu_ns() == start {
            sum = black_box(sum.wrapping_add(1));
        }
        assert!(thread_cpu_ns() > start);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn children_are_counted_when_they_end() {
        let before = child_cpu_seconds().unwrap();
        let script = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        let status = std::process::Command::new("sh").args(["-c", script]).status().unwrap();
        assert!(status.success());
        assert!(child_cpu_seconds().unwrap() > before);
    }
}
