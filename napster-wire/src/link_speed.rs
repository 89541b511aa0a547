//! How fast a user's line is, by the user's own word.

use core::fmt;

/// A user's link type (napster.txt, message 2). Numbers beyond [`T3`](Self::T3) are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkSpeed(pub u32);

impl LinkSpeed {
    /// Not known.
    pub const UNKNOWN: Self = Self(0);
    /// Modem, 14.4 kbit/s.
    pub const MODEM_14: Self = Self(1);
    /// Modem, 28.8 kbit/s.
    pub const MODEM_28: Self = Self(2);
    /// Modem, 33.6 kbit/s.
    pub const MODEM_33: Self = Self(3);
    /// Modem, 56.7 kbit/s.
    pub const MODEM_56: Self = Self(4);
    /// ISDN, 64 kbit/s.
    pub const ISDN_64: Self = Self(5);
    /// ISDN, 128 kbit/s.
    pub const ISDN_128: Self = Self(6);
    /// Cable.
    pub const CABLE: Self = Self(7);
    /// DSL.
    pub const DSL: Self = Self(8);
    /// T1, 1.5 Mbit/s.
    pub const T1: Self = Self(9);
    /// T3, 45 Mbit/s, or more.
    pub const T3: Self = Self(10);
}

/// The name users saw, such as `Cable`.
impl fmt::Display for LinkSpeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [&str; 11] = [
            "unknown",
            "14.4 kbps",
            "28.8 kbps",
            "33.6 kbps",
            "56.7 kbps",
            "64K ISDN",
            "128K ISDN",
            "Cable",
            "DSL",
            "T1",
            "T3 or greater",
        ];
        match NAMES.get(self.0 as usize) {
            Some(name) => f.pad(name),
            None => write!(f, "link type {}", self.0),
        }
    }
}
