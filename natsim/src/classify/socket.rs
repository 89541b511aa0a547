//! Sockets, by what was sent from them: each step takes the one before by value.

use core::net::SocketAddr;

/// A socket's number, chosen by whoever opened it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u16);

/// A socket that has sent nothing yet. It can not be copied: who used it has it no more.
#[derive(Debug)]
pub struct Fresh {
    pub(super) id: SocketId,
    pub(super) local: SocketAddr,
}

impl Fresh {
    /// A socket just bound. `local` is the address its packets really leave with; an unspecified one
    /// (`0.0.0.0`) leaves open whether there is a NAT.
    pub const fn new(id: SocketId, local: SocketAddr) -> Self {
        Self { id, local }
    }
}

/// A socket that has sent to the server's primary address, and to its own NAT, at most.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) id: SocketId,
    pub(super) local: SocketAddr,
    /// Its address as the primary address sees it.
    pub(super) mapped: SocketAddr,
}

/// A socket that has sent to the server's other addresses too: no filter can be tested with it.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) id: SocketId,
}

impl From<Asked> for Opened {
    fn from(asked: Asked) -> Self {
        Self { id: asked.id }
    }
}

impl From<Fresh> for Opened {
    fn from(fresh: Fresh) -> Self {
        Self { id: fresh.id }
    }
}
