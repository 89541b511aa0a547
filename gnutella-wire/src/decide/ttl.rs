//! How far a descriptor travels: decisions as pure functions.

/// Bounds on TTL and hops that a servent enforces on what it receives (RFC-Gnutella 0.6, section
/// 2.2.1; in 0.4 servents differed).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TtlRules {
    /// TTL + hops is cut down to this: the longest way a descriptor may travel.
    pub max: u8,
    /// A descriptor with a TTL or hops above this is dropped.
    pub hard: u8,
}

impl TtlRules {
    /// At most 7 hops; more than 15 is an attack or an error.
    pub const DEFAULT: Self = Self { max: 7, hard: 15 };

    /// Judges a descriptor as received: the TTL to go on with, at most what it came with.
    ///
    /// # Errors
    /// It must be dropped.
    #[inline]
    pub const fn received(&self, ttl: u8, hops: u8) -> Result<u8, Dropped> {
        if ttl > self.hard || hops > self.hard {
            return Err(Dropped { ttl, hops, hard: self.hard });
        }
        let left = self.max.saturating_sub(hops);
        Ok(if ttl < left { ttl } else { left })
    }
}

impl Default for TtlRules {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A descriptor that is not passed on, nor answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ttl {ttl} or hops {hops} above the hard limit {hard}")]
pub struct Dropped {
    /// The TTL it came with.
    pub ttl: u8,
    /// The hops it came with.
    pub hops: u8,
    /// The limit.
    pub hard: u8,
}

/// TTL and hops for passing a descriptor on, `None` if it stops here: TTL decreases by one, hops
/// increases by one, and nothing is sent with TTL 0 (Gnutella 0.4, "Descriptor Routing").
#[inline]
pub const fn forward(ttl: u8, hops: u8) -> Option<(u8, u8)> {
    match (ttl, hops.checked_add(1)) {
        (2.., Some(hops)) => Some((ttl - 1, hops)),
        _ => None,
    }
}
