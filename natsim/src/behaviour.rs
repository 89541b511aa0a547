//! How a NAT behaves: mapping and filtering apart (RFC 4787), and the older names for some pairs.

use core::fmt;
use core::num::NonZeroU16;
use core::str::FromStr;

use alloc::borrow::ToOwned;

use crate::ParseBehaviourError;

/// What a NAT does, the things that can be told from outside (RFC 4787 for UDP, RFC 5382 for TCP).
///
/// Start from [`new`](Self::new) or one of the constants and change the fields:
///
/// ```
/// use natsim::{Behaviour, Filtering, Mapping};
///
/// let mut home = Behaviour::new(Mapping::EndpointIndependent, Filtering::AddressDependent);
/// assert_eq!(home, Behaviour::RESTRICTED);
/// home.hairpin = true;
/// ```
///
/// `Display` prints `mapping/filtering` and nothing of the other fields. `FromStr` reads that, the
/// same abbreviated (`eim/apdf`), and RFC 3489's names (`port-restricted`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Behaviour {
    /// When two packets of one inside port get the same outside port (RFC 4787, section 4.1).
    pub mapping: Mapping,
    /// Which packets from outside a mapping lets in (RFC 4787, section 5).
    pub filtering: Filtering,
    /// Whether the outside port is the inside port where that one is free (RFC 4787, section 4.2.1).
    pub port_preservation: bool,
    /// Whether an even inside port gets an even outside port, an odd one an odd one (RFC 4787,
    /// section 4.2.2, REQ-4).
    pub port_parity: bool,
    /// How the outside port is chosen where it is not preserved.
    pub allocation: Allocation,
    /// Whether inside hosts reach each other through their outside addresses (RFC 4787, section 6,
    /// REQ-9). The packet's source is the outside one, and the filter holds for it too.
    pub hairpin: bool,
    /// Whether a UDP packet let in refreshes the mapping and the filter rule (RFC 4787,
    /// section 4.3, REQ-6). A packet sent out always does.
    pub inbound_refresh: bool,
    /// Whether no UDP passes in either direction, as in some companies' networks.
    pub blocks_udp: bool,
}

impl Behaviour {
    /// RFC 3489's full cone: endpoint-independent mapping and filtering.
    pub const FULL_CONE: Self =
        Self::new(Mapping::EndpointIndependent, Filtering::EndpointIndependent);
    /// RFC 3489's (address-)restricted cone: endpoint-independent mapping, address-dependent
    /// filtering.
    pub const RESTRICTED: Self =
        Self::new(Mapping::EndpointIndependent, Filtering::AddressDependent);
    /// RFC 3489's port-restricted cone: endpoint-independent mapping, address- and port-dependent
    /// filtering.
    pub const PORT_RESTRICTED: Self =
        Self::new(Mapping::EndpointIndependent, Filtering::AddressAndPortDependent);
    /// RFC 3489's symmetric NAT: address- and port-dependent mapping and filtering.
    pub const SYMMETRIC: Self =
        Self::new(Mapping::AddressAndPortDependent, Filtering::AddressAndPortDependent);

    /// This mapping and filtering; ports preserved where the mapping is endpoint-independent and
    /// taken in order otherwise, no parity, no hairpin, no refresh from outside, UDP not blocked.
    pub const fn new(mapping: Mapping, filtering: Filtering) -> Self {
        Self {
            mapping,
            filtering,
            port_preservation: matches!(mapping, Mapping::EndpointIndependent),
            port_parity: false,
            allocation: Allocation::SEQUENTIAL,
            hairpin: false,
            inbound_refresh: false,
            blocks_udp: false,
        }
    }

    /// RFC 3489's name for the pair of mapping and filtering; most pairs have none.
    pub fn rfc3489(&self) -> Option<Rfc3489> {
        Rfc3489::ALL.into_iter().find(|name| {
            let named = Self::from(*name);
            (named.mapping, named.filtering) == (self.mapping, self.filtering)
        })
    }

    /// What this NAT with another one between it and the Internet looks like as one: the stricter
    /// mapping and the stricter filtering of the two; only what both do is preserved or refreshed.
    ///
    /// That is what the tests of RFC 5780 see. Where both filter at least as strictly as they map,
    /// as all of RFC 3489's four do, [`reach`](crate::reach()) follows it too; of other pairs some
    /// let a little more through than their maximum, depending on who sends first.
    #[must_use]
    pub fn behind(self, outer: Self) -> Self {
        Self {
            mapping: self.mapping.max(outer.mapping),
            filtering: self.filtering.max(outer.filtering),
            port_preservation: self.port_preservation && outer.port_preservation,
            port_parity: self.port_parity && outer.port_parity,
            allocation: outer.allocation,
            hairpin: outer.hairpin,
            inbound_refresh: self.inbound_refresh && outer.inbound_refresh,
            blocks_udp: self.blocks_udp || outer.blocks_udp,
        }
    }
}

/// `mapping/filtering`, such as `endpoint-independent/address-dependent`.
impl fmt::Display for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.mapping, self.filtering)
    }
}

impl FromStr for Behaviour {
    type Err = ParseBehaviourError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some((mapping, filtering)) = text.split_once('/') {
            return Ok(Self::new(mapping.parse()?, filtering.parse()?));
        }
        match text.parse::<Rfc3489>() {
            Ok(name) => Ok(name.into()),
            Err(error) => Err(ParseBehaviourError {
                expected: "NAT behaviour: expected mapping/filtering, such as eim/apdf, or one of \
                           full-cone, restricted, port-restricted, symmetric",
                ..error
            }),
        }
    }
}

/// When two packets from one inside address and port get the same outside port (RFC 4787,
/// section 4.1). Ordered from the most to the least helpful.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mapping {
    /// Always, wherever they go.
    EndpointIndependent,
    /// When they go to the same address, whatever the port.
    AddressDependent,
    /// When they go to the same address and port.
    AddressAndPortDependent,
}

impl Mapping {
    /// All three, in order.
    pub const ALL: [Self; 3] =
        [Self::EndpointIndependent, Self::AddressDependent, Self::AddressAndPortDependent];
}

impl fmt::Display for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(DEPENDENCE[*self as usize])
    }
}

/// Reads what `Display` prints, and `eim`, `adm`, `apdm`.
impl FromStr for Mapping {
    type Err = ParseBehaviourError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_dependence(text, Self::ALL, ["eim", "adm", "apdm"]).ok_or_else(|| {
            ParseBehaviourError {
                text: text.to_owned(),
                expected: "mapping: expected endpoint-independent, address-dependent or \
                       address-and-port-dependent",
            }
        })
    }
}

/// Which packets from outside a mapping lets in (RFC 4787, section 5). Ordered from the most to the
/// least helpful.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Filtering {
    /// All.
    EndpointIndependent,
    /// Those from an address that something was sent to, whatever the port.
    AddressDependent,
    /// Those from an address and port that something was sent to.
    AddressAndPortDependent,
}

impl Filtering {
    /// All three, in order.
    pub const ALL: [Self; 3] =
        [Self::EndpointIndependent, Self::AddressDependent, Self::AddressAndPortDependent];
}

impl fmt::Display for Filtering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(DEPENDENCE[*self as usize])
    }
}

/// Reads what `Display` prints, and `eif`, `adf`, `apdf`.
impl FromStr for Filtering {
    type Err = ParseBehaviourError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_dependence(text, Self::ALL, ["eif", "adf", "apdf"]).ok_or_else(|| {
            ParseBehaviourError {
                text: text.to_owned(),
                expected: "filtering: expected endpoint-independent, address-dependent or \
                       address-and-port-dependent",
            }
        })
    }
}

/// RFC 4787's words, for [`Mapping`] and [`Filtering`] alike.
const DEPENDENCE: [&str; 3] =
    ["endpoint-independent", "address-dependent", "address-and-port-dependent"];

/// Which of the three a text names, long or short; case does not matter.
fn parse_dependence<T>(text: &str, all: [T; 3], short: [&str; 3]) -> Option<T> {
    all.into_iter()
        .zip(DEPENDENCE.into_iter().zip(short))
        .find(|(_, (long, short))| {
            text.eq_ignore_ascii_case(long) || text.eq_ignore_ascii_case(short)
        })
        .map(|(value, _)| value)
}

/// How an outside port is chosen that is not the inside one.
///
/// Always from the class the inside port belongs to, 1–1023 or 1024–65535 (RFC 4787, section 4.2.1,
/// REQ-3), and always one that is free: no port overloading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Allocation {
    /// So far after the last one, round the class; taken ports are stepped over.
    Sequential {
        /// How far. Seen in the field: 1, 2, 256.
        stride: NonZeroU16,
    },
    /// Uniformly drawn, the same ones for the same seed; from a taken port on to the next free one.
    Random {
        /// The seed. Give each device its own.
        seed: u32,
    },
}

impl Allocation {
    /// Sequential with stride 1.
    pub const SEQUENTIAL: Self = Self::Sequential { stride: NonZeroU16::MIN };
}

/// RFC 3489's four names (section 5). They say nothing for most pairs of mapping and filtering,
/// which is why RFC 4787 gave them up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rfc3489 {
    /// See [`Behaviour::FULL_CONE`].
    FullCone,
    /// See [`Behaviour::RESTRICTED`].
    Restricted,
    /// See [`Behaviour::PORT_RESTRICTED`].
    PortRestricted,
    /// See [`Behaviour::SYMMETRIC`].
    Symmetric,
}

impl Rfc3489 {
    /// All four, from the most to the least helpful.
    pub const ALL: [Self; 4] =
        [Self::FullCone, Self::Restricted, Self::PortRestricted, Self::Symmetric];
}

impl From<Rfc3489> for Behaviour {
    fn from(name: Rfc3489) -> Self {
        match name {
            Rfc3489::FullCone => Self::FULL_CONE,
            Rfc3489::Restricted => Self::RESTRICTED,
            Rfc3489::PortRestricted => Self::PORT_RESTRICTED,
            Rfc3489::Symmetric => Self::SYMMETRIC,
        }
    }
}

/// `full cone`, `restricted cone`, `port restricted cone`, `symmetric`.
impl fmt::Display for Rfc3489 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::FullCone => "full cone",
            Self::Restricted => "restricted cone",
            Self::PortRestricted => "port restricted cone",
            Self::Symmetric => "symmetric",
        })
    }
}

/// Reads what `Display` prints; case does not matter, `-` or `_` may stand for a space, and `cone`
/// may be left out.
impl FromStr for Rfc3489 {
    type Err = ParseBehaviourError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words = || text.split([' ', '-', '_']);
        let is = |expected: &[&str]| {
            words().count() == expected.len()
                && words().zip(expected).all(|(word, expected)| word.eq_ignore_ascii_case(expected))
        };
        if is(&["full", "cone"]) || is(&["full"]) {
            Ok(Self::FullCone)
        } else if is(&["restricted", "cone"]) || is(&["restricted"]) {
            Ok(Self::Restricted)
        } else if is(&["port", "restricted", "cone"]) || is(&["port", "restricted"]) {
            Ok(Self::PortRestricted)
        } else if is(&["symmetric"]) {
            Ok(Self::Symmetric)
        } else {
            Err(ParseBehaviourError {
                text: text.to_owned(),
                expected: "RFC 3489 NAT type: expected full cone, restricted cone, port \
                           restricted cone or symmetric",
            })
        }
    }
}
