//! A NAT device: packets in, translated packets out.

use core::net::IpAddr;

use alloc::boxed::Box;

use overlay_peer::{Address, Time};

use crate::table::{Rules, Slot, Table};
use crate::{Behaviour, DropReason, OutboundError, Protocol, Timeouts};

/// A NAT device with one public address, as a state machine: no socket, no clock.
///
/// Whoever carries the packets calls [`outbound`](Self::outbound) for each that leaves and
/// [`inbound`](Self::inbound) for each that comes in, with the time, and forwards what they answer.
/// Of TCP it wants to see the first packets of a connection in both directions (SYN, SYN-ACK, ACK)
/// and to be told of the end with [`closed`](Self::closed).
///
/// ```
/// use natsim::{Behaviour, Device, DropReason, Protocol, Timeouts};
/// use overlay_peer::Time;
///
/// let mut nat = Device::new("198.51.100.1".parse()?, Behaviour::RESTRICTED, Timeouts::DEFAULT);
/// let (host, server) = ("10.0.0.2:4000".parse()?, "203.0.113.7:3478".parse()?);
///
/// let mapped = nat.outbound(Protocol::Udp, host, server, Time::ZERO)?;
/// assert_eq!(nat.inbound(Protocol::Udp, server, mapped, Time::from_secs(1)), Ok(host));
///
/// let stranger = "192.0.2.9:3478".parse()?;
/// let answer = nat.inbound(Protocol::Udp, stranger, mapped, Time::from_secs(1));
/// assert_eq!(answer, Err(DropReason::Filtered));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Memory is bounded by [`Limits`]; nothing is allocated before the first packet leaves. What has
/// expired is removed at the next call, in time proportional to what was created before.
///
/// # What is modelled
/// - A mapping lives until its [`Timeouts`] after the last packet sent out (RFC 4787, REQ-5 and REQ-6),
///   or also let in where [`Behaviour::inbound_refresh`] says so.
/// - Filter rules belong to a mapping, and each expires for itself: what was sent to a server does not
///   keep the door open for somebody spoken to ten minutes ago.
/// - The answer to a packet that was let in leaves through the mapping it came in by, even where the
///   mapping depends on the destination, unless another one towards that destination is alive. (RFC 4787
///   leaves it open; a NAT that tracks connections, which is every NAT that carries TCP, does it.)
/// - Ports are never shared by two mappings (REQ-3), are preserved where that is asked for and free, and
///   come from the same class (1–1023, 1024–65535).
/// - Of TCP: a mapping is transitory until packets passed in both directions, then established, then
///   transitory again once the driver says that the connection is [`closed`](Self::closed) (RFC 5382,
///   section 5).
/// - Hairpin: what [`outbound`](Self::outbound) made of a packet to the device's own public address goes
///   into [`inbound`](Self::inbound) of the same device. The filter holds for it too.
#[derive(Clone, Debug)]
pub struct Device {
    public: IpAddr,
    behaviour: Behaviour,
    timeouts: Timeouts,
    limits: Limits,
    table: Option<Box<Table>>,
}

impl Device {
    /// A device with this public address that has seen no packet yet.
    pub const fn new(public: IpAddr, behaviour: Behaviour, timeouts: Timeouts) -> Self {
        Self { public, behaviour, timeouts, limits: Limits::DEFAULT, table: None }
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The address its hosts have outside.
    pub const fn public(&self) -> IpAddr {
        self.public
    }

    /// How it behaves.
    pub const fn behaviour(&self) -> &Behaviour {
        &self.behaviour
    }

    /// How long it remembers.
    pub const fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }

    /// A packet leaves: the source it has outside. Creates the mapping or refreshes it, and lets
    /// the destination answer.
    ///
    /// A packet to the device's own public address is translated like any other; to be handed to
    /// the inside host it then goes through [`inbound`](Self::inbound) (hairpin).
    ///
    /// # Errors
    /// It cannot leave; nothing has changed.
    pub fn outbound(
        &mut self,
        protocol: Protocol,
        source: Address,
        destination: Address,
        now: Time,
    ) -> Result<Address, OutboundError> {
        if self.blocks(protocol) {
            return Err(OutboundError::Blocked);
        }
        if let Some(address) = self.stranger([source, destination]) {
            return Err(OutboundError::Family { address });
        }
        let Self { behaviour, timeouts, limits, table, .. } = self;
        let rules = Rules { behaviour, timeouts, limits, now };
        let table = table.get_or_insert_default();
        table.expire(rules);
        let port = table.send(protocol, source.into(), destination.into(), rules)?;
        Ok(Address::new(self.public, port))
    }

    /// A packet arrives from outside: the inside address it is handed to.
    ///
    /// # Errors
    /// It is dropped; nothing has changed.
    pub fn inbound(
        &mut self,
        protocol: Protocol,
        source: Address,
        destination: Address,
        now: Time,
    ) -> Result<Address, DropReason> {
        if destination.ip() != self.public {
            return Err(DropReason::NotOurs);
        }
        if self.blocks(protocol) {
            return Err(DropReason::Blocked);
        }
        if let Some(address) = self.stranger([source]) {
            return Err(DropReason::Family { address });
        }
        if source.ip() == self.public && !self.behaviour.hairpin {
            return Err(DropReason::Hairpin);
        }
        let Self { behaviour, timeouts, limits, table, .. } = self;
        let rules = Rules { behaviour, timeouts, limits, now };
        let table = table.as_mut().ok_or(DropReason::NoMapping)?;
        table.expire(rules);
        let inside =
            table.hear(Slot { protocol, port: destination.port() }, source.into(), rules)?;
        Ok(inside.into())
    }

    /// A TCP connection between an inside address and an outside one is over: what remembers it
    /// lives for [`Timeouts::tcp_transitory`] from now.
    pub fn closed(&mut self, inside: Address, outside: Address, now: Time) {
        let Self { behaviour, timeouts, limits, table, .. } = self;
        let rules = Rules { behaviour, timeouts, limits, now };
        if let Some(table) = table {
            table.expire(rules);
            table.close(inside.into(), outside.into(), rules);
        }
    }

    /// The mappings alive at `now`, by protocol and outside port. Takes time in proportion to all
    /// that is remembered.
    pub fn mappings(&self, now: Time) -> impl Iterator<Item = Entry> {
        let live = self.table.iter().flat_map(move |table| table.mappings(now));
        live.map(|(slot, inside, expires)| Entry {
            protocol: slot.protocol,
            inside: inside.into(),
            outside: Address::new(self.public, slot.port),
            expires,
        })
    }

    fn blocks(&self, protocol: Protocol) -> bool {
        protocol == Protocol::Udp && self.behaviour.blocks_udp
    }

    /// The first address of the other family.
    fn stranger<const N: usize>(&self, addresses: [Address; N]) -> Option<IpAddr> {
        let other = |address: &IpAddr| address.is_ipv4() != self.public.is_ipv4();
        addresses.iter().map(Address::ip).find(other)
    }
}

/// A live mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its transport.
    pub protocol: Protocol,
    /// The host's own address.
    pub inside: Address,
    /// The address it has outside.
    pub outside: Address,
    /// When it ends unless a packet refreshes it.
    pub expires: Time,
}

/// How much a device remembers at most, all inside hosts together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Mappings; further ones are refused ([`OutboundError::MappingsFull`]).
    pub mappings: u16,
    /// Remotes that were sent to, over all mappings; further ones are refused
    /// ([`OutboundError::RemotesFull`]). Not counted where nothing depends on remotes: over UDP
    /// with endpoint-independent mapping and filtering.
    pub remotes: u16,
    /// Remotes that were let in and not sent to, over all mappings. Packets from further ones are
    /// let in all the same, but over a mapping that depends on the destination the answer leaves
    /// from another port.
    pub unanswered: u16,
}

impl Limits {
    /// 4,096 mappings, 16,384 remotes, 1,024 unanswered: at most about 3 MB.
    pub const DEFAULT: Self = Self { mappings: 4_096, remotes: 16_384, unanswered: 1_024 };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
