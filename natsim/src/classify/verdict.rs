//! Known, or unknown and why.

use core::net::SocketAddr;

/// The answer to one question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict<T> {
    /// It was seen.
    Known(T),
    /// It was not, or what was seen can have several causes.
    Unknown(Reason),
}

impl<T> Verdict<T> {
    /// The answer, if there is one.
    pub fn known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }

    /// Why there is none.
    pub const fn reason(&self) -> Option<Reason> {
        match self {
            Self::Known(_) => None,
            Self::Unknown(reason) => Some(*reason),
        }
    }
}

/// Why something is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// Nobody asked for it.
    #[error("not tested")]
    NotTested,
    /// The server answered nothing: it may be down, or UDP may be blocked.
    #[error("the server answered nothing: udp is blocked, or the server is down")]
    NoAnswer,
    /// The server refused.
    #[error("the server refused with error {code}")]
    Refused {
        /// Its error code.
        code: u16,
    },
    /// The server answers, and says nothing of the address it was asked from.
    #[error("the server's answers name no address")]
    NoMappedAddress,
    /// The server has one address, or does not name the other one.
    #[error("the server names no other address (no OTHER-ADDRESS)")]
    NoOtherAddress,
    /// The server's other address is not one that helps.
    #[error(
        "the server names {address} as its other address, which does not differ in ip and port"
    )]
    UselessOtherAddress {
        /// What it named.
        address: SocketAddr,
    },
    /// The server's other address does not answer.
    #[error("the server's other address {address} does not answer")]
    AlternateSilent {
        /// The address that was asked.
        address: SocketAddr,
    },
    /// The server answers requests to answer from elsewhere from where it was asked, or never from
    /// elsewhere.
    #[error("the server does not obey CHANGE-REQUEST")]
    ChangeRequestIgnored,
    /// Answers came only from an address that was not asked.
    #[error("answers came from {from}, which was not expected to answer")]
    UnexpectedSource {
        /// Where from.
        from: SocketAddr,
    },
    /// Too many packets were lost for silence to mean anything.
    #[error("{answered} of {sent} control requests were answered: too many were lost to tell")]
    Loss {
        /// Requests whose answer can not have been filtered.
        sent: u32,
        /// How many of them were answered.
        answered: u32,
    },
    /// Asked twice, the same address gave different answers.
    #[error("the mapping towards one address changed while it was tested")]
    Unsteady,
    /// The mapping depends on the destination; the tests could not tell on what of it.
    #[error(
        "the mapping depends on the destination, it was not seen whether on its address or port"
    )]
    Dependent,
    /// The mapping depends on the port but not on the address, which RFC 4787 has no word for.
    #[error("the mapping depends on the destination's port and not on its address")]
    PortDependent,
    /// Sockets were seen at different IP addresses, so what one socket saw says nothing of the others.
    #[error("the nat has several outside addresses, and sockets were seen at different ones")]
    SeveralAddresses,
    /// The local address is not known, so it can not be compared.
    #[error("the local address is not known")]
    NoLocalAddress,
    /// There is no NAT to have the property.
    #[error("there is no nat")]
    NoNat,
    /// Only few ports were seen.
    #[error("only {count} ports were seen")]
    FewPorts {
        /// How many.
        count: u32,
    },
    /// Some ports were kept, others not.
    #[error("{kept} of {count} ports were kept")]
    SomePorts {
        /// Mapped to themselves.
        kept: u32,
        /// Seen.
        count: u32,
    },
    /// Ports are preserved, so how others would be chosen was not seen.
    #[error("ports are preserved: how others are chosen was not seen")]
    PortsPreserved,
    /// The ports follow no step.
    #[error("the ports follow no stride, they look random")]
    NoStride,
    /// The filter may have dropped what went through the NAT and back.
    #[error("nothing came back, and the filter may have dropped it")]
    MayBeFiltered,
    /// There was no pair of sockets with one port on two local addresses.
    #[error("no second local address was given")]
    NoSecondAddress,
    /// The mapping is not endpoint-independent (or not known to be) without a collision already.
    #[error("the mapping is not known to be endpoint-independent without a collision")]
    NotEndpointIndependent,
    /// The server does not send answers to another port.
    #[error("the server does not obey RESPONSE-PORT")]
    ResponsePortIgnored,
    /// The mapping lived longer than was tried.
    #[error("the mapping still lived after {seconds} s")]
    LongerThan {
        /// The longest time tried.
        seconds: u32,
    },
    /// What is known has no name in RFC 3489.
    #[error("no type of rfc 3489 fits")]
    NoName,
    /// The time was over.
    #[error("there was no time left")]
    OutOfTime,
}
