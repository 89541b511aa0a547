//! How long what a NAT remembers stays alive.

use core::time::Duration;

/// How long a mapping or a filter rule lives after the last packet that refreshes it.
///
/// The defaults are what the RFCs recommend; real devices are often shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// UDP: at least two minutes, five or more recommended (RFC 4787, section 4.3, REQ-5).
    pub udp: Duration,
    /// TCP while it opens or closes: at least four minutes (RFC 5382, section 5, REQ-5).
    pub tcp_transitory: Duration,
    /// TCP once packets went both ways: at least 2 hours 4 minutes (RFC 5382, section 5, REQ-5).
    pub tcp_established: Duration,
}

impl Timeouts {
    /// 5 minutes; 4 minutes; 2 hours 4 minutes.
    pub const DEFAULT: Self = Self {
        udp: Duration::from_secs(5 * 60),
        tcp_transitory: Duration::from_secs(4 * 60),
        tcp_established: Duration::from_secs(2 * 60 * 60 + 4 * 60),
    };
}

impl Default for Timeouts {
    fn default() -> Self {
        Self::DEFAULT
    }
}
