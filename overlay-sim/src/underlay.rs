//! How far apart hosts are, and what lies between them.

use core::time::Duration;
use std::sync::Arc;

mod load;
mod matrix;
mod network;
mod transit_stub;

pub use load::{LinkLoad, stretch};
pub use matrix::{LatencyMatrix, MatrixError, MatrixErrorKind};
pub use network::{Network, PhysicalLink};
pub use transit_stub::{TransitStub, TransitStubNetwork};

/// Where a host is, as its world's [`Underlay`] understands it: a [`Position`] on the plane, or the
/// number of a row of a matrix or of a router.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place(u32);

impl Place {
    /// At this router of a [`Network`], or in this row of a [`LatencyMatrix`].
    pub const fn number(number: u32) -> Self {
        Self(number)
    }

    /// The number of the router or row.
    pub const fn as_number(self) -> u32 {
        self.0
    }

    /// The place on the plane.
    pub const fn as_position(self) -> Position {
        Position { x: (self.0 >> 16) as u16, y: self.0 as u16 }
    }
}

/// Where a host is on a square; the unit is up to the [`Underlay`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// West to east.
    pub x: u16,
    /// South to north.
    pub y: u16,
}

impl From<Position> for Place {
    fn from(Position { x, y }: Position) -> Self {
        Self(u32::from(x) << 16 | u32::from(y))
    }
}

/// One-way delays between hosts.
#[derive(Clone, Debug)]
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
    /// As measured, or made up, for each pair of places.
    Matrix(Arc<LatencyMatrix>),
    /// Along the routes of a network: the places are routers.
    Routed {
        /// The routers, and the links between them.
        network: Arc<Network>,
        /// The delay between a host and its router, at both ends.
        access: Duration,
    },
}

/// 10 to 150 ms one way, the range of a continent and an ocean.
impl Default for Underlay {
    fn default() -> Self {
        Self::Plane { nearest: Duration::from_millis(10), farthest: Duration::from_millis(150) }
    }
}

impl Underlay {
    /// The one-way delay from one host to another, in whole microseconds. Integer arithmetic, so that
    /// it is the same on every machine.
    ///
    /// # Panics
    /// If there is no such place.
    pub fn delay(&self, from: impl Into<Place>, to: impl Into<Place>) -> Duration {
        let (from, to) = (from.into(), to.into());
        match self {
            Self::Uniform(delay) => *delay,
            Self::Plane { nearest, farthest } => {
                let (a, b) = (from.as_position(), to.as_position());
                let (dx, dy) = (u64::from(a.x.abs_diff(b.x)), u64::from(a.y.abs_diff(b.y)));
                let distance = (dx * dx + dy * dy).isqrt();
                let diagonal = 2 * u64::from(u16::MAX) * u64::from(u16::MAX);
                let span = farthest.saturating_sub(*nearest).as_micros() as u64;
                *nearest + Duration::from_micros(span * distance / diagonal.isqrt())
            }
            Self::Matrix(matrix) => matrix.delay(from.0, to.0),
            Self::Routed { network, access } => 2 * *access + network.delay(from.0, to.0),
        }
    }

    /// Whether a host can be at this place.
    pub fn has(&self, place: Place) -> bool {
        match self {
            Self::Uniform(_) | Self::Plane { .. } => true,
            Self::Matrix(matrix) => place.0 < matrix.places(),
            Self::Routed { network, .. } => place.0 < network.routers(),
        }
    }
}
