//! Who a pointer points to.

use core::fmt;
use core::net::SocketAddr;

use crate::{Id, Id160};

/// Something with a place on the ring. A bare [`Id`] is one, for rings that exist on paper; a
/// [`Contact`] is one that can be spoken to.
pub trait Place: Copy + Eq + fmt::Debug {
    /// The kind of its identifier.
    type Id: Id;

    /// Its place.
    fn id(&self) -> Self::Id;
}

impl<I: Id> Place for I {
    type Id = I;

    fn id(&self) -> I {
        *self
    }
}

/// A node's identifier and the address it answers at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Contact<I = Id160> {
    /// Its place on the ring.
    pub id: I,
    /// Where it listens, for datagrams and links.
    pub address: SocketAddr,
}

impl<I: Id> Place for Contact<I> {
    type Id = I;

    fn id(&self) -> I {
        self.id
    }
}

/// `id@address`.
impl<I: fmt::Display> fmt::Display for Contact<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.id, self.address)
    }
}
