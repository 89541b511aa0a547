//! What the two sides of a link agreed on.

use gnutella_wire::{Role, Version};
use overlay_peer::{Coding, Link};

use crate::Servent;

/// What a servent and a neighbour agreed on in their handshake; see [`Servent::link_info`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkInfo {
    /// The protocol: 0.4 or 0.6.
    pub version: Version,
    /// What the neighbour is; [`Role::Plain`] in 0.4.
    pub role: Role,
    /// In which directions the link is deflated.
    pub coding: Coding,
}

impl Servent {
    /// What was agreed on with a neighbour; `None` if this is no link to one.
    pub fn link_info(&self, link: Link) -> Option<LinkInfo> {
        let slot = self.slot(link)?;
        let known = self.v06.as_ref().and_then(|v06| v06.of(slot));
        Some(match known {
            Some(known) => {
                LinkInfo { version: known.version, role: known.role, coding: known.coding }
            }
            None => LinkInfo { version: Version::V04, role: Role::Plain, coding: Coding::PLAIN },
        })
    }
}
