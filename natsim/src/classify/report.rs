//! What was found, put together from what each step saw.

use core::fmt;
use core::net::SocketAddr;

use super::destinations::{Other, Seen};
use super::series::Outcome;
use super::silence::Silences;
use super::{Reason, Verdict};
use crate::{Behaviour, Filtering, Mapping, Rfc3489};

/// What a classification found.
///
/// Mapping and filtering are told apart, as RFC 4787 has them. Without a NAT the mapping is
/// endpoint-independent, ports are preserved, and the filter is that of a firewall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Whether addresses are translated at all.
    pub nat: Verdict<bool>,
    /// On what of the destination the outside port depends (RFC 5780, section 4.3).
    pub mapping: Verdict<Mapping>,
    /// Whose packets come in (RFC 5780, section 4.4).
    pub filtering: Verdict<Filtering>,
    /// Whether two inside hosts reach each other by their outside addresses (RFC 5780, section 4.5).
    pub hairpin: Verdict<bool>,
    /// Whether the outside port is the inside port.
    pub port_preservation: Verdict<bool>,
    /// How far the next outside port is from the one before.
    pub stride: Verdict<i32>,
    /// Whether outside ports are even where inside ports are.
    pub parity: Verdict<bool>,
    /// What becomes of the mapping when two inside hosts use one port.
    pub collision: Verdict<Collision>,
    /// An address that the server saw.
    pub mapped: Option<SocketAddr>,
}

/// What becomes of a mapping that is endpoint-independent as long as no other inside host uses the
/// same port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collision {
    /// It stays endpoint-independent: the second host has one outside port for all destinations.
    Kept,
    /// The second host has another port towards a destination that the first one uses its port for.
    Remapped,
}

/// `kept`, `remapped`.
impl fmt::Display for Collision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Kept => "kept",
            Self::Remapped => "remapped",
        })
    }
}

impl Report {
    /// Nothing is known, for one reason.
    pub const fn nothing(reason: Reason) -> Self {
        Self {
            nat: Verdict::Unknown(reason),
            mapping: Verdict::Unknown(reason),
            filtering: Verdict::Unknown(reason),
            hairpin: Verdict::Unknown(reason),
            port_preservation: Verdict::Unknown(reason),
            stride: Verdict::Unknown(reason),
            parity: Verdict::Unknown(reason),
            collision: Verdict::Unknown(reason),
            mapped: None,
        }
    }

    /// The type that RFC 3489, section 10.1, would give it: one of the four NATs, `open internet` or
    /// `symmetric udp firewall`. Most pairs of mapping and filtering have no name.
    pub fn rfc3489(&self) -> Verdict<&'static str> {
        let nat = match self.nat {
            Verdict::Known(nat) => nat,
            Verdict::Unknown(reason) => return Verdict::Unknown(reason),
        };
        let (mapping, filtering) = match (self.mapping, self.filtering) {
            (Verdict::Known(mapping), Verdict::Known(filtering)) => (mapping, filtering),
            (Verdict::Unknown(reason), _) | (_, Verdict::Unknown(reason)) => {
                return Verdict::Unknown(reason);
            }
        };
        let name = match (nat, filtering) {
            (false, Filtering::EndpointIndependent) => Some("open internet"),
            (false, Filtering::AddressAndPortDependent) => Some("symmetric udp firewall"),
            (false, Filtering::AddressDependent) => None,
            (true, _) => Behaviour::new(mapping, filtering).rfc3489().map(|name| match name {
                Rfc3489::FullCone => "full cone",
                Rfc3489::Restricted => "restricted cone",
                Rfc3489::PortRestricted => "port restricted cone",
                Rfc3489::Symmetric => "symmetric",
            }),
        };
        name.map_or(Verdict::Unknown(Reason::NoName), Verdict::Known)
    }
}

/// Everything the last two steps saw.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence {
    pub(super) server: SocketAddr,
    pub(super) other: Result<Other, Reason>,
    /// Whether sockets were seen at different IP addresses outside.
    pub(super) several: bool,
    pub(super) silences: Silences,
    pub(super) seen: Seen,
}

impl Evidence {
    /// RFC 5780, section 4.3.
    pub(super) fn mapping(&self) -> Verdict<Mapping> {
        let other = match self.other {
            Ok(other) => other,
            Err(reason) => return Verdict::Unknown(reason),
        };
        let Ok(home) = self.seen.server[0] else { return Verdict::Unknown(LOST) };
        let steady = match self.seen.server[1] {
            Ok(after) if after == home => Ok(()),
            Ok(_) => return Verdict::Unknown(Reason::Unsteady),
            Err(_) => Err(LOST),
        };
        let differs = |mapping| match steady {
            Ok(()) => Verdict::Known(mapping),
            Err(reason) => Verdict::Unknown(reason),
        };
        let unknown = Verdict::Unknown;
        match (self.seen.same_port, self.seen.other) {
            (_, Ok(far)) if !other.named => {
                match (far == home, other.address.ip() == self.server.ip()) {
                    (true, false) => Verdict::Known(Mapping::EndpointIndependent),
                    (true, true) => unknown(Reason::NoOtherAddress),
                    (false, true) => differs(Mapping::AddressAndPortDependent),
                    (false, false) => unknown(Reason::Dependent),
                }
            }
            (Ok(near), Ok(far)) => match (near == home, far == home, near == far) {
                (true, true, _) => Verdict::Known(Mapping::EndpointIndependent),
                (true, false, _) => unknown(Reason::PortDependent),
                (false, true, _) => unknown(Reason::Unsteady),
                (false, false, true) => differs(Mapping::AddressDependent),
                (false, false, false) => differs(Mapping::AddressAndPortDependent),
            },
            (Err(_), Ok(far)) if far == home => Verdict::Known(Mapping::EndpointIndependent),
            (Err(_), Ok(_)) => unknown(Reason::Dependent),
            (_, Err(reason)) => unknown(reason),
        }
    }

    /// RFC 5780, section 4.4.
    pub(super) fn filtering(
        &self,
        nat: Verdict<bool>,
        mapping: Verdict<Mapping>,
    ) -> Verdict<Filtering> {
        let own = |reason| match reason {
            Reason::UnexpectedSource { from } if from == self.server => {
                Reason::ChangeRequestIgnored
            }
            reason => reason,
        };
        match self.silences.both {
            Outcome::Heard => return Verdict::Known(Filtering::EndpointIndependent),
            Outcome::Unclear(reason @ Reason::Refused { .. }) => return Verdict::Unknown(reason),
            Outcome::Unclear(Reason::UnexpectedSource { from }) if self.other.is_ok() => {
                return Verdict::Unknown(own(Reason::UnexpectedSource { from }));
            }
            Outcome::Unclear(_) | Outcome::Silent => {}
        }
        match self.other {
            Err(reason) => return Verdict::Unknown(reason),
            Ok(Other { named: false, .. }) => return Verdict::Unknown(Reason::NoOtherAddress),
            Ok(_) => {}
        }
        if let Outcome::Unclear(reason) = self.silences.both {
            return Verdict::Unknown(reason);
        }
        if let Err(reason) = self.seen.other {
            return Verdict::Unknown(reason);
        }
        // Silence is the filter's only if the answers are sent.
        let [both, port] = self.seen.doors.map(|door| match door {
            Outcome::Heard => Ok(()),
            Outcome::Silent if self.door_is_open(nat, mapping) => Err(Reason::ChangeRequestIgnored),
            // The door could not be opened: the mapping depends on the destination, and the server does
            // not answer to other ports or the NAT has several addresses. The server names its other
            // address, and that answers.
            Outcome::Silent | Outcome::Unclear(Reason::Refused { .. })
                if mapping.known().is_some() =>
            {
                Ok(())
            }
            Outcome::Silent => Err(mapping.reason().unwrap_or(Reason::ChangeRequestIgnored)),
            Outcome::Unclear(reason) => Err(own(reason)),
        });
        match (both, self.silences.port, port) {
            (Err(reason), ..) => Verdict::Unknown(reason),
            (_, Outcome::Heard, _) => Verdict::Known(Filtering::AddressDependent),
            (_, Outcome::Unclear(reason), _) => Verdict::Unknown(own(reason)),
            (_, Outcome::Silent, Err(reason)) => Verdict::Unknown(reason),
            (_, Outcome::Silent, Ok(())) => Verdict::Known(Filtering::AddressAndPortDependent),
        }
    }

    /// Whether answers from elsewhere must have come in at the opened socket.
    fn door_is_open(&self, nat: Verdict<bool>, mapping: Verdict<Mapping>) -> bool {
        // RESPONSE-PORT turns an answer to another port, not to another outside address.
        let same_ip =
            matches!((self.seen.server[0], self.seen.other), (Ok(a), Ok(b)) if a.ip() == b.ip());
        nat == Verdict::Known(false)
            || mapping == Verdict::Known(Mapping::EndpointIndependent)
            || (self.silences.reflected == Outcome::Heard && same_ip)
    }

    /// RFC 5780, section 4.5.
    pub(super) fn hairpin(
        &self,
        nat: Verdict<bool>,
        mapping: Verdict<Mapping>,
        filtering: Verdict<Filtering>,
    ) -> Verdict<bool> {
        match nat {
            Verdict::Known(true) => {}
            Verdict::Known(false) => return Verdict::Unknown(Reason::NoNat),
            Verdict::Unknown(reason) => return Verdict::Unknown(reason),
        }
        // Both sides sent to the address that the other's packets come from, unless it depends on the
        // destination.
        let open = mapping == Verdict::Known(Mapping::EndpointIndependent)
            || filtering == Verdict::Known(Filtering::EndpointIndependent);
        match self.silences.hairpin {
            Outcome::Heard => Verdict::Known(true),
            Outcome::Silent if open => Verdict::Known(false),
            Outcome::Silent => Verdict::Unknown(Reason::MayBeFiltered),
            Outcome::Unclear(reason) => Verdict::Unknown(reason),
        }
    }

    pub(super) fn collision(&self, mapping: Verdict<Mapping>) -> Verdict<Collision> {
        match self.seen.collision {
            Err(reason @ Reason::NoSecondAddress) => Verdict::Unknown(reason),
            _ if mapping != Verdict::Known(Mapping::EndpointIndependent) => {
                Verdict::Unknown(Reason::NotEndpointIndependent)
            }
            Err(reason) => Verdict::Unknown(reason),
            Ok([server, other]) if server == other => Verdict::Known(Collision::Kept),
            Ok(_) => Verdict::Known(Collision::Remapped),
        }
    }
}

/// The server answered before, and now no more.
const LOST: Reason =
    Reason::Loss { sent: super::exchange::Exchange::QUICK.sends as u32, answered: 0 };
