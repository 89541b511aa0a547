//! Where a message can be sent.

/// A transport address: IP address and port, of either family.
///
/// An address is *not* a peer's identity. The local address a peer is bound to ([`Context::here`]),
/// the address its messages come from as the other side sees it ([`LinkState::Open`]'s `remote`) and
/// the address it tells others may all differ when NATs stand between.
///
/// [`Context::here`]: crate::Context::here
/// [`LinkState::Open`]: crate::LinkState::Open
pub type Address = core::net::SocketAddr;
