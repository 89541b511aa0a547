//! How far apart hosts are.

use core::time::Duration;

/// Where a host is on a square; the unit is up to the [`Underlay`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// West to east.
    pub x: u16,
    /// South to north.
    pub y: u16,
}

/// One-way delays between hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Underlay {
    /// The same between any two.
    Uniform(Duration),
    /// In proportion to the distance of the two hosts' [`Position`]s: `nearest` at the same place,
    /// `farthest` at opposite corners of the square.
    Plane {
        /// The delay over no distance.
        nearest: Duration,
        /// The delay over the square's diagonal.
        farthest: Duration,
    },
}

/// 10 to 150 ms one way, the range of a continent and an ocean.
impl Default for Underlay {
    fn default() -> Self {
        Self::Plane { nearest: Duration::from_millis(10), farthest: Duration::from_millis(150) }
    }
}

impl Underlay {
    /// The one-way delay between two hosts, in whole microseconds. Integer arithmetic, so that it is
    /// the same on every machine.
    pub fn delay(&self, a: Position, b: Position) -> Duration {
        match *self {
            Self::Uniform(delay) => delay,
            Self::Plane { nearest, farthest } => {
                let (dx, dy) = (u64::from(a.x.abs_diff(b.x)), u64::from(a.y.abs_diff(b.y)));
                let distance = (dx * dx + dy * dy).isqrt();
                let diagonal = 2 * u64::from(u16::MAX) * u64::from(u16::MAX);
                let span = farthest.saturating_sub(nearest).as_micros() as u64;
                nearest + Duration::from_micros(span * distance / diagonal.isqrt())
            }
        }
    }
}
