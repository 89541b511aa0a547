//! Can one host reach another, and how.

use core::fmt;

use crate::{Behaviour, Filtering, Mapping, Protocol};

/// The least that host A and host B must do so that packets go both ways between them.
///
/// Both are registered with a third party over the same protocol and from the port they use, so each
/// has a live mapping towards it; the third party tells each the other's address as it sees it.
/// Ordered from the least to the most effort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Reach {
    /// A sends to the address it was told, and B can answer.
    Direct,
    /// A cannot reach B, B can reach A: the third party asks B to connect (Gnutella's push,
    /// Napster's alternate download).
    Reversal,
    /// Told by the third party, both send at once; each one's packet opens its own NAT for the
    /// other's (hole punching; Ford, Srisuresh and Kegel, USENIX 2005).
    Punch,
    /// Only through somebody else.
    Relay,
}

/// How A reaches B, where each is behind a NAT of this behaviour of its own (not the same one), or
/// (`None`) at a public address without a firewall.
///
/// Over TCP there is no [`Reach::Punch`]: simultaneous open is not modelled.
pub fn reach(a: Option<&Behaviour>, b: Option<&Behaviour>, protocol: Protocol) -> Reach {
    let blocked = |host: Option<&Behaviour>| host.is_some_and(|nat| nat.blocks_udp);
    if protocol == Protocol::Udp && (blocked(a) || blocked(b)) {
        return Reach::Relay;
    }
    // A mapping that lets everybody in is as good as a public address, whatever the NAT maps other
    // destinations to: answers leave through the mapping that the packet came in by.
    let open = |host: Option<&Behaviour>| {
        host.is_none_or(|nat| nat.filtering == Filtering::EndpointIndependent)
    };
    match (a, b) {
        _ if open(b) => Reach::Direct,
        _ if open(a) => Reach::Reversal,
        (Some(a), Some(b)) if protocol == Protocol::Udp && punch(a, b) => Reach::Punch,
        _ => Reach::Relay,
    }
}

/// Whether two NATs that both filter let each other in once both hosts sent to the address that the
/// third party saw.
fn punch(a: &Behaviour, b: &Behaviour) -> bool {
    let stable = |nat: &Behaviour| nat.mapping == Mapping::EndpointIndependent;
    // A host whose port changes with the destination is not at the address the other one sends to.
    // Its own packet must get in from an unexpected port, and the answer then goes to that port.
    let guesses = |nat: &Behaviour| stable(nat) && nat.filtering <= Filtering::AddressDependent;
    (stable(a) && stable(b)) || guesses(a) || guesses(b)
}

/// `direct`, `reversal`, `punch`, `relay`.
impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Direct => "direct",
            Self::Reversal => "reversal",
            Self::Punch => "punch",
            Self::Relay => "relay",
        })
    }
}
