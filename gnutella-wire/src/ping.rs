//! Ping: who is there?

use alloc::boxed::Box;

use crate::Extensions;

/// Asks every servent it reaches for a [`Pong`](crate::Pong). In 0.4 the payload is empty; what 0.6
/// servents put there (a GGEP block, usually) is kept as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ping<'a> {
    /// The whole payload.
    pub extension: &'a [u8],
}

impl<'a> Ping<'a> {
    /// The payload as extensions: `SCP` asks for hosts in the answer, `QK` for a query key, `IP` for the
    /// address it came from.
    pub fn extensions(&self) -> Extensions<'a> {
        Extensions::of(self.extension)
    }

    /// A copy that borrows nothing.
    pub fn to_owned(&self) -> OwnedPing {
        OwnedPing { extension: self.extension.into() }
    }
}

/// The owned twin of [`Ping`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnedPing {
    /// The whole payload.
    pub extension: Box<[u8]>,
}

impl OwnedPing {
    /// The borrowed twin.
    pub fn borrow(&self) -> Ping<'_> {
        Ping { extension: &self.extension }
    }
}
