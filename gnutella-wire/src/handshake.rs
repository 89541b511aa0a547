//! The handshake: what two servents say before they send descriptors.

mod machine;
mod offer;
mod role;
mod start_line;

pub use machine::{Handshake, HandshakeError, HandshakeEvent, Link, Refusal};
pub use offer::{Local, Offer};
pub use role::{Role, roles_fit};
pub use start_line::{Connect, Reply, Version};
