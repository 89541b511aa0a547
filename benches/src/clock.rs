//! The clock of all benchmarks.

use rustix::time::{ClockId, clock_gettime};

/// CPU time of this thread in nanoseconds. Unlike time on the wall it stands still while other
/// programs have the core.
pub(crate) fn thread_cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanoseconds = u64::try_from(time.tv_nsec).unwrap_or_default();
    seconds * 1_000_000_000 + nanoseconds
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
}
